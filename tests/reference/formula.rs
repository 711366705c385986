//! R model formulas, as far as the cases use them, turned into calibration or model columns.

use std::collections::BTreeMap;
use std::sync::Arc;

use rakewell::aggregate::{XColumns, XTerm};
use rakewell::data::expr::Expression;
use rakewell::data::{Codes, Factor, Numbers, Table, Values};

use crate::case::{Run, Stop, refused, unsupported};

/// Columns with R's names for them.
pub struct Columns {
    pub x: XColumns,
    pub names: Vec<String>,
}

/// The terms of a formula's right side: lists of variables that interact.
pub fn terms(formula: &str) -> Run<(bool, Vec<Vec<String>>)> {
    let right = formula.rsplit('~').next().unwrap_or(formula);
    let mut intercept = true;
    let mut out: Vec<Vec<String>> = Vec::new();
    let text = right.replace("- 1", "+ -1").replace("-1", "+ -1").replace("+ + -1", "+ -1");
    for part in text.split('+').map(str::trim).filter(|p| !p.is_empty()) {
        if part == "-1" || part == "0" {
            intercept = false;
            continue;
        }
        if part == "1" || part == "-" {
            continue;
        }
        if part.contains(['(', '^', '%', '/', '-']) {
            return unsupported(format!("formula term {part}"));
        }
        let clean = |s: &str| s.trim().trim_matches('`').to_string();
        if part.contains('*') {
            // All non-empty subsets.
            let vars: Vec<String> = part.split('*').map(clean).collect();
            for set in 1_u32..1 << vars.len() {
                let chosen = vars.iter().enumerate().filter(|(i, _)| set >> i & 1 == 1);
                out.push(chosen.map(|(_, v)| v.clone()).collect());
            }
        } else {
            out.push(part.split(':').map(clean).collect());
        }
    }
    out.sort_by_key(Vec::len);
    let mut unique: Vec<Vec<String>> = Vec::new();
    for term in out {
        if !unique.iter().any(|t| same_variables(t, &term)) {
            unique.push(term);
        }
    }
    Ok((intercept, unique))
}

fn same_variables(a: &[String], b: &[String]) -> bool {
    a.len() == b.len() && a.iter().all(|v| b.contains(v))
}

/// The values of an expression over columns.
pub fn numbers(table: &Table, text: &str) -> Run<Numbers> {
    let values = Expression::parse(text)
        .map_err(refused)?
        .evaluate(table)
        .map_err(|errors| Stop::Refused(errors.iter().map(ToString::to_string).collect()))?;
    match values {
        Values::Numbers(numbers) => Ok(numbers),
        _ => unsupported(format!("{text} is not numeric")),
    }
}

enum Var {
    Number(Numbers),
    Factor(Factor),
}

fn variable(table: &Table, name: &str) -> Run<Var> {
    let Some(column) = table.column(name) else { return unsupported(format!("no column {name}")) };
    Ok(match column.as_numbers() {
        Some(numbers) => Var::Number(numbers.clone()),
        None => Var::Factor(column.as_factor()),
    })
}

/// Whether a term before this one is a factor alone: without an intercept the first such factor
/// spans the constant.
fn earlier_factor(table: &Table, terms: &[Vec<String>], term: &[String]) -> Run<bool> {
    for other in terms.iter().take_while(|t| *t != term).filter(|t| t.len() == 1) {
        if matches!(variable(table, &other[0])?, Var::Factor(_)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The model columns of a formula, treatment coding with the first level as reference.
pub fn columns(table: &Table, formula: &str) -> Run<Columns> {
    let (intercept, terms) = terms(formula)?;
    let mut x = XColumns::default();
    let mut names = Vec::new();
    if intercept {
        x.terms.push(XTerm { codes: None, values: None, width: 1 });
        names.push("(Intercept)".to_string());
    }
    for term in &terms {
        let mut codes: Option<(Vec<u32>, Vec<String>)> = None;
        let mut values: Option<Vec<f64>> = None;
        for name in term {
            match variable(table, name)? {
                Var::Number(n) => {
                    let n = n.to_vec();
                    values = Some(match values {
                        None => n,
                        Some(v) => v.iter().zip(&n).map(|(a, b)| a * b).collect(),
                    });
                    codes =
                        codes.map(|(c, l)| (c, l.iter().map(|t| format!("{t}:{name}")).collect()));
                    if codes.is_none() {
                        codes = Some((vec![0; table.rows()], vec![name.clone()]));
                    }
                }
                Var::Factor(f) => {
                    // A factor is coded by contrasts where the term without it is in the model,
                    // and by all its levels where not.
                    let rest: Vec<String> = term.iter().filter(|v| *v != name).cloned().collect();
                    let is_margin = match rest.is_empty() {
                        true => intercept || earlier_factor(table, &terms, term)?,
                        false => terms.iter().any(|t| same_variables(t, &rest)),
                    };
                    let skip = u32::from(is_margin);
                    let labels: Vec<String> = f.levels[skip as usize..]
                        .iter()
                        .map(|l| format!("{name}{}", l.value))
                        .collect();
                    let own: Vec<u32> = f
                        .codes
                        .to_vec()
                        .iter()
                        .map(|&c| if c == Codes::NONE || c < skip { Codes::NONE } else { c - skip })
                        .collect();
                    codes = Some(match codes {
                        None => (own, labels),
                        Some((before, names)) => {
                            let m = names.len() as u32;
                            let joined = before
                                .iter()
                                .zip(&own)
                                .map(|(&a, &b)| {
                                    if a == Codes::NONE || b == Codes::NONE {
                                        Codes::NONE
                                    } else {
                                        b * m + a
                                    }
                                })
                                .collect();
                            let labels = labels
                                .iter()
                                .flat_map(|l| names.iter().map(move |n| format!("{n}:{l}")))
                                .collect();
                            (joined, labels)
                        }
                    });
                }
            }
        }
        let Some((codes, labels)) = codes else { continue };
        x.terms.push(XTerm {
            codes: Some(Arc::new(Codes::pack(&codes, labels.len()))),
            values: values.map(|v| Arc::new(Numbers::pack(v))),
            width: labels.len(),
        });
        names.extend(labels);
    }
    Ok(Columns { x, names })
}

/// Puts given totals in the order of the columns.
pub fn order_totals(names: &[String], totals: &BTreeMap<String, f64>) -> Run<Vec<f64>> {
    names
        .iter()
        .map(|n| match totals.get(n) {
            Some(t) => Ok(*t),
            None => unsupported(format!("no total for {n}")),
        })
        .collect()
}
