//! Joint inclusion probabilities.

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::conditional::{CELLS, working};
use super::elimination;
use super::error::DrawError;
use super::method::Method;
use super::size::Open;
use super::systematic::cumulated;

/// Where joint inclusion probabilities come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JointSource {
    /// They are those of the design.
    Exact,
    /// Hájek's approximation for designs of high entropy.
    Approximate,
}

/// Joint inclusion probabilities of all pairs; the diagonal is π.
#[derive(Debug, Clone, PartialEq)]
pub struct Joint {
    /// π_kl, for all units.
    pub matrix: DMatrix<f64>,
    /// Exact or approximate.
    pub source: JointSource,
}

/// Multiplications that a matrix of joint probabilities may take.
const STEPS: usize = 20_000_000_000;

/// The joint inclusion probabilities π_kl of a method.
///
/// Exact for simple, Bernoulli and Poisson sampling, systematic sampling in the order given (Madow
/// 1949), conditional Poisson sampling (Chen, Dempster and Liu 1994), Sampford's (1967) and Tillé's
/// (1996) design and Midzuno's. For the others, whose joint probabilities are unknown or take longer
/// to find than they are worth, Hájek's approximation ([`hajek`]) is given and said to be one; for
/// pivotal and systematic sampling in random order, Brewer's and Pareto's it is good to the order
/// 1/Σ π(1 − π), for the pivotal method in order and the cube it is not: see the method page.
///
/// # Errors
/// Probabilities outside 0 … 1, or not adding to a whole number where the size is fixed; frames for
/// which the matrix is too large or takes too long.
pub fn joint(method: Method, pi: &[f64]) -> Result<Joint, DrawError> {
    let open = Open::of(pi)?;
    let m = open.units.len();
    let too_large = |n: usize| {
        let instead = "use the approximation of the variance that needs no joint probabilities";
        DrawError::TooLarge { method: "joint probabilities", sample: n, units: m, instead }
    };
    if pi.len().saturating_mul(pi.len()) > CELLS {
        return Err(too_large(0));
    }
    let n = if method.fixed_size() { open.whole()? } else { 0 };
    let steps = m.saturating_mul(m).saturating_mul(n + 1);
    let source = match method {
        Method::Brewer
        | Method::Pareto
        | Method::Pivotal
        | Method::PivotalInOrder
        | Method::PpsSystematicRandom => JointSource::Approximate,
        _ => JointSource::Exact,
    };
    let independent = || DMatrix::from_fn(m, m, |k, l| product(&open.pi, k, l));
    let inner =
        match method {
            _ if method.fixed_size() && (n == 0 || n >= m) => {
                let all = if n == 0 { 0.0 } else { 1.0 };
                DMatrix::from_fn(m, m, |k, l| {
                    if k == l { open.pi[k] } else { all * open.pi[k] * open.pi[l] }
                })
            }
            Method::Bernoulli | Method::Poisson => independent(),
            Method::Simple => {
                let (n, units) = (n as f64, m as f64);
                let pair = n * (n - 1.0) / (units * (units - 1.0));
                DMatrix::from_fn(m, m, |k, l| if k == l { open.pi[k] } else { pair })
            }
            Method::Systematic | Method::PpsSystematic => arcs(&open),
            Method::ConditionalPoisson | Method::Sampford => {
                if steps > STEPS || m.saturating_mul(n + 1) > CELLS {
                    return Err(too_large(n));
                }
                if method == Method::Sampford {
                    pairs(&open.pi, n, true)
                } else {
                    pairs(&working(&open.pi, n)?, n, false)
                }
            }
            Method::Tille => elimination::joint(&open.pi, n),
            Method::Midzuno => {
                let outside: Vec<f64> = open.pi.iter().map(|p| 1.0 - p).collect();
                let other = elimination::joint(&outside, m - n);
                DMatrix::from_fn(m, m, |k, l| {
                    if k == l { open.pi[k] } else { open.pi[k] + open.pi[l] - 1.0 + other[(k, l)] }
                })
            }
            Method::Brewer
            | Method::Pareto
            | Method::Pivotal
            | Method::PivotalInOrder
            | Method::PpsSystematicRandom => hajek(&open.pi),
        };
    let mut place = vec![None; pi.len()];
    open.units.iter().enumerate().for_each(|(i, &k)| place[k as usize] = Some(i));
    let matrix = DMatrix::from_fn(pi.len(), pi.len(), |k, l| match (place[k], place[l]) {
        (Some(a), Some(b)) => inner[(a, b)],
        // A unit that is certain, or never drawn, is independent of the others.
        _ => product(pi, k, l),
    });
    Ok(Joint { matrix, source })
}

fn product(pi: &[f64], k: usize, l: usize) -> f64 {
    if k == l { pi[k].min(1.0) } else { pi[k].min(1.0) * pi[l].min(1.0) }
}

/// Hájek's approximation for designs of fixed size and high entropy (Hájek 1964, theorem 5.2):
/// π_kl = π_k π_l {1 − (1 − π_k)(1 − π_l) ÷ Σ π(1 − π)}; the diagonal is π.
pub fn hajek(pi: &[f64]) -> DMatrix<f64> {
    let d: f64 = pi.iter().map(|p| p * (1.0 - p)).sum();
    DMatrix::from_fn(pi.len(), pi.len(), |k, l| {
        if k == l || d <= 0.0 {
            product(pi, k, l)
        } else {
            pi[k] * pi[l] * (1.0 - (1.0 - pi[k]) * (1.0 - pi[l]) / d).max(0.0)
        }
    })
}

/// Systematic sampling in the order given: each unit covers an arc of length π of a circle of length
/// 1, and two are drawn together when the start lies in both.
fn arcs(open: &Open) -> DMatrix<f64> {
    let ends = cumulated(open);
    let m = open.pi.len();
    let start = |k: usize| if k == 0 { 0.0 } else { ends[k - 1] };
    DMatrix::from_fn(m, m, |k, l| {
        if k == l {
            return open.pi[k];
        }
        // Both moved so that k begins at 0; an arc of l that goes past 1 comes in again at 0.
        let (k, l) = (k.min(l), k.max(l));
        let length = open.pi[k];
        let from = (start(l) - start(k)).rem_euclid(1.0);
        let to = from + open.pi[l];
        let overlap = (length.min(to) - from).max(0.0) + (length.min(to - 1.0)).max(0.0);
        // What rounding leaves of arcs that only touch.
        if overlap < 1e-14 { 0.0 } else { overlap.min(length).min(open.pi[l]) }
    })
}

/// a + b ε with ε² = 0.
#[derive(Clone, Copy)]
struct Dual(f64, f64);

impl Dual {
    const ZERO: Dual = Dual(0.0, 0.0);

    fn add(self, other: Dual) -> Dual {
        Dual(self.0 + other.0, self.1 + other.1)
    }

    fn times(self, other: Dual) -> Dual {
        Dual(self.0 * other.0, self.0 * other.1 + self.1 * other.0)
    }
}

/// π_kl of a design of n units with probability ∝ ∏_{i∈s} p_i/(1 − p_i), times
/// Σ_{i∈s} (1 − p_i) when `sampford`.
///
/// With a weight 1 + (1 − p_i) ε for each unit, the sum of the products is the part at ε. For each k,
/// sums over the other units before and after l are joined, so that nothing is divided out.
fn pairs(p: &[f64], n: usize, sampford: bool) -> DMatrix<f64> {
    let m = p.len();
    let factor = |i: usize| Dual(p[i], if sampford { p[i] * (1.0 - p[i]) } else { 0.0 });
    let part = |d: Dual| if sampford { d.1 } else { d.0 };
    let grow = |sums: &mut [Dual], i: usize| {
        for k in (0..sums.len()).rev() {
            let stay = Dual(1.0 - p[i], 0.0).times(sums[k]);
            sums[k] = if k > 0 { stay.add(factor(i).times(sums[k - 1])) } else { stay };
        }
    };
    let empty = || {
        let mut sums = vec![Dual::ZERO; n + 1];
        sums[0] = Dual(1.0, 0.0);
        sums
    };
    let mut all = empty();
    (0..m).for_each(|i| grow(&mut all, i));
    let all = part(all[n]);
    let rows: Vec<Vec<f64>> = (0..m)
        .into_par_iter()
        .map(|k| {
            // after[l]: units from l on, without k.
            let mut after = vec![empty(); m + 1];
            for i in (0..m).rev() {
                after[i] = after[i + 1].clone();
                if i != k {
                    grow(&mut after[i], i);
                }
            }
            let mut before = empty();
            let mut row = vec![0.0; m];
            for l in 0..m {
                if l == k {
                    let others = after[k + 1]
                        .iter()
                        .take(n)
                        .enumerate()
                        .fold(Dual::ZERO, |s, (j, a)| s.add(a.times(before[n - 1 - j])));
                    row[k] = part(factor(k).times(others)) / all;
                    continue;
                }
                if n >= 2 {
                    let others = after[l + 1]
                        .iter()
                        .take(n - 1)
                        .enumerate()
                        .fold(Dual::ZERO, |s, (j, a)| s.add(a.times(before[n - 2 - j])));
                    row[l] = part(factor(k).times(factor(l)).times(others)) / all;
                }
                grow(&mut before, l);
            }
            row
        })
        .collect();
    DMatrix::from_fn(m, m, |k, l| rows[k.min(l)][k.max(l)])
}
