//! What planning finds, for people and for machines.

use serde::{Serialize, Serializer};

use crate::diagnostic::Diagnostics;

use super::yields::StageTotal;

/// What a design yields, what it costs, and how precise it will be.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// Title of the design.
    pub title: String,
    /// The money that costs are counted in; empty if not said.
    pub currency: String,
    /// The confidence level of half-widths.
    pub confidence: f64,
    /// Rows of the frame.
    pub areas: usize,
    /// Target people of the frame.
    pub people: f64,
    /// Households of the frame.
    pub households: f64,
    /// Every sample as the design has it.
    pub samples: Vec<SamplePlan>,
    /// Whom the samples can reach, by group.
    pub coverage: Vec<Coverage>,
    /// Domains: everybody, every group, crossings, targets.
    pub domains: Vec<DomainPlan>,
    /// Differences that are to be found.
    pub comparisons: Vec<ComparisonPlan>,
    /// What the design costs, with what does not vary.
    pub cost: f64,
    /// The design that meets the targets; `None` without targets.
    pub optimum: Option<Optimum>,
    /// Other ways to share areas out among strata.
    pub allocations: Vec<Allocations>,
    /// What changes with the assumptions.
    pub sensitivity: Vec<Variant>,
    /// What the reader must know.
    pub notes: Vec<String>,
    /// What is doubtful about the frame and the design.
    #[serde(serialize_with = "in_words")]
    pub warnings: Diagnostics,
}

fn in_words<S: Serializer>(found: &Diagnostics, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(found.0.iter().map(ToString::to_string))
}

impl Plan {
    /// True when something that was asked for is missed: by the design that was found for it, or, where none was
    /// looked for because nothing that varies has a price, by the design as written. False where no design was asked for.
    pub fn misses(&self) -> bool {
        let missed = |domains: &[DomainPlan], comparisons: &[ComparisonPlan]| {
            domains.iter().flat_map(|d| &d.targets).any(|t| !t.met)
                || comparisons.iter().any(|c| !c.met)
        };
        match &self.optimum {
            None => false,
            Some(Optimum::Optimal { unmet, domains, comparisons, .. }) => {
                !unmet.is_empty() || missed(domains, comparisons)
            }
            Some(Optimum::NoPrice { .. }) => missed(&self.domains, &self.comparisons),
            Some(_) => true,
        }
    }
}

/// A sample in numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SamplePlan {
    /// Its name in the file.
    pub name: String,
    /// Its name for people.
    pub label: String,
    /// The sample whose members these are, by its name for people: they are counted there.
    pub part_of: Option<String>,
    /// Its stages.
    pub stages: Vec<StageTotal>,
    /// What it costs.
    pub cost: f64,
    /// The areas among its first-stage units that are drawn with certainty.
    pub certain: Option<Certain>,
}

/// Areas that a sample draws with certainty.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Certain {
    /// How many.
    pub areas: f64,
    /// What they cost, with all that is done in them.
    pub cost: f64,
}

/// Whom the samples can reach.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Coverage {
    /// The group.
    pub label: String,
    /// Its people in the frame.
    pub population: f64,
    /// The share that each sample can reach.
    pub by_sample: Vec<f64>,
    /// The share that any of them can reach.
    pub any: f64,
}

/// How precision is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Measure {
    /// Half the width of the confidence interval of a proportion.
    HalfWidth,
    /// Its coefficient of variation.
    Cv,
    /// The effective sample size.
    NEffective,
    /// The number of interviews.
    N,
}

/// A target and what is expected of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TargetPlan {
    /// How it is measured.
    pub measure: Measure,
    /// What is wanted.
    pub wanted: f64,
    /// What is expected.
    pub reached: f64,
    /// True when it is met.
    pub met: bool,
}

/// A domain and what is expected of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DomainPlan {
    /// Its name.
    pub label: String,
    /// Its people in the frame.
    pub population: f64,
    /// The share of them that can be reached.
    pub coverage: f64,
    /// Interviews by sample.
    pub by_sample: Vec<f64>,
    /// Interviews.
    pub n: f64,
    /// The effective sample size.
    pub n_effective: Option<f64>,
    /// The design effect.
    pub deff: Option<f64>,
    /// The part of it that comes from unequal weights.
    pub deff_weights: Option<f64>,
    /// The proportion that precision is reckoned for.
    pub proportion: f64,
    /// Half the width of its confidence interval.
    pub half_width: Option<f64>,
    /// Its coefficient of variation.
    pub cv: Option<f64>,
    /// What was asked of it.
    pub targets: Vec<TargetPlan>,
}

/// A difference that is to be found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComparisonPlan {
    /// Its name.
    pub label: String,
    /// The effective sample sizes of the two domains.
    pub n_effective: (f64, f64),
    /// The proportion in the second.
    pub proportion: f64,
    /// The difference that is to be found.
    pub difference: f64,
    /// The level of the test.
    pub alpha: f64,
    /// The power that is wanted.
    pub wanted: f64,
    /// The power that is expected.
    pub power: f64,
    /// True when that is what is wanted, or more.
    pub met: bool,
    /// The smallest difference (upwards) that is found with the wanted power.
    pub detectable: Option<f64>,
}

/// The design that meets the targets.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Optimum {
    /// Found.
    Optimal {
        /// Without a budget 1; with one, the factor by which all variances miss (above 1) or
        /// better (below 1) what is wanted.
        factor: f64,
        /// The budget, if there is one.
        budget: Option<f64>,
        /// What it costs, with what does not vary.
        cost: f64,
        /// What the least sizes cost that are not rounded to whole units.
        least_cost: f64,
        /// Targets that no choice meets, and that the design was chosen without.
        unmet: Vec<Unmet>,
        /// What was chosen.
        sizes: Vec<SizePlan>,
        /// Its samples.
        samples: Vec<SamplePlan>,
        /// Its domains.
        domains: Vec<DomainPlan>,
        /// Its comparisons.
        comparisons: Vec<ComparisonPlan>,
        /// What the targets cost.
        prices: Vec<Price>,
    },
    /// No choice meets any of the targets.
    Infeasible {
        /// The targets.
        targets: Vec<Unmet>,
        /// False when nothing is left that may vary.
        varies: bool,
    },
    /// The budget does not pay for what cannot be changed.
    TooPoor {
        /// The budget.
        budget: f64,
    },
    /// Something that varies has no cost, so that there is nothing to minimise.
    NoPrice {
        /// Its sample.
        sample: String,
    },
    /// The search did not settle within its limit of rounds.
    NotConverged,
}

/// A target that cannot be met.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Unmet {
    /// Its name.
    pub label: String,
    /// What is wanted, and what is reached with every size at its most: for a target.
    pub target: Option<TargetPlan>,
    /// The same for a difference.
    pub comparison: Option<ComparisonPlan>,
}

/// A size that was chosen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SizePlan {
    /// The sample.
    pub sample: String,
    /// The part of it.
    pub part: String,
    /// What is counted: units of the first stage, or the share that is kept.
    pub what: String,
    /// As the design has it.
    pub before: f64,
    /// As it should be; ten units or more are rounded to a whole number, upwards, or with a budget downwards.
    pub after: f64,
}

/// What a target costs at the margin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Price {
    /// The target.
    pub label: String,
    /// In words: "one point less of half-width costs about …".
    pub words: String,
    /// The cost of tightening it by 1 % of its value.
    pub per_percent: f64,
}

/// Another way to share areas out among the strata of a sample.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Allocations {
    /// The sample.
    pub sample: String,
    /// The rules compared.
    pub rules: Vec<String>,
    /// Half-widths: by domain, label and one value per rule.
    pub half_widths: Vec<(String, Vec<Option<f64>>)>,
}

/// The plan under another assumption.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Variant {
    /// The figure that is changed.
    pub what: String,
    /// What it is in the design.
    pub value: f64,
    /// What it is here.
    pub changed: f64,
    /// What the design then costs.
    pub cost: f64,
    /// Interviews in all samples.
    pub n: f64,
    /// The target that is missed by most (or met by least), and what is reached.
    pub worst: Option<(String, TargetPlan)>,
}
