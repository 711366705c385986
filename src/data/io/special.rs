//! What has the name of a file and is none: devices and pipes.

use std::fs::{File, FileType, Metadata};
use std::io::{self, Read};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use super::error::DataError;

/// Seconds to wait for a program that writes to a pipe.
const PATIENCE: u64 = 10;

/// What it is, when it is neither file nor folder.
fn kind(found: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if found.is_fifo() {
            return "a pipe";
        }
        if found.is_socket() {
            return "a socket";
        }
    }
    let _ = found;
    "a device"
}

/// What the system knows of a file: it must be an ordinary one, since files are read several times, and a
/// device may have no end.
///
/// # Errors
/// When it is missing, a folder, or anything else than a file.
pub(super) fn ordinary(path: &Path) -> Result<Metadata, DataError> {
    let found = std::fs::metadata(path).map_err(|e| DataError::from_io(path, e))?;
    if found.is_dir() {
        return Err(DataError::Directory { path: path.to_path_buf() });
    }
    if !found.is_file() {
        return Err(DataError::NotAFile {
            path: path.to_path_buf(),
            kind: kind(found.file_type()),
        });
    }
    Ok(found)
}

/// The bytes of a small file, as far as one more than `most`.
///
/// # Errors
/// When it is missing, not readable, or no ordinary file.
pub fn read_small(path: &Path, most: u64) -> Result<Vec<u8>, DataError> {
    ordinary(path)?;
    let failed = |e| DataError::from_io(path, e);
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// The same of a file that is read once, and therefore may be a pipe.
///
/// # Errors
/// When it is missing, not readable, a folder or a device, or a pipe that no program writes to.
pub fn read_once(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let found = std::fs::metadata(path)?;
    if found.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let file = if found.is_file() {
        File::open(path)?
    } else if kind(found.file_type()) == "a pipe" {
        open_pipe(path)?
    } else {
        return Err(io::Error::other("it is a device, not a file"));
    };
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Opening a pipe waits until a program writes to it, for ever if need be; hence beside the work.
fn open_pipe(path: &Path) -> io::Result<File> {
    let (tell, opened) = mpsc::channel();
    let path = path.to_path_buf();
    std::thread::spawn(move || tell.send(File::open(path)));
    opened.recv_timeout(Duration::from_secs(PATIENCE)).unwrap_or_else(|_| {
        let message = format!("it is a pipe that no program has written to for {PATIENCE} seconds");
        Err(io::Error::new(io::ErrorKind::TimedOut, message))
    })
}
