//! What can be wrong with a design, with counts and the way out.

/// A design that can't be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DesignError {
    /// The table has no rows.
    #[error("the data have no rows")]
    NoRows,
    /// A design variable is missing in some rows.
    #[error(
        "{count} rows have no value in `{variable}`, first in row {row}; every row needs a {role}"
    )]
    Missing {
        /// The variable.
        variable: String,
        /// What it is for.
        role: &'static str,
        /// Rows without a value.
        count: usize,
        /// The first of them, from 1.
        row: usize,
    },
    /// A weight is negative.
    #[error(
        "{count} weights in `{variable}` are negative, first {value} in row {row}; a design weight is zero or more"
    )]
    NegativeWeight {
        /// The variable.
        variable: String,
        /// Rows with a negative weight.
        count: usize,
        /// The first of them, from 1.
        row: usize,
        /// Its weight.
        value: f64,
    },
    /// A weight is infinite.
    #[error("the weight in `{variable}` is not finite in row {row}")]
    InfiniteWeight {
        /// The variable.
        variable: String,
        /// The row, from 1.
        row: usize,
    },
    /// All weights are zero.
    #[error("all weights in `{variable}` are zero; nothing can be estimated")]
    AllZero {
        /// The variable.
        variable: String,
    },
    /// A selection probability is outside (0, 1].
    #[error("{count} probabilities in `{variable}` are outside (0, 1], first {value} in row {row}")]
    Probability {
        /// The variable.
        variable: String,
        /// Rows concerned.
        count: usize,
        /// The first of them, from 1.
        row: usize,
        /// Its value.
        value: f64,
    },
    /// PSU identifiers occur in more than one stratum.
    #[error(
        "{count} identifiers in `{clusters}` occur in more than one stratum of `{strata}`, first `{example}`; if identifiers start anew in each stratum say `nested = true`, else the data are wrong"
    )]
    NotNested {
        /// The cluster variable.
        clusters: String,
        /// The strata variable.
        strata: String,
        /// How many identifiers.
        count: usize,
        /// The first of them.
        example: String,
    },
    /// A population size differs within a stratum.
    #[error(
        "`{variable}` differs within stage-{stage} stratum {stratum}: {first} and {second}; the population size must be one number per stratum"
    )]
    FpcVaries {
        /// The fpc variable.
        variable: String,
        /// The stage, from 1.
        stage: usize,
        /// The stratum, in words.
        stratum: String,
        /// One value.
        first: f64,
        /// Another.
        second: f64,
    },
    /// Some values are counts, others fractions.
    #[error(
        "`{variable}` holds both counts (1 or more) and fractions (below 1); use one or the other"
    )]
    FpcMixed {
        /// The fpc variable.
        variable: String,
    },
    /// A population size is zero or negative.
    #[error(
        "`{variable}` is {value} in row {row}; a population size or a sampling fraction is positive"
    )]
    FpcNotPositive {
        /// The fpc variable.
        variable: String,
        /// The row, from 1.
        row: usize,
        /// Its value.
        value: f64,
    },
    /// More units were sampled than there are.
    #[error(
        "{count} strata at stage {stage} have more sampled units than `{variable}` says exist, first stratum {stratum}: {sampled} sampled, {population} exist"
    )]
    FpcTooSmall {
        /// The fpc variable.
        variable: String,
        /// The stage, from 1.
        stage: usize,
        /// How many strata.
        count: usize,
        /// The first of them, in words.
        stratum: String,
        /// Units sampled in it.
        sampled: usize,
        /// Units that exist in it.
        population: f64,
    },
    /// There are population sizes for more stages than there are clusters.
    #[error(
        "fpc is given for {fpc} stages but there are only {stages}; give one fpc variable per stage"
    )]
    FpcStages {
        /// Stages with an fpc.
        fpc: usize,
        /// Stages of clusters.
        stages: usize,
    },
    /// Strata have one PSU and the policy is to stop.
    #[error(
        "{count} strata at stage {stage} have one unit ({strata}), so their variance can't be estimated; set `lonely-psu` to center, average, certainty, remove or collapse"
    )]
    LonelyPsu {
        /// The stage, from 1.
        stage: usize,
        /// How many strata.
        count: usize,
        /// The first few, in words.
        strata: String,
    },
    /// A stratum with one unit has no stratum beside it to collapse it with.
    #[error(
        "stratum {stratum} at stage {stage} has one unit and none beside it to be joined with: it needs a neighbour within the same unit of the stage above that is not a census; set `lonely-psu` to center, average, certainty or remove, or join strata in the data"
    )]
    NothingToCollapse {
        /// The stage, from 1.
        stage: usize,
        /// The stratum, in words.
        stratum: String,
    },
    /// A column has a length other than the table's.
    #[error("`{variable}` has {found} rows, the weights have {expected}")]
    Length {
        /// The variable.
        variable: String,
        /// Its rows.
        found: usize,
        /// Rows expected.
        expected: usize,
    },
}

/// Something about a design that its user should know.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum DesignFinding {
    /// Rows with weight zero: kept in the design, outside every estimate.
    ZeroWeights {
        /// How many.
        count: usize,
    },
    /// Rows with a missing weight were taken as weight zero.
    MissingWeights {
        /// How many.
        count: usize,
    },
    /// Strata with one unit, treated by the policy.
    Lonely {
        /// The stage, from 1.
        stage: usize,
        /// How many strata.
        count: usize,
        /// The first few, in words.
        strata: String,
        /// What was done.
        policy: LonelyPsu,
    },
}

use super::lonely::LonelyPsu;

impl std::fmt::Display for DesignFinding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            DesignFinding::ZeroWeights { count } => {
                write!(
                    f,
                    "{count} rows have weight zero: they stay in the design and are outside every estimate"
                )
            }
            DesignFinding::MissingWeights { count } => {
                write!(f, "{count} rows have no weight and are taken as weight zero")
            }
            DesignFinding::Lonely { stage, count, strata, policy } => {
                let done = match policy {
                    LonelyPsu::Error => "an error",
                    LonelyPsu::Center => "centred on the mean of all units",
                    LonelyPsu::Average => "given the average variance of the other strata",
                    LonelyPsu::Certainty => "taken as selected with certainty",
                    LonelyPsu::Remove => "left out of the variance",
                    LonelyPsu::Collapse => "joined with a neighbouring stratum",
                };
                let (noun, verb) =
                    if *count == 1 { ("stratum", "has") } else { ("strata", "have") };
                write!(f, "{count} {noun} at stage {stage} {verb} one unit ({strata}): {done}")
            }
        }
    }
}
