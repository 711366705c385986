//! Whole studies on the files of other programs: labels of the file, margins in a workbook, and
//! the weights back in a copy of the data.

use std::fs;
use std::path::{Path, PathBuf};

use rakewell::data::io::{ReadOptions, read};
use rakewell::study;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/io").join(name)
}

/// A folder with the fixtures and a study.
fn folder(fixtures: &[&str], text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in fixtures {
        fs::copy(fixture(name), folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join("study.toml"), text).unwrap();
    folder
}

fn run(folder: &Path) -> study::Finished {
    let path = folder.join("study.toml");
    let finished = study::run(&path).unwrap_or_else(|e| panic!("{e}"));
    finished.write(&path).unwrap_or_else(|e| panic!("{}", e.mistakes));
    finished
}

fn mistakes(folder: &Path) -> String {
    study::run(&folder.join("study.toml")).map(drop).unwrap_err().to_string()
}

const SPSS: &str = r#"
title = "T"
[data]
file = "haven_byte.sav"
[design]
weight = "design_weight"
[[weighting]]
step = "rake"
margins = "sheets.xlsx"
sheet = "Margins"
[[estimate]]
name = "age"
mean = "age"
by = "sex"
where = 'interview_date > "1980-01-01" or interview_date <= "1980-01-01"'
[report]
data = "weighted.sav"
"#;

#[test]
fn an_spss_file_comes_back_with_its_weight() {
    let text =
        SPSS.replace("margins = \"sheets.xlsx\"\nsheet = \"Margins\"", "margins = \"m.csv\"");
    let folder = folder(&["haven_byte.sav"], &text);
    fs::write(folder.path().join("m.csv"), "variable,level,total\nsex,Male,600\nsex,Female,400\n")
        .unwrap();
    let error = mistakes(folder.path());
    // Those who refused have no sex: what the file marks as missing is missing.
    assert!(error.contains("`sex` has no value in 9 rows"), "{error}");
    let half = "[[derive]]\nname = \"half\"\nfrom = \"id\"\ncut = { at = [11], labels = [\"low\", \"high\"] }\n[design]";
    fs::write(folder.path().join("study.toml"), text.replace("[design]", half)).unwrap();
    fs::write(folder.path().join("m.csv"), "variable,level,total\nhalf,low,600\nhalf,high,400\n")
        .unwrap();
    let finished = run(folder.path());
    // Labels of the file are those of the report.
    let shown = format!("{:?}", finished.document.estimates);
    assert!(
        shown.contains("Male") && shown.contains("Female") && shown.contains("Age (years)"),
        "{shown}"
    );

    let copy = read(&folder.path().join("output/weighted.sav"), &ReadOptions::default()).unwrap();
    let before = read(&fixture("haven_byte.sav"), &ReadOptions::default()).unwrap();
    for (old, new) in before.columns().iter().zip(copy.columns()) {
        assert_eq!(format!("{old:?}"), format!("{new:?}"));
    }
    let weights = copy.column("rakewell_weight").unwrap().as_numbers().unwrap().to_vec();
    assert!((weights.iter().sum::<f64>() - 1_000.0).abs() < 1e-6);
    let low: f64 = weights[..10].iter().sum();
    assert!((low - 600.0).abs() < 1e-6, "{low}");
    let manifest = fs::read_to_string(folder.path().join("output/manifest.json")).unwrap();
    assert!(manifest.contains("weighted.sav"));
}

#[test]
fn margins_in_a_workbook_have_places() {
    let folder = folder(&["haven_byte.sav", "sheets.xlsx", "sheets.ods"], SPSS);
    let error = mistakes(folder.path());
    assert!(error.contains("age × sex") || error.contains("sheets.xlsx"), "{error}");
    for (old, new, expected) in [
        ("sheet = \"Margins\"", "sheet = \"Mixed\"", "no `variable`"),
        ("sheet = \"Margins\"", "sheet = \"Other\"", "has no sheet `Other`"),
        ("sheets.xlsx", "sheets.ods", "sheets.ods"),
    ] {
        fs::write(folder.path().join("study.toml"), SPSS.replace(old, new)).unwrap();
        let error = mistakes(folder.path());
        assert!(error.contains(expected), "{new}: {error}");
    }
}

const PLAIN: &str = r#"
title = "T"
[data]
file = "haven_v14.dta"
[design]
weight = "design_weight"
[[weighting]]
step = "post-stratify"
[[weighting.margin]]
by = "id"
totals = { }
[[estimate]]
name = "m"
mean = "income"
[report]
data = "weighted.dta"
weight-name = "W"
"#;

#[test]
fn what_stops_the_copy_is_said_before_the_work() {
    let plain = PLAIN.replace("[[weighting]]\nstep = \"post-stratify\"\n[[weighting.margin]]\nby = \"id\"\ntotals = { }\n", "");
    let folder = folder(&["haven_v14.dta", "haven.sas7bdat"], &plain);
    run(folder.path());
    let copy = read(&folder.path().join("output/weighted.dta"), &ReadOptions::default()).unwrap();
    let same = |a: &str, b: &str| {
        let numbers = |name: &str| copy.column(name).unwrap().as_numbers().unwrap().to_vec();
        assert_eq!(numbers(a), numbers(b));
    };
    same("W", "design_weight");
    for (old, new, expected) in [
        ("\"W\"", "\"income\"", "has a column `income` already"),
        ("\"W\"", "\"a b\"", "no name in Stata"),
        ("\"W\"", "\" \"", "is empty"),
        ("weighted.dta", "weighted.sav", "SPSS file made from another format"),
        ("weighted.dta", "../haven_v14.dta", "would replace"),
        ("weight-name = \"W\"", "replicates = true", "the design has none"),
    ] {
        fs::write(folder.path().join("study.toml"), plain.replace(old, new)).unwrap();
        let error = mistakes(folder.path());
        assert!(error.contains(expected), "{new}: {error}");
    }
}

#[test]
fn replicate_weights_come_back_too() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"
title = "T"
[data]
file = "d.csv"
[design]
weight = "w"
[design.replicates]
columns = "r*"
method = "jk1"
[[weighting]]
step = "post-stratify"
[[weighting.margin]]
by = "g"
totals = { a = 30, b = 10 }
[[estimate]]
name = "m"
mean = "y"
[report]
data = "d_weighted.csv"
replicates = true
"#;
    fs::write(folder.path().join("study.toml"), text).unwrap();
    let data = "g;y;w;r1;r2\na;1;1;2;0\r\nb;2;1;0;2\n\na;3;1;1;1\nb;4;1;1;1";
    fs::write(folder.path().join("d.csv"), data).unwrap();
    run(folder.path());
    let copy = fs::read_to_string(folder.path().join("output/d_weighted.csv")).unwrap();
    // Post-stratified by hand: 30 over two and 10 over two; each replicate by its own sums.
    let expected = "g;y;w;r1;r2;rakewell_weight;rakewell_rep1;rakewell_rep2\na;1;1;2;0;15;20;0\r\nb;2;1;0;2;5;0;6.66\n\na;3;1;1;1;15;10;30\nb;4;1;1;1;5;10;3.33";
    let rounded = copy.replace("6.666666666666667", "6.66").replace("6.666666666666666", "6.66");
    let rounded =
        rounded.replace("3.3333333333333335", "3.33").replace("3.333333333333333", "3.33");
    assert_eq!(rounded, expected);
}
