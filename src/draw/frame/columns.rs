//! What a design says of the rows of a frame: conditions, formulas, strata, identifiers.

use std::collections::HashMap;

use crate::data::expr::Expression;
use crate::data::{Codes, Column, Table, Values};
use crate::diagnostic::nearest;
use crate::toml_file::KeyPath;

use super::fault::Fault;

/// A column, or what may have been meant.
pub(super) fn column<'t>(
    table: &'t Table,
    path: &KeyPath,
    name: &str,
) -> Result<&'t Column, Fault> {
    table.column(name).ok_or_else(|| {
        let help = match nearest(name, table.names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "name a column of the frame".to_string(),
        };
        Fault::new(path, format!("the frame has no column `{name}`"), &help)
    })
}

/// Rows for which a condition holds; all without one. Rows for which it is unknown are outside.
pub(super) fn holds(
    table: &Table,
    path: &KeyPath,
    condition: Option<&Expression>,
) -> Result<Option<Vec<bool>>, Vec<Fault>> {
    let Some(condition) = condition else { return Ok(None) };
    match condition.condition(table) {
        Ok(found) => Ok(Some(found.into_iter().map(|c| c == Some(true)).collect())),
        Err(errors) => Err(errors.iter().map(|e| Fault::expression(path, e)).collect()),
    }
}

/// The values of a formula for all rows; NaN is missing.
pub(super) fn numbers(
    table: &Table,
    path: &KeyPath,
    formula: &Expression,
) -> Result<Vec<f64>, Vec<Fault>> {
    match formula.evaluate(table) {
        Ok(Values::Numbers(numbers)) => Ok(numbers.to_vec()),
        Ok(Values::Text(_)) => {
            let message = format!("`{}` is text, not a number", formula.text());
            Err(vec![Fault::new(path, message, "name a column of numbers, or a formula")])
        }
        Err(errors) => Err(errors.iter().map(|e| Fault::expression(path, e)).collect()),
    }
}

/// The crossing of categorical columns, with the levels that rows have.
pub(super) struct Crossing {
    /// A code for each row.
    pub codes: Vec<u32>,
    /// What each code means: "North × urban".
    pub labels: Vec<String>,
}

/// Crosses columns; a missing value has no code.
pub(super) fn cross(table: &Table, columns: &[&Column]) -> Crossing {
    let factors: Vec<_> = columns.iter().map(|c| c.as_factor()).collect();
    let mut mixed = vec![0_u64; table.rows()];
    for factor in &factors {
        let levels = factor.levels.len().max(1) as u64;
        for (row, m) in mixed.iter_mut().enumerate() {
            let code = factor.codes.get(row);
            *m = if code == Codes::NONE || *m == u64::MAX {
                u64::MAX
            } else {
                m.saturating_mul(levels).saturating_add(u64::from(code))
            };
        }
    }
    let mut present: Vec<u64> = mixed.clone();
    present.sort_unstable();
    present.dedup();
    present.retain(|m| *m != u64::MAX);
    let place: HashMap<u64, u32> = present.iter().zip(0..).map(|(m, i)| (*m, i)).collect();
    let codes = mixed.iter().map(|m| place.get(m).copied().unwrap_or(Codes::NONE)).collect();
    let labels = present
        .iter()
        .map(|m| {
            let mut rest = *m;
            let mut parts: Vec<&str> = factors
                .iter()
                .rev()
                .map(|f| {
                    let levels = f.levels.len().max(1) as u64;
                    let level = (rest % levels) as usize;
                    rest /= levels;
                    f.levels.get(level).map_or("", |l| l.text())
                })
                .collect();
            parts.reverse();
            parts.join(" × ")
        })
        .collect();
    Crossing { codes, labels }
}

/// The identifiers of units: a code for each row, and a hash of each identifier.
pub(super) struct Ids {
    /// A code for each row, [`Codes::NONE`] where the identifier is missing.
    pub codes: Vec<u32>,
    /// By code, what the random stream of the unit is keyed with.
    pub hashes: Vec<u64>,
    /// By code, the identifier.
    pub names: Vec<String>,
}

impl Ids {
    pub fn of(column: &Column) -> Ids {
        let factor = column.as_factor();
        Ids {
            codes: factor.codes.to_vec(),
            hashes: factor.levels.iter().map(|l| hash(l.value.as_bytes())).collect(),
            names: factor.levels.into_iter().map(|l| l.value).collect(),
        }
    }
}

/// FNV-1a of 64 bits.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3))
}

/// One key from two, mixed so that neighbours do not resemble each other (the finaliser of
/// MurmurHash3).
pub(super) fn mix(a: u64, b: u64) -> u64 {
    let mut x = a.rotate_left(23) ^ b.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    x = (x ^ (x >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    x ^ (x >> 33)
}
