//! A small document for tests.

use crate::compare::{Comparison, ComparisonTable, Measure};
use crate::estimate::{
    ByVariable, DfRule, Estimate, EstimateTable, IntervalMethod, MissingEffect, MissingReport,
    Outcome, Statistic,
};
use crate::report::{DataSummary, DesignSummary, Document};

pub(super) fn row(outcome: usize, domain: &[usize], estimate: f64, se: f64) -> Estimate {
    Estimate {
        outcome,
        domain: domain.to_vec(),
        n: 8,
        n_missing: 0,
        psus: 4,
        weight_sum: 20.0,
        estimate: Some(estimate),
        se: Some(se),
        se_replicates: None,
        cv: Some(se / estimate),
        deff: None,
        n_eff: None,
        n_eff_kish: None,
        df: Some(3.0),
        lower: None,
        upper: None,
        interval_note: None,
        quality: None,
        missing: MissingEffect::default(),
    }
}

pub(super) fn table(
    name: &str,
    outcomes: &[(&str, Option<&str>)],
    rows: Vec<Estimate>,
) -> EstimateTable {
    EstimateTable {
        name: name.into(),
        title: name.into(),
        statistic: Statistic::Mean,
        outcomes: outcomes
            .iter()
            .map(|(variable, level)| Outcome {
                variable: variable.to_string(),
                title: variable.to_string(),
                level: level.map(str::to_string),
                probability: None,
            })
            .collect(),
        by: Vec::new(),
        population: None,
        interval: IntervalMethod::T,
        level: 0.95,
        variance: String::new(),
        replicates: None,
        df_rule: DfRule::DomainPsusMinusStrata,
        standard: None,
        weight: String::new(),
        rows,
        covariance: None,
        missing: MissingReport::default(),
        notes: Vec::new(),
    }
}

pub(super) fn document(estimate: f64, se: f64) -> Document {
    let mut by = table(
        "by",
        &[("y", None), ("z", None)],
        vec![row(0, &[0], 1.0, 0.1), row(0, &[1], 2.0, 0.2), row(1, &[1], 4.0, 0.4)],
    );
    by.by = vec![ByVariable {
        variable: "race".into(),
        title: "Race".into(),
        levels: vec!["White".into(), "2".into()],
    }];
    Document {
        title: String::new(),
        description: None,
        source: None,
        data: DataSummary {
            file: String::new(),
            rows: 0,
            columns: 0,
            population: None,
            population_rows: 0,
        },
        design: DesignSummary {
            description: String::new(),
            strata: None,
            psus: None,
            replicates: None,
            df: None,
            lonely: None,
        },
        weighting: Vec::new(),
        estimates: vec![
            table("mean", &[("y", None)], vec![row(0, &[], estimate, se)]),
            table(
                "levels",
                &[("s", Some("E")), ("s", Some("H"))],
                vec![row(0, &[], 0.7, 0.1), row(1, &[], 0.3, 0.1)],
            ),
            by,
        ],
        tests: Vec::new(),
        comparisons: vec![ComparisonTable {
            name: "difference".into(),
            title: String::new(),
            estimate: "by".into(),
            measure: Measure::Difference,
            adjustment: None,
            level: 0.95,
            rows: vec![Comparison {
                outcome: None,
                within: String::new(),
                group: "2".into(),
                reference: "White".into(),
                estimate: Some(1.0),
                se: Some(0.5),
                df: Some(3.0),
                lower: None,
                upper: None,
                t: Some(2.0),
                p: Some(0.139326),
                p_adjusted: None,
                rests_on_suppressed: false,
            }],
            notes: Vec::new(),
        }],
        warnings: Vec::new(),
    }
}
