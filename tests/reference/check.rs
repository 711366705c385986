//! Holds what was found against what is expected.

use serde_json::Value;

use crate::case::{Case, number};
use crate::data::Cache;
use crate::estimate::{Found, Row, wald_intervals};

struct Checker {
    rel: f64,
    abs: f64,
    out: Vec<String>,
}

impl Checker {
    /// |x − ref| ≤ abs + rel |ref|, plus `extra` for errors that are zero up to rounding.
    fn number(&mut self, what: &str, found: Option<f64>, expected: &Value, extra: f64) {
        let found = found.filter(|x| !x.is_nan());
        match (found, number(expected)) {
            (None, None) => {}
            (Some(x), Some(r)) if x == r => {}
            (Some(x), Some(r)) => {
                let off = (x - r).abs();
                if off.is_nan() || off > self.abs + self.rel * r.abs() + extra {
                    let relative = off / r.abs().max(1e-300);
                    self.out
                        .push(format!("{what}: found {x}, expected {r} (relative {relative:.1e})"));
                }
            }
            (x, r) => self.out.push(format!("{what}: found {x:?}, expected {r:?}")),
        }
    }
}

pub fn differences(case: &Case, found: &Found, cache: &Cache) -> Vec<String> {
    let (rel, abs) = case.tolerance();
    let mut c = Checker { rel, abs, out: Vec::new() };
    let expected = &case.json["expected"];
    for (key, value) in expected["design_info"].as_object().into_iter().flatten() {
        match key.as_str() {
            "rscales_all" => {
                let all = found.rscales.first().copied();
                c.number("rscales", all, value, 0.0);
            }
            "rscales" => {
                // The order of the replicates is free.
                let sorted = |mut list: Vec<f64>| {
                    list.sort_by(f64::total_cmp);
                    list
                };
                let list = value.as_array().into_iter().flatten().filter_map(number).collect();
                let ours = sorted(found.rscales.clone());
                for (i, v) in sorted(list).into_iter().enumerate() {
                    let what = format!("rscales[{i}]");
                    c.number(&what, ours.get(i).copied(), &Value::from(v), 0.0);
                }
            }
            key => c.number(key, found.info.get(key).copied(), value, 0.0),
        }
    }
    for row in expected["rows"].as_array().into_iter().flatten() {
        compare_row(&mut c, found, row);
    }
    let property = &expected["property"];
    let ratios = property["ratio_variance"].as_array().into_iter().flatten().filter_map(number);
    for (i, theirs) in ratios.enumerate() {
        // Both are random: four standard deviations of their difference.
        let sd = number(&property["mc_relative_sd_of_variance"]).unwrap_or(0.0);
        let allowed = 4.0 * 2_f64.sqrt() * sd * theirs;
        let ours = found.ratios.get(i).copied().unwrap_or(f64::NAN);
        if (ours - theirs).abs() > allowed || ours.is_nan() {
            c.out.push(format!(
                "variance ratio {i}: found {ours}, expected {theirs} ± {allowed:.3}"
            ));
        }
    }
    if !expected["vcov"].is_null() {
        compare_vcov(&mut c, found, &expected["vcov"]);
    }
    for contrast in expected["contrasts"].as_array().into_iter().flatten() {
        let name = contrast["name"].as_str().unwrap_or_default();
        match found.contrasts.iter().find(|(n, ..)| n == name) {
            None => c.out.push(format!("no contrast {name}")),
            Some((_, estimate, se)) => {
                c.number(&format!("{name} estimate"), Some(*estimate), &contrast["estimate"], 0.0);
                c.number(&format!("{name} se"), Some(*se), &contrast["se"], 0.0);
                for ci in contrast["ci"].as_array().into_iter().flatten() {
                    let df = number(&ci["df"]).unwrap_or(found.df);
                    let intervals = wald_intervals(*estimate, *se, df);
                    let row = Row { intervals, ..Row::default() };
                    compare_interval(&mut c, name, &row, ci);
                }
            }
        }
    }
    for (key, value) in expected["scalars"].as_object().into_iter().flatten() {
        c.number(key, found.scalars.get(key.as_str()).copied(), value, 0.0);
    }
    for test in expected["tests"].as_array().into_iter().flatten() {
        for (key, value) in test.as_object().into_iter().flatten() {
            let extra = if key.starts_with("p_value") { 1e-9 } else { 0.0 };
            match value {
                // Names and notes.
                Value::String(_) => {}
                Value::Array(list) => {
                    for (i, value) in list.iter().enumerate() {
                        let key = format!("{key}[{i}]");
                        c.number(&key, found.test.get(&key).copied(), value, extra);
                    }
                }
                value => c.number(key, found.test.get(key).copied(), value, extra),
            }
        }
    }
    for (i, g) in expected["g_weights"].as_array().into_iter().flatten().enumerate() {
        let found = found.weights.as_ref().and_then(|w| w.get(i).copied());
        c.number(&format!("g[{i}]"), found, g, 0.0);
    }
    if let Some(file) = expected["weights_file"].as_str() {
        match (cache.numbers(file), &found.weights) {
            (Ok((_, rows)), Some(weights)) if rows.len() == weights.len() => {
                let worst = rows
                    .iter()
                    .zip(weights)
                    .map(|(r, w)| ((w - r[0]).abs() - abs) / r[0].abs().max(1e-300))
                    .fold(0.0, f64::max);
                if worst > rel {
                    c.out.push(format!("weights differ by up to {worst:.1e} relative"));
                }
            }
            (Ok((_, rows)), _) => c.out.push(format!("no {} weights", rows.len())),
            (Err(e), _) => c.out.push(e),
        }
    }
    let rows = |found: &nalgebra::DMatrix<f64>| -> Vec<Vec<f64>> {
        found.row_iter().map(|r| r.iter().copied().collect()).collect()
    };
    let vector = found
        .vector
        .as_ref()
        .or(found.weights.as_ref())
        .map(|v| v.iter().map(|x| vec![*x]).collect());
    compare_file(&mut c, &expected["vector_file"], vector, cache);
    compare_file(&mut c, &expected["matrix_file"], found.matrix.as_ref().map(rows), cache);
    c.out
}

/// Holds numbers against those of a file, row by row.
fn compare_file(c: &mut Checker, file: &Value, found: Option<Vec<Vec<f64>>>, cache: &Cache) {
    let Some(file) = file.as_str() else { return };
    match (cache.numbers(file), found) {
        (Ok((_, expected)), Some(found)) if expected.len() == found.len() => {
            for (i, (expected, found)) in expected.iter().zip(&found).enumerate() {
                for (j, e) in expected.iter().enumerate() {
                    let what = format!("{file}[{i}, {j}]");
                    c.number(&what, found.get(j).copied(), &Value::from(*e), 0.0);
                }
            }
        }
        (Ok((_, expected)), _) => c.out.push(format!("no {} rows of {file}", expected.len())),
        (Err(e), _) => c.out.push(e),
    }
}

fn same_by(row: &Row, expected: &Value) -> bool {
    let given = if expected["cell"].is_null() { &expected["by"] } else { &expected["cell"] };
    let Some(by) = given.as_object() else { return row.by.is_empty() };
    row.by.len() == by.len()
        && row.by.iter().all(|(name, level)| match by.get(name) {
            Some(Value::String(s)) => s == level,
            Some(Value::Number(n)) => n.to_string() == *level,
            Some(_) => false,
            None => false,
        })
}

fn compare_row(c: &mut Checker, found: &Found, expected: &Value) {
    let term = expected["term"].as_str().unwrap_or_default();
    let prob = expected["prob"].as_f64();
    let hit = found.rows.iter().find(|r| r.term == term && r.prob == prob && same_by(r, expected));
    let what = format!("{term} {} {}", expected["by"], expected["cell"]).replace(" null", "");
    let Some(row) = hit else {
        c.out.push(format!("no row {what}"));
        return;
    };
    c.number(&format!("{what} estimate"), Some(row.estimate), &expected["estimate"], 0.0);
    if expected["cell"].is_null() && (!expected["se"].is_null() || row.se.is_nan()) {
        let zero = if expected["se"].as_f64().is_some_and(|s| s < 1e-7 * row.estimate.abs()) {
            1e-7 * row.estimate.abs()
        } else {
            0.0
        };
        c.number(&format!("{what} se"), Some(row.se), &expected["se"], zero);
    }
    for (key, value) in [
        ("deff", row.deff),
        ("df_domain", row.df_domain),
        ("statistic", row.statistic),
        ("p_value", row.p_value),
    ] {
        if !expected[key].is_null() {
            let extra = if key == "p_value" { 1e-9 } else { 0.0 };
            c.number(&format!("{what} {key}"), value, &expected[key], extra);
        }
    }
    for (key, value) in &row.extra {
        if !expected[*key].is_null() {
            c.number(&format!("{what} {key}"), Some(*value), &expected[*key], 0.0);
        }
    }
    for ci in expected["ci"].as_array().into_iter().flatten() {
        compare_interval(c, &what, row, ci);
    }
}

fn compare_interval(c: &mut Checker, what: &str, row: &Row, ci: &Value) {
    let method = ci["method"].as_str().unwrap_or_default();
    let limits = row.intervals.iter().find(|(m, ..)| m == method).map(|(_, l, u)| (*l, *u));
    let what = format!("{what} {method} interval");
    c.number(&format!("{what} lower"), limits.map(|l| l.0), &ci["lower"], 0.0);
    c.number(&format!("{what} upper"), limits.map(|l| l.1), &ci["upper"], 0.0);
}

fn compare_vcov(c: &mut Checker, found: &Found, expected: &Value) {
    let Some((names, v)) = &found.vcov else {
        c.out.push("no covariances".into());
        return;
    };
    let expected_names = crate::case::names(&expected["names"]);
    let at: Vec<Option<usize>> =
        expected_names.iter().map(|n| names.iter().position(|m| m == n)).collect();
    for (i, a) in at.iter().enumerate() {
        for (j, b) in at.iter().enumerate() {
            let (Some(a), Some(b)) = (a, b) else {
                c.out.push(format!("no covariance of {}", expected_names[i]));
                return;
            };
            // A standard error that is zero up to rounding has covariances that are.
            let se = |k: usize| {
                let floor = found.rows.get(k).map_or(0.0, |r| 1e-7 * r.estimate.abs());
                let se = v[(k, k)].abs().sqrt();
                (se.max(floor), se <= floor)
            };
            let ((sa, za), (sb, zb)) = (se(*a), se(*b));
            let allowed = if za || zb { sa * sb } else { c.rel * sa * sb };
            let (ni, nj) = (&expected_names[i], &expected_names[j]);
            let what = format!("cov({ni}, {nj})");
            // A covariance is judged on the scale of its variances.
            c.number(&what, Some(v[(*a, *b)]), &expected["matrix"][i][j], allowed);
        }
    }
}
