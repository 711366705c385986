//! Scaling: weights multiplied by one number in each group.

use std::sync::Arc;

use nalgebra::DMatrix;

use super::adjustment::{Adjustment, Carrier, Residuals};
use super::error::WeightError;
use super::groups::{Groups, same};
use super::step::{Done, WeightingStep};
use crate::aggregate::{XColumns, XTerm};
use crate::numeric::{Sum, SymmetricSolver};

/// What the weights of a group add up to.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum ScaleTo {
    /// The number of rows with a weight, so that their mean is one.
    SampleSize,
    /// A number, divided among the groups in the proportion of their weights before the step.
    Total(f64),
}

/// A scaling, ready to be carried out. Rows outside every group keep their weight.
#[derive(Debug, Clone)]
pub struct Scaling {
    /// The groups.
    pub groups: Groups,
    /// What their weights add up to.
    pub to: ScaleTo,
}

impl Scaling {
    fn sums(&self, before: &[f64]) -> Result<(Vec<f64>, Vec<f64>), WeightError> {
        same("rows of the groups", self.groups.codes.len(), before.len())?;
        let mut sums = vec![Sum::default(); self.groups.len()];
        let mut rows = vec![0.0; self.groups.len()];
        for (row, &w) in before.iter().enumerate().filter(|(_, w)| **w != 0.0) {
            if let Some(sum) = sums.get_mut(self.groups.codes.get(row) as usize) {
                sum.add(w);
                rows[self.groups.codes.get(row) as usize] += 1.0;
            }
        }
        let sums: Vec<f64> = sums.into_iter().map(Sum::value).collect();
        let all: f64 = sums.iter().sum();
        let factor = |(&sum, &n): (&f64, &f64)| match self.to {
            _ if sum == 0.0 => 1.0,
            ScaleTo::SampleSize => n / sum,
            ScaleTo::Total(total) => total / all,
        };
        let factors = sums.iter().zip(&rows).map(factor).collect();
        Ok((sums, factors))
    }

    fn apply(&self, before: &[f64], factors: &[f64]) -> Vec<f64> {
        let factor =
            |row: usize| factors.get(self.groups.codes.get(row) as usize).copied().unwrap_or(1.0);
        before.iter().enumerate().map(|(row, w)| w * factor(row)).collect()
    }
}

impl WeightingStep for Scaling {
    fn carry_out(&self, before: &Arc<Vec<f64>>) -> Result<Done, WeightError> {
        if let ScaleTo::Total(total) = self.to
            && (!total.is_finite() || total <= 0.0)
        {
            let margin = "scale".to_string();
            let level = "all".to_string();
            return Err(WeightError::Target { margin, level, value: total });
        }
        let (sums, factors) = self.sums(before)?;
        // One total for all groups is one equation.
        let (codes, sums) = match self.to {
            ScaleTo::SampleSize => (self.groups.codes.clone(), sums),
            ScaleTo::Total(_) => {
                let all = vec![0; self.groups.len()];
                (self.groups.joined(&all).codes, vec![sums.iter().sum()])
            }
        };
        let term = XTerm { codes: Some(codes), values: None, width: sums.len() };
        let what = match self.to {
            ScaleTo::SampleSize => "their mean is 1".to_string(),
            ScaleTo::Total(total) => format!("their sum is {total}"),
        };
        let within = match (self.to, self.groups.len()) {
            (ScaleTo::SampleSize, 2..) => " within groups",
            _ => "",
        };
        let adjustment = Adjustment {
            x: XColumns { terms: vec![term] },
            regression_weights: before.clone(),
            carrier: Carrier::After,
            solver: SymmetricSolver::new(&DMatrix::from_diagonal(&sums.into()))?,
            residuals: Residuals::Regression,
            target_covariance: None,
        };
        Ok(Done {
            weights: Arc::new(self.apply(before, &factors)),
            adjustment: Some(adjustment),
            variance: "the sum of the weights is taken as known".to_string(),
            kind: "scale".to_string(),
            description: format!("scaled{within} so that {what}"),
            outcome: String::new(),
            status: None,
            margins: Vec::new(),
            details: Vec::new(),
        })
    }

    fn repeat(&self, before: &[f64]) -> Result<Vec<f64>, WeightError> {
        let (_, factors) = self.sums(before)?;
        Ok(self.apply(before, &factors))
    }

    fn categories(&self) -> Option<Vec<XTerm>> {
        // The size of the sample is counted by rows.
        let counts_rows = self.to == ScaleTo::SampleSize;
        (!counts_rows).then(|| vec![self.groups.term()])
    }

    fn on_rows(&self, rows: &[u32]) -> Option<Arc<dyn WeightingStep>> {
        let groups = self.groups.on_rows(rows);
        Some(Arc::new(Scaling { groups, to: self.to }))
    }
}
