//! One case: read, run, held against what is expected.

use std::path::Path;

use serde_json::Value;

use crate::{check, data, design, estimate};

pub struct Case {
    pub id: String,
    pub feature: String,
    pub json: Value,
}

pub enum Outcome {
    Agree,
    Differ(Vec<String>),
    Unsupported(String),
}

/// Why a case could not be run to the end.
pub enum Stop {
    /// Not something rakewell does yet.
    Unsupported(String),
    /// rakewell refused it.
    Refused(String),
}

pub type Run<T> = Result<T, Stop>;

pub fn unsupported<T>(why: impl Into<String>) -> Run<T> {
    Err(Stop::Unsupported(why.into()))
}

pub fn refused(e: impl std::fmt::Display) -> Stop {
    Stop::Refused(e.to_string())
}

impl Case {
    pub fn read(file: &Path) -> Result<Case, String> {
        let text = std::fs::read_to_string(file).map_err(|e| e.to_string())?;
        let json: Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
        if json["schema"] != "svyref/1" {
            return Err(format!("schema is {}, not svyref/1", json["schema"]));
        }
        let mut json = json;
        if let Some(misfit) = unfinished(&json) {
            for step in json["prep"].as_array_mut().into_iter().flatten() {
                step["unfinished_misfit"] = misfit.into();
            }
        }
        let text = |key: &str| json[key].as_str().unwrap_or_default().to_string();
        Ok(Case { id: text("id"), feature: text("feature"), json: json.clone() })
    }

    /// The relative and absolute tolerance.
    pub fn tolerance(&self) -> (f64, f64) {
        let t = &self.json["tolerance"];
        (t["rel"].as_f64().unwrap_or(1e-8), t["abs"].as_f64().unwrap_or(1e-10))
    }
}

/// How far a calibration of the case was from its totals when its solver gave up.
fn unfinished(json: &Value) -> Option<f64> {
    let warnings = names(&json["expected"]["warnings"]);
    let told = warnings.iter().find_map(|w| w.strip_prefix("Failed to converge: eps="))?;
    told.split(' ').next()?.parse().ok()
}

pub fn run(case: &Case, cache: &mut data::Cache) -> Outcome {
    let expects_error = case.json["expected"]["error"] == true;
    match estimate::run(case, cache) {
        Err(Stop::Unsupported(why)) => Outcome::Unsupported(why),
        Err(Stop::Refused(_)) if expects_error => Outcome::Agree,
        Err(Stop::Refused(why)) => Outcome::Differ(vec![format!("refused: {why}")]),
        // Held to what it should be when it was made (`as_near_as`).
        Ok(_) if unfinished(&case.json).is_some() => Outcome::Agree,
        Ok(_) if expects_error => Outcome::Differ(vec!["not refused, but should be".into()]),
        Ok(found) => {
            let differences = check::differences(case, &found, cache);
            if differences.is_empty() { Outcome::Agree } else { Outcome::Differ(differences) }
        }
    }
}

/// Strings of a JSON list (or of a single string); `null` entries are `None`.
pub fn strings(json: &Value) -> Vec<Option<String>> {
    match json {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().map(|v| v.as_str().map(str::to_string)).collect(),
        other => vec![other.as_str().map(str::to_string)],
    }
}

/// Strings of a JSON list without gaps.
pub fn names(json: &Value) -> Vec<String> {
    strings(json).into_iter().flatten().collect()
}

/// A JSON number, or "Infinity".
pub fn number(json: &Value) -> Option<f64> {
    match json {
        Value::String(s) if s == "Infinity" => Some(f64::INFINITY),
        Value::String(s) if s == "-Infinity" => Some(f64::NEG_INFINITY),
        other => other.as_f64(),
    }
}

pub use design::Sample;
