//! A copy of a data file with weights: everything else in it stays as it was, in the eyes of
//! rakewell's own reader always, and of R haven and pyreadstat where they are there.

use std::path::{Path, PathBuf};
use std::process::Command;

use rakewell::data::io::{
    DataError, Fault, NewColumn, ReadOptions, read, stage_appended, write_parquet,
};
use rakewell::data::{Column, Table};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/io").join(name)
}

fn table(path: &Path) -> Table {
    read(path, &ReadOptions::default()).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Weights that are no small whole numbers, one that is, one that is missing.
fn weights(rows: usize) -> Vec<f64> {
    (0..rows)
        .map(|i| match i {
            1 => 3.0,
            2 => f64::NAN,
            3 => -0.0,
            i => 1.0 / (i as f64 + 3.0),
        })
        .collect()
}

fn columns<'a>(weight: &'a [f64], replicate: &'a [f64]) -> Vec<NewColumn<'a>> {
    let column = |name: &str, label: &str, values: &'a [f64], weight| NewColumn {
        name: name.into(),
        label: label.into(),
        values: values.into(),
        weight,
    };
    vec![
        column("rakewell_weight", "Final weight", weight, true),
        column("rakewell_rep1", "Replicate weight 1", replicate, false),
    ]
}

fn appended(source: &Path, target: &Path) -> Result<(), DataError> {
    let options = ReadOptions::default();
    let rows = table(source).rows();
    let (weight, replicate) = (weights(rows), vec![2.5; rows]);
    stage_appended(source, &options, target, &columns(&weight, &replicate))?.commit()?;
    Ok(())
}

fn bits(column: &Column) -> Vec<u64> {
    column.as_numbers().unwrap().to_vec().iter().map(|x| x.to_bits()).collect()
}

/// Every fixture that can be written back, with the ending of its copy.
const COPIES: [(&str, &str); 17] = [
    ("haven_none.sav", "sav"),
    ("haven_byte.sav", "sav"),
    ("haven.zsav", "zsav"),
    ("haven_none.sav", "zsav"),
    ("haven.zsav", "sav"),
    ("by_hand_1252.sav", "sav"),
    ("by_hand_1252_big.sav", "sav"),
    ("by_hand_1252_big.sav", "zsav"),
    ("haven_v8.dta", "dta"),
    ("haven_v10.dta", "dta"),
    ("haven_v13.dta", "dta"),
    ("haven_v14.dta", "dta"),
    ("haven_v15.dta", "dta"),
    ("pandas_v114_big.dta", "dta"),
    ("pandas_v117_big.dta", "dta"),
    ("pandas_v118_big.dta", "dta"),
    ("pandas_v119_little.dta", "dta"),
];

#[test]
fn a_copy_has_all_columns_and_the_new_ones() {
    let folder = tempfile::tempdir().unwrap();
    for (name, ending) in COPIES {
        let copy = folder.path().join(format!("{name}.{ending}"));
        appended(&fixture(name), &copy).unwrap_or_else(|e| panic!("{name}: {e}"));
        let (before, after) = (table(&fixture(name)), table(&copy));
        let count = before.columns().len();
        assert_eq!(after.columns().len(), count + 2, "{name}");
        for (old, new) in before.columns().iter().zip(after.columns()) {
            assert_eq!(format!("{old:?}"), format!("{new:?}"), "{name}");
        }
        let weight = after.column("rakewell_weight").unwrap();
        let expected = Column::numbers("rakewell_weight", weights(before.rows()));
        assert_eq!(bits(weight), bits(&expected), "{name}");
        assert_eq!(weight.label.as_deref(), Some("Final weight"), "{name}");
        assert_eq!(
            bits(after.column("rakewell_rep1").unwrap()),
            vec![2.5_f64.to_bits(); before.rows()]
        );
        // A copy of the copy is refused, because the names are taken.
        let error = appended(&copy, &folder.path().join("again.sav")).unwrap_err();
        let taken = matches!(
            &error,
            DataError::File { fault: Fault::NameTaken { .. } | Fault::NotWritten { .. }, .. }
        );
        assert!(taken, "{name}: {error}");
    }
}

#[test]
fn every_record_of_an_spss_file_that_is_not_about_its_columns_stays() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["by_hand_1252.sav", "by_hand_1252_big.sav", "haven_byte.sav"] {
        let copy = folder.path().join(name);
        appended(&fixture(name), &copy).unwrap();
        let (before, after) =
            (std::fs::read(fixture(name)).unwrap(), std::fs::read(&copy).unwrap());
        let has = |bytes: &[u8], text: &[u8]| bytes.windows(text.len()).any(|w| w == text);
        for text in [
            &b"$mr=D1 1 5 First Q2A Q2B\n"[..],
            b"A line of documentation.",
            b"$@Role('0'",
            b"made by hand",
            b"Origin(",
            b"Sex of respondent",
        ] {
            assert_eq!(has(&before, text), has(&after, text), "{name}: {}", text.escape_ascii());
        }
        assert_eq!(before[4..64], after[4..64], "{name}: the program");
        assert_eq!(before[84..176], after[84..176], "{name}: bias, date and label of the file");
    }
}

#[test]
fn other_formats_take_weights_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let parquet = path("a.parquet");
    let (a, b) = (Column::numbers("a", vec![1.0, f64::NAN]), Column::text("b", &[Some("x"), None]));
    write_parquet(&parquet, &[&a, &b]).unwrap();
    appended(&parquet, &path("b.parquet")).unwrap();
    let copy = table(&path("b.parquet"));
    assert_eq!(format!("{:?}", &copy.columns()[..2]), format!("{:?}", table(&parquet).columns()));
    assert_eq!(bits(&copy.columns()[2])[0], (1.0_f64 / 3.0).to_bits());

    // From a format that is not written to one that is.
    for target in ["c.csv", "c.parquet"] {
        appended(&fixture("haven.sas7bdat"), &path(target)).unwrap();
        let copy = table(&path(target));
        let before = table(&fixture("haven.sas7bdat"));
        assert!(copy.names().take(6).eq(before.names()), "{target}");
        assert_eq!(bits(copy.column("WT").unwrap()), bits(before.column("WT").unwrap()));
    }
    for (source, target) in
        [("haven.sas7bdat", "d.xpt"), ("sheets.xlsx", "d.xlsx"), ("haven_v8.xpt", "d.sav")]
    {
        let error = appended(&fixture(source), &path(target)).unwrap_err();
        assert!(error.help().unwrap().contains(".csv"), "{error}");
        assert!(!path(target).exists());
    }
}

#[test]
fn names_that_a_format_does_not_allow_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (source, ending, names) in [
        ("haven_byte.sav", "sav", &["1w", "a b", "and", "w.", "SEX", ""][..]),
        ("by_hand_1252.sav", "sav", &["Łódź"]),
        (
            "haven_v15.dta",
            "dta",
            &[
                "1w",
                "a b",
                "w.",
                "sex",
                "",
                "a23456789012345678901234567890123",
                "byte",
                "int",
                "_n",
                "_all",
                "if",
                "str20",
                "strL",
            ],
        ),
        ("haven_v8.dta", "dta", &["é"]),
    ] {
        let values = vec![1.0; table(&fixture(source)).rows()];
        for name in names {
            let column = NewColumn {
                name: (*name).into(),
                label: String::new(),
                values: values.as_slice().into(),
                weight: true,
            };
            let target = folder.path().join(format!("x.{ending}"));
            let error =
                stage_appended(&fixture(source), &ReadOptions::default(), &target, &[column]);
            let error = error.map(drop).unwrap_err();
            let refused = matches!(
                &error,
                DataError::File { fault: Fault::Name { .. } | Fault::NameTaken { .. }, .. }
            );
            assert!(refused, "{source}, {name}: {error}");
        }
    }
    // As many rows as the file has.
    let column =
        NewColumn { name: "w".into(), label: String::new(), values: (&[1.0]).into(), weight: true };
    for source in ["haven_byte.sav", "haven_v14.dta"] {
        let target = folder.path().join(source);
        let result = stage_appended(
            &fixture(source),
            &ReadOptions::default(),
            &target,
            std::slice::from_ref(&column),
        );
        assert!(matches!(result, Err(DataError::Changed { .. })));
    }
}

/// Reads pairs of file and copy with R haven.
const R_JUDGE: &str = r#"
        if (!requireNamespace("haven", quietly = TRUE)) { cat("NOT THERE\n"); quit() }
        library(haven)
        files <- commandArgs(trailingOnly = TRUE)
        get <- function(f) if (grepl("dta$", f)) read_dta(f, encoding = if (grepl("v114", f)) "windows-1252") else read_sav(f, user_na = TRUE)
        for (i in seq(1, length(files), 2)) {
          # What haven cannot read it cannot judge.
          a <- tryCatch(suppressMessages(get(files[i])), error = function(e) NULL)
          if (is.null(a)) { cat("same\n"); next }
          b <- suppressMessages(get(files[i + 1])); n <- ncol(a)
          stopifnot(ncol(b) == n + 2, identical(names(b)[n + 1:2], c("rakewell_weight", "rakewell_rep1")))
          # To the bits, so that tagged missing values and the sign of zero count.
          for (j in seq_len(n)) stopifnot(identical(serialize(a[[j]], NULL), serialize(b[[j]], NULL)))
          stopifnot(identical(attr(a, "label"), attr(b, "label")), identical(attr(a, "notes"), attr(b, "notes")))
          w <- as.numeric(b$rakewell_weight)
          stopifnot(w[1] == 1 / 3, w[2] == 3, is.na(w[3]), b$rakewell_rep1 == 2.5)
          cat("same\n")
        }
    "#;

/// Reads pairs of file and copy with pyreadstat.
const PYTHON_JUDGE: &str = r#"
import sys
try:
    import pyreadstat
except ImportError:
    print("NOT THERE"); sys.exit()
files = sys.argv[1:]
def get(f):
    if f.endswith("dta"):
        return pyreadstat.read_dta(f, user_missing=True, encoding="windows-1252" if "v114" in f else None)
    return pyreadstat.read_sav(f, user_missing=True)
for one, two in zip(files[::2], files[1::2]):
    try:
        a, m = get(one)
    except pyreadstat.ReadstatError:
        print("same"); continue  # what it cannot read it cannot judge
    b, k = get(two)
    n = len(a.columns)
    assert list(b.columns)[:n] == list(a.columns) and len(b.columns) == n + 2
    assert a.equals(b.iloc[:, :n]), one
    for name in ["column_names_to_labels", "variable_value_labels", "missing_ranges", "missing_user_values",
                 "original_variable_types", "variable_measure", "variable_alignment", "variable_display_width",
                 "variable_storage_width"]:
        old, new = getattr(m, name), getattr(k, name)
        assert {c: v for c, v in new.items() if not c.startswith("rakewell_")} == old, (one, name, old, new)
    for name in ["file_label", "file_encoding", "notes", "mr_sets", "number_rows"]:
        assert getattr(m, name, None) == getattr(k, name, None), (one, name)
    assert b["rakewell_weight"][0] == 1 / 3 and (b["rakewell_rep1"] == 2.5).all()
    print("same")
"#;

/// Runs a program on pairs of file and copy; false when it is not there.
fn judged(program: &str, arguments: &[&str], script: &str, pairs: &[(PathBuf, PathBuf)]) -> bool {
    let mut there = Command::new(program);
    there.args(arguments).arg(script);
    there.args(pairs.iter().flat_map(|(a, b)| [a.as_os_str(), b.as_os_str()]));
    let Ok(output) = there.output() else { return false };
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    if text.contains("NOT THERE") {
        return false;
    }
    assert!(output.status.success(), "{text}");
    assert_eq!(text.matches("same\n").count(), pairs.len(), "{text}");
    true
}

/// `RAKEWELL_FORMATS=FOLDER` copies files of one's own and has the copies judged.
#[test]
fn copies_of_files_of_ones_own_are_judged_the_same() {
    let Some(own) = std::env::var_os("RAKEWELL_FORMATS") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut pairs = Vec::new();
    for entry in std::fs::read_dir(own).unwrap() {
        let path = entry.unwrap().path();
        let ending = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        if !["sav", "zsav", "dta"].contains(&ending.as_str()) {
            continue;
        }
        let Ok(before) = read(&path, &ReadOptions::default()) else { continue };
        // The judges look at the first three weights.
        if before.rows() < 3 {
            continue;
        }
        let copy = folder.path().join(path.file_name().unwrap());
        appended(&path, &copy).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let after = table(&copy);
        let count = before.columns().len();
        assert_eq!(
            format!("{:?}", before.columns()),
            format!("{:?}", &after.columns()[..count]),
            "{}",
            path.display()
        );
        pairs.push((path, copy));
    }
    println!("{} copies", pairs.len());
    let python = std::env::var("RAKEWELL_PYTHON").unwrap_or_else(|_| "python3".into());
    let judges = [
        judged("Rscript", &["-e"], R_JUDGE, &pairs),
        judged(&python, &["-c"], PYTHON_JUDGE, &pairs),
    ];
    println!("judged by R haven, pyreadstat: {judges:?}");
}

fn pairs(folder: &Path, names: &[(&str, &str)]) -> Vec<(PathBuf, PathBuf)> {
    let copy = |(name, ending): &(&str, &str)| {
        let copy = folder.join(format!("{name}.{ending}"));
        appended(&fixture(name), &copy).unwrap();
        (fixture(name), copy)
    };
    names.iter().map(copy).collect()
}

#[test]
fn r_haven_sees_nothing_changed() {
    let folder = tempfile::tempdir().unwrap();
    // It cannot read the long texts of this one, see tests/data/io/make_expected.R.
    let names: Vec<_> = COPIES.into_iter().filter(|c| c.0 != "pandas_v119_little.dta").collect();
    if !judged("Rscript", &["-e"], R_JUDGE, &pairs(folder.path(), &names)) {
        eprintln!("SKIPPED: Rscript with haven is not there; copies were not read by it");
    }
}

#[test]
fn pyreadstat_sees_nothing_changed() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<_> = COPIES.into_iter().filter(|c| c.0 != "pandas_v119_little.dta").collect();
    let pairs = pairs(folder.path(), &names);
    let named = std::env::var("RAKEWELL_PYTHON").ok();
    let programs = named.iter().map(String::as_str).chain(["python3"]);
    if !programs.into_iter().any(|p| judged(p, &["-c"], PYTHON_JUDGE, &pairs)) {
        eprintln!(
            "SKIPPED: no python3 (or $RAKEWELL_PYTHON) with pyreadstat; copies were not read by it"
        );
    }
}
