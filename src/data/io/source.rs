//! The bytes of a binary file, read in order, with every claim held against what is there.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use super::append::Stopped;
use super::error::DataError;
use super::fault::Fault;
use super::special::ordinary;

/// A file and the place reached in it.
pub(super) struct Source {
    path: PathBuf,
    /// What the file should be, such as "an SPSS file".
    kind: &'static str,
    inner: BufReader<File>,
    position: u64,
    length: u64,
    /// True for numbers with the most significant byte first.
    pub big: bool,
}

impl Source {
    /// Opens a file.
    ///
    /// # Errors
    /// When it is missing, no ordinary file, not readable, or empty.
    pub fn open(path: &Path, kind: &'static str) -> Result<Source, DataError> {
        let length = ordinary(path)?.len();
        let file = File::open(path).map_err(|e| DataError::from_io(path, e))?;
        if length == 0 {
            return Err(DataError::Empty { path: path.to_path_buf() });
        }
        let inner = BufReader::with_capacity(1 << 17, file);
        let path = path.to_path_buf();
        Ok(Source { path, kind, inner, position: 0, length, big: false })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes from the start to the place reached.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Bytes of the whole file.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Bytes from the place reached to the end.
    pub fn remaining(&self) -> u64 {
        self.length.saturating_sub(self.position)
    }

    /// Goes to a place.
    pub fn go_to(&mut self, to: u64) -> Result<(), DataError> {
        if to > self.length {
            return Err(self.ends_early());
        }
        let by = i64::try_from(to).ok().zip(i64::try_from(self.position).ok());
        let result = match by {
            Some((to, from)) => self.inner.seek_relative(to - from),
            None => self.inner.seek(SeekFrom::Start(to)).map(|_| ()),
        };
        result.map_err(|e| self.failed(e))?;
        self.position = to;
        Ok(())
    }

    /// Passes over bytes.
    pub fn skip(&mut self, count: u64) -> Result<(), DataError> {
        self.go_to(self.position.saturating_add(count))
    }

    /// Fills a buffer.
    pub fn exact(&mut self, buffer: &mut [u8]) -> Result<(), DataError> {
        self.inner.read_exact(buffer).map_err(|e| self.failed(e))?;
        self.position += buffer.len() as u64;
        Ok(())
    }

    /// Fills a buffer as far as the file goes; gives how much that is.
    pub fn some(&mut self, buffer: &mut [u8]) -> Result<usize, DataError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.inner.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(self.failed(e)),
            }
        }
        self.position += filled as u64;
        Ok(filled)
    }

    /// The next bytes, if there are that many: nothing is reserved for more than the file has.
    pub fn bytes(&mut self, count: u64) -> Result<Vec<u8>, DataError> {
        match usize::try_from(count) {
            Ok(length) if count <= self.remaining() => {
                let mut bytes = vec![0; length];
                self.exact(&mut bytes)?;
                Ok(bytes)
            }
            _ => Err(self.ends_early()),
        }
    }

    /// Copies the next bytes as they are.
    pub fn copy(&mut self, count: u64, out: &mut impl io::Write) -> Result<(), Stopped> {
        let mut buffer = vec![0; 1 << 16];
        let mut left = count;
        while left > 0 {
            let length = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            self.exact(&mut buffer[..length])?;
            out.write_all(&buffer[..length])?;
            left -= length as u64;
        }
        Ok(())
    }

    /// The next bytes as an array.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DataError> {
        let mut bytes = [0; N];
        self.exact(&mut bytes)?;
        Ok(bytes)
    }

    /// A byte.
    pub fn u8(&mut self) -> Result<u8, DataError> {
        Ok(self.array::<1>()?[0])
    }

    /// Two bytes.
    pub fn u16(&mut self) -> Result<u16, DataError> {
        let bytes = self.array()?;
        Ok(if self.big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    /// Four bytes.
    pub fn u32(&mut self) -> Result<u32, DataError> {
        let bytes = self.array()?;
        Ok(if self.big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    /// Four bytes with a sign.
    pub fn i32(&mut self) -> Result<i32, DataError> {
        Ok(self.u32()?.cast_signed())
    }

    /// Eight bytes.
    pub fn u64(&mut self) -> Result<u64, DataError> {
        let bytes = self.array()?;
        Ok(if self.big { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
    }

    /// A count of things of a size, held against what is left of the file.
    pub fn count(&self, count: i64, size: u64, things: &str) -> Result<u64, DataError> {
        let fits = |n: &u64| n.checked_mul(size).is_some_and(|all| all <= self.remaining());
        u64::try_from(count)
            .ok()
            .filter(fits)
            .ok_or_else(|| self.damaged(format!("{count} {things} do not fit in it")))
    }

    /// The error of the system; the end of the file is one that ends early.
    pub fn failed(&self, error: io::Error) -> DataError {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            self.ends_early()
        } else {
            DataError::from_io(&self.path, error)
        }
    }

    /// The error of a file that ends too soon.
    pub fn ends_early(&self) -> DataError {
        self.fault(Fault::EndsEarly { kind: self.kind, rows: None })
    }

    /// The error of a file whose rows end too soon.
    pub fn rows_missing(&self, found: u64, expected: u64) -> DataError {
        self.fault(Fault::EndsEarly { kind: self.kind, rows: Some((found, expected)) })
    }

    /// The error of content that does not fit together.
    pub fn damaged(&self, what: impl Into<String>) -> DataError {
        self.fault(Fault::Damaged { kind: self.kind, at: Some(self.position), what: what.into() })
    }

    /// The error of a variant that is not read.
    pub fn variant(&self, variant: impl Into<String>) -> DataError {
        self.fault(Fault::Variant { kind: self.kind, variant: variant.into() })
    }

    /// The error of a file that unpacks to too much.
    pub fn expands(&self, limit: u64) -> DataError {
        self.fault(Fault::Expands { kind: self.kind, limit })
    }

    fn fault(&self, fault: Fault) -> DataError {
        DataError::File { path: self.path.clone(), fault }
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl BufRead for Source {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.inner.consume(amount);
        self.position += amount as u64;
    }
}

impl Seek for Source {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = self.inner.seek(to)?;
        Ok(self.position)
    }
}

thread_local! {
    static DECODING: Cell<bool> = const { Cell::new(false) };
}

/// True while this thread is in the decoder of a file format. Decoders of others panic on some
/// damaged files where they should return an error; such a panic is caught and becomes one. For
/// panic hooks, which see it first.
pub fn decoding() -> bool {
    DECODING.get()
}

/// Runs a decoder; a panic becomes `None`.
pub(super) fn guarded<T>(decode: impl FnOnce() -> T) -> Option<T> {
    let outer = DECODING.replace(true);
    let result = catch_unwind(AssertUnwindSafe(decode));
    DECODING.set(outer);
    result.ok()
}
