//! Cutting the rows into lanes that can be worked on side by side.

use std::borrow::Cow;
use std::ops::Range;

use crate::data::{Codes, Numbers};
use crate::design::UnitTree;

/// Rows handed to a kernel at a time.
const BLOCK: usize = 1024;

/// Rows below which a lane is not worth its own sums.
const LANE: usize = 1 << 14;

/// Runs of rows, in the order of their units, that do not split a unit.
///
/// The boundaries depend on the data and on `most` only, never on the number of threads.
#[derive(Debug, Clone)]
pub struct Lanes<'a> {
    tree: &'a UnitTree,
    cuts: Vec<usize>,
}

impl<'a> Lanes<'a> {
    /// Cuts the rows of a design into at most `most` lanes of at least one block each.
    pub fn new(tree: &'a UnitTree, most: usize) -> Lanes<'a> {
        let rows = tree.unit_of_row.len();
        let lanes = (rows / LANE).clamp(1, most.max(1));
        let unit_at = |place: usize| match &tree.order {
            Some(order) => tree.unit_of_row[order[place] as usize],
            None => tree.unit_of_row[place],
        };
        let mut cuts = vec![0];
        for lane in 1..lanes {
            let mut cut = rows * lane / lanes;
            while cut < rows && unit_at(cut) == unit_at(cut - 1) {
                cut += 1;
            }
            if cut < rows && cuts.last().is_some_and(|&last| cut > last) {
                cuts.push(cut);
            }
        }
        cuts.push(rows);
        Lanes { tree, cuts }
    }

    /// How many lanes there are.
    pub fn len(&self) -> usize {
        self.cuts.len() - 1
    }

    /// True when there are no rows.
    pub fn is_empty(&self) -> bool {
        self.tree.unit_of_row.is_empty()
    }

    /// The unit of the first row of a lane.
    pub(super) fn first_unit(&self, lane: usize) -> usize {
        self.blocks(lane).next().map_or(0, |block| block.unit(0) as usize)
    }

    /// How many rows a lane has.
    pub(super) fn rows(&self, lane: usize) -> usize {
        self.cuts[lane + 1] - self.cuts[lane]
    }

    /// How many units a lane may have at most.
    pub(super) fn units(&self, lane: usize) -> usize {
        let last = self.blocks(lane).last().map(|block| block.unit(block.len() - 1) as usize);
        last.map_or(0, |last| last + 1 - self.first_unit(lane))
    }

    /// The blocks of a lane.
    pub(super) fn blocks(&self, lane: usize) -> impl Iterator<Item = RowBlock<'a>> + use<'a> {
        let tree = self.tree;
        let (start, end) = (self.cuts[lane], self.cuts[lane + 1]);
        (start..end).step_by(BLOCK).map(move |from| {
            let places = from..(from + BLOCK).min(end);
            RowBlock { tree, places }
        })
    }
}

/// Up to [`BLOCK`] rows, in the order of their units.
#[derive(Debug, Clone)]
pub(super) struct RowBlock<'a> {
    tree: &'a UnitTree,
    places: Range<usize>,
}

impl<'a> RowBlock<'a> {
    pub fn len(&self) -> usize {
        self.places.len()
    }

    fn scattered(&self) -> Option<&'a [u32]> {
        self.tree.order.as_ref().map(|order| &order[self.places.clone()])
    }

    fn unit(&self, i: usize) -> u32 {
        match self.scattered() {
            Some(rows) => self.tree.unit_of_row[rows[i] as usize],
            None => self.tree.unit_of_row[self.places.start + i],
        }
    }

    /// The units of the rows.
    pub fn units(&self) -> Cow<'a, [u32]> {
        let of_row = self.tree.unit_of_row.as_slice();
        match self.scattered() {
            Some(rows) => Cow::Owned(rows.iter().map(|&r| of_row[r as usize]).collect()),
            None => Cow::Borrowed(&of_row[self.places.clone()]),
        }
    }

    /// Numbers of the rows.
    pub fn numbers(&self, column: &Numbers, out: &mut Vec<f64>) {
        out.resize(self.len(), 0.0);
        match self.scattered() {
            Some(rows) => column.gather(rows, out),
            None => column.fill(self.places.clone(), out),
        }
    }

    /// Entries of a slice with one number per row.
    pub fn floats<'b>(&self, column: &'b [f64]) -> Cow<'b, [f64]> {
        match self.scattered() {
            Some(rows) => Cow::Owned(rows.iter().map(|&r| column[r as usize]).collect()),
            None => Cow::Borrowed(&column[self.places.clone()]),
        }
    }

    /// Goes through the codes of the rows side by side with something that has an entry for each.
    #[inline]
    pub fn each_code<T>(
        &self,
        column: &Codes,
        with: impl IntoIterator<Item = T>,
        mut take: impl FnMut(T, u32),
    ) {
        match self.scattered() {
            Some(rows) => {
                let own = with.into_iter().zip(rows);
                own.for_each(|(own, &row)| take(own, column.get(row as usize)));
            }
            None => column.each(self.places.clone(), with, take),
        }
    }

    /// Codes of the rows.
    pub fn codes(&self, column: &Codes, out: &mut Vec<u32>) {
        out.resize(self.len(), 0);
        match self.scattered() {
            Some(rows) => column.gather(rows, out),
            None => column.fill(self.places.clone(), out),
        }
    }
}
