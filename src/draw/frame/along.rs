//! What holds of rows and units by way of the units above them: probabilities over the stages.

use super::layout::{Layout, Stage};
use crate::data::Codes;

impl Layout {
    /// The probability of every row of the frame under this sample, screening with it.
    pub fn probabilities(&self) -> Vec<f64> {
        self.by_row(|_, stage, unit| stage.chance(unit))
    }

    /// Rows of the frame that cannot be drawn into this sample: outside its `where`, without an identifier,
    /// not eligible after screening, or in units of probability zero.
    pub fn without_chance(&self) -> usize {
        let Some(last) = self.stages.len().checked_sub(1) else { return self.rows };
        let of_units = self.along(last, 1.0, |_, stage, unit, p| p * stage.chance(unit));
        let is_in = |row: &&u32| self.outside.as_ref().is_none_or(|out| !out[**row as usize]);
        let rows = of_units.iter().enumerate().filter(|(_, p)| **p > 0.0).map(|(unit, _)| {
            let own = &self.order[self.stages[last].span(unit as u32)];
            if self.outside.is_none() { own.len() } else { own.iter().filter(is_in).count() }
        });
        self.rows - rows.sum::<usize>()
    }

    /// The probability of the first-stage unit of every row.
    pub(super) fn first_probabilities(&self) -> Vec<f64> {
        self.by_row(|s, stage, unit| if s == 0 { stage.pi[unit as usize] } else { 1.0 })
    }

    /// By row, the product over its units of what is told of the units of a stage; 0 for rows that
    /// are not covered.
    fn by_row(&self, of: impl Fn(usize, &Stage, u32) -> f64) -> Vec<f64> {
        let mut of_rows = vec![0.0; self.rows];
        let Some(last) = self.stages.len().checked_sub(1) else { return of_rows };
        let of_units = self.along(last, 1.0, |s, stage, unit, p| p * of(s, stage, unit));
        for (unit, p) in of_units.iter().enumerate() {
            for &row in &self.order[self.stages[last].span(unit as u32)] {
                let out = self.outside.as_ref().is_some_and(|o| o[row as usize]);
                of_rows[row as usize] = if out { 0.0 } else { *p };
            }
        }
        of_rows
    }

    /// By row, its unit of a stage; [`Codes::NONE`] for rows that are not covered.
    pub(super) fn units_by_row(&self, wanted: usize) -> Vec<u32> {
        let mut of_rows = vec![Codes::NONE; self.rows];
        let Some(last) = self.stages.len().checked_sub(1) else { return of_rows };
        let own = |s, _: &Stage, unit, above| if s == wanted { unit } else { above };
        for (unit, wanted) in self.along(last, Codes::NONE, own).iter().enumerate() {
            for &row in &self.order[self.stages[last].span(unit as u32)] {
                of_rows[row as usize] = *wanted;
            }
        }
        of_rows
    }

    /// By unit of a stage, what comes of a value on the way down to it, stage by stage.
    pub(super) fn along<T: Copy>(
        &self,
        until: usize,
        start: T,
        of: impl Fn(usize, &Stage, u32, T) -> T,
    ) -> Vec<T> {
        let mut above = vec![start];
        for (s, stage) in self.stages.iter().enumerate().take(until + 1) {
            let mut here = vec![start; stage.units()];
            for (parent, value) in above.iter().enumerate() {
                let cells = stage.cells_of[parent] as usize..stage.cells_of[parent + 1] as usize;
                for cell in &stage.cells[cells] {
                    for unit in cell.first..cell.first + cell.units {
                        here[unit as usize] = of(s, stage, unit, *value);
                    }
                }
            }
            above = here;
        }
        above
    }
}
