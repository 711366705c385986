//! Times the reading of data files, whole or some columns of it:
//! `cargo run --release --example time_read -- FILE [COLUMN …]`.

use std::path::PathBuf;
use std::time::Instant;

use rakewell::data::io::{ReadOptions, read};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = PathBuf::from(arguments.next().ok_or("name a data file")?);
    let columns: Vec<String> = arguments.collect();
    let wanted = (!columns.is_empty()).then_some(columns.as_slice());
    let options = ReadOptions { columns: wanted, ..ReadOptions::default() };
    let mut best = f64::INFINITY;
    let mut size = (0, 0);
    for _ in 0..5 {
        let clock = Instant::now();
        let table = read(&file, &options)?;
        best = best.min(clock.elapsed().as_secs_f64());
        size = (table.rows(), table.columns().len());
    }
    println!("{}: {} rows, {} columns, {best:.3} s, best of 5", file.display(), size.0, size.1);
    Ok(())
}
