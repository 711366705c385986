//! Delete-one jackknife replicates made from a design.

use super::scheme::{ReplicateMethod, ReplicateWeights, Replicates};
use crate::design::SurveyDesign;

/// Leaves out one first-stage unit after the other: stratified if the design is (JKn), else
/// unstratified (JK1).
///
/// The replicate that leaves out a unit of stratum h multiplies the others of h by
/// n/(n − 1); its scale is (n − 1)/n · (1 − n/N) (Wolter 2007, §4.5). A stratum with one unit
/// gets no replicate under `certainty` and `remove`.
pub fn jackknife(design: &SurveyDesign) -> Replicates {
    let tree = &design.tree;
    let first_stage = tree.first_stage_of_unit();
    let stage = &tree.stages[0];
    let units = tree.units();
    let strata: Vec<_> = stage.strata.iter().filter(|h| h.n() > 1).collect();
    let replicates: usize = strata.iter().map(|h| h.n()).sum();
    let mut factors = vec![1.0; units * replicates];
    let mut rscales = Vec::with_capacity(replicates);
    let mut r = 0;
    for stratum in strata {
        let n = stratum.n() as f64;
        let range = stage.deepest[stratum.first as usize] as usize
            ..stage.deepest[stratum.end as usize] as usize;
        for left_out in stratum.first..stratum.end {
            for unit in range.clone() {
                factors[unit * replicates + r] =
                    if first_stage[unit] == left_out { 0.0 } else { n / (n - 1.0) };
            }
            rscales.push((n - 1.0) / n * stratum.fpc());
            r += 1;
        }
    }
    let method = if stage.strata.len() == 1 { ReplicateMethod::Jk1 } else { ReplicateMethod::Jkn };
    Replicates {
        method,
        weights: ReplicateWeights::Factors { factors, replicates },
        scale: 1.0,
        rscales,
        mse: false,
        df: design.df(),
    }
}
