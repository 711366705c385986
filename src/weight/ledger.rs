//! The ledger: every step from the design weight to the final weight, with what the variance
//! needs to know of it.

use std::sync::Arc;

use rayon::prelude::*;

use super::calibrate::{CalibrationOptions, CalibrationStatus, Distance, Solution, Totals, solve};
use super::error::WeightError;
use super::margin::{Margin, reconcile};
use super::summary::{MarginLine, StepSummary, WeightSummary};
use crate::aggregate::XColumns;
use crate::numeric::SymmetricSolver;

/// Rows handed to one task at a time.
const BLOCK: usize = 1 << 16;

/// How residuals are taken for the linearised variance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Residuals {
    /// Of the regression on the calibration columns weighted by the weights before the step
    /// (Deville and Särndal 1992, eq. 3.4).
    Regression,
    /// As R `rake()` does: ten sweeps of unweighted margin means. For matching only.
    RRake,
}

/// What the variance needs to know of a calibration.
#[derive(Debug, Clone)]
pub struct Calibration {
    /// The calibration columns.
    pub x: XColumns,
    /// Weight of every row in the regression of the residuals: before the step, over the scale.
    pub regression_weights: Arc<Vec<f64>>,
    /// How residuals are taken.
    pub residuals: Residuals,
    /// Σ v x x' over the rows, factorised; v are the regression weights.
    pub solver: SymmetricSolver,
}

/// One step.
#[derive(Debug, Clone)]
pub struct LedgerStep {
    /// What it did, for people.
    pub summary: StepSummary,
    /// The weights after it.
    pub weights: Arc<Vec<f64>>,
    /// The calibration, if it was one.
    pub calibration: Option<Calibration>,
    /// What it was asked for, to be done again on other weights.
    recipe: Option<(Totals, CalibrationOptions)>,
}

/// The history of a set of weights: the base weight, and every step after it.
///
/// A step is carried out on the weights the step before it left. All lists have one entry per row
/// of the data.
#[derive(Debug, Clone)]
pub struct Ledger {
    steps: Vec<LedgerStep>,
    follows_r: bool,
}

impl Ledger {
    /// Starts with the design weight.
    pub fn new(design_weights: Arc<Vec<f64>>, description: &str) -> Ledger {
        let summary = StepSummary {
            step: 1,
            kind: "base".to_string(),
            description: description.to_string(),
            outcome: String::new(),
            weights: WeightSummary::of(&design_weights),
            g_range: None,
            margins: Vec::new(),
            variance: "the sample design".to_string(),
        };
        let step = LedgerStep { summary, weights: design_weights, calibration: None, recipe: None };
        Ledger { steps: vec![step], follows_r: false }
    }

    /// The steps, the base weight first.
    pub fn steps(&self) -> &[LedgerStep] {
        &self.steps
    }

    /// Takes the linearised variance of successive calibrations as R `survey` does (residuals of the
    /// first step first, each from values divided by its own weights), for matching only: after two
    /// steps the totals of the last do not come out as known.
    pub fn follow_r(&mut self) {
        self.follows_r = true;
    }

    /// Whether some step asks for R's linearised variance.
    pub fn follows_r(&self) -> bool {
        self.follows_r || self.calibrations().any(|c| c.residuals == Residuals::RRake)
    }

    /// The weights after the last step.
    pub fn weights(&self) -> &Arc<Vec<f64>> {
        &self.steps[self.steps.len() - 1].weights
    }

    /// The calibrations, in the order they were made.
    pub fn calibrations(&self) -> impl Iterator<Item = &Calibration> {
        self.steps.iter().filter_map(|s| s.calibration.as_ref())
    }

    /// Does all steps again, starting from other weights (those of a replicate).
    ///
    /// # Errors
    /// When a step does not meet its totals from there.
    pub fn replay(&self, start: &[f64]) -> Result<Vec<f64>, WeightError> {
        let mut weights = start.to_vec();
        for step in &self.steps {
            let Some((totals, options)) = &step.recipe else { continue };
            let solution = solve(&weights, totals, options);
            if !solution.status.is_converged() {
                return Err(WeightError::NotReached(format!(
                    "step {} ({}) does not meet its totals: {}",
                    step.summary.step, step.summary.kind, solution.status
                )));
            }
            weights = solution.apply(&weights);
        }
        Ok(weights)
    }

    /// Scales the weights in every cell of a margin to its total: w = d N_c/Σ_c d
    /// (post-stratification; Holt and Smith 1979).
    ///
    /// # Errors
    /// When a cell with a positive target has no weight.
    pub fn post_stratify(&mut self, margin: Margin) -> Result<(), WeightError> {
        let description = format!("post-stratified by {}", margin.name);
        self.fit_margins(
            "post-stratify",
            description,
            vec![margin],
            0.0,
            1e-12,
            3,
            Residuals::Regression,
        )
    }

    /// Fits the weights to several margins in turn until all are met (raking).
    ///
    /// `tolerance` is the relative difference allowed between the totals of two margins (1e-9 at
    /// least); they are then scaled to the first. `iterations` limits the sweeps over all margins.
    /// Targets are met to a relative 1e-10. A target of zero gives its rows weight zero.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use rakewell::data::Codes;
    /// use rakewell::weight::{Ledger, Margin, Residuals};
    ///
    /// let margin = |name: &str, codes: &[u32], targets: &[f64]| Margin {
    ///     name: name.to_string(),
    ///     codes: Arc::new(Codes::pack(codes, targets.len())),
    ///     levels: (0..targets.len()).map(|l| l.to_string()).collect(),
    ///     targets: targets.to_vec(),
    /// };
    /// let mut ledger = Ledger::new(Arc::new(vec![10.0, 12.0, 8.0, 9.0]), "design weight");
    /// ledger.rake(
    ///     vec![margin("sex", &[0, 0, 1, 1], &[26.0, 24.0]), margin("age", &[0, 1, 0, 1], &[22.0, 28.0])],
    ///     0.0,
    ///     100,
    ///     Residuals::Regression,
    /// )?;
    /// let w = ledger.weights();
    /// assert!((w[0] + w[1] - 26.0).abs() < 1e-8 && (w[0] + w[2] - 22.0).abs() < 1e-8);
    /// # Ok::<(), rakewell::weight::WeightError>(())
    /// ```
    ///
    /// Source: Deming and Stephan (1940); with `Residuals::Regression` the variance of Deville and
    /// Särndal (1992, eq. 3.4), docs/methods/calibration-variance.md.
    ///
    /// # Errors
    /// When margins have different totals, a cell with a positive target has no weight, or the
    /// margins contradict each other in this sample.
    pub fn rake(
        &mut self,
        margins: Vec<Margin>,
        tolerance: f64,
        iterations: usize,
        residuals: Residuals,
    ) -> Result<(), WeightError> {
        let names: Vec<&str> = margins.iter().map(|m| m.name.as_str()).collect();
        let description = format!("raked to {}", names.join(", "));
        self.fit_margins("rake", description, margins, tolerance, 1e-10, iterations, residuals)
    }

    #[allow(clippy::too_many_arguments)]
    fn fit_margins(
        &mut self,
        kind: &str,
        description: String,
        mut margins: Vec<Margin>,
        margin_tolerance: f64,
        tolerance: f64,
        iterations: usize,
        residuals: Residuals,
    ) -> Result<(), WeightError> {
        margins.iter().try_for_each(|m| check_cells(m, self.weights()))?;
        reconcile(&mut margins, margin_tolerance.max(1e-9))?;
        let totals = Totals {
            x: XColumns { terms: margins.iter().map(Margin::term).collect() },
            targets: margins.iter().flat_map(|m| m.targets.clone()).collect(),
            names: margins
                .iter()
                .flat_map(|m| m.levels.iter().map(|l| format!("{} {l}", m.name)))
                .collect(),
        };
        let options = CalibrationOptions {
            tolerance,
            iterations,
            ..CalibrationOptions::new(Distance::Raking(None))
        };
        let solution = solve(self.weights(), &totals, &options);
        if !solution.status.is_converged() {
            return Err(WeightError::NotReached(format!(
                "the {kind} step did not meet its margins: {}",
                solution.status
            )));
        }
        let lines = margin_lines(&solution, &margins);
        self.push(kind, description, &totals, &options, solution, lines, residuals)
    }

    /// Calibrates the weights to totals of any columns.
    ///
    /// With `force` weights that miss their totals are kept; the summary says so. Their variance is
    /// then that of met totals.
    ///
    /// Shapes: one target and one name per column of `totals.x`, in units of the population; columns
    /// and `options.scale` with one entry per row. Rows with weight zero keep it, and may lack
    /// values.
    ///
    /// # Errors
    /// When the totals are not met and `force` is false; when there are none, lengths disagree, a
    /// weighted row lacks a value, a scale is not positive, or bounds do not enclose 1; when weights
    /// before the step are so negative that no regression on the columns exists.
    pub fn calibrate(
        &mut self,
        totals: &Totals,
        options: &CalibrationOptions,
        force: bool,
    ) -> Result<CalibrationStatus, WeightError> {
        if totals.targets.is_empty() {
            return Err(WeightError::NoMargins);
        }
        if let Some(b) = options.distance.bounds()
            && !(b.lower < 1.0 && b.upper > 1.0)
        {
            return Err(WeightError::Bounds { lower: b.lower, upper: b.upper });
        }
        check_shapes(self.weights(), totals, options)?;
        let solution = solve(self.weights(), totals, options);
        if !solution.status.is_converged() && !force {
            return Err(WeightError::NotReached(format!(
                "calibration did not meet its totals: {}",
                solution.status
            )));
        }
        let lines = total_lines(&solution, totals);
        let description =
            format!("calibrated ({}) to {}", options.distance.name(), short_list(&totals.names));
        let status = solution.status.clone();
        self.push(
            "calibrate",
            description,
            totals,
            options,
            solution,
            lines,
            Residuals::Regression,
        )?;
        Ok(status)
    }

    #[allow(clippy::too_many_arguments)]
    fn push(
        &mut self,
        kind: &str,
        description: String,
        totals: &Totals,
        options: &CalibrationOptions,
        solution: Solution,
        margins: Vec<MarginLine>,
        residuals: Residuals,
    ) -> Result<(), WeightError> {
        let before = self.weights().clone();
        let solver = SymmetricSolver::new(&solution.cells.gram(totals.targets.len()))?;
        let after = Arc::new(solution.apply(&before));
        let regression_weights = match &options.scale {
            None => before,
            Some(scale) => {
                let over = |(&w, &s): (&f64, &f64)| if w == 0.0 { 0.0 } else { w / s };
                Arc::new(before.iter().zip(scale.iter()).map(over).collect())
            }
        };
        let range = solution
            .g
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), &g| (lo.min(g), hi.max(g)));
        let variance = match residuals {
            Residuals::Regression => "residuals of the regression on the calibration variables",
            Residuals::RRake => "as R rake(): ten sweeps of unweighted margin means",
        };
        self.steps.push(LedgerStep {
            summary: StepSummary {
                step: self.steps.len() + 1,
                kind: kind.to_string(),
                description,
                outcome: solution.status.to_string(),
                weights: WeightSummary::of(&after),
                g_range: Some(range),
                margins,
                variance: variance.to_string(),
            },
            weights: after,
            calibration: Some(Calibration {
                x: totals.x.clone(),
                regression_weights,
                residuals,
                solver,
            }),
            recipe: Some((totals.clone(), options.clone())),
        });
        Ok(())
    }
}

fn same(what: &'static str, found: usize, expected: usize) -> Result<(), WeightError> {
    if found == expected { Ok(()) } else { Err(WeightError::Shape { what, found, expected }) }
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
