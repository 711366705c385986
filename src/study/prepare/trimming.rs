//! Trimming as written, and what it trades.

use super::adjust::{groups, help};
use super::{Work, followed};
use crate::data::{Numbers, Table};
use crate::design::UnitTree;
use crate::study::not_numeric::not_numeric;
use crate::study::places::KeyPath;
use crate::study::spec::{
    KeepMargins as Keep, Limit as GivenLimit, Names, Redistribute, Weighting,
};
use crate::weight::{
    Groups, KeepMargins, Ledger, Limit, Redistribution, StepDetail, Trimming, mse_limits, traded,
};

pub(super) fn carry_out(
    work: &mut Work<'_>,
    path: &KeyPath,
    step: &Weighting,
    table: &Table,
    tree: &UnitTree,
    ledger: &mut Ledger,
) -> Option<()> {
    let groups = groups(work, path, "within", step.within.as_ref(), table, ledger)?;
    let redistribution = match step.redistribute {
        Some(Redistribute::None) => Redistribution::None,
        Some(Redistribute::Equal) => Redistribution::Equal,
        Some(Redistribute::Proportional) | None => Redistribution::Proportional,
    };
    let mut chosen = None;
    let mut limit = |work: &mut Work<'_>, key: &str, given: &Option<GivenLimit>| {
        let Some(given) = given else { return Some(None) };
        if let GivenLimit::From(rule) = given
            && let Some(names) = &rule.mse
        {
            let at = path.key(key).key("mse");
            let (limit, detail) =
                by_mse(work, &at, names, table, tree, ledger, &groups, redistribution)?;
            chosen = Some(detail);
            return Some(Some(limit));
        }
        Some(fixed(given))
    };
    let lower = limit(work, "lower", &step.lower)?;
    let upper = limit(work, "upper", &step.upper)?;
    let trimming = Trimming { groups, lower, upper, redistribution, strict: step.strict };
    let before = ledger.weights().clone();
    let outcome = match step.keep_margins {
        None => ledger.trim(trimming),
        Some(Keep::Exact) => ledger.trim_keeping(trimming, KeepMargins::Exact),
        Some(Keep::Alternate) => ledger.trim_keeping(trimming, KeepMargins::Alternate),
    };
    if let Err(e) = outcome {
        let help = match step.keep_margins {
            Some(_) => Some("widen the limits, or leave `keep-margins` out"),
            None => help(&e),
        };
        work.error(path, e, help.map(str::to_string));
        return None;
    }
    if let Some(detail) = chosen {
        ledger.annotate(detail);
    }
    let followed = followed::variables(work, path, step, table)?;
    if !followed.is_empty() {
        match traded(tree, &before, ledger.weights(), &followed) {
            Ok(lines) => ledger.trade(lines),
            Err(e) => {
                work.error(path, e, None);
                return None;
            }
        }
    }
    Some(())
}

fn fixed(given: &GivenLimit) -> Option<Limit> {
    Some(match given {
        GivenLimit::Value(x) => Limit::Value(*x),
        GivenLimit::From(rule) => {
            let one = [
                rule.median_ratio.map(Limit::MedianRatio),
                rule.mean_ratio.map(Limit::MeanRatio),
                rule.percentile.map(Limit::Percentile),
                rule.tukey.map(Limit::Tukey),
                rule.median_iqr.map(Limit::MedianIqr),
            ];
            one.into_iter().flatten().next()?
        }
    })
}

#[allow(clippy::too_many_arguments)]
fn by_mse(
    work: &mut Work<'_>,
    path: &KeyPath,
    names: &Names,
    table: &Table,
    tree: &UnitTree,
    ledger: &Ledger,
    groups: &Groups,
    redistribution: Redistribution,
) -> Option<(Limit, StepDetail)> {
    let mut outcomes: Vec<(String, Numbers)> = Vec::new();
    for name in names.list() {
        let column = table.column(name)?;
        let Some(numbers) = column.as_numbers() else {
            let (message, help) = not_numeric(column, "for the rule of the mean squared error");
            work.error(path, message, Some(help.to_string()));
            return None;
        };
        outcomes.push((name.to_string(), numbers.clone()));
    }
    match mse_limits(tree, ledger.weights(), groups, &outcomes, redistribution) {
        Ok(found) => Some(found),
        Err(e) => {
            work.error(path, e, None);
            None
        }
    }
}
