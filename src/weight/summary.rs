//! What a weighting step did, in numbers a reader can check.

use rayon::prelude::*;
use serde::Serialize;

use super::diagnostics::StepDiagnostics;
use crate::numeric::{Sum, order_statistics};

/// Rows handed to one task at a time.
const BLOCK: usize = 1 << 16;

/// Distribution of a set of weights other than zero. Linear calibration can make some negative: `min`
/// shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WeightSummary {
    /// Rows with a weight other than zero.
    pub n: u64,
    /// Rows with weight zero.
    pub zero: u64,
    /// Their sum.
    pub sum: f64,
    /// Smallest.
    pub min: f64,
    /// First quartile.
    pub q1: f64,
    /// Median.
    pub median: f64,
    /// Third quartile.
    pub q3: f64,
    /// Largest.
    pub max: f64,
    /// Coefficient of variation.
    pub cv: f64,
    /// Kish design effect: 1 + CV² = n Σw²/(Σw)².
    pub deff_kish: f64,
    /// Effective sample size: n ÷ `deff_kish`.
    pub n_eff: f64,
}

impl WeightSummary {
    /// Summarises a set of weights. Quartiles are inverses of the distribution function of the
    /// weights themselves, each counted once.
    pub fn of(weights: &[f64]) -> WeightSummary {
        let is_used = |w: f64| w != 0.0;
        // Blocks of rows and their order are fixed, whatever the number of threads.
        let blocks: Vec<(Sum, Sum, usize)> = weights
            .par_chunks(BLOCK)
            .map(|block| {
                let (mut sum, mut squares, mut n) = (Sum::default(), Sum::default(), 0);
                for &w in block.iter().filter(|w| is_used(**w)) {
                    sum.add(w);
                    squares.add(w * w);
                    n += 1;
                }
                (sum, squares, n)
            })
            .collect();
        let (mut sum, mut squares, mut n) = (Sum::default(), Sum::default(), 0);
        for (own, own_squares, rows) in blocks {
            sum.merge(own);
            squares.merge(own_squares);
            n += rows;
        }
        let (sum, squares) = (sum.value(), squares.value());
        let rank = |p: f64| ((p * n as f64).ceil() as usize).max(1) - 1;
        let ranks = [0.0, 0.25, 0.5, 0.75, 1.0].map(rank);
        let order = order_statistics(weights, is_used, &ranks);
        let at = |i: usize| if n == 0 { 0.0 } else { order[i] };
        let (min, q1, median, q3, max) = (at(0), at(1), at(2), at(3), at(4));
        let deff_kish = if n > 0 { n as f64 * squares / (sum * sum) } else { 1.0 };
        WeightSummary {
            n: n as u64,
            zero: (weights.len() - n) as u64,
            sum,
            min,
            q1,
            median,
            q3,
            max,
            cv: (deff_kish - 1.0).max(0.0).sqrt(),
            deff_kish,
            n_eff: if n > 0 { n as f64 / deff_kish } else { 0.0 },
        }
    }
}

/// One line of a margin: what was aimed at, what stood before and after.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MarginLine {
    /// The margin: variable names joined by " × ".
    pub margin: String,
    /// The level or levels.
    pub level: String,
    /// Rows with a positive weight.
    pub n: u64,
    /// The population total aimed at.
    pub target: f64,
    /// The weighted total before the step.
    pub before: f64,
    /// The weighted total after it.
    pub after: f64,
}

/// One step of the weighting, as reported.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepSummary {
    /// Position in the ledger, from 1; the base weight is step 1.
    pub step: usize,
    /// What was done, such as `base`, `post-stratify`, `rake`, `calibrate`.
    pub kind: String,
    /// One sentence that says it, with its inputs.
    pub description: String,
    /// How it ended, such as "converged in 12 iterations".
    pub outcome: String,
    /// The weights after the step.
    pub weights: WeightSummary,
    /// Smallest and largest factor applied to a positive weight.
    pub g_range: Option<(f64, f64)>,
    /// The margins, when the step has some.
    pub margins: Vec<MarginLine>,
    /// What else it did: adjustment classes, cut weights and the like.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<StepDetail>,
    /// How its effect on the variance is treated, in words.
    pub variance: String,
    /// Factors, balance, groups, largest weights.
    pub diagnostics: StepDiagnostics,
}

/// A small table about a step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepDetail {
    /// What it shows.
    pub title: String,
    /// One heading per column.
    pub columns: Vec<String>,
    /// One entry per column in every row.
    pub rows: Vec<Vec<DetailValue>>,
}

impl StepDetail {
    /// The title of the table of adjustment classes that were joined.
    pub const JOINED: &str = "Classes that were joined";
}

/// An entry of a [`StepDetail`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum DetailValue {
    /// Text.
    Text(String),
    /// A count.
    Count(u64),
    /// A number.
    Number(f64),
}
