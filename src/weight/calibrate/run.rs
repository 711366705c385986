//! One calibration: from totals to factors, and how it ended.

use std::sync::Arc;

use super::cells::Cells;
use super::distance::{Bounds, Distance};
use super::newton::{misfits, newton};
use super::rake::rake;
use crate::aggregate::XColumns;

/// Calibration columns with the population total of each. Columns may depend on each other (all
/// levels of several factors): totals that agree are then met, others are reported as missed.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    /// The columns.
    pub x: XColumns,
    /// One total per column.
    pub targets: Vec<f64>,
    /// One name per column, for messages.
    pub names: Vec<String>,
}

/// Choices of a calibration.
#[derive(Debug, Clone)]
pub struct CalibrationOptions {
    /// The distance.
    pub distance: Distance,
    /// Smallest and largest weight after the step, where weights and not factors are bounded.
    pub weight_bounds: Option<Bounds>,
    /// Scale s of each row in g = F(x'λ/s): larger where a weight may move less.
    pub scale: Option<Arc<Vec<f64>>>,
    /// Largest relative misfit |Σ w x − t| ÷ max(|t|, 1e-6 Σ|d x|) of a total at which iteration
    /// stops. Up to ten times that is accepted where rounding allows no better.
    pub tolerance: f64,
    /// Largest number of iterations.
    pub iterations: usize,
}

impl CalibrationOptions {
    /// A distance with the default tolerance (1e-10) and iteration limit (500).
    pub fn new(distance: Distance) -> CalibrationOptions {
        CalibrationOptions {
            distance,
            weight_bounds: None,
            scale: None,
            tolerance: 1e-10,
            iterations: 500,
        }
    }
}

/// How a calibration ended: an ordinary value, not a panic.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum CalibrationStatus {
    /// Every total is met.
    Converged {
        /// Iterations (for iterative proportional fitting: sweeps).
        iterations: usize,
        /// Largest relative misfit.
        misfit: f64,
    },
    /// Totals are not met: the iteration stalled or reached its limit.
    NotReached {
        /// Iterations.
        iterations: usize,
        /// The totals that are missed, worst first: (name, relative misfit).
        missed: Vec<(String, f64)>,
    },
}

impl CalibrationStatus {
    /// True when every total is met.
    pub fn is_converged(&self) -> bool {
        matches!(self, CalibrationStatus::Converged { .. })
    }
}

impl std::fmt::Display for CalibrationStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CalibrationStatus::Converged { iterations, misfit } => {
                let plural = if *iterations == 1 { "" } else { "s" };
                write!(
                    f,
                    "converged in {iterations} iteration{plural} (largest misfit {misfit:.1e})"
                )
            }
            CalibrationStatus::NotReached { iterations, missed } => {
                let plural = if *iterations == 1 { "" } else { "s" };
                write!(f, "not reached after {iterations} iteration{plural}: ")?;
                let shown: Vec<String> = missed
                    .iter()
                    .take(5)
                    .map(|(name, misfit)| format!("{name} is off by {:.3} %", 100.0 * misfit))
                    .collect();
                f.write_str(&shown.join(", "))?;
                if missed.len() > 5 {
                    write!(f, " and {} more", missed.len() - 5)?;
                }
                Ok(())
            }
        }
    }
}

/// Factors by cell.
#[derive(Debug, Clone)]
pub(in crate::weight) struct Solution {
    pub cells: Cells,
    pub g: Vec<f64>,
    pub status: CalibrationStatus,
}

impl Solution {
    /// The weights after the step.
    pub fn apply(&self, before: &[f64]) -> Vec<f64> {
        use rayon::prelude::*;
        before
            .par_iter()
            .enumerate()
            .map(
                |(row, &w)| {
                    if w == 0.0 { 0.0 } else { w * self.g[self.cells.of_row.get(row) as usize] }
                },
            )
            .collect()
    }
}

/// Solves for the factors.
///
/// All-categorical raking without bounds or scale goes by iterative proportional fitting, which
/// needs no matrix; if it is slow, and in every other case, by Newton's method.
pub(in crate::weight) fn solve(
    before: &[f64],
    totals: &Totals,
    options: &CalibrationOptions,
) -> Solution {
    let cells = match options.weight_bounds {
        None => Cells::new(&totals.x, before, options.scale.as_deref().map(Vec::as_slice)),
        Some(bounds) => Cells::bounded(&totals.x, before, options.scale.as_deref(), bounds),
    };
    let mut margins = Vec::new();
    let mut first = 0;
    for term in &totals.x.terms {
        if term.codes.is_some() && term.values.is_none() {
            margins.push((first, term.width));
        }
        first += term.width;
    }
    let full = (0..cells.len()).all(|c| cells.x(c).count() == totals.x.terms.len());
    let fits = options.distance == Distance::Raking(None)
        && options.scale.is_none()
        && options.weight_bounds.is_none()
        && margins.len() == totals.x.terms.len()
        && full;
    let (g, iterations) = if fits {
        let raked = rake(&cells, &margins, &totals.targets, options.tolerance, options.iterations);
        (raked.g, raked.sweeps)
    } else {
        let most = options.iterations.min(200);
        let done = newton(&cells, &totals.targets, options.distance, options.tolerance, most);
        (done.g, done.iterations)
    };
    let off = misfits(&cells, &g, &totals.targets);
    let worst =
        off.iter().fold(0.0, |a: f64, &b| if b.is_nan() { f64::INFINITY } else { a.max(b) });
    // Rounding in the sums themselves is not a miss.
    let status = if worst <= options.tolerance.max(1e-13) * 10.0 {
        CalibrationStatus::Converged { iterations, misfit: worst }
    } else {
        let mut missed: Vec<(String, f64)> = totals
            .names
            .iter()
            .cloned()
            .zip(off)
            .filter(|(_, m)| m.is_nan() || *m > options.tolerance * 10.0)
            .collect();
        missed.sort_by(|a, b| b.1.total_cmp(&a.1));
        CalibrationStatus::NotReached { iterations, missed }
    };
    Solution { cells, g, status }
}

/// Calibrates weights to totals: the weights after, and how it ended.
///
/// Minimises Σ d G(w/d) subject to Σ w x = t (Deville and Särndal 1992, eq. 2.1), with rows that
/// share all columns solved for once. Rows with weight zero keep it. The outcome must be looked
/// at: weights that miss their totals are returned as they are, with
/// [`CalibrationStatus::NotReached`].
///
/// # Shapes
/// `before` has one weight per row; `totals` one entry per column, in units of the population.
pub fn calibrate_weights(
    before: &[f64],
    totals: &Totals,
    options: &CalibrationOptions,
) -> (Vec<f64>, CalibrationStatus) {
    let solution = solve(before, totals, options);
    (solution.apply(before), solution.status)
}
