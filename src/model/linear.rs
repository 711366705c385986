//! Linear regression by weighted least squares, with design-based variances.

use nalgebra::DMatrix;
use rayon::prelude::*;

use crate::aggregate::{DomainCodes, XColumns};
use crate::data::{Codes, Numbers};
use crate::estimate::{Analysis, Quantity};
use crate::numeric::{SolverError, SymmetricSolver};

/// A fitted regression.
#[derive(Debug, Clone)]
pub struct LinearFit {
    /// One coefficient per column of the model; zero for a column that depends on others.
    pub coefficients: Vec<f64>,
    /// Their covariances.
    pub covariance: DMatrix<f64>,
    /// Columns left out because they depend on others.
    pub dependent: Vec<usize>,
    /// Degrees of freedom: those of the design + 1 − the number of coefficients.
    pub df: f64,
    /// Σ w̃ e², with weights scaled to mean 1 over the rows used.
    pub deviance: f64,
    /// The same for the mean alone.
    pub null_deviance: f64,
    /// Population variance of the residuals (n/(n − 1) Σ w (e − ē)²/Σ w).
    pub dispersion: f64,
}

/// Fits y = x'β by weighted least squares over the rows with `inside` and all values.
///
/// The covariance is that of the design totals of A⁻¹ x w e with A = Σ w x x' (Binder 1983,
/// §4.1; Fuller 1975), or that of the replicates' coefficients.
///
/// # Errors
/// When the cross-products can't be factorised (infinite values, or negative weights that make
/// them indefinite).
pub fn linear_regression(
    analysis: &Analysis,
    x: &XColumns,
    y: &Numbers,
    inside: &[bool],
    design_df: f64,
) -> Result<LinearFit, SolverError> {
    let w = analysis.ledger.weights();
    let has_all = |row: usize| inside[row] && !y.get(row).is_nan() && complete(x, row);
    let used: Vec<usize> = (0..y.len()).filter(|&r| w[r] != 0.0 && has_all(r)).collect();
    let q = x.width();
    let (solver, coefficients) = fit(x, y, w, &used)?;
    let residual =
        |row: usize| y.get(row) - x.row(row).map(|(c, v)| coefficients[c] * v).sum::<f64>();
    let mut codes = vec![Codes::NONE; y.len()];
    used.iter().for_each(|&r| codes[r] = 0);
    let domains = DomainCodes { codes: Codes::pack(&codes, 1), count: 1 };
    let covariance = match &analysis.replicates {
        Some(replicates) => {
            let thetas: Vec<Vec<f64>> = (0..replicates.weights.count())
                .into_par_iter()
                .map(|r| {
                    let w = replicates.weight(&analysis.design.tree, w, r);
                    let (own, beta) = fit(x, y, &w, &used)?;
                    // A replicate in which other columns depend on each other fits other
                    // coefficients: they can't be compared.
                    let is_same = own.kept() == solver.kept();
                    Ok(if is_same { beta } else { vec![f64::NAN; q] })
                })
                .collect::<Result<_, _>>()?;
            replicates.variance(&coefficients, &thetas).0
        }
        None => {
            let mut scores = vec![vec![0.0; y.len()]; q];
            for &row in &used {
                let mut right = vec![0.0; q];
                let e = residual(row);
                x.row(row).for_each(|(c, v)| right[c] += v * e);
                for (score, s) in scores.iter_mut().zip(solver.solve(&right)) {
                    score[row] = s;
                }
            }
            let scores: Vec<Numbers> = scores.into_iter().map(Numbers::F64).collect();
            let totals: Vec<Quantity<'_>> = scores.iter().map(Quantity::Total).collect();
            analysis
                .estimate(&totals, &domains, true)
                .covariance
                .unwrap_or_else(|| DMatrix::zeros(q, q))
        }
    };
    let n = used.len() as f64;
    let total: f64 = used.iter().map(|&r| w[r]).sum();
    let weighted =
        |f: &dyn Fn(usize) -> f64| used.iter().map(|&r| w[r] * f(r)).sum::<f64>() / total;
    let mean = weighted(&|r| y.get(r));
    let squares = weighted(&|r| residual(r) * residual(r));
    let residual_mean = weighted(&residual);
    Ok(LinearFit {
        covariance,
        dependent: solver.dependent().iter().map(|d| d.column).collect(),
        df: design_df + 1.0 - solver.rank() as f64,
        deviance: n * squares,
        null_deviance: n * weighted(&|r| (y.get(r) - mean) * (y.get(r) - mean)),
        dispersion: n / (n - 1.0) * (squares - residual_mean * residual_mean),
        coefficients,
    })
}

fn complete(x: &XColumns, row: usize) -> bool {
    x.terms.iter().all(|t| t.values.as_ref().is_none_or(|v| !v.get(row).is_nan()))
}

fn fit(
    x: &XColumns,
    y: &Numbers,
    w: &[f64],
    rows: &[usize],
) -> Result<(SymmetricSolver, Vec<f64>), SolverError> {
    let q = x.width();
    let mut gram = DMatrix::zeros(q, q);
    let mut right = vec![0.0; q];
    for &row in rows {
        for (a, xa) in x.row(row) {
            right[a] += w[row] * xa * y.get(row);
            for (b, xb) in x.row(row) {
                gram[(a, b)] += w[row] * xa * xb;
            }
        }
    }
    let solver = SymmetricSolver::new(&gram)?;
    let beta = solver.solve(&right);
    Ok((solver, beta))
}
