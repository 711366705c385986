//! Regressions of a case.

use rakewell::aggregate::{XColumns, XTerm};
use rakewell::data::{Codes, Numbers, Table};
use rakewell::model::{
    CoxInput, Family, Link, RegressionInput, Stop, Ties, proportional_hazards, regression,
};
use rakewell::numeric::distributions::{normal_sf, t_two_sided};
use serde_json::Value;

use crate::case::{Run, Sample, refused, unsupported};
use crate::data::numeric;
use crate::estimate::{Found, Row, degrees_of_freedom};
use crate::formula;

/// A formula in parts: outcome, model without offset, offset.
fn parts(text: &str) -> (String, String, Option<String>) {
    let (left, right) = text.split_once('~').unwrap_or((text, ""));
    let mut offset = None;
    let kept: Vec<&str> = right
        .split('+')
        .filter(|part| {
            let inner = part.trim().strip_prefix("offset(").and_then(|p| p.strip_suffix(')'));
            offset = offset.take().or(inner.map(str::to_string));
            inner.is_none()
        })
        .collect();
    (left.trim().to_string(), format!("{} ~ {}", left.trim(), kept.join("+")), offset)
}

/// The outcome as numbers; of a factor R counts every level but the first.
fn outcome(table: &Table, name: &str) -> Run<Numbers> {
    let Some(column) = table.column(name) else { return unsupported(format!("no column {name}")) };
    if let Some(numbers) = column.as_numbers() {
        return Ok(numbers.clone());
    }
    let factor = column.as_factor();
    let one = |row: usize| match factor.codes.get(row) {
        Codes::NONE => f64::NAN,
        0 => 0.0,
        _ => 1.0,
    };
    Ok(Numbers::pack((0..factor.codes.len()).map(one).collect()))
}

/// The rows of the subpopulation that have all variables of a model.
fn complete(sample: &Sample, formula: &str, outcomes: &[&Numbers]) -> Run<Vec<bool>> {
    let mut inside = sample.inside.clone();
    for name in formula::terms(formula)?.1.iter().flatten() {
        if let Some(column) = sample.table.column(name) {
            let f = column.as_factor();
            inside.iter_mut().enumerate().for_each(|(r, k)| *k &= f.codes.get(r) != Codes::NONE);
        }
    }
    for y in outcomes {
        inside.iter_mut().enumerate().for_each(|(r, k)| *k &= !y.get(r).is_nan());
    }
    Ok(inside)
}

pub fn glm(estimate: &Value, sample: &Sample, found: &mut Found) -> Run<()> {
    for key in ["regterm", "predict", "psrsq"] {
        if !estimate[key].is_null() {
            return unsupported(format!("glm {key}"));
        }
    }
    let family = match estimate["family"]["family"].as_str().unwrap_or("gaussian") {
        "gaussian" => Family::Gaussian,
        "binomial" | "quasibinomial" => Family::Binomial,
        "poisson" | "quasipoisson" => Family::Poisson,
        "Gamma" => Family::Gamma,
        other => return unsupported(format!("glm family {other}")),
    };
    let link = match estimate["family"]["link"].as_str().unwrap_or("identity") {
        "identity" => Link::Identity,
        "logit" => Link::Logit,
        "probit" => Link::Probit,
        "cloglog" => Link::Cloglog,
        "log" => Link::Log,
        other => return unsupported(format!("glm link {other}")),
    };
    let (left, text, offset) = parts(estimate["formula"].as_str().unwrap_or_default());
    let y = outcome(&sample.table, &left)?;
    let offset = offset.map(|text| formula::numbers(&sample.table, &text)).transpose()?;
    let columns = formula::columns(&sample.table, &text)?;
    let outcomes: Vec<&Numbers> = std::iter::once(&y).chain(&offset).collect();
    let inside = complete(sample, &text, &outcomes)?;
    let fit = regression(
        &sample.analysis,
        &RegressionInput {
            y: &y,
            x: &columns.x,
            offset: offset.as_ref(),
            inside: &inside,
            family,
            link,
            design_df: degrees_of_freedom(sample, &inside),
            // The cases have what R prints, a step before its solution (docs/methods/regression.md).
            stop: Stop::AsR,
        },
    )
    .map_err(refused)?;
    if !fit.dependent.is_empty() {
        return unsupported("collinear model columns");
    }
    if !fit.status.is_converged() {
        return Err(refused(format!("{:?}", fit.status)));
    }
    for (i, name) in columns.names.iter().enumerate() {
        let (estimate, se) = (fit.coefficients[i], fit.covariance[(i, i)].sqrt());
        found.rows.push(Row {
            term: name.clone(),
            estimate,
            se,
            statistic: Some(estimate / se),
            p_value: Some(t_two_sided(estimate / se, fit.df)),
            df: Some(fit.df),
            ..Row::default()
        });
    }
    // R scales the weights to mean 1 before rows with missing values are dropped.
    let mean = |keep: &dyn Fn(usize) -> bool| {
        let w = sample.analysis.ledger.weights();
        let used: Vec<f64> = (0..w.len()).filter(|&r| keep(r)).map(|r| w[r]).collect();
        used.iter().sum::<f64>() / used.len() as f64
    };
    let scale = mean(&|r| inside[r]) / mean(&|r| sample.inside[r]);
    found.vcov = Some((columns.names.clone(), fit.covariance));
    found.scalars.insert("df_residual".into(), fit.df);
    found.scalars.insert("deviance".into(), scale * fit.deviance);
    found.scalars.insert("null_deviance".into(), scale * fit.null_deviance);
    found.scalars.insert("dispersion".into(), scale * fit.dispersion);
    Ok(())
}

pub fn coxph(estimate: &Value, sample: &Sample, found: &mut Found) -> Run<()> {
    let text = estimate["formula"].as_str().unwrap_or_default();
    let (left, _) = text.split_once('~').unwrap_or((text, ""));
    let inner = left.trim().strip_prefix("Surv(").and_then(|t| t.strip_suffix(')'));
    let Some((time, event)) = inner.and_then(|t| t.split_once(',')) else {
        return unsupported(format!("survival outcome {left}"));
    };
    let time = numeric(&sample.table, time.trim())?;
    let event = numeric(&sample.table, event.trim())?;
    let columns = formula::columns(&sample.table, text)?;
    let inside = complete(sample, text, &[time, event])?;
    // The baseline hazard takes the place of the constant.
    let constant = |t: &XTerm| t.codes.is_none() && t.values.is_none();
    let x = XColumns { terms: columns.x.terms.into_iter().filter(|t| !constant(t)).collect() };
    let names: Vec<String> =
        columns.names.into_iter().filter(|name| name != "(Intercept)").collect();
    let fit = proportional_hazards(
        &sample.analysis,
        &CoxInput {
            time,
            event,
            x: &x,
            inside: &inside,
            ties: Ties::Efron,
            design_df: degrees_of_freedom(sample, &inside),
        },
    )
    .map_err(refused)?;
    if !fit.status.is_converged() {
        return Err(refused(format!("{:?}", fit.status)));
    }
    for (i, name) in names.iter().enumerate() {
        let (estimate, se) = (fit.coefficients[i], fit.covariance[(i, i)].sqrt());
        let z = estimate / se;
        found.rows.push(Row {
            term: name.clone(),
            estimate,
            se,
            statistic: Some(z),
            p_value: Some(2.0 * normal_sf(z.abs())),
            df: Some(f64::INFINITY),
            ..Row::default()
        });
    }
    found.vcov = Some((names, fit.covariance));
    Ok(())
}
