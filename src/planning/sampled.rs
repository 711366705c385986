//! What a sample does to the areas and people of a frame: probabilities, expected numbers, costs.

use crate::sampling::{Design, Quantity, Sample, Stage, Take};
use crate::toml_file::KeyPath;

use super::allocate::{StratumSize, allocate};
use super::first_stage::{FirstStage, first_stage, rule_of};
use super::frame::{AreaFrame, Reader};
use super::people::Kinds;
use super::words::figure;

/// A sample over an area frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampled {
    /// The probability that an area is drawn, π₁; 1 where areas are not drawn.
    pub first: Vec<f64>,
    /// True when areas are no stage of this sample: its first units are spread over all of them.
    pub unclustered: bool,
    /// The sample whose areas these are, when they are those of another one.
    pub areas_of: Option<usize>,
    /// Explicit stratum of the first stage, by area (an index of `strata`).
    pub stratum: Vec<usize>,
    /// The explicit strata of the first stage.
    pub strata: Vec<String>,
    /// Within a drawn area, the probability of a household to be drawn (before screening).
    pub within: Vec<f64>,
    /// The share that takes part, as far as it depends on the area.
    pub area_response: Vec<f64>,
    /// The expected numbers of units at every stage in a drawn area, before screening.
    pub stages: Vec<StageYield>,
    /// Where in `stages` people are drawn.
    pub person_stage: Option<usize>,
}

/// Expected units of one stage within a drawn area.
#[derive(Debug, Clone, PartialEq)]
pub struct StageYield {
    /// Units drawn in a drawn area, as long as it does not depend on who lives there. For stages
    /// after screening this is per household that is kept and takes part.
    pub drawn: Vec<f64>,
    /// Those of them that are in scope.
    pub in_scope: Vec<f64>,
    /// True for stages after the one at which households are kept or lost by group.
    pub after_screening: bool,
}

/// Names of units that are people.
const PEOPLE: [&str; 14] = [
    "person",
    "people",
    "adult",
    "individual",
    "employee",
    "member",
    "respondent",
    "voter",
    "student",
    "pupil",
    "patient",
    "child",
    "staff",
    "worker",
];

/// True when a unit is a person rather than an area, a dwelling or a household.
pub(super) fn is_person(unit: &str) -> bool {
    let unit = unit.to_lowercase();
    PEOPLE.iter().any(|word| {
        unit.split([' ', '-', '_']).any(|w| w.trim_end_matches('s') == *word || w == *word)
    })
}

/// A sample of the design over the frame; `None` with mistakes in the reader.
pub(super) fn sampled(
    reader: &mut Reader<'_>,
    design: &Design,
    frame: &AreaFrame,
    kinds: &Kinds,
    index: usize,
    before: &[Sampled],
) -> Option<Sampled> {
    let sample = &design.samples[index];
    let path = KeyPath::root().key("sample").index(index);
    let areas = frame.areas;
    let part = match &sample.part {
        Some(condition) => reader.condition(&path.key("where"), condition)?,
        None => vec![true; areas],
    };
    if sample.part.is_some() && !part.contains(&true) {
        let message = format!(
            "no area of the frame is in the part that sample `{}` is drawn from",
            sample.name
        );
        reader.error(&path.key("where"), message, "correct the condition, or leave the sample out");
        return None;
    }
    let stages = path.key("stage");
    let unclustered =
        sample.stages.first().is_some_and(|s| s.count.is_some() || is_person(&s.unit));
    let mut first = FirstStage::all(&part);
    let mut areas_of = None;
    if !unclustered {
        if let Some(other) = sample.psus_of {
            areas_of = before.get(other).map(|b| b.areas_of.unwrap_or(other));
            first.probability = before.get(other)?.first.clone();
            first.keep_where(&part);
        }
        let drawn = sample.stages.first().filter(|s| areas_of.is_none() || s.take.is_some());
        if let Some(stage) = drawn {
            let own = first_stage(reader, design, index, stage, &stages.index(0), &part)?;
            if areas_of.is_some() {
                for a in 0..areas {
                    first.probability[a] *= own.probability[a];
                }
            } else {
                first = own;
            }
        }
    }
    let mut within = vec![1.0; areas];
    let mut area_response = vec![1.0; areas];
    let mut yields = Vec::new();
    let mut after = false;
    let mut person_stage = None;
    // Units of the stage before in a drawn area; at first the area itself.
    let mut parents: Vec<f64> = vec![1.0; areas];
    let mut parent_is_area = true;
    for (k, stage) in sample.stages.iter().enumerate() {
        let path = stages.index(k);
        if k == 0 && !unclustered {
            yields.push(StageYield {
                drawn: vec![1.0; areas],
                in_scope: vec![stage.in_scope; areas],
                after_screening: false,
            });
            continue;
        }
        let person = is_person(&stage.unit);
        let mut per_parent =
            per_parent(reader, frame, sample, stage, &path, parent_is_area, person)?;
        if parent_is_area {
            // What is drawn is drawn from the units on the list.
            let count = match &stage.count {
                Some(Quantity::Formula(formula)) => Some(formula),
                _ => None,
            };
            if let Some(shares) = kinds.listed_share(design, frame, sample, count) {
                per_parent.iter_mut().zip(shares).for_each(|(units, share)| *units *= share);
            }
        }
        let in_household = person && !parent_is_area;
        let rates = if in_household {
            // Conditions of strata are about people here, so the first stratum stands for all.
            let take = stage.take.as_ref().or(stage.cells.first().map(|c| &c.take));
            let all = vec![true; areas];
            match take {
                Some(take) => rate(reader, &sample.name, take, &path, &per_parent, &all)?,
                None => vec![1.0; areas],
            }
        } else if k == 0 {
            spread(reader, design, index, stage, &path, &per_parent, &part)?
        } else {
            rates(reader, &sample.name, stage, &path, &per_parent, &part)?
        };
        let drawn: Vec<f64> = (0..areas).map(|a| parents[a] * per_parent[a] * rates[a]).collect();
        let in_scope: Vec<f64> = drawn.iter().map(|d| d * stage.in_scope).collect();
        if person {
            person_stage = Some(k);
        }
        // How many of a household are interviewed depends on the group, and is reckoned there.
        if !in_household {
            for a in 0..areas {
                within[a] *= rates[a];
            }
        }
        let cells = if in_household { Vec::new() } else { cells_of(reader, stage, &path, &part)? };
        for (cell, own) in stage.cells.iter().zip(cells) {
            if let Some(response) = cell.response {
                for a in (0..areas).filter(|&a| own[a]) {
                    area_response[a] *= response / stage.response.all.max(f64::MIN_POSITIVE);
                }
            }
        }
        yields.push(StageYield { drawn, in_scope: in_scope.clone(), after_screening: after });
        if stage.screening.is_some() || !stage_is_flat(stage) {
            // From here on numbers are per household that is kept and takes part.
            after = true;
            parents = vec![1.0; areas];
        } else {
            parents = in_scope.iter().map(|n| n * stage.response.all).collect();
        }
        parent_is_area = false;
    }
    Some(Sampled {
        first: first.probability,
        unclustered,
        areas_of,
        stratum: first.stratum,
        strata: first.strata,
        within,
        area_response,
        stages: yields,
        person_stage,
    })
}

/// True when everybody takes part at the same rate.
fn stage_is_flat(stage: &Stage) -> bool {
    stage.response.by_group.iter().all(|r| *r == stage.response.all)
}

/// The units of a stage in one unit of the stage before.
fn per_parent(
    reader: &mut Reader<'_>,
    frame: &AreaFrame,
    sample: &Sample,
    stage: &Stage,
    path: &KeyPath,
    parent_is_area: bool,
    person: bool,
) -> Option<Vec<f64>> {
    match &stage.count {
        Some(Quantity::Number(number)) => Some(vec![*number; frame.areas]),
        Some(Quantity::Formula(formula)) => {
            if !parent_is_area {
                let message = format!(
                    "`count` of {} in `{}` is a formula over areas, but these units are not drawn from areas",
                    stage.unit, sample.name
                );
                reader.error(&path.key("count"), message, "give the average number as a number");
                return None;
            }
            reader.numbers(&path.key("count"), formula)
        }
        None if parent_is_area && person => Some(frame.people.clone()),
        None if parent_is_area => {
            let scope = stage.in_scope.max(f64::MIN_POSITIVE);
            Some(frame.households.iter().map(|h| h / scope).collect())
        }
        None if person => Some(
            frame
                .people
                .iter()
                .zip(&frame.households)
                .map(|(n, h)| if *h > 0.0 { n / h } else { 0.0 })
                .collect(),
        ),
        None => Some(vec![1.0; frame.areas]),
    }
}

/// Which areas each cell has; an area has one cell at most.
pub(super) fn cells_of(
    reader: &mut Reader<'_>,
    stage: &Stage,
    path: &KeyPath,
    part: &[bool],
) -> Option<Vec<Vec<bool>>> {
    let mut free: Vec<bool> = part.to_vec();
    let mut all = Vec::new();
    for (i, cell) in stage.cells.iter().enumerate() {
        let own = match &cell.part {
            Some(condition) => {
                reader.condition(&path.key("stratum").index(i).key("where"), condition)?
            }
            None => vec![true; part.len()],
        };
        let own: Vec<bool> = own.iter().zip(&free).map(|(own, free)| *own && *free).collect();
        for (free, own) in free.iter_mut().zip(&own) {
            *free &= !own;
        }
        all.push(own);
    }
    Some(all)
}

/// The fraction drawn of units that are spread over all areas: a number is shared out among the
/// explicit strata, and within one all units have the same probability.
fn spread(
    reader: &mut Reader<'_>,
    design: &Design,
    index: usize,
    stage: &Stage,
    path: &KeyPath,
    units: &[f64],
    part: &[bool],
) -> Option<Vec<f64>> {
    let areas = units.len();
    let mut open = part.to_vec();
    if let Some(condition) = &stage.part {
        let own = reader.condition(&path.key("where"), condition)?;
        open.iter_mut().zip(own).for_each(|(open, own)| *open &= own);
    }
    let (strata, count) = if stage.strata.is_empty() {
        (vec![0; areas], 1)
    } else {
        let (codes, labels) = reader.crossing(&path.key("strata"), &stage.strata)?;
        (codes, labels.len())
    };
    let cells = cells_of(reader, stage, path, &open)?;
    let mut free = open;
    let list = path.key("stratum");
    let mut given: Vec<(&Take, KeyPath, &str, Vec<bool>)> = Vec::new();
    for (i, (cell, own)) in stage.cells.iter().zip(cells).enumerate() {
        free.iter_mut().zip(&own).for_each(|(free, own)| *free &= !own);
        given.push((&cell.take, list.index(i), &cell.name, own));
    }
    if let Some(take) = &stage.take {
        given.push((take, path.clone(), "", free));
    }
    let mut rates = vec![0.0; areas];
    for (take, path, name, own) in given {
        if let Take::Number(Quantity::Number(total)) = take {
            let mut sizes = vec![0.0; count];
            for a in (0..areas).filter(|&a| own[a]) {
                sizes[strata[a]] += units[a];
            }
            let all: f64 = sizes.iter().sum();
            if *total > all * (1.0 + 1e-9) {
                let what = if name.is_empty() {
                    format!("the sample `{}`", design.samples[index].name)
                } else {
                    format!("the stratum `{name}` of `{}`", design.samples[index].name)
                };
                let message = format!(
                    "{what} has {} units ({}), {} cannot be drawn",
                    figure(all.round()),
                    stage.unit,
                    figure(*total)
                );
                let list = design.samples[index].frame.and_then(|f| design.frames.get(f));
                let help = if list.is_some_and(|list| list.covers.iter().any(|c| *c < 1.0)) {
                    "draw fewer, or write `all = true`; are the shares in `covers` of its list right?"
                } else {
                    "draw fewer, or write `all = true`; does `where` leave enough?"
                };
                reader.error(&path.key("take"), message, help);
                return None;
            }
            let strata_sizes: Vec<StratumSize> = sizes
                .iter()
                .map(|&size| StratumSize { size, sd: 1.0, cost: 1.0, most: size })
                .collect();
            let n = allocate(rule_of(stage.allocation), &strata_sizes, *total);
            for a in (0..areas).filter(|&a| own[a] && units[a] > 0.0) {
                rates[a] = n[strata[a]] / sizes[strata[a]];
            }
        } else {
            let values = rate(reader, &design.samples[index].name, take, &path, units, &own)?;
            (0..areas).filter(|&a| own[a]).for_each(|a| rates[a] = values[a]);
        }
    }
    Some(rates)
}

/// The fraction drawn of the units in every unit of the stage before, by area.
fn rates(
    reader: &mut Reader<'_>,
    sample: &str,
    stage: &Stage,
    path: &KeyPath,
    units: &[f64],
    part: &[bool],
) -> Option<Vec<f64>> {
    let areas = units.len();
    let own = cells_of(reader, stage, path, part)?;
    let mut rates = vec![0.0; areas];
    let mut free = vec![true; areas];
    let list = path.key("stratum");
    for (i, (cell, own)) in stage.cells.iter().zip(&own).enumerate() {
        let values = rate(reader, sample, &cell.take, &list.index(i), units, own)?;
        for a in (0..areas).filter(|&a| own[a]) {
            rates[a] = values[a];
            free[a] = false;
        }
    }
    if let Some(take) = &stage.take {
        let values = rate(reader, sample, take, path, units, &free)?;
        for a in (0..areas).filter(|&a| free[a]) {
            rates[a] = values[a];
        }
    }
    Some(rates)
}

fn rate(
    reader: &mut Reader<'_>,
    sample: &str,
    take: &Take,
    path: &KeyPath,
    units: &[f64],
    of: &[bool],
) -> Option<Vec<f64>> {
    let mut values = |quantity: &Quantity, key: &str| match quantity {
        Quantity::Number(number) => Some(vec![*number; units.len()]),
        Quantity::Formula(formula) => reader.numbers(&path.key(key), formula),
    };
    match take {
        Take::All => Some(vec![1.0; units.len()]),
        Take::Number(quantity) => {
            let take = values(quantity, "take")?;
            Some(share_of(&take, units))
        }
        Take::Most(quantity) => {
            let most = values(quantity, "most")?;
            Some(share_of(&most, units))
        }
        Take::Rate(quantity) => {
            let rates = values(quantity, "rate")?;
            let beyond = (0..rates.len()).find(|&a| of[a] && rates[a] > 1.0 + 1e-12);
            if let Some(area) = beyond {
                let message = format!(
                    "the rate of sample `{}` is {} in {}, more than 1",
                    sample,
                    rates[area],
                    reader.area(area)
                );
                reader.error(&path.key("rate"), message, "wrap the formula in min(1, …)");
                return None;
            }
            Some(rates)
        }
    }
}

fn share_of(take: &[f64], units: &[f64]) -> Vec<f64> {
    take.iter().zip(units).map(|(t, u)| if *u > *t { t / u } else { 1.0 }).collect()
}
