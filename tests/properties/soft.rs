//! Totals that need not be met exactly, and totals that are estimates.

use nalgebra::{DMatrix, DVector};
use proptest::prelude::*;
use rakewell::estimate::{Analysis, Quantity};
use rakewell::replicate::jackknife;
use rakewell::weight::{
    Calibration, CalibrationOptions, ControlMethod, ControlTotals, Distance, Firmness, Ledger,
    Totals, calibrate_weights,
};

use crate::sample::{Sample, close, dense, domains, margin, numbers, total, totals};
use crate::variance::{clustered, shapes, ys};

fn linear(firmness: Vec<Firmness>) -> CalibrationOptions {
    let mut options = CalibrationOptions::new(Distance::Linear(None));
    options.firmness = Some(firmness);
    options
}

/// The population and the total of a number, some way from what the sample has.
fn wanted(s: &Sample, seed: u32) -> Totals {
    let rows = s.weight.len();
    let x = ys(seed + 3, rows);
    let sum: f64 = s.weight.iter().sum();
    let weighted: f64 = s.weight.iter().zip(&x).map(|(w, x)| w * x).sum();
    totals(&[margin("all", &vec![0; rows], &[1.1 * sum])], &[(&x, 1.25 * weighted)])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// λ = (Σ d x x' + R)⁻¹ (t − Σ d x), written out, with its variance and its limits.
    #[test]
    fn linear_ridge_written_out((mut shape, seed) in shapes(), k in 0.1_f64..50.0) {
        shape.iter_mut().filter(|s| s.len() < 2).for_each(|s| s.push(2));
        shape.push(vec![3, 4]);
        let s = clustered(&shape, seed);
        let rows = s.weight.len();
        let t = wanted(&s, seed);
        let x = dense(&t, rows);
        let d = DVector::from_vec(s.weight.clone());
        let mut m = x.transpose() * DMatrix::from_diagonal(&d) * &x;
        m[(1, 1)] += m[(1, 1)] / k;
        let gap = DVector::from_vec(t.targets.clone()) - x.transpose() * &d;
        let factor = m.cholesky().unwrap();
        let g = (&x * factor.solve(&gap)).map(|u| 1.0 + u);
        let done = s.weighted(|l| {
            let soft = vec![Firmness::Exact, Firmness::Importance(k)];
            l.calibrate_to(Calibration::new(t.clone(), linear(soft))).unwrap();
        });
        for (row, w) in done.ledger.weights().iter().enumerate() {
            close(*w, d[row] * g[row], 1e-8, 1e-3);
        }
        let y = DVector::from_vec(ys(seed, rows));
        let b = factor.solve(&(x.transpose() * d.component_mul(&y)));
        let residual: Vec<f64> = (&y - &x * b).component_mul(&g).iter().copied().collect();
        close(total(&done, y.as_slice()).1, total(&s.analysis(), &residual).1, 1e-7, 1e-8);
        // Of no importance: as if it were not there; of all importance: exact.
        let run = |soft: Firmness| calibrate_weights(&s.weight, &t, &linear(vec![Firmness::Exact, soft])).0;
        let exact = calibrate_weights(&s.weight, &t, &CalibrationOptions::new(Distance::Linear(None))).0;
        run(Firmness::Importance(1e12)).iter().zip(&exact).for_each(|(a, b)| close(*a, *b, 1e-6, 1e-2));
        run(Firmness::Importance(1e-12)).iter().zip(&s.weight)
            .for_each(|(w, d)| close(*w, 1.1 * d, 1e-6, 1e-3));
        run(Firmness::Within(0.0)).iter().zip(&exact).for_each(|(a, b)| close(*a, *b, 1e-7, 1e-3));
    }

    /// Within the tolerances no other totals are met by weights nearer to those before.
    #[test]
    fn tolerances_give_the_least_distance((mut shape, seed) in shapes(), delta in 0.0_f64..0.3) {
        shape.push(vec![5, 4]);
        shape.push(vec![4, 4]);
        let s = clustered(&shape, seed);
        let rows = s.weight.len();
        let (x, z) = (ys(seed + 3, rows), ys(seed + 4, rows));
        let of = |x: &[f64]| s.weight.iter().zip(x).map(|(w, x)| w * x).sum::<f64>();
        let t = totals(&[], &[(&x, 1.2 * of(&x)), (&z, 0.85 * of(&z))]);
        let soft = vec![Firmness::Within(delta); 2];
        let (w, status) = calibrate_weights(&s.weight, &t, &linear(soft));
        prop_assert!(status.is_converged(), "{}", status);
        let distance = |w: &[f64]| {
            w.iter().zip(&s.weight).map(|(w, d)| (w - d) * (w - d) / d).sum::<f64>()
        };
        let size = distance(&w);
        for (x, target) in [(&x, t.targets[0]), (&z, t.targets[1])] {
            let found: f64 = w.iter().zip(x).map(|(w, x)| w * x).sum();
            prop_assert!((found - target).abs() <= (delta + 1e-8) * target);
        }
        if delta >= 0.2 {
            prop_assert!(size < 1e-15 * of(&x));
        }
        for (a, b) in (0..25).map(|i| (i % 5, i / 5)) {
            let at = |i: usize, target: f64| target * (1.0 + delta * (i as f64 - 2.0) / 2.0);
            let moved = Totals { targets: vec![at(a, t.targets[0]), at(b, t.targets[1])], ..t.clone() };
            let exact = CalibrationOptions::new(Distance::Linear(None));
            let (other, _) = calibrate_weights(&s.weight, &moved, &exact);
            prop_assert!(size <= distance(&other) * (1.0 + 1e-7) + 1e-12, "{} {}", a, b);
        }
    }

    /// What is calibrated to estimates has their covariance, neither more nor less: linearised, and
    /// in replicates.
    #[test]
    fn calibrated_totals_have_the_covariance_of_the_control_survey(
        (mut shape, seed) in shapes(), matched in any::<bool>(), raking in any::<bool>(),
    ) {
        shape.iter_mut().filter(|s| s.len() < 2).for_each(|s| s.push(2));
        shape.push(vec![3, 4, 5, 4]);
        shape.push(vec![4, 4, 3]);
        let s = clustered(&shape, seed);
        let rows = s.weight.len();
        let x = ys(seed + 3, rows);
        let of = |x: &[f64]| s.weight.iter().zip(x).map(|(w, x)| w * x).sum::<f64>();
        let codes: Vec<u32> = (0..rows).map(|r| (r % 2) as u32).collect();
        let half = |c: u32| (0..rows).filter(|&r| codes[r] == c).map(|r| s.weight[r]).sum::<f64>();
        let t = totals(
            &[margin("a", &codes, &[1.03 * half(0), 0.98 * half(1)])],
            &[(&x, 1.02 * of(&x))],
        );
        // Three replicates of a control survey, each a few per cent off.
        let off = |r: usize, i: usize| 0.01 * (f64::from(seed % 97) + (r * 5 + i * 3) as f64).sin();
        let replicates: Vec<Vec<f64>> = (0..3)
            .map(|r| t.targets.iter().enumerate().map(|(i, t)| t * (1.0 + off(r, i))).collect())
            .collect();
        let method = if matched { ControlMethod::OpsomerErciulescu } else { ControlMethod::Fuller };
        let control = ControlTotals::from_replicates(
            &t.targets, &replicates, &[0.6, 0.9, 0.4], method, &t.names, 5,
        ).unwrap();
        let v = control.covariance().clone();
        let distance = if raking { Distance::Raking(None) } else { Distance::Linear(None) };
        let step = Calibration {
            control: Some(control),
            ..Calibration::new(t.clone(), CalibrationOptions::new(distance))
        };
        let design = s.design();
        let mut ledger = Ledger::new(design.weights.clone(), "w");
        prop_assume!(ledger.calibrate_to(step).is_ok());
        let made = jackknife(&design).unwrap();
        let Ok(made) = made.reweighted(&design.tree, &ledger) else {
            return Err(TestCaseError::reject("a replicate that cannot meet the totals"));
        };
        let one = numbers(&(0..rows).map(|r| f64::from(codes[r] == 0)).collect::<Vec<_>>());
        let two = numbers(&(0..rows).map(|r| f64::from(codes[r] == 1)).collect::<Vec<_>>());
        let x = numbers(&x);
        let quantities = [Quantity::Total(&one), Quantity::Total(&two), Quantity::Total(&x)];
        let everyone = domains(&vec![0; rows], 1);
        let by_lines = Analysis::new(s.design(), ledger.clone());
        let by_replicates = Analysis::with_replicates(design, ledger, made);
        for analysis in [by_lines, by_replicates] {
            let found = analysis.estimate(&quantities, &everyone, true).covariance.unwrap();
            for i in 0..3 {
                for j in 0..3 {
                    close(found[(i, j)], v[(i, j)], 1e-7, (v[(i, i)] * v[(j, j)]).sqrt());
                }
            }
        }
    }
}

/// Pairs of surveys of one population: the standard error of a mean after calibration to the estimates
/// of the other survey is its standard deviation; taken as known, the totals make it too small.
#[test]
fn a_simulation_of_two_surveys() {
    use rakewell::numeric::random::{below, stream};
    use rand::Rng;
    let population: Vec<(f64, f64)> = (0..4000)
        .map(|i| {
            let x = 20.0 + 10.0 * (i as f64 * 0.37).sin();
            (x, 3.0 * x + 12.0 * (i as f64 * 1.91).cos())
        })
        .collect();
    let big = population.len() as f64;
    let (n, n_control, draws) = (100, 150, 600);
    let mut random = stream(11, "two surveys", 0);
    let mut draw = |n: usize| -> Vec<(f64, f64)> {
        (0..n).map(|_| population[below(4000, || random.next_u64()) as usize]).collect()
    };
    let (mut estimates, mut with, mut without) = (Vec::new(), 0.0, 0.0);
    for _ in 0..draws {
        let (sample, control) = (draw(n), draw(n_control));
        let mean = control.iter().map(|u| u.0).sum::<f64>() / n_control as f64;
        let s2 = control.iter().map(|u| (u.0 - mean).powi(2)).sum::<f64>() / (n_control - 1) as f64;
        let v = DMatrix::from_row_slice(2, 2, &[0.0, 0.0, 0.0, big * big * s2 / n_control as f64]);
        let s = Sample { weight: vec![big / n as f64; n], ..Sample::default() };
        let x: Vec<f64> = sample.iter().map(|u| u.0).collect();
        let y: Vec<f64> = sample.iter().map(|u| u.1).collect();
        let t = totals(&[margin("all", &vec![0; n], &[big])], &[(&x, big * mean)]);
        let run = |control: Option<ControlTotals>| {
            let options = CalibrationOptions::new(Distance::Linear(None));
            s.weighted(|l| {
                let step = Calibration { control, ..Calibration::new(t.clone(), options) };
                l.calibrate_to(step).unwrap();
            })
        };
        let known = total(&run(None), &y);
        let names = t.names.clone();
        let control = ControlTotals::from_covariance(v, &names, 1).unwrap();
        let estimated = total(&run(Some(control)), &y);
        estimates.push(estimated.0);
        with += estimated.1;
        without += known.1;
    }
    let mean = estimates.iter().sum::<f64>() / f64::from(draws);
    let truth = estimates.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / f64::from(draws - 1);
    let (with, without) =
        ((with / f64::from(draws) / truth).sqrt(), (without / f64::from(draws) / truth).sqrt());
    // A standard deviation of 600 draws is uncertain by 3 %.
    assert!((with - 1.0).abs() < 0.1, "{with}");
    assert!(without < 0.65, "{without}");
}
