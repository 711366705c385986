//! The loop over the rows of one lane.

use super::block::{Block, Slots, Values};
use super::cells::{LaneCells, MeasureTotals};
use super::lanes::RowBlock;
use super::products::{Plan, Products};
use super::request::CellRequest;
use super::runs::{Runs, Touched};
use crate::data::Codes;
use crate::numeric::Sum;

/// What a lane found.
#[derive(Debug, Default)]
pub(super) struct Partial {
    pub cells: LaneCells,
    /// Slot totals by domain.
    pub totals: Vec<Sum>,
    pub measures: Vec<MeasureTotals>,
    pub cross: Vec<Vec<f64>>,
}

pub(super) struct Kernel<'a> {
    request: &'a CellRequest<'a>,
    centre: &'a [[f64; 2]],
    block: Block<'a>,
    slots: Slots,
    cells: Cells,
    measures: Vec<MeasureTotals>,
    products: Vec<Products<'a>>,
}

/// Cells of finished units, and the sums of the current one by domain.
struct Cells {
    width: usize,
    current: Option<u32>,
    sums: Vec<f64>,
    touched: Touched,
    totals: Vec<Sum>,
    done: LaneCells,
}

impl<'a> Kernel<'a> {
    pub fn new(
        request: &'a CellRequest<'a>,
        width: usize,
        centre: &'a [[f64; 2]],
        first_unit: usize,
        plans: &'a [Plan<'a>],
    ) -> Kernel<'a> {
        let domains = request.domains.count;
        Kernel {
            request,
            centre,
            block: Block::new(request.measures),
            slots: Slots::default(),
            cells: Cells {
                width,
                current: None,
                sums: vec![0.0; domains * width],
                touched: Touched::new(domains),
                totals: vec![Sum::default(); domains * width],
                done: LaneCells { runs: Runs::new(first_unit), ..LaneCells::default() },
            },
            measures: vec![MeasureTotals::default(); request.measures.len() * domains],
            products: plans.iter().map(Plan::start).collect(),
        }
    }

    pub fn add(&mut self, block: &RowBlock<'a>) {
        self.block.load(block, self.request);
        self.add_cells();
        if !self.products.is_empty() {
            self.slots.load(&self.block, self.request.measures);
            self.products.iter_mut().for_each(|products| products.add(block, &self.slots));
        }
    }

    pub fn finish(mut self) -> Partial {
        self.cells.finish_unit();
        Partial {
            cells: self.cells.done,
            totals: self.cells.totals,
            measures: self.measures,
            cross: self.products.into_iter().map(Products::finish).collect(),
        }
    }

    /// Sums by (unit, domain), counts and second moments.
    fn add_cells(&mut self) {
        let domains = self.request.domains.count;
        let Kernel { block, cells, measures, centre, .. } = self;
        for i in 0..block.units.len() {
            let Some((d, w)) = block.row(i) else { continue };
            let cell = cells.slots(block.units[i], d);
            let mut slot = 0;
            for (m, values) in block.values.iter().enumerate() {
                let totals = &mut measures[m * domains + d];
                let has_value = match values {
                    Values::Number(_, y) => {
                        let y = y[i];
                        let has_value = !y.is_nan();
                        if has_value {
                            cell[slot] += w;
                            cell[slot + 1] += w * y;
                            let dy = y - centre[m][0];
                            totals.wyy += w * dy * dy;
                        }
                        slot += 2;
                        has_value
                    }
                    Values::Pair(_, [y, x]) => {
                        let (y, x) = (y[i], x[i]);
                        let has_value = !y.is_nan() && !x.is_nan();
                        if has_value {
                            cell[slot] += w;
                            cell[slot + 1] += w * y;
                            cell[slot + 2] += w * x;
                            let (dy, dx) = (y - centre[m][0], x - centre[m][1]);
                            totals.wyy += w * dy * dy;
                            totals.wxy += w * dx * dy;
                            totals.wxx += w * dx * dx;
                        }
                        slot += 3;
                        has_value
                    }
                    Values::Levels(_, levels, level) => {
                        let level = level[i];
                        let has_value = level != Codes::NONE;
                        if has_value {
                            cell[slot] += w;
                            cell[slot + 1 + level as usize] += w;
                        }
                        slot += 1 + levels;
                        has_value
                    }
                };
                if has_value {
                    totals.n += 1;
                    totals.ww += w * w;
                } else {
                    totals.missing += 1;
                    totals.missing_weight += w;
                }
            }
        }
    }
}

impl Cells {
    /// The sums of a unit in a domain; units come one after the other.
    #[inline]
    fn slots(&mut self, unit: u32, domain: usize) -> &mut [f64] {
        if self.current != Some(unit) {
            self.finish_unit();
            self.current = Some(unit);
        }
        self.touched.insert(domain);
        &mut self.sums[domain * self.width..(domain + 1) * self.width]
    }

    /// Writes out the cells of the current unit.
    fn finish_unit(&mut self) {
        let Some(unit) = self.current.take() else { return };
        let Cells { width, sums, touched, totals, done, .. } = self;
        touched.drain(|domain| {
            let at = domain * *width..(domain + 1) * *width;
            let cell = &mut sums[at.clone()];
            done.domain.push(domain as u32);
            done.sums.extend_from_slice(cell);
            totals[at].iter_mut().zip(&*cell).for_each(|(total, s)| total.add(*s));
            cell.fill(0.0);
        });
        done.runs.close(unit as usize, done.domain.len());
    }
}
