//! Small designs, and the few steps every test takes.

use std::sync::Arc;

use rakewell::aggregate::{DomainCodes, XColumns, XTerm};
use rakewell::data::{Codes, Column, Numbers};
use rakewell::design::{DesignInput, LonelyPsu, SurveyDesign, Variable};
use rakewell::estimate::{Analysis, Quantity, Raw};
use rakewell::weight::{CalibrationOptions, CalibrationStatus, Ledger, Margin, Totals};

/// The design variables of a sample; a list per stage.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    pub strata: Vec<Vec<f64>>,
    pub clusters: Vec<Vec<f64>>,
    pub fpc: Vec<Vec<f64>>,
    pub weight: Vec<f64>,
    pub lonely: LonelyPsu,
    pub lonely_in_domain: bool,
}

impl Sample {
    /// The design; weights are implied by the population sizes unless given.
    pub fn try_design(&self) -> Result<SurveyDesign, rakewell::design::DesignError> {
        let columns = |name: &str, lists: &[Vec<f64>]| -> Vec<Column> {
            lists.iter().map(|list| Column::numbers(name, list.clone())).collect()
        };
        let strata = columns("stratum", &self.strata);
        let clusters = columns("cluster", &self.clusters);
        let fpc = columns("size", &self.fpc);
        let weight = Column::numbers("weight", self.weight.clone());
        let all = [&self.strata, &self.clusters, &self.fpc];
        let rows = all.iter().flat_map(|l| l.iter()).map(Vec::len).max();
        SurveyDesign::build(&DesignInput {
            rows: rows.unwrap_or(self.weight.len()).max(self.weight.len()),
            clusters: clusters.iter().map(Variable::of).collect(),
            strata: strata.iter().map(|c| Some(Variable::of(c))).collect(),
            weight: (!self.weight.is_empty()).then(|| Variable::of(&weight)),
            fpc: fpc.iter().map(Variable::of).collect(),
            nested: true,
            lonely: self.lonely,
            lonely_in_domain: self.lonely_in_domain,
            ..DesignInput::default()
        })
    }

    pub fn design(&self) -> SurveyDesign {
        self.try_design().unwrap()
    }

    pub fn analysis(&self) -> Analysis {
        let design = self.design();
        let ledger = Ledger::new(design.weights.clone(), "design weight");
        Analysis::new(design, ledger)
    }

    /// The analysis after some weighting steps.
    pub fn weighted(&self, steps: impl FnOnce(&mut Ledger)) -> Analysis {
        let design = self.design();
        let mut ledger = Ledger::new(design.weights.clone(), "design weight");
        steps(&mut ledger);
        Analysis::new(design, ledger)
    }
}

pub fn numbers(values: &[f64]) -> Numbers {
    Numbers::F64(values.to_vec())
}

/// Domains from codes; a code of `count` or more is outside.
pub fn domains(codes: &[u32], count: usize) -> DomainCodes {
    let inside = |&c: &u32| if (c as usize) < count { c } else { Codes::NONE };
    let codes: Vec<u32> = codes.iter().map(inside).collect();
    DomainCodes { codes: Codes::pack(&codes, count), count }
}

/// One domain that holds every row.
pub fn everyone(rows: usize) -> DomainCodes {
    domains(&vec![0; rows], 1)
}

/// Estimates in the whole sample, with covariances.
pub fn overall(analysis: &Analysis, quantities: &[Quantity<'_>]) -> Raw {
    analysis.estimate(quantities, &everyone(analysis.design.rows()), true)
}

/// A total and its variance.
pub fn total(analysis: &Analysis, y: &[f64]) -> (f64, f64) {
    let raw = overall(analysis, &[Quantity::Total(&numbers(y))]);
    (raw.values[0], raw.variances[0])
}

/// A margin by codes.
pub fn margin(name: &str, codes: &[u32], targets: &[f64]) -> Margin {
    Margin {
        name: name.to_string(),
        codes: Arc::new(Codes::pack(codes, targets.len())),
        levels: (0..targets.len()).map(|l| l.to_string()).collect(),
        targets: targets.to_vec(),
    }
}

/// The levels of margins, then numbers, as calibration columns with their totals.
pub fn totals(margins: &[Margin], values: &[(&[f64], f64)]) -> Totals {
    let mut terms: Vec<XTerm> = margins.iter().map(Margin::term).collect();
    let mut targets: Vec<f64> = margins.iter().flat_map(|m| m.targets.clone()).collect();
    for (x, target) in values {
        terms.push(XTerm { codes: None, values: Some(Arc::new(numbers(x))), width: 1 });
        targets.push(*target);
    }
    let names = (0..targets.len()).map(|i| format!("x{i}")).collect();
    Totals { x: XColumns { terms }, targets, names, part: Vec::new() }
}

pub fn calibrate(ledger: &mut Ledger, totals: &Totals, options: &CalibrationOptions) {
    let status = ledger.calibrate(totals, options, false).unwrap();
    assert!(matches!(status, CalibrationStatus::Converged { .. }), "{status}");
}

/// The calibration columns of every row, written out.
pub fn dense(totals: &Totals, rows: usize) -> nalgebra::DMatrix<f64> {
    let mut x = nalgebra::DMatrix::zeros(rows, totals.targets.len());
    for row in 0..rows {
        totals.x.row(row).for_each(|(column, value)| x[(row, column)] = value);
    }
    x
}

/// |a − b| ≤ tolerance × the larger of |a|, |b| and `size`.
#[track_caller]
pub fn close(a: f64, b: f64, tolerance: f64, size: f64) {
    let scale = a.abs().max(b.abs()).max(size);
    assert!((a - b).abs() <= tolerance * scale, "{a} and {b}: {:e}", (a - b).abs() / scale);
}

pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Σ (y − ȳ)²/(n − 1).
pub fn s2(values: &[f64]) -> f64 {
    let m = mean(values);
    values.iter().map(|y| (y - m) * (y - m)).sum::<f64>() / (values.len() as f64 - 1.0)
}
