//! The loop over the rows of one lane.

use super::cells::{LaneCells, MeasureTotals};
use super::lanes::RowBlock;
use super::products::{Plan, Products};
use super::request::{CellRequest, Measure};
use super::runs::{Runs, Touched};
use crate::data::{Codes, Numbers};
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
    cells: Cells,
    measures: Vec<MeasureTotals>,
    products: Vec<Products<'a>>,
}

/// The current block of rows.
#[derive(Debug, Default)]
struct Block<'a> {
    units: Vec<u32>,
    domains: Vec<u32>,
    weights: Vec<f64>,
    values: Vec<Values<'a>>,
}

/// A measure and its values in the current block.
#[derive(Debug)]
enum Values<'a> {
    Number(&'a Numbers, Vec<f64>),
    Pair([&'a Numbers; 2], [Vec<f64>; 2]),
    Levels(&'a Codes, usize, Vec<u32>),
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
        let values = request.measures.iter().map(|measure| match *measure {
            Measure::Number(y) => Values::Number(y, Vec::new()),
            Measure::Pair(y, x) => Values::Pair([y, x], [Vec::new(), Vec::new()]),
            Measure::Levels(codes, levels) => Values::Levels(codes, levels, Vec::new()),
        });
        Kernel {
            request,
            centre,
            block: Block { values: values.collect(), ..Block::default() },
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

    pub fn add(&mut self, block: &RowBlock<'_>) {
        self.block.load(block, self.request);
        self.add_cells();
        if !self.products.is_empty() {
            self.add_products(block);
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

    /// Cross-products with the calibration columns.
    fn add_products(&mut self, rows: &RowBlock<'_>) {
        let Kernel { block, products, .. } = self;
        products.iter_mut().for_each(|p| p.load(rows));
        if let [Values::Number(_, y)] = block.values.as_slice() {
            for (i, &y) in y.iter().enumerate().filter(|(_, y)| !y.is_nan()) {
                let Some((d, _)) = block.row(i) else { continue };
                for products in products.iter_mut() {
                    products.add(i, d, |sums, v| {
                        sums[0] += v;
                        sums[1] += v * y;
                    });
                }
            }
            return;
        }
        let numbers = |values: &Values<'_>| !matches!(values, Values::Levels(..));
        if block.values.iter().all(numbers) {
            let mut slots = Vec::new();
            for i in 0..block.units.len() {
                let Some((d, _)) = block.row(i) else { continue };
                slots.clear();
                block.dense(i, &mut slots);
                for products in products.iter_mut() {
                    products.add(i, d, |sums, v| {
                        sums.iter_mut().zip(&slots).for_each(|(sum, s)| *sum += v * s);
                    });
                }
            }
            return;
        }
        // The (slot, value) pairs of the current row.
        let mut slots: Vec<(usize, f64)> = Vec::new();
        for i in 0..block.units.len() {
            let Some((d, _)) = block.row(i) else { continue };
            slots.clear();
            block.slots(i, &mut slots);
            for products in products.iter_mut() {
                products
                    .add(i, d, |sums, v| slots.iter().for_each(|&(slot, s)| sums[slot] += v * s));
            }
        }
    }
}

impl Block<'_> {
    fn load(&mut self, block: &RowBlock<'_>, request: &CellRequest<'_>) {
        block.units(&mut self.units);
        block.codes(&request.domains.codes, &mut self.domains);
        block.floats(request.weights, &mut self.weights);
        for values in &mut self.values {
            match values {
                Values::Number(y, out) => block.numbers(y, out),
                Values::Pair(columns, out) => {
                    columns.iter().zip(out).for_each(|(column, out)| block.numbers(column, out));
                }
                Values::Levels(codes, _, out) => block.codes(codes, out),
            }
        }
    }

    /// Domain and weight of a row that counts.
    #[inline]
    fn row(&self, i: usize) -> Option<(usize, f64)> {
        let (domain, w) = (self.domains[i], self.weights[i]);
        (domain != Codes::NONE && w != 0.0).then_some((domain as usize, w))
    }

    /// The values of all slots of a row of numbers, zero where there is none.
    #[inline]
    fn dense(&self, i: usize, out: &mut Vec<f64>) {
        for values in &self.values {
            match values {
                Values::Number(_, y) if y[i].is_nan() => out.extend([0.0; 2]),
                Values::Number(_, y) => out.extend([1.0, y[i]]),
                Values::Pair(_, [y, x]) if y[i].is_nan() || x[i].is_nan() => out.extend([0.0; 3]),
                Values::Pair(_, [y, x]) => out.extend([1.0, y[i], x[i]]),
                Values::Levels(..) => {}
            }
        }
    }

    /// The (slot, value) pairs of a row.
    #[inline]
    fn slots(&self, i: usize, out: &mut Vec<(usize, f64)>) {
        let mut slot = 0;
        for values in &self.values {
            slot += match values {
                Values::Number(_, y) => {
                    if !y[i].is_nan() {
                        out.extend([(slot, 1.0), (slot + 1, y[i])]);
                    }
                    2
                }
                Values::Pair(_, [y, x]) => {
                    if !y[i].is_nan() && !x[i].is_nan() {
                        out.extend([(slot, 1.0), (slot + 1, y[i]), (slot + 2, x[i])]);
                    }
                    3
                }
                Values::Levels(_, levels, level) => {
                    if level[i] != Codes::NONE {
                        out.extend([(slot, 1.0), (slot + 1 + level[i] as usize, 1.0)]);
                    }
                    1 + levels
                }
            };
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
