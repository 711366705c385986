//! The first line of a text file: delimiter and names.

use csv::{ByteRecord, Reader, ReaderBuilder};
use std::io::Read;
use std::path::Path;

use crate::diagnostic::nearest;

use super::error::{DataError, UnknownColumn};
use super::input::{BOM, Encoding, Input, recognised};

/// How a text file is laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub delimiter: u8,
    pub names: Vec<String>,
}

/// Looks at the start of a file for its delimiter and reads the names.
///
/// # Errors
/// When the file is not text, the delimiter cannot be right, or names are empty or repeated.
pub(super) fn header(input: &Input, forced: Option<char>) -> Result<Header, DataError> {
    let path = || input.path.clone();
    let forced = forced.map(|c| byte(c).ok_or(DataError::Delimiter(c))).transpose()?;
    let sample = input.head(SAMPLE)?;
    if let Some(found) = recognised(&sample) {
        return Err(DataError::OtherContent { path: path(), expected: "delimited text", found });
    }
    if let Some(at) = sample.iter().position(|&b| b == 0) {
        let line = 1 + sample[..at].iter().filter(|&&b| b == b'\n').count() as u64;
        return Err(DataError::Nul { path: path(), offset: at as u64, line });
    }
    let whole = (sample.len() as u64) < SAMPLE;
    let text = sample.strip_prefix(BOM).unwrap_or(&sample);
    if text.trim_ascii().is_empty() {
        return Err(DataError::Empty { path: path() });
    }
    let delimiter = forced.unwrap_or_else(|| likely(text, whole));
    let mut record = ByteRecord::new();
    let mut reader = records(delimiter, input.reader()?);
    if !reader.read_byte_record(&mut record).map_err(|e| from_csv(input, e))? {
        return Err(DataError::Empty { path: path() });
    }
    if let [only] = record.iter().collect::<Vec<_>>()[..] {
        let decoded = |field: &[u8]| decoded(input, field);
        let fields = |d: u8| counts(text, d, whole).first().copied().unwrap_or(0);
        if let Some(&other) = CANDIDATES.iter().find(|&&d| d != delimiter && fields(d) > 1) {
            let header = decoded(only).chars().take(60).collect();
            let (used, likely) = (char::from(delimiter), char::from(other));
            return Err(DataError::WrongDelimiter { path: path(), header, used, likely });
        }
    }
    let names: Vec<String> = record.iter().map(|f| decoded(input, f).trim().to_owned()).collect();
    check_names(&input.path, &names)?;
    Ok(Header { delimiter, names })
}

/// A reader of records that leaves counting their fields to the caller.
pub(super) fn records<R: Read>(delimiter: u8, source: R) -> Reader<R> {
    ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .buffer_capacity(1 << 17)
        .from_reader(source)
}

/// Reading bytes, the `csv` crate can fail only where the system does.
pub(super) fn from_csv(input: &Input, error: csv::Error) -> DataError {
    match error.into_kind() {
        csv::ErrorKind::Io(e) => input.failed(e),
        _ => DataError::Changed { path: input.path.clone() },
    }
}

/// Which columns to read, as positions in file order; all of them if nothing is asked for.
///
/// # Errors
/// All columns that are not there, each with the nearest name.
pub(super) fn selected(
    path: &Path,
    names: &[String],
    wanted: Option<&[String]>,
) -> Result<Vec<usize>, DataError> {
    let Some(wanted) = wanted else { return Ok((0..names.len()).collect()) };
    let known: std::collections::HashSet<&str> = names.iter().map(String::as_str).collect();
    let mut unknown: Vec<UnknownColumn> = Vec::new();
    for name in wanted.iter().filter(|n| !known.contains(n.as_str())) {
        if unknown.iter().all(|u| u.name != *name) {
            let nearest = nearest(name, names.iter().map(String::as_str)).map(ToOwned::to_owned);
            unknown.push(UnknownColumn { name: name.clone(), nearest });
        }
    }
    if !unknown.is_empty() {
        return Err(DataError::UnknownColumns { path: path.to_path_buf(), columns: unknown });
    }
    let wanted: std::collections::HashSet<&str> = wanted.iter().map(String::as_str).collect();
    Ok((0..names.len()).filter(|&i| wanted.contains(names[i].as_str())).collect())
}

/// Repeated names, each once, in order.
pub(super) fn repeated(names: &[String]) -> Vec<String> {
    let mut seen = std::collections::HashMap::new();
    names.iter().for_each(|n| *seen.entry(n.as_str()).or_insert(0_usize) += 1);
    let mut found: Vec<String> = Vec::new();
    for name in names.iter().filter(|n| seen.get(n.as_str()) > Some(&1)) {
        if !found.contains(name) {
            found.push(name.clone());
        }
    }
    found
}

/// Enough for the first line of a file with tens of thousands of columns.
const SAMPLE: u64 = 1 << 20;
/// Records looked at for the delimiter.
const LOOK: usize = 20;
const CANDIDATES: [u8; 4] = [b',', b'\t', b';', b'|'];

fn byte(delimiter: char) -> Option<u8> {
    let byte = u8::try_from(delimiter).ok().filter(u8::is_ascii)?;
    (!matches!(byte, b'"' | b'\n' | b'\r' | 0) && !byte.is_ascii_alphanumeric()).then_some(byte)
}

/// The delimiter that splits the first line, best into as many fields as the lines below it.
fn likely(text: &[u8], whole: bool) -> u8 {
    let score = |d: u8| {
        let counts = counts(text, d, whole);
        let fields = counts.first().copied().unwrap_or(0);
        (fields > 1 && counts.iter().all(|&c| c == fields), fields)
    };
    // The first of equals wins.
    CANDIDATES.into_iter().rev().max_by_key(|&d| score(d)).unwrap_or(b',')
}

/// Fields of the first records.
fn counts(text: &[u8], delimiter: u8, whole: bool) -> Vec<usize> {
    let mut reader = records(delimiter, text);
    let mut record = ByteRecord::new();
    let mut counts = Vec::new();
    while counts.len() < LOOK && matches!(reader.read_byte_record(&mut record), Ok(true)) {
        // The sample may end within a record.
        if whole || !reader.is_done() {
            counts.push(record.len());
        }
    }
    counts
}

/// A name is decoded by itself, so that it is the same whether or not the rest of the file has
/// been looked at.
fn decoded(input: &Input, field: &[u8]) -> String {
    if let Some(stated) = input.stated() {
        return stated.decode(field.to_vec());
    }
    match std::str::from_utf8(field) {
        Ok(text) => text.to_owned(),
        Err(_) => Encoding::Windows1252.decode(field.to_vec()),
    }
}

/// Refuses names that are empty or come twice.
pub(super) fn check_names(path: &Path, names: &[String]) -> Result<(), DataError> {
    let path = path.to_path_buf();
    let empty = |(i, name): (usize, &String)| name.is_empty().then_some(i + 1);
    let positions: Vec<usize> = names.iter().enumerate().filter_map(empty).collect();
    if !positions.is_empty() {
        return Err(DataError::EmptyNames { path, positions });
    }
    let names = repeated(names);
    if names.is_empty() { Ok(()) } else { Err(DataError::DuplicateNames { path, names }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_are_found() {
        for (text, delimiter) in [
            ("a,b,c\n1,2,3\n", b','),
            ("a;b;c\n1,5;2,5;3,5\n", b';'),
            ("a\tb\n\"x,y\"\t2\n", b'\t'),
            ("a|b\n1|2\n", b'|'),
            ("\"a;b\",c\n1,2\n", b','),
            ("only\n1\n", b','),
            ("name, first;age\nSmith, J;3\nJones;4\n", b';'),
        ] {
            assert_eq!(char::from(likely(text.as_bytes(), true)), char::from(delimiter), "{text}");
        }
    }

    #[test]
    fn repeated_names_come_once() {
        let names = ["a", "b", "a", "a", "c", "b"].map(String::from);
        assert_eq!(repeated(&names), ["a", "b"]);
    }
}
