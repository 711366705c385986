//! Studies that pool a general sample and its boost.

use std::fs;
use std::path::Path;

use rakewell::study;

/// Eight people. Those of area 2 who are of the minority could have been drawn by either sample;
/// the last row is of the boost, but not of the minority.
const DATA: &str = "\
origin,stratum,psu,area,minority,w,pg,pb,y
general,1,1,1,0,100,0.01,0,1
general,1,1,1,1,100,0.01,0,0
general,1,2,2,1,100,0.01,0.04,1
general,1,2,2,0,100,0.01,0,1
boost,2,3,2,1,25,0.01,0.04,1
boost,2,3,2,1,25,0.01,0.04,0
boost,2,4,2,1,25,0.01,0.04,0
boost,2,4,2,0,25,0.01,0,1
";

fn folder(samples: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("d.csv"), DATA).unwrap();
    let study = format!(
        "title = \"T\"\n[data]\nfile = \"d.csv\"\n[design]\nstrata = \"stratum\"\nclusters = \
         \"psu\"\nweight = \"w\"\n[[weighting]]\nstep = \"combine\"\n[weighting.samples]\n\
         variable = \"origin\"\n{samples}\n[[estimate]]\nname = \"y\"\ntotal = \"y\"\n[report]\n\
         weights = \"w.csv\"\n"
    );
    fs::write(folder.path().join("study.toml"), study).unwrap();
    folder
}

fn weights(folder: &Path) -> Vec<f64> {
    let path = folder.join("study.toml");
    let finished = study::run(&path).unwrap_or_else(|e| panic!("{e}"));
    finished.write(&path).unwrap_or_else(|e| panic!("{}", e.mistakes));
    let text = fs::read_to_string(folder.join("output/w.csv")).unwrap();
    let last = |line: &str| line.rsplit(',').next().and_then(|w| w.parse().ok());
    text.lines().skip(1).map(|line| last(line).unwrap()).collect()
}

fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() < 1e-12 * b.abs().max(1.0), "{found:?}");
    }
}

const PROBABILITIES: &str = "probabilities = { general = \"pg\", boost = \"pb\" }\n";

#[test]
fn by_probabilities() {
    let any = 1.0 / (1.0 - 0.99 * 0.96);
    let f = folder(&format!("{PROBABILITIES}method = \"total-probability\""));
    close(&weights(f.path()), &[100.0, 100.0, any, 100.0, any, any, any, 0.0]);
    let f = folder(&format!("{PROBABILITIES}method = \"sum-of-probabilities\""));
    close(&weights(f.path()), &[100.0, 100.0, 20.0, 100.0, 20.0, 20.0, 20.0, 0.0]);
}

/// Kish's effective sizes are 1 and 3.
#[test]
fn by_shares_of_frames() {
    let f = folder(
        "frames = { general = \"*\", boost = \"area == 2 and minority == 1\" }\n\
         method = \"composite\"",
    );
    close(&weights(f.path()), &[100.0, 100.0, 25.0, 100.0, 18.75, 18.75, 18.75, 0.0]);
}

#[test]
fn mistakes_have_their_place() {
    let wrong = |samples: &str| {
        study::run(&folder(samples).path().join("study.toml")).map(drop).unwrap_err().to_string()
    };
    let text =
        wrong("probabilities = { genral = \"pg\", boost = \"pb\" }\nmethod = \"multiplicity\"");
    assert!(text.contains("genral") && text.contains("did you mean `general`"), "{text}");
    let text =
        wrong("probabilities = { general = \"pg\", boost = \"w\" }\nmethod = \"multiplicity\"");
    assert!(text.contains("probability under the sample `boost` is 100 in row 1"), "{text}");
    let text =
        wrong("probabilities = { general = \"pg\", boost = \"pbb\" }\nmethod = \"multiplicity\"");
    assert!(text.contains("there is no column `pbb`"), "{text}");
}
