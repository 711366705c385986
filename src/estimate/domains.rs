//! Domains: the crossing of categorical variables within a subpopulation.

use crate::aggregate::DomainCodes;
use crate::data::{Codes, Factor};

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
    pub fn cross(rows: usize, factors: &[&Factor], inside: Option<&[bool]>) -> Domains {
        let count: usize = factors.iter().map(|f| f.levels.len()).product();
        let mut codes = vec![Codes::NONE; rows];
        let mut unclassified = 0;
        for (row, code) in codes.iter_mut().enumerate() {
            if inside.is_some_and(|keep| !keep[row]) {
                continue;
            }
            let cell = factors.iter().try_fold(0, |cell, factor| {
                let level = factor.codes.get(row);
                (level != Codes::NONE).then(|| cell * factor.levels.len() + level as usize)
            });
            match cell {
                Some(cell) => *code = cell as u32,
                None => unclassified += 1,
            }
        }
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
