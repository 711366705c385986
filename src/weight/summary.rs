//! What a weighting step did, in numbers a reader can check.

use serde::Serialize;

use crate::numeric::Sum;

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
        let mut used: Vec<f64> = weights.iter().copied().filter(|w| *w != 0.0).collect();
        let n = used.len();
        let (mut sum, mut squares) = (Sum::default(), Sum::default());
        for &w in &used {
            sum.add(w);
            squares.add(w * w);
        }
        let (sum, squares) = (sum.value(), squares.value());
        let mut quantile = |p: f64| {
            if n == 0 {
                return 0.0;
            }
            let k = ((p * n as f64).ceil() as usize).clamp(1, n) - 1;
            *used.select_nth_unstable_by(k, f64::total_cmp).1
        };
        let (min, q1, median) = (quantile(0.0), quantile(0.25), quantile(0.5));
        let (q3, max) = (quantile(0.75), quantile(1.0));
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
    /// How its effect on the variance is treated, in words.
    pub variance: String,
}
