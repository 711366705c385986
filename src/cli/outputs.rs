//! Files that a command writes: all of them, or none.

use std::io::Write;
use std::path::{Path, PathBuf};

use rakewell::data::io::{Batch, WriteError, stage};
use rakewell::diagnostic::{Diagnostic, Diagnostics};

/// Writes texts to files, all or none; gives their paths.
///
/// # Errors
/// The first file that cannot be written.
pub(super) fn write(files: &[(&Path, String)]) -> Result<Vec<PathBuf>, Diagnostics> {
    let refused = |error: WriteError| {
        let mut diagnostic = Diagnostic::error(error.to_string());
        diagnostic.help = error.help().map(str::to_string);
        Diagnostics::from(diagnostic)
    };
    let mut batch = Batch::default();
    for (path, text) in files {
        batch.push(stage(path, |out| out.write_all(text.as_bytes())).map_err(refused)?);
    }
    batch.commit().map_err(|(_, error)| refused(error))
}
