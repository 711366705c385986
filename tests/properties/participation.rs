//! Samples that were not drawn: equations, linearised variances against numerical derivatives, and bias
//! and coverage when participation is repeated.

use std::sync::Arc;

use rakewell::aggregate::{XColumns, XTerm};
use rakewell::data::{Codes, Numbers};
use rakewell::design::UnitTree;
use rakewell::estimate::{Analysis, Quantity};
use rakewell::numeric::random::{open_unit, stream};
use rakewell::weight::{
    Family, Ledger, Participation, ParticipationMethod, Prediction, Reference, WeightError,
};
use rand::Rng;

use super::sample::{Sample, close, numbers, overall};

/// One sample: its columns and outcome.
#[derive(Clone, Default)]
struct Side {
    x: Vec<f64>,
    class: Vec<u32>,
    y: Vec<f64>,
    weight: Vec<f64>,
}

impl Side {
    fn rows(&self) -> usize {
        self.x.len()
    }

    /// An intercept, x and the levels of the class; or the intercept and the class alone.
    fn columns(&self, with_x: bool) -> XColumns {
        let mut terms = vec![XTerm { codes: None, values: None, width: 1 }];
        if with_x {
            let values = Some(Arc::new(Numbers::F64(self.x.clone())));
            terms.push(XTerm { codes: None, values, width: 1 });
        }
        let codes = Some(Arc::new(Codes::pack(&self.class, 3)));
        terms.push(XTerm { codes, values: None, width: 3 });
        XColumns { terms }
    }

    fn tree(&self) -> Arc<UnitTree> {
        Sample { weight: vec![1.0; self.rows()], ..Sample::default() }.design().tree
    }

    fn reference(&self) -> Arc<Reference> {
        Arc::new(Reference { weights: Arc::new(self.weight.clone()), tree: self.tree() })
    }
}

fn names(with_x: bool) -> Vec<(String, String)> {
    let name = |v: &str, l: &str| (v.to_string(), l.to_string());
    let mut all = vec![name("intercept", "")];
    if with_x {
        all.push(name("x", ""));
    }
    all.extend(["a", "b", "c"].map(|l| name("class", l)));
    all
}

fn participation(a: &Side, b: &Side, method: ParticipationMethod, with_x: bool) -> Participation {
    Participation::new(
        a.columns(with_x),
        b.columns(with_x),
        names(with_x),
        a.rows(),
        b.reference(),
        method,
    )
    .expect("columns agree")
}

const METHODS: [ParticipationMethod; 2] =
    [ParticipationMethod::PseudoLikelihood, ParticipationMethod::Pooled];

/// A population, the sample that comes by itself, and a simple random sample as reference.
struct World {
    all: Side,
    propensity: Vec<f64>,
}

fn world(size: usize) -> World {
    let mut random = stream(11, "population", 0);
    let mut unit = move || open_unit(random.next_u64());
    let x: Vec<f64> = (0..size).map(|_| 2.0 * unit() - 1.0).collect();
    let class: Vec<u32> = (0..size).map(|i| (i % 3) as u32).collect();
    let y = x
        .iter()
        .zip(&class)
        .map(|(x, c)| 5.0 + 3.0 * x + f64::from(*c) + 3.0 * (unit() + unit() - 1.0))
        .collect();
    let propensity = x
        .iter()
        .zip(&class)
        .map(|(x, c)| 1.0 / (1.0 + (3.2 - 1.3 * x - 0.5 * f64::from(*c)).exp()))
        .collect();
    World { all: Side { x, class, y, weight: vec![1.0; size] }, propensity }
}

impl World {
    fn pick(&self, rows: &[usize], weight: f64) -> Side {
        Side {
            x: rows.iter().map(|&r| self.all.x[r]).collect(),
            class: rows.iter().map(|&r| self.all.class[r]).collect(),
            y: rows.iter().map(|&r| self.all.y[r]).collect(),
            weight: vec![weight; rows.len()],
        }
    }

    fn draw(&self, draw: u64, reference: usize) -> (Side, Side) {
        let size = self.all.rows();
        let mut random = stream(12, "participation", draw);
        let a: Vec<usize> =
            (0..size).filter(|&r| open_unit(random.next_u64()) < self.propensity[r]).collect();
        let mut random = stream(12, "reference", draw);
        let b: Vec<usize> =
            (0..reference).map(|_| (open_unit(random.next_u64()) * size as f64) as usize).collect();
        (self.pick(&a, 1.0), self.pick(&b, size as f64 / reference as f64))
    }
}

fn weighted(a: &Side, step: Participation) -> Analysis {
    let design = Sample { weight: a.weight.clone(), ..Sample::default() }.design();
    let mut ledger = Ledger::new(design.weights.clone(), "one for everybody");
    ledger.participate(step).expect("a model");
    Analysis::new(design, ledger)
}

/// The equations, written out: the logit of π (or of the odds over one plus them) is linear in x, and with
/// its coefficients Σ_A c x = Σ_B s x.
#[test]
fn weights_solve_their_equations() {
    let (a, b) = world(3000).draw(1, 200);
    for method in METHODS {
        let done = weighted(&a, participation(&a, &b, method, true));
        let w = done.ledger.weights();
        let eta = |w: f64| match method {
            ParticipationMethod::PseudoLikelihood => -(w - 1.0).ln(),
            _ => -w.ln(),
        };
        // x, two classes and an intercept: four independent columns.
        let design = |s: &Side, r: usize| {
            [
                1.0,
                s.x[r],
                f64::from(u8::from(s.class[r] == 1)),
                f64::from(u8::from(s.class[r] == 2)),
            ]
        };
        let matrix = nalgebra::DMatrix::from_fn(a.rows(), 4, |r, c| design(&a, r)[c]);
        let right = nalgebra::DVector::from_iterator(a.rows(), w.iter().map(|w| eta(*w)));
        let beta = matrix.clone().svd(true, true).solve(&right, 1e-12).expect("least squares");
        let fitted = &matrix * &beta;
        (0..a.rows()).for_each(|r| close(fitted[r], right[r], 1e-7, 1.0));
        let p = |s: &Side, r: usize| {
            let eta: f64 = design(s, r).iter().zip(beta.iter()).map(|(x, b)| x * b).sum();
            1.0 / (1.0 + (-eta).exp())
        };
        for column in 0..4 {
            let own: f64 = (0..a.rows())
                .map(|r| {
                    let c = match method {
                        ParticipationMethod::PseudoLikelihood => 1.0,
                        _ => 1.0 - p(&a, r),
                    };
                    c * design(&a, r)[column]
                })
                .sum();
            let other: f64 =
                (0..b.rows()).map(|r| b.weight[r] * p(&b, r) * design(&b, r)[column]).sum();
            close(own, other, 1e-6, 1.0);
        }
    }
}

fn centred(z: &[f64]) -> f64 {
    let n = z.len() as f64;
    let mean = z.iter().sum::<f64>() / n;
    n / (n - 1.0) * z.iter().map(|z| (z - mean) * (z - mean)).sum::<f64>()
}

/// Σ n/(n − 1) (z − z̄)² over the rows of both samples, z how the estimate moves with the weight of a row.
fn by_derivatives(a: &Side, b: &Side, estimate: &dyn Fn(&Side, &Side) -> f64) -> f64 {
    let h = 1e-4;
    let moved = |s: &Side, r: usize, by: f64| {
        let mut s = s.clone();
        s.weight[r] *= 1.0 + by;
        s
    };
    let za: Vec<f64> = (0..a.rows())
        .map(|r| (estimate(&moved(a, r, h), b) - estimate(&moved(a, r, -h), b)) / (2.0 * h))
        .collect();
    let zb: Vec<f64> = (0..b.rows())
        .map(|r| (estimate(a, &moved(b, r, h)) - estimate(a, &moved(b, r, -h))) / (2.0 * h))
        .collect();
    centred(&za) + centred(&zb)
}

fn pseudo_weighted_mean(a: &Side, b: &Side, method: ParticipationMethod) -> f64 {
    let fit = participation(a, b, method, true).fit(&a.weight).expect("a model");
    let sum: f64 = fit.weights.iter().sum();
    fit.weights.iter().zip(&a.y).map(|(w, y)| w * y).sum::<f64>() / sum
}

/// Class 1 alone, or everybody.
fn predicted(
    a: &Side,
    b: &Side,
    robust: Option<ParticipationMethod>,
    family: Family,
    with_x: (bool, bool),
    everybody: bool,
) -> (f64, f64) {
    let scaled = |s: &Side| -> Vec<f64> {
        match family {
            Family::Logistic => s.y.iter().map(|y| f64::from(u8::from(*y > 6.0))).collect(),
            _ => s.y.clone(),
        }
    };
    let domain = |s: &Side| {
        let code = |c: &u32| if everybody || *c == 1 { 0 } else { Codes::NONE };
        Codes::pack(&s.class.iter().map(code).collect::<Vec<u32>>(), 1)
    };
    let (y, tree, x) = (scaled(a), a.tree(), a.columns(with_x.1));
    let (reference, reference_x) = (b.reference(), b.columns(with_x.1));
    let (own, other) = (domain(a), domain(b));
    let prediction = Prediction {
        y: &y,
        base: &a.weight,
        tree: &tree,
        x: &x,
        reference_x: &reference_x,
        reference: &reference,
        domain: &own,
        reference_domain: &other,
        domains: 1,
        family,
    };
    let means = match robust {
        None => prediction.mass_imputation(),
        Some(method) => {
            let step = participation(a, b, method, with_x.0);
            let fit = step.fit(&a.weight).expect("a model");
            let (x, reference_x) = step.columns();
            prediction.doubly_robust(&fit, x, reference_x)
        }
    };
    means.expect("a model")[0]
}

#[test]
fn linearised_variances_are_those_of_numerical_derivatives() {
    let (a, b) = world(1200).draw(3, 60);
    for method in METHODS {
        let done = weighted(&a, participation(&a, &b, method, true));
        let raw = overall(&done, &[Quantity::Mean(&numbers(&a.y))]);
        close(raw.values[0], pseudo_weighted_mean(&a, &b, method), 1e-12, 0.0);
        let expected = by_derivatives(&a, &b, &|a, b| pseudo_weighted_mean(a, b, method));
        close(raw.variances[0], expected, 1e-5, 0.0);
    }
    for family in [Family::Linear, Family::Logistic] {
        for robust in [None, Some(METHODS[0]), Some(METHODS[1])] {
            for everybody in [true, false] {
                let of =
                    |a: &Side, b: &Side| predicted(a, b, robust, family, (true, true), everybody);
                let expected = by_derivatives(&a, &b, &|a, b| of(a, b).0);
                close(of(&a, &b).1, expected, 1e-5, 0.0);
            }
        }
    }
}

/// What an estimator gives over all draws.
#[derive(Default)]
struct Record {
    estimates: Vec<f64>,
    variances: Vec<f64>,
}

#[test]
fn estimators_keep_their_promises_when_participation_is_repeated() {
    const DRAWS: u64 = 300;
    let world = world(6000);
    let truth = world.all.y.iter().sum::<f64>() / world.all.rows() as f64;
    let mut naive = 0.0;
    // Right models; then one of the two wrong (x left out), then both.
    let robust = [(true, true), (true, false), (false, true), (false, false)];
    let mut records: Vec<Record> = (0..7).map(|_| Record::default()).collect();
    for draw in 0..DRAWS {
        let (a, b) = world.draw(draw, 250);
        naive += a.y.iter().sum::<f64>() / a.rows() as f64 / DRAWS as f64;
        let mut found = Vec::new();
        for method in METHODS {
            let done = weighted(&a, participation(&a, &b, method, true));
            let raw = overall(&done, &[Quantity::Mean(&numbers(&a.y))]);
            found.push((raw.values[0], raw.variances[0]));
        }
        found.push(predicted(&a, &b, None, Family::Linear, (true, true), true));
        for with_x in robust {
            found.push(predicted(&a, &b, Some(METHODS[0]), Family::Linear, with_x, true));
        }
        for (record, (estimate, variance)) in records.iter_mut().zip(found) {
            record.estimates.push(estimate);
            record.variances.push(variance);
        }
    }
    assert!(naive - truth > 0.8, "participants differ: {naive} and {truth}");
    for (kind, record) in records.iter().enumerate() {
        let n = DRAWS as f64;
        let mean = record.estimates.iter().sum::<f64>() / n;
        let variance = record.estimates.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let bias = (mean - truth) / variance.sqrt();
        if kind == 6 {
            assert!(bias > 3.0, "both models wrong: {bias}");
            continue;
        }
        // A bias of a third of the standard error lowers the coverage by less than 2 points.
        assert!(bias.abs() < 0.33, "kind {kind}: bias of {bias} standard errors");
        let ratio = record.variances.iter().sum::<f64>() / n / variance;
        assert!((0.75..1.35).contains(&ratio), "kind {kind}: variance ratio {ratio}");
        let covered = record
            .estimates
            .iter()
            .zip(&record.variances)
            .filter(|(e, v)| (*e - truth).abs() <= 1.96 * v.sqrt())
            .count() as f64;
        // 95 % ± 3.5 standard errors of a share of 300.
        assert!(covered / n > 0.905, "kind {kind}: coverage {}", covered / n);
    }
}

#[test]
fn levels_must_be_in_both_samples() {
    let (a, b) = world(1200).draw(3, 60);
    let mut without = b.clone();
    without.class.iter_mut().for_each(|c| *c = (*c).min(1));
    for (a, b, text) in
        [(&a, &without, "reference sample has `c`"), (&without, &a, "sample has `c`")]
    {
        let refused = participation(a, b, METHODS[0], true).fit(&a.weight);
        assert!(
            matches!(&refused, Err(WeightError::Participation(m)) if m.contains(text)),
            "{refused:?}"
        );
    }
}
