//! Quality flags under published presentation standards.

use serde::Serialize;

/// A published standard that says when an estimate may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum QualityStandard {
    /// NCHS Data Presentation Standards for Proportions (Vital and Health Statistics 2(175),
    /// 2017) for proportions and for Rates and Counts (2(200), 2023) otherwise.
    Nchs,
}

/// What to do with an estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Decision {
    /// Show it.
    Show,
    /// Show it, with a footnote.
    Footnote,
    /// A statistician should look at it before it is shown.
    Review,
    /// Do not show it.
    Suppress,
}

/// A flag and the rules that led to it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Quality {
    /// What to do.
    pub decision: Decision,
    /// The rules that fired, in words with their numbers; empty when the estimate passes.
    pub rules: Vec<String>,
}
