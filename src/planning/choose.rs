//! The design that meets the targets: what may vary, what is asked, what came out, what it costs.

use crate::data::Table;
use crate::diagnostic::Diagnostics;
use crate::numeric::distributions::normal_quantile_upper;
use crate::sampling::Loaded;
use crate::sampling::spec::{Figure, Kind, Vary, VaryWhat};
use crate::toml_file::KeyPath;

use super::frame::Reader;
use super::laid::{Laid, measure_of, reached};
use super::optimum::{Chosen, Found, Freedom, Goal, rates_at, rates_at_most, search};
use super::precision::expected;
use super::result::{Measure, Optimum, SizePlan, Unmet};
use super::words::figure;

/// Something that is asked of the design.
pub(super) struct Asked {
    pub(super) label: String,
    pub(super) goal: Goal,
    pub(super) of: Of,
}

/// Where in the plan it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Target(usize),
    Comparison(usize),
}

impl Laid {
    /// What the targets and comparisons ask of the variances, targets first.
    fn goals(&self) -> Vec<Asked> {
        let plan = &self.design.spec.plan;
        let z = self.z();
        let mut goals = Vec::new();
        for (i, (&d, target)) in self.domains.targets.iter().zip(&plan.target).enumerate() {
            let p = self.domains.proportions[d];
            let (measure, wanted) = measure_of(target);
            let unit = p * (1.0 - p);
            let goal = match measure {
                Measure::HalfWidth => variance(d, (wanted / z).powi(2) / unit),
                Measure::Cv => variance(d, (wanted * p).powi(2) / unit),
                Measure::NEffective => variance(d, 1.0 / wanted),
                Measure::N => Goal::Number { of: d, count: wanted },
            };
            let label = target.label.as_ref().unwrap_or(&self.domains.list[d].0.label);
            goals.push(Asked { label: label.clone(), goal, of: Of::Target(i) });
        }
        for (i, compare) in plan.compare.iter().enumerate() {
            let Some(&(one, other)) = self.domains.comparisons.get(i) else { continue };
            let p = self.domains.proportions[other];
            let (alpha, wanted) = self.chances(compare);
            let difference = compare.difference.value();
            let q = (p + difference).clamp(1e-9, 1.0 - 1e-9);
            // s² ≤ (δ / (z_{1−α/2} + z_power))²; the other tail is too small to matter.
            let z = normal_quantile_upper(alpha / 2.0) + normal_quantile_upper(1.0 - wanted);
            let of = vec![(one, q * (1.0 - q)), (other, p * (1.0 - p))];
            let limit = (difference / z).powi(2);
            let labels = [one, other].map(|d| self.domains.list[d].0.label.as_str());
            let label = compare.label.clone().unwrap_or_else(|| labels.join(" – "));
            goals.push(Asked { label, goal: Goal::Variance { of, limit }, of: Of::Comparison(i) });
        }
        goals
    }

    /// What may be changed: what the plan names, else the number of areas of every sample.
    fn freedoms(&self, reader: &mut Reader<'_>) -> Option<Vec<Freedom>> {
        let given = &self.design.spec.plan.vary;
        let areas = self.frame.areas;
        let plain = |sample: usize| Freedom {
            sample,
            block: vec![0; areas],
            blocks: vec![String::new()],
            areas: false,
            keep: false,
            least: 0.0,
            most: f64::INFINITY,
        };
        let mut all: Vec<Freedom> = Vec::new();
        if given.is_empty() {
            let own = (0..self.sampled.len()).filter(|&s| {
                self.sampled[s].areas_of.is_none()
                    && self.design.samples[s].part_of.is_none()
                    && self.design.samples[s].kind != Some(Kind::Panel)
            });
            return Some(own.map(|s| Freedom { areas: true, ..plain(s) }).collect());
        }
        for (i, vary) in given.iter().enumerate() {
            let Vary { sample, what, by, least, most } = vary;
            let path = KeyPath::root().key("plan").key("vary").index(i);
            let Some(s) = self.design.sample(sample) else { continue };
            let at = match all.iter().position(|f| f.sample == s) {
                Some(at) => at,
                None => {
                    all.push(plain(s));
                    all.len() - 1
                }
            };
            match what {
                VaryWhat::Psus if self.sampled[s].areas_of.is_some() => {
                    let message = format!("`{sample}` has its areas from another sample");
                    reader.error(
                        &path.key("what"),
                        message,
                        "vary the number of areas of that one",
                    );
                    return None;
                }
                VaryWhat::Psus => {
                    if let Some(by) = by {
                        let columns: Vec<String> =
                            by.list().into_iter().map(str::to_string).collect();
                        let (codes, labels) = reader.crossing(&path.key("by"), &columns)?;
                        if labels.len() > 400 {
                            let count = figure(labels.len() as f64);
                            let message = format!("`by` has {count} values");
                            let help = "name columns of at most 400 values, such as a region";
                            reader.error(&path.key("by"), message, help);
                            return None;
                        }
                        all[at].block = codes;
                        all[at].blocks = labels;
                    }
                    all[at].areas = true;
                    all[at].least = least.unwrap_or(0.0);
                    all[at].most = most.unwrap_or(f64::INFINITY);
                }
                VaryWhat::Keep => all[at].keep = true,
            }
        }
        Some(all)
    }

    /// The design that meets the targets; where some cannot be met, the one that meets the others.
    pub(super) fn optimum(&self, loaded: &Loaded, table: &Table) -> Result<Optimum, Diagnostics> {
        let mut reader = Reader::new(table, loaded);
        let Some(freedoms) = self.freedoms(&mut reader) else {
            return Err(Diagnostics(reader.found));
        };
        let plan = &self.design.spec.plan;
        let fixed = plan.fixed_cost.as_ref().map_or(0.0, Figure::value);
        let budget = plan.budget.as_ref().map(Figure::value);
        let setting = self.setting();
        let (mut asked, mut never) = (self.goals(), Vec::new());
        let (mut chosen, prices, factor) = loop {
            let goals: Vec<Goal> = asked.iter().map(|a| a.goal.clone()).collect();
            let domains = &self.domains.list;
            let left = budget.map(|b| b - fixed);
            match search(&setting, &self.rates, &freedoms, domains, &goals, left) {
                Found::Optimal { chosen, prices, theta } => break (chosen, prices, theta),
                Found::Infeasible(missed) => {
                    // From the last to the first, so that the places before stay as they are.
                    let mut out: Vec<Asked> =
                        missed.iter().rev().map(|i| asked.remove(*i)).collect();
                    out.reverse();
                    never.extend(out);
                    if asked.is_empty() || missed.is_empty() {
                        let (targets, varies) = self.unmet(never, &freedoms);
                        return Ok(Optimum::Infeasible { targets, varies });
                    }
                }
                Found::NoPrice(s) => {
                    return Ok(Optimum::NoPrice { sample: self.design.samples[s].label.clone() });
                }
                Found::TooPoor => return Ok(Optimum::TooPoor { budget: budget.unwrap_or(0.0) }),
                Found::NotConverged => return Ok(Optimum::NotConverged),
            }
        };
        let samples_at = |chosen: &[Chosen]| {
            let rates = rates_at(&setting, &self.rates, &freedoms, chosen);
            let spread = |s: usize| {
                let own = chosen.iter().find(|c| c.sample == s && c.spread);
                own.map_or(1.0, |c| c.value)
            };
            (self.samples(&rates, &spread), rates)
        };
        let (samples, rates) = samples_at(&chosen);
        let least_cost = self.cost(&samples);
        let found = expected(&setting, &rates, &self.domains.list);
        let prices = self.prices(&asked, &prices, &found);
        self.round(&mut chosen, &freedoms, budget.is_some());
        let (samples, rates) = samples_at(&chosen);
        let found = expected(&setting, &rates, &self.domains.list);
        Ok(Optimum::Optimal {
            factor,
            budget,
            cost: self.cost(&samples),
            least_cost,
            unmet: self.unmet(never, &freedoms).0,
            sizes: self.sizes(&chosen, &freedoms),
            samples,
            domains: self.domain_plans(&found),
            comparisons: self.comparisons(&found),
            prices,
        })
    }

    /// Targets that no choice meets, with what they reach at most, and whether anything may vary.
    fn unmet(&self, never: Vec<Asked>, freedoms: &[Freedom]) -> (Vec<Unmet>, bool) {
        let setting = self.setting();
        let most = rates_at_most(&setting, &self.rates, freedoms);
        if never.is_empty() {
            return (Vec::new(), most.is_some());
        }
        let rates = most.as_ref().unwrap_or(&self.rates);
        let found = expected(&setting, rates, &self.domains.list);
        let comparisons = self.comparisons(&found);
        let all = never.into_iter().map(|Asked { label, of, .. }| match of {
            Of::Target(i) => {
                let d = self.domains.targets[i];
                let target = &self.design.spec.plan.target[i];
                let reached = reached(target, &found[d], self.domains.proportions[d], self.z());
                Unmet { label, target: Some(reached), comparison: None }
            }
            Of::Comparison(i) => {
                Unmet { label, target: None, comparison: comparisons.get(i).cloned() }
            }
        });
        (all.collect(), most.is_some())
    }

    /// The first-stage units of a chosen size as the design has them.
    fn units(&self, chosen: &Chosen, freedom: &Freedom) -> f64 {
        let s = chosen.sample;
        let areas = 0..self.frame.areas;
        if chosen.spread {
            let stage = self.sampled[s].stages.first();
            return stage.map_or(0.0, |stage| stage.drawn.iter().sum());
        }
        let first = &self.rates.first[s];
        areas
            .filter(|&a| freedom.block[a] == chosen.block && first[a] < 1.0)
            .map(|a| first[a])
            .sum()
    }

    /// Ten units or more become a whole number: upwards, so that the targets stay met, or downwards to stay within
    /// a budget. Shares kept stay what they are.
    fn round(&self, chosen: &mut [Chosen], freedoms: &[Freedom], downwards: bool) {
        for i in 0..chosen.len() {
            let own = chosen[i].clone();
            let Some(freedom) = freedoms.iter().find(|f| f.sample == own.sample) else { continue };
            let units = self.units(&own, freedom) * own.value;
            if own.kind.is_some() || units < 10.0 {
                continue;
            }
            // A whole number to rounding is that number.
            let whole = if downwards {
                (units * (1.0 + 1e-6)).floor()
            } else {
                (units * (1.0 - 1e-6)).ceil()
            };
            let factor = whole / units;
            let root = |c: &Chosen| self.setting().root(c.sample);
            for c in chosen.iter_mut().filter(|c| root(c) == own.sample && c.block == own.block) {
                c.value *= factor;
            }
        }
    }

    fn sizes(&self, chosen: &[Chosen], freedoms: &[Freedom]) -> Vec<SizePlan> {
        let setting = self.setting();
        // A sample with the areas of another has the blocks of that one.
        let areas_of = |c: &Chosen| {
            let root = setting.root(c.sample);
            let mut own = chosen.iter().filter(|o| o.kind.is_none() && o.sample == root);
            own.find(|o| o.block == c.block).map_or(1.0, |o| o.value)
        };
        chosen
            .iter()
            .filter_map(|c| {
                let root = setting.root(c.sample);
                let freedom = freedoms
                    .iter()
                    .find(|f| f.sample == root)
                    .or_else(|| freedoms.iter().find(|f| f.sample == c.sample))?;
                let fixed = if freedom.areas { "certainty areas" } else { "" };
                let block = freedom.blocks.get(c.block).map_or(fixed, String::as_str);
                let sample = &self.design.samples[c.sample];
                let unit = sample.stages.first().map_or("", |stage| stage.unit.as_str());
                let (part, what, before, after) = match c.kind {
                    // Nobody is kept where no area is drawn.
                    Some(_) if areas_of(c) < 1e-6 => return None,
                    Some(kind) => {
                        let keep = self.treatments[c.sample][kind].keep;
                        let label = self.kind_label(kind);
                        let part =
                            if block.is_empty() { label } else { format!("{label}, {block}") };
                        (part, "share kept".to_string(), keep, keep * c.value / areas_of(c))
                    }
                    None => {
                        let before = self.units(c, freedom);
                        (block.to_string(), unit.to_string(), before, before * c.value)
                    }
                };
                Some(SizePlan { sample: sample.label.clone(), part, what, before, after })
            })
            .collect()
    }

    fn kind_label(&self, kind: usize) -> String {
        let levels = self.kinds.levels[kind].iter();
        let words: Vec<&str> =
            levels.filter_map(|(_, g)| g.map(|g| self.design.groups[g].label.as_str())).collect();
        if words.is_empty() { "others".to_string() } else { words.join(" × ") }
    }
}

fn variance(domain: usize, limit: f64) -> Goal {
    Goal::Variance { of: vec![(domain, 1.0)], limit }
}
