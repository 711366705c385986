//! The step that combines the samples of a study.

use std::sync::Arc;

use super::{Work, holds};
use crate::data::{Codes, Factor, Numbers, Table};
use crate::design::UnitTree;
use crate::diagnostic::nearest;
use crate::study::not_numeric::not_numeric;
use crate::study::pairs::Pairs;
use crate::study::places::KeyPath;
use crate::study::spec::{CombineBy, GivenShares, Samples, ShareRule};
use crate::weight::{
    Combination, CombineError, CombineMethod, Frames, Ledger, Shares, Start, WeightError,
};

/// What stands for a frame that holds every row.
pub(super) const EVERY_ROW: &str = "*";

/// Carries out the step; `None` when something is wrong, which is then in `work`.
pub(super) fn carry_out(
    work: &mut Work<'_>,
    path: &KeyPath,
    given: &Samples,
    table: &Table,
    tree: &UnitTree,
    ledger: &mut Ledger,
) -> Option<()> {
    let at = path.key("samples");
    let names =
        if given.frames.0.is_empty() { keys(&given.probabilities) } else { keys(&given.frames) };
    let sample = sample_codes(work, &at, given, &names, table)?;
    let frames = frames(work, &at, given, table)?;
    let method = method(work, &at, given, &names, table, ledger)?;
    let design = &work.study.design;
    let weighted =
        design.weight.is_some() || design.probabilities.is_some() || design.fpc.is_some();
    let start = if weighted { Start::OwnSample } else { Start::One };
    if !weighted
        && !matches!(given.method, CombineBy::TotalProbability | CombineBy::SumOfProbabilities)
    {
        let message = "this method starts from the weight of the sample that drew a row, but the \
                       design has none";
        let help = "give `[design] weight`, or write `method = \"total-probability\"` or `\"sum-of-probabilities\"`";
        work.error(&at.key("method"), message, Some(help.to_string()));
        return None;
    }
    let combined = Combination::new(names, sample, frames, method, start, tree, ledger.weights())
        .and_then(|step| ledger.combine(step));
    match combined {
        Ok(()) => {
            outside(work, &at, ledger);
            Some(())
        }
        Err(e) => {
            let (key, help) = place_of(&e);
            let at = key.map_or(at.clone(), |key| at.key(key));
            work.error(&at, e, help.map(str::to_string));
            None
        }
    }
}

fn keys<T>(pairs: &Pairs<T>) -> Vec<String> {
    pairs.0.iter().map(|(name, _)| name.clone()).collect()
}

/// Where a mistake stands, and the way out.
fn place_of(error: &WeightError) -> (Option<&'static str>, Option<&'static str>) {
    let WeightError::Combine(error) = error else { return (None, None) };
    match error {
        CombineError::Probability { .. } => (
            Some("probabilities"),
            Some("a probability lies from 0 to 1; 0 says that the sample could not have drawn it"),
        ),
        CombineError::NoOverlap => (
            None,
            Some("the probability of every row is needed under every sample, not its own only"),
        ),
        CombineError::NoSample { .. } => (
            Some("variable"),
            Some("name every sample of the data, or give these rows weight zero"),
        ),
        CombineError::FrameSizes { .. } | CombineError::FrameSize { .. } => {
            (Some("frame-sizes"), Some("check that weights and frame sizes count the same units"))
        }
        CombineError::Share { .. } => (Some("shares"), None),
        _ => (None, None),
    }
}

/// The sample of every row, numbered as the samples are named.
fn sample_codes(
    work: &mut Work<'_>,
    at: &KeyPath,
    given: &Samples,
    names: &[String],
    table: &Table,
) -> Option<Arc<Codes>> {
    let factor: Factor = table.column(&given.variable)?.as_factor();
    let key = if given.frames.0.is_empty() { "probabilities" } else { "frames" };
    let mut of_level = vec![Codes::NONE; factor.levels.len()];
    for (k, name) in (0..).zip(names) {
        match factor.position(name) {
            Some(level) => of_level[level] = k,
            None => {
                let texts = || factor.levels.iter().map(crate::data::Level::text);
                let help = nearest(name, texts()).map_or_else(
                    || {
                        let all: Vec<String> = texts().take(12).map(|t| format!("`{t}`")).collect();
                        format!("`{}` has {}", given.variable, all.join(", "))
                    },
                    |n| format!("did you mean `{n}`?"),
                );
                let message = format!("no row is of the sample `{name}`");
                work.error(&at.key(key).key(name.as_str()), message, Some(help));
            }
        }
    }
    if work.has_errors() {
        return None;
    }
    let codes: Vec<u32> = (0..table.rows())
        .map(|r| of_level.get(factor.codes.get(r) as usize).copied().unwrap_or(Codes::NONE))
        .collect();
    Some(Arc::new(Codes::pack(&codes, names.len())))
}

fn numbers(work: &mut Work<'_>, at: &KeyPath, name: &str, table: &Table) -> Option<Arc<Numbers>> {
    let column = table.column(name)?;
    if let Some(numbers) = column.as_numbers() {
        return Some(Arc::new(numbers.clone()));
    }
    let (message, help) = not_numeric(column, "here");
    work.error(at, message, Some(help));
    None
}

fn frames(work: &mut Work<'_>, at: &KeyPath, given: &Samples, table: &Table) -> Option<Frames> {
    if given.frames.0.is_empty() {
        let here = at.key("probabilities");
        let columns: Vec<_> = given
            .probabilities
            .0
            .iter()
            .map(|(name, column)| numbers(work, &here.key(name.as_str()), column, table))
            .collect();
        return Some(Frames::Probabilities(columns.into_iter().collect::<Option<_>>()?));
    }
    let mut columns = Vec::new();
    for (name, text) in &given.frames.0 {
        let here = at.key("frames").key(name.as_str());
        if text == EVERY_ROW {
            columns.push(Arc::new(vec![true; table.rows()]));
            continue;
        }
        match holds(text, table) {
            Err(errors) => errors.iter().for_each(|e| work.expression(&here, e)),
            Ok((rows, unknown, warnings)) => {
                warnings.iter().for_each(|e| work.expression(&here, e));
                if !unknown.is_empty() {
                    let unknown = unknown.len();
                    let message = format!(
                        "`{text}` can't be told in {unknown} row{}, for lack of a value; taken as \
                         outside the frame",
                        if unknown == 1 { "" } else { "s" }
                    );
                    work.warn(&here, message, None);
                }
                columns.push(Arc::new(rows));
            }
        }
    }
    (columns.len() == given.frames.0.len()).then_some(Frames::Membership(columns))
}

fn method(
    work: &mut Work<'_>,
    at: &KeyPath,
    given: &Samples,
    names: &[String],
    table: &Table,
    ledger: &Ledger,
) -> Option<CombineMethod> {
    let of = |pairs: &Pairs<f64>, name: &String| {
        pairs.0.iter().find(|(n, _)| n == name).map(|(_, value)| *value)
    };
    let shares = match &given.shares {
        None | Some(GivenShares::Rule(ShareRule::EffectiveSize)) => Shares::EffectiveSize,
        Some(GivenShares::Rule(ShareRule::MinimumVariance)) => {
            let name = given.outcome.as_ref()?;
            Shares::MinimumVariance(numbers(work, &at.key("outcome"), name, table)?)
        }
        Some(GivenShares::Numbers(pairs)) => {
            Shares::Given(names.iter().map(|n| of(pairs, n)).collect::<Option<_>>()?)
        }
    };
    Some(match given.method {
        CombineBy::TotalProbability => CombineMethod::TotalProbability,
        CombineBy::SumOfProbabilities => CombineMethod::SumOfProbabilities,
        CombineBy::Multiplicity => CombineMethod::Multiplicity,
        CombineBy::Composite => {
            let weights = ledger.weights().clone();
            let is_used = |row: usize| weights[row] != 0.0;
            let groups =
                super::adjust::crossed(work, &at.key("by"), given.by.as_ref(), table, is_used)?;
            CombineMethod::Composite { groups, shares }
        }
        CombineBy::PseudoLikelihood => {
            let sizes: Vec<f64> =
                names.iter().map(|n| of(&given.frame_sizes, n)).collect::<Option<_>>()?;
            let sizes = [*sizes.first()?, *sizes.get(1)?];
            CombineMethod::PseudoLikelihood { sizes, shares }
        }
    })
}

/// Says how many rows their own sample could not have drawn.
fn outside(work: &mut Work<'_>, at: &KeyPath, ledger: &Ledger) {
    let outcome = ledger.steps().last().map(|s| s.summary.outcome.clone()).unwrap_or_default();
    if !outcome.is_empty() {
        work.warn(at, outcome, Some("they stay in the design and are in no estimate".to_string()));
    }
}
