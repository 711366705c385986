//! What makes a study file and its data easy to work with, as a user meets it: shared recodes, joined files,
//! standard classifications, options.

mod included;
mod joins;
mod options;
#[allow(dead_code)] // Every program that shares it uses some of it.
#[path = "../program/mod.rs"]
mod program;
mod standards;

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use program::folder;

/// Runs the program in a folder; gives the exit code, standard output and standard error.
fn rakewell(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let ran = program::rakewell(folder, arguments);
    (ran.code, ran.out, ran.err)
}

/// The mistakes of a check as (file, line, column, message, help).
fn mistakes(folder: &Path, arguments: &[&str]) -> Vec<(String, u64, u64, String, String)> {
    let all = [&["check", "study.toml", "--format", "json"], arguments].concat();
    let (_, out, err) = rakewell(folder, &all);
    let list: Vec<Value> = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}\n{out}{err}"));
    let text = |m: &Value, key: &str| m[key].as_str().unwrap_or("").to_string();
    let number = |m: &Value, key: &str| m[key].as_u64().unwrap_or(0);
    list.iter()
        .map(|m| {
            let (line, column) = (number(m, "line"), number(m, "column"));
            (text(m, "file"), line, column, text(m, "message"), text(m, "help"))
        })
        .collect()
}

fn results(folder: &Path) -> Value {
    let text = fs::read_to_string(folder.join("output/results.json")).expect("results");
    serde_json::from_str(&text).expect("JSON")
}

const PEOPLE: &str = "\
id,hid,sex,ethnic,y,w
1,1,1,Asian/Asian British: Indian,10,1
2,1,2,WHITE - BRITISH,20,1
3,2,1,white & black caribbean,30,1
4,2,2,Chinese,40,1
5,3,2,Refused,50,1
6,9,1,White: Irish,60,1
";

const HOMES: &str = "hid,region,y\n1,North,100\n2,South,200\n3,South,300\n4,East,400\n";

const STUDY: &str = "\
title = \"T\"
include = [\"shared/recodes.toml\"]
[data]
file = \"people.csv\"
[design]
weight = \"w\"
[[estimate]]
name = \"mean\"
mean = \"y\"
by = \"ethnic5\"
";

const RECODES: &str = "\
[variables.sex]
label = \"Sex\"
values = { 1 = \"Male\", 2 = \"Female\" }
[variables.ethnic]
missing = [\"Refused\"]
[[derive]]
name = \"ethnic5\"
from = \"ethnic\"
scheme = \"ons-2021-19\"
to = \"ons-5\"
";

fn study_with(study: &str, recodes: &str) -> TempDir {
    folder(&[
        ("study.toml", study),
        ("shared/recodes.toml", recodes),
        ("people.csv", PEOPLE),
        ("homes.csv", HOMES),
    ])
}

/// The groups of the first estimate with their estimates.
fn groups(folder: &Path) -> Vec<(String, f64)> {
    let results = results(folder);
    let table = &results["estimates"][0];
    let levels: Vec<&str> = table["by"][0]["levels"]
        .as_array()
        .expect("levels")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let rows = table["rows"].as_array().expect("rows");
    let estimates = rows.iter().map(|r| r["estimate"].as_f64().expect("a number"));
    levels.iter().map(|l| (*l).to_string()).zip(estimates).collect()
}

fn named(pairs: &[(&str, f64)]) -> Vec<(String, f64)> {
    pairs.iter().map(|(l, x)| ((*l).to_string(), *x)).collect()
}

/// A study of people with a file of their homes.
const JOIN: &str = "\
title = \"T\"
[data]
file = \"people.csv\"
[[data.join]]
file = \"homes.csv\"
on = \"hid\"
prefix = \"h_\"
[design]
weight = \"w\"
[[estimate]]
total = \"y\"
by = \"h_region\"
[[estimate]]
mean = \"h_y\"
";
