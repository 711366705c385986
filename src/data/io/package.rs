//! What the files of statistical packages have in common: labelled variables, codes that mean
//! "missing", dates counted from some day.

use std::collections::HashSet;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use crate::data::Calendar;
use crate::data::codes::Factor;
use crate::data::column::{Column, MissingCode, Numbers, Values};
use crate::data::labels::{Labels, Scalar, apply};

use super::code_page::CodePage;

/// A date or time as a package counts it, and the way to our count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clock {
    /// Seconds since 1582-10-14, of which the day counts (SPSS).
    SpssDate,
    /// Seconds since 1582-10-14 (SPSS).
    SpssDateTime,
    /// Days since 1960-01-01 (Stata, SAS).
    Days1960,
    /// Milliseconds since 1960-01-01 (Stata).
    Milliseconds1960,
    /// Seconds since 1960-01-01 (SAS).
    Seconds1960,
    /// Seconds since midnight.
    Seconds,
}

/// Seconds of a day.
const DAY: f64 = 86_400.0;
/// Days from 1582-10-14 to 1970-01-01.
const FROM_1582: f64 = 141_428.0;
/// Days from 1960-01-01 to 1970-01-01.
const FROM_1960: f64 = 3_653.0;

impl Clock {
    /// What our numbers count.
    pub fn calendar(self) -> Calendar {
        match self {
            Clock::SpssDate | Clock::Days1960 => Calendar::Date,
            Clock::SpssDateTime | Clock::Milliseconds1960 | Clock::Seconds1960 => {
                Calendar::DateTime
            }
            _ => Calendar::Time,
        }
    }

    /// Our number for the package's.
    pub fn convert(self, x: f64) -> f64 {
        match self {
            Clock::SpssDate => (x / DAY).floor() - FROM_1582,
            Clock::SpssDateTime => x - FROM_1582 * DAY,
            Clock::Days1960 => x - FROM_1960,
            Clock::Milliseconds1960 => x / 1_000.0 - FROM_1960 * DAY,
            Clock::Seconds1960 => x - FROM_1960 * DAY,
            Clock::Seconds => x,
        }
    }
}

/// A column of numbers with what the file says of it.
///
/// Labels are in the order of the file; the first of two for one value counts.
pub(super) fn numbers(
    name: &str,
    label: Option<&str>,
    values: Numbers,
    labels: Vec<(f64, String)>,
    missing: Vec<MissingCode>,
    clock: Option<Clock>,
) -> Column {
    let mut column = Column::from_values(name, Values::Numbers(values));
    column.label = label.and_then(shown);
    let mut known = HashSet::new();
    for (x, label) in labels {
        let Some(label) = label_of_value(label) else { continue };
        let x = clock.map_or(x, |clock| clock.convert(x));
        // Adding zero makes the two zeros one.
        if known.insert((x + 0.0).to_bits()) {
            column.value_labels.push((x, label));
        }
    }
    column.missing = missing;
    column.calendar = clock.map(Clock::calendar);
    column
}

/// A column of text with what the file says of it; the texts of `missing` mean "missing".
pub(super) fn text(
    name: &str,
    label: Option<&str>,
    values: Factor,
    labels: Vec<(String, String)>,
    missing: Vec<String>,
) -> Column {
    let mut column = Column::from_values(name, Values::Text(values));
    let mut unique: Vec<(String, String)> = Vec::new();
    let mut known = HashSet::new();
    for (value, label) in labels {
        let Some(label) = label_of_value(label) else { continue };
        if known.insert(value.clone()) {
            unique.push((value, label));
        }
    }
    let label = label.and_then(shown);
    let missing = missing.into_iter().map(Scalar::Text).collect();
    let labels = Labels { label, values: unique, missing };
    // Repeated keys would be the only mistake, and there are none.
    let _ = apply(&mut column, &labels, &[]);
    column
}

/// A value label without the spaces at its end; one of nothing else is none, so that the value is
/// shown.
fn label_of_value(mut label: String) -> Option<String> {
    label.truncate(label.trim_end().len());
    (!label.trim_start().is_empty()).then_some(label)
}

fn shown(label: &str) -> Option<String> {
    Some(label.trim()).filter(|l| !l.is_empty()).map(ToOwned::to_owned)
}

/// How the bytes of a file become characters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Charset(Kind);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Stated(&'static Encoding),
    /// A code page of DOS.
    Page(CodePage),
    /// Each text is UTF-8 if it can be, else windows-1252.
    Guessed,
}

impl Charset {
    /// As the file says.
    pub(super) fn stated(encoding: &'static Encoding) -> Charset {
        Charset(Kind::Stated(encoding))
    }

    /// The file does not say: each text is UTF-8 if it can be, else windows-1252.
    pub(super) fn guessed() -> Charset {
        Charset(Kind::Guessed)
    }

    /// UTF-8.
    pub(super) fn utf8() -> Charset {
        Charset::stated(UTF_8)
    }

    /// By its name (`latin1`, `windows-1252`, `shift_jis`, all of the
    /// [WHATWG](https://encoding.spec.whatwg.org/#names-and-labels)) or the number of a code page
    /// (`1252`, `cp850`, `437`); UTF-16, whose letters are no bytes, is not among them.
    pub fn named(name: &str) -> Option<Charset> {
        let name = name.trim().to_lowercase();
        let number = ["windows-", "cp", "ibm", "oem", "dos-"]
            .iter()
            .find_map(|prefix| name.strip_prefix(prefix))
            .unwrap_or(&name)
            .trim_start_matches('-');
        if let Some(page) = CodePage::of(number) {
            return Some(Charset(Kind::Page(page)));
        }
        let windows = format!("windows-{number}");
        let iso = format!("iso-8859-{}", number.strip_prefix("2859").unwrap_or(""));
        let label = match number {
            "65001" => "utf-8",
            "866" => "ibm866",
            "932" => "shift_jis",
            "936" => "gbk",
            "949" => "euc-kr",
            "950" => "big5",
            "20127" | "us-ascii" => "windows-1252",
            _ => &name,
        };
        let found = [label, &windows, &iso];
        let found = found.iter().find_map(|label| Encoding::for_label(label.as_bytes()))?;
        found.is_ascii_compatible().then(|| Charset::stated(found))
    }

    /// Bytes as text; what is no text in the encoding becomes the replacement character. A character
    /// of UTF-8 that the width of a field cut off within is left out.
    pub(super) fn decode(self, bytes: &[u8]) -> String {
        let encoding = match self.0 {
            Kind::Page(page) => return page.decode(bytes),
            Kind::Guessed => match whole_characters(bytes) {
                // One letter at the end, as of "café", is no sign of UTF-8.
                Some(text) if text.len() == bytes.len() || !text.is_ascii() => {
                    return text.to_owned();
                }
                _ => WINDOWS_1252,
            },
            Kind::Stated(encoding) => encoding,
        };
        match whole_characters(bytes) {
            Some(text) if encoding == UTF_8 => text.to_owned(),
            _ => encoding.decode_without_bom_handling(bytes).0.into_owned(),
        }
    }

    /// Text as bytes; `None` if a character does not exist in the encoding.
    pub(super) fn encode(self, text: &str) -> Option<Vec<u8>> {
        let encoding = match self.0 {
            Kind::Page(page) => return page.encode(text),
            Kind::Guessed => WINDOWS_1252,
            Kind::Stated(encoding) => encoding,
        };
        let (bytes, _, replaced) = encoding.encode(text);
        (!replaced).then(|| bytes.into_owned())
    }
}

/// UTF-8 without the character that it ends within; `None` for anything else.
fn whole_characters(bytes: &[u8]) -> Option<&str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(e) if e.error_len().is_none() => {
            std::str::from_utf8(bytes.get(..e.valid_up_to())?).ok()
        }
        Err(_) => None,
    }
}

/// Bytes without the spaces and zeros that fill a fixed width.
pub(super) fn trimmed(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|b| !matches!(b, b' ' | 0)).map_or(0, |at| at + 1);
    &bytes[..end]
}

/// Bytes up to the first zero.
pub(super) fn terminated(bytes: &[u8]) -> &[u8] {
    bytes.split(|&b| b == 0).next().unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_have_names_and_numbers() {
        for (name, bytes, text) in [
            ("latin1", &b"\xE9"[..], "é"),
            ("windows-1252", b"\x80", "€"),
            ("1252", b"\x80", "€"),
            ("CP850", b"\x82", "é"),
            ("437", b"\x9D", "¥"),
            ("ibm866", b"\x80", "А"),
            ("866", b"\x80", "А"),
            ("UTF-8", b"\xC3\xA9", "é"),
            ("65001", b"\xC3\xA9", "é"),
            ("28592", b"\xB1", "ą"),
            ("iso-8859-2", b"\xB1", "ą"),
            ("932", b"\x82\xA0", "あ"),
            ("windows-1257", b"\xF0", "š"),
        ] {
            let charset = Charset::named(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(charset.decode(bytes), text, "{name}");
            assert_eq!(charset.encode(text).as_deref(), Some(bytes), "{name}");
        }
        // Cut off within a character by the width of a field.
        assert_eq!(Charset::utf8().decode(b"\xC3\xA9\xC5"), "é");
        assert_eq!(Charset::guessed().decode(b"\xC3\xA9\xC5"), "é");
        assert_eq!(Charset::guessed().decode(b"caf\xE9"), "café");
        assert_eq!(Charset::utf8().decode(b"a\xE9b"), "a\u{FFFD}b");
        for name in ["", "utf-16", "utf-16le", "klingon", "99999", "cp"] {
            assert!(Charset::named(name).is_none(), "{name}");
        }
    }
}
