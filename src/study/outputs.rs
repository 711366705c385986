//! What a run writes: which files, in which order, all of them or none.

use std::io::Write;
use std::path::{Component, Path, PathBuf};
use std::time::Instant;

use super::ledger;
use super::places::KeyPath;
use super::prepare::Prepared;
use super::run::{Finished, Mode};
use super::spec::Study;
use super::write_back;
use crate::data::io::{Batch, Staged, WriteError, stage, stage_csv, stage_parquet, tidied};
use crate::data::{Column, Numbers, Values};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::report::{self, FileHash, Manifest, hash_file, sha256_hex};

/// A file that a run writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Html,
    Csv,
    Json,
    Parquet,
    Weights,
    Ledger,
    Data,
    Manifest,
}

impl Kind {
    /// Its key under `[report]`; the manifest has none.
    fn key(self) -> &'static str {
        match self {
            Kind::Html => "html",
            Kind::Csv => "csv",
            Kind::Json => "json",
            Kind::Parquet => "parquet",
            Kind::Weights => "weights",
            Kind::Ledger => "ledger",
            Kind::Data => "data",
            Kind::Manifest => "manifest",
        }
    }
}

/// A file to write: what, its name as given, and its path.
struct Output {
    kind: Kind,
    name: PathBuf,
    path: PathBuf,
}

/// All files, in the order they get their places: the manifest comes last, for it says what
/// the others are. Weighing writes weights, ledger and the copy of the data.
fn outputs(study: &Study, study_file: &Path, mode: Mode) -> Vec<Output> {
    let given = &study.report;
    let base = study_file.parent().unwrap_or(Path::new(""));
    let folder = base.join(given.folder.as_deref().unwrap_or(Path::new("output")));
    let or = |path: &Option<PathBuf>, name: &str| {
        Some(path.clone().unwrap_or_else(|| PathBuf::from(name)))
    };
    let ledger = match mode {
        Mode::Run if study.weighting.is_empty() => given.ledger.clone(),
        _ => or(&given.ledger, "ledger.json"),
    };
    let all = match mode {
        Mode::Run => vec![
            (Kind::Html, or(&given.html, "report.html")),
            (Kind::Csv, or(&given.csv, "estimates.csv")),
            (Kind::Json, or(&given.json, "results.json")),
            (Kind::Parquet, given.parquet.clone()),
            (Kind::Weights, given.weights.clone()),
            (Kind::Ledger, ledger),
            (Kind::Data, given.data.clone()),
            (Kind::Manifest, or(&None, "manifest.json")),
        ],
        Mode::Weigh => vec![
            (Kind::Weights, or(&given.weights, "weights.csv")),
            (Kind::Ledger, ledger),
            (Kind::Data, given.data.clone()),
        ],
    };
    all.into_iter()
        .filter_map(|(kind, name)| Some((kind, name?)))
        .map(|(kind, name)| Output { kind, path: tidied(&folder.join(&name)), name })
        .collect()
}

/// The paths of all files, as they would be written.
pub(super) fn paths(study: &Study, study_file: &Path) -> Vec<PathBuf> {
    outputs(study, study_file, Mode::Run).into_iter().map(|output| output.path).collect()
}

/// Where the weights go when a study is weighed.
pub(super) fn weights_path(study: &Study, study_file: &Path) -> PathBuf {
    let all = outputs(study, study_file, Mode::Weigh);
    all.into_iter().find(|o| o.kind == Kind::Weights).map(|o| o.path).unwrap_or_default()
}

/// Looks for outputs that would destroy what the study reads, or each other, before the work.
///
/// # Errors
/// All of them.
pub(super) fn check(prepared: &Prepared, study_file: &Path, mode: Mode) -> Result<(), Diagnostics> {
    let all = outputs(&prepared.study, study_file, mode);
    let inputs: Vec<(PathBuf, String)> = std::iter::once(study_file)
        .chain(prepared.inputs.iter().map(PathBuf::as_path))
        .map(|path| (identity(path), path.display().to_string()))
        .collect();
    let mut found = Diagnostics::default();
    let mut seen: Vec<(PathBuf, Kind)> = Vec::new();
    for output in &all {
        let same = identity(&output.path);
        // What is neither file nor folder, such as /dev/null, can take everything.
        if std::fs::metadata(&same).is_ok_and(|m| !m.is_file() && !m.is_dir()) {
            continue;
        }
        let shown = output.path.display();
        let mut add = |message: String| {
            let help = "choose another `folder` or file name under `[report]`";
            found.push(at_key(prepared, output.kind, Diagnostic::error(message).help(help)));
        };
        if let Some((_, input)) = inputs.iter().find(|(path, _)| *path == same) {
            add(format!("`{}` would replace `{input}`, which the study reads", output.kind.key()));
        } else if let Some((_, first)) = seen.iter().find(|(path, _)| *path == same) {
            let (first, second) = (first.key(), output.kind.key());
            add(format!("`{first}` and `{second}` would both be written to `{shown}`"));
        }
        seen.push((same, output.kind));
    }
    if let (Some(output), false) = (all.iter().find(|o| o.kind == Kind::Data), found.has_errors())
        && let Err(diagnostic) = write_back::check(prepared, study_file, &output.path)
    {
        found.push(diagnostic);
    }
    if found.has_errors() { Err(found) } else { Ok(()) }
}

/// Puts a diagnostic at the key of an output, or of the folder, if the study file has it.
fn at_key(prepared: &Prepared, kind: Kind, diagnostic: Diagnostic) -> Diagnostic {
    let report = KeyPath::root().key("report");
    let given = [report.key(kind.key()), report.key("folder")];
    let path = given.iter().find(|path| prepared.places.contains(path));
    diagnostic.at(path.map(|path| prepared.places.value(path)))
}

/// A path as the system sees it, links followed, whether or not its end is there yet.
fn identity(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    for known in whole.ancestors() {
        let (Ok(mut found), Ok(rest)) = (known.canonicalize(), whole.strip_prefix(known)) else {
            continue;
        };
        for part in rest.components() {
            match part {
                Component::ParentDir => {
                    found.pop();
                }
                Component::CurDir => {}
                other => found.push(other),
            }
        }
        return found;
    }
    whole
}

/// A run whose files could not all be written.
#[derive(Debug)]
pub struct WriteFailure {
    /// What is wrong.
    pub mistakes: Diagnostics,
    /// The files that were written all the same; nearly always none.
    pub written: Vec<PathBuf>,
}

impl From<Diagnostic> for WriteFailure {
    fn from(mistake: Diagnostic) -> WriteFailure {
        WriteFailure { mistakes: mistake.into(), written: Vec::new() }
    }
}

impl Finished {
    /// Writes everything the study asks for, and a manifest; returns the paths.
    ///
    /// First every file is completed under a temporary name in its folder; only when all are on
    /// the disk does each get its name, the manifest last. So a file that can't be written (no
    /// permission, a full disk, a folder in its place) leaves all outputs of an earlier run as
    /// they were, and nothing half-written.
    ///
    /// # Errors
    /// When a file can't be written.
    pub fn write(&self, study_file: &Path) -> Result<Vec<PathBuf>, WriteFailure> {
        let clock = Instant::now();
        let mut batch = Batch::default();
        let mut hashes = Vec::new();
        let (mut manifest, mut all) = (None, outputs(&self.prepared.study, study_file, self.mode));
        if all.last().is_some_and(|o| o.kind == Kind::Manifest) {
            manifest = all.pop();
        }
        for output in &all {
            let (staged, hash) = self.stage(output, study_file)?;
            batch.push(staged);
            hashes.push(hash);
        }
        if let Some(output) = manifest {
            let mut timings = self.timings.clone();
            timings.push(("write".to_string(), clock.elapsed().as_secs_f64()));
            let bytes = self.manifest(study_file, hashes, timings)?;
            batch.push(self.stage_bytes(&output, &bytes)?);
        }
        batch.commit().map_err(|(written, e)| WriteFailure {
            written,
            ..WriteFailure::from(cannot_write(&e))
        })
    }

    /// Completes a file under a temporary name.
    fn stage(&self, output: &Output, study_file: &Path) -> Result<(Staged, FileHash), Diagnostic> {
        let failed = |e: report::ReportError| Diagnostic::error(e.to_string());
        let bytes = match output.kind {
            Kind::Html => report::html(&self.document).map_err(failed)?.into_bytes(),
            Kind::Csv => report::csv(&self.document),
            Kind::Json => report::json(&self.document).map_err(failed)?,
            Kind::Parquet => report::parquet(&self.document).map_err(failed)?,
            Kind::Manifest => Vec::new(),
            Kind::Ledger => {
                let ledger = ledger::record(&self.prepared, study_file, &output.path)?;
                let mut bytes = serde_json::to_vec_pretty(&ledger)
                    .map_err(|e| Diagnostic::error(e.to_string()))?;
                bytes.push(b'\n');
                bytes
            }
            Kind::Data => {
                let staged = write_back::stage(&self.prepared, study_file, &output.path)?;
                let hash = hash(staged.content(), &output.name.display().to_string())?;
                return Ok((staged, hash));
            }
            Kind::Weights => {
                let columns = self.weights();
                let columns: Vec<&Column> = columns.iter().collect();
                let ending = output.path.extension().unwrap_or_default().to_string_lossy();
                let staged = if ending.eq_ignore_ascii_case("parquet") {
                    stage_parquet(&output.path, &columns)
                } else {
                    stage_csv(&output.path, &columns)
                };
                let place = |e| at_key(&self.prepared, output.kind, Diagnostic::from(e));
                let staged = staged.map_err(place)?;
                let hash = hash(staged.content(), &output.name.display().to_string())?;
                return Ok((staged, hash));
            }
        };
        let hash = FileHash {
            path: output.name.display().to_string(),
            sha256: sha256_hex(&bytes),
            bytes: bytes.len() as u64,
        };
        Ok((self.stage_bytes(output, &bytes)?, hash))
    }

    fn stage_bytes(&self, output: &Output, bytes: &[u8]) -> Result<Staged, Diagnostic> {
        stage(&output.path, |w| w.write_all(bytes))
            .map_err(|e| at_key(&self.prepared, output.kind, cannot_write(&e)))
    }

    fn manifest(
        &self,
        study_file: &Path,
        outputs: Vec<FileHash>,
        timings: Vec<(String, f64)>,
    ) -> Result<Vec<u8>, Diagnostic> {
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
            settings: self.prepared.settings.clone(),
            inputs,
            outputs,
            seeds: std::collections::BTreeMap::new(),
            threads: rayon::current_num_threads(),
            started: super::clock::utc_now(),
            timings,
        };
        report::manifest_json(&manifest).map_err(|e| Diagnostic::error(e.to_string()))
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
        // Weights that rest on a model of participation are called so.
        let modelled = ledger.steps().iter().any(|step| step.summary.kind == "participation");
        weight(if modelled { "pseudo_weight" } else { "weight" }, ledger.weights());
        columns
    }
}

pub(super) fn cannot_write(error: &WriteError) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(error.to_string());
    diagnostic.help = error.help().map(str::to_string);
    diagnostic
}

fn hash(path: &Path, shown: &str) -> Result<FileHash, Diagnostic> {
    hash_file(path, shown)
        .map_err(|e| Diagnostic::error(format!("`{}` can't be read: {e}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::identity;

    #[test]
    fn one_file_has_one_identity() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("data.csv"), "").expect("written");
        let data = identity(&path("data.csv"));
        for name in ["./data.csv", "new/../data.csv", "new/deep/.././../data.csv"] {
            assert_eq!(identity(&path(name)), data, "{name}");
        }
        assert_ne!(identity(&path("new/data.csv")), data);
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(path("data.csv"), path("link")).expect("linked");
            assert_eq!(identity(&path("link")), data);
        }
    }
}
