//! Sheets of workbooks, `.xlsx` and `.ods`: margins and small data.
//!
//! The first row with anything in it is the header; rows with nothing in them do not count. A
//! column is numbers, dates or text by its cells, by the rules for delimited text: texts that
//! are plain numbers are numbers, and in a column that has other texts too, all is text.
//! `#N/A` is missing; any other error in a wanted column is refused.

mod ods;
mod package;
mod xlsx;

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::path::Path;
use std::rc::Rc;

use crate::data::Calendar;
use crate::data::column::{Column, MissingCode, Values};
use crate::data::number::{Plain, plain, written};
use crate::data::table::Table;

use super::build::{NumberBuilder, TextBuilder};
use super::error::DataError;
use super::fault::Fault;
use super::header::{check_names, selected};
use super::{Note, ReadOptions, Reading};

/// What files of this kind are called.
const KIND: &str = "a workbook";

/// Cells that are kept at most, repeated ones counted as often as they come.
const CELLS: usize = 20_000_000;

/// The content of a cell.
#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Number(f64),
    /// A date or time.
    Moment(Calendar, f64),
    Text(Rc<str>),
    /// Such as `#DIV/0!`.
    Error(Rc<str>),
    /// A formula whose value is not in the file.
    Unstored,
}

impl Cell {
    /// What is wrong with it, where it has no value to read.
    fn trouble(&self) -> Option<&str> {
        match self {
            Cell::Error(error) => Some(error),
            Cell::Unstored => Some(UNSTORED),
            _ => None,
        }
    }
}

/// What is wrong with a formula without a value.
const UNSTORED: &str = "a formula whose value is not stored";

/// Takes cells row by row: row and column, from 0, and content. Breaks off when it has enough.
type Visit<'a> = dyn FnMut(u32, u32, Cell) -> Result<ControlFlow<()>, DataError> + 'a;

/// The names of a workbook's sheets, and the one that was read.
struct Read {
    sheet: String,
    sheets: Vec<String>,
}

/// Which of the two formats a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Xlsx,
    Ods,
}

/// The names of the columns.
pub(super) fn names(
    path: &Path,
    kind: Kind,
    sheet: Option<&str>,
) -> Result<Vec<String>, DataError> {
    let mut header = Header::default();
    visit(path, kind, sheet, &mut |row, column, cell| {
        Ok(if header.take(row, column, &cell) {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        })
    })?;
    header.names(path)
}

/// The table, or the requested columns of it.
pub(super) fn read(
    path: &Path,
    kind: Kind,
    options: &ReadOptions<'_>,
) -> Result<Reading, DataError> {
    let mut header = Header::default();
    let mut body: Option<Body> = None;
    let read = visit(path, kind, options.sheet.as_deref(), &mut |row, column, cell| {
        if body.is_none() && header.take(row, column, &cell) {
            return Ok(ControlFlow::Continue(()));
        }
        let body = match &mut body {
            Some(body) => body,
            None => body.insert(Body::new(path, &header, options)?),
        };
        body.take(row, column, cell)?;
        Ok(ControlFlow::Continue(()))
    })?;
    let names = header.names(path)?;
    let Some(body) = body.filter(|b| b.rows > 0) else {
        selected(path, &names, options.columns)?;
        return Err(DataError::NoRows { path: path.to_path_buf() });
    };
    let mut notes = Vec::new();
    let others: Vec<String> = read.sheets.into_iter().filter(|s| *s != read.sheet).collect();
    if options.sheet.is_none() && !others.is_empty() {
        notes.push(Note::FirstSheet { sheet: read.sheet.clone(), others });
    }
    let mut table = Table::default();
    let rows = body.rows;
    for field in body.fields {
        table.push(field.finish(path, &read.sheet, rows, options, &mut notes)?)?;
    }
    Ok(Reading { table, notes })
}

/// A sheet as lines of delimited text; line 1 is the first row of the sheet.
pub(super) fn as_text(path: &Path, kind: Kind, sheet: Option<&str>) -> Result<String, DataError> {
    let mut rows: BTreeMap<u32, Vec<(u32, Cell)>> = BTreeMap::new();
    let mut cells = 0;
    let read = visit(path, kind, sheet, &mut |row, column, cell| {
        cells += 1;
        if cells > MARGINS {
            return Err(expands(path));
        }
        rows.entry(row).or_default().push((column, cell));
        Ok(ControlFlow::Continue(()))
    })?;
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    let (mut next, width) = (0, rows.values().flatten().map(|(c, _)| c + 1).max().unwrap_or(0));
    if u64::from(width) * (rows.keys().last().map_or(0, |r| u64::from(*r)) + 1) > MARGINS as u64 {
        return Err(expands(path));
    }
    for (row, cells) in rows {
        let mut record = vec![String::new(); width as usize];
        for (column, cell) in cells {
            if let Some(error) = cell.trouble() {
                return Err(cell_error(path, &read.sheet, row, column, error));
            }
            record[column as usize] = text_of(&cell).replace(['\n', '\r'], " ");
        }
        while next < row {
            // Fields of nothing, so that the line is there and does not count.
            let _ = writer.write_record(vec![""; width.max(2) as usize]);
            next += 1;
        }
        let _ = writer.write_record(&record);
        next += 1;
    }
    let bytes = writer.into_inner().unwrap_or_default();
    Ok(String::from_utf8(bytes).unwrap_or_default())
}

/// Cells of a sheet of margins.
const MARGINS: usize = 2_000_000;

fn visit(
    path: &Path,
    kind: Kind,
    sheet: Option<&str>,
    visit: &mut Visit<'_>,
) -> Result<Read, DataError> {
    match kind {
        Kind::Xlsx => xlsx::visit(path, sheet, visit),
        Kind::Ods => ods::visit(path, sheet, visit),
    }
}

/// The sheet that is meant among those of a workbook: the named one, else the first.
fn choose(path: &Path, sheets: &[String], sheet: Option<&str>) -> Result<usize, DataError> {
    let found = match sheet {
        Some(name) => sheets.iter().position(|s| s == name),
        None => (!sheets.is_empty()).then_some(0),
    };
    found.ok_or_else(|| {
        let sheet = sheet.map(ToOwned::to_owned);
        fault(path, Fault::NoSheet { sheet, sheets: sheets.to_vec() })
    })
}

/// The header as it comes in.
#[derive(Default)]
struct Header {
    row: Option<u32>,
    names: BTreeMap<u32, String>,
}

impl Header {
    /// Takes a cell, if it belongs to the header.
    fn take(&mut self, row: u32, column: u32, cell: &Cell) -> bool {
        if *self.row.get_or_insert(row) != row {
            return false;
        }
        let name = text_of(cell).trim().to_owned();
        if !name.is_empty() {
            self.names.insert(column, name);
        }
        true
    }

    fn names(&self, path: &Path) -> Result<Vec<String>, DataError> {
        if self.names.is_empty() {
            return Err(DataError::Empty { path: path.to_path_buf() });
        }
        let names: Vec<String> = self.names.values().cloned().collect();
        check_names(path, &names)?;
        Ok(names)
    }
}

/// The rows below the header.
struct Body<'a> {
    path: &'a Path,
    /// The wanted columns, by their place in the sheet.
    places: HashMap<u32, usize>,
    /// All columns that have a name.
    named: Vec<u32>,
    fields: Vec<Field>,
    rows: usize,
    last: Option<u32>,
    cells: usize,
}

impl<'a> Body<'a> {
    fn new(path: &'a Path, header: &Header, options: &ReadOptions<'_>) -> Result<Self, DataError> {
        let names = header.names(path)?;
        let chosen = selected(path, &names, options.columns)?;
        let named: Vec<u32> = header.names.keys().copied().collect();
        let places = chosen.iter().enumerate().map(|(at, &i)| (named[i], at)).collect();
        let fields = chosen.iter().map(|&i| Field::new(&names[i], named[i])).collect();
        Ok(Body { path, places, named, fields, rows: 0, last: None, cells: 0 })
    }

    fn take(&mut self, row: u32, column: u32, cell: Cell) -> Result<(), DataError> {
        if matches!(&cell, Cell::Text(text) if text.trim().is_empty()) {
            return Ok(());
        }
        if self.last != Some(row) {
            if self.last.is_some_and(|last| row < last) {
                let what = "its rows are not in order".to_owned();
                return Err(fault(self.path, Fault::Damaged { kind: KIND, at: None, what }));
            }
            self.last = Some(row);
            self.rows += 1;
            if self.rows.saturating_mul(self.fields.len()) > 4 * CELLS {
                return Err(expands(self.path));
            }
        }
        if let Some(&place) = self.places.get(&column) {
            self.cells += 1;
            if self.cells > CELLS {
                return Err(expands(self.path));
            }
            self.fields[place].cells.push((self.rows - 1, row, cell));
        } else if self.named.binary_search(&column).is_err() {
            let path = self.path.to_path_buf();
            return Err(DataError::EmptyNames { path, positions: vec![column as usize + 1] });
        }
        Ok(())
    }
}

/// A column that is being read: rows of the table and of the sheet, and contents.
struct Field {
    name: String,
    column: u32,
    cells: Vec<(usize, u32, Cell)>,
}

impl Field {
    fn new(name: &str, column: u32) -> Field {
        Field { name: name.to_owned(), column, cells: Vec::new() }
    }

    fn finish(
        mut self,
        path: &Path,
        sheet: &str,
        rows: usize,
        options: &ReadOptions<'_>,
        notes: &mut Vec<Note>,
    ) -> Result<Column, DataError> {
        let mut missing: Vec<MissingCode> = Vec::new();
        let mut error = None;
        self.cells.retain(|(_, row, cell)| {
            let text = match cell {
                Cell::Text(text) => text.trim(),
                cell => match cell.trouble() {
                    Some(trouble) => trouble,
                    None => return true,
                },
            };
            if !options.missing_text.iter().any(|m| m.trim() == text) && text != "#N/A" {
                if let Some(trouble) = cell.trouble() {
                    error.get_or_insert((*row, trouble.to_owned()));
                }
                return true;
            }
            match missing.iter_mut().find(|m| m.code == text) {
                Some(code) => code.count += 1,
                None => {
                    missing.push(MissingCode { code: text.to_owned(), label: None, count: 1 });
                }
            }
            false
        });
        if let Some((row, error)) = error {
            return Err(cell_error(path, sheet, row, self.column, &error));
        }
        let (mut calendar, mut numbers, mut odd) = (None, 0, None);
        for (_, row, cell) in &self.cells {
            match cell {
                Cell::Moment(kind, _) => match (calendar, kind) {
                    (None, _) => calendar = Some(*kind),
                    (Some(known), kind) if known == *kind => {}
                    (Some(_), Calendar::Time) => odd = odd.or(Some((*row, cell))),
                    (Some(_), _) => calendar = Some(Calendar::DateTime),
                },
                Cell::Number(_) => numbers += 1,
                Cell::Text(text) if plain(text.as_bytes()).is_some() => numbers += 1,
                _ => odd = odd.or(Some((*row, cell))),
            }
        }
        let mixed = odd.is_some() || (calendar.is_some() && numbers > 0);
        let values = if mixed {
            if let Some((row, cell)) = odd.filter(|_| numbers > 0) {
                let (column, value) = (self.name.clone(), text_of(cell));
                notes.push(Note::NotNumbers { column, line: u64::from(row) + 1, value });
            }
            calendar = None;
            self.text(rows)
        } else {
            if self.cells.is_empty() {
                notes.push(Note::AllMissing { column: self.name.clone() });
            }
            self.numbers(rows, calendar)
        };
        let mut column = Column::from_values(self.name, values);
        column.missing = missing;
        column.calendar = calendar;
        Ok(column)
    }

    fn numbers(&self, rows: usize, calendar: Option<Calendar>) -> Values {
        let mut builder = NumberBuilder::new(rows);
        let mut next = 0;
        for (row, _, cell) in &self.cells {
            (next..*row).for_each(|_| builder.push_missing());
            next = row + 1;
            match cell {
                Cell::Number(x) => builder.push(*x),
                Cell::Moment(Calendar::Date, x) if calendar == Some(Calendar::DateTime) => {
                    builder.push(x * 86_400.0);
                }
                Cell::Moment(_, x) => builder.push(*x),
                Cell::Text(text) => match plain(text.as_bytes()) {
                    Some(Plain::Whole(x)) => builder.push_whole(x),
                    Some(Plain::Real(x)) => builder.push(x),
                    None => builder.push_missing(),
                },
                Cell::Error(_) | Cell::Unstored => builder.push_missing(),
            }
        }
        (next..rows).for_each(|_| builder.push_missing());
        Values::Numbers(builder.finish())
    }

    fn text(&self, rows: usize) -> Values {
        let mut builder = TextBuilder::new(rows, 0);
        let mut next = 0;
        for (row, _, cell) in &self.cells {
            (next..*row).for_each(|_| builder.push_missing());
            next = row + 1;
            builder.push(text_of(cell).as_bytes());
        }
        (next..rows).for_each(|_| builder.push_missing());
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap_or_default();
        Values::Text(builder.finish(text))
    }
}

/// A cell as text.
fn text_of(cell: &Cell) -> String {
    match cell {
        Cell::Number(x) => written(*x),
        Cell::Moment(calendar, x) => calendar.written(*x).unwrap_or_else(|| written(*x)),
        Cell::Text(text) | Cell::Error(text) => text.to_string(),
        Cell::Unstored => String::new(),
    }
}

fn cell_error(path: &Path, sheet: &str, row: u32, column: u32, error: &str) -> DataError {
    let (sheet, cell) = (sheet.to_owned(), address(row, column));
    let error = error.to_owned();
    fault(
        path,
        match error == UNSTORED {
            true => Fault::NotReckoned { sheet, cell },
            false => Fault::CellError { sheet, cell, error },
        },
    )
}

/// A cell as people name it, such as `AB12`.
fn address(row: u32, column: u32) -> String {
    let (mut letters, mut left) = (String::new(), column + 1);
    while left > 0 {
        letters.insert(0, char::from(b'A' + ((left - 1) % 26) as u8));
        left = (left - 1) / 26;
    }
    format!("{letters}{}", row + 1)
}

fn expands(path: &Path) -> DataError {
    fault(path, Fault::TooMuch { kind: KIND, what: "it has too many cells".into() })
}

fn fault(path: &Path, fault: Fault) -> DataError {
    DataError::File { path: path.to_path_buf(), fault }
}

fn damaged(path: &Path, what: impl std::fmt::Display) -> DataError {
    fault(path, Fault::Damaged { kind: KIND, at: None, what: what.to_string() })
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn cells_have_their_usual_names() {
        for (row, column, name) in
            [(0, 0, "A1"), (6, 25, "Z7"), (0, 26, "AA1"), (9, 701, "ZZ10"), (0, 702, "AAA1")]
        {
            assert_eq!(address(row, column), name);
        }
    }
}
