//! The JSON schema of a file, made from the types it is read into.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

/// The JSON schema (draft 2020-12) of a file that is read into `T`, for editors and for our own
/// check; `title` says what file it is.
///
/// It is made from the type, so it cannot fall behind the program. TOML has no null: an
/// optional key is one that is not required, and `null` does not occur.
pub fn schema_of<T: JsonSchema>(title: &str) -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<T>().to_value();
    tidy(&mut schema);
    if let Value::Object(root) = &mut schema {
        root.insert("title".into(), title.into());
    }
    schema
}

/// Takes the nulls and the line breaks of the source code out of a schema.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            one_type(map);
            one_alternative(map);
            if map.get("default").is_some_and(|d| !d.is_boolean()) {
                map.remove("default");
            }
            if let Some(Value::String(text)) = map.get_mut("description") {
                *text = unwrapped(text);
            }
            map.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}

/// `"type": ["string", "null"]` becomes `"type": "string"`.
fn one_type(map: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = map.get_mut("type") {
        types.retain(|t| t != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            map.insert("type".into(), only);
        }
    }
}

/// `"anyOf": [x, null]` becomes `x`, with the description that stood beside it.
fn one_alternative(map: &mut Map<String, Value>) {
    let Some(Value::Array(alternatives)) = map.get_mut("anyOf") else { return };
    alternatives.retain(|a| a.get("type").is_none_or(|t| t != "null"));
    if let [Value::Object(only)] = alternatives.as_slice() {
        let only = only.clone();
        map.remove("anyOf");
        for (key, value) in only {
            map.entry(key).or_insert(value);
        }
    }
}

/// Joins the lines of a paragraph; an empty line stays.
fn unwrapped(text: &str) -> String {
    let paragraphs: Vec<String> =
        text.split("\n\n").map(|p| p.lines().collect::<Vec<_>>().join(" ")).collect();
    paragraphs.join("\n\n")
}
