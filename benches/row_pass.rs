//! Speed of the work that goes over the rows, from a table in memory: `cargo bench`.
//!
//! The tasks are those of `examples/side_by_side`, which compares them with other systems.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rakewell::data::io::{ReadOptions, read};
use rakewell::weight::Ledger;

#[path = "survey_data/mod.rs"]
mod survey_data;
#[allow(dead_code)] // Every program that shares these tasks uses some of them.
#[path = "survey_data/tasks.rs"]
mod tasks;
#[path = "survey_data/write.rs"]
mod write;

use survey_data::Survey;
use tasks::{BY, OUTCOMES};

fn row_pass(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("row_pass");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    for (size, rows) in [("50k", 50_000), ("1M", 1_000_000)] {
        let survey = Survey::new(rows, 1);
        let table = &tasks::table(&survey);
        let margins = &tasks::margins(&survey);
        let design = &tasks::design(table);
        let base = &tasks::base(design);
        let raked = &tasks::rake(table, margins, base);
        group.throughput(Throughput::Elements(survey.rows() as u64));
        let mut task = |name: &str, work: &mut dyn FnMut()| {
            group.bench_function(BenchmarkId::new(name, size), |b| b.iter(&mut *work));
        };
        let means = |ledger: &Ledger, outcomes: &[&str]| {
            tasks::means(table, design, ledger, outcomes, &BY, false)
        };
        task("design", &mut || drop(black_box(tasks::design(table))));
        task("three_means_54", &mut || drop(black_box(means(base, &OUTCOMES))));
        task("one_mean_54", &mut || drop(black_box(means(base, &OUTCOMES[..1]))));
        task("rake", &mut || drop(black_box(tasks::rake(table, margins, base))));
        task("one_mean_54_raked", &mut || drop(black_box(means(raked, &OUTCOMES[..1]))));
        task("rake_then_one_mean_54", &mut || {
            let raked = tasks::rake(table, margins, base);
            drop(black_box(means(&raked, &OUTCOMES[..1])));
        });
        task("linear", &mut || drop(black_box(tasks::linear(table, margins, base))));

        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("survey.parquet");
        write::write_parquet(&survey, &file).expect("the file is written");
        let options = ReadOptions::default();
        task("read_parquet", &mut || drop(black_box(read(&file, &options).expect("it is read"))));
    }
    group.finish();
}

criterion_group!(benches, row_pass);
criterion_main!(benches);
