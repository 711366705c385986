//! Confidence intervals.

use serde::{Deserialize, Serialize};

/// How a confidence interval is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum IntervalMethod {
    /// Estimate ± t × SE.
    T,
    /// On the logit scale, transformed back (proportions).
    Logit,
    /// Clopper–Pearson on the effective sample size (Korn and Graubard 1998), truncated at n.
    KornGraubard,
    /// The same without truncation, as R `svyciprop(method = "beta")` has it.
    Beta,
    /// Score interval on the effective sample size (Wilson 1927).
    Wilson,
    /// On the arcsine square-root scale, transformed back.
    Arcsine,
    /// Profile likelihood with a Rao–Scott scaled deviance.
    Likelihood,
}
