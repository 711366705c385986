//! t tests of a mean and of the difference of two means.

use super::{TestError, degrees_of_freedom, used};
use crate::data::{Factor, Numbers};
use crate::estimate::{Analysis, Domains, Quantity};
use crate::numeric::distributions::{t_quantile_upper, t_two_sided};

/// A t test.
#[derive(Debug, Clone, PartialEq)]
pub struct MeanTest {
    /// Rows used.
    pub n: u64,
    /// The mean less the value it is tested against, or the second group's mean less the first's.
    pub estimate: f64,
    /// Its standard error.
    pub se: f64,
    /// estimate ÷ SE.
    pub t: f64,
    /// Degrees of freedom.
    pub df: f64,
    /// Two-sided p-value.
    pub p: f64,
    /// Limits of the interval.
    pub interval: [f64; 2],
    /// Positions of the two groups' levels: the one taken off, and the other. Empty for one mean.
    pub groups: Vec<usize>,
}

impl MeanTest {
    fn new(
        n: u64,
        estimate: f64,
        variance: f64,
        df: f64,
        level: f64,
        groups: Vec<usize>,
    ) -> Result<MeanTest, TestError> {
        if df <= 0.0 {
            return Err(TestError::DegreesOfFreedom { needed: 0, found: df });
        }
        let se = variance.sqrt();
        if !(estimate.is_finite() && se.is_finite() && se > 0.0) {
            return Err(TestError::NoVariance);
        }
        let half = t_quantile_upper((1.0 - level) / 2.0, df) * se;
        let t = estimate / se;
        let p = t_two_sided(t, df);
        let interval = [estimate - half, estimate + half];
        Ok(MeanTest { n, estimate, se, t, df, p, interval, groups })
    }
}

/// Tests whether the mean of a variable is `against`, by t = (ȳ − μ₀)/SE(ȳ). For a paired test,
/// give the difference of the two variables.
///
/// The degrees of freedom are `df`, else those of the rows with a value: PSUs less strata (Korn and
/// Graubard 1999, §3.2).
///
/// # Errors
/// Without rows, degrees of freedom or variance.
pub fn mean_test(
    analysis: &Analysis,
    y: &Numbers,
    against: f64,
    inside: &[bool],
    df: Option<f64>,
    level: f64,
) -> Result<MeanTest, TestError> {
    let domain = Domains::cross(inside.len(), &[], Some(inside));
    let raw = analysis.estimate(&[Quantity::Mean(y)], &domain.codes, false);
    if raw.totals.first().is_none_or(|t| t.n == 0) {
        return Err(TestError::NoRows);
    }
    let df = degrees_of_freedom(analysis, &raw, df);
    MeanTest::new(raw.totals[0].n, raw.values[0] - against, raw.variances[0], df, level, Vec::new())
}

/// Tests whether the means of two groups are equal, by the difference of the means over its
/// standard error, with the covariance of the two. It is the test of the slope in a regression on an
/// indicator of the group (Lumley 2010, §3.2): the linearised variances are the same.
///
/// The degrees of freedom are `df`, else those of the rows of both groups: PSUs less strata.
///
/// # Errors
/// When there are not two groups, or no degrees of freedom or variance.
pub fn mean_difference(
    analysis: &Analysis,
    y: &Numbers,
    groups: (&str, &Factor),
    inside: &[bool],
    df: Option<f64>,
    level: f64,
) -> Result<MeanTest, TestError> {
    let with_value: Vec<bool> =
        inside.iter().enumerate().map(|(row, i)| *i && !y.get(row).is_nan()).collect();
    let used = used(&[groups], &with_value, analysis.ledger.weights())?;
    let levels = used.levels[0].clone();
    if levels.len() > 2 {
        let variable = groups.0.to_string();
        return Err(TestError::ManyLevels { variable, found: levels.len() });
    }
    let cells = used.cells(&[groups.1]);
    let of_groups = crate::estimate::Domains::of_codes(cells, 2);
    let raw = analysis.estimate(&[Quantity::Mean(y)], &of_groups, true);
    let everyone = used.everyone();
    let whole = analysis.estimate(&[Quantity::Mean(y)], &everyone.codes, false);
    let df = degrees_of_freedom(analysis, &whole, df);
    let v = raw.covariance.as_ref().ok_or(TestError::NoVariance)?;
    let variance = v[(0, 0)] + v[(1, 1)] - 2.0 * v[(0, 1)];
    let difference = raw.values[1] - raw.values[0];
    MeanTest::new(whole.totals[0].n, difference, variance, df, level, levels)
}
