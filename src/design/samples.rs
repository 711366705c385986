//! Several samples in the data: whose strata and PSUs are whose.

use std::collections::BTreeMap;

use super::error::DesignError;
use super::input::DesignInput;
use super::tree::UnitTree;
use super::variable::{Variable, complete_codes};
use crate::data::{Codes, Factor, Level};

/// The samples that rows were drawn into, such as a general sample and its boosts.
///
/// Samples that were drawn independently have strata and PSUs of their own, whatever these are called:
/// V(Σ_k Ŷ_k) = Σ_k V(Ŷ_k). Samples that share PSUs (a boost in the sectors of the general sample) are
/// taken together: their totals within a PSU are added before the variance is taken, which has their
/// covariance in it. Within a PSU they are samples of their own again, where later stages count.
#[derive(Debug, Clone)]
pub struct Samples<'a> {
    /// The variable that says which sample drew a row.
    pub variable: Variable<'a>,
    /// Samples that have their strata and PSUs in common, in lists; any other is by itself.
    pub shared: Vec<Vec<String>>,
}

/// The rows by samples that have strata and PSUs in common.
pub(super) struct Families {
    /// By row.
    pub codes: Codes,
    /// The samples of each, by their names.
    pub names: Vec<String>,
    /// The samples, where some have PSUs in common.
    pub samples: Option<Factor>,
}

impl Families {
    pub fn of(input: &DesignInput<'_>) -> Result<Option<Families>, DesignError> {
        let Some(samples) = &input.samples else { return Ok(None) };
        let factor = complete_codes(samples.variable, "sample", input.rows)?;
        let mut family: Vec<u32> = (0..factor.levels.len() as u32).collect();
        for list in &samples.shared {
            let mut own = Vec::new();
            for name in list {
                own.push(factor.position(name).ok_or_else(|| DesignError::UnknownSample {
                    variable: samples.variable.name.to_string(),
                    sample: name.clone(),
                    known: factor.levels.iter().take(12).map(|l| l.text().to_string()).collect(),
                })?);
            }
            let joined: Vec<u32> = own.iter().map(|&level| family[level]).collect();
            let first = joined.iter().copied().min().unwrap_or(0);
            family.iter_mut().filter(|f| joined.contains(f)).for_each(|f| *f = first);
        }
        // Numbered without gaps, in the order of their first samples.
        let mut kept: Vec<u32> = family.clone();
        kept.sort_unstable();
        kept.dedup();
        let place = |f: u32| kept.binary_search(&f).unwrap_or(0) as u32;
        let name = |&f: &u32| {
            let of = factor.levels.iter().zip(&family).filter(|(_, own)| **own == f);
            of.map(|(level, _)| Level::text(level)).collect::<Vec<_>>().join(" with ")
        };
        let codes = (0..input.rows).map(|row| place(family[factor.codes.get(row) as usize]));
        let codes = Codes::collect(codes, kept.len());
        let names = kept.iter().map(name).collect();
        let samples = (kept.len() < factor.levels.len()).then_some(factor);
        Ok(Some(Families { codes, names, samples }))
    }
}

/// First-stage units and strata that hold rows of several samples.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InCommon {
    /// PSUs with rows of several samples.
    pub psus: usize,
    /// All PSUs.
    pub of_psus: usize,
    /// Strata with rows of several samples.
    pub strata: usize,
    /// All strata.
    pub of_strata: usize,
    /// A row of the first such PSU, else of the first such stratum.
    pub row: usize,
    /// The samples that meet in these PSUs, else in these strata, ascending.
    pub samples: Vec<u32>,
}

impl InCommon {
    /// Counts them; rows without a sample are not looked at.
    pub fn of(tree: &UnitTree, sample: impl Fn(usize) -> Option<u32>) -> InCommon {
        let (first, stratum) = (tree.first_stage_of_unit(), tree.stratum_of_first_stage());
        let psus = tree.unit_of_row.iter().map(|&unit| first[unit as usize]);
        let (psu_count, stratum_count) =
            (stratum.len(), tree.stages.first().map_or(0, |s| s.strata.len()));
        let mut of_psus = Meeting::new(psu_count);
        let mut of_strata = Meeting::new(stratum_count);
        for (row, psu) in psus.enumerate() {
            let Some(sample) = sample(row) else { continue };
            of_psus.add(psu, sample, row);
            of_strata.add(stratum[psu as usize], sample, row);
        }
        let told = if of_psus.several.is_empty() { &of_strata } else { &of_psus };
        let mut samples: Vec<u32> = told.several.values().flatten().copied().collect();
        samples.sort_unstable();
        samples.dedup();
        InCommon {
            psus: of_psus.several.len(),
            of_psus: psu_count,
            strata: of_strata.several.len(),
            of_strata: stratum_count,
            row: told.several.keys().next().map_or(0, |&u| told.first[u as usize].1),
            samples,
        }
    }
}

/// Which samples the rows of each unit are of.
struct Meeting {
    /// By unit, its first row's sample and that row.
    first: Vec<(u32, usize)>,
    /// Units of several samples, with these.
    several: BTreeMap<u32, Vec<u32>>,
}

impl Meeting {
    fn new(units: usize) -> Meeting {
        Meeting { first: vec![(u32::MAX, 0); units], several: BTreeMap::new() }
    }

    fn add(&mut self, unit: u32, sample: u32, row: usize) {
        let first = &mut self.first[unit as usize];
        if first.0 == u32::MAX {
            *first = (sample, row);
        } else if first.0 != sample {
            let all = self.several.entry(unit).or_insert_with(|| vec![first.0]);
            if !all.contains(&sample) {
                all.push(sample);
            }
        }
    }
}
