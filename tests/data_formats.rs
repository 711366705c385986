//! The file formats of other programs: what is read is what R haven reads of the same files
//! (`tests/data/io/expected.json`), and what another reader says where there is one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rakewell::data::io::{
    Charset, DataError, Fault, NewColumn, Note, ReadOptions, names, read, read_with_notes,
    stage_appended,
};
use rakewell::data::{Calendar, Codes, Column, Table, Values};
use serde_json::Value;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/io").join(name)
}

fn table(name: &str) -> Table {
    read(&fixture(name), &ReadOptions::default()).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn sheet(file: &str, sheet: &str) -> Result<Table, DataError> {
    let options = ReadOptions { sheet: Some(sheet.to_string()), ..ReadOptions::default() };
    read(&fixture(file), &options)
}

/// A column in the shape of the expected values.
#[derive(Debug, PartialEq)]
struct Seen {
    label: Option<String>,
    calendar: Option<String>,
    numbers: Option<Vec<f64>>,
    texts: Option<Vec<Option<String>>>,
    missing: BTreeMap<String, u64>,
    labels: BTreeMap<String, String>,
}

fn of_column(column: &Column) -> Seen {
    let (mut numbers, mut texts) = (None, None);
    let mut labels = BTreeMap::new();
    match &column.values {
        Values::Numbers(values) => numbers = Some(values.to_vec()),
        Values::Text(factor) => {
            let level = |&code: &u32| factor.levels.get(code as usize).map(|l| l.value.clone());
            texts = Some(factor.codes.to_vec().iter().map(level).collect());
            assert!(
                factor
                    .codes
                    .to_vec()
                    .iter()
                    .all(|&c| { c == Codes::NONE || (c as usize) < factor.levels.len() })
            );
            for level in &factor.levels {
                labels.extend(level.label.clone().map(|l| (level.value.clone(), l)));
            }
        }
        other => panic!("{other:?}"),
    }
    labels.extend(column.value_labels.iter().map(|(x, l)| (format!("{x}"), l.clone())));
    for code in &column.missing {
        labels.extend(code.label.clone().map(|l| (code.code.clone(), l)));
    }
    Seen {
        label: column.label.clone(),
        calendar: column.calendar.map(|c| format!("{c:?}")),
        numbers,
        texts,
        missing: column.missing.iter().map(|m| (m.code.clone(), m.count)).collect(),
        labels,
    }
}

fn of_json(json: &Value) -> Seen {
    let number = |v: &Value| match v.as_str().expect("a number as text") {
        "NA" => f64::NAN,
        text => text.parse().expect("a number"),
    };
    // Counts and labels by code; codes of numbers are written as R does.
    let plain = |code: &str| match code.parse::<f64>() {
        Ok(x) if json.get("numbers").is_some() => format!("{x}"),
        _ => code.to_string(),
    };
    let pairs = |key: &str| -> Vec<(String, Value)> {
        let object = json.get(key).and_then(Value::as_object);
        object.into_iter().flatten().map(|(k, v)| (plain(k), v.clone())).collect()
    };
    let text = |v: &Value| v.as_str().map(ToString::to_string);
    // A list of one is written as its only entry.
    let list = |v: &Value| v.as_array().cloned().unwrap_or_else(|| vec![v.clone()]);
    Seen {
        label: json.get("label").and_then(text),
        calendar: json.get("calendar").and_then(text),
        numbers: json.get("numbers").map(|v| list(v).iter().map(number).collect()),
        texts: json.get("values").map(|v| list(v).iter().map(text).collect()),
        missing: pairs("missing").into_iter().map(|(k, v)| (k, v.as_u64().unwrap())).collect(),
        labels: pairs("labels").into_iter().map(|(k, v)| (k, text(&v).unwrap())).collect(),
    }
}

/// Labels of values that no row has are not kept for texts and missing codes.
fn without_idle_labels(mut expected: Seen, seen: &Seen) -> Seen {
    let used = |code: &str| {
        let texts = seen.texts.iter().flatten().flatten();
        seen.missing.contains_key(code) || texts.into_iter().any(|t| t == code)
    };
    let numeric = seen.numbers.is_some();
    expected.labels.retain(|code, _| {
        let missing = code.starts_with('.') || numeric && !seen.labels.contains_key(code);
        if numeric && !missing { true } else { used(code) }
    });
    expected
}

/// What differs between a column as seen and as expected.
fn differences(seen: &Seen, expected: &Seen) -> Vec<String> {
    let bits = |v: &Option<Vec<f64>>| -> Option<Vec<u64>> {
        let canonical = |x: &f64| if x.is_nan() { f64::NAN.to_bits() } else { x.to_bits() };
        v.as_ref().map(|v| v.iter().map(canonical).collect())
    };
    let mut found = Vec::new();
    if bits(&seen.numbers) != bits(&expected.numbers) {
        found.push(format!("numbers {:?}, expected {:?}", seen.numbers, expected.numbers));
    }
    if seen.texts != expected.texts {
        found.push(format!("texts {:?}, expected {:?}", seen.texts, expected.texts));
    }
    let rest =
        |s: &Seen| (s.label.clone(), s.calendar.clone(), s.missing.clone(), s.labels.clone());
    if rest(seen) != rest(expected) {
        found.push(format!("{:?}, expected {:?}", rest(seen), rest(expected)));
    }
    found
}

/// Holds the files of a folder against its `expected.json` (`make_expected.R` writes it); with how
/// many files there were.
fn against_expected(folder: &Path) -> (usize, Vec<String>) {
    let text = std::fs::read_to_string(folder.join("expected.json")).unwrap();
    let expected: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap();
    let mut found = Vec::new();
    for (name, columns) in &expected {
        let columns = columns.as_object().unwrap();
        let path = folder.join(name);
        let table = match read(&path, &ReadOptions::default()) {
            Ok(table) => table,
            // A file without rows is refused in words.
            Err(DataError::NoRows { .. }) if columns.values().all(is_empty) => continue,
            Err(e) => {
                found.push(format!("{name}: {e}"));
                continue;
            }
        };
        if !table.names().eq(columns.keys()) {
            found.push(format!("{name}: {:?}", table.names().collect::<Vec<_>>()));
            continue;
        }
        let header = names(&path, &ReadOptions::default()).unwrap();
        assert_eq!(header, table.names().collect::<Vec<_>>(), "{name}");
        for (column, json) in columns {
            let seen = of_column(table.column(column).unwrap());
            let different = differences(&seen, &without_idle_labels(of_json(json), &seen));
            found.extend(different.into_iter().map(|d| format!("{name}, {column}: {d}")));
        }
    }
    (expected.len(), found)
}

fn is_empty(column: &Value) -> bool {
    ["numbers", "values"].iter().all(|k| column[*k].as_array().is_none_or(Vec::is_empty))
}

#[test]
fn every_file_is_read_as_haven_reads_it() {
    let (files, different) = against_expected(&fixture(""));
    assert!(files >= 15, "{files}");
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// Files with odd things, made and read by R haven where it is there: long texts, letters beyond ASCII,
/// missing codes of every kind, labels of values that no row has, names of 64 bytes, dates far away,
/// columns without values, many columns, one row, none.
const MAKE: &str = r#"
if (!requireNamespace("haven", quietly = TRUE) || !requireNamespace("jsonlite", quietly = TRUE)) {
  cat("NOT THERE\n"); quit()
}
library(haven)
set.seed(7)
n <- 30
pick <- function(x) sample(x, n, replace = TRUE)
long <- function(k) substr(paste(rep("abcdefghi ", 1 + k / 10), collapse = ""), 1, k)
df <- function(...) tibble::tibble(...)
try_all <- function(name, d, versions = c(8, 10, 12, 13, 14, 15), sas = FALSE) {
  for (p in c("byte", "none")) write_sav(d, paste0(name, "_", p, ".sav"), compress = p)
  write_sav(d, paste0(name, ".zsav"), compress = "zsav")
  for (v in versions) write_dta(d, sprintf("%s_v%d.dta", name, v), version = v, strl_threshold = 100)
  if (sas) {
    names(d) <- toupper(names(d))
    for (v in c(5, 8)) write_xpt(d, sprintf("%s_v%d.xpt", name, v), version = v, name = "D")
    suppressWarnings(write_sas(d, paste0(name, ".sas7bdat")))
  }
}
widths <- c(1, 7, 8, 9, 63, 64, 254, 255, 256, 257, 503, 504, 505, 506, 756, 1000, 5000, 9000)
texts <- lapply(widths, function(k) pick(c(long(k), "", "x", paste0("  ", substr(long(k), 1, max(1, k - 3)), "z"))))
texts <- tibble::as_tibble(setNames(texts, paste0("ww", widths)))
texts$after <- seq_len(n) + 0.5
try_all("texts", texts, c())
try_all("short", texts[, c(1:4, ncol(texts))], sas = TRUE)
try_all("letters", df(`ÄÖÜ_größe` = pick(c(1, 2, NA)), `日本語` = pick(c("日本", "é", "", "😀🎉")),
  label = labelled(pick(c(1, 2)), c(`Łódź — “q”` = 1, `日本 😀` = 2), label = "Étiquette")), 14:15)
try_all("codes", df(
  lowest = labelled_spss(pick(c(-5, -1, 0, 3)), c(bad = -5), na_range = c(-Inf, -1)),
  highest = labelled_spss(pick(c(97, 98, 99, 5)), c(dk = 98), na_range = c(97, Inf)),
  both = labelled_spss(pick(c(97, 98, 99, 5, -1)), c(dk = 98), na_range = c(97, 99), na_values = -1),
  three = labelled_spss(pick(c(7, 8, 9, 1)), c(r = 7, d = 8, u = 5), na_values = c(7, 8, 9)),
  parts = labelled_spss(pick(c(0.5, 1.25, 2)), na_range = c(0.4, 0.6)),
  text = labelled_spss(pick(c("a", "b", "XX", "")), c(Alpha = "a", Gone = "XX"), na_values = "XX"),
  longer = labelled_spss(pick(c("a longer text", "not stated", "z")), c(L = "a longer text"), na_values = "not stated"),
  unused = labelled_spss(pick(c(1, 2)), c(r = -9), na_values = c(-9, -8))), c())
tags <- tagged_na(letters)
tagged <- df(all = c(tags, 1, 2, NA, 3), some = labelled(c(tags, 1, 2, NA, 3), c(one = 1, A = tagged_na("a"), Z = tagged_na("z"))))
for (v in c(8, 10, 12, 13, 14, 15)) write_dta(tagged, sprintf("tagged_v%d.dta", v), version = v)
try_all("labels", df(far = labelled(pick(c(1, 5)), c(one = 1, two = 2, minus = -4), label = long(80)),
  twice = labelled(pick(c(1, 2)), c(Same = 1, Same = 2)), many = labelled(pick(1:500 + 0), setNames(1:900 + 0, paste("Label", 1:900)))))
days <- as.Date(c("0001-01-01", "1582-10-14", "1582-10-15", "1959-12-31", "1960-01-01", "1969-12-31", "2000-02-29", "9999-12-31", NA))
stamps <- as.POSIXct(c("1600-01-01 00:00:00", "1959-12-31 23:59:59", "1969-12-31 23:59:59", "1970-01-01", "2000-02-29 12:34:56",
  "2024-03-31 02:30:00", "2099-12-31 23:59:59", "9999-12-31", NA), tz = "UTC")
try_all("dates", df(dd = days, tt = stamps), sas = TRUE)
write_sav(df(hh = hms::hms(c(0, 59.5, 86399, 86400, 1e5, -1, NA))), "times.sav")
try_all("empty", df(nn = rep(NA_real_, n), ch = rep("", n), ii = rep(NA_integer_, n), da = as.Date(rep(NA, n)),
  lab = labelled(rep(NA_real_, n), c(a = 1)), fine = 1))
one <- df(aa = 1, bb = "x", cc = as.Date("2024-05-31"))
try_all("one", one, sas = TRUE)
try_all("none", one[0, ], c(14, 15))
try_all("names", setNames(df(a = 1:4 + 0, b = 2, c = "t", e = long(300)),
  c(strrep("a", 64), paste0(strrep("a", 63), "b"), paste0(strrep("é", 31), "x"), strrep("q", 60))), c())
wide <- tibble::as_tibble(setNames(lapply(1:1500, function(i) sample(c(1, 2, NA), 4, TRUE)), sprintf("v%05d", 1:1500)))
try_all("wide", wide, c(10, 12, 14, 15))
x <- c(0, 1, -1, 100, 101, 151, 152, -99, -100, 127, 128, 32740, 32741, 2147483620, 2147483621, -2147483648, 2^53, 1e300, 0.1, 1/3, NA)
try_all("numbers", df(xx = x, whole = c(seq_len(20), NA)))
"#;

#[test]
fn odd_files_that_haven_makes_are_read_as_haven_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let judge = fixture("make_expected.R");
    let script = format!("{MAKE}\nsource({:?})\n", judge.display().to_string());
    std::fs::write(folder.path().join("make.R"), script).unwrap();
    let made = std::process::Command::new("Rscript")
        .args(["--vanilla", "make.R"])
        .current_dir(folder.path())
        .env("LC_ALL", "C.UTF-8")
        .output();
    let text = |o: &std::process::Output| {
        String::from_utf8_lossy(&o.stdout).into_owned() + &String::from_utf8_lossy(&o.stderr)
    };
    let made = match made {
        Ok(output) if !text(&output).contains("NOT THERE") => output,
        _ => {
            eprintln!("SKIPPED: Rscript with haven and jsonlite is not there; no files were made");
            return;
        }
    };
    assert!(made.status.success(), "{}", text(&made));
    let (files, different) = against_expected(folder.path());
    assert!(files >= 75, "{files}");
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// `RAKEWELL_FORMATS=FOLDER` holds files of one's own against the `expected.json` beside them.
#[test]
fn files_of_ones_own_are_read_as_haven_reads_them() {
    let Some(folder) = std::env::var_os("RAKEWELL_FORMATS") else { return };
    let (files, different) = against_expected(Path::new(&folder));
    println!("{files} files, {} differences", different.len());
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn all_packings_of_an_spss_file_read_alike() {
    let byte = table("haven_byte.sav");
    for name in ["haven_none.sav", "haven.zsav"] {
        // haven drops the sign of a zero when it packs numbers into bytes.
        let shown = |table: &Table| format!("{:?}", table.columns()).replace("-0.0", "0.0");
        assert_eq!(shown(&table(name)), shown(&byte), "{name}");
    }
    let long = byte.column("longtext").unwrap().as_factor();
    assert_eq!(long.levels.iter().map(|l| l.value.len()).max(), Some(699), "the 700th is a space");
}

#[test]
fn a_stata_file_of_many_variables_reads_like_one_of_few() {
    let (few, many) = (table("pandas_v118_big.dta"), table("pandas_v119_little.dta"));
    assert_eq!(format!("{:?}", many.columns()), format!("{:?}", few.columns()));
    assert_eq!(many.column("name").unwrap().as_factor().levels.len(), 4);
}

#[test]
fn only_the_wanted_columns_come_and_unknown_ones_are_named() {
    for (name, first, last) in [
        ("haven_byte.sav", "sex", "design_weight"),
        ("haven.zsav", "sex", "design_weight"),
        ("haven_v8.dta", "income", "design_weight"),
        ("haven_v15.dta", "notes", "design_weight"),
        ("haven_v8.xpt", "NAME", "WT"),
        ("haven.sas7bdat", "NAME", "WT"),
    ] {
        let wanted = [last.to_string(), first.to_string()];
        let options = ReadOptions { columns: Some(&wanted), ..ReadOptions::default() };
        let some = read(&fixture(name), &options).unwrap();
        let mut found: Vec<&str> = some.names().collect();
        found.sort_unstable();
        let mut expected = [first, last];
        expected.sort_unstable();
        assert_eq!(found, expected, "{name}");
        let whole = table(name);
        for column in some.columns() {
            let same = whole.column(&column.name).unwrap();
            assert_eq!(format!("{column:?}"), format!("{same:?}"), "{name}");
        }
        let wanted = [last.to_string() + "x"];
        let options = ReadOptions { columns: Some(&wanted), ..ReadOptions::default() };
        let error = read(&fixture(name), &options).unwrap_err();
        assert!(error.help().unwrap().contains(last), "{name}: {error}");
    }
}

#[test]
fn sheets_are_read_alike_from_both_formats() {
    for file in ["sheets.xlsx", "sheets.ods"] {
        let first = read_with_notes(&fixture(file), &ReadOptions::default()).unwrap();
        assert!(matches!(&first.notes[..], [Note::FirstSheet { sheet, others }]
            if sheet == "Margins" && others == &["Mixed"]));
        let total = first.table.column("total").unwrap().as_numbers().unwrap().to_vec();
        assert_eq!(total, [29_200_000.0, 30_400_000.5, 12.0, 13.0]);

        let mixed = sheet(file, "Mixed").unwrap();
        let column = |name: &str| mixed.column(name).unwrap();
        let numbers = |name: &str| column(name).as_numbers().unwrap().to_vec();
        let texts = |name: &str| of_column(column(name)).texts.unwrap();
        let text = |t: &str| Some(t.to_string());
        assert_eq!(numbers("id"), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(column("day").calendar, Some(Calendar::Date));
        assert_eq!(numbers("day")[..2], [19_874.0, -1.0]);
        assert!(numbers("day")[2].is_nan());
        assert_eq!(numbers("day")[3], 11_016.0);
        assert_eq!(column("when").calendar, Some(Calendar::DateTime));
        assert_eq!(numbers("when")[0], 19_874.0 * 86_400.0 + 49_510.0);
        assert_eq!(numbers("when")[2], 915_148_800.0);
        assert_eq!(column("clock").calendar, Some(Calendar::Time), "{file}");
        assert_eq!((numbers("clock")[0], numbers("clock")[2]), (49_510.0, 1_800.0));
        assert_eq!(numbers("share")[2..], [-1.5, 1e10]);
        assert_eq!(numbers("yes"), [1.0, 0.0, 1.0, 0.0]);
        assert_eq!(texts("text")[..2], [text("Łódź"), text("a <b> & \"c\"")]);
        assert_eq!(
            (column("text").missing[0].code.as_str(), column("text").missing[0].count),
            ("NA", 1)
        );
        assert_eq!(texts("mixed"), [text("1"), text("two"), text("3.5"), None]);
        assert_eq!(numbers("digits"), [1.0, 2.0, 3.0, -4.5]);
        assert_eq!(texts("zip")[0], text("007"));

        let error = sheet(file, "Nowhere").unwrap_err();
        assert!(matches!(&error, DataError::File { fault: Fault::NoSheet { .. }, .. }), "{error}");
        assert!(error.help().unwrap().contains("`Margins`, `Mixed`"));
    }
}

#[test]
fn the_content_tells_the_format_where_the_name_does_not() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "haven_byte.sav",
        "haven.zsav",
        "haven_v8.dta",
        "haven_v15.dta",
        "haven_v5.xpt",
        "haven.sas7bdat",
        "sheets.ods",
    ] {
        let copy = folder.path().join("data");
        std::fs::copy(fixture(name), &copy).unwrap();
        let found = read(&copy, &ReadOptions::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
        let expected = format!("{:?}", table(name).columns());
        assert_eq!(format!("{:?}", found.columns()), expected, "{name}");
    }
    // A wrong ending is said, not guessed around.
    let wrong = folder.path().join("wrong.dta");
    std::fs::copy(fixture("haven_byte.sav"), &wrong).unwrap();
    let error = read(&wrong, &ReadOptions::default()).unwrap_err();
    assert!(error.to_string().contains("should be a Stata file but is an SPSS file"), "{error}");
}

/// The values are those of `make_fixtures.py`; R haven 2.5 reads the same numbers, texts and missing
/// codes, but for letters beyond ASCII and for texts with spaces at their end as missing codes.
#[test]
fn portable_files_of_spss_are_read() {
    let missing = |column: &Column| -> Vec<(String, Option<String>, u64)> {
        column.missing.iter().map(|m| (m.code.clone(), m.label.clone(), m.count)).collect()
    };
    let plain = table("by_hand.por");
    let names: Vec<&str> = plain.names().collect();
    assert_eq!(names, ["SEX", "AGE", "INCOME", "TOP", "REGION", "NAME", "DAY", "WT"]);
    let column = |name: &str| plain.column(name).unwrap();
    // NaN is not equal to itself; missing values are −99 here.
    let numbers = |name: &str| -> Vec<f64> {
        let values = column(name).as_numbers().unwrap().to_vec();
        values.into_iter().map(|x| if x.is_nan() { -99.0 } else { x }).collect()
    };
    assert_eq!(numbers("SEX"), [1.0, 2.0, 2.0, 1.0, -99.0]);
    assert_eq!(column("SEX").label.as_deref(), Some("Sex of respondent"));
    let labels = &column("SEX").value_labels;
    assert_eq!(labels[..2], [(1.0, "Male".to_string()), (2.0, "Female".to_string())]);
    // Lowest to −1, and 999.
    assert_eq!(numbers("AGE"), [17.0, -99.0, -99.0, -99.0, 45.0]);
    let code = |code: &str| (code.to_string(), None, 1);
    assert_eq!(missing(column("AGE")), [code("-9"), code("-1"), code("999")]);
    // 97 to 99; a label is that of SEX.
    assert_eq!(numbers("INCOME"), [-99.0, -99.0, -99.0, -99.0, 1.0]);
    let known = ("98".to_string(), Some("Don't know".to_string()), 1);
    assert_eq!(missing(column("INCOME")), [code("97"), known, code("99")]);
    // 90 to the highest.
    assert_eq!(numbers("TOP"), [1.5, -99.0, -99.0, 89.99, -0.001]);
    assert_eq!(missing(column("TOP")), [code("90"), code("91.5")]);
    let region = of_column(column("REGION"));
    let text = |t: &str| Some(t.to_string());
    assert_eq!(region.texts.unwrap(), [text("NE"), None, None, text("NE"), text("N")]);
    assert_eq!(region.label.as_deref(), Some("Région"));
    assert_eq!(missing(column("REGION")), [("XX".into(), text("Unknown"), 1)]);
    let long = text("a long name that goes beyond the end of a line");
    let name = of_column(column("NAME")).texts.unwrap();
    assert_eq!(name, [text("Zoë"), None, long, text("  spaced"), text("x")]);
    assert_eq!(column("DAY").calendar, Some(Calendar::Date));
    assert_eq!(numbers("DAY"), [19_873.0, 0.0, -99.0, 19_874.0, -141_428.0]);
    // 2F₃₀ = 75; 75 · 30⁸.
    assert_eq!(numbers("WT"), [0.1, 1.25, 273.15, 75.0 * 30_f64.powi(8), 1.0 / 3.0]);

    let translated = table("by_hand_translated.por");
    assert_eq!(format!("{:?}", translated.columns()), format!("{:?}", plain.columns()));
    let wanted = ["WT".to_string(), "NAME".to_string()];
    let options = ReadOptions { columns: Some(&wanted), ..ReadOptions::default() };
    let some = read(&fixture("by_hand.por"), &options).unwrap();
    assert_eq!(some.names().collect::<Vec<_>>(), ["NAME", "WT"]);
    assert_eq!(format!("{:?}", some.columns()[1]), format!("{:?}", column("WT")));
    // Known by its content, and not written.
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("data");
    std::fs::copy(fixture("by_hand.por"), &copy).unwrap();
    assert_eq!(read(&copy, &ReadOptions::default()).unwrap().rows(), 5);
    let weight =
        NewColumn { name: "w".into(), label: String::new(), values: &[1.0; 5], weight: true };
    let target = folder.path().join("copy.por");
    let error =
        stage_appended(&fixture("by_hand.por"), &ReadOptions::default(), &target, &[weight]);
    let error = error.map(drop).unwrap_err();
    assert!(matches!(&error, DataError::File { fault: Fault::NotWritten { .. }, .. }), "{error}");
}

/// R haven reads the same labels (`make_fixtures.R`), but for negative numbers.
#[test]
fn catalogues_of_sas_label_values() {
    let options =
        ReadOptions { catalogue: Some(fixture("by_hand.sas7bcat")), ..ReadOptions::default() };
    for name in ["haven_formats.sas7bdat", "haven_formats.xpt"] {
        let bare = table(name);
        assert!(bare.columns().iter().all(|c| c.value_labels.is_empty()), "{name}");
        let labelled = read(&fixture(name), &options).unwrap();
        let column = |name: &str| labelled.column(name).unwrap();
        let label = |x: f64, text: &str| (x, text.to_string());
        assert_eq!(
            column("SEX").value_labels,
            [
                label(1.0, "Male"),
                label(2.0, "Female"),
                label(-9.0, "Refused"),
                label(1.5, "Between")
            ],
            "{name}"
        );
        let missing = &column("SEX").missing;
        assert_eq!(missing.len(), 1, "{name}");
        assert_eq!((missing[0].code.as_str(), missing[0].count), (".A", 1));
        assert_eq!(missing[0].label.as_deref(), Some("Not asked"));
        assert_eq!(
            of_column(column("REGION")).labels.into_iter().collect::<Vec<_>>(),
            [("N".to_string(), "North".to_string()), ("S".to_string(), "Süd".to_string())]
        );
        assert_eq!(column("OCC").value_labels.len(), 59);
        assert_eq!(column("OCC").value_labels[58], label(59.0, "Occupation 59"));
        assert!(column("W").value_labels.is_empty());
        assert_eq!(column("OCC").as_numbers(), bare.column("OCC").unwrap().as_numbers());
    }
    let wrong =
        ReadOptions { catalogue: Some(fixture("haven.sas7bdat")), ..ReadOptions::default() };
    let error = read(&fixture("haven_formats.sas7bdat"), &wrong).unwrap_err().to_string();
    assert!(
        error.contains("should be a SAS catalogue of formats but is a SAS data set"),
        "{error}"
    );
    // By itself it is no data file.
    let error = read(&fixture("by_hand.sas7bcat"), &ReadOptions::default()).unwrap_err();
    assert!(error.to_string().contains("catalogue"), "{error}");
}

/// What Excel saves as "Unicode text", and old files whose letters are those of DOS.
#[test]
fn text_in_other_encodings_is_read_and_copied_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let text = "name\tw\nŁódź\t1\n\"日本 😀\"\t2\n";
    for big in [false, true] {
        let encoded = |text: &str| -> Vec<u8> {
            let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
            units.flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
        };
        std::fs::write(path("wide.txt"), encoded(text)).unwrap();
        let table = read(&path("wide.txt"), &ReadOptions::default()).unwrap();
        let seen = of_column(table.column("name").unwrap());
        assert_eq!(seen.texts.unwrap(), [Some("Łódź".to_string()), Some("日本 😀".to_string())]);
        let column =
            NewColumn { name: "v".into(), label: String::new(), values: &[1.5, 2.5], weight: true };
        stage_appended(&path("wide.txt"), &ReadOptions::default(), &path("copy.txt"), &[column])
            .unwrap()
            .commit()
            .unwrap();
        let expected = "name\tw\tv\nŁódź\t1\t1.5\n\"日本 😀\"\t2\t2.5\n";
        assert_eq!(std::fs::read(path("copy.txt")).unwrap(), encoded(expected));
    }
    std::fs::write(path("dos.csv"), b"caf\x82,b\n\x9C,1\n\x84,2\n").unwrap();
    let in_page = |name| ReadOptions { encoding: Charset::named(name), ..ReadOptions::default() };
    let table = read(&path("dos.csv"), &in_page("cp850")).unwrap();
    assert_eq!(table.names().next(), Some("café"));
    assert_eq!(table.columns()[0].as_factor().levels[0].value, "£");
    // The same bytes in a Stata file that does not say its encoding.
    let mut old = std::fs::read(fixture("haven_v12.dta")).unwrap();
    let needle = b"Sex";
    let places: Vec<usize> = (0..old.len() - 3).filter(|&i| &old[i..i + 3] == needle).collect();
    for &at in &places {
        old[at + 1] = 0x82;
    }
    assert!(!places.is_empty());
    std::fs::write(path("old.dta"), &old).unwrap();
    let label = |encoding| {
        let table = read(&path("old.dta"), &in_page(encoding)).unwrap();
        table.column("sex").unwrap().label.clone().unwrap()
    };
    assert!(label("cp437").starts_with("Séx"), "{}", label("cp437"));
    assert!(label("windows-1252").starts_with("S‚x"), "{}", label("windows-1252"));
}
