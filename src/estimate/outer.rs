//! Sums of outer products t x' of vectors t with many entries and vectors x with few.
//!
//! Added one by one, every x would go through whole columns of the sum for each of its entries, and
//! these do not fit near the processor. So vectors wait until there are some, and a column takes in all
//! that is for it at once.

use nalgebra::DMatrix;
use pulp::{Arch, Simd, WithSimd};

use super::vector::Vector;

/// Numbers of vectors t that wait.
const WAITING: usize = 1 << 12;

/// No entry.
const END: u32 = u32::MAX;

/// Σ c t x'.
pub(super) struct Outer {
    sum: DMatrix<f64>,
    /// The vectors t that wait, one after the other, and the number c of each.
    rows: Vec<f64>,
    factors: Vec<f64>,
    most: usize,
    /// Entries of the vectors x that wait.
    entries: Vec<Entry>,
    /// The last entry for each column; and the columns that have one.
    last: Vec<u32>,
    columns: Vec<u32>,
}

struct Entry {
    /// c times the entry.
    value: f64,
    /// Where its t starts.
    row: u32,
    /// The entry before it for the same column.
    before: u32,
}

impl Outer {
    /// Of vectors t of `width` entries and x of `size`.
    pub fn new(width: usize, size: usize) -> Outer {
        Outer {
            sum: DMatrix::zeros(width, size),
            rows: Vec::new(),
            factors: Vec::new(),
            most: (WAITING / width.max(1)).clamp(8, 128) * width,
            entries: Vec::new(),
            last: vec![END; size],
            columns: Vec::new(),
        }
    }

    /// Adds c t x'.
    pub fn add(&mut self, c: f64, t: &Vector, x: impl Iterator<Item = (u32, f64)>) {
        if !t.is_mostly_full() {
            for (k, z) in x {
                let mut column = self.sum.column_mut(k as usize);
                t.each(|i, v| column[i] += c * z * v);
            }
            return;
        }
        let row = self.rows.len() as u32;
        self.rows.extend_from_slice(t.values());
        for (k, z) in x {
            let entry = self.entries.len() as u32;
            let before = std::mem::replace(&mut self.last[k as usize], entry);
            if before == END {
                self.columns.push(k);
            }
            self.entries.push(Entry { value: c * z, row, before });
        }
        if self.rows.len() >= self.most {
            self.add_waiting();
        }
    }

    fn add_waiting(&mut self) {
        Arch::new().dispatch(Waiting(self));
    }

    #[inline(always)]
    fn add_waiting_now(&mut self) {
        let width = self.sum.nrows();
        for k in self.columns.drain(..) {
            let column = &mut self.sum.as_mut_slice()[k as usize * width..][..width];
            let mut next = std::mem::replace(&mut self.last[k as usize], END);
            let take = || {
                let entry = self.entries.get(next as usize)?;
                next = entry.before;
                Some((entry.value, &self.rows[entry.row as usize..][..width]))
            };
            add_rows(column, take);
        }
        self.entries.clear();
        self.rows.clear();
    }

    /// Adds the lower half of c t t'; of a sum of such ones alone.
    pub fn add_square(&mut self, c: f64, t: &Vector) {
        if !t.is_mostly_full() {
            t.each(|k, z| {
                let mut column = self.sum.column_mut(k);
                t.each(|i, v| column[i] += c * z * v);
            });
            return;
        }
        self.rows.extend_from_slice(t.values());
        self.factors.push(c);
        if self.rows.len() >= self.most {
            self.add_squares();
        }
    }

    fn add_squares(&mut self) {
        Arch::new().dispatch(Squares(self));
    }

    #[inline(always)]
    fn add_squares_now(&mut self) {
        let width = self.sum.nrows();
        for k in 0..width {
            let column = &mut self.sum.as_mut_slice()[k * width + k..(k + 1) * width];
            let mut rows = self.rows.chunks_exact(width).zip(&self.factors);
            let take = || rows.next().map(|(row, c)| (c * row[k], &row[k..]));
            add_rows(column, take);
        }
        self.rows.clear();
        self.factors.clear();
    }

    /// The sum.
    pub fn finish(mut self) -> DMatrix<f64> {
        self.add_waiting();
        self.sum
    }

    /// The sum of squares.
    pub fn finish_square(mut self) -> DMatrix<f64> {
        self.add_squares();
        // Of some the lower half was added alone, of others both, which are the same.
        self.sum.fill_upper_triangle_with_lower_triangle();
        self.sum
    }
}

/// What waits, added with the widest numbers that the processor has. Every entry is summed as without
/// them, so that results are those of any other processor.
struct Waiting<'a>(&'a mut Outer);

impl WithSimd for Waiting<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.0.add_waiting_now();
    }
}

/// The same of squares.
struct Squares<'a>(&'a mut Outer);

impl WithSimd for Squares<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.0.add_squares_now();
    }
}

/// Adds multiples of rows to a column, four at a time.
#[inline(always)]
fn add_rows<'a>(column: &mut [f64], mut take: impl FnMut() -> Option<(f64, &'a [f64])>) {
    loop {
        let mut few: [(f64, &[f64]); 4] = [(0.0, &[]); 4];
        let mut found = 0;
        while found < 4
            && let Some(next) = take()
        {
            few[found] = next;
            found += 1;
        }
        if found < 4 {
            for (z, row) in &few[..found] {
                column.iter_mut().zip(*row).for_each(|(sum, t)| *sum += z * t);
            }
            return;
        }
        let [(a, s), (b, t), (c, u), (d, v)] = few;
        let rows = s.iter().zip(t).zip(u.iter().zip(v));
        for (sum, ((s, t), (u, v))) in column.iter_mut().zip(rows) {
            *sum += (a * s + b * t) + (c * u + d * v);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::UnitTotals;

    /// Vectors with few entries and with all of them, against the sums as they are written down.
    #[test]
    fn sums_are_those_of_the_products_one_by_one() {
        let (width, size, count) = (23, 11, 400_u32);
        let (mut sum, mut square) = (Outer::new(width, size), Outer::new(width, width));
        let mut expected = DMatrix::<f64>::zeros(width, size);
        let mut expected_square = DMatrix::<f64>::zeros(width, width);
        let mut t = Vector::new(width);
        for u in 0..count {
            let full: Vec<f64> =
                (0..width as u32).map(|i| f64::from((u * 7 + i * 5) % 19)).collect();
            t.clear();
            if u % 3 == 0 {
                let places = [u % 23, (u * 5 + 1) % 23];
                t.add_all(0, 0.5, UnitTotals::Some(&places, &[3.0, f64::from(u)]));
            } else {
                t.add_all(0, 1.0, UnitTotals::All(&full));
            }
            t.sort();
            let x: Vec<(u32, f64)> = (0..size as u32)
                .filter(|k| (u + k) % 4 == 0)
                .map(|k| (k, f64::from(k) - 4.5))
                .collect();
            let c = 1.0 + f64::from(u % 5);
            sum.add(c, &t, x.iter().copied());
            square.add_square(c, &t);
            let mut own = vec![0.0; width];
            t.each(|i, v| own[i] += v);
            for i in 0..width {
                x.iter().for_each(|&(k, z)| expected[(i, k as usize)] += c * own[i] * z);
                (0..width).for_each(|j| expected_square[(i, j)] += c * own[i] * own[j]);
            }
        }
        let off = |a: &DMatrix<f64>, b: &DMatrix<f64>| (a - b).amax() / b.amax();
        assert!(off(&sum.finish(), &expected) < 1e-14);
        assert!(off(&square.finish_square(), &expected_square) < 1e-14);
    }
}
