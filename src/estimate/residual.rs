//! What calibration takes off an influence value: its regression on the calibration columns.
//!
//! With weights w = g d calibrated on x, the variance of Σ w u is that of Σ w e with
//! e = u − x'B, B = (Σ d x x')⁻¹ Σ d x u (Deville and Särndal 1992, eq. 3.4). The total of a unit
//! is T(w u) − T(w x)'B, so no value per row is needed. After several calibrations the residual
//! of the last is regressed on the columns of the one before it, and so on back.
//!
//! Rows that end with weight zero (g = 0 at a lower bound of 0, or a target of zero) are out of
//! the sample: they take no part in any of the regressions.

use std::ops::Range;

use nalgebra::DMatrix;

use crate::aggregate::{UnitX, XColumns, gram, unit_x};
use crate::design::UnitTree;
use crate::numeric::SymmetricSolver;
use crate::weight::{Calibration, Ledger};

/// One calibration, ready to take residuals.
#[derive(Debug)]
struct Step {
    x: XColumns,
    /// Regression weights of every row.
    v: std::sync::Arc<Vec<f64>>,
    solver: SymmetricSolver,
    /// Σ w x by unit, with the final weights.
    totals: UnitX,
    /// Σ v x x_t' for every later calibration t.
    with_later: Vec<DMatrix<f64>>,
}

/// All calibrations of a ledger, ready to take residuals.
#[derive(Debug)]
pub(super) struct Residualizer {
    steps: Vec<Step>,
}

impl Residualizer {
    /// Prepares the regressions; one factorisation serves every estimate.
    pub fn new(tree: &UnitTree, ledger: &Ledger) -> Residualizer {
        let calibrations: Vec<&Calibration> = ledger.calibrations().collect();
        let w = ledger.weights();
        let steps = calibrations
            .iter()
            .enumerate()
            .map(|(s, c)| {
                let lost = |(&v, &w): (&f64, &f64)| v != 0.0 && w == 0.0;
                let has_lost = c.regression_weights.iter().zip(w.iter()).any(lost);
                let (v, solver) = if has_lost {
                    let keep = |(&v, &w): (&f64, &f64)| if w == 0.0 { 0.0 } else { v };
                    let v: Vec<f64> = c.regression_weights.iter().zip(w.iter()).map(keep).collect();
                    let solver = SymmetricSolver::new(&gram(tree, &c.x, &c.x, &v));
                    (std::sync::Arc::new(v), solver.unwrap_or_else(|_| c.solver.clone()))
                } else {
                    (c.regression_weights.clone(), c.solver.clone())
                };
                Step {
                    solver,
                    totals: unit_x(tree, &c.x, w),
                    with_later: calibrations[s + 1..]
                        .iter()
                        .map(|later| gram(tree, &c.x, &later.x, &v))
                        .collect(),
                    x: c.x.clone(),
                    v,
                }
            })
            .collect();
        Residualizer { steps }
    }

    /// What the row pass must sum: columns and regression weights of each calibration.
    pub fn cross(&self) -> Vec<(&XColumns, &[f64])> {
        self.steps.iter().map(|s| (&s.x, s.v.as_slice())).collect()
    }

    /// The regression coefficients B of each calibration, from Σ v x u (columns × estimates);
    /// they come out as B' (estimates × columns), with those of one column side by side.
    pub fn coefficients(&self, cross: &[DMatrix<f64>]) -> Vec<DMatrix<f64>> {
        let mut found: Vec<DMatrix<f64>> = Vec::new();
        for (step, own) in self.steps.iter().zip(cross).rev() {
            let mut right = own.clone();
            // `found` holds the later calibrations, last first.
            for (with, b) in step.with_later.iter().zip(found.iter().rev()) {
                right -= with * b;
            }
            found.push(step.solver.solve_matrix(&right));
        }
        found.iter().rev().map(DMatrix::transpose).collect()
    }

    /// Takes Σ w x'B off the values of a unit in a range of estimates.
    pub fn subtract(
        &self,
        unit: usize,
        coefficients: &[DMatrix<f64>],
        estimates: Range<usize>,
        values: &mut [f64],
    ) {
        for (step, b) in self.steps.iter().zip(coefficients) {
            for (column, total) in step.totals.unit(unit) {
                let b = &b.as_slice()[column * b.nrows()..][estimates.clone()];
                values.iter_mut().zip(b).for_each(|(value, b)| *value -= total * b);
            }
        }
    }
}
