//! `rakewell draw`: a sample from a frame.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use rakewell::data::io::{self as files, ReadOptions};
use rakewell::data::{Column, Table};
use rakewell::diagnostic::{Diagnostic, Diagnostics};
use rakewell::draw::JointSource;
use rakewell::draw::frame::{Drawn, Fault, OnFrame, Purpose, Rows, columns_needed, unknown_rows};
use rakewell::numeric::grouped;
use rakewell::sampling::{self, Loaded, Sample};

use super::{Loudness, Outcome, print, progress::Progress, refuse, render};

/// Draw the samples of a design from a frame
///
/// Goes down the stages whose units the frame holds, applies screening and deselection where it says
/// who belongs to which group, and writes the rows drawn with stratum, PSU, the probability at every
/// stage and in every sample, and the design weight; beside it a starter study that `rakewell run`
/// takes. The same seed gives the same sample on every machine.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rakewell draw design.toml --frame people.parquet --seed 2026
  rakewell draw design.toml --frame addresses.csv --seed 2026 --out issued.csv --no-study
  rakewell draw design.toml --frame people.csv --seed 1 --set sample.boost.stage.1.take=120

Exit codes: 0 done, 1 mistakes in the design or its frame, 2 wrong arguments.")]
pub(super) struct Draw {
    /// The design file
    design: PathBuf,
    /// The frame: a data file with one row per unit of the last stage that it holds
    #[arg(long, value_name = "FILE")]
    frame: Option<PathBuf>,
    /// The seed of the random numbers
    #[arg(long, value_name = "NUMBER")]
    seed: u64,
    /// Where the sample goes: .csv or .parquet
    #[arg(long, value_name = "FILE", default_value = "sample.csv")]
    out: PathBuf,
    /// Where the joint probabilities of the first-stage units drawn go (CSV)
    #[arg(long, value_name = "FILE")]
    joint: Option<PathBuf>,
    /// Write no starter study
    #[arg(long)]
    no_study: bool,
    /// Set a key of the design before it is used; can be given several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    loudness: Loudness,
}

impl Draw {
    pub(super) fn run(&self) -> io::Result<Outcome> {
        let progress = Progress::new(&self.loudness);
        let result = self.draw(&|what| progress.tell(what));
        progress.end();
        match result {
            Err(mistakes) => refuse(&mistakes),
            Ok((text, warnings)) => {
                if !self.loudness.quiet {
                    let style = render::Style::of_stderr();
                    eprint_text(&render::text(&warnings, &style))?;
                    print(&text)?;
                }
                Ok(Outcome::Done)
            }
        }
    }

    fn draw(&self, tell: &dyn Fn(&str)) -> Result<(String, Diagnostics), Diagnostics> {
        let mut loaded = sampling::load(&self.design, &self.set)?;
        let frame = self.frame_of(&loaded)?;
        tell("reading the frame");
        let failed = |e: files::DataError| Diagnostics::from(Diagnostic::from(e));
        let options = ReadOptions::default();
        let known = files::names(&frame, &options).map_err(failed)?;
        let needed = columns_needed(&loaded.design, &known);
        // Of a Parquet file the other columns are read once it is known which rows are wanted.
        let apart = files::format_of(&frame, None).map_err(failed)? == files::Format::Parquet
            && !needed.is_empty();
        let first = ReadOptions { columns: apart.then_some(needed.as_slice()), ..options.clone() };
        let table = files::read(&frame, &first).map_err(failed)?;
        if table.rows() == 0 {
            return Err(Diagnostic::error(format!("{} has no rows", frame.display())).into());
        }
        loaded.warnings.0.extend(sampling::partial_lists(&loaded.design));
        loaded.warnings.0.extend(unknown_rows(&loaded.design, &table));
        tell("laying out the design");
        let faults = |f: Vec<Fault>| Fault::diagnostics(&f, &loaded.places);
        let on_frame = OnFrame::new(&loaded.design, &table).map_err(faults)?;
        tell("drawing");
        let purpose = Purpose { seed: self.seed, replicate: None };
        let drawn = on_frame.draw(purpose, &table).map_err(|(s, e)| {
            let name = &loaded.design.samples[s].name;
            Diagnostics::from(Diagnostic::error(format!("sample `{name}`: {e}")))
        })?;
        let rows = on_frame.rows(&drawn, |_, _| true);
        if rows.rows.is_empty() {
            return Err(Diagnostic::error("the sample has no rows: nobody was drawn").into());
        }
        let own = on_frame.columns(&drawn, &rows, &|_| true);
        tell("writing");
        let mut kept = table.pick(&rows.rows);
        if apart {
            let others: Vec<String> =
                known.iter().filter(|k| !needed.contains(k)).cloned().collect();
            if !others.is_empty() {
                let rest = ReadOptions { columns: Some(&others), ..options };
                let rest = files::read(&frame, &rest).map_err(failed)?.pick(&rows.rows);
                kept = in_order(&known, kept, rest);
            }
        }
        self.check_names(&kept, &own)?;
        let all: Vec<&Column> = kept.columns().iter().chain(&own).collect();
        let sample = match files::format_by_ending(&self.out) {
            Some(files::Format::Parquet) => files::stage_parquet(&self.out, &all),
            Some(files::Format::Csv) => files::stage_csv(&self.out, &all),
            _ => {
                let message = format!("a sample is not written as {}", self.out.display());
                return Err(Diagnostic::error(message)
                    .help("end the name in .csv or .parquet")
                    .into());
            }
        };
        let mut batch = files::Batch::default();
        batch.push(sample.map_err(failed)?);
        if let Some(path) = &self.joint {
            let text = pairs(&on_frame, &drawn, &table)?;
            let staged = files::stage(path, |out| io::Write::write_all(out, text.as_bytes()));
            batch.push(staged.map_err(|e| failed(e.into()))?);
        }
        let study = self.out.with_extension("toml");
        let there = study.exists();
        if !self.no_study && !there {
            let text = starter(&loaded, &on_frame, &self.out);
            let staged = files::stage(&study, |out| io::Write::write_all(out, text.as_bytes()));
            batch.push(staged.map_err(|e| failed(e.into()))?);
        }
        batch.commit().map_err(|(_, e)| failed(e.into()))?;
        let mut text = self.summary(&loaded, &on_frame, &drawn, &rows, table.rows());
        if there && !self.no_study {
            text.push_str(&format!("{} is there already, and stays as it is\n", study.display()));
        } else if !self.no_study {
            text.push_str(&format!("  {}\n", study.display()));
        }
        Ok((text, loaded.warnings))
    }

    fn frame_of(&self, loaded: &Loaded) -> Result<PathBuf, Diagnostics> {
        if let Some(frame) = &self.frame {
            return Ok(frame.clone());
        }
        let folder = self.design.parent().unwrap_or(Path::new(""));
        let design = &loaded.design;
        // The samples and the file that each is drawn from.
        let of_sample = |s: &Sample| s.frame.and_then(|f| design.frames.get(f)?.file.as_ref());
        let drawn = design.samples.iter().filter(|s| s.part_of.is_none());
        let files: Vec<(&str, &PathBuf)> =
            drawn.filter_map(|s| Some((s.name.as_str(), of_sample(s)?))).collect();
        let first = files.first().map(|(_, file)| *file);
        let first = first.or_else(|| design.frames.iter().find_map(|f| f.file.as_ref()));
        if let Some((name, other)) = files.iter().find(|(_, file)| Some(*file) != first) {
            let message = format!(
                "the samples are drawn from different files: `{}` from {}, `{name}` from {}",
                files[0].0,
                files[0].1.display(),
                other.display()
            );
            let help = "probabilities in every sample are needed for everybody: put the lists into one \
                        file with a column that says who is on which, name it with `--frame`, and give \
                        the sample of a list that column as `where`";
            return Err(Diagnostic::error(message).help(help).into());
        }
        match first {
            Some(file) => Ok(folder.join(file)),
            None => Err(Diagnostic::error("there is no frame to draw from")
                .help("give a data file with `--frame FILE`, or `file` in `[[frame]]`")
                .into()),
        }
    }

    fn check_names(&self, kept: &Table, own: &[Column]) -> Result<(), Diagnostics> {
        let taken: Vec<String> = own
            .iter()
            .filter(|c| kept.column(&c.name).is_some())
            .map(|c| format!("`{}`", c.name))
            .collect();
        if taken.is_empty() {
            return Ok(());
        }
        let message = format!(
            "the frame has columns of the names that the sample adds: {}",
            taken.join(", ")
        );
        Err(Diagnostic::error(message).help("rename them in the frame").into())
    }

    fn summary(
        &self,
        loaded: &Loaded,
        on: &OnFrame,
        drawn: &[Drawn],
        rows: &Rows,
        frame: usize,
    ) -> String {
        let count = |n: usize| grouped(&n.to_string());
        let frame = count(frame);
        let mut out = format!("{}\nFrame: {frame} rows\n", loaded.design.title);
        for (layout, drawn) in on.layouts.iter().zip(drawn) {
            out.push_str(&format!(
                "\nSample `{}`: {} rows\n",
                layout.name,
                count(drawn.rows.len())
            ));
            for (stage, (units, issued)) in
                layout.stages.iter().zip(drawn.units.iter().zip(&drawn.issued))
            {
                out.push_str(&format!("  {:<12} {} drawn", stage.unit, count(*issued)));
                if stage.kept.is_some() {
                    out.push_str(&format!(", {} eligible and kept", count(units.len())));
                }
                out.push('\n');
            }
            if !layout.beyond.is_empty() {
                out.push_str(&format!(
                    "  not on the frame, to be drawn in the field: {}\n",
                    layout.beyond.join(", ")
                ));
            }
            let without = layout.without_chance();
            if without > 0 {
                out.push_str(&format!(
                    "  {} of the {frame} rows of the frame cannot be drawn into it\n",
                    count(without)
                ));
            }
        }
        let sum: f64 = rows.weight.iter().sum();
        let sum = grouped(&format!("{sum:.0}"));
        out.push_str(&format!("\n{} rows, weights add to {sum}\n", count(rows.rows.len())));
        if let Some((unit, next)) = on.open() {
            out.push_str(&format!(
                "  the weight is that of the {unit} drawn: every {next} in it is still to be drawn\n"
            ));
        }
        if rows.again > 0 {
            out.push_str(&format!(
                "  {} were drawn into two samples; the second time they have weight 0\n",
                count(rows.again)
            ));
        }
        out.push_str(&format!("\nWritten:\n  {}\n", self.out.display()));
        if let Some(path) = &self.joint {
            out.push_str(&format!("  {}\n", path.display()));
        }
        out
    }
}

/// Columns of two tables in the order of the file.
fn in_order(known: &[String], a: Table, b: Table) -> Table {
    let mut all = Table::default();
    for name in known {
        if let Some(column) = a.column(name).or_else(|| b.column(name)) {
            // Each name is in one of them, and both have the rows of the sample.
            let _ = all.push(column.clone());
        }
    }
    all
}

/// The pairs of first-stage units drawn, as CSV.
fn pairs(on: &OnFrame, drawn: &[Drawn], table: &Table) -> Result<String, Diagnostics> {
    let quoted = |t: &str| format!("\"{}\"", t.replace('"', "\"\""));
    let mut out = String::from("sample,stratum,unit_a,unit_b,p_a,p_b,p_ab,source\n");
    for (layout, drawn) in on.layouts.iter().zip(drawn) {
        let found = layout.pairs(drawn, table).map_err(|e| {
            Diagnostics::from(Diagnostic::error(format!("sample `{}`: {e}", layout.name)))
        })?;
        for pair in found {
            let source = match pair.source {
                JointSource::Exact => "exact",
                JointSource::Approximate => "approximate",
            };
            out.push_str(&format!(
                "{},{},{},{},{},{},{},{source}\n",
                quoted(&layout.name),
                quoted(&pair.stratum),
                quoted(&pair.units[0]),
                quoted(&pair.units[1]),
                pair.single[0],
                pair.single[1],
                pair.joint
            ));
        }
    }
    Ok(out)
}

/// A study to start from.
fn starter(loaded: &Loaded, on_frame: &OnFrame, out: &Path) -> String {
    let file = out.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let quoted = |text: &str| format!("{text:?}");
    let drawn = match on_frame.may_leave_none() {
        true => {
            "# Areas in which nobody was found are counted, though they have no row.\n\
             psus-drawn = \"psus_drawn\"\n"
        }
        false => "",
    };
    let open = on_frame.open();
    let weight = open.map_or_else(String::new, |(unit, next)| {
        format!(
            "# The weight is that of the {unit} drawn. Once every {next} is drawn in it, divide by the\n\
             # probabilities of the later stages.\n"
        )
    });
    let (what, title) = match open {
        None => (
            "How many people the sample stands for".to_string(),
            "People in the population".to_string(),
        ),
        Some((unit, _)) => (
            format!("How many units ({unit}) the sample stands for"),
            format!("Units on the frame ({unit})"),
        ),
    };
    format!(
        "title = {}\n\n[data]\nfile = {}\n\n[design]\nstrata = \"stratum\"\nclusters = \"psu\"\n{drawn}nested = true\n\
         {weight}weight = \"weight\"\nlonely-psu = \"center\"\n\n# {what}; put estimates of \
         your own in its place.\n[[estimate]]\nname = \"size\"\ntitle = {}\ntotal = \"one\"\n\n\
         [[derive]]\nname = \"one\"\nvalue = \"1\"\n",
        quoted(&loaded.design.title),
        quoted(&file),
        quoted(&title)
    )
}

fn eprint_text(text: &str) -> io::Result<()> {
    io::Write::write_all(&mut io::stderr(), text.as_bytes())
}
