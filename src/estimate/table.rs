//! From raw estimates to a table: intervals, design effects, quality flags.

use super::analysis::{Analysis, Raw};
use super::deff::{Deff, design_effect, effective_n, effective_n_kish};
use super::domains::Domains;
use super::interval::{IntervalInput, IntervalMethod, interval};
use super::missing::{MissingEffect, MissingReport};
use super::quality::{QualityStandard, assess};
use super::quantity::Quantity;
use super::result::{ByVariable, Covariance, DfRule, Estimate, EstimateTable, Outcome, Statistic};
use crate::aggregate::DomainCodes;
use crate::replicate::{Precision, ReplicateDf, Replicates, Resampling};

/// What a table of estimates shall show, and how.
#[derive(Debug, Clone)]
pub struct TableSpec<'a> {
    /// Its name: letters, digits and hyphens.
    pub name: String,
    /// Its title.
    pub title: String,
    /// What is estimated.
    pub statistic: Statistic,
    /// The quantities.
    pub quantities: Vec<Quantity<'a>>,
    /// One entry per quantity and outcome, in that order; `None` leaves the outcome out.
    pub outcomes: Vec<Option<Outcome>>,
    /// The domains.
    pub domains: &'a Domains,
    /// The variables that cross to form them.
    pub by: Vec<ByVariable>,
    /// The subpopulation, as written.
    pub population: Option<String>,
    /// How intervals are made; methods for proportions are used for proportions only.
    pub interval: IntervalMethod,
    /// Confidence level.
    pub level: f64,
    /// Which simple random sampling the design effect compares with.
    pub deff: Deff,
    /// The quality standard.
    pub standard: Option<QualityStandard>,
    /// Where degrees of freedom come from.
    pub df: Df,
    /// Keep covariances of the rows.
    pub covariance: bool,
}

/// Where degrees of freedom come from. With replicates they are those of the replicates, unless they
/// are given or infinite.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub enum Df {
    /// PSUs of the domain minus their strata.
    #[default]
    Domain,
    /// PSUs of the whole sample minus their strata; none in a domain without any of its own.
    Design,
    /// Satterthwaite's approximation in the domain.
    Satterthwaite,
    /// As many as given.
    Given(f64),
    /// The normal distribution.
    Infinite,
}

impl Analysis {
    /// Estimates a table.
    ///
    /// Degrees of freedom are those of each domain: its PSUs with weight minus their strata
    /// (Korn and Graubard 1999, §5.2); for replicates those of the replicates. A domain without
    /// degrees of freedom keeps its estimate and has no interval.
    pub fn table(&self, spec: &TableSpec<'_>) -> EstimateTable {
        self.table_with(spec, |_| {})
    }

    /// As [`Analysis::table`], with estimates and variances that `replace` puts in the place of the
    /// weighted ones.
    pub fn table_with(
        &self,
        spec: &TableSpec<'_>,
        replace: impl FnOnce(&mut Raw),
    ) -> EstimateTable {
        let mut raw = self.estimate(&spec.quantities, &spec.domains.codes, spec.covariance);
        replace(&mut raw);
        let first_outcome: Vec<usize> = spec
            .quantities
            .iter()
            .scan(0, |next, q| {
                let at = *next;
                *next += q.outcomes();
                Some(at)
            })
            .collect();
        let position: Vec<Option<usize>> = spec
            .outcomes
            .iter()
            .scan(0, |next, o| {
                let at = *next;
                *next += usize::from(o.is_some());
                Some(o.as_ref().map(|_| at))
            })
            .collect();
        let kept: Vec<(usize, usize)> = (0..raw.values.len())
            .filter_map(|row| {
                let (quantity, outcome, _) = raw.index[row];
                position[first_outcome[quantity] + outcome].map(|outcome| (row, outcome))
            })
            .collect();
        let df = self.domain_df(spec.df, &spec.quantities, &spec.domains.codes, &raw);
        let each = |&(row, outcome): &(usize, usize)| self.row(spec, &raw, row, outcome, &df);
        let mut rows: Vec<Estimate> = kept.iter().map(each).collect();
        let beside = self.beside.as_ref().map(|replicates| {
            self.estimate_by(&spec.quantities, &spec.domains.codes, false, Some(replicates))
        });
        if let Some(beside) = &beside {
            for (row, &(k, _)) in rows.iter_mut().zip(&kept) {
                row.set_replicate_se(beside.variances[k]);
            }
        }
        let covariance = raw.covariance.as_ref().map(|v| Covariance {
            size: kept.len(),
            values: kept
                .iter()
                .flat_map(|&(i, _)| kept.iter().map(move |&(j, _)| v[(i, j)]))
                .collect(),
        });
        let mut notes = Vec::new();
        if raw.lost_replicates > 0 {
            notes.push(format!(
                "{} replicate estimates could not be had and are left out of their variance",
                raw.lost_replicates
            ));
        }
        if raw.negative > 0 {
            let which = if raw.negative == 1 { "estimate has" } else { "estimates have" };
            notes.push(format!(
                "{} {which} a negative variance estimate, which this variance estimator allows: no \
                 standard error is shown",
                raw.negative
            ));
        }
        let simulated = beside.as_ref().unwrap_or(&raw);
        let own: Vec<f64> =
            kept.iter().filter_map(|&(k, _)| simulated.chance.get(k).copied()).collect();
        if let Some(replicates) = self.replicates.as_ref().or(self.beside.as_ref())
            && let Some(found) =
                Precision::of(&own, replicates.weights.count(), replicates.target_cv)
        {
            let target = 100.0 * replicates.target_cv;
            notes.push(if found.largest <= replicates.target_cv {
                format!("{found}")
            } else {
                format!("{found}; {} replicates would bring it under {target} %", found.needed)
            });
        }
        EstimateTable {
            name: spec.name.clone(),
            title: spec.title.clone(),
            statistic: spec.statistic,
            outcomes: spec.outcomes.iter().flatten().cloned().collect(),
            by: spec.by.clone(),
            population: spec.population.clone(),
            interval: self.interval_method(spec),
            level: spec.level,
            variance: self.variance_in_words(),
            replicates: self.beside.as_ref().map(replicates_in_words),
            df_rule: self.df_rule(spec.df),
            standard: spec.standard,
            weight: self.weight_in_words(),
            rows,
            covariance,
            missing: MissingReport::default(),
            notes,
        }
    }

    pub(super) fn interval_method(&self, spec: &TableSpec<'_>) -> IntervalMethod {
        if spec.statistic == Statistic::Proportion { spec.interval } else { IntervalMethod::T }
    }

    pub(super) fn df_rule(&self, df: Df) -> DfRule {
        match (df, &self.replicates) {
            (Df::Given(_), _) => DfRule::Given,
            (Df::Infinite, _) => DfRule::Infinite,
            (_, Some(replicates)) => match replicates.df_rule {
                ReplicateDf::Design => DfRule::DomainPsusMinusStrata,
                ReplicateDf::Count => DfRule::ReplicateCount,
                ReplicateDf::Given => DfRule::Given,
                _ => DfRule::ReplicateRank,
            },
            (Df::Domain, None) => DfRule::DomainPsusMinusStrata,
            (Df::Design, None) => DfRule::DesignPsusMinusStrata,
            (Df::Satterthwaite, None) => DfRule::Satterthwaite,
        }
    }

    /// Degrees of freedom of a domain with so many PSUs in so many strata; by approximation those of
    /// `approximate`.
    fn df(
        &self,
        df: Df,
        (psus, strata): (u64, u64),
        design: f64,
        approximate: impl FnOnce() -> f64,
    ) -> f64 {
        let own = psus as f64 - strata as f64;
        match (df, &self.replicates) {
            (Df::Given(df), _) => df,
            (Df::Infinite, Some(_)) => f64::INFINITY,
            (Df::Infinite, None) if own > 0.0 => f64::INFINITY,
            (_, Some(replicates)) => match replicates.df_rule {
                // A group may have fewer than the design.
                ReplicateDf::Design | ReplicateDf::Count => replicates.df.min(own),
                _ => replicates.df,
            },
            (Df::Domain | Df::Infinite, None) => own,
            (Df::Design, None) if own > 0.0 => design,
            (Df::Design, None) => own,
            (Df::Satterthwaite, None) => approximate(),
        }
    }

    /// Degrees of freedom by quantity and domain.
    pub(super) fn domain_df(
        &self,
        df: Df,
        quantities: &[Quantity<'_>],
        domains: &DomainCodes,
        raw: &Raw,
    ) -> Vec<f64> {
        let wanted = df == Df::Satterthwaite && self.replicates.is_none();
        let approximate =
            if wanted { self.satterthwaite(quantities, domains, raw) } else { Vec::new() };
        let design = if df == Df::Design { self.design_df() } else { 0.0 };
        // A second phase or a crossed clustering can have fewer than the first stage.
        let most = |psus: (u64, u64)| match self.design.layers.iter().any(|layer| layer.counts) {
            true => psus.0 as f64 - psus.1 as f64,
            false => f64::INFINITY,
        };
        let each = |(at, &psus): (usize, &(u64, u64))| {
            let approximate = || approximate.get(at).copied().unwrap_or(0.0).min(most(psus));
            self.df(df, psus, design, approximate)
        };
        raw.psus.iter().enumerate().map(each).collect()
    }

    /// Degrees of freedom of the whole sample with the final weights.
    pub(super) fn design_df(&self) -> f64 {
        let w = self.ledger.weights();
        self.design.df_of(|row| w[row] != 0.0)
    }

    pub(super) fn variance_in_words(&self) -> String {
        let words = match &self.replicates {
            Some(r) => replicates_in_words(r),
            None if self.ledger.follows_r() => "linearised, as R survey has it".to_string(),
            None if self.ledger.adjustments().next().is_some() => {
                "linearised, with calibration residuals".to_string()
            }
            None => "linearised".to_string(),
        };
        match (&self.design.estimator, &self.replicates) {
            (Some(estimator), None) => format!("{words}; {estimator}"),
            _ => words,
        }
    }

    pub(super) fn weight_in_words(&self) -> String {
        let step = &self.ledger.steps()[self.ledger.steps().len() - 1].summary;
        format!("step {}: {}", step.step, step.description)
    }

    fn row(
        &self,
        spec: &TableSpec<'_>,
        raw: &Raw,
        row: usize,
        outcome: usize,
        df: &[f64],
    ) -> Estimate {
        let (q, _, domain) = raw.index[row];
        let at = raw.at(row);
        let quantity = &spec.quantities[q];
        let totals = raw.totals[at];
        let measured = Measured {
            estimate: Some(raw.values[row]).filter(|x| x.is_finite()),
            variance: raw.variances[row],
            n: totals.n,
            n_missing: totals.missing,
            missing_weight: totals.missing_weight,
            psus: raw.psus[at].0,
            weight_sum: raw.weight_sum[at],
            deff: design_effect(raw, row, quantity, spec.deff),
            n_eff: effective_n(raw, row, quantity),
            n_eff_kish: effective_n_kish(raw, row),
            df: df[at],
        };
        let method = self.interval_method(spec);
        let levels = spec.domains.cells[domain].clone();
        measured.into_row(outcome, levels, spec.statistic, method, spec.level, spec.standard)
    }
}

/// How many replicates there are, and how they were made.
fn replicates_in_words(replicates: &Replicates) -> String {
    let name = replicates.made.map_or(replicates.method.name(), Resampling::name);
    format!("{} replicates ({name})", replicates.weights.count())
}

/// The standard error of a variance. Rounding can leave it below zero; one that is not a number
/// (`f64::max` would make it zero) is no standard error.
pub(super) fn deviation(variance: f64) -> f64 {
    if variance < 0.0 { 0.0 } else { variance.sqrt() }
}

/// An estimate before its interval and its flag.
pub(super) struct Measured {
    pub estimate: Option<f64>,
    pub variance: f64,
    pub n: u64,
    pub n_missing: u64,
    pub missing_weight: f64,
    pub psus: u64,
    pub weight_sum: f64,
    pub deff: Option<f64>,
    pub n_eff: Option<f64>,
    pub n_eff_kish: Option<f64>,
    pub df: f64,
}

impl Measured {
    pub fn into_row(
        self,
        outcome: usize,
        domain: Vec<usize>,
        statistic: Statistic,
        method: IntervalMethod,
        level: f64,
        standard: Option<QualityStandard>,
    ) -> Estimate {
        let has = self.estimate.is_some();
        // Without degrees of freedom a variance of zero is no estimate: the sum of squares it
        // would come from is empty.
        let se = Some(deviation(self.variance))
            .filter(|s| s.is_finite() && has && (self.df > 0.0 || *s > 0.0));
        let input = IntervalInput {
            estimate: self.estimate.unwrap_or(f64::NAN),
            se,
            n: self.n,
            df: Some(self.df).filter(|df| *df > 0.0),
            level,
            certain: false,
        };
        let made = interval(method, &input);
        Estimate {
            outcome,
            domain,
            n: self.n,
            n_missing: self.n_missing,
            psus: self.psus,
            weight_sum: self.weight_sum,
            estimate: self.estimate,
            se,
            se_replicates: None,
            cv: self.estimate.zip(se).map(|(e, s)| s / e.abs()).filter(|cv| cv.is_finite()),
            deff: self.deff.filter(|_| se.is_some()),
            n_eff: self.n_eff.filter(|_| se.is_some()),
            n_eff_kish: self.n_eff_kish.filter(|_| has),
            df: has.then_some(self.df),
            lower: made.lower,
            upper: made.upper,
            interval_note: made.note.filter(|_| has).map(str::to_string),
            quality: standard.map(|s| assess(s, statistic, &input)),
            missing: MissingEffect::of_weights(self.weight_sum, self.missing_weight),
        }
    }
}
