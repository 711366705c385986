//! The replicates of a study: read from the data or made from the design.

use std::sync::Arc;

use super::Work;
use super::data::{columns, expand};
use crate::data::{Codes, Column, Table};
use crate::design::SurveyDesign;
use crate::replicate::{
    ReplicateDf, ReplicateError, ReplicatePlan, ReplicateWeights, Replicates, Resampling, make,
};
use crate::study::not_numeric::not_numeric;
use crate::study::places::KeyPath;

/// How far the replicate weights may be from the weight on average.
const APART: f64 = 0.1;

/// The replicate weights of the data.
pub(super) fn given(
    work: &mut Work<'_>,
    table: &Table,
    names: &[String],
    design: &SurveyDesign,
) -> Option<Replicates> {
    let given = work.study.design.replicates.as_ref()?;
    let path = KeyPath::root().key("design").key("replicates");
    let mut list = Vec::new();
    for pattern in given.columns.list() {
        let found = expand(pattern, names);
        if found.is_empty() {
            let message = format!("no column of the data matches `{pattern}`");
            let help = "a `*` stands for the number of the replicate, such as `repw*`";
            work.error(&path.key("columns"), message, Some(help.to_string()));
        }
        list.extend(found);
    }
    let mut held = Vec::new();
    for name in &list {
        let Some(column) = table.column(name) else { continue };
        match column.as_numbers() {
            None => {
                let (message, help) = not_numeric(column, "as a replicate weight");
                work.error(&path.key("columns"), message, Some(help));
            }
            Some(numbers) => {
                let missing = (0..numbers.len())
                    .filter(|&r| numbers.get(r).is_nan() && design.weights[r] != 0.0)
                    .count();
                if missing > 0 {
                    let message = format!(
                        "replicate weight `{name}` has no value in {missing} rows with a positive weight"
                    );
                    work.error(&path.key("columns"), message, None);
                }
                held.push(Arc::new(numbers.clone()));
            }
        }
    }
    if work.has_errors() {
        return None;
    }
    let made = Replicates::from_columns(
        given.method,
        &design.weights,
        held,
        given.combined.unwrap_or(true),
        given.rho,
        given.scale,
        given.rscales.clone(),
        given.mse,
    );
    match made {
        Ok(mut made) => {
            if let Some(df) = work.study.design.df {
                (made.df, made.df_rule) = (df, ReplicateDf::Given);
            }
            of_one_step(work, &made, design);
            Some(made)
        }
        Err(e) => {
            let (key, help) = match &e {
                ReplicateError::ScaleCount { .. } => ("rscales", Some("give one per column")),
                ReplicateError::AllEqual => {
                    ("columns", Some("check that these are the replicate weights of the survey"))
                }
                ReplicateError::One => ("columns", Some("name all of them, such as `repw*`")),
                _ => ("method", None),
            };
            work.error(&path.key(key), &e, help.map(str::to_string));
            None
        }
    }
}

/// Warns where weight and replicate weights cannot be from the same step of the weighting.
fn of_one_step(work: &mut Work<'_>, made: &Replicates, design: &SurveyDesign) {
    let ReplicateWeights::Columns { columns, combined } = &made.weights else { return };
    let full: f64 = design.weights.iter().sum();
    let weight = |column: &crate::data::Numbers, row: usize| {
        let w = column.get(row) * if *combined { 1.0 } else { design.weights[row] };
        if w.is_nan() { 0.0 } else { w }
    };
    let sum = |column: &Arc<crate::data::Numbers>| -> f64 {
        (0..design.weights.len()).map(|row| weight(column, row)).sum()
    };
    let mean = columns.iter().map(sum).sum::<f64>() / columns.len() as f64;
    if (mean - full).abs() <= APART * full.abs() {
        return;
    }
    let path = KeyPath::root().key("design").key("replicates").key("columns");
    let message = format!(
        "the replicate weights add up to {mean:.4e} on average, and the weight to {full:.4e}"
    );
    let help = if *combined {
        "give the weight that the replicates belong to, from the same step of the weighting; if the \
         columns multiply the weight, write `combined = false`"
    } else {
        "if the columns are weights and no multipliers, write `combined = true`"
    };
    work.warn(&path, message, Some(help.to_string()));
}

/// Replicates made from the design. They are made of the design weight, before any weighting step, and
/// the steps are then repeated on each: replicates of calibrated weights would not know that they
/// were.
pub(super) fn made(
    work: &mut Work<'_>,
    table: &Table,
    design: &SurveyDesign,
    method: Resampling,
) -> Option<Replicates> {
    let given = &work.study.variance;
    let path = KeyPath::root().key("variance");
    let order = match given.order_by.as_ref().and_then(|name| table.column(name)) {
        None => None,
        Some(column) => Some(Arc::new(order(work, &path.key("order-by"), column)?)),
    };
    let own = given.probabilities.is_some();
    let names =
        if own { given.probabilities.as_ref() } else { work.study.design.probabilities.as_ref() };
    let at = if own {
        path.key("probabilities")
    } else {
        KeyPath::root().key("design").key("probabilities")
    };
    let probabilities = probabilities(work, &at, &columns(table, names), design)?;
    let plan = ReplicatePlan {
        replicates: given.replicates.map(|n| n as usize),
        seed: given.seed.unwrap_or(1),
        rho: given.rho,
        mse: given.mse,
        tau: given.tau,
        form: given.form.unwrap_or_default(),
        selection: given.selection.clone().unwrap_or_default(),
        probabilities,
        order,
        ..ReplicatePlan::new(method)
    };
    match make(design, &plan) {
        Ok(mut made) => {
            if let Some(df) = work.study.design.df {
                (made.df, made.df_rule) = (df, ReplicateDf::Given);
            }
            made.target_cv = given.target_cv.unwrap_or(made.target_cv);
            for note in &made.notes {
                work.warn(&path.key("method"), note, None);
            }
            Some(made)
        }
        Err(error) => {
            refused(work, table, &path, &error);
            None
        }
    }
}

/// Says what of the design or the choices does not fit the method.
fn refused(work: &mut Work<'_>, table: &Table, path: &KeyPath, error: &ReplicateError) {
    let (key, help) = match error {
        ReplicateError::NotPairs { strata, .. } => {
            let named: Vec<String> = strata
                .iter()
                .take(5)
                .map(|(row, n)| format!("{} has {n}", stratum(work, table, *row as usize)))
                .collect();
            let more = if strata.len() > 5 { ", …" } else { "" };
            let help = format!(
                "{}{more}; take a method without this need, such as \"jkn\" or \
                 \"rao-wu-yue-beaumont\"",
                named.join(", ")
            );
            ("method", help)
        }
        ReplicateError::Stratified { .. } => {
            ("method", "write `method = \"jkn\"`, the stratified jackknife".to_string())
        }
        ReplicateError::Stages { .. } => (
            "method",
            "for several stages there are \"preston\", \"rao-wu-yue-beaumont\", \"antal-tille\", \
             \"generalized\" and \"fay-generalized\""
                .to_string(),
        ),
        ReplicateError::LonelyCenter { .. } => {
            let help = "of the methods here only \"jkn\" has one; or choose another `lonely-psu`: \
                        collapse, certainty, average, remove";
            ("method", help.to_string())
        }
        ReplicateError::TooMany { .. } => {
            let help = "with so many PSUs take \"delete-a-group\" or a bootstrap";
            ("method", help.to_string())
        }
        ReplicateError::Groups { psus, .. } => {
            ("replicates", format!("write a number up to {psus}"))
        }
        ReplicateError::NoProbability { .. } => (
            "method",
            "name a variable per stage under `probabilities`, here or in the design".to_string(),
        ),
        ReplicateError::Probability { .. } => {
            ("probabilities", "mend the data, or name another variable".to_string())
        }
        ReplicateError::Count { .. } => {
            ("method", "the sample has too few PSUs that can be resampled".to_string())
        }
        _ => ("method", String::new()),
    };
    let help = Some(help).filter(|h| !h.is_empty());
    work.error(&path.key(key), error, help);
}

/// The stratum of a row in words.
fn stratum(work: &Work<'_>, table: &Table, row: usize) -> String {
    let names = work.study.design.strata.as_ref().map(|n| n.list()).unwrap_or_default();
    let first = names.first().and_then(|name| table.column(name));
    let level = first.and_then(|column| {
        let factor = column.as_factor();
        factor.levels.get(factor.codes.get(row) as usize).map(|l| l.text().to_string())
    });
    level.map_or_else(|| "the sample".to_string(), |text| format!("`{text}`"))
}

/// A number per row to sort by.
fn order(work: &mut Work<'_>, path: &KeyPath, column: &Column) -> Option<Vec<f64>> {
    let values: Vec<f64> = match column.as_numbers() {
        Some(numbers) => numbers.to_vec(),
        None => {
            let factor = column.as_factor();
            let number = |code| if code == Codes::NONE { f64::NAN } else { f64::from(code) };
            factor.codes.to_vec().into_iter().map(number).collect()
        }
    };
    let missing = values.iter().filter(|x| x.is_nan()).count();
    if missing > 0 {
        let message = format!("`{}` has no value in {missing} rows", column.name);
        let help = "name a variable that says of every row when it was drawn";
        work.error(path, message, Some(help.to_string()));
        return None;
    }
    Some(values)
}

/// The probability of every unit, stage by stage.
fn probabilities(
    work: &mut Work<'_>,
    path: &KeyPath,
    columns: &[&Column],
    design: &SurveyDesign,
) -> Option<Vec<Vec<f64>>> {
    let tree = &design.tree;
    let mut out = Vec::new();
    for (stage, column) in tree.stages.iter().zip(columns) {
        let Some(numbers) = column.as_numbers() else {
            let (message, help) = not_numeric(column, "as a probability");
            work.error(path, message, Some(help));
            return None;
        };
        let mut of_deepest = vec![0; tree.units()];
        for (unit, pair) in stage.deepest.windows(2).enumerate() {
            of_deepest[pair[0] as usize..pair[1] as usize].fill(unit);
        }
        let mut own = vec![f64::NAN; stage.units()];
        for (row, &unit) in tree.unit_of_row.iter().enumerate() {
            let value = numbers.get(row);
            let slot = &mut own[of_deepest[unit as usize]];
            if slot.is_nan() {
                *slot = value;
            } else if *slot != value && !value.is_nan() {
                let message = format!(
                    "`{}` differs within a unit: {slot} and {value} (row {})",
                    column.name,
                    row + 1
                );
                let help = "the probability of a unit is the same in all its rows";
                work.error(path, message, Some(help.to_string()));
                return None;
            }
        }
        if own.iter().any(|p| p.is_nan()) {
            let message = format!("`{}` has no value for some unit", column.name);
            work.error(path, message, Some("every sampled unit had a probability".to_string()));
            return None;
        }
        out.push(own);
    }
    Some(out)
}
