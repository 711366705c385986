//! The design weight: given, one over selection probabilities, or implied by population sizes.

use super::error::DesignError;
use super::finding::DesignFinding;
use super::input::DesignInput;
use super::tree::UnitTree;
use super::variable::complete_numbers;

/// The weight of every row; findings for missing and zero weights.
pub(super) fn build_weights(
    input: &DesignInput<'_>,
    tree: &UnitTree,
    findings: &mut Vec<DesignFinding>,
) -> Result<Vec<f64>, DesignError> {
    let (weights, name) = match input.weight {
        Some(variable) => {
            let numbers = match variable.column.as_numbers() {
                Some(n) if input.missing_weight_is_zero && n.len() == input.rows => n,
                _ => complete_numbers(variable, "weight", input.rows)?,
            };
            let mut weights = numbers.to_vec();
            let missing = weights.iter().filter(|w| w.is_nan()).count();
            if missing > 0 {
                findings.push(DesignFinding::MissingWeights { count: missing });
                weights.iter_mut().filter(|w| w.is_nan()).for_each(|w| *w = 0.0);
            }
            (weights, variable.name.to_string())
        }
        None if !input.probabilities.is_empty() => {
            let mut weights = vec![1.0; input.rows];
            for &variable in &input.probabilities {
                let numbers = complete_numbers(variable, "selection probability", input.rows)?;
                let bad = |p: f64| !(p > 0.0 && p <= 1.0);
                if let Some(row) = (0..input.rows).find(|&r| bad(numbers.get(r))) {
                    return Err(DesignError::Probability {
                        variable: variable.name.to_string(),
                        count: (0..input.rows).filter(|&r| bad(numbers.get(r))).count(),
                        row: row + 1,
                        value: numbers.get(row),
                    });
                }
                for (r, w) in weights.iter_mut().enumerate() {
                    *w /= numbers.get(r);
                }
            }
            (weights, input.probabilities[0].name.to_string())
        }
        None => (implied_weights(input.rows, tree), "weights".to_string()),
    };
    check_weights(&weights, &name)?;
    let zero = weights.iter().filter(|w| **w == 0.0).count();
    if zero > 0 && !findings.iter().any(|f| matches!(f, DesignFinding::MissingWeights { .. })) {
        findings.push(DesignFinding::ZeroWeights { count: zero });
    }
    Ok(weights)
}

fn check_weights(weights: &[f64], name: &str) -> Result<(), DesignError> {
    if let Some(row) = weights.iter().position(|w| w.is_infinite()) {
        return Err(DesignError::InfiniteWeight { variable: name.to_string(), row: row + 1 });
    }
    if let Some(row) = weights.iter().position(|w| *w < 0.0) {
        return Err(DesignError::NegativeWeight {
            variable: name.to_string(),
            count: weights.iter().filter(|w| **w < 0.0).count(),
            row: row + 1,
            value: weights[row],
        });
    }
    if weights.iter().all(|w| *w == 0.0) {
        return Err(DesignError::AllZero { variable: name.to_string() });
    }
    Ok(())
}

/// N/n at every stage with a population size (1/π where probabilities differ), multiplied; 1
/// without any.
fn implied_weights(rows: usize, tree: &UnitTree) -> Vec<f64> {
    let mut of_unit = vec![1.0_f64; tree.units()];
    for stage in &tree.stages {
        for stratum in stage.strata.iter().filter(|s| s.population.is_finite()) {
            for unit in stratum.first as usize..stratum.end as usize {
                let factor = match &stage.inclusion {
                    Some(pi) => 1.0 / pi[unit],
                    None => stratum.population / stratum.n() as f64,
                };
                let deepest = stage.of_unit(unit);
                of_unit[deepest].iter_mut().for_each(|w| *w *= factor);
            }
        }
    }
    (0..rows).map(|row| of_unit[tree.unit_of_row[row] as usize]).collect()
}
