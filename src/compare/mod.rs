//! Comparisons between groups.

mod adjust;
mod result;

pub use adjust::{Adjustment, adjust};
pub use result::{Comparison, ComparisonTable, Measure};
