//! Quantiles and population variances.

use rayon::prelude::*;

use super::analysis::{Analysis, Raw};
use super::deff::effective_n_kish;
use super::interval::IntervalMethod;
use super::missing::MissingEffect;
use super::quality::nchs_rate;
use super::quantity::Quantity;
use super::result::{Estimate, EstimateTable, Outcome};
use super::table::{TableSpec, deviation};
use crate::aggregate::DomainCodes;
use crate::data::{Codes, Numbers};
use crate::numeric::distributions::t_quantile_upper;

/// One quantile in one domain.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QuantileEstimate {
    /// The probability.
    pub probability: f64,
    /// The domain.
    pub domain: usize,
    /// The quantile; NaN for a domain without values.
    pub estimate: f64,
    /// Standard error: width of the interval ÷ 2 t.
    pub se: f64,
    /// Lower limit; NaN where the interval leaves the data.
    pub lower: f64,
    /// Upper limit; NaN where the interval leaves the data.
    pub upper: f64,
    /// Degrees of freedom.
    pub df: f64,
}

/// The values of a domain in ascending order, with the largest cumulated weight up to each: with
/// a negative weight among them the distribution function can fall, and the smallest value at
/// which it reaches p is where its running maximum does.
struct Distribution {
    values: Vec<f64>,
    cumulated: Vec<f64>,
    total: f64,
}

impl Distribution {
    fn new(mut pairs: Vec<(f64, f64)>) -> Distribution {
        pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let mut total = crate::numeric::Sum::default();
        let (mut values, mut cumulated) = (Vec::new(), Vec::new());
        let mut most = f64::NEG_INFINITY;
        for (y, w) in pairs {
            total.add(w);
            most = most.max(total.value());
            values.push(y);
            cumulated.push(most);
        }
        Distribution { values, cumulated, total: total.value() }
    }

    /// The smallest value at which the distribution function reaches p.
    fn quantile(&self, p: f64) -> f64 {
        if self.values.is_empty() || !(0.0..=1.0).contains(&p) {
            return f64::NAN;
        }
        let at = self.cumulated.partition_point(|c| c / self.total < p);
        self.values[at.min(self.values.len() - 1)]
    }
}

impl Analysis {
    /// Quantiles by inversion of the weighted distribution function: the smallest value at which
    /// it reaches p (Hyndman and Fan 1996, definition 1).
    ///
    /// The interval is Woodruff's (1952): F(q̂) ± t SE(F(q̂)), SE that of the proportion at or
    /// below q̂, mapped back by the same inversion; a limit outside [0, 1] can't be had. The
    /// standard error is the width of the interval ÷ 2 t (Francisco and Fuller 1991, eq. 2.9).
    ///
    /// Rows without a value, and rows with weight zero, are left out. The result is in the order
    /// probability, domain.
    pub fn quantiles(
        &self,
        y: &Numbers,
        probabilities: &[f64],
        domains: &DomainCodes,
        level: f64,
        df: Option<f64>,
    ) -> Vec<QuantileEstimate> {
        let distributions = self.distributions(y, domains, self.ledger.weights());
        let below: Vec<Numbers> = probabilities
            .iter()
            .map(|&p| {
                let points: Vec<f64> = distributions.iter().map(|d| d.quantile(p)).collect();
                self.indicator(y, domains, &points)
            })
            .collect();
        let quantities: Vec<Quantity<'_>> = below.iter().map(Quantity::Mean).collect();
        let raw = self.estimate(&quantities, domains, false);
        (0..raw.values.len())
            .map(|row| {
                let (i, _, domain) = raw.index[row];
                let distribution = &distributions[domain];
                let estimate = distribution.quantile(probabilities[i]);
                let df = self.df(df, raw.psus[raw.at(row)]);
                let t = if df > 0.0 { t_quantile_upper((1.0 - level) / 2.0, df) } else { f64::NAN };
                let half = t * deviation(raw.variances[row]);
                let lower = distribution.quantile(raw.values[row] - half);
                let upper = distribution.quantile(raw.values[row] + half);
                QuantileEstimate {
                    probability: probabilities[i],
                    domain,
                    estimate,
                    se: (upper - lower) / (2.0 * t),
                    lower,
                    upper,
                    df,
                }
            })
            .collect()
    }

    /// Quantiles with the variance of the quantiles of the replicates, and t intervals.
    ///
    /// `None` without replicates.
    pub fn replicate_quantiles(
        &self,
        y: &Numbers,
        probabilities: &[f64],
        domains: &DomainCodes,
        level: f64,
    ) -> Option<Vec<QuantileEstimate>> {
        let replicates = self.replicates.as_ref()?;
        let of = |w: &[f64]| -> Vec<f64> {
            let distributions = self.distributions(y, domains, w);
            let each = |&p: &f64| distributions.iter().map(move |d| d.quantile(p));
            probabilities.iter().flat_map(each).collect()
        };
        let full = of(self.ledger.weights());
        let thetas: Vec<Vec<f64>> = (0..replicates.weights.count())
            .into_par_iter()
            .map(|r| of(&replicates.weight(&self.design.tree, self.ledger.weights(), r)))
            .collect();
        let (v, _) = replicates.variances(&full, &thetas);
        let t = t_quantile_upper((1.0 - level) / 2.0, replicates.df);
        let estimates = full
            .iter()
            .enumerate()
            .map(|(k, &estimate)| {
                let se = v[k].sqrt();
                QuantileEstimate {
                    probability: probabilities[k / domains.count],
                    domain: k % domains.count,
                    estimate,
                    se,
                    lower: estimate - t * se,
                    upper: estimate + t * se,
                    df: replicates.df,
                }
            })
            .collect();
        Some(estimates)
    }

    /// Population variances: Σ w (y − ȳ)²/Σ w · n/(n − 1) in every domain, with the variance of
    /// that mean of squares (R `svyvar`). ȳ is held at its estimate: the derivative of the sum of
    /// squares by it is zero. NaN for a domain with one value.
    pub fn population_variances(&self, y: &Numbers, domains: &DomainCodes) -> Raw {
        let means = self.estimate(&[Quantity::Mean(y)], domains, false);
        let squares: Vec<f64> = (0..y.len())
            .map(|row| match domains.codes.get(row) {
                Codes::NONE => f64::NAN,
                domain => {
                    let d = domain as usize;
                    let n = means.totals[d].n as f64;
                    let deviation = y.get(row) - means.values[d];
                    deviation * deviation * n / (n - 1.0)
                }
            })
            .collect();
        self.estimate(&[Quantity::Mean(&Numbers::F64(squares))], domains, true)
    }

    fn distributions(&self, y: &Numbers, domains: &DomainCodes, w: &[f64]) -> Vec<Distribution> {
        let mut pairs: Vec<Vec<(f64, f64)>> = vec![Vec::new(); domains.count];
        for row in 0..y.len() {
            let (domain, value) = (domains.codes.get(row), y.get(row));
            if domain != Codes::NONE && !value.is_nan() && w[row] != 0.0 {
                pairs[domain as usize].push((value, w[row]));
            }
        }
        pairs.into_par_iter().map(Distribution::new).collect()
    }

    /// 1 at or below the point of the row's domain, 0 above it, missing without a value.
    fn indicator(&self, y: &Numbers, domains: &DomainCodes, points: &[f64]) -> Numbers {
        let values = (0..y.len())
            .map(|row| {
                let (domain, value) = (domains.codes.get(row), y.get(row));
                if domain == Codes::NONE || value.is_nan() {
                    f64::NAN
                } else {
                    f64::from(u8::from(value <= points[domain as usize]))
                }
            })
            .collect();
        Numbers::pack(values)
    }
}

impl Analysis {
    /// A table of quantiles: one outcome per probability.
    ///
    /// `spec` gives the domains and the words; its quantities are not used. There are no
    /// covariances: quantiles cannot be compared.
    pub fn quantile_table(
        &self,
        spec: &TableSpec<'_>,
        y: &Numbers,
        outcome: &Outcome,
        probabilities: &[f64],
    ) -> EstimateTable {
        let domains = &spec.domains.codes;
        let quantiles = self.quantiles(y, probabilities, domains, spec.level, spec.df);
        let means = self.estimate(&[Quantity::Mean(y)], domains, false);
        let outcomes = probabilities
            .iter()
            .map(|&p| Some(Outcome { probability: Some(p), ..outcome.clone() }))
            .collect();
        let empty =
            TableSpec { quantities: Vec::new(), outcomes, covariance: false, ..spec.clone() };
        let mut table = self.table(&empty);
        table.interval = IntervalMethod::Woodruff;
        table.replicates = None;
        table.rows = quantiles
            .iter()
            .enumerate()
            .map(|(i, q)| {
                let totals = means.totals[q.domain];
                let known = |x: f64| Some(x).filter(|x| x.is_finite());
                let estimate = known(q.estimate);
                let has_df = q.df > 0.0;
                let (lower, upper) = (known(q.lower), known(q.upper));
                let se = known(q.se).filter(|_| has_df);
                let note = match (estimate, has_df, lower.zip(upper)) {
                    (Some(_), false, _) => Some("no degrees of freedom"),
                    (Some(_), true, None) => Some("a limit lies outside the data"),
                    _ => None,
                };
                Estimate {
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
                    lower: lower.filter(|_| has_df),
                    upper: upper.filter(|_| has_df),
                    interval_note: note.map(str::to_string),
                    quality: spec.standard.map(|_| {
                        let df = Some(q.df).filter(|_| has_df);
                        nchs_rate(totals.n, q.estimate, lower, upper, df)
                    }),
                }
            })
            .collect();
        table.notes.push(
            "intervals by Woodruff's method: limits of the distribution function, mapped back"
                .to_string(),
        );
        table
    }
}
