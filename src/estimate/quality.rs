//! Quality flags under published presentation standards.

use serde::Serialize;

use super::interval::{
    IntervalInput, IntervalMethod, interval, is_boundary, proportion_effective_size,
};
use super::result::Statistic;

/// A published standard that says when an estimate may be shown.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum QualityStandard {
    /// NCHS Data Presentation Standards for Proportions (Vital and Health Statistics 2(175),
    /// 2017) for proportions and for Rates and Counts (2(200), 2023) otherwise.
    Nchs,
}

/// What to do with an estimate, from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Decision {
    /// Show it.
    Show,
    /// Show it, with a footnote.
    Footnote,
    /// A statistician should look at it before it is shown.
    Review,
    /// Do not show it.
    Suppress,
}

/// A flag and the rules that led to it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Quality {
    /// What to do.
    pub decision: Decision,
    /// The rules that fired, in words with their numbers; empty when the estimate passes.
    pub rules: Vec<String>,
}

/// The quality of an estimate under a standard.
///
/// For a proportion [`nchs_proportion`]; for any other statistic [`nchs_rate`] with the 95 % t
/// interval. Beyond the standard: an estimate other than zero with a standard error of zero (the
/// weighting fixes it, or all answers are the same) means review. The level of the input is not used: the standards are written for 95 %.
pub fn assess(standard: QualityStandard, statistic: Statistic, input: &IntervalInput) -> Quality {
    let QualityStandard::Nchs = standard;
    if statistic == Statistic::Proportion {
        return nchs_proportion(input);
    }
    let limits = interval(IntervalMethod::T, &IntervalInput { level: 0.95, ..*input });
    let df = if input.certain { None } else { Some(input.df.unwrap_or(0.0)) };
    if !input.certain && input.n >= 10 && df > Some(0.0) && is_fixed(input) {
        let rules = vec!["the standard error is zero".to_string()];
        return Quality { decision: Decision::Review, rules };
    }
    nchs_rate(input.n, input.estimate, limits.lower, limits.upper, df)
}

/// True for an estimate other than zero with a standard error of zero.
fn is_fixed(input: &IntervalInput) -> bool {
    input.estimate != 0.0 && input.se.is_some_and(|se| se <= 1e-13 * input.estimate.abs())
}

/// The NCHS standard for proportions: Parker et al. 2017, *Vital and Health Statistics* 2(175).
///
/// In the standard's order, with the 95 % Korn–Graubard interval of width w around p and
/// n_e = p(1 − p)/SE² (n for p = 0 or 1), not adjusted for degrees of freedom:
///
/// 1. n < 30 or n_e < 30: suppress (and stop).
/// 2. w ≥ 0.30: suppress. w ≤ 0.05: go on. Between: w/p > 1.30: suppress.
/// 3. Fewer than 8 degrees of freedom, or p = 0 or 1: review.
/// 4. 0.05 < w and w/(1 − p) > 1.30: footnote, the complement may be unreliable.
///
/// At p = 0 there is no relative width, and rule 2 does not ask for one. Widths are not rounded
/// before they are compared. Beyond the standard: no interval means suppress, and a standard error
/// of zero for 0 < p < 1 means review, unless the population was observed in full.
pub fn nchs_proportion(input: &IntervalInput) -> Quality {
    let mut verdict = Verdict::default();
    let p = input.estimate;
    let n = input.n as f64;
    if input.n < 30 {
        verdict.add(Decision::Suppress, format!("sample size {} is below 30", input.n));
    }
    // At 0 and 1, and where the variance is zero, n_e is n, for which the line above speaks.
    let n_eff = if input.certain { None } else { proportion_effective_size(p, input.se) };
    if let Some(n_eff) = n_eff.filter(|n_eff| n_eff.min(n) < 30.0 && *n_eff < n) {
        let shown = round_down(n_eff, 10.0);
        verdict.add(Decision::Suppress, format!("effective sample size {shown:.1} is below 30"));
    }
    if verdict.suppressed() {
        return verdict.into();
    }
    let kg = interval(IntervalMethod::KornGraubard, &IntervalInput { level: 0.95, ..*input });
    let (Some(lower), Some(upper)) = (kg.lower, kg.upper) else {
        let why = kg.note.unwrap_or("it cannot be computed");
        verdict.add(Decision::Suppress, format!("there is no 95 % confidence interval: {why}"));
        return verdict.into();
    };
    let width = upper - lower;
    let relative = |base: f64| if base > 0.0 { width / base } else { 0.0 };
    if width >= 0.30 {
        let shown = round_down(width, 1000.0);
        verdict.add(
            Decision::Suppress,
            format!("confidence interval width {shown:.3} is 0.30 or more"),
        );
    } else if width > 0.05 && !is_zero(p) && relative(p) > 1.30 {
        verdict.add(
            Decision::Suppress,
            format!(
                "relative confidence interval width {:.1} % is above 130 %",
                round_up(100.0 * relative(p), 10.0)
            ),
        );
    }
    if verdict.suppressed() {
        return verdict.into();
    }
    if !input.certain {
        verdict.add_df(input.df.unwrap_or(0.0));
    }
    if is_boundary(p) {
        let percent = if is_zero(p) { 0 } else { 100 };
        verdict.add(Decision::Review, format!("the estimate is {percent} %"));
    } else if !input.certain && n_eff.is_none() {
        verdict.add(Decision::Review, "the standard error is zero".to_string());
    }
    if width > 0.05 && !is_zero(1.0 - p) && relative(1.0 - p) > 1.30 {
        verdict.add(
            Decision::Footnote,
            format!(
                "the complement may be unreliable: its relative confidence interval width {:.1} % \
                 is above 130 %",
                round_up(100.0 * relative(1.0 - p), 10.0)
            ),
        );
    }
    verdict.into()
}

/// The NCHS standard for rates and counts, *Vital and Health Statistics* 2(200), 2023, Table A, as
/// used here for totals, means and ratios.
///
/// 1. n < 10: suppress.
/// 2. No 95 % interval, or its width ÷ |estimate| > 1.60: suppress.
/// 3. Fewer than 8 degrees of freedom: review.
///
/// `lower` and `upper` are the limits of a 95 % interval. `df` `None` says that degrees of freedom
/// play no part (no sampling error); pass 0 when there are none left.
pub fn nchs_rate(
    n: u64,
    estimate: f64,
    lower: Option<f64>,
    upper: Option<f64>,
    df: Option<f64>,
) -> Quality {
    let mut verdict = Verdict::default();
    if n < 10 {
        verdict.add(Decision::Suppress, format!("sample size {n} is below 10"));
        return verdict.into();
    }
    match (lower, upper) {
        (Some(lower), Some(upper)) => {
            let relative = (upper - lower) / estimate.abs();
            // NaN (0/0) and ∞ fail as well.
            let passes = upper == lower || relative <= 1.60;
            if !passes {
                let shown = if relative.is_finite() {
                    format!("{:.1} %", round_up(100.0 * relative, 10.0))
                } else {
                    "of an estimate of zero".to_string()
                };
                verdict.add(
                    Decision::Suppress,
                    format!("relative confidence interval width {shown} is above 160 %"),
                );
            }
        }
        _ => verdict.add(Decision::Suppress, "there is no 95 % confidence interval".to_string()),
    }
    if let (false, Some(df)) = (verdict.suppressed(), df) {
        verdict.add_df(df);
    }
    verdict.into()
}

/// The rules that fired so far.
#[derive(Default)]
struct Verdict {
    rules: Vec<(Decision, String)>,
}

impl Verdict {
    fn add(&mut self, decision: Decision, rule: String) {
        self.rules.push((decision, rule));
    }

    fn add_df(&mut self, df: f64) {
        if df.is_nan() || df < 8.0 {
            // 7.96 must not read "8.0 degrees of freedom are below 8".
            let shown = round_down(df, 10.0);
            let verb = if shown == 1.0 { "degree of freedom is" } else { "degrees of freedom are" };
            self.add(Decision::Review, format!("{shown} {verb} below 8"));
        }
    }

    fn suppressed(&self) -> bool {
        self.rules.iter().any(|(decision, _)| *decision == Decision::Suppress)
    }
}

impl From<Verdict> for Quality {
    fn from(verdict: Verdict) -> Quality {
        Quality {
            decision: verdict.rules.iter().map(|r| r.0).max().unwrap_or(Decision::Show),
            rules: verdict.rules.into_iter().map(|r| r.1).collect(),
        }
    }
}

/// Rounded so that a number below a threshold never reads as one that meets it.
fn round_down(x: f64, unit: f64) -> f64 {
    (x * unit).floor() / unit
}

fn round_up(x: f64, unit: f64) -> f64 {
    (x * unit).ceil() / unit
}

fn is_zero(p: f64) -> bool {
    is_boundary(p) && p < 0.5
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(p: f64, se: f64, n: u64, df: f64) -> IntervalInput {
        IntervalInput { estimate: p, se: Some(se), n, df: Some(df), level: 0.9, certain: false }
    }

    fn check(input: IntervalInput, decision: Decision, rules: &[&str]) {
        let found = nchs_proportion(&input);
        assert_eq!(
            (found.decision, found.rules.as_slice()),
            (decision, to_owned(rules).as_slice())
        );
    }

    fn to_owned(rules: &[&str]) -> Vec<String> {
        rules.iter().map(|r| r.to_string()).collect()
    }

    #[test]
    fn sample_sizes_come_first() {
        // n_e = 0.21/0.0784 = 2.678…; n_e = 0.21/0.0064 = 32.8 is capped at n = 29.
        check(
            input(0.3, 0.28, 20, 3.0),
            Decision::Suppress,
            &["sample size 20 is below 30", "effective sample size 2.6 is below 30"],
        );
        check(input(0.3, 0.08, 29, 12.0), Decision::Suppress, &["sample size 29 is below 30"]);
        // n_e = 0.21/0.0971² = 22.27…
        check(
            input(0.3, 0.0971, 120, 20.0),
            Decision::Suppress,
            &["effective sample size 22.2 is below 30"],
        );
        // n_e = 0.25/0.0913² = 29.991…, never shown as 30.0.
        check(
            input(0.5, 0.0913, 500, 40.0),
            Decision::Suppress,
            &["effective sample size 29.9 is below 30"],
        );
        // 0 of 29.
        check(input(0.0, 0.0, 29, 12.0), Decision::Suppress, &["sample size 29 is below 30"]);
    }

    /// Widths from `qt` and `qbeta` in R.
    #[test]
    fn interval_widths() {
        // Width 0.0443 ≤ 0.05.
        check(input(0.5, 0.01, 2000, 30.0), Decision::Show, &[]);
        // Width 0.36315.
        check(
            input(0.5, 0.085, 60, 20.0),
            Decision::Suppress,
            &["confidence interval width 0.363 is 0.30 or more"],
        );
        // Width 0.06175, relative 3.08755.
        check(
            input(0.02, 0.0125, 200, 30.0),
            Decision::Suppress,
            &["relative confidence interval width 308.8 % is above 130 %"],
        );
        // Width 0.26175, relative 1.30876.
        check(
            input(0.2, 0.06, 50, 20.0),
            Decision::Suppress,
            &["relative confidence interval width 130.9 % is above 130 %"],
        );
        // Width 0.20944, relative 0.41888 either way.
        check(input(0.5, 0.05, 100, 30.0), Decision::Show, &[]);
    }

    #[test]
    fn review_and_footnote() {
        // Width 0.24543, relative 0.818, complement 0.351; df 7.
        check(input(0.3, 0.05, 100, 7.0), Decision::Review, &["7 degrees of freedom are below 8"]);
        check(
            input(0.3, 0.05, 100, 7.96),
            Decision::Review,
            &["7.9 degrees of freedom are below 8"],
        );
        check(input(0.3, 0.05, 100, 8.0), Decision::Show, &[]);
        // Width 0.09426: relative 0.098, complement 2.35648.
        let complement = "the complement may be unreliable: its relative confidence interval width \
                          235.7 % is above 130 %";
        check(input(0.96, 0.02, 300, 30.0), Decision::Footnote, &[complement]);
        // Width 0.11631, complement 2.90774; df 6.
        let complement = complement.replace("235.7", "290.8");
        check(
            input(0.96, 0.02, 300, 6.0),
            Decision::Review,
            &["6 degrees of freedom are below 8", complement.as_str()],
        );
    }

    #[test]
    fn zero_and_one() {
        // Clopper–Pearson 0 of 40: width 0.0881; no relative width at 0.
        check(input(0.0, 0.0, 40, 12.0), Decision::Review, &["the estimate is 0 %"]);
        check(
            input(1.0, 0.0, 40, 1.0),
            Decision::Review,
            &["1 degree of freedom is below 8", "the estimate is 100 %"],
        );
    }

    #[test]
    fn no_interval_and_no_variance() {
        let no_df = IntervalInput { df: None, ..input(0.3, 0.05, 100, 0.0) };
        let why = "there is no 95 % confidence interval: there are no degrees of freedom left to \
                   judge the variance by";
        check(no_df, Decision::Suppress, &[why]);
        // Clopper–Pearson 30 of 100: width below 0.19.
        check(input(0.3, 0.0, 100, 20.0), Decision::Review, &["the standard error is zero"]);
        let census = IntervalInput { certain: true, df: None, ..input(0.3, 0.0, 100, 0.0) };
        check(census, Decision::Show, &[]);
        let empty = IntervalInput { n: 0, se: None, ..input(f64::NAN, 0.0, 0, 0.0) };
        check(empty, Decision::Suppress, &["sample size 0 is below 30"]);
    }

    #[test]
    fn rates_means_and_totals() {
        let check = |found: Quality, decision, rules: &[&str]| {
            assert_eq!((found.decision, found.rules), (decision, to_owned(rules)));
        };
        let rate = |n, x, l, u, df| nchs_rate(n, x, Some(l), Some(u), Some(df));
        check(rate(10, 100.0, 20.0, 180.0, 8.0), Decision::Show, &[]);
        check(
            rate(9, 100.0, 90.0, 110.0, 20.0),
            Decision::Suppress,
            &["sample size 9 is below 10"],
        );
        check(
            rate(10, 100.0, 19.0, 181.0, 4.0),
            Decision::Suppress,
            &["relative confidence interval width 162.0 % is above 160 %"],
        );
        check(
            rate(10, -100.0, -110.0, -90.0, 4.0),
            Decision::Review,
            &["4 degrees of freedom are below 8"],
        );
        check(
            rate(10, 0.0, -1.0, 1.0, 20.0),
            Decision::Suppress,
            &["relative confidence interval width of an estimate of zero is above 160 %"],
        );
        check(
            nchs_rate(10, 5.0, None, None, Some(0.0)),
            Decision::Suppress,
            &["there is no 95 % confidence interval"],
        );
        // Through the front door: t_14 = 2.144787, width 2·2.144787·0.38 = 1.630 and
        // 2·2.144787·0.37 = 1.587 of the estimate.
        let mean = |se| assess(QualityStandard::Nchs, Statistic::Mean, &input(1.0, se, 50, 14.0));
        check(
            mean(0.38),
            Decision::Suppress,
            &["relative confidence interval width 163.1 % is above 160 %"],
        );
        check(mean(0.37), Decision::Show, &[]);
        let census = IntervalInput { certain: true, df: None, ..input(5.0, 0.0, 12, 0.0) };
        check(assess(QualityStandard::Nchs, Statistic::Total, &census), Decision::Show, &[]);
        let proportion =
            assess(QualityStandard::Nchs, Statistic::Proportion, &input(0.5, 0.05, 100, 30.0));
        check(proportion, Decision::Show, &[]);
    }
}
