//! The cheapest design that meets its targets, or the best one for a budget.
//!
//! What may be changed are the numbers of areas of each sample (in blocks of areas) and the shares
//! kept after screening, by group. With x the multiple of a block's areas and z = x κ for the
//! share κ kept, every probability is linear in x or z. A term C/Π with Π = Σ_s p_s v_s is
//! bounded by Σ_s α_s² C/(p_s v_s), with equality where α_s = p_s v_s/Π (Cauchy and Schwarz). So,
//! from the largest design downwards, each round fixes the α, solves the problem of
//! [`bethel`](super::bethel) that is left, and takes the α anew, until the cost stays the same:
//! minimisation by majorisation (Hunter and Lange 2004). With one sample all α are 1 and the first round
//! is exact. The part of the variance that lies between areas is carried at the α of the round.

use rayon::prelude::*;

use crate::numeric::Sum;

use super::bethel::{Bound, Outcome, Size, best_for, cheapest};
use super::people::Domain;
use super::precision::{Alike, Rates, Setting};
use super::yields::yields;

/// What may be changed of one sample.
#[derive(Debug, Clone)]
pub(super) struct Freedom {
    pub(super) sample: usize,
    /// The block of every area.
    pub(super) block: Vec<usize>,
    /// Names of the blocks.
    pub(super) blocks: Vec<String>,
    /// False when the number of areas stays as it is.
    pub(super) areas: bool,
    /// True when the shares kept may be changed.
    pub(super) keep: bool,
    /// The least and the most, as multiples of what the design says.
    pub(super) least: f64,
    pub(super) most: f64,
}

/// A size that is chosen.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chosen {
    pub(super) sample: usize,
    pub(super) block: usize,
    /// The kind whose share is kept, or `None` for the number of areas.
    pub(super) kind: Option<usize>,
    /// The multiple of what the design says (for shares: of x κ).
    pub(super) value: f64,
    /// True when areas are no stage, so that the numbers within areas are multiplied.
    pub(super) spread: bool,
}

/// A precision target for one domain, or for the difference of two.
#[derive(Debug, Clone)]
pub(super) enum Goal {
    /// Σ weight · V ≤ limit over some domains (indices).
    Variance { of: Vec<(usize, f64)>, limit: f64 },
    /// At least so many interviews.
    Number { of: usize, count: f64 },
}

/// How the search ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Found {
    /// Sizes, the price of each goal, the factor θ on all variances (1 without a budget).
    Optimal { chosen: Vec<Chosen>, prices: Vec<f64>, theta: f64 },
    /// Goals that cannot be met.
    Infeasible(Vec<usize>),
    /// Less than the least design costs.
    TooPoor,
    /// Something that varies costs nothing, so that no size is cheaper than another: its sample.
    NoPrice(usize),
    /// The search did not settle.
    NotConverged,
}

/// Rounds of majorisation.
const ROUNDS: usize = 150;

/// Where the probability of a kind in an area comes from: a size, or nothing that changes.
struct Index {
    sizes: Vec<Size>,
    chosen: Vec<Chosen>,
    /// By sample and block (the last block is that of areas drawn with certainty).
    areas: Vec<Vec<Option<usize>>>,
    /// By sample, block and kind.
    keep: Vec<Vec<Vec<Option<usize>>>>,
    /// By sample and area.
    block: Vec<Vec<usize>>,
}

impl Index {
    /// The size that the probability of a kind is proportional to.
    fn of(&self, sample: usize, area: usize, kind: usize) -> Option<usize> {
        let block = self.block[sample][area];
        self.keep[sample][block][kind].or(self.areas[sample][block])
    }

    fn areas_of(&self, sample: usize, area: usize) -> Option<usize> {
        self.areas[sample][self.block[sample][area]]
    }
}

fn index(setting: &Setting<'_>, base: &Rates, freedoms: &[Freedom]) -> Index {
    let samples = setting.sampled.len();
    let kinds = setting.kinds.people.len();
    let areas = setting.frame.areas;
    let mut out = Index {
        sizes: Vec::new(),
        chosen: Vec::new(),
        areas: vec![vec![None]; samples],
        keep: vec![vec![vec![None; kinds]]; samples],
        block: vec![vec![0; areas]; samples],
    };
    // Areas first, so that shares can refer to them, also to those of another sample.
    for freedom in freedoms {
        let s = freedom.sample;
        let spread = setting.sampled[s].unclustered;
        let certain = freedom.blocks.len();
        out.areas[s] = vec![None; certain + 1];
        out.keep[s] = vec![vec![None; kinds]; certain + 1];
        let mut largest = vec![0.0_f64; certain];
        for a in 0..areas {
            let p = if spread { setting.sampled[s].within[a] } else { base.first[s][a] };
            let fixed = !freedom.areas || (!spread && p >= 1.0) || p <= 0.0;
            out.block[s][a] = if fixed { certain } else { freedom.block[a] };
            if !fixed {
                largest[freedom.block[a]] = largest[freedom.block[a]].max(p);
            }
        }
        for (b, p) in largest.iter().enumerate().filter(|(_, p)| **p > 0.0) {
            let most = freedom.most.min(1.0 / p).max(freedom.least * (1.0 + 1e-6) + 1e-9);
            out.areas[s][b] = Some(out.sizes.len());
            out.sizes.push(Size { cost: 0.0, least: freedom.least, most, part_of: None });
            out.chosen.push(Chosen { sample: s, block: b, kind: None, value: 1.0, spread });
        }
    }
    for s in 0..samples {
        let root = setting.root(s);
        if root != s {
            // Areas of another sample change with those.
            out.block[s] = out.block[root].clone();
            out.areas[s] = out.areas[root].clone();
            out.keep[s] = vec![vec![None; kinds]; out.areas[root].len()];
        }
    }
    for freedom in freedoms.iter().filter(|f| f.keep) {
        let s = freedom.sample;
        for b in 0..out.areas[s].len() {
            for k in 0..kinds {
                let now = setting.treatments[s][k].keep;
                let occupied = || {
                    (0..areas).any(|a| {
                        out.block[s][a] == b
                            && base.first[s][a] > 0.0
                            && setting.kinds.people[k][a] > 0.0
                    })
                };
                if now <= 0.0 || !occupied() {
                    continue;
                }
                let whole = out.areas[s][b];
                // Who is on which list is not known at the door: one share for people of the same groups.
                let same = (0..k)
                    .filter(|&other| setting.kinds.levels[other] == setting.kinds.levels[k])
                    .find_map(|other| out.keep[s][b][other]);
                if same.is_some() {
                    out.keep[s][b][k] = same;
                    continue;
                }
                // z counts multiples of the share kept now, so that z = x/κ keeps everybody.
                let x = whole.map_or(1.0, |x| out.sizes[x].most);
                out.keep[s][b][k] = Some(out.sizes.len());
                out.sizes.push(Size { cost: 0.0, least: 0.0, most: x / now, part_of: whole });
                out.chosen.push(Chosen {
                    sample: s,
                    block: b,
                    kind: Some(k),
                    value: 1.0,
                    spread: false,
                });
            }
        }
    }
    out
}

/// Probabilities at given sizes.
pub(super) fn rates_at(
    setting: &Setting<'_>,
    base: &Rates,
    freedoms: &[Freedom],
    chosen: &[Chosen],
) -> Rates {
    let index = index(setting, base, freedoms);
    let values: Vec<f64> = chosen.iter().map(|c| c.value).collect();
    at(setting, base, &index, &values)
}

/// Probabilities with everything that may vary at its most; `None` when nothing may.
pub(super) fn rates_at_most(
    setting: &Setting<'_>,
    base: &Rates,
    freedoms: &[Freedom],
) -> Option<Rates> {
    let index = index(setting, base, freedoms);
    let most: Vec<f64> = index.sizes.iter().map(|s| s.most).collect();
    (!most.is_empty()).then(|| at(setting, base, &index, &most))
}

fn at(setting: &Setting<'_>, base: &Rates, index: &Index, values: &[f64]) -> Rates {
    let mut rates = base.clone();
    for s in 0..setting.sampled.len() {
        let spread = setting.sampled[s].unclustered;
        for a in 0..setting.frame.areas {
            let x = index.areas_of(s, a).map_or(1.0, |v| values[v]);
            if !spread {
                rates.first[s][a] = (base.first[s][a] * x).min(1.0);
            }
            for k in 0..setting.kinds.people.len() {
                let z = index.of(s, a, k).map_or(1.0, |v| values[v]);
                let within = if spread { z } else { z / x };
                rates.within[s][k][a] = base.within[s][k][a] * within;
            }
        }
    }
    rates
}

/// Costs of every size, and those that do not change.
fn costs(setting: &Setting<'_>, base: &Rates, index: &mut Index) -> f64 {
    let mut fixed = Sum::default();
    let ones = vec![1.0; setting.frame.areas];
    let mut by_size = vec![Sum::default(); index.sizes.len()];
    for s in 0..setting.sampled.len() {
        if setting.design.samples[s].part_of.is_some() {
            continue;
        }
        let (_, costs) = yields(setting, s, &base.first[s], &|_, _| 1.0, &ones);
        for a in 0..setting.frame.areas {
            let p = base.first[s][a];
            match index.areas_of(s, a) {
                Some(v) => by_size[v].add(p * costs.flat[a]),
                None => fixed.add(p * costs.flat[a]),
            }
            for (k, costs) in costs.by_kind.iter().enumerate() {
                match index.of(s, a, k) {
                    Some(v) => by_size[v].add(p * costs[a]),
                    None => fixed.add(p * costs[a]),
                }
            }
        }
    }
    for (size, cost) in index.sizes.iter_mut().zip(by_size) {
        size.cost = cost.value();
    }
    fixed.value()
}

/// V of a domain as Σ a_j/x_j + constant at the α of given rates; and its interviews as Σ h_j x_j
/// + constant.
struct Coefficients {
    a: Vec<f64>,
    constant: f64,
    h: Vec<f64>,
    fixed: f64,
}

fn coefficients(
    setting: &Setting<'_>,
    base: &Rates,
    now: &Rates,
    index: &Index,
    (domain, alike): &(Domain, Alike),
) -> Coefficients {
    let samples = setting.sampled.len();
    let counts: Vec<Vec<f64>> = (0..setting.kinds.people.len())
        .map(|k| setting.kinds.domain(setting.design, setting.frame, domain, k))
        .collect();
    let mut a_sums = vec![Sum::default(); index.sizes.len()];
    let mut h_sums = vec![Sum::default(); index.sizes.len()];
    let (mut constant, mut fixed, mut covered) = (Sum::default(), Sum::default(), Sum::default());
    let mut shares = vec![0.0; samples];
    for area in 0..setting.frame.areas {
        shares.iter_mut().for_each(|m| *m = 0.0);
        for (k, counts) in counts.iter().enumerate() {
            let c = counts[area];
            if c <= 0.0 {
                continue;
            }
            let p = |rates: &Rates, s: usize| rates.first[s][area] * rates.within[s][k][area];
            let total: f64 = (0..samples).map(|s| p(now, s)).sum();
            if total <= 0.0 {
                continue;
            }
            covered.add(c);
            let part = c / setting.kinds.people[k][area];
            let others: f64 = (0..samples)
                .map(|s| p(now, s) / total * setting.treatments[s][k].others * part)
                .sum();
            for s in 0..samples {
                let (own, start) = (p(now, s), p(base, s));
                if own <= 0.0 || start <= 0.0 {
                    continue;
                }
                let alpha = own / total;
                let term = alpha * alpha * c / start * (1.0 + alike.household * others);
                match index.of(s, area, k) {
                    Some(v) => {
                        a_sums[v].add(term);
                        h_sums[v].add(c * start);
                    }
                    None => {
                        constant.add(term);
                        fixed.add(c * start);
                    }
                }
                shares[setting.root(s)] += alpha * c;
            }
        }
        for (r, total) in shares.iter().enumerate().filter(|(_, t)| **t > 0.0) {
            let first = base.first[r][area];
            if first <= 0.0 || setting.sampled[r].unclustered {
                continue;
            }
            // x π (1 − x π) M² with M = T/(x π).
            let square = alike.area * total * total;
            match index.areas_of(r, area) {
                Some(v) => {
                    a_sums[v].add(square / first);
                    constant.add(-square);
                }
                None => constant.add(square * (1.0 / first - 1.0)),
            }
        }
    }
    let size = covered.value() * covered.value();
    let size = if size > 0.0 { size } else { f64::INFINITY };
    Coefficients {
        a: a_sums.iter().map(|s| s.value() / size).collect(),
        constant: constant.value() / size,
        h: h_sums.iter().map(|s| s.value()).collect(),
        fixed: fixed.value(),
    }
}

/// The goals as bounds on the sizes.
fn bounds(goals: &[Goal], all: &[Coefficients]) -> Vec<Bound> {
    goals
        .iter()
        .map(|goal| match goal {
            Goal::Variance { of, limit } => {
                let sizes = all.first().map_or(0, |c| c.a.len());
                let mut a = vec![0.0; sizes];
                let mut b = *limit;
                for (d, weight) in of {
                    b -= weight * all[*d].constant;
                    a.iter_mut().zip(&all[*d].a).for_each(|(a, own)| *a += weight * own);
                }
                Bound::Variance { a, b }
            }
            Goal::Number { of, count } => {
                let b = count - all[*of].fixed;
                if b <= count * 1e-9 {
                    // What does not vary reaches it: it asks for nothing.
                    Bound::Variance { a: vec![0.0; all[*of].h.len()], b: 1.0 }
                } else {
                    Bound::Number { h: all[*of].h.clone(), b }
                }
            }
        })
        .collect()
}

/// The cheapest sizes that meet all goals; with a budget, those that meet them best.
///
/// `base` are the probabilities of the design as written; `domains` are what the goals refer to.
pub(super) fn search(
    setting: &Setting<'_>,
    base: &Rates,
    freedoms: &[Freedom],
    domains: &[(Domain, Alike)],
    goals: &[Goal],
    budget: Option<f64>,
) -> Found {
    let mut index = index(setting, base, freedoms);
    let fixed = costs(setting, base, &mut index);
    let free = index.sizes.iter().zip(&index.chosen).find(|(size, _)| size.cost <= 0.0);
    if let Some((_, chosen)) = free {
        return Found::NoPrice(chosen.sample);
    }
    let top: Vec<f64> = index.sizes.iter().map(|s| s.most).collect();
    let coefficients_at = |values: &[f64]| -> Vec<Coefficients> {
        let now = at(setting, base, &index, values);
        domains.par_iter().map(|d| coefficients(setting, base, &now, &index, d)).collect()
    };
    let mut values = top;
    let mut before = f64::INFINITY;
    for _ in 0..ROUNDS {
        let bounds = bounds(goals, &coefficients_at(&values));
        let never: Vec<usize> = (0..bounds.len()).filter(|&d| bounds[d].is_never_met()).collect();
        if !never.is_empty() {
            return Found::Infeasible(never);
        }
        let (theta, outcome) = match budget {
            None => (1.0, cheapest(&index.sizes, &bounds)),
            Some(budget) if index.sizes.is_empty() && fixed <= budget => {
                (1.0, cheapest(&index.sizes, &bounds))
            }
            Some(budget) => match best_for(&index.sizes, &bounds, budget - fixed) {
                Some(best) => best,
                None => return Found::TooPoor,
            },
        };
        let (x, prices, cost) = match outcome {
            Outcome::Optimal { x, prices, cost } => (x, prices, cost),
            Outcome::Infeasible(missed) => return Found::Infeasible(missed),
            Outcome::NotConverged => return Found::NotConverged,
        };
        // With a budget the cost is given, and the factor is what settles.
        let measure = if budget.is_some() { theta } else { cost };
        let settled = (measure - before).abs() <= 1e-6 * measure.abs().max(1e-12);
        before = measure;
        values = x;
        if settled {
            let mut chosen = index.chosen;
            chosen.iter_mut().zip(&values).for_each(|(c, v)| c.value = *v);
            return Found::Optimal { chosen, prices, theta };
        }
    }
    Found::NotConverged
}
