//! The study file: parsed with places, checked, turned into a plan and run.

mod clock;
mod draft;
mod dry_run;
mod hypotheses;
mod imputations;
mod include;
mod ledger;
mod limits;
mod memory;
mod missing;
mod not_numeric;
mod outputs;
mod plan;
mod plan_model;
mod prepare;
mod profile;
mod rules;
mod run;
mod schema;
mod source;
pub mod spec;
mod streamed;
mod write_back;

pub use crate::toml_file::{KeyPath, Pairs, Places, Segment};
use crate::toml_file::{pairs, places};
pub use draft::draft;
pub use dry_run::{DryRun, FilePlan, dry_run};
pub use ledger::{
    Change, Figures, GroupChange, GroupRecord, InputChange, LEDGER_SCHEMA, LedgerDiff, LedgerFile,
    MarginRecord, StepChange, StepRecord, diff, replay,
};
pub use memory::InMemory;
pub use outputs::WriteFailure;
pub use prepare::Prepared;
pub use profile::Profile;
pub use run::{
    Finished, RunOptions, check, check_with, run, run_document, run_with, weigh, weigh_with,
};
pub use schema::json_schema;
pub use source::{Loaded, from_text, from_text_with, load, load_with};
pub use streamed::{StreamedWeights, weigh_streamed};
