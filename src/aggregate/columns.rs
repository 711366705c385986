//! Calibration columns as they are held: sparse, at most one nonzero per term and row.

use std::sync::Arc;

use super::lanes::RowBlock;
use crate::data::{Codes, Numbers};

/// One term of a set of calibration columns: the levels of a factor, a number, or a number
/// within the levels of a factor. It has at most one nonzero per row.
#[derive(Debug, Clone)]
pub struct XTerm {
    /// Which of the term's columns a row belongs to; `None` when the term has one column. A row
    /// without a code has zero in all of them.
    pub codes: Option<Arc<Codes>>,
    /// The value there; `None` for 1.
    pub values: Option<Arc<Numbers>>,
    /// Number of columns.
    pub width: usize,
}

/// The calibration columns of a step, term after term.
#[derive(Debug, Clone, Default)]
pub struct XColumns {
    /// The terms.
    pub terms: Vec<XTerm>,
}

impl XColumns {
    /// Number of columns.
    pub fn width(&self) -> usize {
        self.terms.iter().map(|t| t.width).sum()
    }

    /// The nonzeros of a row, as (column, value).
    pub fn row(&self, row: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let mut offset = 0;
        self.terms.iter().filter_map(move |term| {
            let start = offset;
            offset += term.width;
            let code = term.codes.as_ref().map_or(0, |c| c.get(row));
            let value = term.values.as_ref().map_or(1.0, |v| v.get(row));
            (code != Codes::NONE && value != 0.0).then(|| (start + code as usize, value))
        })
    }
}

/// The nonzeros of a block of rows: `width` entries per row, [`u32::MAX`] where there is none.
#[derive(Debug, Default)]
pub(super) struct XBlock {
    pub width: usize,
    pub columns: Vec<u32>,
    pub values: Vec<f64>,
    codes: Vec<u32>,
    numbers: Vec<f64>,
}

impl XBlock {
    pub fn load(&mut self, block: &RowBlock<'_>, x: &XColumns) {
        self.width = x.terms.len();
        self.columns.resize(block.len() * self.width, 0);
        self.values.resize(block.len() * self.width, 0.0);
        let mut offset = 0_u32;
        for (t, term) in x.terms.iter().enumerate() {
            let columns = self.columns.iter_mut().skip(t).step_by(self.width);
            match &term.codes {
                Some(codes) => {
                    block.codes(codes, &mut self.codes);
                    columns.zip(&self.codes).for_each(|(slot, &c)| {
                        *slot = if c == Codes::NONE { u32::MAX } else { offset + c };
                    });
                }
                None => columns.for_each(|slot| *slot = offset),
            }
            let values = self.values.iter_mut().skip(t).step_by(self.width);
            match &term.values {
                Some(numbers) => {
                    block.numbers(numbers, &mut self.numbers);
                    values.zip(&self.numbers).for_each(|(slot, &v)| *slot = v);
                }
                None => values.for_each(|slot| *slot = 1.0),
            }
            offset += term.width as u32;
        }
    }

    /// The nonzeros of one row.
    #[inline]
    pub fn row(&self, i: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let at = i * self.width..(i + 1) * self.width;
        self.columns[at.clone()]
            .iter()
            .zip(&self.values[at])
            .filter(|(c, _)| **c != u32::MAX)
            .map(|(&c, &v)| (c as usize, v))
    }
}
