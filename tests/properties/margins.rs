//! What margins can be: parts, shares, bounds of rows; and what calibration does not depend on.

use std::sync::Arc;

use proptest::prelude::*;
use rakewell::aggregate::{XColumns, XTerm};
use rakewell::data::{Codes, Numbers};
use rakewell::estimate::Quantity;
use rakewell::weight::{
    Bounds, Calibration, CalibrationOptions, Distance, RowBounds, Totals, calibrate_weights,
};

use crate::sample::{Sample, calibrate, close, margin, numbers, overall, total, totals};
use crate::variance::{clustered, shapes, value, ys};
use crate::weighting::derivative_variance;

fn options(distance: Distance) -> CalibrationOptions {
    CalibrationOptions::new(distance)
}

/// Two levels within each of two parts (the first half of the rows and the second), and a number
/// within parts: columns, targets near what the sample has.
fn in_parts(s: &Sample, seed: u32) -> Totals {
    let rows = s.weight.len();
    let part = |row: usize| u32::from(row >= rows / 2);
    let codes: Vec<u32> = (0..rows).map(|r| 2 * part(r) + (r % 2) as u32).collect();
    let parts: Vec<u32> = (0..rows).map(part).collect();
    let x = ys(seed + 5, rows);
    let terms = vec![
        XTerm { codes: Some(Arc::new(Codes::pack(&codes, 4))), values: None, width: 2 * 2 },
        XTerm {
            codes: Some(Arc::new(Codes::pack(&parts, 2))),
            values: Some(Arc::new(numbers(&x))),
            width: 2,
        },
    ];
    let mut targets = vec![0.0; 6];
    for row in 0..rows {
        targets[codes[row] as usize] += s.weight[row];
        targets[4 + parts[row] as usize] += s.weight[row] * x[row];
    }
    for (i, t) in targets.iter_mut().enumerate() {
        *t *= 1.0 + 0.02 * f64::from(i as u32 % 3);
    }
    let names = (0..6).map(|i| format!("t{i}")).collect();
    Totals { x: XColumns { terms }, targets, names, part: vec![0, 0, 1, 1, 0, 1] }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    /// Parts solved on their own are the whole system with columns by part.
    #[test]
    fn parts_are_one_system((mut shape, seed) in shapes(), kind in 0_usize..3) {
        shape.push(vec![6, 5]);
        shape.push(vec![5, 6]);
        let s = clustered(&shape, seed);
        let bounds = Bounds { lower: 0.2, upper: 3.0 };
        let distance = [
            Distance::Linear(None), Distance::Raking(None), Distance::Logit(bounds),
        ][kind];
        let parted = in_parts(&s, seed);
        let whole = Totals { part: Vec::new(), ..parted.clone() };
        let (a, one) = calibrate_weights(&s.weight, &parted, &options(distance));
        let (b, two) = calibrate_weights(&s.weight, &whole, &options(distance));
        prop_assume!(one.is_converged() && two.is_converged());
        a.iter().zip(&b).for_each(|(a, b)| close(*a, *b, 1e-7, 1e-3));
        let y = ys(seed, s.weight.len());
        let by = |t: &Totals| s.weighted(|l| calibrate(l, t, &options(distance)));
        let (va, vb) = (total(&by(&parted), &y).1, total(&by(&whole), &y).1);
        close(va, vb, 1e-6, 1e-9);
    }

    /// Rows in another order, and one row divided in two, change no weight.
    #[test]
    fn order_and_division_of_rows((mut shape, seed) in shapes(), kind in 0_usize..3) {
        shape.push(vec![6, 5]);
        shape.push(vec![5, 6]);
        let s = clustered(&shape, seed);
        let bounds = Bounds { lower: 0.2, upper: 4.0 };
        let distance = [
            Distance::Linear(None), Distance::Raking(None), Distance::Linear(Some(bounds)),
        ][kind];
        let given = in_parts(&s, seed);
        let rows = s.weight.len();
        let picked = |order: &[usize], weight: &[f64]| {
            let term = |t: &XTerm| {
                let codes = t.codes.as_ref().map(|c| {
                    let own: Vec<u32> = order.iter().map(|&r| c.get(r)).collect();
                    Arc::new(Codes::pack(&own, t.width))
                });
                let values = t.values.as_ref().map(|v| {
                    Arc::new(Numbers::F64(order.iter().map(|&r| v.get(r)).collect()))
                });
                XTerm { codes, values, width: t.width }
            };
            let x = XColumns { terms: given.x.terms.iter().map(term).collect() };
            let t = Totals { x, ..given.clone() };
            calibrate_weights(weight, &t, &options(distance))
        };
        let straight: Vec<usize> = (0..rows).collect();
        let (w, status) = picked(&straight, &s.weight);
        prop_assume!(status.is_converged());
        let turned: Vec<usize> = (0..rows).rev().collect();
        let weight: Vec<f64> = turned.iter().map(|&r| s.weight[r]).collect();
        let (other, _) = picked(&turned, &weight);
        turned.iter().zip(&other).for_each(|(&r, v)| close(w[r], *v, 1e-8, 1e-3));
        // The last row as a third and two thirds.
        let mut divided = straight.clone();
        divided.push(rows - 1);
        let mut weight = s.weight.clone();
        weight.push(s.weight[rows - 1] * 2.0 / 3.0);
        weight[rows - 1] /= 3.0;
        let (other, _) = picked(&divided, &weight);
        (0..rows - 1).for_each(|r| close(w[r], other[r], 1e-8, 1e-3));
        close(w[rows - 1], other[rows - 1] + other[rows], 1e-8, 1e-3);
    }

    /// Shares without a population keep the sum of the weights, and the variance knows that this sum
    /// is that of the sample: it is that of numerical derivatives of the whole procedure.
    #[test]
    fn shares_of_the_own_sum((mut shape, seed) in shapes(), raking in any::<bool>()) {
        shape.iter_mut().filter(|s| s.len() < 2).for_each(|s| s.push(3));
        shape.push(vec![6, 5, 4]);
        let s = clustered(&shape, seed);
        let rows = s.weight.len();
        let codes: Vec<u32> = (0..rows).map(|r| (value(seed + 1, r) * 7.0) as u32 % 2).collect();
        let other: Vec<u32> = (0..rows).map(|r| (value(seed + 2, r) * 5.0) as u32 % 2).collect();
        prop_assume!([&codes, &other].iter().all(|c| c.contains(&0) && c.contains(&1)));
        let margins = [margin("a", &codes, &[0.45, 0.55]), margin("b", &other, &[0.5, 0.5])];
        let distance = if raking { Distance::Raking(None) } else { Distance::Linear(None) };
        let mut met = true;
        let done = s.weighted(|l| {
            let step = Calibration { per_unit: true, ..Calibration::to_margins(&margins, options(distance)) };
            met = l.calibrate_to(step).is_ok();
        });
        prop_assume!(met);
        let sum = |w: &[f64]| w.iter().sum::<f64>();
        close(sum(done.ledger.weights()), sum(&s.weight), 1e-9, 0.0);
        // The sum itself moves as the sample does, whatever the margins.
        let ones = vec![1.0; rows];
        let (sum_of_weights, v) = total(&done, &ones);
        close(v, total(&s.analysis(), &ones).1, 1e-6, 1e-8 * sum_of_weights * sum_of_weights);
        // Other totals, as numerical derivatives of the whole procedure: residuals are those of the
        // regression by d, which is the derivative where the margins are those of the sample.
        let own = |codes: &[u32]| -> Vec<f64> {
            (0..2).map(|c| {
                let of = (0..rows).filter(|&r| codes[r] == c);
                of.map(|r| s.weight[r]).sum::<f64>() / sum(&s.weight)
            }).collect()
        };
        let same = [margin("a", &codes, &own(&codes)), margin("b", &other, &own(&other))];
        let still = s.weighted(|l| {
            let step = Calibration { per_unit: true, ..Calibration::to_margins(&same, options(distance)) };
            l.calibrate_to(step).unwrap();
        });
        let y = ys(seed, rows);
        close(total(&still, &y).1, derivative_variance(&still, &s, &y), 1e-4, 1e-6);
        // Means know nothing of the sum.
        let y = numbers(&y);
        let known: Vec<_> = margins.iter().map(|m| {
            let targets: Vec<f64> = m.targets.iter().map(|t| t * sum(&s.weight)).collect();
            rakewell::weight::Margin { targets, ..m.clone() }
        }).collect();
        let fixed = s.weighted(|l| { l.calibrate_to(Calibration::to_margins(&known, options(distance))).unwrap(); });
        let (a, b) = (overall(&done, &[Quantity::Mean(&y)]), overall(&fixed, &[Quantity::Mean(&y)]));
        close(a.values[0], b.values[0], 1e-9, 0.0);
    }

    /// Bounds of every row that are the same for all are bounds of all; and they are kept.
    #[test]
    fn bounds_of_rows((mut shape, seed) in shapes(), of_weight in any::<bool>()) {
        shape.push(vec![6, 5]);
        shape.push(vec![5, 6]);
        let s = clustered(&shape, seed);
        let rows = s.weight.len();
        let given = in_parts(&s, seed);
        let lower: Vec<f64> = (0..rows)
            .map(|r| if of_weight { 0.3 * s.weight[r] } else { 0.3 })
            .collect();
        let upper: Vec<f64> = lower.iter().map(|l| l * 9.0).collect();
        let mut by_row = options(Distance::Linear(None));
        by_row.row_bounds = Some(RowBounds {
            lower: Arc::new(lower), upper: Arc::new(upper), of_weight,
        });
        let bounds = Bounds { lower: 0.3, upper: 2.7 };
        let (a, one) = calibrate_weights(&s.weight, &given, &by_row);
        let (b, two) = calibrate_weights(&s.weight, &given, &options(Distance::Linear(Some(bounds))));
        prop_assume!(one.is_converged() && two.is_converged());
        a.iter().zip(&b).for_each(|(a, b)| close(*a, *b, 1e-7, 1e-3));
        a.iter().zip(&s.weight).for_each(|(w, d)| {
            assert!(w / d >= 0.3 - 1e-12 && w / d <= 2.7 + 1e-12);
        });
    }

    /// Generalised calibration with the columns themselves as instruments is calibration.
    #[test]
    fn instruments_that_are_the_columns((mut shape, seed) in shapes(), raking in any::<bool>()) {
        shape.push(vec![6, 5]);
        let s = clustered(&shape, seed);
        let rows = s.weight.len();
        let x = ys(seed + 3, rows);
        let sum: f64 = s.weight.iter().sum();
        let weighted: f64 = s.weight.iter().zip(&x).map(|(w, x)| w * x).sum();
        let given = totals(&[margin("all", &vec![0; rows], &[1.1 * sum])], &[(&x, 1.12 * weighted)]);
        let distance = if raking { Distance::Raking(None) } else { Distance::Linear(None) };
        let mut with = options(distance);
        with.instruments = Some(given.x.clone());
        let (a, one) = calibrate_weights(&s.weight, &given, &with);
        let (b, two) = calibrate_weights(&s.weight, &given, &options(distance));
        prop_assume!(two.is_converged());
        prop_assert!(one.is_converged(), "{}", one);
        a.iter().zip(&b).for_each(|(a, b)| close(*a, *b, 1e-7, 1e-3));
    }
}

/// The cut keeps the sum, and says how many rows it changed.
#[test]
fn factors_cut_off_afterwards() {
    let s = clustered(&[vec![4, 3, 5], vec![4, 6], vec![3, 3, 3]], 2);
    let rows = s.weight.len();
    let x = ys(17, rows);
    let sum: f64 = s.weight.iter().sum();
    let weighted: f64 = s.weight.iter().zip(&x).map(|(w, x)| w * x).sum();
    let given = totals(&[margin("all", &vec![0; rows], &[sum])], &[(&x, 1.15 * weighted)]);
    let mut cut = options(Distance::Raking(None));
    cut.trim = Some(Bounds { lower: 0.7, upper: 1.4 });
    let done = s.weighted(|l| calibrate(l, &given, &cut));
    let w = done.ledger.weights();
    close(w.iter().sum(), sum, 1e-12, 0.0);
    let g: Vec<f64> = w.iter().zip(&s.weight).map(|(w, d)| w / d).collect();
    let at = g.iter().filter(|g| (**g - 0.7).abs() < 1e-12 || (**g - 1.4).abs() < 1e-12).count();
    assert!(at > 0);
    let outcome = &done.ledger.steps()[1].summary.outcome;
    assert!(outcome.contains(&format!("factors of {at} rows were cut off")), "{outcome}");
}
