//! Rules for tests of hypotheses.

use super::{Choice, Rules, only_one};
use crate::study::places::KeyPath;
use crate::study::spec::{Study, Test};

pub(super) fn check(study: &Study, rules: &mut Rules<'_>, path: &KeyPath) {
    for (i, test) in study.test.iter().enumerate() {
        one(test, rules, &path.index(i));
    }
    let named = study.test.iter().enumerate();
    let named = named.filter_map(|(i, t)| Some((path.index(i).key("name"), t.name.as_deref()?)));
    rules.unique("a test named", named);
}

fn one(test: &Test, rules: &mut Rules<'_>, path: &KeyPath) {
    rules.slug(&path.key("name"), test.name.as_deref());
    for (key, names) in
        [("independence", &test.independence), ("mean", &test.mean), ("rank", &test.rank)]
    {
        rules.names(&path.key(key), names.as_ref());
    }
    for (key, text) in
        [("by", &test.by), ("where", &test.population), ("paired-with", &test.paired_with)]
    {
        rules.filled(&path.key(key), text.as_deref());
    }
    rules.confidence(&path.key("confidence"), test.confidence);
    if !rules.sound(path) {
        return;
    }
    let given = [
        ("independence", test.independence.is_some()),
        ("mean", test.mean.is_some()),
        ("rank", test.rank.is_some()),
    ];
    let choice = Choice {
        table: "the test",
        none: ("the test does not say what is tested", "no variable"),
        add: "add exactly one of `independence`, `mean` and `rank`, such as `mean = \"income\"`",
        second: "a second test",
        keep: "keep one here, and add a `[[test]]` for the other",
    };
    if let Some(kind) = only_one(rules, path, &given, &choice) {
        keys_of(test, kind, rules, path);
    }
}

fn keys_of(test: &Test, kind: &str, rules: &mut Rules<'_>, path: &KeyPath) {
    if kind != "mean" {
        let why = format!("goes with `mean`, not with `{kind}`");
        rules.no_meaning(path, &["against", "paired-with"], &why, "take it out");
        if test.by.is_none() {
            rules.error(
                path,
                format!("`{kind}` needs groups"),
                "no `by`",
                "add `by = \"…\"` with a categorical variable",
            );
        }
    }
    if kind != "independence" {
        let why = format!("goes with `independence`, not with `{kind}`");
        rules.no_meaning(path, &["statistic"], &why, "take it out");
    }
    if kind != "rank" {
        let why = format!("goes with `rank`, not with `{kind}`");
        rules.no_meaning(path, &["score"], &why, "take it out");
    }
    if kind == "mean" && test.by.is_some() && test.against.is_some() {
        rules.error(
            &path.key("against"),
            "two groups are compared with each other, not with a value",
            "goes with a test without `by`",
            "take out `against` or `by`",
        );
    }
    if let Some(x) = test.against.filter(|x| !x.is_finite()) {
        rules.error(&path.key("against"), format!("{x} is no value"), "", "write a number");
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::expect;

    fn test(keys: &str, expected: &[&str]) {
        expect(&format!("[[test]]\n{keys}\n"), expected);
    }

    #[test]
    fn exactly_one_kind_with_its_keys() {
        test("mean = \"a\"", &[]);
        test("mean = [\"a\", \"b\"]\nby = \"g\"", &[]);
        test("mean = \"a\"\nagainst = 5\npaired-with = \"b\"", &[]);
        test("independence = \"a\"\nby = \"g\"\nstatistic = \"adjusted-wald\"", &[]);
        test("rank = \"a\"\nby = \"g\"\nscore = \"normal\"\nconfidence = 0.9", &[]);
        test("by = \"g\"", &["does not say what is tested"]);
        test("mean = \"a\"\nrank = \"a\"\nby = \"g\"", &["both `mean` and `rank`"]);
        test("rank = \"a\"", &["`rank` needs groups"]);
        test("independence = \"a\"\nby = \"g\"\nagainst = 1", &["`against` goes with `mean`"]);
        test("mean = \"a\"\nstatistic = \"f\"", &["`statistic` goes with `independence`"]);
        test("mean = \"a\"\nby = \"g\"\nagainst = 1", &["not with a value"]);
        test("mean = \"a\"\nconfidence = 95", &["write 0.95 for 95 %"]);
        test(
            "name = \"t\"\nmean = \"a\"\n[[test]]\nname = \"t\"\nmean = \"b\"",
            &["there already"],
        );
    }
}
