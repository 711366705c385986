//! A number as it was printed.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

/// A number as it was printed, with the unit of its last digit.
///
/// It is read from text, because `0.1120` says more than `0.112`.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// As printed.
    pub text: String,
    /// The number.
    pub value: f64,
    /// One unit of the last printed digit: 0.0001 for `0.1120`, 10⁻¹⁰ for `4.7e-9`.
    pub unit: f64,
    /// Digits after the decimal point.
    pub decimals: usize,
}

/// A text that is no number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a number such as \"0.1120\", \"-12\" or \"4.78e-11\"")]
pub struct PublishedError(pub String);

/// Largest power of ten that is taken in an exponent.
const MOST: i32 = 300;

impl Published {
    /// Reads a printed number: digits with at most one point, perhaps a sign and an exponent.
    ///
    /// # Errors
    /// When the text is anything else (thousands separators, a percent sign, infinity).
    pub fn parse(text: &str) -> Result<Published, PublishedError> {
        let wrong = || PublishedError(text.to_string());
        let (digits, exponent) = match text.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, exponent.parse::<i32>().map_err(|_| wrong())?),
            None => (text, 0),
        };
        let unsigned = digits.strip_prefix(['-', '+']).unwrap_or(digits);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let sensible = !(whole.is_empty() && fraction.is_empty())
            && plain(whole)
            && plain(fraction)
            && exponent.abs() <= MOST
            && fraction.len() <= 30;
        if !sensible {
            return Err(wrong());
        }
        let value: f64 = text.parse().map_err(|_| wrong())?;
        let decimals = fraction.len();
        let unit = 10f64.powi(exponent - decimals as i32);
        Ok(Published { text: text.to_string(), value, unit, decimals })
    }

    /// Ours with two digits more than were printed.
    pub fn format_like(&self, ours: f64) -> String {
        if self.text.contains(['e', 'E']) {
            format!("{ours:.*e}", self.decimals + 2)
        } else {
            format!("{ours:.*}", self.decimals + 2)
        }
    }
}

impl<'de> Deserialize<'de> for Published {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Published, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Published;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the published number as text, such as \"0.1120\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Published, E> {
                Published::parse(text).map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_last_digit() {
        for (text, value, unit) in [
            ("0.1120", 0.112, 1e-4),
            ("1348", 1348.0, 1.0),
            ("-225.7371", -225.7371, 1e-4),
            ("9.826e-12", 9.826e-12, 1e-15),
            ("634.", 634.0, 1.0),
            (".00273", 0.00273, 1e-5),
        ] {
            let found = Published::parse(text).unwrap();
            assert_eq!(found.value, value, "{text}");
            assert!((found.unit / unit - 1.0).abs() < 1e-12, "{text}: {}", found.unit);
        }
    }

    #[test]
    fn refuses_what_is_no_plain_number() {
        for text in ["", "-", ".", "1,348", "12 %", "inf", "NaN", "1e999", "1.2.3", "0x10", "1e"] {
            assert!(Published::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn formats_ours_alike() {
        assert_eq!(Published::parse("0.112").unwrap().format_like(0.1123456), "0.11235");
        assert_eq!(Published::parse("9.8e-12").unwrap().format_like(9.826e-12), "9.826e-12");
    }
}
