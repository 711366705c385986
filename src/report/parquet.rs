//! The estimates as a Parquet file.

use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::Compression;
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt64Array};
use arrow_schema::{DataType, Field, Schema};

use super::document::Document;
use super::error::ReportError;
use super::json::SCHEMA;
use super::tidy::{Tidy, Values};

/// All estimates as one Parquet file: the tidy table of the CSV file without comparisons, with
/// typed columns (UTF-8, 64-bit float, unsigned 64-bit) and nulls where there is no value.
///
/// The file's metadata carries the key `rakewell.schema`. Suppressed values are there, with
/// `suppress` in the column `flag`.
///
/// # Errors
/// [`ReportError::Parquet`] or [`ReportError::Arrow`], which would be a mistake in rakewell.
pub fn parquet(document: &Document) -> Result<Vec<u8>, ReportError> {
    let mut fields = Vec::new();
    let mut arrays: Vec<ArrayRef> = Vec::new();
    for column in Tidy::of(document, false).columns {
        let (kind, array): (DataType, ArrayRef) = match column.values {
            Values::Text(values) => (DataType::Utf8, Arc::new(StringArray::from(values))),
            Values::Number(values) => (DataType::Float64, Arc::new(Float64Array::from(values))),
            Values::Count(values) => (DataType::UInt64, Arc::new(UInt64Array::from(values))),
        };
        fields.push(Field::new(column.name, kind, true));
        arrays.push(array);
    }
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays)?;
    let about = vec![KeyValue::new("rakewell.schema".to_string(), SCHEMA.to_string())];
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_key_value_metadata(Some(about))
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, schema, Some(properties))?;
    writer.write(&batch)?;
    writer.close()?;
    Ok(bytes)
}
