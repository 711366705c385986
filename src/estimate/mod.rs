//! Estimates with honest uncertainty.

mod analysis;
mod compat;
mod deff;
mod domains;
mod interval;
mod quality;
mod quantity;
mod residual;
mod result;
mod variance;

pub use analysis::{Analysis, Raw};
pub use deff::{Deff, design_effect, effective_n, effective_n_kish};
pub use domains::Domains;
pub use interval::IntervalMethod;
pub use quality::{Decision, Quality, QualityStandard};
pub use quantity::Quantity;
pub use result::{ByVariable, Covariance, DfRule, Estimate, EstimateTable, Outcome, Statistic};
