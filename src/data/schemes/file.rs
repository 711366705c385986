//! The classifications as they stand in their files.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::words::Phrase;
use super::{Band, Group, Kind, Scheme};

const ETHNICITY: &str = include_str!("ethnicity.toml");
const MIGRATION: &str = include_str!("migration.toml");

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ethnicity {
    group: Vec<Named>,
    scheme: Vec<Groups>,
}

/// A named set of parts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
    #[serde(default)]
    of: Vec<String>,
    #[serde(default)]
    heads: Vec<String>,
    also: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Groups {
    name: String,
    title: String,
    source: String,
    eff: Vec<String>,
    #[serde(default)]
    names: Vec<String>,
    within: Option<String>,
    note: Option<String>,
    levels: Vec<Level>,
    #[serde(default)]
    census: Vec<String>,
    #[serde(default)]
    wales: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Level {
    label: String,
    is: Vec<String>,
    like: Option<String>,
    #[serde(default)]
    also: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Migration {
    scheme: Vec<Numbers>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Numbers {
    name: String,
    title: String,
    source: String,
    of: String,
    born: Option<String>,
    #[serde(default)]
    bands: Vec<GivenBand>,
    #[serde(default)]
    first: Vec<GivenBand>,
    second: Option<String>,
    later: Option<[String; 3]>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenBand {
    label: String,
    from: Option<f64>,
    below: Option<f64>,
}

/// The ethnic classifications. The file is part of the program and is held to its form by a test.
pub(super) fn ethnicity() -> Vec<Scheme> {
    let file: Ethnicity = toml::from_str(ETHNICITY).unwrap_or_default();
    let named: BTreeMap<&str, &Named> = file.group.iter().map(|g| (g.name.as_str(), g)).collect();
    file.scheme.iter().map(|scheme| groups(scheme, &named)).collect()
}

fn groups(given: &Groups, named: &BTreeMap<&str, &Named>) -> Scheme {
    let levels = given.levels.iter().enumerate().map(|(i, level)| {
        let mut parts = BTreeSet::new();
        level.is.iter().for_each(|name| add_parts(name, named, &mut parts, 0));
        let heads = parts
            .iter()
            .filter_map(|part| named.get(part.as_str()))
            .flat_map(|g| g.heads.iter().cloned())
            .collect();
        let like = level.like.as_deref().or(match level.is.as_slice() {
            [only] => Some(only.as_str()),
            _ => None,
        });
        let shared = like.and_then(|l| named.get(l)).map_or(&[][..], |g| &g.also[..]);
        let (census, wales) = (given.census.get(i).cloned(), given.wales.get(i).cloned());
        let own = [Some(&level.label), census.as_ref(), wales.as_ref()];
        let spellings = own.into_iter().flatten().chain(shared).chain(&level.also);
        let phrases = spellings.map(|text| Phrase::of(text)).collect();
        Group { label: level.label.clone(), census, wales, parts, heads, phrases }
    });
    let mut other_names = given.names.clone();
    other_names.extend(given.eff.iter().map(|code| format!("eff-{}", code.to_lowercase())));
    other_names.retain(|name| *name != given.name);
    Scheme {
        name: given.name.clone(),
        other_names,
        title: given.title.clone(),
        source: given.source.clone(),
        note: given.note.clone(),
        kind: Kind::Groups { groups: levels.collect(), within: given.within.clone() },
    }
}

/// The parts of a named group, which may be made of groups itself.
fn add_parts(
    name: &str,
    named: &BTreeMap<&str, &Named>,
    parts: &mut BTreeSet<String>,
    depth: usize,
) {
    match named.get(name) {
        Some(group) if !group.of.is_empty() && depth < 4 => {
            group.of.iter().for_each(|inner| add_parts(inner, named, parts, depth + 1));
        }
        _ => {
            parts.insert(name.to_string());
        }
    }
}

/// The classifications of migration.
pub(super) fn migration() -> Vec<Scheme> {
    let file: Migration = toml::from_str(MIGRATION).unwrap_or_default();
    let band = |b: GivenBand| Band { label: b.label, from: b.from, below: b.below };
    file.scheme
        .into_iter()
        .map(|given| {
            let first: Vec<Band> = given.first.into_iter().map(band).collect();
            let kind = match (given.second, given.later) {
                (Some(second), Some(later)) => {
                    let of = (first.len() > 1).then_some(given.of);
                    Kind::Generation { of, first, second, later }
                }
                _ => Kind::Bands {
                    of: given.of,
                    born: given.born.unwrap_or_default(),
                    bands: given.bands.into_iter().map(band).collect(),
                },
            };
            Scheme {
                name: given.name,
                other_names: Vec::new(),
                title: given.title,
                source: given.source,
                note: None,
                kind,
            }
        })
        .collect()
}
