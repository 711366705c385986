//! Factors whose covariance is the quadratic form of a variance estimator.

use std::sync::Arc;

use nalgebra::{DMatrix, SymmetricEigen};
use serde::{Deserialize, Serialize};

use super::error::ReplicateError;
use super::factors::FactorStream;
use super::hadamard::Hadamard;
use super::make::resampled;
use crate::design::{Form, Stage, Stratum, UnitTree};
use crate::numeric::random::stream;
use crate::numeric::variates::fill_normal;

/// The variance estimator of the first stage that generalised factors reproduce, within strata.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum VarianceForm {
    /// That of the design: the estimator that `method` of the design names, else that of stratified
    /// simple random sampling.
    #[default]
    Design,
    /// That of stratified simple random sampling.
    Srs,
    /// Successive differences: (1 − f) n/(2(n − 1)) Σ (z_i − z_{i−1})² in the order of selection.
    Sd1,
    /// Successive differences on a circle: (1 − f)/2 Σ (z_i − z_{i−1})², the first following the last.
    Sd2,
    /// Poisson sampling: Σ (1 − π) z².
    Poisson,
    /// Deville's first approximation for unequal probabilities: c = (1 − π) n/(n − 1).
    Deville1,
    /// Deville's second: c = (1 − π)/(1 − Σ ((1 − π)/Σ(1 − π))²).
    Deville2,
}

/// A variance estimator V = z'Σz of weighted totals z.
#[derive(Debug, Clone)]
pub(super) enum QuadraticForm {
    /// Stage by stage; the first as given, the others as simple random sampling.
    Stages {
        first: VarianceForm,
        /// First-stage units stratum by stratum, in the order of selection.
        order: Vec<u32>,
        probabilities: Vec<Vec<f64>>,
    },
    /// Over the deepest units.
    Matrix(Arc<DMatrix<f64>>),
}

/// What the deviations are made from.
#[derive(Debug, Clone)]
pub(super) enum Noise {
    Normal { seed: u64 },
    Signs(Arc<Hadamard>),
}

/// A root L of the quadratic form, Σ = L L', piece by piece: factors are 1 + L e/τ.
#[derive(Debug)]
pub(super) struct FormPlan {
    tree: Arc<UnitTree>,
    pieces: Vec<Piece>,
    dimensions: usize,
    pub noise: Noise,
    pub tau: f64,
    /// Strata whose form has negative directions, which are left out, and what these have of all: Σ|λ| of
    /// the negative eigenvalues ÷ that of the positive ones.
    pub cut: Option<(usize, f64)>,
}

/// The most units of a stratum whose form needs eigenvalues.
pub(super) const MOST_DENSE: usize = 2_000;

/// The root of one stratum.
#[derive(Debug)]
struct Piece {
    stage: usize,
    /// Its units.
    units: Vec<u32>,
    first_dimension: usize,
    dimensions: usize,
    scale: f64,
    root: Root,
}

#[derive(Debug)]
enum Root {
    /// Differences from the mean, n − 1 dimensions (Helmert).
    Centred,
    /// Differences between neighbours, n − 1 dimensions.
    Successive,
    /// The same on a circle, n dimensions.
    Circle,
    /// Independent, with a standard deviation each.
    Diagonal(Vec<f64>),
    /// Differences from a mean weighted by c, n dimensions.
    Weighted(Vec<f64>),
    /// That of the design.
    Form(Arc<Form>),
    /// Any.
    Dense(DMatrix<f64>),
}

impl FormPlan {
    pub fn new(tree: Arc<UnitTree>, form: &QuadraticForm) -> Result<FormPlan, ReplicateError> {
        let mut plan = FormPlan {
            tree: tree.clone(),
            pieces: Vec::new(),
            dimensions: 0,
            noise: Noise::Normal { seed: 0 },
            tau: 1.0,
            cut: None,
        };
        let (first, order, probabilities) = match form {
            QuadraticForm::Matrix(matrix) => {
                let (root, _) = dense_root(matrix, tree.units(), false)?;
                let units = (0..tree.units() as u32).collect();
                plan.push(tree.stages.len() - 1, units, 1.0, root.ncols(), Root::Dense(root));
                return Ok(plan);
            }
            QuadraticForm::Stages { first, order, probabilities } => (*first, order, probabilities),
        };
        for (k, stage) in tree.stages.iter().enumerate() {
            for stratum in &stage.strata {
                let range = stratum.first as usize..stratum.end as usize;
                let form = if k == 0 { first } else { VarianceForm::Srs };
                let own = stratum.form.as_ref().filter(|_| form == VarianceForm::Design);
                if let Some(own) = own {
                    plan.push_form(own, stratum)?;
                    continue;
                }
                let units: Vec<u32> = match form {
                    VarianceForm::Sd1 | VarianceForm::Sd2 => order[range.clone()].to_vec(),
                    _ => (stratum.first..stratum.end).collect(),
                };
                let (n, open) = (stratum.n() as f64, stratum.fpc());
                let scale = |x: f64| (stratum.share * x).sqrt();
                match form {
                    VarianceForm::Poisson | VarianceForm::Deville1 | VarianceForm::Deville2 => {
                        let given = probabilities.get(k).or(stage.inclusion.as_ref());
                        let Some(all) = given.filter(|p| p.len() == stage.units()) else {
                            let what = "the variance form";
                            return Err(ReplicateError::NoProbability { what, stage: k + 1 });
                        };
                        let bad = |p: &f64| !(*p > 0.0 && *p <= 1.0);
                        if let Some(unit) = all.iter().position(bad) {
                            let value = all[unit];
                            return Err(ReplicateError::Probability { unit: unit + 1, value });
                        }
                        let own = &all[range];
                        let root = unequal(form, own);
                        plan.push(k, units, 1.0, own.len(), root);
                    }
                    _ if !resampled(stratum) => {}
                    VarianceForm::Srs | VarianceForm::Design => {
                        let size = scale(open * n / (n - 1.0));
                        plan.push(k, units, size, stratum.n() - 1, Root::Centred);
                    }
                    VarianceForm::Sd1 => {
                        let size = scale(open * n / (2.0 * (n - 1.0)));
                        plan.push(k, units, size, stratum.n() - 1, Root::Successive);
                    }
                    VarianceForm::Sd2 => {
                        plan.push(k, units, scale(open / 2.0), stratum.n(), Root::Circle);
                    }
                }
            }
        }
        Ok(plan)
    }

    fn push(&mut self, stage: usize, units: Vec<u32>, scale: f64, dimensions: usize, root: Root) {
        let first_dimension = self.dimensions;
        self.dimensions += dimensions;
        self.pieces.push(Piece { stage, units, first_dimension, dimensions, scale, root });
    }

    /// The root of the design's estimator in a stratum of the first stage.
    fn push_form(&mut self, form: &Arc<Form>, stratum: &Stratum) -> Result<(), ReplicateError> {
        let n = stratum.n();
        let units = (stratum.first..stratum.end).collect();
        if let Some(dimensions) = form.root_dimensions(n) {
            self.push(0, units, 1.0, dimensions, Root::Form(form.clone()));
            return Ok(());
        }
        if n > MOST_DENSE {
            return Err(ReplicateError::FormSize { units: n, most: MOST_DENSE });
        }
        let (root, negative) = dense_root(&form.matrix(n), n, true)?;
        if negative > 0.0 {
            let (strata, largest) = self.cut.unwrap_or_default();
            self.cut = Some((strata + 1, negative.max(largest)));
        }
        self.push(0, units, 1.0, root.ncols(), Root::Dense(root));
        Ok(())
    }

    /// Columns of the root.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Deepest units.
    pub fn units(&self) -> usize {
        self.tree.units()
    }
}

impl FactorStream for FormPlan {
    fn write(&self, replicate: usize, out: &mut [f64]) {
        let mut e = vec![0.0; self.dimensions];
        match &self.noise {
            Noise::Normal { seed } => {
                let mut rng = stream(*seed, "replicates/generalized", replicate as u64);
                fill_normal(&mut e, &mut rng);
            }
            Noise::Signs(matrix) => {
                for (row, e) in (1..).zip(&mut e) {
                    *e = matrix.sign(row, replicate);
                }
            }
        }
        out.fill(1.0);
        let mut own = Vec::new();
        for piece in &self.pieces {
            let e = &e[piece.first_dimension..piece.first_dimension + piece.dimensions];
            own.clear();
            own.resize(piece.units.len(), 0.0);
            piece.root.apply(e, &mut own);
            let stage: &Stage = &self.tree.stages[piece.stage];
            for (&unit, value) in piece.units.iter().zip(&own) {
                let unit = unit as usize;
                let deep = stage.of_unit(unit);
                let step = piece.scale * value / self.tau;
                out[deep].iter_mut().for_each(|f| *f += step);
            }
        }
    }
}

impl Root {
    /// Writes L e.
    fn apply(&self, e: &[f64], out: &mut [f64]) {
        match self {
            Root::Centred => {
                // Row k of Helmert's matrix: 1 for the k units before unit k, −k for that one.
                let mut after = 0.0;
                for i in (0..out.len()).rev() {
                    let k = i as f64;
                    let unit = if i == 0 { 0.0 } else { e[i - 1] / (k * (k + 1.0)).sqrt() };
                    out[i] = after - k * unit;
                    after += unit;
                }
            }
            Root::Successive => {
                for (i, e) in e.iter().enumerate() {
                    out[i] -= e;
                    out[i + 1] += e;
                }
            }
            Root::Circle => {
                let n = out.len();
                for (i, e) in e.iter().enumerate() {
                    out[i] -= e;
                    out[(i + 1) % n] += e;
                }
            }
            Root::Diagonal(sd) => {
                out.iter_mut().zip(sd.iter().zip(e)).for_each(|(out, (s, e))| *out = s * e);
            }
            Root::Weighted(c) => {
                let all: f64 = c.iter().sum();
                let sum: f64 = c.iter().zip(e).map(|(c, e)| c.sqrt() * e).sum();
                for (out, (c, e)) in out.iter_mut().zip(c.iter().zip(e)) {
                    *out = c.sqrt() * e - if all > 0.0 { c / all * sum } else { 0.0 };
                }
            }
            Root::Form(form) => {
                form.spread(e, out);
            }
            Root::Dense(root) => {
                for (k, e) in e.iter().enumerate() {
                    out.iter_mut().zip(root.column(k).iter()).for_each(|(o, l)| *o += l * e);
                }
            }
        }
    }
}

/// The roots for unequal probabilities. Units with probability 1 have no deviation.
fn unequal(form: VarianceForm, probability: &[f64]) -> Root {
    let open: Vec<f64> = probability.iter().map(|p| 1.0 - p).collect();
    if form == VarianceForm::Poisson {
        return Root::Diagonal(open.iter().map(|q| q.sqrt()).collect());
    }
    let n = open.iter().filter(|q| **q > 0.0).count() as f64;
    let all: f64 = open.iter().sum();
    let scale = if n < 2.0 {
        0.0
    } else if form == VarianceForm::Deville1 {
        n / (n - 1.0)
    } else {
        1.0 / (1.0 - open.iter().map(|q| (q / all) * (q / all)).sum::<f64>())
    };
    Root::Weighted(open.iter().map(|q| q * scale).collect())
}

/// L with Σ = L L' from the eigenvalues, and Σ|λ| of the negative ones ÷ that of the positive ones; those
/// that are zero to rounding are left out, and with `cut` the negative ones.
fn dense_root(
    matrix: &DMatrix<f64>,
    units: usize,
    cut: bool,
) -> Result<(DMatrix<f64>, f64), ReplicateError> {
    let largest = matrix.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
    let is_symmetric = matrix.nrows() == units
        && matrix.ncols() == units
        && matrix.iter().all(|x| x.is_finite())
        && (0..units)
            .all(|i| (0..i).all(|j| (matrix[(i, j)] - matrix[(j, i)]).abs() <= 1e-9 * largest));
    if !is_symmetric {
        return Err(ReplicateError::NotSymmetric { units });
    }
    let Some(eigen) = SymmetricEigen::try_new(matrix.clone(), 1e-14, 200 * units.max(1)) else {
        return Err(ReplicateError::NotSymmetric { units });
    };
    let largest = eigen.eigenvalues.iter().fold(0.0, |a: f64, b| a.max(*b));
    let smallest = eigen.eigenvalues.iter().fold(f64::INFINITY, |a: f64, b| a.min(*b));
    if smallest < -1e-9 * largest && !cut {
        return Err(ReplicateError::NotPositive { smallest, largest });
    }
    let sum = |sign: f64| -> f64 {
        eigen.eigenvalues.iter().map(|l| (sign * l).max(0.0)).filter(|l| *l > 1e-9 * largest).sum()
    };
    let negative = sum(-1.0) / sum(1.0).max(f64::MIN_POSITIVE);
    let kept: Vec<usize> = (0..units).filter(|&k| eigen.eigenvalues[k] > 1e-12 * largest).collect();
    let root = DMatrix::from_fn(units, kept.len(), |i, k| {
        eigen.eigenvectors[(i, kept[k])] * eigen.eigenvalues[kept[k]].sqrt()
    });
    Ok((root, negative))
}
