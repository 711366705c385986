use std::collections::{BTreeMap, BTreeSet};

use super::*;

fn scheme(name: &str) -> Scheme {
    find(name).unwrap_or_else(|| panic!("no scheme {name}"))
}

fn label(scheme: &Scheme, text: &str) -> Option<String> {
    scheme.matched(text).map(|g| g.label.clone())
}

#[test]
fn the_files_are_whole() {
    let (ethnicity, migration) = (file::ethnicity(), file::migration());
    assert_eq!((ethnicity.len(), migration.len()), (27, 7));
    let mut names = BTreeSet::new();
    for scheme in ethnicity.iter().chain(&migration) {
        for name in std::iter::once(&scheme.name).chain(&scheme.other_names) {
            assert!(names.insert(name.clone()), "{name} twice");
        }
        assert!(!scheme.title.is_empty() && !scheme.source.is_empty());
        let labels: BTreeSet<&str> = scheme.labels().into_iter().collect();
        assert_eq!(labels.len(), scheme.labels().len(), "{}", scheme.name);
    }
    // All thirty codes of the source are there.
    let eff = names.iter().filter(|n| n.starts_with("eff-")).count();
    assert_eq!(eff, 30, "{names:?}");
}

#[test]
fn every_classification_divides_everybody() {
    let everybody: BTreeSet<String> =
        scheme("ons-5").groups().iter().flat_map(|g| g.parts.clone()).collect();
    assert_eq!(everybody.len(), 26);
    // Groups of Scotland that lie across those of England and Wales.
    let across = ["showpeople", "caribbean-black-rest"];
    for scheme in file::ethnicity() {
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        for group in scheme.groups() {
            for part in &group.parts {
                assert!(everybody.contains(part), "{}: what is {part}?", scheme.name);
                let before = seen.insert(part.clone(), group.label.clone());
                assert_eq!(before, None, "{}: {part} is in two groups", scheme.name);
            }
        }
        let left: Vec<&String> = everybody.iter().filter(|p| !seen.contains_key(*p)).collect();
        let scottish = scheme.name.starts_with("scotland");
        let known = |part: &&String| !scottish && across.contains(&part.as_str());
        assert!(left.iter().all(known), "{} leaves {left:?} out", scheme.name);
    }
}

#[test]
fn every_spelling_means_one_group() {
    for scheme in file::ethnicity() {
        for group in scheme.groups() {
            for wording in [Wording::Short, Wording::Census, Wording::Wales] {
                let text = group.text(wording);
                assert_eq!(label(&scheme, text).as_ref(), Some(&group.label), "{}", scheme.name);
                let shouted = text.to_uppercase().replace(" and ", " & ").replace(": ", " - ");
                let found = label(&scheme, &shouted);
                assert_eq!(found.as_ref(), Some(&group.label), "{}: {shouted}", scheme.name);
            }
            // No spelling of one group is a spelling of another.
            for other in scheme.groups().iter().filter(|o| o.label != group.label) {
                for phrase in &group.phrases {
                    assert!(!other.phrases.contains(phrase), "{}: {phrase:?}", scheme.name);
                }
            }
        }
        if let Kind::Groups { within: Some(within), groups } = &scheme.kind {
            for group in groups {
                assert!(self::scheme(within).taking_in(group).is_some(), "{}", group.label);
            }
        }
    }
}

#[test]
fn labels_of_real_files_are_found() {
    // Understanding Society, NHS, DfE, Census 2011 and the Welsh form.
    let cases = [
        ("british/english/scottish/welsh/northern irish", "White British"),
        ("any other white background", "White other"),
        ("gypsy or irish traveller", "Gypsy or Irish Traveller"),
        ("any other mixed background", "Mixed other"),
        ("any other asian background", "Asian other"),
        ("african", "Black African"),
        ("any other black background", "Black other"),
        ("Any other Black / African / Caribbean background", "Black other"),
        ("any other ethnic group", "Any other"),
        ("Asian, Asian British or Asian Welsh: Indian", "Indian"),
        ("Asian/Asian British: Indian", "Indian"),
        ("Asian or Asian British - Any other Asian background", "Asian other"),
        ("White: Welsh, English, Scottish, Northern Irish or British", "White British"),
        ("White - British", "White British"),
        (
            "Mixed/multiple ethnic groups - White & Black Caribbean",
            "Mixed White and Black Caribbean",
        ),
        ("Other ethnic groups - Chinese", "Chinese"),
        ("Black or Black British – African", "Black African"),
    ];
    let groups = scheme("ons-2021-19");
    for (text, expected) in cases {
        assert_eq!(label(&groups, text).as_deref(), Some(expected), "{text}");
    }
    for text in [
        "",
        "White",
        "Asian",
        "Prefer not to say",
        "Asian: African",
        "White: Indian",
        ":",
        "Total",
        // These are two groups, or more, in one.
        "Chinese or other ethnic group",
        "Asian and Other",
        "Mixed/Other",
        "White & other",
    ] {
        assert_eq!(label(&groups, text), None, "{text:?}");
    }
}

#[test]
fn from_one_standard_to_another() {
    let to = |from: &str, to: &str, text: &str| {
        let (from, to) = (scheme(from), scheme(to));
        let group = from.matched(text).expect("a group");
        to.taking_in(group).map(|g| g.label.clone())
    };
    let text = |s: &str| Some(s.to_string());
    // Chinese moved from Other to Asian in 2011.
    assert_eq!(to("ons-2021-19", "ons-5", "Chinese"), text("Asian"));
    assert_eq!(to("ons-2001-16", "ons-2001-5", "Chinese"), text("Other inc Chinese"));
    assert_eq!(to("ons-2001-16", "ons-5", "Chinese"), text("Asian"));
    // What was one group cannot be told apart afterwards.
    assert_eq!(to("ons-2021-19", "ons-2011-18", "Roma"), text("White other"));
    assert_eq!(to("ons-2011-18", "ons-2021-19", "White other"), None);
    assert_eq!(to("ons-2001-5", "ons-5", "Chinese or other ethnic group"), None);
    assert_eq!(to("ons-5", "ons-2", "Black"), text("Other than White"));
    assert_eq!(to("dfe-18", "ons-2021-19", "Gypsy or Roma"), None);
}

#[test]
fn labels_of_scotland_and_northern_ireland_are_found() {
    // As in the tables of 2022 and 2021, and on the form of Scotland in 2011.
    let cases = [
        ("scotland-2022", "White: White Scottish", "White Scottish", "White British"),
        ("scotland-2022", "White: Other White British", "Other White British", "White British"),
        ("scotland-2022", "White: Gypsy/ Traveller", "Gypsy/Traveller", "Gypsy or Irish Traveller"),
        ("scotland-2022", "White: White Polish", "White Polish", "White other"),
        (
            "scotland-2022",
            "African: African, African Scottish or African British",
            "African",
            "Black African",
        ),
        ("scotland-2022", "African: Other African", "Other African", "Black African"),
        ("scotland-2011", "Other British", "Other White British", "White British"),
        (
            "scotland-2011",
            "Asian, Asian Scottish or Asian British: Pakistani, Pakistani Scottish or Pakistani British",
            "Pakistani",
            "Pakistani",
        ),
        ("scotland-2011", "Black, Black Scottish or Black British", "Black", "Black other"),
        ("northern-ireland-2021", "Asian: Filipino", "Filipino", "Asian other"),
        ("northern-ireland-2021", "Black: African", "Black African", "Black African"),
        ("northern-ireland-2021", "White: Roma", "Roma", "Roma"),
        ("northern-ireland-2011", "Irish Traveller", "Irish Traveller", "Gypsy or Irish Traveller"),
    ];
    let fine = scheme("ons-2021-19");
    for (name, text, own, elsewhere) in cases {
        let found = scheme(name);
        let group = found.matched(text).unwrap_or_else(|| panic!("{name}: {text}"));
        assert_eq!(group.label, own, "{name}: {text}");
        let other = fine.taking_in(group).map(|g| g.label.as_str());
        assert_eq!(other, Some(elsewhere), "{name}: {text}");
    }
    // What lies across the groups of England and Wales is in the five all the same.
    let five = scheme("ons-5");
    for (name, text, broad) in [
        ("scotland-2022", "White: Showman / Showwoman", "White"),
        ("scotland-2011", "Caribbean or Black: Other Caribbean or Black", "Black"),
        ("northern-ireland-2021", "White", "White"),
        ("northern-ireland-2021", "Other Asian", "Asian"),
        ("northern-ireland-2021", "Black Other", "Black"),
        ("northern-ireland-2021", "Other ethnicities", "Other"),
    ] {
        let found = scheme(name);
        let group = found.matched(text).unwrap_or_else(|| panic!("{name}: {text}"));
        assert_eq!(five.taking_in(group).map(|g| g.label.as_str()), Some(broad), "{name}: {text}");
    }
    for text in ["White: Showman / Showwoman", "Other Caribbean or Black", "Mixed"] {
        let found = scheme("scotland-2022");
        let group = found.matched(text).expect("a group");
        assert_eq!(fine.taking_in(group), None, "{text}");
    }
}
