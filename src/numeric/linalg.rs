//! Small dense symmetric systems.

use nalgebra::DMatrix;

/// A symmetric positive semi-definite matrix, factorised by Cholesky with diagonal pivoting.
///
/// The matrix is scaled to a unit diagonal first, so that units of the variables do not decide
/// the rank. Dependent columns get a zero in every solution.
#[derive(Debug, Clone)]
pub struct SymmetricSolver {
    /// Kept columns, in pivot order.
    kept: Vec<usize>,
    dependent: Vec<usize>,
    /// Lower triangle over the kept columns.
    factor: DMatrix<f64>,
    /// One over the square root of the diagonal.
    scale: Vec<f64>,
}

impl SymmetricSolver {
    /// Factorises; a column whose scaled pivot falls to `tolerance` depends on the ones before.
    pub fn new(matrix: &DMatrix<f64>, tolerance: f64) -> SymmetricSolver {
        let q = matrix.nrows();
        let scale: Vec<f64> = (0..q)
            .map(|i| {
                let d = matrix[(i, i)];
                if d > 0.0 && d.is_finite() { 1.0 / d.sqrt() } else { 0.0 }
            })
            .collect();
        let mut a = DMatrix::from_fn(q, q, |i, j| matrix[(i, j)] * scale[i] * scale[j]);
        let mut order: Vec<usize> = (0..q).collect();
        let mut rank = 0;
        while rank < q {
            let pivot = (rank..q)
                .max_by(|&i, &j| a[(i, i)].total_cmp(&a[(j, j)]).then(order[j].cmp(&order[i])));
            let Some(pivot) = pivot.filter(|&i| a[(i, i)] > tolerance) else { break };
            order.swap(rank, pivot);
            a.swap_rows(rank, pivot);
            a.swap_columns(rank, pivot);
            let root = a[(rank, rank)].sqrt();
            a[(rank, rank)] = root;
            for i in rank + 1..q {
                a[(i, rank)] /= root;
            }
            for j in rank + 1..q {
                let l = a[(j, rank)];
                if l != 0.0 {
                    for i in j..q {
                        let m = a[(i, rank)];
                        a[(i, j)] -= m * l;
                    }
                }
            }
            // Only the lower triangle is kept up: mirror what later swaps will read.
            for j in rank + 1..q {
                for i in j + 1..q {
                    a[(j, i)] = a[(i, j)];
                }
            }
            rank += 1;
        }
        let factor = DMatrix::from_fn(rank, rank, |i, j| if j <= i { a[(i, j)] } else { 0.0 });
        let mut dependent = order.split_off(rank);
        dependent.sort_unstable();
        SymmetricSolver { kept: order, dependent, factor, scale }
    }

    /// Number of independent columns.
    pub fn rank(&self) -> usize {
        self.kept.len()
    }

    /// The columns that depend on others, ascending.
    pub fn dependent_columns(&self) -> Vec<usize> {
        self.dependent.clone()
    }

    /// A solution of A x = b with zeros for dependent columns.
    pub fn solve(&self, b: &[f64]) -> Vec<f64> {
        let r = self.rank();
        let mut y: Vec<f64> = self.kept.iter().map(|&k| b[k] * self.scale[k]).collect();
        for i in 0..r {
            for j in 0..i {
                y[i] -= self.factor[(i, j)] * y[j];
            }
            y[i] /= self.factor[(i, i)];
        }
        for i in (0..r).rev() {
            for j in i + 1..r {
                y[i] -= self.factor[(j, i)] * y[j];
            }
            y[i] /= self.factor[(i, i)];
        }
        let mut x = vec![0.0; b.len()];
        for (&k, value) in self.kept.iter().zip(y) {
            x[k] = value * self.scale[k];
        }
        x
    }

    /// Solutions for every column of B.
    pub fn solve_matrix(&self, b: &DMatrix<f64>) -> DMatrix<f64> {
        let mut out = DMatrix::zeros(b.nrows(), b.ncols());
        for (j, column) in b.column_iter().enumerate() {
            let x = self.solve(column.clone_owned().as_slice());
            out.column_mut(j).copy_from_slice(&x);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependent_columns_are_found_whatever_their_units() {
        // Columns: 1, a, b = 1 − a (in units of a millionth).
        let rows = [[1.0, 1.0, 0.0], [1.0, 0.0, 1e-6], [1.0, 1.0, 0.0], [1.0, 0.0, 1e-6]];
        let x = DMatrix::from_fn(4, 3, |i, j| rows[i][j]);
        let solver = SymmetricSolver::new(&x.tr_mul(&x), 1e-12);
        assert_eq!(solver.rank(), 2);
        assert_eq!(solver.dependent_columns().len(), 1);
        let b = x.tr_mul(&DMatrix::from_column_slice(4, 1, &[1.0, 2.0, 3.0, 4.0]));
        let beta = solver.solve(b.as_slice());
        let fitted = &x * DMatrix::from_column_slice(3, 1, &beta);
        assert!((fitted[(0, 0)] - 2.0).abs() < 1e-12 && (fitted[(1, 0)] - 3.0).abs() < 1e-12);
    }
}
