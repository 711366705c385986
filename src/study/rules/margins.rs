//! Rules for the margins of a weighting step.

use crate::study::places::KeyPath;
use crate::study::spec::{ControlMethod, GivenAs, Margin, Weighting};

use super::{Rules, rounded};

pub(super) fn check(step: &Weighting, rules: &mut Rules<'_>, path: &KeyPath) {
    let all = path.key("margin");
    for (i, margin) in step.margin.iter().enumerate() {
        one(step, margin, rules, &all.index(i));
    }
    same(&step.margin, rules, &all);
    estimated(step, rules, &path.key("estimated"));
    if step.within.is_some() && rules.has(&path.key("population")) {
        let message = "the parts have no population in common".to_string();
        let help = "give totals for every part";
        rules.error_at_key(&path.key("population"), message, "of all parts", help);
    }
    let numbers = step.totals.0.len() + step.means.0.len();
    if step.within.is_some() && numbers > 0 {
        let help = "write a margin with `of`, `total` and `part` for every part";
        for key in ["totals", "means"] {
            rules.no_meaning(path, &[key], "belongs to no part", help);
        }
    }
}

fn one(step: &Weighting, margin: &Margin, rules: &mut Rules<'_>, path: &KeyPath) {
    rules.names(&path.key("by"), margin.by.as_ref());
    rules.filled(&path.key("of"), margin.of.as_deref());
    if !rules.sound(path) {
        return;
    }
    meaning(step, margin, rules, path);
    firmness(margin, rules, path);
    if margin.by.is_some() {
        totals(step, margin, rules, path);
    }
}

/// What the numbers of a margin are.
fn meaning(step: &Weighting, margin: &Margin, rules: &mut Rules<'_>, path: &KeyPath) {
    let by_survey = step.estimated.as_ref().is_some_and(|e| e.file.is_some());
    match (&margin.by, &margin.of) {
        (None, None) => {
            let help = "add `by = \"sex\"` for counts by level, or `of = \"income\"` for a number";
            rules.error(path, "the margin says not of what", "no `by` and no `of`", help);
        }
        (None, Some(_)) => {
            rules.no_meaning(path, &["totals"], "is by level", "add `by`, or write `total`");
            if margin.total.is_none() && !by_survey && margin.totals.0.is_empty() {
                let help = "add `total = 1.2e9` (or the mean, with `as = \"means\"`)";
                rules.error(path, "the margin has no total", "no `total`", help);
            }
        }
        (Some(_), _) => {
            rules.no_meaning(path, &["total"], "is of the whole population", "write `totals`");
        }
    }
    let as_ = path.key("as");
    match margin.given_as {
        Some(GivenAs::Means) if margin.of.is_none() => {
            let help = "add `of` with the numeric variable";
            rules.error(&as_, "there is no number whose means these are", "no `of`", help);
        }
        Some(GivenAs::Shares) if margin.of.is_some() => {
            let help = "shares are of the population, by level: give totals or means of a number";
            rules.error(&as_, "a number has no shares", "not with `of`", help);
        }
        _ => {}
    }
    if margin.shares_of.is_some() {
        rules.names(&path.key("shares-of"), margin.shares_of.as_ref());
        let help = "the totals are shares of those of the other margin";
        rules.no_meaning(path, &["as", "of", "per-group"], "means nothing with `shares-of`", help);
    }
    if margin.per_group {
        if margin.given_as == Some(GivenAs::Shares) {
            let help = "give how many groups there are in each level";
            rules.error(&as_, "totals of groups are no shares of persons", "not here", help);
        }
        if step.constant_within.is_none() {
            let help = "add `constant-within` with the variable of the household";
            rules.error(&path.key("per-group"), "which groups is not said", "of what", help);
        }
    }
    if step.within.is_none() {
        let help = "add `within` with the variable of the parts";
        rules.no_meaning(path, &["part"], "needs to know of what it is a part", help);
    }
}

/// How firmly a margin is to be met.
fn firmness(margin: &Margin, rules: &mut Rules<'_>, path: &KeyPath) {
    if margin.importance.is_some_and(|k| !k.is_finite() || k <= 0.0) {
        rules.error(
            &path.key("importance"),
            "the importance of a margin is a positive number",
            "not positive",
            "9 closes about nine tenths of its gap; leave it out to meet the margin exactly",
        );
    }
    if margin.tolerance.is_some_and(|t| !(0.0..1.0).contains(&t)) {
        rules.error(
            &path.key("tolerance"),
            "the tolerance of a margin lies from 0 up to 1",
            "not within",
            "0.02 lets each total be missed by 2 %",
        );
    }
    if margin.importance.is_some() && margin.tolerance.is_some() {
        let help = "keep `importance` or `tolerance`";
        rules.error(&path.key("tolerance"), "the margin has an importance", "both", help);
    }
}

fn totals(step: &Weighting, margin: &Margin, rules: &mut Rules<'_>, path: &KeyPath) {
    let totals = path.key("totals");
    let by_survey = step.estimated.as_ref().is_some_and(|e| e.file.is_some());
    if by_survey {
        let help = "take them out: they are those of the control survey";
        rules.no_meaning(path, &["totals", "as", "shares-of"], "comes from `estimated.file`", help);
        return;
    }
    if margin.totals.0.is_empty() {
        let help = "add a total for each level, such as `{ Female = 30.1e6, Male = 29.5e6 }`";
        rules.error(&totals, "the margin has no totals", "empty", help);
        return;
    }
    let variables = margin.variables().len();
    for (level, total) in &margin.totals.0 {
        let at = totals.key(level.as_str());
        if *total < 0.0 && margin.of.is_none() {
            rules.error(
                &at,
                format!("the total of `{level}` is negative"),
                "negative",
                "write how many of the population are in this level",
            );
        }
        let parts = level.split(['×', '*']).count();
        if parts < variables {
            let names = margin.variables().join(" × ");
            rules.error_at_key(
                &at,
                format!("`{level}` names {parts} of the {variables} levels that cross"),
                "not a crossing",
                &format!("write one level of each variable, joined by `×` or `*`: \"{names}\""),
            );
        }
    }
    if margin.of.is_some() || margin.given_as == Some(GivenAs::Shares) || margin.shares_of.is_some()
    {
        return;
    }
    let sum: f64 = margin.totals.0.iter().map(|(_, total)| total).sum();
    let all_zero = margin.totals.0.iter().all(|(_, total)| *total == 0.0);
    if all_zero {
        let help = "write how many of the population are in each level";
        rules.error(&totals, "the totals of the margin are all zero", "sum to 0", help);
    } else if step.population.is_none() && looks_like_shares(sum) {
        rules.warning(
            &totals,
            format!("the totals sum to {}: they look like shares", rounded(sum)),
            "shares",
            "add `as = \"shares\"` to have them taken as shares, and `population = …`, the size of \
             the population, if it is known",
        );
    }
}

/// True for a sum of totals that is one or a hundred but for rounding: they are shares, or look like it.
pub(in crate::study) fn looks_like_shares(sum: f64) -> bool {
    [1.0, 100.0].iter().any(|whole| (sum - whole).abs() < 0.005 * whole)
}

/// True for two margins of the same thing, which differ in their part at most.
pub(super) fn is_same(a: &Margin, b: &Margin) -> bool {
    let variables = |m: &Margin| {
        let mut names: Vec<String> = m.variables().iter().map(ToString::to_string).collect();
        names.sort();
        names
    };
    variables(a) == variables(b) && a.of == b.of && a.per_group == b.per_group
}

/// No two margins of the same variables (and part).
fn same(margins: &[Margin], rules: &mut Rules<'_>, path: &KeyPath) {
    for (i, margin) in margins.iter().enumerate() {
        let here = path.index(i).key(if margin.by.is_some() { "by" } else { "of" });
        let first = margins[..i].iter().position(|m| is_same(m, margin) && m.part == margin.part);
        let Some(first) = first.map(|j| path.index(j)).filter(|p| rules.sound(p)) else {
            continue;
        };
        let (line, _) = rules.places.value(&first.key("by")).line_column();
        let what = match (&margin.of, margin.variables()) {
            (Some(of), by) if by.is_empty() => of.clone(),
            (_, by) => by.join(" × "),
        };
        rules.error(
            &here,
            format!("there is a margin of {what} already"),
            "the second of these variables",
            &format!("keep one of the two; the first is on line {line}"),
        );
    }
}

/// The survey that margins were estimated from.
fn estimated(step: &Weighting, rules: &mut Rules<'_>, path: &KeyPath) {
    let Some(given) = &step.estimated else { return };
    if !rules.sound(path) {
        return;
    }
    rules.file_path(&path.key("covariance"), given.covariance.as_deref());
    rules.file_path(&path.key("file"), given.file.as_deref());
    match (&given.covariance, &given.file) {
        (None, None) => {
            let help = "add `covariance` with the covariances of the totals, or `file` with the \
                        data of the survey";
            rules.error(path, "how far the margins may be off is not said", "neither", help);
        }
        (Some(_), Some(_)) => {
            let help = "keep one: the covariance follows from the data";
            rules.error(&path.key("covariance"), "there is a `file` already", "both", help);
        }
        (Some(_), None) => {
            let keys = ["weight", "replicates"];
            rules.no_meaning(
                path,
                &keys,
                "belongs to a control survey",
                "add `file`, or take it out",
            );
            if given.method == Some(ControlMethod::OpsomerErciulescu) {
                let help = "write `method = \"fuller\"`, or give the data of the survey";
                let message = "this method matches replicates of the control survey";
                rules.error(&path.key("method"), message, "there are none", help);
            }
        }
        (None, Some(_)) => {
            for (key, is_there) in
                [("weight", given.weight.is_some()), ("replicates", given.replicates.is_some())]
            {
                if !is_there {
                    let help = "the totals come with the weight, their covariance with the \
                                replicate weights of the control survey";
                    rules.error(
                        path,
                        format!("the control survey has no `{key}`"),
                        "missing",
                        help,
                    );
                }
            }
        }
    }
    let shares = step.margin.iter().any(|m| m.given_as.is_some() || m.shares_of.is_some());
    let alone = [
        ("population", step.population.is_some()),
        ("within", step.within.is_some()),
        ("means", !step.means.0.is_empty()),
        ("margins", step.margins.is_some() && given.file.is_some()),
        ("totals", !step.totals.0.is_empty() && given.file.is_some()),
        ("constant-within", step.constant_within.is_some() && given.file.is_some()),
        ("margin", shares),
    ];
    for (key, is_there) in alone {
        if is_there {
            let help = "give estimated margins as totals of the whole population, each in a \
                        `[[weighting.margin]]`; known margins in a step of their own";
            let message = format!("`{key}` cannot stand beside estimated margins");
            rules.error(path, message, "not together", help);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::expect;

    fn step(keys: &str, expected: &[&str]) {
        expect(&format!("[[weighting]]\n{keys}\n"), expected);
    }

    fn margin(keys: &str, expected: &[&str]) {
        step(&format!("step = \"calibrate\"\n[[weighting.margin]]\n{keys}"), expected);
    }

    #[test]
    fn what_a_margin_is_of() {
        margin("totals = { F = 3, M = 5 }", &["says not of what"]);
        margin("of = \"income\"", &["has no total"]);
        margin("of = \"income\"\ntotal = 5", &[]);
        margin("of = \"income\"\nas = \"means\"\ntotal = -5", &[]);
        margin("by = \"sex\"\nas = \"means\"\ntotals = { F = 3, M = 5 }", &["no number"]);
        margin("by = \"sex\"\nof = \"income\"\ntotals = { F = -3, M = 5 }", &[]);
        margin("by = \"sex\"\nas = \"shares\"\ntotals = { F = 0.4, M = 0.6 }", &[]);
        margin("by = \"sex\"\npart = \"N\"\ntotals = { F = 3, M = 5 }", &["of what it is a part"]);
        margin("by = \"sex\"\nper-group = true\ntotals = { F = 3, M = 5 }", &["which groups"]);
    }

    #[test]
    fn how_firmly_it_is_met() {
        let soft = |keys: &str, expected: &[&str]| {
            margin(&format!("by = \"sex\"\ntotals = {{ F = 3, M = 5 }}\n{keys}"), expected);
        };
        soft("importance = 9", &[]);
        soft("importance = 0", &["positive number"]);
        soft("tolerance = 0.02", &[]);
        soft("tolerance = 2", &["from 0 up to 1"]);
        soft("tolerance = 0.02\nimportance = 9", &["has an importance"]);
    }

    #[test]
    fn estimated_margins() {
        let with = |keys: &str, by: &str, expected: &[&str]| {
            let text =
                format!("step = \"rake\"\nestimated = {{ {keys} }}\n[[weighting.margin]]\n{by}");
            step(&text, expected);
        };
        let given = "by = \"sex\"\ntotals = { F = 3, M = 5 }";
        with("covariance = \"v.csv\"", given, &[]);
        with("seed = 3", given, &["not said"]);
        with("file = \"c.csv\"", "by = \"sex\"", &["no `weight`", "no `replicates`"]);
        let whole = "file = \"c.csv\", weight = \"w\", \
                     replicates = { columns = \"r*\", method = \"jk1\" }";
        with(whole, "by = \"sex\"", &[]);
        with(whole, given, &["comes from `estimated.file`"]);
        with(
            "covariance = \"v.csv\", method = \"opsomer-erciulescu\"",
            given,
            &["matches replicates"],
        );
    }
}
