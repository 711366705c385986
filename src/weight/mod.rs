//! Weights and the ledger that carries their history.

mod adjustment;
mod calibrate;
mod error;
mod fit;
mod ledger;
mod margin;
mod step;
mod summary;

pub use adjustment::{Adjustment, Carrier, Residuals};
pub use calibrate::{
    Bounds, CalibrationOptions, CalibrationStatus, Distance, Totals, calibrate_weights,
};
pub use error::WeightError;
pub use ledger::{Ledger, LedgerStep};
pub use margin::{Margin, MarginLevels};
pub use summary::{DetailValue, MarginLine, StepDetail, StepSummary, WeightSummary};
