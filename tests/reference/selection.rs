//! Inclusion probabilities, of units and of pairs.

use rakewell::draw::{JointSource, Method, joint, joint_like_r, proportional};
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
    let mut matrix = made.matrix;
    if method == Method::ConditionalPoisson {
        // R stops at about 1e-6, and takes pairs from a formula that holds at the end only; the
        // exact matrix lies as near as that.
        let like_r = joint_like_r(&pi).map_err(refused)?;
        let rows =
            |m: &nalgebra::DMatrix<f64>, k: usize| m.row(k).sum() - pi.iter().sum::<f64>() * pi[k];
        let consistent = (0..pi.len()).all(|k| rows(&matrix, k).abs() < 1e-11);
        if !consistent || (&matrix - &like_r).amax() > 1e-6 {
            return Err(refused("the exact joint probabilities are not near those R stops at"));
        }
        matrix = like_r;
    }
    found.scalars.insert("n".into(), pi.iter().sum());
    found.scalars.insert("sum".into(), matrix.sum());
    found.matrix = Some(matrix);
    Ok(found)
}
