//! The reference sample as written.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Format, Names};

/// A probability sample of the same population, for data that were not drawn from it (an opt-in panel, an
/// open survey). Its variables have the names and codes of the data; `variables`, `missing-codes` and
/// `[[derive]]` apply to it as well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Reference {
    /// Its file, relative to the study file.
    pub file: PathBuf,
    /// The format, where the ending of the file name does not say it.
    pub format: Option<Format>,
    /// The delimiter of a text file, where it is not found out rightly.
    pub delimiter: Option<char>,
    /// The sheet of a workbook; the first one if not given.
    pub sheet: Option<String>,
    /// Its weight; every row counts the same if neither this nor `population` is given.
    pub weight: Option<String>,
    /// The population size, when there is no weight or the weights do not add up to it: they are scaled
    /// to it. The probabilities of participation need it.
    pub population: Option<f64>,
    /// Its strata.
    pub strata: Option<String>,
    /// Its PSUs; every row is its own if not given.
    pub clusters: Option<String>,
    /// True when PSU identifiers repeat across strata.
    #[serde(default)]
    pub nested: bool,
}

/// How probabilities of participation are estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ParticipationMethod {
    /// The pseudo likelihood of Chen, Li and Wu (2020).
    PseudoLikelihood,
    /// Weighted logistic regression over both samples pooled (Elliott and Valliant 2017).
    Pooled,
}

/// How an estimate rests on a model of its outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ModelBased {
    /// The outcome is predicted for the reference sample (Kim, Park, Chen and Wu 2021).
    MassImputation,
    /// Predicted for the reference sample, and corrected by the weighted residuals of the data (Chen, Li
    /// and Wu 2020).
    DoublyRobust,
}

impl ModelBased {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            ModelBased::MassImputation => "mass imputation (Kim, Park, Chen and Wu 2021)",
            ModelBased::DoublyRobust => "doubly robust estimation (Chen, Li and Wu 2020)",
        }
    }
}

/// The names of a list, or none.
pub(in crate::study) fn list(names: Option<&Names>) -> Vec<&str> {
    names.map(Names::list).unwrap_or_default()
}
