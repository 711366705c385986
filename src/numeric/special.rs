//! Pieces that the distribution functions are built from, each free of cancellation.

use std::f64::consts::PI;

/// ln √(2π).
pub const LN_SQRT_2PI: f64 = 0.9189385332046727;

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
const EULER_GAMMA: f64 = 0.5772156649015329;

/// Coefficients of z⁻¹, z⁻³, … in Stirling's series (DLMF 5.11.1).
const STIRLING: [f64; 8] = [
    1.0 / 12.0,
    -1.0 / 360.0,
    1.0 / 1260.0,
    -1.0 / 1680.0,
    1.0 / 1188.0,
    -691.0 / 360_360.0,
    1.0 / 156.0,
    -3617.0 / 122_400.0,
];

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
    let r2 = 1.0 / (z * z);
    let series = STIRLING.iter().rev().fold(0.0, |sum, c| sum * r2 + c);
    shift + series / z
}

/// ln Γ(1 + a) for a ≥ 0, with full relative accuracy as a → 0.
pub fn ln_gamma_1p(a: f64) -> f64 {
    if a > 1.5 {
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
    // Stirling's formula for both, with the common terms cancelled by hand, and the difference of
    // the remainders term by term: (b + a)⁻ᵐ − b⁻ᵐ = b⁻ᵐ (exp(−m ln(1 + a/b)) − 1).
    let growth = (a / b).ln_1p();
    let mut power = 1.0 / b;
    let mut remainders = 0.0;
    for (k, c) in STIRLING.iter().enumerate() {
        remainders += c * power * (-((2 * k + 1) as f64) * growth).exp_m1();
        power /= b * b;
    }
    (b - 0.5) * growth + a * (b + a).ln() - a + remainders - shift
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

/// Values by mpmath with 50 digits.
#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, wanted: f64, tolerance: f64, what: &str) {
        assert!((found - wanted).abs() <= tolerance * wanted.abs(), "{what}: {found} {wanted}");
    }

    #[test]
    fn small_differences() {
        for (u, wanted) in [
            (-0.99, 3.6151701859880907),
            (-0.5, 0.19314718055994531),
            (-0.499, 0.19214917789727226),
            (-0.001, 5.003335835335002e-07),
            (1e-09, 4.999999996666667e-19),
            (0.3, 0.03763573553250894),
            (0.6, 0.12999637075426443),
            (0.61, 0.13376582100362835),
            (5.0, 3.208240530771945),
            (1e10, 9999999976.97415),
        ] {
            close(x_minus_log1p(u), wanted, 1e-15, "u − ln(1 + u)");
        }
        for (v, wanted) in [
            (-3.0, 2.049787068367864),
            (-0.7, 0.19658530379140948),
            (-0.1, 0.0048374180359595734),
            (1e-08, 5.0000000166666667e-17),
            (0.5, 0.14872127070012814),
            (0.7, 0.31375270747047646),
            (0.71, 0.3239912586467506),
            (4.0, 49.598150033144236),
        ] {
            close(exp_minus_1_minus_x(v), wanted, 1e-15, "exp(v) − 1 − v");
        }
    }

    #[test]
    fn gamma_functions() {
        for (z, wanted) in [
            (0.001, 2.5422704679670947),
            (0.3, 0.2360649007482156),
            (1.0, 0.08106146679532726),
            (2.5, 0.03316287351993629),
            (9.99, 0.00833889679773433),
            (10.0, 0.00833056343336287),
            (1234.5, 6.75037112277304e-05),
            (1e9, 8.333333333333333e-11),
        ] {
            close(stirling_remainder(z), wanted, 1e-15, "σ(z)");
        }
        for (a, wanted) in [
            (1e-12, -5.772156649007103e-13),
            (0.2, -0.08537409000331585),
            (0.5, -0.12078223763524522),
            (0.51, -0.12037073533396486),
            (0.999999999, -4.2278432281884254e-10),
            (1.7, 0.43482055365510447),
            (30.0, 74.65823634883016),
        ] {
            close(ln_gamma_1p(a), wanted, 2e-15, "ln Γ(1 + a)");
        }
        for (b, a, wanted) in [
            (0.5, 1e-12, -1.963510026018956e-12),
            (3.3, 0.001, 0.001034999219208921),
            (1e6, 0.5, 6.907755153982137),
            (1e6, 0.001, 0.013815510058464191),
            (0.001, 1000.0, 5898.3201515794935),
            (12.0, 5.0, 13.169552260206787),
        ] {
            close(ln_gamma_ratio(b, a), wanted, 1e-14, "ln Γ(b + a)/Γ(b)");
        }
        for (z, wanted) in [
            (0.001, 6.907178885383853),
            (0.5, 0.5723649429247001),
            (1.000001, -5.772148423874147e-07),
            (1.5, -0.12078223763524522),
            (2.0000001, 4.227843666532498e-08),
            (3.7, 1.428072326665388),
            (100.25, 360.28455963776423),
        ] {
            close(ln_gamma(z), wanted, 2e-15, "ln Γ(z)");
        }
        assert!(ln_gamma(0.0).is_nan() && ln_gamma(-1.5).is_nan() && ln_gamma(f64::NAN).is_nan());
    }
}
