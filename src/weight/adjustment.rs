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
    /// What the same step estimated before this, from other equations: the model whose propensities
    /// make the classes.
    pub earlier: Option<Box<Adjustment>>,
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
    /// The diagonal of R in M = Σ q x x' + R, where totals are met softly (Σ w x + R λ = t); infinite
    /// for columns without a hold on the weights, whose B is zero.
    pub ridge: Option<Arc<Vec<f64>>>,
    /// Where the totals are shares of a sum of the sample's own weights.
    pub own_sum: Option<OwnSum>,
}

/// Totals t = p N̂ with N̂ = Σ d, the sum of the weights before the step: they move with the sample, so
/// that the linearised value is z − w x'B + d p'B.
#[derive(Debug, Clone)]
pub struct OwnSum {
    /// The weight d of every row.
    pub before: Arc<Vec<f64>>,
    /// The shares p, one per column.
    pub shares: Arc<Vec<f64>>,
}

impl Adjustment {
    /// The adjustment of a calibration to known totals: M = Σ q x x', factorised.
    pub fn new(
        x: XColumns,
        regression_weights: Arc<Vec<f64>>,
        carrier: Carrier,
        solver: SymmetricSolver,
    ) -> Adjustment {
        Adjustment {
            x,
            earlier: None,
            regression_weights,
            carrier,
            solver,
            residuals: Residuals::Regression,
            target_covariance: None,
            ridge: None,
            own_sum: None,
        }
    }

    /// Adds R to Σ q x x', and takes out the columns without a hold.
    pub fn soften(&self, matrix: &mut DMatrix<f64>) {
        for (column, r) in self.ridge.iter().flat_map(|r| r.iter().enumerate()) {
            if r.is_finite() {
                matrix[(column, column)] += r;
            } else {
                matrix.row_mut(column).fill(0.0);
                matrix.column_mut(column).fill(0.0);
            }
        }
    }
}
