//! From `[[estimate]]`, `[[compare]]` and `[[contrast]]` to tables.

pub(super) mod comparison;
mod contrast;

use super::limits::{self, TableSize};
use super::missing;
use super::not_numeric::not_numeric;
use super::places::KeyPath;
use super::plan_model::{self, Answers};
use super::prepare::{Prepared, holds};
use super::spec::{DfChoice, Estimate, Names, Scalar};
use crate::compare::ComparisonTable;
use crate::data::{Codes, Column, Factor, Level, Numbers};
use crate::diagnostic::{Diagnostic, nearest};
use crate::estimate::{
    ByVariable, Deff, Df, Domains, EstimateTable, GroupHandling, IntervalMethod, Outcome,
    QuantileInterval, QuantileRequest, Quantity, Standard, Statistic, TableSpec, Unplaced,
};
use crate::weight::Family;

/// One estimate in the making: everything the table borrows from.
struct Draft {
    statistic: Statistic,
    held: Vec<Held>,
}

enum Held {
    Mean(Numbers, Outcome),
    Total(Numbers, Outcome),
    Ratio(Numbers, Numbers, Outcome),
    Proportions(Factor, Vec<Option<Outcome>>),
    LevelTotals(Factor, Vec<Option<Outcome>>),
}

impl Held {
    fn quantity(&self) -> Quantity<'_> {
        match self {
            Held::Mean(y, _) => Quantity::Mean(y),
            Held::Total(y, _) => Quantity::Total(y),
            Held::Ratio(y, x, _) => Quantity::Ratio(y, x),
            Held::Proportions(f, _) => Quantity::Proportions(&f.codes, f.levels.len()),
            Held::LevelTotals(f, _) => Quantity::LevelTotals(&f.codes, f.levels.len()),
        }
    }

    /// The values of every outcome of the quantity.
    fn answers(&self) -> Vec<Answers> {
        match self {
            Held::Mean(y, _) => {
                let y = y.to_vec();
                let binary = y.iter().all(|y| y.is_nan() || *y == 0.0 || *y == 1.0);
                let family = if binary { Family::Logistic } else { Family::Linear };
                vec![Answers { y, family }]
            }
            Held::Proportions(f, _) => (0..f.levels.len())
                .map(|level| {
                    let one = |row| match f.codes.get(row) {
                        Codes::NONE => f64::NAN,
                        code => f64::from(u8::from(code as usize == level)),
                    };
                    Answers { y: (0..f.codes.len()).map(one).collect(), family: Family::Logistic }
                })
                .collect(),
            _ => Vec::new(),
        }
    }

    fn outcomes(&self) -> Vec<Option<Outcome>> {
        match self {
            Held::Mean(_, o) | Held::Total(_, o) | Held::Ratio(_, _, o) => vec![Some(o.clone())],
            Held::Proportions(_, list) | Held::LevelTotals(_, list) => list.clone(),
        }
    }
}

fn outcome(column: &Column, level: Option<&Level>) -> Outcome {
    Outcome {
        variable: column.name.clone(),
        title: column.title().to_string(),
        level: level.map(|l| l.text().to_string()),
        probability: None,
    }
}

/// All tables of a study, and the comparisons between their groups.
///
/// # Errors
/// All mistakes at once: text where numbers are needed, unknown levels, conditions that do not
/// fit the data.
pub(super) fn tables(
    prepared: &mut Prepared,
) -> Result<(Vec<EstimateTable>, Vec<ComparisonTable>), Vec<Diagnostic>> {
    let study = prepared.study.clone();
    let mut found = Vec::new();
    let mut tables: Vec<Option<EstimateTable>> = Vec::new();
    for (i, estimate) in study.estimate.iter().enumerate() {
        let path = KeyPath::root().key("estimate").index(i);
        let compared = estimate
            .name
            .as_ref()
            .is_some_and(|name| study.compare.iter().any(|c| c.estimate == *name));
        let mut planner = Planner { prepared, path: &path, found: Vec::new() };
        let table = planner.table(i, estimate, compared);
        found.append(&mut planner.found);
        tables.push(table);
    }
    let mut comparisons = Vec::new();
    for (i, compare) in study.compare.iter().enumerate() {
        let path = KeyPath::root().key("compare").index(i);
        let named = study.estimate.iter().position(|e| e.name.as_ref() == Some(&compare.estimate));
        if let Some(table) = named.and_then(|k| tables[k].as_ref()) {
            match comparison::comparison(prepared, &path, i, compare, table) {
                Ok(made) => comparisons.push(made),
                Err(diagnostic) => found.push(diagnostic),
            }
        }
    }
    for i in 0..study.contrast.len() {
        match contrast::table(prepared, i, &tables) {
            Ok(made) => comparisons.push(made),
            Err(mut diagnostics) => found.append(&mut diagnostics),
        }
    }
    if prepared.reference.as_ref().is_some_and(|r| r.participation.is_some()) {
        let note = format!(
            "{}the data are no probability sample; right only if participation depends on the variables \
             of its model alone",
            plan_model::MARK
        );
        let unmarked =
            |t: &&mut EstimateTable| !t.notes.iter().any(|n| n.starts_with(plan_model::MARK));
        tables.iter_mut().flatten().filter(unmarked).for_each(|t| t.notes.push(note.clone()));
        comparisons.iter_mut().for_each(|c| c.notes.push(note.clone()));
    }
    let is_error = |d: &Diagnostic| d.severity == crate::diagnostic::Severity::Error;
    if found.iter().any(is_error) {
        return Err(found);
    }
    prepared.warnings.extend(found);
    Ok((tables.into_iter().flatten().collect(), comparisons))
}

pub(super) struct Planner<'p> {
    pub prepared: &'p Prepared,
    pub path: &'p KeyPath,
    pub found: Vec<Diagnostic>,
}

impl Planner<'_> {
    pub fn error(&mut self, path: &KeyPath, message: String, help: Option<String>) {
        let mut diagnostic = Diagnostic::error(message).at(Some(self.prepared.places.value(path)));
        diagnostic.help = help;
        self.found.push(diagnostic);
    }

    fn table(&mut self, i: usize, given: &Estimate, compared: bool) -> Option<EstimateTable> {
        let prepared = self.prepared;
        let defaults = &prepared.study.defaults;
        let inside = self.inside(given.population.as_deref())?;
        let handling = given.missing_groups.or(defaults.missing_groups).unwrap_or_default();
        let mut by = self.by_factors(given, &inside);
        let weights = prepared.analysis.ledger.weights();
        let report = missing::report(handling, &by, &inside, weights);
        if handling == GroupHandling::OwnCategory {
            by = by.into_iter().map(|(c, f)| (c, missing::own_category(f, &inside))).collect();
        }
        let factors: Vec<&Factor> = by.iter().map(|(_, f)| f).collect();
        let draft = self.draft(given)?;
        // A quantile has no bounds, and no setting for all estimates gives it some.
        let bounds = handling == GroupHandling::Bounds
            && report.rows > 0
            && given.quantile.is_none()
            && given.standardize.is_none();
        self.bounded(given, &by, &draft, (compared, bounds))?;
        let domains = Domains::cross(inside.len(), &factors, Some(&inside));
        let name = given.name.clone().unwrap_or_else(|| format!("estimate-{}", i + 1));
        let spec = TableSpec {
            title: given.title.clone().unwrap_or_else(|| self.title(given, &draft)),
            name,
            statistic: draft.statistic,
            quantities: draft.held.iter().map(Held::quantity).collect(),
            outcomes: draft.held.iter().flat_map(Held::outcomes).collect(),
            domains: &domains,
            by: by.iter().map(|(column, f)| by_variable(column, f)).collect(),
            population: given.population.clone(),
            interval: given.interval.or(defaults.interval).unwrap_or(IntervalMethod::Logit),
            level: given.confidence.or(defaults.confidence).unwrap_or(0.95),
            deff: given.deff.or(defaults.deff).unwrap_or(Deff::WithoutReplacement),
            standard: given.quality.or(defaults.quality),
            df: self.df(given),
            covariance: compared,
        };
        let mut table = if let Some(quantile) = &given.quantile {
            let column = prepared.table.column(&quantile.of)?;
            let y = self.numbers(&self.path.key("quantile").key("of"), column, "for a quantile")?;
            let base = outcome(column, None);
            self.replicate_interval(quantile.interval)?;
            let request = QuantileRequest {
                y: &y,
                probabilities: &quantile.at,
                rule: quantile.rule.unwrap_or_default(),
                interval: quantile.interval.unwrap_or_default(),
                level: spec.level,
                df: spec.df,
            };
            prepared.analysis.quantile_table(&spec, &request, &base)
        } else if given.model_based.is_some() {
            let answers: Vec<Answers> = draft.held.iter().flat_map(Held::answers).collect();
            let made = plan_model::table(prepared, given, self.path, &spec, &factors, &answers);
            made.map_err(|mistake| self.found.push(mistake)).ok()?
        } else if let Some(standardize) = &given.standardize {
            let standard = self.standard(standardize, &inside)?;
            prepared.analysis.standardized_table(&spec, &factors, &inside, &standard)
        } else {
            prepared.analysis.table(&spec)
        };
        if bounds {
            let unplaced = Unplaced::of(&factors, &inside);
            prepared.analysis.add_bounds(&spec, &unplaced, &mut table);
        }
        table.notes.extend(missing::notes(&report));
        table.missing = report;
        Some(table)
    }

    /// Where the degrees of freedom of an estimate come from.
    fn df(&self, given: &Estimate) -> Df {
        let study = &self.prepared.study;
        let chosen = |choice: DfChoice| match choice {
            DfChoice::Domain => Df::Domain,
            DfChoice::Design => Df::Design,
            DfChoice::Satterthwaite => Df::Satterthwaite,
            DfChoice::Infinite => Df::Infinite,
        };
        match (given.df, study.design.df, study.defaults.df) {
            (Some(choice), ..) | (None, None, Some(choice)) => chosen(choice),
            (None, Some(df), _) => Df::Given(df),
            (None, None, None) => Df::Domain,
        }
    }

    /// Refuses an interval from replicates where there are none.
    fn replicate_interval(&mut self, interval: Option<QuantileInterval>) -> Option<()> {
        if interval != Some(QuantileInterval::Replicates) {
            return Some(());
        }
        let path = self.path.key("quantile").key("interval");
        match self.prepared.analysis.any_replicates() {
            None => {
                let help = "give replicate weights under `[design]`, make some with `[variance]`, or take `woodruff`";
                let message = "the interval is to come from replicates, and the design has none";
                self.error(&path, message.to_string(), Some(help.to_string()));
                None
            }
            Some(r) => {
                use crate::replicate::ReplicateMethod::{Jk1, Jk2, Jkn};
                if matches!(r.method, Jk1 | Jkn | Jk2) {
                    let place = Some(self.prepared.places.value(&path));
                    let mut d = Diagnostic::warning(
                        "jackknife replicates do not estimate the variance of a quantile"
                            .to_string(),
                    )
                    .at(place);
                    d.help = Some("take `woodruff`, which is right for them".to_string());
                    self.found.push(d);
                }
                Some(())
            }
        }
    }

    /// Refuses a table that is too large to be made or read.
    fn bounded(
        &mut self,
        given: &Estimate,
        by: &[(Column, Factor)],
        draft: &Draft,
        (compared, bounds): (bool, bool),
    ) -> Option<()> {
        let levels = |(column, f): &(Column, Factor)| (column.name.clone(), f.levels.len());
        let quantiles = given.quantile.as_ref().map_or(0, |q| q.at.len());
        let standard = given.standardize.as_ref().and_then(|s| {
            let column = self.prepared.table.column(&s.by)?;
            Some((s.by.clone(), column.as_factor().levels.len()))
        });
        let calibrations = self.prepared.analysis.ledger.adjustments();
        let size = TableSize {
            by: by.iter().map(levels).collect(),
            outcomes: quantiles + draft.held.iter().map(|h| h.quantity().outcomes()).sum::<usize>(),
            standard,
            covariances: compared || given.standardize.is_some(),
            calibration: calibrations.map(|c| c.x.width()).max().unwrap_or(0),
            bounds,
        };
        let Err((message, help)) = limits::table(&size) else { return Some(()) };
        let key = if given.by.is_some() { "by" } else { "proportion" };
        self.error(&self.path.key(key), message, Some(help));
        None
    }

    /// Rows of the subpopulation of an estimate.
    pub fn inside(&mut self, population: Option<&str>) -> Option<Vec<bool>> {
        let mut inside = self.prepared.inside.clone();
        let Some(text) = population else { return Some(inside) };
        let path = self.path.key("where");
        let place = |span| Some(self.prepared.places.within(&path, span));
        match holds(text, &self.prepared.table) {
            Err(errors) => {
                for e in errors {
                    let mut d = Diagnostic::error(e.to_string()).at(place(e.span.clone()));
                    d.help = e.help();
                    self.found.push(d);
                }
                None
            }
            Ok((keep, _, warnings)) => {
                for e in warnings {
                    let mut d = Diagnostic::warning(e.to_string()).at(place(e.span.clone()));
                    d.help = e.help();
                    self.found.push(d);
                }
                inside.iter_mut().zip(keep).for_each(|(i, k)| *i &= k);
                if !inside.contains(&true) {
                    self.error(&path, format!("no row fulfils `{text}`"), None);
                    return None;
                }
                Some(inside)
            }
        }
    }

    /// The by-variables, with the levels that some row of the subpopulation has.
    fn by_factors(&self, given: &Estimate, inside: &[bool]) -> Vec<(Column, Factor)> {
        let names = given.by.as_ref().map(Names::list).unwrap_or_default();
        names
            .into_iter()
            .filter_map(|name| self.prepared.table.column(name))
            .map(|column| (column.clone(), occupied(&column.as_factor(), inside)))
            .collect()
    }

    pub fn numbers(&mut self, path: &KeyPath, column: &Column, role: &str) -> Option<Numbers> {
        match column.as_numbers() {
            Some(numbers) => match limits::numbers(&column.name, numbers) {
                Ok(()) => Some(numbers.clone()),
                Err((message, help)) => {
                    self.error(path, message, Some(help));
                    None
                }
            },
            None => {
                let (message, help) = not_numeric(column, role);
                self.error(path, message, Some(format!("{help}; categories have a `proportion`")));
                None
            }
        }
    }

    fn draft(&mut self, given: &Estimate) -> Option<Draft> {
        let table = &self.prepared.table;
        let mut held = Vec::new();
        let each = |names: &Names, key: &str| -> Vec<(KeyPath, Column)> {
            let path = self.path.key(key);
            let many = matches!(names, Names::Many(_));
            names
                .list()
                .into_iter()
                .enumerate()
                .filter_map(|(i, name)| {
                    let at = if many { path.index(i) } else { path.clone() };
                    table.column(name).map(|c| (at, c.clone()))
                })
                .collect()
        };
        let statistic = if let Some(names) = &given.mean {
            for (path, column) in each(names, "mean") {
                let y = self.numbers(&path, &column, "for a mean")?;
                held.push(Held::Mean(y, outcome(&column, None)));
            }
            Statistic::Mean
        } else if let Some(names) = &given.total {
            for (path, column) in each(names, "total") {
                held.push(match column.as_numbers() {
                    Some(_) if column.value_labels.is_empty() => {
                        let y = self.numbers(&path, &column, "for a total")?;
                        Held::Total(y, outcome(&column, None))
                    }
                    _ => {
                        let factor = column.as_factor();
                        let list = all_levels(&column, &factor);
                        Held::LevelTotals(factor, list)
                    }
                });
            }
            Statistic::Total
        } else if let Some(names) = &given.proportion {
            for (_, column) in each(names, "proportion") {
                held.push(self.proportion(given, &column)?);
            }
            Statistic::Proportion
        } else if let Some(ratio) = &given.ratio {
            let path = self.path.key("ratio");
            let (y, x) = (table.column(&ratio.numerator)?, table.column(&ratio.denominator)?);
            let outcome = Outcome {
                variable: format!("{}/{}", y.name, x.name),
                title: format!("{} / {}", y.title(), x.title()),
                level: None,
                probability: None,
            };
            let y = self.numbers(&path.key("numerator"), y, "as a numerator")?;
            let x = self.numbers(&path.key("denominator"), x, "as a denominator")?;
            held.push(Held::Ratio(y, x, outcome));
            Statistic::Ratio
        } else {
            Statistic::Quantile
        };
        Some(Draft { statistic, held })
    }

    /// A 0/1 variable is an indicator; anything else gives a proportion for every level.
    fn proportion(&mut self, given: &Estimate, column: &Column) -> Option<Held> {
        let is_indicator = column.value_labels.is_empty()
            && column.as_numbers().is_some_and(|y| {
                (0..y.len()).map(|r| y.get(r)).all(|v| v.is_nan() || v == 0.0 || v == 1.0)
            });
        if is_indicator && given.level.is_none() {
            let y = column.as_numbers()?.clone();
            return Some(Held::Mean(y, outcome(column, None)));
        }
        let factor = column.as_factor();
        let mut list = all_levels(column, &factor);
        if let Some(level) = &given.level {
            let text = scalar_text(level);
            let Some(wanted) = factor.position(&text) else {
                let help = nearest(&text, factor.levels.iter().map(Level::text))
                    .map(|n| format!("did you mean `{n}`?"))
                    .or_else(|| Some(format!("it has {}", level_list(&factor))));
                let message = format!("`{}` has no level `{text}`", column.name);
                self.error(&self.path.key("level"), message, help);
                return None;
            };
            list.iter_mut().enumerate().filter(|(i, _)| *i != wanted).for_each(|(_, o)| *o = None);
        }
        Some(Held::Proportions(factor, list))
    }

    fn standard(&mut self, given: &super::spec::Standardize, inside: &[bool]) -> Option<Standard> {
        let column = self.prepared.table.column(&given.by)?;
        let factor = column.as_factor();
        let path = self.path.key("standardize").key("population");
        let mut shares = vec![None; factor.levels.len()];
        for (level, share) in &given.population.0 {
            match factor.position(level) {
                Some(position) => shares[position] = Some(*share),
                None => {
                    let help = nearest(level, factor.levels.iter().map(Level::text))
                        .map(|n| format!("did you mean `{n}`?"))
                        .or_else(|| Some(format!("it has {}", level_list(&factor))));
                    let message = format!("`{}` has no level `{level}`", given.by);
                    let place = self.prepared.places.key(&path.key(level));
                    let mut diagnostic = Diagnostic::error(message).at(Some(place));
                    diagnostic.help = help;
                    self.found.push(diagnostic);
                }
            }
        }
        let present = occupied(&factor, inside);
        let missing: Vec<&str> = factor
            .levels
            .iter()
            .zip(&shares)
            .filter(|(l, share)| share.is_none() && present.levels.contains(l))
            .map(|(l, _)| l.text())
            .collect();
        if !missing.is_empty() {
            let message = format!("the standard population lacks {}", missing.join(", "));
            let help = "give it a share, or leave it out with `where`";
            self.error(&path, message, Some(help.to_string()));
        }
        if !self.found.is_empty() {
            return None;
        }
        Some(Standard {
            title: column.title().to_string(),
            factor,
            shares: shares.into_iter().map(|s| s.unwrap_or(0.0)).collect(),
        })
    }

    fn title(&self, given: &Estimate, draft: &Draft) -> String {
        let mut what: Vec<String> = Vec::new();
        for o in draft.held.iter().flat_map(Held::outcomes).flatten() {
            // One level on its own is nowhere else in the table.
            let text = match (&given.level, &o.level) {
                (Some(_), Some(level)) => format!("{}: {level}", o.title),
                _ => o.title,
            };
            if !what.contains(&text) {
                what.push(text);
            }
        }
        if let Some(q) = &given.quantile {
            what.extend(self.prepared.table.column(&q.of).map(|c| c.title().to_string()));
        }
        let statistic = match draft.statistic {
            Statistic::Total => "Total",
            Statistic::Mean => "Mean",
            Statistic::Proportion => "Proportion",
            Statistic::Ratio => "Ratio",
            Statistic::Quantile => "Quantiles",
        };
        let names = given.by.as_ref().map(Names::list).unwrap_or_default();
        let by: Vec<&str> = names
            .into_iter()
            .filter_map(|n| self.prepared.table.column(n))
            .map(Column::title)
            .collect();
        let by = if by.is_empty() { String::new() } else { format!(" by {}", by.join(" and ")) };
        format!("{statistic}: {}{by}", what.join(", "))
    }
}

fn scalar_text(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Number(x) => format!("{x}"),
        Scalar::Text(t) => t.clone(),
    }
}

fn level_list(factor: &Factor) -> String {
    let shown: Vec<String> =
        factor.levels.iter().take(12).map(|l| format!("`{}`", l.text())).collect();
    let more = if factor.levels.len() > 12 { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

fn all_levels(column: &Column, factor: &Factor) -> Vec<Option<Outcome>> {
    factor.levels.iter().map(|l| Some(outcome(column, Some(l)))).collect()
}

fn by_variable(column: &Column, factor: &Factor) -> ByVariable {
    ByVariable {
        variable: column.name.clone(),
        title: column.title().to_string(),
        levels: factor.levels.iter().map(|l| l.text().to_string()).collect(),
    }
}

/// The factor with the levels only that some row inside has.
fn occupied(factor: &Factor, inside: &[bool]) -> Factor {
    let mut seen = vec![false; factor.levels.len()];
    for (row, _) in inside.iter().enumerate().filter(|(_, i)| **i) {
        if let Some(slot) = seen.get_mut(factor.codes.get(row) as usize) {
            *slot = true;
        }
    }
    if seen.iter().all(|s| *s) {
        return factor.clone();
    }
    let mut next = 0;
    let new: Vec<u32> = seen
        .iter()
        .map(|s| {
            next += u32::from(*s);
            if *s { next - 1 } else { Codes::NONE }
        })
        .collect();
    let codes: Vec<u32> = factor
        .codes
        .to_vec()
        .iter()
        .map(|&c| new.get(c as usize).copied().unwrap_or(Codes::NONE))
        .collect();
    let levels =
        factor.levels.iter().zip(&seen).filter(|(_, s)| **s).map(|(l, _)| l.clone()).collect();
    Factor { codes: Codes::pack(&codes, next as usize), levels }
}
