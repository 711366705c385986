//! The variance of totals of unit-level values that hardly ever are zero, as residuals of a
//! calibration: the formula of [`super::variance`] on whole rows of numbers.

use std::ops::Range;

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::forms::form_variances;
use super::variance::{
    Centres, Entries, OfLayer, Policy, UnitValues, Variances, centres, strata_per_task,
};
use crate::design::{LonelyPsu, Stage, Stratum, UnitTree};

/// Estimates handed to one task: their values over a stratum stay near the processor.
const ESTIMATES_PER_TASK: usize = 512;

/// Where unit-level values come from, one for every estimate in every unit.
pub(super) trait DenseValues: Sync {
    /// How many estimates there are.
    fn size(&self) -> usize;
    /// Writes the values of a deepest unit in a range of estimates.
    fn write(&self, unit: usize, estimates: Range<usize>, out: &mut [f64]);
}

/// Variances of Σ_u z_u.
pub(super) fn dense_variance(
    tree: &UnitTree,
    policy: Policy,
    values: &impl DenseValues,
    full: bool,
) -> Variances {
    let size = values.size();
    let mut diagonal = vec![0.0; size];
    let mut covariances = full.then(|| DMatrix::zeros(size, size));
    // Covariances need all estimates at once.
    let width = if full { size.max(1) } else { ESTIMATES_PER_TASK };
    for (s, stage) in tree.stages.iter().enumerate() {
        let centres = centres(tree, s, policy, &AsEntries(values));
        let work = |strata, from: usize| {
            let estimates = from..(from + width).min(size);
            Part::new(stage, strata, policy, &centres, values, estimates, full)
        };
        let tasks: Vec<(&[Stratum], usize)> = stage
            .strata
            .chunks(strata_per_task(stage.strata.len(), full))
            .flat_map(|strata| (0..size).step_by(width).map(move |from| (strata, from)))
            .collect();
        let parts: Vec<Part> =
            tasks.into_par_iter().map(|(strata, from)| work(strata, from)).collect();
        let first = || parts.iter().filter(|part| part.first == 0);
        let strata: u32 = first().map(|part| part.strata).sum();
        let lonely: u32 = first().map(|part| part.lonely).sum();
        // Lets lonely strata count as the average of the others.
        let average = policy.lonely == LonelyPsu::Average && lonely > 0;
        let factor = if average { f64::from(strata) / f64::from(strata - lonely) } else { 1.0 };
        let mut stage_sums = vec![0.0; size];
        let mut stage_covariances = full.then(|| DMatrix::zeros(size, size));
        for part in &parts {
            let sums = &mut stage_sums[part.first..part.first + part.diagonal.len()];
            sums.iter_mut().zip(&part.diagonal).for_each(|(total, v)| *total += v);
            if let (Some(total), Some(v)) = (&mut stage_covariances, &part.full) {
                *total += v;
            }
        }
        diagonal.iter_mut().zip(&stage_sums).for_each(|(total, v)| *total += v * factor);
        if let (Some(total), Some(v)) = (&mut covariances, stage_covariances) {
            *total += v * factor;
        }
    }
    Variances { diagonal, full: covariances }
}

/// Sums of squares over some strata, of some estimates.
struct Part {
    first: usize,
    diagonal: Vec<f64>,
    full: Option<DMatrix<f64>>,
    strata: u32,
    lonely: u32,
}

impl Part {
    fn new(
        stage: &Stage,
        strata: &[Stratum],
        policy: Policy,
        centres: &Centres,
        values: &impl DenseValues,
        estimates: Range<usize>,
        full: bool,
    ) -> Part {
        let width = estimates.len();
        let mut part = Part {
            first: estimates.start,
            diagonal: vec![0.0; width],
            full: full.then(|| DMatrix::zeros(width, width)),
            strata: 0,
            lonely: 0,
        };
        let (mut z, mut own) = (Vec::new(), vec![0.0; width]);
        for stratum in strata.iter().filter(|h| h.share > 0.0) {
            part.strata += 1;
            part.lonely += u32::from(stratum.is_lonely());
            if stratum.is_census() {
                continue;
            }
            let n = stratum.n() as f64;
            let base = stratum.share * stratum.fpc();
            let alone = match policy.lonely {
                LonelyPsu::Center => centres.of(stratum.first),
                _ => None,
            };
            load(stage, stratum, values, &estimates, &mut z, &mut own);
            if let Some(form) = &stratum.form {
                let column = |k: usize, out: &mut Vec<f64>| {
                    out.clear();
                    out.extend(z.iter().skip(k).step_by(width));
                };
                let (diagonal, full) = (&mut part.diagonal, &mut part.full);
                form_variances(form, width, full.is_some(), column, |i, j, v| {
                    let v = stratum.share * v;
                    if i == j {
                        diagonal[i] += v;
                    }
                    if let Some(full) = full {
                        full[(i, j)] += v;
                        if i != j {
                            full[(j, i)] += v;
                        }
                    }
                });
                continue;
            }
            let (mean, scale) = match (stratum.n(), alone) {
                (1, None) => continue,
                (1, Some(centre)) => (centre[estimates.clone()].to_vec(), base),
                _ => (means(&z, width), base * n / (n - 1.0)),
            };
            for row in z.chunks_exact(width) {
                for ((v, z), mean) in part.diagonal.iter_mut().zip(row).zip(&mean) {
                    *v += scale * (z - mean) * (z - mean);
                }
            }
            if let Some(full) = &mut part.full {
                let root = scale.sqrt();
                let deviations = DMatrix::from_fn(stratum.n(), width, |unit, k| {
                    (z[unit * width + k] - mean[k]) * root
                });
                *full += deviations.tr_mul(&deviations);
            }
        }
        part
    }
}

/// The values of the units of a stratum, unit after unit.
fn load(
    stage: &Stage,
    stratum: &Stratum,
    values: &impl DenseValues,
    estimates: &Range<usize>,
    z: &mut Vec<f64>,
    own: &mut [f64],
) {
    z.clear();
    z.resize(stratum.n() * estimates.len(), 0.0);
    let units = stratum.first as usize..stratum.end as usize;
    for (unit, row) in units.zip(z.chunks_exact_mut(estimates.len())) {
        let deepest = stage.of_unit(unit);
        if deepest.len() == 1 {
            values.write(deepest.start, estimates.clone(), row);
            continue;
        }
        for unit in deepest {
            values.write(unit, estimates.clone(), own);
            row.iter_mut().zip(&*own).for_each(|(total, z)| *total += z);
        }
    }
}

fn means(z: &[f64], width: usize) -> Vec<f64> {
    let mut mean = vec![0.0; width];
    for row in z.chunks_exact(width) {
        mean.iter_mut().zip(row).for_each(|(total, z)| *total += z);
    }
    let n = (z.len() / width) as f64;
    mean.iter_mut().for_each(|total| *total /= n);
    mean
}

/// The same values in the other form.
struct AsEntries<'a, V>(&'a V);

impl<V: DenseValues> UnitValues for AsEntries<'_, V> {
    fn size(&self) -> usize {
        self.0.size()
    }

    fn unit(&self, unit: usize, out: &mut Entries) {
        let mut values = vec![0.0; self.0.size()];
        self.0.write(unit, 0..values.len(), &mut values);
        out.extend((0..).zip(values));
    }
}

impl<V: DenseValues> DenseValues for OfLayer<'_, V> {
    fn size(&self) -> usize {
        self.values.size()
    }

    fn write(&self, unit: usize, estimates: Range<usize>, out: &mut [f64]) {
        match self.layer.members(unit) {
            [one] => self.values.write(*one as usize, estimates, out),
            many => {
                out.fill(0.0);
                let mut own = vec![0.0; estimates.len()];
                for &member in many {
                    self.values.write(member as usize, estimates.clone(), &mut own);
                    out.iter_mut().zip(&own).for_each(|(total, z)| *total += z);
                }
            }
        }
    }
}
