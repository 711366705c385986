//! `rakewell check`: every mistake of a study, design or population file at once.

use std::io;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use rakewell::diagnostic::Diagnostics;
use rakewell::populate::{self, spec::Population};
use rakewell::sampling::{self, Design};
use rakewell::study::{self, Loaded, RunOptions};

use super::{Loudness, Outcome, print, progress::Progress, render};

/// Check a study, design or population file: every mistake at once, each with its place and the way out
///
/// The file is read and compared with what a study may hold: keys, values, and the rules between
/// them, such as an estimate that a comparison names. If that is clean, the data are read and
/// everything is done but the writing: names of columns, recodes, design, margins, levels.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rakewell check study.toml
  rakewell check study.toml --format json    for editors and scripts
  rakewell check design.toml                 a design file, or a ready design by its name
  rakewell check population.toml             a population file

With `--format json`, the mistakes are a list of objects with the keys severity, message, label,
help, file, line, column, end_line, end_column. Lines and columns count from 1, columns in
characters; the end is the place after the last character.

Exit codes: 0 no mistakes (there may be warnings), 1 mistakes, 2 wrong arguments.")]
pub(super) struct Check {
    /// The study file, or a design or population file
    study: PathBuf,
    /// Look at the study file alone, not at its data
    #[arg(long)]
    no_data: bool,
    /// Set a key of the study before it is checked, as with `rakewell run`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    loudness: Loudness,
    /// How mistakes are shown
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For editors and scripts
    Json,
}

impl Check {
    pub(super) fn run(&self) -> io::Result<Outcome> {
        let name = self.study.display().to_string();
        let (found, summary) = if sampling::is_design(&self.study) {
            match sampling::load_named(&self.study, &self.set) {
                Ok(loaded) => {
                    let summary = design_summary(&loaded.design);
                    (loaded.warnings, Some(summary))
                }
                Err(mistakes) => (mistakes, None),
            }
        } else if populate::is_population(&self.study) {
            match populate::load(&self.study, &self.set) {
                Ok(loaded) => {
                    let summary = population_summary(&loaded.population);
                    (loaded.warnings, Some(summary))
                }
                Err(mistakes) => (mistakes, None),
            }
        } else {
            self.study()
        };
        self.show(&name, &found, summary)
    }

    /// A study file, and its data.
    fn study(&self) -> (Diagnostics, Option<String>) {
        match study::load_with(&self.study, &self.set) {
            Ok(loaded) => {
                let summary = summary(&loaded);
                if self.no_data {
                    (loaded.warnings, Some(summary))
                } else {
                    let progress = Progress::new(&self.loudness);
                    let tell = |what: &str| progress.tell(what);
                    let options = RunOptions { settings: self.set.clone(), progress: Some(&tell) };
                    let result = study::check_with(&self.study, &options);
                    progress.end();
                    match result {
                        Ok(warnings) => (warnings, Some(summary)),
                        Err(mistakes) => (mistakes, None),
                    }
                }
            }
            Err(mistakes) => (mistakes, None),
        }
    }

    fn show(
        &self,
        name: &str,
        found: &Diagnostics,
        summary: Option<String>,
    ) -> io::Result<Outcome> {
        match self.format {
            Format::Json => print(&render::json(found, name))?,
            // Nothing but mistakes: what is as it should be says nothing.
            Format::Text if self.loudness.quiet && summary.is_some() => {}
            Format::Text => {
                let style = render::Style::of_stdout();
                let mut text = render::text(found, &style);
                match &summary {
                    Some(summary) if found.0.is_empty() => {
                        text.push_str(&format!("{name}: no mistakes. {summary}\n"));
                    }
                    Some(summary) => {
                        text.push_str(&format!("{}. {summary}\n", render::count(found, name)));
                    }
                    None => text.push_str(&format!("{}\n", render::count(found, name))),
                }
                print(&text)?;
            }
        }
        Ok(if summary.is_some() { Outcome::Done } else { Outcome::Mistakes })
    }
}

/// What the design has, in numbers.
fn design_summary(design: &Design) -> String {
    let stages = design.samples.iter().map(|s| s.stages.len()).sum();
    in_numbers(&[
        (design.groups.len(), "group", "groups"),
        (design.samples.len(), "sample", "samples"),
        (stages, "stage", "stages"),
        (design.spec.plan.target.len(), "target", "targets"),
    ])
}

/// What the population has, in numbers.
fn population_summary(population: &Population) -> String {
    in_numbers(&[
        (population.attribute.len(), "attribute", "attributes"),
        (population.outcome.len(), "outcome", "outcomes"),
        (population.margin.len(), "margin", "margins"),
    ])
}

/// What the study asks for, in numbers.
fn summary(loaded: &Loaded) -> String {
    let study = &loaded.study;
    in_numbers(&[
        (study.derive.len(), "new variable", "new variables"),
        (study.weighting.len(), "weighting step", "weighting steps"),
        (study.estimate.len(), "estimate", "estimates"),
        (study.compare.len(), "comparison", "comparisons"),
        (study.test.len(), "test", "tests"),
    ])
}

fn in_numbers(counts: &[(usize, &str, &str)]) -> String {
    let parts: Vec<String> = counts
        .iter()
        .filter(|(count, _, _)| *count > 0)
        .map(|(count, one, many)| format!("{count} {}", if *count == 1 { one } else { many }))
        .collect();
    match parts.split_last() {
        None => "It asks for nothing yet".to_string(),
        Some((only, [])) => format!("It has {only}"),
        Some((last, others)) => format!("It has {} and {last}", others.join(", ")),
    }
}
