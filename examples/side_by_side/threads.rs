//! The same bytes whatever the number of threads.

use rakewell::estimate::EstimateTable;

use super::survey_data::Survey;
use super::tasks::{self, BY, OUTCOMES};

/// Runs the tasks with 1, 2 and 3 threads and says whether all outputs are the same bit for bit.
pub fn compare(survey: &Survey) -> bool {
    let outputs: Vec<Vec<u64>> = [1, 2, 3].into_iter().map(|n| outputs(survey, n)).collect();
    let same = outputs.iter().all(|o| *o == outputs[0]);
    println!(
        "1, 2 and 3 threads: {} numbers {}",
        outputs[0].len(),
        if same { "the same bit for bit" } else { "NOT the same" }
    );
    same
}

/// The bits of weights, estimates and covariances, worked out with so many threads.
fn outputs(survey: &Survey, threads: usize) -> Vec<u64> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.expect("threads can be started").install(|| {
        let table = tasks::table(survey);
        let margins = tasks::margins(survey);
        let design = tasks::design(&table);
        let base = tasks::base(&design);
        let raked = tasks::rake(&table, &margins, &base);
        let linear = tasks::linear(&table, &margins, &base);
        let mut bits: Vec<u64> = Vec::new();
        for ledger in [&base, &raked, &linear] {
            bits.extend(ledger.weights().iter().map(|w| w.to_bits()));
            table_bits(&tasks::means(&table, &design, ledger, &OUTCOMES, &BY, true), &mut bits);
        }
        let bootstrap = tasks::bootstrap(&table, &margins, &design, &OUTCOMES, &BY, 20);
        table_bits(&bootstrap, &mut bits);
        bits
    })
}

fn table_bits(table: &EstimateTable, bits: &mut Vec<u64>) {
    for row in &table.rows {
        let numbers = [row.estimate, row.se, row.deff, row.n_eff, row.df, row.lower, row.upper];
        bits.extend(numbers.iter().map(|x| x.map_or(0, f64::to_bits)));
    }
    bits.extend(table.covariance.iter().flat_map(|c| &c.values).map(|x| x.to_bits()));
}
