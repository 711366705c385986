//! Cubic spline interpolation.

/// A cubic spline through given points, whose first and last pieces have the third derivative of
/// the cubics through the four points at either end.
///
/// Source: Forsythe, Malcolm and Moler (1977), *Computer Methods for Mathematical Computations*,
/// §4.4. With three points it is the parabola through them, with two the line.
#[derive(Debug, Clone, PartialEq)]
pub struct CubicSpline {
    x: Vec<f64>,
    y: Vec<f64>,
    /// A sixth of the second derivative at every point.
    sigma: Vec<f64>,
}

impl CubicSpline {
    /// The spline through the points (x, y).
    ///
    /// `None` with fewer than two points, with lists of different length, and when x is not finite
    /// and strictly ascending or y is not finite.
    pub fn through(x: &[f64], y: &[f64]) -> Option<CubicSpline> {
        let n = x.len();
        let is_finite = x.iter().chain(y).all(|v| v.is_finite());
        if n < 2 || y.len() != n || !is_finite || x.windows(2).any(|w| w[0] >= w[1]) {
            return None;
        }
        let h: Vec<f64> = x.windows(2).map(|w| w[1] - w[0]).collect();
        let slope: Vec<f64> = y.windows(2).zip(&h).map(|(w, h)| (w[1] - w[0]) / h).collect();
        let mut sigma = vec![0.0; n];
        if n > 2 {
            // The third divided difference of four points from `i` on.
            let third = |i: usize| {
                if n < 4 {
                    return 0.0;
                }
                let second = |i: usize| (slope[i + 1] - slope[i]) / (x[i + 2] - x[i]);
                (second(i + 1) - second(i)) / (x[i + 3] - x[i])
            };
            // σ₁ − σ₀ = h₀ f[x₀, x₁, x₂, x₃] at the one end, the mirror image at the other, and
            // equal first derivatives in between: a tridiagonal system.
            let mut diagonal = vec![-h[0]; n];
            diagonal[n - 1] = -h[n - 2];
            let mut right = vec![h[0] * h[0] * third(0); n];
            right[n - 1] = -h[n - 2] * h[n - 2] * third(n.saturating_sub(4));
            for i in 1..n - 1 {
                diagonal[i] = 2.0 * (h[i - 1] + h[i]);
                right[i] = slope[i] - slope[i - 1];
            }
            for i in 1..n {
                let factor = h[i - 1] / diagonal[i - 1];
                diagonal[i] -= factor * h[i - 1];
                right[i] -= factor * right[i - 1];
            }
            sigma[n - 1] = right[n - 1] / diagonal[n - 1];
            for i in (0..n - 1).rev() {
                sigma[i] = (right[i] - h[i] * sigma[i + 1]) / diagonal[i];
            }
        }
        Some(CubicSpline { x: x.to_vec(), y: y.to_vec(), sigma })
    }

    /// The spline at x; its first and last pieces go on beyond the points.
    pub fn at(&self, x: f64) -> f64 {
        let last = self.x.len() - 2;
        let i = self.x.partition_point(|knot| *knot <= x).saturating_sub(1).min(last);
        let h = self.x[i + 1] - self.x[i];
        let w = (x - self.x[i]) / h;
        let v = 1.0 - w;
        let bend = (w * w * w - w) * self.sigma[i + 1] + (v * v * v - v) * self.sigma[i];
        w * self.y[i + 1] + v * self.y[i] + h * h * bend
    }
}

#[cfg(test)]
#[allow(clippy::excessive_precision)]
mod tests {
    use super::*;

    /// A cubic is its own spline, also beyond the points.
    #[test]
    fn reproduces_cubics() {
        let f = |x: f64| 1.5 - 2.0 * x + 0.25 * x * x - 0.75 * x * x * x;
        for x in [vec![-1.0, 0.5, 0.75, 3.0], vec![-2.0, -1.0, 0.5, 0.75, 3.0, 4.5, 5.0]] {
            let y: Vec<f64> = x.iter().map(|&x| f(x)).collect();
            let spline = CubicSpline::through(&x, &y).unwrap();
            for at in [-3.0, -1.0, 0.1, 0.6, 2.9, 4.4, 6.0] {
                assert!((spline.at(at) - f(at)).abs() < 1e-10 * f(at).abs().max(1.0), "{at}");
            }
        }
        let parabola = CubicSpline::through(&[0.0, 1.0, 3.0], &[0.0, 1.0, 9.0]).unwrap();
        assert!((parabola.at(2.0) - 4.0).abs() < 1e-14);
        let line = CubicSpline::through(&[0.0, 1.0], &[1.0, 3.0]).unwrap();
        assert_eq!(line.at(0.25), 1.5);
    }

    /// R 4.2.2: `splinefun(c(0, 1, 2.5, 3, 4.5, 6), c(1, 0, 2, 5, 5, -1), method = "fmm")`.
    #[test]
    fn agrees_with_r() {
        let spline =
            CubicSpline::through(&[0.0, 1.0, 2.5, 3.0, 4.5, 6.0], &[1.0, 0.0, 2.0, 5.0, 5.0, -1.0])
                .unwrap();
        for (x, y) in R_SPLINE {
            assert!((spline.at(x) - y).abs() < 1e-13, "{x}: {}", spline.at(x));
        }
    }

    const R_SPLINE: [(f64, f64); 5] = [
        (0.5, 0.56958011124677799),
        (1.75, -0.2192078754578756),
        (2.6, 2.5792219237552576),
        (3.5, 6.5174286618731063),
        (5.5, 0.9619183285849946),
    ];

    #[test]
    fn refuses_what_is_no_curve() {
        for (x, y) in [
            (vec![1.0], vec![1.0]),
            (vec![1.0, 1.0], vec![1.0, 2.0]),
            (vec![1.0, 2.0], vec![1.0]),
            (vec![1.0, f64::NAN], vec![1.0, 2.0]),
            (vec![1.0, 2.0], vec![1.0, f64::INFINITY]),
        ] {
            assert_eq!(CubicSpline::through(&x, &y), None);
        }
    }
}
