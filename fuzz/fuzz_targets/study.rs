//! The study file: parsed, checked and, as far as it gets without data, planned.
#![no_main]

use std::sync::LazyLock;

static FOLDER: LazyLock<tempfile::TempDir> =
    LazyLock::new(|| tempfile::tempdir().expect("a temporary folder"));

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let path = FOLDER.path().join("study.toml");
    std::fs::write(&path, bytes).expect("written");
    let _ = rakewell::study::check(&path);
});
