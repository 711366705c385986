//! Joint probabilities as another system gives them.

use nalgebra::DMatrix;

use super::conditional::{Tails, inclusion, refuse_large};
use super::error::DrawError;
use super::size::Open;

/// Joint probabilities of conditional Poisson sampling as R's `sampling::UPmaxentropypi2` gives them:
/// right to about 10⁻⁶. For comparison only; [`joint`](super::joint) is exact.
///
/// The working probabilities come from the fixed-point iteration p ← p + π − π(p) (Tillé 2006, eq.
/// 5.24), stopped after the first step for which Σ |π − π(p)| was below 10⁻⁶. Pairs with different π
/// take π_kl = (π_k ω_l − π_l ω_k) ÷ (ω_l − ω_k), ω = p/(1 − p) (Chen, Dempster and Liu 1994, eq. 6),
/// with the π that were wanted in place of those reached; those with equal ones share what is
/// left of Σ_l π_kl = n π_k. The sum of all is then not quite n².
///
/// # Errors
/// As [`joint`](super::joint); probabilities of 0 and 1 are refused.
pub fn joint_like_r(pi: &[f64]) -> Result<DMatrix<f64>, DrawError> {
    let open = Open::of(pi)?;
    let n = open.whole()?;
    if let Some(unit) = (open.units.len() < pi.len())
        .then(|| pi.iter().position(|p| !(1e-12..1.0 - 1e-12).contains(p)))
        .flatten()
    {
        return Err(DrawError::Probability { unit, probability: pi[unit] });
    }
    refuse_large("conditional Poisson sampling", pi.len(), n)?;
    let mut p = pi.to_vec();
    for _ in 0..500 {
        let found = inclusion(&p, n, &Tails::new(&p, n));
        let off: f64 = pi.iter().zip(&found).map(|(a, b)| (a - b).abs()).sum();
        p.iter_mut().zip(pi.iter().zip(found)).for_each(|(p, (a, b))| *p += a - b);
        if off < 1e-6 {
            break;
        }
    }
    let odds: Vec<f64> = p.iter().map(|p| p / (1.0 - p)).collect();
    let units = pi.len();
    let mut matrix = DMatrix::from_fn(units, units, |k, l| {
        if k == l {
            pi[k]
        } else if pi[k] == pi[l] {
            0.0
        } else {
            (pi[k] * odds[l] - pi[l] * odds[k]) / (odds[l] - odds[k])
        }
    });
    for k in 0..units {
        let same: Vec<usize> = (0..units).filter(|&l| l != k && pi[l] == pi[k]).collect();
        let rest = n as f64 * pi[k] - matrix.row(k).sum();
        for l in &same {
            matrix[(k, *l)] = rest / same.len() as f64;
        }
    }
    Ok(matrix)
}
