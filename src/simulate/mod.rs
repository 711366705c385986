//! Simulating a whole design: drawn from a known population, answered, weighted and estimated, as
//! often as wanted, with the study file that will be used on the real answers.
//!
//! [`simulate`] lays the design out on the population once ([`crate::draw::frame`]) and then, for
//! every replicate, draws, lets people take part at the rates of the design, and runs the study on the
//! rows in memory ([`crate::study::InMemory`]); nothing of it is special to the simulation. What comes
//! out is held against the same estimates from the whole population. Measures: docs/methods/simulation.md.

mod chart;
mod lists;
mod measure;
mod page;
mod response;
mod run;
mod text;

pub use measure::{Cell, Measures, Simulation};
pub use page::html;
pub use run::{Options, simulate};
pub use text::{csv, terminal};
