//! The data of a study: read, labelled, recoded.

use std::path::Path;

use super::margins::GivenMargin;
use super::{Work, holds, imputed, joins, margin_file, mentions};
use crate::data::derive::{Derivation, DeriveError, Finding, Recipe, Standard, derive as make};
use crate::data::expr::Expression;
use crate::data::io::{self, DataError, ReadOptions};
use crate::data::labels::{Labels, Scalar as Value, apply};
use crate::data::{Column, Table, schemes};
use crate::study::places::KeyPath;
use crate::study::spec::{Derive, Format, Names, Scalar, Study};

pub(in crate::study) fn options<'a>(
    study: &Study,
    columns: Option<&'a [String]>,
) -> ReadOptions<'a> {
    let mut options = ReadOptions { columns, ..ReadOptions::default() };
    options.format = study.data.format.map(format);
    options.delimiter = study.data.delimiter;
    options.encoding = study.data.encoding.as_deref().and_then(io::Charset::named);
    options.sheet.clone_from(&study.data.sheet);
    if let Some(missing) = &study.data.missing_text {
        options.missing_text.clone_from(missing);
    }
    options
}

/// The format of a data file, as the reader calls it.
pub(in crate::study) fn format(format: Format) -> io::Format {
    match format {
        Format::Csv => io::Format::Csv,
        Format::Tsv => io::Format::Tsv,
        Format::Parquet => io::Format::Parquet,
        Format::Spss => io::Format::Spss,
        Format::SpssPortable => io::Format::SpssPortable,
        Format::Stata => io::Format::Stata,
        Format::Sas => io::Format::Sas,
        Format::SasTransport => io::Format::SasTransport,
        Format::Excel => io::Format::Excel,
        Format::Ods => io::Format::Ods,
    }
}

/// The names of the file's columns.
pub(super) fn file_names(work: &mut Work<'_>) -> Option<Vec<String>> {
    if let Some(memory) = work.memory {
        return Some(memory.table.names().map(str::to_string).collect());
    }
    let file = work.folder.join(&work.study.data.file);
    match io::names(&file, &options(work.study, None)) {
        Ok(names) => Some(names),
        Err(e) => {
            work.error(&imputed::file_path(work), &e, e.help());
            None
        }
    }
}

/// The replicate columns a pattern such as `repw*` stands for, in natural order.
pub(super) fn expand(pattern: &str, names: &[String]) -> Vec<String> {
    let Some((before, after)) = pattern.split_once('*') else { return vec![pattern.to_string()] };
    let mut found: Vec<(u64, String)> = names
        .iter()
        .filter_map(|n| {
            let middle = n.strip_prefix(before)?.strip_suffix(after)?;
            Some((middle.parse().ok()?, n.clone()))
        })
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(_, n)| n).collect()
}

/// The columns the study uses, of all its files.
pub(super) fn needed(work: &mut Work<'_>, names: &[String]) -> Vec<String> {
    let mut more = Vec::new();
    if let Some(replicates) = &work.study.design.replicates {
        for pattern in replicates.columns.list() {
            more.extend(expand(pattern, names));
        }
    }
    let covered = work.study.design.covered.as_ref();
    more.extend(covered.map(|c| c.origin.clone()).filter(|o| names.contains(o)));
    // Margin files name columns too; what is wrong with them is said when they are used.
    for step in &work.study.weighting {
        let Some(file) = &step.margins else { continue };
        let of = |m: &GivenMargin| -> Vec<String> {
            m.variables.iter().chain(&m.meant.of).cloned().collect()
        };
        if let Some(memory) = work.memory {
            let key = (file.clone(), step.sheet.clone());
            more.extend(memory.margins.get(&key).into_iter().flatten().flat_map(of));
        } else if let Ok(margins) =
            margin_file::read(&work.folder.join(file), file, step.sheet.as_deref(), |n| {
                work.columns.iter().any(|c| c == n)
            })
        {
            more.extend(margins.iter().flat_map(of));
        }
    }
    mentions::needed(work, names, &more)
}

/// Reads the columns the study uses, joins them and labels them.
pub(super) fn read(
    work: &mut Work<'_>,
    own: &[String],
    names: &[String],
    (joins, imputed): (&[joins::Planned], &[imputed::Planned]),
) -> Option<Table> {
    let mut needed = needed(work, names);
    needed.extend(imputed.iter().map(|p| p.column.clone()));
    let keys = joins.iter().flat_map(|j| &j.keys).map(|(before, _)| before);
    needed.extend(keys.cloned());
    let mut columns: Vec<String> = own.iter().filter(|n| needed.contains(n)).cloned().collect();
    // A study that counts rows needs no column of theirs, but the rows.
    if columns.is_empty() {
        columns.extend(own.first().cloned());
    }
    let file = work.folder.join(&work.study.data.file);
    let path = imputed::file_path(work);
    let table = match work.memory {
        Some(memory) => memory.table.with_columns(&columns),
        None => {
            let mut options = options(work.study, Some(&columns));
            options.catalogue = work.study.data.catalogue.as_ref().map(|c| work.folder.join(c));
            let table = read_file(work, &file, &path, &options)?;
            work.inputs.extend(options.catalogue);
            table
        }
    };
    let mut table = joins::carry_out(work, table, joins, &needed)?;
    imputed::add(work, &mut table, imputed);
    label(work, &mut table);
    (!work.has_errors()).then_some(table)
}

/// Reads a data file and says what was decided on the way.
pub(super) fn read_file(
    work: &mut Work<'_>,
    file: &Path,
    path: &KeyPath,
    options: &ReadOptions<'_>,
) -> Option<Table> {
    let reading = match io::read_with_notes(file, options) {
        Ok(reading) => reading,
        Err(e) => {
            let catalogue = KeyPath::root().key("data").key("catalogue");
            let of_catalogue = matches!(e, DataError::Catalogue(_));
            work.error(if of_catalogue { &catalogue } else { path }, &e, e.help());
            return None;
        }
    };
    if !work.inputs.iter().any(|i| i == file) {
        work.inputs.push(file.to_path_buf());
    }
    for note in &reading.notes {
        work.warn(path, note, None);
    }
    Some(reading.table)
}

fn value(scalar: &Scalar) -> Value {
    match scalar {
        Scalar::Number(x) => Value::Number(*x),
        Scalar::Text(t) => Value::Text(t.clone()),
    }
}

fn text(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Number(x) => format!("{x}"),
        Scalar::Text(t) => t.clone(),
    }
}

pub(super) fn label(work: &mut Work<'_>, table: &mut Table) {
    let study = work.study;
    for column in table.columns_mut() {
        let given = study.variables.0.iter().find(|(n, _)| *n == column.name).map(|(_, v)| v);
        let labels = given.map_or_else(Labels::default, |v| Labels {
            label: v.label.clone(),
            values: v.values.0.clone(),
            missing: v.missing.iter().map(value).collect(),
        });
        let path = KeyPath::root().key("variables").key(&column.name);
        match apply(column, &labels, &study.data.missing_codes) {
            Err(errors) => {
                for e in errors {
                    work.error(&path, &e, e.help());
                }
            }
            Ok(unused) => {
                for label in unused.repeated {
                    let message =
                        format!("the label `{label}` of `{}` stands for two values", column.name);
                    work.warn(&path, message, None);
                }
            }
        }
    }
}

/// Makes the derived variables, in order.
pub(super) fn derive(work: &mut Work<'_>, table: Table) -> Option<Table> {
    let table = derive_these(work, table, 0..work.study.derive.len())?;
    (!work.has_errors()).then_some(table)
}

/// Makes some derived variables, in order; mistakes are left in `work`. What is made from one that
/// cannot be made is passed over: its own mistake says enough.
pub(super) fn derive_these(
    work: &mut Work<'_>,
    mut table: Table,
    which: impl IntoIterator<Item = usize>,
) -> Option<Table> {
    let study = work.study;
    let mut failed: Vec<&str> = Vec::new();
    for i in which {
        let name = study.derive.get(i)?.name.as_str();
        let made_from = mentions::of_derivation(study, i);
        if !made_from.iter().any(|from| failed.contains(&from.as_str())) {
            table = derive_one(work, table, i)?;
        }
        if table.column(name).is_none() {
            failed.push(name);
        }
    }
    Some(table)
}

/// Makes one derived variable; mistakes are left in `work`.
fn derive_one(work: &mut Work<'_>, mut table: Table, i: usize) -> Option<Table> {
    let given = work.study.derive.get(i)?;
    let path = KeyPath::root().key("derive").index(i);
    let Some(derivation) = derivation(work, &path, given) else { return Some(table) };
    match make(&table, &derivation) {
        Err(errors) => errors.iter().for_each(|e| derive_error(work, &path, given, e)),
        Ok(derived) => {
            derived.findings.iter().for_each(|f| finding(work, &path, given, f));
            if let Err(e) = table.push(derived.column) {
                work.error(&path.key("name"), e, None);
            }
        }
    }
    Some(table)
}

fn derivation(work: &mut Work<'_>, path: &KeyPath, given: &Derive) -> Option<Derivation> {
    let mut parse = |path: KeyPath, text: &str| match Expression::parse(text) {
        Ok(e) => Some(e),
        Err(e) => {
            work.expression(&path, &e);
            None
        }
    };
    let from = given.from.clone().unwrap_or_default();
    let otherwise = given.otherwise.as_ref().map(value);
    let recipe = if let Some(name) = given.to.as_ref().or(given.scheme.as_ref()) {
        let mut list = |key: &str, texts: &Option<Vec<String>>| {
            let at = path.key(key);
            let each = texts.iter().flatten().enumerate().map(|(i, t)| parse(at.index(i), t));
            each.collect::<Option<Vec<_>>>()
        };
        let parents = list("parents-uk-born", &given.parents_uk_born)?;
        let grandparents = list("grandparents-uk-born", &given.grandparents_uk_born)?;
        let born = match &given.uk_born {
            Some(text) => Some(parse(path.key("uk-born"), text)?),
            None => None,
        };
        let pairs = given.map.iter().flat_map(|m| &m.0);
        Recipe::Standard(Box::new(Standard {
            from: given.from.clone(),
            scheme: given.scheme.as_deref().and_then(schemes::find),
            to: schemes::find(name)?,
            wording: given.wording.unwrap_or_default(),
            pairs: pairs.map(|(key, to)| (key.clone(), text(to))).collect(),
            otherwise,
            born,
            parents,
            grandparents,
        }))
    } else if let Some(map) = &given.map {
        let pairs = map.0.iter().map(|(k, v)| (k.clone(), value(v))).collect();
        Recipe::Map { from, pairs, otherwise }
    } else if let Some(cut) = &given.cut {
        let (at, labels) = (cut.at.clone(), cut.labels.clone());
        Recipe::Cut { from, at, labels, right: cut.right }
    } else if let Some(cases) = &given.cases {
        let cases = cases
            .iter()
            .enumerate()
            .map(|(j, case)| {
                let e = parse(path.key("cases").index(j).key("when"), &case.when)?;
                Some((e, value(&case.is)))
            })
            .collect::<Option<Vec<_>>>()?;
        Recipe::Cases { cases, otherwise }
    } else {
        Recipe::Value(parse(path.key("value"), given.value.as_deref().unwrap_or_default())?)
    };
    Some(Derivation {
        name: given.name.clone(),
        label: given.label.clone(),
        recipe,
        levels: given.levels.clone(),
    })
}

/// Where an expression of a derivation stands.
fn expression_path(path: &KeyPath, case: Option<usize>) -> KeyPath {
    match case {
        Some(j) => path.key("cases").index(j).key("when"),
        None => path.key("value"),
    }
}

fn derive_error(work: &mut Work<'_>, path: &KeyPath, given: &Derive, error: &DeriveError) {
    let at = match error {
        DeriveError::Expression { case, error } => {
            work.expression(&expression_path(path, *case), error);
            return;
        }
        DeriveError::Condition { key, index, error } => {
            let at = path.key(*key);
            work.expression(&index.map_or(at.clone(), |i| at.index(i)), error);
            return;
        }
        DeriveError::NotInScheme { .. } | DeriveError::Divided { .. } => path.key("from"),
        DeriveError::NoGroup { value, .. } => {
            let pairs = given.map.iter().flat_map(|m| &m.0);
            let key = pairs.into_iter().find(|(_, to)| text(to) == *value).map(|(key, _)| key);
            key.map_or(path.key("map"), |key| path.key("map").key(key))
        }
        DeriveError::NameTaken(_) => path.key("name"),
        DeriveError::UnknownColumn { .. } | DeriveError::CutText(_) => path.key("from"),
        DeriveError::UnknownKey { key, .. } => path.key("map").key(key),
        DeriveError::RepeatedKey { second, .. } => path.key("map").key(second),
        DeriveError::NotAscending { .. } => path.key("cut").key("at"),
        DeriveError::LabelCount { .. } => path.key("cut").key("labels"),
        DeriveError::LevelWithoutResult { .. }
        | DeriveError::ResultsWithoutLevel(_)
        | DeriveError::LevelsOfNumbers => path.key("levels"),
        _ => path.clone(),
    };
    let message = format!("`{}`: {error}", given.name);
    work.error(&at, message, error.help());
}

fn finding(work: &mut Work<'_>, path: &KeyPath, given: &Derive, finding: &Finding) {
    match finding {
        Finding::Expression { case, warning } => {
            work.expression(&expression_path(path, *case), warning);
        }
        // What a subset of the data does not have is no mistake.
        Finding::UnusedKeys(_) | Finding::UnusedCases(_) | Finding::UnusedLevels(_) => {}
        other => work.warn(path, format!("`{}`: {other}", given.name), None),
    }
}

/// Rows of the study's subpopulation.
pub(super) fn subpopulation(work: &mut Work<'_>, table: &Table) -> Option<Vec<bool>> {
    let Some(text) = &work.study.population else { return Some(vec![true; table.rows()]) };
    let path = KeyPath::root().key("where");
    match holds(text, table) {
        Err(errors) => {
            errors.iter().for_each(|e| work.expression(&path, e));
            None
        }
        Ok((inside, unknown, warnings)) => {
            warnings.iter().for_each(|e| work.expression(&path, e));
            if !unknown.is_empty() {
                let unknown = unknown.len();
                let message = format!(
                    "`{text}` is unknown for {unknown} rows (missing values); they are outside the subpopulation"
                );
                work.warn(&path, message, None);
            }
            if !inside.contains(&true) {
                work.error(&path, format!("no row fulfils `{text}`"), None);
                return None;
            }
            Some(inside)
        }
    }
}

/// The columns of a list of names.
pub(super) fn columns<'t>(table: &'t Table, names: Option<&Names>) -> Vec<&'t Column> {
    names.iter().flat_map(|n| n.list()).filter_map(|n| table.column(n)).collect()
}
