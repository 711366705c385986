//! Inclusion probabilities proportional to size.

use super::error::DrawError;
use crate::numeric::Sum;

/// Inclusion probabilities proportional to size.
#[derive(Debug, Clone, PartialEq)]
pub struct Inclusion {
    /// One probability for each unit.
    pub probabilities: Vec<f64>,
    /// Units taken with certainty.
    pub certain: usize,
    /// Units of size zero, which cannot be drawn.
    pub zero: usize,
}

/// Inclusion probabilities π_k = n x_k ÷ Σ x for a sample of n units, with those of 1 or more taken
/// with certainty and the rest redistributed until none is left above 1 (Särndal, Swensson and
/// Wretman 1992, sec. 3.6.1; Tillé 2006, sec. 2.10).
///
/// A unit of size zero has probability zero: it is not covered.
///
/// # Errors
/// A size that is negative, infinite or missing, or fewer units of positive size than are to be drawn.
///
/// ```
/// let found = rakewell::draw::proportional(&[1.0, 1.0, 2.0, 6.0], 2)?;
/// assert_eq!(found.probabilities, [0.25, 0.25, 0.5, 1.0]);
/// assert_eq!(found.certain, 1);
/// # Ok::<(), rakewell::draw::DrawError>(())
/// ```
pub fn proportional(sizes: &[f64], n: usize) -> Result<Inclusion, DrawError> {
    if let Some(unit) = sizes.iter().position(|x| !(x.is_finite() && *x >= 0.0)) {
        return Err(DrawError::Size { unit, size: sizes[unit] });
    }
    let largest = sizes.iter().copied().fold(0.0, f64::max);
    // Scaled by the largest, no sum overflows.
    let scaled = |x: f64| if largest > 0.0 { x / largest } else { 0.0 };
    let zero = sizes.iter().filter(|x| scaled(**x) == 0.0).count();
    let available = sizes.len() - zero;
    if n > available {
        return Err(DrawError::TooMany { asked: n, available, sized: true });
    }
    let mut probabilities = vec![0.0; sizes.len()];
    if n == 0 {
        return Ok(Inclusion { probabilities, certain: 0, zero });
    }
    let total = sizes.iter().map(|&x| scaled(x)).collect::<Sum>().value();
    let mut certain = 0;
    let (mut left, mut rest) = (n, total);
    if n as f64 >= total {
        // Some unit is certain. They are the largest; sums of the smaller ones are taken from below.
        let mut order: Vec<u32> = (0..sizes.len() as u32).collect();
        order.sort_by(|&a, &b| sizes[b as usize].total_cmp(&sizes[a as usize]));
        let mut below = vec![0.0; sizes.len() + 1];
        let mut sum = Sum::new();
        for (i, &k) in order.iter().enumerate().rev() {
            sum.add(scaled(sizes[k as usize]));
            below[i] = sum.value();
        }
        while certain < n {
            let k = order[certain] as usize;
            if scaled(sizes[k]) * ((n - certain) as f64) < below[certain] {
                break;
            }
            probabilities[k] = 1.0;
            certain += 1;
        }
        (left, rest) = (n - certain, below[certain]);
    }
    if left > 0 {
        for (p, &x) in probabilities.iter_mut().zip(sizes).filter(|(p, _)| **p == 0.0) {
            *p = scaled(x) * left as f64 / rest;
        }
    }
    Ok(Inclusion { probabilities, certain, zero })
}

/// Probabilities of the units that are left to chance, after those of 0 and 1.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Open {
    /// Units taken with certainty.
    pub certain: Vec<u32>,
    /// Units left to chance.
    pub units: Vec<u32>,
    /// Their probabilities, strictly between 0 and 1.
    pub pi: Vec<f64>,
}

impl Open {
    /// Checks probabilities and sets those of 0 and 1 apart.
    pub fn of(pi: &[f64]) -> Result<Open, DrawError> {
        let mut open = Open { certain: Vec::new(), units: Vec::new(), pi: Vec::new() };
        for (unit, &probability) in pi.iter().enumerate() {
            // A little above 1 is rounding.
            if !(0.0..=1.0 + 1e-9).contains(&probability) {
                return Err(DrawError::Probability { unit, probability });
            }
            if probability >= 1.0 - 1e-12 {
                open.certain.push(unit as u32);
            } else if probability > 0.0 {
                open.units.push(unit as u32);
                open.pi.push(probability);
            }
        }
        Ok(open)
    }

    /// The size of the sample from the units left to chance.
    ///
    /// # Errors
    /// When their probabilities do not add to a whole number.
    pub fn whole(&self) -> Result<usize, DrawError> {
        let sum = self.pi.iter().copied().collect::<Sum>().value();
        let whole = sum.round();
        if (sum - whole).abs() > 1e-6 * whole.max(1.0) {
            return Err(DrawError::NotWhole { sum: sum + self.certain.len() as f64 });
        }
        Ok(whole as usize)
    }

    /// The sample where nothing is left to chance: none or all of the open units are taken.
    pub fn settled(&self, n: usize) -> Option<Vec<u32>> {
        let mut sample = self.certain.clone();
        if n >= self.units.len() {
            sample.extend(&self.units);
            sample.sort_unstable();
        } else if n > 0 {
            return None;
        }
        Some(sample)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certainty_is_iterated() {
        // 5·100/160 > 1 → certain; then 4·30/60 = 2 → certain; 3·10/30 = 1 → all three certain.
        let found = proportional(&[100.0, 30.0, 10.0, 10.0, 10.0], 5).unwrap();
        assert_eq!(found.probabilities, [1.0; 5]);
        // Unit 2 is certain only once unit 1 is: 3·5/20 < 1, then 2·5/8 > 1.
        let found = proportional(&[12.0, 5.0, 1.0, 1.0, 1.0], 3).unwrap();
        assert_eq!(found.certain, 2);
        let third = 1.0 / 3.0;
        assert_eq!(found.probabilities, [1.0, 1.0, third, third, third]);
    }

    #[test]
    fn bad_sizes() {
        assert!(matches!(proportional(&[1.0, -1.0], 1), Err(DrawError::Size { unit: 1, .. })));
        assert!(matches!(proportional(&[f64::NAN], 1), Err(DrawError::Size { unit: 0, .. })));
        let few = proportional(&[1.0, 0.0, 2.0], 3);
        assert_eq!(few, Err(DrawError::TooMany { asked: 3, available: 2, sized: true }));
        let none = proportional(&[], 0).unwrap();
        assert!(none.probabilities.is_empty());
        let huge = proportional(&[1e308, 1e308, 1e308], 2).unwrap();
        assert!(huge.probabilities.iter().all(|p| (p - 2.0 / 3.0).abs() < 1e-15));
    }
}
