//! How large a study may be: what would fill the memory is refused in words.

use crate::data::Numbers;
use crate::numeric::grouped;

/// The most estimates of one table. A table of this size is for machines, not for readers.
const ESTIMATES: u128 = 100_000;

/// The most estimates of one table whose covariances are all needed: a matrix of 2,000 × 2,000.
const COVARIANCES: u128 = 2_000;

/// The most sums of products of calibration columns and estimates in one table: half a gigabyte.
const PRODUCTS: u128 = 1 << 26;

/// The most estimates with bounds: each takes three passes over the rows.
const BOUNDS: u128 = 500;

/// The most calibration columns of one step: their cross-products are a matrix.
const CALIBRATION: usize = 4_000;

/// The most comparisons of one table.
const COMPARISONS: usize = 100_000;

/// The largest number to compute with: sums of squares of its weighted values stay finite.
const LARGEST: f64 = 1e100;

/// What decides the size of a table of estimates.
#[derive(Debug, Clone, Default)]
pub(super) struct TableSize {
    /// The variables that cross, with their number of levels.
    pub by: Vec<(String, usize)>,
    /// Estimates in every domain.
    pub outcomes: usize,
    /// The variable whose distribution is held fixed, with its number of levels.
    pub standard: Option<(String, usize)>,
    /// Whether the covariances of all estimates are needed.
    pub covariances: bool,
    /// Calibration columns of the largest weighting step.
    pub calibration: usize,
    /// Whether each estimate has bounds, which take passes over the rows of their own.
    pub bounds: bool,
}

/// Checks the size of a table of estimates.
///
/// # Errors
/// What is too large, and the way out.
pub(super) fn table(size: &TableSize) -> Result<(), (String, String)> {
    let crossed = size.by.iter().chain(&size.standard);
    // Saturation is far above every limit.
    let domains = crossed.clone().fold(1_u128, |all, (_, n)| all.saturating_mul(*n as u128));
    let estimates = domains.saturating_mul(size.outcomes as u128);
    let products = estimates.saturating_mul(size.calibration as u128);
    let mut parts: Vec<String> = crossed
        .map(|(name, levels)| format!("`{name}` has {}", counted(*levels, "level")))
        .collect();
    if size.outcomes > 1 || parts.is_empty() {
        parts.push(format!("{} in each group", counted(size.outcomes, "estimate")));
    }
    let parts = parts.join(", ");
    let (what, most) = if estimates > ESTIMATES {
        ("estimates", ESTIMATES)
    } else if size.covariances && estimates > COVARIANCES {
        (
            "estimates with all their covariances, which comparing and standardising need",
            COVARIANCES,
        )
    } else if size.bounds && estimates > BOUNDS {
        ("estimates with bounds", BOUNDS)
    } else if products > PRODUCTS {
        let most = PRODUCTS / (size.calibration as u128).max(1);
        ("estimates after a calibration to that many totals", most)
    } else {
        return Ok(());
    };
    let found = if estimates >= u128::from(u64::MAX) {
        "more than 10^19".to_string()
    } else {
        thousands(estimates)
    };
    let message =
        format!("the table would have {found} {what} ({parts}); the most is {}", thousands(most));
    let help = "group levels with `[[derive]]`, or take a variable out; an identifier is not a \
                category";
    Err((message, help.to_string()))
}

/// Checks the number of calibration columns of a weighting step.
///
/// # Errors
/// What is too large, and the way out.
pub(super) fn calibration(columns: usize) -> Result<(), (String, String)> {
    if columns <= CALIBRATION {
        return Ok(());
    }
    let message = format!(
        "the step has {} totals to meet; the most is {}",
        thousands(columns as u128),
        thousands(CALIBRATION as u128)
    );
    Err((message, "join levels of the margins, or leave a margin out".to_string()))
}

/// Checks the number of comparisons of a table.
///
/// # Errors
/// How many there would be, and the way out.
pub(super) fn comparisons(groups: usize, tables: usize, all: bool) -> Result<(), (String, String)> {
    let each = if all { groups.saturating_mul(groups.saturating_sub(1)) / 2 } else { groups };
    let count = each.saturating_mul(tables);
    if count <= COMPARISONS {
        return Ok(());
    }
    let message = format!(
        "{} groups, each with every other, make {} comparisons; the most is {}",
        thousands(groups as u128),
        thousands(count as u128),
        thousands(COMPARISONS as u128)
    );
    let help = "name a `reference` to compare every group with, or group levels with `[[derive]]`";
    Err((message, help.to_string()))
}

/// Checks that values can be squared and summed.
///
/// # Errors
/// The first value that can't, with its row, and the way out.
pub(super) fn numbers(column: &str, values: &Numbers) -> Result<(), (String, String)> {
    let Numbers::F64(values) = values else { return Ok(()) };
    let Some(row) = values.iter().position(|x| x.abs() > LARGEST) else { return Ok(()) };
    let message = format!(
        "`{column}` is {:e} in row {}; numbers beyond 1e100 cannot be computed with",
        values[row],
        row + 1
    );
    Err((message, "mend the data, or name the code under `missing-codes`".to_string()))
}

/// Checks that weights can be squared and summed.
///
/// # Errors
/// Their sum, and the way out.
pub(super) fn weights(weights: &[f64]) -> Result<(), (String, String)> {
    let sum: f64 = weights.iter().map(|w| w.abs()).sum();
    if sum <= LARGEST {
        return Ok(());
    }
    let message =
        format!("the weights add up to {sum:.1e}; beyond 1e100 they cannot be computed with");
    Err((message, "a weight says how many of the population a row stands for".to_string()))
}

/// Checks that a population total can be computed with.
///
/// # Errors
/// What is wrong, and the way out.
pub(super) fn total(of: &str, total: f64) -> Result<(), (String, String)> {
    if total.is_nan() || total.abs() <= LARGEST {
        return Ok(());
    }
    let message =
        format!("the total of {of} is {total:e}; numbers beyond 1e100 cannot be computed with");
    Err((message, "check its exponent: the total of a population is far smaller".to_string()))
}

fn counted(n: usize, one: &str) -> String {
    format!("{} {one}{}", thousands(n as u128), if n == 1 { "" } else { "s" })
}

/// A whole number with commas between the thousands.
pub(super) fn thousands(n: u128) -> String {
    grouped(&n.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(by: &[usize], outcomes: usize) -> TableSize {
        let by = by.iter().map(|&n| (format!("v{n}"), n)).collect();
        TableSize { by, outcomes, ..TableSize::default() }
    }

    #[test]
    fn what_can_be_read_is_made() {
        assert_eq!(table(&size(&[], 1)), Ok(()));
        assert_eq!(table(&size(&[0, 5], 3)), Ok(()));
        assert_eq!(table(&size(&[100, 100], 10)), Ok(()));
        let compared = TableSize { covariances: true, ..size(&[40, 50], 1) };
        assert_eq!(table(&compared), Ok(()));
        assert_eq!(calibration(4000), Ok(()));
    }

    #[test]
    fn comparisons_are_counted() {
        assert_eq!(comparisons(447, 1, true), Ok(()));
        assert!(comparisons(448, 1, true).unwrap_err().0.contains("100,128 comparisons"));
        assert_eq!(comparisons(2000, 1, false), Ok(()));
        assert!(comparisons(300, 3, true).is_err());
    }

    #[test]
    fn numbers_too_large_have_a_row() {
        assert_eq!(numbers("y", &Numbers::pack(vec![1.0, f64::NAN, -1e100])), Ok(()));
        let found = numbers("y", &Numbers::pack(vec![1.0, f64::NAN, -1e101])).unwrap_err().0;
        assert!(found.contains("`y` is -1e101 in row 3"), "{found}");
        assert_eq!(weights(&[1e99, 0.0]), Ok(()));
        assert!(weights(&[1e308, 1e308]).unwrap_err().0.contains("add up to inf"));
    }

    #[test]
    fn what_cannot_is_refused_with_its_numbers() {
        let said = |s: &TableSize| table(s).unwrap_err().0;
        let found = said(&size(&[1000, 1000, 1000], 1));
        assert!(found.contains("1,000,000,000 estimates (`v1000` has 1,000 levels"), "{found}");
        let found = said(&size(&[usize::MAX, usize::MAX, usize::MAX], 9));
        assert!(found.contains("more than 10^19"), "{found}");
        let found = said(&size(&[], 200_000));
        assert!(found.contains("200,000 estimates in each group"), "{found}");
        let compared = TableSize { covariances: true, ..size(&[40, 51], 1) };
        assert!(said(&compared).contains("most is 2,000"));
        let standard = Some(("age".to_string(), 90));
        assert!(
            said(&TableSize { standard, covariances: true, ..size(&[40], 1) }).contains("`age`")
        );
        let calibrated = TableSize { calibration: 4000, ..size(&[1000, 50], 1) };
        assert!(said(&calibrated).contains("calibration"));
        assert!(calibration(4001).unwrap_err().0.contains("4,001"));
    }
}
