//! The design file as written: plain types that the JSON schema is made from.

mod analysis;
mod plan;
mod sample;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::toml_file::Pairs;

pub use crate::toml_file::{Names, Scalar};
pub use analysis::{Analysis, Code, ProfileWeight};
pub use plan::{Allocation, Comparison, Crossing, Plan, Target, Vary, VaryWhat};
pub use sample::{
    Eligible, Keep, Kind, Method, Published, PublishedOf, Sample, Screening, Stage, Stratum,
};

/// A design: how one or several samples of a population are, or were, drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Design {
    /// Title of the design.
    pub title: String,
    /// What the design is for; plain paragraphs.
    pub description: Option<String>,
    /// Works that figures are taken from, by a short key: `source = "key"` at a figure cites one.
    #[serde(default)]
    pub sources: Pairs<String>,
    /// Whom the samples are to speak for.
    #[serde(default)]
    pub population: Population,
    /// Groups of people: who is eligible, whom the planning is for.
    #[serde(default)]
    pub group: Vec<Group>,
    /// Lists that samples are drawn from.
    #[serde(default)]
    pub frame: Vec<Frame>,
    /// Samples, each with its own strata, stages, sizes and dates.
    pub sample: Vec<Sample>,
    /// How the samples are put together.
    pub combine: Option<Combine>,
    /// How data from this design are analysed: names of strata, PSUs and weights.
    pub analysis: Option<Analysis>,
    /// Targets, costs and assumptions for `rakewell plan`.
    #[serde(default)]
    pub plan: Plan,
}

/// A figure: a number alone, or a table that says where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Figure {
    /// The number alone.
    Number(f64),
    /// The number with its mark.
    Marked(Marked),
}

/// A number with where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Marked {
    /// The number.
    pub value: f64,
    /// Where it is published: a key of `[sources]`, or a citation.
    pub source: Option<String>,
    /// That it is not known, and what it rests on.
    pub assumed: Option<String>,
    /// The least and the largest value that are plausible; planning shows what they change.
    pub range: Option<[f64; 2]>,
}

impl Figure {
    /// The number.
    pub fn value(&self) -> f64 {
        match self {
            Figure::Number(number) => *number,
            Figure::Marked(marked) => marked.value,
        }
    }

    /// What marks it, if anything.
    pub fn mark(&self) -> Option<&Marked> {
        match self {
            Figure::Number(_) => None,
            Figure::Marked(marked) => Some(marked),
        }
    }
}

/// A number, a number with its mark, or a formula over the columns of the frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Amount {
    /// The number alone.
    Number(f64),
    /// A formula over the columns of the frame, such as "0.02 + 0.1 * (black / people)".
    Formula(String),
    /// The number with its mark.
    Marked(Marked),
}

impl Amount {
    /// The number, where it is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Amount::Number(number) => Some(*number),
            Amount::Marked(marked) => Some(marked.value),
            Amount::Formula(_) => None,
        }
    }

    /// What marks it, if anything.
    pub fn mark(&self) -> Option<&Marked> {
        match self {
            Amount::Marked(marked) => Some(marked),
            _ => None,
        }
    }
}

/// Whom the samples are to speak for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Population {
    /// In words: "people of 16 and over in private households".
    pub who: Option<String>,
    /// The people of the target population in an area: a column of the area frame, or a formula
    /// over several.
    pub count: Option<String>,
    /// The households in an area: a column of the area frame, or a formula.
    pub households: Option<String>,
    /// Which rows of a person frame belong to it, as a condition.
    pub is: Option<String>,
    /// Its size, where it is known beside the frame.
    pub size: Option<Figure>,
    /// Target people per household, where the area frame does not have both.
    pub per_household: Option<Figure>,
}

/// A group of people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Group {
    /// Its name in this file.
    pub name: String,
    /// Its name for people.
    pub label: Option<String>,
    /// The classification it belongs to, such as "ethnicity": groups of one class do not overlap.
    pub class: Option<String>,
    /// Its target people in an area: a column of the area frame, or a formula over several.
    pub count: Option<String>,
    /// In place of `count`: its share of each group of another class, by the group's name;
    /// "others" stands for everybody else.
    #[serde(default)]
    pub share: Pairs<Figure>,
    /// Which rows of a person frame belong to it, as a condition.
    pub is: Option<String>,
    /// Its target people in a household that has any, on average.
    pub per_household: Option<Figure>,
    /// Its size, where it is known beside the frame.
    pub size: Option<Figure>,
}

/// A list that samples are drawn from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Frame {
    /// Its name in this file.
    pub name: String,
    /// Its name for people.
    pub label: Option<String>,
    /// What it lists: "address", "person", "organisation".
    pub lists: Option<String>,
    /// The file that holds it, relative to this one; `--frame` goes before it.
    pub file: Option<std::path::PathBuf>,
    /// The share of each group that it covers, by the group's name; all if not given.
    #[serde(default)]
    pub covers: Pairs<Figure>,
    /// Who is not on it, in words.
    pub gap: Option<String>,
    /// Where this is described: a key of `[sources]`, or a citation.
    pub source: Option<String>,
}

/// How the samples are put together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Combine {
    /// The method.
    pub method: CombineMethod,
    /// For `composite`: the share that the first of two overlapping samples gets, by group;
    /// "others" stands for everybody else.
    #[serde(default)]
    pub factor: Pairs<Figure>,
    /// Where this is described: a key of `[sources]`, or a citation.
    pub source: Option<String>,
    /// That it is not known, and what it rests on.
    pub assumed: Option<String>,
}

/// How samples that overlap are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CombineMethod {
    /// The weight is 1 over the probability of being drawn into any: 1 − ∏(1 − π).
    TotalProbability,
    /// The weight is 1 over the sum of the probabilities over all samples.
    SumOfProbabilities,
    /// Weights are divided by the number of samples a unit could be drawn into.
    Multiplicity,
    /// Overlap is shared out with a factor per group (Hartley 1962).
    Composite,
    /// The samples are analysed apart.
    Separate,
}
