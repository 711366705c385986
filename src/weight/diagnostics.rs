//! What a statistician asks of a weighting step besides its summary: factors, balance, groups, the
//! largest weights.

use serde::Serialize;

use super::groups::Groups;
use super::ledger::Ledger;
use super::summary::{MarginLine, WeightSummary};
use super::traded::TradedLine;
use crate::data::Codes;

/// Classes of the histogram of factors.
const BINS: usize = 24;

/// Largest weights that are listed.
const LARGEST: usize = 10;

/// Diagnostics of one step.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct StepDiagnostics {
    /// Weighting efficiency n_eff/n = (Σw)²/(n Σw²), between 0 and 1 (Kish 1965, §11.7).
    pub efficiency: f64,
    /// How the factors of the step are distributed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub factors: Option<Histogram>,
    /// The shares of the margins before and after, with standardised differences from the target.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub balance: Vec<BalanceLine>,
    /// The weights in the groups that the study is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupWeights>,
    /// The largest weights after the step, largest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub largest: Vec<LargeWeight>,
    /// What a step that trades bias for variance did to the means of groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub traded: Vec<TradedLine>,
}

/// A histogram with classes of equal width.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Histogram {
    /// Lower limit of the first class.
    pub low: f64,
    /// Upper limit of the last class, which it belongs to.
    pub high: f64,
    /// Rows in each class.
    pub counts: Vec<u64>,
    /// Rows whose weight became zero in the step; they are in no class.
    pub zeroed: u64,
}

/// One level of a margin: shares, and how far they are from the target.
///
/// The standardised difference of a share p from its target P is (p − P)/√(P (1 − P)) (the denominator of
/// Austin 2009, with the population in place of the pooled groups).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BalanceLine {
    /// The margin.
    pub margin: String,
    /// The level.
    pub level: String,
    /// The target as a share of its margin.
    pub target: f64,
    /// The weighted share before the step.
    pub before: f64,
    /// The weighted share after it.
    pub after: f64,
    /// Standardised difference before.
    pub difference_before: f64,
    /// Standardised difference after.
    pub difference_after: f64,
}

/// The weights in one group.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupWeights {
    /// The variables that make the groups.
    pub by: String,
    /// The group.
    pub group: String,
    /// Its share of the sum of weights.
    pub share: f64,
    /// Its weights after the step.
    pub weights: WeightSummary,
}

/// One of the largest weights.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LargeWeight {
    /// The row of the data, from 1.
    pub row: usize,
    /// Which case it is: names and values of the variables that identify it.
    pub case: Vec<(String, String)>,
    /// Its base weight.
    pub base: f64,
    /// Its weight before the step.
    pub before: f64,
    /// Its weight after.
    pub weight: f64,
    /// Its weight over the mean weight.
    pub relative: f64,
    /// Its share of the sum of weights.
    pub share: f64,
}

/// What to look at besides.
pub struct DiagnosticRequest<'a> {
    /// Groups, each with the names of its variables.
    pub groups: Vec<(String, Groups)>,
    /// What identifies the case in a row (from 0).
    pub case: &'a dyn Fn(usize) -> Vec<(String, String)>,
}

impl Ledger {
    /// Adds diagnostics by group and of the largest weights to the summaries of all steps.
    ///
    /// Groups have one entry per row; those of another length are left out.
    pub fn diagnose(&mut self, request: &DiagnosticRequest<'_>) {
        let base = self.steps()[0].weights.clone();
        let mut before = base.clone();
        let members: Vec<Vec<Vec<u32>>> =
            request.groups.iter().map(|(_, groups)| members(groups, base.len())).collect();
        for step in self.steps_mut() {
            let after = step.weights.clone();
            let summary = &step.summary.weights;
            let diagnostics = &mut step.summary.diagnostics;
            diagnostics.groups = request
                .groups
                .iter()
                .zip(&members)
                .flat_map(|((by, groups), members)| {
                    groups.names.iter().zip(members).map(|(name, rows)| {
                        let own: Vec<f64> = rows.iter().map(|&r| after[r as usize]).collect();
                        let weights = WeightSummary::of(&own);
                        GroupWeights {
                            by: by.clone(),
                            group: name.clone(),
                            share: if summary.sum == 0.0 { 0.0 } else { weights.sum / summary.sum },
                            weights,
                        }
                    })
                })
                .collect();
            let mean = summary.sum / summary.n.max(1) as f64;
            diagnostics.largest = largest(&after)
                .into_iter()
                .map(|row| LargeWeight {
                    row: row + 1,
                    case: (request.case)(row),
                    base: base[row],
                    before: before[row],
                    weight: after[row],
                    relative: after[row] / mean,
                    share: after[row] / summary.sum,
                })
                .collect();
            before = after;
        }
    }
}

fn members(groups: &Groups, rows: usize) -> Vec<Vec<u32>> {
    let mut members = vec![Vec::new(); groups.len()];
    for row in 0..rows.min(groups.codes.len()) {
        let group = groups.codes.get(row);
        if group != Codes::NONE {
            members[group as usize].push(row as u32);
        }
    }
    members
}

/// The rows of the largest weights, largest first; of equal ones the first.
fn largest(weights: &[f64]) -> Vec<usize> {
    let mut top: Vec<usize> = Vec::with_capacity(LARGEST + 1);
    for (row, &w) in weights.iter().enumerate().filter(|(_, w)| **w > 0.0) {
        if top.len() == LARGEST && w <= weights[top[LARGEST - 1]] {
            continue;
        }
        let at = top.partition_point(|&t| weights[t] >= w);
        top.insert(at, row);
        top.truncate(LARGEST);
    }
    top
}

/// What can be told of a step from its weights and margins alone.
pub(super) fn of_step(
    before: &[f64],
    after: &[f64],
    margins: &[MarginLine],
    summary: &WeightSummary,
) -> StepDiagnostics {
    StepDiagnostics {
        efficiency: 1.0 / summary.deff_kish,
        factors: histogram(before, after),
        balance: balance(margins),
        ..StepDiagnostics::default()
    }
}

/// The distribution of the factors of rows that keep a weight; `None` where all are the same.
fn histogram(before: &[f64], after: &[f64]) -> Option<Histogram> {
    let zeroed = before.iter().zip(after).filter(|(b, a)| **b != 0.0 && **a == 0.0).count() as u64;
    let factors =
        || before.iter().zip(after).filter(|(b, a)| **b != 0.0 && **a != 0.0).map(|(b, a)| a / b);
    let (low, high) = factors()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), g| (low.min(g), high.max(g)));
    let width = high - low;
    if !(width > 1e-9 * high.abs().max(low.abs()) && width.is_finite()) {
        return None;
    }
    let mut counts = vec![0; BINS];
    for g in factors() {
        counts[(((g - low) / width * BINS as f64) as usize).min(BINS - 1)] += 1;
    }
    Some(Histogram { low, high, counts, zeroed })
}

/// Shares of every margin that has levels and a positive total.
fn balance(margins: &[MarginLine]) -> Vec<BalanceLine> {
    let mut lines = Vec::new();
    for part in margins.chunk_by(|a, b| a.margin == b.margin) {
        let sum = |of: fn(&MarginLine) -> f64| part.iter().map(of).sum::<f64>();
        let (target, before, after) = (sum(|l| l.target), sum(|l| l.before), sum(|l| l.after));
        let is_total = part.len() < 2 || part.iter().any(|l| l.level.is_empty());
        if is_total || !(target > 0.0 && before > 0.0 && after > 0.0) {
            continue;
        }
        for line in part {
            let wanted = line.target / target;
            let sd = (wanted * (1.0 - wanted)).max(0.0).sqrt();
            let difference = |share: f64| if sd > 0.0 { (share - wanted) / sd } else { 0.0 };
            let (was, is) = (line.before / before, line.after / after);
            lines.push(BalanceLine {
                margin: line.margin.clone(),
                level: line.level.clone(),
                target: wanted,
                before: was,
                after: is,
                difference_before: difference(was),
                difference_after: difference(is),
            });
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn largest_first_and_of_equals_the_first() {
        let w: Vec<f64> = (0..40).map(|i| f64::from(i % 5)).collect();
        let top = largest(&w);
        assert_eq!(top, [4, 9, 14, 19, 24, 29, 34, 39, 3, 8]);
        assert!(largest(&[0.0, -1.0]).is_empty());
    }

    #[test]
    fn factors_fall_into_classes() {
        let before = vec![2.0; 6];
        let after = [0.0, 2.0, 2.0, 4.0, 6.0, 6.0];
        let h = histogram(&before, &after).expect("factors differ");
        assert_eq!((h.low, h.high, h.zeroed), (1.0, 3.0, 1));
        assert_eq!((h.counts[0], h.counts[12], h.counts[23]), (2, 1, 2));
        assert_eq!(h.counts.iter().sum::<u64>(), 5);
        assert_eq!(histogram(&before, &before), None);
    }

    #[test]
    fn differences_are_standardised_by_the_target() {
        let line = |level: &str, target, before| MarginLine {
            margin: "sex".to_string(),
            level: level.to_string(),
            n: 1,
            target,
            before,
            after: target,
        };
        let lines = balance(&[line("F", 80.0, 10.0), line("M", 20.0, 10.0)]);
        // (0.5 − 0.8)/√(0.8 · 0.2)
        assert!((lines[0].difference_before + 0.75).abs() < 1e-12);
        assert!((lines[1].difference_before - 0.75).abs() < 1e-12);
        assert_eq!(lines[0].difference_after, 0.0);
    }
}
