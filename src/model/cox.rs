//! Proportional hazards.

use nalgebra::DMatrix;

use super::sandwich::{FitStatus, ModelError, STEPS, complete, covariance, stands_still};
use crate::aggregate::XColumns;
use crate::data::Numbers;
use crate::estimate::Analysis;
use crate::numeric::{SolverError, SymmetricSolver};

/// How events at the same time are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Ties {
    /// Each of d events leaves 1/d of those with the event from the set at risk (Efron 1977).
    #[default]
    Efron,
    /// All with the event stay at risk for all of them (Breslow 1974).
    Breslow,
}

/// What is to be fitted.
#[derive(Debug, Clone, Copy)]
pub struct CoxInput<'a> {
    /// How long each row was observed; NaN where it is not known.
    pub time: &'a Numbers,
    /// 1 where the event ended that time, 0 where the observation did.
    pub event: &'a Numbers,
    /// The columns of the model, without a constant.
    pub x: &'a XColumns,
    /// The rows of the subpopulation.
    pub inside: &'a [bool],
    /// Events at the same time.
    pub ties: Ties,
    /// Degrees of freedom of the design in the subpopulation.
    pub design_df: f64,
}

/// A fitted model.
#[derive(Debug, Clone)]
pub struct CoxFit {
    /// The logarithm of the hazard ratio of every column; zero for a column that depends on others.
    pub coefficients: Vec<f64>,
    /// Their covariances.
    pub covariance: DMatrix<f64>,
    /// Columns left out because they depend on others.
    pub dependent: Vec<usize>,
    /// Degrees of freedom: those of the design − the number of coefficients.
    pub df: f64,
    /// Rows used.
    pub n: usize,
    /// Rows with the event.
    pub events: usize,
    /// How the fit ended.
    pub status: FitStatus,
}

/// Fits the hazard λ(t) exp(x'β) by the weighted partial likelihood (Binder 1992, §2; Lin 2000).
///
/// With S(t) the sum of w exp(x'β) over those at risk at t, x̄(t) the mean of x with these weights, and dN
/// the events, β solves Σ w ∫ (x − x̄) dN = 0. Its influence values are A⁻¹ ∫ (x − x̄)(dN − e^(x'β) dΛ) with
/// dΛ = Σ w dN/S and A the information (Binder 1992, eq. 3.2; Lin and Wei 1989), and the covariance that of
/// their design total, or that of the replicates' coefficients. At tied events every sum is the mean over
/// Efron's steps.
///
/// # Errors
/// When no row can be used, nobody has the event, or the information can't be factorised.
pub fn proportional_hazards(
    analysis: &Analysis,
    input: &CoxInput<'_>,
) -> Result<CoxFit, ModelError> {
    let w = analysis.ledger.weights();
    let has_all = |row: usize| {
        let known = !input.time.get(row).is_nan() && !input.event.get(row).is_nan();
        input.inside[row] && known && complete(input.x, row)
    };
    let mut used: Vec<usize> =
        (0..input.time.len()).filter(|&r| w[r] != 0.0 && has_all(r)).collect();
    if used.is_empty() {
        return Err(ModelError::NoRows);
    }
    let odd = |row: usize| input.event.get(row) != 0.0 && input.event.get(row) != 1.0;
    if let Some(&row) = used.iter().find(|&&row| odd(row)) {
        let value = input.event.get(row);
        return Err(ModelError::Outcome { row: row + 1, value, range: "0 or 1" });
    }
    let events = used.iter().filter(|&&row| input.event.get(row) == 1.0).count();
    if events == 0 {
        return Err(ModelError::NoEvents);
    }
    // From the last to the first: those at risk at a time are all before it in this order.
    used.sort_by(|&a, &b| input.time.get(b).total_cmp(&input.time.get(a)).then(a.cmp(&b)));
    let model = Model { input, used: &used };
    let fit = model.fit(w, None)?;
    let mut scores = vec![Vec::new(); input.time.len()];
    model.scores(w, &fit.beta, |row, score| scores[row] = score);
    let covariance = covariance(
        analysis,
        &used,
        &fit.beta,
        |row, out| out.copy_from_slice(&fit.solver.solve(&scores[row])),
        |w| {
            let own = model.fit(w, Some(&fit.beta)).ok()?;
            let is_same = own.solver.kept() == fit.solver.kept() && own.status.is_converged();
            is_same.then_some(own.beta)
        },
    );
    Ok(CoxFit {
        covariance,
        dependent: fit.solver.dependent().iter().map(|d| d.column).collect(),
        df: input.design_df - fit.solver.rank() as f64,
        n: used.len(),
        events,
        status: fit.status,
        coefficients: fit.beta,
    })
}

struct Model<'a> {
    input: &'a CoxInput<'a>,
    /// The rows, from the longest time to the shortest.
    used: &'a [usize],
}

struct Fitted {
    beta: Vec<f64>,
    solver: SymmetricSolver,
    status: FitStatus,
}

/// Sums of w e^η, of that times x, and of that times x x'.
struct Sums {
    zero: f64,
    one: Vec<f64>,
    two: DMatrix<f64>,
}

impl Sums {
    fn new(q: usize) -> Sums {
        Sums { zero: 0.0, one: vec![0.0; q], two: DMatrix::zeros(q, q) }
    }

    fn add(&mut self, x: &XColumns, row: usize, risk: f64) {
        self.zero += risk;
        for (a, xa) in x.row(row) {
            self.one[a] += risk * xa;
            for (b, xb) in x.row(row) {
                self.two[(a, b)] += risk * xa * xb;
            }
        }
    }
}

/// One of the steps in which the events of a time are taken.
struct Step {
    /// The part of those with the event that has left, k/d.
    left: f64,
    /// Mean weight of those with the event ÷ the sum at risk.
    hazard: f64,
    /// Mean of x at risk.
    mean: Vec<f64>,
}

impl Model<'_> {
    fn eta(&self, row: usize, beta: &[f64]) -> f64 {
        self.input.x.row(row).map(|(c, v)| beta[c] * v).sum()
    }

    /// Goes through the times of events from the last to the first: the rows of each that end then,
    /// with and without the event, the mean weight of events, the sums at risk and those with the event.
    fn each_time(
        &self,
        w: &[f64],
        beta: &[f64],
        mut take: impl FnMut(&[usize], f64, &Sums, &Sums),
    ) {
        let (x, q) = (self.input.x, self.input.x.width());
        // The largest predictor is taken off, so that no risk is infinite.
        let highest =
            self.used.iter().map(|&r| self.eta(r, beta)).fold(f64::NEG_INFINITY, f64::max);
        let mut at_risk = Sums::new(q);
        let mut from = 0;
        while from < self.used.len() {
            let time = self.input.time.get(self.used[from]);
            let rest = &self.used[from..];
            let same = rest.iter().take_while(|&&r| self.input.time.get(r) == time).count();
            let own = &rest[..same];
            let mut ending = Sums::new(q);
            let (mut weight, mut count) = (0.0, 0.0);
            for &row in own.iter().filter(|&&row| w[row] != 0.0) {
                let risk = w[row] * (self.eta(row, beta) - highest).exp();
                at_risk.add(x, row, risk);
                if self.input.event.get(row) == 1.0 {
                    ending.add(x, row, risk);
                    weight += w[row];
                    count += 1.0;
                }
            }
            if count > 0.0 {
                take(own, weight / count, &at_risk, &ending);
            }
            from += same;
        }
    }

    /// The number of events among rows.
    fn events(&self, w: &[f64], rows: &[usize]) -> usize {
        rows.iter().filter(|&&r| w[r] != 0.0 && self.input.event.get(r) == 1.0).count()
    }

    /// What part of those with the event has left in each of d steps.
    fn left(&self, d: usize) -> impl Iterator<Item = f64> {
        let efron = self.input.ties == Ties::Efron;
        (0..d).map(move |k| if efron { k as f64 / d as f64 } else { 0.0 })
    }

    /// The log partial likelihood, its slope and its information.
    fn equations(&self, w: &[f64], beta: &[f64]) -> (f64, Vec<f64>, DMatrix<f64>) {
        let q = beta.len();
        let (mut value, mut score, mut information) = (0.0, vec![0.0; q], DMatrix::zeros(q, q));
        let highest =
            self.used.iter().map(|&r| self.eta(r, beta)).fold(f64::NEG_INFINITY, f64::max);
        self.each_time(w, beta, |own, mean_weight, all, ending| {
            let d = self.events(w, own);
            for &row in own.iter().filter(|&&r| w[r] != 0.0 && self.input.event.get(r) == 1.0) {
                value += w[row] * (self.eta(row, beta) - highest);
                self.input.x.row(row).for_each(|(c, x)| score[c] += w[row] * x);
            }
            for left in self.left(d) {
                let sum = all.zero - left * ending.zero;
                let mean: Vec<f64> =
                    all.one.iter().zip(&ending.one).map(|(a, e)| (a - left * e) / sum).collect();
                value -= mean_weight * sum.ln();
                for a in 0..q {
                    score[a] -= mean_weight * mean[a];
                    for b in 0..q {
                        let square = (all.two[(a, b)] - left * ending.two[(a, b)]) / sum;
                        information[(a, b)] += mean_weight * (square - mean[a] * mean[b]);
                    }
                }
            }
        });
        (value, score, information)
    }

    fn fit(&self, w: &[f64], start: Option<&[f64]>) -> Result<Fitted, SolverError> {
        let total: f64 = self.used.iter().map(|&row| w[row].abs()).sum();
        let mut beta = start.map_or_else(|| vec![0.0; self.input.x.width()], <[f64]>::to_vec);
        let (mut value, mut score, mut information) = self.equations(w, &beta);
        let (mut step, mut rank) = (0, None);
        loop {
            let solver = SymmetricSolver::new(&information)?;
            let direction = solver.solve(&score);
            // A coefficient that has gone to infinity leaves no information.
            let lost = solver.rank() < *rank.get_or_insert(solver.rank());
            let gain: f64 = direction.iter().zip(&score).map(|(d, s)| d * s).sum();
            step += 1;
            let small = stands_still(&beta, &direction, gain / total);
            let done = small && !lost;
            if done || lost || step == STEPS {
                let status = if done {
                    FitStatus::Converged { steps: step }
                } else {
                    FitStatus::StillRising
                };
                return Ok(Fitted { beta, solver, status });
            }
            let mut share = 1.0;
            loop {
                let tried: Vec<f64> =
                    beta.iter().zip(&direction).map(|(b, d)| b + share * d).collect();
                let found = self.equations(w, &tried);
                if found.0 >= value - 1e-12 * value.abs() {
                    beta = tried;
                    (value, score, information) = found;
                    break;
                }
                share *= 0.5;
                if share < 1e-9 {
                    return Ok(Fitted { beta, solver, status: FitStatus::StillRising });
                }
            }
        }
    }

    /// ∫ (x − x̄)(dN − e^η dΛ) of every row.
    fn scores(&self, w: &[f64], beta: &[f64], mut take: impl FnMut(usize, Vec<f64>)) {
        let q = beta.len();
        let highest =
            self.used.iter().map(|&r| self.eta(r, beta)).fold(f64::NEG_INFINITY, f64::max);
        // The steps at every time of an event, from the last time to the first.
        let mut times: Vec<(f64, Vec<Step>)> = Vec::new();
        self.each_time(w, beta, |own, mean_weight, all, ending| {
            let step = |left: f64| {
                let sum = all.zero - left * ending.zero;
                let mean = all.one.iter().zip(&ending.one).map(|(a, e)| (a - left * e) / sum);
                Step { left, hazard: mean_weight / sum, mean: mean.collect() }
            };
            let steps = self.left(self.events(w, own)).map(step).collect();
            times.push((self.input.time.get(own[0]), steps));
        });
        times.reverse();
        // Λ and ∫ x̄ dΛ up to the time of each row, from the first time on.
        let (mut hazard, mut drift) = (0.0, vec![0.0; q]);
        let mut next = times.iter().peekable();
        let mut dense = vec![0.0; q];
        for &row in self.used.iter().rev() {
            let time = self.input.time.get(row);
            let add = |steps: &[Step], hazard: &mut f64, drift: &mut [f64]| {
                for step in steps {
                    *hazard += step.hazard;
                    drift.iter_mut().zip(&step.mean).for_each(|(d, m)| *d += step.hazard * m);
                }
            };
            while let Some((at, steps)) = next.peek()
                && *at < time
            {
                add(steps, &mut hazard, &mut drift);
                next.next();
            }
            let now = next.peek().filter(|(at, _)| *at == time).map_or(&[][..], |(_, s)| s);
            let risk = (self.eta(row, beta) - highest).exp();
            dense.fill(0.0);
            self.input.x.row(row).for_each(|(c, x)| dense[c] += x);
            let has_event = self.input.event.get(row) == 1.0;
            let score = (0..q).map(|c| {
                let before = -risk * (hazard * dense[c] - drift[c]);
                let at = now.iter().map(|step| {
                    let off = dense[c] - step.mean[c];
                    if has_event {
                        off / now.len() as f64 - risk * (1.0 - step.left) * step.hazard * off
                    } else {
                        -risk * step.hazard * off
                    }
                });
                before + at.sum::<f64>()
            });
            take(row, score.collect());
        }
    }
}
