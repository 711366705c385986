//! Files that are none, and programs that are stopped: nothing hangs, nothing grows, nothing stays behind.
#![cfg(unix)]

mod program;

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use program::{folder, rakewell};

const STUDY: &str = "title = \"T\"\n[data]\nfile = \"FILE\"\n[design]\nweight = \"w\"\n\
    [[weighting]]\nstep = \"post-stratify\"\nmargins = \"MARGINS\"\n\
    [[estimate]]\nmean = \"y\"\n";

const DATA: &str = "sex,w,y\nf,1,2\nm,1,3\nf,1,4\n";
const MARGINS: &str = "variable,level,total\nsex,f,30\nsex,m,20\n";

fn study(file: &str, margins: &str) -> String {
    STUDY.replace("FILE", file).replace("MARGINS", margins)
}

fn make_pipe(path: &std::path::Path) {
    assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo").success());
}

#[test]
fn devices_and_pipes_are_no_data() {
    let folder = folder(&[("s.toml", &study("/dev/zero", "m.csv")), ("m.csv", MARGINS)]);
    make_pipe(&folder.path().join("p.csv"));
    make_pipe(&folder.path().join("p.parquet"));
    let clock = Instant::now();
    for file in ["/dev/zero", "/dev/null", "/dev/urandom"] {
        rakewell(folder.path(), &["describe", file]).refused(&["is a device, not a file"]);
    }
    for file in ["p.csv", "p.parquet"] {
        rakewell(folder.path(), &["describe", file])
            .refused(&["is a pipe, not a file", "write its content to a file first"]);
    }
    let checked = rakewell(folder.path(), &["check", "s.toml"]);
    assert!(checked.out.contains("`/dev/zero` is a device"), "{}{}", checked.out, checked.err);
    assert!(clock.elapsed() < Duration::from_secs(60), "{:?}", clock.elapsed());
}

#[test]
fn devices_and_pipes_are_no_margins_and_pipes_may_be_ledgers() {
    let folder = folder(&[("d.csv", DATA), ("m.csv", MARGINS)]);
    let write = |file: &str| fs::write(folder.path().join("s.toml"), study("d.csv", file));
    write("m.csv").expect("written");
    rakewell(folder.path(), &["weigh", "s.toml"]).done();
    write("/dev/zero").expect("written");
    rakewell(folder.path(), &["run", "s.toml"]).refused(&["`/dev/zero` is a device, not a file"]);
    make_pipe(&folder.path().join("p.csv"));
    write("p.csv").expect("written");
    rakewell(folder.path(), &["run", "s.toml"]).refused(&["p.csv` is a pipe, not a file"]);
    // A ledger is read once; one that nobody writes is not waited for without end.
    make_pipe(&folder.path().join("p.json"));
    rakewell(folder.path(), &["diff", "output/ledger.json", "p.json"])
        .refused(&["it is a pipe that no program has written to for 10 seconds"]);
    let pipe = folder.path().join("p.json");
    let ledger = fs::read(folder.path().join("output/ledger.json")).expect("it");
    let writer = std::thread::spawn(move || fs::write(pipe, ledger));
    let out = rakewell(folder.path(), &["diff", "output/ledger.json", "p.json"]).done();
    assert!(out.contains("the same, bit for bit"), "{out}");
    writer.join().expect("it ends").expect("written");
}

#[test]
fn a_link_to_nothing_is_told_as_one() {
    let folder = folder(&[]);
    std::os::unix::fs::symlink("gone.csv", folder.path().join("d.csv")).expect("a link");
    rakewell(folder.path(), &["describe", "d.csv"])
        .refused(&["`d.csv` is a link to `gone.csv`, which is not there"]);
}

#[test]
fn margins_in_utf_16_are_read_like_data() {
    let folder = folder(&[("d.csv", DATA), ("s.toml", &study("d.csv", "m.csv"))]);
    let wide: Vec<u8> = std::iter::once(0xFEFF)
        .chain(MARGINS.encode_utf16())
        .flat_map(|unit: u16| unit.to_le_bytes())
        .collect();
    fs::write(folder.path().join("m.csv"), wide).expect("written");
    rakewell(folder.path(), &["run", "s.toml"]).done();
    fs::write(folder.path().join("m.csv"), b"\xff\xfev\0a").expect("written");
    rakewell(folder.path(), &["run", "s.toml"]).refused(&["begins like text in UTF-16"]);
}

/// A program that is told to stop while it writes leaves nothing beside its outputs.
#[test]
fn a_stopped_program_leaves_no_temporary_files() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        // A pipe that nobody reads holds the program at the moment of writing.
        let folder = folder(&[("d.csv", DATA), ("m.csv", MARGINS)]);
        let text = study("d.csv", "m.csv")
            + "[report]\nfolder = \"out/deep\"\nweights = \"../../p.csv\"\n";
        fs::write(folder.path().join("s.toml"), text).expect("written");
        make_pipe(&folder.path().join("p.csv"));
        let mut child = Command::new(env!("CARGO_BIN_EXE_rakewell"))
            .current_dir(folder.path())
            .args(["run", "s.toml"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it runs");
        let hidden = || {
            let found = fs::read_dir(folder.path().join("out/deep"));
            let names = found.into_iter().flatten().flatten().map(|e| e.file_name());
            names.filter(|n| n.to_string_lossy().starts_with(".rakewell-")).count()
        };
        let clock = Instant::now();
        while hidden() == 0 && clock.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(hidden() > 0, "the temporary files are there before");
        let kill = Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(kill.expect("kill").success());
        let status = child.wait().expect("it ends");
        assert_eq!(status.code(), Some(code), "{status}");
        assert_eq!(hidden(), 0, "{signal}");
    }
}
