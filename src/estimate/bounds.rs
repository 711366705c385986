//! The range of an estimate over all groups that rows without one may belong to.

use super::analysis::Analysis;
use super::interval::{IntervalInput, interval};
use super::missing::Bounds;
use super::quantity::Quantity;
use super::result::{Estimate, EstimateTable};
use super::table::{TableSpec, deviation};
use crate::aggregate::DomainCodes;
use crate::data::{Codes, Factor, Numbers};

/// Passes over the placings of the rows; each but the last changes some, and what is sought gets
/// better by more each time.
const PASSES: usize = 60;

/// The rows of a subpopulation that lack a level of some variable that forms the groups.
#[derive(Debug)]
pub struct Unplaced<'a> {
    rows: Vec<usize>,
    factors: &'a [&'a Factor],
}

impl<'a> Unplaced<'a> {
    /// The rows inside a subpopulation (one entry per row) that lack a level of some factor.
    pub fn of(factors: &'a [&'a Factor], inside: &[bool]) -> Unplaced<'a> {
        let lacks = |row: usize| factors.iter().any(|f| f.codes.get(row) == Codes::NONE);
        let rows = (0..inside.len()).filter(|&row| inside[row] && lacks(row)).collect();
        Unplaced { rows, factors }
    }

    /// Those that may belong to a cell: the levels they have are those of the cell.
    fn fitting(&self, cell: &[usize]) -> Vec<usize> {
        let fits = |row: usize| {
            self.factors.iter().zip(cell).all(|(f, &level)| {
                let code = f.codes.get(row);
                code == Codes::NONE || code as usize == level
            })
        };
        self.rows.iter().copied().filter(|&row| fits(row)).collect()
    }
}

/// An estimate written as Σ w y ÷ Σ w x over rows, or Σ w y.
struct Parts {
    y: Vec<f64>,
    /// `None` for a total.
    x: Option<Vec<f64>>,
    /// True when x is 1 everywhere.
    mean: bool,
}

impl Analysis {
    /// Adds to every row of a table the range of its estimate over all placings of the rows without
    /// a group ([`Bounds`]).
    ///
    /// With A the sum over the rows known to be in the domain and U the rows that may be, the range
    /// of a proportion is from A₁ ÷ (A₁ + A₀ + U₀) to (A₁ + U₁) ÷ (A₁ + A₀ + U₁), subscripts 1 and
    /// 0 for rows with and without the property: the sharp bounds on P(y | x) where x is missing
    /// for some (Horowitz and Manski 1998; 2000; Manski 2003, chapter 3). A mean or a ratio
    /// R = Σ w y ÷ Σ w x with x ≥ 0 is highest where exactly the rows with w (y − R x) > 0 are
    /// placed in the domain; the R that agrees with its own placing is found by the iteration of
    /// Dinkelbach (1967). A total is highest with the rows whose y is positive.
    ///
    /// The two ends are estimates of the same kind on other rows, with variances of the design; how
    /// a small change of the sample moves the placing does not matter to first order, since the
    /// end is an optimum over placings. `lower` is the lower limit of the interval about the lowest
    /// value and `upper` the upper one about the highest.
    ///
    /// A ratio whose denominator may be negative has no bounds.
    ///
    /// `table` is what [`table`](Analysis::table) gave for `spec`. Rows without a value of the
    /// outcome, or with weight zero, are not placed.
    pub fn add_bounds(
        &self,
        spec: &TableSpec<'_>,
        unplaced: &Unplaced<'_>,
        table: &mut EstimateTable,
    ) {
        let rows = spec.domains.codes.codes.len();
        let cells = spec.domains.codes.count;
        let mut number = 0;
        let mut kept = 0;
        let fitting: Vec<Vec<usize>> =
            spec.domains.cells.iter().map(|cell| unplaced.fitting(cell)).collect();
        for quantity in &spec.quantities {
            for outcome in 0..quantity.outcomes() {
                let wanted = spec.outcomes.get(number).is_some_and(Option::is_some);
                number += 1;
                if !wanted {
                    continue;
                }
                let parts = Parts::of(quantity, outcome, rows);
                for (cell, fitting) in fitting.iter().enumerate() {
                    if let Some(row) = table.rows.get_mut(kept * cells + cell) {
                        row.missing.bounds = Some(self.bounds(spec, &parts, cell, fitting, row));
                    }
                }
                kept += 1;
            }
        }
    }

    fn bounds(
        &self,
        spec: &TableSpec<'_>,
        parts: &Parts,
        cell: usize,
        fitting: &[usize],
        row: &Estimate,
    ) -> Bounds {
        let weights = self.ledger.weights();
        let usable = |row: &usize| weights[*row] != 0.0 && parts.has(*row);
        let fitting: Vec<usize> = fitting.iter().copied().filter(usable).collect();
        let inside = (0..weights.len())
            .filter(|&row| spec.domains.codes.codes.get(row) == cell as u32 && usable(&row));
        let inside: Vec<usize> = inside.collect();
        let of = |rows: &[usize]| rows.iter().map(|&r| weights[r]).sum::<f64>();
        let (known, open) = (of(&inside), of(&fitting));
        let mut bounds = Bounds {
            rows: fitting.len() as u64,
            share: Some(open / (known + open)).filter(|s| s.is_finite()),
            ..Bounds::default()
        };
        let negative = |x: &Vec<f64>| inside.iter().chain(&fitting).any(|&row| x[row] < 0.0);
        if parts.x.as_ref().is_some_and(negative) {
            // A denominator that may vanish bounds nothing.
            return bounds;
        }
        let low = parts.best(weights, &inside, &fitting, false);
        let high = parts.best(weights, &inside, &fitting, true);
        let ends = [&fitting, &low, &high].map(|placed| {
            if placed.is_empty() {
                (row.estimate, None)
            } else {
                self.placed(parts, &inside, placed)
            }
        });
        let se = |variance: Option<f64>| variance.map(deviation);
        let limits = |placed: &[usize], (value, variance): (Option<f64>, Option<f64>)| {
            if placed.is_empty() {
                return (row.lower, row.upper);
            }
            let input = IntervalInput {
                estimate: value.unwrap_or(f64::NAN),
                se: se(variance).filter(|s| s.is_finite() && value.is_some()),
                n: (inside.len() + placed.len()) as u64,
                df: row.df.filter(|d| *d > 0.0),
                level: spec.level,
                certain: false,
            };
            let made = interval(self.interval_method(spec), &input);
            (made.lower, made.upper)
        };
        bounds.all = ends[0].0;
        bounds.lowest = ends[1].0;
        bounds.highest = ends[2].0;
        bounds.lower = limits(&low, ends[1]).0;
        bounds.upper = limits(&high, ends[2]).1;
        bounds
    }

    /// The estimate and its variance with the rows of the domain and those placed in it.
    fn placed(
        &self,
        parts: &Parts,
        inside: &[usize],
        placed: &[usize],
    ) -> (Option<f64>, Option<f64>) {
        let rows = self.ledger.weights().len();
        let mut codes = vec![Codes::NONE; rows];
        for &row in inside.iter().chain(placed) {
            codes[row] = 0;
        }
        let domain = DomainCodes { codes: Codes::pack(&codes, 1), count: 1 };
        let y = Numbers::F64(parts.y.clone());
        let x = parts.x.clone().map(Numbers::F64);
        let quantity = match (&x, parts.mean) {
            (None, _) => Quantity::Total(&y),
            (Some(_), true) => Quantity::Mean(&y),
            (Some(x), false) => Quantity::Ratio(&y, x),
        };
        let raw = self.estimate(&[quantity], &domain, false);
        let known = |x: f64| Some(x).filter(|x| x.is_finite());
        (known(raw.values[0]), known(raw.variances[0]))
    }
}

impl Parts {
    fn of(quantity: &Quantity<'_>, outcome: usize, rows: usize) -> Parts {
        let level = |codes: &Codes| -> Vec<f64> {
            (0..rows)
                .map(|row| match codes.get(row) {
                    Codes::NONE => f64::NAN,
                    code => f64::from(u8::from(code as usize == outcome)),
                })
                .collect()
        };
        let ones = || Some(vec![1.0; rows]);
        match *quantity {
            Quantity::Mean(y) => Parts { y: y.to_vec(), x: ones(), mean: true },
            Quantity::Total(y) => Parts { y: y.to_vec(), x: None, mean: false },
            Quantity::Ratio(y, x) => Parts { y: y.to_vec(), x: Some(x.to_vec()), mean: false },
            Quantity::Proportions(codes, _) => Parts { y: level(codes), x: ones(), mean: true },
            Quantity::LevelTotals(codes, _) => Parts { y: level(codes), x: None, mean: false },
        }
    }

    fn has(&self, row: usize) -> bool {
        !self.y[row].is_nan() && self.x.as_ref().is_none_or(|x| !x[row].is_nan())
    }

    /// The rows to place in the domain for the highest (or lowest) value.
    fn best(&self, weights: &[f64], inside: &[usize], open: &[usize], highest: bool) -> Vec<usize> {
        let sign = if highest { 1.0 } else { -1.0 };
        let Some(x) = &self.x else {
            let gains = |row: &usize| sign * weights[*row] * self.y[*row] > 0.0;
            return open.iter().copied().filter(gains).collect();
        };
        let sums = |rows: &mut dyn Iterator<Item = usize>| {
            rows.fold((0.0, 0.0), |(a, b), r| (a + weights[r] * self.y[r], b + weights[r] * x[r]))
        };
        let known = sums(&mut inside.iter().copied());
        let with_all = sums(&mut inside.iter().chain(open).copied());
        // Where nobody is known to be in the domain, all that may be are a beginning.
        let mut ratio = if known.1 > 0.0 { known.0 / known.1 } else { with_all.0 / with_all.1 };
        let mut placed: Vec<usize> = Vec::new();
        for _ in 0..PASSES {
            let gains = |row: &usize| sign * weights[*row] * (self.y[*row] - ratio * x[*row]) > 0.0;
            let next: Vec<usize> = open.iter().copied().filter(gains).collect();
            let (y, x) = sums(&mut next.iter().copied());
            let made = (known.0 + y) / (known.1 + x);
            if next.is_empty() || !made.is_finite() || sign * (made - ratio) <= 0.0 {
                if placed.is_empty() && known.1 <= 0.0 {
                    // Everybody who may belong has the same value.
                    placed = open.to_vec();
                }
                break;
            }
            (placed, ratio) = (next, made);
        }
        placed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All placings of ten rows, one by one.
    #[test]
    fn the_ends_are_the_extremes_over_all_placings() {
        let y: Vec<f64> = [3.0, 1.0, 4.0, -1.0, 5.0, -9.0, 2.0, 6.0, 5.0, 3.5, 8.0, 0.0].to_vec();
        let w: Vec<f64> = [1.0, 2.0, 0.5, 3.0, 1.5, 0.2, 2.5, 0.7, 1.1, 1.9, 0.4, 2.2].to_vec();
        let x: Vec<f64> = [1.0, 0.5, 2.0, 0.0, 1.0, 3.0, 0.2, 1.0, 0.0, 4.0, 1.0, 0.6].to_vec();
        let open: Vec<usize> = (2..12).collect();
        for inside in [vec![0, 1], vec![]] {
            for parts in [
                Parts { y: y.clone(), x: Some(vec![1.0; 12]), mean: true },
                Parts { y: y.clone(), x: None, mean: false },
                Parts { y: y.clone(), x: Some(x.clone()), mean: false },
            ] {
                let value = |placed: &[usize]| {
                    let rows: Vec<usize> = inside.iter().chain(placed).copied().collect();
                    let top: f64 = rows.iter().map(|&r| w[r] * y[r]).sum();
                    match &parts.x {
                        None => top,
                        Some(x) => top / rows.iter().map(|&r| w[r] * x[r]).sum::<f64>(),
                    }
                };
                let all = (0_u32..1 << 10).map(|mask| {
                    let chosen = |i: &usize| mask >> *i & 1 == 1;
                    value(&(0..10).filter(chosen).map(|i| open[i]).collect::<Vec<_>>())
                });
                let all: Vec<f64> = all.filter(|v| v.is_finite()).collect();
                for highest in [true, false] {
                    let best = value(&parts.best(&w, &inside, &open, highest));
                    let true_best =
                        all.iter().copied().reduce(|a, b| if (a > b) == highest { a } else { b });
                    let true_best = true_best.unwrap();
                    let off = (best - true_best).abs();
                    // With nobody known the end is that of the row with the highest value alone;
                    // rows with x = 0 would make it infinite and are no denominator.
                    if inside.is_empty() && parts.x.as_ref() == Some(&x) {
                        continue;
                    }
                    assert!(off < 1e-12, "{highest} {inside:?}: {best} {true_best}");
                }
            }
        }
    }
}
