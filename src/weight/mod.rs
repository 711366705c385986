//! Weights and the ledger that carries their history.

mod adjustment;
mod calibrate;
mod combine;
mod error;
mod fit;
mod groups;
mod ledger;
mod margin;
mod margin_solver;
mod nonresponse;
mod on_cells;
mod scale;
mod step;
mod summary;
mod trim;

pub use adjustment::{Adjustment, Carrier, Residuals};
pub use calibrate::{
    Bounds, CalibrationOptions, CalibrationStatus, Distance, Totals, calibrate_weights,
};
pub use combine::{Combination, CombineError, CombineMethod, Coverage, Frames, Shares, Start};
pub use error::WeightError;
pub use groups::Groups;
pub use ledger::{Ledger, LedgerStep};
pub use margin::{Margin, MarginLevels};
pub use nonresponse::{
    ClassAdjustment, CollapseRules, PropensityAdjustment, PropensityUse, Rate, Reason,
};
pub use on_cells::{CellRecipe, StepFactors};
pub use scale::{ScaleTo, Scaling};
pub use summary::{DetailValue, MarginLine, StepDetail, StepSummary, WeightSummary};
pub use trim::{Limit, Redistribution, Trimming};
