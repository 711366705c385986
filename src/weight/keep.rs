//! Trimming that keeps what the weights were calibrated to.

use std::sync::Arc;

use super::calibrate::Bounds;
use super::error::WeightError;
use super::step::{Done, WeightingStep};
use super::trim::{Cut, Trimming};

/// Rounds of cutting and calibrating again; each goes some way, so that more are no use.
const ROUNDS: usize = 500;

/// How far a weight may lie beyond its limit after the last round, relative.
const BEYOND: f64 = 1e-6;

/// How limits of weights and the totals of the calibration before are both kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeepMargins {
    /// Cut, calibrate as before, cut again, until both hold. Limits can differ between groups.
    Alternate,
    /// The weights nearest to those before, in Σ (w' − w)²/w, within the limits and with the same
    /// totals.
    Exact,
}

/// A trimming after which the totals of the last calibration hold again, ready to be carried out.
///
/// [`KeepMargins::Exact`] solves one problem: minimise Σ (w' − w)²/w subject to Σ w' x = t and
/// L ≤ w' ≤ U, the range-restricted euclidean distance of ReGenesees `trimcal` (Zardetto 2015; a
/// variant of the generalised exponential method of Folsom and Singh 2000).
/// [`KeepMargins::Alternate`] repeats two steps.
#[derive(Debug, Clone)]
pub(super) struct Keeping {
    pub trimming: Trimming,
    pub how: KeepMargins,
    /// The calibration whose totals are kept.
    pub calibration: Arc<dyn WeightingStep>,
    /// Its place in the ledger.
    pub step: usize,
}

struct Kept {
    done: Done,
    cuts: Vec<Cut>,
    rounds: usize,
}

impl Keeping {
    fn solve(&self, before: &Arc<Vec<f64>>) -> Result<Kept, WeightError> {
        let limits = self.trimming.limits(before)?;
        match self.how {
            KeepMargins::Exact => self.exact(before, &limits),
            KeepMargins::Alternate => self.alternate(before, &limits),
        }
    }

    fn exact(&self, before: &Arc<Vec<f64>>, limits: &[(f64, f64)]) -> Result<Kept, WeightError> {
        let mut each = limits.iter();
        let Some(&(lower, upper)) = each.next() else {
            return Err(WeightError::Trim("there is no weight to trim".to_string()));
        };
        if each.any(|other| *other != (lower, upper)) {
            let message = "the exact solution has one pair of limits for all weights; groups with \
                           limits of their own need the alternating one";
            return Err(WeightError::Trim(message.to_string()));
        }
        // A weight below zero stands for nobody.
        let lower = if lower == f64::NEG_INFINITY { 0.0 } else { lower };
        let bounded =
            self.calibration.within_weights(Bounds { lower, upper }).ok_or_else(|| {
                WeightError::Trim("the step before is no calibration to totals".to_string())
            })?;
        let done = bounded.carry_out(before).map_err(|error| match error {
            why @ (WeightError::NotReached(_) | WeightError::Infeasible { .. }) => {
                WeightError::Trim(format!(
                    "no weights between {lower} and {upper} keep the totals of step {}: {why}",
                    self.step
                ))
            }
            other => other,
        })?;
        let cuts = self.cuts(before, &done.weights, limits)?;
        Ok(Kept { done, cuts, rounds: 1 })
    }

    fn alternate(
        &self,
        before: &Arc<Vec<f64>>,
        limits: &[(f64, f64)],
    ) -> Result<Kept, WeightError> {
        let mut weights = before.clone();
        let mut worst = f64::INFINITY;
        for round in 1..=ROUNDS {
            let trimmed = Arc::new(self.trimming.apply_limits(&weights, limits)?.0);
            let after = Arc::new(self.calibration.repeat(&trimmed)?);
            worst = self.beyond(&after, limits);
            if worst <= BEYOND {
                // Once more, for what people and the variance need to know of it.
                let done = self.calibration.carry_out(&trimmed)?;
                let cuts = self.cuts(before, &done.weights, limits)?;
                return Ok(Kept { done, cuts, rounds: round });
            }
            weights = after;
        }
        Err(WeightError::Trim(format!(
            "after {ROUNDS} rounds of trimming and calibrating a weight is still {:.3} % beyond its \
             limit: limits and totals contradict each other, or nearly",
            100.0 * worst
        )))
    }

    /// How far the worst weight lies beyond its limits, relative to them.
    fn beyond(&self, weights: &[f64], limits: &[(f64, f64)]) -> f64 {
        let of_row = |(row, &w): (usize, &f64)| {
            let group = self.trimming.groups.codes.get(row) as usize;
            let &(lower, upper) = limits.get(group).filter(|_| w != 0.0)?;
            let above = (w - upper) / upper.abs().max(f64::MIN_POSITIVE);
            let below = (lower - w) / lower.abs().max(f64::MIN_POSITIVE);
            Some(above.max(below))
        };
        weights.iter().enumerate().filter_map(of_row).fold(0.0, f64::max)
    }

    /// What changed in every group.
    fn cuts(
        &self,
        before: &[f64],
        after: &[f64],
        limits: &[(f64, f64)],
    ) -> Result<Vec<Cut>, WeightError> {
        let mut cuts: Vec<Cut> = limits
            .iter()
            .map(|&(lower, upper)| Cut { lower, upper, n: 0, raised: 0, lowered: 0, moved: 0.0 })
            .collect();
        for (row, (&b, &a)) in before.iter().zip(after).enumerate().filter(|(_, (b, _))| **b != 0.0)
        {
            let Some(cut) = cuts.get_mut(self.trimming.groups.codes.get(row) as usize) else {
                continue;
            };
            cut.n += 1;
            cut.lowered += u64::from(b > cut.upper);
            cut.raised += u64::from(b < cut.lower);
            cut.moved += (a - b).abs() / 2.0;
        }
        Ok(cuts)
    }
}

impl WeightingStep for Keeping {
    fn carry_out(&self, before: &Arc<Vec<f64>>) -> Result<Done, WeightError> {
        let Kept { mut done, cuts, rounds } = self.solve(before)?;
        let beyond = cuts.iter().map(|c| c.lowered + c.raised).sum::<u64>();
        let how = match self.how {
            KeepMargins::Exact => "at the smallest distance",
            KeepMargins::Alternate => "by turns of cutting and calibrating",
        };
        done.kind = "trim".to_string();
        done.description = format!(
            "trimmed{}, keeping the totals of step {} {how}",
            if cuts.len() > 1 { " within groups" } else { "" },
            self.step
        );
        done.outcome = format!(
            "{beyond} weights were beyond a limit{}; {}",
            if rounds > 1 { format!("; {rounds} rounds") } else { String::new() },
            done.outcome
        );
        done.details.insert(0, self.trimming.table(&cuts));
        done.variance.push_str("; that limits hold some weights fast is ignored");
        Ok(done)
    }

    fn repeat(&self, before: &[f64]) -> Result<Vec<f64>, WeightError> {
        let kept = self.solve(&Arc::new(before.to_vec()))?;
        Ok(kept.done.weights.to_vec())
    }

    fn within_weights(&self, bounds: Bounds) -> Option<Arc<dyn WeightingStep>> {
        self.calibration.within_weights(bounds)
    }
}
