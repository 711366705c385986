//! What tables on any page have in common: labels, flags, what a release hides.

use crate::compare::test::{TestRow, TestStatistic, TestTable};
use crate::compare::{ComparisonTable, Measure};
use crate::estimate::{Decision, Estimate, EstimateTable};
use crate::weight::StepSummary;

use super::document::Document;
use super::number::{self, Figures, significant};
use super::words;

/// The label columns of a table.
pub(super) struct Labels {
    /// Their headings; never empty.
    pub headings: Vec<String>,
    /// The labels of each row.
    pub rows: Vec<Vec<String>>,
}

impl Labels {
    /// The labels of a table of estimates: the outcome where there are several, then the
    /// variables that cross; "All" where there is neither.
    pub(super) fn of_estimates(table: &EstimateTable) -> Labels {
        let several = table.outcomes.len() > 1;
        let same = one_variable(table);
        let outcomes = outcome_labels(table);
        let mut headings = Vec::new();
        if several {
            headings.push(match table.outcomes.first() {
                Some(first) if same => first.title.clone(),
                _ => "Outcome".to_string(),
            });
        }
        headings.extend(table.by.iter().map(|by| by.title.clone()));
        let rows = table
            .rows
            .iter()
            .map(|row| {
                let mut labels = Vec::with_capacity(headings.len());
                if several {
                    labels.push(outcomes.get(row.outcome).cloned().unwrap_or_default());
                }
                labels.extend(domain_levels(table, row).map(String::from));
                labels.resize(headings.len(), String::new());
                labels
            })
            .collect();
        Labels { headings, rows }.or_all()
    }

    /// The labels of a table of comparisons: outcome and levels held fixed where there are any,
    /// the group, and what it is compared with where that is not the same in all rows.
    pub(super) fn of_comparisons(table: &ComparisonTable) -> Labels {
        let outcome = table.rows.iter().any(|row| row.outcome.is_some());
        let within = table.rows.iter().any(|row| !row.within.is_empty());
        let mut headings = Vec::new();
        if outcome {
            headings.push("Outcome".to_string());
        }
        if within {
            headings.push("Within".to_string());
        }
        let is_function = table.measure == Measure::Function;
        let compared = reference(table).is_none() && !is_function;
        headings.push(if is_function { "Function" } else { "Group" }.to_string());
        if compared {
            headings.push("Compared with".to_string());
        }
        let rows = table
            .rows
            .iter()
            .map(|row| {
                let mut labels = Vec::with_capacity(4);
                if outcome {
                    labels.push(row.outcome.clone().unwrap_or_default());
                }
                if within {
                    labels.push(row.within.clone());
                }
                labels.push(row.group.clone());
                if compared {
                    labels.push(row.reference.clone());
                }
                labels
            })
            .collect();
        Labels { headings, rows }
    }

    fn or_all(mut self) -> Labels {
        if self.headings.is_empty() {
            self.headings.push("Population".to_string());
            for row in &mut self.rows {
                row.push("All".to_string());
            }
        }
        self
    }
}

/// A column about missing values.
pub(super) struct MissingColumn {
    /// Its heading.
    pub heading: &'static str,
    /// The heading in full.
    pub full: &'static str,
    /// How soon it is left out where there is no room (0: never).
    pub spare: u8,
    /// True when it shows estimates, which a release may hide.
    pub estimates: bool,
    /// The cell of a row.
    pub cell: fn(&Estimate, Figures) -> String,
}

/// The columns about missing values that a table needs.
pub(super) fn missing_columns(table: &EstimateTable) -> Vec<MissingColumn> {
    let lost = MissingColumn {
        heading: "lost %",
        full: "Per cent of the weight of the group on respondents without a value",
        spare: 3,
        estimates: false,
        cell: |r, _| {
            let percent = |s: f64| number::fixed(100.0 * s, 1);
            r.missing.share.map_or_else(|| number::NOT_AVAILABLE.to_string(), percent)
        },
    };
    let all = MissingColumn {
        heading: "if all",
        full: "The estimate if all respondents without a group who may belong to this one did",
        spare: 2,
        estimates: true,
        cell: |r, figures| figures.value(r.missing.bounds.as_ref().and_then(|b| b.all)),
    };
    let bounds = MissingColumn {
        heading: "bounds",
        full: "The lowest and the highest estimate over all groups that respondents without one \
               may belong to",
        spare: 0,
        estimates: true,
        cell: |r, figures| {
            let bounds = r.missing.bounds.as_ref();
            figures.interval(bounds.and_then(|b| b.lowest), bounds.and_then(|b| b.highest))
        },
    };
    let limits = MissingColumn {
        heading: "their interval",
        full: "A confidence interval that covers both bounds",
        spare: 1,
        estimates: true,
        cell: |r, figures| {
            let bounds = r.missing.bounds.as_ref();
            figures.interval(bounds.and_then(|b| b.lower), bounds.and_then(|b| b.upper))
        },
    };
    let imputed = MissingColumn {
        heading: "fmi %",
        full: "Per cent of the information that is missing, by the imputations",
        spare: 1,
        estimates: false,
        cell: |r, _| {
            let imputed = r.missing.imputed.as_ref();
            imputed.map_or_else(
                || number::NOT_AVAILABLE.to_string(),
                |i| number::fixed(100.0 * i.missing_information, 1),
            )
        },
    };
    let any = |of: fn(&Estimate) -> bool| table.rows.iter().any(of);
    let mut columns = Vec::new();
    if any(|r| r.n_missing > 0) {
        columns.push(lost);
    }
    if any(|r| r.missing.bounds.is_some()) {
        columns.extend([all, bounds, limits]);
    }
    if any(|r| r.missing.imputed.is_some()) {
        columns.push(imputed);
    }
    columns
}

/// True when all outcomes of a table belong to one variable (its levels, or its quantiles).
pub(super) fn one_variable(table: &EstimateTable) -> bool {
    table.outcomes.windows(2).all(|pair| match pair {
        [a, b] => a.variable == b.variable,
        _ => true,
    })
}

/// The label of each outcome of a table among the others.
pub(super) fn outcome_labels(table: &EstimateTable) -> Vec<String> {
    let label = if one_variable(table) { words::outcome } else { words::outcome_full };
    table.outcomes.iter().map(label).collect()
}

/// The levels of the domain of a row, one per variable; unknown ones are empty.
pub(super) fn domain_levels<'a>(
    table: &'a EstimateTable,
    row: &'a Estimate,
) -> impl Iterator<Item = &'a str> {
    table
        .by
        .iter()
        .zip(&row.domain)
        .map(|(by, &level)| by.levels.get(level).map_or("", String::as_str))
}

/// The levels of the domain joined by " · ", or "All".
pub(super) fn domain_text(table: &EstimateTable, row: &Estimate) -> String {
    let levels: Vec<&str> = domain_levels(table, row).collect();
    if levels.is_empty() { "All".to_string() } else { levels.join(" · ") }
}

/// The flag of a row: its decision, where that is not simply to show it.
pub(super) fn flag(row: &Estimate) -> Option<Decision> {
    row.quality.as_ref().map(|q| q.decision).filter(|d| *d != Decision::Show)
}

/// The rules that led to the flag of a row, joined by "; ".
pub(super) fn rules(row: &Estimate) -> String {
    row.quality.as_ref().map(|q| q.rules.join("; ")).unwrap_or_default()
}

/// True when a release does not show the estimate.
pub(super) fn is_suppressed(row: &Estimate) -> bool {
    flag(row) == Some(Decision::Suppress)
}

/// A column of a table of tests.
pub(super) struct TestColumn {
    pub heading: String,
    /// The heading in full, for an abbreviation.
    pub full: Option<&'static str>,
    pub cells: Vec<String>,
}

/// The columns of a table of tests: what is estimated, where something is, and the test.
pub(super) fn test_columns(table: &TestTable) -> Vec<TestColumn> {
    let rows = &table.rows;
    let column = |heading: &str, full, cell: &dyn Fn(&TestRow) -> String| TestColumn {
        heading: heading.to_string(),
        full,
        cells: rows.iter().map(cell).collect(),
    };
    let mut columns = Vec::new();
    let amount = |x: Option<f64>| x.map_or_else(|| NONE.to_string(), |x| significant(x, 4));
    if rows.iter().any(|r| r.estimate.is_some()) {
        columns.push(column("Difference", None, &|r| amount(r.estimate)));
        columns.push(column("SE", Some("Standard error"), &|r| amount(r.se)));
    }
    if rows.iter().any(|r| r.lower.is_some()) {
        let limits = |r: &TestRow| match (r.lower, r.upper) {
            (Some(l), Some(u)) => format!("{} to {}", significant(l, 4), significant(u, 4)),
            _ => NONE.to_string(),
        };
        columns.push(column(&format!("{} interval", words::level(table.level)), None, &limits));
    }
    let name = rows.first().map_or("F", |r| match r.distribution {
        TestStatistic::F => "F",
        TestStatistic::T => "t",
        TestStatistic::ChiSquared => "X²",
    });
    columns.push(column(name, Some("Test statistic"), &|r| {
        r.statistic.map_or_else(|| NONE.to_string(), |x| number::fixed(x, 2))
    }));
    columns.push(column("df", Some("Degrees of freedom"), &|r| match (r.df, r.ddf) {
        (Some(df), Some(ddf)) => {
            format!("{}; {}", number::degrees(Some(df)), number::degrees(Some(ddf)))
        }
        (df, _) => number::degrees(df),
    }));
    columns.push(column("p", Some("p-value"), &|r| number::p_value(r.p)));
    columns.push(column("n", Some("Rows used"), &|r| number::count(r.n)));
    columns
}

/// What differs, and why a test cannot be made.
pub(super) fn test_remark(row: &TestRow) -> String {
    let parts = [row.contrast.as_deref(), row.note.as_deref()];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

const NONE: &str = "—";

/// The table of estimates behind a table of comparisons.
pub(super) fn compared<'a>(
    doc: &'a Document,
    table: &ComparisonTable,
) -> Option<&'a EstimateTable> {
    doc.estimates.iter().find(|t| t.name == table.estimate)
}

/// What all rows of a table are compared with, when that is one thing.
pub(super) fn reference(table: &ComparisonTable) -> Option<&str> {
    let first = table.rows.first()?.reference.as_str();
    (!first.is_empty() && table.rows.iter().all(|row| row.reference == first)).then_some(first)
}

/// The smallest and the largest factor of a step, "0.512 to 2.91"; empty when it has none.
pub(super) fn g_range(step: &StepSummary) -> String {
    step.g_range.map_or_else(String::new, |(low, high)| {
        format!("{} to {}", significant(low, 3), significant(high, 3))
    })
}

/// The decisions that occur in a document, mildest first, each with how often.
pub(super) fn decisions(doc: &Document) -> Vec<(Decision, usize)> {
    [Decision::Footnote, Decision::Review, Decision::Suppress]
        .into_iter()
        .map(|decision| {
            let rows = doc.estimates.iter().flat_map(|table| &table.rows);
            (decision, rows.filter(|row| flag(row) == Some(decision)).count())
        })
        .filter(|(_, n)| *n > 0)
        .collect()
}
