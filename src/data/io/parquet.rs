//! Apache Parquet: only the columns that are asked for, batch by batch.
//!
//! What a column becomes is decided from the file's metadata alone, so every batch of it has the
//! same kind of values:
//!
//! | in the file | here |
//! |---|---|
//! | integers of any width | numbers in the narrowest type; text where the column's statistics reach beyond ±2⁵³ (two identifiers must not become one number) |
//! | floats, decimals | numbers; NaN is missing |
//! | booleans | numbers 0 and 1 |
//! | text, also as dictionary or as bytes that are UTF-8 | text |
//! | dates | days since 1970-01-01, noted |
//! | time stamps, times of day, durations | seconds (since 1970-01-01, since midnight), noted |
//! | nulls | missing |
//! | lists, structs, maps, intervals | an error when asked for by name, else left out, noted |

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::builder::Float64Builder;
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::arrow::{ARROW_SCHEMA_META_KEY, ArrowWriter};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::properties::WriterProperties;
use parquet::file::statistics::Statistics;

use crate::data::Calendar;
use crate::data::column::Column;
use crate::data::number::EXACT;
use crate::data::table::Table;

use super::append::{NewColumn, Stopped, check, rows_match, stage_with};
use super::arrow::{Growing, Kind, kind_of};
use super::atomic::Staged;
use super::error::DataError;
use super::header::{check_names, selected};
use super::input::recognised;
use super::special::ordinary;
use super::{Note, Reading};

/// Rows of a batch: enough to keep the decoder busy, few enough to bound memory.
const BATCH: usize = 1 << 16;

/// The most values in a group of rows that is written.
const MOST_IN_GROUP: usize = 1 << 23;

/// A Parquet file, delivered a batch of rows at a time.
///
/// Levels of text are those of the batch; one code can stand for different texts in two batches.
pub struct Batches {
    path: PathBuf,
    reader: ParquetRecordBatchReader,
    columns: Vec<Planned>,
    rows: usize,
    read: usize,
    notes: Vec<Note>,
    /// True after an error: there is nothing more to be had from the decoder.
    stopped: bool,
}

/// A column and what it becomes.
struct Planned {
    name: String,
    kind: Kind,
    calendar: Option<Calendar>,
}

/// Opens a file and delivers its rows, or the requested columns of them, in batches of at most
/// 65,536.
///
/// # Errors
/// When the file cannot be opened or is not Parquet, or columns are not there or hold lists and
/// the like.
pub fn batches(path: &Path, columns: Option<&[String]>) -> Result<Batches, DataError> {
    let builder = open(path)?;
    let names: Vec<String> = builder.schema().fields().iter().map(|f| f.name().clone()).collect();
    check_names(path, &names)?;
    let chosen = selected(path, &names, columns)?;
    let (mut planned, mut roots, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for position in chosen {
        let field = builder.schema().field(position);
        let name = names[position].clone();
        let Some(mut kind) = kind_of(field.data_type()) else {
            let kind = described(field.data_type());
            if columns.is_some() {
                let path = path.to_path_buf();
                return Err(DataError::UnsupportedType { path, column: name, kind });
            }
            notes.push(Note::LeftOut { column: name, kind });
            continue;
        };
        match kind {
            Kind::Whole if beyond(builder.metadata(), position, field.data_type()) => {
                kind = Kind::WholeAsText;
                notes.push(Note::LargeIntegers { column: name.clone() });
            }
            Kind::Days => notes.push(Note::Days { column: name.clone() }),
            Kind::Seconds => notes.push(Note::Seconds { column: name.clone() }),
            _ => {}
        }
        let calendar = calendar(field.data_type());
        planned.push(Planned { name, kind, calendar });
        roots.push(position);
    }
    readable(path, builder.metadata())?;
    let rows = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
    if rows >= u64::from(u32::MAX) {
        return Err(DataError::TooManyRows { path: path.to_path_buf(), rows });
    }
    let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
    let builder = builder.with_projection(mask).with_batch_size(BATCH);
    let reader = guarded(path, || builder.build().map_err(|e| failed(path, &e)))?;
    let rows = usize::try_from(rows).unwrap_or(0);
    Ok(Batches {
        path: path.to_path_buf(),
        reader,
        columns: planned,
        rows,
        read: 0,
        notes,
        stopped: false,
    })
}

impl Batches {
    /// Rows of the whole file.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// What was decided about the columns.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    fn record(&mut self) -> Option<Result<RecordBatch, DataError>> {
        if self.stopped {
            return None;
        }
        let next = guarded(&self.path, || {
            self.reader.next().transpose().map_err(|e| failed(&self.path, &e))
        });
        let columns = self.columns.len();
        let batch = next.transpose()?.and_then(|batch| {
            if batch.num_columns() == columns {
                Ok(batch)
            } else {
                Err(failed(&self.path, &"the columns differ between row groups"))
            }
        });
        self.stopped = batch.is_err();
        Some(batch)
    }

    fn growing(&self, room: usize) -> Vec<Growing> {
        self.columns.iter().map(|c| Growing::new(c.kind, room)).collect()
    }

    /// Adds a batch to the columns that grow.
    fn add(&mut self, batch: &RecordBatch, columns: &mut [Growing]) -> Result<(), DataError> {
        for ((column, planned), array) in columns.iter_mut().zip(&self.columns).zip(batch.columns())
        {
            column
                .extend(array.as_ref())
                .map_err(|cell| cell.in_column(&self.path, &planned.name, self.read))?;
        }
        self.read += batch.num_rows();
        Ok(())
    }

    fn table(&self, columns: Vec<Growing>) -> Result<Table, DataError> {
        let named = self.columns.iter().zip(columns);
        let columns = named.map(|(p, c)| {
            let mut column = Column::from_values(p.name.clone(), c.finish());
            column.calendar = p.calendar;
            column
        });
        Ok(Table::new(columns.collect())?)
    }
}

impl Iterator for Batches {
    type Item = Result<Table, DataError>;

    fn next(&mut self) -> Option<Result<Table, DataError>> {
        let batch = match self.record()? {
            Ok(batch) => batch,
            Err(error) => return Some(Err(error)),
        };
        let mut columns = self.growing(batch.num_rows());
        let table = self.add(&batch, &mut columns).and_then(|()| self.table(columns));
        self.stopped = table.is_err();
        Some(table)
    }
}

/// The table, or the requested columns of it.
pub(super) fn read(path: &Path, columns: Option<&[String]>) -> Result<Reading, DataError> {
    let mut batches = batches(path, columns)?;
    let mut growing = batches.growing(batches.rows);
    while let Some(batch) = batches.record() {
        batches.add(&batch?, &mut growing)?;
    }
    if batches.read == 0 {
        return Err(DataError::NoRows { path: path.to_path_buf() });
    }
    let table = batches.table(growing)?;
    Ok(Reading { table, notes: batches.notes })
}

/// Prepares a copy of a file with columns added at the end: the same schema with their fields,
/// the same values, the compression of the first column.
pub(super) fn stage_copy(
    path: &Path,
    target: &Path,
    columns: &[NewColumn<'_>],
) -> Result<Staged, DataError> {
    let builder = open(path)?;
    let names: Vec<String> = builder.schema().fields().iter().map(|f| f.name().clone()).collect();
    check_names(path, &names)?;
    check(path, names.iter().map(String::as_str), columns, |a, b| a == b)?;
    readable(path, builder.metadata())?;
    let rows = builder.metadata().file_metadata().num_rows();
    rows_match(path, usize::try_from(rows).unwrap_or(0), columns)?;
    let new = columns.iter().map(|c| Arc::new(Field::new(&c.name, DataType::Float64, true)));
    let fields: Vec<_> = builder.schema().fields().iter().cloned().chain(new).collect();
    let schema = Arc::new(Schema::new_with_metadata(fields, builder.schema().metadata().clone()));
    let groups = builder.metadata().row_groups();
    let compression = groups.first().and_then(|g| g.columns().first()).map(|c| c.compression());
    // The schema of Arrow is written anew, with the new fields.
    let known = builder.metadata().file_metadata().key_value_metadata().cloned();
    let kept =
        known.map(|all| all.into_iter().filter(|e| e.key != ARROW_SCHEMA_META_KEY).collect());
    // A group of rows is in the memory until it is written: with many columns it has fewer rows.
    let most = (MOST_IN_GROUP / schema.fields().len().max(1)).clamp(1_000, 1 << 20);
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(most))
        .set_compression(compression.unwrap_or(Compression::SNAPPY))
        .set_key_value_metadata(kept)
        .build();
    let mut reader = guarded(path, || {
        builder.with_batch_size(BATCH.min(most)).build().map_err(|e| failed(path, &e))
    })?;
    stage_with(target, |out| {
        let written = |e: ParquetError| Stopped::Write(io::Error::other(e));
        let mut writer =
            ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties)).map_err(written)?;
        let mut row = 0;
        while let Some(batch) =
            guarded(path, || reader.next().transpose().map_err(|e| failed(path, &e)))?
        {
            let rows = row..row + batch.num_rows();
            let changed = || DataError::Changed { path: path.to_path_buf() };
            let mut arrays = batch.columns().to_vec();
            for column in columns {
                let mut values = Float64Builder::with_capacity(rows.len());
                for row in rows.clone() {
                    let x = column.values.get(row).ok_or_else(changed)?;
                    values.append_option((!x.is_nan()).then_some(x));
                }
                arrays.push(Arc::new(values.finish()));
            }
            row = rows.end;
            let batch =
                RecordBatch::try_new(Arc::clone(&schema), arrays).map_err(|e| failed(path, &e))?;
            writer.write(&batch).map_err(written)?;
        }
        rows_match(path, row, columns)?;
        writer.close().map_err(written)?;
        Ok(())
    })
}

/// The names of the columns, from the file's metadata.
pub(super) fn names(path: &Path) -> Result<Vec<String>, DataError> {
    let builder = open(path)?;
    let names: Vec<String> = builder.schema().fields().iter().map(|f| f.name().clone()).collect();
    check_names(path, &names)?;
    Ok(names)
}

fn open(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>, DataError> {
    let io = |e| DataError::from_io(path, e);
    let found = ordinary(path)?;
    let mut file = File::open(path).map_err(io)?;
    if found.len() == 0 {
        return Err(DataError::Empty { path: path.to_path_buf() });
    }
    let mut head = Vec::new();
    file.by_ref().take(64).read_to_end(&mut head).map_err(io)?;
    let other = |found| {
        let path = path.to_path_buf();
        Err(DataError::OtherContent { path, expected: "a Parquet file", found })
    };
    if head.starts_with(b"PARE") {
        return other("an encrypted Parquet file");
    }
    if !head.starts_with(b"PAR1") {
        let text = head.iter().all(|&b| b >= 0x20 || b.is_ascii_whitespace());
        return other(recognised(&head).unwrap_or(if text { "text" } else { "something else" }));
    }
    let mut tail = [0; 4];
    let read = file.seek(SeekFrom::End(-4)).and_then(|_| file.read_exact(&mut tail));
    if found.len() < 12 || read.is_err() || tail != *b"PAR1" {
        return Err(DataError::TruncatedParquet { path: path.to_path_buf() });
    }
    guarded(path, || ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| failed(path, &e)))
}

/// Runs the decoder; a panic becomes an error.
fn guarded<T>(path: &Path, decode: impl FnOnce() -> Result<T, DataError>) -> Result<T, DataError> {
    super::source::guarded(decode)
        .unwrap_or_else(|| Err(failed(path, &"the decoder stopped at damaged data")))
}

fn failed(path: &Path, error: &dyn std::fmt::Display) -> DataError {
    let message = error.to_string();
    let message = message.strip_prefix("Parquet error: ").unwrap_or(&message).to_owned();
    DataError::Parquet { path: path.to_path_buf(), message }
}

/// Refuses compression methods that are not built in, before any data are decoded.
fn readable(path: &Path, metadata: &ParquetMetaData) -> Result<(), DataError> {
    let chunks = metadata.row_groups().iter().flat_map(|group| group.columns());
    for chunk in chunks {
        let method = match chunk.compression() {
            Compression::BROTLI(_) => "Brotli",
            Compression::LZO => "LZO",
            _ => continue,
        };
        return Err(DataError::Compression { path: path.to_path_buf(), method });
    }
    Ok(())
}

/// True when the statistics of a column of 64-bit integers reach beyond ±2⁵³. Where a file has
/// no statistics, such a value is found, and refused, when it is read.
fn beyond(metadata: &ParquetMetaData, root: usize, kind: &DataType) -> bool {
    let schema = metadata.file_metadata().schema_descr();
    let leaf = (0..schema.num_columns()).find(|&leaf| schema.get_column_root_idx(leaf) == root);
    let unsigned = matches!(kind, DataType::UInt64);
    metadata.row_groups().iter().any(|group| {
        let statistics = leaf.and_then(|l| group.columns().get(l)).and_then(|c| c.statistics());
        let Some(Statistics::Int64(found)) = statistics else { return false };
        let outside = |x: &i64| {
            // Unsigned integers stand in the file as the signed ones of the same bits.
            let too_large = x.unsigned_abs() > EXACT.unsigned_abs();
            if unsigned { *x < 0 || too_large } else { too_large }
        };
        found.min_opt().is_some_and(outside) || found.max_opt().is_some_and(outside)
    })
}

/// What numbers of a type count, if they are dates or times.
fn calendar(kind: &DataType) -> Option<Calendar> {
    match kind {
        DataType::Date32 | DataType::Date64 => Some(Calendar::Date),
        DataType::Timestamp(..) => Some(Calendar::DateTime),
        DataType::Time32(_) | DataType::Time64(_) => Some(Calendar::Time),
        _ => None,
    }
}

fn described(kind: &DataType) -> String {
    match kind {
        DataType::List(_)
        | DataType::LargeList(_)
        | DataType::ListView(_)
        | DataType::LargeListView(_)
        | DataType::FixedSizeList(..) => "lists".into(),
        DataType::Struct(_) => "structs".into(),
        DataType::Map(..) => "maps".into(),
        other => format!("values of type {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ReadOptions, read_with_notes, write_parquet};
    use super::*;
    use crate::data::{Codes, Values};

    #[test]
    fn batches_add_up_to_the_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.parquet");
        let rows = BATCH + 10;
        let numbers = Column::numbers("n", (0..rows).map(|i| i as f64).collect());
        let texts: Vec<_> =
            (0..rows).map(|i| (i % 7 > 0).then(|| format!("t{}", i % 300))).collect();
        let text = Column::text("t", &texts);
        write_parquet(&path, &[&numbers, &text]).unwrap();

        let whole = read_with_notes(&path, &ReadOptions::default()).unwrap().table;
        assert_eq!(whole.columns(), [numbers.clone(), text.clone()]);

        let parts: Vec<Table> = batches(&path, None).unwrap().map(Result::unwrap).collect();
        assert_eq!(parts.iter().map(Table::rows).collect::<Vec<_>>(), [BATCH, 10]);
        let mut row = 0;
        for part in &parts {
            let Values::Text(factor) = &part.column("t").unwrap().values else { panic!() };
            for code in factor.codes.to_vec() {
                let found =
                    (code != Codes::NONE).then(|| factor.levels[code as usize].value.clone());
                assert_eq!(found, texts[row]);
                row += 1;
            }
        }
        assert_eq!(row, rows);
    }

    #[test]
    fn only_the_requested_columns_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.parquet");
        let columns: Vec<Column> =
            ["a", "b", "c"].iter().map(|n| Column::numbers(*n, vec![1.0, 2.0])).collect();
        write_parquet(&path, &columns.iter().collect::<Vec<_>>()).unwrap();
        let wanted = ["c".to_owned(), "a".to_owned()];
        let options = ReadOptions { columns: Some(&wanted), ..ReadOptions::default() };
        let table = read_with_notes(&path, &options).unwrap().table;
        assert_eq!(table.names().collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!(super::super::names(&path, &options).unwrap(), ["a", "b", "c"]);
    }

    #[test]
    fn identifiers_beyond_what_is_exact_are_text_by_their_statistics() {
        use arrow_array::{ArrayRef, Int64Array, UInt64Array};
        use parquet::arrow::ArrowWriter;
        use parquet::file::properties::{EnabledStatistics, WriterProperties};
        use std::sync::Arc;

        let folder = tempfile::tempdir().unwrap();
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("small", Arc::new(UInt64Array::from(vec![1, 2]))),
            ("signed", Arc::new(Int64Array::from(vec![-EXACT - 1, 2]))),
            ("unsigned", Arc::new(UInt64Array::from(vec![u64::MAX, 2]))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let write = |name: &str, statistics| {
            let path = folder.path().join(name);
            let properties = WriterProperties::builder().set_statistics_enabled(statistics).build();
            let file = File::create(&path).unwrap();
            let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
            writer.write(&batch).unwrap();
            writer.close().unwrap();
            path
        };
        let path = write("with.parquet", EnabledStatistics::Chunk);
        let Reading { table, notes } = read(&path, None).unwrap();
        let texts = |name: &str| {
            let column = table.column(name).unwrap();
            column.as_numbers().is_none().then(|| column.as_factor().levels.len())
        };
        assert_eq!([texts("small"), texts("signed"), texts("unsigned")], [None, Some(2), Some(2)]);
        assert_eq!(notes.len(), 2);
        let path = write("without.parquet", EnabledStatistics::None);
        let found = read(&path, None).unwrap_err();
        assert!(
            matches!(&found, DataError::IntegerTooLarge { column, row: 1, .. } if column == "signed")
        );
        assert!(read(&path, Some(&["small".to_owned()])).is_ok());
    }
}
