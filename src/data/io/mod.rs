//! Data files: read whole or by column into a [`Table`], written whole or not at all.

mod arrow;
mod atomic;
mod build;
mod error;
mod header;
mod input;
mod note;
pub mod parquet;
mod rows;
mod text;
mod write;

use std::path::Path;

use crate::data::table::Table;

pub use atomic::{Batch, Staged, WriteError, stage, write_atomically};
pub use error::{DataError, UnknownColumn};
pub use note::Note;
pub use parquet::decoding;
pub use rows::rows;
pub use write::{stage_csv, stage_parquet, write_csv, write_parquet};

/// The error of the system for a file that cannot be read, with what may have been meant.
pub(crate) fn unreadable(path: &Path, source: std::io::Error) -> DataError {
    DataError::from_io(path, source)
}

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
}

/// How a file is read.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadOptions<'a> {
    /// The format, where the ending of the file name does not say it.
    pub format: Option<Format>,
    /// The delimiter of a text file, where it is not found out rightly.
    pub delimiter: Option<char>,
    /// Texts that mean "missing" in a text file, besides the empty field. Spaces around a field
    /// do not count.
    pub missing_text: Vec<String>,
    /// Read only these columns; all of them if not given.
    pub columns: Option<&'a [String]>,
}

impl Default for ReadOptions<'_> {
    /// All columns; the empty field, `NA` and `.` are missing.
    fn default() -> Self {
        let missing_text = ["", "NA", "."].map(String::from).to_vec();
        ReadOptions { format: None, delimiter: None, missing_text, columns: None }
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
    match format_of(path, options.format)? {
        Format::Csv => text::read(path, options.delimiter, options),
        Format::Tsv => text::read(path, options.delimiter.or(Some('\t')), options),
        Format::Parquet => parquet::read(path, options.columns),
    }
}

/// The names of a file's columns, in file order, without reading its rows.
///
/// # Errors
/// See [`DataError`].
pub fn names(path: &Path, options: &ReadOptions<'_>) -> Result<Vec<String>, DataError> {
    match format_of(path, options.format)? {
        Format::Csv => text::names(path, options.delimiter),
        Format::Tsv => text::names(path, options.delimiter.or(Some('\t'))),
        Format::Parquet => parquet::names(path),
    }
}

fn format_of(path: &Path, given: Option<Format>) -> Result<Format, DataError> {
    if let Some(format) = given {
        return Ok(format);
    }
    let found = std::fs::metadata(path).map_err(|e| DataError::from_io(path, e))?;
    if found.is_dir() {
        return Err(DataError::Directory { path: path.to_path_buf() });
    }
    let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let kind = match ending.as_str() {
        "csv" | "txt" | "dat" => return Ok(Format::Csv),
        "tsv" | "tab" => return Ok(Format::Tsv),
        "parquet" | "pq" => return Ok(Format::Parquet),
        "sav" | "zsav" | "por" => "an SPSS file",
        "dta" => "a Stata file",
        "xls" | "xlsx" | "xlsm" | "xlsb" | "ods" => "a spreadsheet",
        "sas7bdat" | "xpt" => "a SAS file",
        "rds" | "rda" | "rdata" => "an R file",
        "feather" | "arrow" => "an Arrow file",
        "gz" | "zip" | "zst" | "bz2" | "xz" | "7z" => "a compressed file",
        "json" | "jsonl" | "ndjson" | "xml" => "a JSON or XML file",
        _ => {
            // A pipe cannot be looked into without losing its start; it can only be text.
            if !found.is_file() {
                return Ok(Format::Csv);
            }
            let input = input::Input::open(path)?;
            return match input::recognised(&input.head(64)?) {
                Some("a Parquet file") => Ok(Format::Parquet),
                Some(kind) => Err(DataError::Unreadable { path: path.to_path_buf(), kind }),
                None => Err(DataError::UnknownFormat { path: path.to_path_buf() }),
            };
        }
    };
    Err(DataError::Unreadable { path: path.to_path_buf(), kind })
}
