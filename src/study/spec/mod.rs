//! The study file as written: plain types that the JSON schema is made from.
//!
//! Nothing here is checked against data; `study::resolve` turns these into what can be run.

mod data;
mod phase;
pub(in crate::study) mod reference;
mod test;
mod variance;
mod weighting;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::compare::Measure;
use crate::design::{LonelyPsu, Method, PairForm};
use crate::estimate::{
    Deff, GroupHandling, IntervalMethod, QualityStandard, QuantileInterval, QuantileRule,
};
use crate::replicate::ReplicateMethod;

use super::pairs::Pairs;
use super::profile::Profile;

pub use crate::toml_file::{Names, Scalar};
pub use data::{
    Case, Cut, Data, Derive, Format, Imputed, Join, JoinKind, Keys, Unmatched, Variable,
};
pub use phase::{DfChoice, Phase2};
pub use reference::{ModelBased, ParticipationMethod, Reference};
pub use test::{IndependenceStatistic, Test};
pub use variance::{Estimator, Variance};
pub use weighting::{
    CombineBy, Compat, ControlMethod, ControlReplicates, Count, Distance, Estimated, GivenAs,
    GivenShares, IfInfeasible, KeepMargins, Limit, LimitRule, Margin, Redistribute, Samples,
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
    /// A probability sample of the same population, for data that were not drawn.
    pub reference: Option<Reference>,
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
    /// Functions of estimates, written as expressions.
    #[serde(default)]
    pub contrast: Vec<Contrast>,
    /// Tests of hypotheses.
    #[serde(default)]
    pub test: Vec<Test>,
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
    /// A ready design, by name: strata, clusters, weight and missing codes come from its analysis
    /// profile where the study does not say otherwise. `rakewell design --list` names them.
    #[serde(rename = "use")]
    pub profile: Option<String>,
    /// The wave of a panel, by the letter or year of that design: names of variables begin with it.
    pub wave: Option<String>,
    /// What the data are held against, from the profile.
    #[serde(skip)]
    #[schemars(skip)]
    pub covered: Option<Profile>,
    /// Strata, one variable per stage.
    pub strata: Option<Names>,
    /// For data with several samples, such as a general sample and its boost, the variable that says
    /// which sample drew a row: strata and PSUs are then those of each sample, whatever they are
    /// called, as is right for samples drawn independently.
    pub samples: Option<String>,
    /// Samples drawn in the same PSUs, in lists: `[["general", "boost"]]` where the boost is of the
    /// sectors of the general sample. The same identifier is then the same PSU in both, and their
    /// covariance is in the variance.
    #[serde(default)]
    pub shared_psus: Vec<Vec<String>>,
    /// Clusters, one variable per stage, PSUs first; every row is its own PSU if not given.
    pub clusters: Option<Names>,
    /// The design weight.
    pub weight: Option<String>,
    /// Selection probabilities, one variable per stage, in place of `weight`.
    pub probabilities: Option<Names>,
    /// Population sizes (counts of at least 1) or sampling fractions (below 1), one variable
    /// per stage.
    pub fpc: Option<Names>,
    /// The number of PSUs drawn in the stratum of the row, where some have no rows because nobody was
    /// found in them, as in a screened boost: they count as PSUs whose totals are zero.
    pub psus_drawn: Option<String>,
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
    /// How the first stage was drawn: which variance estimator is right for it.
    pub method: Option<Method>,
    /// For the methods with joint probabilities: differences of pairs (default) or products.
    pub pairs: Option<PairForm>,
    /// The file with the joint inclusion probabilities of the PSUs, for `method = "joint"`: one row
    /// and one column per PSU below a heading, which may name the PSUs.
    pub joint_probabilities: Option<PathBuf>,
    /// What the sample was balanced on besides its size, for `method = "deville-tille"`.
    pub balance: Option<Names>,
    /// The order in which PSUs were drawn, for the methods `sd1` and `sd2`; that of the rows if not
    /// given.
    pub order: Option<String>,
    /// A variable that is 1 for PSUs selected with certainty: the next stage counts within them.
    pub certainty: Option<String>,
    /// A second clustering that crosses the first, such as interviewers across areas.
    pub crossed: Option<String>,
    /// What makes strata alike, for `lonely-psu = "collapse"`: a stratum with one PSU is joined with
    /// the one of the nearest mean. The neighbour in the order of the codes if not given.
    pub collapse_by: Option<String>,
    /// A second phase: the outcomes are those of a subsample of the rows.
    pub phase2: Option<Phase2>,
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
    /// For data that were not drawn, with a `[reference]` sample: the estimate rests on a model of the
    /// outcome.
    pub model_based: Option<ModelBased>,
    /// The variables of that model; those of the participation step if not given.
    pub outcome_model: Option<Names>,
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
    /// Where the degrees of freedom come from. Default: PSUs in the group minus their strata.
    pub df: Option<DfChoice>,
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
    /// How a quantile is read off the weighted distribution. Default: `hf1`.
    pub rule: Option<QuantileRule>,
    /// How its interval is made. Default: `woodruff`.
    pub interval: Option<QuantileInterval>,
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

/// A function of estimates. Estimates are named with their levels in braces, one of each of their
/// `by` variables: `rate{Black} / rate{White}`, `income{Black, 16–24}`. An estimate with several
/// outcomes takes the outcome first: `health{Good, Black}`. In a name with hyphens these may be
/// written as underscores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Contrast {
    /// Its name, for file names.
    pub name: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// The function, or several by their labels, with `+ - * / ^`, `abs`, `sqrt`, `exp` and `log`.
    pub expression: Expressions,
    /// The value it is tested against. No test if not given.
    pub null: Option<f64>,
    /// The scale on which the interval is symmetric: `log` for what is always positive, such as a
    /// ratio.
    pub scale: Option<crate::compare::ContrastScale>,
    /// Confidence level, such as 0.95.
    pub confidence: Option<f64>,
    /// How p-values are adjusted for the number of functions.
    pub adjust: Option<Adjust>,
}

/// One expression, or several by their labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Expressions {
    /// One.
    One(String),
    /// Several: label and expression.
    Many(Pairs<String>),
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
    /// Where the degrees of freedom come from.
    pub df: Option<DfChoice>,
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
    /// The ledger: every weighting step with its settings, weights and hashes, to be replayed or
    /// compared. Default: `ledger.json`.
    pub ledger: Option<PathBuf>,
    /// Groups whose weights are looked at after each step: variables, or lists of variables that
    /// cross. Default: those that the estimates are made by.
    pub groups: Option<Vec<Names>>,
    /// Variables that name a case in the lists of the largest weights; they are not in the HTML
    /// report. Default: those of `keep`.
    pub case: Option<Names>,
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
