//! Value labels of SAS, beside a file whose columns name them.
#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use rakewell::data::io::{ReadOptions, read};

static FOLDER: LazyLock<tempfile::TempDir> =
    LazyLock::new(|| tempfile::tempdir().expect("a temporary folder"));

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let path = FOLDER.path().join("formats.sas7bcat");
    std::fs::write(&path, bytes).expect("written");
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/io/haven_formats.xpt");
    let _ = read(&data, &ReadOptions { catalogue: Some(path), ..ReadOptions::default() });
});
