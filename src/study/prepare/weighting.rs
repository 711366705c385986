//! The weighting steps of a study.

use std::path::Path;
use std::sync::Arc;

use super::Work;
use super::design::Built;
use crate::aggregate::{XColumns, XTerm};
use crate::data::{Factor, Table};
use crate::diagnostic::{Diagnostic, Place, Source, nearest};
use crate::estimate::Analysis;
use crate::study::places::KeyPath;
use crate::study::spec::{Compat, Distance as GivenDistance, Step, Weighting};
use crate::weight::{
    Bounds, CalibrationOptions, Distance, Ledger, Margin, MarginLevels, Residuals, Totals,
    WeightError,
};

/// A margin as given, with where it stands.
#[derive(Debug, Clone)]
pub(in crate::study) struct GivenMargin {
    /// The variables that cross.
    pub variables: Vec<String>,
    levels: MarginLevels,
    place: Place,
}

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
    for (i, step) in work.study.weighting.iter().enumerate() {
        let path = KeyPath::root().key("weighting").index(i);
        carry_out(work, &path, step, table, &mut ledger)?;
    }
    let Some(replicates) = built.replicates else {
        return Some(Analysis::new(built.design, ledger));
    };
    match replicates.reweighted(&built.design.tree, &ledger) {
        Ok(replicates) => Some(Analysis::with_replicates(built.design, ledger, replicates)),
        Err(e) => {
            let help = "a replicate leaves a cell of a margin empty: join levels of the margin";
            work.error(&KeyPath::root().key("weighting"), e, Some(help.to_string()));
            None
        }
    }
}

fn carry_out(
    work: &mut Work<'_>,
    path: &KeyPath,
    step: &Weighting,
    table: &Table,
    ledger: &mut Ledger,
) -> Option<()> {
    let given = given_margins(work, path, step)?;
    let mut margins = Vec::new();
    for margin in &given {
        if let Some(matched) = matched(work, margin, step, table, ledger) {
            margins.push(matched);
        }
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
        Step::Rake | Step::Calibrate => calibrate(work, path, step, table, ledger, margins)?,
    };
    match outcome {
        Ok(()) => Some(()),
        Err(e) => {
            let place = match (&e, given.first()) {
                (WeightError::Totals { second, .. }, _) => {
                    given.iter().find(|m| m.levels.name == *second).map(|m| m.place.clone())
                }
                (WeightError::EmptyCell { .. }, Some(first)) => Some(first.place.clone()),
                _ => None,
            };
            let place = place.unwrap_or_else(|| work.places.value(path));
            work.found.push(Diagnostic::error(e.to_string()).at(Some(place)));
            None
        }
    }
}

/// The margins of a step: those of its file, then those written in the study file.
fn given_margins(
    work: &mut Work<'_>,
    path: &KeyPath,
    step: &Weighting,
) -> Option<Vec<GivenMargin>> {
    let mut all = Vec::new();
    if let Some(file) = &step.margins {
        let full = work.folder.join(file);
        match read_margins(&full, file) {
            Ok((_, margins)) => {
                if !work.inputs.contains(&full) {
                    work.inputs.push(full);
                }
                all.extend(margins);
            }
            Err(found) => {
                for mut diagnostic in found {
                    if diagnostic.place.is_none() {
                        diagnostic = diagnostic.at(Some(work.places.value(&path.key("margins"))));
                    }
                    work.found.push(diagnostic);
                }
                return None;
            }
        }
    }
    for (j, margin) in step.margin.iter().enumerate() {
        let variables: Vec<String> = margin.by.list().into_iter().map(str::to_string).collect();
        let totals = margin
            .totals
            .0
            .iter()
            .map(|(level, total)| (split(level, variables.len()), *total))
            .collect();
        all.push(GivenMargin {
            levels: MarginLevels { name: variables.join(" × "), totals },
            variables,
            place: work.places.value(&path.key("margin").index(j)),
        });
    }
    Some(all)
}

/// Splits crossed names or levels at ` × ` or `*`; a single one is taken as it is.
fn split(text: &str, parts: usize) -> Vec<String> {
    if parts == 1 {
        return vec![text.trim().to_string()];
    }
    text.split(['×', '*']).map(|s| s.trim().to_string()).collect()
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
                let message =
                    format!("margin `{}`: there is no column `{name}`", given.levels.name);
                let mut diagnostic = Diagnostic::error(message).at(Some(given.place.clone()));
                diagnostic.help =
                    nearest(name, table.names()).map(|n| format!("did you mean `{n}`?"));
                work.found.push(diagnostic);
                return None;
            }
        }
    }
    let factors: Vec<&Factor> = factors.iter().collect();
    match Margin::matched(&given.levels, &factors, ledger.weights(), false) {
        Err(e) => {
            let mut diagnostic = Diagnostic::error(e.to_string()).at(Some(given.place.clone()));
            if let WeightError::Levels { only_data, only_margin, .. } = &e {
                let slip = only_data.iter().find_map(|d| {
                    nearest(d, only_margin.iter().map(String::as_str)).map(|m| (d, m))
                });
                diagnostic.help = slip
                    .map(|(d, m)| format!("`{d}` in the data may be `{m}` in the margin"))
                    .or(Some(
                        "recode the data with `[[derive]]`, or join levels of the margin".into(),
                    ));
            }
            work.found.push(diagnostic);
            None
        }
        Ok(mut margin) => {
            if let Some(population) = step.population {
                let total = margin.total();
                margin.targets.iter_mut().for_each(|t| *t *= population / total);
            }
            Some(margin)
        }
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
            let message = super::super::plan::not_numeric(column, "calibration variable");
            work.error(&at, message, Some("give its levels as a margin".to_string()));
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
    let mut options = CalibrationOptions::new(distance);
    if let Some(iterations) = step.iterations {
        options.iterations = iterations;
    }
    Some(ledger.calibrate(&totals, &options, false).map(|_| ()))
}

/// Reads a file of margins: the columns `variable, level, total`, one line per cell.
pub(in crate::study) fn read_margins(
    path: &Path,
    shown: &Path,
) -> Result<(Arc<Source>, Vec<GivenMargin>), Vec<Diagnostic>> {
    let name = shown.display().to_string();
    let bytes = std::fs::read(path).map_err(|e| {
        let message = match e.kind() {
            std::io::ErrorKind::NotFound => format!("there is no file {name}"),
            std::io::ErrorKind::IsADirectory => format!("{name} is a folder, not a file"),
            _ => format!("{name} can't be read: {e}"),
        };
        vec![Diagnostic::error(message).help("paths are relative to the study file")]
    })?;
    let text = String::from_utf8(bytes)
        .map_err(|_| vec![Diagnostic::error(format!("{name} is not UTF-8 text"))])?;
    let source = Arc::new(Source { name: name.clone(), text });
    let body = source.text.trim_start_matches('\u{feff}');
    let skipped = source.text.len() - body.len();
    let header = body.lines().next().unwrap_or("");
    let delimiter =
        [b',', b'\t', b';'].into_iter().max_by_key(|d| header.bytes().filter(|b| b == d).count());
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter.unwrap_or(b','))
        .trim(csv::Trim::All)
        .from_reader(body.as_bytes());
    let mut found = Vec::new();
    let mut columns: Option<[usize; 3]> = None;
    let mut margins: Vec<GivenMargin> = Vec::new();
    let mut record = csv::StringRecord::new();
    loop {
        let start = reader.position().byte() as usize + skipped;
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(e) => {
                found.push(Diagnostic::error(format!("{name} can't be read as CSV: {e}")));
                break;
            }
        }
        let line = &source.text[start.min(source.text.len())..];
        let blank = line.len() - line.trim_start_matches(['\r', '\n']).len();
        let length = line[blank..].find(['\r', '\n']).unwrap_or(line.len() - blank);
        let span = start + blank..start + blank + length;
        let place = || Place { source: source.clone(), span: span.clone() };
        let Some([v, l, t]) = columns else {
            let at = |wanted: &str| record.iter().position(|h| h.eq_ignore_ascii_case(wanted));
            match (at("variable"), at("level"), at("total")) {
                (Some(v), Some(l), Some(t)) => columns = Some([v, l, t]),
                _ => {
                    let header: Vec<&str> = record.iter().collect();
                    found.push(
                        Diagnostic::error(format!(
                            "a file of margins has the columns variable, level and total; this one has {}",
                            header.join(", ")
                        ))
                        .at(Some(place())),
                    );
                    break;
                }
            }
            continue;
        };
        let (Some(variable), Some(level), Some(total)) =
            (record.get(v), record.get(l), record.get(t))
        else {
            found.push(
                Diagnostic::error(format!(
                    "{} fields where variable, level and total are needed",
                    record.len()
                ))
                .at(Some(place())),
            );
            continue;
        };
        let Ok(total) = total.parse::<f64>() else {
            found.push(
                Diagnostic::error(format!("the total `{total}` is not a number"))
                    .at(Some(place()))
                    .help("write it without thousands separators, such as 41540796"),
            );
            continue;
        };
        let variables: Vec<String> =
            variable.split(['×', '*']).map(|s| s.trim().to_string()).collect();
        let levels = split(level, variables.len());
        if levels.len() != variables.len() {
            found.push(
                Diagnostic::error(format!(
                    "{} variables cross in `{variable}`, but `{level}` names {} levels",
                    variables.len(),
                    levels.len()
                ))
                .at(Some(place()))
                .help("join the levels by ` × ` or `*`, one per variable"),
            );
            continue;
        }
        match margins.iter_mut().find(|m| m.variables == variables) {
            Some(margin) => margin.levels.totals.push((levels, total)),
            None => margins.push(GivenMargin {
                levels: MarginLevels {
                    name: variables.join(" × "), totals: vec![(levels, total)]
                },
                variables,
                place: place(),
            }),
        }
    }
    if found.is_empty() && margins.is_empty() {
        found.push(Diagnostic::error(format!("{name} holds no margins")));
    }
    if found.is_empty() { Ok((source, margins)) } else { Err(found) }
}
