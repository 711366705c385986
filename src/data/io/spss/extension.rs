//! Records of type 7, which newer versions of SPSS added: long names, long texts, and more.

use std::collections::HashMap;

use super::super::error::DataError;
use super::super::source::Source;

/// A record of type 7.
pub(super) struct Extension {
    /// What it holds.
    pub subtype: u32,
    /// Bytes of an item.
    pub size: u32,
    /// Where it begins and ends in the file.
    pub start: u64,
    pub end: u64,
    /// Its content, of the kinds that are looked at; else empty.
    pub bytes: Vec<u8>,
}

/// The kinds that are looked at: integers of the machine, display, long names, widths of long
/// texts, number of cases, encoding, labels and missing values of long texts.
const LOOKED_AT: [u32; 8] = [3, 11, 13, 14, 16, 20, 21, 22];

impl Extension {
    /// An integer at a place of the content.
    pub fn u32(&self, at: usize, big: bool) -> Option<u32> {
        let bytes = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    /// A long integer at a place of the content.
    pub fn u64(&self, at: usize, big: bool) -> Option<u64> {
        let bytes = self.bytes.get(at..at.checked_add(8)?)?.try_into().ok()?;
        Some(if big { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
    }
}

/// Reads a record that begins at `start`; its type has been read.
pub(super) fn read(source: &mut Source, start: u64) -> Result<Extension, DataError> {
    let subtype = source.u32()?;
    let size = source.u32()?;
    let count = source.u32()?;
    let length = u64::from(size) * u64::from(count);
    if length > source.remaining() {
        return Err(source.damaged(format!("an extension of {length} bytes does not fit in it")));
    }
    let bytes = if LOOKED_AT.contains(&subtype) {
        source.bytes(length)?
    } else {
        source.skip(length)?;
        Vec::new()
    };
    Ok(Extension { subtype, size, start, end: source.position(), bytes })
}

/// The record of a kind.
pub(super) fn of(extensions: &[Extension], subtype: u32) -> Option<&Extension> {
    extensions.iter().find(|e| e.subtype == subtype)
}

/// Texts `KEY=value` that a byte separates.
pub(super) fn pairs(record: Option<&Extension>, separator: u8) -> HashMap<Vec<u8>, Vec<u8>> {
    let bytes = record.map_or(&[][..], |r| &r.bytes);
    bytes
        .split(|&b| b == separator)
        .filter_map(|pair| {
            let at = pair.iter().position(|&b| b == b'=')?;
            // Widths of long texts end with a zero before the separator.
            let key: Vec<u8> = pair[..at].iter().copied().filter(|&b| b != 0).collect();
            Some((key, pair[at + 1..].to_vec()))
        })
        .collect()
}

/// Values and their labels.
type Labels = Vec<(Vec<u8>, Vec<u8>)>;

/// Labels of texts longer than eight bytes, by the name of the variable.
pub(super) fn long_labels(record: &Extension, big: bool) -> Option<Vec<(Vec<u8>, Labels)>> {
    let mut cursor = Cursor { record, big, at: 0 };
    let mut all = Vec::new();
    while cursor.at < record.bytes.len() {
        let name = cursor.text()?;
        cursor.u32()?;
        let count = cursor.u32()?;
        let mut labels = Vec::new();
        for _ in 0..count {
            labels.push((cursor.text()?, cursor.text()?));
        }
        all.push((name, labels));
    }
    Some(all)
}

/// Values of a variable that mean "missing".
type Named = (Vec<u8>, Vec<Vec<u8>>);

/// Missing values of texts longer than eight bytes, by the name of the variable.
pub(super) fn long_missing(record: &Extension, big: bool) -> Option<Vec<Named>> {
    let mut cursor = Cursor { record, big, at: 0 };
    let mut all = Vec::new();
    while cursor.at < record.bytes.len() {
        let name = cursor.text()?;
        let count = cursor.take(1)?[0];
        let length = cursor.u32()?;
        let mut values = Vec::new();
        for i in 0..count {
            // Some versions repeat the length before every value.
            if i > 0 && cursor.record.u32(cursor.at, big) == Some(length) {
                cursor.u32()?;
            }
            values.push(cursor.take(length as usize)?.to_vec());
        }
        all.push((name, values));
    }
    Some(all)
}

/// A place in the content of a record.
struct Cursor<'a> {
    record: &'a Extension,
    big: bool,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(count)?;
        let bytes = self.record.bytes.get(self.at..end)?;
        self.at = end;
        Some(bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        let value = self.record.u32(self.at, self.big)?;
        self.at += 4;
        Some(value)
    }

    /// A text with its length before it.
    fn text(&mut self) -> Option<Vec<u8>> {
        let length = self.u32()?;
        Some(self.take(length as usize)?.to_vec())
    }
}
