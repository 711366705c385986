//! Intervals as other systems print them, for matching only.
//!
//! Our own intervals are in `interval`; `docs/methods/intervals.md` says where and why they
//! differ from these.

use super::interval::Interval;
use crate::numeric::CubicSpline;
use crate::numeric::distributions::{chi_squared_sf, t_quantile_upper};

/// What R's likelihood interval of a proportion is made from.
#[derive(Debug, Clone, Copy)]
pub struct LikelihoodInput<'a> {
    /// 0 or 1 for every row of the subpopulation; NaN where the value is missing.
    pub y: &'a [f64],
    /// The weights of the same rows.
    pub weights: &'a [f64],
    /// The design-based standard error of the proportion.
    pub se: f64,
    /// Degrees of freedom; ∞ uses the normal distribution.
    pub df: f64,
    /// Confidence level, such as 0.95.
    pub level: f64,
}

/// The limits that R prints for `svyciprop(method = "likelihood")`. **For matching only**: use
/// [`super::IntervalMethod::Likelihood`], which solves the equation that this approximates.
///
/// What R does, with weights scaled to mean 1 over all rows, p the weighted proportion, b its
/// logit, s = SE/(p(1 − p)) and n the rows with a value:
///
/// 1. The logistic model with a constant alone is fitted by iteratively reweighted least squares
///    (McCullagh and Nelder 1989, §2.5), from μ = (w y + ½)/(w + 1), until the deviance changes by
///    less than 1e-8 of itself. Its model-based variance v is 1/Σ w μ(1 − μ) with the μ *before*
///    the last step, so it is a little off 1/Σ w p(1 − p).
/// 2. λ = s²/v, and the limits are where the signed root of the scaled deviance is ±√q,
///    q = t² λ, t the (1 + level)/2 quantile of Student's t (Rao and Scott 1984).
/// 3. The profile (Venables and Ripley 2002, §8.4): at b ± k δ s, k = 1, 2, …, 10, the signed root
///    of {D(b ± k δ s) − D(b)}/φ, until it passes z, where z is the two-sided α quantile of t with
///    n − 1 degrees of freedom, α = P(χ²₁ > q)/4, and δ = z/5. φ is the Pearson dispersion,
///    Σ w (y − p)²/{p(1 − p)(n − 1)}.
/// 4. A cubic spline of the signed root against b ([`CubicSpline`]) is read at three times as many
///    points as the profile has, evenly spaced, and ±√q is looked up in it by linear interpolation.
///
/// *Missing values*: a limit that the profile does not reach (R gives NA), and an input that has no
/// such interval, give `None` and a note.
///
/// *Checked against*: R survey 4.1-1 on the reference cases `ciprop-*-likelihood`, to 1e-9.
pub fn likelihood_as_r(input: &LikelihoodInput<'_>) -> Interval {
    let none = |note| Interval { note: Some(note), ..Interval::default() };
    let LikelihoodInput { y, weights, se, df, level } = *input;
    let total: f64 = weights.iter().sum();
    let scale = weights.len() as f64 / total;
    let rows: Vec<(f64, f64)> =
        y.iter().zip(weights).filter(|(y, _)| !y.is_nan()).map(|(y, w)| (*y, w * scale)).collect();
    if y.len() != weights.len()
        || rows.iter().any(|(y, w)| !((*y == 0.0 || *y == 1.0) && *w >= 0.0))
    {
        return none("the likelihood interval needs values of 0 and 1, and a weight for each");
    }
    if !(se > 0.0 && se.is_finite() && df > 0.0 && level > 0.0 && level < 1.0) {
        return none("the likelihood interval needs a standard error and degrees of freedom");
    }
    let ones: f64 = rows.iter().filter(|r| r.0 == 1.0).map(|r| r.1).sum();
    let zeros: f64 = rows.iter().filter(|r| r.0 == 0.0).map(|r| r.1).sum();
    if !(ones > 0.0 && zeros > 0.0) {
        return none("the likelihood interval does not exist at 0 % and 100 %");
    }
    let deviance = |b: f64| 2.0 * (ones * log1p_exp(-b) + zeros * log1p_exp(b));
    let (b, v) = fit(&rows, deviance);
    let p = expit(b);
    let n = rows.len() as f64;
    // Rows with weight zero have no part in these degrees of freedom, though they have in φ.
    let weighted = rows.iter().filter(|r| r.1 > 0.0).count() as f64;
    let s = se / (p * (1.0 - p));
    let phi = (ones * (1.0 - p).powi(2) + zeros * p * p) / (p * (1.0 - p) * (n - 1.0));
    let q = t_quantile_upper(0.5 * (1.0 - level), df).powi(2) * s * s / v;
    let z = t_quantile_upper(0.125 * chi_squared_sf(q, 1.0), weighted - 1.0);
    let step = 0.2 * z * s;
    let side = |sign: f64| {
        let mut points = Vec::new();
        for k in 1..=10 {
            let at = b + sign * f64::from(k) * step;
            let root = ((deviance(at) - deviance(b)) / phi).max(0.0).sqrt();
            points.push((at, sign * root));
            if root > z {
                break;
            }
        }
        points
    };
    let mut profile = side(-1.0);
    profile.reverse();
    profile.push((b, 0.0));
    profile.extend(side(1.0));
    let (x, roots): (Vec<f64>, Vec<f64>) = profile.into_iter().unzip();
    let Some(spline) = CubicSpline::through(&x, &roots) else {
        return none("the profile of the likelihood has no spline");
    };
    let count = 3 * x.len();
    let (from, to) = (x[0], x[x.len() - 1]);
    let mut curve: Vec<(f64, f64)> = (0..count)
        .map(|i| from + (to - from) * i as f64 / (count - 1) as f64)
        .map(|at| (spline.at(at), at))
        .collect();
    curve.sort_by(|a, b| a.0.total_cmp(&b.0));
    let limit = |root: f64| look_up(&curve, root).map(expit);
    match (limit(-q.sqrt()), limit(q.sqrt())) {
        (Some(lower), Some(upper)) => {
            Interval { lower: Some(lower), upper: Some(upper), note: None }
        }
        (lower, upper) => {
            let note = Some("the profile of the likelihood ends before a limit");
            Interval { lower, upper, note }
        }
    }
}

/// The constant of the logistic model, and its model-based variance at the last but one step.
fn fit(rows: &[(f64, f64)], deviance: impl Fn(f64) -> f64) -> (f64, f64) {
    // The first step starts from a μ for every row.
    let (mut information, mut score, mut before) = (0.0, 0.0, 0.0);
    for &(y, w) in rows {
        let mu = (w * y + 0.5) / (w + 1.0);
        let spread = mu * (1.0 - mu);
        information += w * spread;
        score += w * (spread * (mu / (1.0 - mu)).ln() + y - mu);
        before -= 2.0 * w * if y == 1.0 { mu.ln() } else { (-mu).ln_1p() };
    }
    let ones: f64 = rows.iter().map(|(y, w)| w * y).sum();
    let total: f64 = rows.iter().map(|(_, w)| w).sum();
    let mut b = score / information;
    for _ in 1..25 {
        let now = deviance(b);
        if (now - before).abs() / (now.abs() + 0.1) < 1e-8 {
            break;
        }
        before = now;
        let mu = expit(b);
        information = total * mu * (1.0 - mu);
        b += (ones - total * mu) / information;
    }
    (b, 1.0 / information)
}

/// The abscissa at a height of a curve, given as (height, abscissa) in ascending order.
fn look_up(curve: &[(f64, f64)], height: f64) -> Option<f64> {
    let after = curve.partition_point(|point| point.0 < height);
    let &(high, right) = curve.get(after)?;
    if high == height {
        return Some(right);
    }
    let &(low, left) = curve.get(after.checked_sub(1)?)?;
    Some(left + (right - left) * (height - low) / (high - low))
}

fn expit(s: f64) -> f64 {
    if s >= 0.0 { 1.0 / (1.0 + (-s).exp()) } else { s.exp() / (1.0 + s.exp()) }
}

/// ln(1 + eˢ).
fn log1p_exp(s: f64) -> f64 {
    if s > 0.0 { s + (-s).exp().ln_1p() } else { s.exp().ln_1p() }
}

#[cfg(test)]
#[allow(clippy::excessive_precision)]
mod tests {
    use super::*;

    fn check(input: &LikelihoodInput<'_>, lower: f64, upper: f64) {
        let found = likelihood_as_r(input);
        for (f, w) in [(found.lower.unwrap(), lower), (found.upper.unwrap(), upper)] {
            assert!((f / w - 1.0).abs() < 1e-9, "{f} {w}");
        }
    }

    /// `ell == 0` in `apiclus1` (4 of 183 schools, equal weights), R survey 4.1-1 `svyciprop`.
    #[test]
    fn equal_weights() {
        let y: Vec<f64> = (0..183).map(|i| f64::from(u8::from(i < 4))).collect();
        let weights = vec![33.847; 183];
        let se = 0.022622450861133944;
        let input = LikelihoodInput { y: &y, weights: &weights, se, df: 14.0, level: 0.95 };
        check(&input, 0.00066392118093420408, 0.10777840838159275);
        let normal = LikelihoodInput { df: f64::INFINITY, level: 0.9, ..input };
        check(&normal, 0.0020022006305430023, 0.081150837936854223);
    }

    /// `sch.wide == "Yes"` in `apistrat`, three strata with their own weights, R survey 4.1-1.
    #[test]
    fn unequal_weights() {
        let (mut y, mut weights) = (Vec::new(), Vec::new());
        for (w, no, yes) in [
            (44.209999084472656, 9, 91),
            (15.100000381469727, 24, 26),
            (20.360000610351562, 15, 35),
        ] {
            y.extend([0.0].repeat(no));
            y.extend([1.0].repeat(yes));
            weights.extend([w].repeat(no + yes));
        }
        let se = 0.024344780113074779;
        let input = LikelihoodInput { y: &y, weights: &weights, se, df: 197.0, level: 0.95 };
        check(&input, 0.77641185342849128, 0.87241586605152777);
        let wide = LikelihoodInput { level: 0.99, ..input };
        check(&wide, 0.75863866177580119, 0.88500776715714013);
    }

    #[test]
    fn what_has_no_interval_says_so() {
        let good = LikelihoodInput {
            y: &[0.0, 1.0, 1.0],
            weights: &[1.0, 2.0, 1.0],
            se: 0.1,
            df: 4.0,
            level: 0.95,
        };
        assert!(likelihood_as_r(&good).upper.is_some());
        for bad in [
            LikelihoodInput { y: &[0.0, 2.0, 1.0], ..good },
            LikelihoodInput { y: &[0.0, 1.0], ..good },
            LikelihoodInput { y: &[1.0, 1.0, f64::NAN], ..good },
            LikelihoodInput { y: &[], weights: &[], ..good },
            LikelihoodInput { weights: &[0.0; 3], ..good },
            LikelihoodInput { weights: &[1.0, -1.0, 1.0], ..good },
            LikelihoodInput { se: f64::NAN, ..good },
            LikelihoodInput { se: 0.0, ..good },
            LikelihoodInput { df: 0.0, ..good },
            LikelihoodInput { level: 1.0, ..good },
        ] {
            let found = likelihood_as_r(&bad);
            assert!(found.lower.is_none() && found.upper.is_none() && found.note.is_some());
        }
        // Nothing explodes where the standard error is beyond reason.
        let found = likelihood_as_r(&LikelihoodInput { se: 50.0, ..good });
        assert!([found.lower, found.upper].into_iter().flatten().all(|x| (0.0..=1.0).contains(&x)));
    }
}
