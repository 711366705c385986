//! Estimates with honest uncertainty.

mod analysis;
mod interval;
mod quality;
mod quantity;
mod residual;
mod result;
mod variance;

pub use analysis::{Analysis, Raw};
pub use interval::IntervalMethod;
pub use quality::{Decision, Quality, QualityStandard};
pub use quantity::Quantity;
pub use result::{ByVariable, Covariance, DfRule, Estimate, EstimateTable, Outcome, Statistic};
