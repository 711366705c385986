//! The study file: parsed with places, checked, turned into a plan and run.

mod pairs;
pub mod spec;

pub use pairs::Pairs;
