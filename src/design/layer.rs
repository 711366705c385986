//! Variances that are taken over another grouping of the units than the tree's.

use super::tree::{Stage, Stratum, UnitTree};

/// A grouping of the deepest units of a tree into strata and units of its own, whose variance is
/// added to that of the tree or taken off it.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// What its variance is multiplied by.
    pub sign: f64,
    /// Its strata and units, one stage; the "rows" are the members below.
    pub tree: UnitTree,
    /// The deepest units of the design's tree, unit after unit of this one.
    pub members: Vec<u32>,
    /// For each unit its first member; one more entry at the end.
    pub starts: Vec<u32>,
    /// Whether its units and strata are counted for the degrees of freedom.
    pub counts: bool,
    /// Whether it is the variance of a second phase, in which what that phase was calibrated to has
    /// no part.
    pub is_second_phase: bool,
}

/// The stratum and the unit of a deepest unit in a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Any number that tells strata apart.
    pub stratum: u64,
    /// Any number that tells the units of a stratum apart.
    pub unit: u64,
}

impl Layer {
    /// Groups the deepest units that have a place. `stratum` makes a stratum from the number that
    /// tells it apart and a deepest unit of each of its units; the range is filled in here.
    pub(super) fn new(
        sign: f64,
        places: impl Iterator<Item = Option<Place>>,
        mut stratum: impl FnMut(u64, &[u32]) -> Stratum,
    ) -> Layer {
        let mut list: Vec<(Place, u32)> =
            places.zip(0..).filter_map(|(place, unit)| Some((place?, unit))).collect();
        list.sort_unstable();
        let (mut strata, mut starts, mut firsts) = (Vec::new(), Vec::new(), Vec::new());
        let mut from = 0;
        for (i, (place, deepest)) in list.iter().enumerate() {
            if i == 0 || list[i - 1].0 != *place {
                starts.push(i as u32);
                firsts.push(*deepest);
            }
            let ends = list.get(i + 1).is_none_or(|next| next.0.stratum != place.stratum);
            if ends {
                let end = starts.len() as u32;
                let made = stratum(place.stratum, &firsts);
                firsts.clear();
                strata.push(Stratum { first: from, end, ..made });
                from = end;
            }
        }
        let units = starts.len() as u32;
        starts.push(list.len() as u32);
        let stage = Stage { strata, deepest: (0..=units).collect(), inclusion: None };
        Layer {
            sign,
            tree: UnitTree { stages: vec![stage], unit_of_row: Vec::new(), order: None },
            members: list.into_iter().map(|(_, unit)| unit).collect(),
            starts,
            counts: false,
            is_second_phase: false,
        }
    }

    /// The deepest units of the design's tree in a unit of this layer.
    pub fn members(&self, unit: usize) -> &[u32] {
        &self.members[self.starts[unit] as usize..self.starts[unit + 1] as usize]
    }

    /// For each deepest unit of the design's tree its unit in this layer; `u32::MAX` for none.
    pub fn unit_of_deepest(&self, units: usize) -> Vec<u32> {
        let mut of = vec![u32::MAX; units];
        for (unit, pair) in (0..).zip(self.starts.windows(2)) {
            for &member in &self.members[pair[0] as usize..pair[1] as usize] {
                of[member as usize] = unit;
            }
        }
        of
    }

    /// Units minus strata, counting those with a row for which `keep` holds.
    pub(super) fn df_of(&self, tree: &UnitTree, keep: &impl Fn(usize) -> bool) -> f64 {
        let of = self.unit_of_deepest(tree.units());
        let stratum = self.tree.stratum_of_first_stage();
        let mut seen = vec![false; stratum.len()];
        for (row, &unit) in tree.unit_of_row.iter().enumerate() {
            if let Some(slot) = seen.get_mut(of[unit as usize] as usize)
                && keep(row)
            {
                *slot = true;
            }
        }
        let mut strata: Vec<u32> =
            stratum.iter().zip(&seen).filter(|(_, seen)| **seen).map(|(h, _)| *h).collect();
        let units = strata.len();
        strata.dedup();
        units as f64 - strata.len() as f64
    }
}
