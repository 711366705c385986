//! Showing mistakes: in a terminal with the lines they are in, or as JSON for editors.

use std::env;
use std::fmt;
use std::io::{self, IsTerminal};

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents,
    SourceCode, SourceSpan, SpanContents, ThemeCharacters, ThemeStyles,
};
use rakewell::diagnostic::{Diagnostic, Diagnostics, Place, Severity};
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

/// The mistakes, each with the line it is in.
pub(super) fn text(found: &Diagnostics, style: &Style) -> String {
    let handler = GraphicalReportHandler::new_themed(style.theme())
        .with_width(style.width)
        .with_links(false)
        .with_wrap_lines(false)
        .with_context_lines(1);
    let mut out = String::new();
    for diagnostic in &found.0 {
        let mut one = String::new();
        match handler.render_report(&mut one, &Shown(&wrapped(diagnostic, style.width))) {
            Ok(()) => out.push_str(one.trim_start_matches('\n')),
            // The place cannot be drawn; the words still say it.
            Err(fmt::Error) => out.push_str(&format!("{diagnostic}\n")),
        }
        out.push('\n');
    }
    out
}

/// The diagnostic with its sentences in lines that fit; names with hyphens stay whole.
fn wrapped(diagnostic: &Diagnostic, width: usize) -> Diagnostic {
    let mut one = diagnostic.clone();
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

/// How many, and where: "3 errors, 1 warning in study.toml".
pub(super) fn count(found: &Diagnostics, name: &str) -> String {
    let errors = found.0.iter().filter(|d| d.severity == Severity::Error).count();
    let warnings = found.0.len() - errors;
    let words: Vec<String> = [(errors, "error"), (warnings, "warning")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}{}", if count == 1 { "" } else { "s" }))
        .collect();
    format!("{} in {name}", words.join(", "))
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
struct Shown<'a>(&'a Diagnostic);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl miette::Diagnostic for Shown<'_> {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.0.severity {
            Severity::Warning => miette::Severity::Warning,
            _ => miette::Severity::Error,
        })
    }

    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        let help = self.0.help.as_ref()?;
        Some(Box::new(help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.0.place.as_ref().map(|_| self as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let place = self.0.place.as_ref()?;
        let (start, end) = first_line(&place.source.text, place.span.start, place.span.end);
        let label = LabeledSpan::new_primary_with_span(self.0.label.clone(), (start, end - start));
        Some(Box::new(std::iter::once(label)))
    }
}

impl SourceCode for Shown<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let place = self.0.place.as_ref().ok_or(MietteError::OutOfBounds)?;
        let contents = place.source.text.as_str().read_span(span, before, after)?;
        // The renderer counts bytes; we count characters, as editors do.
        let at = Place { source: place.source.clone(), span: span.offset()..span.offset() };
        let column = if before == 0 { at.line_column().1 - 1 } else { contents.column() };
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
    use std::sync::Arc;

    use super::*;
    use rakewell::diagnostic::Source;

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
    fn counts() {
        assert_eq!(count(&found(), "a.toml"), "2 errors, 1 warning in a.toml");
        assert_eq!(count(&Diagnostics(found().0[1..2].to_vec()), "b"), "1 warning in b");
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
