//! Estimates of a sample that was not drawn through a model of the outcome.

use super::places::KeyPath;
use super::prepare::{Prepared, holds, reference};
use super::spec::{Estimate, ModelBased, Names, Step};
use crate::data::{Codes, Factor, Table};
use crate::diagnostic::Diagnostic;
use crate::estimate::{Df, EstimateTable, Raw, TableSpec};
use crate::weight::{Family, ParticipationFit, Prediction, WeightError};

/// How every number that rests on a model is marked.
pub(super) const MARK: &str = "Model-dependent: ";

/// An outcome: its values by row, and whether it lies between 0 and 1.
pub(super) struct Answers {
    pub y: Vec<f64>,
    pub family: Family,
}

/// A table whose means and variances come from a model of the outcome.
///
/// # Errors
/// What is wrong with the model, at its place.
pub(super) fn table(
    prepared: &Prepared,
    given: &Estimate,
    path: &KeyPath,
    spec: &TableSpec<'_>,
    factors: &[&Factor],
    answers: &[Answers],
) -> Result<EstimateTable, Diagnostic> {
    let at = path.key("model-based");
    let error = |e: WeightError| {
        Diagnostic::error(e.to_string())
            .at(Some(prepared.places.value(&at)))
            .help("choose other variables for `outcome-model`, or join rare levels")
    };
    let internal = || {
        Diagnostic::error("the reference sample is not there").at(Some(prepared.places.value(&at)))
    };
    let sample = prepared.reference.as_ref().ok_or_else(internal)?;
    let step = prepared.study.weighting.iter().find(|s| s.step == Step::Participation);
    let names = given.outcome_model.as_ref().or(step.and_then(|s| s.model.as_ref()));
    let columns = names.and_then(|n| reference::columns(n, &prepared.table, &sample.table));
    let reference::Matched { data: x, reference: reference_x, .. } =
        columns.ok_or_else(internal)?;
    let base = &prepared.analysis.ledger.steps()[0].weights;
    let model = given.model_based.ok_or_else(internal)?;
    let robust: Option<ParticipationFit> = match (&sample.participation, model) {
        (Some(participation), ModelBased::DoublyRobust) => {
            Some(participation.fit(base).map_err(error)?)
        }
        _ => None,
    };
    let inside = inside(prepared, given, &sample.table);
    let others = domains(given, &prepared.table, &sample.table, factors, spec, &inside);
    let mut found = Vec::new();
    for answer in answers {
        let prediction = Prediction {
            y: &answer.y,
            base,
            tree: &prepared.analysis.design.tree,
            x: &x,
            reference_x: &reference_x,
            reference: &sample.sample,
            domain: &spec.domains.codes.codes,
            reference_domain: &others,
            domains: spec.domains.codes.count,
            family: answer.family,
        };
        let means = match (&robust, &sample.participation) {
            (Some(fit), Some(participation)) => {
                let (x, reference_x) = participation.columns();
                prediction.doubly_robust(fit, x, reference_x)
            }
            _ => prediction.mass_imputation(),
        };
        found.push(means.map_err(error)?);
    }
    let replace = |raw: &mut Raw| {
        for row in 0..raw.values.len() {
            let (quantity, outcome, domain) = raw.index[row];
            // Outcomes of one quantity follow each other.
            let before: usize = spec.quantities[..quantity].iter().map(|q| q.outcomes()).sum();
            let mean = found.get(before + outcome).and_then(|m| m.get(domain));
            let (value, variance) = mean.copied().unwrap_or((f64::NAN, f64::NAN));
            raw.values[row] = value;
            raw.variances[row] = variance;
        }
        raw.covariance = None;
    };
    // The sampling is that of the reference sample.
    let df = if spec.df == Df::Domain { Df::Given(sample.df) } else { spec.df };
    let mut table = prepared.analysis.table_with(&TableSpec { df, ..spec.clone() }, replace);
    table.variance = format!("model-dependent: linearised, {}", model.words());
    table.weight = match (model, &sample.participation) {
        (ModelBased::DoublyRobust, Some(_)) => {
            "inverse probabilities of participation, and the weight of the reference sample".into()
        }
        _ => "the weight of the reference sample".to_string(),
    };
    table.notes.push(format!(
        "{MARK}{} with a model of the outcome on {}; right only if {}. n counts answers in the data; \
         degrees of freedom are those of the reference sample.",
        model.words(),
        names.map(Names::list).unwrap_or_default().join(", "),
        match model {
            ModelBased::MassImputation => "that model is",
            ModelBased::DoublyRobust => "that model or the model of participation is",
        }
    ));
    Ok(table)
}

/// Rows of the reference sample in the subpopulation. Conditions that fail on it leave nobody out: the
/// same conditions were checked on the data.
fn inside(prepared: &Prepared, given: &Estimate, table: &Table) -> Vec<bool> {
    let mut inside = vec![true; table.rows()];
    for text in prepared.study.population.iter().chain(&given.population) {
        if let Ok((rows, _, _)) = holds(text, table) {
            inside.iter_mut().zip(rows).for_each(|(i, r)| *i &= r);
        }
    }
    inside
}

/// The domain of every row of the reference sample, by the levels of the variables.
fn domains(
    given: &Estimate,
    _data: &Table,
    reference: &Table,
    factors: &[&Factor],
    spec: &TableSpec<'_>,
    inside: &[bool],
) -> Codes {
    let names = given.by.as_ref().map(Names::list).unwrap_or_default();
    let own: Vec<(Factor, usize)> = names
        .iter()
        .zip(factors)
        .filter_map(|(name, f)| {
            let other = reference.column(name)?.as_factor();
            let (_, codes, levels) = reference::matched(f, &other);
            Some((Factor { codes, levels }, f.levels.len()))
        })
        .collect();
    let cells = &spec.domains.cells;
    let of_row = |row: usize| {
        if !inside[row] {
            return Codes::NONE;
        }
        let levels: Vec<usize> = own.iter().map(|(f, _)| f.codes.get(row) as usize).collect();
        if levels.iter().zip(&own).any(|(l, (_, known))| l >= known) {
            return Codes::NONE;
        }
        cells.iter().position(|c| *c == levels).map_or(Codes::NONE, |c| c as u32)
    };
    Codes::collect((0..reference.rows()).map(of_row), cells.len().max(1))
}
