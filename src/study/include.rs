//! The files that a study includes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Diagnostic, Diagnostics, Place, Source};
use crate::toml_file::{Included, syntax, text_of};

use super::source::STUDY;

/// No more files are included, by one another or in all.
const MOST: usize = 100;

/// What an included file may hold.
const SHARED: [&str; 3] = ["include", "variables", "derive"];

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
        let text = match text_of(path, &name, &STUDY) {
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
