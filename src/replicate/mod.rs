//! Replicate weights: given as columns, or made from the design as a factor per unit.

mod balanced;
mod bootstrap;
mod enough;
mod error;
mod factors;
mod form;
mod given;
mod hadamard;
mod jackknife;
mod make;
mod method;
mod rank;
mod reweight;
mod scheme;

pub use bootstrap::Selection;
pub use enough::Precision;
pub use error::ReplicateError;
pub use factors::{FactorStream, Factors};
pub use form::VarianceForm;
pub use hadamard::Hadamard;
pub use make::{MOST_REPLICATES, ReplicatePlan, Resampling, jackknife, make};
pub use method::ReplicateMethod;
pub use reweight::{MOST_WEIGHTS, Reweighting};
pub use scheme::{ReplicateDf, ReplicateWeights, Replicates};
