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
    assert_eq!((ethnicity.len(), migration.len()), (23, 7));
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
    assert_eq!(everybody.len(), 20);
    for scheme in file::ethnicity() {
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        for group in scheme.groups() {
            for part in &group.parts {
                assert!(everybody.contains(part), "{}: what is {part}?", scheme.name);
                let before = seen.insert(part.clone(), group.label.clone());
                assert_eq!(before, None, "{}: {part} is in two groups", scheme.name);
            }
        }
        assert_eq!(seen.len(), everybody.len(), "{} leaves somebody out", scheme.name);
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
    for text in ["", "White", "Asian", "Prefer not to say", "Asian: African", "White: Indian", ":"]
    {
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
