//! Writes the survey to files that other systems can read: `survey.parquet`, `survey.csv` (up to two
//! million rows) and `margins.csv` (variable, level, total).

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int32Array, RecordBatch};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::survey_data::{MARGINS, Survey};

/// No CSV file above this size: other systems read the Parquet file then.
const CSV_ROWS: usize = 2_000_000;

/// Writes the files into a folder, which is made if need be.
#[allow(dead_code)] // The benches write the Parquet file alone.
pub fn write(survey: &Survey, folder: &Path) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(folder)?;
    write_parquet(survey, &folder.join("survey.parquet"))?;
    if survey.rows() <= CSV_ROWS {
        write_csv(survey, &folder.join("survey.csv"))?;
    }
    write_margins(survey, &folder.join("margins.csv"))?;
    Ok(())
}

/// Writes the Parquet file alone.
pub fn write_parquet(survey: &Survey, path: &Path) -> Result<(), Box<dyn Error>> {
    let mut columns: Vec<(&str, ArrayRef)> = survey
        .integers()
        .into_iter()
        .map(|(name, v)| (name, Arc::new(Int32Array::from(v.to_vec())) as ArrayRef))
        .collect();
    for (name, v) in [("base_w", &survey.base_w), ("income", &survey.income)] {
        columns.push((name, Arc::new(Float64Array::from(v.clone()))));
    }
    let batch = RecordBatch::try_from_iter(columns)?;
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer = ArrowWriter::try_new(File::create(path)?, batch.schema(), Some(properties))?;
    writer.write(&batch)?;
    writer.close()?;
    Ok(())
}

fn write_csv(survey: &Survey, path: &Path) -> Result<(), Box<dyn Error>> {
    let integers = survey.integers();
    let mut out = BufWriter::new(File::create(path)?);
    for (name, _) in &integers {
        write!(out, "{name},")?;
    }
    writeln!(out, "base_w,income")?;
    for row in 0..survey.rows() {
        for (_, v) in &integers {
            write!(out, "{},", v[row])?;
        }
        // The shortest text that reads back as the same number.
        writeln!(out, "{},{}", survey.base_w[row], survey.income[row])?;
    }
    out.flush()?;
    Ok(())
}

fn write_margins(survey: &Survey, path: &Path) -> Result<(), Box<dyn Error>> {
    let mut out = BufWriter::new(File::create(path)?);
    writeln!(out, "variable,level,total")?;
    for ((name, _), totals) in MARGINS.iter().zip(&survey.margins) {
        for (level, total) in totals.iter().enumerate() {
            writeln!(out, "{name},{level},{total}")?;
        }
    }
    out.flush()?;
    Ok(())
}
