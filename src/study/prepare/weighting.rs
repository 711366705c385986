//! The weighting steps of a study.

use super::Work;
use super::design::Built;
use super::diagnose;
use super::first_phase::to_first_phase;
use super::reference::{ReferenceSample, participate};
use super::{adjust, calibrate, combine};
use crate::data::Table;
use crate::estimate::Analysis;
use crate::replicate::ReplicateError;
use crate::study::limits;
use crate::study::places::KeyPath;
use crate::study::spec::{Estimator, Step};
use crate::weight::Ledger;

/// Carries out the steps.
pub(super) fn weigh(
    work: &mut Work<'_>,
    table: &Table,
    built: Built,
    mut reference: Option<&mut ReferenceSample>,
) -> Option<Analysis> {
    let base = match (&work.study.design.weight, &work.study.design.probabilities) {
        (Some(name), _) => format!("design weight `{name}`"),
        (None, Some(names)) => format!("1 / product of {}", names.list().join(", ")),
        (None, None) if work.study.design.fpc.is_some() => {
            "population size / sample size in each stratum".to_string()
        }
        (None, None) => "weight 1 for every row".to_string(),
    };
    let mut ledger = Ledger::new(built.design.weights.clone(), &base);
    let design = KeyPath::root().key("design");
    let key = if work.study.design.weight.is_some() { "weight" } else { "probabilities" };
    bounded(work, &design.key(key), &ledger)?;
    for (i, step) in work.study.weighting.iter().enumerate() {
        let path = KeyPath::root().key("weighting").index(i);
        match (&step.samples, step.step) {
            (Some(samples), _) => {
                combine::carry_out(work, &path, samples, table, &built.design.tree, &mut ledger)?;
            }
            (None, _) if step.first_phase.is_some() => {
                to_first_phase(work, &path, step, table, &built, &mut ledger)?;
            }
            (None, Step::Participation) => {
                let reference = reference.as_deref_mut();
                if let Err(e) = participate(work, &path, table, &mut ledger, reference)? {
                    let help =
                        "join levels with `[[derive]]`, or choose other variables for `model`";
                    work.error(&path, e, Some(help.to_string()));
                    return None;
                }
            }
            (None, Step::PostStratify | Step::Rake | Step::Calibrate) => {
                calibrate::carry_out(work, &path, step, table, &built.design, &mut ledger)?;
            }
            (None, _) => {
                adjust::carry_out(work, &path, step, table, &built.design.tree, &mut ledger)?;
            }
        }
        bounded(work, &path, &ledger)?;
        negative(work, &path, &ledger);
    }
    diagnose::groups_and_cases(work, table, &mut ledger);
    // Replicate weights of the data, beside strata and clusters that are asked for.
    let unused = work.study.variance.estimator == Some(Estimator::Linearised);
    let Some(replicates) = built.replicates.filter(|_| !unused) else {
        return Some(Analysis::new(built.design, ledger));
    };
    match replicates.reweighted(&built.design.tree, &ledger) {
        Ok(replicates) if work.study.variance.estimator == Some(Estimator::Both) => {
            Some(Analysis::with_both(built.design, ledger, replicates))
        }
        Ok(replicates) => Some(Analysis::with_replicates(built.design, ledger, replicates)),
        Err(e) => {
            let help = "a replicate leaves a cell of a margin empty: join levels of the margin, or \
                        take a method that leaves every PSU some weight, such as \"fay\"";
            let help = match &e {
                ReplicateError::TooLarge { .. } => {
                    "take fewer replicates, or steps on categories only"
                }
                _ => help,
            };
            work.error(&KeyPath::root().key("weighting"), e, Some(help.to_string()));
            None
        }
    }
}

/// Says when a step made weights negative: linear calibration can.
fn negative(work: &mut Work<'_>, path: &KeyPath, ledger: &Ledger) {
    let count = |weights: &[f64]| weights.iter().filter(|w| **w < 0.0).count();
    let [.., before, after] = ledger.steps() else { return };
    let negative = count(&after.weights);
    if negative > count(&before.weights) {
        let message =
            format!("the step makes {negative} of {} weights negative", after.summary.weights.n);
        let help = "set `bounds = [0, …]`, or `distance = \"raking\"` or \"logit\", which keep weights \
                    above zero; or join levels of the margins";
        work.warn(path, message, Some(help.to_string()));
    }
}

/// Refuses weights that cannot be computed with.
fn bounded(work: &mut Work<'_>, path: &KeyPath, ledger: &Ledger) -> Option<()> {
    let (message, help) = match limits::weights(ledger.weights()) {
        Ok(()) => return Some(()),
        Err(found) => found,
    };
    work.error(path, message, Some(help));
    None
}
