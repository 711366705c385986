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
            let mut out = Products::new(width, size);
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
                    out.add(c, &t, if own { &t } else { &x });
                    t.each(|i, v| t_sum.add(i, v));
                    if !own {
                        x.each(|i, v| x_sum.add(i, v));
                        x.clear();
                    }
                    t.clear();
                }
                out.add(-c / n, &t_sum, if own { &t_sum } else { &x_sum });
                t_sum.clear();
                x_sum.clear();
            }
            out.finish()
        })
        .collect()
}

/// Σ c t x' of many vectors t and x, a block of them at a time.
struct Products {
    out: DMatrix<f64>,
    /// The nonzeros of t and x, c taken into t, and where those of each pair end.
    t: Vec<(u32, f64)>,
    x: Vec<(u32, f64)>,
    ends: Vec<(usize, usize)>,
}

/// Pairs of vectors that are multiplied together.
const PAIRS: usize = 256;

/// Of all products the share, of those without a zero, from which it is quicker to make them all: as products
/// of matrices.
const MANY: f64 = 1.0 / 12.0;

impl Products {
    fn new(width: usize, size: usize) -> Products {
        let out = DMatrix::zeros(width, size);
        Products { out, t: Vec::new(), x: Vec::new(), ends: Vec::new() }
    }

    fn add(&mut self, c: f64, t: &Sparse, x: &Sparse) {
        t.each(|i, v| self.t.push((i as u32, c * v)));
        x.each(|k, z| self.x.push((k as u32, z)));
        self.ends.push((self.t.len(), self.x.len()));
        if self.ends.len() == PAIRS {
            self.multiply();
        }
    }

    fn multiply(&mut self) {
        let Products { out, t, x, ends } = self;
        let (width, size) = out.shape();
        let mut from = (0, 0);
        let pair = |&end: &(usize, usize)| {
            let (a, b) = std::mem::replace(&mut from, end);
            (&t[a..end.0], &x[b..end.1])
        };
        let pairs: Vec<_> = ends.iter().map(pair).collect();
        let needed: usize = pairs.iter().map(|(t, x)| t.len() * x.len()).sum();
        if needed as f64 > MANY * (ends.len() * width * size) as f64 {
            let mut left = DMatrix::zeros(width, ends.len());
            let mut right = DMatrix::zeros(ends.len(), size);
            for (pair, (t, x)) in pairs.iter().enumerate() {
                t.iter().for_each(|&(i, v)| left[(i as usize, pair)] = v);
                x.iter().for_each(|&(k, z)| right[(pair, k as usize)] = z);
            }
            out.gemm(1.0, &left, &right, 1.0);
        } else {
            let all = out.as_mut_slice();
            for (t, x) in pairs {
                for &(k, z) in x {
                    let column = &mut all[k as usize * width..][..width];
                    t.iter().for_each(|&(i, v)| column[i as usize] += z * v);
                }
            }
        }
        t.clear();
        x.clear();
        ends.clear();
    }

    fn finish(mut self) -> DMatrix<f64> {
        self.multiply();
        self.out
    }
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
