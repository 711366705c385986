//! Monte Carlo of standard errors and intervals for small groups:
//! `cargo run --release --example coverage -- [DRAWS] > docs/methods/coverage.md` (default 4,000).
//!
//! A population of 40,000 in 400 areas made here, in code: a majority and three minorities of 12, 4 and
//! 1 per cent, clustered in areas of three kinds; outcomes with a prevalence of about 1, 5, 20 and 50 per
//! cent that cluster too. Areas are the PSUs, drawn at random within the kinds of area; within an area people
//! of minorities are taken at up to 20 times the rate of the majority (a boost). Every draw is estimated
//! by group, before and after raking to sex × age, area kind and group. Same seed, same numbers, on any machine with any number of
//! threads.

use std::sync::Arc;

use rakewell::aggregate::DomainCodes;
use rakewell::data::{Codes, Column, Numbers};
use rakewell::design::{DesignInput, SurveyDesign, Variable};
use rakewell::estimate::{
    Analysis, ByVariable, Deff, Df, Domains, EstimateTable, IntervalMethod, Outcome, Quantity,
    Statistic, TableSpec,
};
use rakewell::numeric::distributions::normal_quantile;
use rakewell::numeric::random::{below, open_unit, stream};
use rakewell::replicate::jackknife;
use rakewell::weight::{Ledger, Margin, Residuals};
use rand::Rng;
use rayon::prelude::*;

const SEED: u64 = 20_260_301;
const AREAS: usize = 400;
const PEOPLE: usize = 100;
/// Of areas of each kind.
const KINDS: [usize; 3] = [280, 90, 30];
const GROUPS: [&str; 4] =
    ["majority (83 %)", "minority of 12 %", "minority of 4 %", "minority of 1 %"];
/// Shares of the minorities by kind of area.
const SHARES: [[f64; 3]; 3] = [[0.06, 0.02, 0.004], [0.20, 0.06, 0.015], [0.40, 0.16, 0.05]];
/// Rates at which people are taken within a sampled area.
const RATES: [f64; 4] = [0.05, 0.25, 0.7, 1.0];
const PREVALENCES: [f64; 4] = [0.01, 0.05, 0.2, 0.5];

/// PSUs drawn from each kind of area.
const DESIGNS: [(&str, [usize; 3]); 3] =
    [("12 PSUs", [4, 4, 4]), ("30 PSUs", [10, 10, 10]), ("90 PSUs", [50, 25, 15])];

#[derive(Clone)]
struct Person {
    sex_age: u32,
    group: u32,
    y: [f64; 4],
}

struct Population {
    areas: Vec<Vec<Person>>,
    truth: Vec<[f64; 4]>,
}

fn kind(area: usize) -> usize {
    if area < KINDS[0] { 0 } else { 1 + usize::from(area >= KINDS[0] + KINDS[1]) }
}

fn population() -> Population {
    let mut rng = stream(SEED, "population", 0);
    let mut uniform = || open_unit(rng.next_u64());
    let mut sums = vec![[0.0; 5]; GROUPS.len()];
    let areas: Vec<Vec<Person>> = (0..AREAS)
        .map(|area| {
            let shares = SHARES[kind(area)];
            let effect = 0.35 * normal_quantile(uniform());
            (0..PEOPLE)
                .map(|_| {
                    let u = uniform();
                    let mut group = 0;
                    let mut edge = 0.0;
                    for (g, share) in shares.iter().enumerate() {
                        if (edge..edge + share).contains(&u) {
                            group = g + 1;
                        }
                        edge += share;
                    }
                    let sex_age = (uniform() * 6.0) as u32;
                    let y = PREVALENCES.map(|p| {
                        let base = (p / (1.0 - p)).ln();
                        let of_age = 0.3 * (f64::from(sex_age % 3) - 1.0);
                        let logit = base + effect + 0.15 * group as f64 + of_age;
                        f64::from(u8::from(uniform() < 1.0 / (1.0 + (-logit).exp())))
                    });
                    let sum = &mut sums[group];
                    sum[4] += 1.0;
                    sum.iter_mut().zip(y).for_each(|(s, y)| *s += y);
                    Person { sex_age, group: group as u32, y }
                })
                .collect()
        })
        .collect();
    let truth = sums.iter().map(|s| [s[0], s[1], s[2], s[3]].map(|x| x / s[4])).collect();
    Population { areas, truth }
}

/// A sample, with a row of no weight where nobody was taken in an area.
struct Drawn {
    columns: [Vec<f64>; 3],
    sex_age: Vec<u32>,
    kind: Vec<u32>,
    group: Vec<u32>,
    y: [Vec<f64>; 4],
}

fn draw(population: &Population, sizes: [usize; 3], name: &str, number: u64) -> Drawn {
    let mut rng = stream(SEED, name, number);
    let mut drawn = Drawn {
        columns: Default::default(),
        sex_age: Vec::new(),
        kind: Vec::new(),
        group: Vec::new(),
        y: Default::default(),
    };
    let mut first = 0;
    for (k, &n) in sizes.iter().enumerate() {
        let mut list: Vec<usize> = (first..first + KINDS[k]).collect();
        first += KINDS[k];
        for i in 0..n {
            let j = i + below((list.len() - i) as u64, || rng.next_u64()) as usize;
            list.swap(i, j);
            for person in &population.areas[list[i]] {
                let rate = RATES[person.group as usize];
                if open_unit(rng.next_u64()) >= rate {
                    continue;
                }
                let values = [k as f64, list[i] as f64, KINDS[k] as f64 / n as f64 / rate];
                drawn.columns.iter_mut().zip(values).for_each(|(c, v)| c.push(v));
                drawn.sex_age.push(person.sex_age);
                drawn.kind.push(k as u32);
                drawn.group.push(person.group);
                drawn.y.iter_mut().zip(person.y).for_each(|(list, y)| list.push(y));
            }
        }
    }
    drawn
}

fn margins(population: &Population, drawn: &Drawn) -> Vec<Margin> {
    let mut totals = [vec![0.0; 6], vec![0.0; 3], vec![0.0; 4]];
    for (area, people) in population.areas.iter().enumerate() {
        for p in people {
            totals[0][p.sex_age as usize] += 1.0;
            totals[1][kind(area)] += 1.0;
            totals[2][p.group as usize] += 1.0;
        }
    }
    ["sex_age", "kind", "group"]
        .iter()
        .zip([&drawn.sex_age, &drawn.kind, &drawn.group])
        .zip(totals)
        .map(|((name, codes), targets)| Margin {
            name: (*name).to_string(),
            codes: Arc::new(Codes::pack(codes, targets.len())),
            levels: (0..targets.len()).map(|l| l.to_string()).collect(),
            targets,
        })
        .collect()
}

fn table(analysis: &Analysis, drawn: &Drawn, interval: IntervalMethod, df: Df) -> EstimateTable {
    let y: Vec<Numbers> = drawn.y.iter().map(|y| Numbers::pack(y.clone())).collect();
    let codes = DomainCodes { codes: Codes::pack(&drawn.group, 4), count: 4 };
    let domains = Domains { codes, cells: (0..4).map(|g| vec![g]).collect(), unclassified: 0 };
    let outcome = |p: &f64| {
        let name = p.to_string();
        Some(Outcome { variable: name.clone(), title: name, level: None, probability: None })
    };
    let by = ByVariable {
        variable: "group".into(),
        title: "group".into(),
        levels: GROUPS.map(String::from).to_vec(),
    };
    analysis.table(&TableSpec {
        name: "t".into(),
        title: "t".into(),
        statistic: Statistic::Proportion,
        quantities: y.iter().map(Quantity::Mean).collect(),
        outcomes: PREVALENCES.iter().map(outcome).collect(),
        domains: &domains,
        by: vec![by],
        population: None,
        interval,
        level: 0.95,
        deff: Deff::WithoutReplacement,
        standard: None,
        df,
        covariance: false,
    })
}

const VARIANCES: [&str; 5] =
    ["linearised", "jackknife", "raked: linearised", "raked: as R `rake`", "raked: jackknife"];
const INTERVALS: [(&str, IntervalMethod, Df); 6] = [
    ("Wald, normal", IntervalMethod::T, Df::Infinite),
    ("Wald, t", IntervalMethod::T, Df::Domain),
    ("logit, t", IntervalMethod::Logit, Df::Domain),
    ("logit, Satterthwaite", IntervalMethod::Logit, Df::Satterthwaite),
    ("Wilson, t", IntervalMethod::Wilson, Df::Domain),
    ("Korn–Graubard", IntervalMethod::KornGraubard, Df::Domain),
];
const CELLS: usize = 16;

/// Of one draw: by outcome and group the estimate and the variances, and what each interval came to.
#[derive(Clone, Default)]
struct Found {
    estimate: Vec<[f64; 2]>,
    variance: Vec<[f64; 5]>,
    n: Vec<f64>,
    df: Vec<[f64; 2]>,
    /// (raked: without, with) × interval: NaN for none, else whether it covers, and its width.
    covers: Vec<[[f64; 2]; 12]>,
}

fn one(population: &Population, sizes: [usize; 3], name: &str, number: u64) -> Option<Found> {
    let drawn = draw(population, sizes, name, number);
    let columns: Vec<Column> = ["h", "psu", "w"]
        .iter()
        .zip(&drawn.columns)
        .map(|(name, values)| Column::numbers(*name, values.clone()))
        .collect();
    let design = SurveyDesign::build(&DesignInput {
        rows: drawn.group.len(),
        strata: vec![Some(Variable::of(&columns[0]))],
        clusters: vec![Variable::of(&columns[1])],
        weight: Some(Variable::of(&columns[2])),
        ..DesignInput::default()
    })
    .ok()?;
    let base = Ledger::new(design.weights.clone(), "design weight");
    let rake = |residuals| {
        let mut ledger = base.clone();
        ledger.rake(margins(population, &drawn), 1e-9, 1000, residuals).ok()?;
        Some(ledger)
    };
    let (raked, as_r) = (rake(Residuals::Regression)?, rake(Residuals::RRake)?);
    let replicates = jackknife(&design).ok()?;
    let reweighted = replicates.clone().reweighted(&design.tree, &raked).ok();
    let plain = Analysis::new(design.clone(), base.clone());
    let plain_jack = Analysis::with_replicates(design.clone(), base, replicates);
    let raked_r = Analysis::new(design.clone(), as_r);
    let raked_jack =
        reweighted.map(|r| Analysis::with_replicates(design.clone(), raked.clone(), r));
    let raked = Analysis::new(design, raked);
    let t = |a: &Analysis| table(a, &drawn, IntervalMethod::T, Df::Domain);
    let tables = [
        Some(t(&plain)),
        Some(t(&plain_jack)),
        Some(t(&raked)),
        Some(t(&raked_r)),
        raked_jack.as_ref().map(t),
    ];
    let mut found = Found::default();
    let known = |x: Option<f64>| x.unwrap_or(f64::NAN);
    for cell in 0..CELLS {
        let rows = tables.each_ref().map(|t| t.as_ref().map(|t| &t.rows[cell]));
        let (a, b) = (rows[0]?, rows[2]?);
        found.estimate.push([known(a.estimate), known(b.estimate)]);
        found.variance.push(rows.map(|r| r.and_then(|r| r.se).map_or(f64::NAN, |s| s * s)));
        found.n.push(a.n as f64);
        found.covers.push([[f64::NAN; 2]; 12]);
        found.df.push([known(a.df), f64::NAN]);
    }
    for (k, analysis) in [&plain, &raked].into_iter().enumerate() {
        for (i, &(_, method, df)) in INTERVALS.iter().enumerate() {
            for (cell, row) in table(analysis, &drawn, method, df).rows.iter().enumerate() {
                let truth = population.truth[cell % 4][cell / 4];
                if let (Some(lower), Some(upper)) = (row.lower, row.upper) {
                    let inside = (lower..=upper).contains(&truth);
                    let width = upper.min(1.0) - lower.max(0.0);
                    found.covers[cell][k * 6 + i] = [f64::from(u8::from(inside)), width];
                }
                if df == Df::Satterthwaite && k == 0 {
                    found.df[cell][1] = known(row.df);
                }
            }
        }
    }
    Some(found)
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.filter(|x| x.is_finite()).fold((0.0, 0.0), |(s, n), x| (s + x, n + 1.0));
    sum / n
}

fn main() {
    let draws: u64 = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(4000);
    let population = population();
    println!("{}", INTRODUCTION.replace("DRAWS", &draws.to_string()));
    let results: Vec<(&str, Vec<Found>)> = DESIGNS
        .iter()
        .map(|&(name, sizes)| {
            let all: Vec<Option<Found>> = (0..draws)
                .into_par_iter()
                .map(|number| one(&population, sizes, name, number))
                .collect();
            (name, all.into_iter().flatten().collect())
        })
        .collect();
    println!("## Standard errors\n");
    println!(
        "Mean of the variance estimates ÷ variance of the estimates, over outcomes of 5, 20 and 50 %; 1 is right.\n"
    );
    println!("| design | group | mean n | {} |", VARIANCES.join(" | "));
    println!("|---|---|---{}|", "|---".repeat(5));
    for (name, found) in &results {
        for (g, group) in GROUPS.iter().enumerate() {
            let cells: Vec<usize> = (1..4).map(|o| o * 4 + g).collect();
            let ratio = |v: usize| {
                let raked = usize::from(v > 1);
                mean(cells.iter().map(|&c| {
                    let keep = || found.iter().filter(|f| f.variance[c][v].is_finite());
                    let m = mean(keep().map(|f| f.estimate[c][raked]));
                    let truth = mean(keep().map(|f| (f.estimate[c][raked] - m).powi(2)));
                    mean(keep().map(|f| f.variance[c][v])) / truth
                }))
            };
            let ratios: Vec<String> = (0..5).map(|v| format!("{:.2}", ratio(v))).collect();
            let n = mean(found.iter().map(|f| f.n[g]));
            println!("| {name} | {group} | {n:.0} | {} |", ratios.join(" | "));
        }
    }
    println!("\n## Coverage of 95 % intervals\n");
    println!(
        "Per cent of the intervals that hold the true value, before and after raking (before / after). Draws\nwithout an interval are left out; their share is in the last column. df: mean of PSUs − strata and of\nSatterthwaite's.\n"
    );
    let heads: Vec<&str> = INTERVALS.iter().map(|i| i.0).collect();
    println!("| design | prevalence | group | df | {} | none |", heads.join(" | "));
    println!("|---|---|---|---{}|---|", "|---".repeat(INTERVALS.len()));
    for (name, found) in &results {
        for cell in 0..CELLS {
            let cover = |i: usize| 100.0 * mean(found.iter().map(|f| f.covers[cell][i][0]));
            let both: Vec<String> =
                (0..6).map(|i| format!("{:.1} / {:.1}", cover(i), cover(6 + i))).collect();
            let none = found.iter().filter(|f| f.covers[cell][2][0].is_nan()).count();
            println!(
                "| {name} | {} % | {} | {:.1}, {:.1} | {} | {:.1} |",
                PREVALENCES[cell / 4] * 100.0,
                GROUPS[cell % 4],
                mean(found.iter().map(|f| f.df[cell][0])),
                mean(found.iter().map(|f| f.df[cell][1])),
                both.join(" | "),
                100.0 * none as f64 / found.len() as f64
            );
        }
    }
}

const INTRODUCTION: &str = "\
# Coverage

How good standard errors and intervals of small groups are, by Monte Carlo. This page is the output of

    cargo run --release --example coverage -- DRAWS > docs/methods/coverage.md

The population has 40,000 people in 400 areas of three kinds (280, 90 and 30); a majority and minorities of 12, 4 and 1 %, who
live together; and outcomes with a prevalence of about 1, 5, 20 and 50 % that cluster by area, differ by group and
depend on age. PSUs are areas, drawn at random within the kinds; within an area the majority is taken at a rate of 0.05, the
minorities at 0.25, 0.7 and 1, so that weights differ 20-fold and more. Raking is to sex × age, kind of area and group. DRAWS
draws of each design; the simulation error of a coverage near 95 % is about 0.3.
";
