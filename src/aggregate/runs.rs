//! Entries by unit, held lane by lane as they were found.

use std::ops::Range;

/// Where the entries of each unit of a lane are: a run per unit, units in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Runs {
    first: usize,
    /// For each unit from `first` on the end of its run, which starts where the one before ends.
    ends: Vec<usize>,
}

impl Runs {
    /// No entries yet, for the units from `first` on.
    pub fn new(first: usize) -> Runs {
        Runs { first, ends: Vec::new() }
    }

    /// Gives a unit all entries up to `end` that no unit has. Units come in ascending order; those
    /// left out have no entries.
    pub fn close(&mut self, unit: usize, end: usize) {
        let start = self.ends.last().copied().unwrap_or(0);
        self.ends.resize(unit - self.first, start);
        self.ends.push(end);
    }

    fn get(&self, unit: usize) -> Range<usize> {
        let at = unit - self.first;
        let end = |i: usize| self.ends.get(i).copied();
        match (at.checked_sub(1).map_or(Some(0), end), end(at)) {
            (Some(start), Some(end)) => start..end,
            _ => 0..0,
        }
    }
}

/// The lane that a unit is in, and the places of its entries there; lanes are in order of units.
pub(super) fn find<T>(
    lanes: &[T],
    runs: impl Fn(&T) -> &Runs,
    unit: usize,
) -> Option<(&T, Range<usize>)> {
    let after = lanes.partition_point(|lane| runs(lane).first <= unit);
    let lane = lanes.get(after.checked_sub(1)?)?;
    Some((lane, runs(lane).get(unit)))
}

/// A set of numbers below a limit that is filled and emptied over and over.
#[derive(Debug)]
pub(super) struct Touched {
    words: Vec<u64>,
}

impl Touched {
    /// An empty set of numbers below `limit`.
    pub fn new(limit: usize) -> Touched {
        Touched { words: vec![0; limit.div_ceil(64)] }
    }

    /// Puts a number in.
    #[inline]
    pub fn insert(&mut self, i: usize) {
        self.words[i / 64] |= 1 << (i % 64);
    }

    /// Takes all numbers out, in ascending order, without sorting.
    pub fn drain(&mut self, mut each: impl FnMut(usize)) {
        for (w, word) in self.words.iter_mut().enumerate() {
            let mut bits = std::mem::take(word);
            while bits != 0 {
                each(64 * w + bits.trailing_zeros() as usize);
                bits &= bits - 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_found_by_unit() {
        // Units 3 and 5 have entries in the first lane, 4 has none; 7 and 9 in the second.
        let mut lanes = [Runs::new(3), Runs::new(7)];
        lanes[0].close(3, 2);
        lanes[0].close(5, 6);
        lanes[1].close(7, 1);
        lanes[1].close(9, 4);
        let of = |unit| find(&lanes, |l| l, unit).map(|(lane, run)| (lane.first, run));
        assert_eq!(of(2), None);
        assert_eq!(of(3), Some((3, 0..2)));
        assert_eq!(of(4), Some((3, 2..2)));
        assert_eq!(of(5), Some((3, 2..6)));
        assert_eq!(of(6), Some((3, 0..0)));
        assert_eq!(of(7), Some((7, 0..1)));
        assert_eq!(of(8), Some((7, 1..1)));
        assert_eq!(of(9), Some((7, 1..4)));
        assert_eq!(of(10), Some((7, 0..0)));
    }

    #[test]
    fn numbers_come_out_in_order_and_once() {
        let mut touched = Touched::new(200);
        for round in 0..2 {
            for i in [199, 64, 0, 63, 64, 5] {
                touched.insert(i);
            }
            let mut out = Vec::new();
            touched.drain(|i| out.push(i));
            assert_eq!(out, [0, 5, 63, 64, 199], "round {round}");
        }
    }
}
