//! The methods of selection, and the one way to call them all.

use rand::Rng;

use super::conditional::{conditional_poisson, sampford};
use super::elimination::{midzuno, tille};
use super::error::DrawError;
use super::poisson::{UnitNumbers, pareto, poisson, simple_by_numbers};
use super::sequential::{brewer, pivotal};
use super::simple::{bernoulli, shuffle, simple};
use super::size::Open;
use super::systematic::{systematic, systematic_unequal};

/// How units are selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// Simple random sampling without replacement.
    Simple,
    /// Every unit on its own, all with the same probability.
    Bernoulli,
    /// Systematic with equal probabilities, in order.
    Systematic,
    /// Systematic with unequal probabilities, in order (Madow 1949).
    PpsSystematic,
    /// The same in random order (Hartley and Rao 1962).
    PpsSystematicRandom,
    /// Every unit on its own, with its probability.
    Poisson,
    /// Pareto order sampling (Rosén 1997).
    Pareto,
    /// Conditional Poisson sampling: maximum entropy (Hájek 1964).
    ConditionalPoisson,
    /// Sampford (1967).
    Sampford,
    /// Brewer (1975).
    Brewer,
    /// Elimination (Tillé 1996).
    Tille,
    /// Midzuno (1952), generalised.
    Midzuno,
    /// The pivotal method in random order (Deville and Tillé 1998).
    Pivotal,
    /// The pivotal method along the list.
    PivotalInOrder,
}

impl Method {
    /// All of them, by the names of files and messages.
    pub const ALL: [(Method, &'static str); 14] = [
        (Method::Simple, "simple"),
        (Method::Bernoulli, "bernoulli"),
        (Method::Systematic, "systematic"),
        (Method::PpsSystematic, "pps-systematic"),
        (Method::PpsSystematicRandom, "pps-systematic-random"),
        (Method::Poisson, "poisson"),
        (Method::Pareto, "pareto"),
        (Method::ConditionalPoisson, "conditional-poisson"),
        (Method::Sampford, "sampford"),
        (Method::Brewer, "brewer"),
        (Method::Tille, "tille"),
        (Method::Midzuno, "midzuno"),
        (Method::Pivotal, "pivotal"),
        (Method::PivotalInOrder, "pivotal-in-order"),
    ];

    /// The name in files and messages.
    pub fn name(self) -> &'static str {
        Method::ALL.iter().find(|m| m.0 == self).map_or("", |m| m.1)
    }

    /// The method of that name.
    pub fn named(name: &str) -> Option<Method> {
        Method::ALL.iter().find(|m| m.1 == name).map(|m| m.0)
    }

    /// True where every sample has the same size.
    pub fn fixed_size(self) -> bool {
        !matches!(self, Method::Bernoulli | Method::Poisson)
    }

    /// True where all units have the same probability.
    pub fn equal(self) -> bool {
        matches!(self, Method::Simple | Method::Bernoulli | Method::Systematic)
    }
}

/// A sample with the inclusion probabilities π, ascending.
///
/// The probabilities of methods that take equal ones are to be equal; the first is taken. Methods of
/// fixed size need a sum that is a whole number; see each for its source and cost.
///
/// # Errors
/// Probabilities outside 0 … 1, or not adding to a whole number where the size is fixed; frames too
/// large for a method.
///
/// ```
/// use rakewell::draw::{Method, proportional, select};
/// use rakewell::numeric::random::stream;
///
/// let sizes = [12.0, 30.0, 8.0, 25.0, 5.0];
/// let pi = proportional(&sizes, 2)?.probabilities;
/// let sample = select(Method::Sampford, &pi, &mut stream(2009, "draw", 0))?;
/// assert_eq!(sample.len(), 2);
/// # Ok::<(), rakewell::draw::DrawError>(())
/// ```
pub fn select(method: Method, pi: &[f64], rng: &mut impl Rng) -> Result<Vec<u32>, DrawError> {
    match method {
        Method::Simple => simple(pi.len(), size(pi)?, rng),
        Method::Systematic => systematic(pi.len(), size(pi)?, rng),
        Method::Bernoulli => bernoulli(pi.len(), pi.first().copied().unwrap_or(0.0), rng),
        Method::PpsSystematic => systematic_unequal(pi, rng),
        Method::PpsSystematicRandom => {
            let mut order: Vec<u32> = (0..pi.len() as u32).collect();
            shuffle(&mut order, rng);
            let mixed: Vec<f64> = order.iter().map(|&k| pi[k as usize]).collect();
            let taken = systematic_unequal(&mixed, rng)?;
            let mut sample: Vec<u32> = taken.into_iter().map(|i| order[i as usize]).collect();
            sample.sort_unstable();
            Ok(sample)
        }
        Method::Poisson => poisson(pi, UnitNumbers::Stream(rng)),
        Method::Pareto => pareto(pi, UnitNumbers::Stream(rng)),
        Method::ConditionalPoisson => conditional_poisson(pi, rng),
        Method::Sampford => sampford(pi, rng),
        Method::Brewer => brewer(pi, rng),
        Method::Tille => tille(pi, rng),
        Method::Midzuno => midzuno(pi, rng),
        Method::Pivotal => pivotal(pi, false, rng),
        Method::PivotalInOrder => pivotal(pi, true, rng),
    }
}

/// The same with permanent random numbers, which coordinate samples: simple, Bernoulli, Poisson and
/// Pareto sampling.
///
/// # Errors
/// As [`select`]; other methods; numbers that are not one within 0 and 1 for each unit.
pub fn select_by_numbers(
    method: Method,
    pi: &[f64],
    numbers: &[f64],
    start: f64,
) -> Result<Vec<u32>, DrawError> {
    let numbers: UnitNumbers<'_, rand_chacha::ChaCha12Rng> =
        UnitNumbers::Permanent { numbers, start };
    match method {
        Method::Simple => simple_by_numbers(pi.len(), size(pi)?, numbers),
        Method::Bernoulli | Method::Poisson => poisson(pi, numbers),
        Method::Pareto => pareto(pi, numbers),
        _ => Err(DrawError::NotPermanent { method: method.name() }),
    }
}

/// The size of a sample with these probabilities.
fn size(pi: &[f64]) -> Result<usize, DrawError> {
    let open = Open::of(pi)?;
    Ok(open.whole()? + open.certain.len())
}
