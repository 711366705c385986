//! Means of a sample that was not drawn, through a model of the outcome: mass imputation and doubly
//! robust estimation.

use nalgebra::DMatrix;

use super::calibrate::Cells;
use super::error::WeightError;
use super::groups::same;
use super::nonresponse::Equations;
use super::participation::{ParticipationFit, Reference};
use super::psus::Psus;
use crate::aggregate::XColumns;
use crate::data::Codes;
use crate::design::UnitTree;
use crate::numeric::SymmetricSolver;

/// The model of an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Family {
    /// m(x) = x'β.
    Linear,
    /// m(x) = 1/(1 + exp(−x'β)), for outcomes between 0 and 1.
    Logistic,
}

/// An outcome observed in a sample A that was not drawn, and predicted in a reference sample B.
///
/// β solves Σ_A b (y − m(x)) x = 0 (b the base weights, one as a rule). With g marking a domain:
///
/// * mass imputation (Kim, Park, Chen and Wu 2021, eq. 3): μ = Σ_B d g m/Σ_B d g;
/// * doubly robust (Chen, Li and Wu 2020, eq. 12): μ = Σ_A w g (y − m)/Σ_A w g + Σ_B d g m/Σ_B d g, right
///   when either the model of participation or that of the outcome is.
///
/// The variance is that of the linearised values, with β and the parameters λ of participation as
/// solutions of their equations: of a row of A, w g (y − m − δ)/N_A + b G_β'J⁻¹x (y − m) + c G_λ'M⁻¹x; of a row
/// of B, d g (m − μ_B)/N_B − s G_λ'M⁻¹x, with G_β, G_λ the derivatives of μ, J = Σ_A b m' x x', and c, s, M of
/// [`ParticipationFit`]. Those of A count as independent PSUs, those of B by its design. It holds when
/// either model is right, up to terms of the order of π.
///
/// Shapes: one entry per row of A or B. NaN in `y` where there is no answer; such rows take no part on
/// the side of A.
#[derive(Debug)]
pub struct Prediction<'a> {
    /// The outcome.
    pub y: &'a [f64],
    /// Base weights of A.
    pub base: &'a [f64],
    /// The design of A.
    pub tree: &'a UnitTree,
    /// The columns of the model of the outcome in A.
    pub x: &'a XColumns,
    /// The same in B.
    pub reference_x: &'a XColumns,
    /// The reference sample B.
    pub reference: &'a Reference,
    /// The domain of every row of A; [`Codes::NONE`] outside.
    pub domain: &'a Codes,
    /// The same of B.
    pub reference_domain: &'a Codes,
    /// How many domains there are.
    pub domains: usize,
    /// The model.
    pub family: Family,
}

/// β, predictions and their derivatives.
struct Fitted {
    solver: SymmetricSolver,
    m: Vec<f64>,
    reference_m: Vec<f64>,
    slope: Vec<f64>,
    reference_slope: Vec<f64>,
}

impl Prediction<'_> {
    /// The mean of every domain by mass imputation, with its variance; NaN where the reference has
    /// nobody.
    ///
    /// # Errors
    /// When lengths disagree, or the model of the outcome has no solution.
    pub fn mass_imputation(&self) -> Result<Vec<(f64, f64)>, WeightError> {
        self.means(None)
    }

    /// The doubly robust mean of every domain, with its variance; NaN where either sample has nobody.
    /// `x` and `reference_x` are the columns of the model of participation.
    ///
    /// # Errors
    /// As [`Prediction::mass_imputation`].
    pub fn doubly_robust(
        &self,
        fit: &ParticipationFit,
        x: &XColumns,
        reference_x: &XColumns,
    ) -> Result<Vec<(f64, f64)>, WeightError> {
        same("weights of the participation", fit.weights.len(), self.y.len())?;
        self.means(Some((fit, x, reference_x)))
    }

    fn used(&self, row: usize) -> bool {
        self.base[row] != 0.0 && !self.y[row].is_nan()
    }

    fn fit(&self) -> Result<Fitted, WeightError> {
        let rows = self.y.len();
        same("base weights", self.base.len(), rows)?;
        same("rows of the domains", self.domain.len(), rows)?;
        let others = self.reference.weights.len();
        same("rows of the domains of the reference", self.reference_domain.len(), others)?;
        same("columns of the reference", self.reference_x.width(), self.x.width())?;
        let b: Vec<f64> =
            (0..rows).map(|r| if self.used(r) { self.base[r] } else { 0.0 }).collect();
        if b.iter().all(|b| *b == 0.0) {
            return Err(WeightError::Participation("the outcome has no values".to_string()));
        }
        let columns = self.x.width();
        let (beta, solver) = match self.family {
            Family::Logistic => {
                if (0..rows).any(|r| b[r] != 0.0 && !(0.0..=1.0).contains(&self.y[r])) {
                    let message = "a logistic model needs an outcome between 0 and 1";
                    return Err(WeightError::Participation(message.to_string()));
                }
                let cells = Cells::new(self.x, &b, None);
                let mut seen = vec![0.0; cells.len()];
                for row in (0..rows).filter(|&r| b[r] != 0.0) {
                    seen[cells.of_row.get(row) as usize] += b[row] * self.y[row];
                }
                let equations = Equations { cells: &cells, total: &cells.weight, seen: &seen };
                let solved = equations.solve(columns)?;
                // Where all answers of a combination are the same the likelihood rises for ever; its
                // predictions are then 0 or 1, as they should be.
                (solved.beta, solved.information)
            }
            Family::Linear => {
                let mut gram = DMatrix::zeros(columns, columns);
                let mut right = vec![0.0; columns];
                for row in (0..rows).filter(|&r| b[r] != 0.0) {
                    for (i, xi) in self.x.row(row) {
                        right[i] += b[row] * xi * self.y[row];
                        for (j, xj) in self.x.row(row) {
                            gram[(i, j)] += b[row] * xi * xj;
                        }
                    }
                }
                let solver = SymmetricSolver::new(&gram)?;
                (solver.solve(&right), solver)
            }
        };
        let predict = |x: &XColumns, rows: usize| -> (Vec<f64>, Vec<f64>) {
            (0..rows)
                .map(|row| {
                    let eta: f64 = x.row(row).map(|(column, value)| value * beta[column]).sum();
                    match self.family {
                        Family::Linear => (eta, 1.0),
                        Family::Logistic => {
                            let m = 1.0 / (1.0 + (-eta).exp());
                            (m, m * (1.0 - m))
                        }
                    }
                })
                .unzip()
        };
        let (m, slope) = predict(self.x, rows);
        let (reference_m, reference_slope) = predict(self.reference_x, others);
        Ok(Fitted { solver, m, reference_m, slope, reference_slope })
    }

    fn means(
        &self,
        participation: Option<(&ParticipationFit, &XColumns, &XColumns)>,
    ) -> Result<Vec<(f64, f64)>, WeightError> {
        let fitted = self.fit()?;
        let psus = Psus::new(self.tree, self.y.len())?;
        let reference_psus = Psus::new(&self.reference.tree, self.reference.weights.len())?;
        let one = |domain| self.one(domain, &fitted, participation, &psus, &reference_psus);
        Ok((0..self.domains).map(one).collect())
    }

    fn one(
        &self,
        domain: usize,
        fitted: &Fitted,
        participation: Option<(&ParticipationFit, &XColumns, &XColumns)>,
        psus: &Psus,
        reference_psus: &Psus,
    ) -> (f64, f64) {
        let d = &self.reference.weights;
        let in_reference =
            |row: usize| d[row] != 0.0 && self.reference_domain.get(row) == domain as u32;
        let inside = |row: usize| self.used(row) && self.domain.get(row) == domain as u32;
        let members: Vec<usize> = (0..d.len()).filter(|&r| in_reference(r)).collect();
        let size: f64 = members.iter().map(|&r| d[r]).sum();
        if size <= 0.0 {
            return (f64::NAN, f64::NAN);
        }
        let predicted: f64 =
            members.iter().map(|&r| d[r] * fitted.reference_m[r]).sum::<f64>() / size;
        let mut by_beta = vec![0.0; self.x.width()];
        for &row in &members {
            let share = d[row] * fitted.reference_slope[row] / size;
            self.reference_x.row(row).for_each(|(column, x)| by_beta[column] += share * x);
        }
        let mut z = vec![0.0; self.y.len()];
        let mut reference_z = vec![0.0; d.len()];
        for &row in &members {
            reference_z[row] = d[row] * (fitted.reference_m[row] - predicted) / size;
        }
        let mut correction = 0.0;
        if let Some((fit, x, reference_x)) = participation {
            let w = &fit.weights;
            let own: Vec<usize> = (0..self.y.len()).filter(|&r| inside(r)).collect();
            let sum: f64 = own.iter().map(|&r| w[r]).sum();
            if sum <= 0.0 {
                return (f64::NAN, f64::NAN);
            }
            let residual = |row: usize| self.y[row] - fitted.m[row];
            correction = own.iter().map(|&r| w[r] * residual(r)).sum::<f64>() / sum;
            let mut by_lambda = vec![0.0; x.width()];
            for &row in &own {
                let value = w[row] * (residual(row) - correction) / sum;
                z[row] += value;
                let share = fit.slope[row] * value;
                x.row(row).for_each(|(column, x)| by_lambda[column] -= share * x);
                let share = w[row] * fitted.slope[row] / sum;
                self.x.row(row).for_each(|(column, x)| by_beta[column] -= share * x);
            }
            let by_lambda = fit.solver.solve(&by_lambda);
            let along = |x: &XColumns, row: usize| -> f64 {
                x.row(row).map(|(column, x)| x * by_lambda[column]).sum()
            };
            for row in (0..z.len()).filter(|&r| fit.carrier[r] != 0.0) {
                z[row] += fit.carrier[row] * along(x, row);
            }
            for row in (0..d.len()).filter(|&r| fit.reference_carrier[r] != 0.0) {
                reference_z[row] -= fit.reference_carrier[row] * along(reference_x, row);
            }
        }
        let by_beta = fitted.solver.solve(&by_beta);
        for row in (0..z.len()).filter(|&r| self.used(r)) {
            let along: f64 = self.x.row(row).map(|(column, x)| x * by_beta[column]).sum();
            z[row] += self.base[row] * along * (self.y[row] - fitted.m[row]);
        }
        (predicted + correction, psus.variance(&z) + reference_psus.variance(&reference_z))
    }
}
