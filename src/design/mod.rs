//! The analysis design: strata, stages of units, weights and population sizes, as far as a
//! variance needs them.

mod attach;
mod build;
mod empty;
mod error;
mod finding;
mod form;
mod groups;
mod input;
mod layer;
mod lonely;
mod phases;
mod populations;
mod samples;
mod selection;
mod stages;
mod tree;
mod variable;
mod weights;

pub use build::SurveyDesign;
pub use error::DesignError;
pub use finding::DesignFinding;
pub use form::{Form, PairForm, Pairs, Residual, dot};
pub use input::DesignInput;
pub use layer::Layer;
pub use lonely::LonelyPsu;
pub use samples::{InCommon, Samples};
pub use selection::{JointProbabilities, Method, PhaseMethod, SecondPhase, Selection};
pub use tree::{Stage, Stratum, UnitTree};
pub use variable::Variable;
