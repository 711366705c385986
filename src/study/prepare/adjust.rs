//! Weighting steps that are no calibrations: eligibility, nonresponse, trimming, scaling.

use std::sync::Arc;

use super::{Work, holds, selection, trimming};
use crate::aggregate::{XColumns, XTerm};
use crate::data::{Factor, Table};
use crate::design::UnitTree;
use crate::study::places::KeyPath;
use crate::study::spec::{Names, ScaleTarget, Step, Weighting};
use crate::weight::{
    ClassAdjustment, CollapseRules, Groups, Ledger, PropensityAdjustment, PropensityUse, Rate,
    Reason, ScaleTo, Scaling, WeightError,
};

/// Carries out a step; `None` when something is wrong, which is then in `work`.
pub(super) fn carry_out(
    work: &mut Work<'_>,
    path: &KeyPath,
    step: &Weighting,
    table: &Table,
    tree: &UnitTree,
    ledger: &mut Ledger,
) -> Option<()> {
    let outcome = match step.step {
        Step::Nonresponse => nonresponse(work, path, step, table, ledger)?,
        Step::Eligibility => eligibility(work, path, step, table, ledger)?,
        Step::Selection => selection::carry_out(work, path, step, table, ledger)?,
        Step::Trim => return trimming::carry_out(work, path, step, table, tree, ledger),
        _ => {
            let groups = groups(work, path, "within", step.within.as_ref(), table, ledger)?;
            let to = match step.to? {
                ScaleTarget::Total(total) => ScaleTo::Total(total),
                ScaleTarget::Rule(_) => ScaleTo::SampleSize,
            };
            ledger.scale(Scaling { groups, to })
        }
    };
    match outcome {
        Ok(()) => Some(()),
        Err(e) => {
            let help = match e {
                WeightError::Classes { observed, .. } => Some(no_class(observed, &rules(step))),
                ref e => help(e),
            };
            work.error(path, e, help.map(str::to_string));
            None
        }
    }
}

/// What would help where even one class of all does not keep the rules.
fn no_class(observed: u64, rules: &CollapseRules) -> &'static str {
    if observed == 0 {
        "nobody is left to take the weight of the others, and no rule for the classes changes that: \
         check the condition, and that those who fulfil it have a weight"
    } else if observed < rules.min_count {
        "lower `min-count`"
    } else {
        "raise `max-factor`"
    }
}

pub(super) fn help(error: &WeightError) -> Option<&'static str> {
    match error {
        WeightError::NoneObserved { .. } => {
            Some("set `min-count = 10`, so that such a class is joined with others")
        }
        WeightError::Missing { .. } => {
            Some("recode the missing values into a level of their own with `[[derive]]`")
        }
        WeightError::Trim(_) => {
            Some("raise the upper limit, lower the lower one, or leave `strict` out")
        }
        WeightError::Selection { .. } => {
            Some("check the counts: at least as many are eligible as were selected")
        }
        _ => None,
    }
}

fn nonresponse(
    work: &mut Work<'_>,
    path: &KeyPath,
    step: &Weighting,
    table: &Table,
    ledger: &mut Ledger,
) -> Option<Result<(), WeightError>> {
    let weighted = ledger.weights().clone();
    let has_weight = |row: usize| weighted[row] != 0.0;
    let eligible = condition(work, path, "eligible", step.eligible.as_ref(), table, &has_weight)?;
    let concerned = |row: usize| has_weight(row) && eligible[row];
    let responded = condition(work, path, "responded", step.responded.as_ref(), table, &concerned)?;
    outside(work, path, &eligible, &responded);
    let rate = if step.unweighted { Rate::Unweighted } else { Rate::Weighted };
    let Some(model) = &step.model else {
        let groups = inside_groups(work, path, step.classes.as_ref(), table, ledger, &eligible)?;
        let by = step.classes.as_ref().map_or_else(String::new, |n| n.list().join(" × "));
        let adjustment = ClassAdjustment::new(
            Reason::Nonresponse,
            ledger.weights(),
            &groups,
            &by,
            eligible,
            responded,
            None,
            rate,
            &rules(step),
        );
        return Some(adjustment.and_then(|a| ledger.adjust_in_classes(a)));
    };
    Some(ledger.adjust_by_propensity(PropensityAdjustment {
        x: model_columns(model, table)?,
        names: model.list().iter().map(ToString::to_string).collect(),
        eligible,
        responded,
        rate,
        using: match (step.propensity_classes, &step.cuts) {
            (Some(k), _) => PropensityUse::Quantiles(k),
            (None, Some(cuts)) => PropensityUse::Cuts(cuts.clone()),
            (None, None) => PropensityUse::Direct,
        },
        rules: rules(step),
    }))
}

fn eligibility(
    work: &mut Work<'_>,
    path: &KeyPath,
    step: &Weighting,
    table: &Table,
    ledger: &mut Ledger,
) -> Option<Result<(), WeightError>> {
    let weighted = ledger.weights().clone();
    let has_weight = |row: usize| weighted[row] != 0.0;
    let known = condition(work, path, "known", step.known.as_ref(), table, &has_weight)?;
    let concerned = |row: usize| has_weight(row) && known[row];
    let kept = match &step.eligible {
        None => None,
        Some(text) => Some(condition(work, path, "eligible", Some(text), table, &concerned)?),
    };
    let everybody = Arc::new(vec![true; table.rows()]);
    let groups = groups(work, path, "classes", step.classes.as_ref(), table, ledger)?;
    let by = step.classes.as_ref().map_or_else(String::new, |n| n.list().join(" × "));
    let rate = if step.unweighted { Rate::Unweighted } else { Rate::Weighted };
    let adjustment = ClassAdjustment::new(
        Reason::UnknownEligibility,
        ledger.weights(),
        &groups,
        &by,
        everybody,
        known,
        kept,
        rate,
        &rules(step),
    );
    Some(adjustment.and_then(|a| ledger.adjust_in_classes(a)))
}

fn rules(step: &Weighting) -> CollapseRules {
    let usual = CollapseRules::default();
    CollapseRules {
        min_count: step.min_count.unwrap_or(usual.min_count).max(1),
        max_factor: step.max_factor.unwrap_or(usual.max_factor),
    }
}

/// Rows for which an expression holds; all of them without one. Rows for which it can't be told are taken as
/// outside, and those of them that are concerned (others have no weight, or are not eligible) are counted in
/// a warning.
fn condition(
    work: &mut Work<'_>,
    path: &KeyPath,
    key: &str,
    text: Option<&String>,
    table: &Table,
    concerned: &dyn Fn(usize) -> bool,
) -> Option<Arc<Vec<bool>>> {
    let Some(text) = text else { return Some(Arc::new(vec![true; table.rows()])) };
    let at = path.key(key);
    match holds(text, table) {
        Err(errors) => {
            errors.iter().for_each(|e| work.expression(&at, e));
            None
        }
        Ok((rows, unknown, warnings)) => {
            warnings.iter().for_each(|e| work.expression(&at, e));
            let unknown = unknown.into_iter().filter(|&row| concerned(row)).count();
            if unknown > 0 {
                let message = format!(
                    "`{text}` can't be told in {unknown} row{}, for lack of a value; taken as not",
                    if unknown == 1 { "" } else { "s" }
                );
                work.warn(&at, message, None);
            }
            Some(Arc::new(rows))
        }
    }
}

/// Rows that responded without being eligible keep their weight: that is worth a word.
fn outside(work: &mut Work<'_>, path: &KeyPath, eligible: &[bool], responded: &[bool]) {
    let count = eligible.iter().zip(responded).filter(|(e, r)| **r && !**e).count();
    if count > 0 {
        let message = format!(
            "{count} row{} responded without being eligible; their weight is left as it is",
            if count == 1 { "" } else { "s" }
        );
        work.warn(&path.key("eligible"), message, None);
    }
}

pub(super) fn groups(
    work: &mut Work<'_>,
    path: &KeyPath,
    key: &str,
    names: Option<&Names>,
    table: &Table,
    ledger: &Ledger,
) -> Option<Groups> {
    let weights = ledger.weights().clone();
    crossed(work, &path.key(key), names, table, |row| weights[row] != 0.0)
}

fn inside_groups(
    work: &mut Work<'_>,
    path: &KeyPath,
    names: Option<&Names>,
    table: &Table,
    ledger: &Ledger,
    eligible: &[bool],
) -> Option<Groups> {
    let weights = ledger.weights().clone();
    crossed(work, &path.key("classes"), names, table, |r| weights[r] != 0.0 && eligible[r])
}

pub(super) fn crossed(
    work: &mut Work<'_>,
    path: &KeyPath,
    names: Option<&Names>,
    table: &Table,
    inside: impl Fn(usize) -> bool,
) -> Option<Groups> {
    let Some(names) = names else { return Some(Groups::everyone(table.rows())) };
    let factors: Vec<(&str, Factor)> = names
        .list()
        .into_iter()
        .map(|name| Some((name, table.column(name)?.as_factor())))
        .collect::<Option<_>>()?;
    let factors: Vec<(&str, &Factor)> = factors.iter().map(|(name, f)| (*name, f)).collect();
    match Groups::cross(&factors, inside, table.rows()) {
        Ok(groups) => Some(groups),
        Err(e) => {
            let help = help(&e);
            work.error(path, e, help.map(str::to_string));
            None
        }
    }
}

/// The columns of a response model: an intercept, the levels of text and labelled variables, and
/// other variables as numbers.
fn model_columns(names: &Names, table: &Table) -> Option<XColumns> {
    let mut terms = vec![XTerm { codes: None, values: None, width: 1 }];
    for name in names.list() {
        let column = table.column(name)?;
        match column.as_numbers().filter(|_| column.value_labels.is_empty()) {
            Some(numbers) => {
                let values = Some(Arc::new(numbers.clone()));
                terms.push(XTerm { codes: None, values, width: 1 });
            }
            None => {
                let factor = column.as_factor();
                let width = factor.levels.len();
                terms.push(XTerm { codes: Some(Arc::new(factor.codes)), values: None, width });
            }
        }
    }
    Some(XColumns { terms })
}
