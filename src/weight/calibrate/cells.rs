//! Rows that share all calibration columns share one factor: they are solved for once.

use std::collections::HashMap;

use nalgebra::DMatrix;
use rayon::prelude::*;

use crate::aggregate::XColumns;
use crate::data::Codes;

/// Rows handed to one task; fixed, so that sums do not depend on the number of threads.
const LANE_ROWS: usize = 1 << 16;

/// Groups of rows with equal calibration columns (and scale).
#[derive(Debug, Clone)]
pub struct Cells {
    /// The cell of every row; [`Codes::NONE`] for weight zero.
    pub of_row: Codes,
    /// Σ of the weights before the step.
    pub weight: Vec<f64>,
    /// Number of rows.
    pub rows: Vec<u32>,
    /// Scale of each cell (heteroscedasticity), if there is one.
    pub scale: Option<Vec<f64>>,
    starts: Vec<u32>,
    columns: Vec<u32>,
    values: Vec<f64>,
}

impl Cells {
    /// Groups the rows.
    pub fn new(x: &XColumns, weights: &[f64], scale: Option<&[f64]>) -> Cells {
        let categorical =
            scale.is_none() && x.terms.iter().all(|t| t.values.is_none() && t.codes.is_some());
        // Cells are told apart by a key of 128 bits; more levels than it holds go row by row.
        let keyed = x
            .terms
            .iter()
            .try_fold(1_u128, |product, t| product.checked_mul(t.width as u128 + 1))
            .is_some();
        if categorical && keyed { by_codes(x, weights) } else { by_rows(x, weights, scale) }
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.weight.len()
    }

    /// The nonzero columns of a cell.
    #[inline]
    pub fn x(&self, cell: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let at = self.starts[cell] as usize..self.starts[cell + 1] as usize;
        self.columns[at.clone()].iter().zip(&self.values[at]).map(|(&c, &v)| (c as usize, v))
    }

    /// Σ d/s x x' over the cells.
    pub fn gram(&self, columns: usize) -> DMatrix<f64> {
        let mut gram = DMatrix::zeros(columns, columns);
        for cell in 0..self.len() {
            let scale = self.scale.as_ref().map_or(1.0, |s| s[cell]);
            for (column, x) in self.x(cell) {
                let weighted = self.weight[cell] / scale * x;
                for (row, other) in self.x(cell) {
                    gram[(row, column)] += weighted * other;
                }
            }
        }
        gram
    }

    fn push_x(&mut self, x: &XColumns, row: usize) {
        for (column, value) in x.row(row) {
            self.columns.push(column as u32);
            self.values.push(value);
        }
        self.starts.push(self.columns.len() as u32);
    }
}

fn by_rows(x: &XColumns, weights: &[f64], scale: Option<&[f64]>) -> Cells {
    let mut of_row = vec![Codes::NONE; weights.len()];
    let mut cells = empty();
    let mut scales = Vec::new();
    for (row, &w) in weights.iter().enumerate() {
        if w == 0.0 {
            continue;
        }
        of_row[row] = cells.weight.len() as u32;
        cells.weight.push(w);
        cells.rows.push(1);
        cells.push_x(x, row);
        if let Some(s) = scale {
            scales.push(s[row]);
        }
    }
    cells.of_row = Codes::U32(of_row);
    cells.scale = scale.map(|_| scales);
    cells
}

/// Packs the codes of a row into one key, and keys into cells numbered in the order of the keys.
fn by_codes(x: &XColumns, weights: &[f64]) -> Cells {
    let rows = weights.len();
    let widths: Vec<u64> = x.terms.iter().map(|t| t.width as u64 + 1).collect();
    let possible = widths.iter().try_fold(1_u64, |product, w| product.checked_mul(*w));
    let dense = possible.filter(|&p| p <= (rows as u64).max(1 << 16)).map(|p| p as usize);
    // Without room for a table of all keys they are hashed.
    let key = |row: usize, widths: &[u64]| -> u128 {
        x.terms.iter().zip(widths).fold(0, |key, (term, w)| {
            let code = term.codes.as_ref().map_or(0, |c| c.get(row));
            let digit = if code == Codes::NONE { w - 1 } else { u64::from(code) };
            key * u128::from(*w) + u128::from(digit)
        })
    };
    let mut of_row = vec![Codes::NONE; rows];
    let firsts: Vec<u32> = match dense {
        Some(size) => {
            of_row.par_chunks_mut(LANE_ROWS).enumerate().for_each(|(lane, out)| {
                for (slot, row) in out.iter_mut().zip(lane * LANE_ROWS..) {
                    if weights[row] != 0.0 {
                        *slot = key(row, &widths) as u32;
                    }
                }
            });
            let mut first = vec![u32::MAX; size];
            for (row, &k) in (0..).zip(&of_row) {
                if k != Codes::NONE && first[k as usize] == u32::MAX {
                    first[k as usize] = row;
                }
            }
            let mut cell = vec![Codes::NONE; size];
            let occupied: Vec<usize> = (0..size).filter(|&k| first[k] != u32::MAX).collect();
            for (c, &k) in (0..).zip(&occupied) {
                cell[k] = c;
            }
            of_row
                .par_iter_mut()
                .filter(|k| **k != Codes::NONE)
                .for_each(|k| *k = cell[*k as usize]);
            occupied.iter().map(|&k| first[k]).collect()
        }
        None => {
            let mut cell_of_key: HashMap<u128, u32> = HashMap::new();
            let mut firsts = Vec::new();
            for row in (0..rows).filter(|&r| weights[r] != 0.0) {
                let cell = *cell_of_key.entry(key(row, &widths)).or_insert_with(|| {
                    firsts.push(row as u32);
                    firsts.len() as u32 - 1
                });
                of_row[row] = cell;
            }
            firsts
        }
    };
    let mut cells = empty();
    for &row in &firsts {
        cells.push_x(x, row as usize);
    }
    let parts: Vec<(Vec<f64>, Vec<u32>)> = of_row
        .par_chunks(LANE_ROWS)
        .zip(weights.par_chunks(LANE_ROWS))
        .map(|(codes, weights)| {
            let (mut sum, mut count) = (vec![0.0; firsts.len()], vec![0; firsts.len()]);
            for (&c, w) in codes.iter().zip(weights).filter(|(c, _)| **c != Codes::NONE) {
                sum[c as usize] += w;
                count[c as usize] += 1;
            }
            (sum, count)
        })
        .collect();
    cells.weight = vec![0.0; firsts.len()];
    cells.rows = vec![0; firsts.len()];
    for (sum, count) in &parts {
        cells.weight.iter_mut().zip(sum).for_each(|(t, s)| *t += s);
        cells.rows.iter_mut().zip(count).for_each(|(t, c)| *t += c);
    }
    cells.of_row = Codes::pack(&of_row, firsts.len());
    cells
}

fn empty() -> Cells {
    Cells {
        of_row: Codes::U32(Vec::new()),
        weight: Vec::new(),
        rows: Vec::new(),
        scale: None,
        starts: vec![0],
        columns: Vec::new(),
        values: Vec::new(),
    }
}
