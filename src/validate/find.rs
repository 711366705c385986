//! Finding the cases of a folder.

use std::fs;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, Diagnostics};

/// The name of a case file.
const FILE: &str = "case.toml";

/// The case files at any depth below `root`, sorted by path; `root` itself when it is a file.
///
/// Links to folders are not followed.
///
/// # Errors
/// When `root` or a folder below it can't be read, or when there is no case.
pub fn find_cases(root: &Path) -> Result<Vec<PathBuf>, Diagnostics> {
    if root.is_file() {
        return Ok(vec![root.to_path_buf()]);
    }
    let mut found = Vec::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).map_err(|e| unreadable(&folder, &e))? {
            let entry = entry.map_err(|e| unreadable(&folder, &e))?;
            let kind = entry.file_type().map_err(|e| unreadable(&entry.path(), &e))?;
            if kind.is_dir() {
                open.push(entry.path());
            } else if entry.file_name() == FILE {
                found.push(entry.path());
            }
        }
    }
    if found.is_empty() {
        return Err(Diagnostic::error(format!("no {FILE} in `{}`", root.display()))
            .help(format!(
                "a case is a folder with a {FILE} and a study.toml; name the folder that holds \
                 them, at any depth"
            ))
            .into());
    }
    found.sort();
    Ok(found)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Diagnostics {
    Diagnostic::error(format!("`{}` can't be read: {error}", path.display()))
        .help("name a folder with cases, or one case.toml")
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_at_any_depth_in_order() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["b/deep/er", "a", "empty"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        for file in ["b/deep/er/case.toml", "a/case.toml", "a/other.toml"] {
            fs::write(root.path().join(file), "").unwrap();
        }
        let found = find_cases(root.path()).unwrap();
        let relative: Vec<_> =
            found.iter().map(|p| p.strip_prefix(root.path()).unwrap().to_path_buf()).collect();
        assert_eq!(relative, [Path::new("a/case.toml"), Path::new("b/deep/er/case.toml")]);
        assert_eq!(find_cases(&found[0]).unwrap(), [found[0].clone()]);
    }

    #[test]
    fn no_case_and_no_folder_are_errors() {
        let root = tempfile::tempdir().unwrap();
        let message = find_cases(root.path()).unwrap_err().to_string();
        assert!(message.contains("no case.toml"), "{message}");
        let message = find_cases(&root.path().join("missing")).unwrap_err().to_string();
        assert!(message.contains("can't be read"), "{message}");
    }
}
