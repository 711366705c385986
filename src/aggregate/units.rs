//! Weighted totals of calibration columns: by unit, and their cross-products.

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::columns::{XBlock, XColumns};
use super::lanes::Lanes;
use super::runs::{Runs, Touched, find};
use crate::design::UnitTree;

/// Σ w x by unit.
#[derive(Debug, Clone, Default)]
pub struct UnitX {
    lanes: Vec<LaneX>,
}

/// The totals of the columns of one unit.
#[derive(Debug, Clone, Copy)]
pub enum UnitTotals<'a> {
    /// Of all columns, as they come.
    All(&'a [f64]),
    /// Of the columns that are not zero: which ones, ascending, and their totals.
    Some(&'a [u32], &'a [f64]),
}

impl UnitTotals<'_> {
    /// Gives every total that is not zero, with its column.
    #[inline]
    pub fn each(self, mut take: impl FnMut(usize, f64)) {
        match self {
            UnitTotals::All(totals) => {
                let nonzero = totals.iter().enumerate().filter(|(_, total)| **total != 0.0);
                nonzero.for_each(|(column, &total)| take(column, total));
            }
            UnitTotals::Some(columns, totals) => {
                columns.iter().zip(totals).for_each(|(&column, &t)| take(column as usize, t));
            }
        }
    }
}

/// The totals of the units of one lane.
#[derive(Debug, Clone, Default)]
struct LaneX {
    runs: Runs,
    /// The columns of the totals; `None` where every unit has all.
    columns: Option<Vec<u32>>,
    totals: Vec<f64>,
}

impl UnitX {
    /// The totals of a unit.
    #[inline]
    pub fn unit(&self, unit: usize) -> UnitTotals<'_> {
        let Some((lane, run)) = find(&self.lanes, |lane| &lane.runs, unit) else {
            return UnitTotals::Some(&[], &[]);
        };
        let totals = &lane.totals[run.clone()];
        match &lane.columns {
            Some(columns) => UnitTotals::Some(&columns[run], totals),
            None if totals.is_empty() => UnitTotals::Some(&[], &[]),
            None => UnitTotals::All(totals),
        }
    }
}

/// Σ w x over the rows of each unit, for every column x.
///
/// Where units have many rows, and so few columns that are zero, all of them are held.
pub fn unit_x(tree: &UnitTree, x: &XColumns, weights: &[f64]) -> UnitX {
    let lanes = Lanes::new(tree, 64);
    let lanes = (0..lanes.len()).into_par_iter().map(|lane| lane_x(&lanes, lane, x, weights));
    UnitX { lanes: lanes.collect() }
}

fn lane_x(lanes: &Lanes<'_>, lane: usize, x: &XColumns, weights: &[f64]) -> LaneX {
    let width = x.width();
    let entries = lanes.rows(lane).saturating_mul(x.terms.len());
    let all = lanes.units(lane).saturating_mul(width) <= entries;
    let runs = Runs::new(lanes.first_unit(lane));
    let mut out = LaneX { runs, columns: (!all).then(Vec::new), totals: Vec::new() };
    // One more for rows that are in no column.
    let mut sums = vec![0.0; width + 1];
    let mut touched = Touched::new(width + 1);
    let mut xs = XBlock::default();
    let mut finish = |unit: u32, sums: &mut [f64], touched: &mut Touched| {
        sums[width] = 0.0;
        if let Some(columns) = &mut out.columns {
            touched.drain(|c| {
                let total = std::mem::take(&mut sums[c]);
                if total != 0.0 {
                    columns.push(c as u32);
                    out.totals.push(total);
                }
            });
        } else {
            out.totals.extend_from_slice(&sums[..width]);
            sums.fill(0.0);
        }
        out.runs.close(unit as usize, out.totals.len());
    };
    let mut current = None;
    for block in lanes.blocks(lane) {
        let (units, w) = (block.units(), block.floats(weights));
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
            let (mut xa, mut xb) = (XBlock::default(), XBlock::default());
            for block in lanes.blocks(lane) {
                let w = block.floats(weights);
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
