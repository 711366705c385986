//! Bootstrap factors of one or more stages.

use std::collections::HashSet;
use std::sync::Arc;

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::error::ReplicateError;
use super::factors::FactorStream;
use super::make::{Made, ReplicatePlan, lonely_center, one_stage, resampled};
use super::method::ReplicateMethod;
use crate::design::{Stratum, SurveyDesign, UnitTree};
use crate::numeric::random::{below, open_unit, stream};
use crate::numeric::variates::{count_draws, draw_front, gamma};

/// How the units of a stage were drawn, for the bootstrap of Rao, Wu, Yue and Beaumont.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Selection {
    /// With replacement, with equal or unequal probabilities.
    WithReplacement,
    /// Simple random sampling without replacement.
    WithoutReplacement,
    /// Without replacement, with unequal probabilities.
    Pps,
    /// Every unit on its own, with its probability.
    Poisson,
}

/// Which bootstrap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    RaoWu,
    CantyDavison,
    Preston,
    Rescaled,
    DoubledHalf,
    Poisson,
}

/// The factors of a bootstrap, drawn anew from the stream of every replicate.
#[derive(Debug)]
pub(super) struct Bootstrap {
    tree: Arc<UnitTree>,
    kind: Kind,
    seed: u64,
    stages: Vec<Drawn>,
}

/// How a stage was drawn.
#[derive(Debug)]
struct Drawn {
    selection: Selection,
    /// The probability of every unit, where it is unequal.
    probability: Vec<f64>,
    /// For each stratum the probability with which the unit above was drawn.
    share: Vec<f64>,
}

impl Bootstrap {
    pub fn plan(
        design: &SurveyDesign,
        kind: Kind,
        plan: &ReplicatePlan,
        replicates: usize,
    ) -> Result<Made, ReplicateError> {
        let method = plan.method.name();
        lonely_center(design, method)?;
        if matches!(kind, Kind::RaoWu | Kind::CantyDavison) {
            one_stage(design, method)?;
        }
        let tree = &design.tree;
        let made = Bootstrap {
            tree: tree.clone(),
            kind,
            seed: plan.seed,
            stages: stages(tree, kind, plan)?,
        };
        let (count, mse) = (replicates as f64, plan.mse.unwrap_or(false));
        let mut scale = 1.0 / if mse { count } else { count - 1.0 };
        if kind == Kind::CantyDavison {
            // The variance of n draws is (n − 1)/n of what it should be (Canty and Davison 1999, §3).
            let strata = || tree.stages[0].strata.iter().filter(|h| resampled(h));
            let inverse: f64 = strata().map(|h| 1.0 / h.n() as f64).sum();
            let mean = strata().count() as f64 / inverse;
            if mean > 1.0 {
                scale *= mean / (mean - 1.0);
            }
        }
        Ok(Made {
            family: ReplicateMethod::Bootstrap,
            stream: Arc::new(made),
            replicates,
            scale,
            rscales: Vec::new(),
            mse: false,
            notes: Vec::new(),
        })
    }
}

fn stages(tree: &UnitTree, kind: Kind, plan: &ReplicatePlan) -> Result<Vec<Drawn>, ReplicateError> {
    let mut out: Vec<Drawn> = Vec::new();
    // The probability with which each deepest unit's unit above was drawn.
    let mut above = vec![1.0; tree.units()];
    for (k, stage) in tree.stages.iter().enumerate() {
        let given = plan.selection.get(k).copied();
        let selection = match kind {
            Kind::Poisson => Selection::Poisson,
            Kind::Rescaled => given.unwrap_or_else(|| {
                if stage.inclusion.is_some() {
                    let form = |h: &Stratum| h.form.as_ref().map(|f| f.independent().is_some());
                    let poisson = stage.strata.iter().find_map(form) == Some(true);
                    return if poisson { Selection::Poisson } else { Selection::Pps };
                }
                let finite = stage.strata.iter().any(|h| h.population.is_finite());
                if finite { Selection::WithoutReplacement } else { Selection::WithReplacement }
            }),
            _ => Selection::WithoutReplacement,
        };
        let unequal = matches!(selection, Selection::Pps | Selection::Poisson);
        let mut probability = Vec::new();
        if unequal {
            let what = if selection == Selection::Pps {
                "sampling with unequal probabilities"
            } else {
                "Poisson sampling"
            };
            let given = plan.probabilities.get(k).or(stage.inclusion.as_ref());
            match given.filter(|p| p.len() == stage.units()) {
                Some(given) => probability.clone_from(given),
                None => return Err(ReplicateError::NoProbability { what, stage: k + 1 }),
            }
            let bad = |p: &f64| !(*p > 0.0 && *p <= 1.0);
            if let Some(unit) = probability.iter().position(bad) {
                let value = probability[unit];
                return Err(ReplicateError::Probability { unit: unit + 1, value });
            }
        }
        let share = stage.strata.iter().map(|h| above[stage.deepest[h.first as usize] as usize]);
        let share = share.collect();
        for stratum in &stage.strata {
            for unit in stratum.first as usize..stratum.end as usize {
                let own = match selection {
                    Selection::WithReplacement => 0.0,
                    Selection::WithoutReplacement => 1.0 - stratum.fpc(),
                    Selection::Pps | Selection::Poisson => probability[unit],
                };
                let deep = stage.of_unit(unit);
                above[deep].iter_mut().for_each(|p| *p *= own);
            }
        }
        out.push(Drawn { selection, probability, share });
    }
    Ok(out)
}

impl FactorStream for Bootstrap {
    fn write(&self, replicate: usize, out: &mut [f64]) {
        let mut rng = stream(self.seed, "replicates/bootstrap", replicate as u64);
        out.fill(1.0);
        if self.kind == Kind::Preston {
            return self.preston(out, &mut rng);
        }
        let mut scratch = Scratch::default();
        for (stage, drawn) in self.tree.stages.iter().zip(&self.stages) {
            for (stratum, &share) in stage.strata.iter().zip(&drawn.share) {
                // By what deviations of a stage shrink, so that with the factors of the stages
                // above they add share × their variance: the square of those has mean 2 − share.
                let shrink = (share / (2.0 - share)).sqrt();
                if shrink == 0.0 {
                    continue;
                }
                if !self.stratum(stratum, drawn, &mut scratch, &mut rng) {
                    continue;
                }
                for (unit, factor) in (stratum.first as usize..).zip(&scratch.factor) {
                    let deep = stage.of_unit(unit);
                    let factor = 1.0 + shrink * (factor - 1.0);
                    out[deep].iter_mut().for_each(|f| *f *= factor);
                }
            }
        }
    }
}

/// Room for one stratum.
#[derive(Debug, Default)]
struct Scratch {
    factor: Vec<f64>,
    order: Vec<u32>,
}

impl Bootstrap {
    /// The factors of a stratum as if it was the first stage; false where all are 1.
    fn stratum(
        &self,
        stratum: &Stratum,
        drawn: &Drawn,
        scratch: &mut Scratch,
        rng: &mut impl Rng,
    ) -> bool {
        let n = stratum.n();
        let units = stratum.first as usize..stratum.end as usize;
        scratch.factor.clear();
        scratch.factor.resize(n, 1.0);
        let factor = &mut scratch.factor;
        match (self.kind, drawn.selection) {
            (_, Selection::Poisson) => {
                // Mean 1, variance 1 − π (Beaumont and Émond 2022).
                for (f, &p) in factor.iter_mut().zip(&drawn.probability[units]) {
                    if p < 1.0 {
                        *f = (1.0 - p) * gamma(1.0 / (1.0 - p), rng);
                    }
                }
                true
            }
            (_, Selection::Pps) => pps(factor, &drawn.probability[units], rng),
            _ if !resampled(stratum) => false,
            (Kind::CantyDavison, _) => {
                pseudo_population(factor, stratum.population, rng);
                true
            }
            (Kind::DoubledHalf, _) => {
                doubled_half(factor, stratum.fpc(), &mut scratch.order, rng);
                true
            }
            (_, selection) => {
                // n − 1 draws: 1 − λ + λ n/(n − 1) m with λ² = 1 − f (Rao, Wu and Yue 1992, §2).
                count_draws(n - 1, factor, rng);
                let with = selection == Selection::WithReplacement;
                let lambda = if with { 1.0 } else { stratum.fpc().sqrt() };
                let step = lambda * n as f64 / (n as f64 - 1.0);
                factor.iter_mut().for_each(|f| *f = 1.0 - lambda + step * *f);
                true
            }
        }
    }

    /// Preston (2009, §3): m = ⌊n/2⌋ of the n units of every stratum and stage are drawn
    /// without replacement.
    fn preston(&self, out: &mut [f64], rng: &mut impl Rng) {
        let mut path = vec![1.0; out.len()];
        let (mut order, mut is_in) = (Vec::new(), Vec::new());
        for (stage, drawn) in self.tree.stages.iter().zip(&self.stages) {
            for (stratum, share) in stage.strata.iter().zip(&drawn.share) {
                if !resampled(stratum) {
                    continue;
                }
                let n = stratum.n();
                let m = n / 2;
                order.clear();
                order.extend(0..n as u32);
                draw_front(m, &mut order, rng);
                is_in.clear();
                is_in.resize(n, false);
                order[..m].iter().for_each(|&i| is_in[i as usize] = true);
                let (n, m) = (n as f64, m as f64);
                let lambda = (m * share * stratum.fpc() / (n - m)).sqrt();
                for (unit, is_in) in (stratum.first as usize..).zip(&is_in) {
                    let deep = stage.of_unit(unit);
                    let (step, root) =
                        if *is_in { (n / m - 1.0, (n / m).sqrt()) } else { (-1.0, 0.0) };
                    for (f, path) in out[deep.clone()].iter_mut().zip(&mut path[deep]) {
                        *f += lambda * *path * step;
                        *path *= root;
                    }
                }
            }
        }
    }
}

/// Unequal probabilities without replacement: n − 1 draws with λ² = 1 − π, then scaled so that the
/// factors of the units that could have been missed add up to their number (Beaumont and Émond
/// 2022, eq. 24). Units with probability 1 have factor 1.
fn pps(factor: &mut [f64], probability: &[f64], rng: &mut impl Rng) -> bool {
    let open: Vec<usize> = (0..factor.len()).filter(|&k| probability[k] < 1.0).collect();
    let n = open.len();
    if n < 2 {
        return false;
    }
    let mut counts = vec![0.0; n];
    count_draws(n - 1, &mut counts, rng);
    let mut sum = 0.0;
    for (&k, m) in open.iter().zip(&counts) {
        let lambda = (1.0 - probability[k]).sqrt();
        factor[k] = 1.0 - lambda + lambda * n as f64 / (n as f64 - 1.0) * m;
        sum += factor[k];
    }
    open.iter().for_each(|&k| factor[k] *= n as f64 / sum);
    true
}

/// n draws from the population made of copies of the sample: ⌊N/n⌋ of each unit and a simple random
/// sample of the rest; with replacement if N is infinite (Booth, Butler and Hall 1994, §2).
fn pseudo_population(factor: &mut [f64], population: f64, rng: &mut impl Rng) {
    let n = factor.len();
    // Beyond that the draws do not meet.
    if population.is_infinite() || population > 1e15 {
        return count_draws(n, factor, rng);
    }
    // Not a whole number: the next one below or above, in the right proportion.
    let whole = population.floor();
    let up = open_unit(rng.next_u64()) < population - whole;
    let size = (whole as u64 + u64::from(up)).max(n as u64);
    let copies = size / n as u64 * n as u64;
    let mut extra: Vec<u32> = (0..n as u32).collect();
    draw_front((size - copies) as usize, &mut extra, rng);
    factor.fill(0.0);
    // Floyd's sample of n distinct places (Bentley and Floyd 1987).
    let mut taken = HashSet::with_capacity(n);
    for top in size - n as u64..size {
        let place = below(top + 1, || rng.next_u64());
        let place = if taken.insert(place) { place } else { top };
        taken.insert(place);
        let unit = if place < copies {
            place % n as u64
        } else {
            u64::from(extra[(place - copies) as usize])
        };
        factor[unit as usize] += 1.0;
    }
}

/// Antal and Tillé (2011, 2014): some units are kept once, and of the others half are doubled, so that
/// the factors are whole numbers from 0 to 3, add up to n, and have variance 1 − f. The number q of
/// those that are not kept is random between two whole numbers, with mean n (1 − f); 1 is left out,
/// as a single unit cannot be halved.
fn doubled_half(factor: &mut [f64], open: f64, order: &mut Vec<u32>, rng: &mut impl Rng) {
    let n = factor.len();
    let wanted = open * n as f64;
    let (low, high) = match wanted.floor() as usize {
        0 | 1 => (0, 2),
        whole => (whole, whole + 1),
    };
    let share = (wanted - low as f64) / (high - low) as f64;
    let q = if open_unit(rng.next_u64()) < share { high } else { low }.min(n);
    factor.fill(1.0);
    order.clear();
    order.extend(0..n as u32);
    draw_front(n, order, rng);
    let halved = &order[..q];
    if q < 2 {
        return;
    }
    halved.iter().for_each(|&i| factor[i as usize] = 0.0);
    if q % 2 == 0 {
        halved[..q / 2].iter().for_each(|&i| factor[i as usize] = 2.0);
    } else if open_unit(rng.next_u64()) < 0.25 {
        // (q − 3)/2 doubled and one tripled: with this probability the variance is exactly 1.
        halved[..q / 2].iter().for_each(|&i| factor[i as usize] = 2.0);
        factor[halved[0] as usize] = 3.0;
    } else {
        halved[..q / 2 + 1].iter().for_each(|&i| factor[i as usize] = 2.0);
        factor[halved[0] as usize] = 1.0;
    }
}
