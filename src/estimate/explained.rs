//! The variance after calibration from cross-products of unit totals.
//!
//! The residual total of a unit is r = a − t'b: a the total of the influence values (zero but in the
//! domains of its rows), t those of the calibration columns, b the coefficients. With Q the form of
//! the design,
//!
//! > r'Q r = a'Q a − 2 b'(T'Q a) + b'(T'Q T) b,
//!
//! so that only the occupied cells of a are gone through, and T'Q T once for all tables. It is that of
//! [`super::dense`] but for rounding: where the calibration explains nearly all, digits cancel, and the
//! caller takes the residuals themselves.

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::residual::Residualizer;
use super::variance::{Entries, UnitValues, Variances, strata_per_task};
use crate::design::{Stage, UnitTree};

/// Of a variance less than this share of what it is the difference of, too few digits are left.
const CANCELS: f64 = 1e-4;

/// Calibration columns above which the cross-products are more work than the residuals.
const MOST_COLUMNS: usize = 1_000;

/// Whether every stratum is a simple random sample of two units or more, so that Q is the same for
/// every estimate.
pub(super) fn is_plain(tree: &UnitTree) -> bool {
    tree.stages.iter().all(|stage| {
        let mut counting = stage.strata.iter().filter(|h| h.share > 0.0 && !h.is_census());
        counting.all(|h| h.form.is_none() && h.n() > 1)
    })
}

/// T'Q T of all calibration columns of all steps.
pub(super) fn explained(tree: &UnitTree, residualizer: &Residualizer) -> Option<DMatrix<f64>> {
    let width = residualizer.columns();
    if !is_plain(tree) || width > MOST_COLUMNS || 2 * width > tree.units() {
        return None;
    }
    let nothing = Nothing;
    let mut total = DMatrix::zeros(width, width);
    for stage in &tree.stages {
        for part in products(stage, residualizer, &nothing, true) {
            total += part;
        }
    }
    // Of some units the lower half was summed alone, of others both are the same.
    total.fill_upper_triangle_with_lower_triangle();
    Some(total)
}

/// No estimates.
struct Nothing;

impl UnitValues for Nothing {
    fn size(&self) -> usize {
        0
    }

    fn unit(&self, _unit: usize, _out: &mut Entries) {}
}

/// What is left of variances after the calibration, from those before it (`plain`) and the
/// coefficients of every step (estimates × columns); `None` where digits cancel.
pub(super) fn subtract(
    tree: &UnitTree,
    residualizer: &Residualizer,
    explained: &DMatrix<f64>,
    coefficients: &[DMatrix<f64>],
    values: &impl UnitValues,
    mut plain: Variances,
) -> Option<Variances> {
    let (width, size) = (explained.nrows(), values.size());
    let mut with = DMatrix::zeros(width, size);
    for stage in &tree.stages {
        for part in products(stage, residualizer, values, false) {
            with += part;
        }
    }
    // All coefficients, estimate by estimate.
    let mut b = DMatrix::zeros(width, size);
    let mut from = 0;
    for own in coefficients {
        b.rows_mut(from, own.ncols()).copy_from(&own.transpose());
        from += own.ncols();
    }
    let half = explained * &b;
    for k in 0..size {
        let (own, square) = (b.column(k), b.column(k).dot(&half.column(k)));
        let before = plain.diagonal[k];
        let after = before - 2.0 * own.dot(&with.column(k)) + square;
        if after <= CANCELS * (before + square) && before + square > 0.0 {
            return None;
        }
        plain.diagonal[k] = after;
    }
    if let Some(full) = &mut plain.full {
        let mixed = b.tr_mul(&with);
        *full -= &mixed;
        *full -= mixed.transpose();
        full.gemm_tr(1.0, &b, &half, 1.0);
        for k in 0..size {
            full[(k, k)] = plain.diagonal[k];
        }
    }
    Some(plain)
}

/// For tasks of strata in order, Σ c [Σ t x' − (Σ t)(Σ x)'/n], x being t itself (`own`) or the
/// values of the estimates.
fn products(
    stage: &Stage,
    residualizer: &Residualizer,
    values: &impl UnitValues,
    own: bool,
) -> Vec<DMatrix<f64>> {
    let width = residualizer.columns();
    let size = if own { width } else { values.size() };
    stage
        .strata
        .par_chunks(strata_per_task(stage.strata.len(), true))
        .map(|strata| {
            let mut out = DMatrix::<f64>::zeros(width, size);
            let (mut t, mut x) = (Sparse::new(width), Sparse::new(size));
            let (mut t_sum, mut x_sum) = (Sparse::new(width), Sparse::new(size));
            let mut list = Entries::new();
            let counting = |h: &&crate::design::Stratum| h.share > 0.0 && !h.is_census();
            for stratum in strata.iter().filter(counting) {
                let n = stratum.n() as f64;
                let c = stratum.share * stratum.fpc() * n / (n - 1.0);
                for unit in stratum.first as usize..stratum.end as usize {
                    for deepest in stage.deepest[unit] as usize..stage.deepest[unit + 1] as usize {
                        residualizer.totals(deepest, |column, total| t.add(column, total));
                        if !own {
                            values.unit(deepest, &mut list);
                            list.drain(..).for_each(|(k, z)| x.add(k as usize, z));
                        }
                    }
                    t.sort();
                    let of_x = if own { &t } else { &x };
                    outer(&mut out, c, &t, of_x, own);
                    t.each(|i, v| t_sum.add(i, v));
                    if !own {
                        x.each(|i, v| x_sum.add(i, v));
                        x.clear();
                    }
                    t.clear();
                }
                let of_x = if own { &t_sum } else { &x_sum };
                outer(&mut out, -c / n, &t_sum, of_x, own);
                t_sum.clear();
                x_sum.clear();
            }
            out
        })
        .collect()
}

/// Adds c t x'; of a square its lower half (`half`).
fn outer(out: &mut DMatrix<f64>, c: f64, t: &Sparse, x: &Sparse, half: bool) {
    let width = out.nrows();
    let all = out.as_mut_slice();
    // Where few columns are zero, they are gone through as they stand.
    let is_full = 2 * t.places.len() > width;
    x.each(|k, z| {
        let column = &mut all[k * width..(k + 1) * width];
        let scaled = c * z;
        if is_full {
            let from = if half { k } else { 0 };
            let own = column[from..].iter_mut().zip(&t.values[from..]);
            own.for_each(|(sum, v)| *sum += scaled * v);
        } else {
            t.each(|i, v| column[i] += scaled * v);
        }
    });
}

/// A vector of which few entries are not zero.
struct Sparse {
    values: Vec<f64>,
    is_in: Vec<bool>,
    places: Vec<u32>,
}

impl Sparse {
    fn new(size: usize) -> Sparse {
        Sparse { values: vec![0.0; size], is_in: vec![false; size], places: Vec::new() }
    }

    #[inline]
    fn add(&mut self, place: usize, value: f64) {
        if !std::mem::replace(&mut self.is_in[place], true) {
            self.places.push(place as u32);
        }
        self.values[place] += value;
    }

    /// Entries in the order of their places, so that memory is gone through in order.
    fn sort(&mut self) {
        self.places.sort_unstable();
    }

    #[inline]
    fn each(&self, mut f: impl FnMut(usize, f64)) {
        self.places.iter().for_each(|&p| f(p as usize, self.values[p as usize]));
    }

    fn clear(&mut self) {
        for place in self.places.drain(..) {
            self.values[place as usize] = 0.0;
            self.is_in[place as usize] = false;
        }
    }
}
