//! Newton's method for the calibration equations Σ d x F(x'λ/s) = t.

use nalgebra::DMatrix;

use super::cells::Cells;
use super::distance::Distance;
use crate::numeric::SymmetricSolver;

/// How the iteration ended.
#[derive(Debug, Clone)]
pub(super) struct Newton {
    /// Factor of each cell.
    pub g: Vec<f64>,
    /// Iterations used.
    pub iterations: usize,
}

/// Relative misfit of every total: |Σ d g x − t| ÷ scale, where the scale is |t| or, for a total
/// near zero, a small share of Σ d |x|.
pub(super) fn misfits(cells: &Cells, g: &[f64], targets: &[f64]) -> Vec<f64> {
    let mut reached = vec![0.0; targets.len()];
    let mut size = vec![0.0; targets.len()];
    for (cell, factor) in g.iter().enumerate() {
        let d = cells.weight[cell];
        for (column, x) in cells.x(cell) {
            reached[column] += d * factor * x;
            size[column] += (d * x).abs();
        }
    }
    targets
        .iter()
        .zip(reached.iter().zip(&size))
        .map(|(t, (r, s))| {
            let scale = t.abs().max(1e-6 * s);
            if scale > 0.0 { (r - t).abs() / scale } else { (r - t).abs() }
        })
        .collect()
}

fn largest(misfits: &[f64]) -> f64 {
    misfits.iter().fold(0.0, |a: f64, &b| if b.is_nan() { f64::INFINITY } else { a.max(b) })
}

/// Solves the equations, halving the step while it makes the misfit worse.
///
/// Columns that depend on others in the sample get no multiplier of their own; their totals are
/// met if they agree with the others.
pub(super) fn newton(
    cells: &Cells,
    targets: &[f64],
    distance: Distance,
    tolerance: f64,
    most: usize,
) -> Newton {
    let q = targets.len();
    let mut lambda = vec![0.0; q];
    let mut g = factors(cells, &lambda, distance);
    let mut misfit = largest(&misfits(cells, &g, targets));
    let mut iterations = 0;
    while misfit > tolerance && iterations < most {
        iterations += 1;
        let (jacobian, gap) = equations(cells, &lambda, targets, distance);
        let Ok(solver) = SymmetricSolver::new(&jacobian) else { break };
        let step = solver.solve(&gap);
        let mut share = 1.0;
        let mut best: Option<(Vec<f64>, Vec<f64>, f64)> = None;
        for _ in 0..30 {
            let tried: Vec<f64> = lambda.iter().zip(&step).map(|(l, s)| l + share * s).collect();
            let factors = factors(cells, &tried, distance);
            let reached = largest(&misfits(cells, &factors, targets));
            if reached < misfit {
                best = Some((tried, factors, reached));
                break;
            }
            share *= 0.5;
        }
        match best {
            Some((l, factors, reached)) => (lambda, g, misfit) = (l, factors, reached),
            None => break,
        }
    }
    Newton { g, iterations }
}

fn factors(cells: &Cells, lambda: &[f64], distance: Distance) -> Vec<f64> {
    (0..cells.len()).map(|cell| factor(cells, cell, lambda, distance).0).collect()
}

/// The factor of a cell and its derivative.
#[inline]
fn factor(cells: &Cells, cell: usize, lambda: &[f64], distance: Distance) -> (f64, f64) {
    let u = argument(cells, cell, lambda);
    match &cells.bounds {
        None => distance.factor(u),
        Some(bounds) => distance.within(bounds[cell]).factor(u),
    }
}

#[inline]
fn argument(cells: &Cells, cell: usize, lambda: &[f64]) -> f64 {
    let u: f64 = cells.x(cell).map(|(column, x)| x * lambda[column]).sum();
    cells.scale.as_ref().map_or(u, |s| u / s[cell])
}

/// The derivative of the equations and what is still missing from each total.
fn equations(
    cells: &Cells,
    lambda: &[f64],
    targets: &[f64],
    distance: Distance,
) -> (DMatrix<f64>, Vec<f64>) {
    let q = targets.len();
    let mut jacobian = DMatrix::zeros(q, q);
    let mut gap = targets.to_vec();
    for cell in 0..cells.len() {
        let (g, slope) = factor(cells, cell, lambda, distance);
        let d = cells.weight[cell];
        let scale = cells.scale.as_ref().map_or(1.0, |s| s[cell]);
        for (column, x) in cells.x(cell) {
            gap[column] -= d * g * x;
            let weighted = d * slope / scale * x;
            for (row, other) in cells.x(cell) {
                jacobian[(row, column)] += weighted * other;
            }
        }
    }
    (jacobian, gap)
}
