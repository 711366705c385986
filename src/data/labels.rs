//! Labels and missing codes put onto a column.

use std::collections::{HashMap, HashSet};

use super::codes::{Codes, Factor, Level};
use super::column::{Column, MissingCode, Numbers, Values};
use super::number::{value_of, written};
use crate::diagnostic::nearest;

/// A value as a person names it: the number or text in the data, or its label.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
}

/// What is known about a variable besides its values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Labels {
    /// The variable label.
    pub label: Option<String>,
    /// Value labels: (value as written, label). Their order is the display order.
    pub values: Vec<(String, String)>,
    /// Values, or their labels, that mean "missing".
    pub missing: Vec<Scalar>,
}

/// What was given and found no use; nothing here is an error.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Unused {
    /// Keys of value labels that no row has.
    pub labels: Vec<String>,
    /// Missing codes of this variable that no row has.
    pub missing: Vec<String>,
    /// Labels that stand for two values.
    pub repeated: Vec<String>,
}

/// What is wrong with labels or missing codes.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LabelError {
    /// A key of a numeric variable that is not a number.
    #[error("`{column}` holds numbers; {key:?} is not one")]
    KeyNotNumber {
        /// The variable.
        column: String,
        /// The key.
        key: String,
    },
    /// Two keys for one value.
    #[error("`{column}` has two labels for {key}")]
    RepeatedKey {
        /// The variable.
        column: String,
        /// The value.
        key: String,
    },
    /// A missing code of a numeric variable that is neither a number nor a label.
    #[error("`{column}` has no label {code:?} that could mean \"missing\"")]
    UnknownMissing {
        /// The variable.
        column: String,
        /// The code.
        code: String,
        /// The nearest label.
        nearest: Option<String>,
    },
}

impl LabelError {
    /// The way out.
    pub fn help(&self) -> Option<String> {
        match self {
            LabelError::KeyNotNumber { .. } => {
                Some("write labels as { value = \"label\" }, such as { 1 = \"Male\" }".into())
            }
            LabelError::RepeatedKey { .. } => Some("keep one of them".into()),
            LabelError::UnknownMissing { nearest: Some(n), .. } => {
                Some(format!("did you mean {n:?}?"))
            }
            LabelError::UnknownMissing { .. } => Some("give the number, or label it first".into()),
        }
    }
}

/// Labels a column and turns missing codes into missing values.
///
/// A column of numbers gets `value_labels`; labels it has already stay unless a new one is given
/// for the value. A column of text gets labelled levels, those named first and in the order
/// given. Missing codes are those of `labels` and the numbers `everywhere`; they become missing,
/// and `column.missing` says how many rows had which. In a column of text, a number means the
/// level whose text is that number.
///
/// # Errors
/// All mistakes at once; the column is then as it was.
pub fn apply(
    column: &mut Column,
    labels: &Labels,
    everywhere: &[f64],
) -> Result<Unused, Vec<LabelError>> {
    let unused = match &column.values {
        Values::Numbers(_) => apply_to_numbers(column, labels, everywhere)?,
        Values::Text(_) => apply_to_text(column, labels, everywhere)?,
    };
    if labels.label.is_some() {
        column.label.clone_from(&labels.label);
    }
    Ok(unused)
}

fn apply_to_numbers(
    column: &mut Column,
    labels: &Labels,
    everywhere: &[f64],
) -> Result<Unused, Vec<LabelError>> {
    let Values::Numbers(numbers) = &mut column.values else { return Ok(Unused::default()) };
    let name = || column.name.clone();
    let calendar = column.calendar;
    let value_of = |text: &str| calendar.and_then(|c| c.read(text)).or_else(|| value_of(text));
    let (mut errors, mut given, mut of_codes) =
        (Vec::new(), Vec::<(f64, String)>::new(), Vec::new());
    for (key, label) in &labels.values {
        // A key such as `.a` or `NA` labels a code the file itself marks as missing.
        if let Some(code) = column.missing.iter().position(|m| m.code == *key) {
            of_codes.push((code, label.clone()));
            continue;
        }
        match value_of(key) {
            None => errors.push(LabelError::KeyNotNumber { column: name(), key: key.clone() }),
            Some(x) if given.iter().any(|(v, _)| *v == x) => {
                errors.push(LabelError::RepeatedKey { column: name(), key: written(x) });
            }
            Some(x) => given.push((x, label.clone())),
        }
    }
    let keys: Vec<f64> = given.iter().map(|(x, _)| *x).collect();
    let older = column.value_labels.iter().filter(|(v, _)| !keys.contains(v)).cloned();
    let mut all: Vec<(f64, String)> = given.into_iter().chain(older).collect();

    let mut codes: Vec<f64> = Vec::new();
    for code in &labels.missing {
        match code {
            Scalar::Number(x) => codes.push(*x),
            Scalar::Text(text) => {
                let labelled = all.iter().filter(|(_, l)| l == text).map(|(v, _)| *v);
                let found: Vec<f64> = labelled.collect();
                if !found.is_empty() {
                    codes.extend(found);
                } else if let Some(x) = value_of(text) {
                    codes.push(x);
                } else if column.missing.iter().all(|m| !stands_for(m, text)) {
                    errors.push(LabelError::UnknownMissing {
                        column: name(),
                        code: text.clone(),
                        nearest: nearest(text, all.iter().map(|(_, l)| l.as_str()))
                            .map(ToOwned::to_owned),
                    });
                }
            }
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let own = codes.len();
    codes.extend(everywhere);
    let mut seen: Vec<f64> = Vec::new();
    let mut unused = Unused { repeated: repeated(&labels.values), ..Unused::default() };
    for (i, &code) in codes.iter().enumerate() {
        if seen.contains(&code) {
            continue;
        }
        seen.push(code);
        let count = remove(numbers, code);
        if count > 0 {
            let label = all.iter().find(|(v, _)| *v == code).map(|(_, l)| l.clone());
            column.missing.push(MissingCode { code: written(code), label, count });
        } else if i < own {
            unused.missing.push(written(code));
        }
    }
    all.retain(|(v, _)| !seen.contains(v));
    let present = present(numbers, &all);
    let idle = keys.iter().filter(|x| !seen.contains(x) && !present.contains(&x.to_bits()));
    unused.labels = idle.map(|x| written(*x)).collect();
    column.value_labels = all;
    for (code, label) in of_codes {
        column.missing[code].label = Some(label);
    }
    Ok(unused)
}

/// True when a text is a code that the file marks as missing, or its label.
fn stands_for(code: &MissingCode, text: &str) -> bool {
    code.code == text || code.label.as_deref() == Some(text)
}

/// Makes a value missing; gives the number of rows that had it.
fn remove(numbers: &mut Numbers, code: f64) -> u64 {
    fn sweep<T: Copy + PartialEq>(values: &mut [T], code: T, missing: T) -> u64 {
        let mut count = 0;
        for x in values.iter_mut().filter(|x| **x == code) {
            *x = missing;
            count += 1;
        }
        count
    }
    let whole = |limit: i32| code.fract() == 0.0 && code.abs() <= f64::from(limit);
    // The casts are exact: the code is whole and within the type's limits.
    match numbers {
        Numbers::I8(v) if whole(i32::from(i8::MAX)) => sweep(v, code as i8, i8::MIN),
        Numbers::I16(v) if whole(i32::from(i16::MAX)) => sweep(v, code as i16, i16::MIN),
        Numbers::I32(v) if whole(i32::MAX) => sweep(v, code as i32, i32::MIN),
        Numbers::F64(v) => sweep(v, code, f64::NAN),
        _ => 0,
    }
}

/// Which of the labelled values rows have, as bits.
fn present(numbers: &Numbers, labels: &[(f64, String)]) -> HashSet<u64> {
    let mut wanted: HashSet<u64> = labels.iter().map(|(x, _)| x.to_bits()).collect();
    let mut found = HashSet::new();
    for row in 0..numbers.len() {
        if wanted.is_empty() {
            break;
        }
        let bits = numbers.get(row).to_bits();
        if wanted.remove(&bits) {
            found.insert(bits);
        }
    }
    found
}

fn apply_to_text(
    column: &mut Column,
    labels: &Labels,
    everywhere: &[f64],
) -> Result<Unused, Vec<LabelError>> {
    let Values::Text(factor) = &mut column.values else { return Ok(Unused::default()) };
    let mut errors = Vec::new();
    let mut keys: HashSet<&str> = HashSet::new();
    for (key, _) in &labels.values {
        if !keys.insert(key) {
            let (column, key) = (column.name.clone(), format!("{key:?}"));
            errors.push(LabelError::RepeatedKey { column, key });
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let mut unused = Unused { repeated: repeated(&labels.values), ..Unused::default() };
    let mut levels = factor.levels.clone();
    let mut order: Vec<usize> = Vec::new();
    let mut label_of_code: HashMap<&str, &str> = HashMap::new();
    let by_value: HashMap<String, usize> =
        levels.iter().enumerate().map(|(i, l)| (l.value.clone(), i)).collect();
    for (key, label) in &labels.values {
        if let Some(&i) = by_value.get(key) {
            levels[i].label = Some(label.clone());
            order.push(i);
        } else if column.missing.iter().any(|m| m.code == *key) {
            label_of_code.insert(key, label);
        } else {
            unused.labels.push(key.clone());
        }
    }
    let named: HashSet<usize> = order.iter().copied().collect();
    order.extend((0..levels.len()).filter(|i| !named.contains(i)));

    let mut gone = vec![false; levels.len()];
    let number = |level: &Level, x: f64| value_of(&level.value) == Some(x);
    for code in &labels.missing {
        let before = gone.clone();
        for (level, gone) in levels.iter().zip(&mut gone) {
            *gone |= match code {
                Scalar::Number(x) => number(level, *x),
                Scalar::Text(t) => level.value == *t || level.label.as_ref() == Some(t),
            };
        }
        let text = match code {
            Scalar::Number(x) => written(*x),
            Scalar::Text(t) => t.clone(),
        };
        if gone == before && column.missing.iter().all(|m| !stands_for(m, &text)) {
            unused.missing.push(text);
        }
    }
    if !everywhere.is_empty() {
        for (level, gone) in levels.iter().zip(&mut gone) {
            *gone |= everywhere.iter().any(|x| number(level, *x));
        }
    }
    order.sort_by_key(|&i| gone[i]);
    let kept = order.iter().filter(|&&i| !gone[i]).count();
    let counts = reorder(factor, levels, &order, kept);
    for (level, count) in counts {
        column.missing.push(MissingCode { code: level.value, label: level.label, count });
    }
    for code in &mut column.missing {
        if let Some(label) = label_of_code.get(code.code.as_str()) {
            code.label = Some((*label).to_owned());
        }
    }
    Ok(unused)
}

/// Puts levels into an order and drops those from `kept` on; gives these with their rows.
fn reorder(
    factor: &mut Factor,
    levels: Vec<Level>,
    order: &[usize],
    kept: usize,
) -> Vec<(Level, u64)> {
    let mut place = vec![Codes::NONE; levels.len()];
    for (&old, new) in order.iter().zip(0_u32..) {
        place[old] = new;
    }
    let mut counts = vec![0_u64; levels.len()];
    let codes: Vec<u32> = factor
        .codes
        .to_vec()
        .into_iter()
        .map(|code| match place.get(code as usize) {
            Some(&new) => {
                counts[new as usize] += 1;
                if (new as usize) < kept { new } else { Codes::NONE }
            }
            None => Codes::NONE,
        })
        .collect();
    let mut sorted: Vec<Level> = order.iter().map(|&i| levels[i].clone()).collect();
    let dropped = sorted.split_off(kept);
    factor.codes = Codes::pack(&codes, sorted.len());
    factor.levels = sorted;
    dropped.into_iter().zip(counts.split_off(kept)).collect()
}

/// Labels that stand for two values.
fn repeated(values: &[(String, String)]) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut found: Vec<String> = Vec::new();
    for (_, label) in values {
        if !seen.insert(label) && !found.contains(label) {
            found.push(label.clone());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(values: &[(&str, &str)]) -> Vec<(String, String)> {
        values.iter().map(|&(v, l)| (v.to_owned(), l.to_owned())).collect()
    }

    #[test]
    fn numbers_get_labels_and_lose_missing_codes() {
        let mut c = Column::numbers("sex", vec![1.0, 2.0, -9.0, -8.0, f64::NAN, 2.0, -1.0]);
        let labels = Labels {
            label: Some("Sex".into()),
            values: pairs(&[("2", "Female"), ("1", "Male"), ("3", "Other"), ("-8", "Refused")]),
            missing: vec![Scalar::Text("Refused".into()), Scalar::Number(-7.0)],
        };
        let unused = apply(&mut c, &labels, &[-9.0, -1.0, -55.0]).unwrap();
        assert_eq!(unused.labels, ["3"]);
        assert_eq!(unused.missing, ["-7"]);
        assert_eq!(c.title(), "Sex");
        assert_eq!(c.value_labels[0], (2.0, "Female".into()));
        let missing: Vec<_> =
            c.missing.iter().map(|m| (m.code.as_str(), m.label.as_deref(), m.count)).collect();
        assert_eq!(missing, [("-8", Some("Refused"), 1), ("-9", None, 1), ("-1", None, 1)]);
        let values = c.as_numbers().unwrap().to_vec();
        assert_eq!(values.iter().filter(|x| x.is_nan()).count(), 4);
        assert_eq!((values[0], values[1], values[5]), (1.0, 2.0, 2.0));
    }

    #[test]
    fn every_width_loses_its_codes() {
        for big in [1.0, 1e3, 1e6, 0.5] {
            let mut c = Column::numbers("x", vec![big, -9.0, 7.5_f64.floor()]);
            apply(&mut c, &Labels::default(), &[-9.0, 0.25, 1e12]).unwrap();
            assert!(c.as_numbers().unwrap().get(1).is_nan());
            assert_eq!(c.missing, [MissingCode { code: "-9".into(), label: None, count: 1 }]);
        }
    }

    #[test]
    fn text_levels_are_relabelled_in_the_order_given() {
        let values = ["b", "a", "c", "-9", "zz", "b"].map(Some);
        let mut c = Column::text("x", &values);
        let labels = Labels {
            label: None,
            values: pairs(&[("c", "Third"), ("a", "First"), ("q", "Nobody"), ("zz", "Unknown")]),
            missing: vec![Scalar::Text("Unknown".into()), Scalar::Text("nothing".into())],
        };
        let unused = apply(&mut c, &labels, &[-9.0]).unwrap();
        assert_eq!((unused.labels, unused.missing), (vec!["q".into()], vec!["nothing".into()]));
        let f = c.as_factor();
        assert_eq!(f.levels.iter().map(Level::text).collect::<Vec<_>>(), ["Third", "First", "b"]);
        assert_eq!(f.codes.to_vec(), [2, 1, 0, Codes::NONE, Codes::NONE, 2]);
        let missing: Vec<_> = c.missing.iter().map(|m| (m.code.as_str(), m.count)).collect();
        assert_eq!(missing, [("zz", 1), ("-9", 1)]);
        assert_eq!(c.missing[0].label.as_deref(), Some("Unknown"));
    }

    #[test]
    fn mistakes_come_all_at_once_and_change_nothing() {
        let mut c = Column::numbers("x", vec![1.0, 2.0]);
        let before = c.clone();
        let labels = Labels {
            label: Some("X".into()),
            values: pairs(&[("one", "One"), ("1", "Yes"), ("1.0", "Ja")]),
            missing: vec![Scalar::Text("Yess".into())],
        };
        let errors = apply(&mut c, &labels, &[1.0]).unwrap_err();
        assert!(matches!(&errors[0], LabelError::KeyNotNumber { key, .. } if key == "one"));
        assert!(matches!(&errors[1], LabelError::RepeatedKey { key, .. } if key == "1"));
        assert!(
            matches!(&errors[2], LabelError::UnknownMissing { nearest: Some(n), .. } if n == "Yes")
        );
        assert_eq!(c, before);
    }
}
