//! Random streams that depend only on what they are for, never on thread, order or platform.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest, Sha256};

/// The random stream of one replicate of one task.
///
/// The 256-bit key is SHA-256 of a fixed tag, the seed (little endian) and the purpose; the
/// replicate number is ChaCha's own 64-bit stream number. Streams of different seeds, purposes or
/// replicates are therefore independent for every practical use, each 2⁷⁰ bytes long, and each can
/// be made on its own, on any thread or machine.
///
/// `purpose` names the task within a run, such as `"bootstrap"` or `"draw/stage-1"`. The numbers
/// are part of the interface: they stay the same across versions.
pub fn stream(seed: u64, purpose: &str, replicate: u64) -> ChaCha12Rng {
    let mut hash = Sha256::new();
    hash.update(b"rakewell random stream 1\0");
    hash.update(seed.to_le_bytes());
    hash.update(purpose.as_bytes());
    let mut rng = ChaCha12Rng::from_seed(hash.finalize().into());
    rng.set_stream(replicate);
    rng
}

/// A number in \[0, 1) from the upper 53 bits of a random word: every multiple of 2⁻⁵³ equally
/// likely.
#[inline]
pub fn unit(word: u64) -> f64 {
    (word >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
}

/// The same in the open interval (0, 1): odd multiples of 2⁻⁵³ (52 bits), for logarithms and
/// quantiles.
#[inline]
pub fn open_unit(word: u64) -> f64 {
    ((word >> 12) as f64 + 0.5) * (1.0 / (1_u64 << 52) as f64)
}

/// A whole number in 0 … bound − 1, all equally likely (Lemire 2019, ACM TOMACS 29(1), with
/// rejection). `bound` 0 gives 0.
///
/// `next` yields random words; expected calls are below 2 for every bound.
pub fn below(bound: u64, mut next: impl FnMut() -> u64) -> u64 {
    if bound == 0 {
        return 0;
    }
    let threshold = bound.wrapping_neg() % bound;
    loop {
        let product = u128::from(next()) * u128::from(bound);
        if product as u64 >= threshold {
            return (product >> 64) as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    fn words(seed: u64, purpose: &str, replicate: u64) -> [u64; 3] {
        let mut rng = stream(seed, purpose, replicate);
        std::array::from_fn(|_| rng.next_u64())
    }

    /// The expected words were computed by an independent implementation of ChaCha12 and SHA-256.
    #[test]
    fn fixed_vectors() {
        assert_eq!(
            words(0, "", 0),
            [2_822_651_159_893_022_506, 6_743_819_589_372_304_999, 12_066_308_897_461_618_834]
        );
        assert_eq!(
            words(20_090_601, "bootstrap", 0),
            [10_183_407_285_722_404_850, 9_814_662_216_474_507_994, 4_068_565_805_504_203_760]
        );
        assert_eq!(
            words(20_090_601, "bootstrap", 1),
            [8_325_336_102_007_942_283, 7_650_413_075_359_317_798, 4_028_964_507_176_282_798]
        );
    }

    #[test]
    fn every_part_of_the_key_matters() {
        let base = words(1, "a", 0);
        assert_eq!(base, words(1, "a", 0));
        for other in [words(2, "a", 0), words(1, "b", 0), words(1, "a", 1), words(1, "a\0", 0)] {
            assert!(base.iter().all(|w| !other.contains(w)));
        }
    }

    #[test]
    fn unit_numbers() {
        assert_eq!(unit(0), 0.0);
        assert_eq!(unit(u64::MAX), 1.0 - 2_f64.powi(-53));
        assert_eq!(unit(1 << 63), 0.5);
        assert_eq!(open_unit(0), 2_f64.powi(-53));
        assert_eq!(open_unit(u64::MAX), 1.0 - 2_f64.powi(-53));
        let mut rng = stream(7, "mean", 0);
        let n = 200_000;
        let mean = (0..n).map(|_| unit(rng.next_u64())).sum::<f64>() / f64::from(n);
        // Standard error 1/√(12 n) = 6.5e-4.
        assert!((mean - 0.5).abs() < 4.0 * 6.5e-4, "{mean}");
    }

    #[test]
    fn whole_numbers_below() {
        let mut rng = stream(7, "below", 0);
        let mut counts = [0_u32; 6];
        for _ in 0..60_000 {
            counts[below(6, || rng.next_u64()) as usize] += 1;
        }
        // Standard deviation √(60000 · 1/6 · 5/6) = 91.
        assert!(counts.iter().all(|&c| c.abs_diff(10_000) < 400), "{counts:?}");
        assert_eq!(below(1, || u64::MAX), 0);
        assert_eq!(below(0, || 1), 0);
    }
}
