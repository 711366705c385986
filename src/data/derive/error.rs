//! What can be wrong with a recode, and what it found.

use crate::data::expr::ExprError;

/// Why a variable cannot be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DeriveError {
    /// The table has a column of that name.
    #[error("there is a column `{0}` already")]
    NameTaken(String),
    /// The variable to start from is not there.
    #[error("there is no column `{name}`")]
    UnknownColumn {
        /// The name.
        name: String,
        /// The nearest one.
        nearest: Option<String>,
    },
    /// An expression does not fit the table.
    #[error("{error}")]
    Expression {
        /// Which case, from 0; `None` for a value.
        case: Option<usize>,
        /// What is wrong, with its place.
        error: ExprError,
    },
    /// A condition of a standard classification does not fit the table.
    #[error("{error}")]
    Condition {
        /// The key it stands under.
        key: &'static str,
        /// Which of a list, from 0.
        index: Option<usize>,
        /// What is wrong, with its place.
        error: ExprError,
    },
    /// Values that no level of a standard classification is.
    #[error("{} of `{column}` {} not in `{scheme}`: {}", if *.rows == 1 { "1 row".to_string() } else { format!("{} rows", .rows) }, if *.rows == 1 { "is" } else { "are" }, counted(.values, *.distinct))]
    NotInScheme {
        /// The variable.
        column: String,
        /// The classification.
        scheme: String,
        /// The most frequent ones (twenty at most) with their rows.
        values: Vec<(String, u64)>,
        /// How many different values there are in all.
        distinct: usize,
        /// How many rows.
        rows: u64,
        /// True when they are numbers without labels.
        numbers: bool,
        /// Another classification that knows more of the labels.
        likely: Option<String>,
    },
    /// Groups of one classification that another one spreads over several.
    #[error("`{to}` divides groups that `{from}` holds together ({rows} rows): {}", counted(.values, .values.len()))]
    Divided {
        /// The classification of the data.
        from: String,
        /// The classification of the result.
        to: String,
        /// The groups with their rows.
        values: Vec<(String, u64)>,
        /// How many rows.
        rows: u64,
    },
    /// A result that is no group of a classification.
    #[error("{value:?} is no group of `{scheme}`")]
    NoGroup {
        /// The result.
        value: String,
        /// The classification.
        scheme: String,
        /// Its groups.
        accepted: Vec<String>,
        /// The nearest group.
        nearest: Option<String>,
    },
    /// Nothing to map or no cases.
    #[error("`{0}` is empty")]
    Nothing(&'static str),
    /// A key of a numeric variable that is neither a number nor a label.
    #[error("{key:?} is neither a number nor a label of `{column}`")]
    UnknownKey {
        /// The variable.
        column: String,
        /// The key.
        key: String,
        /// The nearest label.
        nearest: Option<String>,
    },
    /// Two keys that mean the same value, with different results.
    #[error("{first:?} and {second:?} are the same value of `{column}` with two results")]
    RepeatedKey {
        /// The variable.
        column: String,
        /// The first key.
        first: String,
        /// The second key.
        second: String,
    },
    /// Cut points of a variable that holds text.
    #[error("`{0}` holds text; only numbers can be cut")]
    CutText(String),
    /// Cut points that are not ascending numbers.
    #[error("cut points must ascend, but {second} follows {first}")]
    NotAscending {
        /// A cut point.
        first: String,
        /// The next one.
        second: String,
    },
    /// Too many or too few labels for the bands.
    #[error("{points} cut points make {} bands, but there are {labels} labels", points + 1)]
    LabelCount {
        /// How many cut points.
        points: usize,
        /// How many labels.
        labels: usize,
    },
    /// A label or level that is given twice.
    #[error("{0:?} is given twice")]
    Repeated(String),
    /// A level that no result is.
    #[error("`levels` has {level:?}, which is no result")]
    LevelWithoutResult {
        /// The level.
        level: String,
        /// The nearest result.
        nearest: Option<String>,
    },
    /// Results that are not among the levels.
    #[error("`levels` lacks {}", .0.iter().map(|l| format!("{l:?}")).collect::<Vec<_>>().join(", "))]
    ResultsWithoutLevel(Vec<String>),
    /// Levels of a variable whose results are numbers.
    #[error("the results are numbers, which have their own order; `levels` is for text")]
    LevelsOfNumbers,
}

impl DeriveError {
    /// The way out.
    pub fn help(&self) -> Option<String> {
        match self {
            DeriveError::UnknownColumn { nearest: Some(n), .. } => {
                Some(format!("did you mean `{n}`?"))
            }
            DeriveError::UnknownKey { nearest: Some(n), .. }
            | DeriveError::LevelWithoutResult { nearest: Some(n), .. } => {
                Some(format!("did you mean {n:?}?"))
            }
            DeriveError::Expression { error, .. } | DeriveError::Condition { error, .. } => {
                error.help()
            }
            DeriveError::NotInScheme { numbers: true, column, .. } => Some(format!(
                "its numbers have no labels: give them with `values` under `[variables.{column}]`, or say what each is with `map`"
            )),
            DeriveError::NotInScheme { likely: Some(scheme), .. } => Some(format!(
                "most labels are of another standard: set `scheme = \"{scheme}\"` (and the rest with `map`, `otherwise` or as `missing`)"
            )),
            DeriveError::NotInScheme { column, .. } => Some(format!(
                "say what they are with `map = {{ \"label\" = \"group\" }}`, give the rest a value with `otherwise = \"…\"`, or name those that mean \"not stated\" as `missing` under `[variables.{column}]`"
            )),
            DeriveError::Divided { .. } => Some(
                "start from a variable with finer groups, choose a standard that holds them together, or decide with `map` or `otherwise`".into(),
            ),
            DeriveError::NoGroup { nearest: Some(n), .. } => Some(format!("did you mean {n:?}?")),
            DeriveError::NoGroup { accepted, .. } => {
                Some(format!("its groups are {}", accepted.join(", ")))
            }
            DeriveError::NameTaken(_) => Some("choose another name".into()),
            DeriveError::CutText(_) => Some("map its values instead".into()),
            DeriveError::LevelsOfNumbers => Some("leave `levels` out".into()),
            _ => None,
        }
    }
}

/// What a recode found; none of it stops the work.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Finding {
    /// Values that no key names and that became missing.
    Unmatched {
        /// The most frequent ones (twenty at most) with their rows.
        values: Vec<(String, u64)>,
        /// How many different values there are in all.
        distinct: usize,
        /// How many rows.
        rows: u64,
    },
    /// Values that no level of a standard classification is, and that became `otherwise`.
    Otherwise {
        /// The most frequent ones (twenty at most) with their rows.
        values: Vec<(String, u64)>,
        /// How many different values there are in all.
        distinct: usize,
        /// How many rows.
        rows: u64,
        /// What they became.
        into: String,
    },
    /// Keys that no row has.
    UnusedKeys(Vec<String>),
    /// Cases, from 0, that gave no row its value.
    UnusedCases(Vec<usize>),
    /// Rows that became missing because no case is known to hold and at least one is unknown.
    Unknown {
        /// How many.
        rows: u64,
    },
    /// Rows that became missing because no case holds and there is no `otherwise`.
    NoCase {
        /// How many.
        rows: u64,
    },
    /// Results that no row has; they are not levels.
    UnusedLevels(Vec<String>),
    /// Something suspicious in an expression.
    Expression {
        /// Which case, from 0; `None` for a value.
        case: Option<usize>,
        /// What it is, with its place.
        warning: ExprError,
    },
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |names: &[String]| names.join(", ");
        let cases = |cases: &[usize]| {
            let numbers: Vec<String> = cases.iter().map(|c| (c + 1).to_string()).collect();
            numbers.join(", ")
        };
        match self {
            Finding::Unmatched { values, distinct, rows } => {
                write!(f, "no key names {}: {rows} rows became missing", counted(values, *distinct))
            }
            Finding::Otherwise { values, distinct, rows, into } => {
                let rows = if *rows == 1 { "1 row".to_string() } else { format!("{rows} rows") };
                write!(f, "{rows} became {into:?}: {}", counted(values, *distinct))
            }
            Finding::UnusedKeys(keys) => write!(f, "no row has {}", list(keys)),
            Finding::UnusedCases(unused) => {
                write!(f, "no row takes its value from case {}", cases(unused))
            }
            Finding::Unknown { rows } => write!(
                f,
                "{rows} rows became missing: no case is known to hold, and at least one depends on a missing value"
            ),
            Finding::NoCase { rows } => {
                write!(f, "{rows} rows became missing: no case holds and there is no `otherwise`")
            }
            Finding::UnusedLevels(levels) => write!(f, "no row is {}", list(levels)),
            Finding::Expression { warning, .. } => warning.fmt(f),
        }
    }
}

/// Values with their rows; `distinct` is how many there are in all.
fn counted(values: &[(String, u64)], distinct: usize) -> String {
    let shown: Vec<String> = values
        .iter()
        .map(|(value, n)| format!("{value:?} ({n} row{})", if *n == 1 { "" } else { "s" }))
        .collect();
    let more = if distinct > values.len() { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}
