//! Weighted totals of calibration columns: by unit, and their cross-products.

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::columns::{XBlock, XColumns};
use super::lanes::Lanes;
use super::runs::{Runs, Touched, find};
use crate::design::UnitTree;

/// Σ w x by unit, sparse: (column, total) pairs of each unit.
#[derive(Debug, Clone, Default)]
pub struct UnitX {
    lanes: Vec<LaneX>,
}

/// The pairs of the units of one lane.
#[derive(Debug, Clone, Default)]
struct LaneX {
    runs: Runs,
    columns: Vec<u32>,
    totals: Vec<f64>,
}

impl UnitX {
    /// The nonzero totals of a unit.
    pub fn unit(&self, unit: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        find(&self.lanes, |lane| &lane.runs, unit).into_iter().flat_map(|(lane, run)| {
            let columns = lane.columns[run.clone()].iter().map(|&c| c as usize);
            columns.zip(lane.totals[run].iter().copied())
        })
    }
}

/// Σ w x over the rows of each unit, for every column x.
pub fn unit_x(tree: &UnitTree, x: &XColumns, weights: &[f64]) -> UnitX {
    let lanes = Lanes::new(tree, 64);
    let lanes = (0..lanes.len()).into_par_iter().map(|lane| lane_x(&lanes, lane, x, weights));
    UnitX { lanes: lanes.collect() }
}

fn lane_x(lanes: &Lanes<'_>, lane: usize, x: &XColumns, weights: &[f64]) -> LaneX {
    let mut out = LaneX { runs: Runs::new(lanes.first_unit(lane)), ..LaneX::default() };
    let mut sums = vec![0.0; x.width()];
    let mut touched = Touched::new(x.width());
    let (mut units, mut w, mut xs) = (Vec::new(), Vec::new(), XBlock::default());
    // Columns are gone through unit by unit where that is less than to keep track of them.
    let all = lanes.units(lane).saturating_mul(x.width()) <= lanes.rows(lane);
    let mut finish = |unit: u32, sums: &mut [f64], touched: &mut Touched| {
        if all {
            (0..x.width()).filter(|&c| sums[c] != 0.0).for_each(|c| touched.insert(c));
        }
        touched.drain(|c| {
            out.columns.push(c as u32);
            out.totals.push(std::mem::take(&mut sums[c]));
        });
        out.runs.close(unit as usize, out.columns.len());
    };
    let mut current = None;
    for block in lanes.blocks(lane) {
        block.units(&mut units);
        block.floats(weights, &mut w);
        xs.load(&block, x);
        let mut from = 0;
        for rows in units.chunk_by(|a, b| a == b) {
            let unit = rows[0];
            if let Some(before) = current.replace(unit).filter(|&before| before != unit) {
                finish(before, &mut sums, &mut touched);
            }
            let places = from..from + rows.len();
            from = places.end;
            if all {
                xs.add(places, &w, &mut sums, |_| ());
            } else {
                xs.add(places, &w, &mut sums, |column| touched.insert(column));
            }
        }
    }
    if let Some(unit) = current {
        finish(unit, &mut sums, &mut touched);
    }
    out
}

/// Σ v a b' over all rows, for every pair of columns of `a` and `b` (shape: width of `a` × width
/// of `b`). Rows with v = 0 are skipped, so that their columns may be missing.
pub fn gram(tree: &UnitTree, a: &XColumns, b: &XColumns, weights: &[f64]) -> DMatrix<f64> {
    let (p, q) = (a.width(), b.width());
    let most = ((1 << 26) / (p * q).max(1)).clamp(2, 64);
    let lanes = Lanes::new(tree, most);
    let parts: Vec<DMatrix<f64>> = (0..lanes.len())
        .into_par_iter()
        .map(|lane| {
            let mut sums = DMatrix::zeros(p, q);
            let (mut w, mut xa, mut xb) = (Vec::new(), XBlock::default(), XBlock::default());
            for block in lanes.blocks(lane) {
                block.floats(weights, &mut w);
                xa.load(&block, a);
                xb.load(&block, b);
                for i in 0..block.len() {
                    if w[i] == 0.0 {
                        continue;
                    }
                    for (column, value) in xb.row(i) {
                        let scaled = w[i] * value;
                        for (row, other) in xa.row(i) {
                            sums[(row, column)] += scaled * other;
                        }
                    }
                }
            }
            sums
        })
        .collect();
    parts.into_iter().fold(DMatrix::zeros(p, q), |total, part| total + part)
}
