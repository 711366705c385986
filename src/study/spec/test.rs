//! Tests of hypotheses.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Names;
use crate::compare::test::RankScore;

/// Tests of hypotheses. Give exactly one of `independence`, `mean` and `rank`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Test {
    /// Its name, for the tables that are written.
    pub name: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// Categorical variables, each tested for independence of `by` (Rao and Scott's chi-squared
    /// tests, Wald tests).
    pub independence: Option<Names>,
    /// Numeric variables whose means are tested (t test): between the two levels of `by`, or,
    /// without it, against `against`.
    pub mean: Option<Names>,
    /// Numeric variables whose distributions are tested for being equal in the groups of `by`, by
    /// their ranks.
    pub rank: Option<Names>,
    /// The groups.
    pub by: Option<String>,
    /// The value that a mean is tested against. Default: 0.
    pub against: Option<f64>,
    /// A variable that is taken off first: a paired t test.
    pub paired_with: Option<String>,
    /// Which test of independence. Default: `f`.
    pub statistic: Option<IndependenceStatistic>,
    /// What is made of the ranks. Default: `wilcoxon`.
    pub score: Option<RankScore>,
    /// A subpopulation, besides that of the study.
    #[serde(rename = "where")]
    pub population: Option<String>,
    /// Confidence level of intervals, such as 0.95.
    pub confidence: Option<f64>,
}

/// Which test of independence.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum IndependenceStatistic {
    /// Rao and Scott's second-order correction, as an F test.
    #[default]
    F,
    /// Rao and Scott's first-order correction, as a chi-squared test.
    FirstOrder,
    /// Pearson's statistic against its own distribution, a weighted sum of chi-squared variables.
    Exact,
    /// The same by a saddlepoint approximation.
    Saddlepoint,
    /// Wald's test (Koch, Freeman and Freeman 1975).
    Wald,
    /// Wald's test, adjusted for few degrees of freedom.
    AdjustedWald,
}
