//! Rows of a table as a table of their own.

use super::codes::{Codes, Factor};
use super::column::{Column, Numbers, Values};
use super::table::Table;

impl Column {
    /// The column of the given rows, in that order; a row may occur several times.
    ///
    /// Labels stay; the counts of missing codes are those of the whole column, and are left out.
    ///
    /// # Panics
    /// When a row is not one of the column's.
    pub fn pick(&self, rows: &[u32]) -> Column {
        fn of<T: Copy>(values: &[T], rows: &[u32]) -> Vec<T> {
            rows.iter().map(|&r| values[r as usize]).collect()
        }
        let values = match &self.values {
            Values::Numbers(numbers) => Values::Numbers(match numbers {
                Numbers::I8(v) => Numbers::I8(of(v, rows)),
                Numbers::I16(v) => Numbers::I16(of(v, rows)),
                Numbers::I32(v) => Numbers::I32(of(v, rows)),
                Numbers::F64(v) => Numbers::F64(of(v, rows)),
            }),
            Values::Text(factor) => Values::Text(Factor {
                codes: match &factor.codes {
                    Codes::U8(v) => Codes::U8(of(v, rows)),
                    Codes::U16(v) => Codes::U16(of(v, rows)),
                    Codes::U32(v) => Codes::U32(of(v, rows)),
                },
                levels: factor.levels.clone(),
            }),
        };
        Column {
            name: self.name.clone(),
            label: self.label.clone(),
            values,
            value_labels: self.value_labels.clone(),
            missing: Vec::new(),
            calendar: self.calendar,
        }
    }
}

impl Table {
    /// The table with these columns only, in its own order.
    pub fn with_columns(&self, names: &[String]) -> Table {
        let mut some = Table::default();
        for column in self.columns().iter().filter(|c| names.contains(&c.name)) {
            // Names and lengths agree as they did before.
            let _ = some.push(column.clone());
        }
        some
    }

    /// The table of the given rows, in that order.
    ///
    /// # Panics
    /// When a row is not one of the table's.
    pub fn pick(&self, rows: &[u32]) -> Table {
        let mut picked = Table::default();
        for column in self.columns() {
            // Names and lengths agree as they did before.
            let _ = picked.push(column.pick(rows));
        }
        picked
    }
}
