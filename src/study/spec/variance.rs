//! The part of a study file that is about variances.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Names;
use crate::replicate::{Resampling, Selection, VarianceForm};

/// How variances are estimated.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Variance {
    /// From the design, from replicates, or from both side by side. Default: `replicates` where the
    /// design has replicate weights or `method` is given, else `linearised`.
    pub estimator: Option<Estimator>,
    /// How replicates are made from the design.
    pub method: Option<Resampling>,
    /// How many replicates, where the method leaves it open. Default: 500 for a bootstrap, 30 groups
    /// for `delete-a-group`, at least 80 for `sdr`; for balanced methods the smallest number that
    /// serves.
    pub replicates: Option<u32>,
    /// The seed of what is random. Default: 1.
    pub seed: Option<u64>,
    /// Fay's ρ, from 0 to below 1.
    pub rho: Option<f64>,
    /// Centre on the full-sample estimate (true) or on the mean of the replicates (false). Default:
    /// true for `jk2`, `sdr` and `fay-generalized`.
    pub mse: Option<bool>,
    /// By what the deviations of generalised factors are divided, so that none is below zero; found
    /// if not given.
    pub tau: Option<f64>,
    /// The variance of the first stage that generalised methods reproduce. Default: `design`.
    pub form: Option<VarianceForm>,
    /// How the units of each stage were drawn, for `rao-wu-yue-beaumont`. Default: as `method` of the
    /// design says of the first stage (`pps` or `poisson`); `without-replacement` at stages with an
    /// `fpc`, else `with-replacement`.
    pub selection: Option<Vec<Selection>>,
    /// The selection probability of the units of each stage, given those above, where it is unequal;
    /// if not given, `probabilities` of the design, or for the first stage those that `method` of the design
    /// works with.
    pub probabilities: Option<Names>,
    /// A variable that gives the order in which PSUs were drawn systematically within strata; the
    /// order of the file if not given.
    pub order_by: Option<String>,
    /// The coefficient of variation that standard errors may have from chance in the replicates;
    /// more are asked for in a note. Default: 0.05.
    pub target_cv: Option<f64>,
}

/// Where variances come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Estimator {
    /// Linearisation.
    Linearised,
    /// Replicates.
    Replicates,
    /// Linearisation, with the standard errors of the replicates beside.
    Both,
}

impl Variance {
    /// Whether replicates are to be made.
    pub fn makes_replicates(&self) -> bool {
        self.method.is_some()
    }
}
