//! Published numbers and ours beside them: cases are ordinary studies with a table of what must
//! come out.

mod case;
mod compare;
mod find;
#[cfg(test)]
mod fixtures;
mod published;
mod table;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::diagnostic::Diagnostics;
use crate::report::Document;
use crate::study::spec::Study;

pub use case::{Case, CaseFile, Expect, Quantity, load};
pub use compare::{Row, compare};
pub use find::find_cases;
pub use published::{Published, PublishedError};
pub use table::{Detail, render};

/// What the validation of a folder found.
#[derive(Debug, Clone)]
pub struct Validation {
    /// The cases, by path.
    pub cases: Vec<CaseResult>,
}

/// What one case found.
#[derive(Debug, Clone)]
pub struct CaseResult {
    /// The case.
    pub file: CaseFile,
    /// One row per expected value, or why the study could not be run.
    pub rows: Result<Vec<Row>, Diagnostics>,
}

/// Runs every case below `root` (a folder, or one case file) and compares.
///
/// `run` carries out a study file. A study that can't be run is kept as a failed case; all its
/// values then count as different.
///
/// # Errors
/// When no case is found, or when case files are wrong: all their mistakes at once.
pub fn validate(
    root: &Path,
    run: impl Fn(&Path) -> Result<Document, Diagnostics>,
) -> Result<Validation, Diagnostics> {
    let mut files = Vec::new();
    let mut mistakes = Diagnostics::default();
    for path in find_cases(root)? {
        match load(&path) {
            Ok(file) => files.push(file),
            Err(found) => mistakes.0.extend(found.0),
        }
    }
    if mistakes.has_errors() {
        return Err(mistakes);
    }
    let cases = files.into_iter().map(|file| run_case(file, &run)).collect();
    Ok(Validation { cases })
}

fn run_case(file: CaseFile, run: &impl Fn(&Path) -> Result<Document, Diagnostics>) -> CaseResult {
    let path = file.study();
    let rows = run(&path).map(|document| {
        // The labels of levels; a study that ran can be read.
        let study = fs::read_to_string(&path).ok().and_then(|t| toml::from_str::<Study>(&t).ok());
        compare(&file.case, study.as_ref(), &document)
    });
    CaseResult { file, rows }
}

impl CaseResult {
    /// Number of expected values.
    pub fn values(&self) -> usize {
        self.file.case.expect.len()
    }

    /// Number of values that agree.
    pub fn agree(&self) -> usize {
        self.rows.as_ref().map_or(0, |rows| rows.iter().filter(|r| r.agrees()).count())
    }
}

impl Validation {
    /// Number of expected values.
    pub fn values(&self) -> usize {
        self.cases.iter().map(CaseResult::values).sum()
    }

    /// Number of values that agree.
    pub fn agree(&self) -> usize {
        self.cases.iter().map(CaseResult::agree).sum()
    }

    /// Number of values that differ, those of studies that could not be run among them.
    pub fn differ(&self) -> usize {
        self.values() - self.agree()
    }

    /// Number of cases whose study could not be run.
    pub fn failed(&self) -> usize {
        self.cases.iter().filter(|c| c.rows.is_err()).count()
    }

    /// Number of different sources.
    pub fn sources(&self) -> usize {
        self.cases.iter().map(|c| c.file.case.source.as_str()).collect::<BTreeSet<_>>().len()
    }

    /// True when every value agrees.
    pub fn passed(&self) -> bool {
        self.differ() == 0
    }

    /// One line: how many values, cases and sources; how many agree and differ.
    pub fn summary(&self) -> String {
        let mut line = format!(
            "validate: {} in {} from {}: {} agree, {} differ",
            count(self.values(), "value", "values"),
            count(self.cases.len(), "case", "cases"),
            count(self.sources(), "source", "sources"),
            self.agree(),
            self.differ()
        );
        if self.failed() > 0 {
            line += &format!("; {} could not be run", count(self.failed(), "case", "cases"));
        }
        line
    }
}

fn count(n: usize, one: &str, several: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { several })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::fixtures::document;
    use super::*;
    use crate::diagnostic::Diagnostic;

    const CASE: &str = r#"
title = "Means"
source = "A book"
citation = "A. Author (1999), A book"
expect = [
  { estimate = "mean", quantity = "estimate", value = "12.3" },
  { estimate = "mean", quantity = "se", value = "0.4" },
]
"#;

    fn folder(cases: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in cases {
            let folder = root.path().join(name);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("case.toml"), text).unwrap();
            fs::write(folder.join("study.toml"), "").unwrap();
        }
        root
    }

    #[test]
    fn counts_agreement_difference_and_failure() {
        let root = folder(&[("a/one", CASE), ("a/two", CASE), ("b", CASE)]);
        let found = validate(root.path(), |study| {
            if study.parent().is_some_and(|p| p.ends_with("two")) {
                return Err(Diagnostic::error("no such column").into());
            }
            Ok(document(12.34, 0.2))
        })
        .unwrap();
        assert_eq!(
            found.summary(),
            "validate: 6 values in 3 cases from 1 source: 2 agree, 4 differ; 1 case could not be run"
        );
        assert!(!found.passed());
        let text = render(&found, Detail::All);
        assert!(text.contains("no such column"), "{text}");
        assert!(text.contains("A. Author (1999), A book"), "{text}");
        assert!(text.contains("differs"), "{text}");
    }

    #[test]
    fn all_mistakes_of_all_cases_come_at_once() {
        let wrong = CASE.replace("\"se\"", "\"sd\"");
        let empty = "title = \"x\"\nsource = \"y\"\ncitation = \"z\"\nexpect = []\n";
        let root = folder(&[("one", &wrong), ("two", empty)]);
        let mistakes = validate(root.path(), |_| Ok(document(0.0, 0.0))).unwrap_err();
        assert_eq!(mistakes.0.len(), 2, "{mistakes}");
    }
}
