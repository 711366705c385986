//! Population sizes, and the stages put together from them.

use super::error::DesignError;
use super::groups::offsets;
use super::input::DesignInput;
use super::tree::{Stage, Stratum};
use super::variable::{Variable, complete_numbers, stratum_name};

/// The population size of every stratum of a stage, of whose units so many were `sampled`; rows to be
/// skipped have none.
pub(super) fn population_sizes(
    input: &DesignInput<'_>,
    stage: usize,
    variable: Variable<'_>,
    stratum_of_row: &[u32],
    sampled: &[u32],
    skip: Option<&[bool]>,
) -> Result<Vec<f64>, DesignError> {
    let numbers = complete_numbers(variable, "population size", input.rows)?;
    let name = || variable.name.to_string();
    let mut size = vec![f64::NAN; sampled.len()];
    let mut witness = vec![0_usize; sampled.len()];
    let (mut counts, mut fractions) = (None, None);
    for row in (0..input.rows).filter(|&r| !skip.is_some_and(|s| s[r])) {
        let value = numbers.get(row);
        if value <= 0.0 {
            return Err(DesignError::FpcNotPositive { variable: name(), row: row + 1, value });
        }
        // Exactly 1 is a census either way.
        if value > 1.0 {
            counts.get_or_insert((value, row + 1));
        } else if value < 1.0 {
            fractions.get_or_insert((value, row + 1));
        }
        let h = stratum_of_row[row] as usize;
        if size[h].is_nan() {
            size[h] = value;
            witness[h] = row;
        } else if size[h] != value {
            return Err(DesignError::FpcVaries {
                variable: name(),
                stage: stage + 1,
                stratum: stratum_name(input, stage, row),
                first: size[h],
                second: value,
                row: row + 1,
            });
        }
    }
    if let (Some((count, count_row)), Some((fraction, fraction_row))) = (counts, fractions) {
        let variable = name();
        return Err(DesignError::FpcMixed { variable, count, count_row, fraction, fraction_row });
    }
    if counts.is_none() {
        for (s, &n) in size.iter_mut().zip(sampled) {
            *s = f64::from(n) / *s;
        }
        return Ok(size);
    }
    let small: Vec<usize> = (0..size.len()).filter(|&h| size[h] < f64::from(sampled[h])).collect();
    match small.first() {
        None => Ok(size),
        Some(&h) => Err(DesignError::FpcTooSmall {
            variable: name(),
            stage: stage + 1,
            count: small.len(),
            stratum: stratum_name(input, stage, witness[h]),
            sampled: sampled[h] as usize,
            population: size[h],
        }),
    }
}

/// The tree of the stages. `inclusion` is the probability of every first-stage unit, where these
/// differ within strata; `empty` the number of units without rows in every first-stage stratum, which
/// count among those sampled.
pub(super) fn assemble(
    shape: &[(Vec<u32>, Vec<u32>)],
    populations: &[Option<Vec<f64>>],
    strata_of_row: &[Vec<u32>],
    deepest_units: usize,
    inclusion: Option<Vec<f64>>,
    empty: Option<&[u32]>,
) -> Vec<Stage> {
    let mut stages = Vec::with_capacity(shape.len());
    let mut share_of_unit = vec![1.0_f64];
    for (s, (parents, unit_strata)) in shape.iter().enumerate() {
        let starts = offsets(unit_strata, parents.len());
        let mut strata: Vec<Stratum> = (0..parents.len())
            .map(|h| Stratum {
                first: starts[h],
                end: starts[h + 1],
                population: populations[s].as_ref().map_or(f64::INFINITY, |p| p[h]),
                share: share_of_unit[parents[h] as usize],
                row: 0,
                form: None,
            })
            .collect();
        for (row, &h) in strata_of_row[s].iter().enumerate().rev() {
            strata[h as usize].row = row as u32;
        }
        share_of_unit = unit_strata
            .iter()
            .enumerate()
            .map(|(unit, &h)| {
                let stratum = &strata[h as usize];
                match &inclusion {
                    Some(pi) if s == 0 => pi[unit],
                    _ => {
                        let more = empty.filter(|_| s == 0).map_or(0, |m| m[h as usize]);
                        let n = stratum.n() as f64 + f64::from(more);
                        stratum.share * n / stratum.population
                    }
                }
            })
            .collect();
        // Deepest units of each unit: count downwards through the stages below.
        let mut owner: Vec<u32> = (0..unit_strata.len() as u32).collect();
        for (parents_below, units_below) in &shape[s + 1..] {
            owner =
                units_below.iter().map(|&h| owner[parents_below[h as usize] as usize]).collect();
        }
        debug_assert!(owner.len() == deepest_units);
        let inclusion = inclusion.clone().filter(|_| s == 0);
        stages.push(Stage { strata, deepest: offsets(&owner, unit_strata.len()), inclusion });
    }
    stages
}
