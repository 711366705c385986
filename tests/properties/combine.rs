//! Samples that overlap, combined: every pair of samples from a tiny population drawn, the equations
//! of the estimators, and shares against all others.

use std::sync::Arc;

use rakewell::data::{Codes, Numbers};
use rakewell::design::UnitTree;
use rakewell::weight::{
    Combination, CombineError, CombineMethod, Frames, Groups, Ledger, Shares, Start, WeightError,
};

use super::sample::{Sample, close, margin, total};
use super::variance::{clustered, value, ys};
use super::weighting::derivative_variance;

fn names(count: usize) -> Vec<String> {
    ["general", "boost", "list"].iter().take(count).map(ToString::to_string).collect()
}

fn codes(list: &[u32], count: usize) -> Arc<Codes> {
    Arc::new(Codes::pack(list, count))
}

fn column(values: impl Iterator<Item = f64>) -> Arc<Numbers> {
    Arc::new(Numbers::F64(values.collect()))
}

/// Which of two overlapping frames hold each of six units.
const FRAMES: [(bool, bool); 6] =
    [(true, false), (true, false), (true, true), (true, true), (false, true), (false, true)];

/// All samples of three of the four units of a frame.
fn draws(of: impl Fn(usize) -> bool) -> Vec<Vec<usize>> {
    let units: Vec<usize> = (0..6).filter(|&i| of(i)).collect();
    units.iter().map(|left| units.iter().copied().filter(|u| u != left).collect()).collect()
}

/// The mean over all pairs of samples of the estimated total of y = 1, 2, 4, 8, 16, 32.
fn expectation(method: &CombineMethod, once: bool, start: Start) -> f64 {
    let (firsts, seconds) = (draws(|i| FRAMES[i].0), draws(|i| FRAMES[i].1));
    let mut sum = 0.0;
    for first in &firsts {
        for second in &seconds {
            let mut rows: Vec<(usize, u32)> = first.iter().map(|&u| (u, 0)).collect();
            let new = second.iter().filter(|u| !once || !first.contains(u));
            rows.extend(new.map(|&u| (u, 1)));
            let weights = match start {
                Start::One => vec![1.0; rows.len()],
                _ => vec![4.0 / 3.0; rows.len()],
            };
            let of = |frame: fn((bool, bool)) -> bool| {
                column(rows.iter().map(|r| if frame(FRAMES[r.0]) { 0.75 } else { 0.0 }))
            };
            let sample: Vec<u32> = rows.iter().map(|r| r.1).collect();
            let method = match method {
                CombineMethod::Composite { shares, .. } => CombineMethod::Composite {
                    groups: Groups::everyone(rows.len()),
                    shares: shares.clone(),
                },
                other => other.clone(),
            };
            let step = Combination::new(
                names(2),
                codes(&sample, 2),
                Frames::Probabilities(vec![of(|f| f.0), of(|f| f.1)]),
                method,
                start,
                &UnitTree::default(),
                &weights,
            )
            .unwrap();
            let mut ledger = Ledger::new(Arc::new(weights), "1/π");
            ledger.combine(step).unwrap();
            let y = |unit: usize| f64::from(1_u32 << unit);
            sum += rows.iter().zip(ledger.weights().iter()).map(|(r, w)| w * y(r.0)).sum::<f64>();
        }
    }
    sum / (firsts.len() * seconds.len()) as f64
}

#[test]
fn known_factors_are_unbiased_over_all_pairs_of_samples() {
    let composite = |shares| CombineMethod::Composite { groups: Groups::everyone(0), shares };
    for (method, once, start) in [
        (CombineMethod::TotalProbability, true, Start::OwnSample),
        (CombineMethod::TotalProbability, true, Start::One),
        (CombineMethod::SumOfProbabilities, false, Start::OwnSample),
        (CombineMethod::SumOfProbabilities, false, Start::One),
        (CombineMethod::Multiplicity, false, Start::OwnSample),
        (composite(Shares::Given(vec![0.3, 0.7])), false, Start::OwnSample),
        (composite(Shares::Given(vec![4.0, 1.0])), false, Start::OwnSample),
    ] {
        close(expectation(&method, once, start), 63.0, 1e-13, 0.0);
    }
}

/// Two samples with strata of their own, rows of each partly in both frames.
struct Two {
    sample: Sample,
    origin: Vec<u32>,
    frames: Frames,
}

fn two() -> Two {
    let sample = clustered(&[vec![5, 4, 6, 5], vec![4, 7, 5], vec![6, 5, 4, 5], vec![3, 4, 6]], 11);
    let rows = sample.weight.len();
    let origin: Vec<u32> = sample.strata[0].iter().map(|&h| if h < 2.0 { 0 } else { 1 }).collect();
    let is_in = |k: u32, seed: u32| {
        (0..rows).map(|i| origin[i] == k || value(seed, i) < 22.0).collect::<Vec<bool>>()
    };
    let frames = Frames::Membership(vec![Arc::new(is_in(0, 7)), Arc::new(is_in(1, 9))]);
    Two { sample, origin, frames }
}

impl Two {
    fn step(&self, method: CombineMethod) -> Combination {
        let design = self.sample.design();
        Combination::new(
            names(2),
            codes(&self.origin, 2),
            self.frames.clone(),
            method,
            Start::OwnSample,
            &design.tree,
            &design.weights,
        )
        .unwrap()
    }

    fn masks(&self) -> Vec<u32> {
        let Frames::Membership(columns) = &self.frames else { unreachable!() };
        let bit = |k: usize, i: usize| if columns[k][i] { 1 << k } else { 0 };
        (0..self.origin.len()).map(|i| bit(0, i) | bit(1, i)).collect()
    }

    /// Sizes of the frames, not quite those that the samples estimate.
    fn sizes(&self) -> [f64; 2] {
        let of = |mask: u32, k: u32| {
            self.sum(&self.sample.weight, mask, Some(k)) + self.sum(&self.sample.weight, 3, Some(k))
        };
        [1.04 * of(1, 0), 0.97 * of(2, 1)]
    }

    fn sum(&self, weights: &[f64], mask: u32, origin: Option<u32>) -> f64 {
        let masks = self.masks();
        (0..weights.len())
            .filter(|&i| masks[i] == mask && origin.is_none_or(|o| self.origin[i] == o))
            .map(|i| weights[i])
            .sum()
    }
}

/// Skinner and Rao (1996, eq. 9): the size of the common domain solves the quadratic, and the weights
/// of each frame add up to its size.
#[test]
fn pseudo_likelihood_meets_its_equations() {
    let two = two();
    let sizes = two.sizes();
    let shares = Shares::Given(vec![0.4, 0.6]);
    let done = two.sample.weighted(|l| {
        let method = CombineMethod::PseudoLikelihood { sizes, shares: shares.clone() };
        l.combine(two.step(method)).unwrap();
    });
    let (before, after) = (&two.sample.weight, done.ledger.weights());
    let x = two.sum(after, 3, None);
    close(two.sum(after, 1, None) + x, sizes[0], 1e-12, 0.0);
    close(two.sum(after, 2, None) + x, sizes[1], 1e-12, 0.0);
    let (theta, [a, b]) = (0.4, sizes);
    let (of_a, of_b) = (two.sum(before, 3, Some(0)), two.sum(before, 3, Some(1)));
    let square = theta / b + (1.0 - theta) / a;
    let linear = 1.0 + theta * of_a / b + (1.0 - theta) * of_b / a;
    let pooled = theta * of_a + (1.0 - theta) * of_b;
    assert!((square * x * x - linear * x + pooled).abs() < 1e-10 * pooled);
    assert!(x < a.min(b), "the smaller root");
    close(two.sum(after, 3, Some(0)) / x, theta * of_a / pooled, 1e-12, 0.0);
}

#[test]
fn the_variance_of_pseudo_likelihood_is_that_of_numerical_derivatives() {
    let two = two();
    let y = ys(3, two.sample.weight.len());
    let likelihood = |l: &mut Ledger| {
        let shares = Shares::Given(vec![0.4, 0.6]);
        let method = CombineMethod::PseudoLikelihood { sizes: two.sizes(), shares };
        l.combine(two.step(method)).unwrap();
    };
    let plain = two.sample.weighted(likelihood);
    close(total(&plain, &y).1, derivative_variance(&plain, &two.sample, &y), 1e-6, 0.0);
    let half: Vec<u32> = (0..y.len()).map(|i| (i % 2) as u32).collect();
    let raked = two.sample.weighted(|l| {
        likelihood(l);
        l.post_stratify(margin("half", &half, &[700.0, 600.0])).unwrap();
    });
    close(total(&raked, &y).1, derivative_variance(&raked, &two.sample, &y), 1e-6, 0.0);
}

/// Hartley's shares: no other shares give the total of the outcome a smaller variance.
#[test]
fn shares_of_smallest_variance_are_the_best() {
    let two = two();
    let y = ys(3, two.sample.weight.len());
    let variance = |shares: Shares| {
        let groups = Groups::everyone(y.len());
        let method = CombineMethod::Composite { groups, shares };
        let done = two.sample.weighted(|l| l.combine(two.step(method)).unwrap());
        total(&done, &y).1
    };
    let best = variance(Shares::MinimumVariance(column(y.iter().copied())));
    for i in 0..=20 {
        let share = f64::from(i) / 20.0;
        assert!(best <= variance(Shares::Given(vec![share, 1.0 - share])) * (1.0 + 1e-12));
    }
    assert!(variance(Shares::EffectiveSize) >= best);
}

/// Kish's effective sizes, by hand.
#[test]
fn shares_by_effective_size() {
    let weights = vec![2.0, 2.0, 1.0, 3.0, 5.0];
    let step = Combination::new(
        names(2),
        codes(&[0, 0, 1, 1, 0], 2),
        Frames::Membership(vec![
            Arc::new(vec![true; 5]),
            Arc::new(vec![true, true, true, true, false]),
        ]),
        CombineMethod::Composite { groups: Groups::everyone(5), shares: Shares::EffectiveSize },
        Start::OwnSample,
        &UnitTree::default(),
        &weights,
    )
    .unwrap();
    let mut ledger = Ledger::new(Arc::new(weights), "w");
    ledger.combine(step).unwrap();
    let (first, second) = (2.0, 16.0 / 10.0);
    let share = first / (first + second);
    let expected = [2.0 * share, 2.0 * share, 1.0 - share, 3.0 * (1.0 - share), 5.0];
    ledger.weights().iter().zip(expected).for_each(|(w, e)| close(*w, e, 1e-14, 0.0));
}

/// A row that its own sample could not have drawn has weight zero and is counted.
#[test]
fn rows_outside_their_frame() {
    let weights = vec![10.0, 10.0, 5.0, 5.0];
    let step = Combination::new(
        names(2),
        codes(&[0, 0, 1, 1], 2),
        Frames::Probabilities(vec![
            column([0.1, 0.1, 0.1, 0.1].into_iter()),
            column([0.0, 0.2, 0.2, 0.0].into_iter()),
        ]),
        CombineMethod::SumOfProbabilities,
        Start::OwnSample,
        &UnitTree::default(),
        &weights,
    )
    .unwrap();
    let mut ledger = Ledger::new(Arc::new(weights), "w");
    ledger.combine(step).unwrap();
    let expected = [10.0, 1.0 / 0.3, 1.0 / 0.3, 0.0];
    ledger.weights().iter().zip(expected).for_each(|(w, e)| close(*w, e, 1e-14, 0.0));
    let outcome = &ledger.steps()[1].summary.outcome;
    assert!(outcome.contains("1 row of boost"), "{outcome}");
}

#[test]
fn what_cannot_be_combined() {
    let make = |frames: Frames, method: CombineMethod, sample: [u32; 4]| {
        let weights = [1.0; 4];
        Combination::new(
            names(2),
            codes(&sample, 2),
            frames,
            method,
            Start::OwnSample,
            &UnitTree::default(),
            &weights,
        )
        .map(|_| ())
    };
    let known = |a: [f64; 4], b: [f64; 4]| {
        Frames::Probabilities(vec![column(a.into_iter()), column(b.into_iter())])
    };
    let fine = || known([0.1; 4], [0.2; 4]);
    let wrong = |found: Result<(), WeightError>| match found {
        Err(WeightError::Combine(error)) => error,
        other => panic!("{other:?}"),
    };
    let two = [0, 0, 1, 1];
    assert!(make(fine(), CombineMethod::TotalProbability, two).is_ok());
    let high = known([0.1, 1.2, 0.1, 0.1], [0.2; 4]);
    let error = wrong(make(high, CombineMethod::TotalProbability, two));
    assert!(matches!(error, CombineError::Probability { row: 2, count: 1, .. }), "{error}");
    let missing = known([0.1, 0.1, 0.1, f64::NAN], [0.2; 4]);
    assert!(
        wrong(make(missing, CombineMethod::TotalProbability, two)).to_string().contains("missing")
    );
    let apart = known([0.1, 0.1, 0.0, 0.0], [0.0, 0.0, 0.2, 0.2]);
    assert_eq!(wrong(make(apart, CombineMethod::TotalProbability, two)), CombineError::NoOverlap);
    let error = wrong(make(fine(), CombineMethod::TotalProbability, [0, 0, 0, 0]));
    assert!(matches!(error, CombineError::Empty { .. }), "{error}");
    let error = wrong(make(fine(), CombineMethod::TotalProbability, [0, 1, 7, 1]));
    assert!(matches!(error, CombineError::NoSample { row: 3, .. }), "{error}");
    let members = Frames::Membership(vec![Arc::new(vec![true; 4]), Arc::new(vec![true; 4])]);
    let error = wrong(make(members, CombineMethod::SumOfProbabilities, two));
    assert_eq!(error, CombineError::NeedsProbabilities);
    let sizes = |sizes| CombineMethod::PseudoLikelihood { sizes, shares: Shares::EffectiveSize };
    let error = wrong(make(fine(), sizes([10.0, 0.0]), two));
    assert!(matches!(error, CombineError::FrameSize { .. }), "{error}");
}
