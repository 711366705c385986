//! Columns into files.

use std::io;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, Date32Array, Float64Array, Int8Array, Int16Array, Int32Array, RecordBatch,
    StringArray, TimestampMillisecondArray,
};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use crate::data::Calendar;
use crate::data::codes::Codes;
use crate::data::column::{Column, Numbers, Values};
use crate::data::number::written;
use crate::data::table::TableError;

use super::atomic::{Staged, stage};
use super::error::DataError;

/// Writes columns as CSV in UTF-8, whole or not at all.
///
/// Numbers are written with as many digits as it takes to read the same number back; texts as
/// their values, not their labels; dates and times as `2024-05-31 13:45:10`; missing values as
/// empty fields.
///
/// # Errors
/// When there is no column, columns differ in length or share a name, or the file cannot be
/// written.
pub fn write_csv(path: &Path, columns: &[&Column]) -> Result<(), DataError> {
    Ok(stage_csv(path, columns)?.commit()?)
}

/// Prepares what [`write_csv`] writes.
///
/// # Errors
/// As [`write_csv`].
pub fn stage_csv(path: &Path, columns: &[&Column]) -> Result<Staged, DataError> {
    check(path, columns)?;
    let staged = stage(path, |out| {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(columns.iter().map(|c| c.name.as_bytes())).map_err(io::Error::other)?;
        csv_rows(&mut writer, columns)?;
        writer.flush()
    })?;
    Ok(staged)
}

/// Writes the rows of columns of one length.
pub(super) fn csv_rows<W: io::Write>(
    writer: &mut csv::Writer<W>,
    columns: &[&Column],
) -> io::Result<()> {
    for row in 0..columns.first().map_or(0, |c| c.len()) {
        for column in columns {
            match &column.values {
                Values::Numbers(v) => {
                    let x = v.get(row);
                    let date = column.calendar.and_then(|c| c.written(x));
                    let field = match date {
                        Some(date) => date,
                        None if x.is_nan() => String::new(),
                        None => written(x),
                    };
                    writer.write_field(field)
                }
                Values::Text(f) => {
                    let level = f.levels.get(f.codes.get(row) as usize);
                    writer.write_field(level.map_or("", |l| l.value.as_str()))
                }
            }
            .map_err(io::Error::other)?;
        }
        writer.write_record(None::<&[u8]>).map_err(io::Error::other)?;
    }
    Ok(())
}

/// Writes columns as Parquet (Snappy-compressed), whole or not at all.
///
/// Numbers keep their width, texts are written as their values, dates and time stamps as such;
/// missing values are nulls.
///
/// # Errors
/// When there is no column, columns differ in length or share a name, or the file cannot be
/// written.
pub fn write_parquet(path: &Path, columns: &[&Column]) -> Result<(), DataError> {
    Ok(stage_parquet(path, columns)?.commit()?)
}

/// Prepares what [`write_parquet`] writes.
///
/// # Errors
/// As [`write_parquet`].
pub fn stage_parquet(path: &Path, columns: &[&Column]) -> Result<Staged, DataError> {
    let rows = check(path, columns)?;
    let fields: Vec<Field> = columns.iter().map(|c| Field::new(&c.name, kind(c), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let staged = stage(path, |out| {
        let mut writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties))?;
        for start in (0..rows).step_by(BLOCK) {
            let block = start..rows.min(start + BLOCK);
            let arrays = columns.iter().map(|c| array(c, block.clone())).collect();
            let batch = RecordBatch::try_new(Arc::clone(&schema), arrays);
            writer.write(&batch.map_err(io::Error::other)?)?;
        }
        writer.close()?;
        Ok(())
    })?;
    Ok(staged)
}

/// Rows turned into Arrow arrays at a time.
const BLOCK: usize = 1 << 16;

pub(super) fn check(path: &Path, columns: &[&Column]) -> Result<usize, DataError> {
    let Some(first) = columns.first() else {
        return Err(DataError::NoColumns { path: path.to_path_buf() });
    };
    let mut seen = std::collections::HashSet::new();
    for column in columns {
        let name = || column.name.clone();
        if column.len() != first.len() {
            let (found, expected) = (column.len(), first.len());
            return Err(TableError::Length { name: name(), found, expected }.into());
        }
        if !seen.insert(&column.name) {
            return Err(TableError::DuplicateName(name()).into());
        }
    }
    Ok(first.len())
}

pub(super) fn kind(column: &Column) -> DataType {
    match column.calendar {
        Some(Calendar::Date) => return DataType::Date32,
        Some(Calendar::DateTime) => return DataType::Timestamp(TimeUnit::Millisecond, None),
        _ => {}
    }
    match &column.values {
        Values::Numbers(Numbers::I8(_)) => DataType::Int8,
        Values::Numbers(Numbers::I16(_)) => DataType::Int16,
        Values::Numbers(Numbers::I32(_)) => DataType::Int32,
        Values::Numbers(Numbers::F64(_)) => DataType::Float64,
        Values::Text(_) => DataType::Utf8,
    }
}

pub(super) fn array(column: &Column, rows: std::ops::Range<usize>) -> ArrayRef {
    let calendar = column.calendar.filter(|c| *c != Calendar::Time);
    if let (Some(calendar), Values::Numbers(numbers)) = (calendar, &column.values) {
        let mut values = vec![0.0; rows.len()];
        numbers.fill(rows, &mut values);
        let present = values.iter().map(|&x| (!x.is_nan()).then_some(x));
        // Days and milliseconds are whole; the casts keep to what the types hold.
        return match calendar {
            Calendar::Date => {
                Arc::new(Date32Array::from_iter(present.map(|x| x.map(|x| x.floor() as i32))))
            }
            _ => Arc::new(TimestampMillisecondArray::from_iter(
                present.map(|x| x.map(|x| (x * 1_000.0).round() as i64)),
            )),
        };
    }
    match &column.values {
        Values::Numbers(Numbers::I8(v)) => {
            Arc::new(Int8Array::from_iter(v[rows].iter().map(|&x| (x != i8::MIN).then_some(x))))
        }
        Values::Numbers(Numbers::I16(v)) => {
            Arc::new(Int16Array::from_iter(v[rows].iter().map(|&x| (x != i16::MIN).then_some(x))))
        }
        Values::Numbers(Numbers::I32(v)) => {
            Arc::new(Int32Array::from_iter(v[rows].iter().map(|&x| (x != i32::MIN).then_some(x))))
        }
        Values::Numbers(Numbers::F64(v)) => {
            Arc::new(Float64Array::from_iter(v[rows].iter().map(|&x| (!x.is_nan()).then_some(x))))
        }
        Values::Text(f) => {
            let mut codes = vec![Codes::NONE; rows.len()];
            f.codes.fill(rows, &mut codes);
            let text = |&c: &u32| f.levels.get(c as usize).map(|l| l.value.as_str());
            Arc::new(codes.iter().map(text).collect::<StringArray>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::io::{ReadOptions, read};

    fn columns() -> Vec<Column> {
        vec![
            Column::numbers("small", vec![1.0, f64::NAN, -127.0]),
            Column::numbers("wide", vec![1e300, 0.1, f64::NAN]),
            Column::numbers("whole", vec![123_456.0, f64::NAN, -40_000.0]),
            Column::text("text", &[Some("a, \"b\"\nc"), None, Some("é")]),
        ]
    }

    #[test]
    fn dates_are_written_as_dates() {
        let folder = tempfile::tempdir().unwrap();
        let column = |name: &str, calendar, x: f64| {
            let mut column = Column::numbers(name, vec![x, f64::NAN]);
            column.calendar = Some(calendar);
            column
        };
        let columns = [
            column("day", Calendar::Date, 19_874.0),
            column("stamp", Calendar::DateTime, 19_874.0 * 86_400.0 + 49_510.25),
            column("time", Calendar::Time, 3_661.0),
        ];
        let all: Vec<&Column> = columns.iter().collect();
        let (csv, parquet) = (folder.path().join("x.csv"), folder.path().join("x.parquet"));
        write_csv(&csv, &all).unwrap();
        let text = std::fs::read_to_string(csv).unwrap();
        assert_eq!(text, "day,stamp,time\n2024-05-31,2024-05-31 13:45:10.25,01:01:01\n,,\n");
        write_parquet(&parquet, &all).unwrap();
        let back = read(&parquet, &ReadOptions::default()).unwrap();
        for (old, new) in columns[..2].iter().zip(back.columns()) {
            assert_eq!(format!("{:?}", old.as_numbers()), format!("{:?}", new.as_numbers()));
            assert_eq!(old.calendar, new.calendar);
        }
    }

    #[test]
    fn both_formats_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let columns = columns();
        let all: Vec<&Column> = columns.iter().collect();
        let (csv, parquet) = (folder.path().join("x.csv"), folder.path().join("x.parquet"));
        write_csv(&csv, &all).unwrap();
        write_parquet(&parquet, &all).unwrap();
        for path in [csv, parquet] {
            let table = read(&path, &ReadOptions::default()).unwrap();
            assert_eq!(format!("{:?}", table.columns()), format!("{columns:?}"));
        }
    }

    #[test]
    fn columns_must_make_a_table() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        let (a, b) = (Column::numbers("a", vec![1.0]), Column::numbers("b", vec![1.0, 2.0]));
        assert!(matches!(write_csv(&path, &[]), Err(DataError::NoColumns { .. })));
        assert!(matches!(write_csv(&path, &[&a, &b]), Err(DataError::Table(_))));
        assert!(matches!(write_parquet(&path, &[&a, &a]), Err(DataError::Table(_))));
        assert!(!path.exists());
    }
}
