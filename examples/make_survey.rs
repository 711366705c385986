//! Writes the synthetic survey of the benches to files that other systems can read:
//! `cargo run --release --example make_survey -- ROWS FOLDER [SEED]`.
//!
//! Makes `survey.parquet`, `survey.csv` (up to two million rows) and `margins.csv` (variable,
//! level, total). `benches/side_by_side/` holds the programs that read them.

use std::path::Path;
use std::process::ExitCode;

#[path = "../benches/survey_data/mod.rs"]
mod survey_data;
#[path = "../benches/survey_data/write.rs"]
mod write;

use survey_data::Survey;

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
    let survey = Survey::new(rows, seed);
    match write::write(&survey, Path::new(folder)) {
        Ok(()) => {
            println!("{folder}: {} rows", survey.rows());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{folder}: {error}");
            ExitCode::FAILURE
        }
    }
}
