//! The study file as written: plain types that the JSON schema is made from.
//!
//! Nothing here is checked against data; `study::resolve` turns these into what can be run.

mod data;
mod variance;
mod weighting;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::compare::Measure;
use crate::design::LonelyPsu;
use crate::estimate::{Deff, GroupHandling, IntervalMethod, QualityStandard};
use crate::replicate::ReplicateMethod;

use super::pairs::Pairs;

pub use crate::toml_file::{Names, Scalar};
pub use data::{
    Case, Cut, Data, Derive, Format, Imputed, Join, JoinKind, Keys, Unmatched, Variable,
};
pub use variance::{Estimator, Variance};
pub use weighting::{
    CombineBy, Compat, Distance, GivenShares, Limit, LimitRule, Margin, Redistribute, Samples,
    ScaleRule, ScaleTarget, ShareRule, Step, Weighting,
};

/// A study: what to do with data, from the file to the report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Study {
    /// Title of the study, shown at the top of the report.
    pub title: String,
    /// What the study is about; plain paragraphs.
    pub description: Option<String>,
    /// Where the data came from, and under which licence.
    pub source: Option<String>,
    /// Files with shared `variables` and `[[derive]]`, relative to this one. They come before what
    /// stands here, which goes before them where both say something.
    pub include: Option<Names>,
    /// The data file.
    pub data: Data,
    /// Labels and missing codes of variables, by name.
    #[serde(default)]
    pub variables: Pairs<Variable>,
    /// New variables, made in order.
    #[serde(default)]
    pub derive: Vec<Derive>,
    /// The subpopulation all estimates are about, as an expression. Rows outside it stay in the
    /// design: they count for the variance.
    #[serde(rename = "where")]
    pub population: Option<String>,
    /// How the sample was drawn, as far as the variance needs it.
    pub design: Design,
    /// How variances are estimated: by linearisation unless said otherwise.
    #[serde(default)]
    pub variance: Variance,
    /// Weighting steps, carried out in order on the design weight.
    #[serde(default)]
    pub weighting: Vec<Weighting>,
    /// Estimates.
    #[serde(default)]
    pub estimate: Vec<Estimate>,
    /// Comparisons between the groups of an estimate.
    #[serde(default)]
    pub compare: Vec<Compare>,
    /// Settings for all estimates that do not say otherwise.
    #[serde(default)]
    pub defaults: Defaults,
    /// What to write, and where.
    #[serde(default)]
    pub report: Report,
}

/// How the sample was drawn.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Design {
    /// Strata, one variable per stage.
    pub strata: Option<Names>,
    /// Clusters, one variable per stage, PSUs first; every row is its own PSU if not given.
    pub clusters: Option<Names>,
    /// The design weight.
    pub weight: Option<String>,
    /// Selection probabilities, one variable per stage, in place of `weight`.
    pub probabilities: Option<Names>,
    /// Population sizes (counts of at least 1) or sampling fractions (below 1), one variable
    /// per stage.
    pub fpc: Option<Names>,
    /// True when PSU identifiers repeat across strata (they are then taken within strata).
    #[serde(default)]
    pub nested: bool,
    /// What to do with a stratum that has one PSU.
    pub lonely_psu: Option<LonelyPsu>,
    /// True when `lonely-psu` also applies to strata with one PSU in the domain.
    #[serde(default)]
    pub lonely_in_domain: bool,
    /// Replicate weights in the data, in place of strata and clusters.
    pub replicates: Option<Replicates>,
    /// What to do with rows whose weight is missing.
    pub missing_weight: Option<MissingWeight>,
    /// Degrees of freedom, where the rule would be wrong.
    pub df: Option<f64>,
}

/// What to do with rows whose weight is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MissingWeight {
    /// Stop and say how many.
    Error,
    /// Take them as weight zero.
    Zero,
}

/// Replicate weights in the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Replicates {
    /// The columns: names, or one pattern such as `repw*` (in numeric order).
    pub columns: Names,
    /// How they were made.
    pub method: ReplicateMethod,
    /// Fay's ρ.
    pub rho: Option<f64>,
    /// The overall scale, where the method does not say it.
    pub scale: Option<f64>,
    /// One scale per replicate.
    pub rscales: Option<Vec<f64>>,
    /// Centre on the full-sample estimate (true) or on the mean of the replicates (false).
    pub mse: Option<bool>,
    /// True (default) when the columns are weights; false when they multiply the weight.
    pub combined: Option<bool>,
}

/// One estimate. Give exactly one of `mean`, `total`, `proportion`, `ratio` and `quantile`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Estimate {
    /// Its name, for `[[compare]]` and for file names.
    pub name: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// Means of numeric variables.
    pub mean: Option<Names>,
    /// Totals of numeric variables, or of every level of a categorical one.
    pub total: Option<Names>,
    /// Proportions: of a 0/1 variable, or of every level of a categorical one.
    pub proportion: Option<Names>,
    /// Ratio of two totals.
    pub ratio: Option<Ratio>,
    /// Quantiles of a numeric variable.
    pub quantile: Option<Quantile>,
    /// Only this level of the proportion's variable.
    pub level: Option<Scalar>,
    /// Domains: the crossing of these variables.
    pub by: Option<Names>,
    /// A subpopulation, besides that of the study.
    #[serde(rename = "where")]
    pub population: Option<String>,
    /// Direct standardisation of the domains.
    pub standardize: Option<Standardize>,
    /// How the interval is made.
    pub interval: Option<IntervalMethod>,
    /// Confidence level, such as 0.95.
    pub confidence: Option<f64>,
    /// Which simple random sampling the design effect compares with.
    pub deff: Option<Deff>,
    /// The quality standard.
    pub quality: Option<QualityStandard>,
    /// What is done with rows that lack a value of a `by` variable. Default: `excluded`; how many
    /// they are is always said.
    pub missing_groups: Option<GroupHandling>,
}

/// A ratio of totals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Ratio {
    /// Above the line.
    pub numerator: String,
    /// Below the line.
    pub denominator: String,
}

/// Quantiles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Quantile {
    /// The variable.
    pub of: String,
    /// Probabilities, such as [0.25, 0.5, 0.75].
    pub at: Vec<f64>,
}

/// Direct standardisation: domain estimates re-weighted to one distribution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Standardize {
    /// The variable whose distribution is held fixed, such as age group.
    pub by: String,
    /// The standard population: share or count of every level.
    pub population: Pairs<f64>,
}

/// Comparisons between the groups of an estimate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Compare {
    /// Its name, for file names.
    pub name: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// The name of the estimate.
    pub estimate: String,
    /// Difference (default) or ratio.
    pub measure: Option<Measure>,
    /// Which of the estimate's `by` variables is compared; the first if not given. The others
    /// are held fixed.
    pub across: Option<String>,
    /// The level every other level is compared with; all pairs if not given.
    pub reference: Option<Scalar>,
    /// How p-values are adjusted for the number of comparisons.
    pub adjust: Option<Adjust>,
}

/// Adjustment for multiple comparisons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Adjust {
    /// None.
    None,
    /// Bonferroni.
    Bonferroni,
    /// Holm (1979).
    Holm,
    /// Benjamini and Hochberg (1995).
    BenjaminiHochberg,
}

/// Settings for all estimates that do not say otherwise.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Defaults {
    /// How intervals are made.
    pub interval: Option<IntervalMethod>,
    /// Confidence level, such as 0.95.
    pub confidence: Option<f64>,
    /// Which simple random sampling the design effect compares with.
    pub deff: Option<Deff>,
    /// The quality standard.
    pub quality: Option<QualityStandard>,
    /// What is done with rows that lack a value of a `by` variable.
    pub missing_groups: Option<GroupHandling>,
}

/// What to write, and where. Paths are relative to the study file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Report {
    /// Folder for everything below. Default: `output`.
    pub folder: Option<PathBuf>,
    /// The HTML report. Default: `report.html`.
    pub html: Option<PathBuf>,
    /// Estimates and comparisons as one CSV file.
    pub csv: Option<PathBuf>,
    /// Everything as JSON.
    pub json: Option<PathBuf>,
    /// Estimates as Parquet.
    pub parquet: Option<PathBuf>,
    /// The final weights (CSV or Parquet, by the ending), with the columns of `keep`.
    pub weights: Option<PathBuf>,
    /// Columns written beside the weights.
    pub keep: Option<Names>,
    /// A copy of the data file with the final weight as a new column, in the format of the
    /// ending. With that of the data file itself (`.sav` and `.zsav` count as one), everything
    /// else in it stays as it is; `.csv` and `.parquet` can be made of any.
    pub data: Option<PathBuf>,
    /// The name of the weight in that copy. Default: `rakewell_weight`.
    pub weight_name: Option<String>,
    /// True to add the replicate weights to that copy, as `rakewell_rep1` and so on.
    #[serde(default)]
    pub replicates: bool,
}
