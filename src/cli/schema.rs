//! `rakewell schema`: the JSON schema of a file.

use std::io;

use clap::{Args, ValueEnum};
use rakewell::{populate, sampling, study};

use super::{Outcome, print};

/// Print the JSON schema of the study file, or of another file
///
/// Editors that know TOML schemas complete keys, show what they mean and underline mistakes.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rakewell schema > study.schema.json
  rakewell schema population > population.schema.json

and, as the first line of the study file, for editors that use Taplo or Even Better TOML:

  #:schema ./study.schema.json")]
pub(super) struct Schema {
    /// Which file the schema is of
    #[arg(value_enum, default_value_t = Kind::Study)]
    of: Kind,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// The study file
    Study,
    /// The design file
    Design,
    /// The population file
    Population,
}

impl Schema {
    pub(super) fn run(&self) -> io::Result<Outcome> {
        let schema = match self.of {
            Kind::Study => study::json_schema(),
            Kind::Design => sampling::json_schema(),
            Kind::Population => populate::json_schema(),
        };
        print(&format!("{schema:#}\n"))?;
        Ok(Outcome::Done)
    }
}
