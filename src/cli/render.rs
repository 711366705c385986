//! Showing mistakes: in a terminal with the lines they are in, or as JSON for editors.

use std::env;
use std::fmt;
use std::io::{self, IsTerminal};
use std::sync::Arc;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents,
    SourceCode, SourceSpan, SpanContents, ThemeCharacters, ThemeStyles,
};
use rakewell::diagnostic::{Diagnostic, Diagnostics, Place, Severity, Source};
use serde_json::{Value, json};

/// How mistakes look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Style {
    colour: bool,
    unicode: bool,
    width: usize,
}

impl Style {
    /// Without colours, in ASCII: for files and pipes.
    const PLAIN: Style = Style { colour: false, unicode: false, width: 100 };

    /// What standard output can show.
    pub(super) fn of_stdout() -> Style {
        Style::of(io::stdout().is_terminal())
    }

    /// What standard error can show.
    pub(super) fn of_stderr() -> Style {
        Style::of(io::stderr().is_terminal())
    }

    /// Columns to fill.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Whether to use colours.
    pub(super) fn color(&self) -> bool {
        self.colour
    }

    fn of(terminal: bool) -> Style {
        if !terminal {
            return Style::PLAIN;
        }
        let set = |name: &str| env::var_os(name).is_some_and(|v| !v.is_empty());
        let dumb = env::var("TERM").is_ok_and(|term| term == "dumb");
        // The first of these that is set decides (POSIX).
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .iter()
            .find_map(|name| env::var(name).ok().filter(|v| !v.is_empty()))
            .unwrap_or_default()
            .to_lowercase();
        let utf8 = cfg!(windows) || locale.contains("utf-8") || locale.contains("utf8");
        let width = terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0));
        Style {
            colour: !set("NO_COLOR") && !dumb,
            unicode: utf8 && !dumb,
            width: width.clamp(40, 120),
        }
    }

    fn theme(self) -> GraphicalTheme {
        let mut characters =
            if self.unicode { ThemeCharacters::unicode() } else { ThemeCharacters::ascii() };
        characters.error = "error:".into();
        characters.warning = "warning:".into();
        let styles = if self.colour { ThemeStyles::ansi() } else { ThemeStyles::none() };
        GraphicalTheme { characters, styles }
    }
}

/// How many mistakes are shown with their lines: nobody reads more, and each is drawn from the
/// whole text.
const MOST_SHOWN: usize = 100;

/// The mistakes, each with the line it is in; no more than the first hundred.
pub(super) fn text(found: &Diagnostics, style: &Style) -> String {
    let handler = GraphicalReportHandler::new_themed(style.theme())
        .with_width(style.width)
        .with_links(false)
        .with_wrap_lines(false)
        .with_context_lines(1);
    let mut out = String::new();
    for diagnostic in found.0.iter().take(MOST_SHOWN) {
        let mut one = String::new();
        let shown = Shown::new(diagnostic, style.width);
        match handler.render_report(&mut one, &shown) {
            Ok(()) => out.push_str(one.trim_start_matches('\n')),
            // The place cannot be drawn; the words still say it.
            Err(fmt::Error) => out.push_str(&format!("{diagnostic}\n")),
        }
        out.push('\n');
    }
    if found.0.len() > MOST_SHOWN {
        out.push_str(&format!("and {} more\n\n", found.0.len() - MOST_SHOWN));
    }
    out
}

/// The diagnostic with its sentences in lines that fit; names with hyphens stay whole.
fn wrapped(diagnostic: &Diagnostic, width: usize) -> Diagnostic {
    let mut one = diagnostic.clone();
    one.message = one.message.replace(steers, "?");
    one.help = one.help.map(|help| help.replace(steers, "?"));
    one.message = in_lines(&one.message, width.saturating_sub(12));
    one.help = one.help.map(|help| in_lines(&help, width.saturating_sub(10)));
    one
}

fn in_lines(text: &str, width: usize) -> String {
    let mut out = String::new();
    for (i, paragraph) in text.lines().enumerate() {
        if i > 0 {
            out.push('\n');
        }
        let indent = paragraph.len() - paragraph.trim_start().len();
        out.push_str(&paragraph[..indent]);
        let mut used = indent;
        for (j, word) in paragraph.split_whitespace().enumerate() {
            let length = word.chars().count();
            if j > 0 && used + 1 + length > width {
                out.push('\n');
                out.push_str(&paragraph[..indent]);
                used = indent;
            } else if j > 0 {
                out.push(' ');
                used += 1;
            }
            out.push_str(word);
            used += length;
        }
    }
    out
}

/// Characters that could steer a terminal.
fn steers(c: char) -> bool {
    c.is_ascii_control() && !matches!(c, '\n' | '\r' | '\t')
}

/// Longer lines are shown in part.
const LONGEST_LINE: usize = 160;
/// How many characters of a long line are shown, and how many of them before the place.
const PART: (usize, usize) = (100, 30);

/// The place in a text whose lines round it are cut to what can be looked at.
fn clipped(place: &Place) -> Place {
    let text = place.source.text.as_str();
    if text.contains(steers) {
        // Of the same length, so that the place stays where it is.
        let text = text.replace(steers, "?");
        let source = Arc::new(Source { name: place.source.name.clone(), text });
        return clipped(&Place { source, span: place.span.clone() });
    }
    let (start, end) = first_line(text, place.span.start, place.span.end);
    let line_start = text[..start].rfind('\n').map_or(0, |i| i + 1);
    let before = text[..line_start.saturating_sub(1)].rfind('\n').map_or(0, |i| i + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |i| start + i);
    let rest = text.get(line_end + 1..).unwrap_or("");
    let after = rest.find('\n').map_or(text.len(), |i| line_end + 1 + i);
    let line = &text[line_start..line_end];
    // Bytes are no fewer than characters: nothing short is cut.
    if [&text[before..line_start], line, &text[line_end..after]]
        .iter()
        .all(|l| l.len() <= LONGEST_LINE)
    {
        return place.clone();
    }
    let head = |line: &str| match line.char_indices().nth(LONGEST_LINE) {
        Some((cut, _)) => format!("{}...", &line[..cut]),
        None => line.to_string(),
    };
    let mut out = text[..before].to_string();
    out.push_str(&head(text[before..line_start].trim_end_matches('\n')));
    if line_start > before {
        out.push('\n');
    }
    let (mut from, mut to) = (line_start, line_end);
    if line.len() > LONGEST_LINE {
        let back = text[line_start..start].char_indices().rev().nth(PART.1 - 1);
        from = back.map_or(line_start, |(i, _)| line_start + i);
        let cut = text[from..line_end].char_indices().nth(PART.0);
        to = cut.map_or(line_end, |(i, _)| from + i);
    }
    out.push_str(if from > line_start { "..." } else { "" });
    let moved = |at: usize| out.len() + at.clamp(from, to) - from;
    let span = moved(start)..moved(end);
    out.push_str(&text[from..to]);
    out.push_str(if to < line_end { "..." } else { "" });
    if line_end < text.len() {
        out.push('\n');
        out.push_str(&head(&text[line_end + 1..after]));
    }
    Place { source: Arc::new(Source { name: place.source.name.clone(), text: out }), span }
}

/// How many, and where: "3 errors, 1 warning in study.toml".
pub(super) fn count(found: &Diagnostics, name: &str) -> String {
    let errors = found.0.iter().filter(|d| d.severity == Severity::Error).count();
    let warnings = found.0.len() - errors;
    let words: Vec<String> = [(errors, "error"), (warnings, "warning")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}{}", if count == 1 { "" } else { "s" }))
        .collect();
    let mut files: Vec<&str> = Vec::new();
    for diagnostic in &found.0 {
        let file = diagnostic.place.as_ref().map_or(name, |p| p.source.name.as_str());
        if !files.contains(&file) {
            files.push(file);
        }
    }
    format!("{} in {}", words.join(", "), files.join(" and "))
}

/// The mistakes as a JSON list; those without a place are in the file `name`.
pub(super) fn json(found: &Diagnostics, name: &str) -> String {
    let all: Vec<Value> = found.0.iter().map(|d| one_as_json(d, name)).collect();
    format!("{:#}\n", Value::Array(all))
}

fn one_as_json(diagnostic: &Diagnostic, name: &str) -> Value {
    let place = diagnostic.place.as_ref();
    let start = place.map(Place::line_column);
    let end = place.map(|p| {
        let end = p.span.end.max(p.span.start);
        Place { source: p.source.clone(), span: end..end }.line_column()
    });
    json!({
        "severity": severity(diagnostic.severity),
        "message": diagnostic.message,
        "label": diagnostic.label,
        "help": diagnostic.help,
        "file": place.map_or(name, |p| p.source.name.as_str()),
        "line": start.map(|(line, _)| line),
        "column": start.map(|(_, column)| column),
        "end_line": end.map(|(line, _)| line),
        "end_column": end.map(|(_, column)| column),
    })
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Warning => "warning",
        _ => "error",
    }
}

/// A diagnostic as the renderer wants it.
#[derive(Debug)]
struct Shown {
    diagnostic: Diagnostic,
    /// Column of the place in the whole text, from 0.
    column: usize,
}

impl Shown {
    fn new(diagnostic: &Diagnostic, width: usize) -> Shown {
        let mut one = wrapped(diagnostic, width);
        let column = one.place.as_ref().map_or(0, |p| p.line_column().1 - 1);
        one.place = one.place.as_ref().map(clipped);
        Shown { diagnostic: one, column }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic.message)
    }
}

impl std::error::Error for Shown {}

impl miette::Diagnostic for Shown {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Warning => miette::Severity::Warning,
            _ => miette::Severity::Error,
        })
    }

    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        let help = self.diagnostic.help.as_ref()?;
        Some(Box::new(help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.diagnostic.place.as_ref().map(|_| self as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let place = self.diagnostic.place.as_ref()?;
        let (start, end) = first_line(&place.source.text, place.span.start, place.span.end);
        let label = self.diagnostic.label.clone();
        let label = LabeledSpan::new_primary_with_span(label, (start, end - start));
        Some(Box::new(std::iter::once(label)))
    }
}

impl SourceCode for Shown {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let place = self.diagnostic.place.as_ref().ok_or(MietteError::OutOfBounds)?;
        let contents = place.source.text.as_str().read_span(span, before, after)?;
        // The renderer counts bytes of what is shown; we count characters of the file, as
        // editors do.
        let column = if before == 0 { self.column } else { contents.column() };
        Ok(Box::new(MietteSpanContents::new_named(
            place.source.name.clone(),
            contents.data(),
            *contents.span(),
            contents.line(),
            column,
            contents.line_count(),
        )))
    }
}

/// The part of a span on its first line, on whole characters of the text.
fn first_line(text: &str, start: usize, end: usize) -> (usize, usize) {
    let mut start = start.min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let mut end = end.clamp(start, text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    let line = text.get(start..end).unwrap_or("").lines().next().unwrap_or("");
    (start, start + line.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found() -> Diagnostics {
        let text = "é = 1\nname = \"é\" # ok\nlist = [\n  1,\n]\n";
        let source = Arc::new(Source { name: "a.toml".into(), text: text.into() });
        let place = |part: &str| {
            let start = text.find(part).expect("part");
            Some(Place { source: source.clone(), span: start..start + part.len() })
        };
        Diagnostics(vec![
            Diagnostic::error("no good").at(place("# ok")).label("here").help("try again"),
            Diagnostic::warning("doubtful").at(place("[\n  1,\n]")),
            Diagnostic::error("no place"),
        ])
    }

    #[test]
    fn plain_text_has_places_and_no_colours() {
        let text = text(&found(), &Style::PLAIN);
        assert!(text.contains("[a.toml:2:12]"), "{text}");
        assert!(text.contains("[a.toml:3:8]"), "{text}");
        assert!(text.contains("error: no place"), "{text}");
        assert!(text.contains("help: try again"), "{text}");
        assert!(!text.contains('\u{1b}') && text.replace('é', "e").is_ascii(), "{text}");
    }

    #[test]
    fn a_terminal_gets_colours() {
        let style = Style { colour: true, unicode: true, width: 80 };
        let text = text(&found(), &style);
        assert!(text.contains("\u{1b}[") && text.contains('╭'), "{text}");
    }

    #[test]
    fn json_has_start_and_end() {
        let list: Value = serde_json::from_str(&json(&found(), "a.toml")).expect("JSON");
        assert_eq!(list[0]["line"], 2);
        assert_eq!(list[0]["column"], 12);
        assert_eq!(list[0]["end_column"], 16);
        assert_eq!(list[1]["severity"], "warning");
        assert_eq!((&list[1]["end_line"], &list[1]["end_column"]), (&json!(5), &json!(2)));
        assert_eq!((&list[2]["file"], &list[2]["line"]), (&json!("a.toml"), &Value::Null));
        assert_eq!(json(&Diagnostics::default(), "a.toml"), "[]\n");
    }

    #[test]
    fn lines_break_between_words_only() {
        assert_eq!(in_lines("give missing-codes here", 12), "give\nmissing-codes\nhere");
        assert_eq!(in_lines("accepted are\n  a: b c d", 7), "accepted\nare\n  a: b\n  c d");
        assert_eq!(in_lines("", 10), "");
    }

    #[test]
    fn long_lines_are_shown_in_part() {
        let line = format!("é = \"{}, x, {}\"", "a".repeat(5000), "b".repeat(5000));
        let text = format!("{}\n{line}\n{}\nlast\n", "c".repeat(900), "d".repeat(900));
        let start = text.find("x,").expect("part");
        let source = Arc::new(Source { name: "a.toml".into(), text: text.clone() });
        for span in [start..start + 1, start..text.len(), 901..902, 5..8] {
            let column = Place { source: source.clone(), span: span.clone() }.line_column();
            let place = Some(Place { source: source.clone(), span: span.clone() });
            let one = Diagnostic::error("no good").at(place).label("here");
            let shown = super::text(&one.into(), &Style::PLAIN);
            let at = format!("[a.toml:{}:{}]", column.0, column.1);
            assert!(shown.contains(&at), "{at} {shown}");
            assert!(shown.contains("here") && shown.contains("..."), "{shown}");
            assert!(shown.lines().all(|l| l.chars().count() < 250), "{shown}");
        }
    }

    #[test]
    fn counts() {
        assert_eq!(count(&found(), "a.toml"), "2 errors, 1 warning in a.toml");
        assert_eq!(count(&Diagnostics(found().0[1..2].to_vec()), "b"), "1 warning in a.toml");
        assert_eq!(count(&found(), "b"), "2 errors, 1 warning in a.toml and b");
        let nowhere = Diagnostics::from(Diagnostic::error("no place"));
        assert_eq!(count(&nowhere, "b"), "1 error in b");
    }

    #[test]
    fn any_span_can_be_shown() {
        for text in ["", "é", "a\nb", "\r\n\t\u{1F600}\n"] {
            let source = Arc::new(Source { name: "a".into(), text: text.into() });
            for start in 0..text.len() + 3 {
                for end in 0..text.len() + 3 {
                    let place = Place { source: source.clone(), span: start..end };
                    let one = Diagnostic::error("x").at(Some(place)).label("l");
                    let shown = super::text(&one.clone().into(), &Style::PLAIN);
                    assert!(shown.contains("error: x"), "{text:?} {start} {end}: {shown}");
                    json(&one.into(), "a");
                }
            }
        }
    }
}
