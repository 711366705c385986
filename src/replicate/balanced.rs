//! Factors from Hadamard matrices: balanced half-samples and successive differences.

use std::sync::Arc;

use super::error::ReplicateError;
use super::factors::FactorStream;
use super::hadamard::Hadamard;
use super::make::{Made, lonely_center, resampled};
use super::method::ReplicateMethod;
use crate::design::{Form, Stratum, SurveyDesign, UnitTree};

/// The strata that are resampled, all of two units.
///
/// # Errors
/// The strata of another size.
pub(super) fn pairs<'d>(
    design: &'d SurveyDesign,
    method: &'static str,
) -> Result<Vec<&'d Stratum>, ReplicateError> {
    lonely_center(design, method)?;
    let strata = &design.tree.stages[0].strata;
    let pairs: Vec<&Stratum> = strata.iter().filter(|h| resampled(h)).collect();
    let odd: Vec<(u32, usize)> =
        pairs.iter().filter(|h| h.n() != 2).map(|h| (h.row, h.n())).collect();
    if odd.is_empty() { Ok(pairs) } else { Err(ReplicateError::NotPairs { method, strata: odd }) }
}

/// Balanced half-samples of paired units.
#[derive(Debug)]
pub(super) struct Balanced {
    tree: Arc<UnitTree>,
    matrix: Hadamard,
    /// First unit of each pair, and by how much its factor goes up or down.
    pairs: Vec<(u32, f64)>,
}

impl Balanced {
    pub fn plan(
        design: &SurveyDesign,
        rho: Option<f64>,
        at_least: Option<usize>,
    ) -> Result<Made, ReplicateError> {
        let method = if rho.is_some() { "Fay's method" } else { "balanced repeated replication" };
        let pairs = pairs(design, method)?;
        let step = 1.0 - rho.unwrap_or(0.0);
        // The row of ones is left out, so that the replicates of a total have its mean.
        let matrix = Hadamard::at_least((pairs.len() + 1).max(at_least.unwrap_or(2)));
        let replicates = matrix.order();
        let pairs = pairs.iter().map(|h| (h.first, step * h.fpc().sqrt())).collect();
        Ok(Made {
            family: if rho.is_some() { ReplicateMethod::Fay } else { ReplicateMethod::Brr },
            stream: Arc::new(Balanced { tree: design.tree.clone(), matrix, pairs }),
            replicates,
            scale: 1.0 / (replicates as f64 * step * step),
            rscales: Vec::new(),
            mse: false,
            notes: Vec::new(),
        })
    }
}

impl FactorStream for Balanced {
    fn write(&self, replicate: usize, out: &mut [f64]) {
        let deepest = &self.tree.stages[0].deepest;
        out.fill(1.0);
        for (row, &(first, step)) in self.pairs.iter().enumerate() {
            let up = step * self.matrix.sign(row + 1, replicate);
            let at = |unit: u32| deepest[unit as usize] as usize;
            out[at(first)..at(first + 1)].fill(1.0 + up);
            out[at(first + 1)..at(first + 2)].fill(1.0 - up);
        }
    }
}

/// The first row of the data of every first-stage unit.
pub(super) fn first_rows(tree: &UnitTree) -> Vec<u32> {
    let first_stage = tree.first_stage_of_unit();
    let units = tree.stages.first().map_or(0, |s| s.units());
    let mut rows = vec![u32::MAX; units];
    for (row, &unit) in (0..).zip(&tree.unit_of_row) {
        let slot = &mut rows[first_stage[unit as usize] as usize];
        *slot = row.min(*slot);
    }
    rows
}

/// The first-stage units stratum by stratum, in the order in which they were drawn: by a number of
/// their first row; without, in the order of the design's own successive differences; else by that
/// row itself.
pub(super) fn order_within(tree: &UnitTree, order: Option<&[f64]>, first_rows: &[u32]) -> Vec<u32> {
    let key = |unit: u32| {
        let row = first_rows[unit as usize];
        let value = order.and_then(|o| o.get(row as usize)).copied().unwrap_or(0.0);
        (value, row)
    };
    let mut units: Vec<u32> = (0..first_rows.len() as u32).collect();
    for stratum in tree.stages.first().map_or(&[][..], |s| s.strata.as_slice()) {
        units[stratum.first as usize..stratum.end as usize].sort_by(|&a, &b| {
            let (a, b) = (key(a), key(b));
            a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))
        });
        if let (None, Some(Form::Successive { order: own, .. })) = (order, stratum.form.as_deref())
        {
            for (place, at) in own.iter().enumerate() {
                units[stratum.first as usize + place] = stratum.first + at;
            }
        }
    }
    units
}

/// Successive differences of units in the order of their selection.
#[derive(Debug)]
pub(super) struct SuccessiveDifferences {
    tree: Arc<UnitTree>,
    matrix: Hadamard,
    /// The two rows of the matrix that each first-stage unit uses, and √(1 − f).
    rows: Vec<(u32, u32, f64)>,
}

impl SuccessiveDifferences {
    /// Every stratum is a chain of units that closes on itself; a unit shares one row of the matrix
    /// with the unit before and one with the unit after it (Ash 2014, §2: assignment RA1). With
    /// more units than rows the rows are used again, with a larger step between those of a unit.
    pub fn plan(
        design: &SurveyDesign,
        replicates: Option<usize>,
        order: Option<&Vec<f64>>,
    ) -> Result<Made, ReplicateError> {
        lonely_center(design, "successive difference replication")?;
        let tree = &design.tree;
        let stage = &tree.stages[0];
        let wanted = match replicates {
            Some(count) => count,
            // Exact where that takes no more than twice the usual number.
            None if stage.units() < 160 => stage.units() + 1,
            None => 80,
        };
        let matrix = Hadamard::at_least(wanted.max(4));
        let count = matrix.order();
        let first_rows = first_rows(tree);
        if first_rows.contains(&u32::MAX) {
            return Err(ReplicateError::NoOrder { method: "successive difference replication" });
        }
        let units = order_within(tree, order.map(Vec::as_slice), &first_rows);
        let mut rows = vec![(0, 0, 0.0); stage.units()];
        let mut walk = Walk { row: 0, step: 1, left: count - 1, rows: count - 1 };
        for stratum in &stage.strata {
            let shrink = if resampled(stratum) { stratum.fpc().sqrt() } else { 0.0 };
            let first = walk.row;
            let last = stratum.end as usize - 1;
            for place in stratum.first as usize..stratum.end as usize {
                let own = walk.row;
                let next = walk.next();
                let next = if place == last { first } else { next };
                rows[units[place] as usize] = (own as u32 + 1, next as u32 + 1, shrink);
            }
        }
        Ok(Made {
            family: ReplicateMethod::Sdr,
            stream: Arc::new(SuccessiveDifferences { tree: tree.clone(), matrix, rows }),
            replicates: count,
            scale: 4.0 / count as f64,
            rscales: Vec::new(),
            mse: true,
            notes: Vec::new(),
        })
    }
}

/// Goes through the rows of a matrix in cycles, each with another step that reaches all rows.
struct Walk {
    row: usize,
    step: usize,
    left: usize,
    rows: usize,
}

impl Walk {
    fn next(&mut self) -> usize {
        self.left -= 1;
        if self.left == 0 {
            self.left = self.rows;
            let reaches_all = |&step: &usize| gcd(step, self.rows) == 1;
            let after = (self.step + 1..self.rows).find(reaches_all);
            self.step = after.unwrap_or(1);
        }
        self.row = (self.row + self.step) % self.rows;
        self.row
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl FactorStream for SuccessiveDifferences {
    fn write(&self, replicate: usize, out: &mut [f64]) {
        let deepest = &self.tree.stages[0].deepest;
        let eighth = 0.125_f64.sqrt();
        for (unit, &(a, b, shrink)) in self.rows.iter().enumerate() {
            let sign = |row: u32| self.matrix.sign(row as usize, replicate);
            let factor = 1.0 + shrink * eighth * (sign(a) - sign(b));
            out[deepest[unit] as usize..deepest[unit + 1] as usize].fill(factor);
        }
    }
}
