//! The domains that a plan is about: everybody, groups, crossings, targets.

use crate::sampling::Design;
use crate::sampling::spec::{Figure, Names};
use crate::toml_file::KeyPath;

use super::frame::Reader;
use super::people::{Domain, class_of};
use super::precision::Alike;
use super::words::figure;

/// No more domains are shown.
const MOST: usize = 1_000;

/// The domains of a plan, and which of them the targets and comparisons are about.
pub(super) struct Domains {
    pub(super) list: Vec<(Domain, Alike)>,
    /// The proportion that precision is reckoned for, by domain.
    pub(super) proportions: Vec<f64>,
    /// The domain of every target.
    pub(super) targets: Vec<usize>,
    /// The two domains of every comparison.
    pub(super) comparisons: Vec<(usize, usize)>,
}

/// What is assumed where the plan says nothing.
pub(super) const PROPORTION: f64 = 0.5;
pub(super) const ICC: f64 = 0.02;
const ICC_HOUSEHOLD: f64 = 0.2;

pub(super) fn domains(reader: &mut Reader<'_>, design: &Design) -> Option<Domains> {
    let plan = &design.spec.plan;
    let alike = Alike {
        area: plan.icc.as_ref().map_or(ICC, Figure::value),
        household: plan.icc_household.as_ref().map_or(ICC_HOUSEHOLD, Figure::value),
    };
    let usual = plan.proportion.as_ref().map_or(PROPORTION, Figure::value);
    let mut out = Domains {
        list: Vec::new(),
        proportions: Vec::new(),
        targets: Vec::new(),
        comparisons: Vec::new(),
    };
    let plain = |label: &str, groups: Vec<usize>| Domain {
        label: label.to_string(),
        groups,
        complement: false,
        areas: None,
    };
    out.add(plain("Everybody", Vec::new()), alike, usual);
    for (i, group) in design.groups.iter().enumerate() {
        out.add(plain(&group.label, vec![i]), alike, usual);
    }
    let path = KeyPath::root().key("plan");
    for (i, cross) in plan.cross.iter().enumerate() {
        let path = path.key("cross").index(i).key("by");
        for domain in crossing(reader, design, &cross.by, &path)? {
            out.add(domain, alike, usual);
        }
    }
    for (i, target) in plan.target.iter().enumerate() {
        let path = path.key("target").index(i);
        let part = (target.part.as_deref(), path.key("where"));
        let label = target.label.as_deref();
        let domain = of(reader, design, target.group.as_ref(), part, label, false)?;
        let own = Alike { area: target.icc.as_ref().map_or(alike.area, Figure::value), ..alike };
        let p = target.proportion.as_ref().map_or(usual, Figure::value);
        let index = out.add(domain, own, p);
        // A cell of a crossing is called what its target is called.
        if let (Some(label), true) = (&target.label, index > design.groups.len()) {
            out.list[index].0.label.clone_from(label);
        }
        out.targets.push(index);
    }
    for (i, compare) in plan.compare.iter().enumerate() {
        let path = path.key("compare").index(i);
        let p = compare.proportion.as_ref().map_or(usual, Figure::value);
        let part = || (compare.part.as_deref(), path.key("where"));
        let one = of(reader, design, Some(&compare.group), part(), None, false)?;
        let other = match &compare.with {
            Some(with) => of(reader, design, Some(with), part(), None, false)?,
            None => of(reader, design, Some(&compare.group), part(), None, true)?,
        };
        let first = out.add(one, alike, p);
        let second = out.add(other, alike, p);
        out.comparisons.push((first, second));
    }
    if out.list.len() > MOST {
        let message = format!(
            "the plan asks for {} domains, at most 1,000 are shown",
            figure(out.list.len() as f64)
        );
        reader.error(&path, message, "cross fewer classes and columns in `[[plan.cross]]`");
        return None;
    }
    Some(out)
}

impl Domains {
    /// The index of a domain, which is added if it is not there.
    ///
    /// One that is there with another proportion or likeness says its own in its label.
    fn add(&mut self, mut domain: Domain, alike: Alike, proportion: f64) -> usize {
        let same = |(known, own): &(Domain, Alike)| {
            let people = known.groups == domain.groups && known.complement == domain.complement;
            people && known.areas == domain.areas && *own == alike
        };
        let known = self.list.iter().position(same);
        if let Some(known) = known.filter(|&k| self.proportions[k] == proportion) {
            return known;
        }
        let mut named = self.list.iter().zip(&self.proportions);
        if let Some(((_, own), other)) = named.find(|((d, _), _)| d.label == domain.label) {
            if *other != proportion {
                let shown = (1000.0 * proportion).round() / 10.0;
                domain.label.push_str(&format!(", at {shown} %"));
            } else if own.area != alike.area {
                domain.label.push_str(&format!(", at icc {}", alike.area));
            }
        }
        self.list.push((domain, alike));
        self.proportions.push(proportion);
        self.list.len() - 1
    }
}

/// The domain of some groups and a condition on areas.
fn of(
    reader: &mut Reader<'_>,
    design: &Design,
    names: Option<&Names>,
    (part, path): (Option<&str>, KeyPath),
    label: Option<&str>,
    complement: bool,
) -> Option<Domain> {
    let groups: Vec<usize> = names
        .map_or_else(Vec::new, Names::list)
        .into_iter()
        .filter_map(|name| design.group(name))
        .collect();
    let areas = match part {
        None => None,
        Some(text) => match crate::data::expr::Expression::parse(text) {
            Ok(condition) => Some(reader.condition(&path, &condition)?),
            Err(error) => {
                reader.error(&path, error.to_string(), "write a condition on columns of the frame");
                return None;
            }
        },
    };
    let mut words: Vec<&str> = groups.iter().map(|&g| design.groups[g].label.as_str()).collect();
    if words.is_empty() {
        words.push("Everybody");
    }
    let mut name = words.join(" × ");
    if complement {
        name = format!("Not {name}");
    }
    if let Some(part) = part {
        name = format!("{name}, where {part}");
    }
    let label = label.map_or(name, str::to_string);
    Some(Domain { label, groups, complement, areas })
}

/// The crossing of classes of groups and columns of the frame.
fn crossing(
    reader: &mut Reader<'_>,
    design: &Design,
    by: &Names,
    path: &KeyPath,
) -> Option<Vec<Domain>> {
    let mut all =
        vec![Domain { label: String::new(), groups: Vec::new(), complement: false, areas: None }];
    for (i, name) in by.list().into_iter().enumerate() {
        let groups: Vec<usize> =
            (0..design.groups.len()).filter(|&g| class_of(design, g) == name).collect();
        let mut next = Vec::new();
        if groups.is_empty() {
            if reader.table.column(name).is_none() {
                reader.neither_class_nor_column(design, &path.index(i), name);
                return None;
            }
            let (codes, labels) = reader.crossing(&path.index(i), &[name.to_string()])?;
            if labels.len() > MOST {
                let count = figure(labels.len() as f64);
                let message = format!("the column `{name}` has {count} values");
                reader.error(
                    &path.index(i),
                    message,
                    "cross columns of few values, such as a nation",
                );
                return None;
            }
            for before in &all {
                for (code, label) in labels.iter().enumerate() {
                    let inside = |a: usize| before.areas.as_ref().is_none_or(|own| own[a]);
                    let areas =
                        codes.iter().enumerate().map(|(a, c)| *c == code && inside(a)).collect();
                    next.push(Domain {
                        label: joined(&before.label, label),
                        areas: Some(areas),
                        ..before.clone()
                    });
                }
            }
        } else {
            for before in &all {
                for &group in &groups {
                    let mut domain = before.clone();
                    domain.groups.push(group);
                    domain.label = joined(&before.label, &design.groups[group].label);
                    next.push(domain);
                }
            }
        }
        if next.len() > MOST {
            let message = "the crossing has more than 1,000 domains".to_string();
            reader.error(path, message, "cross fewer classes and columns");
            return None;
        }
        all = next;
    }
    Some(all)
}

fn joined(before: &str, label: &str) -> String {
    if before.is_empty() { label.to_string() } else { format!("{before} × {label}") }
}
