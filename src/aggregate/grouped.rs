//! Sums by (cell, domain) and unit: what replicates need whose weights have one factor by unit
//! and another by cell.

use std::ops::Range;

use rayon::prelude::*;

use super::replicates::LANES;
use super::request::{DomainCodes, Measure};
use crate::data::{Codes, Numbers};
use crate::design::UnitTree;

/// Rows of one lane, about.
const LANE_ROWS: usize = 1 << 16;

/// Rows that are unpacked at a time.
const BLOCK: usize = 1 << 12;

/// One number per replicate of a block.
pub type Lane = [f64; LANES];

/// What is summed.
#[derive(Debug, Clone, Copy)]
pub struct GroupedRequest<'a> {
    /// The units.
    pub tree: &'a UnitTree,
    /// The weight of every row before any factor.
    pub weights: &'a [f64],
    /// The cell of every row; rows without one are left out.
    pub cells: &'a Codes,
    /// Number of cells.
    pub count: usize,
    /// The domain of every row and what to sum; `None` sums the weights alone, by cell.
    pub measures: Option<(&'a DomainCodes, &'a [Measure<'a>])>,
}

/// Rows of one cell and one domain.
#[derive(Debug, Clone, Copy)]
struct Group {
    cell: u32,
    domain: u32,
    /// One past its last entry.
    end: u32,
}

/// Sums by group and unit. An entry holds the sums of the rows of one unit in one group, so that
/// there are no more entries than rows.
#[derive(Debug, Clone)]
pub struct GroupedSums {
    lanes: Vec<GroupLane>,
    cells: usize,
    /// Sums held per entry.
    kept: usize,
    /// For each slot of the measures the sum that holds it.
    slots: Vec<usize>,
}

#[derive(Debug, Clone, Default)]
struct GroupLane {
    groups: Vec<Group>,
    units: Vec<u32>,
    /// `kept` per entry.
    sums: Vec<f64>,
}

/// Goes through the rows once and sums by cell, domain and unit.
///
/// Slots are those of the measures in order. Σw of a measure without missing values is held once for
/// all of them.
///
/// # Panics
/// If weights, cells, domains and measures have not one entry per row.
pub fn grouped_sums(request: &GroupedRequest<'_>) -> GroupedSums {
    let measures = request.measures.map_or(&[][..], |(_, measures)| measures);
    // The first sum is Σw over all rows.
    let (mut slots, mut kept) = (Vec::new(), 1);
    for measure in measures {
        for slot in 0..measure.width() {
            if slot == 0 && !any_missing(measure) {
                slots.push(0);
            } else {
                slots.push(kept);
                kept += 1;
            }
        }
    }
    let order = sorted_rows(request);
    let group = |row: u32| {
        let domain = request.measures.map_or(0, |(domains, _)| domains.codes.get(row as usize));
        (request.cells.get(row as usize), domain)
    };
    // Lanes that do not split a group.
    let mut cuts = vec![0];
    let lanes = (order.len() / LANE_ROWS).max(1);
    for lane in 1..lanes {
        let mut cut = order.len() * lane / lanes;
        while cut < order.len() && group(order[cut]) == group(order[cut - 1]) {
            cut += 1;
        }
        if cut < order.len() && cuts.last().is_some_and(|&last| cut > last) {
            cuts.push(cut);
        }
    }
    cuts.push(order.len());
    let lanes = cuts
        .par_windows(2)
        .map(|cut| lane_sums(request, measures, &slots, kept, &order[cut[0]..cut[1]]))
        .collect();
    GroupedSums { lanes, cells: request.count, kept, slots }
}

fn any_missing(measure: &Measure<'_>) -> bool {
    match measure {
        Measure::Number(y) => y.any_missing(),
        Measure::Pair(y, x) => y.any_missing() || x.any_missing(),
        Measure::Levels(codes, _) => {
            (0..codes.len()).into_par_iter().any(|row| codes.get(row) == Codes::NONE)
        }
    }
}

/// The rows that count, ordered by cell, then domain, then unit.
fn sorted_rows(request: &GroupedRequest<'_>) -> Vec<u32> {
    let counts = |row: &u32| {
        let row = *row as usize;
        request.weights[row] != 0.0
            && request.cells.get(row) != Codes::NONE
            && request.measures.is_none_or(|(domains, _)| domains.codes.get(row) != Codes::NONE)
    };
    let rows = request.weights.len() as u32;
    let mut order: Vec<u32> = match &request.tree.order {
        Some(order) => order.iter().copied().filter(counts).collect(),
        None => (0..rows).filter(counts).collect(),
    };
    if let Some((domains, _)) = request.measures
        && domains.count > 1
    {
        order = by_code(&order, &domains.codes, domains.count);
    }
    by_code(&order, request.cells, request.count)
}

/// Sorts rows by a code, keeping the order among those of one code.
fn by_code(order: &[u32], codes: &Codes, count: usize) -> Vec<u32> {
    let mut start = vec![0_u32; count + 1];
    order.iter().for_each(|&row| start[codes.get(row as usize) as usize + 1] += 1);
    (1..start.len()).for_each(|i| start[i] += start[i - 1]);
    let mut out = vec![0; order.len()];
    for &row in order {
        let next = &mut start[codes.get(row as usize) as usize];
        out[*next as usize] = row;
        *next += 1;
    }
    out
}

fn lane_sums(
    request: &GroupedRequest<'_>,
    measures: &[Measure<'_>],
    slots: &[usize],
    kept: usize,
    rows: &[u32],
) -> GroupLane {
    let mut out = GroupLane::default();
    let mut last = None;
    let (mut cells, mut domains) = (vec![0; BLOCK], vec![0; BLOCK]);
    let mut values: Vec<[Vec<f64>; 2]> = measures.iter().map(|_| Default::default()).collect();
    let mut levels: Vec<Vec<u32>> = vec![Vec::new(); measures.len()];
    for block in rows.chunks(BLOCK) {
        request.cells.gather(block, &mut cells[..block.len()]);
        if let Some((of, _)) = request.measures {
            of.codes.gather(block, &mut domains[..block.len()]);
        }
        for (m, measure) in measures.iter().enumerate() {
            let load = |column: &Numbers, out: &mut Vec<f64>| {
                out.resize(block.len(), 0.0);
                column.gather(block, out);
            };
            match measure {
                Measure::Number(y) => load(y, &mut values[m][0]),
                Measure::Pair(y, x) => {
                    load(y, &mut values[m][0]);
                    load(x, &mut values[m][1]);
                }
                Measure::Levels(codes, _) => {
                    levels[m].resize(block.len(), 0);
                    codes.gather(block, &mut levels[m]);
                }
            }
        }
        for (i, &row) in block.iter().enumerate() {
            let key = (cells[i], domains[i]);
            let unit = request.tree.unit_of_row[row as usize];
            let is_new = last.is_none_or(|(k, _)| k != key);
            if is_new {
                let end = out.units.len() as u32;
                if let Some(group) = out.groups.last_mut() {
                    group.end = end;
                }
                out.groups.push(Group { cell: key.0, domain: key.1, end });
            }
            if is_new || last.is_none_or(|(_, u)| u != unit) {
                out.units.push(unit);
                out.sums.resize(out.sums.len() + kept, 0.0);
            }
            last = Some((key, unit));
            let at = out.sums.len() - kept;
            let sums = &mut out.sums[at..];
            let w = request.weights[row as usize];
            sums[0] += w;
            let mut slot = 0;
            for (m, measure) in measures.iter().enumerate() {
                // A shared Σw is there already.
                let mut add = |k: usize, value: f64| {
                    if slots[slot + k] != 0 {
                        sums[slots[slot + k]] += w * value;
                    }
                };
                match measure {
                    Measure::Number(_) => {
                        let y = values[m][0][i];
                        if !y.is_nan() {
                            add(0, 1.0);
                            add(1, y);
                        }
                    }
                    Measure::Pair(..) => {
                        let (y, x) = (values[m][0][i], values[m][1][i]);
                        if !y.is_nan() && !x.is_nan() {
                            add(0, 1.0);
                            add(1, y);
                            add(2, x);
                        }
                    }
                    Measure::Levels(..) => {
                        let level = levels[m][i];
                        if level != Codes::NONE {
                            add(0, 1.0);
                            add(1 + level as usize, 1.0);
                        }
                    }
                }
                slot += measure.width();
            }
        }
    }
    let end = out.units.len() as u32;
    if let Some(group) = out.groups.last_mut() {
        group.end = end;
    }
    out
}

impl GroupedSums {
    /// Σ f w by cell for a block of replicates; `factors` has an entry per unit.
    pub fn cell_totals(&self, factors: &[Lane]) -> Vec<Lane> {
        let mut out = vec![[0.0; LANES]; self.cells];
        for lane in &self.lanes {
            lane.each(self.kept, factors, |group, sums| {
                out[group.cell as usize].iter_mut().zip(&sums[0]).for_each(|(t, s)| *t += s);
            });
        }
        out
    }

    /// Σ f g w s for every slot s of every domain, in the order domain, slot; `factors` has an entry f
    /// per unit and `g` one per cell.
    pub fn domain_totals(&self, factors: &[Lane], g: &[Lane], domains: usize) -> Vec<Lane> {
        // Sums are added up before slots are told apart, which may share one.
        let mut totals = vec![[0.0; LANES]; domains * self.kept];
        for lane in &self.lanes {
            lane.each(self.kept, factors, |group, sums| {
                let g = &g[group.cell as usize];
                let at = group.domain as usize * self.kept;
                for (totals, sums) in totals[at..at + self.kept].iter_mut().zip(sums) {
                    for l in 0..LANES {
                        totals[l] += g[l] * sums[l];
                    }
                }
            });
        }
        let domain = |d: usize| self.slots.iter().map(move |s| d * self.kept + s);
        (0..domains).flat_map(domain).map(|at| totals[at]).collect()
    }
}

impl GroupLane {
    /// Hands on every group with its sums under the factors of the units.
    fn each(&self, kept: usize, factors: &[Lane], mut take: impl FnMut(&Group, &[Lane])) {
        let mut sums = vec![[0.0; LANES]; kept];
        let mut first = 0;
        for group in &self.groups {
            let entries = first..group.end as usize;
            first = group.end as usize;
            sums.fill([0.0; LANES]);
            // Loops of a fixed length are several times faster.
            match kept {
                1 => self.add::<1>(entries, factors, &mut sums),
                2 => self.add::<2>(entries, factors, &mut sums),
                3 => self.add::<3>(entries, factors, &mut sums),
                4 => self.add::<4>(entries, factors, &mut sums),
                5 => self.add::<5>(entries, factors, &mut sums),
                6 => self.add::<6>(entries, factors, &mut sums),
                7 => self.add::<7>(entries, factors, &mut sums),
                _ => self.add_any(kept, entries, factors, &mut sums),
            }
            take(group, &sums);
        }
    }

    fn add<const K: usize>(&self, entries: Range<usize>, factors: &[Lane], out: &mut [Lane]) {
        let mut sums = [[0.0; LANES]; K];
        let values = self.sums[entries.start * K..entries.end * K].chunks_exact(K);
        for (&unit, values) in self.units[entries].iter().zip(values) {
            let factor = &factors[unit as usize];
            for k in 0..K {
                for l in 0..LANES {
                    sums[k][l] += values[k] * factor[l];
                }
            }
        }
        out.copy_from_slice(&sums);
    }

    fn add_any(&self, kept: usize, entries: Range<usize>, factors: &[Lane], out: &mut [Lane]) {
        let values = self.sums[entries.start * kept..entries.end * kept].chunks_exact(kept);
        for (&unit, values) in self.units[entries].iter().zip(values) {
            let factor = &factors[unit as usize];
            for (sums, value) in out.iter_mut().zip(values) {
                for l in 0..LANES {
                    sums[l] += value * factor[l];
                }
            }
        }
    }
}
