//! The text of a file that the user wrote.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Place, Source, nearest};

use super::load::Kind;

/// The largest file that is read; a larger one is taken for data.
const LARGEST: u64 = 8 << 20;

/// The text of a file; `name` is shown with its mistakes.
pub(crate) fn text_of(path: &Path, name: &str, kind: &Kind) -> Result<String, Diagnostic> {
    String::from_utf8(read(path, name, kind)?).map_err(|error| not_utf8(name, kind, &error))
}

/// True when the ending of the name is that of a data file.
pub(super) fn is_data(name: &str) -> bool {
    let ending = Path::new(name).extension().map(|e| e.to_string_lossy().to_lowercase());
    let data = ["csv", "tsv", "tab", "txt", "dat", "parquet", "sav", "dta", "sas7bdat", "xlsx"];
    ending.is_some_and(|ending| data.contains(&ending.as_str()))
}

fn read(path: &Path, name: &str, kind: &Kind) -> Result<Vec<u8>, Diagnostic> {
    let file_kind = kind.file;
    let problem = |error: io::Error| unreadable(path, name, kind, &error);
    if fs::metadata(path).map_err(problem)?.is_dir() {
        let mut inside = toml_files(path);
        inside.truncate(10);
        let help = if inside.is_empty() {
            format!("give the {file_kind} itself; there is no .toml file in this folder")
        } else {
            let inside: Vec<String> =
                inside.iter().map(|f| path.join(f).display().to_string()).collect();
            format!("give a {file_kind} in it: {}", inside.join(", "))
        };
        return Err(Diagnostic::error(format!("{name} is a folder")).help(help));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(problem)?;
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(problem)?;
    if bytes.len() as u64 > LARGEST {
        let limit = LARGEST >> 20;
        return Err(Diagnostic::error(format!(
            "{name} is larger than {limit} MB, too large for a {file_kind}"
        ))
        .help(kind.not_data));
    }
    Ok(bytes)
}

fn unreadable(path: &Path, name: &str, kind: &Kind, error: &io::Error) -> Diagnostic {
    match error.kind() {
        io::ErrorKind::NotFound => {
            let diagnostic = Diagnostic::error(format!("there is no file {name}"));
            match similar(path) {
                Some(help) => diagnostic.help(help),
                None => diagnostic.help(format!("check the path, or {}", kind.begin)),
            }
        }
        io::ErrorKind::PermissionDenied => {
            Diagnostic::error(format!("{name} may not be read: permission denied"))
                .help("ask the owner of the file for permission to read it")
        }
        _ => Diagnostic::error(format!("{name} cannot be read: {error}"))
            .help("check that the path leads to a text file"),
    }
}

/// What the user may have meant by the path of a file that is not there.
fn similar(path: &Path) -> Option<String> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        return Some(format!("there is no folder {} either", folder.display()));
    }
    let with_ending = path.with_extension("toml");
    if with_ending != path && with_ending.is_file() {
        return Some(format!("did you mean {}?", with_ending.display()));
    }
    let files = toml_files(folder);
    let wanted = path.file_name()?.to_string_lossy().into_owned();
    let near = nearest(&wanted, files.iter().map(String::as_str))?;
    Some(format!("did you mean {}?", path.with_file_name(near).display()))
}

/// Names of the TOML files of a folder, in order.
fn toml_files(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .filter(|name| name.to_lowercase().ends_with(".toml"))
        .collect();
    names.sort();
    names
}

fn not_utf8(name: &str, kind: &Kind, error: &std::string::FromUtf8Error) -> Diagnostic {
    let bytes = error.as_bytes();
    let start = error.utf8_error().valid_up_to();
    let message = format!("{name} is not UTF-8 text");
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Diagnostic::error(message)
            .help("it is UTF-16; save it again with the encoding UTF-8 (without “BOM”)");
    }
    if bytes.contains(&0) {
        return Diagnostic::error(message).help(kind.not_data);
    }
    // The text before the fault is unchanged by the replacement, so the place is right.
    let text = String::from_utf8_lossy(bytes).into_owned();
    let end = start + char::REPLACEMENT_CHARACTER.len_utf8();
    let source = Arc::new(Source { name: name.to_string(), text });
    Diagnostic::error(message)
        .at(Some(Place { source, span: start..end }))
        .label(format!("byte 0x{:02X}", bytes.get(start).copied().unwrap_or(0)))
        .help("save the file again with the encoding UTF-8 (it may be Windows-1252 now)")
}
