//! New variables from old ones.
//!
//! | recipe | value of a row | missing |
//! |---|---|---|
//! | map | the result of its old value or label; else `otherwise` | stays missing |
//! | cut | the band its number falls in | stays missing |
//! | cases | the result of the first case that holds; `otherwise` where every case is false | where no case holds and at least one is unknown |
//! | value | what the expression gives | as in the expression |
//! | standard | the level of a standard classification | stays missing; what cannot be matched is an error or `otherwise` |
//!
//! The result is numbers if every result is a number, else text, with levels in the order of
//! first mention or as given. A result that no row has is not a level, and is reported.

mod cut;
mod error;
mod map;
mod standard;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use super::codes::{Codes, Factor, Level};
use super::column::{Column, Values};
use super::expr::{Expression, used};
use super::labels::Scalar;
use super::number::written;
use super::table::Table;
use crate::diagnostic::nearest;

pub use error::{DeriveError, Finding};
pub use standard::Standard;

/// A new variable.
#[derive(Debug, Clone, PartialEq)]
pub struct Derivation {
    /// Its name.
    pub name: String,
    /// Its label.
    pub label: Option<String>,
    /// How it is made.
    pub recipe: Recipe,
    /// The display order of its levels.
    pub levels: Option<Vec<String>>,
}

/// How a variable is made.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Recipe {
    /// A new value for each old one.
    Map {
        /// The variable to start from.
        from: String,
        /// (Old value or label, new value).
        pairs: Vec<(String, Scalar)>,
        /// The value of what no pair names; missing if not given.
        otherwise: Option<Scalar>,
    },
    /// Bands of a number.
    Cut {
        /// The variable to start from.
        from: String,
        /// Where to cut, ascending; n cut points make n + 1 bands.
        at: Vec<f64>,
        /// One label per band.
        labels: Option<Vec<String>>,
        /// True when a value equal to a cut point belongs to the band below it.
        right: bool,
    },
    /// The first case that holds.
    Cases {
        /// (Condition, value).
        cases: Vec<(Expression, Scalar)>,
        /// The value where every case is false; missing if not given.
        otherwise: Option<Scalar>,
    },
    /// An expression.
    Value(Expression),
    /// A level of a standard classification.
    Standard(Box<Standard>),
}

/// A new variable and what was found while it was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Derived {
    /// The variable.
    pub column: Column,
    /// What a person should know of.
    pub findings: Vec<Finding>,
}

/// Makes a variable from the columns of a table.
///
/// # Errors
/// All mistakes of the derivation at once, as far as they do not hide each other.
pub fn derive(table: &Table, derivation: &Derivation) -> Result<Derived, Vec<DeriveError>> {
    if table.column(&derivation.name).is_some() {
        return Err(vec![DeriveError::NameTaken(derivation.name.clone())]);
    }
    let levels = derivation.levels.as_deref();
    let mut findings = Vec::new();
    let (values, source) = match &derivation.recipe {
        Recipe::Map { from, pairs, otherwise } => {
            let source = column(table, from)?;
            let recoded = map::map(source, pairs, otherwise.as_ref(), &mut findings)?;
            (recoded.finish(levels, &mut findings)?, Some(source))
        }
        Recipe::Cut { from, at, labels, right } => {
            let source = column(table, from)?;
            let recoded = cut::cut(source, at, labels.as_deref(), *right)?;
            (recoded.finish(levels, &mut findings)?, Some(source))
        }
        Recipe::Cases { cases: given, otherwise } => {
            let recoded = cases(table, given, otherwise.as_ref(), &mut findings)?;
            (recoded.finish(levels, &mut findings)?, None)
        }
        Recipe::Standard(given) => {
            let recoded = standard::standard(table, given, &mut findings)?;
            let source = given.from.as_deref().and_then(|name| table.column(name));
            (recoded.finish(None, &mut findings)?, source)
        }
        Recipe::Value(expression) => (value(table, expression, levels, &mut findings)?, None),
    };
    let mut column = Column::from_values(&derivation.name, values);
    column.label.clone_from(&derivation.label);
    // Missing values of these stay missing, for the reasons they had.
    column.missing = source.map(|s| s.missing.clone()).unwrap_or_default();
    Ok(Derived { column, findings })
}

/// One result per row, before it is known whether the results are numbers.
struct Recoded {
    /// The results, in order of first mention.
    results: Vec<Scalar>,
    /// Index into `results` per row; [`Codes::NONE`] is missing.
    codes: Vec<u32>,
}

impl Recoded {
    fn finish(
        self,
        levels: Option<&[String]>,
        findings: &mut Vec<Finding>,
    ) -> Result<Values, Vec<DeriveError>> {
        let number = |result: &Scalar| match result {
            Scalar::Number(x) => Some(*x),
            Scalar::Text(_) => None,
        };
        if let Some(numbers) = self.results.iter().map(number).collect::<Option<Vec<f64>>>() {
            if levels.is_some() {
                return Err(vec![DeriveError::LevelsOfNumbers]);
            }
            let value = |&code: &u32| numbers.get(code as usize).copied().unwrap_or(f64::NAN);
            let values = self.codes.iter().map(value).collect();
            return Ok(Values::Numbers(super::column::Numbers::pack(values)));
        }
        // The number 1 and the text "1" are one level.
        let mut texts: Vec<String> = Vec::new();
        let place: Vec<u32> = self
            .results
            .into_iter()
            .map(|result| {
                let text = match result {
                    Scalar::Number(x) => written(x),
                    Scalar::Text(text) => text,
                };
                let at = texts.iter().position(|t| *t == text).unwrap_or_else(|| {
                    texts.push(text);
                    texts.len() - 1
                });
                u32::try_from(at).unwrap_or(Codes::NONE)
            })
            .collect();
        let translate = |code: u32| place.get(code as usize).copied().unwrap_or(Codes::NONE);
        let codes: Vec<u32> = self.codes.into_iter().map(translate).collect();
        let all = texts.into_iter().map(Level::new).collect();
        ordered(codes, all, levels, findings).map(Values::Text)
    }
}

/// A factor with its levels in the order asked for, and without those that no row has.
fn ordered(
    mut codes: Vec<u32>,
    mut all: Vec<Level>,
    order: Option<&[String]>,
    findings: &mut Vec<Finding>,
) -> Result<Factor, Vec<DeriveError>> {
    if let Some(order) = order {
        let mut errors: Vec<DeriveError> =
            repeated(order).into_iter().map(DeriveError::Repeated).collect();
        let at = |text: &str| all.iter().position(|l| l.text() == text);
        for level in order.iter().filter(|level| at(level).is_none()) {
            let nearest = nearest(level, all.iter().map(Level::text)).map(ToOwned::to_owned);
            errors.push(DeriveError::LevelWithoutResult { level: level.clone(), nearest });
        }
        let lacking: Vec<String> =
            all.iter().map(|l| l.text().to_owned()).filter(|text| !order.contains(text)).collect();
        if !lacking.is_empty() {
            errors.push(DeriveError::ResultsWithoutLevel(lacking));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut place = vec![Codes::NONE; all.len()];
        for (old, new) in order.iter().filter_map(|level| at(level)).zip(0_u32..) {
            place[old] = new;
        }
        for code in &mut codes {
            *code = place.get(*code as usize).copied().unwrap_or(Codes::NONE);
        }
        let mut sorted: Vec<(u32, Level)> = place.into_iter().zip(all).collect();
        sorted.sort_by_key(|(place, _)| *place);
        all = sorted.into_iter().map(|(_, level)| level).collect();
    }
    let before: Vec<String> = all.iter().map(|l| l.text().to_owned()).collect();
    let factor = used(codes, all);
    let kept: HashSet<&str> = factor.levels.iter().map(Level::text).collect();
    let gone: Vec<String> = before.into_iter().filter(|l| !kept.contains(l.as_str())).collect();
    if !gone.is_empty() {
        findings.push(Finding::UnusedLevels(gone));
    }
    Ok(factor)
}

fn cases(
    table: &Table,
    cases: &[(Expression, Scalar)],
    otherwise: Option<&Scalar>,
    findings: &mut Vec<Finding>,
) -> Result<Recoded, Vec<DeriveError>> {
    if cases.is_empty() {
        return Err(vec![DeriveError::Nothing("cases")]);
    }
    let mut errors = Vec::new();
    let mut results: Vec<Scalar> = Vec::new();
    let mut codes = vec![Codes::NONE; table.rows()];
    let mut unknown = vec![false; table.rows()];
    let mut idle = Vec::new();
    for (i, (condition, result)) in cases.iter().enumerate() {
        let wrong = |error| DeriveError::Expression { case: Some(i), error };
        let holds = match condition.condition(table) {
            Ok(holds) => holds,
            Err(found) => {
                errors.extend(found.into_iter().map(wrong));
                continue;
            }
        };
        if let Ok(checked) = condition.check(table) {
            let note = |warning| Finding::Expression { case: Some(i), warning };
            findings.extend(checked.warnings.into_iter().map(note));
        }
        let code = result_code(&mut results, result);
        let mut any = false;
        for ((held, unknown), slot) in holds.iter().zip(&mut unknown).zip(&mut codes) {
            match held {
                Some(true) if *slot == Codes::NONE => {
                    *slot = code;
                    any = true;
                }
                None => *unknown = true,
                _ => {}
            }
        }
        if !any {
            idle.push(i);
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let rest = otherwise.map_or(Codes::NONE, |result| result_code(&mut results, result));
    let (mut unknown_rows, mut no_case) = (0, 0);
    for (slot, unknown) in codes.iter_mut().zip(unknown).filter(|(slot, _)| **slot == Codes::NONE) {
        if unknown {
            unknown_rows += 1;
        } else {
            *slot = rest;
            no_case += u64::from(rest == Codes::NONE);
        }
    }
    if !idle.is_empty() {
        findings.push(Finding::UnusedCases(idle));
    }
    if unknown_rows > 0 {
        findings.push(Finding::Unknown { rows: unknown_rows });
    }
    if no_case > 0 {
        findings.push(Finding::NoCase { rows: no_case });
    }
    Ok(Recoded { results, codes })
}

fn value(
    table: &Table,
    expression: &Expression,
    levels: Option<&[String]>,
    findings: &mut Vec<Finding>,
) -> Result<Values, Vec<DeriveError>> {
    let wrong = |found: Vec<_>| -> Vec<DeriveError> {
        found.into_iter().map(|error| DeriveError::Expression { case: None, error }).collect()
    };
    let checked = expression.check(table).map_err(wrong)?;
    let note = |warning| Finding::Expression { case: None, warning };
    findings.extend(checked.warnings.into_iter().map(note));
    match (expression.evaluate(table).map_err(wrong)?, levels) {
        (Values::Numbers(_), Some(_)) => Err(vec![DeriveError::LevelsOfNumbers]),
        (Values::Text(factor), Some(_)) => {
            ordered(factor.codes.to_vec(), factor.levels, levels, findings).map(Values::Text)
        }
        (values, None) => Ok(values),
    }
}

fn column<'t>(table: &'t Table, name: &str) -> Result<&'t Column, Vec<DeriveError>> {
    table.column(name).ok_or_else(|| {
        let nearest = nearest(name, table.names()).map(ToOwned::to_owned);
        vec![DeriveError::UnknownColumn { name: name.to_owned(), nearest }]
    })
}

/// The index of a result, which is added if it is new.
fn result_code(results: &mut Vec<Scalar>, result: &Scalar) -> u32 {
    let at = results.iter().position(|r| r == result).unwrap_or_else(|| {
        results.push(result.clone());
        results.len() - 1
    });
    u32::try_from(at).unwrap_or(Codes::NONE)
}

/// Texts that come more than once, each once.
fn repeated(texts: &[String]) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut found: Vec<String> = Vec::new();
    for text in texts {
        if !seen.insert(text) && !found.contains(text) {
            found.push(text.clone());
        }
    }
    found
}
