//! Identities of calibration: of the weights, and of the variances after it.

use nalgebra::{DMatrix, DVector};
use proptest::prelude::*;
use rakewell::estimate::{Analysis, Quantity};
use rakewell::weight::{
    Bounds, CalibrationOptions, Distance, Ledger, Margin, Residuals, WeightError,
};

use crate::sample::{
    Sample, calibrate, close, dense, domains, margin, numbers, overall, total, totals,
};
use crate::variance::{clustered, is_covariance, shapes, value, ys};

fn linear() -> CalibrationOptions {
    CalibrationOptions::new(Distance::Linear(None))
}

/// Codes of a factor whose levels all occur.
fn codes(seed: u32, rows: usize, levels: usize) -> Vec<u32> {
    let any = |i: usize| (value(seed, i) * 7.0) as usize % levels;
    (0..rows).map(|i| if i < levels { i } else { any(i) } as u32).collect()
}

/// A margin near the weighted counts of a sample.
fn near(name: &str, s: &Sample, codes: &[u32], levels: usize, seed: u32, total: f64) -> Margin {
    let mut counts = vec![0.0; levels];
    codes.iter().zip(&s.weight).for_each(|(&c, w)| counts[c as usize] += w);
    let tilt = |l: usize| 0.8 + value(seed, l) / 50.0;
    let sum: f64 = counts.iter().enumerate().map(|(l, c)| c * tilt(l)).sum();
    let targets: Vec<f64> =
        counts.iter().enumerate().map(|(l, c)| c * tilt(l) * total / sum).collect();
    margin(name, codes, &targets)
}

fn same_analysis(a: &Analysis, b: &Analysis, y: &[f64], tolerance: f64) {
    for (u, v) in a.ledger.weights().iter().zip(b.ledger.weights().iter()) {
        close(*u, *v, tolerance, 1e-3);
    }
    let y = numbers(y);
    let (a, b) = (overall(a, &[Quantity::Mean(&y)]), overall(b, &[Quantity::Mean(&y)]));
    close(a.values[0], b.values[0], tolerance, 0.0);
    close(a.variances[0].sqrt(), b.variances[0].sqrt(), 1e3 * tolerance, 1e-6);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn one_margin_three_ways((mut shape, seed) in shapes(), levels in 2_usize..4) {
        shape.push(vec![2, 3]);
        let s = clustered(&shape, seed);
        let rows = s.weight.len();
        let m = near("m", &s, &codes(seed, rows, levels), levels, seed, 500.0);
        let post = s.weighted(|l| l.post_stratify(m.clone()).unwrap());
        let raked =
            s.weighted(|l| l.rake(vec![m.clone()], 0.0, 50, Residuals::Regression).unwrap());
        let wanted = totals(std::slice::from_ref(&m), &[]);
        let calibrated = s.weighted(|l| calibrate(l, &wanted, &linear()));
        let y = ys(seed, rows);
        same_analysis(&post, &raked, &y, 1e-12);
        same_analysis(&post, &calibrated, &y, 1e-12);
        // Post-stratified variance, written out: residuals from the post-stratum means of the
        // base weights, times g (Särndal, Swensson and Wretman 1992, §7.6).
        let mut sums = vec![(0.0, 0.0); levels];
        for row in 0..rows {
            let at = &mut sums[m.codes.get(row) as usize];
            *at = (at.0 + s.weight[row], at.1 + s.weight[row] * y[row]);
        }
        let residual: Vec<f64> = (0..rows)
            .map(|row| {
                let (count, sum) = sums[m.codes.get(row) as usize];
                let g = m.targets[m.codes.get(row) as usize] / count;
                g * (y[row] - sum / count)
            })
            .collect();
        close(total(&post, &y).1, total(&s.analysis(), &residual).1, 1e-10, 1e-12);
    }

    #[test]
    fn a_margin_twice_is_a_margin_once((mut shape, seed) in shapes()) {
        shape.push(vec![3, 4]);
        let s = clustered(&shape, seed);
        let rows = s.weight.len();
        let a = near("a", &s, &codes(seed, rows, 2), 2, seed, 500.0);
        let x = ys(seed + 3, rows);
        let target = 1.05 * 500.0 / s.weight.iter().sum::<f64>()
            * x.iter().zip(&s.weight).map(|(x, w)| x * w).sum::<f64>();
        let y = ys(seed, rows);
        let once = s.weighted(|l| calibrate(l, &totals(std::slice::from_ref(&a), &[(&x, target)]), &linear()));
        let triple: Vec<f64> = x.iter().map(|x| 3.0 * x).collect();
        let twice = s.weighted(|l| {
            let wanted =
                totals(&[a.clone(), a.clone()], &[(&x, target), (&triple, 3.0 * target)]);
            calibrate(l, &wanted, &linear());
        });
        same_analysis(&once, &twice, &y, 1e-9);
        let rake = |margins: Vec<Margin>| {
            s.weighted(|l| l.rake(margins, 0.0, 50, Residuals::Regression).unwrap())
        };
        same_analysis(&rake(vec![a.clone()]), &rake(vec![a.clone(), a]), &y, 1e-11);
    }

    /// Deville and Särndal (1992), §2: the linear case is the regression estimator.
    #[test]
    fn linear_calibration_is_the_regression_estimator((mut shape, seed) in shapes()) {
        shape.push(vec![3, 4]);
        let s = clustered(&shape, seed);
        let rows = s.weight.len();
        let (x, y) = (ys(seed + 1, rows), ys(seed, rows));
        let wanted = totals(&[margin("all", &vec![0; rows], &[300.0])], &[(&x, 7000.0)]);
        let done = s.weighted(|l| calibrate(l, &wanted, &linear()));
        let (found, variance) = total(&done, &y);
        let x = dense(&wanted, rows);
        let d = DVector::from_vec(s.weight.clone());
        let y = DVector::from_vec(y);
        let a = x.transpose() * DMatrix::from_diagonal(&d) * &x;
        let b = a.clone().cholesky().unwrap().solve(&(x.transpose() * d.component_mul(&y)));
        let t = DVector::from_vec(wanted.targets.clone());
        let expected = d.dot(&y) + (t - x.transpose() * &d).dot(&b);
        close(found, expected, 1e-9, 0.0);
        // Its variance: that of the total of g e with the design weights.
        let e = &y - &x * &b;
        let g: Vec<f64> =
            done.ledger.weights().iter().zip(d.iter()).map(|(w, d)| w / d).collect();
        let ge: Vec<f64> = e.iter().zip(&g).map(|(e, g)| e * g).collect();
        close(variance, total(&s.analysis(), &ge).1, 1e-8, 1e-9);
    }

    #[test]
    fn targets_are_met_and_do_not_vary((mut shape, seed) in shapes(), kind in 0_usize..4) {
        shape.push(vec![4, 4, 4]);
        shape.push(vec![5, 4]);
        let s = clustered(&shape, seed);
        let rows = s.weight.len();
        let sum: f64 = s.weight.iter().sum();
        let (a, b) = (codes(seed, rows, 3), codes(seed + 1, rows, 2));
        let margins =
            [near("a", &s, &a, 3, seed, sum), near("b", &s, &b, 2, seed + 1, sum)];
        let bounds = Bounds { lower: 0.2, upper: 4.0 };
        let distance = [
            Distance::Linear(None), Distance::Raking(None), Distance::Logit(bounds),
            Distance::Linear(Some(bounds)),
        ][kind];
        let wanted = totals(&margins, &[]);
        let design = s.design();
        let mut ledger = Ledger::new(design.weights.clone(), "w");
        let status = ledger.calibrate(&wanted, &CalibrationOptions::new(distance), false);
        // Not every sample can meet every margin; then it says so.
        prop_assume!(status.is_ok());
        let done = Analysis::new(design, ledger);
        let w = done.ledger.weights();
        if distance.bounds().is_some() {
            for (w, d) in w.iter().zip(&s.weight) {
                let g = w / d;
                prop_assert!(g >= bounds.lower - 1e-12 && g <= bounds.upper + 1e-12, "{}", g);
            }
        }
        let x = dense(&wanted, rows);
        for (column, target) in wanted.targets.iter().enumerate() {
            let x: Vec<f64> = x.column(column).iter().copied().collect();
            let (found, v) = total(&done, &x);
            close(found, *target, 1e-10, 0.0);
            prop_assert!(v.sqrt() < 1e-10 * target, "{} of {}", v.sqrt(), target);
        }
        let y = numbers(&ys(seed, rows));
        let of: Vec<u32> = (0..rows).map(|i| (i % 2) as u32).collect();
        is_covariance(&done.estimate(&[Quantity::Mean(&y)], &domains(&of, 2), true));
    }

    /// Raking minimises the entropy distance: Newton on its dual, with dummies written out.
    #[test]
    fn raking_is_the_entropy_solution((mut shape, seed) in shapes()) {
        shape.push(vec![4, 4, 4]);
        shape.push(vec![5, 4]);
        let s = clustered(&shape, seed);
        let rows = s.weight.len();
        let margins = [
            near("a", &s, &codes(seed, rows, 3), 3, seed, 400.0),
            near("b", &s, &codes(seed + 1, rows, 2), 2, seed + 1, 400.0),
        ];
        let design = s.design();
        let mut ledger = Ledger::new(design.weights.clone(), "w");
        let outcome = ledger.rake(margins.to_vec(), 0.0, 5000, Residuals::Regression);
        prop_assume!(outcome.is_ok());
        // The last level of the second margin follows from the others.
        let wanted = totals(&margins, &[]);
        let x = dense(&wanted, rows).remove_column(4);
        let t = DVector::from_column_slice(&wanted.targets[..4]);
        let d = DVector::from_vec(s.weight.clone());
        let mut lambda = DVector::zeros(4);
        for _ in 0..100 {
            let w = d.component_mul(&(&x * &lambda).map(f64::exp));
            let gap = &t - x.transpose() * &w;
            let hessian = x.transpose() * DMatrix::from_diagonal(&w) * &x;
            let step = hessian.cholesky().unwrap().solve(&gap);
            // The dual is concave: halve the step until it does not fall.
            let dual = |l: &DVector<f64>| t.dot(l) - d.dot(&(&x * l).map(f64::exp));
            let mut share = 1.0;
            while share > 1e-9 && dual(&(&lambda + share * &step)) < dual(&lambda) - 1e-9 {
                share /= 2.0;
            }
            lambda += share * step;
        }
        let expected = d.component_mul(&(&x * &lambda).map(f64::exp));
        for (w, e) in ledger.weights().iter().zip(expected.iter()) {
            close(*w, *e, 1e-6, 1e-3);
        }
    }

    /// After several calibrations what the last leaves of a value is regressed on the columns of the
    /// one before, as a value of the weights between them; and a scale divides the regression weights of its step.
    #[test]
    fn stacked_residuals_written_out((mut shape, seed) in shapes(), scaled in any::<bool>()) {
        shape.push(vec![4, 4, 4]);
        let s = clustered(&shape, seed);
        let rows = s.weight.len();
        let first = near("a", &s, &codes(seed, rows, 3), 3, seed, 400.0);
        let (x, y) = (ys(seed + 2, rows), ys(seed, rows));
        let second = totals(&[margin("all", &vec![0; rows], &[420.0])], &[(&x, 9000.0)]);
        let scale: Vec<f64> = (0..rows).map(|i| 0.5 + value(seed + 9, i) / 20.0).collect();
        let mut options = linear();
        options.scale = scaled.then(|| std::sync::Arc::new(scale.clone()));
        let mut between = Vec::new();
        let done = s.weighted(|l| {
            l.post_stratify(first.clone()).unwrap();
            between = l.weights().to_vec();
            calibrate(l, &second, &options);
        });
        // Takes w x'B off the values z = w u of a step with weights w, B being the regression of z/w
        // on x by v.
        let residual = |z: &DVector<f64>, x: &DMatrix<f64>, v: &[f64], w: &[f64]| {
            let vx = DMatrix::from_fn(x.nrows(), x.ncols(), |i, j| v[i] * x[(i, j)]);
            let u = DVector::from_fn(z.len(), |i, _| z[i] / w[i]);
            let fitted = x * (vx.transpose() * x).cholesky().unwrap().solve(&(vx.transpose() * u));
            DVector::from_fn(z.len(), |i, _| z[i] - w[i] * fitted[i])
        };
        let one = dense(&totals(&[first], &[]), rows);
        let two = dense(&second, rows);
        let s_of = |i: usize| if scaled { scale[i] } else { 1.0 };
        let v: Vec<f64> = between.iter().enumerate().map(|(i, w)| w / s_of(i)).collect();
        let w = done.ledger.weights();
        let z = DVector::from_fn(rows, |i, _| w[i] * y[i]);
        let e = residual(&residual(&z, &two, &v, w), &one, &s.weight, &between);
        let per_d: Vec<f64> = e.iter().zip(&s.weight).map(|(e, d)| e / d).collect();
        close(total(&done, &y).1, total(&s.analysis(), &per_d).1, 1e-8, 1e-6);
    }

    /// A margin with a target of zero takes its rows out of the sample, as if they had weight
    /// zero from the start.
    #[test]
    fn a_target_of_zero_takes_rows_out((mut shape, seed) in shapes()) {
        shape.push(vec![4, 4, 4]);
        shape.push(vec![5, 4]);
        let s = clustered(&shape, seed);
        let rows = s.weight.len();
        let b = codes(seed + 1, rows, 2);
        let mut a = codes(seed, rows, 3);
        (0..rows).filter(|i| i % 5 == 4).for_each(|i| a[i] = 3);
        let mut without = s.clone();
        (0..rows).filter(|&i| a[i] == 3).for_each(|i| without.weight[i] = 0.0);
        let small = [
            near("a", &without, &a, 4, seed, 400.0), near("b", &without, &b, 2, seed, 400.0),
        ];
        let three = margin("a", &a.iter().map(|&c| c.min(2)).collect::<Vec<_>>(),
            &small[0].targets[..3]);
        let rake = |s: &Sample, first: &Margin| {
            let design = s.design();
            let mut ledger = Ledger::new(design.weights.clone(), "w");
            let margins = vec![first.clone(), small[1].clone()];
            ledger.rake(margins, 0.0, 5000, Residuals::Regression).ok()?;
            Some(Analysis::new(design, ledger))
        };
        let (Some(with), Some(without)) = (rake(&s, &small[0]), rake(&without, &three)) else {
            return Err(TestCaseError::reject("infeasible"));
        };
        same_analysis(&with, &without, &ys(seed, rows), 1e-8);
    }
}

/// A lower bound of zero lets weights vanish: what is calibrated still does not vary.
#[test]
fn weights_at_a_bound_of_zero() {
    let s = clustered(&[vec![4, 3, 5], vec![4, 6], vec![3, 3, 3]], 2);
    let rows = s.weight.len();
    let x = ys(17, rows);
    let sum: f64 = s.weight.iter().sum();
    let weighted: f64 = s.weight.iter().zip(&x).map(|(w, x)| w * x).sum();
    let wanted = totals(&[margin("all", &vec![0; rows], &[sum])], &[(&x, 1.22 * weighted)]);
    let bounds = Bounds { lower: 0.0, upper: 4.0 };
    let options = CalibrationOptions::new(Distance::Linear(Some(bounds)));
    let done = s.weighted(|l| calibrate(l, &wanted, &options));
    let gone = done.ledger.weights().iter().filter(|w| **w == 0.0).count();
    assert!(gone > 2, "{gone} weights are zero");
    let (found, v) = total(&done, &x);
    close(found, 1.22 * weighted, 1e-10, 0.0);
    assert!(v.sqrt() < 1e-10 * found, "{}", v.sqrt());
}

/// Negative weights count as rows and as PSUs, even where they cancel.
#[test]
fn negative_weights_are_counted() {
    let s = Sample {
        clusters: vec![vec![1., 1., 2., 2., 3., 3.]],
        weight: vec![10.0; 6],
        ..Sample::default()
    };
    // g = 1 + x, so that PSU 1 has weights 10 and −10.
    let x = [0.0, -2.0, 0.0, 1.0, 1.0, 0.0];
    let wanted = totals(&[], &[(&x, 10.0 * 6.0)]);
    let done = s.weighted(|l| calibrate(l, &wanted, &linear()));
    let w = done.ledger.weights();
    close(w[0] + w[1], 0.0, 1e-12, 10.0);
    assert!(w[1] < 0.0);
    let raw = overall(&done, &[Quantity::Mean(&numbers(&[1., 2., 3., 4., 5., 6.]))]);
    assert_eq!(raw.totals[0].n, 6);
    assert_eq!(raw.psus[0], (3, 1));
}

/// Zero-weight rows may lack the calibration variables, in a single step and in several.
#[test]
fn rows_outside_may_lack_calibration_variables() {
    let mut s = clustered(&[vec![3, 3], vec![4, 4]], 6);
    s.weight[2] = 0.0;
    let mut x = ys(5, 14);
    x[2] = f64::NAN;
    let mut codes = codes(1, 14, 2);
    codes[2] = u32::MAX;
    let wanted = totals(&[], &[(&x, 1.0 + 9.0 * s.weight.iter().sum::<f64>())]);
    let m = margin("m", &codes, &[60.0, 70.0]);
    let done = s.weighted(|l| {
        calibrate(l, &wanted, &linear());
        l.post_stratify(m).unwrap();
    });
    let v = total(&done, &ys(6, 14)).1;
    assert!(v.is_finite() && v > 0.0, "{v}");
    // Within the sample they must be there, and the lists must fit.
    let mut ledger = Ledger::new(done.design.weights.clone(), "w");
    x[3] = f64::NAN;
    let missing = totals(&[], &[(&x, 100.0)]);
    assert!(ledger.calibrate(&missing, &linear(), true).is_err());
    let mut short = wanted;
    short.targets.push(1.0);
    assert!(ledger.calibrate(&short, &linear(), true).is_err());
    let mut options = linear();
    options.scale = Some(std::sync::Arc::new(vec![0.0; 14]));
    short.targets.pop();
    assert!(ledger.calibrate(&short, &options, true).is_err());
}

/// A level that should hold someone and holds nobody is named.
#[test]
fn an_empty_cell_is_named() {
    let s = clustered(&[vec![3, 3]], 6);
    let mut ledger = Ledger::new(s.design().weights.clone(), "w");
    let m = margin("m", &[0, 0, 1, 1, 0, 0], &[10.0, 20.0, 5.0]);
    let found = ledger.post_stratify(m);
    assert!(
        matches!(&found, Err(WeightError::EmptyCell { level, target: 5.0, .. }) if level == "2"),
        "{found:?}"
    );
    // With a target of zero there is nothing to hold.
    let m = margin("m", &[0, 0, 1, 1, 0, 0], &[10.0, 20.0, 0.0]);
    assert_eq!(ledger.post_stratify(m), Ok(()));
}

/// More margins than a key of 128 bits holds.
#[test]
fn a_hundred_margins() {
    let s = clustered(&[vec![30, 30], vec![40, 40]], 6);
    let margins: Vec<Margin> = (0..100)
        .map(|m| near("m", &s, &codes(m, 140, 2), 2, 1000, 500.0))
        .map(|m| Margin { targets: m.targets.iter().map(|_| 250.0).collect(), ..m })
        .take(90)
        .collect();
    let design = s.design();
    let mut ledger = Ledger::new(design.weights.clone(), "w");
    let wanted = totals(&margins, &[]);
    calibrate(&mut ledger, &wanted, &linear());
    let x = dense(&wanted, 140);
    let reached = x.transpose() * DVector::from_column_slice(ledger.weights());
    reached.iter().zip(&wanted.targets).for_each(|(r, t)| close(*r, *t, 1e-9, 0.0));
}
