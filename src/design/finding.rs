//! What the user of a design should know.

use super::error::counted;
use super::lonely::LonelyPsu;

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
    /// Strata that were joined.
    Collapsed {
        /// The stage, from 1.
        stage: usize,
        /// How many strata came out of it.
        count: usize,
        /// The first few of them, each as the strata it was made of.
        joined: Vec<String>,
        /// The variable by which neighbours were found.
        by: Option<String>,
    },
    /// PSUs that were drawn and have no rows.
    EmptyPsus {
        /// How many.
        count: usize,
        /// All that were drawn.
        drawn: usize,
    },
    /// Samples that are said to share PSUs, and have none in common.
    NothingShared {
        /// The samples.
        samples: Vec<String>,
    },
}

impl std::fmt::Display for DesignFinding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            DesignFinding::ZeroWeights { count } => {
                let rows = counted(*count, "row has", "rows have");
                write!(f, "{rows} weight zero: in the design, outside every estimate")
            }
            DesignFinding::MissingWeights { count } => {
                let rows = counted(*count, "row has", "rows have");
                write!(f, "{rows} no weight: taken as weight zero, outside every estimate")
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
            DesignFinding::Collapsed { stage, count, joined, by } => {
                let rule = match by {
                    Some(variable) => {
                        format!("with the stratum nearest in the mean of `{variable}`")
                    }
                    None => {
                        "with the stratum before, else after, in the order of their codes".into()
                    }
                };
                let more = if *count > joined.len() { ", …" } else { "" };
                let joined = joined.join(", ");
                write!(f, "strata of stage {stage} were joined {rule}: {joined}{more}")
            }
            DesignFinding::EmptyPsus { count, drawn } => {
                let (have, count_as) =
                    if *count == 1 { ("has", "counts as") } else { ("have", "count as") };
                write!(f, "{count} of {drawn} PSUs drawn {have} no rows and {count_as} zero")
            }
            DesignFinding::NothingShared { samples } => {
                let samples = samples.join(", ");
                write!(
                    f,
                    "the samples {samples} are said to share PSUs, but no PSU has rows of two of them"
                )
            }
        }
    }
}
