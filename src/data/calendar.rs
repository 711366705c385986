//! Dates and times that are held as numbers: how they are written and read.

/// What the numbers of a column count, where they are dates or times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Calendar {
    /// Days since 1970-01-01.
    Date,
    /// Seconds since 1970-01-01 00:00, without time zone.
    DateTime,
    /// Seconds since midnight, or a duration.
    Time,
}

const DAY: f64 = 86_400.0;
/// Days from 0000-03-01, where the count of years begins, to 1970-01-01.
const EPOCH: i64 = 719_468;
/// Days in 400 years.
const CYCLE: i64 = 146_097;
/// Days around 1970 that are written as a date; about 2.7 million years.
const LIMIT: f64 = 1e9;

impl Calendar {
    /// What one such number is called.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Calendar::Date => "date",
            Calendar::DateTime => "date and time",
            Calendar::Time => "time",
        }
    }

    /// The number as `2024-05-31`, `2024-05-31 13:45:10` or `13:45:10`; `None` for what is no
    /// date (missing, or millions of years away). A date with a part of a day gives the day.
    ///
    /// ```
    /// use rakewell::data::Calendar;
    ///
    /// assert_eq!(Calendar::Date.written(19_874.0).as_deref(), Some("2024-05-31"));
    /// assert_eq!(Calendar::Time.written(49_510.5).as_deref(), Some("13:45:10.5"));
    /// ```
    pub fn written(self, x: f64) -> Option<String> {
        let days = if self == Calendar::Date { x } else { x / DAY };
        if days.is_nan() || days.abs() > LIMIT {
            return None;
        }
        Some(match self {
            Calendar::Date => date(x.floor() as i64),
            Calendar::DateTime => {
                let day = (x / DAY).floor();
                format!("{} {}", date(day as i64), time(x - day * DAY))
            }
            Calendar::Time if x < 0.0 => format!("-{}", time(-x)),
            Calendar::Time => time(x),
        })
    }

    /// The number that a text stands for: `2024-05-31`, with a time after a space or `T` for a
    /// time stamp (midnight if it has none), `13:45` or `13:45:10.5` for a time. `None` if the
    /// text is nothing of the kind.
    ///
    /// ```
    /// use rakewell::data::Calendar;
    ///
    /// assert_eq!(Calendar::Date.read("1969-12-31"), Some(-1.0));
    /// assert_eq!(Calendar::Date.read("2023-02-29"), None);
    /// assert_eq!(Calendar::DateTime.read("1970-01-02T00:00:01"), Some(86_401.0));
    /// ```
    pub fn read(self, text: &str) -> Option<f64> {
        let text = text.trim();
        match self {
            Calendar::Date => day(text).map(|d| d as f64),
            Calendar::Time => match text.strip_prefix('-') {
                Some(rest) => seconds(rest).map(|s| -s),
                None => seconds(text),
            },
            Calendar::DateTime => match text.split_once([' ', 'T']) {
                Some((date, time)) => Some(day(date)? as f64 * DAY + seconds(time.trim())?),
                None => day(text).map(|d| d as f64 * DAY),
            },
        }
    }
}

/// Year, month and day of a day since 1970-01-01 (Hinnant, "chrono-compatible low-level date
/// algorithms", `civil_from_days`).
fn date(day: i64) -> String {
    let day = day + EPOCH;
    let (cycle, of_cycle) = (day.div_euclid(CYCLE), day.rem_euclid(CYCLE));
    let year = (of_cycle - of_cycle / 1_460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let of_year = of_cycle - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + cycle * 400 + i64::from(month <= 2);
    if (0..=9_999).contains(&year) {
        format!("{year:04}-{month:02}-{of_month:02}")
    } else {
        format!("{year:+05}-{month:02}-{of_month:02}")
    }
}

fn time(seconds: f64) -> String {
    // Milliseconds are as much as the file formats are exact to.
    let total = (seconds * 1_000.0).round() as i64;
    let (whole, thousandths) = (total / 1_000, total % 1_000);
    let text = format!("{:02}:{:02}:{:02}", whole / 3_600, whole / 60 % 60, whole % 60);
    if thousandths == 0 {
        text
    } else {
        format!("{text}.{thousandths:03}").trim_end_matches('0').to_owned()
    }
}

/// Days since 1970-01-01 of `YYYY-MM-DD` (`days_from_civil` of the same source).
fn day(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, '-');
    let mut part = |length: usize| {
        let part = parts.next().filter(|p| p.len() == length)?;
        part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse::<i64>().ok())?
    };
    let (year, month, of_month) = (part(4)?, part(2)?, part(2)?);
    let shifted = if month <= 2 { year - 1 } else { year };
    let (cycle, of_cycle) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + of_month - 1;
    let day = cycle * CYCLE + of_cycle * 365 + of_cycle / 4 - of_cycle / 100 + of_year - EPOCH;
    // What is no day of the calendar, such as 30 February, is written differently.
    (date(day) == text).then_some(day)
}

fn seconds(text: &str) -> Option<f64> {
    let parts: Vec<&str> = text.split(':').collect();
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let (hours, minutes, rest) = match parts[..] {
        [h, m] => (h, m, "0"),
        [h, m, s] => (h, m, s),
        _ => return None,
    };
    let whole = rest.split('.').next().unwrap_or("");
    let fraction = rest.strip_prefix(whole).and_then(|f| f.strip_prefix('.'));
    let plain = digits(hours) && digits(minutes) && digits(whole) && fraction.is_none_or(digits);
    if !plain || hours.len() > 6 || minutes.len() > 2 || whole.len() > 2 {
        return None;
    }
    let number = |s: &str| s.parse::<f64>().ok();
    let (minutes, rest) = (number(minutes)?, number(rest)?);
    (minutes < 60.0 && rest < 60.0).then_some(number(hours)? * 3_600.0 + minutes * 60.0 + rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_days() {
        // From the proleptic Gregorian calendar: the reform, leap days, the epochs of SPSS,
        // Stata and SAS.
        for (text, day) in [
            ("1970-01-01", 0.0),
            ("2000-02-29", 11_016.0),
            ("2000-03-01", 11_017.0),
            ("1960-01-01", -3_653.0),
            ("1582-10-14", -141_428.0),
            ("0001-01-01", -719_162.0),
        ] {
            assert_eq!(Calendar::Date.written(day).as_deref(), Some(text));
            assert_eq!(Calendar::Date.read(text), Some(day));
        }
        assert_eq!(Calendar::DateTime.written(-0.5).as_deref(), Some("1969-12-31 23:59:59.5"));
        assert_eq!(Calendar::Time.written(-3_661.0).as_deref(), Some("-01:01:01"));
    }

    #[test]
    fn what_is_no_date() {
        for text in ["", "2024-13-01", "2024-00-10", "2023-02-29", "2024-5-1", "24-05-01", "é"] {
            assert_eq!(Calendar::Date.read(text), None, "{text}");
        }
        for text in ["", ":", "1:2:3:4", "12:60", "12:00:60", "1:-2", "a:b", "12:00:1.x"] {
            assert_eq!(Calendar::Time.read(text), None, "{text}");
        }
        for x in [f64::NAN, f64::INFINITY, 1e15, -1e300] {
            assert_eq!(Calendar::Date.written(x), None);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(day in -719_162_i64..2_932_896, milli in 0_i64..86_400_000) {
            let date = day as f64;
            let text = Calendar::Date.written(date).expect("a date");
            prop_assert_eq!(Calendar::Date.read(&text), Some(date));
            let stamp = date * DAY + milli as f64 / 1_000.0;
            let text = Calendar::DateTime.written(stamp).expect("a time stamp");
            let back = Calendar::DateTime.read(&text).expect("reads back");
            prop_assert!((back - stamp).abs() < 6e-4, "{} {} {}", text, back, stamp);
        }
    }
}
