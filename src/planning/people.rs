//! People of the frame by the groups that decide about selection and response, and domains of them.

use crate::sampling::{Design, Quantity, Take};

use super::frame::AreaFrame;
use super::lists::{Listing, listings};
use super::sampled::{Sampled, is_person};

/// Which level of a class people have: a group, or none of its groups.
pub(super) type Level = (String, Option<usize>);

/// The people of the frame in kinds that are treated alike: the crossing of the classes whose
/// groups are screened for, kept at different rates, respond at different rates or are listed in part, and of being
/// on the lists or not.
#[derive(Debug, Clone)]
pub struct Kinds {
    /// Of every kind, the level of every class that matters.
    pub(super) levels: Vec<Vec<Level>>,
    /// Of every kind, whether its people are on each frame of the design.
    pub(super) listed: Vec<Vec<bool>>,
    /// People by kind and area.
    pub(super) people: Vec<Vec<f64>>,
}

/// The class of a group: its own name where the file does not say.
pub(super) fn class_of(design: &Design, group: usize) -> &str {
    let group = &design.groups[group];
    group.class.as_deref().unwrap_or(&group.name)
}

impl Kinds {
    /// The kinds of a design over a frame. `None` when there are too many.
    pub fn of(design: &Design, frame: &AreaFrame) -> Option<Kinds> {
        let mut matter: Vec<usize> = Vec::new();
        let mut add = |group: usize| {
            if !matter.contains(&group) {
                matter.push(group);
            }
        };
        for stage in design.samples.iter().flat_map(|s| &s.stages) {
            stage.screening.iter().flat_map(|s| &s.groups).for_each(|&g| add(g));
            let own = stage.response.by_group.iter().enumerate();
            own.filter(|(_, r)| **r != stage.response.all).for_each(|(g, _)| add(g));
        }
        for frame in &design.frames {
            let own = frame.covers.iter().enumerate();
            own.filter(|(_, c)| **c != 1.0).for_each(|(g, _)| add(g));
        }
        // All groups of a class that matters, so that the rest of the class is the same everywhere;
        // classes that are counted before those that are shares of them.
        let mut classes: Vec<&str> = Vec::new();
        matter.sort_by_key(|&g| (!design.groups[g].shares.is_empty(), g));
        for &group in &matter {
            let class = class_of(design, group);
            if !classes.contains(&class) {
                classes.push(class);
            }
        }
        let mut levels: Vec<Vec<Level>> = vec![Vec::new()];
        for class in &classes {
            let groups = (0..design.groups.len()).filter(|&g| class_of(design, g) == *class);
            let own: Vec<Option<usize>> = groups.map(Some).chain([None]).collect();
            levels = levels
                .iter()
                .flat_map(|before| {
                    own.iter().map(move |level| {
                        let mut all = before.clone();
                        all.push(((*class).to_string(), *level));
                        all
                    })
                })
                .collect();
            if levels.len() > 2_000 || levels.len() * frame.areas > 200_000_000 {
                return None;
            }
        }
        let mut kinds = Kinds { levels: Vec::new(), listed: Vec::new(), people: Vec::new() };
        for own in levels {
            let everybody = people_of(design, frame, &own);
            for Listing { listed, share } in listings(design, &own) {
                kinds.people.push(everybody.iter().map(|n| n * share).collect());
                kinds.levels.push(own.clone());
                kinds.listed.push(listed);
            }
        }
        Some(kinds)
    }

    /// The people of a domain among those of a kind, by area.
    pub(super) fn domain(
        &self,
        design: &Design,
        frame: &AreaFrame,
        domain: &Domain,
        kind: usize,
    ) -> Vec<f64> {
        let all = &self.people[kind];
        let mut given = self.levels[kind].clone();
        let mut share = vec![1.0; frame.areas];
        for &group in &domain.groups {
            let class = class_of(design, group).to_string();
            match given.iter().find(|(c, _)| *c == class) {
                Some((_, level)) if *level == Some(group) => {}
                Some(_) => share.iter_mut().for_each(|s| *s = 0.0),
                None => {
                    for (a, share) in share.iter_mut().enumerate() {
                        *share *= frame.fraction(design, group, &given, a);
                    }
                    given.push((class, Some(group)));
                }
            }
        }
        let inside = |a: usize| domain.areas.as_ref().is_none_or(|areas| areas[a]);
        (0..frame.areas)
            .map(|a| {
                let share = if domain.complement { 1.0 - share[a] } else { share[a] };
                if inside(a) { all[a] * share } else { 0.0 }
            })
            .collect()
    }
}

/// People of a kind by area.
fn people_of(design: &Design, frame: &AreaFrame, kind: &[Level]) -> Vec<f64> {
    let mut people = frame.people.clone();
    for (i, (class, level)) in kind.iter().enumerate() {
        let given = &kind[..i];
        for (a, people) in people.iter_mut().enumerate() {
            let share = match level {
                Some(group) => frame.fraction(design, *group, given, a),
                None => {
                    let named: f64 = (0..design.groups.len())
                        .filter(|&g| class_of(design, g) == class)
                        .map(|g| frame.fraction(design, g, given, a))
                        .sum();
                    (1.0 - named).max(0.0)
                }
            };
            *people *= share;
        }
    }
    people
}

/// A domain: people of some groups (of different classes) in some areas.
#[derive(Debug, Clone, PartialEq)]
pub struct Domain {
    /// Its name for people.
    pub label: String,
    /// The groups whose crossing it is.
    pub groups: Vec<usize>,
    /// True for everybody who is not in that crossing.
    pub complement: bool,
    /// The areas; all if `None`.
    pub areas: Option<Vec<bool>>,
}

/// What a sample does to people of one kind, beside what depends on the area.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Treatment {
    /// The share kept by design: eligible or not, deselection, selection within the household.
    pub(super) kept: f64,
    /// The share of the eligible households that are kept after screening; 0 if not eligible or not on the list.
    pub(super) keep: f64,
    /// The share that is found out and takes part, of people.
    pub(super) responds: f64,
    /// The same of households, up to the stage of people.
    pub(super) household_responds: f64,
    /// People of the group in a household that has any.
    pub(super) per_household: f64,
    /// Interviews in a household that takes part.
    pub(super) interviews: f64,
    /// How many others of the household are interviewed, beside one who is.
    pub(super) others: f64,
}

/// What a sample does to every kind of people.
pub(super) fn treatments(
    design: &Design,
    frame: &AreaFrame,
    kinds: &Kinds,
    index: usize,
) -> Vec<Treatment> {
    let sample = &design.samples[index];
    let (people, households) =
        (frame.people.iter().sum::<f64>(), frame.households.iter().sum::<f64>());
    let usual = if households > 0.0 { people / households } else { 1.0 };
    kinds
        .levels
        .iter()
        .enumerate()
        .map(|(kind, levels)| {
            let groups: Vec<usize> = levels.iter().filter_map(|(_, level)| *level).collect();
            let per_household = groups
                .iter()
                .find_map(|&g| design.groups[g].per_household)
                .or(design.population.per_household)
                .unwrap_or(usual)
                .max(1e-6);
            let mut keep = if kinds.on_list(sample, kind) { 1.0 } else { 0.0 };
            let mut household = 1.0;
            let mut responds = 1.0;
            let mut within = 1.0;
            let mut interviews = 1.0;
            let mut others = 0.0;
            let mut nested = false;
            for (k, stage) in sample.stages.iter().enumerate() {
                if let Some(screening) = &stage.screening {
                    let found = screening.response * screening.sensitivity;
                    keep *= screening.kept(&groups).unwrap_or(0.0);
                    responds *= found;
                    household *= found;
                }
                // The smallest rate of the groups that have one of their own.
                let own = groups
                    .iter()
                    .map(|&g| stage.response.by_group[g])
                    .filter(|r| *r != stage.response.all)
                    .fold(f64::INFINITY, f64::min);
                let response = if own.is_finite() { own } else { stage.response.all };
                responds *= response;
                if is_person(&stage.unit) && k > 0 && nested {
                    let size = match &stage.count {
                        Some(Quantity::Number(n)) => *n,
                        _ => per_household,
                    };
                    let take = stage.take.as_ref().or(stage.cells.first().map(|c| &c.take));
                    let rate = match take {
                        Some(
                            Take::Number(Quantity::Number(m)) | Take::Most(Quantity::Number(m)),
                        ) => (m / size.max(*m)).min(1.0),
                        Some(Take::Rate(Quantity::Number(r))) => *r,
                        _ => 1.0,
                    };
                    within *= rate;
                    interviews = size * rate * response;
                    others = match take {
                        Some(Take::Rate(_)) => (size - 1.0).max(0.0) * rate * response,
                        _ => (size * rate - 1.0).max(0.0) * response,
                    };
                } else {
                    household *= response;
                }
                // People drawn from areas or lists are not drawn within households.
                nested = !is_person(&stage.unit) && (k > 0 || stage.count.is_some());
            }
            Treatment {
                kept: keep * within,
                keep,
                responds,
                household_responds: household,
                per_household,
                interviews,
                others,
            }
        })
        .collect()
}

/// The probability, given that the area is drawn, that a person of each kind is interviewed in
/// sample `s`, by kind and area.
pub(super) fn conditional(
    design: &Design,
    index: usize,
    sampled: &Sampled,
    treatments: &[Treatment],
) -> Vec<Vec<f64>> {
    if design.samples[index].part_of.is_some() {
        // Its members are those of another sample, and counted there.
        return vec![vec![0.0; sampled.within.len()]; treatments.len()];
    }
    // Focused enumeration reaches the neighbours of every visited address.
    let reach = design.samples[index]
        .stages
        .iter()
        .filter_map(|s| s.screening.as_ref()?.neighbours)
        .fold(1.0, f64::max);
    treatments
        .iter()
        .map(|t| {
            let within = sampled.within.iter().zip(&sampled.area_response);
            within.map(|(w, r)| (w * reach).min(1.0) * r * t.kept * t.responds).collect()
        })
        .collect()
}
