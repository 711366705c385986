//! What a study or its data cannot ask for is refused in words, and nothing is written; what can
//! be asked for but surprises is said.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

const STUDY: &str = r#"
title = "T"
[data]
file = "d.csv"
[design]
strata = "stratum"
clusters = "psu"
weight = "w"
"#;

/// Sixty rows in three strata of two PSUs: `g` has the levels a, b, c; `many` one per row.
fn data(w: &str, y: impl Fn(usize) -> String) -> String {
    let mut text = String::from("stratum,psu,w,g,y,many\n");
    for i in 0..60 {
        let (stratum, g) = (i % 3, ["a", "b", "c"][i % 7 % 3]);
        text.push_str(&format!("{stratum},{},{w},{g},{},m{i}\n", stratum * 10 + i % 2, y(i)));
    }
    text
}

fn ordinary() -> String {
    data("2", |i| (i * i % 11).to_string())
}

/// Runs a study in a folder of its own: exit code, what it says, the folder.
fn run(keys: &str, data: &str) -> (Option<i32>, String, TempDir) {
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("study.toml"), format!("{STUDY}{keys}")).expect("written");
    fs::write(folder.path().join("d.csv"), data).expect("written");
    let output = Command::new(env!("CARGO_BIN_EXE_rakewell"))
        .args(["run", "study.toml"])
        .current_dir(folder.path())
        .output()
        .expect("it runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).expect("text"), folder)
}

fn files(folder: &Path) -> usize {
    fs::read_dir(folder).expect("a folder").count()
}

/// The study is refused, with these words; nothing but the study and its data is there.
fn refused(keys: &str, data: &str, words: &[&str]) {
    let (code, said, folder) = run(keys, data);
    // Lines are broken to fit; words are looked for without the breaks.
    let flat: Vec<&str> = said.split_whitespace().filter(|w| *w != "|").collect();
    let flat = flat.join(" ");
    assert_eq!(code, Some(1), "{said}");
    for words in words {
        assert!(flat.contains(words), "no `{words}` in\n{said}");
    }
    assert_eq!(files(folder.path()), 2, "{said}");
}

/// The study runs, and says these words.
fn done(keys: &str, data: &str, words: &[&str]) -> String {
    let (code, said, _) = run(keys, data);
    assert_eq!(code, Some(0), "{said}");
    for words in words {
        assert!(said.contains(words), "no `{words}` in\n{said}");
    }
    said
}

#[test]
fn quantiles_are_compared() {
    let estimate =
        "[[estimate]]\nname = \"q\"\nquantile = { of = \"y\", at = [0.5] }\nby = \"g\"\n";
    done(
        &format!("{estimate}[[compare]]\nestimate = \"q\"\n"),
        &ordinary(),
        &["Quantile, 95% interval (Woodruff)", "Differences by g"],
    );
}

#[test]
fn numbers_that_cannot_be_squared() {
    let mean = "[[estimate]]\nmean = \"y\"\n";
    let huge = |i: usize| if i == 6 { "1e200".to_string() } else { "1".to_string() };
    for keys in [mean, "[[estimate]]\ntotal = \"y\"\n"] {
        refused(keys, &data("2", huge), &["`y` is 1e200 in row 7", "[study.toml:10:"]);
    }
    refused(
        mean,
        &data("1e306", |_| "1".into()),
        &["weights add up to 6.0e307", "[study.toml:8:10]"],
    );
    let margin = "[[weighting]]\nstep = \"post-stratify\"\n[[weighting.margin]]\nby = \"g\"\ntotals = { a = 1e308, b = 1, c = 1 }\n";
    refused(
        &format!("{margin}{mean}"),
        &ordinary(),
        &["the total of `g a` is 1e308", "beyond 1e100", "[study.toml:13:12]"],
    );
}

#[test]
fn too_many_comparisons() {
    let mut text = String::from("stratum,psu,w,g,y\n");
    for i in 0..1000 {
        text.push_str(&format!("1,{},1,g{},{}\n", i % 40, i % 500, i % 7));
    }
    let estimate =
        "[[estimate]]\nname = \"m\"\nmean = \"y\"\nby = \"g\"\n[[compare]]\nestimate = \"m\"\n";
    refused(
        estimate,
        &text,
        &["500 groups, each with every other, make 124,750 comparisons", "name a `reference`"],
    );
    done(&format!("{estimate}reference = \"g7\"\n"), &text, &["compared with g7"]);
}

#[test]
fn a_total_of_zero_is_said() {
    let keys = "[[weighting]]\nstep = \"rake\"\n[[weighting.margin]]\nby = \"g\"\ntotals = { a = 0, b = 70, c = 50 }\n[[estimate]]\nmean = \"y\"\nby = \"g\"\n";
    let said = done(keys, &ordinary(), &["the total of `a` in margin `g` is 0", "becomes zero"]);
    let rows = ordinary().lines().filter(|l| l.contains(",a,")).count();
    assert!(said.contains(&format!("weight of {rows} rows")), "{said}");
}

/// Totals that the weighting fixes have no sampling error: not one of 1e-14 with twelve decimals.
#[test]
fn fixed_totals_are_shown_as_such() {
    let keys = "[[weighting]]\nstep = \"rake\"\n[[weighting.margin]]\nby = \"g\"\ntotals = { a = 1003, b = 707.5, c = 50 }\n[[weighting.margin]]\nby = \"stratum\"\ntotals = { 0 = 560.5, 1 = 700, 2 = 500 }\n[[estimate]]\nname = \"people\"\ntotal = \"g\"\nquality = \"nchs\"\n";
    let said = done(keys, &ordinary(), &["1,003", "review", "the standard error is zero"]);
    assert!(!said.contains("000000000"), "{said}");
    assert!(!said.contains("suppress"), "{said}");
}

#[test]
fn one_level_is_in_the_title() {
    let keys = "[variables.g]\nlabel = \"Group\"\n[[estimate]]\nproportion = \"g\"\nlevel = \"b\"\nby = \"stratum\"\n";
    done(keys, &ordinary(), &["Proportion: Group: b by stratum"]);
}

#[test]
fn a_file_that_gets_no_place_leaves_no_folder() {
    let keys =
        format!("[[estimate]]\nmean = \"y\"\n[report]\nhtml = \"{}.html\"\n", "x".repeat(300));
    refused(&keys, &ordinary(), &["cannot write", "Nothing was written"]);
}

#[test]
fn thousands_of_mistakes_are_not_all_drawn() {
    let keys: String = (0..5000).map(|i| format!("[k{i}]\n")).collect();
    let (code, said, _) = run(&keys, &ordinary());
    assert_eq!(code, Some(1));
    assert!(said.contains("and 4901 more\n") && said.contains("5000 errors"), "{said}");
    assert!(said.lines().count() < 2000);
}
