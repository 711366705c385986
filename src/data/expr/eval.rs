//! Plans over rows, a block at a time.

use std::ops::Range;

use super::parser::{Arithmetic, Function};
use super::plan::{NumberPlan, TextPlan, TextSource, TruthPlan};
use crate::data::codes::Codes;

/// Rows of a block: a few columns of it fit the processor's cache.
const BLOCK: usize = 2048;

/// A truth value that is missing; 0 and 1 are false and true.
pub(super) const UNKNOWN: u8 = 2;

/// The numbers of all rows; NaN is missing.
pub(super) fn numbers(plan: &NumberPlan<'_>, rows: usize) -> Vec<f64> {
    let mut out = vec![0.0; rows];
    blocks(&mut out, |rows, out| fill_numbers(plan, rows, out));
    out
}

/// The truth values of all rows: 0, 1, or [`UNKNOWN`].
pub(super) fn truths(plan: &TruthPlan<'_>, rows: usize) -> Vec<u8> {
    let mut out = vec![0; rows];
    blocks(&mut out, |rows, out| fill_truths(plan, rows, out));
    out
}

/// The codes of all rows into the plan's levels.
pub(super) fn codes(plan: &TextPlan<'_>, rows: usize) -> Vec<u32> {
    let mut out = vec![Codes::NONE; rows];
    blocks(&mut out, |rows, out| fill_codes(plan, rows, out));
    out
}

fn blocks<T>(out: &mut [T], mut fill: impl FnMut(Range<usize>, &mut [T])) {
    for (i, block) in out.chunks_mut(BLOCK).enumerate() {
        fill(i * BLOCK..i * BLOCK + block.len(), block);
    }
}

fn fill_numbers(plan: &NumberPlan<'_>, rows: Range<usize>, out: &mut [f64]) {
    match plan {
        NumberPlan::Literal(x) => out.fill(*x),
        NumberPlan::Column(values) => values.fill(rows, out),
        NumberPlan::Truth(plan) => {
            let truths = block_of_truths(plan, rows);
            out.iter_mut().zip(truths).for_each(|(o, t)| *o = as_number(t));
        }
        NumberPlan::Negate(inner) => {
            fill_numbers(inner, rows, out);
            // Zero has no sign here.
            out.iter_mut().for_each(|x| *x = 0.0 - *x);
        }
        NumberPlan::Arithmetic(how, a, b) => {
            fill_numbers(a, rows.clone(), out);
            let other = block_of_numbers(b, rows);
            let each = out.iter_mut().zip(other);
            match how {
                Arithmetic::Add => each.for_each(|(a, b)| *a = finite(*a + b)),
                Arithmetic::Subtract => each.for_each(|(a, b)| *a = finite(*a - b)),
                Arithmetic::Multiply => each.for_each(|(a, b)| *a = finite(*a * b)),
                Arithmetic::Divide => each.for_each(|(a, b)| *a = finite(*a / b)),
                Arithmetic::Remainder => each.for_each(|(a, b)| *a = finite(remainder(*a, b))),
                Arithmetic::Power => each.for_each(|(a, b)| *a = finite(power(*a, b))),
            }
        }
        NumberPlan::Call(function, arguments) => fill_call(*function, arguments, rows, out),
        NumberPlan::If(condition, a, b) => {
            fill_numbers(a, rows.clone(), out);
            let other = block_of_numbers(b, rows.clone());
            let truths = block_of_truths(condition, rows);
            for ((o, other), truth) in out.iter_mut().zip(other).zip(truths) {
                *o = match truth {
                    1 => *o,
                    0 => other,
                    _ => f64::NAN,
                };
            }
        }
    }
}

fn fill_call(
    function: Function,
    arguments: &[NumberPlan<'_>],
    rows: Range<usize>,
    out: &mut [f64],
) {
    let Some((first, others)) = arguments.split_first() else { return out.fill(f64::NAN) };
    fill_numbers(first, rows.clone(), out);
    let mut each = |f: &dyn Fn(f64) -> f64| out.iter_mut().for_each(|x| *x = finite(f(*x)));
    match function {
        Function::Abs => each(&f64::abs),
        Function::Sqrt => each(&f64::sqrt),
        Function::Exp => each(&f64::exp),
        Function::Log => each(&f64::ln),
        Function::Floor => each(&f64::floor),
        Function::Ceil => each(&f64::ceil),
        Function::Round => match others {
            [] => each(&f64::round),
            [digits, ..] => {
                let digits = block_of_numbers(digits, rows);
                out.iter_mut().zip(digits).for_each(|(x, d)| *x = finite(rounded(*x, d)));
            }
        },
        Function::Min | Function::Max => {
            for plan in others {
                let other = block_of_numbers(plan, rows.clone());
                for (x, y) in out.iter_mut().zip(other) {
                    // A comparison with NaN is false, so a missing value is kept or taken.
                    let keep = if function == Function::Min { *x <= y } else { *x >= y };
                    if !(keep || x.is_nan()) {
                        *x = y;
                    }
                }
            }
        }
        Function::IsMissing | Function::If => out.fill(f64::NAN),
    }
}

fn fill_truths(plan: &TruthPlan<'_>, rows: Range<usize>, out: &mut [u8]) {
    match plan {
        TruthPlan::Literal(x) => out.fill(x.map_or(UNKNOWN, u8::from)),
        TruthPlan::Not(inner) => {
            fill_truths(inner, rows, out);
            out.iter_mut().for_each(|t| *t = if *t == UNKNOWN { UNKNOWN } else { 1 - *t });
        }
        TruthPlan::All(parts) => {
            out.fill(1);
            for part in parts {
                let other = block_of_truths(part, rows.clone());
                out.iter_mut().zip(other).for_each(|(a, b)| *a = both(*a, b));
            }
        }
        TruthPlan::Any(parts) => {
            out.fill(0);
            for part in parts {
                let other = block_of_truths(part, rows.clone());
                out.iter_mut().zip(other).for_each(|(a, b)| *a = either(*a, b));
            }
        }
        TruthPlan::Compare(how, a, b) => {
            let (a, b) = (block_of_numbers(a, rows.clone()), block_of_numbers(b, rows));
            for ((o, a), b) in out.iter_mut().zip(a).zip(b) {
                *o = if a.is_nan() || b.is_nan() { UNKNOWN } else { u8::from(how.holds(a, b)) };
            }
        }
        TruthPlan::OneOf(item, values) => {
            let items = block_of_numbers(item, rows);
            for (o, x) in out.iter_mut().zip(items) {
                *o = if x.is_nan() { UNKNOWN } else { u8::from(values.contains(&x)) };
            }
        }
        TruthPlan::Level(text, hits) => {
            let codes = block_of_codes(text, rows);
            for (o, code) in out.iter_mut().zip(codes) {
                *o = hits.get(code as usize).map_or(UNKNOWN, |&hit| u8::from(hit));
            }
        }
        TruthPlan::SameText(a, b, translation) => {
            let (a, b) = (block_of_codes(a, rows.clone()), block_of_codes(b, rows));
            for ((o, a), b) in out.iter_mut().zip(a).zip(b) {
                *o = match translation.get(b as usize) {
                    Some(&b) if a != Codes::NONE => u8::from(a == b),
                    _ => UNKNOWN,
                };
            }
        }
        TruthPlan::MissingNumber(plan) => {
            let numbers = block_of_numbers(plan, rows);
            out.iter_mut().zip(numbers).for_each(|(o, x)| *o = u8::from(x.is_nan()));
        }
        TruthPlan::MissingTruth(plan) => {
            fill_truths(plan, rows, out);
            out.iter_mut().for_each(|t| *t = u8::from(*t == UNKNOWN));
        }
        TruthPlan::MissingText(plan) => {
            let codes = block_of_codes(plan, rows);
            out.iter_mut().zip(codes).for_each(|(o, c)| *o = u8::from(c == Codes::NONE));
        }
        TruthPlan::If(condition, a, b) => {
            fill_truths(a, rows.clone(), out);
            let other = block_of_truths(b, rows.clone());
            let truths = block_of_truths(condition, rows);
            for ((o, other), truth) in out.iter_mut().zip(other).zip(truths) {
                *o = match truth {
                    1 => *o,
                    0 => other,
                    _ => UNKNOWN,
                };
            }
        }
    }
}

fn fill_codes(plan: &TextPlan<'_>, rows: Range<usize>, out: &mut [u32]) {
    match &plan.source {
        TextSource::Literal(code) => out.fill(*code),
        TextSource::Column(codes) => codes.fill(rows, out),
        TextSource::If(condition, a, b, translation) => {
            fill_codes(a, rows.clone(), out);
            let other = block_of_codes(b, rows.clone());
            let truths = block_of_truths(condition, rows);
            for ((o, other), truth) in out.iter_mut().zip(other).zip(truths) {
                *o = match truth {
                    1 => *o,
                    0 => translation.get(other as usize).copied().unwrap_or(Codes::NONE),
                    _ => Codes::NONE,
                };
            }
        }
    }
}

fn block_of_numbers(plan: &NumberPlan<'_>, rows: Range<usize>) -> Vec<f64> {
    let mut out = vec![0.0; rows.len()];
    fill_numbers(plan, rows, &mut out);
    out
}

fn block_of_truths(plan: &TruthPlan<'_>, rows: Range<usize>) -> Vec<u8> {
    let mut out = vec![0; rows.len()];
    fill_truths(plan, rows, &mut out);
    out
}

fn block_of_codes(plan: &TextPlan<'_>, rows: Range<usize>) -> Vec<u32> {
    let mut out = vec![0; rows.len()];
    fill_codes(plan, rows, &mut out);
    out
}

fn as_number(truth: u8) -> f64 {
    if truth == UNKNOWN { f64::NAN } else { f64::from(truth) }
}

/// False beats missing, missing beats true.
fn both(a: u8, b: u8) -> u8 {
    if a == 0 || b == 0 { 0 } else { a.max(b) }
}

/// True beats missing, missing beats false.
fn either(a: u8, b: u8) -> u8 {
    if a == 1 || b == 1 { 1 } else { a.max(b) }
}

/// What is not a finite number is missing: 1/0, log(0), the square root of −1.
#[inline]
fn finite(x: f64) -> f64 {
    if x.is_finite() { x } else { f64::NAN }
}

/// The remainder with the sign of the divisor.
fn remainder(a: f64, b: f64) -> f64 {
    let r = a % b;
    if r != 0.0 && (r < 0.0) != (b < 0.0) { r + b } else { r }
}

/// The standard library says 1^NaN = NaN^0 = 1; here missing stays missing.
fn power(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.powf(b) }
}

/// Rounded to so many decimals (tens, hundreds … if negative), halves away from zero.
fn rounded(x: f64, digits: f64) -> f64 {
    if digits.is_nan() {
        return f64::NAN;
    }
    let power = 10_f64.powi(digits.trunc().abs().min(300.0) as i32);
    let (scaled, back) = if digits < 0.0 { (x / power, power) } else { (x * power, 1.0 / power) };
    // Beyond 2⁵³ there is nothing to round.
    if !scaled.is_finite() || (digits >= 0.0 && scaled.abs() >= 9_007_199_254_740_992.0) {
        return x;
    }
    if digits < 0.0 { scaled.round() * back } else { scaled.round() / power }
}
