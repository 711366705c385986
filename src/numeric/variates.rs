//! Random variates from a stream of words.

use rand::Rng;

use super::random::{below, open_unit};

/// Two independent standard normal variates (Box and Muller 1958).
pub fn normal_pair(rng: &mut impl Rng) -> (f64, f64) {
    let radius = (-2.0 * libm::log(open_unit(rng.next_u64()))).sqrt();
    let angle = std::f64::consts::TAU * open_unit(rng.next_u64());
    (radius * libm::cos(angle), radius * libm::sin(angle))
}

/// Fills a slice with independent standard normal variates.
pub fn fill_normal(out: &mut [f64], rng: &mut impl Rng) {
    for pair in out.chunks_mut(2) {
        let (a, b) = normal_pair(rng);
        pair[0] = a;
        if let Some(second) = pair.get_mut(1) {
            *second = b;
        }
    }
}

/// A gamma variate of a shape of at least 1, scale 1 (Marsaglia and Tsang 2000). It is accepted at
/// the first try in more than 95 % of cases; after 1,000 tries the mean stands in.
pub fn gamma(shape: f64, rng: &mut impl Rng) -> f64 {
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    for _ in 0..1000 {
        let (x, _) = normal_pair(rng);
        let root = 1.0 + c * x;
        if root <= 0.0 {
            continue;
        }
        let v = root * root * root;
        let u = open_unit(rng.next_u64());
        if libm::log(u) < 0.5 * x * x + d - d * v + d * libm::log(v) {
            return d * v;
        }
    }
    shape
}

/// Counts of `draws` draws with replacement from as many units as `counts` has, all equally likely.
pub fn count_draws(draws: usize, counts: &mut [f64], rng: &mut impl Rng) {
    counts.fill(0.0);
    for _ in 0..draws {
        counts[below(counts.len() as u64, || rng.next_u64()) as usize] += 1.0;
    }
}

/// A simple random sample of `take` units without replacement, marked in `chosen`: moves the sample
/// to the front of `order` (a permutation of the units; Fisher and Yates).
pub fn draw_front(take: usize, order: &mut [u32], rng: &mut impl Rng) {
    for i in 0..take.min(order.len().saturating_sub(1)) {
        let j = i + below((order.len() - i) as u64, || rng.next_u64()) as usize;
        order.swap(i, j);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::random::stream;

    /// Mean and variance of many variates.
    fn moments(mut next: impl FnMut() -> f64) -> (f64, f64) {
        let n = 200_000;
        let values: Vec<f64> = (0..n).map(|_| next()).collect();
        let mean = values.iter().sum::<f64>() / f64::from(n);
        (mean, values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / f64::from(n))
    }

    #[test]
    fn moments_are_those_of_the_distributions() {
        let mut rng = stream(3, "variates", 0);
        let (mean, variance) = moments(|| normal_pair(&mut rng).0);
        // Standard errors 1/√n and √(2/n): 0.0022 and 0.0032.
        assert!(mean.abs() < 0.009 && (variance - 1.0).abs() < 0.013, "{mean} {variance}");
        for shape in [1.0, 1.5, 20.0] {
            let (mean, variance) = moments(|| gamma(shape, &mut rng));
            assert!((mean - shape).abs() < 4.0 * (shape / 2e5).sqrt(), "{shape}: {mean}");
            let spread = 4.0 * shape * ((2.0 + 6.0 / shape) / 2e5).sqrt();
            assert!((variance - shape).abs() < spread, "{shape}: {variance}");
        }
    }

    #[test]
    fn samples_are_equally_likely() {
        let mut rng = stream(3, "variates", 1);
        let mut times = [0_u32; 10];
        for _ in 0..20_000 {
            let mut order = [0, 1, 2, 3, 4];
            draw_front(2, &mut order, &mut rng);
            let (a, b) = (order[0].min(order[1]), order[0].max(order[1]));
            times[(b * (b - 1) / 2 + a) as usize] += 1;
        }
        // Standard deviation √(20000 · 0.1 · 0.9) = 42.
        assert!(times.iter().all(|t| t.abs_diff(2000) < 190), "{times:?}");
        let mut counts = [0.0; 7];
        count_draws(12, &mut counts, &mut rng);
        assert_eq!(counts.iter().sum::<f64>(), 12.0);
    }
}
