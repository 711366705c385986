//! The weights in a copy of the data file.

use std::ops::Range;
use std::path::Path;

use rayon::prelude::*;

use super::places::KeyPath;
use super::prepare::{Prepared, data};
use crate::data::io::{
    DataError, Fault, NewColumn, NewValues, RowRuns, Staged, check_appended, stage_appended,
};
use crate::diagnostic::Diagnostic;

/// Replicate weights that are made and held at once while they are written: a quarter of a gigabyte.
const VALUES_IN_RUN: usize = 1 << 25;

/// The name of the weight where the study gives none.
const WEIGHT: &str = "rakewell_weight";

/// Finds what would stop the copy, before the work.
///
/// # Errors
/// A name that is taken or not allowed, a format that is not written, replicates that are not
/// there.
pub(super) fn check(
    prepared: &Prepared,
    study_file: &Path,
    target: &Path,
) -> Result<(), Diagnostic> {
    if prepared.study.report.replicates && prepared.analysis.any_replicates().is_none() {
        let message = "`replicates` asks for replicate weights, and the design has none";
        let help = "take it out, give the design `replicates`, or make some with `[variance]`";
        return Err(at(prepared, "replicates", Diagnostic::error(message).help(help)));
    }
    let columns: Vec<NewColumn<'_>> =
        (0..=replicates(prepared)).map(|i| column(prepared, i, (&[]).into())).collect();
    let file = source(prepared, study_file);
    let options = data::options(&prepared.study, None);
    check_appended(&file, &options, target, &columns).map_err(|e| refused(prepared, e))
}

/// Completes the copy under a temporary name.
pub(super) fn stage(
    prepared: &Prepared,
    study_file: &Path,
    target: &Path,
) -> Result<Staged, Diagnostic> {
    let full = prepared.analysis.ledger.weights();
    let tree = &prepared.analysis.design.tree;
    let count = replicates(prepared);
    let made = prepared.analysis.any_replicates();
    let make = |rows: Range<usize>| match made {
        None => Vec::new(),
        Some(made) => (0..count)
            .into_par_iter()
            .map(|r| made.weight_of(tree, full, r, rows.clone()))
            .collect(),
    };
    let runs = RowRuns::new(full.len(), VALUES_IN_RUN / count.max(1), Box::new(make));
    let columns: Vec<NewColumn<'_>> = std::iter::once(column(prepared, 0, full.as_slice().into()))
        .chain((0..count).map(|r| column(prepared, r + 1, NewValues::Made(&runs, r))))
        .collect();
    let file = source(prepared, study_file);
    let options = data::options(&prepared.study, None);
    stage_appended(&file, &options, target, &columns).map_err(|e| refused(prepared, e))
}

/// Replicates that are asked for.
fn replicates(prepared: &Prepared) -> usize {
    let made = prepared.analysis.any_replicates().filter(|_| prepared.study.report.replicates);
    made.map_or(0, |made| made.weights.count())
}

/// The weight (0) or a replicate of it, from 1.
fn column<'v>(prepared: &Prepared, which: usize, values: NewValues<'v>) -> NewColumn<'v> {
    let given = prepared.study.report.weight_name.as_deref();
    match which {
        0 => NewColumn {
            name: given.unwrap_or(WEIGHT).to_owned(),
            label: "Final weight".into(),
            values,
            weight: true,
        },
        replicate => NewColumn {
            name: format!("rakewell_rep{replicate}"),
            label: format!("Replicate weight {replicate}"),
            values,
            weight: false,
        },
    }
}

fn source(prepared: &Prepared, study_file: &Path) -> std::path::PathBuf {
    study_file.parent().unwrap_or(Path::new("")).join(&prepared.study.data.file)
}

fn refused(prepared: &Prepared, error: DataError) -> Diagnostic {
    let named = matches!(
        &error,
        DataError::File { fault: Fault::NameTaken { .. } | Fault::Name { .. }, .. }
    );
    at(prepared, if named { "weight-name" } else { "data" }, error.into())
}

/// Puts a diagnostic at a key under `[report]`, or at `data` if that key is not given.
fn at(prepared: &Prepared, key: &str, diagnostic: Diagnostic) -> Diagnostic {
    let report = KeyPath::root().key("report");
    let keys = [report.key(key), report.key("data")];
    let path = keys.iter().find(|path| prepared.places.contains(path));
    diagnostic.at(path.map(|path| prepared.places.value(path)))
}
