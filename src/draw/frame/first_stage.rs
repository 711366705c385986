//! What the units of the first stages are called, and how many of them were drawn.

use std::collections::{HashMap, HashSet};

use super::carry_out::Drawn;
use super::layout::{Layout, Stage};
use crate::data::{Level, Table};

/// What the units of the first stages are called: strata and PSUs of the samples put together.
#[derive(Debug, Clone, Default)]
pub(super) struct FirstStage {
    pub strata: Vec<Level>,
    pub psus: Vec<Level>,
    /// By sample and unit, the codes of its stratum and of the PSU; no PSUs where rows are the
    /// units of every first stage.
    pub codes: Vec<Vec<(u32, u32)>>,
    pub rows_are_units: bool,
}

impl FirstStage {
    pub fn of(layouts: &[Layout], follows: &[Option<usize>], table: &Table) -> FirstStage {
        let mut first = FirstStage {
            rows_are_units: layouts.iter().all(|l| l.stages.first().is_none_or(|s| s.id.is_none())),
            ..FirstStage::default()
        };
        let (mut strata, mut psus) = (Names::default(), Names::default());
        for (s, layout) in layouts.iter().enumerate() {
            let Some(stage) = layout.stages.first() else {
                first.codes.push(Vec::new());
                continue;
            };
            let own = follows[s].unwrap_or(s);
            let named = |label: &str| match (layouts.len() > 1, label.is_empty()) {
                (false, true) => "all".to_string(),
                (false, false) => label.to_string(),
                (true, true) => layouts[own].name.clone(),
                (true, false) => format!("{}: {label}", layouts[own].name),
            };
            let labels = |of: &Stage| -> Vec<String> {
                if of.strata.is_empty() {
                    vec![named("")]
                } else {
                    of.strata.iter().map(|l| named(l)).collect()
                }
            };
            // The strata of a sample that follows another are that one's, by the names of the units.
            let other: HashMap<String, u32> = match (own == s, layouts[own].stages.first()) {
                (false, Some(theirs)) => (0..theirs.units() as u32)
                    .map(|u| (theirs.name(u, table), theirs.stratum_code(u)))
                    .collect(),
                _ => HashMap::new(),
            };
            let coded: Vec<u32> =
                labels(&layouts[own].stages[0]).into_iter().map(|l| strata.code(l)).collect();
            let code = |u: u32| {
                let stratum = if own == s {
                    stage.stratum_code(u)
                } else {
                    other.get(&stage.name(u, table)).copied().unwrap_or(0)
                };
                let stratum = coded.get(stratum as usize).copied().unwrap_or(0);
                let psu =
                    if first.rows_are_units { 0 } else { psus.code(stage.bare_name(u, table)) };
                (stratum, psu)
            };
            first.codes.push((0..stage.units() as u32).map(code).collect());
        }
        (first.strata, first.psus) = (strata.levels, psus.levels);
        first
    }

    /// By stratum, how many PSUs were drawn, whether or not somebody was found in them: those that
    /// several samples have in common once.
    pub fn psus_drawn(&self, layouts: &[Layout], drawn: &[Drawn]) -> Vec<f64> {
        let mut counts = vec![0.0; self.strata.len()];
        let mut seen = HashSet::new();
        for ((layout, drawn), codes) in layouts.iter().zip(drawn).zip(&self.codes) {
            let Some(stage) = layout.stages.first() else { continue };
            for &unit in drawn.asked(0) {
                let (stratum, psu) = codes[unit as usize];
                let psu = if self.rows_are_units { stage.row[unit as usize] } else { psu };
                if layouts.len() == 1 || seen.insert((stratum, psu)) {
                    counts[stratum as usize] += 1.0;
                }
            }
        }
        counts
    }
}

/// Names with codes in the order of their first appearance.
#[derive(Default)]
struct Names {
    levels: Vec<Level>,
    place: HashMap<String, u32>,
}

impl Names {
    fn code(&mut self, name: String) -> u32 {
        let next = self.levels.len() as u32;
        let levels = &mut self.levels;
        *self.place.entry(name).or_insert_with_key(|name| {
            levels.push(Level::new(name.clone()));
            next
        })
    }
}
