//! `rakewell design`: ready designs, and a design on one page.

use std::io;
use std::path::PathBuf;

use clap::Args;
use rakewell::report;
use rakewell::sampling::{self, READY};

use super::{Outcome, outputs, print, refuse, render};

/// Show a sample design on one page, or list the ready ones
///
/// Frames, samples, stages, rates, who is screened for and kept, and every figure with its source
/// or the mark that it is assumed. DESIGN is a design file or the name of a ready design.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rakewell design --list
  rakewell design understanding-society-2009
  rakewell design understanding-society-2009 --html design.html     with a drawing
  rakewell design understanding-society-2009 --toml > mine.toml     to start from

docs/DESIGN-FILE.md says what every key means; `rakewell schema design` prints the schema.

Exit codes: 0 done, 1 mistakes in the design, 2 wrong arguments.")]
pub(super) struct Design {
    /// The design file, or the name of a ready design
    #[arg(required_unless_present = "list")]
    design: Option<PathBuf>,
    /// List the ready designs
    #[arg(long)]
    list: bool,
    /// Write the page with a drawing of the design to this file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print the file itself
    #[arg(long, conflicts_with = "html")]
    toml: bool,
    /// Set a key of the design before it is shown; can be given several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl Design {
    pub(super) fn run(&self) -> io::Result<Outcome> {
        let Some(name) = self.design.as_ref().filter(|_| !self.list) else {
            let mut text = String::new();
            for (name, file) in READY {
                let title = file.lines().find_map(|line| line.strip_prefix("title = "));
                text.push_str(&format!("{name:<28} {}\n", title.unwrap_or("").trim_matches('"')));
            }
            print(&text)?;
            return Ok(Outcome::Done);
        };
        let loaded = match sampling::load_named(name, &self.set) {
            Ok(loaded) => loaded,
            Err(mistakes) => return refuse(&mistakes),
        };
        if self.toml {
            print(&loaded.source.text)?;
            return Ok(Outcome::Done);
        }
        if let Some(path) = &self.html {
            let page = report::design_html(&loaded.design, None);
            return match outputs::write(&[(path, page)]) {
                Ok(_) => {
                    print(&format!("Wrote {}\n", path.display()))?;
                    Ok(Outcome::Done)
                }
                Err(mistakes) => refuse(&mistakes),
            };
        }
        let style = render::Style::of_stdout();
        print(&report::design_text(&loaded.design, style.width().min(160), style.color()))?;
        Ok(Outcome::Done)
    }
}
