//! Rules for estimates, comparisons and the report.

use std::path::PathBuf;

use crate::diagnostic::nearest;
use crate::estimate::{GroupHandling, IntervalMethod};
use crate::study::places::KeyPath;
use crate::study::spec::{Estimate, Names, Report, Study};

use super::{Choice, Rules, only_one};

pub(super) fn estimates(study: &Study, rules: &mut Rules<'_>, root: &KeyPath) {
    rules.confidence(&root.key("defaults").key("confidence"), study.defaults.confidence);
    let path = root.key("estimate");
    for (i, estimate) in study.estimate.iter().enumerate() {
        one(estimate, rules, &path.index(i));
    }
    let named = study.estimate.iter().enumerate();
    let named = named.filter_map(|(i, e)| Some((path.index(i).key("name"), e.name.as_deref()?)));
    rules.unique("an estimate named", named);
}

fn one(estimate: &Estimate, rules: &mut Rules<'_>, path: &KeyPath) {
    rules.slug(&path.key("name"), estimate.name.as_deref());
    for (key, names) in [
        ("mean", &estimate.mean),
        ("total", &estimate.total),
        ("proportion", &estimate.proportion),
        ("by", &estimate.by),
    ] {
        rules.names(&path.key(key), names.as_ref());
    }
    rules.filled(&path.key("where"), estimate.population.as_deref());
    rules.confidence(&path.key("confidence"), estimate.confidence);
    if let Some(quantile) = &estimate.quantile {
        rules.filled(&path.key("quantile").key("of"), Some(&quantile.of));
        probabilities(&quantile.at, rules, &path.key("quantile").key("at"));
    }
    if let Some(ratio) = &estimate.ratio {
        rules.filled(&path.key("ratio").key("numerator"), Some(&ratio.numerator));
        rules.filled(&path.key("ratio").key("denominator"), Some(&ratio.denominator));
    }
    standardization(estimate, rules, path);
    missing_groups(estimate, rules, path);
    if rules.sound(path) {
        statistic(estimate, rules, path);
    }
}

/// Exactly one statistic, and the keys that go with it.
fn statistic(estimate: &Estimate, rules: &mut Rules<'_>, path: &KeyPath) {
    let given = [
        ("mean", estimate.mean.is_some()),
        ("total", estimate.total.is_some()),
        ("proportion", estimate.proportion.is_some()),
        ("ratio", estimate.ratio.is_some()),
        ("quantile", estimate.quantile.is_some()),
    ];
    let choice = Choice {
        table: "the estimate",
        none: ("the estimate does not say what is estimated", "no statistic"),
        add: "add exactly one of `mean`, `total`, `proportion`, `ratio` and `quantile`, such as \
              `mean = \"income\"`",
        second: "a second statistic",
        keep: "keep one here, and add an `[[estimate]]` for the other",
    };
    if let Some(statistic) = only_one(rules, path, &given, &choice) {
        keys_of(estimate, statistic, rules, path);
    }
}

fn keys_of(estimate: &Estimate, statistic: &str, rules: &mut Rules<'_>, path: &KeyPath) {
    if statistic != "proportion" {
        rules.no_meaning(
            path,
            &["level"],
            &format!("goes with `proportion`, not with `{statistic}`"),
            "take it out, or write `proportion = …`",
        );
        if let Some(method) = estimate.interval.filter(|m| *m != IntervalMethod::T) {
            rules.error(
                &path.key("interval"),
                format!("the {} interval is for proportions, not for a {statistic}", words(method)),
                "is for `proportion`",
                "take it out; a t interval is made",
            );
        }
    }
    if matches!(statistic, "total" | "quantile") {
        rules.no_meaning(
            path,
            &["standardize"],
            &format!("means nothing for a {statistic}"),
            "standardise a mean, a proportion or a ratio",
        );
    }
}

/// Bounds are those of sums and their ratios, by group.
fn missing_groups(estimate: &Estimate, rules: &mut Rules<'_>, path: &KeyPath) {
    let here = path.key("missing-groups");
    if estimate.by.is_none() && estimate.missing_groups.is_some() {
        rules.error_at_key(
            &here,
            "`missing-groups` is about rows that lack a group, and the estimate has no `by`".into(),
            "has no meaning here",
            "take it out, or add `by`",
        );
    } else if estimate.missing_groups == Some(GroupHandling::Bounds) {
        for (key, given) in [
            ("quantile", estimate.quantile.is_some()),
            ("standardize", estimate.standardize.is_some()),
        ] {
            if given {
                rules.error(
                    &here,
                    format!("there are no bounds for an estimate with `{key}`"),
                    "for means, totals, proportions and ratios",
                    "write \"excluded\" or \"own-category\"",
                );
            }
        }
    }
}

fn words(method: IntervalMethod) -> &'static str {
    match method {
        IntervalMethod::T => "t",
        IntervalMethod::Logit => "logit",
        IntervalMethod::KornGraubard => "Korn–Graubard",
        IntervalMethod::Beta => "beta",
        IntervalMethod::Wilson => "Wilson",
        IntervalMethod::Arcsine => "arcsine",
        IntervalMethod::Likelihood => "likelihood",
        IntervalMethod::Woodruff => "Woodruff",
    }
}

fn probabilities(at: &[f64], rules: &mut Rules<'_>, path: &KeyPath) {
    if at.is_empty() {
        let help = "write probabilities such as [0.25, 0.5, 0.75]";
        rules.error(path, "no quantile is asked for", "an empty list", help);
    }
    for (i, p) in at.iter().enumerate() {
        if !(0.0..=1.0).contains(p) {
            let help = if *p > 1.0 && *p <= 100.0 {
                format!("write {} for the {p} % point", super::rounded(p / 100.0))
            } else {
                "write 0.5 for the median".to_string()
            };
            rules.error(
                &path.index(i),
                format!("a probability lies between 0 and 1, it cannot be {p}"),
                "not between 0 and 1",
                &help,
            );
        } else if at[..i].contains(p) {
            let message = format!("the probability {p} is there already");
            rules.error(&path.index(i), message, "the second time", "take out one of the two");
        }
    }
}

fn standardization(estimate: &Estimate, rules: &mut Rules<'_>, path: &KeyPath) {
    let Some(standardize) = &estimate.standardize else { return };
    let path_of = path.key("standardize");
    rules.filled(&path_of.key("by"), Some(&standardize.by));
    let crossed = estimate.by.as_ref().is_some_and(|by| by.list().contains(&&*standardize.by));
    if crossed && rules.sound(&path.key("by")) {
        rules.error(
            &path_of.key("by"),
            format!("`{}` is both standardised and a domain", standardize.by),
            "is in `by` of the estimate",
            "take it out of one of the two: within one level there is nothing to standardise",
        );
    }
    let population = path_of.key("population");
    if standardize.population.0.is_empty() {
        let help = "give the share or count of every level, such as `{ \"16–44\" = 0.45, … }`";
        rules.error(&population, "the standard population is empty", "no levels", help);
    }
    for (level, share) in standardize.population.0.iter().filter(|(_, share)| *share <= 0.0) {
        rules.error(
            &population.key(level.as_str()),
            format!("the standard population of `{level}` is not positive"),
            &format!("{share}"),
            "write its share or its count, above 0",
        );
    }
}

pub(super) fn comparisons(study: &Study, rules: &mut Rules<'_>, path: &KeyPath) {
    let estimates = KeyPath::root().key("estimate");
    // With a broken name, nobody can tell which one is meant.
    let whole = !rules.bad.contains(&estimates);
    let names_sound = whole
        && (0..study.estimate.len()).all(|i| {
            let here = estimates.index(i);
            let mistyped_key = rules.bad.iter().any(|b| b.parent().as_ref() == Some(&here));
            rules.sound(&here.key("name")) && !mistyped_key
        });
    let named: Vec<&str> = study.estimate.iter().filter_map(|e| e.name.as_deref()).collect();
    for (i, compare) in study.compare.iter().enumerate() {
        let here = path.index(i);
        rules.slug(&here.key("name"), compare.name.as_deref());
        let wanted = compare.estimate.as_str();
        let position = study.estimate.iter().position(|e| e.name.as_deref() == Some(wanted));
        match position.map(|p| (p, &study.estimate[p])) {
            Some((p, estimate)) => {
                let by = estimates.index(p).key("by");
                if rules.sound(&by) {
                    across(estimate, compare.across.as_deref(), rules, &here);
                }
            }
            None if names_sound => {
                let help = match nearest(wanted, named.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None if named.is_empty() => {
                        format!("give the estimate a name: `name = {wanted:?}` in `[[estimate]]`")
                    }
                    None => format!("the estimates with a name are: {}", named.join(", ")),
                };
                let message = format!("there is no estimate named `{wanted}`");
                rules.error(&here.key("estimate"), message, "not the name of an estimate", &help);
            }
            None => {}
        }
    }
}

fn across(estimate: &Estimate, across: Option<&str>, rules: &mut Rules<'_>, path: &KeyPath) {
    let by: Vec<&str> = estimate.by.as_ref().map(Names::list).unwrap_or_default();
    let name = estimate.name.as_deref().unwrap_or_default();
    if by.is_empty() {
        rules.error(
            &path.key("estimate"),
            format!("the estimate `{name}` has no groups to compare"),
            "has no `by`",
            "add `by = \"…\"` to that estimate",
        );
        return;
    }
    let Some(across) = across.filter(|a| !by.contains(a)) else { return };
    let help = match nearest(across, by.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("its `by` has: {}", by.join(", ")),
    };
    rules.error(
        &path.key("across"),
        format!("the estimate `{name}` is not made by `{across}`"),
        "not in `by` of the estimate",
        &help,
    );
}

pub(super) fn report(report: &Report, rules: &mut Rules<'_>, path: &KeyPath) {
    let files: [(&str, &Option<PathBuf>); 7] = [
        ("html", &report.html),
        ("csv", &report.csv),
        ("json", &report.json),
        ("parquet", &report.parquet),
        ("weights", &report.weights),
        ("ledger", &report.ledger),
        ("data", &report.data),
    ];
    rules.file_path(&path.key("folder"), report.folder.as_deref());
    let mut seen: Vec<(&str, &PathBuf)> = Vec::new();
    for (key, file) in files {
        let Some(file) = file else { continue };
        rules.file_path(&path.key(key), Some(file));
        if let Some((first, _)) =
            seen.iter().find(|(k, f)| *f == file && rules.sound(&path.key(*k)))
        {
            rules.error(
                &path.key(key),
                format!("`{first}` and `{key}` would be written to the same file"),
                "the second time",
                "choose another file name",
            );
        }
        seen.push((key, file));
    }
    if let Some(weights) = &report.weights {
        let ending = weights.extension().map(|e| e.to_string_lossy().to_lowercase());
        if !weights.as_os_str().is_empty() && !matches!(ending.as_deref(), Some("csv" | "parquet"))
        {
            rules.error(
                &path.key("weights"),
                "the ending of the file does not say its format",
                "neither .csv nor .parquet",
                "write a name such as `weights.csv` or `weights.parquet`",
            );
        }
    }
    rules.names(&path.key("keep"), report.keep.as_ref());
    rules.names(&path.key("case"), report.case.as_ref());
    for (i, names) in report.groups.iter().flatten().enumerate() {
        rules.names(&path.key("groups").index(i), Some(names));
    }
    rules.filled(&path.key("weight-name"), report.weight_name.as_deref());
    for key in ["weight-name", "replicates"] {
        if report.data.is_none() && rules.has(&path.key(key)) && rules.sound(&path.key("data")) {
            rules.warning(
                &path.key(key),
                format!("`{key}` does nothing without `data`"),
                "is for the copy of the data file",
                "add `data = \"…\"` with the name of the copy, or take it out",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::expect;

    fn estimate(keys: &str, expected: &[&str]) {
        expect(&format!("[[estimate]]\n{keys}\n"), expected);
    }

    #[test]
    fn exactly_one_statistic() {
        estimate("mean = [\"a\", \"b\"]", &[]);
        estimate("by = \"g\"", &["does not say what is estimated"]);
        estimate("mean = \"a\"\ntotal = \"a\"", &["8:1: the estimate has both `mean` and `total`"]);
        estimate("mean = []", &["an empty list"]);
        estimate("ratio = { numerator = \"\", denominator = \"b\" }", &["`numerator` is empty"]);
    }

    #[test]
    fn keys_of_proportions() {
        estimate("proportion = \"a\"\nlevel = 1\ninterval = \"wilson\"", &[]);
        estimate("mean = \"a\"\nlevel = 1", &["`level` goes with `proportion`"]);
        estimate("mean = \"a\"\ninterval = \"beta\"", &["beta interval is for proportions"]);
        estimate("mean = \"a\"\ninterval = \"t\"", &[]);
        expect("[defaults]\ninterval = \"beta\"\n", &[]);
    }

    #[test]
    fn levels_and_probabilities() {
        estimate("mean = \"a\"\nconfidence = 95", &["write 0.95 for 95 %"]);
        estimate("mean = \"a\"\nconfidence = 0", &["it cannot be 0"]);
        expect("[defaults]\nconfidence = 1\n", &["it cannot be 1"]);
        let quantile = |at: &str, expected: &[&str]| {
            estimate(&format!("quantile = {{ of = \"a\", at = {at} }}"), expected);
        };
        quantile("[0, 0.5, 1]", &[]);
        quantile(
            "[50, 0.5, 0.5, -1]",
            &["write 0.5 for the 50 %", "there already", "cannot be -1"],
        );
        quantile("[]", &["no quantile"]);
    }

    #[test]
    fn names_are_slugs_and_differ() {
        estimate("name = \"by region\"\nmean = \"a\"", &["such as `by-region`"]);
        estimate("name = \"\"\nmean = \"a\"", &["such as `by-region`"]);
        estimate(
            "name = \"harassed_all\"\nmean = \"a\"",
            &["has other characters than letters, digits and hyphens"],
        );
        estimate("name = \"-all\"\nmean = \"a\"", &["begins or ends with a hyphen"]);
        estimate(
            "name = \"a\"\nmean = \"a\"\n[[estimate]]\nname = \"A\"\nmean = \"b\"",
            &["10:8: an estimate named `A` is there already"],
        );
    }

    #[test]
    fn standard_populations() {
        let with = |by: &str, population: &str, expected: &[&str]| {
            let keys = format!("by = \"age\"\npopulation = {{ {population} }}");
            estimate(
                &format!("mean = \"a\"\nby = \"{by}\"\n[estimate.standardize]\n{keys}"),
                expected,
            );
        };
        with("g", "Y = 0.4, O = 0.6", &[]);
        with("g", "Y = 0.4, O = 0", &["of `O` is not positive"]);
        with("g", "", &["is empty"]);
        with("age", "Y = 0.4, O = 0.6", &["both standardised and a domain"]);
        estimate(
            "total = \"a\"\nstandardize = { by = \"age\", population = { Y = 1 } }",
            &["means nothing for a total"],
        );
        estimate(
            "quantile = { of = \"a\", at = [0.5] }\nstandardize = { by = \"age\", population = { Y = 1 } }",
            &["means nothing for a quantile"],
        );
    }

    #[test]
    fn comparisons_have_an_estimate() {
        let compare = |keys: &str, expected: &[&str]| {
            expect(&format!("[[compare]]\n{keys}\n"), expected);
        };
        compare("estimate = \"e\"\nacross = \"h\"", &[]);
        compare("estimate = \"f\"", &["with a name are: e"]);
        estimate(
            "name = \"q\"\nquantile = { of = \"y\", at = [0.5] }\nby = \"g\"\n[[compare]]\nestimate = \"q\"",
            &[],
        );
        compare("estimate = \"unemployment\"", &["with a name are: e"]);
        compare("estimate = \"e\"\nacross = \"sex\"", &["its `by` has: g, h"]);
        estimate("mean = \"y\"\n[[compare]]\nestimate = \"mine\"", &["name = \"mine\""]);
        estimate("name = \"x\"\nmean = \"y\"\n[[compare]]\nestimate = \"x\"", &["no groups"]);
        // A mistyped `name` is reported once, as such.
        estimate("nmae = \"x\"\nmean = \"y\"\n[[compare]]\nestimate = \"x\"", &["no key `nmae`"]);
    }

    #[test]
    fn report_files() {
        expect("[report]\nhtml = \"/abs/r.html\"\ncsv = \"../r.csv\"\n", &[]);
        expect("[report]\nhtml = \"r\"\ncsv = \"r\"\n", &["written to the same file"]);
        expect("[report]\nweights = \"w.sav\"\n", &["does not say its format"]);
        expect("[report]\nkeep = \"id\"\n", &[]);
        expect("[report]\nfolder = \"\"\n", &["`folder` is empty"]);
    }
}
