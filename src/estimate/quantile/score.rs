//! Limits of a quantile by inverting the score test of its distribution function.

use super::distribution::Distribution;
use crate::aggregate::DomainCodes;
use crate::data::Numbers;
use crate::estimate::analysis::Analysis;
use crate::estimate::quantity::Quantity;
use crate::estimate::table::deviation;
use crate::replicate::Replicates;

/// Values tried at once in every domain: one pass over the rows narrows the search to an eighth.
const TRIED: usize = 7;

/// What is searched: in domain d the smallest value x with F(x) − p ≥ bound · SE(F(x)).
#[derive(Debug, Clone)]
pub(super) struct Search {
    /// p.
    pub probability: f64,
    /// ±t of every domain.
    pub bounds: Vec<f64>,
}

impl Analysis {
    /// For every search, its value in every domain; NaN where no value fulfils it.
    ///
    /// F rises by steps and its standard error changes slowly, so that the condition, once
    /// fulfilled, stays so; where it does not, the search ends at one of the crossings.
    pub(super) fn score_limits(
        &self,
        y: &Numbers,
        domains: &DomainCodes,
        distributions: &[Distribution],
        searches: &[Search],
        replicates: Option<&Replicates>,
    ) -> Vec<Vec<f64>> {
        let values: Vec<Vec<f64>> = distributions.iter().map(Distribution::distinct).collect();
        // The position sought is in from..=to; `len` stands for none.
        let mut ranges: Vec<Vec<(usize, usize)>> =
            searches.iter().map(|_| values.iter().map(|v| (0, v.len())).collect()).collect();
        while ranges.iter().flatten().any(|(from, to)| from < to) {
            let tries = |(from, to): (usize, usize), i: usize| {
                (from + (to - from) * (i + 1) / (TRIED + 1)).min(to.saturating_sub(1)).max(from)
            };
            let mut below = Vec::with_capacity(searches.len() * TRIED);
            for range in &ranges {
                for i in 0..TRIED {
                    let points: Vec<f64> = range
                        .iter()
                        .zip(&values)
                        .map(|(r, v)| v.get(tries(*r, i)).copied().unwrap_or(f64::NAN))
                        .collect();
                    below.push(super::indicator(y, domains, &points));
                }
            }
            let quantities: Vec<Quantity<'_>> = below.iter().map(Quantity::Mean).collect();
            let raw = self.estimate_by(&quantities, domains, false, replicates);
            for (s, (search, range)) in searches.iter().zip(&mut ranges).enumerate() {
                for (d, slot) in range.iter_mut().enumerate() {
                    let whole = *slot;
                    for i in 0..TRIED {
                        let at = tries(whole, i);
                        if whole.0 >= whole.1 || at < slot.0 || at >= slot.1 {
                            continue;
                        }
                        let row = (s * TRIED + i) * domains.count + d;
                        let off = raw.values[row] - search.probability;
                        let reached = search.bounds[d] * deviation(raw.variances[row]);
                        if off >= reached { slot.1 = at } else { slot.0 = at + 1 }
                    }
                }
            }
        }
        ranges
            .iter()
            .map(|range| {
                let each = range.iter().zip(&values);
                each.map(|((at, _), v)| v.get(*at).copied().unwrap_or(f64::NAN)).collect()
            })
            .collect()
    }
}
