//! Post-stratification, raking and calibration steps of a case.

use std::collections::BTreeMap;
use std::sync::Arc;

use rakewell::aggregate::{XColumns, XTerm};
use rakewell::data::{Factor, Numbers, Table};
use rakewell::estimate::Domains;
use rakewell::weight::{
    Bounds, CalibrationOptions, Distance, Groups, Ledger, Limit, Margin, MarginLevels,
    Redistribution, Residuals, Totals, Trimming, calibrate_weights,
};
use serde_json::Value;

use crate::case::{Case, Run, names, refused, unsupported};
use crate::data::{Cache, numeric};
use crate::estimate::Found;
use crate::formula;

pub fn apply(table: &Table, design: &Value, ledger: &mut Ledger, step: &Value) -> Run<()> {
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
        "trim" => trim(ledger, step),
        _ => calibrate(table, design, ledger, step),
    }
}

fn trim(ledger: &mut Ledger, step: &Value) -> Run<()> {
    let limit = |name: &str| step[name].as_f64().map(Limit::Value);
    let step = Trimming {
        groups: Groups::everyone(ledger.weights().len()),
        lower: limit("lower"),
        upper: limit("upper"),
        redistribution: Redistribution::Equal,
        strict: step["strict"] == true,
    };
    ledger.trim(step).map_err(refused)
}

fn margin(table: &Table, ledger: &Ledger, json: &Value, partial: bool) -> Run<Margin> {
    let by = names(&json["by"]);
    let factors: Vec<Factor> = by.iter().map(|name| factor(table, name)).collect::<Run<_>>()?;
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

fn factor(table: &Table, name: &str) -> Run<Factor> {
    match table.column(name) {
        Some(column) => Ok(column.as_factor()),
        None => unsupported(format!("no column {name}")),
    }
}

fn calibrate(table: &Table, design: &Value, ledger: &mut Ledger, step: &Value) -> Run<()> {
    if !step["phase"].is_null() {
        return unsupported("calibrate with phase");
    }
    let bounds = match &step["bounds"] {
        Value::Null => None,
        Value::Array(b) => {
            let at = |i: usize| crate::case::number(&b[i]).unwrap_or(f64::NAN);
            Some(Bounds { lower: at(0), upper: at(1) })
        }
        other => {
            let at = |name: &str| crate::case::number(&other[name]).unwrap_or(f64::NAN);
            Some(Bounds { lower: at("lower"), upper: at("upper") })
        }
    };
    let of_weights = step["bounds_const"] == true;
    let (bounds, weight_bounds) = if of_weights { (None, bounds) } else { (bounds, None) };
    let distance = match (step["distance"].as_str().unwrap_or("linear"), bounds) {
        ("linear", b) => Distance::Linear(b),
        ("raking", b) => Distance::Raking(b),
        ("logit", Some(b)) => Distance::Logit(b),
        ("sinh", b) => Distance::Sinh(b),
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
    let cluster = match (step["aggregate_stage"].as_u64(), step["aggregate_index"].as_str()) {
        (Some(stage), _) => {
            let name = names(&design["ids"]).get(stage as usize - 1).cloned().unwrap_or_default();
            Some(factor(table, &name)?)
        }
        (None, Some(name)) => Some(factor(table, name.trim_start_matches('~'))?),
        (None, None) => None,
    };
    let options = CalibrationOptions {
        scale: scale.map(Arc::new),
        weight_bounds,
        trim: pair(&step["trim"]),
        ..CalibrationOptions::new(distance)
    };
    let force = step["force"] == true;
    let x = match cluster {
        Some(factor) => columns.x.averaged(&factor.codes, ledger.weights()),
        None => columns.x,
    };
    let totals = Totals { x, targets, names: columns.names, part: Vec::new() };
    let before = ledger.weights().to_vec();
    let status = ledger.calibrate(&totals, &options, force).map_err(refused)?;
    match step["unfinished_misfit"].as_f64() {
        Some(theirs) if !status.is_usable() => {
            as_near_as(&totals, &before, ledger.weights(), bounds, theirs)
        }
        _ => Ok(()),
    }
}

/// Weights that were kept although the totals cannot be met are where a solver stopped, and no two
/// solvers stop at the same place. Ours have to be within the bounds, and no farther from the totals
/// than those of the case, by its own measure: the largest |t̂ − t|/(1 + |t|).
fn as_near_as(
    totals: &Totals,
    before: &[f64],
    after: &[f64],
    bounds: Option<Bounds>,
    theirs: f64,
) -> Run<()> {
    let mut reached = vec![0.0; totals.targets.len()];
    for (row, w) in after.iter().enumerate() {
        totals.x.row(row).for_each(|(c, x)| reached[c] += w * x);
    }
    let off = reached.iter().zip(&totals.targets).map(|(r, t)| (r - t).abs() / (1.0 + t.abs()));
    let ours = off.fold(0.0, f64::max);
    let outside = bounds.is_some_and(|b| {
        let within = |g: f64| g >= b.lower - 1e-9 && g <= b.upper + 1e-9;
        !before.iter().zip(after).all(|(d, w)| within(w / d))
    });
    if outside || ours > theirs + 1e-9 {
        return Err(refused(format!(
            "missed by {ours}, theirs by {theirs}, bounds broken: {outside}"
        )));
    }
    Ok(())
}

/// Calibrates the second phase to the totals of the first, whose rows have weight 1.
pub fn to_first_phase(table: &Table, ledger: &mut Ledger, step: &Value) -> Run<()> {
    let columns = formula::columns(table, step["formula"].as_str().unwrap_or_default())?;
    let mut targets = vec![0.0; columns.x.width()];
    for row in 0..table.rows() {
        columns.x.row(row).for_each(|(c, x)| targets[c] += x);
    }
    let distance = match step["distance"].as_str().unwrap_or("linear") {
        "linear" => Distance::Linear(None),
        "raking" => Distance::Raking(None),
        other => return unsupported(format!("distance {other}")),
    };
    let totals = Totals { x: columns.x, targets, names: columns.names, ..Totals::default() };
    ledger.calibrate(&totals, &CalibrationOptions::new(distance), false).map_err(refused)?;
    ledger.to_first_phase();
    Ok(())
}

/// Two numbers as bounds.
fn pair(json: &Value) -> Option<Bounds> {
    let at = |i: usize| crate::case::number(&json[i]);
    Some(Bounds { lower: at(0)?, upper: at(1)? })
}

/// Direct standardisation as R has it: in every group of `over` the cells of `by` are
/// post-stratified to the standard population, the group keeping its weight.
pub fn standardize(table: &Table, ledger: &mut Ledger, step: &Value, inside: &[bool]) -> Run<()> {
    let (by, over) = (names(&step["by"]), names(&step["over"]));
    let factors: Vec<Factor> =
        over.iter().chain(&by).map(|name| factor(table, name)).collect::<Run<_>>()?;
    let shares: Vec<f64> = step["population"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(crate::case::number)
        .collect();
    let all: f64 = shares.iter().sum();
    let cells = Domains::cross(table.rows(), &factors.iter().collect::<Vec<_>>(), Some(inside));
    let mut groups: BTreeMap<&[usize], f64> = BTreeMap::new();
    for (row, w) in ledger.weights().iter().enumerate() {
        if let Some(cell) = cells.cells.get(cells.codes.codes.get(row) as usize) {
            *groups.entry(&cell[..over.len()]).or_default() += w;
        }
    }
    // The first variable of `by` varies fastest in the standard population.
    let share = |cell: &[usize]| {
        let levels = factors[over.len()..].iter().zip(cell).rev();
        let at = levels.fold(0, |at, (f, &level)| at * f.levels.len() + level);
        shares.get(at).copied().unwrap_or(f64::NAN) / all
    };
    let mut given = MarginLevels { name: "standard population".into(), totals: Vec::new() };
    for cell in &cells.cells {
        let text: Vec<String> =
            factors.iter().zip(cell).map(|(f, &l)| f.levels[l].value.clone()).collect();
        let group = groups.get(&cell[..over.len()]).copied().unwrap_or(0.0);
        if group > 0.0 {
            given.totals.push((text, group * share(&cell[over.len()..])));
        }
    }
    let factors: Vec<&Factor> = factors.iter().collect();
    let margin = Margin::matched(&given, &factors, ledger.weights(), true).map_err(refused)?;
    ledger.post_stratify(margin).map_err(refused)
}

/// Calibration without a design: g-weights of a matrix of columns.
pub fn bare(case: &Case, cache: &mut Cache) -> Run<Found> {
    let estimate = &case.json["estimate"];
    let list = |json: &Value| -> Vec<f64> {
        json.as_array().into_iter().flatten().filter_map(crate::case::number).collect()
    };
    let (rows, d): (Vec<Vec<f64>>, Vec<f64>) = match estimate["X"].as_array() {
        Some(x) => (x.iter().map(list).collect(), list(&estimate["d"])),
        None => {
            let table = cache.table(case.json["data"].as_str().unwrap_or_default())?;
            let d = numeric(&table, estimate["weights"].as_str().unwrap_or_default())?.to_vec();
            let vars = names(&estimate["vars"]);
            let mut rows = vec![Vec::new(); table.rows()];
            if estimate["intercept"] == true {
                rows.iter_mut().for_each(|r| r.push(1.0));
            }
            for name in vars {
                let column = numeric(&table, &name)?;
                rows.iter_mut().enumerate().for_each(|(i, r)| r.push(column.get(i)));
            }
            (rows, d)
        }
    };
    let b = list(&estimate["bounds"]);
    let bounds = (b.len() == 2).then(|| Bounds { lower: b[0], upper: b[1] });
    let distance = match (estimate["method"].as_str().unwrap_or_default(), bounds) {
        ("linear", _) => Distance::Linear(None),
        ("raking", _) => Distance::Raking(None),
        ("truncated", b) => Distance::Linear(b),
        ("logit", Some(b)) => Distance::Logit(b),
        (other, _) => return unsupported(format!("calib method {other}")),
    };
    let targets = list(&estimate["total"]);
    let columns = |rows: &[Vec<f64>]| {
        let column = |j: usize| Arc::new(Numbers::pack(rows.iter().map(|r| r[j]).collect()));
        let term = |j: usize| XTerm { codes: None, values: Some(column(j)), width: 1 };
        XColumns { terms: (0..targets.len()).map(term).collect() }
    };
    let instruments =
        estimate["Z"].as_array().map(|z| columns(&z.iter().map(list).collect::<Vec<_>>()));
    let names = (0..targets.len()).map(|j| format!("x{j}")).collect();
    let totals = Totals { x: columns(&rows), targets, names, part: Vec::new() };
    let options = CalibrationOptions { instruments, ..CalibrationOptions::new(distance) };
    let (w, status) = calibrate_weights(&d, &totals, &options);
    if !status.is_converged() {
        return Err(crate::case::Stop::Refused(status.to_string()));
    }
    let g = w.iter().zip(&d).map(|(w, d)| w / d).collect();
    let mut found = Found { weights: Some(g), ..Found::default() };
    for key in case.json["expected"]["scalars"].as_object().into_iter().flatten().map(|(k, _)| k) {
        if let Some(name) = key.strip_prefix("calibrated_total_") {
            let table = cache.table(case.json["data"].as_str().unwrap_or_default())?;
            let y = numeric(&table, name)?;
            let total = w.iter().enumerate().map(|(row, w)| w * y.get(row)).sum();
            found.scalars.insert(key.clone(), total);
        }
    }
    Ok(found)
}
