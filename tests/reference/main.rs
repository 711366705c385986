//! Runs every reference case through the library's public API.
//!
//! `RAKEWELL_CASES=FOLDER` runs another folder of the same schema (`svyref/1`), and
//! `RAKEWELL_CASE=TEXT` only the cases whose id contains the text, with every difference shown.

mod calibration;
mod case;
mod check;
mod data;
mod design;
mod estimate;
mod formula;
mod hypotheses;
mod imputed;
mod regression;
mod selection;
mod statistics;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use case::{Case, Outcome};

fn main() -> ExitCode {
    // Test runners ask for the list of tests first; this one is a single test.
    if std::env::args().any(|a| a == "--list") {
        println!("reference: test");
        return ExitCode::SUCCESS;
    }
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("validation/reference");
    let given = std::env::var_os("RAKEWELL_CASES").map(PathBuf::from);
    let root = given.unwrap_or_else(|| shipped.clone());
    // The folder holds `cases`, `data` and `expected`, or is itself the folder of cases.
    let (folder, root) = match root.join("cases") {
        cases if cases.is_dir() => (cases, root),
        _ => (root.clone(), root.parent().map_or(root.clone(), Path::to_path_buf)),
    };
    let only = std::env::var("RAKEWELL_CASE").ok();
    let mut files: Vec<PathBuf> = match std::fs::read_dir(&folder) {
        Ok(entries) => entries.flatten().map(|e| e.path()).collect(),
        Err(e) => {
            println!("reference: cannot read {}: {e}", folder.display());
            return ExitCode::FAILURE;
        }
    };
    files.retain(|f| f.extension().is_some_and(|e| e == "json"));
    files.sort();
    let mut features: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    let (mut different, mut reasons) = (Vec::new(), BTreeMap::new());
    let mut cache = data::Cache::new(&[root, shipped]);
    for file in &files {
        let case = match Case::read(file) {
            Ok(case) => case,
            Err(e) => {
                different.push(format!("{}: {e}", file.display()));
                features.entry("unreadable".into()).or_default()[1] += 1;
                continue;
            }
        };
        if only.as_ref().is_some_and(|text| !case.id.contains(text)) {
            continue;
        }
        let counts = features.entry(case.feature.clone()).or_default();
        match case::run(&case, &mut cache) {
            Outcome::Agree => counts[0] += 1,
            Outcome::Differ(what) => {
                counts[1] += 1;
                different.push(format!(
                    "{} ({}):\n    {}",
                    case.id,
                    case.feature,
                    what.join("\n    ")
                ));
            }
            Outcome::Unsupported(why) => {
                counts[2] += 1;
                reasons.entry(why).or_insert_with(Vec::new).push(case.id.clone());
            }
        }
    }
    for (why, ids) in &reasons {
        println!("unsupported: {why}: {}", ids.join(" "));
    }
    for what in &different {
        println!("differs: {what}");
    }
    let mut sum = [0; 3];
    for (feature, [agree, differ, unsupported]) in &features {
        println!("feature {feature}: {agree} agree, {differ} differ, {unsupported} unsupported");
        sum.iter_mut().zip([agree, differ, unsupported]).for_each(|(s, n)| *s += n);
    }
    println!("reference: {} agree, {} differ, {} unsupported", sum[0], sum[1], sum[2]);
    if sum[1] > 0 || sum[0] == 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
