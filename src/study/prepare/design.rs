//! The design of a study.

use super::data::columns;
use super::{Work, replicates};
use crate::data::{Column, Table};
use crate::design::{DesignError, DesignInput, SurveyDesign, Variable};
use crate::replicate::Replicates;
use crate::study::not_numeric::not_numeric;
use crate::study::places::KeyPath;
use crate::study::spec::MissingWeight;

/// A design with its replicates, if it has some.
pub(super) struct Built {
    pub design: SurveyDesign,
    pub replicates: Option<Replicates>,
}

/// Builds the design from its variables.
pub(super) fn build(work: &mut Work<'_>, table: &Table, names: &[String]) -> Option<Built> {
    let given = &work.study.design;
    let path = KeyPath::root().key("design");
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
    if work.has_errors() {
        return None;
    }
    let input = DesignInput {
        rows: table.rows(),
        clusters: variables(columns(table, given.clusters.as_ref())),
        strata: variables(columns(table, given.strata.as_ref())).into_iter().map(Some).collect(),
        weight: weight.map(Variable::of),
        probabilities: variables(columns(table, given.probabilities.as_ref())),
        fpc: variables(columns(table, given.fpc.as_ref())),
        nested: given.nested,
        lonely: given.lonely_psu.unwrap_or_default(),
        lonely_in_domain: given.lonely_in_domain,
        missing_weight_is_zero: given.missing_weight == Some(MissingWeight::Zero),
    };
    let design = match SurveyDesign::build(&input) {
        Ok(design) => design,
        Err(e) => {
            let key = match &e {
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
            let help = e.help().map(str::to_string);
            work.error(&at, &e, help);
            return None;
        }
    };
    for finding in &design.findings {
        work.warn(&path, finding, None);
    }
    let replicates = match (&given.replicates, work.study.variance.method) {
        (Some(_), _) => Some(replicates::given(work, table, names, &design)?),
        (None, Some(method)) => Some(replicates::made(work, table, &design, method)?),
        (None, None) => None,
    };
    Some(Built { design, replicates })
}
