//! Rules for weighting steps that are no calibrations.

use crate::study::places::KeyPath;
use crate::study::spec::{Count, Limit, ScaleTarget, Step, Weighting};

use super::{Rules, combine};

/// Keys of the calibrations.
const CALIBRATION: [&str; 20] = [
    "margins",
    "sheet",
    "margin",
    "totals",
    "means",
    "bounds-by",
    "weight-bounds-by",
    "scale",
    "trim",
    "if-infeasible",
    "force",
    "estimated",
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
const TRIM: [&str; 6] = ["lower", "upper", "redistribute", "strict", "keep-margins", "outcomes"];
const SELECTION: [&str; 4] = ["eligible-count", "selected-count", "probabilities", "cap"];

/// None of these keys stands at a calibration.
pub(super) fn none(rules: &mut Rules<'_>, path: &KeyPath) {
    let why = "means nothing for a calibration";
    rules.no_meaning(path, &OBSERVED, why, "it belongs to `step = \"nonresponse\"`");
    rules.no_meaning(path, &TRIM, why, "it belongs to `step = \"trim\"`");
    rules.no_meaning(path, &["to"], why, "it belongs to `step = \"scale\"`");
    rules.no_meaning(path, &SELECTION, why, "it belongs to `step = \"selection\"`");
    rules.no_meaning(path, &["method"], why, "it belongs to `step = \"participation\"`");
    rules.no_meaning(path, &["samples"], why, "it belongs to `step = \"combine\"`");
}

pub(super) fn check(step: &Weighting, rules: &mut Rules<'_>, path: &KeyPath) {
    let why = "is for calibrations and raking";
    rules.no_meaning(path, &CALIBRATION, why, "take it out");
    match step.step {
        Step::Selection => selection(step, rules, path),
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
    if step.step != Step::Selection {
        rules.no_meaning(path, &SELECTION, "is for stages of selection", "take it out");
    }
    if step.step != Step::Combine {
        rules.no_meaning(path, &["samples"], "is for combining samples", "take it out");
    }
    if step.step != Step::Scale {
        rules.no_meaning(path, &["to"], "is for scaling", "take it out");
    }
    if !matches!(step.step, Step::Nonresponse | Step::Eligibility) {
        let is_idle = |key: &&str| *key != "model" || step.step != Step::Participation;
        let idle: Vec<&str> = OBSERVED.iter().copied().filter(|key| is_idle(key)).collect();
        rules.no_meaning(path, &idle, "is for nonresponse and eligibility", "take it out");
    }
    if step.step != Step::Participation {
        rules.no_meaning(path, &["method"], "is for participation", "take it out");
    }
    for (key, names) in [
        ("classes", &step.classes),
        ("model", &step.model),
        ("within", &step.within),
        ("eligible-count", &step.eligible_count),
        ("probabilities", &step.probabilities),
        ("outcomes", &step.outcomes),
    ] {
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
    if step.known.is_none() && step.eligible.is_none() {
        let help = "add `known = \"outcome != 9\"`, true for rows whose eligibility is known; or \
                    `eligible` alone, if it is known of everybody";
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
    for (key, limit) in [("lower", &step.lower), ("upper", &step.upper)] {
        let Some(limit) = limit else { continue };
        limit_rule(key, limit, step, rules, &path.key(key));
    }
    if step.keep_margins.is_some() {
        let why = "means nothing where margins are kept: the calibration spreads what is cut off";
        rules.no_meaning(path, &["redistribute", "strict"], why, "take it out");
    }
    if let (Some(Limit::Value(low)), Some(Limit::Value(high))) = (&step.lower, &step.upper)
        && low >= high
    {
        let message = format!("the limits {low} and {high} leave no room between them");
        rules.error(&path.key("lower"), message, "not below `upper`", "exchange them");
    }
}

fn limit_rule(key: &str, limit: &Limit, step: &Weighting, rules: &mut Rules<'_>, at: &KeyPath) {
    let rule = match limit {
        Limit::Value(x) if *x < 0.0 => {
            rules.error(at, "a limit of weights is not negative", "negative", "such as 40");
            return;
        }
        Limit::Value(_) => return,
        Limit::From(rule) => rule,
    };
    let given = [rule.median_ratio, rule.mean_ratio, rule.percentile, rule.tukey, rule.median_iqr];
    if given.iter().flatten().count() + usize::from(rule.mse.is_some()) != 1 {
        let help = "such as `{ median-ratio = 5 }`";
        rules.error(at, "a limit has exactly one rule", "not one rule", help);
    } else if rule.percentile.is_some_and(|p| !(0.0..=1.0).contains(&p)) {
        let help = "write 0.99 for the 99th percentile";
        rules.error(at, "the probability lies between 0 and 1", "not a probability", help);
    } else if given.iter().flatten().any(|x| *x < 0.0) {
        rules.error(at, "the number of a limit is not negative", "negative", "such as 5");
    } else if rule.mse.is_some() && key == "lower" {
        let help = "set it as `upper`; a lower limit is a number or comes from quartiles";
        rules.error(at, "the rule of the mean squared error is for large weights", "lower", help);
    } else if rule.mse.is_some() && step.strict {
        let help = "take `strict` out";
        let message = "the rule of the mean squared error cuts once";
        rules.error(at, message, "with `strict`", help);
    }
    rules.names(&at.key("mse"), rule.mse.as_ref());
}

fn selection(step: &Weighting, rules: &mut Rules<'_>, path: &KeyPath) {
    match (&step.eligible_count, &step.probabilities) {
        (None, None) => {
            let help = "add `eligible-count = \"adults\"`, of whom `selected-count` were selected \
                        (1 if not given), or `probabilities`";
            missing(rules, path, "how units were selected is not said", "no count", help);
        }
        (Some(_), Some(_)) => {
            let help = "keep one of them";
            let message = "counts and probabilities say the same";
            rules.error(&path.key("probabilities"), message, "both", help);
        }
        (None, Some(_)) => {
            let why = "goes with `eligible-count`";
            rules.no_meaning(path, &["selected-count"], why, "take it out");
        }
        (Some(from), None) => {
            let stages = from.list().len();
            let selected = match &step.selected_count {
                Some(Count::Many(names)) => names.len(),
                Some(Count::One(_)) => 1,
                Some(Count::Number(n)) => {
                    if !(*n >= 1.0 && n.is_finite()) {
                        let message = "at least one was selected";
                        rules.error(&path.key("selected-count"), message, "below 1", "such as 1");
                    }
                    stages
                }
                None => stages,
            };
            if selected != stages {
                let help = "name one variable for each stage, in the same order";
                let message = format!("{stages} counts and {selected} of selected");
                rules.error(&path.key("selected-count"), message, "not as many", help);
            }
        }
    }
    if step.cap.is_some_and(|cap| !(cap >= 1.0 && cap.is_finite())) {
        let message = "the largest factor is 1 or more";
        rules.error(&path.key("cap"), message, "below 1", "such as 4");
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
        step("step = \"eligibility\"\neligible = \"e\"", &[]);
    }

    #[test]
    fn trimming_and_scaling() {
        step("step = \"trim\"", &["needs a limit"]);
        step("step = \"trim\"\nupper = 40", &[]);
        step("step = \"trim\"\nupper = { median-ratio = 5 }\nwithin = \"a\"", &[]);
        step("step = \"trim\"\nupper = { median-ratio = 5, tukey = 3 }", &["exactly one rule"]);
        step("step = \"trim\"\nupper = { percentile = 99 }", &["between 0 and 1"]);
        step("step = \"trim\"\nlower = 5\nupper = 4", &["no room"]);
        step("step = \"trim\"\nupper = { mse = [\"y\"] }", &[]);
        step("step = \"trim\"\nlower = { mse = \"y\" }", &["for large weights"]);
        step("step = \"trim\"\nupper = { mse = \"y\" }\nstrict = true", &["cuts once"]);
        step("step = \"trim\"\nupper = 4\nkeep-margins = \"exact\"", &[]);
        step("step = \"trim\"\nupper = 4\nkeep-margins = \"exact\"\nstrict = true", &["are kept"]);
        step("step = \"scale\"", &["scaled to"]);
        step("step = \"scale\"\nto = \"mean-one\"", &[]);
        step("step = \"scale\"\nto = \"sample-size\"", &[]);
        step("step = \"scale\"\nto = 60e6\nupper = 4", &["is for trimming"]);
        step("step = \"scale\"\nto = -1", &["is positive"]);
    }

    #[test]
    fn stages_of_selection() {
        step("step = \"selection\"", &["how units were selected"]);
        step("step = \"selection\"\neligible-count = \"adults\"\ncap = 4", &[]);
        step(
            "step = \"selection\"\neligible-count = \"adults\"\nselected-count = 0",
            &["at least one"],
        );
        step(
            "step = \"selection\"\neligible-count = [\"a\", \"b\"]\nselected-count = \"n\"",
            &["2 counts"],
        );
        step("step = \"selection\"\nprobabilities = \"p\"", &[]);
        step("step = \"selection\"\nprobabilities = \"p\"\ncap = 0.5", &["1 or more"]);
        step(
            "step = \"selection\"\nprobabilities = \"p\"\neligible-count = \"a\"",
            &["say the same"],
        );
        step("step = \"trim\"\nupper = 4\ncap = 4", &["for stages of selection"]);
    }
}
