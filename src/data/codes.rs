//! Dense integer codes: how a categorical variable is held for every pass over the rows.

use std::ops::Range;

use rayon::prelude::*;

/// The code that stands for "no level" (a missing value) when codes are read as `u32`.
pub const NO_LEVEL: u32 = u32::MAX;

/// One small integer per row, in the narrowest type that holds them.
///
/// The largest value of each type means "missing"; [`Codes::get`] and [`Codes::fill`] give it
/// as [`Codes::NONE`] whatever the width.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Codes {
    /// Up to 255 levels.
    U8(Vec<u8>),
    /// Up to 65,535 levels.
    U16(Vec<u16>),
    /// More.
    U32(Vec<u32>),
}

impl Codes {
    /// The code of a row without a level.
    pub const NONE: u32 = NO_LEVEL;

    /// Packs codes into the narrowest type for `levels` levels; [`Codes::NONE`] stays missing.
    pub fn pack(codes: &[u32], levels: usize) -> Codes {
        Codes::collect(codes.iter().copied(), levels)
    }

    /// As [`Codes::pack`], from codes that are worked out one by one.
    pub fn collect(codes: impl Iterator<Item = u32>, levels: usize) -> Codes {
        if levels < usize::from(u8::MAX) {
            Codes::U8(codes.map(|c| u8::try_from(c).unwrap_or(u8::MAX)).collect())
        } else if levels < usize::from(u16::MAX) {
            Codes::U16(codes.map(|c| u16::try_from(c).unwrap_or(u16::MAX)).collect())
        } else {
            Codes::U32(codes.collect())
        }
    }

    /// As [`Codes::collect`], on all cores.
    pub(crate) fn par_collect(
        codes: impl IndexedParallelIterator<Item = u32>,
        levels: usize,
    ) -> Codes {
        if levels < usize::from(u8::MAX) {
            Codes::U8(codes.map(|c| u8::try_from(c).unwrap_or(u8::MAX)).collect())
        } else if levels < usize::from(u16::MAX) {
            Codes::U16(codes.map(|c| u16::try_from(c).unwrap_or(u16::MAX)).collect())
        } else {
            Codes::U32(codes.collect())
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Codes::U8(v) => v.len(),
            Codes::U16(v) => v.len(),
            Codes::U32(v) => v.len(),
        }
    }

    /// True when there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The code of one row, [`Codes::NONE`] if it is missing.
    #[inline]
    pub fn get(&self, row: usize) -> u32 {
        match self {
            Codes::U8(v) => widen8(v[row]),
            Codes::U16(v) => widen16(v[row]),
            Codes::U32(v) => v[row],
        }
    }

    /// Writes the codes of a run of rows into `out` (as long as the range).
    pub fn fill(&self, rows: Range<usize>, out: &mut [u32]) {
        match self {
            Codes::U32(v) => out.copy_from_slice(&v[rows]),
            _ => self.each(rows, out, |out, code| *out = code),
        }
    }

    /// Goes through a run of rows side by side with something that has an entry for each.
    #[inline]
    pub(crate) fn each<T>(
        &self,
        rows: Range<usize>,
        with: impl IntoIterator<Item = T>,
        mut take: impl FnMut(T, u32),
    ) {
        let with = with.into_iter();
        match self {
            Codes::U8(v) => with.zip(&v[rows]).for_each(|(own, &c)| take(own, widen8(c))),
            Codes::U16(v) => with.zip(&v[rows]).for_each(|(own, &c)| take(own, widen16(c))),
            Codes::U32(v) => with.zip(&v[rows]).for_each(|(own, &c)| take(own, c)),
        }
    }

    /// Writes the codes of scattered rows into `out` (as long as `rows`).
    pub fn gather(&self, rows: &[u32], out: &mut [u32]) {
        match self {
            Codes::U8(v) => {
                out.iter_mut().zip(rows).for_each(|(o, &r)| *o = widen8(v[r as usize]));
            }
            Codes::U16(v) => {
                out.iter_mut().zip(rows).for_each(|(o, &r)| *o = widen16(v[r as usize]));
            }
            Codes::U32(v) => out.iter_mut().zip(rows).for_each(|(o, &r)| *o = v[r as usize]),
        }
    }

    /// All codes as `u32`.
    pub fn to_vec(&self) -> Vec<u32> {
        let mut out = vec![0; self.len()];
        self.fill(0..self.len(), &mut out);
        out
    }
}

#[inline]
fn widen8(c: u8) -> u32 {
    if c == u8::MAX { NO_LEVEL } else { u32::from(c) }
}

#[inline]
fn widen16(c: u16) -> u32 {
    if c == u16::MAX { NO_LEVEL } else { u32::from(c) }
}

/// One level of a categorical variable.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// What the file holds: the text, or the number written out.
    pub value: String,
    /// The value label, if the file or the study file gives one.
    pub label: Option<String>,
}

impl Level {
    /// A level without a label.
    pub fn new(value: impl Into<String>) -> Level {
        Level { value: value.into(), label: None }
    }

    /// What a reader should see: the label, else the value.
    pub fn text(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.value)
    }
}

/// A categorical view of a column: codes into an ordered list of levels.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor {
    /// One code per row, index into `levels`.
    pub codes: Codes,
    /// The levels, in display order.
    pub levels: Vec<Level>,
}

impl Factor {
    /// Position of the level whose value or label is `text`.
    pub fn position(&self, text: &str) -> Option<usize> {
        self.levels
            .iter()
            .position(|l| l.value == text)
            .or_else(|| self.levels.iter().position(|l| l.label.as_deref() == Some(text)))
    }
}
