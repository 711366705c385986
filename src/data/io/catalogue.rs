//! Value labels of SAS, which stand in a catalogue of formats (`.sas7bcat`) beside the data.
//!
//! SAS does not document the layout; it is that which the crate `sas7bdat` and ReadStat read: an index
//! of entries `XLSR`, each with the place of a chain of segments that together are one format.

use std::collections::HashMap;
use std::path::Path;

use super::error::DataError;
use super::package::{Charset, trimmed};
use super::source::Source;

/// What files of this kind are called.
const KIND: &str = "a SAS catalogue of formats";
/// How every catalogue begins.
const MAGIC: &[u8] = b"\0\0\0\0\0\0\0\0\0\0\0\0\xc2\xea\x81\x63\xb3\x14\x11\xcf\xbd\x92\x08\x00";
/// The mark of headers with wider fields.
const WIDE: u8 = 0x33;
/// Bytes of a catalogue that is read.
const LARGEST: u64 = 256 << 20;

/// The labels of one format.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Labels {
    pub numbers: Vec<(f64, String)>,
    /// Labels of missing values by their letter.
    pub missing: Vec<(char, String)>,
    pub texts: Vec<(String, String)>,
}

/// The formats of a catalogue by their names, those of texts with their `$`.
pub(super) struct Catalogue(HashMap<String, Labels>);

impl Catalogue {
    /// Reads a catalogue.
    ///
    /// # Errors
    /// When it is not one, ends early or is damaged.
    pub fn read(path: &Path) -> Result<Catalogue, DataError> {
        let mut source = Source::open(path, KIND)?;
        if source.length() > LARGEST {
            return Err(source.variant(format!("more than {} MB", LARGEST >> 20)));
        }
        let bytes = source.bytes(source.length())?;
        if !bytes.starts_with(MAGIC) {
            let found = super::input::recognised(&bytes[..bytes.len().min(64)]);
            let (path, found) = (path.to_path_buf(), found.unwrap_or("something else"));
            return Err(DataError::OtherContent { path, expected: KIND, found });
        }
        let damaged = || source.damaged("its parts do not fit together");
        let file = File::new(&bytes).ok_or_else(damaged)?;
        file.formats().map(Catalogue).ok_or_else(damaged)
    }

    /// The labels of a format, which a column names with or without its width.
    pub fn of(&self, format: &str) -> Option<&Labels> {
        self.0.get(&bare(format))
    }
}

/// A format's name without width and point, in capitals.
fn bare(format: &str) -> String {
    let end = |c: char| c.is_ascii_digit() || c == '.';
    format.trim().trim_end_matches(end).to_uppercase()
}

/// The bytes of a catalogue. Whatever lies outside of them is `None`.
struct File<'a> {
    bytes: &'a [u8],
    big: bool,
    /// Places have eight bytes, not four.
    wide: bool,
    /// Bytes that some fields stand further back.
    pad: usize,
    charset: Charset,
    header: usize,
    page: usize,
    pages: usize,
}

impl<'a> File<'a> {
    fn new(bytes: &'a [u8]) -> Option<File<'a>> {
        let pad = if *bytes.get(35)? == WIDE { 4 } else { 0 };
        // The commonest encodings by SAS's numbers; others are UTF-8 or windows-1252.
        let charset = match bytes.get(70)? {
            20 => Charset::utf8(),
            60 => Charset::named("windows-1250")?,
            61 => Charset::named("windows-1251")?,
            _ => Charset::guessed(),
        };
        let (big, wide) = (*bytes.get(37)? == 0, *bytes.get(32)? == WIDE);
        let mut file = File { bytes, big, wide, pad, charset, header: 0, page: 0, pages: 0 };
        file.header = file.number(bytes, 196 + pad, 4)?;
        file.page = file.number(bytes, 200 + pad, 4)?;
        file.pages = file.number(bytes, 204 + pad, if wide { 8 } else { 4 })?;
        let there = bytes.len().checked_sub(file.header)? / file.page.max(1);
        (file.page >= 1_024 && file.pages <= there).then_some(file)
    }

    /// A number without a sign, of so many bytes.
    fn number(&self, bytes: &[u8], at: usize, width: usize) -> Option<usize> {
        let bytes = bytes.get(at..at.checked_add(width)?)?;
        let digit = |all: u64, &b: &u8| all << 8 | u64::from(b);
        let x =
            if self.big { bytes.iter().fold(0, digit) } else { bytes.iter().rev().fold(0, digit) };
        usize::try_from(x).ok()
    }

    fn page(&self, index: usize) -> Option<&'a [u8]> {
        let start = self.header.checked_add(index.checked_mul(self.page)?)?;
        self.bytes.get(start..start.checked_add(self.page)?)
    }

    fn formats(&self) -> Option<HashMap<String, Labels>> {
        let mut places = Vec::new();
        // The index begins in the second page; the two that follow it hold none of it.
        if self.pages > 1 {
            let start = 856 + 2 * self.pad + if self.wide { 144 } else { 0 };
            self.index(self.page(1)?.get(start..).unwrap_or_default(), &mut places)?;
        }
        let start = if self.wide { 32 } else { 16 };
        for page in (3..self.pages).filter_map(|i| self.page(i)?.get(start..)) {
            if page.starts_with(b"XLSR") {
                self.index(page, &mut places)?;
            }
        }
        places.sort_unstable();
        places.dedup();
        let (mut formats, mut left) = (HashMap::new(), self.bytes.len());
        for (page, at) in places {
            let block = self.block(page, at, &mut left)?;
            if let Some((name, labels)) = self.format(&block) {
                formats.entry(name).or_insert(labels);
            }
        }
        Some(formats)
    }

    /// Adds the places of the formats that a part of the index names.
    fn index(&self, mut bytes: &[u8], places: &mut Vec<(usize, usize)>) -> Option<()> {
        let (more, wide) = (self.pad, if self.wide { 1 } else { 0 });
        let (stride, mark) = (212 + more + 72 * wide, 50 + more + 24 * wide);
        while bytes.len() >= stride {
            if !bytes.starts_with(b"XLSR") {
                bytes = &bytes[8..];
                continue;
            }
            if bytes[mark] == b'O' {
                let page = self.number(bytes, if self.wide { 8 } else { 4 }, 4 + 4 * wide)?;
                let at = self.number(bytes, if self.wide { 16 } else { 8 }, 2)?;
                if page > 0 && at > 0 {
                    places.push((page, at));
                }
            }
            bytes = &bytes[stride..];
        }
        Some(())
    }

    /// The segments of a chain put together. All chains together are no longer than the file, so that
    /// one that runs in a circle comes to an end.
    fn block(&self, mut page: usize, mut at: usize, left: &mut usize) -> Option<Vec<u8>> {
        let head = if self.wide { 32 } else { 16 };
        let mut block = Vec::new();
        while page > 0 && at > 0 {
            let start = (page - 1).checked_mul(self.page)?.checked_add(self.header + at)?;
            let bytes = self.bytes.get(start..)?;
            let (next, place, length) = if self.wide { (0, 8, 10) } else { (0, 4, 6) };
            let length = self.number(bytes, length, 2)?;
            block.extend_from_slice(bytes.get(head..head + length)?);
            *left = left.checked_sub(head + length)?;
            (page, at) = (self.number(bytes, next, 4)?, self.number(bytes, place, 2)?);
        }
        Some(block)
    }

    /// The name and the labels of a format; `None` for what is no format with labels.
    fn format(&self, block: &[u8]) -> Option<(String, Labels)> {
        let flags = self.number(block, 2, 2)?;
        let mut pad = if flags & 0x08 != 0 { 4 } else { 0 };
        let counts = if self.wide { (42 + pad, 50 + pad, 8) } else { (38 + pad, 42 + pad, 4) };
        let places = self.number(block, counts.0, counts.2)?;
        let count = self.number(block, counts.1, counts.2)?;
        let mut start = if self.wide { 138 } else { 106 };
        let mut name = block.get(8..16)?;
        let text = name.starts_with(b"$");
        if pad != 0 {
            pad += 16;
        }
        if flags & if self.wide { 0x20 } else { 0x80 } != 0 {
            name = block.get(start + pad..start + pad + 32)?;
            pad += 32;
        }
        start += pad;
        // First all values, then all labels; a value says which of the labels is its own.
        let mut bytes = block.get(start..)?;
        let mut values: Vec<Option<&[u8]>> = vec![None; count.min(bytes.len() / 6)];
        for i in 0..places {
            let length = 6 + self.number(bytes, 2, 2)?;
            let entry = bytes.get(..length)?;
            if i < count {
                let label = self.number(entry, 10 + self.pad, 4)?;
                *values.get_mut(label)? = Some(entry);
            }
            bytes = &bytes[length..];
        }
        let mut labels = Labels::default();
        for entry in values {
            let length = self.number(bytes, 8, 2)?;
            let label = self.charset.decode(trimmed(bytes.get(10..10 + length)?));
            bytes = bytes.get(11 + length..).unwrap_or_default();
            let entry = entry?;
            if text {
                let value = entry.get(entry.len().checked_sub(16)?..)?;
                labels.texts.push((self.charset.decode(trimmed(value)), label));
            } else {
                match value(entry.get(22..30)?) {
                    Ok(x) => labels.numbers.push((x, label)),
                    Err(letter) => labels.missing.push((letter, label)),
                }
            }
        }
        Some((bare(&self.charset.decode(trimmed(name))), labels))
    }
}

/// A number as catalogues hold it, in an order of bytes that is that of the numbers: with its sign
/// turned, or all bits where it is negative. A missing value is its letter.
fn value(bytes: &[u8]) -> Result<f64, char> {
    let bits = bytes.iter().fold(0, |all: u64, &b| all << 8 | u64::from(b));
    if bits | 0xff00_0000_0000 == 0xffff_ffff_ffff {
        return Err(match (bits >> 40) as u8 {
            0 => '_',
            letter @ 2..=27 => char::from(b'A' + letter - 2),
            _ => '.',
        });
    }
    let x = f64::from_bits(bits);
    Ok(if bits >> 63 == 0 { f64::from_bits(!bits) } else { -x })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_in_the_order_of_their_bytes() {
        let bytes = |x: f64| {
            let bits = x.to_bits();
            if bits >> 63 == 0 { bits ^ (1 << 63) } else { !bits }.to_be_bytes()
        };
        for x in [0.0, 1.0, -1.0, 1.5, -9.0, 1e300] {
            assert_eq!(value(&bytes(x)), Ok(x));
        }
        assert!(bytes(-9.0) < bytes(-1.0) && bytes(-1.0) < bytes(0.0) && bytes(0.0) < bytes(1.5));
        assert_eq!(value(&[0, 0, 2, 255, 255, 255, 255, 255]), Err('A'));
        assert_eq!(value(&[0, 0, 27, 255, 255, 255, 255, 255]), Err('Z'));
        assert_eq!(value(&[0, 0, 0, 255, 255, 255, 255, 255]), Err('_'));
        assert_eq!((bare(" sexf8. "), bare("$Reg12.")), ("SEXF".into(), "$REG".into()));
    }
}
