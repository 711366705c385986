//! Totals that cannot be met: what is said of them, and what is met instead.

use proptest::prelude::*;
use rakewell::weight::{
    Bounds, Calibration, CalibrationOptions, CalibrationStatus, Distance, Ledger, Margin, Obstacle,
    Residuals, WeightError, calibrate_weights,
};

use crate::sample::{Sample, close, margin, totals};
use crate::variance::{clustered, shapes, value, ys};

fn options(distance: Distance) -> CalibrationOptions {
    CalibrationOptions::new(distance)
}

/// Σ ((found − target)/target)².
fn miss(found: &[f64], targets: &[f64]) -> f64 {
    found.iter().zip(targets).map(|(f, t)| ((f - t) / t).powi(2)).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// The nearest totals can be met, and no others that can be met are nearer; the bounds named can
    /// be kept.
    #[test]
    fn the_nearest_totals((mut shape, seed) in shapes(), up in 1.3_f64..1.6, down in 0.6_f64..0.8) {
        shape.push(vec![5, 4]);
        shape.push(vec![4, 6]);
        let s = clustered(&shape, seed);
        let rows = s.weight.len();
        let (x, z) = (ys(seed + 3, rows), ys(seed + 4, rows));
        let of = |w: &[f64], x: &[f64]| w.iter().zip(x).map(|(w, x)| w * x).sum::<f64>();
        let sum: f64 = s.weight.iter().sum();
        let t = totals(
            &[margin("all", &vec![0; rows], &[sum])],
            &[(&x, up * of(&s.weight, &x)), (&z, down * of(&s.weight, &z))],
        );
        let bounds = Bounds { lower: 0.7, upper: 1.2 };
        let (_, status) = calibrate_weights(&s.weight, &t, &options(Distance::Linear(Some(bounds))));
        let CalibrationStatus::Infeasible { obstacles, nearest, bounds: enough, .. } = &status else {
            return Err(TestCaseError::fail(format!("{status}")));
        };
        prop_assert!(!obstacles.is_empty() && !nearest.is_empty());
        let mut best = t.targets.clone();
        for total in nearest {
            let at = t.names.iter().position(|n| *n == total.name).unwrap();
            best[at] = total.nearest;
        }
        let reached = miss(&best, &t.targets);
        prop_assert!(reached > 1e-10);
        let hits = |g: &[f64]| -> Vec<f64> {
            let w: Vec<f64> = g.iter().zip(&s.weight).map(|(g, d)| g * d).collect();
            vec![w.iter().sum(), of(&w, &x), of(&w, &z)]
        };
        // Any factors within the bounds, and those on the segment to them.
        for trial in 0..30 {
            let g: Vec<f64> = (0..rows)
                .map(|r| {
                    let u = (value(seed + 100 + trial, r) - 10.0) / 20.0;
                    let pull = x[r] - z[r] * f64::from(trial) / 15.0;
                    let u = if trial % 2 == 0 { u } else { f64::from(pull > 0.0) };
                    0.7 + 0.5 * u
                })
                .collect();
            prop_assert!(miss(&hits(&g), &t.targets) >= reached * (1.0 - 1e-4));
            // Projection: (t − best)·(τ − best) ≤ 0 for what can be reached, in relative terms.
            let inner: f64 = hits(&g).iter().zip(&best).zip(&t.targets)
                .map(|((h, b), t)| (t - b) / t * (h - b) / t).sum();
            prop_assert!(inner <= 1e-5, "{}", inner);
        }
        if let Some((lower, upper)) = *enough {
            let wider = Bounds { lower: lower - 1e-3, upper: upper + 1e-3 };
            let (_, status) = calibrate_weights(&s.weight, &t, &options(Distance::Linear(Some(wider))));
            prop_assert!(status.is_converged(), "{} with {:?}", status, wider);
        }
        // Accepted, the weights keep the bounds and miss no more.
        let mut relaxed = options(Distance::Linear(Some(bounds)));
        relaxed.relax = true;
        let (w, status) = calibrate_weights(&s.weight, &t, &relaxed);
        prop_assert!(matches!(status, CalibrationStatus::Relaxed { .. }), "{}", status);
        let g: Vec<f64> = w.iter().zip(&s.weight).map(|(w, d)| w / d).collect();
        prop_assert!(g.iter().all(|g| (0.7 - 1e-12..=1.2 + 1e-12).contains(g)));
        close(miss(&hits(&g), &t.targets), reached, 1e-3, 1e-9);
    }
}

fn ledger(s: &Sample) -> Ledger {
    Ledger::new(s.design().weights.clone(), "w")
}

/// A column that is the sum of others, with another total, is named with what it follows from.
#[test]
fn contradictory_totals_are_named() {
    let s = clustered(&[vec![3, 3], vec![4, 4]], 6);
    let rows = s.weight.len();
    let (a, b) = (ys(5, rows), ys(6, rows));
    let c: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a + 2.0 * b).collect();
    let at = |x: &[f64]| s.weight.iter().zip(x).map(|(w, x)| w * x).sum::<f64>();
    let mut t = totals(&[], &[(&a, at(&a)), (&b, at(&b)), (&c, 1.1 * at(&c))]);
    for distance in [Distance::Linear(None), Distance::Raking(None)] {
        let found = ledger(&s).calibrate(&t, &options(distance), false);
        let Err(WeightError::Infeasible { status, .. }) = found else { panic!("{found:?}") };
        let CalibrationStatus::Infeasible { obstacles, .. } = *status else { panic!() };
        let Obstacle::Inconsistent { name, implied, from, .. } = &obstacles[0] else {
            panic!("{obstacles:?}")
        };
        assert_eq!((name.as_str(), from.len()), ("x2", 2));
        close(*implied, at(&c), 1e-9, 0.0);
    }
    // Consistent, it does no harm.
    t.targets[2] = at(&c);
    assert!(ledger(&s).calibrate(&t, &options(Distance::Linear(None)), false).is_ok());
}

/// Two margins that a sample without one crossing cannot meet together.
#[test]
fn margins_that_pull_against_each_other() {
    let s = clustered(&[vec![4, 4], vec![4, 4]], 3);
    // Nobody has the first level of `a` and the second of `b`.
    let a: Vec<u32> = (0..16).map(|r| u32::from(r % 4 != 0)).collect();
    let b: Vec<u32> = (0..16).map(|r| u32::from(r % 4 > 1)).collect();
    let margins =
        || -> Vec<Margin> { vec![margin("a", &a, &[60.0, 40.0]), margin("b", &b, &[50.0, 50.0])] };
    let error = ledger(&s).rake(margins(), 0.0, 1000, Residuals::Regression).unwrap_err();
    let WeightError::Infeasible { status, .. } = &error else { panic!("{error}") };
    let CalibrationStatus::Infeasible { obstacles, nearest, .. } = &**status else { panic!() };
    assert!(
        matches!(&obstacles[0], Obstacle::Jointly { names } if names.contains(&"a 0".to_string())),
        "{obstacles:?}"
    );
    // `a 0` has at most what `b 0` has.
    let total =
        |name: &str| nearest.iter().find(|n| n.name == name).map_or(f64::NAN, |n| n.nearest);
    assert!(total("a 0") <= total("b 0") + 1e-6, "{nearest:?}");
    assert!(error.ways_out()[0].contains("a 0"), "{:?}", error.ways_out());
    let mut relaxed = options(Distance::Raking(None));
    relaxed.relax = true;
    let mut l = ledger(&s);
    let status = l.calibrate_to(Calibration::to_margins(&margins(), relaxed)).unwrap();
    assert!(matches!(status, CalibrationStatus::Relaxed { .. }), "{status}");
    assert_eq!(l.steps()[1].summary.details[0].title, "Totals that gave way");
    // Without a step accepting it, nothing is kept.
    assert!(l.weights().iter().all(|w| w.is_finite() && *w >= 0.0));
}

/// Bounds that cannot hold a margin say which factor it needs.
#[test]
fn a_margin_out_of_reach() {
    let s = clustered(&[vec![4, 4], vec![4, 4]], 3);
    let a: Vec<u32> = (0..16).map(|r| u32::from(r % 4 != 0)).collect();
    let half: f64 = (0..16).filter(|r| r % 4 == 0).map(|r| s.weight[r]).sum();
    let rest: f64 = s.weight.iter().sum::<f64>() - half;
    let m = [margin("a", &a, &[2.0 * half, rest])];
    let bounds = Bounds { lower: 0.5, upper: 1.5 };
    for distance in
        [Distance::Logit(bounds), Distance::Linear(Some(bounds)), Distance::Raking(Some(bounds))]
    {
        let found = ledger(&s).calibrate_to(Calibration::to_margins(&m, options(distance)));
        let Err(WeightError::Infeasible { status, .. }) = found else { panic!("{found:?}") };
        let CalibrationStatus::Infeasible { obstacles, iterations, bounds, .. } = *status else {
            panic!()
        };
        let Obstacle::OutOfReach { name, factor: Some(factor), .. } = &obstacles[0] else {
            panic!("{obstacles:?}")
        };
        assert_eq!((name.as_str(), iterations), ("a 0", 0));
        close(*factor, 2.0, 1e-12, 0.0);
        let (_, upper) = bounds.unwrap();
        assert!((2.0 - 1e-4..2.02).contains(&upper), "{upper}");
    }
}
