//! What a simulation says of an estimate: bias, error, and whether its interval can be trusted.

use serde::Serialize;

use crate::estimate::{Estimate, EstimateTable};
use crate::numeric::Sum;

/// One estimate of one replicate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Draw {
    pub estimate: f64,
    pub se: f64,
    pub lower: f64,
    pub upper: f64,
    pub n: f64,
}

/// The measures of one estimate over all replicates.
///
/// With θ the value in the population and θ̂_r, ŝ_r and the interval of replicate r = 1 … R:
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Measures {
    /// Replicates that have an estimate.
    pub replicates: usize,
    /// Mean number of rows in the domain.
    pub n: f64,
    /// Mean of θ̂.
    pub mean: Option<f64>,
    /// Mean of θ̂ less θ.
    pub bias: Option<f64>,
    /// Monte Carlo standard error of the bias: s(θ̂)/√R.
    pub bias_error: Option<f64>,
    /// The true standard error: standard deviation of θ̂ over replicates.
    pub true_se: Option<f64>,
    /// The root of the mean of ŝ².
    pub estimated_se: Option<f64>,
    /// Mean of (θ̂ − θ)².
    pub mse: Option<f64>,
    /// Share of the intervals that contain θ.
    pub coverage: Option<f64>,
    /// Monte Carlo standard error of the coverage: √(c(1 − c)/R).
    pub coverage_error: Option<f64>,
    /// Mean half-width of the intervals.
    pub half_width: Option<f64>,
}

impl Measures {
    pub(super) fn of(truth: f64, draws: impl Iterator<Item = Draw>) -> Measures {
        let draws: Vec<Draw> = draws.filter(|d| d.estimate.is_finite()).collect();
        let count = draws.len();
        if count == 0 {
            return Measures::default();
        }
        let mean_of = |values: &mut dyn Iterator<Item = f64>| {
            let (mut sum, mut n) = (Sum::new(), 0_usize);
            for x in values.filter(|x| x.is_finite()) {
                sum.add(x);
                n += 1;
            }
            (n > 0).then(|| sum.value() / n as f64)
        };
        let mean = mean_of(&mut draws.iter().map(|d| d.estimate));
        let squares =
            mean.and_then(|m| mean_of(&mut draws.iter().map(|d| (d.estimate - m).powi(2))));
        let true_se = (count > 1)
            .then(|| squares.map(|s| (s * count as f64 / (count as f64 - 1.0)).sqrt()))
            .flatten();
        let with_interval = || draws.iter().filter(|d| d.lower.is_finite() && d.upper.is_finite());
        // An interval that touches the truth but for rounding contains it.
        let room = 1e-12 * truth.abs().max(1e-300);
        let covers =
            |d: &Draw| f64::from(u8::from(d.lower <= truth + room && truth - room <= d.upper));
        let coverage = mean_of(&mut with_interval().map(covers));
        let intervals = with_interval().count() as f64;
        Measures {
            replicates: count,
            n: mean_of(&mut draws.iter().map(|d| d.n)).unwrap_or(0.0),
            mean,
            bias: mean.map(|m| m - truth),
            bias_error: true_se.map(|s| s / (count as f64).sqrt()),
            true_se,
            estimated_se: mean_of(&mut draws.iter().map(|d| d.se * d.se)).map(f64::sqrt),
            mse: mean_of(&mut draws.iter().map(|d| (d.estimate - truth).powi(2))),
            coverage,
            coverage_error: coverage.map(|c| (c * (1.0 - c) / intervals).sqrt()),
            half_width: mean_of(&mut with_interval().map(|d| (d.upper - d.lower) / 2.0)),
        }
    }
}

/// One estimate in one domain.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Cell {
    /// The name of its table in the study.
    pub table: String,
    /// The title of its table.
    pub title: String,
    /// What is estimated.
    pub outcome: String,
    /// The domain, its levels joined by " · ".
    pub domain: String,
    /// The value in the population.
    pub truth: f64,
    /// Rows of the population in the domain.
    pub population: u64,
    /// Of the design as a whole.
    pub design: Measures,
    /// Of its general sample alone.
    pub general: Option<Measures>,
}

impl Cell {
    /// The mean squared error of the general sample alone over that of the design: how many times the
    /// general sample would have to be for the same precision, roughly.
    pub fn gain(&self) -> Option<f64> {
        let general = self.general.as_ref()?.mse?;
        let own = self.design.mse?;
        (own > 0.0).then(|| general / own)
    }
}

/// What a simulation found out.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Simulation {
    /// The title of the design.
    pub design: String,
    /// The title of the study.
    pub study: String,
    /// Rows of the population.
    pub population: usize,
    /// Replicates asked for.
    pub replicates: usize,
    /// The seed.
    pub seed: u64,
    /// The confidence level of the intervals.
    pub confidence: f64,
    /// By sample, its name and the mean number of rows that took part.
    pub samples: Vec<(String, f64)>,
    /// The sample that is looked at alone.
    pub general: Option<String>,
    /// Replicates that could not be estimated, and what the first one said.
    pub failed: usize,
    /// What the first of them said.
    pub failure: Option<String>,
    /// All estimates.
    pub cells: Vec<Cell>,
}

/// What identifies an estimate across tables with other levels: outcome and levels as text.
pub(super) fn key(table: &EstimateTable, row: &Estimate) -> (String, String) {
    let outcome = &table.outcomes[row.outcome];
    let mut what = outcome.title.clone();
    if let Some(level) = &outcome.level {
        what = format!("{what}: {level}");
    }
    if let Some(p) = outcome.probability {
        what = format!("{what}, quantile {p}");
    }
    let domain = table.domain_text(row);
    (what, domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_by_hand() {
        let draw = |estimate: f64, se: f64| Draw {
            estimate,
            se,
            lower: estimate - 2.0 * se,
            upper: estimate + 2.0 * se,
            n: 10.0,
        };
        let found = Measures::of(5.0, [draw(4.0, 1.0), draw(6.0, 1.0), draw(8.0, 1.0)].into_iter());
        assert_eq!(found.mean, Some(6.0));
        assert_eq!(found.bias, Some(1.0));
        assert_eq!(found.true_se, Some(2.0));
        assert_eq!(found.estimated_se, Some(1.0));
        // (1 + 1 + 9) ÷ 3; the third interval, 6 … 10, misses 5.
        assert!((found.mse.unwrap() - 11.0 / 3.0).abs() < 1e-12);
        assert!((found.coverage.unwrap() - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(found.half_width, Some(2.0));
        assert_eq!(Measures::of(1.0, std::iter::empty()), Measures::default());
    }
}
