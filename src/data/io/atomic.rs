//! Files that are written whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

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
/// complete and on the disk.
///
/// `write` fills a temporary file in the same folder (parent folders are made), which is then
/// flushed, synchronised and renamed. An existing file keeps its permissions; a symbolic link is
/// followed; anything that is neither file nor folder (a pipe, `/dev/stdout`) is written to
/// directly.
///
/// # Errors
/// When `write` fails or the system does; the temporary file is then removed.
pub fn write_atomically(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), WriteError> {
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
            fs::canonicalize(path).map_err(failed)?
        }
        Ok(_) => {
            let file = File::options().write(true).open(path).map_err(failed)?;
            let mut out = BufWriter::new(file);
            return write(&mut out).and_then(|()| out.flush()).map_err(failed);
        }
        Err(_) => path.to_path_buf(),
    };
    if target.file_name().is_none() || path.as_os_str().to_string_lossy().ends_with('/') {
        return Err(WriteError::NoName { path: path.to_path_buf() });
    }
    let folder = match target.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(failed)?;
    let temporary = temporary_in(folder, &target).map_err(failed)?;
    let mut out =
        BufWriter::with_capacity(1 << 17, temporary.as_file().try_clone().map_err(failed)?);
    write(&mut out).map_err(failed)?;
    out.flush().map_err(failed)?;
    drop(out);
    temporary.as_file().sync_all().map_err(failed)?;
    temporary.persist(&target).map_err(|e| explain(path, e.error))?;
    // The rename itself reaches the disk with the folder. Not every file system can do this,
    // and the file is complete either way.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
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
