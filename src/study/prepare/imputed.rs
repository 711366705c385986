//! Imputed variables: for each completed data set the column that stands for the variable.

use super::Work;
use super::data::expand;
use crate::data::Table;
use crate::diagnostic::{Diagnostic, nearest};
use crate::study::places::KeyPath;

/// An imputed variable, and the column that stands for it in this data set.
#[derive(Debug, Clone)]
pub(super) struct Planned {
    name: String,
    label: Option<String>,
    pub column: String,
}

/// Finds the columns of imputed variables; their names are added to `names`. With how many
/// completed data sets there are: 1 where nothing is imputed.
pub(super) fn plan(work: &mut Work<'_>, names: &mut Vec<String>) -> Option<(Vec<Planned>, usize)> {
    let data = &work.study.data;
    if !data.imputations.is_empty() {
        return Some((Vec::new(), data.imputations.len() + 1));
    }
    let known = names.clone();
    let mut planned = Vec::new();
    let mut counts: Vec<usize> = Vec::new();
    for (i, given) in data.imputed.iter().enumerate() {
        let path = KeyPath::root().key("data").key("imputed").index(i);
        if known.contains(&given.name) {
            let message = format!("the data have a column `{}` already", given.name);
            let help = "choose another name for the variable with its missing values imputed";
            work.error(&path.key("name"), message, Some(help.to_string()));
        }
        let mut columns = Vec::new();
        for pattern in given.columns.list() {
            let found = expand(pattern, &known);
            match found.iter().find(|name| !known.contains(*name)) {
                None if !found.is_empty() => columns.extend(found),
                _ => {
                    let message = if pattern.contains('*') {
                        format!("no column is named `{pattern}` with a number for the `*`")
                    } else {
                        format!("there is no column `{pattern}`")
                    };
                    let near = nearest(pattern, known.iter().map(String::as_str));
                    let help = near.map(|n| format!("did you mean `{n}`?"));
                    work.error(&path.key("columns"), message, help);
                }
            }
        }
        if columns.len() == 1 {
            let message = format!("`{}` has one column; imputations are several", given.name);
            let help = "name the column of each imputation, or use a pattern such as `ethnic_*`";
            work.error(&path.key("columns"), message, Some(help.to_string()));
        }
        counts.push(columns.len());
        if counts[0] != columns.len() && !columns.is_empty() {
            let message = format!(
                "`{}` has {} columns and `{}` has {}: imputations come together",
                given.name,
                columns.len(),
                data.imputed[0].name,
                counts[0]
            );
            work.error(&path.key("columns"), message, None);
        }
        if let Some(column) = columns.get(work.imputation) {
            let (name, label) = (given.name.clone(), given.label.clone());
            planned.push(Planned { name, label, column: column.clone() });
        }
        names.push(given.name.clone());
    }
    let count = counts.first().copied().unwrap_or(1);
    (!work.has_errors()).then_some((planned, count))
}

/// Adds the imputed variables of this data set to the table.
pub(super) fn add(work: &mut Work<'_>, table: &mut Table, planned: &[Planned]) {
    for (i, plan) in planned.iter().enumerate() {
        let Some(mut column) = table.column(&plan.column).cloned() else { continue };
        column.name.clone_from(&plan.name);
        if plan.label.is_some() {
            column.label.clone_from(&plan.label);
        }
        if let Err(e) = table.push(column) {
            let path = KeyPath::root().key("data").key("imputed").index(i).key("name");
            let place = work.places.value(&path);
            work.found.push(Diagnostic::error(e.to_string()).at(Some(place)));
        }
    }
}

/// Where the data file of this data set is named.
pub(super) fn file_path(work: &Work<'_>) -> KeyPath {
    let data = KeyPath::root().key("data");
    match work.imputation {
        k if k > 0 && !work.study.data.imputations.is_empty() => {
            data.key("imputations").index(k - 1)
        }
        _ => data.key("file"),
    }
}
