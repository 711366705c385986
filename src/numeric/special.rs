//! Pieces that the distribution functions are built from, each free of cancellation.

use std::f64::consts::PI;

/// ln √(2π).
pub const LN_SQRT_2PI: f64 = 0.918_938_533_204_672_7;

/// ζ(k) − 1 for k = 2, 3, …, 34 (DLMF 25.2; computed with 40 digits).
const ZETA_MINUS_1: [f64; 33] = [
    0.6449340668482264,
    0.2020569031595943,
    0.08232323371113819,
    0.03692775514336993,
    0.01734306198444914,
    0.008349277381922827,
    0.00407735619794434,
    0.0020083928260822143,
    0.0009945751278180853,
    0.0004941886041194645,
    0.0002460865533080483,
    0.00012271334757848915,
    6.124813505870483e-05,
    3.058823630702049e-05,
    1.528225940865187e-05,
    7.637197637899763e-06,
    3.81729326499984e-06,
    1.908212716553939e-06,
    9.539620338727962e-07,
    4.769329867878064e-07,
    2.38450502727733e-07,
    1.1921992596531106e-07,
    5.960818905125948e-08,
    2.980350351465228e-08,
    1.4901554828365043e-08,
    7.45071178983543e-09,
    3.725334024788457e-09,
    1.862659723513049e-09,
    9.313274324196682e-10,
    4.656629065033784e-10,
    2.3283118336765053e-10,
    1.164155017270052e-10,
    5.820772087902701e-11,
];

/// Euler's constant.
const EULER_GAMMA: f64 = 0.577_215_664_901_532_9;

/// u − ln(1 + u) for u > −1, accurate to a few units in the last place also near zero, where it
/// is about u²/2.
pub fn x_minus_log1p(u: f64) -> f64 {
    if !(-0.5..=0.6).contains(&u) {
        return u - u.ln_1p();
    }
    // With z = u/(2 + u): ln(1 + u) = 2 atanh z and u = 2z/(1 − z), so that
    // u − ln(1 + u) = z·u − 2 z³ (1/3 + z²/5 + z⁴/7 + …).
    let z = u / (2.0 + u);
    let z2 = z * z;
    let mut series = 0.0;
    // |z| ≤ 1/3: the first term left out is below 2⁻⁶⁰ of the first one.
    for k in (0..19).rev() {
        series = series * z2 + 1.0 / f64::from(2 * k + 3);
    }
    z * u - 2.0 * z * z2 * series
}

/// eᵛ − 1 − v, accurate also near zero, where it is about v²/2.
pub fn exp_minus_1_minus_x(v: f64) -> f64 {
    if v.abs() > 0.7 {
        return v.exp_m1() - v;
    }
    let mut series = 1.0;
    for k in (3..=18).rev() {
        series = 1.0 + series * v / f64::from(k);
    }
    0.5 * v * v * series
}

/// The remainder of Stirling's formula, σ(z) = ln Γ(z) − [(z − ½) ln z − z + ln √(2π)], z > 0.
///
/// Asymptotic series (DLMF 5.11.1) for z ≥ 10, the recurrence σ(z) = σ(z + 1) + (z + ½)
/// ln(1 + 1/z) − 1 below; absolute error below 1e-15 for z ≥ 1e-3.
pub fn stirling_remainder(z: f64) -> f64 {
    let mut shift = 0.0;
    let mut z = z;
    while z < 10.0 {
        shift += if z < 1.0 {
            (z + 0.5) * (1.0 / z).ln_1p() - 1.0
        } else {
            // (z + ½) ln(1 + 1/z) − 1 = atanh(w)/w − 1 with w = 1/(2z + 1).
            let w2 = 1.0 / ((2.0 * z + 1.0) * (2.0 * z + 1.0));
            let mut series = 0.0;
            for k in (0..18).rev() {
                series = series * w2 + 1.0 / f64::from(2 * k + 3);
            }
            w2 * series
        };
        z += 1.0;
    }
    const COEFFICIENTS: [f64; 8] = [
        1.0 / 12.0,
        -1.0 / 360.0,
        1.0 / 1260.0,
        -1.0 / 1680.0,
        1.0 / 1188.0,
        -691.0 / 360_360.0,
        1.0 / 156.0,
        -3617.0 / 122_400.0,
    ];
    let r2 = 1.0 / (z * z);
    let series = COEFFICIENTS.iter().rev().fold(0.0, |sum, c| sum * r2 + c);
    shift + series / z
}

/// ln Γ(1 + a) for a ≥ 0, with full relative accuracy as a → 0.
pub fn ln_gamma_1p(a: f64) -> f64 {
    if a > 1.0 {
        // Γ(1 + a) = a Γ(a).
        return (a + 0.5) * a.ln() - a + LN_SQRT_2PI + stirling_remainder(a);
    }
    if a > 0.5 {
        // Γ(1 + a) = a Γ(1 + (a − 1)), and the series converges faster on (−½, ½).
        return a.ln() + ln_gamma_1p_series(a - 1.0);
    }
    ln_gamma_1p_series(a)
}

/// ln Γ(b + a) − ln Γ(b) for a ≥ 0, b > 0, with full relative accuracy as a → 0.
pub fn ln_gamma_ratio(b: f64, a: f64) -> f64 {
    let mut shift = 0.0;
    let mut b = b;
    while b < 10.0 {
        shift += (a / b).ln_1p();
        b += 1.0;
    }
    // Stirling's formula for both, with the common terms cancelled by hand.
    (b - 0.5) * (a / b).ln_1p() + a * (b + a).ln() - a
        + (stirling_remainder(b + a) - stirling_remainder(b))
        - shift
}

/// ln(a B(a, b)) for a, b > 0, with full relative accuracy as a → 0.
pub fn ln_a_beta(a: f64, b: f64) -> f64 {
    ln_gamma_1p(a) - ln_gamma_ratio(b, a)
}

/// ln Γ(z) for z > 0.
pub fn ln_gamma(z: f64) -> f64 {
    if z.is_nan() || z <= 0.0 {
        return f64::NAN;
    }
    if z < 0.5 { ln_gamma_1p(z) - z.ln() } else { ln_gamma_1p_shifted(z) }
}

/// √(z/(2π)), without overflow.
pub(super) fn sqrt_over_2pi(z: f64) -> f64 {
    z.sqrt() / (2.0 * PI).sqrt()
}

/// ln Γ(z) = ln Γ(1 + (z − 1)) for z ≥ ½.
fn ln_gamma_1p_shifted(z: f64) -> f64 {
    if z < 1.5 { ln_gamma_1p_series(z - 1.0) } else { ln_gamma_1p(z - 1.0) }
}

/// ln Γ(1 + a) for |a| ≤ ½:
/// −ln(1 + a) + (1 − γ) a + Σ_{k ≥ 2} (−1)ᵏ (ζ(k) − 1) aᵏ/k (DLMF 5.7.3).
fn ln_gamma_1p_series(a: f64) -> f64 {
    let mut series = 0.0;
    for (i, zeta) in ZETA_MINUS_1.iter().enumerate().rev() {
        let k = (i + 2) as f64;
        let sign = if i % 2 == 0 { 1.0 } else { -1.0 };
        series = series * a + sign * zeta / k;
    }
    -a.ln_1p() + a * ((1.0 - EULER_GAMMA) + a * series)
}
