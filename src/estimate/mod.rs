//! Estimates with honest uncertainty.

mod analysis;
mod compat;
mod covariance;
mod deff;
mod dense;
mod domains;
mod explained;
mod forms;
mod influence;
mod interval;
pub mod interval_compat;
mod moments;
mod quality;
mod quantile;
mod quantity;
mod residual;
mod result;
mod satterthwaite;
mod standardize;
mod table;
mod variance;

pub use analysis::{Analysis, Raw};
pub use deff::{Deff, design_effect, effective_n, effective_n_kish};
pub use domains::Domains;
pub use interval::{Interval, IntervalInput, IntervalMethod, interval, proportion_effective_size};
pub use quality::{Decision, Quality, QualityStandard, assess, nchs_proportion, nchs_rate};
pub use quantile::{QuantileEstimate, QuantileInterval, QuantileRequest, QuantileRule, Quantiles};
pub use quantity::Quantity;
pub use result::{ByVariable, Covariance, DfRule, Estimate, EstimateTable, Outcome, Statistic};
pub use satterthwaite::pooled_df;
pub use standardize::Standard;
pub use table::Df;
pub use table::TableSpec;
