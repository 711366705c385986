//! Trimming that keeps margins, Potter's rule, selection within households: against their definitions.

use std::sync::Arc;

use rakewell::data::{Codes, Numbers};
use rakewell::weight::{
    CalibrationOptions, Distance, Followed, Groups, KeepMargins, Ledger, Limit, Redistribution,
    Residuals, Selection, Totals, Trimming, WeightError, mse_limits, traded,
};

use super::sample::{Sample, calibrate, close, dense, margin, total, totals};
use super::variance::{value, ys};

const ROWS: usize = 120;

fn sample() -> Sample {
    Sample {
        // A long tail.
        weight: (0..ROWS).map(|i| 5.0 + (value(2, i) / 6.0).exp()).collect(),
        ..Sample::default()
    }
}

fn wanted(s: &Sample) -> Totals {
    let sum = |keep: &dyn Fn(usize) -> bool| -> f64 {
        (0..ROWS).filter(|&i| keep(i)).map(|i| s.weight[i]).sum()
    };
    let sex: Vec<u32> = (0..ROWS).map(|i| (i % 2) as u32).collect();
    let age: Vec<u32> = (0..ROWS).map(|i| (i / 7 % 3) as u32).collect();
    let (f, all) = (sum(&|i| i % 2 == 0), sum(&|_| true));
    let ages = [0, 1, 2].map(|a| sum(&|i| i / 7 % 3 == a) * all / all);
    let x = ys(9, ROWS);
    let x_total: f64 = s.weight.iter().zip(&x).map(|(w, x)| w * x).sum();
    let ages = [ages[0] * 1.04, ages[1] - ages[0] * 0.04, ages[2]];
    totals(
        &[margin("sex", &sex, &[f * 0.97, all - f * 0.97]), margin("age", &age, &ages)],
        &[(&x, x_total * 1.01)],
    )
}

fn cut(upper: f64) -> Trimming {
    Trimming {
        groups: Groups::everyone(ROWS),
        lower: None,
        upper: Some(Limit::Value(upper)),
        redistribution: Redistribution::Proportional,
        strict: false,
    }
}

fn calibrated(s: &Sample, totals: &Totals) -> Ledger {
    let mut ledger = Ledger::new(Arc::new(s.weight.clone()), "base");
    calibrate(&mut ledger, totals, &CalibrationOptions::new(Distance::Raking(None)));
    ledger
}

fn largest(w: &[f64]) -> f64 {
    w.iter().fold(0.0, |a, w| a.max(*w))
}

/// The optimality conditions of min Σ (v − w)²/w subject to X'v = t and 0 ≤ v ≤ U, sufficient because
/// the problem is convex: there is a λ with v = w (1 + x'λ) where v is inside, and w (1 + x'λ) beyond the
/// bound where v is at one.
#[test]
fn exact_trimming_solves_its_problem() {
    let s = sample();
    let wanted = wanted(&s);
    let mut ledger = calibrated(&s, &wanted);
    let w = ledger.weights().clone();
    let upper = 0.8 * largest(&w);
    ledger.trim_keeping(cut(upper), KeepMargins::Exact).expect("there is room");
    let v = ledger.weights().clone();
    let x = dense(&wanted, ROWS);
    for (column, target) in wanted.targets.iter().enumerate() {
        close((0..ROWS).map(|i| v[i] * x[(i, column)]).sum(), *target, 1e-9, 0.0);
    }
    let free: Vec<usize> = (0..ROWS).filter(|&i| v[i] < upper * (1.0 - 1e-9)).collect();
    assert!(free.len() < ROWS, "some weight is at the limit");
    // λ by least squares from the weights inside; they all agree with it.
    let a = x.select_rows(free.iter());
    let b = nalgebra::DVector::from_iterator(free.len(), free.iter().map(|&i| v[i] / w[i] - 1.0));
    let lambda = a.svd(true, true).solve(&b, 1e-10).expect("least squares");
    for i in 0..ROWS {
        let unbounded = w[i] * (1.0 + (x.row(i) * &lambda)[0]);
        if free.contains(&i) {
            close(v[i], unbounded, 1e-8, 0.0);
        } else {
            close(v[i], upper, 1e-9, 0.0);
            assert!(unbounded >= upper * (1.0 - 1e-9), "{unbounded} and {upper}");
        }
    }
}

#[test]
fn alternating_keeps_limits_and_margins_within_groups_too() {
    let s = sample();
    let wanted = wanted(&s);
    let mut ledger = calibrated(&s, &wanted);
    let w = ledger.weights().clone();
    let codes: Vec<u32> = (0..ROWS).map(|i| u32::from(i >= 60)).collect();
    let groups = Groups {
        codes: Arc::new(Codes::pack(&codes, 2)),
        names: vec!["a".to_string(), "b".to_string()],
        levels: vec![vec![0], vec![1]],
    };
    let limits = [0.85 * largest(&w[..60]), 0.8 * largest(&w[60..])];
    let step = Trimming {
        groups,
        upper: Some(Limit::Groups(Arc::new(limits.to_vec()))),
        ..cut(f64::INFINITY)
    };
    ledger.trim_keeping(step.clone(), KeepMargins::Alternate).expect("there is room");
    let v = ledger.weights();
    for (i, v) in v.iter().enumerate() {
        assert!(*v <= limits[i / 60] * (1.0 + 1e-6));
    }
    let x = dense(&wanted, ROWS);
    for (column, target) in wanted.targets.iter().enumerate() {
        close((0..ROWS).map(|i| v[i] * x[(i, column)]).sum(), *target, 1e-9, 0.0);
    }
    let mut other = calibrated(&s, &wanted);
    let refused = other.trim_keeping(step, KeepMargins::Exact);
    assert!(matches!(refused, Err(WeightError::Trim(_))), "one pair of limits: {refused:?}");
}

#[test]
fn what_cannot_be_kept_is_refused() {
    let s = sample();
    let mut plain = Ledger::new(Arc::new(s.weight.clone()), "base");
    let none = plain.trim_keeping(cut(40.0), KeepMargins::Exact);
    assert!(matches!(none, Err(WeightError::Trim(_))), "no calibration: {none:?}");
    for how in [KeepMargins::Exact, KeepMargins::Alternate] {
        let mut ledger = calibrated(&s, &wanted(&s));
        let mean = s.weight.iter().sum::<f64>() / ROWS as f64;
        let refused = ledger.trim_keeping(cut(0.9 * mean), how);
        assert!(matches!(refused, Err(WeightError::Trim(_))), "{how:?}: {refused:?}");
        assert_eq!(ledger.steps().len(), 2);
    }
}

/// What the calibration fixes stays without variance after trimming that keeps it.
#[test]
fn kept_totals_have_no_variance() {
    let s = sample();
    let wanted = wanted(&s);
    let x = ys(9, ROWS);
    for how in [KeepMargins::Exact, KeepMargins::Alternate] {
        let done = s.weighted(|l| {
            calibrate(l, &wanted, &CalibrationOptions::new(Distance::Raking(None)));
            let upper = 0.85 * largest(l.weights());
            l.trim_keeping(cut(upper), how).expect("there is room");
        });
        let (estimate, variance) = total(&done, &x);
        close(estimate, wanted.targets[5], 1e-9, 0.0);
        assert!(variance.sqrt() <= 1e-7 * estimate, "{how:?}: {variance}");
        assert!(total(&done, &ys(4, ROWS)).1 > 1.0);
    }
}

/// V, C and the mean squared error written out for rows that are their own PSUs.
#[test]
fn potters_rule_takes_the_smallest_mean_squared_error() {
    let s = sample();
    let design = s.design();
    let w = &s.weight;
    let y: Vec<f64> = (0..ROWS).map(|i| value(5, i) + 0.02 * w[i]).collect();
    let groups = Groups::everyone(ROWS);
    let outcomes = [("y".to_string(), Numbers::F64(y.clone()))];
    let chosen =
        mse_limits(&design.tree, w, &groups, &outcomes, Redistribution::None).expect("a limit");
    let Limit::Groups(limits) = chosen.0 else { panic!("a limit for each group") };
    let influence = |w: &[f64]| {
        let sum: f64 = w.iter().sum();
        let mean = w.iter().zip(&y).map(|(w, y)| w * y).sum::<f64>() / sum;
        let z: Vec<f64> = w.iter().zip(&y).map(|(w, y)| w * (y - mean) / sum).collect();
        (mean, z)
    };
    let n = ROWS as f64;
    let product =
        |a: &[f64], b: &[f64]| n / (n - 1.0) * a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mse = |limit: f64| {
        let trimmed: Vec<f64> = w.iter().map(|w| w.min(limit)).collect();
        let ((m0, z0), (m1, z1)) = (influence(w), influence(&trimmed));
        let noise = product(&z1, &z1) + product(&z0, &z0) - 2.0 * product(&z0, &z1);
        (product(&z1, &z1) + ((m1 - m0) * (m1 - m0) - noise).max(0.0)) / product(&z0, &z0)
    };
    let (top, mean) = (largest(w), w.iter().sum::<f64>() / n);
    let grid: Vec<f64> = (1..=40).map(|i| top * (mean / top).powf(f64::from(i) / 40.0)).collect();
    let best = grid.iter().copied().min_by(|a, b| mse(*a).total_cmp(&mse(*b))).expect("a limit");
    assert!(mse(best) < 1.0 && best > grid[39], "a real choice: {best}");
    close(limits[0], best, 1e-9, 0.0);
    // The table of what is traded says the same of it.
    let trimmed: Vec<f64> = w.iter().map(|w| w.min(best)).collect();
    let followed = [Followed { name: "y".to_string(), values: Numbers::F64(y.clone()), groups }];
    let lines = traded(&design.tree, w, &trimmed, &followed).expect("lengths agree");
    close(lines[0].mse_ratio.expect("a variance"), mse(best), 1e-9, 0.0);
    close(lines[0].before, influence(w).0, 1e-12, 0.0);
    close(
        lines[0].se_after,
        product(&influence(&trimmed).1, &influence(&trimmed).1).sqrt(),
        1e-9,
        0.0,
    );
}

#[test]
fn selection_multiplies_by_inverse_probabilities_up_to_the_cap() {
    let mut ledger = Ledger::new(Arc::new(vec![10.0, 10.0, 0.0, 20.0]), "base");
    let step = |factors: Vec<f64>| Selection {
        factors: Arc::new(factors),
        cap: Some(4.0),
        from: "adults / 1".to_string(),
    };
    ledger.select(step(vec![1.0, 6.0, f64::NAN, 3.0])).expect("factors");
    assert_eq!(ledger.weights().as_slice(), [10.0, 40.0, 0.0, 60.0]);
    let outcome = &ledger.steps()[1].summary.outcome;
    assert!(outcome.starts_with("1 factors capped at 4, which gives up 15.38 %"), "{outcome}");
    for bad in [vec![1.0, 0.5, 1.0, 1.0], vec![1.0, f64::INFINITY, 1.0, 1.0]] {
        let refused = ledger.select(step(bad));
        assert!(matches!(refused, Err(WeightError::Selection { row: 2, .. })), "{refused:?}");
    }
    let missing = ledger.select(step(vec![f64::NAN, 1.0, 1.0, 1.0]));
    assert!(matches!(missing, Err(WeightError::Missing { row: 1, .. })), "{missing:?}");
}

/// Group sizes and efficiency, re-derived.
#[test]
fn diagnostics_by_group() {
    let s = sample();
    let mut ledger = Ledger::new(Arc::new(s.weight.clone()), "base");
    let sex: Vec<u32> = (0..ROWS).map(|i| (i % 2) as u32).collect();
    ledger
        .rake(vec![margin("sex", &sex, &[900.0, 1200.0])], 0.0, 10, Residuals::Regression)
        .expect("met");
    let codes: Vec<u32> = (0..ROWS).map(|i| (i % 3) as u32).collect();
    let groups = Groups {
        codes: Arc::new(Codes::pack(&codes, 3)),
        names: ["a", "b", "c"].map(String::from).to_vec(),
        levels: vec![vec![0], vec![1], vec![2]],
    };
    let case = |row: usize| vec![("id".to_string(), (row + 100).to_string())];
    ledger.diagnose(&rakewell::weight::DiagnosticRequest {
        groups: vec![("class".to_string(), groups)],
        case: &case,
    });
    let w = ledger.weights().clone();
    let d = &ledger.steps()[1].summary.diagnostics;
    let own: Vec<f64> = (0..ROWS).filter(|i| i % 3 == 1).map(|i| w[i]).collect();
    let (sum, squares) = (own.iter().sum::<f64>(), own.iter().map(|w| w * w).sum::<f64>());
    assert_eq!((d.groups[1].group.as_str(), d.groups[1].weights.n), ("b", own.len() as u64));
    close(d.groups[1].weights.n_eff, sum * sum / squares, 1e-12, 0.0);
    close(d.groups[1].share, sum / w.iter().sum::<f64>(), 1e-12, 0.0);
    let (all, all2) = (w.iter().sum::<f64>(), w.iter().map(|w| w * w).sum::<f64>());
    close(d.efficiency, all * all / (ROWS as f64 * all2), 1e-12, 0.0);
    let row = d.largest[0].row - 1;
    assert_eq!(d.largest[0].weight, largest(&w));
    assert_eq!(d.largest[0].case, [("id".to_string(), (row + 100).to_string())]);
    assert_eq!((d.largest[0].before, d.largest[0].base), (s.weight[row], s.weight[row]));
    assert!(d.balance.iter().all(|b| b.difference_after.abs() < 1e-9));
    assert!(d.balance.iter().any(|b| b.difference_before.abs() > 1e-3));
    let histogram = d.factors.as_ref().expect("factors differ");
    assert_eq!(histogram.counts.iter().sum::<u64>(), ROWS as u64);
}
