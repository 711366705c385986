//! Independence of the rows and columns of a table.

use nalgebra::{DMatrix, DVector};

use super::{TestError, degrees_of_freedom, used};
use crate::data::Factor;
use crate::estimate::{Analysis, Quantity};
use crate::numeric::distributions::{chi_squared_sf, f_sf};
use crate::numeric::{mixture_sf, mixture_sf_saddlepoint};

/// Tests of independence in a table of R rows and C columns: Pearson's statistic with Rao and
/// Scott's corrections, and Wald tests. See [`independence`].
#[derive(Debug, Clone, PartialEq)]
pub struct IndependenceTest {
    /// Rows of the data with a weight and a value of both variables.
    pub n: u64,
    /// Positions of the levels with rows, of the first and of the second variable.
    pub levels: [Vec<usize>; 2],
    /// Estimated proportions, row after row.
    pub proportions: Vec<f64>,
    /// Pearson's X² = n Σ (p_ij − p_i+ p_+j)²/(p_i+ p_+j).
    pub x2: f64,
    /// (R − 1)(C − 1).
    pub k: usize,
    /// Degrees of freedom of the design, ν.
    pub df: f64,
    /// Eigenvalues δ of the matrix of generalised design effects, largest first.
    pub eigenvalues: Vec<f64>,
    /// Second-order corrected test as an F test: statistic X²/Σδ on d₀ and d₀ν degrees of freedom,
    /// d₀ = (Σδ)²/Σδ² (Rao and Scott 1984; Thomas and Rao 1987).
    pub f: [f64; 4],
    /// First-order correction: p-value of X²/δ̄ by χ²_k.
    pub p_first_order: f64,
    /// p-value by the distribution of Σ δ_j χ²_1 over an independent χ²/d₀ν.
    pub p_exact: f64,
    /// The same by a saddlepoint approximation.
    pub p_saddlepoint: f64,
    /// Wald statistic W of the N̂_ij − N̂_i+ N̂_+j/N̂ (Koch, Freeman and Freeman 1975); `None` where
    /// their covariances cannot be inverted.
    pub wald: Option<f64>,
}

impl IndependenceTest {
    /// W/k on k and ν degrees of freedom: statistic, k, ν, p-value.
    pub fn wald_test(&self) -> Option<[f64; 4]> {
        let (w, k) = (self.wald?, self.k as f64);
        Some([w / k, k, self.df, f_sf(w / k, k, self.df)])
    }

    /// W (ν − k + 1)/(k ν) on k and ν − k + 1 degrees of freedom (Thomas and Rao 1987, eq. 2.6): statistic,
    /// degrees of freedom, p-value. `None` where ν < k.
    pub fn adjusted_wald_test(&self) -> Option<[f64; 4]> {
        let (w, k) = (self.wald?, self.k as f64);
        let rest = self.df - k + 1.0;
        let f = w * rest / (k * self.df);
        (rest > 0.0).then(|| [f, k, rest, f_sf(f, k, rest)])
    }
}

/// Tests the independence of two categorical variables among the rows for which `inside` holds.
///
/// With p̂ the estimated proportions of the cells, V their covariance, D = diag(p̂) and C a basis of
/// the interactions (tables whose rows and columns sum to zero), the generalised design effects are
/// the eigenvalues δ of Δ = n (C'D⁻¹C)⁻¹ (C'D⁻¹ V D⁻¹C) (Rao and Scott 1984, §2, with the
/// observed p̂ in D). Under independence X² is distributed as Σ δ_j χ²_1. n cancels in all of it.
///
/// `df` replaces the degrees of freedom of the rows used. Rows without a value of either variable
/// are left out; levels without a row are, too.
///
/// # Errors
/// When a variable has one level, or there are no degrees of freedom or no variance.
pub fn independence(
    analysis: &Analysis,
    rows: (&str, &Factor),
    columns: (&str, &Factor),
    inside: &[bool],
    df: Option<f64>,
) -> Result<IndependenceTest, TestError> {
    let used = used(&[rows, columns], inside, analysis.ledger.weights())?;
    let (r, c) = (used.levels[0].len(), used.levels[1].len());
    let codes = used.cells(&[rows.1, columns.1]);
    let everyone = used.everyone();
    let of = |quantity| analysis.estimate(&[quantity], &everyone.codes, true);
    let raw = of(Quantity::Proportions(&codes, r * c));
    let totals = of(Quantity::LevelTotals(&codes, r * c));
    let df = degrees_of_freedom(analysis, &raw, df);
    if df <= 0.0 {
        return Err(TestError::DegreesOfFreedom { needed: 0, found: df });
    }
    let n = raw.totals[0].n;
    let p = &raw.values;
    let v = raw.covariance.as_ref().filter(|v| v.iter().all(|x| x.is_finite()));
    let v = v.ok_or(TestError::NoVariance)?;
    let margin = Margins::new(p, r, c);
    let x2: f64 = n as f64
        * (0..r * c)
            .map(|cell| {
                let expected = margin.expected(cell);
                (p[cell] - expected).powi(2) / expected
            })
            .sum::<f64>();
    let basis = interactions(r, c);
    let k = basis.ncols();
    // Rows of C divided by p̂; an empty cell has no part.
    let scaled =
        DMatrix::from_fn(
            r * c,
            k,
            |cell, j| {
                if p[cell] == 0.0 { 0.0 } else { basis[(cell, j)] / p[cell] }
            },
        );
    let under_srs = basis.transpose() * &scaled / n as f64;
    let under_design = scaled.transpose() * v * &scaled;
    let eigenvalues =
        relative_eigenvalues(under_srs, &under_design).ok_or(TestError::NoVariance)?;
    let (sum, squares): (f64, f64) =
        (eigenvalues.iter().sum(), eigenvalues.iter().map(|d| d * d).sum());
    if !(sum > 0.0 && x2.is_finite()) {
        return Err(TestError::NoVariance);
    }
    let d0 = sum * sum / squares;
    let (f, ddf) = (x2 / sum, d0 * df);
    let mut terms: Vec<(f64, f64)> = eigenvalues.iter().map(|d| (*d, 1.0)).collect();
    terms.push((-x2 / ddf, ddf));
    Ok(IndependenceTest {
        n,
        x2,
        k,
        df,
        f: [f, d0, ddf, f_sf(f, d0, ddf)],
        p_first_order: chi_squared_sf(x2 * k as f64 / sum, k as f64),
        p_exact: mixture_sf(0.0, &terms),
        p_saddlepoint: mixture_sf_saddlepoint(0.0, &terms),
        wald: totals.covariance.as_ref().and_then(|v| wald(&totals.values, v, r, c)),
        eigenvalues,
        proportions: p.clone(),
        levels: [used.levels[0].clone(), used.levels[1].clone()],
    })
}

/// Sums of a table by row and by column.
struct Margins {
    rows: Vec<f64>,
    columns: Vec<f64>,
    total: f64,
}

impl Margins {
    fn new(cells: &[f64], r: usize, c: usize) -> Margins {
        let rows: Vec<f64> = (0..r).map(|i| cells[i * c..(i + 1) * c].iter().sum()).collect();
        let columns = (0..c).map(|j| (0..r).map(|i| cells[i * c + j]).sum()).collect();
        let total = rows.iter().sum();
        Margins { rows, columns, total }
    }

    fn expected(&self, cell: usize) -> f64 {
        let c = self.columns.len();
        self.rows[cell / c] * self.columns[cell % c] / self.total
    }
}

/// Tables with rows and columns that sum to zero: +1 at (i, j) and at the last cell, −1 at the ends
/// of row i and column j.
fn interactions(r: usize, c: usize) -> DMatrix<f64> {
    let mut out = DMatrix::zeros(r * c, (r - 1) * (c - 1));
    for i in 0..r - 1 {
        for j in 0..c - 1 {
            let column = i * (c - 1) + j;
            out[(i * c + j, column)] = 1.0;
            out[(i * c + c - 1, column)] = -1.0;
            out[((r - 1) * c + j, column)] = -1.0;
            out[(r * c - 1, column)] = 1.0;
        }
    }
    out
}

/// Eigenvalues of A⁻¹B, largest first; `None` where A is not positive definite.
fn relative_eigenvalues(a: DMatrix<f64>, b: &DMatrix<f64>) -> Option<Vec<f64>> {
    let l = a.cholesky()?.l();
    let left = l.solve_lower_triangular(b)?;
    let both = l.solve_lower_triangular(&left.transpose())?;
    let both = (&both + both.transpose()) / 2.0;
    let mut values: Vec<f64> = both.symmetric_eigenvalues().iter().map(|d| d.max(0.0)).collect();
    values.sort_by(|x, y| y.total_cmp(x));
    values.iter().all(|d| d.is_finite()).then_some(values)
}

/// W = y' V(y)⁻¹ y of y_ij = N_ij − N_i+ N_+j/N over all but the last row and column; V(y) by
/// the derivatives of y.
fn wald(cells: &[f64], v: &DMatrix<f64>, r: usize, c: usize) -> Option<f64> {
    let margin = Margins::new(cells, r, c);
    let (rows, columns, n) = (&margin.rows, &margin.columns, margin.total);
    let k = (r - 1) * (c - 1);
    let at = |index: usize| (index / (c - 1), index % (c - 1));
    let y = DVector::from_fn(k, |index, _| {
        let (i, j) = at(index);
        cells[i * c + j] - rows[i] * columns[j] / n
    });
    let derivative = DMatrix::from_fn(k, r * c, |index, cell| {
        let (i, j) = at(index);
        let (a, b) = (cell / c, cell % c);
        let same = |x: bool| f64::from(u8::from(x));
        same(a == i && b == j) - same(a == i) * columns[j] / n - same(b == j) * rows[i] / n
            + rows[i] * columns[j] / (n * n)
    });
    let vy = &derivative * v * derivative.transpose();
    // On the scale of correlations, so that a tiny cell is not taken for a linear dependence.
    let scale: Vec<f64> = (0..k).map(|i| vy[(i, i)].sqrt()).collect();
    let r = DMatrix::from_fn(k, k, |i, j| vy[(i, j)] / (scale[i] * scale[j]));
    let z = DVector::from_fn(k, |i, _| y[i] / scale[i]);
    let factor = r.cholesky()?;
    let pivots = factor.l().diagonal();
    let w = z.dot(&factor.solve(&z));
    (w.is_finite() && pivots.iter().all(|p| *p > 1e-7)).then_some(w)
}
