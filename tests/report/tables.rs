//! The terminal, CSV, JSON, Parquet and the manifest.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, UInt64Type};
use arrow_array::{Array, RecordBatch};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rakewell::report::{Document, SCHEMA, csv, json, manifest_json, parquet, terminal};

use crate::mock;

/// The fields of a column of the CSV file.
fn column(document: &Document, name: &str) -> Vec<String> {
    let bytes = csv(document);
    let mut reader = ::csv::Reader::from_reader(bytes.as_slice());
    let at = reader.headers().unwrap().iter().position(|h| h == name).unwrap();
    reader.records().map(|r| r.unwrap()[at].to_string()).collect()
}

#[test]
fn csv_has_a_row_for_everything() {
    let document = mock::document();
    let estimates: usize = document.estimates.iter().map(|t| t.rows.len()).sum();
    let compared: usize = document.comparisons.iter().map(|t| t.rows.len()).sum();
    let kind = column(&document, "kind");
    assert_eq!(kind.len(), estimates + compared);
    assert_eq!(kind.iter().filter(|k| *k == "estimate").count(), estimates);

    let first = |name: &str| column(&document, name)[0].clone();
    assert_eq!(first("table"), "discrimination");
    assert_eq!(first("statistic"), "proportion");
    assert_eq!(first("by1"), "ethnicity");
    assert_eq!(first("level1"), mock::ETHNIC_GROUPS[0]);
    assert_eq!(first("level2"), "UK-born");
    assert_eq!(first("domain"), format!("{} · UK-born", mock::ETHNIC_GROUPS[0]));
    assert_eq!(first("interval"), "korn-graubard");
    assert_eq!(first("df_rule"), "domain-psus-minus-strata");
    assert_eq!(first("standard"), "nchs");
    assert_eq!(first("group"), "");
    let compared = column(&document, "reference");
    assert_eq!(compared[estimates], mock::ETHNIC_GROUPS[0]);
    assert_eq!(column(&document, "statistic")[estimates], "difference");
}

#[test]
fn the_columns_are_those_that_are_documented() {
    let text = String::from_utf8(csv(&mock::document())).unwrap();
    let expected = "kind,table,statistic,outcome,level,probability,domain,by1,level1,by2,level2,\
                    by3,level3,by4,level4,group,reference,n,n_missing,psus,weight_sum,estimate,\
                    se,cv,lower,upper,confidence,interval,deff,n_eff,n_eff_kish,df,df_rule,t,p,\
                    p_adjusted,test_value,ddf,missing_share,group_missing,group_missing_rows,group_missing_share,\
                    bound_rows,bound_all,bound_lowest,bound_highest,bound_lower,bound_upper,\
                    imputations,within,between,missing_information,flag,flag_rules,standard,weight,\
                    variance,se_replicates,se_ratio,replicates,\
                    model_dependent";
    assert_eq!(text.lines().next(), Some(expected));
    let documented = include_str!("../../src/report/csv.rs");
    for name in expected.split(',').filter(|n| !n.ends_with(['2', '3', '4'])) {
        assert!(documented.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn csv_numbers_are_exact_and_suppressed_values_are_there() {
    let document = mock::document();
    let rows: Vec<_> = document.estimates.iter().flat_map(|t| &t.rows).collect();
    let (estimates, flags) = (column(&document, "estimate"), column(&document, "flag"));
    for (row, text) in rows.iter().zip(&estimates) {
        assert_eq!(text.parse::<f64>().ok(), row.estimate);
    }
    let suppressed = flags.iter().zip(&estimates).filter(|(f, _)| *f == "suppress");
    assert!(suppressed.clone().count() > 3);
    assert!(suppressed.clone().all(|(_, e)| !e.is_empty()));
}

#[test]
fn more_than_four_crossed_variables_lose_nothing() {
    let mut document = mock::document();
    let by = (1..=6).map(|i| mock::by(&format!("v{i}"), "V", &["a", "b"])).collect();
    document.estimates = vec![mock::table(
        "deep",
        "Deep",
        rakewell::estimate::Statistic::Mean,
        vec![mock::outcome("x", "X")],
        by,
        |_, _, _| mock::plain(1.0, 0.1, 10, 1.0, 5.0, (0.8, 1.2)),
    )];
    assert_eq!(column(&document, "by6"), {
        let mut expected = vec!["v6"; 64];
        expected.resize(column(&document, "kind").len(), "");
        expected
    });
    assert_eq!(column(&document, "level6")[..4], ["a", "b", "a", "b"]);
}

fn spoil(document: &mut Document) {
    for row in document.estimates.iter_mut().flat_map(|t| &mut t.rows) {
        (row.estimate, row.se, row.df) = (Some(f64::NAN), Some(f64::INFINITY), Some(f64::INFINITY));
        row.weight_sum = f64::NAN;
    }
    for row in document.comparisons.iter_mut().flat_map(|t| &mut t.rows) {
        (row.t, row.p) = (Some(f64::NEG_INFINITY), Some(f64::NAN));
    }
}

#[test]
fn nothing_but_finite_numbers_is_written() {
    let mut document = mock::document();
    spoil(&mut document);
    let text = String::from_utf8(csv(&document)).unwrap();
    assert!(!text.contains("NaN") && !text.contains(",inf") && !text.contains("-inf"));
    assert!(column(&document, "df").iter().take(54).all(String::is_empty));
    let text = String::from_utf8(json(&document).unwrap()).unwrap();
    assert!(!text.contains("NaN") && !text.contains("inf,") && !text.contains("Infinity"));
    assert!(!terminal(&document, 120, false).contains("NaN"));
    let batch = read(&parquet(&document).unwrap());
    assert_eq!(batch.column_by_name("estimate").unwrap().null_count(), batch.num_rows());
}

#[test]
fn json_holds_the_document_in_order() {
    let document = mock::document();
    let bytes = json(&document).unwrap();
    assert_eq!(bytes, json(&document).unwrap());
    let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
    let expected = [
        "schema",
        "program",
        "title",
        "description",
        "source",
        "data",
        "design",
        "weighting",
        "estimates",
        "comparisons",
        "tests",
        "warnings",
    ];
    assert_eq!(keys, expected);
    assert_eq!(value["schema"], SCHEMA);
    let row = &value["estimates"][0]["rows"][4];
    assert_eq!(row["estimate"].as_f64(), document.estimates[0].rows[4].estimate);
    assert_eq!(value["estimates"][0]["statistic"], "proportion");
}

fn read(bytes: &[u8]) -> RecordBatch {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let file = std::fs::File::open(file.path()).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let mut reader = reader.with_batch_size(1 << 20).build().unwrap();
    reader.next().unwrap().unwrap()
}

#[test]
fn parquet_holds_the_estimates_of_the_csv_file() {
    let document = mock::document();
    let batch = read(&parquet(&document).unwrap());
    let estimates: usize = document.estimates.iter().map(|t| t.rows.len()).sum();
    assert_eq!(batch.num_rows(), estimates);
    for field in batch.schema().fields() {
        let fields = column(&document, field.name());
        let array = batch.column_by_name(field.name()).unwrap();
        for (i, text) in fields.iter().take(estimates).enumerate() {
            if array.is_null(i) {
                assert_eq!(text, "", "{}", field.name());
            } else if let Some(values) = array.as_primitive_opt::<Float64Type>() {
                assert_eq!(text.parse::<f64>().unwrap(), values.value(i), "{}", field.name());
            } else if let Some(values) = array.as_primitive_opt::<UInt64Type>() {
                assert_eq!(text.parse::<u64>().unwrap(), values.value(i), "{}", field.name());
            } else {
                assert_eq!(text, array.as_string::<i32>().value(i), "{}", field.name());
            }
        }
    }
    let mut empty = mock::document();
    empty.estimates.clear();
    assert!(parquet(&empty).is_ok());
}

#[test]
fn the_manifest_is_json() {
    let manifest = mock::manifest();
    let value: serde_json::Value =
        serde_json::from_slice(&manifest_json(&manifest).unwrap()).unwrap();
    assert_eq!(value["inputs"][1]["path"], "census2021-margins.csv");
    assert_eq!(value["seeds"]["bootstrap"], 7);
    assert_eq!(value["timings"][0][0], "read");
}

#[test]
fn the_terminal_fits_its_width() {
    let document = mock::document();
    for width in [60, 80, 100, 120, 160] {
        let text = terminal(&document, width, false);
        for line in text.lines() {
            assert!(line.chars().count() <= usize::from(width), "{width}: {line}");
        }
        for row in document.estimates.iter().flat_map(|t| &t.rows) {
            assert!(text.contains(&row.n.to_string()) || row.n > 999, "{width}: n = {}", row.n);
        }
    }
}

#[test]
fn the_terminal_shows_all_values_and_explains_flags_once() {
    let document = mock::document();
    let text = terminal(&document, 120, false);
    assert!(!text.contains('\x1b'));
    let suppressed: Vec<_> = document.estimates[0]
        .rows
        .iter()
        .filter(|r| r.quality.as_ref().is_some_and(|q| q.rules.iter().any(|r| r.contains("< 30"))))
        .collect();
    for row in &suppressed {
        let shown = format!("{:.1}", row.estimate.unwrap() * 100.0);
        assert!(text.lines().any(|l| l.contains(&shown) && l.ends_with("suppress")), "{shown}");
    }
    assert_eq!(text.matches("too imprecise for the standard").count(), 1);
    assert_eq!(text.matches("Vital and Health Statistics").count(), 1);
    assert!(terminal(&document, 120, true).contains("\x1b[31msuppress\x1b[0m"));
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let mut document = mock::document();
    document.title = "a\x1b[2Jb".to_string();
    document.estimates[0].by[0].levels[0] = "c\x1b[2J\r\nd".to_string();
    document.weighting[0].description = "e\x07".to_string();
    let text = terminal(&document, 100, false);
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
}
