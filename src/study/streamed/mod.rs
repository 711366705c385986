//! Weights of a file that is never held: rows are read in batches, twice.
//!
//! Steps that look at nothing but categories give the same factor to all rows that share a combination of
//! them. The first reading sums the design weight by combination; the study is then weighed on a table with
//! one row per combination; the second reading multiplies. Memory is that of the combinations.

mod sums;

use std::path::{Path, PathBuf};

use self::sums::{Moments, Weight, Wrong, factor, summary};
use super::outputs::{self, WriteFailure, cannot_write};
use super::places::KeyPath;
use super::prepare::{Memory, columns_needed, made_from, margin_files, prepare_from};
use super::run::{Finished, RunOptions, study_of, weighed};
use super::source::Loaded;
use super::spec::{Design, MissingWeight, Scalar, Study};
use crate::data::io::parquet::{Batches, batches};
use crate::data::io::{self, Batch, DataError, Format, ReadOptions};
use crate::data::{Column, Combinations, Numbers, Values};
use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::report::{DesignSummary, Document};
use crate::weight::{StepDiagnostics, WeightSummary};

/// Weights that are made while they are written.
#[derive(Debug)]
pub struct StreamedWeights {
    /// What the weighting did, without what takes the single rows: quartiles, target groups, largest
    /// weights.
    pub document: Document,
    /// Warnings, with their places.
    pub warnings: Diagnostics,
    study: Study,
    study_file: PathBuf,
    data: PathBuf,
    combinations: Combinations,
    /// The final weight over the design weight, by combination.
    factors: Vec<f64>,
    weight: Weight,
    weight_name: &'static str,
}

/// Weighs a study without holding its data: for files larger than memory. The weights are those of
/// [`weigh`](super::weigh) up to rounding.
///
/// # Assumptions
/// The data are one Parquet file, `[design]` has a `weight`, and every step looks at categories alone
/// (post-stratification, raking and calibration to counts, whatever the distance).
///
/// # Errors
/// When that does not hold; otherwise as [`weigh`](super::weigh).
pub fn weigh_streamed(
    path: &Path,
    options: &RunOptions<'_>,
) -> Result<StreamedWeights, Diagnostics> {
    let mut loaded = study_of(path, options)?;
    let weight = suited(&loaded, path)?;
    let data = path.parent().unwrap_or(Path::new("")).join(&loaded.study.data.file);
    options.tell("reading the data");
    let names = io::names(&data, &ReadOptions::default()).map_err(|e| at_file(&loaded, &e))?;
    let whole = loaded.study.clone();
    kept(&whole, &loaded, &names)?;
    let columns = only_weighting(&mut loaded, path, &names);
    let (combinations, moments) = gathered(&loaded, &data, &columns, &weight)?;

    let sums = moments.iter().map(|m| m.sum.value()).collect();
    let mut table = combinations.table().map_err(|e| Diagnostic::error(e.to_string()))?;
    let of_weight = Column::from_values(weight.name.clone(), Values::Numbers(Numbers::F64(sums)));
    table.push(of_weight).map_err(|e| Diagnostic::error(e.to_string()))?;
    let margins = margin_files(&loaded.study, path, &names);
    let memory = Memory { table: &table, margins: &margins };
    let made = prepare_from(loaded, path, Some(memory), &|what| options.tell(what));
    let mut prepared = made.map_err(of_combinations)?;
    let ledger = &prepared.analysis.ledger;
    if ledger.steps().len() > 1 && ledger.on_cells().is_none() {
        let message = "this step looks at more than categories, which takes all rows at once";
        let help = "leave `--stream` out, or keep to post-stratification, raking and calibration to counts";
        // The ledger counts from 1, and begins with the design weight.
        let steps = KeyPath::root().key("weighting");
        let at = ledger
            .beyond_categories()
            .map_or(steps.clone(), |step| steps.index(step.saturating_sub(2)));
        let place = prepared.places.value(&at);
        return Err(Diagnostic::error(message).at(Some(place)).help(help).into());
    }
    let last = ledger.weights();
    let factors = last.iter().zip(&moments).map(|(w, m)| factor(*w, m)).collect();
    let summaries: Vec<WeightSummary> =
        ledger.steps().iter().map(|step| summary(&step.weights, &moments)).collect();
    prepared.inputs.push(data.clone());
    prepared.study = whole.clone();
    let Finished { mut document, warnings, .. } = weighed(prepared, path)?;
    let rows = moments.iter().map(|m| m.n + m.zero).sum::<u64>() as usize;
    describe(&mut document, rows, names.len(), summaries);
    let modelled = document.weighting.iter().any(|step| step.kind == "participation");
    Ok(StreamedWeights {
        document,
        warnings: of_combinations(warnings),
        study: whole,
        study_file: path.to_path_buf(),
        data,
        combinations,
        factors,
        weight,
        weight_name: if modelled { "pseudo_weight" } else { "weight" },
    })
}

/// What cannot be had from rows that come one after the other.
fn suited(loaded: &Loaded, path: &Path) -> Result<Weight, Diagnostics> {
    let study = &loaded.study;
    let root = KeyPath::root();
    let (data, design) = (root.key("data"), root.key("design"));
    let mut found = Diagnostics::default();
    let mut refuse = |at: KeyPath, message: &str, help: &str| {
        let place = loaded.places.contains(&at).then(|| loaded.places.value(&at));
        found.push(Diagnostic::error(message.to_string()).at(place).help(help));
    };
    let file = path.parent().unwrap_or(Path::new("")).join(&study.data.file);
    let format = study.data.format.map(super::prepare::data::format);
    if !matches!(io::format_of(&file, format), Ok(Format::Parquet)) {
        let message = "`--stream` reads Parquet files";
        refuse(data.key("file"), message, "save the data as Parquet, or leave `--stream` out");
    }
    let out = "leave `--stream` out, or take this out of the study";
    if !study.data.join.is_empty() {
        refuse(data.key("join"), "`--stream` reads one file", "join the files beforehand");
    }
    if !study.data.imputed.is_empty() || !study.data.imputations.is_empty() {
        refuse(data, "`--stream` knows no imputations", out);
    }
    if study.reference.is_some() {
        refuse(root.key("reference"), "`--stream` knows no reference sample", out);
    }
    if study.design.replicates.is_some() || study.variance.method.is_some() {
        let at = if study.design.replicates.is_some() {
            design.key("replicates")
        } else {
            root.key("variance")
        };
        refuse(at, "`--stream` does not weigh replicates", out);
    }
    if study.design.weight.is_none() {
        let message = "`--stream` needs the design weight as a column";
        refuse(design.clone(), message, "give `weight`, or leave `--stream` out");
    }
    if study.report.data.is_some() {
        let message = "`--stream` writes the weights alone";
        refuse(
            root.key("report").key("data"),
            message,
            "take `data` out, and `keep` an identifier beside the weights",
        );
    }
    if found.has_errors() {
        return Err(found);
    }
    let name = study.design.weight.clone().unwrap_or_default();
    let own = study.variables.0.iter().find(|(n, _)| *n == name).map(|(_, v)| v);
    let number = |s: &Scalar| match s {
        Scalar::Number(x) => Some(*x),
        Scalar::Text(t) => t.parse().ok(),
    };
    let listed = own.iter().flat_map(|v| &v.missing).filter_map(number);
    let all = study.data.missing_codes.iter().copied();
    Ok(Weight {
        missing: listed.chain(all).collect(),
        missing_is_zero: study.design.missing_weight == Some(MissingWeight::Zero),
        name,
    })
}

/// Refuses columns beside the weights that are not in the file.
fn kept(study: &Study, loaded: &Loaded, names: &[String]) -> Result<(), Diagnostics> {
    let mut found = Diagnostics::default();
    let path = KeyPath::root().key("report").key("keep");
    for name in study.report.keep.iter().flat_map(|k| k.list()) {
        if !names.iter().any(|n| n == name) {
            let message = format!("`--stream` keeps columns of the file; `{name}` is not one");
            let help = "take it out of `keep`, or leave `--stream` out";
            found.push(Diagnostic::error(message).at(Some(loaded.places.value(&path))).help(help));
        }
    }
    if found.has_errors() { Err(found) } else { Ok(()) }
}

/// Leaves of the study what the weights are made from; gives the columns that takes, without the design
/// weight.
fn only_weighting(loaded: &mut Loaded, path: &Path, names: &[String]) -> Vec<String> {
    let study = &mut loaded.study;
    study.design = Design {
        weight: study.design.weight.clone(),
        missing_weight: study.design.missing_weight,
        ..Design::default()
    };
    study.population = None;
    study.estimate.clear();
    study.compare.clear();
    study.contrast.clear();
    study.test.clear();
    let report = &mut study.report;
    (report.keep, report.case, report.groups) = (None, None, None);
    let derived = std::mem::take(&mut study.derive);
    // Variables that are made count as columns here.
    let known: Vec<String> = names.iter().chain(derived.iter().map(|d| &d.name)).cloned().collect();
    let mut needed = columns_needed(loaded, path, &known);
    loaded.study.derive = derived;
    let mut used = vec![false; loaded.study.derive.len()];
    for i in (0..used.len()).rev() {
        used[i] = needed.contains(&loaded.study.derive[i].name);
        if used[i] {
            needed.extend(made_from(&loaded.study, i));
        }
    }
    let mut used = used.into_iter();
    loaded.study.derive.retain(|_| used.next() == Some(true));
    let weight = loaded.study.design.weight.as_ref();
    needed.retain(|n| Some(n) != weight);
    loaded.study.variables.0.retain(|(n, _)| needed.contains(n) || Some(n) == weight);
    names.iter().filter(|n| needed.contains(n)).cloned().collect()
}

/// The first reading.
fn gathered(
    loaded: &Loaded,
    data: &Path,
    columns: &[String],
    weight: &Weight,
) -> Result<(Combinations, Vec<Moments>), Diagnostics> {
    let mut combinations = Combinations::new(columns);
    let mut moments: Vec<Moments> = Vec::new();
    let (mut of_row, mut before) = (Vec::new(), 0);
    let mut wrong = Wrong::default();
    for table in opened(data, columns, weight, &[]).map_err(|e| at_file(loaded, &e))? {
        let table = table.map_err(|e| at_file(loaded, &e))?;
        if let Err(e) = combinations.add(&table, &mut of_row) {
            let help = "`--stream` is for margins on categories: put numbers into bands in the file, or \
                        leave `--stream` out";
            return Err(Diagnostic::error(e.to_string()).help(help).into());
        }
        moments.resize(combinations.len(), Moments::NONE);
        let weights = weight.of(&table).ok_or_else(|| not_numbers(loaded, weight))?;
        for (row, (w, id)) in weights.into_iter().zip(&of_row).enumerate() {
            moments[*id as usize].add(wrong.checked(w, before + row + 1, weight));
        }
        before += table.rows();
    }
    if before == 0 {
        return Err(at_file(loaded, &DataError::NoRows { path: data.to_path_buf() }));
    }
    let all_zero = moments.iter().all(|m| m.n == 0);
    if let Some(error) = wrong.error(&weight.name, all_zero) {
        let place = loaded.places.value(&KeyPath::root().key("design").key("weight"));
        let mut mistake = Diagnostic::error(error.to_string()).at(Some(place));
        mistake.help = error.help().map(str::to_string);
        return Err(mistake.into());
    }
    Ok((combinations, moments))
}

fn opened(
    data: &Path,
    columns: &[String],
    weight: &Weight,
    more: &[String],
) -> Result<Batches, DataError> {
    let mut all = columns.to_vec();
    for name in std::iter::once(&weight.name).chain(more) {
        if !all.contains(name) {
            all.push(name.clone());
        }
    }
    batches(data, Some(&all))
}

fn at_file(loaded: &Loaded, error: &DataError) -> Diagnostics {
    let place = loaded.places.value(&KeyPath::root().key("data").key("file"));
    let mut diagnostic = Diagnostic::error(error.to_string()).at(Some(place));
    diagnostic.help = error.help();
    diagnostic.into()
}

fn not_numbers(loaded: &Loaded, weight: &Weight) -> Diagnostics {
    let place = loaded.places.value(&KeyPath::root().key("design").key("weight"));
    let message = format!("the weight `{}` is text", weight.name);
    Diagnostic::error(message).at(Some(place)).help("give a column of numbers").into()
}

/// Mistakes and warnings found on combinations say so: their counts are not of rows.
fn of_combinations(mut found: Diagnostics) -> Diagnostics {
    for diagnostic in &mut found.0 {
        if diagnostic.message.contains(" row") {
            diagnostic.message.push_str(" (counted in combinations of categories, not in rows)");
        }
        // Without what the weights do not need, lists are shorter than in the file.
        if diagnostic.severity == Severity::Error && diagnostic.help.is_none() {
            diagnostic.help = Some("leave `--stream` out to see the rows".to_string());
        }
    }
    found
}

/// Puts what is known of the rows in the place of what was found on combinations.
fn describe(document: &mut Document, rows: usize, columns: usize, summaries: Vec<WeightSummary>) {
    (document.data.rows, document.data.population_rows) = (rows, rows);
    document.data.columns = columns;
    document.data.population = None;
    document.design = DesignSummary {
        description: "not looked at: the weights do not depend on it".to_string(),
        strata: None,
        psus: None,
        replicates: None,
        df: None,
        lonely: None,
    };
    for (step, weights) in document.weighting.iter_mut().zip(summaries) {
        let balance = std::mem::take(&mut step.diagnostics.balance);
        step.diagnostics = StepDiagnostics {
            efficiency: 1.0 / weights.deff_kish,
            factors: None,
            balance,
            groups: Vec::new(),
            largest: Vec::new(),
            traded: Vec::new(),
        };
        step.weights = weights;
    }
}

impl StreamedWeights {
    /// Reads the data once more and writes the weights, with the columns of `keep`; whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written, or the data are no longer what they were.
    pub fn write(&mut self) -> Result<Vec<PathBuf>, WriteFailure> {
        let keep: Vec<String> =
            self.study.report.keep.iter().flat_map(|k| k.list()).map(String::from).collect();
        let target = outputs::weights_path(&self.study, &self.study_file);
        let columns = self.combinations.names();
        let failed = |e: DataError| {
            let mut diagnostic = Diagnostic::error(e.to_string());
            diagnostic.help = e.help();
            WriteFailure::from(diagnostic)
        };
        let mut rows = opened(&self.data, &columns, &self.weight, &keep).map_err(failed)?;
        let mut of_row = Vec::new();
        let next = || {
            let table = match rows.next()? {
                Ok(table) => table,
                Err(e) => return Some(Err(e)),
            };
            let changed = || DataError::Changed { path: self.data.clone() };
            let known = self.combinations.find(&table, &mut of_row);
            let (Some(()), Some(base)) = (known, self.weight.of(&table)) else {
                return Some(Err(changed()));
            };
            let base: Vec<f64> =
                base.into_iter().map(|w| if w.is_nan() { 0.0 } else { w }).collect();
            let weighted = base.iter().zip(&of_row).map(|(w, id)| w * self.factors[*id as usize]);
            let weighted: Vec<f64> = weighted.collect();
            let mut all: Vec<Column> =
                keep.iter().filter_map(|name| table.column(name)).cloned().collect();
            for (name, values) in [("base_weight", base), (self.weight_name, weighted)] {
                let taken = all.iter().any(|c| c.name == name);
                let name = if taken { format!("rakewell_{name}") } else { name.to_string() };
                all.push(Column::from_values(name, Values::Numbers(Numbers::F64(values))));
            }
            Some(Ok(all))
        };
        let staged = io::stage_batches(&target, next).map_err(failed)?;
        let mut files = Batch::default();
        files.push(staged);
        files.commit().map_err(|(written, e)| WriteFailure {
            written,
            ..WriteFailure::from(cannot_write(&e))
        })
    }
}
