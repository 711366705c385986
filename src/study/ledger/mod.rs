//! The ledger as a file: written with the results, replayed, compared.

mod diff;
mod record;
mod replay;

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::data::io::read_once;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::report::FileHash;

pub use diff::{Change, GroupChange, InputChange, LedgerDiff, StepChange, diff};
pub(super) use record::record;
pub use replay::replay;

/// Name and version of the layout of a ledger file.
pub const LEDGER_SCHEMA: &str = "rakewell-ledger/1";

/// The largest ledger that is read; a larger one is something else.
const LARGEST: u64 = 256 << 20;

/// A ledger as it is written: all that is needed to make the weights again, and what every step did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LedgerFile {
    /// [`LEDGER_SCHEMA`].
    pub schema: String,
    /// Name and version of the program that made it.
    pub program: String,
    /// The name of the study file.
    pub study_file: String,
    /// The folder of the study, as seen from that of the ledger.
    pub folder: String,
    /// The study, with what it includes and what was set beside it.
    pub study: Value,
    /// The files that were read, with their SHA-256.
    pub inputs: Vec<FileHash>,
    /// Rows of the data.
    pub rows: usize,
    /// The steps, the base weight first.
    pub steps: Vec<StepRecord>,
}

/// One step in a ledger file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Its place, from 1.
    pub step: usize,
    /// What was done, such as `rake`.
    pub kind: String,
    /// The same in a sentence.
    pub description: String,
    /// How it ended.
    pub outcome: String,
    /// How its effect on the variance is treated.
    pub variance: String,
    /// What the study file says of it: a table of `[[weighting]]`, for the base weight `[design]`.
    pub settings: Value,
    /// SHA-256 of the weights after it: 8 bytes for each row, IEEE 754, little endian.
    pub sha256: String,
    /// The weights after it.
    pub weights: Figures,
    /// Smallest and largest factor.
    pub factors: Option<(f64, f64)>,
    /// The population totals it was fitted to.
    #[serde(default)]
    pub margins: Vec<MarginRecord>,
    /// The weights of the target groups after it.
    #[serde(default)]
    pub groups: Vec<GroupRecord>,
}

/// A set of weights in numbers; `None` for what cannot be had.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Rows with a weight.
    pub n: u64,
    /// Rows without.
    pub zero: u64,
    /// Their sum.
    pub sum: Option<f64>,
    /// Smallest.
    pub min: Option<f64>,
    /// Median.
    pub median: Option<f64>,
    /// Largest.
    pub max: Option<f64>,
    /// Kish design effect.
    pub deff_kish: Option<f64>,
    /// Effective sample size.
    pub n_eff: Option<f64>,
}

/// One population total.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MarginRecord {
    /// The margin.
    pub margin: String,
    /// The level.
    pub level: String,
    /// The total aimed at.
    pub target: Option<f64>,
    /// The weighted total before.
    pub before: Option<f64>,
    /// The weighted total after.
    pub after: Option<f64>,
}

/// The weights of one group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupRecord {
    /// The variables that make the groups.
    pub by: String,
    /// The group.
    pub group: String,
    /// Its share of the sum of weights.
    pub share: Option<f64>,
    /// Its weights.
    pub weights: Figures,
}

impl LedgerFile {
    /// Reads a ledger file.
    ///
    /// # Errors
    /// When it cannot be read, or is no ledger of this version.
    pub fn read(path: &Path) -> Result<LedgerFile, Diagnostics> {
        let shown = path.display();
        let text = read_once(path, LARGEST).map_err(|e| {
            Diagnostic::error(format!("`{shown}` can't be read: {e}"))
                .help("give the `ledger.json` that `rakewell weigh` or `rakewell run` wrote")
        })?;
        if text.len() as u64 > LARGEST {
            let message = format!("`{shown}` is too large for a ledger");
            return Err(Diagnostic::error(message).into());
        }
        let value: Value = serde_json::from_slice(&text).map_err(|e| {
            Diagnostic::error(format!("`{shown}` is not JSON: {e}"))
                .help("give the `ledger.json` that `rakewell weigh` or `rakewell run` wrote")
        })?;
        match value.get("schema").and_then(Value::as_str) {
            Some(LEDGER_SCHEMA) => {}
            Some(other) => {
                let message = format!("`{shown}` is `{other}`, not `{LEDGER_SCHEMA}`");
                let help = "read it with the version of rakewell that wrote it, or weigh again";
                return Err(Diagnostic::error(message).help(help).into());
            }
            None => {
                let message = format!("`{shown}` is no ledger: it has no `schema`");
                let help = "give the `ledger.json` that `rakewell weigh` or `rakewell run` wrote";
                return Err(Diagnostic::error(message).help(help).into());
            }
        }
        serde_json::from_value(value).map_err(|e| {
            Diagnostic::error(format!("`{shown}` is a damaged ledger: {e}"))
                .help("weigh again with `rakewell weigh study.toml`")
                .into()
        })
    }
}
