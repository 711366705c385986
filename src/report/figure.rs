//! Which chart shows which result.

use crate::compare::{ComparisonTable, Measure};
use crate::estimate::{Estimate, EstimateTable, Statistic};

use super::chart::{Lane, Mark, Row, RowChart, Scale, Section};
use super::number::{Figures, Unit};
use super::view::{self, domain_levels, flag, is_suppressed};
use super::words::{self, plural};

/// Most levels that are told apart by colour and shape; more become rows.
const MOST_SERIES: usize = 5;

/// The charts of a table of estimates: one per outcome, or one for all outcomes when nothing is
/// crossed and they share a unit.
///
/// One variable gives a row per level. With two or more, the last becomes coloured and shaped
/// series when it has two to five levels, else rows; the one before it rows, and the others headings.
/// Suppressed estimates appear as the word only: nothing of their value is in the chart.
pub(super) fn of_estimates(table: &EstimateTable, figures: &[Figures]) -> Vec<RowChart> {
    let together = table.by.is_empty()
        && (table.statistic == Statistic::Proportion || view::one_variable(table));
    let labels = view::outcome_labels(table);
    if together {
        let all: Vec<usize> = (0..labels.len()).collect();
        let rows: Vec<&Estimate> = table.rows.iter().collect();
        let any = (!all.is_empty()).then(|| estimates_chart(table, figures, &labels, &all, &rows));
        return any.into_iter().collect();
    }
    let mut rows: Vec<Vec<&Estimate>> = vec![Vec::new(); labels.len()];
    for row in &table.rows {
        if let Some(of_outcome) = rows.get_mut(row.outcome) {
            of_outcome.push(row);
        }
    }
    let each = rows.iter().enumerate();
    each.map(|(o, rows)| estimates_chart(table, figures, &labels, &[o], rows)).collect()
}

/// The chart of a table of comparisons; `hidden` says which rows a release does not show.
pub(super) fn of_comparisons(
    table: &ComparisonTable,
    figures: Figures,
    hidden: &[bool],
) -> RowChart {
    let reference = view::reference(table);
    let label = |i: usize| match table.rows.get(i) {
        Some(row) if reference.is_some() || row.reference.is_empty() => row.group.clone(),
        Some(row) => format!("{} compared with {}", row.group, row.reference),
        None => String::new(),
    };
    let mut sections: Vec<Section> = Vec::new();
    let mut shown = Vec::new();
    for (i, row) in table.rows.iter().enumerate() {
        let heading: Vec<&str> = row
            .outcome
            .iter()
            .map(String::as_str)
            .chain([row.within.as_str()])
            .filter(|s| !s.is_empty())
            .collect();
        let heading = heading.join(" · ");
        let full = if heading.is_empty() { label(i) } else { format!("{heading} · {}", label(i)) };
        let hide = hidden.get(i).copied().unwrap_or(false);
        let (mark, text) = mark(row.estimate, row.lower.zip(row.upper), false, hide, figures);
        if !matches!(mark, Mark::Words(_))
            && let Some(value) = row.estimate
        {
            shown.push((value, full.clone(), text.clone()));
        }
        let lane = Lane { series: 0, mark, tip: format!("{full}: {text}") };
        section(&mut sections, heading).rows.push(Row { label: label(i), lanes: vec![lane] });
    }
    let what = words::measure(table.measure);
    let unit = match figures.unit {
        Unit::Points => " (percentage points)",
        Unit::Percent => " (%)",
        Unit::Plain => "",
    };
    let against = match (reference, table.measure) {
        (Some(reference), Measure::Difference) => format!("{what} from {reference}{unit}"),
        (Some(reference), Measure::Ratio) => format!("{what} to {reference}{unit}"),
        (_, Measure::Function) | (None, _) => format!("{what}{unit}"),
    };
    let summary = summarise(shown, table.rows.len(), "comparison", "comparisons");
    let description = format!(
        "Dot-and-interval chart. {against}, with {} intervals. {summary}",
        words::level(table.level)
    );
    RowChart {
        title: table.title.clone(),
        description,
        axis_title: match table.measure {
            Measure::Difference | Measure::Function => against,
            Measure::Ratio => format!("{against} (log scale)"),
        },
        scale: match table.measure {
            Measure::Difference | Measure::Function => Scale::Linear,
            Measure::Ratio => Scale::Log,
        },
        limits: None,
        reference: match table.measure {
            Measure::Difference => Some(0.0),
            Measure::Ratio => Some(1.0),
            Measure::Function => None,
        },
        series: Vec::new(),
        sections,
    }
}

/// The chart of some outcomes, whose rows are given.
fn estimates_chart(
    table: &EstimateTable,
    figures: &[Figures],
    labels: &[String],
    outcomes: &[usize],
    rows: &[&Estimate],
) -> RowChart {
    let split = table
        .by
        .last()
        .filter(|by| table.by.len() > 1 && (2..=MOST_SERIES).contains(&by.levels.len()));
    let figures_of = |outcome: usize| {
        figures.get(outcome).copied().unwrap_or(Figures { unit: Unit::Plain, decimals: 2 })
    };
    let mut sections: Vec<Section> = Vec::new();
    let mut shown = Vec::new();
    let mut groups = 0;
    for row in rows {
        groups += 1;
        let figures = figures_of(row.outcome);
        let levels: Vec<&str> = domain_levels(table, row).collect();
        let (heading, label, series) = match (split, levels.as_slice()) {
            (Some(_), [headings @ .., label, _]) => {
                (headings, (*label).to_string(), row.domain.last().copied().unwrap_or(0))
            }
            (_, [headings @ .., label]) => (headings, (*label).to_string(), 0),
            (_, []) if table.outcomes.len() > 1 => {
                (&levels[..], labels.get(row.outcome).cloned().unwrap_or_default(), 0)
            }
            (_, []) => (&levels[..], "All".to_string(), 0),
        };
        let full = if levels.is_empty() { label.clone() } else { levels.join(" · ") };
        let interval = row.lower.zip(row.upper);
        let caution = flag(row).is_some();
        let (mark, text) = mark(row.estimate, interval, caution, is_suppressed(row), figures);
        if let (false, Some(value)) = (matches!(mark, Mark::Words(_)), row.estimate) {
            shown.push((value, full.clone(), text.clone()));
        }
        let lane = Lane { series, mark, tip: format!("{full}: {text}") };
        let section = section(&mut sections, heading.join(" · "));
        match section.rows.last_mut() {
            Some(last) if split.is_some() && last.label == label => last.lanes.push(lane),
            _ => section.rows.push(Row { label, lanes: vec![lane] }),
        }
    }
    let subject = subject(table, outcomes);
    let percent = table.statistic == Statistic::Proportion;
    let by: Vec<&str> = table.by.iter().map(|by| by.title.as_str()).collect();
    let by = if by.is_empty() { String::new() } else { format!(", by {}", by.join(" and ")) };
    let summary = summarise(shown, groups, "group", "groups");
    let cautious = rows.iter().filter(|row| flag(row).is_some() && !is_suppressed(row)).count();
    let care = if cautious > 0 {
        format!(
            " {} drawn hollow, to be read with care.",
            plural(cautious, "estimate is", "estimates are")
        )
    } else {
        String::new()
    };
    RowChart {
        title: format!("{subject}{by}"),
        description: format!(
            "Dot-and-interval chart. {subject}{by}, with {} intervals. {summary}{care}",
            words::level(table.level)
        ),
        axis_title: format!("{subject}{}", if percent { " (%)" } else { "" }),
        scale: Scale::Linear,
        limits: percent.then_some((0.0, 100.0)),
        reference: None,
        series: split.map(|by| by.levels.clone()).unwrap_or_default(),
        sections,
    }
}

/// What a chart of some outcomes is about.
fn subject(table: &EstimateTable, outcomes: &[usize]) -> String {
    let it = match outcomes {
        [one] => table.outcomes.get(*one).map(words::outcome_full),
        _ if view::one_variable(table) => table.outcomes.first().map(|o| o.title.clone()),
        _ => None,
    };
    let it = it.unwrap_or_else(|| table.title.clone());
    match table.statistic {
        Statistic::Proportion | Statistic::Ratio | Statistic::Quantile => it,
        Statistic::Mean => format!("Mean: {it}"),
        Statistic::Total => format!("Total: {it}"),
    }
}

/// What is drawn for an estimate, and the same in words.
fn mark(
    estimate: Option<f64>,
    interval: Option<(f64, f64)>,
    caution: bool,
    hidden: bool,
    figures: Figures,
) -> (Mark, String) {
    if hidden {
        return (Mark::Words("suppressed".to_string()), "suppressed".to_string());
    }
    let Some(value) = estimate.filter(|x| x.is_finite()) else {
        return (Mark::Words("not available".to_string()), "not available".to_string());
    };
    let factor = figures.factor();
    let finite = interval.filter(|(a, b)| a.is_finite() && b.is_finite());
    let text = match finite {
        Some((lower, upper)) => format!(
            "{}{} ({})",
            figures.value(Some(value)),
            figures.suffix(),
            figures.interval(Some(lower), Some(upper))
        ),
        None => format!("{}{}", figures.value(Some(value)), figures.suffix()),
    };
    let interval = finite.map(|(a, b)| (a * factor, b * factor));
    (Mark::Interval { value: value * factor, interval, caution }, text)
}

/// How many there are, and the highest and the lowest of those shown (value, name, text).
fn summarise(shown: Vec<(f64, String, String)>, all: usize, one: &str, many: &str) -> String {
    let hidden = all - shown.len().min(all);
    let mut text = plural(all, one, many);
    if hidden > 0 {
        text.push_str(&format!(", {} not shown (suppressed or not available)", hidden));
    }
    let highest = shown.iter().max_by(|a, b| a.0.total_cmp(&b.0));
    let lowest = shown.iter().min_by(|a, b| a.0.total_cmp(&b.0));
    match (highest, lowest) {
        (Some((_, name, value)), Some(_)) if shown.len() == 1 => {
            text.push_str(&format!(". {name}: {value}."));
        }
        (Some((_, high, high_value)), Some((_, low, low_value))) => {
            text.push_str(&format!(". Highest: {high}, {high_value}. Lowest: {low}, {low_value}."))
        }
        _ => text.push('.'),
    }
    text
}

/// The last section if it has this heading, else a new one.
fn section(sections: &mut Vec<Section>, heading: String) -> &mut Section {
    if sections.last().is_none_or(|last| last.heading != heading) {
        sections.push(Section { heading, rows: Vec::new() });
    }
    let last = sections.len() - 1;
    &mut sections[last]
}

/// True when a row of the table is shown hollow.
pub(super) fn has_caution(rows: &[Estimate]) -> bool {
    rows.iter().any(|row| flag(row).is_some() && !is_suppressed(row))
}
