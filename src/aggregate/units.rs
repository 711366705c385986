//! Weighted totals of calibration columns: by unit, and their cross-products.

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::columns::{XBlock, XColumns};
use super::lanes::Lanes;
use crate::design::UnitTree;

/// Σ w x by unit, sparse: (column, total) pairs of each unit.
#[derive(Debug, Clone, Default)]
pub struct UnitX {
    starts: Vec<usize>,
    columns: Vec<u32>,
    totals: Vec<f64>,
}

impl UnitX {
    /// The nonzero totals of a unit.
    pub fn unit(&self, unit: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        (self.starts[unit]..self.starts[unit + 1])
            .map(|i| (self.columns[i] as usize, self.totals[i]))
    }
}

/// Σ w x over the rows of each unit, for every column x.
pub fn unit_x(tree: &UnitTree, x: &XColumns, weights: &[f64]) -> UnitX {
    struct Part {
        unit: Vec<(u32, u32)>,
        columns: Vec<u32>,
        totals: Vec<f64>,
    }
    let lanes = Lanes::new(tree, 64);
    let parts: Vec<Part> = (0..lanes.len())
        .into_par_iter()
        .map(|lane| {
            let mut part = Part { unit: Vec::new(), columns: Vec::new(), totals: Vec::new() };
            let mut scratch = vec![0.0; x.width()];
            let mut is_touched = vec![false; x.width()];
            let mut touched: Vec<u32> = Vec::new();
            let mut current = None;
            let (mut units, mut w, mut xs) = (Vec::new(), Vec::new(), XBlock::default());
            let mut flush = |current: Option<u32>,
                             scratch: &mut [f64],
                             is_touched: &mut [bool],
                             touched: &mut Vec<u32>| {
                let Some(unit) = current else { return };
                touched.sort_unstable();
                part.unit.push((unit, touched.len() as u32));
                for &c in touched.iter() {
                    part.columns.push(c);
                    part.totals.push(scratch[c as usize]);
                    scratch[c as usize] = 0.0;
                    is_touched[c as usize] = false;
                }
                touched.clear();
            };
            for block in lanes.blocks(lane) {
                block.units(&mut units);
                block.floats(weights, &mut w);
                xs.load(&block, x);
                for i in 0..block.len() {
                    if current != Some(units[i]) {
                        flush(current, &mut scratch, &mut is_touched, &mut touched);
                        current = Some(units[i]);
                    }
                    if w[i] == 0.0 {
                        continue;
                    }
                    for (column, value) in xs.row(i) {
                        if !is_touched[column] {
                            is_touched[column] = true;
                            touched.push(column as u32);
                        }
                        scratch[column] += w[i] * value;
                    }
                }
            }
            flush(current, &mut scratch, &mut is_touched, &mut touched);
            part
        })
        .collect();
    let mut out = UnitX { starts: vec![0; tree.units() + 1], ..UnitX::default() };
    for part in parts {
        for (unit, count) in part.unit {
            out.starts[unit as usize + 1] = count as usize;
        }
        out.columns.extend_from_slice(&part.columns);
        out.totals.extend_from_slice(&part.totals);
    }
    for unit in 0..tree.units() {
        out.starts[unit + 1] += out.starts[unit];
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
