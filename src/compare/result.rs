//! What a comparison gives back.

use serde::Serialize;

use super::adjust::{Adjustment, adjust};

/// How two groups are compared.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Measure {
    /// Group minus reference.
    Difference,
    /// Group ÷ reference.
    Ratio,
    /// A function of estimates, in its own table.
    #[serde(skip_deserializing)]
    #[schemars(skip)]
    Function,
}

/// One group against its reference.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// What is compared, when the estimate has several outcomes.
    pub outcome: Option<String>,
    /// The levels held fixed, such as `Age 40–59`; empty when there are none.
    pub within: String,
    /// The group.
    pub group: String,
    /// What it is compared with.
    pub reference: String,
    /// The difference or ratio; `None` when one side cannot be had.
    pub estimate: Option<f64>,
    /// Its standard error.
    pub se: Option<f64>,
    /// Degrees of freedom of the test and the interval.
    pub df: Option<f64>,
    /// Lower limit.
    pub lower: Option<f64>,
    /// Upper limit.
    pub upper: Option<f64>,
    /// Test statistic (for a ratio: of the log ratio).
    pub t: Option<f64>,
    /// Two-sided p-value.
    pub p: Option<f64>,
    /// p-value adjusted for the number of comparisons in the table.
    pub p_adjusted: Option<f64>,
    /// True when the quality standard suppresses one of the two estimates.
    pub rests_on_suppressed: bool,
}

impl Comparison {
    /// A comparison that cannot be made, or is yet to be.
    pub(super) fn empty(
        outcome: Option<String>,
        within: String,
        [group, reference]: [String; 2],
        rests_on_suppressed: bool,
    ) -> Comparison {
        Comparison {
            outcome,
            within,
            group,
            reference,
            estimate: None,
            se: None,
            df: None,
            lower: None,
            upper: None,
            t: None,
            p: None,
            p_adjusted: None,
            rests_on_suppressed,
        }
    }

    /// Adjusts the p-values of all comparisons of a table for their number, if they are to be.
    pub(super) fn adjust_all(rows: &mut [Comparison], adjustment: Option<Adjustment>) {
        let Some(method) = adjustment else { return };
        let p: Vec<Option<f64>> = rows.iter().map(|row| row.p).collect();
        for (row, adjusted) in rows.iter_mut().zip(adjust(&p, method)) {
            row.p_adjusted = adjusted;
        }
    }
}

/// A table of comparisons.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComparisonTable {
    /// Its name in the study file.
    pub name: String,
    /// Its title.
    pub title: String,
    /// The name of the estimate it compares.
    pub estimate: String,
    /// Difference or ratio.
    pub measure: Measure,
    /// How p-values are adjusted, in words; `None` when they are not.
    pub adjustment: Option<String>,
    /// Confidence level.
    pub level: f64,
    /// The comparisons.
    pub rows: Vec<Comparison>,
    /// What a reader must know besides.
    pub notes: Vec<String>,
}
