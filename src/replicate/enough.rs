//! How many random replicates are enough.

use super::method::ReplicateMethod;
use super::scheme::Replicates;

impl Replicates {
    /// Whether their factors come from a random generator, so that more of them would make the
    /// variance estimate more precise.
    pub fn is_random(&self) -> bool {
        self.made.map_or(self.method == ReplicateMethod::Bootstrap, |made| made.is_random())
    }

    /// For each estimate the coefficient of variation that one replicate's squared deviation has, by
    /// which that of the standard error over R replicates is half of it over √R (Beaumont and Patak
    /// 2012, §4: that of a variance is κ/√R). With normal deviations κ = √2.
    ///
    /// `thetas` has one list per replicate. NaN with fewer than two replicates or no deviations.
    pub fn chance(&self, full: &[f64], thetas: &[Vec<f64>]) -> Vec<f64> {
        (0..full.len())
            .map(|i| {
                let known: Vec<f64> =
                    thetas.iter().map(|t| t[i]).filter(|t| t.is_finite()).collect();
                let n = known.len() as f64;
                let centre = if self.mse { full[i] } else { known.iter().sum::<f64>() / n };
                let squares: Vec<f64> = known.iter().map(|t| (t - centre).powi(2)).collect();
                let mean = squares.iter().sum::<f64>() / n;
                let spread = squares.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / (n - 1.0);
                spread.sqrt() / mean
            })
            .collect()
    }
}

/// What chance in the replicates does to the standard errors of a table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Precision {
    /// Median over the estimates of the coefficient of variation of the standard error.
    pub median: f64,
    /// The largest.
    pub largest: f64,
    /// Replicates that bring the largest down to the target.
    pub needed: usize,
}

impl Precision {
    /// From the coefficients of variation of single squared deviations ([`Replicates::chance`]), the
    /// number of replicates and the target for the coefficient of variation of a standard error.
    pub fn of(chance: &[f64], replicates: usize, target: f64) -> Option<Precision> {
        let mut known: Vec<f64> = chance.iter().copied().filter(|c| c.is_finite()).collect();
        known.sort_by(f64::total_cmp);
        let largest = *known.last()?;
        let cv = |kappa: f64| kappa / (2.0 * (replicates as f64).sqrt());
        let needed = ((largest / (2.0 * target)).powi(2) * (1.0 - 1e-12)).ceil();
        Some(Precision {
            median: cv(known[known.len() / 2]),
            largest: cv(largest),
            needed: if needed < 1e9 { needed as usize } else { 1_000_000_000 },
        })
    }
}

impl std::fmt::Display for Precision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "chance in the replicates gives the standard errors a coefficient of variation of {:.1} % \
             (median), at most {:.1} %",
            100.0 * self.median,
            100.0 * self.largest
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::random::stream;
    use crate::numeric::variates::fill_normal;

    /// Normal deviations: κ = √2, so 200 replicates give 5 % and 800 give 2.5 %.
    #[test]
    fn normal_deviations() {
        let mut values = vec![0.0; 200_000];
        fill_normal(&mut values, &mut stream(1, "enough", 0));
        let thetas: Vec<Vec<f64>> = values.into_iter().map(|v| vec![3.0 + v, f64::NAN]).collect();
        let chance = Replicates::default().chance(&[3.0, 1.0], &thetas);
        assert!((chance[0] - 2_f64.sqrt()).abs() < 0.02, "{chance:?}");
        assert!(chance[1].is_nan());
        let found = Precision::of(&[2_f64.sqrt(), f64::NAN, 1.0], 200, 0.025).expect("two");
        assert!((found.largest - 0.05).abs() < 1e-12);
        assert_eq!(found.needed, 800);
        assert!(Precision::of(&[f64::NAN], 200, 0.05).is_none());
    }
}
