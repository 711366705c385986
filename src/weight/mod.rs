//! Weights and the ledger that carries their history.

mod calibrate;
mod error;
mod ledger;
mod margin;
mod summary;

pub use calibrate::{
    Bounds, CalibrationOptions, CalibrationStatus, Distance, Totals, calibrate_weights,
};
pub use error::WeightError;
pub use ledger::{Calibration, Ledger, LedgerStep, Residuals};
pub use margin::{Margin, MarginLevels};
pub use summary::{MarginLine, StepSummary, WeightSummary};
