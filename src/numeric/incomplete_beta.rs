//! The regularised incomplete beta function, both tails, and the quantile behind t, F and beta.
//!
//! Everything is expressed through a point (x, y, δ) with x + y = 1 and δ = a·y − b·x, the slope
//! of ln[xᵃ yᵇ] on the logit scale. δ carries the distance from the mode without cancellation,
//! which is what keeps t with 10⁷ degrees of freedom as accurate as t with 5.

use super::quadrature::decaying_integral;
use super::root::{LogTail, solve_log_tail};
use super::special::{
    exp_minus_1_minus_x, ln_a_beta, sqrt_over_2pi, stirling_remainder, x_minus_log1p,
};

/// Above this value of min(a, b) the tail is integrated; below it the continued fraction needs
/// fewer than about a hundred terms.
const LARGE: f64 = 80.0;

/// A bound that the series and fractions never come near (property tests count below 300).
const MAX_TERMS: u32 = 2_000;

/// Regularised incomplete beta function I_x(a, b), the distribution function of Beta(a, b).
///
/// x outside \[0, 1\], a or b not positive and finite, or any NaN gives NaN.
pub fn beta_lower(a: f64, b: f64, x: f64) -> f64 {
    match Point::at(a, b, x) {
        Some(point) => tails(a, b, point).lower,
        None => edge(a, b, x, 0.0, 1.0),
    }
}

/// Its complement 1 − I_x(a, b), accurate where it is small.
pub fn beta_upper(a: f64, b: f64, x: f64) -> f64 {
    match Point::at(a, b, x) {
        Some(point) => tails(a, b, point).upper,
        None => edge(a, b, x, 1.0, 0.0),
    }
}

/// Where the incomplete beta function is evaluated.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    /// 0 < x < 1.
    pub x: f64,
    /// 1 − x.
    pub y: f64,
    /// a·y − b·x.
    pub delta: f64,
}

impl Point {
    /// The point of a given x strictly between 0 and 1, for valid parameters.
    fn at(a: f64, b: f64, x: f64) -> Option<Point> {
        if !valid(a) || !valid(b) || !(x > 0.0 && x < 1.0) {
            return None;
        }
        // 1 − x is exact for x ≥ ½ and good to half a unit in the last place below.
        let y = 1.0 - x;
        let delta = if x <= 0.5 { weighted_gap(a, a, b, x) } else { -weighted_gap(b, a, b, y) };
        Some(Point { x, y, delta })
    }

    /// The point whose odds x/y are given.
    pub fn from_odds(a: f64, b: f64, odds: f64) -> Point {
        // The larger part is computed first, so that neither overflows.
        let (x, y) = if odds <= 1.0 {
            (odds / (1.0 + odds), 1.0 / (1.0 + odds))
        } else {
            (1.0 / (1.0 + 1.0 / odds), (1.0 / odds) / (1.0 + 1.0 / odds))
        };
        let delta =
            if odds <= 1.0 { (-b).mul_add(odds, a) * y } else { a.mul_add(1.0 / odds, -b) * x };
        Point { x, y, delta }
    }
}

/// Both tails at a point, with what a root finder needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tails {
    /// I_x(a, b).
    pub lower: f64,
    /// 1 − I_x(a, b).
    pub upper: f64,
    /// ln I_x(a, b), finite where `lower` underflows.
    pub ln_lower: f64,
    /// ln of the density on the logit scale, xᵃ yᵇ / B(a, b).
    ln_density: f64,
}

/// Both tails of Beta(a, b); parameters and point must be valid.
pub(super) fn tails(a: f64, b: f64, p: Point) -> Tails {
    let ln_density = ln_density(a, b, p);
    if a < 1.0 && b * p.x <= 1.0 && p.x <= 0.7 {
        let ln_lower = ln_power_series(a, b, p.x);
        return Tails { lower: ln_lower.exp(), upper: -ln_lower.exp_m1(), ln_lower, ln_density };
    }
    if b < 1.0 && a * p.y <= 1.0 && p.y <= 0.7 {
        let ln_upper = ln_power_series(b, a, p.y);
        let lower = -ln_upper.exp_m1();
        return Tails { lower, upper: ln_upper.exp(), ln_lower: lower.ln(), ln_density };
    }
    // Otherwise one tail is computed outright: the one on the point's side of the mean.
    if p.delta >= 0.0 {
        let factor = tail_factor(a, b, p.x, p.y, p.delta);
        let lower = ln_density.exp() * factor;
        Tails { lower, upper: 1.0 - lower, ln_lower: ln_density + factor.ln(), ln_density }
    } else {
        let upper = ln_density.exp() * tail_factor(b, a, p.y, p.x, -p.delta);
        Tails { lower: 1.0 - upper, upper, ln_lower: (-upper).ln_1p(), ln_density }
    }
}

/// The odds x/(1 − x) at which I_x(a, b) = `probability`, and their logarithm (which stays finite
/// where the odds underflow). Wants 0 < probability ≤ ½ or little more, valid parameters.
pub(super) fn lower_quantile_odds(a: f64, b: f64, probability: f64) -> (f64, f64) {
    let ln_p = probability.ln();
    // Leading term of the power series: I ≈ xᵃ/(a B(a, b)). If the next term does not count,
    // this is the answer, even where x itself underflows.
    let ln_x0 = (ln_p + ln_a_beta(a, b)) / a;
    let next = (a * (1.0 - b) / (a + 1.0)).abs().ln() + ln_x0;
    if next < -40.0 && ln_x0 < -40.0 {
        return (ln_x0.exp(), ln_x0);
    }
    let start = if a >= 1.0 && b >= 1.0 {
        // Normal on the logit scale around the approximate median (a − ⅓)/(b − ⅓).
        let z = -(-2.0 * ln_p).max(0.0).sqrt() * 0.9 + 0.6;
        let spread = (1.0 / a + 1.0 / b).sqrt();
        let normal = ((a - 1.0 / 3.0) / (b - 1.0 / 3.0)).ln() + z.min(0.0) * spread;
        // For b ≥ 1 the leading term overstates I, so x₀ lies left of the root.
        normal.max(ln_x0)
    } else if a >= 1.0 && ln_x0 > -1.0 {
        // Mass piled up near 1, where a(1 − x) is about Gamma(b): its p-tail is of order −ln p.
        (a / (-ln_p).max(0.1)).ln()
    } else {
        ln_x0
    };
    let eval = |odds: f64| {
        let point = Point::from_odds(a, b, odds);
        let t = tails(a, b, point);
        LogTail {
            value: t.lower,
            ln_value: t.ln_lower,
            slope: (t.ln_density - t.ln_lower).exp(),
            density_slope: point.delta,
        }
    };
    let odds = solve_log_tail(probability, start.clamp(-600.0, 600.0).exp(), true, eval);
    (odds, odds.ln())
}

fn valid(parameter: f64) -> bool {
    parameter > 0.0 && parameter.is_finite()
}

fn edge(a: f64, b: f64, x: f64, at_zero: f64, at_one: f64) -> f64 {
    if !valid(a) || !valid(b) {
        f64::NAN
    } else if x == 0.0 {
        at_zero
    } else if x == 1.0 {
        at_one
    } else {
        f64::NAN
    }
}

/// `from` − (a + b)·x without losing the digits that cancel (`from` is one of a, b).
fn weighted_gap(from: f64, a: f64, b: f64, x: f64) -> f64 {
    let sum = a + b;
    // Two-sum (Knuth): a + b = sum + sum_error exactly.
    let part = sum - a;
    let sum_error = (a - (sum - part)) + (b - part);
    let product = sum * x;
    let product_error = sum.mul_add(x, -product);
    if !product.is_finite() || !sum_error.is_finite() {
        return from - a * x - b * x;
    }
    (from - product) - product_error - sum_error * x
}

/// ln[xᵃ yᵇ / B(a, b)] = ½ ln(ab/(2π n)) + σ(n) − σ(a) − σ(b) − D, with n = a + b and the
/// deviance D = a φ(−δ/a) + b φ(δ/b), φ(u) = u − ln(1 + u): the saddle-point form (after Loader
/// 2000 for the binomial), in which every term is small or of one sign.
fn ln_density(a: f64, b: f64, p: Point) -> f64 {
    let n = a + b;
    let deviance = deviance_part(a, n, p.x, -p.delta) + deviance_part(b, n, p.y, p.delta);
    let (small, large) = if a < b { (a, b) } else { (b, a) };
    let scale = sqrt_over_2pi(small) * (large / n).sqrt();
    let remainders =
        (stirling_remainder(n) - stirling_remainder(large)) - stirling_remainder(small);
    scale.ln() + remainders - deviance
}

/// a φ(gap/a), where 1 + gap/a = (a + b) x/a.
fn deviance_part(a: f64, n: f64, x: f64, gap: f64) -> f64 {
    let u = gap / a;
    if u > -0.5 && u < 1.0e8 { a * x_minus_log1p(u) } else { gap - a * (x.ln() + (n / a).ln()) }
}

/// ln I_x(a, b) for small a by the power series xᵃ/(a B) [1 + a Σ (1−b)…(k−b)/k! · xᵏ/(a+k)]
/// (DLMF 8.17.7), in a form that tends to 0 with full relative accuracy as a → 0.
fn ln_power_series(a: f64, b: f64, x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 0.0;
    for k in 1..MAX_TERMS {
        let k = f64::from(k);
        term *= (1.0 - b / k) * x;
        let add = term / (a + k);
        sum += add;
        if add.abs() <= 1e-17 * sum.abs() || term == 0.0 {
            break;
        }
    }
    a * x.ln() - ln_a_beta(a, b) + (a * sum).ln_1p()
}

/// I_x(a, b) ÷ [xᵃ yᵇ / B(a, b)] for a point at or left of the mean (δ ≥ 0).
fn tail_factor(a: f64, b: f64, x: f64, y: f64, delta: f64) -> f64 {
    if a.min(b) < LARGE {
        continued_fraction(a, b, x, y, delta)
    } else {
        tail_integral(a, b, x, y, delta)
    }
}

/// The continued fraction of Didonato and Morris (1992, ACM TOMS 18, 360–373, eq. 9), an even
/// part of DLMF 8.17.22, evaluated by the modified Lentz method.
fn continued_fraction(a: f64, b: f64, x: f64, y: f64, delta: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let denominator = |k: f64| {
        let odd = a + 2.0 * k + 1.0;
        let middle = if k == 0.0 { 0.0 } else { k + k * (b - k) * x / (a + 2.0 * k - 1.0) };
        middle + (a + k) / odd * (delta + 1.0 + k * (1.0 + y))
    };
    let nonzero = |v: f64| if v.abs() < TINY { TINY } else { v };
    let mut f = nonzero(denominator(0.0));
    let mut c = f;
    let mut d = 0.0;
    for k in 1..MAX_TERMS {
        let k = f64::from(k);
        let odd = a + 2.0 * k - 1.0;
        let numerator = ((a + k - 1.0) / odd) * ((a + b + k - 1.0) / odd * x) * (k * (b - k) * x);
        let next = denominator(k);
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

/// With t = x e⁻ᵛ/(y + x e⁻ᵛ) the tail is [xᵃ yᵇ/B] ∫₀^∞ exp(−E(v)) dv,
/// E(v) = a v + (a + b) ln(y + x e⁻ᵛ) = δ v + (a + b) K(v) with K ≥ 0 written so that nothing
/// cancels on either side of x = ½.
fn tail_integral(a: f64, b: f64, x: f64, y: f64, delta: f64) -> f64 {
    let n = a + b;
    let exponent = |v: f64| {
        let k = if x <= 0.5 {
            x * exp_minus_1_minus_x(-v) - x_minus_log1p(x * (-v).exp_m1())
        } else {
            y * exp_minus_1_minus_x(v) - x_minus_log1p(y * v.exp_m1())
        };
        delta * v + n * k
    };
    let scale = (38.0 / delta).min((76.0 / (n * x * y)).sqrt());
    decaying_integral(exponent, scale)
}
