//! The results as one tidy table: one row per estimate or comparison, columns with fixed names.
//!
//! [`csv`](super::csv) lists them. Parquet holds the estimates only.

use serde::Serialize;

use crate::compare::test::{TestRow, TestStatistic, TestTable};
use crate::compare::{Comparison, ComparisonTable};
use crate::estimate::{Bounds, Estimate, EstimateTable, Imputed};

use super::document::Document;
use super::view;

/// A tidy table, column by column.
pub(super) struct Tidy {
    /// Its columns, all of the same length.
    pub columns: Vec<Column>,
    /// Its rows.
    pub rows: usize,
}

/// A column.
pub(super) struct Column {
    /// Its name.
    pub name: String,
    /// Its values.
    pub values: Values,
}

/// The values of a column; `None` where there is none. Numbers are finite.
pub(super) enum Values {
    Text(Vec<Option<String>>),
    Number(Vec<Option<f64>>),
    Count(Vec<Option<u64>>),
}

/// A row of the tidy table.
enum Item<'a> {
    Estimate(&'a EstimateTable, &'a Estimate),
    Comparison(&'a ComparisonTable, &'a Comparison),
    Test(&'a TestTable, &'a TestRow),
}

impl Tidy {
    /// The tidy table of a document, with or without its comparisons.
    pub(super) fn of(document: &Document, comparisons: bool) -> Tidy {
        let estimates = document
            .estimates
            .iter()
            .flat_map(|table| table.rows.iter().map(move |row| Item::Estimate(table, row)));
        let compared = document
            .comparisons
            .iter()
            .filter(|_| comparisons)
            .flat_map(|table| table.rows.iter().map(move |row| Item::Comparison(table, row)));
        let tested = document
            .tests
            .iter()
            .filter(|_| comparisons)
            .flat_map(|table| table.rows.iter().map(move |row| Item::Test(table, row)));
        let items: Vec<Item> = estimates.chain(compared).chain(tested).collect();
        let crossed = document.estimates.iter().map(|t| t.by.len()).max().unwrap_or(0).max(4);

        let mut build = Builder { items: &items, columns: Vec::new() };
        if comparisons {
            build.text(
                "kind",
                |_, _| Some("estimate".to_string()),
                |_, _| Some("comparison".to_string()),
            );
        }
        build.text("table", |t, _| Some(t.name.clone()), |t, _| Some(t.name.clone()));
        build.text("statistic", |t, _| name_of(&t.statistic), |t, _| name_of(&t.measure));
        build.text(
            "outcome",
            |t, r| t.outcomes.get(r.outcome).map(|o| o.variable.clone()),
            |_, r| r.outcome.clone(),
        );
        build.text("level", |t, r| t.outcomes.get(r.outcome)?.level.clone(), |_, _| None);
        build.number("probability", |t, r| t.outcomes.get(r.outcome)?.probability, |_, _| None);
        build.text(
            "domain",
            |t, r| Some(view::domain_text(t, r)),
            |_, r| Some(r.within.clone()).filter(|w| !w.is_empty()),
        );
        for i in 0..crossed {
            build.text(
                &format!("by{}", i + 1),
                |t, _| t.by.get(i).map(|by| by.variable.clone()),
                |_, _| None,
            );
            build.text(
                &format!("level{}", i + 1),
                |t, r| t.by.get(i)?.levels.get(*r.domain.get(i)?).cloned(),
                |_, _| None,
            );
        }
        if comparisons {
            build.text("group", |_, _| None, |_, r| Some(r.group.clone()));
            build.text("reference", |_, _| None, |_, r| Some(r.reference.clone()));
        }
        build.count("n", |_, r| r.n);
        build.count("n_missing", |_, r| r.n_missing);
        build.count("psus", |_, r| r.psus);
        build.number("weight_sum", |_, r| Some(r.weight_sum), |_, _| None);
        build.number("estimate", |_, r| r.estimate, |_, r| r.estimate);
        build.number("se", |_, r| r.se, |_, r| r.se);
        build.number("cv", |_, r| r.cv, |_, _| None);
        build.number("lower", |_, r| r.lower, |_, r| r.lower);
        build.number("upper", |_, r| r.upper, |_, r| r.upper);
        build.number("confidence", |t, _| Some(t.level), |t, _| Some(t.level));
        build.text("interval", |t, _| name_of(&t.interval), |_, _| None);
        build.number("deff", |_, r| r.deff, |_, _| None);
        build.number("n_eff", |_, r| r.n_eff, |_, _| None);
        build.number("n_eff_kish", |_, r| r.n_eff_kish, |_, _| None);
        build.number("df", |_, r| r.df, |_, r| r.df);
        build.text("df_rule", |t, _| name_of(&t.df_rule), |_, _| None);
        if comparisons {
            build.number("t", |_, _| None, |_, r| r.t);
            build.number("p", |_, _| None, |_, r| r.p);
            build.number("p_adjusted", |_, _| None, |_, r| r.p_adjusted);
            build.number("test_value", |_, _| None, |_, _| None);
            build.number("ddf", |_, _| None, |_, _| None);
        }
        build.number("missing_share", |_, r| r.missing.share, |_, _| None);
        build.text("group_missing", |t, _| group_missing(t), |_, _| None);
        build.count_of("group_missing_rows", |t, _| Some(t.missing.rows).filter(|_| by(t)));
        build.number("group_missing_share", |t, _| t.missing.share.filter(|_| by(t)), |_, _| None);
        build.count_of("bound_rows", |_, r| Some(r.missing.bounds.as_ref()?.rows));
        let bound = |get: fn(&Bounds) -> Option<f64>| {
            move |_: &EstimateTable, r: &Estimate| get(r.missing.bounds.as_ref()?)
        };
        build.number("bound_all", bound(|b| b.all), |_, _| None);
        build.number("bound_lowest", bound(|b| b.lowest), |_, _| None);
        build.number("bound_highest", bound(|b| b.highest), |_, _| None);
        build.number("bound_lower", bound(|b| b.lower), |_, _| None);
        build.number("bound_upper", bound(|b| b.upper), |_, _| None);
        build.count_of("imputations", |_, r| Some(r.missing.imputed.as_ref()?.imputations as u64));
        let imputed = |get: fn(&Imputed) -> f64| {
            move |_: &EstimateTable, r: &Estimate| r.missing.imputed.as_ref().map(get)
        };
        build.number("within", imputed(|i| i.within), |_, _| None);
        build.number("between", imputed(|i| i.between), |_, _| None);
        build.number("missing_information", imputed(|i| i.missing_information), |_, _| None);
        build.text("flag", |_, r| name_of(&r.quality.as_ref()?.decision), |_, _| None);
        build.text(
            "flag_rules",
            |_, r| Some(view::rules(r)).filter(|rules| !rules.is_empty()),
            |_, _| None,
        );
        build.text("standard", |t, _| name_of(&t.standard?), |_, _| None);
        build.text("weight", |t, _| Some(t.weight.clone()), |_, _| None);
        build.text("variance", |t, _| Some(t.variance.clone()), |_, _| None);
        build.number("se_replicates", |_, r| r.se_replicates, |_, _| None);
        build.number("se_ratio", |_, r| r.se_ratio(), |_, _| None);
        build.text("replicates", |t, _| t.replicates.clone(), |_, _| None);
        build.text(
            "model_dependent",
            |t, _| model_dependent(&t.notes),
            |t, _| model_dependent(&t.notes),
        );
        let mut columns = build.columns;
        for (at, item) in items.iter().enumerate() {
            if let Item::Test(table, row) = item {
                fill_test(&mut columns, at, table, row);
            }
        }
        Tidy { columns, rows: items.len() }
    }
}

struct Builder<'a> {
    items: &'a [Item<'a>],
    columns: Vec<Column>,
}

impl Builder<'_> {
    fn text(
        &mut self,
        name: &str,
        estimate: impl Fn(&EstimateTable, &Estimate) -> Option<String>,
        comparison: impl Fn(&ComparisonTable, &Comparison) -> Option<String>,
    ) {
        let values = self.each(estimate, comparison);
        self.columns.push(Column { name: name.to_string(), values: Values::Text(values) });
    }

    fn number(
        &mut self,
        name: &str,
        estimate: impl Fn(&EstimateTable, &Estimate) -> Option<f64>,
        comparison: impl Fn(&ComparisonTable, &Comparison) -> Option<f64>,
    ) {
        let finite = |x: Option<f64>| x.filter(|x| x.is_finite());
        let values = self.each(|t, r| finite(estimate(t, r)), |t, r| finite(comparison(t, r)));
        self.columns.push(Column { name: name.to_string(), values: Values::Number(values) });
    }

    fn count(&mut self, name: &str, estimate: impl Fn(&EstimateTable, &Estimate) -> u64) {
        self.count_of(name, |t, r| Some(estimate(t, r)));
    }

    fn count_of(
        &mut self,
        name: &str,
        estimate: impl Fn(&EstimateTable, &Estimate) -> Option<u64>,
    ) {
        let values = self.each(estimate, |_, _| None);
        self.columns.push(Column { name: name.to_string(), values: Values::Count(values) });
    }

    fn each<T>(
        &self,
        estimate: impl Fn(&EstimateTable, &Estimate) -> Option<T>,
        comparison: impl Fn(&ComparisonTable, &Comparison) -> Option<T>,
    ) -> Vec<Option<T>> {
        self.items
            .iter()
            .map(|item| match item {
                Item::Estimate(table, row) => estimate(table, row),
                Item::Comparison(table, row) => comparison(table, row),
                Item::Test(..) => None,
            })
            .collect()
    }
}

/// The row of a test: most columns say nothing of it.
fn fill_test(columns: &mut [Column], at: usize, table: &TestTable, row: &TestRow) {
    let is_t = row.distribution == TestStatistic::T;
    for column in columns {
        match (column.name.as_str(), &mut column.values) {
            ("kind", Values::Text(v)) => v[at] = Some("test".to_string()),
            ("table", Values::Text(v)) => v[at] = Some(table.name.clone()),
            ("statistic", Values::Text(v)) => v[at] = name_of(&row.distribution),
            ("outcome", Values::Text(v)) => v[at] = Some(row.what.clone()),
            ("group", Values::Text(v)) => v[at].clone_from(&row.contrast),
            ("n", Values::Count(v)) => v[at] = Some(row.n),
            ("estimate", Values::Number(v)) => v[at] = row.estimate,
            ("se", Values::Number(v)) => v[at] = row.se,
            ("lower", Values::Number(v)) => v[at] = row.lower,
            ("upper", Values::Number(v)) => v[at] = row.upper,
            ("confidence", Values::Number(v)) => v[at] = row.lower.map(|_| table.level),
            ("df", Values::Number(v)) => v[at] = row.df,
            ("ddf", Values::Number(v)) => v[at] = row.ddf,
            ("t", Values::Number(v)) => v[at] = row.statistic.filter(|_| is_t),
            ("test_value", Values::Number(v)) => v[at] = row.statistic,
            ("p", Values::Number(v)) => v[at] = row.p,
            _ => {}
        }
    }
}

/// True when a table has groups.
fn by(table: &EstimateTable) -> bool {
    !table.by.is_empty()
}

/// What was done with rows without a group.
fn group_missing(table: &EstimateTable) -> Option<String> {
    name_of(&table.missing.handling).filter(|_| by(table))
}

/// The name an enumeration has in study files and JSON.
fn name_of(value: &impl Serialize) -> Option<String> {
    serde_json::to_value(value).ok()?.as_str().map(String::from)
}

/// What a reader must know of estimates that rest on a model of participation or of the outcome.
fn model_dependent(notes: &[String]) -> Option<String> {
    let mut notes = notes.iter().filter_map(|n| n.strip_prefix("Model-dependent: "));
    notes.next().map(str::to_string)
}
