//! `rakewell describe` and `rakewell init --data`: what is in a data file, and a study drafted from it.

mod program;

use std::fs;
use std::path::{Path, PathBuf};

use program::{folder, rakewell};
use serde_json::Value;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/io").join(name)
}

fn described(folder: &Path, arguments: &[&str]) -> Value {
    let all = [&["describe", "--json"], arguments].concat();
    serde_json::from_str(&rakewell(folder, &all).done()).expect("JSON")
}

#[test]
fn a_file_is_described() {
    let mut data = String::from("pid,strata,psu,wt,sex,age,note\n");
    for i in 0..200 {
        let age = if i % 20 == 0 { -9 } else { 16 + i % 70 };
        data.push_str(&format!(
            "{i},{},{},{}.25,{},{age},text {i}\n",
            i / 50,
            i / 10,
            1 + i % 4,
            1 + i % 2
        ));
    }
    let folder = folder(&[("d.csv", &data)]);
    let ran = rakewell(folder.path(), &["describe", "d.csv"]);
    assert_eq!(ran.err, "");
    let out = ran.done();
    for text in [
        "d.csv: 200 rows, 7 columns",
        "wt      weight? its name, and 4 different values, all positive, mean 2.7500",
        "strata  stratum?",
        "psu     PSU? its name, and 20 different values, 10.0 rows each; each lies in one value of `strata`",
        "pid     identifier?",
        "May mean \"missing\": -9 in 1 variable",
        "may mean \"missing\": -9 (10 rows)",
    ] {
        assert!(out.contains(text), "{text}\n{out}");
    }
    let found = described(folder.path(), &["d.csv", "--variables", "s*,age"]);
    let names: Vec<&str> = found["variables"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|v| v["name"].as_str())
        .collect();
    assert_eq!(names, ["strata", "sex", "age"]);
    assert_eq!(
        found["variables"][1]["levels"][0],
        serde_json::json!({ "value": "1", "label": null, "count": 100 })
    );
    assert_eq!(found["variables"][2]["range"]["least"], -9.0);
    rakewell(folder.path(), &["describe", "d.csv", "--variables", "sxe"])
        .refused(&["did you mean `sex`?"]);
    rakewell(folder.path(), &["describe", "none.csv"]).refused(&["there is no"]);
    // A study drafted from it has no mistakes, and runs.
    rakewell(folder.path(), &["init", "--data", "d.csv"]).done();
    let study = fs::read_to_string(folder.path().join("study.toml")).expect("it");
    for line in [
        "weight = \"wt\"",
        "strata = \"strata\"",
        "clusters = \"psu\"",
        "missing-codes = [-9]",
        "mean = \"age\"",
        "by = \"sex\"",
    ] {
        assert!(study.contains(line), "{line}\n{study}");
    }
    rakewell(folder.path(), &["check", "study.toml"]).done();
    rakewell(folder.path(), &["init", "--data", "none.csv", "new.toml"]).refused(&["none.csv"]);
    assert!(!folder.path().join("new.toml").exists());
}

#[test]
fn a_wide_file_is_shown_in_lines() {
    let names: Vec<String> = (0..500).map(|i| format!("v{i}x")).collect();
    let row = |k: u32| vec![k.to_string(); 500].join(",");
    let folder = folder(&[("d.csv", &format!("{}\n{}\n{}\n", names.join(","), row(1), row(2)))]);
    let out = rakewell(folder.path(), &["describe", "d.csv"]).done();
    assert_eq!(out.lines().filter(|l| l.contains("2 levels")).count(), 500, "{out}");
    assert!(out.lines().count() < 510 && out.contains("--variables NAMES"));
}

#[test]
fn dates_are_shown_as_dates() {
    let folder = folder(&[]);
    fs::copy(fixture("haven_byte.sav"), folder.path().join("d.sav")).expect("copied");
    let found = described(folder.path(), &["d.sav"]);
    let kinds: Vec<(&str, &str, &Value)> = found["variables"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|v| !v["period"].is_null())
        .map(|v| (v["name"].as_str().unwrap_or(""), v["type"].as_str().unwrap_or(""), v))
        .collect();
    let all: Vec<&str> = kinds.iter().map(|k| k.1).collect();
    for kind in ["date", "datetime", "time"] {
        assert!(all.contains(&kind), "{kind}: {all:?}");
    }
    let out = rakewell(folder.path(), &["describe", "d.sav"]).done();
    for (name, kind, variable) in kinds {
        assert!(variable["range"].is_null(), "{name}");
        let first = variable["period"]["first"].as_str().expect("a text");
        assert!(first.contains(if kind == "time" { ':' } else { '-' }), "{name}: {first}");
        assert!(out.contains(&format!("  {first} to ")), "{first}: {out}");
        let below = format!("name = \"T\"\nvalue = \"{name} >= '2023-13-01'\"\n");
        let study = format!(
            "title = \"T\"\n[data]\nfile = \"d.sav\"\n[design]\n[[derive]]\n{below}\
             [[estimate]]\ntotal = \"T\"\n"
        );
        fs::write(folder.path().join("s.toml"), study).expect("written");
        let said = rakewell(folder.path(), &["check", "s.toml"]);
        assert!(said.out.contains("\"2023-13-01\" is not a valid"), "{}{}", said.out, said.err);
    }
    let draft = rakewell(folder.path(), &["init", "--data", "d.sav"]).done();
    assert!(draft.contains("wrote"), "{draft}");
}

#[test]
fn long_texts_are_shortened_in_the_terminal_alone() {
    let long = "a very long answer that goes on ".repeat(20);
    let folder = folder(&[("d.csv", &format!("t\n{}", format!("{long}\n").repeat(8)))]);
    let out = rakewell(folder.path(), &["describe", "d.csv"]).done();
    assert!(out.lines().all(|line| line.chars().count() < 120) && out.contains('…'), "{out}");
    let found = described(folder.path(), &["d.csv"]);
    assert_eq!(found["variables"][0]["levels"][0]["value"], long);
    rakewell(folder.path(), &["init", "--data", "d.csv"]).done();
    let study = fs::read_to_string(folder.path().join("study.toml")).expect("it");
    assert!(study.lines().all(|line| line.chars().count() < 140), "{study}");
}

#[test]
fn a_draft_names_its_data_from_where_it_stands() {
    let folder = folder(&[("d/d.csv", "a,b\n1,2\n3,4\n"), ("init/x/here", "")]);
    rakewell(folder.path(), &["init", "--data", "d/d.csv", "init/x/study.toml"]).done();
    let study = fs::read_to_string(folder.path().join("init/x/study.toml")).expect("it");
    assert!(study.contains("file = \"../../d/d.csv\"\n"), "{study}");
    rakewell(folder.path(), &["check", "init/x/study.toml"]).done();
    rakewell(&folder.path().join("d"), &["init", "--data", "./d.csv"]).done();
    let study = fs::read_to_string(folder.path().join("d/study.toml")).expect("it");
    assert!(study.contains("file = \"d.csv\"\n"), "{study}");
}
