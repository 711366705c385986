//! What was decided while a file was read, for a person to agree with.

use std::fmt;

/// A decision taken while reading.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Note {
    /// The file is not UTF-8 and was read as windows-1252.
    Windows1252 {
        /// The first line with a byte that is not UTF-8.
        line: u64,
    },
    /// A column that begins with numbers was read as text.
    NotNumbers {
        /// The column.
        column: String,
        /// The line of the first value that is not a plain number.
        line: u64,
        /// That value.
        value: String,
    },
    /// A column was read as text and would be numbers but for its commas.
    DecimalCommas {
        /// The column.
        column: String,
        /// One of its values.
        example: String,
    },
    /// A column without any value was read as numbers.
    AllMissing {
        /// The column.
        column: String,
    },
    /// Dates were read as days since 1970-01-01.
    Days {
        /// The column.
        column: String,
    },
    /// Times were read as seconds: since 1970-01-01 for time stamps, since midnight for times of
    /// day.
    Seconds {
        /// The column.
        column: String,
    },
    /// Whole numbers that reach beyond ±2⁵³ were read as text.
    LargeIntegers {
        /// The column.
        column: String,
    },
    /// A file with several tables, of which the first was read.
    FirstTable,
    /// A workbook with several sheets, of which the first was read.
    FirstSheet {
        /// The sheet.
        sheet: String,
        /// The others.
        others: Vec<String>,
    },
    /// A column of lists, structs and the like was left out.
    LeftOut {
        /// The column.
        column: String,
        /// Its type.
        kind: String,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::Windows1252 { line } => {
                write!(f, "the file is not UTF-8 (line {line}); it was read as windows-1252")
            }
            Note::NotNumbers { column, line, value } => write!(
                f,
                "`{column}` was read as text: line {line} has {value:?}, which is not a plain number"
            ),
            Note::DecimalCommas { column, example } => write!(
                f,
                "`{column}` was read as text: commas, as in {example:?}, are not part of numbers"
            ),
            Note::AllMissing { column } => write!(f, "`{column}` has no values"),
            Note::Days { column } => write!(f, "`{column}` was read as days since 1970-01-01"),
            Note::Seconds { column } => {
                write!(f, "`{column}` was read as seconds since 1970-01-01 or since midnight")
            }
            Note::LargeIntegers { column } => {
                write!(f, "`{column}` was read as text: it has whole numbers beyond ±2^53")
            }
            Note::FirstTable => write!(f, "the file has several tables; the first was read"),
            Note::FirstSheet { sheet, others } => {
                let others: Vec<String> = others.iter().map(|s| format!("`{s}`")).collect();
                write!(
                    f,
                    "the first sheet, `{sheet}`, was read; for another, {}, set sheet",
                    others.join(", ")
                )
            }
            Note::LeftOut { column, kind } => {
                write!(f, "`{column}` was left out: it holds {kind}")
            }
        }
    }
}
