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

use super::outer::Outer;
use super::residual::Residualizer;
use super::variance::{
    Companion, Policy, UnitValues, Variances, Work, strata_per_task, tree_variance_with,
};
use super::vector::Vector;
use crate::design::{Stage, Stratum, UnitTree};

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
    let mut total = DMatrix::zeros(width, width);
    for stage in &tree.stages {
        squares(stage, residualizer).into_iter().for_each(|part| total += part);
    }
    Some(total)
}

/// What is left of the variances of values after a calibration with some coefficients for every step
/// (estimates × columns); `None` where digits cancel.
pub(super) fn residual_variance(
    tree: &UnitTree,
    residualizer: &Residualizer,
    explained: &DMatrix<f64>,
    coefficients: &[DMatrix<f64>],
    (policy, values): (Policy, &impl UnitValues),
    full: bool,
) -> Option<Variances> {
    let (width, size) = (explained.nrows(), values.size());
    let companion = WithTotals { residualizer, size };
    let (mut plain, parts) = tree_variance_with(tree, policy, values, full, &companion);
    let mut with = DMatrix::zeros(width, size);
    parts.into_iter().for_each(|part| with += part.sum.finish());
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

/// T'Q a: Σ c [Σ t a' − (Σ t)(Σ a)'/n] over the strata, with the values a of the estimates.
struct WithTotals<'a> {
    residualizer: &'a Residualizer,
    size: usize,
}

/// The sum over the strata of a task, and the calibration totals of the unit and of the stratum at hand.
struct Part {
    sum: Outer,
    t: Vector,
    t_sum: Vector,
}

impl Companion for WithTotals<'_> {
    type Part = Part;

    const HOLDS_MATRIX: bool = true;

    fn start(&self) -> Part {
        let width = self.residualizer.columns();
        let sum = Outer::new(width, self.size);
        Part { sum, t: Vector::new(width), t_sum: Vector::new(width) }
    }

    fn stratum(&self, part: &mut Part, stage: &Stage, stratum: &Stratum, work: &Work) {
        let Some(c) = factor(stratum) else { return };
        let Part { sum, t, t_sum } = part;
        let mut of_units = work.entries.chunk_by(|a, b| a.0 == b.0).peekable();
        for unit in stratum.first..stratum.end {
            load(stage, unit as usize, self.residualizer, t);
            t_sum.merge(t);
            if let Some(own) = of_units.next_if(|own| own[0].0 == unit) {
                sum.add(c, t, own.iter().map(|&(_, k, z)| (k, z)));
            }
        }
        let x_sum = work.touched.iter().map(|&k| (k, work.sum[k as usize]));
        sum.add(-c / stratum.n() as f64, t_sum, x_sum);
        t_sum.clear();
    }
}

/// The same with t in place of a.
fn squares(stage: &Stage, residualizer: &Residualizer) -> Vec<DMatrix<f64>> {
    let width = residualizer.columns();
    let part = |strata: &[Stratum]| {
        let mut sum = Outer::new(width, width);
        let (mut t, mut t_sum) = (Vector::new(width), Vector::new(width));
        for (stratum, c) in strata.iter().filter_map(|h| Some((h, factor(h)?))) {
            for unit in stratum.first as usize..stratum.end as usize {
                load(stage, unit, residualizer, &mut t);
                t_sum.merge(&t);
                sum.add_square(c, &t);
            }
            sum.add_square(-c / stratum.n() as f64, &t_sum);
            t_sum.clear();
        }
        sum.finish_square()
    };
    stage.strata.par_chunks(strata_per_task(stage.strata.len(), true)).map(part).collect()
}

/// The number c of a stratum that counts.
fn factor(stratum: &Stratum) -> Option<f64> {
    let n = stratum.n() as f64;
    let counts = stratum.share > 0.0 && !stratum.is_census();
    counts.then(|| stratum.share * stratum.fpc() * n / (n - 1.0))
}

/// Puts the totals of a unit of a stage in `t`.
fn load(stage: &Stage, unit: usize, residualizer: &Residualizer, t: &mut Vector) {
    t.clear();
    for deepest in stage.of_unit(unit) {
        residualizer.totals(deepest, |from, by, totals| t.add_all(from, by, totals));
    }
    t.sort();
}
