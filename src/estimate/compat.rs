//! The linearised variance after calibration as R `survey` computes it, for matching only.
//!
//! R differs from [`super::residual`] in two ways, both of which simulation shows to be wrong
//! (docs/methods/calibration-variance.md): `rake()` sweeps its margins ten times with
//! *unweighted* means, and successive calibrations are taken off in the order they were made,
//! each from values divided by its own weights.

use nalgebra::DMatrix;

use super::influence::{Influence, Linear};
use super::variance::{Entries, UnitValues};
use crate::aggregate::DomainCodes;
use crate::data::Codes;
use crate::design::UnitTree;
use crate::weight::{Adjustment, Ledger, Residuals};

/// Unit totals of residuals, computed row by row.
pub(super) struct CompatValues {
    size: usize,
    /// `size` values per unit.
    totals: Vec<f64>,
}

impl CompatValues {
    /// `row_slots` gives the (slot, value) pairs of a row; `linear` says what they do to the estimates.
    pub fn new(
        tree: &UnitTree,
        ledger: &Ledger,
        domains: &DomainCodes,
        linear: &Influence<'_>,
        row_slots: impl Fn(usize, &mut Vec<(usize, f64)>),
    ) -> CompatValues {
        let size = linear.size();
        let w = ledger.weights();
        let mut z = DMatrix::zeros(w.len(), size);
        let mut slots = Vec::new();
        for row in 0..w.len() {
            let domain = domains.codes.get(row);
            if domain == Codes::NONE || w[row] == 0.0 {
                continue;
            }
            slots.clear();
            row_slots(row, &mut slots);
            for Linear { k, form, .. } in linear.in_domain(domain as usize) {
                let u: f64 = slots
                    .iter()
                    .map(|&(slot, value)| {
                        let c: f64 = form.iter().filter(|f| f.0 == slot).map(|f| f.1).sum();
                        c * value
                    })
                    .sum();
                z[(row, *k as usize)] = w[row] * u;
            }
        }
        for step in ledger.steps() {
            let Some(calibration) = &step.adjustment else { continue };
            match calibration.residuals {
                Residuals::Regression => regress(&mut z, calibration, &step.weights),
                Residuals::RRake => sweep(&mut z, calibration, &step.weights),
            }
        }
        let mut totals = vec![0.0; tree.units() * size];
        for (row, &unit) in tree.unit_of_row.iter().enumerate() {
            for k in 0..size {
                totals[unit as usize * size + k] += z[(row, k)];
            }
        }
        CompatValues { size, totals }
    }
}

impl UnitValues for CompatValues {
    fn size(&self) -> usize {
        self.size
    }

    fn unit(&self, unit: usize, out: &mut Entries) {
        out.extend(
            (0..).zip(self.totals[unit * self.size..(unit + 1) * self.size].iter().copied()),
        );
    }
}

fn regress(z: &mut DMatrix<f64>, calibration: &Adjustment, w: &[f64]) {
    let (x, v) = (&calibration.x, &calibration.regression_weights);
    let q = x.width();
    let mut cross = DMatrix::zeros(q, z.ncols());
    for row in 0..w.len() {
        if w[row] == 0.0 {
            continue;
        }
        for (a, xa) in x.row(row) {
            for k in 0..z.ncols() {
                cross[(a, k)] += v[row] * xa * z[(row, k)] / w[row];
            }
        }
    }
    let b = calibration.solver.solve_matrix(&cross);
    for row in 0..w.len() {
        for (a, xa) in x.row(row) {
            for k in 0..z.ncols() {
                z[(row, k)] -= w[row] * xa * b[(a, k)];
            }
        }
    }
}

fn sweep(z: &mut DMatrix<f64>, calibration: &Adjustment, w: &[f64]) {
    for _ in 0..10 {
        for term in &calibration.x.terms {
            let Some(codes) = &term.codes else { continue };
            for k in 0..z.ncols() {
                let mut sum = vec![0.0; term.width];
                let mut count = vec![0.0; term.width];
                for row in 0..w.len() {
                    let level = codes.get(row);
                    if w[row] != 0.0 && level != Codes::NONE {
                        sum[level as usize] += z[(row, k)] / w[row];
                        count[level as usize] += 1.0;
                    }
                }
                for row in 0..w.len() {
                    let level = codes.get(row) as usize;
                    if w[row] != 0.0 && level < term.width {
                        z[(row, k)] -= w[row] * sum[level] / count[level];
                    }
                }
            }
        }
    }
}
