//! Recodes to and between standard classifications.

use std::collections::HashMap;

use super::error::{DeriveError, Finding};
use super::{Recoded, column};
use crate::data::codes::Codes;
use crate::data::column::{Column, Values};
use crate::data::expr::Expression;
use crate::data::labels::Scalar;
use crate::data::number::written;
use crate::data::schemes::{self, Band, Group, Kind, Scheme, Wording};
use crate::data::table::Table;
use crate::diagnostic::nearest;

/// Unmatched values that are listed one by one.
const LISTED: usize = 20;

/// A recode to a standard classification.
#[derive(Debug, Clone, PartialEq)]
pub struct Standard {
    /// The variable to start from; generations need one only where age at arrival counts.
    pub from: Option<String>,
    /// The classification that its labels are of; that of the result if not given.
    pub scheme: Option<Scheme>,
    /// The classification of the result.
    pub to: Scheme,
    /// In whose words.
    pub wording: Wording,
    /// (Value or label, group of the result), before labels are matched.
    pub pairs: Vec<(String, String)>,
    /// The value of what cannot be matched; an error if not given.
    pub otherwise: Option<Scalar>,
    /// Whether born in the UK.
    pub born: Option<Expression>,
    /// Whether each parent was.
    pub parents: Vec<Expression>,
    /// Whether each grandparent was.
    pub grandparents: Vec<Expression>,
}

/// Makes the variable; what cannot be matched is an error or becomes `otherwise`.
pub(super) fn standard(
    table: &Table,
    given: &Standard,
    findings: &mut Vec<Finding>,
) -> Result<Recoded, Vec<DeriveError>> {
    match &given.to.kind {
        Kind::Groups { groups, .. } => of_groups(table, given, groups, findings),
        Kind::Bands { born, bands, .. } => {
            let mut levels = vec![born.as_str()];
            levels.extend(bands.iter().map(|b| b.label.as_str()));
            of_bands(table, given, bands, &levels, findings)
        }
        Kind::Generation { first, second, later, .. } => {
            let mut levels: Vec<&str> = first.iter().map(|b| b.label.as_str()).collect();
            levels.push(second);
            levels.extend(later.iter().map(String::as_str));
            of_generations(table, given, first, &levels, findings)
        }
    }
}

/// The results in the order of the standard, with `otherwise` at the end.
fn results(levels: &[&str], otherwise: Option<&Scalar>) -> (Vec<Scalar>, u32) {
    let mut results: Vec<Scalar> = levels.iter().map(|l| Scalar::Text((*l).to_string())).collect();
    let rest = otherwise.map_or(Codes::NONE, |o| {
        let same = |r: &Scalar| r == o;
        let at = results.iter().position(same).unwrap_or_else(|| {
            results.push(o.clone());
            results.len() - 1
        });
        code(at)
    });
    (results, rest)
}

fn code(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(Codes::NONE)
}

/// The variable to start from.
fn source<'t>(table: &'t Table, given: &Standard) -> Result<&'t Column, Vec<DeriveError>> {
    column(table, given.from.as_deref().unwrap_or_default())
}

fn of_groups(
    table: &Table,
    given: &Standard,
    groups: &[Group],
    findings: &mut Vec<Finding>,
) -> Result<Recoded, Vec<DeriveError>> {
    let source = source(table, given)?;
    let from = given.scheme.as_ref().unwrap_or(&given.to);
    let texts: Vec<&str> = groups.iter().map(|g| g.text(given.wording)).collect();
    let (results, rest) = results(&texts, given.otherwise.as_ref());
    let pairs = pairs(given, groups)?;

    let factor = source.as_factor();
    let rows = factor.codes.to_vec();
    let mut counts = vec![0_u64; factor.levels.len()];
    for &row in &rows {
        if let Some(count) = counts.get_mut(row as usize) {
            *count += 1;
        }
    }
    let place = |group: &Group| groups.iter().position(|g| g.label == group.label).map(code);
    let (mut unknown, mut divided) = (Vec::new(), Vec::new());
    let mut codes = vec![rest; factor.levels.len()];
    for (i, level) in factor.levels.iter().enumerate().filter(|(i, _)| counts[*i] > 0) {
        let named = |key: &str| key == level.value || same(key, level.text());
        if let Some((_, code)) = pairs.iter().find(|(key, _)| named(key)) {
            codes[i] = *code;
            continue;
        }
        let group = from.matched(level.text()).or_else(|| from.matched(&level.value));
        let own = |text: &str| {
            if level.label.is_some() {
                format!("{} ({text})", level.value)
            } else {
                text.to_string()
            }
        };
        match group {
            None => unknown.push((own(level.text()), counts[i])),
            Some(group) => match given.to.taking_in(group).and_then(place) {
                Some(code) => codes[i] = code,
                None => divided.push((own(level.text()), counts[i])),
            },
        }
    }
    let labelled = factor.levels.iter().any(|l| l.label.is_some());
    let numbers = matches!(source.values, Values::Numbers(_)) && !labelled;
    report(given, source, Report { unknown, divided, numbers }, findings)?;
    let codes = rows.iter().map(|&r| codes.get(r as usize).copied().unwrap_or(Codes::NONE));
    Ok(Recoded { results, codes: codes.collect() })
}

/// Two labels but for case and spaces at the ends.
fn same(a: &str, b: &str) -> bool {
    a.trim().to_lowercase() == b.trim().to_lowercase()
}

/// The pairs of `map`, with the codes of their results.
fn pairs<'g>(
    given: &'g Standard,
    groups: &[Group],
) -> Result<Vec<(&'g str, u32)>, Vec<DeriveError>> {
    let mut errors = Vec::new();
    let mut found = Vec::new();
    for (key, value) in &given.pairs {
        let at =
            given.to.matched(value).and_then(|g| groups.iter().position(|o| o.label == g.label));
        let rest = matches!(&given.otherwise, Some(Scalar::Text(o)) if o == value);
        match at {
            Some(at) => found.push((key.as_str(), code(at))),
            None if rest => found.push((key.as_str(), code(groups.len()))),
            None => errors.push(DeriveError::NoGroup {
                value: value.clone(),
                scheme: given.to.name.clone(),
                accepted: groups.iter().map(|g| g.label.clone()).collect(),
                nearest: nearest(value, groups.iter().map(|g| g.label.as_str()))
                    .map(str::to_string),
            }),
        }
    }
    if errors.is_empty() { Ok(found) } else { Err(errors) }
}

/// What could not be matched: values with their rows.
#[derive(Default)]
struct Report {
    /// Values that no group is.
    unknown: Vec<(String, u64)>,
    /// Values whose group is spread over several of the result.
    divided: Vec<(String, u64)>,
    /// True when the values are numbers without labels.
    numbers: bool,
}

fn report(
    given: &Standard,
    source: &Column,
    mut report: Report,
    findings: &mut Vec<Finding>,
) -> Result<(), Vec<DeriveError>> {
    report.unknown.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
    let sum = |list: &[(String, u64)]| list.iter().map(|(_, rows)| rows).sum::<u64>();
    let first = |list: &[(String, u64)]| list.iter().take(LISTED).cloned().collect::<Vec<_>>();
    if let Some(otherwise) = &given.otherwise {
        report.unknown.append(&mut report.divided);
        if !report.unknown.is_empty() {
            let into = match otherwise {
                Scalar::Text(text) => text.clone(),
                Scalar::Number(x) => written(*x),
            };
            findings.push(Finding::Otherwise {
                values: first(&report.unknown),
                distinct: report.unknown.len(),
                rows: sum(&report.unknown),
                into,
            });
        }
        return Ok(());
    }
    let mut errors = Vec::new();
    let scheme = given.scheme.as_ref().unwrap_or(&given.to);
    if !report.unknown.is_empty() {
        errors.push(DeriveError::NotInScheme {
            column: source.name.clone(),
            scheme: scheme.name.clone(),
            values: first(&report.unknown),
            distinct: report.unknown.len(),
            rows: sum(&report.unknown),
            numbers: report.numbers,
            likely: likely(source, scheme),
        });
    }
    if !report.divided.is_empty() {
        errors.push(DeriveError::Divided {
            from: scheme.name.clone(),
            to: given.to.name.clone(),
            values: first(&report.divided),
            rows: sum(&report.divided),
        });
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// A truth value per row; every row unknown where there is no expression.
fn truth(
    table: &Table,
    expression: Option<&Expression>,
    key: &'static str,
    index: Option<usize>,
) -> Result<Vec<Option<bool>>, Vec<DeriveError>> {
    let Some(expression) = expression else { return Ok(vec![None; table.rows()]) };
    let wrong = |error| DeriveError::Condition { key, index, error };
    expression.condition(table).map_err(|all| all.into_iter().map(wrong).collect())
}

/// The numbers of the variable to start from.
fn numbers(table: &Table, given: &Standard) -> Result<Vec<f64>, Vec<DeriveError>> {
    let source = source(table, given)?;
    match source.as_numbers() {
        Some(numbers) => Ok(numbers.to_vec()),
        None => Err(vec![DeriveError::CutText(source.name.clone())]),
    }
}

/// The band of a number; a number in none is counted.
fn band(bands: &[Band], x: f64, outside: &mut HashMap<u64, u64>) -> Option<usize> {
    if x.is_nan() {
        return None;
    }
    let found = bands.iter().position(|b| b.holds(x));
    if found.is_none() {
        *outside.entry((x + 0.0).to_bits()).or_default() += 1;
    }
    found
}

fn outside_report(outside: HashMap<u64, u64>) -> Report {
    let mut all: Vec<(f64, u64)> =
        outside.into_iter().map(|(bits, rows)| (f64::from_bits(bits), rows)).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let unknown = all.into_iter().map(|(x, rows)| (written(x), rows)).collect();
    Report { unknown, ..Report::default() }
}

fn of_bands(
    table: &Table,
    given: &Standard,
    bands: &[Band],
    levels: &[&str],
    findings: &mut Vec<Finding>,
) -> Result<Recoded, Vec<DeriveError>> {
    let source = source(table, given)?;
    let numbers = numbers(table, given)?;
    let born = truth(table, given.born.as_ref(), "uk-born", None)?;
    let (results, rest) = results(levels, given.otherwise.as_ref());
    let mut outside = HashMap::new();
    let codes = numbers
        .iter()
        .zip(born)
        .map(|(&x, born)| match born {
            Some(true) => 0,
            _ if x.is_nan() => Codes::NONE,
            _ => band(bands, x, &mut outside).map_or(rest, |b| code(b + 1)),
        })
        .collect();
    report(given, source, outside_report(outside), findings)?;
    Ok(Recoded { results, codes })
}

fn of_generations(
    table: &Table,
    given: &Standard,
    first: &[Band],
    levels: &[&str],
    findings: &mut Vec<Finding>,
) -> Result<Recoded, Vec<DeriveError>> {
    let born = truth(table, given.born.as_ref(), "uk-born", None)?;
    let all = |list: &[Expression], key| {
        let each = list.iter().enumerate().map(|(i, e)| truth(table, Some(e), key, Some(i)));
        each.collect::<Result<Vec<_>, _>>()
    };
    let parents = all(&given.parents, "parents-uk-born")?;
    let grandparents = all(&given.grandparents, "grandparents-uk-born")?;
    let age = match (&given.from, first) {
        (Some(_), [_, _, ..]) => Some(numbers(table, given)?),
        _ => None,
    };
    let second = code(first.len());
    let (results, rest) = results(levels, given.otherwise.as_ref());
    let mut outside = HashMap::new();
    let codes = (0..table.rows())
        .map(|row| match born[row] {
            None => Codes::NONE,
            Some(false) => match &age {
                None => 0,
                Some(age) if age[row].is_nan() => Codes::NONE,
                Some(age) => band(first, age[row], &mut outside).map_or(rest, code),
            },
            Some(true) => match together(&parents, row) {
                Some(false) => second,
                None => Codes::NONE,
                Some(true) if grandparents.is_empty() => second + 1,
                Some(true) => match together(&grandparents, row) {
                    Some(false) => second + 2,
                    Some(true) => second + 3,
                    None => Codes::NONE,
                },
            },
        })
        .collect();
    if let Some(from) = given.from.as_deref().filter(|_| !outside.is_empty()) {
        report(given, column(table, from)?, outside_report(outside), findings)?;
    }
    Ok(Recoded { results, codes })
}

/// Whether all hold: false as soon as one is known not to.
fn together(all: &[Vec<Option<bool>>], row: usize) -> Option<bool> {
    let mut known = true;
    for one in all {
        match one[row] {
            Some(false) => return Some(false),
            Some(true) => {}
            None => known = false,
        }
    }
    known.then_some(true)
}
/// The classification that knows more of the labels of a column than the one that was named: the
/// one that knows most of them, and more than half.
fn likely(source: &Column, named: &Scheme) -> Option<String> {
    let factor = source.as_factor();
    let known = |scheme: &Scheme| {
        factor.levels.iter().filter(|l| scheme.matched(l.text()).is_some()).count()
    };
    let mut best = (known(named).max(factor.levels.len() / 2), None);
    for scheme in schemes::all() {
        let count = known(&scheme);
        if count > best.0 {
            best = (count, Some(scheme.name));
        }
    }
    best.1
}
