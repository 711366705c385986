//! Differences and ratios between the groups of a table of estimates.

use super::adjust::Adjustment;
use super::result::{Comparison, ComparisonTable, Measure};
use crate::estimate::{Decision, DfRule, Estimate, EstimateTable, pooled_df};
use crate::numeric::distributions::{t_quantile_upper, t_two_sided};

/// Which groups are compared, and how.
#[derive(Debug, Clone)]
pub struct ContrastSpec {
    /// Name of the comparison.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Difference or ratio.
    pub measure: Measure,
    /// Which of the table's `by` variables is compared; the others are held fixed.
    pub across: usize,
    /// The level every other level is compared with; all pairs if `None`.
    pub reference: Option<usize>,
    /// Adjustment of the p-values.
    pub adjust: Option<Adjustment>,
    /// Confidence level.
    pub level: f64,
}

/// Compares the groups of a table, with the covariances of its rows.
///
/// A difference a − b has variance V(a) + V(b) − 2 C(a, b). A ratio is worked on its logarithm:
/// V(log a/b) = V(a)/a² + V(b)/b² − 2 C(a, b)/(a b); its limits are transformed back. Degrees of
/// freedom are the smaller of the two groups'; where these are Satterthwaite's approximations, those of
/// Welch (1947) for the two parts of the variance. Where the variance is rounding only (both groups are
/// calibrated to known totals) there is a difference but no test and no interval. A ratio needs two
/// positive estimates. A side that can't be had leaves the comparison
/// empty; it is never taken as zero. Without covariances in the table nothing can be compared and
/// the result has no rows.
pub fn contrast(table: &EstimateTable, spec: &ContrastSpec) -> ComparisonTable {
    let mut rows = Vec::new();
    if let Some(by) = table.by.get(spec.across)
        && table.covariance.is_some()
    {
        for (i, first) in table.rows.iter().enumerate() {
            // Each set of rows that differ in the compared variable only is met at its first.
            if first.domain[spec.across] != 0 {
                continue;
            }
            let at = |level: usize| {
                table.rows.iter().position(|r| {
                    r.outcome == first.outcome
                        && r.domain.iter().enumerate().all(|(v, &l)| {
                            l == if v == spec.across { level } else { first.domain[v] }
                        })
                })
            };
            debug_assert!(at(0) == Some(i));
            for b in 0..by.levels.len() {
                for a in 0..by.levels.len() {
                    let wanted = match spec.reference {
                        Some(reference) => b == reference && a != b,
                        None => a > b,
                    };
                    if wanted && let (Some(x), Some(y)) = (at(a), at(b)) {
                        rows.push(compare(table, spec, x, y));
                    }
                }
            }
        }
    }
    Comparison::adjust_all(&mut rows, spec.adjust);
    ComparisonTable {
        name: spec.name.clone(),
        title: spec.title.clone(),
        estimate: table.name.clone(),
        measure: spec.measure,
        adjustment: spec.adjust.map(|a| a.name().to_string()),
        level: spec.level,
        rows,
        notes: Vec::new(),
    }
}

fn compare(table: &EstimateTable, spec: &ContrastSpec, x: usize, y: usize) -> Comparison {
    let (group, reference) = (&table.rows[x], &table.rows[y]);
    let by = &table.by[spec.across];
    let within: Vec<String> = table
        .by
        .iter()
        .zip(&group.domain)
        .enumerate()
        .filter(|(v, _)| *v != spec.across)
        .map(|(_, (b, &l))| format!("{} {}", b.title, b.levels[l]))
        .collect();
    let outcome = &table.outcomes[group.outcome];
    let suppressed =
        |side: &Estimate| side.quality.as_ref().is_some_and(|q| q.decision == Decision::Suppress);
    let level = |side: &Estimate| by.levels[side.domain[spec.across]].clone();
    let mut row = Comparison::empty(
        (table.outcomes.len() > 1)
            .then(|| outcome.level.clone().unwrap_or_else(|| outcome.title.clone())),
        within.join(", "),
        [level(group), level(reference)],
        suppressed(group) || suppressed(reference),
    );
    let (Some(a), Some(b)) = (group.estimate, reference.estimate) else { return row };
    let Some(v) = &table.covariance else { return row };
    let (vaa, vbb, vab) = (v.get(x, x), v.get(y, y), v.get(x, y));
    let is_ratio = spec.measure == Measure::Ratio;
    if is_ratio && (a <= 0.0 || b <= 0.0) {
        return row;
    }
    // The scale on which the comparison is made, and the standard error there.
    let (value, variance) = if is_ratio {
        ((a / b).ln(), vaa / (a * a) + vbb / (b * b) - 2.0 * vab / (a * b))
    } else {
        (a - b, vaa + vbb - 2.0 * vab)
    };
    row.estimate = Some(if is_ratio { a / b } else { value }).filter(|x| x.is_finite());
    let (Some(da), Some(db)) = (group.df, reference.df) else { return row };
    let df = if table.df_rule == DfRule::Satterthwaite {
        // The parts of the variance on the scale of the comparison.
        let parts = if is_ratio { [vaa / (a * a), vbb / (b * b)] } else { [vaa, vbb] };
        pooled_df(&[(parts[0], Some(da)), (parts[1], Some(db))]).unwrap_or(0.0)
    } else {
        da.min(db)
    };
    row.df = Some(df);
    let se = variance.max(0.0).sqrt();
    // Two groups that are calibrated to known totals differ by a known amount: what is left of
    // their variances is rounding, and no test can rest on it.
    let size = if is_ratio { 1.0 } else { a.abs().max(b.abs()) };
    if df <= 0.0 || !se.is_finite() || se <= 1e-12 * size {
        return row;
    }
    let half = t_quantile_upper((1.0 - spec.level) / 2.0, df) * se;
    let (lower, upper) = (value - half, value + half);
    row.se = Some(if is_ratio { a / b * se } else { se });
    row.lower = Some(if is_ratio { lower.exp() } else { lower });
    row.upper = Some(if is_ratio { upper.exp() } else { upper });
    row.t = Some(value / se);
    row.p = Some(t_two_sided(value / se, df));
    row
}
