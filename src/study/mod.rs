//! The study file: parsed with places, checked, turned into a plan and run.

mod clock;
mod include;
mod limits;
mod not_numeric;
mod outputs;
mod pairs;
mod places;
mod plan;
mod prepare;
mod rules;
mod run;
mod schema;
mod settings;
mod shape;
mod source;
pub mod spec;
mod structure;
mod synonyms;
mod syntax;
mod words;

pub use outputs::WriteFailure;
pub use pairs::Pairs;
pub use places::{KeyPath, Places, Segment};
pub use prepare::Prepared;
pub use run::{Finished, check, run, run_document};
pub use schema::json_schema;
pub use source::{Loaded, from_text, from_text_with, load, load_with};
