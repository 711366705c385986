//! The variance of totals of unit-level values over a tree of units.
//!
//! For each stage s and stratum h with n sampled units out of N,
//! V = Σ_s Σ_h share · (1 − n/N) · n/(n − 1) · Σ_u (z_u − z̄)²,
//! where z_u is the total of a unit and share the product of n/N over the stages above
//! (Särndal, Swensson and Wretman 1992, result 4.3.1, estimated; Cochran 1977, eq. 11.24).
//! Units without a row in a domain have z = 0 and count. A stratum with a [`Form`] of its own has
//! the variance of that form in place of the inner term. Layers add variances over other groupings
//! of the same units.

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::covariance::covariances;
use super::forms::form_variances;
use crate::design::{Form, Layer, LonelyPsu, Stage, Stratum, UnitTree};

/// Strata handed to one task; fixed, so that sums do not depend on the number of threads.
const STRATA_PER_TASK: usize = 64;

/// With all covariances each task holds a matrix: there are no more of them than this.
const TASKS_WITH_MATRIX: usize = 8;

/// Strata handed to one task.
pub(super) fn strata_per_task(strata: usize, full: bool) -> usize {
    if full { strata.div_ceil(TASKS_WITH_MATRIX).max(STRATA_PER_TASK) } else { STRATA_PER_TASK }
}

/// Values z of one unit: (which estimate, value).
pub(super) type Entries = Vec<(u32, f64)>;

/// Where unit-level values come from.
pub(super) trait UnitValues: Sync {
    /// How many estimates there are.
    fn size(&self) -> usize;
    /// Appends the values of a deepest unit; at most one per estimate.
    fn unit(&self, unit: usize, out: &mut Entries);
}

/// Variances and, if wanted, covariances.
#[derive(Debug, Clone)]
pub(super) struct Variances {
    /// One variance per estimate.
    pub diagonal: Vec<f64>,
    /// All covariances.
    pub full: Option<DMatrix<f64>>,
}

impl Variances {
    /// Adds the variances of a layer.
    pub fn add(&mut self, sign: f64, other: &Variances) {
        self.diagonal.iter_mut().zip(&other.diagonal).for_each(|(a, b)| *a += sign * b);
        if let (Some(a), Some(b)) = (&mut self.full, &other.full) {
            a.iter_mut().zip(b.iter()).for_each(|(a, b)| *a += sign * b);
        }
    }
}

/// The values of the units of a layer.
pub(super) struct OfLayer<'a, V> {
    pub layer: &'a Layer,
    pub values: &'a V,
}

impl<V: UnitValues> UnitValues for OfLayer<'_, V> {
    fn size(&self) -> usize {
        self.values.size()
    }

    fn unit(&self, unit: usize, out: &mut Entries) {
        match self.layer.members(unit) {
            [one] => self.values.unit(*one as usize, out),
            many => {
                let from = out.len();
                many.iter().for_each(|&member| self.values.unit(member as usize, out));
                // One value per estimate: entries of one estimate are added up.
                let mut own: Entries = out.drain(from..).collect();
                own.sort_by_key(|(k, _)| *k);
                for (k, z) in own {
                    match out[from..].last_mut() {
                        Some(last) if last.0 == k => last.1 += z,
                        _ => out.push((k, z)),
                    }
                }
            }
        }
    }
}

/// The policy for lonely units.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy {
    pub lonely: LonelyPsu,
    pub in_domain: bool,
}

/// What else is made of the values of each stratum while they are there.
pub(super) trait Companion: Sync {
    /// What the strata of a task add to.
    type Part: Send;

    /// Whether each part holds a matrix: then there are few of them.
    const HOLDS_MATRIX: bool;

    /// Nothing added yet.
    fn start(&self) -> Self::Part;

    /// Adds a stratum.
    fn stratum(&self, part: &mut Self::Part, stage: &Stage, stratum: &Stratum, work: &Work);
}

/// Nothing else.
struct Alone;

impl Companion for Alone {
    type Part = ();

    const HOLDS_MATRIX: bool = false;

    fn start(&self) {}

    fn stratum(&self, (): &mut (), _: &Stage, _: &Stratum, _: &Work) {}
}

/// Variances of Σ_u z_u.
pub(super) fn tree_variance(
    tree: &UnitTree,
    policy: Policy,
    values: &impl UnitValues,
    full: bool,
) -> Variances {
    tree_variance_with(tree, policy, values, full, &Alone).0
}

/// Variances of Σ_u z_u, and what a companion makes of the strata, task by task.
pub(super) fn tree_variance_with<C: Companion>(
    tree: &UnitTree,
    policy: Policy,
    values: &impl UnitValues,
    full: bool,
    companion: &C,
) -> (Variances, Vec<C::Part>) {
    let k = values.size();
    let mut total = Acc::new(k, full);
    let mut others = Vec::new();
    for (s, stage) in tree.stages.iter().enumerate() {
        let centres = centres(tree, s, policy, values);
        let parts: Vec<(Acc, C::Part)> = stage
            .strata
            .par_chunks(strata_per_task(stage.strata.len(), full || C::HOLDS_MATRIX))
            .map(|strata| {
                let (mut acc, mut other) = (Acc::new(k, full), companion.start());
                let mut work = Work::new(k);
                for stratum in strata.iter().filter(|h| h.share > 0.0) {
                    work.load(stage, stratum, values);
                    acc.stratum(stratum, policy, &centres, &mut work);
                    companion.stratum(&mut other, stage, stratum, &work);
                }
                (acc, other)
            })
            .collect();
        let mut sum = Acc::new(k, full);
        for (part, other) in parts {
            sum.merge(&part);
            others.push(other);
        }
        sum.average_lonely(policy);
        total.merge(&sum);
    }
    (Variances { diagonal: total.diagonal, full: total.full }, others)
}

/// Mean of all unit totals at a stage, by the unit above; needed to centre lonely units. Where
/// the unit above holds one unit only, whose own mean would say that it does not vary, the mean
/// over all units of the stage.
pub(super) struct Centres {
    /// For each unit above its first unit at this stage, and the means by estimate.
    means: Vec<(u32, Vec<f64>)>,
}

impl Centres {
    pub fn of(&self, unit: u32) -> Option<&[f64]> {
        let after = self.means.partition_point(|(first, _)| *first <= unit);
        self.means.get(after.checked_sub(1)?).map(|(_, means)| means.as_slice())
    }
}

pub(super) fn centres(
    tree: &UnitTree,
    s: usize,
    policy: Policy,
    values: &impl UnitValues,
) -> Centres {
    let stage = &tree.stages[s];
    let needed = policy.lonely == LonelyPsu::Center
        && (policy.in_domain || stage.strata.iter().any(Stratum::is_lonely));
    if !needed {
        return Centres { means: Vec::new() };
    }
    // Units of this stage by the unit above them: boundaries in deepest units.
    let bounds: Vec<u32> = match s.checked_sub(1) {
        None => vec![0, tree.units() as u32],
        Some(above) => tree.stages[above].deepest.clone(),
    };
    let mut means = Vec::with_capacity(bounds.len());
    let mut work = Work::new(values.size());
    let (mut overall, mut alone) = (vec![0.0; values.size()], Vec::new());
    let mut stratum = 0;
    for pair in bounds.windows(2) {
        let (mut sums, mut units, mut first) = (vec![0.0; values.size()], 0.0, None);
        while let Some(h) = stage.strata.get(stratum)
            && stage.deepest[h.first as usize] < pair[1]
        {
            stratum += 1;
            first.get_or_insert(h.first);
            work.load(stage, h, values);
            units += h.n() as f64;
            for &k in &work.touched {
                sums[k as usize] += work.sum[k as usize];
            }
        }
        overall.iter_mut().zip(&sums).for_each(|(all, own)| *all += own);
        if units == 1.0 {
            alone.push(means.len());
        }
        sums.iter_mut().for_each(|x| *x /= units);
        means.push((first.unwrap_or(0), sums));
    }
    overall.iter_mut().for_each(|x| *x /= stage.units() as f64);
    for at in alone {
        means[at].1.clone_from(&overall);
    }
    Centres { means }
}

/// The values of one stratum.
pub(super) struct Work {
    /// (unit, estimate, value)
    pub entries: Vec<(u32, u32, f64)>,
    /// Sums over the units, by estimate.
    pub sum: Vec<f64>,
    /// Units with a value, by estimate.
    pub units_with: Vec<u32>,
    /// Estimates with a value.
    pub touched: Vec<u32>,
    /// Where in `touched` an estimate is.
    pub place: Vec<u32>,
    list: Entries,
    /// Sums over the deepest units of one unit, and the estimates that have one.
    unit_sum: Vec<f64>,
    in_unit: Vec<u32>,
}

impl Work {
    fn new(k: usize) -> Work {
        Work {
            entries: Vec::new(),
            sum: vec![0.0; k],
            units_with: vec![0; k],
            touched: Vec::new(),
            place: vec![0; k],
            list: Vec::new(),
            unit_sum: vec![0.0; k],
            in_unit: Vec::new(),
        }
    }

    fn load(&mut self, stage: &Stage, stratum: &Stratum, values: &impl UnitValues) {
        for &k in &self.touched {
            self.sum[k as usize] = 0.0;
            self.units_with[k as usize] = 0;
        }
        self.touched.clear();
        self.entries.clear();
        for unit in stratum.first..stratum.end {
            let deepest = stage.of_unit(unit as usize);
            self.list.clear();
            if deepest.len() == 1 {
                values.unit(deepest.start, &mut self.list);
            } else {
                for deepest in deepest {
                    values.unit(deepest, &mut self.list);
                    for (k, z) in self.list.drain(..) {
                        self.unit_sum[k as usize] += z;
                        self.in_unit.push(k);
                    }
                }
                self.in_unit.sort_unstable();
                self.in_unit.dedup();
                let take = |k| (k, std::mem::take(&mut self.unit_sum[k as usize]));
                self.list.extend(self.in_unit.drain(..).map(take));
            }
            for &(k, z) in &self.list {
                if self.units_with[k as usize] == 0 {
                    self.touched.push(k);
                }
                self.units_with[k as usize] += 1;
                self.sum[k as usize] += z;
                self.entries.push((unit, k, z));
            }
        }
        self.touched.sort_unstable();
        for (place, &k) in (0..).zip(&self.touched) {
            self.place[k as usize] = place;
        }
    }
}

struct Acc {
    diagonal: Vec<f64>,
    full: Option<DMatrix<f64>>,
    /// Strata with an entry, and the lonely ones among them, by estimate.
    strata: Vec<u32>,
    lonely: Vec<u32>,
}

impl Acc {
    fn new(k: usize, full: bool) -> Acc {
        Acc {
            diagonal: vec![0.0; k],
            full: full.then(|| DMatrix::zeros(k, k)),
            strata: vec![0; k],
            lonely: vec![0; k],
        }
    }

    fn merge(&mut self, other: &Acc) {
        self.diagonal.iter_mut().zip(&other.diagonal).for_each(|(a, b)| *a += b);
        self.strata.iter_mut().zip(&other.strata).for_each(|(a, b)| *a += b);
        self.lonely.iter_mut().zip(&other.lonely).for_each(|(a, b)| *a += b);
        if let (Some(a), Some(b)) = (&mut self.full, &other.full) {
            *a += b;
        }
    }

    /// Adds the contribution of one stratum.
    fn stratum(&mut self, stratum: &Stratum, policy: Policy, centres: &Centres, work: &mut Work) {
        let n = stratum.n() as f64;
        let alone = |k: u32| {
            stratum.is_lonely()
                || (policy.in_domain
                    && stratum.form.is_none()
                    && !stratum.is_census()
                    && work.units_with[k as usize] == 1)
        };
        let centre = centres.of(stratum.first);
        for &k in &work.touched {
            self.strata[k as usize] += 1;
            if alone(k) {
                self.lonely[k as usize] += 1;
            }
        }
        if stratum.is_census() {
            return;
        }
        if let Some(form) = &stratum.form {
            self.form_stratum(stratum, form, work);
            return;
        }
        // How each estimate is centred, with which factor, and what a unit without a row in the
        // domain deviates by; `None` adds nothing.
        let plan: Vec<Option<(f64, f64, f64)>> = work
            .touched
            .iter()
            .map(|&k| {
                let base = stratum.share * stratum.fpc();
                let usual = || {
                    let mean = work.sum[k as usize] / n;
                    Some((mean, base * n / (n - 1.0), -mean))
                };
                if !alone(k) {
                    return usual();
                }
                match policy.lonely {
                    LonelyPsu::Center => {
                        let scale = if stratum.n() == 1 { base } else { base * n / (n - 1.0) };
                        // A lonely unit's own deviation is all there is to go by.
                        centre.map(|c| (c[k as usize], scale, 0.0))
                    }
                    LonelyPsu::Average => None,
                    _ if stratum.n() > 1 => usual(),
                    _ => None,
                }
            })
            .collect();
        for (&k, plan) in work.touched.iter().zip(&plan) {
            if let Some((_, scale, absent)) = plan {
                let count = n - f64::from(work.units_with[k as usize]);
                self.diagonal[k as usize] += scale * count * absent * absent;
            }
        }
        for &(_, k, z) in &work.entries {
            if let Some((mean, scale, _)) = plan[work.place[k as usize] as usize] {
                self.diagonal[k as usize] += scale * (z - mean) * (z - mean);
            }
        }
        if let Some(full) = &mut self.full {
            covariances(stratum, work, &plan, full);
        }
    }

    /// Adds the contribution of a stratum with a form of its own.
    fn form_stratum(&mut self, stratum: &Stratum, form: &Form, work: &Work) {
        // The entries of each estimate together.
        let mut entries: Vec<(u32, u32, f64)> =
            work.entries.iter().map(|&(u, k, z)| (work.place[k as usize], u, z)).collect();
        entries.sort_by_key(|e| e.0);
        let mut starts = vec![0_usize; work.touched.len() + 1];
        entries.iter().for_each(|e| starts[e.0 as usize + 1] += 1);
        for j in 1..starts.len() {
            starts[j] += starts[j - 1];
        }
        let column = |j: usize, z: &mut Vec<f64>| {
            z.clear();
            z.resize(stratum.n(), 0.0);
            for &(_, unit, value) in &entries[starts[j]..starts[j + 1]] {
                z[(unit - stratum.first) as usize] = value;
            }
        };
        let (diagonal, full) = (&mut self.diagonal, &mut self.full);
        form_variances(form, work.touched.len(), full.is_some(), column, |i, j, v| {
            let (a, b) = (work.touched[i] as usize, work.touched[j] as usize);
            let v = stratum.share * v;
            if i == j {
                diagonal[a] += v;
            }
            if let Some(full) = full {
                full[(a, b)] += v;
                if i != j {
                    full[(b, a)] += v;
                }
            }
        });
    }

    /// Lets lonely strata count as the average of the others.
    fn average_lonely(&mut self, policy: Policy) {
        if policy.lonely != LonelyPsu::Average {
            return;
        }
        let factor: Vec<f64> = self
            .strata
            .iter()
            .zip(&self.lonely)
            .map(
                |(&all, &lonely)| {
                    if lonely == 0 { 1.0 } else { f64::from(all) / f64::from(all - lonely) }
                },
            )
            .collect();
        self.diagonal.iter_mut().zip(&factor).for_each(|(v, f)| *v *= f);
        if let Some(full) = &mut self.full {
            for i in 0..factor.len() {
                for j in 0..factor.len() {
                    full[(i, j)] *= (factor[i] * factor[j]).sqrt();
                }
            }
        }
    }
}
