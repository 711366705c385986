//! Monte Carlo of standard errors and intervals for small groups:
//! `cargo run --release --example coverage -- [DRAWS] > docs/methods/coverage.md` (default 4,000).
//!
//! Same seed, same numbers, on any machine with any number of threads. A short version is
//! `tests/coverage.rs`.

mod population;
mod trial;

use population::{CELLS, DESIGNS, DOMAINS, PREVALENCES, Population, SEED};
use trial::{BOOTSTRAP, INTERVALS, RAO_WU_RAKED, Trials, UNRAKED, VARIANCES, WAYS, mean};

/// Expected number of people with the attribute in the sample, by upper limit.
const CLASSES: [(&str, f64); 5] = [
    ("under 3", 3.0),
    ("3–10", 10.0),
    ("10–30", 30.0),
    ("30–100", 100.0),
    ("100 or more", f64::MAX),
];

/// Shown in the summary of kinds: all with the degrees of freedom of the domain, and Satterthwaite's.
const KINDS_SHOWN: [usize; 9] = [2, 4, 5, 6, 7, 8, 9, 10, 12];

fn main() {
    let draws: u64 = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(4000);
    let population = Population::new();
    let trials: Vec<Trials> =
        DESIGNS.iter().map(|&design| Trials::run(&population, design, draws)).collect();
    let lost: usize = trials.iter().map(|t| t.lost).sum();
    print!(
        "{}",
        INTRODUCTION
            .replace("DRAWS", &draws.to_string())
            .replace("SEED", &SEED.to_string())
            .replace("BOOTSTRAP", &BOOTSTRAP.to_string())
            .replace("LOST", &lost.to_string())
    );
    standard_errors(&trials);
    degrees_of_freedom(&trials);
    kinds(&population, &trials);
    print!("{CONCLUSIONS}");
    everything(&population, &trials);
    print!("{REFERENCES}");
}

/// The cells of a domain for some outcomes.
fn cells(domain: usize, outcomes: std::ops::Range<usize>) -> Vec<usize> {
    outcomes.map(|o| o * DOMAINS.len() + domain).collect()
}

fn over(cells: &[usize], value: impl Fn(usize) -> f64) -> f64 {
    mean(cells.iter().map(|&c| value(c)))
}

fn standard_errors(trials: &[Trials]) {
    println!("{STANDARD_ERRORS}");
    println!("| design | group | mean n | {} |", VARIANCES[..UNRAKED].join(" | "));
    println!("|---|---|---|{}", "---|".repeat(UNRAKED));
    let ratios = |t: &Trials, domain: usize, which: std::ops::Range<usize>| -> String {
        let each = which.map(|v| {
            let ratio = over(&cells(domain, 1..4), |c| t.variance_ratio(c, v));
            let has = |f: &trial::Found| f64::from(u8::from(f.variance[v].is_finite()));
            if t.mean(domain + 2 * DOMAINS.len(), has) > 0.5 {
                format!("{ratio:.2}")
            } else {
                "–".to_string()
            }
        });
        each.collect::<Vec<_>>().join(" | ")
    };
    for t in trials {
        for (d, domain) in DOMAINS.iter().enumerate() {
            let n = t.mean(d, |found| found.n);
            println!("| {} | {domain} | {n:.0} | {} |", t.design, ratios(t, d, 0..UNRAKED));
        }
    }
    println!("\nAfter raking:\n");
    println!("| design | group | {} |", VARIANCES[UNRAKED..].join(" | "));
    println!("|---|---|{}", "---|".repeat(VARIANCES.len() - UNRAKED));
    for t in trials {
        for (d, domain) in DOMAINS.iter().enumerate() {
            let shown = ratios(t, d, UNRAKED..VARIANCES.len());
            println!("| {} | {domain} | {shown} |", t.design);
        }
    }
    let shares: Vec<String> = trials
        .iter()
        .map(|t| {
            let has = |f: &trial::Found| f64::from(u8::from(f.variance[RAO_WU_RAKED].is_finite()));
            format!("{:.0} %", 100.0 * t.mean(0, has))
        })
        .collect();
    println!("{}", STANDARD_ERRORS_SAY.replace("SHARES", &shares.join(", ")));
}

fn degrees_of_freedom(trials: &[Trials]) {
    println!("{FREEDOM}");
    println!(
        "| design | group | df: design, domain, Satterthwaite | normal | t, design | t, domain \
         | t, Satterthwaite | t, Satterthwaite; JKn |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for t in trials {
        let of_design = DESIGNS.iter().find(|d| d.0 == t.design).map_or(0, |d| d.1.iter().sum());
        for (d, domain) in DOMAINS.iter().enumerate() {
            let list = cells(d, 2..4);
            let shown: Vec<String> = [0, 1, 2, 3, 11]
                .iter()
                .map(|&i| {
                    let of = |raked| over(&list, |c| t.coverage(c, raked, i));
                    format!("{:.1} / {:.1}", of(0), of(1))
                })
                .collect();
            println!(
                "| {} | {domain} | {}, {:.1}, {:.1} | {} |",
                t.design,
                of_design - 3,
                over(&list, |c| t.mean(c, |found| found.df[0])),
                over(&list, |c| t.mean(c, |found| found.df[1])),
                shown.join(" | ")
            );
        }
    }
    println!("{FREEDOM_SAY}");
}

fn kinds(population: &Population, trials: &[Trials]) {
    println!("{KINDS}");
    let names: Vec<&str> = KINDS_SHOWN.iter().map(|&i| INTERVALS[i].0).collect();
    println!("| design | expected cases | cells | t: none | {} |", names.join(" | "));
    println!("|---|---|---|---|{}", "---|".repeat(KINDS_SHOWN.len()));
    let mut widths = Vec::new();
    for t in trials {
        let mut from = 0.0;
        for (name, to) in CLASSES {
            let expected = |c: usize| t.mean(c, |f| f.n) * population.truth[c];
            let list: Vec<usize> =
                (0..CELLS).filter(|&c| expected(c) >= from && expected(c) < to).collect();
            from = to;
            if list.is_empty() {
                continue;
            }
            let shown = KINDS_SHOWN.map(|i| {
                let low = list.iter().map(|&c| t.coverage(c, 1, i)).fold(f64::INFINITY, f64::min);
                format!("{:.1} ({low:.1})", over(&list, |c| t.coverage(c, 1, i)))
            });
            println!(
                "| {} | {name} | {} | {:.1} | {} |",
                t.design,
                list.len(),
                over(&list, |c| t.without(c, 1, 2)),
                shown.join(" | ")
            );
            // Where all of them exist: not at 0 and 1, where `t` has none.
            let wide = |i: usize| {
                over(&list, |c| {
                    t.mean(c, |f| if f.covers[1][2].is_nan() { f64::NAN } else { f.width[1][i] })
                })
            };
            let shown = KINDS_SHOWN.map(|i| format!("{:.2}", wide(i) / wide(4)));
            widths.push(format!("| {} | {name} | {} |", t.design, shown.join(" | ")));
        }
    }
    println!("\nMean width ÷ that of `logit`, in samples with an estimate between 0 and 1:\n");
    println!("| design | expected cases | {} |", names.join(" | "));
    println!("|---|---|{}", "---|".repeat(KINDS_SHOWN.len()));
    widths.iter().for_each(|row| println!("{row}"));
}

fn everything(population: &Population, trials: &[Trials]) {
    println!("{EVERYTHING}");
    for t in trials {
        for (raked, words) in [(0, "design weights"), (1, "raked")] {
            println!("<details><summary>{}, {words}</summary>\n", t.design);
            let names: Vec<&str> = INTERVALS.iter().map(|i| i.0).collect();
            println!("| true % | group | mean n | t: none | {} |", names.join(" | "));
            println!("|---|---|---|---|{}", "---|".repeat(WAYS));
            for c in 0..PREVALENCES.len() * DOMAINS.len() {
                let shown: Vec<String> =
                    (0..WAYS).map(|i| format!("{:.1}", t.coverage(c, raked, i))).collect();
                println!(
                    "| {:.1} | {} | {:.0} | {:.1} | {} |",
                    100.0 * population.truth[c],
                    DOMAINS[c % DOMAINS.len()],
                    t.mean(c, |f| f.n),
                    t.without(c, raked, 2),
                    shown.join(" | ")
                );
            }
            println!("\n</details>\n");
        }
    }
}

const INTRODUCTION: &str = "\
# Coverage

How good standard errors and intervals of small groups are, by Monte Carlo. This page is the output of

    cargo run --release --example coverage -- DRAWS > docs/methods/coverage.md

(seed SEED; the same bytes on any number of threads); `tests/coverage.rs` is a short version.

**Population.** 400,000 people in 4,000 areas of 100, of three kinds (2,800, 900 and 300 areas). A majority of
83 % and minorities of 12, 4 and 1 % who live together: they are 8, 28 and 61 % of the people in the three
kinds. Outcomes with prevalences of about 1, 5, 20 and 50 % have a random effect of the area (standard
deviation 0.35 on the logit scale), rise with the group by up to 0.45 and vary with age by ±0.3.

**Samples.** Areas are the PSUs and their kinds the strata; 4 + 4 + 4, 10 + 10 + 10 or 50 + 25 + 15 are drawn
at random, and their people with probabilities of 0.05, 0.25, 0.7 and 1 by group: a boost, with weights that
differ 20-fold within a stratum and up to 190-fold in the sample. The first stage is taken as with
replacement; at most 5 % of areas are drawn.

**Raking** is to sex × age, kind of area and group. DRAWS samples of each design (LOST could not be raked);
the Monte Carlo error (two standard deviations) of a coverage near 95 % is 0.7 in one cell, and about 5 % of a
variance ratio. The bootstraps (Rao–Wu and generalised) have BOOTSTRAP replicates.
";

const STANDARD_ERRORS: &str = "
## Standard errors

Mean of the variance estimates ÷ variance of the estimates, averaged over the prevalences of 5, 20 and 50 %; 1
is right. With the design weights:
";

const STANDARD_ERRORS_SAY: &str = "
Replicates are raked anew. All of the Rao–Wu replicates could be raked in SHARES of the samples of the three
designs (where a PSU is left out some cell of a margin may be empty, and then there is no variance; `–` where
that is the rule).

**What to take from this.**

* With 90 PSUs every estimator is right to within the simulation error, but one: **residuals as R `rake()` has
  them** give the small groups 1.9 and 2.7 times the true variance, with 30 PSUs up to 7 times, with 12 up to
  16. They regress on the margins without weights, so that after a boost the boosted people decide about
  everybody's regression. Ours, weighted by the weights before raking, have 1.03 and 1.03. (For everyone with
  few PSUs R's happen to be nearer, 0.92 and 0.98: two errors of opposite sign.) This settles the question; a
  second simulation, with more outcomes and other populations, is in
  [calibration-variance](calibration-variance.md).
* **Raking to about as many cells as there are degrees of freedom** makes residuals too small: everyone has
  0.64 of the true variance with 12 PSUs (thirteen cells, eleven of them free, and nine degrees of freedom),
  0.88 with 30, 0.98 with 90. The generalised bootstrap, whose factors change weights little, does the same.
  The jackknife is on the other side: 1.25, 1.09, 1.02, and up to 2.2 for groups with 12 PSUs.
* Without raking linearised variances are 5 to 7 % too small with 12 PSUs (18 % for the smallest group, which
  lives in few of them) and up to 6 % with 30. The jackknife is right everywhere (1.01–1.04).
";

const FREEDOM: &str = "
## Degrees of freedom

Per cent of the intervals estimate ± t SE that hold the true value, at prevalences of 20 and 50 %, where the
estimate is near normal: with the design weights / raked. The columns differ in the degrees of freedom alone,
and the last in the standard error.
";

const FREEDOM_SAY: &str = "
**What to take from this.** Raked or not, normal quantiles are too short: 79–92 % with 30 PSUs or fewer. The
group's own PSUs help where it does not live in all of them (1 %). What matters most is that the PSUs are not
alike: 70 % of the people are in the first stratum, and a third of the PSUs, so that the variance rests on few
of them. Satterthwaite's approximation sees this (3 instead of 9, 9 instead of 27 degrees of freedom) and
brings the intervals with the design weights from 88.6–93.4 to 93.6–94.8 %. After raking with few PSUs it
needs the standard error of the jackknife as well. With 90 PSUs all agree.
";

const KINDS: &str = "
## Kinds of intervals

Raked; per cent that hold the true value, by the number of people with the attribute that the sample is
expected to have (mean n × prevalence): mean of the cells of the class, and in brackets the lowest. With the
degrees of freedom of the domain unless the heading says otherwise. Samples in which `t` has no interval
(nobody or everybody has the attribute) count for the others; their share is in the fourth column.
";

const CONCLUSIONS: &str = "
## What to take

Which interval, from the tables above; `interval`, `df` and `[variance]` of a study.

| situation | take | because (per cent) |
|---|---|---|
| proportions, 10 expected cases or more, 50 PSUs or more | `interval = \"logit\"` (the default) | 94.8–95.2; `t` has 92.6 below 30 cases |
| fewer than 10 expected cases | `interval = \"korn-graubard\"` | 97.6 with 3–10 cases and 90 PSUs, 90 with 30 PSUs, where the others with the same degrees of freedom have 76–83 |
| fewer than about 50 PSUs, or weights that lie on few of them | `df = \"satterthwaite\"` | 93.6–94.8 with the design weights, where PSUs − strata has 88.6–93.4; from 30 cases on intervals are 10 % longer with 30 PSUs, 30 % with 12 |
| raked, with fewer degrees of freedom than about three times the cells of the margins | `[variance] method = \"jkn\"` and `df = \"satterthwaite\"`; or fewer margins | 94.5–97.4 for near-normal estimates, where residuals with PSUs − strata have 83.8–93.6 |
| a bootstrap with raking and few PSUs | `generalized`, not `rao-wu` | no replicate is lost |
| means and totals | `t` (there is no other) with the `df` above | 93.6–94.8, as estimates near normal here |

* `wilson`, `arcsine` and `likelihood` are shorter than `logit` where cases are few, and hold less: 93.0, 92.1
  and 92.4 with 3–10 cases and 90 PSUs. `beta` is near `logit`, a little longer from 10 cases on.
* `t` is the worst for proportions, and has no interval at all where nobody has the attribute: in an eighth to
  a third of the samples with fewer than 3 expected cases.
* **Nothing helps** where the cases carry great weight and hardly ever come: everyone at a prevalence of 1 %
  with 30 PSUs has 5 expected cases, but most of the weight is on 101 people of the majority, of whom one has
  the attribute. Intervals hold 61–79 % there. The NCHS standard ([quality](quality.md)) and the effective
  sample size beside the estimate are what tells.
* Degrees of freedom of the design instead of the group do harm only where the group lives in part of the
  PSUs.
";

const EVERYTHING: &str = "
## All cells

Coverage of every interval.
";

const REFERENCES: &str = "\
## See also

[intervals](intervals.md), [calibration-variance](calibration-variance.md), [variance](variance.md),
[replicates](replicates.md). Korn, E. L. and Graubard, B. I. (1998), Survey Methodology 24, 193–203. Franco,
C., Little, R. J. A., Louis, T. A. and Slud, E. V. (2019), Journal of Survey Statistics and Methodology 7,
334–364.
";
