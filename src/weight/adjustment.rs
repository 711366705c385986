//! What the linearised variance must know of a weighting step.

use std::sync::Arc;

use nalgebra::DMatrix;

use crate::aggregate::XColumns;
use crate::numeric::SymmetricSolver;

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

/// The multiplier c of x'B in a linearised value.
#[derive(Debug, Clone)]
pub enum Carrier {
    /// The weights after the step: the totals Σ w x are known, as in a calibration.
    After,
    /// A number for every row, where the equations of the step have another form.
    Rows(Arc<Vec<f64>>),
    /// Columns of its own in place of c x, as many as x has.
    Columns(XColumns),
}

/// A step whose factors were estimated from the sample by the equations Σ c x = t.
///
/// Where the step multiplies weights by factors that depend on parameters λ, with
/// dw = (q/w) w x'dλ to first order and M = −∂(Σ c x)/∂λ, a total Σ z of values z = w u has the
/// linearised values z − c x'B, with B = M⁻¹ Σ (q/w) x z. Calibration to known totals has c = w and
/// q = v, the weights before the step over their scale (Deville and Särndal 1992); weighting classes
/// and response propensities have forms of their own (docs/methods/nonresponse.md).
#[derive(Debug, Clone)]
pub struct Adjustment {
    /// The columns x.
    pub x: XColumns,
    /// The weight q of every row in Σ q x u.
    pub regression_weights: Arc<Vec<f64>>,
    /// The multiplier c of every row.
    pub carrier: Carrier,
    /// The matrix M, factorised.
    pub solver: SymmetricSolver,
    /// How residuals are taken.
    pub residuals: Residuals,
    /// Covariance of the totals t, where they are estimates themselves; B'VB is then added.
    pub target_covariance: Option<DMatrix<f64>>,
}
