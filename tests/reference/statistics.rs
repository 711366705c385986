//! Proportions with their intervals, quantiles and population variances.

use nalgebra::DMatrix;
use rakewell::aggregate::DomainCodes;
use rakewell::data::{Codes, Column, Factor, Numbers};
use rakewell::design::{
    DesignInput, JointProbabilities, Method, PairForm, Selection, SurveyDesign, Variable,
};
use rakewell::estimate::interval_compat::{LikelihoodInput, likelihood_as_r};
use rakewell::estimate::{
    Analysis, Df, Domains, IntervalInput, IntervalMethod, QuantileInterval, QuantileRequest,
    QuantileRule, Quantity, interval,
};
use rakewell::weight::Ledger;
use serde_json::Value;

use crate::case::{Case, Run, Sample, Stop, names, number, refused, unsupported};
use crate::data::{Cache, numeric};
use crate::estimate::{Found, Row, by_factors, degrees_of_freedom};

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
    let given_method = estimate["method"].as_str().unwrap_or_default();
    // R fits the logistic regression in every replicate.
    let on_logit = match (&sample.analysis.replicates, given_method) {
        (Some(replicates), "logit") => {
            let logit = |p: f64| (p / (1.0 - p)).ln();
            let each = sample
                .analysis
                .replicate_values(&[Quantity::Mean(y)], &domains.codes)
                .unwrap_or_default();
            let thetas: Vec<Vec<f64>> = each.iter().map(|p| vec![logit(p[0])]).collect();
            Some(replicates.variances(&[logit(raw.values[0])], &thetas).0[0].sqrt())
        }
        _ => None,
    };
    let p = raw.values[0];
    let input = IntervalInput {
        estimate: p,
        se: Some(on_logit.map_or(se, |s| s * p * (1.0 - p))),
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
    let rule = match estimate["qrule"].as_str().unwrap_or("math") {
        "math" | "hf1" => QuantileRule::Hf1,
        "school" | "hf2" => QuantileRule::Hf2,
        "hf3" => QuantileRule::Hf3,
        "hf4" => QuantileRule::Hf4,
        "hf5" => QuantileRule::Hf5,
        "hf6" => QuantileRule::Hf6,
        "hf7" => QuantileRule::Hf7,
        "hf8" => QuantileRule::Hf8,
        "hf9" => QuantileRule::Hf9,
        "shahvaish" => QuantileRule::ShahVaishAsR,
        other => return unsupported(format!("quantile rule {other}")),
    };
    let kind = estimate["interval"].as_str().unwrap_or("mean");
    let interval = match kind {
        "mean" => QuantileInterval::Woodruff,
        "beta" => QuantileInterval::Beta,
        "xlogit" => QuantileInterval::Logit,
        "asin" => QuantileInterval::Arcsine,
        // R's own limits do not solve the score equation (docs/methods/quantiles.md).
        "score" => return unsupported("quantile interval score, as R has it"),
        "quantile" if sample.analysis.replicates.is_some() => QuantileInterval::Replicates,
        other => return unsupported(format!("quantile interval {other}")),
    };
    let probabilities: Vec<f64> =
        estimate["probs"].as_array().into_iter().flatten().filter_map(number).collect();
    let level = estimate["level"].as_f64().unwrap_or(0.95);
    for name in names(&estimate["vars"]) {
        let y = numeric(&sample.table, &name)?;
        let (by, domains) = groups(case, sample, &name, estimate["na_rm"] == true)?;
        for domain in 0..domains.codes.count {
            // R takes the degrees of freedom of the group, whatever is missing.
            let group: Vec<bool> =
                (0..y.len()).map(|row| domains.codes.codes.get(row) == domain as u32).collect();
            let df = match interval {
                QuantileInterval::Replicates => Df::Domain,
                _ => Df::Given(degrees_of_freedom(sample, &group)),
            };
            let request =
                QuantileRequest { y, probabilities: &probabilities, rule, interval, level, df };
            let made = sample.analysis.quantiles(&request, &domains.codes, false);
            for q in made.rows.into_iter().filter(|q| q.domain == domain) {
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
    }
    Ok(())
}

pub fn variance(estimate: &Value, case: &Case, sample: &Sample, found: &mut Found) -> Run<()> {
    let vars = names(&estimate["vars"]);
    let columns = vars.iter().map(|n| numeric(&sample.table, n)).collect::<Run<Vec<_>>>()?;
    let drop_missing = estimate["na_rm"] == true;
    let by = by_factors(case, sample, false)?;
    let factors: Vec<&Factor> = by.iter().map(|(_, f)| f).collect();
    let missing = |row: usize| columns.iter().any(|y| y.get(row).is_nan());
    let inside: Vec<bool> = (0..sample.inside.len())
        .map(|row| sample.inside[row] && (!drop_missing || !missing(row)))
        .collect();
    let domains = Domains::cross(inside.len(), &factors, Some(&inside));
    let raw = sample.analysis.population_covariances(&columns, &domains.codes, false);
    // R fills the matrix column by column.
    let p = vars.len();
    let pair = |i: usize, j: usize| {
        let (i, j) = (i.min(j), i.max(j));
        (0..i).map(|k| p - k).sum::<usize>() + j - i
    };
    for domain in 0..domains.codes.count {
        let group: Vec<bool> =
            (0..inside.len()).map(|r| domains.codes.codes.get(r) == domain as u32).collect();
        let df = degrees_of_freedom(sample, &group);
        // R without na.rm: a missing value makes the result missing.
        let lost =
            !drop_missing && group.iter().enumerate().any(|(r, inside)| *inside && missing(r));
        let blank = |x: f64| if lost { f64::NAN } else { x };
        for j in 0..p {
            for i in 0..p {
                let row = pair(i, j) * domains.codes.count + domain;
                let term = match p {
                    1 => vars[0].clone(),
                    _ => format!("{}:{}", vars[i], vars[j]),
                };
                found.rows.push(Row {
                    term,
                    by: cell(&by, &domains.cells[domain]),
                    estimate: blank(raw.values[row]),
                    se: blank(raw.variances[row].sqrt()),
                    df_domain: Some(df),
                    ..Row::default()
                });
            }
        }
    }
    Ok(())
}

/// Totals of a sample of unequal probabilities that is given by labels, each variance by its formula.
pub fn pps_total(case: &Case, cache: &mut Cache) -> Run<Found> {
    let expected = &case.json["expected"];
    let file = |key: &str| expected[key].as_str().unwrap_or_default().to_string();
    let table = cache.table(case.json["data"].as_str().unwrap_or_default())?;
    let numbers = |key: &str| cache.numbers(&file(key)).map(|(_, rows)| rows);
    let numbers = |key: &str| numbers(key).map_err(Stop::Unsupported);
    let sample: Vec<f64> = numbers("sample_file")?.iter().map(|r| r[0]).collect();
    let pik: Vec<f64> = numbers("pik_file")?.iter().map(|r| r[0]).collect();
    let joint = numbers("pi2_file")?;
    let label = numeric(&table, "LABEL")?;
    let name = &names(&case.json["estimate"]["vars"])[0];
    let y = numeric(&table, name)?;
    let rows: Vec<usize> = sample
        .iter()
        .filter_map(|wanted| (0..table.rows()).find(|&r| label.get(r) == *wanted))
        .collect();
    let n = rows.len();
    let (pi, y): (Vec<f64>, Vec<f64>) =
        (pik[..n].to_vec(), rows.iter().map(|&r| y.get(r)).collect());
    let joint = DMatrix::from_fn(n, n, |i, j| joint[i][j]);
    let size = numeric(&table, "P75")?;
    let size = Numbers::pack(rows.iter().map(|&r| size.get(r)).collect());
    let mut found = Found::default();
    let mut with = |key: &str, method: Method, form: PairForm| -> Run<()> {
        let (p, y) = (Column::numbers("p", pi.clone()), Numbers::pack(y.clone()));
        let joint =
            JointProbabilities { name: "joint".into(), units: Vec::new(), values: joint.clone() };
        let input = DesignInput {
            rows: n,
            fpc: vec![Variable::of(&p)],
            selection: Selection { method, form, joint: Some(joint), ..Selection::default() },
            ..DesignInput::default()
        };
        let design = SurveyDesign::build(&input).map_err(refused)?;
        let ledger = Ledger::new(design.weights.clone(), "1/p");
        let everyone = DomainCodes { codes: Codes::pack(&vec![0; n], 1), count: 1 };
        let analysis = Analysis::new(design, ledger);
        let one = Numbers::pack(vec![1.0; n]);
        let quantities =
            [Quantity::Total(&y), Quantity::Ratio(&y, &one), Quantity::Ratio(&y, &size)];
        let raw = analysis.estimate(&quantities, &everyone, false);
        found.scalars.insert(key.into(), raw.variances[0]);
        if key == "var_HT" {
            found.scalars.insert("total".into(), raw.values[0]);
            found.scalars.insert("ratio".into(), raw.values[2]);
            found.scalars.insert("var_hajek_mean_ratio".into(), raw.variances[1]);
            found.scalars.insert("var_ratio".into(), raw.variances[2]);
        }
        Ok(())
    };
    with("var_HT", Method::Joint, PairForm::HorvitzThompson)?;
    with("var_YG", Method::Joint, PairForm::YatesGrundy)?;
    // R `sampling` calls Deville's second estimator, of 1993 and 1999, his first.
    with("var_deville1", Method::Deville2, PairForm::YatesGrundy)?;
    found.scalars.insert("n".into(), n as f64);
    Ok(found)
}
