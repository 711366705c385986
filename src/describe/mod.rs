//! What is in a data file: the codebook a person wants.
//!
//! Counts are of rows, without weights. What a variable may be for (weight, stratum, PSU) is guessed
//! from its name and its values, and said as a guess with its reason.

mod guess;
mod summary;

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::Serialize;

use crate::data::Column;
use crate::data::io::{self, DataError, Note, ReadOptions};

pub(crate) use guess::is_free;
pub use guess::{Guess, Role};
pub use summary::{LevelCount, MissingCount, Period, Range, Type, Variable};

/// A data file in words and numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Description {
    /// The file.
    pub file: PathBuf,
    /// Its rows.
    pub rows: usize,
    /// Its columns, those that are not described among them.
    pub columns: usize,
    /// The variables, in file order.
    pub variables: Vec<Variable>,
    /// What variables may be for.
    pub guesses: Vec<Guess>,
    /// Numbers that look like codes for "missing" in several variables, such as −9: (code,
    /// variables).
    pub likely_missing: Vec<(f64, usize)>,
    /// What was decided while the file was read.
    pub notes: Vec<String>,
}

/// Values held at once; files with more are read some columns at a time where that is cheap.
const HELD: u64 = 64 << 20;

/// Describes the variables of a file; all of them if `names` is `None`.
///
/// # Errors
/// As [`io::read`].
///
/// # Examples
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("people.csv");
/// std::fs::write(&path, "sex,weight\nf,1.5\nm,0.5\nf,NA\n")?;
/// let found = rakewell::describe::file(&path, None)?;
/// assert_eq!((found.rows, found.variables.len()), (3, 2));
/// assert_eq!(found.variables[0].levels[0].count, 2);
/// assert_eq!(found.guesses[0].variable, "weight");
/// # Ok(())
/// # }
/// ```
pub fn file(path: &Path, names: Option<&[String]>) -> Result<Description, DataError> {
    file_with(path, names, &ReadOptions::default())
}

/// Describes the variables of a file that is read in a way of one's own: another sheet, an encoding, a
/// catalogue of value labels.
///
/// # Errors
/// As [`io::read`].
pub fn file_with(
    path: &Path,
    names: Option<&[String]>,
    options: &ReadOptions<'_>,
) -> Result<Description, DataError> {
    let all = io::names(path, options)?;
    let wanted: Vec<String> = names.map_or_else(|| all.clone(), <[String]>::to_vec);
    let mut found = Description {
        file: path.to_path_buf(),
        rows: 0,
        columns: all.len(),
        variables: Vec::new(),
        guesses: Vec::new(),
        likely_missing: Vec::new(),
        notes: Vec::new(),
    };
    let mut kept: Vec<Column> = Vec::new();
    for part in parts(path, &wanted) {
        let options = ReadOptions { columns: Some(part), ..options.clone() };
        let reading = io::read_with_notes(path, &options)?;
        found.rows = reading.table.rows();
        found.notes.extend(reading.notes.iter().filter(|n| says_more(n)).map(ToString::to_string));
        let columns = reading.table.columns();
        let variables: Vec<Variable> = columns.par_iter().map(summary::of).collect();
        // Strata and clusters are looked at together, so they stay.
        let both = columns.iter().zip(&variables);
        kept.extend(both.filter(|(_, v)| guess::is_of_design(v)).map(|(c, _)| c.clone()));
        found.variables.extend(variables);
    }
    found.guesses = guess::guesses(&found.variables, &kept);
    found.likely_missing = guess::likely_missing(&found.variables);
    Ok(found)
}

/// The columns to read at a time.
fn parts<'n>(path: &Path, names: &'n [String]) -> Vec<&'n [String]> {
    let rows = io::rows(path, None).map_or(0, |(rows, _)| rows);
    let is_parquet = path
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("parquet") || e.eq_ignore_ascii_case("pq"));
    let at_once = HELD.checked_div(rows).map_or(usize::MAX, |n| n.max(1) as usize);
    if is_parquet && names.len() > at_once { names.chunks(at_once).collect() } else { vec![names] }
}

/// True for notes that the description itself does not say.
fn says_more(note: &Note) -> bool {
    !matches!(note, Note::AllMissing { .. })
}
