//! `rakewell weigh`: the weights alone.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use rakewell::diagnostic::Diagnostics;
use rakewell::report::{self, Document};
use rakewell::study::{self, RunOptions, WriteFailure};

use super::{Loudness, Outcome, print, progress::Progress, render};

/// Weigh a study: every weighting step with its diagnostics, no estimates
///
/// Reads the data, makes the variables and the design, carries out the weighting, prints what each
/// step did to the weights, overall and in every target group, and writes the weights and the ledger.
/// With --replay the weights of a ledger are made again from the same data; if a file is not what it was,
/// nothing is written.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rakewell weigh study.toml
  rakewell weigh study.toml --set weighting.2.upper=40
  rakewell weigh --replay output/ledger.json
  rakewell weigh study.toml --stream

Files go to the folder that `[report]` names (`output` beside the study file if it does not):
`weights.csv`, or what `weights` says, and `ledger.json`.

Target groups are those of `groups` under `[report]`, or those the estimates are made by.

Exit codes: 0 done, 1 mistakes in the study or its data, 2 wrong arguments.")]
pub(super) struct Weigh {
    /// The study file
    #[arg(required_unless_present = "replay", conflicts_with = "replay")]
    study: Option<PathBuf>,
    /// Make the weights of a ledger file again
    #[arg(long, value_name = "LEDGER")]
    replay: Option<PathBuf>,
    /// Never hold the data: read the Parquet file in batches, twice. For files larger than memory, and steps
    /// on categories alone; writes the weights, no ledger
    #[arg(long, conflicts_with = "replay")]
    stream: bool,
    /// Set a key of the study before it is weighed, as with `rakewell run`
    #[arg(long = "set", value_name = "KEY=VALUE", conflicts_with = "replay")]
    set: Vec<String>,
    #[command(flatten)]
    loudness: Loudness,
}

impl Weigh {
    pub(super) fn run(&self) -> io::Result<Outcome> {
        let progress = Progress::new(&self.loudness);
        let tell = |what: &str| progress.tell(what);
        let options = RunOptions { settings: self.set.clone(), progress: Some(&tell) };
        if let (true, Some(study)) = (self.stream, &self.study) {
            return self.streamed(study, &options, &progress);
        }
        let (name, result) = match (&self.replay, &self.study) {
            (Some(ledger), _) => (ledger.clone(), study::replay(ledger, &options)),
            (None, study) => {
                let path = study.clone().unwrap_or_default();
                let done = study::weigh_with(&path, &options);
                (path.clone(), done.map(|finished| (finished, path)))
            }
        };
        let (finished, study_file) = match result {
            Ok(done) => done,
            Err(mistakes) => {
                progress.end();
                return refuse(&mistakes, &name, &[]);
            }
        };
        progress.tell("writing");
        let written = finished.write(&study_file);
        progress.end();
        let steps = finished.document.weighting.len();
        let remark = self.replay.is_some().then(|| {
            format!("Replayed: the weights after each of the {steps} steps are those of the ledger, bit for bit.")
        });
        self.show(&finished.document, &finished.warnings, written, &name, remark)
    }

    /// The same without holding the data.
    fn streamed(
        &self,
        study: &Path,
        options: &RunOptions<'_>,
        progress: &Progress,
    ) -> io::Result<Outcome> {
        let mut weights = match study::weigh_streamed(study, options) {
            Ok(weights) => weights,
            Err(mistakes) => {
                progress.end();
                return refuse(&mistakes, study, &[]);
            }
        };
        progress.tell("writing");
        let written = weights.write();
        progress.end();
        self.show(&weights.document, &weights.warnings, written, study, None)
    }

    /// What was found and written.
    fn show(
        &self,
        document: &Document,
        warnings: &Diagnostics,
        written: Result<Vec<PathBuf>, WriteFailure>,
        name: &Path,
        remark: Option<String>,
    ) -> io::Result<Outcome> {
        if !warnings.0.is_empty() && !self.loudness.quiet {
            let style = render::Style::of_stderr();
            io::stderr().write_all(render::text(warnings, &style).as_bytes())?;
        }
        let written = match written {
            Ok(written) => written,
            Err(failure) => return refuse(&failure.mistakes, name, &failure.written),
        };
        if !self.loudness.quiet {
            let style = render::Style::of_stdout();
            let width = style.width().min(200);
            let mut text = report::weighing(document, width as u16, style.color());
            if let Some(remark) = remark {
                text.push_str(&format!("\n{remark}\n"));
            }
            text.push_str("\nWritten:\n");
            for path in written {
                text.push_str(&format!("  {}\n", path.display()));
            }
            print(&text)?;
        }
        Ok(Outcome::Done)
    }
}

fn refuse(mistakes: &Diagnostics, name: &Path, written: &[PathBuf]) -> io::Result<Outcome> {
    let style = render::Style::of_stderr();
    let mut text = render::text(mistakes, &style);
    text.push_str(&format!("{}\n", render::count(mistakes, &name.display().to_string())));
    if written.is_empty() {
        text.push_str("Nothing was written.\n");
    } else {
        text.push_str("Written before that:\n");
        written.iter().for_each(|path| text.push_str(&format!("  {}\n", path.display())));
    }
    io::stderr().write_all(text.as_bytes())?;
    Ok(Outcome::Mistakes)
}
