//! Estimates with honest uncertainty.

mod interval;
mod quality;
mod result;

pub use interval::IntervalMethod;
pub use quality::{Decision, Quality, QualityStandard};
pub use result::{
    ByVariable, Covariance, DfRule, Estimate, EstimateTable, Outcome, Statistic,
};
