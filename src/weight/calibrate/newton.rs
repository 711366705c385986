//! Newton's method for the calibration equations Σ d x F(z'λ/s) + R λ = t.

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::cells::{Cells, LANE_CELLS};
use super::distance::Distance;
use crate::numeric::SymmetricSolver;

/// The equations: what is to be met, and how hard.
#[derive(Debug, Clone, Copy)]
pub(super) struct Equations<'a> {
    pub cells: &'a Cells,
    pub targets: &'a [f64],
    pub distance: Distance,
    /// The diagonal of R; nothing where every total is to be met exactly.
    pub ridge: Option<&'a [f64]>,
    /// Columns that take part; all if not given. The others have λ = 0 and any total.
    pub taking_part: Option<&'a [bool]>,
}

/// How the iteration ended.
#[derive(Debug, Clone)]
pub(super) struct Newton {
    /// Factor of each cell.
    pub g: Vec<f64>,
    /// The multipliers.
    pub lambda: Vec<f64>,
    /// Iterations used.
    pub iterations: usize,
    /// Largest relative misfit of the equations.
    pub misfit: f64,
}

/// Totals reached with some factors, and what they are measured by.
#[derive(Debug, Clone)]
pub(super) struct Reached {
    /// Σ d g x.
    pub totals: Vec<f64>,
    /// Σ d |g x|.
    pub sizes: Vec<f64>,
}

impl Reached {
    /// The totals of the columns; lanes of cells are added in order.
    pub fn of(cells: &Cells, g: &[f64], columns: usize) -> Reached {
        let lane = LANE_CELLS.max(16 * columns).max(cells.len().div_ceil(64));
        let parts: Vec<Reached> = (0..cells.len().div_ceil(lane))
            .into_par_iter()
            .map(|l| {
                let mut part = Reached { totals: vec![0.0; columns], sizes: vec![0.0; columns] };
                for cell in l * lane..((l + 1) * lane).min(cells.len()) {
                    let w = cells.weight[cell] * g[cell];
                    for (column, x) in cells.x(cell) {
                        part.totals[column] += w * x;
                        part.sizes[column] += (w * x).abs();
                    }
                }
                part
            })
            .collect();
        let mut all = Reached { totals: vec![0.0; columns], sizes: vec![0.0; columns] };
        for part in parts {
            all.totals.iter_mut().zip(&part.totals).for_each(|(a, p)| *a += p);
            all.sizes.iter_mut().zip(&part.sizes).for_each(|(a, p)| *a += p);
        }
        all
    }

    /// Relative misfit of every total: |Σ d g x − t| ÷ scale, where the scale is |t| or, for a total
    /// near zero, a thousandth of Σ d |g x|.
    pub fn misfits(&self, targets: &[f64]) -> Vec<f64> {
        let one = |(t, (r, s)): (&f64, (&f64, &f64))| relative((r - t).abs(), *t, *s);
        targets.iter().zip(self.totals.iter().zip(&self.sizes)).map(one).collect()
    }
}

fn relative(gap: f64, target: f64, size: f64) -> f64 {
    let scale = target.abs().max(1e-3 * size);
    if scale > 0.0 { gap.abs() / scale } else { gap.abs() }
}

/// The largest of some misfits; one that is not a number counts as infinite.
pub(super) fn largest(misfits: &[f64]) -> f64 {
    misfits.iter().fold(0.0, |a: f64, &b| if b.is_nan() { f64::INFINITY } else { a.max(b) })
}

/// Where the iteration stands.
#[derive(Debug, Clone)]
struct Point {
    lambda: Vec<f64>,
    g: Vec<f64>,
    slope: Vec<f64>,
    /// t − Σ d g x − R λ; zero for columns that do not take part.
    gap: Vec<f64>,
    misfit: f64,
}

impl Equations<'_> {
    fn at(&self, lambda: Vec<f64>) -> Point {
        let cells = self.cells;
        let count = cells.len();
        let (mut g, mut slope) = (vec![0.0; count], vec![0.0; count]);
        g.par_chunks_mut(LANE_CELLS).zip(slope.par_chunks_mut(LANE_CELLS)).enumerate().for_each(
            |(lane, (g, slope))| {
                for (i, (g, slope)) in g.iter_mut().zip(slope).enumerate() {
                    (*g, *slope) = factor(cells, lane * LANE_CELLS + i, &lambda, self.distance);
                }
            },
        );
        let reached = Reached::of(cells, &g, self.targets.len());
        let mut gap = vec![0.0; self.targets.len()];
        let mut misfit = 0.0_f64;
        for (column, gap) in gap.iter_mut().enumerate() {
            if self.taking_part.is_some_and(|p| !p[column]) {
                continue;
            }
            let soft = self.ridge.map_or(0.0, |r| r[column] * lambda[column]);
            *gap = self.targets[column] - reached.totals[column] - soft;
            let off = relative(*gap, self.targets[column], reached.sizes[column]);
            misfit = if off.is_nan() { f64::INFINITY } else { misfit.max(off) };
        }
        Point { lambda, g, slope, gap, misfit }
    }

    /// The step from a point: J p = gap. `floor` is the least slope that a cell at a bound counts with.
    fn step(&self, point: &Point, floor: f64) -> Option<Vec<f64>> {
        let columns = self.targets.len();
        let mut jacobian = if floor > 0.0 {
            let slopes: Vec<f64> = point.slope.iter().map(|s| s.max(floor)).collect();
            self.cells.gram(columns, Some(&slopes))
        } else {
            self.cells.gram(columns, Some(&point.slope))
        };
        if let Some(ridge) = self.ridge {
            (0..columns).for_each(|c| jacobian[(c, c)] += ridge[c]);
        }
        if let Some(part) = self.taking_part {
            leave_out(&mut jacobian, part);
        }
        if self.cells.has_instruments() {
            return general_solution(jacobian, &point.gap);
        }
        SymmetricSolver::new(&jacobian).ok().map(|solver| solver.solve(&point.gap))
    }
}

/// Makes rows and columns zero that do not take part.
pub(super) fn leave_out(matrix: &mut DMatrix<f64>, taking_part: &[bool]) {
    for (column, _) in taking_part.iter().enumerate().filter(|(_, part)| !**part) {
        matrix.row_mut(column).fill(0.0);
        matrix.column_mut(column).fill(0.0);
    }
}

/// A solution of J p = gap for any square J, the one of least length where there are several.
fn general_solution(jacobian: DMatrix<f64>, gap: &[f64]) -> Option<Vec<f64>> {
    let right = nalgebra::DVector::from_column_slice(gap);
    let svd = jacobian.try_svd(true, true, f64::EPSILON, 10_000)?;
    let largest = svd.singular_values.iter().fold(0.0_f64, |a, b| a.max(*b));
    svd.solve(&right, 1e-12 * largest).ok().map(|p| p.as_slice().to_vec())
}

/// Solves the equations from a starting point (zero if not given), halving a step that goes too far.
///
/// The equations are the gradient of a convex function of λ; along a step its slope is −gap'p. A step
/// is taken when it lowers the largest misfit, or leaves at most nine tenths of the slope in either
/// direction. Where cells at their bounds give a direction no slope, they are counted with a small one.
///
/// Columns that depend on others in the sample get no multiplier of their own; their totals are
/// met if they agree with the others.
pub(super) fn newton(
    equations: &Equations<'_>,
    start: Option<&[f64]>,
    tolerance: f64,
    most: usize,
) -> Newton {
    let zero = vec![0.0; equations.targets.len()];
    let mut point = equations.at(start.map_or(zero, <[f64]>::to_vec));
    let size: f64 = equations.cells.weight.iter().map(|w| w.abs()).sum();
    let mut best = point.clone();
    let (mut iterations, mut idle) = (0, 0);
    while point.misfit > tolerance && iterations < most && idle < 30 {
        iterations += 1;
        let Some(next) = advance(equations, &point, 0.0, size)
            .or_else(|| advance(equations, &point, 0.01, size))
        else {
            break;
        };
        point = next;
        if point.misfit < 0.9 * best.misfit {
            idle = 0;
        } else {
            idle += 1;
        }
        if point.misfit < best.misfit {
            best = point.clone();
        }
    }
    let Point { g, lambda, misfit, .. } = best;
    Newton { g, lambda, iterations, misfit }
}

fn advance(equations: &Equations<'_>, point: &Point, floor: f64, size: f64) -> Option<Point> {
    let step = equations.step(point, floor)?;
    let along = |gap: &[f64]| -> f64 { gap.iter().zip(&step).map(|(g, p)| g * p).sum() };
    let slope = along(&point.gap);
    // With instruments there is no such function.
    let has_slope = !equations.cells.has_instruments();
    if has_slope && (slope.is_nan() || slope <= 1e-28 * size) {
        return None;
    }
    let mut share = 1.0;
    for _ in 0..40 {
        let lambda = point.lambda.iter().zip(&step).map(|(l, p)| l + share * p).collect();
        let tried = equations.at(lambda);
        let left = along(&tried.gap);
        let falls = has_slope && left.abs() <= 0.9 * slope;
        if tried.misfit.is_finite() && (tried.misfit < point.misfit || falls) {
            return Some(tried);
        }
        share *= 0.5;
    }
    None
}

/// The factor of a cell and its derivative.
#[inline]
fn factor(cells: &Cells, cell: usize, lambda: &[f64], distance: Distance) -> (f64, f64) {
    let u: f64 = cells.z(cell).map(|(column, z)| z * lambda[column]).sum();
    let u = cells.scale.as_ref().map_or(u, |s| u / s[cell]);
    match &cells.bounds {
        None => distance.factor(u),
        Some(bounds) => distance.within(bounds[cell]).factor(u),
    }
}
