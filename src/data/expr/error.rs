//! What can be wrong with an expression, and where in its text.

use std::ops::Range;

use super::Kind;
use crate::data::calendar::Calendar;

/// A mistake in an expression, with its place.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{cause}")]
pub struct ExprError {
    /// Bytes of the expression's text.
    pub span: Range<usize>,
    /// What is wrong.
    pub cause: Cause,
}

impl ExprError {
    pub(super) fn new(span: &Range<usize>, cause: Cause) -> ExprError {
        ExprError { span: span.clone(), cause }
    }

    /// True for what is suspicious but can be evaluated.
    pub fn is_warning(&self) -> bool {
        matches!(self.cause, Cause::UnknownLevel { .. })
    }

    /// The way out: accepted words, the nearest name, what to write instead.
    pub fn help(&self) -> Option<String> {
        self.cause.help()
    }
}

/// What is wrong with an expression.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// Nothing but spaces.
    #[error("the expression is empty")]
    Empty,
    /// More than can be a condition written by a person.
    #[error("the expression is {0} bytes long")]
    TooLong(usize),
    /// Nested or chained too deeply.
    #[error("the expression is nested too deeply")]
    TooDeep,
    /// A character that starts nothing.
    #[error("`{0}` means nothing here")]
    Character(char),
    /// A number that is none.
    #[error("`{0}` is not a number")]
    Number(String),
    /// A text without its second quotation mark.
    #[error("this text is not closed")]
    UnclosedText,
    /// A column name without its second backtick.
    #[error("this name is not closed")]
    UnclosedName,
    /// A parenthesis or bracket that is never closed.
    #[error("this `{0}` is not closed")]
    Unclosed(char),
    /// A closing parenthesis or bracket without an opening one.
    #[error("this `{0}` closes nothing")]
    Unopened(char),
    /// Something else should stand here.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What should stand here.
        expected: &'static str,
        /// What does.
        found: String,
    },
    /// `a < b < c`.
    #[error("comparisons cannot be chained")]
    Chained,
    /// No function of that name.
    #[error("there is no function `{name}`")]
    UnknownFunction {
        /// The name.
        name: String,
        /// The nearest one.
        nearest: Option<String>,
    },
    /// Too many or too few arguments.
    #[error("`{function}` takes {expected}, not {found}")]
    Arguments {
        /// The function.
        function: &'static str,
        /// How many it takes, in words.
        expected: &'static str,
        /// How many are given.
        found: usize,
    },
    /// No column of that name.
    #[error("there is no column `{name}`")]
    UnknownColumn {
        /// The name.
        name: String,
        /// The nearest one.
        nearest: Option<String>,
        /// True when it is a level of a column of text: quotation marks are missing.
        level: bool,
    },
    /// A value of the wrong kind.
    #[error("expected {}, found {}", expected.described(), found.described())]
    Type {
        /// What is needed.
        expected: Kind,
        /// What stands there.
        found: Kind,
        /// What to write instead.
        help: Option<String>,
    },
    /// A text compared with a date or a time that is none, such as `'2023-13-01'`.
    #[error("{text:?} is not a valid {}", calendar.word())]
    Moment {
        /// What the column holds.
        calendar: Calendar,
        /// The text.
        text: String,
    },
    /// Text compared with numbers, or texts put in order.
    #[error("{0} cannot be compared")]
    Comparison(&'static str),
    /// `x == missing`.
    #[error("a comparison with missing is always missing")]
    ComparedWithMissing,
    /// Nothing of that name, where names stand for estimates.
    #[error("nothing is called `{name}`")]
    UnknownName {
        /// The name.
        name: String,
        /// The nearest one.
        nearest: Option<String>,
    },
    /// Something without a derivative, or no number at all, in a function of estimates.
    #[error("a smooth function has no place for {0}")]
    NotSmooth(&'static str),
    /// A number that does not exist, such as the logarithm of a negative one. (Not a mistake in
    /// the text: it depends on the numbers.)
    #[error("{0}")]
    OutsideDomain(String),
    /// Something else than a number, a text or a truth value in a list.
    #[error("lists hold numbers and texts only")]
    ListItem,
    /// A text that no row of the column has. (A warning: the comparison is false.)
    #[error("`{column}` has no value {value:?}")]
    UnknownLevel {
        /// The column.
        column: String,
        /// The value compared with.
        value: String,
        /// The nearest one.
        nearest: Option<String>,
        /// True when it is one of the codes that were read as missing.
        missing: bool,
    },
}

impl Cause {
    fn help(&self) -> Option<String> {
        let text = match self {
            Cause::UnknownLevel { missing: true, .. } => "it was read as missing; use is_missing()",
            Cause::UnknownFunction { nearest: Some(n), .. }
            | Cause::UnknownColumn { nearest: Some(n), .. }
            | Cause::UnknownName { nearest: Some(n), .. } => {
                return Some(format!("did you mean `{n}`?"));
            }
            Cause::UnknownLevel { nearest: Some(n), .. } => {
                return Some(format!("did you mean {n:?}?"));
            }
            Cause::UnknownColumn { name, level: true, .. } => {
                return Some(format!("texts stand in quotation marks: '{name}'"));
            }
            Cause::Type { help, .. } => return help.clone(),
            Cause::Empty => "write a condition such as age >= 16",
            Cause::TooLong(_) | Cause::TooDeep => "split it into several variables",
            Cause::Character('&') => "write `and`",
            Cause::Character('|') => "write `or`",
            Cause::Character('~') => "write `not`",
            Cause::Character('\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}') => {
                "use straight quotation marks: ' or \""
            }
            Cause::Character('\u{2264}') => "write `<=`",
            Cause::Character('\u{2265}') => "write `>=`",
            Cause::Character('\u{2260}') => "write `!=`",
            Cause::Character(_) => "put names with special characters in backticks",
            Cause::Number(_) => "put names that start with a digit in backticks",
            Cause::UnclosedText => "a quotation mark within a text is doubled",
            Cause::Chained => "write `a < b and b < c`",
            Cause::UnknownFunction { .. } => {
                "functions: abs, sqrt, exp, log, round, floor, ceil, min, max, is_missing, if"
            }
            Cause::ComparedWithMissing => "use is_missing(x) or not is_missing(x)",
            Cause::Comparison(_) => "only `==`, `!=` and `in` compare texts, and only with texts",
            Cause::Moment { calendar: Calendar::Date, .. } => {
                "write a day of the calendar as year-month-day, such as '2024-05-31'"
            }
            Cause::Moment { calendar: Calendar::DateTime, .. } => {
                "write year-month-day and the time, such as '2024-05-31 13:45:10'"
            }
            Cause::Moment { calendar: Calendar::Time, .. } => {
                "write hours, minutes and seconds, such as '13:45:10'"
            }
            Cause::NotSmooth(_) => "use numbers, names, + - * / ^, abs, sqrt, exp and log",
            Cause::ListItem => "write the list as [1, 2, 'other']",
            Cause::UnclosedName
            | Cause::Unclosed(_)
            | Cause::Unopened(_)
            | Cause::Expected { .. }
            | Cause::Arguments { .. }
            | Cause::UnknownColumn { .. }
            | Cause::UnknownName { .. }
            | Cause::OutsideDomain(_)
            | Cause::UnknownLevel { .. } => return None,
        };
        Some(text.into())
    }
}
