//! Rules that a study keeps and that need no data to check.
//!
//! Each rule says what was found, where, and the way out. A rule is silent about a part of the
//! file whose structure is broken: that has been reported, and what stands there is a stand-in.

mod adjust;
mod choice;
mod combine;
mod contrast;
mod derive;
mod design;
mod estimate;
mod imputed;
mod join;
mod margins;
mod reference;
mod standard;
mod test;
mod variance;
mod weighting;

use crate::data::io::Charset;
use crate::diagnostic::Diagnostic;
use crate::toml_file::rules::{Rules, rounded};

use choice::{Choice, only_one};

use super::places::{KeyPath, Places};
use super::spec::{Format, Study};

pub(super) use margins::looks_like_shares;

/// All breaches of the rules; `bad` are the paths whose structure is broken.
pub(super) fn check(study: &Study, places: &Places, bad: &[KeyPath]) -> Vec<Diagnostic> {
    let mut rules = Rules::new(places, bad);
    let root = KeyPath::root();
    the_study(study, &mut rules, &root);
    rules.names(&root.key("include"), study.include.as_ref());
    data(study, &mut rules, &root.key("data"));
    join::check(&study.data.join, &mut rules, &root.key("data").key("join"));
    imputed::check(&study.data, &mut rules, &root.key("data"));
    derive::check(&study.derive, &mut rules, &root.key("derive"));
    design::check(study, &mut rules, &root.key("design"));
    variance::check(study, &mut rules, &root.key("variance"));
    weighting::check(study, &mut rules, &root.key("weighting"));
    estimate::estimates(study, &mut rules, &root);
    estimate::comparisons(study, &mut rules, &root.key("compare"));
    contrast::check(study, &mut rules, &root.key("contrast"));
    reference::check(study, &mut rules, &root);
    test::check(study, &mut rules, &root.key("test"));
    estimate::report(&study.report, &mut rules, &root.key("report"));
    rules.found
}

fn the_study(study: &Study, rules: &mut Rules<'_>, root: &KeyPath) {
    rules.filled(&root.key("title"), Some(&study.title));
    rules.filled(&root.key("where"), study.population.as_deref());
    let nothing = study.weighting.is_empty() && study.estimate.is_empty() && study.test.is_empty();
    if nothing && rules.sound(&root.key("weighting")) && rules.sound(&root.key("estimate")) {
        let title = root.key("title");
        rules.warning(
            &title,
            "the study asks for nothing: it has no `[[weighting]]`, no `[[estimate]]` and no `[[test]]`",
            "this study",
            "add a table such as `[[estimate]]` with `mean = \"…\"`",
        );
    }
}

/// The name of an encoding.
fn encoding(rules: &mut Rules<'_>, path: &KeyPath, name: Option<&str>) {
    if let Some(name) = name.filter(|n| Charset::named(n).is_none()) {
        rules.error(
            path,
            format!("no encoding is called `{name}`"),
            "not known",
            "write a name such as `latin1`, `windows-1252` or `utf-8`, or a code page such as \
             `cp850`; UTF-16 is found out from the mark that the file begins with",
        );
    }
}

fn data(study: &Study, rules: &mut Rules<'_>, path: &KeyPath) {
    let data = &study.data;
    let file = data.file.to_string_lossy();
    rules.file_path(&path.key("file"), Some(&data.file));
    encoding(rules, &path.key("encoding"), data.encoding.as_deref());
    rules.file_path(&path.key("catalogue"), data.catalogue.as_deref());
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
        (Some(Format::Csv | Format::Tsv), _) => ("text", &["catalogue", "sheet"]),
        (Some(Format::Excel | Format::Ods), _) | (None, "xlsx" | "xlsm" | "ods") => {
            ("a workbook", &["catalogue", "delimiter", "encoding"])
        }
        (Some(Format::Spss | Format::SpssPortable | Format::Stata), _)
        | (None, "sav" | "zsav" | "por" | "dta") => {
            ("a file of this format", &["catalogue", "delimiter", "missing-text", "sheet"])
        }
        (Some(Format::Parquet), _) | (None, "parquet" | "pq") => {
            let idle = &["catalogue", "delimiter", "encoding", "missing-text", "sheet"];
            ("a file of this format", idle)
        }
        (Some(_), _) | (None, "sas7bdat" | "xpt") => {
            ("a file of this format", &["delimiter", "encoding", "missing-text", "sheet"])
        }
        (None, "csv" | "txt" | "dat" | "tsv" | "tab") => ("text", &["catalogue", "sheet"]),
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
}
