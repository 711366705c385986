//! Wording of structural mistakes: what was found, and how to write what is accepted.

use toml::de::DeValue;

use super::places::{KeyPath, Segment};
use super::shape::{KeyShape, Shape, Shapes};

/// A list of names for a sentence.
pub(crate) fn listing(names: &[&str]) -> String {
    if names.is_empty() { "no keys".to_string() } else { names.join(", ") }
}

/// A value in words: `` the text "a" ``, `the number 3`.
pub(crate) fn found(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the text {:?}", shortened(text)),
        DeValue::Integer(_) | DeValue::Float(_) => {
            format!("the number {}", shortened(&number_text(value)))
        }
        DeValue::Boolean(flag) => format!("`{flag}`"),
        DeValue::Datetime(date) => format!("the date {date}"),
        DeValue::Array(_) => "a list".to_string(),
        DeValue::Table(_) => "a table".to_string(),
    }
}

/// A number as it would be written.
pub(crate) fn number_text(value: &DeValue<'_>) -> String {
    match value {
        DeValue::Integer(integer) => integer.to_string(),
        DeValue::Float(float) => float.to_string(),
        _ => String::new(),
    }
}

fn shortened(text: &str) -> String {
    const MOST: usize = 40;
    if text.chars().count() <= MOST {
        return text.to_string();
    }
    let start: String = text.chars().take(MOST).collect();
    format!("{start}…")
}

/// How to write a missing key.
pub(crate) fn example(shapes: &Shapes, key: &KeyShape) -> String {
    let value = match shapes.alternatives(&key.shape).first() {
        Some(Shape::Text { .. }) => "\"…\"".to_string(),
        Some(Shape::Choice(choices)) => {
            choices.first().map_or("\"…\"".to_string(), |(choice, _)| format!("{choice:?}"))
        }
        Some(Shape::Number { .. } | Shape::Integer { .. }) => "…".to_string(),
        Some(Shape::Flag) => "true".to_string(),
        Some(Shape::List(_)) => "[…]".to_string(),
        _ => "{ … }".to_string(),
    };
    format!("{} = {value}", key.name)
}

/// The way from a value of the wrong kind to one of the right kind, if it is a common slip.
/// `from_key` says that a table came about by a key with a dot or by a header.
pub(crate) fn misfit(
    shapes: &Shapes,
    shape: &Shape,
    value: &DeValue<'_>,
    path: &KeyPath,
    from_key: bool,
) -> Option<String> {
    let accepted = shapes.alternatives(shape);
    let any = |test: fn(&Shape) -> bool| accepted.iter().any(|s| test(s));
    let text = any(|s| matches!(s, Shape::Text { .. } | Shape::Choice(_)));
    let number = any(|s| matches!(s, Shape::Number { .. }));
    let integer = any(|s| matches!(s, Shape::Integer { .. }));
    let flag = any(|s| matches!(s, Shape::Flag));
    let table = any(|s| matches!(s, Shape::Table(_)));
    let name = header_name(path);
    match value {
        DeValue::Integer(_) | DeValue::Float(_) if text => {
            Some(format!("put it in quotes: `\"{}\"`", number_text(value)))
        }
        DeValue::Boolean(flag) if text => Some(format!("put it in quotes: `\"{flag}\"`")),
        DeValue::Datetime(date) if text => Some(format!("put it in quotes: `\"{date}\"`")),
        DeValue::Float(_) if integer => {
            let number: f64 = number_text(value).parse().ok()?;
            let whole = number.fract() == 0.0 && number.abs() < 1e15;
            whole.then(|| format!("write it without a decimal point: `{number}`"))
        }
        DeValue::String(text) if number || integer => number_in(text, integer),
        DeValue::String(text) if flag => match text.trim().to_lowercase().as_str() {
            "true" | "yes" | "y" | "t" | "1" | "on" => Some("write `true`, without quotes".into()),
            "false" | "no" | "n" | "f" | "0" | "off" => {
                Some("write `false`, without quotes".into())
            }
            _ => None,
        },
        DeValue::Integer(i) if flag && i.as_str() == "1" => Some("write `true`".into()),
        DeValue::Integer(i) if flag && i.as_str() == "0" => Some("write `false`".into()),
        DeValue::Array(items) if table && items.iter().any(|i| i.get_ref().is_table()) => {
            Some(format!("there can be only one: write its header as `[{name}]`, once"))
        }
        DeValue::Array(_) => Some("give one value, without square brackets".into()),
        _ => list_or_key(shapes, &accepted, value, &name, from_key),
    }
}

/// One value where a list belongs, or a table that was not meant to be one.
fn list_or_key(
    shapes: &Shapes,
    accepted: &[&Shape],
    value: &DeValue<'_>,
    name: &str,
    from_key: bool,
) -> Option<String> {
    for shape in accepted {
        let Shape::List(list) = shape else { continue };
        let items = shapes.alternatives(&list.rest);
        match value {
            DeValue::Table(_) if items.iter().any(|s| matches!(s, Shape::Table(_))) => {
                return Some(format!(
                    "there can be several: write the header with double brackets, `[[{name}]]`"
                ));
            }
            DeValue::Integer(_) | DeValue::Float(_)
                if items.iter().any(|s| matches!(s, Shape::Number { .. })) =>
            {
                return Some(format!("put it in square brackets: `[{}]`", number_text(value)));
            }
            DeValue::String(text)
                if items.iter().any(|s| matches!(s, Shape::Text { .. } | Shape::Choice(_))) =>
            {
                return Some(format!("put it in square brackets: `[{:?}]`", shortened(text)));
            }
            _ => {}
        }
    }
    let is_scalar = |s: &&Shape| !matches!(s, Shape::Table(_) | Shape::List(_));
    if value.is_table() && from_key && accepted.iter().any(is_scalar) {
        return Some(format!(
            "a header `[{name}]` or a key with a dot makes a table; a dot within a name needs \
             quotes, as in `\"1.5\" = …`"
        ));
    }
    None
}

/// The number that a text seems to mean.
fn number_in(text: &str, whole: bool) -> Option<String> {
    let text = text.trim();
    let plain = |t: &str| t.parse::<f64>().is_ok_and(f64::is_finite);
    if plain(text) && (!whole || text.parse::<i64>().is_ok()) {
        return Some(format!("write it without quotes: `{text}`"));
    }
    if let Some(percent) = text.strip_suffix('%').map(str::trim).filter(|t| plain(t)) {
        let share = percent.parse::<f64>().ok()? / 100.0;
        let share = format!("{share:.12}");
        let share = share.trim_end_matches('0').trim_end_matches('.');
        return Some(format!("write it as a share, without quotes: `{share}`"));
    }
    let point = text.replace(',', ".");
    if plain(&point) && !whole {
        return Some(format!("write it with a decimal point, without quotes: `{point}`"));
    }
    None
}

fn header_name(path: &KeyPath) -> String {
    let keys: Vec<&str> = path
        .segments()
        .iter()
        .filter_map(|s| match s {
            Segment::Key(key) => Some(key.as_str()),
            Segment::Index(_) => None,
        })
        .collect();
    keys.join(".")
}
