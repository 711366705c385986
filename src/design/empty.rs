//! PSUs that were drawn and have no row in the data, because nobody was found in them.
//!
//! A screened boost of a rare group visits many areas in which no member of the group lives. They are
//! part of the sample: their totals are zero, and n_h counts them. Left out, the n_h of the data is a
//! random number of PSUs with somebody in them, and the variance between "somebody" and "nobody" is
//! lost: standard errors of totals are too small (Cochran 1977, §2.12, domain totals; Lumley 2010, §2.4).

use super::error::DesignError;
use super::finding::DesignFinding;
use super::input::DesignInput;
use super::selection::Method;
use super::tree::{Stratum, UnitTree};
use super::variable::{complete_numbers, stratum_name};

/// PSUs without rows that are held: a wrong number in the data is not to take all memory.
const MOST: f64 = 1e7;

/// How many PSUs of each first-stage stratum have no rows: those drawn without those found.
///
/// `whole` has the stratum of every row as the data give it, `stratum` with every certain PSU in one of
/// its own; `found` counts the PSUs in the data by the latter. The PSUs without rows are no certain ones.
pub(super) fn empty_psus(
    input: &DesignInput<'_>,
    whole: &[u32],
    stratum: &[u32],
    found: &[u32],
    certain: Option<&[bool]>,
) -> Result<Option<Vec<u32>>, DesignError> {
    let Some(variable) = input.psus_drawn else { return Ok(None) };
    if let Some(what) = needs_more(input) {
        return Err(DesignError::PsusDrawnWith { what });
    }
    let name = || variable.name.to_string();
    let numbers = complete_numbers(variable, "number of PSUs drawn", input.rows)?;
    // By stratum of the data: the number given, a row, the PSUs found, and the stratum of those that
    // are not certain.
    let strata = whole.iter().max().map_or(0, |&last| last as usize + 1);
    let mut of_data: Vec<(f64, usize, u32, Option<u32>)> = vec![(f64::NAN, 0, 0, None); strata];
    let mut counted = vec![false; found.len()];
    for (row, (&data, &own)) in whole.iter().zip(stratum).enumerate() {
        let (value, slot) = (numbers.get(row), &mut of_data[data as usize]);
        if slot.0.is_nan() {
            (slot.0, slot.1) = (value, row);
        } else if slot.0 != value {
            let (stratum, row, first) = (stratum_name(input, 0, row), row + 1, slot.0);
            let (variable, second) = (name(), value);
            return Err(DesignError::PsusDrawnVary { variable, stratum, first, second, row });
        }
        if !std::mem::replace(&mut counted[own as usize], true) {
            slot.2 += found[own as usize];
            if certain.is_none_or(|c| !c[row]) {
                slot.3 = Some(own);
            }
        }
    }
    let mut extra = vec![0; found.len()];
    let mut more = 0.0;
    for (value, row, found, own) in of_data.into_iter().filter(|s| !s.0.is_nan()) {
        if value.fract() != 0.0 || value < f64::from(found) {
            let stratum = stratum_name(input, 0, row);
            return Err(DesignError::PsusDrawn { variable: name(), stratum, found, value });
        }
        if let Some(own) = own {
            extra[own as usize] = value as u32 - found;
            more += value - f64::from(found);
        }
    }
    if more > MOST {
        return Err(DesignError::TooManyEmpty { variable: name(), units: more, most: MOST });
    }
    Ok(extra.iter().any(|&m| m > 0).then_some(extra))
}

/// What has to know more of a PSU than that it was drawn.
fn needs_more(input: &DesignInput<'_>) -> Option<&'static str> {
    match input.selection.method {
        Method::Simple | Method::WithReplacement if input.second_phase.is_some() => {
            Some("a second phase")
        }
        Method::Simple | Method::WithReplacement if input.crossed.is_some() => {
            Some("a crossed clustering")
        }
        Method::Simple | Method::WithReplacement => None,
        Method::Sd1 | Method::Sd2 => Some("a variance of successive differences"),
        _ => Some("a variance of unequal probabilities"),
    }
}

/// How many first-stage units of a tree have no rows, where some do.
pub(super) fn finding(tree: &UnitTree) -> Option<DesignFinding> {
    let mut has_rows = vec![false; tree.units()];
    tree.unit_of_row.iter().for_each(|&unit| has_rows[unit as usize] = true);
    let first = tree.stages.first()?;
    let is_empty = |block: &&[u32]| !has_rows[block[0] as usize..block[1] as usize].contains(&true);
    let count = first.deepest.windows(2).filter(is_empty).count();
    (count > 0).then_some(DesignFinding::EmptyPsus { count, drawn: first.units() })
}

impl UnitTree {
    /// Adds units without rows to the strata of the first stage, after those that have rows.
    ///
    /// At every later stage such a unit is one unit in a stratum of its own, all of which was taken, so
    /// that it adds nothing there.
    pub(super) fn add_empty(&mut self, extra: &[u32]) {
        let Some(first) = self.stages.first() else { return };
        // Where they go among the deepest units as numbered so far, a row of their stratum, and how many.
        let places: Vec<(u32, u32, u32)> = first
            .strata
            .iter()
            .zip(extra)
            .filter(|(_, m)| **m > 0)
            .map(|(stratum, &m)| (first.deepest[stratum.end as usize], stratum.row, m))
            .collect();
        let mut before = vec![0_u32];
        before.extend(places.iter().scan(0, |sum, (_, _, m)| {
            *sum += m;
            Some(*sum)
        }));
        // Those that go before the deepest unit.
        let shift = |deepest: u32| before[places.partition_point(|(at, ..)| *at <= deepest)];
        let new: Vec<(u32, u32)> = places
            .iter()
            .zip(&before)
            .flat_map(|(&(at, row, m), before)| (0..m).map(move |i| (at + before + i, row)))
            .collect();
        let mut stages = std::mem::take(&mut self.stages);
        for (s, stage) in stages.iter_mut().enumerate() {
            let (old, end) = match stage.deepest.split_last() {
                Some((end, old)) => (old, *end),
                None => continue,
            };
            let mut starts: Vec<u32> = old.iter().map(|&d| d + shift(d)).collect();
            for (h, stratum) in stage.strata.iter_mut().enumerate() {
                let moved = shift(old[stratum.first as usize]);
                let more = if s == 0 { extra[h] } else { 0 };
                stratum.end += moved + more;
                stratum.first += moved;
            }
            starts.extend(new.iter().map(|(at, _)| *at));
            starts.sort_unstable();
            if s > 0 {
                stage.strata.extend(new.iter().map(|&(at, row)| {
                    let first = starts.partition_point(|&d| d < at) as u32;
                    let end = first + 1;
                    Stratum { first, end, population: 1.0, share: 0.0, row, form: None }
                }));
                stage.strata.sort_by_key(|stratum| stratum.first);
            }
            starts.push(end + new.len() as u32);
            stage.deepest = starts;
        }
        self.unit_of_row.iter_mut().for_each(|unit| *unit += shift(*unit));
        self.stages = stages;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Column;
    use crate::design::{SurveyDesign, Variable};

    #[test]
    fn units_are_renumbered_around_those_without_rows() {
        let stratum = Column::numbers("h", vec![1.0, 1.0, 1.0, 2.0, 2.0]);
        let psu = Column::numbers("psu", vec![1.0, 1.0, 2.0, 3.0, 4.0]);
        let household = Column::numbers("hh", vec![1.0, 2.0, 3.0, 4.0, 5.0]);
        let counts = Column::numbers("N", vec![10.0, 10.0, 10.0, 8.0, 8.0]);
        let second = Column::numbers("M", vec![4.0, 4.0, 4.0, 4.0, 4.0]);
        let drawn = Column::numbers("drawn", vec![4.0, 4.0, 4.0, 3.0, 3.0]);
        let design = SurveyDesign::build(&DesignInput {
            rows: 5,
            strata: vec![Some(Variable::of(&stratum))],
            clusters: vec![Variable::of(&psu), Variable::of(&household)],
            fpc: vec![Variable::of(&counts), Variable::of(&second)],
            psus_drawn: Some(Variable::of(&drawn)),
            lonely: crate::design::LonelyPsu::Center,
            ..DesignInput::default()
        })
        .unwrap();
        let tree = &design.tree;
        // Households 1 and 2 of PSU 1, one of PSU 2, two without rows; one each of 3 and 4, one without.
        assert_eq!(tree.stages[0].deepest, [0, 2, 3, 4, 5, 6, 7, 8]);
        let strata = |s: usize| -> Vec<(u32, u32)> {
            tree.stages[s].strata.iter().map(|h| (h.first, h.end)).collect()
        };
        assert_eq!(strata(0), [(0, 4), (4, 7)]);
        assert_eq!(strata(1), [(0, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7), (7, 8)]);
        assert_eq!(tree.stages[1].deepest, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(tree.unit_of_row, [0, 1, 2, 5, 6]);
        // N/n with the PSUs drawn: 10/4 · 4/2 in PSU 1, 10/4 · 4/1 in PSU 2, 8/3 · 4/1.
        let expected = [5.0, 5.0, 10.0, 32.0 / 3.0, 32.0 / 3.0];
        design.weights.iter().zip(expected).for_each(|(w, e)| assert!((w - e).abs() < 1e-12));
        // The share of the second stage is that of the PSUs drawn.
        assert!((tree.stages[1].strata[0].share - 0.4).abs() < 1e-15);
    }
}
