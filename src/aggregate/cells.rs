//! Sums by (unit, domain): all that a linearised variance needs to know of the rows.

use rayon::prelude::*;

use super::kernel::{Kernel, Partial};
use super::lanes::Lanes;
use super::products::Plan;
use super::request::{CellRequest, Measure};
use super::runs::{Runs, find};
use crate::data::Numbers;
use crate::numeric::Sum;

/// Counts and second moments of one measure in one domain.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct MeasureTotals {
    /// Rows with a nonzero weight and a value.
    pub n: u64,
    /// Rows with a nonzero weight and no value.
    pub missing: u64,
    /// Σw over the rows counted in `missing`.
    pub missing_weight: f64,
    /// Σw² over the rows counted in `n`.
    pub ww: f64,
    /// Σ w (y − c)² for a number or a pair, c = [`CellSums::centre`].
    pub wyy: f64,
    /// Σ w (y − c)(x − c') for a pair.
    pub wxy: f64,
    /// Σ w (x − c')² for a pair.
    pub wxx: f64,
}

/// The cells of the units of one lane.
#[derive(Debug, Clone, Default)]
pub(super) struct LaneCells {
    pub runs: Runs,
    /// The domain of each cell, ascending within a unit.
    pub domain: Vec<u32>,
    /// The sums: `width` per cell.
    pub sums: Vec<f64>,
}

/// The answer: sums by unit and domain, and by domain.
#[derive(Debug, Clone, Default)]
pub struct CellSums {
    /// Slots per cell.
    pub width: usize,
    /// Number of domains.
    pub domains: usize,
    /// The cells, lane by lane.
    pub(super) lanes: Vec<LaneCells>,
    /// Slot totals by domain: `width` per domain.
    pub totals: Vec<f64>,
    /// Counts and second moments: `domains` per measure.
    pub measures: Vec<MeasureTotals>,
    /// The centres c and c' of each measure's second moments.
    pub centre: Vec<[f64; 2]>,
    /// For each entry of [`CellRequest::cross`]: column-major blocks of `domains × width`.
    pub cross: Vec<Vec<f64>>,
}

impl CellSums {
    /// The cells of a unit: the domain and the slots of each.
    pub fn unit(&self, unit: usize) -> impl Iterator<Item = (usize, &[f64])> + '_ {
        find(&self.lanes, |lane| &lane.runs, unit).into_iter().flat_map(|(lane, run)| {
            run.map(|c| {
                let slots = &lane.sums[c * self.width..(c + 1) * self.width];
                (lane.domain[c] as usize, slots)
            })
        })
    }

    /// The slot totals of a domain.
    pub fn total(&self, domain: usize) -> &[f64] {
        &self.totals[domain * self.width..(domain + 1) * self.width]
    }

    /// Counts and second moments of a measure in a domain.
    pub fn measure(&self, measure: usize, domain: usize) -> &MeasureTotals {
        &self.measures[measure * self.domains + domain]
    }
}

/// Goes through the rows once and sums by unit and domain.
///
/// Rows with weight zero and rows outside every domain add nothing and are not counted.
///
/// # Panics
/// If weights, domains and measures have not one entry per row of the tree, or a code is not below
/// the number of domains or levels.
pub fn cell_sums(request: &CellRequest<'_>) -> CellSums {
    let rows = request.tree.unit_of_row.len();
    assert_eq!(request.weights.len(), rows, "weights: one per row of the design");
    assert_eq!(request.domains.codes.len(), rows, "domains: one code per row of the design");
    for measure in request.measures {
        assert!(measure.fits(rows), "a measure: one value per row of the design");
    }
    let width: usize = request.measures.iter().map(Measure::width).sum();
    let domains = request.domains.count;
    let cross_size: usize = request.cross.iter().map(|(x, _)| x.width() * domains * width).sum();
    // Each lane holds its own cross-products: keep all of them within half a gigabyte.
    let most = (1_usize << 26).checked_div(cross_size).unwrap_or(64);
    let lanes = Lanes::new(request.tree, most.clamp(2, 64));
    let centre: Vec<[f64; 2]> = request
        .measures
        .iter()
        .map(|measure| match measure {
            Measure::Number(y) => [provisional_mean(y), 0.0],
            Measure::Pair(y, x) => [provisional_mean(y), provisional_mean(x)],
            Measure::Levels(..) => [0.0; 2],
        })
        .collect();
    let of_lane = rows / lanes.len().max(1);
    let plans: Vec<Plan<'_>> =
        request.cross.iter().map(|&own| Plan::new(own, request.domains, width, of_lane)).collect();
    let partials: Vec<Partial> = (0..lanes.len())
        .into_par_iter()
        .map(|lane| {
            let mut kernel = Kernel::new(request, width, &centre, lanes.first_unit(lane), &plans);
            for block in lanes.blocks(lane) {
                kernel.add(&block);
            }
            kernel.finish()
        })
        .collect();
    put_together(request, width, centre, partials)
}

fn put_together(
    request: &CellRequest<'_>,
    width: usize,
    centre: Vec<[f64; 2]>,
    partials: Vec<Partial>,
) -> CellSums {
    let domains = request.domains.count;
    let mut out = CellSums {
        width,
        domains,
        lanes: Vec::with_capacity(partials.len()),
        totals: Vec::new(),
        measures: vec![MeasureTotals::default(); request.measures.len() * domains],
        centre,
        cross: request.cross.iter().map(|(x, _)| vec![0.0; x.width() * domains * width]).collect(),
    };
    let mut totals = vec![Sum::default(); domains * width];
    for partial in partials {
        totals.iter_mut().zip(&partial.totals).for_each(|(total, part)| total.merge(*part));
        for (total, part) in out.measures.iter_mut().zip(&partial.measures) {
            total.n += part.n;
            total.missing += part.missing;
            total.missing_weight += part.missing_weight;
            total.ww += part.ww;
            total.wyy += part.wyy;
            total.wxy += part.wxy;
            total.wxx += part.wxx;
        }
        for (total, part) in out.cross.iter_mut().zip(&partial.cross) {
            total.iter_mut().zip(part).for_each(|(t, p)| *t += p);
        }
        out.lanes.push(partial.cells);
    }
    out.totals = totals.into_iter().map(Sum::value).collect();
    out
}

/// A number near the middle of the values, so that second moments about it do not cancel.
fn provisional_mean(values: &Numbers) -> f64 {
    let step = (values.len() / 1024).max(1);
    let (mut sum, mut n) = (0.0, 0.0);
    for row in (0..values.len()).step_by(step) {
        let y = values.get(row);
        if !y.is_nan() {
            sum += y;
            n += 1.0;
        }
    }
    if n > 0.0 { sum / n } else { 0.0 }
}
