//! Calibration of several replicates at once to the same margins.

use super::calibrate::Distance;
use super::on_cells::PlainMargins;
use crate::aggregate::{LANES, Lane};
use crate::numeric::SymmetricSolver;

/// Most steps towards the solution of a replicate. Those that need more go the slow way.
const STEPS: usize = 60;

/// Meets the margins of a block of replicates side by side, from the solution of the sample on.
///
/// Solves Σ w F(Σ λ) = t for the multipliers λ of the levels by Broyden's method (Broyden 1965; Kelley
/// 1995, §7.3), with the derivative at the solution of the sample as the first approximation of
/// that of a replicate: a step costs one pass over the cells, and no matrix is made.
#[derive(Debug)]
pub(super) struct MarginSolver {
    terms: usize,
    /// The columns of each cell, `terms` each.
    columns: Vec<u32>,
    targets: Vec<f64>,
    distance: Distance,
    tolerance: f64,
    /// The solution of the sample.
    start: Vec<f64>,
    /// The derivative there.
    derivative: SymmetricSolver,
}

impl MarginSolver {
    /// Solves for the sample; `None` where that is not quick either.
    pub fn new(margins: &PlainMargins<'_>, weights: &[f64]) -> Option<MarginSolver> {
        let columns = margins.columns(weights.len())?;
        let q = margins.targets.len();
        let mut solver = MarginSolver {
            terms: margins.x.terms.len(),
            derivative: SymmetricSolver::new(&margins.gram(&columns, weights.iter().copied()))
                .ok()?,
            columns,
            targets: margins.targets.to_vec(),
            distance: margins.distance,
            tolerance: margins.tolerance,
            start: vec![0.0; q],
        };
        if solver.terms == 0 {
            return None;
        }
        let lanes: Vec<Lane> = weights.iter().map(|w| [*w; LANES]).collect();
        let first = solver.solve(&lanes, 1).into_iter().next().flatten();
        let levels = match first {
            Some(levels) => levels,
            None if solver.is_product() => solver.fitted(weights)?,
            None => return None,
        };
        let slopes = weights.iter().enumerate().map(|(cell, w)| {
            let own = &solver.columns[cell * solver.terms..(cell + 1) * solver.terms];
            if solver.is_product() {
                return w * own.iter().map(|&c| levels[c as usize]).product::<f64>();
            }
            w * solver.distance.factor(own.iter().map(|&c| levels[c as usize]).sum()).1
        });
        let gram = margins.gram(&solver.columns, slopes);
        solver.derivative = SymmetricSolver::new(&gram).ok()?;
        let is_product = solver.is_product();
        solver.start = levels.into_iter().map(|l| if is_product { l.ln() } else { l }).collect();
        Some(solver)
    }

    /// The multiplier that changes nothing.
    pub fn neutral(&self) -> f64 {
        if self.is_product() { 1.0 } else { 0.0 }
    }

    /// Whether the factor of a cell is the product of the multipliers exp(λ) of its levels.
    fn is_product(&self) -> bool {
        matches!(self.distance, Distance::Raking(None))
    }

    /// Multiplies the values of each cell by its factor.
    pub fn apply(&self, levels: &[Lane], values: &mut [Lane]) {
        for (own, value) in self.columns.chunks_exact(self.terms).zip(values) {
            let factor = self.factor(own, levels);
            value.iter_mut().zip(factor).for_each(|(v, f)| *v *= f);
        }
    }

    #[inline]
    fn factor(&self, own: &[u32], levels: &[Lane]) -> Lane {
        if self.is_product() {
            let mut factor = [1.0; LANES];
            for &column in own {
                let level = &levels[column as usize];
                for l in 0..LANES {
                    factor[l] *= level[l];
                }
            }
            return factor;
        }
        let mut u = [0.0; LANES];
        for &column in own {
            let level = &levels[column as usize];
            for l in 0..LANES {
                u[l] += level[l];
            }
        }
        u.map(|u| self.distance.factor(u).0)
    }

    /// Σ w g by column.
    fn totals(&self, weights: &[Lane], levels: &[Lane]) -> Vec<Lane> {
        let mut totals = vec![[0.0; LANES]; self.targets.len()];
        for (own, w) in self.columns.chunks_exact(self.terms).zip(weights) {
            let mut g = self.factor(own, levels);
            for l in 0..LANES {
                g[l] *= w[l];
            }
            for &column in own {
                let total = &mut totals[column as usize];
                for l in 0..LANES {
                    total[l] += g[l];
                }
            }
        }
        totals
    }

    /// The multipliers of each of the first `lanes` lanes; `None` where they are not found.
    pub fn solve(&self, weights: &[Lane], lanes: usize) -> Vec<Option<Vec<f64>>> {
        let q = self.targets.len();
        // A total near zero is judged beside the size of what it is made of.
        let mut size = vec![[0.0; LANES]; q];
        for (own, w) in self.columns.chunks_exact(self.terms).zip(weights) {
            for &column in own {
                let size = &mut size[column as usize];
                for l in 0..LANES {
                    size[l] += w[l].abs();
                }
            }
        }
        let mut searches: Vec<Search> = (0..lanes.min(LANES))
            .map(|lane| Search {
                lambda: self.start.clone(),
                scale: (0..q).map(|c| self.targets[c].abs().max(1e-6 * size[c][lane])).collect(),
                steps: Vec::new(),
                state: State::Open,
            })
            .collect();
        let product = self.is_product();
        let mut levels = vec![[0.0; LANES]; q];
        for _ in 0..STEPS {
            for (lane, search) in searches.iter().enumerate() {
                for (level, &lambda) in levels.iter_mut().zip(&search.lambda) {
                    level[lane] = if product { lambda.exp() } else { lambda };
                }
            }
            let totals = self.totals(weights, &levels);
            for (lane, search) in searches.iter_mut().enumerate() {
                let reached = totals.iter().map(|t| t[lane]);
                search.advance(reached, &self.targets, self.tolerance, &self.derivative);
            }
            if searches.iter().all(|s| s.state != State::Open) {
                break;
            }
        }
        let found = searches.into_iter().map(|s| (s.state == State::Met).then_some(s.lambda));
        let level = |lambda: f64| if product { lambda.exp() } else { lambda };
        found.map(|f| f.map(|lambda| lambda.into_iter().map(level).collect())).collect()
    }

    /// The multipliers by iterative proportional fitting, which also meets totals of zero.
    fn fitted(&self, weights: &[f64]) -> Option<Vec<f64>> {
        let mut first = vec![u32::MAX; self.terms];
        let mut width = vec![0_u32; self.terms];
        for own in self.columns.chunks_exact(self.terms) {
            for (t, &c) in own.iter().enumerate() {
                first[t] = first[t].min(c);
                width[t] = width[t].max(c + 1);
            }
        }
        let mut levels = vec![1.0; self.targets.len()];
        for _ in 0..1000 {
            let mut worst: f64 = 0.0;
            for t in 0..self.terms {
                let mut totals = vec![0.0; self.targets.len()];
                for (own, w) in self.columns.chunks_exact(self.terms).zip(weights) {
                    let g: f64 = own.iter().map(|&c| levels[c as usize]).product();
                    totals[own[t] as usize] += w * g;
                }
                for c in first[t] as usize..width[t] as usize {
                    let (total, target) = (totals[c], self.targets[c]);
                    let off = if target > 0.0 { (total - target).abs() / target } else { total };
                    worst = worst.max(off);
                    if total > 0.0 {
                        levels[c] *= target / total;
                    }
                }
            }
            if worst <= self.tolerance {
                return levels.iter().all(|l| l.is_finite()).then_some(levels);
            }
        }
        None
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Met,
    Failed,
}

/// The way of one replicate.
struct Search {
    lambda: Vec<f64>,
    /// What a misfit is relative to.
    scale: Vec<f64>,
    /// The steps taken.
    steps: Vec<Vec<f64>>,
    state: State,
}

impl Search {
    fn advance(
        &mut self,
        reached: impl Iterator<Item = f64>,
        targets: &[f64],
        tolerance: f64,
        derivative: &SymmetricSolver,
    ) {
        if self.state != State::Open {
            return;
        }
        let gap: Vec<f64> = targets.iter().zip(reached).map(|(t, r)| t - r).collect();
        let off =
            |(gap, scale): (&f64, &f64)| if *scale > 0.0 { gap.abs() / scale } else { gap.abs() };
        let worst = gap
            .iter()
            .zip(&self.scale)
            .map(off)
            .fold(0.0, |a: f64, b| if b.is_nan() { f64::INFINITY } else { a.max(b) });
        if worst <= tolerance {
            self.state = State::Met;
            return;
        }
        if worst.is_infinite() {
            self.state = State::Failed;
            return;
        }
        let mut step = derivative.solve(&gap);
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        for pair in self.steps.windows(2) {
            let share = dot(&pair[0], &step) / dot(&pair[0], &pair[0]);
            step.iter_mut().zip(&pair[1]).for_each(|(s, next)| *s += share * next);
        }
        if let Some(last) = self.steps.last() {
            let rest = 1.0 - dot(last, &step) / dot(last, last);
            step.iter_mut().for_each(|s| *s /= rest);
        }
        if !step.iter().all(|s| s.is_finite()) || dot(&step, &step) == 0.0 {
            self.state = State::Failed;
            return;
        }
        self.lambda.iter_mut().zip(&step).for_each(|(l, s)| *l += s);
        self.steps.push(step);
    }
}
