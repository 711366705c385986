//! Rules for `[variance]`.

use crate::replicate::{Resampling, VarianceForm};
use crate::study::places::KeyPath;
use crate::study::spec::{Estimator, Study};

use super::Rules;

pub(super) fn check(study: &Study, rules: &mut Rules<'_>, path: &KeyPath) {
    let given = &study.variance;
    let has_columns = study.design.replicates.is_some();
    let has_units = study.design.strata.is_some() || study.design.clusters.is_some();
    rules.names(&path.key("probabilities"), given.probabilities.as_ref());
    rules.filled(&path.key("order-by"), given.order_by.as_deref());
    match (given.estimator, given.method) {
        (_, Some(_)) if has_columns => rules.error_at_key(
            &path.key("method"),
            "the design has replicate weights, and `method` would make others".to_string(),
            "beside `[design.replicates]`",
            "keep one: the replicate weights of the data, or `strata` and `clusters` with `method`",
        ),
        (Some(Estimator::Both), None) if has_columns && !has_units => rules.error(
            &path.key("estimator"),
            "both variances need the design, and there are replicate weights only",
            "no strata or clusters to linearise with",
            "give `strata` and `clusters` beside `[design.replicates]`",
        ),
        (Some(Estimator::Linearised), None) if has_columns && !has_units => rules.error(
            &path.key("estimator"),
            "replicate weights say nothing to linearise with",
            "the design has replicate weights only",
            "take `estimator` out, or give `strata` and `clusters` beside them",
        ),
        (Some(Estimator::Replicates | Estimator::Both), None) if !has_columns => rules.error(
            &path.key("estimator"),
            "there are no replicates: `method` says how they are made",
            "`method` is missing",
            "add `method = \"…\"`, such as \"jkn\" or \"rao-wu-yue-beaumont\"",
        ),
        (Some(Estimator::Linearised), Some(_)) => rules.error_at_key(
            &path.key("method"),
            "`method` makes replicates, and `estimator` does not use them".to_string(),
            "has no meaning here",
            "write `estimator = \"both\"` to have both, or take one of the two out",
        ),
        _ => {}
    }
    let Some(method) = given.method else {
        let keys = [
            "replicates",
            "seed",
            "rho",
            "mse",
            "tau",
            "form",
            "selection",
            "probabilities",
            "order-by",
            "target-cv",
        ];
        let help = if has_columns {
            "take it out; what is given of replicate weights stands in `[design.replicates]`"
        } else {
            "add `method = \"…\"`, or take it out"
        };
        rules.no_meaning(path, &keys, "goes with a `method` that makes replicates", help);
        return;
    };
    of_method(study, method, rules, path);
    let design = &study.design;
    for (key, is_given) in
        [("phase2", design.phase2.is_some()), ("crossed", design.crossed.is_some())]
    {
        if is_given {
            rules.error_at_key(
                &KeyPath::root().key("design").key(key),
                format!("replicates that are made know nothing of `{key}`"),
                "beside a `method` of `[variance]`",
                "take `method` out of `[variance]`: linearised variances know of it",
            );
        }
    }
    let bounded = |rules: &mut Rules<'_>, key: &str, ok: bool, what: &str, help: &str| {
        if !ok {
            rules.error(&path.key(key), what.to_string(), "out of range", help);
        }
    };
    let count = given.replicates.is_none_or(|n| n >= 2);
    let help = "a bootstrap takes 200 to 1,000 for standard errors";
    bounded(rules, "replicates", count, "a variance needs at least two replicates", help);
    let most = crate::replicate::MOST_REPLICATES as u32;
    let few = given.replicates.is_none_or(|n| n <= most);
    bounded(rules, "replicates", few, &format!("at most {most} replicates are made"), help);
    let rho = given.rho.is_none_or(|r| (0.0..1.0).contains(&r));
    let help = "0.3 and 0.5 are usual";
    bounded(rules, "rho", rho, "Fay's coefficient is at least 0 and below 1", help);
    let tau = given.tau.is_none_or(|t| t >= 1.0 && t.is_finite());
    let help = "leave it out to have the smallest found that leaves no factor below zero";
    bounded(rules, "tau", tau, "`tau` is at least 1", help);
    let target = given.target_cv.is_none_or(|t| t > 0.0 && t < 1.0);
    let help = "0.05 means that a standard error is off by 5 % from chance in the replicates";
    bounded(rules, "target-cv", target, "`target-cv` is above 0 and below 1", help);
}

/// Keys that some methods need and others have no use for.
fn of_method(study: &Study, method: Resampling, rules: &mut Rules<'_>, path: &KeyPath) {
    use Resampling::{
        Brr, DeleteAGroup, Fay, FayGeneralized, Generalized, Jk1, Jk2, Jkn, Poisson,
        RaoWuYueBeaumont, Sdr,
    };
    let given = &study.variance;
    if method == Fay && given.rho.is_none() {
        rules.error(
            &path.key("method"),
            "the method \"fay\" needs `rho`",
            "`rho` is missing",
            "add `rho = …`, such as 0.3 or 0.5; \"brr\" is the same with 0",
        );
    }
    let generalized = matches!(method, Generalized | FayGeneralized);
    let unequal = matches!(
        given.form,
        Some(VarianceForm::Poisson | VarianceForm::Deville1 | VarianceForm::Deville2)
    );
    let no_count = matches!(method, Jk1 | Jkn | Jk2);
    let no_seed = matches!(method, Jk1 | Jkn | Brr | Fay | FayGeneralized | Sdr);
    let has_probabilities =
        matches!(method, Poisson | RaoWuYueBeaumont) || (generalized && unequal);
    let meaningless = [
        ("rho", method == Fay, "goes with the method \"fay\" only"),
        ("replicates", !no_count, "is fixed by the design with this method"),
        ("seed", !no_seed, "has nothing to do: nothing is random in this method"),
        ("tau", generalized, "goes with \"generalized\" and \"fay-generalized\" only"),
        ("form", generalized, "goes with \"generalized\" and \"fay-generalized\" only"),
        ("selection", method == RaoWuYueBeaumont, "goes with \"rao-wu-yue-beaumont\" only"),
        ("probabilities", has_probabilities, "has no use with this method"),
        (
            "order-by",
            method == Sdr || generalized,
            "goes with \"sdr\" and generalised methods only",
        ),
        ("target-cv", method.is_random() || method == DeleteAGroup, "goes with random replicates"),
    ];
    for (key, has_meaning, why) in meaningless {
        if !has_meaning {
            rules.no_meaning(path, &[key], why, "take it out");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::expect;

    fn variance(keys: &str, expected: &[&str]) {
        let text = format!("[design]\nweight = \"w\"\nclusters = \"c\"\n[variance]\n{keys}\n");
        expect(&text, expected);
    }

    #[test]
    fn estimators_and_methods() {
        variance("method = \"jkn\"", &[]);
        variance("method = \"jkn\"\nestimator = \"both\"", &[]);
        variance("estimator = \"linearised\"", &[]);
        variance("estimator = \"both\"", &["says how they are made"]);
        variance("estimator = \"linearised\"\nmethod = \"jkn\"", &["does not use them"]);
        variance("seed = 3", &["goes with a `method`"]);
        let columns = "[design]\nweight = \"w\"\n[design.replicates]\ncolumns = \"r*\"\n\
                       method = \"brr\"\n[variance]\n";
        expect(&format!("{columns}method = \"jkn\"\n"), &["would make others"]);
        expect(&format!("{columns}estimator = \"both\"\n"), &["there are replicate weights only"]);
        let units = columns.replace("[design]\n", "[design]\nstrata = \"s\"\nclusters = \"c\"\n");
        for estimator in ["both", "linearised"] {
            expect(&format!("{units}estimator = \"{estimator}\"\n"), &[]);
        }
        expect(&format!("{columns}estimator = \"replicates\"\n"), &[]);
    }

    #[test]
    fn keys_of_methods() {
        variance("method = \"fay\"", &["needs `rho`"]);
        variance("method = \"fay\"\nrho = 1.5", &["below 1"]);
        variance("method = \"brr\"\nrho = 0.5", &["\"fay\" only"]);
        variance("method = \"jkn\"\nreplicates = 50", &["is fixed by the design"]);
        variance("method = \"jkn\"\nseed = 50", &["nothing is random"]);
        variance("method = \"rao-wu\"\nreplicates = 1", &["at least two"]);
        variance("method = \"rao-wu\"\nreplicates = 100000", &["at most 20000"]);
        variance("method = \"rao-wu\"\ntarget-cv = 0", &["above 0"]);
        variance("method = \"generalized\"\ntau = 0.5", &["at least 1"]);
        variance("method = \"sdr\"\norder-by = \"\"", &["is empty"]);
    }
}
