//! How many rows a file has, without reading them.

use std::io::Read;
use std::path::Path;

use super::{Format, format_of, parquet};

/// Bytes of a text file that are looked at.
const SAMPLE: u64 = 1 << 18;

/// The rows of a file: those its header claims, exactly; for a text file those that its size and
/// its first lines make likely, with `false` beside them. `None` where neither can be had.
pub fn rows(path: &Path, format: Option<Format>) -> Option<(u64, bool)> {
    match format_of(path, format).ok()? {
        Format::Parquet => {
            let names = parquet::names(path).ok()?;
            let batches = parquet::batches(path, Some(names.get(..1)?)).ok()?;
            Some((batches.rows() as u64, true))
        }
        Format::Csv | Format::Tsv => {
            let found = std::fs::metadata(path).ok().filter(|m| m.is_file())?;
            let mut head = Vec::new();
            std::fs::File::open(path).ok()?.take(SAMPLE).read_to_end(&mut head).ok()?;
            let lines = head.iter().filter(|b| **b == b'\n').count() as u64;
            if found.len() <= head.len() as u64 {
                let last = u64::from(head.last().is_some_and(|b| *b != b'\n'));
                // A break within quotes makes this too many; it is a plan, not a count.
                return Some(((lines + last).saturating_sub(1), false));
            }
            let reckoned = found.len() as f64 / head.len() as f64 * lines as f64;
            Some(((reckoned as u64).saturating_sub(1), false))
        }
        #[cfg(feature = "spss")]
        Format::Spss => super::spss::rows(path).map(|rows| (rows, true)),
        #[cfg(feature = "stata")]
        Format::Stata => super::stata::rows(path).map(|rows| (rows, true)),
        _ => None,
    }
}
