//! How rakewell's own times grow with rows, domains and outcomes.

use std::time::Instant;

use rakewell::design::SurveyDesign;
use rakewell::estimate::Analysis;
use rakewell::weight::Ledger;

use super::ours::median;
use super::survey_data::Survey;
use super::tasks;

/// Rows of the first list; the others are measured at [`ROWS`].
const SIZES: [usize; 5] = [10_000, 50_000, 250_000, 1_000_000, 4_000_000];
const ROWS: usize = 1_000_000;

/// How often tasks that are set side by side are done.
const ROUNDS: usize = 21;

/// Crossings with 1, 18, 54, 270 and 864 domains.
const CROSSINGS: [&[&str]; 5] =
    [&[], &["eth"], &["eth", "mig"], &["eth", "mig", "educ"], &["eth", "mig", "agesex"]];

/// Outcomes; those that are no measurements serve as numbers all the same.
const OUTCOMES: [&str; 10] =
    ["discrim", "lonely", "satis", "income", "tenure", "educ", "agesex", "region", "mig", "eth"];

/// Prints the three tables.
pub fn run() {
    println!("Medians of several runs, in milliseconds.\n");
    println!(
        "| rows | design | rake | linear | 3 means × 54 | 1 mean × 54 | raked, first table | raked, further |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|");
    for rows in SIZES {
        let survey = Survey::new(rows, 1);
        let (table, margins) = (tasks::table(&survey), tasks::margins(&survey));
        let repeats = (4_000_000 / rows).clamp(3, 21);
        let design = tasks::design(&table);
        let base = tasks::base(&design);
        let raked = tasks::rake(&table, &margins, &base);
        let by = CROSSINGS[2];
        let further = further(&design, &raked);
        let mut times = vec![
            time(repeats, || tasks::design(&table)),
            time(repeats, || tasks::rake(&table, &margins, &base)),
            time(repeats, || tasks::linear(&table, &margins, &base)),
            time(repeats, || tasks::means(&table, &design, &base, &OUTCOMES[..3], by, false)),
        ];
        let one = &OUTCOMES[..1];
        times.extend(in_turn([
            &|| tasks::means(&table, &design, &base, one, by, false),
            &|| tasks::means(&table, &design, &raked, one, by, false),
            &|| tasks::table_of(&table, &further, one, by, false),
        ]));
        line(&survey.rows().to_string(), &times);
    }
    let survey = Survey::new(ROWS, 1);
    let (table, margins) = (tasks::table(&survey), tasks::margins(&survey));
    let design = tasks::design(&table);
    let base = tasks::base(&design);
    let raked = tasks::rake(&table, &margins, &base);
    println!(
        "\n{} rows, one mean:\n\n| domains | base weight | raked | further | all covariances | raked | further |",
        survey.rows()
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|");
    let analysis = further(&design, &raked);
    let three = |outcomes: &[&str], by: &[&str], all: bool| {
        in_turn([
            &|| tasks::means(&table, &design, &base, outcomes, by, all),
            &|| tasks::means(&table, &design, &raked, outcomes, by, all),
            &|| tasks::table_of(&table, &analysis, outcomes, by, all),
        ])
    };
    for by in CROSSINGS {
        let domains = tasks::means(&table, &design, &base, &OUTCOMES[..1], by, false).rows.len();
        let times = [false, true].map(|all| three(&OUTCOMES[..1], by, all)).concat();
        line(&domains.to_string(), &times);
    }
    println!(
        "\n{} rows, 54 domains:\n\n| outcomes | base weight | raked | further |",
        survey.rows()
    );
    println!("|---:|---:|---:|---:|");
    for count in [1, 2, 3, 5, 10] {
        line(&count.to_string(), &three(&OUTCOMES[..count], CROSSINGS[2], false));
    }
}

/// The analysis that all tables of a study share.
fn further(design: &SurveyDesign, raked: &Ledger) -> Analysis {
    Analysis::new(design.clone(), raked.clone())
}

/// Tasks that are set side by side are done in turn, so that what else the machine does falls on all of
/// them; without the time of the first calls.
fn in_turn<T, const N: usize>(tasks: [&dyn Fn() -> T; N]) -> [f64; N] {
    let mut seconds = [const { Vec::new() }; N];
    for round in 0..=ROUNDS {
        for (task, seconds) in tasks.iter().zip(&mut seconds) {
            let time = time(1, task);
            if round > 0 {
                seconds.push(time);
            }
        }
    }
    seconds.map(|mut seconds| {
        seconds.sort_by(f64::total_cmp);
        median(&seconds)
    })
}

/// Prints how the time of replicates grows: with rows, domains and replicates.
pub fn replicates() {
    println!(
        "Medians of three, in milliseconds: Rao–Wu replicates made, raked to five margins, means."
    );
    let run = |survey: &Survey, outcomes: &[&str], by: &[&str], count: usize| {
        let (table, margins) = (tasks::table(survey), tasks::margins(survey));
        let design = tasks::design(&table);
        time(3, || tasks::bootstrap(&table, &margins, &design, outcomes, by, count))
    };
    println!("\n| rows | 200 replicates, 3 means × 54 |\n|---:|---:|");
    for rows in SIZES {
        let survey = Survey::new(rows, 1);
        line(&survey.rows().to_string(), &[run(&survey, &OUTCOMES[..3], CROSSINGS[2], 200)]);
    }
    let survey = Survey::new(250_000, 1);
    println!("\n{} rows, 200 replicates:\n\n| domains | 3 means |\n|---:|---:|", survey.rows());
    for (by, domains) in CROSSINGS.into_iter().zip([1, 18, 54, 270, 864]) {
        line(&domains.to_string(), &[run(&survey, &OUTCOMES[..3], by, 200)]);
    }
    println!("\n{} rows, 3 means × 54:\n\n| replicates | |\n|---:|---:|", survey.rows());
    for count in [50, 100, 200, 500, 1000] {
        line(&count.to_string(), &[run(&survey, &OUTCOMES[..3], CROSSINGS[2], count)]);
    }
}

fn time<T>(repeats: usize, work: impl Fn() -> T) -> f64 {
    let mut seconds: Vec<f64> = (0..repeats)
        .map(|_| {
            let clock = Instant::now();
            let result = work();
            let elapsed = clock.elapsed().as_secs_f64();
            drop(result);
            elapsed
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    median(&seconds)
}

fn line(label: &str, seconds: &[f64]) {
    let cells: Vec<String> = seconds.iter().map(|s| format!("{:.1}", 1e3 * s)).collect();
    println!("| {label} | {} |", cells.join(" | "));
}
