//! The zip archive a workbook is: looked through before anything in it is used.

use std::io::{self, Read};
use std::path::Path;

use zip::ZipArchive;

use super::super::error::DataError;
use super::super::fault::Fault;
use super::super::source::{Source, guarded};
use super::{KIND, damaged, fault};

/// Bytes that a workbook may unpack to whatever its size.
const ROOM: u64 = 512 << 20;
/// Beyond that, how many times its size.
const RATIO: u64 = 50;
/// Parts of an archive.
const PARTS: usize = 20_000;

/// Opens a workbook after having unpacked all of it once, into nothing. What the archive says
/// of the sizes is not believed.
///
/// # Errors
/// When the file is no archive, is damaged, or unpacks to too much.
pub(super) fn open(path: &Path) -> Result<ZipArchive<Source>, DataError> {
    let mut source = Source::open(path, KIND)?;
    let limit = ROOM.max(source.length().saturating_mul(RATIO));
    let mut head = vec![0; 64];
    let read = source.some(&mut head)?;
    head.truncate(read);
    if !head.starts_with(b"PK\x03\x04") {
        let found = super::super::input::recognised(&head).unwrap_or("something else");
        let path = path.to_path_buf();
        return Err(DataError::OtherContent { path, expected: KIND, found });
    }
    source.go_to(0)?;
    let opened = guarded(|| -> Result<_, DataError> {
        let mut archive = ZipArchive::new(source).map_err(|e| damaged(path, e))?;
        if archive.len() > PARTS {
            return Err(damaged(path, format!("it has {} parts", archive.len())));
        }
        let mut left = limit;
        for part in 0..archive.len() {
            let entry = archive.by_index(part).map_err(|e| damaged(path, e))?;
            let taken = io::copy(&mut entry.take(left + 1), &mut io::sink());
            let taken = taken.map_err(|e| damaged(path, e))?;
            if taken > left {
                return Err(fault(path, Fault::Expands { kind: KIND, limit }));
            }
            left -= taken;
        }
        Ok(archive)
    });
    opened.unwrap_or_else(|| Err(damaged(path, "the decoder stopped at damaged data")))
}
