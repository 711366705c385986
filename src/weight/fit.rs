//! Calibration as a weighting step: post-stratification, raking, calibration to any totals.

use std::borrow::Cow;
use std::sync::Arc;

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::adjustment::{Adjustment, Carrier, OwnSum, Residuals};
use super::calibrate::{
    Bounds, CalibrationOptions, CalibrationStatus, Distance, Firmness, Solution, Totals, nearest,
    solve,
};
use super::control::{ControlTotals, ReplicateOf};
use super::error::WeightError;
use super::groups::same;
use super::margin::{Margin, reconcile};
use super::on_cells::{PlainMargins, gathered};
use super::step::{Done, WeightingStep};
use super::summary::{DetailValue, MarginLine, StepDetail};
use crate::aggregate::{XColumns, XTerm};
use crate::numeric::{SymmetricSolver, sum};

/// A calibration to any totals, with all that can be asked of it.
#[derive(Debug, Clone)]
pub struct Calibration {
    /// What the step is called, such as `calibrate` or `rake`.
    pub kind: &'static str,
    /// The totals.
    pub totals: Totals,
    /// The margin and the level that each total belongs to (the level is empty for a number); as many
    /// as there are totals, or none.
    pub lines: Vec<(String, String)>,
    /// How they are to be met.
    pub options: CalibrationOptions,
    /// True when `totals.targets` are shares and means: totals per unit of the sum of the weights
    /// before the step, which stays as it is.
    pub per_unit: bool,
    /// The survey the totals were estimated from, if they were.
    pub control: Option<ControlTotals>,
    /// Weights that miss their totals are kept.
    pub force: bool,
    /// How residuals are taken for the linearised variance.
    pub residuals: Residuals,
}

impl Calibration {
    /// A calibration to known totals.
    pub fn new(totals: Totals, options: CalibrationOptions) -> Calibration {
        Calibration {
            kind: "calibrate",
            totals,
            lines: Vec::new(),
            options,
            per_unit: false,
            control: None,
            force: false,
            residuals: Residuals::Regression,
        }
    }

    /// A calibration to margins: a column for every level, with its total.
    pub fn to_margins(margins: &[Margin], options: CalibrationOptions) -> Calibration {
        let lines =
            || margins.iter().flat_map(|m| m.levels.iter().map(|l| (m.name.clone(), l.clone())));
        let totals = Totals {
            x: XColumns { terms: margins.iter().map(Margin::term).collect() },
            targets: margins.iter().flat_map(|m| m.targets.clone()).collect(),
            names: lines().map(|(margin, level)| format!("{margin} {level}")).collect(),
            part: Vec::new(),
        };
        Calibration { lines: lines().collect(), ..Calibration::new(totals, options) }
    }

    /// Checks what does not depend on weights.
    pub(super) fn checked(self) -> Result<Fit, WeightError> {
        let totals = &self.totals;
        if totals.targets.is_empty() {
            return Err(WeightError::NoMargins);
        }
        let columns = totals.x.width();
        same("totals of the calibration columns", totals.targets.len(), columns)?;
        same("names of the calibration columns", totals.names.len(), columns)?;
        if !self.lines.is_empty() {
            same("margins of the calibration columns", self.lines.len(), columns)?;
        }
        if !totals.part.is_empty() {
            same("parts of the calibration columns", totals.part.len(), columns)?;
        }
        self.check_options()?;
        if let Some(control) = &self.control {
            same("estimated totals", control.covariance().nrows(), columns)?;
        }
        Ok(Fit(self))
    }

    fn check_options(&self) -> Result<(), WeightError> {
        let options = &self.options;
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
        if let Some(Bounds { lower, upper }) = options.trim
            && (lower.is_nan() || upper.is_nan() || lower >= upper)
        {
            return Err(WeightError::Bounds { lower, upper });
        }
        if let Some(firmness) = &options.firmness {
            same("firmness of the totals", firmness.len(), self.totals.targets.len())?;
            for (firm, name) in firmness.iter().zip(&self.totals.names) {
                let (sound, value) = match firm {
                    Firmness::Importance(k) => (*k > 0.0 && k.is_finite(), *k),
                    Firmness::Within(delta) => (*delta >= 0.0 && delta.is_finite(), *delta),
                    _ => (true, 0.0),
                };
                if !sound {
                    return Err(WeightError::Firmness { name: name.clone(), value });
                }
            }
        }
        if let Some(z) = &options.instruments {
            same("instruments", z.width(), self.totals.targets.len())?;
        }
        Ok(())
    }
}

/// A calibration that was checked: a step.
#[derive(Debug, Clone)]
pub(super) struct Fit(Calibration);

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

impl Fit {
    /// A fit to margins, which are scaled to the total of the first.
    pub fn margins(
        kind: &'static str,
        mut margins: Vec<Margin>,
        options: &FitOptions,
    ) -> Result<Fit, WeightError> {
        for margin in &margins {
            same("targets of a margin", margin.targets.len(), margin.levels.len())?;
        }
        reconcile(&mut margins, options.margin_tolerance.max(1e-9))?;
        let calibration = CalibrationOptions {
            tolerance: options.tolerance,
            iterations: options.iterations,
            ..CalibrationOptions::new(Distance::Raking(None))
        };
        let residuals = options.residuals;
        Calibration { kind, residuals, ..Calibration::to_margins(&margins, calibration) }.checked()
    }

    fn description(&self) -> String {
        let Calibration { kind, totals, lines, options, .. } = &self.0;
        let mut names: Vec<&str> = if lines.is_empty() {
            totals.names.iter().map(String::as_str).collect()
        } else {
            lines.iter().map(|(margin, _)| margin.as_str()).collect()
        };
        // A margin is one name, however many parts it is given for.
        let mut seen = std::collections::HashSet::new();
        names.retain(|name| seen.insert(*name));
        let list = short_list(&names);
        let within = match totals.part.iter().max() {
            None | Some(0) => String::new(),
            Some(last) => format!(" in {} parts", last + 1),
        };
        match *kind {
            "post-stratify" => format!("post-stratified by {list}{within}"),
            "rake" => format!("raked to {list}{within}"),
            _ => format!("calibrated ({}) to {list}{within}", options.distance.name()),
        }
    }

    /// The totals as numbers of the population.
    fn totals(&self, before: &[f64]) -> Cow<'_, Totals> {
        if !self.0.per_unit {
            return Cow::Borrowed(&self.0.totals);
        }
        let all = sum(before);
        let mut totals = self.0.totals.clone();
        totals.targets.iter_mut().for_each(|t| *t *= all);
        Cow::Owned(totals)
    }

    fn solution(
        &self,
        before: &[f64],
        totals: &Totals,
        explain: bool,
    ) -> Result<Solution, WeightError> {
        let Calibration { kind, options, force, lines, .. } = &self.0;
        check_shapes(before, totals, options)?;
        let solution = solve(before, totals, options, explain);
        if solution.status.is_usable() || *force {
            return Ok(solution);
        }
        if let Some(empty) = empty_cell(&solution, totals, lines) {
            return Err(empty);
        }
        if matches!(solution.status, CalibrationStatus::Infeasible { .. }) {
            let status = Box::new(solution.status);
            return Err(WeightError::Infeasible { kind: kind.to_string(), status });
        }
        Err(WeightError::NotReached(if *kind == "calibrate" {
            format!("calibration did not meet its totals: {}", solution.status)
        } else {
            format!("the {kind} step did not meet its margins: {}", solution.status)
        }))
    }

    /// What the variance must know of it.
    fn adjustment(
        &self,
        before: &Arc<Vec<f64>>,
        totals: &Totals,
        solution: &Solution,
    ) -> Result<Adjustment, WeightError> {
        let Calibration { options, control, residuals, per_unit, .. } = &self.0;
        let columns = totals.targets.len();
        let solver = SymmetricSolver::new(&solution.matrix(columns))?;
        let covariance = match control {
            None => None,
            Some(control) => {
                agrees(control.covariance(), &solver, &totals.names)?;
                Some(control.covariance().clone())
            }
        };
        let regression_weights = match &options.scale {
            None => before.clone(),
            Some(scale) => {
                let over = |(&w, &s): (&f64, &f64)| if w == 0.0 { 0.0 } else { w / s };
                Arc::new(before.iter().zip(scale.iter()).map(over).collect())
            }
        };
        Ok(Adjustment {
            residuals: *residuals,
            target_covariance: covariance,
            ridge: ridge(solution, columns),
            own_sum: per_unit.then(|| OwnSum {
                before: before.clone(),
                shares: Arc::new(self.0.totals.targets.clone()),
            }),
            ..Adjustment::new(totals.x.clone(), regression_weights, Carrier::After, solver)
        })
    }

    fn variance(&self) -> String {
        let Calibration { options, control, residuals, per_unit, .. } = &self.0;
        if options.instruments.is_some() {
            return "ignored: generalised calibration is taken as fixed".to_string();
        }
        let mut parts = vec![match residuals {
            Residuals::Regression => "residuals of the regression on the calibration variables",
            Residuals::RRake => "as R rake(): ten sweeps of unweighted margin means",
        }];
        if control.is_some() {
            parts.push("the covariance of the estimated totals is added");
        }
        if *per_unit {
            parts.push("the sum of the weights is that of the weights before");
        }
        parts.join("; ")
    }
}

impl WeightingStep for Fit {
    fn carry_out(&self, before: &Arc<Vec<f64>>) -> Result<Done, WeightError> {
        let totals = self.totals(before);
        let solution = self.solution(before, &totals, true)?;
        let adjustment = match &self.0.options.instruments {
            None => Some(self.adjustment(before, &totals, &solution)?),
            Some(_) => None,
        };
        let mut outcome = solution.status.to_string();
        if let Some(Bounds { lower, upper }) = self.0.options.trim {
            let rows = solution.trimmed;
            outcome.push_str(&format!(
                "; then the factors of {rows} rows were cut off at {lower} and {upper}, so that \
                 totals are no longer met exactly"
            ));
        }
        let margins = lines(&solution, &totals, &self.0.lines);
        // What converged are the equations, in which soft margins give way.
        let missed = |line: &MarginLine| (line.after - line.target).abs() / line.target.abs();
        let worst = margins
            .iter()
            .filter(|l| l.target != 0.0)
            .max_by(|a, b| missed(a).total_cmp(&missed(b)));
        if let (Some(_), Some(line)) = (&solution.ridge, worst) {
            outcome.push_str(&format!(
                "; furthest from its target is {} {}, by {:+.2} %",
                line.margin,
                line.level,
                100.0 * (line.after - line.target) / line.target
            ));
        }
        Ok(Done {
            weights: Arc::new(solution.apply(before)),
            adjustment,
            kind: self.0.kind.to_string(),
            description: self.description(),
            outcome,
            margins,
            details: gave_way(&solution.status),
            variance: self.variance(),
            status: Some(solution.status),
        })
    }

    fn repeat(&self, before: &[f64]) -> Result<Vec<f64>, WeightError> {
        Ok(self.solution(before, &self.totals(before), self.0.force)?.apply(before))
    }

    fn repeat_on(&self, before: &[f64], of: &ReplicateOf<'_>) -> Result<Vec<f64>, WeightError> {
        let Some(control) = &self.0.control else { return self.repeat(before) };
        let mut totals = self.totals(before).into_owned();
        totals.targets = control.targets(&totals.targets, of)?;
        Ok(self.solution(before, &totals, self.0.force)?.apply(before))
    }

    fn has_estimated_totals(&self) -> bool {
        self.0.control.is_some()
    }

    fn within_weights(&self, bounds: Bounds) -> Option<Arc<dyn WeightingStep>> {
        let mut fit = self.clone();
        fit.0.options.distance = Distance::Linear(None);
        fit.0.options.weight_bounds = Some(bounds);
        Some(Arc::new(fit))
    }

    fn categories(&self) -> Option<Vec<XTerm>> {
        let Calibration { totals, options, control, .. } = &self.0;
        let whole = options.scale.is_none()
            && options.weight_bounds.is_none()
            && options.row_bounds.is_none()
            && options.instruments.is_none()
            // What is cut off is spread by rows.
            && options.trim.is_none()
            && control.is_none()
            && totals.x.terms.iter().all(|t| t.values.is_none());
        whole.then(|| totals.x.terms.clone())
    }

    fn on_rows(&self, rows: &[u32]) -> Option<Arc<dyn WeightingStep>> {
        let mut step = self.0.clone();
        for term in &mut step.totals.x.terms {
            *term = gathered(term, rows);
        }
        Some(Arc::new(Fit(step)))
    }

    fn plain_margins(&self) -> Option<PlainMargins<'_>> {
        let Calibration { totals, options, per_unit, force, .. } = &self.0;
        let is_plain = !force
            && !per_unit
            && !options.relax
            && options.firmness.is_none()
            && totals.part.is_empty();
        is_plain.then_some(PlainMargins {
            x: &totals.x,
            targets: &totals.targets,
            distance: options.distance,
            tolerance: options.tolerance,
        })
    }
}

/// R of M = Σ q x x' + R; infinite for columns without a hold.
fn ridge(solution: &Solution, columns: usize) -> Option<Arc<Vec<f64>>> {
    if solution.ridge.is_none() && solution.taking_part.is_none() {
        return None;
    }
    let mut ridge = solution.ridge.clone().unwrap_or_else(|| vec![0.0; columns]);
    for (r, part) in ridge.iter_mut().zip(solution.taking_part.iter().flatten()) {
        if !part {
            *r = f64::INFINITY;
        }
    }
    Some(Arc::new(ridge))
}

/// Columns that depend on each other in every row have totals that do so in every survey: their
/// covariance has to know it, or B'VB would depend on which of them is left out.
fn agrees(
    covariance: &DMatrix<f64>,
    solver: &SymmetricSolver,
    names: &[String],
) -> Result<(), WeightError> {
    for dependent in solver.dependent().iter().filter(|d| !d.combination.is_empty()) {
        let mut c = nalgebra::DVector::zeros(names.len());
        c[dependent.column] = -1.0;
        dependent.combination.iter().for_each(|&(i, by)| c[i] = by);
        let own = (c.transpose() * covariance * &c)[(0, 0)];
        let size: f64 = (0..names.len()).map(|i| c[i] * c[i] * covariance[(i, i)]).sum();
        if own.abs() > 1e-6 * size {
            return Err(WeightError::Covariance(format!(
                "{} follows from {} other totals in every row, but not in the covariance; take the \
                 covariance of both from one survey, or leave one of them out",
                names[dependent.column],
                dependent.combination.len()
            )));
        }
    }
    Ok(())
}

/// The first level with a positive target that no row has.
fn empty_cell(
    solution: &Solution,
    totals: &Totals,
    lines: &[(String, String)],
) -> Option<WeightError> {
    let columns = totals.targets.len();
    let mut is_held = vec![false; columns];
    for cell in 0..solution.cells.len() {
        solution.cells.x(cell).for_each(|(column, _)| is_held[column] = true);
    }
    let column = (0..columns).find(|&c| !is_held[c] && totals.targets[c] != 0.0)?;
    let (margin, level) = lines.get(column).cloned().unwrap_or_else(|| {
        let name = totals.names[column].clone();
        (name.clone(), name)
    });
    Some(WeightError::EmptyCell { margin, level, target: totals.targets[column] })
}

/// Totals that gave way, as a table.
fn gave_way(status: &CalibrationStatus) -> Vec<StepDetail> {
    let CalibrationStatus::Relaxed { relaxed, .. } = status else { return Vec::new() };
    if relaxed.is_empty() {
        return Vec::new();
    }
    let row = |total: &super::calibrate::NearestTotal| {
        vec![
            DetailValue::Text(total.name.clone()),
            DetailValue::Number(total.target),
            DetailValue::Number(total.nearest),
            DetailValue::Number(total.miss()),
        ]
    };
    vec![StepDetail {
        title: "Totals that gave way".to_string(),
        columns: ["total", "asked for", "met", "relative miss"].map(String::from).to_vec(),
        rows: relaxed.iter().map(row).collect(),
    }]
}

/// The nearest totals that could be met, in words, for a message.
pub(super) fn nearest_in_words(status: &CalibrationStatus) -> Option<String> {
    let CalibrationStatus::Infeasible { nearest: totals, .. } = status else { return None };
    if totals.is_empty() {
        return None;
    }
    let mut text = totals.iter().take(5).map(nearest).collect::<Vec<_>>().join(", ");
    if totals.len() > 5 {
        text.push_str(&format!(" and {} more", totals.len() - 5));
    }
    Some(text)
}

/// What would otherwise surface as a panic or as a total that is not a number.
fn check_shapes(
    weights: &[f64],
    totals: &Totals,
    options: &CalibrationOptions,
) -> Result<(), WeightError> {
    let mut first = 0;
    for term in &totals.x.terms {
        let lengths = [term.codes.as_ref().map(|c| c.len()), term.values.as_ref().map(|v| v.len())];
        for length in lengths.into_iter().flatten() {
            same("rows of a calibration column", length, weights.len())?;
        }
        if let Some(values) = &term.values {
            let missing = |&row: &usize| weights[row] != 0.0 && values.get(row).is_nan();
            let count = (0..weights.len()).into_par_iter().filter(missing).count();
            if count > 0 {
                let row = (0..weights.len()).find(missing).unwrap_or(0) + 1;
                let margin = totals.names[first].clone();
                return Err(WeightError::Missing { margin, count, row });
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
    if let Some(bounds) = &options.row_bounds {
        same("lower bounds", bounds.lower.len(), weights.len())?;
        same("upper bounds", bounds.upper.len(), weights.len())?;
        let is_logit = matches!(options.distance, Distance::Logit(_));
        for row in (0..weights.len()).filter(|&row| weights[row] != 0.0) {
            let (lower, upper) = (bounds.lower[row], bounds.upper[row]);
            let holds_one = bounds.of_weight || (lower <= 1.0 && upper >= 1.0);
            let logit = !is_logit || (!bounds.of_weight && lower < 1.0 && upper > 1.0);
            if lower.is_nan() || upper.is_nan() || lower > upper || !holds_one || !logit {
                return Err(WeightError::RowBounds { row: row + 1, lower, upper });
            }
        }
    }
    Ok(())
}

fn short_list(names: &[&str]) -> String {
    let shown: Vec<&str> = names.iter().take(8).copied().collect();
    let more = names.len().saturating_sub(8);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

/// Every total before and after, and the rows that enter it.
fn lines(solution: &Solution, totals: &Totals, names: &[(String, String)]) -> Vec<MarginLine> {
    let columns = totals.targets.len();
    let mut sums = vec![(0_u64, 0.0, 0.0); columns];
    for cell in 0..solution.cells.len() {
        let (rows, w) = (solution.cells.rows[cell], solution.cells.weight[cell]);
        for (column, x) in solution.cells.x(cell) {
            let t = &mut sums[column];
            t.0 += u64::from(rows);
            t.1 += w * x;
            t.2 += w * solution.g[cell] * x;
        }
    }
    let of_name = |column: usize| (totals.names[column].clone(), String::new());
    sums.into_iter()
        .enumerate()
        .map(|(column, (n, before, after))| {
            let (margin, level) = names.get(column).cloned().unwrap_or_else(|| of_name(column));
            MarginLine { margin, level, n, target: totals.targets[column], before, after }
        })
        .collect()
}
