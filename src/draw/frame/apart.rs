//! Units that an earlier sample has drawn: kept out of this one, or the ones whose neighbours are asked
//! about (focused enumeration).

use super::carry_out::Drawn;
use super::cells::{Cell, How};
use super::fault::Fault;
use super::layout::{Layout, Stage};
use crate::data::Codes;
use crate::draw::method::Method;
use crate::sampling::{Sample, Take};
use crate::toml_file::KeyPath;

/// The units of another sample that stand for those of a stage of this one.
#[derive(Debug, Clone)]
pub(super) struct Apart {
    /// The stage of this sample.
    pub stage: usize,
    other: usize,
    their_stage: usize,
    /// By unit of the stage, that unit in the other sample; [`Codes::NONE`] where it cannot draw it.
    unit: Vec<u32>,
    /// By unit of the stage, the probability that the other sample draws it, given the first-stage
    /// unit where that is the same one for both.
    chance: Vec<f64>,
}

impl Apart {
    /// The units of sample `other` in this one: those of the deepest stage that both tell apart by the
    /// same column, or rows of the frame.
    ///
    /// # Errors
    /// When there is no such stage.
    pub fn of(
        (mine, theirs): (&Layout, &Layout),
        other: usize,
        follows: bool,
        path: &KeyPath,
    ) -> Result<Apart, Fault> {
        // First-stage units that are the same ones by design are not what is kept apart.
        let first = usize::from(follows);
        let named = (first..mine.stages.len()).rev().find_map(|s| {
            let id = mine.stages[s].id.as_ref()?;
            Some((s, theirs.stages.iter().rposition(|t| t.id.as_ref() == Some(id))?))
        });
        let rows = || {
            let (s, t) = (mine.stages.len().checked_sub(1)?, theirs.stages.len().checked_sub(1)?);
            let bare = mine.stages[s].id.is_none() && theirs.stages[t].id.is_none();
            (bare && s >= first).then_some((s, t))
        };
        let Some((stage, their_stage)) = named.or_else(rows) else {
            let message = format!(
                "the units of sample `{}` cannot be told among those of `{}`",
                theirs.name, mine.name
            );
            let help =
                "give a stage of both the same `id`: what one has drawn the other leaves out";
            return Err(Fault::new(path, message, help));
        };
        let their_units = theirs.along(their_stage, 1.0, |s, stage, unit, p| match s {
            0 if follows => p,
            s if s < their_stage => p * stage.chance(unit),
            _ => p * stage.pi[unit as usize],
        });
        let mut unit = vec![Codes::NONE; mine.stages[stage].units()];
        let of_rows = mine.units_by_row(stage).into_iter().zip(theirs.units_by_row(their_stage));
        for (own, their) in of_rows.filter(|(own, _)| *own != Codes::NONE) {
            let slot = &mut unit[own as usize];
            if *slot == Codes::NONE {
                *slot = their;
            }
        }
        let chance = |u: &u32| their_units.get(*u as usize).copied().unwrap_or(0.0);
        let chance = unit.iter().map(chance).collect();
        Ok(Apart { stage, other, their_stage, unit, chance })
    }

    /// By unit of the stage, whether the other sample has drawn it (whoever then took part).
    pub fn drawn(&self, drawn: &[Drawn], layouts: &[Layout]) -> Vec<bool> {
        let Some(their) = drawn.get(self.other) else { return vec![false; self.unit.len()] };
        let units = layouts[self.other].stages[self.their_stage].units();
        let mut set = vec![false; units];
        for &unit in their.asked(self.their_stage) {
            set[unit as usize] = true;
        }
        self.unit.iter().map(|u| set.get(*u as usize).copied().unwrap_or(false)).collect()
    }
}

/// Neighbours on both sides of a visited unit.
#[derive(Debug, Clone)]
pub(super) struct Around {
    before: u32,
    after: u32,
    /// The visited units are those of the sample that is kept out, not drawn for this one.
    pub of_other: bool,
}

impl Around {
    /// How many neighbours the units of a stage are asked about: those of the stage's screening, or of
    /// the next stage's where that draws all.
    pub fn of(sample: &Sample, stage: usize, of_other: bool) -> Option<Around> {
        let all = |s: usize| matches!(sample.stages[s].take, Some(Take::All));
        let asked = |s: usize| sample.stages.get(s)?.screening.as_ref()?.neighbours;
        if all(stage) {
            return None;
        }
        // Sectors that are drawn first have no neighbours to be asked about.
        let visited = stage > 0 || sample.stages[stage].count.is_some();
        let next = stage + 1;
        let of_next = || (visited && next < sample.stages.len() && all(next)).then(|| asked(next));
        let count = asked(stage).or_else(|| of_next().flatten())?;
        let count = count.round().clamp(0.0, 1000.0) as u32;
        Some(Around { before: count / 2, after: count - count / 2, of_other })
    }

    /// The neighbours of a unit within its cell, without itself.
    fn near(&self, cell: &Cell, unit: u32) -> impl Iterator<Item = u32> + use<> {
        // Those whose visit finds this unit: mirrored where the sides differ.
        let from = unit.saturating_sub(self.after).max(cell.first);
        let to = (unit + self.before).min(cell.first + cell.units - 1);
        (from..=to).filter(move |u| *u != unit)
    }

    /// The units of a cell that are found: not visited themselves, with a neighbour that is.
    pub fn found(&self, cell: &Cell, visited: impl Fn(u32) -> bool) -> Vec<u32> {
        let own = cell.first..cell.first + cell.units;
        own.filter(|&u| !visited(u) && self.near(cell, u).any(&visited)).collect()
    }
}

impl Layout {
    /// Takes what earlier samples draw into account: the probabilities of the stages that keep their
    /// units out, or that find neighbours.
    ///
    /// Of units that are drawn with equal probabilities, n of them, π = n' (1 − p) ÷ Σ(1 − p) with
    /// n' = min(n, Σ(1 − p)), p being the probability to be in the other sample. It is exact where p is the
    /// same for all units of a cell: then π = n/N, as if nobody were kept out.
    ///
    /// A unit is found with P(no visit to it) − P(no visit to it nor to a neighbour).
    ///
    /// # Errors
    /// Unequal probabilities at such a stage.
    pub(super) fn set_apart(
        &mut self,
        layouts: &[Layout],
        design: &Sample,
        path: &KeyPath,
    ) -> Result<(), Vec<Fault>> {
        for s in 0..self.stages.len() {
            let apart = self.apart.iter().filter(|a| a.stage == s);
            let mut chance = vec![0.0; self.stages[s].units()];
            // Samples that keep one another out have no unit in common.
            apart.for_each(|a| chance.iter_mut().zip(&a.chance).for_each(|(c, p)| *c += p));
            let around = self.stages[s].around.clone();
            if around.is_none() && chance.iter().all(|p| *p == 0.0) {
                continue;
            }
            let at = path.key("stage").index(s);
            let cells = self.stages[s].cells.clone();
            let mut pi = self.stages[s].pi.clone();
            for cell in &cells {
                let own = cell.first as usize..(cell.first + cell.units) as usize;
                let wrong = || {
                    let message = format!(
                        "the {} of sample `{}` are drawn with probabilities of their own, which cannot \
                         be kept when an earlier sample has drawn some of them",
                        super::cells::plural(&design.stages[s].unit, 2),
                        self.name
                    );
                    let help = "draw them with the method \"simple-random\" or \"systematic\"";
                    vec![Fault::new(&at.key("method"), message, help)]
                };
                if let Some(around) = &around {
                    let other = self.apart.iter().find(|a| around.of_other && a.stage == s);
                    for unit in cell.first..cell.first + cell.units {
                        let none = |units: &[u32]| match other {
                            Some(a) => {
                                let of = &layouts[a.other].stages[a.their_stage];
                                let their = |u: &u32| Some(a.unit[*u as usize]);
                                let units: Vec<u32> = units.iter().filter_map(their).collect();
                                none_drawn(of, &of.cells, &units)
                            }
                            None => none_drawn(&self.stages[s], &cells, units),
                        };
                        let mut all = vec![unit];
                        all.extend(around.near(cell, unit));
                        let (alone, with) = (none(&all[..1]), none(&all));
                        let (Some(alone), Some(with)) = (alone, with) else { return Err(wrong()) };
                        pi[unit as usize] = (alone - with).max(0.0);
                    }
                    continue;
                }
                let free: f64 = chance[own.clone()].iter().map(|p| (1.0 - p).max(0.0)).sum();
                if (free - own.len() as f64).abs() < 1e-12 {
                    continue;
                }
                let n = match cell.how {
                    How::All => own.len() as f64,
                    How::Equal { method: Method::Bernoulli, up, .. } => up * free,
                    How::Equal { low, up, .. } => f64::from(low) + up,
                    How::Follow => continue,
                    How::Unequal(_) | How::Cube => return Err(wrong()),
                };
                let share = if free > 0.0 { n.min(free) / free } else { 0.0 };
                for u in own {
                    pi[u] = share * (1.0 - chance[u]).max(0.0);
                }
            }
            self.stages[s].pi = pi;
        }
        Ok(())
    }
}

/// The probability that none of some units is drawn; cells are independent. `None` for unequal
/// probabilities.
fn none_drawn(stage: &Stage, cells: &[Cell], units: &[u32]) -> Option<f64> {
    let mut known: Vec<u32> = units.iter().copied().filter(|u| *u != Codes::NONE).collect();
    known.sort_unstable();
    known.dedup();
    let mut none = 1.0;
    let mut from = 0;
    while from < known.len() {
        let at = cells.partition_point(|c| c.first + c.units <= known[from]);
        let cell = cells.get(at)?;
        let to = from + known[from..].iter().take_while(|u| **u < cell.first + cell.units).count();
        let total = f64::from(cell.units);
        let places = known[from..to].iter().map(|u| u - cell.first);
        none *= match cell.how {
            How::All => 0.0,
            How::Equal { method: Method::Bernoulli, up, .. } => (1.0 - up).powi((to - from) as i32),
            How::Equal { method, low, up } => {
                let with = |n: u32| match method {
                    Method::Systematic => missed(cell.units, n, places.clone()),
                    _ => (0..to - from)
                        .map(|j| ((total - f64::from(n) - j as f64) / (total - j as f64)).max(0.0))
                        .product(),
                };
                let less = with(low);
                if up > 0.0 { less * (1.0 - up) + with(low + 1) * up } else { less }
            }
            // Only part of the units of such a stage are drawn with known joint probabilities.
            How::Follow | How::Unequal(_) | How::Cube => return None,
        };
        from = to;
    }
    debug_assert!(stage.units() > 0 || units.is_empty());
    Some(none)
}

/// The probability that a systematic sample of n of N units has none of some places: unit j is drawn
/// for the starts jn, …, jn + n − 1 modulo N, so that what counts is the union of these.
fn missed(units: u32, n: u32, places: impl Iterator<Item = u32>) -> f64 {
    let (total, n) = (u64::from(units), u64::from(n));
    if n == 0 || total == 0 {
        return 1.0;
    }
    let mut spans: Vec<(u64, u64)> = Vec::new();
    for place in places {
        let start = u64::from(place) * n % total;
        let end = start + n.min(total);
        spans.push((start, end.min(total)));
        if end > total {
            spans.push((0, end - total));
        }
    }
    spans.sort_unstable();
    let (mut covered, mut reached) = (0, 0);
    for (start, end) in spans {
        covered += end.saturating_sub(start.max(reached));
        reached = reached.max(end);
    }
    1.0 - covered as f64 / total as f64
}
