//! `rakewell init`: a commented study file to start from.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use rakewell::data::io::seen_from;
use rakewell::diagnostic::Diagnostic;
use rakewell::{describe, study};

use super::{Outcome, print, refuse};

/// What a new study file holds.
const STARTER: &str = include_str!("starter.toml");

/// Write a commented study file to start from
///
/// The file explains every table; change the names of files and variables to yours. With `--data`,
/// it is drafted from a data file: its columns, and guesses at weight, strata and PSUs, marked as
/// guesses.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rakewell init                     write study.toml in this folder
  rakewell init wres-2025.toml
  rakewell init study.toml --force  begin anew, overwriting what is there
  rakewell init --data survey.csv   draft one from the columns of a data file")]
pub(super) struct Init {
    /// The file to write; in a folder, study.toml
    #[arg(default_value = "study.toml")]
    file: PathBuf,
    /// Overwrite the file if it is there
    #[arg(long)]
    force: bool,
    /// Draft it from this data file
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
}

impl Init {
    pub(super) fn run(&self) -> io::Result<Outcome> {
        let mut file = self.file.clone();
        if file.is_dir() {
            file.push("study.toml");
        }
        let name = file.display().to_string();
        let text = match &self.data {
            None => STARTER.to_string(),
            Some(data) => match describe::file(data, None) {
                Ok(found) => study::draft(&found, &named_in(&file, data)),
                Err(e) => return refuse(&Diagnostic::from(e).into()),
            },
        };
        let mut options = OpenOptions::new();
        options.write(true);
        // Whether the file is there is asked in opening it, so that nothing comes between.
        let options =
            if self.force { options.create(true).truncate(true) } else { options.create_new(true) };
        match options.open(&file).and_then(|mut f| f.write_all(text.as_bytes())) {
            Ok(()) => {
                let next = match self.data {
                    None => "change the names of files and variables to yours",
                    Some(_) => "look at what is marked GUESS",
                };
                print(&format!("wrote {name}\nNext: {next}, then run `rakewell check {name}`\n"))?;
                Ok(Outcome::Done)
            }
            Err(error) => refuse(&problem(&error, &name).into()),
        }
    }
}

/// The data file as a study file names it: relative to its folder, but for what was given from the root.
fn named_in(study: &Path, data: &Path) -> PathBuf {
    if data.is_absolute() {
        return data.to_path_buf();
    }
    let way = seen_from(study.parent().unwrap_or(Path::new("")), data);
    way.or_else(|| std::path::absolute(data).ok()).unwrap_or_else(|| data.to_path_buf())
}

fn problem(error: &io::Error, name: &str) -> Diagnostic {
    match error.kind() {
        io::ErrorKind::AlreadyExists => Diagnostic::error(format!("{name} is there already"))
            .help("give another name, such as `rakewell init new-study.toml`, or `--force` to overwrite it"),
        io::ErrorKind::NotFound => {
            Diagnostic::error(format!("there is no folder to write {name} in"))
                .help("make the folder first, or give another name")
        }
        _ => Diagnostic::error(format!("{name} cannot be written: {error}"))
            .help("give another name, or a folder that you may write to"),
    }
}

#[cfg(test)]
mod tests {
    use super::STARTER;
    use rakewell::study::{from_text, json_schema};

    fn mistakes(text: &str) -> String {
        // The file that one of the options includes.
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("recodes.toml"), "").expect("written");
        match from_text(&folder.path().join("study.toml").display().to_string(), text) {
            Ok(loaded) => loaded.warnings.to_string(),
            Err(mistakes) => mistakes.to_string(),
        }
    }

    /// The starter with every option switched on.
    fn all_options() -> String {
        let switch = |line: &'static str| match line.strip_prefix('#') {
            Some(option) if option.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => {
                option
            }
            _ => line,
        };
        STARTER.lines().map(switch).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_starter_has_no_mistakes() {
        assert_eq!(mistakes(STARTER), "");
    }

    #[test]
    fn its_options_have_no_mistakes() {
        let all = all_options();
        assert!(all.lines().filter(|l| !l.starts_with('#')).count() > 100);
        assert_eq!(mistakes(&all), "");
    }

    #[test]
    fn it_shows_every_table() {
        let schema = json_schema();
        for key in schema["properties"].as_object().expect("properties").keys() {
            let table = [format!("\n[{key}"), format!("\n[[{key}]]"), format!("\n{key} =")];
            // Switched off, or in a comment where it does not go with the rest.
            let option = [
                format!("\n#{key} ="),
                format!("\n#[{key}]"),
                format!("\n#[[{key}]]"),
                format!("\n#     [{key}]"),
            ];
            let shown = table.iter().chain(&option).any(|t| STARTER.contains(t.as_str()));
            assert!(shown, "{key}");
        }
    }
}
