//! The boost example: the shipped files are what their code makes, the design weights are
//! unbiased, and the true values of the synthetic population lie where the sample says.

use std::collections::{BTreeMap, BTreeSet};

use rakewell::study::spec::Study;

#[path = "../examples/boost/make/mod.rs"]
#[allow(dead_code)]
mod make;

use make::figures::{GROUP_NAMES, GROUPS, REGIONS, SCALE};
use make::{population, sample};

const RESPONSES: &str = include_str!("../examples/boost/responses.csv");
const MARGINS: &str = include_str!("../examples/boost/census2021-margins.csv");
const TRUTH: &str = include_str!("../examples/boost/truth.csv");

type Row = BTreeMap<&'static str, &'static str>;

#[test]
fn the_shipped_files_are_made_again_byte_for_byte() {
    let files = make::files();
    assert!(files.responses == RESPONSES, "responses.csv differs: run `make_boost`");
    assert!(files.margins == MARGINS, "census2021-margins.csv differs: run `make_boost`");
    assert!(files.truth == TRUTH, "truth.csv differs: run `make_boost`");
}

/// Over many draws the weighted count of every ethnic and migration group is its true count:
/// within four and a half Monte Carlo standard errors, and these are small.
#[test]
fn the_design_weights_are_unbiased() {
    const DRAWS: u64 = 200;
    let population = population::build(make::SEED);
    let frame = sample::frame(&population);
    let cells = |p: &population::Person| [usize::from(p.group), GROUPS + p.migration()];
    let mut truth = [0.0; GROUPS + 3];
    for p in &population.people {
        cells(p).iter().for_each(|&c| truth[c] += SCALE);
    }
    let (mut sum, mut squares) = ([0.0; GROUPS + 3], [0.0; GROUPS + 3]);
    for draw in 0..DRAWS {
        let mut counts = [0.0; GROUPS + 3];
        for d in sample::draw_from(&population, &frame, 7_000 + draw) {
            let person = &population.people[d.person];
            cells(person).iter().for_each(|&c| counts[c] += d.design_weight);
        }
        for c in 0..counts.len() {
            sum[c] += counts[c];
            squares[c] += counts[c] * counts[c];
        }
    }
    let draws = DRAWS as f64;
    for c in 0..truth.len() {
        let mean = sum[c] / draws;
        let error = ((squares[c] / draws - mean * mean) / draws).sqrt();
        assert!(error / truth[c] < 0.06, "cell {c}: too weak a check, {error} of {}", truth[c]);
        let z = (mean - truth[c]) / error;
        assert!(z.abs() < 4.5, "cell {c}: mean {mean}, truth {}, z {z:.2}", truth[c]);
    }
}

/// Plain weighted means (design weight × inverse response rate of the region) with the ordinary
/// stratified PSU variance reach the true values.
#[test]
fn the_true_values_are_covered() {
    let rows = table(RESPONSES);
    let truth = table(TRUTH);
    let population: Vec<f64> = table(MARGINS)
        .iter()
        .filter(|row| row["variable"] == "region")
        .map(|row| number(row, "total"))
        .collect();
    assert_eq!(population.len(), REGIONS);
    let region = |row: &Row| number(row, "region") as usize - 1;
    let mut weighted = [0.0; REGIONS];
    for row in &rows {
        weighted[region(row)] += number(row, "design_weight");
    }

    let mut z_values = Vec::new();
    for (outcome, question) in
        [("discrim", "discrim"), ("lonely_often", "lonely"), ("lifesat", "lifesat")]
    {
        for (g, name) in GROUP_NAMES.iter().enumerate() {
            let values: Vec<Value> = rows
                .iter()
                .filter(|row| number(row, "ethnic_grid") == (g + 1) as f64)
                .filter(|row| number(row, question) >= 0.0)
                .map(|row| Value {
                    stratum: row["stratum"],
                    psu: row["psu"],
                    weight: number(row, "design_weight") * population[region(row)]
                        / weighted[region(row)],
                    y: match outcome {
                        "lonely_often" => f64::from(row[question] == "1"),
                        _ => number(row, question),
                    },
                })
                .collect();
            if values.len() < 50 {
                continue;
            }
            let (mean, error) = mean_and_error(&rows, &values);
            let row = truth
                .iter()
                .find(|row| row["ethnic"] == *name && row["migration"] == "All")
                .expect("every group has a true value");
            z_values.push((outcome, name, (mean - number(row, outcome)) / error));
        }
    }
    assert!(z_values.len() >= 45, "only {} groups are large enough", z_values.len());
    let covered = z_values.iter().filter(|(_, _, z)| z.abs() < 1.96).count();
    assert!(covered as f64 >= 0.88 * z_values.len() as f64, "{covered} of {}", z_values.len());
    for (outcome, name, z) in z_values {
        assert!(z.abs() < 4.0, "{outcome}, {name}: z = {z:.2}");
    }
}

#[test]
fn every_stratum_has_two_psus_and_every_margin_level_has_people() {
    let rows = table(RESPONSES);
    let mut psus: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in &rows {
        psus.entry(row["stratum"]).or_default().insert(row["psu"]);
    }
    assert_eq!(psus.len(), 34);
    assert!(psus.values().all(|p| p.len() >= 2));
    let all: BTreeSet<&str> = psus.values().flatten().copied().collect();
    let sum: usize = psus.values().map(BTreeSet::len).sum();
    assert_eq!(all.len(), sum, "a PSU is in two strata");

    let mut totals: BTreeMap<&str, f64> = BTreeMap::new();
    for row in &table(MARGINS) {
        *totals.entry(row["variable"]).or_default() += number(row, "total");
    }
    assert_eq!(totals.len(), 4);
    // Tables of a perturbed census: they agree closely, not exactly.
    let first = totals["ethnic_margin"];
    assert!(totals.values().all(|t| (t / first - 1.0).abs() < 1e-4));
    for code in 1..=GROUPS {
        let n = rows.iter().filter(|row| number(row, "ethnic_grid") == code as f64).count();
        assert!(n >= 5, "group {code} has {n} people");
    }
}

#[test]
fn the_shipped_study_files_are_well_formed() {
    for (name, text) in [
        ("boost", include_str!("../examples/boost/study.toml")),
        ("nhanes", include_str!("../examples/nhanes/study.toml")),
    ] {
        let study: Study = toml::from_str(text).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(!study.compare.is_empty());
        for compare in &study.compare {
            let known = study.estimate.iter().any(|e| e.name.as_deref() == Some(&compare.estimate));
            assert!(known, "{name}: no estimate {}", compare.estimate);
        }
    }
}

struct Value {
    stratum: &'static str,
    psu: &'static str,
    weight: f64,
    y: f64,
}

/// Weighted mean of a domain and its linearised standard error; strata and PSUs are those of the
/// whole sample.
fn mean_and_error(rows: &[Row], values: &[Value]) -> (f64, f64) {
    let weights: f64 = values.iter().map(|v| v.weight).sum();
    let mean = values.iter().map(|v| v.weight * v.y).sum::<f64>() / weights;
    let mut strata: BTreeMap<&str, BTreeMap<&str, f64>> = BTreeMap::new();
    for row in rows {
        strata.entry(row["stratum"]).or_default().insert(row["psu"], 0.0);
    }
    for v in values {
        let psus = strata.entry(v.stratum).or_default();
        *psus.entry(v.psu).or_default() += v.weight * (v.y - mean) / weights;
    }
    let variance: f64 = strata
        .values()
        .map(|psus| {
            let n = psus.len() as f64;
            let centre = psus.values().sum::<f64>() / n;
            n / (n - 1.0) * psus.values().map(|z| (z - centre).powi(2)).sum::<f64>()
        })
        .sum();
    (mean, variance.sqrt())
}

/// The rows of a CSV file, by column name.
fn table(text: &'static str) -> Vec<Row> {
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().expect("a header").split(',').collect();
    lines.map(|line| names.iter().copied().zip(fields(line)).collect()).collect()
}

/// Fields of a line; a field in quotes may hold commas.
fn fields(line: &'static str) -> Vec<&'static str> {
    let mut quoted = false;
    line.split(|c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    })
    .map(|field| field.trim_matches('"'))
    .collect()
}

fn number(row: &Row, column: &str) -> f64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column}: {:?} is no number", row[column]))
}
