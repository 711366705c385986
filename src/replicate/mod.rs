//! Replicate weights: given as columns, or made from the design as a factor per unit.

mod jackknife;
mod reweight;
mod scheme;

pub use jackknife::jackknife;
pub use scheme::{ReplicateError, ReplicateMethod, ReplicateWeights, Replicates};
