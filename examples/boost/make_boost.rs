//! Makes the files of the boost example: `cargo run --release --example make_boost`.
//!
//! Writes `responses.csv`, `census2021-margins.csv` and `truth.csv` beside this file, or into the
//! folder given as the first argument. The same bytes come out every time.

use std::path::PathBuf;
use std::process::ExitCode;

mod make;

fn main() -> ExitCode {
    let folder = std::env::args_os().nth(1).map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/boost")),
        PathBuf::from,
    );
    let files = make::files();
    for (name, text) in [
        (make::RESPONSES, files.responses),
        (make::MARGINS, files.margins),
        (make::TRUTH, files.truth),
    ] {
        let path = folder.join(name);
        if let Err(error) = std::fs::write(&path, text) {
            eprintln!("cannot write {}: {error}", path.display());
            return ExitCode::FAILURE;
        }
        println!("wrote {}", path.display());
    }
    ExitCode::SUCCESS
}
