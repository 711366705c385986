//! From a weighted study to its ledger file.

use std::path::{Component, Path};

use serde_json::Value;

use super::{Figures, GroupRecord, LEDGER_SCHEMA, LedgerFile, MarginRecord, StepRecord};
use crate::diagnostic::Diagnostic;
use crate::report::{hash_file, sha256_hex};
use crate::study::prepare::Prepared;
use crate::weight::{LedgerStep, WeightSummary};

/// The ledger file of a study, as it is to stand in `target`.
pub(in crate::study) fn record(
    prepared: &Prepared,
    study_file: &Path,
    target: &Path,
) -> Result<LedgerFile, Diagnostic> {
    let base = study_file.parent().unwrap_or(Path::new(""));
    let inputs = prepared.inputs[prepared.included..]
        .iter()
        .map(|path| {
            let shown = path.strip_prefix(base).unwrap_or(path).display().to_string();
            hash_file(path, shown)
                .map_err(|e| Diagnostic::error(format!("`{}` can't be read: {e}", path.display())))
        })
        .collect::<Result<_, _>>()?;
    let mut study = prepared.document.clone();
    if let Value::Object(table) = &mut study {
        // What they say is in here already.
        table.remove("include");
    }
    let settings = |step: usize| match step {
        0 => study.get("design").cloned().unwrap_or(Value::Null),
        _ => {
            study.get("weighting").and_then(|all| all.get(step - 1)).cloned().unwrap_or(Value::Null)
        }
    };
    let steps = prepared.analysis.ledger.steps();
    let steps = steps.iter().enumerate().map(|(i, step)| of_step(step, settings(i))).collect();
    Ok(LedgerFile {
        schema: LEDGER_SCHEMA.to_string(),
        program: concat!("rakewell ", env!("CARGO_PKG_VERSION")).to_string(),
        study_file: study_file
            .file_name()
            .map_or_else(|| "study.toml".to_string(), |n| n.to_string_lossy().into_owned()),
        folder: way_back(base, target),
        study,
        inputs,
        rows: prepared.table.rows(),
        steps,
    })
}

/// SHA-256 of weights, 8 bytes each.
pub(super) fn weights_hash(weights: &[f64]) -> String {
    let bytes: Vec<u8> = weights.iter().flat_map(|w| w.to_le_bytes()).collect();
    sha256_hex(&bytes)
}

/// The folder of the study as seen from the folder of a file: `..` for each folder between them, or
/// the whole path where the file lies elsewhere.
fn way_back(base: &Path, target: &Path) -> String {
    let folder = target.parent().unwrap_or(Path::new(""));
    let below = folder.strip_prefix(base).ok().map(|rest| rest.components().collect::<Vec<_>>());
    match below {
        Some(parts) if parts.iter().all(|c| matches!(c, Component::Normal(_))) => {
            if parts.is_empty() { ".".to_string() } else { vec![".."; parts.len()].join("/") }
        }
        _ => std::path::absolute(base).unwrap_or_else(|_| base.to_path_buf()).display().to_string(),
    }
}

fn of_step(step: &LedgerStep, settings: Value) -> StepRecord {
    let summary = &step.summary;
    let margins = summary.margins.iter().map(|line| MarginRecord {
        margin: line.margin.clone(),
        level: line.level.clone(),
        target: finite(line.target),
        before: finite(line.before),
        after: finite(line.after),
    });
    let groups = summary.diagnostics.groups.iter().map(|group| GroupRecord {
        by: group.by.clone(),
        group: group.group.clone(),
        share: finite(group.share),
        weights: figures(&group.weights),
    });
    StepRecord {
        step: summary.step,
        kind: summary.kind.clone(),
        description: summary.description.clone(),
        outcome: summary.outcome.clone(),
        variance: summary.variance.clone(),
        settings,
        sha256: weights_hash(&step.weights),
        weights: figures(&summary.weights),
        factors: summary.g_range.filter(|(low, high)| low.is_finite() && high.is_finite()),
        margins: margins.collect(),
        groups: groups.collect(),
    }
}

fn figures(w: &WeightSummary) -> Figures {
    Figures {
        n: w.n,
        zero: w.zero,
        sum: finite(w.sum),
        min: finite(w.min),
        median: finite(w.median),
        max: finite(w.max),
        deff_kish: finite(w.deff_kish),
        n_eff: finite(w.n_eff),
    }
}

fn finite(x: f64) -> Option<f64> {
    x.is_finite().then_some(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_goes_up_one_folder_for_each_down() {
        let way = |base: &str, target: &str| way_back(Path::new(base), Path::new(target));
        assert_eq!(way("", "output/ledger.json"), "..");
        assert_eq!(way("a/b", "a/b/output/deep/ledger.json"), "../..");
        assert_eq!(way("a", "a/ledger.json"), ".");
        assert!(Path::new(&way("a", "b/ledger.json")).is_absolute());
    }

    #[test]
    fn one_bit_changes_the_hash() {
        let w = [1.0, 2.5, 0.0];
        assert_eq!(weights_hash(&w), weights_hash(&w));
        assert_ne!(
            weights_hash(&w),
            weights_hash(&[1.0, f64::from_bits(2.5_f64.to_bits() + 1), 0.0])
        );
    }
}
