//! Systematic sampling, with equal and unequal probabilities.

use rand::Rng;

use super::error::DrawError;
use super::size::Open;
use crate::numeric::Sum;
use crate::numeric::random::{below, unit};

/// n of N units at the fractional interval N/n from a random start, in the order given.
///
/// In whole numbers: with a start r in 0 … N − 1, the i-th unit is ⌊(r + iN) ÷ n⌋, so that every
/// unit has probability n/N exactly.
///
/// # Errors
/// When more are asked for than there are.
pub fn systematic(units: usize, n: usize, rng: &mut impl Rng) -> Result<Vec<u32>, DrawError> {
    if n > units {
        return Err(DrawError::TooMany { asked: n, available: units, sized: false });
    }
    let start = below(units as u64, || rng.next_u64());
    let at = |i: usize| (u128::from(start) + i as u128 * units as u128) / n.max(1) as u128;
    Ok((0..n).map(|i| at(i) as u32).collect())
}

/// Systematic sampling with unequal probabilities (Madow 1949, *Annals of Mathematical Statistics*
/// 20): with V_k = π_1 + … + π_k, unit k is taken when V_{k−1} ≤ u + j < V_k for a whole j.
///
/// The order is that of the list. Probabilities need not add to a whole number; the size then varies
/// by one.
///
/// # Errors
/// Probabilities outside 0 … 1.
pub fn systematic_unequal(pi: &[f64], rng: &mut impl Rng) -> Result<Vec<u32>, DrawError> {
    let open = Open::of(pi)?;
    let points = cumulated(&open);
    let start = unit(rng.next_u64());
    let mut sample = open.certain.clone();
    let (mut before, mut next) = (0.0, start);
    for (&k, &v) in open.units.iter().zip(&points) {
        // A unit has at most one hit: its interval is shorter than 1.
        if before <= next && next < v {
            sample.push(k);
            next += 1.0;
        }
        before = v;
    }
    sample.sort_unstable();
    Ok(sample)
}

/// The sums V_k; the last is whole where it is so but for rounding.
pub(super) fn cumulated(open: &Open) -> Vec<f64> {
    let mut sum = Sum::new();
    let mut points: Vec<f64> = open
        .pi
        .iter()
        .map(|&p| {
            sum.add(p);
            sum.value()
        })
        .collect();
    if let (Ok(whole), Some(last)) = (open.whole(), points.last_mut()) {
        *last = whole as f64;
    }
    points
}
