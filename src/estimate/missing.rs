//! What missing values did to a table: how much of the base was lost, and how that was handled.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is done with rows that lack a value of a variable that forms the groups.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum GroupHandling {
    /// They are in no group; how many there are is said. What is estimated is then right if they
    /// are like the others of their group.
    #[default]
    Excluded,
    /// They are a group of their own, `Missing`.
    OwnCategory,
    /// They are in no group, and each estimate has beside it the lowest and the highest value that
    /// it could have had, whichever groups they belong to.
    Bounds,
}

/// What missing values took from one estimate, and what they may have done to it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct MissingEffect {
    /// The share of the domain's weight that is on rows without a value: Σw over those ÷ Σw over
    /// all rows of the domain. `None` where the domain has no weight.
    pub share: Option<f64>,
    /// The range of the estimate over all groups the rows without one may belong to, where it was
    /// asked for.
    pub bounds: Option<Bounds>,
    /// What the imputations say of it, where it was combined over several.
    pub imputed: Option<Imputed>,
}

impl MissingEffect {
    /// From the weight of the rows with and without a value.
    pub(super) fn of_weights(with: f64, without: f64) -> MissingEffect {
        let share = without / (with + without);
        MissingEffect { share: Some(share).filter(|s| s.is_finite()), ..MissingEffect::default() }
    }
}

/// The range of an estimate over all ways of giving groups to the rows that lack one.
///
/// Only rows with a value of the outcome are placed. The range holds whatever made the group
/// missing; it is sharp: both ends are reached by some placing (Horowitz and Manski 1998, 2000).
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Bounds {
    /// Rows that may belong to the domain: they lack a group and have a value.
    pub rows: u64,
    /// Their weight ÷ (their weight + that of the rows known to be in the domain).
    pub share: Option<f64>,
    /// The estimate if all of them belonged to the domain. (If none did, it is the estimate of the
    /// row.)
    pub all: Option<f64>,
    /// The lowest value.
    pub lowest: Option<f64>,
    /// The highest value.
    pub highest: Option<f64>,
    /// Lower limit of the interval about `lowest`: with `upper` it covers the whole range with at
    /// least the confidence level of the table.
    pub lower: Option<f64>,
    /// Upper limit of the interval about `highest`.
    pub upper: Option<f64>,
}

/// An estimate combined over completed data sets (Rubin 1987).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Imputed {
    /// The number of completed data sets, m.
    pub imputations: usize,
    /// The mean of their variances, W.
    pub within: f64,
    /// The variance between their estimates, B = Σ (θ_k − θ)² ÷ (m − 1).
    pub between: f64,
    /// The share of the information on the estimate that is missing.
    pub missing_information: f64,
}

/// Missing values of a variable that forms groups.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MissingOf {
    /// The variable.
    pub variable: String,
    /// Its title.
    pub title: String,
    /// Rows of the subpopulation with weight that lack it.
    pub rows: u64,
    /// The share of the weight of the subpopulation that is on them.
    pub share: Option<f64>,
    /// Why, as far as the data say it, with the rows of the whole file: `Refused: 12`.
    pub reasons: Vec<String>,
}

/// How a table handled missing values, and how many there were.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct MissingReport {
    /// What was done with rows that lack a group.
    pub handling: GroupHandling,
    /// Rows of the subpopulation with weight that lack some variable that forms the groups.
    pub rows: u64,
    /// The share of the weight of the subpopulation that is on them.
    pub share: Option<f64>,
    /// By variable, where some lack it.
    pub of: Vec<MissingOf>,
    /// Completed data sets the table is combined over; `None` when nothing in it was imputed.
    pub imputations: Option<usize>,
}
