//! Sums by domain under many weights at once: what replicate weights given as columns need.

use rayon::prelude::*;

use super::request::{DomainCodes, Measure, row_slots};
use crate::data::{Codes, Numbers};

/// Replicates that are worked on side by side.
pub const LANES: usize = 8;

/// Rows handed to one task; fixed, so that results do not depend on the number of threads.
const LANE_ROWS: usize = 1 << 16;

/// Domain sums under every replicate weight.
#[derive(Debug, Clone)]
pub struct ReplicateRequest<'a> {
    /// The full-sample weight of every row: rows with weight zero still count for a replicate
    /// that gives them one.
    pub weights: &'a [f64],
    /// The replicate weights, or what the full-sample weight is multiplied with.
    pub columns: Vec<&'a Numbers>,
    /// True when the columns are weights, false when they multiply the full-sample weight.
    pub combined: bool,
    /// The domain of every row.
    pub domains: &'a DomainCodes,
    /// What to sum.
    pub measures: &'a [Measure<'a>],
}

/// Slot totals by replicate and domain: `domains × width` per replicate.
///
/// # Panics
/// If columns, domains and measures have not one entry per row.
pub fn replicate_sums(request: &ReplicateRequest<'_>) -> Vec<Vec<f64>> {
    let rows = request.weights.len();
    let width: usize = request.measures.iter().map(Measure::width).sum();
    let size = request.domains.count * width;
    let lanes = rows.div_ceil(LANE_ROWS);
    let parts: Vec<Vec<f64>> = (0..lanes)
        .into_par_iter()
        .map(|lane| {
            let rows = lane * LANE_ROWS..((lane + 1) * LANE_ROWS).min(rows);
            lane_sums(request, rows, width, size)
        })
        .collect();
    let mut out = vec![vec![0.0; size]; request.columns.len()];
    for part in &parts {
        for (total, sums) in out.iter_mut().zip(part.chunks_exact(size.max(1))) {
            total.iter_mut().zip(sums).for_each(|(t, s)| *t += s);
        }
    }
    out
}

fn lane_sums(
    request: &ReplicateRequest<'_>,
    rows: std::ops::Range<usize>,
    width: usize,
    size: usize,
) -> Vec<f64> {
    let mut out = vec![0.0; request.columns.len() * size];
    // (row within the lane, place in the totals, value), read once for all replicates.
    let mut entries: Vec<(u32, u32, f64)> = Vec::new();
    let mut slots = Vec::new();
    for row in rows.clone() {
        let domain = request.domains.codes.get(row);
        if domain == Codes::NONE {
            continue;
        }
        let at = domain as usize * width;
        let local = (row - rows.start) as u32;
        slots.clear();
        row_slots(request.measures, row, &mut slots);
        entries.extend(slots.iter().map(|&(slot, value)| (local, (at + slot) as u32, value)));
    }
    let mut w = vec![0.0; rows.len()];
    for (column, sums) in request.columns.iter().zip(out.chunks_exact_mut(size.max(1))) {
        column.fill(rows.clone(), &mut w);
        if !request.combined {
            w.iter_mut().zip(&request.weights[rows.clone()]).for_each(|(r, f)| *r *= f);
        }
        // A row outside the full sample may lack a replicate weight: it is outside that too.
        w.iter_mut().filter(|w| w.is_nan()).for_each(|w| *w = 0.0);
        for &(row, place, value) in &entries {
            sums[place as usize] += w[row as usize] * value;
        }
    }
    out
}
