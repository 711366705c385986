//! Cases of several completed data sets: each run by itself, then combined.

use std::collections::BTreeMap;

use rakewell::estimate::combine_imputations;
use serde_json::Value;

use crate::case::{Case, Run, names, number, unsupported};
use crate::data::Cache;
use crate::estimate::{self, Found, Row, wald_intervals};

/// True when a case is about completed data sets or plausible values.
pub fn is_imputed(case: &Case) -> bool {
    case.json["estimate"]["combine"] == "rubin"
}

/// The case of each completed data set.
fn completed(case: &Case) -> Vec<Case> {
    let of = |json: Value| Case { id: case.id.clone(), feature: case.feature.clone(), json };
    let mut base = case.json.clone();
    let estimate = &mut base["estimate"];
    for key in ["combine", "df_complete", "plausible_values"] {
        estimate.as_object_mut().map(|o| o.remove(key));
    }
    base["design"].as_object_mut().map(|o| o.remove("imputations"));
    // A denominator that is no column stands in the notes alone.
    if let Some(text) = case.json["notes"].as_str().and_then(|n| n.strip_prefix("denominator is "))
    {
        base["estimate"]["den"] = vec![format!("I({text})")].into();
    }
    let sets = names(&case.json["design"]["imputations"]);
    if !sets.is_empty() {
        let with = |set: &String| {
            let mut json = base.clone();
            json["data"] = set.as_str().into();
            of(json)
        };
        return sets.iter().map(with).collect();
    }
    let Some(plausible) = case.json["estimate"]["plausible_values"].as_object() else {
        return Vec::new();
    };
    let count = plausible.values().map(|v| names(v).len()).min().unwrap_or(0);
    let with = |k: usize| {
        let mut json = base.clone();
        for (name, columns) in plausible {
            let column = &names(columns)[k];
            if let Some(formula) = json["estimate"]["formula"].as_str() {
                json["estimate"]["formula"] = formula.replace(name.as_str(), column).into();
            }
            let vars = names(&json["estimate"]["vars"]);
            let vars = vars.iter().map(|v| if v == name { column.clone() } else { v.clone() });
            json["estimate"]["vars"] = vars.collect::<Vec<_>>().into();
        }
        of(json)
    };
    (0..count).map(with).collect()
}

pub fn run(case: &Case, cache: &mut Cache) -> Run<Found> {
    let cases = completed(case);
    if cases.len() < 2 {
        return unsupported("imputations of another kind");
    }
    let all: Vec<Found> = cases.iter().map(|c| estimate::run(c, cache)).collect::<Run<_>>()?;
    let complete = number(&case.json["estimate"]["df_complete"]).unwrap_or(f64::INFINITY);
    let mut found = Found { df: all[0].df, ..Found::default() };
    found.info.insert("m", all.len() as f64);
    if let Some(df) = all[0].info.get("degf") {
        found.info.insert("degf", *df);
    }
    let plausible = case.json["estimate"]["plausible_values"].as_object();
    for (i, row) in all[0].rows.iter().enumerate() {
        let of = |get: &dyn Fn(&Row) -> f64| all.iter().map(|f| get(&f.rows[i])).collect();
        let estimates: Vec<f64> = of(&|r| r.estimate);
        let variances: Vec<f64> = of(&|r| r.se * r.se);
        let Some(c) = combine_imputations(&estimates, &variances, complete) else {
            return unsupported("an estimate that cannot be had in some data set");
        };
        let classic = combine_imputations(&estimates, &variances, f64::INFINITY);
        // mitools has W + B where Barnard and Rubin have T = W + (1 + 1/m) B in the observed part.
        let df = if complete.is_finite() {
            let observed =
                (complete + 1.0) / (complete + 3.0) * complete * c.within / (c.within + c.between);
            1.0 / (1.0 / classic.map_or(f64::NAN, |c| c.df) + 1.0 / observed)
        } else {
            c.df
        };
        let mut extra = BTreeMap::new();
        extra.insert("within_var", c.within);
        extra.insert("between_var", c.between);
        extra.insert("r", c.increase);
        extra.insert("df", df);
        extra.insert("df_rubin", classic.map_or(f64::NAN, |c| c.df));
        extra.insert("df_barnard_rubin", c.df);
        // mitools' missing information has its own degrees of freedom.
        extra.insert("missinfo", (c.increase + 2.0 / (df + 3.0)) / (c.increase + 1.0));
        let group: Vec<&str> = row.by.iter().map(|(_, level)| level.as_str()).collect();
        let mut term = if group.is_empty() { row.term.clone() } else { group.join(".") };
        for (name, columns) in plausible.into_iter().flatten() {
            if names(columns).contains(&term) {
                term.clone_from(name);
            }
        }
        let se = c.variance.sqrt();
        let intervals = wald_intervals(c.estimate, se, df);
        found.rows.push(Row { term, estimate: c.estimate, se, intervals, extra, ..Row::default() });
    }
    Ok(found)
}
