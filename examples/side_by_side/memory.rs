//! How much memory the tasks take at their peak, beside the size of the columns they use.
//!
//! Measured in a process of its own (Linux only), that reads the columns from the Parquet file and
//! does the tasks one after the other; the high-water mark of the process is set back before each.

use std::path::Path;
use std::process::{Command, ExitCode};

use rakewell::data::io::{ReadOptions, read};
use rakewell::data::{Column, Numbers, Table, Values};
use rakewell::weight::MarginLevels;

use super::tasks::{self, BY, OUTCOMES, USED};

const MEGABYTE: f64 = 1e6;

/// Starts the process; false if it failed.
pub fn parent(folder: &Path) -> bool {
    let program = std::env::current_exe();
    let status = program.and_then(|p| Command::new(p).arg("--memory").arg(folder).status());
    status.is_ok_and(|s| s.success())
}

/// What that process does.
pub fn child(arguments: &[String]) -> ExitCode {
    let [folder] = arguments else { return ExitCode::FAILURE };
    let folder = Path::new(folder);
    let (Some(start), Some(margins)) = (peak(), margins(&folder.join("margins.csv"))) else {
        println!("peak memory: not measured (needs Linux)");
        return ExitCode::SUCCESS;
    };
    let columns = USED.map(String::from);
    let options = ReadOptions { columns: Some(&columns), ..ReadOptions::default() };
    let table = match read(&folder.join("survey.parquet"), &options) {
        Ok(table) => table,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let held: usize = table.columns().iter().map(bytes).sum();
    // As the file has them, and as other systems hold them: 4 bytes an integer, 8 a float.
    let plain = table.rows() * (4 * (USED.len() - 1) + 8);
    let megabytes = |bytes: usize| bytes as f64 / MEGABYTE;
    println!(
        "columns used: {:.1} MB in the file's types, {:.1} MB as rakewell holds them",
        megabytes(plain),
        megabytes(held)
    );
    let say = |what: &str| {
        let peak = peak().unwrap_or(0).saturating_sub(start);
        println!(
            "peak memory, {what}: {:.1} MB, {:.2} times the columns in the file's types, {:.2} times as held",
            megabytes(peak),
            peak as f64 / plain as f64,
            peak as f64 / held as f64
        );
        reset();
    };
    say("reading the Parquet");
    let design = tasks::design(&table);
    say("design");
    let base = tasks::base(&design);
    drop(tasks::means(&table, &design, &base, &OUTCOMES, &BY, false));
    say("three means × 54 domains");
    let raked = tasks::rake(&table, &margins, &base);
    say("raking");
    drop(tasks::means(&table, &design, &raked, &OUTCOMES[..1], &BY, false));
    say("one mean × 54 domains after raking");
    drop((base, raked));
    drop(tasks::bootstrap(&table, &margins, &design, &OUTCOMES, &BY, 200));
    say("200 bootstrap replicates raked, three means × 54 domains");
    ExitCode::SUCCESS
}

/// The largest resident size so far, in bytes.
fn peak() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    let kilobytes: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(1024 * kilobytes)
}

/// Sets the largest resident size back to the present one.
fn reset() {
    // Where this is not allowed later peaks include earlier ones, which errs on the safe side.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

fn bytes(column: &Column) -> usize {
    match &column.values {
        Values::Numbers(Numbers::I8(v)) => v.len(),
        Values::Numbers(Numbers::I16(v)) => 2 * v.len(),
        Values::Numbers(Numbers::I32(v)) => 4 * v.len(),
        _ => 8 * column.len(),
    }
}

fn margins(path: &Path) -> Option<Vec<MarginLevels>> {
    let table: Table = read(path, &ReadOptions::default()).ok()?;
    let variable = table.column("variable")?.as_factor();
    let (level, total) = (tasks::numbers(&table, "level"), tasks::numbers(&table, "total"));
    let of = |name: &str| {
        let position = variable.position(name)? as u32;
        let rows = (0..table.rows()).filter(|&r| variable.codes.get(r) == position);
        let totals = rows.map(|r| (vec![level.get(r).to_string()], total.get(r))).collect();
        Some(MarginLevels { name: name.to_string(), totals })
    };
    super::survey_data::MARGINS.iter().map(|(name, _)| of(name)).collect()
}
