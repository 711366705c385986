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

/// The nonzeros of a block of rows, row by row.
#[derive(Debug, Default)]
pub(super) struct XBlock {
    /// The column of each row in each term; the number of columns where there is none.
    columns: Vec<u32>,
    /// The value there of each row, by term; `None` for 1.
    values: Vec<Option<Vec<f64>>>,
    /// Number of columns.
    width: usize,
}

impl XBlock {
    pub fn load(&mut self, block: &RowBlock<'_>, x: &XColumns) {
        let terms = x.terms.len();
        self.width = x.width();
        self.columns.resize(block.len() * terms, 0);
        self.values.resize(terms, None);
        let mut offset = 0_u32;
        for (t, (values, term)) in self.values.iter_mut().zip(&x.terms).enumerate() {
            let columns = self.columns.chunks_exact_mut(terms).map(|row| &mut row[t]);
            if let Some(codes) = &term.codes {
                let none = self.width as u32;
                block.each_code(codes, columns, |column, code| {
                    *column = if code == Codes::NONE { none } else { offset + code };
                });
            } else {
                columns.for_each(|column| *column = offset);
            }
            if let Some(numbers) = &term.values {
                block.numbers(numbers, values.get_or_insert_default());
            }
            offset += term.width as u32;
        }
    }

    /// Adds Σ w x over some rows of the block to the sums of the columns, with one more for what is in
    /// none of them, and tells which ones `enters`.
    #[inline]
    pub fn add(
        &self,
        rows: Range<usize>,
        weights: &[f64],
        sums: &mut [f64],
        mut enters: impl FnMut(usize),
    ) {
        let terms = self.values.len();
        let columns = self.columns[rows.start * terms..rows.end * terms].chunks_exact(terms.max(1));
        let own = columns.zip(&weights[rows.clone()]);
        if self.values.iter().all(Option::is_none) {
            for (columns, &w) in own {
                for &column in columns {
                    enters(column as usize);
                    sums[column as usize] += w;
                }
            }
            return;
        }
        // The columns of rows with a weight of zero may be missing.
        for (i, (columns, &w)) in rows.zip(own).filter(|(_, (_, w))| **w != 0.0) {
            for (&column, values) in columns.iter().zip(&self.values) {
                enters(column as usize);
                sums[column as usize] += values.as_ref().map_or(w, |values| w * values[i]);
            }
        }
    }

    /// The nonzeros of one row, as (column, value).
    #[inline]
    pub fn row(&self, i: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let terms = self.values.len();
        let columns = &self.columns[i * terms..(i + 1) * terms];
        columns.iter().zip(&self.values).filter_map(move |(&column, values)| {
            let column = column as usize;
            let value = values.as_ref().map_or(1.0, |v| v[i]);
            (column != self.width).then_some((column, value))
        })
    }
}
