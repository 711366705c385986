//! `rakewell check`, `init` and `schema`, as a user meets them.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

/// Runs the program in a folder; gives the exit code, standard output and standard error.
fn rakewell(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_rakewell"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code().expect("an exit code"), text(output.stdout), text(output.stderr))
}

fn folder_with(name: &str, content: impl AsRef<[u8]>) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join(name), content).expect("written");
    folder
}

/// The mistakes as (line, column, message).
fn mistakes(content: impl AsRef<[u8]>) -> Vec<(u64, u64, String)> {
    let folder = folder_with("study.toml", content);
    let (_, out, _) = rakewell(folder.path(), &["check", "study.toml", "--format", "json"]);
    let list: Vec<Value> = serde_json::from_str(&out).expect("a JSON list");
    list.iter()
        .map(|m| {
            let number = |key: &str| m[key].as_u64().unwrap_or(0);
            (number("line"), number("column"), m["message"].as_str().unwrap_or("").to_string())
        })
        .collect()
}

const BAD: &str = r#"title = 2025
[data]
fil = "responses.csv"
missing-codes = -9
[[derive]]
name = "é"
from = "x"
cut = { at = [60, 30] }
[design]
weight = "w"
probabilities = "p"
nested = "yes"
[[weighting]]
step = "raking"
[[weighting]]
step = "calibrate"
totals = { income = 1e9 }
distance = "logit"
[[weighting]]
step = "rake"
margins = "m.csv"
bounds = [0.3, 3, 4]
[[estimate]]
name = "gap"
mean = "y"
by = "g"
confidence = 95
[[estimate]]
name = "gap"
mean = "y"
total = "y"
[[compare]]
estimate = "gab"
"#;

const BAD_FOUND: [(u64, u64, &str); 14] = [
    (1, 9, "`title` must be text in quotes, not the number 2025"),
    (2, 1, "`[data]` has no `file`"),
    (3, 1, "`[data]` has no key `fil`"),
    (4, 17, "`missing-codes` must be a list of numbers, not the number -9"),
    (8, 19, "cut points ascend, but 30 comes after 60"),
    (11, 1, "the design has both `weight` and `probabilities`"),
    (12, 10, "`nested` must be `true` or `false`, not the text \"yes\""),
    (14, 8, "`step` cannot be \"raking\""),
    (18, 12, "the logit distance needs bounds"),
    (22, 10, "`bounds` must be a list of exactly 2 values, not of 3"),
    (27, 14, "a confidence level lies between 0 and 1, it cannot be 95"),
    (29, 8, "an estimate named `gap` is there already"),
    (31, 1, "the estimate has both `mean` and `total`"),
    (33, 12, "there is no estimate named `gab`"),
];

#[test]
fn all_mistakes_at_once_each_with_its_place() {
    let found = mistakes(BAD);
    let found: Vec<(u64, u64, &str)> = found.iter().map(|(l, c, m)| (*l, *c, &**m)).collect();
    assert_eq!(found, BAD_FOUND);
}

#[test]
fn the_text_shows_them_too() {
    let folder = folder_with("study.toml", BAD);
    let (code, out, err) = rakewell(folder.path(), &["check", "study.toml"]);
    assert_eq!((code, err.as_str()), (1, ""));
    for (line, column, message) in BAD_FOUND {
        assert!(out.contains(&format!("[study.toml:{line}:{column}]")), "{line}:{column}\n{out}");
        assert!(out.contains(&format!("error: {message}")), "{message}\n{out}");
    }
    assert!(out.ends_with("14 errors in study.toml\n"), "{out}");
    assert!(!out.contains('\u{1b}'), "no colours in a pipe");
}

#[test]
fn columns_count_characters() {
    let found = mistakes("title = \"é\"\nsource = { é = 1 }\n");
    assert_eq!(found[0].0, 2);
    let text = "title = \"T\"\n[data]\nfile = \"d\"\n[design]\nweight = \"w\"\n[[estimate]]\n\
        mean = \"y\"\nquantile = { of = \"é\", att = [0.5] }\n";
    let found = mistakes(text);
    let key = found.iter().find(|(_, _, m)| m.contains("`att`")).expect("the key");
    assert_eq!((key.0, key.1), (8, 24));
}

#[test]
fn a_warning_does_not_fail() {
    let content = "title = \"T\"\n[data]\nfile = \"d\"\n[design]\n[[estimate]]\nmean = \"y\"\n";
    let folder = folder_with("s.toml", content);
    let (code, out, _) = rakewell(folder.path(), &["check", "s.toml", "--no-data"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("warning: ") && out.contains("1 warning in s.toml. It has 1 estimate"));
}

#[test]
fn an_unknown_key_comes_with_a_suggestion() {
    let folder = folder_with("s.toml", "[design]\nlonely_psu = \"center\"\n");
    let (_, out, _) = rakewell(folder.path(), &["check", "s.toml"]);
    assert!(out.contains("`[design]` has no key `lonely_psu`"), "{out}");
    assert!(out.contains("did you mean `lonely-psu`?"), "{out}");
}

#[test]
fn mistakes_in_the_toml() {
    let found = mistakes("title = Survey\n[data]\nfile = \"d.csv\n[design]\n");
    let places: Vec<(u64, u64)> = found.iter().map(|(line, column, _)| (*line, *column)).collect();
    assert_eq!(places, [(1, 9), (3, 14)], "{found:?}");
}

#[test]
fn what_is_no_study_file() {
    let folder = folder_with("study.toml", "");
    let path = folder.path();
    fs::write(path.join("latin.toml"), b"title = \"T\"\nsource = \"caf\xe9\"\n").expect("written");
    fs::write(path.join("utf16.toml"), b"\xff\xfet\0i\0").expect("written");
    fs::write(path.join("data.csv"), "a,b\n1,2\n").expect("written");
    fs::write(path.join("zeros.bin"), vec![0; 9 << 20]).expect("written");
    fs::create_dir(path.join("folder")).expect("made");
    for (name, expected) in [
        ("study.toml", "study.toml is empty"),
        ("stduy.toml", "did you mean study.toml?"),
        ("study", "did you mean study.toml?"),
        ("unrelated.toml", "there is no file unrelated.toml"),
        ("nowhere/study.toml", "there is no folder nowhere either"),
        ("folder", "folder is a folder"),
        (".", "give a study file in it:"),
        ("latin.toml", "[latin.toml:2:14]"),
        ("utf16.toml", "it is UTF-16"),
        ("data.csv", "data.csv is a data file, not a study file"),
        ("zeros.bin", "larger than 8 MB"),
    ] {
        let (code, out, _) = rakewell(path, &["check", name]);
        assert_eq!(code, 1, "{name}: {out}");
        assert!(out.contains(expected), "{name}: {out}");
        let (_, out, _) = rakewell(path, &["check", name, "--format", "json"]);
        let list: Vec<Value> = serde_json::from_str(&out).expect("JSON");
        assert_eq!(list.len(), 1, "{name}: {out}");
        assert_eq!(list[0]["file"], name);
    }
}

#[test]
fn init_then_check() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path();
    let (code, out, _) = rakewell(path, &["init"]);
    assert_eq!(code, 0);
    assert!(out.contains("rakewell check study.toml"), "{out}");
    let (code, out, _) = rakewell(path, &["check", "study.toml"]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("there is no file `responses.csv`"), "{out}");
    let (code, out, _) = rakewell(path, &["check", "study.toml", "--no-data"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.starts_with("study.toml: no mistakes. It has 2 new variables"), "{out}");
    let args = ["check", "study.toml", "--no-data", "--format", "json"];
    let (code, out, _) = rakewell(path, &args);
    assert_eq!((code, out.as_str()), (0, "[]\n"));
}

#[test]
fn init_keeps_what_is_there() {
    let folder = folder_with("study.toml", "mine");
    let path = folder.path();
    let read = || fs::read_to_string(path.join("study.toml")).expect("read");
    let (code, _, err) = rakewell(path, &["init"]);
    assert_eq!(code, 1);
    assert!(err.contains("study.toml is there already"), "{err}");
    assert_eq!(read(), "mine");
    assert_eq!(rakewell(path, &["init", "--force"]).0, 0);
    assert!(read().starts_with("# A rakewell study"));
    let (code, _, err) = rakewell(path, &["init", "nowhere/study.toml"]);
    assert_eq!(code, 1);
    assert!(err.contains("there is no folder"), "{err}");
    fs::create_dir(path.join("new")).expect("made");
    assert_eq!(rakewell(path, &["init", "new"]).0, 0);
    assert!(path.join("new/study.toml").is_file());
}

#[test]
fn the_schema_is_json() {
    let folder = TempDir::new().expect("a folder");
    let (code, out, _) = rakewell(folder.path(), &["schema"]);
    assert_eq!(code, 0);
    let schema: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(schema, rakewell::study::json_schema());
    assert_eq!(rakewell(folder.path(), &["schema", "study"]).1, out);
}

#[test]
fn wrong_arguments_exit_with_2() {
    let folder = TempDir::new().expect("a folder");
    for arguments in [&[][..], &["check"], &["chekc", "x"], &["check", "x", "--format", "xml"]] {
        let (code, out, err) = rakewell(folder.path(), arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(!err.is_empty());
    }
    let (code, out, _) = rakewell(folder.path(), &["--version"]);
    assert_eq!((code, out), (0, format!("rakewell {}\n", env!("CARGO_PKG_VERSION"))));
    for arguments in [&["--help"][..], &["check", "--help"], &["init", "--help"]] {
        let (code, out, _) = rakewell(folder.path(), arguments);
        assert_eq!(code, 0);
        assert!(out.contains("Exit codes") || out.contains("Examples"), "{out}");
    }
}

/// Nobody reads the output: no panic, no complaint.
#[test]
#[cfg(unix)]
fn a_closed_pipe_is_no_fault() {
    use std::process::{Command, Stdio};
    let mut child = Command::new(env!("CARGO_BIN_EXE_rakewell"))
        .arg("schema")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

/// A file given to the wrong command is named for what it is.
#[test]
fn each_kind_of_file_has_its_command() {
    let example =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/understanding-society-style");
    let (code, out, _) = rakewell(&example, &["check", "population.toml"]);
    assert!(code == 0 && out.contains("3 outcomes and 4 margins"), "{out}");
    let (code, out, _) = rakewell(&example, &["check", "design.toml"]);
    assert!(code == 0 && out.contains("2 samples"), "{out}");
    let frame = ["--frame", "areas.csv"];
    for (arguments, told) in [
        (["plan", "study.toml"], "study.toml is a study file, not a design file"),
        (["plan", "population.toml"], "population.toml is a population file, not a design file"),
    ] {
        let (code, _, err) = rakewell(&example, &[&arguments[..], &frame[..]].concat());
        assert!(code == 1 && err.contains(told), "{err}");
        assert!(err.contains("it is for `rakewell "), "{err}");
        assert_eq!(err.matches("error").count(), 1, "{err}");
    }
    let (code, _, err) = rakewell(&example, &["run", "design.toml"]);
    assert!(code == 1 && err.contains("design.toml is a design file, not a study file"), "{err}");
    let (code, _, err) = rakewell(&example, &["populate", "study.toml", "--out", "never.parquet"]);
    assert!(code == 1 && err.contains("not a population file"), "{err}");
}
