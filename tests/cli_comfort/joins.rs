//! Further files that are joined on keys.

use super::*;

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
