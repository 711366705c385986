//! A question to the rows.

use super::columns::XColumns;
use crate::data::{Codes, Numbers};
use crate::design::UnitTree;

/// The domain of every row; [`Codes::NONE`] outside all of them.
#[derive(Debug, Clone)]
pub struct DomainCodes {
    /// One code per row.
    pub codes: Codes,
    /// Number of domains.
    pub count: usize,
}

/// What is summed for one outcome. Each takes a few *slots*; a row without a value adds nothing.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Measure<'a> {
    /// Slots Σw, Σwy.
    Number(&'a Numbers),
    /// Slots Σw, Σwy, Σwx over rows with both values.
    Pair(&'a Numbers, &'a Numbers),
    /// Slots Σw, then Σw by level.
    Levels(&'a Codes, usize),
}

impl Measure<'_> {
    /// How many slots it takes.
    pub fn width(&self) -> usize {
        match self {
            Measure::Number(_) => 2,
            Measure::Pair(..) => 3,
            Measure::Levels(_, levels) => 1 + levels,
        }
    }

    /// Whether it has a value for each of so many rows.
    pub(super) fn fits(&self, rows: usize) -> bool {
        match self {
            Measure::Number(y) => y.len() == rows,
            Measure::Pair(y, x) => y.len() == rows && x.len() == rows,
            Measure::Levels(codes, _) => codes.len() == rows,
        }
    }
}

/// The (slot, value) pairs of one row over all measures; a measure without a value adds none.
pub fn row_slots(measures: &[Measure<'_>], row: usize, out: &mut Vec<(usize, f64)>) {
    let mut slot = 0;
    for measure in measures {
        match measure {
            Measure::Number(y) => {
                let y = y.get(row);
                if !y.is_nan() {
                    out.extend([(slot, 1.0), (slot + 1, y)]);
                }
            }
            Measure::Pair(y, x) => {
                let (y, x) = (y.get(row), x.get(row));
                if !y.is_nan() && !x.is_nan() {
                    out.extend([(slot, 1.0), (slot + 1, y), (slot + 2, x)]);
                }
            }
            Measure::Levels(codes, _) => {
                let level = codes.get(row);
                if level != Codes::NONE {
                    out.extend([(slot, 1.0), (slot + 1 + level as usize, 1.0)]);
                }
            }
        }
        slot += measure.width();
    }
}

/// One question to the rows.
#[derive(Debug, Clone)]
pub struct CellRequest<'a> {
    /// The units.
    pub tree: &'a UnitTree,
    /// The weight of every row.
    pub weights: &'a [f64],
    /// The domain of every row.
    pub domains: &'a DomainCodes,
    /// What to sum.
    pub measures: &'a [Measure<'a>],
    /// Cross-products with calibration columns: for each entry Σ v x s over the rows of a domain,
    /// for every column x and slot value s (v in place of w).
    pub cross: Vec<(&'a XColumns, &'a [f64])>,
}
