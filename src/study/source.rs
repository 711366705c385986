//! From a study file to a [`Study`]: read, parsed, checked.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::DeTable;

use crate::diagnostic::{Diagnostic, Diagnostics, Place, Source, nearest};

use super::include::{self, Merged};
use super::places::{KeyPath, Places};
use super::rules;
use super::schema::json_schema;
use super::settings;
use super::shape::Shapes;
use super::spec::Study;
use super::structure;
use super::syntax;

/// A study file without mistakes, as far as can be told without its data.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The study.
    pub study: Study,
    /// Where everything stands, for later checks to point at.
    pub places: Places,
    /// The file.
    pub source: Arc<Source>,
    /// The files it includes, in the order in which they are taken in.
    pub included: Vec<PathBuf>,
    /// What was set beside the file, as TOML.
    pub settings: Vec<String>,
    /// What is doubtful but does not stop the work.
    pub warnings: Diagnostics,
    /// Which of the completed data sets is meant, counted from 0, where missing values were imputed
    /// several times.
    pub imputation: usize,
}

/// The largest study file that is read; a larger one is taken for data.
const LARGEST: u64 = 8 << 20;

/// Reads and checks a study file.
///
/// # Errors
/// All mistakes at once, in file order: the file cannot be read; it is not TOML; it does not
/// have the structure of the schema; it breaks a rule that needs no data. Warnings are among
/// them when there is at least one error.
pub fn load(path: &Path) -> Result<Loaded, Diagnostics> {
    load_with(path, &[])
}

/// As [`load`], with settings such as `defaults.confidence = 0.9` that go before what the file
/// says.
///
/// # Errors
/// As [`load`]; and settings that cannot be read or have no place to go.
pub fn load_with(path: &Path, settings: &[String]) -> Result<Loaded, Diagnostics> {
    let name = path.display().to_string();
    from_text_with(&name, &text_of(path, &name)?, settings)
}

/// The text of a file of a study.
pub(super) fn text_of(path: &Path, name: &str) -> Result<String, Diagnostic> {
    String::from_utf8(read(path, name)?).map_err(|error| not_utf8(name, &error))
}

/// Checks the text of a study file; `name` is shown with its mistakes, and what it includes is
/// looked for beside it.
///
/// # Errors
/// As [`load`].
pub fn from_text(name: &str, text: &str) -> Result<Loaded, Diagnostics> {
    from_text_with(name, text, &[])
}

/// As [`from_text`], with settings.
///
/// # Errors
/// As [`load_with`].
pub fn from_text_with(name: &str, text: &str, settings: &[String]) -> Result<Loaded, Diagnostics> {
    let source = Arc::new(Source { name: name.to_string(), text: text.to_string() });
    if text.trim_start_matches('\u{feff}').trim().is_empty() {
        return Err(Diagnostic::error(format!("{name} is empty"))
            .help(format!("`rakewell init {name} --force` writes a commented study file into it"))
            .into());
    }
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() && is_data(name) {
        return Err(Diagnostic::error(format!("{name} is a data file, not a study file"))
            .help("give the study file (TOML); the data file is named in it, under `[data]`")
            .into());
    }
    if !errors.is_empty() {
        return Err(syntax::explain(&source, document.get_ref(), &errors));
    }
    let included = include::gather(&source, document.get_ref())?;
    let settings = settings::sources(settings)?;
    let mut merged = Merged::of(&included, &source)?;
    for setting in &settings {
        merged.set(setting)?;
    }
    let Merged { document, places } = merged;
    let shapes = Shapes::of(&json_schema());
    let checked = structure::check(&shapes, &document, &places);
    let order = |d: &Diagnostic| {
        let place = d.place.as_ref();
        // The study file first, then what it includes, then what is set.
        let all =
            std::iter::once(&source).chain(included.iter().map(|f| &f.source)).chain(&settings);
        let file = place.and_then(|p| all.clone().position(|s| Arc::ptr_eq(s, &p.source)));
        (file, place.map_or(0, |p| p.span.start))
    };
    let in_file_order = |mut found: Vec<Diagnostic>| {
        found.sort_by_key(order);
        Diagnostics(found)
    };
    let mut found = checked.mistakes;
    match serde_json::from_value::<Study>(checked.value) {
        Ok(study) => {
            found.extend(rules::check(&study, &places, &checked.bad));
            let found = in_file_order(found);
            if found.has_errors() {
                Err(found)
            } else {
                let included = included.into_iter().map(|f| f.path).collect();
                let settings = settings.iter().map(|s| s.text.clone()).collect();
                Ok(Loaded {
                    study,
                    places,
                    source,
                    included,
                    settings,
                    warnings: found,
                    imputation: 0,
                })
            }
        }
        // The schema and the types are one, so the walk has said what is wrong; this says what
        // it may have missed.
        Err(error) => {
            if found.is_empty() {
                let beyond = shapes.not_understood.join("; ");
                found.push(
                    Diagnostic::error(format!("the study cannot be read: {error}"))
                        .at(Some(places.value(&KeyPath::root())))
                        .help(format!("compare it with `rakewell schema` {beyond}")),
                );
            }
            Err(in_file_order(found))
        }
    }
}

/// True when the ending of the name is that of a data file.
fn is_data(name: &str) -> bool {
    let ending = Path::new(name).extension().map(|e| e.to_string_lossy().to_lowercase());
    let data = ["csv", "tsv", "tab", "txt", "dat", "parquet", "sav", "dta", "sas7bdat", "xlsx"];
    ending.is_some_and(|ending| data.contains(&ending.as_str()))
}

fn read(path: &Path, name: &str) -> Result<Vec<u8>, Diagnostic> {
    let problem = |error: io::Error| unreadable(path, name, &error);
    if fs::metadata(path).map_err(problem)?.is_dir() {
        let mut inside = toml_files(path);
        inside.truncate(10);
        let help = if inside.is_empty() {
            "give the study file itself; there is no .toml file in this folder".to_string()
        } else {
            let inside: Vec<String> =
                inside.iter().map(|f| path.join(f).display().to_string()).collect();
            format!("give a study file in it: {}", inside.join(", "))
        };
        return Err(Diagnostic::error(format!("{name} is a folder")).help(help));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(problem)?;
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(problem)?;
    if bytes.len() as u64 > LARGEST {
        let limit = LARGEST >> 20;
        return Err(Diagnostic::error(format!(
            "{name} is larger than {limit} MB, too large for a study file"
        ))
        .help("give the study file (TOML); the data file is named in it, under `[data]`"));
    }
    Ok(bytes)
}

fn unreadable(path: &Path, name: &str, error: &io::Error) -> Diagnostic {
    match error.kind() {
        io::ErrorKind::NotFound => {
            let diagnostic = Diagnostic::error(format!("there is no file {name}"));
            match similar(path) {
                Some(help) => diagnostic.help(help),
                None => diagnostic
                    .help("check the path, or write a new study file with `rakewell init`"),
            }
        }
        io::ErrorKind::PermissionDenied => {
            Diagnostic::error(format!("{name} may not be read: permission denied"))
                .help("ask the owner of the file for permission to read it")
        }
        _ => Diagnostic::error(format!("{name} cannot be read: {error}"))
            .help("check that the path leads to a text file"),
    }
}

/// What the user may have meant by the path of a file that is not there.
fn similar(path: &Path) -> Option<String> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        return Some(format!("there is no folder {} either", folder.display()));
    }
    let with_ending = path.with_extension("toml");
    if with_ending != path && with_ending.is_file() {
        return Some(format!("did you mean {}?", with_ending.display()));
    }
    let files = toml_files(folder);
    let wanted = path.file_name()?.to_string_lossy().into_owned();
    let near = nearest(&wanted, files.iter().map(String::as_str))?;
    Some(format!("did you mean {}?", path.with_file_name(near).display()))
}

/// Names of the TOML files of a folder, in order.
fn toml_files(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .filter(|name| name.to_lowercase().ends_with(".toml"))
        .collect();
    names.sort();
    names
}

fn not_utf8(name: &str, error: &std::string::FromUtf8Error) -> Diagnostic {
    let bytes = error.as_bytes();
    let start = error.utf8_error().valid_up_to();
    let message = format!("{name} is not UTF-8 text");
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Diagnostic::error(message)
            .help("it is UTF-16; save it again with the encoding UTF-8 (without “BOM”)");
    }
    if bytes.contains(&0) {
        return Diagnostic::error(message)
            .help("give the study file (TOML text); the data file is named in it, under `[data]`");
    }
    // The text before the fault is unchanged by the replacement, so the place is right.
    let text = String::from_utf8_lossy(bytes).into_owned();
    let end = start + char::REPLACEMENT_CHARACTER.len_utf8();
    let source = Arc::new(Source { name: name.to_string(), text });
    Diagnostic::error(message)
        .at(Some(Place { source, span: start..end }))
        .label(format!("byte 0x{:02X}", bytes.get(start).copied().unwrap_or(0)))
        .help("save the file again with the encoding UTF-8 (it may be Windows-1252 now)")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "title = \"T\"\n[data]\nfile = \"d.csv\"\n[design]\nweight = \"w\"\n\
        [[estimate]]\nmean = \"y\"\n";

    fn messages(text: &str) -> Vec<String> {
        let error = from_text("a.toml", text).expect_err("mistakes");
        error.0.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_small_study_is_read() {
        let loaded = from_text("a.toml", SMALL).expect("no mistakes");
        assert_eq!(loaded.study.title, "T");
        assert!(loaded.warnings.0.is_empty(), "{}", loaded.warnings);
        assert_eq!(toml::from_str::<Study>(SMALL).expect("valid"), loaded.study);
    }

    #[test]
    fn a_byte_order_mark_does_no_harm() {
        assert!(from_text("a.toml", &format!("\u{feff}{SMALL}")).is_ok());
    }

    #[test]
    fn a_data_file_is_told_apart() {
        let error = from_text("d.CSV", "a,b\n1,2\n").expect_err("no TOML").to_string();
        assert!(error.starts_with("d.CSV is a data file"), "{error}");
    }

    #[test]
    fn structure_and_rules_are_reported_together() {
        let text = SMALL.replace("file", "fill").replace("mean = \"y\"", "by = \"x\"");
        let found = messages(&text);
        assert_eq!(found.len(), 3, "{found:#?}");
        assert!(found[0].contains("2:1") && found[0].contains("has no `file`"), "{}", found[0]);
        assert!(found[1].contains("3:1") && found[1].contains("has no key `fill`"));
        assert!(found[2].contains("6:1") && found[2].contains("exactly one"), "{}", found[2]);
    }

    #[test]
    fn rules_keep_silent_about_what_is_broken_already() {
        // One mistake each: the wrong key is not also a missing statistic.
        assert_eq!(messages(&SMALL.replace("mean =", "maen =")).len(), 1);
        assert_eq!(messages(&SMALL.replace("\"y\"", "3")).len(), 1);
    }
}
