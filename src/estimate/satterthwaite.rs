//! Degrees of freedom by Satterthwaite's approximation.
//!
//! A variance estimate z'Q z of PSU totals z with covariance Ω has the mean tr(QΩ) and, for normal z,
//! the variance 2 tr(QΩQΩ); a multiple of χ² with the same two has tr(QΩ)²/tr(QΩQΩ) degrees of
//! freedom (Satterthwaite 1946). Ω is that of a working model in which the residuals of the rows are
//! independent with one variance, and the estimate has taken its own part off them (Bell and
//! McCaffrey 2002, §4, with the identity as working covariance):
//!
//! > z_u = Σ_{i in u} w_i (e_i − ē),   Ω_uv = δ_uv S_u − (a_u S_v + S_u a_v)/A + a_u a_v S/A²
//!
//! with S_u = Σ w² and a_u = Σ w over the rows of the domain in PSU u (Σ w x for a ratio, 0 for a
//! total), S and A their sums. Q is that of the first stage, each stratum as a simple random sample.
//! Nothing of the outcome enters.

use super::analysis::{Analysis, Raw, offsets};
use super::quantity::Quantity;
use crate::aggregate::{CellRequest, DomainCodes, Measure, cell_sums};
use crate::data::Numbers;

/// What one stratum has in one domain.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    s: f64,
    a: f64,
    ss: f64,
    sa: f64,
    aa: f64,
    /// Σ S S², Σ S S a, Σ S a².
    sss: f64,
    ssa: f64,
    saa: f64,
}

/// Sums over the strata of what the traces are made of.
#[derive(Debug, Clone, Copy, Default)]
struct Traces {
    s: f64,
    a: f64,
    qd: f64,
    qdqd: f64,
    g: [[f64; 2]; 2],
    h: [[f64; 2]; 2],
}

impl Traces {
    /// Adds a stratum of n units with Q = q (I − 11'/n).
    fn add(&mut self, q: f64, n: f64, x: &Sums) {
        self.s += x.s;
        self.a += x.a;
        self.qd += q * (1.0 - 1.0 / n) * x.s;
        self.qdqd += q * q * (x.ss * (1.0 - 2.0 / n) + x.s * x.s / (n * n));
        // U = (a, S).
        let (sum, products) = ([x.a, x.s], [[x.aa, x.sa], [x.sa, x.ss]]);
        let thirds = [[x.saa, x.ssa], [x.ssa, x.sss]];
        for i in 0..2 {
            for j in 0..2 {
                self.g[i][j] += q * (products[i][j] - sum[i] * sum[j] / n);
                // Σ S (U_i − mean)(U_j − mean)
                let with = |k: usize| products[1][k];
                let centred = thirds[i][j] - with(i) * sum[j] / n - with(j) * sum[i] / n
                    + x.s * sum[i] * sum[j] / (n * n);
                self.h[i][j] += q * q * centred;
            }
        }
    }

    fn df(&self) -> f64 {
        let c = if self.a == 0.0 {
            [[0.0; 2]; 2]
        } else {
            [[self.s / (self.a * self.a), -1.0 / self.a], [-1.0 / self.a, 0.0]]
        };
        let product = |x: &[[f64; 2]; 2], y: &[[f64; 2]; 2]| {
            let mut out = [[0.0; 2]; 2];
            for (i, row) in out.iter_mut().enumerate() {
                for (j, cell) in row.iter_mut().enumerate() {
                    *cell = x[i][0] * y[0][j] + x[i][1] * y[1][j];
                }
            }
            out
        };
        let trace = |x: [[f64; 2]; 2]| x[0][0] + x[1][1];
        let cg = product(&c, &self.g);
        let mean = self.qd + trace(cg);
        let spread = self.qdqd + 2.0 * trace(product(&c, &self.h)) + trace(product(&cg, &cg));
        // One PSU, or nothing at all: the residuals add up to zero.
        if mean <= 1e-9 * self.qd || spread <= 0.0 { 0.0 } else { mean * mean / spread }
    }
}

impl Analysis {
    /// Satterthwaite degrees of freedom by quantity, outcome-free and domain, in the order of
    /// [`Raw::psus`].
    pub(super) fn satterthwaite(
        &self,
        quantities: &[Quantity<'_>],
        domains: &DomainCodes,
        raw: &Raw,
    ) -> Vec<f64> {
        let w = self.ledger.weights();
        let measures: Vec<Measure<'_>> = quantities.iter().map(Quantity::measure).collect();
        // Σ w² of the rows with a value: the weight as an outcome.
        let weights: Vec<Numbers> = measures
            .iter()
            .map(|measure| {
                let has = |row: usize| match measure {
                    Measure::Number(y) => !y.get(row).is_nan(),
                    Measure::Pair(y, x) => !y.get(row).is_nan() && !x.get(row).is_nan(),
                    Measure::Levels(codes, _) => codes.get(row) != crate::data::Codes::NONE,
                };
                let value = |row: usize| if has(row) { w[row] } else { f64::NAN };
                Numbers::F64((0..w.len()).map(value).collect())
            })
            .collect();
        let mut all = measures.clone();
        all.extend(weights.iter().map(Measure::Number));
        let tree = &self.design.tree;
        let request = CellRequest { tree, weights: w, domains, measures: &all, cross: Vec::new() };
        let sums = cell_sums(&request);
        let at = offsets(&all);
        let slots: Vec<(Option<usize>, usize)> = quantities
            .iter()
            .enumerate()
            .map(|(q, quantity)| {
                let own = match quantity {
                    Quantity::Mean(_) | Quantity::Proportions(..) => Some(at[q]),
                    Quantity::Ratio(..) => Some(at[q] + 2),
                    Quantity::Total(_) | Quantity::LevelTotals(..) => None,
                };
                (own, at[quantities.len() + q] + 1)
            })
            .collect();
        let mut traces = vec![Traces::default(); raw.psus.len()];
        let Some(stage) = tree.stages.first() else { return Vec::new() };
        let mut of_unit: Vec<(f64, f64)> = vec![(0.0, 0.0); traces.len()];
        let mut of_stratum: Vec<Sums> = vec![Sums::default(); traces.len()];
        let (mut in_unit, mut in_stratum) = (Vec::new(), Vec::new());
        for stratum in stage.strata.iter().filter(|h| h.n() > 1 && !h.is_census()) {
            for unit in stratum.first as usize..stratum.end as usize {
                for deepest in stage.of_unit(unit) {
                    for (domain, cell) in sums.unit(deepest) {
                        for (q, &(a, s)) in slots.iter().enumerate() {
                            if cell[s] == 0.0 {
                                continue;
                            }
                            let k = q * sums.domains + domain;
                            in_unit.push(k);
                            of_unit[k].0 += cell[s];
                            of_unit[k].1 += a.map_or(0.0, |slot| cell[slot]);
                        }
                    }
                }
                for k in in_unit.drain(..) {
                    let (s, a) = std::mem::take(&mut of_unit[k]);
                    if s == 0.0 {
                        continue;
                    }
                    in_stratum.push(k);
                    let x = &mut of_stratum[k];
                    x.s += s;
                    x.a += a;
                    x.ss += s * s;
                    x.sa += s * a;
                    x.aa += a * a;
                    x.sss += s * s * s;
                    x.ssa += s * s * a;
                    x.saa += s * a * a;
                }
            }
            let n = stratum.n() as f64;
            let q = stratum.share * stratum.fpc() * n / (n - 1.0);
            for k in in_stratum.drain(..) {
                let x = std::mem::take(&mut of_stratum[k]);
                if x.s > 0.0 {
                    traces[k].add(q, n, &x);
                }
            }
        }
        traces.iter().map(Traces::df).collect()
    }
}

/// Degrees of freedom of a sum of parts with variances v and degrees of freedom of their own, taken
/// as independent: (Σ v)²/Σ v²/df (Satterthwaite 1946; Welch 1947). `None` where a part with a
/// variance has none.
pub fn pooled_df(parts: &[(f64, Option<f64>)]) -> Option<f64> {
    let (mut total, mut squares) = (0.0, 0.0);
    for &(v, df) in parts.iter().filter(|(v, _)| *v != 0.0) {
        let df = df.filter(|df| *df > 0.0)?;
        total += v;
        squares += v * v / df;
    }
    Some(total * total / squares).filter(|df| df.is_finite() && *df > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DMatrix;

    /// The traces against the matrices themselves.
    #[test]
    fn agrees_with_its_definition() {
        // Strata with (S, a) of every unit; a unit without rows in the domain has zeros.
        let strata = [
            vec![(3.0, 2.0), (0.0, 0.0), (5.0, 1.5), (1.0, 4.0)],
            vec![(2.0, 1.0), (0.5, 3.0)],
            vec![(0.0, 0.0), (7.0, 2.5), (0.0, 0.0)],
        ];
        let q = [1.3, 2.0, 0.7];
        for with_centre in [true, false] {
            let (mut s, mut a) = (Vec::new(), Vec::new());
            let mut traces = Traces::default();
            for (h, units) in strata.iter().enumerate() {
                let mut x = Sums::default();
                for &(own, slope) in units {
                    let slope = if with_centre { slope } else { 0.0 };
                    s.push(own);
                    a.push(slope);
                    x.s += own;
                    x.a += slope;
                    x.ss += own * own;
                    x.sa += own * slope;
                    x.aa += slope * slope;
                    x.sss += own * own * own;
                    x.ssa += own * own * slope;
                    x.saa += own * slope * slope;
                }
                traces.add(q[h], units.len() as f64, &x);
            }
            let n = s.len();
            let (all_s, all_a): (f64, f64) = (s.iter().sum(), a.iter().sum());
            let omega = DMatrix::from_fn(n, n, |i, j| {
                let own = if i == j { s[i] } else { 0.0 };
                if !with_centre {
                    return own;
                }
                own - (a[i] * s[j] + s[i] * a[j]) / all_a + a[i] * a[j] * all_s / (all_a * all_a)
            });
            let mut form = DMatrix::zeros(n, n);
            let mut first = 0;
            for (h, units) in strata.iter().enumerate() {
                let m = units.len();
                for i in 0..m {
                    for j in 0..m {
                        let own = if i == j { 1.0 } else { 0.0 };
                        form[(first + i, first + j)] = q[h] * (own - 1.0 / m as f64);
                    }
                }
                first += m;
            }
            let product = &form * &omega;
            let wanted = product.trace().powi(2) / (&product * &product).trace();
            assert!((traces.df() - wanted).abs() < 1e-10, "{} {wanted}", traces.df());
        }
    }

    /// PSUs alike in one stratum: n − 1, as for a mean of n independent values. One PSU: none.
    #[test]
    fn equal_units() {
        for n in [2_u32, 5, 30] {
            let m = f64::from(n);
            let x = Sums { s: m, a: m, ss: m, sa: m, aa: m, sss: m, ssa: m, saa: m };
            let mut traces = Traces::default();
            traces.add(m / (m - 1.0), m, &x);
            assert!((traces.df() - (m - 1.0)).abs() < 1e-9);
        }
        let x = Sums { s: 2.0, a: 3.0, ss: 4.0, sa: 6.0, aa: 9.0, sss: 8.0, ssa: 12.0, saa: 18.0 };
        let mut traces = Traces::default();
        traces.add(1.25, 5.0, &x);
        assert_eq!(traces.df(), 0.0);
    }

    #[test]
    fn parts_are_pooled() {
        // Welch's test with s²/n = 4 and 1, n = 5 and 11.
        let df = pooled_df(&[(4.0, Some(4.0)), (1.0, Some(10.0))]).unwrap();
        assert!((df - 25.0 / (16.0 / 4.0 + 1.0 / 10.0)).abs() < 1e-12);
        assert_eq!(pooled_df(&[(4.0, Some(4.0)), (1.0, Some(0.0))]), None);
        assert_eq!(pooled_df(&[(4.0, Some(4.0)), (0.0, None)]), Some(4.0));
    }
}
