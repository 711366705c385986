//! Unequal probabilities, two phases, crossed clusters, certainty and collapsing: exact moments over
//! all samples of tiny populations, and formulas re-derived.

use nalgebra::DMatrix;
use rakewell::data::Column;
use rakewell::design::{
    DesignError, DesignFinding, DesignInput, JointProbabilities, LonelyPsu, Method, PairForm,
    PhaseMethod, SecondPhase, Selection, SurveyDesign, Variable,
};
use rakewell::estimate::{Analysis, Quantity};
use rakewell::weight::{CalibrationOptions, Distance, Ledger};

use crate::exhaustive::subsets;
use crate::sample::{calibrate, close, domains, margin, numbers, total, totals};

fn analysis(input: &DesignInput<'_>) -> Analysis {
    let design = SurveyDesign::build(input).unwrap();
    let ledger = Ledger::new(design.weights.clone(), "design weight");
    Analysis::new(design, ledger)
}

const Y: [f64; 6] = [3.0, 11.0, 7.0, 20.0, 16.0, 30.0];
const SIZE: [f64; 6] = [1.0, 2.0, 2.5, 4.0, 4.5, 6.0];

/// Samples of three of six with p(s) ∝ Π size (conditional Poisson sampling), with the inclusion
/// probabilities of the first and the second order.
fn conditional_poisson() -> (Vec<(Vec<usize>, f64)>, DMatrix<f64>) {
    let sets = subsets(6, 3);
    let raw: Vec<f64> = sets.iter().map(|s| s.iter().map(|&i| SIZE[i]).product()).collect();
    let all: f64 = raw.iter().sum();
    let samples: Vec<(Vec<usize>, f64)> =
        sets.into_iter().zip(raw).map(|(s, p)| (s, p / all)).collect();
    let mut joint = DMatrix::zeros(6, 6);
    for (s, p) in &samples {
        for &i in s {
            for &j in s {
                joint[(i, j)] += p;
            }
        }
    }
    (samples, joint)
}

fn with_joint(set: &[usize], joint: &DMatrix<f64>, method: Method, form: PairForm) -> (f64, f64) {
    let n = set.len();
    let p = Column::numbers("p", set.iter().map(|&i| joint[(i, i)]).collect());
    let values = DMatrix::from_fn(n, n, |i, j| joint[(set[i], set[j])]);
    let joint = JointProbabilities { name: "joint".into(), units: Vec::new(), values };
    let input = DesignInput {
        rows: n,
        fpc: vec![Variable::of(&p)],
        selection: Selection { method, form, joint: Some(joint), ..Selection::default() },
        ..DesignInput::default()
    };
    let y: Vec<f64> = set.iter().map(|&i| Y[i]).collect();
    total(&analysis(&input), &y)
}

/// Horvitz–Thompson and Yates–Grundy are unbiased over all samples; the approximations are near at
/// high entropy.
#[test]
fn joint_probabilities_are_unbiased() {
    let (samples, joint) = conditional_poisson();
    let moments = |method, form| {
        let found: Vec<(f64, f64, f64)> = samples
            .iter()
            .map(|(s, p)| {
                let (t, v) = with_joint(s, &joint, method, form);
                // A negative estimate is blanked; its value is needed for the mean.
                let v = if v.is_nan() { direct(s, &joint, form) } else { v };
                (t, v, *p)
            })
            .collect();
        let mean: f64 = found.iter().map(|(t, _, p)| t * p).sum();
        let v: f64 = found.iter().map(|(t, _, p)| p * (t - mean) * (t - mean)).sum();
        let estimated: f64 = found.iter().map(|(_, v, p)| v * p).sum();
        (mean, v, estimated)
    };
    for form in [PairForm::HorvitzThompson, PairForm::YatesGrundy] {
        let (mean, v, estimated) = moments(Method::Joint, form);
        close(mean, 87.0, 1e-12, 0.0);
        close(estimated, v, 1e-10, 0.0);
    }
    for method in
        [Method::Brewer, Method::HartleyRao, Method::Hajek, Method::Deville1, Method::Deville2]
    {
        let (_, v, estimated) = moments(method, PairForm::YatesGrundy);
        assert!((estimated / v - 1.0).abs() < 0.12, "{method:?} {}", estimated / v);
    }
}

/// The sum over pairs, written out.
fn direct(set: &[usize], joint: &DMatrix<f64>, form: PairForm) -> f64 {
    let z = |i: usize| Y[i] / joint[(i, i)];
    let mut v = 0.0;
    for &i in set {
        for &j in set {
            let check = match i == j {
                true => 1.0 - joint[(i, i)],
                false => 1.0 - joint[(i, i)] * joint[(j, j)] / joint[(i, j)],
            };
            v += match form {
                PairForm::HorvitzThompson => check * z(i) * z(j),
                _ => -0.5 * check * (z(i) - z(j)) * (z(i) - z(j)) * f64::from(u8::from(i != j)),
            };
        }
    }
    v
}

#[test]
fn unsound_joint_probabilities_are_refused() {
    let (samples, joint) = conditional_poisson();
    let set = &samples[0].0;
    let try_with = |change: &dyn Fn(&mut DMatrix<f64>)| {
        let p = Column::numbers("p", set.iter().map(|&i| joint[(i, i)]).collect());
        let mut values = DMatrix::from_fn(3, 3, |i, j| joint[(set[i], set[j])]);
        change(&mut values);
        let joint = JointProbabilities { name: "file".into(), units: Vec::new(), values };
        let selection =
            Selection { method: Method::Joint, joint: Some(joint), ..Selection::default() };
        let input = DesignInput {
            rows: 3,
            fpc: vec![Variable::of(&p)],
            selection,
            ..DesignInput::default()
        };
        SurveyDesign::build(&input).map(|_| ()).unwrap_err()
    };
    let asymmetric = try_with(&|m| m[(0, 1)] *= 0.5);
    assert!(matches!(asymmetric, DesignError::JointValue { .. }), "{asymmetric}");
    assert!(asymmetric.to_string().contains("not symmetric"));
    for value in [0.0, -0.1, 1.5] {
        let wrong = try_with(&|m| {
            m[(0, 1)] = value;
            m[(1, 0)] = value;
        });
        assert!(matches!(wrong, DesignError::JointValue { row: 2, column: 1, .. }), "{wrong}");
    }
    let diagonal = try_with(&|m| m[(1, 1)] *= 0.9);
    assert!(matches!(diagonal, DesignError::JointDiagonal { .. }), "{diagonal}");
    let size = try_with(&|m| *m = DMatrix::from_element(2, 2, 0.5));
    assert!(matches!(size, DesignError::JointSize { rows: 2, units: 3, .. }), "{size}");
    let wide = try_with(&|m| *m = DMatrix::from_element(3, 2, 0.5));
    assert!(matches!(wide, DesignError::JointSize { columns: 2, .. }), "{wide}");
}

/// How many of the phase-1 units of a stratum go to phase 2.
fn second(n: usize) -> usize {
    match n {
        0..=2 => n,
        3 => 2,
        more => more - 2,
    }
}

/// Särndal, Swensson and Wretman (1992, eq. 9.3.7) over pairs of units: of the rows `chosen` in each
/// second-phase stratum of so many, after n of N clusters.
fn two_phase_by_pairs(
    y: &[f64],
    cluster: &[usize],
    chosen: [&[usize]; 2],
    of: [usize; 2],
    (n, population): (f64, f64),
) -> f64 {
    let f = n / population;
    let units: Vec<(usize, usize)> =
        (0..2).flat_map(|h| chosen[h].iter().map(move |&i| (i, h))).collect();
    let m = |h: usize| chosen[h].len() as f64;
    let second = |h: usize| m(h) / of[h] as f64;
    let mut v = 0.0;
    for &(i, g) in &units {
        for &(j, h) in &units {
            let joint = if i == j {
                second(g)
            } else if g == h {
                second(h) * (m(h) - 1.0) / (of[h] as f64 - 1.0)
            } else {
                second(g) * second(h)
            };
            let first = if cluster[i] == cluster[j] { 1.0 - f } else { -(1.0 - f) / (n - 1.0) };
            let products = y[i] * y[j] / (f * f);
            v += first / joint * products;
            v += (1.0 - second(g) * second(h) / joint) * products / (second(g) * second(h));
        }
    }
    v
}

/// Every pair of phases of a population of seven units in two strata: the "full" variance is
/// unbiased, with a first phase of single units and with one of clusters that cross the strata.
#[test]
fn two_phases_are_unbiased() {
    let y = [1.0, 4.0, 2.0, 9.0, 7.0, 3.0, 12.0, 5.0];
    let stratum = [0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0];
    // Units themselves, and clusters of two.
    for (count, size, taken) in [(7, 1, 5), (4, 2, 3)] {
        let population = count * size;
        let mut all: Vec<(f64, f64, f64)> = Vec::new();
        let firsts = subsets(count, taken);
        for first in &firsts {
            let units: Vec<usize> = first.iter().flat_map(|&c| c * size..(c + 1) * size).collect();
            let of = |h: f64| -> Vec<usize> {
                (0..units.len()).filter(|&i| stratum[units[i]] == h).collect()
            };
            let lists: Vec<Vec<usize>> = vec![of(0.0), of(1.0)];
            let ways: Vec<Vec<Vec<usize>>> = lists
                .iter()
                .map(|list| {
                    let sets = subsets(list.len(), second(list.len()));
                    sets.iter().map(|s| s.iter().map(|&i| list[i]).collect()).collect()
                })
                .collect();
            let share = 1.0 / (firsts.len() * ways[0].len() * ways[1].len()) as f64;
            for a in &ways[0] {
                for b in &ways[1] {
                    let n = units.len();
                    let flag: Vec<f64> = (0..n)
                        .map(|i| f64::from(u8::from(a.contains(&i) || b.contains(&i))))
                        .collect();
                    let cluster: Vec<f64> = units.iter().map(|u| (u / size) as f64).collect();
                    let flag = Column::numbers("in", flag);
                    let h = Column::numbers("h", units.iter().map(|&u| stratum[u]).collect());
                    let cluster = Column::numbers("cluster", cluster);
                    let sizes = Column::numbers("N", vec![count as f64; n]);
                    let input = DesignInput {
                        rows: n,
                        clusters: vec![Variable::of(&cluster)],
                        fpc: vec![Variable::of(&sizes)],
                        second_phase: Some(SecondPhase {
                            selected: Variable::of(&flag),
                            strata: Some(Variable::of(&h)),
                            clusters: None,
                            probability: None,
                            method: PhaseMethod::Full,
                        }),
                        ..DesignInput::default()
                    };
                    let own: Vec<f64> = units.iter().map(|&u| y[u]).collect();
                    let (t, v) = total(&analysis(&input), &own);
                    let by_pairs = two_phase_by_pairs(
                        &own,
                        &units.iter().map(|u| u / size).collect::<Vec<_>>(),
                        [a.as_slice(), b.as_slice()],
                        [lists[0].len(), lists[1].len()],
                        (taken as f64, count as f64),
                    );
                    // A negative estimate is blanked.
                    match by_pairs < 0.0 {
                        true => assert!(v.is_nan(), "{v} {by_pairs}"),
                        false => close(v, by_pairs, 1e-10, 1e-10 * t * t),
                    }
                    all.push((t, by_pairs, share));
                }
            }
        }
        let expect =
            |f: &dyn Fn(f64, f64) -> f64| all.iter().map(|&(t, v, p)| p * f(t, v)).sum::<f64>();
        let mean = expect(&|t, _| t);
        close(mean, y[..population].iter().sum(), 1e-12, 0.0);
        close(expect(&|_, v| v), expect(&|t, _| (t - mean) * (t - mean)), 1e-10, 0.0);
    }
}

/// What the second phase is calibrated to has the variance it would have if all of the first phase
/// had been observed.
#[test]
fn calibration_to_the_first_phase() {
    let n = 40;
    let x: Vec<f64> = (0..n).map(|i| f64::from(i * i % 17) + 1.0).collect();
    let stratum: Vec<f64> = (0..n).map(|i| f64::from(i % 3)).collect();
    let flag: Vec<f64> = (0..n).map(|i| f64::from(u8::from(i * 7 % 5 < 2))).collect();
    let weight = vec![25.0; n as usize];
    let (w, h) = (Column::numbers("w", weight), Column::numbers("h", stratum));
    let flag = Column::numbers("in", flag);
    let plain =
        DesignInput { rows: n as usize, weight: Some(Variable::of(&w)), ..DesignInput::default() };
    let (first_total, first_variance) = total(&analysis(&plain), &x);
    let input = DesignInput {
        second_phase: Some(SecondPhase {
            selected: Variable::of(&flag),
            strata: Some(Variable::of(&h)),
            clusters: None,
            probability: None,
            method: PhaseMethod::Full,
        }),
        ..plain
    };
    let design = SurveyDesign::build(&input).unwrap();
    let mut ledger = Ledger::new(design.weights.clone(), "design weight");
    let all = vec![0; n as usize];
    let wanted = totals(&[margin("all", &all, &[1000.0])], &[(&x, first_total)]);
    calibrate(&mut ledger, &wanted, &CalibrationOptions::new(Distance::Linear(None)));
    ledger.to_first_phase();
    let calibrated = Analysis::new(design, ledger);
    let (t, v) = total(&calibrated, &x);
    close(t, first_total, 1e-10, 0.0);
    // Of the variance only that of the first phase is left, estimated from the second.
    let plain_two = total(&analysis(&input), &x).1;
    assert!(v < plain_two, "{v} {plain_two}");
    assert!((v / first_variance - 1.0).abs() < 0.35, "{}", v / first_variance);
    // Without that mark the step would be taken as one to known totals.
    assert!(v > 0.5 * first_variance);
}

/// V(A) + V(B) − V(AB) is the sum over all pairs of rows that share a cluster of either.
#[test]
fn crossed_clusters() {
    let n = 24;
    let a: Vec<f64> = (0..n).map(|i| f64::from(i % 4)).collect();
    let b: Vec<f64> = (0..n).map(|i| f64::from(i / 8)).collect();
    let y: Vec<f64> = (0..n).map(|i| f64::from(i * 5 % 13)).collect();
    let ca = Column::numbers("a", a.clone());
    let cb = Column::numbers("b", b.clone());
    let input = DesignInput {
        rows: n as usize,
        clusters: vec![Variable::of(&ca)],
        crossed: Some(Variable::of(&cb)),
        ..DesignInput::default()
    };
    let analysis = analysis(&input);
    let raw =
        analysis.estimate(&[Quantity::Mean(&numbers(&y))], &domains(&vec![0; n as usize], 1), true);
    let mean = y.iter().sum::<f64>() / f64::from(n);
    let z: Vec<f64> = y.iter().map(|y| (y - mean) / f64::from(n)).collect();
    let by = |key: &dyn Fn(usize) -> (i64, i64)| -> f64 {
        let mut sums = std::collections::BTreeMap::<(i64, i64), f64>::new();
        (0..n as usize).for_each(|i| *sums.entry(key(i)).or_default() += z[i]);
        let m = sums.len() as f64;
        m / (m - 1.0) * sums.values().map(|s| s * s).sum::<f64>()
    };
    let wanted =
        by(&|i| (a[i] as i64, 0)) + by(&|i| (0, b[i] as i64)) - by(&|i| (a[i] as i64, b[i] as i64));
    match wanted > 0.0 {
        true => close(raw.variances[0], wanted, 1e-12, 0.0),
        false => assert!(raw.variances[0].is_nan() && raw.negative == 1),
    }
    // The clustering with fewer clusters decides: three.
    assert_eq!(analysis.design.df(), 2.0);
    assert_eq!(raw.psus[0], (3, 1));
}

/// A certain PSU adds the variance of its own rows, the others that of PSU totals.
#[test]
fn certainty() {
    let psu = Column::numbers("psu", vec![1., 1., 1., 2., 2., 3., 3., 4.]);
    let sure = Column::numbers("sure", vec![1., 1., 1., 0., 0., 0., 0., 0.]);
    let y = [3.0, 5.0, 10.0, 2.0, 4.0, 7.0, 8.0, 1.0];
    let input = DesignInput {
        rows: 8,
        clusters: vec![Variable::of(&psu)],
        selection: Selection { certainty: Some(Variable::of(&sure)), ..Selection::default() },
        ..DesignInput::default()
    };
    let analysis = analysis(&input);
    let squares = |z: &[f64]| {
        let (n, m) = (z.len() as f64, z.iter().sum::<f64>() / z.len() as f64);
        n / (n - 1.0) * z.iter().map(|z| (z - m) * (z - m)).sum::<f64>()
    };
    let wanted = squares(&[3.0, 5.0, 10.0]) + squares(&[6.0, 15.0, 1.0]);
    close(total(&analysis, &y).1, wanted, 1e-13, 0.0);
    assert_eq!(analysis.design.df(), 2.0);
    let mixed = Column::numbers("sure", vec![1., 0., 1., 0., 0., 0., 0., 0.]);
    let selection = Selection { certainty: Some(Variable::of(&mixed)), ..Selection::default() };
    let wrong = SurveyDesign::build(&DesignInput { selection, ..input });
    assert!(matches!(wrong.unwrap_err(), DesignError::CertaintyVaries { row: 2, .. }));
}

/// Probabilities of one make certain units, which take no part in n/(n − 1).
#[test]
fn certain_units_among_unequal_probabilities() {
    let p = [1.0, 0.5, 0.25, 0.8];
    let y = [9.0, 3.0, 2.0, 6.0];
    let of = |keep: &[usize]| {
        let column = Column::numbers("p", keep.iter().map(|&i| p[i]).collect());
        let input = DesignInput {
            rows: keep.len(),
            fpc: vec![Variable::of(&column)],
            selection: Selection { method: Method::Brewer, ..Selection::default() },
            ..DesignInput::default()
        };
        let y: Vec<f64> = keep.iter().map(|&i| y[i]).collect();
        total(&analysis(&input), &y)
    };
    let (with, without) = (of(&[0, 1, 2, 3]), of(&[1, 2, 3]));
    close(with.1, without.1, 1e-13, 0.0);
    close(with.0, without.0 + 9.0, 1e-13, 0.0);
}

/// Lonely strata join the one of the nearest size, wherever it stands.
#[test]
fn collapsing_by_likeness() {
    let stratum = Column::numbers("h", vec![1., 2., 2., 3., 4., 4., 5.]);
    let size = Column::numbers("size", vec![10., 50., 50., 90., 12., 12., 88.]);
    let y = [3.0, 5.0, 9.0, 2.0, 6.0, 7.0, 4.0];
    let input = |by| DesignInput {
        rows: 7,
        strata: vec![Some(Variable::of(&stratum))],
        lonely: LonelyPsu::Collapse,
        collapse_by: by,
        ..DesignInput::default()
    };
    let squares = |z: &[f64]| {
        let (n, m) = (z.len() as f64, z.iter().sum::<f64>() / z.len() as f64);
        n / (n - 1.0) * z.iter().map(|z| (z - m) * (z - m)).sum::<f64>()
    };
    let analysis = analysis(&input(Some(Variable::of(&size))));
    // 1 with 4, and 3 with 5.
    let wanted = squares(&[5., 9.]) + squares(&[3., 6., 7.]) + squares(&[2., 4.]);
    close(total(&analysis, &y).1, wanted, 1e-13, 0.0);
    let said: Vec<String> = analysis.design.findings.iter().map(ToString::to_string).collect();
    assert!(said.iter().any(|s| s.contains("1 + 4") && s.contains("3 + 5")), "{said:?}");
    assert!(analysis.design.findings.iter().any(|f| matches!(f, DesignFinding::Collapsed { .. })));
    let of_rows = SurveyDesign::build(&input(None)).unwrap();
    assert_eq!(of_rows.df(), 7.0 - 2.0);
}

/// Neighbours in the order of a list, not of the file.
#[test]
fn systematic_samples() {
    let order = Column::numbers("order", vec![4., 1., 3., 2.]);
    let sizes = Column::numbers("N", vec![40.; 4]);
    let y = [8.0, 1.0, 5.0, 2.0];
    let of = |method| {
        let input = DesignInput {
            rows: 4,
            fpc: vec![Variable::of(&sizes)],
            selection: Selection {
                method,
                order: Some(Variable::of(&order)),
                ..Selection::default()
            },
            ..DesignInput::default()
        };
        total(&analysis(&input), &y).1
    };
    // In order: 1, 2, 5, 8 times 10.
    let squares = 100.0 * (1.0 + 9.0 + 9.0);
    close(of(Method::Sd1), 0.9 * 4.0 / 6.0 * squares, 1e-13, 0.0);
    close(of(Method::Sd2), 0.45 * (squares + 4900.0), 1e-13, 0.0);
}

/// The covariances of many small domains are those of their totals, pair by pair.
#[test]
fn covariances_of_sparse_domains() {
    let n = 60_usize;
    let stratum = Column::numbers("h", (0..n).map(|i| (i / 30) as f64).collect());
    let y: Vec<f64> = (0..n).map(|i| (i * i % 23) as f64 + 2.0).collect();
    // Domain 0 holds half of the rows, the others a few each.
    let code: Vec<u32> = (0..n).map(|i| if i % 2 == 0 { 0 } else { 1 + (i % 7) as u32 }).collect();
    let input = DesignInput {
        rows: n,
        strata: vec![Some(Variable::of(&stratum))],
        ..DesignInput::default()
    };
    let analysis = analysis(&input);
    let raw = analysis.estimate(&[Quantity::Total(&numbers(&y))], &domains(&code, 8), true);
    let v = raw.covariance.unwrap();
    for i in 0..8 {
        close(v[(i, i)], raw.variances[i], 1e-11, 0.0);
        for j in 0..i {
            // V(a + b) = V(a) + V(b) + 2 C(a, b)
            let both: Vec<f64> = (0..n)
                .map(|r| if code[r] as usize == i || code[r] as usize == j { y[r] } else { 0.0 })
                .collect();
            let sum = total(&analysis, &both).1;
            close(v[(i, i)] + v[(j, j)] + 2.0 * v[(i, j)], sum, 1e-10, 0.0);
            close(v[(i, j)], v[(j, i)], 1e-14, 0.0);
        }
    }
}
