//! Runs the `estimate` of a case.

use std::collections::BTreeMap;
use std::sync::Arc;

use nalgebra::DMatrix;
use rakewell::compare::{SmoothInput, smooth};
use rakewell::data::expr::Expression;
use rakewell::data::{Codes, Factor, Numbers};
use rakewell::estimate::{
    Covariance, Deff, Domains, IntervalInput, IntervalMethod, Quantity, Raw, design_effect,
    interval,
};
use rakewell::weight::WeightSummary;
use serde_json::Value;

use crate::case::{Case, Run, Sample, Stop, names, refused, unsupported};
use crate::data::{Cache, numeric};
use crate::{calibration, design, formula, hypotheses, imputed, regression, selection, statistics};

/// What a case came to.
#[derive(Default)]
pub struct Found {
    pub info: BTreeMap<&'static str, f64>,
    pub rscales: Vec<f64>,
    pub rows: Vec<Row>,
    pub vcov: Option<(Vec<String>, DMatrix<f64>)>,
    pub contrasts: Vec<(String, f64, f64)>,
    pub scalars: BTreeMap<String, f64>,
    pub weights: Option<Vec<f64>>,
    /// What a test came to, by name.
    pub test: BTreeMap<String, f64>,
    pub vector: Option<Vec<f64>>,
    pub matrix: Option<DMatrix<f64>>,
    pub df: f64,
    /// Variance of our own random replicates ÷ linearised variance, by row.
    pub ratios: Vec<f64>,
}

/// One estimate.
#[derive(Default, Clone)]
pub struct Row {
    pub term: String,
    pub by: Vec<(String, String)>,
    pub prob: Option<f64>,
    pub estimate: f64,
    pub se: f64,
    pub deff: Option<f64>,
    pub df_domain: Option<f64>,
    /// Degrees of freedom of its intervals, where they are not those of the sample.
    pub df: Option<f64>,
    pub statistic: Option<f64>,
    pub p_value: Option<f64>,
    /// (method, lower, upper)
    pub intervals: Vec<(String, f64, f64)>,
    /// Other numbers, by their name in the case.
    pub extra: BTreeMap<&'static str, f64>,
}

pub fn run(case: &Case, cache: &mut Cache) -> Run<Found> {
    let estimate = &case.json["estimate"];
    let stat = estimate["stat"].as_str().unwrap_or_default();
    if matches!(stat, "inclusion_probabilities" | "joint_probabilities") {
        return selection::run(case, cache);
    }
    let known = [
        "mean",
        "total",
        "ratio",
        "weights",
        "proportion",
        "quantile",
        "var",
        "glm",
        "coxph",
        "calib",
        "pps_total",
        "gencalib",
        "table",
        "chisq",
        "ttest",
        "ranktest",
    ];
    if !known.contains(&stat) {
        return unsupported(format!("statistic {stat}"));
    }
    if imputed::is_imputed(case) {
        return imputed::run(case, cache);
    }
    if stat == "calib" || stat == "gencalib" {
        return calibration::bare(case, cache);
    }
    if stat == "pps_total" {
        return statistics::pps_total(case, cache);
    }
    let sample = design::sample(case, cache)?;
    let mut found = Found { df: degrees_of_freedom(&sample, &sample.inside), ..Found::default() };
    describe(&sample, &mut found);
    match stat {
        "weights" => weights(&sample, &mut found),
        "proportion" => statistics::proportion(estimate, &sample, &mut found)?,
        "quantile" => statistics::quantile(estimate, case, &sample, &mut found)?,
        "chisq" => hypotheses::independence(estimate, &sample, &mut found)?,
        "ttest" => hypotheses::mean(estimate, &sample, &mut found)?,
        "ranktest" => hypotheses::rank(estimate, &sample, &mut found)?,
        "table" => table(estimate, &sample, &mut found)?,
        "var" => statistics::variance(estimate, case, &sample, &mut found)?,
        "glm" => regression::glm(estimate, &sample, &mut found)?,
        "coxph" => regression::coxph(estimate, &sample, &mut found)?,
        _ => linear(estimate, case, &sample, &mut found)?,
    }
    if let Some([drawn, linearised]) = design::own_draws(&sample, case)? {
        let errors = |sample: &Sample| -> Run<Vec<f64>> {
            let mut own = Found::default();
            linear(estimate, case, sample, &mut own)?;
            Ok(own.rows.iter().map(|r| r.se * r.se).collect())
        };
        let pairs = errors(&drawn)?.into_iter().zip(errors(&linearised)?);
        found.ratios = pairs.map(|(drawn, linearised)| drawn / linearised).collect();
        found.info.insert("degf_linear", linearised.analysis.design.df());
    }
    for row in found.rows.iter_mut().filter(|r| r.intervals.is_empty()) {
        let df = row.df.unwrap_or(found.df);
        row.intervals = wald_intervals(row.estimate, row.se, df);
    }
    if let Some(contrasts) = estimate["contrasts"].as_array() {
        self::contrasts(contrasts, &mut found)?;
    }
    Ok(found)
}

/// The normal and t intervals, as (method, lower, upper).
pub fn wald_intervals(estimate: f64, se: f64, df: f64) -> Vec<(String, f64, f64)> {
    [("normal", f64::INFINITY), ("t", df)]
        .into_iter()
        .map(|(name, df)| {
            // R gives an interval of width zero where the standard error is zero.
            let input = IntervalInput {
                estimate,
                se: Some(se),
                n: 2,
                df: Some(df),
                level: 0.95,
                certain: se <= 1e-7 * estimate.abs(),
            };
            let made = interval(IntervalMethod::T, &input);
            (name.to_string(), made.lower.unwrap_or(f64::NAN), made.upper.unwrap_or(f64::NAN))
        })
        .collect()
}

/// Degrees of freedom among the rows for which `inside` holds.
pub fn degrees_of_freedom(sample: &Sample, inside: &[bool]) -> f64 {
    let analysis = &sample.analysis;
    let w = analysis.ledger.weights();
    match &analysis.replicates {
        Some(r) if !inside.contains(&false) => r.df,
        Some(r) => r.df_within(&analysis.design.tree, w, inside),
        None => analysis.design.df_of(|row| inside[row] && w[row] != 0.0),
    }
}

fn describe(sample: &Sample, found: &mut Found) {
    let w = sample.analysis.ledger.weights();
    let inside = || w.iter().zip(&sample.inside).filter(|(_, i)| **i).map(|(w, _)| *w);
    let rows = sample.kept_rows.unwrap_or_else(|| inside().count());
    found.info.insert("n", rows as f64);
    found.info.insert("degf", found.df);
    found.info.insert("n_positive_weight", inside().filter(|w| *w > 0.0).count() as f64);
    found.info.insert("sum_weights", inside().sum());
    if let Some(r) = &sample.analysis.replicates {
        found.info.insert("replicates", r.weights.count() as f64);
        found.info.insert("scale", r.scale);
        found.rscales = r.rscales.clone();
    }
}

fn weights(sample: &Sample, found: &mut Found) {
    let all = sample.analysis.ledger.weights().iter().zip(&sample.inside);
    // Rows outside the subpopulation are dropped, or keep their place with weight zero.
    let w: Vec<f64> = match sample.kept_rows {
        None => all.filter(|(_, inside)| **inside).map(|(w, _)| *w).collect(),
        Some(_) => all.map(|(w, inside)| if *inside { *w } else { 0.0 }).collect(),
    };
    let s = WeightSummary::of(&w);
    let n = w.len() as f64;
    let squares: f64 = w.iter().map(|w| w * w).sum();
    found.scalars.insert("n".into(), n);
    found.scalars.insert("sum".into(), s.sum);
    found.scalars.insert("min".into(), w.iter().copied().fold(f64::INFINITY, f64::min));
    found.scalars.insert("max".into(), s.max);
    found.scalars.insert("sumsq".into(), squares);
    found.scalars.insert("deff_kish".into(), n * squares / (s.sum * s.sum));
    found.scalars.insert("n_eff".into(), s.n_eff);
    found.weights = Some(w);
}

/// Weighted counts of every combination of levels.
fn table(estimate: &Value, sample: &Sample, found: &mut Found) -> Run<()> {
    let by: Vec<(String, Factor)> = names(&estimate["vars"])
        .into_iter()
        .map(|name| match sample.table.column(&name) {
            Some(column) => Ok((name, column.as_factor())),
            None => unsupported(format!("no column {name}")),
        })
        .collect::<Run<_>>()?;
    let one = Numbers::pack(vec![1.0; sample.table.rows()]);
    let factors: Vec<&Factor> = by.iter().map(|(_, f)| f).collect();
    let domains = Domains::cross(one.len(), &factors, Some(&sample.inside));
    let raw = sample.analysis.estimate(&[Quantity::Total(&one)], &domains.codes, false);
    for (cell, total) in domains.cells.iter().zip(&raw.values) {
        let level = |((name, f), &l): (&(String, Factor), &usize)| {
            (name.clone(), f.levels[l].value.clone())
        };
        found.rows.push(Row {
            by: by.iter().zip(cell).map(level).collect(),
            estimate: if total.is_nan() { 0.0 } else { *total },
            ..Row::default()
        });
    }
    Ok(())
}

/// The by-variables of an estimate, or the strata for a separate ratio.
pub fn by_factors(case: &Case, sample: &Sample, separate: bool) -> Run<Vec<(String, Factor)>> {
    let by = if separate {
        names(&case.json["design"]["strata"])
    } else {
        names(&case.json["estimate"]["by"])
    };
    by.into_iter()
        .map(|name| match sample.table.column(&name) {
            Some(column) => Ok((name, column.as_factor())),
            None => unsupported(format!("no column {name}")),
        })
        .collect()
}

/// A variable of the estimate.
enum Owned {
    Numbers(Arc<Numbers>),
    Factor(Factor),
}

fn owned(sample: &Sample, name: &str) -> Run<Owned> {
    let column =
        sample.table.column(name).ok_or_else(|| Stop::Unsupported(format!("no column {name}")))?;
    Ok(match column.as_numbers() {
        Some(n) => Owned::Numbers(Arc::new(n.clone())),
        None => Owned::Factor(column.as_factor()),
    })
}

/// The interaction of factors as one factor, first variable varying fastest.
fn interaction(factors: &[Factor]) -> Factor {
    let count: usize = factors.iter().map(|f| f.levels.len()).product();
    let rows = factors[0].codes.len();
    let codes: Vec<u32> = (0..rows)
        .map(|row| {
            let mut code = 0;
            for f in factors.iter().rev() {
                let c = f.codes.get(row);
                if c == Codes::NONE {
                    return Codes::NONE;
                }
                code = code * f.levels.len() as u32 + c;
            }
            code
        })
        .collect();
    let levels = (0..count)
        .map(|cell| {
            let mut rest = cell;
            let parts: Vec<&str> = factors
                .iter()
                .map(|f| {
                    let level = &f.levels[rest % f.levels.len()];
                    rest /= f.levels.len();
                    level.value.as_str()
                })
                .collect();
            rakewell::data::Level::new(parts.join("."))
        })
        .collect();
    Factor { codes: Codes::pack(&codes, count), levels }
}

fn linear(estimate: &Value, case: &Case, sample: &Sample, found: &mut Found) -> Run<()> {
    let stat = estimate["stat"].as_str().unwrap_or_default();
    let vars = names(&estimate["vars"]);
    let (num, den) = (names(&estimate["num"]), names(&estimate["den"]));
    let separate = estimate["separate"] == true;
    let rows = sample.table.rows();
    let drop_missing = estimate["na_rm"] == true;
    let mut inside = sample.inside.clone();
    if drop_missing {
        for name in vars.iter().chain(&num).chain(&den) {
            if let Some(column) = sample.table.column(name) {
                let factor = column.as_factor();
                for (row, keep) in inside.iter_mut().enumerate() {
                    *keep &= factor.codes.get(row) != Codes::NONE;
                }
            }
        }
    }
    let by = by_factors(case, sample, separate)?;
    let factors: Vec<&Factor> = by.iter().map(|(_, f)| f).collect();
    let domains = Domains::cross(rows, &factors, Some(&inside));
    let held: Vec<(String, Owned)> = if estimate["cross"] == true {
        let parts: Vec<Factor> = vars
            .iter()
            .map(|n| match owned(sample, n)? {
                Owned::Factor(f) => Ok(f),
                Owned::Numbers(_) => unsupported("interaction of a number"),
            })
            .collect::<Run<_>>()?;
        let name = format!("interaction({})", vars.join(", "));
        vec![(name, Owned::Factor(interaction(&parts)))]
    } else {
        vars.iter().map(|n| Ok((n.clone(), owned(sample, n)?))).collect::<Run<_>>()?
    };
    let mut quantities = Vec::new();
    let mut terms: Vec<Vec<String>> = Vec::new();
    let made: Vec<Option<Numbers>> = den
        .iter()
        .map(|d| {
            let text = d.strip_prefix("I(").and_then(|t| t.strip_suffix(')'));
            text.map(|t| formula::numbers(&sample.table, t)).transpose()
        })
        .collect::<Run<_>>()?;
    if stat == "ratio" {
        for (d, made) in den.iter().zip(&made) {
            for n in &num {
                let x = made.as_ref().map_or_else(|| numeric(&sample.table, d), Ok)?;
                let y = numeric(&sample.table, n)?;
                quantities.push(Quantity::Ratio(y, x));
                terms.push(vec![format!("{n}/{d}")]);
            }
        }
    }
    for (name, variable) in &held {
        let (quantity, names) = match variable {
            Owned::Numbers(y) if stat == "mean" => (Quantity::Mean(y), vec![name.clone()]),
            Owned::Numbers(y) => (Quantity::Total(y), vec![name.clone()]),
            Owned::Factor(f) => {
                let names = f.levels.iter().map(|l| format!("{name}{}", l.value)).collect();
                let count = f.levels.len();
                if stat == "mean" {
                    (Quantity::Proportions(&f.codes, count), names)
                } else {
                    (Quantity::LevelTotals(&f.codes, count), names)
                }
            }
        };
        quantities.push(quantity);
        terms.push(names);
    }
    let raw = sample.analysis.estimate(&quantities, &domains.codes, true);
    // The df of a group counts rows whatever the outcome.
    let groups = Domains::cross(rows, &factors, Some(&sample.inside));
    let two_phases = case.json["design"]["type"] == "twophase";
    let df_domain: Vec<f64> = (0..groups.codes.count)
        .map(|d| {
            if two_phases {
                // The cases give that of the whole sample here; R's degf() of the group alone is
                // PSUs minus strata in the group, as ours (907 for the case with groups).
                return found.df;
            }
            let inside: Vec<bool> =
                (0..rows).map(|row| groups.codes.codes.get(row) == d as u32).collect();
            degrees_of_freedom(sample, &inside)
        })
        .collect();
    let deff = match &estimate["deff"] {
        Value::Bool(true) => Some(Deff::WithoutReplacement),
        Value::String(s) if s == "replace" => Some(Deff::Replace),
        _ => None,
    };
    collect(
        &raw,
        &quantities,
        &terms,
        &by,
        &domains,
        &df_domain,
        deff,
        drop_missing,
        separate,
        found,
    );
    Ok(())
}

#[allow(clippy::too_many_arguments)]
fn collect(
    raw: &Raw,
    quantities: &[Quantity<'_>],
    terms: &[Vec<String>],
    by: &[(String, Factor)],
    domains: &Domains,
    df_domain: &[f64],
    deff: Option<Deff>,
    drop_missing: bool,
    separate: bool,
    found: &mut Found,
) {
    let (mut kept, mut known) = (Vec::new(), Vec::new());
    let mut vnames = Vec::new();
    for row in 0..raw.values.len() {
        let (q, outcome, domain) = raw.index[row];
        let totals = &raw.totals[raw.at(row)];
        if totals.n + totals.missing == 0 {
            continue;
        }
        // R without na.rm: a missing value makes the result missing.
        let lost = totals.missing > 0 && !drop_missing;
        let blank = |x: f64| if lost { f64::NAN } else { x };
        let cell: Vec<(String, String)> = by
            .iter()
            .zip(&domains.cells[domain])
            .map(|((name, f), &l)| (name.clone(), f.levels[l].value.clone()))
            .collect();
        let group = cell.iter().map(|(_, v)| v.as_str()).collect::<Vec<_>>().join(".");
        let term = &terms[q][outcome];
        kept.push(row);
        known.push(if lost { f64::NAN } else { 1.0 });
        vnames.push(match (cell.is_empty(), quantities.len() + terms[q].len() > 2) {
            (true, _) => term.clone(),
            (false, false) => group.clone(),
            (false, true) => format!("{group}:{term}"),
        });
        found.rows.push(Row {
            term: if separate { group } else { term.clone() },
            by: if separate { Vec::new() } else { cell },
            estimate: blank(raw.values[row]),
            se: blank(deviation(raw.variances[row])),
            deff: deff.and_then(|d| design_effect(raw, row, &quantities[q], d)),
            df_domain: Some(df_domain[domain]),
            ..Row::default()
        });
    }
    found.vcov = raw.covariance.as_ref().map(|v| {
        let small = DMatrix::from_fn(kept.len(), kept.len(), |i, j| {
            v[(kept[i], kept[j])] * known[i] * known[j]
        });
        (vnames, small)
    });
}

/// Contrasts by name of the estimate: coefficients, or an expression.
fn contrasts(list: &[Value], found: &mut Found) -> Run<()> {
    let Some((names, v)) = &found.vcov else {
        return unsupported("contrast of this statistic");
    };
    let names: Vec<(String, usize)> = names.iter().cloned().zip(0..).collect();
    let values: Vec<Option<f64>> = found.rows.iter().map(|r| Some(r.estimate)).collect();
    let covariance =
        Covariance { size: v.nrows(), values: v.transpose().iter().copied().collect() };
    let input = SmoothInput {
        names: &names,
        values: &values,
        covariance: &covariance,
        df: Some(found.df),
        level: 0.95,
    };
    for contrast in list {
        let name = contrast["name"].as_str().unwrap_or_default().to_string();
        let text = match (contrast["expression"].as_str(), contrast["coef"].as_object()) {
            (Some(text), _) => text.to_string(),
            (None, Some(coefficients)) => coefficients
                .iter()
                .map(|(term, c)| format!("({c}) * `{term}`"))
                .collect::<Vec<_>>()
                .join(" + "),
            (None, None) => return unsupported("contrast of another kind"),
        };
        let expression = Expression::parse(&text).map_err(refused)?;
        let made = smooth(&expression, &input).map_err(|e| refused(&e[0]))?;
        let known = |x: Option<f64>| x.unwrap_or(f64::NAN);
        found.contrasts.push((name, known(made.value), known(made.se)));
    }
    Ok(())
}

/// The standard error of a variance, which rounding can leave below zero.
fn deviation(variance: f64) -> f64 {
    if variance < 0.0 { 0.0 } else { variance.sqrt() }
}
