//! Tests of hypotheses: independence in tables, equality of means, equality of distributions by
//! ranks.

mod independence;
mod mean;
mod rank;
mod result;

pub use independence::{IndependenceTest, independence};
pub use mean::{MeanTest, mean_difference, mean_test};
pub use rank::{RankScore, RankTest, Ties, rank_test};
pub use result::{TestRow, TestStatistic, TestTable};

use crate::data::{Codes, Factor};
use crate::estimate::{Analysis, Domains, Raw};

/// Why a test cannot be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TestError {
    /// Fewer than two groups or levels have rows.
    #[error("`{variable}` has fewer than two levels among the rows that are used")]
    OneLevel {
        /// The variable.
        variable: String,
    },
    /// More than two groups where two are compared.
    #[error(
        "`{variable}` has {found} levels among the rows that are used, and a t test compares two"
    )]
    ManyLevels {
        /// The variable.
        variable: String,
        /// How many it has.
        found: usize,
    },
    /// No row with a weight has all values.
    #[error("no row with a weight has a value of everything the test needs")]
    NoRows,
    /// Fewer degrees of freedom than the test needs.
    #[error(
        "the test needs more than {needed} degrees of freedom, and the rows that are used have {found}"
    )]
    DegreesOfFreedom {
        /// More than this.
        needed: usize,
        /// What there is.
        found: f64,
    },
    /// The variance is zero or cannot be had.
    #[error("the variance of what is tested is zero or cannot be had")]
    NoVariance,
}

/// Degrees of freedom of the rows that are used: their PSUs less their strata, or those of the
/// replicates.
fn degrees_of_freedom(analysis: &Analysis, raw: &Raw, given: Option<f64>) -> f64 {
    let (psus, strata) = raw.psus.first().copied().unwrap_or_default();
    match (given, &analysis.replicates) {
        (Some(df), _) => df,
        (None, Some(replicates)) => replicates.df,
        (None, None) => psus as f64 - strata as f64,
    }
}

/// A factor with only the levels that some used row has, in their order, and those rows: with a
/// level of each factor and a weight other than zero.
fn used(factors: &[(&str, &Factor)], inside: &[bool], weights: &[f64]) -> Result<Used, TestError> {
    let rows: Vec<bool> = (0..inside.len())
        .map(|row| {
            let known = factors.iter().all(|(_, f)| f.codes.get(row) != Codes::NONE);
            inside[row] && known && weights[row] != 0.0
        })
        .collect();
    if !rows.contains(&true) {
        return Err(TestError::NoRows);
    }
    let mut kept = Vec::new();
    for (name, factor) in factors {
        let mut seen = vec![false; factor.levels.len()];
        for row in (0..rows.len()).filter(|&row| rows[row]) {
            seen[factor.codes.get(row) as usize] = true;
        }
        let levels: Vec<usize> = (0..seen.len()).filter(|&l| seen[l]).collect();
        if levels.len() < 2 {
            return Err(TestError::OneLevel { variable: name.to_string() });
        }
        kept.push(levels);
    }
    Ok(Used { rows, levels: kept })
}

/// What a test goes by.
struct Used {
    rows: Vec<bool>,
    /// The occupied levels of each factor.
    levels: Vec<Vec<usize>>,
}

impl Used {
    /// One code per row: the position of its levels among the occupied ones, the last factor
    /// varying fastest.
    fn cells(&self, factors: &[&Factor]) -> Codes {
        let count = self.levels.iter().map(Vec::len).product();
        let codes: Vec<u32> = (0..self.rows.len())
            .map(|row| {
                if !self.rows[row] {
                    return Codes::NONE;
                }
                factors.iter().zip(&self.levels).fold(0, |code, (f, levels)| {
                    let level = f.codes.get(row) as usize;
                    code * levels.len() as u32
                        + levels.binary_search(&level).unwrap_or_default() as u32
                })
            })
            .collect();
        Codes::pack(&codes, count)
    }

    fn everyone(&self) -> Domains {
        Domains::cross(self.rows.len(), &[], Some(&self.rows))
    }
}
