//! A plan as terminal text, HTML, CSV and JSON.

use crate::planning::{DomainPlan, Measure, Optimum, Plan, SamplePlan, TargetPlan, money};

use super::error::ReportError;
use super::number;
use super::sheet::{Grid, Part, Sheet};

/// A plan as text for a terminal of `width` columns, with ANSI codes only if `color`.
pub fn plan_text(plan: &Plan, width: usize, color: bool) -> String {
    sheet(plan).text(width.max(60), color)
}

/// A plan as one self-contained page of HTML.
pub fn plan_html(plan: &Plan) -> String {
    sheet(plan).html()
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

fn whole(x: f64) -> String {
    number::count(x.round().clamp(0.0, 1e15) as u64)
}

fn points(x: Option<f64>) -> String {
    x.map_or_else(|| number::NOT_AVAILABLE.to_string(), |x| number::fixed(100.0 * x, 1))
}

fn percent(x: f64) -> String {
    format!("{}%", number::fixed(100.0 * x, 1))
}

fn ratio(x: Option<f64>) -> String {
    x.map_or_else(|| number::NOT_AVAILABLE.to_string(), |x| number::fixed(x, 2))
}

/// Small counts with a decimal, so that a fraction of an interview is not shown as none.
fn expected(x: f64) -> String {
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
                .push((cash(*cost), "cost of the design below that meets the targets".into()));
        }
        _ => {}
    }
    sheet.parts.push(samples("Samples, stage by stage", &plan.samples, plan));
    sheet.parts.push(coverage(plan));
    sheet.parts.push(domains("Domains, as designed", &plan.domains, plan));
    if !plan.comparisons.is_empty() {
        sheet.parts.push(comparisons("Differences, as designed", &plan.comparisons));
    }
    if let Some(optimum) = &plan.optimum {
        sheet.parts.extend(best(optimum, plan));
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
            row.extend(widths.iter().map(|w| points(*w)));
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

fn samples(heading: &str, samples: &[SamplePlan], plan: &Plan) -> Part {
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
                row.push(money(Some(&plan.currency), stage.cost));
            }
            grid.rows.push(row);
        }
        if sample.stages.is_empty() {
            part.list.push(format!("{}: members of another sample, counted there", sample.label));
        }
    }
    part.grid = Some(grid);
    part
}

fn coverage(plan: &Plan) -> Part {
    let mut part = Part::new("Coverage: who can be drawn");
    let mut grid = Grid { heads: vec!["Group".into(), "People".into()], ..Grid::default() };
    grid.heads.extend(plan.samples.iter().map(|s| s.label.clone()));
    grid.heads.push("Any sample".into());
    for row in &plan.coverage {
        let mut cells = vec![row.label.clone(), whole(row.population)];
        cells.extend(row.by_sample.iter().map(|s| percent(*s)));
        cells.push(percent(row.any));
        grid.rows.push(cells);
    }
    part.grid = Some(grid);
    part
}

fn target(target: &TargetPlan) -> String {
    let show = |x: f64| match target.measure {
        Measure::HalfWidth => format!("±{}", number::fixed(100.0 * x, 1)),
        Measure::Cv => format!("cv {}%", number::fixed(100.0 * x, 1)),
        Measure::NEffective => format!("n_eff {}", whole(x)),
        Measure::N => format!("n {}", whole(x)),
    };
    let met = if target.met { "met" } else { "missed" };
    format!("{} ({met})", show(target.wanted))
}

fn domains(heading: &str, domains: &[DomainPlan], plan: &Plan) -> Part {
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
            points(domain.half_width),
            targets.join(", "),
        ]);
    }
    part.grid = Some(grid);
    part
}

fn comparisons(heading: &str, all: &[crate::planning::ComparisonPlan]) -> Part {
    let mut part = Part::new(heading);
    let mut grid = Grid::with(&["Comparison", "Difference", "Power", "Wanted", "Smallest found"]);
    for row in all {
        grid.rows.push(vec![
            row.label.clone(),
            points(Some(row.difference)),
            percent(row.power),
            percent(row.wanted),
            points(row.detectable),
        ]);
    }
    part.text.push("Differences of proportions in points; the last column is the smallest difference upwards that is found with the wanted power.".into());
    part.grid = Some(grid);
    part
}

fn best(optimum: &Optimum, plan: &Plan) -> Vec<Part> {
    let cash = |x: f64| money(Some(&plan.currency), x);
    let mut first = Part::new("The design that meets the targets");
    match optimum {
        Optimum::Optimal {
            factor,
            budget,
            cost,
            sizes,
            samples: own,
            domains: found,
            comparisons: differences,
            prices,
        } => {
            match budget {
                Some(budget) => first.text.push(format!(
                    "For {} the worst target is reached with {} times the variance that is wanted; the \
                     design costs {}.",
                    cash(*budget),
                    number::fixed(*factor, 2),
                    cash(*cost)
                )),
                None => first.text.push(format!("The cheapest design that meets all targets costs {}.", cash(*cost))),
            }
            let mut grid =
                Grid::with(&["Sample", "Part", "What", "As designed", "Needed", "Times"]);
            grid.words = vec![1, 2];
            for size in sizes {
                let show = |x: f64| match x {
                    x if x < 10.0 => number::fixed(x, 3),
                    // A whole number to rounding is that number.
                    x => whole((x * (1.0 - 1e-6)).ceil()),
                };
                let times = (size.before > 0.0).then(|| size.after / size.before);
                grid.rows.push(vec![
                    size.sample.clone(),
                    size.part.clone(),
                    size.what.clone(),
                    show(size.before),
                    show(size.after),
                    ratio(times),
                ]);
            }
            first.grid = Some(grid);
            let mut price = Part::new("What the targets cost");
            price
                .text
                .push("At the margin: what the next step of each target adds to the cost.".into());
            price.list = prices.iter().map(|p| p.words.clone()).collect();
            let mut parts =
                vec![first, samples("Its samples", own, plan), domains("Its domains", found, plan)];
            if !differences.is_empty() {
                parts.push(comparisons("Its differences", differences));
            }
            parts.push(price);
            parts
        }
        Optimum::Infeasible { targets } => {
            first.text.push(
                "No choice of what may vary meets these targets, even with every size at its most:"
                    .into(),
            );
            first.list.clone_from(targets);
            first.list.push(
                "Ease these targets, let more vary (`[[plan.vary]]`), or raise `most`.".into(),
            );
            vec![first]
        }
        Optimum::NoPrice { sample } => {
            first.text.push(format!(
                "There is nothing to minimise: what varies of “{sample}” costs nothing. Give its \
                 stages or its screening a `cost`, or name in `[[plan.vary]]` what may change."
            ));
            vec![first]
        }
        Optimum::TooPoor { budget } => {
            first.text.push(format!(
                "The budget of {} does not pay for what cannot be changed.",
                cash(*budget)
            ));
            vec![first]
        }
        _ => {
            first.text.push(
                "The search did not settle within its limit of rounds: nothing is shown. Fewer things that \
                 vary, or limits nearer to the design (`least`, `most`), help."
                    .into(),
            );
            vec![first]
        }
    }
}

fn sensitivity(plan: &Plan) -> Part {
    let mut part = Part::new("What changes with the assumptions");
    let mut grid =
        Grid::with(&["Figure", "Here", "Instead", "Interviews", "Cost", "Worst target", "Reached"]);
    grid.words = vec![5];
    for row in &plan.sensitivity {
        let (worst, reached) = match &row.worst {
            None => (String::new(), String::new()),
            Some((label, t)) => {
                let reached = match t.measure {
                    Measure::HalfWidth => format!("±{}", number::fixed(100.0 * t.reached, 1)),
                    Measure::Cv => format!("cv {}%", number::fixed(100.0 * t.reached, 1)),
                    Measure::NEffective => format!("n_eff {}", whole(t.reached)),
                    Measure::N => format!("n {}", whole(t.reached)),
                };
                (format!("{label}, {}", target(t)), reached)
            }
        };
        let show = |x: f64| number::significant(x, 4);
        grid.rows.push(vec![
            row.what.clone(),
            show(row.value),
            show(row.changed),
            expected(row.n),
            money(Some(&plan.currency), row.cost),
            worst,
            reached,
        ]);
    }
    part.grid = Some(grid);
    part
}
