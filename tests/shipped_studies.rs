//! Every study that comes with rakewell passes the schema and the rules.

use std::path::{Path, PathBuf};

fn studies(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).expect("the folder can be read");
    for path in entries.map(|e| e.expect("an entry").path()) {
        if path.is_dir() {
            studies(&path, found);
        } else if path.file_name().is_some_and(|n| n == "study.toml") {
            found.push(path);
        }
    }
}

#[test]
fn the_schema_accepts_every_shipped_study() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in ["examples", "validation"] {
        studies(&root.join(folder), &mut found);
    }
    assert!(
        found.len() >= 27,
        "two examples and at least 25 validation cases, not {}",
        found.len()
    );
    for path in found {
        if let Err(mistakes) = rakewell::study::load(&path) {
            panic!("{}:\n{mistakes}", path.display());
        }
    }
}

#[test]
fn the_examples_run() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for name in ["nhanes", "boost"] {
        let path = root.join(name).join("study.toml");
        match rakewell::study::run_document(&path) {
            Err(mistakes) => panic!("{name}:\n{mistakes}"),
            Ok(document) => assert!(document.estimates.iter().all(|t| !t.rows.is_empty())),
        }
    }
}
