//! The weighting steps of a study.

use std::sync::Arc;

use super::Work;
use super::adjust;
use super::combine;
use super::design::Built;
use super::margins::{self, GivenMargin, GivenTotal};
use crate::aggregate::{XColumns, XTerm};
use crate::data::{Codes, Factor, Table};
use crate::diagnostic::{Diagnostic, nearest};
use crate::estimate::Analysis;
use crate::replicate::ReplicateError;
use crate::study::limits;
use crate::study::not_numeric::not_numeric;
use crate::study::places::KeyPath;
use crate::study::spec::{Compat, Distance as GivenDistance, Estimator, Step, Weighting};
use crate::weight::{
    Bounds, CalibrationOptions, Distance, Ledger, Margin, MarginLevels, Residuals, Totals,
    WeightError,
};

/// Carries out the steps.
pub(super) fn weigh(work: &mut Work<'_>, table: &Table, built: Built) -> Option<Analysis> {
    let base = match (&work.study.design.weight, &work.study.design.probabilities) {
        (Some(name), _) => format!("design weight `{name}`"),
        (None, Some(names)) => format!("1 / product of {}", names.list().join(", ")),
        (None, None) if work.study.design.fpc.is_some() => {
            "population size / sample size in each stratum".to_string()
        }
        (None, None) => "weight 1 for every row".to_string(),
    };
    let mut ledger = Ledger::new(built.design.weights.clone(), &base);
    let design = KeyPath::root().key("design");
    let key = if work.study.design.weight.is_some() { "weight" } else { "probabilities" };
    bounded(work, &design.key(key), &ledger)?;
    for (i, step) in work.study.weighting.iter().enumerate() {
        let path = KeyPath::root().key("weighting").index(i);
        match &step.samples {
            Some(samples) => {
                combine::carry_out(work, &path, samples, table, &built.design.tree, &mut ledger)?;
            }
            None => carry_out(work, &path, step, table, &mut ledger)?,
        }
        bounded(work, &path, &ledger)?;
    }
    let Some(replicates) = built.replicates else {
        return Some(Analysis::new(built.design, ledger));
    };
    match replicates.reweighted(&built.design.tree, &ledger) {
        Ok(replicates) if work.study.variance.estimator == Some(Estimator::Both) => {
            Some(Analysis::with_both(built.design, ledger, replicates))
        }
        Ok(replicates) => Some(Analysis::with_replicates(built.design, ledger, replicates)),
        Err(e) => {
            let help = "a replicate leaves a cell of a margin empty: join levels of the margin, or \
                        take a method that leaves every PSU some weight, such as \"fay\"";
            let help = match &e {
                ReplicateError::TooLarge { .. } => {
                    "take fewer replicates, or steps on categories only"
                }
                _ => help,
            };
            work.error(&KeyPath::root().key("weighting"), e, Some(help.to_string()));
            None
        }
    }
}

/// Refuses weights that cannot be computed with.
fn bounded(work: &mut Work<'_>, path: &KeyPath, ledger: &Ledger) -> Option<()> {
    let (message, help) = match limits::weights(ledger.weights()) {
        Ok(()) => return Some(()),
        Err(found) => found,
    };
    work.error(path, message, Some(help));
    None
}

fn carry_out(
    work: &mut Work<'_>,
    path: &KeyPath,
    step: &Weighting,
    table: &Table,
    ledger: &mut Ledger,
) -> Option<()> {
    if !matches!(step.step, Step::PostStratify | Step::Rake | Step::Calibrate) {
        return adjust::carry_out(work, path, step, table, ledger);
    }
    let given = margins::given(work, path, step, table)?;
    let mut margins = Vec::new();
    for margin in &given {
        if let Some(matched) = matched(work, margin, step, table, ledger) {
            margins.push(matched);
        }
    }
    let columns = margins.iter().map(|m| m.levels.len()).sum::<usize>() + step.totals.0.len();
    if let Err((message, help)) = limits::calibration(columns) {
        work.error(path, message, Some(help));
    }
    if step.step == Step::PostStratify
        && let [first, second, ..] = given.as_slice()
    {
        let message = format!(
            "post-stratification takes one margin, but there are {}: `{}`, `{}`{}",
            given.len(),
            first.name,
            second.name,
            if given.len() > 2 { ", …" } else { "" }
        );
        let help = "use `step = \"rake\"` to meet several margins, or keep one, which can cross \
                    variables";
        work.error(&path.key("step"), message, Some(help.to_string()));
    }
    if work.has_errors() {
        return None;
    }
    let residuals = match step.compat {
        Some(Compat::R) => Residuals::RRake,
        None => Residuals::Regression,
    };
    let outcome = match step.step {
        Step::PostStratify => match margins.pop() {
            Some(margin) => ledger.post_stratify(margin),
            None => Err(WeightError::NoMargins),
        },
        Step::Rake if step.bounds.is_none() => {
            let iterations = step.iterations.unwrap_or(1000);
            ledger.rake(margins, step.tolerance.unwrap_or(0.0), iterations, residuals)
        }
        _ => calibrate(work, path, step, table, ledger, margins)?,
    };
    match outcome {
        Ok(()) => Some(()),
        Err(e) => {
            let place = match (&e, given.first()) {
                (WeightError::Totals { second, .. }, _) => {
                    given.iter().find(|m| m.name == *second).map(|m| m.place.clone())
                }
                (WeightError::EmptyCell { .. }, Some(first)) => Some(first.place.clone()),
                _ => None,
            };
            let place = place.unwrap_or_else(|| work.places.value(path));
            let mut diagnostic = Diagnostic::error(e.to_string()).at(Some(place));
            diagnostic.help = match &e {
                WeightError::NotReached(_) if step.bounds.is_some() => {
                    Some("widen `bounds`, or join levels that are rare in the sample".to_string())
                }
                WeightError::NotReached(_) if step.iterations.is_some() => Some(
                    "raise `iterations`, or leave it out; if that does not help, the totals \
                     contradict each other in this sample"
                        .to_string(),
                ),
                WeightError::NotReached(_) => Some(
                    "the totals contradict each other in this sample: join levels, or leave a \
                     margin out"
                        .to_string(),
                ),
                WeightError::Totals { difference, .. } if *difference > 0.02 => Some(
                    "that is more than rounding: check that both count the same population"
                        .to_string(),
                ),
                WeightError::Totals { difference, .. } => Some(format!(
                    "if that is rounding or perturbation, set `tolerance = {}`; every margin is \
                     then scaled to the first",
                    rounded_up(*difference)
                )),
                _ => None,
            };
            work.found.push(diagnostic);
            None
        }
    }
}

/// Matches a margin with the data.
fn matched(
    work: &mut Work<'_>,
    given: &GivenMargin,
    step: &Weighting,
    table: &Table,
    ledger: &Ledger,
) -> Option<Margin> {
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
    let factors: Vec<&Factor> = factors.iter().collect();
    let mut totals = Vec::new();
    let before = work.found.len();
    for one in &given.totals {
        match margins::levels(&one.level, &factors) {
            Ok(levels) => totals.push((levels, one.total)),
            Err((message, help)) => {
                work.found.push(Diagnostic::error(message).at(Some(one.place.clone())).help(help))
            }
        }
    }
    if work.found.len() > before {
        return None;
    }
    let levels = MarginLevels { name: given.name.clone(), totals };
    match Margin::matched(&levels, &factors, ledger.weights(), false) {
        Err(e) => {
            work.found.push(mismatch(&e, given, &levels));
            None
        }
        Ok(mut margin) => {
            if let Some(population) = step.population {
                let total = margin.total();
                margin.targets.iter_mut().for_each(|t| *t *= population / total);
            }
            zero_totals(work, given, &margin, ledger);
            Some(margin)
        }
    }
}

/// Says which rows a total of zero takes out of all estimates.
fn zero_totals(work: &mut Work<'_>, given: &GivenMargin, margin: &Margin, ledger: &Ledger) {
    if margin.targets.iter().all(|t| *t != 0.0) {
        return;
    }
    let mut rows = vec![0_usize; margin.targets.len()];
    for (row, _) in ledger.weights().iter().enumerate().filter(|(_, w)| **w != 0.0) {
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

/// The next larger number of one digit, for a limit that is to be set above x.
fn rounded_up(x: f64) -> String {
    let power = x.log10().floor() as i32;
    let digit = (x / 10_f64.powi(power)).ceil() as u32;
    let (digit, power) = if digit >= 10 { (1, power + 1) } else { (digit.max(1), power) };
    match power {
        -4..0 => format!("0.{}{digit}", "0".repeat((-power - 1) as usize)),
        _ => format!("{digit}e{power}"),
    }
}

fn calibrate(
    work: &mut Work<'_>,
    path: &KeyPath,
    step: &Weighting,
    table: &Table,
    ledger: &mut Ledger,
    margins: Vec<Margin>,
) -> Option<Result<(), WeightError>> {
    let bounds = step.bounds.map(|[lower, upper]| Bounds { lower, upper });
    let distance = match (step.distance, bounds, step.step) {
        (Some(GivenDistance::Logit), Some(bounds), _) => Distance::Logit(bounds),
        (Some(GivenDistance::Sinh), bounds, _) => Distance::Sinh(bounds),
        (Some(GivenDistance::Raking), bounds, _) | (None, bounds, Step::Rake) => {
            Distance::Raking(bounds)
        }
        (_, bounds, _) => Distance::Linear(bounds),
    };
    let mut totals = Totals::default();
    if margins.is_empty()
        && let Some(population) = step.population
    {
        totals.x.terms.push(XTerm { codes: None, values: None, width: 1 });
        totals.targets.push(population);
        totals.names.push("population".to_string());
    }
    for margin in &margins {
        totals.x.terms.push(margin.term());
        totals.targets.extend(&margin.targets);
        totals.names.extend(margin.levels.iter().map(|l| format!("{} {l}", margin.name)));
    }
    for (name, total) in &step.totals.0 {
        let at = path.key("totals").key(name);
        let column = table.column(name)?;
        let Some(numbers) = column.as_numbers() else {
            let (message, help) = not_numeric(column, "as a calibration variable");
            work.error(&at, message, Some(format!("{help}; categories are given as a margin")));
            return None;
        };
        let missing: Vec<usize> = (0..numbers.len())
            .filter(|&r| ledger.weights()[r] != 0.0 && numbers.get(r).is_nan())
            .collect();
        if let Some(first) = missing.first() {
            let e =
                WeightError::Missing { margin: name.clone(), count: missing.len(), row: first + 1 };
            work.error(&at, e, None);
            return None;
        }
        let values = Some(Arc::new(numbers.clone()));
        totals.x.terms.push(XTerm { codes: None, values, width: 1 });
        totals.targets.push(*total);
        totals.names.push(name.clone());
    }
    totals.x = XColumns { terms: totals.x.terms };
    if let Some(name) = &step.constant_within {
        let groups = table.column(name)?.as_factor();
        let lacks = |&r: &usize| ledger.weights()[r] != 0.0 && groups.codes.get(r) == Codes::NONE;
        let missing: Vec<usize> = (0..table.rows()).filter(lacks).collect();
        if let Some(first) = missing.first() {
            let e =
                WeightError::Missing { margin: name.clone(), count: missing.len(), row: first + 1 };
            work.error(&path.key("constant-within"), e, None);
            return None;
        }
        totals.x = totals.x.averaged(&groups.codes, ledger.weights());
    }
    let mut options = CalibrationOptions::new(distance);
    if let Some(iterations) = step.iterations {
        options.iterations = iterations;
    }
    options.weight_bounds = step.weight_bounds.map(|[lower, upper]| Bounds { lower, upper });
    Some(ledger.calibrate(&totals, &options, false).map(|_| ()))
}

#[cfg(test)]
mod tests {
    use super::rounded_up;

    #[test]
    fn a_limit_lies_above() {
        for x in [1e-9, 1.63e-3, 0.002, 0.0999, 0.34, 0.95, 0.01, 2.5e-7, 0.99999] {
            let text = rounded_up(x);
            let limit: f64 = text.parse().expect("a number");
            assert!(limit >= x && limit <= 2.1 * x, "{x}: {text}");
        }
        assert_eq!([rounded_up(1.63e-3), rounded_up(0.34)], ["0.002", "0.4"]);
    }
}
