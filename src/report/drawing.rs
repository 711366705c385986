//! A design on one page: a drawing of its frames and stages, and every figure with its mark.

use serde_json::Value;

use crate::planning::Plan;
use crate::sampling::{Design, Quantity, Sample, Stage, Take};

use super::chart::{Anchor, Svg};
use super::number;
use super::sheet::{Grid, Part, Sheet};
use super::text::{clamp, wrap};

/// Width of a column, of the gap between two, and heights.
const COLUMN: f64 = 270.0;
const GAP: f64 = 22.0;
const LINE: f64 = 15.0;
const PAD: f64 = 9.0;

/// A design as one page of HTML; with a plan, the drawing shows what is expected at each stage.
pub fn design_html(design: &Design, plan: Option<&Plan>) -> String {
    sheet(design, plan).html()
}

/// A design as text for a terminal.
pub fn design_text(design: &Design, width: usize, color: bool) -> String {
    sheet(design, None).text(width.max(60), color)
}

fn sheet(design: &Design, plan: Option<&Plan>) -> Sheet {
    let spec = &design.spec;
    let mut sheet = Sheet { title: design.title.clone(), ..Sheet::default() };
    let text = spec.description.as_deref().unwrap_or("").trim();
    sheet.lead.extend(text.split("\n\n").filter(|p| !p.is_empty()).map(|p| p.replace('\n', " ")));
    sheet.lead.extend(spec.population.who.iter().map(|who| format!("Population: {who}.")));
    let mut picture = Part::new("The design");
    picture.svg = Some(drawing(design, plan));
    sheet.parts.push(picture);
    for (s, sample) in design.samples.iter().enumerate() {
        sheet.parts.push(in_words(design, s, sample));
    }
    let rows = figures(design);
    if !rows.is_empty() {
        let known = rows.iter().filter(|row| row[2] == "published").count();
        let assumed = rows.iter().filter(|row| row[2] == "assumed").count();
        let mut part = Part::new("Figures and where they come from");
        part.text.push(format!(
            "{known} published, {assumed} assumed, {} without a mark.",
            rows.len() - known - assumed
        ));
        part.grid = Some(Grid {
            heads: ["Figure", "Value", "Mark", "From"].map(String::from).into(),
            rows,
            words: vec![2, 3],
        });
        sheet.parts.push(part);
    }
    if !spec.sources.0.is_empty() {
        let mut part = Part::new("Sources");
        part.list = spec.sources.0.iter().map(|(key, text)| format!("{key}: {text}")).collect();
        sheet.parts.push(part);
    }
    sheet
}

/// A stage in a few lines.
fn lines(design: &Design, stage: &Stage, reused: Option<&str>) -> Vec<String> {
    let mut out = Vec::new();
    match (&stage.take, reused) {
        (_, Some(other)) if stage.take.is_none() && stage.cells.is_empty() => {
            out.push(format!("those of {other}"));
        }
        (Some(take), _) => out.push(take_words(take)),
        _ => {}
    }
    for cell in stage.cells.iter().take(8) {
        out.push(format!("{}: {}", cell.label, take_words(&cell.take)));
    }
    if stage.cells.len() > 8 {
        out.push(format!("and {} more strata", stage.cells.len() - 8));
    }
    if stage.size.is_some() {
        out.push(format!("{}, by {}", method(stage), stage.size.as_ref().map_or("", |s| s.text())));
    } else if stage.take.is_some() || !stage.cells.is_empty() {
        let all = matches!(stage.take, Some(Take::All)) && stage.cells.is_empty();
        if !all {
            out.push(method(stage));
        }
    }
    if !stage.strata.is_empty() {
        out.push(format!("strata: {}", stage.strata.join(" × ")));
    }
    if !stage.sort.is_empty() {
        out.push(format!("in the order of {}", stage.sort.join(", ")));
    }
    if stage.in_scope < 1.0 {
        out.push(format!("{} in scope", percent(stage.in_scope)));
    }
    if let Some(screening) = &stage.screening {
        let groups: Vec<&str> =
            screening.groups.iter().map(|&g| design.groups[g].label.as_str()).collect();
        out.push(format!("screened for {}", groups.join(", ")));
        if screening.response < 1.0 {
            out.push(format!("{} screened", percent(screening.response)));
        }
        if let Some(neighbours) = screening.neighbours {
            out.push(format!("{neighbours} neighbours of each address"));
        }
        for (&g, keep) in screening.groups.iter().zip(&screening.keep).filter(|(_, k)| **k < 1.0) {
            out.push(format!("{} kept: {}", design.groups[g].label, percent(*keep)));
        }
    }
    let by_group = stage.response.by_group.iter().any(|r| *r != stage.response.all);
    if stage.response.all < 1.0 || by_group {
        let words = if by_group { " (differs by group)" } else { "" };
        out.push(format!("{} take part{words}", percent(stage.response.all)));
    }
    out
}

fn percent(share: f64) -> String {
    format!("{}%", number::significant(100.0 * share, 3))
}

fn method(stage: &Stage) -> String {
    let word = serde_json::to_string(&stage.method).unwrap_or_default();
    word.trim_matches('"').to_string()
}

fn take_words(take: &Take) -> String {
    let show = |quantity: &Quantity, share: bool| match quantity {
        Quantity::Number(n) if share => format!("rate {}", number::significant(*n, 3)),
        Quantity::Number(n) if n.fract() == 0.0 => number::count(n.clamp(0.0, 1e15) as u64),
        Quantity::Number(n) => number::fixed(*n, 1),
        Quantity::Formula(formula) => format!("by {}", formula.text()),
    };
    match take {
        Take::All => "all".to_string(),
        Take::Number(quantity) => show(quantity, false),
        Take::Rate(quantity) => show(quantity, true),
        Take::Most(quantity) => format!("up to {}", show(quantity, false)),
    }
}

struct Block {
    head: Vec<String>,
    lines: Vec<String>,
    class: &'static str,
}

impl Block {
    fn height(&self) -> f64 {
        2.0 * PAD + LINE * (0.2 + (self.head.len() + self.lines.len()) as f64)
    }
}

fn fitted(lines: Vec<String>) -> Vec<String> {
    lines
        .iter()
        .flat_map(|line| {
            let wrapped = wrap(line, (COLUMN - 2.0 * PAD) / 6.7, |t| t.chars().count() as f64);
            clamp(wrapped, 3).0
        })
        .collect()
}

fn drawing(design: &Design, plan: Option<&Plan>) -> String {
    let columns: Vec<Vec<Block>> = design
        .samples
        .iter()
        .enumerate()
        .map(|(s, sample)| blocks(design, plan, s, sample))
        .collect();
    let height = columns
        .iter()
        .map(|blocks| blocks.iter().map(|b| b.height() + GAP).sum::<f64>())
        .fold(0.0, f64::max)
        + 10.0;
    // No more than four samples side by side.
    let across = columns.len().clamp(1, 4);
    let rows: Vec<&[Vec<Block>]> = columns.chunks(across).collect();
    let heights: Vec<f64> = rows
        .iter()
        .map(|row| {
            row.iter()
                .map(|blocks| blocks.iter().map(|b| b.height() + GAP).sum::<f64>())
                .fold(0.0, f64::max)
        })
        .collect();
    let width = across as f64 * (COLUMN + GAP);
    let total = heights.iter().sum::<f64>().max(height.min(1.0)) + 10.0;
    let description = design
        .samples
        .iter()
        .map(|s| {
            let units: Vec<&str> = s.stages.iter().map(|stage| stage.unit.as_str()).collect();
            format!("{}: {}", s.label, units.join(", then "))
        })
        .collect::<Vec<_>>()
        .join(". ");
    let mut svg = Svg::image("design", "design", (width, total), &design.title, &description);
    let mut top = 4.0;
    for (row, row_height) in rows.iter().zip(&heights) {
        for (i, blocks) in row.iter().enumerate() {
            let x = GAP / 2.0 + i as f64 * (COLUMN + GAP);
            let mut y = top;
            for (k, block) in blocks.iter().enumerate() {
                if k > 0 {
                    let middle = x + COLUMN / 2.0;
                    svg.line("d-line", (middle, y - GAP), (middle, y));
                    svg.polygon(
                        "d-box",
                        &[(middle - 4.0, y - 6.0), (middle + 4.0, y - 6.0), (middle, y)],
                    );
                }
                svg.rect(block.class, (x, y), (COLUMN, block.height()));
                for (n, line) in block.head.iter().enumerate() {
                    let at = y + PAD + LINE * (0.8 + n as f64);
                    svg.text("d-head", Anchor::Start, (x + PAD, at), line);
                }
                for (n, line) in block.lines.iter().enumerate() {
                    let at = y + PAD + LINE * (1.0 + (block.head.len() + n) as f64);
                    svg.text("d-text", Anchor::Start, (x + PAD, at), line);
                }
                y += block.height() + GAP;
            }
        }
        top += row_height;
    }
    svg.finish()
}

fn blocks(design: &Design, plan: Option<&Plan>, s: usize, sample: &Sample) -> Vec<Block> {
    let given = &design.spec.sample[s];
    let mut head = Vec::new();
    if let Some(frame) = sample.frame.and_then(|f| design.frames.get(f)) {
        head.push(format!("from: {}", frame.label));
    }
    let dates: Vec<&str> = given.from.iter().chain(&given.to).map(String::as_str).collect();
    if !dates.is_empty() {
        head.push(dates.join(" to "));
    }
    if let Some(excluded) = &given.excluded {
        head.push(format!("without {excluded}"));
    }
    if let Some(other) = sample.part_of {
        head.push(format!("members of {}", design.samples[other].label));
    }
    let title = |text: &str| {
        let lines = wrap(text, (COLUMN - 2.0 * PAD) / 8.4, |t| t.chars().count() as f64);
        clamp(lines, 3).0
    };
    let mut all = vec![Block { head: title(&sample.label), lines: fitted(head), class: "d-frame" }];
    let counts = design.counts(s);
    let planned = plan.and_then(|p| p.samples.get(s));
    for (k, stage) in sample.stages.iter().enumerate() {
        let reused = (k == 0).then_some(sample.psus_of).flatten();
        let reused = reused.map(|other| design.samples[other].label.as_str());
        let mut text = lines(design, stage, reused);
        let show = |n: f64| number::count(n.round().clamp(0.0, 1e15) as u64);
        let expected = planned.and_then(|p| p.stages.get(k));
        match (expected, counts.get(k).and_then(|c| c.drawn)) {
            (Some(e), _) => text.push(format!(
                "expected: {} drawn, {} take part",
                show(e.drawn),
                show(e.responding)
            )),
            (None, Some(n)) => text.push(format!("{} in all", show(n))),
            _ => {}
        }
        let class = if stage.screening.is_some() { "d-screen" } else { "d-box" };
        all.push(Block { head: title(&stage.unit), lines: fitted(text), class });
    }
    all
}

fn in_words(design: &Design, s: usize, sample: &Sample) -> Part {
    let given = &design.spec.sample[s];
    let mut part = Part::new(format!("Sample: {}", sample.label));
    part.text.extend(given.note.clone());
    if let Some(excluded) = &given.excluded {
        part.text.push(format!("Coverage gap: {excluded}."));
    }
    for (k, stage) in sample.stages.iter().enumerate() {
        let reused = (k == 0).then_some(sample.psus_of).flatten();
        let reused = reused.map(|other| design.samples[other].label.as_str());
        let words = lines(design, stage, reused);
        part.list.push(format!("{}: {}", stage.unit, words.join("; ")));
    }
    part
}

/// Every figure of the file: its place, value, mark and source.
fn figures(design: &Design) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    if let Ok(spec) = serde_json::to_value(&design.spec) {
        walk(&spec, "", "", &mut rows);
    }
    rows
}

/// Keys that are figures when they hold a bare number.
const FIGURES: [&str; 14] = [
    "take",
    "rate",
    "most",
    "count",
    "units",
    "in-scope",
    "response",
    "sensitivity",
    "cost",
    "cost-responding",
    "per-household",
    "size",
    "neighbours",
    "n",
];

fn walk(value: &Value, place: &str, key: &str, rows: &mut Vec<Vec<String>>) {
    let show = |n: f64| {
        if n >= 1000.0 && n.fract() == 0.0 { number::count(n as u64) } else { format!("{n}") }
    };
    match value {
        Value::Object(map) => {
            if let Some(number) = map.get("value").and_then(Value::as_f64) {
                let text = |key: &str| map.get(key).and_then(Value::as_str);
                let (mark, from) = match (text("source"), text("assumed")) {
                    (Some(source), None) => ("published", source.to_string()),
                    (Some(source), Some(assumed)) => ("published", format!("{source}; {assumed}")),
                    (None, Some(assumed)) => ("assumed", assumed.to_string()),
                    (None, None) => ("", String::new()),
                };
                rows.push(vec![place.to_string(), show(number), mark.to_string(), from]);
                return;
            }
            let name = ["name", "unit", "group"].iter().find_map(|k| map.get(*k)?.as_str());
            let here = match (name, place.is_empty()) {
                (Some(name), true) => name.to_string(),
                (Some(name), false) => format!("{place} › {name}"),
                (None, _) => place.to_string(),
            };
            for (key, value) in map {
                let holds = matches!(value, Value::Array(_)) || key == "plan" || key == "screening";
                let next = match (holds, here.is_empty()) {
                    (true, _) => here.clone(),
                    (false, true) => key.clone(),
                    (false, false) => format!("{here} › {key}"),
                };
                walk(value, &next, key, rows);
            }
        }
        Value::Array(items) => {
            for item in items.iter().filter(|i| i.is_object()) {
                walk(item, place, key, rows);
            }
        }
        Value::Number(n) if FIGURES.contains(&key) => {
            let value = n.as_f64().unwrap_or(0.0);
            rows.push(vec![place.to_string(), show(value), String::new(), String::new()]);
        }
        _ => {}
    }
}
