//! Numbers and amounts of money in words.

use crate::numeric::grouped;

/// A number with its thousands set apart, with two decimals at most.
pub(super) fn figure(number: f64) -> String {
    let text = format!("{:.2}", number.abs());
    let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
    let decimals = decimals.trim_end_matches('0');
    let dot = if decimals.is_empty() { "" } else { "." };
    let sign = if number < 0.0 { "-" } else { "" };
    format!("{sign}{}{dot}{decimals}", grouped(whole))
}

/// A number of things: "1 area", "1,200 areas".
pub(super) fn several(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{} {many}", figure(number as f64)) }
}

/// An amount of money in words.
pub(crate) fn money(currency: Option<&str>, amount: f64) -> String {
    let whole =
        if amount.abs() >= 100.0 { format!("{}", amount.round()) } else { format!("{amount:.2}") };
    let (digits, rest) = whole.split_once('.').map_or((whole.as_str(), ""), |(d, r)| (d, r));
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |d| ("-", d));
    let grouped = grouped(digits);
    let dot = if rest.is_empty() { String::new() } else { format!(".{rest}") };
    match currency {
        None | Some("") => format!("{sign}{grouped}{dot}"),
        Some(c) if c.chars().count() == 1 => format!("{c}{sign}{grouped}{dot}"),
        Some(c) => format!("{sign}{grouped}{dot} {c}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(figure(12_345.0), "12,345");
        assert_eq!(figure(999.5), "999.5");
        assert_eq!(figure(-1000.254), "-1,000.25");
        assert_eq!(figure(0.0), "0");
        assert_eq!(several(1, "area", "areas"), "1 area");
        assert_eq!(several(2400, "area", "areas"), "2,400 areas");
        assert_eq!(money(Some("£"), 1_234_567.4), "£1,234,567");
        assert_eq!(money(Some("EUR"), 12.5), "12.50 EUR");
    }
}
