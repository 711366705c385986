//! What stops a draw.

/// Why a sample cannot be drawn as asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DrawError {
    /// More units are asked for than can be drawn.
    #[error("{asked} units are to be drawn, but there are {available}{}", if *.sized { " with a size above zero" } else { "" })]
    TooMany {
        /// Units asked for.
        asked: usize,
        /// Units there are.
        available: usize,
        /// True where only units with a positive size count.
        sized: bool,
    },
    /// A measure of size that is negative, infinite or missing.
    #[error("the size of unit {} is {}", .unit + 1, shown(*.size))]
    Size {
        /// The unit, from 0.
        unit: usize,
        /// Its size.
        size: f64,
    },
    /// A probability outside 0 … 1.
    #[error("the inclusion probability of unit {} is {}, not within 0 and 1", .unit + 1, shown(*.probability))]
    Probability {
        /// The unit, from 0.
        unit: usize,
        /// Its probability.
        probability: f64,
    },
    /// The probabilities do not add to a whole number, which a method of fixed size needs.
    #[error(
        "the inclusion probabilities add to {sum}: a sample of fixed size needs a whole number"
    )]
    NotWhole {
        /// Their sum.
        sum: f64,
    },
    /// More memory or time than is sensible.
    #[error("{method} of {sample} from {units} units takes too long; {instead}")]
    TooLarge {
        /// The method.
        method: &'static str,
        /// Units to be drawn.
        sample: usize,
        /// Units in the frame.
        units: usize,
        /// What to use.
        instead: &'static str,
    },
    /// The working probabilities of conditional Poisson sampling were not found.
    #[error(
        "the working probabilities of conditional Poisson sampling were not found in {iterations} \
         iterations: the inclusion probabilities are still off by up to {off:.1e}"
    )]
    NotConverged {
        /// Iterations made.
        iterations: usize,
        /// The largest difference that is left.
        off: f64,
    },
    /// A permanent random number outside 0 ≤ u < 1.
    #[error("the permanent random number of unit {} is {}, not within 0 and 1", .unit + 1, shown(*.number))]
    Permanent {
        /// The unit, from 0.
        unit: usize,
        /// Its number.
        number: f64,
    },
    /// A method that makes no use of permanent random numbers.
    #[error(
        "{method} makes no use of permanent random numbers; use simple, bernoulli, poisson or pareto"
    )]
    NotPermanent {
        /// The method.
        method: &'static str,
    },
    /// Columns of different lengths.
    #[error("{what} has {found} values for {expected} units")]
    Length {
        /// What is too long or too short.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The number of units.
        expected: usize,
    },
    /// A balancing variable that is not finite.
    #[error("balancing variable {}: unit {} has {}", .variable + 1, .unit + 1, shown(*.value))]
    Balancing {
        /// The variable, from 0.
        variable: usize,
        /// The unit, from 0.
        unit: usize,
        /// Its value.
        value: f64,
    },
}

fn shown(x: f64) -> String {
    if x.is_nan() { "missing".to_string() } else { x.to_string() }
}
