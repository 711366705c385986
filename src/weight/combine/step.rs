//! The step that combines samples.

use std::sync::Arc;

use super::coverage::{Coverage, Frames};
use super::error::CombineError;
use super::pseudo::PseudoLikelihood;
use super::shares::{self, ShareTable, Shares};
use crate::data::Codes;
use crate::design::UnitTree;
use crate::weight::error::WeightError;
use crate::weight::groups::{Groups, same};
use crate::weight::step::{Done, WeightingStep};
use crate::weight::summary::{DetailValue, StepDetail};

/// Lines of the table about a combination; further ones are left out of it.
const LINES: usize = 200;

/// How samples are combined.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum CombineMethod {
    /// By the probability of being in any of the samples, 1 − ∏(1 − π_k): the union of
    /// independent samples as one sample, a unit that several drew standing in it once (Bankier 1986).
    TotalProbability,
    /// By the expected number of selections Σπ_k: a unit stands in the data as often as it was
    /// drawn (Kalton and Anderson 1986).
    SumOfProbabilities,
    /// The weight divided by the number of samples that could have drawn the unit (Mecatti 2007).
    Multiplicity,
    /// The weight times the share of its sample in the domain and group (Hartley 1962, 1974).
    Composite {
        /// The groups within which shares are set.
        groups: Groups,
        /// How they are set.
        shares: Shares,
    },
    /// Pseudo-maximum likelihood for two frames of known sizes (Skinner and Rao 1996).
    PseudoLikelihood {
        /// Units in the frame of each sample.
        sizes: [f64; 2],
        /// How the share in the common domain is set.
        shares: Shares,
    },
}

/// Which weights are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Start {
    /// The weight of every row is that of the sample that drew it, 1/π_own and what came after.
    OwnSample,
    /// Rows have weight 1, and get the inverse of their probability.
    One,
}

/// What every row is multiplied by.
#[derive(Debug, Clone)]
enum Factors {
    /// Numbers known before the sample was drawn.
    Rows(Arc<Vec<f64>>),
    /// The share of its group, domain and sample.
    Shares(Groups, ShareTable),
    /// Estimated from the weights.
    Likelihood([f64; 2], f64),
}

/// A combination of samples, ready to be carried out.
///
/// The data hold the rows of all samples. A row that its own sample could not have drawn (a member
/// of a boost who is not of its target) gets weight zero and is counted.
///
/// # Assumptions
/// Samples are independent for [`CombineMethod::TotalProbability`]. For the variance the design says whether
/// they are: samples that share PSUs have the same PSU identifiers, independent ones have strata of
/// their own.
#[derive(Debug, Clone)]
pub struct Combination {
    coverage: Coverage,
    frames: Frames,
    method: &'static str,
    source: &'static str,
    factors: Factors,
}

impl Combination {
    /// Prepares a combination; shares are set from `weights`, those before the step.
    ///
    /// # Errors
    /// When coverage does not fit the rows, the method needs probabilities that are not given, shares
    /// or frame sizes are no such numbers, or no row could have been drawn by more than one sample.
    pub fn new(
        samples: Vec<String>,
        sample: Arc<Codes>,
        frames: Frames,
        method: CombineMethod,
        start: Start,
        tree: &UnitTree,
        weights: &[f64],
    ) -> Result<Combination, WeightError> {
        same("samples with a frame", frames.len(), samples.len())?;
        same("rows of the sample variable", sample.len(), weights.len())?;
        let coverage = Coverage::new(samples, sample, &frames, weights)?;
        if !coverage.overlaps() {
            return Err(CombineError::NoOverlap.into());
        }
        let by_row = |factor: &dyn Fn(usize) -> f64| {
            let one = |row| if coverage.is_outside(row) { 0.0 } else { factor(row) };
            Factors::Rows(Arc::new((0..weights.len()).map(one).collect()))
        };
        let own = |row: usize| match start {
            Start::OwnSample => frames.probability(coverage.sample.get(row) as usize, row),
            Start::One => 1.0,
        };
        let all = || 0..coverage.samples.len();
        let is_known = matches!(frames, Frames::Probabilities(_));
        let (name, source, factors) = match &method {
            CombineMethod::TotalProbability | CombineMethod::SumOfProbabilities if !is_known => {
                return Err(CombineError::NeedsProbabilities.into());
            }
            CombineMethod::TotalProbability => {
                // 1 − ∏(1 − π) without loss of digits for small π.
                let none = |row| all().map(|k| (-frames.probability(k, row)).ln_1p()).sum::<f64>();
                let factors = by_row(&|row| own(row) / -none(row).exp_m1());
                ("the probability of being in any sample", "Bankier 1986", factors)
            }
            CombineMethod::SumOfProbabilities => {
                let sum = |row| all().map(|k| frames.probability(k, row)).sum::<f64>();
                let factors = by_row(&|row| own(row) / sum(row));
                ("the expected number of selections", "Kalton and Anderson 1986", factors)
            }
            CombineMethod::Multiplicity => {
                let factors = by_row(&|row| 1.0 / f64::from(coverage.masks[row].count_ones()));
                ("multiplicity", "Mecatti 2007", factors)
            }
            CombineMethod::Composite { groups, shares } => {
                same("rows of the groups", groups.codes.len(), weights.len())?;
                let table = shares::table(&coverage, groups, shares, tree, weights)?;
                (composite(shares), "Hartley 1962", Factors::Shares(groups.clone(), table))
            }
            CombineMethod::PseudoLikelihood { sizes, shares } => {
                if coverage.samples.len() != 2 {
                    return Err(CombineError::TwoFrames(coverage.samples.len()).into());
                }
                if let Some(k) = sizes.iter().position(|s| !s.is_finite() || *s <= 0.0) {
                    let sample = coverage.samples[k].clone();
                    return Err(CombineError::FrameSize { sample, value: sizes[k] }.into());
                }
                let everyone = Groups::everyone(weights.len());
                let table = shares::table(&coverage, &everyone, shares, tree, weights)?;
                let share = |k: u32| table.get(&(0, 3, k)).copied();
                let theta = share(0).or_else(|| Some(1.0 - share(1)?)).unwrap_or(0.5);
                let found = Factors::Likelihood(*sizes, theta);
                ("pseudo-maximum likelihood", "Skinner and Rao 1996", found)
            }
        };
        Ok(Combination { coverage, frames, method: name, source, factors })
    }

    fn apply(&self, before: &[f64]) -> Result<Vec<f64>, WeightError> {
        same("rows of a combination", self.coverage.masks.len(), before.len())?;
        let solved = match &self.factors {
            Factors::Likelihood(sizes, theta) => {
                Some(PseudoLikelihood::new(&self.coverage, *sizes, *theta, before)?)
            }
            _ => None,
        };
        let factor = |row: usize| {
            let (mask, sample) = (self.coverage.masks[row], self.coverage.sample.get(row));
            match (&self.factors, &solved) {
                (Factors::Rows(factors), _) => factors[row],
                _ if self.coverage.is_outside(row) => 0.0,
                (Factors::Shares(groups, table), _) => {
                    table.get(&(groups.codes.get(row), mask, sample)).copied().unwrap_or(0.0)
                }
                (_, Some(solved)) => solved.factor(mask, sample as usize),
                (_, None) => 0.0,
            }
        };
        let one = |(row, &w): (usize, &f64)| if w == 0.0 { 0.0 } else { w * factor(row) };
        Ok(before.iter().enumerate().map(one).collect())
    }

    /// Rows that their own sample could not have drawn, by sample.
    fn outside(&self, before: &[f64]) -> Vec<u64> {
        let mut counts = vec![0; self.coverage.samples.len()];
        for row in (0..before.len()).filter(|&r| before[r] != 0.0) {
            if self.coverage.is_outside(row) {
                counts[self.coverage.sample.get(row) as usize] += 1;
            }
        }
        counts
    }

    fn details(&self, before: &[f64], after: &[f64]) -> Vec<StepDetail> {
        let (old, new) = (self.coverage.sums(before), self.coverage.sums(after));
        let rows = old
            .iter()
            .map(|(&(mask, sample), cell)| {
                let own = &self.coverage.samples[sample as usize];
                let now = new.get(&(mask, sample)).copied().unwrap_or_default();
                vec![
                    DetailValue::Text(self.coverage.names(mask)),
                    DetailValue::Text(own.clone()),
                    DetailValue::Count(cell.n),
                    DetailValue::Number(cell.sum),
                    DetailValue::Number(now.sum),
                    DetailValue::Number(now.sum / cell.sum),
                ]
            })
            .take(LINES)
            .collect();
        let heads = ["Could be drawn by", "Drawn by", "n", "Σw before", "Σw after", "Factor"];
        let mut all = vec![StepDetail {
            title: "Rows by the samples that could have drawn them".to_string(),
            columns: heads.map(str::to_string).to_vec(),
            rows,
        }];
        if let Some(detail) = self.probabilities(before) {
            all.push(detail);
        }
        if let Factors::Shares(groups, table) = &self.factors
            && groups.len() > 1
        {
            let line = |(&(group, mask, sample), share): (&(u32, u32, u32), &f64)| {
                (mask.count_ones() > 1).then(|| {
                    vec![
                        DetailValue::Text(
                            groups.names.get(group as usize).cloned().unwrap_or_default(),
                        ),
                        DetailValue::Text(self.coverage.names(mask)),
                        DetailValue::Text(self.coverage.samples[sample as usize].clone()),
                        DetailValue::Number(*share),
                    ]
                })
            };
            all.push(StepDetail {
                title: "Shares by group".to_string(),
                columns: ["Group", "Could be drawn by", "Sample", "Share"]
                    .map(str::to_string)
                    .to_vec(),
                rows: table.iter().filter_map(line).take(LINES).collect(),
            });
        }
        all
    }

    /// The product of weight and probability by sample: 1 where the weight is the inverse of the
    /// probability and nothing else.
    fn probabilities(&self, before: &[f64]) -> Option<StepDetail> {
        let Frames::Probabilities(_) = &self.frames else { return None };
        let mut ranges = vec![(f64::INFINITY, 0.0, 0.0, 0.0); self.coverage.samples.len()];
        for row in (0..before.len()).filter(|&r| before[r] != 0.0) {
            if !self.coverage.is_outside(row) {
                let sample = self.coverage.sample.get(row) as usize;
                let product = before[row] * self.frames.probability(sample, row);
                let range: &mut (f64, f64, f64, f64) = &mut ranges[sample];
                range.0 = range.0.min(product);
                range.1 += product;
                range.2 = f64::max(range.2, product);
                range.3 += 1.0;
            }
        }
        let line = |(name, range): (&String, &(f64, f64, f64, f64))| {
            vec![
                DetailValue::Text(name.clone()),
                DetailValue::Number(range.0),
                DetailValue::Number(range.1 / range.3),
                DetailValue::Number(range.2),
            ]
        };
        Some(StepDetail {
            title: "Weight before × probability under the own sample".to_string(),
            columns: ["Sample", "Smallest", "Mean", "Largest"].map(str::to_string).to_vec(),
            rows: self
                .coverage
                .samples
                .iter()
                .zip(&ranges)
                .filter(|(_, range)| range.3 > 0.0)
                .map(line)
                .collect(),
        })
    }
}

fn composite(shares: &Shares) -> &'static str {
    match shares {
        Shares::Given(_) => "composites with given shares",
        Shares::EffectiveSize => "composites with shares by effective sample size",
        Shares::MinimumVariance(_) => "composites with shares of smallest variance",
    }
}

impl WeightingStep for Combination {
    fn carry_out(&self, before: &Arc<Vec<f64>>) -> Result<Done, WeightError> {
        let after = Arc::new(self.apply(before)?);
        let outside = self.outside(before);
        let lost: Vec<String> = outside
            .iter()
            .zip(&self.coverage.samples)
            .filter(|(n, _)| **n > 0)
            .map(|(n, s)| {
                let rows = if *n == 1 { "row" } else { "rows" };
                format!("{n} {rows} of {s} outside its frame: weight 0")
            })
            .collect();
        let (adjustment, variance) = match &self.factors {
            Factors::Rows(_) => {
                (None, "the factors are known from the design, there is nothing to estimate")
            }
            Factors::Shares(..) => (None, "the shares are taken as fixed"),
            Factors::Likelihood(sizes, theta) => {
                let solved = PseudoLikelihood::new(&self.coverage, *sizes, *theta, before)?;
                (
                    Some(solved.adjustment(&self.coverage, before, &after)?),
                    "linearised, with the estimated size of the common domain; the share is taken \
                     as fixed",
                )
            }
        };
        Ok(Done {
            details: self.details(before, &after),
            weights: after,
            adjustment,
            kind: "combine".to_string(),
            description: format!(
                "{} combined by {} ({})",
                self.coverage.samples.join(" and "),
                self.method,
                self.source
            ),
            outcome: lost.join("; "),
            status: None,
            margins: Vec::new(),
            variance: variance.to_string(),
        })
    }

    fn repeat(&self, before: &[f64]) -> Result<Vec<f64>, WeightError> {
        self.apply(before)
    }
}
