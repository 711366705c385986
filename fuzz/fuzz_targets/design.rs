//! The design file: parsed and checked.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = rakewell::sampling::from_text("design.toml", text, &[]);
    }
});
