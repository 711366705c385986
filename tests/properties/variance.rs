//! Linearised variances of totals and domains without calibration.

use nalgebra::{DMatrix, DVector, SymmetricEigen};
use proptest::prelude::*;
use rakewell::data::Codes;
use rakewell::design::LonelyPsu;
use rakewell::estimate::{Quantity, Raw};

use crate::sample::{Sample, close, domains, mean, numbers, overall, s2, total};

/// A value that depends on an index in no simple way.
pub fn value(seed: u32, i: usize) -> f64 {
    let x = (f64::from(seed) * 12.9898 + i as f64 * 78.233).sin() * 43758.5453;
    10.0 + 20.0 * (x - x.floor())
}

/// A stratified clustered sample: for each stratum its PSUs, for each PSU its rows.
pub fn clustered(shape: &[Vec<usize>], seed: u32) -> Sample {
    let mut s = Sample { strata: vec![vec![]], clusters: vec![vec![]], ..Sample::default() };
    let mut psu = 0.0;
    for (h, sizes) in shape.iter().enumerate() {
        for &rows in sizes {
            psu += 1.0;
            for _ in 0..rows {
                s.strata[0].push(h as f64);
                s.clusters[0].push(psu);
                s.weight.push(1.0 + value(seed, 1000 + s.weight.len()));
            }
        }
    }
    s
}

pub fn shapes() -> impl Strategy<Value = (Vec<Vec<usize>>, u32)> {
    let stratum = prop::collection::vec(1_usize..5, 2..5);
    (prop::collection::vec(stratum, 1..5), any::<u16>()).prop_map(|(s, seed)| (s, u32::from(seed)))
}

pub fn ys(seed: u32, rows: usize) -> Vec<f64> {
    (0..rows).map(|i| value(seed, i)).collect()
}

/// Every number of a result, for comparing two of them.
fn flat(raw: &Raw) -> Vec<f64> {
    let v = raw.covariance.as_ref().unwrap();
    raw.values.iter().chain(&raw.variances).chain(v.iter()).copied().collect()
}

#[track_caller]
fn same(a: &Raw, b: &Raw) {
    let (a, b) = (flat(a), flat(b));
    assert_eq!(a.len(), b.len());
    let size = a.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    a.iter().zip(&b).for_each(|(x, y)| close(*x, *y, 1e-11, 1e-3 * size));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Cochran (1977), ch. 5: v = Σ N_h² (1 − f_h) s_h²/n_h.
    #[test]
    fn stratified_elements(
        strata in prop::collection::vec((2_usize..6, 0_usize..9), 1..5),
        seed in 0_u32..9999,
    ) {
        let (mut s, mut y) = (Sample { strata: vec![vec![]], fpc: vec![vec![]], ..Sample::default() }, vec![]);
        let (mut estimate, mut v) = (0.0, 0.0);
        for (h, &(n, more)) in strata.iter().enumerate() {
            let population = (n + more) as f64;
            let own: Vec<f64> = (0..n).map(|i| value(seed, 10 * h + i)).collect();
            estimate += population * mean(&own);
            v += population * population * (1.0 - n as f64 / population) * s2(&own) / n as f64;
            s.strata[0].extend(vec![h as f64; n]);
            s.fpc[0].extend(vec![population; n]);
            y.extend(own);
        }
        let (found, variance) = total(&s.analysis(), &y);
        close(found, estimate, 1e-13, 0.0);
        close(variance, v, 1e-11, 1e-9);
    }

    /// Cochran (1977), eq. 11.24: N² (1 − f₁) s₁²/n + (N/n) Σ M_i² (1 − f_2i) s_2i²/m_i.
    #[test]
    fn two_stages(
        units in prop::collection::vec((2_usize..5, 0_usize..5), 2..6),
        more in 0_usize..6,
        seed in 0_u32..9999,
    ) {
        let (n, big_n) = (units.len() as f64, (units.len() + more) as f64);
        let mut s = Sample { clusters: vec![vec![]; 2], fpc: vec![vec![]; 2], ..Sample::default() };
        let (mut y, mut within, mut totals) = (vec![], 0.0, vec![]);
        for (i, &(m, rest)) in units.iter().enumerate() {
            let big_m = (m + rest) as f64;
            let own: Vec<f64> = (0..m).map(|j| value(seed, 10 * i + j)).collect();
            totals.push(big_m * mean(&own));
            within += big_m * big_m * (1.0 - m as f64 / big_m) * s2(&own) / m as f64;
            for j in 0..m {
                s.clusters[0].push(i as f64);
                s.clusters[1].push(j as f64);
                s.fpc[0].push(big_n);
                s.fpc[1].push(big_m);
            }
            y.extend(own);
        }
        let v = big_n * big_n * (1.0 - n / big_n) * s2(&totals) / n + big_n / n * within;
        let (found, variance) = total(&s.analysis(), &y);
        close(found, big_n * mean(&totals), 1e-13, 0.0);
        close(variance, v, 1e-11, 1e-9);
    }

    /// The same once more, one stage deeper, in two strata: the third stage counts with
    /// (n/N)(m/M) of its with-weights variance.
    #[test]
    fn three_stages(
        shape in prop::collection::vec(
            prop::collection::vec(prop::collection::vec(2_usize..4, 2..4), 2..4), 2),
        more in prop::collection::vec(0_usize..4, 3),
        seed in 0_u32..9999,
    ) {
        let mut s = Sample {
            strata: vec![vec![]], clusters: vec![vec![]; 3], fpc: vec![vec![]; 3],
            ..Sample::default()
        };
        let (mut y, mut v, mut psu) = (vec![], 0.0, 0);
        for (h, stratum) in shape.iter().enumerate() {
            let n = stratum.len() as f64;
            let big_n = n + more[0] as f64;
            let (mut second, mut psu_totals) = (0.0, vec![]);
            for ssus in stratum {
                psu += 1;
                let m = ssus.len() as f64;
                let big_m = m + more[1] as f64;
                let (mut third, mut ssu_totals) = (0.0, vec![]);
                for (j, &k) in ssus.iter().enumerate() {
                    let big_k = (k + more[2]) as f64;
                    let own: Vec<f64> = (0..k).map(|l| value(seed, 97 * psu + 13 * j + l)).collect();
                    ssu_totals.push(big_k * mean(&own));
                    third += big_k * big_k * (1.0 - k as f64 / big_k) * s2(&own) / k as f64;
                    for l in 0..k {
                        s.strata[0].push(h as f64);
                        let ids = [psu as f64, j as f64, l as f64];
                        let sizes = [big_n, big_m, big_k];
                        s.clusters.iter_mut().zip(ids).for_each(|(c, id)| c.push(id));
                        s.fpc.iter_mut().zip(sizes).for_each(|(c, size)| c.push(size));
                    }
                    y.extend(own);
                }
                psu_totals.push(big_m * mean(&ssu_totals));
                second += big_m * big_m * (1.0 - m / big_m) * s2(&ssu_totals) / m + big_m / m * third;
            }
            v += big_n * big_n * (1.0 - n / big_n) * s2(&psu_totals) / n + big_n / n * second;
        }
        close(total(&s.analysis(), &y).1, v, 1e-11, 1e-9);
    }

    #[test]
    fn order_names_and_splitting_do_not_matter((shape, seed) in shapes()) {
        let s = clustered(&shape, seed);
        let rows = s.weight.len();
        let (y, x) = (ys(seed, rows), ys(seed + 1, rows));
        let estimate = |s: &Sample, pick: &[usize]| {
            let take = |v: &[f64]| numbers(&pick.iter().map(|&i| v[i]).collect::<Vec<_>>());
            let (y, x) = (take(&y), take(&x));
            let quantities = [Quantity::Mean(&y), Quantity::Total(&x), Quantity::Ratio(&y, &x)];
            let of: Vec<u32> = pick.iter().map(|&i| (i % 3) as u32).collect();
            s.analysis().estimate(&quantities, &domains(&of, 3), true)
        };
        let all: Vec<usize> = (0..rows).collect();
        let first = estimate(&s, &all);
        prop_assume!(first.values.iter().all(|x| x.is_finite()));
        // Another order of the rows.
        let mut order = all.clone();
        order.sort_by(|&a, &b| value(seed + 2, a).total_cmp(&value(seed + 2, b)));
        let pick = |v: &[f64]| order.iter().map(|&i| v[i]).collect::<Vec<_>>();
        let shuffled = Sample {
            strata: vec![pick(&s.strata[0])], clusters: vec![pick(&s.clusters[0])],
            weight: pick(&s.weight), ..Sample::default()
        };
        same(&first, &estimate(&shuffled, &order));
        // Other names: the last come first, PSUs start anew in every stratum.
        let rename = |v: &[f64]| v.iter().map(|x| 1000.0 - 7.0 * x).collect::<Vec<_>>();
        let renamed = Sample {
            strata: vec![rename(&s.strata[0])], clusters: vec![rename(&s.clusters[0])], ..s.clone()
        };
        same(&first, &estimate(&renamed, &all));
        // One row as two, each with a part of the weight.
        let at = rows / 2;
        let mut split = s.clone();
        for list in split.strata.iter_mut().chain(&mut split.clusters) {
            list.push(list[at]);
        }
        split.weight.push(0.3 * s.weight[at]);
        split.weight[at] *= 0.7;
        let mut more = all.clone();
        more.push(at);
        same(&first, &estimate(&split, &more));
    }

    #[test]
    fn domains_add_up((shape, seed) in shapes(), groups in 1_usize..5) {
        let s = clustered(&shape, seed);
        let rows = s.weight.len();
        let y = ys(seed, rows);
        let (overall_total, overall_variance) = total(&s.analysis(), &y);
        let of: Vec<u32> = (0..rows).map(|i| (value(seed + 5, i) as usize % groups) as u32).collect();
        let raw = s.analysis().estimate(
            &[Quantity::Total(&numbers(&y))], &domains(&of, groups), true);
        let held: Vec<usize> = (0..groups).filter(|&d| raw.values[d].is_finite()).collect();
        let v = raw.covariance.as_ref().unwrap();
        let sum: f64 = held.iter().map(|&d| raw.values[d]).sum();
        let variance: f64 =
            held.iter().flat_map(|&a| held.iter().map(move |&b| v[(a, b)])).sum();
        close(sum, overall_total, 1e-13, 0.0);
        close(variance, overall_variance, 1e-10, v.diagonal().iter().filter(|x| x.is_finite()).sum());
    }

    #[test]
    fn covariances_are_covariances(
        (mut shape, seed) in shapes(), policy in 0_usize..4, in_domain in any::<bool>(),
    ) {
        shape.push(vec![2]);
        shape.push(vec![3, 1]);
        let mut s = clustered(&shape, seed);
        s.lonely = [LonelyPsu::Center, LonelyPsu::Average, LonelyPsu::Certainty, LonelyPsu::Collapse][policy];
        s.lonely_in_domain = in_domain;
        let rows = s.weight.len();
        let (y, x) = (numbers(&ys(seed, rows)), numbers(&ys(seed + 1, rows)));
        let of: Vec<u32> = (0..rows).map(|i| (i % 2) as u32).collect();
        let quantities = [Quantity::Mean(&y), Quantity::Total(&x), Quantity::Ratio(&x, &y)];
        let raw = s.analysis().estimate(&quantities, &domains(&of, 2), true);
        prop_assume!(raw.variances.iter().all(|v| v.is_finite()));
        is_covariance(&raw);
    }
}

/// Symmetric, not negative in any direction, and with the variances on its diagonal.
#[track_caller]
pub fn is_covariance(raw: &Raw) {
    let v = raw.covariance.as_ref().unwrap();
    for i in 0..v.nrows() {
        close(v[(i, i)], raw.variances[i], 1e-10, 1e-20);
        for j in 0..i {
            close(v[(i, j)], v[(j, i)], 1e-12, (v[(i, i)] * v[(j, j)]).sqrt());
        }
    }
    // On the scale of correlations.
    let scale = v.diagonal().map(|x| if x > 0.0 { 1.0 / x.sqrt() } else { 0.0 });
    let r = DMatrix::from_fn(v.nrows(), v.nrows(), |i, j| v[(i, j)] * scale[i] * scale[j]);
    let least = SymmetricEigen::new(r).eigenvalues.min();
    assert!(least > -1e-9, "an eigenvalue is {least:e}");
}

/// Values of one stage add up to what the next counts: a census of PSUs leaves the second stage.
#[test]
fn a_census_of_psus_leaves_the_second_stage() {
    let y = [3.0, 5.0, 4.0, 8.0, 6.0, 9.0];
    let s = Sample {
        clusters: vec![vec![1., 1., 1., 2., 2., 2.], vec![1., 2., 3., 1., 2., 3.]],
        fpc: vec![vec![2.0; 6], vec![5., 5., 5., 4., 4., 4.]],
        ..Sample::default()
    };
    let term = |own: &[f64], size: f64| size * size * (1.0 - 3.0 / size) * s2(own) / 3.0;
    let expected = term(&y[..3], 5.0) + term(&y[3..], 4.0);
    close(total(&s.analysis(), &y).1, expected, 1e-13, 0.0);
    // And a census throughout has no variance at all.
    let census = Sample { fpc: vec![vec![2.0; 6], vec![3.0; 6]], ..s.clone() };
    assert_eq!(total(&census.analysis(), &y), (35.0, 0.0));
    // Fractions say the same as counts.
    let fractions =
        Sample { fpc: vec![vec![1.0; 6], vec![0.6, 0.6, 0.6, 0.75, 0.75, 0.75]], ..s.clone() };
    close(total(&fractions.analysis(), &y).1, expected, 1e-13, 0.0);
}

/// Rows without the outcome, rows of weight zero, and rows outside: who is counted where.
#[test]
fn counts_follow_the_outcome() {
    let s = Sample {
        strata: vec![vec![1., 1., 1., 1., 2., 2., 2., 2.]],
        clusters: vec![vec![1., 1., 2., 2., 3., 3., 4., 4.]],
        weight: vec![1., 2., 0., 3., 4., 5., 6., 0.],
        ..Sample::default()
    };
    let y = numbers(&[1., f64::NAN, 3., 4., f64::NAN, f64::NAN, 7., 8.]);
    let of = domains(&[0, 0, 0, 0, 0, 0, 1, 1], 2);
    let raw = s.analysis().estimate(&[Quantity::Mean(&y)], &of, true);
    assert_eq!((raw.totals[0].n, raw.totals[0].missing), (2, 3));
    assert_eq!((raw.totals[1].n, raw.totals[1].missing), (1, 0));
    // PSU 3 has rows in the domain and no value: it counts as a unit, not as one of the domain's.
    assert_eq!(raw.psus, [(2, 1), (1, 1)]);
    assert_eq!(raw.weight_sum, [4.0, 6.0]);
    assert_eq!(raw.values[0], 13.0 / 4.0);
    // The variance pads with zeros: z = w (y − ȳ)/Σw by PSU, (−9/16, 9/16) in stratum 1, 0 in 2.
    close(raw.variances[0], 2.0 * 2.0 * (9.0_f64 / 16.0).powi(2), 1e-13, 0.0);
    // One row has no deviation of its own.
    assert_eq!(raw.variances[1], 0.0);
}

/// A domain without rows has no estimate, and no variance that looks like zero.
#[test]
fn an_empty_domain_has_nothing() {
    let s = clustered(&[vec![2, 2], vec![1, 3]], 3);
    let y = numbers(&ys(3, 8));
    let of = domains(&[0; 8], 2);
    let raw = s.analysis().estimate(&[Quantity::Mean(&y), Quantity::Total(&y)], &of, true);
    for row in [1, 3] {
        assert!(raw.values[row].is_nan() && raw.variances[row].is_nan());
        assert!(raw.covariance.as_ref().unwrap()[(row, 0)].is_nan());
    }
    assert!(raw.variances[0] > 0.0 && raw.variances[2] > 0.0);
}

/// Levels are indicators: proportions are their means and level totals their totals, with one
/// covariance matrix; rows without a level are missing for all of them.
#[test]
fn levels_are_indicators() {
    let s = clustered(&[vec![2, 3, 1], vec![1, 2], vec![2, 2, 2]], 8);
    let level: Vec<u32> =
        (0..15).map(|i| if i % 5 == 3 { 9 } else { (i * i % 3) as u32 }).collect();
    let held: Vec<u32> = level.iter().map(|&l| if l == 9 { Codes::NONE } else { l }).collect();
    let codes = Codes::pack(&held, 3);
    let indicator = |l: u32| {
        let is = |&own: &u32| if own == 9 { f64::NAN } else { f64::from(u8::from(own == l)) };
        numbers(&level.iter().map(is).collect::<Vec<_>>())
    };
    let (a, b, c) = (indicator(0), indicator(1), indicator(2));
    let of = domains(&(0..15).map(|i| i / 8).collect::<Vec<_>>(), 2);
    let with = |quantities: &[Quantity<'_>]| s.analysis().estimate(quantities, &of, true);
    let levels = with(&[Quantity::Proportions(&codes, 3), Quantity::LevelTotals(&codes, 3)]);
    let one = with(&[
        Quantity::Mean(&a),
        Quantity::Mean(&b),
        Quantity::Mean(&c),
        Quantity::Total(&a),
        Quantity::Total(&b),
        Quantity::Total(&c),
    ]);
    same(&levels, &one);
    assert_eq!((levels.totals[0].n, levels.totals[0].missing), (7, 1));
    assert_eq!(levels.psus[0], one.psus[0]);
    // p(1 − p) is the variance of an indicator.
    levels.sigma2.iter().zip(&one.sigma2).for_each(|(x, y)| close(*x, *y, 1e-12, 0.1));
}

/// Linear functions of estimates: V(a'θ) from the matrix equals the variance of the combination.
#[test]
fn a_combination_of_totals_has_the_variance_of_its_variable() {
    let s = clustered(&[vec![2, 3, 1], vec![1, 2], vec![2, 2, 2]], 8);
    let (y, x) = (ys(8, 15), ys(9, 15));
    let both: Vec<f64> = y.iter().zip(&x).map(|(y, x)| 2.0 * y - 3.0 * x).collect();
    let raw =
        overall(&s.analysis(), &[Quantity::Total(&numbers(&y)), Quantity::Total(&numbers(&x))]);
    let a = DVector::from_vec(vec![2.0, -3.0]);
    let v = (a.transpose() * raw.covariance.unwrap() * &a)[(0, 0)];
    close(v, total(&s.analysis(), &both).1, 1e-12, 0.0);
}

#[test]
#[should_panic(expected = "a measure: one value per row of the design")]
fn a_column_of_another_length_is_a_mistake_of_the_caller() {
    let s = clustered(&[vec![2, 2], vec![1, 2]], 3);
    let y = numbers(&ys(3, 6));
    s.analysis().estimate(&[Quantity::Mean(&y)], &domains(&[0; 7], 1), false);
}
