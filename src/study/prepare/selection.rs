//! Stages of selection, from counts or probabilities.

use std::sync::Arc;

use super::Work;
use crate::data::Table;
use crate::study::not_numeric::not_numeric;
use crate::study::places::KeyPath;
use crate::study::spec::{Count, Names, Weighting};
use crate::weight::{Ledger, Selection, WeightError};

pub(super) fn carry_out(
    work: &mut Work<'_>,
    path: &KeyPath,
    step: &Weighting,
    table: &Table,
    ledger: &mut Ledger,
) -> Option<Result<(), WeightError>> {
    let mut factors = vec![1.0; table.rows()];
    let from = match (&step.eligible_count, &step.probabilities) {
        (Some(names), _) => {
            let above = columns(work, &path.key("eligible-count"), names, table)?;
            each(&mut factors, &above, |f, n| f * n);
            let selected = match &step.selected_count {
                None => "1".to_string(),
                Some(Count::Number(n)) => {
                    factors.iter_mut().for_each(|f| *f /= n.powi(above.len() as i32));
                    n.to_string()
                }
                Some(Count::One(name)) => {
                    let names = Names::One(name.clone());
                    let below = columns(work, &path.key("selected-count"), &names, table)?;
                    each(&mut factors, &below, |f, n| f / n);
                    name.clone()
                }
                Some(Count::Many(names)) => {
                    let many = Names::Many(names.clone());
                    let below = columns(work, &path.key("selected-count"), &many, table)?;
                    each(&mut factors, &below, |f, n| f / n);
                    names.join(" × ")
                }
            };
            format!("{} / {selected}", names.list().join(" × "))
        }
        (None, Some(names)) => {
            let below = columns(work, &path.key("probabilities"), names, table)?;
            each(&mut factors, &below, |f, p| f / p);
            format!("1 / {}", names.list().join(" × "))
        }
        (None, None) => return None,
    };
    Some(ledger.select(Selection { factors: Arc::new(factors), cap: step.cap, from }))
}

fn each(factors: &mut [f64], columns: &[Vec<f64>], with: impl Fn(f64, f64) -> f64) {
    for column in columns {
        factors.iter_mut().zip(column).for_each(|(f, x)| *f = with(*f, *x));
    }
}

fn columns(
    work: &mut Work<'_>,
    path: &KeyPath,
    names: &Names,
    table: &Table,
) -> Option<Vec<Vec<f64>>> {
    let mut found = Vec::new();
    for name in names.list() {
        let column = table.column(name)?;
        let Some(numbers) = column.as_numbers() else {
            let (message, help) = not_numeric(column, "for a stage of selection");
            work.error(path, message, Some(help.to_string()));
            return None;
        };
        found.push(numbers.to_vec());
    }
    Some(found)
}
