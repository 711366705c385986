//! Data files: read whole or by column into a [`Table`], written whole or not at all.

mod append;
mod arrow;
mod atomic;
mod build;
#[cfg(feature = "sas")]
mod catalogue;
mod code_page;
mod error;
mod fault;
mod header;
mod input;
mod lines;
mod note;
mod package;
pub mod parquet;
mod paths;
mod rows;
#[cfg(feature = "sas")]
mod sas;
#[cfg(feature = "excel")]
mod sheet;
mod source;
mod special;
#[cfg(feature = "spss")]
mod spss;
#[cfg(feature = "stata")]
mod stata;
mod temporary;
mod text;
mod write;
mod write_batches;

use std::path::{Path, PathBuf};

use crate::data::table::Table;

pub use append::{
    MakeRows, NewColumn, NewValues, RowRuns, check_appended, format_by_ending, stage_appended,
};
pub use atomic::{Batch, Staged, WriteError, stage, write_atomically};
pub use error::{DataError, UnknownColumn};
pub use fault::Fault;
pub use input::text_of;
pub use note::Note;
pub use package::Charset;
pub use paths::{seen_from, tidied};
pub use rows::rows;
pub use source::decoding;
pub use special::{read_once, read_small};
pub use temporary::{Abandoned, abandon};
pub use write::{stage_csv, stage_parquet, write_csv, write_parquet};
pub use write_batches::stage_batches;

/// The format of a data file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Text; the delimiter is found out.
    Csv,
    /// Text with tabs.
    Tsv,
    /// Apache Parquet.
    Parquet,
    /// An SPSS system file, `.sav` or `.zsav`.
    Spss,
    /// An SPSS portable file, `.por`.
    SpssPortable,
    /// Stata.
    Stata,
    /// A SAS data set, `.sas7bdat`.
    Sas,
    /// A SAS transport file, `.xpt`.
    SasTransport,
    /// An Excel workbook, `.xlsx` or `.xlsm`.
    Excel,
    /// An OpenDocument spreadsheet, `.ods`.
    Ods,
}

/// How a file is read.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadOptions<'a> {
    /// The format, where the ending of the file name does not say it.
    pub format: Option<Format>,
    /// The delimiter of a text file, where it is not found out rightly.
    pub delimiter: Option<char>,
    /// The sheet of a workbook; the first one if not given.
    pub sheet: Option<String>,
    /// How bytes of SPSS, Stata and text files become characters, where the file does not say it or
    /// says it wrongly.
    pub encoding: Option<Charset>,
    /// The catalogue of formats with the value labels of a SAS file.
    pub catalogue: Option<PathBuf>,
    /// Texts that mean "missing" in a text file or sheet, besides the empty field. Spaces around
    /// a field do not count.
    pub missing_text: Vec<String>,
    /// Read only these columns; all of them if not given.
    pub columns: Option<&'a [String]>,
}

impl Default for ReadOptions<'_> {
    /// All columns; the empty field, `NA` and `.` are missing.
    fn default() -> Self {
        let missing_text = ["", "NA", "."].map(String::from).to_vec();
        ReadOptions {
            format: None,
            delimiter: None,
            sheet: None,
            encoding: None,
            catalogue: None,
            missing_text,
            columns: None,
        }
    }
}

/// A table and what was decided on the way.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The columns, in file order.
    pub table: Table,
    /// Decisions that a person should know of.
    pub notes: Vec<Note>,
}

/// Reads a data file. See [`read_with_notes`].
///
/// # Errors
/// See [`DataError`]; all unknown columns are reported at once.
pub fn read(path: &Path, options: &ReadOptions<'_>) -> Result<Table, DataError> {
    read_with_notes(path, options).map(|reading| reading.table)
}

/// Reads a data file and reports what was decided on the way, such as the encoding.
///
/// The format is `options.format`, or that of the file name's ending, or that of the first
/// bytes. The table has its columns in file order whatever the order in `options.columns`.
///
/// # Errors
/// See [`DataError`]; all unknown columns are reported at once.
pub fn read_with_notes(path: &Path, options: &ReadOptions<'_>) -> Result<Reading, DataError> {
    let columns = options.columns;
    match format_of(path, options.format)? {
        Format::Csv => text::read(path, options, None),
        Format::Tsv => text::read(path, options, Some('\t')),
        Format::Parquet => parquet::read(path, columns),
        #[cfg(feature = "spss")]
        Format::Spss => spss::read(path, options.encoding, columns),
        #[cfg(feature = "spss")]
        Format::SpssPortable => spss::portable::read(path, options.encoding, columns),
        #[cfg(feature = "stata")]
        Format::Stata => stata::read(path, options.encoding, columns),
        #[cfg(feature = "sas")]
        Format::Sas => sas::read_table(path, options),
        #[cfg(feature = "sas")]
        Format::SasTransport => sas::read_transport(path, options),
        #[cfg(feature = "excel")]
        Format::Excel => sheet::read(path, sheet::Kind::Xlsx, options),
        #[cfg(feature = "excel")]
        Format::Ods => sheet::read(path, sheet::Kind::Ods, options),
        #[cfg(not(all(feature = "spss", feature = "stata", feature = "sas", feature = "excel")))]
        other => Err(not_built_in(path, other)),
    }
}

/// The names of a file's columns, in file order, without reading its rows.
///
/// # Errors
/// See [`DataError`].
pub fn names(path: &Path, options: &ReadOptions<'_>) -> Result<Vec<String>, DataError> {
    match format_of(path, options.format)? {
        Format::Csv => text::names(path, options, None),
        Format::Tsv => text::names(path, options, Some('\t')),
        Format::Parquet => parquet::names(path),
        #[cfg(feature = "spss")]
        Format::Spss => spss::names(path, options.encoding),
        #[cfg(feature = "spss")]
        Format::SpssPortable => spss::portable::names(path, options.encoding),
        #[cfg(feature = "stata")]
        Format::Stata => stata::names(path, options.encoding),
        #[cfg(feature = "sas")]
        Format::Sas => sas::table_names(path),
        #[cfg(feature = "sas")]
        Format::SasTransport => sas::transport_names(path),
        #[cfg(feature = "excel")]
        Format::Excel => sheet::names(path, sheet::Kind::Xlsx, options.sheet.as_deref()),
        #[cfg(feature = "excel")]
        Format::Ods => sheet::names(path, sheet::Kind::Ods, options.sheet.as_deref()),
        #[cfg(not(all(feature = "spss", feature = "stata", feature = "sas", feature = "excel")))]
        other => Err(not_built_in(path, other)),
    }
}

/// A sheet of a workbook as lines of comma-separated text, the first row of the sheet on line 1;
/// `None` if the file is no workbook.
///
/// # Errors
/// See [`DataError`].
pub fn sheet_as_text(path: &Path, sheet: Option<&str>) -> Result<Option<String>, DataError> {
    match format_of(path, None) {
        #[cfg(feature = "excel")]
        Ok(Format::Excel) => sheet::as_text(path, sheet::Kind::Xlsx, sheet).map(Some),
        #[cfg(feature = "excel")]
        Ok(Format::Ods) => sheet::as_text(path, sheet::Kind::Ods, sheet).map(Some),
        #[cfg(not(feature = "excel"))]
        Ok(format @ (Format::Excel | Format::Ods)) => {
            let _ = sheet;
            Err(not_built_in(path, format))
        }
        _ => Ok(None),
    }
}

/// The error for a format whose feature is switched off.
#[cfg(not(all(feature = "spss", feature = "stata", feature = "sas", feature = "excel")))]
fn not_built_in(path: &Path, format: Format) -> DataError {
    let (kind, feature) = match format {
        Format::Spss | Format::SpssPortable => ("an SPSS file", "spss"),
        Format::Stata => ("a Stata file", "stata"),
        Format::Sas | Format::SasTransport => ("a SAS file", "sas"),
        _ => ("a workbook", "excel"),
    };
    DataError::File { path: path.to_path_buf(), fault: Fault::NotBuiltIn { kind, feature } }
}

/// The format of a file: the given one, or that of the file name's ending, or that of the first
/// bytes.
///
/// # Errors
/// When the file is not there, or of a format that is not read.
pub fn format_of(path: &Path, given: Option<Format>) -> Result<Format, DataError> {
    if let Some(format) = given {
        return Ok(format);
    }
    special::ordinary(path)?;
    let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    if let Some(format) = known_ending(&ending) {
        return Ok(format);
    }
    let kind = match ending.as_str() {
        "sas7bcat" => "a SAS catalogue of formats, which is named beside its data (`catalogue`)",
        "xls" | "xlsb" => "an Excel workbook of another kind than .xlsx",
        "rds" | "rda" | "rdata" => "an R file",
        "feather" | "arrow" => "an Arrow file",
        "gz" | "zip" | "zst" | "bz2" | "xz" | "7z" => "a compressed file",
        "json" | "jsonl" | "ndjson" | "xml" => "a JSON or XML file",
        _ => {
            let input = input::Input::open(path, None)?;
            let head = input.head(64)?;
            return match input::recognised(&head) {
                Some(_) if head.starts_with(b"PAR1") => Ok(Format::Parquet),
                Some("an SPSS file") => Ok(Format::Spss),
                Some("an SPSS portable file") => Ok(Format::SpssPortable),
                Some("a Stata file") => Ok(Format::Stata),
                Some("a SAS data set") => Ok(Format::Sas),
                Some("a SAS transport file") => Ok(Format::SasTransport),
                Some("an OpenDocument spreadsheet") => Ok(Format::Ods),
                Some(kind) => Err(DataError::Unreadable { path: path.to_path_buf(), kind }),
                None => Err(DataError::UnknownFormat { path: path.to_path_buf() }),
            };
        }
    };
    Err(DataError::Unreadable { path: path.to_path_buf(), kind })
}

/// The format that an ending, in lower case, stands for.
fn known_ending(ending: &str) -> Option<Format> {
    Some(match ending {
        "csv" | "txt" | "dat" => Format::Csv,
        "tsv" | "tab" => Format::Tsv,
        "parquet" | "pq" => Format::Parquet,
        "sav" | "zsav" => Format::Spss,
        "por" => Format::SpssPortable,
        "dta" => Format::Stata,
        "sas7bdat" => Format::Sas,
        "xpt" => Format::SasTransport,
        "xlsx" | "xlsm" => Format::Excel,
        "ods" => Format::Ods,
        _ => return None,
    })
}
