//! A design laid over a frame: expected numbers, coverage, precision.

use crate::data::Table;
use crate::diagnostic::Diagnostics;
use crate::numeric::distributions::normal_quantile_upper;
use crate::numeric::sum;
use crate::sampling::spec::{Comparison, Figure, Target};
use crate::sampling::{Design, Loaded};
use crate::toml_file::KeyPath;

use super::domains::{Domains, domains};
use super::doubts;
use super::frame::{AreaFrame, Reader};
use super::people::{Kinds, Treatment, conditional, treatments};
use super::power::{detectable, power};
use super::precision::{Expected, Rates, Setting, expected};
use super::result::{
    Certain, ComparisonPlan, Coverage, DomainPlan, Measure, Plan, SamplePlan, TargetPlan,
};
use super::sampled::{Sampled, sampled};
use super::yields::{StageTotal, yields};

/// A design laid over a frame.
pub(super) struct Laid {
    pub(super) design: Design,
    pub(super) frame: AreaFrame,
    pub(super) kinds: Kinds,
    pub(super) sampled: Vec<Sampled>,
    pub(super) treatments: Vec<Vec<Treatment>>,
    pub(super) rates: Rates,
    pub(super) domains: Domains,
    /// What is expected of every domain.
    expected: Vec<Expected>,
    /// What is doubtful about the frame and the design.
    doubts: Diagnostics,
}

impl Laid {
    pub(super) fn out(loaded: &Loaded, table: &Table) -> Result<Laid, Diagnostics> {
        let design = loaded.design.clone();
        let mut reader = Reader::new(table, loaded);
        let frame = AreaFrame::of(&mut reader, &design)?;
        let Some(kinds) = Kinds::of(&design, &frame) else {
            let help = "screen for groups of fewer classes, or plan over fewer areas";
            let message =
                "the crossing of the classes that matter for selection has too many kinds \
                           of people"
                    .to_string();
            reader.error(&KeyPath::root().key("group"), message, help);
            return Err(Diagnostics(reader.found));
        };
        let mut all: Vec<Sampled> = Vec::new();
        for index in 0..design.samples.len() {
            match sampled(&mut reader, &design, &frame, &kinds, index, &all) {
                Some(sampled) => all.push(sampled),
                None => return Err(Diagnostics(reader.found)),
            }
        }
        let treatments: Vec<Vec<Treatment>> = (0..design.samples.len())
            .map(|index| treatments(&design, &frame, &kinds, index))
            .collect();
        let rates = Rates {
            first: all.iter().map(|s| s.first.clone()).collect(),
            within: (0..all.len())
                .map(|s| conditional(&design, s, &all[s], &treatments[s]))
                .collect(),
        };
        let Some(domains) = domains(&mut reader, &design) else {
            return Err(Diagnostics(reader.found));
        };
        let mut laid = Laid {
            design,
            frame,
            kinds,
            sampled: all,
            treatments,
            rates,
            domains,
            expected: Vec::new(),
            doubts: Diagnostics::default(),
        };
        laid.expected = expected(&laid.setting(), &laid.rates, &laid.domains.list);
        doubts::of_frame(&mut reader, &laid.design, &laid.frame);
        let interviews = laid.expected.first().map_or(&[][..], |all| &all.by_sample);
        doubts::of_samples(&mut reader, &laid.design, interviews);
        laid.reachable(&mut reader);
        if !reader.found.is_empty() {
            return Err(Diagnostics(reader.found));
        }
        laid.doubts = Diagnostics(reader.doubts);
        Ok(laid)
    }

    pub(super) fn setting(&self) -> Setting<'_> {
        Setting {
            design: &self.design,
            frame: &self.frame,
            kinds: &self.kinds,
            sampled: &self.sampled,
            treatments: &self.treatments,
        }
    }

    /// Targets are about people who are in the frame and can be drawn.
    fn reachable(&self, reader: &mut Reader<'_>) {
        let path = KeyPath::root().key("plan");
        let targets = self.domains.targets.iter().map(|&d| ("target", d));
        let pairs =
            self.domains.comparisons.iter().flat_map(|&(a, b)| [("compare", a), ("compare", b)]);
        let indexed = targets.enumerate().chain(pairs.enumerate().map(|(i, p)| (i / 2, p)));
        for (i, (list, domain)) in indexed {
            let (expected, label) = (&self.expected[domain], &self.domains.list[domain].0.label);
            let path = path.key(list).index(i);
            if expected.population <= 0.0 {
                let message = format!("nobody in the frame belongs to the target “{label}”");
                reader.error(&path, message, "check its groups, their columns, and `where`");
            } else if expected.covered <= 0.0 {
                let message = format!("no sample reaches anybody of the target “{label}”");
                let help = "a sample must be drawn where these people live and not screen them out";
                reader.error(&path, message, help);
            }
        }
    }

    /// Everything but the search.
    pub(super) fn plan(&self) -> Plan {
        let plan = &self.design.spec.plan;
        let one = |_: usize| 1.0;
        let samples = self.samples(&self.rates, &one);
        Plan {
            title: self.design.title.clone(),
            currency: plan.currency.clone().unwrap_or_default(),
            confidence: self.confidence(),
            areas: self.frame.areas,
            people: sum(&self.frame.people),
            households: sum(&self.frame.households),
            cost: self.cost(&samples),
            samples,
            coverage: self.coverage(),
            domains: self.domain_plans(&self.expected),
            comparisons: self.comparisons(&self.expected),
            optimum: None,
            allocations: Vec::new(),
            sensitivity: Vec::new(),
            notes: Vec::new(),
            warnings: self.doubts.clone(),
        }
    }

    fn confidence(&self) -> f64 {
        self.design.spec.plan.confidence.unwrap_or(0.95)
    }

    pub(super) fn z(&self) -> f64 {
        normal_quantile_upper((1.0 - self.confidence()) / 2.0)
    }

    pub(super) fn cost(&self, samples: &[SamplePlan]) -> f64 {
        let fixed = self.design.spec.plan.fixed_cost.as_ref().map_or(0.0, Figure::value);
        fixed + samples.iter().map(|s| s.cost).sum::<f64>()
    }

    /// The samples in numbers; `spread` multiplies what is drawn within the areas of a sample that
    /// does not draw areas.
    pub(super) fn samples(&self, rates: &Rates, spread: &dyn Fn(usize) -> f64) -> Vec<SamplePlan> {
        (0..self.sampled.len())
            .map(|s| {
                let own = &self.design.samples[s];
                let mut plan = SamplePlan {
                    name: own.name.clone(),
                    label: own.label.clone(),
                    part_of: own.part_of.map(|p| self.design.samples[p].label.clone()),
                    cost: 0.0,
                    stages: Vec::new(),
                    certain: None,
                };
                if plan.part_of.is_some() {
                    // Its members are those of another sample, and counted there.
                    return plan;
                }
                let scale = vec![spread(s); self.frame.areas];
                let keep = |k: usize, a: usize| {
                    let before = self.rates.within[s][k][a] * spread(s);
                    if before > 0.0 { rates.within[s][k][a] / before } else { 1.0 }
                };
                let (mut stages, _) = yields(&self.setting(), s, &rates.first[s], &keep, &scale);
                if let (Some(first), false) = (stages.first_mut(), self.sampled[s].unclustered) {
                    // Areas that hold nobody are drawn too.
                    first.drawn = sum(&rates.first[s]);
                }
                plan.cost = cost_of(&stages);
                plan.stages = stages;
                plan.certain = self.certain(s, rates, &keep);
                plan
            })
            .collect()
    }

    /// The areas that a sample draws with certainty, and what they cost.
    fn certain(
        &self,
        s: usize,
        rates: &Rates,
        keep: &dyn Fn(usize, usize) -> f64,
    ) -> Option<Certain> {
        if self.sampled[s].unclustered {
            return None;
        }
        let first: Vec<f64> =
            rates.first[s].iter().map(|p| if *p >= 1.0 { 1.0 } else { 0.0 }).collect();
        let areas = sum(&first);
        if areas <= 0.0 {
            return None;
        }
        let scale = vec![1.0; self.frame.areas];
        let (stages, _) = yields(&self.setting(), s, &first, keep, &scale);
        Some(Certain { areas, cost: cost_of(&stages) })
    }

    fn coverage(&self) -> Vec<Coverage> {
        let groups = self.domains.list.iter().take(1 + self.design.groups.len());
        groups
            .map(|(domain, _)| {
                let mut all = 0.0;
                let mut any = 0.0;
                let mut own = vec![0.0; self.sampled.len()];
                for k in 0..self.kinds.people.len() {
                    let counts = self.kinds.domain(&self.design, &self.frame, domain, k);
                    for (a, c) in counts.iter().enumerate() {
                        all += c;
                        let mut reached = false;
                        for (s, own) in own.iter_mut().enumerate() {
                            if self.rates.first[s][a] * self.rates.within[s][k][a] > 0.0 {
                                *own += c;
                                reached = true;
                            }
                        }
                        if reached {
                            any += c;
                        }
                    }
                }
                let share = |part: f64| if all > 0.0 { part / all } else { 0.0 };
                Coverage {
                    label: domain.label.clone(),
                    population: all,
                    by_sample: own.into_iter().map(share).collect(),
                    any: share(any),
                }
            })
            .collect()
    }

    pub(super) fn domain_plans(&self, found: &[Expected]) -> Vec<DomainPlan> {
        let z = self.z();
        let given = &self.design.spec.plan.target;
        found
            .iter()
            .enumerate()
            .map(|(d, expected)| {
                let p = self.domains.proportions[d];
                let known = expected.n_effective > 0.0;
                let se = expected.se(p);
                let some = |value: f64| (known && value.is_finite()).then_some(value);
                let targets = self.domains.targets.iter().zip(given).filter(|(own, _)| **own == d);
                DomainPlan {
                    label: self.domains.list[d].0.label.clone(),
                    population: expected.population,
                    coverage: if expected.population > 0.0 {
                        expected.covered / expected.population
                    } else {
                        0.0
                    },
                    by_sample: expected.by_sample.clone(),
                    n: expected.n,
                    n_effective: some(expected.n_effective),
                    deff: some(expected.deff()),
                    deff_weights: some(expected.deff_weights),
                    proportion: p,
                    half_width: some(z * se),
                    cv: some(se / p),
                    targets: targets.map(|(_, target)| reached(target, expected, p, z)).collect(),
                }
            })
            .collect()
    }

    /// The half-widths of everybody, the groups, and the domains that something is asked of.
    pub(super) fn half_widths(&self) -> Vec<(String, Option<f64>)> {
        let asked = |d: usize| {
            d <= self.design.groups.len()
                || self.domains.targets.contains(&d)
                || self.domains.comparisons.iter().any(|(a, b)| *a == d || *b == d)
        };
        let plans = self.domain_plans(&self.expected).into_iter().enumerate();
        plans.filter(|(d, _)| asked(*d)).map(|(_, plan)| (plan.label, plan.half_width)).collect()
    }

    pub(super) fn comparisons(&self, found: &[Expected]) -> Vec<ComparisonPlan> {
        let given = &self.design.spec.plan.compare;
        let pairs = self.domains.comparisons.iter().zip(given);
        pairs
            .map(|(&(one, other), compare)| {
                let sizes = (found[one].n_effective, found[other].n_effective);
                let p = self.domains.proportions[other];
                let (alpha, wanted) = self.chances(compare);
                let difference = compare.difference.value();
                let labels = [one, other].map(|d| self.domains.list[d].0.label.as_str());
                let power = power(p, difference, sizes, alpha);
                ComparisonPlan {
                    label: compare.label.clone().unwrap_or_else(|| labels.join(" – ")),
                    n_effective: sizes,
                    proportion: p,
                    difference,
                    alpha,
                    wanted,
                    power,
                    met: power >= wanted * (1.0 - 1e-4),
                    detectable: detectable(p, sizes, alpha, wanted),
                }
            })
            .collect()
    }

    pub(super) fn chances(&self, compare: &Comparison) -> (f64, f64) {
        (compare.alpha.unwrap_or(1.0 - self.confidence()), compare.power.unwrap_or(0.8))
    }
}

fn cost_of(stages: &[StageTotal]) -> f64 {
    stages.iter().map(|stage| stage.cost).sum()
}

/// How a target is measured; the rules of the file see to it that there is exactly one way.
pub(super) fn measure_of(target: &Target) -> (Measure, f64) {
    let Target { half_width, cv, n_effective, n, .. } = target;
    let some = |figure: &Option<Figure>, measure| figure.as_ref().map(|f| (measure, f.value()));
    some(half_width, Measure::HalfWidth)
        .or_else(|| some(cv, Measure::Cv))
        .or_else(|| some(n_effective, Measure::NEffective))
        .or_else(|| some(n, Measure::N))
        .unwrap_or((Measure::N, 1.0))
}

pub(super) fn reached(target: &Target, expected: &Expected, p: f64, z: f64) -> TargetPlan {
    let (measure, wanted) = measure_of(target);
    let se = expected.se(p);
    let (reached, met) = match measure {
        Measure::HalfWidth => (z * se, z * se <= wanted * (1.0 + 1e-4)),
        Measure::Cv => (se / p, se / p <= wanted * (1.0 + 1e-4)),
        Measure::NEffective => {
            (expected.n_effective, expected.n_effective >= wanted * (1.0 - 1e-4))
        }
        Measure::N => (expected.n, expected.n >= wanted * (1.0 - 1e-4)),
    };
    TargetPlan { measure, wanted, reached, met }
}
