//! SAS files: `.sas7bdat` and transport files, `.xpt` (versions 5 and 8), through the crates
//! `sas7bdat` and `sas_xport`.
//!
//! | in the file | here |
//! |---|---|
//! | numbers | numbers |
//! | `.` | missing |
//! | `.A` … `.Z`, `._` | missing codes with their counts |
//! | text | text without the spaces at the end; nothing but spaces is missing |
//! | dates, time stamps, times, by their formats | days or seconds since 1970-01-01; seconds |
//!
//! Value labels are not in these files but in a catalogue of formats (`catalogue.rs`).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::ops::ControlFlow;
use std::path::Path;

use encoding_rs::{UTF_8, WINDOWS_1252};
use sas_xport::sas::SasVariableType;
use sas_xport::sas::xport::{XportDataset, XportReader, XportValue, XportVariable};
use sas7bdat::{Dataset, Endianness, LogicalType};

use crate::data::column::{Column, MissingCode};
use crate::data::table::Table;

use super::build::{NumberBuilder, TextBuilder};
use super::catalogue::{Catalogue, Labels};
use super::error::DataError;
use super::fault::Fault;
use super::header::{check_names, selected};
use super::package::{self, Charset, Clock};
use super::source::{Source, guarded};
use super::{Note, ReadOptions, Reading};

const TABLE: &str = "a SAS data set";
const TRANSPORT: &str = "a SAS transport file";

/// The names of the columns of a `.sas7bdat`.
pub(super) fn table_names(path: &Path) -> Result<Vec<String>, DataError> {
    let dataset = open_table(path)?;
    let names: Vec<String> = dataset.columns().iter().map(|c| c.name.clone()).collect();
    check_names(path, &names)?;
    Ok(names)
}

/// The table of a `.sas7bdat`, or the requested columns of it.
pub(super) fn read_table(path: &Path, options: &ReadOptions<'_>) -> Result<Reading, DataError> {
    let catalogue = catalogue(options)?;
    let dataset = open_table(path)?;
    let all = dataset.columns();
    let names: Vec<String> = all.iter().map(|c| c.name.clone()).collect();
    check_names(path, &names)?;
    let chosen = selected(path, &names, options.columns)?;
    let encoding = dataset.metadata().encoding.as_deref();
    let charset = encoding.and_then(Charset::named).unwrap_or_else(Charset::guessed);
    let big = dataset.metadata().endianness == Endianness::Big;
    let mut fields: Vec<Field> = chosen
        .iter()
        .map(|&i| match all[i].logical_type {
            LogicalType::String | LogicalType::Bytes => Field::text(),
            // By our own list, so that both kinds of files show the same dates.
            _ => Field::number(all[i].format.as_deref().and_then(clock)),
        })
        .collect();
    let mut rows = 0_u64;
    let scan = guarded(|| {
        dataset.visit_raw_rows(|row| {
            for (field, &i) in fields.iter_mut().zip(&chosen) {
                let (start, width) = (all[i].offset as usize, all[i].physical_width as usize);
                let bytes = row.bytes.get(start..start + width).unwrap_or_default();
                match field {
                    Field::Text(_) => field.push_text(bytes),
                    Field::Number { .. } => field.push_number(widened(bytes, big)),
                }
            }
            rows += 1;
            // One more is enough to see that there are too many.
            let enough = rows >= u64::from(u32::MAX);
            Ok(if enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })
    });
    let promised =
        dataset.metadata().row_count.saturating_sub(dataset.metadata().deleted_row_count);
    match scan {
        Some(Ok(_)) if rows < promised => {
            let rows = Some((rows, promised));
            return Err(fault(path, Fault::EndsEarly { kind: TABLE, rows }));
        }
        Some(Ok(_)) => {}
        Some(Err(e)) => return Err(damaged(path, TABLE, &e)),
        None => return Err(damaged(path, TABLE, &STOPPED)),
    }
    check_rows(path, rows)?;
    let named = fields.into_iter().zip(&chosen).map(|(field, &i)| {
        let labels = labels_of(catalogue.as_ref(), all[i].format.as_deref());
        field.finish(&all[i].name, all[i].label.as_deref().unwrap_or(""), charset, labels)
    });
    Ok(Reading { table: table(named)?, notes: Vec::new() })
}

fn open_table(path: &Path) -> Result<Dataset, DataError> {
    // The whole file is read into memory: a mapped one ends the program when it is cut short
    // by another, and the reading of parts goes through threads whose panics cannot be caught.
    let mut source = Source::open(path, TABLE)?;
    let bytes = source.bytes(source.length())?;
    if !bytes.starts_with(MAGIC) {
        let found = super::input::recognised(&bytes[..bytes.len().min(64)]);
        let (path, found) = (path.to_path_buf(), found.unwrap_or("something else"));
        return Err(DataError::OtherContent { path, expected: TABLE, found });
    }
    match guarded(|| Dataset::from_bytes(bytes)) {
        Some(Ok(dataset)) if dataset.columns().is_empty() => {
            Err(DataError::NoColumns { path: path.to_path_buf() })
        }
        Some(Ok(dataset)) => Ok(dataset),
        Some(Err(e)) => Err(damaged(path, TABLE, &e)),
        None => Err(damaged(path, TABLE, &STOPPED)),
    }
}

/// How every `.sas7bdat` begins.
pub(super) const MAGIC: &[u8] =
    b"\0\0\0\0\0\0\0\0\0\0\0\0\xc2\xea\x81\x60\xb3\x14\x11\xcf\xbd\x92\x08\x00";

/// A number of which SAS kept the first three to eight bytes.
fn widened(bytes: &[u8], big: bool) -> f64 {
    let mut all = [0; 8];
    let width = bytes.len().min(8);
    if big {
        all[..width].copy_from_slice(&bytes[..width]);
        f64::from_be_bytes(all)
    } else {
        all[8 - width..].copy_from_slice(&bytes[..width]);
        f64::from_le_bytes(all)
    }
}

/// The names of the columns of a transport file.
pub(super) fn transport_names(path: &Path) -> Result<Vec<String>, DataError> {
    let dataset = open_transport(path)?;
    names_of(path, dataset.schema().variables())
}

fn names_of(path: &Path, variables: &[XportVariable]) -> Result<Vec<String>, DataError> {
    let names: Vec<String> =
        variables.iter().map(|v| v.full_name().trim_end().to_owned()).collect();
    check_names(path, &names)?;
    Ok(names)
}

/// The first table of a transport file, or the requested columns of it.
pub(super) fn read_transport(path: &Path, options: &ReadOptions<'_>) -> Result<Reading, DataError> {
    let catalogue = catalogue(options)?;
    let mut dataset = open_transport(path)?;
    let variables = dataset.schema().variables().to_vec();
    let names = names_of(path, &variables)?;
    let chosen = selected(path, &names, options.columns)?;
    let mut fields: Vec<Field> = chosen
        .iter()
        .map(|&i| match variables[i].value_type() {
            SasVariableType::Character => Field::text(),
            SasVariableType::Numeric => Field::number(clock(variables[i].full_format())),
        })
        .collect();
    let mut rows = 0_u64;
    let scan = guarded(|| -> Result<bool, DataError> {
        let failed = |e| damaged(path, TRANSPORT, &with_source(&e));
        while let Some(record) = dataset.next_lazy_record().map_err(failed)? {
            for (field, &i) in fields.iter_mut().zip(&chosen) {
                match record.get(i).transpose().map_err(failed)? {
                    Some(XportValue::Character(text)) => field.push_text(text.as_bytes()),
                    Some(XportValue::Number(x)) => field.push_number(x),
                    None => {}
                }
            }
            rows += 1;
            if rows >= u64::from(u32::MAX) {
                break;
            }
        }
        Ok(dataset.next_dataset().is_ok_and(|next| next.is_some()))
    });
    let more = scan.unwrap_or_else(|| Err(damaged(path, TRANSPORT, &STOPPED)))?;
    check_rows(path, rows)?;
    let named = fields.into_iter().zip(&chosen).map(|(field, &i)| {
        let labels = labels_of(catalogue.as_ref(), Some(variables[i].full_format()));
        field.finish(&names[i], variables[i].full_label(), Charset::utf8(), labels)
    });
    let notes = if more { vec![Note::FirstTable] } else { Vec::new() };
    Ok(Reading { table: table(named)?, notes })
}

fn open_transport(path: &Path) -> Result<XportDataset<Source>, DataError> {
    let mut source = Source::open(path, TRANSPORT)?;
    let mut head = vec![0; RECORD as usize];
    let read = source.some(&mut head)?;
    if !head.starts_with(b"HEADER RECORD*******LIB") {
        head.truncate(read);
        let found = super::input::recognised(&head).unwrap_or("something else");
        return Err(DataError::OtherContent {
            path: path.to_path_buf(),
            expected: TRANSPORT,
            found,
        });
    }
    // All of a transport file, its rows too, stands in records of 80 bytes, the last one filled up;
    // the decoder would take a cut row for what fills it up.
    if source.length() % RECORD != 0 {
        return Err(source.ends_early());
    }
    source.go_to(0)?;
    let opened = guarded(|| {
        let mut options = XportReader::<BufReader<File>>::options();
        options.encoding(UTF_8).add_fallback_encoding(WINDOWS_1252);
        options.from_reader(source)?.next_dataset()
    });
    match opened {
        Some(Ok(Some(dataset))) if !dataset.schema().variables().is_empty() => Ok(dataset),
        Some(Ok(_)) => Err(DataError::NoColumns { path: path.to_path_buf() }),
        Some(Err(e)) => Err(damaged(path, TRANSPORT, &with_source(&e))),
        None => Err(damaged(path, TRANSPORT, &STOPPED)),
    }
}

/// Bytes of a record of a transport file.
const RECORD: u64 = 80;

/// What a number counts, by the name of its format. Only exact names of formats that show whole
/// dates or times: `YEAR` and the like show a part, and users' own formats have similar names.
fn clock(format: &str) -> Option<Clock> {
    let bare = format.trim().trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    match bare.to_uppercase().as_str() {
        "DATE" | "DDMMYY" | "DDMMYYB" | "DDMMYYC" | "DDMMYYD" | "DDMMYYN" | "DDMMYYP"
        | "DDMMYYS" | "MMDDYY" | "MMDDYYB" | "MMDDYYC" | "MMDDYYD" | "MMDDYYN" | "MMDDYYP"
        | "MMDDYYS" | "YYMMDD" | "YYMMDDB" | "YYMMDDC" | "YYMMDDD" | "YYMMDDN" | "YYMMDDP"
        | "YYMMDDS" | "JULIAN" | "MONYY" | "WORDDATE" | "WORDDATX" | "WEEKDATE" | "WEEKDATX"
        | "E8601DA" | "B8601DA" | "IS8601DA" => Some(Clock::Days1960),
        "DATETIME" | "DATEAMPM" | "E8601DT" | "B8601DT" | "IS8601DT" | "MDYAMPM" | "DTDATE" => {
            Some(Clock::Seconds1960)
        }
        "TIME" | "TIMEAMPM" | "HHMM" | "MMSS" | "E8601TM" | "B8601TM" | "IS8601TM" => {
            Some(Clock::Seconds)
        }
        _ => None,
    }
}

/// A column that is being read.
enum Field {
    Number { builder: NumberBuilder, clock: Option<Clock>, tagged: BTreeMap<char, u64> },
    Text(TextBuilder),
}

impl Field {
    fn number(clock: Option<Clock>) -> Field {
        Field::Number { builder: NumberBuilder::new(0), clock, tagged: BTreeMap::new() }
    }

    fn text() -> Field {
        Field::Text(TextBuilder::new(0, 0))
    }

    fn push_text(&mut self, bytes: &[u8]) {
        match (self, package::trimmed(bytes)) {
            (Field::Text(builder), []) => builder.push_missing(),
            (Field::Text(builder), text) => builder.push(text),
            (Field::Number { builder, .. }, _) => builder.push_missing(),
        }
    }

    fn push_number(&mut self, x: f64) {
        match self {
            Field::Number { builder, clock, tagged } => {
                if x.is_nan() {
                    // The third byte of a missing value holds its letter, inverted; in data
                    // sets as a number, in transport files as the letter.
                    let tag = !x.to_be_bytes()[2];
                    let letter = match tag {
                        2..=27 => Some(char::from(b'A' + tag - 2)),
                        b'A'..=b'Z' => Some(char::from(tag)),
                        0 | b'_' => Some('_'),
                        _ => None,
                    };
                    if let Some(letter) = letter {
                        *tagged.entry(letter).or_insert(0) += 1;
                    }
                    builder.push_missing();
                } else {
                    builder.push(clock.map_or(x, |clock| clock.convert(x)));
                }
            }
            Field::Text(builder) => builder.push_missing(),
        }
    }

    fn finish(self, name: &str, label: &str, charset: Charset, labels: Labels) -> Column {
        match self {
            Field::Number { builder, clock, tagged } => {
                let code = |(letter, count)| {
                    let known = labels.missing.iter().find(|(of, _)| *of == letter);
                    let label = known.map(|(_, label)| label.clone());
                    MissingCode { code: format!(".{letter}"), label, count }
                };
                let missing = tagged.into_iter().map(code).collect();
                let values = builder.finish();
                package::numbers(name, Some(label), values, labels.numbers, missing, clock)
            }
            Field::Text(builder) => {
                let values = builder.finish(|bytes| charset.decode(&bytes));
                package::text(name, Some(label), values, labels.texts, Vec::new())
            }
        }
    }
}

/// The catalogue of value labels, if there is one.
fn catalogue(options: &ReadOptions<'_>) -> Result<Option<Catalogue>, DataError> {
    let read = options.catalogue.as_deref().map(Catalogue::read).transpose();
    read.map_err(|e| DataError::Catalogue(Box::new(e)))
}

/// The labels of a column, by the name of its format.
fn labels_of(catalogue: Option<&Catalogue>, format: Option<&str>) -> Labels {
    catalogue.zip(format).and_then(|(all, name)| all.of(name)).cloned().unwrap_or_default()
}

const STOPPED: &str = "the decoder stopped at damaged data";

fn table(columns: impl Iterator<Item = Column>) -> Result<Table, DataError> {
    Ok(Table::new(columns.collect())?)
}

fn check_rows(path: &Path, rows: u64) -> Result<(), DataError> {
    let path = path.to_path_buf();
    match rows {
        0 => Err(DataError::NoRows { path }),
        rows if rows >= u64::from(u32::MAX) => Err(DataError::TooManyRows { path, rows }),
        _ => Ok(()),
    }
}

fn fault(path: &Path, fault: Fault) -> DataError {
    DataError::File { path: path.to_path_buf(), fault }
}

fn damaged(path: &Path, kind: &'static str, error: &dyn std::fmt::Display) -> DataError {
    let what = error.to_string();
    fault(path, Fault::Damaged { kind, at: None, what })
}

/// An error with what it came from: that is where the decoder says what is wrong.
fn with_source(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error} ({source})"),
        None => error.to_string(),
    }
}
