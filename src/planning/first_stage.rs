//! The probability that an area is drawn.

use crate::sampling::spec::{Allocation, Method};
use crate::sampling::{Cell, Design, Quantity, Stage, Take};
use crate::toml_file::KeyPath;

use super::allocate::{Rule, StratumSize, allocate};
use super::frame::Reader;
use super::sampled::cells_of;
use super::words::{figure, several};

/// Areas drawn at the first stage.
pub(super) struct FirstStage {
    pub(super) probability: Vec<f64>,
    pub(super) stratum: Vec<usize>,
    pub(super) strata: Vec<String>,
}

impl FirstStage {
    /// All areas of the part.
    pub(super) fn all(part: &[bool]) -> FirstStage {
        FirstStage {
            probability: part.iter().map(|p| f64::from(u8::from(*p))).collect(),
            stratum: vec![0; part.len()],
            strata: vec!["all".to_string()],
        }
    }

    pub(super) fn keep_where(&mut self, part: &[bool]) {
        for (probability, part) in self.probability.iter_mut().zip(part) {
            if !part {
                *probability = 0.0;
            }
        }
    }
}

/// The probabilities of all areas at the first stage of a sample.
pub(super) fn first_stage(
    reader: &mut Reader<'_>,
    design: &Design,
    index: usize,
    stage: &Stage,
    path: &KeyPath,
    part: &[bool],
) -> Option<FirstStage> {
    let areas = part.len();
    let mut open = part.to_vec();
    if let Some(condition) = &stage.part {
        let own = reader.condition(&path.key("where"), condition)?;
        open.iter_mut().zip(own).for_each(|(open, own)| *open &= own);
    }
    let (strata, labels) = if stage.strata.is_empty() {
        (vec![0; areas], vec![String::new()])
    } else {
        reader.crossing(&path.key("strata"), &stage.strata)?
    };
    let cells = cells_of(reader, stage, path, &open)?;
    let mut probability = vec![0.0; areas];
    let mut stratum = vec![0; areas];
    let mut names: Vec<String> = Vec::new();
    let spread = match &stage.spread {
        Some(formula) if stage.allocation == Allocation::Neyman => {
            Some(reader.numbers(&path.key("spread"), formula)?)
        }
        _ => None,
    };
    let mut free = open.clone();
    let list = path.key("stratum");
    let rest = stage.take.as_ref().map(|take| Part {
        take: take.clone(),
        size: stage.size.clone(),
        method: stage.method,
        path: path.clone(),
        name: String::new(),
        spread: spread.clone(),
    });
    let named = stage.cells.iter().enumerate();
    let named = named.map(|(i, cell)| Part::of(cell, list.index(i), spread.clone()));
    let owners: Vec<(Part, Vec<bool>)> = named.zip(cells).collect();
    let mut all = owners;
    for (_, own) in &all {
        free.iter_mut().zip(own).for_each(|(free, own)| *free &= !own);
    }
    if let Some(rest) = rest {
        all.push((rest, free));
    }
    for (given, own) in all {
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); labels.len()];
        for a in (0..areas).filter(|&a| own[a]) {
            members[strata[a]].push(a);
        }
        let drawn = given.probabilities(reader, design, index, stage.allocation, &members)?;
        for (h, members) in members.iter().enumerate().filter(|(_, m)| !m.is_empty()) {
            let label = match (given.name.is_empty(), labels[h].is_empty()) {
                (true, true) => "all".to_string(),
                (false, true) => given.name.clone(),
                (true, false) => labels[h].clone(),
                (false, false) => format!("{}, {}", given.name, labels[h]),
            };
            for &a in members {
                probability[a] = drawn[a];
                stratum[a] = names.len();
            }
            names.push(label);
        }
    }
    Some(FirstStage { probability, stratum, strata: names })
}

/// Areas that share an amount and a method.
struct Part {
    take: Take,
    size: Option<crate::data::expr::Expression>,
    method: Method,
    path: KeyPath,
    name: String,
    /// For Neyman's allocation, by area.
    spread: Option<Vec<f64>>,
}

impl Part {
    fn of(cell: &Cell, path: KeyPath, spread: Option<Vec<f64>>) -> Part {
        Part {
            take: cell.take.clone(),
            size: cell.size.clone(),
            method: cell.method,
            path,
            name: cell.name.clone(),
            spread,
        }
    }

    /// The probability of every area; those that are no members have 0.
    fn probabilities(
        &self,
        reader: &mut Reader<'_>,
        design: &Design,
        sample: usize,
        rule: Allocation,
        members: &[Vec<usize>],
    ) -> Option<Vec<f64>> {
        let areas = reader.table.rows();
        let all: Vec<usize> = members.iter().flatten().copied().collect();
        let name = &design.samples[sample].name;
        let size = match &self.size {
            Some(formula) if is_sized(self.method) => {
                Some(reader.numbers(&self.path.key("size"), formula)?)
            }
            _ => None,
        };
        if let Some(size) = &size {
            let empty: Vec<usize> = all.iter().copied().filter(|&a| size[a] <= 0.0).collect();
            if let Some(&first) = empty.first() {
                let message = format!(
                    "the measure of size is 0 in {} ({} of `{name}` in all)",
                    reader.area(first),
                    several(empty.len(), "area", "areas")
                );
                let help = "an area of size 0 can never be drawn: leave these areas out with \
                            `where`, so that the coverage gap is reported, or give them a size";
                reader.error(&self.path.key("size"), message, help);
                return None;
            }
        }
        let measure = |a: usize| size.as_ref().map_or(1.0, |s| s[a]);
        let what = if self.name.is_empty() {
            format!("the sample `{name}`")
        } else {
            format!("the stratum `{}` of `{name}`", self.name)
        };
        let mut out = vec![0.0; areas];
        match &self.take {
            Take::All => all.iter().for_each(|&a| out[a] = 1.0),
            Take::Number(quantity) | Take::Most(quantity) => {
                let key = if matches!(self.take, Take::Number(_)) { "take" } else { "most" };
                let Quantity::Number(total) = quantity else {
                    let message = format!("the number of areas of {what} cannot be a formula");
                    let help = "give a number, or draw a fraction with `rate`";
                    reader.error(&self.path.key(key), message, help);
                    return None;
                };
                let mut total = *total;
                if total > all.len() as f64 * (1.0 + 1e-12) {
                    if key == "take" {
                        let areas = several(all.len(), "area", "areas");
                        let message =
                            format!("{what} has {areas}, {} cannot be drawn", figure(total));
                        let help = "draw fewer, or write `all = true`; does `where` leave enough?";
                        reader.error(&self.path.key(key), message, help);
                        return None;
                    }
                    total = all.len() as f64;
                }
                let sizes: Vec<StratumSize> = members
                    .iter()
                    .map(|members| StratumSize {
                        size: members.iter().map(|&a| measure(a)).sum(),
                        sd: self.spread.as_ref().map_or(1.0, |y| spread_of(members, y, &measure)),
                        cost: 1.0,
                        most: members.len() as f64,
                    })
                    .collect();
                for (members, n) in members.iter().zip(allocate(rule_of(rule), &sizes, total)) {
                    proportional(members, &measure, n, &mut out);
                }
            }
            Take::Rate(quantity) => {
                let rates = match quantity {
                    Quantity::Number(rate) => vec![*rate; areas],
                    Quantity::Formula(formula) => {
                        reader.numbers(&self.path.key("rate"), formula)?
                    }
                };
                if let Some(&area) = all.iter().find(|&&a| rates[a] > 1.0 + 1e-12) {
                    let message = format!(
                        "the rate of {what} is {} in {}, more than 1",
                        rates[area],
                        reader.area(area)
                    );
                    reader.error(&self.path.key("rate"), message, "wrap the formula in min(1, …)");
                    return None;
                }
                match (&size, quantity) {
                    (Some(_), Quantity::Number(rate)) => {
                        for members in members {
                            proportional(members, &measure, rate * members.len() as f64, &mut out);
                        }
                    }
                    _ => all.iter().for_each(|&a| out[a] = rates[a]),
                }
            }
        }
        Some(out)
    }
}

/// The standard deviation of y/x within a stratum, weighted by the sizes x; times Σx it is what
/// Neyman's allocation of draws with probabilities proportional to x rests on (the variance of Hansen and Hurwitz 1943).
fn spread_of(members: &[usize], y: &[f64], size: &dyn Fn(usize) -> f64) -> f64 {
    let all: f64 = members.iter().map(|&a| size(a)).sum();
    let ratio = members.iter().map(|&a| y[a]).sum::<f64>() / all;
    let square = |&a: &usize| size(a) * (y[a] / size(a) - ratio) * (y[a] / size(a) - ratio);
    (members.iter().filter(|a| size(**a) > 0.0).map(square).sum::<f64>() / all).sqrt()
}

/// True when a method draws with probabilities proportional to size.
pub(super) fn is_sized(method: Method) -> bool {
    use Method::{Bernoulli, Cube, SimpleRandom, Systematic};
    !matches!(method, SimpleRandom | Systematic | Bernoulli | Cube)
}

pub(super) fn rule_of(rule: Allocation) -> Rule {
    match rule {
        Allocation::Proportional => Rule::Proportional,
        Allocation::Equal => Rule::Equal,
        Allocation::SquareRoot => Rule::Power(0.5),
        Allocation::Neyman => Rule::Neyman,
    }
}

/// π = n · size / Σ size, with units for which that is 1 or more taken with certainty and the
/// rest shared out anew (Särndal, Swensson and Wretman 1992, section 3.6).
fn proportional(members: &[usize], size: &dyn Fn(usize) -> f64, n: f64, out: &mut [f64]) {
    let mut certain = vec![false; members.len()];
    for _ in 0..=members.len() {
        let left = n - certain.iter().filter(|c| **c).count() as f64;
        let total: f64 =
            members.iter().zip(&certain).filter(|(_, c)| !**c).map(|(&a, _)| size(a)).sum();
        let mut more = false;
        for (i, &a) in members.iter().enumerate() {
            out[a] = if certain[i] {
                1.0
            } else if total > 0.0 {
                (left * size(a) / total).max(0.0)
            } else {
                0.0
            };
            if !certain[i] && out[a] >= 1.0 {
                out[a] = 1.0;
                certain[i] = true;
                more = true;
            }
        }
        if !more {
            break;
        }
    }
}
