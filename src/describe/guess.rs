//! What variables may be for, guessed from their names and values.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::summary::{Type, Variable};
use crate::data::{Codes, Column};

/// What a variable may be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Role {
    /// A survey weight.
    Weight,
    /// One of many replicate weights.
    ReplicateWeights,
    /// The stratum.
    Stratum,
    /// The primary sampling unit.
    Psu,
    /// The household, a cluster within PSUs.
    Household,
    /// An identifier of rows.
    Identifier,
}

impl Role {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Role::Weight => "weight",
            Role::ReplicateWeights => "replicate weights",
            Role::Stratum => "stratum",
            Role::Psu => "PSU",
            Role::Household => "household",
            Role::Identifier => "identifier",
        }
    }
}

/// A guess.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Guess {
    /// The variable, or a pattern such as `repw*`.
    pub variable: String,
    /// What it may be for.
    pub role: Role,
    /// Why.
    pub reason: String,
}

/// Names of fewer columns than this are no series of replicate weights.
const SERIES: usize = 10;

/// All guesses, weights first; `columns` are those of strata and clusters.
pub(super) fn guesses(variables: &[Variable], columns: &[Column]) -> Vec<Guess> {
    let series = series(variables);
    let in_series =
        |name: &str| stem(name).is_some_and(|(stem, _)| series.iter().any(|(s, _)| *s == stem));
    let mut all: Vec<Guess> = series
        .iter()
        .map(|(stem, count)| Guess {
            variable: format!("{stem}*"),
            role: Role::ReplicateWeights,
            reason: format!("{count} numbered columns of weights"),
        })
        .collect();
    for variable in variables.iter().filter(|v| !in_series(&v.name)) {
        if let Some((role, reason)) = role(variable) {
            all.push(Guess { variable: variable.name.clone(), role, reason });
        }
    }
    nesting(&mut all, columns);
    all.sort_by_key(|guess| guess.role);
    all
}

/// True for what may be a stratum or a cluster.
pub(super) fn is_of_design(variable: &Variable) -> bool {
    role(variable).is_some_and(|(role, _)| matches!(role, Role::Stratum | Role::Psu))
}

/// Negative codes that several variables, or the only ones with any, have.
pub(super) fn likely_missing(variables: &[Variable]) -> Vec<(f64, usize)> {
    let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
    for (code, _) in variables.iter().flat_map(|v| &v.likely_missing) {
        *counts.entry(*code as i64).or_default() += 1;
    }
    counts.into_iter().map(|(code, n)| (code as f64, n)).collect()
}

fn role(variable: &Variable) -> Option<(Role, String)> {
    let lower = variable.name.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).collect();
    let label = variable.label.as_deref().unwrap_or("").to_lowercase();
    let has = |names: &[&str]| {
        words.iter().any(|w| names.contains(&w.trim_end_matches(|c: char| c.is_ascii_digit())))
    };
    let distinct = variable.distinct;
    let values = format!("{distinct} different values");
    // Bodies have weights, too.
    let body = ["body", "birth", "kg", "lb", "gram", "height"]
        .iter()
        .any(|b| lower.contains(b) || label.contains(b));
    let weight_name = lower.contains("weight")
        || lower.starts_with("wt")
        || lower.ends_with("wt")
        || has(&["w", "wt", "wgt", "pw", "pweight", "xw", "lw", "dw", "wts"])
        || label.contains("weight");
    if weight_name && variable.numeric && !body {
        let range = variable.range?;
        let spread = !range.whole || distinct > 20;
        let likely = variable.likely_missing.is_empty();
        if range.least >= 0.0 && range.most > 0.0 && spread && likely {
            let zero = if range.least == 0.0 { "none negative" } else { "all positive" };
            let reason = format!("its name, and {values}, {zero}, mean {:.4}", range.mean);
            return Some((Role::Weight, reason));
        }
    }
    let repeats = distinct >= 2 && (distinct as u64) < variable.valid;
    let discrete = !variable.numeric || variable.range.is_some_and(|r| r.whole);
    let per = |n: usize| variable.valid as f64 / n.max(1) as f64;
    let reason = || format!("its name, and {values}, {:.1} rows each", per(distinct));
    if repeats && discrete && (lower.contains("strat") || has(&["stratum", "vstrat", "sdmvstra"])) {
        return Some((Role::Stratum, reason()));
    }
    let psu = lower.contains("psu")
        || lower.contains("cluster")
        || has(&["sector", "ward", "primary", "ea", "segment", "point"]);
    if repeats && discrete && psu {
        return Some((Role::Psu, reason()));
    }
    let household = has(&["hid", "hhid", "household", "hidp", "hh", "hserial"])
        || words.iter().any(|w| w.ends_with("hidp"));
    if repeats && discrete && household && per(distinct) < 20.0 && distinct > 20 {
        return Some((Role::Household, reason()));
    }
    let unique = variable.missing == 0 && distinct as u64 == variable.valid && distinct > 1;
    let id = has(&["id", "pid", "pidp", "serial", "seqn", "caseid", "key", "number"])
        || lower.ends_with("id");
    (unique && discrete && id)
        .then(|| (Role::Identifier, "its name, and every value is different".to_string()))
}

/// The text before the number at the end of a name.
fn stem(name: &str) -> Option<(&str, u32)> {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = name[stem.len()..].parse().ok()?;
    (!stem.is_empty()).then_some((stem, number))
}

/// Stems of many numbered columns with names of weights.
fn series(variables: &[Variable]) -> Vec<(&str, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for variable in
        variables.iter().filter(|v| v.numeric && v.range.is_some_and(|r| r.least >= 0.0))
    {
        if let Some((stem, _)) = stem(&variable.name) {
            *counts.entry(stem).or_default() += 1;
        }
    }
    let is_weight = |stem: &str| {
        let lower = stem.to_lowercase();
        ["w", "rep", "brr", "jk", "boot", "bs"].iter().any(|s| lower.contains(s))
    };
    counts.into_iter().filter(|(stem, n)| *n >= SERIES && is_weight(stem)).collect()
}

/// Adds to the first PSU whether its values repeat across the first strata.
fn nesting(all: &mut [Guess], columns: &[Column]) {
    let of = |role: Role| {
        let name = all.iter().find(|g| g.role == role).map(|g| g.variable.clone())?;
        columns.iter().find(|c| c.name == name)
    };
    let (Some(strata), Some(psus)) = (of(Role::Stratum), of(Role::Psu)) else { return };
    let (strata_codes, psu_codes) = (strata.as_factor().codes, psus.as_factor().codes);
    let mut stratum_of: HashMap<u32, u32> = HashMap::new();
    let mut repeat = false;
    for row in 0..psu_codes.len().min(strata_codes.len()) {
        let (psu, stratum) = (psu_codes.get(row), strata_codes.get(row));
        if psu != Codes::NONE && stratum != Codes::NONE {
            repeat |= *stratum_of.entry(psu).or_insert(stratum) != stratum;
        }
    }
    let name = psus.name.clone();
    let also = if repeat {
        format!("; values repeat across `{}`: set `nested = true`", strata.name)
    } else {
        format!("; each lies in one value of `{}`", strata.name)
    };
    if let Some(guess) = all.iter_mut().find(|g| g.variable == name) {
        guess.reason.push_str(&also);
    }
}

/// True when the variable could be an outcome or a group: it is not of the design.
pub(crate) fn is_free(variable: &Variable, guesses: &[Guess]) -> bool {
    let guessed = |g: &Guess| match g.variable.strip_suffix('*') {
        Some(stem) => variable.name.starts_with(stem),
        None => g.variable == variable.name,
    };
    !guesses.iter().any(guessed) && !matches!(variable.kind, Type::Text | Type::Empty)
}

#[cfg(test)]
mod tests {
    use super::super::summary;
    use super::*;

    fn found(columns: &[Column]) -> Vec<(String, Role)> {
        let variables: Vec<Variable> = columns.iter().map(summary::of).collect();
        let guesses = guesses(&variables, columns);
        guesses.into_iter().map(|g| (g.variable, g.role)).collect()
    }

    fn numbers(name: &str, value: impl Fn(usize) -> f64) -> Column {
        Column::numbers(name, (0..400).map(value).collect())
    }

    #[test]
    fn names_and_values_together() {
        let guessed = found(&[
            numbers("pidp", |i| i as f64),
            numbers("a_strata", |i| (i / 100) as f64),
            numbers("a_psu", |i| (i / 10) as f64),
            numbers("a_indinus_xw", |i| 0.5 + (i % 37) as f64 / 7.0),
            numbers("body_weight", |i| 50.5 + (i % 50) as f64),
            numbers("weighted", |i| (i % 2) as f64),
            numbers("age", |i| (i % 80) as f64),
        ]);
        let expected = [
            ("a_indinus_xw", Role::Weight),
            ("a_strata", Role::Stratum),
            ("a_psu", Role::Psu),
            ("pidp", Role::Identifier),
        ];
        assert_eq!(guessed, expected.map(|(n, r)| (n.to_string(), r)));
    }

    #[test]
    fn replicates_are_one_guess() {
        let columns: Vec<Column> = (1..=20)
            .map(|k| numbers(&format!("repw{k}"), move |i| ((i + k) % 9) as f64 / 3.0))
            .collect();
        assert_eq!(found(&columns), [("repw*".to_string(), Role::ReplicateWeights)]);
    }

    #[test]
    fn psus_that_begin_anew_in_every_stratum() {
        let columns =
            [numbers("stratum", |i| (i / 100) as f64), numbers("psu", |i| (i % 100 / 50) as f64)];
        let variables: Vec<Variable> = columns.iter().map(summary::of).collect();
        let all = guesses(&variables, &columns);
        assert!(all[1].reason.contains("nested = true"), "{}", all[1].reason);
    }
}
