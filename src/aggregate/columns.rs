//! Calibration columns as they are held: sparse, at most one nonzero per term and row.

use std::ops::Range;
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

    /// The columns with each value replaced by the weighted mean of its group: what makes factors the
    /// same for all rows of a group while totals stay those of the rows.
    ///
    /// Rows without a group, or with weight zero, are zero in every column.
    pub fn averaged(&self, groups: &Codes, weights: &[f64]) -> XColumns {
        let count = (0..groups.len()).map(|r| groups.get(r).wrapping_add(1)).max().unwrap_or(0);
        let inside = |row: usize| weights[row] != 0.0 && groups.get(row) != Codes::NONE;
        let mut size = vec![0.0; count as usize];
        for row in (0..weights.len()).filter(|&r| inside(r)) {
            size[groups.get(row) as usize] += weights[row];
        }
        let width = self.width();
        let mut sums = vec![0.0; width * count as usize];
        for row in (0..weights.len()).filter(|&r| inside(r)) {
            for (column, value) in self.row(row) {
                sums[column * count as usize + groups.get(row) as usize] += weights[row] * value;
            }
        }
        let mean = |column: usize, row: usize| {
            let group = groups.get(row) as usize;
            if inside(row) { sums[column * count as usize + group] / size[group] } else { 0.0 }
        };
        let term = |column: usize| {
            let values = (0..weights.len()).map(|row| mean(column, row)).collect();
            XTerm { codes: None, values: Some(Arc::new(Numbers::pack(values))), width: 1 }
        };
        XColumns { terms: (0..width).map(term).collect() }
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

/// The nonzeros of a block of rows, term by term.
#[derive(Debug, Default)]
pub(super) struct XBlock {
    terms: Vec<LoadedTerm>,
}

#[derive(Debug, Default)]
struct LoadedTerm {
    /// The column of each row; [`u32::MAX`] where there is none.
    columns: Vec<u32>,
    /// The value there; `None` for 1.
    values: Option<Vec<f64>>,
}

impl XBlock {
    pub fn load(&mut self, block: &RowBlock<'_>, x: &XColumns) {
        self.terms.resize_with(x.terms.len(), LoadedTerm::default);
        let mut offset = 0_u32;
        for (loaded, term) in self.terms.iter_mut().zip(&x.terms) {
            match &term.codes {
                Some(codes) => {
                    block.codes(codes, &mut loaded.columns);
                    for column in &mut loaded.columns {
                        *column = if *column == Codes::NONE { u32::MAX } else { offset + *column };
                    }
                }
                None => {
                    loaded.columns.clear();
                    loaded.columns.resize(block.len(), offset);
                }
            }
            if let Some(numbers) = &term.values {
                block.numbers(numbers, loaded.values.get_or_insert_default());
            }
            offset += term.width as u32;
        }
    }

    /// Adds Σ w x over some rows of the block to the sums of the columns, and tells which ones `enters`.
    pub fn add(
        &self,
        rows: Range<usize>,
        weights: &[f64],
        sums: &mut [f64],
        mut enters: impl FnMut(usize),
    ) {
        for term in &self.terms {
            let own = term.columns[rows.clone()].iter().zip(&weights[rows.clone()]).enumerate();
            let values = term.values.as_ref().map(|values| &values[rows.clone()]);
            for (i, (&column, &w)) in own.filter(|(_, (c, w))| **c != u32::MAX && **w != 0.0) {
                enters(column as usize);
                sums[column as usize] += values.map_or(w, |values| w * values[i]);
            }
        }
    }

    /// The nonzeros of one row, as (column, value).
    #[inline]
    pub fn row(&self, i: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.terms.iter().filter_map(move |term| {
            let column = term.columns[i];
            let value = term.values.as_ref().map_or(1.0, |v| v[i]);
            (column != u32::MAX).then_some((column as usize, value))
        })
    }
}
