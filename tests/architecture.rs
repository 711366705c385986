//! The rules of the house that a compiler does not know: who may import whom, how long a file may
//! be, and that nothing is left half done. docs/ARCHITECTURE.md explains them, and its table of
//! modules is held against the one here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each module with those it may import, every one of which stands above it.
const MODULES: &[(&str, &[&str])] = &[
    ("numeric", &[]),
    ("diagnostic", &[]),
    ("toml_file", &["diagnostic"]),
    ("data", &["numeric", "diagnostic"]),
    ("describe", &["data"]),
    ("design", &["numeric", "data"]),
    ("sampling", &["numeric", "diagnostic", "toml_file", "data", "design"]),
    ("draw", &["numeric", "diagnostic", "toml_file", "data", "sampling"]),
    ("populate", &["numeric", "diagnostic", "toml_file", "data"]),
    ("planning", &["numeric", "diagnostic", "toml_file", "data", "sampling"]),
    ("aggregate", &["numeric", "data", "design"]),
    ("weight", &["numeric", "data", "design", "aggregate"]),
    ("replicate", &["numeric", "data", "design", "aggregate", "weight"]),
    ("estimate", &["numeric", "data", "design", "aggregate", "weight", "replicate"]),
    ("compare", &["numeric", "diagnostic", "data", "estimate"]),
    ("model", &["numeric", "data", "aggregate", "replicate", "estimate"]),
    ("report", &["numeric", "sampling", "planning", "weight", "estimate", "compare", "model"]),
    (
        "study",
        &[
            "numeric",
            "diagnostic",
            "toml_file",
            "data",
            "describe",
            "design",
            "sampling",
            "aggregate",
            "weight",
            "replicate",
            "estimate",
            "compare",
            "model",
            "report",
        ],
    ),
    (
        "simulate",
        &["numeric", "diagnostic", "data", "sampling", "draw", "estimate", "report", "study"],
    ),
    ("validate", &["diagnostic", "estimate", "compare", "report", "study"]),
    (
        "cli",
        &[
            "numeric",
            "diagnostic",
            "data",
            "describe",
            "sampling",
            "draw",
            "populate",
            "planning",
            "report",
            "study",
            "simulate",
            "validate",
        ],
    ),
];

/// Lines a source file may have.
const LONGEST: usize = 600;

/// What an unfinished piece of work looks like, spelt so that this file does not contain it.
const UNFINISHED: [&str; 3] = ["todo\x21", "unimplemented\x21", "\x23[ignore"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files below a folder, in order.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The files of `src` with their text.
fn sources() -> Vec<(String, String)> {
    let src = root().join("src");
    rust_files(&src)
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(&src).expect("below src");
            let name = name.to_str().expect("UTF-8").replace('\\', "/");
            (name, fs::read_to_string(&path).expect("UTF-8 text"))
        })
        .collect()
}

/// The module a file belongs to: `estimate` for `estimate/deff.rs`.
fn module_of(file: &str) -> &str {
    file.split('/').next().unwrap_or(file).trim_end_matches(".rs")
}

/// The text without comments, so that a link in prose is no import.
fn code(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

/// The modules named after `prefix` (`crate::` or `rakewell::`), alone or in braces.
fn imports(code: &str, prefix: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices(prefix) {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            None => found.extend(leading_name(rest)),
            Some(group) => {
                let mut depth = 0;
                let mut item = 0;
                for (i, c) in group.char_indices() {
                    let ends = depth == 0 && (c == ',' || c == '}');
                    if ends {
                        found.extend(leading_name(group[item..i].trim()));
                        item = i + 1;
                    }
                    if c == '}' && depth == 0 {
                        break;
                    }
                    depth += i32::from(c == '{') - i32::from(c == '}');
                }
            }
        }
    }
    found
}

fn leading_name(text: &str) -> Option<String> {
    let name: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

/// Imports that are not allowed, as `file imports module`.
fn forbidden(files: &[(String, String)]) -> Vec<String> {
    let allowed: BTreeMap<&str, &[&str]> = MODULES.iter().copied().collect();
    let mut wrong = Vec::new();
    for (file, text) in files {
        let module = module_of(file);
        if matches!(module, "lib" | "main") {
            continue;
        }
        let Some(allowed) = allowed.get(module) else {
            wrong.push(format!("{file}: module `{module}` is not in the table"));
            continue;
        };
        let prefix = if module == "cli" { "rakewell::" } else { "crate::" };
        for import in imports(&code(text), prefix) {
            if import != module && !allowed.contains(&import.as_str()) {
                wrong.push(format!("{file} imports {import}"));
            }
        }
    }
    wrong
}

#[test]
fn modules_import_only_what_stands_above_them() {
    let mut above = BTreeSet::new();
    for (module, may_import) in MODULES {
        for import in *may_import {
            assert!(above.contains(import), "{module} may import {import}, which is not above it");
        }
        above.insert(module);
    }
    let wrong = forbidden(&sources());
    assert!(wrong.is_empty(), "not in the table of docs/ARCHITECTURE.md:\n{}", wrong.join("\n"));
}

#[test]
fn every_module_of_the_table_exists() {
    let files = sources();
    let present: BTreeSet<&str> = files.iter().map(|(file, _)| module_of(file)).collect();
    for (module, _) in MODULES {
        assert!(present.contains(module), "the table has {module}, src has not");
    }
}

#[test]
fn the_page_has_the_same_table() {
    let page = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).expect("the page");
    let names = |cell: &str| -> Vec<String> {
        cell.split('`').skip(1).step_by(2).map(|n| n.trim_end_matches('/').to_string()).collect()
    };
    let table: Vec<(String, Vec<String>)> = page
        .lines()
        .skip_while(|line| !line.starts_with("| module |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
            (names(cells[0]).join(" "), names(cells.last().expect("a cell")))
        })
        .collect();
    let ours: Vec<(String, Vec<String>)> = MODULES
        .iter()
        .map(|(m, list)| (m.to_string(), list.iter().map(ToString::to_string).collect()))
        .collect();
    assert_eq!(table, ours);
}

#[test]
fn no_file_is_too_long() {
    let long: Vec<String> = sources()
        .iter()
        .map(|(file, text)| (file, text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST)
        .map(|(file, lines)| format!("{file}: {lines} lines"))
        .collect();
    assert!(long.is_empty(), "more than {LONGEST} lines:\n{}", long.join("\n"));
}

#[test]
fn nothing_is_left_half_done() {
    let mut files = sources();
    for path in rust_files(&root().join("tests")) {
        files.push((path.display().to_string(), fs::read_to_string(&path).expect("UTF-8 text")));
    }
    let found: Vec<String> = files
        .iter()
        .flat_map(|(file, text)| text.lines().enumerate().map(move |line| (file, line)))
        .filter(|(_, (_, line))| UNFINISHED.iter().any(|mark| line.contains(mark)))
        .map(|(file, (number, line))| format!("{file}:{}: {}", number + 1, line.trim()))
        .collect();
    assert!(found.is_empty(), "unfinished:\n{}", found.join("\n"));
}

#[test]
fn the_check_itself_sees_what_is_wrong() {
    let found = imports(
        "use crate::data::Table;\nuse crate::{numeric::{sum, Sum}, study};\nlet x = crate::report::csv(d);",
        "crate::",
    );
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["data", "numeric", "report", "study"]);
    let file = |name: &str, text: &str| (name.to_string(), text.to_string());
    let wrong = forbidden(&[
        file("data/mod.rs", "use crate::study::load;\n// crate::report in a comment\n"),
        file("plan/mod.rs", ""),
        file("cli/run.rs", "use rakewell::{report, weight::Ledger};"),
        file("study/run.rs", "use crate::report::html;"),
    ]);
    assert_eq!(
        wrong,
        [
            "data/mod.rs imports study",
            "plan/mod.rs: module `plan` is not in the table",
            "cli/run.rs imports weight",
        ]
    );
}
