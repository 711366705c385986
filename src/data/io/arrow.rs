//! Arrow arrays into columns.

use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType, DurationSecondType,
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    Time32MillisecondType, Time32SecondType, Time64MicrosecondType, Time64NanosecondType,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrowPrimitiveType};
use arrow_schema::{DataType, TimeUnit};

use crate::data::column::Values;
use crate::data::number::EXACT;

use super::build::{NumberBuilder, TextBuilder};
use super::error::DataError;

/// What an array becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Whole,
    /// Integers of which some are beyond ±2⁵³.
    WholeAsText,
    Real,
    Truth,
    Text,
    Days,
    Seconds,
    /// A column of nothing but nulls.
    Nothing,
}

/// What an array of this type becomes; `None` for lists, structs and the like.
pub(super) fn kind_of(kind: &DataType) -> Option<Kind> {
    use DataType as D;
    Some(match kind {
        D::Int8 | D::Int16 | D::Int32 | D::Int64 => Kind::Whole,
        D::UInt8 | D::UInt16 | D::UInt32 | D::UInt64 => Kind::Whole,
        D::Float16 | D::Float32 | D::Float64 => Kind::Real,
        D::Decimal32(..) | D::Decimal64(..) | D::Decimal128(..) | D::Decimal256(..) => Kind::Real,
        D::Boolean => Kind::Truth,
        D::Utf8 | D::LargeUtf8 | D::Utf8View => Kind::Text,
        D::Binary | D::LargeBinary | D::BinaryView => Kind::Text,
        D::Date32 | D::Date64 => Kind::Days,
        D::Timestamp(..) | D::Time32(_) | D::Time64(_) | D::Duration(_) => Kind::Seconds,
        D::Null => Kind::Nothing,
        D::Dictionary(_, values) => match kind_of(values)? {
            Kind::Text => Kind::Text,
            _ => return None,
        },
        _ => return None,
    })
}

/// A cell that cannot be held, by its row within the array.
#[derive(Debug)]
pub(super) enum BadCell {
    TooLarge(usize, String),
    NotText(usize),
    /// The array is not of the type the file's schema promised.
    Type(String),
}

impl BadCell {
    /// The error, where `before` rows came before the array.
    pub fn in_column(self, path: &Path, column: &str, before: usize) -> DataError {
        let (path, column) = (path.to_path_buf(), column.to_owned());
        match self {
            BadCell::TooLarge(row, value) => {
                DataError::IntegerTooLarge { path, column, row: before + row + 1, value }
            }
            BadCell::NotText(row) => {
                DataError::BytesNotText { path, column, row: before + row + 1 }
            }
            BadCell::Type(kind) => DataError::UnsupportedType { path, column, kind },
        }
    }
}

/// A column that grows array by array.
pub(super) enum Growing {
    Numbers(NumberBuilder),
    Text(TextBuilder),
}

impl Growing {
    /// A column of a kind, with room for about `rows` values.
    pub fn new(kind: Kind, rows: usize) -> Growing {
        match kind {
            Kind::Text | Kind::WholeAsText => Growing::Text(TextBuilder::new(rows, 0)),
            _ => Growing::Numbers(NumberBuilder::new(rows)),
        }
    }

    /// The values.
    pub fn finish(self) -> Values {
        match self {
            Growing::Numbers(numbers) => Values::Numbers(numbers.finish()),
            // What is pushed was text in UTF-8 before.
            Growing::Text(text) => Values::Text(text.finish(|bytes| {
                String::from_utf8(bytes)
                    .unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
            })),
        }
    }

    /// Adds the values of an array.
    pub fn extend(&mut self, array: &dyn Array) -> Result<(), BadCell> {
        match self {
            Growing::Numbers(numbers) => extend_numbers(numbers, array),
            Growing::Text(text) => extend_text(text, array),
        }
    }
}

fn extend_numbers(out: &mut NumberBuilder, array: &dyn Array) -> Result<(), BadCell> {
    use DataType as D;
    use TimeUnit as U;
    match array.data_type() {
        D::Int8 => whole::<Int8Type>(out, array),
        D::Int16 => whole::<Int16Type>(out, array),
        D::Int32 => whole::<Int32Type>(out, array),
        D::Int64 => whole::<Int64Type>(out, array),
        D::UInt8 => whole::<UInt8Type>(out, array),
        D::UInt16 => whole::<UInt16Type>(out, array),
        D::UInt32 => whole::<UInt32Type>(out, array),
        D::UInt64 => whole::<UInt64Type>(out, array),
        D::Float16 => real::<Float16Type>(out, array, |x| f64::from(x.to_f32())),
        D::Float32 => real::<Float32Type>(out, array, f64::from),
        D::Float64 => real::<Float64Type>(out, array, |x| x),
        D::Decimal32(_, s) => real::<Decimal32Type>(out, array, |x| scaled(&x, *s)),
        D::Decimal64(_, s) => real::<Decimal64Type>(out, array, |x| scaled(&x, *s)),
        D::Decimal128(_, s) => real::<Decimal128Type>(out, array, |x| scaled(&x, *s)),
        D::Decimal256(_, s) => real::<Decimal256Type>(out, array, |x| scaled(&x, *s)),
        D::Date32 => whole::<Date32Type>(out, array),
        D::Date64 => real::<Date64Type>(out, array, |x| x as f64 / 86_400_000.0),
        D::Time32(U::Second) => whole::<Time32SecondType>(out, array),
        D::Time32(_) => real::<Time32MillisecondType>(out, array, |x| f64::from(x) / 1e3),
        D::Time64(U::Microsecond) => real::<Time64MicrosecondType>(out, array, |x| x as f64 / 1e6),
        D::Time64(_) => real::<Time64NanosecondType>(out, array, |x| x as f64 / 1e9),
        D::Timestamp(U::Second, _) => real::<TimestampSecondType>(out, array, |x| x as f64),
        D::Timestamp(U::Millisecond, _) => {
            real::<TimestampMillisecondType>(out, array, |x| x as f64 / 1e3)
        }
        D::Timestamp(U::Microsecond, _) => {
            real::<TimestampMicrosecondType>(out, array, |x| x as f64 / 1e6)
        }
        D::Timestamp(U::Nanosecond, _) => {
            real::<TimestampNanosecondType>(out, array, |x| x as f64 / 1e9)
        }
        D::Duration(U::Second) => real::<DurationSecondType>(out, array, |x| x as f64),
        D::Duration(U::Millisecond) => {
            real::<DurationMillisecondType>(out, array, |x| x as f64 / 1e3)
        }
        D::Duration(U::Microsecond) => {
            real::<DurationMicrosecondType>(out, array, |x| x as f64 / 1e6)
        }
        D::Duration(U::Nanosecond) => {
            real::<DurationNanosecondType>(out, array, |x| x as f64 / 1e9)
        }
        D::Boolean => {
            let Some(values) = array.as_boolean_opt() else { return Err(wrong(array)) };
            values.iter().for_each(|x| match x {
                Some(x) => out.push_whole(i64::from(x)),
                None => out.push_missing(),
            });
            Ok(())
        }
        D::Null => {
            (0..array.len()).for_each(|_| out.push_missing());
            Ok(())
        }
        _ => Err(wrong(array)),
    }
}

/// Integers, without a way over `f64`.
fn whole<T: ArrowPrimitiveType>(out: &mut NumberBuilder, array: &dyn Array) -> Result<(), BadCell>
where
    T::Native: Copy + TryInto<i64> + std::fmt::Display,
{
    let values = array.as_primitive_opt::<T>().ok_or_else(|| wrong(array))?;
    for (row, value) in values.iter().enumerate() {
        match value {
            None => out.push_missing(),
            Some(native) => match native.try_into() {
                Ok(x) if (-EXACT..=EXACT).contains(&x) => out.push_whole(x),
                _ => return Err(BadCell::TooLarge(row, native.to_string())),
            },
        }
    }
    Ok(())
}

fn real<T: ArrowPrimitiveType>(
    out: &mut NumberBuilder,
    array: &dyn Array,
    convert: impl Fn(T::Native) -> f64,
) -> Result<(), BadCell> {
    let values = array.as_primitive_opt::<T>().ok_or_else(|| wrong(array))?;
    values.iter().for_each(|x| out.push(x.map_or(f64::NAN, &convert)));
    Ok(())
}

/// An unscaled decimal and its scale, rounded once: by way of its digits.
fn scaled(unscaled: &dyn std::fmt::Display, scale: i8) -> f64 {
    format!("{unscaled}e{}", -i32::from(scale)).parse().unwrap_or(f64::NAN)
}

fn extend_text(out: &mut TextBuilder, array: &dyn Array) -> Result<(), BadCell> {
    use DataType as D;
    fn strings<'a>(out: &mut TextBuilder, values: impl Iterator<Item = Option<&'a str>>) {
        values.for_each(|x| match x {
            Some(x) => out.push(x.as_bytes()),
            None => out.push_missing(),
        });
    }
    fn bytes<'a>(
        out: &mut TextBuilder,
        values: impl Iterator<Item = Option<&'a [u8]>>,
    ) -> Result<(), BadCell> {
        for (row, value) in values.enumerate() {
            match value {
                Some(x) if std::str::from_utf8(x).is_err() => return Err(BadCell::NotText(row)),
                Some(x) => out.push(x),
                None => out.push_missing(),
            }
        }
        Ok(())
    }
    fn digits<T: ArrowPrimitiveType>(
        out: &mut TextBuilder,
        array: &dyn Array,
    ) -> Result<(), BadCell>
    where
        T::Native: std::fmt::Display,
    {
        let values = array.as_primitive_opt::<T>().ok_or_else(|| wrong(array))?;
        values.iter().for_each(|x| match x {
            Some(x) => out.push(x.to_string().as_bytes()),
            None => out.push_missing(),
        });
        Ok(())
    }
    match array.data_type() {
        D::Utf8 => strings(out, array.as_string_opt::<i32>().ok_or_else(|| wrong(array))?.iter()),
        D::LargeUtf8 => {
            strings(out, array.as_string_opt::<i64>().ok_or_else(|| wrong(array))?.iter());
        }
        D::Utf8View => strings(out, array.as_string_view_opt().ok_or_else(|| wrong(array))?.iter()),
        D::Binary => {
            bytes(out, array.as_binary_opt::<i32>().ok_or_else(|| wrong(array))?.iter())?;
        }
        D::LargeBinary => {
            bytes(out, array.as_binary_opt::<i64>().ok_or_else(|| wrong(array))?.iter())?;
        }
        D::BinaryView => {
            bytes(out, array.as_binary_view_opt().ok_or_else(|| wrong(array))?.iter())?;
        }
        D::Int64 => digits::<Int64Type>(out, array)?,
        D::UInt64 => digits::<UInt64Type>(out, array)?,
        D::Dictionary(..) => {
            let dictionary = array.as_any_dictionary_opt().ok_or_else(|| wrong(array))?;
            if dictionary.values().is_empty() {
                (0..array.len()).for_each(|_| out.push_missing());
                return Ok(());
            }
            let keys = dictionary.normalized_keys();
            let valid = dictionary.keys();
            let texts = texts_of(dictionary.values().as_ref())?;
            for (row, &key) in keys.iter().enumerate() {
                match texts.get(key).copied().flatten() {
                    Some(x) if valid.is_valid(row) => out.push(x),
                    _ => out.push_missing(),
                }
            }
        }
        _ => return Err(wrong(array)),
    }
    Ok(())
}

/// The values of a dictionary as bytes.
fn texts_of(values: &dyn Array) -> Result<Vec<Option<&[u8]>>, BadCell> {
    use DataType as D;
    let texts: Vec<Option<&[u8]>> = match values.data_type() {
        D::Utf8 => values.as_string::<i32>().iter().map(|x| x.map(str::as_bytes)).collect(),
        D::LargeUtf8 => values.as_string::<i64>().iter().map(|x| x.map(str::as_bytes)).collect(),
        D::Utf8View => values.as_string_view().iter().map(|x| x.map(str::as_bytes)).collect(),
        D::Binary => values.as_binary::<i32>().iter().collect(),
        D::LargeBinary => values.as_binary::<i64>().iter().collect(),
        D::BinaryView => values.as_binary_view().iter().collect(),
        _ => return Err(wrong(values)),
    };
    match texts.iter().position(|x| x.is_some_and(|x| std::str::from_utf8(x).is_err())) {
        Some(row) => Err(BadCell::NotText(row)),
        None => Ok(texts),
    }
}

fn wrong(array: &dyn Array) -> BadCell {
    BadCell::Type(format!("values of type {}", array.data_type()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{
        ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray,
        Float32Array, Int64Array, LargeStringArray, NullArray, StringArray, StringViewArray,
        TimestampMillisecondArray, UInt64Array,
    };

    use super::*;
    use crate::data::{Codes, Numbers};

    fn values(array: ArrayRef) -> Result<Values, BadCell> {
        let mut column = Growing::new(kind_of(array.data_type()).unwrap(), array.len());
        column.extend(array.as_ref())?;
        Ok(column.finish())
    }

    fn numbers(array: ArrayRef) -> Vec<Option<f64>> {
        let Values::Numbers(found) = values(array).unwrap() else { panic!("text") };
        found.to_vec().into_iter().map(|x| (!x.is_nan()).then_some(x)).collect()
    }

    #[test]
    fn numbers_of_all_sorts() {
        let bools = BooleanArray::from(vec![Some(true), None, Some(false)]);
        assert_eq!(numbers(Arc::new(bools)), [Some(1.0), None, Some(0.0)]);
        let floats = Float32Array::from(vec![Some(0.5), None, Some(f32::NAN)]);
        assert_eq!(numbers(Arc::new(floats)), [Some(0.5), None, None]);
        let days = Date32Array::from(vec![Some(1), None, Some(-400)]);
        assert_eq!(numbers(Arc::new(days)), [Some(1.0), None, Some(-400.0)]);
        let times = TimestampMillisecondArray::from(vec![Some(1500), None]);
        assert_eq!(numbers(Arc::new(times)), [Some(1.5), None]);
        assert_eq!(numbers(Arc::new(NullArray::new(2))), [None, None]);
        // 0.1 + 0.2 in binary is not the nearest number to 0.3; its digits are.
        let decimals = Decimal128Array::from(vec![Some(30), None, Some(1_234_567_890_123_456_789)])
            .with_precision_and_scale(20, 2)
            .unwrap();
        assert_eq!(
            numbers(Arc::new(decimals)),
            [Some(0.3), None, Some("12345678901234567.89".parse().unwrap())]
        );
        let Ok(Values::Numbers(found)) = values(Arc::new(Int64Array::from(vec![1, -127]))) else {
            panic!()
        };
        assert!(matches!(found, Numbers::I8(_)));
    }

    #[test]
    fn whole_numbers_beyond_what_is_exact() {
        let large = values(Arc::new(Int64Array::from(vec![1, EXACT, EXACT + 1])));
        assert!(matches!(large, Err(BadCell::TooLarge(2, v)) if v == "9007199254740993"));
        let large = values(Arc::new(UInt64Array::from(vec![u64::MAX])));
        assert!(matches!(large, Err(BadCell::TooLarge(0, _))));
        let mut text = Growing::new(Kind::WholeAsText, 2);
        text.extend(&Int64Array::from(vec![Some(EXACT + 1), None])).unwrap();
        let Values::Text(found) = text.finish() else { panic!() };
        assert_eq!(found.levels[0].value, "9007199254740993");
        assert_eq!(found.codes.to_vec(), [0, Codes::NONE]);
    }

    #[test]
    fn text_of_all_sorts_is_the_same() {
        let texts = [Some("b"), None, Some("a"), Some("b")];
        let plain = values(Arc::new(StringArray::from_iter(texts))).unwrap();
        let Values::Text(factor) = &plain else { panic!() };
        assert_eq!(factor.codes.to_vec(), [1, Codes::NONE, 0, 1]);
        let dictionary: DictionaryArray<arrow_array::types::Int8Type> = texts.into_iter().collect();
        let bytes = texts.map(|t| t.map(str::as_bytes));
        let others: [ArrayRef; 4] = [
            Arc::new(LargeStringArray::from_iter(texts)),
            Arc::new(StringViewArray::from_iter(texts)),
            Arc::new(dictionary),
            Arc::new(BinaryArray::from_iter(bytes)),
        ];
        for array in others {
            assert_eq!(values(array).unwrap(), plain);
        }
        let empty: DictionaryArray<arrow_array::types::Int8Type> =
            [None::<&str>, None].into_iter().collect();
        let Values::Text(factor) = values(Arc::new(empty)).unwrap() else { panic!() };
        assert_eq!(factor.codes.to_vec(), [Codes::NONE, Codes::NONE]);
        let damaged = BinaryArray::from_iter([Some(&b"a"[..]), Some(b"\xFF")]);
        assert!(matches!(values(Arc::new(damaged)), Err(BadCell::NotText(1))));
    }
}
