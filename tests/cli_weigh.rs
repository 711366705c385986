//! `rakewell weigh` and `rakewell diff`: weights alone, replayed, compared; samples that were not drawn.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;

fn rakewell(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rakewell"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

#[track_caller]
fn refused(output: &Output, expected: &[&str]) {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    // Long lines are wrapped.
    let flat = said.replace(['│', '|'], " ").split_whitespace().collect::<Vec<_>>().join(" ");
    for expected in expected {
        assert!(flat.contains(expected), "{expected}: {said}");
    }
}

/// A survey of 240 adults with nonresponse, households, three groups.
fn data() -> String {
    let mut csv = String::from("id,w,adults,ok,sex,age,group,y\n");
    for i in 0..240_u64 {
        let hash = i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
        let group = ["A", "B", "C"][if i % 10 == 0 { 2 } else { (i % 2) as usize }];
        let _ = writeln!(
            csv,
            "{},{},{},{},{},{},{group},{}",
            1000 + i,
            2.0 + (hash % 7) as f64,
            1 + hash % 6,
            u8::from(hash % 5 != 0),
            ["F", "M"][(hash % 2) as usize],
            ["young", "middle", "old"][((hash / 3) % 3) as usize],
            u8::from(hash % 3 == 0),
        );
    }
    csv
}

const STUDY: &str = r#"
title = "Weights"

[data]
file = "data.csv"

[design]
weight = "w"

[[weighting]]
step = "selection"
eligible-count = "adults"
cap = 4

[[weighting]]
step = "nonresponse"
responded = "ok == 1"
classes = ["sex"]

[[weighting]]
step = "rake"
[[weighting.margin]]
by = "sex"
totals = { F = 2000, M = 1800 }
[[weighting.margin]]
by = "age"
totals = { young = 1400, middle = 1300, old = 1100 }

[[weighting]]
step = "trim"
upper = { percentile = 0.98 }
keep-margins = "exact"

[[estimate]]
name = "y"
proportion = "y"
by = "group"

[report]
keep = ["id"]
"#;

fn study(folder: &Path) {
    fs::write(folder.join("data.csv"), data()).expect("written");
    fs::write(folder.join("study.toml"), STUDY).expect("written");
}

#[test]
fn weights_are_made_and_made_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    study(here);
    let said = done(&rakewell(here, &["weigh", "study.toml"]));
    for part in [
        "Weights by group",
        "Largest weights",
        "Bias and variance traded by step 5, trim",
        "factors capped at 4",
        "keeping the totals of step 4",
        "output/weights.csv",
        "output/ledger.json",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(said.contains("id 1"), "cases have their names: {said}");
    assert!(!here.join("output/report.html").exists());
    let weights = fs::read(here.join("output/weights.csv")).expect("weights");
    assert!(weights.starts_with(b"id,base_weight,weight\n"));
    // The final weights meet the margins.
    let table = text(&weights);
    let sum: f64 = table
        .lines()
        .skip(1)
        .map(|l| l.rsplit(',').next().unwrap_or(""))
        .map(|w| w.parse::<f64>().unwrap_or(f64::NAN))
        .sum();
    assert!((sum - 3800.0).abs() < 1e-6, "{sum}");

    fs::remove_file(here.join("output/weights.csv")).expect("removed");
    let said = done(&rakewell(here, &["weigh", "--replay", "output/ledger.json"]));
    assert!(said.contains("those of the ledger, bit for bit"), "{said}");
    assert!(said.contains("  output/weights.csv\n"), "no detours: {said}");
    assert_eq!(fs::read(here.join("output/weights.csv")).expect("weights"), weights);
    // The ledger is enough: the study file may be gone.
    fs::remove_file(here.join("study.toml")).expect("removed");
    done(&rakewell(here, &["weigh", "--replay", "output/ledger.json", "--quiet"]));
    assert_eq!(fs::read(here.join("output/weights.csv")).expect("weights"), weights);
}

#[test]
fn other_data_and_changed_ledgers_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    study(here);
    done(&rakewell(here, &["weigh", "study.toml", "--quiet"]));
    let weights = fs::read(here.join("output/weights.csv")).expect("weights");
    fs::write(here.join("data.csv"), data().replace("1000,", "9000,")).expect("written");
    let replay = ["weigh", "--replay", "output/ledger.json"];
    refused(
        &rakewell(here, &replay),
        &["data.csv", "SHA-256", "rakewell diff", "Nothing was written"],
    );
    assert_eq!(fs::read(here.join("output/weights.csv")).expect("weights"), weights);
    fs::remove_file(here.join("data.csv")).expect("removed");
    refused(&rakewell(here, &replay), &["can't be read"]);
    fs::write(here.join("data.csv"), data()).expect("written");
    let ledger = fs::read_to_string(here.join("output/ledger.json")).expect("a ledger");
    fs::write(here.join("output/ledger.json"), ledger.replace("\"cap\": 4", "\"cap\": 3"))
        .expect("written");
    refused(&rakewell(here, &replay), &["step 2 (selection) gives other weights"]);
    for (content, expected) in [
        ("{", "is not JSON"),
        ("{}", "is no ledger"),
        ("{\"schema\": \"rakewell-ledger/9\"}", "not `rakewell-ledger/1`"),
        ("{\"schema\": \"rakewell-ledger/1\"}", "damaged ledger"),
    ] {
        fs::write(here.join("bad.json"), content).expect("written");
        refused(&rakewell(here, &["weigh", "--replay", "bad.json"]), &[expected]);
        refused(&rakewell(here, &["diff", "bad.json", "output/ledger.json"]), &[expected]);
    }
}

#[test]
fn two_deliveries_are_compared_by_step_and_group() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    study(here);
    done(&rakewell(here, &["weigh", "study.toml", "--quiet"]));
    fs::copy(here.join("output/ledger.json"), here.join("a.json")).expect("copied");
    let same = done(&rakewell(here, &["diff", "a.json", "output/ledger.json"]));
    assert!(same.contains("the same, bit for bit"), "{same}");
    let set = "weighting.3.margin.1.totals.F=2400";
    done(&rakewell(
        here,
        &["weigh", "study.toml", "--quiet", "--set", set, "--set", "weighting.3.tolerance=0.2"],
    ));
    let said = done(&rakewell(here, &["diff", "a.json", "output/ledger.json"]));
    for part in [
        "The final weights differ",
        "2 selection: the same weights",
        "3 nonresponse: the same weights",
        "target of sex F: 2000 → 2400",
        "group A: factor",
        "; step 4",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let json = done(&rakewell(here, &["diff", "a.json", "output/ledger.json", "--format", "json"]));
    let value: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(value["same_weights"], false);
    assert_eq!(value["steps"][3]["kind"], "rake");
    assert_eq!(value["inputs"], Value::Array(Vec::new()));
}

#[test]
fn diagnostics_are_in_every_output() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    study(here);
    done(&rakewell(here, &["run", "study.toml", "--quiet"]));
    let results: Value =
        serde_json::from_slice(&fs::read(here.join("output/results.json")).expect("results"))
            .expect("JSON");
    let last = &results["weighting"][4]["diagnostics"];
    assert_eq!(last["groups"].as_array().map(Vec::len), Some(3));
    assert_eq!(last["largest"].as_array().map(Vec::len), Some(10));
    assert!(last["traded"][0]["mse_ratio"].is_number());
    let rake = &results["weighting"][3]["diagnostics"];
    assert_eq!(rake["balance"].as_array().map(Vec::len), Some(5));
    let n_eff = results["weighting"][4]["weights"]["n_eff"].as_f64().expect("a number");
    let n = results["weighting"][4]["weights"]["n"].as_f64().expect("a number");
    assert!((last["efficiency"].as_f64().expect("a number") - n_eff / n).abs() < 1e-12);
    let html = fs::read_to_string(here.join("output/report.html")).expect("a report");
    for part in [
        "The factors of step 3",
        "Standardised differences from the targets of step 4",
        "Respondents and effective sample size by group",
        "The largest final weights",
        "bias and variance traded",
    ] {
        assert!(html.contains(part), "{part}");
    }
    assert!(here.join("output/ledger.json").exists());
}

#[test]
fn selections_that_cannot_be_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    study(here);
    let refuse = |set: &str, expected: &[&str]| {
        refused(&rakewell(here, &["weigh", "study.toml", "--set", set]), expected);
    };
    refuse("weighting.1.selected-count=7", &["one over a probability is 1 or more"]);
    refuse("weighting.1.eligible-count=\"group\"", &["has to be numeric"]);
    refuse("weighting.1.eligible-count=\"adult\"", &["no column `adult`", "did you mean `adults`"]);
    refuse("weighting.4.upper=1.0", &["no weights between 0 and 1 keep the totals of step 4"]);
    refuse("weighting.4.upper={ mse = \"group\" }", &["has to be numeric"]);
}

/// An open survey, and a probability sample of the same population.
fn open_survey(folder: &Path) {
    let mut open = String::from("age,sex,group,y\n");
    let mut reference = String::from("age,sex,group,d,psu\n");
    for i in 0..900_u64 {
        let hash = i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
        let (age, sex) = (20 + hash % 60, ["F", "M"][(hash / 64 % 2) as usize]);
        let group = ["A", "B"][(hash / 128 % 2) as usize];
        // The young take part more often.
        if (hash / 256) % 100 > age {
            let _ = writeln!(open, "{age},{sex},{group},{}", u8::from(hash / 512 % 100 < age));
        }
        if i % 5 == 0 {
            let _ = writeln!(reference, "{age},{sex},{group},{},{}", 400 + hash % 200, i / 25);
        }
    }
    fs::write(folder.join("open.csv"), open).expect("written");
    fs::write(folder.join("reference.csv"), reference).expect("written");
    let study = r#"
title = "An open survey"
[data]
file = "open.csv"
[[derive]]
name = "old"
value = "age >= 50"
[design]
[reference]
file = "reference.csv"
weight = "d"
clusters = "psu"
[[weighting]]
step = "participation"
model = ["age", "sex"]
[[estimate]]
name = "weighted"
proportion = "y"
by = "group"
[[estimate]]
name = "imputed"
proportion = "y"
by = "group"
model-based = "mass-imputation"
[[estimate]]
name = "robust"
proportion = "y"
by = "old"
model-based = "doubly-robust"
outcome-model = ["old", "sex", "group"]
[report]
weights = "weights.csv"
"#;
    fs::write(folder.join("study.toml"), study).expect("written");
}

#[test]
fn what_rests_on_a_model_says_so_everywhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    open_survey(here);
    let output = rakewell(here, &["run", "study.toml"]);
    let said = done(&output);
    assert!(said.contains("Model-dependent"), "terminal: {said}");
    assert!(text(&output.stderr).contains("model-dependent"), "{}", text(&output.stderr));
    let read = |name: &str| fs::read_to_string(here.join("output").join(name)).expect("an output");
    let results: Value = serde_json::from_str(&read("results.json")).expect("JSON");
    let tables = results["estimates"].as_array().expect("tables");
    assert_eq!(tables.len(), 3);
    for table in tables {
        let notes = table["notes"].to_string();
        assert!(notes.contains("Model-dependent"), "{notes}");
        for row in table["rows"].as_array().expect("rows") {
            let of = |key: &str| row[key].as_f64().expect("a number");
            assert!(of("estimate") > 0.0 && of("estimate") < 1.0 && of("se") > 0.0, "{row}");
            assert!(of("lower") < of("estimate") && of("estimate") < of("upper"), "{row}");
        }
    }
    let html = read("report.html");
    assert!(html.matches("Model-dependent").count() >= 3);
    let csv = read("estimates.csv");
    let column = csv.lines().next().map(|h| h.contains("model_dependent"));
    assert_eq!(column, Some(true));
    assert!(csv.lines().skip(1).all(|line| line.contains("right only if")), "{csv}");
    assert!(read("weights.csv").starts_with("base_weight,pseudo_weight"));
    assert!(read("ledger.json").contains("right only if the model is"));
    done(&rakewell(here, &["weigh", "--replay", "output/ledger.json"]));
}

#[test]
fn reference_samples_that_do_not_fit_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    open_survey(here);
    let refuse = |set: &str, expected: &[&str]| {
        refused(&rakewell(here, &["run", "study.toml", "--set", set]), expected);
    };
    refuse("reference.file=\"none.csv\"", &["none.csv"]);
    refuse(
        "reference.weight=\"dd\"",
        &["the reference sample has no column `dd`", "did you mean `d`"],
    );
    refuse("estimate.imputed.by=\"y\"", &["the reference sample has no column `y`"]);
    refuse("reference.weight=\"group\"", &["has to be numeric"]);
    let without =
        fs::read_to_string(here.join("reference.csv")).expect("read").replace(",M,", ",F,");
    fs::write(here.join("reference.csv"), without).expect("written");
    refused(
        &rakewell(here, &["run", "study.toml"]),
        &["nobody in the reference sample has `M` of `sex`"],
    );
}
