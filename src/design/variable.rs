//! Design variables: columns with the names that messages give them.

use super::error::DesignError;
use super::input::DesignInput;
use crate::data::{Codes, Column, Factor, Numbers};

/// A design variable with its name, for messages.
#[derive(Debug, Clone, Copy)]
pub struct Variable<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its column.
    pub column: &'a Column,
}

impl<'a> Variable<'a> {
    /// The variable of a column.
    pub fn of(column: &'a Column) -> Variable<'a> {
        Variable { name: &column.name, column }
    }
}

/// The PSU of a row, in words.
pub(super) fn unit_label(input: &DesignInput<'_>, row: usize) -> String {
    match input.clusters.first() {
        None => format!("row {}", row + 1),
        Some(v) => {
            let factor = v.column.as_factor();
            let level = factor.levels.get(factor.codes.get(row) as usize);
            level.map_or_else(|| format!("row {}", row + 1), |l| l.value.clone())
        }
    }
}

/// The name of a stratum, from the values of its variables in one of its rows.
pub(super) fn stratum_name(input: &DesignInput<'_>, stage: usize, row: usize) -> String {
    let value = |v: &Variable<'_>| {
        let factor = v.column.as_factor();
        factor.levels.get(factor.codes.get(row) as usize).map(|l| l.text().to_string())
    };
    let mut parts = Vec::new();
    if stage <= 1
        && let Some(samples) = &input.samples
        && let Some(text) = value(&samples.variable)
    {
        parts.push(text);
    }
    if stage > 0
        && let Some(parent) = input.clusters.get(stage - 1)
        && let Some(text) = value(parent)
    {
        parts.push(format!("{} {text}", parent.name));
    }
    if let Some(Some(strata)) = input.strata.get(stage)
        && let Some(text) = value(strata)
    {
        parts.push(text);
    }
    if parts.is_empty() { "the whole sample".to_string() } else { parts.join(" / ") }
}

/// Codes of a design variable, every row with a value.
pub(super) fn complete_codes(
    variable: Variable<'_>,
    role: &'static str,
    rows: usize,
) -> Result<Factor, DesignError> {
    let factor = variable.column.as_factor();
    if factor.codes.len() != rows {
        return Err(DesignError::Length {
            variable: variable.name.to_string(),
            found: factor.codes.len(),
            expected: rows,
        });
    }
    let missing = (0..rows).filter(|&r| factor.codes.get(r) == Codes::NONE);
    match missing.clone().next() {
        None => Ok(factor),
        Some(first) => Err(DesignError::Missing {
            variable: variable.name.to_string(),
            role,
            count: missing.count(),
            row: first + 1,
        }),
    }
}

pub(super) fn complete_numbers<'a>(
    variable: Variable<'a>,
    role: &'static str,
    rows: usize,
) -> Result<&'a Numbers, DesignError> {
    let missing_all =
        || DesignError::Missing { variable: variable.name.to_string(), role, count: rows, row: 1 };
    let numbers = variable.column.as_numbers().ok_or_else(missing_all)?;
    if numbers.len() != rows {
        return Err(DesignError::Length {
            variable: variable.name.to_string(),
            found: numbers.len(),
            expected: rows,
        });
    }
    let missing = (0..rows).filter(|&r| numbers.get(r).is_nan());
    match missing.clone().next() {
        None => Ok(numbers),
        Some(first) => Err(DesignError::Missing {
            variable: variable.name.to_string(),
            role,
            count: missing.count(),
            row: first + 1,
        }),
    }
}
