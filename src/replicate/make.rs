//! Replicates made from a design.

use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::balanced::{Balanced, SuccessiveDifferences, first_rows, order_within};
use super::bootstrap::{Bootstrap, Kind, Selection};
use super::error::ReplicateError;
use super::factors::{FactorStream, Factors};
use super::form::{FormPlan, Noise, QuadraticForm, VarianceForm};
use super::hadamard::Hadamard;
use super::jackknife::{DeleteGroup, DeleteOne, Half};
use super::method::ReplicateMethod;
use super::scheme::{ReplicateDf, ReplicateWeights, Replicates};
use crate::design::{Form, LonelyPsu, Stratum, SurveyDesign};

/// The most replicates of one design.
pub const MOST_REPLICATES: usize = 20_000;

/// How replicates are made from a design.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Resampling {
    /// Jackknife, one PSU left out, of an unstratified design.
    Jk1,
    /// Jackknife, one PSU left out, of a stratified design.
    Jkn,
    /// Jackknife of paired PSUs, one of each pair left out.
    Jk2,
    /// Delete-a-group jackknife: PSUs in random groups, one group left out.
    DeleteAGroup,
    /// Balanced repeated replication of paired PSUs.
    Brr,
    /// The same with Fay's ρ: half-samples are reweighted and not left out.
    Fay,
    /// Bootstrap of Rao and Wu: n − 1 PSUs drawn with replacement, rescaled.
    RaoWu,
    /// Bootstrap of Canty and Davison: n PSUs drawn as the sample was.
    CantyDavison,
    /// Preston's bootstrap for several stages without replacement.
    Preston,
    /// Bootstrap of Rao, Wu, Yue and Beaumont, for any number of stages, each drawn with or without
    /// replacement, with unequal probabilities or by Poisson sampling.
    RaoWuYueBeaumont,
    /// Bootstrap of Antal and Tillé: whole numbers from 0 to 3.
    AntalTille,
    /// Bootstrap of Beaumont and Patak for Poisson sampling.
    Poisson,
    /// Generalised bootstrap: normal factors with the covariance of a variance estimator.
    Generalized,
    /// Fay's generalised replication: as the generalised bootstrap, without chance.
    FayGeneralized,
    /// Successive difference replication, for systematic samples.
    Sdr,
}

impl Resampling {
    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Resampling::Jk1 => "JK1 jackknife",
            Resampling::Jkn => "JKn jackknife",
            Resampling::Jk2 => "JK2 jackknife",
            Resampling::DeleteAGroup => "delete-a-group jackknife",
            Resampling::Brr => "balanced repeated replication",
            Resampling::Fay => "Fay's method",
            Resampling::RaoWu => "Rao–Wu bootstrap",
            Resampling::CantyDavison => "Canty–Davison bootstrap",
            Resampling::Preston => "Preston's bootstrap",
            Resampling::RaoWuYueBeaumont => "Rao–Wu–Yue–Beaumont bootstrap",
            Resampling::AntalTille => "Antal–Tillé bootstrap",
            Resampling::Poisson => "Poisson bootstrap",
            Resampling::Generalized => "generalised bootstrap",
            Resampling::FayGeneralized => "Fay's generalised replication",
            Resampling::Sdr => "successive difference replication",
        }
    }

    /// Whether its factors are random, so that more replicates make it more precise.
    pub fn is_random(self) -> bool {
        use Resampling::*;
        matches!(
            self,
            RaoWu | CantyDavison | Preston | RaoWuYueBeaumont | AntalTille | Poisson | Generalized
        )
    }
}

/// What is to be made.
#[derive(Debug, Clone)]
pub struct ReplicatePlan {
    /// The method.
    pub method: Resampling,
    /// The number of replicates, where the method leaves it open: 500 unless given for a bootstrap,
    /// 30 groups for the delete-a-group jackknife; the next Hadamard order for successive
    /// differences (80 unless given, more for small samples, so that they are exact).
    pub replicates: Option<usize>,
    /// The seed of what is random.
    pub seed: u64,
    /// Fay's ρ.
    pub rho: Option<f64>,
    /// Around the full-sample estimate (true) or the mean of the replicates (false). Default: true
    /// for JK2, successive differences and Fay's generalised replication.
    pub mse: Option<bool>,
    /// Divisor τ of the deviations of generalised factors (Beaumont and Patak 2012, §3.2); the
    /// smallest, to two decimals, that leaves no factor below zero unless given.
    pub tau: Option<f64>,
    /// The variance that generalised factors reproduce at the first stage.
    pub form: VarianceForm,
    /// A quadratic form over the deepest units in its place.
    pub matrix: Option<Arc<nalgebra::DMatrix<f64>>>,
    /// How the units of each stage were drawn (Rao–Wu–Yue–Beaumont). Unless given, as the design says:
    /// with unequal probabilities, if it has them for the stage (or by Poisson sampling, if that is its
    /// method); without replacement where there is a population size, else with.
    pub selection: Vec<Selection>,
    /// Per stage the selection probability of every unit, given those above it; where there are
    /// none, the inclusion probabilities that the design has for its first stage.
    pub probabilities: Vec<Vec<f64>>,
    /// A number per row that gives the order in which PSUs were drawn systematically; the order of
    /// the rows unless given.
    pub order: Option<Arc<Vec<f64>>>,
}

impl ReplicatePlan {
    /// A method with everything else at its default.
    pub fn new(method: Resampling) -> ReplicatePlan {
        ReplicatePlan {
            method,
            replicates: None,
            seed: 1,
            rho: None,
            mse: None,
            tau: None,
            form: VarianceForm::default(),
            matrix: None,
            selection: Vec::new(),
            probabilities: Vec::new(),
            order: None,
        }
    }
}

/// What a method comes to, before it is put together.
pub(super) struct Made {
    pub family: ReplicateMethod,
    pub stream: Arc<dyn FactorStream>,
    pub replicates: usize,
    pub scale: f64,
    /// One scale per replicate; 1 if empty.
    pub rscales: Vec<f64>,
    pub mse: bool,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// Makes replicates.
///
/// Each gives the weight of a unit a factor. Factors have mean 1, and over the replicates the variance
/// of a total is that of the design, exactly (jackknives, balanced methods) or in expectation
/// (bootstraps). A finite population is respected at every stage by the methods for several stages
/// and at the first by the others; units taken with certainty have factor 1. The formulas of all
/// methods with their sources are in docs/methods/replicates.md.
///
/// ```
/// use rakewell::data::Column;
/// use rakewell::design::{DesignInput, SurveyDesign, Variable};
/// use rakewell::replicate::{ReplicatePlan, Resampling, make};
///
/// let stratum = Column::numbers("stratum", vec![1.0, 1.0, 2.0, 2.0]);
/// let design = SurveyDesign::build(&DesignInput {
///     rows: 4,
///     strata: vec![Some(Variable::of(&stratum))],
///     ..DesignInput::default()
/// })?;
/// let halves = make(&design, &ReplicatePlan::new(Resampling::Brr))?;
/// assert_eq!((halves.weights.count(), halves.scale), (4, 0.25));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When the design does not fit the method (strata that are no pairs, later stages, lonely strata
/// with `center`), a probability is missing or out of range, or the number of replicates is.
pub fn make(design: &SurveyDesign, plan: &ReplicatePlan) -> Result<Replicates, ReplicateError> {
    if let Some(count) = plan.replicates
        && count < 2
    {
        return Err(ReplicateError::Count { replicates: count });
    }
    let random = plan.replicates.unwrap_or(500);
    if random > MOST_REPLICATES {
        return Err(ReplicateError::TooMany { replicates: random, most: MOST_REPLICATES });
    }
    let made = match plan.method {
        Resampling::Jk1 | Resampling::Jkn => {
            let strata = design.tree.stages[0].strata.len();
            if plan.method == Resampling::Jk1 && strata > 1 {
                return Err(ReplicateError::Stratified { strata });
            }
            DeleteOne::plan(design)
        }
        Resampling::Jk2 => Half::plan(design, plan.seed)?,
        Resampling::DeleteAGroup => {
            DeleteGroup::plan(design, plan.replicates.unwrap_or(30), plan.seed)?
        }
        Resampling::Brr => Balanced::plan(design, None, plan.replicates)?,
        Resampling::Fay => {
            let rho = plan.rho.filter(|p| (0.0..1.0).contains(p)).ok_or(ReplicateError::Rho)?;
            Balanced::plan(design, Some(rho), plan.replicates)?
        }
        Resampling::RaoWu => Bootstrap::plan(design, Kind::RaoWu, plan, random)?,
        Resampling::CantyDavison => Bootstrap::plan(design, Kind::CantyDavison, plan, random)?,
        Resampling::Preston => Bootstrap::plan(design, Kind::Preston, plan, random)?,
        Resampling::RaoWuYueBeaumont => Bootstrap::plan(design, Kind::Rescaled, plan, random)?,
        Resampling::AntalTille => Bootstrap::plan(design, Kind::DoubledHalf, plan, random)?,
        Resampling::Poisson => Bootstrap::plan(design, Kind::Poisson, plan, random)?,
        Resampling::Sdr => {
            SuccessiveDifferences::plan(design, plan.replicates, plan.order.as_deref())?
        }
        Resampling::Generalized | Resampling::FayGeneralized => generalized(design, plan, random)?,
    };
    put_together(design, plan, made)
}

fn generalized(
    design: &SurveyDesign,
    plan: &ReplicatePlan,
    random: usize,
) -> Result<Made, ReplicateError> {
    let tree = &design.tree;
    lonely_center(design, plan.method.name())?;
    let first_rows = first_rows(tree);
    let form = match &plan.matrix {
        Some(matrix) => QuadraticForm::Matrix(matrix.clone()),
        None => QuadraticForm::Stages {
            first: plan.form,
            order: order_within(tree, plan.order.as_deref().map(Vec::as_slice), &first_rows),
            probabilities: plan.probabilities.clone(),
        },
    };
    let is_random = plan.method == Resampling::Generalized;
    let mut form = FormPlan::new(tree.clone(), &form)?;
    let replicates = if is_random {
        form.noise = Noise::Normal { seed: plan.seed };
        random
    } else {
        let matrix = Hadamard::at_least((form.dimensions() + 1).max(plan.replicates.unwrap_or(2)));
        let order = matrix.order();
        form.noise = Noise::Signs(Arc::new(matrix));
        bounded(order)?
    };
    form.tau = match plan.tau {
        Some(tau) if tau > 0.0 && tau.is_finite() => tau,
        _ => form.smallest_tau(replicates),
    };
    let notes = form.cut.map(|(strata, share)| {
        let which = if strata == 1 { "1 stratum has" } else { &format!("{strata} strata have") };
        format!(
            "the variance estimator of {which} negative directions ({:.1} % of the positive ones); they \
             are left out, which makes the variance too large rather than too small",
            100.0 * share
        )
    });
    let (tau, count) = (form.tau, replicates as f64);
    let mse = plan.mse.unwrap_or(!is_random);
    let divisor = if is_random && !mse { count - 1.0 } else { count };
    Ok(Made {
        family: ReplicateMethod::Other,
        stream: Arc::new(form),
        replicates,
        scale: tau * tau / divisor,
        rscales: Vec::new(),
        mse,
        notes: notes.into_iter().collect(),
    })
}

fn bounded(replicates: usize) -> Result<usize, ReplicateError> {
    if replicates > MOST_REPLICATES {
        return Err(ReplicateError::TooMany { replicates, most: MOST_REPLICATES });
    }
    Ok(replicates)
}

fn put_together(
    design: &SurveyDesign,
    plan: &ReplicatePlan,
    made: Made,
) -> Result<Replicates, ReplicateError> {
    let tree = &design.tree;
    let count = bounded(made.replicates)?;
    if count < 2 {
        return Err(ReplicateError::Count { replicates: count });
    }
    let stage = &tree.stages[0];
    let lonely = stage.strata.iter().filter(|s| s.is_lonely()).count();
    let mut scale = made.scale;
    if design.lonely == LonelyPsu::Average && lonely > 0 {
        // The lonely ones have the average of the others.
        let all = stage.units() as f64;
        scale *= all / (all - lonely as f64);
    }
    let mut notes = made.notes;
    let one_stage = !matches!(
        plan.method,
        Resampling::Preston
            | Resampling::RaoWuYueBeaumont
            | Resampling::AntalTille
            | Resampling::Poisson
            | Resampling::Generalized
            | Resampling::FayGeneralized
    );
    if one_stage && tree.stages.len() > 1 {
        notes.push(
            "the replicates are of the first stage: with its finite population correction, what \
             later stages add is only partly in the variance"
                .to_string(),
        );
    }
    let has_form = stage.strata.iter().any(|h| h.form.is_some());
    let has_successive =
        stage.strata.iter().any(|h| matches!(h.form.as_deref(), Some(Form::Successive { .. })));
    let follows = match plan.method {
        Resampling::Generalized | Resampling::FayGeneralized => true,
        Resampling::RaoWuYueBeaumont | Resampling::Poisson => stage.inclusion.is_some(),
        Resampling::Sdr => has_successive,
        _ => false,
    };
    if has_form && !follows {
        notes.push(
            "this method takes the PSUs of a stratum as a simple random sample, and the `method` of the \
             design has a variance estimator of its own, which \"generalized\" replicates reproduce"
                .to_string(),
        );
    }
    // The jackknife holds a lonely unit against the other strata with `center`.
    let extra = if design.lonely == LonelyPsu::Center { lonely as f64 } else { 0.0 };
    let of_design = design.df() + extra;
    let mse = plan.mse.unwrap_or(made.mse);
    // Around their mean the replicates have one dimension less.
    let most = count as f64 - f64::from(u8::from(!mse || plan.method == Resampling::DeleteAGroup));
    let counted = plan.method == Resampling::DeleteAGroup || most < of_design;
    let factors = Factors::stream(tree.units(), count, made.stream);
    Ok(Replicates {
        method: made.family,
        weights: ReplicateWeights::Factors(factors),
        scale,
        rscales: if made.rscales.is_empty() { vec![1.0; count] } else { made.rscales },
        mse,
        df: of_design.min(most),
        df_rule: if counted { ReplicateDf::Count } else { ReplicateDf::Design },
        made: Some(plan.method),
        after: None,
        target_cv: 0.05,
        notes,
    })
}

/// Delete-one jackknife replicates of a design, one per first-stage unit: JKn if it is stratified,
/// else JK1.
///
/// The replicate that leaves out a unit of stratum h multiplies the others of h by
/// n/(n − 1); its scale is (n − 1)/n · (1 − n/N) (Wolter 2007, §4.5). A stratum with one unit is
/// treated as R `survey` treats it: `certainty` and `remove` give it no replicate; `average`
/// multiplies the variance by units/(units − lonely units); `center` leaves the unit out and
/// multiplies all others by H/(H − 1), scale (H − 1)/H, over H strata.
///
/// For a total without lonely units the variance is the linearised one of the first stage. Later
/// stages are within it only as far as they show between first-stage units (no second-stage fpc).
/// It is centred on the mean of the replicates; degrees of freedom are PSUs − strata.
///
/// # Errors
/// When there are fewer than two replicates, or more than [`MOST_REPLICATES`].
pub fn jackknife(design: &SurveyDesign) -> Result<Replicates, ReplicateError> {
    make(design, &ReplicatePlan::new(Resampling::Jkn))
}

/// The strata of the first stage that a method resamples: those with more than one unit that are no
/// census.
pub(super) fn resampled(stratum: &Stratum) -> bool {
    stratum.n() > 1 && !stratum.is_census()
}

/// Refuses `center`, which most methods have nothing for.
pub(super) fn lonely_center(
    design: &SurveyDesign,
    method: &'static str,
) -> Result<(), ReplicateError> {
    let is_lonely = design.tree.stages.iter().flat_map(|s| &s.strata).any(Stratum::is_lonely);
    if is_lonely && design.lonely == LonelyPsu::Center {
        return Err(ReplicateError::LonelyCenter { method });
    }
    Ok(())
}

/// Checks that a method for one stage meets one.
pub(super) fn one_stage(design: &SurveyDesign, method: &'static str) -> Result<(), ReplicateError> {
    match design.tree.stages.len() {
        0 | 1 => Ok(()),
        stages => Err(ReplicateError::Stages { method, stages }),
    }
}

impl FormPlan {
    /// The smallest τ of two decimals, at least 1, that leaves no factor of the first so many
    /// replicates below zero.
    fn smallest_tau(&self, replicates: usize) -> f64 {
        let units = self.units();
        let lowest = (0..replicates)
            .into_par_iter()
            .map(|r| {
                let mut out = vec![0.0; units];
                self.write(r, &mut out);
                out.into_iter().fold(1.0, f64::min)
            })
            .reduce(|| 1.0, f64::min);
        // τ is 1 meanwhile: the factor is 1 + deviation.
        ((1.0 - lowest).max(1.0) * 100.0).ceil() / 100.0
    }
}
