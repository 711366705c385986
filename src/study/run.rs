//! The main job: a study file goes in; weights, estimates and a report come out.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::plan::tables;
use super::prepare::{Prepared, prepare};
use super::source::load;
use crate::data::io::{write_atomically, write_csv, write_parquet};
use crate::data::{Column, Numbers, Values};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::report::{
    self, DataSummary, DesignSummary, Document, FileHash, Manifest, hash_file, sha256_hex,
};

/// What a run found out, and what is to be written.
#[derive(Debug)]
pub struct Finished {
    /// Everything a report shows.
    pub document: Document,
    /// Warnings, with their places.
    pub warnings: Diagnostics,
    prepared: Prepared,
    timings: Vec<(String, f64)>,
}

/// Checks a study with its data, up to the weights.
///
/// # Errors
/// All mistakes of the first phase that has some.
pub fn check(path: &Path) -> Result<Diagnostics, Diagnostics> {
    let mut prepared = prepare(load(path)?, path)?;
    tables(&mut prepared).map_err(Diagnostics)?;
    Ok(Diagnostics(prepared.warnings))
}

/// Runs a study in memory; nothing is written.
///
/// # Errors
/// All mistakes of the first phase that has some.
pub fn run(path: &Path) -> Result<Finished, Diagnostics> {
    let loaded = load(path)?;
    let mut prepared = prepare(loaded, path)?;
    let mut timings = std::mem::take(&mut prepared.timings);
    let clock = Instant::now();
    let (estimates, comparisons) = tables(&mut prepared).map_err(Diagnostics)?;
    timings.push(("estimate".to_string(), clock.elapsed().as_secs_f64()));
    let study = &prepared.study;
    let warnings = Diagnostics(std::mem::take(&mut prepared.warnings));
    let document = Document {
        title: study.title.clone(),
        description: study.description.clone(),
        source: study.source.clone(),
        data: DataSummary {
            file: study.data.file.display().to_string(),
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

fn design_summary(prepared: &Prepared) -> DesignSummary {
    let design = &prepared.analysis.design;
    let given = &prepared.study.design;
    let tree = &design.tree;
    let is_replicate = prepared.analysis.replicates.is_some();
    let names = |names: &Option<super::spec::Names>| {
        names.as_ref().map(|n| n.list().join(", ")).unwrap_or_default()
    };
    let description = if let Some(r) = &prepared.analysis.replicates {
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
        replicates: prepared.analysis.replicates.as_ref().map(|r| r.weights.count()),
        df: Some(match &prepared.analysis.replicates {
            Some(r) => r.df,
            None => given.df.unwrap_or_else(|| design.df()),
        }),
        lonely: (!lonely.is_empty()).then(|| lonely.join("; ")),
    }
}

/// One file to write.
struct Output {
    path: PathBuf,
    shown: String,
    content: Content,
}

enum Content {
    Bytes(Vec<u8>),
    Columns(Vec<Column>),
}

impl Finished {
    /// Writes everything the study asks for, each file whole or not at all, and a manifest.
    /// Returns the paths.
    ///
    /// # Errors
    /// When a file can't be written; those written before it stay.
    pub fn write(&self, study_file: &Path) -> Result<Vec<PathBuf>, Diagnostics> {
        let clock = Instant::now();
        let outputs = self.outputs(study_file)?;
        let mut written = Vec::new();
        let mut hashes = Vec::new();
        for output in &outputs {
            let failed = |message: String, help: Option<String>| {
                let mut d = Diagnostic::error(message);
                d.help = help;
                Diagnostics::from(d)
            };
            match &output.content {
                Content::Bytes(bytes) => write_atomically(&output.path, |w| w.write_all(bytes))
                    .map_err(|e| failed(e.to_string(), e.help().map(str::to_string)))?,
                Content::Columns(columns) => {
                    let columns: Vec<&Column> = columns.iter().collect();
                    let is_parquet = output.path.extension().is_some_and(|e| e == "parquet");
                    let done = if is_parquet {
                        write_parquet(&output.path, &columns)
                    } else {
                        write_csv(&output.path, &columns)
                    };
                    done.map_err(|e| failed(e.to_string(), e.help()))?;
                }
            }
            hashes.push(match &output.content {
                Content::Bytes(bytes) => FileHash {
                    path: output.shown.clone(),
                    sha256: sha256_hex(bytes),
                    bytes: bytes.len() as u64,
                },
                Content::Columns(_) => hash(&output.path, &output.shown)?,
            });
            written.push(output.path.clone());
        }
        let mut timings = self.timings.clone();
        timings.push(("write".to_string(), clock.elapsed().as_secs_f64()));
        let folder = self.folder(study_file);
        let base = study_file.parent().unwrap_or(Path::new(""));
        let inputs = self
            .prepared
            .inputs
            .iter()
            .map(|path| {
                let shown = path.strip_prefix(base).unwrap_or(path).display().to_string();
                hash(path, &shown)
            })
            .collect::<Result<_, _>>()?;
        let name = study_file
            .file_name()
            .map_or_else(|| study_file.display().to_string(), |n| n.to_string_lossy().into_owned());
        let manifest = Manifest {
            program: format!("rakewell {}", env!("CARGO_PKG_VERSION")),
            study: hash(study_file, &name)?,
            inputs,
            outputs: hashes,
            seeds: std::collections::BTreeMap::new(),
            threads: rayon::current_num_threads(),
            started: super::clock::utc_now(),
            timings,
        };
        let bytes = report::manifest_json(&manifest)
            .map_err(|e| Diagnostics::from(Diagnostic::error(e.to_string())))?;
        let path = folder.join("manifest.json");
        write_atomically(&path, |w| w.write_all(&bytes))
            .map_err(|e| Diagnostics::from(Diagnostic::error(e.to_string())))?;
        written.push(path);
        Ok(written)
    }

    fn folder(&self, study_file: &Path) -> PathBuf {
        let base = study_file.parent().unwrap_or(Path::new(""));
        base.join(self.prepared.study.report.folder.as_deref().unwrap_or(Path::new("output")))
    }

    fn outputs(&self, study_file: &Path) -> Result<Vec<Output>, Diagnostics> {
        let given = &self.prepared.study.report;
        let folder = self.folder(study_file);
        let failed = |e: report::ReportError| Diagnostics::from(Diagnostic::error(e.to_string()));
        let mut outputs = Vec::new();
        let mut add = |name: &Path, content: Content| {
            let shown = name.display().to_string();
            outputs.push(Output { path: folder.join(name), shown, content });
        };
        let html = given.html.as_deref().unwrap_or(Path::new("report.html"));
        add(html, Content::Bytes(report::html(&self.document).map_err(failed)?.into_bytes()));
        let csv = given.csv.as_deref().unwrap_or(Path::new("estimates.csv"));
        add(csv, Content::Bytes(report::csv(&self.document)));
        let json = given.json.as_deref().unwrap_or(Path::new("results.json"));
        add(json, Content::Bytes(report::json(&self.document).map_err(failed)?));
        if let Some(path) = &given.parquet {
            add(path, Content::Bytes(report::parquet(&self.document).map_err(failed)?));
        }
        if let Some(path) = &given.weights {
            add(path, Content::Columns(self.weights()));
        }
        Ok(outputs)
    }

    /// The columns to keep, the design weight and the final weight.
    fn weights(&self) -> Vec<Column> {
        let table = &self.prepared.table;
        let kept = self.prepared.study.report.keep.as_ref();
        let mut columns: Vec<Column> = kept
            .iter()
            .flat_map(|names| names.list())
            .filter_map(|name| table.column(name))
            .cloned()
            .collect();
        let ledger = &self.prepared.analysis.ledger;
        let mut weight = |name: &str, values: &[f64]| {
            let taken = columns.iter().any(|c| c.name == name);
            let name = if taken { format!("rakewell_{name}") } else { name.to_string() };
            let values = Values::Numbers(Numbers::F64(values.to_vec()));
            columns.push(Column::from_values(name, values));
        };
        weight("base_weight", &ledger.steps()[0].weights);
        weight("weight", ledger.weights());
        columns
    }
}

fn hash(path: &Path, shown: &str) -> Result<FileHash, Diagnostics> {
    hash_file(path, shown).map_err(|e| {
        Diagnostics::from(Diagnostic::error(format!("{} can't be read: {e}", path.display())))
    })
}
