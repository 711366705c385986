//! One draw: down the tree of units, touching only what is selected.

use rand::Rng;
use rand_chacha::ChaCha12Rng;

use super::cells::{Cell, How};
use super::layout::{Layout, Stage};
use crate::draw::cube::cube;
use crate::draw::error::DrawError;
use crate::draw::method::{Method, select, select_by_numbers};
use crate::draw::simple::{bernoulli, simple};
use crate::draw::systematic::systematic;
use crate::numeric::random::{stream, unit};

/// What the random numbers of a draw are for. Draws of one seed and replicate are the same on every
/// machine and with any number of threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purpose {
    /// The seed.
    pub seed: u64,
    /// The replicate of a simulation; `None` for the draw itself.
    pub replicate: Option<u64>,
}

impl Purpose {
    fn stream(&self, sample: &str, what: &str) -> ChaCha12Rng {
        let purpose = match self.replicate {
            None => format!("draw/{sample}/{what}"),
            Some(r) => format!("simulate/{r}/draw/{sample}/{what}"),
        };
        stream(self.seed, &purpose, 0)
    }
}

/// A sample drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// By stage, the units in the sample (after screening), ascending within their parents.
    pub units: Vec<Vec<u32>>,
    /// By stage, units that were drawn before screening.
    pub issued: Vec<usize>,
    /// Rows of the frame in the sample.
    pub rows: Vec<u32>,
    /// By row of the sample and stage, the unit: `units[stage * rows + i]` would be long; one list per stage.
    pub unit_of: Vec<Vec<u32>>,
    /// By stage, the units that were drawn before screening, where some were not kept.
    asked: Vec<Option<Vec<u32>>>,
}

impl Drawn {
    /// The units of a stage that were drawn, whether or not screening kept them.
    pub(super) fn asked(&self, stage: usize) -> &[u32] {
        let before = self.asked.get(stage).and_then(Option::as_ref);
        before.or(self.units.get(stage)).map_or(&[], Vec::as_slice)
    }
}

impl Layout {
    /// Draws the sample. `followed` are the units of the first stage of the sample that this one
    /// follows, by their names; `barred` by stage and unit those that earlier samples have drawn.
    ///
    /// # Errors
    /// What a method refuses: frames too large for it, permanent numbers outside 0 … 1.
    pub fn draw(
        &self,
        purpose: Purpose,
        followed: Option<&[String]>,
        barred: &[Option<Vec<bool>>],
        table: &crate::data::Table,
    ) -> Result<Drawn, DrawError> {
        let mut parents: Vec<u32> = vec![0];
        // By unit of the present stage, the units above it.
        let mut paths: Vec<Vec<u32>> = Vec::new();
        let mut drawn = Drawn {
            units: Vec::new(),
            issued: Vec::new(),
            rows: Vec::new(),
            unit_of: Vec::new(),
            asked: Vec::new(),
        };
        for (s, stage) in self.stages.iter().enumerate() {
            let base = purpose.stream(&self.name, &format!("stage-{}", s + 1));
            let keep = stage
                .kept
                .as_ref()
                .map(|k| (k, purpose.stream(&self.name, &format!("keep-{}", s + 1))));
            let barred = barred.get(s).and_then(Option::as_ref);
            let mut asked: Vec<u32> = Vec::new();
            let mut taken: Vec<u32> = Vec::new();
            let mut from: Vec<u32> = Vec::new();
            let mut issued = 0;
            for (i, &parent) in parents.iter().enumerate() {
                let cells = stage.cells_of[parent as usize] as usize
                    ..stage.cells_of[parent as usize + 1] as usize;
                for cell in &stage.cells[cells] {
                    let before = taken.len();
                    match (cell.how, followed) {
                        (How::Follow, Some(names)) => {
                            let names: std::collections::HashSet<&String> = names.iter().collect();
                            let own = cell.first..cell.first + cell.units;
                            taken.extend(own.filter(|u| names.contains(&stage.name(*u, table))));
                        }
                        (How::All, _) if barred.is_none() => {
                            taken.extend(cell.first..cell.first + cell.units);
                        }
                        _ => {
                            let mut rng = base.clone();
                            rng.set_stream(cell.key);
                            taken.extend(self.chosen(stage, cell, barred, &mut rng)?);
                        }
                    }
                    issued += taken.len() - before;
                    if keep.is_some() {
                        asked.extend(&taken[before..]);
                    }
                    if let Some((rates, stream)) = &keep {
                        let mut rng = stream.clone();
                        rng.set_stream(cell.key);
                        let mut at = before;
                        for k in before..taken.len() {
                            let rate = rates[taken[k] as usize];
                            if rate > 0.0 && (rate >= 1.0 || unit(rng.next_u64()) < rate) {
                                taken[at] = taken[k];
                                at += 1;
                            }
                        }
                        taken.truncate(at);
                    }
                    from.resize(taken.len(), i as u32);
                }
            }
            let above = |list: &Vec<u32>| from.iter().map(|&i| list[i as usize]).collect();
            paths = paths.iter().map(above).collect();
            paths.push(taken.clone());
            drawn.units.push(taken.clone());
            drawn.issued.push(issued);
            drawn.asked.push(keep.is_some().then_some(asked));
            parents = taken;
        }
        drawn.unit_of = vec![Vec::new(); self.stages.len()];
        if let Some(last) = self.stages.last() {
            for (i, &u) in parents.iter().enumerate() {
                for &row in &self.order[last.span(u)] {
                    if self.outside.as_ref().is_some_and(|o| o[row as usize]) {
                        continue;
                    }
                    drawn.rows.push(row);
                    for (list, path) in drawn.unit_of.iter_mut().zip(&paths) {
                        list.push(path[i]);
                    }
                }
            }
        }
        Ok(drawn)
    }

    /// The units of the first stage that were drawn, by name, for samples that follow this one.
    pub fn first_stage(&self, drawn: &Drawn, table: &crate::data::Table) -> Vec<String> {
        let (Some(stage), Some(units)) = (self.stages.first(), drawn.units.first()) else {
            return Vec::new();
        };
        units.iter().map(|u| stage.name(*u, table)).collect()
    }

    /// The units of a cell that are drawn, or found by those that are visited.
    fn chosen(
        &self,
        stage: &Stage,
        cell: &Cell,
        barred: Option<&Vec<bool>>,
        rng: &mut ChaCha12Rng,
    ) -> Result<Vec<u32>, DrawError> {
        let is_barred = |u: u32| barred.is_some_and(|b| b[u as usize]);
        if let Some(around) = &stage.around {
            if around.of_other {
                return Ok(around.found(cell, is_barred));
            }
            let mut visited = vec![false; cell.units as usize];
            for k in self.choose(stage, cell, rng)? {
                visited[k as usize] = true;
            }
            return Ok(around.found(cell, |u| visited[(u - cell.first) as usize]));
        }
        let own = cell.first..cell.first + cell.units;
        let open: Vec<u32> = own.filter(|u| !is_barred(*u)).collect();
        if open.len() == cell.units as usize {
            let chosen = self.choose(stage, cell, rng)?;
            return Ok(chosen.into_iter().map(|k| cell.first + k).collect());
        }
        // Only units of equal probabilities are kept out.
        let places = match cell.how {
            How::Equal { method: Method::Bernoulli, up, .. } => bernoulli(open.len(), up, rng)?,
            How::Equal { method, low, up } => {
                let n = (low as usize + usize::from(up > 0.0 && unit(rng.next_u64()) < up))
                    .min(open.len());
                match method {
                    Method::Systematic => systematic(open.len(), n, rng)?,
                    _ => simple(open.len(), n, rng)?,
                }
            }
            _ => return Ok(open),
        };
        Ok(places.into_iter().filter_map(|k| open.get(k as usize).copied()).collect())
    }

    fn choose(
        &self,
        stage: &Stage,
        cell: &Cell,
        rng: &mut ChaCha12Rng,
    ) -> Result<Vec<u32>, DrawError> {
        let units = cell.units as usize;
        let own = cell.first as usize..(cell.first + cell.units) as usize;
        let pi = &stage.pi[own.clone()];
        let of_units = |values: &[f64]| -> Vec<f64> {
            own.clone().map(|u| values[stage.row[u] as usize]).collect()
        };
        let method = match cell.how {
            How::Equal { method, .. } | How::Unequal(method) => method,
            How::Cube => {
                let mut variables: Vec<Vec<f64>> = vec![pi.to_vec()];
                variables.extend(stage.balance.iter().map(|b| of_units(b)));
                let variables: Vec<&[f64]> = variables.iter().map(Vec::as_slice).collect();
                return Ok(cube(pi, &variables, rng)?.units);
            }
            How::All | How::Follow => return Ok((0..cell.units).collect()),
        };
        if let Some(permanent) = &stage.permanent {
            return select_by_numbers(method, pi, &of_units(permanent), 0.0);
        }
        match cell.how {
            How::Equal { method: Method::Bernoulli, up, .. } => bernoulli(units, up, rng),
            How::Equal { method, low, up } => {
                let n = low as usize + usize::from(up > 0.0 && unit(rng.next_u64()) < up);
                match method {
                    Method::Systematic => systematic(units, n, rng),
                    _ => simple(units, n, rng),
                }
            }
            _ => select(method, pi, rng),
        }
    }
}
