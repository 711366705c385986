//! Closed forms, the conditions of Karush, Kuhn and Tucker, and a case solved elsewhere.

use super::*;
use crate::numeric::random::{stream, unit};
use crate::planning::allocate::{Rule, StratumSize, allocate};
use rand::Rng;

fn size(cost: f64) -> Size {
    Size { cost, least: 0.0, most: 1e6, part_of: None }
}

fn optimum(sizes: &[Size], bounds: &[Bound]) -> (Vec<f64>, Vec<f64>, f64) {
    match cheapest(sizes, bounds) {
        Outcome::Optimal { x, prices, cost } => (x, prices, cost),
        other => panic!("{other:?}"),
    }
}

fn close(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance * expected.abs(), "{found} {expected}");
}

#[test]
fn one_target_is_neyman() {
    // a_j = (W_j S_j)², so x_j ∝ W_j S_j / √c_j, scaled to meet the target.
    let (w, s, c) = ([0.5, 0.3, 0.2], [4.0, 2.0, 9.0], [1.0, 4.0, 2.0]);
    let a: Vec<f64> = (0..3).map(|j| (w[j] * s[j]) * (w[j] * s[j])).collect();
    let b = 0.05;
    let root: f64 = (0..3).map(|j| (a[j] * c[j]).sqrt()).sum();
    let (x, prices, cost) = optimum(&c.map(size), &[Bound::Variance { a: a.clone(), b }]);
    for j in 0..3 {
        close(x[j], (a[j] / c[j]).sqrt() * root / b, 1e-6);
    }
    close(cost, root * root / b, 1e-8);
    // ∂ cost / ∂ b = −(Σ √(a c))² / b².
    close(prices[0], root * root / (b * b), 1e-6);
    // The same proportions as the Neyman allocation of that total.
    let strata: Vec<StratumSize> =
        (0..3).map(|j| StratumSize { size: w[j], sd: s[j], cost: c[j], most: 1e9 }).collect();
    let neyman = allocate(Rule::Neyman, &strata, x.iter().sum());
    for j in 0..3 {
        close(x[j], neyman[j], 1e-6);
    }
}

#[test]
fn two_targets_of_one_size_each() {
    // Apart: x_j = a_j / b_j.
    let bounds = [
        Bound::Variance { a: vec![3.0, 0.0], b: 0.1 },
        Bound::Variance { a: vec![0.0, 5.0], b: 0.02 },
    ];
    let (x, prices, _) = optimum(&[size(2.0), size(1.0)], &bounds);
    close(x[0], 30.0, 1e-7);
    close(x[1], 250.0, 1e-7);
    close(prices[0], 2.0 * 3.0 / 0.01, 1e-6);
    close(prices[1], 5.0 / 0.0004, 1e-6);
}

#[test]
fn a_target_that_another_implies_costs_nothing() {
    let bounds = [
        Bound::Variance { a: vec![1.0, 1.0], b: 0.1 },
        Bound::Variance { a: vec![1.0, 1.0], b: 0.2 },
    ];
    let (x, prices, cost) = optimum(&[size(1.0), size(1.0)], &bounds);
    close(x[0], 20.0, 1e-6);
    close(cost, 40.0, 1e-8);
    assert!(prices[1] < 1e-5 * prices[0]);
}

#[test]
fn bounds_hold() {
    let mut sizes = [size(1.0), size(1.0)];
    sizes[0].most = 15.0;
    let bounds = [Bound::Variance { a: vec![1.0, 1.0], b: 0.1 }];
    let (x, _, _) = optimum(&sizes, &bounds);
    close(x[0], 15.0, 1e-6);
    close(x[1], 1.0 / (0.1 - 1.0 / 15.0), 1e-5);
    sizes[1].least = 50.0;
    let (x, _, _) = optimum(&sizes, &bounds);
    close(x[1], 50.0, 1e-6);
    close(x[0], 1.0 / (0.1 - 0.02), 1e-5);
}

#[test]
fn a_part_does_not_exceed_its_whole() {
    // Screening is dear and interviews are cheap: everybody found is kept.
    let whole = Size { cost: 10.0, least: 0.0, most: 1e4, part_of: None };
    let part = Size { cost: 0.1, least: 0.0, most: 1e4, part_of: Some(0) };
    let bounds = [Bound::Variance { a: vec![0.0, 4.0], b: 0.1 }];
    let (x, _, _) = optimum(&[whole.clone(), part], &bounds);
    close(x[1], 40.0, 1e-6);
    close(x[0], 40.0, 1e-5);
    // With clustering in the whole and dear interviews the part is smaller.
    let part = Size { cost: 10.0, least: 0.0, most: 1e4, part_of: Some(0) };
    let bounds = [Bound::Variance { a: vec![9.0, 1.0], b: 0.1 }];
    let (x, _, _) = optimum(&[whole, part], &bounds);
    close(x[1], 4.0 / 0.1, 1e-5);
    close(x[0], 12.0 / 0.1, 1e-5);
}

#[test]
fn what_cannot_be_met_is_named() {
    let mut sizes = [size(1.0), size(1.0)];
    sizes[1].most = 10.0;
    let bounds = [
        Bound::Variance { a: vec![1.0, 0.0], b: 0.1 },
        Bound::Variance { a: vec![0.0, 5.0], b: 0.4 },
        Bound::Variance { a: vec![1.0, 1.0], b: 0.0 },
    ];
    assert_eq!(cheapest(&sizes, &bounds), Outcome::Infeasible(vec![1, 2]));
}

/// Random problems satisfy the conditions of Karush, Kuhn and Tucker: at sizes inside their
/// bounds c_j = Σ_d λ_d a_dj / x_j², λ_d = 0 where the target is met with room, and the cost is
/// that of the dual function.
#[test]
fn the_conditions_of_an_optimum_hold() {
    for problem in 0..40 {
        let mut random = stream(7, "bethel", problem);
        let mut draw = || unit(random.next_u64());
        let (n, m) = (1 + (draw() * 12.0) as usize, 1 + (draw() * 9.0) as usize);
        let sizes: Vec<Size> = (0..n).map(|_| size(0.2 + draw() * 5.0)).collect();
        let bounds: Vec<Bound> = (0..m)
            .map(|_| {
                let a: Vec<f64> =
                    (0..n).map(|_| if draw() < 0.3 { 0.0 } else { draw() * 10.0 }).collect();
                Bound::Variance { a, b: 0.01 + draw() * 0.2 }
            })
            .collect();
        let (x, prices, cost) = optimum(&sizes, &bounds);
        for (bound, price) in bounds.iter().zip(&prices) {
            let Bound::Variance { b, .. } = bound else { panic!("{bound:?}") };
            assert!(bound.room(&x) >= -1e-9, "problem {problem}");
            assert!(*price >= 0.0);
            // λ (b − g) is a share of the cost that vanishes.
            assert!(price * b * bound.room(&x) <= 1e-8 * cost.max(1e-6), "problem {problem}");
        }
        for j in 0..n {
            let pull: f64 = bounds
                .iter()
                .zip(&prices)
                .map(|(bound, price)| match bound {
                    Bound::Variance { a, .. } => price * a[j] / (x[j] * x[j]),
                    Bound::Number { h, .. } => price * h[j],
                })
                .sum();
            if x[j] > 1e-3 {
                close(pull, sizes[j].cost, 1e-4);
            }
        }
    }
}

#[test]
fn a_number_is_reached_where_it_is_cheapest() {
    let mut sizes = [size(1.0), size(1.0)];
    sizes[0].most = 30.0;
    let bounds = [Bound::Number { h: vec![2.0, 1.0], b: 100.0 }];
    let (x, prices, cost) = optimum(&sizes, &bounds);
    close(x[0], 30.0, 1e-6);
    close(x[1], 40.0, 1e-6);
    close(cost, 70.0, 1e-8);
    close(prices[0], 1.0, 1e-6);
}

#[test]
fn a_budget_buys_the_best_for_the_worst() {
    // One target: θ scales as 1 / budget.
    let sizes = [size(1.0), size(4.0)];
    let bounds = [Bound::Variance { a: vec![1.0, 2.0], b: 0.1 }];
    let (_, _, cost) = optimum(&sizes, &bounds);
    let (theta, outcome) = best_for(&sizes, &bounds, cost * 2.0).expect("enough");
    close(theta, 0.5, 1e-6);
    let Outcome::Optimal { cost: spent, .. } = outcome else { panic!("{outcome:?}") };
    close(spent, cost * 2.0, 1e-6);
    let dear = [Size { least: 10.0, ..size(1.0) }];
    assert_eq!(best_for(&dear, &[Bound::Variance { a: vec![1.0], b: 1.0 }], 5.0), None);
}

/// A total's relative variance in a stratified sample, as a target of at most `limit`:
/// Σ (N S)²/n ≤ limit · T² + Σ N S².
fn relative(sizes: &[f64; 5], mean: &[f64; 5], sd: &[f64; 5], limit: f64) -> Bound {
    let total: f64 = sizes.iter().zip(mean).map(|(n, m)| n * m).sum();
    let of = |h: usize| sizes[h] * sd[h];
    let a = (0..5).map(|h| of(h) * of(h) / (total * total)).collect();
    let census: f64 = (0..5).map(|h| of(h) * sd[h]).sum();
    Bound::Variance { a, b: limit + census / (total * total) }
}

/// Valliant, Dever and Kreuter (2018), *Practical Tools for Designing and Weighting Survey Samples*, 2nd ed.,
/// Example 5.2 (pages 133–140): five sectors of establishments, four outcomes. Table 5.4 (page 162)
/// has the sizes that SAS `proc nlp` and R `nloptr` find for the least relative variance of revenue, 0.0021705237, at
/// a cost of 300,000; here that variance is a target, and the cost is what comes out.
#[test]
fn a_textbook_case() {
    let count = [6221.0, 11738.0, 4333.0, 22809.0, 5467.0];
    let sizes: Vec<Size> = [120.0, 80.0, 80.0, 90.0, 150.0]
        .iter()
        .zip(count)
        .map(|(&cost, most)| Size { cost, least: 100.0, most, part_of: None })
        .collect();
    let share = |p: [f64; 5]| {
        let sd = |h: usize| (p[h] * (1.0 - p[h]) * count[h] / (count[h] - 1.0)).sqrt();
        (p, [sd(0), sd(1), sd(2), sd(3), sd(4)])
    };
    let (research, research_sd) = share([0.8, 0.2, 0.5, 0.3, 0.9]);
    let (offshore, offshore_sd) = share([0.06, 0.03, 0.03, 0.21, 0.77]);
    let revenue = [85.0, 11.0, 23.0, 17.0, 126.0];
    let employees = [511.0, 21.0, 70.0, 32.0, 157.0];
    let bounds = [
        relative(&count, &revenue, &[170.0, 8.8, 23.0, 25.5, 315.0], 0.002_170_523_7),
        relative(&count, &employees, &[255.5, 5.25, 35.0, 32.0, 471.0], 0.05 * 0.05),
        relative(&count, &research, &research_sd, 0.03 * 0.03),
        relative(&count, &offshore, &offshore_sd, 0.03 * 0.03),
    ];
    let (n, prices, cost) = optimum(&sizes, &bounds);
    let whole: Vec<f64> = n.iter().map(|n| n.round()).collect();
    assert_eq!(whole, [413.0, 318.0, 124.0, 1397.0, 596.0]);
    close(cost, 300_000.0, 1e-6);
    // Revenue and offshore affiliates bind, the others have room.
    assert!(prices[0] > 0.0 && prices[3] > 0.0);
    // The relative variance of employees is that of the printed sizes: 0.0239².
    close((0.0025 - bounds[1].limit() * bounds[1].room(&n)).sqrt(), 0.0239, 2e-3);
    // Without revenue: SLSQP of SciPy 1.17 on the logarithms of the sizes, from ten starting points.
    let (n, _, cost) = optimum(&sizes, &bounds[1..]);
    for (found, expected) in
        n.iter().zip([227.789884, 378.098095, 139.582435, 1653.895668, 317.28011])
    {
        close(*found, expected, 1e-5);
    }
    close(cost, 265_191.855, 1e-7);
}

/// A part that is as large as its whole, a number to be reached and two variances, solved by
/// SLSQP of SciPy 1.17 from twenty starting points.
#[test]
fn as_another_solver_finds() {
    let cost = [10.0, 0.5, 4.0, 7.0];
    let sizes: Vec<Size> = (0..4)
        .map(|j| {
            let part_of = (j == 1).then_some(0);
            Size { cost: cost[j], least: 1.0, most: 1000.0, part_of }
        })
        .collect();
    let bounds = [
        Bound::Variance { a: vec![3.0, 1.0, 2.0, 0.0], b: 0.05 },
        Bound::Variance { a: vec![0.0, 2.0, 1.0, 5.0], b: 0.08 },
        Bound::Number { h: vec![0.0, 1.0, 0.5, 2.0], b: 600.0 },
    ];
    let (x, _, cost) = optimum(&sizes, &bounds);
    for (found, expected) in x.iter().zip([112.071352, 112.071352, 139.77752, 209.019944]) {
        close(*found, expected, 1e-5);
    }
    close(cost, 3198.998886, 1e-8);
}

/// Five numbers to be reached by a general sample and a boost, whose interviews cost the same in its drawn
/// areas (the parts) and in those taken with certainty: many solutions of the same cost, and many bounds that hold
/// at once. The general sample is dear, so that it stays at its least; the boost is as large as the group needs
/// that has least from the certainty areas; the rest costs 90 each wherever it is found.
#[test]
fn many_bounds_at_once() {
    let general = [418.671_454_157_033_5, 419.591_1, 414.364_5, 408.315_3, 414.293_6];
    let drawn = [127.491_4, 162.889_1, 179.669, 179.219_9, 174.769_7];
    let certain = [227.599, 303.386_8, 317.871_7, 308.048_2, 346.334_9];
    let wanted = [821.389, 821.413_9, 822.646_5, 824.258_1, 824.714_2];
    let most = [1.0 / 0.7, 1.0 / 0.9, 1.0, 1.0, 1.0];
    let free = |cost: f64, least: f64, most: f64| Size { cost, least, most, part_of: None };
    let mut sizes = vec![free(5_050_083.0, 0.5, 1.94), free(280_304.6, 0.0, 4.0)];
    sizes.extend(drawn.map(|h| Size { part_of: Some(1), ..free(90.0 * h, 0.0, 4.0) }));
    sizes.extend((0..5).map(|g| free(90.0 * certain[g], 0.0, most[g])));
    let bounds: Vec<Bound> = (0..5)
        .map(|g| {
            let mut h = vec![0.0; 12];
            (h[0], h[2 + g], h[7 + g]) = (general[g], drawn[g], certain[g]);
            Bound::Number { h, b: wanted[g] }
        })
        .collect();
    let (x, _, cost) = optimum(&sizes, &bounds);
    let left = |g: usize| wanted[g] - 0.5 * general[g];
    let boost = (0..5).map(|g| (left(g) - most[g] * certain[g]) / drawn[g]).fold(0.0, f64::max);
    close(x[0], 0.5, 1e-6);
    close(x[1], boost, 1e-6);
    let all: f64 = (0..5).map(left).sum();
    close(cost, 0.5 * 5_050_083.0 + boost * 280_304.6 + 90.0 * all, 1e-6);
}
