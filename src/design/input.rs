//! What a design is made from.

use super::lonely::LonelyPsu;
use super::samples::Samples;
use super::selection::{SecondPhase, Selection};
use super::variable::Variable;

/// The variables and choices that make a design.
///
/// Lists have one entry per stage, first stage first; every column has `rows` rows. No design
/// variable may be missing, but for the weight with `missing_weight_is_zero`.
#[derive(Debug, Clone, Default)]
pub struct DesignInput<'a> {
    /// Number of rows of the data.
    pub rows: usize,
    /// Clusters; empty when every row is a PSU.
    pub clusters: Vec<Variable<'a>>,
    /// Strata; `None` where a stage has none.
    pub strata: Vec<Option<Variable<'a>>>,
    /// The design weight: zero or more, in units of the population. Without it the weight is one
    /// over the product of `probabilities`, else the product of N/n over the stages with an fpc,
    /// else 1.
    pub weight: Option<Variable<'a>>,
    /// Selection probabilities; the weight is one over their product.
    pub probabilities: Vec<Variable<'a>>,
    /// Per stage the number of units in the population of the stratum (1 or more, infinite for
    /// with replacement) or the fraction of them that was sampled (below 1); one value per stratum
    /// within a unit of the stage above. At most one more stage of clusters than there are entries
    /// counts for the variance.
    pub fpc: Vec<Variable<'a>>,
    /// The number of PSUs that were drawn in the stratum, one value for all its rows, where some have no row because nobody was found in them. They count as PSUs whose
    /// totals are zero. For simple random samples and those with replacement.
    pub psus_drawn: Option<Variable<'a>>,
    /// PSU identifiers repeat across strata.
    pub nested: bool,
    /// What to do with a stratum that has one PSU.
    pub lonely: LonelyPsu,
    /// Treat a stratum with one PSU *in the domain* as lonely too (center and average only; not
    /// after calibration, where every PSU has a residual in every domain).
    pub lonely_in_domain: bool,
    /// Take rows with a missing weight as weight zero rather than stop.
    pub missing_weight_is_zero: bool,
    /// How the first stage was drawn: which variance estimator is right for it.
    pub selection: Selection<'a>,
    /// A second clustering that crosses the first, such as interviewers across areas.
    pub crossed: Option<Variable<'a>>,
    /// A subsample of the sample, in which the outcomes were observed; weights and probabilities are
    /// then those of the first phase.
    pub second_phase: Option<SecondPhase<'a>>,
    /// The samples that rows were drawn into, where strata and PSUs are those of each.
    pub samples: Option<Samples<'a>>,
    /// What makes strata alike, for [`LonelyPsu::Collapse`]: a stratum with one PSU is joined with
    /// the one whose mean of this variable is nearest. The order of the strata's codes if not given.
    pub collapse_by: Option<Variable<'a>>,
}
