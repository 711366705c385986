//! Rules for weighting steps that are no calibrations.

use crate::study::places::KeyPath;
use crate::study::spec::{Limit, ScaleTarget, Step, Weighting};

use super::{Rules, combine};

/// Keys of the calibrations.
const CALIBRATION: [&str; 12] = [
    "margins",
    "sheet",
    "margin",
    "totals",
    "population",
    "distance",
    "bounds",
    "weight-bounds",
    "constant-within",
    "iterations",
    "tolerance",
    "compat",
];
/// Keys of the adjustments for units that are not observed.
const OBSERVED: [&str; 10] = [
    "responded",
    "eligible",
    "known",
    "classes",
    "model",
    "propensity-classes",
    "cuts",
    "unweighted",
    "min-count",
    "max-factor",
];
const TRIM: [&str; 4] = ["lower", "upper", "redistribute", "strict"];

/// None of these keys stands at a calibration.
pub(super) fn none(rules: &mut Rules<'_>, path: &KeyPath) {
    let why = "means nothing for a calibration";
    rules.no_meaning(path, &OBSERVED, why, "it belongs to `step = \"nonresponse\"`");
    rules.no_meaning(path, &TRIM, why, "it belongs to `step = \"trim\"`");
    rules.no_meaning(path, &["within"], why, "it belongs to `step = \"trim\"` or `\"scale\"`");
    rules.no_meaning(path, &["to"], why, "it belongs to `step = \"scale\"`");
    rules.no_meaning(path, &["samples"], why, "it belongs to `step = \"combine\"`");
}

pub(super) fn check(step: &Weighting, rules: &mut Rules<'_>, path: &KeyPath) {
    let why = "is for calibrations and raking";
    rules.no_meaning(path, &CALIBRATION, why, "take it out");
    match step.step {
        Step::Nonresponse => nonresponse(step, rules, path),
        Step::Eligibility => eligibility(step, rules, path),
        Step::Combine => combine::check(step.samples.as_ref(), rules, path),
        Step::Trim => trim(step, rules, path),
        Step::Scale => scale(step, rules, path),
        _ => {}
    }
    if !matches!(step.step, Step::Trim) {
        rules.no_meaning(path, &TRIM, "is for trimming", "take it out");
    }
    if !matches!(step.step, Step::Trim | Step::Scale) {
        rules.no_meaning(path, &["within"], "is for trimming and scaling", "write `classes`");
    }
    if step.step != Step::Combine {
        rules.no_meaning(path, &["samples"], "is for combining samples", "take it out");
    }
    if step.step != Step::Scale {
        rules.no_meaning(path, &["to"], "is for scaling", "take it out");
    }
    if !matches!(step.step, Step::Nonresponse | Step::Eligibility) {
        rules.no_meaning(path, &OBSERVED, "is for nonresponse and eligibility", "take it out");
    }
    for (key, names) in
        [("classes", &step.classes), ("model", &step.model), ("within", &step.within)]
    {
        rules.names(&path.key(key), names.as_ref());
    }
}

fn missing(rules: &mut Rules<'_>, path: &KeyPath, message: &str, label: &str, help: &str) {
    if rules.sound(path) {
        rules.error(path, message, label, help);
    }
}

fn nonresponse(step: &Weighting, rules: &mut Rules<'_>, path: &KeyPath) {
    if step.responded.is_none() {
        let help = "add `responded = \"outcome == 1\"`, true for rows that responded";
        missing(rules, path, "who responded is not said", "no `responded`", help);
    }
    if step.classes.is_some() && step.model.is_some() {
        let help = "keep `classes` for adjustment classes or `model` for a logistic model";
        rules.error(&path.key("model"), "there are classes already", "both", help);
    }
    rules.no_meaning(path, &["known"], "is for `step = \"eligibility\"`", "take it out");
    if step.model.is_none() {
        let help = "add `model` with the variables of the logistic model, or take it out";
        let why = "needs a model of the propensity";
        rules.no_meaning(path, &["propensity-classes", "cuts"], why, help);
    }
    if step.propensity_classes.is_some_and(|k| !(2..=100).contains(&k)) {
        let help = "five classes are usual (Cochran 1968)";
        let message = "there are from 2 to 100 classes of the propensity";
        rules.error(&path.key("propensity-classes"), message, "too few or too many", help);
    }
    if let Some(cuts) = &step.cuts {
        let inside = cuts.iter().all(|c| 0.0 < *c && *c < 1.0);
        if cuts.is_empty() || !inside || cuts.windows(2).any(|w| w[0] >= w[1]) {
            let message = "cut points of propensities ascend between 0 and 1";
            rules.error(
                &path.key("cuts"),
                message,
                "not ascending within 0 and 1",
                "such as [0.2, 0.4]",
            );
        }
        if step.propensity_classes.is_some() {
            let help = "keep `cuts` or `propensity-classes`";
            rules.error(&path.key("cuts"), "classes are set twice", "both", help);
        }
    }
    limits_of_classes(step, rules, path);
}

fn eligibility(step: &Weighting, rules: &mut Rules<'_>, path: &KeyPath) {
    if step.known.is_none() {
        let help = "add `known = \"outcome != 9\"`, true for rows whose eligibility is known";
        missing(rules, path, "whose eligibility is known is not said", "no `known`", help);
    }
    let keys = ["responded", "model", "propensity-classes", "cuts"];
    rules.no_meaning(path, &keys, "is for `step = \"nonresponse\"`", "take it out");
    limits_of_classes(step, rules, path);
}

fn limits_of_classes(step: &Weighting, rules: &mut Rules<'_>, path: &KeyPath) {
    if step.max_factor.is_some_and(|f| f.is_nan() || f <= 1.0) {
        let message = "the largest factor of a class is above 1";
        rules.error(&path.key("max-factor"), message, "not above 1", "such as 3");
    }
}

fn trim(step: &Weighting, rules: &mut Rules<'_>, path: &KeyPath) {
    if step.lower.is_none() && step.upper.is_none() {
        let help = "add `upper = { median-ratio = 5 }`, or a weight such as `upper = 40`";
        missing(rules, path, "trimming needs a limit", "no `lower` and no `upper`", help);
    }
    for (key, limit) in [("lower", step.lower), ("upper", step.upper)] {
        let at = path.key(key);
        match limit {
            Some(Limit::From(rule)) => {
                let given = [
                    rule.median_ratio,
                    rule.mean_ratio,
                    rule.percentile,
                    rule.tukey,
                    rule.median_iqr,
                ];
                if given.iter().flatten().count() != 1 {
                    let help = "such as `{ median-ratio = 5 }`";
                    rules.error(&at, "a limit has exactly one rule", "not one rule", help);
                } else if rule.percentile.is_some_and(|p| !(0.0..=1.0).contains(&p)) {
                    let help = "write 0.99 for the 99th percentile";
                    rules.error(
                        &at,
                        "the probability lies between 0 and 1",
                        "not a probability",
                        help,
                    );
                } else if given.iter().flatten().any(|x| *x < 0.0) {
                    rules.error(
                        &at,
                        "the number of a limit is not negative",
                        "negative",
                        "such as 5",
                    );
                }
            }
            Some(Limit::Value(x)) if x < 0.0 => {
                rules.error(&at, "a limit of weights is not negative", "negative", "such as 40");
            }
            _ => {}
        }
    }
    if let (Some(Limit::Value(low)), Some(Limit::Value(high))) = (step.lower, step.upper)
        && low >= high
    {
        let message = format!("the limits {low} and {high} leave no room between them");
        rules.error(&path.key("lower"), message, "not below `upper`", "exchange them");
    }
}

fn scale(step: &Weighting, rules: &mut Rules<'_>, path: &KeyPath) {
    match step.to {
        None => {
            let help = "add `to = \"sample-size\"` for a mean of 1, or `to = 60e6` for a sum";
            missing(rules, path, "what the weights are scaled to is not said", "no `to`", help);
        }
        Some(ScaleTarget::Total(total)) if total.is_nan() || total <= 0.0 => {
            let help = "write the sum the weights are to have";
            rules.error(&path.key("to"), "a sum of weights is positive", "not positive", help);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::expect;

    fn step(keys: &str, expected: &[&str]) {
        expect(&format!("[[weighting]]\n{keys}\n"), expected);
    }

    #[test]
    fn adjustments_say_who_is_observed() {
        step("step = \"nonresponse\"\nresponded = \"r == 1\"\nclasses = [\"a\"]", &[]);
        step("step = \"nonresponse\"", &["who responded"]);
        step("step = \"nonresponse\"\nresponded = \"r\"\ncuts = [0.5]", &["needs a model"]);
        step(
            "step = \"nonresponse\"\nresponded = \"r\"\nmodel = \"a\"\ncuts = [0.5, 0.2]",
            &["ascend"],
        );
        step("step = \"nonresponse\"\nresponded = \"r\"\nmax-factor = 1", &["above 1"]);
        step("step = \"nonresponse\"\nresponded = \"r\"\nbounds = [0.5, 2]", &["is for calib"]);
        step("step = \"eligibility\"", &["eligibility is known"]);
        step("step = \"eligibility\"\nknown = \"k\"\neligible = \"e\"", &[]);
    }

    #[test]
    fn trimming_and_scaling() {
        step("step = \"trim\"", &["needs a limit"]);
        step("step = \"trim\"\nupper = 40", &[]);
        step("step = \"trim\"\nupper = { median-ratio = 5 }\nwithin = \"a\"", &[]);
        step("step = \"trim\"\nupper = { median-ratio = 5, tukey = 3 }", &["exactly one rule"]);
        step("step = \"trim\"\nupper = { percentile = 99 }", &["between 0 and 1"]);
        step("step = \"trim\"\nlower = 5\nupper = 4", &["no room"]);
        step("step = \"scale\"", &["scaled to"]);
        step("step = \"scale\"\nto = \"sample-size\"", &[]);
        step("step = \"scale\"\nto = 60e6\nupper = 4", &["is for trimming"]);
        step("step = \"scale\"\nto = -1", &["is positive"]);
    }
}
