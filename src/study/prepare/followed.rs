//! The variables and groups whose means are followed through a step that trades bias for variance.

use super::adjust::crossed;
use super::{Work, holds};
use crate::data::{Codes, Column, Numbers, Table};
use crate::study::places::KeyPath;
use crate::study::spec::{Estimate, Names, Scalar, Weighting};
use crate::weight::Followed;

/// The most levels of a variable that are followed one by one.
const LEVELS: usize = 12;

/// Those a step names, by the groups of all estimates; else the means and proportions of the estimates,
/// each in its own groups and subpopulation.
pub(super) fn variables(
    work: &mut Work<'_>,
    path: &KeyPath,
    step: &Weighting,
    table: &Table,
) -> Option<Vec<Followed>> {
    let study = work.study;
    let mut found: Vec<Followed> = Vec::new();
    let mut add =
        |work: &mut Work<'_>, names: &Names, level, by: Option<&Names>, inside: &[bool]| {
            // A row without a level of some variable belongs to no group.
            let codes: Vec<Codes> = by
                .map(Names::list)
                .unwrap_or_default()
                .iter()
                .filter_map(|name| Some(table.column(name)?.as_factor().codes))
                .collect();
            let in_group =
                |row: usize| inside[row] && codes.iter().all(|c| c.get(row) != Codes::NONE);
            let groups = crossed(work, path, by, table, in_group)?;
            for name in names.list() {
                for (name, values) in followed(table.column(name)?, level, inside) {
                    let same = |f: &Followed| f.name == name && f.groups.names == groups.names;
                    if !found.iter().any(same) {
                        found.push(Followed { name, values, groups: groups.clone() });
                    }
                }
            }
            Some(())
        };
    let everybody = population(table, study.population.as_ref(), None);
    if let Some(names) = &step.outcomes {
        let mut all: Vec<Option<&Names>> = vec![None];
        all.extend(study.estimate.iter().filter(|e| e.by.is_some()).map(|e| e.by.as_ref()));
        all.dedup();
        for by in all {
            add(work, names, None, by, &everybody)?;
        }
        return Some(found);
    }
    for estimate in &study.estimate {
        let Some(names) = estimate.proportion.as_ref().or(estimate.mean.as_ref()) else { continue };
        let inside = population(table, study.population.as_ref(), Some(estimate));
        add(work, names, estimate.level.as_ref(), estimate.by.as_ref(), &inside)?;
    }
    Some(found)
}

/// Rows of a subpopulation. Mistakes in its expression are reported where the estimates are made.
fn population(table: &Table, study: Option<&String>, estimate: Option<&Estimate>) -> Vec<bool> {
    let mut inside = vec![true; table.rows()];
    let texts = study.into_iter().chain(estimate.and_then(|e| e.population.as_ref()));
    for (rows, _, _) in texts.filter_map(|text| holds(text, table).ok()) {
        inside.iter_mut().zip(rows).for_each(|(i, r)| *i &= r);
    }
    inside
}

/// A number as it is; of a category an indicator for every level.
fn followed(column: &Column, level: Option<&Scalar>, inside: &[bool]) -> Vec<(String, Numbers)> {
    let unlabelled = column.value_labels.is_empty() && level.is_none();
    if let Some(numbers) = column.as_numbers().filter(|_| unlabelled) {
        let value = |(row, i): (usize, &bool)| if *i { numbers.get(row) } else { f64::NAN };
        let values = inside.iter().enumerate().map(value).collect();
        return vec![(column.title().to_string(), Numbers::pack(values))];
    }
    let factor = column.as_factor();
    let text = level.map(|l| match l {
        Scalar::Number(x) => x.to_string(),
        Scalar::Text(t) => t.clone(),
    });
    let wanted: Vec<usize> = match text.and_then(|t| factor.position(&t)) {
        Some(one) => vec![one],
        None => (0..factor.levels.len().min(LEVELS)).collect(),
    };
    wanted
        .into_iter()
        .map(|l| {
            let value = |(row, i): (usize, &bool)| match factor.codes.get(row) {
                Codes::NONE => f64::NAN,
                _ if !*i => f64::NAN,
                code => f64::from(u8::from(code as usize == l)),
            };
            let values = inside.iter().enumerate().map(value).collect();
            let name = format!("{}: {}", column.title(), factor.levels[l].text());
            (name, Numbers::pack(values))
        })
        .collect()
}
