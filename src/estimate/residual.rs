//! What the weighting takes off an influence value: its regression on the columns of each step.
//!
//! With weights w = g d calibrated on x, the variance of Σ w u is that of Σ w e with
//! e = u − x'B, B = (Σ d x x')⁻¹ Σ d x u (Deville and Särndal 1992, eq. 3.4). The total of a unit
//! is T(w u) − T(w x)'B, so no value per row is needed. Steps of another form (weighting classes,
//! response propensities) have T(c x)'B with a carrier c of their own, see
//! [`Adjustment`](crate::weight::Adjustment).
//!
//! Several steps are taken back from the last to the first: what is left after step t, z, is
//! regressed on the columns of the step before it as a value z/w_s of the weights w_s that this
//! step made.
//!
//! Rows to which a calibration gives weight zero (g = 0 at a lower bound of 0, or a target of
//! zero) are out of the sample: they take no part in its regression.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use nalgebra::{DMatrix, DVector};

use super::explained::explained;
use crate::aggregate::{UnitTotals, UnitX, XColumns, XTerm, gram, unit_x};
use crate::design::UnitTree;
use crate::numeric::SymmetricSolver;
use crate::weight::{Adjustment, Carrier, Ledger, OwnSum};

/// One step, ready to take residuals.
#[derive(Debug)]
struct Step {
    x: XColumns,
    /// q w/w_s of every row: what multiplies x u in the regression, w being the final weight.
    q: Arc<Vec<f64>>,
    solver: SymmetricSolver,
    /// Σ c x by unit.
    totals: UnitX,
    /// Σ (q/w_s) c_t x x_t' for every later step t.
    with_later: Vec<DMatrix<f64>>,
    /// Covariance of the totals the step was fitted to.
    target_covariance: Option<DMatrix<f64>>,
    /// Where the totals are shares p of N̂ = Σ d: Σ d by unit, and p.
    own_sum: Option<(UnitX, Arc<Vec<f64>>)>,
}

/// All steps of a ledger that the variance knows of, ready to take residuals.
#[derive(Debug)]
pub(super) struct Residualizer {
    steps: Vec<Step>,
    explained: OnceLock<Option<DMatrix<f64>>>,
}

impl Residualizer {
    /// Prepares the regressions; one factorisation serves every estimate. `first_phase` leaves out
    /// the steps that have no part in the variance of a first phase. `None` without any step.
    pub fn new(tree: &UnitTree, ledger: &Ledger, first_phase: bool) -> Option<Residualizer> {
        let all: Vec<(&Arc<Vec<f64>>, &Adjustment)> = if first_phase {
            ledger.first_phase_steps().collect()
        } else {
            ledger.adjusted_steps().collect()
        };
        if all.is_empty() {
            return None;
        }
        let carriers: Vec<(Arc<Vec<f64>>, &XColumns)> = all
            .iter()
            .map(|(after, adjustment)| match &adjustment.carrier {
                Carrier::After => ((*after).clone(), &adjustment.x),
                Carrier::Rows(rows) => (rows.clone(), &adjustment.x),
                Carrier::Columns(columns) => (Arc::new(vec![1.0; after.len()]), columns),
            })
            .collect();
        let last = ledger.weights();
        let steps = all
            .iter()
            .enumerate()
            .map(|(s, &(after, adjustment))| {
                let (own, solver) = regression(tree, adjustment, after);
                let x = &adjustment.x;
                let with_later = (s + 1..all.len())
                    .map(|t| {
                        let (c, columns) = &carriers[t];
                        let with = gram(tree, x, columns, &carried(&own, c, after));
                        match &all[t].1.own_sum {
                            None => with,
                            Some(OwnSum { before, shares }) => {
                                let q = carried(&own, before, after);
                                let p = DVector::from_column_slice(shares);
                                with - gram(tree, x, &ones(), &q) * p.transpose()
                            }
                        }
                    })
                    .collect();
                let (c, of_totals) = &carriers[s];
                let q = if Arc::ptr_eq(last, after) {
                    own
                } else {
                    Arc::new(carried(&own, last, after))
                };
                Step {
                    totals: unit_x(tree, of_totals, c),
                    with_later,
                    q,
                    solver,
                    x: x.clone(),
                    target_covariance: adjustment.target_covariance.clone(),
                    own_sum: adjustment.own_sum.as_ref().map(|OwnSum { before, shares }| {
                        (unit_x(tree, &ones(), before), shares.clone())
                    }),
                }
            })
            .collect();
        Some(Residualizer { steps, explained: OnceLock::new() })
    }

    /// What the row pass must sum: columns and regression weights of each step.
    pub fn cross(&self) -> Vec<(&XColumns, &[f64])> {
        self.steps.iter().map(|s| (&s.x, s.q.as_slice())).collect()
    }

    /// The regression coefficients B of each step, from Σ q x u (columns × estimates); they come
    /// out as B' (estimates × columns), with those of one column side by side.
    pub fn coefficients(&self, cross: &[DMatrix<f64>]) -> Vec<DMatrix<f64>> {
        let mut found: Vec<DMatrix<f64>> = Vec::new();
        for (step, own) in self.steps.iter().zip(cross).rev() {
            let mut right = own.clone();
            // `found` holds the later steps, last first.
            for (with, b) in step.with_later.iter().zip(found.iter().rev()) {
                right -= with * b;
            }
            found.push(step.solver.solve_matrix(&right));
        }
        found.iter().rev().map(DMatrix::transpose).collect()
    }

    /// Columns of all steps.
    pub fn columns(&self) -> usize {
        self.steps.iter().map(|step| step.x.width()).sum()
    }

    /// T'Q T of the columns (see [`super::explained`]), made when it is first wanted; `None` where
    /// residuals are less work or needed.
    pub fn explained(&self, tree: &UnitTree) -> Option<&DMatrix<f64>> {
        self.explained.get_or_init(|| explained(tree, self)).as_ref()
    }

    /// Σ c x over a unit, less p Σ d where totals are shares p of N̂ = Σ d: the first of a run of
    /// columns, counted through all steps, a number, and totals to be multiplied by it. A column may
    /// come more than once.
    #[inline]
    pub fn totals(&self, unit: usize, mut take: impl FnMut(usize, f64, UnitTotals<'_>)) {
        let mut from = 0;
        for step in &self.steps {
            take(from, 1.0, step.totals.unit(unit));
            if let Some((sums, shares)) = &step.own_sum {
                sums.unit(unit).each(|_, sum| take(from, -sum, UnitTotals::All(shares)));
            }
            from += step.x.width();
        }
    }

    /// Takes Σ c x'B off the values of a unit in a range of estimates.
    pub fn subtract(
        &self,
        unit: usize,
        coefficients: &[DMatrix<f64>],
        estimates: Range<usize>,
        values: &mut [f64],
    ) {
        for (step, b) in self.steps.iter().zip(coefficients) {
            let mut take = |column: usize, total: f64| {
                let b = &b.as_slice()[column * b.nrows()..][estimates.clone()];
                values.iter_mut().zip(b).for_each(|(value, b)| *value -= total * b);
            };
            step.totals.unit(unit).each(&mut take);
            if let Some((sums, shares)) = &step.own_sum {
                sums.unit(unit).each(|_, sum| {
                    UnitTotals::All(shares).each(|column, share| take(column, -sum * share));
                });
            }
        }
    }

    /// The variance that estimated totals add, B'VB: by estimate, and if wanted between all pairs.
    pub fn target_variance(
        &self,
        coefficients: &[DMatrix<f64>],
        full: bool,
    ) -> Option<(Vec<f64>, Option<DMatrix<f64>>)> {
        let mut sum: Option<(Vec<f64>, Option<DMatrix<f64>>)> = None;
        for (step, b) in self.steps.iter().zip(coefficients) {
            let Some(v) = &step.target_covariance else { continue };
            let half = b * v;
            let own: Vec<f64> = half.row_iter().zip(b.row_iter()).map(|(h, b)| h.dot(&b)).collect();
            let pairs = full.then(|| &half * b.transpose());
            match &mut sum {
                None => sum = Some((own, pairs)),
                Some((total, all)) => {
                    total.iter_mut().zip(own).for_each(|(t, o)| *t += o);
                    if let (Some(all), Some(pairs)) = (all, pairs) {
                        *all += pairs;
                    }
                }
            }
        }
        sum
    }
}

/// One column of ones.
fn ones() -> XColumns {
    XColumns { terms: vec![XTerm { codes: None, values: None, width: 1 }] }
}

/// q and M of a step, without the rows it threw out.
fn regression(
    tree: &UnitTree,
    adjustment: &Adjustment,
    after: &[f64],
) -> (Arc<Vec<f64>>, SymmetricSolver) {
    let q = &adjustment.regression_weights;
    let is_lost = |(&q, &w): (&f64, &f64)| q != 0.0 && w == 0.0;
    if !q.iter().zip(after).any(is_lost) {
        return (q.clone(), adjustment.solver.clone());
    }
    let keep = |(&q, &w): (&f64, &f64)| if w == 0.0 { 0.0 } else { q };
    let kept: Vec<f64> = q.iter().zip(after).map(keep).collect();
    let mut matrix = gram(tree, &adjustment.x, &adjustment.x, &kept);
    adjustment.soften(&mut matrix);
    let solver = SymmetricSolver::new(&matrix);
    (Arc::new(kept), solver.unwrap_or_else(|_| adjustment.solver.clone()))
}

/// q c/w of every row, zero where w is.
fn carried(q: &[f64], c: &[f64], w: &[f64]) -> Vec<f64> {
    let one = |((&q, &c), &w): ((&f64, &f64), &f64)| if w == 0.0 { 0.0 } else { q * (c / w) };
    q.iter().zip(c).zip(w).map(one).collect()
}
