//! Totals that are themselves estimates, from another survey.

use nalgebra::{DMatrix, SymmetricEigen};
use rand::Rng;

use super::error::WeightError;
use crate::numeric::random::{below, stream};

/// Totals estimated by a control survey that is independent of the sample: their covariance, and how
/// replicates are to know of it.
///
/// The linearised variance of an estimate calibrated to them grows by B'VB (Dever and Valliant 2010). Replicates
/// are calibrated to totals t_r that are moved about t, so that Σ A_r (t_r − t)(t_r − t)' = V, where A_r is
/// what replicate r counts with (scale × rscale). The variance of replicates is then to be taken about
/// the full-sample estimate.
#[derive(Debug, Clone, PartialEq)]
pub struct ControlTotals {
    covariance: DMatrix<f64>,
    /// Moves of the totals: what each counts with, and its entries.
    moves: Vec<Move>,
    method: ControlMethod,
    seed: u64,
}

#[derive(Debug, Clone, PartialEq)]
struct Move {
    /// A of the control survey's replicate; 1 for an eigenvector.
    counts: f64,
    by: Vec<f64>,
}

/// How the replicates of a sample are given the error of control totals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ControlMethod {
    /// V is written as Σ v v' by its eigenvectors; each moves the totals of one replicate, chosen at
    /// random (Fuller 1998).
    Fuller,
    /// Each replicate of the control survey moves the totals of one replicate of the sample, matched
    /// at random (Opsomer and Erciulescu 2021).
    OpsomerErciulescu,
}

/// One replicate among all: its number, and what each of them counts with in the variance.
#[derive(Debug, Clone, Copy)]
pub struct ReplicateOf<'a> {
    /// Its number, from 0.
    pub index: usize,
    /// Scale × rscale of every replicate.
    pub counts: &'a [f64],
}

impl ControlTotals {
    /// Totals with a covariance; replicates by Fuller's method. `names` are those of the totals.
    ///
    /// # Errors
    /// When the matrix has another size, is not finite, not symmetric, or not that of a variance.
    pub fn from_covariance(
        covariance: DMatrix<f64>,
        names: &[String],
        seed: u64,
    ) -> Result<ControlTotals, WeightError> {
        let size = names.len();
        if covariance.nrows() != size || covariance.ncols() != size {
            let found = covariance.nrows().max(covariance.ncols());
            return Err(WeightError::Shape {
                what: "rows and columns of the covariance of the totals",
                found,
                expected: size,
            });
        }
        let wrong = |why: String| Err(WeightError::Covariance(why));
        for (i, name) in names.iter().enumerate() {
            let v = covariance[(i, i)];
            if !v.is_finite() || v < 0.0 {
                return wrong(format!("the variance of {name} is {v}"));
            }
        }
        for i in 0..size {
            for j in 0..i {
                let (a, b) = (covariance[(i, j)], covariance[(j, i)]);
                let most = (covariance[(i, i)] * covariance[(j, j)]).sqrt();
                if !a.is_finite() || !b.is_finite() || (a - b).abs() > 1e-8 * most.max(a.abs()) {
                    return wrong(format!(
                        "the covariance of {} and {} is given as {a} and {b}",
                        names[i], names[j]
                    ));
                }
                if a.abs() > most * (1.0 + 1e-8) {
                    return wrong(format!(
                        "the covariance of {} and {} is {a}, more than their variances allow \
                         ({most})",
                        names[i], names[j]
                    ));
                }
            }
        }
        let covariance = (&covariance + covariance.transpose()) * 0.5;
        let eigen = SymmetricEigen::try_new(covariance.clone(), f64::EPSILON, 10_000)
            .ok_or_else(|| WeightError::Covariance("it has no eigenvalues".to_string()))?;
        let largest = eigen.eigenvalues.iter().fold(0.0_f64, |a, b| a.max(*b));
        if let Some(negative) = eigen.eigenvalues.iter().find(|v| **v < -1e-8 * largest) {
            return wrong(format!(
                "it is not that of a variance: it has the eigenvalue {negative:.3e} (its largest is \
                 {largest:.3e})"
            ));
        }
        // The largest first, so that the random choice does not depend on the order of the solver.
        let mut order: Vec<usize> =
            (0..size).filter(|&i| eigen.eigenvalues[i] > 1e-12 * largest).collect();
        order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
        let one = |i: usize| Move {
            counts: 1.0,
            by: eigen
                .eigenvectors
                .column(i)
                .iter()
                .map(|v| v * eigen.eigenvalues[i].sqrt())
                .collect(),
        };
        let moves = order.into_iter().map(one).collect();
        Ok(ControlTotals { covariance, moves, method: ControlMethod::Fuller, seed })
    }

    /// Totals of a control survey with replicate weights: `totals` of the full control sample,
    /// `replicates` a list like it per replicate, `counts` what each counts with (scale × rscale).
    /// The covariance is Σ A_r (t_r − t)(t_r − t)'.
    ///
    /// # Errors
    /// When lists have different lengths, or as [`ControlTotals::from_covariance`].
    pub fn from_replicates(
        totals: &[f64],
        replicates: &[Vec<f64>],
        counts: &[f64],
        method: ControlMethod,
        names: &[String],
        seed: u64,
    ) -> Result<ControlTotals, WeightError> {
        let size = totals.len();
        let shape = |what, found, expected| {
            if found == expected {
                Ok(())
            } else {
                Err(WeightError::Shape { what, found, expected })
            }
        };
        shape("scales of the control replicates", counts.len(), replicates.len())?;
        let mut covariance = DMatrix::zeros(size, size);
        let mut moves = Vec::with_capacity(replicates.len());
        for (replicate, &count) in replicates.iter().zip(counts) {
            shape("totals of a control replicate", replicate.len(), size)?;
            let by: Vec<f64> = replicate.iter().zip(totals).map(|(r, t)| r - t).collect();
            for (j, b) in by.iter().enumerate() {
                for (i, a) in by.iter().enumerate() {
                    covariance[(i, j)] += count * a * b;
                }
            }
            if count > 0.0 {
                moves.push(Move { counts: count, by });
            }
        }
        let mut control = ControlTotals::from_covariance(covariance, names, seed)?;
        if method == ControlMethod::OpsomerErciulescu {
            (control.moves, control.method) = (moves, method);
        }
        Ok(control)
    }

    /// The covariance of the totals.
    pub fn covariance(&self) -> &DMatrix<f64> {
        &self.covariance
    }

    /// How replicates are given its error.
    pub fn method(&self) -> ControlMethod {
        self.method
    }

    /// The totals that a replicate is calibrated to.
    ///
    /// # Errors
    /// When there are fewer replicates that count than moves.
    pub fn targets(&self, totals: &[f64], of: &ReplicateOf<'_>) -> Result<Vec<f64>, WeightError> {
        let able: Vec<usize> = (0..of.counts.len()).filter(|&r| of.counts[r] > 0.0).collect();
        if able.len() < self.moves.len() {
            return Err(WeightError::ControlReplicates {
                needed: self.moves.len(),
                found: able.len(),
                matched: self.method == ControlMethod::OpsomerErciulescu,
            });
        }
        let Some(place) = able.iter().position(|&r| r == of.index) else {
            return Ok(totals.to_vec());
        };
        let Some(own) = shuffled(able.len(), self.seed).into_iter().position(|r| r == place) else {
            return Ok(totals.to_vec());
        };
        let Some(moved) = self.moves.get(own) else { return Ok(totals.to_vec()) };
        let share = (moved.counts / of.counts[of.index]).sqrt();
        Ok(totals.iter().zip(&moved.by).map(|(t, by)| t + share * by).collect())
    }
}

/// The numbers below `count` in random order, the same one for the same seed (Fisher and Yates).
fn shuffled(count: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut random = stream(seed, "control totals", 0);
    for last in (1..count).rev() {
        let other = below(last as u64 + 1, || random.next_u64()) as usize;
        order.swap(last, other);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|i| format!("t{i}")).collect()
    }

    /// Σ A_r (t_r − t)(t_r − t)' of the totals that replicates get.
    fn spread(control: &ControlTotals, totals: &[f64], counts: &[f64]) -> DMatrix<f64> {
        let size = totals.len();
        (0..counts.len()).fold(DMatrix::zeros(size, size), |sum, index| {
            let moved = control.targets(totals, &ReplicateOf { index, counts }).unwrap();
            let by = nalgebra::DVector::from_fn(size, |i, _| moved[i] - totals[i]);
            sum + counts[index] * &by * by.transpose()
        })
    }

    #[test]
    fn replicates_have_the_covariance_of_the_totals() {
        let root = DMatrix::from_row_slice(3, 3, &[2.0, 0.0, 0.0, 1.0, 3.0, 0.0, -1.0, 0.5, 0.1]);
        let v = &root * root.transpose();
        let control = ControlTotals::from_covariance(v.clone(), &names(3), 7).unwrap();
        let counts = [0.5, 0.25, 0.0, 2.0, 0.1];
        let found = spread(&control, &[10.0, 20.0, 30.0], &counts);
        assert!((found - &v).amax() < 1e-12 * v.amax());
        // Replicates of a control survey, matched one by one.
        let totals = [100.0, 50.0];
        let replicates = vec![vec![104.0, 49.0], vec![97.0, 52.0], vec![101.0, 50.5]];
        let own = [0.5, 0.25, 0.5];
        for method in [ControlMethod::Fuller, ControlMethod::OpsomerErciulescu] {
            let control =
                ControlTotals::from_replicates(&totals, &replicates, &own, method, &names(2), 3)
                    .unwrap();
            let found = spread(&control, &totals, &counts);
            assert!((found - control.covariance()).amax() < 1e-12 * 30.0, "{method:?}");
        }
    }

    #[test]
    fn what_is_no_covariance_is_said() {
        let wrong = |values: &[f64], part: &str| {
            let v = DMatrix::from_row_slice(2, 2, values);
            let found = ControlTotals::from_covariance(v, &names(2), 1);
            assert!(
                matches!(&found, Err(WeightError::Covariance(e)) if e.contains(part)),
                "{found:?}"
            );
        };
        wrong(&[1.0, 0.5, 0.4, 1.0], "given as");
        wrong(&[1.0, 2.0, 2.0, 1.0], "more than their variances");
        wrong(&[-1.0, 0.0, 0.0, 1.0], "variance of t0");
        wrong(&[1.0, f64::NAN, 0.0, 1.0], "given as");
        // Fewer replicates than there are moves.
        let control =
            ControlTotals::from_covariance(DMatrix::identity(2, 2), &names(2), 1).unwrap();
        let one = ReplicateOf { index: 0, counts: &[1.0] };
        assert!(control.targets(&[1.0, 1.0], &one).is_err());
    }
}
