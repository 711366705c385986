//! Weighting steps against their definitions, and the linearised variance of any chain of them
//! against numerical derivatives: the value of a PSU is how fast the estimate moves with the base
//! weights of its rows, when every step is carried out again.

use std::sync::Arc;

use rakewell::aggregate::{XColumns, XTerm};
use rakewell::data::{Codes, Numbers};
use rakewell::estimate::Analysis;
use rakewell::weight::{
    Bounds, CalibrationOptions, ClassAdjustment, CollapseRules, Distance, Groups, Ledger, Limit,
    PropensityAdjustment, PropensityUse, Rate, Reason, Redistribution, ScaleTo, Scaling, Trimming,
    WeightError,
};

use super::sample::{Sample, calibrate, close, margin, total, totals};
use super::variance::{clustered, value, ys};

fn sample() -> Sample {
    clustered(&[vec![5, 4, 6, 5], vec![4, 7, 5], vec![6, 5, 4, 5]], 11)
}

fn responses(rows: usize) -> Arc<Vec<bool>> {
    Arc::new((0..rows).map(|i| value(5, i) < 24.0).collect())
}

fn groups(rows: usize, levels: usize) -> Groups {
    let codes: Vec<u32> = (0..rows).map(|i| (i % levels) as u32).collect();
    Groups {
        codes: Arc::new(Codes::pack(&codes, levels)),
        names: (0..levels).map(|l| format!("class {l}")).collect(),
        levels: (0..levels as u32).map(|l| vec![l]).collect(),
    }
}

fn classes(ledger: &Ledger, rate: Rate) -> ClassAdjustment {
    let rows = ledger.weights().len();
    ClassAdjustment::new(
        Reason::Nonresponse,
        ledger.weights(),
        &groups(rows, 3),
        "class",
        Arc::new(vec![true; rows]),
        responses(rows),
        None,
        rate,
        &CollapseRules::default(),
    )
    .unwrap()
}

fn propensity(rows: usize, rate: Rate, using: PropensityUse) -> PropensityAdjustment {
    let x = (0..rows).map(|i| value(21, i)).collect();
    let codes: Vec<u32> = (0..rows).map(|i| (i % 2) as u32).collect();
    PropensityAdjustment {
        x: XColumns {
            terms: vec![
                XTerm { codes: None, values: None, width: 1 },
                XTerm { codes: None, values: Some(Arc::new(Numbers::F64(x))), width: 1 },
                // Its columns add up to the intercept: one of them depends on the others.
                XTerm { codes: Some(Arc::new(Codes::pack(&codes, 2))), values: None, width: 2 },
            ],
        },
        names: vec!["x".to_string(), "half".to_string()],
        eligible: Arc::new(vec![true; rows]),
        responded: responses(rows),
        rate,
        using,
        rules: CollapseRules::default(),
    }
}

/// Σ_h n/(n − 1) Σ (z − z̄)² with z the numerical derivative of the total of y by the base weights of
/// a PSU, all steps repeated.
pub fn derivative_variance(analysis: &Analysis, s: &Sample, y: &[f64]) -> f64 {
    let base = &analysis.ledger.steps()[0].weights;
    let at = |psu: f64, share: f64| -> f64 {
        let cluster = s.clusters[0].iter();
        let scaled: Vec<f64> = base
            .iter()
            .zip(cluster)
            .map(|(w, c)| if *c == psu { w * (1.0 + share) } else { *w })
            .collect();
        let weights = analysis.ledger.replay(&scaled).unwrap();
        weights.iter().zip(y).map(|(w, y)| w * y).sum()
    };
    let mut psus: Vec<(f64, f64)> =
        s.strata[0].iter().copied().zip(s.clusters[0].iter().copied()).collect();
    psus.dedup();
    let h = 1e-4;
    let z: Vec<(f64, f64)> = psus
        .iter()
        .map(|&(stratum, psu)| (stratum, (at(psu, h) - at(psu, -h)) / (2.0 * h)))
        .collect();
    let mut strata: Vec<f64> = psus.iter().map(|p| p.0).collect();
    strata.dedup();
    strata
        .iter()
        .map(|stratum| {
            let own: Vec<f64> = z.iter().filter(|z| z.0 == *stratum).map(|z| z.1).collect();
            let n = own.len() as f64;
            let mean = own.iter().sum::<f64>() / n;
            n / (n - 1.0) * own.iter().map(|z| (z - mean) * (z - mean)).sum::<f64>()
        })
        .sum()
}

#[track_caller]
fn agrees_with_derivatives(steps: impl FnOnce(&mut Ledger)) {
    let s = sample();
    let done = s.weighted(steps);
    let y = ys(3, s.weight.len());
    close(total(&done, &y).1, derivative_variance(&done, &s, &y), 1e-6, 0.0);
}

#[test]
fn variances_are_those_of_numerical_derivatives() {
    let rows = sample().weight.len();
    agrees_with_derivatives(|l| {
        let step = classes(l, Rate::Weighted);
        l.adjust_in_classes(step).unwrap();
    });
    agrees_with_derivatives(|l| {
        l.adjust_by_propensity(propensity(rows, Rate::Weighted, PropensityUse::Direct)).unwrap();
    });
    agrees_with_derivatives(|l| {
        l.scale(Scaling { groups: groups(rows, 4), to: ScaleTo::Total(500.0) }).unwrap();
    });
}

/// With equal base weights counting rows and adding weights is the same, in the variance too.
#[test]
fn unweighted_rates_are_weighted_ones_of_equal_weights() {
    let mut s = sample();
    s.weight.iter_mut().for_each(|w| *w = 12.0);
    let rows = s.weight.len();
    let y = ys(3, rows);
    let both = |steps: &dyn Fn(&mut Ledger, Rate)| {
        let [a, b] = [Rate::Weighted, Rate::Unweighted]
            .map(|rate| total(&s.weighted(|l| steps(l, rate)), &y));
        close(a.0, b.0, 1e-9, 0.0);
        close(a.1, b.1, 1e-9, 0.0);
    };
    both(&|l, rate| {
        let step = classes(l, rate);
        l.adjust_in_classes(step).unwrap();
    });
    both(&|l, rate| {
        l.adjust_by_propensity(propensity(rows, rate, PropensityUse::Direct)).unwrap();
    });
}

#[test]
fn so_are_those_of_chains() {
    let rows = sample().weight.len();
    let half: Vec<u32> = (0..rows).map(|i| u32::from(value(8, i) > 20.0)).collect();
    let x = ys(9, rows);
    let linear = CalibrationOptions::new(Distance::Linear(None));
    let wanted = totals(&[margin("half", &half, &[400.0, 700.0])], &[(&x, 23_000.0)]);
    // Factors far from one: a step must know in which proportion later ones carried its weights on.
    agrees_with_derivatives(|l| {
        let step = classes(l, Rate::Weighted);
        l.adjust_in_classes(step).unwrap();
        calibrate(l, &wanted, &linear);
    });
    agrees_with_derivatives(|l| {
        l.adjust_by_propensity(propensity(rows, Rate::Weighted, PropensityUse::Direct)).unwrap();
        calibrate(l, &wanted, &linear);
        l.scale(Scaling { groups: groups(rows, 4), to: ScaleTo::Total(500.0) }).unwrap();
    });
    agrees_with_derivatives(|l| {
        l.post_stratify(margin("half", &half, &[300.0, 900.0])).unwrap();
        calibrate(l, &wanted, &linear);
    });
}

#[test]
fn classes_keep_their_totals_and_the_variance_knows_the_responses() {
    let s = sample();
    let rows = s.weight.len();
    let done = s.weighted(|l| {
        let step = classes(l, Rate::Weighted);
        l.adjust_in_classes(step).unwrap();
    });
    let responded = responses(rows);
    for class in 0..3 {
        let own = |w: &[f64]| -> f64 { (0..rows).filter(|i| i % 3 == class).map(|i| w[i]).sum() };
        close(own(done.ledger.weights()), own(&s.weight), 1e-12, 0.0);
    }
    for (w, r) in done.ledger.weights().iter().zip(responded.iter()) {
        assert_eq!(*w == 0.0, !r);
    }
    // A value that is constant within classes has the variance of the whole sample.
    let constant: Vec<f64> = (0..rows).map(|i| [2.0, -1.0, 7.0][i % 3]).collect();
    close(total(&done, &constant).1, total(&s.analysis(), &constant).1, 1e-10, 0.0);
}

#[test]
fn unknown_eligibility_leaves_ineligible_units_out() {
    let s = sample();
    let rows = s.weight.len();
    let known: Arc<Vec<bool>> = Arc::new((0..rows).map(|i| i % 4 != 0).collect());
    let eligible: Arc<Vec<bool>> = Arc::new((0..rows).map(|i| i % 4 == 1).collect());
    let done = s.weighted(|l| {
        let step = ClassAdjustment::new(
            Reason::UnknownEligibility,
            l.weights(),
            &Groups::everyone(rows),
            "",
            Arc::new(vec![true; rows]),
            known.clone(),
            Some(eligible.clone()),
            Rate::Weighted,
            &CollapseRules::default(),
        );
        l.adjust_in_classes(step.unwrap()).unwrap();
    });
    let sum = |keep: &dyn Fn(usize) -> bool| -> f64 {
        (0..rows).filter(|&i| keep(i)).map(|i| s.weight[i]).sum()
    };
    let factor = sum(&|_| true) / sum(&|i| known[i]);
    for (i, w) in done.ledger.weights().iter().enumerate() {
        close(*w, if eligible[i] { s.weight[i] * factor } else { 0.0 }, 1e-12, 0.0);
    }
    let y = ys(3, rows);
    close(total(&done, &y).1, derivative_variance(&done, &s, &y), 1e-6, 0.0);
}

#[test]
fn small_classes_are_joined_with_those_that_share_their_first_variables() {
    let weights = vec![1.0; 40];
    // Four cells of two variables; the last has two respondents only.
    let codes: Vec<u32> = (0..40).map(|i| i / 10).collect();
    let cells = Groups {
        codes: Arc::new(Codes::pack(&codes, 4)),
        names: ["a × x", "a × y", "b × x", "b × y"].map(String::from).to_vec(),
        levels: vec![vec![0, 0], vec![0, 1], vec![1, 0], vec![1, 1]],
    };
    let responded: Vec<bool> = (0..40).map(|i| if i < 30 { i % 2 == 0 } else { i < 32 }).collect();
    let with = |rules: &CollapseRules| {
        ClassAdjustment::new(
            Reason::Nonresponse,
            &weights,
            &cells,
            "a × b",
            Arc::new(vec![true; 40]),
            Arc::new(responded.clone()),
            None,
            Rate::Weighted,
            rules,
        )
    };
    let factors = |rules: &CollapseRules| {
        let mut ledger = Ledger::new(Arc::new(weights.clone()), "one");
        ledger.adjust_in_classes(with(rules).unwrap()).unwrap();
        [0, 10, 20, 30].map(|row| ledger.weights()[row])
    };
    let rules = CollapseRules::default();
    assert_eq!(factors(&rules), [2.0, 2.0, 2.0, 5.0]);
    let joined = [2.0, 2.0, 20.0 / 7.0, 20.0 / 7.0];
    assert_eq!(factors(&CollapseRules { min_count: 3, ..rules }), joined);
    assert_eq!(factors(&CollapseRules { max_factor: 4.0, ..rules }), joined);
    let never = with(&CollapseRules { min_count: 18, ..rules });
    assert!(matches!(never, Err(WeightError::Classes { observed: 17, n: 40 })));
}

#[test]
fn propensities_are_those_of_saturated_models_and_a_class_without_response_is_an_error() {
    let rows = 60;
    let base = Arc::new((0..rows).map(|i| 1.0 + (i % 7) as f64).collect::<Vec<f64>>());
    let codes: Vec<u32> = (0..rows as u32).map(|i| i % 3).collect();
    let adjust = |responded: Vec<bool>, using: PropensityUse| {
        let mut ledger = Ledger::new(base.clone(), "base");
        let step = PropensityAdjustment {
            x: XColumns {
                terms: vec![XTerm {
                    codes: Some(Arc::new(Codes::pack(&codes, 3))),
                    values: None,
                    width: 3,
                }],
            },
            names: vec!["class".to_string()],
            eligible: Arc::new(vec![true; rows]),
            responded: Arc::new(responded),
            rate: Rate::Weighted,
            using,
            rules: CollapseRules::default(),
        };
        ledger.adjust_by_propensity(step).map(|()| ledger.weights().to_vec())
    };
    let some: Vec<bool> = (0..rows).map(|i| value(4, i) < 21.0).collect();
    let direct = adjust(some.clone(), PropensityUse::Direct).unwrap();
    // A model with one parameter per class is the adjustment in classes.
    for class in 0..3 {
        let own = |keep: &dyn Fn(usize) -> bool| -> f64 {
            (0..rows).filter(|&i| i % 3 == class && keep(i)).map(|i| base[i]).sum()
        };
        let factor = own(&|_| true) / own(&|i| some[i]);
        for i in (0..rows).filter(|i| i % 3 == class) {
            close(direct[i], if some[i] { base[i] * factor } else { 0.0 }, 1e-9, 0.0);
        }
    }
    // So are its classes.
    let cut = adjust(some, PropensityUse::Quantiles(3)).unwrap();
    direct.iter().zip(&cut).for_each(|(a, b)| close(*a, *b, 1e-9, 0.0));
    let all_of_one: Vec<bool> = (0..rows).map(|i| i % 3 == 0 || i % 2 == 0).collect();
    let kept = adjust(all_of_one, PropensityUse::Direct).unwrap();
    (0..rows).step_by(3).for_each(|i| close(kept[i], base[i], 1e-6, 0.0));
    let none_of_one: Vec<bool> = (0..rows).map(|i| i % 3 != 0 && i % 2 == 0).collect();
    let refused = adjust(none_of_one, PropensityUse::Direct);
    assert!(matches!(refused, Err(WeightError::ResponseModel(_))), "{refused:?}");
}

#[test]
fn trimming_keeps_sums_and_limits() {
    let weights: Vec<f64> = (0..50).map(|i| 1.0 + value(2, i) * f64::from(i as u32 % 10)).collect();
    let trimmed = |redistribution, strict| {
        let mut ledger = Ledger::new(Arc::new(weights.clone()), "base");
        let step = Trimming {
            groups: groups(50, 2),
            lower: None,
            upper: Some(Limit::MedianRatio(1.5)),
            redistribution,
            strict,
        };
        ledger.trim(step).unwrap();
        ledger.weights().to_vec()
    };
    for group in 0..2 {
        let mut own: Vec<f64> = (0..50).filter(|i| i % 2 == group).map(|i| weights[i]).collect();
        own.sort_by(f64::total_cmp);
        let limit = 1.5 * own[12];
        let of = |w: &[f64]| (0..50).filter(|i| i % 2 == group).map(|i| w[i]).collect::<Vec<_>>();
        let sum: f64 = own.iter().sum();
        for redistribution in [Redistribution::Equal, Redistribution::Proportional] {
            let strict = of(&trimmed(redistribution, true));
            close(strict.iter().sum(), sum, 1e-12, 0.0);
            assert!(strict.iter().all(|w| *w <= limit * (1.0 + 1e-12)));
            close(of(&trimmed(redistribution, false)).iter().sum(), sum, 1e-12, 0.0);
        }
        let lost = of(&trimmed(Redistribution::None, false));
        let expected: f64 = own.iter().map(|w| w.min(limit)).sum();
        close(lost.iter().sum(), expected, 1e-12, 0.0);
    }
}

#[test]
fn limits_that_leave_no_room_are_refused() {
    let mut ledger = Ledger::new(Arc::new(vec![10.0, 20.0, 30.0]), "base");
    let step = |lower, upper| Trimming {
        groups: Groups::everyone(3),
        lower,
        upper,
        redistribution: Redistribution::Equal,
        strict: true,
    };
    for (lower, upper) in [
        (Some(Limit::Value(25.0)), Some(Limit::Value(20.0))),
        (None, Some(Limit::Value(15.0))),
        (Some(Limit::Value(21.0)), None),
    ] {
        let refused = ledger.trim(step(lower, upper));
        assert!(matches!(refused, Err(WeightError::Trim(_))), "{refused:?}");
    }
    assert_eq!(ledger.steps().len(), 1);
}

#[test]
fn scaling_gives_means_of_one_within_groups() {
    let s = sample();
    let rows = s.weight.len();
    let done = s.weighted(|l| {
        l.scale(Scaling { groups: groups(rows, 3), to: ScaleTo::SampleSize }).unwrap();
    });
    for group in 0..3 {
        let own: Vec<f64> =
            (0..rows).filter(|i| i % 3 == group).map(|i| done.ledger.weights()[i]).collect();
        close(own.iter().sum::<f64>(), own.len() as f64, 1e-12, 0.0);
    }
}

#[test]
fn weights_stay_within_their_own_bounds_and_meet_totals() {
    let s = sample();
    let rows = s.weight.len();
    let x = ys(9, rows);
    let base: f64 = s.weight.iter().zip(&x).map(|(w, x)| w * x).sum();
    let sum: f64 = s.weight.iter().sum();
    let low = s.weight.iter().fold(f64::INFINITY, |a, w| a.min(*w));
    let high = s.weight.iter().fold(0.0_f64, |a, w| a.max(*w));
    let bounds = Bounds { lower: low * 1.02, upper: high * 0.99 };
    let wanted = totals(&[margin("all", &vec![0; rows], &[sum * 1.01])], &[(&x, base * 1.02)]);
    for distance in [Distance::Linear(None), Distance::Raking(None), Distance::Sinh(None)] {
        let options =
            CalibrationOptions { weight_bounds: Some(bounds), ..CalibrationOptions::new(distance) };
        let done = s.weighted(|l| calibrate(l, &wanted, &options));
        let w = done.ledger.weights();
        assert!(w.iter().all(|w| *w >= bounds.lower - 1e-12 && *w <= bounds.upper + 1e-12));
        close(w.iter().sum(), sum * 1.01, 1e-9, 0.0);
        close(w.iter().zip(&x).map(|(w, x)| w * x).sum(), base * 1.02, 1e-9, 0.0);
    }
}

#[test]
fn averaged_columns_give_one_factor_per_household_and_keep_totals() {
    let s = sample();
    let rows = s.weight.len();
    let households: Vec<u32> = (0..rows as u32).map(|i| i / 3).collect();
    let codes = Codes::pack(&households, rows / 3 + 1);
    let half: Vec<u32> = (0..rows).map(|i| u32::from(value(8, i) > 20.0)).collect();
    let mut wanted = totals(&[margin("half", &half, &[480.0, 520.0])], &[]);
    let levels: Vec<f64> = (0..rows).map(|i| f64::from(1 - half[i])).collect();
    wanted.x = wanted.x.averaged(&codes, &s.weight);
    for distance in [Distance::Linear(None), Distance::Raking(None)] {
        let done = s.weighted(|l| calibrate(l, &wanted, &CalibrationOptions::new(distance)));
        let w = done.ledger.weights();
        let g: Vec<f64> = w.iter().zip(&s.weight).map(|(w, d)| w / d).collect();
        for (i, g_i) in g.iter().enumerate() {
            close(*g_i, g[i / 3 * 3], 1e-9, 0.0);
        }
        close(w.iter().zip(&levels).map(|(w, l)| w * l).sum(), 480.0, 1e-8, 0.0);
        close(w.iter().sum(), 1000.0, 1e-8, 0.0);
    }
}
