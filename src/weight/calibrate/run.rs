//! One calibration: from totals to factors, and how it ended.

use std::sync::Arc;

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::cells::{ByRow, Cells};
use super::distance::{Bounds, Distance};
use super::feasible::{diagnose, least_miss, missed_totals, out_of_reach};
use super::newton::{Equations, Reached, largest, newton};
use super::rake::rake;
use super::soft::{Firmness, solve_soft};
use super::status::CalibrationStatus;
use super::trim::trim;
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
    /// The part of each column, where parts are solved on their own; empty if all is one. The rows
    /// of a part have nonzeros in its columns only.
    pub part: Vec<u32>,
}

/// Bounds that differ from row to row.
#[derive(Debug, Clone)]
pub struct RowBounds {
    /// The smallest of each row.
    pub lower: Arc<Vec<f64>>,
    /// The largest of each row.
    pub upper: Arc<Vec<f64>>,
    /// True when they are bounds of the weight after the step, false when of the factor.
    pub of_weight: bool,
}

/// Choices of a calibration.
#[derive(Debug, Clone)]
pub struct CalibrationOptions {
    /// The distance.
    pub distance: Distance,
    /// Smallest and largest weight after the step, where weights and not factors are bounded.
    pub weight_bounds: Option<Bounds>,
    /// Bounds of each row, in place of others.
    pub row_bounds: Option<RowBounds>,
    /// Scale s of each row in g = F(x'λ/s): larger where a weight may move less.
    pub scale: Option<Arc<Vec<f64>>>,
    /// Instruments z in g = F(z'λ/s), in place of x: as many columns as there are totals
    /// (generalised calibration; Deville 2000, Kott 2006).
    pub instruments: Option<XColumns>,
    /// How firmly each total is to be met; all exactly if not given.
    pub firmness: Option<Vec<Firmness>>,
    /// True to meet the nearest totals that can be met where those given cannot.
    pub relax: bool,
    /// Factors cut off at these bounds after the calibration, once; what that changes in the sum of
    /// the weights is given to the other rows as one number added to their factors (R `trim=`).
    /// Totals are then no longer met exactly.
    pub trim: Option<Bounds>,
    /// Largest relative misfit |Σ w x − t| ÷ max(|t|, 1e-3 Σ|w x|) of a total at which iteration
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
            row_bounds: None,
            scale: None,
            instruments: None,
            firmness: None,
            relax: false,
            trim: None,
            tolerance: 1e-10,
            iterations: 500,
        }
    }
}

/// Factors by cell.
#[derive(Debug, Clone)]
pub(in crate::weight) struct Solution {
    pub cells: Cells,
    pub g: Vec<f64>,
    pub status: CalibrationStatus,
    /// The diagonal of R in M = Σ q x x' + R, where some totals are soft.
    pub ridge: Option<Vec<f64>>,
    /// The columns that hold the weights fast; all if not given.
    pub taking_part: Option<Vec<bool>>,
    /// Rows whose factor was cut off after the calibration.
    pub trimmed: u64,
}

impl Solution {
    /// The weights after the step.
    pub fn apply(&self, before: &[f64]) -> Vec<f64> {
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

    /// M = Σ d/s x x' + R (with instruments Σ d/s x z'), without the columns that hold nothing.
    pub fn matrix(&self, columns: usize) -> DMatrix<f64> {
        let mut matrix = self.cells.gram(columns, None);
        if let Some(ridge) = &self.ridge {
            ridge.iter().enumerate().for_each(|(c, r)| matrix[(c, c)] += r);
        }
        if let Some(part) = &self.taking_part {
            super::newton::leave_out(&mut matrix, part);
        }
        matrix
    }
}

/// What is solved: some cells, with their totals.
struct Problem<'a> {
    cells: &'a Cells,
    targets: &'a [f64],
    names: &'a [String],
    firmness: Option<&'a [Firmness]>,
    /// For each term its first column and its number of columns.
    margins: &'a [(usize, usize)],
    /// Whether all terms are levels without numbers.
    categorical: bool,
    options: &'a CalibrationOptions,
    /// Whether what went wrong is to be looked into.
    explain: bool,
}

/// Factors of some cells.
struct Solved {
    g: Vec<f64>,
    status: CalibrationStatus,
    ridge: Option<Vec<f64>>,
    taking_part: Option<Vec<bool>>,
}

/// Solves for the factors. With `explain`, a failure is looked into.
///
/// All-categorical raking without bounds or scale goes by iterative proportional fitting, which
/// needs no matrix; if it is slow, and in every other case, by Newton's method.
pub(in crate::weight) fn solve(
    before: &[f64],
    totals: &Totals,
    options: &CalibrationOptions,
    explain: bool,
) -> Solution {
    let cells = cells(before, totals, options);
    let categorical = totals.x.terms.iter().all(|t| t.codes.is_some() && t.values.is_none());
    let mut margins = Vec::new();
    let mut first = 0;
    for term in &totals.x.terms {
        margins.push((first, term.width));
        first += term.width;
    }
    let problem = Problem {
        cells: &cells,
        targets: &totals.targets,
        names: &totals.names,
        firmness: options.firmness.as_deref(),
        margins: &margins,
        categorical,
        options,
        explain,
    };
    let solved =
        if totals.part.is_empty() { solve_cells(&problem) } else { in_parts(&problem, totals) };
    let Solved { mut g, status, ridge, taking_part } = solved;
    let trimmed = options.trim.map_or(0, |bounds| trim(&cells, &mut g, bounds));
    Solution { cells, g, status, ridge, taking_part, trimmed }
}

fn cells(before: &[f64], totals: &Totals, options: &CalibrationOptions) -> Cells {
    let of_weight = options.weight_bounds;
    let for_all = move |b: Bounds, d: f64| ordered(b.lower / d, b.upper / d);
    let by_row = options.row_bounds.as_ref();
    let bounds = |row: usize| match (by_row, of_weight) {
        (Some(b), _) => {
            let own = Bounds { lower: b.lower[row], upper: b.upper[row] };
            if b.of_weight { for_all(own, before[row]) } else { own }
        }
        (None, Some(b)) => for_all(b, before[row]),
        (None, None) => Bounds { lower: f64::NEG_INFINITY, upper: f64::INFINITY },
    };
    let is_bounded = by_row.is_some() || of_weight.is_some();
    let own = ByRow {
        scale: options.scale.as_deref().map(Vec::as_slice),
        instruments: options.instruments.as_ref(),
        bounds: is_bounded.then_some(&bounds),
    };
    Cells::with(&totals.x, before, own)
}

/// Bounds of a factor from those of a weight; a negative weight turns them round.
fn ordered(a: f64, b: f64) -> Bounds {
    Bounds { lower: a.min(b), upper: a.max(b) }
}

/// Each part on its own, in parallel.
fn in_parts(problem: &Problem<'_>, totals: &Totals) -> Solved {
    let columns = totals.targets.len();
    let parts = totals.part.iter().map(|&p| p as usize + 1).max().unwrap_or(1);
    // The columns of each part, the number of a column in its part, and the terms of each part.
    let mut local = vec![0_u32; columns];
    let mut of_part: Vec<Vec<usize>> = vec![Vec::new(); parts];
    let mut margins_of: Vec<Vec<(usize, usize)>> = vec![Vec::new(); parts];
    for &(first, width) in problem.margins {
        let before: Vec<usize> = of_part.iter().map(Vec::len).collect();
        for column in first..first + width {
            let own = &mut of_part[totals.part[column] as usize];
            local[column] = own.len() as u32;
            own.push(column);
        }
        for (part, first) in before.into_iter().enumerate() {
            let width = of_part[part].len() - first;
            if width > 0 {
                margins_of[part].push((first, width));
            }
        }
    }
    let mut cells_of: Vec<Vec<u32>> = vec![Vec::new(); parts];
    for cell in 0..problem.cells.len() {
        if let Some((column, _)) = problem.cells.x(cell).next() {
            cells_of[totals.part[column] as usize].push(cell as u32);
        }
    }
    let solved: Vec<Solved> = (0..parts)
        .into_par_iter()
        .map(|part| {
            let own = problem.cells.part(&cells_of[part], &local);
            let columns = &of_part[part];
            let targets: Vec<f64> = columns.iter().map(|&c| totals.targets[c]).collect();
            let names: Vec<String> = columns.iter().map(|&c| totals.names[c].clone()).collect();
            let firmness: Option<Vec<Firmness>> =
                problem.firmness.map(|f| columns.iter().map(|&c| f[c]).collect());
            solve_cells(&Problem {
                cells: &own,
                targets: &targets,
                names: &names,
                firmness: firmness.as_deref(),
                margins: &margins_of[part],
                ..*problem
            })
        })
        .collect();
    let mut whole = Solved {
        g: vec![1.0; problem.cells.len()],
        status: CalibrationStatus::Converged { iterations: 0, misfit: 0.0 },
        ridge: None,
        taking_part: None,
    };
    let mut statuses = Vec::with_capacity(parts);
    for (part, own) in solved.into_iter().enumerate() {
        for (&cell, g) in cells_of[part].iter().zip(own.g) {
            whole.g[cell as usize] = g;
        }
        if let Some(ridge) = own.ridge {
            let all = whole.ridge.get_or_insert_with(|| vec![0.0; columns]);
            of_part[part].iter().zip(ridge).for_each(|(&c, r)| all[c] = r);
        }
        if let Some(taking_part) = own.taking_part {
            let all = whole.taking_part.get_or_insert_with(|| vec![true; columns]);
            of_part[part].iter().zip(taking_part).for_each(|(&c, t)| all[c] = t);
        }
        statuses.push(own.status);
    }
    whole.status = CalibrationStatus::together(statuses);
    whole
}

fn solve_cells(problem: &Problem<'_>) -> Solved {
    let Problem { cells, targets, names, options, .. } = *problem;
    let most = options.iterations.min(200);
    let firmness = problem.firmness.filter(|f| f.iter().any(|f| *f != Firmness::Exact));
    // What no weights can do needs no iteration to be seen.
    let is_hopeless = firmness.is_none()
        && !cells.has_instruments()
        && (is_empty_somewhere(cells, targets)
            || (cells.bounds.is_some() || options.distance.bounds().is_some())
                && !out_of_reach(cells, targets, names, options.distance).is_empty());
    let equations =
        Equations { cells, targets, distance: options.distance, ridge: None, taking_part: None };
    let mut ridge = None;
    let mut taking_part = None;
    let (g, iterations, worst) = if is_hopeless {
        (vec![1.0; cells.len()], 0, f64::INFINITY)
    } else if let Some(firmness) = firmness {
        let found = solve_soft(&equations, firmness, options.tolerance, most);
        (ridge, taking_part) = (found.ridge, found.taking_part);
        (found.newton.g, found.newton.iterations, found.newton.misfit)
    } else if fits(problem) {
        let raked = rake(cells, problem.margins, targets, options.tolerance, options.iterations);
        let misfit = largest(&Reached::of(cells, &raked.g, targets.len()).misfits(targets));
        (raked.g, raked.sweeps, misfit)
    } else {
        let found = newton(&equations, None, options.tolerance, most);
        (found.g, found.iterations, found.misfit)
    };
    // Rounding in the sums themselves is not a miss.
    if worst <= options.tolerance.max(1e-13) * 10.0 {
        let status = CalibrationStatus::Converged { iterations, misfit: worst };
        return Solved { g, status, ridge, taking_part };
    }
    if options.relax && firmness.is_none() && !cells.has_instruments() {
        let (found, ridge) = least_miss(cells, targets, options.distance, most);
        let relaxed = missed_totals(cells, &found.g, targets, names);
        let status = CalibrationStatus::Relaxed { iterations: found.iterations, relaxed };
        return Solved { g: found.g, status, ridge: Some(ridge), taking_part: None };
    }
    let diagnosis = if problem.explain && firmness.is_none() && !cells.has_instruments() {
        diagnose(cells, targets, names, options.distance)
    } else {
        Default::default()
    };
    let mut g = g;
    let status = if diagnosis.obstacles.is_empty() {
        let mut missed: Vec<(String, f64)> = names
            .iter()
            .cloned()
            .zip(Reached::of(cells, &g, targets.len()).misfits(targets))
            .filter(|(_, m)| m.is_nan() || *m > options.tolerance * 10.0)
            .collect();
        missed.sort_by(|a, b| b.1.total_cmp(&a.1));
        CalibrationStatus::NotReached { iterations, missed }
    } else {
        // Whoever keeps these weights all the same has those that miss least.
        g = least_miss(cells, targets, options.distance, most).0.g;
        CalibrationStatus::Infeasible {
            iterations,
            obstacles: diagnosis.obstacles,
            nearest: diagnosis.nearest,
            bounds: diagnosis.bounds,
        }
    };
    Solved { g, status, ridge, taking_part }
}

/// Whether a total other than zero has no cell.
fn is_empty_somewhere(cells: &Cells, targets: &[f64]) -> bool {
    let mut is_held = vec![false; targets.len()];
    for cell in 0..cells.len() {
        cells.x(cell).for_each(|(column, _)| is_held[column] = true);
    }
    targets.iter().zip(is_held).any(|(t, held)| *t != 0.0 && !held)
}

/// Whether iterative proportional fitting solves it.
fn fits(problem: &Problem<'_>) -> bool {
    let cells = problem.cells;
    problem.options.distance == Distance::Raking(None)
        && cells.scale.is_none()
        && cells.bounds.is_none()
        && !cells.has_instruments()
        && problem.categorical
        && (0..cells.len()).all(|c| cells.x(c).count() == problem.margins.len())
}

/// Calibrates weights to totals: the weights after, and how it ended.
///
/// Minimises Σ d G(w/d) subject to Σ w x = t (Deville and Särndal 1992, eq. 2.1), with rows that
/// share all columns solved for once. Rows with weight zero keep it. The outcome must be looked
/// at: weights that miss their totals are returned as they are, with
/// [`CalibrationStatus::NotReached`] or [`CalibrationStatus::Infeasible`].
///
/// # Shapes
/// `before` has one weight per row; `totals` one entry per column, in units of the population.
pub fn calibrate_weights(
    before: &[f64],
    totals: &Totals,
    options: &CalibrationOptions,
) -> (Vec<f64>, CalibrationStatus) {
    let solution = solve(before, totals, options, true);
    (solution.apply(before), solution.status)
}
