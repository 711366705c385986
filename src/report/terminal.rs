//! Results for the terminal.

use comfy_table::presets::NOTHING;
use comfy_table::{
    Cell, CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table, Width,
};

use crate::compare::ComparisonTable;
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
    let mut page = Page { out: String::new(), width: width.max(40), color };
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
    page.flags(document);
    if !document.warnings.is_empty() {
        page.heading("Warnings");
        for warning in &document.warnings {
            page.item("!", warning);
        }
    }
    page.out
}

/// ANSI codes.
const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";
const RESET: &str = "\x1b[0m";

/// Most flagged rows whose rules are listed.
const MOST_RULES: usize = 30;

struct Page {
    out: String,
    width: u16,
    color: bool,
}

/// A column of figures: its heading, its cells, and how soon it is left out (0: never).
struct Column {
    heading: String,
    cells: Vec<String>,
    spare: u8,
}

impl Column {
    fn new(heading: impl Into<String>, spare: u8, cells: impl Iterator<Item = String>) -> Column {
        Column { heading: heading.into(), cells: cells.collect(), spare }
    }

    fn width(&self) -> usize {
        self.cells.iter().chain([&self.heading]).map(|c| c.chars().count()).max().unwrap_or(0)
    }
}

impl Page {
    fn header(&mut self, doc: &Document) {
        self.wrapped(&doc.title, "", BOLD);
        for text in doc.description.iter().chain(&doc.source) {
            self.wrapped(text, "", "");
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

    fn weighting(&mut self, steps: &[StepSummary]) {
        self.heading("Weighting");
        let labels = Labels {
            headings: vec!["Step".to_string()],
            rows: steps.iter().map(|s| vec![format!("{} {}", s.step, s.kind)]).collect(),
        };
        let columns = vec![
            Column::new("n", 0, steps.iter().map(|s| number::count(s.weights.n))),
            Column::new("Sum", 1, steps.iter().map(|s| amount(s.weights.sum))),
            Column::new("deff", 0, steps.iter().map(|s| number::ratio(Some(s.weights.deff_kish)))),
            Column::new("n eff", 0, steps.iter().map(|s| number::effective(Some(s.weights.n_eff)))),
            Column::new("g range", 2, steps.iter().map(|s| g_range(s))),
        ];
        self.table(&labels, columns, None);
        for step in steps {
            self.item(&step.step.to_string(), &format!("{} — {}", step.description, step.outcome));
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
        self.wrapped(&about, "", DIM);
        let rows = &table.rows;
        let interval = format!("{} interval", words::level(table.level));
        let mut columns = vec![
            Column::new("n", 0, rows.iter().map(|r| number::count(r.n))),
            Column::new(format!("Estimate{unit}"), 0, rows.iter().map(|r| of(r).value(r.estimate))),
            Column::new("SE", 1, rows.iter().map(|r| of(r).error(r.se))),
            Column::new(interval, 0, rows.iter().map(|r| of(r).interval(r.lower, r.upper))),
            Column::new("deff", 4, rows.iter().map(|r| number::ratio(r.deff))),
            Column::new("n eff", 2, rows.iter().map(|r| number::effective(r.n_eff))),
            Column::new("df", 3, rows.iter().map(|r| number::degrees(r.df))),
        ];
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
        let mut about = format!("{} of {}", words::measure(table.measure), table.estimate);
        if let Some(adjustment) = &table.adjustment {
            about.push_str(&format!("; p-values adjusted: {adjustment}"));
        }
        self.wrapped(&about, "", DIM);
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

    fn flags(&mut self, doc: &Document) {
        let decisions = view::decisions(doc);
        if decisions.is_empty() {
            return;
        }
        self.heading("Flags");
        let mut standards: Vec<_> = doc.estimates.iter().filter_map(|t| t.standard).collect();
        standards.dedup();
        for standard in standards {
            self.wrapped(&format!("Standard: {}.", words::standard(standard)), "", "");
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
                name.push(view::outcome_label(table, row.outcome));
            }
            name.push(view::domain_text(table, row));
            self.item("·", &format!("{}: {}", name.join(" · "), view::rules(row)));
        }
        if flagged.len() > MOST_RULES {
            let more = flagged.len() - MOST_RULES;
            self.item("·", &format!("and {more} more: see the column flag_rules of the CSV file"));
        }
    }

    /// A table with its labels on the left, figures to their right, and the flags last.
    fn table(&mut self, labels: &Labels, mut columns: Vec<Column>, flags: Option<Column>) {
        let flag_width = flags.as_ref().map_or(0, |f| f.width() + 2);
        let room = usize::from(self.width);
        let least = 14 * labels.headings.len();
        let needed = |columns: &[Column]| {
            least + flag_width + columns.iter().map(|c| c.width() + 2).sum::<usize>()
        };
        let mut dropped: Vec<String> = Vec::new();
        while needed(&columns) > room {
            let Some(i) = (0..columns.len())
                .filter(|&i| columns[i].spare > 0)
                .max_by_key(|&i| columns[i].spare)
            else {
                break;
            };
            dropped.push(columns.remove(i).heading);
        }

        let mut table = Table::new();
        let mut style = NOTHING;
        let rule = LineStyle::none().fill('─').junction('─');
        style = style.top_border(rule).header_separator(rule).bottom_border(rule);
        table.load_style(style);
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(self.width);
        let figure = |text: &str| Cell::new(text).set_alignment(CellAlignment::Right);
        let mut header: Vec<Cell> =
            labels.headings.iter().map(|text| Cell::new(plain(text))).collect();
        header.extend(columns.iter().map(|c| figure(&c.heading)));
        header.extend(flags.iter().map(|c| Cell::new(&c.heading)));
        table.set_header(header);
        let mut before: &[String] = &[];
        for (i, label) in labels.rows.iter().enumerate() {
            let mut row: Vec<Cell> = label
                .iter()
                .enumerate()
                .map(|(j, text)| {
                    // A leading label is not said again until it changes.
                    let again = j + 1 < label.len() && before.get(..=j) == label.get(..=j);
                    Cell::new(if again { String::new() } else { plain(text) })
                })
                .collect();
            before = label;
            row.extend(columns.iter().map(|c| figure(c.cells.get(i).map_or("", String::as_str))));
            row.extend(flags.iter().map(|c| Cell::new(c.cells.get(i).map_or("", String::as_str))));
            table.add_row(row);
        }
        let figures = columns.len() + usize::from(flags.is_some());
        let first = labels.headings.len();
        let fits = needed(&columns) <= room;
        for i in first..first + figures {
            if let Some(column) = table.column_mut(i).filter(|_| fits) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        for i in 0..first {
            if let Some(column) = table.column_mut(i) {
                column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(6)));
            }
        }
        let lines: Vec<String> = table.lines().collect();
        let body = lines.iter().skip(1).position(|l| l.starts_with('─')).map_or(0, |p| p + 2);
        for (i, line) in lines.iter().enumerate() {
            let line = line.trim_end();
            let painted = if !self.color {
                line.to_string()
            } else if line.starts_with('─') {
                format!("{DIM}{line}{RESET}")
            } else if i < body {
                format!("{BOLD}{line}{RESET}")
            } else if flags.is_some() {
                paint_flag(line)
            } else {
                line.to_string()
            };
            self.out.push_str(&painted);
            self.out.push('\n');
        }
        if !dropped.is_empty() {
            self.wrapped(&format!("Too wide for this terminal: {}.", dropped.join(", ")), "", DIM);
        }
    }

    fn heading(&mut self, text: &str) {
        self.out.push('\n');
        self.wrapped(text, "", BOLD);
    }

    fn fact(&mut self, name: &str, text: &str) {
        self.hanging(&format!("{name:<12}"), text, if name.is_empty() { "" } else { BOLD });
    }

    fn item(&mut self, mark: &str, text: &str) {
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

    fn wrapped(&mut self, text: &str, lead: &str, color: &str) {
        for line in wrap(&plain(text), f64::from(self.width), chars) {
            self.out.push_str(lead);
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

fn paint_flag(line: &str) -> String {
    for (word, color) in [("suppress", RED), ("review", YELLOW), ("footnote", YELLOW)] {
        if let Some(rest) = line.strip_suffix(word).filter(|rest| rest.ends_with(' ')) {
            return format!("{rest}{color}{word}{RESET}");
        }
    }
    line.to_string()
}

/// The smallest and the largest factor of a step, "0.512 to 2.91".
pub(super) fn g_range(step: &StepSummary) -> String {
    step.g_range.map_or_else(String::new, |(low, high)| {
        format!("{} to {}", number::significant(low, 3), number::significant(high, 3))
    })
}

/// A weighted total: whole from 1,000 up, else to four significant digits.
pub(super) fn amount(x: f64) -> String {
    if x.abs() >= 1000.0 { number::fixed(x, 0) } else { number::significant(x, 4) }
}

fn chars(text: &str) -> f64 {
    text.chars().count() as f64
}
