//! Estimates combined over completed data sets (multiple imputation, plausible values).

use super::interval::IntervalMethod;
use super::missing::{Imputed, MissingEffect, MissingReport};
use super::result::{ByVariable, Covariance, Estimate, EstimateTable, Outcome};
use super::table::Measured;

/// What m completed data sets say together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Combined {
    /// The number of completed data sets, m.
    pub imputations: usize,
    /// The mean of their estimates, θ.
    pub estimate: f64,
    /// The mean of their variances, W.
    pub within: f64,
    /// The variance between their estimates, B.
    pub between: f64,
    /// The variance of θ: T = W + (1 + 1/m) B.
    pub variance: f64,
    /// The relative increase of the variance, r = (1 + 1/m) B ÷ W.
    pub increase: f64,
    /// Degrees of freedom of θ, after Barnard and Rubin (1999).
    pub df: f64,
    /// The share of the information that is missing, (r + 2/(ν + 3)) ÷ (r + 1).
    pub missing_information: f64,
}

/// Combines the estimates of m completed data sets by Rubin's rules.
///
/// θ = Σ θ_k ÷ m, W = Σ V_k ÷ m, B = Σ (θ_k − θ)² ÷ (m − 1), T = W + (1 + 1/m) B (Rubin 1987,
/// 3.1.2–3.1.5). With γ = (1 + 1/m) B ÷ T and ν the degrees of freedom of a complete data set,
/// those of θ are 1 ÷ (1/ν_m + 1/ν_obs), where ν_m = (m − 1) ÷ γ² and
/// ν_obs = (ν + 1)/(ν + 3) · ν (1 − γ) (Barnard and Rubin 1999, equation 3); with ν infinite, ν_m.
/// The missing information is Rubin's (1987, 3.1.10) with these degrees of freedom.
///
/// Where all data sets agree to the last bit nothing was imputed: the answer is theirs, with the
/// degrees of freedom of a complete data set.
///
/// # Errors and missing values
/// `None` for fewer than two data sets, lists of different lengths, or a value that is not finite:
/// an estimate that cannot be had in one data set cannot be had from them all.
///
/// ```
/// use rakewell::estimate::combine_imputations;
///
/// let c = combine_imputations(&[1.0, 2.0, 3.0], &[0.5, 0.5, 0.5], f64::INFINITY).unwrap();
/// assert_eq!((c.estimate, c.within, c.between), (2.0, 0.5, 1.0));
/// assert!((c.variance - (0.5 + 4.0 / 3.0)).abs() < 1e-15);
/// let gamma = 4.0 / 3.0 / c.variance;
/// assert!((c.df - 2.0 / (gamma * gamma)).abs() < 1e-12);
/// ```
pub fn combine_imputations(
    estimates: &[f64],
    variances: &[f64],
    complete_df: f64,
) -> Option<Combined> {
    let count = estimates.len();
    let usable = |list: &[f64]| list.len() == count && list.iter().all(|x| x.is_finite());
    if count < 2 || !usable(estimates) || !usable(variances) || complete_df.is_nan() {
        return None;
    }
    let m = count as f64;
    let same = |list: &[f64]| list.iter().all(|x| x.to_bits() == list[0].to_bits());
    if same(estimates) && same(variances) {
        return Some(Combined {
            imputations: count,
            estimate: estimates[0],
            within: variances[0],
            between: 0.0,
            variance: variances[0],
            increase: 0.0,
            df: complete_df,
            missing_information: 0.0,
        });
    }
    let mean = |list: &[f64]| list.iter().sum::<f64>() / m;
    let (estimate, within) = (mean(estimates), mean(variances));
    let between = estimates.iter().map(|x| (x - estimate).powi(2)).sum::<f64>() / (m - 1.0);
    let extra = (1.0 + 1.0 / m) * between;
    let variance = within + extra;
    let gamma = if variance > 0.0 { extra / variance } else { 0.0 };
    let increase = extra / within;
    let by_imputation = (m - 1.0) / (gamma * gamma);
    let df = if complete_df.is_infinite() {
        by_imputation
    } else {
        let observed = (complete_df + 1.0) / (complete_df + 3.0) * complete_df * (1.0 - gamma);
        1.0 / (1.0 / by_imputation + 1.0 / observed)
    };
    // 1 where there is nothing but the imputations to tell of the variance.
    let missing_information =
        if within > 0.0 { (increase + 2.0 / (df + 3.0)) / (increase + 1.0) } else { 1.0 };
    Some(Combined {
        imputations: count,
        estimate,
        within,
        between,
        variance,
        increase,
        df,
        missing_information,
    })
}

/// Combines the tables that the same estimate gave on each completed data set, row by row
/// ([`combine_imputations`]), with intervals and flags made anew. Where nothing in a table was
/// imputed, it is the table of any one of them.
///
/// Rows are matched by outcome and the text of their levels; a group that some data sets lack has
/// no estimate. Counts (n, n missing, PSUs) and sums of weights are means over the data sets. The
/// variance of simple random sampling behind the design effect is their mean, so that a design
/// effect counts the imputation. Covariances combine as variances do: W + (1 + 1/m) B. Quantiles get
/// an interval of t × standard error.
///
/// `None` without tables.
pub fn combined_table(tables: &[EstimateTable]) -> Option<EstimateTable> {
    let first = tables.first()?;
    if tables.iter().all(|t| same(t, first)) {
        return Some(first.clone());
    }
    let by: Vec<ByVariable> = (0..first.by.len())
        .map(|v| ByVariable {
            levels: merged(tables.iter().filter_map(|t| Some(&t.by.get(v)?.levels))),
            ..first.by[v].clone()
        })
        .collect();
    let mut outcomes = first.outcomes.clone();
    for outcome in tables.iter().flat_map(|t| &t.outcomes) {
        if !outcomes.contains(outcome) {
            outcomes.push(outcome.clone());
        }
    }
    let interval = match first.interval {
        IntervalMethod::Woodruff => IntervalMethod::T,
        other => other,
    };
    let cells: usize = by.iter().map(|b| b.levels.len()).product();
    let places: Vec<Vec<Option<usize>>> =
        tables.iter().map(|t| places(t, &outcomes, &by, cells)).collect();
    let (mut rows, mut found) = (Vec::new(), Vec::new());
    for place in 0..outcomes.len() * cells {
        let at: Vec<Option<usize>> = places.iter().map(|p| p[place]).collect();
        let parts: Vec<Option<&Estimate>> =
            tables.iter().zip(&at).map(|(t, at)| Some(&t.rows[(*at)?])).collect();
        let domain = levels_of(place % cells, &by);
        rows.push(combined_row(first, interval, place / cells, domain, &parts));
        found.push(at);
    }
    let mut notes = if first.interval == interval { first.notes.clone() } else { Vec::new() };
    notes.push(format!(
        "combined over {} completed data sets (Rubin's rules, degrees of freedom of Barnard and \
         Rubin); counts are means over them",
        tables.len()
    ));
    Some(EstimateTable {
        interval,
        outcomes,
        by,
        covariance: combined_covariance(tables, &found),
        rows,
        notes,
        missing: MissingReport { imputations: Some(tables.len()), ..first.missing.clone() },
        ..first.clone()
    })
}

/// True when two tables say the same.
fn same(a: &EstimateTable, b: &EstimateTable) -> bool {
    a.rows == b.rows && a.by == b.by && a.outcomes == b.outcomes && a.covariance == b.covariance
}

/// The levels of all tables, each after the one that it follows in its own.
fn merged<'a>(lists: impl Iterator<Item = &'a Vec<String>>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for list in lists {
        let mut next = 0;
        for level in list {
            match all.iter().position(|l| l == level) {
                Some(at) => next = at + 1,
                None => {
                    all.insert(next, level.clone());
                    next += 1;
                }
            }
        }
    }
    all
}

/// Where a table has its row for every outcome and cell of the merged table.
fn places(
    table: &EstimateTable,
    outcomes: &[Outcome],
    by: &[ByVariable],
    cells: usize,
) -> Vec<Option<usize>> {
    let mut places = vec![None; outcomes.len() * cells];
    let outcome_at: Vec<Option<usize>> =
        table.outcomes.iter().map(|o| outcomes.iter().position(|all| all == o)).collect();
    let level_at: Vec<Vec<Option<usize>>> = table
        .by
        .iter()
        .zip(by)
        .map(|(own, all)| {
            own.levels.iter().map(|l| all.levels.iter().position(|m| m == l)).collect()
        })
        .collect();
    for (row, estimate) in table.rows.iter().enumerate() {
        let mut place = outcome_at.get(estimate.outcome).copied().flatten();
        for ((level, at), b) in estimate.domain.iter().zip(&level_at).zip(by) {
            let level = at.get(*level).copied().flatten();
            place = place.zip(level).map(|(p, l)| p * b.levels.len() + l);
        }
        if let Some(place) = place {
            places[place] = Some(row);
        }
    }
    places
}

fn levels_of(cell: usize, by: &[ByVariable]) -> Vec<usize> {
    let mut rest = cell;
    let mut levels: Vec<usize> = by
        .iter()
        .rev()
        .map(|b| {
            let level = rest % b.levels.len();
            rest /= b.levels.len();
            level
        })
        .collect();
    levels.reverse();
    levels
}

fn combined_row(
    table: &EstimateTable,
    interval: IntervalMethod,
    outcome: usize,
    domain: Vec<usize>,
    parts: &[Option<&Estimate>],
) -> Estimate {
    let here: Vec<&Estimate> = parts.iter().flatten().copied().collect();
    let m = parts.len() as f64;
    let mean = |of: &dyn Fn(&Estimate) -> f64| here.iter().map(|r| of(r)).sum::<f64>() / m;
    let all = |of: &dyn Fn(&Estimate) -> Option<f64>| -> Option<Vec<f64>> {
        (here.len() == parts.len()).then(|| here.iter().map(|r| of(r)).collect())?
    };
    let estimates = all(&|r| r.estimate);
    let errors = all(&|r| r.se);
    let df = all(&|r| r.df).map_or(0.0, |d| d.into_iter().fold(f64::INFINITY, f64::min));
    let made = estimates.as_ref().zip(errors.as_ref()).and_then(|(estimates, errors)| {
        let variances: Vec<f64> = errors.iter().map(|se| se * se).collect();
        combine_imputations(estimates, &variances, df)
    });
    let by_replicates =
        estimates.as_ref().zip(all(&|r| r.se_replicates)).and_then(|(e, errors)| {
            let variances: Vec<f64> = errors.iter().map(|se| se * se).collect();
            Some(combine_imputations(e, &variances, df)?.variance.sqrt())
        });
    // What a simple random sample would have, from each data set's own design effect.
    let srs = |of: &dyn Fn(&Estimate) -> Option<f64>| {
        let list = all(&|r| Some(r.se? * r.se? * of(r)?))?;
        Some(list.iter().sum::<f64>() / m).filter(|x| x.is_finite())
    };
    let variance = made.map(|c| c.variance);
    let deff = srs(&|r| Some(1.0 / r.deff?)).zip(variance).map(|(s, v)| v / s);
    let n_eff = srs(&|r| r.n_eff).zip(variance).map(|(s, v)| s / v);
    let share = mean(&|r| r.missing.share.unwrap_or(0.0));
    let measured = Measured {
        estimate: estimates.map(|e| e.iter().sum::<f64>() / m),
        variance: variance.unwrap_or(f64::NAN),
        n: mean(&|r| r.n as f64).round() as u64,
        n_missing: mean(&|r| r.n_missing as f64).round() as u64,
        missing_weight: 0.0,
        psus: mean(&|r| r.psus as f64).round() as u64,
        weight_sum: mean(&|r| r.weight_sum),
        deff: deff.filter(|x| x.is_finite()),
        n_eff: n_eff.filter(|x| x.is_finite()),
        n_eff_kish: all(&|r| r.n_eff_kish).map(|l| l.iter().sum::<f64>() / m),
        df: made.map_or(0.0, |c| c.df),
    };
    let row =
        measured.into_row(outcome, domain, table.statistic, interval, table.level, table.standard);
    let imputed = made.map(|c| Imputed {
        imputations: c.imputations,
        within: c.within,
        between: c.between,
        missing_information: c.missing_information,
    });
    let missing = MissingEffect { share: Some(share), bounds: None, imputed };
    let lacking = parts.len() - here.len();
    let note = (lacking > 0)
        .then(|| format!("{lacking} of {} completed data sets have no such group", parts.len()));
    let se_replicates = by_replicates.filter(|_| row.se.is_some());
    Estimate {
        missing,
        se_replicates,
        interval_note: note.or_else(|| row.interval_note.clone()),
        ..row
    }
}

/// W + (1 + 1/m) B for every pair of rows; NaN where some table lacks one.
fn combined_covariance(
    tables: &[EstimateTable],
    found: &[Vec<Option<usize>>],
) -> Option<Covariance> {
    let of: Vec<&Covariance> =
        tables.iter().map(|t| t.covariance.as_ref()).collect::<Option<_>>()?;
    let (m, size) = (tables.len() as f64, found.len());
    let values: Vec<Option<Vec<f64>>> = found
        .iter()
        .map(|at| tables.iter().zip(at).map(|(t, at)| t.rows[(*at)?].estimate).collect())
        .collect();
    let mean = |list: &[f64]| list.iter().sum::<f64>() / m;
    let entry = |i: usize, j: usize| -> Option<f64> {
        let (x, y) = (values[i].as_ref()?, values[j].as_ref()?);
        let (mx, my) = (mean(x), mean(y));
        let between: f64 = x.iter().zip(y).map(|(a, b)| (a - mx) * (b - my)).sum();
        let within: f64 = of
            .iter()
            .enumerate()
            .map(|(k, v)| Some(v.get(found[i][k]?, found[j][k]?)))
            .sum::<Option<f64>>()?;
        Some(within / m + (1.0 + 1.0 / m) * between / (m - 1.0))
    };
    let values = (0..size * size).map(|at| entry(at / size, at % size).unwrap_or(f64::NAN));
    Some(Covariance { size, values: values.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first row of `MIcombine` with finite degrees of freedom, by mitools 2.4 on the data of
    /// its help page; the degrees of freedom are Barnard and Rubin's, whose observed part has T
    /// where mitools has W + B.
    #[test]
    fn degrees_of_freedom_are_those_of_barnard_and_rubin() {
        let (w, b, m, complete) = (0.1814859790350143, 0.009750310468259117, 5.0, 194.0);
        // Five estimates with that variance between them, and variances with that mean.
        let spread = f64::sqrt(b * (m - 1.0) / 2.0);
        let estimates = [6.0 - spread, 6.0 + spread, 6.0, 6.0, 6.0];
        let c = combine_imputations(&estimates, &[w; 5], complete).unwrap();
        assert!((c.df / 154.792_275_046_748_6 - 1.0).abs() < 1e-9, "{}", c.df);
        assert!((c.increase / 0.064_469_842_927_389_86 - 1.0).abs() < 1e-9);
        let unbounded = combine_imputations(&estimates, &[w; 5], f64::INFINITY).unwrap();
        assert!((unbounded.df / 1_090.469_420_450_578 - 1.0).abs() < 1e-9);
        assert!(c.df < complete);
    }

    #[test]
    fn what_was_not_imputed_is_left_alone() {
        let c = combine_imputations(&[0.1; 3], &[0.3; 3], 7.0).unwrap();
        assert_eq!((c.estimate, c.variance, c.df), (0.1, 0.3, 7.0));
        assert!(combine_imputations(&[1.0], &[1.0], 7.0).is_none());
        assert!(combine_imputations(&[1.0, f64::NAN], &[1.0; 2], 7.0).is_none());
        // A proportion of 0 in each data set but one.
        let c = combine_imputations(&[0.0, 0.1], &[0.0, 0.0], 7.0).unwrap();
        assert!(c.variance > 0.0 && c.df >= 0.0 && c.missing_information == 1.0);
    }

    #[test]
    fn levels_keep_their_order() {
        let lists = [vec!["a", "c"], vec!["a", "b", "c"], vec!["c", "d"]];
        let lists: Vec<Vec<String>> =
            lists.iter().map(|l| l.iter().map(ToString::to_string).collect()).collect();
        assert_eq!(merged(lists.iter()), ["a", "b", "c", "d"]);
    }
}
