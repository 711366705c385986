//! Numerical foundations: special functions, compensated sums, small dense linear algebra,
//! random streams.
//!
//! Everything here is a pure function or a plain value, so it may be used from any thread, and
//! every iteration is bounded: no argument can make a call hang or panic.

mod digits;
pub mod distributions;
mod gram;
mod incomplete_beta;
mod incomplete_gamma;
mod mixture;
mod order;
mod quadrature;
pub mod random;
mod root;
mod solver;
pub mod special;
mod spline;
mod sum;
pub mod variates;

pub use digits::grouped;
pub use gram::Gram;
pub use incomplete_beta::{beta_lower, beta_upper};
pub use incomplete_gamma::{gamma_lower, gamma_upper};
pub use mixture::{mixture_sf, mixture_sf_saddlepoint};
pub use order::order_statistics;
pub use solver::{Dependent, SolverError, SymmetricSolver};
pub use spline::CubicSpline;
pub use sum::{Sum, sum};
