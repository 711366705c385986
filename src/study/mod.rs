//! The study file: parsed with places, checked, turned into a plan and run.

mod clock;
mod draft;
mod dry_run;
mod imputations;
mod include;
mod limits;
mod missing;
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
mod write_back;

pub use draft::draft;
pub use dry_run::{DryRun, FilePlan, dry_run};
pub use outputs::WriteFailure;
pub use pairs::Pairs;
pub use places::{KeyPath, Places, Segment};
pub use prepare::Prepared;
pub use run::{Finished, RunOptions, check, check_with, run, run_document, run_with};
pub use schema::json_schema;
pub use source::{Loaded, from_text, from_text_with, load, load_with};
