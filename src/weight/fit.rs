//! Calibration as a weighting step: post-stratification, raking, calibration to any totals.

use std::sync::Arc;

use rayon::prelude::*;

use super::adjustment::{Adjustment, Carrier, Residuals};
use super::calibrate::{CalibrationOptions, Distance, Solution, Totals, solve};
use super::error::WeightError;
use super::groups::same;
use super::margin::{Margin, reconcile};
use super::on_cells::{PlainMargins, gathered, on_rows};
use super::step::{Done, WeightingStep};
use super::summary::MarginLine;
use crate::aggregate::{XColumns, XTerm};
use crate::numeric::SymmetricSolver;

/// Rows handed to one task at a time.
const BLOCK: usize = 1 << 16;

/// Choices of a fit to margins.
#[derive(Debug, Clone)]
pub(super) struct FitOptions {
    /// Relative difference allowed between the totals of two margins.
    pub margin_tolerance: f64,
    /// Largest relative misfit.
    pub tolerance: f64,
    /// Largest number of sweeps.
    pub iterations: usize,
    pub residuals: Residuals,
}

impl Default for FitOptions {
    fn default() -> FitOptions {
        FitOptions {
            margin_tolerance: 0.0,
            tolerance: 1e-10,
            iterations: 1000,
            residuals: Residuals::Regression,
        }
    }
}

/// A calibration step.
#[derive(Debug, Clone)]
pub(super) struct Fit {
    kind: &'static str,
    description: String,
    totals: Totals,
    options: CalibrationOptions,
    /// The margins the totals come from; none for a calibration to totals.
    margins: Vec<Margin>,
    /// Weights that miss their totals are kept.
    force: bool,
    residuals: Residuals,
}

impl Fit {
    /// A fit to margins, which are scaled to the total of the first.
    pub fn margins(
        kind: &'static str,
        description: String,
        mut margins: Vec<Margin>,
        options: &FitOptions,
    ) -> Result<Fit, WeightError> {
        for margin in &margins {
            same("targets of a margin", margin.targets.len(), margin.levels.len())?;
        }
        reconcile(&mut margins, options.margin_tolerance.max(1e-9))?;
        let totals = Totals {
            x: XColumns { terms: margins.iter().map(Margin::term).collect() },
            targets: margins.iter().flat_map(|m| m.targets.clone()).collect(),
            names: margins
                .iter()
                .flat_map(|m| m.levels.iter().map(|l| format!("{} {l}", m.name)))
                .collect(),
        };
        let calibration = CalibrationOptions {
            tolerance: options.tolerance,
            iterations: options.iterations,
            ..CalibrationOptions::new(Distance::Raking(None))
        };
        Ok(Fit {
            kind,
            description,
            totals,
            options: calibration,
            margins,
            force: false,
            residuals: options.residuals,
        })
    }

    /// A calibration to totals of any columns.
    pub fn totals(
        totals: &Totals,
        options: &CalibrationOptions,
        force: bool,
    ) -> Result<Fit, WeightError> {
        if totals.targets.is_empty() {
            return Err(WeightError::NoMargins);
        }
        if let Some(b) = options.distance.bounds()
            && !(b.lower < 1.0 && b.upper > 1.0)
        {
            return Err(WeightError::Bounds { lower: b.lower, upper: b.upper });
        }
        if let Some(b) = options.weight_bounds {
            if matches!(options.distance, Distance::Logit(_)) {
                return Err(WeightError::LogitWeightBounds);
            }
            if b.lower.is_nan() || b.upper.is_nan() || b.lower >= b.upper {
                return Err(WeightError::WeightBounds { lower: b.lower, upper: b.upper });
            }
        }
        Ok(Fit {
            kind: "calibrate",
            description: format!(
                "calibrated ({}) to {}",
                options.distance.name(),
                short_list(&totals.names)
            ),
            totals: totals.clone(),
            options: options.clone(),
            margins: Vec::new(),
            force,
            residuals: Residuals::Regression,
        })
    }

    fn solution(&self, before: &[f64]) -> Result<Solution, WeightError> {
        self.margins.iter().try_for_each(|m| check_cells(m, before))?;
        if self.margins.is_empty() {
            check_shapes(before, &self.totals, &self.options)?;
        }
        let solution = solve(before, &self.totals, &self.options);
        if solution.status.is_converged() || self.force {
            return Ok(solution);
        }
        Err(WeightError::NotReached(if self.margins.is_empty() {
            format!("calibration did not meet its totals: {}", solution.status)
        } else {
            format!("the {} step did not meet its margins: {}", self.kind, solution.status)
        }))
    }
}

impl WeightingStep for Fit {
    fn carry_out(&self, before: &Arc<Vec<f64>>) -> Result<Done, WeightError> {
        let solution = self.solution(before)?;
        let solver = SymmetricSolver::new(&solution.cells.gram(self.totals.targets.len()))?;
        let regression_weights = match &self.options.scale {
            None => before.clone(),
            Some(scale) => {
                let over = |(&w, &s): (&f64, &f64)| if w == 0.0 { 0.0 } else { w / s };
                Arc::new(before.iter().zip(scale.iter()).map(over).collect())
            }
        };
        let margins = if self.margins.is_empty() {
            total_lines(&solution, &self.totals)
        } else {
            margin_lines(&solution, &self.margins)
        };
        let variance = match self.residuals {
            Residuals::Regression => "residuals of the regression on the calibration variables",
            Residuals::RRake => "as R rake(): ten sweeps of unweighted margin means",
        };
        Ok(Done {
            weights: Arc::new(solution.apply(before)),
            adjustment: Some(Adjustment {
                x: self.totals.x.clone(),
                regression_weights,
                carrier: Carrier::After,
                solver,
                residuals: self.residuals,
                target_covariance: None,
            }),
            kind: self.kind.to_string(),
            description: self.description.clone(),
            outcome: solution.status.to_string(),
            status: Some(solution.status),
            margins,
            details: Vec::new(),
            variance: variance.to_string(),
        })
    }

    fn repeat(&self, before: &[f64]) -> Result<Vec<f64>, WeightError> {
        Ok(self.solution(before)?.apply(before))
    }

    fn categories(&self) -> Option<Vec<XTerm>> {
        let whole = self.options.scale.is_none()
            && self.options.weight_bounds.is_none()
            && self.totals.x.terms.iter().all(|t| t.values.is_none());
        whole.then(|| self.totals.x.terms.clone())
    }

    fn on_rows(&self, rows: &[u32]) -> Option<Arc<dyn WeightingStep>> {
        let mut fit = self.clone();
        for term in &mut fit.totals.x.terms {
            *term = gathered(term, rows);
        }
        for margin in &mut fit.margins {
            margin.codes = Arc::new(on_rows(&margin.codes, rows, margin.levels.len()));
        }
        Some(Arc::new(fit))
    }

    fn plain_margins(&self) -> Option<PlainMargins<'_>> {
        (!self.force).then_some(PlainMargins {
            x: &self.totals.x,
            targets: &self.totals.targets,
            distance: self.options.distance,
            tolerance: self.options.tolerance,
        })
    }
}

/// Every cell with a positive target needs a row with weight.
fn check_cells(margin: &Margin, weights: &[f64]) -> Result<(), WeightError> {
    same("rows of a margin", margin.codes.len(), weights.len())?;
    same("targets of a margin", margin.targets.len(), margin.levels.len())?;
    let levels = margin.levels.len();
    let hold = |mut held: Vec<bool>, (block, weights): (usize, &[f64])| {
        let first = block * BLOCK;
        for row in (0..weights.len()).filter(|&row| weights[row] != 0.0) {
            if let Some(held) = held.get_mut(margin.codes.get(first + row) as usize) {
                *held = true;
            }
        }
        held
    };
    let either = |mut a: Vec<bool>, b: Vec<bool>| {
        a.iter_mut().zip(b).for_each(|(a, b)| *a |= b);
        a
    };
    let none = || vec![false; levels];
    let blocks = weights.par_chunks(BLOCK).enumerate();
    let is_held = blocks.fold(none, hold).reduce(none, either);
    match (0..is_held.len()).find(|&l| !is_held[l] && margin.targets[l] > 0.0) {
        None => Ok(()),
        Some(l) => Err(WeightError::EmptyCell {
            margin: margin.name.clone(),
            level: margin.levels[l].clone(),
            target: margin.targets[l],
        }),
    }
}

/// What would otherwise surface as a panic or as a total that is not a number.
fn check_shapes(
    weights: &[f64],
    totals: &Totals,
    options: &CalibrationOptions,
) -> Result<(), WeightError> {
    let columns = totals.x.width();
    same("totals of the calibration columns", totals.targets.len(), columns)?;
    same("names of the calibration columns", totals.names.len(), columns)?;
    let mut first = 0;
    for term in &totals.x.terms {
        let lengths = [term.codes.as_ref().map(|c| c.len()), term.values.as_ref().map(|v| v.len())];
        for length in lengths.into_iter().flatten() {
            same("rows of a calibration column", length, weights.len())?;
        }
        if let Some(values) = &term.values {
            let missing = |&row: &usize| weights[row] != 0.0 && values.get(row).is_nan();
            let rows: Vec<usize> = (0..weights.len()).filter(missing).collect();
            if let Some(row) = rows.first() {
                let margin = totals.names[first].clone();
                return Err(WeightError::Missing { margin, count: rows.len(), row: row + 1 });
            }
        }
        first += term.width;
    }
    if let Some(scale) = &options.scale {
        same("scales", scale.len(), weights.len())?;
        let bad = |&row: &usize| weights[row] != 0.0 && (scale[row].is_nan() || scale[row] <= 0.0);
        if let Some(row) = (0..weights.len()).find(bad) {
            return Err(WeightError::Scale { row: row + 1, value: scale[row] });
        }
    }
    Ok(())
}

fn short_list(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(8).map(String::as_str).collect();
    let more = names.len().saturating_sub(8);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

/// Totals of every column before and after, and the rows that enter it.
fn column_totals(solution: &Solution, columns: usize) -> Vec<(u64, f64, f64)> {
    let mut totals = vec![(0, 0.0, 0.0); columns];
    for cell in 0..solution.cells.len() {
        let (rows, w) = (solution.cells.rows[cell], solution.cells.weight[cell]);
        for (column, x) in solution.cells.x(cell) {
            let t: &mut (u64, f64, f64) = &mut totals[column];
            t.0 += u64::from(rows);
            t.1 += w * x;
            t.2 += w * solution.g[cell] * x;
        }
    }
    totals
}

fn margin_lines(solution: &Solution, margins: &[Margin]) -> Vec<MarginLine> {
    let columns = margins.iter().map(|m| m.levels.len()).sum();
    let mut totals = column_totals(solution, columns).into_iter();
    let mut lines = Vec::new();
    for margin in margins {
        for (level, &target) in margin.levels.iter().zip(&margin.targets) {
            let (n, before, after) = totals.next().unwrap_or_default();
            let (margin, level) = (margin.name.clone(), level.clone());
            lines.push(MarginLine { margin, level, n, target, before, after });
        }
    }
    lines
}

fn total_lines(solution: &Solution, totals: &Totals) -> Vec<MarginLine> {
    column_totals(solution, totals.targets.len())
        .into_iter()
        .zip(totals.names.iter().zip(&totals.targets))
        .map(|((n, before, after), (name, &target))| MarginLine {
            margin: name.clone(),
            level: String::new(),
            n,
            target,
            before,
            after,
        })
        .collect()
}
