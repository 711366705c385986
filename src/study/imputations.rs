//! The tables of a study, made on each completed data set and combined.

use std::path::Path;

use super::places::KeyPath;
use super::plan::comparison::adjustment;
use super::plan::tables;
use super::prepare::{Prepared, prepare};
use super::source::Loaded;
use crate::compare::{ComparisonTable, combined_comparison};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::estimate::{EstimateTable, combined_table};

/// All tables of a study and the comparisons between their groups. Where missing values were imputed
/// several times the study is prepared and estimated on each completed data set, with its own
/// weights, and the results are combined (Rubin 1987). `prepared` is the first data set.
///
/// # Errors
/// All mistakes of the first data set that has some.
pub(super) fn all_tables(
    loaded: &Loaded,
    study_file: &Path,
    prepared: &mut Prepared,
    progress: &dyn Fn(&str),
) -> Result<(Vec<EstimateTable>, Vec<ComparisonTable>), Diagnostics> {
    let first = tables(prepared).map_err(Diagnostics)?;
    let count = prepared.imputations;
    if count < 2 {
        return Ok(first);
    }
    not_combined(prepared)?;
    let (mut estimates, mut comparisons) = (vec![first.0], vec![first.1]);
    for k in 1..count {
        let mut next = loaded.clone();
        next.imputation = k;
        next.warnings = Diagnostics::default();
        if let Some(file) = loaded.study.data.imputations.get(k - 1) {
            next.study.data.file.clone_from(file);
        }
        let named = |what: &str| progress(&format!("imputation {} of {count}: {what}", k + 1));
        let mut next = prepare(next, study_file, &named)?;
        if next.table.rows() != prepared.table.rows() {
            return Err(other_rows(prepared, &next, k).into());
        }
        let made = tables(&mut next).map_err(Diagnostics)?;
        estimates.push(made.0);
        comparisons.push(made.1);
        for input in next.inputs {
            if !prepared.inputs.contains(&input) {
                prepared.inputs.push(input);
            }
        }
        for warning in next.warnings {
            if !prepared.warnings.iter().any(|w| w.message == warning.message) {
                prepared.warnings.push(warning);
            }
        }
    }
    let estimates = turned(estimates).iter().filter_map(|of| combined_table(of)).collect();
    let comparisons = turned(comparisons)
        .iter()
        .zip(&prepared.study.compare)
        .filter_map(|(of, given)| combined_comparison(of, adjustment(given.adjust)))
        .collect();
    Ok((estimates, comparisons))
}

/// Refuses what Rubin's rules do not combine here.
fn not_combined(prepared: &Prepared) -> Result<(), Diagnostics> {
    let study = &prepared.study;
    let mut found = Vec::new();
    for (key, given) in [("contrast", study.contrast.len()), ("test", study.test.len())] {
        for i in 0..given {
            let place = prepared.places.key(&KeyPath::root().key(key).index(i));
            let message = format!("a `[[{key}]]` is not combined over imputations");
            found.push(
                Diagnostic::error(message)
                    .at(Some(place))
                    .help("take it out, or compare the groups with `[[compare]]`"),
            );
        }
    }
    if found.is_empty() { Ok(()) } else { Err(Diagnostics(found)) }
}

/// From a list per data set to a list per table.
fn turned<T>(lists: Vec<Vec<T>>) -> Vec<Vec<T>> {
    let mut all: Vec<Vec<T>> = Vec::new();
    for list in lists {
        for (i, item) in list.into_iter().enumerate() {
            match all.get_mut(i) {
                Some(of) => of.push(item),
                None => all.push(vec![item]),
            }
        }
    }
    all
}

fn other_rows(first: &Prepared, next: &Prepared, k: usize) -> Diagnostic {
    let path = KeyPath::root().key("data").key("imputations").index(k - 1);
    let file = |p: &Prepared| p.study.data.file.display().to_string();
    Diagnostic::error(format!(
        "{} has {} rows and {} has {}",
        file(next),
        next.table.rows(),
        file(first),
        first.table.rows()
    ))
    .at(Some(first.places.value(&path)))
    .help("imputations are completed copies of one file: the same rows in each")
}
