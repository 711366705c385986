//! Confidence intervals for one estimate from its standard error and degrees of freedom.
//!
//! Formulas, sources and the behaviour at the edges are in `docs/methods/intervals.md`; in short:
//! a limit is either a number with the stated meaning or `None`, never NaN, and an interval has no
//! width only where the caller says that nothing was left to chance.

use serde::{Deserialize, Serialize};

use crate::numeric::distributions::{beta_quantile, beta_quantile_upper, t_quantile_upper};
use crate::numeric::special::x_minus_log1p;

/// How a confidence interval is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum IntervalMethod {
    /// Estimate ± t × SE.
    T,
    /// On the logit scale, transformed back (proportions).
    Logit,
    /// Clopper–Pearson on the effective sample size (Korn and Graubard 1998), truncated at n.
    KornGraubard,
    /// The same without truncation, as R `svyciprop(method = "beta")` has it.
    Beta,
    /// Score interval on the effective sample size (Wilson 1927).
    Wilson,
    /// On the arcsine square-root scale, transformed back.
    Arcsine,
    /// Profile likelihood with a Rao–Scott scaled deviance.
    Likelihood,
    /// Limits of the distribution function, mapped back (Woodruff 1952): what quantiles have. It
    /// cannot be chosen, nor made by [`interval`] from an estimate and its standard error.
    #[serde(skip_deserializing)]
    Woodruff,
}

/// What an interval is made from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IntervalInput {
    /// The estimate; for the methods for proportions between 0 and 1.
    pub estimate: f64,
    /// Its standard error; `None` when it cannot be had.
    pub se: Option<f64>,
    /// Unweighted number of rows behind the estimate.
    pub n: u64,
    /// Degrees of freedom; `Some(∞)` uses the normal distribution, `None` means there are none.
    pub df: Option<f64>,
    /// Confidence level, such as 0.95.
    pub level: f64,
    /// True when every unit of the population was observed, so that a standard error of zero means
    /// certainty. False when in doubt.
    pub certain: bool,
}

/// A confidence interval, or the reason why there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Interval {
    /// Lower limit.
    pub lower: Option<f64>,
    /// Upper limit.
    pub upper: Option<f64>,
    /// What a reader must know: why there is no interval, or what stands in for the usual one.
    pub note: Option<&'static str>,
}

/// A proportion this close to 0 or 1 counts as being there: the sums it is a ratio of are rounded.
const BOUNDARY: f64 = 1e-12;

/// The confidence interval of an estimate.
///
/// *Shapes and units*: limits are in the units of the estimate; all methods but
/// [`IntervalMethod::T`] are for proportions and keep their limits in \[0, 1\].
///
/// With p the estimate, V = SE², n_e = p(1 − p)/V and t the (1 + level)/2 quantile of Student's t
/// with `df` degrees of freedom:
///
/// | method | interval |
/// |---|---|
/// | T | p ± t SE |
/// | Logit | expit[logit p ± t SE/(p(1 − p))] |
/// | Beta | Beta quantiles α/2 of (m p, m(1 − p) + 1) and 1 − α/2 of (m p + 1, m(1 − p)), m = n_e (t_{n−1}/t_df)² (Korn and Graubard 1998, eq. 1.2, 2.1, 2.2) |
/// | KornGraubard | the same with m = min(n, n_e (t_{n−1}/t_df)²) (Parker et al. 2017) |
/// | Wilson | roots θ of (p − θ)² = t² θ(1 − θ)/n_e (Wilson 1927) |
/// | Arcsine | sin²[asin √p ± t SE/(2 √(p(1 − p)))] |
/// | Likelihood | roots θ of 2 n_e [p ln(p/θ) + (1 − p) ln((1 − p)/(1 − θ))] = t² (Rao and Scott 1984) |
///
/// *Edges*, in this order: no rows, no estimate, a level outside (0, 1) or a proportion outside
/// \[0, 1\] gives no interval; `certain` gives \[p, p\]; no standard error or no degrees of freedom
/// gives no interval; a proportion of exactly 0 or 1 gives the Clopper–Pearson, Wilson or
/// likelihood interval with n in place of n_e (Logit and Arcsine, which do not exist there, give
/// the Clopper–Pearson one); a standard error of zero otherwise gives no interval under T, Logit
/// and Arcsine and n in place of n_e under the rest. Each has a note.
pub fn interval(method: IntervalMethod, input: &IntervalInput) -> Interval {
    let none = |note| Interval { note: Some(note), ..Interval::default() };
    let p = input.estimate;
    if input.n == 0 {
        return none("there are no rows to estimate from");
    }
    if !p.is_finite() {
        return none("there is no estimate");
    }
    if !(input.level > 0.0 && input.level < 1.0) {
        return none("the confidence level is not between 0 and 1");
    }
    if method == IntervalMethod::Woodruff {
        return none("the interval of a quantile is made from the distribution function");
    }
    let proportion = method != IntervalMethod::T;
    if proportion && !(-BOUNDARY..=1.0 + BOUNDARY).contains(&p) {
        return none("the interval is for proportions, and the estimate is not between 0 and 1");
    }
    if input.certain {
        return Interval { lower: Some(p), upper: Some(p), note: None };
    }
    let Some(se) = input.se.filter(|se| se.is_finite() && *se >= 0.0) else {
        return none("there is no standard error");
    };
    let Some(df) = input.df.filter(|df| *df > 0.0) else {
        return none("there are no degrees of freedom left to judge the variance by");
    };
    let alpha_half = 0.5 * (1.0 - input.level);
    let t = t_quantile_upper(alpha_half, df);
    if !t.is_finite() {
        return none("there are too few degrees of freedom for a finite interval");
    }
    let case = Case { p, se, t, n: input.n as f64, df, alpha_half };
    if proportion && (p <= BOUNDARY || p >= 1.0 - BOUNDARY) {
        return case.at_boundary(method);
    }
    if se <= 1e-13 * p.abs() {
        return case.without_variance(method);
    }
    let (lower, upper) = case.limits(method);
    limits(lower, upper, None)
}

/// The effective sample size of a proportion, p(1 − p)/SE² (Korn and Graubard 1998, eq. 2.1).
///
/// `None` at 0 and 1 and where the standard error is zero or missing.
pub fn proportion_effective_size(p: f64, se: Option<f64>) -> Option<f64> {
    let se = se.filter(|se| *se > 1e-13 * p.abs())?;
    let inside = p > BOUNDARY && p < 1.0 - BOUNDARY;
    Some(p * (1.0 - p) / (se * se)).filter(|n| inside && n.is_finite())
}

/// True for a proportion of 0 or 1, up to the rounding of the sums it is a ratio of.
pub(super) fn is_boundary(p: f64) -> bool {
    !(BOUNDARY..=1.0 - BOUNDARY).contains(&p)
}

/// A checked input: finite estimate, SE ≥ 0, df > 0.
struct Case {
    p: f64,
    se: f64,
    t: f64,
    n: f64,
    df: f64,
    alpha_half: f64,
}

impl Case {
    /// The ordinary interval: for a proportion 0 < p < 1, SE > 0.
    fn limits(&self, method: IntervalMethod) -> (f64, f64) {
        let Case { p, se, t, n, .. } = *self;
        let spread = p * (1.0 - p);
        let n_eff = spread / (se * se);
        match method {
            IntervalMethod::T | IntervalMethod::Woodruff => (p - t * se, p + t * se),
            IntervalMethod::Logit => {
                let logit = p.ln() - (-p).ln_1p();
                let half = t * se / spread;
                (expit(logit - half), expit(logit + half))
            }
            IntervalMethod::Beta => self.clopper_pearson(n_eff * self.df_ratio()),
            IntervalMethod::KornGraubard => self.clopper_pearson((n_eff * self.df_ratio()).min(n)),
            IntervalMethod::Wilson => wilson(p, n_eff, t),
            IntervalMethod::Arcsine => {
                let angle = p.sqrt().atan2((1.0 - p).sqrt());
                let half = 0.5 * t * se / spread.sqrt();
                let back = |a: f64| a.clamp(0.0, std::f64::consts::FRAC_PI_2).sin().powi(2);
                (back(angle - half), back(angle + half))
            }
            IntervalMethod::Likelihood => likelihood(p, n_eff, t),
        }
    }

    /// p is 0 or 1: its zero variance is a matter of the estimate, not of the design.
    fn at_boundary(&self, method: IntervalMethod) -> Interval {
        let Case { n, t, .. } = *self;
        let zero = self.p < 0.5;
        // Clopper–Pearson: 1 − (α/2)^(1/n) for 0 of n.
        let exact = -(self.alpha_half.ln() / n).exp_m1();
        let (reach, note) = match method {
            IntervalMethod::T | IntervalMethod::Woodruff => (None, ""),
            IntervalMethod::Wilson => (Some(t * t / (n + t * t)), AT_BOUNDARY),
            IntervalMethod::Likelihood => (Some(-(-t * t / (2.0 * n)).exp_m1()), AT_BOUNDARY),
            IntervalMethod::Beta | IntervalMethod::KornGraubard => (Some(exact), AT_BOUNDARY),
            IntervalMethod::Logit | IntervalMethod::Arcsine => (Some(exact), SUBSTITUTE),
        };
        match reach {
            None => Interval::default(),
            Some(reach) if zero => limits(0.0, reach, Some(note)),
            Some(reach) => limits(1.0 - reach, 1.0, Some(note)),
        }
    }

    /// SE is 0 although the estimate is not at an end of its range.
    fn without_variance(&self, method: IntervalMethod) -> Interval {
        let (lower, upper) = match method {
            IntervalMethod::T
            | IntervalMethod::Woodruff
            | IntervalMethod::Logit
            | IntervalMethod::Arcsine => {
                return Interval { note: Some(NO_VARIANCE), ..Interval::default() };
            }
            IntervalMethod::Wilson => wilson(self.p, self.n, self.t),
            IntervalMethod::Likelihood => likelihood(self.p, self.n, self.t),
            IntervalMethod::Beta | IntervalMethod::KornGraubard => self.clopper_pearson(self.n),
        };
        limits(lower, upper, Some(NO_VARIANCE_USES_N))
    }

    /// (t_{n−1}/t_df)², 1 for a single row.
    fn df_ratio(&self) -> f64 {
        if self.n <= 1.0 {
            return 1.0;
        }
        let ratio = t_quantile_upper(self.alpha_half, self.n - 1.0) / self.t;
        if self.df == self.n - 1.0 { 1.0 } else { ratio * ratio }
    }

    fn clopper_pearson(&self, size: f64) -> (f64, f64) {
        let (yes, no) = (size * self.p, size * (1.0 - self.p));
        (
            beta_quantile(self.alpha_half, yes, no + 1.0),
            beta_quantile_upper(self.alpha_half, yes + 1.0, no),
        )
    }
}

const AT_BOUNDARY: &str =
    "the estimate is 0 % or 100 %: the interval takes the rows as a simple random sample";
const SUBSTITUTE: &str = "the estimate is 0 % or 100 %, where this kind of interval does not \
                          exist: the Korn–Graubard interval, which takes the rows as a simple \
                          random sample, is shown";
const NO_VARIANCE: &str =
    "the standard error is zero, which says nothing about the uncertainty: no interval";
const NO_VARIANCE_USES_N: &str = "the standard error is zero, which says nothing about the \
                                  uncertainty: the interval takes the rows as a simple random \
                                  sample";

/// Limits as they are given out: never NaN.
fn limits(lower: f64, upper: f64, note: Option<&'static str>) -> Interval {
    if lower.is_finite() && upper.is_finite() {
        Interval { lower: Some(lower), upper: Some(upper), note }
    } else {
        let note = Some("the interval is beyond the range of numbers");
        Interval { note, ..Interval::default() }
    }
}

fn expit(s: f64) -> f64 {
    if s >= 0.0 { 1.0 / (1.0 + (-s).exp()) } else { s.exp() / (1.0 + s.exp()) }
}

/// The roots of (1 + c) θ² − (2p + c) θ + p² = 0 with c = t²/n, each in a form without
/// cancellation.
fn wilson(p: f64, n: f64, t: f64) -> (f64, f64) {
    let c = t * t / n;
    let q = 1.0 - p;
    let root = (c * (4.0 * p * q + c)).sqrt();
    let lower = 2.0 * p * p / (2.0 * p + c + root);
    let upper_complement = 2.0 * q * q / (2.0 * q + c + root);
    (lower, 1.0 - upper_complement)
}

/// The two θ at which the scaled deviance 2n[p ln(p/θ) + (1 − p) ln((1 − p)/(1 − θ))] is t².
fn likelihood(p: f64, n: f64, t: f64) -> (f64, f64) {
    let centre = p.ln() - (-p).ln_1p();
    let step = t / (n * p * (1.0 - p)).sqrt();
    (deviance_root(p, n, t, centre, -step), deviance_root(p, n, t, centre, step))
}

/// Newton on the logit scale, where the deviance is convex: after the first step the iterates come
/// towards the root from outside. At most 100 steps.
fn deviance_root(p: f64, n: f64, t: f64, centre: f64, step: f64) -> f64 {
    let mut s = centre + step;
    for _ in 0..100 {
        let theta = expit(s);
        let gap = theta - p;
        if gap == 0.0 {
            return theta;
        }
        // With u = θ/p − 1 and v = (1 − θ)/(1 − p) − 1 the terms linear in u and v cancel.
        let deviance = 2.0
            * n
            * (p * deviance_part(gap / p, ln_expit(s) - p.ln())
                + (1.0 - p) * deviance_part(-gap / (1.0 - p), ln_expit(-s) - (-p).ln_1p()));
        let change = (t * t - deviance) / (2.0 * n * gap);
        // Beyond ±745 the limit is 0 or 1 to the last digit.
        let next = (s + change).clamp(-745.0, 745.0);
        if (next - s).abs() <= 1e-14 * s.abs().max(1.0) {
            return expit(next);
        }
        s = next;
    }
    expit(s)
}

/// u − ln(1 + u); the logarithm is given for use where 1 + u has lost its digits.
fn deviance_part(u: f64, ln_1p_u: f64) -> f64 {
    if u > -0.5 { x_minus_log1p(u) } else { u - ln_1p_u }
}

/// ln expit(s).
fn ln_expit(s: f64) -> f64 {
    if s >= 0.0 { -(-s).exp().ln_1p() } else { s - s.exp().ln_1p() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use IntervalMethod::*;
    use proptest::prelude::*;

    const ALL: [IntervalMethod; 7] = [T, Logit, KornGraubard, Beta, Wilson, Arcsine, Likelihood];

    fn input(estimate: f64, se: f64, n: u64, df: f64) -> IntervalInput {
        IntervalInput { estimate, se: Some(se), n, df: Some(df), level: 0.95, certain: false }
    }

    fn pair(method: IntervalMethod, input: &IntervalInput) -> (f64, f64) {
        let found = interval(method, input);
        assert_eq!(found.note, None);
        (found.lower.unwrap(), found.upper.unwrap())
    }

    fn assert_close(found: (f64, f64), wanted: (f64, f64), tolerance: f64, what: &str) {
        for (f, w) in [(found.0, wanted.0), (found.1, wanted.1)] {
            assert!((f - w).abs() <= tolerance * w.abs(), "{what}: {f} instead of {w}");
        }
    }

    /// The limits solve the equations that define them.
    #[test]
    fn likelihood_and_wilson_limits_solve_their_equations() {
        for (p, se, df) in
            [(0.02185792349726776, 0.0226, 14.0), (0.5, 0.3, 2.0), (1e-6, 1e-6, 60.0)]
        {
            let case = input(p, se, 50, df);
            let t = t_quantile_upper(0.025, df);
            let n = p * (1.0 - p) / (se * se);
            let (lower, upper) = pair(Likelihood, &case);
            for theta in [lower, upper] {
                let q: f64 = 1.0 - p;
                let d = 2.0 * n * (p * (p / theta).ln() + q * (q / (1.0 - theta)).ln());
                assert!((d / (t * t) - 1.0).abs() < 1e-9, "{d} {t}");
            }
            let (lower, upper) = pair(Wilson, &case);
            for theta in [lower, upper] {
                let left = (p - theta) * (p - theta);
                let right = t * t * theta * (1.0 - theta) / n;
                assert!((left / right - 1.0).abs() < 1e-9, "{left} {right}");
            }
            assert!(lower < p && p < upper);
        }
    }

    /// By `qt` and `qbeta` in R, with n_eff above n (truncated) and below.
    #[test]
    fn korn_graubard_truncates_at_n() {
        let above = input(0.3, 0.02, 100, 12.0);
        let wanted = (0.21240642048953665, 0.39981467617980404);
        assert_close(pair(KornGraubard, &above), wanted, 1e-12, "truncated");
        let wanted = (0.2572941476203818, 0.34544829967640556);
        assert_close(pair(Beta, &above), wanted, 1e-12, "not truncated");
        let below = input(0.02, 0.011, 400, 25.0);
        let wanted = (0.004070593920110905, 0.0577742428115573);
        assert_close(pair(KornGraubard, &below), wanted, 1e-12, "below n");
        assert_eq!(pair(KornGraubard, &below), pair(Beta, &below));
        let level = IntervalInput { level: 0.9, ..input(0.9, 0.05, 60, 7.0) };
        let wanted = (0.7548271943792022, 0.9738749238333952);
        assert_close(pair(KornGraubard, &level), wanted, 1e-12, "90 %");
    }

    #[test]
    fn zero_and_one_have_one_sided_reach() {
        // Clopper–Pearson for 0 of 40: 1 − 0.025^(1/40).
        let exact = 1.0 - 0.025_f64.powf(1.0 / 40.0);
        for (p, df) in [(0.0, 4.0), (0.0, f64::INFINITY), (1e-17, 4.0)] {
            for method in [KornGraubard, Beta, Logit, Arcsine] {
                let found = interval(method, &input(p, 0.0, 40, df));
                assert_eq!(found.lower, Some(0.0));
                assert!((found.upper.unwrap() / exact - 1.0).abs() < 1e-13);
                assert!(found.note.unwrap().starts_with("the estimate is 0 % or 100 %"));
            }
        }
        let one = interval(KornGraubard, &input(1.0, 0.0, 40, 4.0));
        assert!((one.lower.unwrap() - (1.0 - exact)).abs() < 1e-15);
        assert_eq!(one.upper, Some(1.0));
        // t_4 = 2.7764451…: Wilson t²/(n + t²), likelihood 1 − exp(−t²/2n).
        let t2 = 2.7764451051977934f64.powi(2);
        let wilson = interval(Wilson, &input(0.0, 0.0, 40, 4.0)).upper.unwrap();
        assert!((wilson - t2 / (40.0 + t2)).abs() < 1e-14);
        let likelihood = interval(Likelihood, &input(0.0, 0.0, 40, 4.0)).upper.unwrap();
        assert!((likelihood - (1.0 - (-t2 / 80.0).exp())).abs() < 1e-14);
        assert_eq!(interval(T, &input(0.0, 0.0, 40, 4.0)).lower, None);
        // A single row.
        let one_row = interval(KornGraubard, &input(1.0, 0.0, 1, 14.0));
        assert!((one_row.lower.unwrap() - 0.025).abs() < 1e-15);
    }

    #[test]
    fn no_width_only_when_certain() {
        let zero_se = input(0.3, 0.0, 50, 10.0);
        for method in [T, Logit, Arcsine] {
            assert_eq!(interval(method, &zero_se).lower, None);
            assert_eq!(interval(method, &zero_se).note, Some(NO_VARIANCE));
        }
        // n stands in for n_eff: Clopper–Pearson for 15 of 50 (R qbeta: .17861785, .44608233).
        for method in [KornGraubard, Beta] {
            let found = interval(method, &zero_se);
            assert!((found.lower.unwrap() - 0.17861784566414682).abs() < 1e-14, "{found:?}");
            assert!((found.upper.unwrap() - 0.44608232566117834).abs() < 1e-14, "{found:?}");
            assert_eq!(found.note, Some(NO_VARIANCE_USES_N));
        }
        for method in ALL {
            let certain = IntervalInput { certain: true, ..zero_se };
            let found = interval(method, &certain);
            assert_eq!((found.lower, found.upper, found.note), (Some(0.3), Some(0.3), None));
        }
    }

    #[test]
    fn nothing_to_go_by_gives_no_interval_and_a_reason() {
        let good = input(0.3, 0.05, 50, 10.0);
        let bad = [
            IntervalInput { n: 0, ..good },
            IntervalInput { estimate: f64::NAN, ..good },
            IntervalInput { se: None, ..good },
            IntervalInput { se: Some(f64::NAN), ..good },
            IntervalInput { df: None, ..good },
            IntervalInput { df: Some(0.0), ..good },
            IntervalInput { df: Some(f64::NAN), ..good },
            IntervalInput { level: 1.0, ..good },
            IntervalInput { level: f64::NAN, ..good },
        ];
        for method in ALL {
            for input in bad {
                let found = interval(method, &input);
                assert_eq!((found.lower, found.upper), (None, None), "{method:?} {input:?}");
                assert!(found.note.is_some());
            }
            let outside = interval(method, &IntervalInput { estimate: 1.2, ..good });
            assert_eq!(outside.lower.is_some(), method == T);
        }
    }

    proptest! {
        #[test]
        fn limits_hold_the_estimate_and_stay_in_range(
            p in prop_oneof![0.0..=1.0_f64, Just(0.0), Just(1.0), 0.0..1e-8_f64],
            se in prop_oneof![Just(0.0), 1e-9..0.6_f64],
            n in 1_u64..100_000,
            df in prop_oneof![0.1..400.0_f64, Just(f64::INFINITY)],
            level in 0.5..0.999_f64,
        ) {
            for method in ALL {
                let input = IntervalInput { estimate: p, se: Some(se), n, df: Some(df), level, certain: false };
                let found = interval(method, &input);
                let (Some(lower), Some(upper)) = (found.lower, found.upper) else {
                    prop_assert!(found.note.is_some() && found.lower.is_none() && found.upper.is_none());
                    continue;
                };
                prop_assert!(lower < upper, "{:?} {} {}", method, lower, upper);
                prop_assert!(lower <= p + 1e-12 && p <= upper + 1e-12, "{:?} {} {}", method, lower, upper);
                if method != T {
                    prop_assert!(lower >= 0.0 && upper <= 1.0, "{:?} {} {}", method, lower, upper);
                    // Turning yes and no round turns the interval round.
                    let turned = interval(method, &IntervalInput { estimate: 1.0 - p, ..input });
                    if let (Some(l), Some(u)) = (turned.lower, turned.upper) {
                        prop_assert!((l - (1.0 - upper)).abs() < 1e-7 && (u - (1.0 - lower)).abs() < 1e-7,
                            "{:?} {} {} {} {}", method, lower, upper, l, u);
                    }
                }
            }
        }
    }
}
