//! Conditions of a design that some rows of a frame cannot answer.

use crate::data::Table;
use crate::data::expr::Expression;
use crate::diagnostic::Diagnostic;
use crate::sampling::Design;

/// Warnings of groups that are screened for, and of the `where` of samples and stages, whose condition is
/// not known for some rows, because a value is missing: these rows are taken not to fulfil it.
pub fn unknown_rows(design: &Design, table: &Table) -> Vec<Diagnostic> {
    let stages = || design.samples.iter().flat_map(|sample| &sample.stages);
    let screened = |g: usize| {
        let mut screenings = stages().filter_map(|stage| stage.screening.as_ref());
        screenings.any(|screening| screening.groups.contains(&g))
    };
    let groups = design.groups.iter().enumerate().filter(|(g, _)| screened(*g));
    let groups = groups.map(|(_, g)| (format!("who belongs to `{}`", g.name), g.is.as_ref()));
    let parts = design
        .samples
        .iter()
        .flat_map(|s| std::iter::once(&s.part).chain(s.stages.iter().map(|stage| &stage.part)))
        .map(|part| ("`where`".to_string(), part.as_ref()));
    let mut told: Vec<&str> = Vec::new();
    let mut found = Vec::new();
    for (what, condition) in groups.chain(parts) {
        let Some(condition) = condition else { continue };
        let count = unknown(condition, table);
        if count == 0 || told.contains(&condition.text()) {
            continue;
        }
        told.push(condition.text());
        let rows = if count == 1 { "1 row".to_string() } else { format!("{count} rows") };
        let message = format!(
            "{what} is not known for {rows} of the frame, where a value is missing: `{}` is taken not to hold there",
            condition.text()
        );
        let help = "fill the missing values in, or say with is_missing(…) what they mean";
        found.push(Diagnostic::warning(message).help(help));
    }
    found
}

/// Rows for which a condition is neither true nor false; what does not fit the frame is said elsewhere.
fn unknown(condition: &Expression, table: &Table) -> usize {
    condition.condition(table).map_or(0, |rows| rows.iter().filter(|c| c.is_none()).count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Column;

    #[test]
    fn rows_without_a_group_are_counted() {
        let text = "title = \"t\"\n[[group]]\nname = \"roma\"\nis = \"g == 1\"\n[[frame]]\nname = \"f\"\n\
                    [[sample]]\nname = \"boost\"\nframe = \"f\"\nwhere = \"region != 2\"\n[[sample.stage]]\nunit = \"person\"\n\
                    take = { value = 5, assumed = \"x\" }\n[sample.stage.screening]\ngroups = [\"roma\"]\n";
        let design = crate::sampling::from_text("design.toml", text, &[]).unwrap().design;
        let mut table = Table::default();
        table.push(Column::numbers("g", vec![1.0, f64::NAN, 0.0, f64::NAN])).unwrap();
        table.push(Column::numbers("region", vec![1.0, 2.0, 3.0, f64::NAN])).unwrap();
        let said: Vec<String> =
            unknown_rows(&design, &table).into_iter().map(|d| d.message).collect();
        assert_eq!(
            said,
            [
                "who belongs to `roma` is not known for 2 rows of the frame, where a value is missing: `g == 1` is \
                 taken not to hold there",
                "`where` is not known for 1 row of the frame, where a value is missing: `region != 2` is taken not to \
                 hold there",
            ]
        );
    }
}
