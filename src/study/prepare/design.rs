//! The design of a study.

use std::collections::HashSet;
use std::path::Path;

use nalgebra::DMatrix;

use super::data::columns;
use super::{Work, replicates};
use crate::data::io;
use crate::data::{Codes, Column, Table};
use crate::design::{
    DesignError, DesignFinding, DesignInput, InCommon, JointProbabilities, Samples, SecondPhase,
    Selection, SurveyDesign, Variable,
};
use crate::replicate::Replicates;
use crate::study::not_numeric::not_numeric;
use crate::study::places::KeyPath;
use crate::study::profile::not_covered;
use crate::study::spec::{MissingWeight, Names};

/// A design with its replicates, if it has some.
pub(super) struct Built {
    pub design: SurveyDesign,
    pub replicates: Option<Replicates>,
}

/// Builds the design from its variables.
pub(super) fn build(work: &mut Work<'_>, table: &Table, names: &[String]) -> Option<Built> {
    let given = &work.study.design;
    let path = KeyPath::root().key("design");
    let covered = given.covered.as_ref();
    if let Some(told) = covered.and_then(|c| not_covered(c, table, given.weight.as_deref())) {
        let help = "their weight is zero or missing: estimates are about the covered samples only; \
                    choose the weight that covers all samples of the analysis";
        work.warn(&path.key("use"), told, Some(help.to_string()));
    }
    let variables = |list: Vec<&'_ Column>| -> Vec<Variable<'_>> {
        // The table outlives the list: look each up again by name.
        list.into_iter().filter_map(|c| table.column(&c.name)).map(Variable::of).collect()
    };
    let weight = given.weight.as_ref().and_then(|n| table.column(n));
    let probabilities = columns(table, given.probabilities.as_ref());
    let fpc = columns(table, given.fpc.as_ref());
    let numeric = (weight.into_iter().map(|c| ("weight", "as the weight", c)))
        .chain(probabilities.into_iter().map(|c| ("probabilities", "as a probability", c)))
        .chain(fpc.into_iter().map(|c| ("fpc", "as a population size", c)));
    for (key, role, column) in numeric {
        if column.as_numbers().is_none() {
            let (message, help) = not_numeric(column, role);
            work.error(&path.key(key), message, Some(help));
        }
    }
    let one = |name: &Option<String>| name.as_ref().and_then(|n| table.column(n));
    let drawn = (path.key("psus-drawn"), one(&given.psus_drawn), "as a number of PSUs");
    let phase = given.phase2.as_ref();
    let phase_path = path.key("phase2");
    let flags = [
        (path.key("certainty"), one(&given.certainty), "as a flag of 0 and 1"),
        (path.key("collapse-by"), one(&given.collapse_by), "to tell which strata are alike"),
        (
            phase_path.key("selected"),
            phase.and_then(|p| table.column(&p.selected)),
            "as a flag of 0 and 1",
        ),
        (
            phase_path.key("probability"),
            phase.and_then(|p| one(&p.probability)),
            "as a probability",
        ),
    ];
    let balance = columns(table, given.balance.as_ref());
    let balance = balance.into_iter().map(|c| (path.key("balance"), Some(c), "to balance on"));
    for (at, column, role) in flags.into_iter().chain([drawn]).chain(balance) {
        if let Some(column) = column
            && column.as_numbers().is_none()
        {
            let (message, help) = not_numeric(column, role);
            work.error(&at, message, Some(help));
        }
    }
    let joint = match &given.joint_probabilities {
        Some(file) => joint_probabilities(work, &path.key("joint-probabilities"), file, table),
        None => None,
    };
    if work.has_errors() {
        return None;
    }
    let variable = |name: &Option<String>| one(name).map(Variable::of);
    let samples = variable(&given.samples)
        .map(|variable| Samples { variable, shared: given.shared_psus.clone() });
    let input = DesignInput {
        rows: table.rows(),
        clusters: variables(columns(table, given.clusters.as_ref())),
        strata: variables(columns(table, given.strata.as_ref())).into_iter().map(Some).collect(),
        weight: weight.map(Variable::of),
        probabilities: variables(columns(table, given.probabilities.as_ref())),
        fpc: variables(columns(table, given.fpc.as_ref())),
        psus_drawn: variable(&given.psus_drawn),
        nested: given.nested,
        lonely: given.lonely_psu.unwrap_or_default(),
        lonely_in_domain: given.lonely_in_domain,
        missing_weight_is_zero: given.missing_weight == Some(MissingWeight::Zero),
        selection: Selection {
            method: given.method.unwrap_or_default(),
            form: given.pairs.unwrap_or_default(),
            joint,
            balance: variables(columns(table, given.balance.as_ref())),
            order: variable(&given.order),
            certainty: variable(&given.certainty),
        },
        crossed: variable(&given.crossed),
        samples,
        collapse_by: variable(&given.collapse_by),
        second_phase: phase.and_then(|p| {
            Some(SecondPhase {
                selected: Variable::of(table.column(&p.selected)?),
                strata: variable(&p.strata),
                clusters: variable(&p.clusters),
                probability: variable(&p.probability),
                method: p.method.unwrap_or_default(),
            })
        }),
    };
    let design = match SurveyDesign::build(&input) {
        Ok(design) => design,
        Err(e) => {
            let in_phase = |key: &str| phase_path.key(key);
            let phase_place = match &e {
                DesignError::Missing { role, .. } => match *role {
                    "phase" => Some(in_phase("selected")),
                    "second-phase stratum" => Some(in_phase("strata")),
                    "second-phase cluster" => Some(in_phase("clusters")),
                    "second-phase probability" => Some(in_phase("probability")),
                    _ => None,
                },
                DesignError::NotZeroOne { variable, .. }
                    if phase.is_some_and(|p| p.selected == *variable) =>
                {
                    Some(in_phase("selected"))
                }
                DesignError::Probability { variable, .. }
                    if phase.is_some_and(|p| p.probability.as_ref() == Some(variable)) =>
                {
                    Some(in_phase("probability"))
                }
                DesignError::NoneSelected { .. } | DesignError::LonelyPhase { .. } => {
                    Some(in_phase("strata"))
                }
                DesignError::VariesInPhaseUnit { .. } | DesignError::PhaseMethod { .. } => {
                    Some(phase_path.clone())
                }
                _ => None,
            };
            let key = match &e {
                DesignError::NoInclusion { .. } | DesignError::NoJoint => "method",
                DesignError::Missing { role: "inclusion probability", .. }
                | DesignError::VariesInUnit { role: "inclusion probability", .. }
                | DesignError::FpcWithReplacement => "fpc",
                DesignError::Probability { variable, .. }
                    if given
                        .fpc
                        .as_ref()
                        .is_some_and(|n| n.list().contains(&variable.as_str())) =>
                {
                    "fpc"
                }
                DesignError::Missing { role: "place in the order", .. }
                | DesignError::VariesInUnit { role: "place in the order", .. } => "order",
                DesignError::Missing { role: "balancing variable", .. }
                | DesignError::VariesInUnit { role: "balancing variable", .. }
                | DesignError::BalanceTooMany { .. } => "balance",
                DesignError::Missing { role: "measure of likeness", .. } => "collapse-by",
                DesignError::Missing { role: "crossed cluster", .. }
                | DesignError::OneCrossed { .. } => "crossed",
                DesignError::Missing { role: "certainty", .. }
                | DesignError::CertaintyVaries { .. }
                | DesignError::NotZeroOne { .. } => "certainty",
                DesignError::JointSize { .. }
                | DesignError::JointUnit { .. }
                | DesignError::JointValue { .. }
                | DesignError::JointDiagonal { .. }
                | DesignError::JointAcross { .. } => "joint-probabilities",
                DesignError::Missing { role: "sample", .. } => "samples",
                DesignError::UnknownSample { .. } => "shared-psus",
                DesignError::Missing { role: "number of PSUs drawn", .. }
                | DesignError::PsusDrawn { .. }
                | DesignError::PsusDrawnVary { .. }
                | DesignError::PsusDrawnWith { .. }
                | DesignError::TooManyEmpty { .. } => "psus-drawn",
                DesignError::Missing { role: "stratum", .. } => "strata",
                DesignError::Missing { role: "cluster", .. } => "clusters",
                DesignError::Missing { role: "population size", .. } => "fpc",
                DesignError::Missing { role: "selection probability", .. }
                | DesignError::Probability { .. } => "probabilities",
                DesignError::Missing { role: "weight", .. }
                | DesignError::InfiniteWeight { .. }
                | DesignError::NegativeWeight { .. }
                | DesignError::AllZero { .. } => "weight",
                DesignError::NotNested { .. } => "clusters",
                DesignError::FpcVaries { .. }
                | DesignError::FpcMixed { .. }
                | DesignError::FpcNotPositive { .. }
                | DesignError::FpcTooSmall { .. }
                | DesignError::FpcStages { .. } => "fpc",
                DesignError::LonelyPsu { .. } | DesignError::NothingToCollapse { .. } => "strata",
                _ => "",
            };
            let at = if key.is_empty() { path.clone() } else { path.key(key) };
            let at = phase_place.unwrap_or(at);
            let help = e.help().map(str::to_string);
            work.error(&at, &e, help);
            return None;
        }
    };
    for finding in &design.findings {
        match finding {
            DesignFinding::NothingShared { .. } => {
                let help = "the same PSU has the same identifier in all of them; check `clusters`, `strata` \
                            and `nested`";
                work.warn(&path.key("shared-psus"), finding, Some(help.to_string()));
            }
            // Said where the design is described.
            DesignFinding::EmptyPsus { .. } => {}
            _ => work.warn(&path, finding, None),
        }
    }
    if given.samples.is_none() && given.replicates.is_none() {
        in_common(work, table, &design);
    }
    let replicates = match (&given.replicates, work.study.variance.method) {
        (Some(_), _) => Some(replicates::given(work, table, names, &design)?),
        (None, Some(method)) => Some(replicates::made(work, table, &design, method)?),
        (None, None) => None,
    };
    Some(Built { design, replicates })
}

/// Says where samples that are combined meet in PSUs and strata, when the study does not say whether
/// these are the same ones.
fn in_common(work: &mut Work<'_>, table: &Table, design: &SurveyDesign) {
    let study = work.study;
    let mut named = study.weighting.iter().filter_map(|step| step.samples.as_ref());
    let Some(samples) = named.next() else { return };
    let Some(column) = table.column(&samples.variable) else { return };
    let factor = column.as_factor();
    let found = InCommon::of(&design.tree, |row| {
        Some(factor.codes.get(row)).filter(|code| *code != Codes::NONE)
    });
    let text = |code: &u32| factor.levels.get(*code as usize).map(|l| l.text().to_string());
    let who: Vec<String> = found.samples.iter().filter_map(text).collect();
    let list = who.iter().map(|w| format!("{w:?}")).collect::<Vec<_>>().join(", ");
    let apart = format!("add `samples = {:?}` to `[design]`", samples.variable);
    let path = KeyPath::root().key("design");
    let counted = |n: usize, all: usize, what: &str| match n {
        1 => format!("1 of {all} {what} holds"),
        _ => format!("{n} of {all} {what} hold"),
    };
    let clusters = study.design.clusters.as_ref().and_then(|n| n.list().first().copied());
    if let (true, Some(psu)) = (found.psus > 0, clusters) {
        let factor = table.column(psu).map(Column::as_factor);
        let level =
            factor.and_then(|f| Some(f.levels.get(f.codes.get(found.row) as usize)?.clone()));
        let example = level.map_or_else(String::new, |l| format!(", such as `{}`", l.text()));
        let message = format!(
            "{} rows of several samples ({}){example}: each is taken as one PSU of all of them",
            counted(found.psus, found.of_psus, "PSUs"),
            who.join(", ")
        );
        let help = format!(
            "{apart} if each sample numbers its PSUs anew, with `shared-psus = [[{list}]]` if they \
             are the same"
        );
        work.warn(&path.key("clusters"), message, Some(help));
    } else if found.strata > 0 {
        let message = format!(
            "{} units of several samples ({}): each is taken as one sample of its stratum",
            counted(found.strata, found.of_strata, "strata"),
            who.join(", ")
        );
        let help = format!(
            "{apart} if the samples were drawn independently: strata are then those of each"
        );
        let at = if study.design.strata.is_some() { path.key("strata") } else { path };
        work.warn(&at, message, Some(help));
    }
}

/// Reads a matrix of joint probabilities.
fn joint_probabilities(
    work: &mut Work<'_>,
    path: &KeyPath,
    file: &Path,
    table: &Table,
) -> Option<JointProbabilities> {
    let full = work.folder.join(file);
    let matrix = match io::read(&full, &io::ReadOptions::default()) {
        Ok(matrix) => matrix,
        Err(e) => {
            work.error(path, &e, e.help());
            return None;
        }
    };
    work.inputs.push(full);
    let mut columns = Vec::new();
    for name in matrix.names() {
        let column = matrix.column(name)?;
        let numbers = column.as_numbers();
        let missing = numbers.and_then(|n| (0..n.len()).find(|&r| n.get(r).is_nan()));
        match (numbers, missing) {
            (Some(numbers), None) => columns.push(numbers.to_vec()),
            (_, row) => {
                let text = |row: usize| {
                    let factor = column.as_factor();
                    let level = factor.levels.get(factor.codes.get(row) as usize);
                    level.map_or_else(String::new, |level| level.value.clone())
                };
                let odd = |row: &usize| text(*row).parse::<f64>().is_err();
                let row = row.or_else(|| (0..matrix.rows()).find(odd));
                let place = row.map_or(String::new(), |row| match text(row) {
                    found if found.is_empty() || numbers.is_some() => format!(", row {}", row + 1),
                    found => format!(", row {}, but `{found}`", row + 1),
                });
                let message =
                    format!("`{}` has no number in column `{name}`{place}", file.display());
                let help = "the file is a heading and a square of probabilities, nothing else";
                work.error(path, message, Some(help.to_string()));
                return None;
            }
        }
    }
    // A heading that names PSUs says which is which; any other is only a heading.
    let names: Vec<String> = matrix.names().map(str::to_string).collect();
    let clusters = work.study.design.clusters.as_ref().map(Names::list).unwrap_or_default();
    let psus = clusters.first().and_then(|name| table.column(name)).map(Column::as_factor);
    let known = psus.is_some_and(|psus| {
        let labels: HashSet<&str> = psus.levels.iter().map(|l| l.value.as_str()).collect();
        names.iter().all(|name| labels.contains(name.as_str()))
    });
    Some(JointProbabilities {
        name: file.display().to_string(),
        units: if known { names } else { Vec::new() },
        values: DMatrix::from_fn(matrix.rows(), columns.len(), |i, j| columns[j][i]),
    })
}
