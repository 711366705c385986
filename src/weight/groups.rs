//! Groups of rows within which a step works: adjustment classes, groups for trimming.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::WeightError;
use super::on_cells::on_rows;
use crate::aggregate::XTerm;
use crate::data::{Codes, Factor};

/// A partition of the rows by the occupied combinations of some variables.
#[derive(Debug, Clone)]
pub struct Groups {
    /// The group of every row; [`Codes::NONE`] for rows outside.
    pub codes: Arc<Codes>,
    /// The text of each group, its levels joined by ` × `.
    pub names: Vec<String>,
    /// The level of every variable in each group, by position.
    pub levels: Vec<Vec<u32>>,
}

impl Groups {
    /// One group of all rows.
    pub fn everyone(rows: usize) -> Groups {
        Groups {
            codes: Arc::new(Codes::pack(&vec![0; rows], 1)),
            names: vec!["all".to_string()],
            levels: vec![Vec::new()],
        }
    }

    /// The groups as a categorical term.
    pub(in crate::weight) fn term(&self) -> XTerm {
        XTerm { codes: Some(self.codes.clone()), values: None, width: self.names.len() }
    }

    /// The groups of some rows.
    pub(in crate::weight) fn on_rows(&self, rows: &[u32]) -> Groups {
        let codes = Arc::new(on_rows(&self.codes, rows, self.names.len()));
        Groups { codes, ..self.clone() }
    }

    /// The occupied combinations of variables, ordered by level with the first variable slowest;
    /// rows for which `inside` is false are left out.
    ///
    /// # Errors
    /// When a row inside has no level of some variable, or a variable has another number of rows.
    pub fn cross(
        factors: &[(&str, &Factor)],
        inside: impl Fn(usize) -> bool,
        rows: usize,
    ) -> Result<Groups, WeightError> {
        for (_, factor) in factors {
            same("rows of a grouping variable", factor.codes.len(), rows)?;
        }
        for (name, factor) in factors {
            let lacks = |&row: &usize| inside(row) && factor.codes.get(row) == Codes::NONE;
            let missing: Vec<usize> = (0..rows).filter(lacks).collect();
            if let Some(first) = missing.first() {
                let margin = (*name).to_string();
                return Err(WeightError::Missing { margin, count: missing.len(), row: first + 1 });
            }
        }
        let key = |row: usize| factors.iter().map(|(_, f)| f.codes.get(row)).collect::<Vec<u32>>();
        let mut found: BTreeMap<Vec<u32>, u32> = BTreeMap::new();
        for row in (0..rows).filter(|&row| inside(row)) {
            found.entry(key(row)).or_insert(0);
        }
        (0..).zip(found.values_mut()).for_each(|(n, group)| *group = n);
        let codes: Vec<u32> =
            (0..rows).map(|r| if inside(r) { found[&key(r)] } else { Codes::NONE }).collect();
        let text = |levels: &Vec<u32>| {
            let parts: Vec<&str> = levels
                .iter()
                .zip(factors)
                .map(|(&l, (_, f))| f.levels[l as usize].text())
                .collect();
            if parts.is_empty() { "all".to_string() } else { parts.join(" × ") }
        };
        Ok(Groups {
            codes: Arc::new(Codes::pack(&codes, found.len())),
            names: found.keys().map(text).collect(),
            levels: found.into_keys().collect(),
        })
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// True when there is no group.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The same rows in fewer groups: `into[g]` is the new group of g, numbered from 0 without gaps.
    pub(super) fn joined(&self, into: &[u32]) -> Groups {
        let count = into.iter().map(|&g| g as usize + 1).max().unwrap_or(0);
        let mut names = vec![Vec::new(); count];
        let mut levels = vec![Vec::new(); count];
        for (old, &new) in into.iter().enumerate() {
            names[new as usize].push(self.names[old].clone());
            if levels[new as usize].is_empty() {
                levels[new as usize].clone_from(&self.levels[old]);
            }
        }
        let codes: Vec<u32> = (0..self.codes.len())
            .map(|row| into.get(self.codes.get(row) as usize).copied().unwrap_or(Codes::NONE))
            .collect();
        Groups {
            codes: Arc::new(Codes::pack(&codes, count)),
            names: names.iter().map(|parts| parts.join(" + ")).collect(),
            levels,
        }
    }
}

/// Lists that belong together have the same length.
pub(super) fn same(what: &'static str, found: usize, expected: usize) -> Result<(), WeightError> {
    if found == expected { Ok(()) } else { Err(WeightError::Shape { what, found, expected }) }
}
