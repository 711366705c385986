//! The breaches of the rules of a file, and the rules that all files keep.
//!
//! Each rule says what was found, where, and the way out. A rule is silent about a part of the
//! file whose structure is broken: that has been reported, and what stands there is a stand-in.

use std::collections::HashMap;

use crate::diagnostic::{Diagnostic, Place};

use super::places::{KeyPath, Places};
use super::values::Names;

/// Where breaches are collected.
pub(crate) struct Rules<'a> {
    pub(crate) places: &'a Places,
    pub(crate) bad: &'a [KeyPath],
    pub(crate) found: Vec<Diagnostic>,
}

impl<'a> Rules<'a> {
    /// No breaches yet; `bad` are the paths whose structure is broken.
    pub(crate) fn new(places: &'a Places, bad: &'a [KeyPath]) -> Rules<'a> {
        Rules { places, bad, found: Vec::new() }
    }

    /// True when the structure of the value and of all within it is sound.
    pub(crate) fn sound(&self, path: &KeyPath) -> bool {
        !self.bad.iter().any(|b| b.is_within(path) || path.is_within(b))
    }

    /// True when the file holds a value there and it is sound.
    pub(crate) fn has(&self, path: &KeyPath) -> bool {
        self.places.contains(path) && self.sound(path)
    }

    /// An error at a value.
    pub(crate) fn error(
        &mut self,
        path: &KeyPath,
        message: impl Into<String>,
        label: &str,
        help: &str,
    ) {
        self.add(path, self.places.value(path), Diagnostic::error(message), label, help);
    }

    /// An error at a key, for what should not be there at all.
    pub(crate) fn error_at_key(
        &mut self,
        path: &KeyPath,
        message: String,
        label: &str,
        help: &str,
    ) {
        self.add(path, self.places.key(path), Diagnostic::error(message), label, help);
    }

    /// A warning at a key.
    pub(crate) fn warning(
        &mut self,
        path: &KeyPath,
        message: impl Into<String>,
        label: &str,
        help: &str,
    ) {
        self.add(path, self.places.key(path), Diagnostic::warning(message), label, help);
    }

    /// An error at a part of a value, such as a word of a formula.
    pub(crate) fn error_within(
        &mut self,
        path: &KeyPath,
        place: Place,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        if self.sound(path) {
            let mut diagnostic = Diagnostic::error(message).at(Some(place));
            diagnostic.help = help;
            self.found.push(diagnostic);
        }
    }

    fn add(&mut self, path: &KeyPath, at: Place, what: Diagnostic, label: &str, help: &str) {
        if self.sound(path) {
            self.found.push(what.at(Some(at)).label(label).help(help));
        }
    }

    /// Keys that mean nothing in this table as it is.
    pub(crate) fn no_meaning(&mut self, table: &KeyPath, keys: &[&str], why: &str, help: &str) {
        for key in keys {
            let path = table.key(*key);
            if self.has(&path) {
                self.error_at_key(&path, format!("`{key}` {why}"), "has no meaning here", help);
            }
        }
    }

    /// A text that must say something.
    pub(crate) fn filled(&mut self, path: &KeyPath, text: Option<&str>) {
        if text.is_some_and(|t| t.trim().is_empty()) {
            self.error(
                path,
                format!("{path} is empty"),
                "nothing between the quotes",
                "write what it should be, or take the key out",
            );
        }
    }

    /// A path that must say something, without the characters of misread escapes.
    pub(crate) fn file_path(&mut self, path: &KeyPath, file: Option<&std::path::Path>) {
        let Some(file) = file.map(|f| f.to_string_lossy()) else { return };
        self.filled(path, Some(&file));
        if file.contains(char::is_control) {
            self.error(
                path,
                format!("{path} has a line break or another control character in it"),
                "a backslash here starts an escape",
                "use single quotes, 'C:\\data\\new.csv', or forward slashes",
            );
        }
    }

    /// Names that must be at least one, not empty, and different.
    pub(crate) fn names(&mut self, path: &KeyPath, names: Option<&Names>) {
        match names {
            None => {}
            Some(Names::One(name)) => self.filled(path, Some(name)),
            Some(Names::Many(names)) if names.is_empty() => self.error(
                path,
                format!("{path} is an empty list"),
                "no names",
                "name at least one variable, or take the key out",
            ),
            Some(Names::Many(names)) => {
                for (i, name) in names.iter().enumerate() {
                    self.filled(&path.index(i), Some(name));
                }
                self.different(path, names);
            }
        }
    }

    /// Texts of a list that must differ.
    pub(crate) fn different<S: AsRef<str>>(&mut self, path: &KeyPath, texts: &[S]) {
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for (i, text) in texts.iter().enumerate() {
            let text = text.as_ref();
            if let Some(first) = seen.get(text) {
                self.error(
                    &path.index(i),
                    format!("{path} names `{text}` twice"),
                    "the second time",
                    &format!("take out one of the two; the first is item {}", first + 1),
                );
            } else {
                seen.insert(text, i);
            }
        }
    }

    /// Names of several tables that must differ, whatever the case of their letters.
    pub(crate) fn unique<'t>(
        &mut self,
        what: &str,
        names: impl Iterator<Item = (KeyPath, &'t str)>,
    ) {
        let mut seen: HashMap<String, (KeyPath, &str)> = HashMap::new();
        for (path, name) in names {
            match seen.get(&name.to_lowercase()) {
                Some((first, _)) if !self.sound(first) => {}
                Some((first, other)) => {
                    let first_is = self.first_is(first, &path);
                    let as_name = if *other == name {
                        String::new()
                    } else {
                        format!(" (as `{other}`; upper and lower case do not count)")
                    };
                    self.error(
                        &path,
                        format!("{what} `{name}` is there already"),
                        "the second of this name",
                        &format!("choose another name; {first_is}{as_name}"),
                    );
                }
                None => {
                    seen.insert(name.to_lowercase(), (path, name));
                }
            }
        }
    }

    /// Where the first of two stands, as seen from the second.
    pub(crate) fn first_is(&self, first: &KeyPath, second: &KeyPath) -> String {
        let (first, second) = (self.places.value(first), self.places.value(second));
        let (line, _) = first.line_column();
        if first.source.name == second.source.name {
            format!("the first is on line {line}")
        } else {
            format!("the first is in {}, line {line}", first.source.name)
        }
    }

    /// A name for `[[compare]]` and for file names.
    pub(crate) fn slug(&mut self, path: &KeyPath, name: Option<&str>) {
        let Some(name) = name else { return };
        let good = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let edges = name.starts_with('-') || name.ends_with('-');
        if name.is_empty() || edges || !name.chars().all(good) {
            let suggestion = slug_of(name);
            let help = if suggestion.is_empty() {
                "write letters a–z, digits and hyphens, such as `by-region`".to_string()
            } else {
                format!("write letters a–z, digits and hyphens, such as `{suggestion}`")
            };
            let message = if name.is_empty() {
                "the name is empty".to_string()
            } else if name.chars().all(good) {
                format!("the name {name:?} begins or ends with a hyphen")
            } else {
                format!("the name {name:?} has other characters than letters, digits and hyphens")
            };
            self.error(path, message, "letters, digits and hyphens only", &help);
        }
    }

    /// A confidence level.
    pub(crate) fn confidence(&mut self, path: &KeyPath, level: Option<f64>) {
        let Some(level) = level.filter(|l| *l <= 0.0 || *l >= 1.0) else { return };
        let help = if (1.0..100.0).contains(&level) && level > 1.0 {
            format!("write {} for {level} %", rounded(level / 100.0))
        } else {
            "write 0.95 for 95 %".to_string()
        };
        self.error(
            path,
            format!("a confidence level lies between 0 and 1, it cannot be {level}"),
            "not between 0 and 1",
            &help,
        );
    }
}

/// A number without the noise of its last digits.
pub(crate) fn rounded(number: f64) -> f64 {
    (number * 1e12).round() / 1e12
}

fn slug_of(name: &str) -> String {
    let mapped: String = name
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    mapped.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    #[test]
    fn slugs() {
        assert_eq!(super::slug_of("Mean income (£)"), "mean-income");
        assert_eq!(super::slug_of("?"), "");
    }
}
