//! A study file with what it includes and what is set beside it, as one document.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Diagnostic, Diagnostics, Place, Source};

use super::places::{KeyPath, Places, Segment};
use super::source::text_of;
use super::syntax;

/// No more files are included, by one another or in all.
const MOST: usize = 100;

/// What an included file may hold.
const SHARED: [&str; 3] = ["include", "variables", "derive"];

/// An included file.
#[derive(Debug, Clone)]
pub(super) struct Included {
    /// Its path: that of the including file, and the name given there.
    pub(super) path: PathBuf,
    /// Its text.
    pub(super) source: Arc<Source>,
}

/// The files that a study includes, each after those that it includes itself. A file that is
/// included twice is taken in once.
///
/// # Errors
/// All files that cannot be read, are no TOML, hold what is not to be shared, or include
/// themselves.
pub(super) fn gather(
    source: &Arc<Source>,
    document: &DeTable<'_>,
) -> Result<Vec<Included>, Diagnostics> {
    let path = PathBuf::from(&source.name);
    let mut walk = Walk { open: vec![identity(&path)], ..Walk::default() };
    walk.includes(&path, source, document);
    if walk.mistakes.is_empty() { Ok(walk.files) } else { Err(Diagnostics(walk.mistakes)) }
}

#[derive(Default)]
struct Walk {
    files: Vec<Included>,
    /// Files that are being read, the study first.
    open: Vec<PathBuf>,
    done: Vec<PathBuf>,
    mistakes: Vec<Diagnostic>,
}

impl Walk {
    /// What a document includes. What is no list of texts is left to the check of the structure,
    /// which sees the study file; an included file is checked here.
    fn includes(&mut self, path: &Path, source: &Arc<Source>, document: &DeTable<'_>) {
        let Some(given) = document.get("include") else { return };
        let folder = path.parent().unwrap_or(Path::new(""));
        let items: Vec<&Spanned<DeValue<'_>>> = match given.get_ref() {
            DeValue::Array(items) => items.iter().collect(),
            _ => vec![given],
        };
        for item in items {
            let place = Place { source: source.clone(), span: item.span() };
            match item.get_ref().as_str() {
                Some(name) => self.file(&folder.join(name), place),
                None if self.open.len() > 1 => self.mistakes.push(
                    Diagnostic::error("`include` must be a text or a list of texts")
                        .at(Some(place))
                        .help("write include = [\"recodes.toml\"]"),
                ),
                None => {}
            }
        }
    }

    fn file(&mut self, path: &Path, place: Place) {
        let same = identity(path);
        let mut refuse = |message: String, help: &str| {
            let diagnostic = Diagnostic::error(message).at(Some(place.clone())).help(help);
            self.mistakes.push(diagnostic);
        };
        let name = path.display().to_string();
        if self.open.contains(&same) {
            refuse(
                format!("{name} includes itself, directly or through another file"),
                "take this out: a file is read once, before the one that includes it",
            );
            return;
        }
        if self.done.contains(&same) {
            return;
        }
        if self.open.len() + self.done.len() > MOST {
            refuse(format!("more than {MOST} files are included"), "put recodes into fewer files");
            return;
        }
        // What is neither file nor folder might never end.
        if std::fs::metadata(path).is_ok_and(|m| !m.is_file() && !m.is_dir()) {
            refuse(format!("{name} is not an ordinary file"), "include a TOML file");
            return;
        }
        let text = match text_of(path, &name) {
            Ok(text) => text,
            Err(mut diagnostic) => {
                if diagnostic.place.is_none() {
                    diagnostic = diagnostic.at(Some(place));
                }
                if diagnostic.message.starts_with("there is no file") {
                    let help = "paths are relative to the file that includes";
                    let before = diagnostic.help.filter(|h| h.starts_with("did you mean"));
                    let before = before.map_or(String::new(), |h| format!("{h} "));
                    diagnostic.help = Some(format!("{before}{help}"));
                }
                self.mistakes.push(diagnostic);
                return;
            }
        };
        let source = Arc::new(Source { name, text });
        let (document, errors) = DeTable::parse_recoverable(&source.text);
        if !errors.is_empty() {
            self.mistakes.extend(syntax::explain(&source, document.get_ref(), &errors).0);
            return;
        }
        self.open.push(same.clone());
        self.includes(path, &source, document.get_ref());
        self.open.pop();
        self.shared_only(&source, document.get_ref());
        self.done.push(same);
        self.files.push(Included { path: path.to_path_buf(), source: source.clone() });
    }

    fn shared_only(&mut self, source: &Arc<Source>, document: &DeTable<'_>) {
        for (key, value) in document.iter() {
            let name = key.get_ref().as_ref();
            let place = |span| Some(Place { source: source.clone(), span });
            let wanted = match name {
                "derive" => (!is_list_of_tables(value.get_ref())).then_some("`[[derive]]`"),
                "variables" => (!value.get_ref().is_table()).then_some("`[variables.name]`"),
                "include" => None,
                _ => {
                    let message = format!("an included file cannot have `{name}`");
                    let diagnostic = Diagnostic::error(message)
                        .at(place(key.span()))
                        .label("belongs into the study")
                        .help(format!(
                            "it may have {}",
                            SHARED.map(|s| format!("`{s}`")).join(", ")
                        ));
                    self.mistakes.push(diagnostic);
                    None
                }
            };
            if let Some(wanted) = wanted {
                let diagnostic = Diagnostic::error(format!("`{name}` is not written as tables"))
                    .at(place(key.span()))
                    .help(format!("write it under {wanted}"));
                self.mistakes.push(diagnostic);
            }
        }
    }
}

fn is_list_of_tables(value: &DeValue<'_>) -> bool {
    value.as_array().is_some_and(|items| items.iter().all(|i| i.get_ref().is_table()))
}

/// One path for one file, links followed.
fn identity(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}

/// All texts of a study as one document, with the places of everything.
pub(super) struct Merged<'s> {
    pub(super) document: DeTable<'s>,
    pub(super) places: Places,
}

impl<'s> Merged<'s> {
    /// Puts the included files before the study. They have been parsed without mistakes before.
    ///
    /// # Errors
    /// None is known; a text that cannot be parsed again would be a mistake in rakewell.
    pub(super) fn of(included: &'s [Included], study: &'s Arc<Source>) -> Result<Self, Diagnostic> {
        let document = DeTable::new();
        let mut merged = Merged { document, places: Places::none(study.clone()) };
        for file in included {
            merged.take_in(&file.source)?;
        }
        merged.take_in(study)?;
        Ok(merged)
    }

    fn take_in(&mut self, source: &'s Arc<Source>) -> Result<(), Diagnostic> {
        let parsed = parse(source)?;
        let places = Places::of(source.clone(), &parsed);
        let earlier = self.document.get("derive").and_then(|d| d.get_ref().as_array());
        let offset = earlier.map_or(0, |items| items.len());
        let joins = parsed.get("derive").is_some_and(|d| d.get_ref().is_array());
        self.places.absorb(places, |path| match path.segments() {
            [Segment::Key(key), Segment::Index(i), rest @ ..] if key == "derive" && joins => {
                let moved = KeyPath::root().key("derive").index(offset + i);
                Some(rest.iter().fold(moved, |path, step| path.step(step)))
            }
            _ => Some(path.clone()),
        });
        for (key, value) in parsed {
            let name = key.get_ref().as_ref();
            let known = self.document.get_mut(name).map(Spanned::get_mut);
            match (name, known, value) {
                ("derive", Some(DeValue::Array(before)), value) if joins => {
                    if let DeValue::Array(items) = value.into_inner() {
                        items.into_iter().for_each(|item| before.push(item));
                    }
                }
                ("variables", Some(DeValue::Table(before)), value)
                    if value.get_ref().is_table() =>
                {
                    if let DeValue::Table(own) = value.into_inner() {
                        overlay(before, own);
                    }
                }
                (_, _, value) => {
                    self.document.insert(key, value);
                }
            }
        }
        Ok(())
    }
}

/// Puts what is said of each variable over what was said before, key by key.
fn overlay<'s>(before: &mut DeTable<'s>, own: DeTable<'s>) {
    for (name, value) in own {
        match (before.get_mut(name.get_ref().as_ref()).map(Spanned::get_mut), value) {
            (Some(DeValue::Table(known)), value) if value.get_ref().is_table() => {
                if let DeValue::Table(keys) = value.into_inner() {
                    for (key, value) in keys {
                        known.insert(key, value);
                    }
                }
            }
            (_, value) => {
                before.insert(name, value);
            }
        }
    }
}

/// Parses a text that has been parsed before.
pub(super) fn parse(source: &Arc<Source>) -> Result<DeTable<'_>, Diagnostic> {
    DeTable::parse(&source.text).map(Spanned::into_inner).map_err(|e| {
        let place = Place { source: source.clone(), span: e.span().unwrap_or(0..0) };
        Diagnostic::error(e.message().to_string()).at(Some(place)).help("mend the TOML there")
    })
}
