//! Times rakewell beside other systems on the same data, in one run, and compares the results.
//!
//! ```text
//! cargo run --release --example side_by_side -- [ROWS] [REPEATS] [--r] [--no-others]
//! cargo run --release --example side_by_side -- curve
//! cargo run --release --example side_by_side -- replicates
//! ```
//!
//! ROWS is one million and REPEATS five unless given. The files of the survey are written to
//! `target/side_by_side/`. Up to 200,000 rows R is run as well; above that it takes many minutes,
//! and only `--r` runs it. `curve` measures rakewell alone over rows, domains and outcomes, `replicates`
//! over rows, domains and replicates.
//!
//! Environment:
//! - `RAKEWELL_PYTHON`: the Python interpreters to try, separated by `:` (default `python3`);
//!   each is asked for svy and for the raking libraries rimpy, leafblower and weightipy.
//! - `RAKEWELL_RSCRIPT`: the R to run (default `Rscript`).

use std::path::Path;
use std::process::ExitCode;

#[path = "../../benches/survey_data/mod.rs"]
mod survey_data;
#[allow(dead_code)] // Every program that shares these tasks uses some of them.
#[path = "../../benches/survey_data/tasks.rs"]
mod tasks;
#[path = "../../benches/survey_data/write.rs"]
mod write;

mod curve;
mod memory;
mod others;
mod ours;
mod show;
mod threads;

use others::Results;
use survey_data::Survey;

/// Rows up to which R is run without being asked for.
const ROWS_FOR_R: usize = 200_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("curve") => {
            curve::run();
            return ExitCode::SUCCESS;
        }
        Some("replicates") => {
            curve::replicates();
            return ExitCode::SUCCESS;
        }
        Some("--memory") => return memory::child(&arguments[1..]),
        _ => {}
    }
    let is_on = |flag: &str| arguments.iter().any(|a| a == flag);
    let mut numbers = arguments.iter().filter(|a| !a.starts_with("--")).map(|a| a.parse());
    let (rows, repeats) =
        match (numbers.next().unwrap_or(Ok(1_000_000)), numbers.next().unwrap_or(Ok(5))) {
            (Ok(rows), Ok(repeats)) if rows > 0 && repeats > 0 => (rows, repeats),
            _ => {
                eprintln!("usage: side_by_side [ROWS] [REPEATS] [--r] [--no-others] | curve");
                return ExitCode::FAILURE;
            }
        };
    let folder = Path::new("target/side_by_side").join(rows.to_string());
    let survey = Survey::new(rows, 1);
    if let Err(error) = write::write(&survey, &folder) {
        eprintln!("{}: {error}", folder.display());
        return ExitCode::FAILURE;
    }
    println!("{} rows in {}, {}", survey.rows(), folder.display(), machine());
    let ours = ours::run(&survey, &folder, repeats);
    let (mut found, mut remarks) = (Vec::<Results>::new(), Vec::new());
    if !is_on("--no-others") {
        let python = std::env::var("RAKEWELL_PYTHON").unwrap_or_else(|_| "python3".to_string());
        for (script, packages) in [("svy.py", "svy"), ("rakers.py", "rimpy/leafblower/weightipy")] {
            for program in python.split(':') {
                match others::run(program, script, &folder, repeats) {
                    Ok(results) => found.extend(results),
                    Err(why) => remarks.push(format!("{packages} not run by {program}: {why}")),
                }
            }
        }
        let r = std::env::var("RAKEWELL_RSCRIPT").unwrap_or_else(|_| "Rscript".to_string());
        if rows <= ROWS_FOR_R || is_on("--r") {
            let repeats = if rows <= ROWS_FOR_R { repeats } else { 1 };
            match others::run(&r, "survey.R", &folder, repeats) {
                Ok(results) => found.extend(results),
                Err(why) => remarks.push(format!("R survey not run by {r}: {why}")),
            }
        } else {
            remarks.push(format!("R survey not run above {ROWS_FOR_R} rows without --r"));
        }
    }
    show::table(survey.rows(), &ours, &found);
    for remark in &remarks {
        println!("{remark}");
    }
    println!();
    let same = threads::compare(&survey);
    let measured = memory::parent(&folder);
    if same && measured { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The processor and how many threads it runs.
fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|l| l.strip_prefix("model name")?.split_once(':'))
        .map_or("unknown processor", |(_, model)| model.trim());
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?");
    format!("{model}, {} threads, load {load} at the start", rayon::current_num_threads())
}
