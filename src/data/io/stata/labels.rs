//! Value labels and long texts of a Stata file, which stand behind the rows.

use std::collections::HashMap;

use super::super::error::DataError;
use super::super::package::{Charset, terminated, trimmed};
use super::super::source::Source;
use super::layout::tag;

/// Sets of labels, by name.
type Sets = HashMap<String, Vec<(i32, String)>>;

/// Reads the value labels; the source stands behind the rows, or, in tagged files, at the long
/// texts.
pub(super) fn read(
    source: &mut Source,
    release: u8,
    name_width: u64,
    charset: Charset,
) -> Result<Sets, DataError> {
    let mut sets = HashMap::new();
    if release >= 117 {
        pass_long_texts(source, release)?;
        tag(source, "<value_labels>")?;
    }
    loop {
        if release >= 117 {
            match &source.array()? {
                b"<lbl>" => {}
                b"</val" => break,
                _ => return Err(source.damaged("value labels without an end")),
            }
        } else if source.remaining() < 4 {
            break;
        }
        let (name, labels) = if release < 108 {
            old_set(source, name_width, charset)?
        } else {
            set(source, name_width, charset)?
        };
        sets.insert(name, labels);
        if release >= 117 {
            tag(source, "</lbl>")?;
        }
    }
    Ok(sets)
}

fn set(
    source: &mut Source,
    name_width: u64,
    charset: Charset,
) -> Result<(String, Vec<(i32, String)>), DataError> {
    let length = u64::from(source.u32()?);
    let name = charset.decode(terminated(&source.bytes(name_width)?));
    source.skip(3)?;
    let end = source.position().saturating_add(length);
    let count = source.u32()?;
    let text_length = u64::from(source.u32()?);
    let count = source.count(i64::from(count), 8, "value labels")?;
    let offsets: Vec<u32> = (0..count).map(|_| source.u32()).collect::<Result<_, _>>()?;
    let values: Vec<i32> = (0..count).map(|_| source.i32()).collect::<Result<_, _>>()?;
    let texts = source.bytes(text_length)?;
    if source.position() > end {
        return Err(source.damaged("value labels are longer than they say"));
    }
    source.go_to(end)?;
    let mut labels = Vec::new();
    for (value, offset) in values.into_iter().zip(offsets) {
        let Some(text) = texts.get(offset as usize..) else {
            return Err(source.damaged("a value label lies outside its set"));
        };
        // Labels may share text, which a damaged file could use to fill the memory.
        let text = terminated(&text[..text.len().min(LONGEST)]);
        labels.push((value, charset.decode(text)));
    }
    Ok((name, labels))
}

/// Bytes of a value label that are read; Stata itself stops at 32,000.
const LONGEST: usize = 32_000;

/// Before version 108: two-byte values, each with eight bytes of label.
fn old_set(
    source: &mut Source,
    name_width: u64,
    charset: Charset,
) -> Result<(String, Vec<(i32, String)>), DataError> {
    let count = source.u16()?;
    let name = charset.decode(terminated(&source.bytes(name_width)?));
    source.skip(1)?;
    let count = source.count(i64::from(count), 10, "value labels")?;
    let values: Vec<u16> = (0..count).map(|_| source.u16()).collect::<Result<_, _>>()?;
    let mut labels = Vec::new();
    for value in values {
        let text = source.array::<8>()?;
        labels.push((i32::from(value.cast_signed()), charset.decode(terminated(&text))));
    }
    Ok((name, labels))
}

/// Long texts, each once, and which of them a reference means.
#[derive(Default)]
pub(super) struct LongTexts {
    pub texts: Vec<Vec<u8>>,
    pub place: HashMap<(u32, u64), u32>,
}

/// Reads the long texts of the variables (from 1) that are wanted.
pub(super) fn long_texts(
    source: &mut Source,
    release: u8,
    wanted: &[u32],
) -> Result<LongTexts, DataError> {
    let mut found = LongTexts::default();
    let mut known: HashMap<Vec<u8>, u32> = HashMap::new();
    while let Some(entry) = entry(source, release)? {
        if !wanted.contains(&entry.variable) {
            source.skip(entry.length)?;
            continue;
        }
        let mut text = source.bytes(entry.length)?;
        if entry.text && text.last() == Some(&0) {
            text.pop();
        }
        text.truncate(trimmed(&text).len());
        let next = found.texts.len() as u32;
        let index = *known.entry(text).or_insert_with_key(|text| {
            found.texts.push(text.clone());
            next
        });
        found.place.insert((entry.variable, entry.number), index);
    }
    Ok(found)
}

fn pass_long_texts(source: &mut Source, release: u8) -> Result<(), DataError> {
    while let Some(entry) = entry(source, release)? {
        source.skip(entry.length)?;
    }
    Ok(())
}

struct Entry {
    variable: u32,
    number: u64,
    /// True for text, which ends with a zero; else bytes.
    text: bool,
    length: u64,
}

/// The head of the next long text; `None` behind the last one.
fn entry(source: &mut Source, release: u8) -> Result<Option<Entry>, DataError> {
    match &source.array()? {
        b"GSO" => {}
        b"</s" => {
            tag(source, "trls>")?;
            return Ok(None);
        }
        _ => return Err(source.damaged("long texts without an end")),
    }
    let variable = source.u32()?;
    let number = if release == 117 { u64::from(source.u32()?) } else { source.u64()? };
    let text = source.u8()? == 130;
    let length = u64::from(source.u32()?);
    Ok(Some(Entry { variable, number, text, length }))
}
