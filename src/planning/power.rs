//! Whether a difference between two groups will be found.

use crate::numeric::distributions::{normal_cdf, normal_quantile_upper};

/// The power of the two-sided test of p₁ = p₂ at level α when the proportions are p and
/// p + difference, known with effective sample sizes n₁ and n₂ from independent samples:
///
/// > Φ(|δ|/s − z) + Φ(−|δ|/s − z),  s² = p₁q₁/n₁ + p₂q₂/n₂,  z = z_{1−α/2}
///
/// (Fleiss, Levin and Paik 2003, eq. 4.18, without the correction for continuity).
pub fn power(p: f64, difference: f64, (n, n_with): (f64, f64), alpha: f64) -> f64 {
    let other = p + difference;
    let se = (other * (1.0 - other) / n + p * (1.0 - p) / n_with).sqrt();
    if se <= 0.0 || !se.is_finite() {
        return if se == 0.0 { 1.0 } else { alpha };
    }
    let z = normal_quantile_upper(alpha / 2.0);
    let d = difference.abs() / se;
    normal_cdf(d - z) + normal_cdf(-d - z)
}

/// The smallest difference (upwards from p) that is found with the given power; `None` when not
/// even the largest possible one is. Bisection, since the variance moves with the difference.
pub fn detectable(p: f64, sizes: (f64, f64), alpha: f64, wanted: f64) -> Option<f64> {
    let most = (1.0 - p) * (1.0 - 1e-9);
    if power(p, most, sizes, alpha) < wanted {
        return None;
    }
    let (mut low, mut high) = (0.0, most);
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if power(p, middle, sizes, alpha) >= wanted { high = middle } else { low = middle }
    }
    Some(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R: power.prop.test(n = 200, p1 = 0.5, p2 = 0.65) gives 0.862; with the variance under the
    /// alternative alone, as here, pnorm(0.15 / sqrt((0.25 + 0.2275) / 200) - qnorm(0.975)).
    #[test]
    fn power_of_a_difference() {
        let by_hand = normal_cdf(0.15 / (0.4775_f64 / 200.0).sqrt() - 1.959_963_984_540_054);
        let found = power(0.5, 0.15, (200.0, 200.0), 0.05);
        assert!((found - by_hand).abs() < 1e-6, "{found} {by_hand}");
        assert!((power(0.3, 0.0, (50.0, 80.0), 0.05) - 0.05).abs() < 1e-12);
    }

    #[test]
    fn the_detectable_difference_has_the_power() {
        let d = detectable(0.2, (300.0, 500.0), 0.05, 0.8).expect("enough");
        assert!((power(0.2, d, (300.0, 500.0), 0.05) - 0.8).abs() < 1e-9);
        assert_eq!(detectable(0.9, (3.0, 3.0), 0.05, 0.9), None);
    }
}
