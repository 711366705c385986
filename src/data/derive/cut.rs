//! Bands of a number.

use super::error::DeriveError;
use super::{Recoded, repeated};
use crate::data::codes::Codes;
use crate::data::column::{Column, Numbers};
use crate::data::labels::Scalar;
use crate::data::number::written;

pub(super) fn cut(
    source: &Column,
    at: &[f64],
    labels: Option<&[String]>,
    right: bool,
) -> Result<Recoded, Vec<DeriveError>> {
    let Some(numbers) = source.as_numbers() else {
        return Err(vec![DeriveError::CutText(source.name.clone())]);
    };
    if at.is_empty() {
        return Err(vec![DeriveError::Nothing("cut")]);
    }
    let mut errors = Vec::new();
    let wrong = |pair: &&[f64]| !matches!(pair, [a, b] if a < b);
    if let Some(&[first, second]) = at.windows(2).find(wrong) {
        let (first, second) = (written(first), written(second));
        errors.push(DeriveError::NotAscending { first, second });
    } else if let Some(&x) = at.iter().find(|x| !x.is_finite()) {
        errors.push(DeriveError::NotAscending { first: written(x), second: written(x) });
    }
    if let Some(labels) = labels {
        if labels.len() != at.len() + 1 {
            let (points, labels) = (at.len(), labels.len());
            errors.push(DeriveError::LabelCount { points, labels });
        }
        errors.extend(repeated(labels).into_iter().map(DeriveError::Repeated));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let codes = (0..numbers.len())
        .map(|row| {
            let x = numbers.get(row);
            if x.is_nan() {
                return Codes::NONE;
            }
            let band = at.partition_point(|&point| if right { point < x } else { point <= x });
            u32::try_from(band).unwrap_or(Codes::NONE)
        })
        .collect();
    let labels = labels.map_or_else(|| bands(at, right, whole(numbers, at)), <[String]>::to_vec);
    Ok(Recoded { results: labels.into_iter().map(Scalar::Text).collect(), codes })
}

/// True when values and cut points are whole, so that `[16, 25)` is 16 to 24.
fn whole(numbers: &Numbers, at: &[f64]) -> bool {
    let values = match numbers {
        Numbers::F64(v) => v.iter().all(|x| x.is_nan() || x.fract() == 0.0),
        _ => true,
    };
    values && at.iter().all(|x| x.fract() == 0.0)
}

/// Labels of bands: `under 16`, `16–24`, `25 or over`; of fractions, `[16, 25)` in the middle.
fn bands(at: &[f64], right: bool, whole: bool) -> Vec<String> {
    let (Some(&first), Some(&last)) = (at.first(), at.last()) else { return Vec::new() };
    let between = |pair: &[f64]| {
        let &[a, b] = pair else { return String::new() };
        match (whole, right) {
            (false, false) => format!("[{}, {})", written(a), written(b)),
            (false, true) => format!("({}, {}]", written(a), written(b)),
            (true, _) => {
                let (low, high) = if right { (a + 1.0, b) } else { (a, b - 1.0) };
                if low == high {
                    written(low)
                } else if low < 0.0 {
                    format!("{} to {}", written(low), written(high))
                } else {
                    format!("{}–{}", written(low), written(high))
                }
            }
        }
    };
    let outer = if right {
        (format!("{} or under", written(first)), format!("over {}", written(last)))
    } else {
        (format!("under {}", written(first)), format!("{} or over", written(last)))
    };
    let mut labels = vec![outer.0];
    labels.extend(at.windows(2).map(between));
    labels.push(outer.1);
    labels
}
