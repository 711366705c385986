//! Margins: population totals by the levels of one variable, or of several that cross.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::error::WeightError;
use crate::aggregate::XTerm;
use crate::data::{Codes, Factor, Level};

/// Rows handed to one task at a time.
const BLOCK: usize = 1 << 14;

/// Population totals by level, as given.
#[derive(Debug, Clone, PartialEq)]
pub struct MarginLevels {
    /// The variables, joined by ` × `.
    pub name: String,
    /// One entry per cell: the level of each variable, and the total.
    pub totals: Vec<(Vec<String>, f64)>,
}

/// A margin matched with the data.
#[derive(Debug, Clone)]
pub struct Margin {
    /// The variables, joined by ` × `.
    pub name: String,
    /// The cell of every row.
    pub codes: Arc<Codes>,
    /// The text of each cell, by labels.
    pub levels: Vec<String>,
    /// The population total of each cell.
    pub targets: Vec<f64>,
}

impl Margin {
    /// Matches given totals with the levels of the data, by value or by label.
    ///
    /// Only rows with a nonzero weight have to be matched. With `partial`, totals of cells that
    /// no row has are left out; otherwise they are an error, unless they are zero: such a cell asks for
    /// nothing.
    ///
    /// # Errors
    /// When levels differ between margin and data, a level is given twice, a target is negative
    /// or not finite, or all are zero.
    pub fn matched(
        given: &MarginLevels,
        factors: &[&Factor],
        weights: &[f64],
        partial: bool,
    ) -> Result<Margin, WeightError> {
        let margin = || given.name.clone();
        check_targets(given)?;
        let positions_of: Vec<HashMap<&str, u32>> = factors.iter().map(|f| positions(f)).collect();
        // Cell of each combination of level positions that the margin gives.
        let mut cells: HashMap<Vec<u32>, u32> = HashMap::new();
        // Levels that the data do not know: with a total, and without one.
        let (mut unknown, mut idle) = (Vec::new(), Vec::new());
        // Cells as they are shown (by labels), and as they were written, for messages.
        let (mut levels, mut written, mut targets) = (Vec::new(), Vec::new(), Vec::new());
        for (names, total) in &given.totals {
            let positions: Option<Vec<u32>> = positions_of
                .iter()
                .zip(names)
                .map(|(p, name)| p.get(name.as_str()).copied())
                .collect();
            let text = names.join(" × ");
            match positions.filter(|p| p.len() == factors.len()) {
                None if *total == 0.0 => idle.push(text),
                None => unknown.push(text),
                Some(key) => {
                    let labels = factors.iter().zip(&key).zip(names).map(|((f, &p), name)| {
                        f.levels.get(p as usize).map_or(name.as_str(), Level::text)
                    });
                    levels.push(labels.collect::<Vec<_>>().join(" × "));
                    let number = written.len() as u32;
                    if cells.insert(key, number).is_some() {
                        return Err(WeightError::DuplicateLevel { margin: margin(), level: text });
                    }
                    written.push(text);
                    targets.push(*total);
                }
            }
        }
        let cell_of = CellOf::new(&cells, factors, weights.len());
        let mut codes = vec![Codes::NONE; weights.len()];
        let parts: Vec<Matched> = codes
            .par_chunks_mut(BLOCK)
            .zip(weights.par_chunks(BLOCK))
            .enumerate()
            .map(|(block, (codes, weights))| {
                match_block(factors, &cell_of, weights, block * BLOCK, codes, levels.len())
            })
            .collect();
        let mut seen = vec![false; levels.len()];
        let mut strangers: Vec<Vec<u32>> = Vec::new();
        let mut known_strangers: HashSet<Vec<u32>> = HashSet::new();
        let mut missing = (0, 0);
        for part in parts {
            seen.iter_mut().zip(&part.seen).for_each(|(all, own)| *all |= own);
            for key in part.strangers {
                if known_strangers.insert(key.clone()) {
                    strangers.push(key);
                }
            }
            if let Some(row) = part.first_missing {
                missing =
                    (missing.0 + part.missing, if missing.0 == 0 { row + 1 } else { missing.1 });
            }
        }
        if missing.0 > 0 {
            return Err(WeightError::Missing {
                margin: margin(),
                count: missing.0,
                row: missing.1,
            });
        }
        let unseen = (0..levels.len()).filter(|&l| !seen[l] && targets[l] > 0.0);
        let mut only_margin = unknown;
        only_margin.extend(unseen.map(|l| written[l].clone()));
        // Beside levels that the margin lacks, one without a total may be a slip of the pen.
        if !strangers.is_empty() {
            only_margin.extend(idle);
        }
        if partial {
            only_margin.clear();
        }
        if !strangers.is_empty() || !only_margin.is_empty() {
            let only_data = strangers
                .iter()
                .map(|key| {
                    let parts: Vec<&str> = key
                        .iter()
                        .zip(factors)
                        .map(|(&l, f)| f.levels[l as usize].text())
                        .collect();
                    parts.join(" × ")
                })
                .collect();
            return Err(WeightError::Levels { margin: margin(), only_data, only_margin });
        }
        let mut new_code = vec![Codes::NONE; levels.len()];
        let kept: Vec<usize> = (0..levels.len()).filter(|&l| seen[l]).collect();
        for (new, &old) in (0..).zip(&kept) {
            new_code[old] = new;
        }
        let renumbered =
            codes.par_iter().map(|&c| new_code.get(c as usize).copied().unwrap_or(Codes::NONE));
        Ok(Margin {
            name: given.name.clone(),
            codes: Arc::new(Codes::par_collect(renumbered, kept.len())),
            levels: kept.iter().map(|&l| levels[l].clone()).collect(),
            targets: kept.iter().map(|&l| targets[l]).collect(),
        })
    }

    /// The sum of the targets.
    pub fn total(&self) -> f64 {
        self.targets.iter().sum()
    }

    /// The margin as calibration columns: one per cell.
    pub fn term(&self) -> XTerm {
        XTerm { codes: Some(self.codes.clone()), values: None, width: self.levels.len() }
    }
}

/// The cell of a combination of levels, found by its place among all combinations.
enum CellOf<'a> {
    /// One entry per combination, the last factor varying fastest.
    Table(Vec<u32>),
    /// Where there are too many combinations for a table.
    Map(&'a HashMap<Vec<u32>, u32>),
}

impl<'a> CellOf<'a> {
    fn new(cells: &'a HashMap<Vec<u32>, u32>, factors: &[&Factor], rows: usize) -> CellOf<'a> {
        let size = factors.iter().try_fold(1_usize, |size, f| size.checked_mul(f.levels.len()));
        match size {
            Some(size) if size <= rows.max(1 << 16) => {
                let mut table = vec![Codes::NONE; size];
                for (key, &cell) in cells {
                    let place = key
                        .iter()
                        .zip(factors)
                        .fold(0, |place, (&l, f)| place * f.levels.len() + l as usize);
                    table[place] = cell;
                }
                CellOf::Table(table)
            }
            _ => CellOf::Map(cells),
        }
    }

    #[inline]
    fn get(&self, key: &[u32], place: usize) -> u32 {
        match self {
            CellOf::Table(table) => table[place],
            CellOf::Map(cells) => cells.get(key).copied().unwrap_or(Codes::NONE),
        }
    }
}

/// What a block of rows has of a margin.
struct Matched {
    seen: Vec<bool>,
    strangers: Vec<Vec<u32>>,
    missing: usize,
    first_missing: Option<usize>,
}

/// Writes the cells of the rows from `start` on that have a nonzero weight.
fn match_block(
    factors: &[&Factor],
    cell_of: &CellOf<'_>,
    weights: &[f64],
    start: usize,
    codes: &mut [u32],
    cells: usize,
) -> Matched {
    let mut found = Matched {
        seen: vec![false; cells],
        strangers: Vec::new(),
        missing: 0,
        first_missing: None,
    };
    let levels: Vec<Vec<u32>> = factors
        .iter()
        .map(|factor| {
            let mut levels = vec![0; codes.len()];
            factor.codes.fill(start..start + codes.len(), &mut levels);
            levels
        })
        .collect();
    if let ([levels], CellOf::Table(table)) = (&*levels, cell_of) {
        match_one(levels, table, weights, start, codes, &mut found);
        return found;
    }
    let mut key = vec![0; factors.len()];
    for (i, code) in codes.iter_mut().enumerate().filter(|(i, _)| weights[*i] != 0.0) {
        let (mut place, mut is_complete) = (0_usize, true);
        for ((k, levels), factor) in key.iter_mut().zip(&levels).zip(factors) {
            *k = levels[i];
            is_complete &= *k != Codes::NONE;
            // Meaningless, and not used, where it wraps.
            place = place.wrapping_mul(factor.levels.len()).wrapping_add(*k as usize);
        }
        if !is_complete {
            found.missing += 1;
            found.first_missing.get_or_insert(start + i);
            continue;
        }
        let cell = cell_of.get(&key, place);
        if cell != Codes::NONE {
            *code = cell;
            found.seen[cell as usize] = true;
        } else if !found.strangers.contains(&key) {
            found.strangers.push(key.clone());
        }
    }
    found
}

/// The same for a margin of one variable, by far the most frequent.
fn match_one(
    levels: &[u32],
    table: &[u32],
    weights: &[f64],
    start: usize,
    codes: &mut [u32],
    found: &mut Matched,
) {
    for (i, ((code, &level), &w)) in codes.iter_mut().zip(levels).zip(weights).enumerate() {
        if w == 0.0 {
            continue;
        }
        match table.get(level as usize) {
            Some(&cell) if cell != Codes::NONE => {
                *code = cell;
                found.seen[cell as usize] = true;
            }
            Some(_) => {
                if !found.strangers.iter().any(|key| key[0] == level) {
                    found.strangers.push(vec![level]);
                }
            }
            None => {
                found.missing += 1;
                found.first_missing.get_or_insert(start + i);
            }
        }
    }
}

/// Position of every level by its value and by its label, as [`Factor::position`] has it: values
/// count before labels, and the first of several counts.
fn positions(factor: &Factor) -> HashMap<&str, u32> {
    let mut all = HashMap::with_capacity(factor.levels.len());
    for (position, level) in (0..).zip(&factor.levels) {
        all.entry(level.value.as_str()).or_insert(position);
    }
    let mut labels = HashMap::new();
    for (position, level) in (0..).zip(&factor.levels) {
        if let Some(label) = &level.label {
            labels.entry(label.as_str()).or_insert(position);
        }
    }
    for (label, position) in labels {
        all.entry(label).or_insert(position);
    }
    all
}

fn check_targets(given: &MarginLevels) -> Result<(), WeightError> {
    for (names, total) in &given.totals {
        if !total.is_finite() || *total < 0.0 {
            return Err(WeightError::Target {
                margin: given.name.clone(),
                level: names.join(" × "),
                value: *total,
            });
        }
    }
    if given.totals.iter().all(|(_, total)| *total == 0.0) {
        return Err(WeightError::AllZero { margin: given.name.clone() });
    }
    Ok(())
}

/// Checks that all margins have one total, within a relative tolerance; scales them to the first.
///
/// # Errors
/// Names the two margins that differ most from each other.
pub(super) fn reconcile(margins: &mut [Margin], tolerance: f64) -> Result<(), WeightError> {
    let Some(first) = margins.first() else { return Err(WeightError::NoMargins) };
    let (name, total) = (first.name.clone(), first.total());
    if let Some(zero) = margins.iter().find(|m| m.total() <= 0.0) {
        return Err(WeightError::AllZero { margin: zero.name.clone() });
    }
    for margin in margins.iter_mut().skip(1) {
        let own = margin.total();
        let difference = (own - total).abs() / total.max(own);
        if difference > tolerance {
            return Err(WeightError::Totals {
                first: name,
                first_total: total,
                second: margin.name.clone(),
                second_total: own,
                difference,
            });
        }
        if own != total {
            margin.targets.iter_mut().for_each(|t| *t *= total / own);
        }
    }
    Ok(())
}
