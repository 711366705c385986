//! Which samples could have drawn a row.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::CombineError;
use crate::data::{Codes, Numbers};

/// What is known of every row under every sample.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Frames {
    /// The probability with which each sample draws the row; 0 where it can't.
    Probabilities(Vec<Arc<Numbers>>),
    /// Whether each sample could have drawn the row.
    Membership(Vec<Arc<Vec<bool>>>),
}

impl Frames {
    /// Number of samples.
    pub(super) fn len(&self) -> usize {
        match self {
            Frames::Probabilities(columns) => columns.len(),
            Frames::Membership(columns) => columns.len(),
        }
    }

    /// The probability under a sample; NaN where only membership is known.
    pub(super) fn probability(&self, sample: usize, row: usize) -> f64 {
        match self {
            Frames::Probabilities(columns) => columns[sample].get(row),
            Frames::Membership(_) => f64::NAN,
        }
    }

    fn covers(&self, sample: usize, row: usize) -> bool {
        match self {
            Frames::Probabilities(columns) => columns[sample].get(row) > 0.0,
            Frames::Membership(columns) => columns[sample][row],
        }
    }
}

/// The samples that could have drawn each row, as a set of bits.
///
/// Rows that share a set are a *domain* of the combination (Hartley's a, b and ab for two frames).
#[derive(Debug, Clone)]
pub struct Coverage {
    /// Name of every sample.
    pub samples: Vec<String>,
    /// The sample that drew each row; [`Codes::NONE`] outside.
    pub sample: Arc<Codes>,
    /// Bit k is set where sample k could have drawn the row.
    pub masks: Arc<Vec<u32>>,
}

impl Coverage {
    /// Reads coverage off frames, for rows with a weight.
    ///
    /// # Errors
    /// When a row with a weight is of no sample, a sample has no row, or a probability is missing or
    /// outside 0 to 1.
    pub fn new(
        samples: Vec<String>,
        sample: Arc<Codes>,
        frames: &Frames,
        weights: &[f64],
    ) -> Result<Coverage, CombineError> {
        match samples.len() {
            0 | 1 => return Err(CombineError::TooFew(samples.len())),
            33.. => return Err(CombineError::TooMany(samples.len())),
            _ => {}
        }
        let used = |&row: &usize| weights[row] != 0.0;
        let rows = || (0..weights.len()).filter(used);
        let lost = rows().filter(|&r| sample.get(r) as usize >= samples.len());
        if let Some(first) = lost.clone().next() {
            return Err(CombineError::NoSample { count: lost.count(), row: first + 1 });
        }
        let mut seen = vec![false; samples.len()];
        rows().for_each(|r| seen[sample.get(r) as usize] = true);
        if let Some(k) = seen.iter().position(|s| !s) {
            return Err(CombineError::Empty { sample: samples[k].clone() });
        }
        if let Frames::Probabilities(columns) = frames {
            for (k, column) in columns.iter().enumerate() {
                let bad = rows().filter(|&r| !(0.0..=1.0).contains(&column.get(r)));
                if let Some(first) = bad.clone().next() {
                    return Err(CombineError::Probability {
                        sample: samples[k].clone(),
                        value: column.get(first),
                        row: first + 1,
                        count: bad.count(),
                    });
                }
            }
        }
        let mask = |row: usize| {
            if weights[row] == 0.0 {
                return 0;
            }
            (0..samples.len()).filter(|&k| frames.covers(k, row)).fold(0, |m, k| m | 1_u32 << k)
        };
        let masks = Arc::new((0..weights.len()).map(mask).collect());
        Ok(Coverage { samples, sample, masks })
    }

    /// True where the sample that drew a row could not have drawn it: a member of a boost who is
    /// not of its target.
    pub(super) fn is_outside(&self, row: usize) -> bool {
        let own = self.sample.get(row);
        own as usize >= self.samples.len() || self.masks[row] & (1 << own) == 0
    }

    /// True when some row could have been drawn by several samples.
    pub(super) fn overlaps(&self) -> bool {
        self.masks.iter().any(|m| m.count_ones() > 1)
    }

    /// The names of a set of samples.
    pub(super) fn names(&self, mask: u32) -> String {
        let set = |k: &usize| mask & (1 << k) != 0;
        let names: Vec<&str> =
            (0..self.samples.len()).filter(set).map(|k| self.samples[k].as_str()).collect();
        if names.is_empty() { "none".to_string() } else { names.join(" + ") }
    }

    /// Rows and sums of weights by domain and sample.
    pub(super) fn sums(&self, weights: &[f64]) -> BTreeMap<(u32, u32), CellSums> {
        let mut found: BTreeMap<(u32, u32), CellSums> = BTreeMap::new();
        for (row, &w) in weights.iter().enumerate().filter(|(_, w)| **w != 0.0) {
            let cell = found.entry((self.masks[row], self.sample.get(row))).or_default();
            cell.n += 1;
            cell.sum += w;
            cell.squares += w * w;
        }
        found
    }
}

/// Rows of a cell and sums of their weights.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct CellSums {
    pub n: u64,
    pub sum: f64,
    pub squares: f64,
}

impl CellSums {
    /// Kish's effective size, (Σw)²/Σw².
    pub fn effective(&self) -> f64 {
        if self.squares > 0.0 { self.sum * self.sum / self.squares } else { 0.0 }
    }
}
