//! Tillé's elimination procedure, and Midzuno's as its complement.

use nalgebra::DMatrix;
use rand::Rng;

use super::error::DrawError;
use super::size::Open;
use crate::numeric::Sum;
use crate::numeric::random::unit;

/// The steps of an elimination from N units down to n.
///
/// At size i, units have the inclusion probability π(k|i) proportional to size, with certainty units
/// C_i. From size i + 1 to i, unit k is eliminated with probability r_k = 1 − π(k|i) ÷ π(k|i + 1)
/// (Tillé 1996, *Biometrika* 83). That is zero for members of C_i, 1 − π(k|i) for those who leave the
/// certainty at this step, and the same r_i for all others.
struct Steps {
    /// Units from the largest to the smallest.
    order: Vec<u32>,
    /// For sizes n … N: how many units are certain.
    certain: Vec<usize>,
    /// For sizes n … N: the probability of a unit outside the certainty per unit of size.
    slope: Vec<f64>,
    n: usize,
}

impl Steps {
    fn new(sizes: &[f64], n: usize) -> Steps {
        let units = sizes.len();
        let mut order: Vec<u32> = (0..units as u32).collect();
        order.sort_by(|&a, &b| sizes[b as usize].total_cmp(&sizes[a as usize]));
        let mut below = vec![0.0; units + 1];
        let mut sum = Sum::new();
        for (i, &k) in order.iter().enumerate().rev() {
            sum.add(sizes[k as usize]);
            below[i] = sum.value();
        }
        let (mut certain, mut slope) = (Vec::new(), Vec::new());
        let mut c = 0;
        for size in n..=units {
            // The larger the sample, the more are certain.
            while c < size
                && sizes[order[c] as usize] * (size - c) as f64 >= below[c] * (1.0 - 1e-12)
            {
                c += 1;
            }
            certain.push(c);
            slope.push(if c < units { (size - c) as f64 / below[c] } else { 0.0 });
        }
        Steps { order, certain, slope, n }
    }

    /// r of a unit outside both certainties, at the step down to size i.
    fn common(&self, i: usize) -> f64 {
        let at = i - self.n;
        let (here, above) = (self.slope[at], self.slope[at + 1]);
        if above > 0.0 { 1.0 - here / above } else { 0.0 }
    }
}

/// Tillé's elimination procedure: units are struck out one by one until n are left.
///
/// Costs a sort; the joint probabilities are known exactly, positive for n ≥ 2, and smaller than
/// π_k π_l.
///
/// # Errors
/// Probabilities outside 0 … 1 or that do not add to a whole number.
pub fn tille(pi: &[f64], rng: &mut impl Rng) -> Result<Vec<u32>, DrawError> {
    let open = Open::of(pi)?;
    let n = open.whole()?;
    if let Some(sample) = open.settled(n) {
        return Ok(sample);
    }
    let mut sample = open.certain.clone();
    let left = eliminate(&open.pi, n, rng);
    sample.extend(left.into_iter().map(|i| open.units[i as usize]));
    sample.sort_unstable();
    Ok(sample)
}

/// Midzuno's method, generalised (Deville and Tillé 1998): the complement of an elimination with the
/// probabilities 1 − π.
///
/// # Errors
/// Probabilities outside 0 … 1 or that do not add to a whole number.
pub fn midzuno(pi: &[f64], rng: &mut impl Rng) -> Result<Vec<u32>, DrawError> {
    let open = Open::of(pi)?;
    let n = open.whole()?;
    if let Some(sample) = open.settled(n) {
        return Ok(sample);
    }
    let mut sample = open.certain.clone();
    let outside: Vec<f64> = open.pi.iter().map(|p| 1.0 - p).collect();
    let mut inside = vec![true; outside.len()];
    for i in eliminate(&outside, outside.len() - n, rng) {
        inside[i as usize] = false;
    }
    sample.extend(open.units.iter().zip(inside).filter(|x| x.1).map(|x| *x.0));
    sample.sort_unstable();
    Ok(sample)
}

/// The units left after an elimination.
fn eliminate(sizes: &[f64], n: usize, rng: &mut impl Rng) -> Vec<u32> {
    let units = sizes.len();
    let steps = Steps::new(sizes, n);
    // Outside the certainty at the present size; all of `order[..certain]` are still there.
    let mut others: Vec<u32> = steps.order[steps.certain[units - n]..].to_vec();
    for i in (n..units).rev() {
        let (now, before) = (steps.certain[i - n], steps.certain[i - n + 1]);
        let leaving = &steps.order[now..before];
        let mut u = unit(rng.next_u64());
        let mut struck = None;
        for &k in leaving {
            let r = 1.0 - sizes[k as usize] * steps.slope[i - n];
            if u < r {
                struck = Some(k);
                break;
            }
            u -= r;
        }
        if struck.is_none() && !others.is_empty() {
            let share = steps.common(i);
            let at = if share > 0.0 { (u / share) as usize } else { 0 };
            others.swap_remove(at.min(others.len() - 1));
            others.extend(leaving);
        } else {
            // With nobody outside, rounding may leave the last of those leaving.
            let struck = struck.or(leaving.last().copied());
            others.extend(leaving.iter().filter(|k| Some(**k) != struck));
        }
    }
    others.extend(&steps.order[..steps.certain[0]]);
    others
}

/// Joint inclusion probabilities of an elimination: π_kl = ∏_i (1 − r_k(i) − r_l(i)) (Tillé 1996).
///
/// All π strictly between 0 and 1, adding to n.
pub(super) fn joint(pi: &[f64], n: usize) -> DMatrix<f64> {
    let units = pi.len();
    let steps = Steps::new(pi, n);
    // By size i = n … N − 1: products from the bottom of 1 − 2r, and of 1 − r.
    let count = units - n;
    let (mut both, mut single) = (vec![1.0; count + 1], vec![1.0; count + 1]);
    for at in 0..count {
        let r = steps.common(n + at);
        both[at + 1] = both[at] * (1.0 - 2.0 * r);
        single[at + 1] = single[at] * (1.0 - r);
    }
    // The step (counted from n) at which each unit leaves the certainty, and its r there. At size N
    // all are certain, at size n none.
    let mut leaves = vec![(0, 0.0); units];
    for at in 0..count {
        for &k in &steps.order[steps.certain[at]..steps.certain[at + 1]] {
            leaves[k as usize] = (at, 1.0 - pi[k as usize] * steps.slope[at]);
        }
    }
    DMatrix::from_fn(units, units, |k, l| {
        if k == l {
            return pi[k];
        }
        let (first, second) = if leaves[k].0 >= leaves[l].0 { (k, l) } else { (l, k) };
        let ((a, r), (b, s)) = (leaves[first], leaves[second]);
        if a == b {
            return (1.0 - r - s) * both[a];
        }
        // From the top: `first` leaves at a, is alone outside down to b, where `second` leaves, and
        // then both are out.
        let alone = single[a] / single[b + 1];
        (1.0 - r) * alone * (1.0 - s - steps.common(n + b)) * both[b]
    })
}
