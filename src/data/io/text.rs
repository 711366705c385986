//! Delimited text: comma-, tab-, semicolon- and bar-separated files.
//!
//! The file is passed over twice: once to see that it is text and in which encoding, once to
//! build the columns. A column that turns out to be text only after numbers is read once more.
//! No field is ever held as a string: numbers go into their narrowest type and texts into a
//! dictionary, as bytes that are decoded once per distinct value.

use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use csv::ByteRecord;

use crate::data::codes::Level;
use crate::data::column::{Column, MissingCode, Values};
use crate::data::number::{Plain, plain};
use crate::data::table::Table;

use super::append::{NewColumn, check, stage_with};
use super::atomic::Staged;
use super::build::{NumberBuilder, TextBuilder};
use super::error::DataError;
use super::header::{Header, from_csv, header, records, selected};
use super::input::{BOM, Encoding, Input, Scan, scan};
use super::lines;
use super::{Note, ReadOptions, Reading};

/// The names of the columns, from the first line alone.
pub(super) fn names(
    path: &Path,
    options: &ReadOptions<'_>,
    usual: Option<char>,
) -> Result<Vec<String>, DataError> {
    let input = Input::open(path, options.encoding)?;
    Ok(header(&input, options.delimiter.or(usual))?.names)
}

/// The table, or the requested columns of it; `usual` is the delimiter where none is given.
pub(super) fn read(
    path: &Path,
    options: &ReadOptions<'_>,
    usual: Option<char>,
) -> Result<Reading, DataError> {
    let input = Input::open(path, options.encoding)?;
    let header = header(&input, options.delimiter.or(usual))?;
    let columns = selected(path, &header.names, options.columns)?;
    let scan = scan(&input)?;
    if scan.line_ends >= u64::from(u32::MAX) {
        return Err(DataError::TooManyRows { path: path.to_path_buf(), rows: scan.line_ends });
    }
    let missing = MissingTexts::new(&options.missing_text, scan.encoding);
    let pass = Pass { input: &input, header: &header, scan: &scan, missing: &missing };
    let mut notes = Vec::new();
    if let (Encoding::Windows1252, Some(line)) = (scan.encoding, scan.first_other) {
        notes.push(Note::Windows1252 { line });
    }
    let mut fields: Vec<Field> = columns.iter().map(|_| Field::new(pass.room())).collect();
    let rows = pass.over(&columns, &mut fields)?;

    let again: Vec<usize> = (0..columns.len()).filter(|&i| fields[i].mixed.is_some()).collect();
    if !again.is_empty() {
        let positions: Vec<usize> = again.iter().map(|&i| columns[i]).collect();
        let mut texts: Vec<Field> = again.iter().map(|_| Field::text(rows)).collect();
        if pass.over(&positions, &mut texts)? != rows {
            return Err(DataError::Changed { path: path.to_path_buf() });
        }
        let mut found: Vec<(u64, Note)> = Vec::new();
        for (i, text) in again.into_iter().zip(texts) {
            let column = header.names[columns[i]].clone();
            if let Some((start, value)) = fields[i].mixed.take() {
                let value = scan.encoding.decode(value);
                found.push((start, Note::NotNumbers { column, line: 0, value }));
            }
            fields[i] = text;
        }
        notes.extend(with_lines(&input, found)?);
    }
    let mut table = Table::default();
    for (field, &position) in fields.into_iter().zip(&columns) {
        let column = field.finish(&header.names[position], &missing, scan.encoding, &mut notes);
        table.push(column)?;
    }
    Ok(Reading { table, notes })
}

/// Prepares a copy of a text file with columns added at the end of every line. All other bytes
/// stay as they are: encoding, quotation marks, line ends, empty lines.
pub(super) fn stage_copy(
    path: &Path,
    options: &ReadOptions<'_>,
    usual: Option<char>,
    target: &Path,
    columns: &[NewColumn<'_>],
) -> Result<Staged, DataError> {
    let input = Input::open(path, options.encoding)?;
    let header = header(&input, options.delimiter.or(usual))?;
    let scan = scan(&input)?;
    check(path, header.names.iter().map(String::as_str), columns, |a, b| a == b)?;
    match input.wide() {
        None => {
            stage_with(target, |out| lines::copy(&input, header.delimiter, &scan, columns, out))
        }
        Some(wide) => {
            let mut text = Vec::new();
            let written = lines::copy(&input, header.delimiter, &scan, columns, &mut text);
            stage_with(target, |out| {
                written?;
                Ok(out.write_all(&wide.encode(&text))?)
            })
        }
    }
}

/// What every pass over the records needs.
struct Pass<'a> {
    input: &'a Input,
    header: &'a Header,
    scan: &'a Scan,
    missing: &'a MissingTexts,
}

impl Pass<'_> {
    fn room(&self) -> usize {
        usize::try_from(self.scan.line_ends).unwrap_or(0)
    }

    /// Feeds the fields of the columns at `positions`; gives the number of rows.
    fn over(&self, positions: &[usize], fields: &mut [Field]) -> Result<usize, DataError> {
        let path = || self.input.path.clone();
        let expected = self.header.names.len();
        let mut reader = records(self.header.delimiter, self.input.reader()?);
        let mut record = ByteRecord::new();
        let mut next = |record: &mut ByteRecord| {
            reader.read_byte_record(record).map_err(|e| from_csv(self.input, e))
        };
        next(&mut record)?;
        let (mut rows, mut start, mut runs_on) = (0_usize, 0, false);
        while next(&mut record)? {
            start = record.position().map_or(start, csv::Position::byte);
            if record.len() != expected {
                return Err(DataError::Ragged {
                    path: path(),
                    line: self.line(start)?,
                    row: rows as u64 + 1,
                    found: record.len(),
                    expected,
                    several_lines: record.as_slice().contains(&b'\n'),
                });
            }
            for (field, &position) in fields.iter_mut().zip(positions) {
                field.push(&record[position], rows, start, self.missing);
            }
            rows += 1;
            runs_on = self.scan.odd_quotes && record.as_slice().contains(&b'\n');
        }
        // A quote that is never closed swallows the rest of the file into the last field.
        // Two necessary signs, both cheap, come before the proof.
        let in_header = rows == 0 && self.header.names.iter().any(|n| n.contains('\n'));
        if self.scan.odd_quotes && (runs_on || in_header) && self.ends_in_quotes(start)? {
            return Err(DataError::UnclosedQuote { path: path(), line: self.line(start)? });
        }
        if rows == 0 {
            return Err(DataError::NoRows { path: path() });
        }
        Ok(rows)
    }

    /// True when the file ends within a quoted field, reading from a record's start.
    fn ends_in_quotes(&self, start: u64) -> Result<bool, DataError> {
        #[derive(PartialEq)]
        enum At {
            FieldStart,
            Field,
            Quoted,
            /// A quotation mark within a quoted field: its end, or the first of two.
            Mark,
        }
        let mut reader = BufReader::with_capacity(1 << 17, self.input.reader()?);
        let marked = start == 0 && self.input.head(3)?.starts_with(BOM);
        let start = if marked { BOM.len() as u64 } else { start };
        let skipped = io::copy(&mut reader.by_ref().take(start), &mut io::sink());
        skipped.map_err(|e| self.input.failed(e))?;
        let mut at = At::FieldStart;
        for byte in reader.bytes() {
            let byte = byte.map_err(|e| self.input.failed(e))?;
            let ends = byte == self.header.delimiter || matches!(byte, b'\n' | b'\r');
            at = match at {
                At::FieldStart | At::Mark if byte == b'"' => At::Quoted,
                At::Quoted if byte == b'"' => At::Mark,
                At::Quoted => At::Quoted,
                _ if ends => At::FieldStart,
                _ => At::Field,
            };
        }
        Ok(at == At::Quoted)
    }

    fn line(&self, start: u64) -> Result<u64, DataError> {
        Ok(self.input.lines(&[start])?.first().copied().unwrap_or(1))
    }
}

/// Fills in the lines of notes about records, given by the bytes they start at.
fn with_lines(input: &Input, mut notes: Vec<(u64, Note)>) -> Result<Vec<Note>, DataError> {
    notes.sort_by_key(|(start, _)| *start);
    let starts: Vec<u64> = notes.iter().map(|(start, _)| *start).collect();
    let lines = input.lines(&starts)?;
    let place = |((_, note), at): ((u64, Note), u64)| match note {
        Note::NotNumbers { column, value, .. } => Note::NotNumbers { column, line: at, value },
        other => other,
    };
    Ok(notes.into_iter().zip(lines).map(place).collect())
}

/// The texts that mean "missing", as bytes of the file's encoding.
struct MissingTexts {
    texts: Vec<(String, Option<Vec<u8>>)>,
    longest: usize,
}

impl MissingTexts {
    fn new(texts: &[String], encoding: Encoding) -> MissingTexts {
        let texts: Vec<_> = texts
            .iter()
            .map(|t| t.trim())
            .filter(|t| !t.is_empty())
            .map(|t| (t.to_owned(), encoding.encode(t)))
            .collect();
        let longest = texts.iter().filter_map(|t| t.1.as_ref()).map(Vec::len).max().unwrap_or(0);
        MissingTexts { texts, longest }
    }

    #[inline]
    fn position(&self, field: &[u8]) -> Option<usize> {
        if field.len() > self.longest {
            return None;
        }
        self.texts.iter().position(|t| t.1.as_deref() == Some(field))
    }
}

/// A column that is being read.
struct Field {
    state: State,
    room: usize,
    /// Rows per text that means "missing".
    missing: Vec<u64>,
    /// Record (by the byte it starts at) and text of the first value that is not a number, in a column that began as numbers.
    mixed: Option<(u64, Vec<u8>)>,
}

enum State {
    /// Nothing but missing values so far.
    Unknown(usize),
    Numbers(NumberBuilder),
    Text(TextBuilder),
    /// To be read again as text.
    Mixed,
}

impl Field {
    fn new(room: usize) -> Field {
        Field { state: State::Unknown(0), room, missing: Vec::new(), mixed: None }
    }

    fn text(room: usize) -> Field {
        Field { state: State::Text(TextBuilder::new(room, 0)), ..Field::new(room) }
    }

    #[inline]
    fn push(&mut self, field: &[u8], row: usize, start: u64, missing: &MissingTexts) {
        let trimmed = field.trim_ascii();
        if trimmed.is_empty() {
            return self.push_missing();
        }
        if let Some(which) = missing.position(trimmed) {
            self.missing.resize(missing.texts.len(), 0);
            self.missing[which] += 1;
            return self.push_missing();
        }
        match &mut self.state {
            State::Numbers(numbers) => match plain(field) {
                Some(Plain::Whole(x)) => numbers.push_whole(x),
                Some(Plain::Real(x)) => numbers.push(x),
                None => {
                    self.state = State::Mixed;
                    self.mixed = Some((start, field.to_vec()));
                }
            },
            State::Text(text) => text.push(field),
            State::Mixed => {}
            State::Unknown(_) => {
                self.state = if plain(field).is_some() {
                    let mut numbers = NumberBuilder::new(self.room);
                    (0..row).for_each(|_| numbers.push_missing());
                    State::Numbers(numbers)
                } else {
                    State::Text(TextBuilder::new(self.room, row))
                };
                self.push(field, row, start, missing);
            }
        }
    }

    #[inline]
    fn push_missing(&mut self) {
        match &mut self.state {
            State::Unknown(rows) => *rows += 1,
            State::Numbers(numbers) => numbers.push_missing(),
            State::Text(text) => text.push_missing(),
            State::Mixed => {}
        }
    }

    fn finish(
        self,
        name: &str,
        missing: &MissingTexts,
        encoding: Encoding,
        notes: &mut Vec<Note>,
    ) -> Column {
        let values = match self.state {
            State::Numbers(numbers) => Values::Numbers(numbers.finish()),
            State::Text(text) => {
                let factor = text.finish(|bytes| encoding.decode(bytes));
                if let Some(example) = european(&factor.levels) {
                    notes.push(Note::DecimalCommas { column: name.to_owned(), example });
                }
                Values::Text(factor)
            }
            State::Unknown(_) | State::Mixed => {
                let rows = if let State::Unknown(rows) = self.state { rows } else { 0 };
                notes.push(Note::AllMissing { column: name.to_owned() });
                let mut numbers = NumberBuilder::new(rows);
                (0..rows).for_each(|_| numbers.push_missing());
                Values::Numbers(numbers.finish())
            }
        };
        let mut column = Column::from_values(name, values);
        let counted = missing.texts.iter().zip(&self.missing).filter(|(_, count)| **count > 0);
        column.missing = counted
            .map(|((code, _), &count)| MissingCode { code: code.clone(), label: None, count })
            .collect();
        column
    }
}

/// A value of a column that would be numbers if commas were points or did not count.
fn european(levels: &[Level]) -> Option<String> {
    let number = |level: &Level| {
        let text = level.value.trim();
        let bare = |with: &str| plain(text.replace(',', with).as_bytes()).is_some();
        bare(".") || (text.contains(',') && bare(""))
    };
    let example = levels.iter().find(|l| l.value.contains(','))?;
    levels.iter().all(number).then(|| example.value.clone())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::data::Numbers;

    fn reading(content: &[u8]) -> Result<Reading, DataError> {
        let mut file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
        file.write_all(content).unwrap();
        super::super::read_with_notes(file.path(), &ReadOptions::default())
    }

    fn table(content: &str) -> Table {
        reading(content.as_bytes()).unwrap().table
    }

    #[test]
    fn columns_are_typed_by_their_values() {
        let t = table("n,big,x,code,s,none\n1,1000,0.5,007,a,\nNA,-3,1e5,12,,NA\n-9,.,+1,,b,.\n");
        let numbers = |name: &str| t.column(name).unwrap().as_numbers().unwrap().clone();
        assert!(matches!(numbers("n"), Numbers::I8(_)));
        assert!(matches!(numbers("big"), Numbers::I16(_)));
        assert_eq!(numbers("x").to_vec(), [0.5, 1e5, 1.0]);
        let code = t.column("code").unwrap().as_factor();
        assert_eq!(code.levels.iter().map(Level::text).collect::<Vec<_>>(), ["007", "12"]);
        assert_eq!(code.codes.to_vec(), [0, 1, crate::data::Codes::NONE]);
        assert!(numbers("none").any_missing());
        let codes = &t.column("none").unwrap().missing;
        assert_eq!(
            codes.iter().map(|m| (m.code.as_str(), m.count)).collect::<Vec<_>>(),
            [("NA", 1), (".", 1)]
        );
    }

    #[test]
    fn a_column_that_turns_into_text_keeps_what_was_written() {
        let Reading { table, notes } = reading(b"age,y\n1.0,1\n+2,2\nNA,3\nolder,4\n").unwrap();
        let age = table.column("age").unwrap();
        let values: Vec<_> = age.as_factor().levels.iter().map(|l| l.value.clone()).collect();
        assert_eq!(values, ["+2", "1.0", "older"]);
        assert_eq!(age.missing[0].count, 1);
        assert!(
            matches!(&notes[..], [Note::NotNumbers { line: 5, value, .. }] if value == "older")
        );
    }

    #[test]
    fn identifiers_too_long_for_numbers_stay_text() {
        let t = table("id\n123456789012345678\n123456789012345679\n");
        assert_eq!(t.column("id").unwrap().as_factor().levels.len(), 2);
    }

    #[test]
    fn quotes_crlf_bom_and_spaces() {
        let t = table("\u{feff}\"a\", b \r\n\"x, \"\"y\"\"\nz\", 3 \r\n\"w\",\r\n");
        assert_eq!(t.names().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(t.column("a").unwrap().as_factor().levels[1].value, "x, \"y\"\nz");
        assert_eq!(t.column("b").unwrap().as_numbers().unwrap().get(0), 3.0);
    }

    #[test]
    fn windows_1252_is_noted() {
        let Reading { table, notes } = reading(b"nom;a\ncaf\xE9;1\n").unwrap();
        assert_eq!(table.column("nom").unwrap().as_factor().levels[0].value, "café");
        assert!(matches!(notes[..], [Note::Windows1252 { line: 2 }]));
    }

    #[test]
    fn decimal_commas_are_noted() {
        let notes = reading(b"a;b\n1,5;x\n2;y\n").unwrap().notes;
        assert!(matches!(&notes[..], [Note::DecimalCommas { column, .. }] if column == "a"));
    }
}
