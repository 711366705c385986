//! Tables that come one after the other into one file.

use std::io;
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::data::column::{Column, Numbers, Values};

use super::append::{Stopped, stage_with};
use super::atomic::Staged;
use super::error::DataError;
use super::write::{array, check, csv_rows, kind};

/// Prepares a file from batches of rows, each with the same columns: Parquet where the path ends so, CSV
/// otherwise. `next` gives them until there are no more; only one is held at a time.
///
/// Numbers are written as 64-bit floats, whatever the width that is enough in one batch; all else is as with
/// [`write_parquet`](super::write_parquet) and [`write_csv`](super::write_csv).
///
/// # Errors
/// What `next` says; when there is no batch or no column, columns of a batch differ in length or share
/// a name, or the file cannot be written.
pub fn stage_batches(
    path: &Path,
    mut next: impl FnMut() -> Option<Result<Vec<Column>, DataError>>,
) -> Result<Staged, DataError> {
    let mut batch = move || {
        let columns = next()?.and_then(|columns| {
            let columns: Vec<Column> = columns.into_iter().map(widened).collect();
            check(path, &columns.iter().collect::<Vec<_>>())?;
            Ok(columns)
        });
        Some(columns)
    };
    let first = batch().unwrap_or_else(|| Err(DataError::NoRows { path: path.to_path_buf() }))?;
    let mut first = Some(first);
    let mut each = move || first.take().map(Ok).or_else(&mut batch).transpose();
    let is_parquet = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("parquet"));
    stage_with(path, |out| {
        if is_parquet {
            let written = |e: ParquetError| Stopped::Write(io::Error::other(e));
            let mut out = Some(out);
            let mut open: Option<(Arc<Schema>, ArrowWriter<_>)> = None;
            while let Some(columns) = each()? {
                if let Some(out) = out.take() {
                    let field = |c: &Column| Field::new(&c.name, kind(c), true);
                    let fields: Vec<Field> = columns.iter().map(field).collect();
                    let schema = Arc::new(Schema::new(fields));
                    let snappy = WriterProperties::builder().set_compression(Compression::SNAPPY);
                    let writer =
                        ArrowWriter::try_new(out, Arc::clone(&schema), Some(snappy.build()));
                    open = Some((schema, writer.map_err(written)?));
                }
                let Some((schema, writer)) = &mut open else { continue };
                let arrays = columns.iter().map(|c| array(c, 0..c.len())).collect();
                let rows =
                    RecordBatch::try_new(Arc::clone(schema), arrays).map_err(io::Error::other);
                writer.write(&rows.map_err(Stopped::Write)?).map_err(written)?;
            }
            if let Some((_, writer)) = open {
                writer.close().map_err(written)?;
            }
            return Ok(());
        }
        let mut writer = csv::Writer::from_writer(out);
        let mut has_head = false;
        while let Some(columns) = each()? {
            let columns: Vec<&Column> = columns.iter().collect();
            if !std::mem::replace(&mut has_head, true) {
                let head = columns.iter().map(|c| c.name.as_bytes());
                writer.write_record(head).map_err(|e| Stopped::Write(io::Error::other(e)))?;
            }
            csv_rows(&mut writer, &columns).map_err(Stopped::Write)?;
        }
        writer.flush().map_err(Stopped::Write)
    })
}

/// The same numbers in the type that holds those of every batch.
fn widened(mut column: Column) -> Column {
    if let (Values::Numbers(numbers), None) = (&column.values, column.calendar) {
        column.values = Values::Numbers(Numbers::F64(numbers.to_vec()));
    }
    column
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::io::{ReadOptions, read};

    #[test]
    fn batches_are_one_file() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["x.parquet", "x.csv"] {
            let path = folder.path().join(name);
            let mut parts =
                vec![(vec![1.0, 300.5], Some("a")), (vec![f64::NAN, -2.0], None)].into_iter();
            let next = || {
                let (n, t) = parts.next()?;
                Some(Ok(vec![Column::numbers("n", n), Column::text("t", &[t, Some("b")])]))
            };
            stage_batches(&path, next).unwrap().commit().unwrap();
            let table = read(&path, &ReadOptions::default()).unwrap();
            let n = table.column("n").unwrap().as_numbers().unwrap().to_vec();
            assert_eq!((n[0], n[1], n[3]), (1.0, 300.5, -2.0));
            assert!(n[2].is_nan());
            let t = table.column("t").unwrap().as_factor();
            let text = |row| t.levels.get(t.codes.get(row) as usize).map(|l| l.value.clone());
            let expected = [Some("a"), Some("b"), None, Some("b")].map(|t| t.map(str::to_string));
            assert_eq!([0, 1, 2, 3].map(text), expected);
        }
    }

    #[test]
    fn an_error_on_the_way_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        let mut count = 0;
        let next = || {
            count += 1;
            let bad = || Err(DataError::Changed { path: "y".into() });
            Some(if count > 2 { bad() } else { Ok(vec![Column::numbers("n", vec![1.0])]) })
        };
        assert!(matches!(stage_batches(&path, next), Err(DataError::Changed { .. })));
        assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
        let none = stage_batches(&path, || None);
        assert!(matches!(none, Err(DataError::NoRows { .. })));
    }
}
