//! Comparisons between groups.

mod adjust;
mod contrast;
mod function;
mod imputed;
mod result;
mod smooth;
pub mod test;

pub use adjust::{Adjustment, adjust};
pub use contrast::{ContrastSpec, contrast};
pub use function::{ContrastScale, FunctionSpec, NamedEstimate, functions};
pub use imputed::combined_comparison;
pub use result::{Comparison, ComparisonTable, Measure};
pub use smooth::{SmoothEstimate, SmoothInput, smooth};
