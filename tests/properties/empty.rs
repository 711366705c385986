//! PSUs that were drawn and have no rows: every sample of a tiny population is drawn, and PSUs without
//! rows are the same as PSUs with a row of weight zero, in every variance.

use std::sync::Arc;

use rakewell::data::Column;
use rakewell::design::{
    DesignError, DesignFinding, DesignInput, LonelyPsu, Method, Selection, SurveyDesign, Variable,
};
use rakewell::estimate::{Analysis, Quantity};
use rakewell::replicate::{ReplicateError, ReplicatePlan, Resampling, make};
use rakewell::weight::Ledger;

use super::exhaustive::subsets;
use super::sample::{close, mean, numbers, overall, total};

/// Rows of stratum, PSU, weight and y, with the number of PSUs drawn in each stratum.
struct Rows {
    stratum: Vec<f64>,
    psu: Vec<f64>,
    weight: Vec<f64>,
    y: Vec<f64>,
    drawn: Vec<f64>,
}

impl Rows {
    fn with<T>(&self, said: bool, fpc: Option<f64>, use_it: impl Fn(&DesignInput<'_>) -> T) -> T {
        let stratum = Column::numbers("stratum", self.stratum.clone());
        let psu = Column::numbers("psu", self.psu.clone());
        let weight = Column::numbers("w", self.weight.clone());
        let drawn = Column::numbers("drawn", self.drawn.clone());
        let fpc = fpc.map(|n| Column::numbers("N", vec![n; self.y.len()]));
        use_it(&DesignInput {
            rows: self.y.len(),
            strata: vec![Some(Variable::of(&stratum))],
            clusters: vec![Variable::of(&psu)],
            weight: Some(Variable::of(&weight)),
            fpc: fpc.iter().map(Variable::of).collect(),
            psus_drawn: said.then(|| Variable::of(&drawn)),
            lonely: LonelyPsu::Center,
            ..DesignInput::default()
        })
    }

    fn design(&self, said: bool, fpc: Option<f64>) -> SurveyDesign {
        self.with(said, fpc, |input| SurveyDesign::build(input).unwrap())
    }
}

fn analysis(design: &SurveyDesign) -> Analysis {
    Analysis::new(design.clone(), Ledger::new(design.weights.clone(), "w"))
}

#[test]
fn the_total_of_a_rare_group_has_an_unbiased_variance() {
    // Members of the group live in three of eight areas; four areas are drawn.
    const Y: [f64; 8] = [5.0, 0.0, 0.0, 8.0, 0.0, 3.0, 0.0, 0.0];
    let of = |said: bool| -> Vec<(f64, f64)> {
        let drawn = subsets(8, 4).into_iter().map(|set| {
            let found: Vec<usize> = set.into_iter().filter(|&i| Y[i] > 0.0).collect();
            if found.is_empty() {
                return (0.0, 0.0);
            }
            let n = found.len();
            let y: Vec<f64> = found.iter().map(|&i| Y[i]).collect();
            let rows = Rows {
                stratum: vec![1.0; n],
                psu: found.iter().map(|&i| i as f64).collect(),
                weight: vec![2.0; n],
                y: y.clone(),
                drawn: vec![4.0; n],
            };
            total(&analysis(&rows.design(said, Some(8.0))), &y)
        });
        drawn.collect()
    };
    let said = of(true);
    let estimates: Vec<f64> = said.iter().map(|e| e.0).collect();
    let m = mean(&estimates);
    let variance = mean(&estimates.iter().map(|e| (e - m) * (e - m)).collect::<Vec<_>>());
    close(m, 16.0, 1e-13, 0.0);
    close(mean(&said.iter().map(|e| e.1).collect::<Vec<_>>()), variance, 1e-12, 0.0);
    // The areas with rows alone do not know how many had none.
    let silent = mean(&of(false).iter().map(|e| e.1).collect::<Vec<_>>());
    assert!(silent < 0.5 * variance, "{silent} {variance}");
}

/// Two strata, of five and four PSUs drawn; two and one of them have nobody.
fn told() -> Rows {
    Rows {
        stratum: vec![1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0],
        psu: vec![1.0, 2.0, 2.0, 3.0, 11.0, 11.0, 12.0, 13.0],
        weight: vec![3.0, 2.0, 4.0, 5.0, 1.0, 2.5, 2.0, 6.0],
        y: vec![1.0, 4.0, 2.0, 7.0, 3.0, 0.5, 9.0, 2.0],
        drawn: vec![5.0, 5.0, 5.0, 5.0, 4.0, 4.0, 4.0, 4.0],
    }
}

/// The same with a row of weight zero for each PSU without anybody.
fn padded() -> Rows {
    let mut rows = told();
    for (h, psu) in [(1.0, 4.0), (1.0, 5.0), (2.0, 14.0)] {
        rows.stratum.push(h);
        rows.psu.push(psu);
        rows.weight.push(0.0);
        rows.y.push(0.0);
        rows.drawn.push(if h == 1.0 { 5.0 } else { 4.0 });
    }
    rows
}

#[test]
fn they_are_as_rows_of_weight_zero() {
    let (told, padded) = (told(), padded());
    for fpc in [None, Some(40.0)] {
        let variances = |rows: &Rows, said: bool, method: Option<Resampling>| {
            let design = rows.design(said, fpc);
            let y = numbers(&rows.y);
            let ones = numbers(&vec![1.0; rows.y.len()]);
            let analysis = match method {
                None => analysis(&design),
                Some(method) => {
                    let plan = ReplicatePlan { seed: 3, ..ReplicatePlan::new(method) };
                    let made = make(&design, &plan).unwrap();
                    let ledger = Ledger::new(design.weights.clone(), "w");
                    Analysis::with_replicates(design, ledger, made)
                }
            };
            let ratio = Quantity::Ratio(&y, &ones);
            overall(&analysis, &[Quantity::Total(&y), Quantity::Total(&ones), ratio]).variances
        };
        let all = [None, Some(Resampling::Jkn), Some(Resampling::RaoWu), Some(Resampling::Preston)];
        for method in all {
            let (own, with_rows) =
                (variances(&told, true, method), variances(&padded, false, method));
            assert!(own.iter().all(|v| *v > 0.0));
            for (own, other) in own.iter().zip(&with_rows) {
                close(*own, *other, 1e-12, 0.0);
            }
            let silent = variances(&told, false, method);
            assert!(own[1] > 1.3 * silent[1], "{method:?}: {own:?} {silent:?}");
        }
    }
    let design = told.design(true, None);
    assert_eq!(design.findings, [DesignFinding::EmptyPsus { count: 3, drawn: 9 }]);
    // Degrees of freedom count the PSUs in which there is somebody, as for rows of weight zero.
    close(design.df(), padded.design(false, None).df(), 0.0, 0.0);
}

#[test]
fn certain_psus_are_among_those_drawn() {
    // PSU 1 is certain; of the four others that were drawn two have nobody.
    let mut rows = told();
    rows.drawn[..4].fill(5.0);
    let certain: Vec<f64> = rows.psu.iter().map(|p| f64::from(u8::from(*p == 1.0))).collect();
    let certain = Column::numbers("certain", certain);
    let tree = rows.with(true, None, |input| {
        let selection =
            Selection { certainty: Some(Variable::of(&certain)), ..input.selection.clone() };
        let input = DesignInput { selection, ..input.clone() };
        SurveyDesign::build(&input).unwrap().tree
    });
    let mut sizes: Vec<usize> = tree.stages[0].strata.iter().map(|h| h.n()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 4, 4]);
}

#[test]
fn what_cannot_be_is_refused() {
    let refused = |rows: &Rows| rows.with(true, None, SurveyDesign::build).unwrap_err();
    let mut few = told();
    few.drawn[..4].fill(2.0);
    let text = refused(&few).to_string();
    assert_eq!(text, "`drawn` says that 2 PSUs were drawn in stratum 1, where the data have 3");
    let mut varies = told();
    varies.drawn[6] = 9.0;
    assert_eq!(refused(&varies).to_string(), "`drawn` varies in stratum 2: 4, and 9 in row 7");
    let mut half = told();
    half.drawn[..4].fill(4.5);
    assert!(matches!(refused(&half), DesignError::PsusDrawn { value: 4.5, .. }));
    let mut huge = told();
    huge.drawn[..4].fill(4e9);
    assert!(matches!(refused(&huge), DesignError::TooManyEmpty { .. }));
    let rows = told();
    let row = Column::numbers("row", (0..rows.y.len()).map(|i| i as f64).collect());
    let (successive, crossed) = rows.with(true, None, |input| {
        let selection = Selection { method: Method::Sd2, ..Selection::default() };
        let successive = DesignInput { selection, ..input.clone() };
        let crossed = DesignInput { crossed: Some(Variable::of(&row)), ..input.clone() };
        (SurveyDesign::build(&successive), SurveyDesign::build(&crossed))
    });
    for e in [successive.unwrap_err(), crossed.unwrap_err()] {
        assert!(matches!(e, DesignError::PsusDrawnWith { .. }), "{e}");
    }
    let design = Arc::new(told().design(true, None));
    let plan = ReplicatePlan::new(Resampling::Sdr);
    assert!(matches!(make(&design, &plan), Err(ReplicateError::NoOrder { .. })));
}
