//! Sums that do not lose digits.

/// A running sum with Neumaier's compensation (1974; Kahan's for terms of any size).
///
/// The result is as if added in about twice the precision and rounded once, so it hardly depends
/// on the order of the terms. Infinite terms give the sum plain addition would give.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sum {
    total: f64,
    compensation: f64,
}

impl Sum {
    /// An empty sum.
    pub const fn new() -> Sum {
        Sum { total: 0.0, compensation: 0.0 }
    }

    /// Adds one term.
    #[inline]
    pub fn add(&mut self, term: f64) {
        let total = self.total + term;
        self.compensation += if self.total.abs() >= term.abs() {
            (self.total - total) + term
        } else {
            (term - total) + self.total
        };
        self.total = total;
    }

    /// Adds another running sum.
    pub fn merge(&mut self, other: Sum) {
        self.add(other.total);
        self.compensation += other.compensation;
    }

    /// The sum.
    #[inline]
    pub fn value(self) -> f64 {
        let value = self.total + self.compensation;
        // An infinite or NaN total leaves a NaN compensation behind.
        if value.is_nan() { self.total } else { value }
    }
}

impl Extend<f64> for Sum {
    fn extend<I: IntoIterator<Item = f64>>(&mut self, terms: I) {
        for term in terms {
            self.add(term);
        }
    }
}

impl FromIterator<f64> for Sum {
    fn from_iter<I: IntoIterator<Item = f64>>(terms: I) -> Sum {
        let mut sum = Sum::new();
        sum.extend(terms);
        sum
    }
}

/// The compensated sum of a slice; 0 if it is empty.
pub fn sum(values: &[f64]) -> f64 {
    values.iter().copied().collect::<Sum>().value()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keeps_what_plain_addition_loses() {
        assert_eq!(sum(&[1.0, 1e100, 1.0, -1e100]), 2.0);
        assert_eq!(sum(&[0.1; 10]), 1.0);
        assert_eq!(sum(&[]), 0.0);
    }

    #[test]
    fn infinities_behave_as_in_plain_addition() {
        assert_eq!(sum(&[1.0, f64::INFINITY, 2.0]), f64::INFINITY);
        assert_eq!(sum(&[f64::MAX, f64::MAX]), f64::INFINITY);
        assert!(sum(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
        assert!(sum(&[f64::NAN, 1.0]).is_nan());
    }

    proptest! {
        /// Whole numbers up to 2⁴⁰, scaled so that plain f64 addition would round: the exact sum
        /// in i128 is the judge, whatever the order and wherever the slice is cut.
        #[test]
        fn order_and_cut_do_not_matter(
            mut terms in prop::collection::vec((-(1_i64 << 40)..(1_i64 << 40), 0_u32..40), 0..200),
            cut in 0_usize..200,
        ) {
            let exact: i128 = terms.iter().map(|&(m, e)| i128::from(m) << e).sum();
            let value = |t: &(i64, u32)| t.0 as f64 * 2_f64.powi(t.1 as i32);
            let forward: Sum = terms.iter().map(value).collect();
            prop_assert_eq!(forward.value(), exact as f64);
            let cut = cut.min(terms.len());
            let mut left: Sum = terms[..cut].iter().map(value).collect();
            left.merge(terms[cut..].iter().map(value).collect());
            prop_assert_eq!(left.value(), exact as f64);
            terms.reverse();
            let backward: Sum = terms.iter().map(value).collect();
            prop_assert_eq!(backward.value(), exact as f64);
        }
    }
}
