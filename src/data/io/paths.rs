//! Paths as people write them.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// The same path without detours such as `output/../data`; empty for the folder one is in. A detour through
/// a link stays, for it leads elsewhere.
pub fn tidied(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        let back = matches!(part, Component::ParentDir)
            && matches!(out.components().next_back(), Some(Component::Normal(_)))
            && !out.is_symlink();
        match part {
            Component::CurDir => {}
            _ if back => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

/// A file as it is named in a file of another folder: by the way from there, up and down. `None` where
/// there is none (other drives), or a folder does not exist.
pub fn seen_from(folder: &Path, file: &Path) -> Option<PathBuf> {
    let or_here = |path: &Path| match path.as_os_str().is_empty() {
        true => Path::new(".").canonicalize().ok(),
        false => path.canonicalize().ok(),
    };
    // The name stays as it is: it may be a link.
    let (from, to) = (or_here(folder)?, or_here(file.parent()?)?);
    let common = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    if common == 0 {
        return None;
    }
    let up = from.components().skip(common).map(|_| OsStr::new(".."));
    let down = to.components().skip(common).map(|part| part.as_os_str().to_owned());
    let mut way: PathBuf = up.map(OsStr::to_owned).chain(down).collect();
    way.push(file.file_name()?);
    Some(way)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detours_are_taken_out() {
        for (path, tidy) in [
            ("out/../out/w.csv", "out/w.csv"),
            ("./a/./b", "a/b"),
            ("../a/../../b", "../../b"),
            ("a/..", ""),
            ("/a/../b", "/b"),
        ] {
            assert_eq!(tidied(Path::new(path)), Path::new(tidy), "{path}");
        }
    }

    #[test]
    fn the_way_from_one_folder_to_a_file() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        std::fs::create_dir_all(path("a/b")).unwrap();
        std::fs::create_dir_all(path("d")).unwrap();
        let way = |from: &str, to: &str| seen_from(&path(from), &path(to));
        assert_eq!(way("a/b", "d/x.csv"), Some("../../d/x.csv".into()));
        assert_eq!(way("a", "a/x.csv"), Some("x.csv".into()));
        assert_eq!(way("a", "a/b/x.csv"), Some("b/x.csv".into()));
        assert_eq!(way("a", "none/x.csv"), None);
    }
}
