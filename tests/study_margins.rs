//! Margins of a study file in all the forms they can have, and what is said of those that can't be met.

use std::fs;
use std::path::Path;

use rakewell::study;

/// 24 persons in 12 households of two regions: id, household, psu, region, sex, age, income, weight.
fn people() -> String {
    let mut text = "id,hh,psu,region,sex,age,income,w,low,high\n".to_string();
    for i in 0..24 {
        let hh = i / 2;
        let region = if hh < 6 { "North" } else { "South" };
        let sex = ["F", "M", "M", "F", "F"][i % 5];
        let age = ["young", "old", "old"][i % 3];
        let income = 10 + (i * 7) % 13;
        let w = 10 + hh % 4;
        text.push_str(&format!("{i},{hh},{},{region},{sex},{age},{income},{w},0.5,2.5\n", hh / 2));
    }
    text
}

fn folder(weighting: &str, files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("people.csv"), people()).unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let text = format!(
        "title = \"T\"\n[data]\nfile = \"people.csv\"\n[design]\nclusters = \"psu\"\nweight = \"w\"\n\
         {weighting}\n[[estimate]]\nname = \"sex\"\ntotal = \"sex\"\n[[estimate]]\nname = \"income\"\nmean = \"income\"\n"
    );
    fs::write(folder.path().join("study.toml"), text).unwrap();
    folder
}

fn run(folder: &Path) -> study::Finished {
    study::run(&folder.join("study.toml")).unwrap_or_else(|e| panic!("{e}"))
}

fn finished(weighting: &str, files: &[(&str, &str)]) -> study::Finished {
    run(folder(weighting, files).path())
}

fn mistakes(weighting: &str, files: &[(&str, &str)]) -> String {
    let folder = folder(weighting, files);
    let found = study::run(&folder.path().join("study.toml"));
    found.map(drop).unwrap_err().to_string()
}

/// (margin, level, target, after) of the last step.
fn lines(finished: &study::Finished) -> Vec<(String, String, f64, f64)> {
    let step = finished.document.weighting.last().unwrap();
    step.margins.iter().map(|m| (m.margin.clone(), m.level.clone(), m.target, m.after)).collect()
}

#[track_caller]
fn met(finished: &study::Finished) {
    for (margin, level, target, after) in lines(finished) {
        let size = target.abs().max(1.0);
        assert!((target - after).abs() < 1e-6 * size, "{margin} {level}: {target} {after}");
    }
}

#[track_caller]
fn target(finished: &study::Finished, margin: &str, level: &str) -> f64 {
    let found = lines(finished).into_iter().find(|l| l.0 == margin && l.1 == level);
    found.unwrap_or_else(|| panic!("no {margin} {level} in {:?}", lines(finished))).2
}

const SEX: &str = "[[weighting.margin]]\nby = \"sex\"\ntotals = { F = 150, M = 130 }\n";

#[test]
fn shares_means_and_totals_of_numbers() {
    let done = finished(
        &format!(
            "[[weighting]]\nstep = \"calibrate\"\nmeans = {{ income = 15.5 }}\n{SEX}\
             [[weighting.margin]]\nby = \"age\"\nas = \"shares\"\ntotals = {{ young = 0.35, old = 0.65 }}\n"
        ),
        &[],
    );
    met(&done);
    assert!((target(&done, "age", "old") - 182.0).abs() < 1e-9);
    // Shares of the levels of another margin.
    let done = finished(
        "[[weighting]]\nstep = \"calibrate\"\n[[weighting.margin]]\nby = \"region\"\ntotals = { North = 140, South = 160 }\n\
         [[weighting.margin]]\nby = [\"region\", \"sex\"]\nshares-of = \"region\"\n\
         totals = { \"North × F\" = 0.5, \"North × M\" = 0.5, \"South × F\" = 55, \"South × M\" = 45 }\n",
        &[],
    );
    met(&done);
    assert!((target(&done, "region × sex", "South × F") - 88.0).abs() < 1e-9);
    // A number within levels, with a tolerance; and a soft one.
    let done = finished(
        &format!(
            "[[weighting]]\nstep = \"calibrate\"\n{SEX}[[weighting.margin]]\nby = \"region\"\nof = \"income\"\ntolerance = 0.01\n\
             totals = {{ North = 2200, South = 2400 }}\n[[weighting.margin]]\nof = \"income\"\ntotal = 5000\nimportance = 2\n"
        ),
        &[],
    );
    for (margin, _, target, after) in lines(&done) {
        if margin == "income by region" {
            assert!((after / target - 1.0).abs() < 0.01 + 1e-9, "{target} {after}");
        }
    }
    // Shares alone keep the sum of the weights.
    let done = finished(
        "[[weighting]]\nstep = \"rake\"\n[[weighting.margin]]\nby = \"sex\"\nas = \"shares\"\ntotals = { F = 55, M = 45 }\n",
        &[],
    );
    let [before, after] = [0, 1].map(|i| done.document.weighting[i].weights.sum);
    assert!((before - after).abs() < 1e-9 * before);
    met(&done);
}

#[test]
fn parts_in_the_study_file_and_in_a_file() {
    let margin = |part: &str, f: f64, m: f64| {
        format!(
            "[[weighting.margin]]\nby = \"sex\"\npart = \"{part}\"\ntotals = {{ F = {f}, M = {m} }}\n"
        )
    };
    let head = "[[weighting]]\nstep = \"rake\"\nwithin = \"region\"\n";
    let both = margin("North", 70.0, 60.0) + &margin("South", 80.0, 75.0);
    let done = finished(&format!("{head}{both}"), &[]);
    met(&done);
    assert_eq!(target(&done, "South: sex", "M"), 75.0);
    let file = "part,variable,level,total\nNorth,sex,F,70\nNorth,sex,M,60\nSouth,sex,F,80\nSouth,sex,M,75\n";
    let other = finished(&format!("{head}margins = \"m.csv\"\n"), &[("m.csv", file)]);
    assert_eq!(lines(&done), lines(&other));
    let error = mistakes(&format!("{head}{}", margin("North", 70.0, 60.0)), &[]);
    assert!(error.contains("is not given for `South`"), "{error}");
    let error = mistakes(&format!("{head}{both}{}", margin("Sout", 1.0, 1.0)), &[]);
    assert!(error.contains("no part `Sout`"), "{error}");
    // A failure names its part.
    let hard = format!(
        "{head}bounds = [0.9, 1.1]\n{}{}",
        margin("North", 70.0, 60.0),
        margin("South", 160.0, 30.0)
    );
    let error = mistakes(&hard, &[]);
    assert!(error.contains("South: sex") && !error.contains("North: sex M can"), "{error}");
}

#[test]
fn households_and_persons_together() {
    let text = "[[weighting]]\nstep = \"calibrate\"\nconstant-within = \"hh\"\n\
                [[weighting.margin]]\nby = \"sex\"\ntotals = { F = 150, M = 140 }\n\
                [[weighting.margin]]\nby = \"region\"\nper-group = true\ntotals = { North = 70, South = 75 }\n";
    let folder = folder(&format!("{text}\n[report]\nweights = \"w.csv\"\nkeep = [\"hh\"]\n"), &[]);
    let done = run(folder.path());
    met(&done);
    done.write(&folder.path().join("study.toml")).unwrap_or_else(|e| panic!("{}", e.mistakes));
    let written = fs::read_to_string(folder.path().join("output/w.csv")).unwrap();
    let rows: Vec<Vec<String>> =
        written.lines().skip(1).map(|l| l.split(',').map(str::to_string).collect()).collect();
    let weight = |row: &[String]| {
        row.iter().rev().find_map(|f| f.parse::<f64>().ok().filter(|x| x.fract() != 0.0))
    };
    for pair in rows.chunks(2) {
        let (a, b) = (weight(&pair[0]).unwrap(), weight(&pair[1]).unwrap());
        assert!((a - b).abs() < 1e-9 * a, "{pair:?}");
    }
    let error = mistakes(&text.replace("\"hh\"", "\"age\""), &[]);
    assert!(error.contains("has members in two PSUs"), "{error}");
}

#[test]
fn margins_that_cannot_be_met() {
    let tight = "[[weighting]]\nstep = \"rake\"\nbounds = [0.9, 1.1]\n[[weighting.margin]]\nby = \"sex\"\ntotals = { F = 250, M = 90 }\n";
    let error = mistakes(tight, &[]);
    for part in
        ["sex F can be at most", "would be multiplied by", "can be kept", "nearest totals", "relax"]
    {
        assert!(error.contains(part), "{part}: {error}");
    }
    let done = finished(&tight.replace("bounds", "if-infeasible = \"relax\"\nbounds"), &[]);
    let step = done.document.weighting.last().unwrap();
    assert_eq!(step.details[0].title, "Totals that gave way");
    let (low, high) = step.g_range.unwrap();
    assert!(low >= 0.9 - 1e-9 && high <= 1.1 + 1e-9);
    let done = finished(&tight.replace("bounds", "force = true\nbounds"), &[]);
    assert!(done.document.weighting.last().unwrap().outcome.contains("cannot be met"));
    let wrong = "[[weighting]]\nstep = \"rake\"\n[[weighting.margin]]\nby = \"sex\"\nas = \"shares\"\ntotals = { F = 0.6, M = 0.2 }\n";
    assert!(mistakes(wrong, &[]).contains("sum to 0.8"), "{}", mistakes(wrong, &[]));
}

#[test]
fn bounds_and_scales_of_rows() {
    let text = format!(
        "[[weighting]]\nstep = \"calibrate\"\nbounds-by = [\"low\", \"high\"]\nscale = \"income\"\n{SEX}"
    );
    met(&finished(&text, &[]));
    let text =
        format!("[[weighting]]\nstep = \"calibrate\"\nbounds-by = [\"high\", \"low\"]\n{SEX}");
    assert!(mistakes(&text, &[]).contains("must ascend"), "{}", mistakes(&text, &[]));
    let text = format!(
        "[[weighting]]\nstep = \"calibrate\"\ndistance = \"raking\"\ntrim = [0.9, 1.1]\n{SEX}"
    );
    assert!(finished(&text, &[]).document.weighting[1].outcome.contains("cut off at 0.9 and 1.1"));
}

#[test]
fn margins_of_another_survey() {
    let covariance = "variable,level,a,b\nsex,F,25,-5\nsex,M,-5,16\n";
    let text = format!(
        "[[weighting]]\nstep = \"calibrate\"\nestimated = {{ covariance = \"v.csv\" }}\n{SEX}"
    );
    let done = finished(&text, &[("v.csv", covariance)]);
    met(&done);
    let found = format!("{:?}", done.document.estimates);
    // What is calibrated has the standard error of the control survey.
    assert!(found.contains("se: Some(5.0") || found.contains("se: Some(4.99"), "{found}");
    let short = "variable,level,a\nsex,F,25\n";
    assert!(mistakes(&text, &[("v.csv", short)]).contains("no line for `M`"));
    // The data of the control survey, with its replicate weights.
    let mut control = "sex,w,r1,r2,r3\n".to_string();
    for i in 0..30 {
        let out = |r: usize| if i % 3 == r { 0.0 } else { 15.0 };
        let sex = if i % 2 == 0 { "F" } else { "M" };
        control.push_str(&format!("{sex},10,{},{},{}\n", out(0), out(1), out(2) + (i % 2) as f64));
    }
    let text = "[[weighting]]\nstep = \"calibrate\"\n\
                estimated = { file = \"c.csv\", weight = \"w\", replicates = { columns = \"r*\", method = \"jk1\" } }\n\
                [[weighting.margin]]\nby = \"sex\"\n";
    let done = finished(text, &[("c.csv", &control)]);
    assert_eq!(target(&done, "sex", "F"), 150.0);
    assert!(done.document.weighting[1].variance.contains("covariance of the estimated totals"));
    let other = control.replace("M,", "X,");
    assert!(
        mistakes(text, &[("c.csv", &other)]).contains("`X`"),
        "{}",
        mistakes(text, &[("c.csv", &other)])
    );
}
