//! Regressions.

mod linear;

pub use linear::{LinearFit, linear_regression};
