//! Weights and the ledger that carries their history.

mod adjustment;
mod calibrate;
mod combine;
mod control;
mod diagnostics;
mod error;
mod fit;
mod groups;
mod keep;
mod ledger;
mod margin;
mod margin_solver;
mod nonresponse;
mod on_cells;
mod participation;
mod prediction;
mod psus;
mod scale;
mod selection;
mod step;
mod summary;
mod traded;
mod trim;
mod trim_mse;

pub use adjustment::{Adjustment, Carrier, OwnSum, Residuals};
pub use calibrate::{
    Bounds, CalibrationOptions, CalibrationStatus, Distance, Firmness, NearestTotal, Obstacle,
    RowBounds, Totals, calibrate_weights,
};
pub use combine::{Combination, CombineError, CombineMethod, Coverage, Frames, Shares, Start};
pub use control::{ControlMethod, ControlTotals, ReplicateOf};
pub use diagnostics::{
    BalanceLine, DiagnosticRequest, GroupWeights, Histogram, LargeWeight, StepDiagnostics,
};
pub use error::WeightError;
pub use fit::Calibration;
pub use groups::Groups;
pub use keep::KeepMargins;
pub use ledger::{Ledger, LedgerStep};
pub use margin::{Margin, MarginLevels};
pub use nonresponse::{
    ClassAdjustment, CollapseRules, PropensityAdjustment, PropensityUse, Rate, Reason,
};
pub use on_cells::{CellRecipe, StepFactors};
pub use participation::{Participation, ParticipationFit, ParticipationMethod, Reference, pooled};
pub use prediction::{Family, Prediction};
pub use scale::{ScaleTo, Scaling};
pub use selection::Selection;
pub use summary::{DetailValue, MarginLine, StepDetail, StepSummary, WeightSummary};
pub use traded::{Followed, TradedLine, traded};
pub use trim::{Limit, Redistribution, Trimming};
pub use trim_mse::mse_limits;
