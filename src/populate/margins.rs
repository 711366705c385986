//! The margins of a population, in the form that weighting reads.

use super::spec::Population;
use crate::data::{Codes, Table};

/// The text of a margin file: `variable,level,total`, one line per cell that somebody is in.
///
/// Names and levels that cross are joined by ` × `.
///
/// # Errors
/// The first name that is no column.
pub fn margins(given: &Population, table: &Table) -> Result<String, String> {
    let mut out = String::from("variable,level,total\n");
    for margin in &given.margin {
        let names = margin.by.list();
        let mut factors = Vec::new();
        for name in &names {
            factors.push(table.column(name).ok_or_else(|| (*name).to_string())?.as_factor());
        }
        let cells: usize = factors.iter().map(|f| f.levels.len().max(1)).product();
        let mut counts = vec![0_u64; cells.min(1 << 24)];
        for row in 0..table.rows() {
            let cell = factors.iter().try_fold(0_usize, |cell, f| {
                let code = f.codes.get(row);
                (code != Codes::NONE).then(|| cell * f.levels.len().max(1) + code as usize)
            });
            if let Some(count) = cell.and_then(|c| counts.get_mut(c)) {
                *count += 1;
            }
        }
        for (cell, count) in counts.iter().enumerate().filter(|c| *c.1 > 0) {
            let mut rest = cell;
            let mut parts: Vec<&str> = factors
                .iter()
                .rev()
                .map(|f| {
                    let level = rest % f.levels.len().max(1);
                    rest /= f.levels.len().max(1);
                    f.levels.get(level).map_or("", |l| l.text())
                })
                .collect();
            parts.reverse();
            let quoted = |t: &str| format!("\"{}\"", t.replace('"', "\"\""));
            out.push_str(&format!(
                "{},{},{count}\n",
                quoted(&names.join(" × ")),
                quoted(&parts.join(" × "))
            ));
        }
    }
    Ok(out)
}
