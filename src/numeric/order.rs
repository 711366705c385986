//! Order statistics without sorting.

use rayon::prelude::*;

/// Values handed to one task, at least: its table of buckets has to be worth it.
const TASK: usize = 1 << 17;

/// The k-th smallest value for each rank k (from 0), NaN where there are not so many.
///
/// Values for which `keep` is false do not count. NaN counts as larger than every number, −0 as
/// smaller than 0. One pass counts the values by their leading 16 bits, a second collects those that
/// share these with a wanted one; only the collected ones are sorted.
///
/// ```
/// use rakewell::numeric::order_statistics;
/// let values = [3.0, 0.0, 1.0, 2.0];
/// assert_eq!(order_statistics(&values, |x| x != 0.0, &[0, 2]), [1.0, 3.0]);
/// assert!(order_statistics(&values, |x| x != 0.0, &[3])[0].is_nan());
/// ```
pub fn order_statistics(
    values: &[f64],
    keep: impl Fn(f64) -> bool + Sync,
    ranks: &[usize],
) -> Vec<f64> {
    let count = |mut counts: Vec<u32>, part: &[f64]| {
        for &x in part.iter().filter(|x| keep(**x)) {
            counts[bucket(x)] += 1;
        }
        counts
    };
    let both = |mut a: Vec<u32>, b: Vec<u32>| {
        a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
        a
    };
    let empty = || vec![0_u32; 1 << 16];
    let counts = values.par_chunks(TASK).fold(empty, count).reduce(empty, both);
    // The bucket of each rank and the rank within it.
    let places: Vec<Option<(usize, usize)>> = ranks.iter().map(|&k| place(&counts, k)).collect();
    let mut wanted: Vec<usize> = places.iter().flatten().map(|p| p.0).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let mut is_wanted = vec![false; 1 << 16];
    wanted.iter().for_each(|&b| is_wanted[b] = true);
    let mut members: Vec<f64> = values
        .par_chunks(TASK)
        .flat_map_iter(|part| part.iter().copied().filter(|&x| is_wanted[bucket(x)] && keep(x)))
        .collect();
    members.par_sort_unstable_by(f64::total_cmp);
    places
        .iter()
        .map(|place| {
            let Some((bucket_of, rank)) = place else { return f64::NAN };
            let first = members.partition_point(|&x| bucket(x) < *bucket_of);
            members[first + rank]
        })
        .collect()
}

/// The leading 16 bits of a number, in the order of the numbers.
#[inline]
fn bucket(x: f64) -> usize {
    let bits = x.to_bits();
    let ordered = if bits >> 63 == 1 { !bits } else { bits | (1 << 63) };
    (ordered >> 48) as usize
}

fn place(counts: &[u32], rank: usize) -> Option<(usize, usize)> {
    let mut before = 0;
    for (bucket, &n) in counts.iter().enumerate() {
        if rank < before + n as usize {
            return Some((bucket, rank - before));
        }
        before += n as usize;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::random::{below, stream, unit};
    use rand::Rng;

    #[test]
    fn are_those_of_the_sorted_values() {
        let mut random = stream(7, "order", 0);
        for n in [0, 1, 2, 3, 100, 300_000] {
            let values: Vec<f64> = (0..n)
                .map(|i| match i % 5 {
                    0 => below(6, || random.next_u64()) as f64 - 3.0,
                    1 => 0.0,
                    _ => {
                        let power = below(600, || random.next_u64()) as i32 - 300;
                        unit(random.next_u64()) * 10_f64.powi(power)
                    }
                })
                .collect();
            let mut sorted: Vec<f64> = values.iter().copied().filter(|x| *x != 0.0).collect();
            sorted.sort_unstable_by(f64::total_cmp);
            let ranks = [0, sorted.len() / 4, sorted.len() / 2, sorted.len().saturating_sub(1)];
            let found = order_statistics(&values, |x| x != 0.0, &ranks);
            for (x, k) in found.iter().zip(ranks) {
                assert_eq!(x.to_bits(), sorted.get(k).copied().unwrap_or(f64::NAN).to_bits());
            }
            assert!(order_statistics(&values, |x| x != 0.0, &[sorted.len()])[0].is_nan());
        }
    }

    #[test]
    fn equal_values_and_infinities_have_their_places() {
        let values = [f64::INFINITY, 2.0, 2.0, 2.0, f64::NEG_INFINITY, -0.0, 0.0];
        let found = order_statistics(&values, |_| true, &[0, 1, 2, 3, 5, 6]);
        assert_eq!(found[0], f64::NEG_INFINITY);
        assert!(found[1].is_sign_negative() && found[1] == 0.0);
        assert!(found[2].is_sign_positive() && found[2] == 0.0);
        assert_eq!(found[3..], [2.0, 2.0, f64::INFINITY]);
    }
}
