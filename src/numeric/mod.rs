//! Numerical foundations: special functions, compensated sums, small dense linear algebra,
//! random streams.
