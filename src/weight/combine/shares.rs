//! The shares of a composite estimator: how much each sample counts in a domain that several
//! could have drawn from.

use std::collections::BTreeMap;
use std::sync::Arc;

use nalgebra::{DMatrix, DVector};

use super::coverage::{CellSums, Coverage};
use super::error::CombineError;
use crate::data::{Codes, Numbers};
use crate::design::UnitTree;
use crate::weight::Groups;

/// How the shares θ of a composite are set. Within a domain they add up to one.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Shares {
    /// One number for each sample, divided by their sum over the samples that have rows in the
    /// domain.
    Given(Vec<f64>),
    /// In the proportion of Kish's effective sample sizes (Σw)²/Σw² of the domain.
    EffectiveSize,
    /// Those that make the variance of the total of an outcome smallest (Hartley 1974), samples taken
    /// as independent and their PSUs as drawn with replacement.
    MinimumVariance(Arc<Numbers>),
}

/// The share of every (group, domain, sample); the last two as a set of samples and one of them.
pub(super) type ShareTable = BTreeMap<(u32, u32, u32), f64>;

/// The shares of all cells.
pub(super) fn table(
    coverage: &Coverage,
    groups: &Groups,
    shares: &Shares,
    tree: &UnitTree,
    weights: &[f64],
) -> Result<ShareTable, CombineError> {
    let mut cells: BTreeMap<(u32, u32, u32), CellSums> = BTreeMap::new();
    for (row, &w) in weights.iter().enumerate().filter(|(_, w)| **w != 0.0) {
        if coverage.is_outside(row) {
            continue;
        }
        let key = (groups.codes.get(row), coverage.masks[row], coverage.sample.get(row));
        let cell = cells.entry(key).or_default();
        cell.n += 1;
        cell.sum += w;
        cell.squares += w * w;
    }
    if let Shares::Given(given) = shares {
        let bad = given.iter().position(|g| !g.is_finite() || *g < 0.0);
        let bad = bad.or_else(|| given.iter().all(|g| *g == 0.0).then_some(0));
        if let Some(k) = bad {
            return Err(CombineError::Share {
                sample: coverage.samples[k].clone(),
                value: given[k],
            });
        }
    }
    let by_size: ShareTable = cells
        .iter()
        .map(|(&key, cell)| {
            let raw = match shares {
                Shares::Given(given) => given[key.2 as usize],
                _ => cell.effective(),
            };
            (key, raw)
        })
        .collect();
    let mut found = divided(by_size);
    if let Shares::MinimumVariance(outcome) = shares {
        for (group, of_group) in covariances(coverage, groups, outcome, tree, weights) {
            let keys: Vec<(u32, u32)> = cells
                .keys()
                .filter(|k| k.0 == group)
                .map(|&(_, mask, sample)| (mask, sample))
                .collect();
            if let Some(best) = smallest(&keys, &of_group) {
                for (&(mask, sample), share) in keys.iter().zip(best) {
                    found.insert((group, mask, sample), share);
                }
            }
        }
        // A share below 0 would make weights negative.
        found.values_mut().for_each(|s| *s = s.max(0.0));
        found = divided(found);
    }
    Ok(found)
}

/// Numbers of each domain divided by their sum; equal shares where all are zero.
fn divided(raw: ShareTable) -> ShareTable {
    let mut sums: BTreeMap<(u32, u32), (f64, f64)> = BTreeMap::new();
    for (&(group, mask, _), value) in &raw {
        let sum = sums.entry((group, mask)).or_default();
        sum.0 += value;
        sum.1 += 1.0;
    }
    raw.into_iter()
        .map(|(key, value)| {
            let (sum, count) = sums[&(key.0, key.1)];
            (key, if sum > 0.0 { value / sum } else { 1.0 / count })
        })
        .collect()
}

/// Covariances of the totals of a group between the domains of each sample.
type Covariances = BTreeMap<(u32, u32, u32), f64>;

/// Totals by (PSU, domain).
type PsuTotals = BTreeMap<(u32, u32), f64>;

/// For every group the covariance of its totals by (sample, domain, domain): between PSUs within
/// strata, Σ_h n/(n − 1) Σ (z − z̄)(z − z̄)'. Strata where a sample has one PSU add nothing.
fn covariances(
    coverage: &Coverage,
    groups: &Groups,
    outcome: &Numbers,
    tree: &UnitTree,
    weights: &[f64],
) -> BTreeMap<u32, Covariances> {
    let (first, strata) = (tree.first_stage_of_unit(), tree.stratum_of_first_stage());
    // By (sample, stratum): the PSUs, and the totals by (group, domain, PSU).
    let mut psus: BTreeMap<(u32, u32), Vec<u32>> = BTreeMap::new();
    let mut totals: BTreeMap<(u32, u32, u32), PsuTotals> = BTreeMap::new();
    for (row, &w) in weights.iter().enumerate().filter(|(_, w)| **w != 0.0) {
        let psu = first[tree.unit_of_row[row] as usize];
        let (sample, stratum) = (coverage.sample.get(row), strata[psu as usize]);
        psus.entry((sample, stratum)).or_default().push(psu);
        let (y, group) = (outcome.get(row), groups.codes.get(row));
        if !y.is_nan() && group != Codes::NONE && !coverage.is_outside(row) {
            let of = totals.entry((group, sample, stratum)).or_default();
            *of.entry((psu, coverage.masks[row])).or_default() += w * y;
        }
    }
    for list in psus.values_mut() {
        list.sort_unstable();
        list.dedup();
    }
    let mut found: BTreeMap<u32, Covariances> = BTreeMap::new();
    for ((group, sample, stratum), of) in &totals {
        let n = psus[&(*sample, *stratum)].len() as f64;
        if n < 2.0 {
            continue;
        }
        let mut masks: Vec<u32> = of.keys().map(|k| k.1).collect();
        masks.sort_unstable();
        masks.dedup();
        let mut by_psu: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
        let mut sums = vec![0.0; masks.len()];
        for (&(psu, mask), &z) in of {
            let m = masks.partition_point(|&x| x < mask);
            by_psu.entry(psu).or_insert_with(|| vec![0.0; masks.len()])[m] += z;
            sums[m] += z;
        }
        let out = found.entry(*group).or_default();
        for (i, &a) in masks.iter().enumerate() {
            for (j, &b) in masks.iter().enumerate() {
                // PSUs without a row of the group have total zero.
                let products: f64 = by_psu.values().map(|z| z[i] * z[j]).sum();
                let v = n / (n - 1.0) * (products - sums[i] * sums[j] / n);
                *out.entry((*sample, a, b)).or_default() += v;
            }
        }
    }
    found
}

/// The shares that make θ'Vθ smallest when those of each domain add up to one; V joins cells of
/// one sample only. `None` where that has no single solution.
fn smallest(keys: &[(u32, u32)], covariances: &Covariances) -> Option<Vec<f64>> {
    let mut masks: Vec<u32> = keys.iter().map(|k| k.0).collect();
    masks.dedup();
    let (cells, constraints) = (keys.len(), masks.len());
    let scale = covariances.values().fold(0.0_f64, |most, v| most.max(v.abs()));
    if scale == 0.0 {
        return None;
    }
    let mut system = DMatrix::zeros(cells + constraints, cells + constraints);
    let mut right = DVector::zeros(cells + constraints);
    for (i, a) in keys.iter().enumerate() {
        for (j, b) in keys.iter().enumerate().filter(|(_, b)| a.1 == b.1) {
            let v = covariances.get(&(a.1, a.0, b.0)).copied().unwrap_or(0.0);
            system[(i, j)] = v / scale;
        }
        let m = masks.iter().position(|m| *m == a.0)?;
        system[(i, cells + m)] = 1.0;
        system[(cells + m, i)] = 1.0;
    }
    right.rows_mut(cells, constraints).fill(1.0);
    let solution = system.lu().solve(&right)?;
    let shares: Vec<f64> = solution.iter().take(cells).copied().collect();
    shares.iter().all(|s| s.is_finite()).then_some(shares)
}
