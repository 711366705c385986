//! From a study file to a [`Study`]: read, parsed, checked.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diagnostic::{Diagnostics, Source};
use crate::toml_file::{Kind, LoadedFile, Loader, Places};

use super::include;
use super::profile;
use super::rules;
use super::schema::json_schema;
use super::spec::Study;

/// A study file without mistakes, as far as can be told without its data.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The study.
    pub study: Study,
    /// The same as a document: what is written, included and set, and nothing else.
    pub document: serde_json::Value,
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

impl From<LoadedFile<Study>> for Loaded {
    fn from(file: LoadedFile<Study>) -> Loaded {
        let LoadedFile { value, document, places, source, included, settings, warnings } = file;
        Loaded {
            study: value,
            document,
            places,
            source,
            included,
            settings,
            warnings,
            imputation: 0,
        }
    }
}

/// What messages call a study file.
pub(super) const STUDY: Kind = Kind {
    whole: "the study",
    file: "study file",
    not_data: "give the study file (TOML text); the data file is named in it, under `[data]`",
    begin: "write a new study file with `rakewell init FILE`",
    schema: "rakewell schema",
};

fn loader() -> Loader<Study> {
    Loader {
        kind: STUDY,
        schema: json_schema(),
        include: include::gather,
        expand: profile::apply,
        rules: rules::check,
    }
}

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
    loader().path(path, settings).map(Loaded::from)
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
    loader().text(name, text, settings).map(Loaded::from)
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
