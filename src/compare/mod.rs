//! Comparisons between groups.

mod adjust;
mod contrast;
mod result;

pub use adjust::{Adjustment, adjust};
pub use contrast::{ContrastSpec, contrast};
pub use result::{Comparison, ComparisonTable, Measure};
