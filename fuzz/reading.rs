//! Reads bytes as a data file in every way there is.

use std::sync::LazyLock;

use rakewell::data::io::{NewColumn, ReadOptions, names, read, stage_appended};

static FOLDER: LazyLock<tempfile::TempDir> =
    LazyLock::new(|| tempfile::tempdir().expect("a temporary folder"));

/// Reads names, all columns, the last column, and copies the file with a weight.
pub fn every_way(name: &str, bytes: &[u8]) {
    let path = FOLDER.path().join(name);
    std::fs::write(&path, bytes).expect("written");
    let options = ReadOptions::default();
    if let Ok(names) = names(&path, &options) {
        let columns = &names[names.len().saturating_sub(1)..];
        let _ = read(&path, &ReadOptions { columns: Some(columns), ..ReadOptions::default() });
    }
    let Ok(table) = read(&path, &options) else { return };
    let values = vec![1.5; table.rows()];
    let column = NewColumn { name: "w".into(), label: "W".into(), values: &values, weight: true };
    let copy = FOLDER.path().join(format!("copy-{name}"));
    if let Ok(staged) = stage_appended(&path, &options, &copy, &[column]) {
        staged.commit().expect("written");
        let again = read(&copy, &options).expect("a copy can be read");
        assert_eq!(again.rows(), table.rows());
    }
}
