//! The order of a systematic sample: sorted by columns, up and down in turn if wanted.

use std::cmp::Ordering;

use crate::data::{Column, Values};

/// Columns as numbers that sort as the columns do.
pub(super) struct SortKeys(Vec<Vec<f64>>);

impl SortKeys {
    pub fn of(columns: &[&Column]) -> SortKeys {
        let key = |column: &&Column| match &column.values {
            Values::Numbers(numbers) => numbers.to_vec(),
            // Levels are in natural order.
            Values::Text(f) => (0..f.codes.len()).map(|r| f64::from(f.codes.get(r))).collect(),
        };
        SortKeys(columns.iter().map(key).collect())
    }

    /// Sorts units by the values of their rows; those that are equal keep their order.
    ///
    /// With `serpentine` a column is sorted upwards in the first run of equal values of the columns
    /// before, downwards in the next, and so on: neighbours in the list then resemble each other
    /// across the turns, too.
    pub fn sort<T>(&self, units: &mut [T], row: impl Fn(&T) -> usize + Copy, serpentine: bool) {
        if !serpentine {
            units.sort_by(|a, b| {
                let (a, b) = (row(a), row(b));
                self.0.iter().fold(Ordering::Equal, |o, k| o.then(k[a].total_cmp(&k[b])))
            });
            return;
        }
        let mut down = vec![false; self.0.len()];
        self.turn(0, units, row, &mut down);
    }

    fn turn<T>(
        &self,
        column: usize,
        units: &mut [T],
        row: impl Fn(&T) -> usize + Copy,
        down: &mut Vec<bool>,
    ) {
        let Some(key) = self.0.get(column) else { return };
        let reversed = down[column];
        units.sort_by(|a, b| {
            let order = key[row(a)].total_cmp(&key[row(b)]);
            if reversed { order.reverse() } else { order }
        });
        down[column] = !reversed;
        let mut start = 0;
        while start < units.len() {
            let value = key[row(&units[start])];
            let run = units[start..].iter().take_while(|u| key[row(u)].total_cmp(&value).is_eq());
            let end = start + run.count();
            self.turn(column + 1, &mut units[start..end], row, down);
            start = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serpentine_turns_at_every_change() {
        let a = Column::numbers("a", vec![1.0, 1.0, 2.0, 2.0, 3.0, 3.0]);
        let b = Column::numbers("b", vec![5.0, 6.0, 5.0, 6.0, 5.0, 6.0]);
        let keys = SortKeys::of(&[&a, &b]);
        let mut units: Vec<usize> = vec![5, 3, 1, 0, 2, 4];
        keys.sort(&mut units, |u| *u, true);
        assert_eq!(units, [0, 1, 3, 2, 4, 5]);
        keys.sort(&mut units, |u| *u, false);
        assert_eq!(units, [0, 1, 2, 3, 4, 5]);
    }
}
