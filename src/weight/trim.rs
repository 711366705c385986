//! Trimming: weights brought within limits, and what was cut off given to others.

use std::sync::Arc;

use super::error::WeightError;
use super::groups::{Groups, same};
use super::step::{Done, WeightingStep};
use super::summary::{DetailValue, StepDetail};
use crate::data::Codes;
use crate::numeric::{Sum, order_statistics};

/// Rounds of a strict trimming; each cuts at least one more weight.
const ROUNDS: usize = 1000;

/// How a limit is set, from the weights of a group before the step.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Limit {
    /// A weight.
    Value(f64),
    /// A weight for each group, whatever the weights before the step.
    Groups(Arc<Vec<f64>>),
    /// So many times the median.
    MedianRatio(f64),
    /// So many times the mean.
    MeanRatio(f64),
    /// The quantile of this probability (inverse of the distribution function).
    Percentile(f64),
    /// The third quartile and so many interquartile ranges (Tukey 1977); for a lower limit the first
    /// quartile less them.
    Tukey(f64),
    /// The median and so many interquartile ranges; for a lower limit the median less them.
    MedianIqr(f64),
}

/// Who gets the weight that was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Redistribution {
    /// Nobody: the sum of the weights falls.
    None,
    /// The rows that were not cut, each the same.
    Equal,
    /// The rows that were not cut, in the proportion of their weights.
    Proportional,
}

/// A trimming, ready to be carried out.
///
/// Within each group the limits are taken from the weights of that group. Rows outside every group
/// and rows with weight zero keep their weight.
///
/// Source: Potter (1990); Valliant, Dever and Kreuter (2018, §14.4). Equal redistribution is what R
/// `trimWeights` does.
#[derive(Debug, Clone)]
pub struct Trimming {
    /// The groups.
    pub groups: Groups,
    /// The lower limit.
    pub lower: Option<Limit>,
    /// The upper limit.
    pub upper: Option<Limit>,
    /// Who gets what was cut off.
    pub redistribution: Redistribution,
    /// Cut again what redistribution has raised above the limit, until nothing is.
    pub strict: bool,
}

/// What happened in one group.
#[derive(Debug, Clone)]
pub(super) struct Cut {
    pub lower: f64,
    pub upper: f64,
    pub n: u64,
    pub raised: u64,
    pub lowered: u64,
    pub moved: f64,
}

/// The rows with a weight in each group.
pub(super) fn members(groups: &Groups, weights: &[f64]) -> Result<Vec<Vec<u32>>, WeightError> {
    same("rows of the groups", groups.codes.len(), weights.len())?;
    let mut rows = vec![Vec::new(); groups.len()];
    for row in (0..weights.len()).filter(|&r| weights[r] != 0.0) {
        let group = groups.codes.get(row);
        if group != Codes::NONE {
            rows[group as usize].push(row as u32);
        }
    }
    Ok(rows)
}

impl Trimming {
    pub(super) fn apply(&self, before: &[f64]) -> Result<(Vec<f64>, Vec<Cut>), WeightError> {
        let limits = self.limits(before)?;
        self.apply_limits(before, &limits)
    }

    /// The lower and the upper limit of each group.
    pub(super) fn limits(&self, before: &[f64]) -> Result<Vec<(f64, f64)>, WeightError> {
        let of_group = |(group, rows): (usize, Vec<u32>)| {
            let own: Vec<f64> = rows.iter().map(|&r| before[r as usize]).collect();
            let of = |limit: &Option<Limit>, side: f64| {
                limit.as_ref().map_or(side * f64::INFINITY, |l| l.of(&own, side, group))
            };
            let (lower, upper) = (of(&self.lower, -1.0), of(&self.upper, 1.0));
            if lower > upper || lower.is_nan() || upper.is_nan() {
                return Err(WeightError::Trim(format!(
                    "the limits of the weights cross in group `{}`: {lower} and {upper}",
                    self.groups.names[group]
                )));
            }
            Ok((lower, upper))
        };
        members(&self.groups, before)?.into_iter().enumerate().map(of_group).collect()
    }

    /// Cuts at given limits.
    pub(super) fn apply_limits(
        &self,
        before: &[f64],
        limits: &[(f64, f64)],
    ) -> Result<(Vec<f64>, Vec<Cut>), WeightError> {
        let mut after = before.to_vec();
        let mut cuts = Vec::new();
        for (group, rows) in members(&self.groups, before)?.into_iter().enumerate() {
            let own: Vec<f64> = rows.iter().map(|&r| before[r as usize]).collect();
            let (lower, upper) = limits[group];
            let mean = own.iter().sum::<f64>() / own.len().max(1) as f64;
            if self.redistribution != Redistribution::None
                && self.strict
                && (mean > upper || mean < lower)
            {
                return Err(WeightError::Trim(format!(
                    "the limits {lower} and {upper} of group `{}` leave no room for its mean weight \
                     of {mean}, so that what is cut off can't be given to others",
                    self.groups.names[group]
                )));
            }
            let trimmed = cut_group(&own, lower, upper, self.redistribution, self.strict);
            rows.iter().zip(&trimmed.values).for_each(|(&r, v)| after[r as usize] = *v);
            cuts.push(trimmed.cut(&own, lower, upper));
        }
        Ok((after, cuts))
    }

    /// A table of the limits of each group and what they did.
    pub(super) fn table(&self, cuts: &[Cut]) -> StepDetail {
        let columns = [
            "group",
            "n",
            "lower limit",
            "upper limit",
            "cut from above",
            "raised from below",
            "weight moved",
        ];
        let limit = |x: f64| {
            if x.is_finite() {
                DetailValue::Number(x)
            } else {
                DetailValue::Text("none".to_string())
            }
        };
        let row = |(c, name): (&Cut, &String)| {
            vec![
                DetailValue::Text(name.clone()),
                DetailValue::Count(c.n),
                limit(c.lower),
                limit(c.upper),
                DetailValue::Count(c.lowered),
                DetailValue::Count(c.raised),
                DetailValue::Number(c.moved),
            ]
        };
        StepDetail {
            title: "Limits".to_string(),
            columns: columns.map(String::from).to_vec(),
            rows: cuts.iter().zip(&self.groups.names).map(row).collect(),
        }
    }
}

/// The weights of one group after the cut.
pub(super) struct Trimmed {
    pub values: Vec<f64>,
    is_cut: Vec<bool>,
}

impl Trimmed {
    fn cut(&self, own: &[f64], lower: f64, upper: f64) -> Cut {
        let count = |test: fn(f64, f64) -> bool| {
            let all = own.iter().zip(&self.values).zip(&self.is_cut);
            all.filter(|((o, v), c)| **c && test(**v, **o)).count() as u64
        };
        Cut {
            lower,
            upper,
            n: own.len() as u64,
            raised: count(|v, o| v > o),
            lowered: count(|v, o| v < o),
            moved: own.iter().zip(&self.values).map(|(o, v)| (o - v).abs()).sum::<f64>() / 2.0,
        }
    }
}

/// Cuts the weights of one group, and gives what was cut off to the others; `strict` repeats until
/// nothing is beyond a limit.
pub(super) fn cut_group(
    own: &[f64],
    lower: f64,
    upper: f64,
    redistribution: Redistribution,
    strict: bool,
) -> Trimmed {
    let (mut values, mut is_cut) = (own.to_vec(), vec![false; own.len()]);
    for round in 0..ROUNDS {
        let mut gap = Sum::default();
        let mut any = false;
        for (x, is_cut) in values.iter_mut().zip(&mut is_cut) {
            // What rounding leaves beside a limit was cut there before.
            let limited = x.clamp(lower, upper);
            if limited != *x && (!*is_cut || round == 0) {
                gap.add(*x - limited);
                *x = limited;
                *is_cut = true;
                any = true;
            }
        }
        if !any {
            break;
        }
        give(redistribution, gap.value(), &mut values, &is_cut);
        if !strict {
            break;
        }
    }
    Trimmed { values, is_cut }
}

/// Gives what was cut off to the rows that were not.
fn give(redistribution: Redistribution, gap: f64, values: &mut [f64], is_cut: &[bool]) {
    let free = || values.iter().zip(is_cut).filter(|(_, cut)| !**cut).map(|(v, _)| *v);
    let (n, sum) = (free().count() as f64, free().sum::<f64>());
    let (add, factor) = match redistribution {
        Redistribution::Equal if n > 0.0 => (gap / n, 1.0),
        Redistribution::Proportional if sum != 0.0 => (0.0, 1.0 + gap / sum),
        _ => return,
    };
    for (v, _) in values.iter_mut().zip(is_cut).filter(|(_, cut)| !**cut) {
        *v = *v * factor + add;
    }
}

impl Limit {
    /// The limit for some weights; `side` is 1 for an upper and −1 for a lower limit.
    fn of(&self, weights: &[f64], side: f64, group: usize) -> f64 {
        let n = weights.len();
        let quantile = |p: f64| {
            let rank = ((p * n as f64).ceil() as usize).clamp(1, n.max(1)) - 1;
            order_statistics(weights, |_| true, &[rank])[0]
        };
        let iqr = || quantile(0.75) - quantile(0.25);
        match *self {
            _ if n == 0 => side * f64::INFINITY,
            Limit::Value(x) => x,
            Limit::Groups(ref of) => of.get(group).copied().unwrap_or(side * f64::INFINITY),
            Limit::MedianRatio(k) => k * quantile(0.5),
            Limit::MeanRatio(k) => k * weights.iter().sum::<f64>() / n as f64,
            Limit::Percentile(p) => quantile(p),
            Limit::Tukey(k) => quantile(if side > 0.0 { 0.75 } else { 0.25 }) + side * k * iqr(),
            Limit::MedianIqr(k) => quantile(0.5) + side * k * iqr(),
        }
    }
}

impl WeightingStep for Trimming {
    fn carry_out(&self, before: &Arc<Vec<f64>>) -> Result<Done, WeightError> {
        let (after, cuts) = self.apply(before)?;
        let (lowered, raised) =
            cuts.iter().fold((0, 0), |all, c| (all.0 + c.lowered, all.1 + c.raised));
        let given = match self.redistribution {
            Redistribution::None => "given to nobody",
            Redistribution::Equal => "spread equally over the others",
            Redistribution::Proportional => "spread over the others in proportion",
        };
        let within = if cuts.len() > 1 { " within groups" } else { "" };
        Ok(Done {
            weights: Arc::new(after),
            adjustment: None,
            kind: "trim".to_string(),
            description: format!("trimmed{within}, what was cut off {given}"),
            outcome: format!("{lowered} weights cut, {raised} raised"),
            status: None,
            margins: Vec::new(),
            details: vec![self.table(&cuts)],
            variance:
                "ignored by linearisation: the factors are taken as fixed; replicates trim anew"
                    .to_string(),
        })
    }

    fn repeat(&self, before: &[f64]) -> Result<Vec<f64>, WeightError> {
        Ok(self.apply(before)?.0)
    }
}
