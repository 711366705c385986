//! The cases of an SPSS file, packed: the way back of `cases.rs`.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::cases::{Element, SYSTEM_MISSING, element};
use super::dictionary::{Dictionary, Packing};

/// Bytes that go into a block of a `.zsav`, as SPSS does it.
const BLOCK: usize = 0x003f_f000;

/// Packs cases into a file.
pub(super) struct Packer {
    packing: Packing,
    big: bool,
    bias: f64,
    /// Which elements of a case are text.
    text: Vec<bool>,
    missing: Element,
    codes: [u8; 8],
    used: usize,
    raw: Vec<u8>,
    /// What is not yet packed with zlib, and the blocks that are: packed and unpacked lengths.
    block: Vec<u8>,
    blocks: Vec<(u64, u64)>,
    start: u64,
}

impl Packer {
    /// A packer for cases of a file, with more numbers at their end.
    pub fn new(
        out: &mut BufWriter<File>,
        packing: Packing,
        dictionary: &Dictionary,
        big: bool,
        more: usize,
    ) -> io::Result<Packer> {
        let mut text = vec![true; dictionary.elements];
        for variable in dictionary.variables.iter().filter(|v| v.width.is_none()) {
            text[variable.element] = false;
        }
        text.resize(dictionary.elements + more, false);
        let start = out.stream_position()?;
        if packing == Packing::Zlib {
            // The place of the trailer is filled in at the end.
            out.write_all(&[0; 24])?;
        }
        Ok(Packer {
            packing,
            big,
            bias: dictionary.bias,
            text,
            missing: element(SYSTEM_MISSING, big),
            codes: [0; 8],
            used: 0,
            raw: Vec::new(),
            block: Vec::new(),
            blocks: Vec::new(),
            start,
        })
    }

    /// Adds a case.
    pub fn push(&mut self, out: &mut BufWriter<File>, case: &[Element]) -> io::Result<()> {
        if self.packing == Packing::None {
            return out.write_all(case.as_flattened());
        }
        for (i, element) in case.iter().enumerate() {
            let code = self.code(*element, self.text[i]);
            if code == 253 {
                self.raw.extend_from_slice(element);
            }
            self.add(out, code)?;
        }
        Ok(())
    }

    /// Writes what is left; `marked` adds the mark of the end.
    pub fn finish(mut self, out: &mut BufWriter<File>, marked: bool) -> io::Result<()> {
        if self.packing == Packing::None {
            return Ok(());
        }
        if marked {
            self.add(out, 252)?;
        }
        while self.used > 0 {
            self.add(out, 0)?;
        }
        if self.packing == Packing::Bytes {
            return Ok(());
        }
        if !self.block.is_empty() || self.blocks.is_empty() {
            self.pack(out)?;
        }
        self.trailer(out)
    }

    /// The code of an element: 253 if it has to be written out.
    fn code(&self, element: Element, text: bool) -> u8 {
        if text {
            return if element == [b' '; 8] { 254 } else { 253 };
        }
        if element == self.missing {
            return 255;
        }
        let x = if self.big { f64::from_be_bytes(element) } else { f64::from_le_bytes(element) };
        let code = x + self.bias;
        // What comes back has to be the same bits, which a negative zero would not.
        let back = (1.0..=251.0).contains(&code) && code.fract() == 0.0;
        if back && super::cases::element(code - self.bias, self.big) == element {
            code as u8
        } else {
            253
        }
    }

    fn add(&mut self, out: &mut BufWriter<File>, code: u8) -> io::Result<()> {
        self.codes[self.used] = code;
        self.used += 1;
        if self.used < 8 {
            return Ok(());
        }
        self.used = 0;
        if self.packing == Packing::Bytes {
            out.write_all(&self.codes)?;
            out.write_all(&self.raw)?;
        } else {
            self.block.extend_from_slice(&self.codes);
            self.block.extend_from_slice(&self.raw);
            if self.block.len() >= BLOCK {
                self.pack(out)?;
            }
        }
        self.raw.clear();
        Ok(())
    }

    /// Writes full blocks, or all there is when it is less.
    fn pack(&mut self, out: &mut BufWriter<File>) -> io::Result<()> {
        let length = self.block.len().min(BLOCK);
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&self.block[..length])?;
        let packed = encoder.finish()?;
        out.write_all(&packed)?;
        self.blocks.push((packed.len() as u64, length as u64));
        self.block.drain(..length);
        Ok(())
    }

    fn trailer(&self, out: &mut BufWriter<File>) -> io::Result<()> {
        let long = |x: u64| if self.big { x.to_be_bytes() } else { x.to_le_bytes() };
        let short = |x: u64| {
            let x = x as u32;
            if self.big { x.to_be_bytes() } else { x.to_le_bytes() }
        };
        let trailer = out.stream_position()?;
        out.write_all(&long((-(self.bias as i64)).cast_unsigned()))?;
        out.write_all(&long(0))?;
        out.write_all(&short(BLOCK as u64))?;
        out.write_all(&short(self.blocks.len() as u64))?;
        let (mut unpacked_at, mut packed_at) = (self.start, self.start + 24);
        for &(packed, unpacked) in &self.blocks {
            out.write_all(&long(unpacked_at))?;
            out.write_all(&long(packed_at))?;
            out.write_all(&short(unpacked))?;
            out.write_all(&short(packed))?;
            unpacked_at += unpacked;
            packed_at += packed;
        }
        let end = out.stream_position()?;
        out.seek(SeekFrom::Start(self.start))?;
        for x in [self.start, trailer, 24 + 24 * self.blocks.len() as u64] {
            out.write_all(&long(x))?;
        }
        out.seek(SeekFrom::Start(end))?;
        Ok(())
    }
}
