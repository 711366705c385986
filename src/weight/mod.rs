//! Weights and the ledger that carries their history.

mod summary;

pub use summary::{MarginLine, StepSummary, WeightSummary};
