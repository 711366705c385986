//! Replicate factors: what the weight of a unit is multiplied with in each replicate.

use std::fmt::Debug;
use std::sync::Arc;

use rayon::prelude::*;

use crate::aggregate::LANES;

/// Up to so many factors are kept in a table; more are worked out again when they are needed.
const TABLE: usize = 1 << 24;

/// Something that works out the factors of one replicate at a time.
///
/// The factors of a replicate depend on its number alone, so that any thread may ask for any.
pub trait FactorStream: Debug + Send + Sync {
    /// Writes the factor of every deepest unit in a replicate (from 0).
    fn write(&self, replicate: usize, out: &mut [f64]);
}

/// A factor per deepest unit of a design and replicate.
///
/// Small sets are held as a table, large ones as the rule that makes them, so that the memory is
/// never units × replicates.
#[derive(Debug, Clone)]
pub struct Factors {
    units: usize,
    count: usize,
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    /// Replicate after replicate.
    Table(Arc<Vec<f64>>),
    Stream(Arc<dyn FactorStream>),
}

impl Factors {
    /// Factors from a table: those of all units in the first replicate, then in the second, ….
    ///
    /// # Panics
    /// If there is not one value per unit and replicate.
    pub fn table(units: usize, replicates: usize, values: Vec<f64>) -> Factors {
        assert_eq!(values.len(), units * replicates, "factors: one per unit and replicate");
        Factors { units, count: replicates, source: Source::Table(Arc::new(values)) }
    }

    /// Factors from a rule.
    pub fn stream(units: usize, replicates: usize, stream: Arc<dyn FactorStream>) -> Factors {
        let streamed = Factors { units, count: replicates, source: Source::Stream(stream) };
        if units.saturating_mul(replicates) > TABLE {
            return streamed;
        }
        let mut values = vec![0.0; units * replicates];
        values.par_chunks_mut(units.max(1)).enumerate().for_each(|(r, out)| streamed.write(r, out));
        Factors::table(units, replicates, values)
    }

    /// Deepest units.
    pub fn units(&self) -> usize {
        self.units
    }

    /// Replicates.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Writes the factors of one replicate, one per unit.
    pub fn write(&self, replicate: usize, out: &mut [f64]) {
        match &self.source {
            Source::Table(values) => {
                out.copy_from_slice(&values[replicate * self.units..(replicate + 1) * self.units]);
            }
            Source::Stream(stream) => stream.write(replicate, out),
        }
    }

    /// The factors of one replicate, one per unit.
    pub fn of(&self, replicate: usize) -> Vec<f64> {
        let mut out = vec![0.0; self.units];
        self.write(replicate, &mut out);
        out
    }

    /// The factors of a block of replicates side by side, one entry per unit; zero in lanes beyond
    /// the last replicate. Blocks are numbered from 0.
    pub fn block(&self, block: usize) -> Vec<[f64; LANES]> {
        let mut out = vec![[0.0; LANES]; self.units];
        let mut own = vec![0.0; self.units];
        for lane in 0..LANES {
            let replicate = block * LANES + lane;
            if replicate >= self.count {
                break;
            }
            self.write(replicate, &mut own);
            out.iter_mut().zip(&own).for_each(|(out, f)| out[lane] = *f);
        }
        out
    }
}
