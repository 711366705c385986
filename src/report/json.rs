//! The results as JSON, for programs.

use serde::Serialize;

use super::document::Document;
use super::error::ReportError;

/// Name and version of the layout of the JSON results and of the tidy tables. The number goes up
/// when a key or column changes its meaning or disappears, not when one is added.
pub const SCHEMA: &str = "rakewell-results/1";

/// The document as JSON: the keys of [`Document`] in their order, after `schema` and `program`.
///
/// A number that cannot be had is `null`, and so is one that JSON cannot write (an infinite
/// number of degrees of freedom); all others are written so that they read back to the same bits.
/// Suppressed values are there, with their flag.
///
/// # Errors
/// [`ReportError::Json`], which would be a mistake in rakewell.
pub fn json(document: &Document) -> Result<Vec<u8>, ReportError> {
    #[derive(Serialize)]
    struct Results<'a> {
        schema: &'static str,
        program: &'static str,
        #[serde(flatten)]
        document: &'a Document,
    }
    let program = concat!("rakewell ", env!("CARGO_PKG_VERSION"));
    let mut bytes = serde_json::to_vec_pretty(&Results { schema: SCHEMA, program, document })?;
    bytes.push(b'\n');
    Ok(bytes)
}
