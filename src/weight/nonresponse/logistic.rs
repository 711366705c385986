//! Logistic regression of response on what is known of everybody.

use nalgebra::DMatrix;

use super::super::calibrate::Cells;
use super::super::error::WeightError;
use crate::aggregate::XColumns;
use crate::numeric::SymmetricSolver;

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
    /// How many columns of the model depend on others.
    pub dependent: usize,
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
    let columns = x.width();
    let mut beta = vec![0.0; columns];
    let mut p = probabilities(&cells, &beta);
    let mut likelihood = log_likelihood(&cells, &seen, &p);
    let total: f64 = cells.weight.iter().sum();
    for step in 1..=STEPS {
        let (information, score) = equations(&cells, &seen, &p, columns);
        let solver = SymmetricSolver::new(&information)?;
        let direction = solver.solve(&score);
        let gain: f64 = direction.iter().zip(&score).map(|(d, s)| d * s).sum();
        // Newton's decrement is the likelihood still to be gained, twice.
        if gain.abs() <= 1e-14 * total {
            let dependent = columns - solver.rank();
            let of_row = |row: usize| {
                if v[row] == 0.0 { f64::NAN } else { p[cells.of_row.get(row) as usize] }
            };
            let probabilities = (0..v.len()).map(of_row).collect();
            return Ok(Logistic { information: solver, probabilities, steps: step, dependent });
        }
        let mut share = 1.0;
        loop {
            let tried: Vec<f64> = beta.iter().zip(&direction).map(|(b, d)| b + share * d).collect();
            let at = probabilities(&cells, &tried);
            let reached = log_likelihood(&cells, &seen, &at);
            if reached >= likelihood - 1e-12 * total || share < 1e-8 {
                (beta, p, likelihood) = (tried, at, reached);
                break;
            }
            share *= 0.5;
        }
        if p.iter().all(|p| *p < 1e-8 || *p > 1.0 - 1e-8) {
            break;
        }
    }
    let fixed = (0..cells.len()).filter(|&c| p[c] < 1e-6 || p[c] > 1.0 - 1e-6);
    let rows: u64 = fixed.map(|c| u64::from(cells.rows[c])).sum();
    Err(WeightError::ResponseModel(format!(
        "in {rows} rows the variables of the model leave no doubt who responded; join their rare \
         levels or leave a variable out"
    )))
}

fn probabilities(cells: &Cells, beta: &[f64]) -> Vec<f64> {
    let of = |cell| {
        let eta: f64 = cells.x(cell).map(|(column, x)| x * beta[column]).sum();
        1.0 / (1.0 + (-eta).exp())
    };
    (0..cells.len()).map(of).collect()
}

fn log_likelihood(cells: &Cells, seen: &[f64], p: &[f64]) -> f64 {
    let term = |share: f64, p: f64| if share > 0.0 { share * p.ln() } else { 0.0 };
    (0..cells.len())
        .map(|c| term(seen[c], p[c]) + term(cells.weight[c] - seen[c], 1.0 - p[c]))
        .sum()
}

fn equations(cells: &Cells, seen: &[f64], p: &[f64], columns: usize) -> (DMatrix<f64>, Vec<f64>) {
    let mut information = DMatrix::zeros(columns, columns);
    let mut score = vec![0.0; columns];
    for cell in 0..cells.len() {
        let (gap, spread) = (
            seen[cell] - cells.weight[cell] * p[cell],
            cells.weight[cell] * p[cell] * (1.0 - p[cell]),
        );
        for (column, x) in cells.x(cell) {
            score[column] += gap * x;
            for (row, other) in cells.x(cell) {
                information[(row, column)] += spread * x * other;
            }
        }
    }
    (information, score)
}
