//! What to do with a stratum that has one PSU.

use serde::{Deserialize, Serialize};

/// What to do with a stratum that has one PSU, so that its variance can't be estimated.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum LonelyPsu {
    /// Stop and name the strata.
    #[default]
    Error,
    /// Deviation from the mean of all PSU totals (R `adjust`): errs on the large side.
    Center,
    /// The average contribution of the other strata.
    Average,
    /// It was selected with certainty: it adds nothing at this stage.
    Certainty,
    /// Leave the stratum out of the variance: it adds nothing.
    Remove,
    /// Join it with the neighbouring stratum (in the order of the stratum codes).
    Collapse,
}
