//! `.ods`, OpenDocument spreadsheets, read as they come: repeated rows and cells are counted
//! before they are made, and empty ones are never made.

use std::io::{BufRead, BufReader};
use std::ops::ControlFlow;
use std::path::Path;
use std::rc::Rc;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;
use zip::ZipArchive;
use zip::read::ZipFile;

use crate::data::Calendar;

use super::super::error::DataError;
use super::super::source::{Source, guarded};
use super::{CELLS, Cell, Read, Visit, choose, damaged, expands, package};

/// Goes through the cells of a sheet.
pub(super) fn visit(
    path: &Path,
    sheet: Option<&str>,
    visit: &mut Visit<'_>,
) -> Result<Read, DataError> {
    let mut archive = package::open(path)?;
    let read = guarded(|| -> Result<Read, DataError> {
        let content = content(path, &mut archive)?;
        let sheets = Walk::new(path, BufReader::new(content)).sheets()?;
        let chosen = choose(path, &sheets, sheet)?;
        let content = self::content(path, &mut archive)?;
        Walk::new(path, BufReader::new(content)).cells(chosen, visit)?;
        Ok(Read { sheet: sheets[chosen].clone(), sheets })
    });
    read.unwrap_or_else(|| Err(damaged(path, "the decoder stopped at damaged data")))
}

fn content<'a>(
    path: &Path,
    archive: &'a mut ZipArchive<Source>,
) -> Result<ZipFile<'a, Source>, DataError> {
    archive.by_name("content.xml").map_err(|e| damaged(path, e))
}

/// A date, or a date with a time, in ISO 8601.
pub(super) fn moment(text: &str) -> Option<Cell> {
    if let Some(days) = Calendar::Date.read(text) {
        return Some(Cell::Moment(Calendar::Date, days));
    }
    let seconds = Calendar::DateTime.read(text)?;
    let midnight = seconds.rem_euclid(86_400.0) == 0.0;
    Some(match midnight {
        true => Cell::Moment(Calendar::Date, seconds / 86_400.0),
        false => Cell::Moment(Calendar::DateTime, seconds),
    })
}

/// A duration such as `PT13H45M10.5S`.
pub(super) fn duration(text: &str) -> Option<Cell> {
    let (mut rest, mut seconds) = (text.trim().strip_prefix("PT")?, 0.0);
    for (unit, length) in [('H', 3_600.0), ('M', 60.0), ('S', 1.0)] {
        if let Some((number, after)) = rest.split_once(unit) {
            seconds += number.parse::<f64>().ok().filter(|x| x.is_finite())? * length;
            rest = after;
        }
    }
    rest.is_empty().then_some(Cell::Moment(Calendar::Time, seconds))
}

/// A way through the XML of a workbook.
struct Walk<'a, R: BufRead> {
    path: &'a Path,
    reader: Reader<R>,
    buffer: Vec<u8>,
}

/// A cell that has begun.
struct Open {
    value: Option<Cell>,
    repeats: u32,
    /// Its paragraphs, for texts.
    text: String,
    paragraphs: usize,
    /// True within a paragraph; what stands between them is the layout of the XML.
    within: bool,
}

impl<'a, R: BufRead> Walk<'a, R> {
    fn new(path: &'a Path, source: R) -> Self {
        let mut reader = Reader::from_reader(source);
        reader.config_mut().expand_empty_elements = true;
        Walk { path, reader, buffer: Vec::new() }
    }

    fn next(&mut self) -> Result<Event<'static>, DataError> {
        self.buffer.clear();
        let event = self.reader.read_event_into(&mut self.buffer);
        event.map(Event::into_owned).map_err(|e| damaged(self.path, e))
    }

    fn attribute(&self, tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, DataError> {
        let found = tag.try_get_attribute(name).map_err(|e| damaged(self.path, e))?;
        let value = found.map(|a| a.normalized_value(XmlVersion::Implicit1_0));
        let value = value.transpose().map_err(|e| damaged(self.path, e))?;
        Ok(value.map(|v| v.into_owned()))
    }

    fn repeats(&self, tag: &BytesStart<'_>, name: &str) -> Result<u32, DataError> {
        let Some(text) = self.attribute(tag, name)? else { return Ok(1) };
        text.parse().map_err(|_| damaged(self.path, format!("{text:?} is no number of repeats")))
    }

    /// The names of all sheets.
    fn sheets(&mut self) -> Result<Vec<String>, DataError> {
        let mut sheets = Vec::new();
        loop {
            match self.next()? {
                Event::Start(tag) if tag.name().as_ref() == "table:table" => {
                    sheets.push(self.attribute(&tag, "table:name")?.unwrap_or_default());
                }
                Event::Eof => return Ok(sheets),
                _ => {}
            }
        }
    }

    /// The cells of the sheet at a place.
    fn cells(&mut self, chosen: usize, visit: &mut Visit<'_>) -> Result<(), DataError> {
        let (mut sheet, mut inside) = (0, false);
        let (mut row, mut row_repeats, mut column) = (0_u32, 1_u32, 0_u32);
        let mut line: Vec<(u32, u32, Cell)> = Vec::new();
        let mut open: Option<Open> = None;
        // Comments within cells have paragraphs too.
        let mut comments = 0_u32;
        let mut made = 0_u64;
        loop {
            let event = self.next()?;
            match &event {
                Event::Start(tag) if tag.name().as_ref() == "table:table" => {
                    inside = sheet == chosen;
                    sheet += 1;
                }
                Event::End(tag) if tag.name().as_ref() == "table:table" && inside => {
                    return Ok(());
                }
                Event::Eof => return Ok(()),
                _ if !inside => {}
                Event::Start(tag) => match tag.name().as_ref() {
                    "office:annotation" => comments += 1,
                    "table:table-row" => {
                        row_repeats = self.repeats(tag, "table:number-rows-repeated")?;
                        column = 0;
                        line.clear();
                    }
                    "table:table-cell" | "table:covered-table-cell" => {
                        let repeats = self.repeats(tag, "table:number-columns-repeated")?;
                        let value = self.value(tag)?;
                        open = Some(Open {
                            value,
                            repeats,
                            text: String::new(),
                            paragraphs: 0,
                            within: false,
                        });
                    }
                    name if comments == 0 => {
                        let spaces =
                            if name == "text:s" { self.repeats(tag, "text:c")? } else { 0 };
                        if let Some(open) = &mut open {
                            open.begins(name, spaces);
                        }
                    }
                    _ => {}
                },
                Event::Text(text) if comments == 0 => {
                    if let Some(open) = open.as_mut().filter(|o| o.within) {
                        open.text.push_str(&text.xml10_content());
                    }
                }
                Event::GeneralRef(name) if comments == 0 => {
                    if let Some(open) = open.as_mut().filter(|o| o.within) {
                        open.text.push_str(&entity(name));
                    }
                }
                Event::End(tag) => match tag.name().as_ref() {
                    "text:p" if comments == 0 => {
                        open.iter_mut().for_each(|open| open.within = false);
                    }
                    "office:annotation" => comments = comments.saturating_sub(1),
                    "table:table-cell" | "table:covered-table-cell" => {
                        if let Some(cell) = open.take() {
                            let repeats = cell.repeats;
                            if let Some(value) = cell.finish() {
                                line.push((column, repeats, value));
                            }
                            column = column.saturating_add(repeats);
                        }
                    }
                    "table:table-row" => {
                        let cells: u64 = line.iter().map(|c| u64::from(c.1)).sum();
                        made = made.saturating_add(cells.saturating_mul(u64::from(row_repeats)));
                        if made > CELLS as u64 {
                            return Err(expands(self.path));
                        }
                        let rows = if cells == 0 { 0 } else { row_repeats };
                        for at in row..row.saturating_add(rows) {
                            for (first, repeats, cell) in &line {
                                for column in *first..first.saturating_add(*repeats) {
                                    if visit(at, column, cell.clone())? == ControlFlow::Break(()) {
                                        return Ok(());
                                    }
                                }
                            }
                        }
                        row = row.saturating_add(row_repeats);
                        line.clear();
                    }
                    _ => {}
                },
                _ => {}
            }
        }
    }

    /// The value that stands in a cell's tag; `None` for a text, which stands within, and for
    /// an empty cell.
    fn value(&self, tag: &BytesStart<'_>) -> Result<Option<Cell>, DataError> {
        if self.attribute(tag, "calcext:value-type")?.as_deref() == Some("error") {
            return Ok(Some(Cell::Error(Rc::from(""))));
        }
        let of = |name: &str| self.attribute(tag, name).map(Option::unwrap_or_default);
        let kind = of("office:value-type")?;
        let cell = match kind.as_str() {
            "float" | "percentage" | "currency" => {
                let number = of("office:value")?.parse().ok();
                number.filter(|x: &f64| x.is_finite()).map(Cell::Number)
            }
            "boolean" => {
                Some(Cell::Number(f64::from(u8::from(of("office:boolean-value")? == "true"))))
            }
            "date" => moment(&of("office:date-value")?),
            "time" => duration(&of("office:time-value")?),
            "string" => {
                let given = self.attribute(tag, "office:string-value")?;
                return Ok(given.map(|text| Cell::Text(Rc::from(text))));
            }
            _ => return Ok(None),
        };
        cell.map(Some)
            .ok_or_else(|| damaged(self.path, format!("a cell of type {kind} without value")))
    }
}

impl Open {
    fn begins(&mut self, name: &str, spaces: u32) {
        match name {
            "text:p" => {
                if self.paragraphs > 0 {
                    self.text.push('\n');
                }
                self.paragraphs += 1;
                self.within = true;
            }
            // No sheet has more than 32,767 characters in a cell.
            "text:s" => self.text.extend((0..spaces.min(32_767)).map(|_| ' ')),
            "text:tab" => self.text.push('\t'),
            "text:line-break" => self.text.push('\n'),
            _ => {}
        }
    }

    fn finish(self) -> Option<Cell> {
        match self.value {
            // The name of an error is the text that is shown.
            Some(Cell::Error(_)) => Some(Cell::Error(Rc::from(self.text))),
            Some(value) => Some(value),
            None if self.paragraphs > 0 && !self.text.is_empty() => {
                Some(Cell::Text(Rc::from(self.text)))
            }
            None => None,
        }
    }
}

/// The text of one of the five entities of XML, or of a character by number.
fn entity(name: &str) -> String {
    let numbered = name.strip_prefix('#').and_then(|digits| match digits.strip_prefix('x') {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => digits.parse().ok(),
    });
    let found = match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => numbered.and_then(char::from_u32),
    };
    found.map(String::from).unwrap_or_default()
}
