//! Post-stratification, raking and calibration steps of a case.

use std::collections::BTreeMap;
use std::sync::Arc;

use rakewell::data::{Factor, Table};
use rakewell::weight::{
    Bounds, CalibrationOptions, Distance, Ledger, Margin, MarginLevels, Residuals, Totals,
};
use serde_json::Value;

use crate::case::{Run, names, refused, unsupported};
use crate::data::numeric;
use crate::formula;

pub fn apply(table: &Table, ledger: &mut Ledger, step: &Value) -> Run<()> {
    match step["op"].as_str().unwrap_or_default() {
        "poststratify" => {
            let margin = margin(table, ledger, step, step["partial"] == true)?;
            ledger.post_stratify(margin).map_err(refused)
        }
        "rake" => {
            let margins = step["margins"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|m| margin(table, ledger, m, false))
                .collect::<Run<Vec<_>>>()?;
            // The cases were made with R rake(), whose linearised variance is its own.
            ledger.rake(margins, 1e-6, 1000, Residuals::RRake).map_err(refused)
        }
        _ => calibrate(table, ledger, step),
    }
}

fn margin(table: &Table, ledger: &Ledger, json: &Value, partial: bool) -> Run<Margin> {
    let by = names(&json["by"]);
    let factors: Vec<Factor> = by
        .iter()
        .map(|name| match table.column(name) {
            Some(column) => Ok(column.as_factor()),
            None => unsupported(format!("no column {name}")),
        })
        .collect::<Run<_>>()?;
    let totals = json["totals"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|row| {
            let levels = by
                .iter()
                .map(|name| match &row[name] {
                    Value::String(s) => s.clone(),
                    other => other.to_string(),
                })
                .collect();
            (levels, row["Freq"].as_f64().unwrap_or(f64::NAN))
        })
        .collect();
    let given = MarginLevels { name: by.join(" × "), totals };
    let factors: Vec<&Factor> = factors.iter().collect();
    Margin::matched(&given, &factors, ledger.weights(), partial).map_err(refused)
}

fn calibrate(table: &Table, ledger: &mut Ledger, step: &Value) -> Run<()> {
    for key in ["aggregate_stage", "aggregate_index", "trim", "bounds_const", "phase"] {
        if !step[key].is_null() && step[key] != false {
            return unsupported(format!("calibrate with {key}"));
        }
    }
    let bounds = match &step["bounds"] {
        Value::Null => None,
        Value::Array(b) => {
            let at = |i: usize| crate::case::number(&b[i]).unwrap_or(f64::NAN);
            Some(Bounds { lower: at(0), upper: at(1) })
        }
        _ => return unsupported("bounds per row"),
    };
    let distance = match (step["distance"].as_str().unwrap_or("linear"), bounds) {
        ("linear", b) => Distance::Linear(b),
        ("raking", b) => Distance::Raking(b),
        ("logit", Some(b)) => Distance::Logit(b),
        (other, _) => return unsupported(format!("distance {other}")),
    };
    let formula = step["formula"].as_str().unwrap_or_default();
    let columns = formula::columns(table, formula)?;
    let totals: BTreeMap<String, f64> = step["totals"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(k, v)| (k.clone(), v.as_f64().unwrap_or(f64::NAN)))
        .collect();
    let targets = formula::order_totals(&columns.names, &totals)?;
    let scale = match step["variance_col"].as_str() {
        Some(name) => Some(numeric(table, name)?.to_vec()),
        // R `variance = 1`: proportional to the first (only) column.
        None if step["ratio"] == true => {
            Some((0..table.rows()).map(|r| columns.x.row(r).map(|(_, v)| v).sum()).collect())
        }
        None => None,
    };
    let options =
        CalibrationOptions { scale: scale.map(Arc::new), ..CalibrationOptions::new(distance) };
    let force = step["force"] == true;
    if force {
        return unsupported("calibrate with force (keeps what another solver stopped at)");
    }
    let totals = Totals { x: columns.x, targets, names: columns.names };
    ledger.calibrate(&totals, &options, force).map(|_| ()).map_err(refused)
}
