//! Calibration: weights as near as may be to the ones before that meet population totals
//! (Deville and Särndal 1992).

mod cells;
mod distance;
mod feasible;
mod newton;
mod rake;
mod run;
mod soft;
mod status;
mod trim;

pub(in crate::weight) use cells::Cells;
pub use distance::{Bounds, Distance};
pub use feasible::{NearestTotal, Obstacle};
pub use run::{CalibrationOptions, RowBounds, Totals, calibrate_weights};
pub use soft::Firmness;
pub use status::CalibrationStatus;

pub(super) use run::{Solution, solve};
pub(super) use status::nearest;
