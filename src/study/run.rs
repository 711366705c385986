//! The main job: a study file goes in; weights, estimates and a report come out.

use std::path::Path;
use std::time::Instant;

use super::hypotheses;
use super::imputations::all_tables;
use super::outputs;
use super::prepare::{Prepared, prepare};
use super::source::{Loaded, load_with};
use super::spec::Study;
use crate::compare::ComparisonTable;
use crate::compare::test::TestTable;
use crate::design::{DesignFinding, Method};
use crate::diagnostic::Diagnostics;
use crate::estimate::EstimateTable;
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
    pub(super) mode: Mode,
}

/// How far a study was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// To the estimates and the report.
    Run,
    /// To the weights.
    Weigh,
}

/// The tables of a study.
#[derive(Default)]
struct Found {
    estimates: Vec<EstimateTable>,
    comparisons: Vec<ComparisonTable>,
    tests: Vec<TestTable>,
}

impl Finished {
    fn new(
        mut prepared: Prepared,
        found: Found,
        timings: Vec<(String, f64)>,
        mode: Mode,
    ) -> Finished {
        let Found { estimates, comparisons, tests } = found;
        let warnings = Diagnostics(std::mem::take(&mut prepared.warnings));
        let study = &prepared.study;
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
            tests,
            warnings: warnings.0.iter().map(|d| d.message.clone()).collect(),
        };
        Finished { document, warnings, prepared, timings, mode }
    }

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
    pub(super) fn tell(&self, what: &str) {
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
    outputs::check(&prepared, path, Mode::Run)?;
    all_tables(&loaded, path, &mut prepared, &|what| options.tell(what))?;
    hypotheses::tables(&prepared).map_err(Diagnostics)?;
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
    outputs::check(&prepared, path, Mode::Run)?;
    let mut timings = std::mem::take(&mut prepared.timings);
    let clock = Instant::now();
    let (estimates, comparisons) =
        all_tables(&loaded, path, &mut prepared, &|what| options.tell(what))?;
    let tests = hypotheses::tables(&prepared).map_err(Diagnostics)?;
    timings.push(("estimate".to_string(), clock.elapsed().as_secs_f64()));
    Ok(Finished::new(prepared, Found { estimates, comparisons, tests }, timings, Mode::Run))
}

/// Weighs a study in memory: everything up to the weights, no estimates; nothing is written.
///
/// # Errors
/// All mistakes of the first phase that has some.
pub fn weigh(path: &Path) -> Result<Finished, Diagnostics> {
    weigh_with(path, &RunOptions::default())
}

/// As [`weigh`], with settings and progress.
///
/// # Errors
/// As [`weigh`].
pub fn weigh_with(path: &Path, options: &RunOptions<'_>) -> Result<Finished, Diagnostics> {
    let loaded = study_of(path, options)?;
    weighed(prepare(loaded, path, &|what| options.tell(what))?, path)
}

/// What weighing gives, of a study with its weights.
pub(super) fn weighed(mut prepared: Prepared, path: &Path) -> Result<Finished, Diagnostics> {
    outputs::check(&prepared, path, Mode::Weigh)?;
    let timings = std::mem::take(&mut prepared.timings);
    Ok(Finished::new(prepared, Found::default(), timings, Mode::Weigh))
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
        if let Some(samples) = &given.samples {
            let lists: Vec<String> =
                given.shared_psus.iter().map(|list| list.join(" and ")).collect();
            let shared = if lists.is_empty() {
                String::new()
            } else {
                format!(", PSUs shared by {}", lists.join("; by "))
            };
            parts.push(format!("samples of {samples} by themselves{shared}"));
        }
        let empty = |f: &&DesignFinding| matches!(f, DesignFinding::EmptyPsus { .. });
        parts.extend(prepared.analysis.design.findings.iter().find(empty).map(ToString::to_string));
        let method = given.method.unwrap_or_default();
        parts.push(match &given.fpc {
            _ if method.is_unequal() || method == Method::WithReplacement => {
                method.in_words().unwrap_or_default().to_string()
            }
            Some(fpc) => format!(
                "without replacement at {} stage{} (population sizes from {})",
                fpc.list().len(),
                if fpc.list().len() == 1 { "" } else { "s" },
                names(&given.fpc)
            ),
            None => "with replacement".to_string(),
        });
        if matches!(method, Method::Sd1 | Method::Sd2) {
            parts.push(match &given.order {
                Some(order) => format!("systematic in the order of {order}"),
                None => "systematic in the order of the rows".to_string(),
            });
        }
        if let Some(flag) = &given.certainty {
            parts.push(format!("certain PSUs marked by {flag}"));
        }
        if let Some(other) = &given.crossed {
            parts.push(format!("crossed with {other}"));
        }
        if let Some(phase) = &given.phase2 {
            parts.push(match &phase.strata {
                Some(strata) => format!("second phase {} within {strata}", phase.selected),
                None => format!("second phase {}", phase.selected),
            });
        }
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
        .filter(|f| {
            use crate::design::DesignFinding::{Collapsed, Lonely};
            matches!(f, Lonely { .. } | Collapsed { .. })
        })
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
