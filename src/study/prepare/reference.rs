//! The reference sample: read, labelled, recoded, with its design and columns that match the data.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::data::{self, read_file};
use super::{Work, mentions};
use crate::aggregate::{XColumns, XTerm};
use crate::data::io::{self, ReadOptions};
use crate::data::{Codes, Column, Factor, Level, Table};
use crate::design::{DesignInput, LonelyPsu, SurveyDesign, Variable};
use crate::diagnostic::nearest;
use crate::study::not_numeric::not_numeric;
use crate::study::places::KeyPath;
use crate::study::spec::{Names, Step, reference::list};
use crate::weight::{Ledger, Participation, ParticipationMethod, Reference, WeightError};

/// The reference sample, ready to be used.
#[derive(Debug)]
pub struct ReferenceSample {
    /// Its variables.
    pub table: Table,
    /// Its weights and design.
    pub sample: Arc<Reference>,
    /// PSUs less strata.
    pub df: f64,
    /// The model of participation, if the study has one.
    pub participation: Option<Participation>,
}

/// Reads the reference sample, if the study has one.
pub(super) fn read(work: &mut Work<'_>) -> Option<Option<ReferenceSample>> {
    let study = work.study;
    let Some(given) = &study.reference else { return Some(None) };
    let path = KeyPath::root().key("reference");
    let file = work.folder.join(&given.file);
    let options = ReadOptions {
        format: given.format.map(data::format),
        delimiter: given.delimiter,
        sheet: given.sheet.clone(),
        ..data::options(study, None)
    };
    let names = match io::names(&file, &options) {
        Ok(names) => names,
        Err(e) => {
            work.error(&path.key("file"), &e, e.help());
            return None;
        }
    };
    let own = [("weight", &given.weight), ("strata", &given.strata), ("clusters", &given.clusters)];
    let mut wanted: Vec<(String, KeyPath)> =
        own.into_iter().filter_map(|(key, name)| Some((name.clone()?, path.key(key)))).collect();
    wanted.extend(variables(work));
    let (columns, derived) = sources(work, &names, &wanted)?;
    let table = read_file(
        work,
        &file,
        &path.key("file"),
        &ReadOptions { columns: Some(&columns), ..options },
    )?;
    let mut table = table;
    data::label(work, &mut table);
    table = data::derive_these(work, table, derived)?;
    if work.has_errors() {
        return None;
    }
    design(work, table).map(Some)
}

/// Everything that models and groups need of it, with the place that names it.
fn variables(work: &mut Work<'_>) -> Vec<(String, KeyPath)> {
    let study = work.study;
    let mut all = Vec::new();
    let mut add = |names: Option<&Names>, path: KeyPath| {
        all.extend(list(names).into_iter().map(|name| (name.to_string(), path.clone())));
    };
    let mut based = false;
    for (i, step) in study.weighting.iter().enumerate() {
        if step.step == Step::Participation {
            add(step.model.as_ref(), KeyPath::root().key("weighting").index(i).key("model"));
        }
    }
    let mut texts: Vec<(String, KeyPath)> = Vec::new();
    for (i, estimate) in study.estimate.iter().enumerate() {
        if estimate.model_based.is_none() {
            continue;
        }
        based = true;
        let at = KeyPath::root().key("estimate").index(i);
        add(estimate.by.as_ref(), at.key("by"));
        add(estimate.outcome_model.as_ref(), at.key("outcome-model"));
        texts.extend(estimate.population.iter().map(|t| (t.clone(), at.key("where"))));
    }
    if based {
        texts.extend(study.population.iter().map(|t| (t.clone(), KeyPath::root().key("where"))));
    }
    for (text, path) in texts {
        all.extend(mentions::of_text(&text).into_iter().map(|name| (name, path.clone())));
    }
    all
}

/// The columns to read, and the derivations to carry out on them in order.
fn sources(
    work: &mut Work<'_>,
    names: &[String],
    wanted: &[(String, KeyPath)],
) -> Option<(Vec<String>, Vec<usize>)> {
    let study = work.study;
    let mut columns: BTreeSet<String> = BTreeSet::new();
    let mut derived: BTreeSet<usize> = BTreeSet::new();
    let mut open: Vec<(String, KeyPath)> = wanted.to_vec();
    while let Some((name, path)) = open.pop() {
        if names.contains(&name) {
            columns.insert(name);
        } else if let Some(i) = study.derive.iter().position(|d| d.name == name) {
            if derived.insert(i) {
                let needs = mentions::of_derivation(study, i);
                open.extend(needs.into_iter().map(|name| (name, path.clone())));
            }
        } else {
            let help = nearest(&name, names.iter().map(String::as_str)).map_or_else(
                || "both samples need it, under the same name".to_string(),
                |n| format!("did you mean `{n}`?"),
            );
            let message = format!("the reference sample has no column `{name}`");
            if !work.found.iter().any(|d| d.message == message) {
                work.error(&path, message, Some(help));
            }
        }
    }
    let columns = names.iter().filter(|n| columns.contains(*n)).cloned().collect();
    (!work.has_errors()).then_some((columns, derived.into_iter().collect()))
}

fn design(work: &mut Work<'_>, table: Table) -> Option<ReferenceSample> {
    let given = work.study.reference.as_ref()?;
    let path = KeyPath::root().key("reference");
    let column = |name: &Option<String>| name.as_ref().and_then(|n| table.column(n));
    let weight = column(&given.weight);
    if let Some(column) = weight.filter(|c| c.as_numbers().is_none()) {
        let (message, help) = not_numeric(column, "as the weight of the reference sample");
        work.error(&path.key("weight"), message, Some(help));
        return None;
    }
    let input = DesignInput {
        rows: table.rows(),
        clusters: column(&given.clusters).map(Variable::of).into_iter().collect(),
        strata: column(&given.strata).map(|c| Some(Variable::of(c))).into_iter().collect(),
        weight: weight.map(Variable::of),
        nested: given.nested,
        // A stratum of one PSU is centred on the mean of all: stated on the method page.
        lonely: LonelyPsu::Center,
        ..DesignInput::default()
    };
    let built = match SurveyDesign::build(&input) {
        Ok(built) => built,
        Err(e) => {
            let help = e.help().map(str::to_string);
            work.error(&path, format!("reference sample: {e}"), help);
            return None;
        }
    };
    let mut weights = built.weights.clone();
    if let Some(population) = given.population {
        let sum: f64 = weights.iter().sum();
        weights = Arc::new(weights.iter().map(|w| w * population / sum).collect());
    } else if given.weight.is_none() {
        work.warn(
            &path,
            "the reference sample has neither `weight` nor `population`: it is taken for the whole population",
            Some("add `weight`, or `population = 60e6` where every row stands for the same number".into()),
        );
    }
    let df = built.df();
    let sample = Reference { weights, tree: built.tree.clone() };
    Some(ReferenceSample { table, sample: Arc::new(sample), df, participation: None })
}

/// Columns of the data and of the reference sample that mean the same.
pub(in crate::study) struct Matched {
    pub data: XColumns,
    pub reference: XColumns,
    /// The variable and the level of each.
    pub names: Vec<(String, String)>,
}

/// The columns of some variables in the data and in the reference, with matching levels: an intercept,
/// levels of text and labelled variables, other variables as numbers. With the variable and level of
/// each column.
pub(in crate::study) fn columns(names: &Names, data: &Table, reference: &Table) -> Option<Matched> {
    let intercept = || XTerm { codes: None, values: None, width: 1 };
    let (mut own, mut other) = (vec![intercept()], vec![intercept()]);
    let mut titles = vec![("intercept".to_string(), String::new())];
    for name in names.list() {
        let (a, b) = (data.column(name)?, reference.column(name)?);
        if let (Some(x), Some(y)) = (number(a), number(b)) {
            own.push(XTerm { codes: None, values: Some(Arc::new(x.clone())), width: 1 });
            other.push(XTerm { codes: None, values: Some(Arc::new(y.clone())), width: 1 });
            titles.push((a.title().to_string(), String::new()));
            continue;
        }
        let (a_codes, b_codes, levels) = matched(&a.as_factor(), &b.as_factor());
        let width = levels.len();
        own.push(XTerm { codes: Some(Arc::new(a_codes)), values: None, width });
        other.push(XTerm { codes: Some(Arc::new(b_codes)), values: None, width });
        titles.extend(levels.iter().map(|l| (a.title().to_string(), l.text().to_string())));
    }
    Some(Matched {
        data: XColumns { terms: own },
        reference: XColumns { terms: other },
        names: titles,
    })
}

fn number(column: &Column) -> Option<&crate::data::Numbers> {
    column.as_numbers().filter(|_| column.value_labels.is_empty())
}

/// Codes of two factors into the levels of both, those of the first before the others.
pub(in crate::study) fn matched(a: &Factor, b: &Factor) -> (Codes, Codes, Vec<Level>) {
    let mut levels = a.levels.clone();
    let mut into = Vec::with_capacity(b.levels.len());
    for level in &b.levels {
        let same = levels.iter().position(|l| l.value == level.value);
        let same = same.or_else(|| levels.iter().position(|l| l.text() == level.text()));
        into.push(same.unwrap_or_else(|| {
            levels.push(level.clone());
            levels.len() - 1
        }) as u32);
    }
    let codes = |f: &Factor, into: &dyn Fn(usize) -> u32| {
        let one = |row| match f.codes.get(row) {
            Codes::NONE => Codes::NONE,
            code => into(code as usize),
        };
        Codes::collect((0..f.codes.len()).map(one), levels.len())
    };
    let first = codes(a, &|code| code as u32);
    let second = codes(b, &|code| into[code]);
    (first, second, levels)
}

/// The participation step of a study.
pub(super) fn participate(
    work: &mut Work<'_>,
    path: &KeyPath,
    table: &Table,
    ledger: &mut Ledger,
    reference: Option<&mut ReferenceSample>,
) -> Option<Result<(), WeightError>> {
    use crate::study::spec::reference::ParticipationMethod as Given;
    let step = work.study.weighting.iter().find(|s| s.step == Step::Participation)?;
    let reference = reference?;
    let Matched { data: x, reference: reference_x, names } =
        columns(step.model.as_ref()?, table, &reference.table)?;
    let method = match step.method {
        Some(Given::Pooled) => ParticipationMethod::Pooled,
        Some(Given::PseudoLikelihood) | None => ParticipationMethod::PseudoLikelihood,
    };
    let sample = reference.sample.clone();
    let model = match Participation::new(x, reference_x, names, table.rows(), sample, method) {
        Ok(model) => model,
        Err(e) => return Some(Err(e)),
    };
    reference.participation = Some(model.clone());
    work.warn(
        &path.key("step"),
        "model-dependent: the data are no probability sample; weights and estimates are right only if \
         participation depends on the variables of `model` alone",
        None,
    );
    Some(ledger.participate(model))
}
