//! What the page template is given.

use serde::Serialize;

use super::table::{self, Table};
use super::weighting::Weighting;
use crate::compare::ComparisonTable;
use crate::compare::test::TestTable;
use crate::estimate::EstimateTable;
use crate::report::chart::{self, HistogramChart, Layout, RowChart};
use crate::report::document::{DesignSummary, Document};
use crate::report::figure;
use crate::report::number::{self, Figures};
use crate::report::view;
use crate::report::words::{self, plural};

/// The whole page.
#[derive(Debug, Serialize)]
pub(super) struct Page<'a> {
    style: String,
    program: &'static str,
    title: &'a str,
    description: Option<&'a str>,
    source: Option<&'a str>,
    warnings: &'a [String],
    /// Key figures: value and what it is.
    facts: Vec<(String, String)>,
    /// Data and design: term and text.
    about: Vec<(&'static str, String)>,
    weighting: Option<Weighting>,
    estimates: Vec<Estimates<'a>>,
    comparisons: Vec<Comparisons<'a>>,
    tests: Vec<Tests<'a>>,
    flags: Vec<Flag>,
    standards: Vec<&'static str>,
    suppressed: bool,
    /// The confidence level, when all tables share one.
    level: Option<String>,
}

#[derive(Debug, Serialize)]
struct Estimates<'a> {
    id: String,
    title: &'a str,
    /// One line below the title.
    about: String,
    /// The value of a table that holds a single estimate, and its interval.
    headline: Option<(String, String)>,
    figures: Vec<Figure>,
    table: Table,
    /// How it was estimated: term and text.
    method: Vec<(&'static str, String)>,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Comparisons<'a> {
    id: String,
    title: &'a str,
    about: String,
    figures: Vec<Figure>,
    table: Table,
    notes: &'a [String],
}

#[derive(Debug, Serialize)]
struct Tests<'a> {
    id: String,
    title: &'a str,
    about: &'a str,
    table: Table,
    notes: &'a [String],
}

#[derive(Debug, Serialize)]
pub(super) struct Figure {
    caption: String,
    wide: String,
    narrow: String,
    /// What the reader must know about the marks.
    keys: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct Flag {
    class: &'static str,
    name: &'static str,
    meaning: &'static str,
    shown: &'static str,
    estimates: String,
}

impl<'a> Page<'a> {
    /// Everything the page shows of a document.
    pub(super) fn new(doc: &'a Document) -> Page<'a> {
        let mut numbers = Numbers::default();
        let weighting = (!doc.weighting.is_empty()).then(|| Weighting::new(doc, &mut numbers));
        let estimates: Vec<Estimates> = doc
            .estimates
            .iter()
            .enumerate()
            .map(|(i, table)| Estimates::new(i, table, &mut numbers))
            .collect();
        let comparisons: Vec<Comparisons> = doc
            .comparisons
            .iter()
            .enumerate()
            .map(|(i, table)| Comparisons::new(i, doc, table, &mut numbers))
            .collect();
        let tests: Vec<Tests> = doc
            .tests
            .iter()
            .enumerate()
            .map(|(i, table)| Tests::new(i, table, &mut numbers))
            .collect();
        let decisions = view::decisions(doc);
        let mut standards: Vec<&'static str> =
            doc.estimates.iter().filter_map(|t| t.standard).map(words::standard).collect();
        standards.dedup();
        let mut levels =
            doc.estimates.iter().map(|t| t.level).chain(doc.comparisons.iter().map(|t| t.level));
        let level = levels.next().filter(|first| levels.all(|l| l == *first));
        Page {
            style: format!("{}{}", super::STYLE, chart::STYLE),
            program: concat!("rakewell ", env!("CARGO_PKG_VERSION")),
            title: &doc.title,
            description: doc.description.as_deref(),
            source: doc.source.as_deref(),
            warnings: &doc.warnings,
            facts: facts(doc),
            about: about(doc),
            weighting,
            estimates,
            comparisons,
            tests,
            suppressed: decisions.iter().any(|(d, _)| *d == crate::estimate::Decision::Suppress),
            flags: decisions.into_iter().map(|(d, n)| Flag::new(d, n)).collect(),
            standards,
            level: level.map(words::level),
        }
    }
}

impl<'a> Estimates<'a> {
    fn new(i: usize, table: &'a EstimateTable, numbers: &mut Numbers) -> Estimates<'a> {
        let id = anchor("e", i, &table.name);
        let figures = Figures::of_table(table);
        let mut keys = Vec::new();
        if figure::has_caution(&table.rows) {
            keys.push("Hollow dots with dashed lines are flagged: read them with care.");
        }
        let charts = figure::of_estimates(table, &figures);
        let labels = view::outcome_labels(table);
        let drawn: Vec<Figure> = charts
            .iter()
            .enumerate()
            .map(|(j, chart)| {
                let mut keys = keys.clone();
                if chart.is_clipped() {
                    keys.push("An arrow means that the interval goes on beyond the axis.");
                }
                let part = match labels.get(j) {
                    Some(label) if charts.len() > 1 => format!(": {label}"),
                    _ => String::new(),
                };
                let caption = format!(
                    "Figure {}. {}{part}, with {} confidence intervals",
                    numbers.figure(),
                    table.title,
                    words::level(table.level)
                );
                Figure::new(&format!("{id}-f{j}"), chart, caption, keys)
            })
            .collect();
        let caption = format!("Table {}. {}", numbers.table(), table.title);
        let by: Vec<&str> = table.by.iter().map(|by| by.title.as_str()).collect();
        let mut about = words::statistic(table.statistic).to_string();
        if !by.is_empty() {
            about.push_str(&format!(" · {}", by.join(" × ")));
        }
        if let Some(population) = &table.population {
            about.push_str(&format!(" · Population: {population}"));
        }
        let headline = match (table.rows.as_slice(), figures.as_slice()) {
            ([row], [figures]) if !view::is_suppressed(row) && row.estimate.is_some() => Some((
                format!("{}{}", figures.value(row.estimate), figures.suffix()),
                format!(
                    "{} confidence interval {}",
                    words::level(table.level),
                    figures.interval(row.lower, row.upper)
                ),
            )),
            _ => None,
        };
        let mut method = vec![
            (
                "Interval",
                format!("{}, {}", words::level(table.level), words::interval(table.interval)),
            ),
            ("Variance", variance(table)),
            ("Degrees of freedom", words::df_rule(table.df_rule).to_string()),
            ("Weight", table.weight.clone()),
        ];
        if let Some(standard) = table.standard {
            method.push(("Quality standard", words::standard(standard).to_string()));
        }
        Estimates {
            table: table::of_estimates(table, format!("{id}-t"), caption),
            id,
            title: &table.title,
            about,
            headline,
            figures: drawn,
            method,
            notes: missing(table).into_iter().chain(table.notes.iter().cloned()).collect(),
        }
    }
}

impl<'a> Comparisons<'a> {
    fn new(
        i: usize,
        doc: &'a Document,
        table: &'a ComparisonTable,
        numbers: &mut Numbers,
    ) -> Comparisons<'a> {
        let id = anchor("c", i, &table.name);
        let compared = view::compared(doc, table);
        let figures = Figures::of_comparison(table, compared);
        let hidden: Vec<bool> = table.rows.iter().map(|row| row.rests_on_suppressed).collect();
        let chart = figure::of_comparisons(table, figures, &hidden);
        let mut keys = vec![match table.measure {
            crate::compare::Measure::Difference => {
                "An interval that does not reach the line at 0 is a difference that sampling \
                 error alone is unlikely to explain."
            }
            crate::compare::Measure::Ratio => {
                "An interval that does not reach the line at 1 is a difference that sampling \
                 error alone is unlikely to explain."
            }
            crate::compare::Measure::Function => {
                "Each value is a function of estimates; its interval follows from theirs."
            }
        }];
        if chart.is_clipped() {
            keys.push("An arrow means that the interval goes on beyond the axis.");
        }
        let caption = format!(
            "Figure {}. {}, with {} confidence intervals",
            numbers.figure(),
            table.title,
            words::level(table.level)
        );
        let figure = Figure::new(&format!("{id}-f"), &chart, caption, keys);
        let of = compared.map_or(table.estimate.as_str(), |t| t.title.as_str());
        let mut about = match table.measure {
            crate::compare::Measure::Function => "Functions of estimates".to_string(),
            measure => format!("{} of: {of}", words::measure(measure)),
        };
        if let Some(reference) = view::reference(table) {
            about.push_str(&format!(" · Compared with: {reference}"));
        }
        if let Some(adjustment) = &table.adjustment {
            about.push_str(&format!(" · p-values adjusted: {adjustment}"));
        }
        let caption = format!("Table {}. {}", numbers.table(), table.title);
        Comparisons {
            table: table::of_comparisons(table, figures, &hidden, format!("{id}-t"), caption),
            id,
            title: &table.title,
            about,
            figures: if table.rows.is_empty() { Vec::new() } else { vec![figure] },
            notes: &table.notes,
        }
    }
}

impl<'a> Tests<'a> {
    fn new(i: usize, table: &'a TestTable, numbers: &mut Numbers) -> Tests<'a> {
        let id = anchor("t", i, &table.name);
        let caption = format!("Table {}. {}", numbers.table(), table.title);
        Tests {
            table: table::of_tests(table, format!("{id}-t"), caption),
            id,
            title: &table.title,
            about: &table.method,
            notes: &table.notes,
        }
    }
}

impl Figure {
    pub(super) fn new(
        id: &str,
        chart: &RowChart,
        caption: String,
        keys: Vec<&'static str>,
    ) -> Figure {
        Figure {
            caption,
            wide: chart.draw(id, Layout::Wide),
            narrow: chart.draw(&format!("{id}n"), Layout::Narrow),
            keys,
        }
    }

    pub(super) fn histogram(id: &str, chart: &HistogramChart, caption: String) -> Figure {
        Figure {
            caption,
            wide: chart.draw(id, Layout::Wide),
            narrow: chart.draw(&format!("{id}n"), Layout::Narrow),
            keys: vec!["The line marks a factor of 1."],
        }
    }
}

impl Flag {
    fn new(decision: crate::estimate::Decision, n: usize) -> Flag {
        use crate::estimate::Decision;
        let (name, shown) = match decision {
            Decision::Show => ("", ""),
            Decision::Footnote => ("Footnote", "Shown in the tables; hollow in the charts."),
            Decision::Review => ("Review", "Shown in the tables; hollow in the charts."),
            Decision::Suppress => ("Suppressed", "Shown as “—”; not drawn in the charts."),
        };
        Flag {
            class: words::flag(decision),
            name,
            meaning: words::flag_meaning(decision),
            shown,
            estimates: plural(n, "estimate", "estimates"),
        }
    }
}

/// Counts figures and tables, so that each has a number.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    figures: usize,
    tables: usize,
}

impl Numbers {
    pub(super) fn figure(&mut self) -> usize {
        self.figures += 1;
        self.figures
    }

    pub(super) fn table(&mut self) -> usize {
        self.tables += 1;
        self.tables
    }
}

fn facts(doc: &Document) -> Vec<(String, String)> {
    let weights = doc.weighting.last().map(|step| &step.weights);
    // Rows of weight zero, such as those drawn into a second sample, are no respondents.
    let all = doc.data.population_rows as u64;
    let respondents = weights.map_or(all, |weights| all.min(weights.n));
    let mut facts = vec![(number::count(respondents), "respondents".to_string())];
    if let Some(weights) = weights {
        let n_eff = number::fixed(weights.n_eff, 0);
        facts.push((n_eff, "effective sample size by the weights".to_string()));
        facts.push((
            number::ratio(Some(weights.deff_kish)),
            "design effect of the weights".to_string(),
        ));
    }
    if let Some(psus) = doc.design.psus {
        facts.push((number::count(psus as u64), "primary sampling units".to_string()));
    }
    let estimates: usize = doc.estimates.iter().map(|t| t.rows.len()).sum();
    facts.push((
        number::count(estimates as u64),
        if estimates == 1 { "estimate" } else { "estimates" }.to_string(),
    ));
    facts
}

/// How many respondents had no value, over all domains and in the worst of them. Every outcome of
/// a table has the same domains, so those of the first are counted.
fn missing(table: &EstimateTable) -> Option<String> {
    let rows = || table.rows.iter().filter(|row| row.outcome == 0 && row.n_missing > 0);
    let share = |n: u64, missing: u64| {
        format!("{}%", number::fixed(100.0 * missing as f64 / (n + missing) as f64, 1))
    };
    let all: u64 = table.rows.iter().filter(|row| row.outcome == 0).map(|row| row.n).sum();
    let total: u64 = rows().map(|row| row.n_missing).sum();
    let worst = rows().max_by(|a, b| {
        let of =
            |row: &crate::estimate::Estimate| row.n_missing as f64 / (row.n + row.n_missing) as f64;
        of(a).total_cmp(&of(b))
    })?;
    let mut text = format!(
        "Left out because there was no value: {} ({})",
        plural(total as usize, "respondent", "respondents"),
        share(all, total)
    );
    if table.rows.len() > table.outcomes.len() {
        text.push_str(&format!("; at most {} of a group", share(worst.n, worst.n_missing)));
    }
    text.push('.');
    Some(text)
}

fn about(doc: &Document) -> Vec<(&'static str, String)> {
    let data = &doc.data;
    let mut about = vec![(
        "Data",
        format!(
            "{}: {} and {}",
            data.file,
            plural(data.rows, "row", "rows"),
            plural(data.columns, "column", "columns")
        ),
    )];
    if let Some(population) = &data.population {
        about.push((
            "Population",
            format!("{population} ({})", plural(data.population_rows, "row", "rows")),
        ));
    }
    let DesignSummary { description, strata, psus, replicates, df, lonely } = &doc.design;
    about.push(("Design", description.clone()));
    let counts: Vec<String> = [
        strata.map(|n| plural(n, "stratum", "strata")),
        psus.map(|n| plural(n, "primary sampling unit", "primary sampling units")),
        replicates.map(|n| plural(n, "replicate", "replicates")),
        df.map(|df| format!("{} degrees of freedom", number::degrees(Some(df)))),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !counts.is_empty() {
        about.push(("Size of the design", counts.join(", ")));
    }
    if let Some(lonely) = lonely {
        about.push(("Strata with one unit", lonely.clone()));
    }
    about
}

/// An id for a table: its name reduced to letters, digits and hyphens, and its position, which
/// makes it unique.
fn anchor(kind: &str, i: usize, name: &str) -> String {
    let name: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .collect();
    format!("{kind}{}-{name}", i + 1)
}
/// How the variance is estimated, and what stands beside it.
fn variance(table: &EstimateTable) -> String {
    match &table.replicates {
        None => table.variance.clone(),
        Some(beside) => format!("{}; beside it that of {beside}", table.variance),
    }
}
