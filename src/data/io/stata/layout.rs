//! Everything in a Stata file but its rows and long texts, with the places of the parts.
//!
//! Stata documents the layout in "help dta" (versions 113 to 119); older ones differ in widths.
//! Up to version 115 parts of fixed length follow each other; from 117 on each stands between
//! tags.

use std::collections::HashMap;
use std::ops::Range;

use super::super::error::DataError;
use super::super::package::{Charset, Clock, terminated};
use super::super::source::Source;
use super::labels;

/// What files of this kind are called.
pub(super) const KIND: &str = "a Stata file";

/// Everything but rows and long texts.
pub(super) struct Layout {
    /// The version of the format, 102 to 119.
    pub release: u8,
    pub charset: Charset,
    pub rows: u64,
    /// Bytes of a row.
    pub width: u64,
    pub variables: Vec<Variable>,
    /// Labels by the name of their set: (value, label).
    pub labels: HashMap<String, Vec<(i32, String)>>,
    pub parts: Parts,
}

/// A variable.
pub(super) struct Variable {
    pub name: String,
    pub label: Option<String>,
    pub kind: Kind,
    /// Where it begins in a row.
    pub offset: usize,
    pub clock: Option<Clock>,
    /// The name of its set of value labels.
    pub labels: String,
}

/// How the values of a variable are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Byte,
    Int,
    Long,
    Float,
    Double,
    Text(usize),
    /// A reference to a text elsewhere in the file.
    LongText,
}

/// Places of the parts, as bytes from the start of the file.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// The number of variables.
    pub count: Range<u64>,
    /// The table of places (from version 117 on).
    pub map: Option<Range<u64>>,
    /// What is in that table.
    pub places: Vec<u64>,
    pub types: Range<u64>,
    pub names: Range<u64>,
    pub sort: Range<u64>,
    pub formats: Range<u64>,
    pub label_names: Range<u64>,
    pub labels: Range<u64>,
    pub data: Range<u64>,
    /// Long texts begin here (from version 117 on).
    pub long_texts: Option<u64>,
}

/// The widths that differ between versions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Widths {
    pub types: u64,
    pub name: u64,
    pub sort: u64,
    pub format: u64,
    pub label: u64,
}

impl Widths {
    pub fn of(release: u8) -> Widths {
        let by = |steps: [(u8, u64); 4]| {
            steps.iter().find(|(from, _)| release >= *from).map_or(0, |(_, width)| *width)
        };
        Widths {
            types: if release >= 117 { 2 } else { 1 },
            name: by([(118, 129), (110, 33), (0, 9), (0, 9)]),
            sort: if release >= 119 { 4 } else { 2 },
            format: by([(118, 57), (114, 49), (105, 12), (0, 7)]),
            label: by([(118, 321), (108, 81), (0, 32), (0, 32)]),
        }
    }
}

impl Kind {
    /// Bytes in a row.
    pub fn width(self) -> usize {
        match self {
            Kind::Byte => 1,
            Kind::Int => 2,
            Kind::Long | Kind::Float => 4,
            Kind::Double | Kind::LongText => 8,
            Kind::Text(width) => width,
        }
    }

    /// By the code in the file.
    fn of(code: u16, release: u8) -> Option<Kind> {
        Some(match (code, release) {
            (65_530, 117..) | (251, 111..117) => Kind::Byte,
            (65_529, 117..) | (252, 111..117) => Kind::Int,
            (65_528, 117..) | (253, 111..117) => Kind::Long,
            (65_527, 117..) | (254, 111..117) => Kind::Float,
            (65_526, 117..) | (255, 111..117) => Kind::Double,
            (32_768, 117..) => Kind::LongText,
            (1..=2_045, 117..) | (1..=244, 111..117) => Kind::Text(usize::from(code)),
            (_, 111..) => return None,
            (98, _) => Kind::Byte,
            (105, _) => Kind::Int,
            (108, _) => Kind::Long,
            (102, _) => Kind::Float,
            (100, _) => Kind::Double,
            (128..=255, _) => Kind::Text(usize::from(code) - 127),
            _ => return None,
        })
    }
}

/// Reads everything but the rows and long texts.
///
/// # Errors
/// When the file is not one of Stata, ends early or is damaged.
pub(super) fn read(source: &mut Source, encoding: Option<Charset>) -> Result<Layout, DataError> {
    let mut parts = Parts::default();
    let tagged = source.u8()? == b'<';
    source.go_to(0)?;
    let (release, count, rows) =
        if tagged { tagged_header(source, &mut parts)? } else { plain_header(source, &mut parts)? };
    if count == 0 {
        return Err(DataError::NoColumns { path: source.path().to_path_buf() });
    }
    let widths = Widths::of(release);
    let usual = if release >= 118 { Charset::utf8() } else { Charset::guessed() };
    let charset = encoding.unwrap_or(usual);

    let mut part = |name: &str, items: u64, width: u64| -> Result<_, DataError> {
        if tagged {
            tag(source, &format!("<{name}>"))?;
        }
        let start = source.position();
        let bytes = source.bytes(items.saturating_mul(width))?;
        let place = start..source.position();
        if tagged {
            tag(source, &format!("</{name}>"))?;
        }
        Ok((bytes, place))
    };
    let (types, place) = part("variable_types", count, widths.types)?;
    parts.types = place;
    let (names, place) = part("varnames", count, widths.name)?;
    parts.names = place;
    parts.sort = part("sortlist", count + 1, widths.sort)?.1;
    let (formats, place) = part("formats", count, widths.format)?;
    parts.formats = place;
    let (label_names, place) = part("value_label_names", count, widths.name)?;
    parts.label_names = place;
    let (var_labels, place) = part("variable_labels", count, widths.label)?;
    parts.labels = place;
    characteristics(source, release)?;

    let big = source.big;
    let field = |bytes: &[u8], i: usize, width: u64| {
        let width = width as usize;
        charset.decode(terminated(bytes.get(i * width..(i + 1) * width).unwrap_or_default()))
    };
    let (mut variables, mut width) = (Vec::new(), 0);
    for i in 0..count as usize {
        let code = match (types.get(i * 2..i * 2 + 2), big) {
            (Some(&[a, b]), true) if tagged => u16::from_be_bytes([a, b]),
            (Some(&[a, b]), false) if tagged => u16::from_le_bytes([a, b]),
            _ => u16::from(types[i]),
        };
        let Some(kind) = Kind::of(code, release) else {
            return Err(source.damaged(format!("a variable of type {code}")));
        };
        let label = field(&var_labels, i, widths.label);
        variables.push(Variable {
            name: field(&names, i, widths.name),
            label: Some(label).filter(|l| !l.is_empty()),
            kind,
            offset: width,
            clock: clock(&field(&formats, i, widths.format)),
            labels: field(&label_names, i, widths.name),
        });
        width += kind.width();
    }
    let width = width as u64;
    if tagged {
        tag(source, "<data>")?;
    }
    let there = source.remaining() / width;
    if rows > there {
        return Err(source.rows_missing(there, rows));
    }
    parts.data = source.position()..source.position() + rows * width;
    source.go_to(parts.data.end)?;
    if tagged {
        tag(source, "</data>")?;
        tag(source, "<strls>")?;
        parts.long_texts = Some(source.position());
    }
    let labels = labels::read(source, release, widths.name, charset)?;
    Ok(Layout { release, charset, rows, width, variables, labels, parts })
}

fn plain_header(source: &mut Source, parts: &mut Parts) -> Result<(u8, u64, u64), DataError> {
    let [release, order, kind, _] = source.array()?;
    if !(102..=115).contains(&release) || !matches!(order, 1 | 2) || kind != 1 {
        return Err(not_stata(source));
    }
    source.big = order == 1;
    let start = source.position();
    let count = u64::from(source.u16()?);
    parts.count = start..source.position();
    let rows = if release == 102 { u64::from(source.u16()?) } else { u64::from(source.u32()?) };
    source.skip(if release < 108 { 32 } else { 81 })?;
    source.skip(if release < 105 { 0 } else { 18 })?;
    Ok((release, count, rows))
}

fn tagged_header(source: &mut Source, parts: &mut Parts) -> Result<(u8, u64, u64), DataError> {
    for expected in ["<stata_dta>", "<header>", "<release>"] {
        tag(source, expected).map_err(|_| not_stata(source))?;
    }
    let release: [u8; 3] = source.array()?;
    let release = match &release {
        b"117" => 117,
        b"118" => 118,
        b"119" => 119,
        other => return Err(source.variant(format!("version {}", other.escape_ascii()))),
    };
    tag(source, "</release><byteorder>")?;
    source.big = match &source.array()? {
        b"MSF" => true,
        b"LSF" => false,
        _ => return Err(source.damaged("the byte order is not known")),
    };
    tag(source, "</byteorder><K>")?;
    let start = source.position();
    let count = if release == 119 { u64::from(source.u32()?) } else { u64::from(source.u16()?) };
    parts.count = start..source.position();
    tag(source, "</K><N>")?;
    let rows = if release == 117 { u64::from(source.u32()?) } else { source.u64()? };
    tag(source, "</N><label>")?;
    let length = if release == 117 { u64::from(source.u8()?) } else { u64::from(source.u16()?) };
    source.skip(length)?;
    tag(source, "</label><timestamp>")?;
    let length = u64::from(source.u8()?);
    source.skip(length)?;
    tag(source, "</timestamp></header><map>")?;
    let start = source.position();
    parts.places = (0..14).map(|_| source.u64()).collect::<Result<_, _>>()?;
    parts.map = Some(start..source.position());
    tag(source, "</map>")?;
    Ok((release, count, rows))
}

/// Notes and the like that belong to variables or to the whole; they are passed over.
fn characteristics(source: &mut Source, release: u8) -> Result<(), DataError> {
    if release >= 117 {
        tag(source, "<characteristics>")?;
        loop {
            match &source.array()? {
                b"<ch>" => {
                    let length = u64::from(source.u32()?);
                    source.skip(length)?;
                    tag(source, "</ch>")?;
                }
                b"</ch" => return tag(source, "aracteristics>"),
                _ => return Err(source.damaged("characteristics without an end")),
            }
        }
    }
    if release < 105 {
        return Ok(());
    }
    loop {
        let kind = source.u8()?;
        let length =
            if release >= 110 { u64::from(source.u32()?) } else { u64::from(source.u16()?) };
        if kind == 0 && length == 0 {
            return Ok(());
        }
        source.skip(length)?;
    }
}

/// Passes over a tag that has to come.
pub(super) fn tag(source: &mut Source, expected: &str) -> Result<(), DataError> {
    let found = source.bytes(expected.len() as u64)?;
    if found == expected.as_bytes() {
        return Ok(());
    }
    Err(source.damaged(format!("{expected} should stand there")))
}

fn not_stata(source: &mut Source) -> DataError {
    let mut head = vec![0; 64];
    let read = source.go_to(0).and_then(|()| source.some(&mut head)).unwrap_or(0);
    head.truncate(read);
    let found = super::super::input::recognised(&head).unwrap_or("something else");
    DataError::OtherContent { path: source.path().to_path_buf(), expected: KIND, found }
}

/// What the numbers of a variable count, by its display format. Weeks, months, quarters and
/// half-years stay numbers.
fn clock(format: &str) -> Option<Clock> {
    let bare = format.strip_prefix('%')?.trim_start_matches(['-', '+', '~']);
    if bare.starts_with("td") || bare.starts_with('d') {
        Some(Clock::Days1960)
    } else if bare.starts_with("tc") || bare.starts_with("tC") {
        Some(Clock::Milliseconds1960)
    } else {
        None
    }
}
