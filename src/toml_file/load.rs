//! From the text of a file to a value of its type: parsed, merged, checked.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;
use toml::de::DeTable;

use crate::diagnostic::{Diagnostic, Diagnostics, Place, Source};

use super::merge::{Included, Merged};
use super::places::{KeyPath, Places};
use super::read::is_data;
use super::shape::Shapes;
use super::{settings, structure, syntax};

/// What messages call a kind of file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    /// The document in a sentence: "the study".
    pub(crate) whole: &'static str,
    /// The file: "study file".
    pub(crate) file: &'static str,
    /// What to give in place of a data file.
    pub(crate) not_data: &'static str,
    /// How to begin a new file, after "or".
    pub(crate) begin: &'static str,
    /// The command that prints its schema.
    pub(crate) schema: &'static str,
}

/// Kinds of files: the table that one of them alone has, what it is called, and a command for it.
const KINDS: [(&str, &str, &str); 3] = [
    ("data", "study file", "rakewell run"),
    ("sample", "design file", "rakewell plan"),
    ("areas", "population file", "rakewell populate"),
];

/// The kind of another file than wanted, and a command for it, where its tables tell.
fn another(document: &DeTable<'_>, wanted: &str) -> Option<(&'static str, &'static str)> {
    let has = |kind: &&(&str, &str, &str)| document.contains_key(kind.0);
    let mut found = KINDS.iter().filter(has);
    match (found.next(), found.next()) {
        (Some((_, file, command)), None) if *file != wanted => Some((file, command)),
        _ => None,
    }
}

/// True when a file has a table that tells what it is, and none of another kind of file.
pub(crate) fn is_of(path: &Path, table: &str) -> bool {
    let Ok(mut file) = std::fs::File::open(path) else { return false };
    let mut text = String::new();
    // A larger file is refused anyway.
    if file.by_ref().take(8 << 20).read_to_string(&mut text).is_err() {
        return false;
    }
    let (document, _) = DeTable::parse_recoverable(&text);
    let document = document.get_ref();
    KINDS.iter().all(|kind| document.contains_key(kind.0) == (kind.0 == table))
}

/// A file without mistakes of its own.
#[derive(Debug, Clone)]
pub(crate) struct LoadedFile<T> {
    /// What it says.
    pub(crate) value: T,
    /// The same as a document.
    pub(crate) document: Value,
    /// Where everything stands.
    pub(crate) places: Places,
    /// The file.
    pub(crate) source: Arc<Source>,
    /// The files it includes, in the order in which they are taken in.
    pub(crate) included: Vec<PathBuf>,
    /// What was set beside it, as TOML.
    pub(crate) settings: Vec<String>,
    /// What is doubtful but does not stop the work.
    pub(crate) warnings: Diagnostics,
}

/// The rules that a file keeps beyond its structure: the value, where it stands, and what is
/// broken already.
pub(crate) type Rules<T> = fn(&T, &Places, &[KeyPath]) -> Vec<Diagnostic>;

/// Fills in what the file leaves to something it names.
pub(crate) type Expand<T> = fn(&mut T, &Places, &[KeyPath]) -> Vec<Diagnostic>;

/// The files that a document includes.
pub(crate) type Include = fn(&Arc<Source>, &DeTable<'_>) -> Result<Vec<Included>, Diagnostics>;

/// How files of a type are read.
pub(crate) struct Loader<T> {
    pub(crate) kind: Kind,
    pub(crate) schema: Value,
    pub(crate) include: Include,
    pub(crate) expand: Expand<T>,
    pub(crate) rules: Rules<T>,
}

/// For files that include no others.
pub(crate) fn includes_nothing(
    _: &Arc<Source>,
    _: &DeTable<'_>,
) -> Result<Vec<Included>, Diagnostics> {
    Ok(Vec::new())
}

impl<T: DeserializeOwned> Loader<T> {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// As [`Loader::text`], and when the file cannot be read.
    pub(crate) fn path(
        &self,
        path: &Path,
        settings: &[String],
    ) -> Result<LoadedFile<T>, Diagnostics> {
        let name = path.display().to_string();
        self.text(&name, &super::text_of(path, &name, &self.kind)?, settings)
    }

    /// Checks the text of a file; `name` is shown with its mistakes, and what it includes is
    /// looked for beside it.
    ///
    /// # Errors
    /// All mistakes at once, in file order: it is not TOML; it does not have the structure of
    /// the schema; it breaks a rule. Warnings are among them when there is at least one error.
    pub(crate) fn text(
        &self,
        name: &str,
        text: &str,
        settings: &[String],
    ) -> Result<LoadedFile<T>, Diagnostics> {
        let kind = &self.kind;
        let source = Arc::new(Source { name: name.to_string(), text: text.to_string() });
        if text.trim_start_matches('\u{feff}').trim().is_empty() {
            let help = kind.begin.replace("FILE", &format!("{name} --force"));
            return Err(Diagnostic::error(format!("{name} is empty")).help(help).into());
        }
        let (document, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() && is_data(name) {
            let message = format!("{name} is a data file, not a {}", kind.file);
            return Err(Diagnostic::error(message).help(kind.not_data).into());
        }
        if !errors.is_empty() {
            return Err(syntax::explain(&source, document.get_ref(), &errors));
        }
        if let Some((file, command)) = another(document.get_ref(), kind.file) {
            let message = format!("{name} is a {file}, not a {}", kind.file);
            return Err(Diagnostic::error(message).help(format!("it is for `{command}`")).into());
        }
        let included = (self.include)(&source, document.get_ref())?;
        let settings = settings::sources(settings)?;
        let mut merged = Merged::of(&included, &source)?;
        for setting in &settings {
            merged.set(setting)?;
        }
        let Merged { document, places } = merged;
        let shapes = Shapes::of(&self.schema, kind.whole);
        let checked = structure::check(&shapes, &document, &places);
        let order = |d: &Diagnostic| {
            let place = d.place.as_ref();
            // The file first, then what it includes, then what is set.
            let all =
                std::iter::once(&source).chain(included.iter().map(|f| &f.source)).chain(&settings);
            let file = place.and_then(|p| all.clone().position(|s| Arc::ptr_eq(s, &p.source)));
            (file, place.map_or(0, |p| p.span.start))
        };
        let in_file_order = |mut found: Vec<Diagnostic>| {
            found.sort_by_key(order);
            Diagnostics(found)
        };
        let mut found = checked.mistakes;
        match serde_json::from_value::<T>(checked.value.clone()) {
            Ok(mut value) => {
                found.extend((self.expand)(&mut value, &places, &checked.bad));
                found.extend((self.rules)(&value, &places, &checked.bad));
                let found = in_file_order(found);
                if found.has_errors() {
                    Err(found)
                } else {
                    let included = included.into_iter().map(|f| f.path).collect();
                    let settings = settings.iter().map(|s| s.text.clone()).collect();
                    Ok(LoadedFile {
                        value,
                        document: checked.value,
                        places,
                        source,
                        included,
                        settings,
                        warnings: found,
                    })
                }
            }
            // The schema and the types are one, so the walk has said what is wrong; this says
            // what it may have missed.
            Err(error) => {
                if found.is_empty() {
                    let beyond = shapes.not_understood.join("; ");
                    let place: Place = places.value(&KeyPath::root());
                    found.push(
                        Diagnostic::error(format!("{} cannot be read: {error}", kind.whole))
                            .at(Some(place))
                            .help(format!("compare it with `{}` {beyond}", kind.schema)),
                    );
                }
                Err(in_file_order(found))
            }
        }
    }
}
