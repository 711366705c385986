//! Rows that lack a group: counted, made a group of their own, spoken of.

use super::limits::thousands;
use crate::data::{Codes, Column, Factor, Level};
use crate::estimate::{GroupHandling, MissingOf, MissingReport};

/// How the group of those without one is called.
const MISSING: &str = "Missing";
/// Reasons that are named.
const REASONS: usize = 8;

/// How many rows of the subpopulation (those with a weight) lack a level of some factor.
pub(super) fn report(
    handling: GroupHandling,
    by: &[(Column, Factor)],
    inside: &[bool],
    weights: &[f64],
) -> MissingReport {
    let mut counts = vec![(0_u64, 0.0); by.len()];
    let (mut rows, mut lost, mut total) = (0, 0.0, 0.0);
    for (row, _) in inside.iter().enumerate().filter(|(row, i)| **i && weights[*row] != 0.0) {
        let w = weights[row];
        total += w;
        let mut lacks = false;
        for ((_, factor), count) in by.iter().zip(&mut counts) {
            if factor.codes.get(row) == Codes::NONE {
                *count = (count.0 + 1, count.1 + w);
                lacks = true;
            }
        }
        if lacks {
            rows += 1;
            lost += w;
        }
    }
    let share = |w: f64| Some(w / total).filter(|s| s.is_finite());
    let of = by.iter().zip(&counts).filter(|(_, (rows, _))| *rows > 0);
    let of = of.map(|((column, _), &(rows, w))| MissingOf {
        variable: column.name.clone(),
        title: column.title().to_string(),
        rows,
        share: share(w),
        reasons: column.missing.iter().filter(|m| m.count > 0).map(reason).collect(),
    });
    MissingReport {
        handling,
        rows,
        share: share(lost).filter(|_| !by.is_empty()),
        of: of.collect(),
        imputations: None,
    }
}

fn reason(code: &crate::data::MissingCode) -> String {
    let text = code.label.as_deref().unwrap_or(&code.code);
    format!("{text}: {}", thousands(u128::from(code.count)))
}

/// The sentences of a table about rows without a group.
pub(super) fn notes(report: &MissingReport) -> Vec<String> {
    let mut notes: Vec<String> = report
        .of
        .iter()
        .map(|of| {
            let shown: Vec<&str> = of.reasons.iter().take(REASONS).map(String::as_str).collect();
            let more = if of.reasons.len() > REASONS { ", …" } else { "" };
            let reasons = if shown.is_empty() {
                String::new()
            } else {
                format!(" (in the whole file: {}{more})", shown.join(", "))
            };
            let rows = thousands(u128::from(of.rows));
            let noun = if of.rows == 1 { "row" } else { "rows" };
            let share = of.share.map_or(String::new(), |s| format!(", {} of the base", percent(s)));
            format!("{} is missing for {rows} {noun}{share}{reasons}", of.title)
        })
        .collect();
    let handling = match report.handling {
        GroupHandling::OwnCategory => {
            format!("Rows without a group are a group of their own, `{MISSING}`")
        }
        GroupHandling::Bounds => {
            "Rows without a group are in none; the bounds are the lowest and the highest value \
             over all groups they may belong to, whatever made them missing (Horowitz and Manski \
             2000), their interval covers both"
                .to_string()
        }
        _ => "Rows without a group are in none: each group is taken to be like those of it that \
              are known"
            .to_string(),
    };
    if !notes.is_empty() {
        notes.push(handling);
    }
    notes
}

fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if percent > 0.0 && percent < 0.05 { "under 0.1%".into() } else { format!("{percent:.1}%") }
}

/// The factor with one more level for the rows inside that have none, if there are such rows.
pub(super) fn own_category(factor: Factor, inside: &[bool]) -> Factor {
    let lacks = |row: usize| inside[row] && factor.codes.get(row) == Codes::NONE;
    if !(0..inside.len()).any(lacks) {
        return factor;
    }
    let mut text = MISSING.to_string();
    while factor.position(&text).is_some() {
        text = format!("({text})");
    }
    let own = factor.levels.len() as u32;
    let codes = factor.codes.to_vec();
    let codes = (0..codes.len()).map(|row| if lacks(row) { own } else { codes[row] });
    let codes = Codes::collect(codes, factor.levels.len() + 1);
    let mut levels = factor.levels;
    levels.push(Level::new(text));
    Factor { codes, levels }
}
