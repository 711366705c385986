//! `rakewell simulate`: a design tried out on a known population.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use clap::Args;
use rakewell::data::Table;
use rakewell::data::io::{self as files, ReadOptions};
use rakewell::diagnostic::{Diagnostic, Diagnostics};
use rakewell::simulate::{self, Options, Simulation};
use rakewell::{sampling, study};

use super::{Loudness, Outcome, populate, print, progress::Progress, refuse};

/// Draw a design from a known population again and again: bias, coverage, error of every estimate
///
/// Each draw is what `rakewell draw` does; who takes part follows the rates of the design; the answers
/// are weighted and estimated by the study file as they will be. The estimates are held against those of
/// the whole population, and where there is a general sample beside a boost, against those of it alone.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rakewell simulate design.toml --study study.toml --frame population.parquet --reps 1000
  rakewell simulate design.toml --study study.toml --frame population.toml --seed 7 --out simulation

The folder gets report.html with the chart of coverage by group size, estimates.csv and simulation.json.
Weighting to margins needs those of the population that is drawn from: `rakewell populate --margins`.

Exit codes: 0 done, 1 mistakes in one of the files, 2 wrong arguments.")]
pub(super) struct Simulate {
    /// The design file
    design: PathBuf,
    /// The study file, with the estimates that are looked at
    #[arg(long, value_name = "FILE")]
    study: PathBuf,
    /// The population: a data file with one row per person, or a population file (.toml)
    #[arg(long, value_name = "FILE")]
    frame: PathBuf,
    /// How often the design is drawn
    #[arg(long, value_name = "NUMBER", default_value_t = 200)]
    reps: usize,
    /// The seed of all random numbers
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// The sample that is looked at alone; the first of kind "general" if not given
    #[arg(long, value_name = "SAMPLE")]
    general: Option<String>,
    /// Where the report goes
    #[arg(long, value_name = "FOLDER", default_value = "simulation")]
    out: PathBuf,
    /// Set a key of the design before it is used; can be given several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    loudness: Loudness,
}

impl Simulate {
    pub(super) fn run(&self) -> io::Result<Outcome> {
        let progress = Progress::new(&self.loudness);
        let clock = Instant::now();
        let result = self.simulate(&progress).and_then(|found| {
            self.write(&found)?;
            Ok(found)
        });
        progress.end();
        match result {
            Err(mistakes) => refuse(&mistakes),
            Ok(found) => {
                if !self.loudness.quiet {
                    let mut text = simulate::terminal(&found);
                    text.push_str(&format!(
                        "\nWritten:\n  {}\n",
                        self.out.join("report.html").display()
                    ));
                    text.push_str(&format!("  {}\n", self.out.join("estimates.csv").display()));
                    text.push_str(&format!("  {}\n", self.out.join("simulation.json").display()));
                    print(&text)?;
                }
                if self.loudness.verbose {
                    let text = format!("{:.2} seconds\n", clock.elapsed().as_secs_f64());
                    io::stderr().write_all(text.as_bytes())?;
                }
                Ok(Outcome::Done)
            }
        }
    }

    fn simulate(&self, progress: &Progress) -> Result<Simulation, Diagnostics> {
        if self.reps == 0 {
            return Err(Diagnostic::error("nothing is drawn in 0 replicates")
                .help("give --reps 200")
                .into());
        }
        let design = sampling::load(&self.design, &self.set)?;
        let loaded = study::load(&self.study)?;
        progress.tell("reading the population");
        let population = self.population()?;
        progress.tell("drawing");
        let done = AtomicUsize::new(0);
        let tell = |n: usize| {
            let before = done.fetch_add(n, Ordering::Relaxed);
            if (before + n).is_multiple_of(50) {
                progress.tell(&format!("{} of {} draws", before + n, self.reps));
            }
        };
        let options =
            Options { replicates: self.reps, seed: self.seed, general: self.general.clone() };
        simulate::simulate(&design, loaded, &self.study, &population, &options, &tell)
    }

    fn population(&self) -> Result<Table, Diagnostics> {
        if self.frame.extension().is_some_and(|e| e == "toml") {
            return populate::people(&self.frame, &[], None).map(|p| p.1);
        }
        files::read(&self.frame, &ReadOptions::default()).map_err(|e| Diagnostic::from(e).into())
    }

    fn write(&self, found: &Simulation) -> Result<(), Diagnostics> {
        let json = serde_json::to_string_pretty(found)
            .map_err(|e| Diagnostics::from(Diagnostic::error(e.to_string())))?;
        let mut batch = files::Batch::default();
        for (name, text) in [
            ("report.html", simulate::html(found)),
            ("estimates.csv", simulate::csv(found)),
            ("simulation.json", json),
        ] {
            let staged = files::stage(&self.out.join(name), |out| out.write_all(text.as_bytes()));
            batch.push(
                staged
                    .map_err(|e| Diagnostics::from(Diagnostic::from(files::DataError::from(e))))?,
            );
        }
        let failed =
            |e: files::WriteError| Diagnostics::from(Diagnostic::from(files::DataError::from(e)));
        batch.commit().map(|_| ()).map_err(|(_, e)| failed(e))
    }
}
