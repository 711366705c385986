//! The distinct combinations of some columns, gathered from tables that come one after the other.

use std::collections::HashMap;

use super::calendar::Calendar;
use super::codes::Codes;
use super::column::{Column, Numbers, Values};
use super::table::{Table, TableError};

/// Combinations of the values of some columns, in the order in which they first occur.
///
/// Memory is that of the combinations, whatever the number of rows.
///
/// ```
/// use rakewell::data::{Column, Combinations, Table};
///
/// let batch = |sex: &[f64]| Table::new(vec![Column::numbers("sex", sex.to_vec())]).unwrap();
/// let (mut found, mut of_row) = (Combinations::new(&["sex".to_string()]), Vec::new());
/// found.add(&batch(&[2.0, 1.0, 2.0]), &mut of_row)?;
/// assert_eq!(of_row, [0, 1, 0]);
/// found.add(&batch(&[1.0, 1.0]), &mut of_row)?;
/// assert_eq!((found.len(), of_row), (2, vec![1, 1]));
/// # Ok::<(), rakewell::data::TooVaried>(())
/// ```
#[derive(Debug)]
pub struct Combinations {
    columns: Vec<Levels>,
    ids: HashMap<Box<[u32]>, u32>,
    /// The values of each combination, as places in the lists of `columns`.
    keys: Vec<u32>,
}

/// The values that a column has had so far.
#[derive(Debug)]
struct Levels {
    name: String,
    calendar: Option<Calendar>,
    values: Seen,
}

#[derive(Debug)]
enum Seen {
    /// Nothing yet.
    Nothing,
    /// By their bits.
    Numbers(HashMap<u64, u32>, Vec<f64>),
    /// Without a value is `None`.
    Texts(HashMap<Option<String>, u32>, Vec<Option<String>>),
}

/// There are more combinations than can be held.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there are more than {most} combinations of {}; `{widest}` alone has {values} values", names.join(", "))]
pub struct TooVaried {
    /// The columns.
    pub names: Vec<String>,
    /// The column with the most values.
    pub widest: String,
    /// How many it has had so far.
    pub values: usize,
    /// Combinations that can be held.
    pub most: usize,
}

impl Combinations {
    /// Combinations that are held at most.
    pub const MOST: usize = 1 << 22;

    /// None yet, of columns with these names.
    pub fn new(names: &[String]) -> Combinations {
        let level =
            |name: &String| Levels { name: name.clone(), calendar: None, values: Seen::Nothing };
        Combinations {
            columns: names.iter().map(level).collect(),
            ids: HashMap::new(),
            keys: Vec::new(),
        }
    }

    /// The names of the columns.
    pub fn names(&self) -> Vec<String> {
        self.columns.iter().map(|c| c.name.clone()).collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// True before the first row.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Takes in the rows of a table: for each the number of its combination. Columns that the table
    /// does not have are missing in all its rows.
    ///
    /// # Errors
    /// When there are more than [`Combinations::MOST`].
    pub fn add(&mut self, table: &Table, of_row: &mut Vec<u32>) -> Result<(), TooVaried> {
        let rows = table.rows();
        let codes: Vec<Vec<u32>> =
            self.columns.iter_mut().map(|c| c.codes(table.column(&c.name), rows)).collect();
        of_row.clear();
        let mut key = vec![0; codes.len()];
        for row in 0..rows {
            key.iter_mut().zip(&codes).for_each(|(k, codes)| *k = codes[row]);
            let id = match self.ids.get(key.as_slice()) {
                Some(id) => *id,
                None => {
                    let id = self.ids.len() as u32;
                    if self.ids.len() == Combinations::MOST {
                        return Err(self.too_varied());
                    }
                    self.keys.extend_from_slice(&key);
                    self.ids.insert(key.clone().into_boxed_slice(), id);
                    id
                }
            };
            of_row.push(id);
        }
        Ok(())
    }

    /// The numbers of the combinations in a table, all of which were there before; `None` if one was not.
    pub fn find(&mut self, table: &Table, of_row: &mut Vec<u32>) -> Option<()> {
        let before = self.len();
        self.add(table, of_row).ok()?;
        (self.len() == before).then_some(())
    }

    /// A table with one row per combination.
    ///
    /// # Errors
    /// When two columns share a name.
    pub fn table(&self) -> Result<Table, TableError> {
        let width = self.columns.len();
        let columns = self.columns.iter().enumerate().map(|(c, levels)| {
            let places = (0..self.len()).map(|id| self.keys[id * width + c] as usize);
            let mut column = match &levels.values {
                Seen::Texts(_, texts) => {
                    let texts: Vec<Option<&str>> = places.map(|p| texts[p].as_deref()).collect();
                    Column::text(&levels.name, &texts)
                }
                Seen::Numbers(_, values) => {
                    Column::numbers(&levels.name, places.map(|p| values[p]).collect())
                }
                Seen::Nothing => Column::numbers(&levels.name, vec![f64::NAN; self.len()]),
            };
            column.calendar = levels.calendar;
            column
        });
        Table::new(columns.collect())
    }

    fn too_varied(&self) -> TooVaried {
        let count = |c: &Levels| match &c.values {
            Seen::Nothing => 0,
            Seen::Numbers(_, values) => values.len(),
            Seen::Texts(_, texts) => texts.len(),
        };
        let widest = self.columns.iter().max_by_key(|c| count(c));
        TooVaried {
            names: self.names(),
            widest: widest.map(|c| c.name.clone()).unwrap_or_default(),
            values: widest.map_or(0, count),
            most: Combinations::MOST,
        }
    }
}

impl Levels {
    /// The place of every row's value in the list of values.
    fn codes(&mut self, column: Option<&Column>, rows: usize) -> Vec<u32> {
        let Some(column) = column else {
            let missing = self.number(f64::NAN);
            return vec![missing; rows];
        };
        self.calendar = column.calendar;
        match &column.values {
            Values::Text(factor) => {
                let missing = self.text(None);
                let of_level: Vec<u32> =
                    factor.levels.iter().map(|l| self.text(Some(&l.value))).collect();
                let mut codes = vec![Codes::NONE; rows];
                factor.codes.fill(0..rows, &mut codes);
                codes
                    .iter()
                    .map(|&c| of_level.get(c as usize).copied().unwrap_or(missing))
                    .collect()
            }
            // Few values: each is looked up once.
            Values::Numbers(numbers @ Numbers::I8(values)) => {
                let mut known = [u32::MAX; 256];
                (0..rows)
                    .map(|row| {
                        let at = values[row] as u8 as usize;
                        if known[at] == u32::MAX {
                            known[at] = self.number(numbers.get(row));
                        }
                        known[at]
                    })
                    .collect()
            }
            Values::Numbers(numbers) => {
                let (mut last, mut code) = (f64::NAN, self.number(f64::NAN));
                (0..rows)
                    .map(|row| {
                        let x = numbers.get(row);
                        if x.to_bits() != last.to_bits() {
                            (last, code) = (x, self.number(x));
                        }
                        code
                    })
                    .collect()
            }
        }
    }

    fn number(&mut self, x: f64) -> u32 {
        if matches!(self.values, Seen::Nothing) {
            self.values = Seen::Numbers(HashMap::new(), Vec::new());
        }
        match &mut self.values {
            Seen::Numbers(places, values) => {
                // All ways to write zero and a missing value are one.
                let x = if x.is_nan() { f64::NAN } else { x + 0.0 };
                *places.entry(x.to_bits()).or_insert_with(|| {
                    values.push(x);
                    (values.len() - 1) as u32
                })
            }
            _ => self.text(None),
        }
    }

    fn text(&mut self, text: Option<&str>) -> u32 {
        if !matches!(self.values, Seen::Texts(..)) {
            self.values = Seen::Texts(HashMap::new(), Vec::new());
        }
        let Seen::Texts(places, texts) = &mut self.values else { return 0 };
        let text = text.map(str::to_string);
        *places.entry(text.clone()).or_insert_with(|| {
            texts.push(text);
            (texts.len() - 1) as u32
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combinations_of_batches_are_those_of_the_whole() {
        let table = |n: &[f64], t: &[Option<&str>]| {
            Table::new(vec![Column::numbers("n", n.to_vec()), Column::text("t", t)]).unwrap()
        };
        let names = ["n".to_string(), "t".to_string()];
        let (mut found, mut of_row) = (Combinations::new(&names), Vec::new());
        // The levels of text are numbered anew in every batch.
        found
            .add(&table(&[1.0, 1.0, f64::NAN], &[Some("b"), Some("a"), None]), &mut of_row)
            .unwrap();
        assert_eq!(of_row, [0, 1, 2]);
        let second = table(&[1.0, 0.5, -0.0, 0.0], &[Some("a"), Some("b"), Some("c"), Some("c")]);
        assert_eq!(found.find(&second, &mut of_row), None);
        assert_eq!(of_row, [1, 3, 4, 4]);
        assert_eq!(found.find(&second, &mut of_row), Some(()));
        let all = found.table().unwrap();
        assert_eq!(all.rows(), 5);
        let n: Vec<f64> =
            (0..5).map(|r| all.column("n").unwrap().as_numbers().unwrap().get(r)).collect();
        assert_eq!(n[3..], [0.5, 0.0]);
        assert!(n[2].is_nan());
    }
}
