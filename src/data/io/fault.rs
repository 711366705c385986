//! What is wrong with a file of another program's own format.

use std::fmt;

/// Why a file of SPSS, Stata, SAS or a spreadsheet cannot be read or written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It begins like such a file, and its content does not fit together.
    Damaged {
        /// What the file should be, such as "an SPSS file".
        kind: &'static str,
        /// About where, in bytes from the start, if that is known.
        at: Option<u64>,
        /// What does not fit.
        what: String,
    },
    /// It ends before all rows it promises.
    EndsEarly {
        /// What the file should be.
        kind: &'static str,
        /// The rows it has, and those it promises, where that much is known.
        rows: Option<(u64, u64)>,
    },
    /// A variant that is not read.
    Variant {
        /// What the file is.
        kind: &'static str,
        /// The variant.
        variant: String,
    },
    /// Packed so tightly that unpacking it would fill the memory.
    Expands {
        /// What the file is.
        kind: &'static str,
        /// Bytes that would be unpacked at most.
        limit: u64,
    },
    /// The part of rakewell that reads the format was left out when it was built.
    NotBuiltIn {
        /// What the file is.
        kind: &'static str,
        /// The feature to switch on.
        feature: &'static str,
    },
    /// A workbook without the sheet that was asked for.
    NoSheet {
        /// The name that was asked for; `None` when the workbook has no sheet at all.
        sheet: Option<String>,
        /// Its sheets.
        sheets: Vec<String>,
    },
    /// A cell of a sheet with an error in place of a value.
    CellError {
        /// The sheet.
        sheet: String,
        /// The cell, such as `B7`.
        cell: String,
        /// The error, such as `#DIV/0!`.
        error: String,
    },
    /// A cell of a sheet with a formula whose value is not in the file.
    NotReckoned {
        /// The sheet.
        sheet: String,
        /// The cell, such as `B7`.
        cell: String,
    },
    /// A column to be added has the name of one that is there.
    NameTaken {
        /// The name.
        name: String,
    },
    /// A column to be added has a name that the format does not allow.
    Name {
        /// The name.
        name: String,
        /// The format.
        kind: &'static str,
        /// What is allowed.
        rule: &'static str,
    },
    /// More columns, or longer texts, than the format can hold.
    TooMuch {
        /// The format.
        kind: &'static str,
        /// What there is too much of.
        what: String,
    },
    /// A format that can be read but not written.
    NotWritten {
        /// The format.
        kind: &'static str,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Damaged { kind, at: Some(at), what } => {
                write!(f, "is {kind} that is damaged near byte {at}: {what}")
            }
            Fault::Damaged { kind, at: None, what } => {
                write!(f, "is {kind} that is damaged: {what}")
            }
            Fault::EndsEarly { kind, rows: Some((found, expected)) } => {
                write!(f, "is {kind} that ends early, after {found} of {expected} rows")
            }
            Fault::EndsEarly { kind, rows: None } => write!(f, "is {kind} that ends early"),
            Fault::Variant { kind, variant } => {
                write!(f, "is {kind} of a variant that is not read: {variant}")
            }
            Fault::Expands { kind, limit } => {
                let limit = limit >> 20;
                write!(f, "is {kind} that unpacks to more than {limit} MB, far beyond its size")
            }
            Fault::NotBuiltIn { kind, .. } => {
                write!(f, "is {kind}, and this rakewell was built without the part that reads it")
            }
            Fault::NoSheet { sheet: Some(sheet), .. } => write!(f, "has no sheet `{sheet}`"),
            Fault::NoSheet { sheet: None, .. } => write!(f, "has no sheet"),
            Fault::CellError { sheet, cell, error } => {
                write!(f, "has {error} in cell {cell} of the sheet `{sheet}`")
            }
            Fault::NotReckoned { sheet, cell } => {
                write!(f, "has a formula in cell {cell} of the sheet `{sheet}`, but not its value")
            }
            Fault::NameTaken { name } => write!(f, "has a column `{name}` already"),
            Fault::Name { name, kind, .. } => {
                write!(f, "cannot have a column `{name}`: that is no name in {kind}")
            }
            Fault::TooMuch { kind, what } => write!(f, "cannot be {kind}: {what}"),
            Fault::NotWritten { kind } => write!(f, "cannot be written: it would be {kind}"),
        }
    }
}

impl Fault {
    /// The way out.
    pub fn help(&self) -> Option<String> {
        let text = match self {
            Fault::Damaged { .. } => "copy or export the file again",
            Fault::EndsEarly { .. } => "copy or export it again; part of it is not there",
            Fault::Variant { .. } => "save it in a newer format, or as CSV",
            Fault::Expands { .. } => "if the file is sound, save it without compression",
            Fault::NotBuiltIn { feature, .. } => {
                return Some(format!("build it with `--features {feature}`, or save as CSV"));
            }
            Fault::NoSheet { sheets, .. } if !sheets.is_empty() => {
                let names: Vec<String> = sheets.iter().map(|s| format!("`{s}`")).collect();
                return Some(format!("its sheets are {}", names.join(", ")));
            }
            Fault::NoSheet { .. } => "save the workbook again",
            Fault::CellError { .. } => "mend the formula in the workbook and save it again",
            Fault::NotReckoned { .. } => {
                "the program that wrote it did not reckon: open the workbook in a spreadsheet program \
                 and save it there"
            }
            Fault::NameTaken { .. } => "choose another name with `weight-name` under [report]",
            Fault::Name { rule, .. } => rule,
            Fault::TooMuch { .. } => "write it as CSV or Parquet",
            Fault::NotWritten { .. } => {
                "choose the ending of the data file, if it is .sav, .zsav or .dta, else .csv or \
                 .parquet"
            }
        };
        Some(text.into())
    }
}
