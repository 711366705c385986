//! Whose weights are looked at after every step, and what names a case.

use super::Work;
use crate::data::{Codes, Column, Factor, Table, Values};
use crate::study::places::KeyPath;
use crate::study::spec::Names;
use crate::weight::{DiagnosticRequest, Groups, Ledger};

/// The most groups of one crossing that are looked at.
const GROUPS: usize = 200;

/// Adds the diagnostics of the target groups, and of the largest weights, to the ledger.
pub(super) fn groups_and_cases(work: &mut Work<'_>, table: &Table, ledger: &mut Ledger) {
    let study = work.study;
    let mut wanted: Vec<(KeyPath, Names, bool)> = Vec::new();
    let report = KeyPath::root().key("report");
    match &study.report.groups {
        Some(all) => {
            let at = report.key("groups");
            wanted.extend(all.iter().enumerate().map(|(i, n)| (at.index(i), n.clone(), true)));
        }
        None => {
            for (i, estimate) in study.estimate.iter().enumerate() {
                let Some(by) = &estimate.by else { continue };
                let at = KeyPath::root().key("estimate").index(i).key("by");
                if !wanted.iter().any(|(_, names, _)| names.list() == by.list()) {
                    wanted.push((at, by.clone(), false));
                }
            }
        }
    }
    let mut groups = Vec::new();
    for (path, names, given) in wanted {
        let Some((title, found)) = crossing(&names, table) else { continue };
        if found.len() <= GROUPS {
            groups.push((title, found));
        } else if given {
            let message = format!(
                "{title} makes {} groups; the weights of at most {GROUPS} are looked at",
                found.len()
            );
            let help = "group levels with `[[derive]]`, or cross fewer variables";
            work.warn(&path, message, Some(help.to_string()));
        }
    }
    let names = study.report.case.as_ref().or(study.report.keep.as_ref());
    let columns: Vec<&Column> = names
        .map(Names::list)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|name| table.column(name))
        .collect();
    let case = |row: usize| columns.iter().map(|c| (c.name.clone(), shown(c, row))).collect();
    ledger.diagnose(&DiagnosticRequest { groups, case: &case });
}

/// The occupied groups of some variables, over all rows.
fn crossing(names: &Names, table: &Table) -> Option<(String, Groups)> {
    let columns: Vec<&Column> =
        names.list().into_iter().map(|name| table.column(name)).collect::<Option<_>>()?;
    let factors: Vec<Factor> = columns.iter().map(|c| c.as_factor()).collect();
    let named: Vec<(&str, &Factor)> = names.list().into_iter().zip(&factors).collect();
    let inside = |row: usize| factors.iter().all(|f| f.codes.get(row) != Codes::NONE);
    let groups = Groups::cross(&named, inside, table.rows()).ok()?;
    let title: Vec<&str> = columns.iter().map(|c| c.title()).collect();
    Some((title.join(" × "), groups))
}

/// What stands in a row of a column.
fn shown(column: &Column, row: usize) -> String {
    match &column.values {
        Values::Text(f) => match f.codes.get(row) {
            Codes::NONE => String::new(),
            code => f.levels[code as usize].value.clone(),
        },
        Values::Numbers(numbers) => {
            let x = numbers.get(row);
            let labelled = || column.value_labels.iter().find(|(v, _)| *v == x);
            if x.is_nan() {
                String::new()
            } else if let Some(date) = column.calendar.and_then(|c| c.written(x)) {
                date
            } else {
                labelled().map_or_else(|| x.to_string(), |(_, label)| label.clone())
            }
        }
    }
}
