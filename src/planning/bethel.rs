//! The cheapest sizes for many precision targets at once.
//!
//! Wanted are x_1 … x_J with
//!
//! > min Σ_j c_j x_j  subject to  Σ_j a_dj / x_j ≤ b_d (or Σ_j h_dj x_j ≥ b_d) for every target d,
//! > l_j ≤ x_j ≤ u_j, and x_j ≤ x_p(j) where j is a part of p(j),
//!
//! the problem of Bethel (1989, eq. 2.2) and Chromy (1987), with bounds. It is convex: every
//! constraint is a sum of convex functions of one size each. It is solved by a barrier method
//! (Boyd and Vandenberghe 2004, section 11.3), Newton's method on
//! t Σ c x − Σ_d log(1 − Σ_j a_dj / (b_d x_j)) − Σ log of the distances to the bounds,
//! with t growing until the duality gap m/t is below 10⁻¹⁰ of the cost (10⁻⁷ where no more digits can be had).
//! The multipliers
//! λ_d = 1 / (t (b_d − Σ a/x)), moved along the last step, say what a target costs: ∂ cost / ∂ b_d = −λ_d.
//!
//! Larger sizes never hurt a target, so whether it can be met at all is seen at x = u.

use nalgebra::{DMatrix, DVector};

/// One size that can be chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Size {
    /// What one unit costs, at least 0.
    pub cost: f64,
    /// The least it may be, at least 0.
    pub least: f64,
    /// The most it may be, above `least`.
    pub most: f64,
    /// The size it cannot exceed.
    pub part_of: Option<usize>,
}

/// One target: Σ_j a_j / x_j ≤ b, a limit of a variance; or Σ_j h_j x_j ≥ b, a number that is
/// to be reached.
#[derive(Debug, Clone, PartialEq)]
pub enum Bound {
    /// A variance that is not to be exceeded.
    Variance {
        /// The coefficients a_j, at least 0, one per size.
        a: Vec<f64>,
        /// The limit b.
        b: f64,
    },
    /// A number that is to be reached.
    Number {
        /// What one unit of every size adds to it, at least 0.
        h: Vec<f64>,
        /// The number b.
        b: f64,
    },
}

impl Bound {
    /// How much room there is at these sizes, as a share of the limit; negative when the target
    /// is missed.
    pub fn room(&self, x: &[f64]) -> f64 {
        match self {
            Bound::Variance { a, b } => {
                let reached: f64 =
                    a.iter().zip(x).filter(|(a, _)| **a > 0.0).map(|(a, x)| a / x).sum();
                if *b > 0.0 { 1.0 - reached / b } else { f64::NEG_INFINITY }
            }
            Bound::Number { h, b } => h.iter().zip(x).map(|(h, x)| h * x).sum::<f64>() / b - 1.0,
        }
    }

    /// True when no size has anything to do with the target, or what does not vary exceeds it.
    pub(super) fn is_never_met(&self) -> bool {
        match self {
            Bound::Variance { b, .. } => b.is_nan() || *b <= 0.0,
            Bound::Number { h, .. } => !h.iter().any(|h| *h > 0.0),
        }
    }

    /// The same target made easier by a factor: θ times the variance.
    fn eased(&self, theta: f64) -> Bound {
        match self {
            Bound::Variance { a, b } => Bound::Variance { a: a.clone(), b: b * theta },
            Bound::Number { h, b } => Bound::Number { h: h.clone(), b: b / theta },
        }
    }

    fn limit(&self) -> f64 {
        match self {
            Bound::Variance { b, .. } | Bound::Number { b, .. } => *b,
        }
    }
}

/// How the search ended.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// The cheapest sizes.
    Optimal {
        /// The sizes.
        x: Vec<f64>,
        /// The multiplier λ_d of every target: 0 for one that costs nothing.
        prices: Vec<f64>,
        /// The cost Σ c x.
        cost: f64,
    },
    /// These targets are not met even with all sizes at their most.
    Infeasible(Vec<usize>),
    /// Newton's method did not get near enough within its limit of steps.
    NotConverged,
}

/// Steps of Newton's method for one t, and rounds of t.
const STEPS: usize = 200;
const ROUNDS: usize = 40;
/// The duality gap over the cost that is aimed at, and the one that will do where no more digits can be had.
const GAP: f64 = 1e-10;
const NEAR_ENOUGH: f64 = 1e-7;

/// The cheapest sizes.
pub fn cheapest(sizes: &[Size], bounds: &[Bound]) -> Outcome {
    let n = sizes.len();
    let top = tops(sizes);
    let missed: Vec<usize> = (0..bounds.len()).filter(|&d| !has_room(&bounds[d], &top)).collect();
    if !missed.is_empty() {
        return Outcome::Infeasible(missed);
    }
    if n == 0 {
        return Outcome::Optimal { x: Vec::new(), prices: vec![0.0; bounds.len()], cost: 0.0 };
    }
    // Sizes are counted in their most, costs in the cost of the most.
    let unit: Vec<f64> = top.clone();
    let all: f64 = sizes.iter().zip(&unit).map(|(s, u)| s.cost * u).sum();
    let all = if all > 0.0 { all } else { 1.0 };
    let scaled = Barrier {
        cost: sizes.iter().zip(&unit).map(|(s, u)| s.cost * u / all).collect(),
        least: sizes.iter().zip(&unit).map(|(s, u)| s.least / u).collect(),
        part: sizes.iter().map(|s| s.part_of).collect(),
        unit: unit.clone(),
        bounds: bounds
            .iter()
            .map(|bound| match bound {
                Bound::Variance { a, b } => Bound::Variance {
                    a: a.iter().zip(&unit).map(|(a, u)| a / (b * u)).collect(),
                    b: 1.0,
                },
                Bound::Number { h, b } => Bound::Number {
                    h: h.iter().zip(&unit).map(|(h, u)| h * u / b).collect(),
                    b: 1.0,
                },
            })
            .collect(),
    };
    let Some(mut y) = scaled.inside() else { return Outcome::NotConverged };
    let barriers = (bounds.len() + 3 * n) as f64;
    let mut t = barriers;
    // The duality gap at a centre, over its cost.
    let gap = |y: &DVector<f64>, t: f64| {
        let cost: f64 = scaled.cost.iter().zip(y.iter()).map(|(c, y)| c * y).sum();
        barriers / t / cost.max(1e-6)
    };
    for _ in 0..ROUNDS {
        let before = y.clone();
        if !scaled.centre(&mut y, t) {
            // Where many bounds hold at once the curvature left between them has no digits: the centre before
            // is as near as can be.
            y = before;
            t /= 8.0;
            if gap(&y, t) > NEAR_ENOUGH {
                return Outcome::NotConverged;
            }
        } else if gap(&y, t) > GAP {
            t *= 8.0;
            continue;
        }
        let Some(prices) = scaled.prices(&y, t) else { return Outcome::NotConverged };
        let prices = prices.iter().zip(bounds).map(|(p, b)| all * p / b.limit()).collect();
        let x: Vec<f64> = y.iter().zip(&unit).map(|(y, u)| y * u).collect();
        let cost = sizes.iter().zip(&x).map(|(s, x)| s.cost * x).sum();
        return Outcome::Optimal { x, prices, cost };
    }
    Outcome::NotConverged
}

/// True when a target is met with something to spare; what cannot be compared is not met.
fn has_room(bound: &Bound, x: &[f64]) -> bool {
    bound.room(x) >= 1e-9
}

/// The most of every size, no more than that of what it is a part of.
fn tops(sizes: &[Size]) -> Vec<f64> {
    sizes
        .iter()
        .map(|s| {
            let whole = s.part_of.and_then(|p| sizes.get(p)).map_or(f64::INFINITY, |p| p.most);
            s.most.min(whole)
        })
        .collect()
}

struct Barrier {
    cost: Vec<f64>,
    least: Vec<f64>,
    part: Vec<Option<usize>>,
    unit: Vec<f64>,
    /// With all limits scaled to 1.
    bounds: Vec<Bound>,
}

impl Barrier {
    /// A point with room on all sides: near the most of everything.
    fn inside(&self) -> Option<DVector<f64>> {
        let mut room = 0.5;
        for _ in 0..60 {
            let mut y = DVector::from_element(self.cost.len(), 0.0);
            for j in 0..y.len() {
                // A part keeps below its whole.
                let depth = if self.part[j].is_some() { 2.0 } else { 1.0 };
                y[j] = 1.0 - room * depth * 0.5 * (1.0 - self.least[j]).max(0.0);
            }
            if self.value(&y, 1.0).is_some() {
                return Some(y);
            }
            room *= 0.5;
        }
        None
    }

    fn slack(&self, y: &DVector<f64>) -> Vec<f64> {
        self.bounds.iter().map(|bound| bound.room(y.as_slice())).collect()
    }

    /// y_p(j) − y_j in the unit of j.
    fn gap(&self, y: &DVector<f64>, j: usize) -> Option<(usize, f64, f64)> {
        let p = self.part[j]?;
        let ratio = self.unit[p] / self.unit[j];
        Some((p, ratio, y[p] * ratio - y[j]))
    }

    /// The function that is minimised; `None` outside.
    fn value(&self, y: &DVector<f64>, t: f64) -> Option<f64> {
        let mut total = 0.0;
        for j in 0..y.len() {
            let (low, high) = (y[j] - self.least[j], 1.0 - y[j]);
            if !(low > 0.0 && high > 0.0) {
                return None;
            }
            total += t * self.cost[j] * y[j] - low.ln() - high.ln();
            if let Some((_, _, gap)) = self.gap(y, j) {
                if gap <= 0.0 {
                    return None;
                }
                total -= gap.ln();
            }
        }
        for slack in self.slack(y) {
            if slack <= 0.0 {
                return None;
            }
            total -= slack.ln();
        }
        total.is_finite().then_some(total)
    }

    /// The gradient and the Hessian of the function at t.
    fn derivatives(&self, y: &DVector<f64>, t: f64) -> (DVector<f64>, DMatrix<f64>) {
        let n = y.len();
        let mut gradient: DVector<f64> = DVector::zeros(n);
        let mut hessian: DMatrix<f64> = DMatrix::zeros(n, n);
        for j in 0..n {
            let (low, high) = (y[j] - self.least[j], 1.0 - y[j]);
            gradient[j] += t * self.cost[j] - 1.0 / low + 1.0 / high;
            hessian[(j, j)] += 1.0 / (low * low) + 1.0 / (high * high);
            if let Some((p, ratio, gap)) = self.gap(y, j) {
                gradient[j] += 1.0 / gap;
                gradient[p] -= ratio / gap;
                let curve = 1.0 / (gap * gap);
                hessian[(j, j)] += curve;
                hessian[(p, p)] += ratio * ratio * curve;
                hessian[(j, p)] -= ratio * curve;
                hessian[(p, j)] -= ratio * curve;
            }
        }
        for (bound, slack) in self.bounds.iter().zip(self.slack(y)) {
            // −log(room) has the gradient g'/room, g = −room.
            let slope = slope(bound, y);
            for j in (0..n).filter(|&j| slope[j] != 0.0) {
                gradient[j] += slope[j] / slack;
                if let Bound::Variance { a, .. } = bound {
                    hessian[(j, j)] += 2.0 * a[j] / (y[j].powi(3) * slack);
                }
                for k in 0..n {
                    hessian[(j, k)] += slope[j] * slope[k] / (slack * slack);
                }
            }
        }
        (gradient, hessian)
    }

    /// The multipliers of the bounds at the centre for t: 1/(t room), moved to first order along
    /// the last step of Newton. Near the optimum the room is the small difference of two numbers near 1,
    /// and 1/room has few digits; the moved multipliers balance the gradient to nearly all of them.
    fn prices(&self, y: &DVector<f64>, t: f64) -> Option<Vec<f64>> {
        let (gradient, hessian) = self.derivatives(y, t);
        let step = newton(hessian, &gradient)?;
        let moved = |(bound, room): (&Bound, f64)| {
            let along: f64 = slope(bound, y).iter().zip(step.iter()).map(|(s, d)| s * d).sum();
            ((1.0 + along / room) / (t * room)).max(0.0)
        };
        Some(self.bounds.iter().zip(self.slack(y)).map(moved).collect())
    }

    /// Newton's method for one t. False when it does not get there.
    fn centre(&self, y: &mut DVector<f64>, t: f64) -> bool {
        let mut last = f64::INFINITY;
        for _ in 0..STEPS {
            let (gradient, hessian) = self.derivatives(y, t);
            let Some(step) = newton(hessian, &gradient) else { return false };
            let decrement = -gradient.dot(&step);
            if decrement <= 1e-12 {
                return true;
            }
            // Near the centre Newton's method doubles the digits at every full step, while the value
            // of the function has no digits left to compare (t times the cost is large).
            if decrement < 1e-3 {
                if decrement >= last {
                    return decrement < 1e-5;
                }
                last = decrement;
                let next = &*y + &step;
                if self.value(&next, t).is_some() {
                    *y = next;
                    continue;
                }
            }
            let Some(before) = self.value(y, t) else { return false };
            let mut length = 1.0;
            let mut moved = false;
            for _ in 0..60 {
                let next = &*y + &step * length;
                if let Some(value) = self.value(&next, t)
                    && value <= before - 1e-4 * length * decrement
                {
                    *y = next;
                    moved = true;
                    break;
                }
                length *= 0.5;
            }
            if !moved {
                return decrement < 1e-5;
            }
        }
        false
    }
}

/// The derivatives of what a bound limits, by size.
fn slope(bound: &Bound, y: &DVector<f64>) -> Vec<f64> {
    match bound {
        Bound::Variance { a, .. } => a.iter().zip(y.iter()).map(|(a, y)| -a / (y * y)).collect(),
        Bound::Number { h, .. } => h.iter().map(|h| -h).collect(),
    }
}

/// The step −H⁻¹g, with the sizes scaled so that the diagonal of H is 1: near a bound its entries
/// differ by many orders.
fn newton(mut hessian: DMatrix<f64>, gradient: &DVector<f64>) -> Option<DVector<f64>> {
    let n = gradient.len();
    let scale: Vec<f64> = (0..n).map(|j| 1.0 / hessian[(j, j)].sqrt()).collect();
    for j in 0..n {
        for k in 0..n {
            hessian[(j, k)] *= scale[j] * scale[k];
        }
    }
    let scaled = DVector::from_iterator(n, (0..n).map(|j| gradient[j] * scale[j]));
    let step = -hessian.cholesky()?.solve(&scaled);
    Some(DVector::from_iterator(n, (0..n).map(|j| step[j] * scale[j])))
}

/// The best precision that a budget buys: the least factor θ such that every target with its
/// variance b_d replaced by θ b_d (its number by b_d / θ) can be met for at most `budget`. θ < 1 means that all targets are met with
/// something to spare. The sizes, prices and cost are those at this θ.
///
/// The cost of meeting all targets falls as θ grows, so θ is found by bisection on its
/// logarithm. `None` when even the least sizes cost more than the budget.
pub fn best_for(sizes: &[Size], bounds: &[Bound], budget: f64) -> Option<(f64, Outcome)> {
    let scaled = |theta: f64| -> Vec<Bound> { bounds.iter().map(|b| b.eased(theta)).collect() };
    let least: f64 = sizes.iter().map(|s| s.cost * s.least).sum();
    if least > budget {
        return None;
    }
    let within = |theta: f64| match cheapest(sizes, &scaled(theta)) {
        Outcome::Optimal { cost, .. } => cost <= budget,
        _ => false,
    };
    // The factor at which all sizes are at their most is the smallest there is.
    let top = tops(sizes);
    let at_top = |b: &Bound| match b {
        Bound::Variance { .. } => 1.0 - b.room(&top),
        Bound::Number { .. } => 1.0 / (1.0 + b.room(&top)),
    };
    let smallest = bounds.iter().map(at_top).fold(0.0, f64::max) * (1.0 + 1e-7);
    if smallest <= 0.0 || !smallest.is_finite() {
        return None;
    }
    let (mut low, mut high) = (smallest.ln(), smallest.ln());
    for _ in 0..60 {
        if within(high.exp()) {
            break;
        }
        low = high;
        high += 1.0;
    }
    if !within(high.exp()) {
        return None;
    }
    for _ in 0..60 {
        if high - low < 1e-9 {
            break;
        }
        let middle = 0.5 * (low + high);
        if within(middle.exp()) { high = middle } else { low = middle }
    }
    let theta = high.exp();
    Some((theta, cheapest(sizes, &scaled(theta))))
}

#[cfg(test)]
mod tests;
