//! A copy of a Stata file with new columns: byte by byte, with an entry for each new column at
//! the end of each part, and its value at the end of each row. References to long texts are by
//! the number of their variable, which does not change.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::Path;

use super::super::append::{NewColumn, Stopped, check, fault, rows_match, stage_with};
use super::super::atomic::Staged;
use super::super::error::DataError;
use super::super::fault::Fault;
use super::super::package::Charset;
use super::super::source::Source;
use super::layout::{self, KIND, Layout, Widths};

/// `.` as a number.
const MISSING: u64 = 0x7fe0_0000_0000_0000;
/// Variables that versions before 119 can have.
const MOST: usize = 32_767;

/// Prepares a copy with columns added at the end.
pub(in crate::data::io) fn stage_copy(
    path: &Path,
    encoding: Option<Charset>,
    target: &Path,
    columns: &[NewColumn<'_>],
) -> Result<Staged, DataError> {
    let (mut source, layout) = open(path, encoding, target, columns)?;
    rows_match(path, usize::try_from(layout.rows).unwrap_or(usize::MAX), columns)?;
    stage_with(target, |out| Copy { source: &mut source, layout: &layout, columns }.write(out))
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

/// The file and what is in it.
fn open(
    path: &Path,
    encoding: Option<Charset>,
    target: &Path,
    columns: &[NewColumn<'_>],
) -> Result<(Source, Layout), DataError> {
    let mut source = Source::open(path, KIND)?;
    let layout = layout::read(&mut source, encoding)?;
    check(path, layout.variables.iter().map(|v| v.name.as_str()), columns, |a, b| a == b)?;
    for column in columns {
        check_name(target, &layout, &column.name)?;
    }
    let count = layout.variables.len() + columns.len();
    let most = if layout.release >= 119 { 120_000 } else { MOST };
    if count > most {
        let what = format!("{count} variables are more than its {most}");
        return Err(fault(target, Fault::TooMuch { kind: KIND, what }));
    }
    Ok((source, layout))
}

fn check_name(target: &Path, layout: &Layout, name: &str) -> Result<(), DataError> {
    let longest = if layout.release >= 110 { 32 } else { 8 };
    let rule = match (layout.release >= 118, longest) {
        (true, _) => "a name has up to 32 letters, digits and `_`, and begins with a letter",
        (_, 32) => "a name has up to 32 of a–z, digits and `_`, and begins with a letter",
        _ => "in this old format a name has up to 8 of a–z, digits and `_`; set `weight-name`",
    };
    let letter =
        |c: char| if layout.release >= 118 { c.is_alphabetic() } else { c.is_ascii_alphabetic() };
    let first = name.chars().next().is_some_and(|c| letter(c) || c == '_');
    let rest = name.chars().all(|c| letter(c) || c.is_ascii_digit() || c == '_');
    let rule = if is_reserved(name) { OWN } else { rule };
    if first && rest && name.chars().count() <= longest && !is_reserved(name) {
        return Ok(());
    }
    Err(fault(target, Fault::Name { name: name.to_owned(), kind: "Stata", rule }))
}

/// Names that mean something in Stata, beside the types `str1`, `str2` and so on ("[U] 11.3 Naming
/// conventions").
const RESERVED: [&str; 21] = [
    "_all", "_b", "_coef", "_cons", "_n", "_N", "_pi", "_pred", "_rc", "_skip", "alias", "byte",
    "double", "float", "if", "in", "int", "long", "strL", "using", "with",
];

/// The way out for them.
const OWN: &str = "the name has a meaning of its own in Stata; set another with `weight-name`";

fn is_reserved(name: &str) -> bool {
    let digits = |rest: &str| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit());
    RESERVED.contains(&name) || name.strip_prefix("str").is_some_and(digits)
}

/// Bytes to be put in at a place, or in place of others.
struct Edit {
    at: Range<u64>,
    bytes: Vec<u8>,
}

struct Copy<'a> {
    source: &'a mut Source,
    layout: &'a Layout,
    columns: &'a [NewColumn<'a>],
}

impl Copy<'_> {
    fn write(&mut self, out: &mut BufWriter<File>) -> Result<(), Stopped> {
        let edits = self.edits();
        let data = self.layout.parts.data.clone();
        let mut at = 0;
        for edit in &edits {
            self.copy(out, at, edit.at.start)?;
            out.write_all(&edit.bytes)?;
            at = edit.at.end;
        }
        self.copy(out, at, data.start)?;
        let width = usize::try_from(self.layout.width).unwrap_or(0);
        let mut bytes = vec![0; width];
        for row in 0..usize::try_from(self.layout.rows).unwrap_or(0) {
            self.source.exact(&mut bytes)?;
            out.write_all(&bytes)?;
            for column in self.columns {
                let x = column.values.get(row).unwrap_or(f64::NAN);
                let bits = if x.is_nan() { MISSING } else { x.to_bits() };
                out.write_all(&self.long(bits))?;
            }
        }
        self.copy(out, data.end, self.source.length())
    }

    fn long(&self, x: u64) -> [u8; 8] {
        if self.source.big { x.to_be_bytes() } else { x.to_le_bytes() }
    }

    /// Everything that changes before the rows, in order.
    fn edits(&self) -> Vec<Edit> {
        let (layout, parts) = (self.layout, &self.layout.parts);
        let (release, widths) = (layout.release, Widths::of(layout.release));
        let count = layout.variables.len() + self.columns.len();
        let big = self.source.big;
        let number = |x: usize, width: u64| {
            let bytes = (x as u64).to_be_bytes();
            let mut bytes = bytes[8 - width as usize..].to_vec();
            if !big {
                bytes.reverse();
            }
            bytes
        };
        let kind = match release {
            117.. => 65_526,
            111.. => 255,
            _ => usize::from(b'd'),
        };
        let padded = |text: &[u8], width: u64| {
            let mut bytes = text[..text.len().min(width as usize - 1)].to_vec();
            bytes.resize(width as usize, 0);
            bytes
        };
        let each = |entry: &dyn Fn(&NewColumn<'_>) -> Vec<u8>| -> Vec<u8> {
            self.columns.iter().flat_map(entry).collect()
        };
        let text = |text: &str| self.layout.charset.encode(text).unwrap_or_default();
        let inserts = [
            (&parts.types, each(&|_| number(kind, widths.types))),
            (&parts.names, each(&|c| padded(&text(&c.name), widths.name))),
            (&parts.sort, each(&|_| vec![0; widths.sort as usize])),
            (&parts.formats, each(&|_| padded(b"%10.0g", widths.format))),
            (&parts.label_names, each(&|_| vec![0; widths.name as usize])),
            (
                &parts.labels,
                each(&|c| padded(&text(shortened(&c.label, widths.label)), widths.label)),
            ),
        ];
        let mut edits = vec![Edit {
            bytes: number(count, parts.count.end - parts.count.start),
            at: parts.count.clone(),
        }];
        let inserts: Vec<Edit> = inserts
            .into_iter()
            .map(|(part, bytes)| Edit { at: part.end..part.end, bytes })
            .collect();
        if let Some(map) = &parts.map {
            let more = layout.rows * self.columns.len() as u64 * 8;
            let shifted = |at: u64| {
                let before = inserts.iter().filter(|e| e.at.start < at);
                let before: u64 = before.map(|e| e.bytes.len() as u64).sum();
                at + before + if at > parts.data.start { more } else { 0 }
            };
            let bytes = parts.places.iter().flat_map(|&at| self.long(shifted(at))).collect();
            edits.push(Edit { at: map.clone(), bytes });
        }
        edits.extend(inserts);
        edits
    }

    /// Copies bytes of the file as they are.
    fn copy(&mut self, out: &mut BufWriter<File>, from: u64, to: u64) -> Result<(), Stopped> {
        self.source.go_to(from)?;
        self.source.copy(to.saturating_sub(from), out)
    }
}

/// A label cut between characters, so that it fits with the zero behind it. Only the versions
/// with UTF-8 count in bytes what is written in more than one.
fn shortened(label: &str, width: u64) -> &str {
    let mut end = label.len().min(width as usize - 1);
    while !label.is_char_boundary(end) {
        end -= 1;
    }
    &label[..end]
}
