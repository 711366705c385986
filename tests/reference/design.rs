//! From the `design` and `prep` of a case to an analysis.

use std::sync::Arc;

use nalgebra::DMatrix;
use rakewell::data::{Codes, Numbers, Table};
use rakewell::design::{
    DesignInput, JointProbabilities, LonelyPsu, Method, PairForm, PhaseMethod, SecondPhase,
    Selection, SurveyDesign, Variable,
};
use rakewell::estimate::Analysis;
use rakewell::replicate::{ReplicateMethod, ReplicatePlan, Replicates, Resampling, make};
use rakewell::weight::Ledger;
use serde_json::{Value, json};

use crate::calibration;
use crate::case::{Case, Run, Stop, names, number, refused, strings, unsupported};
use crate::data::{Cache, numeric};

/// What an estimate is made from.
pub struct Sample {
    pub table: Arc<Table>,
    pub analysis: Analysis,
    /// Rows in the subpopulation.
    pub inside: Vec<bool>,
    /// Rows when the design was first calibrated: a subpopulation taken later keeps them all.
    pub kept_rows: Option<usize>,
}

pub fn sample(case: &Case, cache: &mut Cache) -> Run<Sample> {
    let design = &case.json["design"];
    let table = cache.table(case.json["data"].as_str().unwrap_or_default())?;
    let mut sample = match design["type"].as_str().unwrap_or("taylor") {
        "taylor" => taylor(&table, design, cache)?,
        "twophase" => two_phase(&table, design)?,
        "replicate" => replicate(&table, design, cache)?,
        other => return unsupported(format!("design type {other}")),
    };
    for step in case.json["prep"].as_array().into_iter().flatten() {
        if step["stochastic"] == true {
            drawn(&mut sample, case, cache)?;
            continue;
        }
        prepare(&mut sample, &case.json["design"], step)?;
    }
    Ok(sample)
}

fn variable<'a>(table: &'a Table, name: &str) -> Run<Variable<'a>> {
    let column =
        table.column(name).ok_or_else(|| Stop::Unsupported(format!("no column {name}")))?;
    Ok(Variable::of(column))
}

fn taylor(table: &Arc<Table>, json: &Value, cache: &Cache) -> Run<Sample> {
    let list = |key: &str| -> Run<Vec<Variable<'_>>> {
        names(&json[key]).iter().map(|n| variable(table, n)).collect()
    };
    let strata = strings(&json["strata"])
        .iter()
        .map(|s| s.as_ref().map(|n| variable(table, n)).transpose())
        .collect::<Run<Vec<_>>>()?;
    let lonely = match json["lonely_psu"].as_str().unwrap_or("fail") {
        "remove" => LonelyPsu::Remove,
        "certainty" => LonelyPsu::Certainty,
        "adjust" => LonelyPsu::Center,
        "average" => LonelyPsu::Average,
        _ => LonelyPsu::Error,
    };
    let input = DesignInput {
        rows: table.rows(),
        clusters: list("ids")?,
        strata,
        weight: json["weights"].as_str().map(|n| variable(table, n)).transpose()?,
        probabilities: list("probs")?,
        fpc: list("fpc")?,
        nested: json["nest"] == true,
        lonely,
        lonely_in_domain: json["adjust_domain_lonely"] == true,
        selection: selection(&json["pps"], cache)?,
        ..DesignInput::default()
    };
    linearised(table, &input, !json["pps"].is_null() && json["pps"]["method"] != "brewer")
}

fn linearised(table: &Arc<Table>, input: &DesignInput<'_>, keeps_rows: bool) -> Run<Sample> {
    let design = SurveyDesign::build(input).map_err(refused)?;
    let ledger = Ledger::new(design.weights.clone(), "design weight");
    Ok(Sample {
        inside: vec![true; table.rows()],
        table: table.clone(),
        analysis: Analysis::new(design, ledger),
        kept_rows: keeps_rows.then(|| table.rows()),
    })
}

/// How the first stage was drawn without replacement and with unequal probabilities.
fn selection(json: &Value, cache: &Cache) -> Run<Selection<'static>> {
    if json.is_null() {
        return Ok(Selection::default());
    }
    let method = match json["method"].as_str().unwrap_or_default() {
        "brewer" => Method::Brewer,
        "overton" => Method::Overton,
        "HR" => Method::HartleyRao,
        "joint" => Method::Joint,
        other => return unsupported(format!("PPS method {other}")),
    };
    // R has the products unless told.
    let form = match json["variance"].as_str() {
        Some("YG") => PairForm::YatesGrundy,
        _ => PairForm::HorvitzThompson,
    };
    let joint = match json["joint"].as_str() {
        None => None,
        Some(name) => {
            let (_, rows) =
                cache.numbers(&format!("data/{name}.csv")).map_err(Stop::Unsupported)?;
            let values = DMatrix::from_fn(rows.len(), rows.len(), |i, j| rows[i][j]);
            Some(JointProbabilities { name: name.to_string(), units: Vec::new(), values })
        }
    };
    Ok(Selection { method, form, joint, ..Selection::default() })
}

/// Two phases of one stage each. R takes a first phase without population sizes as drawn
/// independently of each other, which is Poisson sampling at vanishing rates.
fn two_phase(table: &Arc<Table>, json: &Value) -> Run<Sample> {
    for key in ["weights", "probs", "fpc"] {
        if !json[key].is_null() {
            return unsupported(format!("two phases with {key}"));
        }
    }
    let of = |key: &str, phase: usize| names(&json[key][phase]);
    let single = |key: &str, phase: usize| -> Run<Option<Variable<'_>>> {
        match of(key, phase).as_slice() {
            [] => Ok(None),
            [one] => variable(table, one).map(Some),
            _ => unsupported("a phase of several stages"),
        }
    };
    let full = json["method"] == "full";
    let input = DesignInput {
        rows: table.rows(),
        clusters: single("ids", 0)?.into_iter().collect(),
        strata: vec![single("strata", 0)?],
        selection: Selection {
            method: if full { Method::Poisson } else { Method::Simple },
            ..Selection::default()
        },
        second_phase: Some(SecondPhase {
            selected: variable(table, json["subset"].as_str().unwrap_or_default())?,
            strata: single("strata", 1)?,
            clusters: single("ids", 1)?,
            probability: None,
            method: if full { PhaseMethod::Full } else { PhaseMethod::Approx },
        }),
        ..DesignInput::default()
    };
    linearised(table, &input, true)
}

fn replicate(table: &Arc<Table>, json: &Value, cache: &mut Cache) -> Run<Sample> {
    if !json["fpc"].is_null() {
        return unsupported("population sizes of given replicates");
    }
    let method = match json["rep_type"].as_str().unwrap_or("other") {
        "BRR" => ReplicateMethod::Brr,
        "Fay" => ReplicateMethod::Fay,
        "JK1" => ReplicateMethod::Jk1,
        "JKn" => ReplicateMethod::Jkn,
        "JK2" => ReplicateMethod::Jk2,
        "bootstrap" => ReplicateMethod::Bootstrap,
        "ACS" | "successive-difference" => ReplicateMethod::Sdr,
        _ => ReplicateMethod::Other,
    };
    let columns: Vec<Arc<Numbers>> = match json["repweights"]["prefix"].as_str() {
        Some(prefix) => {
            let mut found: Vec<(u64, String)> = table
                .names()
                .filter_map(|n| {
                    let k = n.strip_prefix(prefix)?.parse().ok()?;
                    Some((k, n.to_string()))
                })
                .collect();
            found.sort_unstable();
            found
                .iter()
                .map(|(_, n)| numeric(table, n).map(|c| Arc::new(c.clone())))
                .collect::<Run<_>>()?
        }
        None => {
            let file = json["repweights"]["file"].as_str().unwrap_or_default();
            let (header, rows) = cache.numbers(file).map_err(Stop::Unsupported)?;
            (0..header.len())
                .map(|j| Arc::new(Numbers::pack(rows.iter().map(|r| r[j]).collect())))
                .collect()
        }
    };
    let input = DesignInput {
        rows: table.rows(),
        weight: json["weights"].as_str().map(|n| variable(table, n)).transpose()?,
        ..DesignInput::default()
    };
    let design = SurveyDesign::build(&input).map_err(refused)?;
    let ledger = Ledger::new(design.weights.clone(), "design weight");
    let rscales = match &json["rscales"] {
        Value::Null => None,
        Value::Array(list) => Some(list.iter().filter_map(number).collect()),
        other => number(other).map(|x| vec![x; columns.len()]),
    };
    // R centres successive differences on the mean unless the type is ACS, and pairs as well.
    let rep_type = json["rep_type"].as_str();
    let centred_on_mean = matches!(rep_type, Some("successive-difference" | "JK2"));
    let mut replicates = Replicates::from_columns(
        method,
        &design.weights,
        columns,
        json["combined"] != false,
        json["rho"].as_f64(),
        json["scale"].as_f64(),
        rscales,
        json["mse"].as_bool().or(centred_on_mean.then_some(false)),
    )
    .map_err(refused)?;
    if let Some(df) = json["degf"].as_f64() {
        replicates.df = df;
    }
    Ok(Sample {
        inside: vec![true; table.rows()],
        table: table.clone(),
        analysis: Analysis::with_replicates(design, ledger, replicates),
        kept_rows: None,
    })
}

fn prepare(sample: &mut Sample, design: &Value, step: &Value) -> Run<()> {
    let prep = step;
    match step["op"].as_str().unwrap_or_default() {
        "subset" => {
            for condition in step["where"].as_array().into_iter().flatten() {
                restrict(sample, condition)?;
            }
            Ok(())
        }
        "replicate" => {
            let analysis = &mut sample.analysis;
            if analysis.ledger.steps().len() > 1 {
                return Err(Stop::Refused("replicates made after calibration".into()));
            }
            let method = resampling(step)?;
            let plan = ReplicatePlan {
                replicates: step["replicates"].as_u64().map(|n| n as usize),
                rho: step["rho"].as_f64(),
                mse: Some(step["mse"] == true),
                ..ReplicatePlan::new(method)
            };
            let made = make(&analysis.design, &plan).map_err(refused)?;
            let (design, ledger) = (analysis.design.clone(), analysis.ledger.clone());
            *analysis = Analysis::with_replicates(design, ledger, made);
            Ok(())
        }
        "calibrate_phase2" => {
            let mut ledger = sample.analysis.ledger.clone();
            calibration::to_first_phase(&sample.table, &mut ledger, step)?;
            sample.analysis = Analysis::new(sample.analysis.design.clone(), ledger);
            Ok(())
        }
        op @ ("poststratify" | "rake" | "calibrate" | "trim" | "standardize") => {
            let mut ledger = sample.analysis.ledger.clone();
            if op == "standardize" {
                for name in names(&step["excluding_missing"]) {
                    restrict(sample, &json!({ "var": name, "op": "notna" }))?;
                }
            }
            if sample.inside.contains(&false) {
                if ledger.steps().len() > 1 {
                    return unsupported(format!("{op} of a subpopulation after another step"));
                }
                // The rows outside stay as sampled units.
                let own = ledger.weights().iter().zip(&sample.inside);
                let weights: Vec<f64> =
                    own.map(|(w, inside)| if *inside { *w } else { 0.0 }).collect();
                ledger =
                    Ledger::new(weights.into(), "design weight, zero outside the subpopulation");
            }
            match op {
                "standardize" => {
                    calibration::standardize(&sample.table, &mut ledger, step, &sample.inside)?
                }
                _ => calibration::apply(&sample.table, design, &mut ledger, step)?,
            }
            if ledger.adjustments().count() > 1 {
                // The cases were made with R, whose variance of successive steps is its own.
                ledger.follow_r();
            }
            let kept = sample.inside.iter().filter(|inside| **inside).count();
            let given_df = design["degf"].as_f64();
            let design = sample.analysis.design.clone();
            sample.analysis = match sample.analysis.replicates.take() {
                None => Analysis::new(design, ledger),
                Some(replicates) => {
                    let mut step = replicates.reweighted(&design.tree, &ledger).map_err(refused)?;
                    // R takes the rank of the replicate weights anew after these.
                    let is_direct = prep["op"] != "calibrate"
                        || (prep["distance"].as_str().unwrap_or("linear") == "linear"
                            && prep["bounds"].is_null());
                    if is_direct && given_df.is_none() {
                        let all = vec![true; sample.inside.len()];
                        step.df = step.df_within(&design.tree, ledger.weights(), &all);
                    }
                    Analysis::with_replicates(design, ledger, step)
                }
            };
            if sample.analysis.replicates.is_none() {
                sample.kept_rows.get_or_insert(kept);
            }
            Ok(())
        }
        other => unsupported(format!("prep {other}")),
    }
}

fn resampling(step: &Value) -> Run<Resampling> {
    Ok(match step["type"].as_str().unwrap_or_default() {
        "JK1" => Resampling::Jk1,
        "JKn" => Resampling::Jkn,
        "BRR" => Resampling::Brr,
        "Fay" => Resampling::Fay,
        "bootstrap" => Resampling::CantyDavison,
        "subbootstrap" => Resampling::RaoWu,
        "mrbbootstrap" => Resampling::Preston,
        other => return unsupported(format!("replicates of type {other}")),
    })
}

/// The random replicates that the expected values were computed from.
fn drawn(sample: &mut Sample, case: &Case, cache: &mut Cache) -> Run<()> {
    let expected = &case.json["expected"];
    let file = expected["repweights_file"].as_str().unwrap_or_default();
    let (header, rows) = cache.numbers(file).map_err(Stop::Unsupported)?;
    let columns: Vec<_> = (0..header.len())
        .map(|j| Arc::new(Numbers::pack(rows.iter().map(|r| r[j]).collect())))
        .collect();
    let info = &expected["design_info"];
    let (scale, rscale) = (number(&info["scale"]), number(&info["rscales_all"]).unwrap_or(1.0));
    let design = sample.analysis.design.clone();
    let made = Replicates::from_columns(
        ReplicateMethod::Other,
        &design.weights,
        columns,
        true,
        None,
        scale,
        Some(vec![rscale]),
        None,
    )
    .map_err(refused)?;
    let ledger = sample.analysis.ledger.clone();
    sample.analysis = Analysis::with_replicates(design, ledger, made);
    Ok(())
}

/// The same design with 4,000 replicates of our own, and linearised.
pub fn own_draws(sample: &Sample, case: &Case) -> Run<Option<[Sample; 2]>> {
    let steps = case.json["prep"].as_array().into_iter().flatten();
    let Some(step) = steps.into_iter().find(|s| s["stochastic"] == true) else { return Ok(None) };
    let plan = ReplicatePlan {
        replicates: Some(4000),
        seed: 31_415,
        ..ReplicatePlan::new(resampling(step)?)
    };
    let (design, ledger) = (&sample.analysis.design, &sample.analysis.ledger);
    let made = make(design, &plan).map_err(refused)?;
    let with = |analysis| Sample {
        table: sample.table.clone(),
        analysis,
        inside: sample.inside.clone(),
        kept_rows: sample.kept_rows,
    };
    Ok(Some([
        with(Analysis::with_replicates(design.clone(), ledger.clone(), made)),
        with(Analysis::new(design.clone(), ledger.clone())),
    ]))
}

/// Keeps the rows for which `{var, op, value}` holds.
fn restrict(sample: &mut Sample, condition: &Value) -> Run<()> {
    let name = condition["var"].as_str().unwrap_or_default();
    let column = sample
        .table
        .column(name)
        .ok_or_else(|| Stop::Unsupported(format!("no column {name}")))?
        .clone();
    let op = condition["op"].as_str().unwrap_or_default().to_string();
    let value = &condition["value"];
    let list: Vec<&Value> = match value {
        Value::Array(items) => items.iter().collect(),
        one => vec![one],
    };
    let holds: Box<dyn Fn(usize) -> bool> = match column.as_numbers() {
        Some(numbers) => {
            let targets: Vec<f64> = list.iter().filter_map(|v| number(v)).collect();
            let first = targets.first().copied().unwrap_or(f64::NAN);
            let numbers = numbers.clone();
            Box::new(move |row| {
                let x = numbers.get(row);
                match op.as_str() {
                    "notna" => !x.is_nan(),
                    ">" => x > first,
                    "<" => x < first,
                    ">=" => x >= first,
                    "<=" => x <= first,
                    _ => targets.contains(&x),
                }
            })
        }
        None => {
            let factor = column.as_factor();
            let targets: Vec<u32> = list
                .iter()
                .filter_map(|v| factor.position(v.as_str()?).map(|p| p as u32))
                .collect();
            Box::new(move |row| {
                let code = factor.codes.get(row);
                if op == "notna" { code != Codes::NONE } else { targets.contains(&code) }
            })
        }
    };
    for (row, inside) in sample.inside.iter_mut().enumerate() {
        *inside = *inside && holds(row);
    }
    Ok(())
}
