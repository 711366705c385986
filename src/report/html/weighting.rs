//! The section of the page on weighting.

use serde::Serialize;

use super::page::{Figure, Numbers};
use super::table::Table;
use super::table_weights as table;
use crate::report::document::Document;
use crate::report::figure_weights as figure;
use crate::report::number;
use crate::report::words::plural;
use crate::weight::{MarginLine, StepDetail, StepSummary};

/// All that the page says of the weighting.
#[derive(Debug, Serialize)]
pub(super) struct Weighting {
    table: Table,
    figures: Vec<Figure>,
    /// What is folded away, in the order of the steps.
    more: Vec<More>,
}

/// A part that is folded away.
#[derive(Debug, Serialize)]
struct More {
    summary: String,
    figures: Vec<Figure>,
    tables: Vec<Table>,
}

/// Groups up to which their figure stands in the open.
const OPEN_GROUPS: usize = 24;

impl Weighting {
    pub(super) fn new(doc: &Document, numbers: &mut Numbers) -> Weighting {
        let steps = &doc.weighting;
        let mut figures = vec![Figure::new(
            "w",
            &figure::of_weights(steps),
            format!(
                "Figure {}. The weights after each step, relative to their mean",
                numbers.figure()
            ),
            vec![
                "The line runs from the smallest to the largest weight, the box holds the middle \
                 half, the thick mark is the median. The further a step spreads the weights, the \
                 more it costs in precision.",
            ],
        )];
        let caption = format!("Table {}. The weighting, step by step", numbers.table());
        let table = table::of_steps(steps, "w-steps".to_string(), caption);
        let mut more = Vec::new();
        if let (Some(first), Some(last)) = (steps.first(), steps.last())
            && last.diagnostics.groups.iter().any(|g| g.weights.n > 0)
        {
            let caption = format!(
                "Figure {}. Respondents and effective sample size by group, after the last step",
                numbers.figure()
            );
            let keys = vec!["What lies between the two is what unequal weights cost."];
            let by_group = Figure::new("w-groups", &figure::of_groups(last), caption, keys);
            let mut folded = Vec::new();
            // Many groups would push the estimates far down the page.
            let open = last.diagnostics.groups.len() <= OPEN_GROUPS;
            if open { &mut figures } else { &mut folded }.push(by_group);
            let caption = format!("Table {}. The weights in each group", numbers.table());
            let tables = vec![table::of_groups(first, last, "w-groups-t".to_string(), caption)];
            let summary = format!(
                "The weights by group: {}",
                plural(last.diagnostics.groups.len(), "group", "groups")
            );
            more.push(More { summary, figures: folded, tables });
        }
        for step in steps {
            of_step(step, numbers, &mut more);
        }
        if let Some(last) = steps.last().filter(|s| !s.diagnostics.largest.is_empty()) {
            let caption = format!("Table {}. The largest final weights", numbers.table());
            let tables = vec![table::of_largest(last, "w-largest".to_string(), caption)];
            let relative = last.diagnostics.largest.first().map_or(f64::NAN, |l| l.relative);
            let summary = format!(
                "The largest weights: up to {} times the mean",
                number::significant(relative, 3)
            );
            more.push(More { summary, figures: Vec::new(), tables });
        }
        Weighting { table, figures, more }
    }
}

/// Margins, factors, balance and details of a step.
fn of_step(step: &StepSummary, numbers: &mut Numbers, more: &mut Vec<More>) {
    if !step.margins.is_empty() {
        let worst = |value: fn(&MarginLine) -> f64| {
            let misfit = |line: &MarginLine| number::misfit(value(line), line.target).abs();
            step.margins.iter().map(misfit).filter(|x| x.is_finite()).fold(0.0, f64::max)
        };
        let summary = format!(
            "Step {}, {}: {}; largest misfit {}% before, {}% after",
            step.step,
            step.kind,
            plural(step.margins.len(), "population total", "population totals"),
            number::significant(worst(|line| line.before) * 100.0, 3),
            number::scientific(worst(|line| line.after) * 100.0),
        );
        let caption = format!("Table {}. Population totals of step {}", numbers.table(), step.step);
        let id = format!("w-margins-{}", step.step);
        let mut figures = Vec::new();
        if !step.diagnostics.balance.is_empty() {
            let caption = format!(
                "Figure {}. Standardised differences from the targets of step {}",
                numbers.figure(),
                step.step
            );
            let keys = vec![
                "The difference between the weighted share and the target, over the standard \
                 deviation that the target implies. Beyond ±0.1 it is usually called large.",
            ];
            let id = format!("w-balance-{}", step.step);
            figures.push(Figure::new(&id, &figure::of_balance(step), caption, keys));
        }
        more.push(More { summary, figures, tables: vec![table::of_margins(step, id, caption)] });
    }
    if let Some(factors) = &step.diagnostics.factors {
        let caption = format!("Figure {}. The factors of step {}", numbers.figure(), step.step);
        let chart = figure::of_factors(step, factors);
        let figures = vec![Figure::histogram(&format!("w-factors-{}", step.step), &chart, caption)];
        let zeroed = match factors.zeroed {
            0 => String::new(),
            n => format!("; {} lost their weight", plural(n as usize, "row", "rows")),
        };
        let summary = format!(
            "Step {}, {}: factors from {} to {}{zeroed}",
            step.step,
            step.kind,
            number::significant(factors.low, 3),
            number::significant(factors.high, 3)
        );
        more.push(More { summary, figures, tables: Vec::new() });
    }
    for (i, detail) in step.details.iter().enumerate() {
        more.push(of_detail(step, i, detail, numbers));
    }
    if !step.diagnostics.traded.is_empty() {
        let lines = &step.diagnostics.traded;
        let pays = lines.iter().filter(|l| l.mse_ratio.is_some_and(|r| r < 1.0)).count();
        let summary = format!(
            "Step {}, {}: bias and variance traded; the mean squared error falls in {pays} of {}",
            step.step,
            step.kind,
            plural(lines.len(), "mean", "means")
        );
        let caption = format!(
            "Table {}. What step {} changed in the means of groups, if the weights before it are \
             unbiased",
            numbers.table(),
            step.step
        );
        let id = format!("w-traded-{}", step.step);
        let tables = vec![table::of_traded(step, id, caption)];
        more.push(More { summary, figures: Vec::new(), tables });
    }
}

/// Classes, limits and the like of a step.
fn of_detail(step: &StepSummary, i: usize, detail: &StepDetail, numbers: &mut Numbers) -> More {
    let summary = format!(
        "Step {}: {} ({})",
        step.step,
        detail.title.to_lowercase(),
        plural(detail.rows.len(), "row", "rows")
    );
    let caption = format!("Table {}. {} of step {}", numbers.table(), detail.title, step.step);
    let id = format!("w-detail-{}-{i}", step.step);
    More { summary, figures: Vec::new(), tables: vec![table::of_detail(detail, id, caption)] }
}
