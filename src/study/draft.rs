//! A study file drafted from a data file.

use std::fmt::Write;
use std::path::Path;

use crate::describe::{Description, Guess, Role, Type, Variable, is_free};
use crate::diagnostic::shortened;

/// Columns that are listed with their levels; of the others the name is enough.
const LISTED: usize = 200;
/// Levels that are listed of a column.
const LEVELS: usize = 8;
/// Characters that are shown of a level, and of the label of a column.
const LEVEL: usize = 40;
const LABEL: usize = 80;
/// A variable with more levels makes no table to start from.
const DOMAINS: usize = 12;

/// A commented study file for the data: the columns found, and guesses marked as such. It has no
/// mistakes in its structure; whether the guesses are right is for a person to say.
///
/// `file` is the data file as the study file is to name it.
pub fn draft(found: &Description, file: &Path) -> String {
    let mut out = String::from(
        "# A rakewell study, drafted from the data. What is marked GUESS was taken from the names and\n\
         # values of columns: check it. `rakewell check` shows every mistake in this file.\n\n",
    );
    let name = file.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
    let title = if name.trim().is_empty() { "Study".to_string() } else { name };
    push(&mut out, &format!("title = {}\n\n[data]", quoted(&title)));
    push(&mut out, &format!("file = {}", quoted(&file.display().to_string())));
    if !found.likely_missing.is_empty() {
        let codes: Vec<String> = found.likely_missing.iter().map(|(c, _)| format!("{c}")).collect();
        push(&mut out, "# GUESS: negative whole numbers in variables that have none otherwise");
        push(&mut out, &format!("missing-codes = [{}]", codes.join(", ")));
    }
    design(found, &mut out);
    estimates(found, &mut out);
    push(&mut out, "\n# What to write, beside this file.\n[report]\nfolder = \"output\"");
    columns(found, &mut out);
    out
}

fn push(out: &mut String, line: &str) {
    // Writing to a text cannot fail.
    let _ = writeln!(out, "{line}");
}

/// A text as TOML writes it in one line: as JSON does, and with the one character more that TOML
/// wants escaped.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}

/// A text in a comment: one line, without control characters.
fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn design(found: &Description, out: &mut String) {
    push(out, "\n# How the sample was drawn, as far as the variance needs it.\n[design]");
    let all = |role: Role| found.guesses.iter().filter(move |g| g.role == role);
    let mut line = |key: &str, role: Role, example: &str| {
        let mut guesses = all(role);
        match guesses.next() {
            None => push(out, &format!("#{key} = \"{example}\"")),
            Some(first) => {
                push(out, &format!("# GUESS: {}", comment(&first.reason)));
                push(out, &format!("{key} = {}", quoted(&first.variable)));
                for other in guesses.take(LISTED) {
                    push(
                        out,
                        &format!("# or {}: {}", comment(&other.variable), comment(&other.reason)),
                    );
                }
            }
        }
    };
    line("weight", Role::Weight, "design_weight");
    let replicates = all(Role::ReplicateWeights).next();
    if replicates.is_none() {
        line("strata", Role::Stratum, "stratum");
        line("clusters", Role::Psu, "psu");
        let repeat = |g: &Guess| g.reason.contains("nested = true");
        let nested = if all(Role::Psu).any(repeat) { "" } else { "#" };
        push(out, &format!("{nested}nested = true   # PSU numbers begin again in every stratum"));
        push(
            out,
            "#lonely-psu = \"center\"   # a stratum with one PSU: error (default), center, …",
        );
    }
    if let Some(series) = replicates {
        push(out, &format!("# GUESS: {}", comment(&series.reason)));
        // Replicates go with a weight.
        let off = if all(Role::Weight).next().is_some() { "" } else { "#" };
        push(out, &format!("{off}[design.replicates]"));
        push(out, &format!("{off}columns = {}", quoted(&series.variable)));
        push(out, &format!("{off}method = \"bootstrap\"   # GUESS: look up how they were made"));
    }
}

fn estimates(found: &Description, out: &mut String) {
    let free = || found.variables.iter().filter(|v| is_free(v, &found.guesses));
    let group = free().find(|v| {
        v.kind == Type::Category && (2..=DOMAINS).contains(&v.levels.len()) && v.valid > 0
    });
    let is_group = |v: &Variable| group.is_some_and(|g| g.name == v.name);
    let number = free().find(|v| v.kind == Type::Number && v.valid > 0);
    let other = free().find(|v| {
        v.kind == Type::Category && !is_group(v) && v.levels.len() <= DOMAINS && v.levels.len() > 1
    });
    push(
        out,
        "\n# Weighting steps would stand here: `rakewell init` alone writes a file that shows them.",
    );
    push(out, "\n# Estimates. GUESS: the first columns that could be an outcome and a group.");
    let statistic = match (number, other, group) {
        (Some(v), _, _) => format!("mean = {}", quoted(&v.name)),
        (None, Some(v), _) | (None, None, Some(v)) => format!("proportion = {}", quoted(&v.name)),
        (None, None, None) => {
            push(out, "#[[estimate]]\n#mean = \"…\"\n#by = \"…\"");
            return;
        }
    };
    push(out, &format!("[[estimate]]\n{statistic}"));
    let own = number.is_some() || other.is_some();
    if let Some(group) = group.filter(|_| own) {
        push(out, &format!("by = {}", quoted(&group.name)));
    }
}

fn columns(found: &Description, out: &mut String) {
    push(out, &format!("\n# The {} columns of the data", found.columns));
    for variable in found.variables.iter().take(LISTED) {
        let label = variable.label.as_ref();
        let label = label.map_or(String::new(), |l| format!(" ({})", shortened(l, LABEL)));
        let levels: Vec<String> = variable
            .levels
            .iter()
            .take(LEVELS)
            .map(|l| shortened(l.label.as_deref().unwrap_or(&l.value), LEVEL).into_owned())
            .collect();
        let more = if variable.levels.len() > LEVELS { ", …" } else { "" };
        let what = match (variable.kind, variable.range, &variable.period) {
            (Type::Category, ..) => format!("{}{more}", levels.join(", ")),
            (Type::Number, Some(range), _) => format!("{} to {}", range.least, range.most),
            (_, _, Some(period)) => format!("{} to {}", period.first, period.last),
            (Type::Empty, ..) => "no values".to_string(),
            _ => "text".to_string(),
        };
        push(out, &comment(&format!("#   {}{label}: {what}", variable.name)));
    }
    if found.variables.len() > LISTED {
        let more = found.variables.len() - LISTED;
        push(out, &format!("#   and {more} more: `rakewell describe` shows them"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::from_text;

    fn drafted(csv: &str) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a \"b\".csv");
        std::fs::write(&path, csv).expect("written");
        let found = crate::describe::file(&path, None).expect("described");
        draft(&found, Path::new("a \"b\".csv"))
    }

    #[test]
    fn a_draft_has_no_mistakes() {
        let rows: String = (0..60)
            .map(|i| {
                format!("{i},{},{},{}.5,{},{}\n", i / 20, i / 5, i % 7, -9 + 30 * (i % 2), i % 3)
            })
            .collect();
        let text = drafted(&format!("id,strata,psu,weight,\"age\nnow\",\"s\\x\"\n{rows}"));
        for line in [
            "weight = \"weight\"",
            "strata = \"strata\"",
            "clusters = \"psu\"",
            "missing-codes = [-9]",
        ] {
            assert!(text.contains(&format!("\n{line}\n")), "{line}\n{text}");
        }
        let loaded = from_text("study.toml", &text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        assert_eq!(loaded.warnings.0, []);
        assert_eq!(loaded.study.design.weight.as_deref(), Some("weight"));
    }

    #[test]
    fn strange_files_make_sound_drafts() {
        for csv in ["a\n1\n", "a,b\n,\n,\n", "x\n\u{7}\n\"\u{1b}[31m\"\n", "w1\n0.5\n1.5\n"] {
            let text = drafted(csv);
            if let Err(found) = from_text("study.toml", &text) {
                panic!("{found}\n{text}");
            }
        }
        let header: Vec<String> = (1..=20).map(|i| format!("repw{i}")).collect();
        let row = |x: f64| {
            (1..=20).map(|i| format!("{}", x + f64::from(i))).collect::<Vec<_>>().join(",")
        };
        let text = drafted(&format!("{}\n{}\n{}\n", header.join(","), row(0.5), row(1.25)));
        assert!(text.contains("columns = \"repw*\""), "{text}");
        assert!(from_text("study.toml", &text).is_ok(), "{text}");
    }
}
