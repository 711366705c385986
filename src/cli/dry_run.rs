//! How the plan of a run is shown.

use rakewell::study::{DryRun, FilePlan};

/// Columns that are listed by name.
const LISTED: usize = 12;

/// The plan as text.
pub(super) fn text(plan: &DryRun) -> String {
    let mut out = format!("{}\n\nReads\n", plan.title);
    for file in &plan.files {
        out.push_str(&one_file(file));
    }
    for other in &plan.others {
        out.push_str(&format!("  {}\n", other.display()));
    }
    let mut section = |title: &str, lines: &[String]| {
        if !lines.is_empty() {
            out.push_str(&format!("\n{title}\n"));
            lines.iter().for_each(|line| out.push_str(&format!("  {line}\n")));
        }
    };
    section("Does", &plan.steps);
    section("Estimates", &plan.estimates);
    let outputs: Vec<String> = plan.outputs.iter().map(|p| p.display().to_string()).collect();
    section("Would write", &outputs);
    let memory = match plan.memory {
        Some(bytes) => format!("about {} of memory at most", size(bytes)),
        None => {
            "as much memory as the data take: their rows, or the number of replicates, are not \
                 known before they are read"
                .to_string()
        }
    };
    out.push_str(&format!(
        "\nNeeds {memory}.\nNothing was read but headers; nothing was written.\n"
    ));
    out
}

fn one_file(file: &FilePlan) -> String {
    let rows = match (file.rows, file.exact) {
        (Some(rows), true) => format!("{rows} rows"),
        (Some(rows), false) => format!("about {rows} rows"),
        (None, _) => "rows not known".to_string(),
    };
    let joined = file.joined.as_ref().map_or(String::new(), |on| format!(", joined on {on}"));
    let shown = file.columns.iter().take(LISTED).map(String::as_str);
    let mut columns = shown.collect::<Vec<_>>().join(", ");
    if file.columns.len() > LISTED {
        columns.push_str(&format!(" and {} more", file.columns.len() - LISTED));
    }
    format!(
        "  {} ({}, {rows}){joined}\n    {} of {} columns: {columns}\n",
        file.path.display(),
        size(file.bytes),
        file.columns.len(),
        file.of
    )
}

/// A number of bytes for people.
pub(super) fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["bytes", "kB", "MB", "GB"] {
        if value < 1000.0 {
            let digits = usize::from(unit != "bytes" && value < 10.0);
            return format!("{value:.digits$} {unit}");
        }
        value /= 1000.0;
    }
    format!("{value:.1} TB")
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes() {
        assert_eq!(size(999), "999 bytes");
        assert_eq!(size(1_500), "1.5 kB");
        assert_eq!(size(48_000_000), "48 MB");
        assert_eq!(size(3_000_000_000_000), "3.0 TB");
    }
}
