//! The bytes of a text file, which are read more than once, and what they are.

use std::fs::File;
use std::io::{self, BufRead, Cursor, Read};
use std::path::{Path, PathBuf};

use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::error::DataError;
use super::package::Charset;
use super::special::ordinary;

/// A file that can be read from its start as often as needed.
pub(super) struct Input {
    pub path: PathBuf,
    /// Of UTF-16, what its bytes are in UTF-8; those of other files stay on the disk.
    memory: Option<Vec<u8>>,
    /// How the user says that bytes become characters.
    stated: Option<Charset>,
    wide: Option<Wide>,
}

/// The byte order of UTF-16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wide {
    Little,
    Big,
}

impl Wide {
    /// That of the byte order mark that a file begins with. (That of UTF-32 begins like one of
    /// UTF-16.)
    fn of(head: &[u8]) -> Option<Wide> {
        match head {
            [0xFF, 0xFE, 0, 0, ..] => None,
            [0xFF, 0xFE, ..] => Some(Wide::Little),
            [0xFE, 0xFF, ..] => Some(Wide::Big),
            _ => None,
        }
    }

    /// What follows the mark as UTF-8; `None` where it is no UTF-16.
    fn decode(self, bytes: &[u8]) -> Option<Vec<u8>> {
        let encoding = if self == Wide::Little { UTF_16LE } else { UTF_16BE };
        let text = encoding.decode_without_bom_handling_and_without_replacement(bytes.get(2..)?)?;
        Some(text.into_owned().into_bytes())
    }

    /// UTF-8 as UTF-16 with its mark.
    pub fn encode(self, utf8: &[u8]) -> Vec<u8> {
        let text = String::from_utf8_lossy(utf8);
        let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
        let bytes = |unit: u16| match self {
            Wide::Little => unit.to_le_bytes(),
            Wide::Big => unit.to_be_bytes(),
        };
        units.flat_map(bytes).collect()
    }
}

impl Input {
    /// Opens a file; UTF-16 is read into memory.
    ///
    /// # Errors
    /// When it is missing, no ordinary file, not readable, or empty; when it is damaged UTF-16.
    pub fn open(path: &Path, stated: Option<Charset>) -> Result<Input, DataError> {
        if ordinary(path)?.len() == 0 {
            return Err(DataError::Empty { path: path.to_path_buf() });
        }
        Input { path: path.to_path_buf(), memory: None, stated, wide: None }.widened()
    }

    /// The same, with UTF-16 in memory as UTF-8.
    fn widened(mut self) -> Result<Input, DataError> {
        self.wide = Wide::of(&self.head(4)?);
        if let Some(wide) = self.wide {
            let damaged = || DataError::Utf16 { path: self.path.clone() };
            let bytes = self.head(u64::MAX)?;
            self.memory = Some(wide.decode(&bytes).ok_or_else(damaged)?);
        }
        Ok(self)
    }

    /// The byte order, where the file is UTF-16.
    pub fn wide(&self) -> Option<Wide> {
        self.wide
    }

    /// How the user says that bytes become characters; what was UTF-16 is UTF-8 here.
    pub fn stated(&self) -> Option<Encoding> {
        self.stated.filter(|_| self.wide.is_none()).map(Encoding::Stated)
    }

    /// The bytes from the start.
    pub fn reader(&self) -> Result<Box<dyn Read + '_>, DataError> {
        match &self.memory {
            Some(bytes) => Ok(Box::new(Cursor::new(bytes.as_slice()))),
            None => {
                let file = File::open(&self.path).map_err(|e| self.failed(e))?;
                Ok(Box::new(file))
            }
        }
    }

    /// The first `length` bytes (fewer if the file is shorter).
    pub fn head(&self, length: u64) -> Result<Vec<u8>, DataError> {
        let mut bytes = Vec::new();
        self.reader()?.take(length).read_to_end(&mut bytes).map_err(|e| self.failed(e))?;
        Ok(bytes)
    }

    /// The lines, from 1, of the records that start at the given bytes (ascending). Line ends
    /// before a record belong to empty lines, which are not records.
    pub fn lines(&self, starts: &[u64]) -> Result<Vec<u64>, DataError> {
        let mut bytes = io::BufReader::with_capacity(1 << 17, self.reader()?);
        let (mut offset, mut line, mut lines) = (0_u64, 1, Vec::new());
        while lines.len() < starts.len() {
            let buffer = bytes.fill_buf().map_err(|e| self.failed(e))?;
            if buffer.is_empty() {
                lines.resize(starts.len(), line);
            }
            for &byte in buffer {
                while starts.get(lines.len()).is_some_and(|&s| s <= offset)
                    && !matches!(byte, b'\n' | b'\r')
                {
                    lines.push(line);
                }
                line += u64::from(byte == b'\n');
                offset += 1;
            }
            let used = buffer.len();
            bytes.consume(used);
        }
        Ok(lines)
    }

    /// The error of the system for this file.
    pub fn failed(&self, source: io::Error) -> DataError {
        DataError::from_io(&self.path, source)
    }
}

/// The text of a small file, from its bytes, with the same encodings as data: UTF-8, UTF-16 with its mark,
/// windows-1252 where that is plausible.
///
/// # Errors
/// Bytes that are no text, or damaged text.
pub fn text_of(path: &Path, bytes: Vec<u8>) -> Result<String, DataError> {
    let input = Input { path: path.to_path_buf(), memory: Some(bytes), stated: None, wide: None };
    let input = input.widened()?;
    let encoding = scan(&input)?.encoding;
    Ok(encoding.decode(input.memory.unwrap_or_default()))
}

/// What the first bytes of a file give away, if it is not text.
pub(super) fn recognised(head: &[u8]) -> Option<&'static str> {
    let start = head.strip_prefix(BOM).unwrap_or(head).trim_ascii_start();
    let begins =
        |text: &[u8]| start.get(..text.len()).is_some_and(|first| first.eq_ignore_ascii_case(text));
    let found = match head {
        _ if head.starts_with(b"PAR1") => "a Parquet file",
        _ if head.get(38..).is_some_and(|m| m.starts_with(b"application/vnd.oasis")) => {
            "an OpenDocument spreadsheet"
        }
        _ if head.starts_with(b"PK\x03\x04") => "a zip file or an Excel workbook",
        _ if head.starts_with(b"\xD0\xCF\x11\xE0") => "an old Excel workbook",
        _ if head.starts_with(b"\x1F\x8B") => "a gzip-compressed file",
        _ if head.starts_with(b"\x28\xB5\x2F\xFD") => "a zstd-compressed file",
        _ if head.starts_with(b"$FL2") || head.starts_with(b"$FL3") => "an SPSS file",
        // The second greeting, that of ASCII.
        _ if head.get(40..).is_some_and(|h| h.starts_with(b"ASCII SPSS PORT FILE")) => {
            "an SPSS portable file"
        }
        _ if head.starts_with(b"<stata_dta>") => "a Stata file",
        [102..=115, 1 | 2, 1, _, ..] => "a Stata file",
        _ if head.starts_with(b"HEADER RECORD*******LIB") => "a SAS transport file",
        _ if head.starts_with(b"\0\0\0\0\0\0\0\0\0\0\0\0\xc2\xea\x81\x60") => "a SAS data set",
        _ if head.starts_with(b"\0\0\0\0\0\0\0\0\0\0\0\0\xc2\xea\x81\x63") => {
            "a SAS catalogue of formats"
        }
        _ if head.starts_with(b"ARROW1") => "an Arrow (Feather) file",
        _ if head.starts_with(b"%PDF") => "a PDF document",
        _ if begins(b"<!doctype html") || begins(b"<html") => "a web page",
        _ => return None,
    };
    Some(found)
}

/// The byte order mark of UTF-8.
pub(super) const BOM: &[u8] = b"\xEF\xBB\xBF";

/// How the bytes of a text file become characters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Encoding {
    Utf8,
    Windows1252,
    /// As the user says.
    Stated(Charset),
}

impl Encoding {
    /// Text in this encoding, from bytes.
    pub fn decode(self, bytes: Vec<u8>) -> String {
        match self {
            Encoding::Utf8 => String::from_utf8(bytes)
                .unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()),
            Encoding::Windows1252 => {
                WINDOWS_1252.decode_without_bom_handling(&bytes).0.into_owned()
            }
            Encoding::Stated(charset) => charset.decode(&bytes),
        }
    }

    /// Bytes in this encoding; `None` if a character does not exist in it.
    pub fn encode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Encoding::Utf8 => Some(text.as_bytes().to_vec()),
            Encoding::Windows1252 => {
                let (bytes, _, replaced) = WINDOWS_1252.encode(text);
                (!replaced).then(|| bytes.into_owned())
            }
            Encoding::Stated(charset) => charset.encode(text),
        }
    }
}

/// What one pass over the bytes of a text file finds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scan {
    pub encoding: Encoding,
    /// Line ends: no fewer than the rows, but for a last line without one.
    pub line_ends: u64,
    /// True when the quotation marks do not pair up.
    pub odd_quotes: bool,
    /// The line of the first byte that is not UTF-8.
    pub first_other: Option<u64>,
}

/// Reads a file once to find its encoding, and that it is text at all.
///
/// UTF-8 where all of it is valid. Else windows-1252 (Western European), if that is plausible:
/// no control characters, none of the five bytes that encoding leaves undefined, and not more
/// valid UTF-8 sequences than invalid bytes, which would be a damaged UTF-8 file.
///
/// # Errors
/// A NUL byte, UTF-16, damaged UTF-8, bytes that are not text.
pub(super) fn scan(input: &Input) -> Result<Scan, DataError> {
    let mut reader = input.reader()?;
    let mut scanner = Scanner::default();
    let mut buffer = vec![0; 1 << 18];
    // Bytes of a character that is cut by the end of the buffer are kept for the next round.
    let mut kept = 0;
    loop {
        let read = match reader.read(&mut buffer[kept..]) {
            Ok(read) => read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(input.failed(e)),
        };
        let filled = kept + read;
        let used = scanner.take(&buffer[..filled], read == 0);
        if scanner.nul.is_some() || read == 0 {
            break;
        }
        buffer.copy_within(used..filled, 0);
        kept = filled - used;
    }
    scanner.verdict(input)
}

#[derive(Default)]
struct Scanner {
    offset: u64,
    line_ends: u64,
    quotes: u64,
    /// Where the first NUL, the first invalid byte and the first implausible byte are.
    nul: Option<(u64, u64)>,
    invalid: Option<(u64, u64)>,
    implausible: Option<(u64, u64, u8)>,
    invalid_bytes: u64,
    sequences: u64,
    head: Vec<u8>,
}

impl Scanner {
    /// Looks at bytes; gives how many of them are done with.
    fn take(&mut self, bytes: &[u8], last: bool) -> usize {
        if self.offset == 0 && self.head.is_empty() {
            self.head = bytes.iter().copied().take(4).collect();
        }
        let mut used = 0;
        while used < bytes.len() && self.nul.is_none() {
            let rest = &bytes[used..];
            match std::str::from_utf8(rest) {
                Ok(_) => {
                    self.valid(rest);
                    used = bytes.len();
                }
                Err(e) => {
                    let valid = e.valid_up_to();
                    self.valid(&rest[..valid]);
                    used += valid;
                    let length = match e.error_len() {
                        Some(length) => length,
                        None if !last => break,
                        None => rest.len() - valid,
                    };
                    self.invalid.get_or_insert((self.offset, self.line_ends + 1));
                    self.invalid_bytes += length as u64;
                    self.bytes(&rest[valid..valid + length]);
                    used += length;
                }
            }
        }
        used
    }

    fn valid(&mut self, bytes: &[u8]) {
        if !bytes.is_ascii() {
            self.sequences += bytes.iter().filter(|&&b| b >= 0xC0).count() as u64;
        }
        self.bytes(bytes);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        // The counts are loops a compiler turns into vector instructions; places are looked for
        // only where there is something to find.
        let rare = |b: u8| (b < 0x20 && !(9..=13).contains(&b)) | undefined(b);
        let lines = bytes.iter().filter(|&&b| b == b'\n').count() as u64;
        self.quotes += bytes.iter().filter(|&&b| b == b'"').count() as u64;
        let place = |at: usize| {
            let before = bytes[..at].iter().filter(|&&b| b == b'\n').count() as u64;
            (self.offset + at as u64, self.line_ends + before + 1)
        };
        if self.nul.is_none() && bytes.contains(&0) {
            self.nul = bytes.iter().position(|&b| b == 0).map(place);
        }
        if self.implausible.is_none()
            && bytes.iter().fold(false, |any, &b| any | rare(b))
            && let Some(at) = bytes.iter().position(|&b| rare(b))
        {
            let (offset, line) = place(at);
            self.implausible = Some((offset, line, bytes[at]));
        }
        self.line_ends += lines;
        self.offset += bytes.len() as u64;
    }

    fn verdict(self, input: &Input) -> Result<Scan, DataError> {
        let path = input.path.clone();
        if let Some((offset, line)) = self.nul {
            return Err(DataError::Nul { path, offset, line });
        }
        let mut encoding = Encoding::Utf8;
        if let Some(stated) = input.stated() {
            encoding = stated;
        } else if let Some((offset, line)) = self.invalid {
            if self.sequences > self.invalid_bytes || self.head.starts_with(BOM) {
                return Err(DataError::InvalidUtf8 { path, offset, line });
            }
            if let Some((offset, line, byte)) = self.implausible {
                return Err(DataError::NotText { path, offset, line, byte });
            }
            encoding = Encoding::Windows1252;
        }
        Ok(Scan {
            encoding,
            line_ends: self.line_ends,
            odd_quotes: self.quotes % 2 == 1,
            first_other: self.invalid.map(|(_, line)| line),
        })
    }
}

/// The bytes that windows-1252 leaves undefined.
fn undefined(byte: u8) -> bool {
    matches!(byte, 0x81 | 0x8D | 0x8F | 0x90 | 0x9D)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(bytes: &[u8]) -> Input {
        let memory = Some(bytes.to_vec());
        Input { path: "x.csv".into(), memory, stated: None, wide: None }
    }

    fn scanned(bytes: &[u8]) -> Result<Scan, DataError> {
        scan(&input(bytes))
    }

    #[test]
    fn wide_text_goes_there_and_back() {
        for wide in [Wide::Little, Wide::Big] {
            let bytes = wide.encode("a,é😀\n".as_bytes());
            assert_eq!(Wide::of(&bytes), Some(wide));
            assert_eq!(wide.decode(&bytes).as_deref(), Some("a,é😀\n".as_bytes()));
            // Half a letter, and half of one that takes two units.
            assert_eq!(wide.decode(&bytes[..bytes.len() - 1]), None);
            assert_eq!(wide.decode(&wide.encode("😀".as_bytes())[..4]), None);
        }
        assert_eq!(Wide::of(b"\xFF\xFE\0\0"), None);
    }

    #[test]
    fn encodings_are_told_apart() {
        assert_eq!(scanned(b"a,b\n1,2\n").unwrap().encoding, Encoding::Utf8);
        assert_eq!(scanned("a,é\n1,ü\n".as_bytes()).unwrap().encoding, Encoding::Utf8);
        let western = scanned(b"a,b\n1,caf\xE9\n2,\x80\n").unwrap();
        assert_eq!(western.encoding, Encoding::Windows1252);
        assert_eq!(western.first_other, Some(2));
        assert_eq!(Encoding::Windows1252.decode(b"caf\xE9 \x80".to_vec()), "café €");
        assert_eq!(Encoding::Windows1252.encode("é€"), Some(vec![0xE9, 0x80]));
        assert_eq!(Encoding::Windows1252.encode("中"), None);
    }

    #[test]
    fn what_is_not_text_is_refused_with_its_place() {
        let error = scanned(b"a\n1\n\x002\n").unwrap_err();
        assert!(matches!(error, DataError::Nul { offset: 4, line: 3, .. }), "{error}");
        let error = scanned(b"a\n\x8D\n").unwrap_err();
        assert!(matches!(error, DataError::NotText { offset: 2, line: 2, byte: 0x8D, .. }));
        let error = scanned("é,ü,ö\nx".bytes().chain([0xE9, b'\n']).collect::<Vec<_>>().as_slice());
        assert!(
            matches!(error, Err(DataError::InvalidUtf8 { offset: 10, line: 2, .. })),
            "{error:?}"
        );
    }

    #[test]
    fn lines_of_records_skip_empty_lines() {
        for text in ["a\n\n\nb\nc", "a\r\n\r\n\r\nb\r\nc"] {
            let input = input(text.as_bytes());
            assert_eq!(
                input.lines(&[0, 2, 5]).unwrap().last(),
                Some(&if text.len() < 9 { 5 } else { 4 })
            );
            assert_eq!(input.lines(&[0, 0, 2, 2]).unwrap(), [1, 1, 4, 4]);
        }
    }

    #[test]
    fn characters_across_buffers_stay_whole() {
        for shift in 0..3 {
            let mut bytes = vec![b'a'; (1 << 18) - shift];
            bytes.extend("€€\n".repeat(100_000).as_bytes());
            let found = scanned(&bytes).unwrap();
            assert_eq!((found.encoding, found.line_ends), (Encoding::Utf8, 100_000));
        }
    }
}
