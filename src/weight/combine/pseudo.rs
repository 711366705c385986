//! Pseudo-maximum likelihood for two frames of known sizes (Skinner and Rao 1996).

use std::sync::Arc;

use nalgebra::DMatrix;

use super::coverage::Coverage;
use super::error::CombineError;
use crate::aggregate::{XColumns, XTerm};
use crate::data::{Codes, Numbers};
use crate::numeric::{SolverError, SymmetricSolver};
use crate::weight::{Adjustment, Carrier, Residuals};

/// The domains: in the frame of the first sample only, of the second only, in both.
const DOMAINS: [u32; 3] = [1, 2, 3];

/// The sums that the estimator rests on, and what follows from them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct PseudoLikelihood {
    /// Share θ of the first sample in the common domain.
    pub theta: f64,
    /// Sizes of the frames.
    pub sizes: [f64; 2],
    /// Estimated sizes of the domains that one frame covers, from its sample.
    single: [f64; 2],
    /// The size of the common domain as each sample estimates it.
    common: [f64; 2],
    /// The size of the common domain, the smaller root of the quadratic.
    pub overlap: f64,
    /// How it moves with the estimate of each sample.
    slope: [f64; 2],
}

impl PseudoLikelihood {
    /// Solves for the size of the common domain,
    /// (θ/N_B + (1−θ)/N_A) x² − (1 + θ N̂_A/N_B + (1−θ) N̂_B/N_A) x + θ N̂_A + (1−θ) N̂_B = 0
    /// with N̂_A and N̂_B its estimates from the two samples (Skinner and Rao 1996, eq. 9). Where a
    /// frame lies within the other, the size is known.
    pub fn new(
        coverage: &Coverage,
        sizes: [f64; 2],
        theta: f64,
        weights: &[f64],
    ) -> Result<PseudoLikelihood, CombineError> {
        let sums = coverage.sums(weights);
        let sum = |mask: u32, sample: u32| sums.get(&(mask, sample)).map_or(0.0, |c| c.sum);
        let single = [sum(1, 0), sum(2, 1)];
        let common = [sum(3, 0), sum(3, 1)];
        let pooled = theta * common[0] + (1.0 - theta) * common[1];
        let [a, b] = sizes;
        let contradiction = |reason| CombineError::FrameSizes {
            first: coverage.samples[0].clone(),
            second: coverage.samples[1].clone(),
            first_size: a,
            second_size: b,
            reason,
        };
        let (overlap, slope) = match (single[0] > 0.0, single[1] > 0.0) {
            (false, false) if (a - b).abs() > 1e-9 * a => {
                return Err(contradiction("every row is in both"));
            }
            (_, false) => (b, [0.0; 2]),
            (false, true) => (a, [0.0; 2]),
            (true, true) => {
                let square = theta / b + (1.0 - theta) / a;
                let linear = 1.0 + theta * common[0] / b + (1.0 - theta) * common[1] / a;
                let root = (linear * linear - 4.0 * square * pooled).max(0.0).sqrt();
                let x = 2.0 * pooled / (linear + root);
                let bend = (linear - 2.0 * square * x).max(f64::MIN_POSITIVE);
                (x, [theta * (1.0 - x / b) / bend, (1.0 - theta) * (1.0 - x / a) / bend])
            }
        };
        let rest = [a - overlap, b - overlap];
        if (0..2).any(|k| single[k] > 0.0 && rest[k] <= 0.0) {
            return Err(contradiction("nothing is left for the rows that only one could draw"));
        }
        if overlap > 0.0 && pooled <= 0.0 {
            return Err(CombineError::NoOverlap);
        }
        Ok(PseudoLikelihood { theta, sizes, single, common, overlap, slope })
    }

    /// The factor of a row of a sample in a domain.
    pub fn factor(&self, mask: u32, sample: usize) -> f64 {
        let share = [self.theta, 1.0 - self.theta];
        match mask {
            1 if sample == 0 => (self.sizes[0] - self.overlap) / self.single[0],
            2 if sample == 1 => (self.sizes[1] - self.overlap) / self.single[1],
            3 => share[sample] * self.overlap / self.pooled(),
            _ => 0.0,
        }
    }

    fn pooled(&self) -> f64 {
        self.theta * self.common[0] + (1.0 - self.theta) * self.common[1]
    }

    /// The linearisation: within each domain y less its mean, and the estimated size of the common
    /// domain times ȳ_ab − ȳ_a − ȳ_b. θ is taken as fixed: it multiplies a difference of expectation
    /// zero.
    pub fn adjustment(
        &self,
        coverage: &Coverage,
        before: &[f64],
        after: &Arc<Vec<f64>>,
    ) -> Result<Adjustment, SolverError> {
        let rows = after.len();
        let domain = |row: usize| {
            let position = DOMAINS.iter().position(|d| *d == coverage.masks[row]);
            position.filter(|_| after[row] != 0.0)
        };
        let codes: Vec<u32> =
            (0..rows).map(|r| domain(r).map_or(Codes::NONE, |d| d as u32)).collect();
        let mut size = [0.0; 3];
        (0..rows).filter_map(|r| Some((r, domain(r)?))).for_each(|(r, d)| size[d] += after[r]);
        let solver = SymmetricSolver::new(&DMatrix::from_fn(3, 3, |i, j| {
            if i == j { if size[i] > 0.0 { size[i] } else { 1.0 } } else { 0.0 }
        }))?;
        let carried = |column: usize| {
            let value = |row: usize| {
                let moved =
                    |row: usize| before[row] * self.slope[coverage.sample.get(row) as usize];
                match domain(row) {
                    Some(2) if column == 2 => after[row] - moved(row),
                    Some(2) => moved(row),
                    Some(d) if d == column => after[row],
                    _ => 0.0,
                }
            };
            let values = Arc::new(Numbers::pack((0..rows).map(value).collect()));
            XTerm { codes: None, values: Some(values), width: 1 }
        };
        let own = XTerm { codes: Some(Arc::new(Codes::pack(&codes, 3))), values: None, width: 3 };
        Ok(Adjustment {
            x: XColumns { terms: vec![own] },
            regression_weights: after.clone(),
            carrier: Carrier::Columns(XColumns { terms: (0..3).map(carried).collect() }),
            solver,
            residuals: Residuals::Regression,
            target_covariance: None,
        })
    }
}
