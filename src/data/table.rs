//! A table: columns of one length, found by name.

use std::collections::HashMap;

use super::column::Column;

/// What can be wrong with a set of columns.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// Two columns have the same name.
    #[error("two columns are named `{0}`")]
    DuplicateName(String),
    /// A column is longer or shorter than the first one.
    #[error("column `{name}` has {found} rows, the others have {expected}")]
    Length {
        /// The column.
        name: String,
        /// Its rows.
        found: usize,
        /// The rows of the first column.
        expected: usize,
    },
}

/// Columns of one length, in file order, found by name.
#[derive(Debug, Clone, Default)]
pub struct Table {
    columns: Vec<Column>,
    by_name: HashMap<String, usize>,
    rows: usize,
}

impl Table {
    /// A table of the given columns.
    ///
    /// # Errors
    /// When two columns share a name or differ in length.
    pub fn new(columns: Vec<Column>) -> Result<Table, TableError> {
        let mut table = Table { rows: columns.first().map_or(0, Column::len), ..Table::default() };
        for column in columns {
            table.push(column)?;
        }
        Ok(table)
    }

    /// Adds a column at the end.
    ///
    /// # Errors
    /// When the name is taken or the length differs.
    pub fn push(&mut self, column: Column) -> Result<(), TableError> {
        if self.columns.is_empty() {
            self.rows = column.len();
        }
        if column.len() != self.rows {
            return Err(TableError::Length {
                name: column.name.clone(),
                found: column.len(),
                expected: self.rows,
            });
        }
        if self.by_name.contains_key(&column.name) {
            return Err(TableError::DuplicateName(column.name));
        }
        self.by_name.insert(column.name.clone(), self.columns.len());
        self.columns.push(column);
        Ok(())
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The columns, in file order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The columns, in file order, for labelling.
    pub fn columns_mut(&mut self) -> &mut [Column] {
        &mut self.columns
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.by_name.get(name).map(|&i| &self.columns[i])
    }

    /// The column of that name, for labelling.
    pub fn column_mut(&mut self, name: &str) -> Option<&mut Column> {
        self.by_name.get(name).map(|&i| &mut self.columns[i])
    }

    /// All names, in file order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|c| c.name.as_str())
    }
}
