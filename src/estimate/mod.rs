//! Estimates with honest uncertainty.

mod interval;
mod quality;
mod result;

pub use interval::{Interval, IntervalInput, IntervalMethod, interval, proportion_effective_size};
pub use quality::{Decision, Quality, QualityStandard, assess, nchs_proportion, nchs_rate};
pub use result::{ByVariable, Covariance, DfRule, Estimate, EstimateTable, Outcome, Statistic};
