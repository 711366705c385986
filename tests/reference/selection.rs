//! Inclusion probabilities, of units and of pairs.

use rakewell::draw::{JointSource, Method, joint, proportional};
use serde_json::Value;

use crate::case::{Case, Run, refused, unsupported};
use crate::data::Cache;
use crate::estimate::Found;

pub fn run(case: &Case, cache: &mut Cache) -> Run<Found> {
    let estimate = &case.json["estimate"];
    let mut found = Found::default();
    if estimate["stat"] == "inclusion_probabilities" {
        let data = case.json["data"].as_str().unwrap_or_default();
        let name = estimate["size"].as_str().unwrap_or_default();
        let (names, rows) = cache.numbers(data).map_err(refused)?;
        let Some(at) = names.iter().position(|n| n == name) else {
            return unsupported(format!("no column {name}"));
        };
        let sizes: Vec<f64> = rows.iter().map(|r| r[at]).collect();
        let n = estimate["n"].as_u64().unwrap_or(0) as usize;
        let made = proportional(&sizes, n).map_err(refused)?;
        let pi = &made.probabilities;
        found.scalars.insert("n".into(), pi.iter().sum());
        found.scalars.insert("n_certainty".into(), made.certain as f64);
        found.scalars.insert("min".into(), pi.iter().copied().fold(1.0, f64::min));
        found.scalars.insert("sumsq".into(), pi.iter().map(|p| p * p).sum());
        found.vector = Some(pi.clone());
        return Ok(found);
    }
    let pi: Vec<f64> =
        estimate["pik"].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
    let method = match estimate["method"].as_str().unwrap_or_default() {
        "maxentropy" => Method::ConditionalPoisson,
        "sampford" => Method::Sampford,
        "tille" => Method::Tille,
        "midzuno" => Method::Midzuno,
        "systematic" => Method::PpsSystematic,
        other => return unsupported(format!("joint probabilities of {other}")),
    };
    let made = joint(method, &pi).map_err(refused)?;
    if made.source != JointSource::Exact {
        return unsupported("approximate joint probabilities");
    }
    found.scalars.insert("n".into(), pi.iter().sum());
    found.scalars.insert("sum".into(), made.matrix.sum());
    found.matrix = Some(made.matrix);
    Ok(found)
}
