//! Columns as they grow, value by value, always in the narrowest type.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::data::codes::{Codes, Factor, Level};
use crate::data::column::{Numbers, natural_order};
use crate::data::number::EXACT;

/// A column of numbers that starts as one byte per row and widens when a value asks for it.
pub(super) struct NumberBuilder {
    values: Numbers,
    capacity: usize,
}

impl NumberBuilder {
    /// Room for about `rows` values.
    pub fn new(rows: usize) -> NumberBuilder {
        NumberBuilder { values: Numbers::I8(room(rows)), capacity: rows }
    }

    /// Adds a whole number within ±2⁵³.
    #[inline]
    pub fn push_whole(&mut self, x: i64) {
        debug_assert!(x.abs() <= EXACT);
        loop {
            match &mut self.values {
                Numbers::I8(v) if x.abs() <= i64::from(i8::MAX) => return v.push(x as i8),
                Numbers::I16(v) if x.abs() <= i64::from(i16::MAX) => return v.push(x as i16),
                Numbers::I32(v) if x.abs() <= i64::from(i32::MAX) => return v.push(x as i32),
                Numbers::F64(v) => return v.push(x as f64),
                _ => self.widen(),
            }
        }
    }

    /// Adds a number; NaN is missing.
    #[inline]
    pub fn push(&mut self, x: f64) {
        if let Numbers::F64(v) = &mut self.values {
            v.push(x);
        } else if x.is_nan() {
            self.push_missing();
        } else if x.fract() == 0.0 && x.abs() <= f64::from(i32::MAX) {
            self.push_whole(x as i64);
        } else {
            while !matches!(self.values, Numbers::F64(_)) {
                self.widen();
            }
            self.push(x);
        }
    }

    /// Adds a missing value.
    #[inline]
    pub fn push_missing(&mut self) {
        match &mut self.values {
            Numbers::I8(v) => v.push(i8::MIN),
            Numbers::I16(v) => v.push(i16::MIN),
            Numbers::I32(v) => v.push(i32::MIN),
            Numbers::F64(v) => v.push(f64::NAN),
        }
    }

    /// The column.
    pub fn finish(mut self) -> Numbers {
        match &mut self.values {
            Numbers::I8(v) => v.shrink_to_fit(),
            Numbers::I16(v) => v.shrink_to_fit(),
            Numbers::I32(v) => v.shrink_to_fit(),
            Numbers::F64(v) => v.shrink_to_fit(),
        }
        self.values
    }

    fn widen(&mut self) {
        let rows = self.capacity;
        self.values = match &self.values {
            Numbers::I8(v) => {
                let wider = |&x: &i8| if x == i8::MIN { i16::MIN } else { i16::from(x) };
                Numbers::I16(grown(rows, v.iter().map(wider)))
            }
            Numbers::I16(v) => {
                let wider = |&x: &i16| if x == i16::MIN { i32::MIN } else { i32::from(x) };
                Numbers::I32(grown(rows, v.iter().map(wider)))
            }
            Numbers::I32(v) => {
                let wider = |&x: &i32| if x == i32::MIN { f64::NAN } else { f64::from(x) };
                Numbers::F64(grown(rows, v.iter().map(wider)))
            }
            Numbers::F64(_) => return,
        };
    }
}

/// A column of text: one small code per row and a dictionary of the distinct values as bytes.
pub(super) struct TextBuilder {
    codes: Codes,
    capacity: usize,
    dictionary: HashMap<Box<[u8]>, u32, BuildHasherDefault<ShortHash>>,
    last: (Vec<u8>, u32),
}

impl TextBuilder {
    /// Room for about `rows` values, after `missing` rows without a value.
    pub fn new(rows: usize, missing: usize) -> TextBuilder {
        let mut codes = room(rows);
        codes.resize(missing, u8::MAX);
        TextBuilder {
            codes: Codes::U8(codes),
            capacity: rows,
            dictionary: HashMap::default(),
            last: (Vec::new(), Codes::NONE),
        }
    }

    /// Adds a value.
    #[inline]
    pub fn push(&mut self, value: &[u8]) {
        if self.last.1 == Codes::NONE || self.last.0 != value {
            let code = match self.dictionary.get(value) {
                Some(&code) => code,
                None => {
                    // Row counts are kept below u32::MAX, so the distinct values are too.
                    let code = self.dictionary.len() as u32;
                    self.dictionary.insert(value.into(), code);
                    code
                }
            };
            self.last.0.clear();
            self.last.0.extend_from_slice(value);
            self.last.1 = code;
        }
        self.push_code(self.last.1);
    }

    /// Adds a missing value.
    #[inline]
    pub fn push_missing(&mut self) {
        match &mut self.codes {
            Codes::U8(v) => v.push(u8::MAX),
            Codes::U16(v) => v.push(u16::MAX),
            Codes::U32(v) => v.push(u32::MAX),
        }
    }

    /// The column, with levels in natural order; `decode` turns a value into text.
    pub fn finish(self, decode: impl Fn(Vec<u8>) -> String) -> Factor {
        let mut order: Vec<(String, u32)> = self
            .dictionary
            .into_iter()
            .map(|(value, code)| (decode(value.into_vec()), code))
            .collect();
        order.sort_unstable_by(|a, b| natural_order(&a.0, &b.0));
        let mut place = vec![Codes::NONE; order.len()];
        for (&(_, code), rank) in order.iter().zip(0..) {
            place[code as usize] = rank;
        }
        let levels = order.into_iter().map(|(value, _)| Level::new(value)).collect();
        let mut codes = self.codes;
        // A rank is below the number of levels, so it fits the type the codes have grown to.
        match &mut codes {
            Codes::U8(v) => {
                v.iter_mut()
                    .filter(|c| **c != u8::MAX)
                    .for_each(|c| *c = place[usize::from(*c)] as u8);
                v.shrink_to_fit();
            }
            Codes::U16(v) => {
                v.iter_mut()
                    .filter(|c| **c != u16::MAX)
                    .for_each(|c| *c = place[usize::from(*c)] as u16);
                v.shrink_to_fit();
            }
            Codes::U32(v) => {
                v.iter_mut().filter(|c| **c != u32::MAX).for_each(|c| *c = place[*c as usize]);
                v.shrink_to_fit();
            }
        }
        Factor { codes, levels }
    }

    #[inline]
    fn push_code(&mut self, code: u32) {
        loop {
            match &mut self.codes {
                // One below the largest, as `Codes::pack` chooses.
                Codes::U8(v) if code < u32::from(u8::MAX) - 1 => return v.push(code as u8),
                Codes::U16(v) if code < u32::from(u16::MAX) - 1 => return v.push(code as u16),
                Codes::U32(v) => return v.push(code),
                _ => self.widen(),
            }
        }
    }

    fn widen(&mut self) {
        let rows = self.capacity;
        self.codes = match &self.codes {
            Codes::U8(v) => {
                let wider = |&c: &u8| if c == u8::MAX { u16::MAX } else { u16::from(c) };
                Codes::U16(grown(rows, v.iter().map(wider)))
            }
            Codes::U16(v) => {
                let wider = |&c: &u16| if c == u16::MAX { u32::MAX } else { u32::from(c) };
                Codes::U32(grown(rows, v.iter().map(wider)))
            }
            Codes::U32(_) => return,
        };
    }
}

/// Room for about `rows` values. The number comes from a file and may be wrong or absurd, so a
/// refusal is not an error: the column then grows as it goes.
fn room<T>(rows: usize) -> Vec<T> {
    let mut values = Vec::new();
    if values.try_reserve_exact(rows).is_err() {
        values = Vec::new();
    }
    values
}

fn grown<T>(rows: usize, values: impl Iterator<Item = T>) -> Vec<T> {
    let mut wider = room(rows);
    wider.extend(values);
    wider
}

/// A multiplicative hash for short values, eight bytes at a time. The data are the user's own,
/// so no defence against chosen keys is needed.
#[derive(Default)]
pub(super) struct ShortHash(u64);

impl Hasher for ShortHash {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let mut words = bytes.chunks_exact(8);
        for word in words.by_ref() {
            self.mix(u64::from_le_bytes(word.try_into().unwrap_or_default()));
        }
        let rest = words.remainder();
        let mut tail = [0; 8];
        tail[..rest.len()].copy_from_slice(rest);
        self.mix(u64::from_le_bytes(tail));
    }

    #[inline]
    fn write_usize(&mut self, n: usize) {
        self.mix(n as u64);
    }

    #[inline]
    fn finish(&self) -> u64 {
        // The table takes its bits from both ends; the multiplication leaves the low ones weak.
        self.0 ^ (self.0 >> 32)
    }
}

impl ShortHash {
    #[inline]
    fn mix(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::data::Column;

    fn built(values: &[f64]) -> Numbers {
        let mut builder = NumberBuilder::new(values.len());
        values.iter().for_each(|&x| builder.push(x));
        builder.finish()
    }

    #[test]
    fn widths_are_those_of_pack() {
        for values in [
            vec![1.0, f64::NAN, -127.0],
            vec![1.0, f64::NAN, -128.0],
            vec![f64::NAN, 40_000.0, 1.0],
            vec![1.0, f64::NAN, 3e9, 2.0],
            vec![1.0, 0.5, f64::NAN],
            vec![f64::NAN, f64::NAN],
        ] {
            let (ours, packed) = (built(&values), Numbers::pack(values));
            assert_eq!(std::mem::discriminant(&ours), std::mem::discriminant(&packed));
            assert_eq!(format!("{ours:?}"), format!("{packed:?}"));
        }
    }

    proptest! {
        #[test]
        fn text_is_what_column_text_makes_of_it(
            values in prop::collection::vec(prop::option::of("[ab]?[0-9]{0,3}"), 0..700),
        ) {
            let mut builder = TextBuilder::new(3, 0);
            for value in &values {
                match value {
                    Some(v) => builder.push(v.as_bytes()),
                    None => builder.push_missing(),
                }
            }
            let factor = builder.finish(|b| String::from_utf8(b).unwrap());
            prop_assert_eq!(factor, Column::text("x", &values).as_factor());
        }
    }
}
