//! Joint inclusion probabilities of the first-stage units that were drawn.

use nalgebra::DMatrix;

use super::carry_out::Drawn;
use super::cells::How;
use super::layout::Layout;
use crate::data::Table;
use crate::draw::error::DrawError;
use crate::draw::joint::{JointSource, joint};
use crate::draw::method::Method;

/// Two first-stage units that were drawn together within a stratum. Units of different strata are
/// independent: π_kl = π_k π_l.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// Their stratum; empty without strata.
    pub stratum: String,
    /// The identifiers of the two, or the numbers of their rows.
    pub units: [String; 2],
    /// π_k and π_l.
    pub single: [f64; 2],
    /// π_kl.
    pub joint: f64,
    /// Exact, or Hájek's approximation.
    pub source: JointSource,
}

/// Pairs that may be written.
const MOST: usize = 5_000_000;

impl Layout {
    /// The joint probabilities of all pairs of first-stage units drawn within a stratum.
    ///
    /// Strata that are drawn by the cube method, or follow another sample, are left out.
    ///
    /// # Errors
    /// Strata or samples so large that it takes too long; see [`joint`].
    pub fn pairs(&self, drawn: &Drawn, table: &Table) -> Result<Vec<Pair>, DrawError> {
        let mut pairs = Vec::new();
        let (Some(stage), Some(units)) = (self.stages.first(), drawn.units.first()) else {
            return Ok(pairs);
        };
        for cell in &stage.cells {
            let own = cell.first..cell.first + cell.units;
            let here: Vec<u32> = units.iter().copied().filter(|u| own.contains(u)).collect();
            if here.len() < 2 {
                continue;
            }
            if pairs.len() + here.len() * (here.len() - 1) / 2 > MOST {
                let instead = "leave out --joint";
                let (sample, units) = (units.len(), stage.units());
                let method = "a list of all pairs";
                return Err(DrawError::TooLarge { method, sample, units, instead });
            }
            let pi = &stage.pi[cell.first as usize..(cell.first + cell.units) as usize];
            let Some((matrix, source)) = of_cell(cell.how, pi)? else { continue };
            for (i, &a) in here.iter().enumerate() {
                for &b in &here[i + 1..] {
                    let (k, l) = ((a - cell.first) as usize, (b - cell.first) as usize);
                    let label = stage.strata.get(stage.stratum_code(a) as usize);
                    pairs.push(Pair {
                        stratum: label.cloned().unwrap_or_default(),
                        units: [stage.bare_name(a, table), stage.bare_name(b, table)],
                        single: [pi[k], pi[l]],
                        joint: matrix[(k, l)],
                        source,
                    });
                }
            }
        }
        Ok(pairs)
    }
}

/// The matrix of a cell; `None` where there is none.
fn of_cell(how: How, pi: &[f64]) -> Result<Option<(DMatrix<f64>, JointSource)>, DrawError> {
    let of = |method: Method, pi: &[f64]| joint(method, pi).map(|j| (j.matrix, j.source));
    Ok(match how {
        How::Follow | How::Cube => None,
        How::All => Some(of(Method::Poisson, pi)?),
        How::Unequal(method) => Some(of(method, pi)?),
        How::Equal { method: Method::Bernoulli, .. } => Some(of(Method::Bernoulli, pi)?),
        How::Equal { method, low, up } => {
            // One of two sizes, each a design of its own.
            let sized = |n: u32| of(method, &vec![f64::from(n) / pi.len() as f64; pi.len()]);
            let (less, source) = sized(low)?;
            if up > 0.0 {
                let (more, _) = sized(low + 1)?;
                Some((less * (1.0 - up) + more * up, source))
            } else {
                Some((less, source))
            }
        }
    })
}
