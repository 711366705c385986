//! Random numbers that are the same on every machine: ChaCha streams keyed by seed and purpose,
//! and functions of `libm` in place of the platform's.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a stream is for: streams of different purposes never share numbers.
#[derive(Debug, Clone, Copy)]
#[repr(u64)]
pub enum Purpose {
    /// Character of the sectors.
    Sectors = 1,
    /// Families and where they live.
    Families,
    /// Length of residence, age and sex.
    People,
    /// Answers.
    Outcomes,
    /// Selection of the general population sample.
    General,
    /// Selection of the boost sample.
    Boost,
    /// Item nonresponse.
    Items,
}

/// A stream of random numbers.
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream of one seed and purpose.
    pub fn new(seed: u64, purpose: Purpose) -> Stream {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(purpose as u64);
        Stream(generator)
    }

    /// Uniform on [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// Uniform on 0, …, `n` − 1 (to a relative 2⁻³² n, which does not matter here).
    pub fn below(&mut self, n: usize) -> usize {
        ((u64::from(self.0.next_u32()) * n as u64) >> 32) as usize
    }

    /// Standard normal (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(1.0 - self.unit())).sqrt();
        radius * libm::cos(2.0 * std::f64::consts::PI * self.unit())
    }

    /// Puts a list in random order.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.below(last + 1));
        }
    }

    /// Moves a simple random sample of `size` elements to the front of a list.
    pub fn draw_to_front<T>(&mut self, list: &mut [T], size: usize) {
        for i in 0..size.min(list.len()) {
            let other = i + self.below(list.len() - i);
            list.swap(i, other);
        }
    }

    /// Index drawn with the probabilities of a cumulative list of weights.
    pub fn by_cumulative(&mut self, cumulative: &[f64]) -> usize {
        let total = cumulative.last().copied().unwrap_or(0.0);
        let point = self.unit() * total;
        cumulative.partition_point(|&c| c <= point).min(cumulative.len().saturating_sub(1))
    }
}

/// The logistic function.
pub fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-x))
}

/// The log odds.
pub fn logit(p: f64) -> f64 {
    libm::log(p / (1.0 - p))
}
