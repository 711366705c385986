//! What each policy for strata with one unit does, number by number.

use rakewell::design::{DesignError, LonelyPsu};
use rakewell::estimate::{Analysis, Quantity};
use rakewell::weight::{CalibrationOptions, Distance};

use crate::sample::{Sample, calibrate, close, domains, margin, numbers, overall, total, totals};
use crate::variance::{clustered, is_covariance, ys};

/// Strata of 2, 1 and 3 PSUs, one row each, weight 1.
fn one_stage(lonely: LonelyPsu) -> Sample {
    Sample {
        strata: vec![vec![1., 1., 2., 3., 3., 3.]],
        weight: vec![1.0; 6],
        lonely,
        ..Sample::default()
    }
}

const Y: [f64; 6] = [3.0, 5.0, 9.0, 2.0, 6.0, 7.0];
/// 2/1 Σ(y − ȳ)² in stratum 1 (4) and 3/2 Σ(y − ȳ)² in stratum 3 (21).
const OTHERS: f64 = 2.0 * 2.0 + 1.5 * 14.0;

fn variance_of(s: &Sample, y: &[f64]) -> f64 {
    total(&s.analysis(), y).1
}

#[test]
fn policies_at_the_first_stage() {
    let v = |policy| variance_of(&one_stage(policy), &Y);
    assert_eq!(v(LonelyPsu::Certainty), OTHERS);
    assert_eq!(v(LonelyPsu::Remove), OTHERS);
    close(v(LonelyPsu::Average), OTHERS * 3.0 / 2.0, 1e-14, 0.0);
    // The mean of all PSU totals is 32/6.
    close(v(LonelyPsu::Center), OTHERS + (9.0_f64 - 32.0 / 6.0).powi(2), 1e-14, 0.0);
    // Joined with stratum 1: 3/2 Σ(y − 17/3)².
    let joined: f64 = [3.0, 5.0, 9.0].iter().map(|y| (y - 17.0 / 3.0_f64).powi(2)).sum();
    close(v(LonelyPsu::Collapse), 1.5 * joined + 21.0, 1e-14, 0.0);
    let Err(DesignError::LonelyPsu { stage: 1, count: 1, strata }) =
        one_stage(LonelyPsu::Error).try_design()
    else {
        panic!("a lonely PSU must be an error by default")
    };
    assert_eq!(strata, "2");
}

/// Collapsing takes a degree of freedom less than it has strata more.
#[test]
fn degrees_of_freedom_follow_the_collapse() {
    assert_eq!(one_stage(LonelyPsu::Collapse).design().df(), 4.0);
    assert_eq!(one_stage(LonelyPsu::Center).design().df(), 3.0);
}

#[test]
fn a_census_of_one_is_not_lonely() {
    let s = Sample { fpc: vec![vec![9., 9., 1., 8., 8., 8.]], ..one_stage(LonelyPsu::Error) };
    let expected = 4.0 * (1.0 - 2.0 / 9.0) + 21.0 * (1.0 - 3.0 / 8.0);
    close(variance_of(&s, &Y), expected, 1e-14, 0.0);
    // Nor does it fill in for others: it is a stratum that adds nothing.
    let s =
        Sample { fpc: vec![vec![9., 9., 5., 1.0 + 2.0, 3., 3.]], ..one_stage(LonelyPsu::Average) };
    close(variance_of(&s, &Y), 4.0 * (1.0 - 2.0 / 9.0) * 3.0 / 2.0, 1e-14, 0.0);
}

/// Two PSUs of ten, the second with one SSU of five; weights 1, so that PSU totals are 12 and 9.
fn two_stage(lonely: LonelyPsu) -> Sample {
    Sample {
        clusters: vec![vec![1., 1., 1., 2.], vec![1., 2., 3., 4.]],
        fpc: vec![vec![10.0; 4], vec![6., 6., 6., 5.]],
        weight: vec![1.0; 4],
        lonely,
        ..Sample::default()
    }
}

#[test]
fn policies_at_the_second_stage() {
    let y = [3.0, 5.0, 4.0, 9.0];
    // (1 − 2/10) · 2/1 · Σ(z − 10.5)², and 2/10 · (1 − 3/6) · 3/2 · Σ(y − 4)².
    let (first, second) = (0.8 * 2.0 * 4.5, 0.2 * 0.5 * 1.5 * 2.0);
    let v = |policy| variance_of(&two_stage(policy), &y);
    close(v(LonelyPsu::Certainty), first + second, 1e-14, 0.0);
    close(v(LonelyPsu::Average), first + 2.0 * second, 1e-14, 0.0);
    // The lonely SSU is held against all SSUs (mean 21/4), not against itself.
    let own = 0.2 * (1.0 - 1.0 / 5.0) * (9.0_f64 - 21.0 / 4.0).powi(2);
    close(v(LonelyPsu::Center), first + second + own, 1e-14, 0.0);
    // No stratum beside it in its PSU.
    assert!(matches!(
        two_stage(LonelyPsu::Collapse).try_design(),
        Err(DesignError::NothingToCollapse { stage: 2, .. })
    ));
    assert!(matches!(
        two_stage(LonelyPsu::Error).try_design(),
        Err(DesignError::LonelyPsu { stage: 2, count: 1, .. })
    ));
}

#[test]
fn collapse_at_the_second_stage_stays_within_the_psu() {
    // PSU 1 has second-stage strata of 2 and 2, PSU 2 of 1 and 2.
    let s = Sample {
        strata: vec![vec![1.0; 7], vec![1., 1., 2., 2., 1., 2., 2.]],
        clusters: vec![vec![1., 1., 1., 1., 2., 2., 2.], (1..=7).map(f64::from).collect()],
        fpc: vec![vec![10.0; 7], vec![4., 4., 5., 5., 3., 6., 6.]],
        weight: vec![1.0; 7],
        lonely: LonelyPsu::Collapse,
        ..Sample::default()
    };
    let y = [1.0, 3.0, 2.0, 6.0, 4.0, 5.0, 9.0];
    // 2/1 Σ(y − ȳ)² is 4 and 16; joined, 3/2 Σ(y − 6)² = 21, 3 of 3 + 6.
    let second = 0.2 * (0.5 * 4.0 + 0.6 * 16.0 + (1.0 - 3.0 / 9.0) * 21.0);
    // PSU totals 12 and 18: Σ(z − 15)² = 18.
    let between = 0.8 * 2.0 * 18.0;
    close(variance_of(&s, &y), between + second, 1e-14, 0.0);
}

/// A stratum with several PSUs of which the domain has one, when that is asked to count as lonely.
#[test]
fn lonely_in_the_domain() {
    let of = domains(&[0, 1, 1, 0, 0, 0], 2);
    let v = |lonely, in_domain| {
        let s = Sample {
            strata: vec![vec![1., 1., 2., 2., 3., 3.]],
            weight: vec![1.0; 6],
            lonely,
            lonely_in_domain: in_domain,
            ..Sample::default()
        };
        s.analysis().estimate(&[Quantity::Total(&numbers(&Y))], &of, false).variances[0]
    };
    // Padded with zeros: 2/1 · Σ(z − z̄)² = z² for one of two; stratum 3 has 6 and 7.
    let (first, second, third) = (9.0, 4.0, 2.0 * 0.5);
    close(v(LonelyPsu::Center, false), first + second + third, 1e-14, 0.0);
    close(v(LonelyPsu::Average, false), first + second + third, 1e-14, 0.0);
    // Held against the mean of all PSU totals in the domain, 18/6, with n/(n − 1) = 2.
    close(v(LonelyPsu::Center, true), 2.0 * (0.0 + 1.0) + third, 1e-14, 0.0);
    // One of three strata has an estimate.
    close(v(LonelyPsu::Average, true), 3.0 * third, 1e-14, 0.0);
    // The other policies speak of strata of the design only.
    close(v(LonelyPsu::Certainty, true), first + second + third, 1e-14, 0.0);
}

/// A PSU whose rows in the domain all lack the outcome is not in the domain of that outcome.
#[test]
fn a_psu_without_the_outcome_is_not_in_the_domain() {
    let s = Sample {
        strata: vec![vec![1., 1., 2., 2., 2.]],
        weight: vec![1.0; 5],
        lonely: LonelyPsu::Average,
        lonely_in_domain: true,
        ..Sample::default()
    };
    let y = numbers(&[3.0, f64::NAN, 2.0, 6.0, 7.0]);
    let raw = overall(&s.analysis(), &[Quantity::Total(&y)]);
    close(raw.variances[0], 2.0 * 21.0, 1e-14, 0.0);
}

#[test]
fn policies_after_calibration() {
    let shape = [vec![2, 2], vec![3], vec![1, 2, 2]];
    for policy in [LonelyPsu::Center, LonelyPsu::Average, LonelyPsu::Certainty, LonelyPsu::Collapse]
    {
        let s = Sample { lonely: policy, ..clustered(&shape, 4) };
        let group: Vec<u32> = (0..12).map(|i| (i % 3) as u32).collect();
        let x = ys(11, 12);
        let wanted = totals(&[margin("group", &group, &[9.0, 11.0, 8.0])], &[(&x, 520.0)]);
        let done: Analysis = s.weighted(|ledger| {
            calibrate(ledger, &wanted, &CalibrationOptions::new(Distance::Linear(None)));
        });
        // What is calibrated does not vary, lonely stratum or not.
        let (found, v) = total(&done, &x);
        close(found, 520.0, 1e-12, 0.0);
        assert!(v < 1e-18 * 520.0 * 520.0, "{policy:?}: {v}");
        let (y, z) = (numbers(&ys(4, 12)), numbers(&x));
        let of = domains(&[0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1], 2);
        let quantities = [Quantity::Mean(&y), Quantity::Ratio(&y, &z)];
        let raw = done.estimate(&quantities, &of, true);
        assert!(raw.variances.iter().all(|v| *v > 0.0), "{policy:?}");
        is_covariance(&raw);
    }
}
