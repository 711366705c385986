//! Distribution functions, survival functions and quantiles: normal, Student t, F, beta,
//! chi-squared.
//!
//! Conventions, the same for all:
//!
//! * `…_cdf` is P(X ≤ x), `…_sf` is P(X > x) and is accurate to full relative precision far in
//!   the upper tail (it is not computed as 1 − cdf).
//! * `…_quantile(p, …)` is the x with P(X ≤ x) = p, `…_quantile_upper(q, …)` the x with
//!   P(X > x) = q; use the second for small upper probabilities, which 1 − q cannot hold.
//! * A NaN argument or a probability outside \[0, 1\] gives NaN. Nothing panics, and every
//!   iteration is bounded.
//! * Degrees of freedom are any number from 1e-100 up; above 1e100 they count as ∞, the limiting
//!   distribution (t → normal, F(d₁, ∞) → χ²/d₁). The parameters of beta and the degrees of
//!   freedom of chi-squared must lie in [1e-100, 1e100]. Anything else is out of domain: NaN.
//!
//! Checked against 40-digit tables (`validation/numeric`): the quantiles of t and beta to a
//! relative 1e-12 for parameters from ½ to 10⁷ and probabilities from 1e-10 to 1 − 1e-10.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use super::incomplete_beta::{Point, beta_lower, beta_upper, lower_quantile_odds, tails};
use super::incomplete_gamma::{self, gamma_lower, gamma_upper};
use super::special::ln_a_beta;

/// Standard normal P(Z ≤ z).
pub fn normal_cdf(z: f64) -> f64 {
    normal_sf(-z)
}

/// Standard normal P(Z > z).
pub fn normal_sf(z: f64) -> f64 {
    // The low part of 1/√2: z/√2 = u + v with v below half a unit in the last place of u.
    const FRAC_1_SQRT_2_LOW: f64 = -4.833_646_656_726_457e-17;
    let u = z * FRAC_1_SQRT_2;
    let value = 0.5 * libm::erfc(u);
    if !(0.0..40.0).contains(&u) {
        return value;
    }
    // erfc(u + v) ≈ erfc(u) − (2/√π) exp(−u²) v: matters for large u, where rounding z/√2
    // alone would cost u² units.
    let v = z.mul_add(FRAC_1_SQRT_2, -u) + z * FRAC_1_SQRT_2_LOW;
    value - (-u * u).exp() * v / PI.sqrt()
}

/// Standard normal density.
pub fn normal_pdf(z: f64) -> f64 {
    (-0.5 * z * z).exp() / (2.0 * PI).sqrt()
}

/// Standard normal quantile: z with P(Z ≤ z) = p.
pub fn normal_quantile(p: f64) -> f64 {
    -normal_quantile_upper(p)
}

/// z with P(Z > z) = q.
pub fn normal_quantile_upper(q: f64) -> f64 {
    match upper_probability(q) {
        Probability::Invalid => f64::NAN,
        Probability::Zero => f64::INFINITY,
        Probability::One => f64::NEG_INFINITY,
        Probability::Inside if q > 0.5 => -normal_quantile_upper_half(1.0 - q),
        Probability::Inside => normal_quantile_upper_half(q),
    }
}

/// Student t, P(T ≤ t) with `df` degrees of freedom.
pub fn t_cdf(t: f64, df: f64) -> f64 {
    t_sf(-t, df)
}

/// Student t, P(T > t).
pub fn t_sf(t: f64, df: f64) -> f64 {
    if t.is_nan() || !in_domain(df) {
        return f64::NAN;
    }
    let tail = t_half_tail(t.abs(), df);
    if t >= 0.0 { tail } else { 1.0 - tail }
}

/// Student t, P(|T| > |t|): the two-sided p-value.
pub fn t_two_sided(t: f64, df: f64) -> f64 {
    if t.is_nan() || !in_domain(df) { f64::NAN } else { 2.0 * t_half_tail(t.abs(), df) }
}

/// Student t quantile: t with P(T ≤ t) = p.
pub fn t_quantile(p: f64, df: f64) -> f64 {
    -t_quantile_upper(p, df)
}

/// t with P(T > t) = q.
pub fn t_quantile_upper(q: f64, df: f64) -> f64 {
    if !in_domain(df) {
        return f64::NAN;
    }
    match upper_probability(q) {
        Probability::Invalid => f64::NAN,
        Probability::Zero => f64::INFINITY,
        Probability::One => f64::NEG_INFINITY,
        Probability::Inside if df > LARGEST => normal_quantile_upper(q),
        Probability::Inside if q > 0.5 => -t_quantile_upper_half(1.0 - q, df),
        Probability::Inside => t_quantile_upper_half(q, df),
    }
}

/// F with `d1` and `d2` degrees of freedom, P(F ≤ f).
pub fn f_cdf(f: f64, d1: f64, d2: f64) -> f64 {
    f_tails(f, d1, d2).0
}

/// F, P(F > f).
pub fn f_sf(f: f64, d1: f64, d2: f64) -> f64 {
    f_tails(f, d1, d2).1
}

/// F quantile: f with P(F ≤ f) = p.
pub fn f_quantile(p: f64, d1: f64, d2: f64) -> f64 {
    if !in_domain(d1) || !in_domain(d2) {
        return f64::NAN;
    }
    match upper_probability(p) {
        Probability::Invalid => f64::NAN,
        Probability::Zero => 0.0,
        Probability::One => f64::INFINITY,
        Probability::Inside if p <= 0.5 => f_quantile_lower_half(p, d1, d2),
        // X ~ F(d1, d2) exactly when 1/X ~ F(d2, d1).
        Probability::Inside => 1.0 / f_quantile_lower_half(1.0 - p, d2, d1),
    }
}

/// f with P(F > f) = q.
pub fn f_quantile_upper(q: f64, d1: f64, d2: f64) -> f64 {
    1.0 / f_quantile(q, d2, d1)
}

/// Beta(a, b), P(X ≤ x); outside \[0, 1\] it is 0 or 1.
pub fn beta_cdf(x: f64, a: f64, b: f64) -> f64 {
    if !finite_positive(a) || !finite_positive(b) {
        return f64::NAN;
    }
    beta_lower(a, b, if x.is_nan() { x } else { x.clamp(0.0, 1.0) })
}

/// Beta(a, b), P(X > x).
pub fn beta_sf(x: f64, a: f64, b: f64) -> f64 {
    if !finite_positive(a) || !finite_positive(b) {
        return f64::NAN;
    }
    beta_upper(a, b, if x.is_nan() { x } else { x.clamp(0.0, 1.0) })
}

/// Beta quantile: x with P(X ≤ x) = p.
pub fn beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    if !finite_positive(a) || !finite_positive(b) {
        return f64::NAN;
    }
    match upper_probability(p) {
        Probability::Invalid => f64::NAN,
        Probability::Zero => 0.0,
        Probability::One => 1.0,
        Probability::Inside if p <= 0.5 => {
            let (odds, _) = lower_quantile_odds(a, b, p);
            if odds <= 1.0 { odds / (1.0 + odds) } else { 1.0 / (1.0 + 1.0 / odds) }
        }
        // 1 − X ~ Beta(b, a); here `odds` is (1 − x)/x.
        Probability::Inside => {
            let (odds, _) = lower_quantile_odds(b, a, 1.0 - p);
            1.0 / (1.0 + odds)
        }
    }
}

/// x with P(X > x) = q for Beta(a, b).
pub fn beta_quantile_upper(q: f64, a: f64, b: f64) -> f64 {
    if !finite_positive(a) || !finite_positive(b) {
        return f64::NAN;
    }
    match upper_probability(q) {
        Probability::Invalid => f64::NAN,
        Probability::Zero => 1.0,
        Probability::One => 0.0,
        Probability::Inside if q <= 0.5 => {
            let (odds, _) = lower_quantile_odds(b, a, q);
            1.0 / (1.0 + odds)
        }
        Probability::Inside => beta_quantile(1.0 - q, a, b),
    }
}

/// Chi-squared with `df` degrees of freedom, P(X ≤ x).
pub fn chi_squared_cdf(x: f64, df: f64) -> f64 {
    if !finite_positive(df) {
        return f64::NAN;
    }
    gamma_lower(0.5 * df, if x < 0.0 { 0.0 } else { 0.5 * x })
}

/// Chi-squared, P(X > x).
pub fn chi_squared_sf(x: f64, df: f64) -> f64 {
    if !finite_positive(df) {
        return f64::NAN;
    }
    gamma_upper(0.5 * df, if x < 0.0 { 0.0 } else { 0.5 * x })
}

/// Chi-squared quantile: x with P(X ≤ x) = p.
pub fn chi_squared_quantile(p: f64, df: f64) -> f64 {
    if !finite_positive(df) {
        return f64::NAN;
    }
    match upper_probability(p) {
        Probability::Invalid => f64::NAN,
        Probability::Zero => 0.0,
        Probability::One => f64::INFINITY,
        Probability::Inside if p <= 0.5 => 2.0 * incomplete_gamma::lower_quantile(0.5 * df, p),
        Probability::Inside => 2.0 * incomplete_gamma::upper_quantile(0.5 * df, 1.0 - p),
    }
}

/// x with P(X > x) = q for chi-squared.
pub fn chi_squared_quantile_upper(q: f64, df: f64) -> f64 {
    if !finite_positive(df) {
        return f64::NAN;
    }
    match upper_probability(q) {
        Probability::Invalid => f64::NAN,
        Probability::Zero => f64::INFINITY,
        Probability::One => 0.0,
        Probability::Inside if q <= 0.5 => 2.0 * incomplete_gamma::upper_quantile(0.5 * df, q),
        Probability::Inside => 2.0 * incomplete_gamma::lower_quantile(0.5 * df, 1.0 - q),
    }
}

/// The smallest parameter; smaller ones serve nobody and would need care against underflow.
const SMALLEST: f64 = 1e-100;

/// The largest finite parameter.
const LARGEST: f64 = 1e100;

enum Probability {
    Invalid,
    Zero,
    Inside,
    One,
}

fn upper_probability(p: f64) -> Probability {
    if p == 0.0 {
        Probability::Zero
    } else if p == 1.0 {
        Probability::One
    } else if p > 0.0 && p < 1.0 {
        Probability::Inside
    } else {
        Probability::Invalid
    }
}

fn in_domain(v: f64) -> bool {
    v >= SMALLEST
}

fn finite_positive(v: f64) -> bool {
    (SMALLEST..=LARGEST).contains(&v)
}

/// z ≥ 0 with P(Z > z) = q, 0 < q ≤ ½.
fn normal_quantile_upper_half(q: f64) -> f64 {
    if q > 0.25 {
        // Near the centre: solve P(0 < Z < z) = ½ − q, which keeps its relative accuracy.
        let target = 0.5 - q;
        let mut z = target * (2.0 * PI).sqrt();
        for _ in 0..6 {
            let newton = (target - 0.5 * libm::erf(z * FRAC_1_SQRT_2)) / normal_pdf(z);
            let step = newton / (1.0 - 0.5 * z * newton);
            z += step;
            if step.abs() <= 1e-7 * z {
                break;
            }
        }
        return z;
    }
    // Start: Abramowitz and Stegun 26.2.23, good to 4.5e-4; then Halley on ln P(Z > z).
    let t = (-2.0 * q.ln()).sqrt();
    let mut z = t
        - (2.515_517 + t * (0.802_853 + t * 0.010_328))
            / (1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308)));
    for _ in 0..6 {
        let tail = normal_sf(z);
        let hazard = normal_pdf(z) / tail;
        let newton = (tail / q).ln() / hazard;
        let step = newton / (1.0 - 0.5 * newton * (hazard - z));
        if !step.is_finite() {
            break;
        }
        z += step;
        if step.abs() <= 1e-7 * z {
            break;
        }
    }
    z
}

/// P(T > t) for t ≥ 0: half the lower tail of Beta(df/2, ½) at df/(df + t²).
fn t_half_tail(t: f64, df: f64) -> f64 {
    if df > LARGEST {
        return normal_sf(t);
    }
    if t == f64::INFINITY {
        return 0.0;
    }
    if t == 0.0 {
        return 0.5;
    }
    let a = 0.5 * df;
    let ratio = t / df.sqrt();
    if ratio > 1e100 {
        // Leading term of the power series; t² would overflow.
        return 0.5 * (-df * ratio.ln() - ln_a_beta(a, 0.5)).exp();
    }
    let square = ratio * ratio;
    let x = 1.0 / (1.0 + square);
    let point = Point { x, y: square * x, delta: 0.5 * (t - 1.0) * (t + 1.0) * x };
    if point.y == 0.0 {
        return 0.5;
    }
    0.5 * tails(a, 0.5, point).lower
}

/// t ≥ 0 with P(T > t) = q, 0 < q ≤ ½, finite df.
fn t_quantile_upper_half(q: f64, df: f64) -> f64 {
    let a = 0.5 * df;
    if q == 0.5 {
        return 0.0;
    }
    if q <= 0.25 {
        // x/y = df/t².
        let (odds, ln_odds) = lower_quantile_odds(a, 0.5, 2.0 * q);
        if odds > 1e-290 { (df / odds).sqrt() } else { df.sqrt() * (-0.5 * ln_odds).exp() }
    } else {
        // Near the centre: P(|T| ≤ t) = 1 − 2q, exact in floating point here; x/y = t²/df.
        let (odds, ln_odds) = lower_quantile_odds(0.5, a, 1.0 - 2.0 * q);
        if odds > 1e-290 { (df * odds).sqrt() } else { df.sqrt() * (0.5 * ln_odds).exp() }
    }
}

/// Both tails of F.
fn f_tails(f: f64, d1: f64, d2: f64) -> (f64, f64) {
    if f.is_nan() || !in_domain(d1) || !in_domain(d2) {
        return (f64::NAN, f64::NAN);
    }
    if f <= 0.0 {
        return (0.0, 1.0);
    }
    if f == f64::INFINITY {
        return (1.0, 0.0);
    }
    match (d1 <= LARGEST, d2 <= LARGEST) {
        (true, false) => (chi_squared_cdf(d1 * f, d1), chi_squared_sf(d1 * f, d1)),
        (false, true) => (chi_squared_sf(d2 / f, d2), chi_squared_cdf(d2 / f, d2)),
        // Both infinite: all mass at 1.
        (false, false) => {
            if f < 1.0 {
                (0.0, 1.0)
            } else {
                (1.0, 0.0)
            }
        }
        (true, true) => {
            let (a, b) = (0.5 * d1, 0.5 * d2);
            let odds = f * (d1 / d2);
            let small = odds <= 1.0;
            let (x, y) = if small {
                (odds / (1.0 + odds), 1.0 / (1.0 + odds))
            } else {
                (1.0 / (1.0 + 1.0 / odds), (1.0 / odds) / (1.0 + 1.0 / odds))
            };
            if x == 0.0 {
                return (0.0, 1.0);
            }
            if y == 0.0 {
                return (1.0, 0.0);
            }
            // a·y − b·x with b·odds = a·f: no cancellation.
            let delta = if small { a * (1.0 - f) * y } else { b * (1.0 / f - 1.0) * x };
            let t = tails(a, b, Point { x, y, delta });
            (t.lower, t.upper)
        }
    }
}

/// f with P(F ≤ f) = p, 0 < p ≤ ½, positive degrees of freedom.
fn f_quantile_lower_half(p: f64, d1: f64, d2: f64) -> f64 {
    match (d1 <= LARGEST, d2 <= LARGEST) {
        (true, false) => chi_squared_quantile(p, d1) / d1,
        (false, true) => d2 / chi_squared_quantile_upper(p, d2),
        (false, false) => 1.0,
        (true, true) => {
            let (odds, ln_odds) = lower_quantile_odds(0.5 * d1, 0.5 * d2, p);
            if odds > 1e-290 { odds * (d2 / d1) } else { (ln_odds + (d2 / d1).ln()).exp() }
        }
    }
}
