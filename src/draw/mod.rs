//! Drawing samples: who is selected, and with what probability.
//!
//! A method takes inclusion probabilities π_k and a random stream and gives the units drawn, in the
//! order of the frame. Streams are keyed by seed and purpose ([`crate::numeric::random::stream`]), so
//! that a sample depends on nothing else. Formulas and sources: docs/methods/selection.md.

mod compat;
mod conditional;
mod cube;
mod elimination;
mod error;
pub mod frame;
mod joint;
mod method;
mod poisson;
mod sequential;
mod simple;
mod size;
mod systematic;

pub use compat::joint_like_r;
pub use conditional::{conditional_poisson, sampford};
pub use cube::{Balanced, cube};
pub use elimination::{midzuno, tille};
pub use error::DrawError;
pub use joint::{Joint, JointSource, hajek, joint};
pub use method::{Method, select, select_by_numbers};
pub use poisson::{UnitNumbers, pareto, poisson, simple_by_numbers};
pub use sequential::{brewer, pivotal};
pub use simple::{bernoulli, simple};
pub use size::{Inclusion, proportional};
pub use systematic::{systematic, systematic_unequal};
