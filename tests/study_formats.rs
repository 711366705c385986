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

const LABELS: &str = r#"
title = "T"
[data]
file = "d.csv"
[design]
weight = "w"
[variables.eth]
values = { 1 = "White", 2 = "Black", 3 = "Other", 4 = "Other" }
[variables.yes]
values = { 0 = "No", 1 = "Yes" }
[variables.region]
values = { N = "North", S = "South" }
[[weighting]]
step = "post-stratify"
[[weighting.margin]]
by = ["region", "eth"]
totals = { "North × White" = 8, "N × 2" = 9, "N × 3" = 4, "N × Other (4)" = 4, "South*1" = 6, "S*Black" = 5, "S*3" = 5, "S × 4" = 5 }
[[estimate]]
name = "rate"
proportion = "yes"
by = ["eth", "region"]
where = "eth in ['White', 'Black', 3, 4]"
[[compare]]
estimate = "rate"
across = "eth"
reference = 1
[[contrast]]
expression = { "labels" = "rate{Yes, Black, North} - rate{No, White, South}", "codes" = "rate{1, 2, N} - rate{0, 1, S}", "others" = "rate{Yes, Other (3), N} - rate{Yes, 4, N}" }
[report]
json = "r.json"
"#;

/// A study says labels or codes, whichever it likes; what it shows are labels, and two levels of one
/// label are told apart.
#[test]
fn levels_are_named_by_label_or_code_everywhere() {
    let folder = folder(&[], LABELS);
    let mut text = String::from("eth,region,yes,w\n");
    for i in 0..96 {
        let region = if i % 3 == 0 { "N" } else { "S" };
        text.push_str(&format!("{},{region},{},{}\n", i % 4 + 1, i * 7 % 5 % 2, 1 + i % 2));
    }
    fs::write(folder.path().join("d.csv"), text).unwrap();
    let finished = run(folder.path());
    let table = &finished.document.estimates[0];
    assert_eq!(table.by[0].levels, ["White", "Black", "Other (3)", "Other (4)"]);
    assert_eq!(table.by[1].levels, ["North", "South"]);
    let functions = finished.document.comparisons.iter().find(|c| c.rows.len() == 3).unwrap();
    let values: Vec<f64> = functions.rows.iter().map(|r| r.estimate.unwrap()).collect();
    assert_eq!(values[0], values[1]);
    // By the definition, from the table: Yes of Black in the North less No of White in the South.
    let at = |outcome: usize, domain: &[usize]| {
        let row = table.rows.iter().find(|r| r.outcome == outcome && r.domain == domain);
        row.unwrap().estimate.unwrap()
    };
    assert!((values[0] - (at(1, &[1, 0]) - at(0, &[0, 1]))).abs() < 1e-12);
    assert!((values[2] - (at(1, &[2, 0]) - at(1, &[3, 0]))).abs() < 1e-12);

    // A label that two levels have names neither.
    let wrong = LABELS.replace("Other (3), N", "Other, N");
    fs::write(folder.path().join("study.toml"), wrong).unwrap();
    let error = mistakes(folder.path());
    assert!(error.contains("`eth` has no level `Other`"), "{error}");
}

#[test]
fn a_bad_catalogue_is_told_at_its_key() {
    let text = "title = \"T\"\n[data]\nfile = \"haven_formats.sas7bdat\"\n\
        catalogue = \"c.sas7bcat\"\n[design]\n[[estimate]]\nmean = \"NUMBER\"\n";
    let folder = folder(&["haven_formats.sas7bdat"], text);
    fs::write(folder.path().join("c.sas7bcat"), "no catalogue").unwrap();
    let name = rakewell::data::io::names(
        &folder.path().join("haven_formats.sas7bdat"),
        &ReadOptions::default(),
    )
    .unwrap()
    .remove(0);
    fs::write(folder.path().join("study.toml"), text.replace("NUMBER", &name)).unwrap();
    let found = mistakes(folder.path());
    assert!(found.contains("study.toml:4:13: "), "{found}");
    assert!(found.contains("should be a SAS catalogue of formats"), "{found}");
}
