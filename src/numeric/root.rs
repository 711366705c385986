//! The one root finder behind the quantiles: Halley steps on the logarithm of a tail.

/// A tail probability T and its slopes at one point w, on the scale s = ln w.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogTail {
    /// T; may underflow to zero.
    pub value: f64,
    /// ln T; stays finite where T underflows.
    pub ln_value: f64,
    /// |d ln T/ds|.
    pub slope: f64,
    /// d ln(density)/ds, where the density is |dT/ds|.
    pub density_slope: f64,
}

/// w > 0 with T(w) = `target`, for a tail that is log-concave on the scale ln w and rises or
/// falls with w.
///
/// For a log-concave tail Newton's method converges from anywhere, and Halley's correction, whose
/// second derivative costs nothing here, makes it cubic; the bracket only guards against rounding.
/// At most 200 evaluations.
pub(super) fn solve_log_tail(
    target: f64,
    start: f64,
    rising: bool,
    tail: impl Fn(f64) -> LogTail,
) -> f64 {
    let ln_target = target.ln();
    let (mut low, mut high) = (0.0_f64, f64::INFINITY);
    let mut w = start.clamp(1e-300, 1e300);
    for _ in 0..200 {
        let t = tail(w);
        let ratio = t.value / target;
        // Near the root ln(T/p) is more accurate than ln T − ln p.
        let f = if (0.5..2.0).contains(&ratio) { ratio.ln() } else { t.ln_value - ln_target };
        if f.is_nan() {
            return f64::NAN;
        }
        if f == 0.0 {
            return w;
        }
        if (f > 0.0) == rising {
            high = high.min(w);
        } else {
            low = low.max(w);
        }
        let (sign, curvature) = if rising {
            (1.0, t.density_slope - t.slope)
        } else {
            (-1.0, -(t.density_slope + t.slope))
        };
        let newton = -f / (sign * t.slope);
        // f·f″/(2f′²) with f″ = slope·curvature and f′ = ±slope.
        let correction = f * curvature / (2.0 * t.slope);
        let step = if correction.abs() < 0.5 { newton / (1.0 - correction) } else { newton };
        let next = w * step.clamp(-30.0, 30.0).exp();
        // After a Halley step the error in ln T is about f³.
        let last = f.abs() < 1e-6 && correction.abs() < 0.5;
        let inside = next > low && next < high;
        w = match (inside, low > 0.0, high.is_finite()) {
            (true, _, _) => next,
            (false, true, true) => low.sqrt() * high.sqrt(),
            (false, true, false) => (low * 8.0).min(1e308),
            (false, false, true) => high / 8.0,
            (false, false, false) => return f64::NAN,
        };
        if last && inside || w == 0.0 || high <= low * (1.0 + f64::EPSILON) {
            return w;
        }
    }
    w
}
