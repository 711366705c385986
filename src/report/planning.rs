//! A plan as terminal text, HTML, CSV and JSON.

use crate::planning::{
    ComparisonPlan, DomainPlan, Measure, Optimum, Plan, SamplePlan, TargetPlan, money,
};

use super::error::ReportError;
use super::number;
use super::optimum;
use super::sheet::{Grid, Part, Sheet};

/// A plan as text for a terminal of `width` columns, with ANSI codes only if `color`. Its warnings are not in
/// it: they are shown as those of a file are.
pub fn plan_text(plan: &Plan, width: usize, color: bool) -> String {
    sheet(plan).text(width.max(60), color)
}

/// A plan as one self-contained page of HTML.
pub fn plan_html(plan: &Plan) -> String {
    let mut sheet = sheet(plan);
    if !plan.warnings.0.is_empty() {
        let mut part = Part::new("To be checked");
        part.list = plan.warnings.0.iter().map(ToString::to_string).collect();
        sheet.parts.insert(0, part);
    }
    sheet.html()
}

/// A plan as JSON: everything, unrounded.
///
/// # Errors
/// [`ReportError::Json`], which would be a mistake in rakewell.
pub fn plan_json(plan: &Plan) -> Result<String, ReportError> {
    Ok(format!("{}\n", serde_json::to_string_pretty(plan)?))
}

/// The domains of a plan as CSV, one row per domain and design (as written, and the one that meets the
/// targets).
pub fn plan_csv(plan: &Plan) -> String {
    let mut out = String::from(
        "design,domain,population,coverage,n,n_effective,deff,deff_weights,proportion,half_width,cv,\
         target,wanted,reached,met\n",
    );
    let mut add = |design: &str, domains: &[DomainPlan]| {
        for domain in domains {
            let optional = |x: Option<f64>| x.map_or_else(String::new, |x| x.to_string());
            let mut common = vec![
                design.to_string(),
                quoted(&domain.label),
                domain.population.to_string(),
                domain.coverage.to_string(),
                domain.n.to_string(),
            ];
            common.extend([domain.n_effective, domain.deff, domain.deff_weights].map(optional));
            common.push(domain.proportion.to_string());
            common.extend([domain.half_width, domain.cv].map(optional));
            let common = common.join(",");
            if domain.targets.is_empty() {
                out.push_str(&format!("{common},,,,\n"));
            }
            for t in &domain.targets {
                let name = measure(t.measure);
                out.push_str(&format!("{common},{name},{},{},{}\n", t.wanted, t.reached, t.met));
            }
        }
    };
    add("as written", &plan.domains);
    if let Some(Optimum::Optimal { domains, .. }) = &plan.optimum {
        add("optimal", domains);
    }
    out
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.into()
    }
}

fn measure(measure: Measure) -> &'static str {
    match measure {
        Measure::HalfWidth => "half-width",
        Measure::Cv => "cv",
        Measure::NEffective => "n-effective",
        Measure::N => "n",
    }
}

pub(super) fn whole(x: f64) -> String {
    number::count(x.round().clamp(0.0, 1e15) as u64)
}

pub(super) fn points(x: Option<f64>) -> String {
    x.map_or_else(|| number::NOT_AVAILABLE.to_string(), |x| number::fixed(100.0 * x, 1))
}

/// Half the width of an interval, in points: beyond 50 it holds every proportion.
fn half_width(x: Option<f64>) -> String {
    if x.is_some_and(|x| x > 0.5) { "over 50".to_string() } else { points(x) }
}

pub(super) fn percent(x: f64) -> String {
    format!("{}%", number::fixed(100.0 * x, 1))
}

pub(super) fn ratio(x: Option<f64>) -> String {
    x.map_or_else(|| number::NOT_AVAILABLE.to_string(), |x| number::fixed(x, 2))
}

/// Small counts with a decimal, so that a fraction of an interview is not shown as none.
pub(super) fn expected(x: f64) -> String {
    if x > 0.0 && x < 10.0 { number::fixed(x, 1) } else { whole(x) }
}

fn sheet(plan: &Plan) -> Sheet {
    let cash = |x: f64| money(Some(&plan.currency), x);
    let mut sheet = Sheet { title: format!("Plan: {}", plan.title), ..Sheet::default() };
    sheet.lead.push(format!(
        "Expected from a frame of {} areas with {} people in {} households.",
        whole(plan.areas as f64),
        whole(plan.people),
        whole(plan.households)
    ));
    if let Some(all) = plan.domains.first() {
        sheet.facts.push((expected(all.n), "interviews expected".into()));
        if let Some(n) = all.n_effective {
            sheet.facts.push((whole(n), "effective, for everybody".into()));
        }
    }
    if plan.cost > 0.0 {
        sheet.facts.push((cash(plan.cost), "cost as designed".into()));
    }
    match &plan.optimum {
        Some(Optimum::Optimal { cost, .. }) if *cost > 0.0 => {
            sheet
                .facts
                .push((cash(*cost), "cost of the design that was found for the targets".into()));
        }
        _ => {}
    }
    if plan.misses() {
        sheet.lead.push("Not all targets are met: see “The design that meets …” below.".into());
    }
    sheet.parts.push(samples("Samples, stage by stage", &plan.samples, plan));
    sheet.parts.push(coverage(plan));
    sheet.parts.push(domains("Domains, as designed", &plan.domains, plan));
    if !plan.comparisons.is_empty() {
        sheet.parts.push(comparisons("Differences, as designed", &plan.comparisons));
    }
    if let Some(optimum) = &plan.optimum {
        sheet.parts.extend(optimum::parts(optimum, plan));
    }
    for table in &plan.allocations {
        let mut part = Part::new(format!("Other allocations of {} to its strata", table.sample));
        part.text.push(
            "Half-widths in points, with areas shared out among the strata by each rule.".into(),
        );
        let mut grid = Grid { heads: vec!["Domain".into()], ..Grid::default() };
        grid.heads.extend(table.rules.iter().cloned());
        for (label, widths) in &table.half_widths {
            let mut row = vec![label.clone()];
            row.extend(widths.iter().map(|w| half_width(*w)));
            grid.rows.push(row);
        }
        part.grid = Some(grid);
        sheet.parts.push(part);
    }
    if !plan.sensitivity.is_empty() {
        sheet.parts.push(sensitivity(plan));
    }
    if !plan.notes.is_empty() {
        let mut part = Part::new("Notes");
        part.list.clone_from(&plan.notes);
        sheet.parts.push(part);
    }
    sheet
}

pub(super) fn samples(heading: &str, samples: &[SamplePlan], plan: &Plan) -> Part {
    let mut part = Part::new(heading);
    let costs = samples.iter().any(|s| s.cost > 0.0);
    let mut grid =
        Grid::with(&["Sample", "Unit", "Drawn", "In scope", "Screened", "Kept", "Take part"]);
    grid.words = vec![1];
    if costs {
        grid.heads.push("Cost".into());
    }
    for sample in samples {
        for (i, stage) in sample.stages.iter().enumerate() {
            let name = if i == 0 { sample.label.clone() } else { String::new() };
            let mut row =
                vec![name, stage.unit.clone(), expected(stage.drawn), expected(stage.in_scope)];
            row.push(if stage.screened > 0.0 { expected(stage.screened) } else { String::new() });
            row.push(if stage.screened > 0.0 { expected(stage.kept) } else { String::new() });
            row.push(expected(stage.responding));
            if costs {
                let cost = (stage.cost > 0.0).then(|| money(Some(&plan.currency), stage.cost));
                row.push(cost.unwrap_or_default());
            }
            grid.rows.push(row);
        }
        if let Some(other) = &sample.part_of {
            part.list.push(format!("{}: members of “{other}”, counted there", sample.label));
        }
        part.list.extend(certainty(sample, plan));
    }
    part.grid = Some(grid);
    part
}

/// How many areas are taken with certainty, and what they cost.
fn certainty(sample: &SamplePlan, plan: &Plan) -> Option<String> {
    let certain = sample.certain.as_ref()?;
    let first = sample.stages.first()?;
    let cash = |x: f64| money(Some(&plan.currency), x);
    let all = certain.areas >= first.drawn * (1.0 - 1e-9);
    let which = if all {
        format!("all {} units ({})", whole(certain.areas), first.unit)
    } else {
        format!("{} of {} units ({})", whole(certain.areas), expected(first.drawn), first.unit)
    };
    let mut line = format!("{}: {which} are taken with certainty", sample.label);
    if certain.cost > 0.0 {
        line.push_str(&format!(
            "; {} of its cost of {} ({}) is spent in them, however many others are drawn",
            cash(certain.cost),
            cash(sample.cost),
            percent(certain.cost / sample.cost)
        ));
    }
    Some(line)
}

fn coverage(plan: &Plan) -> Part {
    let mut part = Part::new("Coverage: who can be drawn");
    let mut grid = Grid { heads: vec!["Group".into(), "People".into()], ..Grid::default() };
    // Members of another sample are not drawn by themselves.
    let own: Vec<usize> =
        (0..plan.samples.len()).filter(|&s| plan.samples[s].part_of.is_none()).collect();
    grid.heads.extend(own.iter().map(|&s| plan.samples[s].label.clone()));
    grid.heads.push("Any sample".into());
    for row in &plan.coverage {
        let mut cells = vec![row.label.clone(), whole(row.population)];
        cells.extend(own.iter().map(|&s| percent(row.by_sample[s])));
        cells.push(percent(row.any));
        grid.rows.push(cells);
    }
    part.grid = Some(grid);
    part
}

/// What is wanted and what is reached of a target. Where it is missed there are as many digits as tell the two
/// apart.
pub(super) fn wanted_and_reached(target: &TargetPlan) -> (String, String) {
    let show = |x: f64, more: usize| match target.measure {
        Measure::HalfWidth => format!("±{}", number::fixed(100.0 * x, 1 + more)),
        Measure::Cv => format!("cv {}%", number::fixed(100.0 * x, 1 + more)),
        Measure::NEffective => format!("n_eff {}", number::fixed(x, more)),
        Measure::N => format!("n {}", number::fixed(x, more)),
    };
    let both = |more: usize| (show(target.wanted, more), show(target.reached, more));
    let told = |(wanted, reached): &(String, String)| target.met || wanted != reached;
    (0..4).map(both).find(told).unwrap_or_else(|| both(4))
}

fn target(target: &TargetPlan) -> String {
    let (wanted, reached) = wanted_and_reached(target);
    if target.met { format!("{wanted} (met)") } else { format!("{wanted} (missed: {reached})") }
}

pub(super) fn domains(heading: &str, domains: &[DomainPlan], plan: &Plan) -> Part {
    let mut part = Part::new(heading);
    part.text.push(format!(
        "Interviews expected, design effect (and its part from unequal weights), effective sample size, and \
         half the width of the {}% interval of a proportion, in points.",
        number::fixed(100.0 * plan.confidence, 0)
    ));
    let mut grid = Grid::with(&[
        "Domain",
        "People",
        "Interviews",
        "Deff",
        "Weights",
        "Effective",
        "Half-width",
        "Target",
    ]);
    grid.words = vec![7];
    for domain in domains {
        let targets: Vec<String> = domain.targets.iter().map(target).collect();
        grid.rows.push(vec![
            domain.label.clone(),
            whole(domain.population),
            expected(domain.n),
            ratio(domain.deff),
            ratio(domain.deff_weights),
            domain.n_effective.map_or_else(|| number::NOT_AVAILABLE.to_string(), expected),
            half_width(domain.half_width),
            targets.join(", "),
        ]);
    }
    part.grid = Some(grid);
    part
}

pub(super) fn comparisons(heading: &str, all: &[ComparisonPlan]) -> Part {
    let mut part = Part::new(heading);
    let mut grid = Grid::with(&["Comparison", "Difference", "Power", "Wanted", "Smallest found"]);
    for row in all {
        let met = if row.met { "met" } else { "missed" };
        grid.rows.push(vec![
            row.label.clone(),
            points(Some(row.difference)),
            percent(row.power),
            format!("{} ({met})", percent(row.wanted)),
            points(row.detectable),
        ]);
    }
    part.text.push("Differences of proportions in points; the last column is the smallest difference upwards that is found with the wanted power.".into());
    part.grid = Some(grid);
    part
}

fn sensitivity(plan: &Plan) -> Part {
    let mut part = Part::new("What changes with the assumptions");
    let costs = plan.sensitivity.iter().any(|row| row.cost > 0.0);
    let mut grid = Grid::with(&["Figure", "Here", "Instead", "Interviews"]);
    if costs {
        grid.heads.push("Cost".into());
    }
    let targets = plan.sensitivity.iter().any(|row| row.worst.is_some());
    if targets {
        grid.words = vec![grid.heads.len()];
        grid.heads.extend(["Worst target".into(), "Reached".into()]);
    }
    for row in &plan.sensitivity {
        // Four digits, without zeros at the end.
        let show = |x: f64| {
            let text = number::significant(x, 4);
            if text.contains('.') {
                text.trim_end_matches('0').trim_end_matches('.').to_string()
            } else {
                text
            }
        };
        let mut cells = vec![row.what.clone(), show(row.value), show(row.changed), expected(row.n)];
        if costs {
            cells.push(money(Some(&plan.currency), row.cost));
        }
        if let Some((label, target)) = &row.worst {
            let (wanted, reached) = wanted_and_reached(target);
            let met = if target.met { "met" } else { "missed" };
            cells.extend([format!("{label}, {wanted} ({met})"), reached]);
        }
        grid.rows.push(cells);
    }
    part.grid = Some(grid);
    part
}
