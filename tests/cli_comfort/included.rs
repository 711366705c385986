//! Recodes that several studies share.

use super::*;

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
