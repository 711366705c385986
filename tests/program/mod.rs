//! The program, run in a folder of a test's own.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// What a command did.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; 128 and the signal where a signal ended it.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ran {
    /// Standard error in one line: long lines are wrapped.
    pub fn flat(&self) -> String {
        self.err.replace(['│', '|'], " ").split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The output of a command that was done.
    #[track_caller]
    pub fn done(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self.out
    }

    /// Holds a refusal against the texts that must be in it.
    #[track_caller]
    pub fn refused(&self, expected: &[&str]) {
        let flat = self.flat();
        assert_eq!(self.code, 1, "{}{}", self.out, self.err);
        for expected in expected {
            assert!(flat.contains(expected), "{expected}: {}", self.err);
        }
    }
}

/// Runs the program in a folder.
pub fn rakewell(folder: &Path, arguments: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_rakewell"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    let code = output.status.code().unwrap_or(-1);
    Ran { code, out: text(output.stdout), err: text(output.stderr) }
}

/// A folder with files.
pub fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("written");
    }
    folder
}
