//! Cross-products X′WX accumulated over blocks of rows.

use nalgebra::DMatrix;
use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, Zip};

/// X′WX of a tall matrix that arrives in blocks of rows; W is the diagonal matrix of weights.
///
/// Each block is one matrix product; blocks are added with compensation, so a total over a
/// thousand blocks is as accurate as one block. For an X′Wy as well, give y as a last column.
///
/// Shapes: X is n × p with any n, p fixed; memory p² and, while a block is added, the size of the
/// block. A missing value (NaN) in a block makes its row and column of the result NaN: leave such
/// rows out or give them a value and weight 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Gram {
    total: Array2<f64>,
    compensation: Array2<f64>,
    rows: u64,
}

impl Gram {
    /// An empty X′WX for p columns.
    pub fn new(columns: usize) -> Gram {
        Gram {
            total: Array2::zeros((columns, columns)),
            compensation: Array2::zeros((columns, columns)),
            rows: 0,
        }
    }

    /// Adds a block of rows (m × p) with its m weights.
    ///
    /// # Panics
    ///
    /// If the number of columns or of weights does not fit.
    pub fn add_block(&mut self, x: &ArrayView2<f64>, weights: &[f64]) {
        assert_eq!(x.ncols(), self.total.ncols(), "columns of the block");
        assert_eq!(x.nrows(), weights.len(), "weights of the block");
        let mut weighted = x.to_owned();
        for (mut row, &w) in weighted.rows_mut().into_iter().zip(weights) {
            row.mapv_inplace(|v| v * w);
        }
        let mut product = Array2::zeros(self.total.raw_dim());
        general_mat_mul(1.0, &x.t(), &weighted, 0.0, &mut product);
        self.accumulate(&product);
        self.rows += weights.len() as u64;
    }

    /// Adds what another accumulator holds. Merge in a fixed order to get the same bits every time.
    ///
    /// # Panics
    ///
    /// If the number of columns differs.
    pub fn merge(&mut self, other: &Gram) {
        assert_eq!(other.total.ncols(), self.total.ncols(), "columns of the other matrix");
        self.accumulate(&other.total);
        self.compensation += &other.compensation;
        self.rows += other.rows;
    }

    /// Rows added so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The p × p matrix X′WX, exactly symmetric.
    pub fn finish(&self) -> DMatrix<f64> {
        let columns = self.total.ncols();
        DMatrix::from_fn(columns, columns, |i, j| {
            let (i, j) = (i.max(j), i.min(j));
            self.total[[i, j]] + self.compensation[[i, j]]
        })
    }

    fn accumulate(&mut self, product: &Array2<f64>) {
        Zip::from(&mut self.total).and(&mut self.compensation).and(product).for_each(
            |total, compensation, &term| {
                let sum = *total + term;
                *compensation += if total.abs() >= term.abs() {
                    (*total - sum) + term
                } else {
                    (term - sum) + *total
                };
                *total = sum;
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, Axis, Slice};

    fn example(rows: usize, columns: usize) -> (Array2<f64>, Vec<f64>) {
        let x = Array2::from_shape_fn((rows, columns), |(i, j)| {
            ((i * 7 + j * 13) % 19) as f64 - 9.0 + j as f64 * 0.25
        });
        let w = (0..rows).map(|i| 0.5 + (i % 11) as f64).collect();
        (x, w)
    }

    fn rows(x: &Array2<f64>, from: usize, to: usize) -> ArrayView2<'_, f64> {
        x.slice_axis(Axis(0), Slice::from(from..to))
    }

    #[test]
    fn equals_the_definition_however_it_is_cut() {
        // Quarters and halves: every product and sum is exact, so equality is exact too.
        let (x, w) = example(301, 5);
        let mut whole = Gram::new(5);
        whole.add_block(&x.view(), &w);
        let matrix = whole.finish();
        for i in 0..5 {
            for j in 0..5 {
                let direct: f64 = (0..301).map(|r| w[r] * x[[r, i]] * x[[r, j]]).sum();
                assert_eq!(matrix[(i, j)], direct);
            }
        }
        let (mut first, mut second) = (Gram::new(5), Gram::new(5));
        first.add_block(&rows(&x, 0, 100), &w[..100]);
        second.add_block(&rows(&x, 100, 101), &w[100..101]);
        second.add_block(&rows(&x, 101, 301), &w[101..]);
        first.merge(&second);
        assert_eq!(first.finish(), matrix);
        assert_eq!(first.rows(), 301);
    }

    #[test]
    fn blocks_do_not_lose_small_terms() {
        let mut gram = Gram::new(1);
        let one = Array2::from_elem((1, 1), 1.0);
        gram.add_block(&one.view(), &[1e16]);
        for _ in 0..10 {
            gram.add_block(&one.view(), &[1.0]);
        }
        assert_eq!(gram.finish()[(0, 0)], 1e16 + 10.0);
    }

    #[test]
    fn no_rows_is_zero() {
        let mut gram = Gram::new(2);
        gram.add_block(&Array2::zeros((0, 2)).view(), &[]);
        assert_eq!(gram.finish(), DMatrix::zeros(2, 2));
    }
}
