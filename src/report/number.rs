//! Numbers as people read them: thousands separators, sensible decimals, a true minus sign.

use crate::compare::{ComparisonTable, Measure};
use crate::estimate::{EstimateTable, Statistic};
use crate::numeric::grouped;

/// Shown where a number cannot be had.
pub(super) const NOT_AVAILABLE: &str = "n/a";

/// How the figures of one outcome are written: one unit and one number of decimals for all its
/// domains, so that a column of them can be compared by eye.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Figures {
    /// The unit.
    pub unit: Unit,
    /// Decimals of estimates and limits.
    pub decimals: usize,
}

/// The unit of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// A proportion, written as a percentage.
    Percent,
    /// A difference of proportions, written in percentage points.
    Points,
    /// A number in the unit of the variable.
    Plain,
}

impl Figures {
    /// The figures of each outcome of a table.
    pub(super) fn of_table(table: &EstimateTable) -> Vec<Figures> {
        if table.statistic == Statistic::Proportion {
            return vec![Figures::percent(Unit::Percent); table.outcomes.len()];
        }
        let mut figures = vec![Vec::new(); table.outcomes.len()];
        for row in &table.rows {
            if let Some(of_outcome) = figures.get_mut(row.outcome) {
                of_outcome.push((row.estimate, row.se));
            }
        }
        figures.into_iter().map(|f| Figures::plain(f.into_iter())).collect()
    }

    /// The figures of a table of comparisons; `compared` is the table of estimates behind it.
    pub(super) fn of_comparison(
        table: &ComparisonTable,
        compared: Option<&EstimateTable>,
    ) -> Figures {
        let proportion = compared.is_some_and(|t| t.statistic == Statistic::Proportion);
        match table.measure {
            Measure::Difference if proportion => Figures::percent(Unit::Points),
            _ => Figures::plain(table.rows.iter().map(|row| (row.estimate, row.se))),
        }
    }

    fn percent(unit: Unit) -> Figures {
        Figures { unit, decimals: 1 }
    }

    /// Decimals that show the median standard error to three significant digits; without one,
    /// the median estimate. Where errors are minute (a total that the weighting fixes), estimates
    /// have no more than nine significant digits.
    fn plain(figures: impl Iterator<Item = (Option<f64>, Option<f64>)>) -> Figures {
        let usable = |x: Option<f64>| x.map(f64::abs).filter(|x| x.is_finite() && *x > 0.0);
        let (estimates, errors): (Vec<_>, Vec<_>) =
            figures.map(|(e, s)| (usable(e), usable(s))).unzip();
        let (error, estimate) = (median(errors), median(estimates));
        let typical = error.or(estimate).unwrap_or(1.0);
        let most = estimate.map_or(12, |x| decimals_for(x, 9));
        Figures { unit: Unit::Plain, decimals: decimals_for(typical, 3).min(most) }
    }

    /// What values are multiplied by before they are written or drawn.
    pub(super) fn factor(self) -> f64 {
        match self.unit {
            Unit::Percent | Unit::Points => 100.0,
            Unit::Plain => 1.0,
        }
    }

    /// An estimate, without its unit. A percentage between 0 and 0.05 is "<0.1", never "0.0".
    pub(super) fn value(self, x: Option<f64>) -> String {
        let Some(x) = x.filter(|x| x.is_finite()) else { return NOT_AVAILABLE.to_string() };
        if self.unit == Unit::Percent {
            if x > 0.0 && x < 0.0005 {
                return "<0.1".to_string();
            }
            if x < 1.0 && x > 0.9995 {
                return ">99.9".to_string();
            }
        }
        fixed(x * self.factor(), self.decimals)
    }

    /// A standard error, without its unit; percentages get one decimal more.
    pub(super) fn error(self, x: Option<f64>) -> String {
        let more = usize::from(self.unit != Unit::Plain);
        x.map_or_else(
            || NOT_AVAILABLE.to_string(),
            |x| fixed(x * self.factor(), self.decimals + more),
        )
    }

    /// An interval, without its unit: "12.1 to 15.3".
    pub(super) fn interval(self, lower: Option<f64>, upper: Option<f64>) -> String {
        match (lower, upper) {
            (Some(lower), Some(upper)) if lower.is_finite() && upper.is_finite() => format!(
                "{} to {}",
                fixed(lower * self.factor(), self.decimals),
                fixed(upper * self.factor(), self.decimals)
            ),
            _ => NOT_AVAILABLE.to_string(),
        }
    }

    /// What follows an estimate in running text: "%", " percentage points" or nothing.
    pub(super) fn suffix(self) -> &'static str {
        match self.unit {
            Unit::Percent => "%",
            Unit::Points => " percentage points",
            Unit::Plain => "",
        }
    }

    /// What is added to a column heading: " (%)", " (pp)" or nothing.
    pub(super) fn heading(self) -> &'static str {
        match self.unit {
            Unit::Percent => " (%)",
            Unit::Points => " (pp)",
            Unit::Plain => "",
        }
    }
}

/// A number with a fixed number of decimals and thousands separators: "−1,234.50"; such as
/// "4.82 × 10²⁰⁰" where it would have more digits than anybody can count.
pub(super) fn fixed(x: f64, decimals: usize) -> String {
    if !x.is_finite() {
        return NOT_AVAILABLE.to_string();
    }
    if x.abs() >= 1e18 {
        return power_of_ten(x, 3);
    }
    let text = format!("{:.*}", decimals, x.abs());
    if decimals >= 9 && x != 0.0 && !text.bytes().any(|b| (b'1'..=b'9').contains(&b)) {
        return power_of_ten(x, 3);
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut out = String::with_capacity(text.len() + text.len() / 3 + 4);
    if x < 0.0 && text.bytes().any(|b| (b'1'..=b'9').contains(&b)) {
        out.push('−');
    }
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// A count with thousands separators.
pub(crate) fn count(n: u64) -> String {
    grouped(&n.to_string())
}

/// A number to so many significant digits, without an exponent; whole digits are never cut.
pub(super) fn significant(x: f64, digits: i32) -> String {
    fixed(x, if x == 0.0 { 0 } else { decimals_for(x.abs(), digits) })
}

/// A weighted total: whole from 1,000 up, else to four significant digits.
pub(super) fn amount(x: f64) -> String {
    if x.abs() >= 1000.0 { fixed(x, 0) } else { significant(x, 4) }
}

/// An effective sample size: one decimal below 100, where a rule may turn on it.
pub(super) fn effective(x: Option<f64>) -> String {
    x.map_or_else(|| NOT_AVAILABLE.to_string(), |x| fixed(x, usize::from(x < 100.0)))
}

/// Degrees of freedom: whole, or with one decimal; "∞" for the normal distribution.
pub(super) fn degrees(df: Option<f64>) -> String {
    match df {
        Some(df) if df == f64::INFINITY => "∞".to_string(),
        Some(df) if df.is_finite() => fixed(df, usize::from((df - df.round()).abs() > 1e-9)),
        _ => NOT_AVAILABLE.to_string(),
    }
}

/// A ratio such as a design effect, with two decimals.
pub(super) fn ratio(x: Option<f64>) -> String {
    x.map_or_else(|| NOT_AVAILABLE.to_string(), |x| fixed(x, 2))
}

/// A p-value: three decimals, or "<0.001".
pub(super) fn p_value(p: Option<f64>) -> String {
    match p {
        Some(p) if (0.0..0.0005).contains(&p) => "<0.001".to_string(),
        Some(p) => fixed(p, 3),
        None => NOT_AVAILABLE.to_string(),
    }
}

/// By how much a total misses its target, in per cent with a sign: "+12.3%". Anything that
/// would round to zero is "0.0%"; a target of zero cannot be missed in relative terms.
pub(super) fn relative(value: f64, target: f64) -> String {
    let misfit = misfit(value, target);
    if !misfit.is_finite() {
        return NOT_AVAILABLE.to_string();
    }
    let text = fixed(misfit * 100.0, 1);
    let sign = if misfit > 0.0 && text != "0.0" { "+" } else { "" };
    format!("{sign}{text}%")
}

/// (value − target) ÷ target; 0 when both are zero.
pub(super) fn misfit(value: f64, target: f64) -> f64 {
    if value == target { 0.0 } else { (value - target) / target }
}

/// Such as "2 × 10⁻¹¹"; ordinary notation from 0.001 up.
pub(super) fn scientific(x: f64) -> String {
    if !x.is_finite() {
        return NOT_AVAILABLE.to_string();
    }
    if x == 0.0 || x.abs() >= 0.001 {
        return significant(x, 2);
    }
    power_of_ten(x, 1)
}

/// Such as "4.82 × 10²⁰⁰", with so many significant digits.
fn power_of_ten(x: f64, significant: usize) -> String {
    let text = format!("{x:.*e}", significant.saturating_sub(1));
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let raised: String = exponent
        .chars()
        .map(|c| match c {
            '-' => '⁻',
            '0' => '⁰',
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            '4' => '⁴',
            '5' => '⁵',
            '6' => '⁶',
            '7' => '⁷',
            '8' => '⁸',
            _ => '⁹',
        })
        .collect();
    format!("{} × 10{raised}", digits.replace('-', "−"))
}

/// Decimals that show a positive number to so many significant digits (0 to 12).
fn decimals_for(x: f64, digits: i32) -> usize {
    if !(x.is_finite() && x > 0.0) {
        return 0;
    }
    let magnitude = (x.log10() + 1e-12).floor();
    (f64::from(digits - 1) - magnitude).clamp(0.0, 12.0) as usize
}

fn median(values: Vec<Option<f64>>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().flatten().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_signs_and_zeros() {
        assert_eq!(fixed(1234567.0, 0), "1,234,567");
        assert_eq!(fixed(999.95, 1), "1,000.0");
        assert_eq!(fixed(-1234.5, 2), "−1,234.50");
        assert_eq!(fixed(-0.04, 1), "0.0");
        assert_eq!(fixed(f64::NAN, 1), "n/a");
        assert_eq!(fixed(f64::INFINITY, 1), "n/a");
        assert_eq!(fixed(-4.8175e200, 2), "−4.82 × 10²⁰⁰");
        assert_eq!(fixed(123e15, 0), "123,000,000,000,000,000");
        assert_eq!(fixed(3e-40, 12), "3.00 × 10⁻⁴⁰");
        assert_eq!(fixed(0.0, 12), "0.000000000000");
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn minute_errors_do_not_ask_for_decimals() {
        let row = |e: f64, s: f64| (Some(e), Some(s));
        assert_eq!(Figures::plain([row(413590.0, 1e-11)].into_iter()).decimals, 3);
        assert_eq!(Figures::plain([row(45.1, 2.98)].into_iter()).decimals, 2);
        assert_eq!(Figures::plain([row(0.0001, 0.00002)].into_iter()).decimals, 7);
    }

    #[test]
    fn percentages_never_round_to_none_or_all() {
        let f = Figures::percent(Unit::Percent);
        assert_eq!(f.value(Some(0.12345)), "12.3");
        assert_eq!(f.value(Some(0.0002)), "<0.1");
        assert_eq!(f.value(Some(0.0)), "0.0");
        assert_eq!(f.value(Some(0.9999)), ">99.9");
        assert_eq!(f.value(Some(1.0)), "100.0");
        assert_eq!(f.value(None), "n/a");
        assert_eq!(f.error(Some(0.00123)), "0.12");
        assert_eq!(f.interval(Some(0.1), Some(0.2)), "10.0 to 20.0");
        assert_eq!(f.interval(Some(0.1), None), "n/a");
        let points = Figures::percent(Unit::Points);
        assert_eq!(points.interval(Some(-0.0512), Some(0.03)), "−5.1 to 3.0");
    }

    #[test]
    fn plain_figures_show_the_standard_error_to_three_digits() {
        let of = |se: f64| Figures::plain([(Some(644.1739), Some(se))].into_iter());
        assert_eq!(of(23.542).value(Some(644.1739)), "644.2");
        assert_eq!(of(23.542).error(Some(23.542)), "23.5");
        assert_eq!(of(0.0213).value(Some(7.41203)), "7.4120");
        assert_eq!(of(12345.0).value(Some(644_173.9)), "644,174");
        // The median error rules, not the largest or the smallest.
        let three = [(Some(1.0), Some(0.01)), (Some(1.0), Some(0.2)), (Some(1.0), Some(90.0))];
        assert_eq!(Figures::plain(three.into_iter()).decimals, 3);
        assert_eq!(Figures::plain([(None, None)].into_iter()).decimals, 2);
        assert_eq!(Figures::plain([(Some(0.0), Some(f64::NAN))].into_iter()).decimals, 2);
    }

    #[test]
    fn other_numbers() {
        assert_eq!(degrees(Some(663.0)), "663");
        assert_eq!(degrees(Some(12.34)), "12.3");
        assert_eq!(degrees(Some(f64::INFINITY)), "∞");
        assert_eq!(degrees(Some(f64::NAN)), "n/a");
        assert_eq!(effective(Some(29.71)), "29.7");
        assert_eq!(effective(Some(2971.4)), "2,971");
        assert_eq!(p_value(Some(0.0)), "<0.001");
        assert_eq!(p_value(Some(0.0005)), "0.001");
        assert_eq!(p_value(Some(0.04987)), "0.050");
        assert_eq!(significant(0.51234, 3), "0.512");
        assert_eq!(significant(1234.5, 3), "1,234");
        assert_eq!(significant(0.0, 3), "0");
        assert_eq!(amount(46_231_942.4), "46,231,942");
        assert_eq!(amount(11.8724), "11.87");
        assert_eq!(relative(112.3, 100.0), "+12.3%");
        assert_eq!(relative(87.7, 100.0), "−12.3%");
        assert_eq!(relative(100.0 + 1e-9, 100.0), "0.0%");
        assert_eq!(relative(0.0, 0.0), "0.0%");
        assert_eq!(relative(5.0, 0.0), "n/a");
        assert_eq!(scientific(2.13e-11), "2 × 10⁻¹¹");
        assert_eq!(scientific(0.0123), "0.012");
        assert_eq!(scientific(0.0), "0");
    }
}
