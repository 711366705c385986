//! Differences, ratios and standardised tables, from the covariances of what they are made of.

use rakewell::compare::{ContrastSpec, Measure, contrast};
use rakewell::data::{Codes, Factor, Level, Numbers};
use rakewell::estimate::{
    Analysis, ByVariable, Deff, Domains, EstimateTable, IntervalMethod, Outcome, QuantileInterval,
    QuantileRequest, QuantileRule, Quantity, Standard, Statistic, TableSpec, design_effect,
    effective_n, effective_n_kish,
};
use rakewell::numeric::distributions::{t_quantile_upper, t_two_sided};
use rakewell::weight::{CalibrationOptions, Distance};

use crate::sample::{Sample, calibrate, close, margin, numbers, overall, total, totals};
use crate::variance::{clustered, ys};

fn factor(codes: &[u32], levels: usize) -> Factor {
    let levels = (0..levels).map(|l| Level::new(format!("level {l}"))).collect::<Vec<_>>();
    Factor { codes: Codes::pack(codes, levels.len()), levels }
}

fn spec<'a>(y: &'a Numbers, domains: &'a Domains, by: &Factor) -> TableSpec<'a> {
    let title = || "y".to_string();
    let outcome = Outcome { variable: title(), title: title(), level: None, probability: None };
    let levels = by.levels.iter().map(|l| l.text().to_string()).collect();
    TableSpec {
        name: title(),
        title: title(),
        statistic: Statistic::Mean,
        quantities: vec![Quantity::Mean(y)],
        outcomes: vec![Some(outcome)],
        domains,
        by: vec![ByVariable { variable: "by".into(), title: "by".into(), levels }],
        population: None,
        interval: IntervalMethod::T,
        level: 0.95,
        deff: Deff::WithoutReplacement,
        standard: None,
        df: rakewell::estimate::Df::Domain,
        covariance: true,
    }
}

fn table(analysis: &Analysis, y: &Numbers, by: &Factor) -> EstimateTable {
    let domains = Domains::cross(y.len(), &[by], None);
    analysis.table(&spec(y, &domains, by))
}

fn compared(table: &EstimateTable, measure: Measure, reference: Option<usize>) -> ContrastSpec {
    let name = table.name.clone();
    ContrastSpec {
        title: name.clone(),
        name,
        measure,
        across: 0,
        reference,
        adjust: None,
        level: 0.95,
    }
}

/// Strata of 3, 2 and 4 PSUs of three rows; the third group lies in the last stratum only.
fn sample() -> (Sample, Numbers, Factor) {
    let s = clustered(&[vec![3; 3], vec![3; 2], vec![3; 4]], 21);
    let rows = s.weight.len();
    let codes: Vec<u32> =
        (0..rows).map(|i| if i >= 21 && i % 3 == 2 { 2 } else { (i % 2) as u32 }).collect();
    (s, numbers(&ys(21, rows)), factor(&codes, 3))
}

#[test]
fn a_difference_is_the_estimate_of_its_influence() {
    let (s, y, by) = sample();
    let analysis = s.analysis();
    let table = table(&analysis, &y, &by);
    let made = contrast(&table, &compared(&table, Measure::Difference, Some(0)));
    assert_eq!(made.rows.len(), 2);
    // The influence of a difference of domain means, written out.
    let w = &s.weight;
    let in_group = |row: usize, g: u32| f64::from(u8::from(by.codes.get(row) == g));
    let sum = |g: u32, f: &dyn Fn(usize) -> f64| {
        (0..w.len()).map(|r| in_group(r, g) * w[r] * f(r)).sum::<f64>()
    };
    for (row, group) in made.rows.iter().zip([1, 2]) {
        let (na, nb) = (sum(group, &|_| 1.0), sum(0, &|_| 1.0));
        let (a, b) = (sum(group, &|r| y.get(r)) / na, sum(0, &|r| y.get(r)) / nb);
        let z: Vec<f64> = (0..w.len())
            .map(|r| {
                in_group(r, group) * (y.get(r) - a) / na - in_group(r, 0) * (y.get(r) - b) / nb
            })
            .collect();
        let v = total(&analysis, &z).1;
        close(row.estimate.unwrap(), a - b, 1e-12, 0.0);
        close(row.se.unwrap(), v.sqrt(), 1e-10, 0.0);
        // Degrees of freedom: the smaller of the two groups'. Group 2 has two PSUs, one stratum.
        let df = if group == 2 { 1.0 } else { 6.0 };
        assert_eq!(row.df, Some(df));
        let half = t_quantile_upper(0.025, df) * v.sqrt();
        close(row.upper.unwrap() - row.lower.unwrap(), 2.0 * half, 1e-9, 0.0);
        close(row.p.unwrap(), t_two_sided((a - b) / v.sqrt(), df), 1e-8, 0.0);
        // The ratio: the same on the logarithm, influence z_a/a − z_b/b.
        let z: Vec<f64> = (0..w.len())
            .map(|r| {
                in_group(r, group) * (y.get(r) - a) / (na * a)
                    - in_group(r, 0) * (y.get(r) - b) / (nb * b)
            })
            .collect();
        let v = total(&analysis, &z).1;
        let ratios = contrast(&table, &compared(&table, Measure::Ratio, Some(0)));
        let ratio = ratios.rows.iter().find(|r| r.group == row.group).unwrap();
        close(ratio.estimate.unwrap(), a / b, 1e-12, 0.0);
        close(ratio.se.unwrap(), a / b * v.sqrt(), 1e-10, 0.0);
        let upper = (a / b).ln() + t_quantile_upper(0.025, df) * v.sqrt();
        close(ratio.upper.unwrap(), upper.exp(), 1e-9, 0.0);
        close(ratio.t.unwrap(), (a / b).ln() / v.sqrt(), 1e-9, 0.0);
    }
    let pairs = contrast(&table, &compared(&table, Measure::Difference, None));
    assert_eq!(pairs.rows.len(), 3);
}

/// Group means that calibration makes known differ by a known amount: no test rests on rounding.
#[test]
fn known_groups_are_not_tested() {
    let (s, y, by) = sample();
    let codes: Vec<u32> = (0..y.len()).map(|r| by.codes.get(r)).collect();
    // Σ w and Σ w y of every group are calibrated.
    let mut values = Vec::new();
    for g in 0..3 {
        let x: Vec<f64> =
            (0..y.len()).map(|r| if codes[r] == g { y.get(r) } else { 0.0 }).collect();
        values.push(x);
    }
    let wanted = totals(
        &[margin("by", &codes, &[30.0, 25.0, 6.0])],
        &[(&values[0], 600.0), (&values[1], 480.0), (&values[2], 130.0)],
    );
    let done = s.weighted(|l| {
        calibrate(l, &wanted, &CalibrationOptions::new(Distance::Linear(None)));
    });
    let table = table(&done, &y, &by);
    close(table.rows[0].estimate.unwrap(), 20.0, 1e-9, 0.0);
    for measure in [Measure::Difference, Measure::Ratio] {
        for row in contrast(&table, &compared(&table, measure, Some(0))).rows {
            assert!(row.estimate.is_some());
            assert_eq!((row.se, row.t, row.p, row.lower), (None, None, None, None));
        }
    }
}

#[test]
fn standardised_means_are_their_linear_combinations() {
    let (s, y, by) = sample();
    let rows = y.len();
    let age: Vec<u32> =
        (0..rows).map(|i| if i == 4 { u32::MAX } else { (i / 3 % 3) as u32 }).collect();
    let age = factor(&age, 3);
    let analysis = s.analysis();
    let inside = vec![true; rows];
    let domains = Domains::cross(rows, &[&by], None);
    let spec = spec(&y, &domains, &by);
    let standard =
        Standard { title: "age".into(), factor: age.clone(), shares: vec![2.0, 6.0, 0.0] };
    let made = analysis.standardized_table(&spec, &[&by], &inside, &standard);
    let cells = Domains::cross(rows, &[&by, &age], None);
    let raw = analysis.estimate(&[Quantity::Mean(&y)], &cells.codes, true);
    let v = raw.covariance.as_ref().unwrap();
    for d in 0..2 {
        let (a, b) = (3 * d, 3 * d + 1);
        let row = &made.rows[d];
        close(row.estimate.unwrap(), 0.25 * raw.values[a] + 0.75 * raw.values[b], 1e-13, 0.0);
        let variance = 0.0625 * v[(a, a)] + 0.5625 * v[(b, b)] + 0.375 * v[(a, b)];
        close(row.se.unwrap(), variance.sqrt(), 1e-11, 0.0);
        // Rows of age 2 (share zero) and the one without an age are in no part.
        let of = |row: usize| by.codes.get(row) == d as u32 && age.codes.get(row) < 2;
        assert_eq!(row.n, (0..rows).filter(|&r| of(r)).count() as u64);
        let psus: std::collections::BTreeSet<usize> =
            (0..rows).filter(|&r| of(r)).map(|r| r / 3).collect();
        assert_eq!(row.psus, psus.len() as u64);
        assert!(row.deff.is_none());
    }
    let covariance = made.covariance.as_ref().unwrap();
    let share = [(0, 0.25), (1, 0.75)];
    let expected: f64 = share
        .iter()
        .flat_map(|&(i, p)| share.iter().map(move |&(j, q)| p * q * v[(i, 3 + j)]))
        .sum();
    close(covariance.get(0, 1), expected, 1e-11, 1e-12);
    assert!(made.notes.iter().any(|n| n.contains("1 rows have no value in age")));
    // A group without a row at some age has no estimate: shares are not spread over the others.
    let lacking = Standard { shares: vec![1.0, 1.0, 1.0], ..standard };
    let made = analysis.standardized_table(&spec, &[&by], &inside, &lacking);
    let has: Vec<bool> =
        (0..3).map(|d| (0..3).all(|a| raw.values[3 * d + a].is_finite())).collect();
    assert!(has.contains(&false));
    for (row, has) in made.rows.iter().zip(has) {
        assert_eq!(row.estimate.is_some(), has);
        assert_eq!(row.se.is_some(), has);
    }
}

/// A simple random sample has design effect 1 and as many effective rows as rows.
#[test]
fn design_effects_of_a_simple_random_sample() {
    let y = ys(5, 12);
    let s = Sample { fpc: vec![vec![40.0; 12]], ..Sample::default() };
    let held = numbers(&y);
    let of = |i: usize| (i % 3) as u32;
    let codes = Codes::pack(&(0..12).map(of).collect::<Vec<_>>(), 3);
    let x = numbers(&ys(6, 12));
    let quantities = [
        Quantity::Mean(&held),
        Quantity::Total(&held),
        Quantity::Ratio(&held, &x),
        Quantity::Proportions(&codes, 3),
    ];
    let raw = overall(&s.analysis(), &quantities);
    for (row, &(q, ..)) in raw.index.iter().enumerate() {
        let quantity = &quantities[q];
        let wor = design_effect(&raw, row, quantity, Deff::WithoutReplacement).unwrap();
        close(wor, 1.0, 1e-10, 0.0);
        let wr = design_effect(&raw, row, quantity, Deff::Replace).unwrap();
        close(wr, 1.0 - 12.0 / 40.0, 1e-10, 0.0);
        // σ² ÷ V, σ² with divisor n: (n − 1) ÷ (1 − f).
        close(effective_n(&raw, row, quantity).unwrap(), 11.0 / 0.7, 1e-10, 0.0);
        assert_eq!(effective_n_kish(&raw, row), Some(12.0));
    }
    // Weights that add up to the sample say nothing of a population.
    let flat = Sample { weight: vec![1.0; 12], ..Sample::default() };
    let raw = overall(&flat.analysis(), &quantities);
    assert_eq!(design_effect(&raw, 0, &quantities[0], Deff::WithoutReplacement), None);
    assert!(design_effect(&raw, 0, &quantities[0], Deff::Replace).is_some());
}

/// The distribution function falls at a negative weight: a quantile is still the smallest value at
/// which it reaches p.
#[test]
fn quantiles_with_a_negative_weight() {
    let s = Sample { weight: vec![10.0; 5], ..Sample::default() };
    let x = [0.0, 1.0, 0.0, -2.0, 1.0];
    let wanted = totals(&[], &[(&x, 60.0)]);
    let done = s.weighted(|l| {
        calibrate(l, &wanted, &CalibrationOptions::new(Distance::Linear(None)));
    });
    // Weights 10, 20, 10, −10, 20: cumulated 10, 30, 40, 30, 50.
    close(done.ledger.weights()[3], -10.0, 1e-12, 0.0);
    let y = numbers(&[1.0, 2.0, 3.0, 4.0, 5.0]);
    let everyone = crate::sample::everyone(5);
    let quantile = |p| {
        let request = QuantileRequest {
            y: &y,
            probabilities: &[p],
            rule: QuantileRule::Hf1,
            interval: QuantileInterval::Woodruff,
            level: 0.95,
            df: rakewell::estimate::Df::Domain,
        };
        done.quantiles(&request, &everyone, false).rows[0].estimate
    };
    for (p, expected) in [(0.1, 1.0), (0.4, 2.0), (0.7, 3.0), (0.79, 3.0), (0.9, 5.0)] {
        assert_eq!(quantile(p), expected, "{p}");
    }
}
