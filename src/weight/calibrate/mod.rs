//! Calibration: weights as near as may be to the ones before that meet population totals
//! (Deville and Särndal 1992).

mod cells;
mod distance;
mod newton;
mod rake;
mod run;

pub(in crate::weight) use cells::Cells;
pub use distance::{Bounds, Distance};
pub use run::{CalibrationOptions, CalibrationStatus, Totals, calibrate_weights};

pub(super) use run::{Solution, solve};
