//! The regularised incomplete gamma functions and the quantile behind chi-squared.

use super::quadrature::decaying_integral;
use super::root::{LogTail, solve_log_tail};
use super::special::{
    exp_minus_1_minus_x, ln_gamma_1p, sqrt_over_2pi, stirling_remainder, x_minus_log1p,
};

/// Above this shape the tail is integrated; below it series and fraction are short.
const LARGE: f64 = 80.0;

/// A bound that the series and fractions never come near.
const MAX_TERMS: u32 = 2_000;

/// Regularised lower incomplete gamma function P(a, x), the distribution function of
/// Gamma(a, 1).
///
/// x negative, a not positive and finite, or any NaN gives NaN.
pub fn gamma_lower(a: f64, x: f64) -> f64 {
    if valid(a, x) { tails(a, x).lower } else { edge(a, x, 0.0, 1.0) }
}

/// Its complement Q(a, x) = 1 − P(a, x), accurate where it is small.
pub fn gamma_upper(a: f64, x: f64) -> f64 {
    if valid(a, x) { tails(a, x).upper } else { edge(a, x, 1.0, 0.0) }
}

/// x with P(a, x) = `lower`, 0 < lower ≤ ½ or little more.
pub(super) fn lower_quantile(a: f64, lower: f64) -> f64 {
    // Leading term of the series: P ≈ xᵃ/Γ(1 + a), an overstatement, so x₀ is left of the root.
    let ln_x0 = (lower.ln() + ln_gamma_1p(a)) / a;
    if ln_x0 < -40.0 {
        return ln_x0.exp();
    }
    let start = if a >= 1.0 {
        let z = -(-2.0 * lower.ln()).max(0.0).sqrt() * 0.9 + 0.6;
        ((a - 1.0 / 3.0).ln() + z.min(0.0) / a.sqrt()).max(ln_x0)
    } else {
        ln_x0
    };
    solve_log_tail(lower, start.exp(), true, |x| {
        let t = tails(a, x);
        LogTail {
            value: t.lower,
            ln_value: t.ln_lower,
            slope: (t.ln_density - t.ln_lower).exp(),
            density_slope: a - x,
        }
    })
}

/// x with Q(a, x) = `upper`, 0 < upper ≤ ½ or little more.
pub(super) fn upper_quantile(a: f64, upper: f64) -> f64 {
    let z = (-2.0 * upper.ln()).max(0.0).sqrt();
    // Wilson and Hilferty (1931) for ordinary shapes; −ln(upper) is the scale of the far tail.
    let cube = 1.0 - 1.0 / (9.0 * a) + z / (3.0 * a.sqrt());
    let start = if a >= 0.5 { a * cube * cube * cube } else { (-(upper / a).ln()).max(0.05) };
    solve_log_tail(upper, start, false, |x| {
        let t = tails(a, x);
        LogTail {
            value: t.upper,
            ln_value: t.ln_upper,
            slope: (t.ln_density - t.ln_upper).exp(),
            density_slope: a - x,
        }
    })
}

#[derive(Debug, Clone, Copy)]
struct Tails {
    lower: f64,
    upper: f64,
    ln_lower: f64,
    ln_upper: f64,
    /// ln of the density of ln X: xᵃ e⁻ˣ / Γ(a).
    ln_density: f64,
}

fn valid(a: f64, x: f64) -> bool {
    a > 0.0 && a.is_finite() && x > 0.0 && x.is_finite()
}

fn edge(a: f64, x: f64, at_zero: f64, at_infinity: f64) -> f64 {
    if !(a > 0.0 && a.is_finite()) {
        f64::NAN
    } else if x == 0.0 {
        at_zero
    } else if x == f64::INFINITY {
        at_infinity
    } else {
        f64::NAN
    }
}

fn tails(a: f64, x: f64) -> Tails {
    let ln_density = ln_density(a, x);
    if a < 1.0 && x <= 1.0 {
        let ln_lower = ln_power_series(a, x);
        let upper = -ln_lower.exp_m1();
        return Tails { lower: ln_lower.exp(), upper, ln_lower, ln_upper: upper.ln(), ln_density };
    }
    let density = ln_density.exp();
    if x <= a {
        let factor = if a < LARGE { lower_series(a, x) } else { lower_integral(a, x) };
        let lower = density * factor;
        let ln_lower = ln_density + factor.ln();
        Tails { lower, upper: 1.0 - lower, ln_lower, ln_upper: (-lower).ln_1p(), ln_density }
    } else {
        let factor = if a < LARGE { upper_fraction(a, x) } else { upper_integral(a, x) };
        let upper = density * factor;
        let ln_upper = ln_density + factor.ln();
        Tails { lower: 1.0 - upper, upper, ln_lower: (-upper).ln_1p(), ln_upper, ln_density }
    }
}

/// ln[xᵃ e⁻ˣ/Γ(a)] = ½ ln(a/2π) − σ(a) − a φ((x − a)/a), φ(u) = u − ln(1 + u).
fn ln_density(a: f64, x: f64) -> f64 {
    let u = (x - a) / a;
    let deviance =
        if u > -0.5 && u < 1.0e8 { a * x_minus_log1p(u) } else { (x - a) - a * (x.ln() - a.ln()) };
    sqrt_over_2pi(a).ln() - stirling_remainder(a) - deviance
}

/// ln P(a, x) for small a and x ≤ 1 by xᵃ/Γ(1 + a) [1 + a Σ (−x)ᵏ/(k! (a + k))] (DLMF 8.7.1).
fn ln_power_series(a: f64, x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 0.0;
    for k in 1..60 {
        let k = f64::from(k);
        term *= -x / k;
        sum += term / (a + k);
    }
    a * x.ln() - ln_gamma_1p(a) + (a * sum).ln_1p()
}

/// P(a, x) ÷ [xᵃ e⁻ˣ/Γ(a)] for x ≤ a: Σ xᵏ/(a (a + 1) … (a + k)) (DLMF 8.11.4).
fn lower_series(a: f64, x: f64) -> f64 {
    let mut term = 1.0 / a;
    let mut sum = term;
    for k in 1..MAX_TERMS {
        term *= x / (a + f64::from(k));
        sum += term;
        if term <= 1e-17 * sum {
            break;
        }
    }
    sum
}

/// Q(a, x) ÷ [xᵃ e⁻ˣ/Γ(a)] for x > a: the even part of Legendre's continued fraction (DLMF
/// 8.9.2), by the modified Lentz method.
fn upper_fraction(a: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let nonzero = |v: f64| if v.abs() < TINY { TINY } else { v };
    let gap = x - a;
    let mut f = nonzero(gap + 1.0);
    let mut c = f;
    let mut d = 0.0;
    for k in 1..MAX_TERMS {
        let k = f64::from(k);
        let numerator = -k * (k - a);
        let next = gap + 1.0 + 2.0 * k;
        d = 1.0 / nonzero(next + numerator * d);
        c = nonzero(next + numerator / c);
        let change = c * d;
        f *= change;
        if (change - 1.0).abs() <= 2.0 * f64::EPSILON {
            break;
        }
    }
    1.0 / f
}

/// With t = x e⁻ᵛ: P = [xᵃ e⁻ˣ/Γ(a)] ∫₀^∞ exp(−[(a − x) v + x (e⁻ᵛ − 1 + v)]) dv.
fn lower_integral(a: f64, x: f64) -> f64 {
    let gap = a - x;
    let scale = (38.0 / gap).min((76.0 / x).sqrt());
    decaying_integral(|v| gap * v + x * exp_minus_1_minus_x(-v), scale)
}

/// With t = x eᵛ: Q = [xᵃ e⁻ˣ/Γ(a)] ∫₀^∞ exp(−[(x − a) v + x (eᵛ − 1 − v)]) dv.
fn upper_integral(a: f64, x: f64) -> f64 {
    let gap = x - a;
    let scale = (38.0 / gap).min((76.0 / x).sqrt());
    decaying_integral(|v| gap * v + x * exp_minus_1_minus_x(v), scale)
}
