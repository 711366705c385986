//! Quantiles of a weighted distribution, with their variances and intervals.

mod distribution;
mod limits;
mod score;
mod table;

use nalgebra::DMatrix;
use rayon::prelude::*;

pub use distribution::QuantileRule;
pub use limits::QuantileInterval;

use self::distribution::Distribution;
use self::limits::AtQuantile;
use self::score::Search;
use super::analysis::Analysis;
use super::quantity::Quantity;
use super::table::{Df, deviation};
use crate::aggregate::DomainCodes;
use crate::data::{Codes, Numbers};
use crate::numeric::distributions::t_quantile_upper;
use crate::replicate::Replicates;

/// Which quantiles are wanted, and how they are made.
#[derive(Debug, Clone, Copy)]
pub struct QuantileRequest<'a> {
    /// The variable: one value per row, NaN where it is missing.
    pub y: &'a Numbers,
    /// The probabilities, each from 0 to 1.
    pub probabilities: &'a [f64],
    /// How a quantile is read off the distribution.
    pub rule: QuantileRule,
    /// How its interval is made.
    pub interval: QuantileInterval,
    /// Confidence level, such as 0.95.
    pub level: f64,
    /// Where degrees of freedom come from.
    pub df: Df,
}

/// Quantiles of every domain.
#[derive(Debug, Clone)]
pub struct Quantiles {
    /// In the order probability, domain.
    pub rows: Vec<QuantileEstimate>,
    /// Covariances of the rows, if wanted; NaN where one cannot be had.
    pub covariance: Option<DMatrix<f64>>,
}

/// One quantile in one domain.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QuantileEstimate {
    /// The probability.
    pub probability: f64,
    /// The domain.
    pub domain: usize,
    /// The quantile; NaN for a domain without values.
    pub estimate: f64,
    /// Standard error: width of the interval ÷ 2 t, or that of the replicates.
    pub se: f64,
    /// Lower limit; NaN where the interval leaves the data.
    pub lower: f64,
    /// Upper limit; NaN where the interval leaves the data.
    pub upper: f64,
    /// Degrees of freedom.
    pub df: f64,
}

impl Analysis {
    /// Quantiles of a variable in every domain, by a [`QuantileRule`].
    ///
    /// The interval is Woodruff's (1952) unless another [`QuantileInterval`] is asked for: an
    /// interval for F(q̂), the weighted proportion of values at or below q̂, mapped back by the
    /// same rule; a limit outside [0, 1] cannot be had. The standard error is the width of the
    /// interval ÷ 2 t (Francisco and Fuller 1991, eq. 2.9).
    ///
    /// Covariances between domains and probabilities are those of the F(q̂), each scaled by
    /// SE(q̂)/SE(F(q̂)), the slope of the inverse distribution function over the width of the
    /// interval (the linearisation q̂ − q ≈ −(F̂(q) − F(q))/f(q), Francisco and Fuller 1991, theorem 3,
    /// with that slope for 1/f).
    ///
    /// Rows without a value, and rows with weight zero, are left out of the distribution.
    ///
    /// ```
    /// use rakewell::aggregate::DomainCodes;
    /// use rakewell::data::{Codes, Numbers};
    /// use rakewell::design::{DesignInput, SurveyDesign};
    /// use rakewell::estimate::{Analysis, Df, QuantileInterval, QuantileRequest, QuantileRule};
    /// use rakewell::weight::Ledger;
    ///
    /// let design = SurveyDesign::build(&DesignInput { rows: 4, ..DesignInput::default() })?;
    /// let ledger = Ledger::new(design.weights.clone(), "equal weights");
    /// let y = Numbers::pack(vec![8.0, 1.0, 4.0, 3.0]);
    /// let everyone = DomainCodes { codes: Codes::pack(&[0; 4], 1), count: 1 };
    /// let request = QuantileRequest {
    ///     y: &y,
    ///     probabilities: &[0.5],
    ///     rule: QuantileRule::Hf2,
    ///     interval: QuantileInterval::Woodruff,
    ///     level: 0.95,
    ///     df: Df::Domain,
    /// };
    /// let made = Analysis::new(design, ledger).quantiles(&request, &everyone, false);
    /// assert_eq!(made.rows[0].estimate, 3.5);
    /// # Ok::<(), rakewell::design::DesignError>(())
    /// ```
    pub fn quantiles(
        &self,
        request: &QuantileRequest<'_>,
        domains: &DomainCodes,
        covariance: bool,
    ) -> Quantiles {
        self.quantiles_by(request, domains, covariance, self.replicates.as_ref())
    }

    /// The same with the variances of some replicates, or with linearised ones without.
    fn quantiles_by(
        &self,
        request: &QuantileRequest<'_>,
        domains: &DomainCodes,
        covariance: bool,
        replicates: Option<&Replicates>,
    ) -> Quantiles {
        if let (QuantileInterval::Replicates, Some(replicates)) = (request.interval, replicates) {
            return self.replicate_quantiles(request, domains, covariance, replicates);
        }
        let distributions = self.distributions(request, domains, self.ledger.weights());
        let below: Vec<Numbers> = request
            .probabilities
            .iter()
            .map(|&p| {
                let points: Vec<f64> = distributions.iter().map(|d| d.quantile(p)).collect();
                indicator(request.y, domains, &points)
            })
            .collect();
        let quantities: Vec<Quantity<'_>> = below.iter().map(Quantity::Mean).collect();
        let raw = self.estimate_by(&quantities, domains, covariance, replicates);
        let all_df = self.domain_df(request.df, &quantities, domains, &raw);
        let points: Vec<AtQuantile> = (0..raw.values.len())
            .map(|row| {
                let df = all_df[raw.at(row)];
                let tail = (1.0 - request.level) / 2.0;
                AtQuantile {
                    f: raw.values[row],
                    se: deviation(raw.variances[row]),
                    t: if df > 0.0 { t_quantile_upper(tail, df) } else { f64::NAN },
                    n: raw.totals[raw.at(row)].n,
                    df,
                    level: request.level,
                }
            })
            .collect();
        let limits = self.quantile_limits(request, domains, &distributions, &points, replicates);
        let rows: Vec<QuantileEstimate> = points
            .iter()
            .zip(limits)
            .enumerate()
            .map(|(row, (point, (lower, upper)))| {
                let (i, _, domain) = raw.index[row];
                let probability = request.probabilities[i];
                QuantileEstimate {
                    probability,
                    domain,
                    estimate: distributions[domain].quantile(probability),
                    se: (upper - lower) / (2.0 * point.t),
                    lower,
                    upper,
                    df: point.df,
                }
            })
            .collect();
        let slope: Vec<f64> = rows.iter().zip(&points).map(|(q, p)| q.se / p.se).collect();
        let covariance = raw.covariance.map(|v| {
            DMatrix::from_fn(rows.len(), rows.len(), |i, j| {
                if i == j { rows[i].se.powi(2) } else { v[(i, j)] * slope[i] * slope[j] }
            })
        });
        Quantiles { rows, covariance }
    }

    fn quantile_limits(
        &self,
        request: &QuantileRequest<'_>,
        domains: &DomainCodes,
        distributions: &[Distribution],
        points: &[AtQuantile],
        replicates: Option<&Replicates>,
    ) -> Vec<(f64, f64)> {
        if request.interval == QuantileInterval::Score {
            // Lower and upper search of every probability.
            let t = |i: usize, d: usize| points[i * domains.count + d].t;
            let searches: Vec<Search> = request
                .probabilities
                .iter()
                .enumerate()
                .flat_map(|(i, &probability)| {
                    [-1.0, 1.0].map(|side| Search {
                        probability,
                        bounds: (0..domains.count).map(|d| side * t(i, d)).collect(),
                    })
                })
                .collect();
            let found = self.score_limits(request.y, domains, distributions, &searches, replicates);
            return (0..points.len())
                .map(|row| {
                    let (i, d) = (row / domains.count, row % domains.count);
                    (found[2 * i][d], found[2 * i + 1][d])
                })
                .collect();
        }
        points
            .iter()
            .enumerate()
            .map(|(row, point)| {
                let distribution = &distributions[row % domains.count];
                let (lower, upper) = point.limits(request.interval);
                (distribution.quantile(lower), distribution.quantile(upper))
            })
            .collect()
    }

    /// Quantiles with the variance of the quantiles of the replicates, and t intervals.
    fn replicate_quantiles(
        &self,
        request: &QuantileRequest<'_>,
        domains: &DomainCodes,
        covariance: bool,
        replicates: &Replicates,
    ) -> Quantiles {
        let of = |w: &[f64]| -> Vec<f64> {
            let distributions = self.distributions(request, domains, w);
            let each = |&p: &f64| distributions.iter().map(move |d| d.quantile(p));
            request.probabilities.iter().flat_map(each).collect()
        };
        let full = of(self.ledger.weights());
        let thetas: Vec<Vec<f64>> = (0..replicates.weights.count())
            .into_par_iter()
            .map(|r| of(&replicates.weight(&self.design.tree, self.ledger.weights(), r)))
            .collect();
        let (variances, covariance) = if covariance {
            let (v, _) = replicates.variance(&full, &thetas);
            (v.diagonal().iter().copied().collect(), Some(v))
        } else {
            (replicates.variances(&full, &thetas).0, None)
        };
        let df = match request.df {
            Df::Given(df) => df,
            Df::Infinite => f64::INFINITY,
            _ => replicates.df,
        };
        let tail = (1.0 - request.level) / 2.0;
        let t = if df > 0.0 { t_quantile_upper(tail, df) } else { f64::NAN };
        let rows = full
            .iter()
            .zip(&variances)
            .enumerate()
            .map(|(k, (&estimate, v))| {
                let se = v.sqrt();
                QuantileEstimate {
                    probability: request.probabilities[k / domains.count],
                    domain: k % domains.count,
                    estimate,
                    se,
                    lower: estimate - t * se,
                    upper: estimate + t * se,
                    df,
                }
            })
            .collect();
        Quantiles { rows, covariance }
    }

    fn distributions(
        &self,
        request: &QuantileRequest<'_>,
        domains: &DomainCodes,
        w: &[f64],
    ) -> Vec<Distribution> {
        let mut pairs: Vec<Vec<(f64, f64)>> = vec![Vec::new(); domains.count];
        for row in 0..request.y.len() {
            let (domain, value) = (domains.codes.get(row), request.y.get(row));
            if domain != Codes::NONE && !value.is_nan() && w[row] != 0.0 {
                pairs[domain as usize].push((value, w[row]));
            }
        }
        pairs.into_par_iter().map(|pairs| Distribution::new(pairs, request.rule)).collect()
    }
}

/// 1 at or below the point of the row's domain, 0 above it, missing without a value.
fn indicator(y: &Numbers, domains: &DomainCodes, points: &[f64]) -> Numbers {
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
