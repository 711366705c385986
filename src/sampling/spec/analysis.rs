//! How data from a design are analysed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::design::LonelyPsu;
use crate::toml_file::Names;

/// The names that data from this design have for strata, PSUs and weights: what
/// `[design] use = "…"` puts into a study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Analysis {
    /// Strata, one variable per stage.
    pub strata: Option<Names>,
    /// Clusters, one variable per stage, PSUs first.
    pub clusters: Option<Names>,
    /// True when PSU identifiers repeat across strata.
    #[serde(default)]
    pub nested: bool,
    /// What to do with a stratum that has one PSU.
    pub lonely_psu: Option<LonelyPsu>,
    /// The waves, by the letters or years that the names of variables begin with.
    #[serde(default)]
    pub waves: Vec<String>,
    /// What variables of a wave begin with; `{wave}` stands for the wave: "{wave}_".
    pub prefix: Option<String>,
    /// The variable that tells which sample a row is from; `origin` of the samples are its values.
    pub origin: Option<String>,
    /// Codes that stand for missing values in every variable.
    #[serde(default)]
    pub missing: Vec<Code>,
    /// The weights that the data have.
    #[serde(default)]
    pub weight: Vec<ProfileWeight>,
    /// Where this is described: a key of `[sources]`, or a citation.
    pub source: Option<String>,
    /// That it is not known, and what it rests on.
    pub assumed: Option<String>,
}

/// A code for a missing value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Code {
    /// The number.
    pub code: f64,
    /// What it means.
    pub label: String,
    /// That it is not known, and what it rests on.
    pub assumed: Option<String>,
}

/// A weight that the data have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProfileWeight {
    /// Its name, without the prefix of the wave.
    pub name: String,
    /// What it is for.
    pub label: Option<String>,
    /// The waves that have it; all if not given.
    #[serde(default)]
    pub waves: Vec<String>,
    /// The samples whose members have this weight; all if not given.
    pub samples: Option<Names>,
    /// Where this is described: a key of `[sources]`, or a citation.
    pub source: Option<String>,
    /// That it is not known, and what it rests on.
    pub assumed: Option<String>,
}
