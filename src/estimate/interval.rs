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
/// | Logit | expit[logit p ± t SE/(p(1 − p))] (Korn and Graubard 1999, §2.4) |
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
pub(super) fn at_boundary(p: f64) -> bool {
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
            IntervalMethod::T => (p - t * se, p + t * se),
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
            IntervalMethod::T => (None, ""),
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
            IntervalMethod::T | IntervalMethod::Logit | IntervalMethod::Arcsine => {
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
        let deviance =
            2.0 * n * (p * x_minus_log1p(gap / p) + (1.0 - p) * x_minus_log1p(-gap / (1.0 - p)));
        let change = (t * t - deviance) / (2.0 * n * gap);
        // The step may be long when the deviance is flat far out; the limits are 0 and 1 there.
        let next = (s + change).clamp(-745.0, 745.0);
        if (next - s).abs() <= 1e-14 * s.abs().max(1.0) {
            return expit(next);
        }
        s = next;
    }
    expit(s)
}
