//! Domains: the crossing of categorical variables within a subpopulation.

use rayon::prelude::*;

use crate::aggregate::DomainCodes;
use crate::data::{Codes, Factor};

/// Rows handed to one task at a time.
const BLOCK: usize = 8192;

/// All cells of a crossing, occupied or not, in order with the first variable varying slowest.
#[derive(Debug, Clone)]
pub struct Domains {
    /// The cell of every row; none for rows outside the subpopulation or without a level.
    pub codes: DomainCodes,
    /// The level of each variable in each cell.
    pub cells: Vec<Vec<usize>>,
    /// Rows inside the subpopulation that lack a level of some variable.
    pub unclassified: u64,
}

impl Domains {
    /// Crosses variables within a subpopulation (all rows if `inside` is `None`). Without
    /// variables there is one domain. Factors and `inside` have one entry per row; there are as many
    /// cells as the product of the numbers of levels.
    ///
    /// # Panics
    /// If a factor or `inside` is shorter than `rows`.
    pub fn cross(rows: usize, factors: &[&Factor], inside: Option<&[bool]>) -> Domains {
        let count: usize = factors.iter().map(|f| f.levels.len()).product();
        let mut codes = vec![Codes::NONE; rows];
        let unclassified = codes
            .par_chunks_mut(BLOCK)
            .enumerate()
            .map(|(block, codes)| fill_block(factors, inside, block * BLOCK, codes))
            .sum();
        let cells = (0..count)
            .map(|cell| {
                let mut rest = cell;
                let mut levels: Vec<usize> = factors
                    .iter()
                    .rev()
                    .map(|f| {
                        let level = rest % f.levels.len();
                        rest /= f.levels.len();
                        level
                    })
                    .collect();
                levels.reverse();
                levels
            })
            .collect();
        Domains {
            codes: DomainCodes { codes: Codes::pack(&codes, count), count },
            cells,
            unclassified,
        }
    }
}

impl Domains {
    /// Domains that are there already as a code per row, below `count`.
    pub fn of_codes(codes: Codes, count: usize) -> DomainCodes {
        DomainCodes { codes, count }
    }
}

/// Writes the cells of the rows from `start` on; returns how many of them lack a level.
fn fill_block(
    factors: &[&Factor],
    inside: Option<&[bool]>,
    start: usize,
    cells: &mut [u32],
) -> u64 {
    let rows = start..start + cells.len();
    cells.fill(0);
    let mut levels = vec![0; cells.len()];
    for factor in factors {
        factor.codes.fill(rows.clone(), &mut levels);
        let width = factor.levels.len() as u32;
        for (cell, &level) in cells.iter_mut().zip(&levels) {
            let is_in = *cell != Codes::NONE && level != Codes::NONE;
            *cell = if is_in { *cell * width + level } else { Codes::NONE };
        }
    }
    let is_inside = |i: usize| inside.is_none_or(|keep| keep[start + i]);
    let mut unclassified = 0;
    for (i, cell) in cells.iter_mut().enumerate() {
        if !is_inside(i) {
            *cell = Codes::NONE;
        } else if *cell == Codes::NONE {
            unclassified += 1;
        }
    }
    unclassified
}
