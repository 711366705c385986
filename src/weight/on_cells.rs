//! Weighting steps as functions of cells: rows that share all that the steps look at have a factor in
//! common, in the sample and in every replicate.

use std::sync::Arc;

use nalgebra::DMatrix;

use super::calibrate::{Cells, Distance};
use super::error::WeightError;
use super::ledger::Ledger;
use super::margin_solver::MarginSolver;
use super::step::WeightingStep;
use crate::aggregate::{LANES, Lane, XColumns, XTerm};
use crate::data::Codes;

/// Cells beyond which rows might as well be taken one by one.
const MOST_CELLS: usize = 1 << 24;

/// The steps of a ledger, each as a function from the weight of every cell to its factor.
///
/// A cell is an occupied combination of the categories that the steps look at. Sums by cell are all
/// that such a step needs to know of a replicate.
#[derive(Debug)]
pub struct CellRecipe {
    /// The cell of every row; [`Codes::NONE`] for a base weight of zero.
    pub of_row: Codes,
    /// Number of cells.
    pub cells: usize,
    steps: Vec<CellStep>,
}

#[derive(Debug)]
struct CellStep {
    number: usize,
    kind: String,
    /// The step on data with one row per cell.
    step: Arc<dyn WeightingStep>,
    /// For each cell the combination of the step's own categories.
    key: Vec<u32>,
    keys: usize,
    /// The quick way, for plain margins.
    solver: Option<MarginSolver>,
}

/// What a step did to one replicate.
#[derive(Debug, Clone, PartialEq)]
pub enum StepFactors {
    /// A multiplier per column of the margins; the factor of a cell follows from those of its levels.
    Levels(Vec<f64>),
    /// A factor per combination of the step's own categories.
    Keys(Vec<f64>),
}

impl Ledger {
    /// The steps on cells; `None` where there is no step, or one looks at more than categories (numbers,
    /// single weights, numbers of rows) and must be repeated row by row.
    pub fn on_cells(&self) -> Option<CellRecipe> {
        let base = &self.steps().first()?.weights;
        let steps: Vec<(usize, &str, &Arc<dyn WeightingStep>)> = self.repeatable().collect();
        if steps.is_empty() {
            return None;
        }
        let terms: Vec<Vec<XTerm>> =
            steps.iter().map(|(.., step)| step.categories()).collect::<Option<_>>()?;
        // A term without codes has the same column for every row.
        let coded = |t: &&XTerm| t.codes.is_some();
        let x = XColumns { terms: terms.iter().flatten().filter(coded).cloned().collect() };
        let cells = Cells::new(&x, base, None);
        if cells.len() > MOST_CELLS {
            return None;
        }
        let mut rows = vec![u32::MAX; cells.len()];
        for row in 0..base.len() {
            if let Some(first) = rows.get_mut(cells.of_row.get(row) as usize) {
                *first = (row as u32).min(*first);
            }
        }
        let mut weights = cells.weight.clone();
        let mut made = Vec::with_capacity(steps.len());
        for ((number, kind, step), terms) in steps.into_iter().zip(terms) {
            let on_cells = step.on_rows(&rows)?;
            let own = terms.iter().filter(coded).map(|t| gathered(t, &rows));
            let own = XColumns { terms: own.collect() };
            // Every cell takes part in the numbering of the keys.
            let keyed = Cells::new(&own, &vec![1.0; rows.len()], None);
            let solver = on_cells.plain_margins().and_then(|m| MarginSolver::new(&m, &weights));
            weights = on_cells.repeat(&weights).ok()?;
            made.push(CellStep {
                number,
                kind: kind.to_string(),
                key: keyed.of_row.to_vec(),
                keys: keyed.len(),
                step: on_cells,
                solver,
            });
        }
        Some(CellRecipe { of_row: cells.of_row, cells: rows.len(), steps: made })
    }
}

/// A categorical term on some rows.
pub(super) fn gathered(term: &XTerm, rows: &[u32]) -> XTerm {
    XTerm {
        codes: term.codes.as_ref().map(|c| Arc::new(on_rows(c, rows, term.width))),
        ..term.clone()
    }
}

/// Codes on some rows.
pub(super) fn on_rows(codes: &Codes, rows: &[u32], levels: usize) -> Codes {
    let mut out = vec![0; rows.len()];
    codes.gather(rows, &mut out);
    Codes::pack(&out, levels)
}

impl CellRecipe {
    /// Repeats the steps on a block of replicates: `weights` are the sums of the base weights by cell
    /// and lane, of which the first `lanes` count. For each lane the factors of all steps.
    ///
    /// # Errors
    /// The first lane on which a step does not meet its totals or can't be carried out.
    pub fn solve(
        &self,
        mut weights: Vec<Lane>,
        lanes: usize,
    ) -> Result<Vec<Vec<StepFactors>>, (usize, WeightError)> {
        let mut out: Vec<Vec<StepFactors>> = vec![Vec::new(); lanes];
        for step in &self.steps {
            let mut quick =
                step.solver.as_ref().map(|s| s.solve(&weights, lanes)).unwrap_or_default();
            let factors = (0..lanes)
                .map(|lane| match quick.get_mut(lane).and_then(Option::take) {
                    Some(levels) => Ok(StepFactors::Levels(levels)),
                    None => step.slowly(&weights, lane).map_err(|e| (lane, step.named(e))),
                })
                .collect::<Result<Vec<_>, _>>()?;
            step.apply(&factors.iter().collect::<Vec<_>>(), &mut weights);
            out.iter_mut().zip(factors).for_each(|(out, f)| out.push(f));
        }
        Ok(out)
    }

    /// The product of the factors of all steps by cell, for up to [`LANES`] replicates.
    pub fn factors(&self, solved: &[&[StepFactors]]) -> Vec<Lane> {
        let mut g = vec![[1.0; LANES]; self.cells];
        for (s, step) in self.steps.iter().enumerate() {
            let own: Vec<&StepFactors> = solved.iter().filter_map(|f| f.get(s)).collect();
            step.apply(&own, &mut g);
        }
        g
    }
}

impl CellStep {
    fn named(&self, error: WeightError) -> WeightError {
        WeightError::Step { step: self.number, kind: self.kind.clone(), error: Box::new(error) }
    }

    /// As the step itself does it.
    fn slowly(&self, weights: &[Lane], lane: usize) -> Result<StepFactors, WeightError> {
        let before: Vec<f64> = weights.iter().map(|w| w[lane]).collect();
        let after = self.step.repeat(&before)?;
        // Cells of one key share the factor; one without weight does not know it.
        let mut factors = vec![1.0; self.keys];
        for ((&key, b), a) in
            self.key.iter().zip(&before).zip(&after).filter(|((_, b), _)| **b != 0.0)
        {
            factors[key as usize] = a / b;
        }
        Ok(StepFactors::Keys(factors))
    }

    /// Multiplies the values of each cell by its factors.
    fn apply(&self, factors: &[&StepFactors], values: &mut [Lane]) {
        let mut levels: Vec<Lane> = Vec::new();
        for (lane, factors) in factors.iter().enumerate() {
            match factors {
                StepFactors::Levels(own) => {
                    let neutral = self.solver.as_ref().map_or(1.0, MarginSolver::neutral);
                    levels.resize(own.len(), [neutral; LANES]);
                    levels.iter_mut().zip(own).for_each(|(l, f)| l[lane] = *f);
                }
                StepFactors::Keys(own) => {
                    for (value, &key) in values.iter_mut().zip(&self.key) {
                        value[lane] *= own[key as usize];
                    }
                }
            }
        }
        if let Some(solver) = self.solver.as_ref().filter(|_| !levels.is_empty()) {
            solver.apply(&levels, values);
        }
    }
}

/// A calibration to margins and nothing besides.
#[derive(Debug)]
pub(in crate::weight) struct PlainMargins<'a> {
    pub x: &'a XColumns,
    pub targets: &'a [f64],
    pub distance: Distance,
    pub tolerance: f64,
}

impl PlainMargins<'_> {
    /// For each row the column of every term; `None` where a row lacks one.
    pub fn columns(&self, rows: usize) -> Option<Vec<u32>> {
        let mut out = Vec::with_capacity(rows * self.x.terms.len());
        for row in 0..rows {
            let before = out.len();
            out.extend(self.x.row(row).map(|(column, _)| column as u32));
            if out.len() - before != self.x.terms.len() {
                return None;
            }
        }
        Some(out)
    }

    /// Σ w x x' of weights by row.
    pub fn gram(&self, columns: &[u32], weights: impl Iterator<Item = f64>) -> DMatrix<f64> {
        let (terms, q) = (self.x.terms.len(), self.targets.len());
        let mut gram = DMatrix::zeros(q, q);
        for (own, w) in columns.chunks_exact(terms.max(1)).zip(weights) {
            for &a in own {
                for &b in own {
                    gram[(a as usize, b as usize)] += w;
                }
            }
        }
        gram
    }
}
