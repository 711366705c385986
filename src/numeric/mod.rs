//! Numerical foundations: special functions, compensated sums, small dense linear algebra,
//! random streams.

mod linalg;
mod sum;

pub use linalg::SymmetricSolver;
pub use sum::Sum;
