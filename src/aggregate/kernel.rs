//! The loop over the rows of one lane.

use super::cells::{CellRequest, Measure, MeasureTotals};
use super::columns::XBlock;
use super::lanes::RowBlock;
use crate::data::Codes;

/// What a lane found: cells in the order of their units.
#[derive(Debug, Default)]
pub(super) struct Partial {
    pub unit: Vec<u32>,
    pub cells_of_unit: Vec<u32>,
    pub domain: Vec<u32>,
    pub sums: Vec<f64>,
    pub measures: Vec<MeasureTotals>,
    pub cross: Vec<Vec<f64>>,
}

/// Values of a measure in the current block.
#[derive(Debug, Default)]
struct Loaded {
    y: Vec<f64>,
    x: Vec<f64>,
    level: Vec<u32>,
}

pub(super) struct Kernel<'a> {
    request: &'a CellRequest<'a>,
    centre: &'a [[f64; 2]],
    width: usize,
    current: Option<u32>,
    /// Sums of the current unit by domain, and which domains it has touched.
    scratch: Vec<f64>,
    is_touched: Vec<bool>,
    touched: Vec<u32>,
    /// The (slot, value) pairs of the current row.
    slots: Vec<(usize, f64)>,
    units: Vec<u32>,
    domains: Vec<u32>,
    weights: Vec<f64>,
    loaded: Vec<Loaded>,
    x: Vec<(XBlock, Vec<f64>)>,
    out: Partial,
}

impl<'a> Kernel<'a> {
    pub fn new(request: &'a CellRequest<'a>, width: usize, centre: &'a [[f64; 2]]) -> Kernel<'a> {
        let domains = request.domains.count;
        let measures = request.measures.len();
        Kernel {
            request,
            centre,
            width,
            current: None,
            scratch: vec![0.0; domains * width],
            is_touched: vec![false; domains],
            touched: Vec::new(),
            slots: Vec::with_capacity(3 * measures),
            units: Vec::new(),
            domains: Vec::new(),
            weights: Vec::new(),
            loaded: (0..measures).map(|_| Loaded::default()).collect(),
            x: request.cross.iter().map(|_| (XBlock::default(), Vec::new())).collect(),
            out: Partial {
                measures: vec![MeasureTotals::default(); measures * domains],
                cross: request
                    .cross
                    .iter()
                    .map(|(x, _)| vec![0.0; x.width() * domains * width])
                    .collect(),
                ..Partial::default()
            },
        }
    }

    pub fn add(&mut self, block: &RowBlock<'_>) {
        self.load(block);
        for i in 0..block.len() {
            let (domain, w) = (self.domains[i], self.weights[i]);
            if domain == Codes::NONE || w == 0.0 {
                continue;
            }
            if self.current != Some(self.units[i]) {
                self.flush();
                self.current = Some(self.units[i]);
            }
            let d = domain as usize;
            if !self.is_touched[d] {
                self.is_touched[d] = true;
                self.touched.push(domain);
            }
            self.read_row(i, d, w);
            let cell = &mut self.scratch[d * self.width..(d + 1) * self.width];
            for &(slot, value) in &self.slots {
                cell[slot] += w * value;
            }
            for ((x, v), sums) in self.x.iter().zip(&mut self.out.cross) {
                let stride = self.request.domains.count * self.width;
                for (column, value) in x.row(i) {
                    let at = column * stride + d * self.width;
                    let scaled = v[i] * value;
                    for &(slot, s) in &self.slots {
                        sums[at + slot] += scaled * s;
                    }
                }
            }
        }
    }

    pub fn finish(mut self) -> Partial {
        self.flush();
        self.out
    }

    fn load(&mut self, block: &RowBlock<'_>) {
        block.units(&mut self.units);
        block.codes(&self.request.domains.codes, &mut self.domains);
        block.floats(self.request.weights, &mut self.weights);
        for (measure, loaded) in self.request.measures.iter().zip(&mut self.loaded) {
            match measure {
                Measure::Number(y) => block.numbers(y, &mut loaded.y),
                Measure::Pair(y, x) => {
                    block.numbers(y, &mut loaded.y);
                    block.numbers(x, &mut loaded.x);
                }
                Measure::Levels(codes, _) => block.codes(codes, &mut loaded.level),
            }
        }
        for ((columns, v), (x, weights)) in self.request.cross.iter().zip(&mut self.x) {
            x.load(block, columns);
            block.floats(v, weights);
        }
    }

    /// Collects the slots of a row, and counts it.
    #[inline]
    fn read_row(&mut self, i: usize, d: usize, w: f64) {
        self.slots.clear();
        let domains = self.request.domains.count;
        let mut slot = 0;
        for (m, (measure, loaded)) in self.request.measures.iter().zip(&self.loaded).enumerate() {
            let totals = &mut self.out.measures[m * domains + d];
            let has_value = match measure {
                Measure::Number(_) => {
                    let y = loaded.y[i];
                    if y.is_nan() {
                        false
                    } else {
                        self.slots.push((slot, 1.0));
                        self.slots.push((slot + 1, y));
                        let deviation = y - self.centre[m][0];
                        totals.wyy += w * deviation * deviation;
                        true
                    }
                }
                Measure::Pair(..) => {
                    let (y, x) = (loaded.y[i], loaded.x[i]);
                    if y.is_nan() || x.is_nan() {
                        false
                    } else {
                        self.slots.push((slot, 1.0));
                        self.slots.push((slot + 1, y));
                        self.slots.push((slot + 2, x));
                        let (dy, dx) = (y - self.centre[m][0], x - self.centre[m][1]);
                        totals.wyy += w * dy * dy;
                        totals.wxy += w * dx * dy;
                        totals.wxx += w * dx * dx;
                        true
                    }
                }
                Measure::Levels(..) => {
                    let level = loaded.level[i];
                    if level == Codes::NONE {
                        false
                    } else {
                        self.slots.push((slot, 1.0));
                        self.slots.push((slot + 1 + level as usize, 1.0));
                        true
                    }
                }
            };
            if has_value {
                totals.n += 1;
                totals.ww += w * w;
            } else {
                totals.missing += 1;
            }
            slot += measure.width();
        }
    }

    /// Writes out the cells of the current unit.
    fn flush(&mut self) {
        let Some(unit) = self.current.take() else { return };
        self.touched.sort_unstable();
        self.out.unit.push(unit);
        self.out.cells_of_unit.push(self.touched.len() as u32);
        for &domain in &self.touched {
            let d = domain as usize;
            let cell = &mut self.scratch[d * self.width..(d + 1) * self.width];
            self.out.domain.push(domain);
            self.out.sums.extend_from_slice(cell);
            cell.fill(0.0);
            self.is_touched[d] = false;
        }
        self.touched.clear();
    }
}
