//! A new value for each old one.

use std::collections::HashMap;

use super::error::{DeriveError, Finding};
use super::{Recoded, result_code};
use crate::data::codes::{Codes, Factor};
use crate::data::column::{Column, Numbers, Values};
use crate::data::labels::Scalar;
use crate::data::number::{value_of, written};
use crate::diagnostic::nearest;

/// Unmatched values that are listed one by one.
const LISTED: usize = 20;

pub(super) fn map(
    source: &Column,
    pairs: &[(String, Scalar)],
    otherwise: Option<&Scalar>,
    findings: &mut Vec<Finding>,
) -> Result<Recoded, Vec<DeriveError>> {
    if pairs.is_empty() {
        return Err(vec![DeriveError::Nothing("map")]);
    }
    let mut results = Vec::new();
    let codes: Vec<u32> = pairs.iter().map(|(_, r)| result_code(&mut results, r)).collect();
    let rest = otherwise.map_or(Codes::NONE, |r| result_code(&mut results, r));
    let keys: Vec<&str> = pairs.iter().map(|(key, _)| key.as_str()).collect();
    let rows = match &source.values {
        Values::Numbers(numbers) => {
            let keys = number_keys(source, &keys, &codes)?;
            of_numbers(source, numbers, &keys, rest, findings)
        }
        Values::Text(factor) => of_text(source, factor, &keys, &codes, rest, findings)?,
    };
    Ok(Recoded { results, codes: rows })
}

/// A number that a key names: the key, and the result.
type NumberKeys<'a> = HashMap<u64, (&'a str, u32)>;

/// Keys as numbers, by value or by label.
fn number_keys<'a>(
    source: &Column,
    keys: &[&'a str],
    codes: &[u32],
) -> Result<NumberKeys<'a>, Vec<DeriveError>> {
    let mut errors = Vec::new();
    let mut found: NumberKeys<'a> = HashMap::new();
    for (&key, &code) in keys.iter().zip(codes) {
        let labelled = source.value_labels.iter().filter(|(_, l)| l == key);
        let mut values: Vec<f64> = labelled.map(|(x, _)| *x).collect();
        if values.is_empty() {
            values.extend(value_of(key));
        }
        if values.is_empty() {
            let labels = source.value_labels.iter().map(|(_, l)| l.as_str());
            errors.push(DeriveError::UnknownKey {
                column: source.name.clone(),
                key: key.to_owned(),
                nearest: nearest(key, labels).map(ToOwned::to_owned),
            });
        }
        for x in values {
            let before = *found.entry(bits(x)).or_insert((key, code));
            if before.1 != code {
                errors.push(repeated(source, before.0, key));
            }
        }
    }
    if errors.is_empty() { Ok(found) } else { Err(errors) }
}

fn of_numbers(
    source: &Column,
    numbers: &Numbers,
    keys: &NumberKeys<'_>,
    rest: u32,
    findings: &mut Vec<Finding>,
) -> Vec<u32> {
    // Survey data repeat few values: what was found for one serves all its rows.
    let mut known: HashMap<u64, (u32, u64)> = HashMap::new();
    let codes = (0..numbers.len())
        .map(|row| {
            let x = numbers.get(row);
            if x.is_nan() {
                return Codes::NONE;
            }
            let entry = known
                .entry(bits(x))
                .or_insert_with_key(|key| (keys.get(key).map_or(rest, |(_, code)| *code), 0));
            entry.1 += 1;
            entry.0
        })
        .collect();
    let mut idle: Vec<(f64, &str)> = keys
        .iter()
        .filter(|(key, _)| !known.contains_key(key))
        .map(|(&key, (text, _))| (f64::from_bits(key), *text))
        .collect();
    idle.sort_by(|a, b| a.0.total_cmp(&b.0));
    report_unused(idle.into_iter().map(|(_, text)| text.to_owned()).collect(), findings);
    if rest == Codes::NONE {
        let label = |x: f64| {
            source
                .value_labels
                .iter()
                .find(|(v, _)| *v == x)
                .map_or_else(String::new, |(_, l)| format!(" ({l})"))
        };
        let mut unmatched: Vec<(f64, u64)> = known
            .iter()
            .filter(|(key, _)| !keys.contains_key(key))
            .map(|(&key, &(_, rows))| (f64::from_bits(key), rows))
            .collect();
        unmatched.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.total_cmp(&b.0)));
        let listed = unmatched.iter().map(|&(x, rows)| (x, rows));
        report_unmatched(
            listed.clone().take(LISTED).map(|(x, n)| (written(x) + &label(x), n)).collect(),
            unmatched.len(),
            listed.map(|(_, rows)| rows).sum(),
            findings,
        );
    }
    codes
}

fn of_text(
    source: &Column,
    factor: &Factor,
    keys: &[&str],
    codes: &[u32],
    rest: u32,
    findings: &mut Vec<Finding>,
) -> Result<Vec<u32>, Vec<DeriveError>> {
    let mut errors = Vec::new();
    let mut idle = Vec::new();
    let mut by_level: Vec<Option<(&str, u32)>> = vec![None; factor.levels.len()];
    let by_value: HashMap<&str, usize> =
        factor.levels.iter().enumerate().map(|(i, l)| (l.value.as_str(), i)).collect();
    let mut by_label: HashMap<&str, Vec<usize>> = HashMap::new();
    for (i, level) in factor.levels.iter().enumerate() {
        by_label.entry(level.text()).or_default().push(i);
    }
    for (&key, &code) in keys.iter().zip(codes) {
        let levels = match by_value.get(key) {
            Some(&i) => vec![i],
            None => by_label.get(key).cloned().unwrap_or_default(),
        };
        if levels.is_empty() {
            idle.push(key.to_owned());
        }
        for i in levels {
            let before = *by_level[i].get_or_insert((key, code));
            if before.1 != code {
                errors.push(repeated(source, before.0, key));
            }
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    report_unused(idle, findings);
    let mut counts = vec![0_u64; factor.levels.len()];
    let mut rows = factor.codes.to_vec();
    for code in &mut rows {
        let level = *code as usize;
        *code = match by_level.get(level) {
            Some(Some((_, code))) => *code,
            Some(None) => {
                counts[level] += 1;
                rest
            }
            None => Codes::NONE,
        };
    }
    if rest == Codes::NONE {
        let mut unmatched: Vec<(&str, u64)> = factor
            .levels
            .iter()
            .zip(counts)
            .filter(|(_, rows)| *rows > 0)
            .map(|(level, rows)| (level.text(), rows))
            .collect();
        unmatched.sort_by_key(|u| std::cmp::Reverse(u.1));
        report_unmatched(
            unmatched.iter().take(LISTED).map(|&(text, n)| (text.to_owned(), n)).collect(),
            unmatched.len(),
            unmatched.iter().map(|u| u.1).sum(),
            findings,
        );
    }
    Ok(rows)
}

fn report_unused(keys: Vec<String>, findings: &mut Vec<Finding>) {
    if !keys.is_empty() {
        findings.push(Finding::UnusedKeys(keys));
    }
}

fn report_unmatched(
    values: Vec<(String, u64)>,
    distinct: usize,
    rows: u64,
    findings: &mut Vec<Finding>,
) {
    if distinct > 0 {
        findings.push(Finding::Unmatched { values, distinct, rows });
    }
}

fn repeated(source: &Column, first: &str, second: &str) -> DeriveError {
    DeriveError::RepeatedKey {
        column: source.name.clone(),
        first: first.to_owned(),
        second: second.to_owned(),
    }
}

/// A number as a key; 0 and −0 are one.
fn bits(x: f64) -> u64 {
    (x + 0.0).to_bits()
}
