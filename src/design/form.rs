//! Variance estimators of a stratum as quadratic forms on the totals of its units.
//!
//! z is the weighted total of a unit, for a total Σ y/π: z = y/π. A form gives the bilinear
//! V(a, b) of two such vectors as left(a) · right(b), each in time linear in the number of units
//! (but for a matrix of joint probabilities), so that variances and covariances of any number of
//! estimates need one vector per estimate.

mod root;

use nalgebra::DMatrix;

use crate::numeric::{Sum, SymmetricSolver};

/// How the variance of a total is estimated from the units of one stratum.
///
/// Lists have one entry per unit of the stratum, in its order.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Form {
    /// Σ c (z − x'B)², B = (Σ r x x')⁻¹ Σ r x z.
    Residual(Residual),
    /// Σ d z² − Σ_{i≠j} k z_i z_j with k = (α − β (π_i + π_j))/(n − 1).
    Pairs(Pairs),
    /// z'Q z.
    Matrix(DMatrix<f64>),
    /// Squared differences of neighbours in an order of the units.
    Successive {
        /// The units in their order.
        order: Vec<u32>,
        /// Whether the last is a neighbour of the first.
        circular: bool,
        /// What the sum of squares is multiplied by.
        factor: f64,
    },
    /// a Σ z² + b Σ_{i≠j} z_i z_j.
    Exchangeable {
        /// a.
        diagonal: f64,
        /// b.
        pair: f64,
    },
}

/// See [`Form::Residual`].
#[derive(Debug, Clone, PartialEq)]
pub struct Residual {
    /// c.
    scale: Vec<f64>,
    /// r.
    weight: Vec<f64>,
    /// x, one row per unit; no column: nothing is taken off.
    x: DMatrix<f64>,
    /// (Σ r x x')⁻¹.
    inverse: DMatrix<f64>,
}

/// See [`Form::Pairs`].
#[derive(Debug, Clone, PartialEq)]
pub struct Pairs {
    pi: Vec<f64>,
    diagonal: Vec<f64>,
    alpha: f64,
    beta: f64,
    /// A constant added to all z changes nothing.
    is_shift_free: bool,
}

/// What the squares are taken of, where the two forms of the estimator differ.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PairForm {
    /// Squared differences of pairs (Sen 1953; Yates and Grundy 1953): for samples of fixed size.
    #[default]
    YatesGrundy,
    /// Products (Horvitz and Thompson 1952): for any design; unstable, and more often negative.
    HorvitzThompson,
}

impl Residual {
    fn new(scale: Vec<f64>, weight: Vec<f64>, x: DMatrix<f64>) -> Residual {
        let mut gram = DMatrix::zeros(x.ncols(), x.ncols());
        for (row, r) in x.row_iter().zip(&weight) {
            gram += row.transpose() * row * *r;
        }
        // A column that depends on others has no part.
        let inverse = match SymmetricSolver::new(&gram) {
            Ok(solver) => solver.solve_matrix(&DMatrix::identity(x.ncols(), x.ncols())),
            Err(_) => DMatrix::zeros(x.ncols(), x.ncols()),
        };
        Residual { scale, weight, x, inverse }
    }

    /// z − x'B.
    fn residuals(&self, z: &[f64], out: &mut Vec<f64>) {
        out.clear();
        out.extend_from_slice(z);
        // The second time takes off what rounding left.
        for _ in 0..2 {
            let sums = DMatrix::from_fn(self.x.ncols(), 1, |j, _| {
                let column = self.x.column(j);
                let terms = column.iter().zip(&self.weight).zip(&*out);
                terms.map(|((x, r), z)| x * r * z).fold(Sum::new(), add).value()
            });
            let b = &self.inverse * sums;
            for (i, e) in out.iter_mut().enumerate() {
                *e -= (0..b.nrows()).map(|j| self.x[(i, j)] * b[j]).sum::<f64>();
            }
        }
    }
}

fn add(mut sum: Sum, x: f64) -> Sum {
    sum.add(x);
    sum
}

impl Form {
    /// Brewer's estimator: n/(n − 1) Σ (1 − π)(z − z̄)² (Brewer 2002, eq. 9.7, in the version
    /// with the constant of simple random sampling).
    pub fn brewer(pi: &[f64]) -> Form {
        let n = pi.len() as f64;
        let scale = pi.iter().map(|p| (1.0 - p) * n / (n - 1.0)).collect();
        let ones = DMatrix::from_element(pi.len(), 1, 1.0);
        Form::Residual(Residual::new(scale, vec![1.0; pi.len()], ones))
    }

    /// Hájek's estimator, n/(n − 1) Σ (1 − π)(z − A)² with A = Σ (1 − π) z/Σ (1 − π) (Hájek 1964,
    /// §4; Deville's first, 1999).
    pub fn hajek(pi: &[f64]) -> Form {
        Form::balanced(pi, &DMatrix::from_element(pi.len(), 1, 1.0))
    }

    /// Deville's second estimator: Σ (1 − π)(z − A)²/(1 − Σ a²), a = (1 − π)/Σ (1 − π), A = Σ a z
    /// (Deville 1999; Matei and Tillé 2005, eq. 9).
    pub fn deville2(pi: &[f64]) -> Form {
        let rest: Vec<f64> = pi.iter().map(|p| 1.0 - p).collect();
        let total: f64 = rest.iter().sum();
        let squares: f64 = rest.iter().map(|r| (r / total) * (r / total)).sum();
        let scale = rest.iter().map(|r| r / (1.0 - squares)).collect();
        let ones = DMatrix::from_element(pi.len(), 1, 1.0);
        Form::Residual(Residual::new(scale, rest, ones))
    }

    /// Balanced sampling on x: n/(n − p) Σ (1 − π)(z − u'B)², u = x/π one row per unit, p its
    /// rank, B by least squares weighted by 1 − π (Deville and Tillé 2005, eq. 7 and 14).
    pub fn balanced(pi: &[f64], u: &DMatrix<f64>) -> Form {
        let rest: Vec<f64> = pi.iter().map(|p| 1.0 - p).collect();
        let n = pi.len() as f64;
        let p = rank(u, &rest) as f64;
        let scale = rest.iter().map(|r| r * n / (n - p)).collect();
        Form::Residual(Residual::new(scale, rest, u.clone()))
    }

    /// Units drawn independently (Poisson sampling): Σ (1 − π) z² (Särndal, Swensson and Wretman
    /// 1992, eq. 3.5.3).
    pub fn poisson(pi: &[f64]) -> Form {
        Form::diagonal(pi.iter().map(|p| 1.0 - p).collect())
    }

    /// Σ c z².
    pub(super) fn diagonal(scale: Vec<f64>) -> Form {
        let (ones, none) = (vec![1.0; scale.len()], DMatrix::zeros(scale.len(), 0));
        Form::Residual(Residual::new(scale, ones, none))
    }

    /// Hartley and Rao (1962, eq. 5.17): joint probabilities of randomised systematic sampling to
    /// the order N⁻³, k = (1 + φ − π_i − π_j)/(n − 1), φ = Σ π/n over the sample for Σ π²/n over
    /// the population. In the form of Yates and Grundy it is Brewer's estimator.
    pub fn hartley_rao(pi: &[f64], form: PairForm) -> Form {
        let mean = pi.iter().sum::<f64>() / pi.len() as f64;
        Form::pairs(pi, 1.0 + mean, 1.0, form)
    }

    /// Overton (1985): π_ij = (n − 1) π_i π_j/(n − (π_i + π_j)/2), k = (1 − (π_i + π_j)/2)/(n − 1).
    pub fn overton(pi: &[f64], form: PairForm) -> Form {
        Form::pairs(pi, 1.0, 0.5, form)
    }

    fn pairs(pi: &[f64], alpha: f64, beta: f64, form: PairForm) -> Form {
        let n = pi.len() as f64;
        let total: f64 = pi.iter().sum();
        let diagonal = pi
            .iter()
            .map(|p| match form {
                PairForm::HorvitzThompson => 1.0 - p,
                PairForm::YatesGrundy => alpha - beta * p - beta * (total - p) / (n - 1.0),
            })
            .collect();
        let is_shift_free = form == PairForm::YatesGrundy;
        Form::Pairs(Pairs { pi: pi.to_vec(), diagonal, alpha, beta, is_shift_free })
    }

    /// From joint probabilities: Σ_ij (1 − π_i π_j/π_ij) z_i z_j (Horvitz and Thompson 1952), or
    /// Σ_{i<j} (π_i π_j/π_ij − 1)(z_i − z_j)² (Sen 1953; Yates and Grundy 1953).
    pub fn joint(joint: &DMatrix<f64>, form: PairForm) -> Form {
        let n = joint.nrows();
        let mut q = DMatrix::from_fn(n, n, |i, j| {
            if i == j {
                1.0 - joint[(i, i)]
            } else {
                1.0 - joint[(i, i)] * joint[(j, j)] / joint[(i, j)]
            }
        });
        if form == PairForm::YatesGrundy {
            for i in 0..n {
                q[(i, i)] = -(0..n).filter(|&j| j != i).map(|j| q[(i, j)]).sum::<f64>();
            }
        }
        Form::Matrix(q)
    }

    /// Successive differences in an order: f n/(2(n − 1)) Σ (z_k − z_{k−1})² (SD1), or with the
    /// last and the first as neighbours f/2 Σ (z_k − z_{k−1})² (SD2) (Wolter 2007, eq. 8.2.2;
    /// Ash 2014, eq. 4 and 5); f = 1 − n/N.
    pub fn successive(order: Vec<u32>, circular: bool, f: f64) -> Form {
        let n = order.len() as f64;
        let factor = if circular { f / 2.0 } else { f * n / (2.0 * (n - 1.0)) };
        Form::Successive { order, circular, factor }
    }

    /// left(z) and right(z), so that V(a, b) = left(a) · right(b).
    pub fn split(&self, z: &[f64], left: &mut Vec<f64>, right: &mut Vec<f64>) {
        match self {
            Form::Residual(form) => {
                form.residuals(z, left);
                right.clear();
                right.extend(left.iter().zip(&form.scale).map(|(e, c)| e * c));
            }
            Form::Pairs(form) => {
                let n = z.len() as f64;
                centred(z, form.is_shift_free, left);
                let total = left.iter().copied().fold(Sum::new(), add).value();
                let by_pi = left.iter().zip(&form.pi).map(|(z, p)| z * p);
                let by_pi = by_pi.fold(Sum::new(), add).value();
                right.clear();
                right.extend(left.iter().zip(&form.pi).zip(&form.diagonal).map(|((z, p), d)| {
                    let others =
                        (form.alpha - form.beta * p) * (total - z) - form.beta * (by_pi - p * z);
                    d * z - others / (n - 1.0)
                }));
            }
            Form::Matrix(q) => {
                left.clear();
                left.extend_from_slice(z);
                right.clear();
                right.extend(q.column_iter().map(|column| {
                    column.iter().zip(z).map(|(q, z)| q * z).fold(Sum::new(), add).value()
                }));
            }
            Form::Successive { order, circular, factor } => {
                centred(z, true, left);
                right.clear();
                right.resize(z.len(), 0.0);
                let ends = circular.then(|| [order.last().copied(), order.first().copied()]);
                let ends = ends.and_then(|[a, b]| Some([a?, b?]));
                let pairs = order.windows(2).map(|pair| [pair[0], pair[1]]).chain(ends);
                for [a, b] in pairs {
                    let step = factor * (left[b as usize] - left[a as usize]);
                    right[b as usize] += step;
                    right[a as usize] -= step;
                }
            }
            Form::Exchangeable { diagonal, pair } => {
                left.clear();
                left.extend_from_slice(z);
                let total = z.iter().copied().fold(Sum::new(), add).value();
                right.clear();
                right.extend(z.iter().map(|z| (diagonal - pair) * z + pair * total));
            }
        }
    }

    /// V(z, z).
    pub fn variance(&self, z: &[f64]) -> f64 {
        let (mut left, mut right) = (Vec::new(), Vec::new());
        self.split(z, &mut left, &mut right);
        dot(&left, &right)
    }

    /// True when a sample can give it a negative value.
    pub fn can_be_negative(&self) -> bool {
        match self {
            Form::Residual(_) | Form::Successive { .. } => false,
            Form::Pairs(_) | Form::Matrix(_) | Form::Exchangeable { .. } => true,
        }
    }

    /// V(e_i, e_i) for the unit i, where the units have no part in each other's variance.
    pub fn independent(&self) -> Option<&[f64]> {
        match self {
            Form::Residual(form) if form.x.ncols() == 0 => Some(&form.scale),
            _ => None,
        }
    }
}

/// Σ a b, compensated.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).fold(Sum::new(), add).value()
}

fn centred(z: &[f64], centre: bool, out: &mut Vec<f64>) {
    let mean = if centre { z.iter().sum::<f64>() / z.len() as f64 } else { 0.0 };
    out.clear();
    out.extend(z.iter().map(|z| z - mean));
}

/// How many columns of u do not depend on others.
fn rank(u: &DMatrix<f64>, weight: &[f64]) -> usize {
    let mut gram = DMatrix::zeros(u.ncols(), u.ncols());
    for (row, r) in u.row_iter().zip(weight) {
        gram += row.transpose() * row * *r;
    }
    SymmetricSolver::new(&gram).map_or(0, |solver| solver.rank())
}

/// Columns of `u` that do not depend on others, for a message.
pub(super) fn columns_used(u: &DMatrix<f64>) -> usize {
    rank(u, &vec![1.0; u.nrows()])
}

#[cfg(test)]
mod tests {
    use super::*;

    const PI: [f64; 6] = [0.2, 0.35, 0.5, 0.6, 0.15, 0.7];
    const Z: [f64; 6] = [11.0, -3.0, 8.5, 4.0, 20.0, 1.0];
    const Y: [f64; 6] = [2.0, 5.0, -1.0, 3.5, 9.0, 4.0];

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() <= 1e-11 * b.abs().max(1.0), "{a} {b}");
    }

    /// Every form against its definition, one pair at a time.
    fn check(form: &Form, matrix: impl Fn(usize, usize) -> f64) {
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for (a, b) in [(Z, Z), (Z, Y), (Y, Z)] {
            let mut wanted = 0.0;
            for i in 0..6 {
                for j in 0..6 {
                    wanted += a[i] * matrix(i, j) * b[j];
                }
            }
            form.split(&a, &mut left, &mut right);
            let mut other = (Vec::new(), Vec::new());
            form.split(&b, &mut other.0, &mut other.1);
            close(dot(&left, &other.1), wanted);
            close(dot(&other.0, &right), wanted);
        }
    }

    /// The matrix of Σ_{i<j} k_ij (z_i − z_j)² .
    fn differences(k: impl Fn(usize, usize) -> f64) -> impl Fn(usize, usize) -> f64 {
        move |i, j| {
            if i == j { (0..6).filter(|&l| l != i).map(|l| k(i, l)).sum() } else { -k(i, j) }
        }
    }

    #[test]
    fn approximations_of_joint_probabilities() {
        let mean = PI.iter().sum::<f64>() / 6.0;
        let hartley_rao = |i: usize, j: usize| (1.0 - PI[i] - PI[j] + mean) / 5.0;
        let overton = |i: usize, j: usize| {
            let joint = 5.0 * PI[i] * PI[j] / (6.0 - (PI[i] + PI[j]) / 2.0);
            PI[i] * PI[j] / joint - 1.0
        };
        check(&Form::hartley_rao(&PI, PairForm::YatesGrundy), differences(hartley_rao));
        check(&Form::overton(&PI, PairForm::YatesGrundy), differences(overton));
        let products = |k: fn(f64, f64, f64) -> f64| {
            move |i: usize, j: usize| if i == j { 1.0 - PI[i] } else { -k(PI[i], PI[j], mean) }
        };
        let form = Form::hartley_rao(&PI, PairForm::HorvitzThompson);
        check(&form, products(|a, b, mean| (1.0 - a - b + mean) / 5.0));
        let form = Form::overton(&PI, PairForm::HorvitzThompson);
        check(&form, products(|a, b, _| (6.0 - (a + b) / 2.0) / 5.0 - 1.0));
        // Hartley–Rao with differences of pairs is Brewer's.
        let brewer = Form::brewer(&PI).variance(&Z);
        close(Form::hartley_rao(&PI, PairForm::YatesGrundy).variance(&Z), brewer);
        let z_mean = Z.iter().sum::<f64>() / 6.0;
        let terms = PI.iter().zip(&Z).map(|(p, z)| (1.0 - p) * (z - z_mean) * (z - z_mean));
        close(brewer, 1.2 * terms.sum::<f64>());
    }

    #[test]
    fn residual_forms() {
        let rest: Vec<f64> = PI.iter().map(|p| 1.0 - p).collect();
        let all: f64 = rest.iter().sum();
        let centre = rest.iter().zip(&Z).map(|(r, z)| r * z).sum::<f64>() / all;
        let squares = rest.iter().zip(&Z).map(|(r, z)| r * (z - centre) * (z - centre));
        let squares: f64 = squares.sum();
        close(Form::hajek(&PI).variance(&Z), 1.2 * squares);
        let a: f64 = rest.iter().map(|r| (r / all) * (r / all)).sum();
        close(Form::deville2(&PI).variance(&Z), squares / (1.0 - a));
        close(Form::poisson(&PI).variance(&Z), rest.iter().zip(&Z).map(|(r, z)| r * z * z).sum());
        // What the sample is balanced on has no variance.
        let u = DMatrix::from_fn(6, 3, |i, j| if j == 0 { 1.0 } else { Y[i].powi(j as i32) });
        let balanced = Form::balanced(&PI, &u);
        let fitted: Vec<f64> = Y.iter().map(|y| 3.0 - 2.0 * y + 0.5 * y * y).collect();
        assert!(balanced.variance(&fitted).abs() < 1e-18);
        // A column twice counts once.
        let twice = DMatrix::from_fn(6, 4, |i, j| u[(i, j.min(2))]);
        close(Form::balanced(&PI, &twice).variance(&Z), balanced.variance(&Z));
    }

    /// Equal probabilities: all are simple random sampling without replacement.
    #[test]
    fn equal_probabilities() {
        let pi = [0.3; 6];
        let mean = Z.iter().sum::<f64>() / 6.0;
        let simple = 0.7 * 1.2 * Z.iter().map(|z| (z - mean) * (z - mean)).sum::<f64>();
        let joint = |i: usize, j: usize| if i == j { 0.3 } else { 0.3 * 5.0 / 19.0 };
        let joint = DMatrix::from_fn(6, 6, joint);
        for form in [
            Form::brewer(&pi),
            Form::hajek(&pi),
            Form::deville2(&pi),
            Form::hartley_rao(&pi, PairForm::YatesGrundy),
            Form::overton(&pi, PairForm::YatesGrundy),
            Form::overton(&pi, PairForm::HorvitzThompson),
            Form::joint(&joint, PairForm::YatesGrundy),
            Form::joint(&joint, PairForm::HorvitzThompson),
            Form::Exchangeable { diagonal: 0.7, pair: -0.7 / 5.0 },
        ] {
            close(form.variance(&Z), simple);
        }
    }

    #[test]
    fn joint_probabilities() {
        let joint = DMatrix::from_fn(6, 6, |i, j| {
            if i == j { PI[i] } else { PI[i] * PI[j] * (0.8 + 0.02 * (i + j) as f64) }
        });
        let check_of = |i: usize, j: usize| 1.0 - PI[i] * PI[j] / joint[(i, j)];
        let products = |i: usize, j: usize| if i == j { 1.0 - PI[i] } else { check_of(i, j) };
        check(&Form::joint(&joint, PairForm::HorvitzThompson), products);
        check(&Form::joint(&joint, PairForm::YatesGrundy), differences(|i, j| -check_of(i, j)));
    }

    #[test]
    fn successive_differences() {
        let order = [3_u32, 0, 5, 1, 2, 4];
        let z: Vec<f64> = order.iter().map(|&i| Z[i as usize]).collect();
        let squares: f64 = z.windows(2).map(|p| (p[1] - p[0]) * (p[1] - p[0])).sum();
        let around = (z[5] - z[0]) * (z[5] - z[0]);
        let one = Form::successive(order.to_vec(), false, 0.9);
        close(one.variance(&Z), 0.9 * 6.0 / 10.0 * squares);
        let two = Form::successive(order.to_vec(), true, 0.9);
        close(two.variance(&Z), 0.45 * (squares + around));
        // Two units: both are simple random sampling.
        for circular in [false, true] {
            let pair = Form::successive(vec![1, 0], circular, 1.0);
            close(pair.variance(&[3.0, 5.0]), 4.0);
        }
    }
}
