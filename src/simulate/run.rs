//! The replicates.

use std::collections::HashMap;
use std::path::Path;

use rayon::prelude::*;

use super::lists::on_lists;
use super::measure::{Cell, Draw, Measures, Simulation, key};
use super::response::Shares;
use crate::data::{Column, Table};
use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::draw::frame::{Fault, OnFrame, Purpose};
use crate::estimate::EstimateTable;
use crate::sampling::spec::Kind;
use crate::sampling::{self};
use crate::study::{self, InMemory};

/// How a design is simulated.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// How often it is drawn.
    pub replicates: usize,
    /// The seed of all random numbers.
    pub seed: u64,
    /// The sample that is looked at alone beside the whole; the first of kind `general` if not given,
    /// where there are several samples.
    pub general: Option<String>,
}

/// Numbers that may be kept: replicates × estimates.
const KEPT: usize = 50_000_000;

/// The estimates of one replicate: of the whole, and of the general sample.
type Replicate = (Vec<Option<Draw>>, Vec<Option<Draw>>, Vec<usize>);

/// Draws a design from a population again and again, runs the study on what takes part, and holds the
/// estimates against those from the whole population.
///
/// The design is drawn as by `rakewell draw`; then in-scope shares, recognised eligibility and response
/// of the design decide who takes part, at random; lists that cover a part of a group (`covers`) have a random
/// part of it, the same in every replicate. A study that mentions a column `responded` gets all
/// rows drawn, with 1 for those who take part and 0 for the others; any other gets those who take part.
/// The same seed gives the same result with any number of threads.
///
/// # Errors
/// Mistakes in the design, the study or between them and the population; a study that fails in every
/// replicate. A replicate that fails alone is counted.
pub fn simulate(
    design: &sampling::Loaded,
    study: study::Loaded,
    study_file: &Path,
    population: &Table,
    options: &Options,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Simulation, Diagnostics> {
    let faults = |f: Vec<Fault>| Fault::diagnostics(&f, &design.places);
    let lists = on_lists(&design.design, population, options.seed);
    let on_frame = OnFrame::of_lists(&design.design, population, &lists).map_err(faults)?;
    let general = general_sample(design, options)?;
    let added = on_frame.column_names();
    if let Some(taken) = added.iter().find(|a| population.column(a).is_some()) {
        let message = format!("the population has a column `{taken}`, which the sample adds");
        return Err(Diagnostic::error(message).help("rename it in the population").into());
    }
    let mut names: Vec<String> = population.names().map(str::to_string).collect();
    names.extend(added.iter().cloned());
    names.push(RESPONDED.to_string());
    let title = study.study.title.clone();
    let confidence = study.study.defaults.confidence.unwrap_or(0.95);
    let study = InMemory::new(study, study_file, &names)?;
    let needed: Vec<String> = study.needed().to_vec();
    let truth = study.census().estimates(population)?;
    let mut places: Vec<HashMap<(String, String), usize>> = Vec::new();
    let mut cells: Vec<Cell> = Vec::new();
    for table in &truth {
        let mut own = HashMap::new();
        for row in &table.rows {
            let Some(value) = row.estimate else { continue };
            let (outcome, domain) = key(table, row);
            own.insert((outcome.clone(), domain.clone()), cells.len());
            cells.push(Cell {
                table: table.name.clone(),
                title: table.title.clone(),
                outcome,
                domain,
                truth: value,
                population: row.n,
                design: Measures::default(),
                general: None,
            });
        }
        places.push(own);
    }
    if cells.is_empty() {
        let message = "the study has no estimates to look at";
        return Err(Diagnostic::error(message).help("add an `[[estimate]]`").into());
    }
    if options.replicates.saturating_mul(cells.len()) > KEPT {
        let message = format!(
            "{} replicates of {} estimates are more than {KEPT} numbers",
            options.replicates,
            cells.len()
        );
        return Err(Diagnostic::error(message).help("ask for fewer replicates").into());
    }
    let kept: Vec<&Column> =
        population.columns().iter().filter(|c| needed.contains(&c.name)).collect();
    let one = One {
        shares: design
            .design
            .samples
            .iter()
            .zip(&on_frame.layouts)
            .map(|(s, l)| Shares::of(&design.design, s, l, population))
            .collect(),
        all_rows: needed.iter().any(|n| n == RESPONDED),
        weight: study.weight().map(str::to_string),
        on_frame,
        study,
        population,
        kept,
        needed,
        places,
        cells: cells.len(),
        general,
        seed: options.seed,
    };
    let results: Vec<Result<Replicate, String>> = (0..options.replicates as u64)
        .into_par_iter()
        .map(|r| {
            let result = one.replicate(r);
            progress(1);
            result
        })
        .collect();
    let failed = results.iter().filter(|r| r.is_err()).count();
    let failure = results.iter().find_map(|r| r.as_ref().err().cloned());
    if failed == results.len() && failed > 0 {
        let message = format!("no replicate could be estimated: {}", failure.unwrap_or_default());
        return Err(Diagnostic::error(message).into());
    }
    let good: Vec<&Replicate> = results.iter().filter_map(|r| r.as_ref().ok()).collect();
    for (i, cell) in cells.iter_mut().enumerate() {
        cell.design = Measures::of(cell.truth, good.iter().filter_map(|r| r.0[i]));
        if general.is_some() {
            cell.general = Some(Measures::of(cell.truth, good.iter().filter_map(|r| r.1[i])));
        }
    }
    let samples = design.design.samples.iter().enumerate().map(|(s, sample)| {
        let sum: usize = good.iter().map(|r| r.2[s]).sum();
        (sample.name.clone(), sum as f64 / good.len().max(1) as f64)
    });
    Ok(Simulation {
        design: design.design.title.clone(),
        study: title,
        population: population.rows(),
        replicates: options.replicates,
        seed: options.seed,
        confidence,
        samples: samples.collect(),
        general: general.map(|g| design.design.samples[g].name.clone()),
        failed,
        failure,
        cells,
    })
}

/// The column that tells who takes part.
const RESPONDED: &str = "responded";

/// The sample that is looked at alone.
fn general_sample(
    design: &sampling::Loaded,
    options: &Options,
) -> Result<Option<usize>, Diagnostics> {
    let samples = &design.design.samples;
    match &options.general {
        Some(name) => match design.design.sample(name) {
            Some(found) => Ok(Some(found)),
            None => {
                let known: Vec<&str> = samples.iter().map(|s| s.name.as_str()).collect();
                let message = format!("the design has no sample `{name}`");
                Err(Diagnostic::error(message).help(format!("it has {}", known.join(", "))).into())
            }
        },
        None if samples.len() < 2 => Ok(None),
        None => Ok(samples.iter().position(|s| s.kind == Some(Kind::General))),
    }
}

/// What every replicate needs.
struct One<'a> {
    on_frame: OnFrame,
    shares: Vec<Shares>,
    study: InMemory,
    population: &'a Table,
    kept: Vec<&'a Column>,
    needed: Vec<String>,
    /// True when the study wants those who do not take part, too.
    all_rows: bool,
    weight: Option<String>,
    /// By table, where each estimate belongs.
    places: Vec<HashMap<(String, String), usize>>,
    cells: usize,
    general: Option<usize>,
    seed: u64,
}

impl One<'_> {
    fn replicate(&self, r: u64) -> Result<Replicate, String> {
        let purpose = Purpose { seed: self.seed, replicate: Some(r) };
        let drawn = self.on_frame.draw(purpose, self.population).map_err(|(_, e)| e.to_string())?;
        let part: Vec<Vec<bool>> = self
            .shares
            .iter()
            .zip(self.on_frame.layouts.iter().zip(&drawn))
            .map(|(shares, (layout, drawn))| shares.taking_part(layout, drawn, self.seed, r))
            .collect();
        let took_part = part.iter().map(|p| p.iter().filter(|x| **x).count()).collect();
        let rows = self.on_frame.rows(&drawn, |s, i| self.all_rows || part[s][i]);
        let wanted = |name: &str| self.needed.iter().any(|n| n == name);
        let mut table = Table::default();
        let picked = self.kept.iter().map(|c| c.pick(&rows.rows));
        let mut own = self.on_frame.columns(&drawn, &rows, &wanted);
        if self.all_rows {
            own.push(rows.flag(RESPONDED, |s, i| part[s][i]));
        }
        for column in picked.chain(own) {
            table.push(column).map_err(|e| e.to_string())?;
        }
        let whole = self.collected(&table)?;
        let alone = match self.general {
            None => Vec::new(),
            Some(g) => {
                let own: Vec<u32> = (0..table.rows() as u32)
                    .filter(|i| rows.sample[*i as usize] as usize == g)
                    .collect();
                let mut alone = table.pick(&own);
                // Its weight is that of the sample by itself.
                let weights: Vec<f64> =
                    own.iter().map(|i| 1.0 / rows.probability[*i as usize]).collect();
                if let Some(column) = self.weight.as_ref().and_then(|w| alone.column_mut(w)) {
                    let name = column.name.clone();
                    *column = Column::numbers(name, weights);
                }
                // A general sample too small for the weighting says nothing of the design.
                self.collected(&alone).unwrap_or_else(|_| vec![None; self.cells])
            }
        };
        Ok((whole, alone, took_part))
    }

    /// The estimates of a table at their places.
    fn collected(&self, table: &Table) -> Result<Vec<Option<Draw>>, String> {
        let tables: Vec<EstimateTable> = self.study.estimates(table).map_err(|d| {
            d.0.iter()
                .find(|d| d.severity == Severity::Error)
                .map_or(String::new(), |d| d.message.clone())
        })?;
        let mut found = vec![None; self.cells];
        for (table, places) in tables.iter().zip(&self.places) {
            for row in &table.rows {
                let (Some(estimate), Some(&place)) = (row.estimate, places.get(&key(table, row)))
                else {
                    continue;
                };
                let or = |x: Option<f64>| x.unwrap_or(f64::NAN);
                found[place] = Some(Draw {
                    estimate,
                    se: or(row.se),
                    lower: or(row.lower),
                    upper: or(row.upper),
                    n: row.n as f64,
                });
            }
        }
        Ok(found)
    }
}
