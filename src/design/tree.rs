//! The sample as a tree of units: strata hold units, units hold the strata of the next stage.

use std::sync::Arc;

use super::form::Form;
use super::groups::offsets;

/// One stratum at one stage, within one unit of the stage before.
#[derive(Debug, Clone, PartialEq)]
pub struct Stratum {
    /// First unit of the stage in this stratum.
    pub first: u32,
    /// One past its last unit.
    pub end: u32,
    /// Units in the population; infinite when sampling is with replacement.
    pub population: f64,
    /// Product of n/N over the stages above: the share with which this stratum counts.
    pub share: f64,
    /// A row of the data in this stratum, to name it.
    pub row: u32,
    /// The variance estimator; that of simple random sampling if `None`.
    pub form: Option<Arc<Form>>,
}

impl Stratum {
    /// Units sampled.
    pub fn n(&self) -> usize {
        (self.end - self.first) as usize
    }

    /// 1 − n/N.
    pub fn fpc(&self) -> f64 {
        if self.population.is_infinite() { 1.0 } else { 1.0 - self.n() as f64 / self.population }
    }

    /// True when every unit of the population is in the sample (to rounding), so that this
    /// stage adds no variance.
    pub fn is_census(&self) -> bool {
        self.fpc() < 1e-7
    }

    /// True when the variance can't be estimated from it: one unit, not a census.
    pub fn is_lonely(&self) -> bool {
        self.n() == 1 && self.form.is_none() && !self.is_census()
    }
}

/// One stage of selection.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stage {
    /// The strata, in order of their units.
    pub strata: Vec<Stratum>,
    /// For each unit its first unit at the deepest stage; one more entry at the end.
    pub deepest: Vec<u32>,
    /// For each unit its inclusion probability, where these differ within a stratum.
    pub inclusion: Option<Vec<f64>>,
}

impl Stage {
    /// Units at this stage.
    pub fn units(&self) -> usize {
        self.deepest.len().saturating_sub(1)
    }

    /// The deepest units of a unit of this stage.
    pub fn of_unit(&self, unit: usize) -> std::ops::Range<usize> {
        self.deepest[unit] as usize..self.deepest[unit + 1] as usize
    }
}

/// Stages of units, numbered so that the units of a stratum, and the units within a unit, are
/// consecutive.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct UnitTree {
    /// The stages that add to the variance, first stage first.
    pub stages: Vec<Stage>,
    /// For each row its unit at the deepest of these stages.
    pub unit_of_row: Vec<u32>,
    /// The rows in order of their units; `None` when they are in that order already.
    pub order: Option<Vec<u32>>,
}

impl UnitTree {
    /// Units at the deepest stage.
    pub fn units(&self) -> usize {
        self.stages.last().map_or(0, Stage::units)
    }

    /// For each deepest unit its first-stage unit.
    pub fn first_stage_of_unit(&self) -> Vec<u32> {
        let Some(first) = self.stages.first() else { return Vec::new() };
        let mut of = vec![0; self.units()];
        for (unit, pair) in (0..).zip(first.deepest.windows(2)) {
            of[pair[0] as usize..pair[1] as usize].fill(unit);
        }
        of
    }

    /// For each first-stage unit its stratum.
    pub fn stratum_of_first_stage(&self) -> Vec<u32> {
        let Some(first) = self.stages.first() else { return Vec::new() };
        let mut of = vec![0; first.units()];
        for (h, stratum) in (0..).zip(&first.strata) {
            of[stratum.first as usize..stratum.end as usize].fill(h);
        }
        of
    }

    /// The rows in order of their units; `None` when they are in that order already.
    pub(super) fn row_order(unit_of_row: &[u32], units: usize) -> Option<Vec<u32>> {
        if unit_of_row.is_sorted() {
            return None;
        }
        let mut next = offsets(unit_of_row, units);
        let mut order = vec![0; unit_of_row.len()];
        for (row, &unit) in (0..).zip(unit_of_row) {
            let slot = &mut next[unit as usize];
            order[*slot as usize] = row;
            *slot += 1;
        }
        Some(order)
    }

    /// Makes one stratum of each of these sets of first-stage strata, at the place of the first of
    /// them; population sizes add. Units are renumbered so that those of a stratum stay together.
    pub(super) fn join_strata(&mut self, sets: &[Vec<usize>]) {
        let Some(first) = self.stages.first() else { return };
        let mut is_later = vec![false; first.strata.len()];
        let mut others: Vec<&[usize]> = vec![&[]; first.strata.len()];
        for set in sets {
            let Some((&head, rest)) = set.split_first() else { continue };
            others[head] = rest;
            rest.iter().for_each(|&h| is_later[h] = true);
        }
        let mut strata: Vec<Stratum> = Vec::new();
        let mut order: Vec<u32> = Vec::with_capacity(first.units());
        for head in (0..first.strata.len()).filter(|&h| !is_later[h]) {
            let mut joined = Stratum { first: order.len() as u32, ..first.strata[head].clone() };
            order.extend(first.strata[head].first..first.strata[head].end);
            for &other in others[head] {
                let other = &first.strata[other];
                joined.population += other.population;
                order.extend(other.first..other.end);
            }
            joined.end = order.len() as u32;
            strata.push(joined);
        }
        self.reorder(&order);
        if let Some(first) = self.stages.first_mut() {
            first.strata = strata;
        }
    }

    /// Puts the first-stage units into another order; their strata are left to the caller.
    fn reorder(&mut self, order: &[u32]) {
        let blocks = self.stages[0].deepest.clone();
        let block = |unit: u32| blocks[unit as usize]..blocks[unit as usize + 1];
        let mut new_of_deepest = vec![0; self.units()];
        let old = order.iter().flat_map(|&unit| block(unit));
        (0..).zip(old).for_each(|(new, old)| new_of_deepest[old as usize] = new);
        for (s, stage) in self.stages.iter_mut().enumerate() {
            // The units of this stage within each first-stage unit are consecutive.
            let within = |unit: u32| {
                let at = |deepest: u32| stage.deepest.partition_point(|&d| d < deepest);
                at(block(unit).start)..at(block(unit).end)
            };
            let units: Vec<usize> = order.iter().flat_map(|&unit| within(unit)).collect();
            let mut starts = Vec::with_capacity(units.len() + 1);
            let mut next = 0;
            let mut new_of_unit = vec![0; units.len()];
            for (new, &old) in units.iter().enumerate() {
                new_of_unit[old] = new as u32;
                starts.push(next);
                next += stage.deepest[old + 1] - stage.deepest[old];
            }
            starts.push(next);
            if s > 0 {
                for stratum in &mut stage.strata {
                    let n = stratum.end - stratum.first;
                    stratum.first = new_of_unit[stratum.first as usize];
                    stratum.end = stratum.first + n;
                }
                stage.strata.sort_by_key(|stratum| stratum.first);
            }
            if let Some(pi) = &mut stage.inclusion {
                *pi = units.iter().map(|&old| pi[old]).collect();
            }
            stage.deepest = starts;
        }
        self.unit_of_row.iter_mut().for_each(|unit| *unit = new_of_deepest[*unit as usize]);
        self.order = UnitTree::row_order(&self.unit_of_row, new_of_deepest.len());
    }
}
