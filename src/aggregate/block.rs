//! The rows of a block as they are worked on: units, domains, weights and the values of the measures.

use std::borrow::Cow;

use super::lanes::RowBlock;
use super::request::{CellRequest, Measure};
use crate::data::{Codes, Numbers};

/// The current block of rows.
#[derive(Debug)]
pub(super) struct Block<'a> {
    pub units: Cow<'a, [u32]>,
    domains: Vec<u32>,
    weights: Cow<'a, [f64]>,
    pub values: Vec<Values<'a>>,
}

/// A measure and its values in the current block.
#[derive(Debug)]
pub(super) enum Values<'a> {
    Number(&'a Numbers, Vec<f64>),
    Pair([&'a Numbers; 2], [Vec<f64>; 2]),
    Levels(&'a Codes, usize, Vec<u32>),
}

impl<'a> Block<'a> {
    /// No rows yet.
    pub fn new(measures: &[Measure<'a>]) -> Block<'a> {
        let values = measures.iter().map(|measure| match *measure {
            Measure::Number(y) => Values::Number(y, Vec::new()),
            Measure::Pair(y, x) => Values::Pair([y, x], [Vec::new(), Vec::new()]),
            Measure::Levels(codes, levels) => Values::Levels(codes, levels, Vec::new()),
        });
        Block {
            units: Cow::default(),
            domains: Vec::new(),
            weights: Cow::default(),
            values: values.collect(),
        }
    }

    /// Takes the rows of a block in place of those before.
    pub fn load(&mut self, block: &RowBlock<'a>, request: &CellRequest<'a>) {
        self.units = block.units();
        block.codes(&request.domains.codes, &mut self.domains);
        self.weights = block.floats(request.weights);
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
    pub fn row(&self, i: usize) -> Option<(usize, f64)> {
        let (domain, w) = (self.domains[i], self.weights[i]);
        (domain != Codes::NONE && w != 0.0).then_some((domain as usize, w))
    }

    /// The (slot, value) pairs of a row.
    #[inline]
    fn pairs(&self, i: usize, out: &mut Vec<(usize, f64)>) {
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

/// The slots of the rows of a block.
#[derive(Debug, Default)]
pub(super) struct Slots {
    /// The domain of each row; any for one that does not count.
    pub domains: Vec<u32>,
    /// 1 for a row that counts, else 0.
    pub counts: Vec<f64>,
    pub values: SlotValues,
}

/// The values of the slots, row by row.
#[derive(Debug)]
pub(super) enum SlotValues {
    /// All slots of each row, zero where there is no value.
    All(Vec<f64>),
    /// The slots that have a value; for each row the end of its own.
    Some { ends: Vec<usize>, pairs: Vec<(usize, f64)> },
}

impl Default for SlotValues {
    fn default() -> SlotValues {
        SlotValues::All(Vec::new())
    }
}

impl Slots {
    /// Takes the rows of a block in place of those before.
    pub fn load(&mut self, block: &Block<'_>, measures: &[Measure<'_>]) {
        self.domains.clear();
        self.domains.extend(block.domains.iter().map(|&d| if d == Codes::NONE { 0 } else { d }));
        let counts = |(&d, &w): (&u32, &f64)| if d == Codes::NONE || w == 0.0 { 0.0 } else { 1.0 };
        self.counts.clear();
        self.counts.extend(block.domains.iter().zip(block.weights.iter()).map(counts));
        let rows = block.units.len();
        if block.values.iter().any(|values| matches!(values, Values::Levels(..))) {
            let (mut ends, mut pairs) = (Vec::with_capacity(rows), Vec::new());
            for i in 0..rows {
                block.pairs(i, &mut pairs);
                ends.push(pairs.len());
            }
            self.values = SlotValues::Some { ends, pairs };
            return;
        }
        let SlotValues::All(all) = &mut self.values else { return };
        let width: usize = measures.iter().map(Measure::width).sum();
        all.resize(rows * width, 0.0);
        let mut from = 0;
        for (values, measure) in block.values.iter().zip(measures) {
            match values {
                Values::Number(_, y) => {
                    let slots = |&y: &f64| if y.is_nan() { [0.0; 2] } else { [1.0, y] };
                    put(all, width, from, y.iter().map(slots));
                }
                Values::Pair(_, [y, x]) => {
                    let slots = |(&y, &x): (&f64, &f64)| {
                        if y.is_nan() || x.is_nan() { [0.0; 3] } else { [1.0, y, x] }
                    };
                    put(all, width, from, y.iter().zip(x).map(slots));
                }
                Values::Levels(..) => {}
            }
            from += measure.width();
        }
    }
}

/// Writes some slots of every row, from one of them on.
#[inline]
fn put<const N: usize>(
    all: &mut [f64],
    width: usize,
    from: usize,
    rows: impl Iterator<Item = [f64; N]>,
) {
    for (row, values) in all.chunks_exact_mut(width).zip(rows) {
        if let Some(slots) = row[from..].first_chunk_mut::<N>() {
            *slots = values;
        }
    }
}
