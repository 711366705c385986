//! Comparisons combined over completed data sets.

use std::collections::{HashMap, HashSet};

use super::adjust::Adjustment;
use super::result::{Comparison, ComparisonTable, Measure};
use crate::estimate::combine_imputations;
use crate::numeric::distributions::{t_quantile_upper, t_two_sided};

/// Combines the comparisons that were made on each completed data set, row by row, by Rubin's rules
/// ([`combine_imputations`]): differences as they are, ratios on their logarithm. Tests, intervals
/// and adjusted p-values are made anew.
///
/// Rows are matched by outcome, fixed levels, group and reference; a row that some data set lacks,
/// or cannot estimate, is empty. `None` without tables.
pub fn combined_comparison(
    tables: &[ComparisonTable],
    adjustment: Option<Adjustment>,
) -> Option<ComparisonTable> {
    let first = tables.first()?;
    if tables.iter().all(|t| t.rows == first.rows) {
        return Some(first.clone());
    }
    let mut table = first.clone();
    let indices: Vec<HashMap<Key<'_>, &Comparison>> =
        tables.iter().map(|t| t.rows.iter().map(|r| (key(r), r)).collect()).collect();
    let known: HashSet<Key<'_>> = first.rows.iter().map(key).collect();
    let mut also = HashSet::new();
    for row in tables.iter().skip(1).flat_map(|t| &t.rows) {
        if !known.contains(&key(row)) && also.insert(key(row)) {
            table.rows.push(row.clone());
        }
    }
    for row in &mut table.rows {
        let parts: Option<Vec<&Comparison>> =
            indices.iter().map(|index| index.get(&key(row)).copied()).collect();
        *row = combined(row, parts.as_deref(), first.measure, first.level);
    }
    Comparison::adjust_all(&mut table.rows, adjustment);
    table.notes.push(format!(
        "combined over {} completed data sets (Rubin's rules, degrees of freedom of Barnard and \
         Rubin)",
        tables.len()
    ));
    Some(table)
}

type Key<'a> = (Option<&'a str>, &'a str, &'a str, &'a str);

fn key(row: &Comparison) -> Key<'_> {
    (row.outcome.as_deref(), &row.within, &row.group, &row.reference)
}

fn combined(
    row: &Comparison,
    parts: Option<&[&Comparison]>,
    measure: Measure,
    level: f64,
) -> Comparison {
    let suppressed = parts.is_some_and(|parts| parts.iter().any(|r| r.rests_on_suppressed));
    let sides = [row.group.clone(), row.reference.clone()];
    let empty = Comparison::empty(row.outcome.clone(), row.within.clone(), sides, suppressed);
    let Some(parts) = parts else { return empty };
    let is_ratio = measure == Measure::Ratio;
    // The scale on which the comparison is made, and the variance there.
    let of = |r: &&Comparison| {
        let (estimate, se) = (r.estimate?, r.se?);
        Some(if is_ratio { (estimate.ln(), (se / estimate).powi(2)) } else { (estimate, se * se) })
    };
    let Some((values, variances)) = parts.iter().map(of).collect::<Option<(Vec<f64>, Vec<f64>)>>()
    else {
        return empty;
    };
    let df = parts.iter().filter_map(|r| r.df).fold(f64::INFINITY, f64::min);
    let Some(c) = combine_imputations(&values, &variances, df) else { return empty };
    let (value, se) = (c.estimate, c.variance.sqrt());
    let back = |x: f64| if is_ratio { x.exp() } else { x };
    let mut made = Comparison { estimate: Some(back(value)), df: Some(c.df), ..empty };
    if c.df > 0.0 && se > 0.0 && se.is_finite() {
        let half = t_quantile_upper((1.0 - level) / 2.0, c.df) * se;
        made.se = Some(if is_ratio { back(value) * se } else { se });
        made.lower = Some(back(value - half));
        made.upper = Some(back(value + half));
        made.t = Some(value / se);
        made.p = Some(t_two_sided(value / se, c.df));
    }
    made
}
