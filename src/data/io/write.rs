//! Columns into files.

use std::io;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, Float64Array, Int8Array, Int16Array, Int32Array, RecordBatch, StringArray,
};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use crate::data::codes::Codes;
use crate::data::column::{Column, Numbers, Values};
use crate::data::number::written;
use crate::data::table::TableError;

use super::atomic::{Staged, stage};
use super::error::DataError;

/// Writes columns as CSV in UTF-8, whole or not at all.
///
/// Numbers are written with as many digits as it takes to read the same number back; texts as
/// their values, not their labels; missing values as empty fields.
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
    let rows = check(path, columns)?;
    let staged = stage(path, |out| {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(columns.iter().map(|c| c.name.as_bytes())).map_err(io::Error::other)?;
        for row in 0..rows {
            for column in columns {
                match &column.values {
                    Values::Numbers(v) => {
                        let x = v.get(row);
                        let field = if x.is_nan() { String::new() } else { written(x) };
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
        writer.flush()
    })?;
    Ok(staged)
}

/// Writes columns as Parquet (Snappy-compressed), whole or not at all.
///
/// Numbers keep their width, texts are written as their values; missing values are nulls.
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
    let fields: Vec<Field> =
        columns.iter().map(|c| Field::new(&c.name, kind(&c.values), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let staged = stage(path, |out| {
        let mut writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties))?;
        for start in (0..rows).step_by(BLOCK) {
            let block = start..rows.min(start + BLOCK);
            let arrays = columns.iter().map(|c| array(&c.values, block.clone())).collect();
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

fn check(path: &Path, columns: &[&Column]) -> Result<usize, DataError> {
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

fn kind(values: &Values) -> DataType {
    match values {
        Values::Numbers(Numbers::I8(_)) => DataType::Int8,
        Values::Numbers(Numbers::I16(_)) => DataType::Int16,
        Values::Numbers(Numbers::I32(_)) => DataType::Int32,
        Values::Numbers(Numbers::F64(_)) => DataType::Float64,
        Values::Text(_) => DataType::Utf8,
    }
}

fn array(values: &Values, rows: std::ops::Range<usize>) -> ArrayRef {
    match values {
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
