//! What the files of statistical packages have in common: labelled variables, codes that mean
//! "missing", dates counted from some day.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use crate::data::Calendar;
use crate::data::codes::Factor;
use crate::data::column::{Column, MissingCode, Numbers, Values};
use crate::data::labels::{Labels, Scalar, apply};

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
    for (x, label) in labels {
        let x = clock.map_or(x, |clock| clock.convert(x));
        if column.value_labels.iter().all(|(known, _)| *known != x) {
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
    for (value, label) in labels {
        if unique.iter().all(|(known, _)| *known != value) {
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

fn shown(label: &str) -> Option<String> {
    Some(label.trim()).filter(|l| !l.is_empty()).map(ToOwned::to_owned)
}

/// How the bytes of a package's file become characters.
#[derive(Debug, Clone, Copy)]
pub(super) struct Charset {
    encoding: &'static Encoding,
    /// True when each text that is UTF-8 is read as such, whatever the file is said to be in.
    utf8_first: bool,
}

impl Charset {
    /// As the file says.
    pub fn stated(encoding: &'static Encoding) -> Charset {
        Charset { encoding, utf8_first: false }
    }

    /// The file does not say: each text is UTF-8 if it can be, else windows-1252.
    pub fn guessed() -> Charset {
        Charset { encoding: WINDOWS_1252, utf8_first: true }
    }

    /// UTF-8.
    pub fn utf8() -> Charset {
        Charset::stated(UTF_8)
    }

    /// Bytes as text; what is no text in the encoding becomes the replacement character.
    pub fn decode(self, bytes: &[u8]) -> String {
        if (self.utf8_first || self.encoding == UTF_8)
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            return text.to_owned();
        }
        self.encoding.decode_without_bom_handling(bytes).0.into_owned()
    }

    /// Text as bytes; `None` if a character does not exist in the encoding.
    pub fn encode(self, text: &str) -> Option<Vec<u8>> {
        let (bytes, _, replaced) = self.encoding.encode(text);
        (!replaced).then(|| bytes.into_owned())
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
