//! Weighting repeated on every replicate.

use std::sync::Arc;

use rayon::prelude::*;

use super::scheme::{ReplicateError, ReplicateWeights, Replicates};
use crate::data::Numbers;
use crate::design::UnitTree;
use crate::weight::{Ledger, ReplicateOf};

impl Replicates {
    /// One replicate's weight of every row, from the full-sample weight. A row without a replicate
    /// weight has zero: only rows outside the full sample may lack one.
    pub fn weight(&self, tree: &UnitTree, full: &[f64], replicate: usize) -> Vec<f64> {
        match &self.weights {
            ReplicateWeights::Columns { columns, combined } => {
                let mut w = columns[replicate].to_vec();
                // Missing where the full-sample weight is zero: outside the sample.
                w.iter_mut().filter(|w| w.is_nan()).for_each(|w| *w = 0.0);
                if !combined {
                    w.iter_mut().zip(full).for_each(|(r, f)| *r *= f);
                }
                w.iter_mut().filter(|w| w.is_nan()).for_each(|w| *w = 0.0);
                w
            }
            ReplicateWeights::Factors { factors, replicates } => full
                .iter()
                .zip(&tree.unit_of_row)
                .map(|(w, &unit)| w * factors[unit as usize * replicates + replicate])
                .collect(),
        }
    }

    /// The replicates after the steps of a ledger, each repeated from the replicate's own weights
    /// (Valliant 1993; Rao and Shao 1999): so that the variance knows of the weighting.
    ///
    /// Without steps the replicates are returned as they are. Where totals are estimates of another
    /// survey, each replicate has its own, and the variance is taken about the full-sample estimate.
    ///
    /// # Errors
    /// When a step does not meet its totals on some replicate.
    pub fn reweighted(
        self,
        tree: &UnitTree,
        ledger: &Ledger,
    ) -> Result<Replicates, ReplicateError> {
        if ledger.steps().len() == 1 {
            return Ok(self);
        }
        let base = &ledger.steps()[0].weights;
        let counts: Vec<f64> = self.rscales.iter().map(|r| self.scale * r).collect();
        let columns = (0..self.weights.count())
            .into_par_iter()
            .map(|r| {
                ledger
                    .replay_on(
                        &self.weight(tree, base, r),
                        &ReplicateOf { index: r, counts: &counts },
                    )
                    .map(|w| Arc::new(Numbers::F64(w)))
                    .map_err(|error| ReplicateError::Weighting { replicate: r + 1, error })
            })
            .collect::<Result<Vec<_>, _>>()?;
        // Replicates that are moved about estimated totals are not centred on their own mean.
        let mse = self.mse || ledger.has_estimated_totals();
        let weights = ReplicateWeights::Columns { columns, combined: true };
        Ok(Replicates { weights, mse, ..self })
    }
}
