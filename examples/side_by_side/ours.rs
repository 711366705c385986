//! Our own times and check values.

use std::path::Path;
use std::time::Instant;

use rakewell::data::io::{ReadOptions, read};
use rakewell::estimate::{Analysis, EstimateTable};
use rakewell::weight::Ledger;

use super::others::Timed;
use super::survey_data::Survey;
use super::tasks::{self, BY, OUTCOMES};

/// The domain whose estimates are compared: ethnic group 9, migration 1.
const DOMAIN: [usize; 2] = [9, 1];

/// Times every task; see `benches/side_by_side/README.md` for what they are.
pub fn run(survey: &Survey, folder: &Path, repeats: usize) -> Vec<Timed> {
    let table = &tasks::table(survey);
    let margins = &tasks::margins(survey);
    let design = &tasks::design(table);
    let base = &tasks::base(design);
    let raked = &tasks::rake(table, margins, base);
    let equal = &Ledger::new(vec![1.0; table.rows()].into(), "equal weights");
    let one = &OUTCOMES[..1];
    let estimates = |name: &str, ledger: &Ledger, outcomes: &[&str]| {
        let work = || tasks::means(table, design, ledger, outcomes, &BY, false);
        time(name, repeats, work, estimates_in_domain)
    };
    let analysis = &Analysis::new(design.clone(), raked.clone());
    let further = || tasks::table_of(table, analysis, one, &BY, false);
    drop(further());
    let both = || tasks::means(table, design, &tasks::rake(table, margins, base), one, &BY, false);
    let bootstrap = || tasks::bootstrap(table, margins, design, &OUTCOMES, &BY, 200);
    let columns = tasks::USED.map(String::from);
    let options = ReadOptions { columns: Some(&columns), ..ReadOptions::default() };
    let file = folder.join("survey.parquet");
    vec![
        estimates("three_means_54", base, &OUTCOMES),
        estimates("one_mean_54", base, one),
        time("rake", repeats, || tasks::rake(table, margins, base), weight_values),
        time("rake_equal", repeats, || tasks::rake(table, margins, equal), weight_values),
        estimates("one_mean_54_raked", raked, one),
        time("one_mean_54_raked_further", repeats, further, estimates_in_domain),
        time("rake_then_one_mean_54", repeats, both, estimates_in_domain),
        time("linear", repeats, || tasks::linear(table, margins, base), weight_values),
        time("logit", repeats, || tasks::logit(table, margins, base), weight_values),
        time("constraints_500", repeats, || tasks::many(table, margins, base), weight_values),
        time("bootstrap_200_raked", repeats.min(3), bootstrap, estimates_in_domain),
        time("design", repeats, || tasks::design(table), |_| Vec::new()),
        time("read_parquet", repeats, || read(&file, &options).map(|t| t.rows()), |_| Vec::new()),
    ]
}

/// Runs a task so many times; the check is outside the clock.
fn time<T>(
    task: &str,
    repeats: usize,
    work: impl Fn() -> T,
    check: impl Fn(&T) -> Vec<f64>,
) -> Timed {
    let (mut seconds, mut cpu) = (Vec::with_capacity(repeats), Vec::with_capacity(repeats));
    let mut checks = Vec::new();
    for _ in 0..repeats {
        let (clock, used) = (Instant::now(), cpu_seconds());
        let result = work();
        seconds.push(clock.elapsed().as_secs_f64());
        cpu.push(cpu_seconds() - used);
        checks = check(&result);
    }
    seconds.sort_by(f64::total_cmp);
    cpu.sort_by(f64::total_cmp);
    let (best, median, cpu) = (seconds[0], median(&seconds), median(&cpu));
    Timed { task: task.to_string(), best, median, cpu, checks }
}

/// Processor time of all threads of this process so far (Linux; elsewhere zero).
fn cpu_seconds() -> f64 {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let nanoseconds = threads.filter_map(|thread| {
        let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    });
    nanoseconds.sum::<f64>() / 1e9
}

/// The median of sorted numbers.
pub fn median(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[half] } else { (sorted[half - 1] + sorted[half]) / 2.0 }
}

fn estimates_in_domain(table: &EstimateTable) -> Vec<f64> {
    let in_domain = table.rows.iter().filter(|row| row.domain == DOMAIN);
    in_domain.flat_map(|row| [row.estimate, row.se]).map(|x| x.unwrap_or(f64::NAN)).collect()
}

/// The first and the largest weight, and the sum.
fn weight_values(ledger: &Ledger) -> Vec<f64> {
    let w = ledger.weights();
    vec![w[0], w.iter().copied().fold(0.0, f64::max), rakewell::numeric::sum(w)]
}
