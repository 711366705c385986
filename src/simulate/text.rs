//! A simulation as text: for the terminal, and as CSV.

use super::measure::{Cell, Simulation};
use crate::report::number;

/// The table for the terminal.
pub fn terminal(found: &Simulation) -> String {
    let mut out = format!(
        "{}\nstudied with: {}\n{} draws from a population of {} (seed {})\n",
        found.design,
        found.study,
        number::count(found.replicates as u64),
        number::count(found.population as u64),
        found.seed
    );
    for (name, rows) in &found.samples {
        out.push_str(&format!(
            "  sample `{name}`: {} take part on average\n",
            number::count(rows.round() as u64)
        ));
    }
    if found.failed > 0 {
        out.push_str(&format!(
            "  {} of {} draws could not be estimated; the first: {}\n",
            found.failed,
            found.replicates,
            found.failure.as_deref().unwrap_or_default()
        ));
    }
    let compared = found.general.is_some();
    let mut last = String::new();
    for cell in &found.cells {
        let heading = format!("{} ({})", cell.title, cell.table);
        if heading != last {
            out.push_str(&format!("\n{heading}\n"));
            out.push_str(&format!(
                "{:<44} {:>8} {:>10} {:>10} {:>10} {:>10} {:>9}{}\n",
                "",
                "n",
                "truth",
                "bias",
                "true SE",
                "est. SE",
                "coverage",
                if compared { "      gain" } else { "" }
            ));
            last = heading;
        }
        let mut label =
            if cell.domain == "All" { cell.outcome.clone() } else { cell.domain.clone() };
        if cell.domain != "All"
            && found.cells.iter().any(|c| c.table == cell.table && c.outcome != cell.outcome)
        {
            label = format!("{} · {}", cell.outcome, cell.domain);
        }
        let m = &cell.design;
        out.push_str(&format!(
            "{:<44} {:>8.0} {:>10} {:>10} {:>10} {:>10} {:>9}{}\n",
            shortened(&label, 44),
            m.n,
            figure(Some(cell.truth)),
            figure(m.bias),
            figure(m.true_se),
            figure(m.estimated_se),
            m.coverage.map_or("n/a".to_string(), |c| format!("{:.1} %", 100.0 * c)),
            if compared {
                format!("{:>10}", cell.gain().map_or("n/a".to_string(), |g| format!("{g:.2}")))
            } else {
                String::new()
            }
        ));
    }
    out.push_str(&format!(
        "\nIntervals of {:.0} %; the coverage of {} draws is known to about ±{:.1} points.\n",
        100.0 * found.confidence,
        found.replicates,
        196.0
            * (found.confidence * (1.0 - found.confidence) / found.replicates.max(1) as f64).sqrt()
    ));
    if let Some(general) = &found.general {
        out.push_str(&format!(
            "gain: mean squared error of sample `{general}` alone ÷ that of the whole design\n"
        ));
    }
    out
}

fn shortened(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_string();
    }
    text.chars().take(width - 1).chain(['…']).collect()
}

/// Four significant digits.
pub(super) fn figure(x: Option<f64>) -> String {
    let Some(x) = x else { return "n/a".to_string() };
    let size = x.abs();
    match size {
        0.0 => "0".to_string(),
        _ if !(1e-5..1e7).contains(&size) => format!("{x:.2e}"),
        _ => {
            let decimals = (3 - size.log10().floor() as i32).clamp(0, 6) as usize;
            format!("{x:.decimals$}")
        }
    }
}

/// One line for each estimate, all measures.
pub fn csv(found: &Simulation) -> String {
    let mut out = String::from(
        "table,outcome,domain,population,truth,replicates,n,mean,bias,bias_error,true_se,estimated_se,mse,\
         coverage,coverage_error,half_width,general_n,general_bias,general_true_se,general_mse,general_coverage,gain\n",
    );
    for cell in &found.cells {
        out.push_str(&line(cell));
    }
    out
}

fn line(cell: &Cell) -> String {
    let quoted = |t: &str| format!("\"{}\"", t.replace('"', "\"\""));
    let number = |x: Option<f64>| x.map_or(String::new(), |x| x.to_string());
    let (m, g) = (&cell.design, cell.general.as_ref());
    let mut fields = vec![
        quoted(&cell.table),
        quoted(&cell.outcome),
        quoted(&cell.domain),
        cell.population.to_string(),
        cell.truth.to_string(),
        m.replicates.to_string(),
        m.n.to_string(),
    ];
    fields.extend(
        [
            m.mean,
            m.bias,
            m.bias_error,
            m.true_se,
            m.estimated_se,
            m.mse,
            m.coverage,
            m.coverage_error,
            m.half_width,
        ]
        .map(number),
    );
    fields.push(number(g.map(|g| g.n)));
    fields.extend(
        [
            g.and_then(|g| g.bias),
            g.and_then(|g| g.true_se),
            g.and_then(|g| g.mse),
            g.and_then(|g| g.coverage),
            cell.gain(),
        ]
        .map(number),
    );
    format!("{}\n", fields.join(","))
}
