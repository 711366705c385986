//! What an estimation gives back: a table of estimates, each with its own fitness for use.

use serde::Serialize;

use super::interval::IntervalMethod;
use super::missing::{MissingEffect, MissingReport};
use super::quality::{Quality, QualityStandard};

/// What is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Statistic {
    /// Σ w y.
    Total,
    /// Σ w y / Σ w.
    Mean,
    /// The mean of an indicator, or of every level of a categorical variable.
    Proportion,
    /// Σ w y / Σ w x.
    Ratio,
    /// A point of the weighted distribution function.
    Quantile,
}

/// One thing that is estimated in every domain: a variable, or one level of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// The variable (for a ratio, `numerator/denominator`).
    pub variable: String,
    /// Its title: the label, else the name.
    pub title: String,
    /// The level, when the variable is categorical.
    pub level: Option<String>,
    /// The probability, for a quantile.
    pub probability: Option<f64>,
}

/// One of the variables that cross to form the domains.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ByVariable {
    /// The variable.
    pub variable: String,
    /// Its title: the label, else the name.
    pub title: String,
    /// The text of its levels, in display order.
    pub levels: Vec<String>,
}

/// Where the degrees of freedom come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DfRule {
    /// PSUs with positive weight in the domain minus their strata.
    DomainPsusMinusStrata,
    /// PSUs with positive weight in the whole sample minus their strata.
    DesignPsusMinusStrata,
    /// Satterthwaite's approximation in each domain (Bell and McCaffrey 2002).
    Satterthwaite,
    /// Rank of the replicate weights minus one.
    ReplicateRank,
    /// PSUs with positive weight in the domain minus their strata, at most the number of replicates (or
    /// of groups left out) minus one.
    ReplicateCount,
    /// Given by the user.
    Given,
    /// The normal distribution is used.
    Infinite,
}

/// One estimate in one domain.
///
/// `None` stands for "cannot be had" (an empty domain, no degrees of freedom); it is never
/// shown as zero.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    /// Index into [`EstimateTable::outcomes`].
    pub outcome: usize,
    /// One level index per variable of [`EstimateTable::by`]; empty for the whole population.
    pub domain: Vec<usize>,
    /// Rows in the domain with a value and a weight other than zero.
    pub n: u64,
    /// Rows in the domain with a weight other than zero and no value.
    pub n_missing: u64,
    /// First-stage units with a row counted in `n`.
    pub psus: u64,
    /// Sum of the weights of the rows counted in `n`.
    pub weight_sum: f64,
    /// The estimate.
    pub estimate: Option<f64>,
    /// Its standard error.
    pub se: Option<f64>,
    /// Its standard error by replicates, where `se` is linearised and both were asked for.
    pub se_replicates: Option<f64>,
    /// Standard error ÷ |estimate|.
    pub cv: Option<f64>,
    /// Variance ÷ the variance under simple random sampling.
    pub deff: Option<f64>,
    /// Effective sample size: population variance ÷ SE²; for a proportion p(1 − p)/SE².
    pub n_eff: Option<f64>,
    /// Effective sample size by the weights alone: (Σw)²/Σw² (Kish 1965).
    pub n_eff_kish: Option<f64>,
    /// Degrees of freedom.
    pub df: Option<f64>,
    /// Lower limit of the interval.
    pub lower: Option<f64>,
    /// Upper limit of the interval.
    pub upper: Option<f64>,
    /// What a reader must know of the interval: why there is none, or what stands in for it.
    pub interval_note: Option<String>,
    /// The quality flag, when a standard was asked for.
    pub quality: Option<Quality>,
    /// What missing values took from it.
    pub missing: MissingEffect,
}

impl Estimate {
    /// Replicate standard error ÷ linearised standard error.
    pub fn se_ratio(&self) -> Option<f64> {
        let (by_replicates, se) = self.se_replicates.zip(self.se)?;
        (se > 0.0).then(|| by_replicates / se)
    }

    /// Puts the standard error of the replicates beside one that can be had.
    pub(super) fn set_replicate_se(&mut self, variance: f64) {
        let se = Some(variance.max(0.0).sqrt()).filter(|_| variance.is_finite());
        self.se_replicates = self.se.and(se);
    }
}

/// Covariances of the estimates of a table, in row order (row-major, n × n).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Covariance {
    /// Number of rows and of columns.
    pub size: usize,
    /// The entries, row after row.
    pub values: Vec<f64>,
}

impl Covariance {
    /// The covariance of two rows of the table.
    pub fn get(&self, i: usize, j: usize) -> f64 {
        self.values[i * self.size + j]
    }
}

/// A table of estimates that were asked for together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EstimateTable {
    /// Its name in the study file: letters, digits and hyphens.
    pub name: String,
    /// Its title.
    pub title: String,
    /// What is estimated.
    pub statistic: Statistic,
    /// The things estimated in every domain.
    pub outcomes: Vec<Outcome>,
    /// The variables that cross to form the domains, first varying slowest.
    pub by: Vec<ByVariable>,
    /// The subpopulation, as written in the study file.
    pub population: Option<String>,
    /// How the interval is made.
    pub interval: IntervalMethod,
    /// Confidence level of the interval, such as 0.95.
    pub level: f64,
    /// How the variance is estimated, in words.
    pub variance: String,
    /// The replicates whose standard errors are shown beside, in words.
    pub replicates: Option<String>,
    /// Where the degrees of freedom come from.
    pub df_rule: DfRule,
    /// The quality standard, if one was asked for.
    pub standard: Option<QualityStandard>,
    /// Name of the weight used, and the ledger entry it came from.
    pub weight: String,
    /// The estimates: outcome by outcome, domains in order within each.
    pub rows: Vec<Estimate>,
    /// Covariances of the rows; `None` when they were not asked for.
    #[serde(skip)]
    pub covariance: Option<Covariance>,
    /// Rows that lack a group, and how missing values were handled.
    pub missing: MissingReport,
    /// What a reader must know besides.
    pub notes: Vec<String>,
}

impl EstimateTable {
    /// The text of the domain of a row: its levels, joined by " · ".
    pub fn domain_text(&self, row: &Estimate) -> String {
        let parts: Vec<&str> =
            self.by.iter().zip(&row.domain).map(|(b, &l)| b.levels[l].as_str()).collect();
        if parts.is_empty() { "All".to_string() } else { parts.join(" · ") }
    }
}
