//! Tail probabilities of Σ λ_j χ²(h_j), independent chi-squared variables with weights of either
//! sign.

use super::distributions::{chi_squared_sf, normal_sf};

/// P(Σ_j λ_j χ²_(h_j) > q) by inverting the characteristic function.
///
/// `terms` are (λ_j, h_j), h_j > 0. With q = 0 (a ratio of quadratic forms, whose denominator is a term
/// with a negative weight) Imhof's (1961, eq. 3.2) integral, ½ + (1/π) ∫₀^∞ sin θ(u)/(u ρ(u)) du,
/// θ(u) = ½ Σ h_j arctan(λ_j u), ρ(u) = Π (1 + λ_j² u²)^(h_j/4), to about 10⁻¹⁰; else the inversion integral on
/// a contour through its saddlepoint (Rice 1980), to about 10⁻¹⁰ of the result. NaN for arguments that
/// are not numbers or without a term.
pub fn mixture_sf(q: f64, terms: &[(f64, f64)]) -> f64 {
    let sound = |t: &(f64, f64)| t.0.is_finite() && t.1.is_finite() && t.1 > 0.0;
    let largest = terms.iter().map(|t| t.0.abs()).fold(0.0, f64::max);
    if largest == 0.0 || !q.is_finite() || !terms.iter().all(sound) {
        return f64::NAN;
    }
    // In units of the largest weight; what vanishes beside it has no part.
    let q = q / largest;
    let terms: Vec<(f64, f64)> =
        terms.iter().map(|t| (t.0 / largest, t.1)).filter(|t| t.0.abs() > 1e-15 / t.1).collect();
    if q.is_infinite() {
        return if q > 0.0 { 0.0 } else { 1.0 };
    }
    // Equal weights are one chi-squared variable.
    if terms.iter().all(|t| t.0 == terms[0].0) {
        let df: f64 = terms.iter().map(|t| t.1).sum();
        let (x, positive) = (q / terms[0].0, terms[0].0 > 0.0);
        let upper = if x <= 0.0 { 1.0 } else { chi_squared_sf(x, df) };
        return if positive { upper } else { 1.0 - upper };
    }
    match q.partial_cmp(&0.0) {
        Some(std::cmp::Ordering::Greater) => upper_tail(q, &terms),
        // P(Q > q) = 1 − P(−Q > −q).
        Some(std::cmp::Ordering::Less) => {
            let turned: Vec<(f64, f64)> = terms.iter().map(|(l, h)| (-l, *h)).collect();
            1.0 - upper_tail(-q, &turned)
        }
        _ => above(0.0, &terms),
    }
}

/// P(Q > q) by Imhof's integral with θ(u) = ½ Σ h_j arctan(λ_j u) − ½ q u. With u = e^s and q = 0 its
/// integrand is smooth on the whole line and dies away at both ends, where the trapezoidal rule converges
/// faster than any power of its step.
fn above(q: f64, terms: &[(f64, f64)]) -> f64 {
    if q >= 0.0 && terms.iter().all(|t| t.0 < 0.0) {
        return 0.0;
    }
    if q <= 0.0 && terms.iter().all(|t| t.0 > 0.0) {
        return 1.0;
    }
    let scale = terms.iter().map(|t| t.0.abs()).fold(0.0, f64::max);
    let integrand = |s: f64| {
        let u = s.exp() / scale;
        let (mut theta, mut log_rho) = (-0.5 * q * u, 0.0);
        for (lambda, h) in terms {
            theta += 0.5 * h * (lambda * u).atan();
            log_rho += 0.25 * h * (lambda * u).powi(2).ln_1p();
        }
        theta.sin() * (-log_rho).exp()
    };
    let sum = trapezoid(-40.0, 60.0, 1e-12, integrand);
    (0.5 + sum / std::f64::consts::PI).clamp(0.0, 1.0)
}

/// P(Q > q) for q > 0: (1/2πi) ∫ exp(K(s) − s q)/s ds, K the cumulant generating function, on the
/// parabola s = ζ + σ(i t + t²/2) through a point ζ between 0 and the first singularity 1/(2 λ_max).
/// It encloses the singularities on the right, where e^(−sq) dies away.
fn upper_tail(q: f64, terms: &[(f64, f64)]) -> f64 {
    let most = terms.iter().map(|t| t.0).fold(0.0, f64::max);
    if most == 0.0 {
        return 0.0;
    }
    // ζ: where K(s) − s q − ln s is least, which its slope, rising from −∞ to ∞, tells.
    let (mut low, mut high) = (0.0, 0.5 / most);
    for _ in 0..200 {
        let z = 0.5 * (low + high);
        let slope: f64 = terms.iter().map(|(l, h)| h * l / (1.0 - 2.0 * z * l)).sum();
        if slope - q - 1.0 / z < 0.0 { low = z } else { high = z }
    }
    let zeta = 0.5 * (low + high);
    let curvature: f64 =
        terms.iter().map(|(l, h)| 2.0 * h * l * l / (1.0 - 2.0 * zeta * l).powi(2)).sum();
    let sigma = 1.0 / (curvature + 1.0 / (zeta * zeta)).sqrt();
    // The logarithm of the integrand where the parabola crosses the axis.
    let level: f64 = terms.iter().map(|(l, h)| -0.5 * h * (-2.0 * zeta * l).ln_1p()).sum::<f64>()
        - zeta * q
        - zeta.ln();
    // The real part of the integrand; the other half of the parabola is its mirror image.
    let integrand = |t: f64| {
        let (x, y) = (zeta + 0.5 * sigma * t * t, sigma * t);
        let (mut log_size, mut angle) = (-x * q - 0.5 * (x * x + y * y).ln(), -y * q - y.atan2(x));
        for (l, h) in terms {
            let (re, im) = (1.0 - 2.0 * x * l, -2.0 * y * l);
            log_size -= 0.25 * h * (re * re + im * im).ln();
            angle -= 0.5 * h * im.atan2(re);
        }
        // ds/dt = σ(i + t), divided by i.
        (log_size - level).exp() * (angle.cos() + t * angle.sin())
    };
    let reach = (80.0 / (q * sigma)).sqrt().max(20.0);
    let sum = trapezoid(0.0, reach, 1e-13, integrand) * sigma;
    let found = level.exp() * sum / std::f64::consts::PI;
    // With very many degrees of freedom the contour can run where the integrand overflows.
    if found.is_finite() { found.clamp(0.0, 1.0) } else { above(q, terms) }
}

/// The trapezoidal rule, its step halved until the integral stands still; at most 2¹⁹ points.
fn trapezoid(low: f64, high: f64, tolerance: f64, f: impl Fn(f64) -> f64) -> f64 {
    let mut points = 1 << 10;
    let mut step = (high - low) / f64::from(points);
    let ends = 0.5 * (f(low) + f(high));
    let mut sum: f64 = ends + (1..points).map(|i| f(low + step * f64::from(i))).sum::<f64>();
    let mut last = sum * step;
    for _ in 0..9 {
        step /= 2.0;
        sum += (0..points).map(|i| f(low + step * f64::from(2 * i + 1))).sum::<f64>();
        points *= 2;
        let now = sum * step;
        let settled = (now - last).abs() <= tolerance * now.abs().max(f64::MIN_POSITIVE);
        last = now;
        if settled {
            break;
        }
    }
    last
}

/// The same by the saddlepoint approximation of Lugannani and Rice in the form of Kuonen (1999,
/// eq. 3): 1 − Φ(w + ln(v/w)/w), w = ± √(2 (ζ q − K(ζ))), v = ζ √K''(ζ), K'(ζ) = q,
/// K(ζ) = −½ Σ h_j ln(1 − 2 ζ λ_j). NaN where K' does not reach q.
pub fn mixture_sf_saddlepoint(q: f64, terms: &[(f64, f64)]) -> f64 {
    let terms: Vec<(f64, f64)> = terms.iter().copied().filter(|t| t.0 != 0.0).collect();
    let most = terms.iter().map(|t| t.0).fold(0.0, f64::max);
    let least = terms.iter().map(|t| t.0).fold(0.0, f64::min);
    if terms.is_empty() || !q.is_finite() || !terms.iter().all(|t| t.0.is_finite() && t.1 > 0.0) {
        return f64::NAN;
    }
    let slope = |z: f64| terms.iter().map(|(l, h)| h * l / (1.0 - 2.0 * z * l)).sum::<f64>();
    let mean = slope(0.0);
    let spread: f64 = terms.iter().map(|(l, h)| 2.0 * h * l * l).sum();
    // K is finite between these; K' rises from one end to the other.
    let reach = 1e3 * terms.iter().map(|t| t.1).sum::<f64>() / (q.abs() + mean.abs()).max(1e-300);
    let mut low = if least < 0.0 { 0.5 / least } else { -reach };
    let mut high = if most > 0.0 { 0.5 / most } else { reach };
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if slope(middle) < q { low = middle } else { high = middle }
    }
    let zeta = 0.5 * (low + high);
    if (slope(zeta) - q).abs() > 1e-6 * (spread.sqrt() + q.abs()) {
        return f64::NAN;
    }
    let k: f64 = terms.iter().map(|(l, h)| -0.5 * h * (-2.0 * zeta * l).ln_1p()).sum();
    let k2: f64 = terms.iter().map(|(l, h)| 2.0 * h * l * l / (1.0 - 2.0 * zeta * l).powi(2)).sum();
    let w = zeta.signum() * (2.0 * (zeta * q - k)).max(0.0).sqrt();
    let v = zeta * k2.sqrt();
    if w.abs() < 1e-4 {
        // At the mean the formula is 0/0; its limit has the third cumulant.
        let k3: f64 = terms.iter().map(|(l, h)| 8.0 * h * l.powi(3)).sum();
        return 0.5
            - k3 / (6.0 * spread.powf(1.5) * (2.0 * std::f64::consts::PI).sqrt())
            - (q - mean) / (spread * 2.0 * std::f64::consts::PI).sqrt();
    }
    normal_sf(w + (v / w).ln() / w)
}

#[cfg(test)]
mod tests {
    use super::super::distributions::{f_sf, normal_quantile_upper};
    use super::*;

    /// Closed forms: a chi-squared variable in pieces, a ratio with the F distribution, and
    /// λ_1 E_1 + λ_2 E_2 of exponential variables (two degrees of freedom each).
    #[test]
    fn closed_forms() {
        for q in [0.3, 2.0, 7.5, 30.0] {
            let wanted = chi_squared_sf(q, 5.0);
            let pieces = mixture_sf(q, &[(1.0, 2.0), (1.0 + 1e-12, 3.0)]);
            assert!((pieces - wanted).abs() < 1e-9, "{q}: {pieces} {wanted}");
            let (a, b): (f64, f64) = (3.0, 0.5);
            let tail = |l: f64| (-q / (2.0 * l)).exp();
            let wanted = (a * tail(a) - b * tail(b)) / (a - b);
            let found = mixture_sf(q, &[(a, 2.0), (b, 2.0)]);
            assert!((found - wanted).abs() < 1e-9, "{q}: {found} {wanted}");
        }
        // By mpmath with 30 digits, for the eigenvalues of two tables of the reference suite.
        let tables = [
            (11.94089208074534, [1.8181107207514713, 0.48114643500914467], 0.0124155700330099),
            (19.47965642095888, [0.857060276653032, 0.5177082569882787], 3.07669251229336e-6),
        ];
        for (q, weights, wanted) in tables {
            let found = mixture_sf(q, &weights.map(|l| (l, 1.0)));
            assert!((found / wanted - 1.0).abs() < 1e-9, "{found} {wanted}");
            let turned = mixture_sf(-q, &weights.map(|l| (-l, 1.0)));
            assert!((turned + wanted - 1.0).abs() < 1e-12);
        }
        for (f, d1, d2) in [(2.2, 2.0, 20.0), (0.7, 5.0, 3.0), (4.0, 1.0, 9000.0), (9.0, 3.0, 61.0)]
        {
            let found = mixture_sf(0.0, &[(1.0, d1), (-f * d1 / d2, d2)]);
            assert!((found - f_sf(f, d1, d2)).abs() < 1e-9, "{f} {d1} {d2}: {found}");
        }
    }

    /// The saddlepoint of a chi-squared variable is within a few thousandths of the truth, and
    /// goes smoothly through the mean.
    #[test]
    fn saddlepoint_is_near() {
        for q in [0.5, 2.0, 4.9, 5.0, 5.1, 9.0, 20.0] {
            let found = mixture_sf_saddlepoint(q, &[(1.0, 5.0)]);
            assert!((found / chi_squared_sf(q, 5.0) - 1.0).abs() < 0.01, "{q}: {found}");
        }
        assert!(normal_quantile_upper(mixture_sf_saddlepoint(5.0, &[(1.0, 5.0)])) > 0.0);
    }

    #[test]
    fn nothing_hangs() {
        for terms in [vec![], vec![(0.0, 1.0)], vec![(f64::NAN, 1.0)], vec![(1.0, -1.0)]] {
            assert!(
                mixture_sf(1.0, &terms).is_nan() && mixture_sf_saddlepoint(1.0, &terms).is_nan()
            );
        }
        for terms in [vec![(1e-300, 1.0), (1e300, 2.0)], vec![(2.0, 1.0), (-1e-9, 1e9)]] {
            for q in [-1.0, 0.0, 1.0] {
                let p = mixture_sf(q, &terms);
                assert!((0.0..=1.0).contains(&p), "{q} {terms:?} {p}");
            }
        }
    }
}
