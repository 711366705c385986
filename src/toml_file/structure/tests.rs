//! The walk over each kind of schema.

use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::diagnostic::Source;

fn walked(schema: &Value, text: &str) -> Checked {
    let source = Arc::new(Source { name: "a".into(), text: text.into() });
    let document = DeTable::parse(text).expect("valid TOML");
    let places = Places::of(source, document.get_ref());
    let shapes = Shapes::of(schema, "the file");
    assert_eq!(shapes.not_understood, Vec::<String>::new());
    check(&shapes, document.get_ref(), &places)
}

/// A table with one key `k` of the schema, and other keys as the schema says.
fn with(key: Value, text: &str, expected: &[&str]) {
    let schema = json!({
        "type": "object",
        "properties": { "k": key, "other": { "type": "string" }, "distance": { "enum": ["sinh"] } },
        "additionalProperties": false,
        "$defs": {
            "Names": { "anyOf": [{ "type": "string" },
                { "type": "array", "items": { "type": "string" } }] },
            "Pair": { "type": "object", "properties": { "a": { "type": "number",
                "description": "The first." }, "b": { "$ref": "#/$defs/Names" } },
                "required": ["a"], "additionalProperties": false },
        },
    });
    let checked = walked(&schema, text);
    let found: Vec<String> = checked.mistakes.iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), expected.len(), "{text}: {found:#?}");
    assert_eq!(checked.bad.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.contains(expected), "{text}\nfound {found}\nexpected {expected}");
    }
}

#[test]
fn texts() {
    let text = || json!({ "type": "string" });
    with(text(), "k = 'x'", &[]);
    with(text(), "k = 3", &["a:1:5: `k` must be text in quotes, not the number 3 (put it in"]);
    with(text(), "k = true", &["not `true` (put it in quotes: `\"true\"`"]);
    with(text(), "k = 2025-01-31", &["not the date 2025-01-31 (put it in quotes"]);
    with(text(), "k = ['x']", &["not a list (give one value, without square brackets"]);
    with(text(), "k.x = 1", &["not a table (a header `[k]` or a key with a dot"]);
    let one = || json!({ "type": ["string", "null"], "minLength": 1, "maxLength": 1 });
    with(one(), "k = 'é'", &[]);
    with(one(), "k = 'ab'", &["must be one character, not 2 characters"]);
    with(one(), "k = ''", &["not 0 characters"]);
    with(json!({ "type": "string", "minLength": 3 }), "k = 'ab'", &["of another length"]);
}

#[test]
fn numbers() {
    let number = || json!({ "type": "number", "format": "double" });
    with(number(), "k = 3", &[]);
    with(number(), "k = -1_000.5e3", &[]);
    with(number(), "k = 0xff", &[]);
    with(number(), "k = '0.95'", &["write it without quotes: `0.95`"]);
    with(number(), "k = '0,95'", &["with a decimal point, without quotes: `0.95`"]);
    with(number(), "k = '99.9 %'", &["as a share, without quotes: `0.999`"]);
    with(number(), "k = 'many'", &["must be a number, not the text \"many\" (write a number)"]);
    for wrong in ["nan", "-inf", "1e999", "99999999999999999999"] {
        with(number(), &format!("k = {wrong}"), &["must be a finite number"]);
    }
    let whole = || json!({ "type": "integer", "format": "uint", "minimum": 0, "maximum": 9 });
    with(whole(), "k = 9", &[]);
    with(whole(), "k = -1", &["must be at least 0, not -1"]);
    with(whole(), "k = 10", &["must be at most 9, not 10"]);
    with(whole(), "k = 3.0", &["write it without a decimal point: `3`"]);
    with(whole(), "k = 3.5", &["must be a whole number, not the number 3.5"]);
    with(whole(), "k = '3'", &["write it without quotes: `3`"]);
}

#[test]
fn flags() {
    let flag = || json!({ "type": "boolean", "default": false });
    with(flag(), "k = true", &[]);
    with(flag(), "k = 'Yes'", &["must be `true` or `false`, not the text \"Yes\" (write `true`"]);
    with(flag(), "k = 0", &["(write `false`"]);
}

#[test]
fn choices() {
    let choice = || {
        json!({ "oneOf": [{ "type": "string", "const": "linear", "description": "GREG." },
            { "type": "string", "const": "logit" }] })
    };
    with(choice(), "k = 'logit'", &[]);
    with(choice(), "k = 'Logit'", &["did you mean `logit`? Accepted: linear, logit"]);
    with(choice(), "k = 'greg'", &["did you mean `linear`?"]);
    with(choice(), "k = 'quadratic'", &["accepted are\n  linear: GREG.\n  logit"]);
    let help = "`sinh` is a value of the key `distance`. Accepted here: linear, logit";
    with(choice(), "k = 'sinh'", &[help]);
    with(choice(), "k = 1", &["must be \"linear\" or \"logit\", not the number 1"]);
    with(json!({ "enum": ["a", "b"] }), "k = 'c'", &["`k` cannot be \"c\""]);
    with(json!({ "anyOf": [choice(), { "type": "null" }] }), "k = 'x'", &["cannot be \"x\""]);
}

#[test]
fn lists() {
    let list = || json!({ "type": "array", "items": { "type": "number" } });
    with(list(), "k = [1, 2.5]", &[]);
    with(list(), "k = [1, 'x', true]", &["item 2 of `k` must be", "item 3 of `k` must be"]);
    with(list(), "k = 3", &["put it in square brackets: `[3]`"]);
    let pair = || {
        json!({ "type": "array", "items": { "type": "number" }, "minItems": 2, "maxItems": 2,
            "description": "Two." })
    };
    with(pair(), "k = [1, 2]", &[]);
    with(
        pair(),
        "k = [1]",
        &["must be a list of exactly 2 values, not of 1 (give exactly 2. Two."],
    );
    with(pair(), "k = [1, 2, 3]", &["exactly 2 values, not of 3"]);
    let at_least = json!({ "type": "array", "items": { "type": "number" }, "minItems": 1 });
    with(at_least, "k = []", &["at least 1 values, not of 0"]);
    let first = || {
        json!({ "type": "array", "prefixItems": [{ "type": "string" }, { "type": "number" }],
            "items": false })
    };
    with(first(), "k = ['a', 1]", &[]);
    with(first(), "k = [1, 1]", &["item 1 of `k` must be text"]);
    with(first(), "k = ['a', 1, 2]", &["0 to 2 values, not of 3"]);
}

#[test]
fn references_and_alternatives() {
    let names = || json!({ "$ref": "#/$defs/Names", "description": "Some names." });
    with(names(), "k = 'x'", &[]);
    with(names(), "k = ['x', 'y']", &[]);
    with(names(), "k = ['x', 3]", &["a:1:11: item 2 of `k` must be text in quotes"]);
    with(names(), "k = 3", &["must be text in quotes or a list of texts, not the number 3"]);
    let scalar = || json!({ "type": ["number", "string"] });
    with(scalar(), "k = 'x'", &[]);
    with(scalar(), "k = 1", &[]);
    with(scalar(), "k = []", &["must be a number or text in quotes, not a list"]);
}

#[test]
fn tables() {
    let pair = || json!({ "anyOf": [{ "$ref": "#/$defs/Pair" }, { "type": "null" }] });
    with(pair(), "k = { a = 1 }", &[]);
    with(pair(), "[k]\na = 1\nb = ['x']", &[]);
    with(pair(), "[k]\nb = 'x'", &["a:1:1: `[k]` has no `a` (add `a = …`. The first.)"]);
    with(pair(), "k = { b = 'x' }", &["a:1:5: `k` has no `a`"]);
    with(pair(), "[k]\na = 1\nc = 2", &["a:3:1: `[k]` has no key `c` (Accepted here: a, b)"]);
    with(pair(), "[k]\na = 1\nother = 2", &["`other` is a key of the file. Keys of the file"]);
    with(pair(), "k = 3", &["must be a table, not the number 3"]);
    with(pair(), "[[k]]\na = 1", &["there can be only one: write its header as `[k]`, once"]);
    let list = || json!({ "type": "array", "items": { "$ref": "#/$defs/Pair" } });
    with(list(), "[[k]]\na = 1\n[[k]]\na = 2", &[]);
    with(list(), "[[k]]\na = 1\n[[k]]", &["a:3:1: `[[k]]` has no `a`"]);
    with(list(), "[k]\na = 1", &["write the header with double brackets, `[[k]]`"]);
    let map = || json!({ "type": "object", "additionalProperties": { "type": "number" } });
    with(map(), "k = { x = 1, 'y z' = 2 }", &[]);
    with(map(), "k = { x = 1, y = 'z' }", &["`y` must be a number"]);
    with(json!({ "type": "object" }), "k = { x = [{ y = 2025-01-31 }] }", &[]);
}
