//! What a value may look like: a JSON schema, read into the few shapes it is made of.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// All shapes of a schema, and the definitions they refer to.
#[derive(Debug, Clone)]
pub(crate) struct Shapes {
    /// What the document is called in a sentence: "the study".
    pub(crate) whole: &'static str,
    /// The shape of the document.
    pub(crate) root: Shape,
    definitions: BTreeMap<String, Shape>,
    /// What the schema says and these shapes cannot express; empty, as a test makes sure.
    pub(crate) not_understood: Vec<String>,
}

/// What one value may look like.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    /// A table.
    Table(TableShape),
    /// A list.
    List(ListShape),
    /// A text of so many characters.
    Text { shortest: u64, longest: Option<u64> },
    /// A number within limits, with or without a decimal point.
    Number { least: Option<f64>, most: Option<f64> },
    /// A whole number within limits.
    Integer { least: Option<f64>, most: Option<f64> },
    /// True or false.
    Flag,
    /// One of some texts, each with what it means.
    Choice(Vec<(String, Option<String>)>),
    /// One of several shapes.
    AnyOf(Vec<Shape>),
    /// A definition, by name.
    Reference(String),
    /// Anything.
    Any,
}

/// The keys of a table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TableShape {
    /// The keys that have a meaning, in the order of the schema.
    pub(crate) keys: Vec<KeyShape>,
    /// The shape of the values of all other keys; `None` when there may be none.
    pub(crate) others: Option<Box<Shape>>,
}

/// One key of a table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KeyShape {
    pub(crate) name: String,
    pub(crate) shape: Shape,
    pub(crate) required: bool,
    pub(crate) description: Option<String>,
}

/// The items of a list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ListShape {
    /// The first items, where each has a shape of its own.
    pub(crate) first: Vec<Shape>,
    /// All other items.
    pub(crate) rest: Box<Shape>,
    pub(crate) fewest: u64,
    pub(crate) most: Option<u64>,
}

impl Shapes {
    /// Reads a schema; `whole` is what its document is called in a sentence.
    pub(crate) fn of(schema: &Value, whole: &'static str) -> Shapes {
        let mut reader = Reader::default();
        let root = reader.shape(schema, "");
        let mut definitions = BTreeMap::new();
        if let Some(Value::Object(all)) = schema.get("$defs") {
            for (name, definition) in all {
                let shape = reader.shape(definition, &format!("/$defs/{name}"));
                definitions.insert(name.clone(), shape);
            }
        }
        for name in &reader.references {
            if !definitions.contains_key(name) {
                reader.not_understood.push(format!("$ref to {name}, which is not defined"));
            }
        }
        Shapes { whole, root, definitions, not_understood: reader.not_understood }
    }

    /// The shape itself, behind any references.
    pub(crate) fn resolve<'a>(&'a self, mut shape: &'a Shape) -> &'a Shape {
        // As many steps as there are definitions: a circle of bare references ends here.
        for _ in 0..=self.definitions.len() {
            match shape {
                Shape::Reference(name) => match self.definitions.get(name) {
                    Some(definition) => shape = definition,
                    None => return &Shape::Any,
                },
                found => return found,
            }
        }
        &Shape::Any
    }

    /// The shapes a value may have, with alternatives within alternatives laid side by side.
    pub(crate) fn alternatives<'a>(&'a self, shape: &'a Shape) -> Vec<&'a Shape> {
        match self.resolve(shape) {
            Shape::AnyOf(shapes) => shapes.iter().flat_map(|s| self.alternatives(s)).collect(),
            one => vec![one],
        }
    }

    /// A value of the shape, to stand in for one that is wrong or missing.
    pub(crate) fn stand_in(&self, shape: &Shape) -> Value {
        match self.alternatives(shape).first() {
            Some(Shape::Table(table)) => {
                let required = table.keys.iter().filter(|k| k.required);
                Value::Object(required.map(|k| (k.name.clone(), self.stand_in(&k.shape))).collect())
            }
            Some(Shape::List(list)) => {
                let count = list.fewest.min(64) as usize;
                (0..count).map(|i| self.stand_in(list.first.get(i).unwrap_or(&list.rest))).collect()
            }
            Some(Shape::Text { shortest, .. }) => {
                Value::String("?".repeat((*shortest).min(64) as usize))
            }
            Some(Shape::Number { least, most } | Shape::Integer { least, most }) => {
                let zero = 0.0_f64.max(least.unwrap_or(0.0)).min(most.unwrap_or(f64::MAX));
                if zero.fract() == 0.0 { json!(zero as i64) } else { json!(zero) }
            }
            Some(Shape::Flag) => Value::Bool(false),
            Some(Shape::Choice(choices)) => {
                choices.first().map_or(Value::Null, |(value, _)| Value::String(value.clone()))
            }
            _ => Value::Null,
        }
    }

    /// What would be accepted, in words: "text or a list of texts".
    pub(crate) fn words(&self, shape: &Shape) -> String {
        let mut words: Vec<String> = Vec::new();
        for shape in self.alternatives(shape) {
            let word = match shape {
                Shape::Table(_) => "a table".to_string(),
                Shape::List(list) => format!("a list of {}", self.plural(&list.rest)),
                Shape::Text { longest: Some(1), .. } => "one character in quotes".to_string(),
                Shape::Text { .. } => "text in quotes".to_string(),
                Shape::Number { .. } => "a number".to_string(),
                Shape::Integer { .. } => "a whole number".to_string(),
                Shape::Flag => "`true` or `false`".to_string(),
                Shape::Choice(choices) => {
                    let all: Vec<String> = choices.iter().map(|(c, _)| format!("{c:?}")).collect();
                    all.join(" or ")
                }
                _ => "a value".to_string(),
            };
            if !words.contains(&word) {
                words.push(word);
            }
        }
        words.join(" or ")
    }

    fn plural(&self, shape: &Shape) -> String {
        let mut words: Vec<&str> = Vec::new();
        for shape in self.alternatives(shape) {
            let word = match shape {
                Shape::Table(_) => "tables",
                Shape::List(_) => "lists",
                Shape::Text { .. } | Shape::Choice(_) => "texts",
                Shape::Number { .. } => "numbers",
                Shape::Integer { .. } => "whole numbers",
                _ => "values",
            };
            if !words.contains(&word) {
                words.push(word);
            }
        }
        words.join(" or ")
    }
}

#[derive(Default)]
struct Reader {
    references: Vec<String>,
    not_understood: Vec<String>,
}

impl Reader {
    fn shape(&mut self, schema: &Value, at: &str) -> Shape {
        let map = match schema {
            Value::Object(map) => map,
            Value::Bool(true) => return Shape::Any,
            _ => return self.unknown(at, "a schema that is no object"),
        };
        self.keywords(map, at);
        if let Some(reference) = map.get("$ref") {
            return match reference.as_str().and_then(|r| r.strip_prefix("#/$defs/")) {
                Some(name) => {
                    self.references.push(name.to_string());
                    Shape::Reference(name.to_string())
                }
                None => self.unknown(at, "a $ref that does not lead to $defs"),
            };
        }
        if let Some(alternatives) = map.get("anyOf").or_else(|| map.get("oneOf")) {
            return self.alternatives(alternatives, at);
        }
        if let Some(values) = map.get("enum").and_then(Value::as_array) {
            return self.choice(values.iter().map(|v| (v, None)), at);
        }
        if let Some(value) = map.get("const") {
            return self.choice(std::iter::once((value, text_of(map, "description"))), at);
        }
        match map.get("type") {
            Some(Value::String(name)) => self.typed(name, map, at),
            Some(Value::Array(names)) => {
                let names: Vec<&str> =
                    names.iter().filter_map(Value::as_str).filter(|n| *n != "null").collect();
                let mut shapes: Vec<Shape> =
                    names.iter().map(|name| self.typed(name, map, at)).collect();
                if shapes.len() == 1 { shapes.remove(0) } else { Shape::AnyOf(shapes) }
            }
            None => Shape::Any,
            Some(_) => self.unknown(at, "a type that is neither text nor a list"),
        }
    }

    fn typed(&mut self, name: &str, map: &Map<String, Value>, at: &str) -> Shape {
        let count = |key: &str| map.get(key).and_then(Value::as_u64);
        let limit = |key: &str| map.get(key).and_then(Value::as_f64);
        match name {
            "object" => Shape::Table(self.table(map, at)),
            "array" => {
                let first = match map.get("prefixItems").and_then(Value::as_array) {
                    Some(items) => items.iter().map(|i| self.shape(i, at)).collect(),
                    None => Vec::new(),
                };
                let (rest, closed) = match map.get("items") {
                    Some(Value::Bool(false)) => (Shape::Any, Some(first.len() as u64)),
                    Some(items) => (self.shape(items, at), None),
                    None => (Shape::Any, None),
                };
                Shape::List(ListShape {
                    first,
                    rest: Box::new(rest),
                    fewest: count("minItems").unwrap_or(0),
                    most: count("maxItems").or(closed),
                })
            }
            "string" => Shape::Text {
                shortest: count("minLength").unwrap_or(0),
                longest: count("maxLength"),
            },
            "number" => Shape::Number { least: limit("minimum"), most: limit("maximum") },
            "integer" => Shape::Integer { least: limit("minimum"), most: limit("maximum") },
            "boolean" => Shape::Flag,
            other => self.unknown(at, &format!("type {other}")),
        }
    }

    fn table(&mut self, map: &Map<String, Value>, at: &str) -> TableShape {
        let required: Vec<&str> = map
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let mut keys = Vec::new();
        if let Some(Value::Object(properties)) = map.get("properties") {
            for (name, schema) in properties {
                keys.push(KeyShape {
                    name: name.clone(),
                    shape: self.shape(schema, &format!("{at}/properties/{name}")),
                    required: required.contains(&name.as_str()),
                    description: schema.as_object().and_then(|m| text_of(m, "description")),
                });
            }
        }
        let others = match map.get("additionalProperties") {
            Some(Value::Bool(false)) => None,
            Some(schema) => Some(Box::new(self.shape(schema, at))),
            None => Some(Box::new(Shape::Any)),
        };
        TableShape { keys, others }
    }

    /// Alternatives; those that are all constants make one choice, and null is left out.
    fn alternatives(&mut self, alternatives: &Value, at: &str) -> Shape {
        let Some(all) = alternatives.as_array() else {
            return self.unknown(at, "alternatives that are no list");
        };
        let mut shapes: Vec<Shape> = Vec::new();
        for schema in all {
            if schema.get("type").is_some_and(|t| t == "null") {
                continue;
            }
            match (self.shape(schema, at), shapes.last_mut()) {
                (Shape::Choice(more), Some(Shape::Choice(choices))) => choices.extend(more),
                (shape, _) => shapes.push(shape),
            }
        }
        if shapes.len() == 1 { shapes.remove(0) } else { Shape::AnyOf(shapes) }
    }

    fn choice<'a>(
        &mut self,
        values: impl Iterator<Item = (&'a Value, Option<String>)>,
        at: &str,
    ) -> Shape {
        let mut choices = Vec::new();
        for (value, description) in values {
            match value {
                Value::String(text) => choices.push((text.clone(), description)),
                Value::Null => {}
                other => return self.unknown(at, &format!("the constant {other}")),
            }
        }
        Shape::Choice(choices)
    }

    fn keywords(&mut self, map: &Map<String, Value>, at: &str) {
        const KNOWN: [&str; 23] = [
            "$schema",
            "$defs",
            "$ref",
            "title",
            "description",
            "default",
            "type",
            "properties",
            "required",
            "additionalProperties",
            "enum",
            "const",
            "oneOf",
            "anyOf",
            "items",
            "prefixItems",
            "minItems",
            "maxItems",
            "minimum",
            "maximum",
            "minLength",
            "maxLength",
            "format",
        ];
        // Formats that say no more than the type and its limits do.
        const FORMATS: [&str; 9] =
            ["double", "float", "uint", "uint8", "uint32", "uint64", "int", "int32", "int64"];
        for (keyword, value) in map {
            if !KNOWN.contains(&keyword.as_str()) {
                self.unknown(at, &format!("the keyword {keyword}"));
            } else if keyword == "format" && !value.as_str().is_some_and(|f| FORMATS.contains(&f)) {
                self.unknown(at, &format!("the format {value}"));
            }
        }
    }

    fn unknown(&mut self, at: &str, what: &str) -> Shape {
        self.not_understood.push(format!("#{at}: {what}"));
        Shape::Any
    }
}

fn text_of(map: &Map<String, Value>, key: &str) -> Option<String> {
    map.get(key).and_then(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(schema: Value) -> Shapes {
        Shapes::of(&schema, "the file")
    }

    #[test]
    fn what_is_not_understood_is_said() {
        for schema in [
            json!({ "type": "string", "pattern": "^a" }),
            json!({ "type": "number", "exclusiveMinimum": 0 }),
            json!({ "allOf": [{ "type": "string" }] }),
            json!({ "type": "string", "format": "email" }),
            json!({ "type": "null" }),
            json!({ "$ref": "#/$defs/Nowhere" }),
            json!({ "$ref": "https://example.org" }),
            json!({ "const": 3 }),
            json!({ "properties": { "a": { "not": {} } }, "type": "object" }),
            json!(3),
        ] {
            assert_eq!(read(schema.clone()).not_understood.len(), 1, "{schema}");
        }
    }

    #[test]
    fn every_keyword_becomes_a_shape() {
        let text = Shape::Text { shortest: 0, longest: None };
        let number = Shape::Number { least: None, most: None };
        let cases = [
            (json!({ "type": "string" }), text.clone()),
            (json!({ "type": ["string", "null"] }), text.clone()),
            (json!({ "anyOf": [{ "type": "string" }, { "type": "null" }] }), text.clone()),
            (
                json!({ "type": ["string", "number"] }),
                Shape::AnyOf(vec![text.clone(), number.clone()]),
            ),
            (
                json!({ "type": "string", "minLength": 1, "maxLength": 1 }),
                Shape::Text { shortest: 1, longest: Some(1) },
            ),
            (json!({ "type": "boolean" }), Shape::Flag),
            (
                json!({ "type": "integer", "format": "uint", "minimum": 0, "maximum": 9 }),
                Shape::Integer { least: Some(0.0), most: Some(9.0) },
            ),
            (
                json!({ "enum": ["a", "b", null] }),
                Shape::Choice(vec![("a".into(), None), ("b".into(), None)]),
            ),
            (
                json!({ "oneOf": [{ "const": "a", "description": "A." }, { "enum": ["b"] }] }),
                Shape::Choice(vec![("a".into(), Some("A.".into())), ("b".into(), None)]),
            ),
            (
                json!({ "type": "array", "items": { "type": "number" }, "minItems": 2,
                    "maxItems": 3 }),
                Shape::List(ListShape {
                    first: vec![],
                    rest: Box::new(number.clone()),
                    fewest: 2,
                    most: Some(3),
                }),
            ),
            (
                json!({ "type": "array", "prefixItems": [{ "type": "string" }], "items": false }),
                Shape::List(ListShape {
                    first: vec![text.clone()],
                    rest: Box::new(Shape::Any),
                    fewest: 0,
                    most: Some(1),
                }),
            ),
            (
                json!({ "type": "object", "properties": { "a": { "type": "string",
                    "description": "A." } }, "required": ["a"], "additionalProperties": false }),
                Shape::Table(TableShape {
                    keys: vec![KeyShape {
                        name: "a".into(),
                        shape: text.clone(),
                        required: true,
                        description: Some("A.".into()),
                    }],
                    others: None,
                }),
            ),
            (
                json!({ "type": "object", "additionalProperties": { "type": "number" } }),
                Shape::Table(TableShape { keys: vec![], others: Some(Box::new(number)) }),
            ),
        ];
        for (schema, expected) in cases {
            let shapes = read(schema.clone());
            assert_eq!(shapes.root, expected, "{schema}");
            assert!(shapes.not_understood.is_empty(), "{schema}");
        }
    }

    #[test]
    fn circles_of_references_end() {
        let shapes =
            read(json!({ "$ref": "#/$defs/A", "$defs": { "A": { "$ref": "#/$defs/A" } } }));
        assert_eq!(shapes.resolve(&shapes.root), &Shape::Any);
    }

    #[test]
    fn words() {
        let names = json!({ "anyOf": [{ "type": "string" },
            { "type": "array", "items": { "type": "string" } }] });
        let shapes = read(names);
        assert_eq!(shapes.words(&shapes.root), "text in quotes or a list of texts");
    }
}
