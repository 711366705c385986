//! What can be estimated from sums by domain, and its linearisation.

use crate::aggregate::{Measure, MeasureTotals};
use crate::data::{Codes, Numbers};

/// One variable (or pair) to estimate something of.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Quantity<'a> {
    /// Σ w y / Σ w.
    Mean(&'a Numbers),
    /// Σ w y.
    Total(&'a Numbers),
    /// Σ w y / Σ w x over rows with both.
    Ratio(&'a Numbers, &'a Numbers),
    /// Σ w 1(level) / Σ w for every level of a categorical variable.
    Proportions(&'a Codes, usize),
    /// Σ w 1(level) for every level.
    LevelTotals(&'a Codes, usize),
}

/// A linear combination of at most two slots.
pub(super) type Form = [(usize, f64); 2];

impl<'a> Quantity<'a> {
    /// How many estimates it gives in every domain.
    pub fn outcomes(&self) -> usize {
        match self {
            Quantity::Mean(_) | Quantity::Total(_) | Quantity::Ratio(..) => 1,
            Quantity::Proportions(_, levels) | Quantity::LevelTotals(_, levels) => *levels,
        }
    }

    pub(super) fn measure(&self) -> Measure<'a> {
        match *self {
            Quantity::Mean(y) | Quantity::Total(y) => Measure::Number(y),
            Quantity::Ratio(y, x) => Measure::Pair(y, x),
            Quantity::Proportions(c, l) | Quantity::LevelTotals(c, l) => Measure::Levels(c, l),
        }
    }

    /// The estimate from the slot totals of a domain; NaN where it can't be had.
    pub(super) fn value(&self, outcome: usize, slots: &[f64]) -> f64 {
        match self {
            Quantity::Mean(_) => slots[1] / slots[0],
            Quantity::Total(_) => slots[1],
            Quantity::Ratio(..) => slots[1] / slots[2],
            Quantity::Proportions(..) => slots[1 + outcome] / slots[0],
            Quantity::LevelTotals(..) => slots[1 + outcome],
        }
    }

    /// The population variance of the linearised variable of one row.
    pub(super) fn sigma2(
        &self,
        outcome: usize,
        slots: &[f64],
        moments: &MeasureTotals,
        centre: [f64; 2],
    ) -> f64 {
        let w = slots[0];
        match self {
            Quantity::Mean(_) | Quantity::Total(_) => {
                let (mean, square) = (slots[1] / w - centre[0], moments.wyy / w);
                let sigma2 = square - mean * mean;
                // What is left of a constant is rounding.
                if sigma2 > 1e-13 * square { sigma2 } else { 0.0 }
            }
            Quantity::Ratio(..) => {
                let (ratio, x_mean) = (slots[1] / slots[2], slots[2] / w);
                let shift = centre[0] - ratio * centre[1];
                let square = moments.wyy - 2.0 * ratio * moments.wxy + ratio * ratio * moments.wxx;
                ((square / w - shift * shift) / (x_mean * x_mean)).max(0.0)
            }
            Quantity::Proportions(..) | Quantity::LevelTotals(..) => {
                let p = slots[1 + outcome] / w;
                p * (1.0 - p)
            }
        }
    }

    /// The linearisation: the estimate moves as this combination of the slots.
    pub(super) fn form(&self, outcome: usize, slots: &[f64]) -> Form {
        let value = self.value(outcome, slots);
        match self {
            Quantity::Mean(_) => [(0, -value / slots[0]), (1, 1.0 / slots[0])],
            Quantity::Total(_) => [(0, 0.0), (1, 1.0)],
            Quantity::Ratio(..) => [(2, -value / slots[2]), (1, 1.0 / slots[2])],
            Quantity::Proportions(..) => [(0, -value / slots[0]), (1 + outcome, 1.0 / slots[0])],
            Quantity::LevelTotals(..) => [(0, 0.0), (1 + outcome, 1.0)],
        }
    }
}
