//! A set of replicates: weights, scales and centring.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::data::Numbers;
use crate::design::UnitTree;
use crate::weight::WeightError;

/// How replicate weights were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ReplicateMethod {
    /// Balanced repeated replication: scale 1/R.
    Brr,
    /// BRR with Fay's ρ: scale 1/(R(1 − ρ)²).
    Fay,
    /// Jackknife, one PSU left out, unstratified: scale (R − 1)/R.
    Jk1,
    /// Jackknife, one PSU left out, stratified: one `rscales` entry (n − 1)/n per replicate.
    Jkn,
    /// Jackknife with paired PSUs: scale 1.
    Jk2,
    /// Bootstrap: scale 1/(R − 1).
    Bootstrap,
    /// Successive difference replication: scale 4/R, around the full-sample estimate.
    Sdr,
    /// Anything else: `scale` and `rscales` as given.
    Other,
}

impl ReplicateMethod {
    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            ReplicateMethod::Brr => "BRR",
            ReplicateMethod::Fay => "Fay",
            ReplicateMethod::Jk1 => "JK1",
            ReplicateMethod::Jkn => "JKn",
            ReplicateMethod::Jk2 => "JK2",
            ReplicateMethod::Bootstrap => "bootstrap",
            ReplicateMethod::Sdr => "successive differences",
            ReplicateMethod::Other => "own scales",
        }
    }
}

/// A set of replicates that can't be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplicateError {
    /// There are none.
    #[error("there are no replicate weights")]
    None,
    /// The method needs a scale.
    #[error(
        "replicates of this method need `scale` and `rscales`: they can't be derived from the number of replicates"
    )]
    ScaleMissing,
    /// The wrong number of scales.
    #[error("`rscales` has {found} entries for {expected} replicates")]
    ScaleCount {
        /// Entries given.
        found: usize,
        /// Replicates.
        expected: usize,
    },
    /// Fay's ρ is missing or out of range.
    #[error("Fay's method needs `rho` from 0 up to, not including, 1")]
    Rho,
    /// A replicate weight is missing.
    #[error("replicate weight `{column}` has no value in {count} rows with a positive weight")]
    Missing {
        /// The column.
        column: String,
        /// Rows.
        count: usize,
    },
    /// There is a single one.
    #[error("there is one replicate weight; a variance needs several")]
    One,
    /// All replicates are the same, or multiples of one another.
    #[error("all replicate weights are equal, so they say nothing about the variance")]
    AllEqual,
    /// A weighting step can't be repeated on a replicate.
    #[error("replicate {replicate}: {error}")]
    Weighting {
        /// The replicate, from 1.
        replicate: usize,
        /// What is wrong.
        error: WeightError,
    },
}

/// Where replicate weights come from.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ReplicateWeights {
    /// One column per replicate.
    Columns {
        /// The columns.
        columns: Vec<Arc<Numbers>>,
        /// True when they are weights, false when they multiply the full-sample weight.
        combined: bool,
    },
    /// A factor per deepest unit and replicate, row after row of units.
    Factors {
        /// The factors.
        factors: Vec<f64>,
        /// Number of replicates.
        replicates: usize,
    },
}

impl ReplicateWeights {
    /// Number of replicates.
    pub fn count(&self) -> usize {
        match self {
            ReplicateWeights::Columns { columns, .. } => columns.len(),
            ReplicateWeights::Factors { replicates, .. } => *replicates,
        }
    }
}

/// Replicates with their scales: V = scale · Σ rscales_r (θ_r − c)².
#[derive(Debug, Clone)]
pub struct Replicates {
    /// How they were made.
    pub method: ReplicateMethod,
    /// The weights.
    pub weights: ReplicateWeights,
    /// Overall scale.
    pub scale: f64,
    /// Scale of each replicate.
    pub rscales: Vec<f64>,
    /// True when c is the full-sample estimate, false when it is the mean of the replicates.
    pub mse: bool,
    /// Degrees of freedom.
    pub df: f64,
}

impl Replicates {
    /// Replicates given as columns.
    ///
    /// # Errors
    /// When the method needs a scale that is not given, counts do not agree, or the replicates
    /// are fewer than two or all equal.
    #[allow(clippy::too_many_arguments)]
    pub fn from_columns(
        method: ReplicateMethod,
        full: &[f64],
        columns: Vec<Arc<Numbers>>,
        combined: bool,
        rho: Option<f64>,
        scale: Option<f64>,
        rscales: Option<Vec<f64>>,
        mse: Option<bool>,
    ) -> Result<Replicates, ReplicateError> {
        let count = columns.len();
        let r = count as f64;
        match count {
            0 => return Err(ReplicateError::None),
            1 => return Err(ReplicateError::One),
            _ => {}
        }
        let derived = match method {
            ReplicateMethod::Brr => Some(1.0 / r),
            ReplicateMethod::Fay => {
                let rho = rho.filter(|p| (0.0..1.0).contains(p)).ok_or(ReplicateError::Rho)?;
                Some(1.0 / (r * (1.0 - rho) * (1.0 - rho)))
            }
            ReplicateMethod::Jk1 => Some((r - 1.0) / r),
            ReplicateMethod::Jk2 => Some(1.0),
            ReplicateMethod::Bootstrap => Some(1.0 / (r - 1.0)),
            ReplicateMethod::Sdr => Some(4.0 / r),
            ReplicateMethod::Jkn | ReplicateMethod::Other => None,
        };
        let needs_rscales = derived.is_none();
        let scale = match (scale, derived) {
            (Some(s), _) | (None, Some(s)) => s,
            (None, None) if method == ReplicateMethod::Jkn && rscales.is_some() => 1.0,
            (None, None) => return Err(ReplicateError::ScaleMissing),
        };
        let rscales = match rscales {
            Some(given) if given.len() == count => given,
            Some(given) if given.len() == 1 => vec![given[0]; count],
            Some(given) => {
                return Err(ReplicateError::ScaleCount { found: given.len(), expected: count });
            }
            None if needs_rscales && method == ReplicateMethod::Jkn => {
                return Err(ReplicateError::ScaleMissing);
            }
            None => vec![1.0; count],
        };
        let rank = rank(full.len(), count, |row, out| {
            column_weights(&columns, combined, full[row], row, out);
        });
        if rank < 2 {
            return Err(ReplicateError::AllEqual);
        }
        Ok(Replicates {
            method,
            weights: ReplicateWeights::Columns { columns, combined },
            scale,
            rscales,
            mse: mse.unwrap_or(method == ReplicateMethod::Sdr),
            df: rank as f64 - 1.0,
        })
    }

    /// Degrees of freedom among the rows of a subpopulation: the rank of the replicate weights of
    /// its rows, less one (R `degf`).
    pub fn df_within(&self, tree: &UnitTree, full: &[f64], inside: &[bool]) -> f64 {
        let counts = |row: usize| inside[row] && full[row] != 0.0;
        let rank = match &self.weights {
            ReplicateWeights::Columns { columns, combined } => {
                rank(full.len(), columns.len(), |row, out| {
                    if inside[row] {
                        column_weights(columns, *combined, full[row], row, out);
                    }
                })
            }
            ReplicateWeights::Factors { factors, replicates } => {
                let mut weight = vec![0.0; tree.units()];
                for row in (0..full.len()).filter(|&r| counts(r)) {
                    weight[tree.unit_of_row[row] as usize] += full[row];
                }
                rank(tree.units(), *replicates, |unit, out| {
                    let own = &factors[unit * replicates..(unit + 1) * replicates];
                    out.iter_mut().zip(own).for_each(|(o, f)| *o = weight[unit] * f);
                })
            }
        };
        rank as f64 - 1.0
    }

    /// V = scale · Σ rscales (θ_r − c)(θ_r − c)' from the estimates of each replicate; c is the
    /// full-sample estimate or, without `mse`, the mean of the θ_r with a positive scale.
    ///
    /// `full` has one entry per estimate, `thetas` one list like it per replicate. A replicate
    /// whose estimate can't be had (NaN) is left out for that estimate, and the scales of the
    /// others stay as they are; the second value counts them. The variance is NaN where fewer than
    /// two replicates are left, or where those left do not vary while others are lost: all of a
    /// small domain then sits in what the lost replicates leave out.
    pub fn variance(&self, full: &[f64], thetas: &[Vec<f64>]) -> (nalgebra::DMatrix<f64>, usize) {
        let k = full.len();
        let mut v = nalgebra::DMatrix::zeros(k, k);
        let spread = Spread::new(self, full, thetas);
        spread.each(self, thetas, |scale, off| {
            for i in (0..k).filter(|&i| off[i] != 0.0) {
                for j in 0..k {
                    v[(i, j)] += scale * off[i] * off[j];
                }
            }
        });
        for i in (0..k).filter(|&i| spread.is_unknown[i]) {
            v.row_mut(i).fill(f64::NAN);
            v.column_mut(i).fill(f64::NAN);
        }
        (v, spread.lost)
    }

    /// The variances alone, the diagonal of [`Replicates::variance`]: for tables whose matrix
    /// would not fit into the memory.
    pub fn variances(&self, full: &[f64], thetas: &[Vec<f64>]) -> (Vec<f64>, usize) {
        let mut v = vec![0.0; full.len()];
        let spread = Spread::new(self, full, thetas);
        spread.each(self, thetas, |scale, off| {
            v.iter_mut().zip(off).for_each(|(v, off)| *v += scale * off * off);
        });
        for (v, _) in v.iter_mut().zip(&spread.is_unknown).filter(|(_, unknown)| **unknown) {
            *v = f64::NAN;
        }
        (v, spread.lost)
    }
}

/// What the estimates of the replicates are held against.
struct Spread {
    centre: Vec<f64>,
    is_unknown: Vec<bool>,
    lost: usize,
}

impl Spread {
    fn new(replicates: &Replicates, full: &[f64], thetas: &[Vec<f64>]) -> Spread {
        let k = full.len();
        let mut spread = Spread { centre: full.to_vec(), is_unknown: vec![false; k], lost: 0 };
        for i in 0..k {
            let known = || thetas.iter().zip(&replicates.rscales).filter(|(t, _)| t[i].is_finite());
            if !replicates.mse {
                let counted = || known().filter(|(_, scale)| **scale > 0.0).map(|(t, _)| t[i]);
                spread.centre[i] = counted().sum::<f64>() / counted().count() as f64;
            }
            let centre = spread.centre[i];
            let found = known().count();
            let widest = known().map(|(t, _)| (t[i] - centre).abs()).fold(0.0, f64::max);
            let stands_still = found < thetas.len() && widest <= 1e-12 * centre.abs();
            spread.is_unknown[i] = found < 2 || stands_still;
            if full[i].is_finite() {
                spread.lost += thetas.len() - found;
            }
        }
        spread
    }

    /// Hands on the scale of each replicate and the deviations of its estimates, 0 for those that
    /// could not be had.
    fn each(
        &self,
        replicates: &Replicates,
        thetas: &[Vec<f64>],
        mut take: impl FnMut(f64, &[f64]),
    ) {
        let mut off = vec![0.0; self.centre.len()];
        for (theta, scale) in thetas.iter().zip(&replicates.rscales) {
            for ((off, theta), centre) in off.iter_mut().zip(theta).zip(&self.centre) {
                let deviation = theta - centre;
                *off = if deviation.is_finite() { deviation } else { 0.0 };
            }
            take(replicates.scale * scale, &off);
        }
    }
}

fn column_weights(
    columns: &[Arc<Numbers>],
    combined: bool,
    full: f64,
    row: usize,
    out: &mut [f64],
) {
    for (slot, column) in out.iter_mut().zip(columns) {
        let w = column.get(row);
        let w = if combined { w } else { w * full };
        *slot = if w.is_nan() { 0.0 } else { w };
    }
}

/// Rank of a matrix of `rows` × `count` replicate weights. A column counts unless less than 1e-5
/// of its length lies outside the span of the ones before it.
fn rank(rows: usize, count: usize, fill: impl Fn(usize, &mut [f64]) + Sync) -> usize {
    use rayon::prelude::*;
    const BLOCK: usize = 4096;
    let parts: Vec<ndarray::Array2<f64>> = (0..rows.div_ceil(BLOCK))
        .into_par_iter()
        .map(|b| {
            let range = b * BLOCK..((b + 1) * BLOCK).min(rows);
            let mut block = ndarray::Array2::zeros((range.len(), count));
            let mut buffer = vec![0.0; count];
            for (mut out, row) in block.rows_mut().into_iter().zip(range) {
                buffer.fill(0.0);
                fill(row, &mut buffer);
                out.iter_mut().zip(&buffer).for_each(|(o, b)| *o = *b);
            }
            block.t().dot(&block)
        })
        .collect();
    let mut g = ndarray::Array2::<f64>::zeros((count, count));
    parts.iter().for_each(|p| g += p);
    // Cholesky in the given order, leaving out columns that are spanned.
    let mut kept: Vec<(usize, Vec<f64>)> = Vec::new();
    for j in 0..count {
        let mut l = Vec::with_capacity(kept.len() + 1);
        for (i, row) in &kept {
            let done: f64 = row.iter().zip(&l).map(|(a, b)| a * b).sum();
            l.push((g[(*i, j)] - done) / row[row.len() - 1]);
        }
        let rest = g[(j, j)] - l.iter().map(|x| x * x).sum::<f64>();
        if rest > 1e-10 * g[(j, j)] {
            l.push(rest.sqrt());
            kept.push((j, l));
        }
    }
    kept.len()
}
