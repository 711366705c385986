//! The second phase of a sample, and where degrees of freedom come from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::design::PhaseMethod;

/// A second phase: a subsample of the rows, in which the outcomes were observed. The data have the
/// rows of the first phase; `weight`, `probabilities` and `fpc` of the design are those of the first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Phase2 {
    /// A variable that is 1 for rows in the second phase and 0 for the others.
    pub selected: String,
    /// The strata of the second phase; the whole sample if not given.
    pub strata: Option<String>,
    /// What was subsampled; rows if not given.
    pub clusters: Option<String>,
    /// The probability to be in the second phase, where its units were drawn independently. If not
    /// given, it is the share of the units of each stratum that were selected.
    pub probability: Option<String>,
    /// How the variance of the first phase is estimated.
    pub method: Option<PhaseMethod>,
}

/// Where degrees of freedom come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DfChoice {
    /// PSUs in the group minus their strata.
    Domain,
    /// PSUs in the whole sample minus their strata.
    Design,
    /// Satterthwaite's approximation (1946) as Bell and McCaffrey (2002) have it: smaller where a few
    /// PSUs hold most of the weight of a group.
    Satterthwaite,
    /// The normal distribution instead of t.
    Infinite,
}
