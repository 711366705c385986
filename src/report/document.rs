//! All that a run found out, ready to be shown.

use serde::{Deserialize, Serialize};

use crate::compare::ComparisonTable;
use crate::compare::test::TestTable;
use crate::estimate::EstimateTable;
use crate::weight::StepSummary;

/// Everything a report shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Document {
    /// Title of the study.
    pub title: String,
    /// What it is about.
    pub description: Option<String>,
    /// Where the data came from.
    pub source: Option<String>,
    /// The data.
    pub data: DataSummary,
    /// The analysis design.
    pub design: DesignSummary,
    /// The weighting, step by step.
    pub weighting: Vec<StepSummary>,
    /// The estimates.
    pub estimates: Vec<EstimateTable>,
    /// The comparisons.
    pub comparisons: Vec<ComparisonTable>,
    /// The tests of hypotheses.
    pub tests: Vec<TestTable>,
    /// Warnings of the run.
    pub warnings: Vec<String>,
}

/// The data of a study.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DataSummary {
    /// The file, as written in the study file.
    pub file: String,
    /// Rows read.
    pub rows: usize,
    /// Columns read.
    pub columns: usize,
    /// The subpopulation, as written.
    pub population: Option<String>,
    /// Rows in it.
    pub population_rows: usize,
}

/// The analysis design of a study, in words and numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DesignSummary {
    /// One sentence, such as "Stratified, 2 stages, without replacement at stage 1".
    pub description: String,
    /// First-stage strata; `None` for replicate weights.
    pub strata: Option<usize>,
    /// First-stage units.
    pub psus: Option<usize>,
    /// Replicates, when the design gives some.
    pub replicates: Option<usize>,
    /// Degrees of freedom of the whole sample.
    pub df: Option<f64>,
    /// Strata with one PSU, and what was done about them.
    pub lonely: Option<String>,
}

/// What produced a set of results: enough to do it again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Manifest {
    /// Name and version of the program.
    pub program: String,
    /// The study file and its SHA-256.
    pub study: FileHash,
    /// What was set on the command line, as TOML; it goes before the study file.
    pub settings: Vec<String>,
    /// Every file read, with its SHA-256.
    pub inputs: Vec<FileHash>,
    /// Every file written, with its SHA-256 (but for the manifest itself).
    pub outputs: Vec<FileHash>,
    /// Seeds of random numbers, by purpose; empty when none were drawn.
    pub seeds: std::collections::BTreeMap<String, u64>,
    /// Threads used.
    pub threads: usize,
    /// When the run began (UTC, RFC 3339).
    pub started: String,
    /// Seconds spent, by phase, in order.
    pub timings: Vec<(String, f64)>,
}

/// A file and what was in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileHash {
    /// Its path, relative to the study file where it can be.
    pub path: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// Its size in bytes.
    pub bytes: u64,
}
