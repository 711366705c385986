//! Stata files, `.dta`, of versions 102 to 119 (Stata 3 to 19).
//!
//! | in the file | here |
//! |---|---|
//! | byte, int, long, float, double | numbers, with their value labels |
//! | `.` | missing |
//! | `.a` … `.z` | missing codes with their labels and counts |
//! | str, strL | text without the spaces at the end; nothing but spaces is missing |
//! | dates, `%td` | days since 1970-01-01, marked as dates |
//! | time stamps, `%tc` | seconds since 1970-01-01, marked as time stamps |

mod copy;
mod labels;
mod layout;

use std::path::Path;

use crate::data::codes::Factor;
use crate::data::column::{Column, MissingCode};
use crate::data::table::Table;

use super::Reading;
use super::build::{NumberBuilder, TextBuilder};
use super::error::DataError;
use super::header::{check_names, selected};
use super::package::{self, Charset, Clock};
use super::source::Source;
pub(super) use copy::{check_copy, stage_copy};
use labels::LongTexts;
use layout::{KIND, Kind, Layout, Variable};

/// Bytes of rows that are read at a time.
const BLOCK: u64 = 1 << 18;
/// The value of a label that stands for `.`; those of `.a` to `.z` follow.
const LABEL_MISSING: i32 = 2_147_483_621;

/// The names of the columns.
pub(super) fn names(path: &Path, encoding: Option<Charset>) -> Result<Vec<String>, DataError> {
    let layout = layout::read(&mut Source::open(path, KIND)?, encoding)?;
    names_of(path, &layout)
}

/// The rows of the file.
pub(super) fn rows(path: &Path) -> Option<u64> {
    Some(layout::read(&mut Source::open(path, KIND).ok()?, None).ok()?.rows)
}

fn names_of(path: &Path, layout: &Layout) -> Result<Vec<String>, DataError> {
    let names: Vec<String> = layout.variables.iter().map(|v| v.name.clone()).collect();
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
    let layout = layout::read(&mut source, encoding)?;
    let names = names_of(path, &layout)?;
    let chosen = selected(path, &names, columns)?;
    if layout.rows == 0 {
        return Err(DataError::NoRows { path: path.to_path_buf() });
    }
    if layout.rows >= u64::from(u32::MAX) {
        return Err(DataError::TooManyRows { path: path.to_path_buf(), rows: layout.rows });
    }
    let long = |i: &&usize| layout.variables[**i].kind == Kind::LongText;
    let wanted: Vec<u32> = chosen.iter().filter(long).map(|&i| i as u32 + 1).collect();
    let mut texts = LongTexts::default();
    if let (Some(start), false) = (layout.parts.long_texts, wanted.is_empty()) {
        source.go_to(start)?;
        texts = labels::long_texts(&mut source, layout.release, &wanted)?;
    }
    let coding = Coding { release: layout.release, big: source.big };
    let rows = usize::try_from(layout.rows).unwrap_or(0);
    let mut fields: Vec<Field> =
        chosen.iter().map(|&i| Field::new(&layout.variables[i], coding, rows)).collect();

    source.go_to(layout.parts.data.start)?;
    let at_once = (BLOCK / layout.width).max(1);
    let width = usize::try_from(layout.width).unwrap_or(usize::MAX);
    let mut left = layout.rows;
    while left > 0 {
        let rows = at_once.min(left);
        let block = source.bytes(rows * layout.width)?;
        for field in &mut fields {
            if !field.extend(&block, width, &texts) {
                return Err(source.damaged("a reference to a long text that is not there"));
            }
        }
        left -= rows;
    }
    let mut table = Table::default();
    for (field, index) in fields.into_iter().zip(chosen) {
        table.push(field.finish(&layout, &layout.variables[index], &texts))?;
    }
    Ok(Reading { table, notes: Vec::new() })
}

/// What the bytes of a value depend on.
#[derive(Debug, Clone, Copy)]
struct Coding {
    release: u8,
    big: bool,
}

/// A column that is being read.
struct Field {
    kind: Kind,
    coding: Coding,
    offset: usize,
    clock: Option<Clock>,
    numbers: NumberBuilder,
    text: TextBuilder,
    /// Rows with `.a` to `.z`.
    tagged: [u64; 26],
}

impl Field {
    fn new(variable: &Variable, coding: Coding, rows: usize) -> Field {
        let text = matches!(variable.kind, Kind::Text(_) | Kind::LongText);
        Field {
            kind: variable.kind,
            coding,
            offset: variable.offset,
            clock: variable.clock,
            numbers: NumberBuilder::new(if text { 0 } else { rows }),
            text: TextBuilder::new(if text { rows } else { 0 }, 0),
            tagged: [0; 26],
        }
    }

    /// Adds the values of a block of rows; false when a reference leads nowhere.
    fn extend(&mut self, block: &[u8], width: usize, texts: &LongTexts) -> bool {
        let range = self.offset..self.offset + self.kind.width();
        let values = block.chunks_exact(width).map(|row| &row[range.clone()]);
        let Coding { release, big } = self.coding;
        // One loop for each type, so that the type is not asked for in every row.
        match self.kind {
            Kind::Byte => {
                for value in values {
                    let x = value[0].cast_signed();
                    self.whole(x.into(), if release >= 113 { 100 } else { 126 });
                }
            }
            Kind::Int => {
                for value in values {
                    let bytes = [value[0], value[1]];
                    let x = if big { i16::from_be_bytes(bytes) } else { i16::from_le_bytes(bytes) };
                    self.whole(x.into(), if release >= 113 { 32_740 } else { 32_766 });
                }
            }
            Kind::Long => {
                for value in values {
                    let x = four(value, big).cast_signed();
                    let largest = if release >= 113 { LABEL_MISSING - 1 } else { i32::MAX - 1 };
                    self.whole(x, largest);
                }
            }
            Kind::Float => {
                for value in values {
                    let bits = four(value, big);
                    let x = f64::from(f32::from_bits(bits));
                    self.real(x, bits >= 0x7f00_0000 && bits >> 31 == 0, || {
                        u64::from((bits - 0x7f00_0000) >> 11)
                    });
                }
            }
            Kind::Double => {
                for value in values {
                    let bytes = value.try_into().unwrap_or([0; 8]);
                    let bits =
                        if big { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) };
                    // Up to version 105, 2³³³ is missing.
                    let old = release <= 105 && bits == 0x54c0_0000_0000_0000;
                    let beyond = bits >= 0x7fe0_0000_0000_0000 && bits >> 63 == 0;
                    self.real(f64::from_bits(bits), beyond || old, || {
                        bits.wrapping_sub(0x7fe0_0000_0000_0000) >> 40
                    });
                }
            }
            Kind::Text(_) => {
                for value in values {
                    match package::trimmed(package::terminated(value)) {
                        [] => self.text.push_missing(),
                        text => self.text.push(text),
                    }
                }
            }
            Kind::LongText => {
                for value in values {
                    if value.iter().all(|&b| b == 0) {
                        self.text.push_missing();
                        continue;
                    }
                    match self.text_of(value, texts) {
                        None => return false,
                        Some(&i) if texts.texts[i as usize].is_empty() => self.text.push_missing(),
                        // The text itself is put in at the end, once.
                        Some(&i) => self.text.push(&i.to_le_bytes()),
                    }
                }
            }
        }
        true
    }

    #[inline]
    fn whole(&mut self, x: i32, largest: i32) {
        if x > largest {
            self.missing(i64::from(x) - i64::from(largest) - 1);
        } else {
            match self.clock {
                None => self.numbers.push_whole(x.into()),
                Some(clock) => self.numbers.push(clock.convert(x.into())),
            }
        }
    }

    #[inline]
    fn real(&mut self, x: f64, missing: bool, tag: impl Fn() -> u64) {
        if missing || !x.is_finite() {
            self.missing(if missing { i64::try_from(tag()).unwrap_or(0) } else { 0 });
        } else {
            self.numbers.push(self.clock.map_or(x, |clock| clock.convert(x)));
        }
    }

    /// A missing value: `.` is 0, `.a` is 1.
    fn missing(&mut self, tag: i64) {
        let tag = usize::try_from(tag - 1).ok().filter(|_| self.coding.release >= 113);
        if let Some(count) = tag.and_then(|t| self.tagged.get_mut(t)) {
            *count += 1;
        }
        self.numbers.push_missing();
    }

    /// Which of the long texts a value refers to. The number of the variable has four bytes in
    /// version 117, two in 118 and three in 119; ReadStat writes two in 119 as well.
    fn text_of<'t>(&self, value: &[u8], texts: &'t LongTexts) -> Option<&'t u32> {
        let bytes: [u8; 8] = value.try_into().unwrap_or([0; 8]);
        let number = |bytes: &[u8]| {
            let digit = |all: u64, &b: &u8| all << 8 | u64::from(b);
            if self.coding.big {
                bytes.iter().fold(0, digit)
            } else {
                bytes.iter().rev().fold(0, digit)
            }
        };
        let splits: &[usize] = match self.coding.release {
            117 => &[4],
            118 => &[2],
            _ => &[3, 2],
        };
        splits.iter().find_map(|&split| {
            let variable = u32::try_from(number(&bytes[..split])).ok()?;
            texts.place.get(&(variable, number(&bytes[split..])))
        })
    }

    fn finish(self, layout: &Layout, variable: &Variable, texts: &LongTexts) -> Column {
        let label = variable.label.as_deref();
        let charset = layout.charset;
        let factor: Factor = match self.kind {
            Kind::Text(_) => self.text.finish(|bytes| charset.decode(&bytes)),
            Kind::LongText => self.text.finish(|index| {
                let index = index.try_into().map_or(0, u32::from_le_bytes);
                charset.decode(&texts.texts[index as usize])
            }),
            _ => {
                let labels = layout.labels.get(&variable.labels).map_or(&[][..], Vec::as_slice);
                return self.numbers_column(variable, labels);
            }
        };
        package::text(&variable.name, label, factor, Vec::new(), Vec::new())
    }

    fn numbers_column(self, variable: &Variable, labels: &[(i32, String)]) -> Column {
        let tagged = self.coding.release >= 113;
        let is_missing = |x: i32| tagged && x >= LABEL_MISSING;
        let label_of = |tag: usize| {
            let wanted = LABEL_MISSING + 1 + tag as i32;
            labels.iter().find(|(x, _)| *x == wanted).map(|(_, label)| label.clone())
        };
        let codes = self
            .tagged
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0)
            .map(|(tag, &count)| MissingCode {
                code: format!(".{}", char::from(b'a' + tag as u8)),
                label: label_of(tag),
                count,
            })
            .collect();
        let values = labels.iter().filter(|(x, _)| !is_missing(*x));
        let values = values.map(|(x, label)| (f64::from(*x), label.clone())).collect();
        let label = variable.label.as_deref();
        let numbers = self.numbers.finish();
        package::numbers(&variable.name, label, numbers, values, codes, self.clock)
    }
}

#[inline]
fn four(value: &[u8], big: bool) -> u32 {
    let bytes = value.try_into().unwrap_or([0; 4]);
    if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
}
