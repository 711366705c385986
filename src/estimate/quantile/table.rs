//! A table of quantiles.

use super::super::deff::effective_n_kish;
use super::super::interval::IntervalMethod;
use super::super::missing::MissingEffect;
use super::super::quality::nchs_rate;
use super::super::result::{Covariance, Estimate, EstimateTable, Outcome};
use super::super::table::TableSpec;
use super::*;

impl Analysis {
    /// A table of quantiles: one outcome per probability.
    ///
    /// `spec` gives the domains, the level, the degrees of freedom and the words; its quantities are
    /// not used. The interval of the largest value (p = 1) and of the smallest (p = 0) cannot be
    /// had: the sample does not say how far the population goes beyond it.
    ///
    /// Where replicates stand beside ([`Analysis::with_both`]) their standard error is that of the same
    /// kind of interval, with their variance of the distribution function; with
    /// [`QuantileInterval::Replicates`] it is that of their quantiles, and the linearised one beside which it
    /// stands is Woodruff's.
    pub fn quantile_table(
        &self,
        spec: &TableSpec<'_>,
        request: &QuantileRequest<'_>,
        outcome: &Outcome,
    ) -> EstimateTable {
        let domains = &spec.domains.codes;
        let replicate_kind = request.interval == QuantileInterval::Replicates;
        let interval = match (replicate_kind, &self.replicates) {
            (true, None) => QuantileInterval::Woodruff,
            _ => request.interval,
        };
        let own = QuantileRequest { interval, ..*request };
        let made = self.quantiles(&own, domains, spec.covariance);
        let beside = self
            .beside
            .as_ref()
            .map(|replicates| self.quantiles_by(request, domains, false, Some(replicates)).rows);
        let means = self.estimate(&[Quantity::Mean(request.y)], domains, false);
        let outcomes = request
            .probabilities
            .iter()
            .map(|&p| Some(Outcome { probability: Some(p), ..outcome.clone() }))
            .collect();
        let empty =
            TableSpec { quantities: Vec::new(), outcomes, covariance: false, ..spec.clone() };
        let mut table = self.table(&empty);
        table.interval = match interval {
            QuantileInterval::Replicates => IntervalMethod::T,
            _ => IntervalMethod::Woodruff,
        };
        table.rows = made
            .rows
            .iter()
            .enumerate()
            .map(|(i, q)| {
                let totals = means.totals[q.domain];
                let known = |x: f64| Some(x).filter(|x| x.is_finite());
                let estimate = known(q.estimate);
                let at_end = q.probability == 0.0 || q.probability == 1.0;
                let has_df = q.df > 0.0;
                let inside = |x: f64| known(x).filter(|_| has_df && !at_end);
                let (lower, upper) = (inside(q.lower), inside(q.upper));
                let se = inside(q.se);
                let note = match (estimate, has_df, at_end, lower.zip(upper)) {
                    (Some(_), false, ..) => Some("no degrees of freedom"),
                    (Some(_), _, true, _) => {
                        Some("the sample does not say what lies beyond its extreme value")
                    }
                    (Some(_), _, _, None) => Some("a limit lies outside the data"),
                    _ => None,
                };
                let mut row = Estimate {
                    outcome: i / domains.count,
                    domain: spec.domains.cells[q.domain].clone(),
                    n: totals.n,
                    n_missing: totals.missing,
                    missing: MissingEffect::of_weights(
                        means.weight_sum[q.domain],
                        totals.missing_weight,
                    ),
                    psus: means.psus[q.domain].0,
                    weight_sum: means.weight_sum[q.domain],
                    estimate,
                    se,
                    se_replicates: None,
                    cv: estimate.zip(se).map(|(e, s)| s / e.abs()).and_then(known),
                    deff: None,
                    n_eff: None,
                    n_eff_kish: effective_n_kish(&means, q.domain).filter(|_| totals.n > 0),
                    df: estimate.map(|_| q.df),
                    lower,
                    upper,
                    interval_note: note.map(str::to_string),
                    quality: spec.standard.map(|_| {
                        let df = Some(q.df).filter(|_| has_df);
                        nchs_rate(totals.n, q.estimate, lower, upper, df)
                    }),
                };
                if let Some(beside) = &beside {
                    row.set_replicate_se(beside[i].se.powi(2));
                }
                row
            })
            .collect();
        table.covariance = made.covariance.map(|v| Covariance {
            size: v.nrows(),
            values: v.transpose().iter().copied().collect(),
        });
        table.notes.push(interval.words().to_string());
        if beside.is_some() {
            table.notes.push(
                if replicate_kind {
                    "the standard error by replicates is that of their quantiles"
                } else {
                    "the standard error by replicates is that of the same kind of interval, with their \
                     variance of the distribution function"
                }
                .to_string(),
            );
        }
        if request.rule != QuantileRule::Hf1 {
            table.notes.push(format!("quantiles: {}", request.rule.words()));
        }
        table
    }
}
