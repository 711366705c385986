//! A synthetic population: people in households in areas, with attributes and outcomes whose shares,
//! group levels and clustering are set in a TOML file.
//!
//! It is the frame that a design is tried on before there is a survey: `rakewell draw` draws from it,
//! `rakewell simulate` draws from it a thousand times. docs/methods/simulation.md says how it is made.

mod areas;
mod build;
mod check;
mod load;
mod margins;
pub mod spec;

pub use areas::areas;
pub use build::{PopulateError, build};
pub use load::{Loaded, from_text, is_population, json_schema, load};
pub use margins::margins;
