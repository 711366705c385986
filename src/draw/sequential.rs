//! Methods that go through the units one by one: Brewer's, and the pivotal method.

use rand::Rng;

use super::error::DrawError;
use super::simple::shuffle;
use super::size::Open;
use crate::numeric::random::unit;

/// The unit that a number u in 0 … 1 falls on, when each has a share of the sum of the weights.
pub(super) fn one(weights: &[f64], u: f64) -> usize {
    let total: f64 = weights.iter().sum();
    let mut left = u * total;
    let mut last = 0;
    for (i, &w) in weights.iter().enumerate().filter(|(_, w)| **w > 0.0) {
        if left < w {
            return i;
        }
        left -= w;
        last = i;
    }
    last
}

/// Steps (units × sample size) that Brewer's method may take.
const STEPS: usize = 4_000_000_000;

/// Brewer's draw-by-draw method (Brewer 1975, *Australian Journal of Statistics* 17; Tillé 2006,
/// algorithm 6.10): with a = Σ π of those drawn, the r-th unit is drawn with probability
/// ∝ π_k (n − a − π_k) ÷ (n − a − π_k (n − r + 1)).
///
/// # Errors
/// Probabilities outside 0 … 1 or that do not add to a whole number; a frame so large that it takes
/// too long.
pub fn brewer(pi: &[f64], rng: &mut impl Rng) -> Result<Vec<u32>, DrawError> {
    let open = Open::of(pi)?;
    let n = open.whole()?;
    if let Some(sample) = open.settled(n) {
        return Ok(sample);
    }
    if open.units.len().saturating_mul(n) > STEPS {
        let instead = "use pareto, pivotal or pps-systematic, or stratify the frame";
        let units = open.units.len();
        return Err(DrawError::TooLarge { method: "Brewer's method", sample: n, units, instead });
    }
    let mut sample = open.certain.clone();
    let (mut units, mut left) = (open.units, open.pi);
    let mut weights = vec![0.0; left.len()];
    for draw in 0..n {
        // What is left to be drawn is n − a, the sum of the probabilities that are left.
        let rest: f64 = left.iter().sum();
        let still = (n - draw) as f64;
        weights.truncate(left.len());
        for (w, &p) in weights.iter_mut().zip(&left) {
            // Positive: fewer than the rest are to be drawn, and p < 1. Rounding may reach zero.
            *w = (p * (rest - p) / (rest - p * still).max(1e-300)).min(1e290);
        }
        let drawn = one(&weights, unit(rng.next_u64()));
        sample.push(units.swap_remove(drawn));
        left.swap_remove(drawn);
    }
    sample.sort_unstable();
    Ok(sample)
}

/// The pivotal method (Deville and Tillé 1998, *Biometrika* 85): two units fight, one of them ends
/// at probability 0 or 1 and the other carries the rest on to the next fight.
///
/// With `in_order`, units fight their neighbours in the list, which spreads the sample over it
/// nearly as a systematic one but with fewer joint probabilities of zero (Chauvet 2012, *Bernoulli*
/// 18); else in random order.
///
/// # Errors
/// Probabilities outside 0 … 1 or that do not add to a whole number.
pub fn pivotal(pi: &[f64], in_order: bool, rng: &mut impl Rng) -> Result<Vec<u32>, DrawError> {
    let open = Open::of(pi)?;
    open.whole()?;
    let mut sample = open.certain.clone();
    let mut order: Vec<usize> = (0..open.units.len()).collect();
    if !in_order {
        shuffle(&mut order, rng);
    }
    let mut champion: Option<(usize, f64)> = None;
    for i in order {
        let Some((a, p)) = champion else {
            champion = Some((i, open.pi[i]));
            continue;
        };
        let (b, q) = (i, open.pi[i]);
        let sum = p + q;
        let u = unit(rng.next_u64());
        champion = if sum < 1.0 {
            // One is out; the other carries both.
            Some(if u * sum < p { (a, sum) } else { (b, sum) })
        } else {
            // One is in; the other carries what is above 1.
            let (into, out) = if u * (2.0 - sum) < 1.0 - q { (a, b) } else { (b, a) };
            sample.push(open.units[into]);
            let rest = sum - 1.0;
            (rest > 1e-12).then_some((out, rest))
        };
        if let Some((k, p)) = champion
            && p > 1.0 - 1e-12
        {
            sample.push(open.units[k]);
            champion = None;
        }
    }
    // The sum is whole, so that what the last carries is 0 or 1 but for rounding.
    if let Some((k, p)) = champion
        && p > 0.5
    {
        sample.push(open.units[k]);
    }
    sample.sort_unstable();
    Ok(sample)
}
