//! The stages of units, from clusters, strata and population sizes.

use super::attach;
use super::empty::empty_psus;
use super::error::DesignError;
use super::groups::Groups;
use super::input::DesignInput;
use super::populations::{assemble, population_sizes};
use super::samples::Families;
use super::selection::Method;
use super::tree::UnitTree;
use super::variable::{complete_codes, stratum_name};
use crate::data::{Codes, Factor};

/// What the stages are made from.
struct Stages {
    groups: Groups,
    /// For each stage the unit above each stratum, and the stratum of each unit.
    shape: Vec<(Vec<u32>, Vec<u32>)>,
    strata_of_row: Vec<Vec<u32>>,
    populations: Vec<Option<Vec<f64>>>,
}

impl Stages {
    /// Adds a stage whose units are groups of rows, all of which were taken.
    fn census(&mut self, refine: impl FnOnce(&mut Groups) -> Vec<u32>) {
        let above = self.groups.count;
        self.strata_of_row.push(self.groups.of_row.clone());
        let unit_strata = refine(&mut self.groups);
        let mut sizes = vec![0.0; above];
        unit_strata.iter().for_each(|&h| sizes[h as usize] += 1.0);
        self.shape.push(((0..above as u32).collect(), unit_strata));
        self.populations.push(Some(sizes));
    }
}

/// The tree of a design, before its strata have their variance estimators.
pub(super) fn build_tree(
    input: &DesignInput<'_>,
    families: Option<&Families>,
) -> Result<UnitTree, DesignError> {
    let rows = input.rows;
    let cluster_stages = input.clusters.len().max(1);
    if input.fpc.len() > cluster_stages {
        return Err(DesignError::FpcStages { fpc: input.fpc.len(), stages: cluster_stages });
    }
    let method = input.selection.method;
    if method == Method::WithReplacement && !input.fpc.is_empty() {
        return Err(DesignError::FpcWithReplacement);
    }
    let inclusion = attach::inclusion(input)?;
    let certain = attach::certain_rows(input, inclusion.as_deref())?;
    // Without an fpc at the stage above, a stage adds nothing, but within certain units.
    let known = input.fpc.len().max(usize::from(inclusion.is_some()));
    let is_marked = input.selection.certainty.is_some() && certain.is_some();
    let within_certain = usize::from(is_marked && !input.clusters.is_empty());
    let stages = (cluster_stages.min(known + 1)).max(if within_certain > 0 { 2 } else { 1 });
    let mut made = Stages {
        groups: Groups::one(rows),
        shape: Vec::new(),
        strata_of_row: Vec::new(),
        populations: Vec::new(),
    };
    let mut first_probability = None;
    let mut empty = None;
    for stage in 0..stages {
        let groups = &mut made.groups;
        // First-stage strata are those of samples that have them in common; within PSUs in common
        // each sample was drawn by itself.
        let split = match (stage, families) {
            (0, Some(f)) => Some(groups.refine(&f.codes, f.names.len())),
            (1, Some(f)) => f.samples.as_ref().map(|s| groups.refine(&s.codes, s.levels.len())),
            _ => None,
        };
        let mut parents: Vec<u32> = match input.strata.get(stage).copied().flatten() {
            Some(v) => {
                let factor = complete_codes(v, "stratum", rows)?;
                groups.refine(&factor.codes, factor.levels.len())
            }
            None => (0..groups.count as u32).collect(),
        };
        if let Some(split) = split {
            parents.iter_mut().for_each(|p| *p = split[*p as usize]);
        }
        let whole = (stage == 0 && input.psus_drawn.is_some()).then(|| groups.of_row.clone());
        if let (0, Some(certain)) = (stage, &certain) {
            let (codes, levels) = attach::certain_codes(input, groups, certain)?;
            let own = groups.refine(&codes, levels);
            parents = own.iter().map(|&h| parents[h as usize]).collect();
        }
        made.strata_of_row.push(groups.of_row.clone());
        // Below units drawn with replacement nothing counts, so nothing needs to be told apart.
        let only_certain = stage > 0 && known == 0;
        let unit_strata = match (input.clusters.get(stage), &certain) {
            (Some(v), certain) => {
                let factor = complete_codes(*v, "cluster", rows)?;
                let units = match certain {
                    Some(certain) if only_certain => {
                        let code = |r: usize| if certain[r] { factor.codes.get(r) } else { 0 };
                        let codes: Vec<u32> = (0..rows).map(code).collect();
                        groups
                            .refine(&Codes::pack(&codes, factor.levels.len()), factor.levels.len())
                    }
                    _ => groups.refine(&factor.codes, factor.levels.len()),
                };
                if stage == 0 && !input.nested {
                    check_nested(input, &factor, groups, &units, families)?;
                }
                units
            }
            (None, Some(certain)) if only_certain => {
                let code = |r: usize| if certain[r] { r as u32 } else { 0 };
                let codes: Vec<u32> = (0..rows).map(code).collect();
                groups.refine(&Codes::pack(&codes, rows), rows)
            }
            (None, _) => groups.split_rows(),
        };
        let mut sampled = vec![0_u32; parents.len()];
        unit_strata.iter().for_each(|&h| sampled[h as usize] += 1);
        made.shape.push((parents, unit_strata));
        let skip = certain.as_deref().filter(|_| stage == 0);
        if let Some(whole) = whole {
            empty = empty_psus(input, &whole, &made.strata_of_row[0], &sampled, skip)?;
            let more = empty.iter().flatten();
            sampled.iter_mut().zip(more).for_each(|(n, more)| *n += more);
        }
        let mut sizes = match (input.fpc.get(stage), &inclusion) {
            (_, Some(pi)) if stage == 0 => {
                let of_row = &made.groups.of_row;
                let own = unit_probabilities(input, of_row, made.groups.count, pi)?;
                let sizes = expected_sizes(&made.shape[0], &own);
                first_probability = Some(own);
                Some(sizes)
            }
            (Some(v), _) => {
                let strata = &made.strata_of_row[stage];
                Some(population_sizes(input, stage, *v, strata, &sampled, skip)?)
            }
            (None, _) => None,
        };
        if let Some(certain) = skip {
            // A certain unit is all of its stratum.
            let count = made.shape[0].0.len();
            let sizes = sizes.get_or_insert_with(|| vec![f64::INFINITY; count]);
            let strata = made.strata_of_row[0].iter().zip(certain);
            strata.filter(|(_, c)| **c).for_each(|(&h, _)| sizes[h as usize] = 1.0);
        }
        made.populations.push(sizes);
    }
    if let Some(phase) = &input.second_phase {
        // Units of the second phase must be told apart.
        match phase.clusters {
            Some(v) => {
                let factor = complete_codes(v, "second-phase cluster", rows)?;
                made.census(|groups| groups.refine(&factor.codes, factor.levels.len()));
            }
            None => made.census(Groups::split_rows),
        }
    }
    if let Some(crossed) = input.crossed {
        let factor = complete_codes(crossed, "crossed cluster", rows)?;
        made.census(|groups| groups.refine(&factor.codes, factor.levels.len()));
    }
    let Stages { groups, shape, strata_of_row, populations } = made;
    let deepest_units = groups.count;
    let more = empty.as_deref();
    let tree_stages =
        assemble(&shape, &populations, &strata_of_row, deepest_units, first_probability, more);
    let order = UnitTree::row_order(&groups.of_row, deepest_units);
    let mut tree = UnitTree { stages: tree_stages, unit_of_row: groups.of_row, order };
    if let Some(empty) = more {
        tree.add_empty(empty);
    }
    Ok(tree)
}

/// The inclusion probability of every first-stage unit.
fn unit_probabilities(
    input: &DesignInput<'_>,
    unit_of_row: &[u32],
    units: usize,
    pi: &[f64],
) -> Result<Vec<f64>, DesignError> {
    let mut own = vec![f64::NAN; units];
    for (row, (&unit, &p)) in unit_of_row.iter().zip(pi).enumerate() {
        let slot = &mut own[unit as usize];
        if slot.is_nan() {
            *slot = p;
        } else if *slot != p {
            let variable = input.fpc.first().or(input.probabilities.first());
            return Err(DesignError::VariesInUnit {
                variable: variable.map_or_else(String::new, |v| v.name.to_string()),
                role: "inclusion probability",
                first: *slot,
                second: p,
                row: row + 1,
            });
        }
    }
    Ok(own)
}

/// n ÷ mean probability of every stratum, which makes 1 − n/N the mean of 1 − π.
fn expected_sizes((parents, unit_strata): &(Vec<u32>, Vec<u32>), pi: &[f64]) -> Vec<f64> {
    let (mut n, mut sum) = (vec![0.0; parents.len()], vec![0.0; parents.len()]);
    for (&h, p) in unit_strata.iter().zip(pi) {
        n[h as usize] += 1.0;
        sum[h as usize] += p;
    }
    n.iter().zip(&sum).map(|(n, sum)| n * n / sum).collect()
}

/// Finds identifiers that occur in more than one stratum.
fn check_nested(
    input: &DesignInput<'_>,
    clusters: &Factor,
    groups: &Groups,
    unit_strata: &[u32],
    families: Option<&Families>,
) -> Result<(), DesignError> {
    let Some(Some(strata)) = input.strata.first() else { return Ok(()) };
    // An identifier in samples that share no PSUs is one of each.
    let levels = clusters.levels.len();
    let identifiers = levels * families.map_or(1, |f| f.names.len());
    let mut first_stratum = vec![u32::MAX; identifiers];
    let mut straddles = vec![false; identifiers];
    // Two rows of the first identifier that straddles.
    let mut first_row = vec![0; identifiers];
    let mut second_row = vec![0; identifiers];
    for (row, &unit) in groups.of_row.iter().enumerate() {
        let family = families.map_or(0, |f| f.codes.get(row)) as usize;
        let code = family * levels + clusters.codes.get(row) as usize;
        let stratum = unit_strata[unit as usize];
        if first_stratum[code] == u32::MAX {
            first_stratum[code] = stratum;
            first_row[code] = row;
        } else if first_stratum[code] != stratum && !straddles[code] {
            straddles[code] = true;
            second_row[code] = row;
        }
    }
    let count = straddles.iter().filter(|s| **s).count();
    match straddles.iter().position(|s| *s) {
        None => Ok(()),
        Some(code) => Err(DesignError::NotNested {
            clusters: input.clusters[0].name.to_string(),
            strata: strata.name.to_string(),
            count,
            example: clusters.levels[code % levels].text().to_string(),
            among: [first_row[code], second_row[code]]
                .map(|row| stratum_name(input, 0, row))
                .to_vec(),
        }),
    }
}
