//! `--set key=value`: settings that go before what the file says.

use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Diagnostic, Diagnostics, Place, Source, nearest};

use super::merge::{Merged, parse};
use super::places::{KeyPath, Places};

/// The name under which mistakes in settings are shown.
const NAME: &str = "--set";

/// The settings as TOML: a value that is no TOML is a text.
///
/// # Errors
/// Settings without a `=`, with a key that is none, or with more than one value.
pub(crate) fn sources(settings: &[String]) -> Result<Vec<Arc<Source>>, Diagnostics> {
    let mut mistakes = Vec::new();
    let mut all = Vec::new();
    for given in settings {
        match source(given) {
            Ok(source) => all.push(source),
            Err(mistake) => mistakes.push(mistake),
        }
    }
    if mistakes.is_empty() { Ok(all) } else { Err(Diagnostics(mistakes)) }
}

fn source(given: &str) -> Result<Arc<Source>, Diagnostic> {
    let wrong = |message: String, help: &str| {
        let source = Arc::new(Source { name: NAME.into(), text: given.to_string() });
        let place = Place { source, span: 0..given.len() };
        Err(Diagnostic::error(message).at(Some(place)).help(help))
    };
    let example = "write key=value, such as --set defaults.confidence=0.9";
    let Some((key, value)) = given.split_once('=') else {
        return wrong(format!("`{given}` sets nothing: it has no `=`"), example);
    };
    if given.contains(['\n', '\r']) || given.len() > 1 << 16 {
        return wrong("a setting is one short line".to_string(), example);
    }
    let one = |text: String| {
        let source = Arc::new(Source { name: NAME.into(), text });
        let is_one = parse(&source).is_ok_and(|table| table.len() == 1);
        is_one.then_some(source)
    };
    let (key, value) = (key.trim(), value.trim());
    let as_text = || format!("{key} = {}", toml::Value::String(value.to_string()));
    match one(format!("{key} = {value}")).or_else(|| one(as_text())) {
        Some(source) => Ok(source),
        None => wrong(format!("`{key}` is not a key of a file"), example),
    }
}

impl<'s> Merged<'s> {
    /// Puts a setting in its place.
    ///
    /// # Errors
    /// An item of a list that is not there.
    pub(crate) fn set(&mut self, source: &'s Arc<Source>) -> Result<(), Diagnostic> {
        let parsed = parse(source)?;
        let own = Places::of(source.clone(), &parsed);
        let steps = Steps { own: &own, found: None };
        let Some((from, to)) = steps.put(&mut self.document, parsed)? else { return Ok(()) };
        self.places.forget(&to);
        self.places.absorb(own, |path| {
            let rest = path.segments().get(from.segments().len()..)?;
            path.is_within(&from).then(|| rest.iter().fold(to.clone(), |p, step| p.step(step)))
        });
        Ok(())
    }
}

/// The way of a setting through the document.
struct Steps<'p> {
    own: &'p Places,
    found: Option<(KeyPath, KeyPath)>,
}

impl Steps<'_> {
    /// Sets the one value of `parsed`; gives its path there and in the document.
    fn put<'s>(
        mut self,
        document: &mut DeTable<'s>,
        parsed: DeTable<'s>,
    ) -> Result<Option<(KeyPath, KeyPath)>, Diagnostic> {
        self.put_in_table(document, parsed, KeyPath::root(), KeyPath::root())?;
        Ok(self.found)
    }

    fn put_in_table<'s>(
        &mut self,
        table: &mut DeTable<'s>,
        parsed: DeTable<'s>,
        from: KeyPath,
        to: KeyPath,
    ) -> Result<(), Diagnostic> {
        // A dotted key makes tables of one key each; an inline table is a value.
        for (key, value) in parsed {
            let name = key.get_ref().to_string();
            let (from, to) = (from.key(&name), to.key(&name));
            let dotted = value.get_ref().is_table() && self.is_dotted(&from);
            match (table.get_mut(name.as_str()).map(Spanned::get_mut), value) {
                (Some(DeValue::Table(inner)), value) if dotted => {
                    if let DeValue::Table(rest) = value.into_inner() {
                        self.put_in_table(inner, rest, from, to)?;
                    }
                }
                (Some(DeValue::Array(items)), value) if dotted => {
                    if let DeValue::Table(rest) = value.into_inner() {
                        self.put_in_list(items, rest, from, to)?;
                    }
                }
                (_, value) => {
                    self.found = Some((from, to));
                    table.insert(key, value);
                }
            }
        }
        Ok(())
    }

    /// True when the table at the path is a step of a dotted key: what stands there does not
    /// begin with a brace.
    fn is_dotted(&self, path: &KeyPath) -> bool {
        let place = self.own.value(path);
        !place.source.text.get(place.span).unwrap_or("").starts_with('{')
    }

    fn put_in_list<'s>(
        &mut self,
        items: &mut [Spanned<DeValue<'s>>],
        parsed: DeTable<'s>,
        from: KeyPath,
        to: KeyPath,
    ) -> Result<(), Diagnostic> {
        for (key, value) in parsed {
            let name = key.get_ref().to_string();
            let from = from.key(&name);
            let names: Vec<String> = items.iter().filter_map(|i| name_of(i.get_ref())).collect();
            let named = items.iter().position(|i| name_of(i.get_ref()).as_ref() == Some(&name));
            let number = || name.parse::<usize>().ok()?.checked_sub(1);
            let at = named.or_else(number).filter(|at| *at < items.len());
            let Some((at, item)) = at.and_then(|at| Some((at, items.get_mut(at)?))) else {
                let list = to.last_key().unwrap_or_default();
                let count = items.len();
                let mut help = match nearest(&name, names.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`? "),
                    None => String::new(),
                };
                help.push_str(&format!("items are counted from 1 to {count}"));
                if !names.is_empty() {
                    help.push_str(&format!(", or named: {}", names.join(", ")));
                }
                let message = format!("`{list}` has no item `{name}`");
                return Err(Diagnostic::error(message).at(Some(self.own.key(&from))).help(help));
            };
            let to = to.index(at);
            let dotted = value.get_ref().is_table() && self.is_dotted(&from);
            match (item.get_mut(), value) {
                (DeValue::Table(inner), value) if dotted => {
                    if let DeValue::Table(rest) = value.into_inner() {
                        self.put_in_table(inner, rest, from, to)?;
                    }
                }
                (slot, value) => {
                    self.found = Some((from, to));
                    *slot = value.into_inner();
                }
            }
        }
        Ok(())
    }
}

/// The name of an item of a list: what `name` says.
fn name_of(value: &DeValue<'_>) -> Option<String> {
    let table = value.as_table()?;
    table.get("name").and_then(|n| n.get_ref().as_str()).map(str::to_string)
}
