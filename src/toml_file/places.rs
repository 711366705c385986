//! Where each value of a file stands, so that later checks can point at it.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Place, Source};

/// One step into a document.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Segment {
    /// The value of a key.
    Key(String),
    /// An item of a list, from 0.
    Index(usize),
}

/// The way to a value: `KeyPath::root().key("estimate").index(2).key("by")`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct KeyPath(Vec<Segment>);

impl KeyPath {
    /// The document itself.
    pub fn root() -> KeyPath {
        KeyPath::default()
    }

    /// The value of a key of this table.
    #[must_use]
    pub fn key(&self, key: impl Into<String>) -> KeyPath {
        self.with(Segment::Key(key.into()))
    }

    /// An item of this list, from 0.
    #[must_use]
    pub fn index(&self, index: usize) -> KeyPath {
        self.with(Segment::Index(index))
    }

    /// This path and one step more.
    #[must_use]
    pub fn step(&self, step: &Segment) -> KeyPath {
        self.with(step.clone())
    }

    /// The steps, from the document down.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// The last key on the way; `None` for the document.
    pub fn last_key(&self) -> Option<&str> {
        self.0.iter().rev().find_map(|s| match s {
            Segment::Key(key) => Some(key.as_str()),
            Segment::Index(_) => None,
        })
    }

    /// The table or list that holds this value; `None` for the document.
    pub fn parent(&self) -> Option<KeyPath> {
        let (_, rest) = self.0.split_last()?;
        Some(KeyPath(rest.to_vec()))
    }

    /// True when this is `other` or lies within it.
    pub fn is_within(&self, other: &KeyPath) -> bool {
        self.0.starts_with(&other.0)
    }

    /// The table as a header shows it: `[data]`, `[[estimate]]`, `[estimate.ratio]`.
    pub fn header(&self) -> String {
        let keys: Vec<&str> = self
            .0
            .iter()
            .filter_map(|s| match s {
                Segment::Key(key) => Some(key.as_str()),
                Segment::Index(_) => None,
            })
            .collect();
        let keys = keys.join(".");
        match self.0.last() {
            None => "the file".to_string(),
            Some(Segment::Key(_)) => format!("`[{keys}]`"),
            Some(Segment::Index(_)) => format!("`[[{keys}]]`"),
        }
    }

    fn with(&self, segment: Segment) -> KeyPath {
        let mut segments = self.0.clone();
        segments.push(segment);
        KeyPath(segments)
    }
}

/// The value in words: `` `by` ``, `` item 2 of `by` ``.
impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.last(), self.last_key()) {
            (Some(Segment::Index(i)), Some(key)) => write!(f, "item {} of `{key}`", i + 1),
            (_, Some(key)) => write!(f, "`{key}`"),
            (_, None) => f.write_str("the file"),
        }
    }
}

#[derive(Debug, Clone)]
struct Spans {
    source: Arc<Source>,
    key: Option<Range<usize>>,
    value: Range<usize>,
    /// The text of a string value, unescaped, to find a part of it again.
    text: Option<String>,
}

/// The places of all keys and values of a file, of what it includes, and of what
/// is set beside it.
#[derive(Debug, Clone)]
pub struct Places {
    source: Arc<Source>,
    spans: HashMap<KeyPath, Spans>,
}

impl Places {
    /// The places of a parsed document.
    pub(crate) fn of(source: Arc<Source>, document: &DeTable<'_>) -> Places {
        let mut places = Places::none(source);
        places.add_table(&KeyPath::root(), document);
        places
    }

    /// The file.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// Takes in the places of another text, each under the path that `moved` gives it; what was
    /// known of the same path is forgotten.
    pub(crate) fn absorb(&mut self, other: Places, moved: impl Fn(&KeyPath) -> Option<KeyPath>) {
        for (path, spans) in other.spans {
            if let Some(path) = moved(&path) {
                self.spans.insert(path, spans);
            }
        }
    }

    /// Forgets a value and all within it.
    pub(crate) fn forget(&mut self, path: &KeyPath) {
        self.spans.retain(|known, _| !known.is_within(path));
    }

    /// No places yet, of a file.
    pub(crate) fn none(source: Arc<Source>) -> Places {
        Places { source, spans: HashMap::new() }
    }

    /// True when the file holds a value there.
    pub fn contains(&self, path: &KeyPath) -> bool {
        self.spans.contains_key(path)
    }

    /// Where the value stands. A table is at its header. What the file does not hold is at
    /// what would hold it; the document is at the start of the file.
    pub fn value(&self, path: &KeyPath) -> Place {
        self.nearest(path, |spans| spans.value.clone())
    }

    /// Where the key stands. An item of a list has none: it is at its value.
    pub fn key(&self, path: &KeyPath) -> Place {
        self.nearest(path, |spans| spans.key.clone().unwrap_or_else(|| spans.value.clone()))
    }

    /// Where a part (in bytes) of a text value stands, for texts with a grammar of their own.
    /// Where escapes make the two differ, the whole text.
    pub fn within(&self, path: &KeyPath, part: Range<usize>) -> Place {
        let whole = self.value(path);
        let Some(text) = self.spans.get(path).and_then(|s| s.text.as_deref()) else {
            return whole;
        };
        let raw = whole.source.text.get(whole.span.clone()).unwrap_or("");
        // The text stands unchanged between its quotes, or it has escapes.
        let quotes = if raw.starts_with("\"\"\"") || raw.starts_with("'''") { 3 } else { 1 };
        let Some(inner) = raw.get(quotes..raw.len().saturating_sub(quotes)) else {
            return whole;
        };
        let skipped = inner.len().saturating_sub(text.len());
        if inner.get(skipped..) != Some(text) || !inner[..skipped].trim().is_empty() {
            return whole;
        }
        let start = whole.span.start + quotes + skipped;
        let part = part.start.min(text.len())..part.end.min(text.len());
        Place { source: whole.source, span: start + part.start..start + part.end }
    }

    fn nearest(&self, path: &KeyPath, span: impl Fn(&Spans) -> Range<usize>) -> Place {
        let mut path = Some(path.clone());
        while let Some(here) = path {
            if let Some(spans) = self.spans.get(&here) {
                return Place { source: spans.source.clone(), span: span(spans) };
            }
            path = here.parent();
        }
        Place { source: self.source.clone(), span: 0..0 }
    }

    fn add_table(&mut self, path: &KeyPath, table: &DeTable<'_>) {
        for (key, value) in table.iter() {
            self.add(path.key(key.get_ref().as_ref()), Some(key.span()), value);
        }
    }

    fn add(&mut self, path: KeyPath, key: Option<Range<usize>>, value: &Spanned<DeValue<'_>>) {
        let text = value.get_ref().as_str().map(str::to_owned);
        match value.get_ref() {
            DeValue::Table(table) => self.add_table(&path, table),
            DeValue::Array(items) => {
                for (i, item) in items.iter().enumerate() {
                    self.add(path.index(i), None, item);
                }
            }
            _ => {}
        }
        let source = self.source.clone();
        self.spans.insert(path, Spans { source, key, value: value.span(), text });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Places {
        let source = Arc::new(Source { name: "a.toml".into(), text: text.into() });
        let document = DeTable::parse(text).expect("valid TOML");
        Places::of(source, document.get_ref())
    }

    fn text(place: &Place) -> &str {
        &place.source.text[place.span.clone()]
    }

    #[test]
    fn values_keys_and_what_is_not_there() {
        let p = places("[[estimate]]\nby = [\"a\", \"b\"]\n[design.replicates]\nrho = 0.5\n");
        let estimate = KeyPath::root().key("estimate").index(0);
        assert_eq!(text(&p.value(&estimate)), "[[estimate]]");
        assert_eq!(text(&p.key(&estimate.key("by"))), "by");
        assert_eq!(text(&p.value(&estimate.key("by").index(1))), "\"b\"");
        assert_eq!(text(&p.value(&estimate.key("mean"))), "[[estimate]]");
        let replicates = KeyPath::root().key("design").key("replicates");
        assert_eq!(text(&p.value(&replicates)), "[design.replicates]");
        assert_eq!(text(&p.value(&replicates.key("rho"))), "0.5");
        assert_eq!(p.value(&KeyPath::root().key("title")).span, 0..0);
    }

    #[test]
    fn parts_of_texts() {
        let p =
            places("a = \"x == y\"\nb = 'x == y'\nc = \"\"\"\nx == y\"\"\"\nd = \"é\\t== y\"\n");
        for key in ["a", "b", "c"] {
            let place = p.within(&KeyPath::root().key(key), 2..4);
            assert_eq!(text(&place), "==", "{key}");
        }
        assert_eq!(text(&p.within(&KeyPath::root().key("d"), 2..4)), "\"é\\t== y\"");
        assert_eq!(text(&p.within(&KeyPath::root().key("a"), 5..99)), "y");
    }

    #[test]
    fn paths_in_words() {
        let root = KeyPath::root();
        assert_eq!(root.header(), "the file");
        assert_eq!(root.key("data").header(), "`[data]`");
        assert_eq!(root.key("estimate").index(0).header(), "`[[estimate]]`");
        assert_eq!(root.key("estimate").index(0).key("ratio").header(), "`[estimate.ratio]`");
        assert_eq!(root.key("by").index(1).to_string(), "item 2 of `by`");
    }
}
