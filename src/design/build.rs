//! From design variables to a tree of units and a weight.

use std::sync::Arc;

use super::error::{DesignError, DesignFinding};
use super::groups::{Groups, offsets};
use super::lonely::{LonelyPsu, collapse};
use super::tree::{Stage, Stratum, UnitTree};
use super::weights::build_weights;
use crate::data::{Codes, Column, Factor, Numbers};

/// A design variable with its name, for messages.
#[derive(Debug, Clone, Copy)]
pub struct Variable<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its column.
    pub column: &'a Column,
}

impl<'a> Variable<'a> {
    /// The variable of a column.
    pub fn of(column: &'a Column) -> Variable<'a> {
        Variable { name: &column.name, column }
    }
}

/// The variables and choices that make a design.
///
/// Lists have one entry per stage, first stage first; every column has `rows` rows. No design
/// variable may be missing, but for the weight with `missing_weight_is_zero`.
#[derive(Debug, Clone, Default)]
pub struct DesignInput<'a> {
    /// Number of rows of the data.
    pub rows: usize,
    /// Clusters; empty when every row is a PSU.
    pub clusters: Vec<Variable<'a>>,
    /// Strata; `None` where a stage has none.
    pub strata: Vec<Option<Variable<'a>>>,
    /// The design weight: zero or more, in units of the population. Without it the weight is one
    /// over the product of `probabilities`, else the product of N/n over the stages with an fpc,
    /// else 1.
    pub weight: Option<Variable<'a>>,
    /// Selection probabilities; the weight is one over their product.
    pub probabilities: Vec<Variable<'a>>,
    /// Per stage the number of units in the population of the stratum (1 or more, infinite for
    /// with replacement) or the fraction of them that was sampled (below 1); one value per stratum
    /// within a unit of the stage above. At most one more stage of clusters than there are entries
    /// counts for the variance.
    pub fpc: Vec<Variable<'a>>,
    /// PSU identifiers repeat across strata.
    pub nested: bool,
    /// What to do with a stratum that has one PSU.
    pub lonely: LonelyPsu,
    /// Treat a stratum with one PSU *in the domain* as lonely too (center and average only; not
    /// after calibration, where every PSU has a residual in every domain).
    pub lonely_in_domain: bool,
    /// Take rows with a missing weight as weight zero rather than stop.
    pub missing_weight_is_zero: bool,
}

/// A sample design, ready for variance estimation.
///
/// Rows with weight zero stay in the tree: they count as sampled units, as in R `survey`.
#[derive(Debug, Clone)]
pub struct SurveyDesign {
    /// The design weight of every row.
    pub weights: Arc<Vec<f64>>,
    /// The units.
    pub tree: Arc<UnitTree>,
    /// What to do with a stratum that has one PSU.
    pub lonely: LonelyPsu,
    /// Whether that holds for strata with one PSU in the domain too.
    pub lonely_in_domain: bool,
    /// True when population sizes were given for some stage.
    pub has_fpc: bool,
    /// What the user should know.
    pub findings: Vec<DesignFinding>,
}

impl SurveyDesign {
    /// Builds the design.
    ///
    /// ```
    /// use rakewell::data::Column;
    /// use rakewell::design::{DesignInput, SurveyDesign, Variable};
    ///
    /// let region = Column::text("region", &[Some("N"), Some("N"), Some("S"), Some("S")]);
    /// let psu = Column::numbers("psu", vec![1.0, 2.0, 1.0, 2.0]);
    /// let weight = Column::numbers("weight", vec![10.0, 12.0, 8.0, 9.0]);
    /// let design = SurveyDesign::build(&DesignInput {
    ///     rows: 4,
    ///     strata: vec![Some(Variable::of(&region))],
    ///     clusters: vec![Variable::of(&psu)],
    ///     nested: true, // PSU numbers start anew in every region
    ///     weight: Some(Variable::of(&weight)),
    ///     ..DesignInput::default()
    /// })?;
    /// assert_eq!(design.df(), 2.0); // 4 PSUs − 2 strata
    /// # Ok::<(), rakewell::design::DesignError>(())
    /// ```
    ///
    /// The variance counts the first stage, and each further stage that has an fpc variable at
    /// the stage before it (without one the stage above is taken as drawn with replacement, and
    /// what happens below it adds nothing: Särndal, Swensson and Wretman 1992, §4.5).
    ///
    /// # Errors
    /// When a design variable is missing somewhere, weights are negative or all zero,
    /// PSUs straddle strata, an fpc is inconsistent, or a stratum has one PSU and the policy is
    /// [`LonelyPsu::Error`].
    pub fn build(input: &DesignInput<'_>) -> Result<SurveyDesign, DesignError> {
        if input.rows == 0 {
            return Err(DesignError::NoRows);
        }
        let mut findings = Vec::new();
        let tree = build_tree(input)?;
        let weights = build_weights(input, &tree, &mut findings)?;
        let mut design = SurveyDesign {
            weights: Arc::new(weights),
            has_fpc: !input.fpc.is_empty(),
            tree: Arc::new(tree),
            lonely: input.lonely,
            lonely_in_domain: input.lonely_in_domain,
            findings,
        };
        design.treat_lonely(input)?;
        Ok(design)
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.weights.len()
    }

    /// PSUs with a positive design weight minus their strata, after collapsing (the usual degrees
    /// of freedom).
    pub fn df(&self) -> f64 {
        self.df_of(|row| self.weights[row] != 0.0)
    }

    /// PSUs minus strata, counting those with a row for which `keep` holds.
    pub fn df_of(&self, keep: impl Fn(usize) -> bool) -> f64 {
        let first = self.tree.first_stage_of_unit();
        let stratum = self.tree.stratum_of_first_stage();
        let mut psu_seen = vec![false; stratum.len()];
        for (row, &unit) in self.tree.unit_of_row.iter().enumerate() {
            if keep(row) {
                psu_seen[first[unit as usize] as usize] = true;
            }
        }
        let mut strata: Vec<u32> =
            stratum.iter().zip(&psu_seen).filter(|(_, seen)| **seen).map(|(h, _)| *h).collect();
        let psus = strata.len();
        strata.dedup();
        psus as f64 - strata.len() as f64
    }

    /// Applies the policy for strata with one unit, stage by stage.
    fn treat_lonely(&mut self, input: &DesignInput<'_>) -> Result<(), DesignError> {
        for stage in 0..self.tree.stages.len() {
            let lonely: Vec<u32> = self.tree.stages[stage]
                .strata
                .iter()
                .filter(|s| s.share > 0.0 && s.is_lonely())
                .map(|s| s.row)
                .collect();
            if lonely.is_empty() {
                continue;
            }
            let names: Vec<String> = lonely
                .iter()
                .take(5)
                .map(|&row| stratum_name(input, stage, row as usize))
                .collect();
            let more = if lonely.len() > names.len() { ", …" } else { "" };
            let strata = format!("{}{more}", names.join(", "));
            if input.lonely == LonelyPsu::Error {
                return Err(DesignError::LonelyPsu {
                    stage: stage + 1,
                    count: lonely.len(),
                    strata,
                });
            }
            if input.lonely == LonelyPsu::Collapse {
                let tree = Arc::make_mut(&mut self.tree);
                if let Err(row) = collapse(tree, stage) {
                    let stratum = stratum_name(input, stage, row as usize);
                    return Err(DesignError::NothingToCollapse { stage: stage + 1, stratum });
                }
            }
            self.findings.push(DesignFinding::Lonely {
                stage: stage + 1,
                count: lonely.len(),
                strata,
                policy: input.lonely,
            });
        }
        Ok(())
    }
}

/// The name of a stratum, from the values of its variables in one of its rows.
fn stratum_name(input: &DesignInput<'_>, stage: usize, row: usize) -> String {
    let value = |v: &Variable<'_>| {
        let factor = v.column.as_factor();
        factor.levels.get(factor.codes.get(row) as usize).map(|l| l.text().to_string())
    };
    let mut parts = Vec::new();
    if stage > 0
        && let Some(parent) = input.clusters.get(stage - 1)
        && let Some(text) = value(parent)
    {
        parts.push(format!("{} {text}", parent.name));
    }
    if let Some(Some(strata)) = input.strata.get(stage)
        && let Some(text) = value(strata)
    {
        parts.push(text);
    }
    if parts.is_empty() { "the whole sample".to_string() } else { parts.join(" / ") }
}

/// Codes of a design variable, every row with a value.
fn complete_codes(
    variable: Variable<'_>,
    role: &'static str,
    rows: usize,
) -> Result<Factor, DesignError> {
    let factor = variable.column.as_factor();
    if factor.codes.len() != rows {
        return Err(DesignError::Length {
            variable: variable.name.to_string(),
            found: factor.codes.len(),
            expected: rows,
        });
    }
    let missing = (0..rows).filter(|&r| factor.codes.get(r) == Codes::NONE);
    match missing.clone().next() {
        None => Ok(factor),
        Some(first) => Err(DesignError::Missing {
            variable: variable.name.to_string(),
            role,
            count: missing.count(),
            row: first + 1,
        }),
    }
}

pub(super) fn complete_numbers<'a>(
    variable: Variable<'a>,
    role: &'static str,
    rows: usize,
) -> Result<&'a Numbers, DesignError> {
    let missing_all =
        || DesignError::Missing { variable: variable.name.to_string(), role, count: rows, row: 1 };
    let numbers = variable.column.as_numbers().ok_or_else(missing_all)?;
    if numbers.len() != rows {
        return Err(DesignError::Length {
            variable: variable.name.to_string(),
            found: numbers.len(),
            expected: rows,
        });
    }
    let missing = (0..rows).filter(|&r| numbers.get(r).is_nan());
    match missing.clone().next() {
        None => Ok(numbers),
        Some(first) => Err(DesignError::Missing {
            variable: variable.name.to_string(),
            role,
            count: missing.count(),
            row: first + 1,
        }),
    }
}

fn build_tree(input: &DesignInput<'_>) -> Result<UnitTree, DesignError> {
    let rows = input.rows;
    let cluster_stages = input.clusters.len().max(1);
    if input.fpc.len() > cluster_stages {
        return Err(DesignError::FpcStages { fpc: input.fpc.len(), stages: cluster_stages });
    }
    // Without an fpc at the stage above, a stage adds nothing.
    let stages = cluster_stages.min(input.fpc.len() + 1);
    let mut groups = Groups::one(rows);
    let mut shape: Vec<(Vec<u32>, Vec<u32>)> = Vec::new();
    let mut strata_of_row = Vec::new();
    let mut populations = Vec::new();
    for stage in 0..stages {
        let above = groups.count;
        let parents = match input.strata.get(stage).copied().flatten() {
            Some(v) => {
                let factor = complete_codes(v, "stratum", rows)?;
                groups.refine(&factor.codes, factor.levels.len())
            }
            None => (0..above as u32).collect(),
        };
        strata_of_row.push(groups.of_row.clone());
        let strata = groups.count;
        let unit_strata = match input.clusters.get(stage) {
            Some(v) => {
                let factor = complete_codes(*v, "cluster", rows)?;
                let units = groups.refine(&factor.codes, factor.levels.len());
                if stage == 0 && !input.nested {
                    check_nested(input, &factor, &groups, &units)?;
                }
                units
            }
            None => groups.split_rows(),
        };
        debug_assert!(parents.len() == strata);
        shape.push((parents, unit_strata));
        populations.push(match input.fpc.get(stage) {
            Some(v) => Some(population_sizes(input, stage, *v, &strata_of_row[stage], &shape)?),
            None => None,
        });
    }
    let deepest_units = groups.count;
    let tree_stages = assemble(&shape, &populations, &strata_of_row, deepest_units);
    let order = if groups.of_row.is_sorted() {
        None
    } else {
        let mut next = offsets(&groups.of_row, deepest_units);
        let mut order = vec![0; rows];
        for (row, &unit) in (0..).zip(&groups.of_row) {
            let slot = &mut next[unit as usize];
            order[*slot as usize] = row;
            *slot += 1;
        }
        Some(order)
    };
    Ok(UnitTree { stages: tree_stages, unit_of_row: groups.of_row, order })
}

/// Finds identifiers that occur in more than one stratum.
fn check_nested(
    input: &DesignInput<'_>,
    clusters: &Factor,
    groups: &Groups,
    unit_strata: &[u32],
) -> Result<(), DesignError> {
    let Some(Some(strata)) = input.strata.first() else { return Ok(()) };
    let mut first_stratum = vec![u32::MAX; clusters.levels.len()];
    let mut straddles = vec![false; clusters.levels.len()];
    // Two rows of the first identifier that straddles, by its level.
    let mut first_row = vec![0; clusters.levels.len()];
    let mut second_row = vec![0; clusters.levels.len()];
    for (row, &unit) in groups.of_row.iter().enumerate() {
        let code = clusters.codes.get(row) as usize;
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
            example: clusters.levels[code].text().to_string(),
            among: [first_row[code], second_row[code]]
                .map(|row| stratum_name(input, 0, row))
                .to_vec(),
        }),
    }
}

/// The population size of every stratum of a stage.
fn population_sizes(
    input: &DesignInput<'_>,
    stage: usize,
    variable: Variable<'_>,
    stratum_of_row: &[u32],
    shape: &[(Vec<u32>, Vec<u32>)],
) -> Result<Vec<f64>, DesignError> {
    let numbers = complete_numbers(variable, "population size", input.rows)?;
    let name = || variable.name.to_string();
    let (parents, unit_strata) = &shape[stage];
    let mut size = vec![f64::NAN; parents.len()];
    let mut witness = vec![0_usize; parents.len()];
    let (mut counts, mut fractions) = (None, None);
    for row in 0..input.rows {
        let value = numbers.get(row);
        if value <= 0.0 {
            return Err(DesignError::FpcNotPositive { variable: name(), row: row + 1, value });
        }
        // Exactly 1 is a census either way.
        if value > 1.0 {
            counts.get_or_insert((value, row + 1));
        } else if value < 1.0 {
            fractions.get_or_insert((value, row + 1));
        }
        let h = stratum_of_row[row] as usize;
        if size[h].is_nan() {
            size[h] = value;
            witness[h] = row;
        } else if size[h] != value {
            return Err(DesignError::FpcVaries {
                variable: name(),
                stage: stage + 1,
                stratum: stratum_name(input, stage, row),
                first: size[h],
                second: value,
                row: row + 1,
            });
        }
    }
    if let (Some((count, count_row)), Some((fraction, fraction_row))) = (counts, fractions) {
        let variable = name();
        return Err(DesignError::FpcMixed { variable, count, count_row, fraction, fraction_row });
    }
    let mut sampled = vec![0_usize; parents.len()];
    for &h in unit_strata {
        sampled[h as usize] += 1;
    }
    if counts.is_none() {
        for (s, &n) in size.iter_mut().zip(&sampled) {
            *s = n as f64 / *s;
        }
        return Ok(size);
    }
    let small: Vec<usize> = (0..size.len()).filter(|&h| size[h] < sampled[h] as f64).collect();
    match small.first() {
        None => Ok(size),
        Some(&h) => Err(DesignError::FpcTooSmall {
            variable: name(),
            stage: stage + 1,
            count: small.len(),
            stratum: stratum_name(input, stage, witness[h]),
            sampled: sampled[h],
            population: size[h],
        }),
    }
}

fn assemble(
    shape: &[(Vec<u32>, Vec<u32>)],
    populations: &[Option<Vec<f64>>],
    strata_of_row: &[Vec<u32>],
    deepest_units: usize,
) -> Vec<Stage> {
    let mut stages = Vec::with_capacity(shape.len());
    let mut share_of_unit = vec![1.0_f64];
    for (s, (parents, unit_strata)) in shape.iter().enumerate() {
        let starts = offsets(unit_strata, parents.len());
        let mut strata: Vec<Stratum> = (0..parents.len())
            .map(|h| Stratum {
                first: starts[h],
                end: starts[h + 1],
                population: populations[s].as_ref().map_or(f64::INFINITY, |p| p[h]),
                share: share_of_unit[parents[h] as usize],
                row: 0,
            })
            .collect();
        for (row, &h) in strata_of_row[s].iter().enumerate().rev() {
            strata[h as usize].row = row as u32;
        }
        share_of_unit = unit_strata
            .iter()
            .map(|&h| {
                let stratum = &strata[h as usize];
                stratum.share * stratum.n() as f64 / stratum.population
            })
            .collect();
        // Deepest units of each unit: count downwards through the stages below.
        let mut owner: Vec<u32> = (0..unit_strata.len() as u32).collect();
        for (parents_below, units_below) in &shape[s + 1..] {
            owner =
                units_below.iter().map(|&h| owner[parents_below[h as usize] as usize]).collect();
        }
        debug_assert!(owner.len() == deepest_units);
        stages.push(Stage { strata, deepest: offsets(&owner, unit_strata.len()) });
    }
    stages
}
