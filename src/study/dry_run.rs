//! What a run would do, from the study file and the headers of its data: nothing is computed.

use std::path::{Path, PathBuf};

use super::outputs;
use super::prepare::{self, Reads};
use super::run::{RunOptions, study_of};
use super::spec::{Derive, Estimate, Expressions, Margin, Names, Step, Study, Weighting};
use crate::data::io;
use crate::data::schemes;
use crate::design::Method;
use crate::diagnostic::Diagnostics;
use crate::replicate::Resampling;

/// What a run would do.
#[derive(Debug, Clone, PartialEq)]
pub struct DryRun {
    /// Title of the study.
    pub title: String,
    /// The data files, with what is read of each.
    pub files: Vec<FilePlan>,
    /// Other files that are read: what is included, margins.
    pub others: Vec<PathBuf>,
    /// The work in order, a sentence each.
    pub steps: Vec<String>,
    /// The estimates and comparisons, a sentence each.
    pub estimates: Vec<String>,
    /// The files that would be written.
    pub outputs: Vec<PathBuf>,
    /// Bytes of memory the run is expected to need, where the numbers of rows and replicates are known.
    pub memory: Option<u64>,
    /// Warnings about the study file.
    pub warnings: Diagnostics,
}

/// What is read of a data file.
#[derive(Debug, Clone, PartialEq)]
pub struct FilePlan {
    /// The file.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its rows; `exact` says whether they are known or reckoned from the size.
    pub rows: Option<u64>,
    /// Whether `rows` is known for certain.
    pub exact: bool,
    /// The columns to be read.
    pub columns: Vec<String>,
    /// All columns of the file.
    pub of: usize,
    /// How it is joined to those before; `None` for the first file.
    pub joined: Option<String>,
}

/// Bytes of an allocation of one number per row.
const NUMBER: u64 = 8;

/// Plans a run: the study file is checked, the headers of its data are read, and no row.
///
/// # Errors
/// All mistakes of the study file; columns that are not there; files that cannot be read.
pub fn dry_run(path: &Path, options: &RunOptions<'_>) -> Result<DryRun, Diagnostics> {
    let loaded = study_of(path, options)?;
    let study = loaded.study.clone();
    let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
    let mut others = loaded.included.clone();
    others.extend(study.data.catalogue.iter().map(|file| folder.join(file)));
    let margins = study.weighting.iter().filter_map(|w| w.margins.as_ref());
    for file in margins.map(|m| folder.join(m)) {
        if !others.contains(&file) {
            others.push(file);
        }
    }
    let (reads, warnings) = prepare::reads(loaded, path)?;
    let files: Vec<FilePlan> = reads.iter().map(file_plan).collect();
    let memory = memory(&study, &files);
    Ok(DryRun {
        title: study.title.clone(),
        steps: steps(&study),
        estimates: estimates(&study),
        outputs: outputs::paths(&study, path),
        files,
        others,
        memory,
        warnings,
    })
}

fn file_plan(read: &Reads) -> FilePlan {
    let bytes = std::fs::metadata(&read.file).map_or(0, |m| m.len());
    let rows = io::rows(&read.file, read.format);
    FilePlan {
        path: read.file.clone(),
        bytes,
        rows: rows.map(|(rows, _)| rows),
        exact: rows.is_some_and(|(_, exact)| exact),
        columns: read.columns.clone(),
        of: read.of,
        joined: read.joined.clone(),
    }
}

/// A bound on the memory of a run: the columns in at most eight bytes a value, one working copy of
/// the widest, the derived variables, a weight per step, the order of the rows, and the replicates where
/// they are held by row.
fn memory(study: &Study, files: &[FilePlan]) -> Option<u64> {
    let rows = files.first()?.rows?;
    let read: u64 = files.iter().map(|f| f.columns.len() as u64).sum();
    let extra = study.derive.len() + 2 * (study.weighting.len() + 1) + 4;
    let joined: Option<u64> =
        files[1..].iter().map(|f| Some(f.rows? * NUMBER * f.columns.len() as u64)).sum();
    // Beside the replicates, those in hand.
    let replicates = if by_row(study) { replicates(study, files)? } else { 0 };
    let replicates = if replicates > 0 { replicates + 8 } else { 0 };
    // The program itself, its threads and the tables.
    let base = 32 << 20;
    Some(base + rows * NUMBER * (read + extra as u64 + replicates) + joined.unwrap_or(0))
}

/// Whether every replicate is held as a weight per row: where it is written, and where a step looks at
/// more than categories.
fn by_row(study: &Study) -> bool {
    let margin = |m: &Margin| m.of.is_some() || m.per_group;
    let rows = |step: &Weighting| match step.step {
        Step::PostStratify | Step::Rake | Step::Calibrate => {
            !step.totals.0.is_empty()
                || !step.means.0.is_empty()
                || step.estimated.is_some()
                || step.margin.iter().any(margin)
        }
        Step::Nonresponse | Step::Eligibility => step.model.is_some(),
        Step::Trim | Step::Selection | Step::Participation | Step::Combine | Step::Scale => true,
    };
    study.report.replicates || study.weighting.iter().any(rows)
}

/// How many replicates are made or given; `None` where the design has to be seen for it.
fn replicates(study: &Study, files: &[FilePlan]) -> Option<u64> {
    if let Some(given) = &study.design.replicates {
        let read = files.first()?.columns.iter();
        let patterns = given.columns.list();
        let of = |name: &&String| {
            patterns.iter().any(|p| match p.split_once('*') {
                Some((start, end)) => name.starts_with(start) && name.ends_with(end),
                None => *p == name.as_str(),
            })
        };
        return Some(read.filter(of).count() as u64);
    }
    let Some(method) = study.variance.method else { return Some(0) };
    let usual = match method {
        Resampling::Jk1 | Resampling::Jkn | Resampling::Jk2 => return None,
        Resampling::Brr | Resampling::Fay | Resampling::Sdr | Resampling::FayGeneralized => None,
        Resampling::DeleteAGroup => Some(30),
        _ => Some(500),
    };
    study.variance.replicates.map(u64::from).or(usual)
}

fn list(names: Option<&Names>) -> String {
    names.map(|n| n.list().join(", ")).unwrap_or_default()
}

fn steps(study: &Study) -> Vec<String> {
    let mut all = Vec::new();
    for derive in &study.derive {
        let from = derive.from.as_ref().map_or(String::new(), |f| format!(" from `{f}`"));
        let how = match (&derive.to, &derive.scheme) {
            (Some(to), _) | (None, Some(to)) => format!(", by the standard `{to}`"),
            _ => String::new(),
        };
        all.push(format!("make `{}`{from}{how}", derive.name));
    }
    if let Some(population) = &study.population {
        all.push(format!("subpopulation: {population}"));
    }
    let design = &study.design;
    let mut parts = Vec::new();
    if let Some(replicates) = &design.replicates {
        parts.push(format!("replicate weights {}", replicates.columns.list().join(", ")));
    }
    for (what, names) in [("strata", &design.strata), ("clusters", &design.clusters)] {
        if names.is_some() {
            parts.push(format!("{what} {}", list(names.as_ref())));
        }
    }
    if let Some(samples) = &design.samples {
        parts.push(format!("samples {samples}"));
    }
    if let Some(words) = design.method.and_then(Method::in_words) {
        parts.push(words.to_string());
    }
    if let Some(phase) = &design.phase2 {
        parts.push(format!("second phase {}", phase.selected));
    }
    match (&design.weight, &design.probabilities) {
        (Some(weight), _) => parts.push(format!("weight {weight}")),
        (None, Some(names)) => parts.push(format!("probabilities {}", names.list().join(", "))),
        (None, None) => {}
    }
    let parts = if parts.is_empty() { "every row alike".to_string() } else { parts.join("; ") };
    all.push(format!("design: {parts}"));
    if let Some(method) = study.variance.method {
        let count = study.variance.replicates.map_or(String::new(), |n| format!("{n} "));
        all.push(format!("make {count}replicates: {}", method.name()));
    }
    for step in &study.weighting {
        all.push(weighting(step));
    }
    all
}

fn weighting(step: &Weighting) -> String {
    let what = match step.step {
        Step::PostStratify => "post-stratify",
        Step::Rake => "rake",
        Step::Calibrate => "calibrate",
        Step::Nonresponse => "adjust for nonresponse",
        Step::Eligibility => "adjust for unknown eligibility",
        Step::Selection => "weight up a stage of selection",
        Step::Participation => "weight by the propensity to participate",
        Step::Combine => "combine the samples",
        Step::Trim => "trim",
        Step::Scale => "scale",
    };
    let margin = |m: &Margin| match (&m.of, m.variables()) {
        (Some(of), by) if by.is_empty() => of.clone(),
        (Some(of), by) => format!("{of} by {}", by.join(" × ")),
        (None, by) => by.join(" × "),
    };
    let mut to: Vec<String> = step.margin.iter().map(margin).collect();
    to.extend(step.margins.iter().map(|m| format!("the margins of {}", m.display())));
    to.extend(step.totals.0.iter().map(|(name, _)| format!("the total of {name}")));
    to.extend(step.means.0.iter().map(|(name, _)| format!("the mean of {name}")));
    let within = step.classes.as_ref().or(step.within.as_ref());
    let mut text = what.to_string();
    if !to.is_empty() {
        text.push_str(&format!(" to {}", to.join(", ")));
    }
    if let Some(names) = within {
        text.push_str(&format!(" within {}", names.list().join(" × ")));
    }
    if let Some(names) = &step.model {
        text.push_str(&format!(" by a model of {}", names.list().join(", ")));
    }
    text
}

fn estimates(study: &Study) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for (i, estimate) in study.estimate.iter().enumerate() {
        let name = estimate.name.clone().unwrap_or_else(|| format!("estimate-{}", i + 1));
        all.push(format!("{name}: {}", sentence(study, estimate)));
    }
    for compare in &study.compare {
        let reference = if compare.reference.is_some() { "with one group" } else { "all pairs" };
        all.push(format!("compare {}: {reference}", compare.estimate));
    }
    for contrast in &study.contrast {
        match &contrast.expression {
            Expressions::One(text) => all.push(format!("calculate {text}")),
            Expressions::Many(list) => {
                all.extend(list.0.iter().map(|(label, text)| format!("calculate {label}: {text}")));
            }
        }
    }
    for test in &study.test {
        let (kind, names) = match (&test.independence, &test.rank, &test.mean) {
            (Some(names), ..) => ("independence", names.list()),
            (_, Some(names), _) => ("ranks", names.list()),
            (.., Some(names)) => ("mean", names.list()),
            _ => continue,
        };
        let by = test.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        all.push(format!("test of {kind}: {}{by}", names.join(", ")));
    }
    all
}

fn sentence(study: &Study, estimate: &Estimate) -> String {
    let what = if let Some(names) = &estimate.mean {
        format!("mean of {}", names.list().join(", "))
    } else if let Some(names) = &estimate.total {
        format!("total of {}", names.list().join(", "))
    } else if let Some(names) = &estimate.proportion {
        format!("proportions of {}", names.list().join(", "))
    } else if let Some(ratio) = &estimate.ratio {
        format!("ratio of {} to {}", ratio.numerator, ratio.denominator)
    } else if let Some(quantile) = &estimate.quantile {
        format!("{} quantiles of {}", quantile.at.len(), quantile.of)
    } else {
        "nothing".to_string()
    };
    let Some(by) = &estimate.by else { return format!("{what}, 1 domain") };
    let levels: Option<Vec<usize>> = by.list().into_iter().map(|name| known(study, name)).collect();
    let domains = match levels {
        Some(levels) => {
            let product = levels.iter().fold(1_usize, |a, b| a.saturating_mul(*b));
            format!("at most {product} domains")
        }
        None => "as many domains as the data have".to_string(),
    };
    format!("{what} by {}, {domains}", by.list().join(" × "))
}

/// How many levels a variable has at most, where the study file tells.
fn known(study: &Study, name: &str) -> Option<usize> {
    if let Some(derive) = study.derive.iter().find(|d| d.name == name) {
        return derived(derive);
    }
    let (_, variable) = study.variables.0.iter().find(|(n, _)| n == name)?;
    let kept = variable.values.0.len().checked_sub(variable.missing.len())?;
    (kept > 0).then_some(kept)
}

fn derived(derive: &Derive) -> Option<usize> {
    let rest = usize::from(derive.otherwise.is_some());
    if let Some(name) = derive.to.as_ref().or(derive.scheme.as_ref()) {
        return Some(schemes::find(name)?.labels().len() + rest);
    }
    if let Some(cut) = &derive.cut {
        return Some(cut.at.len() + 1);
    }
    let mut results: Vec<String> = Vec::new();
    results.extend(derive.map.iter().flat_map(|m| m.0.iter().map(|(_, v)| format!("{v:?}"))));
    results.extend(derive.cases.iter().flatten().map(|c| format!("{:?}", c.is)));
    results.extend(derive.otherwise.iter().map(|o| format!("{o:?}")));
    results.sort();
    results.dedup();
    (!results.is_empty()).then_some(results.len())
}
