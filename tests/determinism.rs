//! The same bits with one thread or several, and the same numbers whatever the order of the rows.

use std::sync::Arc;

use rakewell::data::{Column, Numbers, Table, Values};
use rakewell::design::SurveyDesign;
use rakewell::estimate::{Analysis, Domains, EstimateTable, Quantity};
use rakewell::replicate::{ReplicateMethod, Replicates, jackknife};
use rakewell::weight::Ledger;

#[allow(dead_code)] // Every program that shares these modules uses some of what they hold.
#[path = "../benches/survey_data/mod.rs"]
mod survey_data;
#[allow(dead_code)]
#[path = "../benches/survey_data/tasks.rs"]
mod tasks;

use survey_data::Survey;
use tasks::{BY, OUTCOMES};

/// Enough for several lanes of every pass over the rows.
const ROWS: usize = 150_000;

/// What a run gives, by name.
type Outputs = Vec<(String, Vec<f64>)>;

#[test]
fn one_two_and_three_threads_give_the_same_bits() {
    let survey = Survey::new(ROWS, 7);
    let sorted = tasks::table(&survey);
    // Rows in the order of their units and rows that are not are read in different ways.
    for table in [reordered(&sorted, &shuffled(sorted.rows())), sorted] {
        let one = with_threads(1, || outputs(&survey, &table));
        for threads in [2, 3] {
            let several = with_threads(threads, || outputs(&survey, &table));
            for ((name, a), (_, b)) in one.iter().zip(&several) {
                let differ = a.iter().zip(b).position(|(x, y)| x.to_bits() != y.to_bits());
                assert_eq!(a.len(), b.len(), "{name}, {threads} threads");
                assert_eq!(differ, None, "{name}, {threads} threads");
            }
        }
    }
}

#[test]
fn the_order_of_the_rows_does_not_matter() {
    let survey = Survey::new(ROWS, 7);
    let table = tasks::table(&survey);
    let order = shuffled(table.rows());
    let sorted = outputs(&survey, &table);
    let mixed = outputs(&survey, &reordered(&table, &order));
    for ((name, a), (_, b)) in sorted.iter().zip(&mixed) {
        // Weights come row by row: bring them into one order.
        let is_by_row = a.len() == order.len();
        for (i, b) in b.iter().enumerate() {
            let a = if is_by_row { a[order[i]] } else { a[i] };
            // Sums of thousands of rounded terms; a covariance near zero has its scale from the
            // variances, which are about 1e-4.
            let (tolerance, floor) = if is_by_row { (1e-12, 0.0) } else { (1e-9, 1e-9) };
            let scale = a.abs().max(floor);
            assert!(
                a.to_bits() == b.to_bits() || (a - b).abs() <= tolerance * scale,
                "{name}, entry {i}: {a} and {b}"
            );
        }
    }
}

/// Weights, estimates with all that comes with them, covariances, replicate variances.
fn outputs(survey: &Survey, table: &Table) -> Outputs {
    let margins = tasks::margins(survey);
    let design = tasks::design(table);
    let base = tasks::base(&design);
    let raked = tasks::rake(table, &margins, &base);
    let linear = tasks::linear(table, &margins, &raked);
    let mut out: Outputs = Vec::new();
    for (name, ledger) in [("base", &base), ("raked", &raked), ("raked and linear", &linear)] {
        let w = ledger.weights();
        out.push((format!("{name}: weights"), w.to_vec()));
        out.push((format!("{name}: sum of the weights"), vec![rakewell::numeric::sum(w)]));
        let means = tasks::means(table, &design, ledger, &OUTCOMES, &BY, true);
        out.push((format!("{name}: estimates"), numbers(&means)));
        let covariance = means.covariance.expect("it was asked for");
        out.push((format!("{name}: covariances"), covariance.values));
    }
    out.extend(replicated(table, &design, &raked));
    out
}

/// A delete-a-group jackknife given as columns, and one made from a smaller design.
fn replicated(table: &Table, design: &SurveyDesign, ledger: &Ledger) -> Outputs {
    let psu = tasks::numbers(table, "psu");
    let groups = 12;
    let columns: Vec<Arc<Numbers>> = (0..groups)
        .map(|g| {
            let factor = f64::from(groups) / f64::from(groups - 1);
            let is_out = |row: usize| psu.get(row) % f64::from(groups) == f64::from(g);
            let values = (0..table.rows()).map(|r| if is_out(r) { 0.0 } else { factor });
            Arc::new(Numbers::pack(values.collect()))
        })
        .collect();
    let method = ReplicateMethod::Jk1;
    let w = ledger.weights();
    let given = Replicates::from_columns(method, w, columns, false, None, None, None, None)
        .expect("the replicates are sound");
    let analysis = Analysis::with_replicates(design.clone(), ledger.clone(), given);

    let small = tasks::table(&Survey::new(4_000, 3));
    let small_design = tasks::design(&small);
    let small_base = tasks::base(&small_design);
    let made = jackknife(&small_design).unwrap();
    let jackknifed = Analysis::with_replicates(small_design, small_base, made);
    vec![
        ("replicates as columns".to_string(), variances(&analysis, table)),
        ("jackknife".to_string(), variances(&jackknifed, &small)),
    ]
}

fn variances(analysis: &Analysis, table: &Table) -> Vec<f64> {
    let factor = tasks::column(table, "mig").as_factor();
    let domains = Domains::cross(table.rows(), &[&factor], None);
    let outcomes: Vec<Quantity<'_>> =
        OUTCOMES.iter().map(|name| Quantity::Mean(tasks::numbers(table, name))).collect();
    let raw = analysis.estimate(&outcomes, &domains.codes, true);
    let covariance = raw.covariance.expect("it was asked for");
    raw.values.iter().chain(&raw.variances).chain(covariance.iter()).copied().collect()
}

fn numbers(table: &EstimateTable) -> Vec<f64> {
    let of_row = |row: &rakewell::estimate::Estimate| {
        let counts = [row.n, row.n_missing, row.psus].map(|n| Some(n as f64));
        let other = [row.estimate, row.se, row.deff, row.n_eff, row.df, row.lower, row.upper];
        counts.into_iter().chain(other).map(|x| x.unwrap_or(f64::NAN)).collect::<Vec<f64>>()
    };
    table.rows.iter().flat_map(of_row).collect()
}

fn with_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.expect("threads can be started").install(work)
}

/// The table with its rows in another order.
fn reordered(table: &Table, order: &[usize]) -> Table {
    let columns = table.columns().iter().map(|column| {
        let numbers = tasks::numbers(table, &column.name);
        let values = order.iter().map(|&row| numbers.get(row)).collect();
        Column::from_values(column.name.clone(), Values::Numbers(Numbers::pack(values)))
    });
    Table::new(columns.collect()).expect("columns of one table fit")
}

/// The rows in an order far from theirs: steps of a number prime to their count.
fn shuffled(rows: usize) -> Vec<usize> {
    let gcd = |mut a: usize, mut b: usize| {
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let step = (rows * 2 / 3..).find(|&s| gcd(s, rows) == 1).unwrap_or(1);
    (0..rows).map(|i| i * step % rows).collect()
}
