//! A copy of an SPSS file with new columns: the dictionary byte by byte, with new records where
//! they belong; the cases element by element, packed again.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use super::super::append::{NewColumn, Stopped, check, fault, rows_match, stage_with};
use super::super::atomic::Staged;
use super::super::error::DataError;
use super::super::fault::Fault;
use super::super::package::Charset;
use super::super::source::Source;
use super::cases::{Cases, Element, SYSTEM_MISSING, element};
use super::dictionary::{self, Dictionary, HEADER, KIND, Packing};
use super::pack::Packer;

/// Prepares a copy with columns added at the end.
pub(in crate::data::io) fn stage_copy(
    path: &Path,
    encoding: Option<Charset>,
    target: &Path,
    columns: &[NewColumn<'_>],
) -> Result<Staged, DataError> {
    let (mut source, dictionary, names) = open(path, encoding, target, columns)?;
    if let Some(rows) = dictionary.rows {
        rows_match(path, usize::try_from(rows).unwrap_or(usize::MAX), columns)?;
    }
    let ending = target.extension().map(|e| e.to_string_lossy().to_lowercase());
    let packing = match (ending.as_deref(), dictionary.packing) {
        (Some("zsav"), _) => Packing::Zlib,
        (Some("sav"), Packing::Zlib) => Packing::Bytes,
        (_, packing) => packing,
    };
    stage_with(target, |out| {
        let mut copy = Copy { source: &mut source, dictionary: &dictionary, columns, packing };
        copy.dictionary(out, &names)?;
        copy.cases(out)
    })
}

/// Finds what would stop [`stage_copy`], but for the rows.
pub(in crate::data::io) fn check_copy(
    path: &Path,
    encoding: Option<Charset>,
    target: &Path,
    columns: &[NewColumn<'_>],
) -> Result<(), DataError> {
    open(path, encoding, target, columns).map(drop)
}

/// The file, its dictionary, and the new names in its encoding.
fn open(
    path: &Path,
    encoding: Option<Charset>,
    target: &Path,
    columns: &[NewColumn<'_>],
) -> Result<(Source, Dictionary, Vec<Vec<u8>>), DataError> {
    let mut source = Source::open(path, KIND)?;
    let dictionary = dictionary::read(&mut source, encoding)?;
    let known = dictionary.variables.iter().map(|v| v.name.as_str());
    check(path, known, columns, |a, b| a.to_lowercase() == b.to_lowercase())?;
    let names = columns.iter().map(|c| checked_name(target, &dictionary, &c.name));
    let names = names.collect::<Result<Vec<_>, _>>()?;
    Ok((source, dictionary, names))
}

/// The bytes of a name, if it can be one.
fn checked_name(target: &Path, dictionary: &Dictionary, name: &str) -> Result<Vec<u8>, DataError> {
    const RESERVED: [&str; 13] =
        ["ALL", "AND", "BY", "EQ", "GE", "GT", "LE", "LT", "NE", "NOT", "OR", "TO", "WITH"];
    let mut letters = name.chars();
    let first = letters.next().is_some_and(|c| c.is_alphabetic() || c == '@');
    let rest = letters.all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '$' | '#' | '@'));
    let bytes = dictionary.charset.encode(name).filter(|bytes| bytes.len() <= 64);
    let reserved = RESERVED.contains(&name.to_uppercase().as_str());
    match bytes {
        Some(bytes) if first && rest && !reserved && !name.ends_with('.') => Ok(bytes),
        _ => {
            let rule = if reserved {
                "the name has a meaning of its own in SPSS; set another with `weight-name`"
            } else {
                "a name has up to 64 letters, digits and `_`, and begins with a letter"
            };
            let name = name.to_owned();
            Err(fault(target, Fault::Name { name, kind: "SPSS", rule }))
        }
    }
}

struct Copy<'a> {
    source: &'a mut Source,
    dictionary: &'a Dictionary,
    columns: &'a [NewColumn<'a>],
    packing: Packing,
}

impl Copy<'_> {
    fn whole(&self, x: i32) -> [u8; 4] {
        if self.source.big { x.to_be_bytes() } else { x.to_le_bytes() }
    }

    fn dictionary(&mut self, out: &mut BufWriter<File>, names: &[Vec<u8>]) -> Result<(), Stopped> {
        let dictionary = self.dictionary;
        out.write_all(&self.header())?;
        self.copy(out, HEADER as u64, dictionary.variables_end)?;
        let short = short_names(dictionary, names);
        for (column, short) in self.columns.iter().zip(&short) {
            self.variable(out, short, &column.label)?;
        }
        let mut at = dictionary.variables_end;
        let mut named = false;
        for record in &dictionary.extensions {
            let content = match record.subtype {
                11 => self.display(&record.bytes),
                13 if !named => {
                    named = true;
                    Some(with_names(&record.bytes, &short, names))
                }
                _ => None,
            };
            let Some(content) = content else { continue };
            self.copy(out, at, record.start)?;
            self.extension(out, record.subtype, record.size, &content)?;
            at = record.end;
        }
        self.copy(out, at, dictionary.terminator)?;
        if !named {
            // A file without long names: every variable keeps the name it has.
            let own = dictionary.variables.iter().map(|v| &v.short);
            let own: Vec<Vec<u8>> = own.map(|s| [s.as_slice(), b"=", s].concat()).collect();
            self.extension(out, 13, 1, &with_names(&own.join(&b'\t'), &short, names))?;
        }
        out.write_all(&self.whole(999))?;
        out.write_all(&self.whole(0))?;
        Ok(())
    }

    /// The header with the packing, the size of a case and the weight of the copy.
    fn header(&self) -> Vec<u8> {
        let mut header = self.dictionary.header.clone();
        let mut put = |at: usize, x: i32| header[at..at + 4].copy_from_slice(&self.whole(x));
        let elements = self.dictionary.elements;
        let size = i32::try_from(elements + self.columns.len()).unwrap_or(-1);
        put(68, size);
        put(
            72,
            match self.packing {
                Packing::None => 0,
                Packing::Bytes => 1,
                Packing::Zlib => 2,
            },
        );
        if let Some(weight) = self.columns.iter().position(|c| c.weight) {
            put(76, i32::try_from(elements + weight + 1).unwrap_or(0));
        }
        header[3] = if self.packing == Packing::Zlib { b'3' } else { b'2' };
        header
    }

    /// Copies bytes of the file as they are.
    fn copy(&mut self, out: &mut BufWriter<File>, from: u64, to: u64) -> Result<(), Stopped> {
        self.source.go_to(from)?;
        self.source.copy(to.saturating_sub(from), out)
    }

    fn variable(
        &self,
        out: &mut BufWriter<File>,
        short: &[u8],
        label: &str,
    ) -> Result<(), Stopped> {
        // F14.6, a number of 14 characters with six decimals.
        let format = 5 << 16 | 14 << 8 | 6;
        let label = self.dictionary.charset.encode(label).unwrap_or_default();
        let labelled = i32::from(!label.is_empty());
        for x in [2, 0, labelled, 0, format, format] {
            out.write_all(&self.whole(x))?;
        }
        let mut name = short.to_vec();
        name.resize(8, b' ');
        out.write_all(&name)?;
        if labelled == 1 {
            let mut padded = label.clone();
            padded.resize(label.len().next_multiple_of(4), b' ');
            out.write_all(&self.whole(i32::try_from(label.len()).unwrap_or(0)))?;
            out.write_all(&padded)?;
        }
        Ok(())
    }

    fn extension(
        &self,
        out: &mut BufWriter<File>,
        subtype: u32,
        size: u32,
        content: &[u8],
    ) -> Result<(), Stopped> {
        let size = if size == 0 { 1 } else { size };
        let count = content.len() / size as usize;
        for x in [7, subtype as i32, size as i32, i32::try_from(count).unwrap_or(0)] {
            out.write_all(&self.whole(x))?;
        }
        out.write_all(content)?;
        Ok(())
    }

    /// The record of measure, width and alignment, with those of the new columns: scale, right.
    fn display(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let named = self.dictionary.named_slots;
        let items: &[i32] = match bytes.len() {
            n if n == named * 12 => &[3, 14, 1],
            n if n == named * 8 => &[3, 1],
            _ => return None,
        };
        let mut content = bytes.to_vec();
        for _ in self.columns {
            items.iter().for_each(|&x| content.extend(self.whole(x)));
        }
        Some(content)
    }

    fn cases(&mut self, out: &mut BufWriter<File>) -> Result<(), Stopped> {
        let dictionary = self.dictionary;
        self.source.go_to(dictionary.terminator + 8)?;
        let big = self.source.big;
        let path = self.source.path().to_path_buf();
        let mut cases = Cases::new(self.source, dictionary)?;
        let width = dictionary.elements;
        let mut case: Vec<Element> = vec![[0; 8]; width + self.columns.len()];
        let mut packer = Packer::new(out, self.packing, dictionary, big, self.columns.len())?;
        let mut row = 0;
        while cases.next(&mut case[..width])? {
            for (slot, column) in case[width..].iter_mut().zip(self.columns) {
                let Some(x) = column.values.get(row) else {
                    return Err(DataError::Changed { path }.into());
                };
                *slot = element(if x.is_nan() { SYSTEM_MISSING } else { x }, big);
            }
            packer.push(out, &case)?;
            row += 1;
        }
        rows_match(&path, row, self.columns)?;
        packer.finish(out, dictionary.rows.is_none())?;
        Ok(())
    }
}

/// Names of eight bytes that no variable has: the name itself if it is short and free, else one
/// made up.
fn short_names(dictionary: &Dictionary, names: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut taken = dictionary.short_names.clone();
    let mut next = 1_u32;
    let mut made = Vec::new();
    for name in names {
        let own = name.to_ascii_uppercase();
        let mut short = if own.len() <= 8 && own.is_ascii() { own } else { Vec::new() };
        while short.is_empty() || taken.contains(&short) {
            short = format!("RW{next:06}").into_bytes();
            next += 1;
        }
        taken.push(short.clone());
        made.push(short);
    }
    made
}

/// The record of long names with those of the new columns.
fn with_names(bytes: &[u8], short: &[Vec<u8>], names: &[Vec<u8>]) -> Vec<u8> {
    let mut content = bytes.to_vec();
    for (short, name) in short.iter().zip(names) {
        if !content.is_empty() {
            content.push(b'\t');
        }
        content.extend_from_slice(&[short.as_slice(), b"=", name].concat());
    }
    content
}
