//! Standard classifications as data: ethnic groups, length of residence, arrival, generation.
//!
//! An ethnic classification is a list of levels, and each level is a set of *parts*, the finest
//! groups that any of the classifications tells apart. A level of one classification belongs to the
//! level of another that takes in all its parts; where none does, the standards cannot be
//! reconciled without the original answers, and that is said. The data are in `ethnicity.toml`
//! and `migration.toml`, with their sources and licences.

mod file;
mod words;

use std::collections::BTreeSet;

use words::Phrase;

/// A standard classification.
#[derive(Debug, Clone, PartialEq)]
pub struct Scheme {
    /// Its name in study files, such as `ons-2021-19`.
    pub name: String,
    /// Other names: synonyms, and the codes of the source.
    pub other_names: Vec<String>,
    /// Its title.
    pub title: String,
    /// Where it comes from.
    pub source: String,
    /// What to know when comparing with other standards.
    pub note: Option<String>,
    /// What it is made of.
    pub kind: Kind,
}

/// What a classification is made of.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// Groups of people, found by their labels.
    Groups {
        /// In the order of the standard.
        groups: Vec<Group>,
        /// The classification whose levels its groups belong to.
        within: Option<String>,
    },
    /// Bands of a number.
    Bands {
        /// What the number is, such as "years since arrival".
        of: String,
        /// The level of those born in the UK.
        born: String,
        /// In the order of the standard.
        bands: Vec<Band>,
    },
    /// Generations since migration.
    Generation {
        /// What the number that divides the first generation is, if one does.
        of: Option<String>,
        /// Those born abroad.
        first: Vec<Band>,
        /// Born in the UK with a parent born abroad.
        second: String,
        /// Born in the UK of parents born in the UK: all of them, those with a grandparent born
        /// abroad, those without.
        later: [String; 3],
    },
}

/// A level of a classification of groups.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The short label.
    pub label: String,
    /// The wording of the census tables, where the classification is one of a census.
    pub census: Option<String>,
    /// The wording of the census form in Wales, where it has one.
    pub wales: Option<String>,
    /// The finest groups it takes in.
    pub parts: BTreeSet<String>,
    /// Broad headings it may stand under.
    heads: BTreeSet<String>,
    phrases: Vec<Phrase>,
}

/// A band of numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Band {
    /// Its label.
    pub label: String,
    /// The smallest number in it; no limit if not given.
    pub from: Option<f64>,
    /// The smallest number above it; no limit if not given.
    pub below: Option<f64>,
}

impl Band {
    /// True when the number lies in it.
    pub fn holds(&self, x: f64) -> bool {
        self.from.is_none_or(|from| x >= from) && self.below.is_none_or(|below| x < below)
    }
}

/// Whose words the levels of a classification of groups are in.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Wording {
    /// Short labels, such as "Black African".
    #[default]
    Short,
    /// Those of the census tables, such as "Black, Black British, Black Welsh, Caribbean or
    /// African: African".
    Census,
    /// Those of the census form in Wales, such as "Asian, Asian Welsh or Asian British: Indian".
    Wales,
}

impl Group {
    /// The label in the words of the census or its form, the short one where it has none.
    pub fn text(&self, wording: Wording) -> &str {
        let other = match wording {
            Wording::Short => None,
            Wording::Census => self.census.as_deref(),
            Wording::Wales => self.wales.as_deref(),
        };
        other.unwrap_or(&self.label)
    }
}

impl Scheme {
    /// Its levels in the order of the standard. Generations have the first of `later` only.
    pub fn labels(&self) -> Vec<&str> {
        match &self.kind {
            Kind::Groups { groups, .. } => groups.iter().map(|g| g.label.as_str()).collect(),
            Kind::Bands { born, bands, .. } => std::iter::once(born.as_str())
                .chain(bands.iter().map(|b| b.label.as_str()))
                .collect(),
            Kind::Generation { first, second, later, .. } => {
                let first = first.iter().map(|b| b.label.as_str());
                first.chain([second.as_str(), later[0].as_str()]).collect()
            }
        }
    }

    /// Its groups; none for bands and generations.
    pub fn groups(&self) -> &[Group] {
        match &self.kind {
            Kind::Groups { groups, .. } => groups,
            _ => &[],
        }
    }

    /// True when its levels can be written in that wording.
    pub fn has_wording(&self, wording: Wording) -> bool {
        match wording {
            Wording::Short => true,
            Wording::Census => self.groups().iter().any(|g| g.census.is_some()),
            Wording::Wales => self.groups().iter().any(|g| g.wales.is_some()),
        }
    }

    /// The group that a label means, whatever its case, punctuation and order of words, and with
    /// or without the broad heading before a colon or a dash.
    ///
    /// `None` when no group is meant or more than one could be.
    ///
    /// ```
    /// let scheme = rakewell::data::schemes::find("ons-2021-19").expect("a standard");
    /// let label = |text| scheme.matched(text).map(|g| g.label.as_str());
    /// assert_eq!(label("asian / asian british – INDIAN"), Some("Indian"));
    /// assert_eq!(label("White & Black Caribbean"), Some("Mixed White and Black Caribbean"));
    /// assert_eq!(label("Black"), None); // a heading, not one of the nineteen
    /// ```
    pub fn matched(&self, text: &str) -> Option<&Group> {
        let groups = self.groups();
        let exact = |g: &&Group| {
            [Some(&g.label), g.census.as_ref(), g.wales.as_ref()].contains(&Some(&text.to_string()))
        };
        if let Some(group) = groups.iter().find(exact) {
            return Some(group);
        }
        let phrase = Phrase::of(text);
        let fits = |g: &&Group| g.phrases.iter().any(|own| own.fits(&phrase, &g.heads));
        let mut found = groups.iter().filter(fits);
        match (found.next(), found.next()) {
            (Some(group), None) => Some(group),
            _ => None,
        }
    }

    /// The group of this classification that takes in all of `group`.
    pub fn taking_in(&self, group: &Group) -> Option<&Group> {
        self.groups().iter().find(|g| group.parts.is_subset(&g.parts))
    }
}

/// All classifications, those of ethnicity first.
pub fn all() -> Vec<Scheme> {
    let mut all = file::ethnicity();
    all.extend(file::migration());
    all
}

/// The classification of that name, or with that name among its other names.
pub fn find(name: &str) -> Option<Scheme> {
    let lower = name.to_lowercase();
    all().into_iter().find(|s| s.name == lower || s.other_names.contains(&lower))
}

/// The names of all classifications.
pub fn names() -> Vec<String> {
    all().into_iter().map(|s| s.name).collect()
}

#[cfg(test)]
mod tests;
