//! SPSS system files, `.sav` and `.zsav`, and portable files, `.por`.
//!
//! | in the file | here |
//! |---|---|
//! | numbers | numbers, with their value labels |
//! | user-missing values and ranges | missing codes with their labels and counts |
//! | system-missing | missing |
//! | texts of any length | text without the spaces at the end; nothing but spaces is missing |
//! | DATE, ADATE, MOYR, … | days since 1970-01-01, marked as dates |
//! | DATETIME; TIME, DTIME | seconds since 1970-01-01; seconds |

mod cases;
mod copy;
mod dictionary;
mod extension;
mod pack;
pub(super) mod portable;

use std::collections::HashMap;
use std::path::Path;

use crate::data::column::{Column, MissingCode};
use crate::data::number::written;
use crate::data::table::Table;

use super::Reading;
use super::build::{NumberBuilder, TextBuilder};
use super::error::DataError;
use super::header::{check_names, selected};
use super::package::{self, Charset};
use super::source::Source;
pub(super) use copy::{check_copy, stage_copy};

use cases::{Cases, Element, SYSTEM_MISSING};
use dictionary::{Dictionary, KIND, Variable};

/// The names of the columns.
pub(super) fn names(path: &Path, encoding: Option<Charset>) -> Result<Vec<String>, DataError> {
    let dictionary = dictionary::read(&mut Source::open(path, KIND)?, encoding)?;
    names_of(path, &dictionary)
}

/// The rows that the file promises.
pub(super) fn rows(path: &Path) -> Option<u64> {
    dictionary::read(&mut Source::open(path, KIND).ok()?, None).ok()?.rows
}

fn names_of(path: &Path, dictionary: &Dictionary) -> Result<Vec<String>, DataError> {
    let names: Vec<String> = dictionary.variables.iter().map(|v| v.name.clone()).collect();
    check_names(path, &names)?;
    Ok(names)
}

/// The table, or the requested columns of it.
pub(super) fn read(
    path: &Path,
    encoding: Option<Charset>,
    columns: Option<&[String]>,
) -> Result<Reading, DataError> {
    let mut source = Source::open(path, KIND)?;
    let mut dictionary = dictionary::read(&mut source, encoding)?;
    let names = names_of(path, &dictionary)?;
    let chosen = selected(path, &names, columns)?;
    let big = source.big;
    let mut cases = Cases::new(&mut source, &dictionary)?;
    let room = cases.likely(dictionary.elements);
    let mut fields: Vec<Field> =
        chosen.iter().map(|&i| Field::new(&dictionary.variables[i], room, big)).collect();
    let mut case: Vec<Element> = vec![[0; 8]; dictionary.elements];
    while cases.next(&mut case)? {
        if cases.taken >= u64::from(u32::MAX) {
            return Err(DataError::TooManyRows { path: path.to_path_buf(), rows: cases.taken });
        }
        for field in &mut fields {
            field.push(&case);
        }
    }
    if cases.taken == 0 {
        return Err(DataError::NoRows { path: path.to_path_buf() });
    }
    let charset = dictionary.charset;
    let mut table = Table::default();
    for (field, index) in fields.into_iter().zip(chosen) {
        table.push(field.finish(&mut dictionary.variables[index], charset))?;
    }
    Ok(Reading { table, notes: Vec::new() })
}

/// A column that is being read.
enum Field {
    Number {
        element: usize,
        big: bool,
        builder: NumberBuilder,
        missing: dictionary::Missing,
        /// Rows by missing value, as bits.
        counts: HashMap<u64, u64>,
        clock: Option<package::Clock>,
    },
    Text {
        element: usize,
        width: usize,
        builder: TextBuilder,
        /// A text longer than 255 bytes, put together.
        whole: Vec<u8>,
    },
}

impl Field {
    fn new(variable: &Variable, room: usize, big: bool) -> Field {
        let element = variable.element;
        match variable.width {
            None => Field::Number {
                element,
                big,
                builder: NumberBuilder::new(room),
                missing: variable.missing.clone(),
                counts: HashMap::new(),
                clock: variable.clock,
            },
            Some(width) => {
                let builder = TextBuilder::new(room, 0);
                Field::Text { element, width, builder, whole: Vec::new() }
            }
        }
    }

    #[inline]
    fn push(&mut self, case: &[Element]) {
        match self {
            Field::Number { element, big, .. } => {
                let bytes = case[*element];
                let x = if *big { f64::from_be_bytes(bytes) } else { f64::from_le_bytes(bytes) };
                self.push_number(x);
            }
            Field::Text { element, width, builder, whole } => {
                let bytes = case.get(*element..).unwrap_or_default().as_flattened();
                let bytes = if *width <= 255 {
                    bytes.get(..*width).unwrap_or(bytes)
                } else {
                    joined(bytes, *width, whole);
                    whole
                };
                push_text(builder, bytes);
            }
        }
    }

    /// Adds a number as the file has it; NaN is system-missing.
    #[inline]
    fn push_number(&mut self, x: f64) {
        if let Field::Number { builder, missing, counts, clock, .. } = self {
            if x == SYSTEM_MISSING || x.is_nan() {
                builder.push_missing();
            } else if missing.has(x) {
                *counts.entry(x.to_bits()).or_insert(0) += 1;
                builder.push_missing();
            } else {
                builder.push(clock.map_or(x, |clock| clock.convert(x)));
            }
        }
    }

    /// Adds a text as the file has it.
    fn push_text(&mut self, bytes: &[u8]) {
        if let Field::Text { builder, .. } = self {
            push_text(builder, bytes);
        }
    }

    fn finish(self, variable: &mut Variable, charset: package::Charset) -> Column {
        let label = variable.label.as_deref();
        match self {
            Field::Number { builder, counts, .. } => {
                let missing = &variable.missing;
                let mut labels = std::mem::take(&mut variable.labels);
                let mut found: Vec<(f64, u64)> =
                    counts.into_iter().map(|(bits, n)| (f64::from_bits(bits), n)).collect();
                found.sort_by(|a, b| a.0.total_cmp(&b.0));
                let label_of = |x: f64| labels.iter().find(|(v, _)| *v == x);
                let codes = found
                    .into_iter()
                    .map(|(x, count)| MissingCode {
                        code: written(x),
                        label: label_of(x).map(|(_, l)| l.clone()),
                        count,
                    })
                    .collect();
                labels.retain(|(x, _)| !missing.has(*x));
                let values = builder.finish();
                package::numbers(&variable.name, label, values, labels, codes, variable.clock)
            }
            Field::Text { builder, .. } => {
                let values = builder.finish(|bytes| charset.decode(&bytes));
                let labels = std::mem::take(&mut variable.text_labels);
                let missing = std::mem::take(&mut variable.missing.texts);
                package::text(&variable.name, label, values, labels, missing)
            }
        }
    }
}

#[inline]
fn push_text(builder: &mut TextBuilder, bytes: &[u8]) {
    match package::trimmed(bytes) {
        [] => builder.push_missing(),
        text => builder.push(text),
    }
}

impl dictionary::Missing {
    #[inline]
    fn has(&self, x: f64) -> bool {
        self.range.is_some_and(|(low, high)| x >= low && x <= high) || self.values.contains(&x)
    }
}

/// Puts the segments of a long text together: each has 255 bytes of it in 256.
fn joined(bytes: &[u8], width: usize, whole: &mut Vec<u8>) {
    whole.clear();
    for segment in bytes.chunks(256) {
        let left = width - whole.len();
        whole.extend_from_slice(&segment[..segment.len().min(left).min(255)]);
        if whole.len() == width {
            break;
        }
    }
}
