//! Jackknife factors: one PSU, one of a pair, or a group left out.

use std::ops::Range;
use std::sync::Arc;

use rand::Rng;

use super::balanced::pairs;
use super::error::ReplicateError;
use super::factors::FactorStream;
use super::make::{Made, lonely_center, resampled};
use super::method::ReplicateMethod;
use crate::design::{LonelyPsu, Stage, Stratum, SurveyDesign, UnitTree};
use crate::numeric::random::stream;
use crate::numeric::variates::draw_front;

/// The deepest units of a range of first-stage units.
fn deep(stage: &Stage, units: Range<u32>) -> Range<usize> {
    stage.deepest[units.start as usize] as usize..stage.deepest[units.end as usize] as usize
}

/// One first-stage unit left out.
#[derive(Debug)]
pub(super) struct DeleteOne {
    tree: Arc<UnitTree>,
    /// For each replicate the unit left out, the units that make up for it, and their factor.
    replicates: Vec<(u32, Range<u32>, f64)>,
}

impl DeleteOne {
    pub fn plan(design: &SurveyDesign) -> Made {
        let tree = &design.tree;
        let stage = &tree.stages[0];
        let is_single = stage.strata.len() == 1;
        let counts =
            |h: &&Stratum| h.n() > 1 || (h.is_lonely() && design.lonely == LonelyPsu::Center);
        let (mut replicates, mut rscales) = (Vec::new(), Vec::new());
        for stratum in stage.strata.iter().filter(counts) {
            // A lonely unit is held against the other strata.
            let (range, n) = if stratum.n() > 1 {
                (stratum.first..stratum.end, stratum.n() as f64)
            } else {
                (0..stage.units() as u32, stage.strata.len() as f64)
            };
            for left_out in stratum.first..stratum.end {
                replicates.push((left_out, range.clone(), n / (n - 1.0)));
                rscales.push((n - 1.0) / n * stratum.fpc());
            }
        }
        let mut scale = 1.0;
        if is_single && let Some(&first) = rscales.first() {
            scale = first;
            rscales.fill(1.0);
        }
        Made {
            family: if is_single { ReplicateMethod::Jk1 } else { ReplicateMethod::Jkn },
            replicates: replicates.len(),
            stream: Arc::new(DeleteOne { tree: tree.clone(), replicates }),
            scale,
            rscales,
            mse: false,
            notes: Vec::new(),
        }
    }
}

impl FactorStream for DeleteOne {
    fn write(&self, replicate: usize, out: &mut [f64]) {
        let stage = &self.tree.stages[0];
        let (left_out, others, factor) = &self.replicates[replicate];
        out.fill(1.0);
        out[deep(stage, others.clone())].fill(*factor);
        out[deep(stage, *left_out..left_out + 1)].fill(0.0);
    }
}

/// One of a pair left out, at random; the other counts twice.
#[derive(Debug)]
pub(super) struct Half {
    tree: Arc<UnitTree>,
    /// For each replicate the unit left out and its partner.
    replicates: Vec<(u32, u32)>,
}

impl Half {
    pub fn plan(design: &SurveyDesign, seed: u64) -> Result<Made, ReplicateError> {
        let pairs = pairs(design, "the jackknife \"jk2\"")?;
        let mut rng = stream(seed, "replicates/jk2", 0);
        let tree = &design.tree;
        let replicates: Vec<(u32, u32)> = pairs
            .iter()
            .map(|h| {
                if rng.next_u64() >> 63 == 0 {
                    (h.first, h.first + 1)
                } else {
                    (h.first + 1, h.first)
                }
            })
            .collect();
        Ok(Made {
            family: ReplicateMethod::Jk2,
            replicates: replicates.len(),
            rscales: pairs.iter().map(|h| h.fpc()).collect(),
            stream: Arc::new(Half { tree: tree.clone(), replicates }),
            scale: 1.0,
            mse: true,
            notes: Vec::new(),
        })
    }
}

impl FactorStream for Half {
    fn write(&self, replicate: usize, out: &mut [f64]) {
        let stage = &self.tree.stages[0];
        let (left_out, other) = self.replicates[replicate];
        out.fill(1.0);
        out[deep(stage, left_out..left_out + 1)].fill(0.0);
        out[deep(stage, other..other + 1)].fill(2.0);
    }
}

/// A random group left out.
#[derive(Debug)]
pub(super) struct DeleteGroup {
    tree: Arc<UnitTree>,
    groups: usize,
    /// The group of each first-stage unit.
    of_unit: Vec<u32>,
    /// For each stratum its units in each group.
    sizes: Vec<Vec<u32>>,
}

impl DeleteGroup {
    pub fn plan(design: &SurveyDesign, groups: usize, seed: u64) -> Result<Made, ReplicateError> {
        lonely_center(design, "the delete-a-group jackknife")?;
        let tree = &design.tree;
        let stage = &tree.stages[0];
        if groups > stage.units() {
            return Err(ReplicateError::Groups { groups, psus: stage.units() });
        }
        let mut rng = stream(seed, "replicates/groups", 0);
        let mut of_unit = vec![0; stage.units()];
        let mut sizes = Vec::with_capacity(stage.strata.len());
        // Units are dealt to the groups in a random order within strata, the next stratum going
        // on where the last one stopped, so that groups are as even as they can be.
        let mut next = 0;
        for stratum in &stage.strata {
            let mut own = vec![0; groups];
            let mut order: Vec<u32> = (stratum.first..stratum.end).collect();
            draw_front(order.len(), &mut order, &mut rng);
            for unit in order {
                of_unit[unit as usize] = next as u32;
                own[next] += 1;
                next = (next + 1) % groups;
            }
            sizes.push(own);
        }
        let scale = (groups as f64 - 1.0) / groups as f64;
        Ok(Made {
            family: ReplicateMethod::DeleteAGroup,
            stream: Arc::new(DeleteGroup { tree: tree.clone(), groups, of_unit, sizes }),
            replicates: groups,
            scale,
            rscales: Vec::new(),
            mse: false,
            notes: Vec::new(),
        })
    }

    /// Factors of the units in the group left out and of the others (Kott 2001).
    fn factors(&self, stratum: &Stratum, in_group: u32) -> (f64, f64) {
        let (n, k, groups) = (stratum.n() as f64, f64::from(in_group), self.groups as f64);
        if !resampled(stratum) || in_group == 0 {
            return (1.0, 1.0);
        }
        let shrink = stratum.fpc().sqrt();
        let (out, others) = if n >= groups {
            (0.0, n / (n - k))
        } else {
            // Fewer units than groups: a unit is lowered and not left out, so that the squares have
            // the right expectation. One unit in a group at most.
            let z = (groups / ((groups - 1.0) * n * (n - 1.0))).sqrt();
            (1.0 - (n - 1.0) * z, 1.0 + z)
        };
        (1.0 + shrink * (out - 1.0), 1.0 + shrink * (others - 1.0))
    }
}

impl FactorStream for DeleteGroup {
    fn write(&self, replicate: usize, out: &mut [f64]) {
        let stage = &self.tree.stages[0];
        for (stratum, sizes) in stage.strata.iter().zip(&self.sizes) {
            let (left_out, others) = self.factors(stratum, sizes[replicate]);
            for unit in stratum.first..stratum.end {
                let is_out = self.of_unit[unit as usize] as usize == replicate;
                out[deep(stage, unit..unit + 1)].fill(if is_out { left_out } else { others });
            }
        }
    }
}
