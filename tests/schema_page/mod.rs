//! Pages that list every key of a file: the reference at their end is made from the schema.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A page under `docs/` and the schema its reference is made from.
pub struct Page {
    pub name: &'static str,
    pub test: &'static str,
    pub schema: Value,
}

impl Page {
    fn path(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(self.name)
    }

    pub fn read(&self) -> String {
        fs::read_to_string(self.path()).expect("the page")
    }

    /// The reference is that of the schema; with `RAKEWELL_WRITE_DOCS` it is written.
    pub fn reference_is_that_of_the_schema(&self) {
        let text = self.read();
        let mark = format!(
            "<!-- Made from the schema by tests/{}.rs; do not edit below. -->\n",
            self.test
        );
        let (before, after) = text.split_once(&mark).expect("the mark in the page");
        let mut reference = String::new();
        let top = "At the top of the file";
        section(&self.schema, &self.schema, top, "", &mut Vec::new(), &mut reference);
        if std::env::var_os("RAKEWELL_WRITE_DOCS").is_some() {
            fs::write(self.path(), format!("{before}{mark}{reference}")).expect("written");
            return;
        }
        assert!(
            after == reference,
            "docs/{} is behind the schema: RAKEWELL_WRITE_DOCS=1 cargo test --test {}",
            self.name,
            self.test
        );
    }

    /// Every key of the schema is on the page.
    pub fn every_key_is_on_the_page(&self) {
        fn keys(value: &Value, out: &mut Vec<String>) {
            if let Some(properties) = value["properties"].as_object() {
                out.extend(properties.keys().cloned());
            }
            match value {
                Value::Object(map) => map.values().for_each(|v| keys(v, out)),
                Value::Array(items) => items.iter().for_each(|v| keys(v, out)),
                _ => {}
            }
        }
        let mut all = Vec::new();
        keys(&self.schema, &mut all);
        assert!(all.len() > 80, "{}", all.len());
        let text = self.read();
        for key in all {
            assert!(text.contains(&format!("| `{key}`")), "{key}");
        }
    }

    /// The TOML examples of the page.
    pub fn examples(&self) -> Vec<String> {
        let text = self.read();
        let blocks = text.split("```toml\n").skip(1);
        blocks.filter_map(|b| b.split("```").next()).map(str::to_string).collect()
    }
}

/// What the schema calls by a reference.
fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str().and_then(|r| r.strip_prefix("#/$defs/")) {
        Some(name) => &root["$defs"][name],
        None => schema,
    }
}

/// The kind of a value, in the words of the page.
fn kind(root: &Value, schema: &Value) -> String {
    let schema = resolved(root, schema);
    if let Some(all) = schema["anyOf"].as_array() {
        return all.iter().map(|s| kind(root, s)).collect::<Vec<_>>().join(" or ");
    }
    if schema["oneOf"].is_array() {
        return "one of the values below".into();
    }
    match schema["type"].as_str().unwrap_or("") {
        "string" if schema["maxLength"] == 1 => "one character".into(),
        "string" => "text".into(),
        "number" => "number".into(),
        "integer" => "whole number".into(),
        "boolean" => "true or false".into(),
        "array" => {
            let item = kind(root, &schema["items"]);
            match schema["minItems"].as_u64() {
                Some(count) => format!("list of {count} × {item}"),
                None => format!("list of {item}"),
            }
        }
        "object" if schema["properties"].is_object() => "table".into(),
        "object" => format!("table of {}", kind(root, &schema["additionalProperties"])),
        other => panic!("the page has no word for {other:?}: {schema}"),
    }
}

/// The table of keys of one table of the file, and after it the tables within.
fn section(
    root: &Value,
    schema: &Value,
    header: &str,
    name: &str,
    done: &mut Vec<Value>,
    out: &mut String,
) {
    let described = schema["description"].as_str().unwrap_or("");
    out.push_str(&format!("\n### {header}\n\n{described}\n\n"));
    out.push_str("| key | value | meaning |\n|---|---|---|\n");
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let keys = schema["properties"].as_object().expect("properties");
    let mut choices = String::new();
    let mut inner: Vec<(Value, String, String)> = Vec::new();
    for (key, value) in keys {
        let need = if required.contains(&key.as_str()) { " (required)" } else { "" };
        let meaning = value["description"].as_str().unwrap_or("").replace('|', "\\|");
        out.push_str(&format!("| `{key}`{need} | {} | {meaning} |\n", kind(root, value)));
        let target = resolved(root, value);
        let forms = target["anyOf"].as_array().into_iter().flatten();
        let forms: Vec<&Value> = forms.map(|form| resolved(root, form)).collect();
        for target in forms.iter().copied().chain([target]) {
            for choice in target["oneOf"].as_array().into_iter().flatten() {
                let meaning = choice["description"].as_str().unwrap_or("");
                let value = choice["const"].as_str().expect("a text");
                choices.push_str(&format!("- `{key} = \"{value}\"`: {meaning}\n"));
            }
        }
        let path = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
        let items = resolved(root, &target["items"]);
        let others = resolved(root, &target["additionalProperties"]);
        let table = forms.iter().find(|form| form["properties"].is_object());
        if let Some(form) = table {
            let form = (*form).clone();
            // Keys that take the same table share its section.
            match inner.iter_mut().find(|known| known.0 == form) {
                Some((_, header, _)) => header.push_str(&format!(", `[{path}]`")),
                None => inner.push((form, format!("`[{path}]`"), path)),
            }
        } else if target["properties"].is_object() {
            inner.push((target.clone(), format!("`[{path}]`"), path));
        } else if items["properties"].is_object() {
            inner.push((items.clone(), format!("`[[{path}]]`"), path));
        } else if others["properties"].is_object() {
            inner.push((others.clone(), format!("`[{path}.NAME]`"), format!("{path}.NAME")));
        }
    }
    if !choices.is_empty() {
        out.push_str(&format!("\n{choices}"));
    }
    for (schema, header, path) in inner {
        // A table that many keys take is shown once.
        if !done.contains(&schema) {
            done.push(schema.clone());
            section(root, &schema, &header, &path, done, out);
        }
    }
}
