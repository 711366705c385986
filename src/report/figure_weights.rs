//! Charts of the weighting: weights after each step, factors, balance, effective sizes of groups.

use crate::weight::{Histogram, StepSummary};

use super::chart::{HistogramChart, Lane, Mark, Row, RowChart, Scale, Section};
use super::number::{count, fixed, significant};
use super::words::plural;

/// The chart of the weights after each step, each relative to their mean.
pub(super) fn of_weights(steps: &[StepSummary]) -> RowChart {
    let mut rows = Vec::new();
    let mut last = String::new();
    for step in steps {
        let w = &step.weights;
        let mean = w.sum / w.n as f64;
        let part = |x: f64| x / mean;
        let drawable = [w.min, w.q1, w.median, w.q3, w.max].into_iter().map(part);
        let drawable = drawable.clone().all(|x| x.is_finite() && x > 0.0);
        let tip = format!(
            "{}: from {} to {} times the mean, middle half {} to {}",
            step.kind,
            significant(part(w.min), 3),
            significant(part(w.max), 3),
            significant(part(w.q1), 3),
            significant(part(w.q3), 3)
        );
        let mark = if drawable {
            Mark::Spread {
                min: part(w.min),
                q1: part(w.q1),
                median: part(w.median),
                q3: part(w.q3),
                max: part(w.max),
            }
        } else {
            Mark::Words("not available".to_string())
        };
        let label = format!("{}. {}", step.step, step.kind);
        last.clone_from(&tip);
        rows.push(Row { label, lanes: vec![Lane { series: 0, mark, tip }] });
    }
    RowChart {
        title: "Weights after each step, relative to their mean".to_string(),
        description: format!(
            "Box chart of the weights after {}: the line runs from the smallest to the largest \
             weight, the box holds the middle half, the thick mark is the median. Last step, {last}.",
            plural(steps.len(), "step", "steps")
        ),
        axis_title: "Weight ÷ mean weight (log scale)".to_string(),
        scale: Scale::Log,
        limits: None,
        reference: Some(1.0),
        series: Vec::new(),
        sections: vec![Section { heading: String::new(), rows }],
    }
}

/// The chart of the factors of a step.
pub(super) fn of_factors(step: &StepSummary, h: &Histogram) -> HistogramChart {
    let n: u64 = h.counts.iter().sum();
    let width = (h.high - h.low) / h.counts.len().max(1) as f64;
    let fullest = h.counts.iter().enumerate().max_by_key(|(i, c)| (**c, std::cmp::Reverse(*i)));
    let fullest = fullest.map_or_else(String::new, |(i, c)| {
        let from = h.low + width * i as f64;
        format!(
            " The fullest class, {} to {}, holds {}.",
            significant(from, 3),
            significant(from + width, 3),
            count(*c)
        )
    });
    HistogramChart {
        title: format!("Factors of step {}, {}", step.step, step.kind),
        description: format!(
            "Histogram of the factors of {}, from {} to {}.{fullest}",
            plural(n as usize, "row", "rows"),
            significant(h.low, 3),
            significant(h.high, 3)
        ),
        axis_title: "Factor: weight after ÷ weight before".to_string(),
        count_title: "Rows".to_string(),
        low: h.low,
        high: h.high,
        counts: h.counts.clone(),
        reference: Some(1.0),
    }
}

/// The chart of standardised differences before and after a step, one section per margin.
pub(super) fn of_balance(step: &StepSummary) -> RowChart {
    let mut sections: Vec<Section> = Vec::new();
    let lines = &step.diagnostics.balance;
    let mut worst = (0.0_f64, 0.0_f64);
    for line in lines {
        let lane = |series: usize, value: f64, when: &str| Lane {
            series,
            mark: Mark::Interval { value, interval: None, caution: false },
            tip: format!("{}, {when}: {}", line.level, fixed(value, 3)),
        };
        let lanes = vec![
            lane(0, line.difference_before, "before"),
            lane(1, line.difference_after, "after"),
        ];
        worst.0 = worst.0.max(line.difference_before.abs());
        worst.1 = worst.1.max(line.difference_after.abs());
        if sections.last().is_none_or(|s| s.heading != line.margin) {
            sections.push(Section { heading: line.margin.clone(), rows: Vec::new() });
        }
        if let Some(section) = sections.last_mut() {
            section.rows.push(Row { label: line.level.clone(), lanes });
        }
    }
    RowChart {
        title: format!("Standardised differences from the targets of step {}", step.step),
        description: format!(
            "Dot chart of the standardised differences of {} from their targets. The largest is {} \
             before the step and {} after it.",
            plural(lines.len(), "level", "levels"),
            fixed(worst.0, 3),
            fixed(worst.1, 3)
        ),
        axis_title: "Share less target, in standard deviations".to_string(),
        scale: Scale::Linear,
        limits: None,
        reference: Some(0.0),
        series: vec!["Before the step".to_string(), "After it".to_string()],
        sections,
    }
}

/// The chart of sample sizes and effective sample sizes by group, after the last step.
pub(super) fn of_groups(step: &StepSummary) -> RowChart {
    let mut sections: Vec<Section> = Vec::new();
    let mut least: Option<(f64, String)> = None;
    let groups = step.diagnostics.groups.iter().filter(|g| g.weights.n > 0);
    for group in groups {
        let w = &group.weights;
        let lane = |series: usize, value: f64, what: &str| Lane {
            series,
            mark: Mark::Interval { value, interval: None, caution: false },
            tip: format!("{}, {what}: {}", group.group, fixed(value, 0)),
        };
        let lanes = vec![
            lane(0, w.n as f64, "respondents"),
            lane(1, w.n_eff, "effective sample size by the weights"),
        ];
        if least.as_ref().is_none_or(|(n, _)| w.n_eff < *n) {
            least = Some((w.n_eff, group.group.clone()));
        }
        if sections.last().is_none_or(|s| s.heading != group.by) {
            sections.push(Section { heading: group.by.clone(), rows: Vec::new() });
        }
        if let Some(section) = sections.last_mut() {
            section.rows.push(Row { label: group.group.clone(), lanes });
        }
    }
    let least = least.map_or_else(String::new, |(n, group)| {
        format!(" The smallest effective size is {} ({group}).", fixed(n, 0))
    });
    RowChart {
        title: "Respondents and effective sample size by group".to_string(),
        description: format!(
            "Dot chart of sample sizes by group, before and after what the weights cost.{least}"
        ),
        axis_title: "Number (log scale)".to_string(),
        scale: Scale::Log,
        limits: None,
        reference: None,
        series: vec!["Respondents".to_string(), "Effective sample size".to_string()],
        sections,
    }
}
