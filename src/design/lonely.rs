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

/// Joins every lonely stratum of a stage with the one before it, else with the one after it.
///
/// Only strata within the same unit of the stage above are joined, and none that is a census: it
/// adds no variance of its own, and as a partner would. Population sizes add; the shares with
/// which later stages count stay those of the strata as drawn.
///
/// # Errors
/// A row of the first stratum that has no such neighbour.
pub(super) fn collapse(tree: &mut UnitTree, stage: usize) -> Result<(), u32> {
    let above: &[u32] = stage.checked_sub(1).map_or(&[], |s| tree.stages[s].deepest.as_slice());
    let own = &tree.stages[stage];
    let parent = |s: &Stratum| {
        let first = own.deepest[s.first as usize];
        above.partition_point(|&start| start <= first)
    };
    let mut out: Vec<Stratum> = Vec::with_capacity(own.strata.len());
    for stratum in &own.strata {
        let joins = |a: &Stratum, b: &Stratum| {
            (a.is_lonely() || b.is_lonely())
                && !a.is_census()
                && !b.is_census()
                && parent(a) == parent(b)
        };
        match out.last_mut() {
            Some(last) if joins(last, stratum) => {
                last.end = stratum.end;
                last.population += stratum.population;
            }
            _ => out.push(stratum.clone()),
        }
    }
    if let Some(left) = out.iter().find(|s| s.is_lonely()) {
        return Err(left.row);
    }
    tree.stages[stage].strata = out;
    Ok(())
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
                Stratum { first, end: next, population, share: 1.0, row: first }
            })
            .collect()
    }

    fn one_stage(sizes: &[(u32, f64)]) -> UnitTree {
        let strata = strata(sizes);
        let units = strata.last().map_or(0, |s| s.end);
        UnitTree {
            stages: vec![Stage { strata, deepest: (0..=units).collect() }],
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
        assert_eq!(collapse(&mut tree, 0), Ok(()));
        assert_eq!(sizes(&tree, 0), [(4, 18.0), (4, 14.0)]);
        let mut pairs = one_stage(&[(1, 5.0), (1, 9.0), (1, 4.0)]);
        assert_eq!(collapse(&mut pairs, 0), Ok(()));
        assert_eq!(sizes(&pairs, 0), [(3, 18.0)]);
    }

    #[test]
    fn a_census_is_no_partner() {
        // The second stratum is taken whole: the first can't be joined with it, the third joins
        // the fourth.
        let mut tree = one_stage(&[(2, 9.0), (2, 2.0), (1, 5.0), (3, 8.0)]);
        assert_eq!(collapse(&mut tree, 0), Ok(()));
        assert_eq!(sizes(&tree, 0), [(2, 9.0), (2, 2.0), (4, 13.0)]);
        let mut alone = one_stage(&[(2, 9.0), (2, 2.0), (1, 5.0), (1, 1.0)]);
        assert_eq!(collapse(&mut alone, 0), Err(4));
        assert_eq!(collapse(&mut one_stage(&[(1, 9.0)]), 0), Err(0));
    }

    #[test]
    fn units_above_are_not_straddled() {
        // Two PSUs: the first holds strata of 2 and 1 units, the second strata of 1 and 2.
        let mut tree = one_stage(&[(2, 9.0)]);
        let below = strata(&[(2, 5.0), (1, 4.0), (1, 3.0), (2, 7.0)]);
        tree.stages[0].deepest = vec![0, 3, 6];
        tree.stages.push(Stage { strata: below, deepest: (0..=6).collect() });
        let mut joined = tree.clone();
        assert_eq!(collapse(&mut joined, 1), Ok(()));
        assert_eq!(sizes(&joined, 1), [(3, 9.0), (3, 10.0)]);
        // A PSU with one unit in all has no neighbour, whatever its sister PSU holds.
        tree.stages[1].strata = strata(&[(2, 5.0), (3, 4.0), (1, 3.0)]);
        tree.stages[0].deepest = vec![0, 5, 6];
        assert_eq!(collapse(&mut tree, 1), Err(5));
    }
}
