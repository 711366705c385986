//! `rakewell run`: the main job.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use rakewell::diagnostic::Diagnostics;
use rakewell::study::RunOptions;
use rakewell::{report, study};

use super::{Loudness, Outcome, dry_run, print, progress::Progress, render};

/// Run a study: weights, estimates and a report
///
/// Reads the data, makes the variables and the design, carries out the weighting, estimates, and
/// writes the report, the estimates (CSV and JSON), the weights if the study asks for them, and
/// a manifest. With a mistake nothing is written; if one of the files cannot be written, none is.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rakewell run examples/nhanes/study.toml
  rakewell run study.toml --quiet         write the files, print nothing but mistakes
  rakewell run study.toml --dry-run       what would be read, done and written, and the memory
  rakewell run study.toml --set defaults.confidence=0.9 --set estimate.lonely.by=region

Files go to the folder that `[report]` names (`output` beside the study file if it does not).

A key of --set is a path of keys with dots between them; items of lists go by their `name` or are
counted from 1 (`weighting.1.bounds=[0.3,3]`). The value is TOML; what is no TOML is a text.

Exit codes: 0 done, 1 mistakes in the study or its data, 2 wrong arguments.")]
pub(super) struct Run {
    /// The study file
    study: PathBuf,
    /// Set a key of the study before it is run; can be given several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Show what would be done; read no data and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    loudness: Loudness,
}

impl Run {
    pub(super) fn run(&self) -> io::Result<Outcome> {
        let plain = RunOptions { settings: self.set.clone(), progress: None };
        if self.dry_run {
            return match study::dry_run(&self.study, &plain) {
                Ok(plan) => {
                    self.warn(&plan.warnings)?;
                    print(&dry_run::text(&plan))?;
                    Ok(Outcome::Done)
                }
                Err(mistakes) => self.refuse(&mistakes, &[]),
            };
        }
        let progress = Progress::new(&self.loudness);
        let clock = Instant::now();
        let tell = |what: &str| progress.tell(what);
        let options = RunOptions { progress: Some(&tell), ..plain };
        let result = study::run_with(&self.study, &options);
        progress.tell("writing");
        let finished = match result {
            Ok(finished) => finished,
            Err(mistakes) => {
                progress.end();
                return self.refuse(&mistakes, &[]);
            }
        };
        let written = finished.write(&self.study);
        progress.end();
        self.warn(&finished.warnings)?;
        let written = match written {
            Ok(written) => written,
            Err(failure) => return self.refuse(&failure.mistakes, &failure.written),
        };
        if self.loudness.verbose {
            let mut text = String::from("Seconds:\n");
            for (phase, seconds) in finished.timings() {
                text.push_str(&format!("  {phase:<12} {seconds:.2}\n"));
            }
            text.push_str(&format!("  {:<12} {:.2}\n", "in all", clock.elapsed().as_secs_f64()));
            io::stderr().write_all(text.as_bytes())?;
        }
        if !self.loudness.quiet {
            let style = render::Style::of_stdout();
            let width = style.width().min(200);
            let mut text = report::terminal(&finished.document, width as u16, style.color());
            text.push_str("\nWritten:\n");
            for path in written {
                text.push_str(&format!("  {}\n", path.display()));
            }
            print(&text)?;
        }
        Ok(Outcome::Done)
    }

    fn warn(&self, warnings: &Diagnostics) -> io::Result<()> {
        if !warnings.0.is_empty() && !self.loudness.quiet {
            let style = render::Style::of_stderr();
            io::stderr().write_all(render::text(warnings, &style).as_bytes())?;
        }
        Ok(())
    }

    fn refuse(&self, mistakes: &Diagnostics, written: &[PathBuf]) -> io::Result<Outcome> {
        let style = render::Style::of_stderr();
        let mut text = render::text(mistakes, &style);
        let name = self.study.display().to_string();
        text.push_str(&format!("{}\n", render::count(mistakes, &name)));
        if written.is_empty() {
            text.push_str("Nothing was written.\n");
        } else {
            text.push_str("Written before that:\n");
            written.iter().for_each(|path| text.push_str(&format!("  {}\n", path.display())));
        }
        io::stderr().write_all(text.as_bytes())?;
        Ok(Outcome::Mistakes)
    }
}
