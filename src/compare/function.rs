//! Tables of functions of estimates.

use serde::{Deserialize, Serialize};

use super::adjust::Adjustment;
use super::result::{Comparison, ComparisonTable, Measure};
use super::smooth::{SmoothInput, smooth};
use crate::data::expr::{ExprError, Expression};
use crate::estimate::{Covariance, pooled_df};
use crate::numeric::distributions::{t_quantile_upper, t_two_sided};

/// The scale on which an interval is symmetric.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ContrastScale {
    /// That of the function: f ± t SE.
    #[default]
    Linear,
    /// Its logarithm: f exp(± t SE/f), for f above 0.
    Log,
}

/// An estimate that functions may name.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedEstimate {
    /// What it is called; several names may stand for one place in the covariances.
    pub name: String,
    /// Its place in the covariances.
    pub place: usize,
    /// The estimate; `None` for one that cannot be had.
    pub value: Option<f64>,
    /// Its degrees of freedom.
    pub df: Option<f64>,
    /// Whether the quality standard suppresses it.
    pub is_suppressed: bool,
}

/// What a table of functions shall show.
#[derive(Debug, Clone)]
pub struct FunctionSpec {
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// The label and the expression of each function.
    pub functions: Vec<(String, Expression)>,
    /// The value they are tested against.
    pub null: Option<f64>,
    /// The scale of the interval.
    pub scale: ContrastScale,
    /// Confidence level.
    pub level: f64,
    /// Adjustment of the p-values.
    pub adjust: Option<Adjustment>,
    /// Degrees of freedom are approximations (Satterthwaite), so that those of a sum are pooled.
    pub pooled: bool,
}

/// Estimates functions of estimates, by linearisation ([`smooth`]).
///
/// Degrees of freedom are the smallest among the estimates that a function names; with `pooled`
/// those of Welch and Satterthwaite, (Σ g² V)²/Σ (g² V)²/df over the estimates with their derivatives
/// g, which takes them as independent. The test is of f = `null`: t = (f − null)/SE; on the log scale
/// t = log(f/null) f/SE.
///
/// # Errors
/// For every function the mistakes of its expression: names that are in none of `estimates`, and
/// parts that are no smooth function.
pub fn functions(
    spec: &FunctionSpec,
    estimates: &[NamedEstimate],
    covariance: &Covariance,
) -> Result<ComparisonTable, Vec<(usize, ExprError)>> {
    let names: Vec<(String, usize)> = estimates.iter().map(|e| (e.name.clone(), e.place)).collect();
    let mut values = vec![None; covariance.size];
    let mut all_df = vec![None; covariance.size];
    for estimate in estimates {
        if let Some(value) = values.get_mut(estimate.place) {
            *value = estimate.value;
            all_df[estimate.place] = estimate.df;
        }
    }
    let mut rows = Vec::new();
    let mut wrong = Vec::new();
    let mut notes = Vec::new();
    for (i, (label, expression)) in spec.functions.iter().enumerate() {
        let input = SmoothInput {
            names: &names,
            values: &values,
            covariance,
            df: Some(f64::INFINITY),
            level: spec.level,
        };
        let made = match smooth(expression, &input) {
            Ok(made) => made,
            Err(errors) => {
                wrong.extend(errors.into_iter().map(|e| (i, e)));
                continue;
            }
        };
        let places: Vec<usize> = made.gradient.iter().map(|(place, _)| *place).collect();
        let df = if spec.pooled {
            let part = |&(k, g): &(usize, f64)| (g * g * covariance.get(k, k), all_df[k]);
            pooled_df(&made.gradient.iter().map(part).collect::<Vec<_>>())
        } else {
            let smallest = |a: Option<f64>, k: &usize| Some(a?.min(all_df[*k]?));
            places.iter().fold(Some(f64::INFINITY), smallest)
        };
        let suppressed = estimates.iter().any(|e| e.is_suppressed && places.contains(&e.place));
        let sides = [label.clone(), String::new()];
        let mut row = Comparison::empty(None, String::new(), sides, suppressed);
        (row.estimate, row.df) = (made.value, made.value.and(df));
        if let Some(lost) = &made.lost {
            notes.push(format!("{label}: {lost}"));
        } else if made.se.is_none() {
            notes.extend(made.note.as_ref().map(|note| format!("{label}: {note}")));
        }
        fill(&mut row, spec, made.value, made.se, df);
        rows.push(row);
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    Comparison::adjust_all(&mut rows, spec.adjust);
    if spec.scale == ContrastScale::Log {
        notes.push("intervals are symmetric on the logarithmic scale".to_string());
    }
    if let Some(null) = spec.null {
        notes.push(format!("p-values are of the hypothesis that the value is {null}"));
    }
    Ok(ComparisonTable {
        name: spec.name.clone(),
        title: spec.title.clone(),
        estimate: String::new(),
        measure: Measure::Function,
        adjustment: spec.adjust.map(|a| a.name().to_string()),
        level: spec.level,
        rows,
        notes,
    })
}

/// The interval and the test of a function. Without degrees of freedom, or with a variance that is
/// rounding only, there are none.
fn fill(
    row: &mut Comparison,
    spec: &FunctionSpec,
    value: Option<f64>,
    se: Option<f64>,
    df: Option<f64>,
) {
    let (Some(value), Some(se), Some(df)) = (value, se, df) else { return };
    if df <= 0.0 || se <= 1e-12 * value.abs() {
        return;
    }
    row.se = Some(se);
    let t = t_quantile_upper((1.0 - spec.level) / 2.0, df);
    let statistic = match spec.scale {
        ContrastScale::Linear => {
            (row.lower, row.upper) = (Some(value - t * se), Some(value + t * se));
            spec.null.map(|null| (value - null) / se)
        }
        ContrastScale::Log if value > 0.0 => {
            let reach = (t * se / value).exp();
            (row.lower, row.upper) = (Some(value / reach), Some(value * reach));
            spec.null.filter(|null| *null > 0.0).map(|null| (value / null).ln() * value / se)
        }
        ContrastScale::Log => None,
    };
    row.t = statistic.filter(|t| t.is_finite());
    row.p = row.t.map(|t| t_two_sided(t, df));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, place: usize, value: f64, df: f64) -> NamedEstimate {
        NamedEstimate {
            name: name.to_string(),
            place,
            value: Some(value),
            df: Some(df),
            is_suppressed: false,
        }
    }

    fn run(text: &str, scale: ContrastScale, null: f64, pooled: bool) -> Comparison {
        let estimates = [named("a", 0, 0.3, 12.0), named("b", 1, 0.1, 30.0)];
        let covariance = Covariance { size: 2, values: vec![4e-4, 1e-4, 1e-4, 1e-4] };
        let spec = FunctionSpec {
            name: "f".into(),
            title: "F".into(),
            functions: vec![("f".into(), Expression::parse(text).unwrap())],
            null: Some(null),
            scale,
            level: 0.95,
            adjust: None,
            pooled,
        };
        functions(&spec, &estimates, &covariance).unwrap().rows.remove(0)
    }

    /// A ratio on the log scale is what a comparison of two groups gives.
    #[test]
    fn interval_and_test_of_a_ratio() {
        let log_se = (4e-4_f64 / 0.09 + 1e-4 / 0.01 - 2.0 * 1e-4 / 0.03).sqrt();
        let row = run("a / b", ContrastScale::Log, 1.0, false);
        // t₁₂ at 0.975 by R: 2.17881282966723.
        let reach = (2.17881282966723 * log_se).exp();
        assert!((row.upper.unwrap() - 3.0 * reach).abs() < 1e-10);
        assert!((row.lower.unwrap() - 3.0 / reach).abs() < 1e-10);
        assert!((row.t.unwrap() - 3f64.ln() / log_se).abs() < 1e-10);
        assert_eq!(row.df, Some(12.0));
        let linear = run("a - b", ContrastScale::Linear, 0.0, true);
        let se = (5e-4_f64 - 2e-4).sqrt();
        assert!((linear.t.unwrap() - 0.2 / se).abs() < 1e-12);
        let df = 25e-8 / (16e-8 / 12.0 + 1e-8 / 30.0);
        assert!((linear.df.unwrap() - df).abs() < 1e-9);
    }
}
