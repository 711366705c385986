//! The weighting for the terminal: the short form.

use super::document::Document;
use super::number;
use super::terminal::{Column, Page};
use super::view::Labels;
use super::words::plural;
use crate::weight::{DetailValue, StepDetail, StepSummary};

/// Most groups that are listed; more are left to the report.
const GROUPS: usize = 60;

/// The weighting as text for a terminal of `width` columns (at least 40): the steps, the weights of the
/// target groups, what trimming traded, the largest weights with their cases.
pub fn weighing(document: &Document, width: u16, color: bool) -> String {
    let mut page = Page::new(width, color);
    page.header(document);
    page.weighting(&document.weighting);
    if let (Some(first), Some(last)) = (document.weighting.first(), document.weighting.last()) {
        groups(&mut page, first, last);
        for step in &document.weighting {
            joined(&mut page, step);
            balance(&mut page, step);
            traded(&mut page, step);
        }
        largest(&mut page, last);
    }
    page.warnings(document);
    page.finish()
}

fn groups(page: &mut Page, first: &StepSummary, last: &StepSummary) {
    let groups = &last.diagnostics.groups;
    if groups.is_empty() {
        return;
    }
    page.heading("Weights by group");
    let shown = &groups[..groups.len().min(GROUPS)];
    let labels = Labels {
        headings: vec!["By".to_string(), "Group".to_string()],
        rows: shown.iter().map(|g| vec![g.by.clone(), g.group.clone()]).collect(),
    };
    let percent = |x: f64| number::fixed(100.0 * x, 2);
    let base = |i: usize| first.diagnostics.groups.get(i).map_or(f64::NAN, |g| g.share);
    let columns = vec![
        Column::new("n", 0, shown.iter().map(|g| number::count(g.weights.n))),
        Column::new("base %", 3, (0..shown.len()).map(|i| percent(base(i)))),
        Column::new("final %", 2, shown.iter().map(|g| percent(g.share))),
        Column::new("CV", 4, shown.iter().map(|g| number::fixed(g.weights.cv, 2))),
        Column::new("deff", 1, shown.iter().map(|g| number::ratio(Some(g.weights.deff_kish)))),
        Column::new("n eff", 0, shown.iter().map(|g| number::effective(Some(g.weights.n_eff)))),
    ];
    page.table(&labels, columns, None);
    if groups.len() > shown.len() {
        page.item("·", &format!("and {} more groups", groups.len() - shown.len()));
    }
}

fn balance(page: &mut Page, step: &StepSummary) {
    let lines = &step.diagnostics.balance;
    let worst = |of: fn(&crate::weight::BalanceLine) -> f64| {
        lines.iter().max_by(|a, b| of(a).abs().total_cmp(&of(b).abs())).map(|l| (l, of(l)))
    };
    let Some((line, before)) = worst(|l| l.difference_before) else { return };
    let after = worst(|l| l.difference_after).map_or(0.0, |(_, d)| d);
    page.heading(&format!("Balance of step {}, {}", step.step, step.kind));
    page.item(
        "·",
        &format!(
            "largest standardised difference {} before ({} {}), {} after, of {}",
            number::fixed(before, 3),
            line.margin,
            line.level,
            number::fixed(after, 3),
            plural(lines.len(), "level", "levels")
        ),
    );
}

/// The adjustment classes that were joined: what the factors are taken over is not what was asked for.
fn joined(page: &mut Page, step: &StepSummary) {
    let Some(detail) = step.details.iter().find(|d| d.title == StepDetail::JOINED) else { return };
    page.heading(&format!("Classes joined in step {}, {}", step.step, step.kind));
    let text = |value: Option<&DetailValue>| match value {
        Some(DetailValue::Text(text)) => text.clone(),
        Some(DetailValue::Count(n)) => number::count(*n),
        Some(DetailValue::Number(x)) => number::significant(*x, 4),
        _ => String::new(),
    };
    // The parts of a class one under the other.
    let mut rows: Vec<[String; 4]> =
        detail.rows.iter().map(|row| [3, 0, 1, 2].map(|i| text(row.get(i)))).collect();
    let order: Vec<String> = rows.iter().map(|row| row[0].clone()).collect();
    rows.sort_by_key(|row| order.iter().position(|whole| *whole == row[0]));
    let shown = &rows[..rows.len().min(GROUPS)];
    let labels = Labels {
        headings: vec!["Class".to_string(), "Joined of".to_string()],
        rows: shown.iter().map(|[whole, part, ..]| vec![whole.clone(), part.clone()]).collect(),
    };
    let column = |i: usize| shown.iter().map(move |row| row[i].clone());
    let columns = vec![Column::new("n", 0, column(2)), Column::new("observed", 1, column(3))];
    page.table(&labels, columns, None);
    if detail.rows.len() > shown.len() {
        page.item("·", &format!("and {} more", detail.rows.len() - shown.len()));
    }
}

fn traded(page: &mut Page, step: &StepSummary) {
    let lines = &step.diagnostics.traded;
    if lines.is_empty() {
        return;
    }
    page.heading(&format!("Bias and variance traded by step {}, {}", step.step, step.kind));
    let shown = &lines[..lines.len().min(GROUPS)];
    let labels = Labels {
        headings: vec!["Outcome".to_string(), "Group".to_string()],
        rows: shown.iter().map(|l| vec![l.outcome.clone(), l.group.clone()]).collect(),
    };
    let short = |x: f64| {
        if x.is_finite() { number::significant(x, 3) } else { String::new() }
    };
    let columns = vec![
        Column::new("n", 4, shown.iter().map(|l| number::count(l.n))),
        Column::new("before", 0, shown.iter().map(|l| short(l.before))),
        Column::new("after", 0, shown.iter().map(|l| short(l.after))),
        Column::new("SE before", 2, shown.iter().map(|l| short(l.se_before))),
        Column::new("SE after", 1, shown.iter().map(|l| short(l.se_after))),
        Column::new("MSE ratio", 0, shown.iter().map(|l| short(l.mse_ratio.unwrap_or(f64::NAN)))),
    ];
    page.table(&labels, columns, None);
    if lines.len() > shown.len() {
        page.item("·", &format!("and {} more", lines.len() - shown.len()));
    }
}

fn largest(page: &mut Page, step: &StepSummary) {
    let large = &step.diagnostics.largest;
    if large.is_empty() {
        return;
    }
    page.heading("Largest weights");
    let case = |l: &crate::weight::LargeWeight| {
        let parts: Vec<String> = l.case.iter().map(|(n, v)| format!("{n} {v}")).collect();
        if parts.is_empty() { format!("row {}", l.row) } else { parts.join(", ") }
    };
    let labels = Labels {
        headings: vec!["Case".to_string()],
        rows: large.iter().map(|l| vec![case(l)]).collect(),
    };
    let columns = vec![
        Column::new("row", 2, large.iter().map(|l| l.row.to_string())),
        Column::new("base", 1, large.iter().map(|l| number::significant(l.base, 4))),
        Column::new("weight", 0, large.iter().map(|l| number::significant(l.weight, 4))),
        Column::new("÷ mean", 0, large.iter().map(|l| number::significant(l.relative, 3))),
        Column::new("% of sum", 3, large.iter().map(|l| number::significant(100.0 * l.share, 3))),
    ];
    page.table(&labels, columns, None);
}
