//! Why replicates can't be made or used.

use crate::weight::WeightError;

/// A set of replicates that can't be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplicateError {
    /// There are none.
    #[error("there are no replicate weights")]
    None,
    /// The method needs a scale.
    #[error(
        "replicates of this method need `scale` and `rscales`: they can't be derived from the number of replicates"
    )]
    ScaleMissing,
    /// The wrong number of scales.
    #[error("`rscales` has {found} entries for {expected} replicates")]
    ScaleCount {
        /// Entries given.
        found: usize,
        /// Replicates.
        expected: usize,
    },
    /// Fay's ρ is missing or out of range.
    #[error("Fay's method needs `rho` from 0 up to, not including, 1")]
    Rho,
    /// A replicate weight is missing.
    #[error("replicate weight `{column}` has no value in {count} rows with a positive weight")]
    Missing {
        /// The column.
        column: String,
        /// Rows.
        count: usize,
    },
    /// There is a single one.
    #[error("there is one replicate weight; a variance needs several")]
    One,
    /// All replicates are the same, or multiples of one another.
    #[error("all replicate weights are equal, so they say nothing about the variance")]
    AllEqual,
    /// A weighting step can't be repeated on a replicate.
    #[error("replicate {replicate}: {error}")]
    Weighting {
        /// The replicate, from 1.
        replicate: usize,
        /// What is wrong.
        error: WeightError,
    },
    /// A method for pairs of PSUs meets other strata.
    #[error("{method} takes strata of exactly two PSUs; {} {}", strata.len(), other(strata))]
    NotPairs {
        /// The method.
        method: &'static str,
        /// A row of each such stratum, and its PSUs.
        strata: Vec<(u32, usize)>,
    },
    /// A method for one stratum meets several.
    #[error(
        "the jackknife \"jk1\" is for an unstratified design, and this one has {strata} strata"
    )]
    Stratified {
        /// First-stage strata.
        strata: usize,
    },
    /// A method that needs the order in which PSUs were drawn meets some that have no rows.
    #[error(
        "{method} needs the order in which PSUs were drawn, which those without rows do not have"
    )]
    NoOrder {
        /// The method.
        method: &'static str,
    },
    /// A method for one stage meets a design whose later stages add to the variance.
    #[error("{method} is for one stage of selection, and {stages} stages add to the variance here")]
    Stages {
        /// The method.
        method: &'static str,
        /// Stages.
        stages: usize,
    },
    /// A lonely stratum that the method has no way to centre.
    #[error("{method} has nothing that corresponds to `lonely-psu = \"center\"`")]
    LonelyCenter {
        /// The method.
        method: &'static str,
    },
    /// Fewer than two replicates asked for.
    #[error("{replicates} replicates: a variance needs at least two")]
    Count {
        /// Replicates asked for.
        replicates: usize,
    },
    /// More replicates than can be told apart or held.
    #[error("{replicates} replicates are more than the {most} that are allowed")]
    TooMany {
        /// Replicates asked for.
        replicates: usize,
        /// The limit.
        most: usize,
    },
    /// A weight per row and replicate would not fit into the memory.
    #[error(
        "a weighting step looks at more than categories and is repeated row by row: {rows} rows × {replicates} replicates are too many to hold"
    )]
    TooLarge {
        /// Rows.
        rows: usize,
        /// Replicates.
        replicates: usize,
    },
    /// More groups than PSUs.
    #[error("{groups} groups for {psus} PSUs: some would be empty")]
    Groups {
        /// Groups asked for.
        groups: usize,
        /// First-stage units.
        psus: usize,
    },
    /// No selection probabilities where the method needs them.
    #[error("{what} needs the selection probability of every unit at stage {stage}")]
    NoProbability {
        /// What needs them.
        what: &'static str,
        /// The stage, from 1.
        stage: usize,
    },
    /// A selection probability out of range.
    #[error("the selection probability {value} of unit {unit} is not above 0 and at most 1")]
    Probability {
        /// The unit, from 1.
        unit: usize,
        /// The value.
        value: f64,
    },
    /// A quadratic form that is no variance.
    #[error(
        "the quadratic form is not positive semi-definite: it has the eigenvalue {smallest:.3e} beside {largest:.3e}"
    )]
    NotPositive {
        /// The smallest eigenvalue.
        smallest: f64,
        /// The largest.
        largest: f64,
    },
    /// A form whose root takes eigenvalues of too large a matrix.
    #[error(
        "a stratum of {units} PSUs is too large to make factors for this variance estimator; at most {most}"
    )]
    FormSize {
        /// PSUs of the stratum.
        units: usize,
        /// The limit.
        most: usize,
    },
    /// A quadratic form that is no symmetric matrix with one row per unit.
    #[error("the quadratic form is no symmetric matrix with one row for each of {units} units")]
    NotSymmetric {
        /// Deepest units of the design.
        units: usize,
    },
}

fn other(strata: &[(u32, usize)]) -> String {
    let counts: Vec<String> = strata.iter().take(5).map(|(_, n)| n.to_string()).collect();
    let more = if strata.len() > 5 { ", …" } else { "" };
    let plural = if strata.len() == 1 { "stratum has" } else { "strata have" };
    format!("{plural} {}{more}", counts.join(", "))
}
