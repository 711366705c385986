//! Monte Carlo check of the variance after raking and after successive calibrations:
//! `cargo run --release --example raked_variance -- [DRAWS]` (default 4,000).
//!
//! Populations of 30,000 made here, in code, with three kinds of area that are sampled at very
//! different rates. In the first, two small kinds of area with a large minority are sampled 10 and
//! 60 times as densely as the rest (a boost): base weights run from 2.5 to 150. In the second, one
//! half of the population is sampled 5 times as densely as the other. Every draw is weighted and
//! estimated; the true standard deviation of the estimates is held against the root mean square of
//! their standard errors, ours and those that follow R `survey`. Same seed, same numbers, on any
//! machine with any number of threads.
//!
//! docs/methods/calibration-variance.md shows the table and says what it means.

use std::sync::Arc;

use rakewell::aggregate::{DomainCodes, XColumns, XTerm};
use rakewell::data::{Codes, Column, Numbers};
use rakewell::design::{DesignInput, SurveyDesign, Variable};
use rakewell::estimate::{Analysis, Quantity};
use rakewell::numeric::distributions::normal_quantile;
use rakewell::numeric::random::{below, open_unit, stream};
use rakewell::weight::{CalibrationOptions, Distance, Ledger, Margin, Residuals, Totals};
use rand::Rng;
use rayon::prelude::*;

const SEED: u64 = 20_260_101;
const OUTCOMES: [&str; 5] =
    ["additive", "follows x", "slopes differ", "areas differ", "in the minority"];

/// Units by kind of area, and how many of them are drawn.
struct Plan {
    name: &'static str,
    areas: [(usize, usize); 3],
}

const PLANS: [Plan; 2] = [
    Plan { name: "A boost", areas: [(27_000, 180), (2_400, 160), (600, 240)] },
    Plan { name: "Two halves", areas: [(14_000, 90), (14_000, 420), (2_000, 70)] },
];

/// One unit of the population.
#[derive(Clone)]
struct Unit {
    area: usize,
    sex: u32,
    age: u32,
    education: u32,
    /// A number known for the whole population.
    x: f64,
    y: [f64; OUTCOMES.len()],
}

fn population(plan: &Plan) -> Vec<Unit> {
    let mut rng = stream(SEED, plan.name, 0);
    let mut uniform = || open_unit(rng.next_u64());
    let mut units = Vec::new();
    for (area, (size, _)) in plan.areas.iter().enumerate() {
        // Denser areas are younger and hold more degrees.
        let (young, degree) = ([0.20, 0.45, 0.60][area], [0.20, 0.35, 0.50][area]);
        for _ in 0..*size {
            let sex = u32::from(uniform() < 0.52);
            let u = uniform();
            let age = if u < young { 0 } else { 1 + u32::from(u > young + 0.6 * (1.0 - young)) };
            let u = uniform();
            let education = if u < degree { 0 } else { 1 + u32::from(u > 0.5 + 0.5 * degree) };
            let mut noise = || normal_quantile(uniform());
            let x = 20.0 + 6.0 * f64::from(age) - 3.0 * f64::from(education) + 3.0 * noise();
            let (s, a, e) = (f64::from(sex), f64::from(age), f64::from(education));
            let y = [
                50.0 + 4.0 * s + 9.0 * a - 6.0 * e + 0.5 * x + 8.0 * noise(),
                10.0 + 2.0 * x + 5.0 * noise(),
                // In the boosted areas age and education work the other way.
                50.0 + (9.0 * a - 6.0 * e) * [1.0, -0.5, -1.0][area] + 0.5 * x + 6.0 * noise(),
                // Kinds of area differ, and age stands for that across areas but not within.
                40.0 + [0.0, 25.0, 40.0][area] + 3.0 * a + 5.0 * noise(),
                f64::from(u8::from(uniform() < 0.02 + [0.0, 0.25, 0.50][area] + 0.04 * a)),
            ];
            units.push(Unit { area, sex, age, education, x, y });
        }
    }
    units
}

/// A simple random sample without replacement in each kind of area.
fn draw<'p>(plan: &Plan, population: &'p [Unit], replicate: u64) -> Vec<&'p Unit> {
    let mut rng = stream(SEED + 1, plan.name, replicate);
    let mut sample = Vec::new();
    let mut first = 0;
    for (size, n) in plan.areas {
        let mut left: Vec<usize> = (first..first + size).collect();
        for i in 0..n {
            let j = i + below((size - i) as u64, || rng.next_u64()) as usize;
            left.swap(i, j);
            sample.push(&population[left[i]]);
        }
        first += size;
    }
    sample
}

fn margin(
    name: &str,
    of: impl Fn(&Unit) -> u32,
    levels: usize,
    population: &[Unit],
    sample: &[&Unit],
) -> Margin {
    let mut targets = vec![0.0; levels];
    population.iter().for_each(|u| targets[of(u) as usize] += 1.0);
    let codes: Vec<u32> = sample.iter().map(|u| of(u)).collect();
    Margin {
        name: name.to_string(),
        codes: Arc::new(Codes::pack(&codes, levels)),
        levels: (0..levels).map(|l| l.to_string()).collect(),
        targets,
    }
}

/// Means of all outcomes, and their standard errors.
fn means(design: &SurveyDesign, ledger: Ledger, sample: &[&Unit]) -> Vec<(f64, f64)> {
    let columns: Vec<Numbers> = (0..OUTCOMES.len())
        .map(|k| Numbers::F64(sample.iter().map(|u| u.y[k]).collect()))
        .collect();
    let quantities: Vec<Quantity<'_>> = columns.iter().map(Quantity::Mean).collect();
    let everyone = DomainCodes { codes: Codes::pack(&vec![0; sample.len()], 1), count: 1 };
    let raw = Analysis::new(design.clone(), ledger).estimate(&quantities, &everyone, false);
    raw.values.into_iter().zip(raw.variances.into_iter().map(f64::sqrt)).collect()
}

/// By analysis and outcome: the estimate and its standard error.
type Draw = [Vec<(f64, f64)>; 4];
type Error = Box<dyn std::error::Error + Send + Sync>;

/// For one draw: raked with our residuals and with R `rake()`'s; post-stratified and then
/// calibrated with our order of residuals and with R's. Each by outcome.
fn one(plan: &Plan, population: &[Unit], replicate: u64) -> Result<Draw, Error> {
    let sample = draw(plan, population, replicate);
    let area = Column::numbers("area", sample.iter().map(|u| u.area as f64).collect());
    let size = |u: &&Unit| plan.areas[u.area].0 as f64;
    let sizes = Column::numbers("size", sample.iter().map(size).collect());
    let design = SurveyDesign::build(&DesignInput {
        rows: sample.len(),
        strata: vec![Some(Variable::of(&area))],
        fpc: vec![Variable::of(&sizes)],
        ..DesignInput::default()
    })?;
    let base = || Ledger::new(design.weights.clone(), "population size / sample size");
    let margins = || {
        vec![
            margin("sex", |u| u.sex, 2, population, &sample),
            margin("age", |u| u.age, 3, population, &sample),
            margin("education", |u| u.education, 3, population, &sample),
        ]
    };
    let raked = |residuals| -> Result<_, Error> {
        let mut ledger = base();
        ledger.rake(margins(), 0.0, 1000, residuals)?;
        Ok(means(&design, ledger, &sample))
    };
    let x = Numbers::F64(sample.iter().map(|u| u.x).collect());
    let totals = Totals {
        x: XColumns {
            terms: vec![
                XTerm { codes: None, values: None, width: 1 },
                XTerm { codes: None, values: Some(Arc::new(x)), width: 1 },
            ],
        },
        targets: vec![population.len() as f64, population.iter().map(|u| u.x).sum()],
        names: vec!["population".to_string(), "x".to_string()],
        part: Vec::new(),
    };
    let stacked = |follow_r: bool| -> Result<_, Error> {
        let mut ledger = base();
        ledger.post_stratify(margins().swap_remove(1))?;
        ledger.calibrate(&totals, &CalibrationOptions::new(Distance::Linear(None)), false)?;
        if follow_r {
            ledger.follow_r();
        }
        Ok(means(&design, ledger, &sample))
    };
    Ok([raked(Residuals::Regression)?, raked(Residuals::RRake)?, stacked(false)?, stacked(true)?])
}

fn main() -> Result<(), Error> {
    let draws: u64 = match std::env::args().nth(1) {
        None => 4000,
        Some(text) => text.parse().map_err(|_| format!("`{text}` is not a number of draws"))?,
    };
    for plan in &PLANS {
        let population = population(plan);
        let found: Vec<Draw> = (0..draws)
            .into_par_iter()
            .map(|r| one(plan, &population, r))
            .collect::<Result<_, _>>()?;
        let weights: Vec<String> =
            plan.areas.iter().map(|(size, n)| format!("{}", size / n)).collect();
        println!("## {}: base weights about {}\n", plan.name, weights.join(", "));
        print("Raked to sex, age and education", "R `rake()`", &found, 0);
        print("Post-stratified by age, then calibrated to the total of x", "R's order", &found, 2);
    }
    println!(
        "{draws} draws of {}; a standard deviation is uncertain by ±{:.1} %.",
        PLANS[0].areas.iter().map(|a| a.1).sum::<usize>(),
        100.0 / (2.0 * draws as f64).sqrt()
    );
    Ok(())
}

/// One table: analysis `first` is ours, the one after it theirs.
fn print(title: &str, theirs: &str, found: &[Draw], first: usize) {
    let draws = found.len() as f64;
    println!("{title}\n");
    println!("| mean of | true SD | ours | ours ÷ true | {theirs} | {theirs} ÷ true |");
    println!("|---|---|---|---|---|---|");
    for (k, name) in OUTCOMES.iter().enumerate() {
        let mean = |f: &dyn Fn(&Draw) -> f64| found.iter().map(f).sum::<f64>() / draws;
        let centre = mean(&|r| r[first][k].0);
        let squares = mean(&|r| (r[first][k].0 - centre).powi(2));
        let sd = (squares * draws / (draws - 1.0)).sqrt();
        let rms = |which: usize| mean(&|r| r[which][k].1.powi(2)).sqrt();
        let (ours, r) = (rms(first), rms(first + 1));
        println!("| {name} | {sd:.4} | {ours:.4} | {:.3} | {r:.4} | {:.3} |", ours / sd, r / sd);
    }
    println!();
}
