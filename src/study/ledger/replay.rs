//! A ledger carried out again, on the same data.

use std::path::{Path, PathBuf};

use super::LedgerFile;
use super::record::weights_hash;
use crate::data::io::tidied;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::report::hash_file;
use crate::study::prepare::prepare;
use crate::study::run::{Finished, RunOptions, weighed};
use crate::study::source::from_text;

/// Makes the weights of a ledger file again: from the study it holds and the data it names, which must
/// be the same to the last byte. Every step is compared with what the ledger says of it, so that what
/// comes out are the weights of then, bit for bit.
///
/// Gives the weights and the path of the study they belong to.
///
/// # Errors
/// When the file is no ledger; when data or margins differ from those it was made of (each file is
/// named); when a step gives other weights, which another version of the program can do.
pub fn replay(path: &Path, options: &RunOptions<'_>) -> Result<(Finished, PathBuf), Diagnostics> {
    let ledger = LedgerFile::read(path)?;
    let folder = tidied(&path.parent().unwrap_or(Path::new("")).join(&ledger.folder));
    let study_file = folder.join(&ledger.study_file);
    inputs(&ledger, &folder)?;
    let text = toml::to_string(&ledger.study).map_err(|e| {
        Diagnostic::error(format!("the study in `{}` can't be read: {e}", path.display()))
    })?;
    let loaded = from_text(&format!("{} (the study in it)", path.display()), &text)?;
    let prepared = prepare(loaded, &study_file, &|what| options.tell(what))?;
    let steps = prepared.analysis.ledger.steps();
    let mut found = Diagnostics::default();
    if steps.len() != ledger.steps.len() {
        let message = format!(
            "the ledger has {} steps, the study in it gives {}",
            ledger.steps.len(),
            steps.len()
        );
        found.push(Diagnostic::error(message).help("the ledger was changed by hand: weigh again"));
    }
    let own = concat!("rakewell ", env!("CARGO_PKG_VERSION"));
    // What follows a difference differs too.
    let differs =
        steps.iter().zip(&ledger.steps).find(|(s, r)| weights_hash(&s.weights) != r.sha256);
    if let Some((step, _)) = differs {
        let message = format!(
            "step {} ({}) gives other weights than the ledger has",
            step.summary.step, step.summary.kind
        );
        let help = if ledger.program == own {
            "the ledger was changed by hand: weigh again".to_string()
        } else {
            format!("the ledger was made by {}, this is {own}", ledger.program)
        };
        found.push(Diagnostic::error(message).help(help));
    }
    if found.has_errors() {
        return Err(found);
    }
    Ok((weighed(prepared, &study_file)?, study_file))
}

/// Every file the ledger was made of, as it was.
fn inputs(ledger: &LedgerFile, folder: &Path) -> Result<(), Diagnostics> {
    let mut found = Diagnostics::default();
    for input in &ledger.inputs {
        let file = folder.join(&input.path);
        let shown = file.display();
        match hash_file(&file, &input.path) {
            Err(e) => {
                let message =
                    format!("`{shown}`, of which the weights were made, can't be read: {e}");
                found.push(Diagnostic::error(message));
            }
            Ok(now) if now.bytes != input.bytes => {
                let message = format!(
                    "`{shown}` is not the file the weights were made of: it has {} bytes and had {}",
                    now.bytes, input.bytes
                );
                found.push(Diagnostic::error(message).help(OTHER_DATA));
            }
            Ok(now) if now.sha256 != input.sha256 => {
                let message = format!(
                    "`{shown}` is not the file the weights were made of: its SHA-256 is {}… and was {}…",
                    &now.sha256[..12],
                    input.sha256.get(..12).unwrap_or(&input.sha256)
                );
                found.push(Diagnostic::error(message).help(OTHER_DATA));
            }
            Ok(_) => {}
        }
    }
    if found.has_errors() { Err(found) } else { Ok(()) }
}

const OTHER_DATA: &str = "weigh the new data with `rakewell weigh` and compare the two ledgers with \
                          `rakewell diff`";
