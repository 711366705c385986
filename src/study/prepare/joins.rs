//! The further data files of a study: planned from their headers, then read and joined.

use std::path::PathBuf;

use super::Work;
use super::data::read_file;
use crate::data::Table;
use crate::data::io::{self, ReadOptions};
use crate::data::join::{Join, JoinError, join};
use crate::diagnostic::{Diagnostic, nearest};
use crate::study::places::KeyPath;
use crate::study::spec::{Data, Join as Given, JoinKind, Unmatched};

/// A file to join, as far as headers tell.
#[derive(Debug, Clone)]
pub(in crate::study) struct Planned {
    /// The file.
    pub file: PathBuf,
    /// Columns that must agree: (name before, name in the file).
    pub keys: Vec<(String, String)>,
    /// Columns it brings: (name in the file, name in the study).
    pub columns: Vec<(String, String)>,
    /// All columns of the file.
    pub width: usize,
}

impl Planned {
    /// The columns to read when the study needs those of `needed`.
    pub fn to_read(&self, needed: &[String]) -> Vec<String> {
        let keys = self.keys.iter().map(|(_, here)| here.clone());
        let mut names: Vec<String> = keys.collect();
        for (here, name) in &self.columns {
            if needed.contains(name) && !names.contains(here) {
                names.push(here.clone());
            }
        }
        names
    }
}

/// How a joined file is read.
pub(in crate::study) fn options<'a>(
    data: &Data,
    given: &Given,
    columns: Option<&'a [String]>,
) -> ReadOptions<'a> {
    let mut options = ReadOptions { columns, ..ReadOptions::default() };
    options.format = given.format.map(super::data::format);
    options.delimiter = given.delimiter;
    options.encoding = given.encoding.as_deref().and_then(io::Charset::named);
    options.sheet.clone_from(&given.sheet);
    if let Some(missing) = given.missing_text.as_ref().or(data.missing_text.as_ref()) {
        options.missing_text.clone_from(missing);
    }
    options
}

/// Plans the joins; `names` are those of the first file, and get those of the others.
pub(in crate::study) fn plan(work: &mut Work<'_>, names: &mut Vec<String>) -> Option<Vec<Planned>> {
    let mut all = Vec::new();
    for (i, given) in work.study.data.join.iter().enumerate() {
        let path = KeyPath::root().key("data").key("join").index(i);
        let file = work.folder.join(&given.file);
        match io::names(&file, &options(&work.study.data, given, None)) {
            Err(e) => work.error(&path.key("file"), &e, e.help()),
            Ok(here) => all.extend(one(work, given, &path, names, &here)),
        }
    }
    (!work.has_errors()).then_some(all)
}

fn one(
    work: &mut Work<'_>,
    given: &Given,
    path: &KeyPath,
    names: &mut Vec<String>,
    here: &[String],
) -> Option<Planned> {
    let shown = given.file.display().to_string();
    let keys: Vec<(String, String)> =
        given.on.pairs().into_iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
    let before = work.found.len();
    for (first, second) in &keys {
        for (name, known, place) in
            [(first, &names[..], "the data before"), (second, here, shown.as_str())]
        {
            if !known.contains(name) {
                unknown(work, &path.key("on"), name, known, place);
            }
        }
    }
    let chosen: Vec<String> = match &given.columns {
        Some(columns) => {
            for name in columns.list().into_iter().filter(|n| !here.iter().any(|h| h == n)) {
                unknown(work, &path.key("columns"), name, here, &shown);
            }
            here.iter().filter(|h| columns.list().contains(&h.as_str())).cloned().collect()
        }
        None => here.iter().filter(|h| keys.iter().all(|(_, key)| key != *h)).cloned().collect(),
    };
    let prefix = given.prefix.as_deref().unwrap_or("");
    let columns: Vec<(String, String)> =
        chosen.into_iter().map(|name| (name.clone(), format!("{prefix}{name}"))).collect();
    let clashes: Vec<&str> =
        columns.iter().map(|(_, n)| n.as_str()).filter(|n| names.iter().any(|k| k == n)).collect();
    if !clashes.is_empty() {
        let list: Vec<String> = clashes.iter().take(12).map(|n| format!("`{n}`")).collect();
        let more = if clashes.len() > 12 { ", …" } else { "" };
        let what = match clashes.len() {
            1 => format!("1 column of {shown} has a name that is taken"),
            n => format!("{n} columns of {shown} have names that are taken"),
        };
        let message = format!("{what}: {}{more}", list.join(", "));
        let help =
            "set a `prefix`, such as `prefix = \"hh_\"`, or name those to take with `columns`";
        work.error(&path.key("file"), message, Some(help.to_string()));
    }
    if work.found.len() > before {
        return None;
    }
    names.extend(columns.iter().map(|(_, name)| name.clone()));
    Some(Planned { file: work.folder.join(&given.file), keys, columns, width: here.len() })
}

fn unknown(work: &mut Work<'_>, path: &KeyPath, name: &str, known: &[String], place: &str) {
    let near = nearest(name, known.iter().map(String::as_str));
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            "write { name-before = \"name-in-the-joined-file\" } where names differ".to_string()
        }
    };
    work.error(path, format!("there is no column `{name}` in {place}"), Some(help));
}

/// Reads and joins the files.
pub(super) fn carry_out(
    work: &mut Work<'_>,
    mut table: Table,
    planned: &[Planned],
    needed: &[String],
) -> Option<Table> {
    let study = work.study;
    for (i, (given, plan)) in study.data.join.iter().zip(planned).enumerate() {
        let path = KeyPath::root().key("data").key("join").index(i);
        let columns = plan.to_read(needed);
        let options = options(&study.data, given, Some(&columns));
        let second = read_file(work, &plan.file, &path.key("file"), &options)?;
        let taken: Vec<(String, String)> =
            plan.columns.iter().filter(|(_, name)| needed.contains(name)).cloned().collect();
        let one_to_one = given.kind == Some(JoinKind::OneToOne);
        let by = Join { keys: &plan.keys, one_to_one, columns: &taken };
        let joined = match join(table, &second, &by) {
            Ok(joined) => joined,
            Err(e) => {
                let key = if matches!(e, JoinError::Table(_)) { "file" } else { "on" };
                work.error(&path.key(key), format!("{}: {e}", given.file.display()), e.help());
                return None;
            }
        };
        say(work, given, &path, &joined, second.rows());
        table = joined.table;
    }
    (!work.has_errors()).then_some(table)
}

/// What is to be known of a join.
fn say(
    work: &mut Work<'_>,
    given: &Given,
    path: &KeyPath,
    joined: &crate::data::join::Joined,
    rows: usize,
) {
    let file = given.file.display();
    for (first, second) in &joined.mixed {
        let message = format!(
            "`{first}` and `{second}` of {file} are numbers in one file and text in the other; they are compared as numbers"
        );
        work.warn(&path.key("on"), message, None);
    }
    let (unmatched, examples) = &joined.unmatched;
    if *unmatched > 0 {
        let of = joined.table.rows();
        let missing = match joined.missing {
            0 => String::new(),
            n => format!(", {n} of them because their key is missing"),
        };
        let such = if examples.is_empty() {
            String::new()
        } else {
            format!(", such as {}", examples.join("; "))
        };
        let message = format!("{unmatched} of {of} rows have no partner in {file}{such}{missing}");
        if given.unmatched == Some(Unmatched::Error) {
            let help =
                "take the rows out, or set `unmatched = \"keep\"`: their values are then missing";
            work.error(&path.key("on"), message, Some(help.to_string()));
        } else {
            let message = format!("{message}; what comes from there is missing for them");
            work.warn(&path.key("on"), message, None);
        }
    }
    if joined.unused > 0 {
        let message = format!(
            "{} of {rows} rows of {file} are not used: no row has their key",
            joined.unused
        );
        let place = work.places.value(&path.key("file"));
        work.found.push(Diagnostic::warning(message).at(Some(place)));
    }
}
