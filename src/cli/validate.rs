//! `rakewell validate`: our numbers beside published ones.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use rakewell::study;
use rakewell::validate::{Detail, render as table, validate};

use super::{Outcome, print, render};

/// Hold our numbers against published ones
///
/// Runs every case below the folder: an ordinary study with a `case.toml` that gives the numbers
/// expected, their source and their tolerance. Prints ours beside each, with the difference.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rakewell validate                       the cases that come with rakewell
  rakewell validate my-tables             your own: validation/README.md says how to write one
  rakewell validate --differences         only what is not met

Exit codes: 0 every number is met, 1 some number is not met, 2 wrong arguments.")]
pub(super) struct Validate {
    /// The folder
    #[arg(default_value = "validation")]
    folder: PathBuf,
    /// Show only the numbers that are not met
    #[arg(long)]
    differences: bool,
}

impl Validate {
    pub(super) fn run(&self) -> io::Result<Outcome> {
        match validate(&self.folder, study::run_document) {
            Err(mistakes) => {
                let style = render::Style::of_stderr();
                io::stderr().write_all(render::text(&mistakes, &style).as_bytes())?;
                Ok(Outcome::Mistakes)
            }
            Ok(validation) => {
                let detail = if self.differences { Detail::Differences } else { Detail::All };
                print(&table(&validation, detail))?;
                Ok(if validation.passed() { Outcome::Done } else { Outcome::Mistakes })
            }
        }
    }
}
