//! The dictionary of an SPSS system file: everything before the cases.
//!
//! The layout is that described by the PSPP project ("System File Format", PSPP developers'
//! manual). Records come in this order: the header; one record of type 2 for each eight bytes
//! of a case; labels (3, with 4) and documents (6); extensions (7); 999. The cases follow.

use std::collections::HashMap;
use std::path::Path;

use super::super::error::DataError;
use super::super::package::{Charset, Clock, trimmed};
use super::super::source::Source;
use super::extension::{self, Extension};

/// Bytes of the header.
pub(super) const HEADER: usize = 176;

/// What files of this kind are called.
pub(super) const KIND: &str = "an SPSS file";

/// How the cases are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    /// Eight bytes for every number.
    None,
    /// A byte for most small whole numbers.
    Bytes,
    /// The same, in blocks that are packed with zlib (`.zsav`).
    Zlib,
}

/// Everything before the cases.
pub(super) struct Dictionary {
    pub header: Vec<u8>,
    pub packing: Packing,
    /// Rows, where the file says how many.
    pub rows: Option<u64>,
    /// What is taken off a byte to give the number.
    pub bias: f64,
    /// Eight-byte elements of a case.
    pub elements: usize,
    pub variables: Vec<Variable>,
    pub charset: Charset,
    /// Where the records of type 2 end.
    pub variables_end: u64,
    /// Records of type 7, with their places.
    pub extensions: Vec<Extension>,
    /// Where the record 999 begins.
    pub terminator: u64,
    /// Records of type 2 that are no continuations.
    pub named_slots: usize,
    /// The 8-byte names that are taken.
    pub short_names: Vec<Vec<u8>>,
}

/// A variable. One text longer than 255 bytes stands in several records of type 2.
pub(super) struct Variable {
    pub name: String,
    pub short: Vec<u8>,
    pub label: Option<String>,
    /// Bytes of a text; `None` for a number.
    pub width: Option<usize>,
    /// Where it begins in a case, in elements.
    pub element: usize,
    pub clock: Option<Clock>,
    pub missing: Missing,
    /// Labels of numbers.
    pub labels: Vec<(f64, String)>,
    /// Labels of texts.
    pub text_labels: Vec<(String, String)>,
}

/// What means "missing" beside the system's own value.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Missing {
    pub range: Option<(f64, f64)>,
    pub values: Vec<f64>,
    pub texts: Vec<String>,
}

/// A record of type 2.
struct Slot {
    /// 0 for a number, −1 for the continuation of a text, else its bytes.
    kind: i32,
    label: Option<Vec<u8>>,
    missing_count: i32,
    missing: Vec<[u8; 8]>,
    format: u8,
    name: [u8; 8],
}

/// Labels (value, label) and the elements, from 1, they are for.
type ValueLabels = (Vec<([u8; 8], Vec<u8>)>, Vec<u32>);

/// Reads everything before the cases; the source then stands at the first of them.
///
/// # Errors
/// When the file is not one of SPSS, ends early or is damaged.
pub(super) fn read(
    source: &mut Source,
    encoding: Option<Charset>,
) -> Result<Dictionary, DataError> {
    let mut header = vec![0; HEADER];
    let there = source.some(&mut header)?;
    if there < HEADER && header.starts_with(b"$FL") {
        return Err(source.ends_early());
    }
    source.big = match (&header[..4], &header[64..68]) {
        (b"$FL2" | b"$FL3", [2 | 3, 0, 0, 0]) => false,
        (b"$FL2" | b"$FL3", [0, 0, 0, 2 | 3]) => true,
        (b"$FL2" | b"$FL3", _) => return Err(source.damaged("the byte order is not known")),
        _ => return Err(not_spss(source.path(), &header)),
    };
    let big = source.big;
    let whole = |at: usize| {
        let bytes = [header[at], header[at + 1], header[at + 2], header[at + 3]];
        if big { i32::from_be_bytes(bytes) } else { i32::from_le_bytes(bytes) }
    };
    let packing = match whole(72) {
        0 => Packing::None,
        1 => Packing::Bytes,
        2 => Packing::Zlib,
        other => return Err(source.variant(format!("compression {other}"))),
    };
    let mut rows = u64::try_from(whole(80)).ok();
    let bias: [u8; 8] = header[84..92].try_into().unwrap_or_default();
    let bias = if big { f64::from_be_bytes(bias) } else { f64::from_le_bytes(bias) };
    if !bias.is_finite() {
        return Err(source.damaged("the bias is no number"));
    }

    let (mut slots, mut labels) = (Vec::new(), Vec::<ValueLabels>::new());
    let mut extensions: Vec<Extension> = Vec::new();
    let mut variables_end = source.position();
    let terminator = loop {
        let at = source.position();
        match source.i32()? {
            2 => {
                slots.push(slot(source)?);
                variables_end = source.position();
            }
            3 => labels.push(value_labels(source)?),
            6 => {
                let lines = source.i32()?;
                let lines = source.count(i64::from(lines), 80, "lines of documents")?;
                source.skip(lines * 80)?;
            }
            7 => extensions.push(extension::read(source, at)?),
            999 => {
                source.skip(4)?;
                break at;
            }
            other => return Err(source.damaged(format!("a record of type {other}"))),
        }
    };
    if slots.is_empty() {
        return Err(DataError::NoColumns { path: source.path().to_path_buf() });
    }
    let charset = match encoding {
        Some(charset) => charset,
        None => charset(source, &extensions)?,
    };
    if let Some(found) = extension::of(&extensions, 16).and_then(|e| e.u64(8, big)) {
        rows = Some(found).filter(|&n| i64::try_from(n).is_ok()).or(rows);
    }
    let short_names = slots.iter().map(|s| trimmed(&s.name).to_vec()).collect();
    let elements = slots.len();
    let named_slots = slots.iter().filter(|s| s.kind >= 0).count();
    let variables = Assembly { source, slots, charset, big }.variables(&labels, &extensions)?;
    Ok(Dictionary {
        header,
        packing,
        rows,
        bias,
        elements,
        variables,
        charset,
        variables_end,
        extensions,
        terminator,
        named_slots,
        short_names,
    })
}

fn not_spss(path: &Path, head: &[u8]) -> DataError {
    let found = super::super::input::recognised(head).unwrap_or("something else");
    DataError::OtherContent { path: path.to_path_buf(), expected: KIND, found }
}

fn slot(source: &mut Source) -> Result<Slot, DataError> {
    let kind = source.i32()?;
    let labelled = source.i32()?;
    let missing_count = source.i32()?;
    let format = source.u32()?.to_be_bytes()[1];
    source.skip(4)?;
    let name = source.array()?;
    let label = match labelled {
        0 => None,
        1 => {
            let length = source.i32()?;
            let length = source.count(i64::from(length), 1, "bytes of a label")?;
            let label = source.bytes(length)?;
            source.skip(length.next_multiple_of(4) - length)?;
            Some(label)
        }
        _ => return Err(source.damaged("a variable neither with nor without a label")),
    };
    if !(-3..=3).contains(&missing_count) || missing_count == -1 {
        return Err(source.damaged(format!("{missing_count} missing values")));
    }
    if !(-1..=255).contains(&kind) {
        return Err(source.damaged(format!("a variable of width {kind}")));
    }
    let missing = (0..missing_count.abs()).map(|_| source.array()).collect::<Result<_, _>>()?;
    Ok(Slot { kind, label, missing_count, missing, format, name })
}

fn value_labels(source: &mut Source) -> Result<ValueLabels, DataError> {
    let count = source.i32()?;
    let count = source.count(i64::from(count), 16, "value labels")?;
    let mut labels = Vec::new();
    for _ in 0..count {
        let value = source.array()?;
        let length = u64::from(source.u8()?);
        let label = source.bytes(length)?;
        source.skip((length + 1).next_multiple_of(8) - length - 1)?;
        labels.push((value, label));
    }
    if source.i32()? != 4 {
        return Err(source.damaged("value labels without variables"));
    }
    let count = source.i32()?;
    let count = source.count(i64::from(count), 4, "variables of value labels")?;
    let elements = (0..count).map(|_| source.u32()).collect::<Result<_, _>>()?;
    Ok((labels, elements))
}

/// The encoding: by its name, else by the number of a code page, else windows-1252.
fn charset(source: &Source, extensions: &[Extension]) -> Result<Charset, DataError> {
    let unknown = |name: &str| source.variant(format!("text in the encoding {name}"));
    if let Some(record) = extension::of(extensions, 20) {
        let name = String::from_utf8_lossy(trimmed(&record.bytes)).into_owned();
        return match Charset::named(&name) {
            Some(charset) => Ok(charset),
            None if name.is_empty() => Ok(Charset::guessed()),
            None => Err(unknown(&name)),
        };
    }
    match extension::of(extensions, 3).and_then(|r| r.u32(28, source.big)) {
        // "7-bit" and "8-bit ASCII" say nothing of the letters beyond.
        None | Some(0 | 2 | 3) => Ok(Charset::guessed()),
        Some(number) => Charset::named(&number.to_string())
            .ok_or_else(|| unknown(&format!("of code page {number}"))),
    }
}

/// The parts that variables are put together from.
struct Assembly<'a> {
    source: &'a Source,
    slots: Vec<Slot>,
    charset: Charset,
    big: bool,
}

impl Assembly<'_> {
    fn variables(
        &self,
        labels: &[ValueLabels],
        extensions: &[Extension],
    ) -> Result<Vec<Variable>, DataError> {
        let long_names = extension::pairs(extension::of(extensions, 13), b'\t');
        let widths = extension::pairs(extension::of(extensions, 14), b'\t');
        let mut variables: Vec<Variable> = Vec::new();
        let mut at = 0;
        while let Some(slot) = self.slots.get(at) {
            let short = trimmed(&slot.name).to_vec();
            let mut width = usize::try_from(slot.kind).ok().filter(|&w| w > 0);
            if slot.kind < 0 {
                return Err(self.source.damaged("a continuation without its variable"));
            }
            let mut span = width.map_or(1, |w| w.div_ceil(8));
            if let (Some(255), Some(whole)) = (width, widths.get(&short)) {
                let whole = String::from_utf8_lossy(trimmed(whole)).trim().parse().ok();
                let whole: usize = whole
                    .filter(|w| (1..=32_767).contains(w))
                    .ok_or_else(|| self.source.damaged("a long text without a proper length"))?;
                if whole > 255 {
                    let segments = whole.div_ceil(252);
                    span = (segments - 1) * 32 + (whole - (segments - 1) * 252).div_ceil(8);
                    width = Some(whole);
                }
            }
            if at + span > self.slots.len() {
                return Err(self.source.damaged("a text goes beyond the case"));
            }
            let name = long_names.get(&short).unwrap_or(&short);
            variables.push(Variable {
                name: self.charset.decode(trimmed(name)),
                label: slot.label.as_ref().map(|l| self.charset.decode(trimmed(l))),
                width,
                element: at,
                clock: if width.is_none() { clock(slot.format) } else { None },
                missing: self.missing(slot, width),
                labels: Vec::new(),
                text_labels: Vec::new(),
                short,
            });
            at += span;
        }
        let place: HashMap<usize, usize> =
            variables.iter().enumerate().map(|(i, v)| (v.element, i)).collect();
        for (labels, elements) in labels {
            for &element in elements {
                let index = (element as usize).checked_sub(1).and_then(|e| place.get(&e));
                let Some(variable) = index.map(|&i| &mut variables[i]) else {
                    return Err(self.source.damaged("value labels of no variable"));
                };
                self.label(variable, labels);
            }
        }
        self.long_texts(&mut variables, extensions)?;
        Ok(variables)
    }

    fn number(&self, bytes: [u8; 8]) -> f64 {
        if self.big { f64::from_be_bytes(bytes) } else { f64::from_le_bytes(bytes) }
    }

    fn missing(&self, slot: &Slot, width: Option<usize>) -> Missing {
        let mut missing = Missing::default();
        if width.is_some() {
            let texts = slot.missing.iter().map(|m| self.charset.decode(trimmed(m)));
            missing.texts = texts.collect();
            return missing;
        }
        let mut values = slot.missing.iter().map(|&m| self.number(m));
        if slot.missing_count < 0 {
            missing.range = values.next().zip(values.next());
        }
        missing.values = values.collect();
        missing
    }

    fn label(&self, variable: &mut Variable, labels: &[([u8; 8], Vec<u8>)]) {
        for (value, label) in labels {
            let label = self.charset.decode(trimmed(label));
            if variable.width.is_some() {
                let value = self.charset.decode(trimmed(value));
                variable.text_labels.push((value, label));
            } else {
                variable.labels.push((self.number(*value), label));
            }
        }
    }

    /// Labels and missing values of texts longer than eight bytes.
    fn long_texts(
        &self,
        variables: &mut [Variable],
        extensions: &[Extension],
    ) -> Result<(), DataError> {
        let broken = || self.source.damaged("labels of long texts that do not fit together");
        let find = |variables: &[Variable], name: &[u8]| {
            let text = self.charset.decode(trimmed(name));
            variables.iter().position(|v| v.name == text || v.short == trimmed(name))
        };
        let decode = |bytes: &[u8]| self.charset.decode(trimmed(bytes));
        if let Some(record) = extension::of(extensions, 21) {
            for (name, labels) in extension::long_labels(record, self.big).ok_or_else(broken)? {
                let Some(index) = find(variables, &name) else { continue };
                let labels = labels.iter().map(|(v, l)| (decode(v), decode(l)));
                variables[index].text_labels.extend(labels);
            }
        }
        if let Some(record) = extension::of(extensions, 22) {
            for (name, values) in extension::long_missing(record, self.big).ok_or_else(broken)? {
                let Some(index) = find(variables, &name) else { continue };
                variables[index].missing.texts.extend(values.iter().map(|v| decode(v)));
            }
        }
        Ok(())
    }
}

/// What the numbers of a variable count, by its print format. Months and weekdays by number
/// stay numbers.
pub(super) fn clock(format: u8) -> Option<Clock> {
    match format {
        // DATE, ADATE, JDATE, MOYR, QYR, WKYR, EDATE, SDATE
        20 | 23 | 24 | 28..=30 | 38 | 39 => Some(Clock::SpssDate),
        // DATETIME, YMDHMS
        22 | 41 => Some(Clock::SpssDateTime),
        // TIME, DTIME, MTIME
        21 | 25 | 40 => Some(Clock::Seconds),
        _ => None,
    }
}
