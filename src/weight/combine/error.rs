//! What can be wrong with a combination of samples.

/// Samples that can't be combined.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CombineError {
    /// There is nothing to combine.
    #[error("a combination needs two samples or more, there is {0}")]
    TooFew(usize),
    /// More samples than a pattern of coverage can hold.
    #[error("at most 32 samples can be combined, there are {0}")]
    TooMany(usize),
    /// Rows with a weight that no sample claims.
    #[error(
        "{count} row{} with a positive weight {} of no sample that is combined, first row {row}",
        if *count == 1 { "" } else { "s" }, if *count == 1 { "is" } else { "are" }
    )]
    NoSample {
        /// How many rows.
        count: usize,
        /// The first, from 1.
        row: usize,
    },
    /// A sample with no row.
    #[error("no row with a positive weight is of the sample `{sample}`")]
    Empty {
        /// The sample.
        sample: String,
    },
    /// A probability that is missing or none.
    #[error(
        "the probability under the sample `{sample}` is {} in row {row}{}",
        if value.is_nan() { "missing".to_string() } else { value.to_string() },
        if *count == 1 { String::new() } else { format!(", and wrong in {count} rows in all") }
    )]
    Probability {
        /// The sample.
        sample: String,
        /// The value; NaN if missing.
        value: f64,
        /// The first row, from 1.
        row: usize,
        /// How many rows are wrong.
        count: usize,
    },
    /// The method needs probabilities and has memberships.
    #[error("this method needs the probability of every row under every sample")]
    NeedsProbabilities,
    /// Shares that can't be used.
    #[error(
        "the share of the sample `{sample}` is {value}; a share is zero or more, not all of them zero"
    )]
    Share {
        /// The sample.
        sample: String,
        /// Its share.
        value: f64,
    },
    /// The method knows two frames.
    #[error("pseudo-maximum likelihood combines two samples, there are {0}")]
    TwoFrames(usize),
    /// A frame size that is none.
    #[error("the size of the frame of `{sample}` is {value}; it must be positive")]
    FrameSize {
        /// The sample.
        sample: String,
        /// The size.
        value: f64,
    },
    /// Two samples with no unit in common.
    #[error("no row could have been drawn by more than one sample: there is nothing to combine")]
    NoOverlap,
    /// Frame sizes that contradict the samples.
    #[error(
        "the frames of {first} and {second} can't have {first_size} and {second_size} units: {reason}"
    )]
    FrameSizes {
        /// A sample.
        first: String,
        /// Another.
        second: String,
        /// Its size.
        first_size: f64,
        /// The other's.
        second_size: f64,
        /// Why not.
        reason: &'static str,
    },
}
