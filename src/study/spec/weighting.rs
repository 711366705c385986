//! Weighting steps as written.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reference::ParticipationMethod;
use super::{Names, Scalar};
use crate::replicate::ReplicateMethod;
use crate::study::pairs::Pairs;

/// One weighting step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Weighting {
    /// What to do.
    pub step: Step,
    /// Margins: a CSV file or workbook with the columns `variable, level, total`, relative to
    /// the study file. Crossed margins join names and levels with ` × ` (or `*`).
    pub margins: Option<PathBuf>,
    /// The sheet of a workbook of margins; the first one if not given.
    pub sheet: Option<String>,
    /// Margins written here.
    #[serde(default)]
    pub margin: Vec<Margin>,
    /// Population totals of numeric variables (linear calibration).
    #[serde(default)]
    pub totals: Pairs<f64>,
    /// Population means of numeric variables (calibration).
    #[serde(default)]
    pub means: Pairs<f64>,
    /// The population size, when the margins are shares or when the sum of weights is itself a
    /// constraint beside `totals`. Margins of counts say it themselves: that they add up to another number
    /// is an error (but for `tolerance`).
    pub population: Option<f64>,
    /// Calibration of a second phase: the variables, categories or numbers, whose totals in the
    /// first phase are met.
    pub first_phase: Option<Names>,
    /// Distance of a calibration.
    pub distance: Option<Distance>,
    /// Smallest and largest factor.
    pub bounds: Option<[f64; 2]>,
    /// Largest number of iterations.
    pub iterations: Option<usize>,
    /// How much the totals of two margins may differ, relative (perturbed census tables);
    /// every margin is then scaled to the first.
    pub tolerance: Option<f64>,
    /// Smallest and largest weight after a linear or raking calibration, in place of `bounds`.
    pub weight_bounds: Option<[f64; 2]>,
    /// Two columns with the smallest and the largest factor of each row, in place of `bounds`.
    pub bounds_by: Option<[String; 2]>,
    /// Two columns with the smallest and the largest weight of each row after the step.
    pub weight_bounds_by: Option<[String; 2]>,
    /// A column with the scale of each row: larger where a weight may move less
    /// (heteroscedasticity).
    pub scale: Option<String>,
    /// A calibration gives all rows with the same value of this variable one factor (a household).
    pub constant_within: Option<String>,
    /// Factors are cut off at these two after the calibration, once, and what that takes from the
    /// sum of the weights is given to the others: margins are then no longer met exactly. `bounds`
    /// keeps both.
    pub trim: Option<[f64; 2]>,
    /// What to do when the margins cannot be met: stop (default), or meet the nearest that can be.
    pub if_infeasible: Option<IfInfeasible>,
    /// True to keep weights that miss their margins. The summary of the step shows by how much.
    #[serde(default)]
    pub force: bool,
    /// The survey that the margins were estimated from: its sampling error then enters the variance.
    pub estimated: Option<Estimated>,
    /// Another system's treatment, where ours differs on purpose.
    pub compat: Option<Compat>,
    /// Nonresponse: who responded, as an expression such as `outcome == 1`.
    pub responded: Option<String>,
    /// Nonresponse: the sample that could respond. Unknown eligibility: who is eligible among those
    /// known; the others get weight zero and stay in the data. As an expression; everybody if not
    /// given.
    pub eligible: Option<String>,
    /// Unknown eligibility: of whom it is known whether they are eligible, as an expression;
    /// everybody if not given.
    pub known: Option<String>,
    /// Nonresponse and unknown eligibility: the variables whose crossing makes adjustment classes.
    pub classes: Option<Names>,
    /// Nonresponse: the variables of a logistic model of response, categories and numbers, in
    /// place of `classes`. Participation: the variables it depends on.
    pub model: Option<Names>,
    /// Nonresponse by a model: so many classes of the propensity with equal numbers of rows; weights
    /// are divided by the propensities themselves if neither this nor `cuts` is given.
    pub propensity_classes: Option<usize>,
    /// Nonresponse by a model: classes cut at these propensities.
    pub cuts: Option<Vec<f64>>,
    /// Nonresponse and unknown eligibility: rates and models count every row once instead of by
    /// its weight.
    #[serde(default)]
    pub unweighted: bool,
    /// Participation: how its probabilities are estimated. Default: the pseudo likelihood.
    pub method: Option<ParticipationMethod>,
    /// Smallest number of observed rows in an adjustment class; smaller ones are joined.
    pub min_count: Option<u64>,
    /// Largest factor of an adjustment class; classes above are joined with others.
    pub max_factor: Option<f64>,
    /// Selection: how many the unit was selected from at this stage, such as the adults of the
    /// household; the weight is multiplied by it and divided by `selected-count`. Several
    /// variables for several stages.
    pub eligible_count: Option<Names>,
    /// Selection: how many of them were selected: a number, or variables. Default: 1.
    pub selected_count: Option<Count>,
    /// Selection: probabilities of the stages, in place of counts; the weight is divided by them.
    pub probabilities: Option<Names>,
    /// Selection: the largest factor.
    pub cap: Option<f64>,
    /// Trimming: smallest weight.
    pub lower: Option<Limit>,
    /// Trimming: largest weight.
    pub upper: Option<Limit>,
    /// Trimming: who gets what is cut off. Default: the others in proportion.
    pub redistribute: Option<Redistribute>,
    /// Trimming: cut again what this has raised above the limit, until nothing is.
    #[serde(default)]
    pub strict: bool,
    /// Trimming: the totals of the last calibration hold again afterwards.
    pub keep_margins: Option<KeepMargins>,
    /// Trimming: variables whose means are followed by group, to show what the step buys and costs;
    /// those of the means and proportions among the estimates if not given.
    pub outcomes: Option<Names>,
    /// Trimming and scaling: within the crossing of these variables. Calibration: each part on its
    /// own, with margins of its own (`part`).
    pub within: Option<Names>,
    /// Combining: the samples that the data hold, and how they are combined.
    pub samples: Option<Samples>,
    /// Scaling: `"sample-size"` (mean weight 1 within each group) or the sum of all weights.
    pub to: Option<ScaleTarget>,
}

/// The kind of a weighting step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Step {
    /// Weights in each cell of one margin are scaled to its total.
    PostStratify,
    /// Iterative proportional fitting to several margins.
    Rake,
    /// Calibration by a distance (linear if not said otherwise).
    Calibrate,
    /// Weights are multiplied by the inverse probability of a stage of selection, such as that of a
    /// person within the household.
    Selection,
    /// The weight of rows that did not respond goes to those that did.
    Nonresponse,
    /// The weight of rows of unknown eligibility goes to those whose eligibility is known.
    Eligibility,
    /// Data that were not drawn: weights are the inverse of modelled probabilities of participation, with
    /// a `[reference]` sample. The first step.
    Participation,
    /// Several samples in the data are combined: a unit that more than one of them could have
    /// drawn would otherwise count more than once.
    Combine,
    /// Weights are brought within limits.
    Trim,
    /// Weights are multiplied by one number, or by one number in each group.
    Scale,
}

/// Distance functions of calibration (Deville and Särndal 1992).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Distance {
    /// Linear (GREG).
    Linear,
    /// Multiplicative (exponential).
    Raking,
    /// Logit, within bounds.
    Logit,
    /// Hyperbolic sine (between linear and raking for small factors, flatter for large ones).
    Sinh,
}

/// A limit of weights: a weight, or where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Limit {
    /// A weight.
    Value(f64),
    /// From the weights before the step.
    From(LimitRule),
}

/// A limit from the weights before the step. Give exactly one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LimitRule {
    /// So many times the median.
    pub median_ratio: Option<f64>,
    /// So many times the mean.
    pub mean_ratio: Option<f64>,
    /// The quantile of this probability, such as 0.99.
    pub percentile: Option<f64>,
    /// The third quartile and so many interquartile ranges (below: the first less them).
    pub tukey: Option<f64>,
    /// The median and so many interquartile ranges (below: the median less them).
    pub median_iqr: Option<f64>,
    /// An upper limit with the smallest mean squared error of the means of these variables (Potter
    /// 1990).
    pub mse: Option<Names>,
}

/// How trimming keeps the totals of the calibration before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum KeepMargins {
    /// By turns of cutting and calibrating, until both hold.
    Alternate,
    /// The nearest weights within the limits that have the same totals.
    Exact,
}

/// A count: a number, or the variables that hold it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Count {
    /// The same for everybody.
    Number(f64),
    /// A variable.
    One(String),
    /// A variable for each stage.
    Many(Vec<String>),
}

/// Who gets the weight that was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Redistribute {
    /// Nobody.
    None,
    /// The rows that were not cut, each the same.
    Equal,
    /// The rows that were not cut, in the proportion of their weights.
    Proportional,
}

/// What weights are scaled to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ScaleTarget {
    /// A sum.
    Total(f64),
    /// A rule.
    Rule(ScaleRule),
}

/// A rule for the sum of weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ScaleRule {
    /// The number of rows with a weight, so that their mean is 1.
    SampleSize,
    /// The same: a mean of 1.
    MeanOne,
}

/// Treatments of other systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Compat {
    /// The linearised variance as R `survey` computes it: after raking too large when base
    /// weights are unequal; after several calibrations taken off in the wrong order.
    R,
}

/// What to do with margins that cannot be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum IfInfeasible {
    /// Stop, and say why.
    Error,
    /// Meet the nearest totals that can be met (least squares of the relative misses), and say which
    /// gave way.
    Relax,
}

/// A margin written in the study file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Margin {
    /// The variable, or the variables that cross. May be left out with `of`.
    pub by: Option<Names>,
    /// A numeric variable whose totals are given, in place of counts.
    pub of: Option<String>,
    /// Totals by level: `{ Female = 30.1e6, Male = 29.5e6 }`; crossed levels are joined with
    /// ` × ` (or `*`). Left out where they come from a control survey (`estimated.file`).
    #[serde(default)]
    pub totals: Pairs<f64>,
    /// The total of `of` in the whole population (or its mean), without `by`.
    pub total: Option<f64>,
    /// What `totals` are: totals (default), shares of the population, or means of `of`.
    #[serde(rename = "as")]
    pub given_as: Option<GivenAs>,
    /// The variables of another margin of which `totals` are shares: those of each of its levels
    /// sum to 1.
    pub shares_of: Option<Names>,
    /// True to count every group of `constant-within` once: totals of households, not of persons.
    #[serde(default)]
    pub per_group: bool,
    /// The part (level of `within`) that the margin is for.
    pub part: Option<Scalar>,
    /// How much the margin matters, where it need not be met exactly: alone it would close k/(1 + k)
    /// of its gap, so that 9 is nine tenths.
    pub importance: Option<f64>,
    /// How far the margin may be missed, relative to each total: 0.02 is 2 %.
    pub tolerance: Option<f64>,
}

impl Margin {
    /// The variables that cross; none for one number.
    pub fn variables(&self) -> Vec<&str> {
        self.by.as_ref().map(Names::list).unwrap_or_default()
    }
}

/// What the numbers of a margin are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum GivenAs {
    /// Totals.
    Totals,
    /// Shares of the population: of `population`, of the total of the margins that are totals, or
    /// of the sum of the weights before the step.
    Shares,
    /// Means of a numeric variable, `of`.
    Means,
}

/// Margins that are estimates of another survey. Give `covariance` or `file`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Estimated {
    /// The covariance of the totals: a CSV file with the columns `variable` and `level`, one line for
    /// every total, and then one column for every line in the same order.
    pub covariance: Option<PathBuf>,
    /// The data of that survey, with the variables of the margins, which then have no `totals`.
    pub file: Option<PathBuf>,
    /// Its weight.
    pub weight: Option<String>,
    /// Its replicate weights.
    pub replicates: Option<ControlReplicates>,
    /// How replicates of the sample are given the error of the margins.
    pub method: Option<ControlMethod>,
    /// The seed of the random matching of replicates. Default: 1.
    pub seed: Option<u64>,
}

/// The replicate weights of a control survey.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ControlReplicates {
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
    /// True (default) when the columns are weights; false when they multiply the weight.
    pub combined: Option<bool>,
}

/// How replicates are given the error of estimated margins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ControlMethod {
    /// By the eigenvectors of the covariance (Fuller 1998). The default.
    Fuller,
    /// By the replicates of the control survey, matched at random (Opsomer and Erciulescu 2021).
    OpsomerErciulescu,
}

/// The samples that the data hold, such as a general sample and its boost, and how they are
/// combined. The weight before the step is that of the sample that drew the row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Samples {
    /// The variable that says which sample drew a row.
    pub variable: String,
    /// For each sample the column with the probability of every row under it, 0 where that sample
    /// could not have drawn it: `{ general = "p_general", boost = "p_boost" }`. A row that its own
    /// sample could not have drawn gets weight zero.
    #[serde(default)]
    pub probabilities: Pairs<String>,
    /// In place of probabilities, for each sample an expression that is true where it could have
    /// drawn the row, or `"*"` for all rows: `{ general = "*", boost = "minority == 1" }`.
    #[serde(default)]
    pub frames: Pairs<String>,
    /// How they are combined.
    pub method: CombineBy,
    /// The shares of composites and of pseudo-maximum likelihood: a rule, or a number for each
    /// sample. Default: by effective sample size.
    pub shares: Option<GivenShares>,
    /// Composites: shares are set within the crossing of these variables.
    pub by: Option<Names>,
    /// Shares of smallest variance: the outcome whose total they serve.
    pub outcome: Option<String>,
    /// Pseudo-maximum likelihood: the number of units in the frame of each sample.
    #[serde(default)]
    pub frame_sizes: Pairs<f64>,
}

/// How samples are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CombineBy {
    /// By the probability of being in any of the samples, 1 − ∏(1 − π): samples drawn
    /// independently, a unit that several drew standing in the data once (Bankier 1986).
    TotalProbability,
    /// By the expected number of selections Σπ: a unit stands in the data as often as it was drawn
    /// (Kalton and Anderson 1986).
    SumOfProbabilities,
    /// Weights divided by the number of samples that could have drawn the unit (Mecatti 2007).
    Multiplicity,
    /// Weights times the share of the sample (Hartley 1962).
    Composite,
    /// Pseudo-maximum likelihood for two frames of known sizes (Skinner and Rao 1996).
    PseudoLikelihood,
}

/// The shares of samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum GivenShares {
    /// A rule.
    Rule(ShareRule),
    /// A number for each sample.
    Numbers(Pairs<f64>),
}

/// A rule for the shares of samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ShareRule {
    /// In the proportion of effective sample sizes.
    EffectiveSize,
    /// Those that make the variance of the total of `outcome` smallest.
    MinimumVariance,
}
