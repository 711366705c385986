//! One variable: its levels, its range, its missing values.

use std::collections::HashMap;

use serde::Serialize;

use crate::data::{Calendar, Codes, Column, Factor, Numbers, Values};

/// The type of a variable, as a person would say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Type {
    /// Numbers that count or measure.
    Number,
    /// Days.
    Date,
    /// Days with the time of day.
    #[serde(rename = "datetime")]
    DateTime,
    /// Times of day, or durations.
    Time,
    /// Groups: text or numbers of few different values, or numbers with labels.
    Category,
    /// Text of many different values.
    Text,
    /// No values at all.
    Empty,
}

/// A variable of a data file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its label.
    pub label: Option<String>,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: Type,
    /// True when the file holds numbers that are no dates or times.
    pub numeric: bool,
    /// Rows with a value.
    pub valid: u64,
    /// Rows without a value, for whatever reason.
    pub missing: u64,
    /// The codes among them.
    pub missing_codes: Vec<MissingCount>,
    /// How many different values there are.
    pub distinct: usize,
    /// The levels with their counts, in display order; of a category, or labelled values.
    pub levels: Vec<LevelCount>,
    /// The range of numbers.
    pub range: Option<Range>,
    /// The range of dates or times.
    pub period: Option<Period>,
    /// Values that look like codes for "missing", with their rows.
    pub likely_missing: Vec<(f64, u64)>,
}

/// A level and its rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LevelCount {
    /// What the file holds.
    pub value: String,
    /// Its label.
    pub label: Option<String>,
    /// Rows.
    pub count: u64,
}

/// A code for "missing" and its rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MissingCount {
    /// What the file holds.
    pub code: String,
    /// Its label.
    pub label: Option<String>,
    /// Rows.
    pub count: u64,
}

/// The range of a number; quartiles are observed values (the smallest with at least a quarter, a
/// half, three quarters of the rows at or below it).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Range {
    /// The smallest value.
    pub least: f64,
    /// The lower quartile.
    pub lower: f64,
    /// The median.
    pub median: f64,
    /// The upper quartile.
    pub upper: f64,
    /// The largest value.
    pub most: f64,
    /// The mean.
    pub mean: f64,
    /// True when all values are whole.
    pub whole: bool,
}

/// The range of dates or times, as the program writes them (`2024-05-31`, `2024-05-31 13:45:10`,
/// `13:45:10`); quartiles are observed values, as in [`Range`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Period {
    /// The earliest.
    pub first: String,
    /// The lower quartile.
    pub lower: String,
    /// The median.
    pub median: String,
    /// The upper quartile.
    pub upper: String,
    /// The latest.
    pub last: String,
}

/// More different values than this make a number or a text.
const FEW: usize = 20;
/// More different texts than this are no groups, unless each has many rows.
const GROUPS: usize = 200;
/// More different whole numbers than this are a measurement, not codes.
const CODED: usize = 30;
/// Codes that surveys use for "missing".
const CODES: std::ops::RangeInclusive<i64> = -99..=-1;

/// Describes a column.
pub(super) fn of(column: &Column) -> Variable {
    let mut found = Variable {
        name: column.name.clone(),
        label: column.label.clone(),
        kind: Type::Empty,
        numeric: column.as_numbers().is_some() && column.calendar.is_none(),
        valid: 0,
        missing: 0,
        missing_codes: column
            .missing
            .iter()
            .map(|m| MissingCount { code: m.code.clone(), label: m.label.clone(), count: m.count })
            .collect(),
        distinct: 0,
        levels: Vec::new(),
        range: None,
        period: None,
        likely_missing: Vec::new(),
    };
    match &column.values {
        Values::Text(factor) => of_text(factor, &mut found),
        Values::Numbers(numbers) => match column.calendar {
            Some(calendar) => of_dates(numbers, calendar, &column.value_labels, &mut found),
            None => of_numbers(numbers, &column.value_labels, &mut found),
        },
    }
    found.missing = column.len() as u64 - found.valid;
    found
}

fn of_text(factor: &Factor, found: &mut Variable) {
    let mut counts = vec![0_u64; factor.levels.len()];
    for row in 0..factor.codes.len() {
        let code = factor.codes.get(row);
        if code != Codes::NONE
            && let Some(count) = counts.get_mut(code as usize)
        {
            *count += 1;
        }
    }
    found.valid = counts.iter().sum();
    found.distinct = counts.iter().filter(|c| **c > 0).count();
    let labelled = factor.levels.iter().any(|l| l.label.is_some());
    // Groups have several rows each.
    let many = found.distinct > FEW && found.valid < 5 * found.distinct as u64;
    found.kind = match found.distinct {
        0 => Type::Empty,
        n if labelled || (n <= GROUPS && !many) => Type::Category,
        _ => Type::Text,
    };
    if found.kind == Type::Category {
        let levels = factor.levels.iter().zip(counts);
        found.levels = levels
            .map(|(l, count)| LevelCount { value: l.value.clone(), label: l.label.clone(), count })
            .collect();
    }
}

/// The different values in ascending order, with their rows.
fn counted(numbers: &Numbers) -> Vec<(f64, u64)> {
    let mut counts: HashMap<u64, u64> = HashMap::new();
    let mut found: Vec<(f64, u64)> = match numbers {
        // A table over all values of a narrow type needs no hashing.
        Numbers::I8(v) => narrow(v.iter().map(|x| i32::from(*x)), i32::from(i8::MIN), 1 << 8),
        Numbers::I16(v) => narrow(v.iter().map(|x| i32::from(*x)), i32::from(i16::MIN), 1 << 16),
        _ => {
            for row in 0..numbers.len() {
                let x = numbers.get(row);
                if !x.is_nan() {
                    *counts.entry((x + 0.0).to_bits()).or_default() += 1;
                }
            }
            counts.into_iter().map(|(bits, n)| (f64::from_bits(bits), n)).collect()
        }
    };
    found.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    found
}

fn narrow(values: impl Iterator<Item = i32>, least: i32, width: usize) -> Vec<(f64, u64)> {
    let mut counts = vec![0_u64; width];
    for x in values {
        if let Some(count) = usize::try_from(x - least).ok().and_then(|i| counts.get_mut(i)) {
            *count += 1;
        }
    }
    // The least value of the type stands for "missing".
    let present = counts.into_iter().enumerate().skip(1).filter(|(_, n)| *n > 0);
    present.map(|(i, n)| (f64::from(least) + i as f64, n)).collect()
}

fn of_numbers(numbers: &Numbers, labels: &[(f64, String)], found: &mut Variable) {
    let counts = counted(numbers);
    found.valid = counts.iter().map(|(_, n)| n).sum();
    found.distinct = counts.len();
    let label = |x: f64| label_of(labels, x);
    let whole = counts.iter().all(|(x, _)| x.fract() == 0.0);
    let unlabelled = counts.iter().filter(|(x, _)| label(*x).is_none()).count();
    let grouped = !labels.is_empty() && unlabelled <= FEW && unlabelled <= labels.len();
    found.kind = match counts.len() {
        0 => Type::Empty,
        n if grouped || (whole && labels.is_empty() && looks_grouped(n, found.valid)) => {
            Type::Category
        }
        _ => Type::Number,
    };
    if found.kind == Type::Number {
        // Labels of a number are for its special values: "none", "100 or more".
        found.levels = counts
            .iter()
            .filter(|(x, _)| label(*x).is_some())
            .map(|&(x, count)| LevelCount { value: format!("{x}"), label: label(x), count })
            .collect();
    } else {
        let mut order: Vec<f64> = labels.iter().map(|(x, _)| *x).collect();
        order.extend(counts.iter().map(|(x, _)| *x).filter(|x| label(*x).is_none()));
        let rows = |x: f64| counts.iter().find(|(v, _)| *v == x).map_or(0, |(_, n)| *n);
        found.levels = order
            .into_iter()
            .map(|x| LevelCount { value: format!("{x}"), label: label(x), count: rows(x) })
            .collect();
    }
    found.range = range(&counts, whole);
    found.likely_missing = likely_missing(&counts);
}

fn label_of(labels: &[(f64, String)], x: f64) -> Option<String> {
    labels.iter().find(|(v, _)| *v == x).map(|(_, l)| l.clone())
}

/// Dates and times are no numbers to a reader: they have no mean, and before 1970 they are negative
/// without being codes.
fn of_dates(numbers: &Numbers, calendar: Calendar, labels: &[(f64, String)], found: &mut Variable) {
    let counts = counted(numbers);
    found.valid = counts.iter().map(|(_, n)| n).sum();
    found.distinct = counts.len();
    let shown = |x: f64| calendar.written(x).unwrap_or_else(|| format!("{x}"));
    found.kind = match (counts.len(), calendar) {
        (0, _) => Type::Empty,
        (_, Calendar::Date) => Type::Date,
        (_, Calendar::DateTime) => Type::DateTime,
        (_, Calendar::Time) => Type::Time,
    };
    let all = looks_grouped(counts.len(), found.valid);
    found.levels = counts
        .iter()
        .map(|&(x, count)| (x, label_of(labels, x), count))
        .filter(|(_, label, _)| all || label.is_some())
        .map(|(x, label, count)| LevelCount { value: shown(x), label, count })
        .collect();
    found.period = range(&counts, false).map(|r| Period {
        first: shown(r.least),
        lower: shown(r.lower),
        median: shown(r.median),
        upper: shown(r.upper),
        last: shown(r.most),
    });
}

/// True for so few different whole numbers that they are looked at one by one: scores and codes.
fn looks_grouped(distinct: usize, rows: u64) -> bool {
    distinct < 12 || (distinct <= CODED && rows >= 20 * distinct as u64)
}

fn range(counts: &[(f64, u64)], whole: bool) -> Option<Range> {
    let (least, most) = (counts.first()?.0, counts.last()?.0);
    let total: u64 = counts.iter().map(|(_, n)| n).sum();
    let at = |share: f64| {
        let mut seen = 0;
        let reached = counts.iter().find(|(_, n)| {
            seen += n;
            seen as f64 >= share * total as f64
        });
        reached.map_or(most, |(x, _)| *x)
    };
    // Shares first, so that large values do not overflow.
    let mean = counts.iter().map(|&(x, n)| x * (n as f64 / total as f64)).sum();
    Some(Range { least, lower: at(0.25), median: at(0.5), upper: at(0.75), most, mean, whole })
}

/// Whole negative numbers in a variable that has none otherwise.
fn likely_missing(counts: &[(f64, u64)]) -> Vec<(f64, u64)> {
    let negative: Vec<(f64, u64)> = counts.iter().copied().filter(|(x, _)| *x < 0.0).collect();
    let is_code = |x: f64| x.fract() == 0.0 && CODES.contains(&(x as i64));
    let others = counts.len() - negative.len();
    let few = negative.len() <= 12;
    if few && others > 0 && negative.iter().all(|(x, _)| is_code(*x)) { negative } else { vec![] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_a_range_and_codes() {
        let mut values: Vec<f64> = (1..=100).map(f64::from).collect();
        values.extend([-9.0, -9.0, -8.0, f64::NAN]);
        let found = of(&Column::numbers("age", values));
        assert_eq!((found.kind, found.valid, found.missing), (Type::Number, 103, 1));
        assert_eq!(found.likely_missing, [(-9.0, 2), (-8.0, 1)]);
        let range = found.range.expect("a range");
        assert_eq!((range.least, range.median, range.most), (-9.0, 49.0, 100.0));
        assert!((range.mean - (5050.0 - 26.0) / 103.0).abs() < 1e-12);
    }

    #[test]
    fn dates_are_shown_as_dates() {
        let dated = |calendar, values: Vec<f64>| {
            let mut column = Column::numbers("d", values);
            column.calendar = Some(calendar);
            of(&column)
        };
        let days = dated(Calendar::Date, (0..100).map(|i| f64::from(i) - 5.0).collect());
        assert_eq!((days.kind, days.numeric, days.range), (Type::Date, false, None));
        // Days before 1970 are negative, and no codes for "missing".
        assert!(days.likely_missing.is_empty() && days.levels.is_empty());
        let period = days.period.expect("a period");
        let ends = (period.first.as_str(), period.median.as_str(), period.last.as_str());
        assert_eq!(ends, ("1969-12-27", "1970-02-14", "1970-04-05"));
        let times = dated(Calendar::Time, vec![49_510.0, 49_510.0, f64::NAN]);
        assert_eq!((times.kind, times.valid, times.missing), (Type::Time, 2, 1));
        assert_eq!((times.levels[0].value.as_str(), times.levels[0].count), ("13:45:10", 2));
        assert_eq!(dated(Calendar::DateTime, vec![f64::NAN]).kind, Type::Empty);
        let json = serde_json::to_value(dated(Calendar::DateTime, vec![86_401.0])).expect("JSON");
        assert_eq!(json["type"], "datetime");
        assert_eq!(json["period"]["first"], "1970-01-02 00:00:01");
    }

    #[test]
    fn labels_make_categories() {
        let mut column = Column::numbers("sex", vec![1.0, 2.0, 2.0]);
        column.value_labels = vec![(2.0, "Female".into()), (1.0, "Male".into()), (3.0, "X".into())];
        let found = of(&column);
        assert_eq!(found.kind, Type::Category);
        let levels: Vec<_> = found.levels.iter().map(|l| (l.value.as_str(), l.count)).collect();
        assert_eq!(levels, [("2", 2), ("1", 1), ("3", 0)]);
    }

    #[test]
    fn nothing_is_empty() {
        for column in [Column::numbers("x", vec![f64::NAN; 3]), Column::text::<&str>("t", &[None])]
        {
            let found = of(&column);
            assert_eq!((found.kind, found.valid, found.range), (Type::Empty, 0, None));
        }
        assert_eq!(of(&Column::numbers("x", Vec::new())).kind, Type::Empty);
    }

    #[test]
    fn text_is_groups_or_text() {
        let names: Vec<Option<String>> = (0..100).map(|i| Some(format!("n{i}"))).collect();
        assert_eq!(of(&Column::text("name", &names)).kind, Type::Text);
        let regions: Vec<Option<String>> = (0..300).map(|i| Some(format!("r{}", i % 30))).collect();
        assert_eq!(of(&Column::text("region", &regions)).kind, Type::Category);
        // Negative measurements are no codes.
        let change = Column::numbers("change", (-20..20).map(f64::from).collect());
        assert!(of(&change).likely_missing.is_empty());
    }
}
