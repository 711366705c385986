//! The data sets, typed as `DATASETS.json` says.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rakewell::data::{Codes, Column, Factor, Level, Numbers, Table, Values};
use serde_json::Value;

use crate::case::{Run, Stop};

pub struct Cache {
    /// Where data and expected files are looked for, in this order.
    roots: Vec<PathBuf>,
    tables: HashMap<String, Arc<Table>>,
}

impl Cache {
    pub fn new(roots: &[PathBuf]) -> Cache {
        Cache { roots: roots.to_vec(), tables: HashMap::new() }
    }

    /// The first root that has the file; the first one where none has.
    fn root_with(&self, path: &str) -> &Path {
        let found = self.roots.iter().find(|r| r.join(path).is_file());
        found.unwrap_or(&self.roots[0])
    }

    /// The types of a data set's columns, as `DATASETS.json` says.
    fn types(&self, key: &str) -> Value {
        self.roots
            .iter()
            .filter_map(|r| std::fs::read_to_string(r.join("data/DATASETS.json")).ok())
            .filter_map(|text| serde_json::from_str::<Value>(&text).ok())
            .map(|all| all[key]["columns"].clone())
            .find(|columns| !columns.is_null())
            .unwrap_or(Value::Null)
    }

    /// The data set of a key, or of a path whose file name is the key.
    pub fn table(&mut self, key: &str) -> Run<Arc<Table>> {
        let key = key.trim_start_matches("data/").trim_end_matches(".csv").to_string();
        if let Some(table) = self.tables.get(&key) {
            return Ok(table.clone());
        }
        let path = format!("data/{key}.csv");
        let file = self.root_with(&path).join(&path);
        let table = read(&file, &self.types(&key))
            .map_err(|e| Stop::Unsupported(format!("data {}: {e}", file.display())))?;
        let table = Arc::new(table);
        self.tables.insert(key, table.clone());
        Ok(table)
    }

    /// A CSV of numbers that a case points to: header and rows.
    pub fn numbers(&self, path: &str) -> Result<(Vec<String>, Vec<Vec<f64>>), String> {
        numbers(&self.root_with(path).join(path))
    }
}

fn numbers(path: &Path) -> Result<(Vec<String>, Vec<Vec<f64>>), String> {
    let mut reader = csv::Reader::from_path(path).map_err(|e| e.to_string())?;
    let header = reader.headers().map_err(|e| e.to_string())?;
    let header = header.iter().map(str::to_string).collect();
    let rows = reader
        .records()
        .map(|r| {
            let r = r.map_err(|e| e.to_string())?;
            Ok(r.iter().map(|f| f.parse().unwrap_or(f64::NAN)).collect())
        })
        .collect::<Result<_, String>>()?;
    Ok((header, rows))
}

fn read(file: &Path, types: &Value) -> Result<Table, String> {
    let mut reader = csv::Reader::from_path(file).map_err(|e| e.to_string())?;
    let names: Vec<String> =
        reader.headers().map_err(|e| e.to_string())?.iter().map(str::to_string).collect();
    let mut cells: Vec<Vec<String>> = vec![Vec::new(); names.len()];
    for record in reader.records() {
        let record = record.map_err(|e| e.to_string())?;
        for (column, field) in cells.iter_mut().zip(&record) {
            column.push(field.to_string());
        }
    }
    let columns = names
        .iter()
        .zip(cells)
        .map(|(name, cells)| {
            let typed = types.as_array().and_then(|t| t.iter().find(|c| c["name"] == **name));
            match typed.and_then(|t| t["type"].as_str()) {
                Some("factor") => {
                    factor(name, &cells, &crate::case::names(&typed.unwrap()["levels"]))
                }
                Some("string") => text(name, &cells),
                Some(_) => Column::numbers(name, parse(&cells)),
                None if cells.iter().all(|c| c.is_empty() || c.parse::<f64>().is_ok()) => {
                    Column::numbers(name, parse(&cells))
                }
                None => text(name, &cells),
            }
        })
        .collect();
    Table::new(columns).map_err(|e| e.to_string())
}

fn parse(cells: &[String]) -> Vec<f64> {
    cells.iter().map(|c| c.parse().unwrap_or(f64::NAN)).collect()
}

fn text(name: &str, cells: &[String]) -> Column {
    let values: Vec<Option<&str>> =
        cells.iter().map(|c| (!c.is_empty()).then_some(c.as_str())).collect();
    Column::text(name, &values)
}

fn factor(name: &str, cells: &[String], levels: &[String]) -> Column {
    let codes: Vec<u32> = cells
        .iter()
        .map(|c| levels.iter().position(|l| l == c).map_or(Codes::NONE, |p| p as u32))
        .collect();
    let codes = Codes::pack(&codes, levels.len());
    let levels = levels.iter().map(Level::new).collect();
    Column::from_values(name, Values::Text(Factor { codes, levels }))
}

/// Numbers of a column.
pub fn numeric<'a>(table: &'a Table, name: &str) -> Run<&'a Numbers> {
    let column =
        table.column(name).ok_or_else(|| Stop::Unsupported(format!("no column {name}")))?;
    column.as_numbers().ok_or_else(|| Stop::Unsupported(format!("{name} is not numeric")))
}
