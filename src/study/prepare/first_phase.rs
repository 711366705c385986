//! Calibration of a second phase to totals of the first.

use std::sync::Arc;

use super::Work;
use super::data::columns;
use super::design::Built;
use crate::aggregate::{XColumns, XTerm};
use crate::data::{Codes, Table};
use crate::numeric::Sum;
use crate::study::limits;
use crate::study::places::KeyPath;
use crate::study::spec::{Distance as GivenDistance, Weighting};
use crate::weight::{Bounds, CalibrationOptions, Distance, Ledger, Totals};

/// Calibrates the second phase to totals of the first, with the weights of that.
pub(super) fn to_first_phase(
    work: &mut Work<'_>,
    path: &KeyPath,
    step: &Weighting,
    table: &Table,
    built: &Built,
    ledger: &mut Ledger,
) -> Option<()> {
    let at = path.key("first-phase");
    let Some(weights) = &built.design.first_phase_weights else {
        let message = "the design has no second phase";
        work.error(&at, message, Some("describe it as `phase2` of `[design]`".to_string()));
        return None;
    };
    // The size of the first phase is met too.
    let mut terms = vec![XTerm { codes: None, values: None, width: 1 }];
    let mut names = vec!["size".to_string()];
    for column in columns(table, step.first_phase.as_ref()) {
        let as_category = column.as_numbers().is_none() || !column.value_labels.is_empty();
        let missing =
            (0..table.rows()).filter(|&r| weights[r] != 0.0).find(|&r| match as_category {
                true => column.as_factor().codes.get(r) == Codes::NONE,
                false => column.as_numbers().is_none_or(|n| n.get(r).is_nan()),
            });
        if let Some(row) = missing {
            let message = format!("`{}` has no value in row {}", column.name, row + 1);
            let help = "every row of the first phase needs a value to be summed";
            work.error(&at, message, Some(help.to_string()));
            return None;
        }
        if as_category {
            let factor = column.as_factor();
            let levels = factor.levels.iter().map(|l| format!("{} {}", column.name, l.text()));
            names.extend(levels);
            let width = factor.levels.len();
            terms.push(XTerm { codes: Some(Arc::new(factor.codes)), values: None, width });
        } else if let Some(numbers) = column.as_numbers() {
            names.push(column.name.clone());
            terms.push(XTerm { codes: None, values: Some(Arc::new(numbers.clone())), width: 1 });
        }
    }
    let x = XColumns { terms };
    if let Err((message, help)) = limits::calibration(x.width()) {
        work.error(&at, message, Some(help));
        return None;
    }
    let mut targets = vec![Sum::new(); x.width()];
    for (row, w) in weights.iter().enumerate().filter(|(_, w)| **w != 0.0) {
        x.row(row).for_each(|(c, v)| targets[c].add(w * v));
    }
    let targets = targets.into_iter().map(Sum::value).collect();
    let totals = Totals { x, targets, names, ..Totals::default() };
    let bounds = step.bounds.map(|[lower, upper]| Bounds { lower, upper });
    let distance = match (step.distance, bounds) {
        (Some(GivenDistance::Raking), b) => Distance::Raking(b),
        (Some(GivenDistance::Sinh), b) => Distance::Sinh(b),
        (Some(GivenDistance::Logit), Some(b)) => Distance::Logit(b),
        (_, b) => Distance::Linear(b),
    };
    let mut options = CalibrationOptions::new(distance);
    if let Some(iterations) = step.iterations {
        options.iterations = iterations;
    }
    if let Err(e) = ledger.calibrate(&totals, &options, false) {
        let help = "a level of the first phase is rare or absent in the second: join levels";
        work.error(&at, &e, Some(help.to_string()));
        return None;
    }
    ledger.to_first_phase();
    Some(())
}
