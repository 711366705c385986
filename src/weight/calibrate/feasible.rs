//! Why totals cannot be met, and what could be met instead.

use super::cells::Cells;
use super::distance::{Bounds, Distance};
use super::newton::{Equations, Newton, Reached, newton};
use crate::numeric::SymmetricSolver;

/// What stands in the way of a calibration.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Obstacle {
    /// A total lies outside what weights within the bounds can add up to.
    OutOfReach {
        /// The total.
        name: String,
        /// What was asked for.
        target: f64,
        /// The least that the bounds allow.
        least: f64,
        /// The most.
        most: f64,
        /// Target ÷ total before the step, where every value is positive: the factor that
        /// the bounds have to hold.
        factor: Option<f64>,
    },
    /// A total that follows from others in this sample, and is given another value.
    Inconsistent {
        /// The total.
        name: String,
        /// What was asked for.
        target: f64,
        /// What the others imply.
        implied: f64,
        /// The totals it follows from.
        from: Vec<String>,
    },
    /// No weights within the bounds meet these totals together, though each can be met alone.
    Jointly {
        /// The totals that pull against each other, those missed most first.
        names: Vec<String>,
    },
}

/// A total with the value next to it that can be reached together with all others.
#[derive(Debug, Clone, PartialEq)]
pub struct NearestTotal {
    /// The total.
    pub name: String,
    /// What was asked for.
    pub target: f64,
    /// What can be reached.
    pub nearest: f64,
}

impl NearestTotal {
    /// The relative miss.
    pub fn miss(&self) -> f64 {
        (self.nearest - self.target).abs() / self.target.abs().max(f64::MIN_POSITIVE)
    }
}

/// A relative miss above this is one of the totals, not of the arithmetic.
pub(super) const MISSED: f64 = 1e-5;

/// Importance of the totals when the least miss is looked for, in three rounds.
const ROUNDS: [f64; 3] = [1e2, 1e4, 1e6];

/// What is known of a calibration that failed.
#[derive(Debug, Clone, Default)]
pub(super) struct Diagnosis {
    pub obstacles: Vec<Obstacle>,
    pub nearest: Vec<NearestTotal>,
    /// Bounds of the factor that would do.
    pub bounds: Option<(f64, f64)>,
}

/// The factors a distance can give at all.
fn range(distance: Distance) -> Bounds {
    match (distance.bounds(), distance) {
        (Some(bounds), _) => bounds,
        (None, Distance::Linear(_)) => Bounds { lower: f64::NEG_INFINITY, upper: f64::INFINITY },
        (None, _) => Bounds { lower: 0.0, upper: f64::INFINITY },
    }
}

/// Totals that no weights within the bounds can reach, one by one: the total of x lies between
/// Σ d (L x⁺ + U x⁻) and Σ d (U x⁺ + L x⁻).
pub(super) fn out_of_reach(
    cells: &Cells,
    targets: &[f64],
    names: &[String],
    distance: Distance,
) -> Vec<Obstacle> {
    let whole = range(distance);
    let columns = targets.len();
    let (mut least, mut most) = (vec![0.0; columns], vec![0.0; columns]);
    let (mut before, mut is_positive) = (vec![0.0; columns], vec![true; columns]);
    for cell in 0..cells.len() {
        let bounds = cells.bounds.as_ref().map_or(whole, |b| b[cell]);
        for (column, x) in cells.x(cell) {
            let z = cells.weight[cell] * x;
            let (low, high) =
                if z >= 0.0 { (bounds.lower, bounds.upper) } else { (bounds.upper, bounds.lower) };
            least[column] += z * low;
            most[column] += z * high;
            before[column] += z;
            is_positive[column] &= z >= 0.0;
        }
    }
    let mut found = Vec::new();
    for column in 0..columns {
        let (target, least, most) = (targets[column], least[column], most[column]);
        let room = 1e-9 * target.abs().max(before[column].abs());
        if target < least - room || target > most + room {
            // Bounds of each weight are not held against a factor.
            let of_factors = cells.bounds.is_none() && is_positive[column];
            let factor = (of_factors && before[column] > 0.0).then(|| target / before[column]);
            let name = names[column].clone();
            found.push(Obstacle::OutOfReach { name, target, least, most, factor });
        }
    }
    found
}

/// Totals that follow from others in the sample (a rank-revealing factorisation of Σ d x x'/s) and do
/// not agree with them.
fn inconsistent(cells: &Cells, targets: &[f64], names: &[String]) -> Vec<Obstacle> {
    let Ok(solver) = SymmetricSolver::new(&cells.gram(targets.len(), None)) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for dependent in solver.dependent() {
        let (target, implied) = (targets[dependent.column], dependent.implied(targets));
        let size: f64 = dependent.combination.iter().map(|&(i, c)| (c * targets[i]).abs()).sum();
        if (implied - target).abs() > 1e-8 * size.max(target.abs()) {
            let mut from: Vec<(f64, usize)> =
                dependent.combination.iter().map(|&(i, c)| ((c * targets[i]).abs(), i)).collect();
            from.sort_by(|a, b| b.0.total_cmp(&a.0));
            found.push(Obstacle::Inconsistent {
                name: names[dependent.column].clone(),
                target,
                implied,
                from: from.into_iter().map(|(_, i)| names[i].clone()).collect(),
            });
        }
    }
    found
}

/// Factors within what the distance allows that miss the totals least: they minimise
/// ½ κ N Σ_j ((Σ w x_j − t_j)/t_j)² + the distance, with κ so large that the first term decides.
///
/// The minimum exists always. Where it is above zero it proves that the totals cannot be met: it is the
/// projection of the target on the convex set of totals within reach.
pub(super) fn least_miss(
    cells: &Cells,
    targets: &[f64],
    distance: Distance,
    most: usize,
) -> (Newton, Vec<f64>) {
    let population: f64 = cells.weight.iter().map(|w| w.abs()).sum();
    let sizes = Reached::of(cells, &vec![1.0; cells.len()], targets.len()).sizes;
    let scales: Vec<f64> = targets
        .iter()
        .zip(&sizes)
        .map(|(t, s)| t.abs().max(1e-3 * s).max(f64::MIN_POSITIVE))
        .collect();
    let mut start: Option<Vec<f64>> = None;
    let mut ridge = Vec::new();
    let mut found = None;
    for importance in ROUNDS {
        ridge = scales.iter().map(|s| s * s / (importance * population)).collect();
        let equations =
            Equations { cells, targets, distance, ridge: Some(&ridge), taking_part: None };
        let done = newton(&equations, start.as_deref(), 1e-9, most);
        start = Some(done.lambda.clone());
        found = Some(done);
    }
    let none =
        || Newton { g: vec![1.0; cells.len()], lambda: Vec::new(), iterations: 0, misfit: 1.0 };
    (found.unwrap_or_else(none), ridge)
}

/// The distance whose factors fill the whole range: least squares, cut off at its ends.
fn cut_off(distance: Distance) -> Distance {
    let bounds = range(distance);
    Distance::Linear((bounds.lower.is_finite() || bounds.upper.is_finite()).then_some(bounds))
}

/// Totals with what was reached, those missed by more than rounding, worst first.
pub(super) fn missed_totals(
    cells: &Cells,
    g: &[f64],
    targets: &[f64],
    names: &[String],
) -> Vec<NearestTotal> {
    let reached = Reached::of(cells, g, targets.len());
    let misfits = reached.misfits(targets);
    let mut missed: Vec<(f64, NearestTotal)> = (0..targets.len())
        .filter(|&c| misfits[c] > MISSED)
        .map(|c| {
            let (name, target) = (names[c].clone(), targets[c]);
            (misfits[c], NearestTotal { name, target, nearest: reached.totals[c] })
        })
        .collect();
    missed.sort_by(|a, b| b.0.total_cmp(&a.0));
    missed.into_iter().map(|(_, total)| total).collect()
}

/// Finds out why a calibration failed; nothing if the totals can be met after all.
pub(super) fn diagnose(
    cells: &Cells,
    targets: &[f64],
    names: &[String],
    distance: Distance,
) -> Diagnosis {
    let mut obstacles = out_of_reach(cells, targets, names, distance);
    obstacles.extend(inconsistent(cells, targets, names));
    let (nearest, _) = least_miss(cells, targets, cut_off(distance), 100);
    let nearest = missed_totals(cells, &nearest.g, targets, names);
    if obstacles.is_empty() && !nearest.is_empty() {
        let names = nearest.iter().map(|n| n.name.clone()).collect();
        obstacles.push(Obstacle::Jointly { names });
    }
    let is_bounded = cells.bounds.is_none()
        && !obstacles.is_empty()
        && !obstacles.iter().any(|o| matches!(o, Obstacle::Inconsistent { .. }));
    let bounds = distance.bounds().filter(|_| is_bounded);
    let bounds = bounds.and_then(|b| sufficient_bounds(cells, targets, b));
    Diagnosis { obstacles, nearest, bounds }
}

/// The narrowest bounds that can hold, of those that lie about 1 in the same proportion (below,
/// never less than 0); `None` when none do, or the sample is too large to look for them.
fn sufficient_bounds(cells: &Cells, targets: &[f64], bounds: Bounds) -> Option<(f64, f64)> {
    /// More cells are not worth a dozen more solutions.
    const CELLS: usize = 200_000;
    if cells.len() > CELLS {
        return None;
    }
    let floor = if bounds.lower < 0.0 { f64::NEG_INFINITY } else { 0.0 };
    let widened = |k: f64| Bounds {
        lower: (1.0 - k * (1.0 - bounds.lower)).max(floor),
        upper: 1.0 + k * (bounds.upper - 1.0),
    };
    let holds = |k: f64| {
        let (found, _) = least_miss(cells, targets, Distance::Linear(Some(widened(k))), 60);
        let reached = Reached::of(cells, &found.g, targets.len());
        super::newton::largest(&reached.misfits(targets)) <= MISSED
    };
    let (mut low, mut high) = (1.0, 2.0);
    while !holds(high) {
        (low, high) = (high, 2.0 * high);
        if high > 1024.0 {
            return None;
        }
    }
    for _ in 0..8 {
        let middle = 0.5 * (low + high);
        if holds(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    let found = widened(high);
    Some((found.lower, found.upper))
}
