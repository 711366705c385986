//! Replicates made from designs: what their factors reproduce, exactly or in expectation.

use std::sync::Arc;

use nalgebra::DMatrix;
use proptest::prelude::*;
use rakewell::design::{LonelyPsu, SurveyDesign};
use rakewell::estimate::{Analysis, Quantity};
use rakewell::replicate::{
    ReplicateError, ReplicatePlan, ReplicateWeights, Replicates, Resampling, Selection,
    VarianceForm, make,
};
use rakewell::weight::Ledger;

use crate::sample::{Sample, close, numbers, overall};
use crate::variance::{clustered, shapes, ys};

use Resampling::*;

fn plan(method: Resampling) -> ReplicatePlan {
    ReplicatePlan { seed: 7, ..ReplicatePlan::new(method) }
}

fn fay(rho: f64) -> ReplicatePlan {
    ReplicatePlan { rho: Some(rho), ..plan(Fay) }
}

/// The factor of each unit in each replicate.
fn factors(replicates: &Replicates) -> Vec<Vec<f64>> {
    let ReplicateWeights::Factors(factors) = &replicates.weights else {
        panic!("replicates that are made have factors")
    };
    (0..factors.count()).map(|r| factors.of(r)).collect()
}

/// The variance of a total by replicates, and by linearisation.
fn variances(s: &Sample, plan: &ReplicatePlan, y: &[f64]) -> (f64, f64) {
    let design = s.design();
    let made = make(&design, plan).unwrap();
    let ledger = Ledger::new(design.weights.clone(), "w");
    let y = numbers(y);
    let by = Analysis::with_replicates(design, ledger, made);
    let quantity = [Quantity::Total(&y)];
    (overall(&by, &quantity).variances[0], overall(&s.analysis(), &quantity).variances[0])
}

/// A stratified sample of rows, with population sizes or without.
fn stratified(sizes: &[usize], population: Option<&[f64]>) -> Sample {
    let stratum: Vec<f64> =
        sizes.iter().enumerate().flat_map(|(h, &n)| vec![h as f64; n]).collect();
    let rows = stratum.len();
    let fpc = population.map(|all| stratum.iter().map(|&h| all[h as usize]).collect());
    Sample {
        strata: vec![stratum],
        fpc: fpc.into_iter().collect(),
        weight: ys(5, rows).iter().map(|w| 1.0 + w).collect(),
        ..Sample::default()
    }
}

/// Two stages: PSUs of so many rows in two strata, population sizes at both stages.
fn two_stage() -> Sample {
    let mut s = clustered(&[vec![3, 2, 4, 3], vec![2, 4, 3]], 11);
    let rows = s.weight.len();
    let first = s.strata[0].iter().map(|h| if *h == 0.0 { 6.0 } else { 9.0 }).collect();
    s.clusters.push((0..rows).map(|r| r as f64).collect());
    s.fpc = vec![first, vec![7.0; rows]];
    s
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Methods without chance give the linearised variance of a total, to rounding.
    #[test]
    fn balanced_methods_are_exact((_, seed) in shapes(), strata in 1_usize..9, fpc in any::<bool>()) {
        let population: Vec<f64> = (0..strata).map(|h| 4.0 + h as f64).collect();
        let s = stratified(&vec![2; strata], fpc.then_some(&population));
        let y = ys(seed, 2 * strata);
        for plan in [plan(Brr), fay(0.3), plan(FayGeneralized), plan(Jkn), plan(Sdr)] {
            let (a, b) = variances(&s, &plan, &y);
            close(a, b, 1e-9, 0.0);
        }
        if strata > 1 {
            let (a, b) = variances(&s, &plan(Jk2), &y);
            close(a, b, 1e-9, 0.0);
        }
    }

    /// Fay (1989): with all stages and their population sizes.
    #[test]
    fn generalised_replication_is_exact((_, seed) in shapes()) {
        let s = two_stage();
        let (a, b) = variances(&s, &plan(FayGeneralized), &ys(seed, s.weight.len()));
        close(a, b, 1e-9, 0.0);
    }

    /// Judkins (1990): with ρ = 0 Fay's factors are those of half-samples.
    #[test]
    fn fay_without_rho_is_brr(strata in 1_usize..12) {
        let design = stratified(&vec![2; strata], None).design();
        let (a, b) = (make(&design, &fay(0.0)).unwrap(), make(&design, &plan(Brr)).unwrap());
        prop_assert_eq!(factors(&a), factors(&b));
        prop_assert_eq!((a.scale, a.rscales), (b.scale, b.rscales));
    }

    /// Ash (2014, §3): successive difference replication is SD2 of the circle of every stratum, as
    /// long as the rows of the matrix suffice.
    #[test]
    fn sdr_is_sd2(
        (_, seed) in shapes(), sizes in prop::collection::vec(2_usize..9, 1..4), fpc in any::<bool>(),
    ) {
        let population: Vec<f64> = sizes.iter().map(|n| 3.0 + 2.0 * *n as f64).collect();
        let s = stratified(&sizes, fpc.then_some(&population));
        let y = ys(seed, s.weight.len());
        let (found, _) = variances(&s, &plan(Sdr), &y);
        let z: Vec<f64> = y.iter().zip(&s.weight).map(|(y, w)| y * w).collect();
        let (mut expected, mut first) = (0.0, 0);
        for (n, size) in sizes.iter().zip(&population) {
            let own = &z[first..first + n];
            let squares: f64 = (0..*n).map(|i| (own[i] - own[(i + 1) % n]).powi(2)).sum();
            let open = if fpc { 1.0 - *n as f64 / size } else { 1.0 };
            expected += open * squares / 2.0;
            first += n;
        }
        close(found, expected, 1e-10, 0.0);
    }
}

/// The first two moments of the factors, over many replicates.
fn moments(replicates: &Replicates) -> (Vec<f64>, DMatrix<f64>) {
    let table = factors(replicates);
    let (count, units) = (table.len() as f64, table[0].len());
    let mean: Vec<f64> =
        (0..units).map(|i| table.iter().map(|f| f[i]).sum::<f64>() / count).collect();
    let mut v = DMatrix::zeros(units, units);
    for f in &table {
        for i in 0..units {
            for j in 0..units {
                v[(i, j)] += (f[i] - 1.0) * (f[j] - 1.0) * replicates.scale;
            }
        }
    }
    (mean, v)
}

/// The matrix of the textbook variance of stratified sampling.
fn textbook(sizes: &[usize], population: &[f64]) -> DMatrix<f64> {
    let rows = sizes.iter().sum();
    let mut v = DMatrix::zeros(rows, rows);
    let mut first = 0;
    for (&n, size) in sizes.iter().zip(population) {
        let m = n as f64;
        let scale = (1.0 - m / size) * m / (m - 1.0);
        for i in first..first + n {
            for j in first..first + n {
                v[(i, j)] = scale * (f64::from(u8::from(i == j)) - 1.0 / m);
            }
        }
        first += n;
    }
    v
}

/// Mean 1, and the covariance of the textbook variance: 20,000 replicates leave standard errors of up
/// to 0.02 in a covariance.
#[test]
fn bootstraps_reproduce_the_textbook_variance() {
    let sizes = [2, 3, 5, 4];
    let all = [7.0, 9.0, 8.0, f64::INFINITY];
    let infinite = [f64::INFINITY; 4];
    let random = [RaoWu, Preston, RaoWuYueBeaumont, AntalTille, Generalized];
    for (population, methods) in [(&all, &random[..]), (&infinite, &random[..])] {
        let s = stratified(&sizes, Some(population));
        let expected = textbook(&sizes, population);
        for &method in methods {
            let made = make(
                &s.design(),
                &ReplicatePlan { replicates: Some(20_000), tau: Some(1.0), ..plan(method) },
            )
            .unwrap();
            let (mean, v) = moments(&made);
            assert!(mean.iter().all(|m| (m - 1.0).abs() < 0.04), "{method:?}: {mean:?}");
            let worst = (&v - &expected).amax();
            assert!(worst < 0.09, "{method:?}: off by {worst}\n{v:.3}");
        }
    }
}

/// Canty and Davison's draws are hypergeometric, from a population in which a unit has ⌊N/n⌋ copies, or one
/// more with a probability that makes up for the rest.
#[test]
fn pseudo_populations() {
    for (n, size) in [(5_usize, 20.0), (4, 10.0), (3, 17.0)] {
        let s = stratified(&[n], Some(&[size]));
        let plan = ReplicatePlan { replicates: Some(20_000), ..plan(CantyDavison) };
        let made = make(&s.design(), &plan).unwrap();
        assert!(factors(&made).iter().all(|f| f.iter().sum::<f64>() == n as f64));
        let (mean, v) = moments(&made);
        assert!(mean.iter().all(|m| (m - 1.0).abs() < 0.03), "{mean:?}");
        let m = n as f64;
        let fewest = (size / m).floor();
        let more = size / m - fewest;
        let of = |copies: f64| {
            let p = copies / size;
            let draws = m * p * (1.0 - p) * (size - m) / (size - 1.0);
            draws + (m * p - 1.0).powi(2)
        };
        // The scale takes n for n − 1.
        let expected = ((1.0 - more) * of(fewest) + more * of(fewest + 1.0)) * m / (m - 1.0);
        assert!((v[(0, 0)] - expected).abs() < 0.05, "{n} of {size}: {} {expected}", v[(0, 0)]);
    }
}

/// Several stages: the mean of the estimated variances is the linearised variance.
#[test]
fn bootstraps_of_two_stages() {
    let s = two_stage();
    let y = ys(3, s.weight.len());
    for method in [Preston, RaoWuYueBeaumont, AntalTille, Generalized] {
        let plan = ReplicatePlan { replicates: Some(20_000), ..plan(method) };
        let (found, expected) = variances(&s, &plan, &y);
        // The relative standard error of a variance from so many replicates is near 0.01.
        assert!((found / expected - 1.0).abs() < 0.05, "{method:?}: {found} and {expected}");
    }
    // With replacement at the first stage the later ones add nothing.
    let ultimate = Sample { fpc: Vec::new(), ..two_stage() };
    let plan = ReplicatePlan { replicates: Some(20_000), ..plan(RaoWuYueBeaumont) };
    let (found, expected) = variances(&ultimate, &plan, &y);
    assert!((found / expected - 1.0).abs() < 0.05, "{found} and {expected}");
}

/// Beaumont and Émond (2022): variances 1 − π for Poisson sampling; for unequal probabilities the sum
/// over the units that could have been missed is their number, and certain units have factor 1.
#[test]
fn unequal_probabilities() {
    let design = stratified(&[5], None).design();
    let pi = vec![1.0, 0.2, 0.5, 0.7, 0.4];
    let with = |method, selection: &[Selection]| ReplicatePlan {
        replicates: Some(20_000),
        selection: selection.to_vec(),
        probabilities: vec![pi.clone()],
        ..plan(method)
    };
    for plan in [with(Poisson, &[]), with(RaoWuYueBeaumont, &[Selection::Poisson])] {
        let (mean, v) = moments(&make(&design, &plan).unwrap());
        for (i, p) in pi.iter().enumerate() {
            assert!((mean[i] - 1.0).abs() < 0.03 && (v[(i, i)] - (1.0 - p)).abs() < 0.06);
        }
        assert!(v[(1, 2)].abs() < 0.03);
    }
    let table = factors(&make(&design, &with(RaoWuYueBeaumont, &[Selection::Pps])).unwrap());
    for f in &table {
        close(f.iter().sum(), 5.0, 1e-12, 0.0);
        assert!(f[0] == 1.0 && f.iter().all(|f| *f >= 0.0));
    }
    let missing = make(&design, &plan(Poisson));
    assert!(matches!(missing, Err(ReplicateError::NoProbability { stage: 1, .. })));
    let bad = ReplicatePlan { probabilities: vec![vec![0.5, 0.0, 0.1, 0.1, 0.1]], ..plan(Poisson) };
    assert!(matches!(make(&design, &bad), Err(ReplicateError::Probability { unit: 2, .. })));
}

/// The forms of the generalised methods against their formulas (Fay's replication is exact).
#[test]
fn quadratic_forms() {
    let s = stratified(&[5, 4], Some(&[20.0, 12.0]));
    let y = ys(9, 9);
    let z: Vec<f64> = y.iter().zip(&s.weight).map(|(y, w)| y * w).collect();
    let pi = vec![0.3, 0.5, 1.0, 0.2, 0.6, 0.4, 0.1, 0.9, 0.25];
    let strata = [(0..5, 20.0), (5..9, 12.0)];
    let of = |form| {
        let plan = ReplicatePlan { form, probabilities: vec![pi.clone()], ..plan(FayGeneralized) };
        variances(&s, &plan, &y).0
    };
    let differences = |close: bool| -> f64 {
        let each = strata.clone().map(|(range, size)| {
            let own = &z[range];
            let n = own.len() as f64;
            let open = 1.0 - n / size;
            let line: f64 = own.windows(2).map(|w| (w[1] - w[0]).powi(2)).sum();
            if close {
                open / 2.0 * (line + (own[0] - own[own.len() - 1]).powi(2))
            } else {
                open * n / (2.0 * (n - 1.0)) * line
            }
        });
        each.iter().sum()
    };
    close(of(VarianceForm::Sd1), differences(false), 1e-10, 0.0);
    close(of(VarianceForm::Sd2), differences(true), 1e-10, 0.0);
    let poisson: f64 = z.iter().zip(&pi).map(|(z, p)| (1.0 - p) * z * z).sum();
    close(of(VarianceForm::Poisson), poisson, 1e-10, 0.0);
    // Deville: Σ c (z − Σ c z/Σ c)².
    let deville = |first: bool| -> f64 {
        let each = strata.clone().map(|(range, _)| {
            let q: Vec<f64> = pi[range.clone()].iter().map(|p| 1.0 - p).collect();
            let n = q.iter().filter(|q| **q > 0.0).count() as f64;
            let all: f64 = q.iter().sum();
            let squares: f64 = q.iter().map(|q| (q / all).powi(2)).sum();
            let scale = if first { n / (n - 1.0) } else { 1.0 / (1.0 - squares) };
            let own = &z[range];
            let mean = q.iter().zip(own).map(|(q, z)| q * z).sum::<f64>() / all;
            q.iter().zip(own).map(|(q, z)| scale * q * (z - mean).powi(2)).sum::<f64>()
        });
        each.iter().sum()
    };
    close(of(VarianceForm::Deville1), deville(true), 1e-10, 0.0);
    close(of(VarianceForm::Deville2), deville(false), 1e-10, 0.0);
    // Any matrix: here of rank two.
    let root = DMatrix::from_fn(9, 2, |i, k| ((3 * i + 5 * k) as f64).sin());
    let matrix = &root * root.transpose();
    let with = |matrix| ReplicatePlan { matrix: Some(Arc::new(matrix)), ..plan(FayGeneralized) };
    let v = nalgebra::DVector::from_vec(z.clone());
    let expected = (v.transpose() * &matrix * &v)[(0, 0)];
    close(variances(&s, &with(matrix.clone()), &y).0, expected, 1e-9, 0.0);
    let design = s.design();
    let refused = |matrix| make(&design, &with(matrix)).err();
    assert!(matches!(refused(-matrix), Some(ReplicateError::NotPositive { .. })));
    assert!(matches!(refused(DMatrix::zeros(3, 3)), Some(ReplicateError::NotSymmetric { .. })));
}

/// Antal and Tillé (2014): whole numbers from 0 to 3 that add up to the sample.
#[test]
fn doubled_halves() {
    for n in 2..9 {
        let design = stratified(&[n], None).design();
        let made = make(&design, &plan(AntalTille)).unwrap();
        let table = factors(&made);
        for f in &table {
            assert_eq!(f.iter().sum::<f64>(), n as f64);
            assert!(f.iter().all(|f| [0.0, 1.0, 2.0, 3.0].contains(f)), "{f:?}");
        }
        if n % 2 == 1 && n > 2 {
            let with_three = table.iter().filter(|f| f.contains(&3.0)).count();
            assert!((80..=175).contains(&with_three), "{with_three} of 500");
        }
    }
}

/// A stratum that was taken whole, and lonely ones that are taken for certain: factor 1.
#[test]
fn certain_units_have_factor_one() {
    let census = stratified(&[2, 2, 2], Some(&[9.0, 2.0, 8.0])).design();
    let mut lonely = clustered(&[vec![1, 1], vec![2], vec![1, 1]], 4);
    lonely.lonely = LonelyPsu::Certainty;
    let lonely = lonely.design();
    let all = [
        plan(Brr),
        fay(0.4),
        plan(Jk2),
        plan(DeleteAGroup),
        plan(RaoWu),
        plan(CantyDavison),
        plan(Preston),
        plan(RaoWuYueBeaumont),
        plan(AntalTille),
        plan(Generalized),
        plan(FayGeneralized),
        plan(Sdr),
    ];
    for plan in &all {
        let plan = ReplicatePlan { replicates: Some(4), ..plan.clone() };
        for (design, units) in [(&census, 2..4), (&lonely, 2..3)] {
            for f in factors(&make(design, &plan).unwrap()) {
                assert!(f[units.clone()].iter().all(|f| *f == 1.0), "{:?}: {f:?}", plan.method);
            }
        }
    }
    // The jackknife leaves census units out with a scale of zero.
    let made = make(&census, &plan(Jkn)).unwrap();
    assert_eq!(made.rscales[2..4], [0.0, 0.0]);
}

/// With one unit per group the delete-a-group jackknife is the delete-one jackknife; in strata with
/// fewer units than groups it is exact as well (Kott 2001).
#[test]
fn groups_of_the_jackknife() {
    let y = ys(2, 12);
    let groups = |n| ReplicatePlan { replicates: Some(n), ..plan(DeleteAGroup) };
    let one = stratified(&[12], Some(&[40.0]));
    let (a, b) = variances(&one, &groups(12), &y);
    close(a, b, 1e-10, 0.0);
    let many = stratified(&[2, 3, 4, 3], None);
    let (a, b) = variances(&many, &groups(12), &y);
    close(a, b, 1e-10, 0.0);
    // Over many groupings the variance is that of the sample.
    let mean = (0..400)
        .map(|seed| variances(&one, &ReplicatePlan { seed, ..groups(4) }, &y).0)
        .sum::<f64>()
        / 400.0;
    assert!((mean / b_of(&one, &y) - 1.0).abs() < 0.1, "{mean}");
    let made = make(&one.design(), &groups(4)).unwrap();
    assert_eq!((made.df, made.scale), (3.0, 0.75));
    assert!(matches!(
        make(&one.design(), &groups(13)),
        Err(ReplicateError::Groups { groups: 13, psus: 12 })
    ));
}

fn b_of(s: &Sample, y: &[f64]) -> f64 {
    overall(&s.analysis(), &[Quantity::Total(&numbers(y))]).variances[0]
}

#[test]
fn designs_that_do_not_fit() {
    let odd = stratified(&[2, 3, 2, 4], None).design();
    for plan in [plan(Brr), fay(0.5), plan(Jk2)] {
        let Err(ReplicateError::NotPairs { strata, .. }) = make(&odd, &plan) else {
            panic!("pairs")
        };
        assert_eq!(strata, [(2, 3), (7, 4)]);
    }
    let refused = |design: &SurveyDesign, plan: &ReplicatePlan| make(design, plan).err();
    assert!(matches!(refused(&odd, &plan(Jk1)), Some(ReplicateError::Stratified { strata: 4 })));
    assert!(matches!(refused(&odd, &plan(Fay)), Some(ReplicateError::Rho)));
    let two = two_stage().design();
    assert!(matches!(refused(&two, &plan(RaoWu)), Some(ReplicateError::Stages { stages: 2, .. })));
    assert!(make(&two, &plan(Jkn)).unwrap().notes[0].contains("later stages"));
    let few = ReplicatePlan { replicates: Some(1), ..plan(RaoWu) };
    assert!(matches!(refused(&odd, &few), Some(ReplicateError::Count { replicates: 1 })));
    let many = ReplicatePlan { replicates: Some(1_000_000), ..plan(RaoWu) };
    assert!(matches!(refused(&odd, &many), Some(ReplicateError::TooMany { .. })));
    let mut lonely = clustered(&[vec![1, 1], vec![2]], 4);
    lonely.lonely = LonelyPsu::Center;
    let center = refused(&lonely.design(), &plan(RaoWu));
    assert!(matches!(center, Some(ReplicateError::LonelyCenter { .. })));
}

/// A replicate depends on the seed and its own number, not on how many there are.
#[test]
fn seeds_and_streams() {
    let design = stratified(&[5, 4], None).design();
    let of = |seed, replicates| {
        let plan = ReplicatePlan { seed, replicates: Some(replicates), ..plan(RaoWu) };
        factors(&make(&design, &plan).unwrap())
    };
    assert_eq!(of(1, 10), of(1, 40)[..10]);
    assert_ne!(of(1, 10), of(2, 10));
    let ReplicateWeights::Factors(table) =
        make(&design, &ReplicatePlan { replicates: Some(11), ..plan(RaoWu) }).unwrap().weights
    else {
        panic!("factors")
    };
    let block = table.block(1);
    assert_eq!(block[3][2], table.of(10)[3]);
    assert!(block.iter().all(|lanes| lanes[3..].iter().all(|f| *f == 0.0)));
}
