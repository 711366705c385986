//! Limits of the distribution function at a quantile, on the scale of probabilities.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::estimate::interval::{IntervalInput, IntervalMethod, interval};

/// How the interval of a quantile is made.
///
/// All but the last two take an interval for F(q̂), the proportion at or below the quantile, and
/// read the distribution at both of its limits (Woodruff 1952); they differ in that interval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum QuantileInterval {
    /// F ± t SE(F).
    #[default]
    Woodruff,
    /// Clopper and Pearson's with an effective sample size (Korn and Graubard 1998).
    Beta,
    /// Symmetric on the logit of F.
    Logit,
    /// Symmetric on arcsin √F.
    Arcsine,
    /// The values x at which F(x) = p is not refuted: |F(x) − p| ≤ t SE(F(x)), the standard error
    /// taken anew at every x (Francisco and Fuller 1991).
    Score,
    /// Quantile ± t SE, the standard error from the quantiles of the replicates.
    Replicates,
}

impl QuantileInterval {
    /// How intervals are made, in words.
    pub fn words(self) -> &'static str {
        match self {
            QuantileInterval::Woodruff => {
                "intervals by Woodruff's method: limits of the distribution function, mapped back"
            }
            QuantileInterval::Beta => {
                "intervals by Woodruff's method with beta limits of the distribution function"
            }
            QuantileInterval::Logit => {
                "intervals by Woodruff's method with logit limits of the distribution function"
            }
            QuantileInterval::Arcsine => {
                "intervals by Woodruff's method with arcsine limits of the distribution function"
            }
            QuantileInterval::Score => {
                "intervals by inverting a score test (Francisco and Fuller 1991)"
            }
            QuantileInterval::Replicates => {
                "standard errors from the quantiles of the replicates, t intervals"
            }
        }
    }
}

/// F(q̂), its standard error and what its interval needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct AtQuantile {
    pub f: f64,
    pub se: f64,
    pub t: f64,
    pub n: u64,
    pub df: f64,
    pub level: f64,
}

impl AtQuantile {
    /// Both limits; NaN where there are none, as for kinds that need 0 < F < 1.
    pub fn limits(&self, kind: QuantileInterval) -> (f64, f64) {
        let method = match kind {
            QuantileInterval::Beta => IntervalMethod::Beta,
            QuantileInterval::Logit => IntervalMethod::Logit,
            QuantileInterval::Arcsine => IntervalMethod::Arcsine,
            _ => return (self.f - self.t * self.se, self.f + self.t * self.se),
        };
        // At 0 and 1 the substitutes for a proportion say nothing of the values beyond the data.
        if !(self.f > 0.0 && self.f < 1.0 && self.se > 0.0 && self.df > 0.0) {
            return (f64::NAN, f64::NAN);
        }
        let made = interval(
            method,
            &IntervalInput {
                estimate: self.f,
                se: Some(self.se),
                n: self.n,
                df: Some(self.df),
                level: self.level,
                certain: false,
            },
        );
        (made.lower.unwrap_or(f64::NAN), made.upper.unwrap_or(f64::NAN))
    }
}
