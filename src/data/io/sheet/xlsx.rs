//! `.xlsx` and `.xlsm`, through the crate `calamine`, cell by cell: a sheet with one cell in its
//! last corner takes no more than that cell.

use std::path::Path;
use std::rc::Rc;

use calamine::{DataRef, ExcelDateTime, Reader, SheetType, Xlsx};

use crate::data::Calendar;

use super::super::error::DataError;
use super::super::source::guarded;
use super::{Cell, Read, Visit, choose, damaged, package};

/// Goes through the cells of a sheet.
pub(super) fn visit(
    path: &Path,
    sheet: Option<&str>,
    visit: &mut Visit<'_>,
) -> Result<Read, DataError> {
    let source = package::open(path)?.into_inner();
    let read = guarded(|| -> Result<Read, DataError> {
        let mut book = Xlsx::new(source).map_err(|e| damaged(path, e))?;
        let tables = book.sheets_metadata().iter().filter(|s| s.typ == SheetType::WorkSheet);
        let sheets: Vec<String> = tables.map(|s| s.name.clone()).collect();
        let name = sheets[choose(path, &sheets, sheet)?].clone();
        let mut cells = book.worksheet_cells_reader(&name).map_err(|e| damaged(path, e))?;
        while let Some(found) =
            cells.next_cell_with_formula_metadata().map_err(|e| damaged(path, e))?
        {
            let (row, column) = found.pos;
            // The program that wrote the workbook did not reckon: no value, but not an empty cell.
            let unstored = found.formula.is_some().then_some(Cell::Unstored);
            if let Some(cell) = cell(&found.value).or(unstored)
                && visit(row, column, cell)?.is_break()
            {
                break;
            }
        }
        Ok(Read { sheet: name, sheets })
    });
    read.unwrap_or_else(|| Err(damaged(path, "the decoder stopped at damaged data")))
}

fn cell(found: &DataRef<'_>) -> Option<Cell> {
    let text = |text: &str| Cell::Text(Rc::from(text));
    Some(match found {
        DataRef::Empty => return None,
        DataRef::Int(x) => Cell::Number(*x as f64),
        DataRef::Float(x) => Cell::Number(*x),
        DataRef::Bool(x) => Cell::Number(f64::from(u8::from(*x))),
        DataRef::String(t) => text(t),
        DataRef::SharedString(t) => text(t),
        DataRef::DateTime(x) => moment(*x),
        DataRef::DateTimeIso(t) => super::ods::moment(t).unwrap_or_else(|| text(t)),
        DataRef::DurationIso(t) => super::ods::duration(t).unwrap_or_else(|| text(t)),
        DataRef::Error(e) => Cell::Error(Rc::from(e.to_string().as_str())),
    })
}

/// A serial number of Excel. Numbers of durations and those below one day are times.
fn moment(found: ExcelDateTime) -> Cell {
    let x = found.as_f64();
    if found.is_duration() || (0.0..1.0).contains(&x) {
        return Cell::Moment(Calendar::Time, (x * 86_400_000.0).round() / 1_000.0);
    }
    let (year, month, day, hour, minute, second, milli) = found.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    let Some(days) = Calendar::Date.read(&date) else { return Cell::Number(x) };
    let time = f64::from(hour) * 3_600.0
        + f64::from(minute) * 60.0
        + f64::from(second)
        + f64::from(milli) / 1_000.0;
    if time == 0.0 {
        Cell::Moment(Calendar::Date, days)
    } else {
        Cell::Moment(Calendar::DateTime, days * 86_400.0 + time)
    }
}
