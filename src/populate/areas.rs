//! The areas of a population with their people by group: the frame that planning works with.

use super::spec::{Of, Population};
use crate::data::{Codes, Column, Table};

/// One row per area: the columns that all its people share, `people`, and for every attribute of
/// households and people the number of each level, such as `ethnicity_Black_African`.
pub fn areas(given: &Population, table: &Table) -> Table {
    let id = given.areas.id.as_deref().unwrap_or("area");
    let Some(area) = table.column(id).map(Column::as_factor) else { return Table::default() };
    let codes = area.codes.to_vec();
    let mut first = vec![u32::MAX; area.levels.len()];
    let mut people = vec![0.0; area.levels.len()];
    for (row, &a) in codes.iter().enumerate().filter(|(_, a)| **a != Codes::NONE) {
        people[a as usize] += 1.0;
        if first[a as usize] == u32::MAX {
            first[a as usize] = row as u32;
        }
    }
    let counted: Vec<&str> =
        given.attribute.iter().filter(|a| a.of != Of::Area).map(|a| a.name.as_str()).collect();
    let own: Vec<&str> =
        given.outcome.iter().map(|o| o.name.as_str()).chain(["household", "person"]).collect();
    let mut areas = Table::default();
    let mut push = |column: Column| {
        // A name that is there already keeps its first meaning.
        let _ = areas.push(column);
    };
    for column in table.columns() {
        let name = column.name.as_str();
        if !counted.contains(&name) && !own.contains(&name) {
            push(column.pick(&first));
        }
    }
    push(Column::numbers("people", people));
    for name in counted {
        let Some(factor) = table.column(name).map(Column::as_factor) else { continue };
        let mut counts = vec![vec![0.0; area.levels.len()]; factor.levels.len()];
        for (row, &a) in codes.iter().enumerate() {
            if let Some(count) = counts
                .get_mut(factor.codes.get(row) as usize)
                .and_then(|of_level| of_level.get_mut(a as usize))
            {
                *count += 1.0;
            }
        }
        for (level, counts) in factor.levels.iter().zip(counts) {
            let tidy: String =
                level.text().chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
            push(Column::numbers(format!("{name}_{tidy}"), counts));
        }
    }
    areas
}
