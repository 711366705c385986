//! The main job: a study file goes in; weights, estimates and a report come out.

use std::path::Path;
use std::time::Instant;

use super::imputations::all_tables;
use super::outputs;
use super::prepare::{Prepared, prepare};
use super::source::{Loaded, load_with};
use super::spec::Study;
use crate::diagnostic::Diagnostics;
use crate::report::{DataSummary, DesignSummary, Document};

/// What a run found out, and what is to be written.
#[derive(Debug)]
pub struct Finished {
    /// Everything a report shows.
    pub document: Document,
    /// Warnings, with their places.
    pub warnings: Diagnostics,
    pub(super) prepared: Prepared,
    pub(super) timings: Vec<(String, f64)>,
}

impl Finished {
    /// Seconds spent, by phase, in order.
    pub fn timings(&self) -> &[(String, f64)] {
        &self.timings
    }
}

/// How a study is run.
#[derive(Clone, Default)]
pub struct RunOptions<'a> {
    /// Settings that go before what the study file says, such as `defaults.confidence=0.9`: a
    /// dotted path of keys, with items of lists by their name or counted from 1.
    pub settings: Vec<String>,
    /// Told what is being done when it begins, such as "weighting".
    pub progress: Option<&'a dyn Fn(&str)>,
}

impl std::fmt::Debug for RunOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunOptions").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl RunOptions<'_> {
    fn tell(&self, what: &str) {
        if let Some(progress) = self.progress {
            progress(what);
        }
    }
}

/// The study with its settings.
pub(super) fn study_of(path: &Path, options: &RunOptions<'_>) -> Result<Loaded, Diagnostics> {
    load_with(path, &options.settings)
}

/// Checks a study with its data, up to the weights.
///
/// # Errors
/// All mistakes of the first phase that has some.
pub fn check(path: &Path) -> Result<Diagnostics, Diagnostics> {
    check_with(path, &RunOptions::default())
}

/// As [`check`], with settings and progress.
///
/// # Errors
/// As [`check`].
pub fn check_with(path: &Path, options: &RunOptions<'_>) -> Result<Diagnostics, Diagnostics> {
    let loaded = study_of(path, options)?;
    let mut prepared = prepare(loaded.clone(), path, &|what| options.tell(what))?;
    outputs::check(&prepared, path)?;
    all_tables(&loaded, path, &mut prepared, &|what| options.tell(what))?;
    Ok(Diagnostics(prepared.warnings))
}

/// Runs a study in memory; nothing is written.
///
/// # Errors
/// All mistakes of the first phase that has some.
pub fn run(path: &Path) -> Result<Finished, Diagnostics> {
    run_with(path, &RunOptions::default())
}

/// As [`run`], with settings and progress.
///
/// # Errors
/// As [`run`].
pub fn run_with(path: &Path, options: &RunOptions<'_>) -> Result<Finished, Diagnostics> {
    let loaded = study_of(path, options)?;
    let mut prepared = prepare(loaded.clone(), path, &|what| options.tell(what))?;
    outputs::check(&prepared, path)?;
    let mut timings = std::mem::take(&mut prepared.timings);
    let clock = Instant::now();
    let (estimates, comparisons) =
        all_tables(&loaded, path, &mut prepared, &|what| options.tell(what))?;
    timings.push(("estimate".to_string(), clock.elapsed().as_secs_f64()));
    let study = &prepared.study;
    let warnings = Diagnostics(std::mem::take(&mut prepared.warnings));
    let document = Document {
        title: study.title.clone(),
        description: study.description.clone(),
        source: study.source.clone(),
        data: DataSummary {
            file: files(study),
            rows: prepared.table.rows(),
            columns: prepared.file_columns,
            population: study.population.clone(),
            population_rows: prepared.inside.iter().filter(|i| **i).count(),
        },
        design: design_summary(&prepared),
        weighting: prepared.analysis.ledger.steps().iter().map(|s| s.summary.clone()).collect(),
        estimates,
        comparisons,
        warnings: warnings.0.iter().map(|d| d.message.clone()).collect(),
    };
    Ok(Finished { document, warnings, prepared, timings })
}

/// Runs a study in memory and gives the document.
///
/// # Errors
/// As [`run`].
pub fn run_document(path: &Path) -> Result<Document, Diagnostics> {
    run(path).map(|finished| finished.document)
}

/// The names of the data files, as written.
fn files(study: &Study) -> String {
    let joined = study.data.join.iter().map(|j| j.file.display().to_string());
    let all: Vec<String> =
        std::iter::once(study.data.file.display().to_string()).chain(joined).collect();
    all.join(" + ")
}

fn design_summary(prepared: &Prepared) -> DesignSummary {
    let design = &prepared.analysis.design;
    let given = &prepared.study.design;
    let tree = &design.tree;
    let is_replicate = given.replicates.is_some();
    let replicates = prepared.analysis.any_replicates();
    let names = |names: &Option<super::spec::Names>| {
        names.as_ref().map(|n| n.list().join(", ")).unwrap_or_default()
    };
    let description = if let (true, Some(r)) = (is_replicate, replicates) {
        format!("{} replicate weights ({})", r.weights.count(), r.method.name())
    } else {
        let mut parts = Vec::new();
        parts.push(match &given.strata {
            Some(_) => format!("stratified by {}", names(&given.strata)),
            None => "unstratified".to_string(),
        });
        parts.push(match &given.clusters {
            Some(_) => format!("clustered by {}", names(&given.clusters)),
            None => "every row a sampling unit".to_string(),
        });
        parts.push(match &given.fpc {
            Some(fpc) => format!(
                "without replacement at {} stage{} (population sizes from {})",
                fpc.list().len(),
                if fpc.list().len() == 1 { "" } else { "s" },
                names(&given.fpc)
            ),
            None => "with replacement".to_string(),
        });
        if let Some((r, made)) = replicates.and_then(|r| Some((r, r.made?))) {
            let seed = prepared.study.variance.seed.unwrap_or(1);
            let chance = if r.is_random() { format!(", seed {seed}") } else { String::new() };
            parts.push(format!("{} replicates ({}{chance})", r.weights.count(), made.name()));
        }
        let text = parts.join("; ");
        let mut chars = text.chars();
        chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
    };
    let lonely: Vec<String> = design
        .findings
        .iter()
        .filter(|f| matches!(f, crate::design::DesignFinding::Lonely { .. }))
        .map(ToString::to_string)
        .collect();
    DesignSummary {
        description,
        strata: tree.stages.first().filter(|_| !is_replicate).map(|s| s.strata.len()),
        psus: tree.stages.first().filter(|_| !is_replicate).map(|s| s.units()),
        replicates: replicates.map(|r| r.weights.count()),
        df: Some(match &prepared.analysis.replicates {
            Some(r) => r.df,
            None => given.df.unwrap_or_else(|| design.df()),
        }),
        lonely: (!lonely.is_empty()).then(|| lonely.join("; ")),
    }
}
