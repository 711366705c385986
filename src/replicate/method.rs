//! The families of replicates, which differ in their scales.

use serde::{Deserialize, Serialize};

/// How replicate weights were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ReplicateMethod {
    /// Balanced repeated replication: scale 1/R.
    Brr,
    /// BRR with Fay's ρ: scale 1/(R(1 − ρ)²).
    Fay,
    /// Jackknife, one PSU left out, unstratified: scale (R − 1)/R.
    Jk1,
    /// Jackknife, one PSU left out, stratified: one `rscales` entry (n − 1)/n per replicate.
    Jkn,
    /// Jackknife with paired PSUs, one replicate per stratum: scale 1.
    Jk2,
    /// Bootstrap: scale 1/(R − 1).
    Bootstrap,
    /// Successive difference replication: scale 4/R, around the full-sample estimate.
    Sdr,
    /// Delete-a-group jackknife: scale (R − 1)/R.
    DeleteAGroup,
    /// Anything else: `scale` and `rscales` as given.
    Other,
}

impl ReplicateMethod {
    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            ReplicateMethod::Brr => "BRR",
            ReplicateMethod::Fay => "Fay",
            ReplicateMethod::Jk1 => "JK1",
            ReplicateMethod::Jkn => "JKn",
            ReplicateMethod::Jk2 => "JK2",
            ReplicateMethod::Bootstrap => "bootstrap",
            ReplicateMethod::Sdr => "successive differences",
            ReplicateMethod::DeleteAGroup => "delete-a-group jackknife",
            ReplicateMethod::Other => "own scales",
        }
    }
}
