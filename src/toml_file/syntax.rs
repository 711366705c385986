//! Mistakes in the TOML itself, in words that say what to do about them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

use crate::diagnostic::{Diagnostic, Diagnostics, Place, Source};

/// No more than this many are shown: the rest follows from the first, or the file is no TOML.
const MOST: usize = 20;

/// The errors of the parser as diagnostics, one per line at most.
pub(crate) fn explain(
    source: &Arc<Source>,
    document: &DeTable<'_>,
    errors: &[Error],
) -> Diagnostics {
    // The parser gives errors of grammar before those of values; on one line the first counts.
    let text = source.text.as_str();
    let starts: Vec<usize> =
        std::iter::once(0).chain(text.match_indices('\n').map(|(i, _)| i + 1)).collect();
    let line_of = |at: usize| starts.partition_point(|&start| start <= at);
    let mut by_line: BTreeMap<usize, (Range<usize>, &str)> = BTreeMap::new();
    let is_unclosed = |e: &Error| {
        e.message().starts_with("unclosed array") || e.message().starts_with("unclosed inline")
    };
    let open = unclosed(document, text).filter(|_| errors.iter().any(is_unclosed));
    for error in errors {
        let span = visible(text, error.span().unwrap_or(0..0));
        // What stands after an open bracket was read as a part of the list.
        if open.is_none_or(|start| span.start < start) {
            by_line.entry(line_of(span.start)).or_insert((span, error.message()));
        }
    }
    drop_consequences(&mut by_line, text);
    let place = |span: Range<usize>| Some(Place { source: source.clone(), span });
    let mut all: Vec<Diagnostic> = by_line
        .values()
        .take(MOST)
        .map(|(span, message)| reword(message, text, span).at(place(span.clone())))
        .collect();
    if let Some(start) = open {
        all.push(never_closed(text, start).at(place(start..start + 1)));
    }
    let more = by_line.len().saturating_sub(MOST);
    if more > 0 {
        all.push(
            Diagnostic::error(format!("{more} more lines are not TOML"))
                .help("mend the first ones and check again; is this the right file?"),
        );
    }
    Diagnostics(all)
}

/// Takes out the keys that are given twice because their table is.
fn drop_consequences(by_line: &mut BTreeMap<usize, (Range<usize>, &str)>, text: &str) {
    // The end of the table that is given for the second time.
    let mut until = 0;
    by_line.retain(|_, (span, message)| {
        if !message.starts_with("duplicate key") {
            return true;
        }
        let line_start = text[..span.start].rfind('\n').map_or(0, |i| i + 1);
        if text[line_start..].trim_start().starts_with('[') {
            until = text[span.end..].find("\n[").map_or(text.len(), |i| span.end + i);
            return true;
        }
        span.start >= until
    });
}

/// A span of at least one character, so that there is something to point at; on an empty rest
/// of a line, the last character before it.
fn visible(text: &str, span: Range<usize>) -> Range<usize> {
    let mut start = span.start.min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let mut end = span.end.clamp(start, text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    if start == end {
        let next = text.get(start..).and_then(|rest| rest.chars().next());
        if let Some(next) = next.filter(|c| !c.is_whitespace()) {
            end += next.len_utf8();
        }
    }
    start..end
}

/// Where the first list or inline table opens that does not close.
fn unclosed(document: &DeTable<'_>, text: &str) -> Option<usize> {
    document.iter().find_map(|(_, value)| unclosed_in(value, text))
}

fn unclosed_in(value: &Spanned<DeValue<'_>>, text: &str) -> Option<usize> {
    let raw = text.get(value.span()).unwrap_or("");
    match value.get_ref() {
        DeValue::Array(items) => {
            if raw.starts_with('[') && !raw.ends_with(']') {
                return Some(value.span().start);
            }
            items.iter().find_map(|item| unclosed_in(item, text))
        }
        DeValue::Table(table) => {
            if raw.starts_with('{') && !raw.ends_with('}') {
                return Some(value.span().start);
            }
            table.iter().find_map(|(_, value)| unclosed_in(value, text))
        }
        _ => None,
    }
}

fn never_closed(text: &str, start: usize) -> Diagnostic {
    let (what, open, close) =
        if text[start..].starts_with('[') { ("list", '[', ']') } else { ("table", '{', '}') };
    Diagnostic::error(format!("this {what} is never closed"))
        .label(format!("`{open}` without `{close}`"))
        .help(format!("put `{close}` after its last value"))
}

/// One error of the parser in our words.
fn reword(message: &str, text: &str, span: &Range<usize>) -> Diagnostic {
    let at = text.get(span.clone()).unwrap_or("");
    let before = text.get(..span.start).unwrap_or("");
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    let line_before = before.get(line_start..).unwrap_or("").trim();
    let is = |start: &str| message.starts_with(start);
    if is("string values must be quoted") {
        return unquoted(at, line_before);
    }
    if is("duplicate key") {
        let diagnostic = if line_before.starts_with("[[") {
            Diagnostic::error(format!("`{at}` is there already, and is no list of tables"))
        } else if line_before.starts_with('[') {
            Diagnostic::error(format!("the table `[{at}]` is given twice"))
        } else {
            Diagnostic::error(format!("`{at}` is given twice"))
        };
        return diagnostic.label("the second time").help(
            "keep one of the two; tables that can be repeated have double brackets, such as \
             `[[estimate]]`",
        );
    }
    if is("key with no value") {
        return Diagnostic::error("this line has no `=`")
            .label("`=` is missing")
            .help("write `key = value`, a header such as `[data]`, or a comment after `#`");
    }
    if is("unclosed table") || is("unclosed array table") {
        return Diagnostic::error("a header is not closed")
            .label("a bracket is missing")
            .help("write `[data]`, or `[[estimate]]` for a table that can be repeated");
    }
    if is("invalid basic string") || is("invalid literal string") {
        let quote = if is("invalid basic") { '"' } else { '\'' };
        return Diagnostic::error("this text is never closed")
            .label(format!("`{quote}` is missing"))
            .help(format!(
                "end the text with `{quote}`; a text of several lines stands between \
                 `{quote}{quote}{quote}` and `{quote}{quote}{quote}`"
            ));
    }
    if is("invalid multi-line") || is("invalid multiline") {
        return Diagnostic::error("this text of several lines is never closed")
            .label("the closing quotes are missing")
            .help("end the text with the three quotes it begins with");
    }
    if is("missing escaped value") || is("invalid escape") {
        return Diagnostic::error("a backslash between double quotes starts an escape")
            .label("not an escape")
            .help("for a path, use single quotes, 'C:\\data\\survey.csv', or forward slashes");
    }
    if is("invalid unquoted key") {
        return Diagnostic::error(format!("`{at}` cannot stand in a key without quotes"))
            .label("needs quotes")
            .help(
                "put the key in quotes: \"Schön\" = …; without quotes, only letters a–z, \
                   digits, `-` and `_`, with `=` after the key",
            );
    }
    if is("unexpected key or value") {
        return Diagnostic::error("something else follows on the same line")
            .label("a new line is missing")
            .help("one key on each line; a quote within a text is written \\\" ");
    }
    let (what, accepted) = match message.split_once(", expected ") {
        Some((what, accepted)) => (what, Some(accepted)),
        None => (message, None),
    };
    let diagnostic = Diagnostic::error(format!("not TOML: {what}")).label("here");
    match accepted.filter(|a| *a != "nothing") {
        Some(accepted) => diagnostic.help(format!("accepted here: {accepted}")),
        None => diagnostic.help("numbers are written 250, 0.95 or 1e9; texts stand in quotes"),
    }
}

fn unquoted(at: &str, line_before: &str) -> Diagnostic {
    let at = at.trim();
    if at.is_empty() {
        let key = line_before.trim_end_matches('=').trim();
        return Diagnostic::error(format!("`{key}` has no value"))
            .label("a value is missing")
            .help("write a value after `=`, or take the key out");
    }
    let help = match at.to_lowercase().as_str() {
        "true" | "yes" | "y" | "t" | "on" => "for yes, write `true`".to_string(),
        "false" | "no" | "n" | "f" | "off" => "for no, write `false`".to_string(),
        "na" | "null" | "none" | "nil" => "to leave a value open, take the key out".to_string(),
        _ => format!("put it in quotes: `\"{at}\"`"),
    };
    Diagnostic::error(format!("`{at}` is neither a number nor in quotes"))
        .label("needs quotes")
        .help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(text: &str) -> Vec<String> {
        let source = Arc::new(Source { name: "a.toml".into(), text: text.into() });
        let (document, errors) = DeTable::parse_recoverable(text);
        let found = explain(&source, document.get_ref(), &errors);
        found.0.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_slip_has_its_own_words() {
        for (text, expected) in [
            ("a = region", "1:5: `region` is neither a number nor in quotes (put it in quotes"),
            ("a = yes", "write `true`"),
            ("a = \n", "1:5: `a` has no value"),
            ("a = 1\na = 2\n", "2:1: `a` is given twice"),
            ("[a]\nx = 1\n[a]\nx = 2\n", "3:2: the table `[a]` is given twice"),
            ("a,b\n", "1:2: this line has no `=`"),
            ("[a\nb = 1\n", "1:3: a header is not closed"),
            ("a = \"x\nb = 1\n", "1:7: this text is never closed"),
            ("a = \"C:\\data\"\n", "a backslash between double quotes starts an escape"),
            ("é = 1\n", "1:1: `é` cannot stand in a key without quotes"),
            ("a = 'x' b = 'y'\n", "1:9: something else follows on the same line"),
            ("a = [1, 2\nb = 3\n", "1:5: this list is never closed"),
            ("a = {b = 1\n[c]\nd = 3\n", "1:5: this table is never closed"),
            ("a = 01\n", "1:5: not TOML: unexpected leading zero"),
            ("a = 2021-13-45\n", "accepted here: month between 01 and 12"),
        ] {
            let found = explained(text);
            assert_eq!(found.len(), 1, "{text:?}: {found:#?}");
            assert!(found[0].contains(expected), "{text:?}: {}", found[0]);
        }
    }

    #[test]
    fn several_on_several_lines() {
        let found = explained("a = x\nb = 1\nc = y\nd = \"open\n");
        assert_eq!(found.len(), 3, "{found:#?}");
    }

    #[test]
    fn a_data_file_is_not_listed_line_by_line() {
        let found = explained(&"1,2,3\n".repeat(5000));
        assert_eq!(found.len(), MOST + 1);
        assert!(found[MOST].contains("4980 more lines"), "{}", found[MOST]);
    }
}
