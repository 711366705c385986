//! How precisely a domain will be known, before anybody is asked.
//!
//! People of kind k in area a are interviewed with probability Π_ak = Σ_s π_sa f_sak, summed over
//! the samples s, where π_sa is the probability that the area is drawn and f_sak that of a person
//! given that it is. They get the weight w = 1/Π (the single-frame estimator of Kalton and
//! Anderson 1986; for small probabilities also that of the total probability 1 − ∏(1 − π)).
//! Outcomes are taken to vary with variance σ², of which ρ lies between areas and ρ_h between the
//! households of an area. The anticipated variance of the weighted mean of a domain with C_ak
//! people, over σ² (Isaki and Fuller 1982; Kish 1987 for the two factors), is
//!
//! > V = N⁻² [ Σ_ak C_ak/Π_ak (1 + ρ_h q_ak) + ρ Σ_r Σ_a π_ra (1 − π_ra) M_ra² ],
//!
//! with N = Σ C, q the number of other people of the domain who are interviewed in the household
//! of one, and M_ra = Σ_k f_rak C_ak/Π_ak the estimated people of the area when sample r has drawn
//! it; samples that share their areas count as one r. Then n_eff = 1/V, n = Σ C Π,
//! deff = n/n_eff, of which n Σ(C/Π)/N² comes from unequal weights (Kish 1965, eq. 11.7.6).

use rayon::prelude::*;

use crate::numeric::{Sum, sum};
use crate::sampling::Design;

use super::frame::AreaFrame;
use super::people::{Domain, Kinds, Treatment};
use super::sampled::Sampled;

/// Probabilities of all samples, by area and kind.
#[derive(Debug, Clone)]
pub(super) struct Rates {
    /// The probability that an area is drawn: by sample, area.
    pub(super) first: Vec<Vec<f64>>,
    /// The probability of an interview given the area: by sample, kind, area.
    pub(super) within: Vec<Vec<Vec<f64>>>,
}

/// A design laid over a frame.
#[derive(Debug, Clone)]
pub(super) struct Setting<'a> {
    pub(super) design: &'a Design,
    pub(super) frame: &'a AreaFrame,
    pub(super) kinds: &'a Kinds,
    pub(super) sampled: &'a [Sampled],
    pub(super) treatments: &'a [Vec<Treatment>],
}

impl Setting<'_> {
    /// The sample whose areas a sample uses.
    pub(super) fn root(&self, sample: usize) -> usize {
        self.sampled[sample].areas_of.unwrap_or(sample)
    }
}

/// Intra-cluster correlations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Alike {
    /// ρ, between areas.
    pub(super) area: f64,
    /// ρ_h, between households of an area.
    pub(super) household: f64,
}

/// What is expected of a domain.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Expected {
    /// People of the domain in the frame, N.
    pub population: f64,
    /// Those who can be drawn into any sample.
    pub covered: f64,
    /// Interviews, by sample.
    pub by_sample: Vec<f64>,
    /// Interviews, n.
    pub n: f64,
    /// The effective sample size, n_eff.
    pub n_effective: f64,
    /// The design effect from unequal weights.
    pub deff_weights: f64,
}

impl Expected {
    /// The design effect n / n_eff.
    pub fn deff(&self) -> f64 {
        self.n / self.n_effective
    }

    /// The standard error of a proportion p.
    pub fn se(&self, p: f64) -> f64 {
        (p * (1.0 - p) / self.n_effective).sqrt()
    }
}

/// What is expected of each domain, in their order.
pub(super) fn expected(
    setting: &Setting<'_>,
    rates: &Rates,
    domains: &[(Domain, Alike)],
) -> Vec<Expected> {
    domains.par_iter().map(|(domain, alike)| one(setting, rates, domain, *alike)).collect()
}

fn one(setting: &Setting<'_>, rates: &Rates, domain: &Domain, alike: Alike) -> Expected {
    let samples = setting.sampled.len();
    let mut found = Expected { by_sample: vec![0.0; samples], ..Expected::default() };
    let mut people = Sum::default();
    let mut covered = Sum::default();
    let mut single = Sum::default();
    let mut weights = Sum::default();
    let mut clustered = Sum::default();
    let counts: Vec<Vec<f64>> = (0..setting.kinds.people.len())
        .map(|k| setting.kinds.domain(setting.design, setting.frame, domain, k))
        .collect();
    let mut estimated = vec![0.0; samples];
    let mut largest = vec![0.0; samples];
    for a in 0..setting.frame.areas {
        estimated.iter_mut().for_each(|m| *m = 0.0);
        largest.iter_mut().for_each(|p| *p = 0.0);
        for (k, counts) in counts.iter().enumerate() {
            let c = counts[a];
            if c <= 0.0 {
                continue;
            }
            people.add(c);
            let p = |s: usize| rates.first[s][a] * rates.within[s][k][a];
            let total: f64 = (0..samples).map(p).sum();
            if total <= 0.0 {
                continue;
            }
            covered.add(c);
            let share = c / setting.kinds.people[k][a];
            let mut others = 0.0;
            for s in 0..samples {
                found.by_sample[s] += c * p(s);
                others += p(s) / total * setting.treatments[s][k].others * share;
                let root = setting.root(s);
                estimated[root] += rates.within[s][k][a] * c / total;
                largest[root] = f64::max(largest[root], rates.first[s][a]);
            }
            weights.add(c / total);
            single.add(c / total * (1.0 + alike.household * others));
        }
        for s in 0..samples {
            let (m, p) = (estimated[s], largest[s]);
            clustered.add(p * (1.0 - p) * m * m);
        }
    }
    found.population = people.value();
    found.covered = covered.value();
    found.n = sum(&found.by_sample);
    let size = found.covered * found.covered;
    let variance = (single.value() + alike.area * clustered.value()) / size;
    found.n_effective = if size > 0.0 { 1.0 / variance } else { 0.0 };
    found.deff_weights = if size > 0.0 { found.n * weights.value() / size } else { 1.0 };
    found
}
