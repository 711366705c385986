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
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Limit {
    /// A weight.
    Value(f64),
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
struct Cut {
    lower: f64,
    upper: f64,
    n: u64,
    raised: u64,
    lowered: u64,
    moved: f64,
}

impl Trimming {
    fn apply(&self, before: &[f64]) -> Result<(Vec<f64>, Vec<Cut>), WeightError> {
        same("rows of the groups", self.groups.codes.len(), before.len())?;
        let mut after = before.to_vec();
        let mut rows = vec![Vec::new(); self.groups.len()];
        for row in (0..before.len()).filter(|&r| before[r] != 0.0) {
            let group = self.groups.codes.get(row);
            if group != Codes::NONE {
                rows[group as usize].push(row as u32);
            }
        }
        let cuts = (0..rows.len())
            .map(|g| self.cut(&self.groups.names[g], &rows[g], &mut after))
            .collect::<Result<Vec<Cut>, WeightError>>()?;
        Ok((after, cuts))
    }

    fn cut(&self, name: &str, rows: &[u32], w: &mut [f64]) -> Result<Cut, WeightError> {
        let own: Vec<f64> = rows.iter().map(|&r| w[r as usize]).collect();
        let lower = self.lower.map_or(f64::NEG_INFINITY, |l| l.of(&own, -1.0));
        let upper = self.upper.map_or(f64::INFINITY, |l| l.of(&own, 1.0));
        if lower > upper {
            return Err(WeightError::Trim(format!(
                "the limits of the weights cross in group `{name}`: {lower} and {upper}"
            )));
        }
        let mean = own.iter().sum::<f64>() / own.len().max(1) as f64;
        if self.redistribution != Redistribution::None
            && self.strict
            && (mean > upper || mean < lower)
        {
            return Err(WeightError::Trim(format!(
                "the limits {lower} and {upper} of group `{name}` leave no room for its mean weight \
                 of {mean}, so that what is cut off can't be given to others"
            )));
        }
        let (mut values, mut is_cut) = (own.clone(), vec![false; own.len()]);
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
            self.give(gap.value(), &mut values, &is_cut);
            if !self.strict {
                break;
            }
        }
        let count = |test: fn(f64, f64) -> bool| {
            own.iter().zip(&values).zip(&is_cut).filter(|((o, v), c)| **c && test(**v, **o)).count()
        };
        let cut = Cut {
            lower,
            upper,
            n: own.len() as u64,
            raised: count(|v, o| v > o) as u64,
            lowered: count(|v, o| v < o) as u64,
            moved: own.iter().zip(&values).map(|(o, v)| (o - v).abs()).sum::<f64>() / 2.0,
        };
        rows.iter().zip(values).for_each(|(&r, v)| w[r as usize] = v);
        Ok(cut)
    }

    /// Gives what was cut off to the rows that were not.
    fn give(&self, gap: f64, values: &mut [f64], is_cut: &[bool]) {
        let free = || values.iter().zip(is_cut).filter(|(_, cut)| !**cut).map(|(v, _)| *v);
        let (n, sum) = (free().count() as f64, free().sum::<f64>());
        let (add, factor) = match self.redistribution {
            Redistribution::Equal if n > 0.0 => (gap / n, 1.0),
            Redistribution::Proportional if sum != 0.0 => (0.0, 1.0 + gap / sum),
            _ => return,
        };
        for (v, _) in values.iter_mut().zip(is_cut).filter(|(_, cut)| !**cut) {
            *v = *v * factor + add;
        }
    }
}

impl Limit {
    /// The limit for some weights; `side` is 1 for an upper and −1 for a lower limit.
    fn of(self, weights: &[f64], side: f64) -> f64 {
        let n = weights.len();
        let quantile = |p: f64| {
            let rank = ((p * n as f64).ceil() as usize).clamp(1, n.max(1)) - 1;
            order_statistics(weights, |_| true, &[rank])[0]
        };
        let iqr = || quantile(0.75) - quantile(0.25);
        match self {
            _ if n == 0 => side * f64::INFINITY,
            Limit::Value(x) => x,
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
        let columns = [
            "group",
            "n",
            "lower limit",
            "upper limit",
            "cut from above",
            "raised from below",
            "weight moved",
        ];
        let row = |(c, name): (&Cut, &String)| {
            vec![
                DetailValue::Text(name.clone()),
                DetailValue::Count(c.n),
                DetailValue::Number(c.lower),
                DetailValue::Number(c.upper),
                DetailValue::Count(c.lowered),
                DetailValue::Count(c.raised),
                DetailValue::Number(c.moved),
            ]
        };
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
            details: vec![StepDetail {
                title: "Limits".to_string(),
                columns: columns.map(String::from).to_vec(),
                rows: cuts.iter().zip(&self.groups.names).map(row).collect(),
            }],
            variance:
                "ignored by linearisation: the factors are taken as fixed; replicates trim anew"
                    .to_string(),
        })
    }

    fn repeat(&self, before: &[f64]) -> Result<Vec<f64>, WeightError> {
        Ok(self.apply(before)?.0)
    }
}
