//! Balanced sampling by the cube method.

use rand::Rng;

use super::error::DrawError;
use super::simple::shuffle;
use super::size::Open;
use crate::numeric::random::unit;

/// Probabilities this near to 0 or 1 have arrived there.
const ARRIVED: f64 = 1e-10;

/// A balanced sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Balanced {
    /// The units, ascending.
    pub units: Vec<u32>,
    /// Units that were still open when the flight ended, and that the landing decided on.
    pub landed: usize,
    /// By balancing variable, the Horvitz–Thompson total of the sample less the total of the frame,
    /// relative to the total of |x|.
    pub off: Vec<f64>,
}

/// The cube method (Deville and Tillé 2004, *Biometrika* 91): a sample with the inclusion
/// probabilities π for which Σ_s x_k/π_k is as near as can be to Σ_U x_k, for every balancing variable.
///
/// The flight is the fast one of Chauvet and Tillé (2006, *Computational Statistics* 21): among p + 1
/// open units there is a direction u with Σ u_k x_k/π_k = 0 for all p variables; the probabilities move
/// along it, at random to the one side or the other so that their expectation stays, until one of
/// the units is in or out. When fewer than p + 1 are open, landing gives up the last variable, flies
/// on, and so forth: the variables stand in the order of their importance. For a sample of fixed size
/// π itself is to be the first variable.
///
/// Units are visited in random order. Costs O(N p²) and the window of p + 1 units.
///
/// # Errors
/// Probabilities outside 0 … 1; variables with values that are not finite, or not one for each unit.
pub fn cube(pi: &[f64], variables: &[&[f64]], rng: &mut impl Rng) -> Result<Balanced, DrawError> {
    let open = Open::of(pi)?;
    for (variable, x) in variables.iter().enumerate() {
        if x.len() != pi.len() {
            let what = "a balancing variable";
            return Err(DrawError::Length { what, found: x.len(), expected: pi.len() });
        }
        if let Some(unit) = x.iter().position(|x| !x.is_finite()) {
            return Err(DrawError::Balancing { variable, unit, value: x[unit] });
        }
    }
    let scale: Vec<f64> = variables
        .iter()
        .map(|x| x.iter().fold(0.0_f64, |m, x| m.max(x.abs())))
        .map(|m| if m > 0.0 { m } else { 1.0 })
        .collect();
    let mut order: Vec<u32> = (0..open.units.len() as u32).collect();
    shuffle(&mut order, rng);
    let mut sample = open.certain.clone();
    let mut waiting = order.into_iter();
    let mut flight = Flight { window: Vec::new(), work: Vec::new(), direction: Vec::new() };
    let mut landed = 0;
    for used in (0..=variables.len()).rev() {
        loop {
            while flight.window.len() <= used
                && let Some(i) = waiting.next()
            {
                let k = open.units[i as usize] as usize;
                let p = open.pi[i as usize];
                let row = variables.iter().zip(&scale).map(|(x, s)| x[k] / s / p).collect();
                flight.window.push(Visitor { unit: k as u32, p, row });
            }
            if !flight.step(used, &mut sample, rng) {
                break;
            }
        }
        if used == variables.len() {
            landed = flight.window.len();
        }
    }
    sample.sort_unstable();
    let off = variables
        .iter()
        .map(|x| {
            let total: f64 = x.iter().sum();
            let size: f64 = x.iter().map(|x| x.abs()).sum();
            let found: f64 = sample.iter().map(|&k| x[k as usize] / pi[k as usize]).sum();
            let covered: f64 = x.iter().zip(pi).filter(|(_, p)| **p == 0.0).map(|(x, _)| x).sum();
            if size > 0.0 { (found - (total - covered)) / size } else { 0.0 }
        })
        .collect();
    Ok(Balanced { units: sample, landed, off })
}

/// A unit in the window.
struct Visitor {
    unit: u32,
    /// Its probability by now.
    p: f64,
    /// x/π for every variable.
    row: Vec<f64>,
}

/// The window of open units.
struct Flight {
    window: Vec<Visitor>,
    /// Room for the elimination.
    work: Vec<f64>,
    direction: Vec<f64>,
}

impl Flight {
    /// One step that keeps the first `used` variables balanced; false if there is none.
    fn step(&mut self, used: usize, sample: &mut Vec<u32>, rng: &mut impl Rng) -> bool {
        if !self.find_direction(used) {
            return false;
        }
        // How far the probabilities can go up and down along the direction.
        let (mut up, mut down) = (f64::INFINITY, f64::INFINITY);
        for (v, &d) in self.window.iter().zip(&self.direction).filter(|(_, d)| **d != 0.0) {
            let (above, under) = ((1.0 - v.p) / d.abs(), v.p / d.abs());
            up = up.min(if d > 0.0 { above } else { under });
            down = down.min(if d > 0.0 { under } else { above });
        }
        let move_by = if unit(rng.next_u64()) * (up + down) < down { up } else { -down };
        for (v, &d) in self.window.iter_mut().zip(&self.direction) {
            v.p += move_by * d;
        }
        let open = self.window.len();
        self.window.retain(|v| {
            if v.p > 1.0 - ARRIVED {
                sample.push(v.unit);
            }
            (ARRIVED..=1.0 - ARRIVED).contains(&v.p)
        });
        self.window.len() < open
    }

    /// A direction in which no total of the first `used` variables changes: a vector of the kernel
    /// of their matrix over the window, by Gauss–Jordan elimination with full pivoting.
    fn find_direction(&mut self, used: usize) -> bool {
        let m = self.window.len();
        self.direction.clear();
        self.direction.resize(m, 0.0);
        if m == 0 {
            return false;
        }
        // A window with more units than variables has one more than it needs.
        let columns = m.min(used + 1);
        self.work.clear();
        for j in 0..used {
            self.work.extend(self.window[..columns].iter().map(|v| v.row[j]));
        }
        let at = |i: usize, j: usize| i * columns + j;
        let largest = self.work.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
        let mut free: Vec<usize> = (0..columns).collect();
        let mut pivots: Vec<(usize, usize)> = Vec::with_capacity(used);
        let mut rows: Vec<usize> = (0..used).collect();
        while !rows.is_empty() && !free.is_empty() {
            let mut best = (0, 0, 0.0);
            for (a, &i) in rows.iter().enumerate() {
                for (b, &j) in free.iter().enumerate() {
                    let size = self.work[at(i, j)].abs();
                    if size > best.2 {
                        best = (a, b, size);
                    }
                }
            }
            if best.2 <= 1e-11 * largest {
                break;
            }
            let (i, j) = (rows.swap_remove(best.0), free.swap_remove(best.1));
            let pivot = self.work[at(i, j)];
            for c in 0..columns {
                self.work[at(i, c)] /= pivot;
            }
            for r in (0..used).filter(|r| *r != i) {
                let factor = self.work[at(r, j)];
                if factor != 0.0 {
                    for c in 0..columns {
                        self.work[at(r, c)] -= factor * self.work[at(i, c)];
                    }
                }
            }
            pivots.push((i, j));
        }
        let Some(&one) = free.iter().min() else { return false };
        self.direction[one] = 1.0;
        for (i, j) in pivots {
            self.direction[j] = -self.work[at(i, one)];
        }
        true
    }
}
