//! What planning needs beside the design: targets, prices, assumptions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::toml_file::Names;

use super::Figure;

/// Targets, costs and assumptions of planning.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Plan {
    /// The money that costs are counted in, such as "GBP" or "£".
    pub currency: Option<String>,
    /// The most that may be spent on what varies. With it, `rakewell plan` looks for the design
    /// whose worst target is met best.
    pub budget: Option<Figure>,
    /// Costs that do not vary with the sample.
    pub fixed_cost: Option<Figure>,
    /// The confidence level of half-widths; 0.95 if not given.
    pub confidence: Option<f64>,
    /// The proportion that precision is reckoned for; 0.5 if not given.
    pub proportion: Option<Figure>,
    /// How alike people of one area are: the intra-cluster correlation; 0.02 if not given.
    pub icc: Option<Figure>,
    /// How alike people of one household are beyond that; 0.2 if not given.
    pub icc_household: Option<Figure>,
    /// Domains, each with how precisely it is to be known.
    #[serde(default)]
    pub target: Vec<Target>,
    /// Differences between groups that are to be found.
    #[serde(default)]
    pub compare: Vec<Comparison>,
    /// Domains that are shown without a target: the crossing of classes of groups and of columns
    /// of the area frame.
    #[serde(default)]
    pub cross: Vec<Crossing>,
    /// What may be changed to meet the targets; if nothing is given, the size of every sample.
    #[serde(default)]
    pub vary: Vec<Vary>,
}

/// How precisely a domain is to be known. Give one of `half-width`, `cv`, `n-effective` and `n`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Target {
    /// Its name for people.
    pub label: Option<String>,
    /// The group, or groups of different classes whose crossing is meant. Everybody if not given.
    pub group: Option<Names>,
    /// The areas, as a condition on the columns of the area frame.
    #[serde(rename = "where")]
    pub part: Option<String>,
    /// Half the width of the confidence interval of the proportion: 0.03 for 3 points.
    pub half_width: Option<Figure>,
    /// The coefficient of variation of the proportion (standard error over proportion).
    pub cv: Option<Figure>,
    /// The effective sample size.
    pub n_effective: Option<Figure>,
    /// The number of people interviewed.
    pub n: Option<Figure>,
    /// The proportion, where it differs from that of the plan.
    pub proportion: Option<Figure>,
    /// The intra-cluster correlation, where it differs from that of the plan.
    pub icc: Option<Figure>,
}

/// A difference between two domains that is to be found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Comparison {
    /// Its name for people.
    pub label: Option<String>,
    /// The group or crossing of groups.
    pub group: Names,
    /// The other one. Everybody who is not in `group` if not given.
    pub with: Option<Names>,
    /// The areas, as a condition on the columns of the area frame.
    #[serde(rename = "where")]
    pub part: Option<String>,
    /// The difference of the two proportions that is to be found.
    pub difference: Figure,
    /// The proportion in `with`, where it differs from that of the plan.
    pub proportion: Option<Figure>,
    /// With which probability it is to be found; 0.8 if not given.
    pub power: Option<f64>,
    /// The level of the two-sided test; 1 minus the confidence if not given.
    pub alpha: Option<f64>,
}

/// Domains that are shown: the crossing of classes and columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Crossing {
    /// Classes of groups and columns of the area frame, such as ["ethnicity", "migration",
    /// "nation"].
    pub by: Names,
}

/// Something that may be changed to meet the targets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Vary {
    /// The sample.
    pub sample: String,
    /// What of it.
    pub what: VaryWhat,
    /// For `psus`: columns of the area frame; each crossing of their values gets a size of its own.
    pub by: Option<Names>,
    /// The least it may be, as a multiple of what the design says.
    pub least: Option<f64>,
    /// The most it may be, as a multiple of what the design says.
    pub most: Option<f64>,
}

/// What of a sample may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum VaryWhat {
    /// The number of first-stage units.
    Psus,
    /// The share of eligible households kept after screening, by group.
    Keep,
}

/// How a total is shared out among strata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Allocation {
    /// In proportion to the measure of size, or to the units where there is none.
    Proportional,
    /// The same number to each.
    Equal,
    /// In proportion to the square root of the size (Bankier 1988, with power 1/2).
    SquareRoot,
    /// In proportion to size times spread over the root of the price (Neyman 1934).
    Neyman,
}
