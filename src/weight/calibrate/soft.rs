//! Totals that need not be met exactly: ridge calibration and tolerances.

use serde::{Deserialize, Serialize};

use super::cells::Cells;
use super::newton::{Equations, Newton, Reached, newton};

/// How firmly a total is to be met.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Firmness {
    /// Exactly.
    #[default]
    Exact,
    /// With importance k > 0: a miss costs ½ k (Σ w x − t)²/Σ d x²/s beside the distance of the weights
    /// (Chambers 1996; Rao and Singh 1997). Taken alone and to first order, k/(1 + k) of the gap is closed.
    Importance(f64),
    /// Within a relative tolerance δ: |Σ w x − t| ≤ δ |t|, with the least distance.
    Within(f64),
}

/// A fit with soft totals.
#[derive(Debug, Clone)]
pub(super) struct SoftFit {
    pub newton: Newton,
    /// The diagonal of R.
    pub ridge: Option<Vec<f64>>,
    /// The columns that hold the weights fast; all if not given.
    pub taking_part: Option<Vec<bool>>,
}

/// The diagonal of Σ d x x'/s.
fn diagonal(cells: &Cells, columns: usize) -> Vec<f64> {
    let mut sums = vec![0.0; columns];
    for cell in 0..cells.len() {
        let weight = cells.weight[cell] / cells.scale.as_ref().map_or(1.0, |s| s[cell]);
        for (column, x) in cells.x(cell) {
            sums[column] += weight * x * x;
        }
    }
    sums
}

/// R of the totals with an importance: Σ d x²/s ÷ k; zero for the others.
fn ridge(cells: &Cells, firmness: &[Firmness]) -> Option<Vec<f64>> {
    if !firmness.iter().any(|f| matches!(f, Firmness::Importance(_))) {
        return None;
    }
    let one = |(size, firm): (f64, &Firmness)| match firm {
        Firmness::Importance(k) => size.max(f64::MIN_POSITIVE) / k,
        _ => 0.0,
    };
    Some(diagonal(cells, firmness.len()).into_iter().zip(firmness).map(one).collect())
}

/// Which way a tolerance holds: at t − δ|t| (the multiplier pushes up) or at t + δ|t|.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Free,
    Low,
    High,
}

/// Solves with soft totals.
///
/// Totals with an importance add R λ to their equations. Those with a tolerance start free; one that is
/// missed by more is held at the nearer end of its interval, and let go again when its multiplier
/// pulls the other way: the conditions of Karush, Kuhn and Tucker for the least distance within the
/// tolerances. Should the set of held totals not settle, one of them changes at a time.
pub(super) fn solve_soft(
    equations: &Equations<'_>,
    firmness: &[Firmness],
    tolerance: f64,
    most: usize,
) -> SoftFit {
    let cells = equations.cells;
    let ridge = ridge(cells, firmness);
    let slack = |column: usize| match firmness[column] {
        Firmness::Within(delta) => Some(delta * equations.targets[column].abs()),
        _ => None,
    };
    let columns = firmness.len();
    if (0..columns).all(|c| slack(c).is_none()) {
        let own = Equations { ridge: ridge.as_deref(), ..*equations };
        let newton = newton(&own, None, tolerance, most);
        return SoftFit { newton, ridge, taking_part: None };
    }
    let mut sides = vec![Side::Free; columns];
    let mut iterations = 0;
    let mut start: Option<Vec<f64>> = None;
    let rounds = 40 + 4 * columns;
    let mut round = 0;
    loop {
        let taking_part: Vec<bool> =
            (0..columns).map(|c| slack(c).is_none() || sides[c] != Side::Free).collect();
        let targets: Vec<f64> = (0..columns)
            .map(|c| {
                let (target, delta) = (equations.targets[c], slack(c).unwrap_or(0.0));
                match sides[c] {
                    Side::Free => target,
                    Side::Low => target - delta,
                    Side::High => target + delta,
                }
            })
            .collect();
        let own = Equations {
            targets: &targets,
            ridge: ridge.as_deref(),
            taking_part: Some(&taking_part),
            ..*equations
        };
        let mut found = newton(&own, start.as_deref(), tolerance, most);
        iterations += found.iterations;
        let totals = Reached::of(cells, &found.g, columns).totals;
        let changes = changes(&sides, &slack, equations.targets, &totals, &found.lambda);
        if changes.is_empty() || round >= rounds || found.misfit > 1e-6 {
            found.iterations = iterations;
            if !changes.is_empty() {
                found.misfit = changes.iter().map(|c| c.2).fold(found.misfit, f64::max);
            }
            return SoftFit { newton: found, ridge, taking_part: Some(taking_part) };
        }
        // All at once while that goes well, then the worst alone.
        let worst = changes.iter().map(|c| c.2).fold(0.0, f64::max);
        for &(column, side, by) in &changes {
            if round < 20 || by >= worst {
                sides[column] = side;
                if side == Side::Free {
                    found.lambda[column] = 0.0;
                }
            }
        }
        start = Some(found.lambda);
        round += 1;
    }
}

/// The totals whose side is to change: column, new side, and by how much (relative) it is wrong.
fn changes(
    sides: &[Side],
    slack: &impl Fn(usize) -> Option<f64>,
    targets: &[f64],
    totals: &[f64],
    lambda: &[f64],
) -> Vec<(usize, Side, f64)> {
    let mut changes = Vec::new();
    for column in 0..sides.len() {
        let Some(delta) = slack(column) else { continue };
        let scale = targets[column].abs().max(f64::MIN_POSITIVE);
        let off = totals[column] - targets[column];
        let over = (off.abs() - delta) / scale;
        match sides[column] {
            Side::Free if over > 1e-9 => {
                changes.push((column, if off < 0.0 { Side::Low } else { Side::High }, over));
            }
            // The multiplier of a total held from below pushes up.
            Side::Low if lambda[column] < -1e-12 => changes.push((column, Side::Free, 1e-9)),
            Side::High if lambda[column] > 1e-12 => changes.push((column, Side::Free, 1e-9)),
            _ => {}
        }
    }
    changes
}
