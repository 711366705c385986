//! Two tables joined on keys: every row of the first stays, with the columns of the row of the
//! second that has the same key.
//!
//! A row whose key is missing has no partner. Numbers are equal as numbers, texts as texts; where
//! one table has numbers and the other text, texts that are numbers are compared as numbers.

use std::collections::HashMap;

use super::codes::{Codes, Factor};
use super::column::{Column, Numbers, Values};
use super::number::{value_of, written};
use super::table::{Table, TableError};

/// Keys that are shown of those that are wrong.
const SHOWN: usize = 5;

/// How two tables are joined.
#[derive(Debug, Clone, PartialEq)]
pub struct Join<'a> {
    /// Columns that must agree: (of the first table, of the second).
    pub keys: &'a [(String, String)],
    /// True when no two rows of the first table may share a row of the second.
    pub one_to_one: bool,
    /// Columns of the second table to take: (name there, name in the result).
    pub columns: &'a [(String, String)],
}

/// A joined table and what was found.
#[derive(Debug, Clone)]
pub struct Joined {
    /// The first table with the columns of the second.
    pub table: Table,
    /// Rows of the first table without a partner, and some of their keys.
    pub unmatched: (usize, Vec<String>),
    /// Rows of the first table whose key is missing; they are among the unmatched.
    pub missing: usize,
    /// Rows of the second table that no row took.
    pub unused: usize,
    /// Keys that are numbers in one table and text in the other: (first, second).
    pub mixed: Vec<(String, String)>,
}

/// Why two tables cannot be joined.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// A key column is not there.
    #[error("there is no column `{0}`")]
    NoColumn(String),
    /// A key comes more than once where it may come once.
    #[error("{keys} key{} more than once in the {which} file: {}", if *.keys == 1 { " comes" } else { "s come" }, .shown.join(", "))]
    Repeated {
        /// `first` or `joined`.
        which: &'static str,
        /// How many keys.
        keys: usize,
        /// Some of them, with their rows.
        shown: Vec<String>,
    },
    /// Two texts of one column that are the same number, where the other column holds numbers.
    #[error("`{column}` holds the texts {first:?} and {second:?}, which are the same number")]
    SameNumber {
        /// The column.
        column: String,
        /// A text.
        first: String,
        /// Another text.
        second: String,
    },
    /// No key of one table is in the other.
    #[error(
        "no row has a partner: the keys are such as {first} in the first file and {second} in the joined one"
    )]
    NoMatch {
        /// A key of the first table.
        first: String,
        /// A key of the second.
        second: String,
    },
    /// The result would not be a table.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl JoinError {
    /// The way out.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            JoinError::NoColumn(_) => return None,
            JoinError::Repeated { which: "first", .. } => {
                "set `kind = \"many-to-one\"` if several rows may share a row of the joined file, or add a column to `on`".into()
            }
            JoinError::Repeated { .. } => {
                "add the columns to `on` that tell these rows apart, or join a file with one row per key".into()
            }
            JoinError::SameNumber { .. } => "write the keys in the same way in both files".into(),
            JoinError::NoMatch { .. } => {
                "check that `on` names columns with the same identifiers, written in the same way".into()
            }
            JoinError::Table(_) => "choose columns with `columns`, or set a `prefix`".into(),
        })
    }
}

/// Joins the columns of `second` to `first`.
///
/// The number and the order of rows are those of `first`. Values of rows without a partner are
/// missing. Reasons for missing values are kept when every row of `second` is taken exactly once.
///
/// # Errors
/// Keys that are not there, come more than once where they may not, or never agree; columns whose
/// name is taken.
pub fn join(first: Table, second: &Table, by: &Join<'_>) -> Result<Joined, JoinError> {
    let mut mixed = Vec::new();
    let mut left: Option<Vec<u32>> = None;
    let mut right: Option<Vec<u32>> = None;
    for (a, b) in by.keys {
        let column = |table: &Table, name: &String| {
            table.column(name).cloned().ok_or_else(|| JoinError::NoColumn(name.clone()))
        };
        let (x, y) = (column(&first, a)?, column(second, b)?);
        if x.as_numbers().is_some() != y.as_numbers().is_some() && !x.is_empty() && !y.is_empty() {
            mixed.push((a.clone(), b.clone()));
        }
        let (xs, ys) = codes(&x, &y)?;
        let mut pairs: HashMap<(u32, u32), u32> = HashMap::new();
        left = Some(combined(left, xs, &mut pairs));
        right = Some(combined(right, ys, &mut pairs));
    }
    let (left, right) = (left.unwrap_or_default(), right.unwrap_or_default());
    let names = |i: usize| -> Vec<&String> {
        by.keys.iter().map(|(a, b)| if i == 0 { a } else { b }).collect()
    };
    let partner_of = unique(&right, |row| shown(second, &names(1), row), "joined")?;
    if by.one_to_one {
        unique(&left, |row| shown(&first, &names(0), row), "first")?;
    }
    let rows: Vec<Option<u32>> = left.iter().map(|code| partner_of.get(code).copied()).collect();

    let mut taken = vec![0_u32; second.rows()];
    let (mut unmatched, mut examples, mut missing) = (0, Vec::new(), 0);
    for (row, partner) in rows.iter().enumerate() {
        match partner {
            Some(partner) => taken[*partner as usize] = taken[*partner as usize].saturating_add(1),
            None => {
                unmatched += 1;
                missing += usize::from(left[row] == Codes::NONE);
                let key = shown(&first, &names(0), row);
                if examples.len() < SHOWN && left[row] != Codes::NONE && !examples.contains(&key) {
                    examples.push(key);
                }
            }
        }
    }
    if unmatched == rows.len() && unmatched > 0 && second.rows() > 0 {
        let known = |codes: &[u32]| codes.iter().position(|c| *c != Codes::NONE).unwrap_or(0);
        return Err(JoinError::NoMatch {
            first: shown(&first, &names(0), known(&left)),
            second: shown(second, &names(1), known(&right)),
        });
    }
    let each_once = unmatched == 0 && taken.iter().all(|t| *t == 1);
    let mut table = first;
    for (name, new) in by.columns {
        let column = second.column(name).ok_or_else(|| JoinError::NoColumn(name.clone()))?;
        table.push(gathered(column, new, &rows, each_once))?;
    }
    let unused = taken.iter().filter(|t| **t == 0).count();
    Ok(Joined { table, unmatched: (unmatched, examples), missing, unused, mixed })
}

/// Codes of the rows of two columns, equal where the values are.
fn codes(x: &Column, y: &Column) -> Result<(Vec<u32>, Vec<u32>), JoinError> {
    if let (Values::Text(a), Values::Text(b)) = (&x.values, &y.values) {
        let mut known: HashMap<String, u32> = HashMap::new();
        let mut of = |factor: &Factor| {
            let levels: Vec<u32> = factor
                .levels
                .iter()
                .map(|level| {
                    let next = known.len() as u32;
                    *known.entry(level.value.trim().to_string()).or_insert(next)
                })
                .collect();
            by_level(factor, &levels)
        };
        return Ok((of(a), of(b)));
    }
    let mut known: HashMap<u64, u32> = HashMap::new();
    let mut of = |column: &Column| match &column.values {
        Values::Numbers(numbers) => Ok(of_numbers(numbers, &mut known)),
        Values::Text(factor) => {
            let mut first_of: HashMap<u32, &str> = HashMap::new();
            let mut levels = Vec::new();
            for level in &factor.levels {
                // What is no number has no partner among numbers.
                let code = value_of(level.value.trim()).map_or(Codes::NONE, |x| one(x, &mut known));
                if code != Codes::NONE
                    && let Some(first) = first_of.insert(code, &level.value)
                {
                    let (first, second) = (first.to_string(), level.value.clone());
                    return Err(JoinError::SameNumber {
                        column: column.name.clone(),
                        first,
                        second,
                    });
                }
                levels.push(code);
            }
            Ok(by_level(factor, &levels))
        }
    };
    Ok((of(x)?, of(y)?))
}

fn by_level(factor: &Factor, levels: &[u32]) -> Vec<u32> {
    let rows = factor.codes.to_vec();
    rows.into_iter().map(|c| levels.get(c as usize).copied().unwrap_or(Codes::NONE)).collect()
}

fn of_numbers(numbers: &Numbers, known: &mut HashMap<u64, u32>) -> Vec<u32> {
    (0..numbers.len()).map(|row| one(numbers.get(row), known)).collect()
}

/// The code of a number; 0 and −0 are one.
fn one(x: f64, known: &mut HashMap<u64, u32>) -> u32 {
    if x.is_nan() {
        return Codes::NONE;
    }
    let next = known.len() as u32;
    *known.entry((x + 0.0).to_bits()).or_insert(next)
}

/// Codes of a key and of the keys before it, as one.
fn combined(
    before: Option<Vec<u32>>,
    own: Vec<u32>,
    pairs: &mut HashMap<(u32, u32), u32>,
) -> Vec<u32> {
    let Some(before) = before else { return own };
    let both = before.into_iter().zip(own).map(|(a, b)| {
        if a == Codes::NONE || b == Codes::NONE {
            return Codes::NONE;
        }
        let next = pairs.len() as u32;
        *pairs.entry((a, b)).or_insert(next)
    });
    both.collect()
}

/// The row of each key.
fn unique(
    codes: &[u32],
    shown: impl Fn(usize) -> String,
    which: &'static str,
) -> Result<HashMap<u32, u32>, JoinError> {
    let mut row_of: HashMap<u32, u32> = HashMap::with_capacity(codes.len());
    // Keys that come again, in the order in which they do: (first row, rows).
    let mut again: Vec<(u32, usize)> = Vec::new();
    let mut place: HashMap<u32, usize> = HashMap::new();
    for (row, &code) in codes.iter().enumerate().filter(|(_, code)| **code != Codes::NONE) {
        match row_of.get(&code) {
            None => {
                row_of.insert(code, row as u32);
            }
            Some(&first) => {
                let at = *place.entry(code).or_insert_with(|| {
                    again.push((first, 1));
                    again.len() - 1
                });
                again[at].1 += 1;
            }
        }
    }
    if again.is_empty() {
        return Ok(row_of);
    }
    let list = again.iter().take(SHOWN);
    let mut texts: Vec<String> =
        list.map(|(row, rows)| format!("{} ({rows} rows)", shown(*row as usize))).collect();
    if again.len() > SHOWN {
        texts.push("…".to_string());
    }
    Err(JoinError::Repeated { which, keys: again.len(), shown: texts })
}

/// The key of a row, for people.
fn shown(table: &Table, names: &[&String], row: usize) -> String {
    let value = |name: &&String| match table.column(name).map(|c| &c.values) {
        Some(Values::Numbers(numbers)) if row < numbers.len() => {
            let x = numbers.get(row);
            if x.is_nan() { "missing".to_string() } else { written(x) }
        }
        Some(Values::Text(factor)) if row < factor.codes.len() => {
            let level = factor.levels.get(factor.codes.get(row) as usize);
            level.map_or("missing".to_string(), |l| format!("{:?}", l.value))
        }
        _ => "nothing".to_string(),
    };
    names.iter().map(value).collect::<Vec<_>>().join(", ")
}

/// A column with the values of the given rows; missing where there is none.
fn gathered(column: &Column, name: &str, rows: &[Option<u32>], each_once: bool) -> Column {
    let values = match &column.values {
        Values::Numbers(numbers) => Values::Numbers(match numbers {
            Numbers::I8(v) => Numbers::I8(picked(v, rows, i8::MIN)),
            Numbers::I16(v) => Numbers::I16(picked(v, rows, i16::MIN)),
            Numbers::I32(v) => Numbers::I32(picked(v, rows, i32::MIN)),
            Numbers::F64(v) => Numbers::F64(picked(v, rows, f64::NAN)),
        }),
        Values::Text(factor) => {
            let codes =
                rows.iter().map(|row| row.map_or(Codes::NONE, |r| factor.codes.get(r as usize)));
            let codes = Codes::collect(codes, factor.levels.len());
            Values::Text(Factor { codes, levels: factor.levels.clone() })
        }
    };
    Column {
        name: name.to_string(),
        label: column.label.clone(),
        values,
        value_labels: column.value_labels.clone(),
        missing: if each_once { column.missing.clone() } else { Vec::new() },
        calendar: column.calendar,
    }
}

fn picked<T: Copy>(values: &[T], rows: &[Option<u32>], missing: T) -> Vec<T> {
    rows.iter().map(|row| row.map_or(missing, |r| values[r as usize])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect()
    }

    fn people() -> Table {
        Table::new(vec![
            Column::numbers("id", vec![1.0, 2.0, 3.0, 4.0, 5.0]),
            Column::numbers("hid", vec![7.0, 7.0, 9.0, f64::NAN, 8.0]),
        ])
        .unwrap()
    }

    fn homes(hid: Column) -> Table {
        let region = Column::text("region", &["N", "S", "W"].map(Some));
        Table::new(vec![hid, region, Column::numbers("rooms", vec![3.0, 400.0, 5.5])]).unwrap()
    }

    fn joined(right: &Table, one_to_one: bool) -> Result<Joined, JoinError> {
        let columns = keys(&[("region", "region"), ("rooms", "h_rooms")]);
        join(people(), right, &Join { keys: &keys(&[("hid", "h")]), one_to_one, columns: &columns })
    }

    #[test]
    fn many_people_share_a_home() {
        for hid in [
            Column::numbers("h", vec![9.0, 7.0, 1.0]),
            Column::text("h", &["9", "7.0", "x"].map(Some)),
        ] {
            let mixed = usize::from(hid.as_numbers().is_none());
            let found = joined(&homes(hid), false).unwrap();
            let rooms = found.table.column("h_rooms").unwrap().as_numbers().unwrap().to_vec();
            assert_eq!(rooms[..3], [400.0, 400.0, 3.0]);
            assert!(rooms[3].is_nan() && rooms[4].is_nan());
            let region = found.table.column("region").unwrap().as_factor();
            let level = |row| region.levels.get(region.codes.get(row) as usize).map(|l| l.text());
            assert_eq!([level(0), level(2), level(4)], [Some("S"), Some("N"), None]);
            assert_eq!(found.unmatched, (2, vec!["8".to_string()]));
            assert_eq!((found.missing, found.unused, found.mixed.len()), (1, 1, mixed));
        }
    }

    #[test]
    fn keys_that_come_twice() {
        let twice = homes(Column::numbers("h", vec![7.0, 7.0, 9.0]));
        let error = joined(&twice, false).unwrap_err();
        assert_eq!(error.to_string(), "1 key comes more than once in the joined file: 7 (2 rows)");
        let once = homes(Column::numbers("h", vec![7.0, 8.0, 9.0]));
        let error = joined(&once, true).unwrap_err();
        assert!(error.to_string().contains("in the first file: 7 (2 rows)"), "{error}");
        assert!(error.help().unwrap().contains("many-to-one"));
    }

    #[test]
    fn keys_that_never_agree() {
        let other = homes(Column::text("h", &["A", "B", "C"].map(Some)));
        let error = joined(&other, false).unwrap_err();
        assert!(matches!(&error, JoinError::NoMatch { first, .. } if first == "7"), "{error}");
        let padded = homes(Column::text("h", &["7", "007", "9"].map(Some)));
        assert!(matches!(joined(&padded, false), Err(JoinError::SameNumber { .. })));
    }

    #[test]
    fn several_keys_and_names_that_are_taken() {
        let left = Table::new(vec![
            Column::text("wave", &["a", "a", "b"].map(Some)),
            Column::numbers("id", vec![1.0, 2.0, 1.0]),
        ])
        .unwrap();
        let right = Table::new(vec![
            Column::numbers("id", vec![1.0, 1.0, 2.0]),
            Column::text("wave", &["b", "a", "b"].map(Some)),
            Column::numbers("y", vec![10.0, 20.0, 30.0]),
        ])
        .unwrap();
        let on = keys(&[("wave", "wave"), ("id", "id")]);
        let take = |columns: &[(&str, &str)]| {
            let columns = keys(columns);
            join(left.clone(), &right, &Join { keys: &on, one_to_one: true, columns: &columns })
        };
        let found = take(&[("y", "y")]).unwrap();
        let y = found.table.column("y").unwrap().as_numbers().unwrap().to_vec();
        assert_eq!((y[0], y[1].is_nan(), y[2]), (20.0, true, 10.0));
        assert!(matches!(take(&[("y", "id")]), Err(JoinError::Table(_))));
    }
}
