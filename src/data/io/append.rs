//! A copy of a data file with new columns, in its own format where that can be written.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

use crate::data::column::{Column, Numbers, Values};

use super::atomic::{Staged, stage};
use super::error::DataError;
use super::fault::Fault;
use super::{Format, ReadOptions, format_of, parquet, read, stage_csv, stage_parquet, text};

/// A column to be added to a copy of a data file.
#[derive(Debug, Clone, PartialEq)]
pub struct NewColumn<'a> {
    /// The name, which no column of the file may have.
    pub name: String,
    /// The variable label, for formats that have them.
    pub label: String,
    /// One number for each row of the file; NaN is missing.
    pub values: &'a [f64],
    /// True for the weight that SPSS is to use; at most one column.
    pub weight: bool,
}

/// What stops a copy: the writing, or the file that is copied.
pub(super) enum Stopped {
    Write(io::Error),
    Data(DataError),
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Stopped {
        Stopped::Write(error)
    }
}

impl From<DataError> for Stopped {
    fn from(error: DataError) -> Stopped {
        Stopped::Data(error)
    }
}

/// Prepares a copy of a data file with columns added at the end.
///
/// The format of the copy is that of its name's ending. Where the file has the same format (SPSS,
/// Stata, delimited text), everything else in it is copied byte by byte: values, labels, missing
/// codes, formats, attributes, notes, long texts. For SPSS the column with `weight` becomes the
/// weight of the file, and `.sav` and `.zsav` count as one format. A Parquet file is copied
/// value by value, with its schema. Any other pair of formats is converted through what
/// [`read`](super::read) gives, which a CSV or Parquet file has no labels and missing codes of.
///
/// # Errors
/// When the file cannot be read, a name is taken or not allowed, the rows are not as many as the
/// values, or the format of the copy is not written.
pub fn stage_appended(
    source: &Path,
    options: &ReadOptions<'_>,
    target: &Path,
    columns: &[NewColumn<'_>],
) -> Result<Staged, DataError> {
    let from = format_of(source, options.format)?;
    let to = format_by_ending(target).unwrap_or(from);
    match (from, to) {
        #[cfg(feature = "spss")]
        (Format::Spss, Format::Spss) => {
            super::spss::stage_copy(source, options.encoding, target, columns)
        }
        #[cfg(feature = "stata")]
        (Format::Stata, Format::Stata) => {
            super::stata::stage_copy(source, options.encoding, target, columns)
        }
        (Format::Parquet, Format::Parquet) => parquet::stage_copy(source, target, columns),
        (Format::Csv, Format::Csv) => text::stage_copy(source, options, None, target, columns),
        (Format::Tsv, Format::Tsv | Format::Csv) | (Format::Csv, Format::Tsv) => {
            let tabs = (from == Format::Tsv).then_some('\t');
            text::stage_copy(source, options, tabs, target, columns)
        }
        (_, Format::Csv | Format::Parquet) => {
            let all = ReadOptions { columns: None, ..options.clone() };
            let table = read(source, &all)?;
            check(source, table.names(), columns, |a, b| a == b)?;
            rows_match(source, table.rows(), columns)?;
            let values = |c: &NewColumn<'_>| Values::Numbers(Numbers::F64(c.values.to_vec()));
            let new: Vec<Column> =
                columns.iter().map(|c| Column::from_values(c.name.clone(), values(c))).collect();
            let all: Vec<&Column> = table.columns().iter().chain(&new).collect();
            if to == Format::Csv { stage_csv(target, &all) } else { stage_parquet(target, &all) }
        }
        (_, other) => Err(not_written(target, other)),
    }
}

/// Finds what would stop [`stage_appended`], but for the values: names that are taken or not
/// allowed, formats that are not written.
///
/// # Errors
/// As [`stage_appended`].
pub fn check_appended(
    source: &Path,
    options: &ReadOptions<'_>,
    target: &Path,
    columns: &[NewColumn<'_>],
) -> Result<(), DataError> {
    let from = format_of(source, options.format)?;
    match (from, format_by_ending(target).unwrap_or(from)) {
        #[cfg(feature = "spss")]
        (Format::Spss, Format::Spss) => {
            super::spss::check_copy(source, options.encoding, target, columns)
        }
        #[cfg(feature = "stata")]
        (Format::Stata, Format::Stata) => {
            super::stata::check_copy(source, options.encoding, target, columns)
        }
        (_, Format::Csv | Format::Parquet) | (Format::Csv | Format::Tsv, Format::Tsv) => {
            let known = super::names(source, options)?;
            check(source, known.iter().map(String::as_str), columns, |a, b| a == b)
        }
        (_, other) => Err(not_written(target, other)),
    }
}

fn not_written(target: &Path, format: Format) -> DataError {
    let kind = match format {
        Format::SpssPortable => "an SPSS portable file",
        Format::Spss => "an SPSS file made from another format",
        Format::Stata => "a Stata file made from another format",
        Format::Sas | Format::SasTransport => "a SAS file",
        Format::Tsv => "text with tabs made from another format",
        _ => "a workbook",
    };
    fault(target, Fault::NotWritten { kind })
}

/// The format that the ending of a file name says.
pub fn format_by_ending(path: &Path) -> Option<Format> {
    let ending = path.extension()?.to_string_lossy().to_lowercase();
    super::known_ending(&ending)
}

/// Refuses names that the file has already, or that two of the new columns share.
pub(super) fn check<'n>(
    path: &Path,
    known: impl Iterator<Item = &'n str>,
    columns: &[NewColumn<'_>],
    same: impl Fn(&str, &str) -> bool,
) -> Result<(), DataError> {
    let known: Vec<&str> = known.collect();
    for (i, column) in columns.iter().enumerate() {
        let earlier = columns[..i].iter().map(|c| c.name.as_str());
        if known.iter().copied().chain(earlier).any(|name| same(name, &column.name)) {
            return Err(fault(path, Fault::NameTaken { name: column.name.clone() }));
        }
    }
    Ok(())
}

/// Refuses values that are not one for each row.
pub(super) fn rows_match(
    path: &Path,
    rows: usize,
    columns: &[NewColumn<'_>],
) -> Result<(), DataError> {
    if columns.iter().all(|c| c.values.len() == rows) {
        return Ok(());
    }
    Err(DataError::Changed { path: path.to_path_buf() })
}

/// Prepares a file, with errors of the file that is copied kept apart from those of writing.
pub(super) fn stage_with(
    target: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), Stopped>,
) -> Result<Staged, DataError> {
    let mut fault = None;
    let staged = stage(target, |out| match write(out) {
        Ok(()) => Ok(()),
        Err(Stopped::Write(error)) => Err(error),
        Err(Stopped::Data(error)) => {
            fault = Some(error);
            Err(io::Error::other("the file that is copied cannot be read"))
        }
    });
    staged.map_err(|error| fault.unwrap_or_else(|| error.into()))
}

pub(super) fn fault(path: &Path, fault: Fault) -> DataError {
    DataError::File { path: path.to_path_buf(), fault }
}
