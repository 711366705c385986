//! Comparisons between groups.

mod adjust;
mod contrast;
mod imputed;
mod result;
mod smooth;

pub use adjust::{Adjustment, adjust};
pub use contrast::{ContrastSpec, contrast};
pub use imputed::combined_comparison;
pub use result::{Comparison, ComparisonTable, Measure};
pub use smooth::{SmoothEstimate, SmoothInput, smooth};
