//! Replicate weights that come with the data.

use std::sync::Arc;

use super::error::ReplicateError;
use super::method::ReplicateMethod;
use super::rank::{column_weights, rank};
use super::scheme::{ReplicateDf, ReplicateWeights, Replicates};
use crate::data::Numbers;
use crate::design::UnitTree;

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
            ReplicateMethod::Jk1 | ReplicateMethod::DeleteAGroup => Some((r - 1.0) / r),
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
            mse: mse.unwrap_or(matches!(method, ReplicateMethod::Sdr | ReplicateMethod::Jk2)),
            df: rank as f64 - 1.0,
            df_rule: ReplicateDf::Rank,
            ..Replicates::default()
        })
    }

    /// Degrees of freedom among the rows of a subpopulation: the rank of the replicate weights of
    /// its rows, less one (R `degf`).
    pub fn df_within(&self, tree: &UnitTree, full: &[f64], inside: &[bool]) -> f64 {
        let counts = |row: usize| inside[row] && full[row] != 0.0;
        let rank = match (&self.weights, &self.after) {
            (ReplicateWeights::Columns { columns, combined }, _) => {
                rank(full.len(), columns.len(), |row, out| {
                    if inside[row] {
                        column_weights(columns, *combined, full[row], row, out);
                    }
                })
            }
            (ReplicateWeights::Factors(factors), Some(_)) => {
                let all: Vec<Vec<f64>> =
                    (0..factors.count()).map(|r| self.weight(tree, full, r)).collect();
                rank(full.len(), factors.count(), |row, out| {
                    if inside[row] {
                        out.iter_mut().zip(&all).for_each(|(o, w)| *o = w[row]);
                    }
                })
            }
            (ReplicateWeights::Factors(factors), None) => {
                let mut weight = vec![0.0; tree.units()];
                for row in (0..full.len()).filter(|&r| counts(r)) {
                    weight[tree.unit_of_row[row] as usize] += full[row];
                }
                let all: Vec<Vec<f64>> = (0..factors.count()).map(|r| factors.of(r)).collect();
                rank(tree.units(), factors.count(), |unit, out| {
                    out.iter_mut().zip(&all).for_each(|(o, f)| *o = weight[unit] * f[unit]);
                })
            }
        };
        rank as f64 - 1.0
    }
}
