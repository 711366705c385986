//! The weighted distribution of a variable in a domain, and its inverse under each rule.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::numeric::Sum;

/// How a quantile is read off the weighted distribution.
///
/// With the values in ascending order, x_k, their weights w_k, C_k = w_1 + … + w_k and W = C_n, the
/// discrete rules invert F(x_k) = C_k/W; the continuous ones interpolate the points (p_k, x_k)
/// linearly and are x_1 below the first and x_n above the last. They are Hyndman and Fan's (1996)
/// nine definitions with cumulated weights in place of ranks, as in Lumley (2021), and equal them
/// where all weights are equal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum QuantileRule {
    /// The smallest value at which F reaches p.
    #[default]
    Hf1,
    /// The same, but halfway to the next value where F is exactly p: the median of school.
    Hf2,
    /// The same as hf1, but where F is exactly p, of that value and the next the one at an even
    /// position among the distinct values.
    Hf3,
    /// p_k = C_k/W.
    Hf4,
    /// p_k = (C_k − w_k/2)/W.
    Hf5,
    /// p_k = C_k/(W + w_n).
    Hf6,
    /// p_k = C_(k−1)/C_(n−1).
    Hf7,
    /// p_k = (C_k − w_k/3)/(W + w_n/3).
    Hf8,
    /// p_k = (C_k − 3w_k/8)/(W + w_n/4).
    Hf9,
    /// The rule that R calls `shahvaish`, **for matching only**: it adds weights scaled to sum n to
    /// weights that are not, so it depends on the unit of the weights.
    #[serde(skip)]
    ShahVaishAsR,
}

impl QuantileRule {
    /// What it does, in a few words.
    pub fn words(self) -> &'static str {
        match self {
            QuantileRule::Hf1 => "smallest value at which the distribution function reaches p",
            QuantileRule::Hf2 => "as hf1, halfway to the next value where p is hit exactly",
            QuantileRule::Hf3 => "nearest even value where p is hit exactly",
            QuantileRule::Hf4 => "interpolation, definition 4 of Hyndman and Fan",
            QuantileRule::Hf5 => "interpolation, definition 5 of Hyndman and Fan",
            QuantileRule::Hf6 => "interpolation, definition 6 of Hyndman and Fan",
            QuantileRule::Hf7 => "interpolation, definition 7 of Hyndman and Fan",
            QuantileRule::Hf8 => "interpolation, definition 8 of Hyndman and Fan",
            QuantileRule::Hf9 => "interpolation, definition 9 of Hyndman and Fan",
            QuantileRule::ShahVaishAsR => "`shahvaish` as R has it",
        }
    }
}

/// The values of a domain in ascending order with the height p_k of each. With a negative weight
/// among them the distribution function can fall; the heights are its running maximum, so that
/// the smallest value at which F reaches p is found.
pub(super) struct Distribution {
    values: Vec<f64>,
    heights: Vec<f64>,
    rule: QuantileRule,
}

impl Distribution {
    /// From (value, weight) of the rows, in the order of the file: rows of equal value keep it, which
    /// the rules that look at single weights notice.
    pub fn new(mut pairs: Vec<(f64, f64)>, rule: QuantileRule) -> Distribution {
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut total = Sum::default();
        let mut cumulated: Vec<f64> = Vec::with_capacity(pairs.len());
        for (_, w) in &pairs {
            total.add(*w);
            cumulated.push(total.value());
        }
        let (n, total) = (pairs.len(), total.value());
        let last = pairs.last().map_or(0.0, |p| p.1);
        let own = |k: usize| pairs[k].1;
        let height = |k: usize| -> f64 {
            let c = cumulated[k];
            match rule {
                QuantileRule::Hf5 => (c - own(k) / 2.0) / total,
                QuantileRule::Hf6 => c / (total + last),
                QuantileRule::Hf7 if n == 1 => 0.0,
                QuantileRule::Hf7 if k == 0 => 0.0,
                QuantileRule::Hf7 => cumulated[k - 1] / cumulated[n - 2],
                QuantileRule::Hf8 => (c - own(k) / 3.0) / (total + last / 3.0),
                QuantileRule::Hf9 => (c - 3.0 * own(k) / 8.0) / (total + last / 4.0),
                QuantileRule::ShahVaishAsR => {
                    (c * n as f64 / total + 0.5 - own(k) / 2.0) / (n as f64 + 1.0)
                }
                _ => c / total,
            }
        };
        if rule == QuantileRule::ShahVaishAsR {
            // These heights go up and down; R looks a probability up among them in their order.
            let mut points: Vec<(f64, f64)> = (0..n).map(|k| (height(k), pairs[k].0)).collect();
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
            let (heights, values) = points.into_iter().unzip();
            return Distribution { values, heights, rule };
        }
        let mut most = f64::NEG_INFINITY;
        let heights = (0..n)
            .map(|k| {
                most = most.max(height(k));
                most
            })
            .collect();
        Distribution { values: pairs.iter().map(|p| p.0).collect(), heights, rule }
    }

    /// The quantile of a probability; NaN outside [0, 1] and without values.
    pub fn quantile(&self, p: f64) -> f64 {
        let n = self.values.len();
        if n == 0 || !(0.0..=1.0).contains(&p) || self.heights[n - 1].is_nan() {
            return f64::NAN;
        }
        let at = self.heights.partition_point(|h| *h < p).min(n - 1);
        let value = self.values[at];
        let is_hit = self.heights[at] == p;
        match self.rule {
            QuantileRule::Hf1 => value,
            QuantileRule::Hf2 if is_hit => {
                let next = self.values[(at + 1).min(n - 1)];
                value + (next - value) / 2.0
            }
            QuantileRule::Hf3 if is_hit => self.even(at),
            QuantileRule::Hf2 | QuantileRule::Hf3 => value,
            // The largest value whose height is at most p.
            QuantileRule::ShahVaishAsR => {
                self.values[self.heights.partition_point(|h| *h <= p).max(1) - 1]
            }
            _ if at == 0 || is_hit || self.heights[at] < p => value,
            _ => {
                let (low, high) = (self.heights[at - 1], self.heights[at]);
                let from = self.values[at - 1];
                from + (value - from) * (p - low) / (high - low)
            }
        }
    }

    /// Of the value at a position and the next higher one, that at an even position among the
    /// distinct values.
    fn even(&self, at: usize) -> f64 {
        let value = self.values[at];
        let Some(next) = self.values[at..].iter().find(|x| **x > value) else { return value };
        // Not the last of its equals: F is beyond p there.
        if self.values.get(at + 1) == Some(&value) {
            return value;
        }
        let mut distinct = self.values[..=at].to_vec();
        distinct.dedup();
        if distinct.len().is_multiple_of(2) { value } else { *next }
    }

    /// The distinct values, ascending.
    pub fn distinct(&self) -> Vec<f64> {
        let mut values = self.values.clone();
        values.sort_by(f64::total_cmp);
        values.dedup();
        values
    }
}

#[cfg(test)]
mod tests {
    use super::QuantileRule::*;
    use super::*;

    const CONTINUOUS: [QuantileRule; 6] = [Hf4, Hf5, Hf6, Hf7, Hf8, Hf9];

    fn of(values: &[f64], weights: &[f64], rule: QuantileRule) -> Distribution {
        Distribution::new(values.iter().copied().zip(weights.iter().copied()).collect(), rule)
    }

    /// Hyndman and Fan's definitions by their own formula: x_j + γ (x_(j+1) − x_j), j = ⌊np + m⌋.
    fn by_rank(x: &[f64], p: f64, rule: QuantileRule) -> f64 {
        let n = x.len() as f64;
        let m = match rule {
            Hf4 => 0.0,
            Hf5 => 0.5,
            Hf6 => p,
            Hf7 => 1.0 - p,
            Hf8 => (p + 1.0) / 3.0,
            _ => p / 4.0 + 3.0 / 8.0,
        };
        let at = n * p + m;
        let (j, gamma) = (at.floor(), at - at.floor());
        let pick = |j: f64| x[(j.max(1.0) as usize).min(x.len()) - 1];
        pick(j) + gamma * (pick(j + 1.0) - pick(j))
    }

    /// With equal weights hf4 to hf7 are the definitions of the paper. (hf8 and hf9 have the weight
    /// of the largest value where the paper has a constant, which comes to the same for hf9 and
    /// not quite for hf8.)
    #[test]
    fn equal_weights_are_hyndman_and_fan() {
        let x = [1.0, 2.0, 4.0, 7.0, 7.5, 9.0, 12.0];
        for rule in [Hf4, Hf5, Hf6, Hf7, Hf9] {
            let d = of(&x, &[3.7; 7], rule);
            for i in 0..=100 {
                let p = f64::from(i) / 100.0;
                let wanted = by_rank(&x, p, rule);
                assert!((d.quantile(p) - wanted).abs() < 1e-12, "{rule:?} {p}");
            }
        }
        let d = of(&x, &[2.0; 7], Hf2);
        assert_eq!(d.quantile(0.5), 7.0);
        assert_eq!(d.quantile(3.0 / 7.0), 5.5);
        assert_eq!(d.quantile(1.0), 12.0);
    }

    /// R survey 4.1-1, `svyquantile` of these ten values with these weights.
    #[test]
    fn weighted_values_with_ties_as_in_r() {
        let x = [1.0, 2.0, 2.0, 3.0, 5.0, 5.0, 5.0, 8.0, 9.0, 9.0];
        let w = [1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 3.0, 4.0, 1.0, 2.0];
        let p = [3.0, 6.0, 10.0, 11.0, 16.0, 20.0].map(|c| c / 23.0);
        let wanted: [(QuantileRule, [f64; 6]); 8] = [
            (Hf1, [2.0, 2.0, 3.0, 5.0, 5.0, 8.0]),
            (Hf2, [2.0, 2.5, 4.0, 5.0, 6.5, 8.5]),
            (Hf3, [2.0, 2.0, 5.0, 5.0, 5.0, 9.0]),
            (Hf5, [2.0, 2.4286, 4.6, 5.0, 6.2857, 8.8]),
            (Hf6, [2.0, 2.1304, 4.7391, 5.0, 6.0435, 9.0]),
            (Hf7, [2.0, 2.8261, 4.5652, 5.0, 6.6087, 8.5652]),
            (Hf8, [2.0, 2.3202, 4.6232, 5.0, 6.1976, 8.9565]),
            (Hf9, [2.0, 2.3463, 4.6164, 5.0, 6.2189, 8.9105]),
        ];
        for (rule, wanted) in wanted {
            let d = of(&x, &w, rule);
            for (p, wanted) in p.iter().zip(wanted) {
                assert!((d.quantile(*p) - wanted).abs() < 5e-5, "{rule:?} {p} {}", d.quantile(*p));
            }
        }
    }

    #[test]
    fn ends_and_nothing() {
        for rule in CONTINUOUS.into_iter().chain([Hf1, Hf2, Hf3, ShahVaishAsR]) {
            assert!(of(&[], &[], rule).quantile(0.5).is_nan());
            let one = of(&[4.0], &[2.0], rule);
            assert_eq!(one.quantile(0.5), 4.0, "{rule:?}");
            let d = of(&[3.0, 1.0, 2.0], &[1.0; 3], rule);
            assert_eq!((d.quantile(0.0), d.quantile(1.0)), (1.0, 3.0), "{rule:?}");
            assert!(d.quantile(-0.1).is_nan() && d.quantile(f64::NAN).is_nan());
            // Never decreasing.
            let all: Vec<f64> = (0..=50).map(|i| d.quantile(f64::from(i) / 50.0)).collect();
            assert!(all.is_sorted(), "{rule:?} {all:?}");
        }
    }
}
