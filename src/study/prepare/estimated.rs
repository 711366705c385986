//! Margins that are estimates of another survey: its totals, and how far they may be off.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use nalgebra::DMatrix;

use super::data::{expand, label, read_file};
use super::margins::{GivenMargin, GivenTotal};
use super::{Work, matching};
use crate::data::io::{self, ReadOptions};
use crate::data::{Codes, Column, Factor, Numbers, Table};
use crate::diagnostic::nearest;
use crate::replicate::{ReplicateWeights, Replicates};
use crate::study::not_numeric::not_numeric;
use crate::study::places::KeyPath;
use crate::study::spec::{ControlMethod as GivenMethod, Estimated, Weighting};
use crate::weight::{ControlMethod, ControlTotals, Totals};

/// Totals under every replicate, by margin and level.
type ByLine = HashMap<(String, String), Vec<f64>>;

/// What a control survey says of its totals.
pub(super) struct Control {
    /// Its totals, and what each replicate counts with.
    replicates: Option<(ByLine, Vec<f64>)>,
    given: Estimated,
}

/// Reads the control survey and fills in the totals of the margins.
#[allow(clippy::option_option)]
pub(super) fn read(
    work: &mut Work<'_>,
    path: &KeyPath,
    step: &Weighting,
    given: &mut [GivenMargin],
    table: &Table,
) -> Option<Option<Control>> {
    let Some(estimated) = &step.estimated else {
        if let Some(empty) = given.iter().find(|m| m.totals.is_empty()) {
            let message = format!("the margin `{}` has no totals", empty.name);
            let place = empty.place.clone();
            let help = "add `totals`, or the survey they come from (`estimated.file`)";
            let error = crate::diagnostic::Diagnostic::error(message);
            work.found.push(error.at(Some(place)).help(help));
            return None;
        }
        return Some(None);
    };
    let at = path.key("estimated");
    let Some(file) = &estimated.file else {
        return Some(Some(Control { replicates: None, given: estimated.clone() }));
    };
    let survey = Survey::read(work, &at, file, estimated, given)?;
    let mut totals = HashMap::new();
    for margin in given.iter_mut() {
        fill(work, &at, &survey, margin, table, &mut totals)?;
    }
    Some(Some(Control { replicates: Some((totals, survey.counts)), given: estimated.clone() }))
}

/// The control survey as far as it is needed.
struct Survey {
    table: Table,
    weight: Arc<Numbers>,
    /// The weights of every replicate, by row.
    replicates: Vec<Vec<f64>>,
    /// Scale × rscale of each.
    counts: Vec<f64>,
}

impl Survey {
    fn read(
        work: &mut Work<'_>,
        at: &KeyPath,
        file: &Path,
        given: &Estimated,
        margins: &[GivenMargin],
    ) -> Option<Survey> {
        let (Some(weight), Some(replicates)) = (&given.weight, &given.replicates) else {
            // The rules have said so.
            return None;
        };
        let full = work.folder.join(file);
        let names = match io::names(&full, &ReadOptions::default()) {
            Ok(names) => names,
            Err(e) => {
                work.error(&at.key("file"), &e, e.help());
                return None;
            }
        };
        let columns: Vec<String> =
            replicates.columns.list().iter().flat_map(|pattern| expand(pattern, &names)).collect();
        let of_replicates = at.key("replicates").key("columns");
        if columns.is_empty() {
            let message = "no column of the control survey is named so";
            let help = "a `*` stands for the number of the replicate, such as `repw*`";
            work.error(&of_replicates, message, Some(help.to_string()));
            return None;
        }
        let mut wanted = vec![weight.clone()];
        for margin in margins {
            wanted.extend(margin.variables.iter().chain(&margin.meant.of).cloned());
        }
        wanted.extend(columns.iter().cloned());
        wanted.sort();
        wanted.dedup();
        for name in wanted.iter().filter(|n| !names.contains(n)) {
            let message = format!("the control survey has no column `{name}`");
            let help = nearest(name, names.iter().map(String::as_str))
                .map(|n| format!("did you mean `{n}`?"))
                .or_else(|| Some("it needs the variables of the margins, coded alike".to_string()));
            work.error(&at.key("file"), message, help);
        }
        if work.has_errors() {
            return None;
        }
        let options = ReadOptions { columns: Some(&wanted), ..ReadOptions::default() };
        let mut table = read_file(work, &full, &at.key("file"), &options)?;
        label(work, &mut table);
        let weight = numbers(work, &at.key("weight"), table.column(weight)?)?;
        let negative = (0..weight.len()).find(|&r| weight.get(r) < 0.0 || weight.get(r).is_nan());
        if let Some(row) = negative {
            let message = format!(
                "the weight of the control survey in row {} is {}",
                row + 1,
                weight.get(row)
            );
            let help = "every row has a weight of zero or more";
            work.error(&at.key("weight"), message, Some(help.to_string()));
            return None;
        }
        let held = columns
            .iter()
            .map(|name| numbers(work, &of_replicates, table.column(name)?))
            .collect::<Option<Vec<Arc<Numbers>>>>()?;
        let made = Replicates::from_columns(
            replicates.method,
            &weight.to_vec(),
            held,
            replicates.combined.unwrap_or(true),
            replicates.rho,
            replicates.scale,
            replicates.rscales.clone(),
            Some(true),
        );
        let made = match made {
            Ok(made) => made,
            Err(e) => {
                work.error(&at.key("replicates"), &e, None);
                return None;
            }
        };
        let counts = made.rscales.iter().map(|r| made.scale * r).collect();
        let ReplicateWeights::Columns { columns, combined } = made.weights else { return None };
        let of_row = |column: &Arc<Numbers>| -> Vec<f64> {
            let one = |row: usize| {
                let (w, full) = (column.get(row), weight.get(row));
                if w.is_nan() {
                    0.0
                } else if combined {
                    w
                } else {
                    w * full
                }
            };
            (0..weight.len()).map(one).collect()
        };
        let replicates = columns.iter().map(of_row).collect();
        Some(Survey { table, weight, replicates, counts })
    }
}

fn numbers(work: &mut Work<'_>, at: &KeyPath, column: &Column) -> Option<Arc<Numbers>> {
    match column.as_numbers() {
        Some(numbers) => Some(Arc::new(numbers.clone())),
        None => {
            let (message, help) = not_numeric(column, "as a weight of the control survey");
            work.error(at, message, Some(help));
            None
        }
    }
}

/// Fills in the totals of a margin from the control survey, and keeps those of its replicates.
fn fill(
    work: &mut Work<'_>,
    at: &KeyPath,
    survey: &Survey,
    margin: &mut GivenMargin,
    table: &Table,
    all: &mut ByLine,
) -> Option<()> {
    let own: Vec<Factor> = margin
        .variables
        .iter()
        .map(|n| Some(survey.table.column(n)?.as_factor()))
        .collect::<Option<_>>()?;
    let sample = matching::factors(work, margin, table)?;
    let values = match &margin.meant.of {
        None => None,
        Some(name) => Some(numbers(work, &at.key("file"), survey.table.column(name)?)?),
    };
    // The rows of each combination of levels.
    let mut rows_of: std::collections::BTreeMap<Vec<u32>, Vec<usize>> = Default::default();
    for row in 0..survey.table.rows() {
        let key: Vec<u32> = own.iter().map(|f| f.codes.get(row)).collect();
        let lacks =
            key.contains(&Codes::NONE) || values.as_ref().is_some_and(|v| v.get(row).is_nan());
        let counts = survey.weight.get(row) > 0.0
            || survey.replicates.iter().any(|weights| weights[row] != 0.0);
        if !counts {
            continue;
        }
        if lacks {
            let message = format!(
                "`{}` has no value in row {} of the control survey, with a weight",
                margin.name,
                row + 1
            );
            let help = "leave such rows out of its file, or give them a level of their own";
            work.error(&at.key("file"), message, Some(help.to_string()));
            return None;
        }
        rows_of.entry(key).or_default().push(row);
    }
    for (key, rows) in rows_of {
        let total = |weight: &dyn Fn(usize) -> f64| -> f64 {
            rows.iter().map(|&row| weight(row) * values.as_ref().map_or(1.0, |v| v.get(row))).sum()
        };
        let texts: Vec<&str> =
            own.iter().zip(&key).map(|(f, &l)| f.levels[l as usize].value.as_str()).collect();
        // As the sample shows it; what it has not is said when the margin is matched.
        let shown: Vec<&str> = texts
            .iter()
            .zip(&sample)
            .map(|(text, f)| f.position(text).map_or(*text, |p| f.levels[p].text()))
            .collect();
        let replicates =
            survey.replicates.iter().map(|weights| total(&|row| weights[row])).collect();
        all.insert((margin.name.clone(), shown.join(" × ")), replicates);
        margin.totals.push(GivenTotal {
            level: texts.join(" × "),
            total: total(&|row| survey.weight.get(row)),
            place: margin.place.clone(),
        });
    }
    Some(())
}

impl Control {
    /// The totals of a step with their covariance, in the order of its columns.
    pub fn totals(
        &self,
        work: &mut Work<'_>,
        path: &KeyPath,
        lines: &[(String, String)],
        totals: &Totals,
    ) -> Option<ControlTotals> {
        let at = path.key("estimated");
        let seed = self.given.seed.unwrap_or(1);
        let made = match &self.replicates {
            None => {
                let covariance = covariance(work, &at, self.given.covariance.as_deref()?, lines)?;
                ControlTotals::from_covariance(covariance, &totals.names, seed)
            }
            Some((by_line, counts)) => {
                let mut replicates = vec![vec![0.0; lines.len()]; counts.len()];
                for (column, line) in lines.iter().enumerate() {
                    for (all, own) in replicates.iter_mut().zip(by_line.get(line)?) {
                        all[column] = *own;
                    }
                }
                let method = match self.given.method {
                    Some(GivenMethod::OpsomerErciulescu) => ControlMethod::OpsomerErciulescu,
                    _ => ControlMethod::Fuller,
                };
                ControlTotals::from_replicates(
                    &totals.targets,
                    &replicates,
                    counts,
                    method,
                    &totals.names,
                    seed,
                )
            }
        };
        match made {
            Ok(made) => Some(made),
            Err(e) => {
                work.error(&at, e, None);
                None
            }
        }
    }
}

/// Reads a covariance matrix: `variable, level`, and a column for every line.
fn covariance(
    work: &mut Work<'_>,
    at: &KeyPath,
    file: &Path,
    lines: &[(String, String)],
) -> Option<DMatrix<f64>> {
    let full = work.folder.join(file);
    let at = at.key("covariance");
    let table = read_file(work, &full, &at, &ReadOptions::default())?;
    let names: Vec<String> = table.names().map(str::to_string).collect();
    let shape = "it has the columns `variable` and `level`, and then one column for every line";
    let is = |name: &str| names.iter().position(|n| n.eq_ignore_ascii_case(name));
    let (Some(variable), Some(level)) = (is("variable"), is("level")) else {
        work.error(
            &at,
            "the file of covariances has no `variable` or no `level`",
            Some(shape.into()),
        );
        return None;
    };
    let rows = table.rows();
    let columns: Vec<&Column> = table
        .columns()
        .iter()
        .enumerate()
        .filter(|(i, _)| *i != variable && *i != level)
        .map(|(_, c)| c)
        .collect();
    if columns.len() != rows {
        let message =
            format!("the covariances are {rows} lines and {} columns, not square", columns.len());
        work.error(&at, message, Some(shape.to_string()));
        return None;
    }
    let text = |column: &Column, row: usize| {
        let factor = column.as_factor();
        let code = factor.codes.get(row) as usize;
        factor.levels.get(code).map_or_else(String::new, |l| l.text().trim().to_string())
    };
    let keys: Vec<(String, String)> = (0..rows)
        .map(|r| (text(&table.columns()[variable], r), text(&table.columns()[level], r)))
        .collect();
    let spaced =
        |s: &str| s.replace('*', "×").split('×').map(str::trim).collect::<Vec<_>>().join(" × ");
    let mut order = Vec::with_capacity(lines.len());
    for (name, level) in lines {
        let is_it =
            |(v, l): &(String, String)| spaced(v) == spaced(name) && spaced(l) == spaced(level);
        match keys.iter().position(is_it) {
            Some(line) => order.push(line),
            None => {
                let message = format!("the covariances have no line for `{level}` of `{name}`");
                work.error(&at, message, Some("levels are named by their labels".to_string()));
            }
        }
    }
    if work.has_errors() {
        return None;
    }
    let mut values = DMatrix::zeros(lines.len(), lines.len());
    for (j, &b) in order.iter().enumerate() {
        let Some(numbers) = columns[b].as_numbers() else {
            let (message, help) = not_numeric(columns[b], "as a covariance");
            work.error(&at, message, Some(help));
            return None;
        };
        for (i, &a) in order.iter().enumerate() {
            values[(i, j)] = numbers.get(a);
        }
    }
    Some(values)
}
