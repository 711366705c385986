//! What all regressions share: the covariance of coefficients, and how a fit can end.

use nalgebra::DMatrix;
use rayon::prelude::*;

use crate::aggregate::{DomainCodes, XColumns};
use crate::data::{Codes, Numbers};
use crate::estimate::{Analysis, Quantity};
use crate::numeric::SolverError;

/// The most steps of a fit; one that has a solution needs about six.
pub(super) const STEPS: usize = 100;

/// How a fit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FitStatus {
    /// The estimating equations are met.
    Converged {
        /// Steps taken.
        steps: usize,
    },
    /// The likelihood still rises after the most steps that are made: as a rule because some
    /// combination of the variables tells the outcomes apart without error, so that a coefficient
    /// goes to infinity.
    StillRising,
    /// No step leads to means that the family knows (with the links `Identity` and `Log`).
    OutOfRange,
}

impl FitStatus {
    /// Whether the coefficients are a solution.
    pub fn is_converged(self) -> bool {
        matches!(self, FitStatus::Converged { .. })
    }
}

/// Why a model cannot be fitted at all.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// No row has a weight and all values.
    #[error("no row has a weight, an outcome and all variables of the model")]
    NoRows,
    /// An outcome that the family does not know.
    #[error("the outcome is {value} in row {row}; it has to be {range}")]
    Outcome {
        /// The row, from 1.
        row: usize,
        /// The value.
        value: f64,
        /// What is accepted.
        range: &'static str,
    },
    /// Nobody has the event.
    #[error("no row with a weight has the event")]
    NoEvents,
    /// Cross-products that can't be factorised.
    #[error(transparent)]
    Solver(#[from] SolverError),
}

/// Whether a step is too small to matter: for every coefficient, or for the likelihood, of which `gain`
/// is what one unit of weight would still gain. A coefficient on its way to infinity gains next to nothing
/// at last, but its steps stay large.
pub(super) fn stands_still(beta: &[f64], direction: &[f64], gain: f64) -> bool {
    let within =
        |share: f64| beta.iter().zip(direction).all(|(b, d)| d.abs() <= share * b.abs().max(1e-3));
    within(1e-11) || (gain.abs() <= 1e-26 && within(1e-6))
}

/// True when no column of the model is missing in a row.
pub(super) fn complete(x: &XColumns, row: usize) -> bool {
    x.terms.iter().all(|t| t.values.as_ref().is_none_or(|v| !v.get(row).is_nan()))
}

/// The covariance of coefficients that solve Σ w U(β) = 0 over the rows `used`.
///
/// Linearised, it is that of the design totals of A⁻¹ U, which `influence` writes for a row (Binder
/// 1983, §4.1); with replicates that of the coefficients that `refit` finds with the weights of each
/// (`None` where it finds none, or others than these).
pub(super) fn covariance(
    analysis: &Analysis,
    used: &[usize],
    coefficients: &[f64],
    mut influence: impl FnMut(usize, &mut [f64]),
    refit: impl Fn(&[f64]) -> Option<Vec<f64>> + Sync,
) -> DMatrix<f64> {
    let (rows, q) = (analysis.design.rows(), coefficients.len());
    let w = analysis.ledger.weights();
    if let Some(replicates) = &analysis.replicates {
        let thetas: Vec<Vec<f64>> = (0..replicates.weights.count())
            .into_par_iter()
            .map(|r| refit(&replicates.weight(&analysis.design.tree, w, r)))
            .map(|found| found.unwrap_or_else(|| vec![f64::NAN; q]))
            .collect();
        return replicates.variance(coefficients, &thetas).0;
    }
    let mut codes = vec![Codes::NONE; rows];
    let mut scores = vec![vec![0.0; rows]; q];
    let mut own = vec![0.0; q];
    for &row in used {
        codes[row] = 0;
        influence(row, &mut own);
        scores.iter_mut().zip(&own).for_each(|(score, s)| score[row] = *s);
    }
    let domains = DomainCodes { codes: Codes::pack(&codes, 1), count: 1 };
    let scores: Vec<Numbers> = scores.into_iter().map(Numbers::F64).collect();
    let totals: Vec<Quantity<'_>> = scores.iter().map(Quantity::Total).collect();
    let made = analysis.estimate(&totals, &domains, true).covariance;
    made.unwrap_or_else(|| DMatrix::zeros(q, q))
}
