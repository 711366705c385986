//! Options of the commands: `--set`, `--dry-run`, `--quiet`, `--verbose`; completions and manual pages.

use super::*;

#[test]
fn settings_go_before_the_study() {
    let folder = study_with(STUDY, RECODES);
    let set = [
        "--set",
        "estimate.mean.by=sex",
        "--set",
        "estimate.1.title=By sex",
        "--set",
        "defaults.confidence=0.9",
    ];
    let (code, out, err) = rakewell(folder.path(), &[&["run", "study.toml"][..], &set].concat());
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("By sex") && out.contains("90% interval"), "{out}");
    let manifest = fs::read_to_string(folder.path().join("output/manifest.json")).expect("it");
    let manifest: Value = serde_json::from_str(&manifest).expect("JSON");
    let expected = [
        "estimate.mean.by = \"sex\"",
        "estimate.1.title = \"By sex\"",
        "defaults.confidence = 0.9",
    ];
    assert_eq!(manifest["settings"], serde_json::json!(expected));
    let one = |setting: &str| {
        let found = mistakes(folder.path(), &["--set", setting]);
        let (file, _, column, message, help) = found[0].clone();
        assert_eq!(file, "--set", "{setting}: {found:?}");
        (column, message, help)
    };
    let says = |setting: &str, column: u64, message: &str, help: &str| {
        let found = one(setting);
        assert_eq!(found.0, column, "{setting}: {found:?}");
        assert!(found.1.contains(message) && found.2.contains(help), "{setting}: {found:?}");
    };
    says("defaults.confidence=95", 23, "between 0 and 1", "0.95");
    says("defaults.confidenc=0.9", 10, "has no key `confidenc`", "did you mean `confidence`?");
    says("estimate.men.by=sex", 10, "`estimate` has no item `men`", "did you mean `mean`?");
    says("estimate.0.by=sex", 10, "`estimate` has no item `0`", "counted from 1 to 1");
    says("estimate.mean.by=sx", 20, "there is no column `sx`", "");
    says("where", 1, "it has no `=`", "key=value");
    says("a b=3", 1, "`a b` is not a key", "key=value");
}

#[test]
fn a_plan_writes_nothing() {
    let folder = study_with(JOIN, "");
    let (code, out, err) = rakewell(folder.path(), &["run", "study.toml", "--dry-run"]);
    assert_eq!((code, err.as_str()), (0, ""));
    for text in [
        "people.csv (",
        "about 6 rows",
        "3 of 6 columns: hid, y, w",
        "joined on hid",
        "output/report.html",
        "Needs about",
        "nothing was written",
    ] {
        assert!(out.contains(text), "{text}\n{out}");
    }
    assert!(!folder.path().join("output").exists());
    let folder = study_with(STUDY, RECODES);
    let (_, out, _) = rakewell(folder.path(), &["run", "study.toml", "--dry-run"]);
    assert!(out.contains("mean of y by ethnic5, at most 5 domains"), "{out}");
    let (code, _, err) =
        rakewell(folder.path(), &["run", "study.toml", "--dry-run", "--set", "design.weight=v"]);
    assert_eq!(code, 1);
    assert!(err.contains("there is no column `v`"), "{err}");
}

/// Weights that are held for every row and replicate are part of the memory that a plan tells.

#[test]
fn a_plan_counts_the_replicates_that_are_held_by_row() {
    let rows: String = (0..1_000).map(|i| format!("{},{}\n", i % 7, 1 + i % 3)).collect();
    let study = "title = \"T\"\n[data]\nfile = \"d.csv\"\n[design]\nweight = \"w\"\n[[estimate]]\nmean = \
                 \"y\"\n[[weighting]]\nstep = \"trim\"\nupper = { median-ratio = 3 }\n";
    let folder = folder(&[("d.csv", &format!("y,w\n{rows}"))]);
    let megabytes = |more: &str| {
        fs::write(folder.path().join("study.toml"), format!("{study}{more}")).expect("written");
        let (code, out, err) = rakewell(folder.path(), &["run", "study.toml", "--dry-run"]);
        assert_eq!(code, 0, "{err}");
        let needs = out.lines().find(|l| l.starts_with("Needs")).expect("a need").to_string();
        (needs.split_whitespace().nth(2).and_then(|n| n.parse::<f64>().ok()), needs)
    };
    let (plain, _) = megabytes("");
    let (more, needs) = megabytes("[variance]\nmethod = \"rao-wu\"\nreplicates = 20000\n");
    // 1,000 rows × 20,000 × 8 bytes.
    let (plain, more) = (plain.expect("a number"), more.expect("a number"));
    assert!((more - plain - 160.0).abs() < 2.0, "{plain} {needs}");
    // A jackknife has as many replicates as there are PSUs, which a plan does not see.
    let (none, needs) = megabytes("[variance]\nmethod = \"jkn\"\n");
    assert!(none.is_none() && needs.contains("number of replicates"), "{needs}");
}

/// A study that forgets the standard its labels are of is told which it is.

#[test]
fn quiet_and_verbose() {
    let folder = study_with(STUDY, RECODES);
    let (code, out, err) = rakewell(folder.path(), &["run", "study.toml", "--quiet"]);
    assert_eq!((code, out.as_str(), err.as_str()), (0, "", ""));
    let (code, _, err) = rakewell(folder.path(), &["run", "study.toml", "--verbose"]);
    assert_eq!(code, 0);
    for text in ["reading the data", "making variables", "weighting", "estimating", "Seconds:"] {
        assert!(err.contains(text), "{text}\n{err}");
    }
    assert_eq!(rakewell(folder.path(), &["run", "study.toml", "-q", "-v"]).0, 2);
    let (code, out, _) = rakewell(folder.path(), &["check", "study.toml", "--quiet"]);
    assert_eq!((code, out.as_str()), (0, ""));
}

#[test]
fn shells_and_man() {
    let folder = folder(&[]);
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (code, out, _) = rakewell(folder.path(), &["completions", shell]);
        assert!(code == 0 && out.contains("dry-run"), "{shell}");
    }
    assert_eq!(rakewell(folder.path(), &["completions", "cmd"]).0, 2);
    let (code, out, _) = rakewell(folder.path(), &["man"]);
    assert!(code == 0 && out.contains(".TH") && out.contains("rakewell"), "{out}");
    let (code, out, _) = rakewell(folder.path(), &["man", "run"]);
    assert!(code == 0 && out.contains("dry\\-run"), "{out}");
    let (code, _, err) = rakewell(folder.path(), &["man", "ran"]);
    assert!(code == 1 && err.contains("there is no command `ran`"), "{err}");
}
