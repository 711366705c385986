//! The columns of a frame that a design asks for.

use std::collections::BTreeSet;

use crate::data::expr::Expression;
use crate::sampling::{Design, Quantity, Take};

/// The names of columns that drawing from a frame needs, among those it has; what the design asks for
/// beside them is found out when it is used.
pub fn columns_needed(design: &Design, known: &[String]) -> Vec<String> {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    let mut mentioned: Vec<&Expression> =
        design.groups.iter().filter_map(|g| g.is.as_ref()).collect();
    for sample in &design.samples {
        mentioned.extend(&sample.part);
        for stage in &sample.stages {
            mentioned.extend(stage.part.iter().chain(&stage.size).chain(&stage.spread));
            names.extend(
                stage.strata.iter().chain(&stage.sort).chain(&stage.balance).map(String::as_str),
            );
            names.extend(stage.id.as_deref());
            names.extend(stage.random_number.as_deref());
            let takes = stage.take.iter().chain(stage.cells.iter().map(|c| &c.take));
            for take in takes {
                if let Take::Number(Quantity::Formula(f))
                | Take::Rate(Quantity::Formula(f))
                | Take::Most(Quantity::Formula(f)) = take
                {
                    mentioned.push(f);
                }
            }
            for cell in &stage.cells {
                mentioned.extend(cell.part.iter().chain(&cell.size));
            }
        }
    }
    let in_formulas: BTreeSet<String> =
        mentioned.iter().flat_map(|e| e.columns()).map(|m| m.name).collect();
    known
        .iter()
        .filter(|k| names.contains(k.as_str()) || in_formulas.contains(*k))
        .cloned()
        .collect()
}
