//! `rakewell run`: the main job.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use indicatif::ProgressBar;
use rakewell::diagnostic::Diagnostics;
use rakewell::{report, study};

use super::{Outcome, print, render};

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

Files go to the folder that `[report]` names (`output` beside the study file if it does not).

Exit codes: 0 done, 1 mistakes in the study or its data, 2 wrong arguments.")]
pub(super) struct Run {
    /// The study file
    study: PathBuf,
    /// Print nothing but mistakes
    #[arg(short, long)]
    quiet: bool,
}

impl Run {
    pub(super) fn run(&self) -> io::Result<Outcome> {
        let spinner = (!self.quiet && io::stderr().is_terminal()).then(|| {
            let spinner = ProgressBar::new_spinner().with_message("reading, weighting, estimating");
            spinner.enable_steady_tick(Duration::from_millis(120));
            spinner
        });
        let result = study::run(&self.study);
        if let Some(spinner) = spinner {
            spinner.finish_and_clear();
        }
        let finished = match result {
            Ok(finished) => finished,
            Err(mistakes) => return self.refuse(&mistakes, &[]),
        };
        if !finished.warnings.0.is_empty() && !self.quiet {
            let style = render::Style::of_stderr();
            io::stderr().write_all(render::text(&finished.warnings, &style).as_bytes())?;
        }
        let written = match finished.write(&self.study) {
            Ok(written) => written,
            Err(failure) => return self.refuse(&failure.mistakes, &failure.written),
        };
        if !self.quiet {
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
