//! Files that are written whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::temporary::{Temporary, Turn};

/// Why a file cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// A folder stands where the file should go.
    #[error("cannot write `{}`: a folder has that name", path.display())]
    Directory {
        /// The path.
        path: PathBuf,
    },
    /// A file stands where a folder should be.
    #[error("cannot write `{}`: `{}` is not a folder", path.display(), file.display())]
    NotAFolder {
        /// The path.
        path: PathBuf,
        /// The file that is in the way.
        file: PathBuf,
    },
    /// The system does not let this user write there.
    #[error("no permission to write `{}`", path.display())]
    Permission {
        /// The path.
        path: PathBuf,
    },
    /// No space is left.
    #[error("cannot write `{}`: the disk is full", path.display())]
    Full {
        /// The path.
        path: PathBuf,
    },
    /// The path does not end in a file name.
    #[error("`{}` is not the name of a file", path.display())]
    NoName {
        /// The path.
        path: PathBuf,
    },
    /// Anything else.
    #[error("cannot write `{}`: {source}", path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl WriteError {
    /// The way out.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            WriteError::Directory { .. } => Some("remove the folder or choose another name"),
            WriteError::NotAFolder { .. } => Some("move that file or choose another folder"),
            WriteError::Permission { .. } => Some("choose a folder you may write to"),
            WriteError::Full { .. } => Some("free some space; nothing was replaced"),
            WriteError::NoName { .. } | WriteError::Io { .. } => None,
        }
    }
}

/// Writes a file whole or not at all: what stood there before stays until the new content is
/// complete and on the disk. See [`stage`].
///
/// # Errors
/// When `write` fails or the system does; the temporary file is then removed.
pub fn write_atomically(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), WriteError> {
    stage(path, write)?.commit()
}

/// A file that is complete and on the disk, but not yet in its place. Dropped, it leaves nothing
/// behind.
#[derive(Debug)]
pub struct Staged {
    path: PathBuf,
    /// The path behind symbolic links; `None` for what is written to rather than replaced.
    target: Option<PathBuf>,
    // The order counts: the file goes before the folders that were made for it.
    content: Temporary,
    folders: Made,
}

/// Folders that were made, from the outermost; removed when dropped, as far as they are empty.
#[derive(Debug, Default)]
struct Made(Vec<PathBuf>);

impl Drop for Made {
    fn drop(&mut self) {
        for folder in self.0.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Prepares a file in all but its name.
///
/// `write` fills a temporary file in the same folder (parent folders are made), which is then
/// flushed and synchronised; [`Staged::commit`] renames it. An existing file keeps its
/// permissions; a symbolic link is followed; what is neither file nor folder (a pipe,
/// `/dev/stdout`) gets the content when it is committed.
///
/// # Errors
/// When `write` fails or the system does; nothing is then left behind.
pub fn stage(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<Staged, WriteError> {
    let failed = |source| explain(path, source);
    let target = match fs::metadata(path) {
        Ok(found) if found.is_dir() => {
            return Err(WriteError::Directory { path: path.to_path_buf() });
        }
        Ok(found) if found.is_file() => {
            // A rename would replace even a file that its owner has protected.
            if found.permissions().readonly() {
                return Err(WriteError::Permission { path: path.to_path_buf() });
            }
            Some(fs::canonicalize(path).map_err(failed)?)
        }
        Ok(_) => None,
        Err(_) => Some(path.to_path_buf()),
    };
    let mut folders = Made::default();
    let content = match &target {
        None => Temporary::new(&[], tempfile::NamedTempFile::new).map_err(failed)?,
        Some(target) => {
            if target.file_name().is_none() || path.as_os_str().to_string_lossy().ends_with('/') {
                return Err(WriteError::NoName { path: path.to_path_buf() });
            }
            let folder = folder_of(target);
            let missing = |f: &&Path| !f.as_os_str().is_empty() && fs::symlink_metadata(f).is_err();
            let mut new: Vec<PathBuf> =
                folder.ancestors().take_while(missing).map(Path::to_path_buf).collect();
            new.reverse();
            folders = Made(new);
            fs::create_dir_all(folder).map_err(failed)?;
            Temporary::new(&folders.0, || temporary_in(folder, target)).map_err(failed)?
        }
    };
    let mut out = BufWriter::with_capacity(1 << 17, content.handle().map_err(failed)?);
    write(&mut out).map_err(failed)?;
    out.flush().map_err(failed)?;
    out.get_ref().sync_all().map_err(failed)?;
    drop(out);
    Ok(Staged { path: path.to_path_buf(), target, content, folders })
}

impl Staged {
    /// Where the file will stand.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where its content stands now, to be looked at.
    pub fn content(&self) -> &Path {
        self.content.path()
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// When the system can't; what stood there before stays.
    pub fn commit(self) -> Result<(), WriteError> {
        self.put(Turn::begin()).map(drop).map_err(|(error, _)| error)
    }

    /// The same; with an error come the folders that were made, to go when they are empty.
    fn put(self, mut turn: Turn) -> Result<Turn, (WriteError, Made)> {
        let Staged { path, target, content, mut folders } = self;
        let Some(target) = target else {
            // A pipe can take its time, and the program may be told to stop meanwhile.
            drop(turn);
            return match copy(content.path(), &path) {
                Ok(()) => Ok(Turn::begin()),
                Err(e) => Err((explain(&path, e), folders)),
            };
        };
        let put = content.persist(&target, &mut turn);
        if let Err(e) = put {
            drop(turn);
            return Err((explain(&path, e), folders));
        }
        folders.0.clear();
        // The rename itself reaches the disk with the folder. Not every file system can do this,
        // and the file is complete either way.
        if let Ok(folder) = File::open(folder_of(&target)) {
            let _ = folder.sync_all();
        }
        Ok(turn)
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut from = File::open(from)?;
    let mut to = File::options().write(true).open(to)?;
    io::copy(&mut from, &mut to).map(|_| ())
}

fn folder_of(target: &Path) -> &Path {
    match target.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    }
}

/// Several files that are written together: first all are complete, then each gets its place.
///
/// Dropped before that, it leaves nothing behind.
#[derive(Debug, Default)]
pub struct Batch(Vec<Staged>);

impl Batch {
    /// Adds a file.
    pub fn push(&mut self, file: Staged) {
        self.0.push(file);
    }

    /// Puts all files in their places, in the order they were added, but pipes and the like before the
    /// others: what is written there cannot be taken back. Gives their paths.
    ///
    /// # Errors
    /// When the system can't, which is rare, since the folders have been written to already: the
    /// paths of the files that stand in their places by then, and why the next does not. Those
    /// after it are left as they were.
    pub fn commit(mut self) -> Result<Vec<PathBuf>, (Vec<PathBuf>, WriteError)> {
        let mut done = Vec::new();
        let mut files = std::mem::take(&mut self.0);
        files.sort_by_key(|file| file.target.is_some());
        files.reverse();
        // A program that is told to stop in between puts all of them in their places first.
        let mut turn = Turn::begin();
        while let Some(file) = files.pop() {
            let path = file.path.clone();
            match file.put(turn) {
                Ok(next) => turn = next,
                Err((error, folders)) => {
                    // The files that have no place yet go before the folders that were made for them.
                    files.reverse();
                    drop(Batch(files));
                    drop(folders);
                    return Err((done, error));
                }
            }
            done.push(path);
        }
        Ok(done)
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        // The first file made the folders, which go when they are empty.
        while self.0.pop().is_some() {}
    }
}

/// A temporary file with the permissions the final one is to have: those of the file it
/// replaces, or the usual ones (a plain temporary file would be readable by its owner only).
fn temporary_in(folder: &Path, target: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".rakewell-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let temporary = builder.tempfile_in(folder)?;
    if let Ok(old) = fs::metadata(target) {
        temporary.as_file().set_permissions(old.permissions())?;
    }
    Ok(temporary)
}

fn explain(path: &Path, source: io::Error) -> WriteError {
    let path = path.to_path_buf();
    match source.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            WriteError::Permission { path }
        }
        io::ErrorKind::IsADirectory => WriteError::Directory { path },
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => WriteError::Full { path },
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            match path.ancestors().skip(1).find(|p| p.is_file()).map(Path::to_path_buf) {
                Some(file) => WriteError::NotAFolder { path, file },
                None => WriteError::Io { path, source },
            }
        }
        _ => WriteError::Io { path, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn parents_are_made_and_old_content_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/out.txt");
        write_atomically(&path, |w| w.write_all(b"one")).unwrap();
        write_atomically(&path, |w| w.write_all(b"two")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(entries(path.parent().unwrap()), 1);
    }

    #[test]
    fn a_failure_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.txt");
        fs::write(&path, "old").unwrap();
        let result = write_atomically(&path, |w| {
            w.write_all(b"half")?;
            Err(io::Error::other("stopped"))
        });
        assert!(matches!(result, Err(WriteError::Io { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(entries(folder.path()), 1);
    }

    #[test]
    fn a_batch_is_written_together_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let add = |batch: &mut Batch, name: &str| {
            batch.push(stage(&path(name), |w| w.write_all(name.as_bytes())).unwrap());
        };
        let mut batch = Batch::default();
        for name in ["new/deep/a", "new/deep/b", "c"] {
            add(&mut batch, name);
            assert!(!path(name).exists(), "{name}");
        }
        assert!(stage(&path("new/deep/a/d"), |_| Ok(())).is_ok());
        drop(batch);
        assert_eq!(entries(folder.path()), 0);

        let mut batch = Batch::default();
        ["new/deep/a", "new/deep/b", "c"].iter().for_each(|name| add(&mut batch, name));
        let done = batch.commit().unwrap();
        assert_eq!(done, ["new/deep/a", "new/deep/b", "c"].map(path));
        assert_eq!(fs::read_to_string(path("new/deep/b")).unwrap(), "new/deep/b");
        assert_eq!((entries(folder.path()), entries(&path("new/deep"))), (2, 2));
    }

    #[test]
    fn a_batch_that_fails_late_says_what_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let mut batch = Batch::default();
        for name in ["a", "b", "c"] {
            fs::write(path(name), "old").unwrap();
            batch.push(stage(&path(name), |w| w.write_all(b"new")).unwrap());
        }
        // A folder takes the place of a file between the two steps.
        fs::remove_file(path("b")).unwrap();
        fs::create_dir(path("b")).unwrap();
        let (done, error) = batch.commit().unwrap_err();
        assert_eq!(done, [path("a")]);
        assert!(error.to_string().contains("b`"), "{error}");
        let read = |name: &str| fs::read_to_string(path(name)).unwrap();
        assert_eq!([read("a"), read("c")], ["new", "old"]);
        assert_eq!(entries(folder.path()), 3);
    }

    #[test]
    fn what_is_in_the_way_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let result = write_atomically(folder.path(), |_| Ok(()));
        assert!(matches!(result, Err(WriteError::Directory { .. })));
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let result = write_atomically(&file.join("out.txt"), |_| Ok(()));
        assert!(matches!(result, Err(WriteError::NotAFolder { .. })), "{result:?}");
        let result = write_atomically(&folder.path().join("new/"), |_| Ok(()));
        assert!(matches!(result, Err(WriteError::NoName { .. })), "{result:?}");
    }

    #[cfg(unix)]
    #[test]
    fn permissions_stay_and_links_are_followed() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        write_atomically(&link, |w| w.write_all(b"new")).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o440)).unwrap();
        let result = write_atomically(&path, |_| Ok(()));
        assert!(matches!(result, Err(WriteError::Permission { .. })));
    }

    #[test]
    fn causes_are_told_apart() {
        let path = Path::new("out.txt");
        let made = |kind: io::ErrorKind| explain(path, kind.into());
        assert!(matches!(made(io::ErrorKind::PermissionDenied), WriteError::Permission { .. }));
        assert!(matches!(made(io::ErrorKind::StorageFull), WriteError::Full { .. }));
    }
}
