//! `rakewell populate`: a synthetic population.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use rakewell::data::io as files;
use rakewell::data::{Column, Table};
use rakewell::diagnostic::{Diagnostic, Diagnostics};
use rakewell::numeric::grouped;
use rakewell::populate::{self, Loaded};

use super::{Loudness, Outcome, print, progress::Progress, refuse};

/// Make a synthetic population: people in households in areas, with what they would answer
///
/// The file sets areas, household sizes, attributes with their shares and clustering, and outcomes with
/// their levels by group. The population is a frame for `rakewell draw` and `rakewell simulate`; its
/// margins are written in the form that weighting reads.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rakewell populate population.toml --out population.parquet --margins margins.csv

Exit codes: 0 done, 1 mistakes in the file, 2 wrong arguments.")]
pub(super) struct Populate {
    /// The population file
    population: PathBuf,
    /// The seed, in place of that of the file
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Where the people go: .parquet or .csv
    #[arg(long, value_name = "FILE", default_value = "population.parquet")]
    out: PathBuf,
    /// Where the margins go; none are written if not given
    #[arg(long, value_name = "FILE")]
    margins: Option<PathBuf>,
    /// Where the areas go, with their people by group: a frame for `rakewell plan`
    #[arg(long, value_name = "FILE")]
    areas: Option<PathBuf>,
    /// Set a key of the file before it is used; can be given several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    loudness: Loudness,
}

/// The people of a population file.
pub(super) fn people(
    path: &Path,
    set: &[String],
    seed: Option<u64>,
) -> Result<(Loaded, Table), Diagnostics> {
    let loaded = populate::load(path, set)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let seed = seed.unwrap_or(u64::from(loaded.population.seed));
    let table = populate::build(&loaded.population, seed, folder)
        .map_err(|e| Diagnostics::from(Diagnostic::error(e.to_string())))?;
    Ok((loaded, table))
}

impl Populate {
    pub(super) fn run(&self) -> io::Result<Outcome> {
        let progress = Progress::new(&self.loudness);
        progress.tell("making the people");
        let result = self.populate(&progress);
        progress.end();
        match result {
            Err(mistakes) => refuse(&mistakes),
            Ok(text) => {
                if !self.loudness.quiet {
                    print(&text)?;
                }
                Ok(Outcome::Done)
            }
        }
    }

    fn populate(&self, progress: &Progress) -> Result<String, Diagnostics> {
        let (loaded, table) = people(&self.population, &self.set, self.seed)?;
        progress.tell("writing");
        let failed = |e: files::DataError| Diagnostics::from(Diagnostic::from(e));
        let mut batch = files::Batch::default();
        batch.push(staged(&self.out, &table)?);
        if let Some(path) = &self.areas {
            batch.push(staged(path, &populate::areas(&loaded.population, &table))?);
        }
        if let Some(path) = &self.margins {
            let text = populate::margins(&loaded.population, &table).map_err(|name| {
                let message = format!("there is no column `{name}` to make a margin of");
                Diagnostics::from(
                    Diagnostic::error(message).help("see `[[margin]]` of the population file"),
                )
            })?;
            let staged = files::stage(path, |out| out.write_all(text.as_bytes()));
            batch.push(staged.map_err(|e| failed(e.into()))?);
        }
        batch.commit().map_err(|(_, e)| failed(e.into()))?;
        let mut text = format!(
            "{}: {} people, {} columns\n\nWritten:\n  {}\n",
            loaded.population.title,
            grouped(&table.rows().to_string()),
            table.columns().len(),
            self.out.display()
        );
        for path in self.areas.iter().chain(&self.margins) {
            text.push_str(&format!("  {}\n", path.display()));
        }
        Ok(text)
    }
}

/// A table in the format of the file's name.
fn staged(path: &Path, table: &Table) -> Result<files::Staged, Diagnostics> {
    let all: Vec<&Column> = table.columns().iter().collect();
    let staged = match files::format_by_ending(path) {
        Some(files::Format::Parquet) => files::stage_parquet(path, &all),
        Some(files::Format::Csv) => files::stage_csv(path, &all),
        _ => {
            let message = format!("a population is not written as {}", path.display());
            return Err(Diagnostic::error(message).help("end the name in .parquet or .csv").into());
        }
    };
    staged.map_err(|e| Diagnostic::from(e).into())
}
