//! Potter's rule: the upper limit with the smallest estimated mean squared error.

use super::error::WeightError;
use super::groups::{Groups, same};
use super::psus::Psus;
use super::summary::{DetailValue, StepDetail};
use super::trim::{Limit, Redistribution, cut_group, members};
use crate::data::Numbers;
use crate::design::UnitTree;

/// Limits tried in each group.
const TRIED: usize = 40;

/// The upper limit of each group that minimises the mean squared error of the means of some outcomes.
///
/// Limits from the largest weight down to the mean are tried, equally spaced in their logarithm. For
/// each and for every outcome k the mean squared error of the mean under the trimmed weights is
/// estimated as MSE_k = V_t + max(0, (θ_t − θ₀)² − (V_t + V₀ − 2 C)), with variances from totals of the PSUs
/// (with replacement within strata); the limit with the smallest mean of MSE_k/V₀ₖ is taken. Potter
/// (1988, 1990) puts √(V_t V₀) for the covariance C, which is estimated here.
///
/// The limits are those of the sample, and stay when the weighting is repeated on replicates: the
/// smallest of a list of estimates is no smooth function of the weights.
///
/// Shapes: one entry per row in `weights` and in every outcome; NaN where there is no value.
///
/// # Errors
/// When lengths disagree, or there is no outcome.
pub fn mse_limits(
    tree: &UnitTree,
    weights: &[f64],
    groups: &Groups,
    outcomes: &[(String, Numbers)],
    redistribution: Redistribution,
) -> Result<(Limit, StepDetail), WeightError> {
    if outcomes.is_empty() {
        return Err(WeightError::Trim(
            "the rule of the mean squared error needs outcomes".to_string(),
        ));
    }
    for (_, values) in outcomes {
        same("values of an outcome", values.len(), weights.len())?;
    }
    let psus = Psus::new(tree, weights.len())?;
    let mut limits = Vec::new();
    let mut rows = Vec::new();
    for (mut members, name) in members(groups, weights)?.into_iter().zip(&groups.names) {
        psus.sort(&mut members);
        let own: Vec<f64> = members.iter().map(|&r| weights[r as usize]).collect();
        let largest = own.iter().fold(0.0_f64, |a, &w| a.max(w));
        let mean = own.iter().sum::<f64>() / own.len().max(1) as f64;
        let mut best = (f64::INFINITY, 1.0);
        let steps = if mean > 0.0 && largest > mean { TRIED } else { 0 };
        for step in 1..=steps {
            let share = step as f64 / TRIED as f64;
            let limit = largest * (mean / largest).powf(share);
            let trimmed = cut_group(&own, f64::NEG_INFINITY, limit, redistribution, false);
            let ratios: Vec<f64> = outcomes
                .iter()
                .filter_map(|(_, y)| psus.two_means(&members, y, &own, &trimmed.values))
                .filter(|m| m.first_variance > 0.0)
                .map(|m| m.mse_of_second() / m.first_variance)
                .collect();
            let score = ratios.iter().sum::<f64>() / ratios.len().max(1) as f64;
            if !ratios.is_empty() && score < best.1 {
                best = (limit, score);
            }
        }
        limits.push(best.0);
        rows.push(vec![
            DetailValue::Text(name.clone()),
            DetailValue::Count(own.len() as u64),
            if best.0.is_finite() {
                DetailValue::Number(best.0)
            } else {
                DetailValue::Text("none".to_string())
            },
            DetailValue::Number(best.1),
        ]);
    }
    let names: Vec<&str> = outcomes.iter().map(|(name, _)| name.as_str()).collect();
    let columns = ["group", "n", "limit", "mean MSE ratio"].map(String::from).to_vec();
    let title = format!("Limit of the smallest mean squared error of {}", names.join(", "));
    Ok((Limit::Groups(limits.into()), StepDetail { title, columns, rows }))
}
