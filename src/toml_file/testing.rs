//! Checks that the schema of a file and the types it is read into are one.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use toml::de::DeTable;

use super::places::Places;
use super::shape::{Shape, Shapes};
use super::structure::{Checked, check};
use super::synonyms;
use crate::diagnostic::Source;

/// A schema is understood in full by the structure check, and says what every key means.
pub(crate) fn schema_is_sound(schema: &Value) {
    assert_eq!(Shapes::of(schema, "the file").not_understood, Vec::<String>::new());
    described("the file", schema);
    for (name, definition) in schema["$defs"].as_object().expect("definitions") {
        described(name, definition);
    }
}

fn described(name: &str, value: &Value) {
    if let Some(Value::Object(keys)) = value.get("properties") {
        for (key, schema) in keys {
            let text = schema["description"].as_str().unwrap_or("");
            assert!(!text.is_empty() && !text.contains('\n'), "{name}.{key}: {text:?}");
        }
    }
}

fn walked(schema: &Value, text: &str) -> Checked {
    let source = Arc::new(Source { name: "a".into(), text: text.into() });
    let document = DeTable::parse(text).expect("valid TOML");
    let places = Places::of(source, document.get_ref());
    check(&Shapes::of(schema, "the file"), document.get_ref(), &places)
}

/// Stand-ins make a value of the type of any wreck.
pub(crate) fn any_wreck_is_read<T: DeserializeOwned>(schema: &Value, wrecks: &[&str]) {
    for text in wrecks {
        let checked = walked(schema, text);
        assert!(!checked.mistakes.is_empty());
        let read = serde_json::from_value::<T>(checked.value);
        assert!(read.is_ok(), "{text}: {:?}", read.err());
    }
}

/// Everything a shape can hold, so that the types must accept all that the schema does.
fn full(shapes: &Shapes, shape: &Shape, pick: usize) -> Value {
    let alternatives = shapes.alternatives(shape);
    match alternatives[pick % alternatives.len()] {
        Shape::Table(table) => {
            let mut out = Map::new();
            for key in &table.keys {
                out.insert(key.name.clone(), full(shapes, &key.shape, pick));
            }
            if let Some(others) = &table.others {
                out.insert("some key".into(), full(shapes, others, pick));
            }
            Value::Object(out)
        }
        Shape::List(list) => {
            let count = list.most.unwrap_or(3);
            (0..count).map(|i| full(shapes, &list.rest, pick + i as usize)).collect()
        }
        Shape::Choice(choices) => json!(choices[pick % choices.len()].0),
        other => shapes.stand_in(other),
    }
}

/// The type takes whatever the schema allows, and the walk finds nothing wrong with it.
pub(crate) fn types_accept_the_schema<T: DeserializeOwned>(schema: &Value) {
    let shapes = Shapes::of(schema, "the file");
    for pick in 0..12 {
        let value = full(&shapes, &shapes.root, pick);
        let read = serde_json::from_value::<T>(value.clone());
        assert!(read.is_ok(), "{:?}\n{value:#}", read.err());
        let text = toml::to_string(&value).expect("TOML");
        let checked = walked(schema, &text);
        assert!(checked.mistakes.is_empty(), "{text}\n{:#?}", checked.mistakes);
        assert_eq!(checked.value, value);
    }
}

/// Every synonym leads to a word of the schema.
pub(crate) fn synonyms_lead_to_words(schema: &Value) {
    let schema = schema.to_string();
    for (from, to) in synonyms::all() {
        assert!(schema.contains(&format!("\"{to}\"")), "{from} → {to}");
    }
}
