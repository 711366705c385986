//! Weighting repeated on replicates: on cells as row by row.

use std::sync::Arc;

use rakewell::data::{Codes, Numbers};
use rakewell::design::SurveyDesign;
use rakewell::estimate::{Analysis, Quantity};
use rakewell::replicate::{
    ReplicateError, ReplicateMethod, ReplicatePlan, ReplicateWeights, Replicates, Resampling, make,
};
use rakewell::weight::{
    Bounds, CalibrationOptions, ClassAdjustment, CollapseRules, Distance, Groups, Ledger, Limit,
    Rate, Reason, Redistribution, Residuals, ScaleTo, Scaling, Trimming,
};

use crate::sample::{calibrate, close, domains, margin, numbers, totals};
use crate::variance::{clustered, ys};

/// Six strata of six PSUs of ten rows.
struct Survey {
    design: SurveyDesign,
    rows: usize,
    sex: Vec<u32>,
    age: Vec<u32>,
    region: Vec<u32>,
    responded: Arc<Vec<bool>>,
}

fn survey() -> Survey {
    let design = clustered(&vec![vec![10; 6]; 6], 21).design();
    let rows = design.rows();
    let code = |seed, levels: f64| -> Vec<u32> {
        ys(seed, rows).iter().map(|y| ((y * 7919.0).fract().abs() * levels) as u32).collect()
    };
    let responded = ys(5, rows).iter().map(|y| (y * 977.0).fract().abs() < 0.8).collect();
    Survey {
        rows,
        sex: code(1, 2.0),
        age: code(2, 4.0),
        region: code(3, 3.0),
        responded: Arc::new(responded),
        design,
    }
}

impl Survey {
    fn ledger(&self, steps: impl FnOnce(&Survey, &mut Ledger)) -> Ledger {
        let mut ledger = Ledger::new(self.design.weights.clone(), "w");
        steps(self, &mut ledger);
        ledger
    }

    /// Totals near those of the sample, which margins share.
    fn margin(&self, name: &str, codes: &[u32], levels: usize) -> rakewell::weight::Margin {
        let mut sums = vec![0.0; levels];
        for (&c, w) in codes.iter().zip(self.design.weights.iter()) {
            sums[c as usize] += w;
        }
        let lean = |(l, s): (usize, &f64)| s * (1.0 + 0.2 * l as f64 / levels as f64);
        let leaned: Vec<f64> = sums.iter().enumerate().map(lean).collect();
        let scale = sums.iter().sum::<f64>() / leaned.iter().sum::<f64>();
        let targets: Vec<f64> = leaned.iter().map(|t| t * scale).collect();
        margin(name, codes, &targets)
    }

    fn margins(&self) -> Vec<rakewell::weight::Margin> {
        vec![
            self.margin("sex", &self.sex, 2),
            self.margin("age", &self.age, 4),
            self.margin("region", &self.region, 3),
        ]
    }

    fn classes(&self) -> ClassAdjustment {
        let groups = Groups {
            codes: Arc::new(Codes::pack(&self.region, 3)),
            names: (0..3).map(|l| format!("region {l}")).collect(),
            levels: (0..3).map(|l| vec![l]).collect(),
        };
        ClassAdjustment::new(
            Reason::Nonresponse,
            &self.design.weights,
            &groups,
            "region",
            Arc::new(vec![true; self.rows]),
            self.responded.clone(),
            None,
            Rate::Weighted,
            &CollapseRules::default(),
        )
        .unwrap()
    }

    fn made(&self, method: Resampling) -> Replicates {
        let plan = ReplicatePlan { replicates: Some(19), seed: 3, ..ReplicatePlan::new(method) };
        make(&self.design, &plan).unwrap()
    }
}

/// Every replicate's weights, and a table's variances, agree with the steps repeated row by row.
#[track_caller]
fn agrees(s: &Survey, ledger: &Ledger, on_cells: bool) {
    assert_eq!(ledger.on_cells().is_some(), on_cells);
    let base = &s.design.weights;
    let y = numbers(&ys(8, s.rows));
    let codes: Vec<u32> = s.age.iter().zip(&s.sex).map(|(a, b)| 2 * a + b).collect();
    let of = domains(&codes, 7);
    for method in [Resampling::RaoWu, Resampling::Jkn, Resampling::Generalized] {
        let made = s.made(method);
        let by_row: Vec<Vec<f64>> = (0..made.weights.count())
            .map(|r| ledger.replay(&made.weight(&s.design.tree, base, r)).unwrap())
            .collect();
        let done = made.clone().reweighted(&s.design.tree, ledger).unwrap();
        for (r, expected) in by_row.iter().enumerate() {
            let found = done.weight(&s.design.tree, ledger.weights(), r);
            for (a, b) in found.iter().zip(expected) {
                close(*a, *b, 1e-8, 1e-8);
            }
        }
        let columns = by_row.into_iter().map(|w| Arc::new(Numbers::F64(w))).collect();
        let weights = ReplicateWeights::Columns { columns, combined: true };
        let plain = Replicates { weights, ..made };
        let [a, b] = [done, plain].map(|replicates| {
            let analysis = Analysis::with_replicates(s.design.clone(), ledger.clone(), replicates);
            analysis.estimate(&[Quantity::Mean(&y), Quantity::Total(&y)], &of, false)
        });
        for (a, b) in a.variances.iter().zip(&b.variances) {
            close(*a, *b, 1e-6, 0.0);
        }
    }
}

#[test]
fn margins_on_cells() {
    let s = survey();
    agrees(&s, &s.ledger(|s, l| l.post_stratify(s.margins().remove(1)).unwrap()), true);
    let raked = s.ledger(|s, l| l.rake(s.margins(), 1e-9, 1000, Residuals::Regression).unwrap());
    agrees(&s, &raked, true);
    let bounds = Bounds { lower: 0.4, upper: 2.5 };
    for distance in
        [Distance::Linear(None), Distance::Logit(bounds), Distance::Raking(Some(bounds))]
    {
        let wanted = totals(&s.margins(), &[]);
        let ledger = s.ledger(|_, l| calibrate(l, &wanted, &CalibrationOptions::new(distance)));
        agrees(&s, &ledger, true);
    }
}

#[test]
fn several_steps_on_cells() {
    let s = survey();
    let ledger = s.ledger(|s, l| {
        l.adjust_in_classes(s.classes()).unwrap();
        l.rake(s.margins(), 1e-9, 1000, Residuals::Regression).unwrap();
        let groups = Groups::everyone(s.rows);
        l.scale(Scaling { groups, to: ScaleTo::Total(5000.0) }).unwrap();
    });
    agrees(&s, &ledger, true);
}

/// What looks at single weights or numbers is repeated row by row.
#[test]
fn other_steps_row_by_row() {
    let s = survey();
    let trimmed = s.ledger(|s, l| {
        l.rake(s.margins(), 1e-9, 1000, Residuals::Regression).unwrap();
        l.trim(Trimming {
            groups: Groups::everyone(s.rows),
            lower: None,
            upper: Some(Limit::MedianRatio(1.8)),
            redistribution: Redistribution::Proportional,
            strict: false,
        })
        .unwrap();
    });
    agrees(&s, &trimmed, false);
    let x = ys(9, s.rows);
    let total: f64 = x.iter().zip(s.design.weights.iter()).map(|(x, w)| x * w).sum();
    let wanted = totals(&[s.margin("sex", &s.sex, 2)], &[(&x, 1.05 * total)]);
    let options = CalibrationOptions::new(Distance::Linear(None));
    agrees(&s, &s.ledger(|_, l| calibrate(l, &wanted, &options)), false);
}

/// Given columns go through the same steps.
#[test]
fn columns_on_cells() {
    let s = survey();
    let ledger = s.ledger(|s, l| l.rake(s.margins(), 1e-9, 1000, Residuals::Regression).unwrap());
    let made = s.made(Resampling::RaoWu);
    let base = &s.design.weights;
    let columns: Vec<Arc<Numbers>> =
        (0..19).map(|r| Arc::new(Numbers::F64(made.weight(&s.design.tree, base, r)))).collect();
    let given = Replicates::from_columns(
        ReplicateMethod::Bootstrap,
        base,
        columns,
        true,
        None,
        None,
        None,
        None,
    )
    .unwrap();
    let done = given.reweighted(&s.design.tree, &ledger).unwrap();
    for r in [0, 7, 8, 18] {
        let expected = ledger.replay(&made.weight(&s.design.tree, base, r)).unwrap();
        let found = done.weight(&s.design.tree, base, r);
        found.iter().zip(&expected).for_each(|(a, b)| close(*a, *b, 1e-8, 1e-8));
    }
}

/// A replicate without a row in some level names itself and the level.
#[test]
fn replicates_that_lose_a_level() {
    let s = survey();
    // All of level 1 is in one PSU.
    let codes: Vec<u32> = (0..s.rows).map(|r| u32::from(r < 10)).collect();
    let ledger = s.ledger(|s, l| l.post_stratify(s.margin("rare", &codes, 2)).unwrap());
    let error = s.made(Resampling::Jkn).reweighted(&s.design.tree, &ledger).unwrap_err();
    assert!(matches!(error, ReplicateError::Weighting { replicate: 1, .. }), "{error}");
    assert!(error.to_string().contains("rare"), "{error}");
}
