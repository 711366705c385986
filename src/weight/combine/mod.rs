//! Combining samples: one weight for units that more than one sample could have drawn.
//!
//! A general sample and its boosts overlap: a member of a minority who lives in a boost area could
//! have been drawn by either. Pooled with the weights of their own samples they would count twice.

mod coverage;
mod error;
mod pseudo;
mod shares;
mod step;

pub use coverage::{Coverage, Frames};
pub use error::CombineError;
pub use shares::Shares;
pub use step::{Combination, CombineMethod, Start};
