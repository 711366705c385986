//! Logistic regression of response on what is known of everybody.

use nalgebra::DMatrix;

use super::super::calibrate::Cells;
use super::super::error::WeightError;
use crate::aggregate::XColumns;
use crate::numeric::{SolverError, SymmetricSolver};

/// Largest number of Newton steps; a model that has a solution needs about six.
const STEPS: usize = 50;

/// A fitted model.
#[derive(Debug, Clone)]
pub(super) struct Logistic {
    /// Σ v p(1 − p) x x', factorised.
    pub information: SymmetricSolver,
    /// The probability of every row; NaN where v is zero.
    pub probabilities: Vec<f64>,
    /// Newton steps taken.
    pub steps: usize,
}

/// Solves Σ v (r − p(x'β)) x = 0 by Newton's method, halving a step that lowers the likelihood.
///
/// Rows that share all columns are taken together. Columns that depend on others have no
/// coefficient of their own; the probabilities do not depend on which are left out.
pub(super) fn fit(x: &XColumns, v: &[f64], responded: &[bool]) -> Result<Logistic, WeightError> {
    let cells = Cells::new(x, v, None);
    let mut seen = vec![0.0; cells.len()];
    for (row, &r) in responded.iter().enumerate().filter(|(row, _)| v[*row] != 0.0) {
        if r {
            seen[cells.of_row.get(row) as usize] += v[row];
        }
    }
    let equations = Equations { cells: &cells, total: &cells.weight, seen: &seen };
    let found = equations.solve(x.width())?;
    check(&cells, &found.p)?;
    if !found.converged {
        return Err(WeightError::ResponseModel(format!(
            "after {STEPS} steps the likelihood still rises; join rare levels or leave a variable out"
        )));
    }
    let of_row = |row: usize| {
        if v[row] == 0.0 { f64::NAN } else { found.p[cells.of_row.get(row) as usize] }
    };
    let probabilities = (0..v.len()).map(of_row).collect();
    Ok(Logistic { information: found.information, probabilities, steps: found.steps })
}

/// The equations Σ (seen − total p(x'β)) x = 0 over cells of rows that share x.
///
/// With `seen` a part of `total` they are those of logistic regression. With `seen` the sums of one
/// sample and `total` those of another, which stands for the population, they are those of the pseudo
/// likelihood of participation (Chen, Li and Wu 2020, eq. 3).
pub(in crate::weight) struct Equations<'a> {
    pub cells: &'a Cells,
    pub total: &'a [f64],
    pub seen: &'a [f64],
}

/// Their solution.
pub(in crate::weight) struct Solved {
    /// Σ total p(1 − p) x x', factorised.
    pub information: SymmetricSolver,
    /// The probability of every cell.
    pub p: Vec<f64>,
    /// The coefficients.
    pub beta: Vec<f64>,
    pub steps: usize,
    /// False when the likelihood still rises.
    pub converged: bool,
}

impl Equations<'_> {
    /// Newton's method, halving a step that lowers the likelihood Σ seen log p + (total − seen)
    /// log(1 − p). Gives up when all probabilities have gone to 0 or 1.
    pub fn solve(&self, columns: usize) -> Result<Solved, SolverError> {
        let cells = self.cells;
        let mut beta = vec![0.0; columns];
        let mut p = probabilities(cells, &beta);
        let mut likelihood = self.log_likelihood(&beta);
        let total: f64 = self.total.iter().sum();
        let mut step = 0;
        loop {
            let (matrix, score) = self.equations(&p, columns);
            let information = SymmetricSolver::new(&matrix)?;
            let direction = information.solve(&score);
            let gain: f64 = direction.iter().zip(&score).map(|(d, s)| d * s).sum();
            step += 1;
            // Newton's decrement is the likelihood still to be gained, twice.
            let converged = gain.abs() <= 1e-14 * total;
            let lost = step > 1 && p.iter().all(|p| *p < 1e-8 || *p > 1.0 - 1e-8);
            if converged || lost || step == STEPS {
                return Ok(Solved { information, p, beta, steps: step, converged });
            }
            let mut share = 1.0;
            loop {
                let tried: Vec<f64> =
                    beta.iter().zip(&direction).map(|(b, d)| b + share * d).collect();
                let reached = self.log_likelihood(&tried);
                if reached >= likelihood - 1e-12 * total || share < 1e-8 {
                    p = probabilities(cells, &tried);
                    (beta, likelihood) = (tried, reached);
                    break;
                }
                share *= 0.5;
            }
        }
    }

    /// Σ seen η − total log(1 + e^η), which is the same and finite for every η.
    fn log_likelihood(&self, beta: &[f64]) -> f64 {
        (0..self.cells.len())
            .map(|c| {
                let eta = eta(self.cells, c, beta);
                // log(1 + e^η) without overflow.
                let softplus = eta.max(0.0) + (-eta.abs()).exp().ln_1p();
                self.seen[c] * eta - self.total[c] * softplus
            })
            .sum()
    }

    fn equations(&self, p: &[f64], columns: usize) -> (DMatrix<f64>, Vec<f64>) {
        let mut information = DMatrix::zeros(columns, columns);
        let mut score = vec![0.0; columns];
        for cell in 0..self.cells.len() {
            let gap = self.seen[cell] - self.total[cell] * p[cell];
            let spread = self.total[cell] * p[cell] * (1.0 - p[cell]);
            for (column, x) in self.cells.x(cell) {
                score[column] += gap * x;
                for (row, other) in self.cells.x(cell) {
                    information[(row, column)] += spread * x * other;
                }
            }
        }
        (information, score)
    }
}

fn eta(cells: &Cells, cell: usize, beta: &[f64]) -> f64 {
    cells.x(cell).map(|(column, x)| x * beta[column]).sum()
}

/// Nobody may be left for whom nobody could stand. (Where everybody responds, p = 1 does no harm.)
fn check(cells: &Cells, p: &[f64]) -> Result<(), WeightError> {
    let rows: u64 = (0..cells.len())
        .filter(|&c| p[c] < 1e-6 && cells.weight[c] > 0.0)
        .map(|c| u64::from(cells.rows[c]))
        .sum();
    if rows == 0 {
        return Ok(());
    }
    Err(WeightError::ResponseModel(format!(
        "nobody like {rows} of the rows responded, so that nobody can stand for them; join levels \
         of the variables of the model or leave one out"
    )))
}

fn probabilities(cells: &Cells, beta: &[f64]) -> Vec<f64> {
    (0..cells.len()).map(|cell| 1.0 / (1.0 + (-eta(cells, cell, beta)).exp())).collect()
}
