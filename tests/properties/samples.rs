//! Several samples in the data: every sample of a tiny population is drawn, with the samples
//! independent and with the boost in the PSUs of the general sample. The variance estimator that
//! knows which is which is exactly unbiased; the other one is not.

use rakewell::data::Column;
use rakewell::design::{
    DesignError, DesignFinding, DesignInput, InCommon, LonelyPsu, Samples, SurveyDesign, Variable,
};
use rakewell::estimate::Analysis;
use rakewell::weight::Ledger;

use super::exhaustive::subsets;
use super::sample::{close, mean, total};

fn analysis(input: &DesignInput<'_>) -> Analysis {
    let design = SurveyDesign::build(input).unwrap();
    let ledger = Ledger::new(design.weights.clone(), "design weight");
    Analysis::new(design, ledger)
}

/// How the samples are told to the design.
#[derive(Clone, Copy)]
enum Told {
    Apart,
    Shared,
    Nothing,
}

/// One row: sample, PSU, weight, y, and the fpc of the two stages.
type Row = (&'static str, usize, f64, f64, f64, f64);

fn estimated(rows: &[Row], told: Told, stages: usize) -> (f64, f64) {
    let origin: Vec<Option<&str>> = rows.iter().map(|r| Some(r.0)).collect();
    let origin = Column::text("origin", &origin);
    let psu = Column::numbers("psu", rows.iter().map(|r| r.1 as f64).collect());
    let row = Column::numbers("row", (0..rows.len()).map(|i| i as f64).collect());
    let weight = Column::numbers("w", rows.iter().map(|r| r.2).collect());
    let fpc = Column::numbers("N", rows.iter().map(|r| r.4).collect());
    let fpc2 = Column::numbers("M", rows.iter().map(|r| r.5).collect());
    let y: Vec<f64> = rows.iter().map(|r| r.3).collect();
    let shared = vec![vec!["general".to_string(), "boost".to_string()]];
    let samples = |shared| Some(Samples { variable: Variable::of(&origin), shared });
    let input = DesignInput {
        rows: rows.len(),
        clusters: [Variable::of(&psu), Variable::of(&row)][..stages].to_vec(),
        weight: Some(Variable::of(&weight)),
        fpc: [Variable::of(&fpc), Variable::of(&fpc2)][..stages].to_vec(),
        samples: match told {
            Told::Apart => samples(Vec::new()),
            Told::Shared => samples(shared),
            Told::Nothing => None,
        },
        ..DesignInput::default()
    };
    total(&analysis(&input), &y)
}

/// Mean of the estimates, their variance, and the mean of the estimated variances.
fn over(all: &[(f64, f64)]) -> (f64, f64, f64) {
    let estimates: Vec<f64> = all.iter().map(|e| e.0).collect();
    let m = mean(&estimates);
    let variance = mean(&estimates.iter().map(|e| (e - m) * (e - m)).collect::<Vec<_>>());
    (m, variance, mean(&all.iter().map(|e| e.1).collect::<Vec<_>>()))
}

/// PSU totals of what the general sample and the boost count, together y of five PSUs.
const GENERAL: [f64; 5] = [12.0, 15.0, 14.0, 19.0, 22.0];
const BOOST: [f64; 5] = [11.0, 13.0, 13.0, 16.0, 20.0];

fn rows(sample: &'static str, psus: &[usize], y: &[f64; 5]) -> Vec<Row> {
    let weight = 5.0 / psus.len() as f64;
    psus.iter().map(|&p| (sample, p, weight, y[p], 5.0, 0.0)).collect()
}

#[test]
fn independent_samples_of_the_same_psus() {
    // Three of five PSUs for the general sample, two of the same five for the boost.
    let every = |told| -> Vec<(f64, f64)> {
        let mut all = Vec::new();
        for first in subsets(5, 3) {
            for second in subsets(5, 2) {
                let mut both = rows("general", &first, &GENERAL);
                both.extend(rows("boost", &second, &BOOST));
                all.push(estimated(&both, told, 1));
            }
        }
        all
    };
    let (m, variance, apart) = over(&every(Told::Apart));
    close(m, GENERAL.iter().chain(&BOOST).sum(), 1e-13, 0.0);
    close(apart, variance, 1e-12, 0.0);
    // Taken as the same PSUs, totals that were drawn apart are put together, and those drawn by one
    // sample only are compared with those drawn by both.
    let (_, _, wrong) = over(&every(Told::Shared));
    assert!(wrong > 2.5 * variance, "{wrong} {variance}");
    let (_, _, silent) = over(&every(Told::Nothing));
    close(silent, wrong, 1e-12, 0.0);
}

#[test]
fn a_boost_in_the_psus_of_the_general_sample() {
    let every = |told| -> Vec<(f64, f64)> {
        let drawn = subsets(5, 3).into_iter().map(|psus| {
            let mut both = rows("general", &psus, &GENERAL);
            both.extend(rows("boost", &psus, &BOOST));
            estimated(&both, told, 1)
        });
        drawn.collect()
    };
    let (m, variance, shared) = over(&every(Told::Shared));
    close(m, GENERAL.iter().chain(&BOOST).sum(), 1e-13, 0.0);
    close(shared, variance, 1e-12, 0.0);
    // Taken as independent, twice the covariance is lost: here nearly half of the variance.
    let (_, _, apart) = over(&every(Told::Apart));
    assert!(apart < 0.6 * variance, "{apart} {variance}");
}

/// Two of three PSUs; within each, two of three households for the general sample and again two of
/// three for the boost: the second stage is two samples in the same PSU.
#[test]
fn within_shared_psus_samples_are_apart() {
    let y = [[1.0, 4.0, 7.0], [3.0, 3.5, 9.0], [10.0, 2.0, 5.0]];
    let pairs = subsets(3, 2);
    let mut all = Vec::new();
    for psus in &pairs {
        for code in 0..81_usize {
            let choice = [code % 3, code / 3 % 3, code / 9 % 3, code / 27];
            let mut drawn: Vec<Row> = Vec::new();
            for (k, &psu) in psus.iter().enumerate() {
                for (s, (sample, share)) in [("general", 0.7), ("boost", 0.3)].iter().enumerate() {
                    for &household in &pairs[choice[2 * k + s]] {
                        let weight = share * 1.5 * 1.5;
                        drawn.push((sample, psu, weight, y[psu][household], 3.0, 3.0));
                    }
                }
            }
            all.push(estimated(&drawn, Told::Shared, 2));
        }
    }
    let (m, variance, shared) = over(&all);
    close(m, y.iter().flatten().sum(), 1e-13, 0.0);
    close(shared, variance, 1e-12, 0.0);
}

/// Identifiers that both samples use, against identifiers made different by hand.
#[test]
fn the_same_as_prefixed_identifiers() {
    let origin = ["a", "a", "a", "a", "b", "b", "b", "b", "c", "c", "c", "c"].map(Some);
    let origin = Column::text("origin", &origin);
    let h = [1., 1., 2., 2., 1., 1., 2., 2., 1., 1., 2., 2.];
    let p = [1., 2., 1., 2., 1., 2., 1., 2., 1., 2., 1., 2.];
    let of = [0., 0., 0., 0., 1., 1., 1., 1., 2., 2., 2., 2.];
    let y = [3., 8., 1., 7., 4., 4.5, 9., 2., 6., 1., 5., 5.5];
    let (stratum, psu) = (Column::numbers("h", h.to_vec()), Column::numbers("p", p.to_vec()));
    let of_all = |by: &[f64; 12]| (0..12).map(|i| by[i] * 10.0 + h[i]).collect::<Vec<f64>>();
    let run = |stratum: &Column, samples| {
        let input = DesignInput {
            rows: 12,
            strata: vec![Some(Variable::of(stratum))],
            clusters: vec![Variable::of(&psu)],
            nested: true,
            samples,
            ..DesignInput::default()
        };
        let analysis = analysis(&input);
        (total(&analysis, &y).1, analysis.design.df())
    };
    let samples = |lists: &[[&str; 2]]| {
        let shared = lists.iter().map(|l| l.map(str::to_string).to_vec()).collect();
        Some(Samples { variable: Variable::of(&origin), shared })
    };
    let by_hand = Column::numbers("by hand", of_all(&of));
    assert_eq!(run(&stratum, samples(&[])), run(&by_hand, None));
    assert_eq!(run(&stratum, samples(&[])).1, 12.0 - 6.0);
    // The first and the last share PSUs.
    let two = Column::numbers("two", of_all(&of.map(|o| if o == 2.0 { 0.0 } else { o })));
    assert_eq!(run(&stratum, samples(&[["a", "c"]])), run(&two, None));
    assert_eq!(run(&stratum, samples(&[["a", "c"]])).1, 8.0 - 4.0);
    assert_eq!(run(&stratum, samples(&[["c", "b"]])).1, 8.0 - 4.0);
}

#[test]
fn identifiers_straddle_strata_within_samples_only() {
    let origin = Column::text("origin", &["a", "a", "a", "b", "b"].map(Some));
    let psu = Column::numbers("p", vec![1., 2., 3., 1., 3.]);
    let build = |h: [f64; 5], shared: Vec<Vec<String>>, lonely| {
        let stratum = Column::numbers("h", h.to_vec());
        let samples = Some(Samples { variable: Variable::of(&origin), shared });
        SurveyDesign::build(&DesignInput {
            rows: 5,
            strata: vec![Some(Variable::of(&stratum))],
            clusters: vec![Variable::of(&psu)],
            samples,
            lonely,
            ..DesignInput::default()
        })
    };
    let both = || vec![vec!["a".to_string(), "b".to_string()]];
    let h = [1., 1., 1., 2., 2.];
    assert!(build(h, Vec::new(), LonelyPsu::Error).is_ok());
    let e = build(h, both(), LonelyPsu::Error).unwrap_err();
    assert!(matches!(e, DesignError::NotNested { count: 2, .. }), "{e}");
    assert!(e.to_string().contains("a / 1 and b / 2"), "{e}");
    let e = build(h, vec![vec!["a".into(), "z".into()]], LonelyPsu::Error).unwrap_err();
    assert_eq!(e.to_string(), "no row is of the sample `z`; `origin` has a, b");
    // A stratum with one PSU is not joined with one of another sample.
    let lonely = [1., 1., 1., 1., 2.];
    let design = build(lonely, Vec::new(), LonelyPsu::Collapse).unwrap();
    assert_eq!(design.df(), 5.0 - 2.0);
}

#[test]
fn what_samples_have_in_common_is_counted() {
    let origin = Column::text("origin", &["a", "a", "b", "b", "c"].map(Some));
    let psu = Column::numbers("p", vec![1., 2., 2., 3., 4.]);
    let build = |shared: &[&str]| {
        let shared = vec![shared.iter().map(ToString::to_string).collect()];
        let input = DesignInput {
            rows: 5,
            clusters: vec![Variable::of(&psu)],
            samples: Some(Samples { variable: Variable::of(&origin), shared }),
            lonely: LonelyPsu::Remove,
            ..DesignInput::default()
        };
        SurveyDesign::build(&input).unwrap()
    };
    let nothing = |d: &SurveyDesign| {
        d.findings.iter().any(|f| matches!(f, DesignFinding::NothingShared { .. }))
    };
    assert!(!nothing(&build(&["a", "b"])));
    let design = build(&["a", "c"]);
    assert!(nothing(&design), "{:?}", design.findings);
    let plain =
        DesignInput { rows: 5, clusters: vec![Variable::of(&psu)], ..DesignInput::default() };
    let tree = SurveyDesign::build(&plain).unwrap().tree;
    let found = InCommon::of(&tree, |row| [0, 0, 1, 1, 2].get(row).copied());
    let expected =
        InCommon { psus: 1, of_psus: 4, strata: 1, of_strata: 1, row: 1, samples: vec![0, 1] };
    assert_eq!(found, expected);
}
