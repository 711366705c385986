//! The analysis design: strata, stages of units, weights and population sizes, as far as a
//! variance needs them.

mod build;
mod error;
mod groups;
mod lonely;
mod tree;
mod weights;

pub use build::{DesignInput, SurveyDesign, Variable};
pub use error::{DesignError, DesignFinding};
pub use lonely::LonelyPsu;
pub use tree::{Stage, Stratum, UnitTree};
