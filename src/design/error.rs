//! What can be wrong with a design, with counts and the way out.

/// A design that can't be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DesignError {
    /// The table has no rows.
    #[error("the data have no rows")]
    NoRows,
    /// A design variable is missing in some rows.
    #[error("`{variable}` has no value in {}{row}; every row needs a {role}", rows(*count))]
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
        "the weight `{variable}` is negative in {}{row}: {value}; a design weight is zero or more",
        rows(*count)
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
    #[error(
        "the probability `{variable}` is not above 0 and up to 1 in {}{row}: {value}", rows(*count)
    )]
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
        "{} of `{clusters}` in more than one stratum of `{strata}`: `{example}` is in {}",
        counted(*count, "identifier is", "identifiers are"), among.join(" and ")
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
        /// Two of the strata it is in.
        among: Vec<String>,
    },
    /// A sample that is said to share its PSUs is not in the data.
    #[error("no row is of the sample `{sample}`; `{variable}` has {}", known.join(", "))]
    UnknownSample {
        /// The variable of samples.
        variable: String,
        /// The sample.
        sample: String,
        /// The samples that there are, or the first of them.
        known: Vec<String>,
    },
    /// A population size differs within a stratum.
    #[error(
        "`{variable}` differs within the stratum {stratum} of stage {stage}: {first}, and {second} in row {row}"
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
        /// The first row, from 1, with another.
        row: usize,
    },
    /// Some values are counts, others fractions.
    #[error(
        "`{variable}` holds both counts and fractions: {count} in row {count_row}, {fraction} in row {fraction_row}"
    )]
    FpcMixed {
        /// The fpc variable.
        variable: String,
        /// The first count.
        count: f64,
        /// Its row, from 1.
        count_row: usize,
        /// The first fraction.
        fraction: f64,
        /// Its row, from 1.
        fraction_row: usize,
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
        "{} more sampled units than `{variable}` says exist: in {stratum} {sampled} were sampled, of {population}",
        counted(*count, &format!("stratum of stage {stage} has"), &format!("strata of stage {stage} have"))
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
    /// A number of PSUs drawn that cannot be.
    #[error(
        "`{variable}` says that {value} PSUs were drawn in stratum {stratum}, where the data have {found}"
    )]
    PsusDrawn {
        /// The variable.
        variable: String,
        /// The stratum, in words.
        stratum: String,
        /// PSUs in the data.
        found: u32,
        /// The number given.
        value: f64,
    },
    /// The number of PSUs drawn varies within a stratum.
    #[error("`{variable}` varies in stratum {stratum}: {first}, and {second} in row {row}")]
    PsusDrawnVary {
        /// The variable.
        variable: String,
        /// The stratum, in words.
        stratum: String,
        /// One value.
        first: f64,
        /// Another.
        second: f64,
        /// The first row, from 1, with another.
        row: usize,
    },
    /// PSUs without rows in a design whose variance needs to know more of them than their number.
    #[error(
        "the number of PSUs drawn says nothing of what {what} needs to know of those without rows"
    )]
    PsusDrawnWith {
        /// What needs more.
        what: &'static str,
    },
    /// More PSUs without rows than can be.
    #[error(
        "`{variable}` says that {units} PSUs have no rows, more than the {most} that are allowed"
    )]
    TooManyEmpty {
        /// The variable.
        variable: String,
        /// PSUs drawn without those in the data.
        units: f64,
        /// The limit.
        most: f64,
    },
    /// Strata have one PSU and the policy is to stop.
    #[error(
        "{} one unit ({strata}), so the variance can't be estimated",
        counted(*count, &format!("stratum of stage {stage} has"), &format!("strata of stage {stage} have"))
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
    /// A method needs inclusion probabilities and has none.
    #[error("the method \"{method}\" needs the inclusion probability of every PSU")]
    NoInclusion {
        /// The method.
        method: &'static str,
    },
    /// The joint method has no joint probabilities.
    #[error("the method \"joint\" needs a matrix of joint inclusion probabilities")]
    NoJoint,
    /// A sample with replacement has population sizes.
    #[error("the method \"with-replacement\" has no place for population sizes")]
    FpcWithReplacement,
    /// A value that belongs to a PSU differs between its rows.
    #[error("the {role} `{variable}` differs within a PSU: {first}, and {second} in row {row}")]
    VariesInUnit {
        /// The variable.
        variable: String,
        /// What it is for.
        role: &'static str,
        /// One value.
        first: f64,
        /// Another.
        second: f64,
        /// The first row, from 1, with another.
        row: usize,
    },
    /// A PSU is certain in some rows and not in others.
    #[error("the PSU {unit} is selected with certainty in some of its rows and not in row {row}")]
    CertaintyVaries {
        /// The PSU.
        unit: String,
        /// The first row, from 1, that says otherwise.
        row: usize,
    },
    /// A variable of zeros and ones has another value.
    #[error("`{variable}` is {value} in row {row}; it is 1 or 0")]
    NotZeroOne {
        /// The variable.
        variable: String,
        /// The row, from 1.
        row: usize,
        /// Its value.
        value: f64,
    },
    /// A matrix of joint probabilities has another size than the sample.
    #[error("`{file}` has {rows} rows and {columns} columns; the sample has {units} PSUs")]
    JointSize {
        /// The file.
        file: String,
        /// Its rows.
        rows: usize,
        /// Its columns.
        columns: usize,
        /// PSUs of the sample.
        units: usize,
    },
    /// A PSU is not in the matrix, or twice.
    #[error("the PSU {unit} does not stand exactly once in the heading of `{file}`")]
    JointUnit {
        /// The file.
        file: String,
        /// The PSU.
        unit: String,
    },
    /// A joint probability that cannot be.
    #[error("`{file}` has {value} in row {row}, column {column}: {what}")]
    JointValue {
        /// The file.
        file: String,
        /// What is wrong.
        what: &'static str,
        /// Its row, from 1, below the heading.
        row: usize,
        /// Its column, from 1.
        column: usize,
        /// The value.
        value: f64,
    },
    /// The diagonal is not the inclusion probability.
    #[error(
        "the diagonal of `{file}` is {diagonal} for the PSU {unit}, whose inclusion probability is {inclusion}"
    )]
    JointDiagonal {
        /// The file.
        file: String,
        /// The PSU.
        unit: String,
        /// On the diagonal.
        diagonal: f64,
        /// In the data.
        inclusion: f64,
    },
    /// PSUs of two strata are not independent.
    #[error(
        "`{file}` says that the PSUs {first} and {second} depend on each other, but they are in different strata"
    )]
    JointAcross {
        /// The file.
        file: String,
        /// One PSU.
        first: String,
        /// Another.
        second: String,
    },
    /// More balancing variables than a stratum can bear.
    #[error(
        "stratum {stratum} has {units} PSUs and {columns} balancing variables, the size among them"
    )]
    BalanceTooMany {
        /// The stratum.
        stratum: String,
        /// Its PSUs.
        units: usize,
        /// Variables that do not depend on each other.
        columns: usize,
    },
    /// A crossed clustering with one cluster.
    #[error("the crossed clusters `{variable}` have one level only")]
    OneCrossed {
        /// The variable.
        variable: String,
    },
    /// A value that belongs to a unit of the second phase differs between its rows.
    #[error("`{variable}` differs within a unit of the second phase, in row {row}")]
    VariesInPhaseUnit {
        /// The variable.
        variable: String,
        /// The first row, from 1, with another value.
        row: usize,
    },
    /// A stratum of the second phase from which nothing was selected.
    #[error("nothing was selected for the second phase from {units} units in stratum {stratum}")]
    NoneSelected {
        /// The stratum.
        stratum: String,
        /// Its units.
        units: f64,
    },
    /// Strata of the second phase have one selected unit.
    #[error(
        "{} one selected unit, so its variance can't be estimated",
        counted(*count, "stratum of the second phase has", "strata of the second phase have")
    )]
    LonelyPhase {
        /// How many.
        count: usize,
    },
    /// The first phase has a variance estimator that a second phase can't take up.
    #[error(
        "a second phase needs a first one of simple random or Poisson samples, not \"{method}\""
    )]
    PhaseMethod {
        /// The method.
        method: &'static str,
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

impl DesignError {
    /// The way out, in terms of the study file.
    pub fn help(&self) -> Option<&'static str> {
        Some(match self {
            DesignError::Missing { role: "weight", .. } => {
                "set `missing-weight = \"zero\"` if rows without a weight are outside the sample"
            }
            DesignError::Missing { .. } => {
                "give these rows a value in the data, or leave the rows out of the file"
            }
            DesignError::NegativeWeight { .. } => {
                "a code such as -9 for \"not sampled\" belongs in `missing-codes` under `[data]`, \
                 with `missing-weight = \"zero\"`"
            }
            DesignError::InfiniteWeight { .. } => "mend the data",
            DesignError::AllZero { .. } => "check that this is the weight of the survey",
            DesignError::Probability { .. } => {
                "a percentage is divided by 100; a weight is given as `weight`"
            }
            DesignError::NotNested { .. } => {
                "if the numbering starts anew in every stratum, set `nested = true`; if not, the \
                 data are wrong"
            }
            DesignError::UnknownSample { .. } => "name samples as the data do",
            DesignError::FpcVaries { .. } => {
                "the population size is one number for all rows of a stratum"
            }
            DesignError::FpcMixed { .. } => {
                "give population sizes (1 or more) or sampling fractions (below 1) throughout"
            }
            DesignError::FpcNotPositive { .. } => {
                "give the number of units in the stratum's population, or the fraction sampled"
            }
            DesignError::FpcTooSmall { .. } => {
                "`fpc` counts the units of its stage (PSUs, not people) in the population"
            }
            DesignError::FpcStages { .. } => "give one fpc variable per stage of `clusters`",
            DesignError::PsusDrawn { .. } | DesignError::TooManyEmpty { .. } => {
                "`psus-drawn` counts the PSUs drawn in the stratum of the row, with and without anybody found"
            }
            DesignError::PsusDrawnVary { .. } => {
                "the number of PSUs drawn is one number for all rows of a stratum (in every sample, where \
                 there are `samples`)"
            }
            DesignError::PsusDrawnWith { .. } => {
                "in place of `psus-drawn`, give every PSU without anybody one row with weight zero"
            }
            DesignError::LonelyPsu { .. } => {
                "set `lonely-psu` to center, average, certainty, remove or collapse"
            }
            DesignError::NothingToCollapse { .. } => {
                "set `lonely-psu` to center or certainty, or leave `strata` out"
            }
            DesignError::NoInclusion { .. } => {
                "give the inclusion probabilities of the PSUs as the first variable of `fpc` or of \
                 `probabilities`"
            }
            DesignError::NoJoint => "set `joint-probabilities` to the file with the matrix",
            DesignError::FpcWithReplacement => {
                "take `fpc` out, or choose a method without replacement"
            }
            DesignError::VariesInUnit { .. } => "it is one value for all rows of a PSU",
            DesignError::CertaintyVaries { .. } => {
                "all rows of a PSU are marked with 1, or none of them"
            }
            DesignError::NotZeroOne { .. } => "make a variable of zeros and ones with `[[derive]]`",
            DesignError::JointSize { .. } => {
                "give a square matrix with one row and one column per PSU of the sample, certain ones \
                 and those outside the subpopulation too"
            }
            DesignError::JointUnit { .. } => {
                "the heading names the PSUs as the data do; without such a heading the matrix is in \
                 the order in which PSUs first occur in the data"
            }
            DesignError::JointValue { .. } => {
                "check the matrix; an approximation such as `method = \"brewer\"` needs none"
            }
            DesignError::JointDiagonal { .. } => {
                "check that the PSUs are in the same order in the file and in the data"
            }
            DesignError::JointAcross { .. } => {
                "leave `strata` out (the matrix holds them), or check the order of the PSUs"
            }
            DesignError::BalanceTooMany { .. } => {
                "take variables out of `balance`, or join strata in the data"
            }
            DesignError::OneCrossed { .. } => "take `crossed` out",
            DesignError::VariesInPhaseUnit { .. } => {
                "name what was subsampled as the `clusters` of `phase2`; rows if not given"
            }
            DesignError::NoneSelected { .. } => {
                "join the stratum with another in the data: it has no one to speak for it"
            }
            DesignError::LonelyPhase { .. } => {
                "set `lonely-psu` to center, average, certainty or remove, or join strata in the data"
            }
            DesignError::PhaseMethod { .. } => "set `method` to \"simple\" or \"poisson\"",
            DesignError::NoRows | DesignError::Length { .. } => return None,
        })
    }
}

/// "row " for one row, "3 rows, first in row " for more.
fn rows(count: usize) -> String {
    if count == 1 { "row ".to_string() } else { format!("{count} rows, first in row ") }
}

pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
