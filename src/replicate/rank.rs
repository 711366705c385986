//! The rank of a set of replicate weights.

use std::sync::Arc;

use rayon::prelude::*;

use crate::data::Numbers;

/// The replicate weights of one row; zero where one is missing.
pub(super) fn column_weights(
    columns: &[Arc<Numbers>],
    combined: bool,
    full: f64,
    row: usize,
    out: &mut [f64],
) {
    for (slot, column) in out.iter_mut().zip(columns) {
        let w = column.get(row);
        let w = if combined { w } else { w * full };
        *slot = if w.is_nan() { 0.0 } else { w };
    }
}

/// Rank of a matrix of `rows` × `count` replicate weights. A column counts unless less than 1e-5
/// of its length lies outside the span of the ones before it.
pub(super) fn rank(rows: usize, count: usize, fill: impl Fn(usize, &mut [f64]) + Sync) -> usize {
    const BLOCK: usize = 4096;
    let parts: Vec<ndarray::Array2<f64>> = (0..rows.div_ceil(BLOCK))
        .into_par_iter()
        .map(|b| {
            let range = b * BLOCK..((b + 1) * BLOCK).min(rows);
            let mut block = ndarray::Array2::zeros((range.len(), count));
            let mut buffer = vec![0.0; count];
            for (mut out, row) in block.rows_mut().into_iter().zip(range) {
                buffer.fill(0.0);
                fill(row, &mut buffer);
                out.iter_mut().zip(&buffer).for_each(|(o, b)| *o = *b);
            }
            block.t().dot(&block)
        })
        .collect();
    let mut g = ndarray::Array2::<f64>::zeros((count, count));
    parts.iter().for_each(|p| g += p);
    // Cholesky in the given order, leaving out columns that are spanned.
    let mut kept: Vec<(usize, Vec<f64>)> = Vec::new();
    for j in 0..count {
        let mut l = Vec::with_capacity(kept.len() + 1);
        for (i, row) in &kept {
            let done: f64 = row.iter().zip(&l).map(|(a, b)| a * b).sum();
            l.push((g[(*i, j)] - done) / row[row.len() - 1]);
        }
        let rest = g[(j, j)] - l.iter().map(|x| x * x).sum::<f64>();
        if rest > 1e-10 * g[(j, j)] {
            l.push(rest.sqrt());
            kept.push((j, l));
        }
    }
    kept.len()
}
