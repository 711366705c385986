//! Design effects and effective sample sizes.

use serde::{Deserialize, Serialize};

use super::analysis::Raw;
use super::quantity::Quantity;

/// Which simple random sampling a design effect compares with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Deff {
    /// Without replacement from a population of Σw (Kish 1965, §8.2; R `deff = TRUE`).
    WithoutReplacement,
    /// With replacement (R `deff = "replace"`).
    Replace,
}

/// The design effect of an estimate: its variance ÷ the variance under simple random sampling
/// with as many rows.
///
/// With S² = n/(n − 1) σ², N = Σw over the n rows of the domain: S²(N − n)/(N n) without
/// replacement, S²/n with it; N² times that for a total. `None` when n < 2, when the variable is
/// constant, or (without replacement) when the weights do not add up to more than n. n counts the
/// rows of the domain with a value and a weight other than zero.
pub fn design_effect(raw: &Raw, row: usize, quantity: &Quantity<'_>, deff: Deff) -> Option<f64> {
    let at = raw.at(row);
    let (n, total) = (raw.totals[at].n as f64, raw.weight_sum[at]);
    if n < 2.0 {
        return None;
    }
    let s2 = n / (n - 1.0) * raw.sigma2[row];
    let mut srs = s2 / n;
    if deff == Deff::WithoutReplacement {
        if total <= n {
            return None;
        }
        srs *= (total - n) / total;
    }
    if matches!(quantity, Quantity::Total(_) | Quantity::LevelTotals(..)) {
        srs *= total * total;
    }
    let effect = raw.variances[row] / srs;
    (effect.is_finite() && effect >= 0.0).then_some(effect)
}

/// The effective sample size: σ² ÷ V for a mean, p(1 − p)/V for a proportion; for a total with
/// V ÷ N² in place of V (Korn and Graubard 1998, eq. 2.1, for a proportion). σ² has divisor Σw, so
/// a simple random sample of n drawn with replacement comes out as n − 1. `None` when the variance is zero or not to be had.
pub fn effective_n(raw: &Raw, row: usize, quantity: &Quantity<'_>) -> Option<f64> {
    let at = raw.at(row);
    let mut v = raw.variances[row];
    if matches!(quantity, Quantity::Total(_) | Quantity::LevelTotals(..)) {
        v /= raw.weight_sum[at] * raw.weight_sum[at];
    }
    let n = raw.sigma2[row] / v;
    (n.is_finite() && n > 0.0).then_some(n)
}

/// Effective sample size by the weights alone, (Σw)²/Σw² (Kish 1965, §11.7).
pub fn effective_n_kish(raw: &Raw, row: usize) -> Option<f64> {
    let at = raw.at(row);
    let n = raw.weight_sum[at] * raw.weight_sum[at] / raw.totals[at].ww;
    n.is_finite().then_some(n)
}
