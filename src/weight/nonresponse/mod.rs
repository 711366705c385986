//! Adjustment for units that were selected and are not observed: unknown eligibility and nonresponse.

mod classes;
mod collapse;
mod logistic;
mod propensity;

pub use classes::{ClassAdjustment, Rate, Reason};
pub use collapse::CollapseRules;
pub(in crate::weight) use logistic::Equations;
pub use propensity::{PropensityAdjustment, PropensityUse};
