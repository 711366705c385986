//! Tables as the page template draws them.

use serde::Serialize;

use crate::compare::ComparisonTable;
use crate::compare::test::TestTable;
use crate::estimate::{Decision, Estimate, EstimateTable};
use crate::report::number::{self, Figures, Unit};
use crate::report::view::{self, Labels, flag};
use crate::report::words;

/// A table.
#[derive(Debug, Serialize)]
pub(super) struct Table {
    /// Its id on the page.
    pub(super) id: String,
    /// Its caption.
    pub(super) caption: String,
    pub(super) heads: Vec<Head>,
    pub(super) rows: Vec<Row>,
}

/// A column heading.
#[derive(Debug, Serialize)]
pub(super) struct Head {
    pub(super) text: String,
    /// The text in full, for an abbreviation.
    pub(super) full: Option<&'static str>,
    pub(super) figures: bool,
}

/// A row.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) cells: Vec<Cell>,
    /// True where a group of rows begins.
    pub(super) first: bool,
    /// True for an estimate a release does not show.
    pub(super) suppressed: bool,
}

/// A cell.
#[derive(Debug, Serialize)]
pub(super) struct Cell {
    text: String,
    /// "label", "figure", "flag" or "words".
    kind: &'static str,
    /// Rows it spans.
    span: usize,
    /// True for a label that is not broken into lines.
    short: bool,
    /// Smaller text below.
    small: String,
    /// The flag's class, when it is one.
    flag: &'static str,
}

impl Cell {
    pub(super) fn new(kind: &'static str, text: String) -> Cell {
        Cell { text, kind, span: 1, short: false, small: String::new(), flag: "" }
    }

    pub(super) fn figure(text: String) -> Cell {
        Cell::new("figure", text)
    }

    pub(super) fn words(text: String, small: String) -> Cell {
        Cell { small, ..Cell::new("words", text) }
    }

    pub(super) fn label(text: &str, span: usize) -> Cell {
        let short = span == 1 && text.chars().count() <= 18;
        Cell { span, short, ..Cell::new("label", text.to_string()) }
    }

    fn flag(decision: Decision, rules: &str) -> Cell {
        let (text, flag) = match decision {
            Decision::Show => ("", ""),
            Decision::Footnote => ("Footnote", "footnote"),
            Decision::Review => ("Review", "review"),
            Decision::Suppress => ("Suppressed", "suppress"),
        };
        // A comparison such as "12.3 < 30" stays on one line.
        let small = rules.replace(" < ", "\u{a0}<\u{a0}").replace(" > ", "\u{a0}>\u{a0}");
        Cell { small, flag, ..Cell::new("flag", text.to_string()) }
    }
}

/// The table of a table of estimates, suppressed values hidden.
pub(super) fn of_estimates(table: &EstimateTable, id: String, caption: String) -> Table {
    let figures = Figures::of_table(table);
    let labels = Labels::of_estimates(table);
    let unit = figures.first().map_or("", |f| f.heading());
    let flagged = table.rows.iter().any(|row| flag(row).is_some());
    let mut heads = heads_of(&labels);
    heads.extend([
        head(format!("Estimate{unit}"), None),
        head(format!("{} interval", words::level(table.level)), Some("Confidence interval")),
        head("SE", Some("Standard error")),
    ]);
    let both = table.replicates.is_some();
    if both {
        heads.push(head("SE repl.", Some("Standard error by replicates")));
        heads.push(head("ratio", Some("Standard error by replicates ÷ linearised")));
    }
    heads.extend([
        head("n", Some("Number of respondents")),
        head("n eff", Some("Effective sample size")),
        head("deff", Some("Design effect")),
        head("df", Some("Degrees of freedom")),
    ]);
    let missing = view::missing_columns(table);
    heads.extend(missing.iter().map(|c| head(c.heading, Some(c.full))));
    if flagged {
        heads.push(Head { text: "Flag".to_string(), full: None, figures: false });
    }
    let spans = spans(&labels.rows);
    let rows = table.rows.iter().enumerate().map(|(i, row)| {
        let figures =
            figures.get(row.outcome).copied().unwrap_or(Figures { unit: Unit::Plain, decimals: 2 });
        let suppressed = view::is_suppressed(row);
        let hide = |text: String| if suppressed { HIDDEN.to_string() } else { text };
        let mut cells = label_cells(&labels.rows, &spans, i);
        cells.extend(
            [
                hide(figures.value(row.estimate)),
                hide(figures.interval(row.lower, row.upper)),
                hide(figures.error(row.se)),
            ]
            .map(Cell::figure),
        );
        if both {
            cells.push(Cell::figure(hide(figures.error(row.se_replicates))));
            cells.push(Cell::figure(number::ratio(row.se_ratio())));
        }
        cells.extend(
            [
                number::count(row.n),
                number::effective(row.n_eff),
                number::ratio(row.deff),
                number::degrees(row.df),
            ]
            .map(Cell::figure),
        );
        cells.extend(missing.iter().map(|c| {
            let text = (c.cell)(row, figures);
            Cell::figure(if c.estimates { hide(text) } else { text })
        }));
        if flagged {
            cells.push(flag_cell(row));
        }
        Row { cells, first: starts_group(&spans, i), suppressed }
    });
    let rows = rows.collect();
    Table { id, caption, heads, rows }
}

/// The table of a table of comparisons; `hidden` says which rows a release does not show.
pub(super) fn of_comparisons(
    table: &ComparisonTable,
    figures: Figures,
    hidden: &[bool],
    id: String,
    caption: String,
) -> Table {
    let labels = Labels::of_comparisons(table);
    let adjusted = table.rows.iter().any(|row| row.p_adjusted.is_some());
    let flagged = hidden.contains(&true);
    let mut heads = heads_of(&labels);
    heads.extend([
        head(format!("{}{}", words::measure(table.measure), figures.heading()), None),
        head(format!("{} interval", words::level(table.level)), Some("Confidence interval")),
        head("SE", Some("Standard error")),
        head("df", Some("Degrees of freedom")),
        head("p", Some("p-value")),
    ]);
    if adjusted {
        heads.push(head("p adj.", Some("p-value adjusted for the number of comparisons")));
    }
    if flagged {
        heads.push(Head { text: "Flag".to_string(), full: None, figures: false });
    }
    let spans = spans(&labels.rows);
    let rows = table.rows.iter().enumerate().map(|(i, row)| {
        let suppressed = hidden.get(i).copied().unwrap_or(false);
        let hide = |text: String| if suppressed { HIDDEN.to_string() } else { text };
        let mut cells = label_cells(&labels.rows, &spans, i);
        cells.extend(
            [
                hide(figures.value(row.estimate)),
                hide(figures.interval(row.lower, row.upper)),
                hide(figures.error(row.se)),
                number::degrees(row.df),
                hide(number::p_value(row.p)),
            ]
            .map(Cell::figure),
        );
        if adjusted {
            cells.push(Cell::figure(hide(number::p_value(row.p_adjusted))));
        }
        if flagged {
            cells.push(if suppressed {
                Cell::flag(Decision::Suppress, "one side is suppressed")
            } else {
                Cell::flag(Decision::Show, "")
            });
        }
        Row { cells, first: starts_group(&spans, i), suppressed }
    });
    let rows = rows.collect();
    Table { id, caption, heads, rows }
}

/// The table of a table of tests.
pub(super) fn of_tests(table: &TestTable, id: String, caption: String) -> Table {
    let columns = view::test_columns(table);
    let mut heads = vec![Head { text: "Tested".to_string(), full: None, figures: false }];
    heads.extend(columns.iter().map(|c| head(c.heading.clone(), c.full)));
    let rows = table.rows.iter().enumerate().map(|(i, row)| {
        let mut label = Cell::label(&row.what, 1);
        label.small = view::test_remark(row);
        let mut cells = vec![label];
        cells.extend(columns.iter().map(|c| Cell::figure(c.cells[i].clone())));
        Row { cells, first: true, suppressed: false }
    });
    let rows = rows.collect();
    Table { id, caption, heads, rows }
}

/// Stands for a value a release does not show.
const HIDDEN: &str = "—";

pub(super) fn head(text: impl Into<String>, full: Option<&'static str>) -> Head {
    Head { text: text.into(), full, figures: true }
}

pub(super) fn heads_of(labels: &Labels) -> Vec<Head> {
    labels
        .headings
        .iter()
        .map(|text| Head { text: text.clone(), full: None, figures: false })
        .collect()
}

fn flag_cell(row: &Estimate) -> Cell {
    Cell::flag(flag(row).unwrap_or(Decision::Show), &view::rules(row))
}

/// How many rows each label spans; 0 where a label above spans the row. The last label of a row
/// always stands by itself.
pub(super) fn spans(rows: &[Vec<String>]) -> Vec<Vec<usize>> {
    let mut spans: Vec<Vec<usize>> = rows.iter().map(|row| vec![1; row.len()]).collect();
    let columns = rows.iter().map(Vec::len).min().unwrap_or(0);
    for column in 0..columns.saturating_sub(1) {
        let mut start = 0;
        for i in 1..rows.len() {
            if rows[i][..=column] == rows[start][..=column] {
                spans[start][column] += 1;
                spans[i][column] = 0;
            } else {
                start = i;
            }
        }
    }
    spans
}

pub(super) fn label_cells(rows: &[Vec<String>], spans: &[Vec<usize>], i: usize) -> Vec<Cell> {
    let (Some(labels), Some(spans)) = (rows.get(i), spans.get(i)) else { return Vec::new() };
    labels
        .iter()
        .zip(spans)
        .filter(|(_, span)| **span > 0)
        .map(|(text, span)| Cell::label(text, *span))
        .collect()
}

/// True where the first of several label columns says something new.
pub(super) fn starts_group(spans: &[Vec<usize>], i: usize) -> bool {
    spans.get(i).is_some_and(|row| row.len() > 1 && row.first().is_some_and(|span| *span > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_labels_span_their_rows() {
        let rows: Vec<Vec<String>> = ["a x 1", "a x 2", "a y 1", "b y 1"]
            .iter()
            .map(|row| row.split(' ').map(String::from).collect())
            .collect();
        let spans = spans(&rows);
        assert_eq!(spans, [[3, 2, 1], [0, 0, 1], [0, 1, 1], [1, 1, 1]]);
        // Every place of the table is covered exactly once.
        for column in 0..3 {
            assert_eq!(spans.iter().map(|row| row[column]).sum::<usize>(), rows.len());
        }
        assert!(starts_group(&spans, 0) && !starts_group(&spans, 1) && starts_group(&spans, 3));
    }
}
