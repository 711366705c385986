//! Rank tests: equality of distributions in two or more groups.

use nalgebra::{DMatrix, DVector};

use super::{TestError, degrees_of_freedom, used};
use crate::data::{Factor, Numbers};
use crate::estimate::{Analysis, Domains, Quantity};
use crate::numeric::distributions::{f_sf, normal_quantile, t_two_sided};

/// What is made of a rank, scaled to lie between 0 and 1.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RankScore {
    /// The rank itself: Wilcoxon's test for two groups, Kruskal and Wallis's for more.
    Wilcoxon,
    /// The normal quantile of the rank (van der Waerden).
    Normal,
    /// 1 above the middle, else 0 (Mood's test of the median).
    Median,
}

impl RankScore {
    fn of(self, rank: f64) -> f64 {
        match self {
            RankScore::Wilcoxon => rank,
            RankScore::Normal => normal_quantile(rank),
            RankScore::Median => f64::from(u8::from(rank > 0.5)),
        }
    }
}

/// The rank of values that several rows have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ties {
    /// The middle of the step that the distribution function takes there: F(x) − ½ P(x). It does not
    /// depend on the order of the rows.
    Middle,
    /// The plain mean over the rows of C_k − w_k/2, **for matching R only**: with unequal weights it
    /// depends on the order of the rows.
    AsR,
}

/// A rank test.
#[derive(Debug, Clone, PartialEq)]
pub struct RankTest {
    /// Rows used.
    pub n: u64,
    /// Positions of the groups' levels.
    pub groups: Vec<usize>,
    /// Mean score of every group.
    pub means: Vec<f64>,
    /// Wald statistic of the differences between the mean scores; for two groups t².
    pub wald: f64,
    /// Degrees of freedom of the design, ν.
    pub df: f64,
    /// Of the second group's mean score less the first's, for two groups.
    pub difference: Option<[f64; 2]>,
}

impl RankTest {
    /// The test: for two groups t on ν degrees of freedom, as statistic, 1, ν, p-value; for g groups
    /// F = W (ν − g + 2)/((g − 1) ν) on g − 1 and ν − g + 2 (Korn and Graubard 1990, eq. 3.3). `None` where ν is too small.
    pub fn test(&self) -> Option<[f64; 4]> {
        if let Some([difference, se]) = self.difference {
            let t = difference / se;
            return Some([t, 1.0, self.df, t_two_sided(t, self.df)]);
        }
        let k = self.groups.len() as f64 - 1.0;
        let rest = self.df - k + 1.0;
        let f = self.wald * rest / (k * self.df);
        (rest > 0.0).then(|| [f, k, rest, f_sf(f, k, rest)])
    }
}

/// Tests whether a variable has the same distribution in all groups, by the mean scores of its
/// ranks (Lumley and Scott 2013): R(y) is the estimated population distribution function of all
/// groups together, in the middle of its steps, and the statistic is that of the differences
/// between the groups' means of g(R(y)) with design-based variances. The ranks are taken as known.
///
/// The degrees of freedom are `df`, else those of the rows used. Rows without a value or a group
/// are left out.
///
/// # Errors
/// When there are not two groups, or no degrees of freedom or variance.
pub fn rank_test(
    analysis: &Analysis,
    y: &Numbers,
    groups: (&str, &Factor),
    inside: &[bool],
    (score, ties): (RankScore, Ties),
    df: Option<f64>,
) -> Result<RankTest, TestError> {
    let with_value: Vec<bool> =
        inside.iter().enumerate().map(|(row, i)| *i && !y.get(row).is_nan()).collect();
    let weights = analysis.ledger.weights();
    let used = used(&[groups], &with_value, weights)?;
    let levels = used.levels[0].clone();
    let g = levels.len();
    let scores: Vec<f64> = ranks(y, weights, &used.rows, ties)
        .into_iter()
        .map(|rank| if rank.is_nan() { rank } else { score.of(rank) })
        .collect();
    let scores = Numbers::F64(scores);
    let of_groups = Domains::of_codes(used.cells(&[groups.1]), g);
    let raw = analysis.estimate(&[Quantity::Mean(&scores)], &of_groups, true);
    let everyone = used.everyone();
    let whole = analysis.estimate(&[Quantity::Mean(&scores)], &everyone.codes, false);
    let df = degrees_of_freedom(analysis, &whole, df);
    if df <= 0.0 {
        return Err(TestError::DegreesOfFreedom { needed: 0, found: df });
    }
    let v = raw.covariance.as_ref().ok_or(TestError::NoVariance)?;
    // Differences from the first group.
    let off = DVector::from_fn(g - 1, |i, _| raw.values[i + 1] - raw.values[0]);
    let vd = DMatrix::from_fn(g - 1, g - 1, |i, j| {
        v[(i + 1, j + 1)] - v[(i + 1, 0)] - v[(0, j + 1)] + v[(0, 0)]
    });
    let factor = vd.clone().cholesky().ok_or(TestError::NoVariance)?;
    let wald = off.dot(&factor.solve(&off));
    if !wald.is_finite() {
        return Err(TestError::NoVariance);
    }
    Ok(RankTest {
        n: whole.totals[0].n,
        groups: levels,
        means: raw.values.clone(),
        wald,
        df,
        difference: (g == 2).then(|| [off[0], vd[(0, 0)].sqrt()]),
    })
}

/// Ranks of the used rows, from 0 to 1; NaN elsewhere.
fn ranks(y: &Numbers, weights: &[f64], rows: &[bool], ties: Ties) -> Vec<f64> {
    let mut order: Vec<usize> = (0..rows.len()).filter(|&row| rows[row]).collect();
    order.sort_by(|&a, &b| y.get(a).total_cmp(&y.get(b)));
    let total: f64 = order.iter().map(|&row| weights[row]).sum();
    let mut out = vec![f64::NAN; rows.len()];
    let (mut before, mut start) = (0.0, 0);
    while start < order.len() {
        let value = y.get(order[start]);
        let end = start + order[start..].iter().take_while(|&&r| y.get(r) == value).count();
        let tied = &order[start..end];
        let own: f64 = tied.iter().map(|&row| weights[row]).sum();
        let middle = match ties {
            Ties::Middle => before + own / 2.0,
            Ties::AsR => {
                let mut cumulated = before;
                let each = tied.iter().map(|&row| {
                    cumulated += weights[row];
                    cumulated - weights[row] / 2.0
                });
                each.sum::<f64>() / tied.len() as f64
            }
        };
        tied.iter().for_each(|&row| out[row] = middle / total);
        before += own;
        start = end;
    }
    out
}
