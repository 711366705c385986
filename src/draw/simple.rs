//! Simple random sampling without replacement, and Bernoulli sampling.

use std::collections::HashSet;

use rand::Rng;

use super::error::DrawError;
use crate::numeric::random::{below, unit};

/// n of N units, every set of n equally likely; ascending.
///
/// Small fractions use Floyd's method (Bentley and Floyd 1987, *Communications of the ACM* 30(9)),
/// which costs O(n) and never looks at the frame; larger ones selection sampling (Fan, Muller and
/// Rezucha 1962), one pass in order. Nothing is sorted but the sample.
///
/// # Errors
/// When more are asked for than there are.
pub fn simple(units: usize, n: usize, rng: &mut impl Rng) -> Result<Vec<u32>, DrawError> {
    if n > units {
        return Err(DrawError::TooMany { asked: n, available: units, sized: false });
    }
    if n < units / 16 {
        let mut taken = HashSet::with_capacity(n);
        for j in units - n..units {
            let k = below(j as u64 + 1, || rng.next_u64()) as u32;
            if !taken.insert(k) {
                taken.insert(j as u32);
            }
        }
        let mut sample: Vec<u32> = taken.into_iter().collect();
        sample.sort_unstable();
        return Ok(sample);
    }
    let mut sample = Vec::with_capacity(n);
    for k in 0..units {
        let (left, wanted) = (units - k, n - sample.len());
        if wanted == 0 {
            break;
        }
        if below(left as u64, || rng.next_u64()) < wanted as u64 {
            sample.push(k as u32);
        }
    }
    Ok(sample)
}

/// Every unit on its own with the same probability.
///
/// The gaps between those taken are geometric, so that the cost is that of the sample.
///
/// # Errors
/// A probability outside 0 … 1.
pub fn bernoulli(units: usize, rate: f64, rng: &mut impl Rng) -> Result<Vec<u32>, DrawError> {
    if !(0.0..=1.0).contains(&rate) {
        return Err(DrawError::Probability { unit: 0, probability: rate });
    }
    if rate > 0.1 {
        return Ok((0..units as u32).filter(|_| unit(rng.next_u64()) < rate).collect());
    }
    let mut sample = Vec::new();
    if rate == 0.0 {
        return Ok(sample);
    }
    let per_gap = 1.0 / (-rate).ln_1p();
    let mut next = 0.0_f64;
    while next < units as f64 {
        // −ln(1 − u) is exponential; its whole multiples of −ln(1 − rate) are geometric.
        next += ((-unit(rng.next_u64())).ln_1p() * per_gap).floor();
        if next < units as f64 {
            sample.push(next as u32);
        }
        next += 1.0;
    }
    Ok(sample)
}

/// An order at random (Fisher and Yates).
pub(super) fn shuffle<T>(items: &mut [T], rng: &mut impl Rng) {
    for i in (1..items.len()).rev() {
        let j = below(i as u64 + 1, || rng.next_u64()) as usize;
        items.swap(i, j);
    }
}
