//! The cases of an SPSS file: unpacked into eight-byte elements, one case at a time.

use flate2::{Decompress, FlushDecompress, Status};

use super::super::error::DataError;
use super::super::source::Source;
use super::dictionary::{Dictionary, Packing};

/// Eight bytes of a case, as in the file.
pub(super) type Element = [u8; 8];

/// The number that means "system-missing".
pub(super) const SYSTEM_MISSING: f64 = -f64::MAX;

/// Bytes that a packed file may unpack to whatever its size.
const ROOM: u64 = 1 << 30;
/// Beyond that, how many times its size.
const RATIO: u64 = 200;
/// Bytes that are unpacked at a time.
const BLOCK: usize = 1 << 17;

/// A number as an element.
pub(super) fn element(x: f64, big: bool) -> Element {
    if big { x.to_be_bytes() } else { x.to_le_bytes() }
}

/// The cases, to be taken one after the other.
pub(super) struct Cases<'a> {
    source: &'a mut Source,
    packing: Packing,
    /// Rows the file promises, and rows taken.
    promised: Option<u64>,
    pub taken: u64,
    /// What was read from the file (or unpacked with zlib) and not used yet.
    buffer: Vec<u8>,
    at: usize,
    zlib: Option<Zlib>,
    codes: [u8; 8],
    next_code: usize,
    /// The number that each code stands for.
    table: Vec<Element>,
}

/// The blocks of a `.zsav`.
struct Zlib {
    /// Where each begins and how long it is, packed and unpacked; the next comes last.
    blocks: Vec<(u64, u64, u64)>,
}

impl<'a> Cases<'a> {
    /// The cases of a file whose dictionary has just been read.
    ///
    /// # Errors
    /// When the file is shorter than it promises, or its packing is damaged.
    pub fn new(source: &'a mut Source, dictionary: &Dictionary) -> Result<Cases<'a>, DataError> {
        let promised = dictionary.rows;
        let case = dictionary.elements as u64 * 8;
        let zlib = match dictionary.packing {
            Packing::None => {
                let there = source.remaining() / case;
                if let Some(rows) = promised.filter(|&rows| rows > there) {
                    return Err(source.rows_missing(there, rows));
                }
                None
            }
            Packing::Bytes => None,
            Packing::Zlib => Some(Zlib::new(source)?),
        };
        let big = source.big;
        let number = |code: i32| element(f64::from(code) - dictionary.bias, big);
        Ok(Cases {
            packing: dictionary.packing,
            promised,
            taken: 0,
            buffer: Vec::new(),
            at: 0,
            zlib,
            codes: [0; 8],
            next_code: 8,
            table: (0..=251).map(number).collect(),
            source,
        })
    }

    /// Rows there can be at most, to reserve memory for.
    pub fn likely(&self, elements: usize) -> usize {
        let bytes = match &self.zlib {
            Some(zlib) => zlib.blocks.iter().map(|b| b.2).sum(),
            None => self.source.remaining(),
        };
        let least = if self.packing == Packing::None { 8 } else { 1 };
        let most = bytes / (elements as u64 * least) + 1;
        usize::try_from(self.promised.map_or(most, |rows| rows.min(most))).unwrap_or(0)
    }

    /// Fills in the next case; false when there are no more.
    ///
    /// # Errors
    /// When the file ends within a case, or before all it promises.
    pub fn next(&mut self, case: &mut [Element]) -> Result<bool, DataError> {
        if self.promised == Some(self.taken) {
            return Ok(false);
        }
        let done =
            if self.packing == Packing::None { self.plain(case)? } else { self.packed(case)? };
        if done {
            self.taken += 1;
            return Ok(true);
        }
        match self.promised {
            Some(rows) => Err(self.source.rows_missing(self.taken, rows)),
            None => Ok(false),
        }
    }

    fn plain(&mut self, case: &mut [Element]) -> Result<bool, DataError> {
        let bytes = case.as_flattened_mut();
        let there = self.source.some(bytes)?;
        if there != 0 && there != bytes.len() {
            return Err(self.source.ends_early());
        }
        Ok(there != 0)
    }

    fn packed(&mut self, case: &mut [Element]) -> Result<bool, DataError> {
        for i in 0..case.len() {
            let code = loop {
                if self.next_code == 8 {
                    let Some(codes) = self.eight()? else { return self.ended(i) };
                    self.codes = codes;
                    self.next_code = 0;
                }
                let code = self.codes[self.next_code];
                self.next_code += 1;
                if code != 0 {
                    break code;
                }
            };
            case[i] = match code {
                252 => {
                    // Nothing after the mark counts.
                    self.next_code = 7;
                    self.codes[7] = 252;
                    return self.ended(i);
                }
                253 => match self.eight()? {
                    Some(raw) => raw,
                    None => return Err(self.source.ends_early()),
                },
                254 => [b' '; 8],
                255 => element(SYSTEM_MISSING, self.source.big),
                code => self.table[usize::from(code)],
            };
        }
        Ok(true)
    }

    /// The end of the cases, which may not come within one.
    fn ended(&self, within: usize) -> Result<bool, DataError> {
        if within == 0 { Ok(false) } else { Err(self.source.ends_early()) }
    }

    #[inline]
    fn eight(&mut self) -> Result<Option<[u8; 8]>, DataError> {
        if self.buffer.len() - self.at < 8 && !self.refill()? {
            return Ok(None);
        }
        let bytes = self.buffer.get(self.at..self.at + 8);
        self.at += 8;
        Ok(bytes.and_then(|b| b.try_into().ok()))
    }

    /// Gets more bytes; false when fewer than eight are left.
    fn refill(&mut self) -> Result<bool, DataError> {
        self.buffer.drain(..self.at);
        self.at = 0;
        while self.buffer.len() < 8 {
            match &mut self.zlib {
                Some(zlib) => {
                    if !zlib.next(self.source, &mut self.buffer)? {
                        return Ok(false);
                    }
                }
                None => {
                    let kept = self.buffer.len();
                    self.buffer.resize(kept + BLOCK, 0);
                    let read = self.source.some(&mut self.buffer[kept..])?;
                    self.buffer.truncate(kept + read);
                    if read == 0 {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(true)
    }
}

impl Zlib {
    fn new(source: &mut Source) -> Result<Zlib, DataError> {
        let start = source.position();
        let (head, trailer, length) = (source.u64()?, source.u64()?, source.u64()?);
        if head != start {
            return Err(source.damaged("the packed cases do not begin where they should"));
        }
        source.go_to(trailer)?;
        source.skip(16)?;
        source.skip(4)?;
        let count = source.u32()?;
        let count = source.count(i64::from(count), 24, "packed blocks")?;
        if length != 24 + count * 24 {
            return Err(source.damaged("the table of packed blocks has another length"));
        }
        let limit = ROOM.max(source.length().saturating_mul(RATIO));
        let (mut blocks, mut unpacked) = (Vec::new(), 0_u64);
        for _ in 0..count {
            source.skip(8)?;
            let at = source.u64()?;
            let (whole, packed) = (u64::from(source.u32()?), u64::from(source.u32()?));
            if at.checked_add(packed).is_none_or(|end| end > source.length()) {
                return Err(source.ends_early());
            }
            unpacked += whole;
            blocks.push((at, packed, whole));
        }
        if unpacked > limit {
            return Err(source.expands(limit));
        }
        blocks.reverse();
        Ok(Zlib { blocks })
    }

    /// Unpacks the next block behind what is in the buffer; false when there are no more.
    fn next(&mut self, source: &mut Source, buffer: &mut Vec<u8>) -> Result<bool, DataError> {
        let Some((at, packed, whole)) = self.blocks.pop() else { return Ok(false) };
        source.go_to(at)?;
        let packed = source.bytes(packed)?;
        let kept = buffer.len();
        let whole = usize::try_from(whole).unwrap_or(0);
        let end = kept + whole;
        // The buffer grows with what comes out, not with what is promised.
        let mut inflate = Decompress::new(true);
        loop {
            let (used, made) = (inflate.total_in() as usize, inflate.total_out() as usize);
            let room = (kept + made + BLOCK).min(end);
            buffer.resize(room, 0);
            let rest = packed.get(used..).unwrap_or_default();
            let status = inflate
                .decompress(rest, &mut buffer[kept + made..room], FlushDecompress::None)
                .map_err(|_| source.damaged("a packed block cannot be unpacked"))?;
            let now = inflate.total_out() as usize;
            if status == Status::StreamEnd {
                break;
            }
            if now == made && inflate.total_in() as usize == used {
                return Err(source.damaged("a packed block is not what it promises"));
            }
        }
        if inflate.total_out() as usize != whole {
            return Err(source.damaged("a packed block is not as long as it promises"));
        }
        Ok(true)
    }
}
