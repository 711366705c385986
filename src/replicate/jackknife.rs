//! Delete-one jackknife replicates made from a design.

use super::scheme::{ReplicateMethod, ReplicateWeights, Replicates};
use crate::design::{LonelyPsu, Stratum, SurveyDesign};

/// Delete-one jackknife replicates of a design, one per first-stage unit.
///
/// Leaves out one first-stage unit after the other: stratified if the design is (JKn), else
/// unstratified (JK1).
///
/// The replicate that leaves out a unit of stratum h multiplies the others of h by
/// n/(n − 1); its scale is (n − 1)/n · (1 − n/N) (Wolter 2007, §4.5). A stratum with one unit is
/// treated as R `survey` treats it: `certainty` and `remove` give it no replicate; `average`
/// multiplies the variance by units/(units − lonely units); `center` leaves the unit out and
/// multiplies all others by H/(H − 1), scale (H − 1)/H, over H strata.
///
/// For a total without lonely units the variance is the linearised one of the first stage. Later
/// stages are within it only as far as they show between first-stage units (no second-stage fpc).
/// The result has a factor per deepest unit and replicate, and is centred on the mean of the
/// replicates; degrees of freedom are PSUs − strata.
pub fn jackknife(design: &SurveyDesign) -> Replicates {
    let tree = &design.tree;
    let first_stage = tree.first_stage_of_unit();
    let stage = &tree.stages[0];
    let units = tree.units();
    let is_single = stage.strata.len() == 1;
    let counts = |h: &Stratum| h.n() > 1 || (h.is_lonely() && design.lonely == LonelyPsu::Center);
    let replicates: usize = stage.strata.iter().filter(|h| counts(h)).map(Stratum::n).sum();
    let mut factors = vec![1.0; units * replicates];
    let mut rscales = Vec::with_capacity(replicates);
    for stratum in stage.strata.iter().filter(|h| counts(h)) {
        // A lonely unit is held against the other strata.
        let (range, n) = if stratum.n() > 1 {
            let at = |unit: u32| stage.deepest[unit as usize] as usize;
            (at(stratum.first)..at(stratum.end), stratum.n() as f64)
        } else {
            (0..units, stage.strata.len() as f64)
        };
        for left_out in stratum.first..stratum.end {
            let r = rscales.len();
            for unit in range.clone() {
                let is_out = first_stage[unit] == left_out;
                factors[unit * replicates + r] = if is_out { 0.0 } else { n / (n - 1.0) };
            }
            rscales.push((n - 1.0) / n * stratum.fpc());
        }
    }
    let lonely = if design.lonely == LonelyPsu::Center {
        stage.strata.iter().filter(|h| h.is_lonely()).count() as f64
    } else {
        0.0
    };
    let mut scale = 1.0;
    if design.lonely == LonelyPsu::Average {
        let all = stage.units() as f64;
        let lonely = stage.strata.iter().filter(|h| h.is_lonely()).count() as f64;
        scale = all / (all - lonely);
    }
    if is_single && let Some(&first) = rscales.first() {
        scale = first;
        rscales.fill(1.0);
    }
    Replicates {
        method: if is_single { ReplicateMethod::Jk1 } else { ReplicateMethod::Jkn },
        weights: ReplicateWeights::Factors { factors, replicates },
        scale,
        rscales,
        mse: false,
        df: design.df() + lonely,
    }
}
