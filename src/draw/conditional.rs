//! Conditional Poisson sampling: the design of maximum entropy, and what Sampford's shares with it.

use rand::Rng;

use super::error::DrawError;
use super::size::Open;
use crate::numeric::random::unit;

/// Cells of a table of units × sizes that may be held.
pub(super) const CELLS: usize = 30_000_000;
/// Iterations for the working probabilities.
const ITERATIONS: usize = 500;

/// Probabilities of sums of independent events: `at(i)[k]` is that of k among the units from i on.
///
/// Everything here is a probability, so nothing over- or underflows that matters: the working
/// probabilities add to the size of the sample, which makes it the likeliest sum.
pub(super) struct Tails {
    width: usize,
    cells: Vec<f64>,
}

impl Tails {
    /// The table for sums up to n.
    pub fn new(p: &[f64], n: usize) -> Tails {
        let width = n + 1;
        let mut cells = vec![0.0; (p.len() + 1) * width];
        cells[p.len() * width] = 1.0;
        for (i, &p) in p.iter().enumerate().rev() {
            let (here, next) = cells[i * width..].split_at_mut(width);
            here[0] = (1.0 - p) * next[0];
            for k in 1..width {
                here[k] = (1.0 - p) * next[k] + p * next[k - 1];
            }
        }
        Tails { width, cells }
    }

    fn at(&self, i: usize) -> &[f64] {
        &self.cells[i * self.width..][..self.width]
    }

    /// n of the units, with probability ∝ ∏ p/(1 − p): in order, unit i is taken with the probability
    /// p_i P(n − 1 of those after) ÷ P(n of those from i on).
    fn take(&self, p: &[f64], mut n: usize, rng: &mut impl Rng) -> Vec<usize> {
        let mut taken = Vec::with_capacity(n);
        for (i, &p) in p.iter().enumerate() {
            if n == 0 {
                break;
            }
            let all = self.at(i)[n];
            if unit(rng.next_u64()) * all < p * self.at(i + 1)[n - 1] {
                taken.push(i);
                n -= 1;
            }
        }
        taken
    }

    /// P(m of all units but i), for every i; m < the width of the table.
    pub fn without_each(&self, p: &[f64], m: usize) -> Vec<f64> {
        let mut before = vec![0.0; self.width];
        before[0] = 1.0;
        p.iter()
            .enumerate()
            .map(|(i, &p)| {
                let after = self.at(i + 1);
                let sum = (0..=m).map(|k| before[k] * after[m - k]).sum();
                for k in (0..self.width).rev() {
                    let one_less = if k > 0 { before[k - 1] } else { 0.0 };
                    before[k] = (1.0 - p) * before[k] + p * one_less;
                }
                sum
            })
            .collect()
    }
}

/// Working probabilities and the table for them.
struct Working {
    p: Vec<f64>,
    tails: Tails,
}

/// Inclusion probabilities of conditional Poisson sampling of n units with working probabilities p:
/// π_i = p_i P(n − 1 of the others) ÷ P(n of all) (Chen, Dempster and Liu 1994, eq. 3).
pub(super) fn inclusion(p: &[f64], n: usize, tails: &Tails) -> Vec<f64> {
    let all = tails.at(0)[n];
    let others = tails.without_each(p, n - 1);
    p.iter().zip(others).map(|(p, o)| p * o / all).collect()
}

/// The p whose conditional Poisson sampling has the inclusion probabilities π (0 < π < 1, Σ π = n).
///
/// Chen, Dempster and Liu (1994, *Biometrika* 81, theorem 1) show that they exist and are unique up
/// to a factor of the odds. The iteration moves the log odds by (π − π(p)) ÷ π(1 − π): a Newton step
/// with the variances alone, halved where it does not bring them closer.
pub(super) fn working(pi: &[f64], n: usize) -> Result<Vec<f64>, DrawError> {
    search(pi, n).map(|w| w.p)
}

fn search(pi: &[f64], n: usize) -> Result<Working, DrawError> {
    let mut p = pi.to_vec();
    let (mut step, mut last) = (1.0, f64::INFINITY);
    for iteration in 0..=ITERATIONS {
        let tails = Tails::new(&p, n);
        let found = inclusion(&p, n, &tails);
        let off =
            pi.iter().zip(&found).map(|(t, f)| (t - f).abs() / t.min(1.0 - t)).fold(0.0, f64::max);
        if off < 1e-14 || (off < 1e-9 && off >= last) {
            return Ok(Working { p, tails });
        }
        if iteration == ITERATIONS || off.is_nan() {
            return Err(DrawError::NotConverged { iterations: iteration, off });
        }
        if off > 0.5 * last {
            step = 0.5;
        }
        last = off;
        for ((p, &t), f) in p.iter_mut().zip(pi).zip(found) {
            let log_odds = (*p / (1.0 - *p)).ln() + step * (t - f) / (t * (1.0 - t));
            *p = 1.0 / (1.0 + (-log_odds).exp());
        }
        rescale(&mut p, n);
    }
    Err(DrawError::NotConverged { iterations: ITERATIONS, off: last })
}

/// Multiplies the odds so that the probabilities add to about n: the sum is then the likeliest one.
fn rescale(p: &mut [f64], n: usize) {
    let mut shift = 0.0;
    let moved = |p: f64, shift: f64| {
        let odds = p / (1.0 - p) * f64::exp(shift);
        odds / (1.0 + odds)
    };
    for _ in 0..20 {
        let (sum, slope) = p.iter().fold((0.0, 0.0), |(s, d), &x| {
            let q = moved(x, shift);
            (s + q, d + q * (1.0 - q))
        });
        let change: f64 = ((n as f64 - sum) / slope).clamp(-1.0, 1.0);
        if change.is_nan() || change.abs() < 1e-12 {
            break;
        }
        shift += change;
    }
    p.iter_mut().for_each(|p| *p = moved(*p, shift));
}

pub(super) fn refuse_large(method: &'static str, units: usize, n: usize) -> Result<(), DrawError> {
    if units.saturating_mul(n + 1) <= CELLS {
        return Ok(());
    }
    let instead = "use pareto, pivotal or pps-systematic, or stratify the frame";
    Err(DrawError::TooLarge { method, sample: n, units, instead })
}

/// Conditional Poisson sampling with the inclusion probabilities given, exactly: of all designs with
/// these and a fixed size, the one of largest entropy (Hájek 1964, 1981; Chen, Dempster and Liu
/// 1994).
///
/// # Errors
/// Probabilities outside 0 … 1 or that do not add to a whole number; a frame too large for a table
/// of units × sample size; working probabilities that are not found.
pub fn conditional_poisson(pi: &[f64], rng: &mut impl Rng) -> Result<Vec<u32>, DrawError> {
    let open = Open::of(pi)?;
    let n = open.whole()?;
    if let Some(sample) = open.settled(n) {
        return Ok(sample);
    }
    refuse_large("conditional Poisson sampling", open.units.len(), n)?;
    let mut sample = open.certain.clone();
    let found = search(&open.pi, n)?;
    let taken = found.tails.take(&found.p, n, rng);
    sample.extend(taken.into_iter().map(|i| open.units[i]));
    sample.sort_unstable();
    Ok(sample)
}

/// Sampford's design (1967, *Biometrika* 54), without rejection (after Grafström 2009, *Journal of
/// Statistical Planning and Inference* 139).
///
/// The probability of a sample is ∝ Σ_{k∈s} (1 − π_k) ∏_{i∈s} π_i/(1 − π_i), which is a mixture: one
/// unit k with probability ∝ π_k (1 − π_k) P(n − 1 of the others), and then n − 1 of the others by
/// conditional Poisson sampling.
///
/// # Errors
/// Probabilities outside 0 … 1 or that do not add to a whole number; a frame too large for a table
/// of units × sample size.
pub fn sampford(pi: &[f64], rng: &mut impl Rng) -> Result<Vec<u32>, DrawError> {
    let open = Open::of(pi)?;
    let n = open.whole()?;
    if let Some(sample) = open.settled(n) {
        return Ok(sample);
    }
    refuse_large("Sampford sampling", open.units.len(), n)?;
    let mut sample = open.certain.clone();
    let others = Tails::new(&open.pi, n).without_each(&open.pi, n - 1);
    let weights: Vec<f64> = open.pi.iter().zip(others).map(|(p, o)| p * (1.0 - p) * o).collect();
    let first = super::sequential::one(&weights, unit(rng.next_u64()));
    let rest: Vec<usize> = (0..open.pi.len()).filter(|&i| i != first).collect();
    let p: Vec<f64> = rest.iter().map(|&i| open.pi[i]).collect();
    let taken = Tails::new(&p, n - 1).take(&p, n - 1, rng);
    sample.push(open.units[first]);
    sample.extend(taken.into_iter().map(|i| open.units[rest[i]]));
    sample.sort_unstable();
    Ok(sample)
}
