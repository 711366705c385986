//! Survey statistics for boosted samples: weights that can be trusted, and small-group estimates
//! that say how far they can be trusted.
#![forbid(unsafe_code)]

pub mod compare;
pub mod data;
pub mod diagnostic;
pub mod estimate;
pub mod numeric;
pub mod report;
pub mod study;
pub mod validate;
pub mod weight;
