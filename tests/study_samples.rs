//! A study whose rows come from several samples: whose strata and PSUs are whose.

use std::fs;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// Two samples that number strata and PSUs alike; `hand` and `cluster` are made different by hand.
fn data() -> String {
    let mut text = String::from("origin,h,psu,hand,cluster,w,pg,pb,y\n");
    for i in 0..48_usize {
        let (origin, h, psu) = (["general", "boost"][i / 24], i / 12 % 2, i / 4 % 3);
        let (w, y) = (10 + i % 7, i * i % 17 + i / 24 * 3);
        text.push_str(&format!(
            "{origin},{h},{psu},{origin}-{h},{origin}-{h}-{psu},{w},0.1,0.05,{y}\n"
        ));
    }
    text
}

fn run(design: &str, rest: &str) -> (Option<i32>, String, Option<Value>) {
    let folder = TempDir::new().unwrap();
    let study = format!(
        "title = \"T\"\n[data]\nfile = \"d.csv\"\n[design]\nweight = \"w\"\n{design}\n{rest}\n\
         [[estimate]]\nmean = \"y\"\n[report]\nfolder = \".\"\njson = \"out.json\"\n"
    );
    fs::write(folder.path().join("study.toml"), study).unwrap();
    fs::write(folder.path().join("d.csv"), data()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_rakewell"))
        .args(["run", "study.toml"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    let json = fs::read_to_string(folder.path().join("out.json")).ok();
    (output.status.code(), said, json.and_then(|text| serde_json::from_str(&text).ok()))
}

fn se(design: &str) -> f64 {
    let (code, said, json) = run(design, "");
    assert_eq!(code, Some(0), "{said}");
    let json = json.unwrap();
    json["estimates"][0]["rows"][0]["se"].as_f64().unwrap_or_else(|| panic!("{json:#}"))
}

const DESIGN: &str = "strata = \"h\"\nclusters = \"psu\"\nnested = true\n";
const COMBINE: &str = "[[weighting]]\nstep = \"combine\"\n[weighting.samples]\nvariable = \"origin\"\n\
    probabilities = { general = \"pg\", boost = \"pb\" }\nmethod = \"sum-of-probabilities\"\n";

#[test]
fn samples_are_apart_or_share_psus() {
    let apart = se(&format!("{DESIGN}samples = \"origin\""));
    let by_hand = se("strata = \"hand\"\nclusters = \"cluster\"");
    assert_eq!(apart, by_hand);
    let shared =
        se(&format!("{DESIGN}samples = \"origin\"\nshared-psus = [[\"general\", \"boost\"]]"));
    assert_eq!(shared, se(DESIGN));
    assert!((apart / shared - 1.0).abs() > 0.05, "{apart} {shared}");
}

#[test]
fn what_is_not_said_is_asked_for() {
    let (code, said, _) = run(DESIGN, COMBINE);
    assert_eq!(code, Some(0), "{said}");
    for part in [
        "6 of 6 PSUs hold rows of several samples (boost, general), such as `0`",
        "`samples = \"origin\"`",
        "`shared-psus = [[\"boost\", \"general\"]]`",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    let (_, said, _) = run("strata = \"h\"\nclusters = \"cluster\"", COMBINE);
    assert!(
        said.contains("2 of 2 strata hold units of several samples (boost, general)"),
        "{said}"
    );
    for quiet in [
        "strata = \"hand\"\nclusters = \"cluster\"".to_string(),
        format!("{DESIGN}samples = \"origin\""),
        format!("{DESIGN}samples = \"origin\"\nshared-psus = [[\"general\", \"boost\"]]"),
    ] {
        let (code, said, _) = run(&quiet, COMBINE);
        assert!(code == Some(0) && !said.contains("several samples"), "{said}");
        assert_eq!(
            said.contains("samples of origin by themselves"),
            quiet.contains("samples"),
            "{said}"
        );
    }
    let shared = "shared-psus = [[\"general\", \"boost\"]]";
    let (_, said, _) =
        run(&format!("clusters = \"cluster\"\nsamples = \"origin\"\n{shared}"), COMBINE);
    assert!(said.contains("are said to share PSUs, but no PSU has rows of two of them"), "{said}");
}

#[test]
fn mistakes_have_their_place() {
    let shared = "shared-psus = [[\"general\", \"bost\"]]";
    let (code, said, _) = run(&format!("{DESIGN}samples = \"origin\"\n{shared}"), "");
    assert!(code == Some(1) && said.contains("no row is of the sample `bost`"), "{said}");
    assert!(said.contains("study.toml:10"), "{said}");
    let (code, said, _) = run(&format!("{DESIGN}samples = \"orign\""), "");
    assert!(code == Some(1) && said.contains("did you mean `origin`?"), "{said}");
}
