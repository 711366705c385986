//! What changes when an assumption is wrong.

use serde_json::Value;

use crate::data::Table;
use crate::diagnostic::Diagnostics;
use crate::sampling::{self, Loaded};

use super::domains::ICC;
use super::laid::Laid;
use super::result::{Measure, Plan, TargetPlan, Variant};

/// A figure of the file and another value for it.
struct Change {
    what: String,
    pointer: Vec<String>,
    value: f64,
    changed: f64,
}

/// The plan with every figure that has a range at both its ends; where neither the correlation
/// within areas nor any response has a range, with half and twice the first (the usual value where it is 0) and
/// with 0.9 of every response.
pub(super) fn variants(loaded: &Loaded, table: &Table) -> Result<Vec<Variant>, Diagnostics> {
    let Ok(spec) = serde_json::to_value(&loaded.design.spec) else { return Ok(Vec::new()) };
    let mut changes = Vec::new();
    ranges(&spec, &mut Vec::new(), &spec, &mut changes);
    let named = |changes: &[Change], word: &str| changes.iter().any(|c| c.what.contains(word));
    let mut all = Vec::new();
    if !named(&changes, "icc") {
        let icc = loaded.design.spec.plan.icc.as_ref().map_or(ICC, sampling::spec::Figure::value);
        // Half of nothing is nothing: there the usual value is shown.
        let others = if icc > 0.0 { vec![icc * 0.5, (icc * 2.0).min(0.99)] } else { vec![ICC] };
        for changed in others {
            let pointer = vec!["plan".to_string(), "icc".to_string()];
            changes.push(Change { what: "icc of [plan]".into(), pointer, value: icc, changed });
        }
    }
    for change in &changes {
        let mut other = spec.clone();
        set(&mut other, &change.pointer, change.changed);
        if let Some(variant) =
            planned(loaded, table, other, &change.what, change.value, change.changed)?
        {
            all.push(variant);
        }
    }
    if !named(&changes, "response") {
        let mut other = spec.clone();
        let mut found = false;
        lower_responses(&mut other, &mut found);
        if found
            && let Some(variant) =
                planned(loaded, table, other, "every response rate, times", 1.0, 0.9)?
        {
            all.push(variant);
        }
    }
    Ok(all)
}

fn planned(
    loaded: &Loaded,
    table: &Table,
    spec: Value,
    what: &str,
    value: f64,
    changed: f64,
) -> Result<Option<Variant>, Diagnostics> {
    let Ok(spec) = serde_json::from_value(spec) else { return Ok(None) };
    let other = loaded.with(&spec);
    let plan = Laid::out(&other, table)?.plan();
    Ok(Some(Variant {
        what: what.to_string(),
        value,
        changed,
        cost: plan.cost,
        n: plan.domains.first().map_or(0.0, |d| d.n),
        worst: worst(&plan),
    }))
}

/// The target that is missed by most, or met by least.
pub(super) fn worst(plan: &Plan) -> Option<(String, TargetPlan)> {
    let miss = |target: &TargetPlan| match target.measure {
        Measure::HalfWidth | Measure::Cv => target.reached / target.wanted,
        Measure::NEffective | Measure::N => (target.wanted / target.reached.max(1e-300)).sqrt(),
    };
    plan.domains
        .iter()
        .flat_map(|d| d.targets.iter().map(move |t| (d.label.clone(), t.clone())))
        .max_by(|(_, a), (_, b)| miss(a).total_cmp(&miss(b)))
}

/// All figures with a range, each with the names on the way to it.
fn ranges(value: &Value, path: &mut Vec<String>, root: &Value, out: &mut Vec<Change>) {
    match value {
        Value::Object(map) => {
            let ends = map.get("range").and_then(Value::as_array);
            if let (Some(ends), Some(now)) = (ends, map.get("value").and_then(Value::as_f64)) {
                for end in ends.iter().filter_map(Value::as_f64).filter(|end| *end != now) {
                    let what = words(path, root);
                    let mut pointer = path.clone();
                    pointer.push("value".to_string());
                    out.push(Change { what, pointer, value: now, changed: end });
                }
                return;
            }
            for (key, value) in map {
                path.push(key.clone());
                ranges(value, path, root, out);
                path.pop();
            }
        }
        Value::Array(items) => {
            for (i, value) in items.iter().enumerate() {
                path.push(i.to_string());
                ranges(value, path, root, out);
                path.pop();
            }
        }
        _ => {}
    }
}

/// A path in words: the key, and the names of what holds it.
fn words(path: &[String], root: &Value) -> String {
    let mut here = root;
    let mut names: Vec<String> = Vec::new();
    for step in path {
        here = match here {
            Value::Array(items) => match step.parse::<usize>().ok().and_then(|i| items.get(i)) {
                Some(item) => item,
                None => break,
            },
            other => match other.get(step) {
                Some(value) => value,
                None => break,
            },
        };
        let name = here.get("name").or_else(|| here.get("unit")).and_then(Value::as_str);
        names.extend(name.map(str::to_string));
    }
    let key = path.iter().rev().find(|s| s.parse::<usize>().is_err()).cloned().unwrap_or_default();
    let parent = path.iter().rev().filter(|s| s.parse::<usize>().is_err()).nth(1);
    let key = match parent.map(String::as_str) {
        Some("response-by" | "keep" | "covers" | "share") => {
            format!("{} of {key}", parent.map_or("", String::as_str))
        }
        Some("screening") => format!("{key} of the screening"),
        _ => key,
    };
    if names.is_empty() { key } else { format!("{key} ({})", names.join(", ")) }
}

fn set(value: &mut Value, path: &[String], to: f64) {
    let Some((last, before)) = path.split_last() else { return };
    let mut here = value;
    for step in before {
        here = match here {
            Value::Array(items) => {
                match step.parse::<usize>().ok().and_then(|i| items.get_mut(i)) {
                    Some(item) => item,
                    None => return,
                }
            }
            other => match other.get_mut(step) {
                Some(value) => value,
                None => return,
            },
        };
    }
    match here {
        Value::Array(items) => {
            if let Some(item) = last.parse::<usize>().ok().and_then(|i| items.get_mut(i)) {
                *item = Value::from(to);
            }
        }
        Value::Object(map) => {
            map.insert(last.clone(), Value::from(to));
        }
        _ => {}
    }
}

/// Every response rate times 0.9.
fn lower_responses(value: &mut Value, found: &mut bool) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                match key.as_str() {
                    "response" => lower(value, found),
                    "response-by" => {
                        if let Value::Object(groups) = value {
                            groups.values_mut().for_each(|v| lower(v, found));
                        }
                    }
                    _ => lower_responses(value, found),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|v| lower_responses(v, found)),
        _ => {}
    }
}

fn lower(value: &mut Value, found: &mut bool) {
    if let Value::Object(map) = value {
        if let Some(inner) = map.get_mut("value") {
            lower(inner, found);
        }
    } else if let Some(now) = value.as_f64() {
        *value = Value::from(now * 0.9);
        *found = true;
    }
}
