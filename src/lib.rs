//! Survey statistics for boosted samples: weights that can be trusted, and small-group estimates
//! that say how far they can be trusted.
#![forbid(unsafe_code)]

pub mod aggregate;
pub mod compare;
pub mod data;
pub mod design;
pub mod diagnostic;
pub mod estimate;
pub mod model;
pub mod numeric;
pub mod replicate;
pub mod report;
pub mod study;
pub mod validate;
pub mod weight;
