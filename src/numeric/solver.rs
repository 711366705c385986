//! Solving with symmetric matrices that may be singular, and saying which columns make them so.

use nalgebra::DMatrix;
use rayon::prelude::*;

/// A column that is a combination of others.
#[derive(Debug, Clone, PartialEq)]
pub struct Dependent {
    /// Its index.
    pub column: usize,
    /// The kept columns it equals: (index, coefficient), in index order. Empty for a column of
    /// zeros. Coefficients that are rounding noise are left out.
    pub combination: Vec<(usize, f64)>,
}

impl Dependent {
    /// What the right-hand side would have to hold in this column for the system to have an exact
    /// solution.
    pub fn implied(&self, rhs: &[f64]) -> f64 {
        self.combination.iter().map(|&(column, coefficient)| coefficient * rhs[column]).sum()
    }
}

/// Why a matrix cannot be factorised.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SolverError {
    /// Rows and columns differ in number.
    #[error("the matrix is not square: {rows} rows, {columns} columns")]
    NotSquare {
        /// Rows.
        rows: usize,
        /// Columns.
        columns: usize,
    },
    /// An entry is infinite or NaN.
    #[error("the entry in row {row}, column {column} is {value}, not a finite number")]
    NotFinite {
        /// Row, from 0.
        row: usize,
        /// Column, from 0.
        column: usize,
        /// The entry.
        value: f64,
    },
    /// The matrix has a negative direction, so it is not a cross-product with non-negative weights.
    #[error("the matrix is not positive semidefinite: a pivot of column {column} is {pivot:.3e}")]
    Indefinite {
        /// Column, from 0.
        column: usize,
        /// The pivot, relative to the diagonal entry.
        pivot: f64,
    },
}

/// A symmetric positive semidefinite matrix A (p × p), factorised to solve A x = b.
///
/// The matrix is scaled to a unit diagonal first, so that the units of the columns do not matter,
/// and factorised by Cholesky with diagonal pivoting (Higham 2002, *Accuracy and Stability of
/// Numerical Algorithms*, §10.3). A column whose pivot, the share of its sum of squares that the
/// columns before it do not explain, is at most the tolerance is dependent. Earlier columns are
/// preferred as pivots, so that of the levels of a factor beside an intercept it is the last one
/// that is found dependent.
///
/// Solutions are basic: zero for every dependent column; one step of iterative refinement. If A is
/// singular and b does not lie in its range, the equations of the kept columns are met and those of
/// dependent columns are not ([`Dependent::implied`] tells).
#[derive(Debug, Clone)]
pub struct SymmetricSolver {
    size: usize,
    /// 1/√diagonal; 0 for a zero column.
    scale: Vec<f64>,
    /// Pivots in the order they were taken.
    order: Vec<usize>,
    /// Lower triangle L of the scaled matrix in pivot order, row by row (row i holds i + 1 numbers).
    factor: Vec<Vec<f64>>,
    /// The scaled matrix of the kept columns in pivot order, for refinement.
    kept_matrix: Vec<Vec<f64>>,
    kept: Vec<usize>,
    dependent: Vec<Dependent>,
}

impl SymmetricSolver {
    /// The default tolerance: pivots of at most 1e-12 of the diagonal count as zero.
    pub const TOLERANCE: f64 = 1e-12;

    /// An earlier column is taken before a later one unless its pivot is smaller by this factor.
    const PREFERENCE: f64 = 0.01;

    /// Factorises a matrix with the default tolerance. Only the lower triangle is read.
    ///
    /// # Errors
    ///
    /// If the matrix is not square, not finite, or clearly not positive semidefinite.
    pub fn new(matrix: &DMatrix<f64>) -> Result<SymmetricSolver, SolverError> {
        SymmetricSolver::with_tolerance(matrix, SymmetricSolver::TOLERANCE)
    }

    /// Factorises a matrix; pivots of at most `tolerance` times the diagonal count as zero.
    ///
    /// # Errors
    ///
    /// As [`SymmetricSolver::new`].
    pub fn with_tolerance(
        matrix: &DMatrix<f64>,
        tolerance: f64,
    ) -> Result<SymmetricSolver, SolverError> {
        let size = matrix.ncols();
        check(matrix)?;
        let scale: Vec<f64> = (0..size)
            .map(|i| if matrix[(i, i)] > 0.0 { 1.0 / matrix[(i, i)].sqrt() } else { 0.0 })
            .collect();
        let scaled = |i: usize, j: usize| matrix[(i.max(j), i.min(j))] * scale[i] * scale[j];

        // Rows of L for every column: finished ones in `order`, the rest in progress.
        let mut rows: Vec<Vec<f64>> = vec![Vec::new(); size];
        let mut left: Vec<f64> = scale.iter().map(|&s| if s > 0.0 { 1.0 } else { 0.0 }).collect();
        let mut open: Vec<usize> = (0..size).collect();
        let mut order = Vec::new();
        loop {
            let largest = open.iter().fold(0.0_f64, |m, &i| m.max(left[i]));
            if largest <= tolerance {
                break;
            }
            let Some(at) = open
                .iter()
                .position(|&i| left[i] >= Self::PREFERENCE * largest && left[i] > tolerance)
            else {
                break;
            };
            let pivot = open.remove(at);
            let root = left[pivot].sqrt();
            let pivot_row = std::mem::take(&mut rows[pivot]);
            for &i in &open {
                let entry = (scaled(i, pivot) - dot(&rows[i], &pivot_row)) / root;
                rows[i].push(entry);
                left[i] -= entry * entry;
            }
            rows[pivot] = pivot_row;
            rows[pivot].push(root);
            order.push(pivot);
        }
        let noise = 1e-10_f64.max(100.0 * tolerance);
        if let Some(&column) = open.iter().find(|&&i| left[i] < -noise) {
            return Err(SolverError::Indefinite { column, pivot: left[column] });
        }

        let factor: Vec<Vec<f64>> = order.iter().map(|&i| std::mem::take(&mut rows[i])).collect();
        let kept_matrix =
            order.iter().map(|&i| order.iter().map(|&j| scaled(i, j)).collect()).collect();
        let mut kept = order.clone();
        kept.sort_unstable();
        let mut solver = SymmetricSolver {
            size,
            scale,
            order,
            factor,
            kept_matrix,
            kept,
            dependent: Vec::new(),
        };
        solver.dependent = open
            .iter()
            .map(|&column| {
                let rhs: Vec<f64> = solver
                    .order
                    .iter()
                    .map(|&i| {
                        matrix[(i.max(column), i.min(column))]
                            * solver.scale[i]
                            * solver.scale[column]
                    })
                    .collect();
                solver.describe(column, &rhs)
            })
            .collect();
        Ok(solver)
    }

    /// The number of columns.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The number of independent columns.
    pub fn rank(&self) -> usize {
        self.order.len()
    }

    /// The columns kept, in index order.
    pub fn kept(&self) -> &[usize] {
        &self.kept
    }

    /// The dependent columns, in index order.
    pub fn dependent(&self) -> &[Dependent] {
        &self.dependent
    }

    /// The basic solution of A x = b, in the order of the columns; zero for dependent columns.
    ///
    /// # Panics
    ///
    /// If `rhs` has not p entries.
    pub fn solve(&self, rhs: &[f64]) -> Vec<f64> {
        assert_eq!(rhs.len(), self.size, "length of the right-hand side");
        let scaled: Vec<f64> = self.order.iter().map(|&i| rhs[i] * self.scale[i]).collect();
        let solution = self.solve_refined(&scaled);
        let mut x = vec![0.0; self.size];
        for (&i, value) in self.order.iter().zip(solution) {
            x[i] = value * self.scale[i];
        }
        x
    }

    /// The basic solution of A X = B, column by column.
    ///
    /// # Panics
    ///
    /// If B has not p rows.
    pub fn solve_matrix(&self, rhs: &DMatrix<f64>) -> DMatrix<f64> {
        let mut x = DMatrix::zeros(self.size, rhs.ncols());
        if self.size > 0 && rhs.ncols() > 0 {
            assert_eq!(rhs.nrows(), self.size, "rows of the right-hand side");
            let columns = x.as_mut_slice().par_chunks_mut(self.size);
            let all = columns.zip(rhs.as_slice().par_chunks(self.size)).with_min_len(8);
            all.for_each(|(x, b)| x.copy_from_slice(&self.solve(b)));
        }
        x
    }

    /// The combination of kept columns that a dependent column equals.
    fn describe(&self, column: usize, scaled_rhs: &[f64]) -> Dependent {
        if self.scale[column] == 0.0 {
            return Dependent { column, combination: Vec::new() };
        }
        // In units of the scaled columns a coefficient below 1e-7 is noise: the columns agree to
        // about the root of the tolerance.
        let mut combination: Vec<(usize, f64)> = self
            .order
            .iter()
            .zip(self.solve_refined(scaled_rhs))
            .filter(|(_, c)| c.abs() > 1e-7)
            .map(|(&i, c)| (i, c * self.scale[i] / self.scale[column]))
            .collect();
        combination.sort_unstable_by_key(|&(i, _)| i);
        Dependent { column, combination }
    }

    /// Solution of the scaled, ordered system with one step of refinement.
    fn solve_refined(&self, rhs: &[f64]) -> Vec<f64> {
        let mut x = self.substitute(rhs);
        let residual: Vec<f64> = self
            .kept_matrix
            .iter()
            .zip(rhs)
            .map(|(row, &b)| {
                let mut sum = super::Sum::new();
                sum.add(b);
                for (a, v) in row.iter().zip(&x) {
                    let product = a * v;
                    sum.add(-product);
                    sum.add(-a.mul_add(*v, -product));
                }
                sum.value()
            })
            .collect();
        for (value, correction) in x.iter_mut().zip(self.substitute(&residual)) {
            *value += correction;
        }
        x
    }

    /// L L′ x = b.
    fn substitute(&self, rhs: &[f64]) -> Vec<f64> {
        let mut x = rhs.to_vec();
        for i in 0..x.len() {
            let row = &self.factor[i];
            x[i] = (x[i] - dot(&row[..i], &x[..i])) / row[i];
        }
        for i in (0..x.len()).rev() {
            let row = &self.factor[i];
            x[i] /= row[i];
            let value = x[i];
            for (target, l) in x[..i].iter_mut().zip(row) {
                *target -= l * value;
            }
        }
        x
    }
}

fn check(matrix: &DMatrix<f64>) -> Result<(), SolverError> {
    if matrix.nrows() != matrix.ncols() {
        return Err(SolverError::NotSquare { rows: matrix.nrows(), columns: matrix.ncols() });
    }
    for column in 0..matrix.ncols() {
        for row in column..matrix.nrows() {
            let value = matrix[(row, column)];
            if !value.is_finite() {
                return Err(SolverError::NotFinite { row, column, value });
            }
            if row == column && value < 0.0 {
                return Err(SolverError::Indefinite { column, pivot: value });
            }
        }
    }
    Ok(())
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::Gram;
    use ndarray::Array2;
    use proptest::prelude::*;

    fn gram(x: &Array2<f64>) -> DMatrix<f64> {
        let mut gram = Gram::new(x.ncols());
        gram.add_block(&x.view(), &vec![1.0; x.nrows()]);
        gram.finish()
    }

    /// Intercept and every level of a factor with the given level per row.
    fn dummies(levels: usize, rows: usize) -> Array2<f64> {
        Array2::from_shape_fn((rows, levels + 1), |(i, j)| {
            if j == 0 || i * i % levels == j - 1 || (i < levels && i == j - 1) { 1.0 } else { 0.0 }
        })
    }

    #[test]
    fn dummy_trap_names_the_last_level() {
        // Each row has exactly one level: level = row mod 4, with unequal counts.
        let level = |i: usize| if i.is_multiple_of(3) { 0 } else { i % 4 };
        let x = Array2::from_shape_fn((40, 5), |(i, j)| f64::from(j == 0 || level(i) == j - 1));
        let solver = SymmetricSolver::new(&gram(&x)).unwrap();
        assert_eq!(solver.rank(), 4);
        assert_eq!(solver.kept(), [0, 1, 2, 3]);
        let dependent = &solver.dependent()[0];
        assert_eq!(dependent.column, 4);
        // last = intercept − first − second − third
        let expected = [(0, 1.0), (1, -1.0), (2, -1.0), (3, -1.0)];
        assert_eq!(dependent.combination.len(), 4);
        for (found, wanted) in dependent.combination.iter().zip(expected) {
            assert_eq!(found.0, wanted.0);
            assert!((found.1 - wanted.1).abs() < 1e-12, "{found:?}");
        }
        // A right-hand side in the range is met in all five equations.
        let a = gram(&x);
        let b = &a * nalgebra::DVector::from_vec(vec![1.0, 2.0, -1.0, 0.5, 3.0]);
        let solution = solver.solve(b.as_slice());
        assert_eq!(solution[4], 0.0);
        let back = &a * nalgebra::DVector::from_vec(solution);
        assert!((back - &b).amax() < 1e-12 * b.amax());
        assert!((dependent.implied(b.as_slice()) - b[4]).abs() < 1e-12 * b.amax());
    }

    #[test]
    fn units_do_not_matter() {
        // Columns in units from 1e-6 to 1e9, one of them a combination of two others.
        let units = [1.0, 1e-6, 1e9, 1e3];
        let x = Array2::from_shape_fn((50, 4), |(i, j)| {
            let base = |j: usize| match j {
                0 => 1.0,
                1 => (i as f64 * 0.7).sin(),
                _ => (i as f64 * 1.3).cos(),
            };
            units[j] * if j == 3 { 2.0 * base(1) - 3.0 * base(2) } else { base(j) }
        });
        let a = gram(&x);
        let solver = SymmetricSolver::new(&a).unwrap();
        assert_eq!(solver.kept(), [0, 1, 2]);
        let dependent = &solver.dependent()[0];
        assert_eq!(dependent.combination.iter().map(|c| c.0).collect::<Vec<_>>(), [1, 2]);
        assert!((dependent.combination[0].1 / (2.0 * 1e3 / 1e-6) - 1.0).abs() < 1e-9);
        assert!((dependent.combination[1].1 / (-3.0 * 1e3 / 1e9) - 1.0).abs() < 1e-9);
        let truth = [2.0, 5e6, -1e-9, 0.0];
        let b = &a * nalgebra::DVector::from_row_slice(&truth);
        for (found, wanted) in solver.solve(b.as_slice()).iter().zip(truth) {
            assert!((found - wanted).abs() <= 1e-11 * wanted.abs(), "{found} {wanted}");
        }
    }

    #[test]
    fn hilbert_matrix_of_order_eight() {
        // Condition number 1.5e10. The inverse has whole entries; its first row is known.
        let hilbert = DMatrix::from_fn(8, 8, |i, j| 1.0 / (i + j + 1) as f64);
        let solver = SymmetricSolver::with_tolerance(&hilbert, 1e-15).unwrap();
        assert_eq!(solver.rank(), 8);
        let inverse = solver.solve_matrix(&DMatrix::identity(8, 8));
        let first = [64.0, -2016.0, 20160.0, -92400.0, 221_760.0, -288_288.0, 192_192.0, -51480.0];
        for (found, wanted) in inverse.row(0).iter().zip(first) {
            assert!((found / wanted - 1.0).abs() < 2e-6, "{found} {wanted}");
        }
        // Pivot k of the scaled matrix is 1/C(2k, k)² (from the Cholesky factor of the Hilbert
        // matrix): above 1e-12 up to k = 11, so that of order 14 twelve columns are kept.
        let singular = DMatrix::from_fn(14, 14, |i, j| 1.0 / (i + j + 1) as f64);
        let rank = SymmetricSolver::new(&singular).unwrap().rank();
        assert_eq!(rank, 12);
    }

    #[test]
    fn degenerate_matrices() {
        let zero = SymmetricSolver::new(&DMatrix::zeros(3, 3)).unwrap();
        assert_eq!(zero.rank(), 0);
        assert_eq!(zero.solve(&[1.0, 2.0, 3.0]), [0.0; 3]);
        assert!(zero.dependent().iter().all(|d| d.combination.is_empty()));
        assert_eq!(SymmetricSolver::new(&DMatrix::zeros(0, 0)).unwrap().rank(), 0);
        assert!(matches!(
            SymmetricSolver::new(&DMatrix::zeros(2, 3)),
            Err(SolverError::NotSquare { rows: 2, columns: 3 })
        ));
        let mut bad = DMatrix::identity(2, 2);
        bad[(1, 0)] = f64::NAN;
        assert!(matches!(
            SymmetricSolver::new(&bad),
            Err(SolverError::NotFinite { row: 1, column: 0, .. })
        ));
        let indefinite = DMatrix::from_row_slice(2, 2, &[1.0, 2.0, 2.0, 1.0]);
        assert!(matches!(
            SymmetricSolver::new(&indefinite),
            Err(SolverError::Indefinite { column: 1, .. })
        ));
    }

    #[test]
    fn many_levels() {
        let x = dummies(7, 300);
        let a = gram(&x);
        let solver = SymmetricSolver::new(&a).unwrap();
        let b: Vec<f64> = (0..8).map(|j| 10.0 + j as f64).collect();
        let solution = nalgebra::DVector::from_vec(solver.solve(&b));
        let back = &a * solution;
        for &column in solver.kept() {
            assert!((back[column] - b[column]).abs() < 1e-9);
        }
    }

    proptest! {
        #[test]
        fn solves_full_rank_systems(values in prop::collection::vec(-1.0..1.0_f64, 60), size in 1_usize..6) {
            let x = Array2::from_shape_fn((10, size), |(i, j)| {
                values[i * 6 + j] + if i == j { 3.0 } else { 0.0 }
            });
            let a = gram(&x);
            let truth: Vec<f64> = (0..size).map(|j| j as f64 - 1.5).collect();
            let b = &a * nalgebra::DVector::from_row_slice(&truth);
            let solver = SymmetricSolver::new(&a).unwrap();
            prop_assert_eq!(solver.rank(), size);
            for (found, wanted) in solver.solve(b.as_slice()).iter().zip(&truth) {
                prop_assert!((found - wanted).abs() < 1e-12, "{} {}", found, wanted);
            }
        }
    }
}
