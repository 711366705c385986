//! From a population to a report: `populate`, `draw`, `run` and `simulate`, as a user calls them.

use std::path::{Path, PathBuf};

use assert_cmd::Command;

fn rakewell(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::cargo_bin("rakewell").unwrap();
    command.current_dir(folder).args(args);
    command
}

/// The files of the example, in a folder of their own.
fn example() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let from =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/understanding-society-style");
    for name in ["population.toml", "design.toml", "study.toml"] {
        std::fs::copy(from.join(name), folder.path().join(name)).unwrap();
    }
    folder
}

const SMALL: &str = "areas.number=220";

#[test]
fn from_a_population_to_a_report() {
    let example = example();
    let folder = example.path();
    rakewell(
        folder,
        &["populate", "population.toml", "--margins", "margins.csv", "--areas", "areas.csv"],
    )
    .args(["--set", SMALL])
    .assert()
    .success();
    let set = ["--set", "sample.general.stage.1.take=100"];
    let draw = ["draw", "design.toml", "--frame", "population.parquet", "--seed", "2026"];
    let out = rakewell(folder, &draw)
        .args(["--out", "sample.parquet", "--joint", "joint.csv"])
        .args(set)
        .assert()
        .success();
    let text = String::from_utf8(out.get_output().stdout.clone()).unwrap();
    assert!(text.contains("Sample `general`") && text.contains("eligible and kept"), "{text}");
    // The starter study is a study, and gives the size of the population within its interval.
    rakewell(folder, &["run", "sample.toml"]).assert().success();
    let csv = std::fs::read_to_string(folder.join("output/estimates.csv")).unwrap();
    assert!(csv.lines().count() == 2, "{csv}");
    rakewell(folder, &["run", "study.toml"]).assert().success();
    assert!(folder.join("output/report.html").is_file());
    // The same seed gives the same file in another format of the frame, too.
    rakewell(folder, &draw).args(["--out", "again.csv", "--no-study"]).args(set).assert().success();
    rakewell(folder, &["populate", "population.toml", "--out", "population.csv", "--set", SMALL])
        .assert()
        .success();
    rakewell(folder, &["draw", "design.toml", "--frame", "population.csv", "--seed", "2026"])
        .args(["--out", "third.csv", "--no-study", "--quiet"])
        .args(set)
        .assert()
        .success();
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    assert_eq!(read("again.csv"), read("third.csv"));
    let joint = String::from_utf8(read("joint.csv")).unwrap();
    assert!(joint.starts_with("sample,stratum,unit_a") && joint.contains(",exact"), "{joint}");
    let areas = String::from_utf8(read("areas.csv")).unwrap();
    assert!(areas.lines().next().unwrap().contains("ethnicity_Black_African"));
    assert_eq!(areas.lines().count(), 221);
}

#[test]
fn a_simulation_is_the_same_on_one_core_and_on_two() {
    let example = example();
    let folder = example.path();
    rakewell(folder, &["populate", "population.toml", "--margins", "margins.csv", "--set", SMALL])
        .assert()
        .success();
    let run = |threads: &str, out: &str| {
        rakewell(folder, &["simulate", "design.toml", "--study", "study.toml", "--reps", "12"])
            .args(["--frame", "population.parquet", "--seed", "4", "--out", out])
            .args(["--set", "sample.general.stage.1.take=100"])
            .env("RAYON_NUM_THREADS", threads)
            .assert()
            .success();
        std::fs::read(folder.join(out).join("simulation.json")).unwrap()
    };
    assert_eq!(run("1", "one"), run("2", "two"));
    let page = std::fs::read_to_string(folder.join("one/report.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("Bangladeshi"));
}

#[test]
fn mistakes_are_shown_at_their_place() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("frame.csv"), "area,size\na,3\nb,0\nc,5\n").unwrap();
    let design = |text: &str| {
        let whole = format!(
            "title = \"T\"\n[[sample]]\nname = \"s\"\n[[sample.stage]]\nunit = \"sector\"\n{text}"
        );
        std::fs::write(folder.path().join("d.toml"), whole).unwrap();
        let args = ["draw", "d.toml", "--frame", "frame.csv", "--seed", "1"];
        let out = rakewell(folder.path(), &args).assert().code(1);
        assert!(!folder.path().join("sample.csv").exists());
        String::from_utf8(out.get_output().stderr.clone()).unwrap()
    };
    let zero = design("id = \"area\"\nsize = \"size\"\ntake = 2\n");
    assert!(zero.contains("no size above zero") && zero.contains("row 2"), "{zero}");
    let many = design("id = \"area\"\ntake = 4\n");
    assert!(many.contains("4 sectors are to be drawn from the frame, which has 3"), "{many}");
    let name = design("id = \"aera\"\ntake = 1\n");
    assert!(name.contains("did you mean `area`?"), "{name}");
    let frame = ["draw", "d.toml", "--frame", "none.csv", "--seed", "1"];
    rakewell(folder.path(), &frame).assert().code(1);
    let population =
        "title = \"P\"\nseed = 1\nhousehold-sizes = [0]\n[areas]\nnumber = 0\nhouseholds = 5\n";
    std::fs::write(folder.path().join("p.toml"), population).unwrap();
    let out = rakewell(folder.path(), &["populate", "p.toml"]).assert().code(1);
    let text = String::from_utf8(out.get_output().stderr.clone()).unwrap();
    assert!(text.contains("household sizes") && text.contains("number of areas is 0"), "{text}");
}

#[test]
fn samples_of_different_files_are_not_drawn_from_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let frame = "id,area,roma\n1,a,1\n2,a,0\n3,b,1\n4,b,0\n";
    std::fs::write(folder.path().join("all.csv"), frame).unwrap();
    std::fs::write(folder.path().join("list.csv"), frame).unwrap();
    let design = r#"
title = "Two lists"
[[group]]
name = "roma"
count = "roma"
is = "roma == 1"
[[frame]]
name = "people"
file = "all.csv"
[[frame]]
name = "register"
file = "list.csv"
[[sample]]
name = "general"
frame = "people"
[[sample.stage]]
unit = "person"
take = { value = 2, assumed = "made up" }
[[sample]]
name = "boost"
frame = "register"
[[sample.stage]]
unit = "person"
take = { value = 1, assumed = "made up" }
[combine]
method = "total-probability"
assumed = "made up"
"#;
    std::fs::write(folder.path().join("design.toml"), design).unwrap();
    let out = rakewell(folder.path(), &["draw", "design.toml", "--seed", "1"]).assert().code(1);
    let text = String::from_utf8(out.get_output().stderr.clone()).unwrap();
    assert!(text.contains("different files") && text.contains("list.csv"), "{text}");
    let one = [
        "draw",
        "design.toml",
        "--seed",
        "1",
        "--frame",
        "all.csv",
        "--out",
        "sample.csv",
        "--no-study",
    ];
    rakewell(folder.path(), &one).assert().success();
}

#[test]
fn a_sample_of_no_area_is_not_planned() {
    let example = example();
    let folder = example.path();
    let areas = ["populate", "population.toml", "--areas", "areas.csv", "--set", SMALL];
    rakewell(folder, &areas).assert().success();
    let plan = ["plan", "design.toml", "--frame", "areas.csv", "--set"];
    let out =
        rakewell(folder, &plan).arg("sample.boost.where=\"area == 'nowhere'\"").assert().code(1);
    let text = String::from_utf8(out.get_output().stderr.clone()).unwrap();
    assert!(text.contains("no area of the frame is in the part"), "{text}");
}

/// A frame of 120 areas; in three of five nobody belongs to the rare group.
fn rare(folder: &Path) {
    let mut frame = String::from("area,region,household,group\n");
    for area in 0..120 {
        let region = if area < 60 { "N" } else { "S" };
        let members = if area % 5 < 3 { 0 } else { 1 + (area * 7) % 12 };
        for i in 0..40 {
            let group = if i < members { "rare" } else { "other" };
            frame.push_str(&format!("a{area},{region},h{area}_{i},{group}\n"));
        }
    }
    std::fs::write(folder.join("frame.csv"), frame).unwrap();
    let design = r#"
title = "A screened boost"
[[group]]
name = "rare"
is = "group == 'rare'"
[[frame]]
name = "areas"
lists = "households"
file = "frame.csv"
[[sample]]
name = "boost"
kind = "boost"
frame = "areas"
[[sample.stage]]
unit = "area"
id = "area"
strata = "region"
take = 12
method = "simple-random"
[[sample.stage]]
unit = "household"
id = "household"
rate = 1
[sample.stage.screening]
groups = ["rare"]
"#;
    std::fs::write(folder.join("design.toml"), design).unwrap();
}

#[test]
fn areas_in_which_nobody_is_found_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    rare(folder);
    rakewell(folder, &["draw", "design.toml", "--seed", "4"]).assert().success();
    let sample = std::fs::read_to_string(folder.join("sample.csv")).unwrap();
    let mut lines = sample.lines();
    let place = lines.next().unwrap().split(',').position(|c| c == "psus_drawn").unwrap();
    assert!(lines.all(|line| line.split(',').nth(place) == Some("6")), "{sample}");
    let found: std::collections::HashSet<&str> =
        sample.lines().skip(1).filter_map(|l| l.split(',').next()).collect();
    let out = rakewell(folder, &["run", "sample.toml"]).assert().success();
    let text = String::from_utf8(out.get_output().stdout.clone()).unwrap();
    let told = format!("{} of 12 PSUs drawn have no rows", 12 - found.len());
    assert!(text.contains(&told), "{text}");
    // The standard error of the size of the group: right with them, far too small without.
    let study = std::fs::read_to_string(folder.join("sample.toml")).unwrap();
    let silent: Vec<&str> = study.lines().filter(|l| !l.starts_with("psus-drawn")).collect();
    std::fs::write(folder.join("silent.toml"), silent.join("\n")).unwrap();
    let ratio = |study: &str| -> f64 {
        rakewell(folder, &["simulate", "design.toml", "--study", study, "--frame", "frame.csv"])
            .args(["--reps", "400", "--out", "out"])
            .assert()
            .success();
        let json = std::fs::read_to_string(folder.join("out/simulation.json")).unwrap();
        let found: serde_json::Value = serde_json::from_str(&json).unwrap();
        let of = |key: &str| found["cells"][0]["design"][key].as_f64().unwrap();
        of("estimated-se") / of("true-se")
    };
    // With replacement: 1/√(1 − 0.1) = 1.054 of the true one.
    let counted = ratio("sample.toml");
    assert!((0.98..1.13).contains(&counted), "{counted}");
    let silent = ratio("silent.toml");
    assert!(silent < 0.75, "{silent}");
}
