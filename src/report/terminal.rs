//! Results for the terminal.

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table};

use crate::compare::test::TestTable;
use crate::compare::{ComparisonTable, Measure};
use crate::estimate::EstimateTable;
use crate::weight::StepSummary;

use super::document::Document;
use super::number::{self, Figures};
use super::text::{plain, wrap};
use super::view::{self, Labels, flag};
use super::words::{self, plural};

/// All results as text for a terminal of `width` columns (at least 40); with ANSI colours only
/// if `color`.
///
/// Where a table does not fit, its less needed columns are left out and named below it. All
/// values are shown, suppressed ones too, each with its flag; the flags are explained at the end.
pub fn terminal(document: &Document, width: u16, color: bool) -> String {
    let mut page = Page::new(width, color);
    page.header(document);
    if !document.weighting.is_empty() {
        page.weighting(&document.weighting);
    }
    for table in &document.estimates {
        page.estimates(table);
    }
    for table in &document.comparisons {
        page.comparisons(table, view::compared(document, table));
    }
    for table in &document.tests {
        page.tests(table);
    }
    page.flags(document);
    page.warnings(document);
    page.finish()
}

/// ANSI codes.
const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";
const RESET: &str = "\x1b[0m";

/// Stands for a heading while a table is laid out (a character of private use).
const HEADING: char = '\u{e000}';

/// Most flagged rows whose rules are listed.
const MOST_RULES: usize = 30;

pub(super) struct Page {
    out: String,
    width: u16,
    color: bool,
}

/// A column of figures: its heading, its cells, and how soon it is left out (0: never).
pub(super) struct Column {
    heading: String,
    cells: Vec<String>,
    spare: u8,
}

impl Column {
    pub(super) fn new(
        heading: impl Into<String>,
        spare: u8,
        cells: impl Iterator<Item = String>,
    ) -> Column {
        Column { heading: heading.into(), cells: cells.collect(), spare }
    }

    fn width(&self) -> usize {
        self.cells.iter().chain([&self.heading]).map(|c| c.chars().count()).max().unwrap_or(0)
    }
}

impl Page {
    pub(super) fn new(width: u16, color: bool) -> Page {
        Page { out: String::new(), width: width.max(40), color }
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    pub(super) fn warnings(&mut self, document: &Document) {
        if document.warnings.is_empty() {
            return;
        }
        self.heading("Warnings");
        for warning in &document.warnings {
            self.item("!", warning);
        }
    }

    pub(super) fn header(&mut self, doc: &Document) {
        self.wrapped(&doc.title, BOLD);
        if let Some(description) = &doc.description {
            self.wrapped(description, "");
        }
        if let Some(source) = &doc.source {
            self.wrapped(&format!("Source: {source}"), DIM);
        }
        self.out.push('\n');
        let data = &doc.data;
        self.fact(
            "Data",
            &format!(
                "{}: {}, {}",
                data.file,
                plural(data.rows, "row", "rows"),
                plural(data.columns, "column", "columns")
            ),
        );
        if let Some(population) = &data.population {
            let rows = plural(data.population_rows, "row", "rows");
            self.fact("Population", &format!("{population}: {rows}"));
        }
        self.fact("Design", &doc.design.description);
        let design = &doc.design;
        let counts: Vec<String> = [
            design.strata.map(|n| plural(n, "stratum", "strata")),
            design.psus.map(|n| plural(n, "PSU", "PSUs")),
            design.replicates.map(|n| plural(n, "replicate", "replicates")),
            design.df.map(|df| format!("{} degrees of freedom", number::degrees(Some(df)))),
        ]
        .into_iter()
        .flatten()
        .collect();
        if !counts.is_empty() {
            self.fact("", &counts.join(", "));
        }
        if let Some(lonely) = &design.lonely {
            self.fact("", lonely);
        }
    }

    pub(super) fn weighting(&mut self, steps: &[StepSummary]) {
        self.heading("Weighting");
        let labels = Labels {
            headings: vec!["Step".to_string()],
            rows: steps.iter().map(|s| vec![format!("{} {}", s.step, s.kind)]).collect(),
        };
        let columns = vec![
            Column::new("n", 0, steps.iter().map(|s| number::count(s.weights.n))),
            Column::new("Sum", 1, steps.iter().map(|s| number::amount(s.weights.sum))),
            Column::new("deff", 0, steps.iter().map(|s| number::ratio(Some(s.weights.deff_kish)))),
            Column::new("n eff", 0, steps.iter().map(|s| number::effective(Some(s.weights.n_eff)))),
            Column::new("g range", 2, steps.iter().map(view::g_range)),
        ];
        self.table(&labels, columns, None);
        for step in steps {
            let mut text = step.description.clone();
            if !step.outcome.is_empty() {
                text.push_str(&format!(" — {}", step.outcome));
            }
            self.item(&step.step.to_string(), &text);
        }
    }

    fn estimates(&mut self, table: &EstimateTable) {
        self.heading(&table.title);
        let figures = Figures::of_table(table);
        let of = |row: &crate::estimate::Estimate| {
            figures
                .get(row.outcome)
                .copied()
                .unwrap_or(Figures { unit: number::Unit::Plain, decimals: 2 })
        };
        let unit = figures.first().map_or("", |f| f.heading());
        let mut about = format!(
            "{}, {} interval ({})",
            words::statistic(table.statistic),
            words::level(table.level),
            words::interval(table.interval)
        );
        if let Some(population) = &table.population {
            about.push_str(&format!("; {population}"));
        }
        self.wrapped(&about, DIM);
        let rows = &table.rows;
        let interval = format!("{} interval", words::level(table.level));
        let mut columns = vec![
            Column::new("n", 0, rows.iter().map(|r| number::count(r.n))),
            Column::new(format!("Estimate{unit}"), 0, rows.iter().map(|r| of(r).value(r.estimate))),
            Column::new("SE", 1, rows.iter().map(|r| of(r).error(r.se))),
            Column::new("SE repl.", 1, rows.iter().map(|r| of(r).error(r.se_replicates))),
            Column::new("ratio", 1, rows.iter().map(|r| number::ratio(r.se_ratio()))),
            Column::new(interval, 0, rows.iter().map(|r| of(r).interval(r.lower, r.upper))),
            Column::new("deff", 4, rows.iter().map(|r| number::ratio(r.deff))),
            Column::new("n eff", 2, rows.iter().map(|r| number::effective(r.n_eff))),
            Column::new("df", 3, rows.iter().map(|r| number::degrees(r.df))),
        ];
        if table.replicates.is_none() {
            columns.drain(3..5);
        }
        columns.extend(
            view::missing_columns(table)
                .into_iter()
                .map(|c| Column::new(c.heading, c.spare, rows.iter().map(|r| (c.cell)(r, of(r))))),
        );
        let flags = rows.iter().map(|r| flag(r).map_or("", words::flag).to_string());
        let flags = rows.iter().any(|r| flag(r).is_some()).then(|| Column::new("Flag", 0, flags));
        columns.retain(|c| c.cells.iter().any(|cell| cell != number::NOT_AVAILABLE) || c.spare < 4);
        self.table(&Labels::of_estimates(table), columns, flags);
        for note in &table.notes {
            self.item("·", note);
        }
    }

    fn comparisons(&mut self, table: &ComparisonTable, compared: Option<&EstimateTable>) {
        self.heading(&table.title);
        let mut about = match table.measure {
            Measure::Function => "Functions of estimates".to_string(),
            measure => format!("{} of {}", words::measure(measure), table.estimate),
        };
        if let Some(reference) = view::reference(table) {
            about.push_str(&format!("; compared with {reference}"));
        }
        if let Some(adjustment) = &table.adjustment {
            about.push_str(&format!("; p-values adjusted: {adjustment}"));
        }
        self.wrapped(&about, DIM);
        let figures = Figures::of_comparison(table, compared);
        let rows = &table.rows;
        let adjusted = rows.iter().any(|r| r.p_adjusted.is_some());
        let what = format!("{}{}", words::measure(table.measure), figures.heading());
        let interval = format!("{} interval", words::level(table.level));
        let mut columns = vec![
            Column::new(what, 0, rows.iter().map(|r| figures.value(r.estimate))),
            Column::new("SE", 1, rows.iter().map(|r| figures.error(r.se))),
            Column::new(interval, 0, rows.iter().map(|r| figures.interval(r.lower, r.upper))),
            Column::new("df", 3, rows.iter().map(|r| number::degrees(r.df))),
            Column::new("p", 0, rows.iter().map(|r| number::p_value(r.p))),
        ];
        if adjusted {
            let cells = rows.iter().map(|r| number::p_value(r.p_adjusted));
            columns.push(Column::new("p adj.", 0, cells));
        }
        self.table(&Labels::of_comparisons(table), columns, None);
        for note in &table.notes {
            self.item("·", note);
        }
    }

    fn tests(&mut self, table: &TestTable) {
        self.heading(&table.title);
        self.wrapped(&table.method, DIM);
        let columns = view::test_columns(table)
            .into_iter()
            .map(|c| {
                let spare = match c.heading.as_str() {
                    "SE" => 1,
                    "n" => 2,
                    _ => 0,
                };
                Column::new(c.heading, spare, c.cells.into_iter())
            })
            .collect();
        let labels = Labels {
            headings: vec!["Tested".to_string()],
            rows: table.rows.iter().map(|r| vec![r.what.clone()]).collect(),
        };
        self.table(&labels, columns, None);
        for row in &table.rows {
            let remark = view::test_remark(row);
            if !remark.is_empty() {
                self.item("·", &format!("{}: {remark}", row.what));
            }
        }
        for note in &table.notes {
            self.item("·", note);
        }
    }

    fn flags(&mut self, doc: &Document) {
        let decisions = view::decisions(doc);
        if decisions.is_empty() {
            return;
        }
        self.heading("Flags");
        let mut standards: Vec<_> = doc.estimates.iter().filter_map(|t| t.standard).collect();
        standards.dedup();
        for standard in standards {
            self.wrapped(&format!("Standard: {}.", words::standard(standard)), "");
        }
        for (decision, n) in decisions {
            let estimates = plural(n, "estimate", "estimates");
            let text = format!("({estimates}) {}", words::flag_meaning(decision));
            self.item(words::flag(decision), &text);
        }
        self.out.push('\n');
        let flagged: Vec<(&EstimateTable, &crate::estimate::Estimate)> = doc
            .estimates
            .iter()
            .flat_map(|t| t.rows.iter().map(move |r| (t, r)))
            .filter(|(_, r)| flag(r).is_some())
            .collect();
        for (table, row) in flagged.iter().take(MOST_RULES) {
            let mut name = vec![table.name.clone()];
            if table.outcomes.len() > 1 {
                name.extend(view::outcome_labels(table).get(row.outcome).cloned());
            }
            name.push(view::domain_text(table, row));
            self.item("·", &format!("{}: {}", name.join(" · "), view::rules(row)));
        }
        if flagged.len() > MOST_RULES {
            let more = flagged.len() - MOST_RULES;
            self.item("·", &format!("and {more} more: see the column flag_rules of the CSV file"));
        }
    }

    /// A table with its labels on the left, figures to their right, and the flags last. With
    /// several label columns the last stands in the table, the others are headings above rows.
    pub(super) fn table(
        &mut self,
        labels: &Labels,
        mut columns: Vec<Column>,
        flags: Option<Column>,
    ) {
        let dropped = drop_columns(&mut columns, flags.as_ref(), usize::from(self.width));
        let mut table = Table::new();
        let rule = LineStyle::none().fill('─');
        table
            .load_style(NOTHING.top_border(rule).header_separator(rule).bottom_border(rule))
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(self.width);
        let figure = |text: &str| Cell::new(text).set_alignment(CellAlignment::Right);
        let mut header = vec![Cell::new(plain(&labels.headings.join(" · ")))];
        header.extend(columns.iter().map(|c| figure(&c.heading)));
        header.extend(flags.iter().map(|c| Cell::new(&c.heading)));
        table.set_header(header);
        let mut headings: Vec<String> = Vec::new();
        for (i, label) in labels.rows.iter().enumerate() {
            let (last, leading) = label.split_last().map_or(("", &[][..]), |(l, r)| (l, r));
            let heading = leading.join(" · ");
            if !heading.is_empty() && headings.last() != Some(&heading) {
                table.add_row(vec![Cell::new(format!("{HEADING}{}", headings.len()))]);
                headings.push(heading);
            }
            let mut row = vec![Cell::new(plain(last))];
            row.extend(columns.iter().map(|c| figure(c.cells.get(i).map_or("", String::as_str))));
            row.extend(flags.iter().map(|c| Cell::new(c.cells.get(i).map_or("", String::as_str))));
            table.add_row(row);
        }
        if let Some(column) = table.column_mut(0).filter(|_| !headings.is_empty()) {
            column.set_padding((3, 1));
        }
        for i in 1..=columns.len() + usize::from(flags.is_some()) {
            if let Some(column) = table.column_mut(i) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        let lines: Vec<String> = table.lines().collect();
        let body = lines.iter().skip(1).position(|l| l.starts_with('─')).map_or(0, |p| p + 2);
        let wide = lines.iter().filter(|line| !line.starts_with('─'));
        let wide = wide.map(|line| line.trim_end().chars().count()).max().unwrap_or(0);
        let rule = "─".repeat(wide.min(usize::from(self.width)));
        for (i, line) in lines.iter().enumerate() {
            let line = line.trim_end();
            let heading = line.trim_start().strip_prefix(HEADING).and_then(|n| n.parse().ok());
            if let Some(text) = heading.and_then(|n: usize| headings.get(n)) {
                self.hanging(" ", text, "");
            } else if line.starts_with('─') {
                self.paint(&rule, DIM);
                self.out.push('\n');
            } else if i < body {
                self.paint(line, BOLD);
                self.out.push('\n');
            } else {
                self.row(line, flags.is_some());
            }
        }
        if !dropped.is_empty() {
            self.wrapped(&format!("Too wide for this terminal: {}.", dropped.join(", ")), DIM);
        }
    }

    /// A line of a table, its flag coloured.
    fn row(&mut self, line: &str, flagged: bool) {
        let flag = [("suppress", RED), ("review", YELLOW), ("footnote", YELLOW)]
            .into_iter()
            .filter(|_| flagged)
            .find_map(|(word, color)| Some((line.strip_suffix(word)?, word, color)))
            .filter(|(rest, _, _)| rest.ends_with(' '));
        match flag {
            Some((rest, word, color)) => {
                self.out.push_str(rest);
                self.paint(word, color);
            }
            None => self.out.push_str(line),
        }
        self.out.push('\n');
    }

    pub(super) fn heading(&mut self, text: &str) {
        self.out.push('\n');
        self.wrapped(text, BOLD);
    }

    fn fact(&mut self, name: &str, text: &str) {
        self.hanging(&format!("{name:<12}"), text, if name.is_empty() { "" } else { BOLD });
    }

    pub(super) fn item(&mut self, mark: &str, text: &str) {
        let color = match mark {
            "suppress" => RED,
            "review" | "footnote" | "!" => YELLOW,
            _ => "",
        };
        self.hanging(&format!("{mark} "), text, color);
    }

    /// A text after a lead, its further lines indented by the lead.
    fn hanging(&mut self, lead: &str, text: &str, lead_color: &str) {
        let indent = lead.chars().count();
        let room = usize::from(self.width).saturating_sub(indent).max(20);
        for (i, line) in wrap(&plain(text), room as f64, chars).into_iter().enumerate() {
            if i == 0 {
                self.paint(lead, lead_color);
            } else {
                self.out.push_str(&" ".repeat(indent));
            }
            self.out.push_str(&line);
            self.out.push('\n');
        }
    }

    fn wrapped(&mut self, text: &str, color: &str) {
        for line in wrap(&plain(text), f64::from(self.width), chars) {
            self.paint(&line, color);
            self.out.push('\n');
        }
    }

    fn paint(&mut self, text: &str, color: &str) {
        if self.color && !color.is_empty() {
            self.out.push_str(&format!("{color}{text}{RESET}"));
        } else {
            self.out.push_str(text);
        }
    }
}

/// Leaves out columns, the most dispensable first, until the rest fit beside labels of at least
/// 16 characters; gives the headings of those left out.
fn drop_columns(columns: &mut Vec<Column>, flags: Option<&Column>, width: usize) -> Vec<String> {
    let mut dropped = Vec::new();
    let needed =
        |columns: &[Column]| 18 + columns.iter().chain(flags).map(|c| c.width() + 2).sum::<usize>();
    while needed(columns) > width {
        let spare = (0..columns.len()).filter(|&i| columns[i].spare > 0);
        let Some(i) = spare.max_by_key(|&i| columns[i].spare) else { break };
        dropped.push(columns.remove(i).heading);
    }
    dropped
}

fn chars(text: &str) -> f64 {
    text.chars().count() as f64
}
