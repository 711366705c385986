//! A simulation as a page.

use super::chart;
use super::measure::Simulation;
use super::text::figure;
use crate::report::chart::{STYLE, escape};
use crate::report::number;

const OWN: &str = "\
body { font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; \
max-width: 1080px; margin: 2rem auto; padding: 0 1rem; color: #1c2733; background: #fff; }
h1 { font-size: 1.7rem; line-height: 1.2; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
th, td { padding: .28rem .7rem; border-bottom: 1px solid #e3e8ec; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } thead th { border-bottom: 2px solid #7c8a96; }
td.low { color: #b03a0c; font-weight: 650; } .quiet { color: #5a6773; }
.chart .c-band { fill: var(--c); fill-opacity: .1; stroke: none; }
@media (prefers-color-scheme: dark) { body { color: #e7ecf0; background: #12181d; }
th, td { border-color: #2b343c; } td.low { color: #f0a35e; } .quiet { color: #a4b0bb; } }";

/// The page: what was simulated, the chart of coverage by group size, and a table for every estimate
/// of the study.
pub fn html(found: &Simulation) -> String {
    let spread = 1.96
        * (found.confidence * (1.0 - found.confidence) / found.replicates.max(1) as f64).sqrt();
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en-GB\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>\n{STYLE}\n{OWN}\n</style>\n</head>\n<body>\n<main>\n<p class=\"quiet\">{program}</p>\n<h1>{title}</h1>\n\
         <p>Drawn {reps} times from a population of {rows} (seed {seed}), answered, weighted and estimated each \
         time by the study <em>{study}</em>.</p>\n<ul>\n",
        title = escape(&format!("Simulation: {}", found.design)),
        program = concat!("rakewell ", env!("CARGO_PKG_VERSION")),
        reps = number::count(found.replicates as u64),
        rows = number::count(found.population as u64),
        seed = found.seed,
        study = escape(&found.study),
    );
    for (name, rows) in &found.samples {
        out.push_str(&format!(
            "<li>sample <em>{}</em>: {} take part on average</li>\n",
            escape(name),
            number::count(rows.round() as u64)
        ));
    }
    if found.failed > 0 {
        out.push_str(&format!(
            "<li>{} draws could not be estimated; the first: {}</li>\n",
            found.failed,
            escape(found.failure.as_deref().unwrap_or_default())
        ));
    }
    out.push_str("</ul>\n<h2>Can the intervals be trusted?</h2>\n");
    out.push_str(&format!(
        "<p>Each dot is one estimate. Intervals of {:.0} % should contain the truth in that share of the draws; \
         with {} draws, chance leaves the shaded band.</p>\n{}\n",
        100.0 * found.confidence,
        found.replicates,
        chart::coverage(found)
    ));
    let mut last: Option<&str> = None;
    for cell in &found.cells {
        if last != Some(cell.table.as_str()) {
            if last.is_some() {
                out.push_str("</tbody>\n</table>\n</div>\n");
            }
            out.push_str(&format!(
                "<h2>{}</h2>\n<div class=\"scroll\" tabindex=\"0\">\n<table>\n<thead><tr><th scope=\"col\">Group</th>\
                 <th scope=\"col\">n</th><th scope=\"col\">Truth</th><th scope=\"col\">Bias</th>\
                 <th scope=\"col\">True SE</th><th scope=\"col\">Estimated SE</th><th scope=\"col\">Coverage</th>{}\
                 </tr></thead>\n<tbody>\n",
                escape(&cell.title),
                if found.general.is_some() { "<th scope=\"col\">n alone</th><th scope=\"col\">Gain</th>" } else { "" }
            ));
            last = Some(&cell.table);
        }
        let m = &cell.design;
        let low = m.coverage.is_some_and(|c| c < found.confidence - spread);
        let label = if cell.domain == "All" {
            cell.outcome.clone()
        } else {
            format!("{} · {}", cell.outcome, cell.domain)
        };
        out.push_str(&format!(
            "<tr><td>{}</td><td>{:.0}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td{}>{}</td>",
            escape(&label),
            m.n,
            figure(Some(cell.truth)),
            figure(m.bias),
            figure(m.true_se),
            figure(m.estimated_se),
            if low { " class=\"low\"" } else { "" },
            m.coverage.map_or("n/a".to_string(), |c| format!("{:.1} %", 100.0 * c)),
        ));
        if let Some(general) = &cell.general {
            out.push_str(&format!(
                "<td>{:.0}</td><td>{}</td>",
                general.n,
                cell.gain().map_or("n/a".to_string(), |g| format!("{g:.2}"))
            ));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
    if let Some(general) = &found.general {
        out.push_str(&format!(
            "<p class=\"quiet\">Gain: mean squared error of sample <em>{}</em> alone ÷ that of the whole design; \
             n alone: people of the group in it.</p>\n",
            escape(general)
        ));
    }
    out.push_str(
        "<p class=\"quiet\">True SE: standard deviation of the estimates over the draws. Estimated SE: root of the mean \
         of the estimated variances.</p>\n</main>\n</body>\n</html>\n",
    );
    out
}
