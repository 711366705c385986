//! Weighting repeated on every replicate.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::error::ReplicateError;
use super::factors::Factors;
use super::scheme::{ReplicateWeights, Replicates};
use crate::aggregate::{DomainCodes, GroupedRequest, LANES, Lane, Measure, grouped_sums};
use crate::data::{Codes, Numbers};
use crate::design::UnitTree;
use crate::weight::{CellRecipe, Ledger, ReplicateOf, StepFactors, WeightError};

/// Rows handed to one task at a time; fixed, so that results do not depend on the number of threads.
const BLOCK: usize = 1 << 16;

/// Replicate weights that are held at once, at most (8 gigabytes).
pub const MOST_WEIGHTS: usize = 1 << 30;

/// The weighting of every replicate in short: what each step multiplies the weights of its cells with.
///
/// The weight of a row in replicate r is its base weight × the factor of its unit × those of its cell.
#[derive(Debug)]
pub struct Reweighting {
    base: Arc<Vec<f64>>,
    recipe: CellRecipe,
    solved: Vec<Vec<StepFactors>>,
}

impl Reweighting {
    /// The factors of all cells in a block of replicates.
    fn block(&self, block: usize) -> Vec<Lane> {
        let own = block * LANES..((block + 1) * LANES).min(self.solved.len());
        let own: Vec<&[StepFactors]> = self.solved[own].iter().map(Vec::as_slice).collect();
        self.recipe.factors(&own)
    }

    /// The factor of each cell in one replicate.
    fn of(&self, replicate: usize) -> Vec<f64> {
        self.recipe.factors(&[&self.solved[replicate]]).into_iter().map(|g| g[0]).collect()
    }

    /// Slot totals by replicate and domain: `domains × width` per replicate.
    pub fn domain_sums(
        &self,
        tree: &UnitTree,
        factors: &Factors,
        domains: &DomainCodes,
        measures: &[Measure<'_>],
    ) -> Vec<Vec<f64>> {
        let sums = grouped_sums(&GroupedRequest {
            tree,
            weights: &self.base,
            cells: &self.recipe.of_row,
            count: self.recipe.cells,
            measures: Some((domains, measures)),
        });
        let blocks: Vec<Vec<Lane>> = (0..factors.count().div_ceil(LANES))
            .into_par_iter()
            .map(|b| sums.domain_totals(&factors.block(b), &self.block(b), domains.count))
            .collect();
        let lane = |r: usize| blocks[r / LANES].iter().map(|t| t[r % LANES]).collect();
        (0..factors.count()).map(lane).collect()
    }
}

impl Replicates {
    /// One replicate's weight of every row, from the full-sample weight. A row without a replicate
    /// weight has zero: only rows outside the full sample may lack one.
    pub fn weight(&self, tree: &UnitTree, full: &[f64], replicate: usize) -> Vec<f64> {
        self.weight_of(tree, full, replicate, 0..full.len())
    }

    /// The same for a run of rows.
    pub fn weight_of(
        &self,
        tree: &UnitTree,
        full: &[f64],
        replicate: usize,
        rows: Range<usize>,
    ) -> Vec<f64> {
        let units = tree.unit_of_row[rows.clone()].iter();
        match (&self.weights, &self.after) {
            (ReplicateWeights::Columns { columns, combined }, _) => rows
                .map(|row| {
                    let w = columns[replicate].get(row);
                    let w = if *combined { w } else { w * full[row] };
                    // Missing where the full-sample weight is zero: outside the sample.
                    if w.is_nan() { 0.0 } else { w }
                })
                .collect(),
            (ReplicateWeights::Factors(factors), None) => {
                let factors = factors.of(replicate);
                full[rows].iter().zip(units).map(|(w, &unit)| w * factors[unit as usize]).collect()
            }
            (ReplicateWeights::Factors(factors), Some(after)) => {
                let (factors, g) = (factors.of(replicate), after.of(replicate));
                rows.zip(units)
                    .map(|(row, &unit)| match after.recipe.of_row.get(row) {
                        Codes::NONE => 0.0,
                        cell => after.base[row] * factors[unit as usize] * g[cell as usize],
                    })
                    .collect()
            }
        }
    }

    /// The replicates after the steps of a ledger, each repeated from the replicate's own weights
    /// (Valliant 1993; Rao and Shao 1999): so that the variance knows of the weighting.
    ///
    /// Without steps the replicates are returned as they are. Steps that look at categories only are
    /// repeated on sums by cell ([`Ledger::on_cells`]), others row by row.
    /// Where totals are estimates of another survey, each replicate has its own, and the variance is
    /// taken about the full-sample estimate.
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
        // Given weights of rows outside the full sample, which have no cell, are taken row by row.
        let outside = matches!(&self.weights, ReplicateWeights::Columns { combined: true, .. })
            && base.contains(&0.0);
        let recipe = if outside { None } else { ledger.on_cells() };
        match (recipe, &self.weights) {
            (Some(recipe), ReplicateWeights::Factors(factors)) => {
                let sums = grouped_sums(&GroupedRequest {
                    tree,
                    weights: base,
                    cells: &recipe.of_row,
                    count: recipe.cells,
                    measures: None,
                });
                let solved = in_blocks(&recipe, factors.count(), |block| {
                    sums.cell_totals(&factors.block(block))
                })?;
                drop(sums);
                let after = Arc::new(Reweighting { base: base.clone(), recipe, solved });
                Ok(Replicates { after: Some(after), ..self })
            }
            (Some(recipe), ReplicateWeights::Columns { .. }) => {
                let count = self.weights.count();
                let weight = |replicate: usize| self.weight(tree, base, replicate);
                let solved = in_blocks(&recipe, count, |block| {
                    let mut totals = vec![[0.0; LANES]; recipe.cells];
                    for lane in 0..LANES.min(count - block * LANES) {
                        add_by_cell(&weight(block * LANES + lane), &recipe, lane, &mut totals);
                    }
                    totals
                })?;
                let after = Reweighting { base: base.clone(), recipe, solved };
                let columns = (0..count)
                    .into_par_iter()
                    .map(|r| {
                        let (mut w, g) = (weight(r), after.of(r));
                        for (row, w) in w.iter_mut().enumerate() {
                            if let Some(g) = g.get(after.recipe.of_row.get(row) as usize) {
                                *w *= g;
                            }
                        }
                        Arc::new(Numbers::F64(w))
                    })
                    .collect();
                let weights = ReplicateWeights::Columns { columns, combined: true };
                Ok(Replicates { weights, ..self })
            }
            (None, _) => {
                let (rows, replicates) = (base.len(), self.weights.count());
                if rows.saturating_mul(replicates) > MOST_WEIGHTS {
                    return Err(ReplicateError::TooLarge { rows, replicates });
                }
                let counts: Vec<f64> = self.rscales.iter().map(|r| self.scale * r).collect();
                let columns = (0..self.weights.count())
                    .into_par_iter()
                    .map(|r| {
                        let of = ReplicateOf { index: r, counts: &counts };
                        let replayed = ledger.replay_on(&self.weight(tree, base, r), &of);
                        replayed.map(|w| Arc::new(Numbers::F64(w))).map_err(|e| on_replicate(r, e))
                    })
                    .collect::<Result<Vec<_>, _>>()?;
                // Replicates that are moved about estimated totals are not centred on their own mean.
                let mse = self.mse || ledger.has_estimated_totals();
                let weights = ReplicateWeights::Columns { columns, combined: true };
                Ok(Replicates { weights, mse, ..self })
            }
        }
    }
}

fn on_replicate(replicate: usize, error: WeightError) -> ReplicateError {
    ReplicateError::Weighting { replicate: replicate + 1, error }
}

/// Repeats the steps on all replicates, block by block.
fn in_blocks(
    recipe: &CellRecipe,
    count: usize,
    totals: impl Fn(usize) -> Vec<Lane> + Sync,
) -> Result<Vec<Vec<StepFactors>>, ReplicateError> {
    let blocks = (0..count.div_ceil(LANES))
        .into_par_iter()
        .map(|block| {
            let lanes = LANES.min(count - block * LANES);
            let solved = recipe.solve(totals(block), lanes);
            solved.map_err(|(lane, error)| on_replicate(block * LANES + lane, error))
        })
        .collect::<Vec<_>>();
    // The first replicate that fails is named, whichever was tried first.
    let blocks = blocks.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(blocks.into_iter().flatten().collect())
}

fn add_by_cell(weights: &[f64], recipe: &CellRecipe, lane: usize, totals: &mut [Lane]) {
    let mut codes = vec![0; BLOCK.min(weights.len())];
    for (block, weights) in weights.chunks(BLOCK).enumerate() {
        let first = block * BLOCK;
        let codes = &mut codes[..weights.len()];
        recipe.of_row.fill(first..first + weights.len(), codes);
        for (&cell, w) in codes.iter().zip(weights) {
            if let Some(total) = totals.get_mut(cell as usize) {
                total[lane] += w;
            }
        }
    }
}
