//! What counts as a number in text: one rule for files, labels and recodes.

/// Largest whole number that `f64` counts up to without gaps, 2⁵³.
pub(crate) const EXACT: i64 = 1 << 53;

/// A field that is a plain number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Plain {
    /// Written without point and exponent, within ±2⁵³.
    Whole(i64),
    /// Any other, finite.
    Real(f64),
}

/// Reads a plain number: sign, digits, at most one point, an exponent; spaces around it do not
/// count.
///
/// Not numbers: leading zeros (`007` is an identifier), thousands separators, `Inf`, `NaN`,
/// anything too large for `f64`, and whole numbers beyond ±2⁵³ (two different identifiers would
/// become one number).
pub(crate) fn plain(field: &[u8]) -> Option<Plain> {
    let field = field.trim_ascii();
    let (negative, rest) = match field.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, field),
    };
    if rest.len() > 1 && rest[0] == b'0' && rest[1].is_ascii_digit() {
        return None;
    }
    let (mut mantissa, mut digits, mut decimals, mut point) = (0_u64, 0_usize, 0_usize, false);
    for &byte in rest {
        match byte {
            b'0'..=b'9' => {
                digits += 1;
                decimals += usize::from(point);
                if digits <= 18 {
                    mantissa = mantissa * 10 + u64::from(byte - b'0');
                }
            }
            b'.' if !point => point = true,
            b'e' | b'E' if digits > 0 => return real(field),
            _ => return None,
        }
    }
    if digits == 0 {
        return None;
    }
    if !point {
        let whole = i64::try_from(mantissa).ok().filter(|&m| digits <= 18 && m <= EXACT)?;
        return Some(Plain::Whole(if negative { -whole } else { whole }));
    }
    // Both the digits and the power of ten are exact, so one division rounds correctly.
    if digits <= 15 && decimals < POWERS.len() {
        let x = mantissa as f64 / POWERS[decimals];
        return Some(Plain::Real(if negative { -x } else { x }));
    }
    real(field)
}

/// The value of a number written by a person in a study file: as [`plain`], but leading zeros
/// are allowed. `None` if it is not a finite number.
pub(crate) fn value_of(text: &str) -> Option<f64> {
    let text = text.trim();
    let numeric = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E');
    if !text.chars().all(numeric) {
        return None;
    }
    text.parse().ok().filter(|x: &f64| x.is_finite())
}

/// A number written out so that it reads back as the same number: whole numbers without a
/// point, very large and very small ones with an exponent.
pub(crate) fn written(x: f64) -> String {
    if x == 0.0 {
        "0".into()
    } else if x.fract() == 0.0 && x.abs() < 1e15 {
        format!("{x:.0}")
    } else {
        format!("{x:?}")
    }
}

const POWERS: [f64; 16] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// The slow way, for exponents and long fractions.
fn real(field: &[u8]) -> Option<Plain> {
    let x: f64 = std::str::from_utf8(field).ok()?.parse().ok()?;
    x.is_finite().then_some(Plain::Real(x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_numbers_and_nothing_else() {
        let number = |s: &str| match plain(s.as_bytes()) {
            Some(Plain::Whole(x)) => Some(x as f64),
            Some(Plain::Real(x)) => Some(x),
            None => None,
        };
        for (text, value) in [
            ("0", 0.0),
            ("-3.2", -3.2),
            ("+1", 1.0),
            ("1e5", 1e5),
            ("1E-5", 1e-5),
            (" 12 ", 12.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("0.1", 0.1),
            ("0", 0.0),
            ("9007199254740992", 9_007_199_254_740_992.0),
            ("123456789.12345678000", 123_456_789.123_456_78),
            ("0.000000000000000000001", 1e-21),
        ] {
            assert_eq!(number(text), Some(value), "{text}");
        }
        for text in [
            "",
            " ",
            "007",
            "00",
            "-01",
            "1,000",
            "1 000",
            "Inf",
            "-inf",
            "NaN",
            "nan",
            "1e999",
            "0x10",
            "1_000",
            ".",
            "-",
            "+",
            "e5",
            ".e5",
            "1e",
            "1.2.3",
            "--1",
            "12a",
            "½",
            "9007199254740993",
            "123456789012345678901234567890",
        ] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn written_numbers_read_back() {
        for x in [0.0, 1.0, -9.0, 0.1, 1e15, 1e21, 1.5e-7, f64::MAX, 123_456_789.25] {
            assert_eq!(written(x).parse::<f64>(), Ok(x));
            assert!(plain(written(x).as_bytes()).is_some(), "{x}");
        }
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_the_standard_library(x in proptest::num::f64::NORMAL, places in 0..12_usize) {
            for text in [format!("{x:?}"), format!("{:.places$}", x % 1e9)] {
                let ours = match plain(text.as_bytes()) {
                    Some(Plain::Whole(x)) => x as f64,
                    Some(Plain::Real(x)) => x,
                    None => f64::NAN,
                };
                proptest::prop_assert_eq!(ours, text.parse::<f64>().unwrap());
            }
        }
    }
}
