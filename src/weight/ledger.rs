//! The ledger: every step from the design weight to the final weight, with what the variance
//! needs to know of it.

use std::sync::Arc;

use rayon::prelude::*;

use super::adjustment::{Adjustment, Residuals};
use super::calibrate::{CalibrationOptions, CalibrationStatus, Totals};
use super::combine::Combination;
use super::control::ReplicateOf;
use super::diagnostics::{self, StepDiagnostics};
use super::error::WeightError;
use super::fit::{Calibration, Fit, FitOptions};
use super::keep::{KeepMargins, Keeping};
use super::margin::Margin;
use super::nonresponse::{ClassAdjustment, PropensityAdjustment};
use super::participation::Participation;
use super::scale::Scaling;
use super::selection::Selection;
use super::step::WeightingStep;
use super::summary::{StepDetail, StepSummary, WeightSummary};
use super::traded::TradedLine;
use super::trim::Trimming;

/// Rows handed to one task at a time.
const BLOCK: usize = 1 << 16;

/// One step.
#[derive(Debug, Clone)]
pub struct LedgerStep {
    /// What it did, for people.
    pub summary: StepSummary,
    /// The weights after it.
    pub weights: Arc<Vec<f64>>,
    /// What the linearised variance must know of it; `None` where its effect is ignored.
    pub adjustment: Option<Adjustment>,
    /// How a calibration ended.
    pub status: Option<CalibrationStatus>,
    /// Whether its totals are those of the first phase of a two-phase sample: it then has no part in
    /// the variance of that phase.
    pub to_first_phase: bool,
    /// The step itself, to be carried out again on other weights; `None` for the base weight.
    again: Option<Arc<dyn WeightingStep>>,
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
        let weights = WeightSummary::of(&design_weights);
        let summary = StepSummary {
            step: 1,
            kind: "base".to_string(),
            description: description.to_string(),
            outcome: String::new(),
            diagnostics: StepDiagnostics {
                efficiency: 1.0 / weights.deff_kish,
                ..StepDiagnostics::default()
            },
            weights,
            g_range: None,
            margins: Vec::new(),
            details: Vec::new(),
            variance: "the sample design".to_string(),
        };
        let step = LedgerStep {
            summary,
            weights: design_weights,
            adjustment: None,
            status: None,
            to_first_phase: false,
            again: None,
        };
        Ledger { steps: vec![step], follows_r: false }
    }

    /// The steps, the base weight first.
    pub fn steps(&self) -> &[LedgerStep] {
        &self.steps
    }

    pub(in crate::weight) fn steps_mut(&mut self) -> &mut [LedgerStep] {
        &mut self.steps
    }

    /// Takes the linearised variance of successive calibrations as R `survey` does (residuals of the
    /// first step first, each from values divided by its own weights), for matching only: after two
    /// steps the totals of the last do not come out as known.
    pub fn follow_r(&mut self) {
        self.follows_r = true;
    }

    /// Whether some step asks for R's linearised variance.
    pub fn follows_r(&self) -> bool {
        self.follows_r || self.adjustments().any(|a| a.residuals == Residuals::RRake)
    }

    /// The weights after the last step.
    pub fn weights(&self) -> &Arc<Vec<f64>> {
        &self.steps[self.steps.len() - 1].weights
    }

    /// What the variance must know of the steps, in the order they were made: for each the weights
    /// after it and the adjustment.
    pub fn adjusted_steps(&self) -> impl Iterator<Item = (&Arc<Vec<f64>>, &Adjustment)> {
        self.steps.iter().flat_map(|s| {
            let last = s.adjustment.as_ref();
            let earlier = last.and_then(|a| a.earlier.as_deref());
            earlier.into_iter().chain(last).map(|a| (&s.weights, a))
        })
    }

    /// Those of [`Ledger::adjusted_steps`] that have a part in the variance of a first phase.
    pub fn first_phase_steps(&self) -> impl Iterator<Item = (&Arc<Vec<f64>>, &Adjustment)> {
        let steps = self.steps.iter().filter(|s| !s.to_first_phase);
        steps.filter_map(|s| Some((&s.weights, s.adjustment.as_ref()?)))
    }

    /// Says that the totals of the last step were those of the first phase of a two-phase sample,
    /// estimated from all its rows: the step makes the variance of the second phase smaller, not
    /// that of the first (Särndal, Swensson and Wretman 1992, eq. 9.7.17).
    pub fn to_first_phase(&mut self) {
        if let Some(last) = self.steps.last_mut() {
            last.to_first_phase = true;
        }
    }

    /// The adjustments, in the order they were made.
    pub fn adjustments(&self) -> impl Iterator<Item = &Adjustment> {
        self.adjusted_steps().map(|(_, adjustment)| adjustment)
    }

    /// Does all steps again, starting from other weights.
    ///
    /// # Errors
    /// When a step can't be carried out, or does not meet its totals, from there.
    pub fn replay(&self, start: &[f64]) -> Result<Vec<f64>, WeightError> {
        self.again(start, |step, weights| step.repeat(weights))
    }

    /// Does all steps again on the weights of one replicate among others. Totals that are estimates
    /// of another survey are moved for each replicate, so that the variance knows of their error.
    ///
    /// # Errors
    /// As [`Ledger::replay`]; and when there are fewer replicates than those totals need.
    pub fn replay_on(&self, start: &[f64], of: &ReplicateOf<'_>) -> Result<Vec<f64>, WeightError> {
        self.again(start, |step, weights| step.repeat_on(weights, of))
    }

    /// Whether some step is fitted to totals that are estimates: the variance of replicates is then
    /// to be taken about the full-sample estimate.
    pub fn has_estimated_totals(&self) -> bool {
        self.steps.iter().filter_map(|s| s.again.as_ref()).any(|s| s.has_estimated_totals())
    }

    fn again(
        &self,
        start: &[f64],
        repeat: impl Fn(&dyn WeightingStep, &[f64]) -> Result<Vec<f64>, WeightError>,
    ) -> Result<Vec<f64>, WeightError> {
        let mut weights = start.to_vec();
        for step in &self.steps {
            let Some(again) = &step.again else { continue };
            weights = repeat(again.as_ref(), &weights).map_err(|error| WeightError::Step {
                step: step.summary.step,
                kind: step.summary.kind.clone(),
                error: Box::new(error),
            })?;
        }
        Ok(weights)
    }

    /// The steps that are repeated on replicates: number, kind, and the step itself.
    pub(in crate::weight) fn repeatable(
        &self,
    ) -> impl Iterator<Item = (usize, &str, &Arc<dyn WeightingStep>)> {
        self.steps
            .iter()
            .filter_map(|s| Some((s.summary.step, s.summary.kind.as_str(), s.again.as_ref()?)))
    }

    /// The first step that looks at more than categories, counted from 1.
    pub fn beyond_categories(&self) -> Option<usize> {
        self.repeatable().find(|(.., step)| step.categories().is_none()).map(|(step, ..)| step)
    }

    /// Carries out a step and keeps it.
    pub(in crate::weight) fn take(
        &mut self,
        step: impl WeightingStep + 'static,
    ) -> Result<&LedgerStep, WeightError> {
        let before = self.weights().clone();
        let done = step.carry_out(&before)?;
        let g_range = factor_range(&before, &done.weights);
        let weights = WeightSummary::of(&done.weights);
        let diagnostics = diagnostics::of_step(&before, &done.weights, &done.margins, &weights);
        self.steps.push(LedgerStep {
            summary: StepSummary {
                step: self.steps.len() + 1,
                kind: done.kind,
                description: done.description,
                outcome: done.outcome,
                weights,
                diagnostics,
                g_range,
                margins: done.margins,
                details: done.details,
                variance: done.variance,
            },
            weights: done.weights,
            adjustment: done.adjustment,
            status: done.status,
            to_first_phase: false,
            again: Some(Arc::new(step)),
        });
        Ok(&self.steps[self.steps.len() - 1])
    }

    /// Spreads the weight of unobserved units over the observed ones of their class.
    ///
    /// # Errors
    /// When a class has weight and nobody observed.
    pub fn adjust_in_classes(&mut self, step: ClassAdjustment) -> Result<(), WeightError> {
        self.take(step).map(|_| ())
    }

    /// Adjusts for nonresponse by a model of the propensity to respond.
    ///
    /// # Errors
    /// When the model has no solution, a variable of it is missing for an eligible unit, lengths
    /// disagree, or its classes can't keep their rules.
    pub fn adjust_by_propensity(&mut self, step: PropensityAdjustment) -> Result<(), WeightError> {
        self.take(step).map(|_| ())
    }

    /// Combines the samples that the data hold.
    ///
    /// # Errors
    /// When frame sizes contradict the samples, or lengths disagree.
    pub fn combine(&mut self, step: Combination) -> Result<(), WeightError> {
        self.take(step).map(|_| ())
    }

    /// Brings weights within limits.
    ///
    /// # Errors
    /// When limits cross, or leave no room for what is to be spread.
    pub fn trim(&mut self, step: Trimming) -> Result<(), WeightError> {
        self.take(step).map(|_| ())
    }

    /// Brings weights within limits while the totals of the last calibration hold.
    ///
    /// # Errors
    /// When there is no calibration before, limits cross, or limits and totals contradict each other.
    pub fn trim_keeping(&mut self, step: Trimming, how: KeepMargins) -> Result<(), WeightError> {
        let is_calibration = |s: &&LedgerStep| s.status.is_some();
        let last = self.steps.iter().rev().find(is_calibration);
        let Some((calibration, place)) =
            last.and_then(|s| Some((s.again.clone()?, s.summary.step)))
        else {
            return Err(WeightError::Trim(
                "there is no calibration before this step whose totals could be kept".to_string(),
            ));
        };
        self.take(Keeping { trimming: step, how, calibration, step: place }).map(|_| ())
    }

    /// Multiplies weights by the inverse probabilities of a stage of selection.
    ///
    /// # Errors
    /// When a factor is missing or below one, or lengths disagree.
    pub fn select(&mut self, step: Selection) -> Result<(), WeightError> {
        self.take(step).map(|_| ())
    }

    /// Weights a sample that was not drawn by the inverse of its probabilities of participation, modelled
    /// with a reference sample.
    ///
    /// # Errors
    /// When the model has no solution, the two samples have no variable or level in common where they
    /// must, or lengths disagree.
    pub fn participate(&mut self, step: Participation) -> Result<(), WeightError> {
        self.take(step).map(|_| ())
    }

    /// Adds a table to what the summary of the last step says of it.
    pub fn annotate(&mut self, detail: StepDetail) {
        if let Some(step) = self.steps.last_mut() {
            step.summary.details.push(detail);
        }
    }

    /// Adds to the summary of the last step what it did to the means of groups.
    pub fn trade(&mut self, lines: Vec<TradedLine>) {
        if let Some(step) = self.steps.last_mut() {
            step.summary.diagnostics.traded = lines;
        }
    }

    /// Scales weights.
    ///
    /// # Errors
    /// When the total is not a positive number, or lengths disagree.
    pub fn scale(&mut self, step: Scaling) -> Result<(), WeightError> {
        self.take(step).map(|_| ())
    }

    /// Scales the weights in every cell of a margin to its total: w = d N_c/Σ_c d
    /// (post-stratification; Holt and Smith 1979).
    ///
    /// # Errors
    /// When a cell with a positive target has no weight.
    pub fn post_stratify(&mut self, margin: Margin) -> Result<(), WeightError> {
        let options = FitOptions { tolerance: 1e-12, iterations: 3, ..FitOptions::default() };
        self.take(Fit::margins("post-stratify", vec![margin], &options)?)?;
        Ok(())
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
        let options = FitOptions {
            margin_tolerance: tolerance,
            iterations,
            residuals,
            ..FitOptions::default()
        };
        self.take(Fit::margins("rake", margins, &options)?)?;
        Ok(())
    }

    /// Calibrates the weights to totals of any columns.
    ///
    /// With `force` weights that miss their totals are kept (where the totals cannot be met, those that
    /// miss least); the summary says so. Their variance is then that of met totals.
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
        self.calibrate_to(Calibration {
            force,
            ..Calibration::new(totals.clone(), options.clone())
        })
    }

    /// Calibrates the weights with all that can be asked of a calibration: parts, soft or estimated
    /// totals, shares and means.
    ///
    /// # Errors
    /// As [`Ledger::calibrate`]; when the covariance of estimated totals does not agree with their
    /// columns.
    pub fn calibrate_to(&mut self, step: Calibration) -> Result<CalibrationStatus, WeightError> {
        let step = self.take(step.checked()?)?;
        Ok(step
            .status
            .clone()
            .unwrap_or(CalibrationStatus::Converged { iterations: 0, misfit: 0.0 }))
    }
}

/// Smallest and largest factor applied to a weight other than zero.
fn factor_range(before: &[f64], after: &[f64]) -> Option<(f64, f64)> {
    let pairs = before.par_chunks(BLOCK).zip(after.par_chunks(BLOCK));
    let range = |(before, after): (&[f64], &[f64])| {
        let factors = before.iter().zip(after).filter(|(b, _)| **b != 0.0).map(|(b, a)| a / b);
        factors.fold(None, |range: Option<(f64, f64)>, g| {
            Some(range.map_or((g, g), |(low, high)| (low.min(g), high.max(g))))
        })
    };
    let wider = |a: (f64, f64), b: (f64, f64)| (a.0.min(b.0), a.1.max(b.1));
    pairs.filter_map(range).reduce_with(wider)
}
