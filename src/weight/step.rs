//! What every weighting step has in common.

use std::fmt::Debug;
use std::sync::Arc;

use super::adjustment::Adjustment;
use super::calibrate::CalibrationStatus;
use super::error::WeightError;
use super::on_cells::PlainMargins;
use super::summary::{MarginLine, StepDetail};
use crate::aggregate::XTerm;

/// A weighting step with all its inputs: a function from the weights before it to those after it.
///
/// It holds no weights of its own, so that it can be carried out again on those of a replicate.
pub(in crate::weight) trait WeightingStep: Debug + Send + Sync {
    /// Carries it out, with what people and the variance need to know of it.
    fn carry_out(&self, before: &Arc<Vec<f64>>) -> Result<Done, WeightError>;

    /// The weights alone, on those of a replicate.
    fn repeat(&self, before: &[f64]) -> Result<Vec<f64>, WeightError>;

    /// The categories that decide on the factor of a row, if its factor depends on nothing else but the
    /// sums of the weights by them; `None` if it does.
    fn categories(&self) -> Option<Vec<XTerm>> {
        None
    }

    /// The step on some of its rows; `None` where it has no [`WeightingStep::categories`].
    fn on_rows(&self, _rows: &[u32]) -> Option<Arc<dyn WeightingStep>> {
        None
    }

    /// The margins, where the step is a calibration to them and nothing besides.
    fn plain_margins(&self) -> Option<PlainMargins<'_>> {
        None
    }
}

/// A step that was carried out.
#[derive(Debug, Clone)]
pub(in crate::weight) struct Done {
    /// The weights after it.
    pub weights: Arc<Vec<f64>>,
    /// What the linearised variance must know of it; `None` where its effect is ignored.
    pub adjustment: Option<Adjustment>,
    /// What was done, such as `rake`.
    pub kind: String,
    /// One sentence that says it, with its inputs.
    pub description: String,
    /// How it ended.
    pub outcome: String,
    /// The same as a value, for a calibration.
    pub status: Option<CalibrationStatus>,
    /// Margins, if it had some.
    pub margins: Vec<MarginLine>,
    /// Cells, cut weights and the like, as a table for people.
    pub details: Vec<StepDetail>,
    /// How its effect on the variance is treated, in words.
    pub variance: String,
}
