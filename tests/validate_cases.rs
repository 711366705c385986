//! The validation collection itself: every case can be read, its study is a study, and what it
//! expects is there to be found.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use rakewell::study::spec::{Estimate, Names, Study};
use rakewell::validate::{CaseFile, Expect, find_cases, load};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("validation")
}

fn cases() -> Vec<CaseFile> {
    let paths = find_cases(&root()).expect("validation has cases");
    paths.iter().map(|p| load(p).unwrap_or_else(|e| panic!("{e}"))).collect()
}

fn study(case: &CaseFile) -> Study {
    let path = case.study();
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn data_file(case: &CaseFile, study: &Study) -> PathBuf {
    case.study().parent().expect("a study file has a folder").join(&study.data.file)
}

/// The variables of the data file and those the study derives.
fn variables(case: &CaseFile, study: &Study) -> BTreeSet<String> {
    let path = data_file(case, study);
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let header = text.lines().next().unwrap_or("").split(',').map(str::to_string);
    header.chain(study.derive.iter().map(|d| d.name.clone())).collect()
}

fn names(names: &Option<Names>) -> Vec<String> {
    names.iter().flat_map(|n| n.list()).map(str::to_string).collect()
}

fn outcomes(estimate: &Estimate) -> Vec<String> {
    let mut found = names(&estimate.mean);
    found.extend(names(&estimate.total));
    found.extend(names(&estimate.proportion));
    found.extend(estimate.ratio.iter().map(|r| format!("{}/{}", r.numerator, r.denominator)));
    found.extend(estimate.quantile.iter().map(|q| q.of.clone()));
    found
}

#[test]
fn the_collection_is_broad() {
    let cases = cases();
    let sources: BTreeSet<&str> = cases.iter().map(|c| c.case.source.as_str()).collect();
    let values: usize = cases.iter().map(|c| c.case.expect.len()).sum();
    assert!(cases.len() >= 60, "{} cases", cases.len());
    assert!(sources.len() >= 12, "{} sources", sources.len());
    assert!(values >= 550, "{values} values");
}

#[test]
fn every_case_says_where_its_numbers_and_its_data_come_from() {
    for file in cases() {
        let case = &file.case;
        for (key, text) in [
            ("url", &case.url),
            ("place", &case.place),
            ("data", &case.data),
            ("licence", &case.licence),
        ] {
            let given = text.as_deref().is_some_and(|t| !t.trim().is_empty());
            assert!(given, "{}: `{key}` is empty", file.path.display());
        }
        assert!(!case.citation.trim().is_empty(), "{}", file.path.display());
    }
}

#[test]
fn studies_name_variables_that_their_data_have() {
    for file in cases() {
        let study = study(&file);
        let known = variables(&file, &study);
        let design = &study.design;
        let mut used: Vec<String> =
            [&design.strata, &design.clusters, &design.probabilities, &design.fpc]
                .into_iter()
                .flat_map(names)
                .collect();
        used.extend(design.weight.clone());
        for step in &study.weighting {
            used.extend(step.margin.iter().flat_map(|m| m.variables()).map(str::to_string));
            used.extend(step.totals.0.iter().map(|(name, _)| name.clone()));
        }
        for estimate in &study.estimate {
            for outcome in outcomes(estimate) {
                used.extend(outcome.split('/').map(str::to_string));
            }
            used.extend(names(&estimate.by));
        }
        for name in used {
            assert!(known.contains(&name), "{}: no variable `{name}`", file.path.display());
        }
    }
}

#[test]
fn what_is_expected_exists_in_the_study() {
    for file in cases() {
        let study = study(&file);
        for entry in &file.case.expect {
            let expect = entry.get_ref();
            if let Err(problem) = check(expect, &study) {
                panic!("{}: {expect:?}: {problem}", file.path.display());
            }
        }
    }
}

fn check(expect: &Expect, study: &Study) -> Result<(), String> {
    let find = |name: &str| {
        let found = study.estimate.iter().find(|e| e.name.as_deref() == Some(name));
        found.ok_or_else(|| format!("no estimate `{name}`"))
    };
    if let Some(name) = &expect.compare {
        let found = study.compare.iter().find(|c| c.name.as_ref() == Some(name));
        let compare = found.ok_or_else(|| format!("no comparison `{name}`"))?;
        if names(&find(&compare.estimate)?.by).is_empty() {
            return Err("the compared estimate has no `by`".to_string());
        }
        return Ok(());
    }
    let estimate = find(expect.estimate.as_deref().unwrap_or(""))?;
    match &expect.outcome {
        Some(outcome) if !outcomes(estimate).contains(outcome) => {
            return Err(format!("no outcome `{outcome}`"));
        }
        None if outcomes(estimate).len() > 1 => return Err("`outcome` is needed".to_string()),
        _ => {}
    }
    if let Some(probability) = expect.probability
        && !estimate.quantile.as_ref().is_some_and(|q| q.at.contains(&probability))
    {
        return Err(format!("no quantile at {probability}"));
    }
    let named: BTreeSet<String> = expect.domain.0.iter().map(|(name, _)| name.clone()).collect();
    let crossed: BTreeSet<String> = names(&estimate.by).into_iter().collect();
    if named != crossed {
        return Err(format!("`domain` names {named:?}, `by` is {crossed:?}"));
    }
    Ok(())
}

#[test]
fn data_files_exist_and_their_provenance_is_listed() {
    let listed = fs::read_to_string(root().join("data/README.md")).expect("data/README.md");
    let mut used = BTreeSet::new();
    for file in cases() {
        let path = data_file(&file, &study(&file));
        assert!(path.is_file(), "{}: no {}", file.path.display(), path.display());
        used.insert(path.file_name().expect("a file name").to_string_lossy().into_owned());
    }
    for name in &used {
        assert!(listed.contains(&format!("| `{name}` |")), "data/README.md does not list {name}");
    }
    for entry in fs::read_dir(root().join("data")).expect("validation/data") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        assert!(name == "README.md" || used.contains(&name), "no case uses data/{name}");
    }
}

#[test]
fn the_overview_counts_the_cases_of_every_source() {
    let overview = fs::read_to_string(root().join("README.md")).expect("validation/README.md");
    let mut count = BTreeMap::new();
    for file in cases() {
        let folder = file.path.strip_prefix(root()).expect("below the folder");
        let source = folder.iter().next().expect("a folder").to_string_lossy().into_owned();
        *count.entry(source).or_insert(0) += 1;
    }
    for (source, n) in count {
        let start = format!("| `{source}` |");
        let end = format!("| {n} |");
        let listed = overview.lines().any(|l| l.starts_with(&start) && l.ends_with(&end));
        assert!(listed, "validation/README.md does not say that `{source}` has {n} cases");
    }
}
