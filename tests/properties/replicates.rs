//! Replicates: their factors, their variances, and what happens when some are lost.

use proptest::prelude::*;
use rakewell::design::LonelyPsu;
use rakewell::estimate::{Analysis, Quantity};
use rakewell::replicate::{Factors, ReplicateMethod, ReplicateWeights, Replicates, jackknife};
use rakewell::weight::Ledger;

use crate::sample::{Sample, close, domains, numbers, overall};
use crate::variance::{clustered, is_covariance, shapes, ys};

fn jackknifed(s: &Sample) -> Analysis {
    let design = s.design();
    let ledger = Ledger::new(design.weights.clone(), "w");
    let replicates = jackknife(&design).unwrap();
    Analysis::with_replicates(design, ledger, replicates)
}

/// The factor of each first-stage unit in each replicate (one unit per PSU).
fn factors(replicates: &Replicates) -> Vec<Vec<f64>> {
    let ReplicateWeights::Factors(factors) = &replicates.weights else {
        panic!("a jackknife has factors")
    };
    let of: Vec<Vec<f64>> = (0..factors.count()).map(|r| factors.of(r)).collect();
    (0..factors.units()).map(|unit| of.iter().map(|f| f[unit]).collect()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Wolter (2007), §4.5: for a linear statistic the delete-one jackknife is the textbook
    /// variance, with or without an fpc at the first stage, centred either way.
    #[test]
    fn the_jackknife_of_a_total_is_its_linearised_variance(
        (shape, seed) in shapes(), fpc in any::<bool>(), mse in any::<bool>(),
    ) {
        let mut s = clustered(&shape, seed);
        if fpc {
            s.fpc = vec![s.strata[0].iter().map(|h| 5.0 + h).collect()];
        }
        let rows = s.weight.len();
        let (y, x) = (numbers(&ys(seed, rows)), numbers(&ys(seed + 1, rows)));
        let quantities = [Quantity::Total(&y), Quantity::Total(&x)];
        let mut by_replicates = jackknifed(&s);
        if let Some(r) = &mut by_replicates.replicates {
            r.mse = mse;
        }
        let a = overall(&by_replicates, &quantities);
        let b = overall(&s.analysis(), &quantities);
        let (va, vb) = (a.covariance.as_ref().unwrap(), b.covariance.as_ref().unwrap());
        for (p, q) in va.iter().zip(vb.iter()) {
            close(*p, *q, 1e-9, 1e-9 * vb[(0, 0)].max(vb[(1, 1)]));
        }
        is_covariance(&a);
    }

    #[test]
    fn factors_of_the_jackknife((shape, seed) in shapes()) {
        let s = clustered(&shape, seed);
        let design = s.design();
        let made = jackknife(&design).unwrap();
        let sizes: Vec<usize> = shape.iter().map(Vec::len).collect();
        let psus: usize = sizes.iter().sum();
        let stratum: Vec<usize> =
            sizes.iter().enumerate().flat_map(|(h, &n)| vec![h; n]).collect();
        let table = factors(&made);
        prop_assert_eq!(table.len(), psus);
        prop_assert_eq!(made.weights.count(), psus);
        prop_assert_eq!(made.df, (psus - sizes.len()) as f64);
        for (unit, row) in table.iter().enumerate() {
            let n = sizes[stratum[unit]] as f64;
            for (r, &f) in row.iter().enumerate() {
                let expected = if r == unit {
                    0.0
                } else if stratum[r] == stratum[unit] {
                    n / (n - 1.0)
                } else {
                    1.0
                };
                prop_assert_eq!(f, expected);
            }
            // Over the replicates of its stratum a unit is there n times, as in n samples.
            let own: f64 = row.iter().zip(&stratum).filter(|(_, h)| **h == stratum[unit]).map(|(f, _)| f).sum();
            close(own, n, 1e-14, 0.0);
        }
        let scale = |h: usize| (sizes[h] as f64 - 1.0) / sizes[h] as f64;
        for (r, rscale) in made.rscales.iter().enumerate() {
            close(made.scale * rscale, scale(stratum[r]), 1e-14, 0.0);
        }
        prop_assert_eq!(made.method == ReplicateMethod::Jk1, sizes.len() == 1);
    }
}

fn replicates(scale: f64, rscales: Vec<f64>, mse: bool) -> Replicates {
    Replicates {
        method: ReplicateMethod::Other,
        weights: ReplicateWeights::Factors(Factors::table(0, rscales.len(), Vec::new())),
        scale,
        rscales,
        mse,
        df: 1.0,
        ..Replicates::default()
    }
}

#[test]
fn centring_and_scales() {
    let thetas = [vec![1.0], vec![4.0], vec![7.0]];
    // About the mean of those with a positive scale (4), and about the estimate (5).
    let about_mean = replicates(0.5, vec![1.0, 1.0, 1.0], false).variance(&[5.0], &thetas);
    assert_eq!((about_mean.0[(0, 0)], about_mean.1), (9.0, 0));
    let about_estimate = replicates(0.5, vec![1.0, 1.0, 1.0], true).variance(&[5.0], &thetas);
    assert_eq!(about_estimate.0[(0, 0)], 0.5 * (16.0 + 1.0 + 4.0));
    let scaled = replicates(1.0, vec![0.0, 2.0, 1.0], false).variance(&[5.0], &thetas);
    assert_eq!(scaled.0[(0, 0)], 2.0 * 1.5 * 1.5 + 1.5 * 1.5);
}

#[test]
fn lost_replicates_are_counted_and_never_look_like_no_variance() {
    let nan = f64::NAN;
    let made = replicates(1.0, vec![1.0; 3], false);
    let (v, lost) = made.variance(&[5.0, 5.0], &[vec![1.0, 2.0], vec![nan, 2.0], vec![3.0, 5.0]]);
    assert_eq!((v[(0, 0)], lost), (2.0, 1));
    assert_eq!(v[(0, 1)], -1.0 * -1.0 + 1.0 * 2.0);
    let thetas = [vec![1.0, 2.0, nan], vec![nan, 2.0, nan], vec![3.0, 5.0, 1.0]];
    let (alone, lost_too) = made.variances(&[5.0, 5.0, 5.0], &thetas);
    let (whole, _) = made.variance(&[5.0, 5.0, 5.0], &thetas);
    assert_eq!((&alone[..2], lost_too), (&[2.0, whole[(1, 1)]][..], 3));
    assert!(alone[2].is_nan() && whole[(2, 2)].is_nan());
    // One replicate left, none left, and those left all equal: unknown, not zero.
    for thetas in [[1.0, nan, nan], [nan; 3], [5.0, nan, 5.0]] {
        let list: Vec<Vec<f64>> = thetas.iter().map(|t| vec![*t]).collect();
        for mse in [false, true] {
            let (v, lost) = replicates(1.0, vec![1.0; 3], mse).variance(&[5.0], &list);
            assert!(v[(0, 0)].is_nan(), "{thetas:?}");
            assert!(lost > 0);
        }
    }
    // All replicates there and equal: that is zero.
    assert_eq!(made.variance(&[5.0], &[vec![5.0], vec![5.0], vec![5.0]]).0[(0, 0)], 0.0);
}

/// A domain within one PSU vanishes with it: its jackknife variance can't be had.
#[test]
fn a_domain_in_one_psu() {
    let s = clustered(&[vec![2, 2, 2], vec![3, 1]], 9);
    let y = numbers(&ys(9, 10));
    let of = domains(&[0, 0, 1, 1, 1, 1, 1, 1, 1, 1], 2);
    let raw = jackknifed(&s).estimate(&[Quantity::Mean(&y)], &of, true);
    assert!(raw.variances[0].is_nan() && raw.variances[1] > 0.0);
    assert_eq!(raw.lost_replicates, 1);
}

#[test]
fn scales_by_method() {
    let columns = |count: usize| {
        (0..count).map(|c| std::sync::Arc::new(numbers(&[c as f64, 1.0, 2.0]))).collect::<Vec<_>>()
    };
    let make = |method, rho, scale, rscales| {
        Replicates::from_columns(method, &[1.0; 3], columns(5), true, rho, scale, rscales, None)
    };
    let scale = |method, rho| make(method, rho, None, None).unwrap().scale;
    assert_eq!(scale(ReplicateMethod::Brr, None), 0.2);
    assert_eq!(scale(ReplicateMethod::Fay, Some(0.5)), 0.8);
    assert_eq!(scale(ReplicateMethod::Jk1, None), 0.8);
    assert_eq!(scale(ReplicateMethod::Jk2, None), 1.0);
    assert_eq!(scale(ReplicateMethod::Bootstrap, None), 0.25);
    assert_eq!(scale(ReplicateMethod::Sdr, None), 0.8);
    assert!(make(ReplicateMethod::Jkn, None, None, None).is_err());
    assert!(make(ReplicateMethod::Other, None, None, None).is_err());
    assert!(make(ReplicateMethod::Fay, None, None, None).is_err());
    assert!(make(ReplicateMethod::Jkn, None, None, Some(vec![0.5; 4])).is_err());
    let jkn = make(ReplicateMethod::Jkn, None, None, Some(vec![0.5])).unwrap();
    assert_eq!((jkn.scale, jkn.rscales), (1.0, vec![0.5; 5]));
    // Only successive differences are centred on the estimate. The columns span two dimensions.
    assert!(make(ReplicateMethod::Sdr, None, None, None).unwrap().mse);
    let brr = make(ReplicateMethod::Brr, None, None, None).unwrap();
    assert_eq!((brr.mse, brr.df), (false, 1.0));
}

#[test]
fn lonely_psus_of_the_jackknife() {
    let s = |lonely| Sample { lonely, ..clustered(&[vec![1, 2], vec![2], vec![1, 1, 1]], 3) };
    let at = |lonely| jackknife(&s(lonely).design()).unwrap();
    let none = at(LonelyPsu::Certainty);
    assert_eq!((none.weights.count(), none.scale), (5, 1.0));
    assert_eq!(at(LonelyPsu::Average).scale, 6.0 / 5.0);
    // The lonely one against the three strata: left out, all others count 3/2 times, scale 2/3.
    let centred = at(LonelyPsu::Center);
    assert_eq!(centred.weights.count(), 6);
    assert_eq!(centred.rscales[2], 2.0 / 3.0);
    let table = factors(&centred);
    assert_eq!(table.iter().map(|row| row[2]).collect::<Vec<_>>(), [1.5, 1.5, 0.0, 1.5, 1.5, 1.5]);
    // Joined, it is one of three in its stratum.
    assert_eq!(at(LonelyPsu::Collapse).weights.count(), 6);
}

/// Rows outside the full sample may lack replicate weights.
#[test]
fn missing_replicate_weights_outside_the_sample() {
    let s = Sample { weight: vec![1.0, 2.0, 3.0, 0.0], ..Sample::default() };
    let columns: Vec<_> = [[1.5, 2.0, 2.5], [0.5, 2.5, 3.0], [1.0, 1.5, 3.5]]
        .iter()
        .map(|w| std::sync::Arc::new(numbers(&[w[0], w[1], w[2], f64::NAN])))
        .collect();
    let design = s.design();
    let made = Replicates::from_columns(
        ReplicateMethod::Bootstrap,
        &s.weight,
        columns,
        true,
        None,
        None,
        None,
        None,
    )
    .unwrap();
    let ledger = Ledger::new(design.weights.clone(), "w");
    let done = Analysis::with_replicates(design, ledger, made);
    let y = numbers(&[1.0, 2.0, 4.0, 8.0]);
    let raw = overall(&done, &[Quantity::Total(&y)]);
    let t = [15.5, 17.5, 18.0];
    close(raw.variances[0], crate::sample::s2(&t), 1e-14, 0.0);
    let of = domains(&[0; 4], 1);
    let q = done.replicate_quantiles(&y, &[0.5], &of, 0.95).unwrap();
    assert_eq!(q[0].estimate, 2.0);
    assert!(q[0].se.is_finite());
}
