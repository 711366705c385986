//! Generalised linear models.

use nalgebra::DMatrix;

use super::family::{Family, Link};
use super::sandwich::{FitStatus, ModelError, STEPS, complete, covariance, stands_still};
use crate::aggregate::{XColumns, XTerm};
use crate::data::Numbers;
use crate::estimate::Analysis;
use crate::numeric::{SolverError, SymmetricSolver};

/// What is to be fitted.
#[derive(Debug, Clone, Copy)]
pub struct RegressionInput<'a> {
    /// The outcome: one value per row, NaN where it is missing.
    pub y: &'a Numbers,
    /// The columns of the model, a constant among them if there is to be one.
    pub x: &'a XColumns,
    /// Added to the linear predictor with a coefficient of 1.
    pub offset: Option<&'a Numbers>,
    /// The rows of the subpopulation.
    pub inside: &'a [bool],
    /// How the variance goes with the mean.
    pub family: Family,
    /// How the mean goes with the linear predictor.
    pub link: Link,
    /// Degrees of freedom of the design in the subpopulation.
    pub design_df: f64,
    /// Where to stop.
    pub stop: Stop,
}

/// Where the steps of a fit end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Stop {
    /// At the solution.
    #[default]
    Solved,
    /// As `glm` of R does unless told otherwise: as soon as the deviance changes by less than 1e-8 of
    /// itself, with A and the weights of the scores from the step before. Standard errors are then off by up
    /// to a few parts in 100,000. For matching only (docs/methods/regression.md).
    AsR,
}

/// A fitted model.
#[derive(Debug, Clone)]
pub struct RegressionFit {
    /// One coefficient per column; zero for a column that depends on others.
    pub coefficients: Vec<f64>,
    /// Their covariances.
    pub covariance: DMatrix<f64>,
    /// Columns left out because they depend on others.
    pub dependent: Vec<usize>,
    /// Degrees of freedom: those of the design + 1 − the number of coefficients.
    pub df: f64,
    /// Σ w̃ d(y, μ) with the deviance d of the family and weights scaled to mean 1 over the rows used.
    pub deviance: f64,
    /// The same for a model of a constant (and the offset) alone.
    pub null_deviance: f64,
    /// Population variance of the Pearson residuals e = (y − μ)/√V(μ): n/(n − 1) Σ w (e − ē)²/Σ w.
    pub dispersion: f64,
    /// How the fit ended; where it is not converged, the other numbers are those of the last step.
    pub status: FitStatus,
}

/// Fits g(μ) = x'β + offset by pseudo maximum likelihood over the rows with a weight, `inside`, and
/// all values: Σ w x (y − μ) μ'(η)/V(μ) = 0 (Binder 1983, §4.2; McCullagh and Nelder 1989, §2.5), by Fisher
/// scoring with steps halved that raise the deviance. With the normal family and identity
/// link this is weighted least squares.
///
/// The covariance is that of the design totals of A⁻¹ x w (y − μ) μ'/V with A = Σ w x x' μ'²/V,
/// or that of the replicates' coefficients.
///
/// # Errors
/// When no row can be used, an outcome is not one of the family, or the cross-products can't be
/// factorised (infinite values, or negative weights that make them indefinite).
pub fn regression(
    analysis: &Analysis,
    input: &RegressionInput<'_>,
) -> Result<RegressionFit, ModelError> {
    let w = analysis.ledger.weights();
    let (y, x) = (input.y, input.x);
    let has_all = |row: usize| {
        let offset = input.offset.is_none_or(|o| !o.get(row).is_nan());
        input.inside[row] && !y.get(row).is_nan() && offset && complete(x, row)
    };
    let used: Vec<usize> = (0..y.len()).filter(|&r| w[r] != 0.0 && has_all(r)).collect();
    if used.is_empty() {
        return Err(ModelError::NoRows);
    }
    if let Some(&row) = used.iter().find(|&&row| !input.family.allows(y.get(row))) {
        let (value, range) = (y.get(row), input.family.range());
        return Err(ModelError::Outcome { row: row + 1, value, range });
    }
    let model = Model { input, used: &used };
    let fit = model.fit(w, None)?;
    let eta: Vec<f64> = used.iter().map(|&row| model.predictor(row, &fit.beta)).collect();
    let mut place = vec![0; y.len()];
    used.iter().enumerate().for_each(|(i, &row)| place[row] = i);
    let mut right = vec![0.0; x.width()];
    let covariance = covariance(
        analysis,
        &used,
        &fit.beta,
        |row, out| {
            let at = place[row];
            let (mut gap, weight) = input.pull(y.get(row), eta[at]);
            if let Some(before) = &fit.before {
                gap *= input.pull(y.get(row), before[at]).1 / weight;
            }
            right.fill(0.0);
            x.row(row).for_each(|(c, v)| right[c] += v * gap);
            out.copy_from_slice(&fit.solver.solve(&right));
        },
        |w| {
            let own = model.fit(w, Some(&fit.beta)).ok()?;
            // A replicate in which other columns depend on each other fits other coefficients: they
            // can't be compared.
            let is_same = own.solver.kept() == fit.solver.kept() && own.status.is_converged();
            is_same.then_some(own.beta)
        },
    );
    let n = used.len() as f64;
    let total: f64 = used.iter().map(|&r| w[r]).sum();
    let weighted = |f: &dyn Fn(usize) -> f64| {
        used.iter().enumerate().map(|(i, &r)| w[r] * f(i)).sum::<f64>() / total
    };
    let (family, link) = (input.family, input.link);
    let outcome = |i: usize| y.get(used[i]);
    let mean = weighted(&outcome);
    let null: Vec<f64> = match input.offset {
        None => vec![mean; used.len()],
        // With an offset the constant has to be fitted.
        Some(_) => {
            let x = XColumns { terms: vec![XTerm { codes: None, values: None, width: 1 }] };
            let input = RegressionInput { x: &x, ..*input };
            let constant = Model { input: &input, used: &used };
            let own = constant.fit(w, None)?;
            used.iter().map(|&row| link.mean(constant.predictor(row, &own.beta))).collect()
        }
    };
    let pearson = |i: usize| {
        let mu = link.mean(eta[i]);
        (outcome(i) - mu) / family.variance(mu).sqrt()
    };
    let (first, second) = (weighted(&pearson), weighted(&|i| pearson(i) * pearson(i)));
    Ok(RegressionFit {
        covariance,
        dependent: fit.solver.dependent().iter().map(|d| d.column).collect(),
        df: input.design_df + 1.0 - fit.solver.rank() as f64,
        deviance: n * weighted(&|i| family.deviance(outcome(i), link.mean(eta[i]))),
        null_deviance: n * weighted(&|i| family.deviance(outcome(i), null[i])),
        dispersion: n / (n - 1.0) * (second - first * first),
        status: fit.status,
        coefficients: fit.beta,
    })
}

impl RegressionInput<'_> {
    /// (y − μ) μ'/V, the score of η, and μ'²/V, its expected slope.
    fn pull(&self, y: f64, eta: f64) -> (f64, f64) {
        let (mu, slope) = (self.link.mean(eta), self.link.slope(eta));
        let v = self.family.variance(mu);
        if (self.family, self.link) == (Family::Binomial, Link::Logit)
            || (self.family, self.link) == (Family::Poisson, Link::Log)
        {
            // μ' = V, which may both be too small to divide.
            return (y - mu, slope);
        }
        ((y - mu) * slope / v, slope * slope / v)
    }
}

/// A model with the rows that it is fitted to.
struct Model<'a> {
    input: &'a RegressionInput<'a>,
    used: &'a [usize],
}

struct Fitted {
    beta: Vec<f64>,
    /// Σ w x x' μ'²/V, factorised.
    solver: SymmetricSolver,
    status: FitStatus,
    /// The predictor of every row before the last step, where the solver is from there.
    before: Option<Vec<f64>>,
}

impl Model<'_> {
    fn offset(&self, row: usize) -> f64 {
        self.input.offset.map_or(0.0, |o| o.get(row))
    }

    fn predictor(&self, row: usize, beta: &[f64]) -> f64 {
        self.offset(row) + self.input.x.row(row).map(|(c, v)| beta[c] * v).sum::<f64>()
    }

    /// Σ w d(y, μ); `None` where some mean lies outside what the family knows.
    fn deviance(&self, w: &[f64], beta: &[f64]) -> Option<f64> {
        let input = self.input;
        let mut sum = 0.0;
        for &row in self.used.iter().filter(|&&row| w[row] != 0.0) {
            let mu = input.link.mean(self.predictor(row, beta));
            if input.family.holds(mu) {
                sum += w[row] * input.family.deviance(input.y.get(row), mu);
            } else if mu == input.y.get(row) {
                // Gone to the end of the range, where the outcome is: no deviance.
            } else {
                return None;
            }
        }
        Some(sum)
    }

    fn fit(&self, w: &[f64], start: Option<&[f64]>) -> Result<Fitted, SolverError> {
        let input = self.input;
        let total: f64 = self.used.iter().map(|&row| w[row].abs()).sum();
        let least_squares = (input.family, input.link) == (Family::Gaussian, Link::Identity);
        let mut beta = match start.filter(|_| !least_squares) {
            Some(beta) => beta.to_vec(),
            None => {
                let (beta, solver) = self.first(w)?;
                if least_squares {
                    return Ok(Fitted {
                        beta,
                        solver,
                        status: FitStatus::Converged { steps: 1 },
                        before: None,
                    });
                }
                beta
            }
        };
        if input.stop == Stop::AsR {
            return self.fit_as_r(w, start);
        }
        let mut rank = None;
        let mut reached = self.deviance(w, &beta);
        let mut step = 0;
        loop {
            let (information, score) = self.equations(w, |row| self.predictor(row, &beta), None);
            let solver = SymmetricSolver::new(&information)?;
            let direction = solver.solve(&score);
            // Twice what is still to be gained, in units of the deviance.
            let gain: f64 = direction.iter().zip(&score).map(|(d, s)| d * s).sum();
            step += 1;
            // Where the model tells outcomes apart without error, their rows stop pulling.
            let lost = solver.rank() < *rank.get_or_insert(solver.rank());
            let small = stands_still(&beta, &direction, gain / total);
            let done = reached.is_some() && small && !lost;
            if done || lost || step == STEPS {
                let status = match (done, reached) {
                    (true, _) => FitStatus::Converged { steps: step },
                    (false, Some(_)) => FitStatus::StillRising,
                    (false, None) => FitStatus::OutOfRange,
                };
                return Ok(Fitted { beta, solver, status, before: None });
            }
            let mut share = 1.0;
            loop {
                let tried: Vec<f64> =
                    beta.iter().zip(&direction).map(|(b, d)| b + share * d).collect();
                let found = self.deviance(w, &tried);
                let falls = match (found, reached) {
                    (Some(new), Some(old)) => new <= old + 1e-12 * old.abs(),
                    (Some(_), None) => true,
                    (None, _) => false,
                };
                if falls {
                    (beta, reached) = (tried, found);
                    break;
                }
                share *= 0.5;
                if share < 1e-9 {
                    let status = match reached {
                        Some(_) if found.is_some() => FitStatus::StillRising,
                        _ => FitStatus::OutOfRange,
                    };
                    return Ok(Fitted { beta, solver, status, before: None });
                }
            }
        }
    }

    /// The steps of R: see [`Stop::AsR`].
    fn fit_as_r(&self, w: &[f64], start: Option<&[f64]>) -> Result<Fitted, SolverError> {
        let (input, link) = (self.input, self.input.link);
        let total: f64 = self.used.iter().map(|&row| w[row]).sum();
        let scaled = |row: usize| w[row] * self.used.len() as f64 / total;
        let mut eta: Vec<f64> = self
            .used
            .iter()
            .map(|&row| {
                if let Some(beta) = start {
                    return self.predictor(row, beta);
                }
                let y = input.y.get(row);
                link.predictor(match input.family {
                    Family::Binomial => (scaled(row) * y + 0.5) / (scaled(row) + 1.0),
                    Family::Poisson => y + 0.1,
                    Family::Gaussian | Family::Gamma => y,
                })
            })
            .collect();
        let mut place = vec![0; w.len()];
        self.used.iter().enumerate().for_each(|(i, &row)| place[row] = i);
        let deviance = |eta: &[f64]| -> f64 {
            let each = self.used.iter().zip(eta);
            each.map(|(&row, eta)| {
                scaled(row) * input.family.deviance(input.y.get(row), link.mean(*eta))
            })
            .sum()
        };
        let mut last = deviance(&eta);
        let around = |row: usize, eta: f64| eta - self.offset(row);
        let mut step = 0;
        loop {
            step += 1;
            let (information, score) = self.equations(w, |row| eta[place[row]], Some(&around));
            let solver = SymmetricSolver::new(&information)?;
            let beta = solver.solve(&score);
            let next: Vec<f64> = self.used.iter().map(|&row| self.predictor(row, &beta)).collect();
            let reached = deviance(&next);
            let done = (reached - last).abs() / (reached.abs() + 0.1) < 1e-8;
            if done || step == STEPS || !reached.is_finite() {
                let status = match (done, reached.is_finite()) {
                    (true, _) => FitStatus::Converged { steps: step },
                    (false, true) => FitStatus::StillRising,
                    (false, false) => FitStatus::OutOfRange,
                };
                return Ok(Fitted { beta, solver, status, before: Some(eta) });
            }
            (eta, last) = (next, reached);
        }
    }

    /// Least squares on what the link makes of the outcomes, moved inside the range.
    fn first(&self, w: &[f64]) -> Result<(Vec<f64>, SymmetricSolver), SolverError> {
        let input = self.input;
        let sums = self
            .used
            .iter()
            .fold((0.0, 0.0), |(a, b), &row| (a + w[row] * input.y.get(row), b + w[row]));
        let mean = sums.0 / sums.1;
        let eta = |row: usize| input.link.predictor(input.family.start(input.y.get(row), mean));
        let around = |row: usize, eta: f64| eta - self.offset(row);
        let (information, score) = self.equations(w, eta, Some(&around));
        let solver = SymmetricSolver::new(&information)?;
        Ok((solver.solve(&score), solver))
    }

    /// Σ w x x' μ'²/V and Σ w x (y − μ) μ'/V at η; with `around` the second is that of the working
    /// outcome, around(η) + (y − μ)/μ'.
    fn equations(
        &self,
        w: &[f64],
        eta: impl Fn(usize) -> f64,
        around: Option<&dyn Fn(usize, f64) -> f64>,
    ) -> (DMatrix<f64>, Vec<f64>) {
        let q = self.input.x.width();
        let mut information = DMatrix::zeros(q, q);
        let mut score = vec![0.0; q];
        for &row in self.used.iter().filter(|&&row| w[row] != 0.0) {
            let at = eta(row);
            let (mut gap, weight) = self.input.pull(self.input.y.get(row), at);
            if !gap.is_finite() || !weight.is_finite() {
                // At the end of the range: no pull is left.
                continue;
            }
            if let Some(around) = around {
                gap += weight * around(row, at);
            }
            for (a, xa) in self.input.x.row(row) {
                score[a] += w[row] * gap * xa;
                for (b, xb) in self.input.x.row(row) {
                    information[(a, b)] += w[row] * weight * xa * xb;
                }
            }
        }
        (information, score)
    }
}
