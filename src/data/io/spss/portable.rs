//! SPSS portable files, `.por`: text in lines of 80 characters, numbers in base 30.
//!
//! The layout is that described by the PSPP project ("Portable File Format", PSPP developers'
//! manual): a header with the characters that the file is written in; records that begin with a
//! letter or digit; the values of all cases; a `Z`.

use std::io::BufRead;
use std::path::Path;

use crate::data::table::Table;

use super::super::Reading;
use super::super::error::DataError;
use super::super::header::{check_names, selected};
use super::super::package::{Charset, trimmed};
use super::super::source::Source;
use super::Field;
use super::dictionary::{Missing, Variable, clock};

/// What files of this kind are called.
const KIND: &str = "an SPSS portable file";
/// Characters of a line; shorter ones end in spaces that were left out.
const LINE: usize = 80;
/// Characters of the greeting that nothing follows from.
const GREETING: usize = 200;
/// Characters of the table of characters, of which the 65th is `0`.
const TABLE: usize = 256;
/// The characters from position 64 of the table on, as far as numbers and tags need them.
const KNOWN: &[u8] =
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz .<(+|&[]!$*);^-/";
/// Variables that a file may promise.
const MOST: usize = 100_000;
/// Bytes of a text.
const LONGEST: usize = 32_767;
/// Value labels that are read of a file in all, each variable counted that shares them.
const LABELS: usize = 4_000_000;

/// The names of the columns.
pub(in crate::data::io) fn names(
    path: &Path,
    encoding: Option<Charset>,
) -> Result<Vec<String>, DataError> {
    let mut source = Source::open(path, KIND)?;
    let (variables, _) = Portable::open(&mut source, encoding)?.dictionary()?;
    names_of(path, &variables)
}

fn names_of(path: &Path, variables: &[Variable]) -> Result<Vec<String>, DataError> {
    let names: Vec<String> = variables.iter().map(|v| v.name.clone()).collect();
    check_names(path, &names)?;
    Ok(names)
}

/// The table, or the requested columns of it.
pub(in crate::data::io) fn read(
    path: &Path,
    encoding: Option<Charset>,
    columns: Option<&[String]>,
) -> Result<Reading, DataError> {
    let mut source = Source::open(path, KIND)?;
    let mut file = Portable::open(&mut source, encoding)?;
    let (mut variables, any) = file.dictionary()?;
    let names = names_of(path, &variables)?;
    let chosen = selected(path, &names, columns)?;
    let mut fields: Vec<Option<Field>> = variables.iter().map(|_| None).collect();
    for &i in &chosen {
        fields[i] = Some(Field::new(&variables[i], 0, false));
    }
    let mut rows = 0_u64;
    let mut text = Vec::new();
    while any && !file.ended()? {
        for (variable, field) in variables.iter().zip(&mut fields) {
            if variable.width.is_some() {
                file.text_into(&mut text)?;
                if let Some(field) = field {
                    field.push_text(&text);
                }
            } else {
                let x = file.number()?;
                if let Some(field) = field {
                    field.push_number(x);
                }
            }
        }
        rows += 1;
        if rows >= u64::from(u32::MAX) {
            return Err(DataError::TooManyRows { path: path.to_path_buf(), rows });
        }
    }
    if rows == 0 {
        return Err(DataError::NoRows { path: path.to_path_buf() });
    }
    let mut table = Table::default();
    for (field, variable) in fields.into_iter().zip(&mut variables) {
        if let Some(field) = field {
            table.push(field.finish(variable, file.charset))?;
        }
    }
    Ok(Reading { table, notes: Vec::new() })
}

/// A file and the place reached in it.
struct Portable<'a> {
    source: &'a mut Source,
    charset: Charset,
    /// Characters of the line that were taken, and those that were left out at its end.
    column: usize,
    spaces: usize,
    /// What the bytes of the file stand for, where that is not themselves.
    table: Option<Box<[u8; 256]>>,
    /// A character that was taken and given back.
    next: Option<u8>,
}

impl<'a> Portable<'a> {
    /// Reads the header.
    fn open(source: &'a mut Source, encoding: Option<Charset>) -> Result<Self, DataError> {
        let charset = encoding.unwrap_or_else(Charset::guessed);
        let mut file = Portable { source, charset, column: 0, spaces: 0, table: None, next: None };
        let mut head = Vec::with_capacity(GREETING + TABLE + 8);
        for _ in 0..GREETING + TABLE + 8 {
            match file.raw()? {
                Some(byte) => head.push(byte),
                None => return Err(file.not_portable(&head)),
            }
        }
        let (table, tag) = head[GREETING..].split_at(TABLE);
        let zero = table[64];
        let mut meaning: Box<[u8; 256]> = Box::new(std::array::from_fn(|i| i as u8));
        for (&byte, &known) in table[64..].iter().zip(KNOWN) {
            // What a character set does not have is written as its zero.
            if byte != zero || known == b'0' {
                meaning[usize::from(byte)] = known;
            }
        }
        let meant: Vec<u8> = tag.iter().map(|&b| meaning[usize::from(b)]).collect();
        if tag != b"SPSSPORT" && meant != b"SPSSPORT" {
            return Err(file.not_portable(&head));
        }
        if tag != b"SPSSPORT" {
            file.table = Some(meaning);
        }
        Ok(file)
    }

    fn not_portable(&self, head: &[u8]) -> DataError {
        let found = super::super::input::recognised(head).unwrap_or("something else");
        let path = self.source.path().to_path_buf();
        DataError::OtherContent { path, expected: KIND, found }
    }

    /// The next character as it stands in the file; ends of lines do not count, but for the spaces
    /// before them that were left out.
    fn raw(&mut self) -> Result<Option<u8>, DataError> {
        if self.spaces > 0 {
            self.spaces -= 1;
            return Ok(Some(self.space()));
        }
        loop {
            let found = self.source.fill_buf().map(|bytes| bytes.first().copied());
            let Some(byte) = found.map_err(|e| self.source.failed(e))? else { return Ok(None) };
            self.source.consume(1);
            match byte {
                b'\r' => {}
                b'\n' => {
                    let short = LINE.saturating_sub(self.column);
                    self.column = 0;
                    if short > 0 {
                        self.spaces = short - 1;
                        return Ok(Some(self.space()));
                    }
                }
                _ => {
                    self.column += 1;
                    return Ok(Some(byte));
                }
            }
        }
    }

    /// A space as the file writes it.
    fn space(&self) -> u8 {
        match &self.table {
            Some(table) => table.iter().position(|&b| b == b' ').map_or(b' ', |at| at as u8),
            None => b' ',
        }
    }

    /// The next character.
    fn take(&mut self) -> Result<u8, DataError> {
        if let Some(byte) = self.next.take() {
            return Ok(byte);
        }
        let byte = self.raw()?.ok_or_else(|| self.source.ends_early())?;
        Ok(self.table.as_ref().map_or(byte, |table| table[usize::from(byte)]))
    }

    /// True at the `Z` behind the last value.
    fn ended(&mut self) -> Result<bool, DataError> {
        let byte = self.take()?;
        self.next = Some(byte);
        Ok(byte == b'Z')
    }

    /// A number; NaN is system-missing.
    fn number(&mut self) -> Result<f64, DataError> {
        let mut byte = self.take()?;
        while byte == b' ' {
            byte = self.take()?;
        }
        if byte == b'*' {
            self.take()?;
            return Ok(f64::NAN);
        }
        let negative = byte == b'-';
        if negative {
            byte = self.take()?;
        }
        let mut digits = Digits::default();
        loop {
            match (byte, digit(byte)) {
                (_, Some(digit)) => digits.push(digit),
                (b'.', _) if !digits.point => digits.point = true,
                (b'+' | b'-' | b'/', _) if digits.any => break,
                _ => return Err(self.source.damaged("a number that is none")),
            }
            byte = self.take()?;
        }
        let mut exponent = 0_i64;
        if byte != b'/' {
            let down = byte == b'-';
            loop {
                byte = self.take()?;
                match (byte, digit(byte)) {
                    (_, Some(digit)) => {
                        exponent = (exponent * 30 + i64::from(digit)).min(100_000);
                    }
                    (b'/', _) => break,
                    _ => return Err(self.source.damaged("a number that is none")),
                }
            }
            exponent = if down { -exponent } else { exponent };
        }
        let x = scaled(digits.value, digits.exponent + exponent);
        if !x.is_finite() {
            return Err(self.source.damaged("a number that is too large"));
        }
        Ok(if negative { -x } else { x })
    }

    /// A whole number that is no larger than a limit.
    fn whole(&mut self, most: usize, what: &str) -> Result<usize, DataError> {
        let x = self.number()?;
        if x.fract() == 0.0 && (0.0..=most as f64).contains(&x) {
            return Ok(x as usize);
        }
        Err(self.source.damaged(format!("{x} {what}")))
    }

    fn text(&mut self) -> Result<Vec<u8>, DataError> {
        let mut text = Vec::new();
        self.text_into(&mut text)?;
        Ok(text)
    }

    fn text_into(&mut self, text: &mut Vec<u8>) -> Result<(), DataError> {
        let length = self.whole(LONGEST, "characters of a text")?;
        text.clear();
        for _ in 0..length {
            text.push(self.take()?);
        }
        Ok(())
    }

    fn decoded(&mut self) -> Result<String, DataError> {
        let text = self.text()?;
        Ok(self.charset.decode(trimmed(&text)))
    }

    /// Everything before the values, and whether there are any.
    fn dictionary(&mut self) -> Result<(Vec<Variable>, bool), DataError> {
        self.take()?;
        self.text()?;
        self.text()?;
        let mut variables: Vec<Variable> = Vec::new();
        let (mut promised, mut labels) = (None, 0);
        let any = loop {
            let tag = self.take()?;
            let last = variables.last_mut();
            match (tag, last) {
                (b'1' | b'2' | b'3' | b'6', _) => drop(self.text()?),
                (b'4', _) => promised = Some(self.whole(MOST, "variables")?),
                (b'5', _) => drop(self.number()?),
                (b'7', _) => {
                    let variable = self.variable()?;
                    variables.push(variable);
                    if promised.is_some_and(|n| variables.len() > n) {
                        return Err(self.source.damaged("more variables than it promises"));
                    }
                }
                (b'8', Some(variable)) if variable.width.is_some() => {
                    let text = self.decoded()?;
                    variable.missing.texts.push(text);
                }
                (b'8', Some(variable)) => {
                    let x = self.number()?;
                    variable.missing.values.push(x);
                }
                (b'9' | b'A' | b'B', Some(variable)) if variable.width.is_none() => {
                    let first = self.number()?;
                    variable.missing.range = Some(match tag {
                        b'9' => (f64::NEG_INFINITY, first),
                        b'A' => (first, f64::INFINITY),
                        _ => (first, self.number()?),
                    });
                }
                (b'C', Some(variable)) => {
                    let label = self.decoded()?;
                    variable.label = Some(label);
                }
                (b'D', _) => self.labels(&mut variables, &mut labels)?,
                (b'E', _) => {
                    for _ in 0..self.whole(MOST, "lines of documents")? {
                        self.text()?;
                    }
                }
                (b'F', _) => break true,
                (b'Z', _) => break false,
                (other, _) => {
                    let other = other.escape_ascii();
                    return Err(self.source.damaged(format!("a record that begins with {other}")));
                }
            }
        };
        if variables.is_empty() {
            return Err(DataError::NoColumns { path: self.source.path().to_path_buf() });
        }
        if promised.is_some_and(|n| variables.len() < n) {
            return Err(self.source.damaged("fewer variables than it promises"));
        }
        Ok((variables, any))
    }

    fn variable(&mut self) -> Result<Variable, DataError> {
        let width = self.whole(LONGEST, "characters of a variable")?;
        let name = self.decoded()?;
        let format = self.whole(255, "as a format")?;
        for _ in 0..5 {
            self.number()?;
        }
        let width = (width > 0).then_some(width);
        Ok(Variable {
            short: name.clone().into_bytes(),
            name,
            label: None,
            width,
            element: 0,
            clock: if width.is_none() { clock(format as u8) } else { None },
            missing: Missing::default(),
            labels: Vec::new(),
            text_labels: Vec::new(),
        })
    }

    /// Value labels, which several variables may share.
    fn labels(&mut self, variables: &mut [Variable], taken: &mut usize) -> Result<(), DataError> {
        let mut places = Vec::new();
        for _ in 0..self.whole(MOST, "variables of value labels")? {
            let name = self.decoded()?;
            let place = variables.iter().position(|v| v.name == name);
            places.push(place.ok_or_else(|| self.source.damaged("value labels of no variable"))?);
        }
        let text = places.first().is_some_and(|&i| variables[i].width.is_some());
        if places.is_empty() || places.iter().any(|&i| variables[i].width.is_some() != text) {
            return Err(self.source.damaged("value labels of numbers and texts"));
        }
        for _ in 0..self.whole(LABELS, "value labels")? {
            *taken += places.len();
            if *taken > LABELS {
                return Err(self.source.damaged("more value labels than anybody can need"));
            }
            if text {
                let (value, label) = (self.decoded()?, self.decoded()?);
                for &i in &places {
                    variables[i].text_labels.push((value.clone(), label.clone()));
                }
            } else {
                let (value, label) = (self.number()?, self.decoded()?);
                for &i in &places {
                    variables[i].labels.push((value, label.clone()));
                }
            }
        }
        Ok(())
    }
}

/// A digit of base 30.
fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'T' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// The digits of a number: its value is `value` · 30^`exponent`.
#[derive(Debug, Default)]
struct Digits {
    value: u64,
    exponent: i64,
    point: bool,
    any: bool,
}

impl Digits {
    fn push(&mut self, digit: u8) {
        self.any = true;
        // Twelve digits are more than a number of SPSS has; what is beyond them is not kept.
        if self.value < 30_u64.pow(12) {
            self.value = self.value * 30 + u64::from(digit);
            self.exponent -= i64::from(self.point);
        } else {
            self.exponent += i64::from(!self.point);
        }
    }
}

/// m · 30^e, rounded once where 30^|e| has at most 16 digits, so that decimal numbers come back as
/// they were: every one of them is finite in base 30.
fn scaled(m: u64, e: i64) -> f64 {
    if m == 0 {
        return 0.0;
    }
    match e {
        0..=12 => (u128::from(m) * 30_u128.pow(e as u32)) as f64,
        -16..=-1 => {
            // 30^k = 2^k · 15^k: the quotient by 15^k to more than 64 bits, a last one for the rest.
            let k = e.unsigned_abs() as u32;
            let shift = u128::from(m).leading_zeros();
            let (wide, by) = (u128::from(m) << shift, 15_u128.pow(k));
            let quotient = (wide / by) | u128::from(wide % by != 0);
            quotient as f64 * 2_f64.powi(-((shift + k) as i32))
        }
        _ => {
            // In two steps, so that neither is beyond all bounds where the result is not.
            let e = e.clamp(-500, 500) as i32;
            m as f64 * 30_f64.powi(e / 2) * 30_f64.powi(e - e / 2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_numbers_come_back_as_they_were() {
        // 0.1 = 3/30, 0.01 = 9/900, 273.15 = 9·30 + 3 + 4/30 + 15/900.
        assert_eq!(scaled(3, -1), 0.1);
        assert_eq!(scaled(9, -2), 0.01);
        assert_eq!(scaled(9 * 27_000 + 3 * 900 + 4 * 30 + 15, -2), 273.15);
        assert_eq!(scaled(1, 12), 30_f64.powi(12));
        // 10^k · 30^-k = 3^-k, by exact powers.
        for k in 1..=12_u32 {
            assert_eq!(scaled(10_u64.pow(k), -i64::from(k)), 1.0 / 3_f64.powi(k as i32), "{k}");
        }
        assert_eq!((scaled(0, 400), scaled(1, -5_000)), (0.0, 0.0));
        assert!(scaled(1, 5_000).is_infinite());
    }
}
