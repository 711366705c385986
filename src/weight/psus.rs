//! Means under two sets of weights, with their variances and covariance by PSUs.

use nalgebra::{DMatrix, DVector};

use super::error::WeightError;
use super::groups::same;
use crate::aggregate::{XColumns, XTerm};
use crate::data::Numbers;
use crate::design::UnitTree;

/// The first-stage units of the rows, for variances with replacement.
#[derive(Debug, Clone)]
pub(super) struct Psus {
    of_row: Vec<u32>,
    stratum: Vec<u32>,
    /// Units of each stratum.
    sizes: Vec<f64>,
}

/// A mean Σwy/Σw under two sets of weights.
#[derive(Debug, Clone, Copy)]
pub(super) struct TwoMeans {
    /// Rows with a value and a weight in the first set.
    pub n: u64,
    pub first: f64,
    pub second: f64,
    pub first_variance: f64,
    pub second_variance: f64,
    pub covariance: f64,
}

impl TwoMeans {
    /// The estimated mean squared error of the second, if the first is unbiased: its variance and the
    /// square of its bias. (θ₂ − θ₁)² overstates the latter by the variance of θ₂ − θ₁ (Potter 1988).
    pub fn mse_of_second(&self) -> f64 {
        let difference = self.second - self.first;
        let noise = self.first_variance + self.second_variance - 2.0 * self.covariance;
        self.second_variance + (difference * difference - noise).max(0.0)
    }
}

impl Psus {
    pub fn new(tree: &UnitTree, rows: usize) -> Result<Psus, WeightError> {
        same("rows of the design", tree.unit_of_row.len(), rows)?;
        let first = tree.first_stage_of_unit();
        let of_row = tree.unit_of_row.iter().map(|&u| first[u as usize]).collect();
        let sizes = tree.stages.first().map_or_else(Vec::new, |stage| {
            stage.strata.iter().map(|stratum| stratum.n() as f64).collect()
        });
        Ok(Psus { of_row, stratum: tree.stratum_of_first_stage(), sizes })
    }

    /// The covariance of the totals Σ c x: with replacement within strata, from totals of PSUs. A stratum
    /// of one PSU is centred on the mean of all PSUs.
    pub fn covariance(&self, x: &XColumns, c: &[f64]) -> DMatrix<f64> {
        let columns = x.width();
        let mut totals: Vec<Vec<f64>> = vec![Vec::new(); self.stratum.len()];
        for row in (0..c.len()).filter(|&r| c[r] != 0.0) {
            let own = &mut totals[self.of_row[row] as usize];
            own.resize(columns, 0.0);
            x.row(row).for_each(|(column, value)| own[column] += c[row] * value);
        }
        totals.iter_mut().for_each(|t| t.resize(columns, 0.0));
        let totals: Vec<DVector<f64>> = totals.into_iter().map(DVector::from_vec).collect();
        let zero = || DVector::zeros(columns);
        let all = totals.iter().fold(zero(), |sum, t| sum + t) / totals.len().max(1) as f64;
        let mut means = vec![zero(); self.sizes.len()];
        for (t, &h) in totals.iter().zip(&self.stratum) {
            means[h as usize] += t / self.sizes[h as usize];
        }
        let mut v = DMatrix::zeros(columns, columns);
        for (t, &h) in totals.iter().zip(&self.stratum) {
            let n = self.sizes[h as usize];
            let (centre, scale) =
                if n > 1.0 { (&means[h as usize], n / (n - 1.0)) } else { (&all, 1.0) };
            let z = t - centre;
            v.ger(scale, &z, &z, 1.0);
        }
        v
    }

    /// The variance of the total of some values, one for each row, in the same way.
    pub fn variance(&self, z: &[f64]) -> f64 {
        let column = XColumns { terms: vec![XTerm { codes: None, values: None, width: 1 }] };
        self.covariance(&column, z)[(0, 0)]
    }

    /// Brings rows into the order of their PSUs.
    pub fn sort(&self, rows: &mut [u32]) {
        rows.sort_by_key(|&row| self.of_row[row as usize]);
    }

    /// The means of y over some rows, given in the order of their PSUs, with weights `a` and `b` of each
    /// of these rows. The variance is that of totals of the PSUs, drawn with replacement within
    /// strata; PSUs without a row count with zero, strata of one PSU add nothing.
    ///
    /// `None` where a set of weights adds up to nothing.
    pub fn two_means(&self, rows: &[u32], y: &Numbers, a: &[f64], b: &[f64]) -> Option<TwoMeans> {
        let values: Vec<f64> = rows.iter().map(|&row| y.get(row as usize)).collect();
        let used = |i: &usize| !values[*i].is_nan() && (a[*i] != 0.0 || b[*i] != 0.0);
        let (mut sums, mut n) = ([0.0; 4], 0);
        for i in (0..rows.len()).filter(used) {
            n += u64::from(a[i] != 0.0);
            sums[0] += a[i];
            sums[1] += a[i] * values[i];
            sums[2] += b[i];
            sums[3] += b[i] * values[i];
        }
        if sums[0] == 0.0 || sums[2] == 0.0 {
            return None;
        }
        let (first, second) = (sums[1] / sums[0], sums[3] / sums[2]);
        let mut strata: Vec<[f64; 5]> = vec![[0.0; 5]; self.sizes.len()];
        let mut add = |psu: u32, za: f64, zb: f64| {
            let s = &mut strata[self.stratum[psu as usize] as usize];
            let terms = [za, zb, za * za, zb * zb, za * zb];
            s.iter_mut().zip(terms).for_each(|(s, t)| *s += t);
        };
        let mut open: Option<(u32, f64, f64)> = None;
        for i in (0..rows.len()).filter(used) {
            let psu = self.of_row[rows[i] as usize];
            let za = a[i] * (values[i] - first) / sums[0];
            let zb = b[i] * (values[i] - second) / sums[2];
            match &mut open {
                Some((p, sa, sb)) if *p == psu => {
                    *sa += za;
                    *sb += zb;
                }
                other => {
                    if let Some((p, sa, sb)) = other.replace((psu, za, zb)) {
                        add(p, sa, sb);
                    }
                }
            }
        }
        if let Some((p, sa, sb)) = open {
            add(p, sa, sb);
        }
        let (mut va, mut vb, mut vab) = (0.0, 0.0, 0.0);
        for (s, &n) in strata.iter().zip(&self.sizes).filter(|(_, n)| **n > 1.0) {
            let scale = n / (n - 1.0);
            va += scale * (s[2] - s[0] * s[0] / n).max(0.0);
            vb += scale * (s[3] - s[1] * s[1] / n).max(0.0);
            vab += scale * (s[4] - s[0] * s[1] / n);
        }
        Some(TwoMeans {
            n,
            first,
            second,
            first_variance: va,
            second_variance: vb,
            covariance: vab,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Column;
    use crate::design::{DesignInput, SurveyDesign, Variable};

    /// Simple random sampling with replacement: V = s²/n for equal weights, and the covariance of a mean
    /// with itself is its variance.
    #[test]
    fn equal_weights_give_the_textbook_variance() {
        let id = Column::numbers("id", (0..6).map(f64::from).collect());
        let design = SurveyDesign::build(&DesignInput {
            rows: 6,
            clusters: vec![Variable::of(&id)],
            ..DesignInput::default()
        })
        .expect("a design");
        let psus = Psus::new(&design.tree, 6).expect("lengths agree");
        let y = [2.0, 4.0, 4.0, 5.0, 7.0, 8.0];
        let mut rows: Vec<u32> = (0..6).rev().collect();
        psus.sort(&mut rows);
        let w = [3.0; 6];
        let m = psus.two_means(&rows, &Numbers::F64(y.to_vec()), &w, &[1.0; 6]).expect("means");
        let mean = y.iter().sum::<f64>() / 6.0;
        let s2 = y.iter().map(|y| (y - mean) * (y - mean)).sum::<f64>() / 5.0;
        for v in [m.first_variance, m.second_variance, m.covariance] {
            assert!((v - s2 / 6.0).abs() < 1e-12, "{v}");
        }
        assert!((m.mse_of_second() - s2 / 6.0).abs() < 1e-12);
        assert_eq!((m.n, m.first), (6, mean));
    }
}
