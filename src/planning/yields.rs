//! Expected numbers at every stage of a sample, and what they cost.

use serde::Serialize;

use crate::sampling::Stage;

use super::people::Treatment;
use super::precision::Setting;
use super::sampled::{Sampled, is_person};

/// Expected units of one stage of a sample.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct StageTotal {
    /// What is drawn.
    pub unit: String,
    /// Units drawn.
    pub drawn: f64,
    /// Those that are in scope.
    pub in_scope: f64,
    /// Households whose eligibility is found out; 0 without screening.
    pub screened: f64,
    /// Units that are eligible, recognised and kept; those in scope without screening.
    pub kept: f64,
    /// Units that take part.
    pub responding: f64,
    /// What all this costs.
    pub cost: f64,
}

/// Costs of a drawn area of a sample.
#[derive(Debug, Clone)]
pub(super) struct AreaCosts {
    /// What does not depend on who is kept: the area, addresses, screening. By area.
    pub(super) flat: Vec<f64>,
    /// What depends on it. By kind and area.
    pub(super) by_kind: Vec<Vec<f64>>,
}

/// The stages of a sample in numbers, for area probabilities `first`, and their costs by area.
/// `scale` multiplies the numbers within an area and `keep` the share kept of a kind in an area;
/// both are 1 for the design as written.
pub(super) fn yields(
    setting: &Setting<'_>,
    index: usize,
    first: &[f64],
    keep: &dyn Fn(usize, usize) -> f64,
    scale: &[f64],
) -> (Vec<StageTotal>, AreaCosts) {
    let sample = &setting.design.samples[index];
    let (kinds, sampled) = (setting.kinds, &setting.sampled[index]);
    let treatments = &setting.treatments[index];
    let areas = first.len();
    let mut costs =
        AreaCosts { flat: vec![0.0; areas], by_kind: vec![vec![0.0; areas]; kinds.people.len()] };
    let mut totals = Vec::new();
    // Units of the stage before that take part, by kind and drawn area, once households are told
    // apart by kind.
    let mut units: Option<Vec<Vec<f64>>> = None;
    for (stage, own) in sample.stages.iter().zip(&sampled.stages) {
        let mut total = StageTotal { unit: stage.unit.clone(), ..StageTotal::default() };
        let splits = stage.screening.is_some()
            || stage.response.by_group.iter().any(|r| *r != stage.response.all);
        let person = is_person(&stage.unit);
        if units.is_none() && !splits {
            for a in 0..areas {
                let drawn = own.drawn[a] * scale[a];
                let in_scope = own.in_scope[a] * scale[a];
                let responding = in_scope * stage.response.all * response_here(sampled, a, stage);
                let cost = drawn * stage.cost + responding * stage.cost_responding;
                costs.flat[a] += cost;
                total.drawn += first[a] * drawn;
                total.in_scope += first[a] * in_scope;
                total.responding += first[a] * responding;
                total.cost += first[a] * cost;
            }
            total.kept = total.in_scope;
            totals.push(total);
            continue;
        }
        let mut next = vec![vec![0.0; areas]; kinds.people.len()];
        match &units {
            None => {
                let screening = stage.screening.as_ref();
                let found = screening.map_or(1.0, |s| s.response);
                let recognised = screening.map_or(1.0, |s| s.sensitivity);
                let reach = screening.and_then(|s| s.neighbours).unwrap_or(1.0);
                for a in 0..areas {
                    let drawn = own.drawn[a] * scale[a];
                    let in_scope = own.in_scope[a] * scale[a];
                    let mut cost = drawn * stage.cost;
                    if let Some(screening) = screening {
                        cost += in_scope * screening.cost;
                        total.screened += first[a] * in_scope * found * reach;
                    }
                    costs.flat[a] += cost;
                    total.drawn += first[a] * drawn;
                    total.in_scope += first[a] * in_scope * reach;
                    total.cost += first[a] * cost;
                    let within = (sampled.within[a] * scale[a] * reach).min(1.0);
                    for (k, treatment) in treatments.iter().enumerate() {
                        let people = kinds.people[k][a];
                        let all = if person { people } else { people / treatment.per_household };
                        let share = treatment.keep * keep(k, a);
                        let kept = within * all * found * recognised * share;
                        let response = treatment.household_share(found * recognised, person);
                        let responding = kept * response * sampled.area_response[a];
                        let cost = responding * stage.cost_responding;
                        costs.by_kind[k][a] += cost;
                        total.kept += first[a] * kept;
                        total.responding += first[a] * responding;
                        total.cost += first[a] * cost;
                        next[k][a] = responding;
                    }
                }
            }
            Some(before) => {
                for (k, treatment) in treatments.iter().enumerate() {
                    let own_response =
                        treatment.responds / treatment.household_responds.max(f64::MIN_POSITIVE);
                    let per = if person {
                        treatment.interviews / own_response.max(f64::MIN_POSITIVE)
                    } else {
                        1.0
                    };
                    let response = if person { own_response } else { stage.response.all };
                    for a in 0..areas {
                        let drawn = before[k][a] * per;
                        let responding = drawn * response;
                        let cost = drawn * stage.cost + responding * stage.cost_responding;
                        costs.by_kind[k][a] += cost;
                        total.drawn += first[a] * drawn;
                        total.responding += first[a] * responding;
                        total.cost += first[a] * cost;
                        next[k][a] = responding;
                    }
                }
                total.in_scope = total.drawn;
                total.kept = total.drawn;
            }
        }
        units = Some(next);
        totals.push(total);
    }
    (totals, costs)
}

impl Treatment {
    /// The share of kept units that take part at the stage of screening.
    fn household_share(&self, found: f64, person: bool) -> f64 {
        let all = if person { self.responds } else { self.household_responds };
        all / found.max(f64::MIN_POSITIVE)
    }
}

/// The factor by which a stratum's own response differs, at the stage that has it.
fn response_here(sampled: &Sampled, area: usize, stage: &Stage) -> f64 {
    if stage.cells.iter().any(|c| c.response.is_some()) { sampled.area_response[area] } else { 1.0 }
}
