//! Regressions of the library where no other system is asked: separated outcomes, ties, replicates, errors.

use std::sync::Arc;

use rakewell::aggregate::{XColumns, XTerm};
use rakewell::data::{Column, Numbers};
use rakewell::design::{DesignInput, SurveyDesign, Variable};
use rakewell::estimate::Analysis;
use rakewell::model::{
    CoxInput, Family, FitStatus, Link, ModelError, RegressionInput, Stop, Ties,
    proportional_hazards, regression,
};
use rakewell::replicate::{ReplicatePlan, Resampling, make};
use rakewell::weight::Ledger;

const N: usize = 600;

fn number(values: impl Iterator<Item = f64>) -> Numbers {
    Numbers::pack(values.collect())
}

/// Two hundred PSUs of three rows, weights from 1 to 5.
fn design() -> SurveyDesign {
    let psu = Column::numbers("psu", (0..N).map(|i| (i / 3) as f64).collect());
    let weight = Column::numbers("w", (0..N).map(|i| 1.0 + (i % 5) as f64).collect());
    SurveyDesign::build(&DesignInput {
        rows: N,
        clusters: vec![Variable::of(&psu)],
        weight: Some(Variable::of(&weight)),
        ..DesignInput::default()
    })
    .unwrap()
}

fn analysis() -> Analysis {
    let design = design();
    let ledger = Ledger::new(design.weights.clone(), "design weight");
    Analysis::new(design, ledger)
}

fn x(constant: bool, columns: &[&Numbers]) -> XColumns {
    let one = XTerm { codes: None, values: None, width: 1 };
    let term = |y: &&Numbers| XTerm { codes: None, values: Some(Arc::new((*y).clone())), width: 1 };
    XColumns {
        terms: constant.then_some(one).into_iter().chain(columns.iter().map(term)).collect(),
    }
}

fn input<'a>(
    y: &'a Numbers,
    x: &'a XColumns,
    inside: &'a [bool],
    family: Family,
    link: Link,
) -> RegressionInput<'a> {
    let stop = Stop::Solved;
    RegressionInput { y, x, offset: None, inside, family, link, design_df: 199.0, stop }
}

fn age() -> Numbers {
    number((0..N).map(|i| ((i * 7) % 13) as f64))
}

#[test]
fn the_estimating_equations_are_met() {
    let (analysis, age, inside) = (analysis(), age(), [true; N]);
    let x = x(true, &[&age]);
    let w = analysis.ledger.weights();
    let yes = number((0..N).map(|i| f64::from(u8::from((i * i + i / 4) % 3 == 0))));
    let count = number((0..N).map(|i| ((i * 5) % 7) as f64));
    for (family, link, y) in [
        (Family::Binomial, Link::Logit, &yes),
        (Family::Binomial, Link::Probit, &yes),
        (Family::Binomial, Link::Cloglog, &yes),
        (Family::Poisson, Link::Log, &count),
        (Family::Gaussian, Link::Identity, &count),
    ] {
        let fit = regression(&analysis, &input(y, &x, &inside, family, link)).unwrap();
        assert!(fit.status.is_converged(), "{family:?} {link:?}");
        let (mut score, mut size) = ([0.0; 2], 0.0);
        for row in 0..N {
            let eta = fit.coefficients[0] + fit.coefficients[1] * age.get(row);
            let mu = link.mean(eta);
            let pull = w[row] * (y.get(row) - mu) * link.slope(eta) / family.variance(mu);
            score[0] += pull;
            score[1] += pull * age.get(row);
            size += (pull * age.get(row)).abs();
        }
        assert!(score.iter().all(|s| s.abs() < 1e-11 * size), "{family:?} {link:?}: {score:?}");
    }
}

#[test]
fn separated_outcomes_are_no_solution() {
    let (analysis, age, inside) = (analysis(), age(), [true; N]);
    let x = x(true, &[&age]);
    let y = number((0..N).map(|row| f64::from(u8::from(age.get(row) > 6.0))));
    let model = input(&y, &x, &inside, Family::Binomial, Link::Logit);
    let fit = regression(&analysis, &model).unwrap();
    assert_eq!(fit.status, FitStatus::StillRising);
    // Nobody has the event at all: the constant goes to minus infinity.
    let none = number((0..N).map(|_| 0.0));
    let model = input(&none, &x, &inside, Family::Binomial, Link::Logit);
    assert!(!regression(&analysis, &model).unwrap().status.is_converged());
}

#[test]
fn outcomes_and_rows_are_looked_at() {
    let (analysis, age) = (analysis(), age());
    let x = x(true, &[&age]);
    let y = number((0..N).map(|i| if i == 4 { 1.5 } else { 0.0 }));
    let all = [true; N];
    let found = regression(&analysis, &input(&y, &x, &all, Family::Binomial, Link::Logit));
    assert_eq!(
        found.unwrap_err(),
        ModelError::Outcome { row: 5, value: 1.5, range: "from 0 to 1" }
    );
    let none = [false; N];
    let found = regression(&analysis, &input(&y, &x, &none, Family::Gaussian, Link::Identity));
    assert_eq!(found.unwrap_err(), ModelError::NoRows);
}

/// The jackknife and linearisation estimate the same.
#[test]
fn replicates_agree_with_linearisation() {
    let (linearised, age, inside) = (analysis(), age(), [true; N]);
    let design = design();
    let jackknife = make(&design, &ReplicatePlan::new(Resampling::Jkn)).unwrap();
    let ledger = Ledger::new(design.weights.clone(), "design weight");
    let by_replicates = Analysis::with_replicates(design, ledger, jackknife);
    let x = x(true, &[&age]);
    let y = number((0..N).map(|i| f64::from(u8::from((i * i + i / 4) % 3 == 0))));
    let model = input(&y, &x, &inside, Family::Binomial, Link::Logit);
    let time = number((0..N).map(|i| 1.0 + ((i * 11) % 17) as f64));
    let of = |analysis: &Analysis| {
        let glm = regression(analysis, &model).unwrap();
        let columns = self::x(false, &[&age]);
        let cox = proportional_hazards(analysis, &cox(&time, &y, &columns, Ties::Efron)).unwrap();
        [glm.covariance[(1, 1)], cox.covariance[(0, 0)]]
    };
    for (one, other) in of(&linearised).into_iter().zip(of(&by_replicates)) {
        assert!(one > 0.0 && (other / one - 1.0).abs() < 0.1, "{one} {other}");
    }
}

fn cox<'a>(time: &'a Numbers, event: &'a Numbers, x: &'a XColumns, ties: Ties) -> CoxInput<'a> {
    CoxInput { time, event, x, inside: &[true; N], ties, design_df: 199.0 }
}

/// One binary column and no ties: the partial likelihood written out and its maximum by bisection.
#[test]
fn hazards_by_hand() {
    let analysis = analysis();
    let w = analysis.ledger.weights();
    let group = number((0..N).map(|i| f64::from(u8::from((i * 3) % 4 == 1))));
    let time = number((0..N).map(|i| ((i * 37) % 601) as f64));
    let event = number((0..N).map(|i| f64::from(u8::from(i % 3 != 0))));
    let score = |beta: f64| -> f64 {
        let risk = |row: usize| w[row] * (beta * group.get(row)).exp();
        (0..N)
            .filter(|&row| event.get(row) == 1.0)
            .map(|row| {
                let at: Vec<usize> = (0..N).filter(|&o| time.get(o) >= time.get(row)).collect();
                let all: f64 = at.iter().map(|&o| risk(o)).sum();
                let with: f64 = at.iter().map(|&o| risk(o) * group.get(o)).sum();
                w[row] * (group.get(row) - with / all)
            })
            .sum()
    };
    let (mut low, mut high) = (-5.0, 5.0);
    for _ in 0..80 {
        let middle = (low + high) / 2.0;
        if score(middle) > 0.0 { low = middle } else { high = middle }
    }
    let columns = x(false, &[&group]);
    for ties in [Ties::Efron, Ties::Breslow] {
        let fit = proportional_hazards(&analysis, &cox(&time, &event, &columns, ties)).unwrap();
        assert!((fit.coefficients[0] - low).abs() < 1e-9, "{:?} {low}", fit.coefficients);
        assert_eq!((fit.n, fit.events), (N, 400));
    }
    let none = number((0..N).map(|_| 0.0));
    let found = proportional_hazards(&analysis, &cox(&time, &none, &columns, Ties::Efron));
    assert_eq!(found.unwrap_err(), ModelError::NoEvents);
}
