//! Rules that a study keeps and that need no data to check.
//!
//! Each rule says what was found, where, and the way out. A rule is silent about a part of the
//! file whose structure is broken: that has been reported, and what stands there is a stand-in.

mod adjust;
mod combine;
mod derive;
mod design;
mod estimate;
mod imputed;
mod join;
mod standard;
mod variance;
mod weighting;

use std::collections::HashMap;

use crate::data::io::Charset;
use crate::diagnostic::{Diagnostic, Place};

use super::places::{KeyPath, Places};
use super::spec::{Format, Names, Study};

/// All breaches of the rules; `bad` are the paths whose structure is broken.
pub(super) fn check(study: &Study, places: &Places, bad: &[KeyPath]) -> Vec<Diagnostic> {
    let mut rules = Rules { places, bad, found: Vec::new() };
    let root = KeyPath::root();
    the_study(study, &mut rules, &root);
    rules.names(&root.key("include"), study.include.as_ref());
    data(study, &mut rules, &root.key("data"));
    join::check(&study.data.join, &mut rules, &root.key("data").key("join"));
    imputed::check(&study.data, &mut rules, &root.key("data"));
    derive::check(&study.derive, &mut rules, &root.key("derive"));
    design::check(study, &mut rules, &root.key("design"));
    variance::check(study, &mut rules, &root.key("variance"));
    weighting::check(&study.weighting, &mut rules, &root.key("weighting"));
    estimate::estimates(study, &mut rules, &root);
    estimate::comparisons(study, &mut rules, &root.key("compare"));
    estimate::report(&study.report, &mut rules, &root.key("report"));
    rules.found
}

/// Where breaches are collected.
struct Rules<'a> {
    places: &'a Places,
    bad: &'a [KeyPath],
    found: Vec<Diagnostic>,
}

impl Rules<'_> {
    /// True when the structure of the value and of all within it is sound.
    fn sound(&self, path: &KeyPath) -> bool {
        !self.bad.iter().any(|b| b.is_within(path) || path.is_within(b))
    }

    /// True when the file holds a value there and it is sound.
    fn has(&self, path: &KeyPath) -> bool {
        self.places.contains(path) && self.sound(path)
    }

    /// An error at a value.
    fn error(&mut self, path: &KeyPath, message: impl Into<String>, label: &str, help: &str) {
        self.add(path, self.places.value(path), Diagnostic::error(message), label, help);
    }

    /// An error at a key, for what should not be there at all.
    fn error_at_key(&mut self, path: &KeyPath, message: String, label: &str, help: &str) {
        self.add(path, self.places.key(path), Diagnostic::error(message), label, help);
    }

    /// A warning at a key.
    fn warning(&mut self, path: &KeyPath, message: impl Into<String>, label: &str, help: &str) {
        self.add(path, self.places.key(path), Diagnostic::warning(message), label, help);
    }

    fn add(&mut self, path: &KeyPath, at: Place, what: Diagnostic, label: &str, help: &str) {
        if self.sound(path) {
            self.found.push(what.at(Some(at)).label(label).help(help));
        }
    }

    /// Keys that mean nothing in this table as it is.
    fn no_meaning(&mut self, table: &KeyPath, keys: &[&str], why: &str, help: &str) {
        for key in keys {
            let path = table.key(*key);
            if self.has(&path) {
                self.error_at_key(&path, format!("`{key}` {why}"), "has no meaning here", help);
            }
        }
    }

    /// A text that must say something.
    fn filled(&mut self, path: &KeyPath, text: Option<&str>) {
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
    fn file_path(&mut self, path: &KeyPath, file: Option<&std::path::Path>) {
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

    /// The name of an encoding.
    fn encoding(&mut self, path: &KeyPath, name: Option<&str>) {
        if let Some(name) = name.filter(|n| Charset::named(n).is_none()) {
            self.error(
                path,
                format!("no encoding is called `{name}`"),
                "not known",
                "write a name such as `latin1`, `windows-1252` or `utf-8`, or a code page such as \
                 `cp850`; UTF-16 is found out from the mark that the file begins with",
            );
        }
    }

    /// Names that must be at least one, not empty, and different.
    fn names(&mut self, path: &KeyPath, names: Option<&Names>) {
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
    fn different<S: AsRef<str>>(&mut self, path: &KeyPath, texts: &[S]) {
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
    fn unique<'t>(&mut self, what: &str, names: impl Iterator<Item = (KeyPath, &'t str)>) {
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
    fn first_is(&self, first: &KeyPath, second: &KeyPath) -> String {
        let (first, second) = (self.places.value(first), self.places.value(second));
        let (line, _) = first.line_column();
        if first.source.name == second.source.name {
            format!("the first is on line {line}")
        } else {
            format!("the first is in {}, line {line}", first.source.name)
        }
    }

    /// A name for `[[compare]]` and for file names.
    fn slug(&mut self, path: &KeyPath, name: Option<&str>) {
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
            self.error(
                path,
                format!("the name {name:?} cannot be part of a file name"),
                "letters, digits and hyphens only",
                &help,
            );
        }
    }

    /// A confidence level.
    fn confidence(&mut self, path: &KeyPath, level: Option<f64>) {
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
fn rounded(number: f64) -> f64 {
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

fn the_study(study: &Study, rules: &mut Rules<'_>, root: &KeyPath) {
    rules.filled(&root.key("title"), Some(&study.title));
    rules.filled(&root.key("where"), study.population.as_deref());
    let nothing = study.weighting.is_empty() && study.estimate.is_empty();
    if nothing && rules.sound(&root.key("weighting")) && rules.sound(&root.key("estimate")) {
        let title = root.key("title");
        rules.warning(
            &title,
            "the study asks for nothing: it has no `[[weighting]]` and no `[[estimate]]`",
            "this study",
            "add a table such as `[[estimate]]` with `mean = \"…\"`",
        );
    }
}

fn data(study: &Study, rules: &mut Rules<'_>, path: &KeyPath) {
    let data = &study.data;
    let file = data.file.to_string_lossy();
    rules.file_path(&path.key("file"), Some(&data.file));
    rules.encoding(&path.key("encoding"), data.encoding.as_deref());
    if matches!(data.delimiter, Some('"' | '\n' | '\r')) {
        rules.error(
            &path.key("delimiter"),
            "a quote or a line break cannot separate fields",
            "not a delimiter",
            "give the character between the fields, such as \",\" or \";\" or \"\\t\"",
        );
    }
    let ending = file.rsplit('.').next().unwrap_or("").to_lowercase();
    let (kind, idle): (_, &[&str]) = match (data.format, ending.as_str()) {
        (Some(Format::Csv | Format::Tsv), _) => ("text", &["sheet"]),
        (Some(Format::Excel | Format::Ods), _) | (None, "xlsx" | "xlsm" | "ods") => {
            ("a workbook", &["delimiter", "encoding"])
        }
        (Some(Format::Spss | Format::Stata), _) | (None, "sav" | "zsav" | "dta") => {
            ("a file of this format", &["delimiter", "missing-text", "sheet"])
        }
        (Some(_), _) | (None, "parquet" | "pq" | "sas7bdat" | "xpt") => {
            ("a file of this format", &["delimiter", "encoding", "missing-text", "sheet"])
        }
        (None, "csv" | "txt" | "dat" | "tsv" | "tab") => ("text", &["sheet"]),
        _ => ("", &[]),
    };
    for &key in idle {
        let key_path = path.key(key);
        if rules.has(&key_path) {
            let message = format!("`{key}` does nothing for {kind}");
            rules.warning(&key_path, message, "is for files of other formats", "take it out");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::study::from_text;

    /// Checks that a study with the given tables has exactly the given mistakes.
    pub(super) fn expect(tables: &str, expected: &[&str]) {
        let with = |key: &str| tables.contains(key);
        let mut text = String::from("title = \"T\"\n");
        if !with("[data]") {
            text.push_str("[data]\nfile = \"d.csv\"\n");
        }
        if !with("[design") {
            text.push_str("[design]\nweight = \"w\"\n");
        }
        text.push_str(tables);
        if !with("[[estimate]]") {
            text.push_str("\n[[estimate]]\nname = \"e\"\nmean = \"y\"\nby = [\"g\", \"h\"]\n");
        }
        let found = match from_text("s.toml", &text) {
            Ok(loaded) => loaded.warnings,
            Err(found) => found,
        };
        let found: Vec<String> = found.0.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), expected.len(), "{tables}\n{found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.contains(expected), "{tables}\nfound {found}\nexpected {expected}");
        }
    }

    #[test]
    fn a_study_says_something() {
        let text = "title = \" \"\n[data]\nfile = \"\"\n[design]\nweight = \"w\"\n";
        let found = from_text("s.toml", text).expect_err("mistakes").to_string();
        assert!(found.contains("1:9: `title` is empty"), "{found}");
        assert!(found.contains("1:1: the study asks for nothing"), "{found}");
        assert!(found.contains("3:8: `file` is empty"), "{found}");
    }

    #[test]
    fn data_files() {
        expect("[data]\nfile = \"C:\\new.csv\"\n", &["`file` has a line break"]);
        expect("[data]\nfile = \"d.csv\"\ndelimiter = \"\\t\"\n", &[]);
        expect("[data]\nfile = \"d.csv\"\ndelimiter = \"\\n\"\n", &["cannot separate fields"]);
        expect("[data]\nfile = \"d.parquet\"\ndelimiter = \";\"\n", &["does nothing"]);
        expect(
            "[data]\nfile = \"d\"\nformat = \"parquet\"\nmissing-text = []\n",
            &["does nothing"],
        );
        expect("[data]\nfile = \"d.parquet\"\nformat = \"csv\"\nmissing-text = []\n", &[]);
        expect("[data]\nfile = \"d.sav\"\nsheet = \"S\"\n", &["`sheet` does nothing"]);
        expect("[data]\nfile = \"d.ods\"\nsheet = \"S\"\nmissing-text = []\n", &[]);
    }

    #[test]
    fn slugs() {
        assert_eq!(super::slug_of("Mean income (£)"), "mean-income");
        assert_eq!(super::slug_of("?"), "");
    }
}
