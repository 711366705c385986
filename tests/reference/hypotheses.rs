//! Tests of independence, of means and of ranks.

use rakewell::compare::test::{
    IndependenceTest, RankScore, Ties, independence as test_independence, mean_difference,
    mean_test, rank_test,
};
use rakewell::data::{Codes, Factor, Numbers};
use rakewell::numeric::distributions::{f_sf, t_two_sided};
use rakewell::numeric::{mixture_sf, mixture_sf_saddlepoint};
use serde_json::Value;

use crate::case::{Run, Sample, names, refused, unsupported};
use crate::data::numeric;
use crate::estimate::{Found, degrees_of_freedom};

fn factor(sample: &Sample, name: &str) -> Run<Factor> {
    match sample.table.column(name) {
        Some(column) => Ok(column.as_factor()),
        None => unsupported(format!("no column {name}")),
    }
}

pub fn independence(estimate: &Value, sample: &Sample, found: &mut Found) -> Run<()> {
    let vars = names(&estimate["vars"]);
    let [a, b] = vars.as_slice() else { return unsupported("a table of more than two variables") };
    let (rows, columns) = (factor(sample, a)?, factor(sample, b)?);
    // R has the degrees of freedom of the whole design, whatever is missing.
    let made = test_independence(
        &sample.analysis,
        (a, &rows),
        (b, &columns),
        &sample.inside,
        Some(found.df),
    )
    .map_err(refused)?;
    // R counts rows with a missing value in n, which cancels but in X² and the eigenvalues.
    let all = sample.kept_rows.unwrap_or_else(|| sample.inside.iter().filter(|i| **i).count());
    let scale = all as f64 / made.n as f64;
    let (x2, k) = (made.x2 * scale, made.k as f64);
    let list: Vec<(&str, f64)> = match estimate["statistic"].as_str().unwrap_or("F") {
        "F" => {
            let [f, d0, ddf, p] = made.f;
            vec![("statistic", f), ("ndf", d0), ("ddf", ddf), ("p_value", p)]
        }
        "Chisq" => vec![("statistic", x2), ("df", k), ("p_value", made.p_first_order)],
        "saddlepoint" => vec![("statistic", x2), ("p_value", saddlepoint_as_r(&made))],
        kind @ ("Wald" | "adjWald") => {
            let made = if kind == "Wald" { made.wald_test() } else { made.adjusted_wald_test() };
            let Some([f, ndf, ddf, p]) = made else { return unsupported("singular Wald test") };
            vec![("statistic", f), ("ndf", ndf), ("ddf", ddf), ("p_value", p)]
        }
        "lincom" => {
            let terms: Vec<(f64, f64)> = made.eigenvalues.iter().map(|d| (*d, 1.0)).collect();
            for (i, d) in made.eigenvalues.iter().enumerate() {
                found.test.insert(format!("eigenvalues[{i}]"), d * scale);
            }
            vec![
                ("statistic", x2),
                ("ndf", made.f[1]),
                ("ddf", made.f[2]),
                ("p_value", made.p_exact),
                ("p_value_ddf_inf", mixture_sf(made.x2, &terms)),
                ("p_value_saddlepoint", saddlepoint_as_r(&made)),
            ]
        }
        other => return unsupported(format!("chi-squared statistic {other}")),
    };
    found.test.extend(list.into_iter().map(|(k, v)| (k.to_string(), v)));
    Ok(())
}

/// R repeats the term of the denominator by its degrees of freedom, and so drops their fraction.
fn saddlepoint_as_r(made: &IndependenceTest) -> f64 {
    let ddf = made.f[2];
    let mut terms: Vec<(f64, f64)> = made.eigenvalues.iter().map(|d| (*d, 1.0)).collect();
    terms.push((-made.x2 / ddf, ddf.floor()));
    mixture_sf_saddlepoint(0.0, &terms)
}

/// The left side of a formula: a variable, or I(a - b).
fn outcome(sample: &Sample, text: &str) -> Run<Numbers> {
    let text = text.trim();
    let Some(inner) = text.strip_prefix("I(").and_then(|t| t.strip_suffix(')')) else {
        return Ok(numeric(&sample.table, text.trim_matches('`'))?.clone());
    };
    let Some((a, b)) = inner.split_once('-') else { return unsupported(format!("outcome {text}")) };
    let (a, b) = (numeric(&sample.table, a.trim())?, numeric(&sample.table, b.trim())?);
    Ok(Numbers::pack((0..a.len()).map(|row| a.get(row) - b.get(row)).collect()))
}

fn sides(estimate: &Value) -> Run<(String, String)> {
    let text = estimate["formula"].as_str().unwrap_or_default();
    match text.split_once('~') {
        Some((left, right)) => Ok((left.trim().to_string(), right.trim().to_string())),
        None => unsupported(format!("formula {text}")),
    }
}

/// Degrees of freedom of the rows with a value of both, less what R takes off.
fn df(sample: &Sample, y: &Numbers, group: Option<&Factor>, less: f64) -> f64 {
    let used: Vec<bool> = (0..y.len())
        .map(|row| {
            let known = group.is_none_or(|f| f.codes.get(row) != Codes::NONE);
            sample.inside[row] && known && !y.get(row).is_nan()
        })
        .collect();
    degrees_of_freedom(sample, &used) - less
}

pub fn mean(estimate: &Value, sample: &Sample, found: &mut Found) -> Run<()> {
    let (left, right) = sides(estimate)?;
    let y = outcome(sample, &left)?;
    let analysis = &sample.analysis;
    let made = if matches!(right.as_str(), "0" | "1") {
        let df = df(sample, &y, None, 1.0);
        mean_test(analysis, &y, 0.0, &sample.inside, Some(df), 0.95)
    } else {
        let group = factor(sample, right.trim_matches('`'))?;
        // R: residual degrees of freedom of a regression with two coefficients.
        let df = df(sample, &y, Some(&group), 1.0);
        mean_difference(analysis, &y, (&right, &group), &sample.inside, Some(df), 0.95)
    }
    .map_err(refused)?;
    let list = [
        ("statistic", made.t),
        ("ddf", made.df),
        ("p_value", made.p),
        ("estimate", made.estimate),
        ("ci[0]", made.interval[0]),
        ("ci[1]", made.interval[1]),
    ];
    found.test.extend(list.into_iter().map(|(k, v)| (k.to_string(), v)));
    Ok(())
}

pub fn rank(estimate: &Value, sample: &Sample, found: &mut Found) -> Run<()> {
    let (left, right) = sides(estimate)?;
    let y = outcome(sample, &left)?;
    let group = factor(sample, right.trim_matches('`'))?;
    let score = match estimate["test"].as_str().unwrap_or("wilcoxon") {
        "wilcoxon" | "KruskalWallis" => RankScore::Wilcoxon,
        "vanderWaerden" => RankScore::Normal,
        "median" => RankScore::Median,
        other => return unsupported(format!("rank test {other}")),
    };
    let made =
        rank_test(&sample.analysis, &y, (&right, &group), &sample.inside, (score, Ties::AsR), None)
            .map_err(refused)?;
    // R: residual degrees of freedom of a regression on the groups.
    let k = made.groups.len() as f64 - 1.0;
    let ddf = df(sample, &y, Some(&group), k);
    let list = match made.difference {
        Some([difference, se]) => vec![
            ("statistic", difference / se),
            ("ddf", ddf),
            ("p_value", t_two_sided(difference / se, ddf)),
            ("estimate", difference),
        ],
        None => vec![
            ("statistic", made.wald),
            ("ndf", k),
            ("ddf", ddf),
            ("p_value", f_sf(made.wald / k, k, ddf)),
        ],
    };
    found.test.extend(list.into_iter().map(|(k, v)| (k.to_string(), v)));
    Ok(())
}
