//! Replicates of a study: made from the design, beside linearised variances, written out.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use rakewell::data::io::{ReadOptions, read};
use rakewell::estimate::{DfRule, EstimateTable};
use rakewell::study;

/// Eight strata of two PSUs of six people; the third stratum has another PSU where `odd`.
fn data(odd: bool) -> String {
    let mut text = String::from("stratum,psu,turn,w,sex,age,y,z\n");
    let mut psu = 0;
    for stratum in 0..8 {
        for _ in 0..if odd && stratum == 2 { 3 } else { 2 } {
            psu += 1;
            for person in 0..6 {
                let k = psu * 7 + person * 3;
                let _ = writeln!(
                    text,
                    "h{stratum},{psu},{},{},{},{},{},{}",
                    100 - psu,
                    10 + k % 5,
                    if person % 2 == 0 { "m" } else { "f" },
                    ["young", "old", "older"][person as usize % 3],
                    k * k % 17,
                    u8::from(k * k % 7 < 3),
                );
            }
        }
    }
    text
}

const STUDY: &str = r#"
title = "T"
[data]
file = "data.csv"
[design]
weight = "w"
strata = "stratum"
clusters = "psu"
VARIANCE
[[weighting]]
step = "rake"
[[weighting.margin]]
by = "sex"
totals = { m = 700, f = 600 }
[[weighting.margin]]
by = "age"
totals = { young = 500, old = 400, older = 400 }
[[estimate]]
mean = "y"
by = "sex"
[[estimate]]
proportion = "z"
[report]
csv = "out.csv"
json = "out.json"
"#;

fn folder(variance: &str, odd: bool) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("data.csv"), data(odd)).unwrap();
    let text = STUDY.replace("VARIANCE", variance);
    fs::write(folder.path().join("study.toml"), text).unwrap();
    folder
}

fn run(folder: &Path) -> study::Finished {
    study::run(&folder.join("study.toml")).unwrap_or_else(|e| panic!("{e}"))
}

fn tables(variance: &str) -> Vec<EstimateTable> {
    run(folder(variance, false).path()).document.estimates
}

fn mistakes(variance: &str, odd: bool) -> String {
    let folder = folder(variance, odd);
    study::run(&folder.path().join("study.toml")).map(drop).unwrap_err().to_string()
}

#[test]
fn every_method_runs_and_names_itself() {
    let linearised = tables("[variance]\nestimator = \"linearised\"\n").len();
    assert_eq!(linearised, 2);
    for (keys, name, df) in [
        ("method = \"jkn\"", "16 replicates (JKn jackknife)", DfRule::DomainPsusMinusStrata),
        ("method = \"jk2\"", "8 replicates (JK2 jackknife)", DfRule::DomainPsusMinusStrata),
        (
            "method = \"brr\"",
            "12 replicates (balanced repeated replication)",
            DfRule::DomainPsusMinusStrata,
        ),
        (
            "method = \"fay\"\nrho = 0.5",
            "12 replicates (Fay's method)",
            DfRule::DomainPsusMinusStrata,
        ),
        (
            "method = \"delete-a-group\"\nreplicates = 5",
            "5 replicates (delete-a-group jackknife)",
            DfRule::ReplicateCount,
        ),
        (
            "method = \"rao-wu\"\nreplicates = 40",
            "40 replicates (Rao–Wu bootstrap)",
            DfRule::DomainPsusMinusStrata,
        ),
        (
            "method = \"generalized\"\nreplicates = 6\nform = \"sd2\"\norder-by = \"turn\"",
            "6 replicates (generalised bootstrap)",
            DfRule::ReplicateCount,
        ),
        (
            "method = \"sdr\"\norder-by = \"turn\"",
            "20 replicates (successive difference replication)",
            DfRule::DomainPsusMinusStrata,
        ),
    ] {
        let made = tables(&format!("[variance]\n{keys}\n"));
        assert_eq!((made[0].variance.as_str(), made[0].df_rule), (name, df), "{keys}");
        assert!(made.iter().flat_map(|t| &t.rows).all(|r| r.se.is_some_and(|se| se > 0.0)));
        assert!(made[0].rows.iter().all(|r| r.se_replicates.is_none()));
    }
}

/// Both at once: the linearised standard errors are those of a linearised run, the others those of a
/// run with replicates, and the ratio is near 1.
#[test]
fn both_side_by_side() {
    let [linear, by, both] = [
        "",
        "[variance]\nmethod = \"jkn\"\n",
        "[variance]\nmethod = \"jkn\"\nestimator = \"both\"\n",
    ]
    .map(tables);
    for ((a, b), both) in linear.iter().zip(&by).zip(&both) {
        assert_eq!(both.replicates.as_deref(), Some("16 replicates (JKn jackknife)"));
        for ((a, b), both) in a.rows.iter().zip(&b.rows).zip(&both.rows) {
            assert_eq!((both.se, both.se_replicates), (a.se, b.se));
            assert_eq!((both.lower, both.df), (a.lower, a.df));
            let ratio = both.se_ratio().unwrap();
            assert!((0.8..1.3).contains(&ratio), "{ratio}");
        }
    }
    let folder = folder("[variance]\nmethod = \"jkn\"\nestimator = \"both\"\n", false);
    let path = folder.path().join("study.toml");
    let finished = run(folder.path());
    finished.write(&path).unwrap_or_else(|e| panic!("{}", e.mistakes));
    let output = folder.path().join("output");
    let csv = fs::read_to_string(output.join("out.csv")).unwrap();
    assert!(csv.lines().next().unwrap().contains(",variance,se_replicates,se_ratio,replicates"));
    let json = fs::read_to_string(output.join("out.json")).unwrap();
    assert!(json.contains("\"se_replicates\""), "{json}");
    let html = fs::read_to_string(output.join("report.html")).unwrap();
    assert!(html.contains("SE repl.") && html.contains("beside it that of 16 replicates"));
    let shown = rakewell::report::terminal(&finished.document, 120, false);
    assert!(shown.contains("SE repl."), "{shown}");
}

/// The weights of every replicate meet the margins.
#[test]
fn replicate_weights_are_written_and_raked() {
    let folder = folder("[variance]\nmethod = \"rao-wu\"\nreplicates = 9\nseed = 4\n", false);
    let file = folder.path().join("study.toml");
    let text = fs::read_to_string(&file).unwrap() + "data = \"copy.csv\"\nreplicates = true\n";
    fs::write(&file, text).unwrap();
    let finished = run(folder.path());
    let path = folder.path().join("study.toml");
    finished.write(&path).unwrap_or_else(|e| panic!("{}", e.mistakes));
    let copy = read(&folder.path().join("output/copy.csv"), &ReadOptions::default()).unwrap();
    let sex = copy.column("sex").unwrap().as_factor();
    let m = sex.position("m").unwrap() as u32;
    for r in 1..=9 {
        let column = copy.column(&format!("rakewell_rep{r}")).unwrap();
        let w = column.as_numbers().unwrap().to_vec();
        assert!((w.iter().sum::<f64>() - 1300.0).abs() < 1e-5);
        let men: f64 = (0..w.len()).filter(|&i| sex.codes.get(i) == m).map(|i| w[i]).sum();
        assert!((men - 700.0).abs() < 1e-5, "{men}");
    }
    let notes = format!("{:?}", finished.document.estimates[0].notes);
    assert!(
        notes.contains("coefficient of variation") && notes.contains("would bring it"),
        "{notes}"
    );
    let design = &finished.document.design;
    assert!(design.description.ends_with("9 replicates (Rao–Wu bootstrap, seed 4)"));
    assert_eq!((design.strata, design.psus, design.replicates), (Some(8), Some(16), Some(9)));
}

/// Replicate weights of the data beside strata and clusters: both variances of one file.
#[test]
fn both_from_replicate_weights_of_the_data() {
    let made = folder("[variance]\nmethod = \"jkn\"\n", false);
    let file = made.path().join("study.toml");
    let text = fs::read_to_string(&file).unwrap();
    let raw = text.split("[[weighting]]").next().unwrap().to_string();
    let end = "[[estimate]]\nmean = \"y\"\nby = \"sex\"\n[report]\ncsv = \"out.csv\"\n";
    fs::write(&file, format!("{raw}{end}data = \"copy.csv\"\nreplicates = true\n")).unwrap();
    run(made.path()).write(&file).unwrap_or_else(|e| panic!("{}", e.mistakes));
    fs::copy(made.path().join("output/copy.csv"), made.path().join("data.csv")).unwrap();
    let rscales = ["0.5"; 16].join(", ");
    let table = |units: &str, estimator: &str| {
        let text = format!(
            "title = \"T\"\n[data]\nfile = \"data.csv\"\n[design]\nweight = \"w\"\n{units}\
             [design.replicates]\ncolumns = \"rakewell_rep*\"\nmethod = \"jkn\"\nrscales = [{rscales}]\n\
             {estimator}{end}"
        );
        fs::write(&file, text).unwrap();
        run(made.path()).document.estimates[0].clone()
    };
    let units = "strata = \"stratum\"\nclusters = \"psu\"\n";
    let replicates = table("", "");
    let linearised = table(units, "[variance]\nestimator = \"linearised\"\n");
    let both = table(units, "[variance]\nestimator = \"both\"\n");
    assert_eq!(linearised.variance, "linearised");
    for ((a, b), both) in linearised.rows.iter().zip(&replicates.rows).zip(&both.rows) {
        assert_eq!((both.se, both.df, both.lower), (a.se, a.df, a.lower));
        assert_eq!(both.se_replicates, b.se);
        assert!((0.8..1.3).contains(&both.se_ratio().unwrap()));
    }
}

/// A quantile with both: Woodruff's interval with either variance of F, or beside it the spread of the
/// replicates' quantiles.
#[test]
fn both_for_quantiles() {
    let with = |variance: &str, quantile: &str| {
        let folder = folder(variance, false);
        let file = folder.path().join("study.toml");
        let text = fs::read_to_string(&file).unwrap();
        let text = text.replace("mean = \"y\"", quantile);
        fs::write(&file, text).unwrap();
        run(folder.path()).document.estimates[0].clone()
    };
    let quantile = "quantile = { of = \"y\", at = [0.25, 0.5] }";
    let method = "[variance]\nmethod = \"rao-wu\"\nreplicates = 60\n";
    let both = format!("{method}estimator = \"both\"\n");
    let linear = with("", quantile);
    let replicates = with(method, quantile);
    let found = with(&both, quantile);
    assert_eq!(found.replicates.as_deref(), Some("60 replicates (Rao–Wu bootstrap)"));
    assert_eq!(found.rows.len(), 4);
    for ((a, b), both) in linear.rows.iter().zip(&replicates.rows).zip(&found.rows) {
        assert_eq!((both.se, both.lower, both.upper), (a.se, a.lower, a.upper));
        assert!(both.se_replicates.is_some() && both.se_replicates == b.se);
    }
    let spread = "quantile = { of = \"y\", at = [0.25, 0.5], interval = \"replicates\" }";
    let alone = with(method, spread);
    let found = with(&both, spread);
    for ((a, b), both) in linear.rows.iter().zip(&alone.rows).zip(&found.rows) {
        assert_eq!((both.se, both.lower), (a.se, a.lower));
        assert_eq!(both.se_replicates, b.se);
    }
    assert!(found.notes.iter().any(|n| n.contains("that of their quantiles")), "{:?}", found.notes);
}

/// The weights in a converted copy are those of a copied one, although both are made by rows.
#[test]
fn replicate_weights_are_the_same_in_every_format() {
    let folder = folder("[variance]\nmethod = \"jkn\"\n", false);
    let file = folder.path().join("study.toml");
    let text = fs::read_to_string(&file).unwrap() + "replicates = true\n";
    let mut copies = Vec::new();
    for name in ["copy.csv", "copy.parquet"] {
        fs::write(&file, format!("{text}data = \"{name}\"\n")).unwrap();
        run(folder.path()).write(&file).unwrap_or_else(|e| panic!("{}", e.mistakes));
        let copy = folder.path().join("output").join(name);
        copies.push(read(&copy, &ReadOptions::default()).unwrap());
    }
    let left = fs::read_dir(folder.path().join("output")).unwrap();
    let names: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    let known = ["html", "csv", "json", "parquet"];
    let is_known = |name: &std::ffi::OsString| {
        let name = name.to_string_lossy().into_owned();
        !name.starts_with('.') && known.iter().any(|end| name.ends_with(end))
    };
    assert!(names.len() == 7 && names.iter().all(is_known), "stays behind: {names:?}");
    for r in 0..=16 {
        let name = if r == 0 { "rakewell_weight".into() } else { format!("rakewell_rep{r}") };
        let [a, b] = [0, 1].map(|k| {
            let numbers = copies[k].column(&name).unwrap().as_numbers().unwrap().to_vec();
            numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>()
        });
        assert_eq!(a, b, "{name}");
    }
}

#[test]
fn designs_that_do_not_fit_are_named() {
    for method in ["brr", "jk2", "fay\"\nrho = \"0.5"] {
        let method = method.replace("\"0.5", "0.5 #");
        let error = mistakes(&format!("[variance]\nmethod = \"{method}\"\n"), true);
        assert!(error.contains("1 stratum has 3") && error.contains("`h2` has 3"), "{error}");
    }
    let error = mistakes("[variance]\nmethod = \"jk1\"\n", false);
    assert!(error.contains("8 strata") && error.contains("jkn"), "{error}");
    let error = mistakes("[variance]\nmethod = \"delete-a-group\"\nreplicates = 400\n", false);
    assert!(error.contains("400 groups for 16 PSUs"), "{error}");
    let error = mistakes("[variance]\nmethod = \"poisson\"\n", false);
    assert!(error.contains("selection probability of every unit"), "{error}");
    let error = mistakes("[variance]\nmethod = \"sdr\"\norder-by = \"turns\"\n", false);
    assert!(error.contains("did you mean `turn`?"), "{error}");
}
