//! What a change of weights buys and costs: the bias and the variance of means in groups.

use serde::Serialize;

use super::error::WeightError;
use super::groups::{Groups, same};
use super::psus::Psus;
use crate::data::{Codes, Numbers};
use crate::design::UnitTree;

/// A variable whose means are followed: a 0/1 variable for a prevalence.
#[derive(Debug, Clone)]
pub struct Followed {
    /// Its name, with its level.
    pub name: String,
    /// Its values; NaN where there is none.
    pub values: Numbers,
    /// The groups.
    pub groups: Groups,
}

/// The mean of one outcome in one group before and after a change of weights.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TradedLine {
    /// The outcome.
    pub outcome: String,
    /// The group.
    pub group: String,
    /// Rows with a value and a weight.
    pub n: u64,
    /// The mean before.
    pub before: f64,
    /// The mean after.
    pub after: f64,
    /// Standard error before.
    pub se_before: f64,
    /// Standard error after.
    pub se_after: f64,
    /// Mean squared error after ÷ variance before, if the weights before are unbiased; below one the
    /// change pays. `None` where the variance before is zero.
    pub mse_ratio: Option<f64>,
}

/// Means before and after a change of weights in every group, and what the change is worth.
///
/// With θ₀, θ₁ the means, V₀, V₁ their variances and C their covariance (totals of PSUs, with replacement
/// within strata) the mean squared error of θ₁ is V₁ + max(0, (θ₁ − θ₀)² − (V₀ + V₁ − 2 C)) (Potter
/// 1988). One entry per row in all lists.
///
/// # Errors
/// When lengths disagree.
pub fn traded(
    tree: &UnitTree,
    before: &[f64],
    after: &[f64],
    followed: &[Followed],
) -> Result<Vec<TradedLine>, WeightError> {
    same("weights after the step", after.len(), before.len())?;
    let psus = Psus::new(tree, before.len())?;
    let mut lines = Vec::new();
    for one in followed {
        same("values of a followed variable", one.values.len(), before.len())?;
        same("rows of the groups", one.groups.codes.len(), before.len())?;
        let mut members: Vec<Vec<u32>> = vec![Vec::new(); one.groups.len()];
        for row in (0..before.len()).filter(|&r| before[r] != 0.0 || after[r] != 0.0) {
            let group = one.groups.codes.get(row);
            if group != Codes::NONE {
                members[group as usize].push(row as u32);
            }
        }
        for (members, name) in members.iter_mut().zip(&one.groups.names) {
            psus.sort(members);
            let of = |w: &[f64]| members.iter().map(|&r| w[r as usize]).collect::<Vec<f64>>();
            let (a, b) = (of(before), of(after));
            let Some(m) = psus.two_means(members, &one.values, &a, &b) else { continue };
            lines.push(TradedLine {
                outcome: one.name.clone(),
                group: name.clone(),
                n: m.n,
                before: m.first,
                after: m.second,
                se_before: m.first_variance.sqrt(),
                se_after: m.second_variance.sqrt(),
                mse_ratio: (m.first_variance > 0.0).then(|| m.mse_of_second() / m.first_variance),
            });
        }
    }
    Ok(lines)
}
