//! Designs, degrees of freedom and functions of estimates, from the study file to the numbers.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// Forty rows: 4 strata of 5 PSUs of 2 rows; `p` the inclusion probability of the PSU; `in2` the
/// second phase; `g` two groups.
fn data() -> String {
    let mut text = String::from("h,psu,p,w,order,in2,g,y,x\n");
    for i in 0..40 {
        let psu = i / 2;
        let p = 0.1 + 0.02 * f64::from(psu % 5);
        let (g, in2) = (if i % 3 == 0 { "A" } else { "B" }, u8::from(i % 4 < 2 || i % 7 == 0));
        let (y, x) = (i * i % 13 + 2, i % 5 + 1);
        text.push_str(&format!("{},{psu},{p},{},{},{in2},{g},{y},{x}\n", psu / 5, 1.0 / p, 40 - i));
    }
    text
}

struct Ran {
    code: Option<i32>,
    said: String,
    folder: TempDir,
}

fn run(design: &str, rest: &str, files: &[(&str, String)]) -> Ran {
    let folder = TempDir::new().unwrap();
    let study = format!(
        "title = \"T\"\n[data]\nfile = \"d.csv\"\n[design]\n{design}\n{rest}\n[report]\nfolder = \".\"\njson = \"out.json\"\ncsv = \"out.csv\"\n"
    );
    fs::write(folder.path().join("study.toml"), study).unwrap();
    fs::write(folder.path().join("d.csv"), data()).unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let output = Command::new(env!("CARGO_BIN_EXE_rakewell"))
        .args(["run", "study.toml"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    Ran { code: output.status.code(), said, folder }
}

fn json(folder: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(folder.join("out.json")).unwrap()).unwrap()
}

const TOTAL: &str = "[[estimate]]\nname = \"t\"\ntotal = \"y\"";

fn done(design: &str, rest: &str) -> Value {
    let ran = run(design, rest, &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.said);
    json(ran.folder.path())
}

fn refused(design: &str, rest: &str, files: &[(&str, String)], words: &[&str]) {
    let ran = run(design, rest, files);
    let flat: Vec<&str> = ran.said.split_whitespace().filter(|w| *w != "|").collect();
    let flat = flat.join(" ");
    assert_eq!(ran.code, Some(1), "{}", ran.said);
    for words in words {
        assert!(flat.contains(words), "no `{words}` in\n{}", ran.said);
    }
    assert!(!ran.folder.path().join("out.json").exists());
}

fn se(document: &Value) -> f64 {
    document["estimates"][0]["rows"][0]["se"].as_f64().unwrap()
}

#[test]
fn every_method_runs_and_is_named() {
    let base = "strata = \"h\"\nclusters = \"psu\"\nweight = \"w\"\n";
    let mut seen = Vec::new();
    for (keys, words) in [
        ("", "linearised"),
        ("method = \"with-replacement\"", "with replacement"),
        ("method = \"brewer\"\nfpc = \"p\"", "Brewer"),
        ("method = \"hartley-rao\"\nfpc = \"p\"\npairs = \"horvitz-thompson\"", "Hartley and Rao"),
        ("method = \"overton\"\nfpc = \"p\"", "Overton"),
        ("method = \"hajek\"\nfpc = \"p\"", "Hájek"),
        ("method = \"deville-2\"\nfpc = \"p\"", "Deville"),
        ("method = \"deville-tille\"\nfpc = \"p\"\nbalance = \"p\"", "balanced"),
        ("method = \"poisson\"\nfpc = \"p\"", "Poisson"),
        ("method = \"sd1\"\norder = \"psu\"", "SD1"),
        ("method = \"sd2\"\norder = \"psu\"", "SD2"),
        ("crossed = \"x\"", "crossed with x"),
        ("phase2 = { selected = \"in2\", strata = \"g\" }", "two phases"),
    ] {
        let document = done(&format!("{base}{keys}"), TOTAL);
        let said = document["estimates"][0]["variance"].as_str().unwrap();
        assert!(said.contains(words), "{keys}: {said}");
        seen.push((keys, se(&document)));
    }
    // With replacement is what a design without population sizes is; the others differ.
    assert_eq!(seen[0].1, seen[1].1);
    let brewer = seen[2].1;
    assert!(brewer < seen[1].1);
    for near in &seen[5..7] {
        assert!((near.1 / brewer - 1.0).abs() < 0.02, "{near:?} {brewer}");
    }
}

#[test]
fn joint_probabilities_come_from_a_file() {
    let design =
        "clusters = \"psu\"\nmethod = \"joint\"\nfpc = \"p\"\njoint-probabilities = \"pij.csv\"";
    let p = |i: usize| 0.1 + 0.02 * (i % 5) as f64;
    let joint = |i: usize, j: usize| if i == j { p(i) } else { 0.97 * p(i) * p(j) };
    let file = |order: &[usize], f: &dyn Fn(usize, usize) -> f64| {
        let row = |items: Vec<String>| items.join(",") + "\n";
        let mut text = row(order.iter().map(|i| i.to_string()).collect());
        for &i in order {
            text += &row(order.iter().map(|&j| f(i, j).to_string()).collect());
        }
        ("pij.csv", text)
    };
    let natural: Vec<usize> = (0..20).collect();
    let shuffled: Vec<usize> = (0..20).map(|i| i * 7 % 20).collect();
    let of = |file| {
        let ran = run(design, TOTAL, &[file]);
        assert_eq!(ran.code, Some(0), "{}", ran.said);
        se(&json(ran.folder.path()))
    };
    let (a, b) = (of(file(&natural, &joint)), of(file(&shuffled, &joint)));
    assert!((a / b - 1.0).abs() < 1e-12);
    // Σ_{i<j} (1/0.97 − 1)(z_i − z_j)², the totals of the PSUs written out.
    let y = |i: usize| (i * i % 13 + 2) as f64;
    let z: Vec<f64> = (0..20).map(|u| (y(2 * u) + y(2 * u + 1)) / p(u)).collect();
    let mut v = 0.0;
    for i in 0..20 {
        for j in 0..i {
            v += (1.0 / 0.97 - 1.0) * (z[i] - z[j]) * (z[i] - z[j]);
        }
    }
    assert!((a - v.sqrt()).abs() < 1e-6 * a, "{a} {}", v.sqrt());
    let half = |i: usize, j: usize| joint(i, j) * if i < j { 0.5 } else { 1.0 };
    refused(design, TOTAL, &[file(&natural, &half)], &["not symmetric", "pij.csv"]);
    refused(design, TOTAL, &[file(&natural[..19], &joint)], &["the sample has 20 PSUs"]);
    let above = |i: usize, j: usize| if i + j == 1 { 0.5 } else { joint(i, j) };
    refused(design, TOTAL, &[file(&natural, &above)], &["at most as likely"]);
    refused(design, TOTAL, &[], &["pij.csv"]);
    let words = ("pij.csv", "a,b\n0.1,x\n0.2,0.3\n".to_string());
    refused(design, TOTAL, &[words], &["no number in column `b`"]);
}

#[test]
fn what_does_not_fit_is_refused_with_the_way_out() {
    let base = "strata = \"h\"\nclusters = \"psu\"\nweight = \"w\"\n";
    for (keys, words) in [
        ("method = \"brewer\"", "needs the inclusion probabilities"),
        ("method = \"brewer\"\nfpc = \"y\"", "not above 0 and up to 1"),
        ("method = \"joint\"\nfpc = \"p\"", "`joint-probabilities` is missing"),
        ("method = \"with-replacement\"\nfpc = \"p\"", "no population sizes"),
        ("method = \"sd1\"\norder = \"y\"", "differs within a PSU"),
        ("order = \"y\"", "does nothing with this `method`"),
        ("balance = \"x\"", "does nothing with this `method`"),
        ("collapse-by = \"x\"", "is for `lonely-psu = \"collapse\"`"),
        ("certainty = \"y\"", "it is 1 or 0"),
        ("certainty = \"in2\"", "with certainty in some of its rows"),
        ("crossed = \"nothing\"", "there is no column `nothing`"),
        ("phase2 = { selected = \"y\" }", "it is 1 or 0"),
        (
            "phase2 = { selected = \"in2\", clusters = \"psu\" }",
            "differs within a unit of the second phase",
        ),
        (
            "phase2 = { selected = \"in2\" }\nmethod = \"brewer\"\nfpc = \"p\"",
            "a second phase needs",
        ),
        ("method = \"deville-tille\"\nfpc = \"p\"\nbalance = [\"y\"]", "differs within a PSU"),
        ("method = \"breuer\"\nfpc = \"p\"", "brewer"),
    ] {
        refused(&format!("{base}{keys}"), TOTAL, &[], &[words]);
    }
}

#[test]
fn a_second_phase_is_calibrated_to_the_first() {
    let design = "strata = \"h\"\nclusters = \"psu\"\nweight = \"w\"\nphase2 = { selected = \"in2\", strata = \"g\" }";
    let step = "[[weighting]]\nstep = \"calibrate\"\nfirst-phase = [\"g\", \"x\"]\n";
    let x = "[[estimate]]\ntotal = \"x\"";
    let before = done(design, x);
    let after = done(design, &format!("{step}{x}"));
    // The total of x is now that of all rows.
    let p = |i: usize| 0.1 + 0.02 * (i / 2 % 5) as f64;
    let all: f64 = (0..40).map(|i| (i % 5 + 1) as f64 / p(i)).sum();
    let estimate = after["estimates"][0]["rows"][0]["estimate"].as_f64().unwrap();
    assert!((estimate / all - 1.0).abs() < 1e-9);
    assert!(se(&after) < se(&before));
    assert!(se(&after) > 0.0);
    refused("weight = \"w\"", &format!("{step}{x}"), &[], &["no second phase"]);
}

#[test]
fn functions_of_estimates() {
    let design = "strata = \"h\"\nclusters = \"psu\"\nweight = \"w\"";
    let means = "[[estimate]]\nname = \"mean-y\"\nmean = \"y\"\nby = \"g\"\n[[estimate]]\nname = \"all\"\nmean = \"y\"\n";
    let compare = "[[compare]]\nestimate = \"mean-y\"\nmeasure = \"ratio\"\nreference = \"B\"\n";
    let contrast = "[[contrast]]\nname = \"f\"\nscale = \"log\"\nnull = 1\nexpression = { \"A to B\" = \"mean_y{A} / mean_y{B}\", \"A to all\" = \"mean_y{A} / all\" }\n";
    let document = done(design, &format!("{means}{compare}{contrast}"));
    let (pair, function) =
        (&document["comparisons"][0]["rows"][0], &document["comparisons"][1]["rows"][0]);
    // The ratio of two groups is the same by both ways.
    for key in ["estimate", "se", "lower", "upper", "t", "p", "df"] {
        let (a, b) = (pair[key].as_f64().unwrap(), function[key].as_f64().unwrap());
        assert!((a - b).abs() < 1e-10 * a.abs().max(1.0), "{key}: {a} {b}");
    }
    // Group and whole share rows: with the covariance the ratio is far surer than without.
    let whole = &document["comparisons"][1]["rows"][1];
    let rows = &document["estimates"][0]["rows"][0];
    let cv = |v: &Value| v["se"].as_f64().unwrap() / v["estimate"].as_f64().unwrap();
    assert!(cv(whole) < cv(rows));
    assert_eq!(document["comparisons"][1]["measure"], "function");
    for (text, words) in [
        ("mean_y{C} / mean_y{B}", "has no level `C`"),
        ("mean_z{A}", "there is no estimate named `mean_z`"),
        ("mean_y", "takes 1 level in braces, not 0"),
        ("mean_y{A} >", "expected"),
        ("max(mean_y{A}, all)", "no place for max"),
    ] {
        let contrast = format!("[[contrast]]\nexpression = \"{text}\"\n");
        let ran = run(design, &format!("{means}{contrast}"), &[]);
        assert_eq!(ran.code, Some(1), "{text}: {}", ran.said);
        let flat: Vec<&str> = ran.said.split_whitespace().filter(|w| *w != "|").collect();
        assert!(flat.join(" ").contains(words) || words == "expected", "{text}: {}", ran.said);
    }
    // The CSV and the page have them.
    let ran = run(design, &format!("{means}{contrast}"), &[]);
    let csv = fs::read_to_string(ran.folder.path().join("out.csv")).unwrap();
    assert!(csv.contains("function") && csv.contains("A to B"), "{csv}");
    let page = fs::read_to_string(ran.folder.path().join("report.html")).unwrap();
    assert!(page.contains("A to all"));
}

#[test]
fn degrees_of_freedom_are_chosen_and_named() {
    let design = "strata = \"h\"\nclusters = \"psu\"\nweight = \"w\"";
    let with = |choice: &str| {
        let estimate = format!("[[estimate]]\nmean = \"y\"\nby = \"g\"\n{choice}");
        let document = done(design, &estimate);
        let table = document["estimates"][0].clone();
        (table["df_rule"].as_str().unwrap().to_string(), table["rows"][0].clone())
    };
    let (rule, row) = with("");
    assert_eq!((rule.as_str(), row["df"].as_f64()), ("domain-psus-minus-strata", Some(10.0)));
    let (rule, row) = with("df = \"design\"");
    assert_eq!((rule.as_str(), row["df"].as_f64()), ("design-psus-minus-strata", Some(16.0)));
    let (rule, row) = with("df = \"satterthwaite\"");
    assert_eq!(rule, "satterthwaite");
    let df = row["df"].as_f64().unwrap();
    assert!(df > 3.0 && df < 16.0, "{df}");
    let (rule, normal) = with("df = \"infinite\"");
    assert_eq!(rule, "infinite");
    let width = |r: &Value| r["upper"].as_f64().unwrap() - r["lower"].as_f64().unwrap();
    assert!(width(&normal) < width(&row));
}
