//! What can be wrong with a data file: what, where, and the way out.

use std::io;
use std::path::{Path, PathBuf};

use crate::data::table::TableError;
use crate::diagnostic::Diagnostic;

use super::atomic::WriteError;
use super::fault::Fault;

/// Why a data file cannot be read or written.
///
/// The message says what was found and where; [`DataError::help`] says what would be right.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// No file of that name.
    #[error("there is no file `{}`", path.display())]
    NotFound {
        /// The path.
        path: PathBuf,
        /// A file in the same folder with nearly that name.
        nearest: Option<String>,
    },
    /// The folder of the file is not there either.
    #[error("there is no folder `{}`", folder.display())]
    NoFolder {
        /// The folder.
        folder: PathBuf,
        /// The last folder on the way that exists.
        exists: Option<PathBuf>,
    },
    /// A symbolic link to a file that is not there.
    #[error("`{}` is a link to `{}`, which is not there", path.display(), target.display())]
    DeadLink {
        /// The path.
        path: PathBuf,
        /// Where the link leads.
        target: PathBuf,
    },
    /// A folder in place of a file.
    #[error("`{}` is a folder, not a file", path.display())]
    Directory {
        /// The path.
        path: PathBuf,
    },
    /// A device, a pipe or a socket in place of a file.
    #[error("`{}` is {kind}, not a file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
    },
    /// The system does not let this user read the file.
    #[error("no permission to read `{}`", path.display())]
    Permission {
        /// The path.
        path: PathBuf,
    },
    /// The system could not read the file.
    #[error("cannot read `{}`: {source}", path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file grew or shrank while it was read.
    #[error("`{}` changed while it was read", path.display())]
    Changed {
        /// The path.
        path: PathBuf,
    },
    /// Neither the ending nor the content says what the file is.
    #[error("cannot tell the format of `{}`", path.display())]
    UnknownFormat {
        /// The path.
        path: PathBuf,
    },
    /// A kind of file that cannot be read (yet).
    #[error("`{}` is {kind}, which rakewell does not read", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
    },
    /// The content is not what the ending or the chosen format says.
    #[error("`{}` should be {expected} but is {found}", path.display())]
    OtherContent {
        /// The path.
        path: PathBuf,
        /// What it was read as.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// Nothing in the file.
    #[error("`{}` is empty", path.display())]
    Empty {
        /// The path.
        path: PathBuf,
    },
    /// Columns, but no rows.
    #[error("`{}` has a header but no rows", path.display())]
    NoRows {
        /// The path.
        path: PathBuf,
    },
    /// More rows than can be numbered.
    #[error("`{}` has {rows} rows; at most {} can be read at once", path.display(), u32::MAX - 1)]
    TooManyRows {
        /// The path.
        path: PathBuf,
        /// Its rows.
        rows: u64,
    },
    /// A delimiter that cannot be one.
    #[error("{0:?} cannot be a delimiter")]
    Delimiter(char),
    /// The whole header became one name that contains another delimiter.
    #[error("`{}` has one column, {header:?}, when read with {}", path.display(), shown(*used))]
    WrongDelimiter {
        /// The path.
        path: PathBuf,
        /// The start of the header.
        header: String,
        /// The delimiter it was read with.
        used: char,
        /// The delimiter it seems to have.
        likely: char,
    },
    /// Columns without a name, counted from 1.
    #[error("`{}` has no name for column {} in its header", path.display(), list(positions))]
    EmptyNames {
        /// The path.
        path: PathBuf,
        /// Which columns.
        positions: Vec<usize>,
    },
    /// Columns with the same name.
    #[error("`{}` has several columns named {}", path.display(), quoted(names))]
    DuplicateNames {
        /// The path.
        path: PathBuf,
        /// The names that come more than once.
        names: Vec<String>,
    },
    /// Columns that were asked for and are not there.
    #[error("`{}` has no column {}", path.display(), quoted(columns.iter().map(|c| &c.name)))]
    UnknownColumns {
        /// The path.
        path: PathBuf,
        /// All of them.
        columns: Vec<UnknownColumn>,
    },
    /// A row with too many or too few fields.
    #[error(
        "`{}`, line {line} (row {row}): {found} field{} where the header has {expected}",
        path.display(), if *found == 1 { "" } else { "s" }
    )]
    Ragged {
        /// The path.
        path: PathBuf,
        /// The line the row starts on, from 1.
        line: u64,
        /// The row, from 1, without the header.
        row: u64,
        /// Its fields.
        found: usize,
        /// The fields of the header.
        expected: usize,
        /// True when the row goes over several lines.
        several_lines: bool,
    },
    /// A quotation mark that is never closed.
    #[error("`{}`, line {line}: a quoted field is never closed", path.display())]
    UnclosedQuote {
        /// The path.
        path: PathBuf,
        /// The line its row starts on.
        line: u64,
    },
    /// A NUL byte.
    #[error("`{}`, line {line}: a NUL byte at byte {offset}; this is not a text file", path.display())]
    Nul {
        /// The path.
        path: PathBuf,
        /// Where, from 0.
        offset: u64,
        /// The line.
        line: u64,
    },
    /// Text that begins with the mark of UTF-16 and is none.
    #[error("`{}` begins like text in UTF-16 and is damaged", path.display())]
    Utf16 {
        /// The path.
        path: PathBuf,
    },
    /// UTF-8 that is damaged in places.
    #[error("`{}`, line {line}: invalid UTF-8 at byte {offset}", path.display())]
    InvalidUtf8 {
        /// The path.
        path: PathBuf,
        /// Where, from 0.
        offset: u64,
        /// The line.
        line: u64,
    },
    /// Neither UTF-8 nor plausible windows-1252.
    #[error(
        "`{}`, line {line}: byte 0x{byte:02X} at byte {offset} is neither UTF-8 nor windows-1252 text",
        path.display()
    )]
    NotText {
        /// The path.
        path: PathBuf,
        /// Where, from 0.
        offset: u64,
        /// The line.
        line: u64,
        /// The byte.
        byte: u8,
    },
    /// A Parquet file that ends early.
    #[error("`{}` is a Parquet file that ends early", path.display())]
    TruncatedParquet {
        /// The path.
        path: PathBuf,
    },
    /// A Parquet file that cannot be decoded.
    #[error("cannot read the Parquet file `{}`: {message}", path.display())]
    Parquet {
        /// The path.
        path: PathBuf,
        /// What the decoder said.
        message: String,
    },
    /// A Parquet file with a compression that cannot be undone here.
    #[error("the Parquet file `{}` is compressed with {method}", path.display())]
    Compression {
        /// The path.
        path: PathBuf,
        /// The method.
        method: &'static str,
    },
    /// A column of lists, structs and the like.
    #[error("`{}`, column `{column}` holds {kind}", path.display())]
    UnsupportedType {
        /// The path.
        path: PathBuf,
        /// The column.
        column: String,
        /// Its type.
        kind: String,
    },
    /// A whole number that `f64` cannot hold.
    #[error("`{}`, column `{column}`, row {row}: {value} is beyond ±2^53", path.display())]
    IntegerTooLarge {
        /// The path.
        path: PathBuf,
        /// The column.
        column: String,
        /// The row, from 1.
        row: usize,
        /// The value.
        value: String,
    },
    /// Bytes in a text column that are not UTF-8.
    #[error("`{}`, column `{column}`, row {row}: bytes that are not text", path.display())]
    BytesNotText {
        /// The path.
        path: PathBuf,
        /// The column.
        column: String,
        /// The row, from 1.
        row: usize,
    },
    /// Nothing to write.
    #[error("there are no columns to write to `{}`", path.display())]
    NoColumns {
        /// The path.
        path: PathBuf,
    },
    /// A file of another program's own format, such as SPSS or Excel.
    #[error("`{}` {fault}", path.display())]
    File {
        /// The path.
        path: PathBuf,
        /// What is wrong with it.
        fault: Fault,
    },
    /// The catalogue of value labels that goes with a SAS file cannot be read.
    #[error("{0}")]
    Catalogue(Box<DataError>),
    /// The columns do not make a table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// A column that was asked for and is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownColumn {
    /// The name that was asked for.
    pub name: String,
    /// A column with nearly that name.
    pub nearest: Option<String>,
}

impl DataError {
    /// The way out: what would be accepted, the nearest name, the next step.
    pub fn help(&self) -> Option<String> {
        let text = match self {
            DataError::NotFound { nearest, .. } => {
                return Some(match nearest {
                    Some(n) => format!("did you mean `{n}`?"),
                    None => "check its name and its folder; paths in a study are relative to the \
                             study file"
                        .to_string(),
                });
            }
            DataError::NoFolder { exists, .. } => {
                return exists.as_ref().map(|e| {
                    format!("`{}` exists; a relative path starts at the study file", e.display())
                });
            }
            DataError::UnknownColumns { columns, .. } => {
                let hints: Vec<String> = columns
                    .iter()
                    .filter_map(|c| c.nearest.as_ref().map(|n| format!("`{n}` for `{}`", c.name)))
                    .collect();
                if hints.is_empty() {
                    return None;
                }
                return Some(format!("did you mean {}?", hints.join(", ")));
            }
            DataError::WrongDelimiter { likely, .. } => {
                return Some(format!(
                    "the file seems to use {0}; set delimiter = {likely:?}",
                    shown(*likely)
                ));
            }
            DataError::Ragged { several_lines: true, .. } => {
                "the row goes over several lines; is a quotation mark not closed?"
            }
            DataError::Ragged { .. } => {
                "a field that contains the delimiter must stand in quotation marks"
            }
            DataError::Write(e) => return e.help().map(Into::into),
            DataError::Catalogue(e) => return e.help(),
            DataError::File { fault, .. } => return fault.help(),
            DataError::Directory { .. } => "name the data file in it",
            DataError::DeadLink { .. } => "put the file there, or make the link anew",
            DataError::NotAFile { .. } => {
                "it would be read more than once: write its content to a file first, and name that"
            }
            DataError::Permission { .. } => "ask its owner for read permission, or copy it",
            DataError::Changed { .. } => "wait until it is written, then try again",
            DataError::UnknownFormat { .. } => {
                "known endings are .csv, .txt, .tsv, .tab, .parquet, .sav, .zsav, .por, .dta, \
                 .xpt, .sas7bdat, .xlsx, .xlsm and .ods; or set format"
            }
            DataError::Unreadable { .. } => "save it as CSV, Parquet, .sav, .dta or .xlsx",
            DataError::OtherContent { .. } => "rename the file, or set format",
            DataError::Empty { .. } | DataError::NoRows { .. } => {
                "check that the export is complete"
            }
            DataError::TooManyRows { .. } => "split the file",
            DataError::Delimiter(_) => {
                "use one ASCII character, such as \",\", \";\", \"|\" or \"\\t\""
            }
            DataError::EmptyNames { .. } => {
                "name the columns; R writes such a column unless row.names = FALSE"
            }
            DataError::DuplicateNames { .. } => "every column needs a name of its own",
            DataError::UnclosedQuote { .. } => {
                "close it, or double the quotation marks inside a field"
            }
            DataError::Nul { .. } => "export the data again as UTF-8 text",
            DataError::Utf16 { .. } => "save it as UTF-8 (\"CSV UTF-8\" in Excel)",
            DataError::InvalidUtf8 { .. } => {
                "most of the file is UTF-8; export it again, or repair this place"
            }
            DataError::NotText { .. } => "save it as UTF-8",
            DataError::TruncatedParquet { .. } => "copy or export it again",
            DataError::Parquet { .. } => "the file may be damaged; export it again",
            DataError::Compression { .. } => "write it with Snappy, Zstandard, LZ4 or gzip",
            DataError::UnsupportedType { .. } => "write it as numbers or text, or leave it out",
            DataError::IntegerTooLarge { .. } => "write the column as text",
            DataError::BytesNotText { .. } => "write the column as UTF-8 text",
            DataError::Io { .. } | DataError::NoColumns { .. } | DataError::Table(_) => {
                return None;
            }
        };
        Some(text.into())
    }

    /// The error of the system for a file that is to be read.
    pub(super) fn from_io(path: &Path, source: io::Error) -> DataError {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::NotFound => DataError::not_found(&path),
            io::ErrorKind::PermissionDenied => DataError::Permission { path },
            io::ErrorKind::IsADirectory => DataError::Directory { path },
            _ => DataError::Io { path, source },
        }
    }

    fn not_found(path: &Path) -> DataError {
        let folder = match path.parent() {
            Some(p) if !p.as_os_str().is_empty() => p,
            _ => Path::new("."),
        };
        if !folder.is_dir() {
            let exists = folder.ancestors().skip(1).find(|f| f.is_dir());
            return DataError::NoFolder {
                folder: folder.to_path_buf(),
                exists: exists.map(Path::to_path_buf),
            };
        }
        if let Ok(target) = std::fs::read_link(path) {
            return DataError::DeadLink { path: path.to_path_buf(), target };
        }
        let wanted = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let mut known: Vec<String> = std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        known.sort_unstable();
        let same_stem = || {
            let stem = |name: &str| Path::new(name).file_stem().map(ToOwned::to_owned);
            known.iter().map(String::as_str).find(|k| stem(k) == stem(&wanted))
        };
        let nearest = crate::diagnostic::nearest(&wanted, known.iter().map(String::as_str))
            .or_else(same_stem)
            .map(ToOwned::to_owned);
        DataError::NotFound { path: path.to_path_buf(), nearest }
    }
}

impl From<DataError> for Diagnostic {
    fn from(error: DataError) -> Diagnostic {
        let diagnostic = Diagnostic::error(error.to_string());
        match error.help() {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        }
    }
}

fn shown(delimiter: char) -> String {
    match delimiter {
        ',' => "commas".into(),
        '\t' => "tabs".into(),
        ';' => "semicolons".into(),
        '|' => "vertical bars".into(),
        other => format!("{other:?}"),
    }
}

fn quoted<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    names.into_iter().map(|n| format!("`{}`", n.as_ref())).collect::<Vec<_>>().join(", ")
}

fn list(positions: &[usize]) -> String {
    positions.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}
