//! Rules for a reference sample and what is made with it.

use crate::study::places::KeyPath;
use crate::study::spec::{Estimator, ModelBased, Step, Study, Weighting};

use super::Rules;

pub(super) fn check(study: &Study, rules: &mut Rules<'_>, root: &KeyPath) {
    let path = root.key("reference");
    let participation = study.weighting.iter().any(|w| w.step == Step::Participation);
    let model_based = study.estimate.iter().any(|e| e.model_based.is_some());
    if let Some(reference) = &study.reference {
        rules.file_path(&path.key("file"), Some(&reference.file));
        for (key, name) in [
            ("weight", &reference.weight),
            ("strata", &reference.strata),
            ("clusters", &reference.clusters),
        ] {
            rules.filled(&path.key(key), name.as_deref());
        }
        if reference.population.is_some_and(|n| !(n > 0.0 && n.is_finite())) {
            let message = "a population size is positive";
            rules.error(&path.key("population"), message, "not positive", "such as 60e6");
        }
        if !participation && !model_based {
            rules.warning(
                &path,
                "nothing is made with the reference sample",
                "not used",
                "add `[[weighting]]` with `step = \"participation\"`, or `model-based` to an estimate",
            );
        }
        let variance = &study.variance;
        let wanted = variance.method.is_some()
            || variance.estimator.is_some_and(|e| e != Estimator::Linearised);
        if wanted && (participation || model_based) {
            rules.error(
                &root.key("variance"),
                "the variance of data that were not drawn is linearised",
                "asks for replicates",
                "take it out: replicates of the data would leave out the error of the reference sample",
            );
        }
        if study.design.replicates.is_some() && participation {
            rules.error(
                &root.key("design").key("replicates"),
                "a sample that was not drawn has no replicate weights",
                "with a participation model",
                "take them out: the variance is linearised",
            );
        }
    }
    for (i, estimate) in study.estimate.iter().enumerate() {
        let at = root.key("estimate").index(i);
        let Some(kind) = estimate.model_based else {
            let why = "goes with `model-based`";
            rules.no_meaning(&at, &["outcome-model"], why, "take it out");
            continue;
        };
        let key = at.key("model-based");
        rules.names(&at.key("outcome-model"), estimate.outcome_model.as_ref());
        if study.reference.is_none() {
            rules.error(&key, "there is no reference sample", "needs one", NEEDS_REFERENCE);
        }
        if estimate.mean.is_none() && estimate.proportion.is_none() {
            let help = "write `mean` or `proportion`, or take `model-based` out";
            rules.error(&key, "means and proportions can rest on a model", "not this", help);
        }
        if estimate.standardize.is_some() {
            let help = "take one of the two out";
            rules.error(&key, "such an estimate is not standardised", "with `standardize`", help);
        }
        if kind == ModelBased::DoublyRobust && !participation {
            let help =
                "add `[[weighting]]` with `step = \"participation\"`, or write `mass-imputation`";
            rules.error(&key, "there is no model of participation", "needs both models", help);
        }
        if estimate.outcome_model.is_none() && !participation {
            let help = "add `outcome-model` with the variables that predict the outcome";
            rules.error(&key, "there is no model of the outcome", "no `outcome-model`", help);
        }
        let compared =
            study.compare.iter().position(|c| Some(&c.estimate) == estimate.name.as_ref());
        if let Some(j) = compared {
            let at = root.key("compare").index(j).key("estimate");
            let help = "compare an estimate that is weighted";
            let message = "estimates that rest on a model of the outcome can't be compared";
            rules.error(&at, message, "is `model-based`", help);
        }
    }
}

/// Rules of the step, of which `first` says whether it is the first.
pub(super) fn step(step: &Weighting, first: bool, rules: &mut Rules<'_>, path: &KeyPath) {
    if step.model.is_none() && rules.sound(path) {
        let help = "add `model` with variables that both samples have";
        rules.error(path, "what participation depends on is not said", "no `model`", help);
    }
    if !first && rules.sound(path) {
        let help = "move it to the front: calibration, trimming and scaling come after it";
        rules.error(
            &path.key("step"),
            "participation is modelled before every other step",
            "not the first step",
            help,
        );
    }
}

/// What to do without a reference sample.
pub(super) const NEEDS_REFERENCE: &str = "add `[reference]` with the `file` and the `weight` of a probability sample of the same population";

#[cfg(test)]
mod tests {
    use super::super::tests::expect;

    const REFERENCE: &str = "[reference]\nfile = \"r.csv\"\nweight = \"w\"\n";
    const STEP: &str = "[[weighting]]\nstep = \"participation\"\nmodel = [\"age\"]\n";

    #[test]
    fn participation_needs_a_reference_and_a_model() {
        expect(&format!("{REFERENCE}{STEP}"), &[]);
        expect(STEP, &["there is no reference sample"]);
        expect(
            &format!("{REFERENCE}[[weighting]]\nstep = \"participation\"\n"),
            &["what participation depends on"],
        );
        expect(REFERENCE, &["nothing is made with the reference"]);
        expect(
            &format!("{REFERENCE}[[weighting]]\nstep = \"scale\"\nto = 5\n{STEP}"),
            &["before every other step"],
        );
        expect(&format!("{REFERENCE}{STEP}[variance]\nmethod = \"jk1\"\n"), &["is linearised"]);
        expect(&format!("{REFERENCE}population = 0\n{STEP}"), &["population size is positive"]);
    }

    #[test]
    fn estimates_that_rest_on_a_model() {
        let estimate = |keys: &str| format!("[[estimate]]\n{keys}\n");
        let mass =
            estimate("mean = \"y\"\nmodel-based = \"mass-imputation\"\noutcome-model = \"age\"");
        expect(&format!("{REFERENCE}{mass}"), &[]);
        expect(&mass, &["there is no reference sample"]);
        let robust = estimate("mean = \"y\"\nmodel-based = \"doubly-robust\"");
        expect(&format!("{REFERENCE}{STEP}{robust}"), &[]);
        expect(
            &format!("{REFERENCE}{robust}"),
            &["no model of participation", "no model of the outcome"],
        );
        let total = estimate("total = \"y\"\nmodel-based = \"doubly-robust\"");
        expect(&format!("{REFERENCE}{STEP}{total}"), &["means and proportions"]);
        expect(&estimate("mean = \"y\"\noutcome-model = \"age\""), &["goes with `model-based`"]);
    }
}
