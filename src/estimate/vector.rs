//! A vector that is summed up from few entries, or from all.

use crate::aggregate::UnitTotals;

/// A vector of which few entries are not zero, or many.
pub(super) struct Vector {
    values: Vec<f64>,
    /// Whether most entries are not zero: `is_in` and `places` are those of the first ones then.
    is_full: bool,
    is_in: Vec<bool>,
    places: Vec<u32>,
}

impl Vector {
    /// Zeros.
    pub fn new(size: usize) -> Vector {
        let (values, is_in) = (vec![0.0; size], vec![false; size]);
        Vector { values, is_full: false, is_in, places: Vec::new() }
    }

    /// All entries.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Adds to one entry.
    #[inline]
    pub fn add(&mut self, place: usize, value: f64) {
        if !std::mem::replace(&mut self.is_in[place], true) {
            self.places.push(place as u32);
        }
        self.values[place] += value;
    }

    /// Adds totals times a number, from a place on.
    #[inline]
    pub fn add_all(&mut self, from: usize, by: f64, totals: UnitTotals<'_>) {
        match totals {
            UnitTotals::All(totals) => {
                let is_zero = !self.is_full && self.places.is_empty();
                self.is_full = true;
                if is_zero && by == 1.0 && totals.len() == self.values.len() {
                    self.values.copy_from_slice(totals);
                    return;
                }
                let own = self.values[from..].iter_mut().zip(totals);
                own.for_each(|(sum, total)| *sum += by * total);
            }
            totals => totals.each(|column, total| self.add(from + column, by * total)),
        }
    }

    /// Adds the entries of another.
    pub fn merge(&mut self, other: &Vector) {
        if other.is_full {
            self.add_all(0, 1.0, UnitTotals::All(&other.values));
        } else {
            other.each(|place, value| self.add(place, value));
        }
    }

    /// Whether to go through the entries as they stand is less than to look for those that are not zero.
    pub fn is_mostly_full(&self) -> bool {
        self.is_full || 2 * self.places.len() > self.values.len()
    }

    /// Entries in the order of their places, so that memory is gone through in order.
    pub fn sort(&mut self) {
        if !self.is_full {
            self.places.sort_unstable();
        }
    }

    /// Gives the entries that are not zero, and some that are.
    #[inline]
    pub fn each(&self, mut f: impl FnMut(usize, f64)) {
        if self.is_full {
            self.values.iter().enumerate().for_each(|(place, &value)| f(place, value));
        } else {
            self.places.iter().for_each(|&p| f(p as usize, self.values[p as usize]));
        }
    }

    /// Zeros again.
    pub fn clear(&mut self) {
        if std::mem::take(&mut self.is_full) {
            self.values.fill(0.0);
        }
        for place in self.places.drain(..) {
            self.values[place as usize] = 0.0;
            self.is_in[place as usize] = false;
        }
    }
}
