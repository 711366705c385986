//! Proportions with their intervals, quantiles, population variances and regressions.

use rakewell::data::{Codes, Factor};
use rakewell::estimate::interval_compat::{LikelihoodInput, likelihood_as_r};
use rakewell::estimate::{Domains, IntervalInput, IntervalMethod, Quantity, interval};
use rakewell::model::linear_regression;
use rakewell::numeric::distributions::t_two_sided;
use serde_json::Value;

use crate::case::{Case, Run, Sample, names, number, refused, unsupported};
use crate::data::numeric;
use crate::estimate::{Found, Row, by_factors, degrees_of_freedom};
use crate::formula;

pub fn proportion(estimate: &Value, sample: &Sample, found: &mut Found) -> Run<()> {
    let [name] =
        names(&estimate["vars"]).try_into().or_else(|_| unsupported("several variables"))?;
    let name: String = name;
    let y = numeric(&sample.table, &name)?;
    let method = match estimate["method"].as_str().unwrap_or_default() {
        "mean" => IntervalMethod::T,
        // R fits a logistic regression for one and uses the delta method for the other: the
        // same limits up to the convergence of the fit.
        "logit" | "xlogit" => IntervalMethod::Logit,
        "beta" => IntervalMethod::Beta,
        "wilson" => IntervalMethod::Wilson,
        "asin" => IntervalMethod::Arcsine,
        "likelihood" => IntervalMethod::Likelihood,
        other => return unsupported(format!("interval {other}")),
    };
    let domains = Domains::cross(sample.table.rows(), &[], Some(&sample.inside));
    let raw = sample.analysis.estimate(&[Quantity::Mean(y)], &domains.codes, false);
    // R's beta interval has the degrees of freedom of the design whatever `df` says.
    let given = number(&estimate["df"]).filter(|_| method != IntervalMethod::Beta);
    // After na.rm the degrees of freedom are those of the rows with a value.
    let with_value: Vec<bool> =
        (0..y.len()).map(|row| sample.inside[row] && !y.get(row).is_nan()).collect();
    let keep = if estimate["na_rm"] == true { &with_value } else { &sample.inside };
    let df = given.unwrap_or_else(|| match method {
        IntervalMethod::Beta => found.df,
        _ => degrees_of_freedom(sample, keep).max(found.df),
    });
    let se = raw.variances[0].sqrt();
    let input = IntervalInput {
        estimate: raw.values[0],
        se: Some(se),
        n: found.info["n"] as u64,
        df: Some(df),
        level: estimate["level"].as_f64().unwrap_or(0.95),
        certain: false,
    };
    let made = if method == IntervalMethod::Likelihood {
        // The cases have what R prints, which is not the solution of its own equation.
        let w = sample.analysis.ledger.weights();
        let rows = || (0..y.len()).filter(|&row| sample.inside[row]);
        likelihood_as_r(&LikelihoodInput {
            y: &rows().map(|row| y.get(row)).collect::<Vec<_>>(),
            weights: &rows().map(|row| w[row]).collect::<Vec<_>>(),
            se,
            df,
            level: input.level,
        })
    } else {
        interval(method, &input)
    };
    let limits = |x: Option<f64>| x.unwrap_or(f64::NAN);
    let method = estimate["method"].as_str().unwrap_or_default().to_string();
    found.rows.push(Row {
        term: name,
        estimate: raw.values[0],
        se,
        intervals: vec![(method, limits(made.lower), limits(made.upper))],
        ..Row::default()
    });
    Ok(())
}

/// The groups of an estimate within the rows that have a value.
fn groups(
    case: &Case,
    sample: &Sample,
    name: &str,
    drop_missing: bool,
) -> Run<(Vec<(String, Factor)>, Domains)> {
    let y = numeric(&sample.table, name)?;
    let by = by_factors(case, sample, false)?;
    let factors: Vec<&Factor> = by.iter().map(|(_, f)| f).collect();
    let inside: Vec<bool> = (0..y.len())
        .map(|row| sample.inside[row] && (!drop_missing || !y.get(row).is_nan()))
        .collect();
    let domains = Domains::cross(y.len(), &factors, Some(&inside));
    Ok((by, domains))
}

fn cell(by: &[(String, Factor)], levels: &[usize]) -> Vec<(String, String)> {
    by.iter().zip(levels).map(|((n, f), &l)| (n.clone(), f.levels[l].value.clone())).collect()
}

pub fn quantile(estimate: &Value, case: &Case, sample: &Sample, found: &mut Found) -> Run<()> {
    let rule = estimate["qrule"].as_str().unwrap_or("math");
    let kind = estimate["interval"].as_str().unwrap_or("mean");
    if !matches!(rule, "math" | "hf1") {
        return unsupported(format!("quantile rule {rule}"));
    }
    if !matches!(kind, "mean" | "quantile") {
        return unsupported(format!("quantile interval {kind}"));
    }
    let probs: Vec<f64> =
        estimate["probs"].as_array().into_iter().flatten().filter_map(number).collect();
    let level = estimate["level"].as_f64().unwrap_or(0.95);
    for name in names(&estimate["vars"]) {
        let y = numeric(&sample.table, &name)?;
        let (by, domains) = groups(case, sample, &name, estimate["na_rm"] == true)?;
        let made = match (kind, &sample.analysis.replicates) {
            ("quantile", Some(_)) => sample
                .analysis
                .replicate_quantiles(y, &probs, &domains.codes, level)
                .unwrap_or_default(),
            _ => {
                let mut all = Vec::new();
                for domain in 0..domains.codes.count {
                    // R takes the degrees of freedom of the group, whatever is missing.
                    let group: Vec<bool> = (0..y.len())
                        .map(|row| domains.codes.codes.get(row) == domain as u32)
                        .collect();
                    let df = degrees_of_freedom(sample, &group);
                    let list =
                        sample.analysis.quantiles(y, &probs, &domains.codes, level, Some(df));
                    all.extend(list.into_iter().filter(|q| q.domain == domain));
                }
                all
            }
        };
        for q in made {
            found.rows.push(Row {
                term: name.clone(),
                by: cell(&by, &domains.cells[q.domain]),
                prob: Some(q.probability),
                estimate: q.estimate,
                se: q.se,
                intervals: vec![(kind.to_string(), q.lower, q.upper)],
                ..Row::default()
            });
        }
    }
    Ok(())
}

pub fn variance(estimate: &Value, case: &Case, sample: &Sample, found: &mut Found) -> Run<()> {
    let vars = names(&estimate["vars"]);
    let [name] = vars.as_slice() else { return unsupported("covariance matrix of variables") };
    if sample.analysis.replicates.is_some() {
        return unsupported("variance of a variable by replicates");
    }
    let (by, domains) = groups(case, sample, name, estimate["na_rm"] == true)?;
    let y = numeric(&sample.table, name)?;
    let raw = sample.analysis.population_variances(y, &domains.codes);
    for row in 0..raw.values.len() {
        let domain = raw.index[row].2;
        let group: Vec<bool> =
            (0..y.len()).map(|r| domains.codes.codes.get(r) == domain as u32).collect();
        found.rows.push(Row {
            term: name.clone(),
            by: cell(&by, &domains.cells[domain]),
            estimate: raw.values[row],
            se: raw.variances[row].sqrt(),
            df_domain: Some(degrees_of_freedom(sample, &group)),
            ..Row::default()
        });
    }
    Ok(())
}

pub fn glm(estimate: &Value, sample: &Sample, found: &mut Found) -> Run<()> {
    let family = estimate["family"]["family"].as_str().unwrap_or("gaussian");
    let link = estimate["family"]["link"].as_str().unwrap_or("identity");
    if (family, link) != ("gaussian", "identity") {
        return unsupported(format!("glm {family} {link}"));
    }
    for key in ["regterm", "predict", "psrsq"] {
        if !estimate[key].is_null() {
            return unsupported(format!("glm {key}"));
        }
    }
    let text = estimate["formula"].as_str().unwrap_or_default();
    let (left, _) = text.split_once('~').unwrap_or((text, ""));
    let y = numeric(&sample.table, left.trim())?;
    let columns = formula::columns(&sample.table, text)?;
    let (_, terms) = formula::terms(text)?;
    let mut inside = sample.inside.clone();
    for name in terms.iter().flatten() {
        if let Some(column) = sample.table.column(name) {
            let f = column.as_factor();
            inside.iter_mut().enumerate().for_each(|(r, k)| *k &= f.codes.get(r) != Codes::NONE);
        }
    }
    inside.iter_mut().enumerate().for_each(|(r, k)| *k &= !y.get(r).is_nan());
    let df = degrees_of_freedom(sample, &inside);
    let fit = linear_regression(&sample.analysis, &columns.x, y, &inside, df).map_err(refused)?;
    if !fit.dependent.is_empty() {
        return unsupported("collinear model columns");
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
