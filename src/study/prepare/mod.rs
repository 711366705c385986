//! From a study file to data, design and weights: everything but the estimates.

mod adjust;
mod calibrate;
mod columns;
mod combine;
pub(super) mod data;
mod design;
mod diagnose;
mod estimated;
mod first_phase;
mod followed;
mod imputed;
mod joins;
mod margin_file;
mod margins;
mod matching;
mod mentions;
pub(super) mod reference;
mod replicates;
mod resolve;
mod selection;
mod trimming;
mod weighting;

use std::path::{Path, PathBuf};

use super::places::{KeyPath, Places};
use super::source::Loaded;
use super::spec::Study;
use crate::data::Table;
use crate::data::expr::{ExprError, Expression};
use crate::data::io::Format;
use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::estimate::Analysis;

/// A study with its data, ready to be estimated from.
#[derive(Debug)]
pub struct Prepared {
    /// The study.
    pub study: Study,
    /// The same as a document.
    pub document: serde_json::Value,
    /// Where everything stands in the study file.
    pub places: Places,
    /// The columns the study uses, labelled and with the derived ones.
    pub table: Table,
    /// Columns of the data file.
    pub file_columns: usize,
    /// Completed data sets of the study; 1 where nothing is imputed.
    pub imputations: usize,
    /// Rows in the subpopulation of the study.
    pub inside: Vec<bool>,
    /// The design and the weights.
    pub analysis: Analysis,
    /// The reference sample of data that were not drawn.
    pub reference: Option<reference::ReferenceSample>,
    /// Files read besides the study file.
    pub inputs: Vec<PathBuf>,
    /// How many of them, at the beginning, are included study files.
    pub included: usize,
    /// What was set beside the study file.
    pub settings: Vec<String>,
    /// What the user should know.
    pub warnings: Vec<Diagnostic>,
    /// Seconds spent, by phase.
    pub timings: Vec<(String, f64)>,
}

/// What is worked with while a study is prepared.
struct Work<'a> {
    study: &'a Study,
    places: &'a Places,
    folder: &'a Path,
    /// Names of the data file's columns and of the derived variables.
    columns: Vec<String>,
    found: Vec<Diagnostic>,
    inputs: Vec<PathBuf>,
    /// Which completed data set this is.
    imputation: usize,
    /// What takes the place of the files.
    memory: Option<Memory<'a>>,
}

/// Data and margins that are in memory, in place of the files that a study names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Memory<'a> {
    /// The rows of the data file.
    pub table: &'a Table,
    /// The margins of each file, by its path as written and the sheet.
    pub margins: &'a MarginFiles,
}

/// Margin files that have been read.
pub(super) type MarginFiles =
    std::collections::HashMap<(PathBuf, Option<String>), Vec<margins::GivenMargin>>;

/// Reads the margin files of a study, for [`Memory`]; what is wrong with one is said when it is used.
pub(super) fn margin_files(study: &Study, study_file: &Path, columns: &[String]) -> MarginFiles {
    let folder = study_file.parent().unwrap_or(Path::new(""));
    let known =
        |n: &str| columns.iter().any(|c| c == n) || study.derive.iter().any(|d| d.name == n);
    let mut files = MarginFiles::new();
    for step in &study.weighting {
        if let Some(file) = &step.margins
            && let Ok(found) =
                margin_file::read(&folder.join(file), file, step.sheet.as_deref(), known)
        {
            files.insert((file.clone(), step.sheet.clone()), found);
        }
    }
    files
}

/// The columns of a file with these names that the study needs.
pub(super) fn columns_needed(loaded: &Loaded, study_file: &Path, names: &[String]) -> Vec<String> {
    let folder = study_file.parent().unwrap_or(Path::new("")).to_path_buf();
    let mut columns = names.to_vec();
    columns.extend(loaded.study.derive.iter().map(|d| d.name.clone()));
    let mut work = Work {
        study: &loaded.study,
        places: &loaded.places,
        folder: &folder,
        columns,
        found: Vec::new(),
        inputs: Vec::new(),
        memory: None,
        imputation: 0,
    };
    data::needed(&mut work, names)
}

/// The columns that a derived variable is made from.
pub(super) fn made_from(study: &Study, i: usize) -> Vec<String> {
    mentions::of_derivation(study, i)
}

impl Work<'_> {
    /// Adds an error at a value of the study file.
    fn error(&mut self, path: &KeyPath, message: impl ToString, help: Option<String>) {
        let mut diagnostic =
            Diagnostic::error(message.to_string()).at(Some(self.places.value(path)));
        diagnostic.help = help;
        self.found.push(diagnostic);
    }

    /// Adds a warning at a value of the study file.
    fn warn(&mut self, path: &KeyPath, message: impl ToString, help: Option<String>) {
        let mut diagnostic =
            Diagnostic::warning(message.to_string()).at(Some(self.places.value(path)));
        diagnostic.help = help;
        self.found.push(diagnostic);
    }

    /// Adds a mistake in an expression, at its place within the text.
    fn expression(&mut self, path: &KeyPath, error: &ExprError) {
        let place = self.places.within(path, error.span.clone());
        let message = error.to_string();
        let mut diagnostic = if error.is_warning() {
            Diagnostic::warning(message)
        } else {
            Diagnostic::error(message)
        };
        diagnostic = diagnostic.at(Some(place));
        diagnostic.help = error.help();
        self.found.push(diagnostic);
    }

    fn has_errors(&self) -> bool {
        self.found.iter().any(|d| d.severity == Severity::Error)
    }
}

/// Reads the data, makes the variables, the design and the weights.
///
/// # Errors
/// All mistakes of a phase at once: unknown names first, then the data, then recodes, then the
/// design, then each weighting step.
pub fn prepare(
    loaded: Loaded,
    study_file: &Path,
    progress: &dyn Fn(&str),
) -> Result<Prepared, Diagnostics> {
    prepare_from(loaded, study_file, None, progress)
}

/// As [`prepare`], with data in memory in place of files.
///
/// # Errors
/// As [`prepare`].
pub(super) fn prepare_from(
    loaded: Loaded,
    study_file: &Path,
    memory: Option<Memory<'_>>,
    progress: &dyn Fn(&str),
) -> Result<Prepared, Diagnostics> {
    let folder = study_file.parent().unwrap_or(Path::new("")).to_path_buf();
    let Loaded { study, document, places, warnings, included, settings, imputation, .. } = loaded;
    let included_files = included.len();
    let mut work = Work {
        study: &study,
        places: &places,
        folder: &folder,
        columns: Vec::new(),
        found: warnings.0,
        inputs: included,
        imputation,
        memory,
    };
    let mut timings = Vec::new();
    let mut clock = std::time::Instant::now();
    let mut lap = |name: &str, next: &str| {
        timings.push((name.to_string(), clock.elapsed().as_secs_f64()));
        clock = std::time::Instant::now();
        progress(next);
    };
    progress("reading the data");
    let result = (|| {
        let own = data::file_names(&mut work)?;
        let mut names = own.clone();
        let joins = joins::plan(&mut work, &mut names)?;
        let (imputed, imputations) = imputed::plan(&mut work, &mut names)?;
        work.columns = names.clone();
        work.columns.extend(work.study.derive.iter().map(|d| d.name.clone()));
        mentions::check(&mut work, &names)?;
        let table = data::read(&mut work, &own, &names, (&joins, &imputed))?;
        lap("read", "making variables");
        let table = data::derive(&mut work, table)?;
        let inside = data::subpopulation(&mut work, &table)?;
        lap("derive", "building the design");
        let design = design::build(&mut work, &table, &names)?;
        lap("design", "weighting");
        let mut reference = reference::read(&mut work)?;
        let analysis = weighting::weigh(&mut work, &table, design, reference.as_mut())?;
        lap("weighting", "estimating");
        let columns = names.len() - work.study.data.imputed.len();
        Some((columns, imputations, table, inside, analysis, reference))
    })();
    let (found, inputs) = (work.found, work.inputs);
    match result {
        Some((file_columns, imputations, table, inside, analysis, reference)) => Ok(Prepared {
            reference,
            study,
            document,
            places,
            table,
            file_columns,
            imputations,
            inside,
            analysis,
            inputs,
            included: included_files,
            settings,
            warnings: found,
            timings,
        }),
        None => Err(Diagnostics(found)),
    }
}

/// A data file and what a study reads of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reads {
    pub file: PathBuf,
    pub format: Option<Format>,
    pub columns: Vec<String>,
    /// All columns of the file.
    pub of: usize,
    /// How it is joined to those before.
    pub joined: Option<String>,
}

/// The data files of a study and what is read of each, from their headers alone.
///
/// # Errors
/// Files that cannot be read, columns that are not there.
pub(super) fn reads(
    loaded: Loaded,
    study_file: &Path,
) -> Result<(Vec<Reads>, Diagnostics), Diagnostics> {
    let folder = study_file.parent().unwrap_or(Path::new("")).to_path_buf();
    let Loaded { study, places, warnings, .. } = loaded;
    let mut work = Work {
        study: &study,
        places: &places,
        folder: &folder,
        columns: Vec::new(),
        found: warnings.0,
        inputs: Vec::new(),
        imputation: 0,
        memory: None,
    };
    let result = (|| {
        let own = data::file_names(&mut work)?;
        let mut names = own.clone();
        let joins = joins::plan(&mut work, &mut names)?;
        let (imputed, _) = imputed::plan(&mut work, &mut names)?;
        work.columns = names.clone();
        work.columns.extend(study.derive.iter().map(|d| d.name.clone()));
        mentions::check(&mut work, &names)?;
        let mut needed = data::needed(&mut work, &names);
        needed.extend(imputed.iter().map(|p| p.column.clone()));
        needed.extend(joins.iter().flat_map(|j| &j.keys).map(|(before, _)| before.clone()));
        let mut all = vec![Reads {
            file: folder.join(&study.data.file),
            format: study.data.format.map(data::format),
            columns: own.iter().filter(|n| needed.contains(n)).cloned().collect(),
            of: own.len(),
            joined: None,
        }];
        for (given, plan) in study.data.join.iter().zip(&joins) {
            let on: Vec<&str> = plan.keys.iter().map(|(before, _)| before.as_str()).collect();
            all.push(Reads {
                file: plan.file.clone(),
                format: given.format.map(data::format),
                columns: plan.to_read(&needed),
                of: plan.width,
                joined: Some(on.join(", ")),
            });
        }
        Some(all)
    })();
    let found = Diagnostics(work.found);
    match result {
        Some(all) => Ok((all, found)),
        None => Err(found),
    }
}

/// Rows for which a condition holds; those for which it is unknown are outside, and listed.
#[allow(clippy::type_complexity)]
pub(super) fn holds(
    text: &str,
    table: &Table,
) -> Result<(Vec<bool>, Vec<usize>, Vec<ExprError>), Vec<ExprError>> {
    let expression = Expression::parse(text).map_err(|e| vec![e])?;
    let warnings = expression.check(table)?.warnings;
    let condition = expression.condition(table)?;
    let unknown = (0..condition.len()).filter(|&row| condition[row].is_none()).collect();
    Ok((condition.into_iter().map(|c| c == Some(true)).collect(), unknown, warnings))
}
