//! Calibrations of a study: post-stratification, raking, calibration to any totals.

use std::sync::Arc;

use super::Work;
use super::columns::{Columns, Inputs};
use super::margins::{self, GivenMargin};
use super::{estimated, resolve};
use crate::data::{Codes, Factor, Table};
use crate::design::SurveyDesign;
use crate::diagnostic::Diagnostic;
use crate::study::limits;
use crate::study::not_numeric::not_numeric;
use crate::study::places::KeyPath;
use crate::study::spec::{Compat, Distance as GivenDistance, IfInfeasible, Step, Weighting};
use crate::weight::{
    Bounds, Calibration, CalibrationOptions, Distance, Firmness, Groups, Ledger, Residuals,
    RowBounds, WeightError,
};

/// Carries out a step; `None` when something is wrong, which is then in `work`.
pub(super) fn carry_out(
    work: &mut Work<'_>,
    path: &KeyPath,
    step: &Weighting,
    table: &Table,
    design: &SurveyDesign,
    ledger: &mut Ledger,
) -> Option<()> {
    let mut given = margins::given(work, path, step, table)?;
    one_margin(work, path, step, &given);
    let control = estimated::read(work, path, step, &mut given, table)?;
    let groups = constant_within(work, path, step, table, design, ledger)?;
    let parts = parts(work, path, step, table, ledger)?;
    let resolved = resolve::totals(work, path, step, &given, table)?;
    let per_group = groups.as_ref().map(|g| one_over_size(&g.codes, ledger.weights()));
    let inputs = Inputs { table, weights: ledger.weights(), parts, per_group };
    let mut columns = Columns::default();
    if step.population.is_some() && !given.iter().any(GivenMargin::counts) {
        columns.population(step.population.unwrap_or(0.0));
    }
    for (first, margin) in given.iter().enumerate() {
        if !given[..first].iter().any(|m| m.is_same(margin)) {
            columns.margin(work, &inputs, &given, margin, &resolved);
        }
    }
    if let Err((message, help)) = limits::calibration(columns.totals.targets.len()) {
        work.error(path, message, Some(help));
    }
    if work.has_errors() {
        return None;
    }
    if let Err(error) = columns.reconcile(step.tolerance.unwrap_or(0.0).max(1e-9)) {
        return failed(work, path, step, &given, &error);
    }
    let options = options(work, path, step, table, &columns)?;
    let mut totals = columns.totals;
    if let Some(groups) = &groups {
        totals.x = totals.x.averaged(&groups.codes, ledger.weights());
    }
    let control = match control {
        None => None,
        Some(control) => Some(control.totals(work, path, &columns.lines, &totals)?),
    };
    let calibration = Calibration {
        kind: match step.step {
            Step::PostStratify => "post-stratify",
            Step::Rake => "rake",
            _ => "calibrate",
        },
        totals,
        lines: columns.lines,
        options,
        per_unit: resolved.per_unit,
        control,
        force: step.force,
        residuals: match step.compat {
            Some(Compat::R) => Residuals::RRake,
            None => Residuals::Regression,
        },
    };
    match ledger.calibrate_to(calibration) {
        Ok(status) => {
            if !status.is_converged() {
                let message = format!("the margins are not met as given: {status}");
                work.warn(path, message, Some("the report shows every margin".to_string()));
            }
            Some(())
        }
        Err(error) => failed(work, path, step, &given, &error),
    }
}

/// Post-stratification has one margin.
fn one_margin(work: &mut Work<'_>, path: &KeyPath, step: &Weighting, given: &[GivenMargin]) {
    let Some(first) = given.first().filter(|_| step.step == Step::PostStratify) else { return };
    let others: Vec<&GivenMargin> = given.iter().filter(|m| !m.is_same(first)).collect();
    if let Some(second) = others.first() {
        let message = format!(
            "post-stratification takes one margin, but there are {}: `{}`, `{}`{}",
            others.len() + 1,
            first.name,
            second.name,
            if others.len() > 1 { ", …" } else { "" }
        );
        let help = "use `step = \"rake\"` to meet several margins, or keep one, which can cross \
                    variables";
        work.error(&path.key("step"), message, Some(help.to_string()));
    }
}

/// Says why a calibration failed, at its place, and the way out.
fn failed(
    work: &mut Work<'_>,
    path: &KeyPath,
    step: &Weighting,
    given: &[GivenMargin],
    error: &WeightError,
) -> Option<()> {
    let of_name = |name: &str| given.iter().find(|m| m.name == name).map(|m| m.place.clone());
    let place = match error {
        WeightError::Totals { second, .. } => of_name(second),
        WeightError::EmptyCell { margin, .. } => of_name(margin),
        WeightError::RowBounds { .. } => {
            let key = if step.bounds_by.is_some() { "bounds-by" } else { "weight-bounds-by" };
            Some(work.places.value(&path.key(key)))
        }
        WeightError::Covariance(_) | WeightError::ControlReplicates { .. } => {
            Some(work.places.value(&path.key("estimated")))
        }
        WeightError::Scale { .. } => Some(work.places.value(&path.key("scale"))),
        _ => None,
    };
    let place = place.unwrap_or_else(|| work.places.value(path));
    let mut diagnostic = Diagnostic::error(error.to_string()).at(Some(place));
    diagnostic.help = match error {
        WeightError::Infeasible { .. } => {
            let mut ways = error.ways_out();
            ways.push("`if-infeasible = \"relax\"` accepts the nearest totals".to_string());
            Some(ways.join("; "))
        }
        WeightError::NotReached(_) if step.bounds.is_some() => {
            Some("widen `bounds`, or join levels that are rare in the sample".to_string())
        }
        WeightError::NotReached(_) if step.iterations.is_some() => Some(
            "raise `iterations`, or leave it out; if that does not help, the totals \
             contradict each other in this sample"
                .to_string(),
        ),
        WeightError::NotReached(_) => Some(
            "the totals can just about be met, with weights of zero: join levels, or accept the \
             nearest totals with `if-infeasible = \"relax\"`"
                .to_string(),
        ),
        WeightError::Totals { difference, .. } if *difference > 0.02 => Some(
            "that is more than rounding: check that both count the same population".to_string(),
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

/// The groups whose rows get one factor, which have to lie within PSUs.
#[allow(clippy::option_option)]
fn constant_within(
    work: &mut Work<'_>,
    path: &KeyPath,
    step: &Weighting,
    table: &Table,
    design: &SurveyDesign,
    ledger: &Ledger,
) -> Option<Option<Factor>> {
    let Some(name) = &step.constant_within else { return Some(None) };
    let at = path.key("constant-within");
    let groups = table.column(name)?.as_factor();
    let weights = ledger.weights();
    let mut unit_of: Vec<Option<(u32, usize)>> = vec![None; groups.levels.len()];
    let (mut missing, mut first) = (0, 0);
    let mut differs = false;
    let mut weight_of = vec![f64::NAN; groups.levels.len()];
    let first_stage = design.tree.first_stage_of_unit();
    for row in (0..table.rows()).filter(|&r| weights[r] != 0.0) {
        let group = groups.codes.get(row);
        if group == Codes::NONE {
            missing += 1;
            first = if missing == 1 { row + 1 } else { first };
            continue;
        }
        let group = group as usize;
        if work.study.design.clusters.is_some() {
            let unit = first_stage[design.tree.unit_of_row[row] as usize];
            match unit_of[group] {
                None => unit_of[group] = Some((unit, row)),
                Some((other, before)) if other != unit => {
                    let message = format!(
                        "`{}` of `{name}` has members in two PSUs (rows {} and {})",
                        groups.levels[group].text(),
                        before + 1,
                        row + 1
                    );
                    let help = "a household lies in one PSU; if its numbers repeat between PSUs, \
                                make one that does not with `[[derive]]`";
                    work.error(&at, message, Some(help.to_string()));
                    return None;
                }
                Some(_) => {}
            }
        }
        differs |= !weight_of[group].is_nan() && weight_of[group] != weights[row];
        weight_of[group] = weights[row];
    }
    if missing > 0 {
        let e = WeightError::Missing { margin: name.clone(), count: missing, row: first };
        work.error(&at, e, None);
        return None;
    }
    if differs {
        let message = format!("the weights before the step differ within groups of `{name}`");
        let help = "their factors will be the same, but not the weights";
        work.warn(&at, message, Some(help.to_string()));
    }
    Some(Some(groups))
}

/// One over the number of rows with a weight in each row's group.
fn one_over_size(groups: &Codes, weights: &[f64]) -> Vec<f64> {
    let count = (0..groups.len()).map(|r| groups.get(r).wrapping_add(1)).max().unwrap_or(0);
    let mut size = vec![0.0; count as usize];
    let inside = |row: usize| weights[row] != 0.0 && groups.get(row) != Codes::NONE;
    for row in (0..weights.len()).filter(|&r| inside(r)) {
        size[groups.get(row) as usize] += 1.0;
    }
    let one = |row: usize| if inside(row) { 1.0 / size[groups.get(row) as usize] } else { 0.0 };
    (0..weights.len()).map(one).collect()
}

/// The parts that are calibrated on their own.
#[allow(clippy::option_option)]
fn parts(
    work: &mut Work<'_>,
    path: &KeyPath,
    step: &Weighting,
    table: &Table,
    ledger: &Ledger,
) -> Option<Option<Groups>> {
    let Some(names) = &step.within else { return Some(None) };
    let mut factors = Vec::new();
    for name in names.list() {
        factors.push((name, table.column(name)?.as_factor()));
    }
    let factors: Vec<(&str, &Factor)> = factors.iter().map(|(n, f)| (*n, f)).collect();
    let weights = ledger.weights();
    match Groups::cross(&factors, |row| weights[row] != 0.0, table.rows()) {
        Ok(groups) => Some(Some(groups)),
        Err(e) => {
            let help = "recode the missing values into a level of their own with `[[derive]]`";
            work.error(&path.key("within"), e, Some(help.to_string()));
            None
        }
    }
}

/// The options of the calibration.
fn options(
    work: &mut Work<'_>,
    path: &KeyPath,
    step: &Weighting,
    table: &Table,
    columns: &Columns,
) -> Option<CalibrationOptions> {
    let pair = |b: [f64; 2]| Bounds { lower: b[0], upper: b[1] };
    let bounds = step.bounds.map(pair);
    let distance = match (step.distance, bounds, step.step) {
        (Some(GivenDistance::Logit), Some(bounds), _) => Distance::Logit(bounds),
        // The bounds of each row take the place of these.
        (Some(GivenDistance::Logit), None, _) => Distance::Logit(Bounds { lower: 0.0, upper: 2.0 }),
        (Some(GivenDistance::Sinh), bounds, _) => Distance::Sinh(bounds),
        (Some(GivenDistance::Raking), bounds, _)
        | (None, bounds, Step::Rake | Step::PostStratify) => Distance::Raking(bounds),
        (_, bounds, _) => Distance::Linear(bounds),
    };
    let mut options = CalibrationOptions::new(distance);
    match step.step {
        Step::PostStratify => (options.tolerance, options.iterations) = (1e-12, 3),
        Step::Rake => options.iterations = step.iterations.unwrap_or(1000),
        _ => options.iterations = step.iterations.unwrap_or(options.iterations),
    }
    options.weight_bounds = step.weight_bounds.map(pair);
    options.trim = step.trim.map(pair);
    options.relax = step.if_infeasible == Some(IfInfeasible::Relax);
    if columns.firmness.iter().any(|f| *f != Firmness::Exact) {
        options.firmness = Some(columns.firmness.clone());
    }
    for (key, names, of_weight) in
        [("bounds-by", &step.bounds_by, false), ("weight-bounds-by", &step.weight_bounds_by, true)]
    {
        if let Some([lower, upper]) = names {
            let lower = numbers(work, &path.key(key).index(0), table, lower)?;
            let upper = numbers(work, &path.key(key).index(1), table, upper)?;
            options.row_bounds = Some(RowBounds { lower, upper, of_weight });
        }
    }
    if let Some(name) = &step.scale {
        options.scale = Some(numbers(work, &path.key("scale"), table, name)?);
    }
    Some(options)
}

/// A column of numbers.
fn numbers(
    work: &mut Work<'_>,
    path: &KeyPath,
    table: &Table,
    name: &str,
) -> Option<Arc<Vec<f64>>> {
    let column = table.column(name)?;
    match column.as_numbers() {
        Some(numbers) => Some(Arc::new(numbers.to_vec())),
        None => {
            let (message, help) = not_numeric(column, "here");
            work.error(path, message, Some(help));
            None
        }
    }
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
