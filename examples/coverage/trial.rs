//! One sample estimated in every way, and many of them together.

use rakewell::aggregate::DomainCodes;
use rakewell::data::{Codes, Column, Numbers};
use rakewell::design::{DesignInput, SurveyDesign, Variable};
use rakewell::estimate::{
    Analysis, Deff, Df, Domains, Estimate, IntervalInput, IntervalMethod, Outcome, Quantity,
    Statistic, TableSpec, interval,
};
use rakewell::replicate::{ReplicatePlan, Replicates, Resampling, make};
use rakewell::weight::{Ledger, Residuals};
use rayon::prelude::*;

use super::population::{CELLS, DOMAINS, Design, Drawn, PREVALENCES, Population, SEED};

/// Replicates of each bootstrap.
pub const BOOTSTRAP: usize = 100;

/// Variance estimators, without raking and with.
pub const VARIANCES: [&str; 9] = [
    "linearised",
    "JKn",
    "Rao–Wu",
    "generalised",
    "linearised",
    "as R `rake()`",
    "JKn",
    "Rao–Wu",
    "generalised",
];
/// How many of these are without raking.
pub const UNRAKED: usize = 4;
/// Where the jackknife stands, without raking and with, and the bootstrap of Rao and Wu with raking.
const JACKKNIFE: [usize; 2] = [1, 6];
pub const RAO_WU_RAKED: usize = 7;

/// Intervals with the t of different degrees of freedom, others with those of the domain, and two with
/// standard errors by the jackknife.
pub const INTERVALS: [(&str, IntervalMethod, Freedom); 13] = [
    ("normal", IntervalMethod::T, Freedom::Infinite),
    ("t, design", IntervalMethod::T, Freedom::Design),
    ("t, domain", IntervalMethod::T, Freedom::Domain),
    ("t, Satterthwaite", IntervalMethod::T, Freedom::Satterthwaite),
    ("logit", IntervalMethod::Logit, Freedom::Domain),
    ("logit, Satterthwaite", IntervalMethod::Logit, Freedom::Satterthwaite),
    ("Korn–Graubard", IntervalMethod::KornGraubard, Freedom::Domain),
    ("beta", IntervalMethod::Beta, Freedom::Domain),
    ("Wilson", IntervalMethod::Wilson, Freedom::Domain),
    ("arcsine", IntervalMethod::Arcsine, Freedom::Domain),
    ("likelihood", IntervalMethod::Likelihood, Freedom::Domain),
    ("t, Satterthwaite; JKn", IntervalMethod::T, Freedom::Satterthwaite),
    ("logit, Satterthwaite; JKn", IntervalMethod::Logit, Freedom::Satterthwaite),
];
/// The first interval with standard errors by the jackknife.
const BY_JACKKNIFE: usize = 11;
pub const WAYS: usize = INTERVALS.len();

/// Which degrees of freedom.
#[derive(Clone, Copy)]
pub enum Freedom {
    Infinite,
    Design,
    Domain,
    Satterthwaite,
}

/// What a sample came to in one cell (outcome × domain), NaN for what cannot be had.
#[derive(Clone, Copy)]
pub struct Found {
    pub n: f64,
    /// Without raking and with.
    pub estimate: [f64; 2],
    pub variance: [f64; 9],
    /// Of the domain, and Satterthwaite's, without raking.
    pub df: [f64; 2],
    /// (without raking, with) × interval: 1 if it holds the truth, 0 if not; and its width.
    pub covers: [[f64; WAYS]; 2],
    pub width: [[f64; WAYS]; 2],
}

fn rows(analysis: &Analysis, drawn: &Drawn, df: Df) -> Vec<Estimate> {
    let y: Vec<Numbers> = drawn.y.iter().map(|y| Numbers::pack(y.clone())).collect();
    let everyone = vec![0; drawn.group.len()];
    let mut by_outcome = vec![Vec::new(); PREVALENCES.len()];
    for (codes, count) in [(&everyone, 1), (&drawn.group, DOMAINS.len() - 1)] {
        let codes = DomainCodes { codes: Codes::pack(codes, count), count };
        let cells = (0..count).map(|g| vec![g]).collect();
        let domains = Domains { codes, cells, unclassified: 0 };
        let outcome = |p: &f64| {
            let name = p.to_string();
            Some(Outcome { variable: name.clone(), title: name, level: None, probability: None })
        };
        let table = analysis.table(&TableSpec {
            name: "t".into(),
            title: "t".into(),
            statistic: Statistic::Proportion,
            quantities: y.iter().map(Quantity::Mean).collect(),
            outcomes: PREVALENCES.iter().map(outcome).collect(),
            domains: &domains,
            by: Vec::new(),
            population: None,
            interval: IntervalMethod::T,
            level: 0.95,
            deff: Deff::WithoutReplacement,
            standard: None,
            df,
            covariance: false,
        });
        for row in table.rows {
            by_outcome[row.outcome].push(row);
        }
    }
    by_outcome.concat()
}

/// Everything of one sample; `None` where it cannot be raked.
pub fn one(population: &Population, design: Design, number: u64) -> Option<Vec<Found>> {
    let drawn = population.draw(design, number);
    let kind: Vec<f64> = drawn.kind.iter().map(|k| f64::from(*k)).collect();
    let columns = [("kind", &kind), ("area", &drawn.area), ("weight", &drawn.weight)]
        .map(|(name, values)| Column::numbers(name, values.clone()));
    let survey = SurveyDesign::build(&DesignInput {
        rows: drawn.group.len(),
        strata: vec![Some(Variable::of(&columns[0]))],
        clusters: vec![Variable::of(&columns[1])],
        weight: Some(Variable::of(&columns[2])),
        ..DesignInput::default()
    })
    .ok()?;
    let base = Ledger::new(survey.weights.clone(), "design weight");
    let rake = |residuals| {
        let mut ledger = base.clone();
        ledger.rake(population.margins(&drawn), 1e-9, 1000, residuals).ok()?;
        Some(ledger)
    };
    let (raked, as_r) = (rake(Residuals::Regression)?, rake(Residuals::RRake)?);
    let plan = |method| ReplicatePlan {
        replicates: (method != Resampling::Jkn).then_some(BOOTSTRAP),
        seed: SEED + number,
        ..ReplicatePlan::new(method)
    };
    let jackknife = make(&survey, &plan(Resampling::Jkn)).ok()?;
    let bootstrap = make(&survey, &plan(Resampling::RaoWu)).ok()?;
    let generalised = make(&survey, &plan(Resampling::Generalized)).ok()?;
    let linearised =
        |ledger: &Ledger, df| rows(&Analysis::new(survey.clone(), ledger.clone()), &drawn, df);
    let replicated = |ledger: &Ledger, replicates: &Replicates| {
        // A replicate in which a group has nobody cannot be raked.
        let own = replicates.clone().reweighted(&survey.tree, ledger).ok()?;
        let analysis = Analysis::with_replicates(survey.clone(), ledger.clone(), own);
        Some(rows(&analysis, &drawn, Df::Domain))
    };
    let plain = [linearised(&base, Df::Domain), linearised(&raked, Df::Domain)];
    let approximate = [linearised(&base, Df::Satterthwaite), linearised(&raked, Df::Satterthwaite)];
    let variances = [
        None,
        replicated(&base, &jackknife),
        replicated(&base, &bootstrap),
        replicated(&base, &generalised),
        None,
        Some(linearised(&as_r, Df::Domain)),
        replicated(&raked, &jackknife),
        replicated(&raked, &bootstrap),
        replicated(&raked, &generalised),
    ];
    let known = |x: Option<f64>| x.unwrap_or(f64::NAN);
    let of_design = survey.df();
    let cell = |c: usize| {
        let mut found = Found {
            n: plain[0][c].n as f64,
            estimate: [0, 1].map(|k| known(plain[k][c].estimate)),
            variance: [f64::NAN; 9],
            df: [known(plain[0][c].df), known(approximate[0][c].df)],
            covers: [[f64::NAN; WAYS]; 2],
            width: [[f64::NAN; WAYS]; 2],
        };
        for (v, rows) in variances.iter().enumerate() {
            let row = match (v, rows) {
                (0, _) => Some(&plain[0][c]),
                (UNRAKED, _) => Some(&plain[1][c]),
                (_, rows) => rows.as_ref().map(|rows| &rows[c]),
            };
            found.variance[v] = known(row.and_then(|row| row.se)).powi(2);
        }
        for k in 0..2 {
            for (i, (_, method, freedom)) in INTERVALS.into_iter().enumerate() {
                let row = &plain[k][c];
                let own = row.df.filter(|df| *df > 0.0);
                let df = match freedom {
                    Freedom::Infinite => own.map(|_| f64::INFINITY),
                    Freedom::Design => own.map(|_| of_design),
                    Freedom::Domain => own,
                    Freedom::Satterthwaite => approximate[k][c].df.filter(|df| *df > 0.0),
                };
                let by_jackknife = found.variance[JACKKNIFE[k]].sqrt();
                let se = if i < BY_JACKKNIFE { row.se } else { Some(by_jackknife) };
                let made = interval(
                    method,
                    &IntervalInput {
                        estimate: known(row.estimate),
                        se: se.filter(|se| se.is_finite()),
                        n: row.n,
                        df,
                        level: 0.95,
                        certain: false,
                    },
                );
                if let (Some(lower), Some(upper)) = (made.lower, made.upper) {
                    let inside = (lower..=upper).contains(&population.truth[c]);
                    found.covers[k][i] = f64::from(u8::from(inside));
                    found.width[k][i] = upper.min(1.0) - lower.max(0.0);
                }
            }
        }
        found
    };
    Some((0..CELLS).map(cell).collect())
}

/// All samples of a design.
pub struct Trials {
    pub design: &'static str,
    pub draws: Vec<Vec<Found>>,
    /// Samples that could not be raked.
    pub lost: usize,
}

impl Trials {
    pub fn run(population: &Population, design: Design, draws: u64) -> Trials {
        let all: Vec<Option<Vec<Found>>> =
            (0..draws).into_par_iter().map(|number| one(population, design, number)).collect();
        let lost = all.iter().filter(|found| found.is_none()).count();
        Trials { design: design.0, draws: all.into_iter().flatten().collect(), lost }
    }

    /// Mean of something in a cell over the samples where it can be had.
    pub fn mean(&self, cell: usize, value: impl Fn(&Found) -> f64) -> f64 {
        mean(self.draws.iter().map(|found| value(&found[cell])))
    }

    /// Mean of a variance estimate ÷ variance of the estimates.
    pub fn variance_ratio(&self, cell: usize, v: usize) -> f64 {
        let raked = usize::from(v >= UNRAKED);
        // Over the same samples for all, as far as they can: a replicate that was lost is rare.
        let known = |found: &Found| found.variance[v].is_finite();
        let of = |value: &dyn Fn(&Found) -> f64| {
            self.mean(cell, |found| if known(found) { value(found) } else { f64::NAN })
        };
        let centre = of(&|found| found.estimate[raked]);
        let truth = of(&|found| (found.estimate[raked] - centre).powi(2));
        of(&|found| found.variance[v]) / truth
    }

    /// Per cent of the intervals there are that hold the truth.
    pub fn coverage(&self, cell: usize, raked: usize, interval: usize) -> f64 {
        100.0 * self.mean(cell, |found| found.covers[raked][interval])
    }

    /// Per cent of the samples without an interval.
    pub fn without(&self, cell: usize, raked: usize, interval: usize) -> f64 {
        let none = |found: &Found| f64::from(u8::from(found.covers[raked][interval].is_nan()));
        100.0 * self.mean(cell, none)
    }
}

/// Mean of the numbers there are.
pub fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.filter(|x| x.is_finite()).fold((0.0, 0.0), |(s, n), x| (s + x, n + 1.0));
    sum / n
}
