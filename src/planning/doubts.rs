//! What a frame and a design say that cannot be, or can hardly be meant: told as warnings.

use crate::sampling::{Design, Quantity, Stage};
use crate::toml_file::KeyPath;

use super::frame::{AreaFrame, Reader};
use super::people::class_of;
use super::sampled::is_person;
use super::words::{figure, several};

/// Totals of the frame that contradict each other.
pub(super) fn of_frame(reader: &mut Reader<'_>, design: &Design, frame: &AreaFrame) {
    let path = KeyPath::root().key("population").key("households");
    if design.population.households.is_some() {
        let none = Found::of(frame.areas, |a| frame.people[a] > 0.0 && frame.households[a] <= 0.0);
        if let Some(found) = none {
            let what = format!("people but no households in {}", found.words(reader));
            reader.doubt(&path, format!("the frame has {what}"), CHECK);
        }
        let more = Found::of(frame.areas, |a| frame.households[a] > frame.people[a] + 0.5);
        if let Some(found) = more {
            let (h, n) = (frame.households[found.first], frame.people[found.first]);
            let message = format!(
                "more households than people in {}: {} and {}",
                found.words(reader),
                figure(h),
                figure(n)
            );
            reader.doubt(&path, message, CHECK);
        }
    }
    classes(reader, design, frame);
    for (s, sample) in design.samples.iter().enumerate().filter(|(_, s)| s.part_of.is_none()) {
        let path = KeyPath::root().key("sample").index(s).key("stage");
        for (k, stage) in sample.stages.iter().enumerate().take(2) {
            counted(reader, design, frame, stage, &path.index(k).key("count"));
        }
    }
}

const CHECK: &str = "check both columns: they must be about the same areas and the same people";

/// Groups of one class do not overlap, so that they cannot have more people than there are.
fn classes(reader: &mut Reader<'_>, design: &Design, frame: &AreaFrame) {
    let mut done: Vec<&str> = Vec::new();
    for first in 0..design.groups.len() {
        let class = class_of(design, first);
        if done.contains(&class) {
            continue;
        }
        done.push(class);
        let own: Vec<usize> = (0..design.groups.len())
            .filter(|&g| class_of(design, g) == class && design.groups[g].count.is_some())
            .collect();
        let sum = |a: usize| own.iter().map(|&g| frame.groups[g][a]).sum::<f64>();
        // Published counts are often perturbed: a person or 1 % more says nothing.
        let more = Found::of(frame.areas, |a| sum(a) > frame.people[a] * 1.01 + 1.0);
        if let (Some(found), Some(&g)) = (more, own.first()) {
            let message = format!(
                "the groups of `{class}` add up to more people than there are in {}: {} of {}",
                found.words(reader),
                figure(sum(found.first)),
                figure(frame.people[found.first])
            );
            let help = "groups of a class do not overlap: check that all columns count the same people \
                        (adults, say), or give groups that overlap a `class` each";
            let path = KeyPath::root().key("group").index(g).key("count");
            reader.doubt(&path, message, help);
        }
    }
}

/// The units of a stage that are in scope are about as many as the households (or people) of the frame.
fn counted(
    reader: &mut Reader<'_>,
    design: &Design,
    frame: &AreaFrame,
    stage: &Stage,
    path: &KeyPath,
) {
    let Some(Quantity::Formula(formula)) = &stage.count else { return };
    let of_groups = design.groups.iter().filter_map(|g| g.count.as_ref());
    let of_groups: Vec<_> = of_groups.flat_map(|c| c.columns()).collect();
    if formula.columns().iter().any(|c| of_groups.iter().any(|o| o.name == c.name)) {
        // Units of some groups alone.
        return;
    }
    let Some(units) = reader.quietly(|r| r.numbers(path, formula)) else { return };
    let (have, what) = if is_person(&stage.unit) {
        (&frame.people, "people")
    } else {
        (&frame.households, "households")
    };
    let in_scope: Vec<f64> = units.iter().map(|u| u * stage.in_scope).collect();
    let (all, total) = (in_scope.iter().sum::<f64>(), have.iter().sum::<f64>());
    let off = |a: f64, b: f64| a > 1.1 * b || b > 1.1 * a;
    let far = |a: usize| in_scope[a].max(have[a]) > 2.0 * in_scope[a].min(have[a]) + 10.0;
    let areas = if off(all, total) {
        Found::of(frame.areas, |a| off(in_scope[a], have[a]))
    } else {
        Found::of(frame.areas, far)
    };
    let Some(found) = areas else { return };
    let unit = &stage.unit;
    let share = figure(100.0 * stage.in_scope);
    let message = format!(
        "the units ({unit}) in scope ({share} % of `{}`) do not agree with the {what} of the frame in {}: \
         {} and {}; over all areas {} and {}",
        formula.text(),
        found.words(reader),
        figure(in_scope[found.first]),
        figure(have[found.first]),
        figure(all.round()),
        figure(total.round())
    );
    let help = format!(
        "check `in-scope` and both columns: expected numbers of units come from the one, those of people from the \
         other ({what})"
    );
    reader.doubt(path, message, &help);
}

/// Shares of 0 by which a sample loses all people, or all of a group that it is for.
pub(super) fn of_samples(reader: &mut Reader<'_>, design: &Design, interviews: &[f64]) {
    for (s, sample) in design.samples.iter().enumerate().filter(|(_, s)| s.part_of.is_none()) {
        let path = KeyPath::root().key("sample").index(s);
        let name = &sample.name;
        let mut lost: Vec<(KeyPath, String)> = Vec::new();
        for (k, stage) in sample.stages.iter().enumerate() {
            let path = path.key("stage").index(k);
            let unit = &stage.unit;
            let own = &stage.response.by_group;
            if stage.in_scope == 0.0 {
                lost.push((path.key("in-scope"), format!("no unit ({unit}) is in scope")));
            }
            if stage.response.all == 0.0 && own.iter().all(|r| *r == 0.0) {
                lost.push((path.key("response"), format!("no unit ({unit}) takes part")));
            } else {
                for (g, _) in own.iter().enumerate().filter(|(_, r)| **r == 0.0) {
                    let key = path.key("response-by").key(&design.groups[g].name);
                    lost.push((key, format!("nobody of {} takes part", design.groups[g].label)));
                }
            }
            let Some(screening) = &stage.screening else { continue };
            let path = path.key("screening");
            if screening.response == 0.0 {
                lost.push((path.key("response"), "nobody is screened".to_string()));
            }
            if screening.sensitivity == 0.0 {
                let what = "no eligible household is recognised".to_string();
                lost.push((path.key("sensitivity"), what));
            }
            for (&g, keep) in screening.groups.iter().zip(&screening.keep) {
                let group = &design.groups[g];
                if *keep == 0.0 {
                    let key = path.key("keep").key(&group.name);
                    lost.push((key, format!("nobody of {} is kept", group.label)));
                }
                let frame = sample.frame.and_then(|f| Some((f, design.frames.get(f)?)));
                if let Some((f, frame)) = frame.filter(|(_, frame)| frame.covers[g] == 0.0) {
                    let key = KeyPath::root().key("frame").index(f).key("covers").key(&group.name);
                    let what = format!("nobody of {} is on its list `{}`", group.label, frame.name);
                    lost.push((key, what));
                }
            }
        }
        let none = interviews[s] <= 0.0;
        for (path, what) in lost {
            let end = if none { ": it yields no interviews at all" } else { "" };
            let help = "a share of 0 is not \"not known\": write the share that is expected, with `assumed`, \
                        or take the group or the sample out";
            reader.doubt(&path, format!("in the sample `{name}` {what}{end}"), help);
        }
    }
}

/// Areas in which something holds.
struct Found {
    first: usize,
    areas: usize,
}

impl Found {
    fn of(areas: usize, holds: impl Fn(usize) -> bool) -> Option<Found> {
        let mut found = (0..areas).filter(|&a| holds(a));
        let first = found.next()?;
        Some(Found { first, areas: 1 + found.count() })
    }

    /// The first of the areas by its name, and how many there are.
    fn words(&self, reader: &Reader<'_>) -> String {
        let first = reader.area(self.first);
        match self.areas {
            1 => first,
            n => format!("{}, such as {first}", several(n, "area", "areas")),
        }
    }
}
