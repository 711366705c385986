//! Comparisons between groups.

mod result;

pub use result::{Comparison, ComparisonTable, Measure};
