//! The structure of a file: every key known, every value of the right kind.
//!
//! The parsed document is walked against the shapes of the JSON schema. All mistakes are
//! collected; a stand-in takes the place of each wrong value, so that the rules about the rest
//! of the file can be checked in the same run.

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Diagnostic, nearest};
use crate::toml_file::places::{KeyPath, Places};
use crate::toml_file::shape::{KeyShape, ListShape, Shape, Shapes, TableShape};
use crate::toml_file::synonyms::synonym;
use crate::toml_file::words::{example, found, listing, misfit, number_text};

/// A document after the walk.
#[derive(Debug)]
pub(crate) struct Checked {
    /// The document, with stand-ins for what was wrong.
    pub(crate) value: Value,
    /// What was wrong.
    pub(crate) mistakes: Vec<Diagnostic>,
    /// Where: the rules say nothing about these.
    pub(crate) bad: Vec<KeyPath>,
}

/// Walks a document against shapes.
pub(crate) fn check(shapes: &Shapes, document: &DeTable<'_>, places: &Places) -> Checked {
    let mut walk = Walk { shapes, places, mistakes: Vec::new(), bad: Vec::new() };
    let root = KeyPath::root();
    let value = match shapes.resolve(&shapes.root) {
        Shape::Table(table) => walk.table(table, document, &root),
        _ => Value::Object(Map::new()),
    };
    Checked { value, mistakes: walk.mistakes, bad: walk.bad }
}

struct Walk<'a> {
    shapes: &'a Shapes,
    places: &'a Places,
    mistakes: Vec<Diagnostic>,
    bad: Vec<KeyPath>,
}

impl Walk<'_> {
    fn value(&mut self, shape: &Shape, value: &Spanned<DeValue<'_>>, path: &KeyPath) -> Value {
        let shapes = self.shapes;
        let alternatives = shapes.alternatives(shape);
        // A TOML value tells its kind, so at most one alternative fits in the kinds of schema
        // that our files have; the first is taken if there are more.
        match alternatives.iter().find(|s| fits(s, value.get_ref())) {
            Some(fitting) => self.fitting(shape, fitting, value.get_ref(), path),
            None => self.misfit(shape, value.get_ref(), path),
        }
    }

    /// A value of the right kind: its parts and limits are left to check.
    fn fitting(
        &mut self,
        whole: &Shape,
        shape: &Shape,
        value: &DeValue<'_>,
        path: &KeyPath,
    ) -> Value {
        match (shape, value) {
            (Shape::Table(table), DeValue::Table(found)) => self.table(table, found, path),
            (Shape::List(list), DeValue::Array(_)) => self.list(list, value, path),
            (Shape::Text { shortest, longest }, DeValue::String(text)) => {
                self.text(whole, (*shortest, *longest), text, path)
            }
            (Shape::Choice(choices), DeValue::String(text)) => {
                self.choice(whole, choices, text, path)
            }
            (Shape::Number { least, most } | Shape::Integer { least, most }, _) => {
                self.number(whole, (*least, *most), value, path)
            }
            (Shape::Flag, DeValue::Boolean(flag)) => Value::Bool(*flag),
            _ => as_json(value),
        }
    }

    fn table(&mut self, shape: &TableShape, table: &DeTable<'_>, path: &KeyPath) -> Value {
        let mut out = Map::new();
        for (key, value) in table.iter() {
            let name = key.get_ref().as_ref();
            let inner = path.key(name);
            if let Some(known) = shape.keys.iter().find(|k| k.name == name) {
                out.insert(name.to_string(), self.value(&known.shape, value, &inner));
            } else if let Some(others) = &shape.others {
                out.insert(name.to_string(), self.value(others, value, &inner));
            } else {
                self.unknown_key(shape, name, table, &inner);
            }
        }
        for key in shape.keys.iter().filter(|k| k.required) {
            if out.contains_key(&key.name) {
                continue;
            }
            self.missing_key(key, path);
            out.insert(key.name.clone(), self.shapes.stand_in(&key.shape));
        }
        Value::Object(out)
    }

    fn list(&mut self, shape: &ListShape, value: &DeValue<'_>, path: &KeyPath) -> Value {
        let items = value.as_array().map(|a| a.iter().collect::<Vec<_>>()).unwrap_or_default();
        let count = items.len() as u64;
        if count < shape.fewest || shape.most.is_some_and(|most| count > most) {
            let accepted = match shape.most {
                Some(most) if most == shape.fewest => format!("exactly {most}"),
                Some(most) => format!("{} to {most}", shape.fewest),
                None => format!("at least {}", shape.fewest),
            };
            let values = if count == 1 { "1 value".into() } else { format!("{count} values") };
            let message = format!("{path} must be a list of {accepted} values, not of {count}");
            let meaning = self.meaning(path).unwrap_or_default();
            let diagnostic = Diagnostic::error(message)
                .label(format!("a list of {values}"))
                .help(format!("give {accepted}. {meaning}").trim().to_string());
            return self.wrong(&Shape::List(shape.clone()), diagnostic, path);
        }
        let walked = items.iter().enumerate().map(|(i, item)| {
            let shape = shape.first.get(i).unwrap_or(&shape.rest);
            self.value(shape, item, &path.index(i))
        });
        Value::Array(walked.collect())
    }

    fn text(
        &mut self,
        shape: &Shape,
        (shortest, longest): (u64, Option<u64>),
        text: &str,
        path: &KeyPath,
    ) -> Value {
        let count = text.chars().count() as u64;
        if count >= shortest && longest.is_none_or(|longest| count <= longest) {
            return Value::String(text.to_string());
        }
        let (accepted, help) = match longest {
            Some(1) => ("one character", "give one character, such as \",\" or \";\" or \"\\t\""),
            _ => ("text of another length", "give a text of the right length"),
        };
        let characters = if count == 1 { "character" } else { "characters" };
        let message = format!("{path} must be {accepted}, not {count} {characters}");
        let diagnostic =
            Diagnostic::error(message).label(format!("{count} {characters}")).help(help);
        self.wrong(shape, diagnostic, path)
    }

    fn choice(
        &mut self,
        shape: &Shape,
        choices: &[(String, Option<String>)],
        text: &str,
        path: &KeyPath,
    ) -> Value {
        if choices.iter().any(|(choice, _)| choice == text) {
            return Value::String(text.to_string());
        }
        let names: Vec<&str> = choices.iter().map(|(choice, _)| choice.as_str()).collect();
        let near = nearest(text, names.iter().copied()).or_else(|| synonym(text, &names));
        let help = match (self.other_key(text, path), near) {
            (Some(key), _) => {
                format!(
                    "`{text}` is a value of the key `{key}`. Accepted here: {}",
                    listing(&names)
                )
            }
            (None, Some(near)) => format!("did you mean `{near}`? Accepted: {}", listing(&names)),
            (None, None) => {
                let lines: Vec<String> = choices
                    .iter()
                    .map(|(choice, meaning)| match meaning {
                        Some(meaning) => format!("  {choice}: {meaning}"),
                        None => format!("  {choice}"),
                    })
                    .collect();
                format!("accepted are\n{}", lines.join("\n"))
            }
        };
        let diagnostic = Diagnostic::error(format!("{path} cannot be {text:?}"))
            .label("not one of the accepted values")
            .help(help);
        self.wrong(shape, diagnostic, path)
    }

    fn number(
        &mut self,
        shape: &Shape,
        (least, most): (Option<f64>, Option<f64>),
        value: &DeValue<'_>,
        path: &KeyPath,
    ) -> Value {
        let (number, json) = match number_of(value) {
            Ok(pair) => pair,
            Err(why) => {
                let diagnostic =
                    Diagnostic::error(format!("{path} must be a finite number, not {why}"))
                        .label(why)
                        .help("write a number such as 0.95, 250 or 1e9");
                return self.wrong(shape, diagnostic, path);
            }
        };
        let beyond = match (least, most) {
            (Some(least), _) if number < least => Some(("at least", least)),
            (_, Some(most)) if number > most => Some(("at most", most)),
            _ => None,
        };
        match beyond {
            None => json,
            Some((word, limit)) => {
                let found = number_text(value);
                let diagnostic =
                    Diagnostic::error(format!("{path} must be {word} {limit}, not {found}"))
                        .label(format!("not {word} {limit}"))
                        .help(self.meaning(path).unwrap_or_else(|| "change the number".into()));
                self.wrong(shape, diagnostic, path)
            }
        }
    }

    fn misfit(&mut self, shape: &Shape, value: &DeValue<'_>, path: &KeyPath) -> Value {
        let raw_key = self.places.key(path).span == self.places.value(path).span;
        let help = misfit(self.shapes, shape, value, path, raw_key)
            .or_else(|| self.meaning(path))
            .unwrap_or_else(|| format!("write {}", self.shapes.words(shape)));
        let kind = found(value);
        let message = format!("{path} must be {}, not {kind}", self.shapes.words(shape));
        let diagnostic = Diagnostic::error(message).label(kind).help(help);
        self.wrong(shape, diagnostic, path)
    }

    fn unknown_key(&mut self, shape: &TableShape, name: &str, table: &DeTable<'_>, path: &KeyPath) {
        let parent = path.parent().unwrap_or_default();
        let accepted: Vec<&str> = shape.keys.iter().map(|k| k.name.as_str()).collect();
        // A key that is given already is not what was meant.
        let free: Vec<&str> =
            accepted.iter().copied().filter(|k| !table.contains_key(*k)).collect();
        let near = nearest(name, free.iter().copied()).or_else(|| synonym(name, &free));
        let mut help = String::new();
        if let Some(near) = near {
            help = format!("did you mean `{near}`? ");
        }
        let homes = self.homes(name);
        if !homes.is_empty() {
            help.push_str(&format!("`{name}` is a key of {}. ", homes.join(" and ")));
            let whole = self.shapes.whole;
            if homes.iter().any(|home| home == whole) {
                help.push_str(&format!(
                    "Keys of {whole} stand at the top, before the first [table]. "
                ));
            }
        }
        help.push_str(&format!("Accepted here: {}", listing(&accepted)));
        let diagnostic =
            Diagnostic::error(format!("{} has no key `{name}`", self.table_name(&parent)))
                .at(Some(self.places.key(path)))
                .label("unknown key")
                .help(help);
        self.mistakes.push(diagnostic);
        self.bad.push(path.clone());
    }

    fn missing_key(&mut self, key: &KeyShape, path: &KeyPath) {
        let name = &key.name;
        let is_table = matches!(self.shapes.resolve(&key.shape), Shape::Table(_));
        let add = match (is_table, path.segments().is_empty()) {
            (true, true) => format!("add a table `[{name}]`"),
            (false, true) => format!("add `{}` at the top", example(self.shapes, key)),
            _ => format!("add `{}`", example(self.shapes, key)),
        };
        let help = match &key.description {
            Some(description) => format!("{add}. {description}"),
            None => add,
        };
        let thing = if is_table && path.segments().is_empty() {
            format!("table `[{name}]`")
        } else {
            format!("`{name}`")
        };
        let diagnostic = Diagnostic::error(format!("{} has no {thing}", self.table_name(path)))
            .at(Some(self.places.value(path)))
            .label(format!("`{name}` is missing"))
            .help(help);
        self.mistakes.push(diagnostic);
        self.bad.push(path.key(name.as_str()));
    }

    /// Records a wrong value and gives what stands in for it.
    fn wrong(&mut self, shape: &Shape, diagnostic: Diagnostic, path: &KeyPath) -> Value {
        self.mistakes.push(diagnostic.at(Some(self.places.value(path))));
        self.bad.push(path.clone());
        self.shapes.stand_in(shape)
    }

    /// A table by its header, or an inline table by its key.
    fn table_name(&self, path: &KeyPath) -> String {
        let place = self.places.value(path);
        let raw = place.source.text.get(place.span.clone()).unwrap_or("");
        if raw.starts_with('{') { path.to_string() } else { self.header(path) }
    }

    fn header(&self, path: &KeyPath) -> String {
        if path.segments().is_empty() { self.shapes.whole.to_string() } else { path.header() }
    }

    /// What the schema says about a key.
    fn meaning(&self, path: &KeyPath) -> Option<String> {
        let key = path.last_key()?;
        let mut meaning = None;
        self.each_table(&mut |home, table| {
            let here = home == self.header(&path.parent().unwrap_or_default());
            let known = table.keys.iter().find(|k| k.name == key);
            if let (true, Some(known)) = (here, known) {
                meaning = known.description.clone();
            }
        });
        meaning
    }

    /// Another key of the same table that accepts a text as one of its choices.
    fn other_key(&self, text: &str, path: &KeyPath) -> Option<String> {
        let own = path.last_key()?;
        let header = self.header(&path.parent().unwrap_or_default());
        let accepts = |shape: &Shape| match shape {
            Shape::Choice(choices) => choices.iter().any(|(choice, _)| choice == text),
            _ => false,
        };
        let mut other = None;
        self.each_table(&mut |home, table| {
            let mut keys = table.keys.iter().filter(|key| home == header && key.name != own);
            let fitting =
                keys.find(|key| self.shapes.alternatives(&key.shape).iter().any(|s| accepts(s)));
            other = other.take().or(fitting.map(|key| key.name.clone()));
        });
        other
    }

    /// The tables, as their headers, that have a key of that name.
    fn homes(&self, name: &str) -> Vec<String> {
        let mut homes = Vec::new();
        self.each_table(&mut |home, table| {
            if table.keys.iter().any(|k| k.name == name) && !homes.contains(&home) {
                homes.push(home);
            }
        });
        homes
    }

    fn each_table(&self, visit: &mut dyn FnMut(String, &TableShape)) {
        self.each_table_in(&self.shapes.root, &KeyPath::root(), visit);
    }

    fn each_table_in(
        &self,
        shape: &Shape,
        path: &KeyPath,
        visit: &mut dyn FnMut(String, &TableShape),
    ) {
        // No file of ours is more than eight tables deep; a schema that refers to itself ends here.
        if path.segments().len() > 8 {
            return;
        }
        for shape in self.shapes.alternatives(shape) {
            match shape {
                Shape::Table(table) => {
                    visit(self.header(path), table);
                    for key in &table.keys {
                        self.each_table_in(&key.shape, &path.key(key.name.as_str()), visit);
                    }
                    if let Some(others) = &table.others {
                        self.each_table_in(others, &path.key("…"), visit);
                    }
                }
                Shape::List(list) => self.each_table_in(&list.rest, &path.index(0), visit),
                _ => {}
            }
        }
    }
}

/// True when the value is of the kind of the shape.
fn fits(shape: &Shape, value: &DeValue<'_>) -> bool {
    match shape {
        Shape::Table(_) => value.is_table(),
        Shape::List(_) => value.is_array(),
        Shape::Text { .. } | Shape::Choice(_) => value.is_str(),
        Shape::Number { .. } => value.is_integer() || value.is_float(),
        Shape::Integer { .. } => value.is_integer(),
        Shape::Flag => value.is_bool(),
        Shape::Any => true,
        Shape::AnyOf(_) | Shape::Reference(_) => false,
    }
}

/// The number, for comparing and for JSON; or what it is instead of a finite number.
fn number_of(value: &DeValue<'_>) -> Result<(f64, Value), &'static str> {
    let too_large = "a number that is too large";
    match value {
        DeValue::Integer(integer) => {
            let parsed = i64::from_str_radix(integer.as_str(), integer.radix());
            let whole = parsed.map_err(|_| too_large)?;
            Ok((whole as f64, Value::from(whole)))
        }
        DeValue::Float(float) => {
            let number: f64 = float.as_str().parse().map_err(|_| "a number of no known form")?;
            let json = serde_json::Number::from_f64(number);
            match json {
                Some(json) => Ok((number, Value::Number(json))),
                None if number.is_nan() => Err("`nan`"),
                None if float.as_str().contains("inf") => Err("`inf`"),
                None => Err(too_large),
            }
        }
        _ => Err("something else"),
    }
}

fn as_json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Integer(_) | DeValue::Float(_) => {
            number_of(value).map_or(Value::Null, |(_, json)| json)
        }
        DeValue::Datetime(date) => Value::String(date.to_string()),
        DeValue::Array(items) => items.iter().map(|i| as_json(i.get_ref())).collect(),
        DeValue::Table(table) => table
            .iter()
            .map(|(k, v)| (k.get_ref().to_string(), as_json(v.get_ref())))
            .collect::<Map<_, _>>()
            .into(),
    }
}

#[cfg(test)]
mod tests;
