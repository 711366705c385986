//! Poisson and Pareto sampling, and coordination by permanent random numbers.

use rand::Rng;

use super::error::DrawError;
use super::size::Open;
use crate::numeric::random::{open_unit, unit};

/// Where the random numbers of units come from.
#[derive(Debug)]
pub enum UnitNumbers<'a, R> {
    /// From a stream: a new number for each unit.
    Stream(&'a mut R),
    /// Permanent random numbers, which a unit keeps from one sample to the next (Brewer, Early and
    /// Joyce 1972; Ohlsson 1995), in 0 … 1, read from a starting point on the circle.
    ///
    /// Samples with the same start overlap as much as can be; the further the starts lie apart,
    /// the less, down to none where both fractions fit between them.
    Permanent {
        /// One number for each unit.
        numbers: &'a [f64],
        /// The starting point, in 0 … 1.
        start: f64,
    },
}

impl<R: Rng> UnitNumbers<'_, R> {
    /// One number in the open interval (0, 1) for each unit.
    fn all(&mut self, units: usize) -> Result<Vec<f64>, DrawError> {
        match self {
            UnitNumbers::Stream(rng) => Ok((0..units).map(|_| open_unit(rng.next_u64())).collect()),
            UnitNumbers::Permanent { numbers, start } => {
                if numbers.len() != units {
                    let what = "the permanent random numbers";
                    return Err(DrawError::Length { what, found: numbers.len(), expected: units });
                }
                numbers
                    .iter()
                    .enumerate()
                    .map(|(unit, &number)| {
                        if !(0.0..1.0).contains(&number) {
                            return Err(DrawError::Permanent { unit, number });
                        }
                        let moved = (number - *start).rem_euclid(1.0);
                        // Zero has no logarithm, and a difference may round up to 1.
                        Ok(moved.clamp(f64::MIN_POSITIVE, 1.0 - f64::EPSILON))
                    })
                    .collect()
            }
        }
    }
}

/// Poisson sampling: unit k is taken when u_k < π_k, each on its own, so that the size varies and
/// π_kl = π_k π_l.
///
/// # Errors
/// Probabilities outside 0 … 1, numbers that are not one for each unit.
pub fn poisson<R: Rng>(pi: &[f64], mut numbers: UnitNumbers<'_, R>) -> Result<Vec<u32>, DrawError> {
    Open::of(pi)?;
    if let UnitNumbers::Stream(rng) = &mut numbers {
        return Ok((0..)
            .zip(pi)
            .filter(|(_, p)| unit(rng.next_u64()) < **p)
            .map(|x| x.0)
            .collect());
    }
    let u = numbers.all(pi.len())?;
    Ok((0..).zip(u.iter().zip(pi)).filter(|(_, (u, p))| u < p).map(|x| x.0).collect())
}

/// Pareto sampling (Rosén 1997, *Journal of Statistical Planning and Inference* 62): the n units of
/// the smallest u_k (1 − π_k) ÷ (π_k (1 − u_k)).
///
/// The size is fixed, and samples are coordinated by permanent numbers as those of Poisson sampling
/// are. The inclusion probabilities are those given but for a term of order 1/Σ π(1 − π); they are
/// exactly so for equal ones.
///
/// # Errors
/// Probabilities outside 0 … 1 or that do not add to a whole number.
pub fn pareto<R: Rng>(pi: &[f64], mut numbers: UnitNumbers<'_, R>) -> Result<Vec<u32>, DrawError> {
    let open = Open::of(pi)?;
    let n = open.whole()?;
    let u = match &mut numbers {
        UnitNumbers::Stream(_) => numbers.all(open.units.len())?,
        UnitNumbers::Permanent { .. } => {
            let all = numbers.all(pi.len())?;
            open.units.iter().map(|&k| all[k as usize]).collect()
        }
    };
    let odds = |x: f64| x / (1.0 - x);
    let ranked =
        open.units.iter().zip(u.iter().zip(&open.pi)).map(|(&k, (&u, &p))| (odds(u) / odds(p), k));
    Ok(smallest(ranked.collect(), n, open.certain))
}

/// Sequential simple random sampling with the numbers of the units: the n smallest.
///
/// # Errors
/// When more are asked for than there are, numbers that are not one for each unit.
pub fn simple_by_numbers<R: Rng>(
    units: usize,
    n: usize,
    mut numbers: UnitNumbers<'_, R>,
) -> Result<Vec<u32>, DrawError> {
    if n > units {
        return Err(DrawError::TooMany { asked: n, available: units, sized: false });
    }
    let u = numbers.all(units)?;
    Ok(smallest(u.into_iter().zip(0..).collect(), n, Vec::new()))
}

/// The units with the n smallest numbers, besides those taken anyway; ascending.
fn smallest(mut ranked: Vec<(f64, u32)>, n: usize, mut sample: Vec<u32>) -> Vec<u32> {
    if n > 0 && n < ranked.len() {
        ranked.select_nth_unstable_by(n - 1, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    }
    sample.extend(ranked.iter().take(n).map(|r| r.1));
    sample.sort_unstable();
    sample
}
