//! The population file as written: plain types that the JSON schema is made from.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::toml_file::{Names, Pairs};

/// A population: areas, the households in them, the people in these, and what they would answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Population {
    /// Title of the population.
    pub title: String,
    /// What it stands for, and how far it is made up; plain paragraphs.
    pub description: Option<String>,
    /// Where its figures come from.
    pub source: Option<String>,
    /// The seed of the random numbers; `--seed` goes before it.
    pub seed: u32,
    /// The areas.
    pub areas: Areas,
    /// Shares of households with 1, 2, 3, … people.
    pub household_sizes: Vec<f64>,
    /// What people are, in the order in which it is drawn.
    #[serde(default)]
    pub attribute: Vec<Attribute>,
    /// What people would answer.
    #[serde(default)]
    pub outcome: Vec<Outcome>,
    /// Columns that say what share of an area's people fulfil a condition, for strata and boosts.
    #[serde(default)]
    pub share: Vec<Share>,
    /// Margins to write: one variable, or several that cross.
    #[serde(default)]
    pub margin: Vec<Margin>,
}

/// The areas.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Areas {
    /// How many; in place of `file`.
    pub number: Option<f64>,
    /// A data file with one row per area, relative to this one. Its columns are put on every row.
    pub file: Option<PathBuf>,
    /// The column that tells areas apart, in the file or to be made; `area` if not given.
    pub id: Option<String>,
    /// The households of an area: a number, a least and a largest number, or a column of the file.
    pub households: Households,
}

/// The households of an area.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Households {
    /// The same in every area.
    Number(f64),
    /// Any number between two, equally likely.
    Between([f64; 2]),
    /// A column of the file of areas.
    Column(String),
}

/// What an attribute belongs to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Of {
    /// The area: all its people have it.
    Area,
    /// The household: its people have it, or as many of them as `alike` says.
    Household,
    /// Each person.
    #[default]
    Person,
}

/// Something people are: a variable with levels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Attribute {
    /// The name of the column.
    pub name: String,
    /// Its label.
    pub label: Option<String>,
    /// What it belongs to; each person if not given.
    #[serde(default)]
    pub of: Of,
    /// An earlier attribute whose levels have shares of their own.
    pub given: Option<String>,
    /// The share of each level; with `given`, a table of them for each level of that one. Shares are
    /// scaled to 1.
    #[serde(default)]
    pub shares: Pairs<Shares>,
    /// In place of `shares`: columns of the file of areas with the people (or shares) of each level.
    #[serde(default)]
    pub columns: Pairs<String>,
    /// How unequal areas are: the correlation within areas of belonging to a level. Areas have shares
    /// from a Dirichlet distribution about `shares`.
    pub clustering: Option<f64>,
    /// For attributes of households: the share of people who have that of the household; others have
    /// one of their own. 1 if not given.
    pub alike: Option<f64>,
}

/// A share, or a table of shares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Shares {
    /// The share of a level.
    Share(f64),
    /// The shares of the levels, for a level of the attribute that is `given`.
    Table(Pairs<f64>),
}

/// The kind of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// 1 for yes and 0 for no; its mean is the probability of yes.
    YesNo,
    /// A number, normal about its mean.
    Number,
}

/// Something people would answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Outcome {
    /// The name of the column.
    pub name: String,
    /// Its label.
    pub label: Option<String>,
    /// The kind.
    pub kind: Kind,
    /// The mean, or the probability of yes, of people of whom `by` says nothing.
    pub mean: f64,
    /// How groups differ; each is applied after the one before.
    #[serde(default)]
    pub by: Vec<Effect>,
    /// For numbers: the standard deviation within a group.
    pub sd: Option<f64>,
    /// For numbers: the least and the largest answer.
    pub range: Option<[f64; 2]>,
    /// For numbers: true for whole numbers.
    #[serde(default)]
    pub whole: bool,
    /// The correlation of two people of an area (of the normal variable behind a yes or no).
    pub area: Option<f64>,
    /// What two people of a household have in common beyond that.
    pub household: Option<f64>,
}

/// How the groups of an attribute differ in an outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Effect {
    /// The attribute.
    pub attribute: String,
    /// The mean of a level, in place of that before.
    #[serde(default)]
    pub mean: Pairs<f64>,
    /// What a level adds to it.
    #[serde(default)]
    pub add: Pairs<f64>,
}

/// A column with the share of an area's people who fulfil a condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Share {
    /// The name of the column.
    pub name: String,
    /// The condition on attributes.
    #[serde(rename = "where")]
    pub part: String,
}

/// A margin to write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Margin {
    /// The variable, or several that cross.
    pub by: Names,
}
