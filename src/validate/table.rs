//! Validation results for the terminal.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Table};

use super::compare::Row;
use super::{CaseResult, Validation};

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Every number.
    All,
    /// Numbers that differ, and one line for every case that agrees.
    Differences,
}

/// The results as text, source by source, with the summary as the last line.
pub fn render(validation: &Validation, detail: Detail) -> String {
    let mut out = String::new();
    let mut sources: Vec<&str> = Vec::new();
    for result in &validation.cases {
        if !sources.contains(&result.file.case.source.as_str()) {
            sources.push(&result.file.case.source);
        }
    }
    for source in sources {
        let cases: Vec<&CaseResult> =
            validation.cases.iter().filter(|c| c.file.case.source == source).collect();
        out += &format!("{source}\n");
        let mut citations: Vec<&str> = Vec::new();
        for result in &cases {
            let citation = result.file.case.citation.trim();
            if !citations.contains(&citation) {
                citations.push(citation);
                out += &format!("  {citation}\n");
            }
        }
        out.push('\n');
        for result in cases {
            out += &case(result, detail);
        }
    }
    out + &validation.summary() + "\n"
}

fn case(result: &CaseResult, detail: Detail) -> String {
    let case = &result.file.case;
    let mut out = format!("  {}", case.title);
    if let Some(place) = &case.place {
        out += &format!(" ({place})");
    }
    out += &format!(": {} of {} agree\n", result.agree(), result.values());
    match &result.rows {
        Err(diagnostics) => {
            out += "    the study could not be run:\n";
            for line in diagnostics.to_string().lines() {
                out += &format!("    {line}\n");
            }
        }
        Ok(rows) => {
            let shown: Vec<&Row> =
                rows.iter().filter(|r| detail == Detail::All || !r.agrees()).collect();
            if shown.is_empty() {
                return out;
            }
            if let Some(url) = &case.url {
                out += &format!("    {url}\n");
            }
            out += &numbers(&shown);
        }
    }
    if let (Some(note), true) = (&case.note, detail == Detail::All) {
        out += &format!("    Note: {}\n", note.trim());
    }
    out.push('\n');
    out
}

fn numbers(rows: &[&Row]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["", "quantity", "published", "ours", "difference", ""]);
    for row in rows {
        let (ours, difference) = match (row.ours, row.difference()) {
            (Some(ours), Some(difference)) => {
                (row.published.format_like(ours), format!("{difference:+.1e}"))
            }
            _ => ("–".to_string(), String::new()),
        };
        let verdict = match (&row.problem, row.agrees()) {
            (Some(problem), _) => problem.clone(),
            (None, true) => "agrees".to_string(),
            (None, false) => format!("differs (allowed ±{:.1e})", row.tolerance),
        };
        let published = row.published.text.clone();
        let quantity = row.quantity.name().to_string();
        table.add_row([row.what.clone(), quantity, published, ours, difference, verdict]);
    }
    for column in 2..5 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut out = String::new();
    for line in table.to_string().lines() {
        out += &format!("   {}\n", line.trim_end());
    }
    out
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use super::super::case::CaseFile;
    use super::super::compare::compare;
    use super::super::fixtures::document;
    use super::*;
    use crate::diagnostic::Source;

    fn validation() -> Validation {
        let text = r#"
title = "Means"
source = "A book"
citation = "A. Author (1999), A book"
place = "p. 7"
note = "Totals are left out."
expect = [
  { estimate = "mean", quantity = "estimate", value = "12.34" },
  { estimate = "mean", quantity = "se", value = "0.4" },
  { estimate = "other", quantity = "se", value = "0.4" },
]
"#;
        let case = toml::from_str(text).unwrap();
        let rows = Ok(compare(&case, None, &document(12.34, 0.2)));
        let source = Arc::new(Source { name: "case.toml".into(), text: text.into() });
        let file = CaseFile { path: PathBuf::from("case.toml"), source, case };
        Validation { cases: vec![CaseResult { file, rows }] }
    }

    #[test]
    fn shows_ours_beside_the_published_number() {
        let text = render(&validation(), Detail::All);
        assert!(text.starts_with("A book\n  A. Author (1999), A book\n"), "{text}");
        assert!(text.contains("Means (p. 7): 1 of 3 agree"), "{text}");
        let line = text.lines().find(|l| l.contains("12.34 ")).unwrap();
        assert!(line.contains("12.3400") && line.ends_with("agrees"), "{line}");
        let line = text.lines().find(|l| l.contains("differs")).unwrap();
        assert!(line.contains("0.200") && line.contains("-2.0e-1"), "{line}");
        assert!(text.contains("Totals are left out."), "{text}");
        assert!(
            text.ends_with("validate: 3 values in 1 case from 1 source: 1 agree, 2 differ\n"),
            "{text}"
        );
    }

    #[test]
    fn differences_alone_on_request() {
        let text = render(&validation(), Detail::Differences);
        assert!(!text.contains("agrees") && text.contains("differs"), "{text}");
        assert!(text.contains("no estimate `other`"), "{text}");
    }
}
