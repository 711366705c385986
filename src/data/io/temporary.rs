//! Temporary files, and what becomes of them when the program is told to stop.
//!
//! A file that is dropped removes itself; a process that is ended from outside drops nothing. So the
//! files that are open are written down here, the one state that belongs to the whole process.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

/// The temporary files that exist, and the folders that were made for each, from the outermost.
static OPEN: Mutex<BTreeMap<PathBuf, Vec<PathBuf>>> = Mutex::new(BTreeMap::new());

fn open() -> MutexGuard<'static, BTreeMap<PathBuf, Vec<PathBuf>>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A temporary file; dropped, it is removed.
#[derive(Debug)]
pub(super) struct Temporary {
    // `None` only while it is put in its place or removed.
    file: Option<tempfile::NamedTempFile>,
    path: PathBuf,
}

impl Temporary {
    /// Makes a file, and writes down which folders were made for it.
    pub fn new(
        folders: &[PathBuf],
        make: impl FnOnce() -> io::Result<tempfile::NamedTempFile>,
    ) -> io::Result<Temporary> {
        // Held while the file is made, so that none is made behind the back of `abandon`.
        let mut all = open();
        let file = make()?;
        let path = file.path().to_path_buf();
        all.insert(path.clone(), folders.to_vec());
        Ok(Temporary { file: Some(file), path })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A handle to write with.
    pub fn handle(&self) -> io::Result<File> {
        match &self.file {
            Some(file) => file.as_file().try_clone(),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Puts it in its place; `turn` says that nothing else happens to temporary files meanwhile.
    pub fn persist(mut self, target: &Path, turn: &mut Turn) -> io::Result<()> {
        let Some(file) = self.file.take() else { return Err(io::ErrorKind::NotFound.into()) };
        let result = file.persist(target).map(|_| ()).map_err(|e| e.error);
        turn.0.remove(&self.path);
        result
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What was put in its place or removed has been struck out already.
        if let Some(file) = self.file.take() {
            let mut all = open();
            drop(file);
            all.remove(&self.path);
        }
    }
}

/// While it lives, no temporary file is made or removed by another thread, and the program is not
/// stopped: several files get their places together.
pub(super) struct Turn(MutexGuard<'static, BTreeMap<PathBuf, Vec<PathBuf>>>);

impl Turn {
    pub fn begin() -> Turn {
        Turn(open())
    }
}

/// What [`abandon`] leaves: until it is dropped, no output file is begun or put in its place.
#[must_use = "hold it until the process ends"]
pub struct Abandoned {
    _turn: Option<Turn>,
}

/// How long to wait for files that are being put in their places, and how often to look.
const PATIENCE: (u32, Duration) = (20, Duration::from_millis(100));

/// Removes every output file that is not in its place yet, and the folders that were made for it: for a
/// program that is told to stop. Waits for files that are being put in their places.
///
/// What is being written in other threads meanwhile goes nowhere; end the process after this.
pub fn abandon() -> Abandoned {
    // Not for ever: one of them may be a pipe that nobody reads.
    let mut turn = None;
    for _ in 0..PATIENCE.0 {
        turn = match OPEN.try_lock() {
            Ok(all) => Some(Turn(all)),
            Err(TryLockError::Poisoned(all)) => Some(Turn(all.into_inner())),
            Err(TryLockError::WouldBlock) => None,
        };
        if turn.is_some() {
            break;
        }
        std::thread::sleep(PATIENCE.1);
    }
    if let Some(turn) = &mut turn {
        let all = std::mem::take(&mut *turn.0);
        for path in all.keys() {
            let _ = fs::remove_file(path);
        }
        // Only empty ones go; the deepest first.
        let mut folders: Vec<PathBuf> = all.into_values().flatten().collect();
        folders.sort();
        for folder in folders.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
    }
    Abandoned { _turn: turn }
}
