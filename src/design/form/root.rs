//! Roots of forms: numbers with the covariance that a form has as its matrix.

use nalgebra::DMatrix;

use super::{Form, Residual};

impl Form {
    /// How many independent numbers [`Form::spread`] takes for so many units; `None` for a form without
    /// a root that is known in closed form.
    pub fn root_dimensions(&self, units: usize) -> Option<usize> {
        match self {
            Form::Residual(_) => Some(units),
            Form::Successive { circular: true, .. } => Some(units),
            Form::Successive { .. } => Some(units.saturating_sub(1)),
            Form::Pairs(_) | Form::Matrix(_) | Form::Exchangeable { .. } => None,
        }
    }

    /// Writes L e with L L' the matrix of the form, V(z, z) = z'L L'z: for e of mean 0 and variance
    /// 1 these are numbers whose covariance is the form. False where [`Form::root_dimensions`] is none.
    pub fn spread(&self, e: &[f64], out: &mut [f64]) -> bool {
        match self {
            Form::Residual(form) => form.spread(e, out),
            Form::Successive { order, circular, factor } => {
                out.fill(0.0);
                let step = factor.sqrt();
                let ends = circular.then(|| Some([*order.last()?, *order.first()?])).flatten();
                let pairs = order.windows(2).map(|pair| [pair[0], pair[1]]).chain(ends);
                for ([a, b], e) in pairs.zip(e) {
                    out[a as usize] -= step * e;
                    out[b as usize] += step * e;
                }
            }
            Form::Pairs(_) | Form::Matrix(_) | Form::Exchangeable { .. } => return false,
        }
        true
    }

    /// Its matrix over so many units: V(e_i, e_j).
    pub fn matrix(&self, units: usize) -> DMatrix<f64> {
        if let Form::Matrix(q) = self {
            return q.clone();
        }
        let mut matrix = DMatrix::zeros(units, units);
        let split: Vec<(Vec<f64>, Vec<f64>)> = (0..units)
            .map(|i| {
                let mut z = vec![0.0; units];
                z[i] = 1.0;
                let (mut left, mut right) = (Vec::new(), Vec::new());
                self.split(&z, &mut left, &mut right);
                (left, right)
            })
            .collect();
        for (i, (left, _)) in split.iter().enumerate() {
            for (j, (_, right)) in split.iter().enumerate() {
                matrix[(i, j)] = super::dot(left, right);
            }
        }
        (&matrix + matrix.transpose()) * 0.5
    }
}

impl Residual {
    /// V = z'M'C M z with M = I − X G X'R: L = M'√C.
    fn spread(&self, e: &[f64], out: &mut [f64]) {
        for (out, (e, c)) in out.iter_mut().zip(e.iter().zip(&self.scale)) {
            *out = c.sqrt() * e;
        }
        let p = self.x.ncols();
        let sums = DMatrix::from_fn(p, 1, |j, _| {
            self.x.column(j).iter().zip(&*out).map(|(x, u)| x * u).sum::<f64>()
        });
        let b = &self.inverse * sums;
        for (i, out) in out.iter_mut().enumerate() {
            *out -= self.weight[i] * (0..p).map(|j| self.x[(i, j)] * b[j]).sum::<f64>();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::PairForm;
    use super::*;

    const PI: [f64; 5] = [0.2, 0.35, 0.5, 0.6, 0.9];

    /// L L' is the matrix of the form, which is the form.
    #[test]
    fn roots_are_roots() {
        let u = DMatrix::from_fn(5, 2, |i, j| if j == 0 { 1.0 } else { (i * i) as f64 });
        for form in [
            Form::brewer(&PI),
            Form::hajek(&PI),
            Form::deville2(&PI),
            Form::balanced(&PI, &u),
            Form::poisson(&PI),
            Form::successive(vec![3, 1, 0, 4, 2], false, 0.7),
            Form::successive(vec![3, 1, 0, 4, 2], true, 0.7),
        ] {
            let q = form.matrix(5);
            let dimensions = form.root_dimensions(5).unwrap();
            let mut root = DMatrix::zeros(5, dimensions);
            for k in 0..dimensions {
                let mut e = vec![0.0; dimensions];
                e[k] = 1.0;
                let mut out = vec![0.0; 5];
                assert!(form.spread(&e, &mut out));
                root.column_mut(k).copy_from_slice(&out);
            }
            let product = &root * root.transpose();
            assert!((&product - &q).abs().max() < 1e-12, "{form:?}: {product} {q}");
            let z = [11.0, -3.0, 8.5, 4.0, 20.0];
            let by_matrix: f64 = (0..25).map(|k| z[k / 5] * q[(k / 5, k % 5)] * z[k % 5]).sum();
            assert!((by_matrix - form.variance(&z)).abs() < 1e-9 * by_matrix.abs());
        }
        for form in [
            Form::overton(&PI, PairForm::YatesGrundy),
            Form::Exchangeable { diagonal: 0.7, pair: -0.1 },
        ] {
            assert_eq!(form.root_dimensions(5), None);
            assert!(!form.spread(&[0.0; 5], &mut [0.0; 5]));
        }
    }
}
