//! A synthetic survey with an ethnic minority boost, made from published figures.
//!
//! [`figures`] holds every published figure with its source, and every assumption marked as one;
//! [`population`] builds a population of England and Wales at one in [`figures::SCALE`] from them;
//! [`outcomes`] gives its adults answers; [`sample`] draws the two samples, interviews them and
//! weights them; [`write`] puts the result into files.

pub mod figures;
pub mod outcomes;
pub mod population;
pub mod random;
pub mod sample;
pub mod write;

/// The seed of the shipped files.
pub const SEED: u64 = 20_210_321;

/// Name of the file of answers.
pub const RESPONSES: &str = "responses.csv";
/// Name of the file of census margins.
pub const MARGINS: &str = "census2021-margins.csv";
/// Name of the file of true values.
pub const TRUTH: &str = "truth.csv";

/// The contents of the three files.
#[derive(Debug, Clone, PartialEq)]
pub struct Files {
    /// One row per interviewed adult.
    pub responses: String,
    /// Census 2021 totals scaled to adults: variable, level, total.
    pub margins: String,
    /// The true values in the synthetic population.
    pub truth: String,
}

/// Makes the shipped files.
pub fn files() -> Files {
    let population = population::build(SEED);
    let sample = sample::draw(&population, SEED);
    Files {
        responses: write::responses(&population, &sample, SEED),
        margins: write::margins(),
        truth: write::truth(&population),
    }
}
