//! One sample: its stages from the first units to the people.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::toml_file::{Names, Pairs, Scalar};

use super::{Allocation, Amount, Figure};

/// One sample of the design.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Sample {
    /// Its name in this file, and in the data.
    pub name: String,
    /// Its name for people.
    pub label: Option<String>,
    /// What it is for.
    pub kind: Option<Kind>,
    /// The name of the frame it is drawn from; the first frame if not given.
    pub frame: Option<String>,
    /// The part of the frame it is drawn from, as a condition on the columns of the frame. What
    /// lies outside is the sample's coverage gap.
    #[serde(rename = "where")]
    pub part: Option<String>,
    /// Why the rest is left out.
    pub excluded: Option<String>,
    /// When fieldwork begins: "2009", "2009-01" or "2009-01-08".
    pub from: Option<String>,
    /// When fieldwork ends.
    pub to: Option<String>,
    /// The value of the data's variable of sample origin, or several.
    #[serde(default)]
    pub origin: Vec<Scalar>,
    /// The sample whose first-stage units are used again: the two samples share their PSUs.
    pub psus_of: Option<String>,
    /// The sample whose members these are: they are not drawn again, and not counted again.
    pub part_of: Option<String>,
    /// Samples whose units cannot be drawn again into this one.
    pub without: Option<Names>,
    /// Its stages, in order: areas, addresses, households, people.
    #[serde(default)]
    pub stage: Vec<Stage>,
    /// What is published about its size.
    #[serde(default)]
    pub published: Vec<Published>,
    /// What else there is to say.
    pub note: Option<String>,
}

/// What a sample is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// The whole population.
    General,
    /// Small groups at higher rates.
    Boost,
    /// Others beside the boost, to compare with.
    Comparison,
    /// A register or a list of names.
    List,
    /// People of an earlier sample.
    Panel,
    /// New members for a panel.
    Refreshment,
}

/// One stage: which units, and how they are drawn. Give one of `take`, `rate`, `most` and `all`,
/// here or in every stratum.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Stage {
    /// What is drawn: "sector", "address", "household", "person".
    pub unit: String,
    /// The column of the frame that tells the units apart.
    pub id: Option<String>,
    /// How they are drawn; at random, or `pps-systematic` where `size` is given.
    pub method: Option<Method>,
    /// Explicit strata: the crossing of these columns of the frame.
    pub strata: Option<Names>,
    /// Implicit strata: the order of a systematic sample.
    pub sort: Option<Names>,
    /// True when the order turns at every change of the column before (up, down, up).
    #[serde(default)]
    pub serpentine: bool,
    /// The measure of size: a column of the frame, or a formula. Units whose share would be more
    /// than one are taken with certainty.
    pub size: Option<String>,
    /// Which units can be drawn, as a condition on the columns of the frame.
    #[serde(rename = "where")]
    pub part: Option<String>,
    /// Why the other units are left out.
    pub excluded: Option<String>,
    /// The number to draw: at the first stage in all, at later ones from each unit of the stage
    /// before.
    pub take: Option<Amount>,
    /// The fraction to draw.
    pub rate: Option<Amount>,
    /// All units up to this number; that many at random where there are more.
    pub most: Option<Amount>,
    /// True to draw all units.
    #[serde(default)]
    pub all: bool,
    /// How `take` is shared out among `strata`.
    pub allocation: Option<Allocation>,
    /// For `allocation = "neyman"`: a column of the frame, or a formula, whose standard deviation within
    /// strata stands for that of the outcome.
    pub spread: Option<String>,
    /// Strata with a number, rate or method of their own, in place of that of the stage.
    #[serde(default)]
    pub stratum: Vec<Stratum>,
    /// For the method `cube`: the variables whose totals the sample is to keep.
    pub balance: Option<Names>,
    /// A column of permanent random numbers between 0 and 1, to coordinate with other samples.
    pub random_number: Option<String>,
    /// The number of these units in each unit of the stage before: a column of the area frame, a
    /// formula, or an average. At the first stage the frame has it.
    pub count: Option<Amount>,
    /// The share of the drawn units that are in scope: occupied dwellings among addresses.
    pub in_scope: Option<Figure>,
    /// Asking at the door who is eligible.
    pub screening: Option<Screening>,
    /// The share of eligible units that take part.
    pub response: Option<Figure>,
    /// The same by group, in place of `response`.
    #[serde(default)]
    pub response_by: Pairs<Figure>,
    /// What one drawn unit costs.
    pub cost: Option<Figure>,
    /// What one unit that takes part costs besides.
    pub cost_responding: Option<Figure>,
}

/// A stratum of a stage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Stratum {
    /// Its name.
    pub name: String,
    /// Its name for people.
    pub label: Option<String>,
    /// Which units are in it, as a condition on the columns of the frame; the first stratum whose
    /// condition holds has the unit. Without a condition, all that are left.
    #[serde(rename = "where")]
    pub part: Option<String>,
    /// How many units of the frame are in it, where that is known.
    pub units: Option<Figure>,
    /// The number to draw.
    pub take: Option<Amount>,
    /// The fraction to draw.
    pub rate: Option<Amount>,
    /// All units up to this number.
    pub most: Option<Amount>,
    /// True to draw all units: each is taken with certainty.
    #[serde(default)]
    pub all: bool,
    /// How they are drawn.
    pub method: Option<Method>,
    /// The measure of size.
    pub size: Option<String>,
    /// The share of its eligible units that take part.
    pub response: Option<Figure>,
}

/// How units are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Method {
    /// Simple random sampling without replacement.
    SimpleRandom,
    /// Every k-th unit after a random start, in the order of `sort`.
    Systematic,
    /// Each unit by itself with the same probability.
    Bernoulli,
    /// Systematic, with probabilities proportional to size.
    PpsSystematic,
    /// Systematic in random order, with probabilities proportional to size.
    PpsRandomSystematic,
    /// Rejective, with probabilities proportional to size (Sampford 1967).
    Sampford,
    /// Draw by draw, with probabilities proportional to size (Brewer 1975).
    Brewer,
    /// Order sampling, with probabilities about proportional to size (Rosén 1997).
    Pareto,
    /// Each unit by itself with a probability proportional to size.
    Poisson,
    /// Poisson sampling of a fixed size (Hájek 1964).
    ConditionalPoisson,
    /// Elimination, with probabilities proportional to size (Tillé 1996).
    Tille,
    /// One unit proportional to size, the others at random (Midzuno 1952).
    Midzuno,
    /// Balanced on the totals of `balance` (Deville and Tillé 2004).
    Cube,
}

/// Asking at the door who is eligible.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Screening {
    /// The groups that make a household eligible.
    pub groups: Names,
    /// Who must belong to one of them.
    #[serde(default)]
    pub eligible: Eligible,
    /// The share of households in scope whose eligibility is found out.
    pub response: Option<Figure>,
    /// Of those whose eligibility is not found out, the share that is taken to be eligible: for
    /// response rates and weights. The share among the others if not given.
    pub unresolved_eligible: Option<Figure>,
    /// The share of eligible households that the screening recognises.
    pub sensitivity: Option<Figure>,
    /// The share of eligible households that are kept, by group; 1 for groups not named.
    #[serde(default)]
    pub keep: Pairs<Figure>,
    /// How a household with people of several groups is kept.
    #[serde(default)]
    pub keep_rule: Keep,
    /// Focused enumeration: the number of neighbouring addresses that each visited address is
    /// asked about.
    pub neighbours: Option<Figure>,
    /// What screening one household costs.
    pub cost: Option<Figure>,
}

/// Who must belong to an eligible group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Eligible {
    /// Any member of the household.
    #[default]
    AnyMember,
    /// All of them.
    AllMembers,
    /// The head, or reference person.
    Head,
    /// Each person alone: only the people of the groups are eligible, not their households.
    Person,
}

/// How a household with people of several groups is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Keep {
    /// With the largest of the rates of its groups.
    #[default]
    Largest,
    /// When any of its groups is kept, each by itself: 1 − ∏(1 − rate).
    Independent,
}

/// A published number of units, to hold the design against.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Published {
    /// The unit: that of a stage.
    pub unit: String,
    /// Which of these units are counted.
    #[serde(default)]
    pub of: PublishedOf,
    /// The number.
    pub count: Figure,
    /// How far off the design may be and still agree, as a share: 0.05 for "approximately".
    pub within: Option<f64>,
}

/// Which units a published number counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PublishedOf {
    /// All that were drawn.
    #[default]
    Drawn,
    /// Those that took part.
    Responding,
}
