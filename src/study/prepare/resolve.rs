//! Totals from what was given: shares of the population, shares of another margin.

use std::collections::HashMap;

use super::Work;
use super::margins::{self, GivenMargin};
use super::matching;
use crate::data::{Factor, Table};
use crate::diagnostic::{Diagnostic, nearest};
use crate::study::places::KeyPath;
use crate::study::rules::looks_like_shares;
use crate::study::spec::{GivenAs, Weighting};

/// How far shares may be from summing to one (or a hundred), for rounding.
const ROUNDING: f64 = 0.005;

/// The totals of a step, margin by margin.
pub(super) struct Resolved {
    pub totals: Vec<Vec<f64>>,
    /// True when they are per unit of the sum of the weights before the step.
    pub per_unit: bool,
}

/// Turns shares into totals.
///
/// Shares of the population are those of `population`; else of the total of the first margin of the
/// same part that counts; else of the sum of the weights before the step.
pub(super) fn totals(
    work: &mut Work<'_>,
    path: &KeyPath,
    step: &Weighting,
    given: &[GivenMargin],
    table: &Table,
) -> Option<Resolved> {
    let is_share = |m: &GivenMargin| m.meant.given_as == Some(GivenAs::Shares);
    let sum = |m: &GivenMargin| m.totals.iter().map(|t| t.total).sum::<f64>();
    let mut population: HashMap<Option<String>, f64> = HashMap::new();
    if let Some(size) = step.population {
        population.insert(None, size);
    }
    for margin in given {
        let known = margin.counts() && !is_share(margin) && margin.meant.shares_of.is_none();
        if known && step.population.is_none() {
            population.entry(margin.meant.part.clone()).or_insert_with(|| sum(margin));
        }
    }
    let has_shares = given.iter().any(|m| m.counts() && is_share(m));
    let per_unit = has_shares && population.is_empty();
    if per_unit && step.within.is_some() {
        let help = "give the totals of one margin of every part, or the shares as totals";
        work.error(
            &path.key("within"),
            "shares within parts need the size of each part",
            Some(help.into()),
        );
        return None;
    }
    let mut totals: Vec<Option<Vec<f64>>> = Vec::with_capacity(given.len());
    for margin in given {
        let own: Vec<f64> = margin.totals.iter().map(|t| t.total).collect();
        let base = population.get(&margin.meant.part).copied();
        let scaled = |whole: f64, base: f64| own.iter().map(|t| t / whole * base).collect();
        totals.push(match (margin.counts(), is_share(margin)) {
            _ if margin.meant.shares_of.is_some() => None,
            (true, true) => {
                let whole = sums_to_one(work, margin, own.iter().sum(), "the shares")?;
                Some(match (base, per_unit) {
                    (_, true) => scaled(whole, 1.0),
                    (Some(base), _) => scaled(whole, base),
                    (None, false) => {
                        let message = "the shares have no population they are shares of";
                        let help = "give a margin of totals for this part, or `population`";
                        let at = Some(margin.place.clone());
                        work.found.push(Diagnostic::error(message).at(at).help(help));
                        return None;
                    }
                })
            }
            (true, false) => match step.population {
                // What is all zero is said when it is matched.
                Some(size) if sum(margin) > 0.0 => {
                    let whole = sum(margin);
                    let looks_shared = looks_like_shares(whole);
                    let apart = (whole - size).abs() / size;
                    let is_whole = margin.meant.part.is_none();
                    if is_whole && !looks_shared && apart > step.tolerance.unwrap_or(0.0).max(1e-9) {
                        let message = format!(
                            "the totals of `{}` sum to {whole}, `population` is {size}",
                            margin.name
                        );
                        let help = "take `population` out: the margins say it; or mend the one that is \
                                    wrong (a small difference can be allowed with `tolerance`)";
                        let at = Some(margin.place.clone());
                        work.found.push(Diagnostic::error(message).at(at).help(help));
                        return None;
                    }
                    Some(scaled(whole, size))
                }
                None if looks_like_shares(sum(margin)) => {
                    // Those written in the study have been looked at with it.
                    let is_inline = step.margin.iter().any(|m| m.variables().join(" × ") == margin.name);
                    if !is_inline {
                        let message = format!(
                            "the totals of `{}` sum to {}: they look like shares",
                            margin.name,
                            sum(margin)
                        );
                        let help = "give `population = …`, the size of the population, if it is known";
                        let at = Some(margin.place.clone());
                        work.found.push(Diagnostic::warning(message).at(at).help(help));
                    }
                    Some(own)
                }
                _ => Some(own),
            },
            (false, true) => {
                let message = format!("`{}` is no count of the population", margin.name);
                let help = "give totals, or `as = \"means\"` for a number";
                let at = Some(margin.place.clone());
                work.found.push(Diagnostic::error(message).at(at).help(help));
                return None;
            }
            (false, false) => {
                let is_total = margin.meant.given_as != Some(GivenAs::Means);
                if is_total && per_unit {
                    let message = format!("the total of `{}` needs a population", margin.name);
                    let help = "give `population`, or its mean (`as = \"means\"`): the other \
                                margins are shares";
                    let at = Some(margin.place.clone());
                    work.found.push(Diagnostic::error(message).at(at).help(help));
                    return None;
                }
                Some(own)
            }
        });
    }
    // Shares of margins that are shares themselves are found in the next round.
    for _ in 0..given.len() {
        for (i, margin) in given.iter().enumerate().filter(|(_, m)| m.meant.shares_of.is_some()) {
            if totals[i].is_none() {
                totals[i] = shares_of(work, margin, given, &totals, table)?;
            }
        }
    }
    let all: Option<Vec<Vec<f64>>> = totals.into_iter().collect();
    match all {
        Some(totals) => Some(Resolved { totals, per_unit }),
        None => {
            let help = "one of them has to be given by totals, or by shares of the population";
            let message = "margins are shares of each other in a circle";
            work.error(&path.key("margin"), message, Some(help.to_string()));
            None
        }
    }
}

/// The sum of shares, which is one or a hundred but for rounding.
fn sums_to_one(work: &mut Work<'_>, margin: &GivenMargin, sum: f64, what: &str) -> Option<f64> {
    if (sum - 1.0).abs() <= ROUNDING || (sum - 100.0).abs() <= 100.0 * ROUNDING {
        return Some(sum);
    }
    let message = format!("{what} of margin `{}` sum to {sum}, not to 1", margin.name);
    let help = "give all of them, as 0.51 or as 51; counts need no `as = \"shares\"`";
    work.found.push(Diagnostic::error(message).at(Some(margin.place.clone())).help(help));
    None
}

/// Totals of a margin from its shares of another one; `None` within when that one is not known yet.
#[allow(clippy::option_option)]
fn shares_of(
    work: &mut Work<'_>,
    margin: &GivenMargin,
    given: &[GivenMargin],
    totals: &[Option<Vec<f64>>],
    table: &Table,
) -> Option<Option<Vec<f64>>> {
    let Some(names) = &margin.meant.shares_of else { return Some(None) };
    let sorted = |names: &[String]| {
        let mut names = names.to_vec();
        names.sort();
        names
    };
    let place = || Some(margin.place.clone());
    let same_part = |m: &&GivenMargin| m.meant.part == margin.meant.part && m.counts();
    let found = given
        .iter()
        .enumerate()
        .filter(|(_, m)| same_part(m))
        .find(|(_, m)| sorted(&m.variables) == sorted(names));
    let Some((of, whole)) = found else {
        let wanted = names.join(" × ");
        let message = format!("margin `{}`: there is no margin `{wanted}`", margin.name);
        let known = given.iter().filter(same_part).map(|m| m.name.as_str());
        let help = nearest(&wanted, known).map_or_else(
            || "name the variables of another margin of this step".to_string(),
            |n| format!("did you mean `{n}`?"),
        );
        work.found.push(Diagnostic::error(message).at(place()).help(help));
        return None;
    };
    if let Some(missing) = names.iter().find(|n| !margin.variables.contains(n)) {
        let message = format!("margin `{}` does not cross `{missing}`", margin.name);
        let help = format!("its levels are shares of those of `{missing}`: add it to `by`");
        work.found.push(Diagnostic::error(message).at(place()).help(help));
        return None;
    }
    let Some(of_whole) = &totals[of] else { return Some(None) };
    // The level of the other margin that each level belongs to, by positions.
    let own = keys(work, margin, names, table)?;
    let others = keys(work, whole, names, table)?;
    let mut sums: HashMap<&Vec<usize>, f64> = HashMap::new();
    for (key, one) in own.iter().zip(&margin.totals) {
        *sums.entry(key).or_default() += one.total;
    }
    let of_key: HashMap<&Vec<usize>, f64> = others.iter().zip(of_whole.iter().copied()).collect();
    let mut result = Vec::with_capacity(own.len());
    for (key, one) in own.iter().zip(&margin.totals) {
        let Some(total) = of_key.get(key) else {
            let message = format!("`{}` is a share of no level of `{}`", one.level, whole.name);
            let help = "both margins give the same levels";
            let at = Some(one.place.clone());
            work.found.push(Diagnostic::error(message).at(at).help(help));
            return None;
        };
        let what = format!("the shares at `{}`", one.level);
        let sum = sums_to_one(work, margin, sums[key], &what)?;
        result.push(one.total / sum * total);
    }
    Some(Some(result))
}

/// The positions of some variables' levels in every total of a margin.
fn keys(
    work: &mut Work<'_>,
    margin: &GivenMargin,
    names: &[String],
    table: &Table,
) -> Option<Vec<Vec<usize>>> {
    let factors = matching::factors(work, margin, table)?;
    let factors: Vec<&Factor> = factors.iter().collect();
    let mut keys = Vec::with_capacity(margin.totals.len());
    for one in &margin.totals {
        let error = match margins::levels(&one.level, &factors) {
            Err(wrong) => wrong,
            Ok(levels) => {
                let position = |name: &String| {
                    let at = margin.variables.iter().position(|v| v == name)?;
                    factors[at].position(&levels[at])
                };
                match names.iter().map(position).collect::<Option<Vec<usize>>>() {
                    Some(key) => {
                        keys.push(key);
                        continue;
                    }
                    None => {
                        let message = format!("`{}` names a level that no row has", one.level);
                        (message, "write levels as the data have them".to_string())
                    }
                }
            }
        };
        let at = Some(one.place.clone());
        work.found.push(Diagnostic::error(error.0).at(at).help(error.1));
        return None;
    }
    Some(keys)
}
