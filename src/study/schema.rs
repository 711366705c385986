//! The JSON schema of the study file, made from the types it is read into.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::spec::Study;

/// The JSON schema (draft 2020-12) of the study file, for editors and for our own check.
///
/// It is made from [`Study`], so it cannot fall behind the program. TOML has no null: an
/// optional key is one that is not required, and `null` does not occur.
pub fn json_schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<Study>().to_value();
    tidy(&mut schema);
    if let Value::Object(root) = &mut schema {
        root.insert("title".into(), "rakewell study file".into());
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

#[cfg(test)]
mod tests {
    use super::*;

    fn anywhere(value: &Value, test: &dyn Fn(&Value) -> bool) -> bool {
        test(value)
            || match value {
                Value::Object(map) => map.values().any(|v| anywhere(v, test)),
                Value::Array(items) => items.iter().any(|v| anywhere(v, test)),
                _ => false,
            }
    }

    #[test]
    fn no_null_is_left() {
        let schema = json_schema();
        assert!(!anywhere(&schema, &|v| v.is_null() || v == "null"));
        assert!(schema.get("$id").is_none());
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(schema["properties"]["where"]["type"], "string");
        assert_eq!(schema["$defs"]["Data"]["properties"]["format"]["$ref"], "#/$defs/Format");
    }

    #[test]
    fn every_key_is_described() {
        fn check(name: &str, value: &Value) {
            if let Some(Value::Object(keys)) = value.get("properties") {
                for (key, schema) in keys {
                    let text = schema["description"].as_str().unwrap_or("");
                    assert!(!text.is_empty() && !text.contains('\n'), "{name}.{key}: {text:?}");
                }
            }
        }
        let schema = json_schema();
        check("study", &schema);
        for (name, definition) in schema["$defs"].as_object().expect("definitions") {
            check(name, definition);
        }
    }
}
