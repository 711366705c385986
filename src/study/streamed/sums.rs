//! The design weight row by row, and its sums by combination.

use crate::data::Table;
use crate::design::DesignError;
use crate::numeric::Sum;
use crate::weight::WeightSummary;

/// The design weight, as the study has it.
#[derive(Debug, Clone)]
pub(super) struct Weight {
    pub name: String,
    /// Numbers that stand for none.
    pub missing: Vec<f64>,
    pub missing_is_zero: bool,
}

impl Weight {
    /// The weights of the rows of a table; missing ones are NaN.
    pub fn of(&self, table: &Table) -> Option<Vec<f64>> {
        let mut weights = table.column(&self.name)?.as_numbers()?.to_vec();
        for w in &mut weights {
            if self.missing.contains(w) {
                *w = f64::NAN;
            }
        }
        Some(weights)
    }
}

/// The first of each kind of mistake among weights, and how many there are.
#[derive(Debug, Default)]
pub(super) struct Wrong {
    missing: Option<(usize, usize)>,
    negative: Option<(usize, usize, f64)>,
    infinite: Option<usize>,
}

impl Wrong {
    /// The weight of a row (counted from 1), zero where it is wrong.
    pub fn checked(&mut self, w: f64, row: usize, weight: &Weight) -> f64 {
        if w.is_nan() {
            if !weight.missing_is_zero {
                let (count, _) = self.missing.get_or_insert((0, row));
                *count += 1;
            }
        } else if w.is_infinite() {
            self.infinite.get_or_insert(row);
        } else if w < 0.0 {
            let (count, ..) = self.negative.get_or_insert((0, row, w));
            *count += 1;
        } else {
            return w;
        }
        0.0
    }

    pub fn error(&self, name: &str, all_zero: bool) -> Option<DesignError> {
        let variable = name.to_string();
        if let Some((count, row)) = self.missing {
            return Some(DesignError::Missing { variable, role: "weight", count, row });
        }
        if let Some(row) = self.infinite {
            return Some(DesignError::InfiniteWeight { variable, row });
        }
        if let Some((count, row, value)) = self.negative {
            return Some(DesignError::NegativeWeight { variable, count, row, value });
        }
        all_zero.then_some(DesignError::AllZero { variable })
    }
}

/// Sums of the design weight within a combination.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moments {
    pub n: u64,
    pub zero: u64,
    pub sum: Sum,
    squares: Sum,
    least: f64,
    most: f64,
}

impl Moments {
    pub const NONE: Moments = Moments {
        n: 0,
        zero: 0,
        sum: Sum::new(),
        squares: Sum::new(),
        least: f64::INFINITY,
        most: 0.0,
    };

    pub fn add(&mut self, w: f64) {
        if w == 0.0 {
            self.zero += 1;
            return;
        }
        self.n += 1;
        self.sum.add(w);
        self.squares.add(w * w);
        self.least = self.least.min(w);
        self.most = self.most.max(w);
    }
}

/// What the rows of a combination are multiplied by.
pub(super) fn factor(weight: f64, moments: &Moments) -> f64 {
    let sum = moments.sum.value();
    if sum > 0.0 { weight / sum } else { 1.0 }
}

/// The distribution of the weights of the rows after a step; quartiles are not known.
pub(super) fn summary(weights: &[f64], moments: &[Moments]) -> WeightSummary {
    let (mut sum, mut squares, mut n, mut zero) = (Sum::default(), Sum::default(), 0, 0);
    let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
    for (w, m) in weights.iter().zip(moments) {
        let f = factor(*w, m);
        zero += m.zero;
        if f == 0.0 {
            zero += m.n;
        } else if m.n > 0 {
            n += m.n;
            sum.add(f * m.sum.value());
            squares.add(f * f * m.squares.value());
            min = min.min(f * m.least).min(f * m.most);
            max = max.max(f * m.least).max(f * m.most);
        }
    }
    let (sum, squares) = (sum.value(), squares.value());
    let deff_kish = if n > 0 { n as f64 * squares / (sum * sum) } else { 1.0 };
    WeightSummary {
        n,
        zero,
        sum,
        min: if n > 0 { min } else { 0.0 },
        q1: f64::NAN,
        median: f64::NAN,
        q3: f64::NAN,
        max: if n > 0 { max } else { 0.0 },
        cv: (deff_kish - 1.0).max(0.0).sqrt(),
        deff_kish,
        n_eff: if n > 0 { n as f64 / deff_kish } else { 0.0 },
    }
}
