//! The design that meets the targets: what may vary, what is asked, what came out, what it costs.

use crate::data::Table;
use crate::diagnostic::Diagnostics;
use crate::numeric::distributions::normal_quantile_upper;
use crate::sampling::Loaded;
use crate::sampling::spec::{Figure, Kind, Vary, VaryWhat};
use crate::toml_file::KeyPath;

use super::frame::Reader;
use super::laid::{Laid, measure_of};
use super::optimum::{Chosen, Found, Freedom, Goal, rates_at, search};
use super::precision::expected;
use super::result::{Measure, Optimum, Price, SamplePlan, SizePlan};
use super::run::money;

impl Laid {
    /// What the targets and comparisons ask of the variances.
    fn goals(&self) -> Vec<(String, Goal)> {
        let plan = &self.design.spec.plan;
        let z = self.z();
        let mut goals = Vec::new();
        for (&d, target) in self.domains.targets.iter().zip(&plan.target) {
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
            goals.push((label.clone(), goal));
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
            goals.push((label, Goal::Variance { of, limit }));
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
                            let message = format!("`by` has {} values", labels.len());
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

    /// The design that meets the targets.
    pub(super) fn optimum(&self, loaded: &Loaded, table: &Table) -> Result<Optimum, Diagnostics> {
        let mut reader = Reader::new(table, loaded);
        let Some(freedoms) = self.freedoms(&mut reader) else {
            return Err(Diagnostics(reader.found));
        };
        let plan = &self.design.spec.plan;
        let fixed = plan.fixed_cost.as_ref().map_or(0.0, Figure::value);
        let budget = plan.budget.as_ref().map(Figure::value);
        let (labels, goals): (Vec<String>, Vec<Goal>) = self.goals().into_iter().unzip();
        let setting = self.setting();
        let search = |budget: Option<f64>| {
            search(&setting, &self.rates, &freedoms, &self.domains.list, &goals, budget)
        };
        let (chosen, prices, factor) = match search(budget.map(|b| b - fixed)) {
            Found::Optimal { chosen, prices, theta } => (chosen, prices, theta),
            Found::Infeasible(missed) => {
                let targets = missed.into_iter().filter_map(|i| labels.get(i).cloned()).collect();
                return Ok(Optimum::Infeasible { targets });
            }
            Found::NoPrice(s) => {
                return Ok(Optimum::NoPrice { sample: self.design.samples[s].label.clone() });
            }
            Found::TooPoor => return Ok(Optimum::TooPoor { budget: budget.unwrap_or(0.0) }),
            Found::NotConverged => return Ok(Optimum::NotConverged),
        };
        let rates = rates_at(&setting, &self.rates, &freedoms, &chosen);
        let spread = |s: usize| {
            let own = chosen.iter().find(|c| c.sample == s && c.spread);
            own.map_or(1.0, |c| c.value)
        };
        let samples = self.samples(&rates, &spread);
        let found = expected(&setting, &rates, &self.domains.list);
        Ok(Optimum::Optimal {
            factor,
            budget,
            cost: self.cost(&samples),
            sizes: self.sizes(&chosen, &freedoms, &samples),
            samples,
            domains: self.domain_plans(&found),
            comparisons: self.comparisons(&found),
            prices: self.prices(&labels, &goals, &prices),
        })
    }

    fn sizes(
        &self,
        chosen: &[Chosen],
        freedoms: &[Freedom],
        after: &[SamplePlan],
    ) -> Vec<SizePlan> {
        let areas_of = |c: &Chosen| {
            let own = chosen.iter();
            let mut own = own.filter(|o| o.kind.is_none() && o.sample == c.sample);
            own.find(|o| o.block == c.block).map_or(1.0, |o| o.value)
        };
        chosen
            .iter()
            .filter_map(|c| {
                let freedom = freedoms.iter().find(|f| f.sample == c.sample)?;
                let fixed = if freedom.areas { "certainty areas" } else { "" };
                let block = freedom.blocks.get(c.block).map_or(fixed, String::as_str);
                let sample = &self.design.samples[c.sample];
                let unit = sample.stages.first().map_or("", |stage| stage.unit.as_str());
                let plan = after.get(c.sample)?;
                let (part, what, before, after) = match c.kind {
                    Some(kind) => {
                        let keep = self.treatments[c.sample][kind].keep;
                        let label = self.kind_label(kind);
                        let part =
                            if block.is_empty() { label } else { format!("{label}, {block}") };
                        (part, "share kept".to_string(), keep, keep * c.value / areas_of(c))
                    }
                    None if c.spread => {
                        let drawn = plan.stages.first().map_or(0.0, |s| s.drawn);
                        (block.to_string(), unit.to_string(), drawn / c.value, drawn)
                    }
                    None => {
                        let before: f64 = (0..self.frame.areas)
                            .filter(|&a| {
                                freedom.block[a] == c.block && self.rates.first[c.sample][a] < 1.0
                            })
                            .map(|a| self.rates.first[c.sample][a])
                            .sum();
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

    /// What the targets cost at the margin: −∂ cost/∂ limit is the multiplier, and the limit moves
    /// with the square of a half-width or cv.
    fn prices(&self, labels: &[String], goals: &[Goal], prices: &[f64]) -> Vec<Price> {
        let plan = &self.design.spec.plan;
        let money = |amount: f64| money(plan.currency.as_deref(), amount);
        let z = self.z();
        labels
            .iter()
            .zip(goals)
            .zip(prices)
            .enumerate()
            .map(|(i, ((label, goal), price))| {
                // Cost per 1 % of the limit.
                let per_limit = match goal {
                    Goal::Variance { limit, .. } => price * limit * 0.01,
                    Goal::Number { count, .. } => price * count * 0.01,
                };
                let target = plan.target.get(i);
                let (per_percent, words) = match target.map(measure_of) {
                    Some((Measure::HalfWidth, wanted)) => {
                        // One tenth of a point; ∂ limit = 2 h ∂h / (z² p q).
                        let d = self.domains.targets[i];
                        let p = self.domains.proportions[d];
                        let slope = 2.0 * wanted / (z * z * p * (1.0 - p));
                        let tenth = price * slope * 0.001;
                        let words = format!(
                            "0.1 points less of half-width (now {:.1}) for {label} cost about {}",
                            wanted * 100.0,
                            money(tenth)
                        );
                        (2.0 * per_limit, words)
                    }
                    Some((Measure::Cv, wanted)) => {
                        let words = format!(
                            "a coefficient of variation of {label} lower by 1 % of itself ({:.2} %) costs about {}",
                            wanted * 100.0,
                            money(2.0 * per_limit)
                        );
                        (2.0 * per_limit, words)
                    }
                    Some((Measure::NEffective, wanted)) => {
                        let words = format!(
                            "10 more effective interviews (of {wanted:.0}) for {label} cost about {}",
                            money(per_limit * 100.0 * 10.0 / wanted)
                        );
                        (per_limit, words)
                    }
                    Some((Measure::N, wanted)) => {
                        let words = format!(
                            "10 more interviews (of {wanted:.0}) with {label} cost about {}",
                            money(per_limit * 100.0 * 10.0 / wanted)
                        );
                        (per_limit, words)
                    }
                    None => {
                        let words = format!(
                            "a difference smaller by 1 % of itself, for {label}, costs about {}",
                            money(2.0 * per_limit)
                        );
                        (2.0 * per_limit, words)
                    }
                };
                let free = per_percent < 0.5e-2;
                let words = if free {
                    format!("{label}: costs nothing, other targets imply it")
                } else {
                    words
                };
                Price { label: label.clone(), words, per_percent: if free { 0.0 } else { per_percent } }
            })
            .collect()
    }
}

fn variance(domain: usize, limit: f64) -> Goal {
    Goal::Variance { of: vec![(domain, 1.0)], limit }
}
