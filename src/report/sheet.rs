//! A page of headings, paragraphs, tables and drawings, as text or as HTML.

use super::chart::{self, escape};
use super::text::wrap;

/// A page.
#[derive(Debug, Clone, Default)]
pub(super) struct Sheet {
    pub(super) title: String,
    /// Plain paragraphs below the title.
    pub(super) lead: Vec<String>,
    /// Key figures: value and what it is.
    pub(super) facts: Vec<(String, String)>,
    pub(super) parts: Vec<Part>,
}

/// A part of a page.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) heading: String,
    /// Paragraphs before the table.
    pub(super) text: Vec<String>,
    pub(super) grid: Option<Grid>,
    /// A drawing, for the HTML page only.
    pub(super) svg: Option<String>,
    /// Lines of a list.
    pub(super) list: Vec<String>,
}

impl Part {
    pub(super) fn new(heading: impl Into<String>) -> Part {
        Part { heading: heading.into(), text: Vec::new(), grid: None, svg: None, list: Vec::new() }
    }
}

/// A table: the first column holds labels, the others figures unless said otherwise.
#[derive(Debug, Clone, Default)]
pub(super) struct Grid {
    pub(super) heads: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
    /// Columns of words besides the first.
    pub(super) words: Vec<usize>,
}

impl Sheet {
    /// As text for a terminal of `width` columns, with ANSI codes only if `color`.
    pub(super) fn text(&self, width: usize, color: bool) -> String {
        let bold = |text: &str| {
            if color { format!("\x1b[1m{text}\x1b[0m") } else { text.to_string() }
        };
        let mut out = format!("{}\n", bold(&self.title));
        for paragraph in &self.lead {
            out.push_str(&format!("{}\n", wrapped(paragraph, width, "")));
        }
        for (value, what) in &self.facts {
            out.push_str(&format!("  {value} {what}\n"));
        }
        for part in &self.parts {
            if part.svg.is_some() && part.grid.is_none() && part.text.is_empty() {
                continue;
            }
            out.push_str(&format!("\n{}\n", bold(&part.heading)));
            for paragraph in &part.text {
                out.push_str(&format!("{}\n", wrapped(paragraph, width, "")));
            }
            if let Some(grid) = &part.grid {
                out.push_str(&grid.text(width));
            }
            for line in &part.list {
                out.push_str(&format!("{}\n", wrapped(line, width, "- ")));
            }
        }
        out
    }

    /// As one self-contained page of HTML.
    pub(super) fn html(&self) -> String {
        let mut out =
            String::from("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        out.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
        out.push_str(&format!("<title>{}</title>\n<style>\n", escape(&self.title)));
        out.push_str(super::html::STYLE);
        out.push_str(chart::STYLE);
        out.push_str(STYLE);
        out.push_str("</style>\n</head>\n<body>\n<header>\n");
        out.push_str(concat!("<p class=\"kicker\">rakewell ", env!("CARGO_PKG_VERSION"), "</p>\n"));
        out.push_str(&format!("<h1>{}</h1>\n", escape(&self.title)));
        for paragraph in &self.lead {
            out.push_str(&format!("<p class=\"lead\">{}</p>\n", escape(paragraph)));
        }
        if !self.facts.is_empty() {
            out.push_str("<ul class=\"facts\">\n");
            for (value, what) in &self.facts {
                let (value, what) = (escape(value), escape(what));
                out.push_str(&format!("<li><strong>{value}</strong><span>{what}</span></li>\n"));
            }
            out.push_str("</ul>\n");
        }
        out.push_str("</header>\n<main>\n");
        for (i, part) in self.parts.iter().enumerate() {
            out.push_str(&format!("<section>\n<h2 id=\"t{i}\">{}</h2>\n", escape(&part.heading)));
            for paragraph in &part.text {
                out.push_str(&format!("<p>{}</p>\n", escape(paragraph)));
            }
            if let Some(svg) = &part.svg {
                out.push_str(&format!("<figure class=\"drawing\">{svg}</figure>\n"));
            }
            if let Some(grid) = &part.grid {
                out.push_str(&grid.html(&format!("t{i}")));
            }
            if !part.list.is_empty() {
                out.push_str("<ul>\n");
                for line in &part.list {
                    out.push_str(&format!("<li>{}</li>\n", escape(line)));
                }
                out.push_str("</ul>\n");
            }
            out.push_str("</section>\n");
        }
        out.push_str("</main>\n</body>\n</html>\n");
        out
    }
}

/// What the page has beside the report's own style.
const STYLE: &str = "thead th.figure { white-space: normal; max-width: 9rem; vertical-align: bottom; }\n\
    .drawing svg { max-width: 100%; height: auto; }\n\
    .d-box { fill: var(--soft); stroke: var(--rule-strong); }\n\
    .d-frame { fill: none; stroke: var(--rule-strong); stroke-dasharray: 4 3; }\n\
    .d-screen { fill: var(--warn-soft); stroke: var(--warn); }\n\
    .d-line { stroke: var(--rule-strong); stroke-width: 1.5; }\n\
    .d-head { fill: var(--ink); font: 600 14px system-ui, sans-serif; }\n\
    .d-text { fill: var(--ink); font: 12px system-ui, sans-serif; }\n\
    .d-quiet { fill: var(--quiet); font: 11.5px system-ui, sans-serif; }\n";

fn wrapped(text: &str, width: usize, mark: &str) -> String {
    let room = width.saturating_sub(mark.len()).max(20);
    let indent = " ".repeat(mark.len());
    let lines = wrap(text, room as f64, |t| t.chars().count() as f64);
    let lines = lines.iter().enumerate();
    lines
        .map(|(i, line)| format!("{}{line}", if i == 0 { mark } else { &indent }))
        .collect::<Vec<_>>()
        .join("\n")
}

impl Grid {
    /// A table without rows yet.
    pub(super) fn with(heads: &[&str]) -> Grid {
        let heads = heads.iter().map(|head| (*head).to_string()).collect();
        Grid { heads, ..Grid::default() }
    }

    fn is_words(&self, column: usize) -> bool {
        column == 0 || self.words.contains(&column)
    }

    fn text(&self, width: usize) -> String {
        let widths = self.widths(width);
        let mut out = String::new();
        for row in std::iter::once(&self.heads).chain(&self.rows) {
            let cells: Vec<Vec<String>> = widths
                .iter()
                .enumerate()
                .map(|(i, width)| {
                    let text = row.get(i).map_or("", String::as_str);
                    wrap(text, (*width).max(1) as f64, |t| t.chars().count() as f64)
                })
                .collect();
            let lines = cells.iter().map(Vec::len).max().unwrap_or(0);
            for l in 0..lines {
                let mut line = String::new();
                for (i, width) in widths.iter().enumerate() {
                    let text = cells[i].get(l).map_or("", String::as_str);
                    let room = " ".repeat(width.saturating_sub(text.chars().count()));
                    if i > 0 {
                        line.push_str("  ");
                    }
                    if self.is_words(i) {
                        line.push_str(&format!("{text}{room}"));
                    } else {
                        line.push_str(&format!("{room}{text}"));
                    }
                }
                out.push_str(line.trim_end());
                out.push('\n');
            }
        }
        out
    }

    /// The widths of the columns in a text of `width` columns. Where all do not fit, headings are broken
    /// first, then labels and other words; figures are never cut.
    fn widths(&self, width: usize) -> Vec<usize> {
        let columns = self.heads.len();
        let long = |text: &str| text.chars().count();
        let cell = |i: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(i));
            cells.map(|text| long(text)).max().unwrap_or(0)
        };
        let head = |i: usize| long(&self.heads[i]);
        let mut widths: Vec<usize> = (0..columns).map(|i| cell(i).max(head(i))).collect();
        let gaps = 2 * columns.saturating_sub(1);
        let beyond = |widths: &[usize]| (widths.iter().sum::<usize>() + gaps).saturating_sub(width);
        if beyond(&widths) > 0 {
            for (i, own) in widths.iter_mut().enumerate().skip(1) {
                let word = self.heads[i].split(' ').map(long).max().unwrap_or(0);
                *own = cell(i).max(word);
            }
        }
        // The labels last: they are what a row is found by.
        for i in (1..columns).chain([0]).filter(|&i| i < columns && self.is_words(i)) {
            let least = if i == 0 { 16 } else { 14 };
            widths[i] = widths[i].saturating_sub(beyond(&widths)).max(widths[i].min(least));
        }
        widths
    }

    /// A table that the heading with this id names.
    fn html(&self, id: &str) -> String {
        let class = |i: usize| if self.is_words(i) { "" } else { " class=\"figure\"" };
        let mut out = format!(
            "<div class=\"scroll\" role=\"region\" aria-labelledby=\"{id}\" tabindex=\"0\">\n\
             <table aria-labelledby=\"{id}\">\n<thead>\n<tr>"
        );
        for (i, head) in self.heads.iter().enumerate() {
            out.push_str(&format!("<th scope=\"col\"{}>{}</th>", class(i), escape(head)));
        }
        out.push_str("</tr>\n</thead>\n<tbody>\n");
        for row in &self.rows {
            out.push_str("<tr>");
            for (i, cell) in row.iter().enumerate() {
                let cell = escape(cell);
                if i == 0 {
                    out.push_str(&format!("<th scope=\"row\">{cell}</th>"));
                } else {
                    out.push_str(&format!("<td{}>{cell}</td>", class(i)));
                }
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody>\n</table>\n</div>\n");
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_long_headings_fit_a_hundred_columns() {
        let mut grid = Grid { heads: vec!["Group".into(), "People".into()], ..Grid::default() };
        for i in 1..=6 {
            grid.heads.push(format!("Immigrant and ethnic minority boost {i}"));
        }
        let mut row = vec!["Black Caribbean and others".to_string(), "12,345,678".to_string()];
        row.extend((0..6).map(|_| "100.0%".to_string()));
        grid.rows.push(row);
        let text = grid.text(100);
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        assert_eq!(text.matches("100.0%").count(), 6, "{text}");
        // With room enough everything is on one line.
        assert_eq!(grid.text(300).lines().count(), 2);
    }
}
