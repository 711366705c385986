//! Rules for the analysis design.

use crate::design::{LonelyPsu, Method};
use crate::replicate::ReplicateMethod;
use crate::study::places::KeyPath;
use crate::study::spec::{Estimator, Names, Replicates, Study};

use super::Rules;

pub(super) fn check(study: &Study, rules: &mut Rules<'_>, path: &KeyPath) {
    let design = &study.design;
    rules.names(&path.key("strata"), design.strata.as_ref());
    rules.names(&path.key("clusters"), design.clusters.as_ref());
    rules.names(&path.key("probabilities"), design.probabilities.as_ref());
    rules.names(&path.key("fpc"), design.fpc.as_ref());
    rules.filled(&path.key("weight"), design.weight.as_deref());
    if design.weight.is_some() && design.probabilities.is_some() {
        rules.error_at_key(
            &path.key("probabilities"),
            "the design has both `weight` and `probabilities`".to_string(),
            "in place of `weight`",
            "keep one of the two: a weight is 1 divided by the product of the probabilities",
        );
    }
    let weighted = design.weight.is_some() || design.probabilities.is_some();
    if let Some(replicates) = &design.replicates {
        let estimator = study.variance.estimator;
        replicate_weights(replicates, weighted, estimator, rules, path);
        if matches!(estimator, Some(Estimator::Both | Estimator::Linearised)) {
            stages(study, rules, path);
        }
    } else {
        stages(study, rules, path);
        if !weighted && design.fpc.is_none() && rules.sound(path) {
            rules.warning(
                path,
                "the design has neither `weight` nor `probabilities`: every row gets the weight 1",
                "no weight",
                "add `weight = \"…\"` with the name of the design weight, if there is one",
            );
        }
    }
    samples(study, rules, path);
    selection(study, rules, path);
    if design.df.is_some_and(|df| df <= 0.0) {
        rules.error(
            &path.key("df"),
            "degrees of freedom are a positive number",
            "not positive",
            "leave `df` out to have them counted: PSUs minus strata",
        );
    }
}

/// The samples, and which of them share PSUs.
fn samples(study: &Study, rules: &mut Rules<'_>, path: &KeyPath) {
    let design = &study.design;
    rules.filled(&path.key("samples"), design.samples.as_deref());
    let list = path.key("shared-psus");
    if design.samples.is_none() {
        rules.no_meaning(
            path,
            &["shared-psus"],
            "is about samples that are not said",
            "add `samples = \"…\"`, the variable that says which sample drew a row",
        );
        return;
    }
    let mut seen: Vec<&str> = Vec::new();
    for (i, names) in design.shared_psus.iter().enumerate() {
        let at = list.index(i);
        if names.len() < 2 {
            rules.error(
                &at,
                "PSUs are shared by two samples or more",
                "one sample",
                "name the samples that were drawn in the same PSUs: `[[\"general\", \"boost\"]]`",
            );
        }
        for (j, name) in names.iter().enumerate() {
            if seen.contains(&name.as_str()) {
                rules.error(
                    &at.index(j),
                    format!("the sample `{name}` is named twice"),
                    "here again",
                    "name each sample once: all that share PSUs with one another in one list",
                );
            }
            seen.push(name);
        }
    }
    if design.clusters.is_none() && !design.shared_psus.is_empty() && rules.sound(&list) {
        rules.error(
            &list,
            "samples share PSUs, but the design has no `clusters`",
            "every row is a PSU of its own",
            "add `clusters = \"…\"`, the variable of PSUs",
        );
    }
}

/// The variance estimator and what goes with it.
fn selection(study: &Study, rules: &mut Rules<'_>, path: &KeyPath) {
    let design = &study.design;
    let method = design.method.unwrap_or_default();
    rules.names(&path.key("balance"), design.balance.as_ref());
    rules.file_path(&path.key("joint-probabilities"), design.joint_probabilities.as_deref());
    for (key, name) in [
        ("order", &design.order),
        ("certainty", &design.certainty),
        ("crossed", &design.crossed),
        ("collapse-by", &design.collapse_by),
        ("psus-drawn", &design.psus_drawn),
    ] {
        rules.filled(&path.key(key), name.as_deref());
    }
    let here = rules.sound(&path.key("method"));
    if here
        && method.needs_probabilities()
        && design.fpc.is_none()
        && design.probabilities.is_none()
    {
        rules.error(
            &path.key("method"),
            format!("the method {:?} needs the inclusion probabilities of the PSUs", method.name()),
            "no probabilities",
            "give them as `fpc` (first stage) or as `probabilities`",
        );
    }
    if here && method == Method::Joint && design.joint_probabilities.is_none() {
        rules.error(
            &path.key("method"),
            "the method \"joint\" needs a matrix of joint probabilities",
            "`joint-probabilities` is missing",
            "add `joint-probabilities = \"file.csv\"`; \"brewer\" or \"hajek\" need none",
        );
    }
    if here && method == Method::WithReplacement && design.fpc.is_some() {
        rules.error_at_key(
            &path.key("fpc"),
            "a sample with replacement has no population sizes".to_string(),
            "has no meaning here",
            "take it out, or choose another `method`",
        );
    }
    let two_forms = matches!(method, Method::HartleyRao | Method::Overton | Method::Joint);
    for (key, is_at_home, whose) in [
        ("pairs", two_forms, "hartley-rao, overton and joint"),
        ("joint-probabilities", method == Method::Joint, "joint"),
        ("balance", method == Method::DevilleTille, "deville-tille"),
        ("order", matches!(method, Method::Sd1 | Method::Sd2), "sd1 and sd2"),
    ] {
        if here && !is_at_home {
            let help = format!("take it out, or choose a method it is for: {whose}");
            rules.no_meaning(path, &[key], "does nothing with this `method`", &help);
        }
    }
    if design.clusters.is_none() && design.psus_drawn.is_some() && rules.sound(path) {
        rules.error(
            &path.key("psus-drawn"),
            "PSUs without rows are known where the design has `clusters`",
            "every row is a PSU of its own",
            "add `clusters = \"…\"`, the variable of PSUs",
        );
    }
    if design.lonely_psu != Some(LonelyPsu::Collapse) {
        rules.no_meaning(
            path,
            &["collapse-by"],
            "is for `lonely-psu = \"collapse\"`",
            "take it out, or set that",
        );
    }
    let Some(phase) = &design.phase2 else { return };
    let at = path.key("phase2");
    rules.filled(&at.key("selected"), Some(&phase.selected));
    for (key, name) in [
        ("strata", &phase.strata),
        ("clusters", &phase.clusters),
        ("probability", &phase.probability),
    ] {
        rules.filled(&at.key(key), name.as_deref());
    }
    let plain = matches!(method, Method::Simple | Method::WithReplacement | Method::Poisson);
    if here && !plain {
        rules.error(
            &path.key("method"),
            format!(
                "a second phase needs a first one of simple random or Poisson samples, not {:?}",
                method.name()
            ),
            "beside `phase2`",
            "set `method` to \"simple\" or \"poisson\"",
        );
    }
}

/// No more variables than stages.
fn stages(study: &Study, rules: &mut Rules<'_>, path: &KeyPath) {
    let design = &study.design;
    let count = |names: &Option<Names>| names.as_ref().map_or(0, |n| n.list().len());
    let clusters = count(&design.clusters).max(1);
    for (key, found) in [("strata", count(&design.strata)), ("fpc", count(&design.fpc))] {
        if found > clusters && rules.sound(&path.key("clusters")) {
            let stages =
                if clusters == 1 { "1 stage".into() } else { format!("{clusters} stages") };
            let help = if key == "strata" {
                "name one variable per stage; to cross two variables into strata, make one with \
                 `[[derive]]`"
            } else {
                "name one variable per stage"
            };
            rules.error(
                &path.key(key),
                format!("`{key}` names {found} variables, but the design has {stages}"),
                "one variable per stage",
                help,
            );
        }
    }
}

fn replicate_weights(
    replicates: &Replicates,
    weighted: bool,
    estimator: Option<Estimator>,
    rules: &mut Rules<'_>,
    design: &KeyPath,
) {
    // With linearised variances too, they are for these.
    let both = matches!(estimator, Some(Estimator::Both | Estimator::Linearised));
    for key in ["strata", "clusters", "samples", "fpc", "method", "certainty", "crossed", "phase2"]
    {
        let path = design.key(key);
        if rules.has(&path) && !both {
            rules.error_at_key(
                &path,
                format!("the design has both `replicates` and `{key}`"),
                "in place of replicate weights",
                "keep one: replicate weights hold the strata and clusters in themselves; or write \
                 `estimator = \"both\"` under `[variance]` to have linearised variances beside",
            );
        }
    }
    for key in ["nested", "lonely-psu", "lonely-in-domain"] {
        let path = design.key(key);
        if rules.has(&path) && !both {
            rules.warning(
                &path,
                format!("`{key}` does nothing with replicate weights"),
                "is for strata and clusters",
                "take it out",
            );
        }
    }
    let path = design.key("replicates");
    if !weighted && rules.sound(design) {
        rules.error(
            &path,
            "replicate weights come with a weight of the full sample",
            "`weight` is missing",
            "add `weight = \"…\"` to `[design]`: the estimates are made with it",
        );
    }
    rules.names(&path.key("columns"), Some(&replicates.columns));
    method(replicates, rules, &path);
    if let Some(scale) = replicates.scale.filter(|s| *s <= 0.0) {
        rules.error(
            &path.key("scale"),
            format!("a scale is positive, it cannot be {scale}"),
            "not positive",
            "the documentation of the data gives it; 1 if there is none",
        );
    }
    scales(replicates, rules, &path);
}

fn method(replicates: &Replicates, rules: &mut Rules<'_>, path: &KeyPath) {
    let method = replicates.method;
    let needs = |rules: &mut Rules<'_>, given: bool, name: &str, key: &str, help: &str| {
        if !given && rules.sound(&path.key(key)) {
            let message = format!("the method {name:?} needs `{key}`");
            rules.error(&path.key("method"), message, &format!("`{key}` is missing"), help);
        }
    };
    match method {
        ReplicateMethod::Fay => {
            let help = "add `rho = …`, Fay's coefficient from the documentation of the data, such \
                        as 0.3 or 0.5";
            needs(rules, replicates.rho.is_some(), "fay", "rho", help);
        }
        ReplicateMethod::Jkn => {
            let help = "add `rscales = […]`, one per replicate: (n − 1)/n of its stratum's PSUs";
            needs(rules, replicates.rscales.is_some(), "jkn", "rscales", help);
        }
        ReplicateMethod::Other => {
            let help = "add it from the documentation of the data: the variance is scale × Σ \
                        rscales × (deviation)²";
            needs(rules, replicates.scale.is_some(), "other", "scale", help);
            needs(rules, replicates.rscales.is_some(), "other", "rscales", help);
        }
        _ => {}
    }
    match replicates.rho {
        Some(_) if method != ReplicateMethod::Fay => rules.no_meaning(
            path,
            &["rho"],
            "goes with the method \"fay\" only",
            "take it out, or write `method = \"fay\"`",
        ),
        Some(rho) if !(0.0..1.0).contains(&rho) => rules.error(
            &path.key("rho"),
            format!("Fay's coefficient is at least 0 and below 1, it cannot be {rho}"),
            "not from 0 to below 1",
            "the documentation of the data gives it, often 0.3 or 0.5",
        ),
        _ => {}
    }
}

fn scales(replicates: &Replicates, rules: &mut Rules<'_>, path: &KeyPath) {
    let Some(rscales) = &replicates.rscales else { return };
    let list = path.key("rscales");
    for (i, scale) in rscales.iter().enumerate().filter(|(_, s)| **s < 0.0) {
        rules.error(
            &list.index(i),
            format!("the scale of a replicate cannot be negative, as {scale} is"),
            "negative",
            "write a number of at least 0",
        );
    }
    // A pattern says later how many columns it stands for.
    let columns = replicates.columns.list();
    if columns.iter().all(|c| !c.contains('*')) && columns.len() != rscales.len() {
        rules.error(
            &list,
            format!("{} columns have {} scales", columns.len(), rscales.len()),
            "one scale per column",
            "give one scale for each column, in the same order",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::expect;

    fn design(keys: &str, expected: &[&str]) {
        expect(&format!("[design]\n{keys}\n"), expected);
    }

    #[test]
    fn one_weight() {
        design("weight = \"w\"\nprobabilities = \"p\"", &["both `weight` and `probabilities`"]);
        design("strata = \"s\"", &["every row gets the weight 1"]);
        design("weight = \"w\"\nsamples = \"o\"", &[]);
        let shared = "weight = \"w\"\nclusters = \"c\"\nshared-psus = [[\"g\", \"b\"]]";
        design(shared, &["samples that are not said"]);
        design(&format!("{shared}\nsamples = \"o\""), &[]);
        let samples = "weight = \"w\"\nsamples = \"o\"\nshared-psus";
        design(&format!("{samples} = [[\"g\", \"b\"]]"), &["no `clusters`"]);
        let clusters = format!("clusters = \"c\"\n{samples}");
        design(&format!("{clusters} = [[\"g\"]]"), &["two samples or more"]);
        design(&format!("{clusters} = [[\"g\", \"b\"], [\"b\", \"c\"]]"), &["named twice"]);
        design("fpc = \"n\"", &[]);
        design("weight = \"w\"\ndf = 0", &["a positive number"]);
        design("weight = \"\"", &["`weight` is empty"]);
        design("weight = \"w\"\nclusters = []", &["an empty list"]);
        design("weight = \"w\"\nclusters = [\"a\", \"a\"]", &["names `a` twice"]);
    }

    #[test]
    fn one_variable_per_stage() {
        design("weight = \"w\"\nclusters = [\"a\", \"b\"]\nstrata = [\"s\", \"t\"]", &[]);
        design("weight = \"w\"\nclusters = \"a\"\nstrata = [\"s\", \"t\"]", &["has 1 stage"]);
        design("weight = \"w\"\nfpc = [\"s\", \"t\"]", &["`fpc` names 2 variables"]);
    }

    #[test]
    fn replicates_stand_alone() {
        let with = |design_keys: &str, keys: &str, expected: &[&str]| {
            let replicates = "[design.replicates]\ncolumns = \"r*\"\n";
            design(&format!("{design_keys}\n{replicates}{keys}"), expected);
        };
        with("weight = \"w\"", "method = \"brr\"", &[]);
        with("", "method = \"brr\"", &["weight of the full sample"]);
        with("weight = \"w\"\nstrata = \"s\"", "method = \"brr\"", &["`replicates` and `strata`"]);
        with("weight = \"w\"\nnested = true", "method = \"brr\"", &["does nothing"]);
        with("weight = \"w\"", "method = \"fay\"", &["\"fay\" needs `rho`"]);
        with("weight = \"w\"", "method = \"fay\"\nrho = 1", &["it cannot be 1"]);
        with("weight = \"w\"", "method = \"fay\"\nrho = 0.5", &[]);
        with("weight = \"w\"", "method = \"brr\"\nrho = 0.5", &["\"fay\" only"]);
        with("weight = \"w\"", "method = \"jkn\"", &["\"jkn\" needs `rscales`"]);
        with("weight = \"w\"", "method = \"other\"", &["needs `scale`", "needs `rscales`"]);
        with("weight = \"w\"", "method = \"sdr\"\nscale = 0", &["a scale is positive"]);
        with("weight = \"w\"", "method = \"jkn\"\nrscales = [1, -1]", &["negative"]);
    }

    #[test]
    fn one_scale_per_column() {
        let keys = |columns: &str| {
            format!(
                "weight = \"w\"\n[design.replicates]\ncolumns = {columns}\nmethod = \"jkn\"\n\
                 rscales = [0.5, 0.5]"
            )
        };
        design(&keys("[\"a\", \"b\"]"), &[]);
        design(&keys("[\"a\", \"b\", \"c\"]"), &["3 columns have 2 scales"]);
    }
}
