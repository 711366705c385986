//! What to do with a stratum that has one PSU.

use serde::{Deserialize, Serialize};

use super::tree::{Stratum, UnitTree};

/// What to do with a stratum that has one PSU, so that its variance can't be estimated.
///
/// The same holds for later stages, with "unit" for PSU and within the unit above:
/// docs/methods/variance.md says exactly what each does there, with an fpc and in domains.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum LonelyPsu {
    /// Stop and name the strata.
    #[default]
    Error,
    /// Deviation from the mean of all PSU totals (R `adjust`): errs on the large side.
    Center,
    /// The average contribution of the other strata.
    Average,
    /// It was selected with certainty: it adds nothing at this stage.
    Certainty,
    /// Leave the stratum out of the variance: it adds nothing.
    Remove,
    /// Join it with the neighbouring stratum (in the order of the stratum codes).
    Collapse,
}

/// Joins every lonely stratum of a stage with a neighbour, and says which were joined, each by a row.
///
/// Without `size` a neighbour is the stratum before it in the order of the codes, else the one after
/// it. With a size of every stratum, strata are taken in the order of their sizes and a neighbour is the
/// one of the nearest size (the smaller one where both are as near).
///
/// Only strata within the same unit of the stage above are joined, and of the same samples (`apart` says
/// of which those of a row are), and none that is a census: it
/// adds no variance of its own, and as a partner would. Population sizes add; the shares with
/// which later stages count stay those of the strata as drawn.
///
/// # Errors
/// A row of the first stratum that has no such neighbour.
pub(super) fn collapse(
    tree: &mut UnitTree,
    stage: usize,
    size: Option<&[f64]>,
    apart: &dyn Fn(u32) -> u32,
) -> Result<Vec<Vec<u32>>, u32> {
    if let Some(size) = size {
        // Sizes are for the first stage, where all strata are in the same whole.
        return collapse_by_size(tree, size, apart);
    }
    let above: &[u32] = stage.checked_sub(1).map_or(&[], |s| tree.stages[s].deepest.as_slice());
    let own = &tree.stages[stage];
    let parent = |s: &Stratum| {
        let first = own.deepest[s.first as usize];
        above.partition_point(|&start| start <= first)
    };
    let mut out: Vec<Stratum> = Vec::with_capacity(own.strata.len());
    let mut rows: Vec<Vec<u32>> = Vec::with_capacity(own.strata.len());
    for stratum in &own.strata {
        let joins = |a: &Stratum, b: &Stratum| {
            (a.is_lonely() || b.is_lonely())
                && !a.is_census()
                && !b.is_census()
                && parent(a) == parent(b)
                && apart(a.row) == apart(b.row)
        };
        match out.last_mut().zip(rows.last_mut()) {
            Some((last, rows)) if joins(last, stratum) => {
                last.end = stratum.end;
                last.population += stratum.population;
                rows.push(stratum.row);
            }
            _ => {
                out.push(stratum.clone());
                rows.push(vec![stratum.row]);
            }
        }
    }
    if let Some(left) = out.iter().find(|s| s.is_lonely()) {
        return Err(left.row);
    }
    tree.stages[stage].strata = out;
    rows.retain(|rows| rows.len() > 1);
    Ok(rows)
}

/// Joins lonely strata of the first stage with the one of the nearest size, from the smallest size up.
fn collapse_by_size(
    tree: &mut UnitTree,
    size: &[f64],
    apart: &dyn Fn(u32) -> u32,
) -> Result<Vec<Vec<u32>>, u32> {
    let strata = &tree.stages[0].strata;
    let whose: Vec<u32> = strata.iter().map(|s| apart(s.row)).collect();
    let mut order: Vec<usize> = (0..strata.len()).filter(|&h| !strata[h].is_census()).collect();
    order.sort_by(|&a, &b| {
        whose[a].cmp(&whose[b]).then(size[a].total_cmp(&size[b])).then(a.cmp(&b))
    });
    // For each stratum, by its place in the order, the first of those it is joined with.
    let mut group: Vec<usize> = (0..order.len()).collect();
    for at in 0..order.len() {
        if !strata[order[at]].is_lonely() || group.iter().filter(|g| **g == group[at]).count() > 1 {
            continue;
        }
        let gap = |other: usize| (size[order[other]] - size[order[at]]).abs();
        let alike =
            |other: &usize| order.get(*other).is_some_and(|&h| whose[h] == whose[order[at]]);
        let before = at.checked_sub(1).filter(alike);
        let after = Some(at + 1).filter(alike);
        let partner = match (before, after) {
            (Some(b), Some(a)) => {
                if gap(a) < gap(b) {
                    a
                } else {
                    b
                }
            }
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => return Err(strata[order[at]].row),
        };
        let (from, to) = (group[at].max(group[partner]), group[at].min(group[partner]));
        group.iter_mut().filter(|g| **g == from).for_each(|g| *g = to);
    }
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); order.len()];
    for (at, &g) in group.iter().enumerate() {
        members[g].push(order[at]);
    }
    members.iter_mut().for_each(|m| m.sort_unstable());
    members.retain(|m| m.len() > 1);
    let joined = members.iter().map(|m| m.iter().map(|&h| strata[h].row).collect()).collect();
    tree.join_strata(&members);
    Ok(joined)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::Stage;

    /// Strata of so many units out of so many, one after the other.
    fn strata(sizes: &[(u32, f64)]) -> Vec<Stratum> {
        let mut next = 0;
        sizes
            .iter()
            .map(|&(n, population)| {
                let first = next;
                next += n;
                Stratum { first, end: next, population, share: 1.0, row: first, form: None }
            })
            .collect()
    }

    fn one_stage(sizes: &[(u32, f64)]) -> UnitTree {
        let strata = strata(sizes);
        let units = strata.last().map_or(0, |s| s.end);
        UnitTree {
            stages: vec![Stage { strata, deepest: (0..=units).collect(), inclusion: None }],
            unit_of_row: (0..units).collect(),
            order: None,
        }
    }

    fn sizes(tree: &UnitTree, stage: usize) -> Vec<(usize, f64)> {
        tree.stages[stage].strata.iter().map(|s| (s.n(), s.population)).collect()
    }

    #[test]
    fn joins_with_the_stratum_before_or_else_after() {
        let mut tree = one_stage(&[(1, 5.0), (2, 9.0), (1, 4.0), (3, 8.0), (1, 6.0)]);
        assert!(collapse(&mut tree, 0, None, &|_| 0).is_ok());
        assert_eq!(sizes(&tree, 0), [(4, 18.0), (4, 14.0)]);
        let mut pairs = one_stage(&[(1, 5.0), (1, 9.0), (1, 4.0)]);
        assert!(collapse(&mut pairs, 0, None, &|_| 0).is_ok());
        assert_eq!(sizes(&pairs, 0), [(3, 18.0)]);
    }

    #[test]
    fn a_census_is_no_partner() {
        // The second stratum is taken whole: the first can't be joined with it, the third joins
        // the fourth.
        let mut tree = one_stage(&[(2, 9.0), (2, 2.0), (1, 5.0), (3, 8.0)]);
        assert!(collapse(&mut tree, 0, None, &|_| 0).is_ok());
        assert_eq!(sizes(&tree, 0), [(2, 9.0), (2, 2.0), (4, 13.0)]);
        let mut alone = one_stage(&[(2, 9.0), (2, 2.0), (1, 5.0), (1, 1.0)]);
        assert_eq!(collapse(&mut alone, 0, None, &|_| 0), Err(4));
        assert_eq!(collapse(&mut one_stage(&[(1, 9.0)]), 0, None, &|_| 0), Err(0));
    }

    #[test]
    fn units_above_are_not_straddled() {
        // Two PSUs: the first holds strata of 2 and 1 units, the second strata of 1 and 2.
        let mut tree = one_stage(&[(2, 9.0)]);
        let below = strata(&[(2, 5.0), (1, 4.0), (1, 3.0), (2, 7.0)]);
        tree.stages[0].deepest = vec![0, 3, 6];
        tree.stages.push(Stage { strata: below, deepest: (0..=6).collect(), inclusion: None });
        let mut joined = tree.clone();
        assert!(collapse(&mut joined, 1, None, &|_| 0).is_ok());
        assert_eq!(sizes(&joined, 1), [(3, 9.0), (3, 10.0)]);
        // A PSU with one unit in all has no neighbour, whatever its sister PSU holds.
        tree.stages[1].strata = strata(&[(2, 5.0), (3, 4.0), (1, 3.0)]);
        tree.stages[0].deepest = vec![0, 5, 6];
        assert_eq!(collapse(&mut tree, 1, None, &|_| 0), Err(5));
    }
}
