//! The short version of the Monte Carlo of docs/methods/coverage.md: standard errors are right on
//! average, and intervals hold the truth about as often as they say, with few PSUs, unequal weights and
//! raking; what is known to go wrong does.

#[allow(dead_code)]
#[path = "../examples/coverage/population.rs"]
mod population;
#[allow(dead_code)]
#[path = "../examples/coverage/trial.rs"]
mod trial;

use population::{DESIGNS, DOMAINS, Population};
use trial::{INTERVALS, Trials, mean};

const DRAWS: u64 = 150;

/// Mean over outcomes (from the given one on) of something of a cell.
fn over(domain: usize, from: usize, value: impl Fn(usize) -> f64) -> f64 {
    mean((from..4).map(|outcome| value(outcome * DOMAINS.len() + domain)))
}

fn interval(name: &str) -> usize {
    INTERVALS.iter().position(|i| i.0 == name).unwrap_or_else(|| panic!("{name}"))
}

#[test]
fn thirty_psus() {
    let population = Population::new();
    let trials = Trials::run(&population, DESIGNS[1], DRAWS);
    assert_eq!(trials.lost, 0);
    let ratio = |domain, v| over(domain, 1, |c| trials.variance_ratio(c, v));
    for domain in 0..DOMAINS.len() {
        // The ratio of three cells has a Monte Carlo error of about 0.08.
        for v in [0, 1, 2, 3, 4, 6, 8] {
            let found = ratio(domain, v);
            assert!((0.7..1.35).contains(&found), "{} {v}: {found}", DOMAINS[domain]);
        }
    }
    // Residuals as R `rake()` has them: far too large for a small group after a boost.
    assert!(ratio(3, 5) > 2.5 && ratio(4, 5) > 4.0, "{} {}", ratio(3, 5), ratio(4, 5));
    let mean_of = |raked, name: &str| {
        mean((0..DOMAINS.len()).map(|d| over(d, 2, |c| trials.coverage(c, raked, interval(name)))))
    };
    for raked in [0, 1] {
        let logit = mean_of(raked, "logit, Satterthwaite");
        assert!((91.0..98.5).contains(&logit), "{logit}");
        assert!(mean_of(raked, "normal") < logit - 1.0);
    }
}

#[test]
fn twelve_psus() {
    let population = Population::new();
    let trials = Trials::run(&population, DESIGNS[0], DRAWS);
    let coverage = |raked, name: &str| over(0, 2, |c| trials.coverage(c, raked, interval(name)));
    // Everyone: nearly all weight lies in the four PSUs of one stratum.
    assert!(coverage(0, "normal") < 88.0, "{}", coverage(0, "normal"));
    assert!(coverage(0, "t, Satterthwaite") > coverage(0, "t, domain") + 2.0);
    // Raking to eleven cells with nine degrees of freedom: residuals are too small, the jackknife is not.
    assert!(over(0, 1, |c| trials.variance_ratio(c, 4)) < 0.75);
    let jackknife = coverage(1, "logit, Satterthwaite; JKn");
    assert!((91.0..=100.0).contains(&jackknife), "{jackknife}");
    // Few cases: Korn and Graubard's interval holds what it says, the t interval of everyone does not.
    let rare = |d, name| trials.coverage(d, 1, interval(name));
    for domain in 0..DOMAINS.len() {
        assert!(rare(domain, "Korn–Graubard") > 93.0, "{domain}");
    }
    assert!(rare(0, "t, domain") < 70.0, "{}", rare(0, "t, domain"));
}
