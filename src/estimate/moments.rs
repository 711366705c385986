//! Population variances and covariances of variables.

use super::analysis::{Analysis, Raw};
use super::quantity::Quantity;
use crate::aggregate::DomainCodes;
use crate::data::{Codes, Numbers};

impl Analysis {
    /// Population variances and covariances of variables, in every domain:
    /// S_ij = n/(n − 1) · Σ w (y_i − ȳ_i)(y_j − ȳ_j)/Σ w over the n rows with a weight and a value of
    /// *all* variables.
    ///
    /// One outcome per pair i ≤ j in the order 11, 12, …, 1p, 22, … (the quantity of [`Raw::index`]);
    /// with `covariance` also their covariances. The linearised variance is that of the mean of
    /// the products: the means are held at their estimates, since the derivative of the sum of
    /// products by them is zero (Särndal, Swensson and Wretman 1992, example 5.6.1; R `svyvar`).
    /// With replicates the means are estimated anew in each. NaN for a domain with one value.
    pub fn population_covariances(
        &self,
        variables: &[&Numbers],
        domains: &DomainCodes,
        covariance: bool,
    ) -> Raw {
        let rows = domains.codes.len();
        let complete: Vec<bool> =
            (0..rows).map(|row| variables.iter().all(|y| !y.get(row).is_nan())).collect();
        let domain_of = |row: usize| match domains.codes.get(row) {
            Codes::NONE => None,
            domain => complete[row].then_some(domain as usize),
        };
        let listwise = |value: &dyn Fn(usize, usize) -> f64| -> Numbers {
            let of = |row| domain_of(row).map_or(f64::NAN, |domain| value(row, domain));
            Numbers::F64((0..rows).map(of).collect())
        };
        let whole: Vec<Numbers> =
            variables.iter().map(|y| listwise(&|row, _| y.get(row))).collect();
        let quantities: Vec<Quantity<'_>> = whole.iter().map(Quantity::Mean).collect();
        let means = self.estimate(&quantities, domains, false);
        let p = variables.len();
        let from_mean = |i: usize, row: usize, d: usize| {
            variables[i].get(row) - means.values[i * domains.count + d]
        };
        let correction = |d: usize| {
            let n = means.totals.get(d).map_or(0, |t| t.n) as f64;
            n / (n - 1.0)
        };
        let pairs: Vec<(usize, usize)> = (0..p).flat_map(|i| (i..p).map(move |j| (i, j))).collect();
        let products: Vec<Numbers> = pairs
            .iter()
            .map(|&(i, j)| {
                listwise(&|row, d| correction(d) * from_mean(i, row, d) * from_mean(j, row, d))
            })
            .collect();
        let mut quantities: Vec<Quantity<'_>> = products.iter().map(Quantity::Mean).collect();
        let mut raw = self.estimate(&quantities, domains, covariance);
        let Some(replicates) = &self.replicates else { return raw };
        // Of the products less those of the means, both about the means of the full sample.
        let centred: Vec<Numbers> =
            (0..p).map(|i| listwise(&|row, d| from_mean(i, row, d))).collect();
        quantities.extend(centred.iter().map(Quantity::Mean));
        let thetas: Vec<Vec<f64>> = self
            .replicate_values(&quantities, domains)
            .unwrap_or_default()
            .into_iter()
            .map(|values| {
                let mean = |i: usize, d: usize| values[(pairs.len() + i) * domains.count + d];
                raw.index
                    .iter()
                    .enumerate()
                    .map(|(row, &(pair, _, d))| {
                        let (i, j) = pairs[pair];
                        values[row] - correction(d) * mean(i, d) * mean(j, d)
                    })
                    .collect()
            })
            .collect();
        let (v, lost) = replicates.variance(&raw.values, &thetas);
        raw.variances = v.diagonal().iter().copied().collect();
        raw.covariance = covariance.then_some(v);
        raw.lost_replicates = lost;
        blank(&mut raw);
        raw
    }
}

/// What cannot be estimated has no variance.
fn blank(raw: &mut Raw) {
    for row in (0..raw.values.len()).filter(|&row| !raw.values[row].is_finite()) {
        raw.variances[row] = f64::NAN;
        if let Some(v) = &mut raw.covariance {
            v.row_mut(row).fill(f64::NAN);
            v.column_mut(row).fill(f64::NAN);
        }
    }
}
