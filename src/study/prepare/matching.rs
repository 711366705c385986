//! Margins matched with the data.

use super::Work;
use super::margins::{self, GivenMargin, GivenTotal};
use crate::data::{Factor, Table};
use crate::diagnostic::{Diagnostic, nearest};
use crate::weight::{Margin, MarginLevels, WeightError};

/// The variables of a margin as factors.
pub(super) fn factors(
    work: &mut Work<'_>,
    given: &GivenMargin,
    table: &Table,
) -> Option<Vec<Factor>> {
    let mut factors: Vec<Factor> = Vec::new();
    for name in &given.variables {
        match table.column(name) {
            Some(column) => factors.push(column.as_factor()),
            None => {
                let message = format!("margin `{}`: there is no column `{name}`", given.name);
                let mut diagnostic = Diagnostic::error(message).at(Some(given.place.clone()));
                diagnostic.help = nearest(name, work.columns.iter().map(String::as_str))
                    .map(|n| format!("did you mean `{n}`?"))
                    .or_else(|| Some("name a column of the data, or a derived one".to_string()));
                work.found.push(diagnostic);
                return None;
            }
        }
    }
    Some(factors)
}

/// Matches a margin with the rows that have a weight.
pub(super) fn matched(
    work: &mut Work<'_>,
    given: &GivenMargin,
    totals: &[f64],
    factors: &[Factor],
    weights: &[f64],
) -> Option<Margin> {
    let factors: Vec<&Factor> = factors.iter().collect();
    let mut levels = MarginLevels { name: given.name.clone(), totals: Vec::new() };
    let before = work.found.len();
    for (one, &total) in given.totals.iter().zip(totals) {
        match margins::levels(&one.level, &factors) {
            Ok(names) => levels.totals.push((names, total)),
            Err((message, help)) => {
                work.found.push(Diagnostic::error(message).at(Some(one.place.clone())).help(help))
            }
        }
    }
    if work.found.len() > before {
        return None;
    }
    match Margin::matched(&levels, &factors, weights, false) {
        Err(e) => {
            work.found.push(mismatch(&e, given, &levels));
            None
        }
        Ok(margin) => {
            idle_levels(work, given, &levels, &factors);
            zero_totals(work, given, &margin, weights);
            Some(margin)
        }
    }
}

/// Says which levels have neither a total nor rows: they are left out.
fn idle_levels(
    work: &mut Work<'_>,
    given: &GivenMargin,
    levels: &MarginLevels,
    factors: &[&Factor],
) {
    let is_known = |names: &[String]| {
        names.iter().zip(factors).all(|(name, factor)| factor.position(name).is_some())
    };
    let idle: Vec<String> = levels
        .totals
        .iter()
        .filter(|(names, total)| *total == 0.0 && !is_known(names))
        .map(|(names, _)| format!("`{}`", names.join(" × ")))
        .collect();
    if !idle.is_empty() {
        let message = format!(
            "margin `{}`: {} {} a total of 0 and no rows, and {} left out",
            given.name,
            idle.join(", "),
            if idle.len() == 1 { "has" } else { "have" },
            if idle.len() == 1 { "is" } else { "are" },
        );
        work.found.push(Diagnostic::warning(message).at(Some(given.place.clone())));
    }
}

/// Says which rows a total of zero takes out of all estimates.
fn zero_totals(work: &mut Work<'_>, given: &GivenMargin, margin: &Margin, weights: &[f64]) {
    if margin.targets.iter().all(|t| *t != 0.0) {
        return;
    }
    let mut rows = vec![0_usize; margin.targets.len()];
    for (row, _) in weights.iter().enumerate().filter(|(_, w)| **w != 0.0) {
        if let Some(n) = rows.get_mut(margin.codes.get(row) as usize) {
            *n += 1;
        }
    }
    for ((level, target), n) in margin.levels.iter().zip(&margin.targets).zip(rows) {
        if *target == 0.0 && n > 0 {
            let rows = if n == 1 { "1 row".to_string() } else { format!("{n} rows") };
            let message = format!(
                "the total of `{level}` in margin `{}` is 0: the weight of {rows} becomes zero",
                margin.name
            );
            let warning = Diagnostic::warning(message).at(Some(given.place.clone()));
            work.found
                .push(warning.help("they are then in no estimate; mend the total, or recode them"));
        }
    }
}

/// What is wrong with a margin, at the total concerned.
fn mismatch(error: &WeightError, given: &GivenMargin, levels: &MarginLevels) -> Diagnostic {
    let of = |level: &String| {
        let is_it = |(names, _): &(Vec<String>, f64)| names.join(" × ") == *level;
        levels.totals.iter().rposition(is_it).and_then(|i| given.totals.get(i))
    };
    let (total, help) = match error {
        WeightError::Levels { only_data, only_margin, .. } => {
            let slip = only_data.iter().take(50).find_map(|d| {
                nearest(d, only_margin.iter().take(50).map(String::as_str)).map(|m| (d, m))
            });
            let help = match slip {
                Some((d, m)) => format!("`{d}` in the data may be `{m}` in the margin"),
                None if only_data.is_empty() => {
                    "join these levels with others in the margin: no row stands for them".into()
                }
                None if only_margin.is_empty() => {
                    "add their totals, or recode the data with `[[derive]]`".into()
                }
                None => {
                    "recode the data with `[[derive]]`, or rename the levels of the margin".into()
                }
            };
            (only_margin.first().and_then(of), Some(help))
        }
        WeightError::DuplicateLevel { level, .. } => {
            let is_it = |t: &&GivenTotal| t.level == *level;
            let first = given.totals.iter().find(is_it).map(|t| t.place.line_column().0);
            let help = first.map_or_else(
                || "a value and its label are one level".to_string(),
                |line| format!("take one out; the first is in line {line}"),
            );
            (of(level), Some(help))
        }
        WeightError::Target { level, .. } => (of(level), None),
        WeightError::Missing { .. } => {
            let help = "recode the missing values into a level of their own with `[[derive]]` and \
                        give it a total, or set the weight of these rows to zero";
            (None, Some(help.to_string()))
        }
        WeightError::AllZero { .. } => (None, Some("give population totals".to_string())),
        _ => (None, None),
    };
    let place = total.map_or(&given.place, |t| &t.place).clone();
    let mut diagnostic = Diagnostic::error(error.to_string()).at(Some(place));
    diagnostic.help = help;
    diagnostic
}
