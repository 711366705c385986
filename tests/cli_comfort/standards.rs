//! Standard classifications: labels and codes that are matched, what cannot be reconciled.

use super::*;

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
