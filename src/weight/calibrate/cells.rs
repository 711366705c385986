//! Rows that share all calibration columns share one factor: they are solved for once.

use std::collections::HashMap;

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::distance::Bounds;
use crate::aggregate::XColumns;
use crate::data::Codes;

/// Rows handed to one task, at least.
const LANE_ROWS: usize = 1 << 16;

/// Cells handed to one task, at least.
pub(super) const LANE_CELLS: usize = 1 << 13;

/// Rows whose codes are unpacked at a time.
const BLOCK: usize = 1 << 13;

/// Rows handed to one task that needs a table of `size` entries: never fewer than that, so that the
/// tables of all tasks are not larger than the column. They depend on the data alone, so that sums
/// do not depend on the number of threads.
fn lane_rows(size: usize) -> usize {
    LANE_ROWS.max(2 * size)
}

/// Sparse rows of numbers, one per cell.
#[derive(Debug, Clone)]
struct Sparse {
    starts: Vec<u32>,
    columns: Vec<u32>,
    values: Vec<f64>,
}

impl Sparse {
    fn new() -> Sparse {
        Sparse { starts: vec![0], columns: Vec::new(), values: Vec::new() }
    }

    #[inline]
    fn row(&self, cell: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let at = self.starts[cell] as usize..self.starts[cell + 1] as usize;
        self.columns[at.clone()].iter().zip(&self.values[at]).map(|(&c, &v)| (c as usize, v))
    }

    fn push(&mut self, row: impl Iterator<Item = (usize, f64)>) {
        for (column, value) in row {
            self.columns.push(column as u32);
            self.values.push(value);
        }
        self.starts.push(self.columns.len() as u32);
    }

    fn append(&mut self, other: &Sparse) {
        let before = self.columns.len() as u32;
        self.starts.extend(other.starts[1..].iter().map(|s| s + before));
        self.columns.extend_from_slice(&other.columns);
        self.values.extend_from_slice(&other.values);
    }
}

/// Groups of rows with equal calibration columns (and scale, bounds and instruments).
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
    /// Smallest and largest factor of each cell, if they differ.
    pub bounds: Option<Vec<Bounds>>,
    x: Sparse,
    /// Instruments, where the factor depends on other columns than those with totals.
    z: Option<Sparse>,
}

/// What tells rows apart besides the calibration columns.
#[derive(Clone, Copy, Default)]
pub struct ByRow<'a> {
    /// Scale of each row.
    pub scale: Option<&'a [f64]>,
    /// Instruments of each row.
    pub instruments: Option<&'a XColumns>,
    /// Smallest and largest factor of each row.
    pub bounds: Option<&'a (dyn Fn(usize) -> Bounds + Sync)>,
}

impl Cells {
    /// Groups the rows.
    pub fn new(x: &XColumns, weights: &[f64], scale: Option<&[f64]>) -> Cells {
        Cells::with(x, weights, ByRow { scale, ..ByRow::default() })
    }

    /// Groups the rows, which may differ in other things than their columns.
    pub fn with(x: &XColumns, weights: &[f64], by_row: ByRow<'_>) -> Cells {
        let alike =
            by_row.scale.is_none() && by_row.instruments.is_none() && by_row.bounds.is_none();
        let categorical = alike && x.terms.iter().all(|t| t.values.is_none() && t.codes.is_some());
        // Cells are told apart by a key of 128 bits; more levels than it holds go row by row.
        let keyed = x
            .terms
            .iter()
            .try_fold(1_u128, |product, t| product.checked_mul(t.width as u128 + 1))
            .is_some();
        if categorical && keyed { by_codes(x, weights) } else { by_rows(x, weights, by_row) }
    }

    /// Some of the cells with some of the columns, which get new numbers: `column[c]` is the new
    /// one of c. They are not assigned to rows.
    pub fn part(&self, cells: &[u32], column: &[u32]) -> Cells {
        let pick = |sparse: &Sparse| {
            let mut out = Sparse::new();
            for &cell in cells {
                out.push(sparse.row(cell as usize).map(|(c, v)| (column[c] as usize, v)));
            }
            out
        };
        let some = |values: &Vec<f64>| cells.iter().map(|&c| values[c as usize]).collect();
        Cells {
            of_row: Codes::U32(Vec::new()),
            weight: some(&self.weight),
            rows: cells.iter().map(|&c| self.rows[c as usize]).collect(),
            scale: self.scale.as_ref().map(some),
            bounds: self
                .bounds
                .as_ref()
                .map(|bounds| cells.iter().map(|&c| bounds[c as usize]).collect()),
            x: pick(&self.x),
            z: self.z.as_ref().map(pick),
        }
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.weight.len()
    }

    /// The nonzero columns of a cell.
    #[inline]
    pub fn x(&self, cell: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.x.row(cell)
    }

    /// The columns its factor depends on: those of [`Cells::x`], or instruments.
    #[inline]
    pub fn z(&self, cell: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.z.as_ref().unwrap_or(&self.x).row(cell)
    }

    /// Whether the factors depend on other columns than those with totals.
    pub fn has_instruments(&self) -> bool {
        self.z.is_some()
    }

    /// Σ d v/s x x' over the cells, with v given by cell (1 if not): the cross-products, or the
    /// derivative of the calibration equations. With instruments it is Σ d v/s x z'.
    ///
    /// Lanes of cells run in parallel; their boundaries depend on the cells alone.
    pub fn gram(&self, columns: usize, v: Option<&[f64]>) -> DMatrix<f64> {
        let most = ((1 << 24) / (columns * columns).max(1)).clamp(2, 64);
        let lane = (self.len().div_ceil(most)).max(LANE_CELLS);
        let symmetric = self.z.is_none();
        let parts: Vec<DMatrix<f64>> = (0..self.len().div_ceil(lane))
            .into_par_iter()
            .map(|l| {
                let mut gram = DMatrix::zeros(columns, columns);
                let sums = gram.as_mut_slice();
                for cell in l * lane..((l + 1) * lane).min(self.len()) {
                    let scale = self.scale.as_ref().map_or(1.0, |s| s[cell]);
                    let weight = self.weight[cell] / scale * v.map_or(1.0, |v| v[cell]);
                    if weight == 0.0 {
                        continue;
                    }
                    for (column, z) in self.z(cell) {
                        let weighted = weight * z;
                        let own = &mut sums[column * columns..(column + 1) * columns];
                        for (row, x) in self.x(cell) {
                            // Of a symmetric matrix the lower triangle is enough.
                            if !symmetric || row >= column {
                                own[row] += weighted * x;
                            }
                        }
                    }
                }
                gram
            })
            .collect();
        let mut gram = parts
            .into_iter()
            .reduce(|total, part| total + part)
            .unwrap_or_else(|| DMatrix::zeros(columns, columns));
        if symmetric {
            gram.fill_upper_triangle_with_lower_triangle();
        }
        gram
    }
}

fn by_rows(x: &XColumns, weights: &[f64], by_row: ByRow<'_>) -> Cells {
    let parts: Vec<Cells> = weights
        .par_chunks(LANE_ROWS)
        .enumerate()
        .map(|(lane, weights)| {
            let first = lane * LANE_ROWS;
            let mut cells = empty(by_row.instruments.is_some());
            let (mut scales, mut bounds) = (Vec::new(), Vec::new());
            for (row, &w) in weights.iter().enumerate().filter(|(_, w)| **w != 0.0) {
                let row = first + row;
                cells.weight.push(w);
                cells.x.push(x.row(row));
                if let (Some(z), Some(columns)) = (&mut cells.z, by_row.instruments) {
                    z.push(columns.row(row));
                }
                scales.extend(by_row.scale.map(|s| s[row]));
                bounds.extend(by_row.bounds.map(|b| b(row)));
            }
            cells.scale = by_row.scale.map(|_| scales);
            cells.bounds = by_row.bounds.map(|_| bounds);
            cells
        })
        .collect();
    let mut cells = empty(by_row.instruments.is_some());
    cells.scale = by_row.scale.map(|_| Vec::new());
    cells.bounds = by_row.bounds.map(|_| Vec::new());
    let entries = parts.iter().map(|p| p.x.columns.len()).sum();
    cells.x.columns.reserve_exact(entries);
    cells.x.values.reserve_exact(entries);
    for part in parts {
        cells.weight.extend(part.weight);
        cells.x.append(&part.x);
        if let (Some(all), Some(own)) = (&mut cells.z, &part.z) {
            all.append(own);
        }
        if let (Some(all), Some(own)) = (&mut cells.scale, part.scale) {
            all.extend(own);
        }
        if let (Some(all), Some(own)) = (&mut cells.bounds, part.bounds) {
            all.extend(own);
        }
    }
    cells.rows = vec![1; cells.weight.len()];
    let mut next = 0;
    let number = |w: &f64| {
        if *w == 0.0 {
            return Codes::NONE;
        }
        next += 1;
        next - 1
    };
    cells.of_row = Codes::U32(weights.iter().map(number).collect());
    cells
}

/// Packs the codes of a row into one key, and keys into cells numbered in the order of the keys.
fn by_codes(x: &XColumns, weights: &[f64]) -> Cells {
    let rows = weights.len();
    let widths: Vec<u64> = x.terms.iter().map(|t| t.width as u64 + 1).collect();
    let possible = widths.iter().try_fold(1_u64, |product, w| product.checked_mul(*w));
    let dense = possible.filter(|&p| p <= (rows as u64).max(1 << 16)).map(|p| p as usize);
    let (of_row, firsts) = match dense {
        Some(size) => by_table(x, weights, &widths, size),
        None => by_hashing(x, weights, &widths),
    };
    let mut cells = empty(false);
    for &row in &firsts {
        cells.x.push(x.row(row as usize));
    }
    let lane = lane_rows(2 * firsts.len());
    let parts: Vec<(Vec<f64>, Vec<u32>)> = of_row
        .par_chunks(lane)
        .zip(weights.par_chunks(lane))
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
    drop(parts);
    cells.of_row = Codes::par_collect(of_row.into_par_iter(), firsts.len());
    cells
}

/// The cell of every row through a table of all keys, and a row of each cell.
fn by_table(x: &XColumns, weights: &[f64], widths: &[u64], size: usize) -> (Vec<u32>, Vec<u32>) {
    let mut of_row = vec![Codes::NONE; weights.len()];
    // For each lane of rows the first row of every key.
    let rows = lane_rows(size);
    let firsts: Vec<Vec<u32>> = of_row
        .par_chunks_mut(rows)
        .enumerate()
        .map(|(lane, out)| {
            let start = lane * rows;
            write_keys(x, weights, widths, start, out);
            let mut first = vec![u32::MAX; size];
            for (row, &k) in (start as u32..).zip(&*out).filter(|(_, k)| **k != Codes::NONE) {
                let slot = &mut first[k as usize];
                *slot = row.min(*slot);
            }
            first
        })
        .collect();
    let mut first = vec![u32::MAX; size];
    for lane in &firsts {
        first.iter_mut().zip(lane).for_each(|(all, own)| *all = (*own).min(*all));
    }
    drop(firsts);
    let mut cell = vec![Codes::NONE; size];
    let occupied: Vec<usize> = (0..size).filter(|&k| first[k] != u32::MAX).collect();
    for (c, &k) in (0..).zip(&occupied) {
        cell[k] = c;
    }
    of_row.par_iter_mut().filter(|k| **k != Codes::NONE).for_each(|k| *k = cell[*k as usize]);
    (of_row, occupied.iter().map(|&k| first[k]).collect())
}

/// Writes the keys of the rows from `start` on; rows with weight zero get none.
fn write_keys(x: &XColumns, weights: &[f64], widths: &[u64], start: usize, out: &mut [u32]) {
    let mut digits = vec![0; out.len().min(BLOCK)];
    for (block, out) in out.chunks_mut(BLOCK).enumerate() {
        let first = start + block * BLOCK;
        let rows = first..first + out.len();
        let digits = &mut digits[..out.len()];
        out.fill(0);
        for (term, &width) in x.terms.iter().zip(widths) {
            match &term.codes {
                Some(codes) => codes.fill(rows.clone(), digits),
                None => digits.fill(0),
            }
            // All keys are below the size of the table, which fits 32 bits as rows do.
            let width = width as u32;
            for (key, &digit) in out.iter_mut().zip(&*digits) {
                *key = *key * width + digit.min(width - 1);
            }
        }
        for (key, _) in out.iter_mut().zip(&weights[rows]).filter(|(_, w)| **w == 0.0) {
            *key = Codes::NONE;
        }
    }
}

/// The same without room for a table of all keys: they are hashed.
fn by_hashing(x: &XColumns, weights: &[f64], widths: &[u64]) -> (Vec<u32>, Vec<u32>) {
    let key = |row: usize| -> u128 {
        x.terms.iter().zip(widths).fold(0, |key, (term, w)| {
            let code = term.codes.as_ref().map_or(0, |c| c.get(row));
            let digit = if code == Codes::NONE { w - 1 } else { u64::from(code) };
            key * u128::from(*w) + u128::from(digit)
        })
    };
    let mut of_row = vec![Codes::NONE; weights.len()];
    let mut cell_of_key: HashMap<u128, u32> = HashMap::new();
    let mut firsts = Vec::new();
    for row in (0..weights.len()).filter(|&r| weights[r] != 0.0) {
        of_row[row] = *cell_of_key.entry(key(row)).or_insert_with(|| {
            firsts.push(row as u32);
            firsts.len() as u32 - 1
        });
    }
    (of_row, firsts)
}

fn empty(has_instruments: bool) -> Cells {
    Cells {
        of_row: Codes::U32(Vec::new()),
        weight: Vec::new(),
        rows: Vec::new(),
        scale: None,
        bounds: None,
        x: Sparse::new(),
        z: has_instruments.then(Sparse::new),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::aggregate::XTerm;

    /// Terms of so many levels; row r has level r·(term + 3) mod levels, or none in row 5.
    fn columns(levels: usize, terms: usize, rows: usize) -> XColumns {
        let term = |t: usize| {
            let code = |r: usize| if r == 5 { Codes::NONE } else { (r * (t + 3) % levels) as u32 };
            let codes: Vec<u32> = (0..rows).map(code).collect();
            XTerm {
                codes: Some(Arc::new(Codes::pack(&codes, levels))),
                values: None,
                width: levels,
            }
        };
        XColumns { terms: (0..terms).map(term).collect() }
    }

    /// Rows share a cell when they share all columns, and cells know their rows and weights.
    fn check(levels: usize, terms: usize) {
        let rows = 300;
        let x = columns(levels, terms, rows);
        let weights: Vec<f64> =
            (0..rows).map(|r| if r % 7 == 6 { 0.0 } else { 1.0 + r as f64 }).collect();
        let cells = Cells::new(&x, &weights, None);
        let (mut total, mut count) = (vec![0.0; cells.len()], vec![0; cells.len()]);
        for (row, &w) in weights.iter().enumerate() {
            let cell = cells.of_row.get(row);
            assert_eq!(cell == Codes::NONE, w == 0.0, "row {row}");
            if w != 0.0 {
                let own: Vec<(usize, f64)> = x.row(row).collect();
                assert_eq!(cells.x(cell as usize).collect::<Vec<_>>(), own, "row {row}");
                total[cell as usize] += w;
                count[cell as usize] += 1;
            }
        }
        assert_eq!((cells.weight.clone(), cells.rows.clone()), (total, count));
        let distinct: std::collections::HashSet<Vec<usize>> = (0..rows)
            .filter(|r| weights[*r] != 0.0)
            .map(|r| x.row(r).map(|(c, _)| c).collect())
            .collect();
        assert_eq!(cells.len(), distinct.len());
    }

    #[test]
    fn cells_are_the_distinct_rows_of_columns() {
        check(4, 3);
        // Too many combinations for a table.
        check(100, 8);
    }
}
