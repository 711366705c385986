//! Numbers that a design comes to without a frame, to hold against what is published.

use crate::toml_file::KeyPath;
use crate::toml_file::rules::Rules;

use super::design::{Design, Quantity, Sample, Stage, Take};
use super::spec::PublishedOf;

/// Units of a stage, as far as the file alone says; `None` where a frame is needed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Count {
    /// Units drawn.
    pub drawn: Option<f64>,
    /// Units that take part.
    pub responding: Option<f64>,
}

impl Design {
    /// The numbers of units at every stage of a sample, as far as they follow from the file.
    ///
    /// With a number to draw at the first stage and from each unit of later ones they are the
    /// products; with a rate they need the number of units it applies to (`count`, `units`).
    pub fn counts(&self, sample: usize) -> Vec<Count> {
        let Some(given) = self.samples.get(sample) else { return Vec::new() };
        let mut counts = Vec::new();
        let mut parents: Option<f64> = None;
        for (k, stage) in given.stages.iter().enumerate() {
            let drawn = if k == 0 {
                first(self, given, stage)
            } else {
                parents.and_then(|parents| Some(parents * later(stage)?))
            };
            let responding = match (&stage.screening, drawn) {
                (None, Some(drawn)) if flat(stage) => {
                    Some(drawn * stage.in_scope * stage.response.all)
                }
                _ => None,
            };
            counts.push(Count { drawn, responding });
            parents = responding;
        }
        counts
    }
}

fn flat(stage: &Stage) -> bool {
    stage.response.by_group.iter().all(|r| *r == stage.response.all)
        && stage.cells.iter().all(|c| c.response.is_none())
}

fn first(design: &Design, sample: &Sample, stage: &Stage) -> Option<f64> {
    if let Some(other) = sample.psus_of {
        let whole = sample.part.is_none() && stage.part.is_none();
        let before = design.samples.get(other)?;
        let drawn = first(design, before, before.stages.first()?).filter(|_| whole)?;
        return match &stage.take {
            None | Some(Take::All) => Some(drawn),
            Some(Take::Rate(Quantity::Number(rate))) => Some(drawn * rate),
            _ => None,
        };
    }
    let number = |take: &Take, units: Option<f64>| match take {
        Take::Number(quantity) => quantity.number(),
        Take::Rate(quantity) => Some(quantity.number()? * units?),
        Take::All => units,
        Take::Most(quantity) => Some(quantity.number()?.min(units?)),
    };
    let mut total = 0.0;
    for cell in &stage.cells {
        total += number(&cell.take, cell.units)?;
    }
    match &stage.take {
        Some(take) => Some(total + number(take, None)?),
        None => (!stage.cells.is_empty()).then_some(total),
    }
}

/// Units drawn from one unit of the stage before.
fn later(stage: &Stage) -> Option<f64> {
    if !stage.cells.is_empty() {
        return None;
    }
    let count = stage.count.as_ref().and_then(Quantity::number);
    match stage.take.as_ref()? {
        Take::Number(quantity) => quantity.number(),
        Take::Rate(quantity) => Some(quantity.number()? * count?),
        // A household at an address, unless the file says how many there are.
        Take::All | Take::Most(_) if stage.unit == "household" => Some(count.unwrap_or(1.0)),
        Take::All => count,
        Take::Most(_) => None,
    }
}

/// Published numbers that the design does not come to.
pub(super) fn published(design: &Design, rules: &mut Rules<'_>) {
    let list = KeyPath::root().key("sample");
    for (s, given) in design.spec.sample.iter().enumerate() {
        let counts = design.counts(s);
        for (i, published) in given.published.iter().enumerate() {
            let Some(at) = given.stage.iter().position(|stage| stage.unit == published.unit) else {
                continue;
            };
            let of = |count: &Count| match published.of {
                PublishedOf::Drawn => count.drawn,
                PublishedOf::Responding => count.responding,
            };
            let Some(found) = counts.get(at).and_then(of) else { continue };
            let wanted = published.count.value();
            let within = published.within.unwrap_or(1e-9);
            if (found - wanted).abs() > within * wanted {
                let path = list.index(s).key("published").index(i).key("count");
                let message = format!(
                    "the design comes to {} units ({}), but {wanted} are published",
                    (found * 1e3).round() / 1e3,
                    published.unit
                );
                let help = "mend the numbers of the stages, or say with `within` how near is near \
                            enough: within = 0.05";
                rules.error(&path, message, "does not agree", help);
            }
        }
    }
}
