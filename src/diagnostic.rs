//! Mistakes in the user's files: what, where, and the way out.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A file as the user wrote it, kept to point into.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// The path as the user gave it.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Where in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub source: Arc<Source>,
    /// Bytes of its text.
    pub span: Range<usize>,
}

impl Place {
    /// Line and column of the start, both from 1; columns count characters.
    pub fn line_column(&self) -> (usize, usize) {
        let end = self.span.start.min(self.source.text.len());
        let before = self.source.text.get(..end).unwrap_or("");
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |i| i + 1);
        (line, before[start..].chars().count() + 1)
    }
}

/// How serious a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Severity {
    /// Nothing is done.
    Error,
    /// The work goes on.
    Warning,
}

/// One mistake, with its place and the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How serious it is.
    pub severity: Severity,
    /// What was found, in one sentence without a full stop.
    pub message: String,
    /// Where, when it stands in a file the user wrote.
    pub place: Option<Place>,
    /// A few words shown at the place.
    pub label: Option<String>,
    /// What would be right: accepted values, the nearest name, the next step.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error without a place.
    pub fn error(message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            message: message.into(),
            place: None,
            label: None,
            help: None,
        }
    }

    /// A warning without a place.
    pub fn warning(message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(message) }
    }

    /// Adds where.
    #[must_use]
    pub fn at(mut self, place: Option<Place>) -> Diagnostic {
        self.place = place;
        self
    }

    /// Adds a few words shown at the place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Diagnostic {
        self.label = Some(label.into());
        self
    }

    /// Adds the way out.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            let (line, column) = place.line_column();
            write!(f, "{}:{line}:{column}: ", place.source.name)?;
        }
        f.write_str(&self.message)?;
        if let Some(help) = &self.help {
            write!(f, " ({help})")?;
        }
        Ok(())
    }
}

/// All the mistakes found, in file order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// True when at least one is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(one: Diagnostic) -> Diagnostics {
        Diagnostics(vec![one])
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, d) in self.0.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{d}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

/// The name among `known` that is nearest to `found`, if one is near enough to be a slip: at
/// most one in four characters differs, one more in all, and something stays the same.
pub fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = found.to_lowercase();
    let length = lower.chars().count();
    known
        .into_iter()
        .filter_map(|k| {
            // Names that differ much in length are never near; the cost of comparing grows with
            // the product of the lengths, and a file can have any.
            let own = k.chars().count();
            let allowed = 1 + length.max(own) / 4;
            if own.abs_diff(length) > allowed || own.max(length) > LONGEST_NAME {
                return None;
            }
            let distance = strsim::damerau_levenshtein(&lower, &k.to_lowercase());
            (distance <= allowed && distance < length.max(own)).then_some((distance, k))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, k)| k)
}

/// Longer names are not looked at for slips.
const LONGEST_NAME: usize = 200;

/// A text of at most so many characters; a longer one ends in an ellipsis.
///
/// ```
/// assert_eq!(rakewell::diagnostic::shortened("Wandsworth", 6), "Wands…");
/// ```
pub fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        None => Cow::Borrowed(text),
        Some(_) => Cow::Owned(text.chars().take(most.saturating_sub(1)).chain(['…']).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_finds_slips_only() {
        assert_eq!(nearest("ethnicty", ["ethnicity", "sex"]), Some("ethnicity"));
        assert_eq!(nearest("weight", ["ethnicity", "sex"]), None);
        assert_eq!(nearest("w", ["a", "wt"]), Some("wt"));
        assert_eq!(nearest("w", ["a", "b"]), None);
        assert_eq!(nearest("Ethnicité", ["ethnicite"]), Some("ethnicite"));
    }

    #[test]
    fn long_names_cost_nothing() {
        let (long, other) = ("a".repeat(1 << 22), "b".repeat(1 << 22));
        assert_eq!(nearest(&long, [other.as_str(), "a"]), None);
    }

    #[test]
    fn places_count_lines_and_characters() {
        let source = Arc::new(Source { name: "a.toml".into(), text: "é = 1\nx = 2\n".into() });
        let place = Place { source, span: 7..8 };
        assert_eq!(place.line_column(), (2, 1));
    }
}
