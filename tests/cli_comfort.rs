//! What makes a study file and its data easy to work with, as a user meets it: shared recodes, joined files, standard classifications, `--set`, `--dry-run`.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

/// Runs the program in a folder; gives the exit code, standard output and standard error.
fn rakewell(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_rakewell"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code().expect("an exit code"), text(output.stdout), text(output.stderr))
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("written");
    }
    folder
}

/// The mistakes of a check as (file, line, column, message, help).
fn mistakes(folder: &Path, arguments: &[&str]) -> Vec<(String, u64, u64, String, String)> {
    let all = [&["check", "study.toml", "--format", "json"], arguments].concat();
    let (_, out, err) = rakewell(folder, &all);
    let list: Vec<Value> = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}\n{out}{err}"));
    let text = |m: &Value, key: &str| m[key].as_str().unwrap_or("").to_string();
    let number = |m: &Value, key: &str| m[key].as_u64().unwrap_or(0);
    list.iter()
        .map(|m| {
            let (line, column) = (number(m, "line"), number(m, "column"));
            (text(m, "file"), line, column, text(m, "message"), text(m, "help"))
        })
        .collect()
}

fn results(folder: &Path) -> Value {
    let text = fs::read_to_string(folder.join("output/results.json")).expect("results");
    serde_json::from_str(&text).expect("JSON")
}

const PEOPLE: &str = "\
id,hid,sex,ethnic,y,w
1,1,1,Asian/Asian British: Indian,10,1
2,1,2,WHITE - BRITISH,20,1
3,2,1,white & black caribbean,30,1
4,2,2,Chinese,40,1
5,3,2,Refused,50,1
6,9,1,White: Irish,60,1
";

const HOMES: &str = "hid,region,y\n1,North,100\n2,South,200\n3,South,300\n4,East,400\n";

const STUDY: &str = "\
title = \"T\"
include = [\"shared/recodes.toml\"]
[data]
file = \"people.csv\"
[design]
weight = \"w\"
[[estimate]]
name = \"mean\"
mean = \"y\"
by = \"ethnic5\"
";

const RECODES: &str = "\
[variables.sex]
label = \"Sex\"
values = { 1 = \"Male\", 2 = \"Female\" }
[variables.ethnic]
missing = [\"Refused\"]
[[derive]]
name = \"ethnic5\"
from = \"ethnic\"
scheme = \"ons-2021-19\"
to = \"ons-5\"
";

fn study_with(study: &str, recodes: &str) -> TempDir {
    folder(&[
        ("study.toml", study),
        ("shared/recodes.toml", recodes),
        ("people.csv", PEOPLE),
        ("homes.csv", HOMES),
    ])
}

/// The groups of the first estimate with their estimates.
fn groups(folder: &Path) -> Vec<(String, f64)> {
    let results = results(folder);
    let table = &results["estimates"][0];
    let levels: Vec<&str> = table["by"][0]["levels"]
        .as_array()
        .expect("levels")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let rows = table["rows"].as_array().expect("rows");
    let estimates = rows.iter().map(|r| r["estimate"].as_f64().expect("a number"));
    levels.iter().map(|l| (*l).to_string()).zip(estimates).collect()
}

fn named(pairs: &[(&str, f64)]) -> Vec<(String, f64)> {
    pairs.iter().map(|(l, x)| ((*l).to_string(), *x)).collect()
}

#[test]
fn shared_recodes_and_standards() {
    let folder = study_with(STUDY, RECODES);
    let (code, _, err) = rakewell(folder.path(), &["run", "study.toml"]);
    assert_eq!(code, 0, "{err}");
    // Indian and Chinese are Asian: (10 + 40) / 2; British and Irish are White: (20 + 60) / 2.
    let expected = [("Asian", 25.0), ("Mixed", 30.0), ("White", 40.0)];
    assert_eq!(groups(folder.path()), named(&expected));
    let manifest = fs::read_to_string(folder.path().join("output/manifest.json")).expect("it");
    assert!(manifest.contains("shared/recodes.toml"), "{manifest}");
}

#[test]
fn labels_that_are_no_group_are_listed() {
    let folder = study_with(STUDY, &RECODES.replace("missing = [\"Refused\"]", "label = \"E\""));
    let found = mistakes(folder.path(), &[]);
    let (file, line, column, message, help) = &found[0];
    assert_eq!((file.as_str(), *line, *column), ("shared/recodes.toml", 8, 8));
    assert!(message.contains("\"Refused\" (1 row)"), "{message}");
    assert!(help.contains("otherwise") && help.contains("map"), "{help}");
    // The ways out.
    for (key, expected) in [
        ("derive.ethnic5.otherwise=Not stated", vec![("Not stated", 50.0)]),
        ("derive.ethnic5.map={ refused = \"black\" }", vec![("Black", 50.0)]),
    ] {
        let (code, _, err) = rakewell(folder.path(), &["run", "study.toml", "--set", key]);
        assert_eq!(code, 0, "{err}");
        let groups = groups(folder.path());
        for (label, x) in expected {
            assert!(groups.contains(&(label.to_string(), x)), "{groups:?}");
        }
        assert_eq!(err.contains("1 row became \"Not stated\""), key.contains("otherwise"), "{err}");
    }
}

#[test]
fn standards_that_cannot_be_reconciled() {
    let recodes = RECODES.replace("to = \"ons-5\"", "to = \"ons-2021-19\"").replace(
        "scheme = \"ons-2021-19\"",
        "scheme = \"ons-2011-18\"\nmap = { Chinese = \"Chines\" }",
    );
    let folder = study_with(STUDY, &recodes);
    let found = mistakes(folder.path(), &[]);
    assert_eq!((found[0].0.as_str(), found[0].1), ("shared/recodes.toml", 10));
    assert!(found[0].3.contains("\"Chines\" is no group of `ons-2021-19`"), "{found:?}");
    assert!(found[0].4.contains("did you mean \"Chinese\"?"), "{found:?}");
    let people = PEOPLE.replace("White: Irish", "White: Other White");
    fs::write(folder.path().join("people.csv"), people).expect("written");
    let found = mistakes(folder.path(), &["--set", "derive.ethnic5.map={ x = \"Roma\" }"]);
    assert!(found[0].3.contains("divides groups that `ons-2011-18` holds together"), "{found:?}");
}

#[test]
fn codes_are_matched_by_their_labels() {
    let data = "eth,w,y\n1,1,1\n2,1,3\n2,1,5\n";
    let study =
        STUDY.replace("include = [\"shared/recodes.toml\"]\n", "").replace("people", "codes");
    let derive =
        "[[derive]]\nname = \"ethnic5\"\nfrom = \"eth\"\nto = \"ons-5\"\nwording = \"wales\"\n";
    let labels = "[variables.eth]\nvalues = { 1 = \"black\", 2 = \"asian or asian british\" }\n";
    let folder = folder(&[("study.toml", &format!("{study}{derive}")), ("codes.csv", data)]);
    let found = mistakes(folder.path(), &[]);
    assert!(
        found[0].4.contains("no labels") && found[0].4.contains("[variables.eth]"),
        "{found:?}"
    );
    fs::write(folder.path().join("study.toml"), format!("{study}{derive}{labels}"))
        .expect("written");
    let (code, _, err) = rakewell(folder.path(), &["run", "study.toml"]);
    assert_eq!(code, 0, "{err}");
    let expected = [
        ("Asian, Asian Welsh or Asian British", 4.0),
        ("Black, Black Welsh, Black British, Caribbean or African", 1.0),
    ];
    assert_eq!(groups(folder.path()), named(&expected));
}

#[test]
fn migration_is_banded() {
    let data = "uk,years,age,m,f,w,y\n1,,,1,1,1,1\n1,,,1,0,1,2\n0,1.9,30,0,0,1,4\n0,2,5,0,0,1,8\n\
        0,10,17,0,0,1,16\n0,,,0,0,1,32\n1,,,1,,1,64\n";
    let study = "title = \"T\"\n[data]\nfile = \"d.csv\"\n[design]\nweight = \"w\"\n\
        [[estimate]]\ntotal = \"y\"\nby = \"g\"\n[[derive]]\nname = \"g\"\nuk-born = \"uk == 1\"\n";
    let bands = "from = \"years\"\nto = \"ons-residence\"\n";
    let generation =
        "from = \"age\"\nto = \"generation-1.5\"\nparents-uk-born = [\"m == 1\", \"f == 1\"]\n";
    for (keys, expected) in [
        (
            bands,
            vec![
                ("Born in the UK", 67.0),
                ("10 years or more", 16.0),
                ("2 years or more, but less than 5 years", 8.0),
                ("Less than 2 years", 4.0),
            ],
        ),
        // One parent unknown and the other born in the UK: not known. Arrived at 17: a child.
        (
            generation,
            vec![
                ("1st generation", 4.0),
                ("1.5 generation", 24.0),
                ("2nd generation", 2.0),
                ("3rd generation or later", 1.0),
            ],
        ),
    ] {
        let folder = folder(&[("study.toml", &format!("{study}{keys}")), ("d.csv", data)]);
        let (code, _, err) = rakewell(folder.path(), &["run", "study.toml"]);
        assert_eq!(code, 0, "{err}");
        assert_eq!(groups(folder.path()), named(&expected));
    }
    let folder = folder(&[
        ("study.toml", &format!("{study}from = \"years\"\nto = \"ons-arrival\"\n")),
        ("d.csv", data),
    ]);
    let found = mistakes(folder.path(), &[]);
    assert!(found[0].3.contains("\"1.9\" (1 row), \"2\" (1 row), \"10\" (1 row)"), "{found:?}");
}

#[test]
fn what_is_wrong_with_an_included_file() {
    let one = |recodes: &str| {
        let folder = study_with(STUDY, recodes);
        let found = mistakes(folder.path(), &["--no-data"]);
        assert_eq!(found.len(), 1, "{recodes}\n{found:#?}");
        let (file, line, _, message, help) = found[0].clone();
        (file, line, message, help)
    };
    let in_recodes = |found: &(String, u64, String, String), line: u64, message: &str| {
        assert_eq!((found.0.as_str(), found.1), ("shared/recodes.toml", line), "{found:?}");
        assert!(found.2.contains(message), "{found:?}");
    };
    in_recodes(&one(&format!("{RECODES}[design]\n")), 11, "cannot have `design`");
    in_recodes(&one("derive = 3\n"), 1, "`derive` is not written as tables");
    in_recodes(&one("[[derive]]\nname = \n"), 2, "");
    in_recodes(&one(&RECODES.replace("scheme =", "schema =")), 9, "no key `schema`");
    in_recodes(&one(&RECODES.replace("ons-5", "ons-6")), 10, "no standard classification `ons-6`");
    in_recodes(&one(&format!("include = \"../study.toml\"\n{RECODES}")), 1, "includes itself");
    in_recodes(&one(&format!("include = \"recodes.toml\"\n{RECODES}")), 1, "includes itself");
    in_recodes(
        &one(&format!("include = \"more.toml\"\n{RECODES}")),
        1,
        "there is no file shared/more.toml",
    );
    in_recodes(&one(&format!("include = 3\n{RECODES}")), 1, "`include` must be a text");
    // Two files that make the same variable.
    let twice = format!("{STUDY}[[derive]]\nname = \"ethnic5\"\nvalue = \"1\"\n");
    let folder = study_with(&twice, RECODES);
    let found = mistakes(folder.path(), &["--no-data"]);
    assert_eq!((found[0].0.as_str(), found[0].1), ("study.toml", 12));
    assert!(found[0].4.contains("the first is in shared/recodes.toml, line 7"), "{found:?}");
    // A file that is not there, from the study.
    let folder = study_with(&STUDY.replace("recodes", "recods"), RECODES);
    let found = mistakes(folder.path(), &["--no-data"]);
    assert_eq!((found[0].1, found[0].2), (2, 12));
    assert!(found[0].4.contains("did you mean shared/recodes.toml?"), "{found:?}");
}

#[test]
fn the_study_goes_before_what_it_includes() {
    let study = format!("{STUDY}[variables.sex]\nlabel = \"Gender\"\n").replace("ethnic5", "sex");
    let folder = study_with(&study, &format!("include = \"deep/more.toml\"\n{RECODES}"));
    fs::create_dir(folder.path().join("shared/deep")).expect("a folder");
    let more = "[variables.sex]\nlabel = \"S\"\n[variables.y]\nlabel = \"Income\"\n";
    fs::write(folder.path().join("shared/deep/more.toml"), more).expect("written");
    let (code, out, err) = rakewell(folder.path(), &["run", "study.toml"]);
    assert_eq!(code, 0, "{err}");
    // The label of the study, the value labels of the included file, the label of the deepest.
    assert!(out.contains("Mean: Income by Gender"), "{out}");
    assert_eq!(groups(folder.path()), named(&[("Male", 100.0 / 3.0), ("Female", 110.0 / 3.0)]));
}

const JOIN: &str = "\
title = \"T\"
[data]
file = \"people.csv\"
[[data.join]]
file = \"homes.csv\"
on = \"hid\"
prefix = \"h_\"
[design]
weight = \"w\"
[[estimate]]
total = \"y\"
by = \"h_region\"
[[estimate]]
mean = \"h_y\"
";

#[test]
fn files_are_joined() {
    let folder = study_with(JOIN, "");
    let (code, out, err) = rakewell(folder.path(), &["run", "study.toml"]);
    assert_eq!(code, 0, "{err}");
    // People 1 and 2 live in home 1 (North); 3, 4 and 5 in 2 and 3 (South); 6 in none.
    assert_eq!(groups(folder.path()), named(&[("North", 30.0), ("South", 120.0)]));
    let mean = &results(folder.path())["estimates"][1]["rows"][0]["estimate"];
    assert_eq!(mean.as_f64(), Some((100.0 + 100.0 + 200.0 + 200.0 + 300.0) / 5.0));
    assert!(out.contains("people.csv + homes.csv: 6 rows"), "{out}");
    let words = err.split_whitespace().filter(|w| *w != "|").collect::<Vec<_>>().join(" ");
    assert!(words.contains("1 of 6 rows have no partner in homes.csv, such as 9;"), "{err}");
    assert!(words.contains("1 of 4 rows of homes.csv are not used"), "{err}");
}

#[test]
fn what_is_wrong_with_a_join() {
    let folder = study_with(JOIN, "");
    let one = |settings: &[&str]| {
        let set: Vec<&str> = settings.iter().flat_map(|s| ["--set", s]).collect();
        let found = mistakes(folder.path(), &set);
        let error = found.into_iter().find(|m| !m.3.contains("not used")).expect("a mistake");
        (error.0, error.3, error.4)
    };
    let says = |settings: &[&str], message: &str, help: &str| {
        let found = one(settings);
        assert!(found.1.contains(message), "{settings:?}: {found:?}");
        assert!(found.2.contains(help), "{settings:?}: {found:?}");
    };
    says(&["data.join.1.unmatched=error"], "1 of 6 rows have no partner", "unmatched = \"keep\"");
    says(
        &["data.join.1.kind=one-to-one"],
        "2 keys come more than once in the first file: 1 (2 rows), 2 (2 rows)",
        "many-to-one",
    );
    says(
        &["data.join.1.on={ id = \"region\" }", "estimate.1.by=sex"],
        "no row has a partner: the keys are such as 1",
        "same identifiers",
    );
    says(
        &["data.join.1.on=hidd"],
        "there is no column `hidd` in the data before",
        "did you mean `hid`?",
    );
    says(
        &["data.join.1.on={ hid = \"hidd\" }"],
        "there is no column `hidd` in homes.csv",
        "did you mean `hid`?",
    );
    says(&["data.join.1.columns=[\"rooms\"]"], "there is no column `rooms` in homes.csv", "");
    says(&["data.join.1.file=home.csv"], "home.csv", "did you mean");
    let clash = study_with(&JOIN.replace("prefix = \"h_\"\n", ""), "");
    let found = mistakes(clash.path(), &[]);
    assert_eq!((found[0].1, found[0].2), (5, 8));
    assert!(
        found[0].3.contains("1 column of homes.csv has a name that is taken: `y`"),
        "{found:?}"
    );
    assert!(found[0].4.contains("prefix") && found[0].4.contains("columns"), "{found:?}");
    // With the columns chosen there is none.
    let chosen = ["data.join.1.columns=[\"region\"]", "estimate.1.by=region", "estimate.2.mean=y"];
    let set: Vec<&str> = chosen.iter().flat_map(|s| ["--set", s]).collect();
    let found = mistakes(clash.path(), &set);
    assert!(found.iter().all(|m| m.3.contains("partner") || m.3.contains("not used")), "{found:?}");
    fs::write(folder.path().join("homes.csv"), format!("{HOMES}1,West,500\n")).expect("written");
    says(&[], "1 key comes more than once in the joined file: 1 (2 rows)", "add the columns");
}

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
fn the_standard_of_the_labels_is_found_out() {
    let folder = folder(&[
        ("d.csv", "eth,y\nIndian,1\nBlack African,0\nWhite British,1\nIrish,0\nDon't know,1\n"),
        (
            "study.toml",
            "title = \"T\"\n[data]\nfile = \"d.csv\"\n[design]\n[[derive]]\nname = \"e5\"\nfrom = \
             \"eth\"\nto = \"ons-5\"\n[[estimate]]\nmean = \"y\"\nby = \"e5\"\n",
        ),
    ]);
    let found = mistakes(folder.path(), &[]);
    let (_, _, _, message, help) =
        found.iter().find(|m| m.3.contains("are not in `ons-5`")).expect("the mistake");
    assert!(message.contains("5 rows"), "{message}");
    assert!(help.contains("set `scheme = \"ons-2021-19\"`"), "{help}");
}

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
fn classifications_are_listed() {
    let folder = folder(&[]);
    let (code, out, _) = rakewell(folder.path(), &["schemes"]);
    assert!(code == 0 && out.contains("ons-2021-19") && out.contains("generation-1.5"), "{out}");
    let (_, out, _) = rakewell(folder.path(), &["schemes", "eff-16a"]);
    assert!(
        out.starts_with("ons-2001-16") && out.contains("Chinese  (Other inc Chinese)"),
        "{out}"
    );
    let (_, json, _) = rakewell(folder.path(), &["schemes", "ons-5", "--json"]);
    let found: Value = serde_json::from_str(&json).expect("JSON");
    let labels: Vec<&str> = found["levels"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|l| l["label"].as_str())
        .collect();
    assert_eq!(labels, ["Asian", "Black", "Mixed", "White", "Other"]);
    let (code, _, err) = rakewell(folder.path(), &["schemes", "ons5"]);
    assert!(code == 1 && err.contains("did you mean `ons-5`?"), "{err}");
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

#[test]
fn codes_and_labels_alike() {
    let study = "title = \"T\"\n[data]\nfile = \"people.csv\"\n[variables.sex]\n\
        values = { 1 = \"Male\", 2 = \"Female\" }\n[design]\nweight = \"w\"\n[[weighting]]\n\
        step = \"post-stratify\"\nmargins = \"m.csv\"\n[[estimate]]\nname = \"e\"\n\
        proportion = \"sex\"\nlevel = 2\n[[estimate]]\nname = \"f\"\nmean = \"y\"\nby = \"sex\"\n\
        [[compare]]\nestimate = \"f\"\nreference = 1\n";
    let folder = study_with(study, "");
    let margins = |levels: [&str; 2]| {
        let text = format!("variable,level,total\nsex,{},30\nsex,{},10\n", levels[0], levels[1]);
        fs::write(folder.path().join("m.csv"), text).expect("written");
    };
    let mut seen = Vec::new();
    for (levels, settings) in [
        (["1", "2"], vec![]),
        (["Male", "Female"], vec!["estimate.e.level=Female", "compare.1.reference=Male"]),
        (["Male", "2"], vec!["estimate.1.level=2"]),
    ] {
        margins(levels);
        let set: Vec<&str> = settings.iter().flat_map(|s| ["--set", *s]).collect();
        let (code, out, err) =
            rakewell(folder.path(), &[&["run", "study.toml"][..], &set].concat());
        assert_eq!(code, 0, "{err}");
        assert!(out.contains("compared with Male"), "{out}");
        let found = results(folder.path());
        let levels = found["weighting"][1].to_string();
        assert!(levels.contains("\"Male\"") && !levels.contains("\"1\""), "{levels}");
        // 10 of 40 are women.
        let share = found["estimates"][0]["rows"][0]["estimate"].as_f64().expect("a share");
        assert!((share - 0.25).abs() < 1e-12, "{share}");
        seen.push((found["estimates"].clone(), found["comparisons"].clone()));
    }
    assert!(seen.iter().all(|s| *s == seen[0]));
}
