//! Rules for new variables.

use crate::diagnostic::nearest;
use crate::study::places::KeyPath;
use crate::study::spec::{Cut, Derive, Scalar};

use super::{Rules, standard};

pub(super) fn check(all: &[Derive], rules: &mut Rules<'_>, path: &KeyPath) {
    for (i, derive) in all.iter().enumerate() {
        let here = path.index(i);
        if rules.sound(&here) {
            one(derive, rules, &here);
        }
    }
    let names = all.iter().enumerate().map(|(i, d)| (path.index(i).key("name"), d.name.as_str()));
    // Names of variables are told apart by case, as those of the data are.
    let mut seen: Vec<(KeyPath, &str)> = Vec::new();
    for (name_path, name) in names {
        let first = seen.iter().find(|(p, n)| *n == name && rules.sound(p)).map(|(p, _)| p.clone());
        if let Some(first) = first {
            let first_is = rules.first_is(&first, &name_path);
            rules.error(
                &name_path,
                format!("a variable `{name}` is made already"),
                "the second of this name",
                &format!("choose another name; {first_is}"),
            );
        }
        seen.push((name_path, name));
    }
}

fn one(derive: &Derive, rules: &mut Rules<'_>, path: &KeyPath) {
    rules.filled(&path.key("name"), Some(&derive.name));
    rules.filled(&path.key("from"), derive.from.as_deref());
    rules.filled(&path.key("value"), derive.value.as_deref());
    let standard = if derive.to.is_some() { "to" } else { "scheme" };
    let is_standard = derive.to.is_some() || derive.scheme.is_some();
    let ways: Vec<&str> = [
        ("map", derive.map.is_some() && !is_standard),
        ("cut", derive.cut.is_some()),
        ("cases", derive.cases.is_some()),
        ("value", derive.value.is_some()),
        (standard, is_standard),
    ]
    .into_iter()
    .filter_map(|(way, given)| given.then_some(way))
    .collect();
    let name = &derive.name;
    match ways.as_slice() {
        [] => rules.error(
            path,
            format!("`{name}` does not say how it is made"),
            "no `map`, `cut`, `cases`, `value` or `to`",
            "add exactly one: `cases = [{ when = \"…\", is = \"…\" }]`, or `from = \"…\"` with `map = { … }`, \
             `cut = { at = […] }` or `to = \"ons-5\"`, or `value = \"…\"`",
        ),
        [way] => only_way(derive, way, rules, path),
        [first, others @ ..] => {
            for other in others {
                rules.error_at_key(
                    &path.key(*other),
                    format!("`{name}` has both `{first}` and `{other}`"),
                    "a second way",
                    "keep exactly one of `map`, `cut`, `cases`, `value` and `to`",
                );
            }
        }
    }
}

fn only_way(derive: &Derive, way: &str, rules: &mut Rules<'_>, path: &KeyPath) {
    if derive.map.as_ref().is_some_and(|m| m.0.is_empty()) {
        let help = "add pairs such as `{ \"1\" = \"White\", \"2\" = \"Black\" }`";
        rules.error(&path.key("map"), "`map` is empty", "no values", help);
    }
    if matches!(way, "to" | "scheme") {
        standard::check(derive, rules, path);
        return;
    }
    let why = format!("goes with `to`, not with `{way}`");
    rules.no_meaning(path, &standard::KEYS, &why, "take it out");
    if matches!(way, "map" | "cut") {
        if derive.from.is_none() {
            rules.error_at_key(
                &path.key(way),
                format!("`{way}` does not say which variable it starts from"),
                "needs `from`",
                "add `from = \"…\"` with the name of the variable",
            );
        }
    } else {
        rules.no_meaning(
            path,
            &["from"],
            &format!("goes with `map`, `cut` or `to`, not with `{way}`"),
            "take it out: the expression names its variables itself",
        );
    }
    if !matches!(way, "map" | "cases") {
        rules.no_meaning(
            path,
            &["otherwise"],
            &format!("goes with `map`, `cases` or `to`, not with `{way}`"),
            "take it out",
        );
    }
    if way == "value" {
        rules.no_meaning(
            path,
            &["levels"],
            "goes with `map`, `cut` or `cases`, not with `value`",
            "take it out: an expression gives a number",
        );
    }
    if let Some(cases) = &derive.cases {
        if cases.is_empty() {
            let help = "add cases such as `{ when = \"age >= 16\", is = \"adult\" }`";
            rules.error(&path.key("cases"), "`cases` is empty", "no cases", help);
        }
        for (i, case) in cases.iter().enumerate() {
            rules.filled(&path.key("cases").index(i).key("when"), Some(&case.when));
        }
    }
    if let Some(cut) = &derive.cut {
        cut_points(cut, rules, &path.key("cut"));
    }
    if way != "value" {
        levels(derive, rules, path);
    }
}

fn cut_points(cut: &Cut, rules: &mut Rules<'_>, path: &KeyPath) {
    let at = path.key("at");
    if cut.at.is_empty() {
        let help = "write at least one number; `[20, 40]` makes three bands";
        rules.error(&at, "`at` has no cut points", "an empty list", help);
        return;
    }
    for (i, pair) in cut.at.windows(2).enumerate() {
        if pair[1] <= pair[0] {
            rules.error(
                &at.index(i + 1),
                format!("cut points ascend, but {} comes after {}", pair[1], pair[0]),
                "not larger than the one before",
                "write the cut points from the smallest to the largest, each once",
            );
        }
    }
    if let Some(labels) = &cut.labels {
        let bands = cut.at.len() + 1;
        if labels.len() != bands {
            rules.error(
                &path.key("labels"),
                format!("{} cut points make {bands} bands, not {}", cut.at.len(), labels.len()),
                &format!("{} labels", labels.len()),
                &format!("give {bands} labels: one below the first cut point, one above the last"),
            );
        }
        rules.different(&path.key("labels"), labels);
    }
}

/// The levels in order must be those that the variable can have.
fn levels(derive: &Derive, rules: &mut Rules<'_>, path: &KeyPath) {
    let Some(levels) = &derive.levels else { return };
    let list = path.key("levels");
    rules.different(&list, levels);
    let mut made: Vec<String> = Vec::new();
    made.extend(derive.map.iter().flat_map(|m| m.0.iter().map(|(_, v)| text(v))));
    made.extend(derive.cases.iter().flatten().map(|c| text(&c.is)));
    made.extend(derive.otherwise.iter().map(text));
    match &derive.cut {
        Some(Cut { labels: Some(labels), .. }) => made.extend(labels.iter().cloned()),
        // The texts of unnamed bands are made later.
        Some(_) => return,
        None => {}
    }
    let mut meant: Vec<&str> = Vec::new();
    for (i, level) in levels.iter().enumerate() {
        if !made.contains(level) {
            let unlisted = made.iter().map(String::as_str).filter(|m| !listed(levels, m));
            let help = match nearest(level, unlisted) {
                Some(near) => {
                    meant.push(near);
                    format!("did you mean `{near}`?")
                }
                None => format!("its values are: {}", made.join(", ")),
            };
            let message = format!("`{}` never takes the value `{level}`", derive.name);
            rules.error(&list.index(i), message, "not one of its values", &help);
        }
    }
    let mut left_out: Vec<&str> = Vec::new();
    for value in made.iter().map(String::as_str) {
        if !listed(levels, value) && !meant.contains(&value) && !left_out.contains(&value) {
            left_out.push(value);
        }
    }
    if !left_out.is_empty() {
        rules.error(
            &list,
            format!("`levels` leaves out {}", left_out.join(", ")),
            "not all values are listed",
            "list every value in the order to be shown, or take `levels` out",
        );
    }
}

fn listed(levels: &[String], value: &str) -> bool {
    levels.iter().any(|level| level == value)
}

fn text(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Number(number) => format!("{number}"),
        Scalar::Text(text) => text.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::expect;

    fn derive(keys: &str, expected: &[&str]) {
        expect(&format!("[[derive]]\nname = \"d\"\n{keys}\n"), expected);
    }

    #[test]
    fn exactly_one_way() {
        derive("value = \"x + 1\"", &[]);
        derive("label = \"D\"", &["`d` does not say how it is made"]);
        derive("from = \"x\"\nmap = { 1 = 2 }\ncut = { at = [1] }", &["both `map` and `cut`"]);
    }

    #[test]
    fn each_way_has_its_keys() {
        derive("map = { 1 = \"a\" }", &["does not say which variable"]);
        derive("cut = { at = [1] }", &["does not say which variable"]);
        derive("from = \"x\"\nvalue = \"x\"", &["`from` goes with `map`, `cut` or `to`"]);
        derive("otherwise = 1\nvalue = \"x\"", &["`otherwise` goes with"]);
        derive("levels = [\"a\"]\nvalue = \"x\"", &["`levels` goes with"]);
        derive("value = \" \"", &["`value` is empty"]);
        derive("cases = []", &["`cases` is empty"]);
        derive("from = \"x\"\nmap = {}", &["`map` is empty"]);
        derive("cases = [{ when = \"\", is = 1 }]", &["`when` is empty"]);
    }

    #[test]
    fn cut_points_ascend_and_have_labels() {
        let cut = |keys: &str, expected: &[&str]| {
            derive(&format!("from = \"x\"\ncut = {{ {keys} }}"), expected);
        };
        cut("at = [1, 2], labels = [\"a\", \"b\", \"c\"]", &[]);
        cut("at = []", &["no cut points"]);
        cut("at = [1, 3, 2, 2]", &["2 comes after 3", "2 comes after 2"]);
        cut("at = [1, 2], labels = [\"a\", \"b\"]", &["make 3 bands, not 2"]);
        cut("at = [1], labels = [\"a\", \"a\"]", &["names `a` twice"]);
    }

    #[test]
    fn levels_are_the_values() {
        let cases = "cases = [{ when = \"x\", is = \"Under 10\" }, { when = \"y\", is = 2 }]\n\
            otherwise = \"Other\"\n";
        derive(&format!("{cases}levels = [\"Other\", \"2\", \"Under 10\"]"), &[]);
        derive(
            &format!("{cases}levels = [\"Other\", \"2\", \"Undr 10\"]"),
            &["did you mean `Under 10`?"],
        );
        derive(&format!("{cases}levels = [\"Other\", \"2\"]"), &["leaves out Under 10"]);
        derive(
            &format!("{cases}levels = [\"Zebra\", \"Other\", \"2\", \"Under 10\"]"),
            &["its values are: Under 10, 2, Other"],
        );
        derive("from = \"x\"\ncut = { at = [1] }\nlevels = [\"a\", \"b\"]", &[]);
    }

    #[test]
    fn names_differ() {
        let twice = "[[derive]]\nname = \"d\"\nvalue = \"x\"\n[[derive]]\nname = \"d\"\n\
            value = \"y\"\n[[derive]]\nname = \"D\"\nvalue = \"y\"\n";
        expect(
            twice,
            &["10:8: a variable `d` is made already (choose another name; the first is on line 7)"],
        );
    }
}
