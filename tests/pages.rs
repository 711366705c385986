//! README.md and docs/GUIDE.md show what the program really prints: their commands are run, and
//! every line of the output they show must be there, in that order (`…` stands for lines left out).
//!
//! A comment before a code block says what it is:
//! - `<!-- study.toml -->` is the study file, `<!-- study.toml, added -->` is added to its end, and
//!   `<!-- study.toml, instead of: TEXT -->` takes the place of TEXT in it;
//! - `<!-- output of: COMMAND -->` is what a command prints.

use std::fs;
use std::path::Path;
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The code blocks of a page that have a comment: the comment and the lines.
fn blocks(page: &str) -> Vec<(String, Vec<String>)> {
    let text = fs::read_to_string(root().join(page)).expect("the page");
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(comment) = line.strip_prefix("<!-- ").and_then(|l| l.strip_suffix(" -->")) else {
            continue;
        };
        let fence = lines.next().unwrap_or("");
        assert!(fence.starts_with("```"), "{page}: no code block after <!-- {comment} -->");
        let block = lines.by_ref().take_while(|l| *l != "```").map(str::to_string).collect();
        found.push((comment.to_string(), block));
    }
    found
}

/// What a command prints, both streams, as in a terminal of 100 columns.
fn printed(command: &str, folder: &Path) -> String {
    let mut words = command.split_whitespace();
    assert_eq!(words.next(), Some("rakewell"), "{command}");
    let output = Command::new(env!("CARGO_BIN_EXE_rakewell"))
        .args(words)
        .current_dir(folder)
        .env("COLUMNS", "100")
        .env("NO_COLOR", "1")
        .output()
        .expect("the program runs");
    [output.stdout, output.stderr].map(|b| String::from_utf8(b).expect("UTF-8")).concat()
}

/// The first line of a block that the output lacks (after the one before it).
fn missing<'b>(block: &'b [String], output: &str) -> Option<&'b str> {
    let mut rest = output.lines();
    block
        .iter()
        .map(|line| line.trim_end())
        .filter(|line| *line != "…")
        .find(|line| !rest.any(|printed| printed.trim_end() == *line))
}

fn assert_shown(page: &str, command: &str, block: &[String], folder: &Path) {
    let output = printed(command, folder);
    if let Some(line) = missing(block, &output) {
        panic!("{page}: `{command}` does not print this line there:\n{line}\nbut\n{output}");
    }
}

#[test]
fn the_guide_can_be_followed() {
    let page = "docs/GUIDE.md";
    let folder = tempfile::tempdir().expect("a folder");
    fs::copy(root().join("examples/boost/responses.csv"), folder.path().join("responses.csv"))
        .expect("the data");
    let study = folder.path().join("study.toml");
    let (mut studies, mut outputs) = (0, 0);
    for (comment, block) in blocks(page) {
        let text = block.join("\n") + "\n";
        if comment == "study.toml" {
            fs::write(&study, text).expect("written");
        } else if comment == "study.toml, added" {
            let before = fs::read_to_string(&study).expect("a study");
            fs::write(&study, format!("{before}\n{text}")).expect("written");
        } else if let Some(old) = comment.strip_prefix("study.toml, instead of: ") {
            let before = fs::read_to_string(&study).expect("a study");
            assert_eq!(before.matches(old).count(), 1, "{page}: `{old}` in the study");
            fs::write(&study, before.replace(old, text.trim_end())).expect("written");
        } else if let Some(command) = comment.strip_prefix("output of: ") {
            assert_shown(page, command, &block, folder.path());
            outputs += 1;
            continue;
        } else {
            panic!("{page}: what is <!-- {comment} -->?");
        }
        studies += 1;
    }
    assert!(studies >= 3 && outputs >= 3, "{studies} studies, {outputs} outputs");
}

#[test]
fn the_readme_shows_what_is_printed() {
    let page = "README.md";
    // The examples write beside themselves, so they are run on a copy.
    let folder = tempfile::tempdir().expect("a folder");
    let example = folder.path().join("examples/nhanes");
    fs::create_dir_all(&example).expect("a folder");
    for file in ["study.toml", "nhanes.csv"] {
        fs::copy(root().join("examples/nhanes").join(file), example.join(file)).expect("copied");
    }
    let mut outputs = 0;
    for (comment, block) in blocks(page) {
        match comment.strip_prefix("output of: ") {
            Some(command) => {
                assert_shown(page, command, &block, folder.path());
                outputs += 1;
            }
            None if comment == "study.toml" => {
                let text = block.join("\n") + "\n";
                let loaded = rakewell::study::from_text("README.md", &text);
                assert!(loaded.is_ok(), "{page}: {:?}", loaded.err());
            }
            None => assert!(comment.starts_with("ci: "), "{page}: what is <!-- {comment} -->?"),
        }
    }
    assert!(outputs >= 1, "README.md shows no output");
}

#[test]
fn links_lead_to_files() {
    let pages = [
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "docs/ARCHITECTURE.md",
        "docs/GUIDE.md",
        "docs/LIMITATIONS.md",
        "docs/STUDY.md",
        "docs/methods/README.md",
    ];
    for page in pages {
        let text = fs::read_to_string(root().join(page)).expect(page);
        let folder = root().join(page).parent().expect("a folder").to_path_buf();
        for (_, rest) in text.match_indices("](").map(|(at, m)| (at, &text[at + m.len()..])) {
            let target = rest.split([')', '#']).next().unwrap_or("");
            let is_elsewhere = target.starts_with("http") || target.is_empty();
            assert!(is_elsewhere || folder.join(target).exists(), "{page} links to {target}");
        }
    }
}

#[test]
fn the_check_itself_sees_what_is_missing() {
    let block = ["one", "…", "three"].map(str::to_string);
    assert_eq!(missing(&block, "one\ntwo\nthree\n"), None);
    assert_eq!(missing(&block, "three\none\n"), Some("three"));
}
