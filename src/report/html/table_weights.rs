//! Tables of the weighting: steps, margins, details, groups, large weights, what trimming trades.

use super::table::{Cell, Head, Row, Table, head, heads_of, label_cells, spans, starts_group};
use crate::report::number;
use crate::report::view::{self, Labels};
use crate::weight::{DetailValue, StepDetail, StepSummary};

/// The table of the weighting steps.
pub(super) fn of_steps(steps: &[StepSummary], id: String, caption: String) -> Table {
    let heads = vec![
        Head { text: "Step".to_string(), full: None, figures: false },
        Head { text: "What was done".to_string(), full: None, figures: false },
        head("n", Some("Rows with a positive weight")),
        head("Sum", Some("Sum of the weights")),
        head("Weights", Some("Smallest and largest weight")),
        head("deff", Some("Design effect of the weights (Kish)")),
        head("n eff", Some("Effective sample size by the weights")),
        head("g range", Some("Smallest and largest factor of the step")),
    ];
    let rows = steps.iter().map(|step| {
        let w = &step.weights;
        let about = [step.outcome.as_str(), step.variance.as_str()];
        let about: Vec<&str> = about.into_iter().filter(|s| !s.is_empty()).collect();
        let mut cells = vec![
            Cell::label(&format!("{}. {}", step.step, step.kind), 1),
            Cell::words(step.description.clone(), about.join(". ")),
        ];
        cells.extend(
            [
                number::count(w.n),
                number::amount(w.sum),
                format!("{} to {}", number::significant(w.min, 3), number::significant(w.max, 3)),
                number::ratio(Some(w.deff_kish)),
                number::effective(Some(w.n_eff)),
                view::g_range(step),
            ]
            .map(Cell::figure),
        );
        Row { cells, first: true, suppressed: false }
    });
    let rows = rows.collect();
    Table { id, caption, heads, rows }
}

/// The table of the margins of a step.
pub(super) fn of_margins(step: &StepSummary, id: String, caption: String) -> Table {
    let labels = Labels {
        headings: vec!["Margin".to_string(), "Level".to_string()],
        rows: step.margins.iter().map(|m| vec![m.margin.clone(), m.level.clone()]).collect(),
    };
    let mut heads = heads_of(&labels);
    heads.extend([
        head("n", Some("Rows with a positive weight")),
        head("Target", Some("Population total aimed at")),
        head("Before", Some("Weighted total before the step")),
        head("off by", Some("Difference from the target before the step, in per cent of it")),
        head("After", Some("Weighted total after the step")),
        head("off by", Some("Difference from the target after the step, in per cent of it")),
    ]);
    let spans = spans(&labels.rows);
    let rows = step.margins.iter().enumerate().map(|(i, line)| {
        let mut cells = label_cells(&labels.rows, &spans, i);
        cells.extend(
            [
                number::count(line.n),
                number::amount(line.target),
                number::amount(line.before),
                number::relative(line.before, line.target),
                number::amount(line.after),
                number::relative(line.after, line.target),
            ]
            .map(Cell::figure),
        );
        Row { cells, first: starts_group(&spans, i), suppressed: false }
    });
    let rows = rows.collect();
    Table { id, caption, heads, rows }
}

/// The table of a detail of a step.
pub(super) fn of_detail(detail: &StepDetail, id: String, caption: String) -> Table {
    let is_text = |column: usize| {
        matches!(detail.rows.first().map(|r| &r[column]), Some(DetailValue::Text(_)))
    };
    let heads = detail
        .columns
        .iter()
        .enumerate()
        .map(|(c, text)| Head { text: text.clone(), full: None, figures: !is_text(c) })
        .collect();
    let cell = |value: &DetailValue| match value {
        DetailValue::Text(text) => Cell::new("label", text.clone()),
        DetailValue::Count(n) => Cell::figure(number::count(*n)),
        DetailValue::Number(x) if x.is_finite() => Cell::figure(number::significant(*x, 4)),
        DetailValue::Number(_) => Cell::figure("–".to_string()),
    };
    let rows = detail
        .rows
        .iter()
        .map(|row| Row { cells: row.iter().map(cell).collect(), first: false, suppressed: false })
        .collect();
    Table { id, caption, heads, rows }
}

/// The table of the groups after a step, with what they had at the start.
pub(super) fn of_groups(
    first: &StepSummary,
    last: &StepSummary,
    id: String,
    caption: String,
) -> Table {
    let groups = &last.diagnostics.groups;
    let labels = Labels {
        headings: vec!["Groups by".to_string(), "Group".to_string()],
        rows: groups.iter().map(|g| vec![g.by.clone(), g.group.clone()]).collect(),
    };
    let mut heads = heads_of(&labels);
    heads.extend([
        head("n", Some("Rows with a weight")),
        head("base share", Some("Share of the sum of the base weights, in per cent")),
        head("share", Some("Share of the sum of the final weights, in per cent")),
        head("CV", Some("Coefficient of variation of the weights")),
        head("deff", Some("Design effect of the weights (Kish)")),
        head("n eff", Some("Effective sample size by the weights")),
        head("largest", Some("Largest weight over the mean weight of the group")),
    ]);
    let spans = spans(&labels.rows);
    let percent = |x: f64| number::fixed(100.0 * x, 2);
    let rows = groups.iter().enumerate().map(|(i, group)| {
        let w = &group.weights;
        let base = first.diagnostics.groups.get(i).map_or(f64::NAN, |g| g.share);
        let mut cells = label_cells(&labels.rows, &spans, i);
        let largest = w.max * w.n as f64 / w.sum;
        cells.extend(
            [
                number::count(w.n),
                percent(base),
                percent(group.share),
                number::fixed(w.cv, 2),
                number::ratio(Some(w.deff_kish)),
                number::effective(Some(w.n_eff)),
                if largest.is_finite() { number::significant(largest, 3) } else { String::new() },
            ]
            .map(Cell::figure),
        );
        Row { cells, first: starts_group(&spans, i), suppressed: false }
    });
    let rows = rows.collect();
    Table { id, caption, heads, rows }
}

/// The table of the largest weights. Cases are known by their row: the page may be published.
pub(super) fn of_largest(step: &StepSummary, id: String, caption: String) -> Table {
    let heads = vec![
        Head { text: "Row of the data".to_string(), full: None, figures: false },
        head("Base weight", None),
        head("Before", Some("Weight before the step")),
        head("Weight", Some("Weight after the step")),
        head("÷ mean", Some("Weight over the mean weight")),
        head("Share", Some("Share of the sum of weights, in per cent")),
    ];
    let rows = step.diagnostics.largest.iter().map(|large| {
        let mut cells = vec![Cell::label(&large.row.to_string(), 1)];
        cells.extend(
            [
                number::significant(large.base, 4),
                number::significant(large.before, 4),
                number::significant(large.weight, 4),
                number::significant(large.relative, 3),
                number::significant(100.0 * large.share, 3),
            ]
            .map(Cell::figure),
        );
        Row { cells, first: false, suppressed: false }
    });
    let rows = rows.collect();
    Table { id, caption, heads, rows }
}

/// What a step traded, without the means themselves: a release may not show all of them.
pub(super) fn of_traded(step: &StepSummary, id: String, caption: String) -> Table {
    let lines = &step.diagnostics.traded;
    let labels = Labels {
        headings: vec!["Outcome".to_string(), "Group".to_string()],
        rows: lines.iter().map(|l| vec![l.outcome.clone(), l.group.clone()]).collect(),
    };
    let mut heads = heads_of(&labels);
    heads.extend([
        head("n", Some("Rows with a value and a weight")),
        head("change", Some("Change of the mean, in standard errors before")),
        head("SE", Some("Standard error after, in per cent of that before")),
        head("MSE", Some("Mean squared error after over variance before; below 1 the step pays")),
    ]);
    let spans = spans(&labels.rows);
    let rows = lines.iter().enumerate().map(|(i, line)| {
        let mut cells = label_cells(&labels.rows, &spans, i);
        let finite = |x: f64, decimals| {
            if x.is_finite() { number::fixed(x, decimals) } else { "–".to_string() }
        };
        cells.extend(
            [
                number::count(line.n),
                finite((line.after - line.before) / line.se_before, 2),
                finite(100.0 * line.se_after / line.se_before, 1),
                finite(line.mse_ratio.unwrap_or(f64::NAN), 3),
            ]
            .map(Cell::figure),
        );
        Row { cells, first: starts_group(&spans, i), suppressed: false }
    });
    let rows = rows.collect();
    Table { id, caption, heads, rows }
}
