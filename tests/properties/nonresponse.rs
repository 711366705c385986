//! Nonresponse adjustments under repeated sampling and repeated response: bias, and the linearised
//! standard error beside the true one.

use std::sync::Arc;

use rakewell::aggregate::{XColumns, XTerm};
use rakewell::data::{Codes, Numbers};
use rakewell::estimate::Quantity;
use rakewell::numeric::random::{open_unit, stream};
use rakewell::weight::{
    ClassAdjustment, CollapseRules, Groups, PropensityAdjustment, PropensityUse, Rate, Reason,
};
use rand::Rng;

use super::sample::{Sample, numbers, overall};

const UNITS: usize = 6000;
const DRAWN: usize = 300;
const DRAWS: u64 = 600;

/// A population whose response depends on what its outcome depends on.
struct Population {
    x: Vec<f64>,
    class: Vec<u32>,
    y: Vec<f64>,
    propensity: Vec<f64>,
}

fn population() -> Population {
    let mut random = stream(1, "population", 0);
    let mut unit = move || open_unit(random.next_u64());
    let x: Vec<f64> = (0..UNITS).map(|_| 2.0 * unit() - 1.0).collect();
    let class: Vec<u32> = (0..UNITS).map(|i| (i % 4) as u32).collect();
    let y = x
        .iter()
        .zip(&class)
        .map(|(x, c)| 10.0 + 4.0 * x + f64::from(*c) + 4.0 * (unit() + unit() - 1.0))
        .collect();
    let propensity = x
        .iter()
        .zip(&class)
        .map(|(x, c)| 1.0 / (1.0 + (-(0.3 + 1.2 * x - 0.3 * f64::from(*c))).exp()))
        .collect();
    Population { x, class, y, propensity }
}

/// What one adjustment gave over all draws: mean estimate, true variance, mean estimated variance.
#[derive(Default)]
struct Outcome {
    estimates: Vec<f64>,
    variances: Vec<f64>,
}

impl Outcome {
    fn summary(&self) -> (f64, f64, f64) {
        let n = self.estimates.len() as f64;
        let mean = self.estimates.iter().sum::<f64>() / n;
        let variance =
            self.estimates.iter().map(|e| (e - mean) * (e - mean)).sum::<f64>() / (n - 1.0);
        (mean, variance, self.variances.iter().sum::<f64>() / n)
    }
}

#[test]
fn linearised_variances_are_those_of_repeated_samples() {
    let p = population();
    let truth = p.y.iter().sum::<f64>() / UNITS as f64;
    let kinds = [
        (PropensityUse::Direct, Rate::Weighted),
        (PropensityUse::Direct, Rate::Unweighted),
        (PropensityUse::Quantiles(5), Rate::Weighted),
    ];
    let mut outcomes: Vec<Outcome> = (0..kinds.len() + 1).map(|_| Outcome::default()).collect();
    let mut naive = Vec::new();
    for draw in 0..DRAWS {
        let mut random = stream(2, "draw", draw);
        let mut unit = || open_unit(random.next_u64());
        // Unequal probabilities with replacement: class 0 is a boost.
        let rows: Vec<usize> = (0..DRAWN)
            .map(|_| {
                let start = (unit() * (UNITS / 4) as f64) as usize * 4;
                let class = if unit() < 0.5 { 0 } else { 1 + (unit() * 3.0) as usize };
                start + class
            })
            .collect();
        let share = |i: usize| if i.is_multiple_of(4) { 0.5 } else { 0.5 / 3.0 };
        let weight: Vec<f64> =
            rows.iter().map(|&i| (UNITS / 4) as f64 / (DRAWN as f64 * share(i))).collect();
        let responded: Arc<Vec<bool>> =
            Arc::new(rows.iter().map(|&i| unit() < p.propensity[i]).collect());
        let s = Sample { weight, ..Sample::default() };
        let y: Vec<f64> = rows.iter().map(|&i| p.y[i]).collect();
        let x: Vec<f64> = rows.iter().map(|&i| p.x[i]).collect();
        let codes: Vec<u32> = rows.iter().map(|&i| p.class[i]).collect();
        let class = Arc::new(Codes::pack(&codes, 4));
        let terms = vec![
            XTerm { codes: None, values: None, width: 1 },
            XTerm { codes: None, values: Some(Arc::new(Numbers::F64(x.clone()))), width: 1 },
            XTerm { codes: Some(class), values: None, width: 4 },
        ];
        for (kind, (using, rate)) in kinds.iter().enumerate() {
            let done = s.weighted(|l| {
                l.adjust_by_propensity(PropensityAdjustment {
                    x: XColumns { terms: terms.clone() },
                    names: vec!["x".to_string(), "class".to_string()],
                    eligible: Arc::new(vec![true; DRAWN]),
                    responded: responded.clone(),
                    rate: *rate,
                    using: using.clone(),
                    rules: CollapseRules { min_count: 5, ..CollapseRules::default() },
                })
                .expect("a model");
            });
            let raw = overall(&done, &[Quantity::Mean(&numbers(&y))]);
            outcomes[kind].estimates.push(raw.values[0]);
            outcomes[kind].variances.push(raw.variances[0]);
        }
        // Classes of x by the sign and of the class: response is not the same within them.
        let cells: Vec<u32> = rows.iter().map(|&i| p.class[i] * 4 + quarter(p.x[i])).collect();
        let groups = Groups {
            codes: Arc::new(Codes::pack(&cells, 16)),
            names: (0..16).map(|c| c.to_string()).collect(),
            levels: (0..16).map(|c| vec![c / 4, c % 4]).collect(),
        };
        let done = s.weighted(|l| {
            let step = ClassAdjustment::new(
                Reason::Nonresponse,
                l.weights(),
                &groups,
                "class",
                Arc::new(vec![true; DRAWN]),
                responded.clone(),
                None,
                Rate::Weighted,
                &CollapseRules { min_count: 5, ..CollapseRules::default() },
            )
            .expect("classes");
            l.adjust_in_classes(step).expect("respondents");
        });
        let raw = overall(&done, &[Quantity::Mean(&numbers(&y))]);
        let last = outcomes.len() - 1;
        outcomes[last].estimates.push(raw.values[0]);
        outcomes[last].variances.push(raw.variances[0]);
        // Without an adjustment: respondents alone.
        let (mut top, mut below) = (0.0, 0.0);
        for i in (0..DRAWN).filter(|&i| responded[i]) {
            top += s.weight[i] * y[i];
            below += s.weight[i];
        }
        naive.push(top / below);
    }
    let naive = naive.iter().sum::<f64>() / naive.len() as f64;
    assert!(naive - truth > 0.5, "the adjustment has something to do: {naive} and {truth}");
    for (kind, outcome) in outcomes.iter().enumerate() {
        let (mean, variance, estimated) = outcome.summary();
        // Six standard errors of the mean over the draws; classes leave a little bias.
        let allowed = 6.0 * (variance / DRAWS as f64).sqrt() + if kind >= 2 { 0.25 } else { 0.0 };
        assert!((mean - truth).abs() < allowed, "kind {kind}: {mean} and {truth}");
        // The ratio of variances from 600 draws is uncertain by 6 %.
        let ratio = estimated / variance;
        assert!((0.8..1.25).contains(&ratio), "kind {kind}: {ratio}");
    }
}

fn quarter(x: f64) -> u32 {
    (((x + 1.0) * 2.0) as u32).min(3)
}
