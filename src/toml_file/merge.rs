//! A file with what it includes and what is set beside it, as one document.

use std::path::PathBuf;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Diagnostic, Place, Source};

use super::places::{KeyPath, Places, Segment};

/// An included file.
#[derive(Debug, Clone)]
pub(crate) struct Included {
    /// Its path: that of the including file, and the name given there.
    pub(crate) path: PathBuf,
    /// Its text.
    pub(crate) source: Arc<Source>,
}

/// All texts of a study as one document, with the places of everything.
pub(crate) struct Merged<'s> {
    pub(crate) document: DeTable<'s>,
    pub(crate) places: Places,
}

impl<'s> Merged<'s> {
    /// Puts the included files before the study. They have been parsed without mistakes before.
    ///
    /// # Errors
    /// None is known; a text that cannot be parsed again would be a mistake in rakewell.
    pub(crate) fn of(included: &'s [Included], study: &'s Arc<Source>) -> Result<Self, Diagnostic> {
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
pub(crate) fn parse(source: &Arc<Source>) -> Result<DeTable<'_>, Diagnostic> {
    DeTable::parse(&source.text).map(Spanned::into_inner).map_err(|e| {
        let place = Place { source: source.clone(), span: e.span().unwrap_or(0..0) };
        Diagnostic::error(e.message().to_string()).at(Some(place)).help("mend the TOML there")
    })
}
