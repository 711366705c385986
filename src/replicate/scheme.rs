//! A set of replicates: weights, scales and centring.

use std::sync::Arc;

use super::factors::Factors;
use super::make::Resampling;
use super::method::ReplicateMethod;
use super::reweight::Reweighting;
use crate::data::Numbers;

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
    /// A factor of the full-sample weight per deepest unit and replicate.
    Factors(Factors),
}

impl ReplicateWeights {
    /// Number of replicates.
    pub fn count(&self) -> usize {
        match self {
            ReplicateWeights::Columns { columns, .. } => columns.len(),
            ReplicateWeights::Factors(factors) => factors.count(),
        }
    }
}

/// Where the degrees of freedom of replicates come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ReplicateDf {
    /// The rank of the replicate weights less one (R `degf`).
    #[default]
    Rank,
    /// PSUs less strata of the design the replicates were made from, and of the domain: the factors
    /// add no information to it.
    Design,
    /// The number of groups or replicates less one, where that is smaller.
    Count,
    /// Given by the user.
    Given,
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
    /// Where they come from.
    pub df_rule: ReplicateDf,
    /// How the replicates were made, where they do not come with the data.
    pub made: Option<Resampling>,
    /// The weighting repeated on factors, where that was done on cells.
    pub after: Option<Arc<Reweighting>>,
    /// What their variance does not see, in words.
    pub notes: Vec<String>,
    /// The coefficient of variation that a standard error may have from chance in the factors.
    pub target_cv: f64,
}

impl Default for Replicates {
    /// No replicates.
    fn default() -> Replicates {
        Replicates {
            method: ReplicateMethod::Other,
            weights: ReplicateWeights::Factors(Factors::table(0, 0, Vec::new())),
            scale: 1.0,
            rscales: Vec::new(),
            mse: false,
            df: 0.0,
            df_rule: ReplicateDf::Rank,
            made: None,
            after: None,
            notes: Vec::new(),
            target_cv: 0.05,
        }
    }
}

impl Replicates {
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
