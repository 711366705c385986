//! Replicates of designs with a variance estimator of their own.

use nalgebra::DMatrix;
use rakewell::data::Column;
use rakewell::design::{
    DesignInput, JointProbabilities, Method, PairForm, Selection, SurveyDesign, Variable,
};
use rakewell::estimate::{Analysis, Quantity};
use rakewell::replicate::{
    ReplicatePlan, ReplicateWeights, Replicates, Resampling, VarianceForm, make,
};
use rakewell::weight::Ledger;

use crate::sample::{close, numbers, overall};

/// Two strata of five and four PSUs, one of which is certain, with two rows each.
const PI: [f64; 9] = [0.3, 0.5, 0.25, 0.2, 0.6, 0.4, 0.1, 1.0, 0.25];

fn design(method: Method, form: PairForm) -> SurveyDesign {
    let rows = 18;
    let of_psu = |f: &dyn Fn(usize) -> f64| (0..rows).map(|r| f(r / 2)).collect();
    let stratum = Column::numbers("h", of_psu(&|psu| f64::from(u8::from(psu >= 5))));
    let psu = Column::numbers("psu", of_psu(&|psu| psu as f64));
    let successive = matches!(method, Method::Sd1 | Method::Sd2);
    let p = Column::numbers(
        "p",
        of_psu(&|psu| match (successive, psu >= 5) {
            (true, false) => 20.0,
            (true, true) => 12.0,
            (false, _) => PI[psu],
        }),
    );
    let order = Column::numbers("order", of_psu(&|psu| ((psu * 7) % 9) as f64));
    let size = Column::numbers("size", of_psu(&|psu| ((psu * 5) % 7) as f64 + 1.0));
    let weight =
        Column::numbers("w", (0..rows).map(|r| 1.0 / PI[r / 2] + r as f64 / 50.0).collect());
    // Joint probabilities near those of independent draws within strata.
    let values = DMatrix::from_fn(9, 9, |i, j| match (i == j, (i >= 5) == (j >= 5)) {
        (true, _) => PI[i],
        (false, true) if PI[i] < 1.0 && PI[j] < 1.0 => PI[i] * PI[j] * 0.85,
        _ => PI[i] * PI[j],
    });
    let joint = JointProbabilities { name: "joint".into(), units: Vec::new(), values };
    SurveyDesign::build(&DesignInput {
        rows,
        strata: vec![Some(Variable::of(&stratum))],
        clusters: vec![Variable::of(&psu)],
        fpc: vec![Variable::of(&p)],
        weight: Some(Variable::of(&weight)),
        selection: Selection {
            method,
            form,
            joint: (method == Method::Joint).then_some(joint),
            balance: match method {
                Method::DevilleTille => vec![Variable::of(&size)],
                _ => Vec::new(),
            },
            order: successive.then(|| Variable::of(&order)),
            certainty: None,
        },
        ..DesignInput::default()
    })
    .unwrap()
}

fn total(design: &SurveyDesign, replicates: Option<Replicates>) -> f64 {
    let y = numbers(&(0..18).map(|r| ((r * r) % 11) as f64 + 2.0).collect::<Vec<_>>());
    let ledger = Ledger::new(design.weights.clone(), "w");
    let analysis = match replicates {
        Some(made) => Analysis::with_replicates(design.clone(), ledger, made),
        None => Analysis::new(design.clone(), ledger),
    };
    overall(&analysis, &[Quantity::Total(&y)]).variances[0]
}

const METHODS: [(Method, PairForm); 10] = [
    (Method::Brewer, PairForm::YatesGrundy),
    (Method::Hajek, PairForm::YatesGrundy),
    (Method::Deville2, PairForm::YatesGrundy),
    (Method::DevilleTille, PairForm::YatesGrundy),
    (Method::HartleyRao, PairForm::YatesGrundy),
    (Method::Overton, PairForm::YatesGrundy),
    (Method::Joint, PairForm::YatesGrundy),
    (Method::Poisson, PairForm::YatesGrundy),
    (Method::Sd1, PairForm::YatesGrundy),
    (Method::Sd2, PairForm::YatesGrundy),
];

/// Fay's generalised replication is the design's own variance, exactly.
#[test]
fn generalised_replication_follows_the_design() {
    for (method, form) in METHODS {
        let design = design(method, form);
        let plan = ReplicatePlan::new(Resampling::FayGeneralized);
        let made = make(&design, &plan).unwrap();
        assert!(made.notes.is_empty(), "{method:?}: {:?}", made.notes);
        close(total(&design, Some(made)), total(&design, None), 1e-9, 0.0);
        // The bootstrap has it as its mean.
        let plan = ReplicatePlan {
            replicates: Some(4_000),
            ..ReplicatePlan::new(Resampling::Generalized)
        };
        let bootstrap = total(&design, Some(make(&design, &plan).unwrap()));
        close(bootstrap, total(&design, None), 0.1, 0.0);
    }
}

/// Directions in which an estimator is negative are left out, and said.
#[test]
fn negative_directions_are_left_out() {
    let design = design(Method::Joint, PairForm::HorvitzThompson);
    let made = make(&design, &ReplicatePlan::new(Resampling::FayGeneralized)).unwrap();
    assert!(made.notes[0].contains("negative directions"), "{:?}", made.notes);
    let (replicates, linearised) = (total(&design, Some(made)), total(&design, None));
    assert!(replicates >= linearised * (1.0 - 1e-9), "{replicates} {linearised}");
}

/// The probabilities of the design serve the bootstraps for unequal probabilities.
#[test]
fn bootstraps_take_the_probabilities_of_the_design() {
    let given = |design: &SurveyDesign, method, selection: &[rakewell::replicate::Selection]| {
        let plan = ReplicatePlan {
            replicates: Some(30),
            probabilities: vec![of_units(design)],
            selection: selection.to_vec(),
            ..ReplicatePlan::new(method)
        };
        table(&make(design, &plan).unwrap())
    };
    let own = |design: &SurveyDesign, method| {
        let plan = ReplicatePlan { replicates: Some(30), ..ReplicatePlan::new(method) };
        table(&make(design, &plan).unwrap())
    };
    use rakewell::replicate::Selection::{Poisson, Pps};
    let brewer = design(Method::Brewer, PairForm::YatesGrundy);
    let poisson = design(Method::Poisson, PairForm::YatesGrundy);
    let rescaled = Resampling::RaoWuYueBeaumont;
    assert_eq!(own(&brewer, rescaled), given(&brewer, rescaled, &[Pps]));
    assert_eq!(own(&poisson, rescaled), given(&poisson, rescaled, &[Poisson]));
    assert_eq!(own(&poisson, Resampling::Poisson), given(&poisson, Resampling::Poisson, &[]));
    let plan = |probabilities| ReplicatePlan {
        form: VarianceForm::Deville2,
        probabilities,
        replicates: Some(30),
        ..ReplicatePlan::new(Resampling::Generalized)
    };
    let (a, b) = (plan(Vec::new()), plan(vec![of_units(&brewer)]));
    assert_eq!(table(&make(&brewer, &a).unwrap()), table(&make(&brewer, &b).unwrap()));
}

/// Successive difference replication follows the order of a design with successive differences; methods
/// that do not follow the design say so.
#[test]
fn methods_follow_or_say_that_they_do_not() {
    let design = design(Method::Sd2, PairForm::YatesGrundy);
    let made = make(&design, &ReplicatePlan::new(Resampling::Sdr)).unwrap();
    assert!(made.notes.is_empty());
    close(total(&design, Some(made)), total(&design, None), 1e-9, 0.0);
    let jackknife = make(&design, &ReplicatePlan::new(Resampling::Jkn)).unwrap();
    assert!(jackknife.notes[0].contains("variance estimator of its own"));
}

/// In the order of the units: certain ones have a stratum of their own.
fn of_units(design: &SurveyDesign) -> Vec<f64> {
    let first = design.tree.first_stage_of_unit();
    let mut all = vec![0.0; 9];
    for (row, &unit) in design.tree.unit_of_row.iter().enumerate() {
        all[first[unit as usize] as usize] = PI[row / 2];
    }
    all
}

fn table(replicates: &Replicates) -> Vec<Vec<f64>> {
    let ReplicateWeights::Factors(factors) = &replicates.weights else { panic!("no factors") };
    (0..factors.count()).map(|r| factors.of(r)).collect()
}
