//! `rakewell plan`: what a design yields, costs and how precise it will be.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use rakewell::data::Table;
use rakewell::data::io::{ReadOptions, read};
use rakewell::diagnostic::{Diagnostic, Diagnostics};
use rakewell::planning::{self, Options, Plan as Planned};
use rakewell::report;
use rakewell::sampling::{self, Loaded};

use super::{Loudness, Outcome, outputs, print, progress::Progress, refuse, render};

/// Plan a sample: expected yields, cost and precision by group, and the design that meets targets
///
/// Lays a design over a frame with one row per area: what is expected at every stage, who can be
/// drawn, interviews, effective sizes and half-widths of every domain, the power to find
/// differences. With targets (`[[plan.target]]`) it looks for the cheapest design that meets them,
/// or with a budget for the best one, and says what each target costs.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rakewell plan design.toml --frame areas.csv
  rakewell plan understanding-society-2009 --frame sectors.parquet --html plan.html
  rakewell plan design.toml --frame areas.csv --set plan.budget=2e6 --json plan.json

DESIGN is a design file or the name of a ready design. The frame may be a text file, Parquet, SPSS,
Stata, SAS, Excel or ODS.

Exit codes: 0 done, and all targets are met by the design that was found for them (with --no-optimum no
design is looked for); 1 mistakes, or targets that are missed; 2 wrong arguments.")]
pub(super) struct Plan {
    /// The design file, or the name of a ready design
    design: PathBuf,
    /// The area frame: one row per area, with the people of every group
    #[arg(long, value_name = "FILE")]
    frame: Option<PathBuf>,
    /// Set a key of the design before it is planned; can be given several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Do not look for the design that meets the targets
    #[arg(long)]
    no_optimum: bool,
    /// Do not show what changes with the assumptions
    #[arg(long)]
    no_sensitivity: bool,
    /// Write a page to this file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write everything, unrounded, to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the domains to this file
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write the drawing of the design with the expected numbers to this file
    #[arg(long, value_name = "FILE")]
    drawing: Option<PathBuf>,
    #[command(flatten)]
    loudness: Loudness,
}

impl Plan {
    pub(super) fn run(&self) -> io::Result<Outcome> {
        let progress = Progress::new(&self.loudness);
        let result = self.planned(&progress);
        progress.end();
        let (loaded, plan) = match result {
            Ok(done) => done,
            Err(mistakes) => return refuse(&mistakes),
        };
        let mut warnings = loaded.warnings.clone();
        warnings.0.extend(plan.warnings.0.iter().cloned());
        if !warnings.0.is_empty() {
            let style = render::Style::of_stderr();
            io::stderr().write_all(render::text(&warnings, &style).as_bytes())?;
        }
        let mut files: Vec<(&Path, String)> = Vec::new();
        if let Some(path) = &self.html {
            files.push((path, report::plan_html(&plan)));
        }
        if let Some(path) = &self.json {
            match report::plan_json(&plan) {
                Ok(text) => files.push((path, text)),
                Err(error) => return refuse(&Diagnostic::error(error.to_string()).into()),
            }
        }
        if let Some(path) = &self.csv {
            files.push((path, report::plan_csv(&plan)));
        }
        if let Some(path) = &self.drawing {
            files.push((path, report::design_html(&loaded.design, Some(&plan))));
        }
        let written = match outputs::write(&files) {
            Ok(written) => written,
            Err(mistakes) => return refuse(&mistakes),
        };
        if !self.loudness.quiet {
            let style = render::Style::of_stdout();
            let mut text = report::plan_text(&plan, style.width().min(200), style.color());
            if !written.is_empty() {
                text.push_str("\nWritten:\n");
                written.iter().for_each(|p| text.push_str(&format!("  {}\n", p.display())));
            }
            print(&text)?;
        }
        Ok(if plan.misses() { Outcome::Mistakes } else { Outcome::Done })
    }

    fn planned(&self, progress: &Progress) -> Result<(Loaded, Planned), Diagnostics> {
        let loaded = sampling::load_named(&self.design, &self.set)?;
        progress.tell("reading the frame");
        let table = self.table(&loaded)?;
        progress.tell("planning");
        let options = Options { optimise: !self.no_optimum, sensitivity: !self.no_sensitivity };
        let plan = planning::plan(&loaded, &table, options)?;
        Ok((loaded, plan))
    }

    fn table(&self, loaded: &Loaded) -> Result<Table, Diagnostics> {
        let own = loaded.design.frames.iter().find_map(|frame| frame.file.clone());
        let beside = |file: PathBuf| {
            self.design.parent().map_or_else(|| file.clone(), |folder| folder.join(&file))
        };
        let Some(path) = self.frame.clone().or_else(|| own.map(beside)) else {
            let help = "give it with `--frame areas.csv`: one row per area, with the columns that the \
                        design names";
            return Err(Diagnostic::error("there is no area frame").help(help).into());
        };
        read(&path, &ReadOptions::default()).map_err(|e| Diagnostics::from(Diagnostic::from(e)))
    }
}
