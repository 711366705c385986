//! Estimates with honest uncertainty.

mod analysis;
mod bounds;
mod compat;
mod deff;
mod dense;
mod domains;
mod impute;
mod interval;
pub mod interval_compat;
mod missing;
mod quality;
mod quantile;
mod quantity;
mod residual;
mod result;
mod standardize;
mod table;
mod variance;

pub use analysis::{Analysis, Raw};
pub use bounds::Unplaced;
pub use deff::{Deff, design_effect, effective_n, effective_n_kish};
pub use domains::Domains;
pub use impute::{Combined, combine_imputations, combined_table};
pub use interval::{Interval, IntervalInput, IntervalMethod, interval, proportion_effective_size};
pub use missing::{Bounds, GroupHandling, Imputed, MissingEffect, MissingOf, MissingReport};
pub use quality::{Decision, Quality, QualityStandard, assess, nchs_proportion, nchs_rate};
pub use quantile::QuantileEstimate;
pub use quantity::Quantity;
pub use result::{ByVariable, Covariance, DfRule, Estimate, EstimateTable, Outcome, Statistic};
pub use standardize::Standard;
pub use table::TableSpec;
