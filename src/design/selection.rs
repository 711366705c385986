//! How the first stage was drawn, as far as it decides the variance estimator.

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use super::form::PairForm;
use super::variable::Variable;

/// The variance estimator of the first stage.
///
/// The methods for unequal probabilities want the inclusion probability of every PSU, which may
/// differ within a stratum, as the first-stage `fpc`. Formulas: docs/methods/pps.md and
/// systematic.md.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Method {
    /// Simple random sampling in every stratum; without `fpc` with replacement.
    #[default]
    Simple,
    /// With replacement, with equal or unequal probabilities.
    WithReplacement,
    /// Unequal probabilities without replacement, Brewer's estimator (2002).
    Brewer,
    /// Unequal probabilities without replacement, joint probabilities by Hartley and Rao (1962).
    HartleyRao,
    /// Unequal probabilities without replacement, joint probabilities by Overton (1985).
    Overton,
    /// Unequal probabilities without replacement at high entropy, Hájek's estimator (1964).
    Hajek,
    /// Deville's first estimator (1999): that of Hájek.
    #[serde(rename = "deville-1")]
    Deville1,
    /// Deville's second estimator (1999).
    #[serde(rename = "deville-2")]
    Deville2,
    /// A sample balanced on the variables of `balance` (Deville and Tillé 2005).
    DevilleTille,
    /// Unequal probabilities without replacement, joint probabilities from a file.
    Joint,
    /// Units drawn independently of each other (Poisson or Bernoulli sampling).
    Poisson,
    /// Systematic sampling in the order of `order`: differences of neighbours.
    Sd1,
    /// As `sd1`, with the last unit and the first as neighbours.
    Sd2,
}

impl Method {
    /// Whether it needs the inclusion probability of every PSU.
    pub fn needs_probabilities(self) -> bool {
        use Method::{Brewer, Deville1, Deville2, DevilleTille, Hajek, HartleyRao, Joint, Overton};
        matches!(
            self,
            Brewer | HartleyRao | Overton | Hajek | Deville1 | Deville2 | DevilleTille | Joint
        )
    }

    /// Whether it is for inclusion probabilities that differ within a stratum.
    pub fn is_unequal(self) -> bool {
        self.needs_probabilities() || self == Method::Poisson
    }

    /// The name in the study file.
    pub fn name(self) -> &'static str {
        match self {
            Method::Simple => "simple",
            Method::WithReplacement => "with-replacement",
            Method::Brewer => "brewer",
            Method::HartleyRao => "hartley-rao",
            Method::Overton => "overton",
            Method::Hajek => "hajek",
            Method::Deville1 => "deville-1",
            Method::Deville2 => "deville-2",
            Method::DevilleTille => "deville-tille",
            Method::Joint => "joint",
            Method::Poisson => "poisson",
            Method::Sd1 => "sd1",
            Method::Sd2 => "sd2",
        }
    }

    /// The estimator in words, for reports; `None` for simple random sampling.
    pub fn in_words(self) -> Option<&'static str> {
        Some(match self {
            Method::Simple => return None,
            Method::WithReplacement => "with replacement",
            Method::Brewer => "Brewer's estimator for unequal probabilities",
            Method::HartleyRao => "joint probabilities by Hartley and Rao",
            Method::Overton => "joint probabilities by Overton",
            Method::Hajek => "Hájek's estimator for unequal probabilities",
            Method::Deville1 => "Deville's first estimator for unequal probabilities",
            Method::Deville2 => "Deville's second estimator for unequal probabilities",
            Method::DevilleTille => "Deville and Tillé's estimator for balanced samples",
            Method::Joint => "joint probabilities",
            Method::Poisson => "Poisson sampling",
            Method::Sd1 => "successive differences (SD1)",
            Method::Sd2 => "successive differences (SD2)",
        })
    }
}

/// Probabilities of pairs of PSUs to be both in the sample, with those of single PSUs on the
/// diagonal.
#[derive(Debug, Clone, PartialEq)]
pub struct JointProbabilities {
    /// What they are called in messages: the file, or its name.
    pub name: String,
    /// The PSUs of rows and columns; empty where they stand in the order in which the PSUs first
    /// occur in the data.
    pub units: Vec<String>,
    /// The probabilities.
    pub values: DMatrix<f64>,
}

/// How the first stage was drawn.
#[derive(Debug, Clone, Default)]
pub struct Selection<'a> {
    /// The variance estimator.
    pub method: Method,
    /// Differences of pairs or products, for `HartleyRao`, `Overton` and `Joint`.
    pub form: PairForm,
    /// The joint probabilities of [`Method::Joint`].
    pub joint: Option<JointProbabilities>,
    /// What the sample was balanced on, besides its size, for [`Method::DevilleTille`]: one value
    /// per PSU.
    pub balance: Vec<Variable<'a>>,
    /// The order of the PSUs within a stratum, for `Sd1` and `Sd2`: one value per PSU. Ties, and
    /// everything without it, in the order of the rows.
    pub order: Option<Variable<'a>>,
    /// 1 for PSUs that were selected with certainty, 0 for the others. Each of these is a stratum of
    /// its own that adds nothing at the first stage; the next stage within it counts in full. PSUs
    /// with an inclusion probability of 1 are treated so without being marked.
    pub certainty: Option<Variable<'a>>,
}

/// Two phases: a subsample of the units of the first sample.
#[derive(Debug, Clone)]
pub struct SecondPhase<'a> {
    /// 1 for rows in the second phase, 0 for those in the first only.
    pub selected: Variable<'a>,
    /// The strata of the second phase; the whole sample if not given.
    pub strata: Option<Variable<'a>>,
    /// The units that were subsampled; rows if not given.
    pub clusters: Option<Variable<'a>>,
    /// The probability of a row of the first phase to be in the second, when its units were drawn
    /// independently. If not given, simple random samples without replacement were drawn in each
    /// stratum, and the probability is units selected ÷ units.
    pub probability: Option<Variable<'a>>,
    /// How the variance of the first phase is estimated from the second.
    pub method: PhaseMethod,
}

/// How the variance of the first phase is estimated from a sample of the second.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PhaseMethod {
    /// Every pair of units is weighted by its probability to be in the second phase: unbiased
    /// (Särndal, Swensson and Wretman 1992, eq. 9.3.7).
    #[default]
    Full,
    /// The units are taken to be in the second phase independently of each other, as R `survey`
    /// has it with `method = "approx"` or `"simple"`: close when phase 1 is a simple random sample.
    Approx,
}
