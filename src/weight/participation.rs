//! Samples that were not drawn: pseudo-weights from a model of participation and a reference sample.

use std::sync::Arc;

use super::adjustment::{Adjustment, Carrier};
use super::calibrate::Cells;
use super::error::WeightError;
use super::groups::same;
use super::nonresponse::Equations;
use super::psus::Psus;
use super::step::{Done, WeightingStep};
use super::summary::MarginLine;
use crate::aggregate::{XColumns, XTerm};
use crate::data::{Codes, Numbers};
use crate::design::UnitTree;
use crate::numeric::SymmetricSolver;

/// How the probabilities of participation are estimated from the two samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParticipationMethod {
    /// The pseudo likelihood of Chen, Li and Wu (2020, eq. 3): Σ_A x = Σ_B d π x, and w = 1/π.
    PseudoLikelihood,
    /// Weighted logistic regression of being in the sample over both samples pooled, the sample with weight
    /// one and the reference with its weights: Σ_A (1 − p) x = Σ_B d p x, and w = (1 − p)/p, the inverse
    /// odds (Elliott and Valliant 2017, §3.2; Wang, Valliant and Li 2021).
    Pooled,
}

/// A probability sample of the population that the other sample is to stand for.
#[derive(Debug, Clone)]
pub struct Reference {
    /// Its weights d, one per row.
    pub weights: Arc<Vec<f64>>,
    /// Its design: totals of first-stage units, with replacement within strata, give its variances.
    pub tree: Arc<UnitTree>,
}

/// A participation model, ready to be carried out.
///
/// The weights w follow from π(x) = P(participates | x), which must be above zero for everybody and
/// depend on x alone: both are assumptions. The linearised variance has the participation as
/// independent trials and the sampling error of the reference (Chen, Li and Wu 2020, §3.3), see
/// docs/methods/non-probability.md.
#[derive(Debug, Clone)]
pub struct Participation {
    x: XColumns,
    reference_x: XColumns,
    pooled: XColumns,
    /// The variable and the level (empty for a number) of each column.
    names: Vec<(String, String)>,
    reference: Arc<Reference>,
    method: ParticipationMethod,
}

/// The fitted model.
#[derive(Debug, Clone)]
pub struct ParticipationFit {
    /// π of each row of the sample; NaN where it has no weight.
    pub probabilities: Vec<f64>,
    /// The weight of each row of the sample.
    pub weights: Vec<f64>,
    /// dw = −slope w x'dλ, one per row of the sample.
    pub slope: Vec<f64>,
    /// What a row of the sample adds to the equations: c x.
    pub carrier: Vec<f64>,
    /// What a row of the reference takes off: s x.
    pub reference_carrier: Vec<f64>,
    /// The matrix M with dλ = M⁻¹ d(Σ_A c x − Σ_B s x).
    pub solver: SymmetricSolver,
    /// Newton steps.
    pub steps: usize,
    /// Columns of the model that depend on others.
    pub dependent: usize,
}

/// Columns of two samples one after the other. Terms must have the same widths.
pub fn pooled(first: &XColumns, second: &XColumns, rows: (usize, usize)) -> XColumns {
    let terms = first.terms.iter().zip(&second.terms).map(|(a, b)| {
        let codes = |t: &XTerm, n: usize| -> Vec<u32> {
            t.codes.as_ref().map_or_else(|| vec![0; n], |c| c.to_vec())
        };
        let values = |t: &XTerm, n: usize| -> Vec<f64> {
            t.values.as_ref().map_or_else(|| vec![1.0; n], |v| v.to_vec())
        };
        let has = |of: fn(&XTerm) -> bool| of(a) || of(b);
        XTerm {
            codes: has(|t| t.codes.is_some()).then(|| {
                let all = [codes(a, rows.0), codes(b, rows.1)].concat();
                Arc::new(Codes::pack(&all, a.width))
            }),
            values: has(|t| t.values.is_some())
                .then(|| Arc::new(Numbers::pack([values(a, rows.0), values(b, rows.1)].concat()))),
            width: a.width,
        }
    });
    XColumns { terms: terms.collect() }
}

impl Participation {
    /// A model on the columns `x` of the sample and the same columns of the reference, an intercept among
    /// them; `names` has the variable and the level of each.
    ///
    /// # Errors
    /// When the columns of the two differ in number or their lengths disagree.
    pub fn new(
        x: XColumns,
        reference_x: XColumns,
        names: Vec<(String, String)>,
        rows: usize,
        reference: Arc<Reference>,
        method: ParticipationMethod,
    ) -> Result<Participation, WeightError> {
        same("columns of the reference sample", reference_x.width(), x.width())?;
        same("terms of the reference sample", reference_x.terms.len(), x.terms.len())?;
        same("names of the columns", names.len(), x.width())?;
        same(
            "rows of the reference sample",
            reference.tree.unit_of_row.len(),
            reference.weights.len(),
        )?;
        for (columns, rows) in [(&x, rows), (&reference_x, reference.weights.len())] {
            for term in &columns.terms {
                let lengths =
                    [term.codes.as_ref().map(|c| c.len()), term.values.as_ref().map(|v| v.len())];
                for length in lengths.into_iter().flatten() {
                    same("rows of a variable of the participation model", length, rows)?;
                }
            }
        }
        let pooled = pooled(&x, &reference_x, (rows, reference.weights.len()));
        Ok(Participation { x, reference_x, pooled, names, reference, method })
    }

    /// Fits the model to a sample with given base weights (one for every participant, as a rule).
    ///
    /// # Errors
    /// When lengths disagree, a value is missing, a level is in one of the samples only, or the
    /// equations have no solution.
    pub fn fit(&self, before: &[f64]) -> Result<ParticipationFit, WeightError> {
        let d = &self.reference.weights;
        self.complete(&self.x, before, "the sample")?;
        self.complete(&self.reference_x, d, "the reference sample")?;
        self.overlap(before)?;
        let all: Vec<f64> = before.iter().chain(d.iter()).copied().collect();
        let cells = Cells::new(&self.pooled, &all, None);
        let (mut seen, mut total) = (vec![0.0; cells.len()], vec![0.0; cells.len()]);
        for (row, &w) in all.iter().enumerate().filter(|(_, w)| **w != 0.0) {
            let cell = cells.of_row.get(row) as usize;
            let of_sample = row < before.len();
            if of_sample {
                seen[cell] += w;
            }
            if !of_sample || self.method == ParticipationMethod::Pooled {
                total[cell] += w;
            }
        }
        let equations = Equations { cells: &cells, total: &total, seen: &seen };
        let columns = self.x.width();
        let solved = equations.solve(columns)?;
        if !solved.converged {
            return Err(WeightError::Participation(
                "the model of participation has no solution: for some combination of its variables \
                 the sample is as large as the reference says that the population is"
                    .to_string(),
            ));
        }
        let p = |row: usize| match all[row] {
            0.0 => f64::NAN,
            _ => solved.p[cells.of_row.get(row) as usize],
        };
        let n = before.len();
        let is_pooled = self.method == ParticipationMethod::Pooled;
        let probability = |p: f64| if is_pooled { p / (1.0 - p) } else { p };
        let each = |of: &dyn Fn(usize, f64) -> f64| -> Vec<f64> {
            (0..n).map(|row| if before[row] == 0.0 { 0.0 } else { of(row, p(row)) }).collect()
        };
        let weights = each(&|row, p| before[row] / probability(p));
        if weights.iter().any(|w| !w.is_finite()) {
            return Err(WeightError::Participation(
                "the model gives some rows a probability of participation of zero".to_string(),
            ));
        }
        Ok(ParticipationFit {
            probabilities: (0..n).map(|row| probability(p(row))).collect(),
            slope: each(&|_, p| if is_pooled { 1.0 } else { 1.0 - p }),
            carrier: each(&|row, p| before[row] * if is_pooled { 1.0 - p } else { 1.0 }),
            reference_carrier: d
                .iter()
                .enumerate()
                .map(|(row, &d)| if d == 0.0 { 0.0 } else { d * p(n + row) })
                .collect(),
            weights,
            dependent: columns - solved.information.rank(),
            solver: solved.information,
            steps: solved.steps,
        })
    }

    /// The columns of the sample and of the reference.
    pub fn columns(&self) -> (&XColumns, &XColumns) {
        (&self.x, &self.reference_x)
    }

    fn complete(&self, x: &XColumns, w: &[f64], whose: &str) -> Result<(), WeightError> {
        let mut first = 0;
        for term in &x.terms {
            let lacks = |&row: &usize| {
                let code = term.codes.as_ref().map_or(0, |c| c.get(row));
                let value = term.values.as_ref().map_or(1.0, |v| v.get(row));
                w[row] != 0.0 && (code == Codes::NONE || value.is_nan())
            };
            let missing: Vec<usize> = (0..w.len()).filter(lacks).collect();
            if let Some(row) = missing.first() {
                return Err(WeightError::Participation(format!(
                    "`{}` has no value in {} rows of {whose}, first in row {}; the model of \
                     participation needs one in every row",
                    self.names[first].0,
                    missing.len(),
                    row + 1
                )));
            }
            first += term.width;
        }
        Ok(())
    }

    /// Every level must be in both samples: nobody can stand for a level that has no participant, and
    /// of one that the reference lacks nothing is known.
    fn overlap(&self, before: &[f64]) -> Result<(), WeightError> {
        let own = self.sums(&self.x, before);
        let other = self.sums(&self.reference_x, &self.reference.weights);
        let all = other.first().copied().unwrap_or(0.0).max(f64::MIN_POSITIVE);
        for ((name, level), (own, other)) in self.names.iter().zip(own.iter().zip(&other)) {
            if level.is_empty() {
                continue;
            }
            if *own == 0.0 && *other > 0.0 {
                return Err(WeightError::Participation(format!(
                    "nobody in the sample has `{level}` of `{name}`, which the reference puts at {:.2} % of \
                     the population; nobody can stand for them",
                    100.0 * other / all
                )));
            }
            if *own > 0.0 && *other == 0.0 {
                return Err(WeightError::Participation(format!(
                    "nobody in the reference sample has `{level}` of `{name}`, so that their participation \
                     can't be modelled"
                )));
            }
        }
        Ok(())
    }

    fn sums(&self, x: &XColumns, w: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; x.width()];
        for row in (0..w.len()).filter(|&r| w[r] != 0.0) {
            x.row(row).for_each(|(column, value)| sums[column] += w[row] * value);
        }
        sums
    }

    fn lines(&self, before: &[f64], after: &[f64]) -> Vec<MarginLine> {
        let target = self.sums(&self.reference_x, &self.reference.weights);
        let (was, is) = (self.sums(&self.x, before), self.sums(&self.x, after));
        let mut n = vec![0; self.x.width()];
        for row in (0..before.len()).filter(|&r| before[r] != 0.0) {
            self.x.row(row).for_each(|(column, _)| n[column] += 1);
        }
        let line = |(column, (margin, level)): (usize, &(String, String))| MarginLine {
            margin: margin.clone(),
            level: level.clone(),
            n: n[column],
            target: target[column],
            before: was[column],
            after: is[column],
        };
        self.names.iter().enumerate().map(line).collect()
    }
}

impl WeightingStep for Participation {
    fn carry_out(&self, before: &Arc<Vec<f64>>) -> Result<Done, WeightError> {
        let fit = self.fit(before)?;
        let psus = Psus::new(&self.reference.tree, self.reference.weights.len())?;
        let covariance = psus.covariance(&self.reference_x, &fit.reference_carrier);
        let mut variables: Vec<&str> = self.names.iter().map(|(name, _)| name.as_str()).collect();
        variables.dedup();
        let used = before.iter().filter(|w| **w != 0.0).count();
        let method = match self.method {
            ParticipationMethod::PseudoLikelihood => "pseudo likelihood (Chen, Li and Wu 2020)",
            ParticipationMethod::Pooled => {
                "pooled weighted logistic regression (Elliott and Valliant 2017)"
            }
        };
        let q = fit.weights.iter().zip(&fit.slope).map(|(w, s)| w * s).collect();
        Ok(Done {
            adjustment: Some(Adjustment {
                target_covariance: Some(covariance),
                ..Adjustment::new(
                    self.x.clone(),
                    Arc::new(q),
                    Carrier::Rows(Arc::new(fit.carrier)),
                    fit.solver,
                )
            }),
            kind: "participation".to_string(),
            description: format!(
                "model-dependent: inverse probabilities of participation by {}, {method}",
                variables.join(", ")
            ),
            outcome: format!(
                "{used} participants against {} of the reference; the model took {} steps{}",
                self.reference.weights.iter().filter(|w| **w != 0.0).count(),
                fit.steps,
                match fit.dependent {
                    0 => String::new(),
                    k => format!(", {k} of its columns depend on others"),
                }
            ),
            status: None,
            margins: self.lines(before, &fit.weights),
            details: Vec::new(),
            variance:
                "participation as independent trials with the modelled probabilities, and the \
                       sampling error of the reference; right only if the model is"
                    .to_string(),
            weights: Arc::new(fit.weights),
        })
    }

    fn repeat(&self, before: &[f64]) -> Result<Vec<f64>, WeightError> {
        Ok(self.fit(before)?.weights)
    }
}
