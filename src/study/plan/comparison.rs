//! From `[[compare]]` to tables of comparisons.

use super::super::limits;
use super::scalar_text;
use crate::compare::{Adjustment, ComparisonTable, ContrastSpec, Measure, contrast};
use crate::diagnostic::{Diagnostic, nearest};
use crate::estimate::EstimateTable;
use crate::study::places::KeyPath;
use crate::study::prepare::Prepared;
use crate::study::spec::{Adjust as GivenAdjust, Compare};

/// The table of the `i`-th `[[compare]]`.
///
/// # Errors
/// A level that there is not, nothing to compare, too many comparisons.
pub(super) fn comparison(
    prepared: &Prepared,
    path: &KeyPath,
    i: usize,
    given: &Compare,
    table: &EstimateTable,
) -> Result<ComparisonTable, Diagnostic> {
    let wrong = |key: &str, message: String, help: Option<String>| {
        let mut d = Diagnostic::error(message).at(Some(prepared.places.value(&path.key(key))));
        d.help = help;
        d
    };
    if table.by.is_empty() {
        let message = format!("`{}` has no groups to compare", given.estimate);
        return Err(wrong("estimate", message, Some("give the estimate a `by`".to_string())));
    }
    let across = match &given.across {
        None => 0,
        Some(name) => table.by.iter().position(|b| b.variable == *name).unwrap_or(0),
    };
    let by = &table.by[across];
    let reference = match &given.reference {
        None => None,
        Some(level) => {
            let text = scalar_text(level);
            let Some(found) = level_of(prepared, &by.variable, &by.levels, &text) else {
                let help = nearest(&text, by.levels.iter().map(String::as_str))
                    .map(|n| format!("did you mean `{n}`?"))
                    .or_else(|| Some(format!("it has {}", by.levels.join(", "))));
                let message = format!("`{}` has no level `{text}`", by.variable);
                return Err(wrong("reference", message, help));
            };
            Some(found)
        }
    };
    let tables = table.rows.len() / by.levels.len().max(1);
    if let Err((message, help)) =
        limits::comparisons(by.levels.len(), tables, given.reference.is_none())
    {
        return Err(wrong("estimate", message, Some(help)));
    }
    let measure = given.measure.unwrap_or(Measure::Difference);
    let title = given.title.clone().unwrap_or_else(|| {
        let what = if measure == Measure::Ratio { "Ratios" } else { "Differences" };
        format!("{what} by {}: {}", by.title, table.title)
    });
    let spec = ContrastSpec {
        name: given.name.clone().unwrap_or_else(|| format!("comparison-{}", i + 1)),
        title,
        measure,
        across,
        reference,
        adjust: adjustment(given.adjust),
        level: table.level,
    };
    Ok(contrast(table, &spec))
}

/// The place among the levels of a table, which are labels, of the one that a label or code names.
pub(super) fn level_of(
    prepared: &Prepared,
    variable: &str,
    levels: &[String],
    text: &str,
) -> Option<usize> {
    let code = prepared.table.column(variable).and_then(|column| {
        let factor = column.as_factor();
        factor.position(text).map(|p| factor.levels[p].text().to_string())
    });
    let label = code.as_deref().unwrap_or(text);
    levels.iter().position(|level| level == label)
}

/// How p-values are adjusted.
pub(in crate::study) fn adjustment(given: Option<GivenAdjust>) -> Option<Adjustment> {
    match given {
        None | Some(GivenAdjust::None) => None,
        Some(GivenAdjust::Bonferroni) => Some(Adjustment::Bonferroni),
        Some(GivenAdjust::Holm) => Some(Adjustment::Holm),
        Some(GivenAdjust::BenjaminiHochberg) => Some(Adjustment::BenjaminiHochberg),
    }
}
