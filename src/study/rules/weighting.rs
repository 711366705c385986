//! Rules for weighting steps.

use crate::study::places::KeyPath;
use crate::study::spec::{Distance, Step, Study, Weighting};

use super::{Rules, adjust, margins, reference};

pub(super) fn check(study: &Study, rules: &mut Rules<'_>, path: &KeyPath) {
    for (i, step) in study.weighting.iter().enumerate() {
        let here = path.index(i);
        if !rules.sound(&here.key("step")) {
            continue;
        }
        one(step, rules, &here);
        if step.step == Step::Participation {
            reference::step(step, i == 0, rules, &here);
            if study.reference.is_none() {
                let help = reference::NEEDS_REFERENCE;
                rules.error(&here.key("step"), "there is no reference sample", "needs one", help);
            }
        }
    }
}

fn one(weighting: &Weighting, rules: &mut Rules<'_>, path: &KeyPath) {
    match weighting.step {
        Step::PostStratify => post_stratify(weighting, rules, path),
        Step::Rake => rake(weighting, rules, path),
        Step::Calibrate => calibrate(weighting, rules, path),
        _ => adjust::check(weighting, rules, path),
    }
    if matches!(weighting.step, Step::PostStratify | Step::Rake | Step::Calibrate) {
        adjust::none(rules, path);
    }
    bounds(weighting, rules, path);
    weight_bounds(weighting, rules, path);
    numbers(weighting, rules, path);
    margins::check(weighting, rules, path);
    rules.file_path(&path.key("margins"), weighting.margins.as_deref());
}

/// Margins of different things: one for each part counts once.
fn margins_given(weighting: &Weighting) -> usize {
    let all = &weighting.margin;
    let is_first = |i: usize| !all[..i].iter().any(|m| margins::is_same(m, &all[i]));
    (0..all.len()).filter(|&i| is_first(i)).count() + usize::from(weighting.margins.is_some())
}

fn post_stratify(weighting: &Weighting, rules: &mut Rules<'_>, path: &KeyPath) {
    match margins_given(weighting) {
        1 => {}
        0 => no_margins(rules, path, "post-stratification needs one margin"),
        found => {
            if rules.sound(path) {
                rules.error(
                    &path.key("step"),
                    format!("post-stratification takes exactly one margin, not {found}"),
                    "one margin",
                    "cross the variables in one margin, `by = [\"sex\", \"age\"]`, or write \
                     `step = \"rake\"` for several",
                );
            }
        }
    }
    rules.no_meaning(
        path,
        &[
            "totals",
            "means",
            "distance",
            "bounds",
            "bounds-by",
            "iterations",
            "compat",
            "weight-bounds",
            "weight-bounds-by",
            "scale",
            "trim",
            "constant-within",
        ],
        "means nothing for post-stratification, which has one exact solution",
        "take it out, or write `step = \"calibrate\"`",
    );
}

fn rake(weighting: &Weighting, rules: &mut Rules<'_>, path: &KeyPath) {
    if margins_given(weighting) == 0 {
        no_margins(rules, path, "raking needs at least one margin");
    }
    rules.no_meaning(
        path,
        &[
            "totals",
            "means",
            "distance",
            "bounds-by",
            "weight-bounds",
            "weight-bounds-by",
            "scale",
            "constant-within",
        ],
        "means nothing for raking, which works on margins",
        "write `step = \"calibrate\"`; with `distance = \"raking\"` it gives the weights of raking",
    );
}

fn calibrate(weighting: &Weighting, rules: &mut Rules<'_>, path: &KeyPath) {
    let numbers = weighting.totals.0.len() + weighting.means.0.len();
    rules.names(&path.key("first-phase"), weighting.first_phase.as_ref());
    if weighting.first_phase.is_some() {
        rules.no_meaning(
            path,
            &[
                "margins",
                "margin",
                "totals",
                "means",
                "population",
                "weight-bounds",
                "constant-within",
            ],
            "has no place beside `first-phase`, whose totals come from the data",
            "make it a step of its own",
        );
    } else if margins_given(weighting) == 0 && numbers == 0 {
        let message = "calibration needs margins or totals";
        if rules.sound(path) {
            rules.error(
                path,
                message,
                "calibrated to nothing",
                "add `margins = \"margins.csv\"`, or `[[weighting.margin]]` with `by` and \
                 `totals`, or `totals = { income = 1.2e9 }` for numeric variables",
            );
        }
    }
    if weighting.distance == Some(Distance::Logit)
        && weighting.bounds.is_none()
        && weighting.bounds_by.is_none()
        && rules.sound(&path.key("bounds"))
    {
        rules.error(
            &path.key("distance"),
            "the logit distance needs bounds",
            "`bounds` is missing",
            "add the smallest and the largest factor, such as `bounds = [0.3, 3]`",
        );
    }
    rules.no_meaning(path, &["compat"], "is for `step = \"rake\"`", "take it out");
    for (key, what, pairs) in
        [("totals", "total", &weighting.totals), ("means", "mean", &weighting.means)]
    {
        for (i, (name, _)) in pairs.0.iter().enumerate() {
            if name.trim().is_empty() {
                let help = "write the name of the variable before `=`";
                let message = format!("{what} {} has no variable", i + 1);
                rules.error_at_key(&path.key(key).key(name.as_str()), message, "empty", help);
            }
        }
    }
}

fn no_margins(rules: &mut Rules<'_>, path: &KeyPath, message: &str) {
    if rules.sound(path) {
        rules.error(
            path,
            message,
            "no margin",
            "add `margins = \"margins.csv\"`, or `[[weighting.margin]]` with `by` and `totals`",
        );
    }
}

fn bounds(weighting: &Weighting, rules: &mut Rules<'_>, path: &KeyPath) {
    let kinds = ["bounds", "weight-bounds", "bounds-by", "weight-bounds-by"];
    let given: Vec<&str> = kinds.into_iter().filter(|k| rules.has(&path.key(*k))).collect();
    if let [first, .., last] = given.as_slice() {
        let help = format!("keep `{first}` or `{last}`: bounds of factors or of weights");
        let at = path.key(*last);
        rules.error(&at, format!("there are `{first}` already"), "bounds twice", &help);
    }
    if let Some([lower, upper]) = weighting.trim
        && !(lower < 1.0 && 1.0 < upper)
    {
        rules.error(
            &path.key("trim"),
            format!("the factors {lower} and {upper} do not lie below and above 1"),
            "a factor of 1 is not within",
            "give the smallest and the largest factor that is left, such as [0.3, 3]",
        );
    }
    let Some([lower, upper]) = weighting.bounds else { return };
    let at = path.key("bounds");
    if !(lower < 1.0 && 1.0 < upper) {
        rules.error(
            &at,
            format!("the bounds {lower} and {upper} do not lie below and above 1"),
            "a factor of 1 is not within",
            "give the smallest factor (below 1) and the largest (above 1), such as [0.3, 3]; for \
             no upper limit write 1e9",
        );
    } else if lower < 0.0 && !linear(weighting) {
        rules.error(
            &at.index(0),
            format!("the smallest factor cannot be {lower}: this step makes no negative weights"),
            "negative",
            "write 0 or more",
        );
    }
}

fn weight_bounds(weighting: &Weighting, rules: &mut Rules<'_>, path: &KeyPath) {
    let Some([lower, upper]) = weighting.weight_bounds else { return };
    let at = path.key("weight-bounds");
    if lower >= upper {
        rules.error(
            &at,
            format!("the bounds {lower} and {upper} of the weights leave no room between them"),
            "not ascending",
            "give the smallest and the largest weight, such as [0.5, 40]",
        );
    }
    if weighting.distance == Some(Distance::Logit) {
        let help = "use the linear, raking or sinh distance with `weight-bounds`";
        rules.error(&at, "the logit distance bounds factors, not weights", "not with logit", help);
    }
}

fn linear(weighting: &Weighting) -> bool {
    weighting.step == Step::Calibrate && matches!(weighting.distance, None | Some(Distance::Linear))
}

fn numbers(weighting: &Weighting, rules: &mut Rules<'_>, path: &KeyPath) {
    if let Some(population) = weighting.population.filter(|p| *p <= 0.0) {
        rules.error(
            &path.key("population"),
            format!("a population size is positive, it cannot be {population}"),
            "not positive",
            "write the number of units in the population",
        );
    }
    if weighting.iterations == Some(0) {
        rules.error(
            &path.key("iterations"),
            "0 iterations change nothing",
            "at least 1",
            "leave it out, or write a number such as 100",
        );
    }
    if let Some(tolerance) = weighting.tolerance.filter(|t| !(0.0..1.0).contains(t)) {
        rules.error(
            &path.key("tolerance"),
            format!("a relative tolerance is at least 0 and below 1, it cannot be {tolerance}"),
            "not from 0 to below 1",
            "write 0.001 for a difference of 0.1 %",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::expect;

    fn step(keys: &str, expected: &[&str]) {
        expect(&format!("[[weighting]]\n{keys}\n"), expected);
    }

    const MARGIN: &str = "[[weighting.margin]]\nby = \"sex\"\ntotals = { F = 300, M = 200 }\n";
    const OTHER: &str = "[[weighting.margin]]\nby = \"age\"\ntotals = { Y = 300, O = 200 }\n";

    #[test]
    fn margins_as_needed() {
        step(&format!("step = \"post-stratify\"\n{MARGIN}"), &[]);
        step("step = \"post-stratify\"\nmargins = \"m.csv\"", &[]);
        step("step = \"post-stratify\"", &["needs one margin"]);
        step(&format!("step = \"post-stratify\"\n{MARGIN}{OTHER}"), &["exactly one margin, not 2"]);
        step(&format!("step = \"rake\"\n{MARGIN}{OTHER}"), &[]);
        step("step = \"rake\"", &["at least one margin"]);
        step("step = \"calibrate\"", &["needs margins or totals"]);
        step("step = \"calibrate\"\ntotals = { income = 1e9 }", &[]);
        step(&format!("step = \"rake\"\n{MARGIN}{MARGIN}"), &["a margin of sex already"]);
    }

    #[test]
    fn keys_of_other_steps() {
        step(&format!("step = \"post-stratify\"\nbounds = [0.5, 2]\n{MARGIN}"), &["one exact"]);
        step(&format!("step = \"rake\"\ndistance = \"logit\"\n{MARGIN}"), &["works on margins"]);
        step(&format!("step = \"calibrate\"\ncompat = \"r\"\n{MARGIN}"), &["is for `step"]);
        step(&format!("step = \"rake\"\ncompat = \"r\"\n{MARGIN}"), &[]);
    }

    #[test]
    fn bounds_hold_one() {
        step(&format!("step = \"rake\"\nbounds = [0.3, 3]\n{MARGIN}"), &[]);
        step(&format!("step = \"rake\"\nbounds = [1.2, 3]\n{MARGIN}"), &["below and above 1"]);
        step(&format!("step = \"rake\"\nbounds = [-1, 3]\n{MARGIN}"), &["no negative weights"]);
        step(&format!("step = \"calibrate\"\nbounds = [-1, 3]\n{MARGIN}"), &[]);
        step(
            &format!("step = \"calibrate\"\ndistance = \"logit\"\n{MARGIN}"),
            &["the logit distance needs bounds"],
        );
    }

    #[test]
    fn numbers_in_range() {
        step(&format!("step = \"rake\"\npopulation = 0\n{MARGIN}"), &["size is positive"]);
        step(&format!("step = \"rake\"\niterations = 0\n{MARGIN}"), &["change nothing"]);
        step(&format!("step = \"rake\"\ntolerance = 1\n{MARGIN}"), &["it cannot be 1"]);
    }

    #[test]
    fn totals_of_margins() {
        let margin = |by: &str, totals: &str, expected: &[&str]| {
            let keys = format!("by = {by}\ntotals = {{ {totals} }}");
            step(&format!("step = \"rake\"\n[[weighting.margin]]\n{keys}"), expected);
        };
        margin("\"sex\"", "", &["no totals"]);
        margin("\"sex\"", "F = -1, M = 5", &["is negative"]);
        margin("\"sex\"", "F = 0, M = 0", &["all zero"]);
        margin("\"sex\"", "F = 0.6, M = 0.4", &["they look like shares"]);
        margin("\"sex\"", "F = 60, M = 40", &["they look like shares"]);
        margin("[\"sex\", \"age\"]", "\"F × Y\" = 10, \"M*Y\" = 5", &[]);
        margin("[\"sex\", \"age\"]", "F = 10, \"M*Y\" = 5", &["names 1 of the 2 levels"]);
    }
}
