//! Writes the synthetic survey of the benches to files that other systems can read:
//! `cargo run --release --example make_survey -- ROWS FOLDER [SEED]`.
//!
//! Makes `survey.parquet`, `survey.csv` (up to two million rows) and `margins.csv` (variable,
//! level, total). `benches/side_by_side/` holds the programs that read them.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int32Array, RecordBatch};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

#[path = "../benches/survey_data/mod.rs"]
mod survey_data;

use survey_data::{MARGINS, Survey};

/// No CSV file above this size: other systems read the Parquet file then.
const CSV_ROWS: usize = 2_000_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (rows, folder, seed) = match arguments.as_slice() {
        [rows, folder] => (rows.parse(), folder, Ok(1)),
        [rows, folder, seed] => (rows.parse(), folder, seed.parse()),
        _ => {
            eprintln!("usage: make_survey ROWS FOLDER [SEED]");
            return ExitCode::FAILURE;
        }
    };
    let (Ok(rows), Ok(seed)) = (rows, seed) else {
        eprintln!("ROWS and SEED are whole numbers, such as 50000 and 1");
        return ExitCode::FAILURE;
    };
    match write(&Survey::new(rows, seed), Path::new(folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{folder}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(survey: &Survey, folder: &Path) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(folder)?;
    write_parquet(survey, &folder.join("survey.parquet"))?;
    if survey.rows() <= CSV_ROWS {
        write_csv(survey, &folder.join("survey.csv"))?;
    }
    write_margins(survey, &folder.join("margins.csv"))?;
    println!("{}: {} rows", folder.display(), survey.rows());
    Ok(())
}

fn write_parquet(survey: &Survey, path: &Path) -> Result<(), Box<dyn Error>> {
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
