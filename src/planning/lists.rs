//! Who is on the list that a sample is drawn from.
//!
//! A frame with `covers` lists a share of a group only. Its people are then of two kinds: those on the list,
//! who can be drawn, and the others, whom a sample from it never reaches.

use crate::data::expr::Expression;
use crate::sampling::{Design, Sample};

use super::frame::AreaFrame;
use super::people::{Domain, Kinds, Level};

/// A kind before its people are counted: for each frame of the design whether they are on it, and
/// which share of the people of these levels they are.
pub(super) struct Listing {
    pub(super) listed: Vec<bool>,
    pub(super) share: f64,
}

/// The ways in which people of some levels can be on the frames of a design. They are taken to be on one frame
/// independently of the others.
pub(super) fn listings(design: &Design, levels: &[Level]) -> Vec<Listing> {
    let mut all = vec![Listing { listed: Vec::new(), share: 1.0 }];
    for frame in &design.frames {
        let covered = frame.covered(levels.iter().filter_map(|(_, level)| *level));
        let parts = [(true, covered), (false, 1.0 - covered)];
        all = all
            .iter()
            .flat_map(|before| {
                parts.iter().filter(|(_, share)| *share > 0.0).map(|(on, share)| {
                    let listed = before.listed.iter().copied().chain([*on]).collect();
                    Listing { listed, share: before.share * share }
                })
            })
            .collect();
    }
    all
}

impl Kinds {
    /// True when people of a kind are on the list that a sample is drawn from.
    pub(super) fn on_list(&self, sample: &Sample, kind: usize) -> bool {
        let listed = &self.listed[kind];
        sample.frame.and_then(|f| listed.get(f)).is_none_or(|on| *on)
    }

    /// The share of the units of an area that are on the list of a sample, by area; `None` when all are.
    ///
    /// `count` is the formula that counts the units, on the list or not. One that is made of the columns of groups
    /// alone counts units of these groups; any other, units of everybody.
    pub(super) fn listed_share(
        &self,
        design: &Design,
        frame: &AreaFrame,
        sample: &Sample,
        count: Option<&Expression>,
    ) -> Option<Vec<f64>> {
        if (0..self.people.len()).all(|k| self.on_list(sample, k)) {
            return None;
        }
        let groups = count.map_or_else(Vec::new, |count| counted_groups(design, count));
        let mut all = vec![0.0; frame.areas];
        let mut on = vec![0.0; frame.areas];
        let mut add = |kind: usize, people: &[f64]| {
            let listed = self.on_list(sample, kind);
            for (a, people) in people.iter().enumerate() {
                all[a] += people;
                on[a] += if listed { *people } else { 0.0 };
            }
        };
        for k in 0..self.people.len() {
            if groups.is_empty() {
                add(k, &self.people[k]);
            }
            for &group in &groups {
                let domain = Domain {
                    label: String::new(),
                    groups: vec![group],
                    complement: false,
                    areas: None,
                };
                add(k, &self.domain(design, frame, &domain, k));
            }
        }
        Some(all.iter().zip(on).map(|(all, on)| if *all > 0.0 { on / all } else { 1.0 }).collect())
    }
}

/// The groups whose columns a formula is made of; none when it has a column of no group.
fn counted_groups(design: &Design, formula: &Expression) -> Vec<usize> {
    let has = |of: &Option<Expression>, name: &str| {
        of.as_ref().is_some_and(|of| of.columns().iter().any(|c| c.name == name))
    };
    let mut found = Vec::new();
    for mention in formula.columns() {
        let name = &mention.name;
        let population = &design.population;
        if has(&population.count, name) || has(&population.households, name) {
            return Vec::new();
        }
        let own: Vec<usize> =
            (0..design.groups.len()).filter(|&g| has(&design.groups[g].count, name)).collect();
        if own.is_empty() {
            return Vec::new();
        }
        found.extend(own);
    }
    found.sort_unstable();
    found.dedup();
    found
}
