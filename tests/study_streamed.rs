//! `rakewell weigh --stream`: the weights of the ordinary way, without holding the data.

use std::path::{Path, PathBuf};

use rakewell::data::Column;
use rakewell::data::io::{ReadOptions, read, write_parquet};
use rakewell::study::{RunOptions, weigh, weigh_streamed};

/// More rows than one batch has.
const ROWS: usize = 150_000;

/// A survey: region as text, sex as numbers with a missing code, age in years, an outcome with as many
/// values as rows.
fn survey(folder: &Path) -> PathBuf {
    let texts: Vec<Option<&str>> =
        (0..ROWS).map(|i| Some(["north", "south", "east"][(i * 7 + i / 5) % 3])).collect();
    let weight = |i: usize| match i % 1_000 {
        999 => -9.0,
        998 => 0.0,
        k => 0.5 + (k % 17) as f64 / 3.0,
    };
    let columns = [
        Column::numbers("id", (0..ROWS).map(|i| i as f64).collect()),
        Column::text("region", &texts),
        Column::numbers("sex", (0..ROWS).map(|i| 1.0 + ((i / 3) % 2) as f64).collect()),
        Column::numbers("age", (0..ROWS).map(|i| 16.0 + ((i * 11) % 70) as f64).collect()),
        Column::numbers("y", (0..ROWS).map(|i| i as f64 + 0.5).collect()),
        Column::numbers("w", (0..ROWS).map(weight).collect()),
    ];
    let path = folder.join("survey.parquet");
    write_parquet(&path, &columns.iter().collect::<Vec<_>>()).expect("written");
    path
}

const STUDY: &str = r#"
title = "Streamed"
[data]
file = "survey.parquet"
missing-codes = [-9]
[variables.sex]
values = { 1 = "Men", 2 = "Women" }
[[derive]]
name = "half"
value = "y / 2"
[[derive]]
name = "band"
from = "age"
cut = { at = [30, 50], labels = ["young", "middle", "old"] }
[design]
weight = "w"
missing-weight = "zero"
[[weighting]]
step = "rake"
[[weighting.margin]]
by = "region"
totals = { north = 300000, south = 250000, east = 150000 }
[[weighting.margin]]
by = "sex"
totals = { Men = 340000, Women = 360000 }
[[weighting]]
step = "calibrate"
distance = "logit"
bounds = [0.5, 2]
[[weighting.margin]]
by = "band"
totals = { young = 150000, middle = 250000, old = 300000 }
[[weighting.margin]]
by = "region"
totals = { north = 300000, south = 250000, east = 150000 }
[[estimate]]
mean = "half"
by = "band"
[report]
weights = "weights.parquet"
keep = ["id", "region"]
"#;

fn numbers(path: &Path, name: &str) -> Vec<f64> {
    let table = read(path, &ReadOptions::default()).expect("read");
    table.column(name).and_then(|c| c.as_numbers()).expect("numbers").to_vec()
}

#[test]
fn weights_are_those_of_the_ordinary_way() {
    let folder = tempfile::tempdir().expect("a folder");
    survey(folder.path());
    let study = folder.path().join("study.toml");
    std::fs::write(&study, STUDY).expect("written");
    let whole = weigh(&study).expect("weighed");
    whole.write(&study).expect("written");
    let written = folder.path().join("output/weights.parquet");
    let expected = ["id", "base_weight", "weight"].map(|n| numbers(&written, n));
    std::fs::remove_dir_all(folder.path().join("output")).expect("removed");

    let mut streamed = weigh_streamed(&study, &RunOptions::default()).expect("weighed");
    let files = streamed.write().expect("written");
    assert_eq!(files, std::slice::from_ref(&written));
    let found = ["id", "base_weight", "weight"].map(|n| numbers(&written, n));
    assert_eq!(found[0], expected[0]);
    assert_eq!(found[1], expected[1]);
    assert_eq!(found[2].len(), ROWS);
    for (row, (a, b)) in found[2].iter().zip(&expected[2]).enumerate() {
        assert!((a - b).abs() <= 1e-9 * b.abs(), "row {row}: {a} and {b}");
    }
    assert!(found[2].contains(&0.0) && found[2].iter().any(|w| *w > 1.0));

    // The figures of the steps are those of the rows.
    assert_eq!(streamed.document.data.rows, ROWS);
    for (a, b) in streamed.document.weighting.iter().zip(&whole.document.weighting) {
        assert_eq!((a.weights.n, a.weights.zero), (b.weights.n, b.weights.zero), "{}", a.kind);
        for (x, y) in [
            (a.weights.sum, b.weights.sum),
            (a.weights.deff_kish, b.weights.deff_kish),
            (a.weights.min, b.weights.min),
            (a.weights.max, b.weights.max),
        ] {
            assert!((x - y).abs() <= 1e-9 * y.abs(), "{}: {x} and {y}", a.kind);
        }
        assert_eq!(a.g_range.is_some(), b.g_range.is_some());
    }
}

/// What is said of a study that cannot be streamed.
fn refusal(change: impl Fn(&str) -> String) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    survey(folder.path());
    let study = folder.path().join("study.toml");
    std::fs::write(&study, change(STUDY)).expect("written");
    let mistakes = weigh_streamed(&study, &RunOptions::default()).expect_err("refused");
    assert!(!folder.path().join("output").exists());
    mistakes
        .0
        .iter()
        .map(|d| format!("{} {}\n", d.message, d.help.as_deref().unwrap_or("")))
        .collect()
}

#[test]
fn what_takes_all_rows_is_refused() {
    let said = refusal(|s| {
        s.replace("step = \"rake\"", "step = \"trim\"\nupper = 9\n[[weighting]]\nstep = \"rake\"")
    });
    assert!(said.contains("more than categories"), "{said}");
    let said = refusal(|s| s.replace("survey.parquet", "survey.csv"));
    assert!(said.contains("reads Parquet files"), "{said}");
    let said = refusal(|s| s.replace("[\"id\", \"region\"]", "[\"id\", \"band\"]"));
    assert!(said.contains("`band` is not one"), "{said}");
    let said = refusal(|s| s.replace("missing-weight = \"zero\"", ""));
    assert!(
        said.contains("`w` has no value in 150 rows (first: row 1000)")
            || said.contains("no value in 150"),
        "{said}"
    );
    let said = refusal(|s| s.replace("missing-codes = [-9]", ""));
    assert!(said.contains("negative in 150"), "{said}");
    let said = refusal(|s| s.replace("east = 150000", "west = 150000"));
    assert!(said.contains("west") && said.contains("east"), "{said}");
    let said = refusal(|s| s.replace("data]\nfile", "data]\nfiel"));
    assert!(said.contains("fiel"), "{said}");
}
