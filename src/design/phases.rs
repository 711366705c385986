//! The layers of designs with a second phase, and of crossed clusterings.

use std::collections::HashMap;
use std::sync::Arc;

use super::error::DesignError;
use super::form::Form;
use super::input::DesignInput;
use super::layer::{Layer, Place};
use super::lonely::LonelyPsu;
use super::selection::{PhaseMethod, SecondPhase};
use super::tree::{Stratum, UnitTree};
use super::variable::{Variable, complete_codes, complete_numbers};

/// A clustering that crosses that of the tree: V = V(first) + V(second) − V(both), over all pairs of
/// rows that share a cluster of either (Cameron, Gelbach and Miller 2011, eq. 2.11).
///
/// The second clustering has no strata.
pub(super) fn crossed(
    input: &DesignInput<'_>,
    crossed: Variable<'_>,
    tree: &UnitTree,
) -> Result<Vec<Layer>, DesignError> {
    let factor = complete_codes(crossed, "crossed cluster", input.rows)?;
    let mut code = vec![0_u64; tree.units()];
    for (row, &unit) in tree.unit_of_row.iter().enumerate() {
        code[unit as usize] = u64::from(factor.codes.get(row));
    }
    let first = tree.first_stage_of_unit();
    let stratum = tree.stratum_of_first_stage();
    let plain = |_: u64, _: &[u32]| empty_stratum();
    let second = code.iter().map(|&unit| Some(Place { stratum: 0, unit }));
    let mut second = Layer::new(1.0, second, plain);
    second.counts = true;
    if second.tree.stages[0].units() < 2 {
        return Err(DesignError::OneCrossed { variable: crossed.name.to_string() });
    }
    let levels = factor.levels.len() as u64;
    let both = (0..tree.units()).map(|unit| {
        let psu = first[unit];
        let stratum = u64::from(stratum[psu as usize]);
        Some(Place { stratum, unit: u64::from(psu) * levels + code[unit] })
    });
    Ok(vec![second, Layer::new(-1.0, both, plain)])
}

fn empty_stratum() -> Stratum {
    Stratum { first: 0, end: 0, population: f64::INFINITY, share: 1.0, row: 0, form: None }
}

/// The second phase, read and counted; its weights are in the weights of the rows.
pub(super) struct Read {
    method: PhaseMethod,
    /// For each deepest unit whether it was selected, its stratum and its unit.
    selected: Vec<bool>,
    stratum: Vec<u32>,
    unit: Vec<u32>,
    /// Units and selected units of every stratum.
    counts: Vec<(f64, f64)>,
    /// The probability of every deepest unit.
    probability: Vec<f64>,
    /// Units are drawn independently of each other.
    is_poisson: bool,
    /// A row of every stratum.
    rows: Vec<u32>,
}

/// Reads the second phase and multiplies the weights by one over its probabilities; rows that are
/// not in it get weight zero.
pub(super) fn second_phase(
    input: &DesignInput<'_>,
    phase: &SecondPhase<'_>,
    tree: &UnitTree,
    weights: &mut [f64],
) -> Result<Read, DesignError> {
    let rows = input.rows;
    let name = |v: &Variable<'_>| v.name.to_string();
    let flags = complete_numbers(phase.selected, "phase", rows)?;
    if let Some(row) = (0..rows).find(|&r| flags.get(r) != 0.0 && flags.get(r) != 1.0) {
        let (variable, value) = (name(&phase.selected), flags.get(row));
        return Err(DesignError::NotZeroOne { variable, row: row + 1, value });
    }
    let strata =
        phase.strata.map(|v| complete_codes(v, "second-phase stratum", rows)).transpose()?;
    let clusters =
        phase.clusters.map(|v| complete_codes(v, "second-phase cluster", rows)).transpose()?;
    let given = phase.probability.map(|v| complete_numbers(v, "second-phase probability", rows));
    let given = given.transpose()?;
    let units = tree.units();
    let deepest = |row: usize| tree.unit_of_row[row] as usize;
    let own = |row: usize| match &clusters {
        Some(f) => f.codes.get(row),
        None => tree.unit_of_row[row],
    };
    let levels = strata.as_ref().map_or(1, |f| f.levels.len());
    let mut read = Read {
        method: phase.method,
        selected: vec![false; units],
        stratum: vec![0; units],
        unit: vec![0; units],
        counts: vec![(0.0, 0.0); levels],
        probability: vec![1.0; units],
        is_poisson: given.is_some(),
        rows: vec![0; levels],
    };
    // The stratum, the phase and the probability of every unit of the second phase.
    let mut of_unit: HashMap<u32, (u32, bool, f64)> = HashMap::new();
    for row in 0..rows {
        let h = strata.as_ref().map_or(0, |f| f.codes.get(row));
        let is_in = flags.get(row) == 1.0;
        let p = given.map_or(1.0, |g| g.get(row));
        if !(p > 0.0 && p <= 1.0) {
            return Err(DesignError::Probability {
                variable: phase.probability.as_ref().map_or_else(String::new, name),
                count: 1,
                row: row + 1,
                value: p,
            });
        }
        let found = of_unit.get(&own(row)).copied();
        match found {
            None => {
                of_unit.insert(own(row), (h, is_in, p));
                let count = &mut read.counts[h as usize];
                if count.0 == 0.0 {
                    read.rows[h as usize] = row as u32;
                }
                count.0 += 1.0;
                count.1 += f64::from(u8::from(is_in));
            }
            Some(first) if first != (h, is_in, p) => {
                let variable = if first.0 != h {
                    phase.strata.as_ref().map_or_else(String::new, name)
                } else if first.1 != is_in {
                    name(&phase.selected)
                } else {
                    phase.probability.as_ref().map_or_else(String::new, name)
                };
                return Err(DesignError::VariesInPhaseUnit { variable, row: row + 1 });
            }
            Some(_) => {}
        }
        let at = deepest(row);
        (read.selected[at], read.stratum[at], read.unit[at]) = (is_in, h, own(row));
        read.probability[at] = p;
    }
    if !read.is_poisson {
        let empty = read.counts.iter().position(|(all, taken)| *all > 0.0 && *taken == 0.0);
        if let Some(h) = empty {
            let stratum = strata
                .as_ref()
                .map_or_else(|| "the whole sample".to_string(), |f| f.levels[h].text().to_string());
            return Err(DesignError::NoneSelected { stratum, units: read.counts[h].0 });
        }
        for (p, &h) in read.probability.iter_mut().zip(&read.stratum) {
            let (all, taken) = read.counts[h as usize];
            *p = taken / all;
        }
    }
    for (row, w) in weights.iter_mut().enumerate() {
        let at = deepest(row);
        *w = if read.selected[at] { *w / read.probability[at] } else { 0.0 };
    }
    if weights.iter().all(|w| *w == 0.0) {
        return Err(DesignError::AllZero { variable: name(&phase.selected) });
    }
    Ok(read)
}

impl Read {
    /// The variance of the second phase, and what it changes in that of the first.
    ///
    /// The tree's own variance takes the sample of the second phase as that of the first: Q of
    /// z = y/(π₁π₂), the sum over pairs of Q_ij z_i z_j. What is wanted is the sum of
    /// Q_ij (π_i π_j/π_ij) z_i z_j with the probabilities of the second phase (Särndal, Swensson
    /// and Wretman 1992, eq. 9.3.7); the layers here hold the difference, which is there for
    /// pairs in one second-phase stratum only.
    pub fn layers(
        &self,
        tree: &UnitTree,
        input: &DesignInput<'_>,
    ) -> Result<Vec<Layer>, DesignError> {
        let mut layers = Vec::new();
        for stage in &tree.stages {
            if stage.strata.iter().all(|h| h.share <= 0.0 || h.is_census()) {
                continue;
            }
            // The unit of this stage of each deepest unit, and its stratum.
            let mut unit = vec![0_u32; tree.units()];
            for (u, pair) in (0..).zip(stage.deepest.windows(2)) {
                unit[pair[0] as usize..pair[1] as usize].fill(u);
            }
            let mut stratum = vec![0_usize; stage.units()];
            for (h, own) in stage.strata.iter().enumerate() {
                stratum[own.first as usize..own.end as usize].fill(h);
            }
            // Q of a unit with itself, and with another unit of its stratum.
            let q = |u: u32| -> Result<(f64, f64), DesignError> {
                let own = &stage.strata[stratum[u as usize]];
                if own.share <= 0.0 || own.is_census() {
                    return Ok((0.0, 0.0));
                }
                let n = own.n() as f64;
                match &own.form {
                    None if n > 1.0 => {
                        let full = own.share * own.fpc();
                        let approx = full * n / (n - 1.0);
                        Ok(match self.method {
                            PhaseMethod::Full => (full, -full / (n - 1.0)),
                            PhaseMethod::Approx => (approx, 0.0),
                        })
                    }
                    None => Ok((0.0, 0.0)),
                    Some(form) => match form.independent() {
                        Some(diagonal) => Ok((own.share * diagonal[(u - own.first) as usize], 0.0)),
                        None => {
                            Err(DesignError::PhaseMethod { method: input.selection.method.name() })
                        }
                    },
                }
            };
            let of_unit: Vec<(f64, f64)> =
                (0..stage.units() as u32).map(q).collect::<Result<_, _>>()?;
            let levels = self.counts.len() as u64;
            let within = (0..tree.units()).map(|d| {
                let stratum = u64::from(unit[d]) * levels + u64::from(self.stratum[d]);
                self.selected[d].then_some(Place { stratum, unit: u64::from(self.unit[d]) })
            });
            layers.push(Layer::new(1.0, within, |key, units| {
                let (u, h) = ((key / levels) as usize, (key % levels) as usize);
                let own = of_unit[u].0;
                self.correction(h, units, -own, own)
            }));
            if of_unit.iter().any(|q| q.1 != 0.0) {
                let between = (0..tree.units()).map(|d| {
                    let g = stratum[unit[d] as usize] as u64;
                    let stratum = g * levels + u64::from(self.stratum[d]);
                    self.selected[d].then_some(Place { stratum, unit: u64::from(unit[d]) })
                });
                layers.push(Layer::new(1.0, between, |key, units| {
                    let (g, h) = ((key / levels) as usize, (key % levels) as usize);
                    let pair = of_unit[stage.strata[g].first as usize].1;
                    self.correction(h, units, 0.0, pair)
                }));
            }
        }
        layers.push(self.own_variance(input)?);
        Ok(layers)
    }

    /// The stratum of a correction: own (1 − π) z² for each unit, κ pair z_i z_j for each pair.
    fn correction(&self, h: usize, units: &[u32], own: f64, pair: f64) -> Stratum {
        let rest = |d: &u32| 1.0 - self.probability[*d as usize];
        let (all, taken) = self.counts[h];
        let form = match self.method {
            _ if self.is_poisson => Form::diagonal(units.iter().map(|d| own * rest(d)).collect()),
            PhaseMethod::Full if taken > 1.0 => {
                let kappa = (1.0 - taken / all) / (taken - 1.0);
                Form::Exchangeable { diagonal: own * (1.0 - taken / all), pair: kappa * pair }
            }
            _ => Form::Exchangeable { diagonal: own * (1.0 - taken / all), pair: 0.0 },
        };
        Stratum { form: Some(Arc::new(form)), ..empty_stratum() }
    }

    /// The variance of the second phase given the first.
    fn own_variance(&self, input: &DesignInput<'_>) -> Result<Layer, DesignError> {
        let places = (0..self.selected.len()).map(|d| {
            let place =
                Place { stratum: u64::from(self.stratum[d]), unit: u64::from(self.unit[d]) };
            self.selected[d].then_some(place)
        });
        let mut layer = Layer::new(1.0, places, |h, units| {
            let (population, row) = (self.counts[h as usize].0, self.rows[h as usize]);
            let pi = || units.iter().map(|d| self.probability[*d as usize]).collect::<Vec<_>>();
            let form = self.is_poisson.then(|| Arc::new(Form::poisson(&pi())));
            Stratum { population, row, form, ..empty_stratum() }
        });
        (layer.counts, layer.is_second_phase) = (true, true);
        let lonely = layer.tree.stages[0].strata.iter().filter(|h| h.is_lonely()).count();
        if lonely > 0 && matches!(input.lonely, LonelyPsu::Error | LonelyPsu::Collapse) {
            return Err(DesignError::LonelyPhase { count: lonely });
        }
        Ok(layer)
    }
}
