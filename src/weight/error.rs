//! What can be wrong with a weighting step.

use super::combine::CombineError;
use crate::numeric::SolverError;

/// A weighting step that can't be carried out.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WeightError {
    /// Levels of a margin and of the data differ.
    #[error("the levels of margin `{margin}` don't match the data: {}", sides(.only_data, .only_margin))]
    Levels {
        /// The margin.
        margin: String,
        /// Levels that rows have and the margin has not.
        only_data: Vec<String>,
        /// Levels that the margin has and no row has.
        only_margin: Vec<String>,
    },
    /// A level of a margin is given twice.
    #[error("margin `{margin}` gives level `{level}` twice")]
    DuplicateLevel {
        /// The margin.
        margin: String,
        /// The level.
        level: String,
    },
    /// A target is negative, infinite or not a number.
    #[error(
        "the total of `{level}` in margin `{margin}` is {value}; a population total is zero or more"
    )]
    Target {
        /// The margin.
        margin: String,
        /// The level.
        level: String,
        /// The target.
        value: f64,
    },
    /// All targets of a margin are zero.
    #[error("all totals of margin `{margin}` are zero")]
    AllZero {
        /// The margin.
        margin: String,
    },
    /// Rows with a positive weight have no value in a margin's variable.
    #[error(
        "`{margin}` has no value in {}{row}, with a positive weight; a calibration needs one in every such row",
        if *count == 1 { "row ".to_string() } else { format!("{count} rows, first in row ") }
    )]
    Missing {
        /// The margin or variable.
        margin: String,
        /// How many rows.
        count: usize,
        /// The first of them, from 1.
        row: usize,
    },
    /// A level with a positive target has no weight in the sample.
    #[error(
        "no row with a positive weight has `{level}` of margin `{margin}`, whose target is {target}; join it with another level"
    )]
    EmptyCell {
        /// The margin.
        margin: String,
        /// The level.
        level: String,
        /// Its target.
        target: f64,
    },
    /// Two margins have different totals.
    #[error(
        "margins `{first}` and `{second}` have different totals: {first_total} and {second_total} (relative difference {difference:.2e})"
    )]
    Totals {
        /// A margin.
        first: String,
        /// Its total.
        first_total: f64,
        /// Another.
        second: String,
        /// Its total.
        second_total: f64,
        /// Relative difference.
        difference: f64,
    },
    /// Bounds that can't hold.
    #[error("the bounds [{lower}, {upper}] must enclose 1: the lower below it, the upper above")]
    Bounds {
        /// Lower bound of g.
        lower: f64,
        /// Upper bound of g.
        upper: f64,
    },
    /// Bounds of weights that cross.
    #[error("the bounds [{lower}, {upper}] of the weights leave no room between them")]
    WeightBounds {
        /// Smallest weight.
        lower: f64,
        /// Largest weight.
        upper: f64,
    },
    /// Bounds of weights with a distance that needs them around each initial weight.
    #[error(
        "the logit distance bounds factors, not weights; use linear, raking or sinh with bounds of weights"
    )]
    LogitWeightBounds,
    /// Lists that belong together have different lengths.
    #[error("{what}: {found} where {expected} are needed")]
    Shape {
        /// Which list.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length it should have.
        expected: usize,
    },
    /// A scale that is zero, negative or not a number.
    #[error("the scale in row {row} is {value}; it must be positive")]
    Scale {
        /// The row, from 1.
        row: usize,
        /// Its value.
        value: f64,
    },
    /// The step has nothing to calibrate to.
    #[error("there is no margin to calibrate to")]
    NoMargins,
    /// The cross-products of the calibration variables can't be factorised.
    #[error("the calibration variables can't be regressed on: {0}")]
    Singular(#[from] SolverError),
    /// The step did not reach its targets.
    #[error("{0}")]
    NotReached(String),
    /// No joining of adjustment classes keeps the rules.
    #[error(
        "even one class of all does not keep the rules for adjustment classes: {observed} of {n} units are observed"
    )]
    Classes {
        /// Observed units.
        observed: u64,
        /// All units.
        n: u64,
    },
    /// An adjustment class has weight and no observed unit.
    #[error("no unit of the adjustment class `{class}` is observed, so that none can stand for it")]
    NoneObserved {
        /// The class.
        class: String,
    },
    /// A response model that can't be fitted.
    #[error("the response model has no solution: {0}")]
    ResponseModel(String),
    /// Limits of a trimming that can't hold.
    #[error("{0}")]
    Trim(String),
    /// Samples that can't be combined.
    #[error(transparent)]
    Combine(#[from] CombineError),
    /// A step failed when the steps of a ledger were repeated on other weights.
    #[error("step {step} ({kind}): {error}")]
    Step {
        /// The step, from 1.
        step: usize,
        /// What it does.
        kind: String,
        /// What is wrong.
        error: Box<WeightError>,
    },
}

fn sides(only_data: &[String], only_margin: &[String]) -> String {
    let mut parts = Vec::new();
    if !only_data.is_empty() {
        parts.push(format!("the margin has no {}", list(only_data)));
    }
    if !only_margin.is_empty() {
        parts.push(format!("the data have no {}", list(only_margin)));
    }
    parts.join("; ")
}

fn list(levels: &[String]) -> String {
    let shown: Vec<String> = levels.iter().take(12).map(|l| format!("`{l}`")).collect();
    let more =
        if levels.len() > 12 { format!(" and {} more", levels.len() - 12) } else { String::new() };
    format!("{}{more}", shown.join(", "))
}
